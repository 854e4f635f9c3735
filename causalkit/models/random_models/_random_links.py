"""Links of random series: which there are, how strong, and what keeps series from running away."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np

from causalkit.models.random_models.series_draw import Links
from causalkit.models.random_models.series_model import SeriesModel
from causalkit.models.random_models.series_specification import SeriesSpec
from causalkit.models.structural_var import StructuralVAR
from causalkit.typing import FloatArray

__all__ = ["contracted", "damped", "draw_links", "in_regimes", "scaling"]

_LARGEST: Final = 0.95
_WAVES: Final = 5
_PILOT: Final = 6000


def draw_links(spec: SeriesSpec, rng: np.random.Generator) -> Links:
    """Draw who drives whom, at which lag, how strongly and by what function."""
    found = _pairs(spec, rng)
    causes, effects, lags = (np.array(column, dtype=np.intp) for column in zip(*found, strict=True))
    m, own = len(found), causes == effects
    weights = rng.uniform(*spec.strength, size=m) * rng.choice((-1.0, 1.0), size=m)
    weights[own] = rng.uniform(*spec.memory, size=int(own.sum()))
    bent = ~own & (spec.shape != "linear")
    weights[bent] *= 1.5  # about as strong as a line: these functions have a deviation of 0.7
    shapes = np.where(bent, 1 if spec.shape == "tanh" else 2, 0)
    parameters = _tanhs(m, rng) if spec.shape == "tanh" else _waves(m, rng)
    return Links(causes, effects, lags, weights[None], shapes.astype(np.intp), parameters)


def _pairs(spec: SeriesSpec, rng: np.random.Generator) -> list[tuple[int, int, int]]:
    """Draw links as (cause, effect, lag), no two series being linked both now and over a lag."""
    p = spec.n_series + spec.n_latents
    place = rng.permutation(spec.n_series)
    found = [(j, j, 1) for j in range(p)]
    for u in range(spec.n_series, p):
        for j in rng.permutation(spec.n_series)[:2].tolist():
            found.append((u, j, int(rng.integers(1, spec.max_lag + 1))))
    taken = set()
    others = [
        (i, j)
        for i in range(spec.n_series)
        for j in range(spec.n_series)
        if i != j and not (spec.acyclic and place[i] > place[j])
    ]
    for i, j in _some(others, spec.links * spec.n_series, rng):
        found.append((i, j, int(rng.integers(1, spec.max_lag + 1))))
        taken.add((i, j))
    free = [(i, j) for i, j in others if place[i] < place[j] and not {(i, j), (j, i)} & taken]
    return found + [(i, j, 0) for i, j in _some(free, spec.step_links * spec.n_series, rng)]


def _some(
    pairs: list[tuple[int, int]], count: float, rng: np.random.Generator
) -> list[tuple[int, int]]:
    picked = rng.permutation(len(pairs))[: round(count)]
    return [pairs[k] for k in picked]


def _tanhs(m: int, rng: np.random.Generator) -> FloatArray:
    """tanh(frequency x + phase): rising, bent where most of the data are."""
    parameters = np.ones((m, 1, 3))
    parameters[:, 0, 1] = rng.uniform(0.8, 1.6, m)
    parameters[:, 0, 2] = rng.uniform(-0.5, 0.5, m)
    return parameters


def _waves(m: int, rng: np.random.Generator) -> FloatArray:
    """Sums of cosines, of standard deviation 0.7 under a normal cause of variance 1.5."""
    parameters = np.stack(
        [
            rng.normal(size=(m, _WAVES)),
            rng.normal(size=(m, _WAVES)),
            rng.uniform(0, 2 * np.pi, (m, _WAVES)),
        ],
        axis=2,
    )
    nodes, shares = np.polynomial.hermite_e.hermegauss(40)
    x, shares = np.sqrt(1.5) * nodes, shares / shares.sum()
    inner = parameters[:, :, 1, None] * x + parameters[:, :, 2, None]
    curves = (parameters[:, :, 0, None] * np.cos(inner)).sum(axis=1)
    spread = np.sqrt(((curves - (curves @ shares)[:, None]) ** 2) @ shares)
    parameters[:, :, 0] *= (0.7 / spread)[:, None]
    return parameters


# --- what keeps them from running away ------------------------------------------------------------


def damped(links: Links, p: int) -> Links:
    """Multiply weights of lag l by c^l, which multiplies each root by c, where one is too large."""
    lines = np.where(links.shapes == 0, links.weights, 0.0)
    table = replace(links, weights=lines).by_lag(p)[0]
    radius = StructuralVAR(tuple(range(p)), table).spectral_radius
    if radius <= _LARGEST:
        return links
    scale = np.where(links.shapes == 0, (_LARGEST / radius) ** links.lags, 1.0)
    return replace(links, weights=links.weights * scale)


def contracted(links: Links, p: int, most: FloatArray | float) -> Links:
    """Scale the lines into each series until their sizes sum to 0.95 at most, in each regime.

    `most` is what a weight is ever multiplied by, (m,) or one for all.
    """
    sizes = np.where(links.shapes == 0, np.abs(links.weights), 0.0) * most
    sums = np.zeros((len(sizes), p))
    for row, size in zip(sums, sizes, strict=True):
        np.add.at(row, links.effects, size)
    scale = np.minimum(1.0, _LARGEST / np.maximum(sums.max(axis=0), 1e-12))
    return replace(links, weights=links.weights * scale[links.effects])


# --- regimes --------------------------------------------------------------------------------------


def in_regimes(
    links: Links, spec: SeriesSpec, moved: list[bool], rng: np.random.Generator
) -> tuple[Links, FloatArray, FloatArray]:
    """Give the series that change other weights, scales of noise and levels in each regime.

    From one regime to the next, weights of links change their sign, and memories move to the other
    side of the middle of their range, so no change is too small to matter.
    """
    p, r = len(moved), spec.n_regimes
    weights = np.repeat(links.weights, r, axis=0)
    scales, levels = np.ones((r, p)), np.zeros((r, p))
    own, into = links.causes == links.effects, np.array(moved)[links.effects]
    middle = sum(spec.memory) / 2
    for k in range(1, r):
        if "coefficient" in spec.what:
            drawn = rng.uniform(*spec.strength, size=len(own)) / np.mean(spec.strength)
            turned = -np.sign(weights[k - 1]) * np.abs(weights[0]) * drawn
            mirrored = 2 * middle - weights[k - 1]
            weights[k, into] = np.where(own, mirrored, turned)[into]
        if "noise" in spec.what and k % 2:
            scales[k] = np.where(moved, rng.uniform(1.5, 2.5, p), 1.0)
        if "level" in spec.what:
            step = rng.uniform(1.0, 2.0, p) * rng.choice((-1.0, 1.0), p)
            levels[k] = np.where(moved, levels[0] + step, 0.0)
    return replace(links, weights=weights), scales, levels


# --- mean and variance ----------------------------------------------------------------------------


def scaling(model: SeriesModel, rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
    """Mean and standard deviation of each series: exact if linear, else of a pilot sample."""
    p = len(model.variables)
    if model.is_linear and not model.drivers and not len(model.subject_levels):
        return np.zeros(p), _stationary_deviations(model)
    n_subjects = max(len(model.subject_weights), 1)
    plain = replace(model, latents=(), centres=np.zeros(p), units=np.ones(p))
    pilot = plain.sample(max(_PILOT // n_subjects, 300), rng).data
    values = pilot[list(model.variables)].to_numpy()
    return values.mean(axis=0), values.std(axis=0)


def _stationary_deviations(model: SeriesModel) -> FloatArray:
    """Roots of the diagonal of P = A P A' + Q, by doubling: each turn takes twice the steps."""
    p, weights = len(model.variables), model.links.by_lag(len(model.variables))[0]
    n_lags = max(len(weights) - 1, 1)
    now = np.linalg.inv(np.eye(p) - weights[0].T)
    turn = np.zeros((p * n_lags, p * n_lags))
    for lag in range(1, len(weights)):
        turn[:p, (lag - 1) * p : lag * p] = now @ weights[lag].T
    turn[p:, :-p] = np.eye(p * (n_lags - 1))
    variances = np.array([one.variance for one in model.noise]) * model.scales[0] ** 2
    total = np.zeros_like(turn)
    total[:p, :p] = (now * variances) @ now.T
    for _ in range(14):  # 2^14 steps; a root of 0.98 is forgotten long before
        total = total + turn @ total @ turn.T
        turn = turn @ turn
    deviations: FloatArray = np.sqrt(np.diag(total)[:p])
    return deviations
