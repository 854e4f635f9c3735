"""Growing the trees of gradient boosting on binned columns.

What a row adds to a cell of a histogram is one whole number: its gradient, scaled and rounded, in
the upper 32 bits, its curvature (the weight, where the loss is squared) in the lower. So a cell is
one addition, sums do not depend on the order of rows, and the histogram of a sibling is an exact
difference. Gradients are scaled so that their absolute sum stays below 2^30: a thousand steps for
the mean gradient of a million rows, a million steps for that of a thousand.

A tree that splits at what helps at once cannot see an interaction without main effects: no first
split helps. So the root also looks one split ahead, over pairs of columns in a few coarse bins.
"""

from __future__ import annotations

from math import exp, log
from typing import Final

import numpy as np
from numpy.typing import NDArray

from causalkit._core.jit import inner_kernel, kernel
from causalkit.typing import FloatArray

__all__ = ["grow", "predict"]

_UPPER: Final = 32
_LOWER_BITS: Final = (1 << 32) - 1
_SCALE: Final = float(1 << 30)

N_COARSE: Final = 8
"""Coarse bins of a column, where the root looks one split ahead."""


@inner_kernel
def _benefit(total: int) -> float:
    """How much one mean for a set of rows lowers the loss: G² / H, twice."""
    curvature = total & _LOWER_BITS
    if curvature == 0:
        return 0.0
    gradient = float(total >> _UPPER)
    return gradient * gradient / curvature


@inner_kernel
def _histogram(
    bins: NDArray[np.uint8],
    rows: NDArray[np.uint32],
    begin: int,
    end: int,
    steps: NDArray[np.int64],
    table: NDArray[np.int64],
) -> None:
    """Sum the steps of rows by column and bin."""
    table[:] = 0
    d = bins.shape[1]
    for i in range(begin, end):
        row = rows[i]
        step = steps[row]
        for j in range(d):
            table[j, bins[row, j]] += step


@inner_kernel
def _best_cut(
    table: NDArray[np.int64], n_bins: NDArray[np.int64], total: int, least: int
) -> tuple[float, int, int]:
    """Gain, column and last bin to the left of the cut that lowers the loss most."""
    alone = _benefit(total)
    best, column, cut = alone * (1 + 1e-9) + 1e-9, -1, 0
    all_gradient, all_curvature = total >> _UPPER, total & _LOWER_BITS
    for j in range(table.shape[0]):
        left = 0
        for b in range(n_bins[j] - 1):
            left += table[j, b]
            left_curvature = left & _LOWER_BITS
            right_curvature = all_curvature - left_curvature
            if left_curvature < least:
                continue
            if right_curvature < least:
                break
            g = float(left >> _UPPER)
            h = float(all_gradient) - g
            benefit = g * g / left_curvature + h * h / right_curvature
            if benefit > best:
                best, column, cut = benefit, j, b
    return best - alone, column, cut


@inner_kernel
def _best_half(cells: NDArray[np.int64], least: int) -> float:
    """Benefit of a row of coarse cells after its best cut, or uncut."""
    total = 0
    for b in range(N_COARSE):
        total += cells[b]
    if (total & _LOWER_BITS) < least:
        return -1.0
    best, left = _benefit(total), 0
    for b in range(N_COARSE - 1):
        left += cells[b]
        if (left & _LOWER_BITS) < least or ((total - left) & _LOWER_BITS) < least:
            continue
        best = max(best, _benefit(left) + _benefit(total - left))
    return best


@inner_kernel
def _look_ahead(
    coarse: NDArray[np.uint8],
    rows: NDArray[np.uint32],
    n_rows: int,
    steps: NDArray[np.int64],
    pairs: NDArray[np.int64],
    least: int,
) -> tuple[float, int, int]:
    """Benefit, column and coarse cut of the root with the best two cuts of one column below it."""
    tables = np.zeros((len(pairs), N_COARSE * N_COARSE), dtype=np.int64)
    for i in range(n_rows):
        row = rows[i]
        step = steps[row]
        for p in range(len(pairs)):
            u, v = coarse[row, pairs[p, 0]], coarse[row, pairs[p, 1]]
            tables[p, u * N_COARSE + v] += step
    best, column, cut = 0.0, -1, 0
    above, below = np.zeros(N_COARSE, dtype=np.int64), np.zeros(N_COARSE, dtype=np.int64)
    for p in range(len(pairs)):
        table = tables[p].reshape((N_COARSE, N_COARSE))
        for side in range(2):
            cells = table if side == 0 else table.T
            above[:] = 0
            below[:] = cells.sum(axis=0)
            for a in range(N_COARSE - 1):
                above += cells[a]
                below -= cells[a]
                one, other = _best_half(above, least), _best_half(below, least)
                if one >= 0 and other >= 0 and one + other > best:
                    best, column, cut = one + other, pairs[p, side], a
    return best, column, cut


