"""Search for the order of the nodes whose best parents have the highest score.

Given an order, the parents of each node among those before it are grown and shrunk, and the order
has the sum of their scores. A step takes one node out and puts it back where the sum is highest. To
know the sum for all places at once it takes two questions about each other node (its parents with
the one that moves among the candidates, and without) and one about the node that moves for each
place; most of them are known not to change anything, because no path in a tree would turn.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from causalkit._core._copy_kernels import copy
from causalkit._core.jit import inner_kernel, kernel
from causalkit.discovery.search._arrangement_kernels import Arrangement, arrange, settle
from causalkit.discovery.search._grow_trees_kernels import Grower, Trees, grow, plant
from causalkit.typing import BoolArray, FloatArray, IntArray

__all__ = ["LEAST", "draw", "search"]

LEAST = 1e-13
"""Share of the score that is a gain; less is rounding."""

_NEVER = 2**40


class Scratch(NamedTuple):
    """Room for moves: the other nodes, what they gain, scores of the node, columns; whose turn."""

    others: IntArray
    after: FloatArray
    own: FloatArray
    would: BoolArray
    turn: IntArray


@inner_kernel
def _bounds(grower: Grower, rank: IntArray, v: int, m: int) -> tuple[int, int]:
    """First and last place, among m others, at which required parents come first."""
    first, last = 0, m
    for a in grower.required[v]:
        if a < 0:
            break
        first = max(first, rank[a] + 1)
    if grower.required.shape[1]:
        for u in range(m + 1):
            for a in grower.required[u]:
                if a == v:
                    last = min(last, rank[u])
    return first, last


@inner_kernel
def _take_out(now: Arrangement, others: IntArray, v: int) -> int:
    """List the other nodes, give them ranks among themselves, and return how many there are."""
    m = 0
    for u in now.order:
        if u != v:
            others[m] = u
            now.rank[u] = m
            m += 1
    now.rank[v] = _NEVER
    return m


@inner_kernel
def _put_back(now: Arrangement, others: IntArray, v: int, place: int) -> None:
    for k in range(len(now.order)):
        u = v if k == place else others[k - (k > place)]
        now.order[k] = u
        now.rank[u] = k


@inner_kernel
def _weigh(
    state: Any,
    trees: Trees,
    grower: Grower,
    now: Arrangement,
    scratch: Scratch,
    v: int,
    old: int,
    span: tuple[int, int],
) -> None:
    """Note what each other node gains as v comes after it, and the score of v at each place."""
    others, after, own, would = scratch.others, scratch.after, scratch.own, scratch.would
    for k in range(span[0], span[1]):
        u = others[k]
        after[k] = 0.0
        is_later = k < old
        if now.would[u, v] if is_later else now.on_path[u, v]:
            extra = v if is_later else u
            at, _ = grow(state, trees, grower, u, now.rank, k, extra, would)
            gain = trees.leaf_score[at] - now.score[u]
            after[k] = -gain if is_later else gain
    would[:] = True
    for k in range(span[0], span[1] + 1):
        if k == span[0] or would[others[k - 1]]:
            at, _ = grow(state, trees, grower, v, now.rank, k, v, would)
            own[k] = trees.leaf_score[at]
        else:
            own[k] = own[k - 1]


@inner_kernel
def draw(stream: IntArray, n: int) -> int:
    """Draw a number below n (xorshift64*)."""
    x = np.uint64(stream[0])
    x ^= x >> np.uint64(12)
    x ^= x << np.uint64(25)
    x ^= x >> np.uint64(27)
    stream[0] = np.int64(x)
    return int(np.int64((x * np.uint64(2685821657736338717)) >> np.uint64(33)) % n)


@inner_kernel
def _best_place(
    scratch: Scratch, span: tuple[int, int], old: int, least: float, stream: IntArray, drifts: bool
) -> tuple[int, float]:
    """Find where the score is highest, and by how much; of several such places, any, in a drift."""
    after, own = scratch.after, scratch.own
    place, highest, here, total, n_equal = old, -np.inf, 0.0, 0.0, 1
    for k in range(span[0], span[1] + 1):
        if k > span[0]:
            total += after[k - 1] + own[k] - own[k - 1]
        if k == old:
            here = total
        if total > highest + (least if drifts else 0.0):
            place, highest, n_equal = k, total, 1
        elif drifts and total >= highest - least:
            n_equal += 1
            if draw(stream, n_equal) == 0:
                place = k
    return place, highest - here


@inner_kernel
def _move(
    state: Any,
    trees: Trees,
    grower: Grower,
    now: Arrangement,
    scratch: Scratch,
    v: int,
    least: float,
    stream: IntArray,
    drifts: bool,
) -> float:
    """Put a node where the score is highest, if that gains at least `least`; return the gain.

    In a drift it goes to any place that is as good as the best.
    """
    old = now.rank[v]
    m = _take_out(now, scratch.others, v)
    span = _bounds(grower, now.rank, v, m)
    _weigh(state, trees, grower, now, scratch, v, old, span)
    place, gain = _best_place(scratch, span, old, least, stream, drifts)
    if place == old or (gain <= least and not drifts):
        _put_back(now, scratch.others, v, old)
        return 0.0
    _put_back(now, scratch.others, v, place)
    for k in range(min(place, old), max(place, old) + 1):
        u = now.order[k]
        if u == v or (now.would[u, v] if place < old else now.on_path[u, v]):
            settle(state, trees, grower, now, k, k)
    return gain if gain > least else 0.0


@inner_kernel
def _shuffle(turn: IntArray, stream: IntArray) -> None:
    for a in range(len(turn) - 1, 0, -1):
        b = draw(stream, a + 1)
        turn[a], turn[b] = turn[b], turn[a]


@inner_kernel
def _is_fit(grower: Grower, rank: IntArray) -> bool:
    """Whether required parents come before their children."""
    for v in range(len(rank)):
        for a in grower.required[v]:
            if a >= 0 and rank[a] > rank[v]:
                return False
    return True


@inner_kernel
def _shake(now: Arrangement, grower: Grower, stream: IntArray, n_swaps: int) -> None:
    """Swap some pairs of nodes, unless required edges forbid it."""
    p, rank = len(now.order), now.rank
    for _ in range(n_swaps):
        a, b = draw(stream, p), draw(stream, p)
        u, v = now.order[a], now.order[b]
        now.order[a], now.order[b] = v, u
        rank[u], rank[v] = b, a
        if not _is_fit(grower, rank):
            now.order[a], now.order[b] = u, v
            rank[u], rank[v] = a, b


@inner_kernel
def _climb(
    state: Any,
    trees: Trees,
    grower: Grower,
    now: Arrangement,
    scratch: Scratch,
    stream: IntArray,
    n_drifts: int,
    stop: BoolArray,
) -> None:
    """Move nodes until none gains, and then let all drift so many times, as long as none gains."""
    p, turn = len(now.order), scratch.turn
    total, idle, k = now.score.sum(), 0, 0
    while idle < p * (1 + n_drifts) and not stop[0]:
        if k % p == 0:
            _shuffle(turn, stream)
        least = LEAST * (1.0 + abs(total))
        drifts = idle >= p
        gain = _move(state, trees, grower, now, scratch, turn[k % p], least, stream, drifts)
        total += gain
        idle = 0 if gain > 0 else idle + 1
        k += 1


@kernel
def search(
    state: Any,
    trees: Trees,
    grower: Grower,
    now: Arrangement,
    n_restarts: int,
    n_swaps: int,
    n_drifts: int,
    seed: int,
    stop: BoolArray,
) -> int:
    """Climb from `now.order`, then shake the best order and climb again, so many times.

    The best order is left in `now`; returned is how many times it was shaken. After the first climb
    nodes drift `n_drifts` times, after others once, if at all.
    """
    p = len(now.order)
    scratch = Scratch(
        np.empty(p, np.intp), np.empty(p), np.empty(p + 1), np.empty(p, np.bool_), np.arange(p)
    )
    stream, best_order = np.array([seed]), now.order.copy()
    plant(trees, p)
    best, n_shaken = -np.inf, 0
    for r in range(n_restarts + 1):
        if r > 0 and stop[0]:
            break
        arrange(now, best_order, 0, p - 1)
        if r > 0:
            _shake(now, grower, stream, n_swaps)
            n_drifts, n_shaken = min(n_drifts, 1), r
        settle(state, trees, grower, now, 0, p - 1)
        _climb(state, trees, grower, now, scratch, stream, n_drifts, stop)
        total = now.score.sum()
        if total > best + LEAST * (1.0 + abs(total)):
            best = total
            copy(now.order, best_order)
    arrange(now, best_order, 0, p - 1)
    settle(state, trees, grower, now, 0, p - 1)
    return n_shaken
