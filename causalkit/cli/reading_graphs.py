"""Graphs and background knowledge that the command line reads.

A graph is the name of a file, `-` for standard input, or its text. Files go by their suffix,
streams by how they begin: JSON, GraphML, Graphviz, DAGitty, Tetrad, else the notation of
:mod:`causalkit.graph.text`. What `--json` printed is read, too: the graph is taken out of it. A
graph with nodes such as `X[t-1]` is one of series.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from causalkit.errors import GraphError, InputError
from causalkit.graph import CausalGraph, LaggedGraph
from causalkit.typing import Name

if TYPE_CHECKING:
    from causalkit.discovery import Knowledge

__all__ = ["FORMATS", "AnyGraph", "graph_of_text", "names_of", "read_graph", "read_knowledge"]

AnyGraph = CausalGraph | LaggedGraph

FORMATS: Final = ("json", "txt", "dot", "graphml", "dagitty", "tetrad")
"""Formats that are read and written, by the suffix of their files."""

_SUFFIXES: Final = (*(f".{name}" for name in FORMATS), ".gv")
_BEGINS: Final = (
    ("json", re.compile(r"\s*\{")),
    ("graphml", re.compile(r"\s*<")),
    ("tetrad", re.compile(r"\s*Graph Nodes:", re.IGNORECASE)),
    ("dagitty", re.compile(r"\s*(dag|pdag|mag|pag)\s*\{", re.IGNORECASE)),
    ("dot", re.compile(r'\s*(strict\s+)?(di)?graph\b[\w\s"]*\{', re.IGNORECASE)),
)
_STEP: Final = re.compile(r".*\[t(-\d+)?\]", re.DOTALL)
_LONGEST_NAME: Final = 1000


def read_graph(text: str, *, kind: str | None = None, form: str | None = None) -> AnyGraph:
    """Read a graph from a file, from standard input, or from its text.

    Parameters
    ----------
    text : str
        The name of a file, `-`, or a graph.
    kind : str, optional
        Overrules what is read.
    form : str, optional
        One of `FORMATS`, if it is not to be found out.

    Raises
    ------
    InputError
        If it looks like the name of a file, and there is none.
    GraphError
        If there is no graph in it.
    """
    if text == "-":
        return graph_of_text(_decoded(sys.stdin.buffer.read(), "standard input"), kind, form)
    path = Path(text)
    if not text.strip():
        raise GraphError("the graph is empty; expected a file or a text: 'Z -> X -> Y; Z -> Y'.")
    if len(text) <= _LONGEST_NAME and path.is_dir():
        raise InputError(f"{text} is a folder; expected a file with a graph. Name the file.")
    if len(text) > _LONGEST_NAME or path.suffix.lower() not in _SUFFIXES:
        if len(text) <= _LONGEST_NAME and path.exists():  # such as <(causalkit discover …)
            return graph_of_text(_decoded(path.read_bytes(), text), kind, form)
        return graph_of_text(text, kind, form)
    if not path.exists():
        raise InputError(
            f"there is no file {text}; expected a graph in one of {', '.join(_SUFFIXES)}, or the "
            "text of one, such as 'Z -> X -> Y; Z -> Y'."
        )
    suffix = path.suffix.lower().removeprefix(".").replace("gv", "dot")
    guessed = None if suffix == "txt" else suffix
    return graph_of_text(_decoded(path.read_bytes(), text), kind, form or guessed)


def graph_of_text(text: str, kind: str | None = None, form: str | None = None) -> AnyGraph:
    """Read a graph from text in any of `FORMATS`; left out, by how it begins.

    Examples
    --------
    >>> graph_of_text("dag { X -> Y }") == graph_of_text("X -> Y")
    True
    """
    if form is None:
        form = next((name for name, begin in _BEGINS if begin.match(text)), "txt")
    if form not in FORMATS:
        raise InputError(f"{form!r} is no format of graphs; expected {', '.join(FORMATS)}.")
    if form == "json":
        return _of_json(text, kind)
    readers: dict[str, Any] = {
        "graphml": CausalGraph.from_graphml,
        "tetrad": CausalGraph.from_tetrad,
        "dagitty": CausalGraph.from_dagitty,
        "dot": CausalGraph.from_dot,
        "txt": CausalGraph.parse,
    }
    graph = readers[form](text, kind)
    if not graph.nodes:
        raise GraphError("the graph has no nodes; expected some, such as 'Z -> X -> Y; Z -> Y'.")
    return _with_steps(graph)


def _of_json(text: str, kind: str | None) -> AnyGraph:
    """A graph, or the one that a JSON document of the command line holds."""
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise GraphError(f"the text is no JSON: {error}. Expected a graph's.") from None
    if isinstance(content, dict) and isinstance(content.get("graph"), dict):
        content = content["graph"]
        if "nodes" not in content and "variables" not in content and "text" in content:
            return graph_of_text(str(content["text"]), kind or content.get("kind"), "txt")
    of_series = isinstance(content, dict) and "variables" in content
    if of_series:
        lagged = LaggedGraph.from_json(json.dumps(content))
        if kind is None:
            return lagged
        return LaggedGraph(lagged.variables, lagged.edges(), max_lag=lagged.max_lag, kind=kind)
    graph = CausalGraph.from_json(json.dumps(content))
    return graph if kind is None else CausalGraph(graph.nodes, graph.ends, kind)


def _with_steps(graph: CausalGraph) -> AnyGraph:
    """The graph of series that nodes such as `X[t-1]` mean; any other as it is."""
    if not any(isinstance(node, str) and _STEP.fullmatch(node) for node in graph.nodes):
        return graph
    return LaggedGraph.parse(graph.to_text(), kind=graph.kind)


def names_of(graph: AnyGraph) -> tuple[Name, ...]:
    """The columns that a graph speaks of."""
    return graph.variables if isinstance(graph, LaggedGraph) else graph.nodes


def _decoded(content: bytes, name: str) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise GraphError(f"{name} is no text; expected UTF-8. Save it again as UTF-8.") from None


def read_knowledge(path: Path | None) -> Knowledge | None:
    """Read tiers, required and forbidden edges from a YAML file."""
    if path is None:
        return None
    from causalkit.discovery import Knowledge

    if not path.exists():
        raise InputError(f"there is no file {path}; expected a YAML file with `tiers:`.")
    return Knowledge.from_yaml(path)
