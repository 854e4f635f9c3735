"""`SummaryGraph`: which series drives which, the lags being labels and no longer nodes.

>>> from causalkit.graph import LaggedGraph
>>> summary = LaggedGraph.parse("X[t-1] -> Y[t]; X[t-2] -> Y[t]; Y[t-1] -> X[t]").summary_graph()
>>> print(summary)
2 series, 2 links: X -> Y (1, 2); Y -> X (1)
>>> summary.has_cycle
True

Series that drive each other make a cycle, and a series drives itself, so this is no
:class:`~causalkit.graph.CausalGraph`; `to_graph` makes one where there is no cycle.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from causalkit.errors import CycleError
from causalkit.graph._validity import topological_order
from causalkit.graph.graph import CausalGraph
from causalkit.graph.lagged import as_lagged
from causalkit.graph.marks import Edge, Kind, show_name
from causalkit.typing import BoolArray, Name

if TYPE_CHECKING:
    import networkx as nx
    from matplotlib.axes import Axes

__all__ = ["Link", "SummaryGraph", "summarise"]


@dataclass(frozen=True, slots=True)
class Link:
    """One link between two series.

    Attributes
    ----------
    left, right : str or int
        Of `->`, the cause and the effect.
    symbol : str
        As in :class:`~causalkit.graph.Edge`.
    lags : tuple of int
        Steps between the two.
    """

    left: Name
    right: Name
    symbol: str
    lags: tuple[int, ...]

    def __str__(self) -> str:
        lags = ", ".join(map(str, self.lags))
        return f"{show_name(self.left)} {self.symbol} {show_name(self.right)} ({lags})"


@dataclass(frozen=True, slots=True)
class SummaryGraph:
    """Links between series, with their lags.

    Attributes
    ----------
    variables : tuple of names
    links : tuple of Link
        One a pair, direction and symbol.
    """

    variables: tuple[Name, ...]
    links: tuple[Link, ...]

    @property
    def adjacency(self) -> BoolArray:
        """`[i, j]`: i causes j at some lag; the diagonal says what drives itself."""
        return self._matrix({"->"})

    def _matrix(self, symbols: set[str]) -> BoolArray:
        where = {name: k for k, name in enumerate(self.variables)}
        matrix = np.zeros((len(where), len(where)), dtype=np.bool_)
        for link in self.links:
            if link.symbol in symbols:
                matrix[where[link.left], where[link.right]] = True
        return matrix

    def parents(self, variable: Name) -> frozenset[Name]:
        """Series with a directed link into this one, itself left out."""
        return frozenset(
            link.left
            for link in self.links
            if link.symbol == "->" and link.right == variable != link.left
        )

    def lags(self, cause: Name, effect: Name) -> tuple[int, ...]:
        """Lags at which a directed link runs from one series to another."""
        return tuple(
            lag
            for link in self.links
            if (link.left, link.right, link.symbol) == (cause, effect, "->")
            for lag in link.lags
        )

    @property
    def has_cycle(self) -> bool:
        """Whether series drive each other in a circle; driving itself is none."""
        matrix = self.adjacency
        np.fill_diagonal(matrix, False)
        return topological_order(matrix) is None

    def to_graph(self) -> CausalGraph:
        """Return a DAG of the series, what drives itself left out.

        Raises
        ------
        CycleError
            If series drive each other in a circle.
        GraphError
            If a link is not directed.
        """
        if self.has_cycle:
            raise CycleError(
                "the series drive each other in a circle; expected none. Keep the lagged graph: "
                "unroll() gives an acyclic graph over time."
            )
        edges = [Edge(x.left, x.right, x.symbol) for x in self.links if x.left != x.right]
        return CausalGraph.from_edges(self.variables, edges, Kind.DAG)

    def to_networkx(self) -> nx.MultiDiGraph:
        """Return a networkx graph with the edge attributes `symbol` and `lags`."""
        import networkx as nx

        graph = nx.MultiDiGraph()
        graph.add_nodes_from(self.variables)
        for link in self.links:
            graph.add_edge(link.left, link.right, symbol=link.symbol, lags=link.lags)
        return graph

    def plot(self, ax: Axes | None = None, **style: Any) -> Axes:
        """Draw on matplotlib axes; see :func:`causalkit.plotting.plot_summary_graph`."""
        from causalkit.plotting import plot_summary_graph

        return plot_summary_graph(self, ax=ax, **style)

    def _repr_svg_(self) -> str | None:
        if len(self.variables) > 100:
            return None  # a notebook then shows the text; plot() still draws
        from causalkit.plotting import graph_svg

        return graph_svg(self)

    def __str__(self) -> str:
        n = len(self.links)
        shown = "; ".join(map(str, self.links[:40])) + ("; …" if n > 40 else "")
        text = f"{len(self.variables)} series, {n} link{'s' * (n != 1)}"
        return text + (f": {shown}" if shown else "")

    def __repr__(self) -> str:
        return str(self)


def summarise(variables: tuple[Name, ...], edges: Iterable[Edge]) -> SummaryGraph:
    """Gather edges between series at times into links, in the order of the series."""
    lags: dict[tuple[Name, Name, str], list[int]] = {}
    for edge in edges:
        a, b = as_lagged(edge.left, variables), as_lagged(edge.right, variables)
        lags.setdefault((a.name, b.name, edge.symbol), []).append(abs(a.lag - b.lag))
    where = {name: k for k, name in enumerate(variables)}
    keys = sorted(lags, key=lambda key: (where[key[0]], where[key[1]], key[2]))
    return SummaryGraph(variables, tuple(Link(*key, tuple(sorted(lags[key]))) for key in keys))
