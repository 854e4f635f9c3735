"""Counts of a category within each configuration of its parents, and the scores that follow.

A configuration is a number. As long as the products of the levels are few, the number is that of
the cell in the full table; beyond a few times the rows, only configurations that occur are
numbered, so that many parents never take more memory than the rows.
"""

from __future__ import annotations

from math import lgamma, log
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from causalkit._core._cell_kernels import merge_codes
from causalkit._core.jit import inner_kernel, kernel
from causalkit.typing import FloatArray, IntArray

__all__ = ["Counted", "Rule", "gains_of_each", "local_score"]

_PER_ROW = 4
"""Cells of a full table for each row, beyond which only those that occur are numbered."""

_FEW = 64
"""Cells from which on equal counts are put together before logarithms are taken."""

_MOST = 1e300
"""Cells of a table, as far as prior weights can tell."""


class Counted(NamedTuple):
    """Level of each cell, shape (p, n), and number of levels of each column, shape (p,)."""

    codes: NDArray[np.int32]
    levels: IntArray


class Rule(NamedTuple):
    """Which score: Bayesian, with an equivalent sample size; or BIC, with a price a parameter."""

    bayesian: bool
    strength: float


@inner_kernel
def _cross(
    cells: IntArray, codes: NDArray[np.int32], n_cells: int, n_levels: int, most: int
) -> int:
    """Split cells by one more column, in place; return how many numbers there are now."""
    if n_cells * n_levels <= most:
        for row in range(len(cells)):
            cells[row] = cells[row] * n_levels + codes[row]
        return n_cells * n_levels
    return merge_codes(cells, codes, n_cells, n_levels)


@inner_kernel
def _term(rule: Rule, weight: float, count: int) -> float:
    """What a cell with so many rows adds; nothing if it is empty."""
    if rule.bayesian:
        return lgamma(weight + count) - lgamma(weight)
    return count * log(count)


@inner_kernel
def _sum_terms(rule: Rule, weight: float, counts: IntArray, frequency: IntArray) -> float:
    """Add up the terms of all cells; `frequency` is zero before and after."""
    total, largest = 0.0, 0
    if len(counts) < _FEW:
        for count in counts:
            if count > 0:
                total += _term(rule, weight, count)
        return total
    for count in counts:
        frequency[count] += 1
        largest = max(largest, count)
    frequency[0] = 0
    for count in range(1, largest + 1):
        if frequency[count] > 0:
            total += frequency[count] * _term(rule, weight, count)
            frequency[count] = 0
    return total


@inner_kernel
def _score(
    data: Counted,
    rule: Rule,
    node: int,
    cells: IntArray,
    n_cells: int,
    q: float,
    frequency: IntArray,
) -> float:
    """Score of a node given configurations by number, of which q are possible."""
    own, r, n = data.codes[node], data.levels[node], data.codes.shape[1]
    whole = np.zeros(n_cells, dtype=np.intp)
    if n_cells * r <= 2 * _PER_ROW * n:
        parts = np.zeros(n_cells * r, dtype=np.intp)
        for row in range(n):
            parts[np.uint64(cells[row] * r + own[row])] += 1
        for cell in range(n_cells):
            for level in range(r):
                whole[cell] += parts[cell * r + level]
    else:
        for row in range(n):
            whole[np.uint64(cells[row])] += 1
        split = cells.copy()
        parts = np.zeros(merge_codes(split, own, n_cells, r), dtype=np.intp)
        for row in range(n):
            parts[np.uint64(split[row])] += 1
    q = min(q, _MOST)
    total = _sum_terms(rule, rule.strength / (q * r), parts, frequency)
    total -= _sum_terms(rule, rule.strength / q, whole, frequency)
    return total if rule.bayesian else total - rule.strength * (r - 1) * q


@inner_kernel
def _configurations(data: Counted, parents: IntArray, cells: IntArray) -> tuple[int, float]:
    """Number the configurations of some columns; how many numbers, and how many are possible."""
    count, q = 1, 1.0
    cells[:] = 0
    for k in parents:
        count = _cross(cells, data.codes[k], count, data.levels[k], _PER_ROW * len(cells))
        q *= data.levels[k]
    return count, q


@kernel
def local_score(data: Counted, rule: Rule, node: int, parents: IntArray) -> float:
    """Score of a node given its parents."""
    n = data.codes.shape[1]
    cells, frequency = np.empty(n, dtype=np.intp), np.zeros(n + 1, dtype=np.intp)
    count, q = _configurations(data, parents, cells)
    return _score(data, rule, node, cells, count, q, frequency)


@kernel
def gains_of_each(
    data: Counted, rule: Rule, node: int, parents: IntArray, candidates: IntArray, out: FloatArray
) -> None:
    """Write by how much the score changes as each candidate joins; its rows are passed once."""
    n = data.codes.shape[1]
    cells, frequency = np.empty(n, dtype=np.intp), np.zeros(n + 1, dtype=np.intp)
    count, q = _configurations(data, parents, cells)
    before = _score(data, rule, node, cells, count, q, frequency)
    finer = np.empty(n, dtype=np.intp)
    for k in range(len(candidates)):
        c = candidates[k]
        finer[:] = cells
        split = _cross(finer, data.codes[c], count, data.levels[c], _PER_ROW * n)
        after = _score(data, rule, node, finer, split, q * data.levels[c], frequency)
        out[k] = after - before
