"""Which nodes between two that are apart cause neither: the questions of LPCMCI about triples.

Node `lag * p + k` is series k, `lag` steps ago; `ends[i, j]` is the mark at j's end.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from causalkit._core.jit import inner_kernel, kernel
from causalkit.typing import BoolArray, IntArray

__all__ = ["collider_questions"]

_TAIL, _CIRCLE = 1, 4
_SEPARATES, _COLLIDES = 1, 2


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
