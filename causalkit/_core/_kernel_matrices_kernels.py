"""Pivoted Cholesky decomposition of a Gaussian kernel matrix that is never formed."""

from __future__ import annotations

import numpy as np

from causalkit._core._copy_kernels import copy_matrix
from causalkit._core.jit import inner_kernel, kernel
from causalkit.typing import FloatArray, IntArray

__all__ = ["pivoted_cholesky"]


@inner_kernel
def _write_row(points: FloatArray, cells: IntArray, pivot: int, row: FloatArray) -> None:
    """Row `pivot` of the kernel matrix."""
    for i in range(len(points)):
        square = 0.0
        for c in range(points.shape[1]):
            off = points[i, c] - points[pivot, c]
            square += off * off
        row[i] = np.exp(-square) if cells[i] == cells[pivot] else 0.0


@kernel
def pivoted_cholesky(
    points: FloatArray, cells: IntArray, tolerance: float, max_rank: int
) -> FloatArray:
    """Rows of L' with LL' = exp(-|a - b|²) [same cell], up to `tolerance` on the diagonal.

    Parameters
    ----------
    points : ndarray of shape (n, d)
    cells : ndarray of int, shape (n,)
    tolerance : float
        Stop when the diagonal of what is left is nowhere larger.
    max_rank : int
        Or at this many rows.

    Returns
    -------
    ndarray of shape (rank, n)
    """
    n = len(points)
    norms = (points * points).sum(axis=1)
    room = min(max_rank, 32)
    rows = np.empty((room, n))
    left = np.ones(n)
    rank = 0
    while rank < max_rank:
        pivot = 0
        for i in range(1, n):  # among equals the most central row, whatever the order of rows
            if left[i] > left[pivot] or (left[i] == left[pivot] and norms[i] < norms[pivot]):
                pivot = i
        if left[pivot] <= tolerance:
            break
        if rank == room:
            room = min(2 * room, max_rank)
            more = np.empty((room, n))
            copy_matrix(rows[:rank], more)
            rows = more
        row = rows[rank]
        _write_row(points, cells, pivot, row)
        for t in range(rank):
            weight = rows[t, pivot]
            if weight != 0.0:
                for i in range(n):
                    row[i] -= weight * rows[t, i]
        scale = 1.0 / np.sqrt(left[pivot])
        for i in range(n):
            row[i] *= scale
            left[i] -= row[i] * row[i]
        left[pivot] = 0.0  # to the last bit, so that it is not chosen again
        rank += 1
    return rows[:rank].copy()
