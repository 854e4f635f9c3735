"""Tests on features, the slow and obvious way: all rows, hat matrices, null moments by looping."""

from __future__ import annotations

import numpy as np
from scipy.special import gammaincc


def projector(features: np.ndarray, ridge: float) -> np.ndarray:
    """Hat matrix of two rounds of ridge regression on centred features."""
    L = features - features.mean(axis=0)
    K = L @ L.T
    once = ridge * np.linalg.inv(K + ridge * np.eye(len(K)))
    return np.eye(len(K)) - once @ once


def log_likelihood(f: np.ndarray, features: np.ndarray, ridge: float) -> float:
    """Of a Gaussian process at its best scale, up to a constant; f is centred."""
    L = features - features.mean(axis=0)
    n = len(f)
    H = np.eye(n)[:, 1:] - 1.0 / n  # spans what is orthogonal to the constant
    Q, _ = np.linalg.qr(H)
    A = Q.T @ (L @ L.T + ridge * np.eye(n)) @ Q
    g = Q.T @ f
    return float(-0.5 * ((n - 1) * np.log(g @ np.linalg.solve(A, g)) + np.linalg.slogdet(A)[1]))


def residuals(F: np.ndarray, features: np.ndarray, ridges: np.ndarray) -> tuple[np.ndarray, list]:
    """Residuals of all targets, each with its best ridge, and the residual makers."""
    F = F - F.mean(axis=0)
    left, makers = np.empty_like(F), []
    for k, f in enumerate(F.T):
        best = max(ridges, key=lambda ridge: log_likelihood(f, features, ridge))
        M = np.eye(len(f)) - 1.0 / len(f) - projector(features, best)
        left[:, k] = M @ f
        makers.append(M)
    return left, makers


def sign_moments(products: np.ndarray) -> tuple[float, float, float]:
    """Mean, variance and third central moment of |Σ ±P_i|² over all 2ⁿ signs."""
    n = len(products)
    signs = np.array(np.meshgrid(*[[-1.0, 1.0]] * n)).reshape(n, -1).T
    values = np.sum((signs @ products) ** 2, axis=1)
    return values.mean(), values.var(), ((values - values.mean()) ** 3).mean()


def shifted_gamma(statistic: float, mean: float, variance: float, third: float) -> float:
    """Upper tail with these three cumulants."""
    shape, scale = 4 * variance**3 / third**2, third / (2 * variance)
    return float(gammaincc(shape, max(0.0, (statistic - mean + shape * scale) / scale)))
