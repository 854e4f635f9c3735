"""What a search with hidden series remembers, and how it answers "why?"."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from causalkit.discovery.base import Explanation, Separation, show_set
from causalkit.discovery.constraint._pag_trace import RULES
from causalkit.discovery.series.latent._latent_window import Window
from causalkit.discovery.series.latent._set_search import Evidence
from causalkit.graph import ARROW, CIRCLE, Lagged, LaggedGraph
from causalkit.graph.lagged_latent import COLLIDES, TIME
from causalkit.graph.lagged_template import lagged_nodes
from causalkit.typing import Name

__all__ = ["LatentTrace"]


@dataclass(frozen=True, slots=True)
class LatentTrace:
    """A search and its outcome.

    Attributes
    ----------
    graph : LaggedGraph
    names : tuple of names
        The series in the order of the search.
    window : Window
    evidence : Evidence
        Statistics as they are shown.
    n_obs : int
    """

    graph: LaggedGraph
    names: tuple[Name, ...]
    window: Window
    evidence: Evidence
    n_obs: int

    def explain(self, past: Lagged, now: Lagged) -> Explanation:
        """Say why two nodes are joined or not, and what set each mark."""
        edges = self.graph.edges_between(past, now)
        test = self._test(past, now)
        if not edges:
            why = f"{self._set(test)} separates them" if test else "never asked about"
            return Explanation((past, now), "no edge", why, None, test)
        why = "no set that was asked about separates them"
        if test is not None:
            why += f"; closest came {self._set(test)} with p = {test.p_value:.3g}"
        marks = f"{self._mark(now, past)}; {self._mark(past, now)}"
        return Explanation((past, now), str(edges[0]), why, marks, test)

    @staticmethod
    def _set(test: Separation) -> str:
        return show_set(test.given)

    def _where(self, node: Lagged) -> int:
        return node.lag * len(self.names) + self.names.index(node.name)

    def _test(self, past: Lagged, now: Lagged) -> Separation | None:
        a, j = self._where(past), self._where(now)
        p_value = float(self.evidence.surest[a, j])
        if np.isnan(p_value):
            return None
        nodes = self._nodes
        given = tuple(nodes[k] for k in np.flatnonzero(self.evidence.closest[a, j]).tolist())
        statistic = float(self.evidence.strength[a, j])
        return Separation((past, now), given, statistic, p_value, self.n_obs)

    @property
    def _nodes(self) -> tuple[Lagged, ...]:
        return lagged_nodes(self.names, len(self.window.ends) // len(self.names) - 1)

    def _mark(self, other: Lagged, at: Lagged) -> str:
        """What set the mark at one end."""
        i, j = self._where(other), self._where(at)
        mark, rule = int(self.window.ends[i, j]), int(self.window.reason[i, j])
        if mark == CIRCLE:
            return f"circle at {at}: graphs with these separations differ"
        kind = "arrow" if mark == ARROW else "tail"
        if rule == TIME:
            return f"{kind} at {at}: an effect does not come before its cause"
        if rule:
            told = RULES.get(rule, "the middle of a discriminating path")
            return f"{kind} at {at}: rule {rule}, {told}"
        return f"{kind} at {at}: {self._collider(i, j)}"

    def _collider(self, i: int, k: int) -> str:
        """The triple i, k, j of which k is a collider, at whatever time it was seen."""
        p, nodes, window = len(self.names), self._nodes, self.window
        for shift in range(0, len(nodes) - max(i, k), p):
            a, middle = i + shift, k + shift
            for b in np.flatnonzero(window.ends[middle]).tolist():
                if b == a or window.ends[a, b]:
                    continue
                back = min(a, b) // p * p
                if middle < back:
                    continue
                past, now = max(a, b) - back, min(a, b) - back
                if window.roles[past, now, middle - back] == COLLIDES:
                    given = np.flatnonzero(self.evidence.closest[past, now]).tolist()
                    held = show_set(tuple(nodes[x] for x in given))
                    return (
                        f"{held} separates {nodes[past]} and {nodes[now]} without "
                        f"{nodes[middle - back]}, a collider between the two"
                    )
        return "a collider between nodes that are apart"
