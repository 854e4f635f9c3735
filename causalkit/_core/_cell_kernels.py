"""Regressions in the cells of a cross-table: their moments, and a Cholesky factor of each."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from causalkit._core.jit import inner_kernel, kernel
from causalkit.typing import BoolArray, FloatArray, IntArray

__all__ = ["eliminate_cells", "merge_codes"]


_PER_ROW = 4
"""Numbers for each row, beyond which those that occur are looked up instead of listed."""


@kernel
def merge_codes(cells: IntArray, codes: NDArray[Any], n_cells: int, n_codes: int) -> int:
    """Cross cells with another category, in place; the number of cells that occur."""
    if n_cells * n_codes > _PER_ROW * len(cells):
        return _merge_by_hashing(cells, codes, n_codes)
    new = np.full(n_cells * n_codes, -1, dtype=np.intp)
    count = 0
    for r in range(len(cells)):
        key = cells[r] * n_codes + codes[r]
        if new[key] < 0:
            new[key] = count
            count += 1
        cells[r] = new[key]
    return count


@inner_kernel
def _merge_by_hashing(cells: IntArray, codes: NDArray[Any], n_codes: int) -> int:
    """Number cells in the order in which they occur; memory goes with the rows alone."""
    size = 2
    while size < 2 * len(cells):
        size *= 2
    held, number = np.full(size, -1, dtype=np.int64), np.empty(size, dtype=np.intp)
    count, mask = 0, size - 1
    for r in range(len(cells)):
        key = cells[r] * n_codes + codes[r]
        mixed = np.uint64(key) * np.uint64(0x9E3779B97F4A7C15)  # 2^64 over the golden ratio
        slot = np.intp(mixed >> np.uint64(32)) & mask
        while held[slot] != key and held[slot] >= 0:
            slot = (slot + 1) & mask
        if held[slot] < 0:
            held[slot] = key
            number[slot] = count
            count += 1
        cells[r] = number[slot]
    return count


@inner_kernel
def _cell_moments(
    values: FloatArray,
    columns: IntArray,
    cells: IntArray,
    used: BoolArray,
    sizes: IntArray,
    gram: FloatArray,
) -> None:
    """Write rows (c,) and centred Gram matrices (c, m, m) of the cells."""
    m = len(columns)
    means, off = np.zeros((len(sizes), m)), np.empty(m)
    sizes[:] = 0
    for r in range(len(cells)):
        if used[r]:
            sizes[cells[r]] += 1
            for a in range(m):
                means[cells[r], a] += values[r, columns[a]]
    for c in range(len(sizes)):
        for a in range(m):
            means[c, a] /= max(sizes[c], 1)
    for r in range(len(cells)):
        if used[r]:
            c = cells[r]
            for a in range(m):
                off[a] = values[r, columns[a]] - means[c, a]
                for b in range(a + 1):
                    gram[c, a, b] += off[a] * off[b]


@inner_kernel
def _eliminate(factor: FloatArray, floor: float, left: FloatArray) -> int:
    """Write what columns leave of each other; how many before the last leave anything."""
    m, rank = len(left), 0
    for a in range(m):
        rest = factor[a, a]
        for b in range(a):
            value = factor[a, b]
            for d in range(b):
                value -= factor[a, d] * factor[b, d]
            factor[a, b] = value / factor[b, b] if left[b] > 0.0 else 0.0
            rest -= factor[a, b] * factor[a, b]
        left[a] = rest if rest > floor else 0.0
        factor[a, a] = np.sqrt(left[a])
        rank += a < m - 1 and left[a] > 0.0
    return rank


@kernel
def eliminate_cells(
    values: FloatArray,
    columns: IntArray,
    cells: IntArray,
    used: BoolArray,
    tiny: float,
    sizes: IntArray,
    ranks: IntArray,
    left: FloatArray,
) -> None:
    """Regress each column on the constant and the columns before it, in each cell by itself.

    Parameters
    ----------
    values : ndarray of shape (n, p)
        Standardized columns.
    columns : ndarray of int, shape (m,)
        The columns in question.
    cells : ndarray of int, shape (n,)
    used : ndarray of bool, shape (n,)
        Rows to take.
    tiny : float
        Variance that counts as none.
    sizes, ranks : ndarrays of int, shape (n_cells,)
        Written: rows of each cell; columns before the last that are no combination of others.
    left : ndarray of float, shape (n_cells, m)
        Written: residual sums of squares; zero if nothing is left.
    """
    m = len(columns)
    gram = np.zeros((len(sizes), m, m))
    _cell_moments(values, columns, cells, used, sizes, gram)
    for c in range(len(sizes)):
        ranks[c] = _eliminate(gram[c], tiny * sizes[c], left[c])
