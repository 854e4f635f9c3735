"""What PCMCI+ remembers of a search, and how it answers "why?"."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from causalkit.discovery.base import Explanation, Separation
from causalkit.discovery.constraint._orientation import COLLIDER, meek_reasons
from causalkit.discovery.series.momentary._link_knowledge import LinkBounds
from causalkit.discovery.series.momentary._step_orientation import StepClass
from causalkit.discovery.series.momentary._step_skeleton import Link, StepSkeleton
from causalkit.graph import ARROW, Lagged, LaggedGraph
from causalkit.typing import Name

__all__ = ["StepTrace"]


@dataclass(frozen=True, slots=True)
class StepTrace:
    """A search for links and its outcome.

    Attributes
    ----------
    graph : LaggedGraph
    found : StepSkeleton
    oriented : StepClass
    bounds : LinkBounds
    alpha : float
    n_obs : int
    """

    graph: LaggedGraph
    found: StepSkeleton
    oriented: StepClass
    bounds: LinkBounds
    alpha: float
    n_obs: int

    def named_past(self) -> dict[Name, tuple[Lagged, ...]]:
        """The past of each series, strongest first."""
        nodes, past = self.graph.nodes, self.found.past
        return {
            name: tuple(nodes[k] for k in past.of(j).tolist())
            for j, name in enumerate(self.graph.variables)
        }

    def conflicts(self) -> tuple[str, ...]:
        """Statements about triples that clearer ones contradict."""
        nodes, statements = self.graph.nodes, self.oriented.statements
        told = []
        for row in np.flatnonzero(~self.oriented.settled.kept).tolist():
            b, k, a = (nodes[c] for c in statements.triples[row])
            what = "a collider" if statements.verdict[row] == COLLIDER else "no collider"
            told.append(f"{a}, {k}, {b}: the tests say {what}, clearer ones the opposite")
        return tuple(told)

    def explain(self, past: Lagged, now: Lagged) -> Explanation:
        """Say why two nodes are joined or not, and what directed the edge."""
        edges = self.graph.edges_between(past, now)
        shown = "; ".join(map(str, edges)) or "no edge"
        told = self.bounds.why(past, now)
        if told is not None:
            return Explanation((past, now), shown, told)
        link = self._link(past, now)
        test = self._test(link, past, now)
        why = self._why(link, test)
        direction = self.direction(past, now) if edges else None
        return Explanation((past, now), shown, why, direction, test)

    def _link(self, past: Lagged, now: Lagged) -> Link:
        i, j = self.graph.index(past), self.graph.index(now)
        return (past.lag, i, j) if past.lag or i < j else (0, j, i)

    def _test(self, link: Link, past: Lagged, now: Lagged) -> Separation | None:
        p_value = float(self.found.p_value[link])
        if np.isnan(p_value):
            return None
        lag, i, j = link
        p = len(self.graph.variables)
        past_then = self.found.earlier.get(link, self.found.past)
        if link in self.found.closest:
            columns = [*past_then.given(lag, i, j), *self.found.closest[link]]
        else:
            columns = [c for c in past_then.before[j, lag * p + i].tolist() if c >= 0]
        given = tuple(self._node(column) for column in columns)
        return Separation(
            (past, now), given, float(self.found.statistic[link]), p_value, self.n_obs
        )

    def _node(self, column: int) -> Lagged:
        lag, k = divmod(column, len(self.graph.variables))
        return Lagged(self.graph.variables[k], lag)

    def _why(self, link: Link, test: Separation | None) -> str:
        if self.found.joined[link]:
            return "no set of the same step separates the two given the pasts of both"
        if test is None:
            return "the test could not tell"
        if link in self.found.separators:
            return f"separated given the pasts of both: p = {test.p_value:.3g} > {self.alpha:g}"
        return f"the past alone separates the two: p = {test.p_value:.3g} > {self.alpha:g}"

    def direction(self, past: Lagged, now: Lagged) -> str:
        """Say what directed an edge."""
        if past.lag:
            return "a cause comes before its effect"
        oriented, nodes = self.oriented, self.graph.nodes
        i, j = self.graph.index(past), self.graph.index(now)
        if oriented.ends[i, j] != ARROW:
            i, j = j, i
        if oriented.ends[i, j] != ARROW or oriented.ends[j, i] == ARROW:
            return "open: graphs that share all independences disagree"
        if oriented.known[i, j]:
            return self.bounds.knowledge.why_forbidden(nodes[j].name, nodes[i].name) or "known"
        statements, settled = oriented.statements, oriented.settled
        drawn = (statements.verdict == COLLIDER) == settled.kept
        for row in np.flatnonzero(drawn).tolist():
            b, k, a = statements.triples[row].tolist()
            if k == j and i in (a, b):
                other = a if i == b else b
                without, with_k = oriented.p_values[row]
                return (
                    f"a collider with {nodes[other]}: given {nodes[k]} the two depend "
                    f"(p = {with_k:.3g}), without it they do not (p = {without:.3g})"
                )
        rule, others = meek_reasons(settled.arrows, oriented.ends > 0)[i, j]
        return f"Meek rule {rule} with {', '.join(str(nodes[k]) for k in others)}"
