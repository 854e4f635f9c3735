"""Orientation over time: what the rules of a PAG leave to do where edges repeat.

Node `lag * p + k` is series k, `lag` steps before the last one, so an edge (i, j) repeats at
(i + p, j + p), (i + 2p, j + 2p), … as far as the window reaches. `roles[i, j, k]` says what node k
is where i is separated from series j of the last step (j < p).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from causalkit._core.jit import inner_kernel, kernel
from causalkit.typing import IntArray

__all__ = ["draw_colliders", "repeat_marks", "role_of", "unclear_triples"]

_TAIL, _ARROW, _CIRCLE = 1, 2, 4
_SEPARATES, _COLLIDES = 1, 2


@inner_kernel
def role_of(roles: NDArray[np.uint8], i: int, k: int, j: int) -> int:
    """What k is between i and j, all of them shifted so that the last of i and j is now."""
    p = roles.shape[1]
    shift = min(i // p, j // p) * p
    if k < shift:  # later than both, so it is a cause of neither
        return _COLLIDES
    i, k, j = i - shift, k - shift, j - shift
    if j < p:
        return int(roles[i, j, k])
    return int(roles[j, i, k])


@kernel
def repeat_marks(ends: NDArray[np.uint8], reason: NDArray[np.uint8], p: int) -> int:
    """Give an edge at all times the marks that it has at one; how many circles were replaced.

    Where the marks of two times differ, an arrow is taken.
    """
    m, n_new = len(ends), 0
    for i in range(m):
        for j in range(m):
            if min(i, j) >= p or ends[i, j] == 0:
                continue
            mark, why = _CIRCLE, 0
            for shift in range(0, m - max(i, j), p):
                now = ends[i + shift, j + shift]
                if now != _CIRCLE and mark != _ARROW and now != mark:
                    mark, why = now, reason[i + shift, j + shift]
            for shift in range(0, m - max(i, j), p):
                if ends[i + shift, j + shift] != mark:
                    ends[i + shift, j + shift] = mark
                    reason[i + shift, j + shift] = why
                    n_new += 1
    return n_new


@kernel
def draw_colliders(
    ends: NDArray[np.uint8], starts: IntArray, near: IntArray, roles: NDArray[np.uint8]
) -> int:
    """Draw the arrows of unshielded colliders where circles are; how many were drawn."""
    n_new = 0
    for i in range(len(ends)):
        for at in range(starts[i], starts[i + 1]):
            k = near[at]
            for other in range(starts[k], starts[k + 1]):
                j = near[other]
                if j <= i or ends[i, j] != 0:
                    continue
                if ends[i, k] != _CIRCLE and ends[j, k] != _CIRCLE:
                    continue
                if role_of(roles, i, k, j) == _COLLIDES:
                    if ends[i, k] == _CIRCLE:
                        ends[i, k] = _ARROW
                        n_new += 1
                    if ends[j, k] == _CIRCLE:
                        ends[j, k] = _ARROW
                        n_new += 1
    return n_new


@kernel
def unclear_triples(
    ends: NDArray[np.uint8], starts: IntArray, near: IntArray, roles: NDArray[np.uint8]
) -> IntArray:
    """Codes of the unshielded triples that are neither colliders nor known to be none."""
    m = len(ends)
    codes, size = np.empty(64, dtype=np.intp), 0
    for i in range(m):
        for at in range(starts[i], starts[i + 1]):
            k = near[at]
            for other in range(starts[k], starts[k + 1]):
                j = near[other]
                if j <= i or ends[i, j] != 0:
                    continue
                if ends[i, k] == _ARROW and ends[j, k] == _ARROW:
                    continue
                if role_of(roles, i, k, j) != _SEPARATES:
                    if size == len(codes):
                        codes = np.concatenate((codes, np.empty_like(codes)))
                    codes[size] = (i * m + k) * m + j
                    size += 1
    return codes[:size]
