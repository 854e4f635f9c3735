"""Scores of a node given others, from fits of sets of columns that are counted once and kept.

The score of a node given its parents is a difference: the fit of all of them together, less that of
the parents alone. Which of the columns is the node makes no difference to the first, so a set of
four is counted once for four nodes, and for each way in which a search came by it.
"""

from __future__ import annotations

from math import isnan
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from causalkit._core.jit import inner_kernel, kernel
from causalkit.scores._count_kernels import (
    cells_of,
    cross,
    fit_of_cells,
    fit_of_counts,
)
from causalkit.scores._states import CELLS_PER_ROW, CountedState
from causalkit.typing import FloatArray, IntArray

__all__ = [
    "drop_parents",
    "gains_of",
    "gains_of_each",
    "improving_parents",
    "local_score",
    "score_of",
]

_NEAR: Final = 4
"""Places in which a fit may be kept."""


# --- fits, looked up or counted -------------------------------------------------------------------


@inner_kernel
def _find(state: CountedState, one: Any, two: Any) -> float:
    """Fit of a set by its key; NaN if it is not known."""
    mask, fit = np.uint64(len(state.kept) - 1), np.nan
    for a in range(_NEAR):
        slot = (one + np.uint64(a)) & mask
        if state.kept[slot, 0] == one and state.kept[slot, 1] == two:
            fit = state.fit[slot, 2]
            break
    return fit


@inner_kernel
def _keep(state: CountedState, one: Any, two: Any, fit: float) -> None:
    """Keep a fit, if need be in the place of another."""
    mask = np.uint64(len(state.kept) - 1)
    place = (one + (two & np.uint64(_NEAR - 1))) & mask
    for a in range(_NEAR):
        slot = (one + np.uint64(a)) & mask
        if state.kept[slot, 0] == 0 and state.kept[slot, 1] == 0:
            place = slot
            break
    state.kept[place, 0], state.kept[place, 1] = one, two
    state.fit[place, 2] = fit


@inner_kernel
def _key_of(state: CountedState, columns: IntArray, k: int, at: int) -> Any:
    key = state.key[len(state.data.levels), at]
    for a in range(k):
        key ^= state.key[columns[a], at]
    return key


@inner_kernel
def _size_of(state: CountedState, columns: IntArray, k: int) -> float:
    size = 1.0
    for a in range(k):
        size *= state.data.levels[columns[a]]
    return size


@inner_kernel
def _fit_of(state: CountedState, columns: IntArray, k: int) -> float:
    """Fit of the first k columns."""
    one, two = _key_of(state, columns, k, 0), _key_of(state, columns, k, 1)
    fit = _find(state, one, two)
    if isnan(fit):
        cells = state.cells[2]
        n_cells = cells_of(state, columns, k, cells)
        fit = fit_of_cells(state, cells, n_cells, _size_of(state, columns, k))
        _keep(state, one, two, fit)
    return fit


@inner_kernel
def _price(state: CountedState, node: int, size: float) -> float:
    """What the parameters of a node cost whose parents have so many configurations."""
    each = 0.0 if state.rule.bayesian else state.rule.strength
    price: float = each * (state.data.levels[node] - 1) * size
    return price


@inner_kernel
def score_of(state: CountedState, node: int, parents: IntArray, k: int) -> float:
    """Score of a node with these k parents."""
    family = state.family
    family[:k] = parents[:k]
    family[k] = node
    fit = _fit_of(state, family, k + 1) - _fit_of(state, family, k)
    return fit - _price(state, node, _size_of(state, family, k))


# --- one candidate after the other ----------------------------------------------------------------


@inner_kernel
def _tally(
    base: NDArray[np.int32],
    codes: NDArray[np.int32],
    levels: int,
    table: NDArray[np.int32],
    other: NDArray[np.int32],
) -> None:
    """Count the cells of a table.

    Half of the rows are counted elsewhere, turn about: to add to a number that was written only
    just now takes longest, and with few cells it is the same one again and again.
    """
    half = len(base) // 2
    base_below, codes_below = base[half:], codes[half:]
    table[:] = 0
    other[:] = 0
    for row in range(half):
        table[np.uint64(base[row] * levels + codes[row])] += 1
        other[np.uint64(base_below[row] * levels + codes_below[row])] += 1
    for row in range(half, len(base_below)):
        table[np.uint64(base_below[row] * levels + codes_below[row])] += 1
    for cell in range(len(table)):
        table[cell] += other[cell]


@inner_kernel
def _count_table(
    state: CountedState, c: int, n_cells: int, r: int, fits: FloatArray, size: float
) -> None:
    """Write the fits of the parents and c, with the node and without, from one full table."""
    levels, base, codes = state.data.levels[c], state.cells[1], state.data.codes[c]
    size_of_table = n_cells * r * levels
    table, margin = state.counts[0, :size_of_table], state.counts[1, : n_cells * levels]
    _tally(base, codes, levels, table, state.counts[2, :size_of_table])
    if isnan(fits[1]):
        margin[:] = 0
        at = 0
        for cell in range(n_cells):
            for _ in range(r):
                for level in range(levels):
                    margin[cell * levels + level] += table[at]
                    at += 1
        fits[1] = fit_of_counts(state.rule, size * levels, margin, state.frequency)
    if isnan(fits[0]):
        fits[0] = fit_of_counts(state.rule, size * levels * r, table, state.frequency)


