"""Series drawn at random that make discovery hard in a known way: `random_series`.

One kind, one difficulty; settings combine them.

========================  ========================================================================
kind                      what it is
========================  ========================================================================
linear                    a structural VAR, Gaussian noise
nonlinear                 links between series are bent: a tanh, or waves (`shape`)
heavy-tailed              noise of Student's t with four degrees of freedom, or a mixture (`noise`)
regimes, change-points    parameters of some series differ between regimes, which come and go at
                          random or follow one another
drift                     they change smoothly
seasonal                  a season and a trend drive some series
latent                    series that drive several others are left out of the data
panel                     many subjects, each with parameters of its own
subsampled, aggregated    every second step of a faster process, or means of two steps
lorenz96, logistic-maps   chaotic systems
========================  ========================================================================

None of them runs away, and no model is thrown away to reach that:

* Constant linear links: multiplying all weights of lag l by c^l multiplies each root of the VAR by
  c, so too large a root is made 0.95.
* Linear links that change (regimes, drift, subjects): weights into each series are scaled until
  their sizes sum to 0.95 at most, whatever the regime. Then without noise the largest value of the
  last steps shrinks at each turn, whoever chooses the regime: a common bound, which roots of the
  single regimes do not give.
* Bent links are bounded by a number B. A series adds them to 0.98 times its own past at most, so it
  never leaves the sum of 0.98^k (B + |noise k steps ago|).

>>> model = random_series("nonlinear", n_series=4, rng=0)
>>> model.sample(300, rng=1).data.shape, model.spectral_radius < 0.98
((300, 4), True)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any, Final

import numpy as np

from causalkit._core.checks import as_names, check_choice
from causalkit._core.random import as_generator
from causalkit.errors import InputError
from causalkit.models.mechanisms.base import Noise
from causalkit.models.noise import Laplace, Mixture, Normal, Student, Uniform
from causalkit.models.random_models._random_links import (
    contracted,
    damped,
    draw_links,
    in_regimes,
    scaling,
)
from causalkit.models.random_models.calendar import Driver, Season, Trend
from causalkit.models.random_models.dynamics import (
    CoupledLogisticMaps,
    Lorenz96,
    random_logistic_maps,
)
from causalkit.models.random_models.resampling import Resampled
from causalkit.models.random_models.schedules import (
    ChangePoints,
    MarkovRegimes,
    Regimes,
    random_drift,
)
from causalkit.models.random_models.series_model import SeriesModel
from causalkit.models.random_models.series_specification import SeriesSpec
from causalkit.typing import FloatArray, Name, RandomState

__all__ = ["SERIES_KINDS", "random_series"]

SERIES_KINDS: Final[Mapping[str, Mapping[str, Any]]] = {
    "linear": {},
    "nonlinear": {"shape": "tanh"},
    "heavy-tailed": {"noise": "student"},
    "regimes": {"regimes": "markov"},
    "change-points": {"regimes": "change-points"},
    "drift": {"drift": 1.0},
    "seasonal": {"season": 24.0, "trend": True},
    "latent": {"n_latents": 2},
    "panel": {"n_subjects": 10},
    "subsampled": {"every": 2, "how": "skip"},
    "aggregated": {"every": 2, "how": "mean", "acyclic": True},
    "lorenz96": {},
    "logistic-maps": {},
}
"""By kind: the settings of :class:`SeriesSpec` that make it."""

_NOISES: Final[Mapping[str, Noise]] = {
    "gaussian": Normal(),
    "laplace": Laplace(),
    "uniform": Uniform(),
    "student": Student(4.0, 0.5**0.5),
    "mixture": Mixture(np.array([0.9, 0.1]), np.zeros(2), np.array([(0.375 / 0.9) ** 0.5, 2.5])),
}


def random_series(
    kind: str | SeriesSpec = "linear",
    *,
    rng: RandomState = None,
    **settings: Any,
) -> SeriesModel | Resampled | Lorenz96 | CoupledLogisticMaps:
    """Draw a model of series.

    Parameters
    ----------
    kind : str or SeriesSpec
        One of `SERIES_KINDS`; see the table of this module.
    rng : int, Generator or None
    **settings
        Settings of :class:`SeriesSpec` that differ from those of the kind, such as `n_series`.
        Chaotic systems know `n_series` only.

    Returns
    -------
    SeriesModel, Resampled, Lorenz96 or CoupledLogisticMaps
        All have `.graph` and `.sample(n_steps, rng)`, which returns a :class:`SeriesDraw`.

    Raises
    ------
    InputError
        If a kind or setting is unknown, or out of range.

    Examples
    --------
    >>> model = random_series("latent", n_series=3, n_latents=1, rng=1)
    >>> model.latents, model.graph.kind.name
    (('u0',), 'ADMG')
    >>> draw = random_series("heavy-tailed", season=12.0, rng=0).sample(100, rng=0)
    >>> list(draw.data)
    ['x0', 'x1', 'x2', 'x3', 'x4', 'season']
    """
    generator = as_generator(rng)
    if isinstance(kind, SeriesSpec):
        return _drawn(replace(kind, **_known(settings)), generator)
    check_choice(kind, "kind", tuple(SERIES_KINDS))
    spec = SeriesSpec(**{**SERIES_KINDS[kind], **_known(settings)})
    if kind not in ("lorenz96", "logistic-maps"):
        return _drawn(spec, generator)
    others = set(settings) - {"n_series"}
    if others:
        raise InputError(
            f"{kind} knows no {', '.join(sorted(others))}; expected n_series. Build a Lorenz96 or "
            "CoupledLogisticMaps for the rest."
        )
    if kind == "lorenz96":
        return Lorenz96(max(spec.n_series, 4))
    return random_logistic_maps(spec.n_series, rng=generator)


def _known(settings: Mapping[str, Any]) -> dict[str, Any]:
    names = [one.name for one in fields(SeriesSpec)]
    for name in settings:
        check_choice(name, "setting", names)
    return {k: tuple(v) if isinstance(v, (list, set)) else v for k, v in settings.items()}


def _drawn(spec: SeriesSpec, rng: np.random.Generator) -> SeriesModel | Resampled:
    model = _series(spec, rng)
    return model if spec.every == 1 else Resampled(model, spec.every, spec.how)


def _series(spec: SeriesSpec, rng: np.random.Generator) -> SeriesModel:
    p = spec.n_series + spec.n_latents
    latents = tuple(f"u{k}" for k in range(spec.n_latents))
    names: tuple[Name, ...] = (*(f"x{k}" for k in range(spec.n_series)), *latents)
    links, scales, levels = draw_links(spec, rng), np.ones((1, p)), np.zeros((1, p))
    moved = _moved(spec, names[: spec.n_series], rng)
    regimes, drift, subjects, own_levels = None, None, np.zeros((0, 0)), np.zeros((0, 0))
    if spec.regimes is not None:
        links, scales, levels = in_regimes(links, spec, [name in moved for name in names], rng)
        regimes = _regimes(spec)
    if spec.drift is not None:
        depth = 0.8 if "coefficient" in spec.what else 0.0
        level = 1.5 if "level" in spec.what else 0.0
        flags = [name in moved for name in names]
        drift = random_drift(flags, periods=spec.drift, depth=depth, level=level, rng=rng)
    if spec.n_subjects > 1:
        steps = np.clip(rng.normal(size=(spec.n_subjects, len(links.lags))), -2.0, 2.0)
        subjects = np.exp(spec.heterogeneity * steps)
        own_levels = 2 * spec.heterogeneity * rng.normal(size=(spec.n_subjects, p))
    if spec.changes:
        most = 1.8 if drift is not None and drift.depth else 1.0
        links = contracted(links, p, most * (subjects.max(axis=0) if len(subjects) else 1.0))
    else:
        links = damped(links, p)
    drivers, weights = _drivers(spec, p, rng)
    hidden = () if spec.show_drivers else tuple(driver.name for driver in drivers)
    model = SeriesModel(
        names, links, (_NOISES[spec.noise],) * p, scales, levels, regimes, drift, drivers, weights,
        (*latents, *hidden), subjects, own_levels, np.zeros(p), np.ones(p),
        names[: spec.n_series] if spec.n_subjects > 1 and spec.heterogeneity else moved,
    )  # fmt: skip
    if not spec.standardize:
        return model
    centres, units = scaling(model, rng)
    return replace(model, centres=centres, units=units)


def _moved(spec: SeriesSpec, names: tuple[Name, ...], rng: np.random.Generator) -> tuple[Name, ...]:
    """Series whose regimes differ, or that drift, in their order."""
    if spec.regimes is None and spec.drift is None:
        return ()
    if isinstance(spec.changing, (int, float)):
        picked = rng.permutation(len(names))[: round(spec.changing * len(names))]
        return tuple(names[k] for k in np.sort(picked))
    wanted = as_names(spec.changing)
    for name in wanted:
        check_choice(name, "changing", names)
    return tuple(name for name in names if name in wanted)


def _regimes(spec: SeriesSpec) -> Regimes:
    if spec.n_regimes == 1:
        raise InputError("n_regimes=1; expected at least 2 where regimes change.")
    if spec.regimes == "markov":
        return MarkovRegimes.lasting(spec.n_regimes, 100.0)
    return ChangePoints(tuple(k / spec.n_regimes for k in range(1, spec.n_regimes)))


def _drivers(
    spec: SeriesSpec, p: int, rng: np.random.Generator
) -> tuple[tuple[Driver, ...], FloatArray]:
    """Season and trend, each driving half of the series that are seen."""
    drivers: list[Driver] = []
    if spec.season is not None:
        drivers.append(Season("season", spec.season, float(rng.uniform(0, spec.season))))
    if spec.trend:
        drivers.append(Trend("trend"))
    weights = np.zeros((len(drivers), p))
    for row in weights:
        driven = rng.permutation(spec.n_series)[: -(-spec.n_series // 2)]
        row[driven] = rng.choice((-1, 1), len(driven)) * rng.uniform(0.5, 1.0, len(driven))
    return tuple(drivers), weights
