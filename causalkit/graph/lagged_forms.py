"""Graphs of series as text, as rows of a table, and in the forms of tigramite and networkx.

tigramite keeps a graph as strings: `graph[i, j, lag]` is the edge from variable i, `lag` steps ago,
to variable j now, such as `-->`, `o->`, `<->`, `o-o`. Its `o-o` of a class of DAGs is our `--`, and
a mark `x`, on which its rules contradict each other, is an open one.

>>> import numpy as np
>>> array = np.full((2, 2, 2), "", dtype="<U3")
>>> array[0, 1, 1] = "-->"
>>> from_tigramite(array, ["X", "Y"])
DAG of 2 series, lags to 1, 1 edge: X[t-1] -> Y[t]
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from causalkit.errors import GraphError, InputError
from causalkit.graph._validity import as_kind, plainest_kind
from causalkit.graph.lagged import Lagged, as_lagged
from causalkit.graph.lagged_graph import LaggedGraph
from causalkit.graph.marks import ARROW, CIRCLE, TAIL, Edge, Kind, show_name
from causalkit.typing import Name

if TYPE_CHECKING:
    import networkx as nx
    import pandas as pd

__all__ = ["from_networkx", "from_tigramite", "to_frame", "to_networkx", "to_text", "to_tigramite"]

_LEFT: Final = {"-": TAIL, "<": ARROW, "o": CIRCLE, "x": CIRCLE, "+": CIRCLE}
_RIGHT: Final = {"-": TAIL, ">": ARROW, "o": CIRCLE, "x": CIRCLE, "+": CIRCLE}


def to_text(graph: LaggedGraph) -> str:
    """Write the graph so that :meth:`LaggedGraph.parse` reads it back."""
    edges = graph.edges()
    joined = {node.name for edge in edges for node in (edge.left, edge.right)}  # type: ignore[union-attr]
    alone = [name for name in graph.variables if name not in joined]
    lone = (show_name(name if as_lagged(name).name == name else Lagged(name)) for name in alone)
    text = "; ".join([*map(str, edges), *lone])
    plainest = plainest_kind(graph.template.ends)
    return text if graph.kind is plainest else f"{graph.kind.name}: {text}".strip()


def to_frame(graph: LaggedGraph) -> pd.DataFrame:
    """Return a row for each edge that ends at t; see :meth:`LaggedGraph.to_frame`."""
    import pandas as pd

    rows = [
        (left.name, right.name, abs(left.lag - right.lag), edge.symbol)
        for edge in graph.edges()
        for left, right in [(as_lagged(edge.left), as_lagged(edge.right))]
    ]
    return pd.DataFrame(rows, columns=["cause", "effect", "lag", "edge"])


def from_tigramite(
    graph: NDArray[Any], names: Iterable[Name] | None = None, kind: Kind | str | None = None
) -> LaggedGraph:
    """Read an array of strings.

    Parameters
    ----------
    graph : ndarray of str, shape (n_variables, n_variables, max_lag + 1)
    names : iterable of names, optional
        `x0, x1, …` if left out.
    kind : Kind or str, optional
        Left out: PAG if a mark is open at one end or an edge has two arrows, else CPDAG if an edge
        is `o-o`, else DAG.

    Raises
    ------
    InputError
        If the array has another shape, or an entry is no edge.
    """
    array = np.asarray(graph)
    if array.ndim != 3 or array.shape[0] != array.shape[1]:
        raise InputError(
            f"the array has shape {array.shape}; expected (n_variables, n_variables, max_lag + 1), "
            "an edge from the first to the second in each entry. Pass results['graph']."
        )
    p = len(array)
    variables = tuple(f"x{k}" for k in range(p)) if names is None else tuple(names)
    starts = np.zeros((array.shape[2], p, p), dtype=np.uint8)
    ends = np.zeros_like(starts)
    for i, j, lag in np.argwhere(array != "").tolist():
        text = str(array[i, j, lag])
        if len(text) != 3 or text[0] not in _LEFT or text[2] not in _RIGHT:
            raise InputError(
                f"entry [{i}, {j}, {lag}] is {text!r}; expected an edge such as '-->', 'o->', "
                "'<->' or 'o-o', or '' for none."
            )
        starts[lag, i, j], ends[lag, i, j] = _LEFT[text[0]], _RIGHT[text[2]]
    plain = {str(edge) for edge in np.unique(array)} <= {"", "-->", "<--", "o-o", "x-x"}
    found = as_kind(kind) if kind is not None else None
    if found is None and plain:
        found = Kind.CPDAG if (ends == CIRCLE).any() else Kind.DAG
    if found is Kind.CPDAG:
        starts[starts == CIRCLE] = ends[ends == CIRCLE] = TAIL
    return LaggedGraph.from_marks(variables, starts, ends, found or Kind.PAG)


def to_tigramite(graph: LaggedGraph) -> NDArray[Any]:
    """Write an array of strings, shape (n_variables, n_variables, max_lag + 1).

    Raises
    ------
    GraphError
        If two nodes are joined twice (a bow), for which the form has no string.
    """
    p = len(graph.variables)
    array = np.full((p, p, graph.max_lag + 1), "", dtype="<U3")
    for edge in graph.edges():
        a, b = as_lagged(edge.left), as_lagged(edge.right)
        i, j, lag = graph.index(a), graph.index(b), a.lag
        text = {"->": "-->", "--": "o-o" if graph.kind is Kind.CPDAG else "---", "o--": "o--"}.get(
            edge.symbol, edge.symbol
        )
        if array[i, j, lag]:
            raise GraphError(f"{a} and {b} are joined twice; expected one edge a pair.")
        array[i, j, lag] = text
        if lag == 0:
            array[j, i, 0] = text[::-1].translate(str.maketrans("<>", "><"))
    return array


def to_networkx(graph: LaggedGraph) -> nx.MultiDiGraph:
    """Write a graph over the series with the edge attributes `lag` and `symbol`.

    Examples
    --------
    >>> from causalkit.graph import LaggedGraph
    >>> list(LaggedGraph.parse("X[t-2] -> Y[t]").to_networkx().edges(data="lag"))
    [('X', 'Y', 2)]
    """
    import networkx as nx

    result = nx.MultiDiGraph(max_lag=graph.max_lag, kind=graph.kind.name)
    result.add_nodes_from(graph.variables)
    for edge in graph.edges():
        a, b = as_lagged(edge.left), as_lagged(edge.right)
        result.add_edge(a.name, b.name, lag=a.lag - b.lag, symbol=edge.symbol)
    return result


def from_networkx(graph: nx.Graph, kind: Kind | str | None = None) -> LaggedGraph:
    """Read a graph whose edges have a `lag`, or whose nodes are `X[t-1]` or `("X", -1)`.

    Parameters
    ----------
    graph : networkx graph
        As :func:`to_networkx` writes it; or a directed graph over nodes at times.
    kind : Kind or str, optional
        That of the attribute `kind` if left out, else the plainest that has these edges.
    """
    told = graph.graph.get("kind") if kind is None else kind
    edges, by_lag = [], any("lag" in data for _, _, data in graph.edges(data=True))
    for a, b, data in graph.edges(data=True):
        left, right = (Lagged(a, data.get("lag", 0)), Lagged(b)) if by_lag else (a, b)
        edges.append(Edge(as_lagged(left), as_lagged(right), data.get("symbol", "->")))
    nodes = [as_lagged(node).name for node in graph.nodes] if not by_lag else list(graph.nodes)
    return LaggedGraph(dict.fromkeys(nodes), edges, max_lag=graph.graph.get("max_lag"), kind=told)
