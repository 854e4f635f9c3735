"""Where tests contradict each other or the knowledge: notice, settle, tell.

What happened is kept as positions and numbers; the sentences are written when somebody reads them,
because on many variables there are thousands and the fit should not wait for them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from causalkit.discovery.constraint._knowledge_votes import (
    Vote,
    n_contradicting,
    other_p_values,
    votes_on,
)
from causalkit.discovery.constraint._orientation import (
    AMBIGUOUS,
    COLLIDER,
    Settled,
    orientable,
)
from causalkit.graph.marks import show_name
from causalkit.graph.meek import pairs_of
from causalkit.typing import BoolArray, IntArray, Name

if TYPE_CHECKING:
    from causalkit.discovery.constraint._colliders import Judgement
    from causalkit.discovery.constraint._skeleton import Bounds, Skeleton
    from causalkit.independence import BoundTest

__all__ = ["Conflicts"]


@dataclass(slots=True)
class Conflicts:
    """Contradictions, in the order in which they were found.

    Attributes
    ----------
    names : tuple of names
        What columns are called.
    required : list of (i, j, p_value)
        Required edges between variables that test independent.
    cut : list of (i, j)
        Edges cut because knowledge directs them in a circle.
    judged : Judgement or None
        Statements about triples, and their evidence.
    dropped : list of (row, known)
        Statements that could not hold, and whether knowledge alone contradicts them.
    votes : list of Vote
        Statements about what is known anyway; against it only where the tests are sure.
    """

    names: tuple[Name, ...]
    required: list[tuple[int, int, float]] = field(default_factory=list)
    cut: list[tuple[int, int]] = field(default_factory=list)
    judged: Judgement | None = None
    dropped: list[tuple[int, bool]] = field(default_factory=list)
    votes: list[Vote] = field(default_factory=list)

    @property
    def on_knowledge(self) -> int:
        """In how many places the data contradict the knowledge, and not by a coincidence."""
        lost = {row for row, known in self.dropped if known}
        votes = [vote for vote in self.votes if vote.row in lost or not vote.against]
        return len(self.required) + len(self.cut) + n_contradicting(votes)

    @property
    def sentences(self) -> tuple[str, ...]:
        """All of them, in words."""
        return tuple(self._sentences())

    # --- notice -----------------------------------------------------------------------------------

    def note_required(self, found: Skeleton, bounds: Bounds, alpha: float) -> None:
        """Note required edges between variables that test independent."""
        for i, j in zip(*(ends.tolist() for ends in np.nonzero(bounds.required)), strict=True):
            evidence = found.closest.get((min(i, j), max(i, j)))
            if evidence is not None and evidence.result.p_value > alpha:
                self.required.append((i, j, evidence.result.p_value))

    def break_cycles(self, found: Skeleton, bounds: Bounds) -> None:
        """Cut the weakest edge while knowledge directs edges of the skeleton in a circle."""
        if bounds.is_none:
            return
        known = found.adjacency & bounds.forbidden.T
        while not orientable(known):
            tails, heads = _on_circles(known)
            free = ~(bounds.required[tails, heads] | bounds.required[heads, tails])
            tails, heads = tails[free], heads[free]
            weakest = int(np.argmin(np.abs(found.strength[tails, heads])))
            i, j = int(tails[weakest]), int(heads[weakest])
            found.adjacency[i, j] = found.adjacency[j, i] = known[i, j] = False
            self.cut.append((i, j))

    def note_dropped(
        self, judged: Judgement, settled: Settled, known: BoolArray, bound: BoundTest, alpha: float
    ) -> None:
        """Note statements about triples that could not hold beside stronger ones and `known`."""
        statements = judged.statements
        rows = np.flatnonzero(~settled.kept & (statements.verdict != AMBIGUOUS))
        self.judged = judged
        votes = votes_on(known, statements)
        against = {vote.row for vote in votes if vote.against}
        self.dropped = [(row, row in against) for row in rows.tolist()]
        sure = self._sure(sorted(against), bound, alpha)
        self.votes = [vote for vote in votes if not vote.against or vote.row in sure]

    def _sure(self, rows: list[int], bound: BoundTest, alpha: float) -> set[int]:
        """Statements with a dependence beyond doubt given the set that speaks for the opposite."""
        if self.judged is None:
            return set()
        found = {row: evidence.given for row in rows if (evidence := self.judged.evidence(row))}
        triples = self.judged.statements.triples[list(found)]
        p_values = other_p_values(bound, triples, list(found.values()))
        return {row for row, p in zip(found, p_values.tolist(), strict=True) if p <= alpha}

    # --- tell -------------------------------------------------------------------------------------

    def _sentences(self) -> Iterator[str]:
        for i, j, p_value in self.required:
            yield (
                f"{self._show(i)} -> {self._show(j)} is required and stays, although the two "
                f"test independent (p = {p_value:.3g})"
            )
        for i, j in self.cut:
            yield (
                f"{self._show(i)} and {self._show(j)} are cut apart, although no set separates "
                "them: the knowledge directs edges in a circle, and this is its weakest"
            )
        for row, known in self.dropped:
            yield from self._why_dropped(row, known)

    def _why_dropped(self, row: int, known: bool) -> Iterator[str]:
        evidence = self.judged.evidence(row) if self.judged else None
        if self.judged is None or evidence is None:
            return
        a, k, b = (self._show(m) for m in self.judged.statements.triples[row].tolist())
        collider = self.judged.statements.verdict[row] == COLLIDER
        given = ", ".join(self._show(m) for m in sorted(evidence.given))
        yield (
            f"{a} -> {k} <- {b} is {'not drawn' if collider else 'drawn'}, although {a} and {b} "
            f"test independent given {{{given}}} (p = {evidence.result.p_value:.3g}), which "
            f"{f'lacks {k}' if collider else f'has {k} in it'}: "
            f"{'the knowledge' if known else 'stronger evidence'} contradicts that"
        )

    def _show(self, k: int) -> str:
        return show_name(self.names[k])


def _on_circles(known: BoolArray) -> tuple[IntArray, IntArray]:
    """Arrows within the parts of the graph in which every node leads back to itself."""
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import connected_components

    _, part = connected_components(csr_array(known), directed=True, connection="strong")
    tails, heads = pairs_of(known)
    inside = part[tails] == part[heads]
    return tails[inside], heads[inside]
