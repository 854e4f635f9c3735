"""Which pairs stay joined: the skeleton phase of constraint-based discovery.

Start from the complete graph. At level 0, 1, 2, … ask for every pair that is still joined whether
some set of that size, taken from the neighbours of one of the two, separates it; if so, cut. Within
a level all pairs look at the neighbours as they were when the level began, so no answer depends on
the order of the questions (PC-stable, Colombo and Maathuis 2014) and they can be asked in parallel.

Candidates are asked strongest first: a neighbour whose own dependence on both ends is strong is the
likeliest to separate them. The strength is measured at level 0, so neither the order of the columns
nor their names decide anything, except between exactly equal numbers.

Knowledge enters in three ways. A pair with no allowed direction is cut without a test. A required
pair is never cut. And a neighbour that cannot be a cause of i is no candidate on i's side: of two
nodes that are not adjacent, the parents of one separate them, so candidates may be limited to nodes
that could be parents.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np

from causalkit._core.parallel import run
from causalkit.independence import BoundTest, CIResult, Search
from causalkit.typing import BoolArray, IntArray

__all__ = ["Bounds", "Evidence", "Pair", "Skeleton", "find_skeleton", "in_chunks", "pools"]

Pair: TypeAlias = tuple[int, int]
Task: TypeAlias = tuple[int, int, list[int], list[int]]

_N_CHUNKS = 64  # jobs a level; a constant, so that n_jobs cannot matter


@dataclass(frozen=True, slots=True)
class Evidence:
    """A conditioning set and the test's answer given that set."""

    given: tuple[int, ...]
    result: CIResult


@dataclass(frozen=True, slots=True)
class Bounds:
    """What limits the search, as matrices of shape (p, p).

    Attributes
    ----------
    forbidden : ndarray of bool
        `forbidden[i, j]`: there is no edge i -> j.
    required : ndarray of bool
        `required[i, j]`: the edge i -> j is there.
    """

    forbidden: BoolArray
    required: BoolArray

    @property
    def kept(self) -> BoolArray:
        """Pairs that stay adjacent."""
        return self.required | self.required.T

    @property
    def absent(self) -> BoolArray:
        """Pairs that are not adjacent."""
        return self.forbidden & self.forbidden.T


@dataclass(slots=True)
class Skeleton:
    """Pairs that stayed joined, and the evidence on all pairs (i < j).

    Attributes
    ----------
    adjacency : ndarray of bool, shape (p, p)
        Symmetric.
    separators : dict
        Evidence that separated a pair.
    closest : dict
        For every tested pair, the evidence with the largest p-value.
    rank : ndarray of int, shape (p, p)
        Pairs from the strongest marginal dependence (0) to the weakest.
    n_tests, n_untestable : int
        Tests carried out, and sets that could not be tested.
    """

    adjacency: BoolArray
    separators: dict[Pair, Evidence] = field(default_factory=dict)
    closest: dict[Pair, Evidence] = field(default_factory=dict)
    rank: IntArray = field(default_factory=lambda: np.empty((0, 0), dtype=np.intp))
    n_tests: int = 0
    n_untestable: int = 0

    def note(self, pair: Pair, search: Search) -> None:
        """Count what was asked and keep the best answer."""
        self.n_tests += search.n_tests
        self.n_untestable += search.n_untestable
        if search.result is None:
            return
        evidence = Evidence(search.given, search.result)
        best = self.closest.get(pair)
        if best is None or search.result.p_value > best.result.p_value:
            self.closest[pair] = evidence
        if search.separated:
            self.separators[pair] = evidence


