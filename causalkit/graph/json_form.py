"""JSON of graphs: a versioned schema, written and read without loss.

An object says its format and version, then what it holds: the kind, names (strings and integers) in
their order, and edges, one a line, so that a change of one edge is a change of one line. The same
:class:`Schema` writes and reads graphs over the columns of a table, here, and graphs over series,
in :mod:`~causalkit.graph.lagged_files`. What is read is data: nothing in it is ever run.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from reprlib import repr as short
from typing import Any, Final

from causalkit.errors import GraphError
from causalkit.graph.graph import CausalGraph
from causalkit.graph.marks import SYMBOLS, Edge
from causalkit.graph.text import check_is_text

__all__ = ["Schema", "check_listed_names", "from_json", "to_json"]

_VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class Schema:
    """How graphs of one sort are written as a JSON object.

    Attributes
    ----------
    format : str
        What the object says it is.
    sort : str
        What it is in words, for an error.
    names : str
        Key of the list of names, such as "nodes".
    elsewhere : str
        Who reads what this does not.
    """

    format: str
    sort: str
    names: str
    elsewhere: str

    def write(self, fields: Mapping[str, Any], edges: Iterable[list[Any]]) -> str:
        """Write some fields, a line each, and edges, a line each."""
        head = {"format": self.format, "version": _VERSION, **fields}
        listed = ",\n".join(f"    {_dump(edge)}" for edge in edges)
        return "\n".join(
            [
                "{",
                *(f'  "{key}": {_dump(value)},' for key, value in head.items()),
                '  "edges": [' + (f"\n{listed}\n  " if listed else "") + "]",
                "}",
            ]
        )

    def read(self, text: str) -> dict[str, Any]:
        """Read an object that has a kind, a list of names and a list of edges.

        Raises
        ------
        GraphError
            If the text is no JSON, another schema or a newer version.
        """
        check_is_text(text, "from_json")
        try:
            content = json.loads(text)
        except (ValueError, RecursionError) as error:  # ValueError: an integer of too many digits
            raise GraphError(
                f"the text is no JSON: {error}. Expected what to_json() writes."
            ) from None
        if not isinstance(content, dict) or content.get("format") != self.format:
            raise GraphError(
                f"the JSON is not {self.sort}; expected an object with "
                f'"format": "{self.format}". {self.elsewhere}'
            )
        if content.get("version") != _VERSION:
            raise GraphError(
                f"the graph has version {content.get('version')!r} of the format; expected "
                f"{_VERSION}. Update causalkit to read it."
            )
        has_lists = all(isinstance(content.get(key), list) for key in (self.names, "edges"))
        if not has_lists or "kind" not in content:
            raise GraphError(
                f'the JSON lacks "kind", or lists of "{self.names}" and "edges"; expected all '
                "three."
            )
        check_listed_names(content[self.names], self.names.removesuffix("s"))
        return content


_SCHEMA: Final = Schema(
    "causalkit.graph",
    "a graph of causalkit",
    "nodes",
    "A graph over series is read by LaggedGraph.read (its text: from_json). For node-link JSON of "
    "networkx use networkx.node_link_graph, then from_networkx.",
)


def to_json(graph: CausalGraph) -> str:
    """Write JSON: the kind, the nodes (strings and integers) in order, and the edges.

    Examples
    --------
    >>> from causalkit.graph import CausalGraph
    >>> print(CausalGraph.parse("X -> 7").to_json())
    {
      "format": "causalkit.graph",
      "version": 1,
      "kind": "DAG",
      "nodes": ["X", 7],
      "edges": [
        ["X", "->", 7]
      ]
    }
    """
    return _SCHEMA.write(
        {"kind": graph.kind.name, "nodes": list(graph.nodes)},
        ([edge.left, edge.symbol, edge.right] for edge in graph.edges()),
    )


def from_json(text: str) -> CausalGraph:
    """Read what :func:`to_json` writes.

    Raises
    ------
    GraphError
        If the text is no JSON, another schema or a newer version.

    Examples
    --------
    >>> from causalkit.graph import CausalGraph
    >>> graph = CausalGraph.parse("X -> 7; X <-> 7")
    >>> CausalGraph.from_json(graph.to_json()) == graph
    True
    """
    content = _SCHEMA.read(text)
    edges = map(_edge_from_json, content["edges"])
    return CausalGraph.from_edges(content["nodes"], edges, content["kind"])


def _dump(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def check_listed_names(names: list[Any], what: str, where: str = "JSON") -> None:
    """Refuse a list in a file that holds anything but names, or a name twice."""
    for name in names:
        if not _is_name(name):
            raise GraphError(
                f"in the {where} a {what} is named {short(name)}; expected strings or integers."
            )
    if len(set(names)) < len(names):
        twice = next(name for name, count in Counter(names).items() if count > 1)
        raise GraphError(
            f"the {where} has the {what} {short(twice)} more than once; expected unique names."
        )


def _is_name(value: Any) -> bool:
    return isinstance(value, (str, int)) and not isinstance(value, bool)


def _edge_from_json(edge: Any) -> Edge:
    if isinstance(edge, list) and len(edge) == 3 and all(map(_is_name, edge)):
        left, symbol, right = edge
        if symbol in SYMBOLS:
            return Edge(left, right, symbol)
    raise GraphError(
        f'the edge {short(edge)} cannot be read; expected ["X", "->", "Y"] with one of '
        f"{', '.join(SYMBOLS)}."
    )
