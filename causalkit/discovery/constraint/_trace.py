"""What a constraint-based search remembers, so that `explain` can give its reasons."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, cast

import numpy as np
from sklearn.utils.validation import check_is_fitted

from causalkit.discovery.base import Explanation, Separation, Separations, named, show_set
from causalkit.discovery.constraint._colliders import Judgement
from causalkit.discovery.constraint._conflicts import Conflicts
from causalkit.discovery.constraint._evidence import Pair
from causalkit.discovery.constraint._orientation import AMBIGUOUS, COLLIDER, Settled, meek_reasons
from causalkit.discovery.constraint._provenance import pairs_frame
from causalkit.discovery.constraint._skeleton import Skeleton
from causalkit.discovery.knowledge import Knowledge
from causalkit.graph import CausalGraph
from causalkit.graph.marks import show_name
from causalkit.typing import BoolArray, Name

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["RULES", "UNDIRECTED", "SearchTrace", "Trace", "Traced", "why_apart", "why_joined"]

RULES: Final = {
    1: "otherwise a new collider would arise",
    2: "otherwise a cycle would arise",
    3: "otherwise a cycle or a new collider would arise",
    4: "otherwise a cycle or a new collider would arise",
}

UNDIRECTED: Final = "undecided: the class has members with either direction"


@dataclass(frozen=True)
class SearchTrace:
    """What every search by tests remembers; arrays are by position in `names`.

    Attributes
    ----------
    names : tuple of names
    found : Skeleton
    judged : Judgement
        What the tests said about triples.
    """

    names: tuple[Name, ...]
    found: Skeleton
    judged: Judgement

    def separations(self) -> Separations:
        """Separating sets by names, looked up when asked for."""
        return Separations(self.names, self.found.separators)

    def test_behind(self, a: Name, b: Name, *, joined: bool) -> Separation | None:
        """The test that separated two; of two that are joined, the one that came closest to it."""
        i, j = sorted((self.names.index(a), self.names.index(b)))
        evidence = (self.found.closest if joined else self.found.separators).get((i, j))
        return named(self.names, (i, j), evidence) if evidence else None

    def ambiguous(self) -> tuple[tuple[Name, Name, Name], ...]:
        """Triples on which the tests do not agree, or say nothing, by names."""
        statements = self.judged.statements
        triples = statements.triples[statements.verdict == AMBIGUOUS]
        return tuple(
            (self.names[a], self.names[k], self.names[b]) for a, k, b in sorted(triples.tolist())
        )


class Traced:
    """What the searches that keep a trace say of the tests behind their graph."""

    trace_: Any

    @property
    def separators_(self) -> Separations:
        """For pairs that a test cut apart: the set, and the test's answer."""
        check_is_fitted(self, "trace_")
        return cast("Separations", self.trace_.separations())

    @property
    def conflicts_(self) -> tuple[str, ...]:
        """Where answers contradict each other or the knowledge, and what was done."""
        check_is_fitted(self, "trace_")
        return tuple(self.trace_.conflict_sentences())

    @property
    def ambiguous_(self) -> tuple[tuple[Name, Name, Name], ...]:
        """Triples a - k - b on which the tests do not agree, or say nothing."""
        check_is_fitted(self, "trace_")
        return cast("tuple[tuple[Name, Name, Name], ...]", self.trace_.ambiguous())


