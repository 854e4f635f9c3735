"""Lists of what a level of the skeleton search asks about."""

from __future__ import annotations

import numpy as np

from causalkit._core.jit import kernel
from causalkit.typing import BoolArray, IntArray

__all__ = ["joined_pairs", "neighbours_of", "questions"]


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
def joined_pairs(adjacency: BoolArray) -> IntArray:
    """Pairs (i < j) of a symmetric matrix, in order."""
    p, n_pairs = len(adjacency), 0
    for i in range(p):
        for j in range(i + 1, p):
            n_pairs += adjacency[i, j]
    pairs = np.empty((n_pairs, 2), dtype=np.intp)
    m = 0
    for i in range(p):
        for j in range(i + 1, p):
            if adjacency[i, j]:
                pairs[m, 0], pairs[m, 1] = i, j
                m += 1
    return pairs


@kernel
def questions(
    pairs: IntArray,
    adjacency: BoolArray,
    order: int,
    limited: bool,
    kept: BoolArray,
    forbidden: BoolArray,
) -> tuple[IntArray, IntArray, IntArray, IntArray]:
    """Joined pairs with a set of `order` candidates on one side, and the candidates.

    Parameters
    ----------
    pairs : ndarray of int, shape (m, 2)
        Pairs (i < j), in order, with all that are joined among them.
    adjacency : ndarray of bool, shape (p, p)
        Which pairs are joined.
    order : int
        Size of the sets.
    limited : bool
        Whether there is knowledge; if not, the matrices are not read.
    kept : ndarray of bool, shape (p, p)
        Pairs not to be asked about.
    forbidden : ndarray of bool, shape (p, p)
        `forbidden[k, i]`: k is no candidate on the side of i.

    Returns
    -------
    joined : ndarray of int, shape (k, 2)
        Pairs that are joined.
    asked : ndarray of int, shape (n, 2)
    starts, candidates : ndarrays of int
        As in :class:`~causalkit.independence.Level`.
    """
    p, n = len(adjacency), 0
    starts, joined = np.zeros(p + 1, dtype=np.intp), np.empty(pairs.shape, dtype=np.intp)
    for row in range(len(pairs)):
        i, j = pairs[row, 0], pairs[row, 1]
        if adjacency[i, j]:
            joined[n, 0], joined[n, 1] = i, j
            starts[i + 1] += not (limited and forbidden[j, i])
            starts[j + 1] += not (limited and forbidden[i, j])
            n += 1
    joined = joined[:n]
    for i in range(p):
        starts[i + 1] += starts[i]
    candidates = np.empty(starts[p], dtype=np.intp)
    ends = starts[:p].copy()
    for turn in range(2):  # smaller neighbours first, so that each list ascends
        for row in range(n):
            i, j = joined[row, turn], joined[row, 1 - turn]
            if not (limited and forbidden[i, j]):
                candidates[ends[j]] = i
                ends[j] += 1
    asked = np.empty(joined.shape, dtype=np.intp)
    n = 0
    for row in range(len(joined)):
        i, j = joined[row, 0], joined[row, 1]
        if limited and kept[i, j]:
            continue
        of_i = starts[i + 1] - starts[i] - (not (limited and forbidden[j, i]))
        of_j = starts[j + 1] - starts[j] - (not (limited and forbidden[i, j]))
        if max(of_i, of_j) >= order:
            asked[n, 0], asked[n, 1] = i, j
            n += 1
    return joined, asked[:n], starts, candidates
