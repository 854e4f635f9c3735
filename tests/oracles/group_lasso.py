"""Group lassos by a slow and general way: one copy of the coefficients for each norm (ADMM)."""

from __future__ import annotations

import numpy as np


def group_lasso(
    X: np.ndarray, y: np.ndarray, norms: list[tuple[list[int], float]], steps: int = 4000
) -> np.ndarray:
    """Minimise |y - Xb|² / 2n + sum of w |b[members]| over the (members, w) in `norms`.

    Boyd et al. (2011), "Distributed optimization and statistical learning via the alternating
    direction method of multipliers", section 6.4.2: overlapping groups.
    """
    n, m = X.shape
    picks = [np.eye(m)[members] for members, _ in norms]
    gram, cross = X.T @ X / n, X.T @ y / n
    inverse = np.linalg.inv(gram + sum(pick.T @ pick for pick in picks))
    copies = [np.zeros(len(pick)) for pick in picks]
    duals = [np.zeros(len(pick)) for pick in picks]
    b = np.zeros(m)
    for _ in range(steps):
        pulled = [pick.T @ (z - u) for pick, z, u in zip(picks, copies, duals, strict=True)]
        before, b = b, inverse @ (cross + sum(pulled))
        for k, (pick, (_, weight)) in enumerate(zip(picks, norms, strict=True)):
            wanted = pick @ b + duals[k]
            size = np.linalg.norm(wanted)
            copies[k] = wanted * max(0.0, 1.0 - weight / size) if size else wanted
            duals[k] = wanted - copies[k]
        if np.abs(b - before).max() < 1e-10:
            break
    return b


def orthonormal(X: np.ndarray) -> np.ndarray:
    """A basis of the columns' span with X'X/n = I."""
    return np.linalg.qr(X)[0] * np.sqrt(len(X))
