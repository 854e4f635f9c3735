"""What a DAG implies of its nodes, and what it would imply if they had exchanged their names.

Given its parents, a node is independent of each other that it does not cause. A graph with other
names says the same of other columns: an *order* of the nodes, an array, says which column stands
where. So what one graph implies is written once, as rows of node numbers, and asked under all
orders; many orders ask the same, and each question is put to the data once.

Of some graphs an order changes little: if it leaves the skeleton and the unshielded colliders as
they are, the relabelled graph is of the same Markov equivalence class and implies the same.
"""

from __future__ import annotations

import math
from itertools import permutations

import numpy as np

from causalkit.independence.base import BoundTest
from causalkit.typing import BoolArray, FloatArray, IntArray

__all__ = ["implied_pairs", "relabellings", "same_class", "tested"]


def implied_pairs(directed: BoolArray) -> tuple[IntArray, IntArray]:
    """Pairs (node, other that it does not cause), and the parents of the node as a padded row.

    Each independence is there once.
    """
    p = len(directed)
    reached = np.eye(p, dtype=bool) | directed
    for _ in range(max(1, math.ceil(math.log2(max(p, 2))))):
        reached = reached | (reached @ reached)
    apart = ~reached & ~directed.T
    pairs = np.argwhere(apart)
    widest = int(directed.sum(axis=0).max(initial=0))
    padded = np.full((p, max(widest, 1)), -1, dtype=np.intp)
    for node in range(p):
        parents = np.flatnonzero(directed[:, node])
        padded[node, : len(parents)] = parents
    sets = padded[pairs[:, 0]]
    # Two nodes with the same parents, or none, say the same of each other: it counts once.
    same = (padded[pairs[:, 0]] == padded[pairs[:, 1]]).all(axis=1)
    kept = ~(same & (pairs[:, 0] > pairs[:, 1]) & apart[pairs[:, 1], pairs[:, 0]])
    return pairs[kept], sets[kept]


def tested(bound: BoundTest, pairs: IntArray, sets: IntArray, orders: IntArray) -> FloatArray:
    """p-values of what the graph implies under each naming, shape (n_orders, n_pairs).

    Many relabelled graphs ask the same: each question is put once.
    """
    if not len(pairs):
        return np.empty((len(orders), 0))
    asked = np.sort(orders[:, pairs].reshape(-1, 2), axis=1)
    # −1 pads a set: as the last name of each order it stays itself.
    names = np.hstack([orders, np.full((len(orders), 1), -1, dtype=orders.dtype)])
    given = -np.sort(-names[:, sets].reshape(len(asked), -1), axis=1)
    questions, where = np.unique(np.hstack([asked, given]), axis=0, return_inverse=True)
    questions = questions.astype(np.intp)
    _, p_values, _ = bound.given_own(
        np.ascontiguousarray(questions[:, :2]), np.ascontiguousarray(questions[:, 2:])
    )
    return p_values[where.reshape(-1)].reshape(len(orders), len(pairs))


def relabellings(p: int, wanted: int, rng: np.random.Generator) -> tuple[IntArray, bool]:
    """Orders of the nodes, and whether these are all there are."""
    if math.factorial(min(p, 20)) <= wanted:
        return np.array(list(permutations(range(p))), dtype=np.intp).reshape(-1, p), True
    return np.array([rng.permutation(p) for _ in range(wanted)], dtype=np.intp), False


def same_class(directed: BoolArray, order: IntArray) -> bool:
    """Whether the relabelled graph has the same skeleton and the same unshielded colliders."""
    other = np.zeros_like(directed)
    other[np.ix_(order, order)] = directed
    skeleton = directed | directed.T
    if not np.array_equal(other | other.T, skeleton):
        return False
    return all(
        np.array_equal(_unshielded(directed, skeleton, k), _unshielded(other, skeleton, k))
        for k in range(len(directed))
    )


def _unshielded(directed: BoolArray, skeleton: BoolArray, k: int) -> BoolArray:
    """Pairs that are not adjacent and both point at k."""
    into = directed[:, k]
    return np.outer(into, into) & ~skeleton & ~np.eye(len(directed), dtype=bool)
