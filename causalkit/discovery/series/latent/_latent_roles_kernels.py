"""What follows from two nodes being apart: their edge goes, and nodes between them get roles.

Node `lag * p + k` is series k, `lag` steps ago; `ends[i, j]` is the mark at j's end.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from causalkit._core.jit import kernel
from causalkit.typing import BoolArray, IntArray

__all__ = ["open_triples", "take_out"]

_TAIL, _ARROW, _CIRCLE = 1, 2, 4
_SEPARATES, _UNTOLD = 1, 3


@kernel
def take_out(
    ends: NDArray[np.uint8],
    loose: NDArray[np.uint8],
    roles: NDArray[np.uint8],
    closest: BoolArray,
    votes: IntArray,
    sides: IntArray,
) -> None:
    """Take edges out at all times, and note what separates their ends, and where that leaves them.

    Parameters
    ----------
    ends, loose : ndarrays of uint8, shape (m, m)
        Marks of edges and of loose pairs, changed.
    roles : ndarray of uint8, shape (m, p, m)
        Changed.
    closest : ndarray of bool, shape (m, p, m)
        `[a, j]`: the set that separates the two best.
    votes : ndarray of int, shape (m, p, m + 1)
        How many separating sets hold each node; the last one counts these sets.
    sides : ndarray of int, shape (n, 2)
    """
    m, p = roles.shape[:2]
    for row in range(len(sides)):
        a, j = sides[row]
        farthest = 0
        for k in range(m):
            role = 0
            if votes[a, j, k] > 0:
                role = _SEPARATES if votes[a, j, k] == votes[a, j, m] else _UNTOLD
            roles[a, j, k] = role
            if a < p:
                roles[j, a, k] = role
            if closest[a, j, k]:
                farthest = k // p
        for shift in range(0, m - a, p):
            x, y = a + shift, j + shift
            ends[x, y] = ends[y, x] = 0
            if shift > 0 and shift // p + farthest >= m // p:
                loose[y, x] = _CIRCLE
                loose[x, y] = _CIRCLE if a < p else _ARROW


@kernel
def open_triples(ends: NDArray[np.uint8], roles: NDArray[np.uint8]) -> IntArray:
    """Unshielded triples with something to draw at their middle, of which it is not known what.

    Returns
    -------
    ndarray of int, shape (n, 3)
        Node a, the middle node, and the series j now.
    """
    m, p = roles.shape[:2]
    triples, n = np.empty((64, 3), dtype=np.intp), 0
    for a in range(m):
        for j in range(min(p, a)):
            if ends[a, j] != 0:
                continue
            for k in range(m):
                at_a, at_j = ends[a, k], ends[j, k]
                if at_a == 0 or at_j == 0 or roles[a, j, k] != 0:
                    continue
                if (at_a != _CIRCLE and at_j != _CIRCLE) or at_a == _TAIL or at_j == _TAIL:
                    continue
                if n == len(triples):
                    triples = np.concatenate((triples, np.empty_like(triples)))
                triples[n, 0], triples[n, 1], triples[n, 2] = a, k, j
                n += 1
    return triples[:n]
