"""The hot loops of the FCI family: blocks of a graph, possible d-separators, sure statements."""

from __future__ import annotations

import numpy as np

from causalkit._core.jit import kernel
from causalkit.graph._pag_kernels import Marks, is_clear
from causalkit.typing import BoolArray, IntArray

__all__ = ["blocks", "keep_surest", "possible_d_sep"]

_TAIL, _ARROW = 1, 2


@kernel
def _close_block(edges: IntArray, n_edges: int, first: int, block: IntArray, number: int) -> int:
    """Number the edges on the stack down to `first`; how many stay on it."""
    while n_edges > 0:
        n_edges -= 1
        block[edges[n_edges]] = number
        if edges[n_edges] == first:
            break
    return n_edges


@kernel
def _number_both_ends(block: IntArray, starts: IntArray, source: IntArray, near: IntArray) -> None:
    """Give the end (j, i) of an edge the number of its end (i, j)."""
    for edge in range(len(near)):
        if block[edge] >= 0:
            w = near[edge]
            for back in range(starts[w], starts[w + 1]):
                if near[back] == source[edge]:
                    block[back] = block[edge]


@kernel
def blocks(starts: IntArray, source: IntArray, near: IntArray) -> IntArray:
    """Number the block (biconnected component) of each edge end; a bridge is a block of its own.

    Tarjan's search by depth, with the stack written out.

    Parameters
    ----------
    starts, source, near : ndarrays of int
        Edge end number e is (source[e], near[e]); those of v are `starts[v]` to `starts[v + 1]`.

    Returns
    -------
    ndarray of int, shape (n_ends,)
        The same number at both ends of an edge.
    """
    p, size = len(starts) - 1, len(near)
    block = np.full(size, -1, dtype=np.intp)
    depth, low = np.full(p, -1, dtype=np.intp), np.zeros(p, dtype=np.intp)
    at = starts[:-1].copy()
    path, came_by = np.empty(p, dtype=np.intp), np.full(p, -1, dtype=np.intp)
    edges, n_edges, n_blocks, clock = np.empty(size, dtype=np.intp), 0, 0, 0
    for root in range(p):
        if depth[root] >= 0:
            continue
        path[0], height = root, 1
        depth[root] = low[root] = clock
        clock += 1
        while height > 0:
            v = path[height - 1]
            if at[v] < starts[v + 1]:
                edge = at[v]
                at[v] += 1
                w = near[edge]
                if depth[w] < 0:
                    edges[n_edges] = edge
                    n_edges += 1
                    depth[w] = low[w] = clock
                    clock += 1
                    path[height], came_by[w] = w, edge
                    height += 1
                elif depth[w] < depth[v] and (came_by[v] < 0 or source[came_by[v]] != w):
                    edges[n_edges] = edge
                    n_edges += 1
                    low[v] = min(low[v], depth[w])
                continue
            height -= 1
            if height == 0:
                continue
            u = path[height - 1]
            low[u] = min(low[u], low[v])
            if low[v] >= depth[u]:  # all edges since u - v hang together, and only u leads out
                n_edges = _close_block(edges, n_edges, came_by[v], block, n_blocks)
                n_blocks += 1
    _number_both_ends(block, starts, source, near)
    return block


@kernel
def _may_collide(ends: Marks, unclear: IntArray, u: int, v: int, w: int) -> bool:
    """Whether u *-> v <-* w is possible."""
    if ends[u, v] == _TAIL or ends[w, v] == _TAIL:
        return False
    if ends[u, w] != 0 or (ends[u, v] == _ARROW and ends[w, v] == _ARROW):
        return True
    return not is_clear(unclear, u, v, w, len(ends))


@kernel
def possible_d_sep(
    ends: Marks,
    starts: IntArray,
    near: IntArray,
    block: IntArray,
    unclear: IntArray,
    above: BoolArray,
) -> BoolArray:
    """For each edge end (i, j) the nodes that may be needed on the side of i to separate the two.

    They are reached from i by walks within the block of the edge, on which every node may be an
    ancestor of i or j and every inner node may be a collider.

    Parameters
    ----------
    ends, starts, near
        Marks, and the neighbours of each node.
    block : ndarray of int, shape (n_ends,)
        As :func:`blocks` numbers them.
    unclear : ndarray of int
        Ascending codes of unshielded triples about which nothing is known.
    above : ndarray of bool, shape (p, p)
        `above[v, i]`: v may be an ancestor of i.

    Returns
    -------
    ndarray of bool, shape (n_ends, p)
    """
    p, size = len(ends), len(near)
    found = np.zeros((size, p), dtype=np.bool_)
    seen, queue = np.full(size, -1, dtype=np.intp), np.empty((size, 2), dtype=np.intp)
    for i in range(p):
        for to in range(starts[i], starts[i + 1]):
            j = near[to]
            head, tail = 0, 0
            for edge in range(starts[i], starts[i + 1]):
                v = near[edge]
                if v != j and block[edge] == block[to] and (above[v, i] or above[v, j]):
                    seen[edge] = to
                    found[to, v] = True
                    queue[tail, 0], queue[tail, 1] = i, v
                    tail += 1
            while head < tail:
                u, v = queue[head]
                head += 1
                for edge in range(starts[v], starts[v + 1]):
                    w = near[edge]
                    if w in (u, i, j) or seen[edge] == to or block[edge] != block[to]:
                        continue
                    if not (above[w, i] or above[w, j]) or not _may_collide(ends, unclear, u, v, w):
                        continue
                    seen[edge] = to
                    found[to, w] = True
                    queue[tail, 0], queue[tail, 1] = v, w
                    tail += 1
    return found


@kernel
def keep_surest(ends: Marks, triples: IntArray, verdict: IntArray) -> None:
    """Make statements about triples agree on arrows, the first ones first.

    A collider is given up if its arrows would make one of a triple that surer evidence says is
    none, or if `ends` has a tail in its middle; whatever has two arrows becomes a collider.

    Parameters
    ----------
    ends : ndarray of uint8, shape (p, p)
        Marks that are known.
    triples : ndarray of int, shape (m, 3)
    verdict : ndarray of int, shape (m,)
        1 collider, 0 none, -1 unknown; changed in place.
    """
    arrow = ends == _ARROW
    latest, before = np.full(len(ends), -1, dtype=np.intp), np.full(len(triples), -1, dtype=np.intp)
    for row in range(len(triples)):
        a, k, b = triples[row]
        if verdict[row] == 1 and (ends[a, k] == _TAIL or ends[b, k] == _TAIL):
            verdict[row] = 0
        if verdict[row] == 1:
            other = latest[k]  # the triples in the middle of k that are no colliders
            while other >= 0:
                u, w = triples[other, 0], triples[other, 2]
                if (arrow[u, k] or u in (a, b)) and (arrow[w, k] or w in (a, b)):
                    verdict[row] = 0
                    break
                other = before[other]
        if verdict[row] == 1:
            arrow[a, k] = arrow[b, k] = True
        elif verdict[row] == 0 and arrow[a, k] and arrow[b, k]:
            verdict[row] = 1
        if verdict[row] == 0:
            before[row], latest[k] = latest[k], row
