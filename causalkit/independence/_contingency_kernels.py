"""Contingency tables given one set, counted as fast as the set allows.

A table is counted in one of two ways, whichever takes fewer steps.

*Bit by bit.* Each level of each column is a set of rows, one bit a row. A cell of a stratum is the
overlap of three such sets, and one machine instruction counts 64 rows.

*Row by row.* The strata that occur are numbered, and each row raises one cell. This is the better
way once there are more than a few hundred cells.

Two things are shared by the sets that a pair is asked about. Consecutive ones have a prefix in
common, so the strata of every prefix are kept, and only those behind the first member that changed
are made again; bit by bit, the tables of the longest prefix are kept too, so that the last level of
the last member need not be counted: it is what the others leave over. And all sets are taken from
one pool: once a few tests have been made row by row, rows that agree on the pair and its pool are
packed into one that counts for several.

Positions are cast to unsigned in the hottest loops: a negative one would count from the end, and
asking whether it is negative takes half the time.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from causalkit._core.jit import inner_kernel, kernel
from causalkit.typing import FloatArray, IntArray

__all__ = [
    "Counted",
    "Rules",
    "Work",
    "begin_pool",
    "count_strata",
    "fill_bits",
    "judge_set",
    "keep_prefix",
    "scratch",
]

_MOST_PACKED = 30  # rows that agree on more columns than this are rare
_BIT_CELLS = 256  # up to about here overlaps of bit sets are quicker than a pass over the rows


class Counted(NamedTuple):
    """A table of categories, ready to be counted.

    Attributes
    ----------
    codes : ndarray of int32, shape (p, n)
        Level of each cell, from 0.
    levels : ndarray of int, shape (p,)
        Number of levels of each column.
    bits : ndarray of uint64, shape (1 + n_sets, n_words)
        Set 0 holds all rows; then comes one set for each level of the columns that have few.
    first : ndarray of int, shape (p,)
        Set of level 0 of each column, -1 if the column has none.
    x_log_x : ndarray of float, shape (n + 1,)
        `k * log(k)` for every count.
    """

    codes: NDArray[np.int32]
    levels: IntArray
    bits: NDArray[np.uint64]
    first: IntArray
    x_log_x: FloatArray


class Rules(NamedTuple):
    """What the test is: see the parameters of :class:`GSquare`."""

    pearson: bool
    plain: bool
    min_per_cell: float


class Work(NamedTuple):
    """Scratch memory. Way 0 is bit by bit, way 1 row by row."""

    masks: NDArray[np.uint64]  # (order + 1, strata, words): strata of each prefix
    strata: NDArray[np.int32]  # (order + 1, n): number of each row's stratum, for each prefix
    sizes: IntArray  # (2, order + 1): strata of each prefix
    depth: IntArray  # (3,): prefix that is up to date, -1 if `pair` is not; that of `whole`
    pair: NDArray[np.int32]  # (n,): each row's cell in the table of the pair
    pool: IntArray  # (largest pool,)
    state: IntArray  # (3,): size of the pool, tests made row by row, packed rows (0: not packed)
    packed: NDArray[np.int32]  # (columns, n): codes of the packed rows
    slot: IntArray  # (p,): where in `packed` a column is
    weight: NDArray[np.int32]  # (n,): rows that each one stands for
    table: NDArray[np.int32]  # (cells,): tables of one stratum of the longest prefix, split
    whole: NDArray[np.int32]  # (cells,): tables of all strata of the longest prefix
    margin: NDArray[np.int32]  # (most levels,)
    best: FloatArray  # p-value, statistic, degrees of freedom of the closest set


@inner_kernel
def scratch(data: Counted, order: int, largest_pool: int) -> Work:
    """Memory for sets of one size from pools up to another."""
    n, words = data.codes.shape[1], data.bits.shape[1]
    work = Work(
        np.empty((order + 1, _BIT_CELLS // 4, words), dtype=np.uint64),
        np.empty((order + 1, n), dtype=np.int32),
        np.ones((2, order + 1), dtype=np.intp),
        np.zeros(3, dtype=np.intp),
        np.empty(n, dtype=np.int32),
        np.empty(largest_pool, dtype=np.intp),
        np.zeros(3, dtype=np.intp),
        np.empty((min(largest_pool, _MOST_PACKED) + 2, n), dtype=np.int32),
        np.empty(len(data.levels), dtype=np.intp),
        np.ones(n, dtype=np.int32),
        np.empty(_BIT_CELLS, dtype=np.int32),
        np.empty(_BIT_CELLS, dtype=np.int32),
        np.empty(data.levels.max(), dtype=np.int32),
        np.empty(3),
    )
    work.masks[0, 0] = data.bits[0]
    work.strata[0] = 0
    return work


@kernel
def fill_bits(codes: NDArray[np.int32], first: IntArray, bits: NDArray[np.uint64]) -> None:
    """Set the bit of each row in the set of its level; `bits` begins empty."""
    for row in range(codes.shape[1]):
        bits[0, row >> 6] |= np.uint64(1) << np.uint64(row & 63)
    for k in range(len(codes)):
        if first[k] >= 0:
            for row in range(codes.shape[1]):
                bits[first[k] + codes[k, row], row >> 6] |= np.uint64(1) << np.uint64(row & 63)


@inner_kernel
def _overlap(a: NDArray[np.uint64], b: NDArray[np.uint64], c: NDArray[np.uint64]) -> int:
    """Rows that three bit sets share."""
    total = np.uint64(0)
    for w in range(len(a)):
        total += _ones(a[w] & b[w] & c[w])
    return int(total)


@inner_kernel
def _ones(x: np.uint64) -> np.uint64:
    """Number of bits that are set; compilers know these lines and make one instruction of them."""
    x = x - ((x >> np.uint64(1)) & np.uint64(0x5555555555555555))
    x = (x & np.uint64(0x3333333333333333)) + ((x >> np.uint64(2)) & np.uint64(0x3333333333333333))
    x = (x + (x >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return (x * np.uint64(0x0101010101010101)) >> np.uint64(56)


@inner_kernel
def _intersect(a: NDArray[np.uint64], b: NDArray[np.uint64], out: NDArray[np.uint64]) -> bool:
    """Write the rows that two bit sets share; whether there are any."""
    seen = np.uint64(0)
    for w in range(len(a)):
        out[w] = a[w] & b[w]
        seen |= out[w]
    return bool(seen)


@inner_kernel
def _judge(
    table: NDArray[np.int32],
    begin: int,
    r: int,
    c: int,
    margin: NDArray[np.int32],
    x_log_x: FloatArray,
    pearson: bool,
) -> tuple[float, int, int]:
    """Statistic, degrees of freedom and rows of one (r, c) table, its empty lines left out."""
    statistic, n_rows, n_columns, total = 0.0, 0, 0, 0
    for y in range(c):
        margin[y] = 0
    for x in range(r):
        row = 0
        for y in range(c):
            count = table[np.uint64(begin + x * c + y)]
            row += count
            margin[y] += count
            statistic += x_log_x[np.uint64(count)]
        statistic -= x_log_x[np.uint64(row)]
        total += row
        n_rows += row > 0
    for y in range(c):
        statistic -= x_log_x[np.uint64(margin[y])]
        n_columns += margin[y] > 0
    freedom = (n_rows - 1) * (n_columns - 1)
    if freedom == 0 or total == 0:
        return 0.0, 0, total
    if not pearson:
        return 2.0 * (statistic + x_log_x[np.uint64(total)]), freedom, total
    statistic = 0.0
    for x in range(r):
        row = 0
        for y in range(c):
            row += table[np.uint64(begin + x * c + y)]
        for y in range(c):
            if row > 0 and margin[y] > 0:
                expected = float(row) * margin[y] / total
                statistic += (table[begin + x * c + y] - expected) ** 2 / expected
    return statistic, freedom, total


@inner_kernel
def _split_by_bits(data: Counted, work: Work, column: int, t: int) -> None:
    """Split the strata of a prefix of length t by the levels of one more column."""
    size, first = 0, data.first[column]
    for s in range(work.sizes[0, t]):
        for v in range(data.levels[column]):
            size += _intersect(work.masks[t, s], data.bits[first + v], work.masks[t + 1, size])
    work.sizes[0, t + 1] = size


@inner_kernel
def _codes(data: Counted, work: Work, column: int) -> NDArray[np.int32]:
    """Codes of a column in all rows, or in the packed ones."""
    codes: NDArray[np.int32] = data.codes[column]
    if work.state[2] > 0:
        codes = work.packed[work.slot[column]][: work.state[2]]
    return codes


@inner_kernel
def _pack(data: Counted, work: Work, i: int, j: int) -> None:
    """Pack rows that agree on the pair and its pool, unless there are too few of them.

    Packed rows keep the order in which they first occur, so strata keep their numbers.
    """
    n, size = data.codes.shape[1], 1
    columns = np.empty(work.state[0] + 2, dtype=np.intp)
    columns[0], columns[1] = i, j
    columns[2:] = work.pool[: work.state[0]]
    if len(columns) > len(work.packed):
        return
    kind = np.zeros(n, dtype=np.int32)
    for k in columns:
        levels, codes = data.levels[k], data.codes[k]
        if size * levels > 4 * n:
            return
        number, size = np.full(size * levels, -1, dtype=np.int32), 0
        for row in range(n):
            at = np.uint64(kind[row] * levels + codes[row])
            if number[at] < 0:
                number[at] = size
                size += 1
            kind[row] = number[at]
        if 2 * size > n:
            return
    example, seen = np.empty(size, dtype=np.intp), 0
    work.weight[:size] = 0
    for row in range(n):
        if kind[row] == seen:
            example[seen] = row
            seen += 1
        work.weight[np.uint64(kind[row])] += 1
    for slot in range(len(columns)):
        work.slot[columns[slot]] = slot
        for row in range(size):
            work.packed[slot, row] = data.codes[columns[slot], example[row]]
    work.state[2], work.depth[1] = size, -1


@inner_kernel
def _split_by_rows(data: Counted, work: Work, column: int, t: int) -> None:
    """Number the strata that occur once a prefix of length t is split by one more column."""
    levels, size = data.levels[column], 0
    codes, strata, split = _codes(data, work, column), work.strata[t], work.strata[t + 1]
    number = np.full(work.sizes[1, t] * levels, -1, dtype=np.int32)
    for row in range(len(codes)):
        at = np.uint64(strata[row] * levels + codes[row])
        if number[at] < 0:
            number[at] = size
            size += 1
        split[row] = number[at]
    work.sizes[1, t + 1] = size


@inner_kernel
def _is_quick_by_bits(data: Counted, work: Work, i: int, j: int, chosen: IntArray) -> bool:
    """Bring the masks of the longest prefix up to date, unless counting rows takes fewer steps."""
    if data.first[i] < 0 or data.first[j] < 0:
        return False
    words, last = data.bits.shape[1], len(chosen) - 1
    most = _BIT_CELLS * words // ((words + 16) * data.levels[i] * data.levels[j])
    for t in range(work.depth[0], len(chosen)):
        if data.first[chosen[t]] < 0 or work.sizes[0, t] * data.levels[chosen[t]] > most:
            return False
        if t < last:
            _split_by_bits(data, work, chosen[t], t)
            work.depth[0] = t + 1
    return bool(most > 0)


@inner_kernel
def _count_by_bits(
    data: Counted, i: int, j: int, mask: NDArray[np.uint64], table: NDArray[np.int32], begin: int
) -> None:
    """Write the table of one stratum."""
    for x in range(data.levels[i]):
        for y in range(data.levels[j]):
            table[begin] = _overlap(
                mask, data.bits[data.first[i] + x], data.bits[data.first[j] + y]
            )
            begin += 1


@inner_kernel
def _split_table(
    data: Counted, work: Work, i: int, j: int, column: int, order: int, s: int
) -> None:
    """Write the tables of one stratum of a prefix, split by the levels of one more column."""
    cells, n_levels = data.levels[i] * data.levels[j], data.levels[column]
    rest, mask = (n_levels - 1) * cells, work.masks[order, 0]
    work.table[rest : rest + cells] = work.whole[s * cells : (s + 1) * cells]
    for v in range(n_levels - 1):
        begin = v * cells
        if _intersect(work.masks[order - 1, s], data.bits[data.first[column] + v], mask):
            _count_by_bits(data, i, j, mask, work.table, begin)
        else:
            work.table[begin : begin + cells] = 0
        for cell in range(cells):
            work.table[rest + cell] -= work.table[begin + cell]


@inner_kernel
def _by_bits(
    data: Counted, rules: Rules, work: Work, i: int, j: int, chosen: IntArray, most: float
) -> tuple[float, int]:
    """Statistic and degrees of freedom by bit sets; 0 degrees beyond `most` strata."""
    r, c, order, size = data.levels[i], data.levels[j], len(chosen), 0
    before = max(order - 1, 0)
    if work.depth[2] != before:
        for s in range(work.sizes[0, before]):
            _count_by_bits(data, i, j, work.masks[before, s], work.whole, s * r * c)
        work.depth[2] = before
    statistic, freedom = 0.0, 0
    for s in range(work.sizes[0, before]):
        tables, n_tables = work.whole, 1
        if order > 0:
            _split_table(data, work, i, j, chosen[before], order, s)
            tables, n_tables = work.table, data.levels[chosen[before]]
        for v in range(n_tables):
            part = _judge(tables, v * r * c, r, c, work.margin, data.x_log_x, rules.pearson)
            statistic += part[0]
            freedom += part[1]
            size += part[2] > 0
        if size > most:
            return 0.0, 0
    return statistic, freedom


@inner_kernel
def _by_rows(
    data: Counted, rules: Rules, work: Work, i: int, j: int, chosen: IntArray, most: float
) -> tuple[float, int]:
    """Statistic and degrees of freedom by a pass over the rows; 0 degrees beyond `most` strata."""
    r, c, last = data.levels[i], data.levels[j], len(chosen) - 1
    work.state[1] += 1
    if work.state[1] == work.state[0] // 2 + 2:  # by now as much was spent as packing costs
        _pack(data, work, i, j)
    if work.depth[1] < 0:
        one, other = _codes(data, work, i), _codes(data, work, j)
        for row in range(len(one)):
            work.pair[row] = one[row] * c + other[row]
        work.depth[1] = 0
    for t in range(work.depth[1], last):
        if work.sizes[1, t] > most:
            return 0.0, 0
        _split_by_rows(data, work, chosen[t], t)
        work.depth[1] = t + 1
    # The last member is never part of a prefix: its strata are counted as they are found.
    strata = work.strata[max(last, 0)]
    levels, codes = 1, work.strata[0]  # one stratum, number 0, if the set is empty
    if last >= 0:
        levels, codes = data.levels[chosen[last]], _codes(data, work, chosen[last])
    number = np.full(work.sizes[1, max(last, 0)] * levels, -1, dtype=np.int32)
    room, size, cells = int(min(most, float(len(number)))), 0, r * c
    tables = np.zeros(room * cells, dtype=np.int32)
    for row in range(len(codes)):
        at = np.uint64(strata[row] * levels + codes[row])
        if number[at] < 0:
            if size == room:
                return 0.0, 0
            number[at] = size
            size += 1
        tables[np.uint64(number[at] * cells + work.pair[row])] += work.weight[row]
    statistic, freedom = 0.0, 0
    for s in range(size):
        part = _judge(tables, s * cells, r, c, work.margin, data.x_log_x, rules.pearson)
        statistic += part[0]
        freedom += part[1]
    return statistic, freedom


@inner_kernel
def judge_set(
    data: Counted, rules: Rules, work: Work, i: int, j: int, chosen: IntArray
) -> tuple[float, int]:
    """Statistic and degrees of freedom given one set; 0 degrees if it cannot be tested.

    What :func:`begin_pool` and :func:`keep_prefix` say about the last set must hold.
    """
    most = data.codes.shape[1] / (data.levels[i] * data.levels[j] * rules.min_per_cell)
    if _is_quick_by_bits(data, work, i, j, chosen):
        statistic, freedom = _by_bits(data, rules, work, i, j, chosen, most)
    else:
        statistic, freedom = _by_rows(data, rules, work, i, j, chosen, most)
    if freedom > 0 and rules.plain:
        plain = float((data.levels[i] - 1) * (data.levels[j] - 1))
        for k in chosen:
            plain *= data.levels[k]
        freedom = int(min(plain, 1e15))  # the product may be beyond any integer
    return max(statistic, 0.0), freedom


@inner_kernel
def begin_pool(work: Work, pool: IntArray) -> None:
    """Forget the last pair and its sets; the next ones are taken from this pool."""
    work.depth[0], work.depth[1], work.depth[2] = 0, -1, -1
    work.weight[: work.state[2]] = 1
    work.state[0], work.state[1], work.state[2] = len(pool), 0, 0
    work.pool[: len(pool)] = pool


@inner_kernel
def keep_prefix(work: Work, length: int) -> None:
    """The next set of this pair begins with so many members of the last."""
    for way in range(3):
        work.depth[way] = min(work.depth[way], length)


@kernel
def count_strata(data: Counted, given: IntArray, most: float) -> int:
    """Strata that occur given a set; counting stops once there are more than `most`."""
    work = scratch(data, len(given), len(given))
    for t in range(len(given)):
        if work.sizes[1, t] > most:
            return int(work.sizes[1, t])
        _split_by_rows(data, work, given[t], t)
    return int(work.sizes[1, len(given)])
