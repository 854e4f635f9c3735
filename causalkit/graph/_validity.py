"""What makes a graph of each kind: the edges it may have, and how they may run.

Functions over names and mark bits; :class:`~causalkit.graph.CausalGraph` calls them once, when it
is made. The order of causes before effects, which shows that there is no cycle, lives here too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from causalkit.errors import CycleError, GraphError, InputError
from causalkit.graph import marks
from causalkit.graph.marks import ARROW, TAIL, Edge, Kind
from causalkit.typing import BoolArray, IntArray, Name

if TYPE_CHECKING:
    from causalkit.graph.graph import CausalGraph

__all__ = [
    "as_kind",
    "causal_order",
    "chained",
    "check_expressible",
    "check_kind",
    "check_shape",
    "closure",
    "occupied",
    "pairs_with",
    "plainest_kind",
    "topological_order",
]

_ALLOWED: Mapping[Kind, frozenset[str]] = {
    Kind.DAG: frozenset({"->"}),
    Kind.ADMG: frozenset({"->", "<->"}),
    Kind.CPDAG: frozenset({"->", "--"}),
    Kind.MAG: frozenset({"->", "<->", "--"}),
    Kind.PAG: frozenset({"->", "<->", "--", "o->", "o-o", "o--"}),
}


_HELD = np.array([[mark & bit > 0 for mark in range(8)] for bit in range(8)])
"""Whether a set of marks has one of these bits, `_HELD[bits, marks]`."""


def occupied(ends: NDArray[np.uint8]) -> tuple[IntArray, IntArray]:
    """Rows and columns of the cells with a mark, row by row."""
    rows, columns = np.divmod(np.flatnonzero(ends != 0), max(1, len(ends)))
    return rows, columns


def pairs_with(ends: NDArray[np.uint8], at_i: int, at_j: int) -> tuple[IntArray, IntArray]:
    """Pairs (i, j) that an edge with these marks joins, row by row."""
    rows, columns = occupied(ends)
    held = _HELD[at_i, ends[columns, rows]] & _HELD[at_j, ends[rows, columns]]
    return rows[held], columns[held]


def _symbols(ends: NDArray[np.uint8], rows: IntArray, columns: IntArray) -> set[str]:
    """Symbols of the edges in these cells."""
    both_ends = ends[columns, rows].astype(np.intp) * 8 + ends[rows, columns]
    codes = np.flatnonzero(np.bincount(both_ends)).tolist()
    return {symbol for code in codes for symbol in _symbols_of(code)}


@lru_cache
def _symbols_of(code: int) -> frozenset[str]:
    pairs = marks.split_marks(*divmod(code, 8))
    return frozenset(marks.forwards(marks.glyph(*pair)) for pair in pairs)


def plainest_kind(ends: NDArray[np.uint8]) -> Kind:
    """The first of DAG, ADMG, CPDAG, MAG, PAG that has all these edges."""
    symbols = _symbols(ends, *occupied(ends))
    plainest = (Kind.DAG, Kind.ADMG, Kind.CPDAG, Kind.MAG, Kind.PAG)
    return next(kind for kind in plainest if symbols <= _ALLOWED[kind])


def check_kind(graph: CausalGraph) -> None:
    """Raise if the edges do not make a graph of its kind."""
    rows, columns = occupied(graph.ends)
    foreign = _symbols(graph.ends, rows, columns) - _ALLOWED[graph.kind]
    if foreign:
        allowed = ", ".join(sorted(_ALLOWED[graph.kind]))
        raise GraphError(
            f"a {graph.kind.name} has no {', '.join(sorted(foreign))} edges; expected "
            f"{allowed}. Name another kind, or leave the kind out."
        )
    if causal_order(len(graph.nodes), *pairs_with(graph.ends, TAIL, ARROW)) is None:
        cycle = " -> ".join(marks.show_name(graph.nodes[k]) for k in _some_cycle(graph.directed))
        raise CycleError(
            f"the directed edges run in a circle: {cycle}; expected no directed cycle. Remove "
            "or turn one of these edges."
        )
    if graph.kind is Kind.MAG:
        _check_ancestral(graph)
    if graph.kind in (Kind.CPDAG, Kind.MAG, Kind.PAG):
        _check_single_edges(graph, rows, columns)


def _check_ancestral(graph: CausalGraph) -> None:
    below = _descendants(graph.directed)
    for i in np.flatnonzero(graph.bidirected.any(axis=0)).tolist():
        for j in np.flatnonzero(below[i] & graph.bidirected[i]).tolist():
            a, b = marks.show_name(graph.nodes[i]), marks.show_name(graph.nodes[j])
            raise GraphError(
                f"{a} <-> {b} although {a} is an ancestor of {b}; expected an ancestral graph "
                "(MAG). Use kind ADMG."
            )
    entered = (graph.directed | graph.bidirected).any(axis=0)
    for i in np.flatnonzero(graph.undirected.any(axis=0) & entered).tolist():
        raise GraphError(
            f"{marks.show_name(graph.nodes[i])} has an arrow into it and an undirected edge; "
            "expected an ancestral graph (MAG), in which `--` (selection) excludes arrows. "
            "Check these edges, or use kind CPDAG if `--` means undecided."
        )


def _descendants(directed: BoolArray) -> BoolArray:
    """Who each node is an ancestor of, itself included; no directed cycle is there."""
    below = np.eye(len(directed), dtype=np.bool_)
    order = topological_order(directed)
    for node in () if order is None else order[::-1]:
        effects = np.flatnonzero(directed[node])
        if len(effects):
            below[node] |= below[effects].any(axis=0)
    return below


def check_expressible(edge: Edge, at_left: int, at_right: int) -> None:
    """Two edges between a pair share a mark at one end (a bow does), or the second is refused."""
    if at_left == at_right == TAIL | ARROW and edge.symbol in ("->", "<-"):
        left, right = marks.show_name(edge.left), marks.show_name(edge.right)
        raise CycleError(
            f"the edges between {left} and {right} point both ways; expected no directed cycle. "
            f"Remove one of {left} -> {right} and {right} -> {left}; where a hidden common cause "
            f"was meant write {left} <-> {right}, where the direction is open {left} -- {right}."
        )
    if at_left & (at_left - 1) and at_right & (at_right - 1):
        raise GraphError(
            f"{edge} contradicts another edge between the two; expected one edge a pair, or a bow "
            "(-> and <->). Remove one of them."
        )


def as_kind(kind: Kind | str) -> Kind:
    """Read a kind by its name."""
    if isinstance(kind, Kind):
        return kind
    try:
        return Kind[str(kind).upper()]
    except KeyError:
        known = ", ".join(repr(k.name) for k in Kind)
        raise InputError(f"kind={kind!r}; expected one of {known}.") from None


def check_shape(nodes: tuple[Name, ...], ends: NDArray[Any]) -> None:
    """Raise if names and mark bits do not describe a graph of any kind."""
    p = len(nodes)
    for name in nodes:
        if isinstance(name, bool) or not isinstance(name, (str, int)):
            raise InputError(f"a node is named {name!r}; expected strings or integers.")
    if len(set(nodes)) < p:
        twice = sorted({str(name) for name, count in Counter(nodes).items() if count > 1})
        raise InputError(f"node(s) {', '.join(twice)} occur more than once; expected unique names.")
    if ends.shape != (p, p):
        raise InputError(
            f"ends has shape {ends.shape}; expected ({p}, {p}), a row and a column a node."
        )
    plain = ends.dtype.kind in "biu"  # then the extremes tell
    if ends.size and not (
        ends.min() >= 0 and ends.max() <= 7 if plain else np.isin(ends, range(8)).all()
    ):
        raise InputError(
            "ends has entries that are no marks; expected integers from 0 to 7 (TAIL=1, ARROW=2, "
            "CIRCLE=4 and sums of them). Read other matrices with CausalGraph.from_adjacency."
        )
    if ends.diagonal().any():
        raise GraphError("an edge joins a node to itself; expected a zero diagonal.")
    rows, columns = occupied(ends)
    if not ends[columns, rows].all():
        raise GraphError("an edge has a mark at one end only; expected marks at both ends.")


def _check_single_edges(graph: CausalGraph, rows: IntArray, columns: IntArray) -> None:
    found = graph.ends[rows, columns]
    double = np.flatnonzero(found & (found - 1))
    if len(double):
        a, b = (graph.nodes[k[double[0]]] for k in (rows, columns))
        raise GraphError(f"{a} and {b} are joined twice; a {graph.kind.name} has one edge a pair.")


def chained(left: BoolArray, right: BoolArray) -> BoolArray:
    """Who comes to whom by a step of the one matrix and then a step of the other."""
    matrix: BoolArray = left.astype(np.float32) @ right.astype(np.float32) > 0
    return matrix


def closure(step: BoolArray, start: list[int]) -> BoolArray:
    """Nodes reached from `start` along `step[i, j]`, themselves included."""
    reached = np.zeros(len(step), dtype=np.bool_)
    reached[start] = True
    frontier = reached.copy()
    while frontier.any():
        frontier = step[frontier].any(axis=0) & ~reached
        reached |= frontier
    return reached


def topological_order(directed: BoolArray) -> IntArray | None:
    """Causes before effects, or None if there is a cycle."""
    cells = np.flatnonzero(directed)
    order = causal_order(len(directed), *np.divmod(cells, max(1, len(directed))))
    return None if order is None else np.array(order, dtype=np.intp)


def causal_order(n_nodes: int, tails: IntArray, heads: IntArray) -> list[int] | None:
    """Causes before effects, generation by generation, or None if there is a cycle.

    Edges come row by row: `tails` ascend.
    """
    effects = heads.tolist()
    starts = np.concatenate(([0], np.cumsum(np.bincount(tails, minlength=n_nodes)))).tolist()
    waiting = np.bincount(heads, minlength=n_nodes)
    order: list[int] = []
    ready, left = np.flatnonzero(waiting == 0).tolist(), waiting.tolist()
    while ready:
        order += ready
        freed = []
        for node in ready:
            for effect in effects[starts[node] : starts[node + 1]]:
                left[effect] -= 1
                if not left[effect]:
                    freed.append(effect)
        ready = sorted(freed)
    return order if len(order) == n_nodes else None


def _some_cycle(directed: BoolArray) -> list[int]:
    """One directed cycle, first node repeated at the end."""
    waiting = directed.sum(axis=0)
    ready = np.flatnonzero(waiting == 0).tolist()
    alive = np.ones(len(directed), dtype=np.bool_)
    while ready:  # peel nodes without a living parent; what is left has a cycle
        node = ready.pop()
        alive[node] = False
        effects = np.flatnonzero(directed[node])
        waiting[effects] -= 1
        ready += effects[waiting[effects] == 0].tolist()
    at, walk = int(np.flatnonzero(alive)[0]), dict[int, int]()
    while at not in walk:
        walk[at] = len(walk)
        at = int(np.flatnonzero(directed[:, at] & alive)[0])
    return [*list(walk)[walk[at] :], at][::-1]
