"""Regressions on sums of curves, of any variable on any others, from one matrix of products.

Each column becomes q orthonormal columns that span its splines. All least squares of one variable
on curves of others need no more than products of these, so once they are summed, a regression
costs the same whatever the number of rows, and so does an F test of each curve in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from scipy.special import fdtrc

from causalkit.discovery.functional._splines import quantile_basis
from causalkit.typing import FloatArray

__all__ = ["AdditiveModel"]

_MOST_PER_CURVE: Final = 8
_SHARE_OF_ROWS: Final = 1.0 / 3.0
_RIDGE: Final = 1e-9
_ROUNDING: Final = 1e-8
_SMALLEST: Final = 1e-12


class AdditiveModel:
    """All additive regressions among some columns.

    Parameters
    ----------
    values : ndarray of shape (n_rows, p)
        With mean 0 and variance 1. All curves of one regression take a third of the rows as
        degrees of freedom at most, and each takes 8.
    """

    def __init__(self, values: FloatArray) -> None:
        self.n_rows, p = values.shape
        most = int(_SHARE_OF_ROWS * self.n_rows / max(p - 1, 1))
        features = [_curve(column, int(np.clip(most, 1, _MOST_PER_CURVE))) for column in values.T]
        F = np.hstack(features)
        sizes = [feature.shape[1] for feature in features]
        starts = np.concatenate([[0], np.cumsum(sizes)])
        self._where = [np.arange(starts[k], starts[k + 1]) for k in range(p)]
        self._gram = F.T @ F
        self._gram[np.diag_indices(len(self._gram))] += _RIDGE
        self._products = F.T @ values
        self._squares = np.einsum("ij,ij->j", values, values)

    def size(self, k: int) -> int:
        """Degrees of freedom of the curve of column k."""
        return len(self._where[k])

    def left(self, target: int, causes: Sequence[int]) -> float:
        """Sum of squared residuals."""
        if not len(causes):
            return float(self._squares[target])
        columns = np.concatenate([self._where[k] for k in causes])
        c = self._products[columns, target]
        root = cho_factor(self._gram[np.ix_(columns, columns)])
        return max(float(self._squares[target] - c @ cho_solve(root, c)), _SMALLEST)

    def gains(self, target: int, causes: Sequence[int], candidates: Sequence[int]) -> FloatArray:
        """How much each candidate, added to the causes, takes from the squared residuals."""
        G = self._gram
        if len(causes):
            P = np.concatenate([self._where[k] for k in causes])
            known = cho_solve(cho_factor(G[np.ix_(P, P)]), G[P])
            c = self._products[:, target] - known.T @ self._products[P, target]
        found = []
        for k in candidates:
            K = self._where[k]
            if len(causes):
                S, d = G[np.ix_(K, K)] - G[np.ix_(K, P)] @ known[:, K], c[K]
            else:
                S, d = G[np.ix_(K, K)], self._products[K, target]
            S[np.diag_indices(len(K))] += _RIDGE
            found.append(float(d @ np.linalg.solve(S, d)))
        return np.array(found)

    def f_tests(self, target: int, causes: Sequence[int]) -> FloatArray:
        """P-value of each cause: that the regression does without its curve."""
        if not len(causes):
            return np.empty(0)
        columns = np.concatenate([self._where[k] for k in causes])
        inverse = np.linalg.inv(self._gram[np.ix_(columns, columns)])
        beta = inverse @ self._products[columns, target]
        left = max(float(self._squares[target] - self._products[columns, target] @ beta), _SMALLEST)
        df = self.n_rows - 1.0 - len(columns)
        p_values, start = [], 0
        for k in causes:
            size = self.size(k)
            block = slice(start, start + size)
            lost = float(beta[block] @ np.linalg.solve(inverse[block, block], beta[block]))
            p_values.append(float(fdtrc(size, df, lost / size / (left / df))))
            start += size
        return np.array(p_values)


def _curve(column: FloatArray, q: int) -> FloatArray:
    """Orthonormal columns, q or fewer, that span the centred splines of a column."""
    degree = min(3, q)
    B = quantile_basis(column, q + 2 - degree, degree=degree)
    U, sizes, _ = np.linalg.svd(B - B.mean(axis=0), full_matrices=False)
    return np.asarray(U[:, sizes > _ROUNDING * sizes[0]])
