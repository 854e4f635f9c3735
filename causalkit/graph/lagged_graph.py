"""`LaggedGraph`: the causal graph of time series, the same at every time step.

What drives what does not change from step to step, so a graph of series is told by the edges that
end at t. They are kept as a :class:`~causalkit.graph.CausalGraph` over the nodes
`X[t], Y[t], X[t-1], …` (`template`), and there are two ways on from there: `unroll` repeats them
over a window of time, which is a plain graph for everything that reads one, and `summary_graph`
forgets the lags.

>>> graph = LaggedGraph.parse("X[t-1] -> X[t]; X[t-2] -> Y[t]; Y[t] -> Z[t]")
>>> print(graph)
DAG of 3 series, lags to 2, 3 edges: Y[t] -> Z[t]; X[t-1] -> X[t]; X[t-2] -> Y[t]
>>> print(graph.unroll(2).subgraph(["X[t-2]", "X[t-1]", "X[t]"]))
DAG with 3 nodes, 2 edges: X[t-2] -> X[t-1]; X[t-1] -> X[t]
>>> print(graph.summary_graph())
3 series, 3 links: X -> X (1); X -> Y (2); Y -> Z (0)
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from causalkit.errors import GraphError, UnknownVariableError
from causalkit.graph._lagged_exchange import LaggedExchange
from causalkit.graph._validity import as_kind
from causalkit.graph.graph import CausalGraph
from causalkit.graph.lagged import Lagged, as_lagged
from causalkit.graph.lagged_template import ending_at_t, in_template, into_the_past, lagged_nodes
from causalkit.graph.marks import (
    ARROW,
    Edge,
    Kind,
    forwards,
    glyph,
    split_marks,
)
from causalkit.graph.summary import SummaryGraph, summarise
from causalkit.typing import BoolArray, Name

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["LaggedGraph"]

_MOST_SHOWN: Final = 40
_WIDTH: Final = 100
"""Of a line of the printed graph; no edge is broken in two."""


class LaggedGraph(LaggedExchange):
    """A causal graph over time series that is the same at every step.

    Parameters
    ----------
    variables : iterable of str or int
        The series.
    edges : iterable of Edge or (cause, effect)
        Between nodes such as `Lagged("X", 1)`, `"X[t-1]"` or `("X", 1)`; `"X"` is X[t]. An edge
        that lies wholly in the past is one that ends at t, some steps ago.
    max_lag : int, optional
        Longest lag; that of the edges if left out.
    kind : Kind or str, optional
        DAG, ADMG, CPDAG, MAG or PAG. Left out, the plainest kind that has these edges. A CPDAG is a
        class of graphs of series that share all independences, the order of time being known.

    Attributes
    ----------
    variables : tuple of names
    max_lag : int
    template : CausalGraph
        Nodes `X[t], Y[t], …, X[t-1], Y[t-1], …`, step by step into the past, and the edges with an
        end at t. What separates what is no question to it, since the past has no edges in it: ask
        `unroll(...)`.

    Raises
    ------
    GraphError
        If an edge runs into the past, or the edges within a step run in a circle.

    Notes
    -----
    Two graphs are equal if they have the same kind, series and edges, in whatever order the series
    are listed and however far back the lags were looked for.

    Examples
    --------
    >>> graph = LaggedGraph(["X", "Y"], [("X[t-1]", "Y"), (("Y", 1), "Y")])
    >>> sorted(graph.parents("Y"))
    [X[t-1], Y[t-1]]
    """

    variables: tuple[Name, ...]
    max_lag: int
    template: CausalGraph

    def __init__(
        self,
        variables: Iterable[Name],
        edges: Iterable[Edge | tuple[Any, Any]] = (),
        *,
        max_lag: int | None = None,
        kind: Kind | str | None = None,
    ) -> None:
        names = tuple(variables)
        found = [ending_at_t(edge, names) for edge in edges]
        ends = (node for edge in found for node in (edge.left, edge.right))
        longest = max((node.lag for node in ends), default=0)  # type: ignore[union-attr]
        if max_lag is not None and longest > max_lag:
            raise GraphError(
                f"an edge has a lag of {longest}; expected {max_lag} at most, as max_lag says. "
                "Give a larger max_lag, or leave it out."
            )
        nodes = lagged_nodes(names, longest if max_lag is None else max_lag)
        self._set(names, CausalGraph.from_edges(nodes, found, kind))

    def _set(self, variables: tuple[Name, ...], template: CausalGraph) -> None:
        max_lag = len(template.nodes) // len(variables) - 1 if variables else 0
        vars(self).update(variables=variables, template=template, max_lag=max_lag)

    @classmethod
    def _of(cls, variables: tuple[Name, ...], ends: NDArray[np.uint8], kind: Kind) -> LaggedGraph:
        """Build without a check from the mark bits of the template; `ends` is given away."""
        graph = cls.__new__(cls)
        nodes = lagged_nodes(variables, len(ends) // max(1, len(variables)) - 1)
        graph._set(variables, CausalGraph._of(nodes, ends, kind))
        return graph

    @classmethod
    def parse(
        cls, text: str, *, max_lag: int | None = None, kind: Kind | str | None = None
    ) -> LaggedGraph:
        """Read edges and lone nodes as :meth:`CausalGraph.parse` does.

        Examples
        --------
        >>> print(LaggedGraph.parse("X[t-1] -> Y[t] -- Z[t]; X[t-2] -> X[t-1]; W"))
        CPDAG of 4 series, lags to 1, 3 edges: Y[t] -- Z[t]; X[t-1] -> X[t]; X[t-1] -> Y[t]
        """
        read = CausalGraph.parse(text, kind)
        names = dict.fromkeys(as_lagged(node).name for node in read.nodes)
        return cls(names, read.edges(), max_lag=max_lag, kind=read.kind)

    @classmethod
    def from_marks(
        cls,
        variables: Iterable[Name],
        starts: NDArray[Any],
        ends: NDArray[Any],
        kind: Kind | str | None = None,
    ) -> LaggedGraph:
        """Build from the marks at both ends of the edges, by lag.

        Parameters
        ----------
        variables : iterable of names
        starts, ends : ndarrays of int, shape (max_lag + 1, n_variables, n_variables)
            `starts[l, i, j]` and `ends[l, i, j]`: the marks at variable i, l steps ago, and at
            variable j now, of the edge between them (TAIL=1, ARROW=2, CIRCLE=4; 0 for none). An
            edge within a step may be told once or from both sides.
        kind : Kind or str, optional
        """
        names = tuple(variables)
        n_lags, p = np.shape(ends)[0], len(names)
        marks = np.zeros((n_lags * p, n_lags * p), dtype=np.uint8)
        marks[:p, :p] = np.asarray(ends[0]) | np.asarray(starts[0]).T
        for lag in range(1, n_lags):
            past = slice(lag * p, (lag + 1) * p)
            marks[past, :p] = ends[lag]
            marks[:p, past] = np.asarray(starts[lag]).T
        graph = cls.__new__(cls)
        nodes = lagged_nodes(names, n_lags - 1)
        graph._set(names, CausalGraph(nodes, marks, None if kind is None else as_kind(kind)))
        _check_time(graph)
        return graph

    # --- structure -------------------------------------------------------------------------------

    @property
    def kind(self) -> Kind:
        """DAG, ADMG, CPDAG, MAG or PAG."""
        return self.template.kind

    @property
    def nodes(self) -> tuple[Lagged, ...]:
        """Nodes of the template: all series at t, then at t-1, and so on."""
        return self.template.nodes  # type: ignore[return-value]

    def index(self, variable: object) -> int:
        """Position of a series."""
        return self.variables.index(self.node(variable).name)

    @cached_property
    def directed(self) -> BoolArray:
        """`directed[l, i, j]`: i, l steps ago, causes j; shape (max_lag + 1, p, p)."""
        return self._by_lag(self.template.directed)

    @cached_property
    def adjacency(self) -> BoolArray:
        """`adjacency[l, i, j]`: any edge joins i, l steps ago, and j now."""
        return self._by_lag(self.template.adjacency)

    def _by_lag(self, matrix: BoolArray) -> BoolArray:
        p = len(self.variables)
        found = matrix[:, :p].reshape(self.max_lag + 1, p, p)
        found.flags.writeable = False
        return found

    def node(self, node: object) -> Lagged:
        """Read a node and check that it is one of the graph's, at any lag."""
        found = as_lagged(node, self.variables)
        if found.name not in self.variables:
            raise UnknownVariableError.among(found.name, self.variables, where="the graph")
        return found

    def edges(self) -> tuple[Edge, ...]:
        """Edges that end at t: those within the step first, then those from the past, by lag."""
        p, ends = len(self.variables), self.template.ends
        found = []
        for past, now in np.argwhere(ends[:, :p]).tolist():
            if past >= p or past < now:
                found += self._edges_of(past, now)
        return tuple(found)

    def _edges_of(self, past: int, now: int) -> list[Edge]:
        nodes, ends = self.nodes, self.template.ends
        found = []
        for at_past, at_now in split_marks(int(ends[now, past]), int(ends[past, now])):
            a, b, symbol = nodes[past], nodes[now], glyph(at_past, at_now)
            if symbol != forwards(symbol):
                a, b, symbol = b, a, forwards(symbol)
            found.append(Edge(a, b, symbol))
        return found

    def to_frame(self) -> pd.DataFrame:
        """Return a row for each edge that ends at t.

        Returns
        -------
        DataFrame
            `cause` and `effect` (of an edge that is not directed, its two ends), `lag` (steps
            between them) and `edge` (`->`, `--`, `<->`, `o->` or `o-o`).

        Examples
        --------
        >>> LaggedGraph.parse("X[t-2] -> Y[t]; Y[t] -- Z[t]").to_frame()
          cause effect  lag edge
        0     Y      Z    0   --
        1     X      Y    2   ->
        """
        from causalkit.graph.lagged_forms import to_frame

        return to_frame(self)

    def edges_between(self, a: object, b: object) -> tuple[Edge, ...]:
        """Edges between two nodes, shifted so that the later one is at t."""
        past, now = in_template(self.node(a), self.node(b))
        if past.lag > self.max_lag:
            return ()
        where = self.template.index
        return tuple(self._edges_of(*sorted((where(now), where(past)), reverse=past.lag > 0)))

    def parents(self, variable: object) -> frozenset[Lagged]:
        """Nodes with a directed edge into a node, which is the variable at t if no step is said.

        Examples
        --------
        >>> graph = LaggedGraph.parse("X[t-1] -> Y[t]")
        >>> sorted(graph.parents("Y")), sorted(graph.parents("Y[t-2]"))
        ([X[t-1]], [X[t-3]])
        """
        node = self.node(variable)
        return self._earlier(self.template.parents(Lagged(node.name)), node.lag)

    def adjacent(self, variable: object) -> frozenset[Lagged]:
        """Nodes joined to a node, which is the variable at t if no step is said.

        Those of its step and of its past; the same as at t, so many steps earlier.
        """
        node = self.node(variable)
        return self._earlier(self.template.adjacent(Lagged(node.name)), node.lag)

    @staticmethod
    def _earlier(nodes: frozenset[Name], steps: int) -> frozenset[Lagged]:
        return frozenset(as_lagged(node).shifted(steps) for node in nodes)

    # --- graphs from this graph ------------------------------------------------------------------

    def unroll(self, window: int) -> CausalGraph:
        """Repeat the edges over a window of time.

        Parameters
        ----------
        window : int
            Steps into the past; nodes run from `X[t-window]` to `X[t]`, the oldest first.

        Returns
        -------
        CausalGraph
            Of the same kind. What drives its oldest nodes lies before the window, so a question
            about separation needs a window longer than the lags in the question.
        """
        p, n_steps = len(self.variables), window + 1
        marks = np.zeros((n_steps, p, n_steps, p), dtype=np.uint8)
        ends = self.template.ends
        for lag in range(min(window, self.max_lag) + 1):
            past = slice(lag * p, (lag + 1) * p)
            for now in range(lag, n_steps):
                marks[now - lag, :, now] = ends[past, :p]
                marks[now, :, now - lag] = ends[:p, past]
        nodes = tuple(Lagged(name, n) for n in range(window, -1, -1) for name in self.variables)
        return CausalGraph._of(nodes, marks.reshape(n_steps * p, n_steps * p), self.kind)

    def summary_graph(self) -> SummaryGraph:
        """Forget the steps: which series drives which, at what lags."""
        return summarise(self.variables, self.edges())

    def to_cpdag(self) -> LaggedGraph:
        """Return the class of graphs with the same independences, the order of time being known.

        Raises
        ------
        GraphError
            If this is no DAG.

        Examples
        --------
        >>> print(LaggedGraph.parse("X[t] -> Y[t]; X[t-1] -> X[t]; Z[t] -> W[t]").to_cpdag())
        CPDAG of 4 series, lags to 1, 3 edges: X[t] -> Y[t]; Z[t] -- W[t]; X[t-1] -> X[t]
        """
        from causalkit.graph.lagged_class import lagged_cpdag

        return lagged_cpdag(self)

    # --- how it shows itself ---------------------------------------------------------------------

    def plot(self, ax: Axes | None = None, **style: Any) -> Axes:
        """Draw on matplotlib axes; see :func:`causalkit.plotting.plot_lagged_graph`."""
        from causalkit.plotting import plot_lagged_graph

        return plot_lagged_graph(self, ax=ax, **style)

    def _repr_svg_(self) -> str | None:
        if len(self.template.nodes) > 100:
            return None  # a notebook then shows the text; plot() still draws
        from causalkit.plotting import graph_svg

        return graph_svg(self)

    def __str__(self) -> str:
        edges = self.edges()
        text = f"{self.kind.name} of {len(self.variables)} series, lags to {self.max_lag}, "
        text += f"{len(edges)} edge{'s' * (len(edges) != 1)}"
        shown = [*map(str, edges[:_MOST_SHOWN]), *(["…"] if len(edges) > _MOST_SHOWN else [])]
        return _wrapped(text + ":" * bool(shown), shown)

    def __repr__(self) -> str:
        return str(self)

    # --- value semantics -------------------------------------------------------------------------

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(
            f"LaggedGraph is immutable; build a new one instead of setting {name}."
        )

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"LaggedGraph is immutable; it keeps {name}.")

    def __reduce__(self) -> tuple[Any, ...]:
        return LaggedGraph._of, (self.variables, np.array(self.template.ends), self.kind)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, LaggedGraph):
            return NotImplemented
        if self.kind is not other.kind or set(self.variables) != set(other.variables):
            return False
        return self._cells == other._cells

    @cached_property
    def _cells(self) -> frozenset[tuple[Name, Name, int]]:
        """Cells of the template with a mark, by the nodes' names."""
        ends, nodes = self.template.ends, self.nodes
        return frozenset(
            (nodes[i], nodes[j], int(ends[i, j])) for i, j in np.argwhere(ends).tolist()
        )

    def __hash__(self) -> int:
        return hash((self.kind, frozenset(self.variables), self._cells))


def _check_time(graph: LaggedGraph) -> None:
    """Refuse edges from the past without an arrow at t."""
    p = len(graph.variables)
    late = graph.template.ends[p:, :p]
    for past, now in np.argwhere((late != 0) & (late != ARROW)).tolist():
        raise into_the_past(graph._edges_of(past + p, now)[0])


def _wrapped(head: str, parts: list[str]) -> str:
    """A line, or several of which none breaks a part in two."""
    lines = [head]
    for k, part in enumerate(parts):
        shown = part + (";" if k < len(parts) - 1 else "")
        if len(lines[-1]) + 1 + len(shown) > _WIDTH:
            lines.append(shown)
        else:
            lines[-1] += f" {shown}"
    return "\n".join(lines)
