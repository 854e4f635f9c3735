"""A DAG or ADMG as bit sets: one integer a set of nodes, so that set algebra is one instruction.

General identification asks hundreds of small questions about sub-graphs: the ancestors of a set
within another, its districts, whether a district has changed. On a set of nodes written as an
integer, bit k for node k, union, intersection and difference are `|`, `&` and `& ~`, and a graph
of some hundred nodes fits into a few words. A sub-graph is never built: every question takes the
set `within` which it is asked.

>>> from causalkit.graph import CausalGraph
>>> mixed = Mixed.of(CausalGraph.parse("W -> X -> Z -> Y; X <-> Y; W <-> Y"))
>>> [sorted(mixed.names(district)) for district in mixed.districts(mixed.all)]
[['W', 'X', 'Y'], ['Z']]
>>> sorted(mixed.names(mixed.ancestors(mixed.bits(["Z"]), mixed.all)))
['W', 'X', 'Z']
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from causalkit.errors import GraphError
from causalkit.graph import CausalGraph, Kind
from causalkit.typing import BoolArray, Name

__all__ = ["Mixed", "each"]

_KINDS: Final = (Kind.DAG, Kind.ADMG)


def each(mask: int) -> Iterator[int]:
    """Yield the positions of the bits that are set, lowest first."""
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low


@dataclass(frozen=True, slots=True)
class Mixed:
    """Parents, children and spouses of every node as bit sets; nodes in a topological order.

    Node k of the bit sets is `nodes[k]`, and causes come before effects, so that the lower bits of
    a set are what precedes.
    """

    nodes: tuple[Name, ...]
    parents: tuple[int, ...]
    children: tuple[int, ...]
    spouses: tuple[int, ...]
    where: dict[Name, int]

    @classmethod
    def of(cls, graph: CausalGraph) -> Mixed:
        """Read a DAG or an ADMG.

        Raises
        ------
        GraphError
            If it is of another kind.
        """
        if graph.kind not in _KINDS:
            raise GraphError(
                f"this question is about a DAG or an ADMG, and the graph is a {graph.kind.name}; "
                "expected every edge to be -> or <->."
            )
        order = graph.order
        nodes = tuple(graph.nodes[k] for k in order)
        rank = np.empty(len(order), dtype=np.int64)
        rank[order] = np.arange(len(order))
        return cls(
            nodes,
            _rows(graph.directed.T, rank),
            _rows(graph.directed, rank),
            _rows(graph.bidirected, rank),
            {name: k for k, name in enumerate(nodes)},
        )

    @property
    def all(self) -> int:
        """The set of all nodes."""
        return (1 << len(self.nodes)) - 1

    def bits(self, names: Iterable[Name]) -> int:
        """The set of these nodes."""
        found = 0
        for name in names:
            found |= 1 << self.where[name]
        return found

    def names(self, mask: int) -> tuple[Name, ...]:
        """Names in a set, causes first."""
        return tuple(self.nodes[k] for k in each(mask))

    def parents_of(self, mask: int) -> int:
        """Direct causes of any node of the set; some of them may be in it."""
        return _union(self.parents, mask)

    def children_of(self, mask: int) -> int:
        """Direct effects of any node of the set; some of them may be in it."""
        return _union(self.children, mask)

    def ancestors(self, mask: int, within: int) -> int:
        """Nodes with a directed path to the set, all of it in `within`; the set included."""
        return _closure(self.parents, mask & within, within)

    def descendants(self, mask: int, within: int) -> int:
        """Nodes that the set has a directed path to, all of it in `within`; the set included."""
        return _closure(self.children, mask & within, within)

    def district(self, mask: int, within: int) -> int:
        """Nodes that hang together with the set by `<->` inside `within`; the set included."""
        return _closure(self.spouses, mask & within, within)

    def districts(self, within: int) -> Iterator[int]:
        """Yield the districts (c-components) of the sub-graph, that with the first node first."""
        while within:
            found = _closure(self.spouses, within & -within, within)
            yield found
            within &= ~found

    def connected(self, start: int, given: int, *, no_in: int = 0, no_out: int = 0) -> int:
        """Nodes that an open path given `given` joins to `start`, itself included.

        Edges with an arrow into `no_in`, and directed edges out of `no_out`, are taken away first.
        """
        opened = _closure_without(self.parents, given, no_in, no_out)
        by_tail, by_head = start, 0  # how a node was entered; at the start every edge may leave
        fresh_tail, fresh_head = start, 0
        while fresh_tail or fresh_head:
            onward = fresh_tail & ~given | (start & fresh_tail)
            climbing = (onward | fresh_head & opened) & ~no_in
            falling = (onward | fresh_head & ~given) & ~no_out
            fresh_tail = _union(self.parents, climbing) & ~no_out & ~by_tail
            arrows = _union(self.spouses, climbing) | _union(self.children, falling)
            fresh_head = arrows & ~no_in & ~by_head
            by_tail |= fresh_tail
            by_head |= fresh_head
        return by_tail | by_head


def _rows(matrix: BoolArray, rank: np.ndarray) -> tuple[int, ...]:
    """Rows of a matrix as bit sets; row and column i become `rank[i]`."""
    rows = [0] * len(rank)
    at, to = np.nonzero(matrix)
    for i, j in zip(rank[at].tolist(), rank[to].tolist(), strict=True):
        rows[i] |= 1 << j
    return tuple(rows)


def _union(rows: tuple[int, ...], mask: int) -> int:
    found = 0
    while mask:
        low = mask & -mask
        found |= rows[low.bit_length() - 1]
        mask ^= low
    return found


def _closure(rows: tuple[int, ...], start: int, within: int) -> int:
    """Everything that `start` reaches inside `within`."""
    found = fresh = start
    while fresh:
        fresh = _union(rows, fresh) & within & ~found
        found |= fresh
    return found


def _closure_without(rows: tuple[int, ...], start: int, no_in: int, no_out: int) -> int:
    """Ancestors once edges are taken away."""
    found = fresh = start
    while fresh:
        fresh = _union(rows, fresh & ~no_in) & ~no_out & ~found
        found |= fresh
    return found
