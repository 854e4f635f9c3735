"""Whose identification of which effect is wrong: linear-time searches, one treatment at a time.

A graph comes as adjacency lists `(starts, nodes)`: the neighbours of v are
`nodes[starts[v]:starts[v + 1]]`. `truth` and `learnt` are tuples of these lists and of `near`, the
matrix of adjacent nodes:

    children, parents          directed edges of the graph (a class: those that all members share)
    loose, tails               undirected edges, and the node that each of them starts from
    near                       who is adjacent to whom
    below, above               children and parents in one member (the graph itself if it is a DAG)
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from causalkit._core.jit import inner_kernel, kernel
from causalkit.metrics._arrays import Arrays, Lists
from causalkit.typing import BoolArray, IntArray

# States of a walk that left the treatment: along arrows only so far; else entered against an arrow,
# or along one.
_CAUSAL: Any = np.uint8(1)
_AGAINST: Any = np.uint8(2)
_ALONG: Any = np.uint8(4)

# numba would compile a kernel once for each literal number that it is handed.
_NONE: Any = np.int64(0)
_ONE: Any = np.int64(1)


@inner_kernel
def spread(lists: Lists, queue: IntArray, size: int, seen: BoolArray, avoid: BoolArray) -> int:
    """Close `seen` along the lists; `queue[:size]` holds what it has, the new size is returned."""
    starts, nodes = lists
    head = 0
    while head < size:
        v = queue[head]
        head += 1
        for k in range(starts[v], starts[v + 1]):
            w = nodes[k]
            if not seen[w] and not avoid[w]:
                seen[w] = True
                queue[size] = w
                size += 1
    return size


@inner_kernel
def drift(
    loose: Lists,
    tails: IntArray,
    near: NDArray[np.uint8],
    queue: IntArray,
    size: int,
    seen: BoolArray,
    avoid: BoolArray,
) -> int:
    """Add what unshielded walks of undirected edges reach from `queue[:size]`."""
    starts, nodes = loose
    if len(nodes) == 0:
        return size
    passed = np.zeros(len(nodes), np.bool_)
    edges = np.empty(len(nodes), np.int64)
    n_edges = 0
    for q in range(size):
        v = queue[q]
        for k in range(starts[v], starts[v + 1]):
            if not avoid[nodes[k]]:
                passed[k] = True
                edges[n_edges] = k
                n_edges += 1
    head = 0
    while head < n_edges:
        u, v = tails[edges[head]], nodes[edges[head]]
        head += 1
        if not seen[v]:
            seen[v] = True
            queue[size] = v
            size += 1
        for k in range(starts[v], starts[v + 1]):
            w = nodes[k]
            if not passed[k] and not near[u, w] and w != u and not avoid[w]:
                passed[k] = True
                edges[n_edges] = k
                n_edges += 1
    return size


@inner_kernel
def look_down(
    graph: Arrays, t: int, queue: IntArray, caused: BoolArray, open_ended: BoolArray
) -> None:
    """Fill the possible descendants of t, and those of them whose effect is not identified.

    The latter have a possibly causal path from t that starts with an undirected edge; it may not
    pass a parent of t (Perković et al. 2017).
    """
    children, parents, loose, tails, near, _, _ = graph
    caused[:] = False
    open_ended[:] = False
    avoid = np.zeros(len(caused), np.bool_)
    caused[t] = True
    queue[0] = t
    size = drift(loose, tails, near, queue, _ONE, caused, avoid)
    spread(children, queue, size, caused, avoid)
    starts, nodes = loose
    if starts[t] == starts[t + 1]:
        return
    avoid[t] = True
    for k in range(parents[0][t], parents[0][t + 1]):
        avoid[parents[1][k]] = True
    size = _NONE
    for k in range(starts[t], starts[t + 1]):
        open_ended[nodes[k]] = True
        queue[size] = nodes[k]
        size += 1
    size = drift(loose, tails, near, queue, size, open_ended, avoid)
    spread(children, queue, size, open_ended, avoid)


@inner_kernel
def spoiled(
    graph: Arrays, t: int, given: BoolArray, queue: IntArray, causing: BoolArray, bad: BoolArray
) -> None:
    """Fill the nodes for which `given` is forbidden: possibly caused by t on the way to `given`."""
    children, parents, loose, tails, near, _, _ = graph
    causing[:] = False
    bad[:] = False
    avoid = np.zeros(len(bad), np.bool_)
    size = _NONE
    for v in range(len(given)):
        if given[v]:
            causing[v] = True
            queue[size] = v
            size += 1
    size = spread(parents, queue, size, causing, avoid)
    drift(loose, tails, near, queue, size, causing, avoid)
    avoid[t] = True
    size = _NONE
    for k in range(children[0][t], children[0][t + 1]):
        v = children[1][k]
        if causing[v]:
            bad[v] = True
            queue[size] = v
            size += 1
    if size:
        size = drift(loose, tails, near, queue, size, bad, avoid)
        spread(children, queue, size, bad, avoid)


@inner_kernel
def step(
    lists: Lists,
    v: int,
    t: int,
    state: int,
    target: int,
    stack: IntArray,
    states: NDArray[np.uint8],
    entered: NDArray[np.uint8],
    size: int,
) -> int:
    """Put the neighbours of v, entered in this state, on the stack; its new size is returned.

    -1 says that the target was reached by a walk that is not causal.
    """
    starts, nodes = lists
    for k in range(starts[v], starts[v + 1]):
        w = nodes[k]
        if w == t or entered[w] & state:
            continue
        if w == target and state != _CAUSAL:
            return -1
        entered[w] |= state
        stack[size], states[size] = w, state
        size += 1
    return size


@inner_kernel
def leak(
    graph: Arrays,
    t: int,
    given: BoolArray,
    target: int,
    stack: IntArray,
    states: NDArray[np.uint8],
    entered: NDArray[np.uint8],
) -> bool:
    """Fill the states in which walks from t enter nodes: open given `given`, in one member.

    A node that is entered in a state other than `_CAUSAL` is reached by a walk that is open and not
    causal. Walks do not come back to t; a collider is open if it is given (a walk may go down to it
    and back). The search ends once such a walk reaches the target, and whether it did is returned;
    the number of nodes stands for no target.
    """
    below, above = graph[5], graph[6]
    entered[:] = 0
    size = step(below, t, t, _CAUSAL, target, stack, states, entered, _NONE)
    size = step(above, t, t, _AGAINST, target, stack, states, entered, size)
    while size > 0:
        size -= 1
        v, state = stack[size], states[size]
        if given[v]:
            up, down = state != _AGAINST, False
        else:
            up, down = state == _AGAINST, True
        if up:
            size = step(above, v, t, _AGAINST, target, stack, states, entered, size)
        if down and size >= 0:
            onward = _CAUSAL if state == _CAUSAL else _ALONG
            size = step(below, v, t, onward, target, stack, states, entered, size)
    return size < 0


@inner_kernel
def adjustment_fails(
    truth: Arrays, t: int, given: BoolArray, open_ended: BoolArray, wrong: BoolArray
) -> None:
    """Fill the outcomes for which `given` is no adjustment set of the true graph."""
    p = len(given)
    queue, stack = np.empty(p, np.int64), np.empty(3 * p, np.int64)
    states, entered = np.empty(3 * p, np.uint8), np.empty(p, np.uint8)
    causing = np.empty(p, np.bool_)
    spoiled(truth, t, given, queue, causing, wrong)
    leak(truth, t, given, p, stack, states, entered)
    for y in range(p):
        wrong[y] = wrong[y] or open_ended[y] or entered[y] > _CAUSAL
    wrong[t] = False


@kernel
def misjudged_by_parents(truth: Arrays, t: int, given: BoolArray, wrong: BoolArray) -> None:
    """Fill the outcomes for which the parents `given` of t mislead: SID's count, one treatment.

    "t has no effect on it" is what parents say of themselves.
    """
    p = len(given)
    queue = np.empty(p, np.int64)
    caused, open_ended = np.empty(p, np.bool_), np.empty(p, np.bool_)
    look_down(truth, t, queue, caused, open_ended)
    adjustment_fails(truth, t, given, open_ended, wrong)
    for y in range(p):
        if given[y]:
            wrong[y] = caused[y]


@kernel
def misjudged(truth: Arrays, learnt: Arrays, ancestors: bool, wrong: BoolArray) -> None:
    """Fill `wrong[t, y]`: the learnt graph adjusts for the parents, or ancestors, of t."""
    p = len(wrong)
    queue = np.empty(p, np.int64)
    caused, open_ended = np.empty(p, np.bool_), np.empty(p, np.bool_)
    given, nobody = np.empty(p, np.bool_), np.zeros(p, np.bool_)
    says_caused, says_open = np.empty(p, np.bool_), np.empty(p, np.bool_)
    parents = learnt[1]
    for t in range(p):
        look_down(truth, t, queue, caused, open_ended)
        look_down(learnt, t, queue, says_caused, says_open)
        given[:] = False
        size = _NONE
        for k in range(parents[0][t], parents[0][t + 1]):
            given[parents[1][k]] = True
            queue[size] = parents[1][k]
            size += 1
        if ancestors:
            spread(parents, queue, size, given, nobody)
        adjustment_fails(truth, t, given, open_ended, wrong[t])
        for y in range(p):
            says_none = not says_caused[y] if ancestors else given[y]
            if y == t:
                continue
            if says_open[y]:
                wrong[t, y] = not open_ended[y]
            elif says_none:
                wrong[t, y] = caused[y]


@inner_kernel
def find_oset(
    above: Lists,
    t: int,
    y: int,
    caused: BoolArray,
    queue: IntArray,
    between: BoolArray,
    given: BoolArray,
) -> None:
    """Fill the O-set of t and y: parents of the nodes between the two that are not between them."""
    given[:] = False
    between[:] = False
    between[y] = True
    queue[0] = y
    head, size = 0, 1
    while head < size:
        v = queue[head]
        head += 1
        for k in range(above[0][v], above[0][v + 1]):
            u = above[1][k]
            if u == t:
                continue
            if not caused[u]:
                given[u] = True
            elif not between[u]:
                between[u] = True
                queue[size] = u
                size += 1


@kernel
def misjudged_by_oset(truth: Arrays, learnt: Arrays, wrong: BoolArray) -> None:
    """Fill `wrong[t, y]`: the learnt graph adjusts for the O-set of t and y."""
    p = len(wrong)
    queue, stack = np.empty(p, np.int64), np.empty(3 * p, np.int64)
    states, entered = np.empty(3 * p, np.uint8), np.empty(p, np.uint8)
    caused, open_ended = np.empty(p, np.bool_), np.empty(p, np.bool_)
    causing, bad = np.empty(p, np.bool_), np.empty(p, np.bool_)
    given, between = np.empty(p, np.bool_), np.empty(p, np.bool_)
    says_caused, says_open = np.empty(p, np.bool_), np.empty(p, np.bool_)
    below_t, nobody = np.empty(p, np.bool_), np.zeros(p, np.bool_)
    for t in range(p):
        look_down(truth, t, queue, caused, open_ended)
        look_down(learnt, t, queue, says_caused, says_open)
        below_t[:] = False
        below_t[t] = True
        queue[0] = t
        spread(learnt[5], queue, _ONE, below_t, nobody)
        for y in range(p):
            if y == t:
                wrong[t, y] = False
            elif says_open[y]:
                wrong[t, y] = not open_ended[y]
            elif not says_caused[y]:
                wrong[t, y] = caused[y]
            elif open_ended[y]:
                wrong[t, y] = True
            else:
                find_oset(learnt[6], t, y, below_t, queue, between, given)
                spoiled(truth, t, given, queue, causing, bad)
                wrong[t, y] = bad[y] or leak(truth, t, given, y, stack, states, entered)
