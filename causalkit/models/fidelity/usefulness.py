"""Train on synthetic, test on real: would what is learnt from the twin hold in the world.

A regression is trained once on synthetic and once on real windows, as many of each, and both are
tested on real blocks that neither has seen. In series it forecasts all variables one step ahead
from the steps before; in a table it predicts each variable from the others. It is a ridge
regression on values and their squares: quick, and the same for both sides, which is what a ratio
needs; outliers are drawn in, and no forecast leaves the range of what was learnt from. A category
is predicted as the chance of each level, and its error is the Brier score.

References
----------
Esteban, Hyland & Rätsch (2017), Real-valued (medical) time series generation with recurrent
conditional GANs. doi:10.48550/arXiv.1706.02633
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from causalkit.models.fidelity.paired_samples import Windows, spaced
from causalkit.typing import FloatArray, IntArray

__all__ = ["Usefulness", "compare_usefulness"]

_RIDGE: Final = 0.05
_FAR: Final = 4.0
_ROWS_A_SQUARE: Final = 4
_NOTHING: Final = 1e-10


@dataclass(frozen=True, slots=True, eq=False)
class Usefulness:
    """Errors on real data of what was learnt from each side, arrays of shape (p,).

    Attributes
    ----------
    from_real : ndarray
        Mean squared error when trained on real windows, as a share of the variance.
    from_synthetic : ndarray
        The same when trained on synthetic windows.
    """

    from_real: FloatArray
    from_synthetic: FloatArray

    @property
    def ratios(self) -> FloatArray:
        """Error learnt from real over error learnt from synthetic data: 1 is as useful; shape (p,).

        NaN where the real data leave no error, as with a constant.
        """
        known = self.from_real > _NOTHING
        below = np.where(known, np.maximum(self.from_synthetic, _NOTHING), 1.0)
        return np.where(known, self.from_real / below, np.nan)

    @property
    def ratio(self) -> float:
        """Geometric mean of the ratios; NaN if there are none."""
        known = self.ratios[~np.isnan(self.ratios)]
        return float(np.exp(np.log(known).mean())) if len(known) else float("nan")


def compare_usefulness(real: Windows, synthetic: Windows, owner: IntArray, p: int) -> Usefulness:
    """Train on both sides, test on real blocks, both ways round.

    Parameters
    ----------
    real, synthetic : Windows
        Coded.
    owner : ndarray of shape (q,)
        Variable of each coded column.
    p : int
        Number of variables.
    """
    errors = np.zeros((3, p))
    for tested in (0, 1):
        at_test = real.block % 2 == tested
        learn, test = real.values[~at_test], real.values[at_test]
        n = min(len(learn), len(synthetic.block))
        if n == 0 or len(test) == 0:
            continue
        other = spaced(synthetic, n).values
        own = spaced(real.take(np.flatnonzero(~at_test)), n).values
        scored = _table_errors if real.values.shape[1] == 1 else _forecast_errors
        parts = [scored(own, test, owner, p), scored(other, test, owner, p)]
        spread = _by_owner((test[:, -1] - learn[:, -1].mean(axis=0)) ** 2, owner, p)
        errors += np.array([*parts, spread])
    spread = np.where(errors[2] > _NOTHING, errors[2], np.nan)
    return Usefulness(errors[0] / spread, errors[1] / spread)


def _forecast_errors(learn: FloatArray, test: FloatArray, owner: IntArray, p: int) -> FloatArray:
    past, later = (rows[:, :-1].reshape(len(rows), -1) for rows in (learn, test))
    predicted = _predicted(past, learn[:, -1], later)
    return _by_owner((test[:, -1] - predicted) ** 2, owner, p)


def _table_errors(learn: FloatArray, test: FloatArray, owner: IntArray, p: int) -> FloatArray:
    learn, test = learn[:, 0], test[:, 0]
    squared = np.empty_like(test)
    for k in range(p):
        own = owner == k
        predicted = _predicted(learn[:, ~own], learn[:, own], test[:, ~own])
        squared[:, own] = (test[:, own] - predicted) ** 2
    return _by_owner(squared, owner, p)


def _by_owner(squared: FloatArray, owner: IntArray, p: int) -> FloatArray:
    """Sum of errors by variable, over rows and its columns."""
    sums = np.bincount(owner, weights=squared.sum(axis=0), minlength=p)
    return sums.astype(np.float64)


def _predicted(learn: FloatArray, target: FloatArray, test: FloatArray) -> FloatArray:
    """Ridge regression on values and, with rows enough, their squares."""
    learn, test = np.clip(learn, -_FAR, _FAR), np.clip(test, -_FAR, _FAR)
    if len(learn) > 2 * _ROWS_A_SQUARE * learn.shape[1]:
        learn, test = np.hstack([learn, learn**2]), np.hstack([test, test**2])
    centre, scale = learn.mean(axis=0), learn.std(axis=0)
    moves = scale > 1e-9
    x = (learn[:, moves] - centre[moves]) / scale[moves]
    mean = target.mean(axis=0)
    gram = x.T @ x
    gram[np.diag_indices(len(gram))] += _RIDGE * len(x)
    slopes = np.linalg.solve(gram, x.T @ (target - mean))
    predicted = mean + ((test[:, moves] - centre[moves]) / scale[moves]) @ slopes
    return np.asarray(np.clip(predicted, target.min(axis=0), target.max(axis=0)))
