"""The hot loops of :class:`GSquare`: which set separates a pair, for one pair or a whole level.

Sets are visited in lexicographic order, so that consecutive ones share the strata of a prefix. A
p-value is computed only if it may be the largest so far: a larger statistic with no more degrees of
freedom cannot have it.
"""

from __future__ import annotations

import numpy as np

from causalkit._core._copy_kernels import copy
from causalkit._core.jit import inner_kernel, kernel
from causalkit.independence._chi_square_kernels import chi_square_tail
from causalkit.independence._contingency_kernels import (
    Counted,
    Rules,
    Work,
    begin_pool,
    judge_set,
    keep_prefix,
    scratch,
)
from causalkit.independence._level_kernels import (
    advance,
    goes_first,
    holds,
    longest,
    pool_of,
    sort_by_strength,
)
from causalkit.typing import BoolArray, FloatArray, IntArray

__all__ = ["answers_given_each", "answers_given_own", "first_of_pool", "separate"]


@inner_kernel
def _visit(
    data: Counted,
    rules: Rules,
    work: Work,
    i: int,
    j: int,
    pool: IntArray,
    old: BoolArray,
    alpha: float,
    given: IntArray,
    counts: IntArray,
) -> None:
    """Visit subsets of `pool` until one separates; `work.best` is the closest so far."""
    order, size, best = len(given), len(pool), work.best
    where = np.arange(order)
    chosen = np.empty(order, dtype=np.intp)
    begin_pool(work, pool)
    while order <= size:
        all_old = order > 0
        for t in range(order):
            chosen[t] = pool[where[t]]
            all_old = all_old and old[where[t]]
        if not all_old:
            statistic, freedom = judge_set(data, rules, work, i, j, chosen)
            counts[1 if freedom > 0 else 2] += 1
            if freedom > 0 and (statistic < best[1] or freedom > best[2]):
                p_value = chi_square_tail(statistic, freedom)
                if p_value > best[0]:
                    best[0], best[1], best[2] = p_value, statistic, freedom
                    copy(chosen, given)
                if p_value > alpha:
                    counts[0] = 1
                    return
        start = advance(where, size + 1)  # leaves room for none
        if start < 0:
            return
        keep_prefix(work, start)


@kernel
def first_of_pool(
    data: Counted,
    rules: Rules,
    i: int,
    j: int,
    pool: IntArray,
    old: BoolArray,
    alpha: float,
    given: IntArray,
    counts: IntArray,
) -> tuple[float, float]:
    """Visit subsets of one pool until one separates columns i and j.

    Parameters
    ----------
    data, rules
        The table and the test.
    i, j : int
        The pair, i < j.
    pool : ndarray of int, shape (m,)
        Candidates, in the order in which they are asked.
    old : ndarray of bool, shape (m,)
        A non-empty subset of these candidates is passed over.
    alpha : float
        Stop at a p-value above it.
    given : ndarray of int, shape (order,)
        Written: the set that separates, else the one that comes closest.
    counts : ndarray of int, shape (3,)
        Raised: found (0 or 1), tests, sets that could not be tested.

    Returns
    -------
    statistic, p_value : float
        Given that set; NaN if none could be tested.
    """
    work = scratch(data, len(given), len(pool))
    _begin(work)
    _visit(data, rules, work, i, j, pool, old, alpha, given, counts)
    return _answer(work)


@inner_kernel
def _begin(work: Work) -> None:
    work.best[0], work.best[1], work.best[2] = -1.0, np.inf, 0.0


@inner_kernel
def _answer(work: Work) -> tuple[float, float]:
    if work.best[0] < 0.0:
        return np.nan, np.nan
    return work.best[1], work.best[0]


@kernel
def answers_given_own(
    data: Counted,
    rules: Rules,
    pairs: IntArray,
    sets: IntArray,
    statistics: FloatArray,
    p_values: FloatArray,
) -> None:
    """Write what the tests of pairs say, each given its own row of `sets`; NaN for nothing.

    A row ends in -1 if the set is smaller.
    """
    widest = sets.shape[1]
    work = scratch(data, widest, widest)
    for row in range(len(pairs)):
        order = 0
        while order < widest and sets[row, order] >= 0:
            order += 1
        given = sets[row, :order]
        begin_pool(work, given)
        statistic, freedom = judge_set(data, rules, work, pairs[row, 0], pairs[row, 1], given)
        statistics[row], p_values[row] = np.nan, np.nan
        if freedom > 0:
            statistics[row], p_values[row] = statistic, chi_square_tail(statistic, freedom)


@kernel
def answers_given_each(
    data: Counted,
    rules: Rules,
    i: int,
    j: int,
    sets: IntArray,
    pool: IntArray,
    statistics: FloatArray,
    p_values: FloatArray,
) -> None:
    """Write what the tests of one pair say given each row of `sets`, whose members are `pool`."""
    work = scratch(data, sets.shape[1], len(pool))
    begin_pool(work, pool)
    for row in range(len(sets)):
        same = 0
        while row > 0 and same < sets.shape[1] and sets[row, same] == sets[row - 1, same]:
            same += 1
        keep_prefix(work, same)
        statistic, freedom = judge_set(data, rules, work, i, j, sets[row])
        statistics[row], p_values[row] = np.nan, np.nan
        if freedom > 0:
            statistics[row], p_values[row] = statistic, chi_square_tail(statistic, freedom)


@kernel
def separate(
    data: Counted,
    rules: Rules,
    strength: FloatArray,
    pairs: IntArray,
    starts: IntArray,
    candidates: IntArray,
    alpha: float,
    given: IntArray,
    statistics: FloatArray,
    p_values: FloatArray,
    counts: IntArray,
) -> None:
    """Look for a separating set of each pair, on one side and then on the other.

    Parameters
    ----------
    data, rules
        The table and the test.
    strength, pairs, starts, candidates : ndarrays
        As in :class:`~causalkit.independence.Level`; the candidates of a node ascend.
    alpha : float
        A p-value above it separates.
    given : ndarray of int, shape (m, order)
        Written: the set that separates, else the one that comes closest.
    statistics, p_values : ndarrays of float, shape (m,)
        Written: the answer given that set; NaN if none could be tested.
    counts : ndarray of int, shape (m, 3)
        Raised: found (0 or 1), tests, sets that could not be tested.
    """
    order, largest = given.shape[1], longest(starts)
    work = scratch(data, order, largest)
    pool = np.empty(largest, dtype=np.intp)
    weak, strong = np.empty(largest), np.empty(largest)
    old = np.zeros(largest, dtype=np.bool_)
    for row in range(len(pairs)):
        low, high = pairs[row, 0], pairs[row, 1]
        i, j = low, high
        if order > 0 and not goes_first(strength, starts, candidates, i, j):
            i, j = j, i
        _begin(work)
        for turn in range(2 if order > 0 else 1):
            size = pool_of(strength, starts, candidates, i, j, False, pool, weak, strong)
            sort_by_strength(pool, weak, strong, size)
            for at in range(size):
                old[at] = turn == 1 and holds(candidates, starts[j], starts[j + 1], pool[at])
            _visit(data, rules, work, low, high, pool[:size], old, alpha, given[row], counts[row])
            if counts[row, 0]:
                break
            i, j = j, i
        statistics[row], p_values[row] = _answer(work)
