"""What a constraint-based search remembers, so that `explain` can give its reasons."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from causalkit.discovery._orientation import Statement, meek_reasons
from causalkit.discovery._skeleton import Evidence, Pair, Skeleton
from causalkit.discovery.base import Explanation, Separation, Separations, show_set
from causalkit.discovery.knowledge import Knowledge
from causalkit.graph import CausalGraph
from causalkit.graph.marks import show_name
from causalkit.typing import BoolArray, Name

__all__ = ["Trace"]

_RULES = {
    1: "otherwise a new collider would arise",
    2: "otherwise a cycle would arise",
    3: "otherwise a cycle or a new collider would arise",
    4: "otherwise a cycle or a new collider would arise",
}


@dataclass(frozen=True)
class Trace:
    """The steps of a search; arrays are by position in `names`.

    Attributes
    ----------
    names : tuple of names
    found : Skeleton
    arrows : ndarray of bool, shape (p, p)
        Edges directed by knowledge and colliders.
    directed : ndarray of bool, shape (p, p)
        Those, and what followed by Meek's rules.
    kept : list of Statement
        What the tests said about triples, where it could hold.
    """

    names: tuple[Name, ...]
    found: Skeleton
    arrows: BoolArray
    directed: BoolArray
    kept: list[Statement]

    def separations(self) -> Separations:
        """Separating sets by names."""
        named = [self._named(*item) for item in self.found.separators.items()]
        return Separations({frozenset(found.pair): found for found in named})

    def explain(self, a: Name, b: Name, graph: CausalGraph, knowledge: Knowledge) -> Explanation:
        """Say why a and b are joined or not, and what directed the edge."""
        i, j = sorted((self.names.index(a), self.names.index(b)))
        edges = graph.edges_between(a, b)
        listed = self.found.closest if edges else self.found.separators
        evidence = listed.get((i, j))
        test = self._named((i, j), evidence) if evidence else None
        if not edges:
            return Explanation((a, b), "no edge", _why_apart(a, b, test, knowledge), None, test)
        why = _why_joined(a, b, test, knowledge)
        return Explanation((a, b), str(edges[0]), why, self._direction(a, b, knowledge), test)

    @cached_property
    def _rules(self) -> dict[Pair, tuple[int, tuple[int, ...]]]:
        return meek_reasons(self.arrows, self.directed, self.found.adjacency)

    def _direction(self, a: Name, b: Name, knowledge: Knowledge) -> str:
        i, j = self.names.index(a), self.names.index(b)
        if self.directed[j, i]:
            a, b, i, j = b, a, j, i
        elif not self.directed[i, j]:
            return "undecided: the class has members with either direction"
        if (a, b) in knowledge.required:
            return f"knowledge: {show_name(a)} -> {show_name(b)} is required"
        known = knowledge.why_forbidden(b, a)
        if known:
            return f"knowledge: {known}"
        for statement in self.kept:
            if statement.collider and statement.triple[1] == j and i in statement.triple:
                return self._collider(statement)
        if (i, j) in self._rules:
            rule, others = self._rules[i, j]
            shown = ", ".join(show_name(self.names[k]) for k in others)
            return f"Meek rule {rule} with {shown}: {_RULES[rule]}"
        return "implied: otherwise stronger evidence would be contradicted (see conflicts_)"

    def _collider(self, statement: Statement) -> str:
        a, k, b = (show_name(self.names[m]) for m in statement.triple)
        shown = f"collider {a} -> {k} <- {b}"
        if statement.evidence is None:
            return shown
        test = self._named((statement.triple[0], statement.triple[2]), statement.evidence)
        return (
            f"{shown}: {show_set(test.given)} separates {a} and {b} without {k} "
            f"(p = {test.p_value:.3g})"
        )

    def _named(self, pair: Pair, evidence: Evidence) -> Separation:
        result = evidence.result
        return Separation(
            (self.names[pair[0]], self.names[pair[1]]),
            tuple(self.names[k] for k in sorted(evidence.given)),
            result.statistic,
            result.p_value,
            result.n_used,
        )


def _why_apart(a: Name, b: Name, test: Separation | None, knowledge: Knowledge) -> str:
    one, other = knowledge.why_forbidden(a, b), knowledge.why_forbidden(b, a)
    if one and other:
        return f"knowledge: {one}" + ("" if one == other else f", and {other}")
    if test is None:
        return "cut, because the knowledge would else direct edges in a circle (see conflicts_)"
    if not test.given:
        return "independent without conditioning on anything"
    return f"independent given {show_set(test.given)}"


def _why_joined(a: Name, b: Name, test: Separation | None, knowledge: Knowledge) -> str:
    if (a, b) in knowledge.required or (b, a) in knowledge.required:
        return "knowledge: the edge is required"
    if test is None:
        return "no set could be tested"
    return (
        f"no set of neighbours separates them; closest came {show_set(test.given)} "
        f"with p = {test.p_value:.3g}"
    )
