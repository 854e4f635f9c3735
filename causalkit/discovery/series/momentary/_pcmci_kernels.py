"""The hot loops of PCMCI and PCMCI+ on one matrix of lagged correlations.

Column `lag * p + k` is series k, `lag` steps ago. All partial correlations come from Cholesky
factors that grow by one row a condition, so that what several questions condition on is factored
once::

    R[S, S] = L L',   u = L^-1 R[S, x],   v = L^-1 R[S, y]
    partial = (R[x, y] - u.v) / sqrt((1 - u.u) (1 - v.v))

A condition that the others determine is left out of the factor: it adds nothing to them. A pair of
which the conditions determine one end has no partial correlation; it is written as 2.
"""

from __future__ import annotations

from math import sqrt

import numpy as np

from causalkit._core.jit import inner_kernel, kernel
from causalkit.typing import BoolArray, FloatArray, IntArray

__all__ = ["condition_on", "momentary", "select_conditions", "separate_level"]

_TINY = 1e-10
_NONE = 2.0


@inner_kernel
def _append(corr: FloatArray, factor: FloatArray, members: IntArray, size: int, column: int) -> int:
    """Add a condition to the factor, unless the others determine it; the new size."""
    left = 1.0
    for a in range(size):
        total = corr[members[a], column]
        for b in range(a):
            total -= factor[a, b] * factor[size, b]
        total /= factor[a, a]
        factor[size, a] = total
        left -= total * total
    if left <= _TINY:
        return size
    factor[size, size] = sqrt(left)
    members[size] = column
    return size + 1


@inner_kernel
def _solve(
    corr: FloatArray,
    factor: FloatArray,
    members: IntArray,
    start: int,
    size: int,
    column: int,
    solution: FloatArray,
) -> None:
    """Solve L u = R[S, column] from row `start` on."""
    for a in range(start, size):
        total = corr[members[a], column]
        for b in range(a):
            total -= factor[a, b] * solution[b]
        solution[a] = total / factor[a, a]


@inner_kernel
def _partial(shared: float, u: FloatArray, v: FloatArray, size: int) -> float:
    left_u, left_v = 1.0, 1.0
    for a in range(size):
        shared -= u[a] * v[a]
        left_u -= u[a] * u[a]
        left_v -= v[a] * v[a]
    if left_u <= _TINY or left_v <= _TINY:
        return _NONE
    r = shared / sqrt(left_u * left_v)
    return 1.0 if r > 1.0 else -1.0 if r < -1.0 else r


# --- the past of each series ----------------------------------------------------------------------


@inner_kernel
def _sort_down(members: IntArray, strength: FloatArray, size: int) -> None:
    """Sort columns by strength, strongest first; equals keep their order."""
    for at in range(1, size):
        column = members[at]
        to = at
        while to > 0 and strength[members[to - 1]] < strength[column]:
            members[to] = members[to - 1]
            to -= 1
        members[to] = column


@inner_kernel
def _without(
    corr: FloatArray,
    top: IntArray,
    size: int,
    skip: int,
    target: int,
    factor: FloatArray,
    members: IntArray,
    u: FloatArray,
    v: FloatArray,
) -> float:
    """Partial correlation of `top[skip]` and the target given the others in `top[:size]`."""
    held = 0
    for a in range(size):
        if a != skip:
            held = _append(corr, factor, members, held, top[a])
    _solve(corr, factor, members, 0, held, top[skip], u)
    _solve(corr, factor, members, 0, held, target, v)
    return _partial(corr[top[skip], target], u, v, held)


@inner_kernel
def _cut(
    now: IntArray,
    size: int,
    order: int,
    cutoff: float,
    partials: FloatArray,
    kept: BoolArray,
    before: IntArray,
) -> int:
    """Cut the columns that were separated, and note what by; how many are left."""
    for at in range(size):
        column = now[at]
        if abs(partials[column]) < cutoff and not kept[column]:
            into = 0
            for a in range(order + 1):
                if a != at and into < order:
                    before[column, into] = now[a] if now[a] >= 0 else -1 - now[a]
                    into += 1
            now[at] = -1 - column
    left = 0
    for at in range(size):
        if now[at] >= 0:
            now[left] = now[at]
            left += 1
    return left


