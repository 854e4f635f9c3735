"""Compiled loops behind `_orientation`, which says what they decide.

A statement about the triple a - k - b is a demand on the order in which nodes can be removed,
effects before causes: two nodes wait until one of two others went. If k is a collider, a and b wait
for k; if it is none, k waits for a or for b; and if x -> k is known, x waits for k. So a demand is
a row of four nodes, the two that wait and the two goals that they wait for. In two *links* it says
to each goal who waits for it, and whom that one may wait for instead; where there is no second way
a *ghost* stands in, node number p, which is never removed.

One order that meets all demands is kept. A demand that this order meets costs nothing. For any
other, two nodes now have to wait for a goal, and with them whatever hangs on them, while the rest
closes up; the demand cannot be met if the goals themselves hang on the nodes that wait. Only the
stretch of the order between the waiting nodes and the goals matters, except where a node may go
early because a second way opens later.
"""

from __future__ import annotations

from typing import Final, TypeAlias

import numpy as np

from causalkit._core.jit import inner_kernel, kernel
from causalkit.typing import BoolArray, IntArray

__all__ = ["keep_consistent", "remove_all", "triples_of"]

_WAITS: Final = 0  # the node that waits
_OTHER: Final = 1  # whom it may wait for instead
_NEXT: Final = 2  # the next link of the same goal; -1 after the last

_FREE: Final = 0
_HELD: Final = 1
_FREED: Final = 2

Nodes: TypeAlias = tuple[IntArray, IntArray, IntArray, IntArray, IntArray, IntArray, IntArray]
"""The first link of each node; nodes in an order in which they can be removed, the place of each in
it, and its mark; a list of nodes that are held, a list of nodes that were freed, and room for
counts."""


@kernel
def triples_of(starts: IntArray, far: IntArray) -> IntArray:
    """Unshielded triples (a, k, b), a < b, by k, a and b; rows of neighbours are ascending."""
    triples = np.empty((0, 3), dtype=np.intp)
    for filling in range(2):  # first count, then write
        n = 0
        for k in range(len(starts) - 1):
            for s in range(starts[k], starts[k + 1]):
                a, u = far[s], starts[far[s]]
                for t in range(s + 1, starts[k + 1]):
                    while u < starts[a + 1] and far[u] < far[t]:
                        u += 1
                    if u == starts[a + 1] or far[u] != far[t]:
                        if filling:
                            triples[n, 0], triples[n, 1], triples[n, 2] = a, k, far[t]
                        n += 1
        if not filling:
            triples = np.empty((n, 3), dtype=np.intp)
    return triples


@inner_kernel
def _link(d: int, demands: IntArray, links: IntArray, head: IntArray) -> None:
    """Tell the goals of demand d who waits for them, unless they know it anyway."""
    ghost = len(head) - 1
    arrows = demands[d, 2] == demands[d, 3]
    for side in range(2):
        node, goal = demands[d, side], demands[d, 2 + side]
        s = head[goal]
        while s >= 0 and (links[s, _WAITS] != node or links[s, _OTHER] != ghost):
            s = links[s, _NEXT]
        if s < 0:
            s = 2 * d + side
            links[s, _WAITS] = node
            links[s, _OTHER] = ghost if arrows else demands[d, 3 - side]
            links[s, _NEXT] = head[goal]
            head[goal] = s
        elif not arrows:  # the node waits for this goal in any case: no need to tell the other
            if side == 1:
                head[demands[d, 2]] = links[2 * d, _NEXT]
            return


@kernel
def remove_all(p: int, demands: IntArray) -> IntArray:
    """Remove nodes as long as the demands let one go; those that went, in order."""
    links, head = np.empty((2 * len(demands), 3), dtype=np.intp), np.empty(p + 1, dtype=np.intp)
    obstacles, removed = np.empty(p, dtype=np.intp), np.empty(p + 1, dtype=np.bool_)
    head[:], obstacles[:], removed[:] = -1, 0, False  # compiles faster than three constructors
    for d in range(len(demands)):
        _link(d, demands, links, head)
    for x in range(p):
        s = head[x]
        while s >= 0:
            obstacles[links[s, _WAITS]] += x < links[s, _OTHER]
            s = links[s, _NEXT]
    order = np.empty(p, dtype=np.intp)
    n, at = 0, 0
    for x in range(p):
        if obstacles[x] == 0:
            order[n] = x
            n += 1
    while at < n:
        x = order[at]
        removed[x] = True
        at += 1
        s = head[x]
        while s >= 0:
            if not removed[links[s, _OTHER]]:
                y = links[s, _WAITS]
                obstacles[y] -= 1
                if obstacles[y] == 0:
                    order[n] = y
                    n += 1
            s = links[s, _NEXT]
    return order[:n]


