"""A covariance matrix put together from regressions, and the precision of what follows from it.

Columns stand in an order, and each is regressed on all before it. With slopes A (strictly lower
triangular) and residual variances D the covariance matrix is::

    Sigma = L diag(D) L',   L = (I - A)^-1

Each regression may come from rows of its own. If its residuals have mean zero given what came
before on these rows, its slopes are unrelated to those of the other regressions, so the variance of
any function of Sigma is a sum over regressions (delta method). With dr = tr(G dSigma)::

    slopes of t:     dr = 2 H[t, :t] da,     H = L' G Sigma,     var(a) = D[t] M[t]^-1 / n[t]
    variance of t:   dr = (L' G L)[t, t] dD,                     var(D[t]) = 2 D[t]^2 / n[t]

M[t] being the covariance of the predictors on the rows of regression t (where rows have weights,
the robust variances take their place). For the partial correlation r of x and y given S, with u and
v the weights of the columns in their residuals, scaled to unit variance::

    G = (u v' + v u') / 2 - r (u u' + v v') / 2

If all rows are used throughout, the sum is (1 - r^2)^2 / n, the variance behind Fisher's z.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from causalkit.typing import FloatArray

__all__ = ["RegressionChain"]


@dataclass(frozen=True, slots=True, eq=False)
class RegressionChain:
    """Regressions of each column on those before it.

    Attributes
    ----------
    slopes : ndarray of shape (m, m)
        Strictly lower triangular.
    sigma : ndarray of shape (m, m)
        The covariance matrix so far.
    left : ndarray of shape (m,)
        Residual variances.
    left_variance : ndarray of shape (m,)
        How precisely these are known.
    slopes_variance : list of ndarrays
        Covariance matrix of the slopes of each regression.
    """

    slopes: FloatArray
    sigma: FloatArray
    left: FloatArray
    left_variance: FloatArray
    slopes_variance: list[FloatArray] = field(default_factory=list)

    @classmethod
    def of_length(cls, m: int) -> RegressionChain:
        """Begin a chain of m columns."""
        return cls(np.zeros((m, m)), np.zeros((m, m)), np.empty(m), np.empty(m))

    def add(self, covariance: FloatArray, n: float, tiny: float) -> None:
        """Regress the last column of `covariance` (t + 1, t + 1), from `n` rows, on the others.

        Predictors that others determine share their slopes; `tiny` is the share of variance that
        counts as none.
        """
        inverse, left = self._regress(covariance, tiny)
        self.slopes_variance.append(left / n * inverse)
        self.left_variance[len(self.slopes_variance) - 1] = 2 * left**2 / n

    def add_weighted(self, rows: FloatArray, weights: FloatArray, tiny: float) -> None:
        """Regress the last column of `rows` (m, t + 1) on the others, each row with its weight.

        The variances are the robust ones, because weights grow where residuals need not.
        """
        shares = weights / weights.sum()
        centred = rows - shares @ rows
        inverse, left = self._regress((centred.T * shares) @ centred, tiny)
        t = len(self.slopes_variance)
        X = centred[:, :t]
        residuals = centred[:, t] - X @ self.slopes[t, :t]
        scores = X * (shares * residuals)[:, None]
        self.slopes_variance.append(inverse @ (scores.T @ scores) @ inverse)
        self.left_variance[t] = np.square(shares * (residuals**2 - left)).sum()

    def worth(self, r: float, given: Sequence[int], i: int, j: int) -> float:
        """How many complete rows would give the partial correlation `r` as precisely."""
        u, v = self._residual(i, given), self._residual(j, given)
        gradient = (np.outer(u, v) + np.outer(v, u) - r * (np.outer(u, u) + np.outer(v, v))) / 2
        mixing = np.linalg.inv(np.eye(len(u)) - self.slopes)
        to_slopes = mixing.T @ gradient @ self.sigma
        to_left = np.einsum("at,ab,bt->t", mixing, gradient, mixing)
        variance = float(np.square(to_left) @ self.left_variance)
        for t, of_slopes in enumerate(self.slopes_variance):
            h = 2 * to_slopes[t, :t]
            variance += float(h @ of_slopes @ h)
        return float((1 - r * r) ** 2 / variance)

    def _regress(self, covariance: FloatArray, tiny: float) -> tuple[FloatArray, float]:
        t = len(self.slopes_variance)
        scale = 1 / np.sqrt(np.diag(covariance)[:t])
        roots, axes = np.linalg.eigh(covariance[:t, :t] * np.outer(scale, scale))
        axes = axes[:, roots > tiny] * scale[:, None]
        inverse = (axes / roots[roots > tiny]) @ axes.T
        slopes = inverse @ covariance[:t, t]
        left = max(0.0, float(covariance[t, t] - slopes @ covariance[:t, t]))
        self.slopes[t, :t], self.left[t] = slopes, left
        self.sigma[t, :t] = self.sigma[:t, t] = self.sigma[:t, :t] @ slopes
        self.sigma[t, t] = slopes @ self.sigma[t, :t] + left
        return inverse, left

    def _residual(self, k: int, given: Sequence[int]) -> FloatArray:
        """Weights of all columns in the residual of k given others, scaled to unit variance."""
        at = list(given)
        weights = np.zeros(len(self.left))
        weights[k] = 1.0
        weights[at] = -np.linalg.solve(self.sigma[np.ix_(at, at)], self.sigma[at, k])
        return np.asarray(weights / np.sqrt(weights @ self.sigma @ weights))
