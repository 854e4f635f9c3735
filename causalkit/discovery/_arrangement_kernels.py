"""An order of the nodes, and what follows from it: the parents of each among those before it."""

from __future__ import annotations

from typing import Any, NamedTuple

from causalkit._core.jit import inner_kernel
from causalkit.discovery._grow_trees_kernels import Grower, Trees, grow
from causalkit.typing import BoolArray, FloatArray, IntArray

__all__ = ["Arrangement", "settle", "settle_all"]


class Arrangement(NamedTuple):
    """An order, and what follows from it.

    Attributes
    ----------
    order, rank : ndarrays of int, shape (p,)
        Nodes, causes first; and the place of each node.
    score : ndarray of shape (p,)
        Of each node given its parents.
    parents : ndarray of bool, shape (p, p)
        `parents[v, c]`: c is a parent of v.
    on_path : ndarray of bool, shape (p, p)
        `on_path[v, c]`: c was grown as a parent of v, and may have been left out again.
    would : ndarray of bool, shape (p, p)
        `would[v, c]`: c comes later, and the path of v would turn if it came earlier.
    """

    order: IntArray
    rank: IntArray
    score: FloatArray
    parents: BoolArray
    on_path: BoolArray
    would: BoolArray


@inner_kernel
def settle(state: Any, trees: Trees, grower: Grower, now: Arrangement, v: int) -> None:
    """Note the parents of a node among those before it."""
    at, depth = grow(state, trees, grower, v, now.rank, now.rank[v], -1, now.would[v])
    now.score[v] = trees.leaf_score[at]
    now.parents[v, :] = False
    now.on_path[v, :] = False
    for d in range(depth):
        now.on_path[v, grower.path[d]] = True
    for a in range(trees.leaf[at], trees.leaf[at] + trees.leaf_size[at]):
        now.parents[v, trees.parents[a]] = True


@inner_kernel
def settle_all(state: Any, trees: Trees, grower: Grower, now: Arrangement) -> float:
    """Note the parents of all nodes, and return the score of the order."""
    total = 0.0
    for k in range(len(now.order)):
        now.rank[now.order[k]] = k
    for v in now.order:
        settle(state, trees, grower, now, v)
        total += now.score[v]
    return total
