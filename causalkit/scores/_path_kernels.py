"""What searches ask of a score, compiled for each kind of :data:`~causalkit.scores._states.State`.

A search grows the parents of one node step by step: it begins with none (`begin`), chooses one
(`push`), and asks which further ones would raise the score (`improving`). `local` is the score of a
whole set.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from causalkit._core.jit import kernel_for, question
from causalkit.scores._discrete_kernels import drop_parents, improving_parents, score_of
from causalkit.scores._gaussian_kernels import (
    TINY,
    leave_out,
    regress,
    residual_row,
    unexplained,
)
from causalkit.scores._states import CalledState, CountedState, GaussianState, Paths
from causalkit.typing import FloatArray, IntArray

__all__ = ["begin", "improving", "local", "push", "shrink"]


@question
def begin(state: Any, paths: Paths, node: int) -> None:
    """Begin with no parent."""


@question
def push(state: Any, paths: Paths, node: int, parent: int, depth: int) -> None:
    """Take a parent as number `depth`, counted from 0."""


@question
def improving(
    state: Any,
    paths: Paths,
    node: int,
    path: IntArray,
    depth: int,
    found: IntArray,
    gains: FloatArray,
) -> int:
    """List columns that raise the score if they join `path[:depth]`; return how many.

    Columns of the path and the node itself are not among them.
    """
    return 0


@question
def local(state: Any, paths: Paths, node: int, parents: IntArray, k: int) -> float:
    """Score of a node with these k parents; -inf if they determine each other or the node."""
    return 0.0


@question
def shrink(
    state: Any, paths: Paths, node: int, parents: IntArray, k: int, n_kept: int
) -> tuple[int, float]:
    """Leave out parents, each time the least useful, as long as that raises the score.

    The first `n_kept` of the k parents stay. The others are the first in `parents` afterwards;
    returned are how many there are now, and the score.
    """
    return 0, 0.0


# --- correlations ---------------------------------------------------------------------------------


@kernel_for(begin, GaussianState)
def _begin_gaussian(state: GaussianState, paths: Paths, node: int) -> None:
    corr, slot = state.corr[state.group[node]], node % len(paths.left)
    for c in range(corr.shape[0]):
        paths.left[slot, 0, c] = 1.0
        paths.shared[slot, 0, c] = corr[node, c]


@kernel_for(push, GaussianState)
def _push_gaussian(state: GaussianState, paths: Paths, node: int, parent: int, depth: int) -> None:
    slot = node % len(paths.left)
    rows, left, shared = paths.rows[slot], paths.left[slot], paths.shared[slot]
    scale = 1.0 / np.sqrt(left[depth, parent])
    link = shared[depth, parent] * scale
    own = state.corr[state.group[node]][parent]
    residual_row(own, rows, left, shared, parent, depth, scale, link)


@kernel_for(improving, GaussianState)
def _improving_gaussian(
    state: GaussianState,
    paths: Paths,
    node: int,
    path: IntArray,
    depth: int,
    found: IntArray,
    gains: FloatArray,
) -> int:
    half = 0.5 * state.n[state.group[node]]
    price = state.cost[depth + 1] - state.cost[depth]
    slot = node % len(paths.left)
    left, shared = paths.left[slot, depth], paths.shared[slot, depth]
    own = left[node]
    if own <= TINY:
        return 0
    least = -np.expm1(-price / half) * own
    m = 0
    for c in range(left.shape[0]):
        square = shared[c] * shared[c]
        if square > least * left[c] and left[c] > TINY and c != node:
            rest = max(1.0 - square / (own * left[c]), TINY / own)
            found[m] = c
            gains[m] = -half * np.log(rest) - price
            m += 1
    return m


@kernel_for(local, GaussianState)
def _local_gaussian(
    state: GaussianState, paths: Paths, node: int, parents: IntArray, k: int
) -> float:
    corr = state.corr[state.group[node]]
    rest = unexplained(corr, node, parents, k, paths.square)
    score: float = -0.5 * state.n[state.group[node]] * np.log(rest) - state.cost[k]
    return score


@kernel_for(shrink, GaussianState)
def _shrink_gaussian(
    state: GaussianState, paths: Paths, node: int, parents: IntArray, k: int, n_kept: int
) -> tuple[int, float]:
    corr, half = state.corr[state.group[node]], 0.5 * state.n[state.group[node]]
    inverse, weights = paths.square, paths.weights
    rest = regress(corr, node, parents, k, inverse, weights)
    while k > n_kept and rest > 0:
        worst, least = k, np.exp((state.cost[k] - state.cost[k - 1]) / half)
        for a in range(n_kept, k):
            ratio = 1.0 + weights[a] * weights[a] / (inverse[a, a] * rest)
            if ratio < least:
                worst, least = a, ratio
        if worst == k:
            break
        rest *= least
        k -= 1
        leave_out(parents, k, worst, inverse, weights)
    score = -half * np.log(unexplained(corr, node, parents, k, inverse)) - state.cost[k]
    return k, score


# --- counts ---------------------------------------------------------------------------------------


@kernel_for(begin, CountedState)
def _begin_counted(state: CountedState, paths: Paths, node: int) -> None:
    pass


@kernel_for(push, CountedState)
def _push_counted(state: CountedState, paths: Paths, node: int, parent: int, depth: int) -> None:
    pass


@kernel_for(improving, CountedState)
def _improving_counted(
    state: CountedState,
    paths: Paths,
    node: int,
    path: IntArray,
    depth: int,
    found: IntArray,
    gains: FloatArray,
) -> int:
    return improving_parents(state, node, path, depth, found, gains)


@kernel_for(local, CountedState)
def _local_counted(
    state: CountedState, paths: Paths, node: int, parents: IntArray, k: int
) -> float:
    return score_of(state, node, parents, k)


@kernel_for(shrink, CountedState)
def _shrink_counted(
    state: CountedState, paths: Paths, node: int, parents: IntArray, k: int, n_kept: int
) -> tuple[int, float]:
    return drop_parents(state, node, parents, k, n_kept)


# --- Python code ----------------------------------------------------------------------------------


@kernel_for(begin, CalledState)
def _begin_called(state: CalledState, paths: Paths, node: int) -> None:
    pass


@kernel_for(push, CalledState)
def _push_called(state: CalledState, paths: Paths, node: int, parent: int, depth: int) -> None:
    pass


@kernel_for(improving, CalledState)
def _improving_called(
    state: CalledState,
    paths: Paths,
    node: int,
    path: IntArray,
    depth: int,
    found: IntArray,
    gains: FloatArray,
) -> int:
    where = np.int64(path.ctypes.data)
    m = state.ask(node, where, depth, np.int64(found.ctypes.data), np.int64(gains.ctypes.data))
    return int(m)


@kernel_for(local, CalledState)
def _local_called(state: CalledState, paths: Paths, node: int, parents: IntArray, k: int) -> float:
    result = np.empty(1)
    where = np.int64(parents.ctypes.data)
    state.ask(node, where, k, np.int64(0), np.int64(result.ctypes.data))
    return float(result[0])


@kernel_for(shrink, CalledState)
def _shrink_called(
    state: CalledState, paths: Paths, node: int, parents: IntArray, k: int, n_kept: int
) -> tuple[int, float]:
    rest = np.empty(max(k, 1), dtype=np.intp)
    best = local(state, paths, node, parents, k)
    while k > n_kept:
        worst, highest = -1, best
        for a in range(n_kept, k):
            for b in range(k - 1):
                rest[b] = parents[b + (b >= a)]
            without = local(state, paths, node, rest, k - 1)
            if without > highest:
                worst, highest = a, without
        if worst < 0:
            break
        best, k = highest, k - 1
        for b in range(worst, k):
            parents[b] = parents[b + 1]
    return k, best
