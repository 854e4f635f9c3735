"""Ridge regression on a few causes, its penalty chosen by generalised cross-validation.

Columns are put in standard units and their moments decomposed once; after that each target and
each penalty costs a few products of vectors. The loss on rows that were not seen is estimated from
the loss on those that were and from the number of slopes that the penalty leaves free.

>>> X = np.array([[0.0], [1.0], [2.0], [3.0]])
>>> line = fit_line(X, np.array([1.0, 3.0, 5.0, 7.0]))
>>> line.slopes.round(3), round(line.intercept, 3)
(array([2.]), 1.0)

References
----------
Golub, Heath & Wahba (1979), Technometrics 21, 215-223. doi:10.1080/00401706.1979.10489751
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from causalkit.models.mechanisms.additive import Linear
from causalkit.typing import FloatArray

__all__ = ["RidgeDesign", "fit_line"]

_PENALTIES: Final = (1e-8, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0)


@dataclass(frozen=True, slots=True, eq=False)
class RidgeDesign:
    """Columns, ready for the regression of any target on them.

    Attributes
    ----------
    columns : ndarray of shape (n, k)
        With mean 0 and variance 1 (0 where a column does not vary).
    centre, scale : ndarray of shape (k,)
    roots : ndarray of shape (k,)
    turn : ndarray of shape (k, k)
        Decomposition of the moments of the columns.
    """

    columns: FloatArray
    centre: FloatArray
    scale: FloatArray
    roots: FloatArray
    turn: FloatArray

    @classmethod
    def of(cls, causes: FloatArray) -> RidgeDesign:
        """Prepare causes of shape (n, k)."""
        n, k = causes.shape
        centre, scale = causes.mean(axis=0), causes.std(axis=0)
        scale[scale <= 1e-12 * np.maximum(np.abs(centre), 1e-300)] = np.inf
        columns = (causes - centre) / scale
        if not k:
            return cls(columns, centre, scale, np.empty(0), np.empty((0, 0)))
        roots, turn = np.linalg.eigh(columns.T @ columns / n)
        return cls(columns, centre, scale, np.maximum(roots, 0.0), turn)

    def fit(self, value: FloatArray) -> Linear:
        """Regress a target of shape (n,) on the columns."""
        n, k = self.columns.shape
        mean = float(value.mean())
        if k == 0:
            return Linear(np.empty(0), mean)
        y = value - mean
        along = self.turn.T @ (self.columns.T @ y / n)
        total, best, slopes = float(y @ y / n), np.inf, np.zeros(k)
        for penalty in _PENALTIES:
            shrunk = along / (self.roots + penalty)
            loss = total - 2 * shrunk @ along + shrunk @ (self.roots * shrunk)
            free = (self.roots / (self.roots + penalty)).sum()
            left = 1 - (free + 1) / n
            score = max(loss, 0.0) / left**2 if left > 0 else np.inf
            if score < best:
                best, slopes = score, (self.turn @ shrunk) / self.scale
        return Linear(slopes, mean - float(self.centre @ slopes))


def fit_line(causes: FloatArray, value: FloatArray) -> Linear:
    """Regress a target of shape (n,) on causes of shape (n, k), which may be none."""
    return RidgeDesign.of(causes).fit(value)
