"""Grow-shrink trees: parents of a node among those before it, found once and remembered.

Parents are grown greedily, the best of the columns allowed so far first, then shrunk. What is best
given the parents chosen so far does not depend on which columns are allowed, so a tree remembers
it: at each set of parents grown so far hang the columns that would raise the score, best first, and
the next parent is the first of them that is allowed. A question that was met before, or one like
it, costs a walk down the tree and no arithmetic.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from causalkit._core._copy_kernels import copy
from causalkit._core.jit import inner_kernel
from causalkit.scores import _path_kernels as score
from causalkit.scores._states import Paths
from causalkit.typing import BoolArray, FloatArray, IntArray

__all__ = ["Grower", "Trees", "grow", "parents_of", "plant"]

_UNKNOWN = -1
_BRANCHES, _LEAF = 0, 2


class Trees(NamedTuple):
    """Trees of all nodes, the root of node v being tree node v.

    Arrays are as long as memory allows, and untouched, so free, until they are used. When one is
    full all trees are planted anew, which changes no answer.

    Attributes
    ----------
    node : ndarray of int64, shape (n, 4)
        By tree node: where its branches begin, and how many there are; where the parents are that
        are left after shrinking, and how many. Beginnings are -1 before they were asked for.
    leaf_score : ndarray of shape (n,)
        By tree node: score of these parents.
    branch : ndarray of int32, shape (m, 2)
        A column that raises the score, and the tree node with it among the parents, or -1.
    parents : ndarray of int64
        Parents of all leaves.
    used : ndarray of int, shape (3,)
        Tree nodes, branches and parents in use.
    """

    node: IntArray
    leaf_score: FloatArray
    branch: IntArray
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
    held : ndarray of int, shape (n_slots, 2 + depth)
        What a slot of `paths` holds: for which node, how many parents, and these.
    path, found : ndarrays of int
        Parents of the last walk; scratch.
    gains : ndarray
        Scratch.
    """

    paths: Paths
    allowed: BoolArray
    required: IntArray
    held: IntArray
    path: IntArray
    found: IntArray
    gains: FloatArray


@inner_kernel
def plant(trees: Trees, n_nodes: int) -> None:
    """Begin with roots about which nothing is known."""
    for v in range(n_nodes):
        trees.node[v, _BRANCHES] = trees.node[v, _LEAF] = _UNKNOWN
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
    path, held = grower.path, grower.held[slot]
    common = 0
    if held[0] == node:
        while common < min(held[1], depth) and held[2 + common] == path[common]:
            common += 1
    else:
        score.begin(state, grower.paths, node)
    for d in range(common, depth):
        score.push(state, grower.paths, node, path[d], d)
        held[2 + d] = path[d]
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
        trees.branch[begin + e, 0] = found[e]
        trees.branch[begin + e, 1] = _UNKNOWN
    trees.node[at, _BRANCHES], trees.node[at, _BRANCHES + 1] = begin, m
    trees.used[1] += m


@inner_kernel
def _shrink(
    state: Any, trees: Trees, grower: Grower, node: int, at: int, depth: int, n_required: int
) -> None:
    """Note what is left of the path after parents that are of no use any more."""
    begin = trees.used[2]
    kept = trees.parents[begin : begin + depth]
    copy(grower.path[:depth], kept)
    k, best = score.shrink(state, grower.paths, node, kept, depth, n_required)
    trees.node[at, _LEAF], trees.node[at, _LEAF + 1] = begin, k
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
        Which may be parents; `extra` is the node itself for none.
    would : ndarray of bool, shape (p,)
        Filled: columns that would change the path if they were allowed as well.

    Returns
    -------
    leaf, depth : int
        Where the parents are; and how many the path in `grower.path` had before shrinking.
    """
    p, n_deep = len(rank), len(grower.path)
    if (
        trees.used[0] + n_deep >= len(trees.node)
        or trees.used[1] + n_deep * p >= len(trees.branch)
        or trees.used[2] + n_deep >= len(trees.parents)
    ):
        plant(trees, p)
    path, at = grower.path, node
    depth = 0
    required = grower.required[node]
    for r in range(len(required)):
        if required[r] < 0:
            break
        path[depth] = required[r]
        depth += 1
    n_required = depth
    would[:] = False
    while depth < n_deep:
        if trees.node[at, _BRANCHES] < 0:
            _ask(state, trees, grower, node, at, depth)
        e = trees.node[at, _BRANCHES]
        end = e + trees.node[at, _BRANCHES + 1]
        while e < end:
            c = trees.branch[e, 0]
            if rank[c] < limit or c == extra:
                break
            would[c] = True
            e += 1
        if e == end:
            break
        path[depth] = trees.branch[e, 0]
        depth += 1
        if trees.branch[e, 1] < 0:
            fresh = trees.used[0]
            trees.branch[e, 1] = fresh
            trees.node[fresh, _BRANCHES] = trees.node[fresh, _LEAF] = _UNKNOWN
            trees.used[0] += 1
        at = trees.branch[e, 1]
    if trees.node[at, _LEAF] < 0:
        _shrink(state, trees, grower, node, at, depth, n_required)
    return at, depth


@inner_kernel
def parents_of(trees: Trees, at: int) -> IntArray:
    """Parents that are left at a tree node."""
    begin = trees.node[at, _LEAF]
    return trees.parents[begin : begin + trees.node[at, _LEAF + 1]]
