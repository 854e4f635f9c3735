"""The hot loops of the FCI family: sure statements and their marks, sets that lie farther away.

`stop` is a flag that another thread raises when the time is up.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from causalkit._core.jit import inner_kernel, kernel
from causalkit.graph._ancestral_kernels import ancestry
from causalkit.graph._pag_kernels import Marks, close, is_clear, neighbours
from causalkit.typing import BoolArray, FloatArray, IntArray

__all__ = ["blocks", "close_statements", "farther_sets", "keep_surest", "separated_triples"]

Links: TypeAlias = NDArray[np.int32]
Verdict: TypeAlias = NDArray[np.int8]

_TAIL, _ARROW, _CIRCLE = 1, 2, 4


@inner_kernel
def _close_block(edges: IntArray, n_edges: int, first: int, block: IntArray, number: int) -> int:
    """Number the edges on the stack down to `first`; how many stay on it."""
    while n_edges > 0:
        n_edges -= 1
        block[edges[n_edges]] = number
        if edges[n_edges] == first:
            break
    return n_edges


@inner_kernel
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


@inner_kernel
def _may_collide(ends: Marks, unclear: IntArray, u: int, v: int, w: int) -> bool:
    """Whether u *-> v <-* w is possible."""
    if ends[u, v] == _TAIL or ends[w, v] == _TAIL:
        return False
    if ends[u, w] != 0 or (ends[u, v] == _ARROW and ends[w, v] == _ARROW):
        return True
    return not is_clear(unclear, u, v, w, len(ends))


@inner_kernel
def _possible_d_sep(
    ends: Marks,
    starts: IntArray,
    near: IntArray,
    block: IntArray,
    unclear: IntArray,
    above: BoolArray,
    stop: BoolArray,
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
        if stop[0]:
            break
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


@inner_kernel
def _comes_before(one: int, other: int, size: IntArray, link: FloatArray, source: IntArray) -> bool:
    """Whether the set of one edge end is asked rather than that of the other."""
    if size[one] != size[other]:
        return bool(size[one] < size[other])
    if link[one] != link[other]:
        return bool(link[one] > link[other])
    return bool(source[one] < source[other])


@kernel
def farther_sets(
    ends: Marks,
    starts: IntArray,
    near: IntArray,
    unclear: IntArray,
    strength: FloatArray,
    stop: BoolArray,
) -> tuple[IntArray, IntArray, BoolArray, IntArray, FloatArray]:
    """Sets with nodes that are no neighbours, one side of each pair where one will do.

    Only a node that is no ancestor of the other one has a set that is sure to separate. Where
    neither is an ancestor the side with the smaller set is asked, and where neither is known to be
    none, both are.

    Parameters
    ----------
    ends, starts, near
        Marks that are right whatever edges still fall, and the neighbours of each node.
    unclear : ndarray of int
        Ascending codes of unshielded triples about which nothing is known.
    strength : ndarray of float, shape (p, p)
        Of the marginal dependence.
    stop : ndarray of bool, shape (1,)

    Returns
    -------
    source, near : ndarrays of int, shape (m,)
        Pairs (i, j); the set lies on the side of i.
    sets : ndarray of bool, shape (m, p)
    size : ndarray of int, shape (m,)
        Of each set.
    link : ndarray of float, shape (m,)
        The strongest link between i and a node of its set.
    """
    p, m = len(ends), len(near)
    source = np.empty(m, dtype=np.intp)
    may_cause = np.zeros((p, p), dtype=np.bool_)
    for i in range(p):
        for edge in range(starts[i], starts[i + 1]):
            source[edge] = i
            may_cause[i, near[edge]] = ends[near[edge], i] != _ARROW
    block = blocks(starts, source, near)
    sets = _possible_d_sep(ends, starts, near, block, unclear, ancestry(may_cause), stop)
    farther, size = np.zeros(m, dtype=np.bool_), np.full(m, -1, dtype=np.intp)
    link = np.zeros(m)
    for edge in range(m):
        i, n = source[edge], 0
        for k in range(p):
            if sets[edge, k]:
                n += 1
                farther[edge] |= ends[i, k] == 0
                link[edge] = max(link[edge], abs(strength[i, k]))
        if farther[edge]:  # a set that has nobody but neighbours has been asked already
            size[edge] = n
    rows, n_rows = np.empty(m, dtype=np.intp), 0
    for edge in range(m):
        if not farther[edge]:
            continue
        i, j = source[edge], near[edge]
        back = starts[j] + np.searchsorted(near[starts[j] : starts[j + 1]], i)
        if ends[i, j] == _ARROW:
            both = ends[j, i] == _ARROW
            if not both or not _comes_before(edge, back, size, link, source):
                continue
        rows[n_rows] = edge
        n_rows += 1
    rows = rows[:n_rows]
    return source[rows], near[rows], sets[rows], size[rows], link[rows]


@kernel
def keep_surest(ends: Marks, triples: IntArray, verdict: Verdict, stop: BoolArray) -> None:
    """Make statements about triples agree on arrows, the first ones first.

    A collider is given up if its arrows would make one of a triple that surer evidence says is
    none, or if `ends` has a tail in its middle; whatever has two arrows becomes a collider.

    Parameters
    ----------
    ends : ndarray of uint8, shape (p, p)
        Marks that are known.
    triples : ndarray of int, shape (m, 3)
    verdict : ndarray of int8, shape (m,)
        1 collider, 0 none, -1 unknown; changed in place. When the time is up the rest is unknown.
    stop : ndarray of bool, shape (1,)
    """
    arrow = ends == _ARROW
    # The last triple a - k - w that is no collider, for each (a, k), and the one before each; the
    # link of a triple is twice its row, plus one if it is told from its third node.
    last = np.full(ends.shape, -1, dtype=np.int32)
    before = np.empty(2 * len(triples), dtype=np.int32)
    for row in range(len(triples)):
        if stop[0]:
            verdict[row:] = -1
            return
        a, k, b = triples[row]
        if verdict[row] == 1 and (ends[a, k] == _TAIL or ends[b, k] == _TAIL):
            verdict[row] = 0
        if verdict[row] == 1 and (
            _makes_another(a, k, b, arrow, triples, last, before)
            or _makes_another(b, k, a, arrow, triples, last, before)
        ):
            verdict[row] = 0
        if verdict[row] == 1:
            arrow[a, k] = arrow[b, k] = True
        elif verdict[row] == 0 and arrow[a, k] and arrow[b, k]:
            verdict[row] = 1
        if verdict[row] == 0:
            before[2 * row], last[a, k] = last[a, k], 2 * row
            before[2 * row + 1], last[b, k] = last[b, k], 2 * row + 1


@inner_kernel
def _makes_another(
    a: int, k: int, b: int, arrow: BoolArray, triples: IntArray, last: Links, before: Links
) -> bool:
    """Whether arrows from a and b into k meet at a triple a - k - w that is no collider."""
    link = last[a, k]
    while link >= 0:
        w = triples[link // 2, 0 if link % 2 == 1 else 2]
        if arrow[w, k] or w == b:
            return True
        link = before[link]
    return False


@kernel
def separated_triples(
    triples: IntArray, verdict: Verdict, kind: int, p: int, keys: IntArray, starts: IntArray
) -> tuple[IntArray, IntArray]:
    """Look up what separates the ends of triples, where it is not the empty set.

    Parameters
    ----------
    triples, verdict : ndarrays of int, shapes (m, 3) and (m,)
    kind : int
        The verdict of the triples that are looked up.
    p : int
        Number of nodes.
    keys, starts : ndarrays of int
        Pairs, and where their sets begin, as in `SeparatingSets`.

    Returns
    -------
    rows, sets : ndarrays of int, shape (n,)
        Rows of triples, and rows of `keys`.
    """
    rows, sets, n = np.empty_like(triples[:, 0]), np.empty_like(triples[:, 0]), 0
    for row in range(len(triples)):
        if verdict[row] != kind:
            continue
        key = triples[row, 0] * p + triples[row, 2]
        at = np.searchsorted(keys, key)
        if at < len(keys) and keys[at] == key and starts[at + 1] > starts[at]:
            rows[n], sets[n] = row, at
            n += 1
    return rows[:n], sets[:n]


@kernel
def close_statements(
    ends: Marks,
    reason: Marks,
    triples: IntArray,
    verdict: Verdict,
    agreed: bool,
    unclear: IntArray,
    selection: bool,
    stop: BoolArray,
) -> tuple[IntArray, IntArray, IntArray]:
    """Draw the colliders that hold together, and what follows from them by all rules but the 4th.

    Parameters
    ----------
    ends, reason : ndarrays of uint8, shape (p, p)
        Marks that are known, changed in place; the rule behind each.
    triples, verdict, stop
        As for :func:`keep_surest`.
    agreed : bool
        Whether the statements are known to hold together.
    unclear, selection
        As for :func:`causalkit.graph._pag_kernels.close`.

    Returns
    -------
    starts, near : ndarrays of int
        Neighbours of each node.
    paths : ndarray of int, shape (m, 5)
        Discriminating paths that are to be judged before the rules can go on.
    """
    if not agreed:
        keep_surest(ends, triples, verdict, stop)
    for row in range(len(triples)):
        if verdict[row] == 1:
            a, k, b = triples[row]
            for end in (a, b):
                if ends[end, k] == _CIRCLE:
                    ends[end, k] = _ARROW
    starts, near = neighbours(ends)
    return starts, near, close(ends, starts, near, unclear, reason, selection, True, False, stop)
