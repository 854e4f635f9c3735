"""What makes a graph of each kind: the edges it may have, and how they may run.

Functions over names and mark bits; :class:`~causalkit.graph.CausalGraph` calls them once, when it
is made. The order of causes before effects, which shows that there is no cycle, lives here too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from causalkit.errors import CycleError, GraphError, InputError
from causalkit.graph import marks
from causalkit.graph.marks import ARROW, CIRCLE, TAIL, Edge, Kind
from causalkit.typing import BoolArray, IntArray, Name

if TYPE_CHECKING:
    from causalkit.graph.graph import CausalGraph

__all__ = [
    "as_kind",
    "check_expressible",
    "check_kind",
    "check_shape",
    "closure",
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


def _symbols(ends: NDArray[np.uint8]) -> set[str]:
    """Symbols of the edges that occur."""
    i, j = np.nonzero(np.triu(ends))
    both_ends = np.unique(ends[j, i] * 8 + ends[i, j]).tolist()
    pairs = [pair for code in both_ends for pair in marks.split_marks(*divmod(code, 8))]
    return {marks.forwards(marks.glyph(*pair)) for pair in pairs}


def plainest_kind(ends: NDArray[np.uint8]) -> Kind:
    """The first of DAG, ADMG, CPDAG, MAG, PAG that has all these edges."""
    symbols = _symbols(ends)
    plainest = (Kind.DAG, Kind.ADMG, Kind.CPDAG, Kind.MAG, Kind.PAG)
    return next(kind for kind in plainest if symbols <= _ALLOWED[kind])


def check_kind(graph: CausalGraph) -> None:
    """Raise if the edges do not make a graph of its kind."""
    foreign = _symbols(graph.ends) - _ALLOWED[graph.kind]
    if foreign:
        allowed = ", ".join(sorted(_ALLOWED[graph.kind]))
        raise GraphError(
            f"a {graph.kind.name} has no {', '.join(sorted(foreign))} edges; expected "
            f"{allowed}. Name another kind, or leave the kind out."
        )
    if topological_order(graph.directed) is None:
        cycle = " -> ".join(marks.show_name(graph.nodes[k]) for k in _some_cycle(graph.directed))
        raise CycleError(
            f"the directed edges run in a circle: {cycle}; expected no directed cycle. Remove "
            "or turn one of these edges."
        )
    if graph.kind is Kind.MAG:
        _check_ancestral(graph)
    if graph.kind in (Kind.CPDAG, Kind.MAG, Kind.PAG):
        _check_single_edges(graph)


def _check_ancestral(graph: CausalGraph) -> None:
    for i in np.flatnonzero(graph.bidirected.any(axis=0)).tolist():
        for j in np.flatnonzero(closure(graph.directed, [i]) & graph.bidirected[i]).tolist():
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
        twice = sorted({str(name) for name in nodes if nodes.count(name) > 1})
        raise InputError(f"node(s) {', '.join(twice)} occur more than once; expected unique names.")
    if ends.shape != (p, p):
        raise InputError(
            f"ends has shape {ends.shape}; expected ({p}, {p}), a row and a column a node."
        )
    if not np.isin(ends, range(8)).all():
        raise InputError(
            "ends has entries that are no marks; expected integers from 0 to 7 (TAIL=1, ARROW=2, "
            "CIRCLE=4 and sums of them). Read other matrices with CausalGraph.from_adjacency."
        )
    if ends.diagonal().any():
        raise GraphError("an edge joins a node to itself; expected a zero diagonal.")
    if ((ends > 0) != (ends.T > 0)).any():
        raise GraphError("an edge has a mark at one end only; expected marks at both ends.")


def _check_single_edges(graph: CausalGraph) -> None:
    double = np.argwhere(~np.isin(graph.ends, (0, TAIL, ARROW, CIRCLE)))
    if len(double):
        a, b = (graph.nodes[k] for k in double[0])
        raise GraphError(f"{a} and {b} are joined twice; a {graph.kind.name} has one edge a pair.")


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
    waiting = directed.sum(axis=0)
    order: list[int] = []
    ready = np.flatnonzero(waiting == 0)
    while len(ready):
        order += ready.tolist()
        waiting = waiting - directed[ready].sum(axis=0)
        waiting[ready] = -1
        ready = np.flatnonzero(waiting == 0)
    return np.array(order, dtype=np.intp) if len(order) == len(directed) else None


def _some_cycle(directed: BoolArray) -> list[int]:
    """One directed cycle, first node repeated at the end."""
    alive = np.ones(len(directed), dtype=np.bool_)
    while True:  # peel nodes without a living parent; what is left has a cycle
        dead = alive & ~directed[alive].any(axis=0)
        if not dead.any():
            break
        alive &= ~dead
    walk = [int(np.flatnonzero(alive)[0])]
    while walk[-1] not in walk[:-1]:
        walk.append(int(np.flatnonzero(directed[:, walk[-1]] & alive)[0]))
    start = walk.index(walk[-1])
    return walk[start:][::-1]
