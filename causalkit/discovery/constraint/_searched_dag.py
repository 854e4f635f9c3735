"""What a DAG over the observed variables says about the graph with hidden ones.

A score search knows of no hidden variables, and where there are some its DAG joins too many pairs.
But suppose that each independence that the DAG implies is there, as it is in the one with the
highest score if there are rows enough. Then the DAG is right about all pairs that it parts: what
separates them in the DAG separates them in the MAG. So they are not joined there either; and if
k is a neighbour of both, it is in the separating set or not, in the DAG as in the MAG.

Of the pairs that it joins some are too many, but only pairs with a common neighbour. For let a -> b
be one that no DAG with this order can do without. Then in the true graph, hidden nodes included, a
path connects a and b given all others before b; take one with the fewest colliders. If it has any,
what opens the first one is a node before b that depends on a and on b given what comes before them,
so both are its neighbours. If it has none, all observed nodes on it come after b (and there are
some, or a and b would be joined in the MAG), and the earliest of these is a neighbour of both.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from causalkit.discovery.base import Explanation
from causalkit.discovery.constraint._discriminating_paths import Answer, judge_by_separators
from causalkit.discovery.constraint._evidence import Record
from causalkit.discovery.constraint._orientation import AMBIGUOUS, COLLIDER, Statements, orientable
from causalkit.discovery.constraint._pag_trace import PagTrace
from causalkit.discovery.constraint._skeleton import Skeleton
from causalkit.discovery.knowledge import Knowledge
from causalkit.discovery.search._score_search import ScoreSearch
from causalkit.graph import CausalGraph
from causalkit.graph.mag import Judge, Marks
from causalkit.independence import Answers
from causalkit.typing import BoolArray, IntArray, Name

__all__ = ["SearchedDAG", "SearchedTrace", "in_order"]


@dataclass(frozen=True, slots=True, eq=False)
class SearchedDAG:
    """A DAG that a search found; arrays are by position in the names of the set-up.

    Attributes
    ----------
    arrows : ndarray of bool, shape (p, p)
        `arrows[i, j]` is `i -> j`.
    joined : ndarray of bool, shape (p, p)
        Adjacent pairs.
    place : ndarray of int, shape (p,)
        Where each node stands in an order with causes first.
    """

    arrows: BoolArray
    joined: BoolArray
    place: IntArray

    @classmethod
    def of(cls, dag: CausalGraph, names: tuple[Name, ...]) -> SearchedDAG:
        """Number the nodes as they stand in `names`."""
        ordered = dag.reordered(names)
        place = np.empty(len(names), dtype=np.intp)
        place[ordered.order] = np.arange(len(names))
        return cls(ordered.directed, ordered.adjacency, place)

    @property
    def sure(self) -> BoolArray:
        """Pairs that the DAG joins rightly, as no third node is a neighbour of both."""
        near = self.joined.astype(np.float32)
        alone: BoolArray = self.joined & (near @ near == 0)
        return alone

    def knows(self, triples: IntArray) -> BoolArray:
        """Which triples (a, k, b) are unshielded in the DAG."""
        a, k, b = triples.T
        known: BoolArray = self.joined[a, k] & self.joined[b, k] & ~self.joined[a, b]
        return known

    def judge(self, triples: IntArray) -> NDArray[np.int8]:
        """Colliders and others among the triples that the DAG knows; the rest is AMBIGUOUS."""
        a, k, b = triples.T
        collider = self.arrows[a, k] & self.arrows[b, k]
        return np.where(self.knows(triples), collider, AMBIGUOUS).astype(np.int8)

    def first(self, statements: Statements) -> Statements:
        """Put what the DAG says before what tests say: none of it contradicts the rest."""
        order = np.argsort(~self.knows(statements.triples), kind="stable")
        return Statements(
            statements.triples[order], statements.verdict[order], statements.p_value[order]
        )

    def judge_paths(self, found: Skeleton) -> Judge:
        """Answers about discriminating paths t, …, a, b, c: by the DAG first, where it parts t, c.

        The parents of the later one of the two separate them in it.
        """
        by_tests = judge_by_separators(found)

        def judge(ends: Marks, paths: IntArray) -> Answer:
            t, b, c = paths[:, 0], paths[:, 2], paths[:, 3]
            apart = ~self.joined[t, c]
            collider = ~self.arrows[b, self._later(t, c)]
            rows, verdict = by_tests(ends, paths[~apart])
            return (
                np.concatenate((paths[apart], rows)),
                np.concatenate((collider[apart].astype(np.int8), verdict)),
            )

        return judge

    def with_sets(self, record: Record, triples: IntArray) -> Record:
        """The record and, for the ends of triples that the DAG knows, the set that separates them.

        Nothing was tested, so they come without p-values.
        """
        ends = triples[self.knows(triples)][:, [0, 2]]
        pairs = np.unique(ends, axis=0)
        parents = self.arrows[:, self._later(*pairs.T)].T
        sizes = parents.sum(axis=1)
        blocks = list(record.blocks)
        for size in np.unique(sizes).tolist():
            rows = np.flatnonzero(sizes == size)
            given = np.nonzero(parents[rows])[1].reshape(len(rows), size)
            keys = pairs[rows, 0] * record.p + pairs[rows, 1]
            blocks.append((keys, _untested(given)))
        return replace(record, blocks=blocks, _sets=None)

    def _later(self, i: IntArray, j: IntArray) -> IntArray:
        return np.where(self.place[i] > self.place[j], i, j)


def _untested(given: IntArray) -> Answers:
    """Sets that separate, but not by a test."""
    m = len(given)
    nothing = np.full(m, np.nan)
    return Answers(
        np.ones(m, dtype=np.bool_), given, nothing, nothing, np.zeros(m, dtype=np.intp), 0, 0
    )


def in_order(knowledge: Knowledge, names: tuple[Name, ...]) -> Knowledge:
    """What a DAG over the observed variables can obey of the knowledge about a MAG.

    For every order of the variables there is a DAG that implies no independence too many: each has
    the parents it needs among those before it. So a DAG may be told which of two variables comes
    first, as tiers, required edges and directions that are ruled out do, unless together they run
    in a circle; then only the required edges are passed on. That two variables are not adjacent
    in the MAG does not part them in every such DAG, so it is left to the marks.
    """
    never = knowledge.forbidden_matrix(names)
    place = {name: k for k, name in enumerate(names)}
    one_way = [(a, b) for a, b in knowledge.forbidden if not never[place[b], place[a]]]
    order = Knowledge(knowledge.tiers, knowledge.required, one_way)
    if orientable(order.forbidden_matrix(names).T):
        return order
    return Knowledge(required=knowledge.required)


@dataclass(frozen=True)
class SearchedTrace(PagTrace):
    """The steps of a search for a PAG within the graph of another search.

    Attributes
    ----------
    search : ScoreSearch
        The other search, fitted.
    """

    search: ScoreSearch

    def explain(self, a: Name, b: Name) -> Explanation:
        """Say why a and b are joined or not, and what set each mark."""
        told, graph = super().explain(a, b), self.search.graph_
        known = self.knowledge.required if told.edge != "no edge" else ()
        pair = tuple(sorted(map(self.names.index, (a, b))))
        if (a, b) in known or (b, a) in known or pair in self.oriented.joined:
            return told
        score, joined = self.search.explain(a, b).adjacency, b in graph.adjacent(a)
        if told.edge == "no edge" and not joined and not self._keeps_apart(a, b):
            return replace(told, adjacency=f"the search does not join them: {score}")
        if told.edge != "no edge" and joined and not graph.adjacent(a) & graph.adjacent(b):
            why = f"the search joins them ({score}), and no neighbour of both, so no test was asked"
            return replace(told, adjacency=why)
        return told

    def _keeps_apart(self, a: Name, b: Name) -> bool:
        return not (self.knowledge.allows(a, b) or self.knowledge.allows(b, a))

    def _grounds(self, row: int) -> str:
        """What is behind a statement: a separation, or the graph of the search."""
        statements = self.judged.statements
        if self.judged.evidence(row) is not None:
            return super()._grounds(row)
        a, k, b = statements.triples[row].tolist()
        if statements.verdict[row] != COLLIDER:
            return "it is none in the search's graph"
        loss = min(self._loss(a, k), self._loss(b, k))
        return f"it is one in the search's graph (score {loss:.4g} lower without an arrow of it)"

    def _path(self, i: int, j: int) -> str:
        said = super()._path(i, j)
        return said if ": " in said else f"{said}: as in the search's graph"

    def _loss(self, i: int, k: int) -> float:
        """What the score loses if the arrow i -> k goes from the search's DAG."""
        made = self.search.trace_
        i, k = (made.setup.names.index(self.names[m]) for m in (i, k))
        parents = np.flatnonzero(made.dag[:, k]).tolist()
        others = [m for m in parents if m != i]
        return float(made.setup.local(k, parents) - made.setup.local(k, others))