@kernel
def select_conditions(
    corr: FloatArray,
    candidates: BoolArray,
    kept: BoolArray,
    cutoffs: FloatArray,
    order: int,
    chosen: IntArray,
    sizes: IntArray,
    strength: FloatArray,
    partials: FloatArray,
    orders: IntArray,
    before: IntArray,
    counts: IntArray,
) -> None:
    """Ask which columns of the past each series depends on given its strongest others.

    Parameters
    ----------
    corr : ndarray of shape (m, m)
        Correlations of the lagged columns.
    candidates : ndarray of bool, shape (p, m)
        Columns of the past that may drive each series.
    kept : ndarray of bool, shape (p, m)
        Candidates that stay, whatever the tests say.
    cutoffs : ndarray of float, shape (order + 1,)
        A partial correlation given a set of size q that is smaller than `cutoffs[q]` separates.
    order : int
        Largest set.
    chosen : ndarray of int, shape (p, m)
        Written: the columns that are left, strongest first; `sizes[j]` of them.
    strength : ndarray of float, shape (p, m)
        Written: the smallest partial correlation seen, in size.
    partials, orders : ndarrays of shape (p, m)
        Written: the last partial correlation seen, and the size of the set that it was given.
    before : ndarray of int, shape (p, m, order)
        Written: that set, where it separated.
    counts : ndarray of int, shape (2,)
        Raised: tests, and sets that could not be used.
    """
    m = candidates.shape[1]
    factor, members = np.empty((order + 2, order + 2)), np.empty(order + 2, dtype=np.intp)
    other, others = np.empty((order + 2, order + 2)), np.empty(order + 2, dtype=np.intp)
    u, v = np.empty(order + 2), np.empty(order + 2)
    for j in range(len(candidates)):
        now = chosen[j]
        size = 0
        for column in range(m):
            if candidates[j, column]:
                now[size] = column
                size += 1
                strength[j, column] = np.inf
        q = 0
        while q <= order and size > q:
            held = 0
            for a in range(q):
                held = _append(corr, factor, members, held, now[a])
            _solve(corr, factor, members, 0, held, j, v)
            for at in range(size):
                column = now[at]
                if at < q:
                    r = _without(corr, now, q + 1, at, j, other, others, u, v)
                    _solve(corr, factor, members, 0, held, j, v)
                else:
                    _solve(corr, factor, members, 0, held, column, u)
                    r = _partial(corr[column, j], u, v, held)
                counts[1 if r == _NONE else 0] += 1
                partials[j, column], orders[j, column] = r, q
                if r != _NONE:
                    strength[j, column] = min(strength[j, column], abs(r))
            size = _cut(now, size, q, cutoffs[q], partials[j], kept[j], before[j])
            _sort_down(now, strength[j], size)
            q += 1
        sizes[j] = size


# --- momentary conditional independence -----------------------------------------------------------


@inner_kernel
def _base(
    corr: FloatArray,
    chosen: IntArray,
    sizes: IntArray,
    i: int,
    lag: int,
    p: int,
    factor: FloatArray,
    members: IntArray,
    size: int,
    taken: BoolArray,
) -> int:
    """Append the past of i as it was `lag` steps ago, but what the factor holds; the new size."""
    for a in range(sizes[i]):
        column = chosen[i, a] + lag * p
        if not taken[column]:
            size = _append(corr, factor, members, size, column)
    return size


@kernel
def momentary(
    corr: FloatArray,
    chosen: IntArray,
    sizes: IntArray,
    asked: BoolArray,
    partials: FloatArray,
    orders: IntArray,
) -> None:
    """Ask each pair given the past of both.

    Parameters
    ----------
    corr, chosen, sizes
        As :func:`select_conditions` has them; the columns reach back twice as far as the lags.
    asked : ndarray of bool, shape (n_lags, p, p)
        `[lag, i, j]`: whether to ask about i, `lag` steps ago, and j.
    partials, orders : ndarrays of shape (n_lags, p, p)
        Written: the partial correlation, and the size of the set.
    """
    n_lags, p = asked.shape[0], asked.shape[1]
    widest = 2 * sizes.max() + 2
    factor, members = np.empty((widest, widest)), np.empty(widest, dtype=np.intp)
    other, others = np.empty((widest, widest)), np.empty(widest, dtype=np.intp)
    u, v = np.empty(widest), np.empty(widest)
    taken = np.zeros(len(corr), dtype=np.bool_)
    for j in range(p):
        held = 0
        for a in range(sizes[j]):
            held = _append(corr, factor, members, held, chosen[j, a])
            taken[chosen[j, a]] = True
        _solve(corr, factor, members, 0, held, j, v)
        for lag in range(n_lags):
            for i in range(p):
                if not asked[lag, i, j]:
                    continue
                column = lag * p + i
                n_given = sizes[j]
                for a in range(sizes[i]):
                    n_given += not taken[chosen[i, a] + lag * p]
                if taken[column]:
                    n_given -= 1
                    size = 0
                    for a in range(sizes[j]):
                        if chosen[j, a] != column:
                            size = _append(corr, other, others, size, chosen[j, a])
                    size = _base(corr, chosen, sizes, i, lag, p, other, others, size, taken)
                    _solve(corr, other, others, 0, size, column, u)
                    w = np.empty(size)
                    _solve(corr, other, others, 0, size, j, w)
                    partials[lag, i, j] = _partial(corr[column, j], u, w, size)
                else:
                    size = _base(corr, chosen, sizes, i, lag, p, factor, members, held, taken)
                    _solve(corr, factor, members, 0, size, column, u)
                    _solve(corr, factor, members, held, size, j, v)
                    partials[lag, i, j] = _partial(corr[column, j], u, v, size)
                orders[lag, i, j] = n_given
        for a in range(sizes[j]):
            taken[chosen[j, a]] = False


