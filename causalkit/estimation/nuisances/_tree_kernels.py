"""Growing one tree of gradient boosting on binned columns.

What a row adds to a cell of a histogram is one whole number: its gradient, scaled and rounded, in
the upper 32 bits, its curvature (the weight, where the loss is squared) in the lower. So a cell is
one addition, sums do not depend on the order of rows, and the histogram of a sibling is an exact
difference. Gradients are scaled so that their absolute sum stays below 2^30: a thousand steps for
the mean gradient of a million rows, a million steps for that of a thousand.

A tree that splits at what helps at once cannot see an interaction without main effects: no first
split helps. So the root also looks one split ahead, over pairs of columns in a few coarse bins.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from causalkit._core.jit import inner_kernel
from causalkit.typing import FloatArray

__all__ = ["LOWER_BITS", "N_COARSE", "UPPER", "Binned", "Growth", "Trees", "Work", "grow_tree"]

UPPER: Final = 32
LOWER_BITS: Final = (1 << 32) - 1
"""Where the gradient begins in a step, and the bits of the curvature below it."""

N_COARSE: Final = 8
"""Coarse bins of a column, where the root looks one split ahead."""


class Binned(NamedTuple):
    """Columns in bins.

    Attributes
    ----------
    fine : ndarray of uint8, shape (n, d)
    n_bins : ndarray of int, shape (d,)
    columns : ndarray of uint8, shape (d, n)
        The same as `fine`, column after column.
    coarse : ndarray of uint8, shape (n, d)
        Fewer than `N_COARSE` levels each.
    coarse_cuts : ndarray of int, shape (d, N_COARSE)
        Last fine bin of each coarse one.
    """

    fine: NDArray[np.uint8]
    n_bins: NDArray[np.int64]
    columns: NDArray[np.uint8]
    coarse: NDArray[np.uint8]
    coarse_cuts: NDArray[np.int64]


class Trees(NamedTuple):
    """Trees as arrays of shape (n_trees, n_nodes).

    Attributes
    ----------
    column : ndarray of int16
        −1 at a leaf.
    cut : ndarray of int16
        Last bin that goes left.
    child : ndarray of int16
        Where the left goes; the right is the next.
    value : ndarray
        Step of the prediction at a leaf.
    """

    column: NDArray[np.int16]
    cut: NDArray[np.int16]
    child: NDArray[np.int16]
    value: FloatArray


class Growth(NamedTuple):
    """How a tree grows.

    Attributes
    ----------
    max_leaves : int
    least : int
        Curvature of a leaf, at least.
    n_ahead : int
        Rows that are looked at to look ahead, at most.
    pairs : ndarray of int, shape (m, 2)
        Columns that are looked at together.
    """

    max_leaves: int
    least: int
    n_ahead: int
    pairs: NDArray[np.int64]


class Work(NamedTuple):
    """Arrays that are used again for each tree."""

    rows: NDArray[np.uint32]
    spare: NDArray[np.uint32]
    steps: NDArray[np.int64]
    tables: NDArray[np.int64]
    begin: NDArray[np.int64]
    end: NDArray[np.int64]
    slot: NDArray[np.int64]
    total: NDArray[np.int64]
    gain: FloatArray


@inner_kernel
def _benefit(total: int) -> float:
    """How much one mean for a set of rows lowers the loss: G² / H, twice."""
    curvature = total & LOWER_BITS
    if curvature == 0:
        return 0.0
    gradient = float(total >> UPPER)
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
    all_gradient, all_curvature = total >> UPPER, total & LOWER_BITS
    for j in range(table.shape[0]):
        left = 0
        for b in range(n_bins[j] - 1):
            left += table[j, b]
            left_curvature = left & LOWER_BITS
            right_curvature = all_curvature - left_curvature
            if left_curvature < least:
                continue
            if right_curvature < least:
                break
            g = float(left >> UPPER)
            h = float(all_gradient) - g
            u, v = float(left_curvature), float(right_curvature)
            benefit = (g * g * v + h * h * u) / (u * v)
            if benefit > best:
                best, column, cut = benefit, j, b
    return (best - alone if column >= 0 else -1.0), column, cut


@inner_kernel
def _best_half(cells: NDArray[np.int64], least: int) -> float:
    """Benefit of a row of coarse cells after its best cut, or uncut."""
    total = 0
    for b in range(N_COARSE):
        total += cells[b]
    if (total & LOWER_BITS) < least:
        return -1.0
    best, left = _benefit(total), 0
    for b in range(N_COARSE - 1):
        left += cells[b]
        if (left & LOWER_BITS) < least or ((total - left) & LOWER_BITS) < least:
            continue
        best = max(best, _benefit(left) + _benefit(total - left))
    return best


@inner_kernel
def _look_ahead(
    coarse: NDArray[np.uint8],
    rows: NDArray[np.uint32],
    n_rows: int,
    steps: NDArray[np.int64],
    growth: Growth,
) -> tuple[float, int, int]:
    """Gain, column and coarse cut of the root together with the best cuts of a column below it."""
    pairs, m = growth.pairs, min(growth.n_ahead, n_rows)
    least, total = growth.least * m // n_rows, 0
    tables = np.zeros((len(pairs), N_COARSE * N_COARSE), dtype=np.int64)
    for i in range(m):
        row = rows[i * n_rows // m]
        step = steps[row]
        total += step
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
    # Of a part of the rows only: read up to all of them.
    return (best - _benefit(total)) * n_rows / m, column, cut


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
        goes_right = 1 if bins[row, column] > cut else 0
        rows[left] = row  # the next row takes its place if it goes right: no branch to guess
        spare[n_right] = row
        left += 1 - goes_right
        n_right += goes_right
    rows[left:end] = spare[:n_right]
    return left


@inner_kernel
def _split(
    data: Binned,
    work: Work,
    node: int,
    left: int,
    fresh: int,
    more: bool,
    growth: Growth,
    column: NDArray[np.int16],
    cut: NDArray[np.int16],
) -> None:
    """Divide the rows of a node, and find the best cut of either part if there are more to come."""
    begin, end, total = work.begin, work.end, work.total
    middle = _divide(
        data.fine, work.rows, begin[node], end[node], column[node], cut[node], work.spare
    )
    begin[left], end[left] = begin[node], middle
    begin[left + 1], end[left + 1] = middle, end[node]
    small = left if middle - begin[node] <= end[node] - middle else left + 1
    large = 2 * left + 1 - small
    work.slot[small], work.slot[large] = fresh, work.slot[node]
    if not more:
        total[small] = 0
        for i in range(begin[small], end[small]):
            total[small] += work.steps[work.rows[i]]
        total[large] = total[node] - total[small]
        return
    table = work.tables[fresh]
    _histogram(data.fine, work.rows, begin[small], end[small], work.steps, table)
    work.tables[work.slot[large]] -= table
    total[small] = table[0].sum()
    total[large] = total[node] - total[small]
    for k in (left, left + 1):
        work.gain[k], column[k], cut[k] = _best_cut(
            work.tables[work.slot[k]], data.n_bins, total[k], growth.least
        )


@inner_kernel
def _next_leaf(gain: FloatArray, used: int) -> int:
    """Leaf with the largest gain; −1 if none gains."""
    best = -1
    for k in range(used):
        if gain[k] > 0 and (best < 0 or gain[k] > gain[best]):
            best = k
    return best


@inner_kernel
def grow_tree(
    data: Binned,
    work: Work,
    n_rows: int,
    growth: Growth,
    unit: float,
    column: NDArray[np.int16],
    cut: NDArray[np.int16],
    child: NDArray[np.int16],
    value: FloatArray,
) -> None:
    """Grow one tree, the leaf of the largest gain first."""
    gain, tables, max_leaves = work.gain, work.tables, growth.max_leaves
    column[:], child[:] = -1, 0
    work.begin[0], work.end[0], work.slot[0] = 0, n_rows, 0
    _histogram(data.fine, work.rows, 0, n_rows, work.steps, tables[0])
    work.total[0] = tables[0, 0].sum()
    gain[0], column[0], cut[0] = _best_cut(tables[0], data.n_bins, work.total[0], growth.least)
    alone, ahead, ahead_column, ahead_cut = max(gain[0], 0.0), 0.0, -1, 0
    if len(growth.pairs) > 0 and max_leaves > 3:
        ahead, ahead_column, coarse_cut = _look_ahead(
            data.coarse, work.rows, n_rows, work.steps, growth
        )
        ahead_cut = data.coarse_cuts[ahead_column, coarse_cut]
        if column[0] < 0 and ahead_column >= 0:
            column[0], cut[0], gain[0], ahead_column = ahead_column, ahead_cut, 1.0, -1
        tables[max_leaves] = tables[0]
    leaves = 1
    while leaves < max_leaves:
        used = 2 * leaves - 1
        node = _next_leaf(gain, used)
        if node < 0:
            break
        _split(data, work, node, used, leaves, leaves + 1 < max_leaves, growth, column, cut)
        if (
            node == 0
            and ahead_column >= 0
            and ahead > alone + max(gain[1], 0.0) + max(gain[2], 0.0)
        ):
            tables[0] = tables[max_leaves]
            column[0], cut[0] = ahead_column, ahead_cut
            _split(data, work, 0, 1, 1, True, growth, column, cut)
        child[node] = used
        gain[node] = -1.0
        leaves += 1
    used = 2 * leaves - 1
    for k in range(used):
        if child[k] == 0:  # it may be worth a cut, but there are leaves enough
            column[k] = -1
        total = work.total[k]
        value[k] = unit * float(total >> UPPER) / max(total & LOWER_BITS, 1)