@dataclass(frozen=True)
class Trace(SearchTrace):
    """The steps of a search for a class of DAGs.

    Attributes
    ----------
    settled : Settled
        Which of it could hold, and the edges directed by knowledge and colliders.
    directed : ndarray of bool, shape (p, p)
        Those, and what followed by Meek's rules.
    conflicts : Conflicts
    graph : CausalGraph
        What came of it.
    knowledge : Knowledge
        What was known before.
    """

    settled: Settled
    directed: BoolArray
    conflicts: Conflicts
    graph: CausalGraph
    knowledge: Knowledge

    def conflict_sentences(self) -> tuple[str, ...]:
        """Where answers contradict each other or the knowledge."""
        return self.conflicts.sentences

    def to_frame(self) -> pd.DataFrame:
        """One row for each pair of variables.

        Returns
        -------
        DataFrame
            Columns `a`, `b`; `edge`, empty if there is none; `why` the pair is joined or not;
            `direction`, what directed the edge; and of the test that separated the two, else of the
            one that came closest: `given`, `order`, `statistic`, `p_value`, `n_used`.
        """
        return pairs_frame(self.names, self.found.record, self.found.adjacency, self.explain)

    def explain(self, a: Name, b: Name) -> Explanation:
        """Say why a and b are joined or not, and what directed the edge."""
        knowledge = self.knowledge
        edges = self.graph.edges_between(a, b)
        test = self.test_behind(a, b, joined=bool(edges))
        if not edges:
            return Explanation((a, b), "no edge", why_apart(a, b, test, knowledge), None, test)
        why = why_joined(a, b, test, knowledge)
        return Explanation((a, b), str(edges[0]), why, self._direction(a, b), test)

    @cached_property
    def _rules(self) -> dict[Pair, tuple[int, tuple[int, ...]]]:
        return meek_reasons(self.settled.arrows, self.found.adjacency)

    def _direction(self, a: Name, b: Name) -> str:
        knowledge = self.knowledge
        i, j = self.names.index(a), self.names.index(b)
        if self.directed[j, i]:
            a, b, i, j = b, a, j, i
        elif not self.directed[i, j]:
            return UNDIRECTED
        if (a, b) in knowledge.required:
            return f"knowledge: {show_name(a)} -> {show_name(b)} is required"
        known = knowledge.why_forbidden(b, a)
        if known:
            return f"knowledge: {known}"
        collider = self._collider_with(i, j)
        if collider is not None:
            return collider
        if (i, j) in self._rules:
            rule, others = self._rules[i, j]
            shown = ", ".join(show_name(self.names[k]) for k in others)
            return f"Meek rule {rule} with {shown}: {RULES[rule]}"
        return "implied: otherwise stronger evidence would be contradicted (see conflicts_)"

    def _collider_with(self, i: int, j: int) -> str | None:
        """The strongest collider that directs i -> j, if one does."""
        statements, triples = self.judged.statements, self.judged.statements.triples
        into = self.settled.kept & (statements.verdict == COLLIDER) & (triples[:, 1] == j)
        rows = np.flatnonzero(into & ((triples[:, 0] == i) | (triples[:, 2] == i)))
        if not len(rows):
            return None
        first, _, last = triples[rows[0]].tolist()
        a, k, b = (show_name(self.names[m]) for m in (first, j, last))
        shown = f"collider {a} -> {k} <- {b}"
        evidence = self.judged.evidence(int(rows[0]))
        if evidence is None:
            return shown
        test = named(self.names, (first, last), evidence)
        return (
            f"{shown}: {show_set(test.given)} separates {a} and {b} without {k} "
            f"(p = {test.p_value:.3g})"
        )


def why_apart(a: Name, b: Name, test: Separation | None, knowledge: Knowledge) -> str:
    """Why there is no edge, in words."""
    one, other = knowledge.why_forbidden(a, b), knowledge.why_forbidden(b, a)
    if one and other:
        return f"knowledge: {one}" + ("" if one == other else f", and {other}")
    if test is None:
        return "cut, because the knowledge would else direct edges in a circle (see conflicts_)"
    if not test.given:
        return "independent without conditioning on anything"
    return f"independent given {show_set(test.given)}"


def why_joined(a: Name, b: Name, test: Separation | None, knowledge: Knowledge) -> str:
    """Why there is an edge, in words."""
    if (a, b) in knowledge.required or (b, a) in knowledge.required:
        return "knowledge: the edge is required"
    if test is None:
        return "no set could be tested"
    return (
        f"no set of neighbours separates them; closest came {show_set(test.given)} "
        f"with p = {test.p_value:.3g}"
    )
