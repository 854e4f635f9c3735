"""The hot loop of tests on blocks of columns: likelihood ratios given all sets of one size.

Columns enter a Cholesky factor one by one, those of the conditioning set first. Row t holds the
coordinates of a column in those before it, and what they leave over is the square of its diagonal::

    factor[t, u] = (corr[s_t, s_u] - factor[t, :u] @ factor[u, :u]) / factor[u, u]

A column of which nothing is left over is a combination of those before it and stays out. Sets are
visited in lexicographic order, so consecutive ones share a prefix, and its rows are kept. The
log likelihood ratio is what entering x takes off the logarithms of the diagonal of y.
"""

from __future__ import annotations

import numpy as np

from causalkit._core.jit import inner_kernel, kernel
from causalkit.independence._chi_square_kernels import chi_square_tail
from causalkit.independence._level_kernels import (
    advance,
    goes_first,
    holds,
    longest,
    pool_of,
    sort_by_strength,
)
from causalkit.typing import BoolArray, FloatArray, IntArray

__all__ = ["ask", "ask_each", "choose_columns", "screen", "search", "separate"]

_SOUND, _DETERMINED, _TOO_FEW_ROWS = 0, 1, 2


@inner_kernel
def _enter(
    corr: FloatArray,
    start: int,
    stop: int,
    rank: int,
    factor: FloatArray,
    columns: IntArray,
    tiny: float,
) -> int:
    """Enter a block into the factor behind row `rank`; the new number of rows."""
    for c in range(start, stop):
        row, rest = factor[rank], 1.0
        for u in range(rank):
            value = corr[c, columns[u]]
            for v in range(u):
                value -= row[v] * factor[u, v]
            row[u] = value / factor[u, u]
            rest -= row[u] * row[u]
        if rest > tiny:
            row[rank] = np.sqrt(rest)
            columns[rank] = c
            rank += 1
    return rank


@kernel
def choose_columns(
    corr: FloatArray, starts: IntArray, given: IntArray, target: int, tiny: float
) -> tuple[IntArray, float]:
    """Columns of blocks that are no combination of others, and what they leave of a column."""
    room = _room(starts, len(given))
    factor, columns = np.empty((room, room)), np.empty(room, dtype=np.intp)
    rank = 0
    for k in given:
        rank = _enter(corr, starts[k], starts[k + 1], rank, factor, columns, tiny)
    chosen = columns[:rank].copy()
    _enter(corr, target, target + 1, rank, factor, columns, -np.inf)
    return chosen, factor[rank, rank] ** 2 if factor[rank, rank] > 0.0 else 0.0


@inner_kernel
def _judge(
    corr: FloatArray,
    starts: IntArray,
    n: float,
    i: int,
    j: int,
    rank: int,
    factor: FloatArray,
    columns: IntArray,
    tiny: float,
    out: FloatArray,
) -> int:
    """Likelihood ratio of blocks i and j given the `rank` columns in the factor.

    Written to `out`: statistic, p-value. Bartlett's factor is that of Wilks' lambda.
    """
    with_y = _enter(corr, starts[j], starts[j + 1], rank, factor, columns, tiny)
    n_y = with_y - rank
    if n_y == 0:
        return _DETERMINED
    before = 0.0
    for t in range(rank, with_y):
        before += np.log(factor[t, t])
    with_x = _enter(corr, starts[i], starts[i + 1], rank, factor, columns, tiny)
    n_x = with_x - rank
    if n_x == 0:
        return _DETERMINED
    if n - 1.0 - rank <= n_x + n_y:
        return _TOO_FEW_ROWS
    with_both = _enter(corr, starts[j], starts[j + 1], with_x, factor, columns, tiny)
    if with_both - with_x < n_y:  # given the set, x determines a part of y
        out[0], out[1] = np.inf, 0.0
        return _SOUND
    after = 0.0
    for t in range(with_x, with_both):
        after += np.log(factor[t, t])
    bartlett = n - 1.0 - rank - 0.5 * (n_x + n_y + 1.0)
    out[0] = max(0.0, 2.0 * bartlett * (before - after))
    out[1] = chi_square_tail(out[0], n_x * n_y)
    return _SOUND


@inner_kernel
def _room(starts: IntArray, order: int) -> int:
    """Rows that a factor of `order` + 2 blocks may need, and one to try the next column in."""
    return (order + 2) * longest(starts) + 1


@inner_kernel
def _all_old(old: BoolArray, where: IntArray) -> bool:
    """Whether a set has been asked before; the empty one has not."""
    for at in where:
        if not old[at]:
            return False
    return len(where) > 0


@inner_kernel
def _visit(
    corr: FloatArray,
    starts: IntArray,
    n: float,
    i: int,
    j: int,
    pool: IntArray,
    old: BoolArray,
    alpha: float,
    tiny: float,
    factor: FloatArray,
    columns: IntArray,
    given: IntArray,
    best: FloatArray,
    counts: IntArray,
) -> None:
    """Visit subsets of `pool` of the size of `given` until a p-value exceeds `alpha`.

    Written: the set with the largest p-value so far, its statistic and p-value (`best`), and
    found, tests, sets that could not be used (`counts`).
    """
    size, order = len(pool), len(given)
    where = np.arange(order)
    ranks = np.zeros(order + 1, dtype=np.intp)
    out = np.empty(2)
    start = 0  # first member to enter again
    while size >= order and start >= 0:
        for t in range(start, order):
            k = pool[where[t]]
            ranks[t + 1] = _enter(corr, starts[k], starts[k + 1], ranks[t], factor, columns, tiny)
        if not _all_old(old, where):
            state = _judge(corr, starts, n, i, j, ranks[order], factor, columns, tiny, out)
            if state != _SOUND:
                counts[2] += 1
            else:
                counts[1] += 1
                if out[1] > best[1]:
                    best[0], best[1] = out[0], out[1]
                    for t in range(order):
                        given[t] = pool[where[t]]
                if out[1] > alpha:
                    counts[0] = 1
                    return
        start = advance(where, size + 1)


