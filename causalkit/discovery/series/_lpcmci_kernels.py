"""The loops of LPCMCI: who is to be asked about what, and which triples are colliders.

Node `lag * p + k` is series k, `lag` steps ago. A *side* (a, j) asks about node a and series j now
given nodes near j; a pair within the step has two sides. `ends[i, j]` is the mark at j's end.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from causalkit._core.jit import inner_kernel, kernel
from causalkit.typing import BoolArray, FloatArray, IntArray

__all__ = ["collider_questions", "pools_of"]

_TAIL, _ARROW, _CIRCLE = 1, 2, 4
_SEPARATES, _COLLIDES = 1, 2


@inner_kernel
def _is_parent(ends: NDArray[np.uint8], v: int, j: int) -> bool:
    return bool(ends[v, j] == _ARROW and ends[j, v] == _TAIL)


@inner_kernel
def _may_be_cause(ends: NDArray[np.uint8], v: int, a: int, p: int) -> bool:
    """Whether v may be an ancestor of a, as far as the order of time and their edge tell."""
    return bool(v // p >= a // p and ends[a, v] != _ARROW)


@inner_kernel
def _near(ends: NDArray[np.uint8], j: int, found: BoolArray) -> None:
    """Nodes next to j that may be its causes."""
    for v in range(len(ends)):
        found[v] = ends[j, v] != 0 and ends[j, v] != _ARROW


@inner_kernel
def _beyond(
    ends: NDArray[np.uint8], a: int, j: int, p: int, found: BoolArray, seen: BoolArray
) -> None:
    """Nodes that may be reached from j by colliders, all of them causes of a or j."""
    m = len(ends)
    queue, head, tail = np.empty((m * m, 2), dtype=np.intp), 0, 0
    seen[:], found[:] = False, False
    for v in range(m):
        if v != a and ends[j, v] != 0:
            if _may_be_cause(ends, v, j, p) or _may_be_cause(ends, v, a, p):
                queue[tail, 0], queue[tail, 1] = j, v
                tail += 1
                seen[j, v] = found[v] = True
    while head < tail:
        u, v = queue[head, 0], queue[head, 1]
        head += 1
        for w in range(m):
            if ends[v, w] == 0 or w in (u, j, a) or seen[v, w]:
                continue
            if ends[u, w] == 0:
                if ends[u, v] != _ARROW or ends[w, v] != _ARROW:
                    continue
            elif ends[u, v] == _TAIL or ends[w, v] == _TAIL:
                continue
            if _may_be_cause(ends, w, j, p) or _may_be_cause(ends, w, a, p):
                seen[v, w] = found[w] = True
                queue[tail, 0], queue[tail, 1] = v, w
                tail += 1


@kernel
def pools_of(
    ends: NDArray[np.uint8],
    weakest: FloatArray,
    sides: IntArray,
    beyond: bool,
    fresh: BoolArray,
    default: IntArray,
    pools: IntArray,
    asked: BoolArray,
    sizes: IntArray,
) -> None:
    """For each side what is always conditioned on, and what is searched, the strongest first.

    Parameters
    ----------
    ends : ndarray of uint8, shape (m, m)
    weakest : ndarray of float, shape (m, p)
        Smallest statistic that a node and a series have had.
    sides : ndarray of int, shape (n, 2)
    beyond : bool
        Search not only among neighbours of j.
    fresh : ndarray of bool, shape (m, p)
        Sides of which all sets of neighbours have been asked about.
    default, pools : ndarrays of int, shape (n, m)
        Filled; -1 behind the last.
    asked : ndarray of bool, shape (n, m)
        Filled: sets of such nodes have been asked about.
    sizes : ndarray of int, shape (n, 2)
        Filled: nodes in `default` and in `pools`.
    """
    m, p = weakest.shape
    found = np.empty(m, dtype=np.bool_)
    seen = np.empty((m, m), dtype=np.bool_) if beyond else np.empty((1, 1), dtype=np.bool_)
    strength = np.empty(m)
    for row in range(len(sides)):
        a, j = sides[row]
        n_default, size = 0, 0
        if beyond:
            _beyond(ends, a, j, p, found, seen)
        else:
            _near(ends, j, found)
        for v in range(m):
            if v in (a, j):
                continue
            if _is_parent(ends, v, j) or _is_parent(ends, v, a):
                default[row, n_default] = v
                n_default += 1
            elif found[v]:
                at = size
                while at > 0 and strength[at - 1] < weakest[v, j]:
                    pools[row, at], strength[at] = pools[row, at - 1], strength[at - 1]
                    at -= 1
                pools[row, at], strength[at] = v, weakest[v, j]
                size += 1
        for at in range(size):
            v = pools[row, at]
            asked[row, at] = fresh[a, j] and ends[j, v] != 0 and ends[j, v] != _ARROW
        sizes[row, 0], sizes[row, 1] = n_default, size


@inner_kernel
def _surely(certain: BoolArray, a: int, k: int) -> bool:
    """Whether the edge between two nodes is surely there."""
    p = certain.shape[1]
    shift = min(a, k) // p * p
    return bool(certain[max(a, k) - shift, min(a, k) - shift])


@kernel
def collider_questions(
    ends: NDArray[np.uint8], roles: NDArray[np.uint8], certain: BoolArray
) -> tuple[IntArray, IntArray, IntArray, IntArray]:
    """Ask what is needed to tell whether middle nodes of unshielded triples are colliders.

    Where both edges are surely there nothing needs to be asked, and the role is noted at once.

    Returns
    -------
    triples : ndarray of int, shape (n, 3)
        Nodes a, k, and the series j.
    owner : ndarray of int, shape (n_questions,)
        Row of `triples` that a question is about.
    pairs, sets : ndarrays of int, shapes (n_questions, 2) and (n_questions, widest)
    """
    m, p = roles.shape[:2]
    triples = np.empty((64, 3), dtype=np.intp)
    asks = np.empty((64, 2), dtype=np.bool_)
    n, n_asks, widest = 0, 0, 0
    for a in range(m):
        for j in range(min(p, a)):
            if ends[a, j] != 0:
                continue
            size = 0
            for k in range(m):
                size += roles[a, j, k] == _SEPARATES
            for k in range(m):
                at_a, at_j = ends[a, k], ends[j, k]
                if at_a == 0 or at_j == 0 or roles[a, j, k] != 0:
                    continue
                if (at_a != _CIRCLE and at_j != _CIRCLE) or at_a == _TAIL or at_j == _TAIL:
                    continue
                ask_a, ask_j = not _surely(certain, a, k), not _surely(certain, j, k)
                if not (ask_a or ask_j):
                    roles[a, j, k] = _COLLIDES
                    if a < p:
                        roles[j, a, k] = _COLLIDES
                    continue
                if n == len(triples):
                    triples = np.concatenate((triples, np.empty_like(triples)))
                    asks = np.concatenate((asks, np.empty_like(asks)))
                triples[n, 0], triples[n, 1], triples[n, 2] = a, k, j
                asks[n, 0], asks[n, 1] = ask_a, ask_j
                n += 1
                n_asks += int(ask_a) + int(ask_j)
                widest = max(widest, size)
    owner, pairs = np.empty(n_asks, dtype=np.intp), np.empty((n_asks, 2), dtype=np.intp)
    sets = np.full((n_asks, widest), -1, dtype=np.intp)
    row = 0
    for t in range(n):
        a, k, j = triples[t]
        for side in range(2):
            if not asks[t, side]:
                continue
            owner[row], pairs[row, 0], pairs[row, 1] = t, a if side == 0 else j, k
            size = 0
            for v in range(m):
                if roles[a, j, v] == _SEPARATES:
                    sets[row, size] = v
                    size += 1
            row += 1
    return triples[:n], owner, pairs, sets
