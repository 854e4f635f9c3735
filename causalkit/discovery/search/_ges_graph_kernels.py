"""A Markov equivalence class that changes step by step: its CPDAG, and a DAG of it.

The class may be an interventional one: then an edge is also compelled where some intervention
touches one end and not the other (`Class.kin`).

A step turns the class of one DAG into that of a DAG with an edge more, less, or the other way
round. The DAG is first replaced by a member in which the head of the edge has the parents that the
step speaks of: an undirected component can be oriented anew without the others. Then the edge
changes, and the CPDAG is labelled again, node by node in causal order, as long as something
changes: whether the edges into a node are compelled depends only on its parents, their parents, and
the labels of the edges into them (Chickering 1995).

Interventions change little of this: the graph still has chordal undirected components that can be
oriented one by one, and no `a -> b -- c` without `a -> c` (Hauser and Bühlmann 2012, Theorem 18).
So if the edge into y from its last parent x is compelled, all into y are. If it is not, x is kin to
y, and a parent u that is no kin of y is none of x: then `u -> x` is compelled, which tells of u.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from causalkit._core.jit import inner_kernel
from causalkit.graph._meek_kernels import AGAINST, ALONG, LOOSE, extension
from causalkit.typing import BoolArray, IntArray

__all__ = [
    "APART",
    "DELETE",
    "INSERT",
    "INTO",
    "JOINED",
    "LONGEST",
    "OUT_OF",
    "TURN",
    "Class",
    "Room",
    "change",
    "is_permitted",
    "label_all",
    "leads_to",
]

APART: Final = 0
JOINED: Final = 1
INTO: Final = 2
OUT_OF: Final = 3

LONGEST: Final = 16
"""Nodes of a path that can be noted."""

INSERT: Final = 0
DELETE: Final = 1
TURN: Final = 2


class Class(NamedTuple):
    """A class of DAGs.

    Attributes
    ----------
    mark : ndarray of uint8, shape (p, p)
        `mark[i, j]`: 0 apart, 1 undirected, 2 for `i -> j`, 3 for `j -> i`.
    dag : ndarray of bool, shape (p, p)
        A member; `dag[i, j]` is `i -> j`.
    near : ndarray of int32, shape (p, p)
        Row i begins with the nodes that i is joined to, sorted.
    degree : ndarray of int, shape (p,)
        How many these are.
    kin : ndarray of int, shape (p,)
        Nodes that each intervention touches or spares together have the same number.
    """

    mark: NDArray[np.uint8]
    dag: BoolArray
    near: NDArray[np.int32]
    degree: IntArray
    kin: IntArray

    @classmethod
    def of(cls, n_nodes: int) -> Class:
        """Make room for a class."""
        square = (n_nodes, n_nodes)
        return cls(
            np.zeros(square, dtype=np.uint8),
            np.zeros(square, dtype=np.bool_),
            np.zeros(square, dtype=np.int32),
            np.zeros(n_nodes, dtype=np.intp),
            np.zeros(n_nodes, dtype=np.intp),
        )


class Room(NamedTuple):
    """Scratch; `fix` and `seen` are all False between calls.

    Attributes
    ----------
    fix : ndarray of bool, shape (p, p)
        Arrows that an orientation must have.
    touched : ndarray of bool, shape (p,)
        Left behind by a step: nodes with an edge whose mark changed.
    seen, done, queue, order, place, label : ndarrays, shape (p,)
    path : ndarray of int, shape (longest,)
        Left behind by `leads_to`: the path, from its end to its beginning.
    """

    fix: BoolArray
    touched: BoolArray
    seen: BoolArray
    done: BoolArray
    queue: IntArray
    order: IntArray
    place: IntArray
    label: NDArray[np.uint8]
    path: NDArray[np.int32]

    @classmethod
    def of(cls, n_nodes: int) -> Room:
        """Make room."""
        touched, seen, done = np.zeros((3, n_nodes), dtype=np.bool_)
        queue, order, place = np.zeros((3, n_nodes), dtype=np.intp)
        return cls(
            np.zeros((n_nodes, n_nodes), dtype=np.bool_),
            touched,
            seen,
            done,
            queue,
            order,
            place,
            np.zeros(n_nodes, dtype=np.uint8),
            np.zeros(LONGEST, dtype=np.int32),
        )


# --- orientations of an undirected component ------------------------------------------------------


@inner_kernel
def _component(cls: Class, room: Room, start: int) -> tuple[int, int]:
    """List the undirected component of a node in `room.queue`, sorted; its nodes and edge ends."""
    done, queue = room.done, room.queue
    queue[0], done[start] = start, True
    n, n_slots, at = 1, 0, 0
    while at < n:
        v = queue[at]
        at += 1
        for e in range(cls.degree[v]):
            u = cls.near[v, e]
            if cls.mark[v, u] == JOINED:
                n_slots += 1
                if not done[u]:
                    done[u] = True
                    queue[n] = u
                    n += 1
    k = 0
    for v in range(len(done)):
        if done[v]:
            queue[k], room.place[v], done[v] = v, k, False
            k += 1
    return n, n_slots


@inner_kernel
def _orient(cls: Class, room: Room, fix: BoolArray, start: int) -> int:
    """Orient the member in the component of a node as `fix` wants.

    The nodes are left in `room.queue`; how many is returned, or -1 if that cannot be.
    """
    n, n_slots = _component(cls, room, start)
    queue, place = room.queue, room.place
    starts, far = np.empty(n + 1, dtype=np.intp), np.empty(n_slots, dtype=np.intp)
    state = np.empty(n_slots, dtype=np.uint8)
    s = 0
    for k in range(n):
        v = queue[k]
        starts[k] = s
        for e in range(cls.degree[v]):
            u = cls.near[v, e]
            if cls.mark[v, u] == JOINED:
                far[s] = place[u]
                state[s] = ALONG if fix[v, u] else AGAINST if fix[u, v] else LOOSE
                for t in range(starts[k], s if state[s] == AGAINST else 0):
                    if state[t] == AGAINST and cls.mark[queue[far[t]], u] == APART:
                        return -1
                s += 1
    starts[n] = s
    complete, against = extension(starts, far, state)
    if not complete:
        return -1
    for s in against:
        state[s] = AGAINST
    for k in range(n):
        for s in range(starts[k], starts[k + 1]):
            if state[s] == AGAINST:
                cls.dag[queue[far[s]], queue[k]] = True
                cls.dag[queue[k], queue[far[s]]] = False
    return n


@inner_kernel
def is_permitted(cls: Class, room: Room, allowed: BoolArray, must: BoolArray) -> bool:
    """Whether a member has allowed arrows only; the member at hand then is such a one.

    `must[i, j]` says that `i -> j` is allowed and `j -> i` is not.
    """
    p = len(cls.degree)
    waiting = np.zeros(p, dtype=np.bool_)
    for i in range(p):
        for e in range(cls.degree[i]):
            j = cls.near[i, e]
            if cls.mark[i, j] == INTO and not allowed[i, j]:
                return False
            if cls.mark[i, j] == JOINED and not (allowed[i, j] or allowed[j, i]):
                return False
            waiting[i] |= cls.mark[i, j] == JOINED and must[i, j]
    for i in range(p):
        if waiting[i]:
            n = _orient(cls, room, must, i)
            if n < 0:
                return False
            for k in range(n):
                waiting[room.queue[k]] = False
    return True


# --- labels ---------------------------------------------------------------------------------------


@inner_kernel
def _sort_causally(cls: Class, room: Room) -> None:
    """List the nodes in `room.order`, causes first, and their places."""
    p = len(cls.degree)
    waiting, order, n = room.queue, room.order, 0
    for v in range(p):
        waiting[v] = 0
        for e in range(cls.degree[v]):
            waiting[v] += cls.dag[cls.near[v, e], v]
        if waiting[v] == 0:
            order[n] = v
            n += 1
    for k in range(p):
        v = order[k]
        room.place[v] = k
        for e in range(cls.degree[v]):
            u = cls.near[v, e]
            if cls.dag[v, u]:
                waiting[u] -= 1
                if waiting[u] == 0:
                    order[n] = u
                    n += 1


@inner_kernel
def _label_of(cls: Class, room: Room, y: int, k: int) -> int:
    """Label of the edges from the last of k parents in causal order; others may be compelled.

    The parents are in `room.queue`, the last one first; those found to be compelled are labelled.
    """
    parents, x = room.queue, room.queue[0]
    if cls.kin[x] != cls.kin[y]:
        return INTO
    for e in range(cls.degree[x]):
        w = cls.near[x, e]
        if cls.mark[w, x] == INTO and cls.dag[w, x]:
            if not cls.dag[w, y]:
                return INTO
            room.label[w] = INTO
    for b in range(1, k):
        if not cls.dag[parents[b], x]:
            return INTO
    return JOINED


@inner_kernel
def _label(cls: Class, room: Room) -> None:
    """Label edges into the nodes of `room.seen`, and wherever that has consequences."""
    seen, parents, label = room.seen, room.queue, room.label
    for at in range(len(seen)):
        y, k = room.order[at], 0
        if not seen[y]:
            continue
        seen[y] = False
        for e in range(cls.degree[y]):
            u = cls.near[y, e]
            if cls.dag[u, y]:
                parents[k], label[u] = u, APART
                if room.place[u] > room.place[parents[0]]:
                    parents[0], parents[k] = u, parents[0]
                k += 1
        rest, changed = _label_of(cls, room, y, k) if k > 0 else JOINED, False
        for a in range(k):
            x = parents[a]
            new = INTO if rest == INTO else max(label[x], rest)
            if cls.mark[x, y] != new:
                cls.mark[x, y], cls.mark[y, x] = new, JOINED if new == JOINED else OUT_OF
                room.touched[x] = room.touched[y] = changed = True
        for e in range(cls.degree[y] if changed else 0):
            if cls.dag[y, cls.near[y, e]]:
                seen[cls.near[y, e]] = True


@inner_kernel
def label_all(cls: Class, room: Room) -> None:
    """Fill all but the DAG from the DAG."""
    p = len(cls.degree)
    cls.degree[:] = 0
    cls.mark[:] = APART
    for i in range(p):
        for j in range(p):
            if cls.dag[i, j] or cls.dag[j, i]:
                cls.near[i, cls.degree[i]] = j
                cls.degree[i] += 1
    _sort_causally(cls, room)
    room.seen[:] = True
    _label(cls, room)


# --- steps ----------------------------------------------------------------------------------------


@inner_kernel
def _relist(cls: Class, i: int, j: int, joined: bool) -> None:
    """Enter j among the nodes that i is joined to, or strike it out."""
    row, n = cls.near[i], cls.degree[i]
    if joined:
        while n > 0 and row[n - 1] > j:
            row[n] = row[n - 1]
            n -= 1
        row[n] = j
        cls.degree[i] += 1
    else:
        a = 0
        while row[a] != j:
            a += 1
        for b in range(a, n - 1):
            row[b] = row[b + 1]
        cls.degree[i] -= 1
        cls.mark[i, j] = APART


@inner_kernel
def _fix(cls: Class, room: Room, kind: int, y: int, x: int, on: bool) -> None:
    """Mark, or no longer mark, the directions in which a step wants the undirected edges.

    Parents of y are those in `room.seen`, and x if it is to be one no more.
    """
    fix, seen = room.fix, room.seen
    for e in range(cls.degree[y]):
        u = cls.near[y, e]
        if cls.mark[y, u] == JOINED:
            before = seen[u] or (kind == DELETE and u == x)
            fix[u, y], fix[y, u] = on and before, on and not before
    for e in range(cls.degree[x] if kind == TURN else 0):
        u = cls.near[x, e]
        if cls.mark[x, u] == JOINED and u != y:
            fix[u, x], fix[x, u] = on and seen[u], on and not seen[u]


@inner_kernel
def change(cls: Class, room: Room, kind: int, y: int, x: int, given: IntArray, size: int) -> bool:
    """Insert, delete or turn to `x -> y`, as just the given neighbours are parents of y.

    False, with the class as it was, if no member has these parents.
    """
    for k in range(size):
        room.seen[given[k]] = True
    fine = True
    _fix(cls, room, kind, y, x, True)
    for v in (y, x):
        if v == y or (kind == TURN and cls.mark[x, y] != JOINED):
            fine = fine and _orient(cls, room, room.fix, v) > 0
    _fix(cls, room, kind, y, x, False)
    for k in range(size):
        room.seen[given[k]] = False
    if not fine:
        return False
    for v in (y, x):
        if kind != TURN:
            _relist(cls, v, x + y - v, kind == INSERT)
    cls.dag[y, x], cls.dag[x, y] = False, kind != DELETE
    room.touched[:] = False
    room.touched[x] = room.touched[y] = True
    _sort_causally(cls, room)
    for v in (y, x):
        room.seen[v] = True
        for e in range(cls.degree[v]):
            if cls.dag[v, cls.near[v, e]]:
                room.seen[cls.near[v, e]] = True
    _label(cls, room)
    return True


@inner_kernel
def leads_to(cls: Class, room: Room, kind: int, y: int, x: int, given: IntArray, size: int) -> int:
    """Look for a path from y to x, against no arrow, that would close a cycle with `x -> y`.

    One through a given node cannot be directed in the member at hand; nor, if an arrow `y -> x`
    turns, one through an undirected neighbour of x. Returns how many nodes the path has, 0 if there
    is none, and -2 if it is too long to note.
    """
    seen, queue, came = room.seen, room.queue, room.place
    for k in range(size):
        seen[given[k]] = True
    for e in range(cls.degree[x] if kind == TURN else 0):
        seen[cls.near[x, e]] |= cls.mark[x, cls.near[x, e]] == JOINED
    queue[0], seen[y] = y, True
    n, at = 1, 0
    while at < n and not seen[x]:
        v = queue[at]
        at += 1
        for e in range(cls.degree[v]):
            u = cls.near[v, e]
            if cls.mark[v, u] <= INTO and not seen[u] and not (u == x and v == y):
                seen[u], came[u] = True, v
                queue[n] = u
                n += 1
    length, v = 0, x
    if seen[x]:
        while length < len(room.path) and (length == 0 or room.path[length - 1] != y):
            room.path[length] = v
            v = came[v]
            length += 1
        if room.path[length - 1] != y:
            length = -2
    seen[:] = False
    return length