@inner_kernel
def _divide(
    bins: NDArray[np.uint8],
    rows: NDArray[np.uint32],
    begin: int,
    end: int,
    column: int,
    cut: int,
    spare: NDArray[np.uint32],
) -> int:
    """Put the rows that go left first, both sides in their order; return where the right begins."""
    left, n_right = begin, 0
    for i in range(begin, end):
        row = rows[i]
        if bins[row, column] <= cut:
            rows[left] = row
            left += 1
        else:
            spare[n_right] = row
            n_right += 1
    rows[left:end] = spare[:n_right]
    return left


@inner_kernel
def _sum_of(rows: NDArray[np.uint32], begin: int, end: int, steps: NDArray[np.int64]) -> int:
    total = 0
    for i in range(begin, end):
        total += steps[rows[i]]
    return total


@inner_kernel
def _tree(
    bins: NDArray[np.uint8],
    n_bins: NDArray[np.int64],
    coarse: NDArray[np.uint8],
    coarse_cuts: NDArray[np.int64],
    rows: NDArray[np.uint32],
    n_rows: int,
    steps: NDArray[np.int64],
    pairs: NDArray[np.int64],
    n_ahead: int,
    max_leaves: int,
    least: int,
    unit: float,
    tables: NDArray[np.int64],
    spare: NDArray[np.uint32],
    column: NDArray[np.int16],
    cut: NDArray[np.int16],
    child: NDArray[np.int16],
    value: FloatArray,
) -> None:
    """Grow one tree, the leaf of the largest gain first, into `column`, `cut`, `child`, `value`."""
    n_nodes = 2 * max_leaves - 1
    begin, end = np.zeros(n_nodes, dtype=np.int64), np.zeros(n_nodes, dtype=np.int64)
    slot, total = np.zeros(n_nodes, dtype=np.int64), np.zeros(n_nodes, dtype=np.int64)
    gain = np.full(n_nodes, -1.0)
    column[:] = -1
    end[0] = n_rows
    total[0] = _sum_of(rows, 0, n_rows, steps)
    value[0] = unit * float(total[0] >> _UPPER) / max(total[0] & _LOWER_BITS, 1)
    _histogram(bins, rows, 0, n_rows, steps, tables[0])
    gain[0], column[0], cut[0] = _best_cut(tables[0], n_bins, total[0], least)
    ahead, ahead_column, ahead_cut = 0.0, -1, 0
    if len(pairs) > 0 and max_leaves > 3:
        m = min(n_ahead, n_rows)
        # Of a part of the rows: what it lowers the loss by is read up to all of them.
        part = _sum_of(rows, 0, m, steps)
        least_part = least * m // n_rows
        ahead, ahead_column, ahead_cut = _look_ahead(coarse, rows, m, steps, pairs, least_part)
        ahead = (ahead - _benefit(part)) * n_rows / m
        if ahead_column >= 0:
            ahead_cut = coarse_cuts[ahead_column, ahead_cut]
    kept_column, kept_cut, kept_gain = column[0], cut[0], gain[0]
    if column[0] < 0 and ahead_column >= 0:
        column[0], cut[0], gain[0], ahead_column = ahead_column, ahead_cut, 1.0, -1
    leaves, used = 1, 1
    while leaves < max_leaves:
        node = -1
        for k in range(used):
            if gain[k] > 0 and (node < 0 or gain[k] > gain[node]):
                node = k
        if node < 0:
            break
        left = used
        middle = _divide(bins, rows, begin[node], end[node], column[node], cut[node], spare)
        begin[left], end[left], begin[left + 1], end[left + 1] = (
            begin[node],
            middle,
            middle,
            end[node],
        )
        small = left if middle - begin[node] <= end[node] - middle else left + 1
        large = 2 * left + 1 - small
        fresh = leaves
        if node == 0:  # the table of the root is kept, in case it is cut again
            tables[max_leaves] = tables[0]
        slot[small], slot[large] = fresh, slot[node]
        _histogram(bins, rows, begin[small], end[small], steps, tables[fresh])
        tables[slot[large]] -= tables[fresh]
        total[small] = _sum_of(rows, begin[small], end[small], steps)
        total[large] = total[node] - total[small]
        for k in (left, left + 1):
            gain[k], column[k], cut[k] = _best_cut(tables[slot[k]], n_bins, total[k], least)
        if node == 0 and ahead_column >= 0:
            at_once = kept_gain + max(gain[1], 0.0) + max(gain[2], 0.0)
            if ahead > at_once:
                tables[0] = tables[max_leaves]
                column[0], cut[0], ahead_column = ahead_column, ahead_cut, -1
                column[1:3] = -1
                gain[1:3] = -1.0
                continue
        child[node] = left
        gain[node] = -1.0
        for k in (left, left + 1):
            value[k] = unit * float(total[k] >> _UPPER) / max(total[k] & _LOWER_BITS, 1)
        leaves += 1
        used += 2
    for k in range(used):
        if gain[k] >= 0:  # could be cut, but there are leaves enough
            column[k] = -1
    if used == 1:
        column[0] = -1
