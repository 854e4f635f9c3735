"""Which nodes may separate two: the causes next to one of them, or what colliders may join to it.

Node `lag * p + k` is series k, `lag` steps ago. A *side* (a, j) asks about node a and series j now
given nodes near j; a pair within the step has two sides. `ends[i, j]` is the mark at j's end.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from causalkit._core.jit import inner_kernel, kernel
from causalkit.graph._lagged_pag_kernels import role_of
from causalkit.typing import BoolArray, FloatArray, IntArray

__all__ = ["may_follow", "pools_of"]

_TAIL, _ARROW = 1, 2
_SEPARATES = 1


@inner_kernel
def _is_parent(ends: NDArray[np.uint8], v: int, j: int) -> bool:
    return bool(ends[v, j] == _ARROW and ends[j, v] == _TAIL)


@inner_kernel
def _ancestors(ends: NDArray[np.uint8], sure: bool, n: int) -> BoolArray:
    """Matrix whose [i, j] says that i is an ancestor of j < n for sure, or may be one."""
    m = len(ends)
    above, stack = np.zeros((m, m), dtype=np.bool_), np.empty(m, dtype=np.intp)
    for j in range(n):
        stack[0], size = j, 1
        above[j, j] = True
        while size > 0:
            size -= 1
            v = stack[size]
            for u in range(m):
                if ends[u, v] == 0 or above[u, j]:
                    continue
                if ends[v, u] == _TAIL or (
                    not sure and ends[v, u] != _ARROW and ends[u, v] != _TAIL
                ):
                    above[u, j] = True
                    stack[size] = u
                    size += 1
    return above


@inner_kernel
def _near(ends: NDArray[np.uint8], j: int, depth: IntArray) -> None:
    """Note with a 1 the nodes next to j that may be its causes, and with a 0 all others."""
    for v in range(len(ends)):
        depth[v] = ends[j, v] != 0 and ends[j, v] != _ARROW


@inner_kernel
def may_follow(ends: NDArray[np.uint8], roles: NDArray[np.uint8], u: int, v: int, w: int) -> bool:
    """Whether v may be a collider on a walk u, v, w, or the two others are joined besides."""
    if ends[u, v] == _TAIL or ends[w, v] == _TAIL:
        return False
    return bool(ends[u, w] != 0 or role_of(roles, u, v, w) != _SEPARATES)


@inner_kernel
def _beyond(
    ends: NDArray[np.uint8],
    may: BoolArray,
    roles: NDArray[np.uint8],
    a: int,
    j: int,
    farthest: int,
    depth: IntArray,
    seen: BoolArray,
) -> None:
    """Note how far from j nodes are by walks on which all others may be colliders; 0 for none.

    All nodes of such a walk may be causes of a or of j (Possible-D-SEP).
    """
    m = len(ends)
    queue, head, tail = np.empty((m * m, 2), dtype=np.intp), 0, 0
    seen[:], depth[:] = False, 0
    for v in range(m):
        if v != a and ends[j, v] != 0 and (may[v, j] or may[v, a]):
            queue[tail, 0], queue[tail, 1] = j, v
            tail += 1
            seen[j, v], depth[v] = True, 1
    while head < tail:
        u, v = queue[head, 0], queue[head, 1]
        head += 1
        if depth[v] >= farthest:
            continue
        for w in range(m):
            if ends[v, w] == 0 or w in (u, j, a) or seen[v, w]:
                continue
            if not (may[w, j] or may[w, a]):
                continue
            if may_follow(ends, roles, u, v, w):
                seen[v, w] = True
                if depth[w] == 0:
                    depth[w] = depth[v] + 1
                queue[tail, 0], queue[tail, 1] = v, w
                tail += 1


@kernel
def pools_of(
    ends: NDArray[np.uint8],
    walks: NDArray[np.uint8],
    told: NDArray[np.uint8],
    roles: NDArray[np.uint8],
    weakest: FloatArray,
    sides: IntArray,
    farthest: int,
    with_parents: bool,
    fresh: BoolArray,
    default: IntArray,
    pools: IntArray,
    asked: BoolArray,
    sizes: IntArray,
) -> None:
    """For each side what is always conditioned on, and what is searched, the strongest first.

    Parameters
    ----------
    ends, walks : ndarrays of uint8, shape (m, m)
        Marks of the edges, and of all pairs that a walk may pass.
    told : ndarray of uint8, shape (m, m)
        Marks that say who is known: those of the edges, or of earlier ones.
    roles : ndarray of uint8, shape (m, p, m)
    weakest : ndarray of float, shape (m, p)
        Smallest statistic that a node and a series have had.
    sides : ndarray of int, shape (n, 2)
    farthest : int
        Steps from j to the farthest node; 0 for the possible causes next to j alone.
    with_parents : bool
        Condition always on known parents of the two; and on known ancestors, rather than to search
        among them, beyond the nodes next to j.
    fresh : ndarray of bool, shape (m, p)
        Sides of which all sets of possible causes next to j have been asked about.
    default, pools : ndarrays of int, shape (n, m)
        Filled; -1 behind the last.
    asked : ndarray of bool, shape (n, m)
        Filled: sets of such nodes have been asked about.
    sizes : ndarray of int, shape (n, 2)
        Filled: nodes in `default` and in `pools`; the latter -1 where j is a cause of a.
    """
    m = len(ends)
    n_known = m if farthest else 0
    may, sure = _ancestors(ends, False, n_known), _ancestors(ends, True, n_known)
    above = _ancestors(told, True, n_known)
    depth = np.empty(m, dtype=np.intp)
    seen = np.empty((m, m), dtype=np.bool_) if farthest else np.empty((1, 1), dtype=np.bool_)
    for row in range(len(sides)):
        a, j = sides[row]
        n_default, size, again = 0, 0, fresh[a, j]
        if sure[j, a]:  # then causes next to a are asked about on the other side
            sizes[row, 1] = -1
            continue
        if farthest and not sure[a, j]:
            _beyond(walks, may, roles, a, j, farthest, depth, seen)
        else:
            _near(ends, j, depth)  # parents of j separate its ancestors from it
        for v in range(m):
            if v in (a, j):
                continue
            known = _is_parent(told, v, j) or _is_parent(told, v, a)
            if farthest and not known and depth[v] > 0 and (above[v, j] or above[v, a]):
                known, again = True, False
            if with_parents and known:
                default[row, n_default] = v
                n_default += 1
            elif depth[v] > 0:
                at = size
                while at > 0:
                    u = pools[row, at - 1]
                    if (depth[u], -weakest[u, j]) <= (depth[v], -weakest[v, j]):
                        break
                    pools[row, at] = u
                    at -= 1
                pools[row, at] = v
                size += 1
        for at in range(size):
            v = pools[row, at]
            asked[row, at] = again and ends[j, v] != 0 and ends[j, v] != _ARROW
        sizes[row, 0], sizes[row, 1] = n_default, size
