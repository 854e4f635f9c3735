"""Sets of parents, one after the other: their scores, and which of them can be the best choice."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from causalkit._core.jit import inner_kernel, kernel, sums_kernel
from causalkit.scores._gaussian_kernels import TINY
from causalkit.typing import BoolArray, FloatArray, IntArray

__all__ = ["Regressions", "masks_of", "score_sets", "undominated"]


class Regressions(NamedTuple):
    """Regressions of a node on sets of parents that grow one by one.

    Columns stand in the order required parents, candidates, outsiders, node, so that what is still
    of use after a candidate joined are the columns behind it.

    Attributes
    ----------
    corr : ndarray of shape (m, m)
    rows : ndarray of shape (m, m)
        Covariances of the columns with each parent, given the parents before it, in units of the
        parent's own remaining standard deviation.
    left : ndarray of shape (m, m)
        Variance of each column that the first parents leave.
    shared : ndarray of shape (m, m)
        Covariance of each column with the node that they leave.
    half : float
        Half the rows of the table.
    cost : ndarray
        By number of parents.
    """

    corr: FloatArray
    rows: FloatArray
    left: FloatArray
    shared: FloatArray
    half: float
    cost: FloatArray


@sums_kernel
def _push(fits: Regressions, column: int, depth: int) -> None:
    """Take a column for parent number `depth`, counted from 0."""
    rows, left, shared = fits.rows, fits.left, fits.shared
    row, own, m = rows[depth], fits.corr[column], len(fits.corr)
    scale = 1.0 / np.sqrt(left[depth, column])
    link = shared[depth, column] * scale
    for c in range(column, m):
        row[c] = own[c]
    for b in range(depth):
        weight, earlier = rows[b, column], rows[b]
        for c in range(column, m):
            row[c] -= weight * earlier[c]
    left_before, left_after = left[depth], left[depth + 1]
    shared_before, shared_after = shared[depth], shared[depth + 1]
    for c in range(column, m):
        row[c] *= scale
        left_after[c] = left_before[c] - row[c] * row[c]
        shared_after[c] = shared_before[c] - link * row[c]


@inner_kernel
def _score(fits: Regressions, rest: float, k: int) -> float:
    score: float = -fits.half * np.log(max(rest, TINY)) - fits.cost[k]
    return score


@inner_kernel
def _joined(fits: Regressions, column: int, depth: int) -> float:
    """Score of the parents with one column more."""
    left, link = fits.left[depth], fits.shared[depth, column]
    if left[column] <= TINY:
        return -np.inf
    return _score(fits, left[-1] - link * link / left[column], depth + 1)


@inner_kernel
def _begin(fits: Regressions, base: int) -> float:
    """Take the required parents; the score with them alone."""
    fits.left[0], fits.shared[0] = 1.0, fits.corr[-1]
    for k in range(base):
        if fits.left[k, k] <= TINY:
            return -np.inf
        _push(fits, k, k)
    return _score(fits, fits.left[base, -1], base)


@kernel
def score_sets(
    fits: Regressions,
    sizes: tuple[int, int, int],
    most: int,
    binomials: IntArray,
    start: IntArray,
    scores: FloatArray,
    wider: FloatArray,
    stop: BoolArray,
) -> None:
    """Score sets of up to `most` candidates, and those with one node from outside.

    `sizes` counts required parents, candidates and outsiders. What cannot be scored is left alone.
    """
    base, c, n_outside = sizes
    scores[0] = _begin(fits, base)
    if scores[0] == -np.inf or most <= 0:
        return
    rank, turn = np.zeros(c + 1, dtype=np.intp), np.zeros(c + 1, dtype=np.intp)
    k, fresh = 0, True  # size of the set; whether those with one more are to be scored
    while k >= 0 and not stop[0]:
        if fresh:
            for s in range(turn[k], c):
                place = start[k + 1] + rank[k] + binomials[s, k + 1]
                scores[place] = _joined(fits, base + s, base + k)
            for e in range(n_outside):
                wider[e, start[k] + rank[k]] = _joined(fits, base + c + e, base + k)
            fresh = False
        s = turn[k]
        if k + 1 >= most or s >= c:
            k -= 1
            continue
        turn[k] += 1
        if s == c - 1 and n_outside == 0:
            continue
        own = rank[k] + binomials[s, k + 1]
        if scores[start[k + 1] + own] > -np.inf:
            _push(fits, base + s, base + k)
            k += 1
            rank[k], turn[k], fresh = own, s + 1, True


@inner_kernel
def _follow(members: IntArray, k: int, c: int) -> None:
    """Turn a set of k of c into the next one."""
    for a in range(k):
        if members[a] + 1 < (members[a + 1] if a + 1 < k else c):
            members[a] += 1
            for b in range(a):
                members[b] = b
            return


@kernel
def masks_of(start: IntArray, c: int, masks: IntArray) -> None:
    """Write the bits of each set."""
    members = np.arange(c)
    for k in range(len(start) - 1):
        for a in range(k):
            members[a] = a
        for place in range(start[k], start[k + 1]):
            mask = 0
            for a in range(k):
                mask |= 1 << members[a]
            masks[place] = mask
            _follow(members, k, c)


@kernel
def undominated(
    scores: FloatArray,
    best: FloatArray,
    start: IntArray,
    binomials: IntArray,
    candidates: IntArray,
    masks: IntArray,
    places: IntArray,
) -> int:
    """List sets that score higher than all of their subsets, by place and by bits of nodes."""
    c, n = len(candidates), 1
    members, above = np.arange(c), np.empty(c + 1, dtype=np.intp)
    best[0], masks[0], places[0] = scores[0], 0, 0
    for k in range(1, len(start) - 1):
        for a in range(k):
            members[a] = a
        for place in range(start[k], start[k + 1]):
            above[k] = 0  # ranks of the upper members, each one lower
            for a in range(k - 1, -1, -1):
                above[a] = above[a + 1] + binomials[members[a], a]
            below, highest = 0, -np.inf
            for a in range(k):  # without member a
                highest = max(highest, best[start[k - 1] + below + above[a + 1]])
                below += binomials[members[a], a + 1]
            best[place] = max(highest, scores[place])
            if scores[place] > highest:
                mask = 0
                for a in range(k):
                    mask |= 1 << candidates[members[a]]
                masks[n], places[n] = mask, place
                n += 1
            _follow(members, k, c)
    return n
