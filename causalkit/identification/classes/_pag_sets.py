"""A PAG as bit sets, and what IDP and CIDP ask of it: buckets, pc-components, rule 2.

One integer is a set of nodes, bit k for node k, as in
:mod:`~causalkit.identification.general.mixed`. A sub-graph is never built: every question takes the
set `within` which it is asked. Whether an edge is visible is a matter of the whole graph, in
sub-graphs too.

>>> pag = PagSets.of(CausalGraph.parse("PAG: A o-o B; C o-> D; B o-> D"))
>>> [pag.names(bucket) for bucket in pag.buckets(pag.all)]
[('A', 'B'), ('C',), ('D',)]
>>> pag.names(pag.pc_component(pag.bits(("C",)), pag.all))
('B', 'C', 'D')
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from causalkit.graph import ARROW, CIRCLE, TAIL, CausalGraph
from causalkit.graph.mag import Marks, visible
from causalkit.identification.general.mixed import each
from causalkit.typing import BoolArray, Name

__all__ = ["PagSets", "rule_2"]


@dataclass(frozen=True, slots=True)
class PagSets:
    """Rows of bit sets: bit w of `rows[v]` says that v and w are joined in this way."""

    graph: CausalGraph
    circles: tuple[int, ...]
    """`v o-o w`"""
    spouses: tuple[int, ...]
    """`v <-> w`"""
    onward: tuple[int, ...]
    """`v o-o w`, `v o-> w` or `v -> w`: w may be an effect of v."""
    back: tuple[int, ...]
    """The same, read from w."""
    clouded: tuple[int, ...]
    """`v o-> w`, or `v -> w` that is not visible: a hidden cause may act on both."""
    clouding: tuple[int, ...]
    """The same, read from w."""

    @classmethod
    def of(cls, graph: CausalGraph) -> PagSets:
        """Read a PAG or a MAG."""
        at_far, at_near = graph.ends, graph.ends.T
        circles = (at_far == CIRCLE) & (at_near == CIRCLE)
        arrows = (at_far == ARROW) & (at_near != ARROW)
        onward = circles | arrows
        clouded = arrows & ~visible(graph)
        matrices = (circles, graph.bidirected, onward, onward.T, clouded, clouded.T)
        return cls(graph, *map(_rows, matrices))

    @property
    def all(self) -> int:
        """The set of all nodes."""
        return (1 << len(self.graph.nodes)) - 1

    def bits(self, names: tuple[Name, ...]) -> int:
        """The set of these nodes."""
        return sum(1 << k for k in self.graph.indices(names))

    def names(self, mask: int) -> tuple[Name, ...]:
        """Names in a set, in the order of the graph."""
        return tuple(self.graph.nodes[k] for k in each(mask))

    def buckets(self, within: int) -> Iterator[int]:
        """Yield the buckets of a sub-graph."""
        while within:
            found = _closure(self.circles, within & -within, within)
            yield found
            within &= ~found

    def possible_descendants(self, mask: int, within: int) -> int:
        """Nodes of a sub-graph that a set may affect, itself included."""
        return _closure(self.onward, mask, within)

    def possible_ancestors(self, mask: int, within: int) -> int:
        """Nodes of a sub-graph that may affect a set, itself included."""
        return _closure(self.back, mask, within)

    def pc_component(self, mask: int, within: int) -> int:
        """Nodes that share a hidden cause with one of these in some member, or are among them.

        A path of colliders over edges that are not visible: it may leave by such an edge, runs on
        over `<->`, and may end against one.
        """
        found = 0
        for node in each(mask):
            bit = 1 << node
            between = _closure(self.spouses, (bit | self.clouded[node]) & within, within)
            found |= between | _union(self.clouding, between) | self.circles[node]
        return found & within

    def region(self, mask: int, within: int) -> int:
        """The buckets of a sub-graph that the pc-component of a set meets."""
        return _closure(self.circles, self.pc_component(mask, within), within)


def _rows(matrix: BoolArray) -> tuple[int, ...]:
    rows = [0] * len(matrix)
    for i, j in np.argwhere(matrix).tolist():
        rows[i] |= 1 << j
    return tuple(rows)


def _union(rows: tuple[int, ...], mask: int) -> int:
    found = 0
    for node in each(mask):
        found |= rows[node]
    return found


def _closure(rows: tuple[int, ...], start: int, within: int) -> int:
    found = fresh = start & within
    while fresh:
        fresh = _union(rows, fresh) & within & ~found
        found |= fresh
    return found


# --- rule 2 of the do-calculus ------------------------------------------------------------------


def rule_2(pag: PagSets, moved: int, y: int, z: int, held: int) -> bool:
    """Whether `P(y | do(held), do(moved), z) = P(y | do(held), moved, z)` in all members.

    Sufficient: no definite status path joins `moved` and y given `held` and z once edges with an
    arrow into `held` and visible edges out of `moved` are cut.
    """
    graph = pag.graph
    into, out = (np.zeros(len(graph.nodes), dtype=np.bool_) for _ in range(2))
    into[list(each(held))] = True
    out[list(each(moved))] = True
    cut = (graph.ends == ARROW) & into[None, :] | visible(graph) & out[:, None]
    ends = np.where(cut | cut.T, 0, graph.ends).astype(np.uint8)
    return not _connected(ends, moved, held | z) & y


def _connected(ends: Marks, start: int, given: int) -> int:
    """Nodes that an open walk of definite status joins to `start`."""
    p = len(ends)
    parents = _rows((ends.T == ARROW) & (ends == TAIL))
    opened = _closure(parents, given, (1 << p) - 1)
    found, waiting = 0, [(u, v) for u in each(start) for v in np.flatnonzero(ends[u]).tolist()]
    seen = set(waiting)
    while waiting:
        u, v = waiting.pop()
        found |= 1 << v
        for w in np.flatnonzero(ends[v]).tolist():
            if w != u and (v, w) not in seen and _passes(ends, u, v, w, given, opened):
                seen.add((v, w))
                waiting.append((v, w))
    return found


def _passes(ends: Marks, u: int, v: int, w: int, given: int, opened: int) -> bool:
    """Whether a triple has definite status and is open."""
    near, far = ends[u, v], ends[w, v]
    if near == far == ARROW:
        return bool(opened >> v & 1)
    definite = TAIL in (near, far) or (near == far == CIRCLE and ends[u, w] == 0)
    return definite and not given >> v & 1
