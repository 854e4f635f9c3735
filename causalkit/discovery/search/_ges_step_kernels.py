"""Single steps of a greedy search through classes, compiled: which there are, and what they gain.

A step about `x -> y` gives y some of its undirected neighbours as parents: a clique, so the steps
about an edge are listed as cliques are (Chickering 2002 for insertions and deletions, Hauser and
Bühlmann 2012 for turns). What stands in the way of a step is kept, if that is a path, together with
the path: as long as it stands there is no need to look again.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from causalkit._core.jit import inner_kernel
from causalkit.discovery.search._ges_graph_kernels import (
    APART,
    DELETE,
    INTO,
    JOINED,
    LONGEST,
    TURN,
    Class,
    Room,
    leads_to,
)
from causalkit.scores import _path_kernels as score
from causalkit.scores._states import Paths
from causalkit.typing import BoolArray, FloatArray, IntArray

__all__ = [
    "REDUNDANT",
    "ROUNDING",
    "UNKNOWN",
    "Barred",
    "Limits",
    "Scratch",
    "advance",
    "arrows_into",
    "bar",
    "code_of",
    "step_of",
]

REDUNDANT: Final = -1e15
"""Score of a node whose parents determine each other: required edges may be so."""

ROUNDING: Final = 1e-13
"""Share of the scores at hand below which a difference is none."""

_MOST: Final = 64
"""Steps that stand back, a node, that can be noted."""

UNKNOWN: Final = -1
"""In place of the length of a path: something else stands in the way, knowledge as a rule."""


class Limits(NamedTuple):
    """Which graphs may be visited.

    Attributes
    ----------
    allowed : ndarray of bool, shape (p, p)
        `allowed[i, j]`: i may be a parent of j.
    must : ndarray of bool, shape (p, p)
        `i -> j` is allowed and `j -> i` is not.
    required : ndarray of bool, shape (p, p)
        Pairs, both ways round, that stay joined.
    restricted : bool
        Whether `must` says anything.
    uneven : bool
        Whether Markov-equivalent graphs may have unequal scores.
    max_parents : int
    """

    allowed: BoolArray
    must: BoolArray
    required: BoolArray
    restricted: bool
    uneven: bool
    max_parents: int


class Barred(NamedTuple):
    """Steps that would gain more than the best one about their edge, but cannot be taken now.

    Attributes
    ----------
    step : ndarray of int, shape (most, 5)
        Kind, y, x, a number that stands for the parents given, and how many nodes the path has.
    gain : ndarray of shape (most,)
    path : ndarray of int32, shape (most, longest)
    used : ndarray of int, shape (1,)
        How many there are.
    stale : ndarray of bool, shape (3, p)
        Rows of gains that must be computed again.
    """

    step: IntArray
    gain: FloatArray
    path: NDArray[np.int32]
    used: IntArray
    stale: BoolArray

    @classmethod
    def of(cls, n_nodes: int) -> Barred:
        """Make room for so many steps a node, and for paths that are not too long."""
        most = _MOST * n_nodes
        return cls(
            np.empty((most, 5), dtype=np.int64),
            np.empty(most),
            np.empty((most, LONGEST), dtype=np.int32),
            np.zeros(1, dtype=np.intp),
            np.ones((3, n_nodes), dtype=np.bool_),
        )


class Scratch(NamedTuple):
    """Room for one row; arrays of shape (p,) or longer.

    Attributes
    ----------
    paths : Paths
        Of the score.
    saved : Class
        A class to go back to; without nodes where that never happens.
    barred : Barred
    gains, found : ndarrays of float and int
        Columns that raise a score, and by how much.
    parents : ndarray of int
        First those from which an arrow leads.
    pool, chosen : ndarrays of int
        Nodes of which cliques are listed; places in the pool of those in the clique.
    given, taken : ndarrays of int
        Parents that a step gives; those of the best step.
    need, held : ndarrays of int
        For each tail, its neighbours in the pool, and in the clique.
    tails : ndarray of int
    """

    paths: Paths
    saved: Class
    barred: Barred
    gains: FloatArray
    parents: IntArray
    found: IntArray
    pool: IntArray
    chosen: IntArray
    given: IntArray
    taken: IntArray
    need: IntArray
    held: IntArray
    tails: IntArray

    @classmethod
    def of(cls, paths: Paths, n_nodes: int, n_saved: int) -> Scratch:
        """Make room."""
        numbers = [np.zeros(n_nodes + 1, dtype=np.intp) for _ in range(9)]
        return cls(paths, Class.of(n_saved), Barred.of(n_nodes), np.empty(n_nodes), *numbers)


# --- cliques --------------------------------------------------------------------------------------


@inner_kernel
def advance(cls: Class, work: Scratch, m: int, size: int, deeper: bool) -> int:
    """Go on to the next clique of the pool, one with more nodes only if `deeper`; -1 at the end."""
    pool, chosen, i = work.pool, work.chosen, 0
    if not deeper:
        size -= 1
        i = chosen[size] + 1 if size >= 0 else 0
    elif size > 0:
        i = chosen[size - 1] + 1
    while size >= 0:
        while i < m:
            near = True
            for d in range(size):
                near = near and cls.mark[pool[i], pool[chosen[d]]] != APART
            if near:
                chosen[size] = i
                return size + 1
            i += 1
        size -= 1
        i = chosen[size] + 1 if size >= 0 else 0
    return -1


@inner_kernel
def _set_out(cls: Class, work: Scratch, kind: int, y: int, x: int) -> tuple[int, int]:
    """List what a step about `x -> y` may give y, and first what it must; -1 if it cannot be."""
    m, size, given, pool = 0, 0, work.given, work.pool
    loose = kind == TURN and cls.mark[x, y] == JOINED
    for e in range(cls.degree[y]):
        u = cls.near[y, e]
        if cls.mark[u, y] == JOINED and u != x:
            common = cls.mark[u, x] != APART
            if common and not loose and kind != DELETE:
                given[size] = u
                size += 1
            elif loose or common == (kind == DELETE):
                pool[m] = u
                m += 1
    kept = 0
    for i in range(m + size):  # what is needed is a clique, and makes one with the rest
        u = pool[i] if i < m else given[i - m]
        near = True
        for d in range(size if i < m else i - m):
            near = near and cls.mark[u, given[d]] != APART
        if i < m and near:
            pool[kept] = u
            kept += 1
        elif not near and i >= m:
            return 0, -1
    return kept, size


@inner_kernel
def _can_turn(cls: Class, room: Room, work: Scratch, x: int, m: int, size: int) -> bool:
    """Whether an undirected edge may turn to `x -> y` with this clique as the parents of y.

    Some of the clique must be apart from x, or nothing would change; and it may not be linked, but
    for what it shares with x, to the other common neighbours of x and y, or `y -> x` would follow.
    """
    seen, queue, n, at, linked = room.seen, room.queue, 0, 0, False
    for d in range(size):
        seen[work.given[d]] = True
        if cls.mark[work.given[d], x] == APART:
            queue[n] = work.given[d]
            n += 1
    apart = n > 0
    while at < n:
        v = queue[at]
        at += 1
        for i in range(m):
            u = work.pool[i]
            if not seen[u] and cls.mark[v, u] != APART:
                linked = linked or cls.mark[u, x] != APART
                seen[u] = True
                queue[n] = u
                n += 1
    for i in range(m):
        seen[work.pool[i]] = False
    return apart and not linked


# --- single steps ---------------------------------------------------------------------------------


@inner_kernel
def arrows_into(cls: Class, work: Scratch, y: int, but: int) -> int:
    """List the nodes from which a compelled arrow leads to y."""
    k = 0
    for e in range(cls.degree[y]):
        u = cls.near[y, e]
        if cls.mark[u, y] == INTO and u != but:
            work.parents[k] = u
            k += 1
    return k


@inner_kernel
def _worth(state: Any, work: Scratch, node: int, extra: int, k: int) -> tuple[float, float]:
    """What a node gains from one parent beside k others; and how exact that is."""
    parents = work.parents
    before = max(score.local(state, work.paths, node, parents, k), REDUNDANT)
    parents[k] = extra
    after = max(score.local(state, work.paths, node, parents, k + 1), REDUNDANT)
    return after - before, ROUNDING * (abs(before) + abs(after))


@inner_kernel
def _gain(
    state: Any, cls: Class, work: Scratch, kind: int, y: int, x: int, size: int
) -> tuple[float, float]:
    """What a step gains that gives y so many parents; and how exact that is."""
    k = arrows_into(cls, work, y, x)
    for d in range(size):
        work.parents[k + d] = work.given[d]
    gain, noise = _worth(state, work, y, x, k + size)
    if kind == DELETE:
        return -gain, noise
    if kind == TURN:
        k = arrows_into(cls, work, x, y)
        for d in range(size if cls.mark[x, y] == JOINED else 0):
            if cls.mark[work.given[d], x] != APART:
                work.parents[k] = work.given[d]
                k += 1
        loss, more = _worth(state, work, x, y, k)
        return gain - loss, noise + more
    return gain, noise


# --- steps that are barred ------------------------------------------------------------------------


@inner_kernel
def code_of(nodes: IntArray, size: int) -> int:
    """Stand for a set of nodes."""
    total = np.uint64(0)
    for d in range(size):
        h = np.uint64(nodes[d] + 1) * np.uint64(0x9E3779B97F4A7C15)
        h = (h ^ (h >> np.uint64(29))) * np.uint64(0xBF58476D1CE4E5B9)
        total += h ^ (h >> np.uint64(32))
    return int(np.int64(total))


@inner_kernel
def bar(
    room: Room, barred: Barred, kind: int, y: int, x: int, code: int, length: int, gain: float
) -> None:
    """Note a step that cannot be taken, as long as a path stands that was just found."""
    n = barred.used[0]
    if length < UNKNOWN or n == len(barred.gain):
        barred.stale[kind, y] = True  # cannot be noted, so must be asked again after each step
        return
    step = barred.step[n]
    step[0], step[1], step[2], step[3], step[4] = kind, y, x, code, length
    barred.gain[n] = gain
    for d in range(length):
        barred.path[n, d] = room.path[d]
    barred.used[0] = n + 1


@inner_kernel
def _is_barred(
    cls: Class, room: Room, work: Scratch, kind: int, y: int, x: int, size: int, gain: float
) -> bool:
    """Whether something is known to be, or a path is, in the way of a step."""
    barred, code = work.barred, code_of(work.given, size)
    for b in range(barred.used[0]):
        s = barred.step[b]
        if s[3] == code and s[2] == x and s[1] == y and s[0] == kind:
            return True
    if kind == DELETE or cls.mark[x, y] == JOINED:
        return False
    length = leads_to(cls, room, kind, y, x, work.given, size)
    if length != 0:
        bar(room, barred, kind, y, x, code, length, gain)
    return length != 0


@inner_kernel
def step_of(
    state: Any,
    cls: Class,
    room: Room,
    limits: Limits,
    work: Scratch,
    kind: int,
    y: int,
    x: int,
    checked: bool,
) -> tuple[float, int]:
    """Find the best step about `x -> y`; its gain, and the size of what it gives in `work.taken`.

    Only if `checked` are the steps asked whether they can be taken.
    """
    best, taken = -np.inf, 0
    m, n_needed = _set_out(cls, work, kind, y, x)
    k = arrows_into(cls, work, y, x)
    loose = kind == TURN and cls.mark[x, y] == JOINED
    size = min(n_needed, 0)
    while size >= 0:
        n = n_needed + size
        for d in range(size):
            work.given[n_needed + d] = work.pool[work.chosen[d]]
        fits = k + n < limits.max_parents or kind == DELETE
        if fits and (not loose or _can_turn(cls, room, work, x, m, n)):
            gain, noise = _gain(state, cls, work, kind, y, x, n)
            better = gain > best and gain > noise
            if better and checked:
                better = not _is_barred(cls, room, work, kind, y, x, n, gain)
            if better:
                best, taken = gain, n
                for d in range(n):
                    work.taken[d] = work.given[d]
        size = advance(cls, work, m, size, fits)
    return best, taken
