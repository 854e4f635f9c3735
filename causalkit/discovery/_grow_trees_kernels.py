"""Grow-shrink trees: parents of a node among those before it, found once and remembered.

Parents are grown greedily, the best of the columns allowed so far first, then shrunk. What is best
given the parents chosen so far does not depend on which columns are allowed, so a tree remembers
it: at each set of parents grown so far hang the columns that would raise the score, best first, and
the next parent is the first of them that is allowed. A question that was met before, or one like
it, costs a walk down the tree and no arithmetic.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from causalkit._core.jit import inner_kernel
from causalkit.scores import _path_kernels as score
from causalkit.scores._states import Paths
from causalkit.typing import BoolArray, FloatArray, IntArray

__all__ = ["Grower", "Trees", "grow", "plant"]

_UNKNOWN = -1


class Trees(NamedTuple):
    """Trees of all nodes, the root of node v being tree node v.

    Arrays are as long as memory allows, and untouched, so free, until they are used. When one is
    full all trees are planted anew, which changes no answer.

    Attributes
    ----------
    start, size : ndarrays of int
        By tree node: where its columns begin, and how many; start is -1 before it was asked.
    column, child : ndarrays of int
        A column that raises the score, and the tree node with it among the parents or -1.
    leaf, leaf_size, leaf_score : ndarrays
        By tree node: where the parents are that are left after shrinking, how many, their score;
        leaf is -1 before it was asked.
    parents : ndarray of int64
        Parents of leaves.
    used : ndarray of int, shape (3,)
        Tree nodes, columns and parents in use.
    """

    start: IntArray
    size: IntArray
    column: IntArray
    child: IntArray
    leaf: IntArray
    leaf_size: IntArray
    leaf_score: FloatArray
    parents: IntArray
    used: IntArray


class Grower(NamedTuple):
    """What growing needs beside the score and the trees.

    Attributes
    ----------
    paths : Paths
        Of the score.
    allowed : ndarray of bool, shape (p, p)
        `allowed[v, c]`: c may be a parent of v, and need not be one.
    required : ndarray of int, shape (p, r)
        Parents that a node has in any case, then -1.
    held : ndarray of int, shape (n_slots, 2)
        For which node, and how many parents, a slot of `paths` holds.
    held_path : ndarray of int, shape (n_slots, depth)
        These parents.
    path, found : ndarrays of int
        Parents of the last walk; scratch.
    gains : ndarray
        Scratch.
    """

    paths: Paths
    allowed: BoolArray
    required: IntArray
    held: IntArray
    held_path: IntArray
    path: IntArray
    found: IntArray
    gains: FloatArray


@inner_kernel
def plant(trees: Trees, n_nodes: int) -> None:
    """Begin with roots about which nothing is known."""
    for v in range(n_nodes):
        trees.start[v] = _UNKNOWN
        trees.leaf[v] = _UNKNOWN
    trees.used[0] = n_nodes
    trees.used[1] = 0
    trees.used[2] = 0


@inner_kernel
def _sort_by_gain(columns: IntArray, gains: FloatArray, m: int) -> None:
    """Sort by gain, the largest first; columns come sorted, and of equal ones stay so."""
    gap = 1
    while gap < m // 3:
        gap = 3 * gap + 1
    while gap > 0:
        for i in range(gap, m):
            c, g = columns[i], gains[i]
            j = i - gap
            while j >= 0 and (gains[j] < g or (gains[j] == g and columns[j] > c)):
                columns[j + gap], gains[j + gap] = columns[j], gains[j]
                j -= gap
            columns[j + gap], gains[j + gap] = c, g
        gap //= 3


@inner_kernel
def _ask(state: Any, trees: Trees, grower: Grower, node: int, at: int, depth: int) -> None:
    """Find what raises the score given the first `depth` parents of the path, best first."""
    slot = node % len(grower.held)
    path, held, held_path = grower.path, grower.held[slot], grower.held_path[slot]
    common = 0
    if held[0] == node:
        while common < min(held[1], depth) and held_path[common] == path[common]:
            common += 1
    else:
        score.begin(state, grower.paths, node)
    for d in range(common, depth):
        score.push(state, grower.paths, node, path[d], d)
        held_path[d] = path[d]
    held[0], held[1] = node, depth
    found, gains = grower.found, grower.gains
    n_found = score.improving(state, grower.paths, node, path, depth, found, gains)
    m = 0
    for e in range(n_found):
        if grower.allowed[node, found[e]]:
            found[m], gains[m] = found[e], gains[e]
            m += 1
    _sort_by_gain(found, gains, m)
    begin = trees.used[1]
    for e in range(m):
        trees.column[begin + e] = found[e]
        trees.child[begin + e] = _UNKNOWN
    trees.start[at], trees.size[at] = begin, m
    trees.used[1] += m


@inner_kernel
def _shrink(
    state: Any, trees: Trees, grower: Grower, node: int, at: int, depth: int, n_required: int
) -> None:
    """Note what is left of the path after parents that are of no use any more."""
    begin = trees.used[2]
    kept = trees.parents[begin : begin + depth]
    kept[:] = grower.path[:depth]
    k, best = score.shrink(state, grower.paths, node, kept, depth, n_required)
    trees.leaf[at], trees.leaf_size[at] = begin, k
    trees.leaf_score[at] = max(best, -1e15)  # a set of required parents may be redundant
    trees.used[2] += k


@inner_kernel
def grow(
    state: Any,
    trees: Trees,
    grower: Grower,
    node: int,
    rank: IntArray,
    limit: int,
    extra: int,
    would: BoolArray,
) -> tuple[int, int]:
    """Find the parents of a node among columns of a rank below `limit`, and one extra column.

    Parameters
    ----------
    node : int
        The node.
    rank : ndarray of int, shape (p,)
        Place of each column in an order.
    limit, extra : int
        Which may be parents; `extra` is -1 for none.
    would : ndarray of bool, shape (p,)
        Filled: columns that would change the path if they were allowed as well.

    Returns
    -------
    leaf, depth : int
        Where the parents are; and how many the path in `grower.path` had before shrinking.
    """
    p, n_deep = len(rank), len(grower.path)
    if (
        trees.used[0] + n_deep >= len(trees.start)
        or trees.used[1] + n_deep * p >= len(trees.column)
        or trees.used[2] + n_deep >= len(trees.parents)
    ):
        plant(trees, p)
    path, at, depth = grower.path, node, 0
    required = grower.required[node]
    for r in range(len(required)):
        if required[r] < 0:
            break
        path[depth] = required[r]
        depth += 1
    n_required = depth
    would[:] = False
    while depth < n_deep:
        if trees.start[at] < 0:
            _ask(state, trees, grower, node, at, depth)
        chosen = -1
        for e in range(trees.start[at], trees.start[at] + trees.size[at]):
            c = trees.column[e]
            if rank[c] < limit or c == extra:
                chosen = e
                break
            would[c] = True
        if chosen < 0:
            break
        path[depth] = trees.column[chosen]
        depth += 1
        if trees.child[chosen] < 0:
            fresh = trees.used[0]
            trees.child[chosen] = fresh
            trees.start[fresh] = _UNKNOWN
            trees.leaf[fresh] = _UNKNOWN
            trees.used[0] += 1
        at = trees.child[chosen]
    if trees.leaf[at] < 0:
        _shrink(state, trees, grower, node, at, depth, n_required)
    return at, depth
