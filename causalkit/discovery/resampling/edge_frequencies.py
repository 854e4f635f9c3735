"""How often each edge was found: one number for each pair of variables and each kind of edge."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from causalkit._core.checks import check_choice
from causalkit._core.report import Report, Reported
from causalkit.errors import InputError
from causalkit.graph import ARROW, CIRCLE, TAIL, CausalGraph, Edge, LaggedGraph
from causalkit.graph.marks import SYMBOLS, show_name
from causalkit.typing import FloatArray, IntArray, Name

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["EdgeFrequencies", "count_edges"]

_SHOWN: Final = 20


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class EdgeFrequencies(Reported):
    """Shares of the replicates that have each edge.

    Attributes
    ----------
    graph : CausalGraph or LaggedGraph
        The graph that sums the replicates up; its nodes number the rows and columns below. Those
        of a graph of series are `x[t], y[t], …, x[t-1], …`.
    joined : ndarray of int, shape (p, p)
        Replicates in which i and j have any edge; symmetric.
    counts : mapping of str to ndarray of int, shape (p, p)
        By symbol: `counts["->"][i, j]` replicates have i -> j. Only symbols that occur.
    n_replicates : int
        Replicates that gave a graph.

    Examples
    --------
    >>> graphs = [CausalGraph.parse("a -> b"), CausalGraph.parse("b -> a")]
    >>> shares = count_edges(graphs[0], [graph.reordered("ab").ends for graph in graphs])
    >>> shares.of("a", "b")
    {'->': 0.5, '<-': 0.5, 'none': 0.0}
    >>> float(shares.matrix("adjacent")[0, 1])
    1.0
    """

    graph: CausalGraph | LaggedGraph
    joined: IntArray
    counts: Mapping[str, IntArray]
    n_replicates: int

    def of(self, a: Name, b: Name) -> dict[str, float]:
        """Shares of the replicates by what they have between `a` and `b`, read from a to b.

        Returns
        -------
        dict of str to float
            A symbol, or "none", and its share. The shares add up to one, unless a replicate has
            two edges between the two, as an ADMG may.

        Raises
        ------
        UnknownVariableError
            If there is no such variable.
        InputError
            If the two are one.
        """
        i, j = self._places(a, b)
        if i == j:
            raise InputError(f"a and b are both {a!r}; expected two variables. Name another one.")
        found = {symbol: float(self._share(counts[i, j])) for symbol, counts in self._by_symbol()}
        found = {symbol: share for symbol, share in found.items() if share > 0}
        return found | {"none": float(1.0 - self._share(self.joined[i, j]))}

    def _places(self, a: Name, b: Name) -> tuple[int, int]:
        """Numbers of two nodes; of series, shifted so that the later one is at t."""
        if isinstance(self.graph, CausalGraph):
            return self.graph.index(a), self.graph.index(b)
        one, other = self.graph.node(a), self.graph.node(b)
        steps = min(one.lag, other.lag)
        if max(one.lag, other.lag) - steps > self.graph.max_lag:
            raise InputError(
                f"{one} and {other} are {abs(one.lag - other.lag)} steps apart; expected "
                f"{self.graph.max_lag} at most, the longest lag. Fit with a larger max_lag."
            )
        place = self.graph.template.index
        return place(one.shifted(-steps)), place(other.shifted(-steps))

    def matrix(self, what: str = "adjacent") -> FloatArray:
        """Shares as a matrix, shape (p, p): of any edge ("adjacent"), or of one symbol.

        Entry [i, j] of `matrix("->")` is the share of replicates with i -> j.
        """
        check_choice(what, "what", ("adjacent", *SYMBOLS))
        counts = self.joined if what == "adjacent" else self.counts.get(what)
        shares: FloatArray = self._share(0 * self.joined if counts is None else counts)
        return shares

    def by_lag(self, what: str = "->") -> FloatArray:
        """Shares of links between series, shape (max_lag + 1, p, p): `[lag, i, j]`, i then, j now.

        Raises
        ------
        InputError
            If the graphs are not of series.
        """
        if isinstance(self.graph, CausalGraph):
            raise InputError(
                "the graphs are of variables without time; expected graphs of series. Use matrix()."
            )
        p = len(self.graph.variables)
        return self.matrix(what)[:, :p].reshape(-1, p, p)

    def share(self, edge: Edge) -> float:
        """Share of the replicates that have this very edge."""
        i, j = self._places(edge.left, edge.right)
        return float(self.matrix(edge.symbol)[i, j])

    def to_frame(self) -> pd.DataFrame:
        """One row for each pair that some replicate joins, the most frequent first.

        Returns
        -------
        DataFrame
            Columns `a`, `b`, `adjacent`, and one for each symbol that occurs, read from a to b. The
            nodes are what they are in the graph, so those of series have a `name` and a `lag`.
        """
        import pandas as pd

        i, j = self._ranked()
        nodes = self.graph.nodes
        columns: dict[str, Any] = {  # without the type pandas makes plain strings of nodes
            "a": pd.Series([nodes[k] for k in i.tolist()], dtype=object),
            "b": pd.Series([nodes[k] for k in j.tolist()], dtype=object),
        }
        columns["adjacent"] = self._share(self.joined[i, j])
        for symbol, counts in self._by_symbol():
            if counts[i, j].any():
                columns[symbol] = self._share(counts[i, j])
        return pd.DataFrame(columns)

    def plot(self, ax: Axes | None = None, **style: Any) -> Axes:
        """Draw `graph`, each edge by its share; see :func:`causalkit.plotting.plot_graph`."""
        graph = self.graph if isinstance(self.graph, CausalGraph) else self.graph.template
        return graph.plot(ax, confidence=self, **style)

    def _share(self, counts: Any) -> Any:
        return counts / self.n_replicates

    def _by_symbol(self) -> Iterable[tuple[str, IntArray]]:
        return ((symbol, self.counts[symbol]) for symbol in SYMBOLS if symbol in self.counts)

    def _ranked(self) -> tuple[IntArray, IntArray]:
        """Pairs that some replicate joins, the most frequent first."""
        i, j = np.nonzero(np.triu(self.joined, 1))
        order = np.argsort(-self.joined[i, j], kind="stable")
        i, j = i[order], j[order]
        if isinstance(self.graph, LaggedGraph):  # whose nodes are listed now first: read forwards
            past = j >= len(self.graph.variables)
            i, j = np.where(past, j, i), np.where(past, i, j)
        return i, j

    def _report(self) -> Report:
        i, j = self._ranked()
        i, j = i[:_SHOWN], j[:_SHOWN]
        shown = [(s, counts) for s, counts in self._by_symbol() if counts[i, j].any()]
        nodes = self.graph.nodes
        rows = [
            [
                show_name(nodes[a]),
                show_name(nodes[b]),
                float(self._share(self.joined[a, b])),
                *(float(self._share(counts[a, b])) for _, counts in shown),
            ]
            for a, b in zip(i.tolist(), j.tolist(), strict=True)
        ]
        n_pairs = int(np.count_nonzero(np.triu(self.joined, 1)))
        notes = [f"… and {n_pairs - _SHOWN} pairs more"] if n_pairs > _SHOWN else []
        return Report(
            f"Edges in {self.n_replicates} replicates",
            facts=[("summed up as", str(self.graph))],
            columns=["a", "b", "adjacent", *(symbol for symbol, _ in shown)],
            rows=rows,
            notes=notes,
        )


def count_edges(
    graph: CausalGraph | LaggedGraph, matrices: Iterable[NDArray[np.uint8]]
) -> EdgeFrequencies:
    """Count the edges of graphs over the same nodes.

    Parameters
    ----------
    graph : CausalGraph or LaggedGraph
        What sums them up.
    matrices : iterable of ndarray of uint8, shape (p, p)
        Mark bits of each graph, in the order of the nodes of `graph`.
    """
    p = len(graph.nodes)
    joined, n = np.zeros((p, p), dtype=np.intp), 0
    counts: dict[str, IntArray] = {}
    for ends in matrices:
        n += 1
        joined += ends > 0
        held = [mark for mark in (TAIL, ARROW, CIRCLE) if (ends & mark).any()]
        at = {mark: (ends & mark) > 0 for mark in held}
        for symbol, (near, far) in SYMBOLS.items():
            if near in at and far in at:
                found = at[near].T & at[far]
                if found.any():
                    counts.setdefault(symbol, np.zeros((p, p), dtype=np.intp))
                    counts[symbol] += found
    return EdgeFrequencies(graph, joined, counts, n)
