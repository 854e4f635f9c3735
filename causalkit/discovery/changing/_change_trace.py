"""What CD-NOD remembers: which phase joined, cut or directed each pair, and on what evidence."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from causalkit.discovery.base import Explanation, Separation, Separations
from causalkit.discovery.changing._change_directions import Directions
from causalkit.discovery.constraint._provenance import pairs_frame
from causalkit.discovery.constraint._trace import Trace
from causalkit.graph import CausalGraph
from causalkit.graph.marks import show_name
from causalkit.typing import Name

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["ChangeTrace"]


@dataclass(frozen=True)
class ChangeTrace:
    """The steps of all phases.

    Attributes
    ----------
    search : Trace
        Phases I and II a: a search over the variables and the surrogate.
    surrogate : str or int
        Its node.
    directions : Directions
        Phase II b.
    """

    search: Trace
    surrogate: Name
    directions: Directions

    @property
    def graph(self) -> CausalGraph:
        """What came of it, with the surrogate."""
        return self.directions.graph

    def conflict_sentences(self) -> tuple[str, ...]:
        """Contradictions among tests and knowledge."""
        return self.search.conflict_sentences()

    def separations(self) -> Separations:
        """Separating sets by names, looked up when asked for."""
        return self.search.separations()

    def ambiguous(self) -> tuple[tuple[Name, Name, Name], ...]:
        """Triples on which the tests do not agree, by names."""
        return self.search.ambiguous()

    def change(self, variable: Name) -> Separation:
        """The test of a variable and the surrogate that separated them, or came closest."""
        test = self.search.explain(variable, self.surrogate).test
        if test is None:  # knowledge decided
            nan = float("nan")
            return Separation((variable, self.surrogate), (), nan, nan, 0)
        return replace(test, pair=(variable, self.surrogate))

    def to_frame(self) -> pd.DataFrame:
        """One row for each pair, the surrogate among them.

        Returns
        -------
        DataFrame
            As :meth:`Trace.to_frame`, with the phase in `direction`, and `statistic_a_to_b`,
            `statistic_b_to_a`: how much the changes of mechanisms depend on each other if the edge
            points so; NaN for pairs that phase II b did not compare.
        """
        frame = pairs_frame(
            self.search.names,
            self.search.found.record,
            self.search.found.adjacency,
            self.explain,
        )
        sides = [self._statistics(a, b) for a, b in zip(frame["a"], frame["b"], strict=True)]
        frame["statistic_a_to_b"] = [one for one, _ in sides]
        frame["statistic_b_to_a"] = [other for _, other in sides]
        return frame

    def _statistics(self, a: Name, b: Name) -> tuple[float, float]:
        """Of phase II b for a -> b and for b -> a; NaN if it did not compare them."""
        said = self.directions.comparison(a, b)
        if said is None:
            return float("nan"), float("nan")
        forth, back = said.statistic, said.reverse_statistic
        return (forth, back) if said.cause == a else (back, forth)

    def explain(self, a: Name, b: Name) -> Explanation:
        """Say which phase joined or cut a and b and directed the edge, and why."""
        found = self.search.explain(a, b)
        edges = self.graph.edges_between(a, b)
        why = f"phase I: {found.adjacency}"
        if not edges:
            return replace(found, adjacency=why)
        direction = self._direction(a, b, found.direction)
        return Explanation((a, b), str(edges[0]), why, direction, found.test)

    def _direction(self, a: Name, b: Name, found: str | None) -> str:
        if self.surrogate in (a, b):
            return f"phase II a: nothing causes {show_name(self.surrogate)}"
        later = self.directions.why(a, b)
        if later is not None:
            return f"phase II b: {later}"
        return str(found) if str(found).startswith("undecided") else f"phase II a: {found}"
