"""Classifiers that look for different differences, each a score of how real a window is.

Each is told as little about the other ones as about the data. Boosted trees see thresholds and how
they interact; the logistic regression sees levels and changes, with squares also spread; the
quadratic discriminant sees all that second moments say, across series and lags as well, and is the
likelihood ratio of two linear Gaussian processes; neighbours see local clumps. All are quick, of
few settings, and kept from learning the training windows by heart, as windows overlap.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from causalkit.typing import FloatArray

__all__ = ["CLASSIFIERS", "Scorer"]

_FAR: Final = 8.0
"""Standard deviations beyond which a value is drawn in, where sums of squares would follow it."""

_NEIGHBOURS: Final = 25
_COMPONENTS: Final = 30
_MOST_DIRECTIONS: Final = 150
_NOTHING: Final = 1e-7
_RIDGE: Final = 0.02
_NEWTON_STEPS: Final = 15
_SETTLED: Final = 1e-3

Scorer = Callable[[FloatArray, FloatArray, FloatArray, int], FloatArray]
"""Score of test rows: (training rows, whether real, test rows, seed); higher is more real."""


def _standardised(learn: FloatArray, test: FloatArray) -> tuple[FloatArray, FloatArray]:
    centre, scale = learn.mean(axis=0), learn.std(axis=0)
    moves = scale > _NOTHING
    centre, scale = centre[moves], scale[moves]
    return (
        np.clip((learn[:, moves] - centre) / scale, -_FAR, _FAR),
        np.clip((test[:, moves] - centre) / scale, -_FAR, _FAR),
    )


def _boosting(learn: FloatArray, is_real: FloatArray, test: FloatArray, seed: int) -> FloatArray:
    from sklearn.ensemble import HistGradientBoostingClassifier

    model = HistGradientBoostingClassifier(
        learning_rate=0.15,
        max_iter=60,
        max_leaf_nodes=12,
        max_bins=63,
        l2_regularization=1.0,
        early_stopping=False,
        random_state=seed,
    )
    return _chances(model.fit(learn, is_real), test)


def _chances(model: Any, test: FloatArray) -> FloatArray:
    return np.asarray(model.predict_proba(test)[:, 1], dtype=np.float64)


def _logistic(learn: FloatArray, is_real: FloatArray, test: FloatArray, _: int) -> FloatArray:
    learn, test = _standardised(learn, test)
    return test @ _logistic_slopes(learn, is_real)


def _logistic_squares(
    learn: FloatArray, is_real: FloatArray, test: FloatArray, _: int
) -> FloatArray:
    learn, test = _standardised(learn, test)
    learn, test = _standardised(np.hstack([learn, learn**2]), np.hstack([test, test**2]))
    return test @ _logistic_slopes(learn, is_real)


def _logistic_slopes(rows: FloatArray, is_real: FloatArray) -> FloatArray:
    """Slopes of a ridge logistic regression of standardised rows, both classes weighted alike.

    Newton's steps; the intercept orders nothing and is left out of what is returned.
    """
    n, k = rows.shape
    design = np.hstack([np.ones((n, 1)), rows])
    share = is_real.mean()
    weight = np.where(is_real > 0, 0.5 / share, 0.5 / (1 - share))
    penalty = np.full(k + 1, _RIDGE * n)
    penalty[0] = 1e-8 * n
    slopes = np.zeros(k + 1)
    for _ in range(_NEWTON_STEPS):
        chance = 1.0 / (1.0 + np.exp(-np.clip(design @ slopes, -30.0, 30.0)))
        gradient = design.T @ (weight * (is_real - chance)) - penalty * slopes
        curvature = (design * (weight * chance * (1 - chance))[:, None]).T @ design
        curvature[np.diag_indices(k + 1)] += penalty
        step = np.linalg.solve(curvature, gradient)
        slopes += step
        if np.abs(step).max() < _SETTLED:
            break
    return slopes[1:]


def _quadratic(learn: FloatArray, is_real: FloatArray, test: FloatArray, _: int) -> FloatArray:
    """Gaussian discriminant; covariances drawn to the common one the more, the fewer the rows."""
    learn, test = _standardised(learn, test)
    learn, test = _components(learn, test, _MOST_DIRECTIONS, whiten=True)
    k = learn.shape[1]
    score = np.zeros(len(test))
    for side, sign in ((1.0, -0.5), (0.0, 0.5)):
        rows = learn[is_real == side]
        common = min(0.9, max(0.1, 3 * k / len(rows)))
        centre = (1 - common) * rows.mean(axis=0)
        centred = rows - rows.mean(axis=0)
        covariance = (1 - common) * (centred.T @ centred) / len(rows) + common * np.eye(k)
        value, vector = np.linalg.eigh(covariance)
        value = np.maximum(value, 1e-3)
        turned = (test - centre) @ vector
        score += sign * ((turned**2 / value).sum(axis=1) + np.log(value).sum())
    return score


def _neighbours(learn: FloatArray, is_real: FloatArray, test: FloatArray, _: int) -> FloatArray:
    from sklearn.neighbors import KNeighborsClassifier

    learn, test = _components(*_standardised(learn, test), _COMPONENTS, whiten=False)
    if learn.shape[1] == 0:
        return np.zeros(len(test))
    model = KNeighborsClassifier(max(1, min(_NEIGHBOURS, len(learn) // 8)), algorithm="brute")
    return _chances(model.fit(learn, is_real), test)


def _components(
    learn: FloatArray, test: FloatArray, most: int, *, whiten: bool
) -> tuple[FloatArray, FloatArray]:
    """Principal components that are not nothing, at most so many."""
    centre = learn.mean(axis=0)
    value, vector = np.linalg.eigh((learn - centre).T @ (learn - centre) / len(learn))
    value, vector = value[::-1][:most], vector[:, ::-1][:, :most]
    kept = value > _NOTHING * max(float(value[0]), 1e-300) if len(value) else value > 0
    turn = vector[:, kept] / np.sqrt(value[kept]) if whiten else vector[:, kept]
    return (learn - centre) @ turn, (test - centre) @ turn


CLASSIFIERS: Final[dict[str, Scorer]] = {
    "boosting": _boosting,
    "logistic": _logistic,
    "logistic_squares": _logistic_squares,
    "quadratic": _quadratic,
    "neighbours": _neighbours,
}
"""By name, in the order in which ties are broken."""
