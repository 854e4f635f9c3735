"""An order of the nodes, and what follows from it: the parents of each among those before it."""

from __future__ import annotations

from typing import Any, NamedTuple

from causalkit._core.jit import inner_kernel
from causalkit.discovery.search._grow_trees_kernels import Grower, Trees, grow, parents_of
from causalkit.typing import BoolArray, FloatArray, IntArray

__all__ = ["Arrangement", "arrange", "settle"]


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
def settle(
    state: Any, trees: Trees, grower: Grower, now: Arrangement, first: int, last: int
) -> float:
    """Note the parents of the nodes at these places among those before; return what they gain."""
    gain = 0.0
    for k in range(first, last + 1):
        v = now.order[k]
        at, depth = grow(state, trees, grower, v, now.rank, k, v, now.would[v])
        gain += trees.leaf_score[at] - now.score[v]
        now.score[v] = trees.leaf_score[at]
        now.parents[v, :] = False
        now.on_path[v, :] = False
        for d in range(depth):
            now.on_path[v, grower.path[d]] = True
        for c in parents_of(trees, at):
            now.parents[v, c] = True
    return gain


@inner_kernel
def arrange(now: Arrangement, order: IntArray, first: int, last: int) -> None:
    """Put nodes at these places in another order."""
    for k in range(first, last + 1):
        now.order[k] = order[k]
        now.rank[order[k]] = k
