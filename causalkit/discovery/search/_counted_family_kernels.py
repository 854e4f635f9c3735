"""Scores of all sets of parents of a node where the score is a matter of counts."""

from __future__ import annotations

import numpy as np

from causalkit._core.jit import kernel
from causalkit.scores._discrete_kernels import gains_of, score_of
from causalkit.scores._states import CountedState
from causalkit.typing import BoolArray, FloatArray, IntArray

__all__ = ["score_counted_sets"]


@kernel
def score_counted_sets(
    state: CountedState,
    node: int,
    columns: IntArray,
    sizes: tuple[int, int, int],
    most: int,
    binomials: IntArray,
    start: IntArray,
    scores: FloatArray,
    wider: FloatArray,
    stop: BoolArray,
) -> None:
    """Score sets of up to `most` candidates, and those with one node from outside.

    Columns are required parents, candidates and outsiders; `sizes` counts them. Each set is scored
    together with those that have one member more, of which the cells are those of the set, split.
    """
    base, c, _ = sizes
    scores[0] = score_of(state, node, columns, base)
    if most <= 0:
        return
    parents, gains = columns.copy(), np.empty(len(columns))
    rank, turn = np.zeros(c + 1, dtype=np.intp), np.zeros(c + 1, dtype=np.intp)
    own, k, fresh = scores[0], 0, True  # score and size of the set; whether to score its like
    while k >= 0 and not stop[0]:
        s = turn[k]
        if fresh:
            new = columns[base + s :]
            gains_of(state, node, parents, base + k, new, len(new), False, gains)
            for a in range(s, c):
                scores[start[k + 1] + rank[k] + binomials[a, k + 1]] = own + gains[a - s]
            for e in range(len(wider)):
                wider[e, start[k] + rank[k]] = own + gains[c - s + e]
            fresh = False
        if k + 1 >= most or s >= c:
            k -= 1
            continue
        turn[k] += 1
        if s == c - 1 and len(wider) == 0:
            continue
        parents[base + k] = columns[base + s]
        rank[k + 1], turn[k + 1] = rank[k] + binomials[s, k + 1], s + 1
        k += 1
        own, fresh = scores[start[k] + rank[k]], True