@kernel
def ask(
    corr: FloatArray,
    starts: IntArray,
    n: float,
    i: int,
    j: int,
    given: IntArray,
    tiny: float,
    out: FloatArray,
) -> int:
    """Answer one question; 0 if it could be, 1 if the set determines i or j, 2 if rows are few."""
    room = _room(starts, len(given))
    factor, columns = np.empty((room, room)), np.empty(room, dtype=np.intp)
    rank = 0
    for k in given:
        rank = _enter(corr, starts[k], starts[k + 1], rank, factor, columns, tiny)
    return _judge(corr, starts, n, min(i, j), max(i, j), rank, factor, columns, tiny, out)


@kernel
def ask_each(
    corr: FloatArray,
    starts: IntArray,
    n: float,
    i: int,
    j: int,
    sets: IntArray,
    tiny: float,
    out: FloatArray,
) -> None:
    """Write statistic and p-value (m, 2) given each of many sets; NaN where there is none."""
    for row in range(len(sets)):
        if ask(corr, starts, n, i, j, sets[row], tiny, out[row]) != _SOUND:
            out[row, 0], out[row, 1] = np.nan, np.nan


@kernel
def search(
    corr: FloatArray,
    starts: IntArray,
    n: float,
    i: int,
    j: int,
    pool: IntArray,
    old: BoolArray,
    alpha: float,
    tiny: float,
    given: IntArray,
    best: FloatArray,
    counts: IntArray,
) -> None:
    """Visit subsets of one pool; see :func:`separate` for what is written."""
    room = _room(starts, len(given))
    factor, columns = np.empty((room, room)), np.empty(room, dtype=np.intp)
    _visit(
        corr, starts, n, min(i, j), max(i, j), pool, old, alpha, tiny,
        factor, columns, given, best, counts,
    )  # fmt: skip


@kernel
def separate(
    corr: FloatArray,
    starts: IntArray,
    n: float,
    strength: FloatArray,
    pairs: IntArray,
    pool_starts: IntArray,
    candidates: IntArray,
    alpha: float,
    tiny: float,
    given: IntArray,
    best: FloatArray,
    counts: IntArray,
) -> None:
    """Look for a separating set of each pair, on one side and then on the other.

    Parameters
    ----------
    corr : ndarray of shape (q, q)
        Correlations of all columns.
    starts : ndarray of int, shape (p + 1,)
        Variable k is columns `starts[k]:starts[k + 1]`.
    n : float
        Rows.
    strength, pairs, pool_starts, candidates
        As in :class:`~causalkit.independence.Level`.
    alpha : float
        A set separates if its p-value exceeds `alpha`.
    tiny : float
        Share of variance that counts as none.
    given : ndarray of int, shape (m, order)
        Written: the set that separates, else the one that comes closest.
    best : ndarray of float, shape (m, 2)
        Comes as (NaN, -1). Written: statistic and p-value given that set.
    counts : ndarray of int, shape (m, 3)
        Raised: found (0 or 1), tests, sets that could not be used.
    """
    order, largest = given.shape[1], longest(pool_starts)
    room = _room(starts, order)
    factor, columns = np.empty((room, room)), np.empty(room, dtype=np.intp)
    pool, old = np.empty(largest, dtype=np.intp), np.zeros(largest, dtype=np.bool_)
    weak, strong = np.empty(largest), np.empty(largest)
    for row in range(len(pairs)):
        i, j = pairs[row, 0], pairs[row, 1]
        one, two = (i, j) if goes_first(strength, pool_starts, candidates, i, j) else (j, i)
        for turn in range(2):
            size = pool_of(strength, pool_starts, candidates, one, two, False, pool, weak, strong)
            sort_by_strength(pool, weak, strong, size)
            first, last = pool_starts[two], pool_starts[two + 1]
            for at in range(size):
                old[at] = turn == 1 and holds(candidates, first, last, pool[at])
            _visit(
                corr, starts, n, i, j, pool[:size], old, alpha, tiny,
                factor, columns, given[row], best[row], counts[row],
            )  # fmt: skip
            if counts[row, 0]:
                break
            one, two = two, one


@kernel
def screen(
    corr: FloatArray,
    starts: IntArray,
    n: float,
    pairs: IntArray,
    tiny: float,
    out: FloatArray,
) -> None:
    """Write statistic and p-value (m, 2) of many pairs given nothing; NaN for none."""
    room = _room(starts, 0)
    factor, columns = np.empty((room, room)), np.empty(room, dtype=np.intp)
    for row in range(len(pairs)):
        i, j = min(pairs[row, 0], pairs[row, 1]), max(pairs[row, 0], pairs[row, 1])
        if _judge(corr, starts, n, i, j, 0, factor, columns, tiny, out[row]) != _SOUND:
            out[row, 0], out[row, 1] = np.nan, np.nan
