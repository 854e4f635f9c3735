"""Counts of the cells of a table, and what they add up to: the fit of a set of columns.

A cell is a number. As long as the products of the levels are few, it is that of the cell in the
full table; beyond a few times the rows, only cells that occur are numbered, so that many columns
never take more memory than the rows.

Counts are sorted before their terms are added, those of equal ones at once. So a fit is the same
number down to its last digit in whatever order the columns were crossed and whichever cells got a
number, and what is remembered of earlier questions changes no answer.
"""

from __future__ import annotations

from math import lgamma, log
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from causalkit._core._cell_kernels import merge_codes
from causalkit._core.jit import inner_kernel
from causalkit.scores._states import CELLS_PER_ROW, CountedState, Rule
from causalkit.typing import IntArray

__all__ = ["cells_of", "cross", "fit_of_cells", "fit_of_counts"]

_FEW: Final = 64
"""Cells from which on equal counts are put together by how often they occur, not by sorting."""

_MOST: Final = 1e300
"""Cells of a table, as far as prior weights can tell."""


@inner_kernel
def _term(rule: Rule, weight: float, count: int, empty: float) -> float:
    """What a cell with so many rows adds; `empty` is log Γ of the weight."""
    if rule.bayesian:
        return lgamma(weight + count) - empty
    return count * log(count)


@inner_kernel
def _sort(counts: NDArray[np.int32], frequency: NDArray[np.int32], n_bins: int) -> int:
    """Note how often each count below `n_bins` occurs, and put the others first, sorted.

    Returned is how many others there are.
    """
    m = 0
    for count in counts:
        if count < n_bins:
            frequency[np.uint64(count)] += 1
            continue
        a = m
        while a > 0 and counts[a - 1] > count:
            counts[a] = counts[a - 1]
            a -= 1
        counts[a] = count
        m += 1
    return m


@inner_kernel
def fit_of_counts(
    rule: Rule, size: float, counts: NDArray[np.int32], frequency: NDArray[np.int32]
) -> float:
    """Add up the terms of all cells, of which so many are possible; counts are sorted."""
    weight, total = rule.strength / min(size, _MOST), 0.0
    empty = lgamma(weight) if rule.bayesian else 0.0
    n_bins = len(frequency) if len(counts) >= _FEW else 1
    m = _sort(counts, frequency, n_bins)
    frequency[0] = 0
    for value in range(1, n_bins):
        if frequency[value] > 0:
            total += frequency[value] * _term(rule, weight, value, empty)
            frequency[value] = 0
    a = 0
    while a < m:
        value, n_equal = counts[a], 0
        while a < m and counts[a] == value:
            n_equal += 1
            a += 1
        total += n_equal * _term(rule, weight, value, empty)
    return total


@inner_kernel
def cross(cells: NDArray[Any], codes: NDArray[np.int32], n_cells: int, n_levels: int) -> int:
    """Split cells by one more column, in place; return how many numbers there are now."""
    if n_cells * n_levels > CELLS_PER_ROW * len(cells):
        return merge_codes(cells, codes, n_cells, n_levels)
    for row in range(len(cells)):
        cells[row] = cells[row] * n_levels + codes[row]
    return n_cells * n_levels


@inner_kernel
def cells_of(state: CountedState, columns: IntArray, k: int, cells: NDArray[np.int32]) -> int:
    """Number the cells of the first k columns; return how many numbers there are."""
    count: Any = np.intp(1)
    cells[:] = 0
    for a in range(k):
        c = columns[a]
        count = cross(cells, state.data.codes[c], count, state.data.levels[c])
    n_cells: int = count
    return n_cells


@inner_kernel
def fit_of_cells(state: CountedState, cells: NDArray[np.int32], n_cells: int, size: float) -> float:
    """Count cells by number, of which so many are possible, and add up."""
    counts = state.counts[0, :n_cells]
    counts[:] = 0
    for row in range(len(cells)):
        counts[np.uint64(cells[row])] += 1
    return fit_of_counts(state.rule, size, counts, state.frequency)
