"""The hot loops of :class:`FisherZ`: partial correlations given many sets, without a division.

Given one variable k, the partial correlation of i and j has a closed form, and a pair is settled in
one pass over its candidates. Given more, the sets are visited in lexicographic order, and what is
left of every later candidate's correlations once a prefix of the set is eliminated (the Schur
complement) is kept for each prefix::

    left[t + 1][a, b] = left[t][a, b] - left[t][a, s] * left[t][b, s] / left[t][s, s]

All sets that share a prefix share this work, and the last member c of a set costs a handful of
multiplications: with x, y, v the covariances of i, j, c with c that the prefix leaves over, and
A what it leaves over of i and j::

    partial = (A_ij * v - x * y) / sqrt((A_ii * v - x * x) * (A_jj * v - y * y))

Squares are compared, so the root and the quotient are taken once a pair, at the end.
"""

from __future__ import annotations

from math import erfc, sqrt

import numpy as np

from causalkit._core.jit import inner_kernel, kernel
from causalkit.independence._level_kernels import (
    advance,
    goes_first,
    holds,
    is_stronger,
    longest,
    pool_of,
    sort_by_strength,
)
from causalkit.typing import BoolArray, FloatArray, IntArray

__all__ = [
    "separate_given_one",
    "separate_given_sets",
    "tests_given",
    "weakest_link",
    "z_tests",
]


@inner_kernel
def _correlation(shared: float, spread: float) -> float:
    """Correlation from a covariance and the product of two variances."""
    r = shared / sqrt(spread)
    return 1.0 if r > 1.0 else -1.0 if r < -1.0 else r


@inner_kernel
def _ask_side(
    corr: FloatArray,
    i: int,
    j: int,
    pool: IntArray,
    weak: FloatArray,
    strong: FloatArray,
    cutoff: float,
    tiny: float,
    given: IntArray,
    weakest: float,
    counts: IntArray,
) -> float:
    """Ask about the candidates of one side; the weakest partial seen, or `weakest`."""
    r, bound = corr[i, j], cutoff * cutoff
    closest, shared, spread = weakest * weakest, weakest, 1.0
    best: int = np.intp(-1)  # type: ignore[assignment]  # a literal would compile callees twice
    n_tests, n_untestable = counts[1], counts[2]
    for at in range(len(pool)):
        x, y = corr[i, pool[at]], corr[j, pool[at]]
        left_i, left_j = 1.0 - x * x, 1.0 - y * y
        if left_i <= tiny or left_j <= tiny:
            counts[2] += 1
            continue
        counts[1] += 1
        covariance, product = r - x * y, left_i * left_j
        square = covariance * covariance
        if square < bound * product:
            if best < 0 or is_stronger(weak, strong, at, best):
                best, shared, spread = at, covariance, product
                given[0] = pool[at]
        elif best < 0 and square * spread < closest * product:
            closest, shared, spread = square, covariance, product
            given[0] = pool[at]
    if best >= 0:  # a search in the order of strength would have asked only the stronger ones
        counts[0], counts[1], counts[2] = 1, n_tests + 1, n_untestable
        for at in range(len(pool)):
            if at != best and is_stronger(weak, strong, at, best):
                x, y = corr[i, pool[at]], corr[j, pool[at]]
                counts[1 + (1.0 - x * x <= tiny or 1.0 - y * y <= tiny)] += 1
    return weakest if spread == 1.0 and shared == weakest else _correlation(shared, spread)


