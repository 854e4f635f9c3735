"""Files of graphs over series: JSON, text, the formats of :mod:`causalkit.graph.formats`, pictures.

JSON keeps everything: the kind, the series in their order, how far back was looked, integer names.
Text is the notation that :meth:`LaggedGraph.parse` reads. Every other format sees a graph over the
nodes `X[t], X[t-1], …`, and comes back through their names.
"""

from __future__ import annotations

from pathlib import Path
from reprlib import repr as short
from typing import TYPE_CHECKING, Any, Final

from causalkit.errors import GraphError
from causalkit.graph.formats import PICTURES, read_text_file
from causalkit.graph.graph import CausalGraph
from causalkit.graph.json_form import Schema
from causalkit.graph.lagged import as_lagged
from causalkit.graph.lagged_graph import LaggedGraph
from causalkit.graph.marks import SYMBOLS, Edge, Kind

if TYPE_CHECKING:
    from os import PathLike

__all__ = ["from_json", "read", "save", "to_json"]

_SCHEMA: Final = Schema(
    "causalkit.lagged_graph",
    "a graph over series",
    "variables",
    "A graph of a table is read by CausalGraph.from_json.",
)


def to_json(graph: LaggedGraph) -> str:
    """Write JSON: kind, series, longest lag, and edges as [name, lag, symbol, name, lag].

    Examples
    --------
    >>> print(LaggedGraph.parse("X[t-1] -> Y[t]").to_json())
    {
      "format": "causalkit.lagged_graph",
      "version": 1,
      "kind": "DAG",
      "max_lag": 1,
      "variables": ["X", "Y"],
      "edges": [
        ["X", 1, "->", "Y", 0]
      ]
    }
    """
    return _SCHEMA.write(
        {
            "kind": graph.kind.name,
            "max_lag": graph.max_lag,
            "variables": list(graph.variables),
        },
        map(_as_list, graph.edges()),
    )


def from_json(text: str) -> LaggedGraph:
    """Read what :func:`to_json` writes.

    Raises
    ------
    GraphError
        If the text is no JSON, another schema or a newer version.
    """
    content = _SCHEMA.read(text)
    max_lag = content.get("max_lag")
    if max_lag is not None and not _is_lag(max_lag):
        raise GraphError(f'the JSON has "max_lag": {short(max_lag)}; expected an integer from 0.')
    edges = [_as_edge(edge) for edge in content["edges"]]
    return LaggedGraph(content["variables"], edges, max_lag=max_lag, kind=content["kind"])


def save(graph: LaggedGraph, path: str | PathLike[str]) -> None:
    """Write a file; the suffix says how.

    Raises
    ------
    InputError
        If the suffix is none of those of :mod:`causalkit.graph.formats`.
    """
    target = Path(path)
    suffix = target.suffix.lower()
    if suffix == ".json":
        target.write_text(to_json(graph) + "\n", encoding="utf-8", newline="\n")
    elif suffix == ".txt":
        target.write_text(graph.to_text() + "\n", encoding="utf-8", newline="\n")
    elif suffix in PICTURES:
        from causalkit.plotting import save_picture

        save_picture(graph, target)
    else:
        graph.template.save(target)


def read(path: str | PathLike[str], kind: Kind | str | None = None) -> LaggedGraph:
    """Read what :func:`save` writes, and graphs over nodes `X[t-1]` of any other origin.

    Parameters
    ----------
    path : str or path
    kind : Kind or str, optional
        Overrules what the file says.

    Raises
    ------
    InputError
        If the suffix is none of those of :mod:`causalkit.graph.formats`.
    GraphError
        If the file does not hold such a graph.
    """
    source = Path(path)
    if source.suffix.lower() == ".json":
        found = from_json(read_text_file(source))
        if kind is None:
            return found
        return LaggedGraph(found.variables, found.edges(), max_lag=found.max_lag, kind=kind)
    template = CausalGraph.read(source, kind)
    nodes = [as_lagged(node) for node in template.nodes]
    return LaggedGraph(
        dict.fromkeys(node.name for node in nodes),
        template.edges(),
        max_lag=max((node.lag for node in nodes), default=0),
        kind=template.kind,
    )


def _is_lag(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _as_list(edge: Edge) -> list[Any]:
    left, right = as_lagged(edge.left), as_lagged(edge.right)
    return [left.name, left.lag, edge.symbol, right.name, right.lag]


def _as_edge(edge: Any) -> Edge:
    if isinstance(edge, list) and len(edge) == 5:
        name, lag, symbol, other, later = edge
        if isinstance(symbol, str) and symbol in SYMBOLS and _is_lag(lag) and _is_lag(later):
            return Edge(as_lagged((name, lag)), as_lagged((other, later)), symbol)
    raise GraphError(
        f'the edge {short(edge)} cannot be read; expected ["X", 1, "->", "Y", 0] with one of '
        f"{', '.join(SYMBOLS)}."
    )
