"""Partial correlations on the rows that a test may use, in compiled code.

A table arrives as groups of rows that may be used for the same sets of columns: how many rows,
their means, and what varies about the means. A group may be a single row, which has no variation of
its own; then `grams` is empty. Groups are put together by the formula of Chan, Golub and LeVeque::

    sum over groups of   grams + count * (mean - overall mean) (mean - overall mean)'

which never subtracts large numbers from each other, so a subset on a small scale keeps its digits.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from causalkit._core._copy_kernels import copy
from causalkit._core.jit import inner_kernel, kernel
from causalkit.typing import BoolArray, FloatArray, IntArray

__all__ = ["moments", "partial_correlation", "usable", "weakest_on_rows"]

SOUND, FEW, CONSTANT, REDUNDANT = 0, 1, 2, 3


@kernel
def usable(
    spoilt: NDArray[np.uint64], columns: IntArray, among: IntArray, start: int, stop: int
) -> IntArray:
    """Those of the groups `among` that none of `columns[start:stop]` spoils."""
    n_words = spoilt.shape[1]
    wanted = np.zeros(n_words, dtype=np.uint64)
    for t in range(start, stop):
        wanted[columns[t] // 64] |= np.uint64(1) << np.uint64(columns[t] % 64)
    found = np.empty(len(among), dtype=np.intp)
    size = 0
    for row in among:
        clean = True
        for w in range(n_words):
            if spoilt[row, w] & wanted[w]:
                clean = False
        found[size] = row
        size += clean
    return found[:size]


@kernel
def moments(
    counts: FloatArray,
    means: FloatArray,
    lows: FloatArray,
    highs: FloatArray,
    grams: FloatArray,
    columns: IntArray,
    rows: IntArray,
) -> tuple[float, FloatArray, bool]:
    """Total count, sums of squares and products about the mean, and whether a column is constant.

    Parameters
    ----------
    counts : ndarray of shape (g,)
        Rows in each group, or their weights.
    means, lows, highs : ndarrays of shape (p, g)
        Mean, smallest and largest value of each column in each group.
    grams : ndarray of shape (p, p, g) or (0, 0, 0)
        Sums of squares and products within each group.
    columns : ndarray of int, shape (k,)
    rows : ndarray of int, shape (m,)
        Groups to use.
    """
    k, m = len(columns), len(rows)
    products = np.zeros((k, k))
    if m == 0:
        return 0.0, products, True
    total = 0.0
    for r in range(m):
        total += counts[rows[r]]
    centred = np.empty((k, m))
    for a in range(k):
        c = columns[a]
        low, high, mean = lows[c, rows[0]], highs[c, rows[0]], 0.0
        for r in range(m):
            low, high = min(low, lows[c, rows[r]]), max(high, highs[c, rows[r]])
            mean += counts[rows[r]] * means[c, rows[r]]
        if low == high:
            return total, products, True
        mean /= total
        for r in range(m):
            centred[a, r] = means[c, rows[r]] - mean
    for a in range(k):
        for b in range(a + 1):
            value = 0.0
            for r in range(m):
                value += counts[rows[r]] * centred[a, r] * centred[b, r]
            if len(grams):
                for r in range(m):
                    value += grams[columns[a], columns[b], rows[r]]
            products[a, b] = products[b, a] = value
    return total, products, False


@kernel
def partial_correlation(products: FloatArray, tiny: float) -> tuple[float, bool]:
    """Partial correlation of the last two columns given the others, and whether there is one."""
    k = len(products)
    scale = np.empty(k)
    for a in range(k):
        scale[a] = np.sqrt(products[a, a])
    left = np.empty((k, k))
    for a in range(k):
        for b in range(k):
            left[a, b] = products[a, b] / scale[a] / scale[b]
        left[a, a] = 1.0
    for t in range(k - 2):  # eliminate one column of the set after the other
        if left[t, t] <= tiny:
            return 2.0, False
        for a in range(t + 1, k):
            share = left[a, t] / left[t, t]
            for b in range(t + 1, k):
                left[a, b] -= share * left[t, b]
    one, two = left[k - 2, k - 2], left[k - 1, k - 1]
    if one <= tiny or two <= tiny:  # the set determines one of the two
        return 2.0, False
    return min(1.0, max(-1.0, left[k - 2, k - 1] / np.sqrt(one * two))), True


@inner_kernel
def _statistic_on(
    counts: FloatArray,
    means: FloatArray,
    lows: FloatArray,
    highs: FloatArray,
    grams: FloatArray,
    columns: IntArray,
    rows: IntArray,
    tiny: float,
) -> tuple[float, int, int]:
    """Fisher's z of the last two columns given the others, its rows, and why there is none."""
    total, products, constant = moments(counts, means, lows, highs, grams, columns, rows)
    freedom = total - len(columns) - 1.0
    if freedom <= 0.0:
        return np.nan, int(total), FEW
    if constant:
        return np.nan, int(total), CONSTANT
    partial, sound = partial_correlation(products, tiny)
    if not sound:
        return np.nan, int(total), REDUNDANT
    if 1.0 - abs(partial) <= tiny:
        return np.copysign(np.inf, partial), int(total), SOUND
    return np.sqrt(freedom) * np.arctanh(partial), int(total), SOUND


