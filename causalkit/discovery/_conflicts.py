"""Where tests contradict each other or the knowledge: notice, settle, tell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from causalkit.discovery._orientation import Statement, orientable
from causalkit.discovery._skeleton import Bounds, Skeleton
from causalkit.graph.marks import show_name
from causalkit.typing import BoolArray, Name

__all__ = ["Conflicts"]


@dataclass(slots=True)
class Conflicts:
    """Sentences about contradictions, in the order in which they were found.

    Attributes
    ----------
    names : tuple of names
        What columns are called.
    sentences : list of str
    on_knowledge : int
        How many of them contradict the knowledge.
    """

    names: tuple[Name, ...]
    sentences: list[str] = field(default_factory=list)
    on_knowledge: int = 0

    def note_required(self, found: Skeleton, bounds: Bounds, alpha: float) -> None:
        """Note required edges between variables that test independent."""
        for i, j in np.argwhere(bounds.required).tolist():
            evidence = found.closest.get((min(i, j), max(i, j)))
            if evidence is not None and evidence.result.p_value > alpha:
                self.on_knowledge += 1
                self.sentences.append(
                    f"{self._show(i)} -> {self._show(j)} is required and stays, although the two "
                    f"test independent (p = {evidence.result.p_value:.3g})"
                )

    def break_cycles(self, found: Skeleton, bounds: Bounds) -> None:
        """Cut the weakest edge while knowledge directs edges of the skeleton in a circle."""
        import networkx as nx

        while True:
            known = found.adjacency & bounds.forbidden.T
            if orientable(known):
                return
            part_of = np.zeros(len(known), dtype=np.intp)
            circles = nx.strongly_connected_components(nx.DiGraph(known.astype(int)))
            for number, circle in enumerate(circles):
                part_of[list(circle)] = number
            inside = known & (part_of[:, None] == part_of) & ~bounds.kept
            i, j = max(np.argwhere(inside).tolist(), key=lambda edge: found.rank[edge[0], edge[1]])
            found.adjacency[i, j] = found.adjacency[j, i] = False
            self.on_knowledge += 1
            self.sentences.append(
                f"{self._show(i)} and {self._show(j)} are cut apart, although no set separates "
                "them: the knowledge directs edges in a circle, and this is its weakest"
            )

    def note_dropped(self, dropped: Sequence[Statement], known: BoolArray) -> None:
        """Note statements about triples that could not hold."""
        for statement in dropped:
            if statement.evidence is None:
                continue  # the tests had not agreed anyway
            a, k, b = statement.triple
            triple = f"{self._show(a)} -> {self._show(k)} <- {self._show(b)}"
            given = ", ".join(self._show(m) for m in sorted(statement.evidence.given))
            drawn = f"{triple} is {'not drawn' if statement.collider else 'drawn'}"
            why = (
                f"{{{given}}} {'without' if statement.collider else 'with'} {self._show(k)} "
                f"separates {self._show(a)} and {self._show(b)} "
                f"(p = {statement.evidence.result.p_value:.3g})"
            )
            stronger = self._what_is_stronger(statement, known)
            self.sentences.append(f"{drawn}, although {why}: {stronger} contradicts it")

    def _what_is_stronger(self, statement: Statement, known: BoolArray) -> str:
        a, k, b = statement.triple
        arrows, others = known.copy(), [statement.triple]
        if statement.collider:
            arrows[a, k] = arrows[b, k] = True
            others = []
        if orientable(arrows, others):
            return "stronger evidence"
        self.on_knowledge += 1
        return "the knowledge"

    def _show(self, k: int) -> str:
        return show_name(self.names[k])