@inner_kernel
def _count_cells(
    state: CountedState, c: int, n_cells: int, n_finer: int, fits: FloatArray, sizes: FloatArray
) -> None:
    """Write the same from cells that are too many for a table."""
    levels, codes, finer = state.data.levels[c], state.data.codes[c], state.cells[2]
    for a in range(2):
        if isnan(fits[a]):
            finer[:] = state.cells[1 - a]
            n_split = cross(finer, codes, n_finer if a == 0 else n_cells, levels)
            fits[a] = fit_of_cells(state, finer, n_split, sizes[a] * levels)


@inner_kernel
def gains_of(
    state: CountedState,
    node: int,
    parents: IntArray,
    k: int,
    candidates: IntArray,
    n: int,
    only_above: bool,
    out: FloatArray,
) -> None:
    """Write by how much the score changes as each candidate joins.

    With `only_above` that is -inf for some that do not raise it, without counting them.
    """
    r, one, two = state.data.levels[node], state.key[node, 0], state.key[node, 1]
    before, size = score_of(state, node, parents, k), _size_of(state, parents, k)
    first, second = _key_of(state, parents, k, 0), _key_of(state, parents, k, 1)
    fits, sizes = np.empty(2), np.array([size * r, size])
    n_cells: Any = np.intp(-1)  # a literal would be compiled as another type
    n_finer: Any = np.intp(0)
    for a in range(n):
        c = candidates[a]
        price = _price(state, node, size * state.data.levels[c])
        if only_above and not state.rule.bayesian and -price <= before:  # no likelihood is above 1
            out[a] = -np.inf
            continue
        i, j = first ^ state.key[c, 0], second ^ state.key[c, 1]
        fits[0], fits[1] = _find(state, i ^ one, j ^ two), _find(state, i, j)
        both, alone = isnan(fits[0]), isnan(fits[1])
        if both or alone:
            if n_cells < 0:
                n_cells = cells_of(state, parents, k, state.cells[0])
                state.cells[1] = state.cells[0]
                n_finer = cross(state.cells[1], state.data.codes[node], n_cells, r)
            if n_cells * r * state.data.levels[c] <= CELLS_PER_ROW * state.data.codes.shape[1]:
                _count_table(state, c, n_cells, r, fits, size)
            else:
                _count_cells(state, c, n_cells, n_finer, fits, sizes)
            if both:
                _keep(state, i ^ one, j ^ two, fits[0])
            if alone:
                _keep(state, i, j, fits[1])
        out[a] = fits[0] - fits[1] - price - before


@kernel
def gains_of_each(
    state: CountedState, node: int, parents: IntArray, candidates: IntArray, out: FloatArray
) -> None:
    """Write by how much the score changes as each candidate joins the parents."""
    gains_of(state, node, parents, len(parents), candidates, len(candidates), False, out)


# --- what searches ask ----------------------------------------------------------------------------


@kernel
def local_score(state: CountedState, node: int, parents: IntArray, k: int) -> float:
    """Score of a node with these k parents."""
    return score_of(state, node, parents, k)


@inner_kernel
def improving_parents(
    state: CountedState, node: int, path: IntArray, k: int, found: IntArray, gains: FloatArray
) -> int:
    """List columns that raise the score if they join the k parents; return how many."""
    taken = np.zeros(len(state.data.levels), dtype=np.bool_)
    taken[node] = True
    for a in range(k):
        taken[path[a]] = True
    n = 0
    for c in range(len(taken)):
        if not taken[c]:
            found[n] = c
            n += 1
    gains_of(state, node, path, k, found, n, True, gains)
    m = 0
    for a in range(n):
        if gains[a] > 0:
            found[m], gains[m] = found[a], gains[a]
            m += 1
    return m


@inner_kernel
def drop_parents(
    state: CountedState, node: int, parents: IntArray, k: int, n_kept: int
) -> tuple[int, float]:
    """Leave out the least useful parent after the first ones, while that raises the score."""
    rest = np.empty(max(k, 1), dtype=np.intp)
    best = score_of(state, node, parents, k)
    while k > n_kept:
        worst, highest = -1, best
        for a in range(n_kept, k):
            for b in range(k - 1):
                rest[b] = parents[b + (b >= a)]
            without = score_of(state, node, rest, k - 1)
            if without > highest:
                worst, highest = a, without
        if worst < 0:
            break
        best, k = highest, k - 1
        for b in range(worst, k):
            parents[b] = parents[b + 1]
    return k, best
