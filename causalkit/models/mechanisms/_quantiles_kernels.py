"""Rows falling through a forest whose leaves hold curves, and the mean of their curves."""

from __future__ import annotations

import numpy as np

from causalkit._core.jit import inner_kernel, kernel
from causalkit.typing import FloatArray, IntArray

__all__ = ["leaves_at", "residuals_at", "scores_at"]


@kernel
def leaves_at(
    causes: FloatArray,
    column: IntArray,
    child: IntArray,
    curve: IntArray,
    cut: FloatArray,
    depth: IntArray,
) -> IntArray:
    """Number of the curve of each row in each tree, shape (n, n_trees)."""
    n, n_trees = len(causes), len(column)
    found = np.empty((n, n_trees), dtype=np.int64)
    node = np.zeros(n, dtype=np.int64)
    for t in range(n_trees):
        node[:] = 0
        # All rows take a step before the next one: steps of different rows need not wait for each
        # other. At a leaf the step leads to the leaf itself.
        for _ in range(depth[t]):
            for i in range(n):
                k = node[i]
                node[i] = child[t, k] + (1 if causes[i, column[t, k]] > cut[t, k] else 0)
        for i in range(n):
            found[i, t] = curve[t, node[i]]
    return found


@inner_kernel
def _ends(curves: FloatArray, leaves: IntArray, i: int, k: int) -> tuple[float, float]:
    """Mean curve of a row at knot k and at the next."""
    low, high, n_trees = 0.0, 0.0, leaves.shape[1]
    for t in range(n_trees):
        leaf = leaves[i, t]
        low += curves[leaf, k]
        high += curves[leaf, k + 1]
    return low / n_trees, high / n_trees


@kernel
def residuals_at(
    scores: FloatArray, leaves: IntArray, knots: FloatArray, curves: FloatArray
) -> FloatArray:
    """Residual at a score of each row, on the mean of the curves of its leaves."""
    n, last = len(scores), len(knots) - 2
    found = np.empty(n)
    for i in range(n):
        k = 0
        while k < last and knots[k + 1] <= scores[i]:
            k += 1
        low, high = _ends(curves, leaves, i, k)
        found[i] = low + (scores[i] - knots[k]) / (knots[k + 1] - knots[k]) * (high - low)
    return found


@kernel
def scores_at(
    residuals: FloatArray, leaves: IntArray, knots: FloatArray, curves: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Score of a residual of each row, and the slope of its curve there."""
    n, last = len(residuals), len(knots) - 2
    found, slope = np.empty(n), np.empty(n)
    for i in range(n):
        below, above = 0, last + 1
        while above - below > 1:
            middle = (below + above) // 2
            if _ends(curves, leaves, i, middle)[0] > residuals[i]:
                above = middle
            else:
                below = middle
        low, high = _ends(curves, leaves, i, below)
        slope[i] = (high - low) / (knots[below + 1] - knots[below])
        found[i] = knots[below] + (residuals[i] - low) / slope[i]
    return found, slope
