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

__all__ = ["by_twin", "own_advantage_of", "standings"]


def by_twin(board: Leaderboard, names: Sequence[str], measure: str) -> FloatArray:
    """Mean of a measure, twins by methods, more being better.

    Without an answer, as bad as the worst one that anybody gave, baselines included.
    """
    sign = next(-1.0 if m.best == "low" else 1.0 for m in MEASURES if m.name == measure)
    blocks, values = by_data_set(board.results, board.methods, measure)
    signed = sign * values
    worst = np.where(np.isnan(signed), np.inf, signed).min(axis=1, keepdims=True)
    filled = np.where(np.isnan(signed), np.where(np.isfinite(worst), worst, 0.0), signed)
    filled = filled[:, [board.methods.index(name) for name in names]]
    of_model = np.array([model for model, _, _ in blocks])
    means = [filled[of_model == model].mean(axis=0) for model in board.models]
    return np.array(means)


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


def own_advantage_of(values: FloatArray, counts: BoolArray, standing: FloatArray) -> float:
    """How much better methods are on their own twins than their standing elsewhere says."""
    rest = values - standing
    of_twin = np.array(
        [row[c].mean() if c.any() else np.nan for row, c in zip(rest, counts, strict=True)]
    )
    extra = (rest - of_twin[:, None])[~counts]
    extra = extra[np.isfinite(extra)]
    return float(extra.mean()) if len(extra) else float("nan")
