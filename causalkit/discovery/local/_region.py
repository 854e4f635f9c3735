"""The part of a graph around one node: explored neighbourhoods, and what they direct.

Two nodes may be joined, known to be apart, or not yet asked about, if neither was explored. So the
rules that direct edges are applied here to three-valued adjacency: colliders and Meek's rules speak
only where two nodes are *known* to be apart. All that they direct is then directed in the class of
the whole graph. And once every node that open edges join to the target was explored, the target has
nothing more to learn: each step in the derivation of an arrow at such a node rests on edges at such
nodes, so it was taken here as well.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from causalkit.discovery.constraint._evidence import Evidence, Pair
from causalkit.discovery.constraint._orientation import (
    AMBIGUOUS,
    COLLIDER,
    NOT_COLLIDER,
    Statements,
    settle,
)
from causalkit.discovery.local._boundary import find_boundary
from causalkit.discovery.local._inquiry import Inquiry
from causalkit.graph import ARROW, TAIL
from causalkit.typing import BoolArray

__all__ = ["Piece", "Region"]


@dataclass(slots=True)
class Region:
    """What was explored: boundaries and neighbours by node, separating sets by pair."""

    inquiry: Inquiry
    boundaries: dict[int, list[int]] = field(default_factory=dict)
    near: dict[int, set[int]] = field(default_factory=dict)
    apart: dict[Pair, Evidence] = field(default_factory=dict)
    _by_boundary: dict[Pair, Evidence | None] = field(default_factory=dict)

    def explore(self, node: int) -> None:
        """Find the neighbours of a node: members of its boundary that no subset of it separates.

        Where any set separates the two, one within the boundary does: the neighbours of the node in
        the moral graph of the ancestors of both.
        """
        members = find_boundary(self.inquiry, node, "fbed")
        self.boundaries[node], self.near[node] = members, set()
        for k in members:
            found = self._separator(node, k, [m for m in members if m != k])
            if found is None:
                self.near[node].add(k)
            else:
                self.apart.setdefault((min(node, k), max(node, k)), found)

    def _separator(self, node: int, k: int, pool: list[int]) -> Evidence | None:
        given = self.inquiry.separator(node, k, pool)
        result = None if given is None else self.inquiry.test(node, k, given)
        return None if given is None or result is None else Evidence(given, result)

    def evidence(self, pair: Pair) -> Evidence | None:
        """What separates two nodes: a set that was found, else the boundary of one of them."""
        if pair in self.apart:
            return self.apart[pair]
        if pair not in self._by_boundary:
            self._by_boundary[pair] = self._ask_given_boundary(*pair)
        return self._by_boundary[pair]

    def _ask_given_boundary(self, i: int, j: int) -> Evidence | None:
        for one, other in ((i, j), (j, i)):
            if one in self.boundaries and other not in self.boundaries[one]:
                given = tuple(self.boundaries[one])
                result = self.inquiry.test(one, other, given)
                return None if result is None else Evidence(given, result)
        return None

    def oriented(self) -> Piece:
        """Direct what follows from the colliders among the nodes known so far."""
        nodes = sorted(set(self.near).union(*self.near.values()))
        joined, asked = self._known_pairs(nodes)
        apart = asked & ~joined
        statements = self._statements(nodes, joined, apart)
        arrows = settle(np.zeros_like(joined), statements).arrows
        return Piece(nodes, *_close(arrows, joined & ~(arrows | arrows.T), apart), set(self.near))

    def _known_pairs(self, nodes: list[int]) -> tuple[BoolArray, BoolArray]:
        """Pairs that are joined, and pairs about which something is known."""
        where = {k: t for t, k in enumerate(nodes)}
        joined = np.zeros((len(nodes), len(nodes)), dtype=np.bool_)
        asked, refused = joined.copy(), joined.copy()
        for node, near in self.near.items():
            t, neighbours = where[node], [where[k] for k in near]
            asked[t] = True
            joined[t, neighbours] = True
            refused[t] = True
            refused[t, neighbours] = False
        joined = (joined | joined.T) & ~(refused | refused.T)
        asked = asked | asked.T
        np.fill_diagonal(asked, False)
        return joined, asked

    def _statements(self, nodes: list[int], joined: BoolArray, apart: BoolArray) -> Statements:
        """Say of each pair of neighbours of a node that are apart whether they collide in it."""
        found = []
        for k in range(len(nodes)):
            around = np.flatnonzero(joined[k])
            for s, t in np.argwhere(np.triu(apart[np.ix_(around, around)], 1)).tolist():
                a, b = int(around[s]), int(around[t])
                evidence = self.evidence((nodes[a], nodes[b]))
                verdict, p_value = AMBIGUOUS, np.nan
                if evidence is not None:
                    verdict = NOT_COLLIDER if nodes[k] in evidence.given else COLLIDER
                    p_value = evidence.result.p_value
                found.append(((a, k, b), verdict, p_value))
        found.sort(key=lambda row: (row[1] == AMBIGUOUS, -row[2], row[0]))
        return Statements(
            np.array([row[0] for row in found], dtype=np.intp).reshape(-1, 3),
            np.array([row[1] for row in found], dtype=np.int8),
            np.array([row[2] for row in found], dtype=np.float64),
        )


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of a graph: column numbers of its nodes, arrows, open edges, what was explored."""

    nodes: list[int]
    arrows: BoolArray
    loose: BoolArray
    explored: set[int]

    def next_after(self, target: int) -> int | None:
        """The nearest node not yet explored that open edges join to the target."""
        layer = np.array([k == target for k in self.nodes])
        seen = layer
        while layer.any():
            layer = self.loose[layer].any(axis=0) & ~seen
            seen = seen | layer
            for t in np.flatnonzero(layer).tolist():
                if self.nodes[t] not in self.explored:
                    return self.nodes[t]
        return None

    def ends(self) -> NDArray[np.uint8]:
        """Marks, as :class:`CausalGraph` wants them."""
        ends = np.zeros(self.arrows.shape, dtype=np.uint8)
        ends[self.arrows], ends[self.arrows.T], ends[self.loose] = ARROW, TAIL, TAIL
        return ends


def _close(arrows: BoolArray, loose: BoolArray, apart: BoolArray) -> tuple[BoolArray, BoolArray]:
    """Meek's rules, where two nodes count as not adjacent only if that is known.

    Rule 4 adds nothing to the other three without background knowledge.
    """
    while True:
        rule_1 = arrows.T @ apart  # k -> i - j, k and j apart
        rule_2 = arrows @ arrows  # i -> k -> j
        forced = loose & (rule_1 | rule_2)
        for i, j in np.argwhere(loose & ~forced).tolist():
            between = loose[i] & arrows[:, j]  # i - k -> j, i - l -> j, k and l apart
            forced[i, j] = apart[np.ix_(between, between)].any()
        if not forced.any():
            return arrows, loose
        arrows = arrows | forced
        loose = loose & ~(forced | forced.T)
