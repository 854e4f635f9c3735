"""What a score-based search leaves behind, so that `explain` can give its reasons."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

from causalkit.discovery.base import Explanation, show_set
from causalkit.discovery.constraint._orientation import meek_reasons
from causalkit.discovery.constraint._trace import RULES, UNDIRECTED
from causalkit.discovery.search._score_setup import ScoreSetup
from causalkit.graph import ARROW, CausalGraph, Kind
from causalkit.graph._validity import causal_order
from causalkit.graph.interventional import told_apart
from causalkit.graph.marks import show_name
from causalkit.graph.meek import class_marks, makes_collider, pairs_of
from causalkit.typing import BoolArray, Name

__all__ = ["ScoreTrace"]

_NEAR: Final = 1e-6


@dataclass(frozen=True)
class ScoreTrace:
    """A DAG with the best score that was found; arrays are by position in the set-up's names.

    Attributes
    ----------
    setup : ScoreSetup
    dag : ndarray of bool, shape (p, p)
        `dag[i, j]` is `i -> j`.
    """

    setup: ScoreSetup
    dag: BoolArray

    @cached_property
    def adjacency(self) -> BoolArray:
        """Joined pairs."""
        return self.dag | self.dag.T

    @cached_property
    def colliders(self) -> BoolArray:
        """Arrows into unshielded colliders, shape (p, p)."""
        arrows = pairs_of(self.dag)
        into = makes_collider(len(self.dag), arrows)
        drawn = np.zeros_like(self.dag)
        drawn[arrows[0][into], arrows[1][into]] = True
        return drawn

    @cached_property
    def known(self) -> BoolArray:
        """Edges whose direction is known beforehand, shape (p, p)."""
        allowed, required = self.setup.allowed, self.setup.required
        return self.dag & (required | ~allowed.T)

    @cached_property
    def told_apart(self) -> BoolArray:
        """Edges of which an intervention touched one end and not the other, shape (p, p)."""
        return self.dag & told_apart(self._targets)

    @cached_property
    def _targets(self) -> BoolArray:
        targets = self.setup.local.targets
        return np.zeros((0, len(self.dag)), dtype=np.bool_) if targets is None else targets

    @cached_property
    def _seen(self) -> BoolArray:
        """Arrows that the rows themselves show: into colliders, and by intervention."""
        return self.colliders | self.told_apart

    @cached_property
    def graph(self) -> CausalGraph:
        """The class of the DAG, less the members that contradict the knowledge.

        Where variables were intervened upon it is the class under these interventions.
        """
        ends = class_marks(self.adjacency, self._seen | self.known, sound=True)
        graph = CausalGraph._of(self.setup.names, ends, Kind.CPDAG)
        return graph.reordered(self.setup.shown)

    @property
    def member(self) -> CausalGraph:
        """The DAG itself."""
        names = self.setup.names
        ends = np.where(self.dag, ARROW, 0) + np.where(self.dag.T, 1, 0)
        graph = CausalGraph._of(names, ends.astype(np.uint8), Kind.DAG)
        return graph.reordered(self.setup.shown)

    @property
    def order(self) -> tuple[Name, ...]:
        """An order of the nodes, causes first."""
        order = causal_order(len(self.dag), *pairs_of(self.dag))
        return tuple(self.setup.names[k] for k in (() if order is None else order))

    def total(self) -> float:
        """Score of the DAG."""
        return float(sum(self._local(v, self._parents(v)) for v in range(len(self.dag))))

    def by_knowledge(self) -> tuple[str, ...]:
        """What the knowledge decided and the score would not have, in sentences."""
        names, said = self.setup.names, []
        free = class_marks(self.adjacency, self._seen, sound=True) == ARROW
        held = class_marks(self.adjacency, self._seen | self.known, sound=True) == ARROW
        for i, j in zip(*pairs_of(held & ~free), strict=True):
            way = "known" if self.known[i, j] else "follows from what is known"
            said.append(f"{show_name(names[i])} -> {show_name(names[j])}: the direction {way}")
        for i, j in zip(*pairs_of(self.known & free), strict=True):
            gain = self._gain_of_turning(int(i), int(j))
            if gain > _NEAR:
                said.append(
                    f"{show_name(names[i])} -> {show_name(names[j])}: the direction known; the "
                    f"score would be {gain:.4g} higher with the edge turned round"
                )
        for i, j in zip(*pairs_of(self.setup.required), strict=True):
            loss = self._loss(int(i), int(j))
            if loss < -_NEAR:
                said.append(
                    f"{show_name(names[i])} -> {show_name(names[j])} is required; the score would "
                    f"be {-loss:.4g} higher without it"
                )
        return tuple(said)

    def explain(self, a: Name, b: Name) -> Explanation:
        """Say why a and b are joined or not, and what directed the edge."""
        i, j = self.setup.names.index(a), self.setup.names.index(b)
        edges = self.graph.edges_between(a, b)
        if not edges:
            return Explanation((a, b), "no edge", self._why_apart(i, j))
        if self.dag[j, i]:
            i, j = j, i
        return Explanation((a, b), str(edges[0]), self._why_joined(i, j), self._direction(i, j))

    # --- inside -----------------------------------------------------------------------------------

    def _parents(self, v: int) -> list[int]:
        return np.flatnonzero(self.dag[:, v]).tolist()

    def _local(self, v: int, parents: list[int]) -> float:
        return float(self.setup.local(v, parents))

    def _loss(self, i: int, j: int) -> float:
        """What the score loses if `i -> j` goes."""
        parents = self._parents(j)
        return self._local(j, parents) - self._local(j, [k for k in parents if k != i])

    def _gain_of_turning(self, i: int, j: int) -> float:
        """What the score gains if `i -> j` becomes `j -> i`; minus infinity if that is a cycle."""
        others = self._descendants[np.flatnonzero(self.dag[i]), j]
        parents = self._parents(i)
        if others.any() or len(parents) == self.setup.max_parents:
            return -np.inf
        return self._local(i, [*parents, j]) - self._local(i, parents) - self._loss(i, j)

    def _why_joined(self, i: int, j: int) -> str:
        a, b = (show_name(self.setup.names[k]) for k in (i, j))
        loss = self._loss(i, j)
        if self.setup.required[i, j]:
            return f"knowledge: the edge is required (it changes the score by {loss:+.4g})"
        others = [self.setup.names[k] for k in self._parents(j) if k != i]
        return (
            f"without {a} -> {b} the score would be {loss:.4g} lower "
            f"(other parents of {b}: {show_set(tuple(others))})"
        )

    def _why_apart(self, i: int, j: int) -> str:
        names, knowledge, allowed = self.setup.names, self.setup.knowledge, self.setup.allowed
        ways = [(c, e) for c, e in ((i, j), (j, i)) if allowed[c, e]]
        if not ways:
            one = knowledge.why_forbidden(names[i], names[j])
            other = knowledge.why_forbidden(names[j], names[i])
            if one and other:
                return f"knowledge: {one}" + ("" if one == other else f", and {other}")
            return "the skeleton does not join them"
        reach = self._descendants
        gains = [
            (self._local(e, [*self._parents(e), c]) - self._local(e, self._parents(e)), c, e)
            for c, e in ways
            if not reach[e, c] and len(self._parents(e)) < self.setup.max_parents
        ]
        if not gains:
            return "an edge in the allowed direction would close a cycle, or be a parent too many"
        gain, c, e = max(gains)
        shown = f"{show_name(names[c])} -> {show_name(names[e])}"
        return f"{shown} would change the score by {gain:+.4g}"

    @cached_property
    def _descendants(self) -> BoolArray:
        reach, p = self.dag.copy(), len(self.dag)
        for _ in range(max(1, int(np.ceil(np.log2(max(2, p)))))):
            reach |= (reach.astype(np.float32) @ reach.astype(np.float32)) > 0
        return reach

    def _direction(self, i: int, j: int) -> str:
        names, knowledge = self.setup.names, self.setup.knowledge
        a, b = names[i], names[j]
        if (a, b) in knowledge.required:
            return f"knowledge: {show_name(a)} -> {show_name(b)} is required"
        if self.known[i, j]:
            return f"knowledge: {knowledge.why_forbidden(b, a)}"
        if self.colliders[i, j]:
            spouses = np.flatnonzero(self.dag[:, j] & ~self.adjacency[i])
            other = names[next(k for k in spouses.tolist() if k != i)]
            return f"collider {show_name(a)} -> {show_name(b)} <- {show_name(other)}"
        if self.told_apart[i, j]:
            return self._by_intervention(i, j)
        if (i, j) in self._rules:
            rule, others = self._rules[i, j]
            shown = ", ".join(show_name(names[k]) for k in others)
            return f"Meek rule {rule} with {shown}: {RULES[rule]}"
        return UNDIRECTED

    def _by_intervention(self, i: int, j: int) -> str:
        names = self.setup.names
        touched = next(row for row in self._targets if row[i] != row[j])
        here, there = (i, j) if touched[i] else (j, i)
        others = tuple(names[k] for k in np.flatnonzero(touched) if k != here)
        upon = show_name(names[here]) + (f", together with {show_set(others)}," if others else "")
        return f"intervention on {upon} and not on {show_name(names[there])}"

    @cached_property
    def _rules(self) -> dict[tuple[int, int], tuple[int, tuple[int, ...]]]:
        return meek_reasons(self._seen | self.known, self.adjacency)