# --- with conditions of the same step ------------------------------------------------------------


@inner_kernel
def condition_on(
    corr: FloatArray,
    chosen: IntArray,
    sizes: IntArray,
    i: int,
    lag: int,
    j: int,
    p: int,
    factor: FloatArray,
    members: IntArray,
    taken: BoolArray,
    counted: IntArray,
) -> int:
    """Factor the past of j and of i, `lag` steps ago, without that node itself; the size."""
    column, size = lag * p + i, 0
    for a in range(sizes[j]):
        taken[chosen[j, a]] = True
        if chosen[j, a] != column:
            size = _append(corr, factor, members, size, chosen[j, a])
    counted[0] = sizes[j] - taken[column]
    for a in range(sizes[i]):
        counted[0] += not taken[chosen[i, a] + lag * p]
    size = _base(corr, chosen, sizes, i, lag, p, factor, members, size, taken)
    for a in range(sizes[j]):
        taken[chosen[j, a]] = False
    return size


@inner_kernel
def _others(near: IntArray, column: int, pool: IntArray) -> int:
    """Copy all columns but one; how many they are."""
    size = 0
    for other in near:
        if other != column:
            pool[size] = other
            size += 1
    return size


@inner_kernel
def _next_subset(where: IntArray, n_pool: int, order: int) -> bool:
    """Go on to the next subset in lexicographic order; False after the last."""
    t = order - 1
    while t >= 0 and where[t] == n_pool - order + t:
        t -= 1
    if t < 0:
        return False
    where[t] += 1
    for s in range(t + 1, order):
        where[s] = where[s - 1] + 1
    return True


@kernel
def separate_level(
    corr: FloatArray,
    chosen: IntArray,
    sizes: IntArray,
    links: IntArray,
    starts: IntArray,
    near: IntArray,
    order: int,
    cutoffs: FloatArray,
    given: IntArray,
    partials: FloatArray,
    orders: IntArray,
    found: BoolArray,
    counts: IntArray,
) -> None:
    """Look for a set of neighbours in the same step that separates each link, given both pasts.

    Parameters
    ----------
    corr, chosen, sizes
        As in :func:`momentary`.
    links : ndarray of int, shape (m, 3)
        Rows (lag, i, j).
    starts, near : ndarrays of int
        `near[starts[j]:starts[j + 1]]`: neighbours of j in its step, strongest first.
    order : int
        Size of the sets.
    cutoffs : ndarray of float
        By the size of the whole set.
    given : ndarray of int, shape (m, order)
        Written: the set that separates, else the one that comes closest.
    partials, orders : ndarrays of shape (m,)
        Written: the partial correlation given it and the pasts, and the size of the whole set.
    found : ndarray of bool, shape (m,)
        Written: whether it separates.
    counts : ndarray of int, shape (2,)
        Raised: tests, and sets that could not be used.
    """
    p = len(chosen)
    widest = 2 * sizes.max() + order + 2
    factor, members = np.empty((widest, widest)), np.empty(widest, dtype=np.intp)
    u, v = np.empty(widest), np.empty(widest)
    taken = np.zeros(len(corr), dtype=np.bool_)
    where, counted = np.empty(order, dtype=np.intp), np.empty(1, dtype=np.intp)
    pool = np.empty(p, dtype=np.intp)
    for row in range(len(links)):
        lag, i, j = links[row, 0], links[row, 1], links[row, 2]
        column = lag * p + i
        n_pool = _others(near[starts[j] : starts[j + 1]], column, pool)
        partials[row], found[row], orders[row] = _NONE, False, 0
        if n_pool < order:
            continue
        base = condition_on(corr, chosen, sizes, i, lag, j, p, factor, members, taken, counted)
        n_given = counted[0] + order
        orders[row] = n_given
        _solve(corr, factor, members, 0, base, column, u)
        _solve(corr, factor, members, 0, base, j, v)
        for t in range(order):
            where[t] = t
        while True:
            size = base
            for t in range(order):
                size = _append(corr, factor, members, size, pool[where[t]])
            _solve(corr, factor, members, base, size, column, u)
            _solve(corr, factor, members, base, size, j, v)
            r = _partial(corr[column, j], u, v, size)
            counts[1 if r == _NONE else 0] += 1
            if abs(r) < abs(partials[row]):
                partials[row] = r
                for t in range(order):
                    given[row, t] = pool[where[t]]
            if abs(r) < cutoffs[n_given]:
                found[row] = True
                break
            if not _next_subset(where, n_pool, order):
                break
