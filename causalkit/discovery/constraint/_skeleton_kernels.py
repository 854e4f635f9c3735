"""Lists of what a level of the skeleton search asks about."""

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
    pairs: IntArray, adjacency: BoolArray, candidates: BoolArray, open_pairs: BoolArray, order: int
) -> tuple[IntArray, IntArray, IntArray, IntArray]:
    """Joined pairs with a set of `order` candidates on one side, and the candidates.

    Parameters
    ----------
    pairs : ndarray of int, shape (m, 2)
        Pairs (i < j), in order, with all that are joined among them.
    adjacency : ndarray of bool, shape (p, p)
        Which pairs are joined.
    candidates : ndarray of bool, shape (p, p)
        `[i, k]`: the neighbour k is a candidate on the side of i.
    open_pairs : ndarray of bool, shape (p, p)
        Joined pairs that may be asked about.
    order : int
        Size of the sets.

    Returns
    -------
    joined : ndarray of int, shape (k, 2)
        Pairs that are joined.
    asked : ndarray of int, shape (n, 2)
    starts, listed : ndarrays of int
        As in :class:`~causalkit.independence.Level`.
    """
    p, n = len(adjacency), 0
    starts, joined = np.empty(p + 1, dtype=np.intp), np.empty(pairs.shape, dtype=np.intp)
    starts[:] = 0
    for row in range(len(pairs)):
        i, j = pairs[row, 0], pairs[row, 1]
        if adjacency[i, j]:
            joined[n, 0], joined[n, 1] = i, j
            starts[i + 1] += candidates[i, j]
            starts[j + 1] += candidates[j, i]
            n += 1
    joined = joined[:n]
    for i in range(p):
        starts[i + 1] += starts[i]
    listed = np.empty(starts[p], dtype=np.intp)
    ends = starts[:p].copy()
    for turn in range(2):  # smaller neighbours first, so that each list ascends
        for row in range(n):
            i, j = joined[row, turn], joined[row, 1 - turn]
            if candidates[j, i]:
                listed[ends[j]] = i
                ends[j] += 1
    asked = np.empty(joined.shape, dtype=np.intp)
    n = 0
    for row in range(len(joined)):
        i, j = joined[row, 0], joined[row, 1]
        of_i = starts[i + 1] - starts[i] - candidates[i, j]
        of_j = starts[j + 1] - starts[j] - candidates[j, i]
        if open_pairs[i, j] and (of_i >= order or of_j >= order):
            asked[n, 0], asked[n, 1] = i, j
            n += 1
    return joined, asked[:n], starts, listed