@inner_kernel
def _next_subset(where: IntArray, m: int) -> bool:
    """Move on to the next subset of range(m) in lexicographic order, if there is one."""
    order = len(where)
    step = order - 1
    while step >= 0 and where[step] == m - order + step:
        step -= 1
    if step < 0:
        return False
    where[step] += 1
    for t in range(step + 1, order):
        where[t] = where[t - 1] + 1
    return True


@kernel
def weakest_on_rows(
    spoilt_end: NDArray[np.uint64],
    spoilt_given: NDArray[np.uint64],
    counts: FloatArray,
    means: FloatArray,
    lows: FloatArray,
    highs: FloatArray,
    grams: FloatArray,
    i: int,
    j: int,
    pool: IntArray,
    order: int,
    asked: BoolArray,
    cutoff: float,
    tiny: float,
) -> tuple[IntArray, float, int, int, int, int, int]:
    """Visit subsets of `pool` until the statistic is below `cutoff` in size.

    Parameters
    ----------
    spoilt_end, spoilt_given : ndarrays of uint64, shape (g, ceil(p / 64))
        Bit c says that the group may not be used where column c is tested, or conditioned on.
    counts, means, lows, highs, grams
        The groups; see :func:`moments`.
    i, j : int
        The two columns.
    pool : ndarray of int, shape (m,)
        Candidates.
    order : int
        Size of the subsets.
    asked : ndarray of bool, shape (m,)
        A non-empty subset of these candidates is passed over.
    cutoff : float
        Stop below this size; a negative one visits all.
    tiny : float
        Share of variance that counts as none.

    Returns
    -------
    given : ndarray of int, shape (order,)
        The subset with the weakest statistic seen.
    statistic : float
        NaN if no subset could be used.
    n_used : int
        Rows behind it.
    found, n_tests, n_untestable : int
    reason : int
        Why the last subset that could not be used could not.
    """
    best = np.zeros(order, dtype=np.intp)
    weakest, best_n = np.nan, 0
    found, n_tests, n_untestable, reason = 0, 0, 0, SOUND
    columns = np.empty(order + 2, dtype=np.intp)
    columns[order], columns[order + 1] = i, j
    base = usable(spoilt_end, columns, np.arange(len(counts)), order, order + 2)
    where = np.arange(order)
    more = order <= len(pool)
    while more:
        old = order > 0
        for t in range(order):
            columns[t] = pool[where[t]]
            old = old and asked[where[t]]
        more = _next_subset(where, len(pool))
        if old:
            continue
        rows = usable(spoilt_given, columns, base, 0, order)
        statistic, n_used, reason = _statistic_on(
            counts, means, lows, highs, grams, columns, rows, tiny
        )
        if reason != SOUND:
            n_untestable += 1
            continue
        n_tests += 1
        if n_tests == 1 or abs(statistic) < abs(weakest):
            weakest, best_n = statistic, n_used
            copy(columns[:order], best)
        if abs(statistic) < cutoff:
            found, more = 1, False
    return best, weakest, best_n, found, n_tests, n_untestable, reason
