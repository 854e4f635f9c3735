"""Kernel ridge regression of many targets at once: smooth curves, and straight lines for nothing.

The kernel is a Gaussian, wide enough to see several columns together, plus a linear one. Series
remember, and what a Gaussian kernel alone would flatten at the ends of a slow autoregression is a
straight line. Each target has the ridge with the least error on rows left out one at a time, which
one decomposition gives for all ridges and all targets.
"""

from __future__ import annotations

from typing import Final, Self

import numpy as np

from causalkit.typing import FloatArray

__all__ = ["KernelRidge"]

_LINEAR: Final = 3.0
_RIDGES: Final = 10.0 ** np.arange(-5.0, 2.1, 0.5)
_LANDMARKS: Final = 500
_ROUNDING: Final = 1e-10


class KernelRidge:
    """Regression of targets on columns in standard units.

    Parameters
    ----------
    n_columns : int
        Squared distances are divided by twice this number.
    """

    def __init__(self, n_columns: int) -> None:
        self.n_columns = n_columns

    def fit(self, X: FloatArray, Y: FloatArray) -> Self:
        """Fit targets (n, m) on columns (n, d); of many rows, on kernels at 500 of them."""
        n = len(X)
        chosen = np.unique(np.linspace(0, n - 1, min(n, _LANDMARKS)).round().astype(int))
        self._landmarks = X[chosen]
        values, U = np.linalg.eigh(self._kernel(self._landmarks))
        self._lift, values = U, np.maximum(values, 0.0)
        if len(chosen) < n:
            kept = values > _ROUNDING * values[-1]
            root = U[:, kept] / np.sqrt(values[kept])
            features = self._kernel(X) @ root
            values, turned = np.linalg.eigh(features.T @ features)
            values = np.maximum(values, _ROUNDING * values[-1])
            U = features @ turned / np.sqrt(values)
            self._lift = root @ turned * np.sqrt(values)
        self._mean = Y.mean(axis=0)
        self._weights = _ridged(U, values, Y - self._mean)
        return self

    def predict(self, X: FloatArray) -> FloatArray:
        """Predict the targets of other rows."""
        fitted: FloatArray = self._mean + self._kernel(X) @ (self._lift @ self._weights)
        return fitted

    def _kernel(self, X: FloatArray) -> FloatArray:
        """Kernels of rows with the landmarks."""
        there = self._landmarks
        products = X @ there.T
        apart = np.einsum("ij,ij->i", X, X)[:, None] + np.einsum("ij,ij->i", there, there)
        apart -= 2.0 * products
        smooth = np.exp(np.maximum(apart, 0.0) / (-2.0 * self.n_columns))
        kernel: FloatArray = smooth + _LINEAR / self.n_columns * products
        return kernel


def _ridged(U: FloatArray, values: FloatArray, Y: FloatArray) -> FloatArray:
    """Coordinates of each target, divided by eigenvalue plus the ridge that suits it."""
    turned = U.T @ Y
    weights, least = np.zeros_like(turned), np.full(Y.shape[1], np.inf)
    for ridge in _RIDGES:
        kept = values / (values + ridge)
        leverage = np.minimum((U * U) @ kept, 1.0 - _ROUNDING)
        left = (Y - U @ (kept[:, None] * turned)) / (1.0 - leverage)[:, None]
        error = np.einsum("ij,ij->j", left, left)
        better = error < least
        least = np.where(better, error, least)
        weights[:, better] = (turned / (values + ridge)[:, None])[:, better]
    return weights