@kernel
def separate_given_one(
    corr: FloatArray,
    strength: FloatArray,
    pairs: IntArray,
    starts: IntArray,
    candidates: IntArray,
    cutoff: float,
    tiny: float,
    given: IntArray,
    partials: FloatArray,
    found: BoolArray,
    counts: IntArray,
) -> None:
    """Answer :func:`separate_given_sets` for sets of one, without sorting the candidates."""
    largest = longest(starts)
    pool = np.empty(largest, dtype=np.intp)
    weak, strong = np.empty(largest), np.empty(largest)
    for row in range(len(pairs)):
        i, j = pairs[row, 0], pairs[row, 1]
        if not goes_first(strength, starts, candidates, i, j):
            i, j = j, i
        partials[row], counts[0] = 2.0, 0
        for turn in range(2):
            size = pool_of(strength, starts, candidates, i, j, turn == 1, pool, weak, strong)
            partials[row] = _ask_side(
                corr,
                i,
                j,
                pool[:size],
                weak,
                strong,
                cutoff,
                tiny,
                given[row],
                partials[row],
                counts,
            )
            if counts[0]:
                break
            i, j = j, i
        found[row] = counts[0] > 0


@kernel
def separate_given_sets(
    corr: FloatArray,
    strength: FloatArray,
    pairs: IntArray,
    starts: IntArray,
    candidates: IntArray,
    order: int,
    cutoff: float,
    tiny: float,
    given: IntArray,
    partials: FloatArray,
    found: BoolArray,
    counts: IntArray,
) -> None:
    """Look for a separating set of each pair, on one side and then on the other.

    Parameters
    ----------
    corr : ndarray of shape (p, p)
        Correlations.
    strength : ndarray of shape (p, p)
        Orders the candidates.
    pairs, starts, candidates : ndarrays of int
        As in :class:`~causalkit.independence.Level`; the candidates of a node ascend.
    order : int
        Size of the sets, at least 2.
    cutoff : float
        A partial correlation below it in size separates.
    tiny : float
        Share of variance that counts as none.
    given : ndarray of int, shape (m, order)
        Written: the set that separates, else the one that comes closest.
    partials : ndarray of float, shape (m,)
        Written: the partial correlation given that set; 2 if no set could be used.
    found : ndarray of bool, shape (m,)
        Written: whether it separates.
    counts : ndarray of int, shape (3,)
        Raised: tests, and sets that could not be used, behind a number that is 1 once a set is
        found.
    """
    largest = longest(starts)
    pool = np.empty(largest, dtype=np.intp)
    weak, strong = np.empty(largest), np.empty(largest)
    old = np.empty(largest, dtype=np.bool_)
    left = np.empty((order - 1, largest + 2, largest + 2))
    for row in range(len(pairs)):
        i, j = pairs[row, 0], pairs[row, 1]
        if not goes_first(strength, starts, candidates, i, j):
            i, j = j, i
        partials[row], counts[0] = 2.0, 0
        for turn in range(2):
            size = pool_of(strength, starts, candidates, i, j, order == 1, pool, weak, strong)
            if size >= order:
                sort_by_strength(pool, weak, strong, size)
                for at in range(size):
                    old[at] = turn == 1 and holds(candidates, starts[j], starts[j + 1], pool[at])
                partials[row] = _visit(
                    corr,
                    i,
                    j,
                    pool[:size],
                    old[:size],
                    cutoff,
                    tiny,
                    left,
                    given[row],
                    partials[row],
                    counts,
                )
                if counts[0]:
                    break
            i, j = j, i
        found[row] = counts[0] > 0


@inner_kernel
def _gather(corr: FloatArray, i: int, j: int, pool: IntArray, left: FloatArray) -> None:
    """Write the upper triangle of the correlations of i, j and the pool."""
    left[0, 0], left[0, 1], left[1, 1] = 1.0, corr[i, j], 1.0
    for s in range(len(pool)):
        row = corr[pool[s]]
        left[0, s + 2], left[1, s + 2] = row[i], row[j]
        for t in range(s, len(pool)):
            left[s + 2, t + 2] = row[pool[t]]


@inner_kernel
def _eliminate(left: FloatArray, s: int, size: int, rest: FloatArray) -> None:
    """Write what s leaves over of i, j and the candidates behind s (upper triangle)."""
    pivot = left[s, s]
    for a in range(2):
        factor = left[a, s] / pivot
        for b in range(a, 2):
            rest[a, b] = left[a, b] - factor * left[b, s]
        for b in range(s + 1, size):
            rest[a, b] = left[a, b] - factor * left[s, b]
    for a in range(s + 1, size):
        factor = left[s, a] / pivot
        for b in range(a, size):
            rest[a, b] = left[a, b] - factor * left[s, b]


