"""Kernel tests the slow and obvious way: whole matrices, all permutations, numerical integrals."""

from __future__ import annotations

from itertools import pairwise, permutations

import numpy as np
from scipy.integrate import quad
from scipy.stats import gamma, multivariate_normal


def gaussian(X: np.ndarray, width: float) -> np.ndarray:
    return np.array([[np.exp(-((a - b) @ (a - b)) / (2 * width**2)) for b in X] for a in X])


def centred(K: np.ndarray) -> np.ndarray:
    H = np.eye(len(K)) - 1 / len(K)
    return H @ K @ H


def published_kci(x, y, Z, width: float, ridge: float) -> float:
    """p-value of the conditional test of Zhang et al. (2011) with a gamma null; x is augmented."""
    x, y, Z = ((v - v.mean(axis=0)) / v.std(axis=0) for v in (x, y, Z))
    K_z = centred(gaussian(Z, width))
    R = ridge * np.linalg.inv(K_z + ridge * np.eye(len(Z)))
    K_x = R @ centred(gaussian(np.column_stack([x, Z / 2]), width)) @ R
    K_y = R @ centred(gaussian(y[:, None], width)) @ R
    U = K_x * K_y
    mean, variance = np.trace(U), 2 * np.sum(U**2)
    return float(gamma.sf(np.sum(U), mean**2 / variance, scale=variance / mean))


def over_all_permutations(K: np.ndarray, L: np.ndarray) -> tuple[float, float]:
    """Mean and variance of tr(K P L P')."""
    values = [np.sum(K * L[np.ix_(p, p)]) for p in map(list, permutations(range(len(K))))]
    return float(np.mean(values)), float(np.var(values))


def imhof(q: float, weights: np.ndarray) -> float:
    """P(Σ w χ² > q) by inverting the characteristic function (Imhof 1961)."""

    def integrand(u: float) -> float:
        angle = 0.5 * np.sum(np.arctan(weights * u)) - 0.5 * q * u
        return np.sin(angle) / (u * np.prod((1 + (weights * u) ** 2) ** 0.25))

    edges = np.arange(401) * 5.0
    pieces = [quad(integrand, a, b, limit=400)[0] for a, b in pairwise(edges)]
    return 0.5 + sum(pieces) / np.pi


def log_likelihood(f: np.ndarray, K: np.ndarray, ridge: float) -> float:
    """Density of centred f under a Gaussian process with the best scale, up to a constant.

    The mean is taken out, so densities are those of contrasts: n - 1 of them.
    """
    n = len(f)
    _, _, Vt = np.linalg.svd(np.ones((1, n)))
    B = Vt[1:]
    C = B @ (K + ridge * np.eye(n)) @ B.T
    g = B @ f
    scale = g @ np.linalg.solve(C, g) / (n - 1)
    return float(multivariate_normal.logpdf(g, cov=scale * C))


__all__ = [
    "centred", "gaussian", "imhof", "log_likelihood", "over_all_permutations", "published_kci",
]  # fmt: skip