def find_skeleton(
    bound: BoundTest,
    bounds: Bounds,
    *,
    alpha: float,
    max_order: int | None = None,
    n_jobs: int | None = None,
) -> Skeleton:
    """Cut every pair that a set of its neighbours separates.

    Parameters
    ----------
    bound : BoundTest
        Test on a table with p columns.
    bounds : Bounds
        Knowledge.
    alpha : float
        A set separates if its p-value exceeds `alpha`.
    max_order : int, optional
        Largest conditioning set.
    n_jobs : int, optional
        Never changes the result.
    """
    adjacency, kept = ~bounds.absent, bounds.kept
    np.fill_diagonal(adjacency, False)
    found = Skeleton(adjacency, rank=np.zeros(adjacency.shape, dtype=np.intp))
    order = 0
    while max_order is None or order <= max_order:
        tasks = _tasks(found, bounds, order)
        if not tasks:
            break
        chunks = [(bound, alpha, order, chunk) for chunk in in_chunks(tasks)]
        answers = run(_ask_chunk, chunks, n_jobs=n_jobs, label=f"skeleton, sets of {order}")
        before = found.n_tests
        for (i, j, *_), search in zip(tasks, (a for part in answers for a in part), strict=True):
            found.note((i, j), search)
            if search.separated and not kept[i, j]:
                adjacency[i, j] = adjacency[j, i] = False
        if order == 0:
            found.rank = _rank(found, len(adjacency))
        if found.n_tests == before:  # what no set of this size can test, no larger one can
            break
        order += 1
    for i, j in np.argwhere(kept).tolist():
        found.separators.pop((i, j), None)
    return found


def pools(found: Skeleton, forbidden: BoolArray, i: int, j: int) -> tuple[list[int], list[int]]:
    """Candidates on the side of i and on the side of j, strongest first, the shorter list first."""
    rank, adjacency = found.rank, found.adjacency

    def side(a: int, b: int) -> list[int]:
        candidates = np.flatnonzero(adjacency[a] & ~forbidden[:, a])
        candidates = candidates[candidates != b]
        weaker = np.maximum(rank[a, candidates], rank[b, candidates])
        stronger = np.minimum(rank[a, candidates], rank[b, candidates])
        ordered: list[int] = candidates[np.lexsort((stronger, weaker))].tolist()
        return ordered

    def key(a: int, pool: list[int]) -> tuple[int, int]:
        return len(pool), min((int(rank[a, k]) for k in pool), default=0)

    of_i, of_j = side(i, j), side(j, i)
    return (of_i, of_j) if key(i, of_i) <= key(j, of_j) else (of_j, of_i)


def in_chunks(tasks: Sequence[Task]) -> list[Sequence[Task]]:
    """Split into at most a fixed number of runs of neighbouring tasks."""
    size = -(-len(tasks) // _N_CHUNKS)
    return [tasks[k : k + size] for k in range(0, len(tasks), size)]


def _tasks(found: Skeleton, bounds: Bounds, order: int) -> list[Task]:
    pairs = np.argwhere(np.triu(found.adjacency)).tolist()
    if order == 0:
        return [(i, j, [], []) for i, j in pairs]
    kept = bounds.kept
    open_pairs = [(i, j) for i, j in pairs if not kept[i, j]]
    tasks = [(i, j, *pools(found, bounds.forbidden, i, j)) for i, j in open_pairs]
    return [task for task in tasks if max(len(task[2]), len(task[3])) >= order]


def _ask_chunk(bound: BoundTest, alpha: float, order: int, tasks: Sequence[Task]) -> list[Search]:
    return [_ask(bound, alpha, order, *task) for task in tasks]


def _ask(
    bound: BoundTest, alpha: float, order: int, i: int, j: int, one: list[int], two: list[int]
) -> Search:
    """Ask both sides; a set that lies in both is asked once."""
    first = bound.first_separator(i, j, one, order, alpha)
    if first.separated or order == 0 or len(two) < order:
        return first
    second = bound.first_separator(i, j, two, order, alpha, asked=frozenset(one))
    n_tests = first.n_tests + second.n_tests
    n_untestable = first.n_untestable + second.n_untestable
    best = max((first, second), key=lambda search: search.result.p_value if search.result else -1.0)
    return Search(second.separated, best.given, best.result, n_tests, n_untestable)


def _rank(found: Skeleton, p: int) -> IntArray:
    """Rank pairs by their marginal dependence; what was not tested comes last."""
    p_values = np.full((p, p), np.inf)
    sizes = np.zeros((p, p))
    for (i, j), evidence in found.closest.items():
        p_values[i, j] = evidence.result.p_value
        sizes[i, j] = abs(evidence.result.statistic)
    rows, columns = np.triu_indices(p, 1)
    order = np.lexsort((-sizes[rows, columns], p_values[rows, columns]))
    rank = np.zeros((p, p), dtype=np.intp)
    rank[rows[order], columns[order]] = np.arange(len(order))
    return np.asarray(rank + rank.T, dtype=np.intp)
