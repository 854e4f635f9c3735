"""Greedy relaxations of the sparsest permutation: better orders by tucks.

A tuck takes an edge x -> y and moves y, with those of its ancestors that stand between the two,
before x. Where the edge is covered (the other parents of y are those of x) the graph before the
tuck is still a graph of the new order, so the score cannot fall; it may stay the same, and a few
such moves in a row are tried before giving up, which leads through the orders of one class of
graphs to a better one. Other edges are tucked in the first step only.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from causalkit._core._copy_kernels import copy
from causalkit._core.jit import inner_kernel, kernel
from causalkit.discovery.search._arrangement_kernels import Arrangement, arrange, settle
from causalkit.discovery.search._grow_trees_kernels import Grower, Trees, plant
from causalkit.discovery.search._order_kernels import LEAST, draw
from causalkit.typing import BoolArray, IntArray

__all__ = ["search"]


class _Trail(NamedTuple):
    """Room for moves in a row, by their depth.

    Attributes
    ----------
    edges : ndarray of int, shape (depth, p * p, 2)
        Edges (x, y) to be tucked.
    order : ndarray of int, shape (depth, p)
        Order before the tuck.
    hashes : ndarray of int, shape (depth,)
        Which edges differ from those at the beginning.
    keys : ndarray of int, shape (p, p)
        A random number for each edge.
    """

    edges: IntArray
    order: IntArray
    hashes: IntArray
    keys: IntArray


@inner_kernel
def _is_covered(now: Arrangement, x: int, y: int) -> bool:
    for c in range(len(now.order)):
        if c != x and now.parents[x, c] != now.parents[y, c]:
            return False
    return True


@inner_kernel
def _tuck(now: Arrangement, grower: Grower, x: int, y: int, before: IntArray) -> bool:
    """Move y and its ancestors after x before x; tell whether that is any use."""
    order, first, last = now.order, now.rank[x], now.rank[y]
    copy(order, before)
    moves = np.zeros(len(order), dtype=np.bool_)
    moves[y] = True
    for k in range(last, first, -1):
        if moves[order[k]]:
            for c in range(first + 1, k):
                if now.parents[order[k], order[c]]:
                    moves[order[c]] = True
    if _is_in_vain(grower, order[first : last + 1], moves):
        return False
    at = first
    for stage in range(2):
        for k in range(first, last + 1):
            v = before[k]
            if moves[v] == (stage == 0):
                order[at] = v
                now.rank[v] = at
                at += 1
    return True


@inner_kernel
def _is_in_vain(grower: Grower, segment: IntArray, moves: BoolArray) -> bool:
    """Whether a node would move before one that may be its parent, and not the other way round."""
    for b in range(len(segment)):
        for a in range(b):
            u, v = segment[a], segment[b]
            if moves[v] and not moves[u]:
                if grower.allowed[v, u] and not grower.allowed[u, v]:
                    return True
                for c in grower.required[v]:
                    if c == u:
                        return True
    return False


@inner_kernel
def _hash(now: Arrangement, keys: IntArray, first: int, last: int) -> int:
    total = 0
    for k in range(first, last + 1):
        v = now.order[k]
        for c in range(len(now.order)):
            if now.parents[v, c]:
                total ^= keys[c, v]
    return total


@inner_kernel
def _list_edges(now: Arrangement, edges: IntArray, stream: IntArray, only_covered: bool) -> int:
    """List edges in a random order."""
    m, p = 0, len(now.order)
    for y in range(p):
        for x in range(p):
            if now.parents[y, x] and (not only_covered or _is_covered(now, x, y)):
                edges[m, 0], edges[m, 1] = x, y
                m += 1
    for a in range(m - 1, 0, -1):
        b = draw(stream, a + 1)
        for side in range(2):
            edges[a, side], edges[b, side] = edges[b, side], edges[a, side]
    return m


@kernel
def search(
    state: Any,
    trees: Trees,
    grower: Grower,
    now: Arrangement,
    depth: int,
    seed: int,
    stop: BoolArray,
) -> int:
    """Tuck until nothing gains; the order is left in `now`; return the number of gains."""
    p, n_gains = len(now.order), 0
    stream = np.array([seed])
    trail = _Trail(
        np.empty((depth, p * p, 2), np.intp),
        np.empty((depth, p), np.intp),
        np.zeros(depth + 1, np.int64),
        np.empty((p, p), np.int64),
    )
    for x in range(p):
        for y in range(p):
            trail.keys[x, y] = (draw(stream, 2**31) << 31) ^ draw(stream, 2**31)
    plant(trees, p)
    arrange(now, now.order, 0, p - 1)
    total = settle(state, trees, grower, now, 0, p - 1)
    n_edges, tried = np.zeros(depth, np.intp), np.zeros(depth, np.intp)
    spans = np.zeros((depth, 2), np.intp)
    level, undo = 0, False
    n_edges[0] = _list_edges(now, trail.edges[0], stream, False)
    while not stop[0]:
        first, last = spans[level]
        if undo:
            arrange(now, trail.order[level], first, last)
            settle(state, trees, grower, now, first, last)
            undo = False
        if tried[level] == n_edges[level]:
            if level == 0:
                break
            level -= 1  # and back to before the move that led here
            undo = True
            continue
        x, y = trail.edges[level, tried[level]]
        tried[level] += 1
        if not now.parents[y, x]:
            continue
        first, last = now.rank[x], now.rank[y]
        spans[level, 0], spans[level, 1] = first, last
        known = _hash(now, trail.keys, first, last)
        if not _tuck(now, grower, x, y, trail.order[level]):
            continue
        gain = settle(state, trees, grower, now, first, last)
        least = LEAST * (1.0 + abs(total))
        if gain > least:
            total, level = total + gain, 0
            n_gains += 1
            n_edges[0] = _list_edges(now, trail.edges[0], stream, False)
            tried[0] = 0
            continue
        differs = trail.hashes[level] ^ known ^ _hash(now, trail.keys, first, last)
        deeper = gain > -least and level + 1 < depth and differs != 0
        for k in range(level + 1):
            deeper = deeper and trail.hashes[k] != differs
        if not deeper:
            undo = True
            continue
        level += 1
        trail.hashes[level] = differs
        n_edges[level] = _list_edges(now, trail.edges[level], stream, True)
        tried[level] = 0
    return n_gains
