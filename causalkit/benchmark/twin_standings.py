"""How methods stand to each other over twins, when some twins do not count for some methods.

A method should not be judged on a twin with the very graph that it found. Then methods are judged
on different twins, of which some are harder than others; so a value is taken apart into what is due
to the method and what is due to the twin,

    value[twin, method] = standing[method] + level[twin] + rest,

by least squares over the cells that count. Where all count, standings are differences of means.

>>> values = np.array([[1.0, 2.0], [5.0, 7.0]])
>>> standings(values, np.ones((2, 2), dtype=bool), np.array([[0.5, 0.5]]))
array([[-0.75,  0.75]])
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from causalkit.benchmark.results import Leaderboard
from causalkit.benchmark.summary import by_data_set
from causalkit.benchmark.tasks import MEASURES
from causalkit.typing import BoolArray, FloatArray

__all__ = ["by_twin", "noise_of_draws", "one_more", "own_advantage_of", "standings"]


def by_twin(board: Leaderboard, names: Sequence[str], measure: str) -> FloatArray:
    """Mean of a measure, twins by methods, more being better.

    Without an answer, as bad as the worst one that anybody gave, baselines included.
    """
    return np.array([part.mean(axis=0) for part in _draws(board, names, measure)])


def noise_of_draws(board: Leaderboard, names: Sequence[str], measure: str) -> float:
    """Mean variance of what `by_twin` says of a method beside the others, for its few data sets.

    Zero where each twin was drawn from once, which does not tell.
    """
    parts = [part - part.mean(axis=1, keepdims=True) for part in _draws(board, names, measure)]
    found = [part.var(axis=0, ddof=1) / len(part) for part in parts if len(part) > 1]
    return float(np.mean(found)) if found else 0.0


def _draws(board: Leaderboard, names: Sequence[str], measure: str) -> list[FloatArray]:
    """By twin: values of all data sets, data sets by methods."""
    sign = next(-1.0 if m.best == "low" else 1.0 for m in MEASURES if m.name == measure)
    blocks, values = by_data_set(board.results, board.methods, measure)
    signed = sign * values
    worst = np.where(np.isnan(signed), np.inf, signed).min(axis=1, keepdims=True)
    filled = np.where(np.isnan(signed), np.where(np.isfinite(worst), worst, 0.0), signed)
    filled = filled[:, [board.methods.index(name) for name in names]]
    of_model = np.array([model for model, _, _ in blocks])
    return [filled[of_model == model] for model in board.models]


def standings(values: FloatArray, counts: BoolArray, weights: FloatArray) -> FloatArray:
    """Weighted least squares of value = method + twin, methods centred, shape (n_draws, n_methods).

    Twins are swept out: of each, what counts is how a method stands to the others that count there.
    """
    n_there = np.maximum(counts.sum(axis=1), 1)
    there = counts.astype(np.float64)
    centred = there * (values - ((values * there).sum(axis=1) / n_there)[:, None])
    normal = np.einsum("ki,ij->kij", there, np.eye(values.shape[1]))
    normal -= there[:, :, None] * there[:, None, :] / n_there[:, None, None]
    left, right = np.einsum("dk,kij->dij", weights, normal), weights @ centred
    found = np.einsum("dij,dj->di", np.linalg.pinv(left, rcond=1e-10, hermitian=True), right)
    centred_ones: FloatArray = found - found.mean(axis=1, keepdims=True)
    return centred_ones


def one_more(
    values: FloatArray,
    counts: BoolArray,
    standing: FloatArray,
    weights: FloatArray,
    noise: float,
    rng: np.random.Generator,
) -> FloatArray:
    """By how much methods differ from their standing on one more twin, shape (n_draws, n_methods).

    The rest of a twin that is drawn by the weights, one for each row of them. Where a method does
    not count, it has the rest that it has on another twin. Rests are too small, as standings are
    fitted to them, and too large by the `noise` of the data sets that were drawn; both are mended.
    """
    n_twins = len(values)
    n_there = np.maximum(counts.sum(axis=1, keepdims=True), 1)
    rest = values - standing
    rest = np.where(counts, rest - (rest * counts).sum(axis=1, keepdims=True) / n_there, 0.0)
    rest *= np.sqrt(n_twins / max(n_twins - 1, 1))
    spread = float((rest[counts] ** 2).mean()) if counts.any() else 0.0
    rest *= np.sqrt(max(0.0, 1.0 - noise / spread)) if spread > 0 else 0.0
    chosen = (weights.cumsum(axis=1) < rng.random((len(weights), 1))).sum(axis=1)
    chosen = np.minimum(chosen, n_twins - 1)
    found: FloatArray = rest[chosen]
    for j in range(values.shape[1]):
        others = np.flatnonzero(counts[:, j])
        missing = np.flatnonzero(~counts[chosen, j])
        if len(others) and len(missing):
            found[missing, j] = rest[rng.choice(others, len(missing)), j]
    return found


def own_advantage_of(values: FloatArray, counts: BoolArray, standing: FloatArray) -> float:
    """How much better methods are on their own twins than their standing elsewhere says."""
    rest = values - standing
    of_twin = np.array(
        [row[c].mean() if c.any() else np.nan for row, c in zip(rest, counts, strict=True)]
    )
    extra = (rest - of_twin[:, None])[~counts]
    extra = extra[np.isfinite(extra)]
    return float(extra.mean()) if len(extra) else float("nan")
