"""Which values make cells missing: logistic regressions into which values enter one by one.

A value enters if the score of the regression without it says so: its sum of products with the
residuals, over the standard error of that. Of all values only the one with the largest ratio
enters at a time, so of two columns that say the same one is taken.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from causalkit.typing import BoolArray, FloatArray, IntArray

__all__ = ["ages_of", "choose_levels"]

_MATTERS: Final = 4.0
"""z-ratio of a value that enters: there are many, so chance must be rare."""
_ROUNDS: Final = 30
_MOST_OTHERS: Final = 20
_PENALTY: Final = 1e-2


def choose_levels(
    holes: BoolArray,
    levels: FloatArray,
    most: int,
    *,
    time: bool,
    allowed: BoolArray | None = None,
) -> list[int]:
    """Columns of `levels` that matter, at most so many; those first that matter most.

    Parameters
    ----------
    holes : ndarray of bool, shape (n, n_units)
    levels : ndarray of shape (n, n_levels)
        As known when each row begins.
    most : int
    time : bool
        Whether rows are steps.
    allowed : ndarray of bool, shape (n_units, n_levels), optional
        Which columns may matter for which unit; all of them if left out.
    """
    may = np.ones((holes.shape[1], levels.shape[1]), dtype=np.bool_) if allowed is None else allowed
    ratios: dict[int, float] = {}
    for unit in range(holes.shape[1]):
        past = _past(holes, unit) if time else _fewer(holes, unit)
        y = holes[len(holes) - len(past) :, unit].astype(np.float64)
        for level, ratio in _entering(past, y, levels[len(holes) - len(past) :], most, may[unit]):
            ratios[level] = max(ratios.get(level, 0.0), ratio)
    return sorted(ratios, key=lambda level: (-ratios[level], level))[:most]


def ages_of(holes: BoolArray) -> IntArray:
    """Steps for which each unit has been as it is, this one counted, shape (n, u)."""
    begins = np.ones_like(holes)
    begins[1:] = holes[1:] != holes[:-1]
    rows = np.arange(len(holes), dtype=np.intp)[:, None]
    ages: IntArray = rows - np.maximum.accumulate(np.where(begins, rows, 0), axis=0) + 1
    return ages


def _fewer(holes: BoolArray, unit: int) -> FloatArray:
    """Constant, and which of the columns with fewer holes, that come after it, are missing."""
    fewer = holes[:, unit + 1 :][:, :_MOST_OTHERS].astype(np.float64)
    return np.column_stack([np.ones(len(holes)), fewer])


def _past(holes: BoolArray, unit: int) -> FloatArray:
    """Constant, own hole a step ago, its age and that of no hole, and share of others missing."""
    own = holes[:-1, unit].astype(np.float64)
    age = np.log1p(ages_of(holes[:, [unit]])[:-1, 0])
    others = (holes[:-1].sum(axis=1) - own) / max(holes.shape[1] - 1, 1)
    return np.column_stack([np.ones(len(own)), own, own * age, (1 - own) * age, others])


def _entering(
    past: FloatArray, y: FloatArray, levels: FloatArray, most: int, may: BoolArray
) -> list[tuple[int, float]]:
    entered: list[tuple[int, float]] = []
    X = past
    while len(entered) < min(most, int(may.sum())):
        chance = _fitted(X, y)
        ratios = _scores(X, chance, y, levels)
        ratios[[level for level, _ in entered]] = 0.0
        ratios[~may] = 0.0
        best = int(ratios.argmax())
        if ratios[best] < _MATTERS:
            break
        entered.append((best, float(ratios[best])))
        X = np.column_stack([X, levels[:, best]])
    return entered


def _fitted(X: FloatArray, y: FloatArray) -> FloatArray:
    """Chances by logistic regression: Newton's method, hardly shrunk."""
    ridge = np.full(X.shape[1], _PENALTY)
    slopes = np.zeros(X.shape[1])
    mean = np.clip(y.mean(), 0.5 / len(y), 1 - 0.5 / len(y))
    slopes[0] = np.log(mean / (1 - mean))
    for _ in range(_ROUNDS):
        chance = _expit(X @ slopes)
        gradient = X.T @ (y - chance) - ridge * slopes
        hessian = (X * (chance * (1 - chance))[:, None]).T @ X + np.diag(ridge)
        step = np.linalg.solve(hessian, gradient)
        slopes = slopes + step * min(1.0, 3.0 / max(float(np.abs(step).max()), 1e-300))
        if np.abs(step).max() < 1e-6:
            break
    return _expit(X @ slopes)


def _expit(x: FloatArray) -> FloatArray:
    chance: FloatArray = 0.5 * (1 + np.tanh(x / 2))
    return chance


def _scores(X: FloatArray, chance: FloatArray, y: FloatArray, levels: FloatArray) -> FloatArray:
    """|z| of each level that is not in the regression."""
    weights = chance * (1 - chance)
    weighted = X * weights[:, None]
    gram = weighted.T @ X + _PENALTY * np.eye(X.shape[1])
    rest = levels - X @ np.linalg.solve(gram, weighted.T @ levels)
    errors = np.sqrt(np.maximum((weights[:, None] * rest**2).sum(axis=0), 1e-300))
    ratios: FloatArray = np.abs((y - chance) @ rest) / errors
    ratios[errors < 1e-6 * np.sqrt(len(y))] = 0.0  # nothing of its own is left
    return ratios
