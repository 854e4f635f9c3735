"""Do the data contradict the knowledge? One statement does not say so; most of them do.

Knowledge decides about some triples before a test is made: where k comes before a, a - k - b is no
collider, and where both others come before k, it is one. What the tests say about such a triple is
a vote on the directions that decide it. With true knowledge some votes go against it all the same:
a search looks at many sets, and one of them separates two neighbours by coincidence. Of random
linear models of 12 variables in four true tiers, half to nine tenths have such a vote.

So a vote counts against a direction only if the test is not silent: the two depend on each other
at level alpha given the set that differs in k alone. And the data are said to contradict the
knowledge only if one direction has at least two more votes against it than for it, or if most of
all votes are against. Of such models (degree 2 and 3, 300 and 2000 rows, alpha = 0.01, 40 tables
each) PC warned with true tiers in 0 to 4, with two tiers that had changed places in 3 to 21, and
with all tiers reversed in 23 to 38. Each vote that lost is listed in any case.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np

from causalkit.discovery.constraint._orientation import AMBIGUOUS, COLLIDER, Statements
from causalkit.graph.meek import pairs_of
from causalkit.independence import BoundTest
from causalkit.typing import BoolArray, FloatArray, IntArray

__all__ = ["Vote", "n_contradicting", "other_p_values", "votes_on"]

_MORE: Final = 2
"""Votes against a direction, less those for it, from which it is doubted."""


class Vote(NamedTuple):
    """What a statement about a triple says of known directions."""

    row: int
    directions: tuple[tuple[int, int], ...]
    against: bool


def votes_on(known: BoolArray, statements: Statements) -> list[Vote]:
    """The statements about triples that the known arrows alone decide, strongest first.

    Parameters
    ----------
    known : ndarray of bool, shape (p, p)
        Arrows; acyclic.
    statements : Statements
    """
    tails, heads = pairs_of(known)
    if not len(tails):
        return []
    before = _ancestors(len(known), tails.tolist(), heads.tolist())
    triples, verdicts = statements.triples.tolist(), statements.verdict.tolist()
    return [
        Vote(row, directions, (verdicts[row] == COLLIDER) != (directions[0][1] == triples[row][1]))
        for row, directions in _decided(before, triples)
        if verdicts[row] != AMBIGUOUS
    ]


def other_p_values(
    bound: BoundTest, triples: IntArray, sets: Sequence[tuple[int, ...]]
) -> FloatArray:
    """P-value of each triple's ends given a set, with its middle taken in or out; NaN if none."""
    if not len(triples):
        return np.empty(0)
    others = [
        sorted({k}.symmetric_difference(given))
        for k, given in zip(triples[:, 1].tolist(), sets, strict=True)
    ]
    padded = np.full((len(others), max(map(len, others), default=0)), -1, dtype=np.intp)
    for row, other in enumerate(others):
        padded[row, : len(other)] = other
    p_values: FloatArray = bound.given_own(triples[:, ::2].copy(), padded)[1]
    return p_values


def n_contradicting(votes: Iterable[Vote]) -> int:
    """How many votes are against the knowledge, if they are enough to doubt it; else 0."""
    votes = list(votes)
    against = sum(vote.against for vote in votes)
    more: Counter[tuple[int, int]] = Counter()
    for vote in votes:
        for direction in vote.directions:
            more[direction] += 1 if vote.against else -1
    doubted = max(more.values(), default=0) >= _MORE or 2 * against > len(votes)
    return against if doubted else 0


def _decided(
    before: list[int], triples: list[list[int]]
) -> Iterator[tuple[int, tuple[tuple[int, int], ...]]]:
    """Rows of triples that the order decides, and the directions by which it does."""
    for row, (a, k, b) in enumerate(triples):
        if out := tuple((k, end) for end in (a, b) if before[end] >> k & 1):
            yield row, out
        elif (before[k] >> a) & (before[k] >> b) & 1:
            yield row, ((a, k), (b, k))


def _ancestors(p: int, tails: list[int], heads: list[int]) -> list[int]:
    """Who comes before each node, as integers whose bits are nodes; the arrows are acyclic."""
    waiting, after = [0] * p, [[] for _ in range(p)]  # type: tuple[list[int], list[list[int]]]
    for i, j in zip(tails, heads, strict=True):
        waiting[j] += 1
        after[i].append(j)
    before = [0] * p
    ready = [x for x in range(p) if not waiting[x]]
    for x in ready:
        for y in after[x]:
            before[y] |= before[x] | 1 << x
            waiting[y] -= 1
            if not waiting[y]:
                ready.append(y)
    return before
