"""Hidden structure, slowly: canonical correlations by regressions, simulated measurement models."""

from __future__ import annotations

import numpy as np


def canonical_correlations(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Cosines of the angles between the column spaces of centred rows (Björck and Golub)."""
    bases = [np.linalg.qr(part - part.mean(axis=0))[0] for part in (left, right)]
    return np.linalg.svd(bases[0].T @ bases[1], compute_uv=False)


def factor_rows(rng, n, n_left, n_right, rank, loading=1.0, draw=None) -> np.ndarray:
    """Two sets of columns that share `rank` hidden variables; sets of equal size stand out."""
    draw = rng.normal if draw is None else draw
    columns = draw(size=(n, n_left + n_right))
    for k in range(rank):
        hidden = draw(size=n)
        for j in range(n_left + n_right):
            own = (j if j < n_left else j - n_left) % max(rank, 1) == k
            columns[:, j] += loading * (1.0 if own else 0.2) * hidden
    return columns


def measured(rng, n, sizes, error=0.8, link=0.6, draw=None) -> dict[str, np.ndarray]:
    """A chain of hidden variables with so many pure indicators each, columns `a0, a1, …, b0, …`."""
    draw = rng.normal if draw is None else draw
    hidden, data = draw(size=n), {}
    for letter, size in zip("abcdefgh", sizes, strict=False):
        for k in range(size):
            sign = 1 if rng.random() < 0.5 else -1
            data[f"{letter}{k}"] = sign * rng.uniform(0.6, 1.0) * hidden + error * draw(size=n)
        hidden = link * hidden + 0.8 * draw(size=n)
    return data


def tetrad_variance(covariance: np.ndarray, n: int, rng, repeats: int = 4000) -> float:
    """Variance of s02 s13 - s03 s12 over Gaussian samples of n rows."""
    root = np.linalg.cholesky(covariance)
    values = []
    for _ in range(repeats):
        rows = rng.normal(size=(n, 4)) @ root.T
        s = np.cov(rows.T)
        values.append(s[0, 2] * s[1, 3] - s[0, 3] * s[1, 2])
    return float(np.var(values))
