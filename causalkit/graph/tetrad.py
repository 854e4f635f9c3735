"""Tetrad's text of graphs, which causal-learn and py-tetrad write and read as well.

A line of nodes, then an edge a line, numbered: `1. X --> Y`. It does not say which kind a graph is,
so the edges come back and the kind is the plainest that has them, unless the reader says it.
"""

from __future__ import annotations

import re
from typing import Final

from causalkit.errors import GraphError
from causalkit.graph.graph import CausalGraph
from causalkit.graph.marks import Edge, Kind
from causalkit.graph.text import as_bare_name, check_is_text
from causalkit.typing import Name

__all__ = ["from_tetrad", "is_tetrad", "to_tetrad"]

_SYMBOL: Final = {"->": "-->", "<->": "<->", "--": "---", "o->": "o->", "o-o": "o-o", "o--": "o--"}
# Word by word up to the symbol, so that no line is read twice.
_EDGE: Final = re.compile(
    r"""\d++\.\s++ (?P<left>\S++ (?:\s++ (?![-<o]-[->o]\s) \S++)*+)
    \s++ (?P<symbol>[-<o]-[->o]) \s++ (?P<right>.+)""",
    re.VERBOSE,
)
_HEAD: Final = re.compile(r"Graph Nodes:", re.IGNORECASE)


def to_tetrad(graph: CausalGraph) -> str:
    """Write Tetrad's text, which causal-learn and py-tetrad read as well.

    Raises
    ------
    GraphError
        If a name has spaces, `;` or `,`, stands in brackets, or is a string of digits.

    Examples
    --------
    >>> from causalkit.graph import CausalGraph
    >>> print(CausalGraph.parse("X -> Y; Y o-o Z").to_tetrad())
    Graph Nodes:
    X;Y;Z
    <BLANKLINE>
    Graph Edges:
    1. X --> Y
    2. Y o-o Z
    """
    for name in graph.nodes:
        if isinstance(name, str) and (
            not re.fullmatch(r"[^\s;,()]+", name) or as_bare_name(name) != name
        ):
            raise GraphError(
                f"the name {name!r} cannot be written in Tetrad's text; expected no spaces, ';', "
                "',' or brackets, and not digits alone. Rename it, or use to_json()."
            )
    edges = (
        f"{number}. {edge.left} {_SYMBOL[edge.symbol]} {edge.right}"
        for number, edge in enumerate(graph.edges(), start=1)
    )
    return "\n".join(["Graph Nodes:", ";".join(map(str, graph.nodes)), "", "Graph Edges:", *edges])


def from_tetrad(text: str, kind: Kind | str | None = None) -> CausalGraph:
    r"""Read Tetrad's text.

    Remarks after an edge (`dd nl`, bootstrap frequencies) and sections after the edges are passed
    over. Tetrad does not say which kind a graph is: pass it where the plainest kind is not meant.

    Examples
    --------
    >>> from causalkit.graph import CausalGraph
    >>> text = "Graph Nodes:\nX;Y;Z\n\nGraph Edges:\n1. X --> Y dd nl\n2. Z o-> Y"
    >>> print(CausalGraph.from_tetrad(text))
    PAG with 3 nodes, 2 edges: X -> Y; Z o-> Y
    """
    check_is_text(text, "from_tetrad")
    head, found, rest = text.partition("Graph Edges:")
    title = _HEAD.search(head)
    if not found or title is None:
        raise GraphError(
            "the text has no 'Graph Nodes:' followed by 'Graph Edges:'; expected both, as Tetrad "
            "and causal-learn write them. Use CausalGraph.parse for causalkit's own notation."
        )
    listed = head[title.end() :].strip()
    words = [word.strip() for word in listed.split(";" if ";" in listed else ",")]
    nodes = {word: as_bare_name(word) for word in words if word}
    for word in nodes:
        if word.startswith("("):
            raise GraphError(
                f"{word} is a latent variable in Tetrad's text; expected measured ones. Remove the "
                "brackets to read it as a node, then take causalkit.graph.latent_projection()."
            )
    edges = []
    for line in rest.strip("\n\r ").splitlines():
        if not line.strip():
            break
        edges.append(_edge_from_text(line, nodes))
    return CausalGraph.from_edges(nodes.values(), edges, kind)


def is_tetrad(text: str) -> bool:
    """Whether a text begins as Tetrad's does."""
    return _HEAD.match(text.lstrip()) is not None


def _edge_from_text(line: str, nodes: dict[str, Name]) -> Edge:
    match = _EDGE.fullmatch(line.strip())
    if match is None:
        raise GraphError(
            f"cannot read the edge {_clipped(line)!r}; expected e.g. '1. X --> Y', with one of "
            f"{', '.join(_SYMBOL.values())}."
        )
    symbol = match["symbol"]
    symbol = {"-->": "->", "<--": "<-", "---": "--"}.get(symbol, symbol)
    words = match["right"].split()
    # The remarks follow the name: take as many words as make a node.
    most = min(len(words), max((len(name.split()) for name in nodes), default=0))
    rights = (" ".join(words[:k]) for k in range(most, 0, -1))
    right = next((name for name in rights if name in nodes), words[0])
    for name in (match["left"], right):
        if name not in nodes:
            raise GraphError(
                f"the edge {_clipped(line)!r} names {_clipped(name)!r}, which is not among the "
                f"nodes; expected one of {', '.join(list(nodes)[:8])}. Add it to 'Graph Nodes:'."
            )
    return Edge(nodes[match["left"]], nodes[right], symbol)


def _clipped(line: str) -> str:
    text = line.strip()
    return text if len(text) <= 200 else f"{text[:200]}…"
