"""The hot loop of :class:`FisherZ`: partial correlations given all subsets of one size.

Subsets are visited in lexicographic order, so consecutive ones share a prefix. A Cholesky factor of
the subset's correlations is kept and only the rows behind that prefix are computed again. Row t of
the factor and the coordinates of i and j in it follow from the same forward substitution::

    factor[t, u] = (corr[s_t, s_u] - factor[t, :u] @ factor[u, :u]) / factor[u, u]

and the partial correlation is what the coordinates leave over.
"""

from __future__ import annotations

import numpy as np

from causalkit._core.jit import kernel
from causalkit.typing import BoolArray, FloatArray, IntArray

__all__ = ["weakest_link"]


@kernel
def _coordinate(
    corr: FloatArray, factor: FloatArray, chosen: IntArray, row: FloatArray, column: int, t: int
) -> float:
    """Coordinate t of `column` in the factor of `chosen`, given its coordinates before t."""
    value = corr[column, chosen[t]]
    for u in range(t):
        value -= row[u] * factor[t, u]
    return float(value / factor[t, t])


@kernel
def _left_over(row: FloatArray, t: int) -> float:
    """Variance that `t` coordinates leave unexplained."""
    rest = 1.0
    for u in range(t):
        rest -= row[u] * row[u]
    return rest


@kernel
def _extend(
    corr: FloatArray,
    factor: FloatArray,
    chosen: IntArray,
    ends: FloatArray,
    i: int,
    j: int,
    start: int,
    tiny: float,
) -> int:
    """Compute the factor from row `start` on; the row at which it breaks down, or its size."""
    for t in range(start, len(chosen)):
        row = factor[t]
        for u in range(t):
            row[u] = _coordinate(corr, factor, chosen, row, chosen[t], u)
        rest = _left_over(row, t)
        if rest <= tiny:  # a combination of the others adds nothing to them
            return t
        row[t] = np.sqrt(rest)
        ends[0, t] = _coordinate(corr, factor, chosen, ends[0], i, t)
        ends[1, t] = _coordinate(corr, factor, chosen, ends[1], j, t)
        if _left_over(ends[0], t + 1) <= tiny or _left_over(ends[1], t + 1) <= tiny:
            return t  # the set determines i or j: 0 / 0
    return len(chosen)


@kernel
def weakest_link(
    corr: FloatArray,
    i: int,
    j: int,
    pool: IntArray,
    order: int,
    asked: BoolArray,
    cutoff: float,
    tiny: float,
) -> tuple[IntArray, float, int, int]:
    """Visit subsets of `pool` until a partial correlation is below `cutoff` in size.

    Parameters
    ----------
    corr : ndarray of shape (p, p)
        Correlations.
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
    chosen : ndarray of int, shape (order,)
        The subset with the weakest partial correlation seen.
    partial : float
        That correlation; 2 if no subset could be used.
    n_tests, n_untestable : int
    """
    best, weakest = np.zeros(order, dtype=np.intp), 2.0
    n_tests, n_untestable = 0, 0
    m = len(pool)
    where = np.arange(order)
    chosen = np.zeros(order, dtype=np.intp)
    factor = np.zeros((order, order))
    ends = np.zeros((2, order))
    start, sound = 0, 0  # first row to compute again; rows of the factor that are sound
    while order <= m:
        old = order > 0
        for t in range(order):
            chosen[t] = pool[where[t]]
            old = old and asked[where[t]]
        if sound >= start:  # the rows before `start` are sound
            sound = _extend(corr, factor, chosen, ends, i, j, start, tiny)
        if not old:
            if sound < order:
                n_untestable += 1
            else:
                n_tests += 1
                shared = corr[i, j]
                for t in range(order):
                    shared -= ends[0, t] * ends[1, t]
                scale = np.sqrt(_left_over(ends[0], order) * _left_over(ends[1], order))
                partial = min(1.0, max(-1.0, shared / scale))
                if abs(partial) < abs(weakest):
                    weakest = partial
                    best[:] = chosen
                if abs(partial) < cutoff:
                    break
        start = order - 1
        while start >= 0 and where[start] == m - order + start:
            start -= 1
        if start < 0:
            break
        where[start] += 1
        for t in range(start + 1, order):
            where[t] = where[t - 1] + 1
    return best, weakest, n_tests, n_untestable
