"""Scores of all sets of parents of a node, up to some size.

A set of k of c candidates has the place `start[k] + rank`, by its rank among the sets of that size:
{s0 < s1 < …} has rank C(s0, 1) + C(s1, 2) + …, so the sets of a few of the first candidates come
before those with a later one, no place is empty, and a set that loses a member is found at once.

Sets grow depth first, each from one that has been scored: with correlations, by one step of a
regression; with counts, by splitting its cells; else by one call of `gains` for all that may join.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import comb
from typing import TYPE_CHECKING

import numpy as np

from causalkit.discovery.search._score_setup import ScoreSetup
from causalkit.scores._states import CountedState, GaussianState, State
from causalkit.typing import BoolArray, FloatArray, IntArray

if TYPE_CHECKING:
    from causalkit.discovery.search._family_kernels import Regressions

__all__ = ["Family", "n_sets", "score_family"]


@dataclass(frozen=True)
class Family:
    """What may cause a node, and the score of each set.

    Attributes
    ----------
    node : int
    required : ndarray of int
        Parents in any case, beside the sets.
    candidates : ndarray of int, shape (c,)
    outside : ndarray of int, shape (n_outside,)
        Nodes of which one may join a set.
    most : int
        Parents that may join the required ones.
    """

    node: int
    required: IntArray
    candidates: IntArray
    outside: IntArray
    most: int

    @classmethod
    def of(
        cls,
        setup: ScoreSetup,
        node: int,
        candidates: IntArray | None = None,
        outside: IntArray | None = None,
    ) -> Family:
        """All that the knowledge allows, unless candidates are chosen."""
        required = np.flatnonzero(setup.required[:, node])
        if candidates is None:
            candidates = np.flatnonzero(setup.allowed[:, node] & ~setup.required[:, node])
        if outside is None:
            outside = np.empty(0, dtype=np.intp)
        return cls(node, required, candidates, outside, setup.max_parents - len(required))

    @property
    def largest(self) -> int:
        """Size of the largest set of candidates."""
        return min(self.most, len(self.candidates))

    @cached_property
    def binomials(self) -> IntArray:
        """C(s, k) for s up to c, and k up to one more than the largest size."""
        c, k = len(self.candidates), self.largest
        return np.array([[comb(s, j) for j in range(k + 2)] for s in range(c + 1)], dtype=np.intp)

    @cached_property
    def start(self) -> IntArray:
        """Place of the first set of each size; in the end, the number of sets."""
        sizes = [comb(len(self.candidates), k) for k in range(self.largest + 1)]
        return np.concatenate(([0], np.cumsum(sizes))).astype(np.intp)

    @property
    def n_sets(self) -> int:
        """Number of sets of candidates."""
        return int(self.start[-1])

    @property
    def sizes(self) -> IntArray:
        """Members of each set, shape (n_sets,)."""
        return np.repeat(np.arange(self.largest + 1), np.diff(self.start))

    def undominated(self, scores: FloatArray) -> tuple[IntArray, FloatArray]:
        """Sets, as bits of nodes, that score higher than all their subsets, and their scores.

        The parents of a node in the best graph are among them: a subset makes no circle that the
        set does not make. The empty set, which comes first, always is.
        """
        from causalkit.discovery.search._family_kernels import undominated

        masks = np.empty(self.n_sets, dtype=np.intp)
        places = np.empty(self.n_sets, dtype=np.intp)
        n = undominated(
            scores,
            np.empty(self.n_sets),
            self.start,
            self.binomials,
            self.candidates,
            masks,
            places,
        )
        return masks[:n].copy(), scores[places[:n]]

    def by_bits(self, scores: FloatArray, table: FloatArray) -> None:
        """Write scores to `table[..., mask]`, by the bits of candidates that a set has."""
        from causalkit.discovery.search._family_kernels import masks_of

        masks = np.empty(self.n_sets, dtype=np.intp)
        masks_of(self.start, len(self.candidates), masks)
        table[..., masks] = scores


def n_sets(n_candidates: int, largest: int) -> int:
    """Count the sets of candidates up to a size."""
    return sum(comb(n_candidates, k) for k in range(min(n_candidates, largest) + 1))


def score_family(
    setup: ScoreSetup, state: State, family: Family, stop: BoolArray
) -> tuple[FloatArray, FloatArray]:
    """Score all sets of parents of a node.

    Returns
    -------
    scores : ndarray of shape (n_sets,)
        -inf for sets whose members determine each other or the node.
    wider : ndarray of shape (n_outside, n_sets)
        Of the sets with one node from outside; -inf for those of too many parents.
    """
    scores = np.full(family.n_sets, -np.inf)
    wider = np.full((len(family.outside), family.n_sets), -np.inf)
    sizes = len(family.required), len(family.candidates), len(family.outside)
    rest = sizes, family.most, family.binomials, family.start, scores, wider, stop
    if isinstance(state, GaussianState):
        from causalkit.discovery.search._family_kernels import score_sets

        score_sets(_regressions(state, family), *rest)
    elif isinstance(state, CountedState):
        from causalkit.discovery.search._counted_family_kernels import score_counted_sets

        others = np.concatenate([family.required, family.candidates, family.outside])
        score_counted_sets(state, family.node, others, *rest)
    else:
        _by_gains(setup, family, scores, wider, stop)
    return scores, wider


def _regressions(state: GaussianState, family: Family) -> Regressions:
    from causalkit.discovery.search._family_kernels import Regressions

    columns = [*family.required, *family.candidates, *family.outside, family.node]
    which, m = state.group[family.node], len(columns)
    corr = np.ascontiguousarray(state.corr[which][np.ix_(columns, columns)])
    rows, left, shared = np.empty((3, m, m))
    return Regressions(corr, rows, left, shared, 0.5 * float(state.n[which]), state.cost)


def _by_gains(
    setup: ScoreSetup, family: Family, scores: FloatArray, wider: FloatArray, stop: BoolArray
) -> None:
    """Score sets in Python, each together with all that differ from it by one member more."""
    local, required, candidates = setup.local, family.required.tolist(), family.candidates.tolist()
    outside, c = family.outside.tolist(), len(family.candidates)
    scores[0] = local(family.node, required)
    waiting: list[tuple[list[int], int, float]] = [([], 0, float(scores[0]))]
    while waiting and not stop[0]:
        chosen, rank, score = waiting.pop()
        k, first = len(chosen), chosen[-1] + 1 if chosen else 0
        new = [*candidates[first:], *outside]
        if k >= family.most or not new or score == -np.inf:
            continue
        gains = local.gains(family.node, [*required, *(candidates[s] for s in chosen)], new)
        found = np.where(np.isnan(gains), -np.inf, score + gains)
        ranks = rank + family.binomials[first:c, k + 1] if k < family.largest else np.empty(0, int)
        scores[family.start[min(k + 1, family.largest)] + ranks] = found[: c - first]
        wider[:, family.start[k] + rank] = found[c - first :]
        if k + 1 < family.most:
            waiting += [
                ([*chosen, s], int(ranks[s - first]), float(found[s - first]))
                for s in range(first, c if outside else c - 1)
            ]
