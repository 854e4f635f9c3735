"""Lists of what a level of the skeleton search asks about, in one pass over the adjacencies."""

from __future__ import annotations

import numpy as np

from causalkit._core.jit import kernel
from causalkit.typing import BoolArray, IntArray

__all__ = ["neighbours_of", "questions"]


@kernel
def neighbours_of(adjacency: BoolArray) -> tuple[IntArray, IntArray]:
    """Column numbers of the true cells of each row, one row after the other: starts, columns."""
    p = len(adjacency)
    starts = np.zeros(p + 1, dtype=np.intp)
    for i in range(p):
        size = 0
        for j in range(p):
            size += adjacency[i, j]
        starts[i + 1] = starts[i] + size
    columns = np.empty(starts[p], dtype=np.intp)
    for i in range(p):
        at = starts[i]
        for j in range(p):
            if adjacency[i, j]:
                columns[at] = j
                at += 1
    return starts, columns


@kernel
def questions(
    joined: BoolArray, candidate: BoolArray, order: int
) -> tuple[IntArray, IntArray, IntArray]:
    """Pairs (i < j) with a set of `order` candidates on one side, and the candidates.

    Parameters
    ----------
    joined : ndarray of bool, shape (p, p)
        Pairs to ask about; symmetric.
    candidate : ndarray of bool, shape (p, p)
        `candidate[i, k]`: k may be conditioned on, on the side of i.
    order : int
        Size of the sets.

    Returns
    -------
    pairs : ndarray of int, shape (m, 2)
    starts, candidates : ndarrays of int
        As in :class:`~causalkit.independence.Level`.
    """
    p = len(joined)
    starts, candidates = neighbours_of(candidate)
    n_pairs = 0
    for i in range(p):
        for j in range(i + 1, p):
            n_pairs += joined[i, j]
    pairs = np.empty((n_pairs, 2), dtype=np.intp)
    m = 0
    for i in range(p):
        for j in range(i + 1, p):
            if joined[i, j]:
                size_i = starts[i + 1] - starts[i] - candidate[i, j]
                size_j = starts[j + 1] - starts[j] - candidate[j, i]
                if max(size_i, size_j) >= order:
                    pairs[m, 0], pairs[m, 1] = i, j
                    m += 1
    return pairs[:m], starts, candidates
