"""Pivoted Cholesky decomposition of a Gaussian kernel matrix that is never formed."""

from __future__ import annotations

import numpy as np

from causalkit._core._copy_kernels import copy_matrix
from causalkit._core.jit import inner_kernel, kernel
from causalkit.typing import FloatArray, IntArray

__all__ = ["pivoted_cholesky"]


@inner_kernel
def _write_row(columns: FloatArray, cells: IntArray, pivot: int, row: FloatArray) -> None:
    """Row `pivot` of the kernel matrix."""
    row[:] = 0.0
    for c in range(columns.shape[0]):
        column = columns[c]
        here = column[pivot]
        for i in range(row.shape[0]):
            off = column[i] - here
            row[i] += off * off
    for i in range(row.shape[0]):
        row[i] = np.exp(-row[i]) if cells[i] == cells[pivot] else 0.0


@inner_kernel
def _take_away(rows: FloatArray, rank: int, pivot: int, row: FloatArray) -> None:
    """Subtract what the rows found so far explain, four at a time: `row` is read less often."""
    whole = rank - rank % 4
    for t in range(0, whole, 4):
        A, B, C, D = rows[t], rows[t + 1], rows[t + 2], rows[t + 3]
        a, b, c, d = A[pivot], B[pivot], C[pivot], D[pivot]
        if a != 0.0 or b != 0.0 or c != 0.0 or d != 0.0:
            for i in range(row.shape[0]):
                row[i] = (((row[i] - a * A[i]) - b * B[i]) - c * C[i]) - d * D[i]
    for t in range(whole, rank):
        A = rows[t]
        a = A[pivot]
        for i in range(row.shape[0]):
            row[i] -= a * A[i]


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
    columns = points.T.copy()
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
        _write_row(columns, cells, pivot, row)
        _take_away(rows, rank, pivot, row)
        scale = 1.0 / np.sqrt(left[pivot])
        for i in range(n):
            row[i] *= scale
            left[i] -= row[i] * row[i]
        left[pivot] = 0.0  # to the last bit, so that it is not chosen again
        rank += 1
    return rows[:rank].copy()