@inner_kernel
def _eliminate_prefix(left: FloatArray, where: IntArray, start: int, size: int, tiny: float) -> int:
    """Eliminate members from number `start` on; how many are sound, all being `len(where)`.

    The last member is only checked: what it leaves over is needed once and never stored.
    """
    for t in range(start, len(where)):
        s = where[t] + 2
        pivot = left[t, s, s]
        floor = tiny * pivot
        if (
            pivot <= tiny  # the others determine s, or the set determines i or j
            or left[t, 0, 0] * pivot - left[t, 0, s] ** 2 <= floor
            or left[t, 1, 1] * pivot - left[t, 1, s] ** 2 <= floor
        ):
            return t
        if t < len(where) - 1:
            _eliminate(left[t], s, size, left[t + 1])
    return len(where)


@inner_kernel
def _ask_last(
    left: FloatArray,
    s: int,
    first: int,
    old: BoolArray,
    seen: bool,
    cutoff: float,
    tiny: float,
    best: FloatArray,
    counts: IntArray,
) -> int:
    """Complete a prefix that ends in s by each later candidate, no old one if the prefix was seen.

    `left` is what the prefix without s leaves over; s = -1 stands for an empty prefix. `best` holds
    the square of the weakest partial and the product it was divided by, and the covariance. Returns
    the candidate that improved it last, or -1.
    """
    bound, pivot, from_i, from_j = cutoff * abs(cutoff), 1.0, 0.0, 0.0
    if s >= 0:
        pivot = left[s, s]
        from_i, from_j = left[0, s] / pivot, left[1, s] / pivot
    left_i, left_j = left[0, 0] - from_i * from_i * pivot, left[1, 1] - from_j * from_j * pivot
    shared = left[0, 1] - from_i * from_j * pivot
    improved = -1
    for c in range(first, len(old)):
        if seen and old[c]:
            continue
        x, y, v = left[0, c + 2], left[1, c + 2], left[c + 2, c + 2]
        if s >= 0:
            link = left[s, c + 2]
            x, y, v = x - from_i * link, y - from_j * link, v - link * link / pivot
        rest_i, rest_j = left_i * v - x * x, left_j * v - y * y
        if v <= tiny or rest_i <= tiny * v or rest_j <= tiny * v:
            counts[2] += 1
            continue
        counts[1] += 1
        covariance, product = shared * v - x * y, rest_i * rest_j
        square = covariance * covariance
        if square * best[1] < best[0] * product:
            best[0], best[1], best[2] = square, product, covariance
            improved = c
            if square < bound * product:
                counts[0] = 1
                break
    return improved


@inner_kernel
def _visit(
    corr: FloatArray,
    i: int,
    j: int,
    pool: IntArray,
    old: BoolArray,
    cutoff: float,
    tiny: float,
    left: FloatArray,
    given: IntArray,
    weakest: float,
    counts: IntArray,
) -> float:
    """Visit subsets of `pool` of the size of `given`; the weakest partial seen, or `weakest`."""
    size, depth = len(pool), len(given) - 1
    best = np.empty(3)
    best[0], best[1], best[2] = weakest * weakest, 1.0, weakest
    _gather(corr, i, j, pool, left[0])
    where = np.empty(depth, dtype=np.intp)
    for t in range(depth):
        where[t] = t
    start: int = np.intp(0)  # type: ignore[assignment]  # first member to eliminate again
    sound = 0  # members that are sound
    while start >= 0:
        if sound >= start:
            sound = _eliminate_prefix(left, where, start, size + 2, tiny)
        n_old = 0
        for t in range(depth):
            n_old += old[where[t]]
        seen = n_old == depth
        last = where[depth - 1] if depth > 0 else -1
        if sound < depth:
            for c in range(last + 1, size):
                counts[2] += not (seen and old[c])
        else:
            s = last + 2 if depth > 0 else -1
            before = left[max(depth - 1, 0)]
            c = _ask_last(before, s, last + 1, old, seen, cutoff, tiny, best, counts)
            if c >= 0:
                for t in range(depth):
                    given[t] = pool[where[t]]
                given[depth] = pool[c]
            if counts[0]:
                break
        start = advance(where, size)
    if best[1] == 1.0 and best[2] == weakest:
        return weakest
    return _correlation(best[2], best[1])


