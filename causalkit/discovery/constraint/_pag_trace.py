"""What a search for a PAG remembers, so that `explain` can give its reasons."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from causalkit.discovery.base import Explanation, named, show_set
from causalkit.discovery.constraint._evidence import Pair
from causalkit.discovery.constraint._knowledge_votes import Vote, n_contradicting
from causalkit.discovery.constraint._orientation import AMBIGUOUS, COLLIDER
from causalkit.discovery.constraint._pag_orientation import KNOWN, Oriented
from causalkit.discovery.constraint._provenance import pairs_frame
from causalkit.discovery.constraint._skeleton import Bounds
from causalkit.discovery.constraint._trace import SearchTrace, why_apart, why_joined
from causalkit.discovery.knowledge import Knowledge
from causalkit.graph import ARROW, CIRCLE, CausalGraph
from causalkit.graph.marks import show_name
from causalkit.typing import Name

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["RULES", "PagTrace"]

RULES = {
    1: "otherwise a new collider would arise",
    2: "a directed path would else close to a cycle",
    3: "otherwise a new collider or a cycle would arise",
    5: "the edge is part of a ring without chord and without collider, so it comes from selection",
    6: "a node at which selection meets has no arrow into it",
    7: "otherwise a new collider would arise",
    8: "a directed path leads from the one to the other",
    9: "a possibly directed path would else be directed back into its start",
    10: "one of two possibly directed paths must be directed",
}


@dataclass(frozen=True)
class PagTrace(SearchTrace):
    """The steps of a search for a PAG.

    Attributes
    ----------
    oriented : Oriented
        What came of it.
    bounds : Bounds
        Knowledge.
    required : list of (i, j, p_value)
        Required edges between variables that test independent.
    graph : CausalGraph
        What came of it.
    knowledge : Knowledge
        What was known before.
    """

    oriented: Oriented
    bounds: Bounds
    required: list[tuple[int, int, float]]
    graph: CausalGraph
    knowledge: Knowledge

    def to_frame(self) -> pd.DataFrame:
        """One row for each pair of variables; see `Trace` in `_trace`."""
        return pairs_frame(self.names, self.found.record, self.oriented.ends > 0, self.explain)

    # --- conflicts --------------------------------------------------------------------------------

    @property
    def on_knowledge(self) -> int:
        """In how many places the data contradict the knowledge, and not by a coincidence."""
        return len(self.required) + len(self.oriented.cut) + n_contradicting(self._votes())

    def _votes(self) -> Iterator[Vote]:
        """Statements about triples of which the knowledge decides, and whether they lost to it."""
        if self.bounds.is_none:
            return
        (a, k, b), statements = self.judged.statements.triples.T, self.judged.statements
        out = self.bounds.required[k, a] | self.bounds.required[k, b]
        into = self.bounds.forbidden[k, a] & self.bounds.forbidden[k, b]
        lost = set(self.oriented.dropped.tolist())
        for row in np.flatnonzero((out | into) & (statements.verdict != AMBIGUOUS)).tolist():
            ends = ((int(a[row]), int(k[row])), (int(b[row]), int(k[row])))
            yield Vote(row, ends, row in lost and self._is_known(row))

    def conflict_sentences(self) -> Iterator[str]:
        """Where answers contradict each other or the knowledge, in words."""
        for i, j, p_value in self.required:
            yield (
                f"{self._show(i)} -> {self._show(j)} is required and stays, although the two test "
                f"independent (p = {p_value:.3g})"
            )
        for i, j in self.oriented.cut:
            yield (
                f"{self._show(i)} and {self._show(j)} are cut apart, although no set separates "
                "them: other marks make one an ancestor of the other, which is forbidden"
            )
        for i, j in self.oriented.joined:
            yield (
                f"{self._show(i)} and {self._show(j)} are joined, although a set separates them: "
                "no set does in a graph with these arrows"
            )
        for row in self.oriented.dropped.tolist():
            a, k, b = (self._show(m) for m in self.judged.statements.triples[row].tolist())
            collider = self.judged.statements.verdict[row] == COLLIDER
            what = f"{a} *-> {k} <-* {b} is {'not drawn' if collider else 'drawn'}"
            who = "the knowledge contradicts" if self._is_known(row) else "other answers contradict"
            yield f"{what}, although {self._grounds(row)}: {who} it"

    def _is_known(self, row: int) -> bool:
        """Whether knowledge alone rules a statement out."""
        if self.bounds.is_none:
            return False
        a, k, b = self.judged.statements.triples[row].tolist()
        if self.judged.statements.verdict[row] == COLLIDER:
            return bool(self.bounds.required[k, a] or self.bounds.required[k, b])
        return bool(self.bounds.forbidden[k, a] and self.bounds.forbidden[k, b])

    def _grounds(self, row: int) -> str:
        """The separation behind a statement."""
        a, k, b = self.judged.statements.triples[row].tolist()
        evidence = self.judged.evidence(row)
        if evidence is None:
            return "the tests say otherwise"
        test = named(self.names, (a, b), evidence)
        ends, held = (self._show(a), self._show(b)), k in evidence.given
        separates = _separates(show_set(test.given), ends, self._show(k), held=held)
        return f"{separates} (p = {test.p_value:.3g})"

    # --- explain ----------------------------------------------------------------------------------

    def explain(self, a: Name, b: Name) -> Explanation:
        """Say why a and b are joined or not, and what set each mark."""
        i, j = sorted((self.names.index(a), self.names.index(b)))
        knowledge = self.knowledge
        edges = self.graph.edges_between(a, b)
        test = self.test_behind(a, b, joined=bool(edges))
        if not edges:
            return Explanation((a, b), "no edge", why_apart(a, b, test, knowledge), None, test)
        why = why_joined(a, b, test, knowledge)
        if (i, j) in self.oriented.joined:
            why = "no set separates them in a graph with these arrows (see conflicts_)"
        marks = f"{self._mark(a, b)}; {self._mark(b, a)}"
        return Explanation((a, b), str(edges[0]), why, marks, test)

    def _mark(self, a: Name, b: Name) -> str:
        """What set the mark at b."""
        i, j = self.names.index(a), self.names.index(b)
        mark, rule = int(self.oriented.ends[i, j]), int(self.oriented.reason[i, j])
        if mark == CIRCLE:
            return f"circle at {show_name(b)}: members of the class differ"
        kind = "arrow" if mark == ARROW else "tail"
        return f"{kind} at {show_name(b)}: {self._why(a, b, (i, j), rule)}"

    def _why(self, a: Name, b: Name, edge: Pair, rule: int) -> str:
        knowledge = self.knowledge
        if rule == KNOWN:
            if (a, b) in knowledge.required or (b, a) in knowledge.required:
                return "knowledge, the edge is required"
            return f"knowledge, {knowledge.why_forbidden(b, a)}"
        if rule == 4:
            return self._path(*edge)
        if rule:
            return f"rule {rule}, {RULES[rule]}"
        statements, (i, j) = self.judged.statements, edge
        mine = (statements.triples[:, 1] == j) & (statements.triples[:, [0, 2]] == i).any(axis=1)
        rows = np.flatnonzero(mine & (statements.verdict == COLLIDER))
        rows = rows[~np.isin(rows, self.oriented.dropped)]
        if not len(rows):
            return "implied, as other answers would else be contradicted (see conflicts_)"
        first, k, last = (self._show(m) for m in statements.triples[rows[0]].tolist())
        return f"collider {first} *-> {k} <-* {last}, as {self._grounds(int(rows[0]))}"

    def _path(self, i: int, j: int) -> str:
        for pair in ((i, j), (j, i)):
            path = self.oriented.paths.get(pair)
            if path is not None:
                break
        else:
            path = next(p for p in self.oriented.paths.values() if {i, j} <= set(p[-3:]))
        shown = ", ".join(self._show(m) for m in path)
        pair = (min(path[0], path[-1]), max(path[0], path[-1]))
        evidence = self.found.separators.get(pair)
        if evidence is None:
            return f"rule 4, discriminating path {shown}"
        given = named(self.names, pair, evidence).given
        first, middle, last = (self._show(path[k]) for k in (0, -2, -1))
        held = path[-2] in evidence.given
        separates = _separates(show_set(given), (first, last), middle, held=held)
        return f"rule 4, discriminating path {shown}: {separates}"

    def _show(self, k: int) -> str:
        return show_name(self.names[k])


def _separates(given: str, ends: tuple[str, str], middle: str, *, held: bool) -> str:
    """That a set, which holds the node in the middle or does not, separates two others."""
    if held:
        return f"{given}, which has {middle} in it, separates {ends[0]} and {ends[1]}"
    return f"{given} separates {ends[0]} and {ends[1]} without {middle}"