@kernel
def keep_consistent(demands: IntArray, order: IntArray, n_known: int) -> BoolArray:
    """Keep demands, first ones first, as long as they can be met together.

    Parameters
    ----------
    demands : ndarray of int, shape (n, 4)
        The two nodes that wait, and the two for one of which they wait.
    order : ndarray of int, shape (p,)
        All nodes, in an order that meets the known demands; is changed.
    n_known : int
        So many demands, the first ones, are kept in any case.

    Returns
    -------
    ndarray of bool, shape (n,)
    """
    p, n = len(order), len(demands)
    links, head = np.empty((2 * n, 3), dtype=np.intp), np.full(p + 1, -1, dtype=np.intp)
    place, mark = np.empty(p + 1, dtype=np.intp), np.zeros(p + 1, dtype=np.intp)
    for at in range(p):
        place[order[at]] = at
    place[p], mark[p] = p, _HELD
    room = np.empty((3, p), dtype=np.intp)
    nodes = (head, order, place, mark, room[0], room[1], room[2])
    kept = np.zeros(n, dtype=np.bool_)
    for d in range(n):
        one, two, goal, other = demands[d, 0], demands[d, 1], demands[d, 2], demands[d, 3]
        met = min(place[goal], place[other]) < min(place[one], place[two])
        kept[d] = d < n_known or met or _meet(one, two, goal, other, links, nodes)
        if not kept[d]:  # then every order meets the opposite: as a demand it shortens later proofs
            demands[d, 0], demands[d, 1], demands[d, 2], demands[d, 3] = goal, other, one, two
        _link(d, demands, links, head)
    return kept


@inner_kernel
def _meet(one: int, two: int, goal: int, other: int, links: IntArray, nodes: Nodes) -> bool:
    """Change the order so that one and two come after one of the goals, if that can be."""
    _, order, place, mark, held, _, _ = nodes
    first, last = min(place[one], place[two]), -len(order)  # no literal: one version to compile
    while True:
        n_held = _hold(one, two, goal, other, last, links, nodes)
        lost = mark[goal] == _HELD and mark[other] == _HELD
        n_freed, stop, again = 0, -1, False
        if last < 0:  # they hang on the nodes that wait by a short chain, or we have to look closer
            again = not lost
        elif not lost:
            stop = last
            if mark[goal] == _FREE:
                stop = min(stop, place[goal])
            if mark[other] == _FREE:
                stop = min(stop, place[other])
        else:  # is there a second way for one of them, perhaps by nodes beyond the stretch?
            n_freed = _free(one, two, n_held, links, nodes)
            if mark[goal] == _FREED or mark[other] == _FREED:
                again = last < len(order) - 1
                stop = -1 if again else last
        if stop >= 0:
            _lay_out(first, stop, n_freed, nodes)
        for at in range(n_held):
            mark[held[at]] = _FREE
        if not again:
            return stop >= 0
        last = max(place[goal], place[other]) if last < 0 else len(order) - 1


@inner_kernel
def _hold(
    one: int, two: int, goal: int, other: int, last: int, links: IntArray, nodes: Nodes
) -> int:
    """Mark what cannot keep its place if two nodes wait, among the places up to `last`; how many.

    A node has to wait too if the one that it waits for does, unless its second way is open: that
    one goes earlier in the order and does not wait. With `last` below 0 only nodes without a second
    way are marked, wherever they are, until both goals are: most contradictions are short chains.
    """
    head, order, place, mark, held, _, _ = nodes
    sure, limit = last < 0, len(order) if last < 0 else last
    n, at = 0, 0
    for x in (one, two):
        if mark[x] == _FREE and place[x] <= limit:
            mark[x], held[n] = _HELD, x
            n += 1
    while at < n and not (sure and mark[goal] == _HELD and mark[other] == _HELD):
        s = head[held[at]]
        at += 1
        while s >= 0:
            y, way = links[s, _WAITS], links[s, _OTHER]
            shut = mark[way] == _HELD or (place[way] > place[y] and not sure)
            if shut and mark[y] == _FREE and place[y] <= limit:
                mark[y], held[n] = _HELD, y
                n += 1
            s = links[s, _NEXT]
    return n


@inner_kernel
def _free(one: int, two: int, n_held: int, links: IntArray, nodes: Nodes) -> int:
    """Free held nodes that can go before those that wait after all, in such an order; how many."""
    head, _, _, mark, held, freed, blocks = nodes
    for at in range(n_held):
        blocks[held[at]] = 0
    blocks[one] = blocks[two] = 1
    for at in range(n_held):
        s = head[held[at]]
        while s >= 0:  # two ways that are both shut are one block: count at the lower node
            blocks[links[s, _WAITS]] += (
                held[at] < links[s, _OTHER] and mark[links[s, _OTHER]] == _HELD
            )
            s = links[s, _NEXT]
    n, at = 0, 0
    for k in range(n_held):
        if blocks[held[k]] == 0:
            freed[n] = held[k]
            n += 1
    while at < n:
        mark[freed[at]] = _FREED
        s = head[freed[at]]
        at += 1
        while s >= 0:
            if mark[links[s, _OTHER]] == _HELD:
                y = links[s, _WAITS]
                blocks[y] -= 1
                if blocks[y] == 0 and mark[y] == _HELD:
                    freed[n] = y
                    n += 1
            s = links[s, _NEXT]
    return n


@inner_kernel
def _lay_out(first: int, last: int, n_freed: int, nodes: Nodes) -> None:
    """Fill the places from first to last: free nodes, freed ones, and those that wait."""
    _, order, place, mark, _, freed, waiting = nodes
    n, n_waiting = first, 0
    for at in range(first, last + 1):
        x = order[at]
        if mark[x] == _FREE:
            order[n], place[x] = x, n
            n += 1
        elif mark[x] == _HELD:
            waiting[n_waiting] = x
            n_waiting += 1
    for at in range(n_freed + n_waiting):
        x = freed[at] if at < n_freed else waiting[at - n_freed]
        order[n], place[x] = x, n
        n += 1
