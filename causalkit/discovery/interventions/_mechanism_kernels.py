"""In which environments a node has a mechanism of its own, found for each set of parents."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from causalkit._core._copy_kernels import copy
from causalkit._core.jit import inner_kernel, kernel
from causalkit.typing import BoolArray, FloatArray, IntArray

__all__ = ["Rows", "Split", "gains_of", "split"]

FLOOR = 1e-10
"""Variance that counts as none, in units of what is typical within an environment."""

LEAST = 1e-10
"""Share of the score that is a gain; less is rounding."""


class Rows(NamedTuple):
    """Moments of K environments, and in which of them nothing was intervened upon."""

    n: FloatArray
    means: FloatArray
    grams: FloatArray
    untouched: BoolArray


class Split(NamedTuple):
    """Room for one question, and its answer.

    `touched[e]` says whether the node has a mechanism of its own in environment e, and `evidence`
    by how much that raises the score.
    """

    touched: BoolArray
    evidence: FloatArray
    own: FloatArray
    means: FloatArray
    grams: FloatArray
    pool_n: FloatArray
    pool_means: FloatArray
    pool_grams: FloatArray
    factor: FloatArray


@inner_kernel
def _gather(rows: Rows, node: int, parents: IntArray, k: int, room: Split) -> None:
    """Take the parents' moments and the node's, which comes last."""
    for e in range(len(rows.n)):
        for a in range(k + 1):
            i = parents[a] if a < k else node
            room.means[e, a] = rows.means[e, i]
            for b in range(a + 1):
                j = parents[b] if b < k else node
                room.grams[e, a, b] = rows.grams[e, i, j]


@inner_kernel
def _left(gram: FloatArray, k: int, factor: FloatArray) -> tuple[float, int]:
    """Sum of squares that k regressors leave of the last column; how many are not redundant."""
    rank = 0
    for a in range(k + 1):
        pivot = gram[a, a]
        for b in range(a):
            held = gram[a, b]
            for d in range(b):
                held -= factor[a, d] * factor[b, d]
            held *= factor[b, b]
            factor[a, b] = held
            pivot -= held * held
        if a == k:
            return max(pivot, 0.0), rank
        if pivot > FLOOR * gram[a, a] and gram[a, a] > 0.0:
            factor[a, a] = 1.0 / np.sqrt(pivot)
            rank += 1
        else:
            factor[a, a] = 0.0
    return 0.0, rank


@inner_kernel
def _likelihood(n: float, rest: float) -> float:
    return float(-0.5 * n * np.log(max(rest / n, FLOOR)))


@inner_kernel
def _pooled(n: float, gram: FloatArray, k: int, factor: FloatArray) -> float:
    """Log-likelihood of one regression; -inf if a parent is redundant, or rows are too few."""
    if n < 2.0 * (k + 1):
        return -np.inf
    rest, rank = _left(gram, k, factor)
    return _likelihood(n, rest) if rank == k else -np.inf


@inner_kernel
def _own_mechanisms(rows: Rows, k: int, price: float, room: Split) -> None:
    """Score of each environment by itself: the parents cut off, or with weights of their own."""
    for e in range(len(rows.n)):
        n = rows.n[e]
        room.own[e] = _likelihood(n, room.grams[e, k, k]) - 2.0 * price
        rest, rank = _left(room.grams[e], k, room.factor)
        if rank > 0 and n > rank + 2:
            kept = _likelihood(n, rest) - (rank + 2.0) * price
            room.own[e] = max(room.own[e], kept)


@inner_kernel
def _merge(
    room: Split, k: int, a: int, n: float, mean: FloatArray, gram: FloatArray, to: int
) -> None:
    """Put rows to those of pool a, and write the result to another pool, or to the same."""
    before = room.pool_n[a]
    total = before + n
    share = before * n / total if total > 0 else 0.0
    for i in range(k + 1):
        for j in range(i + 1):
            shift = (mean[i] - room.pool_means[a, i]) * (mean[j] - room.pool_means[a, j])
            room.pool_grams[to, i, j] = room.pool_grams[a, i, j] + gram[i, j] + share * shift
    for i in range(k + 1):
        step = (mean[i] - room.pool_means[a, i]) * n / max(total, 1.0)
        room.pool_means[to, i] = room.pool_means[a, i] + step
    room.pool_n[to] = total


@inner_kernel
def _clear(room: Split, k: int, at: int) -> None:
    room.pool_n[at] = 0.0
    room.pool_means[at, : k + 1] = 0.0
    room.pool_grams[at, : k + 1, : k + 1] = 0.0


@inner_kernel
def _begin(rows: Rows, k: int, room: Split) -> None:
    """Compare each environment with those that are known to be untouched, if there are any."""
    room.touched[:] = False
    if not rows.untouched.any():
        return
    _clear(room, k, 0)
    for e in range(len(rows.n)):
        if rows.untouched[e]:
            _merge(room, k, 0, rows.n[e], room.means[e], room.grams[e], 0)
    alone = _pooled(room.pool_n[0], room.pool_grams[0], k, room.factor)
    if alone == -np.inf:
        return
    for e in range(len(rows.n)):
        if not rows.untouched[e]:
            _merge(room, k, 0, rows.n[e], room.means[e], room.grams[e], 1)
            joint = _pooled(room.pool_n[1], room.pool_grams[1], k, room.factor)
            room.touched[e] = alone + room.own[e] > joint


@inner_kernel
def _pools(rows: Rows, k: int, room: Split) -> int:
    """Pool the environments after each one in pools 0 to K, and those before it in the rest.

    Only those that are not touched. Returned is how many those are.
    """
    m, n_members = len(rows.n), 0
    _clear(room, k, m)
    for e in range(m - 1, -1, -1):
        if room.touched[e]:
            _copy(room, k, e + 1, e)
        else:
            _merge(room, k, e + 1, rows.n[e], room.means[e], room.grams[e], e)
            n_members += 1
    _clear(room, k, m + 1)
    for e in range(m):
        if room.touched[e]:
            _copy(room, k, m + 1 + e, m + 2 + e)
        else:
            _merge(room, k, m + 1 + e, rows.n[e], room.means[e], room.grams[e], m + 2 + e)
    return n_members


@inner_kernel
def _copy(room: Split, k: int, a: int, to: int) -> None:
    room.pool_n[to] = room.pool_n[a]
    room.pool_means[to, : k + 1] = room.pool_means[a, : k + 1]
    room.pool_grams[to, : k + 1, : k + 1] = room.pool_grams[a, : k + 1, : k + 1]


@inner_kernel
def _weigh(rows: Rows, k: int, room: Split) -> tuple[int, float, float]:
    """Note the evidence for each environment; return the best change, its gain, and the score."""
    m = len(rows.n)
    n_members = _pools(rows, k, room)
    now = _pooled(room.pool_n[0], room.pool_grams[0], k, room.factor)
    best, most, last = -1, 0.0, 2 * m + 2
    for e in range(m):
        if rows.untouched[e]:
            room.evidence[e] = -np.inf
            continue
        if room.touched[e]:
            _merge(room, k, 0, rows.n[e], room.means[e], room.grams[e], last)
        else:  # those before it and those after it
            after = room.pool_n[e + 1], room.pool_means[e + 1], room.pool_grams[e + 1]
            _merge(room, k, m + 1 + e, *after, last)
        other = _pooled(room.pool_n[last], room.pool_grams[last], k, room.factor)
        if room.touched[e]:
            room.evidence[e] = now + room.own[e] - other
            gain = -room.evidence[e]
        else:
            room.evidence[e] = other + room.own[e] - now if n_members > 1 else -np.inf
            gain = room.evidence[e]
        if gain > most:
            best, most = e, gain
    score = now
    for e in range(m):
        if room.touched[e]:
            score += room.own[e]
    return best, most, score


@inner_kernel
def _settle(rows: Rows, node: int, parents: IntArray, k: int, price: float, room: Split) -> float:
    """Change one environment at a time as long as that gains; return the score."""
    _gather(rows, node, parents, k, room)
    _own_mechanisms(rows, k, price, room)
    _begin(rows, k, room)
    score = 0.0
    for _ in range(4 * len(rows.n)):
        best, gain, score = _weigh(rows, k, room)
        if best < 0 or gain <= LEAST * (1.0 + abs(score)):
            break
        room.touched[best] = not room.touched[best]
    return score - k * price


@inner_kernel
def _room(m: int, k: int) -> Split:
    return Split(
        np.zeros(m, np.bool_),
        np.zeros(m),
        np.zeros(m),
        np.zeros((m, k + 1)),
        np.zeros((m, k + 1, k + 1)),
        np.zeros(2 * m + 3),
        np.zeros((2 * m + 3, k + 1)),
        np.zeros((2 * m + 3, k + 1, k + 1)),
        np.zeros((k + 1, k + 1)),
    )


@kernel
def split(
    rows: Rows, node: int, parents: IntArray, price: float
) -> tuple[float, BoolArray, FloatArray]:
    """Find where a node has a mechanism of its own, given its parents.

    Returns
    -------
    score : float
    touched : ndarray of bool, shape (K,)
    evidence : ndarray of shape (K,)
        By how much the score is higher if the environment is touched than if it is not.
    """
    room = _room(len(rows.n), len(parents))
    score = _settle(rows, node, parents, len(parents), price, room)
    return score, room.touched, room.evidence


@kernel
def gains_of(
    rows: Rows, node: int, parents: IntArray, candidates: IntArray, price: float
) -> FloatArray:
    """Change of the score as each candidate joins the parents."""
    k = len(parents)
    room, more, gains = (
        _room(len(rows.n), k + 1),
        np.empty(k + 1, np.intp),
        np.empty(len(candidates)),
    )
    copy(parents, more)
    before = _settle(rows, node, parents, k, price, room)
    for c in range(len(candidates)):
        more[k] = candidates[c]
        gains[c] = _settle(rows, node, more, k + 1, price, room) - before
    return gains
