"""`CausalGraph`: nodes, edges with marks, and a kind. Immutable and hashable.

The graph is the one currency of causalkit: discovery returns it, identification reads it, models
are built on it. It is stored as one matrix of mark bits: `ends[i, j]` holds the marks at **j's**
end of the edge between i and j, so `ends[i, j] == ARROW` and `ends[j, i] == TAIL` is `i -> j`.

>>> from causalkit.graph import CausalGraph
>>> graph = CausalGraph.parse("Z -> X -> Y; Z -> Y; X <-> Y")
>>> graph.kind.name, sorted(graph.parents("Y"))
('ADMG', ['X', 'Z'])
>>> print(graph)
ADMG with 3 nodes, 4 edges: Z -> X; Z -> Y; X -> Y; X <-> Y

The verbs live next door: :mod:`~causalkit.graph.separation`, :mod:`~causalkit.graph.equivalence`,
:mod:`~causalkit.graph.latent`; the forms of other libraries in :mod:`~causalkit.graph.convert`,
:mod:`~causalkit.graph.dot` and :mod:`~causalkit.graph.formats`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from itertools import pairwise, product
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from causalkit._core.checks import as_names
from causalkit.errors import CycleError, GraphError, InputError, UnknownVariableError
from causalkit.graph import marks
from causalkit.graph._exchange import Exchange
from causalkit.graph._validity import (
    as_kind,
    check_expressible,
    check_kind,
    check_shape,
    closure,
    occupied,
    pairs_with,
    plainest_kind,
    topological_order,
)
from causalkit.graph.marks import ARROW, CIRCLE, TAIL, Edge, Kind
from causalkit.typing import BoolArray, IntArray, Name, Names

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["CausalGraph"]


class CausalGraph(Exchange):
    """A causal graph over named nodes.

    Parameters
    ----------
    nodes : iterable of str or int
        Node names, unique.
    ends : array of uint8, shape (n_nodes, n_nodes)
        Mark bits: `ends[i, j]` are the marks at j's end of the edge between i and j
        (TAIL=1, ARROW=2, CIRCLE=4; 0 where there is no edge).
    kind : Kind or str, optional
        DAG, ADMG, CPDAG, MAG or PAG. Left out, the plainest kind that has these edges.

    Raises
    ------
    GraphError
        If the edges are not edges of that kind, or a directed cycle is among them (CycleError).

    Notes
    -----
    Two graphs are equal if they have the same kind, the same nodes and the same edges, in
    whatever order the nodes are listed.
    """

    nodes: tuple[Name, ...]
    ends: NDArray[np.uint8]
    kind: Kind

    def __init__(
        self, nodes: Iterable[Name], ends: NDArray[Any], kind: Kind | str | None = None
    ) -> None:
        names = tuple(nodes)
        given = np.asarray(ends)
        check_shape(names, given)
        matrix = given.astype(np.uint8)  # a copy
        matrix.flags.writeable = False
        vars(self).update(nodes=names, ends=matrix)
        vars(self)["kind"] = plainest_kind(matrix) if kind is None else as_kind(kind)
        check_kind(self)

    # --- constructors ----------------------------------------------------------------------------

    @classmethod
    def _of(cls, nodes: tuple[Name, ...], ends: NDArray[np.uint8], kind: Kind) -> CausalGraph:
        """Build without a check, from parts that are known to be sound; `ends` is given away."""
        graph = cls.__new__(cls)
        ends.flags.writeable = False
        vars(graph).update(nodes=nodes, ends=ends, kind=kind)
        return graph

    @classmethod
    def from_edges(
        cls,
        nodes: Iterable[Name],
        edges: Iterable[Edge | tuple[Name, Name] | tuple[Name, Name, str]],
        kind: Kind | str | None = None,
    ) -> CausalGraph:
        """Build from :class:`Edge` objects, (cause, effect) pairs, (left, right, symbol) triples.

        Examples
        --------
        >>> print(CausalGraph.from_edges("ABC", [("A", "B"), ("C", "B")]))
        DAG with 3 nodes, 2 edges: A -> B; C -> B
        >>> print(CausalGraph.from_edges("AB", [("A", "B"), ("A", "B", "<->")]))
        ADMG with 2 nodes, 2 edges: A -> B; A <-> B
        """
        names = tuple(nodes)
        where = {name: k for k, name in enumerate(names)}
        ends = np.zeros((len(names), len(names)), dtype=np.uint8)
        for edge in edges:
            left, right, symbol = _triple(edge)
            for name in (left, right):
                if name not in where:
                    raise UnknownVariableError.among(name, names, where="the list of nodes")
            if symbol not in marks.SYMBOLS:
                known = ", ".join(marks.SYMBOLS)
                raise GraphError(f"{symbol!r} is no edge; expected one of {known}.")
            at_left, at_right = marks.SYMBOLS[symbol]
            i, j = where[left], where[right]
            if i == j:
                raise GraphError(f"{edge} joins a node to itself; expected two nodes.")
            ends[j, i] |= at_left
            ends[i, j] |= at_right
            check_expressible(Edge(left, right, symbol), int(ends[j, i]), int(ends[i, j]))
        return cls(names, ends, kind)

    # --- structure as arrays (for code) ----------------------------------------------------------

    @cached_property
    def directed(self) -> BoolArray:
        """Matrix of `i -> j`, shape (n_nodes, n_nodes)."""
        return self._joined(TAIL, ARROW)

    @cached_property
    def bidirected(self) -> BoolArray:
        """Matrix of `i <-> j`, symmetric."""
        return self._joined(ARROW, ARROW)

    @cached_property
    def undirected(self) -> BoolArray:
        """Matrix of `i -- j`, symmetric."""
        return self._joined(TAIL, TAIL)

    def _joined(self, at_i: int, at_j: int) -> BoolArray:
        matrix = np.zeros(self.ends.shape, dtype=np.bool_)
        matrix[pairs_with(self.ends, at_i, at_j)] = True
        return _read_only(matrix)

    @cached_property
    def adjacency(self) -> BoolArray:
        """Matrix of nodes joined by any edge, symmetric."""
        return _read_only(self.ends > 0)

    @cached_property
    def steps(self) -> Mapping[str, tuple[tuple[int, ...], ...]]:
        """Ways to walk, by the symbol as it reads in walking direction.

        `steps["<-"][i]` are the nodes to which one may step from i against an arrow, in order. Only
        symbols that occur are listed; both directions of every edge are.
        """
        rows, columns = occupied(self.ends)
        at_i, at_j = self.ends[columns, rows], self.ends[rows, columns]
        found = {}
        for near, far in product((TAIL, ARROW, CIRCLE), repeat=2):
            held = np.flatnonzero((at_i & near > 0) & (at_j & far > 0))
            if len(held):
                found[marks.glyph(near, far)] = _lists(rows[held], columns[held], len(self.nodes))
        return MappingProxyType(found)

    @cached_property
    def _where(self) -> dict[Name, int]:
        return {name: k for k, name in enumerate(self.nodes)}

    def index(self, name: Name) -> int:
        """Position of a node."""
        try:
            return self._where[name]
        except (KeyError, TypeError):
            raise UnknownVariableError.among(name, self.nodes, where="the graph") from None

    def indices(self, names: Names | None) -> list[int]:
        """Positions of one node or several, in the order asked for."""
        return [self.index(name) for name in as_names(names)]

    def names(self, where: Iterable[int] | IntArray) -> frozenset[Name]:
        """Names at these positions."""
        return frozenset(self.nodes[k] for k in where)

    @cached_property
    def order(self) -> IntArray:
        """Positions in a topological order of the directed edges; ties in node order."""
        order = topological_order(self.directed)
        if order is None:
            raise CycleError("the directed edges have a cycle.")
        return order

    # --- neighbourhoods --------------------------------------------------------------------------

    def parents(self, names: Names) -> frozenset[Name]:
        """Nodes with a directed edge into any of `names`."""
        return self.names(np.flatnonzero(self.directed[:, self.indices(names)].any(axis=1)))

    def children(self, names: Names) -> frozenset[Name]:
        """Nodes that any of `names` has a directed edge into."""
        return self.names(np.flatnonzero(self.directed[self.indices(names)].any(axis=0)))

    def spouses(self, names: Names) -> frozenset[Name]:
        """Nodes joined to any of `names` by `<->`."""
        return self.names(np.flatnonzero(self.bidirected[self.indices(names)].any(axis=0)))

    def neighbors(self, names: Names) -> frozenset[Name]:
        """Nodes joined to any of `names` by `--`."""
        return self.names(np.flatnonzero(self.undirected[self.indices(names)].any(axis=0)))

    def adjacent(self, names: Names) -> frozenset[Name]:
        """Nodes joined to any of `names` by any edge."""
        return self.names(np.flatnonzero(self.adjacency[self.indices(names)].any(axis=0)))

    def ancestors(self, names: Names) -> frozenset[Name]:
        """Nodes with a directed path into any of `names`; a node is its own ancestor."""
        return self.names(np.flatnonzero(closure(self.directed.T, self.indices(names))))

    def descendants(self, names: Names) -> frozenset[Name]:
        """Nodes that any of `names` has a directed path into; a node is its own descendant."""
        return self.names(np.flatnonzero(closure(self.directed, self.indices(names))))

    def districts(self) -> tuple[frozenset[Name], ...]:
        """Sets of nodes that hang together by `<->` (c-components), in node order."""
        left = set(range(len(self.nodes)))
        found = []
        while left:
            members = np.flatnonzero(closure(self.bidirected, [min(left)]))
            left -= set(members.tolist())
            found.append(self.names(members))
        return tuple(found)

    # --- edges -----------------------------------------------------------------------------------

    def edges(self) -> tuple[Edge, ...]:
        """All edges in node order; a directed edge starts at its cause."""
        pairs = np.argwhere(np.triu(self.adjacency))
        return tuple(edge for i, j in pairs.tolist() for edge in self._edges_of_pair(i, j))

    def edges_between(self, a: Name, b: Name) -> tuple[Edge, ...]:
        """Edges between two nodes: none, one, or two for a bow."""
        return tuple(self._edges_of_pair(self.index(a), self.index(b)))

    def _edges_of_pair(self, i: int, j: int) -> Iterator[Edge]:
        for at_i, at_j in marks.split_marks(int(self.ends[j, i]), int(self.ends[i, j])):
            a, b = self.nodes[i], self.nodes[j]
            symbol = marks.glyph(at_i, at_j)
            if symbol != marks.forwards(symbol):
                a, b, symbol = b, a, marks.forwards(symbol)
            yield Edge(a, b, symbol)

    def skeleton(self) -> frozenset[frozenset[Name]]:
        """Pairs of adjacent nodes."""
        pairs = np.argwhere(np.triu(self.adjacency)).tolist()
        return frozenset(frozenset((self.nodes[i], self.nodes[j])) for i, j in pairs)

    # --- graphs from this graph ------------------------------------------------------------------

    def subgraph(self, names: Names) -> CausalGraph:
        """Return the graph on these nodes and the edges among them, in the order of this graph."""
        keep = sorted(self.indices(names))
        nodes = tuple(self.nodes[k] for k in keep)
        return CausalGraph._of(nodes, self.ends[np.ix_(keep, keep)], self.kind)

    def without_edges(
        self, *, into: Names | None = None, out_of: Names | None = None
    ) -> CausalGraph:
        """Cut edges with an arrow `into` these nodes, and directed edges `out_of` those.

        Examples
        --------
        >>> graph = CausalGraph.parse("X -> Y; X <-> Y; Y -> Z")
        >>> print(graph.without_edges(out_of="X"))
        ADMG with 3 nodes, 2 edges: X <-> Y; Y -> Z
        """
        hit, cut = set(self.indices(into)), set(self.indices(out_of))
        kept = []
        for edge in self.edges():
            i, j = self.index(edge.left), self.index(edge.right)
            into_right = j in hit and edge.symbol.endswith(">")
            into_left = i in hit and edge.symbol.startswith("<")
            leaves = i in cut and edge.symbol == "->"
            if not (into_right or into_left or leaves):
                kept.append(edge)
        return CausalGraph.from_edges(self.nodes, kept, self.kind)

    def do(self, names: Names) -> CausalGraph:
        """Return the graph after an intervention on `names`: nothing points into them any more.

        Raises
        ------
        GraphError
            If the graph is a class of graphs (CPDAG, PAG) or a MAG: which edges an intervention
            cuts is then not known.
        """
        if self.kind not in (Kind.DAG, Kind.ADMG):
            raise GraphError(
                f"do() on a {self.kind.name}; expected a DAG or an ADMG. Ask identify(), which "
                "reasons about every member of the class."
            )
        return self.without_edges(into=names)

    def reordered(self, names: Iterable[Name]) -> CausalGraph:
        """Return the same graph with its nodes listed in another order."""
        nodes = tuple(names)
        if nodes == self.nodes:
            return self
        place = np.full(len(self.nodes), -1, dtype=np.intp)
        place[[self.index(name) for name in nodes]] = np.arange(len(nodes))
        if len(nodes) != len(place) or place.min(initial=0) < 0:
            raise InputError(
                "reordered() got other nodes than the graph has; expected all of them."
            )
        rows, columns = occupied(self.ends)
        ends = np.zeros_like(self.ends)
        ends[place[rows], place[columns]] = self.ends[rows, columns]
        return CausalGraph._of(nodes, ends, self.kind)

    def to_cpdag(self) -> CausalGraph:
        """Return the equivalence class of a DAG; see :func:`causalkit.graph.dag_to_cpdag`."""
        from causalkit.graph.equivalence import dag_to_cpdag

        return dag_to_cpdag(self)

    # --- how it shows itself ---------------------------------------------------------------------

    def plot(self, ax: Axes | None = None, **style: Any) -> Axes:
        """Draw on matplotlib axes; see :func:`causalkit.plotting.plot_graph`.

        Among its options: `treatment=`, `outcome=`, `adjustment=` and `highlight=` colour nodes,
        `confidence=` draws edges by how sure they are, `focus=` leaves out what has no bearing.
        """
        from causalkit.plotting import plot_graph

        return plot_graph(self, ax=ax, **style)

    def _repr_svg_(self) -> str | None:
        if len(self.nodes) > 100:
            return None  # a notebook then shows the text; plot() still draws
        from causalkit.plotting import graph_svg

        return graph_svg(self)

    def __str__(self) -> str:
        edges = self.edges()
        counts = f"{len(self.nodes)} node{'s' * (len(self.nodes) != 1)}"
        counts += f", {len(edges)} edge{'s' * (len(edges) != 1)}"
        shown = "; ".join(map(str, edges[:40])) + ("; …" if len(edges) > 40 else "")
        return f"{self.kind.name} with {counts}" + (f": {shown}" if shown else "")

    def __repr__(self) -> str:
        return str(self)

    # --- value semantics -------------------------------------------------------------------------

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(
            f"CausalGraph is immutable; build a new one instead of setting {name}."
        )

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"CausalGraph is immutable; it keeps {name}.")

    def __reduce__(self) -> tuple[Any, ...]:
        return CausalGraph, (self.nodes, np.array(self.ends), self.kind)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, CausalGraph):
            return NotImplemented
        if self.kind is not other.kind or len(self.nodes) != len(other.nodes):
            return False
        if self.nodes == other.nodes:
            return bool(np.array_equal(self.ends, other.ends))
        if set(self.nodes) != set(other.nodes):
            return False
        order = [other._where[name] for name in self.nodes]
        return bool(np.array_equal(self.ends, other.ends[np.ix_(order, order)]))

    def __hash__(self) -> int:
        return hash((self.kind, frozenset(self.nodes), int(np.count_nonzero(self.ends))))

    def __contains__(self, name: object) -> bool:
        return name in self._where

    def __len__(self) -> int:
        return len(self.nodes)


def _read_only(matrix: BoolArray) -> BoolArray:
    matrix.flags.writeable = False
    return matrix


def _lists(rows: IntArray, columns: IntArray, size: int) -> tuple[tuple[int, ...], ...]:
    """Columns of each row; `rows` ascend."""
    bounds = np.searchsorted(rows, np.arange(size + 1)).tolist()
    every = columns.tolist()
    return tuple(tuple(every[since:until]) for since, until in pairwise(bounds))


def _triple(edge: Any) -> tuple[Name, Name, str]:
    """Left, right and symbol of an edge in any form that `from_edges` takes."""
    if isinstance(edge, Edge):
        return edge.left, edge.right, edge.symbol
    parts = tuple(edge) if isinstance(edge, (tuple, list)) else ()
    if len(parts) == 2:
        return parts[0], parts[1], "->"
    if len(parts) == 3:
        return parts[0], parts[1], parts[2]
    raise InputError(
        f"{edge!r} is no edge; expected an Edge, a pair (cause, effect), or a triple such as "
        "('X', 'Y', '<->')."
    )