@kernel
def weakest_link(
    corr: FloatArray,
    i: int,
    j: int,
    pool: IntArray,
    order: int,
    old: BoolArray,
    cutoff: float,
    tiny: float,
    given: IntArray,
    counts: IntArray,
) -> float:
    """Visit subsets of one pool until a partial correlation is below `cutoff` in size.

    Parameters
    ----------
    corr, tiny, given, counts
        As in :func:`separate_given_sets`, for one pair.
    i, j : int
        The pair.
    pool : ndarray of int, shape (m,)
        Candidates, in the order in which they are asked.
    order : int
        Size of the sets, at least 1.
    old : ndarray of bool, shape (m,)
        A subset of these candidates is passed over.
    cutoff : float
        Stop below this size; a negative one visits all.

    Returns
    -------
    float
        The weakest partial correlation seen; 2 if no set could be used.
    """
    if len(pool) < order:
        return 2.0
    left = np.empty((max(order - 1, 1), len(pool) + 2, len(pool) + 2))
    return _visit(corr, i, j, pool, old, cutoff, tiny, left, given, 2.0, counts)


@inner_kernel
def _z_test(r: float, scale: float, tiny: float) -> tuple[float, float]:
    """Fisher's z of a partial correlation, and its p-value; NaN for a 2, which is none."""
    if abs(r) > 1.0:
        return np.nan, np.nan
    if abs(r) > 1.0 - tiny:  # within rounding of +-1 the two are functions of each other
        return float(np.copysign(np.inf, r)), 0.0
    z = scale * np.arctanh(r)
    return z, erfc(abs(z) / sqrt(2.0))


@kernel
def z_tests(
    partials: FloatArray, scale: float, tiny: float, statistic: FloatArray, p_value: FloatArray
) -> None:
    """Write Fisher's z of each partial correlation, and its p-value."""
    for row in range(len(partials)):
        statistic[row], p_value[row] = _z_test(partials[row], scale, tiny)


@kernel
def tests_given(
    corr: FloatArray,
    pairs: IntArray,
    sets: IntArray,
    n_rows: float,
    tiny: float,
    statistic: FloatArray,
    p_value: FloatArray,
) -> None:
    """Test each pair given its own row of `sets`, which ends in -1 if the set is smaller."""
    widest = sets.shape[1]
    left = np.empty((max(widest, 1), widest + 2, widest + 2))
    first: int = np.intp(0)  # type: ignore[assignment]  # no literal, as above
    where = np.empty(widest, dtype=np.intp)
    for t in range(widest):
        where[t] = t
    for row in range(len(pairs)):
        i, j, order = pairs[row, 0], pairs[row, 1], 0
        while order < widest and sets[row, order] >= 0:
            order += 1
        freedom = n_rows - order - 3.0
        r = corr[i, j] if order == 0 else 2.0
        if order > 0 and freedom > 0:
            _gather(corr, i, j, sets[row, :order], left[0])
            if _eliminate_prefix(left, where[:order], first, order + 2, tiny) == order:
                last, s = left[order - 1], order + 1
                x, y, v = last[0, s], last[1, s], last[s, s]
                r = _correlation(
                    last[0, 1] * v - x * y, (last[0, 0] * v - x * x) * (last[1, 1] * v - y * y)
                )
        statistic[row], p_value[row] = _z_test(r, sqrt(max(freedom, 0.0)), tiny)
