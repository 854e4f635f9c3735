"""What RFCI does in place of the second search: it tests the links that an orientation rests on.

Colombo et al. (2012): if S separates a and b, no smaller set does, and k depends on a and on b
given S without k, then "k is not in S" means that k is an ancestor of neither, and "k is in S" that
it is an ancestor of one, whether or not further edges would fall. So each unshielded triple costs
at most two tests. A link that fails its test is cut, which makes new triples, until all hold.
Discriminating paths are treated alike: every link of the path is tested given subsets of the set
that separates its ends.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TypeAlias

import numpy as np

from causalkit.discovery._setup import Setup
from causalkit.discovery.constraint._evidence import Pair
from causalkit.discovery.constraint._latent_triples import separators_of
from causalkit.discovery.constraint._orientation import AMBIGUOUS, Statements, unshielded_triples
from causalkit.discovery.constraint._skeleton import Skeleton
from causalkit.errors import NumericalError
from causalkit.independence import Answers, Search

__all__ = ["Links"]

Question: TypeAlias = tuple[int, int, frozenset[int]]
"""Are i and j separated by this set?"""


@dataclass(slots=True)
class Links:
    """Tests links, and cuts those that fail; each question is asked once.

    Attributes
    ----------
    found : Skeleton
        Changed when links are cut.
    setup : Setup
    asked : set of (i, j, given, parts)
        What has been tested.
    """

    found: Skeleton
    setup: Setup
    asked: set[tuple[int, int, frozenset[int], bool]] = field(default_factory=set)

    def confirm_triples(self) -> None:
        """Cut links of unshielded triples until all of them hold."""
        while True:
            if self._is_late():
                return
            triples = unshielded_triples(self.found.adjacency)
            unknown = np.full(len(triples), AMBIGUOUS, dtype=np.int8)
            nowhere = np.full(len(triples), np.nan)
            _, links = self._links_of(Statements(triples, unknown, nowhere), AMBIGUOUS)
            if not self._cut_failing(links, parts=False):
                return

    def doubtful(self, statements: Statements, kind: int) -> list[int]:
        """Which statements of a kind have a link that fails its test; nothing is cut."""
        rows: list[int] = []
        for row, (i, j, given) in zip(*self._links_of(statements, kind), strict=True):
            if self._is_late():
                break
            if self._separates(i, j, given):
                rows.append(row)
        return rows

    def _links_of(self, statements: Statements, kind: int) -> tuple[list[int], list[Question]]:
        """Rows of statements, and those of their links that the search has not tested already."""
        adjacency = self.found.adjacency
        rows: list[int] = []
        links: list[Question] = []
        for row, given in separators_of(self.found, statements, kind):
            a, k, b = statements.triples[row].tolist()
            where = [node for node in given if node != k]
            if not where:  # given nothing, all pairs that are still joined have been tested
                continue
            middle = adjacency[k, where].all()
            for end in (a, b):  # so have they given neighbours of one of the two
                if not (middle or adjacency[end, where].all()):
                    rows.append(row)
                    links.append((end, k, frozenset(where)))
        return rows, links

    def _is_late(self) -> bool:
        """Whether the time is up."""
        if self.setup.clock.is_up():
            self.found.stopped = "the time was up while the links of triples were tested"
        return self.found.stopped is not None

    def confirm_paths(self, paths: Iterable[tuple[int, ...]]) -> bool:
        """Cut links of discriminating paths t, …, b, c that fail; whether there were any."""
        questions: list[Question] = []
        for path in paths:
            evidence = self.found.separators.get((min(path[0], path[-1]), max(path[0], path[-1])))
            if evidence is not None:
                given = frozenset(evidence.given)
                questions += [(i, j, given) for i, j in pairwise(path)]
        return self._cut_failing(questions, parts=True)

    def _cut_failing(self, questions: Iterable[Question], *, parts: bool) -> bool:
        """Cut the links (i, j) that the set separates, or also a part of it."""
        failing: dict[Pair, list[Search]] = {}
        for i, j, given in questions:
            pair = (min(i, j), max(i, j))
            given = given - {i, j}
            # Given nothing, all pairs that are still joined have been tested.
            if not given or (*pair, given, parts) in self.asked or self.found.record.kept[pair]:
                continue
            if self._is_late():
                break
            self.asked.add((*pair, given, parts))
            search = (
                self._smallest(*pair, given) if parts or self._separates(*pair, given) else None
            )
            if search is not None:
                failing.setdefault(pair, []).append(search)
        best = {pair: max(found, key=_sureness) for pair, found in failing.items()}
        for pair in sorted(best):
            self._cut(pair, best[pair])
        return bool(best)

    def _separates(self, i: int, j: int, given: frozenset[int]) -> bool:
        try:
            result = self.setup.bound(i, j, sorted(given))
        except NumericalError:
            self.found.n_untestable += 1
            return False
        self.found.n_tests += 1
        return result.p_value > self.setup.alpha

    def _smallest(self, i: int, j: int, given: frozenset[int]) -> Search | None:
        """The smallest part of `given` that separates i and j."""
        weakest = np.abs(self.found.strength[[i, j]]).min(axis=0)
        pool = sorted(given, key=lambda k: (-weakest[k], k))
        for order in range(1, len(pool) + 1):
            search = self.setup.bound.first_separator(i, j, pool, order, self.setup.alpha)
            self.found.n_tests += search.n_tests
            self.found.n_untestable += search.n_untestable
            if search.separated:
                return search
        return None

    def _cut(self, pair: Pair, search: Search) -> None:
        i, j = pair
        self.found.adjacency[i, j] = self.found.adjacency[j, i] = False
        answers = Answers.of([search], len(search.given))
        self.found.record.add(np.array([pair], dtype=np.intp), answers)


def _sureness(search: Search) -> tuple[float, int]:
    p_value = search.result.p_value if search.result else 0.0
    return p_value, -len(search.given)
