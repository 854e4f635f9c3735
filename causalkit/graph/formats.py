"""Files of graphs: JSON, GraphML, Tetrad's text; and `save` and `read`, which go by the suffix.

=====================  ===========================================  ================================
suffix                 format                                       comes back exactly
=====================  ===========================================  ================================
.json                  a versioned schema, see :func:`to_json`      every graph
.txt                   the notation of :mod:`causalkit.graph.text`  every graph
.dot .gv               Graphviz                                     every graph
.graphml               GraphML, for Gephi, yEd, igraph, R           every graph
.dagitty               DAGitty                                      all but an ADMG without `<->`
.tetrad                Tetrad's text                                the edges (it stores no kind)
.mmd                   Mermaid (written only)
.png .svg .pdf         a picture (written only)
=====================  ===========================================  ================================

Tetrad's and DAGitty's text are recognised in a .txt file, too.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from reprlib import repr as short
from typing import TYPE_CHECKING, Any

from causalkit.errors import GraphError, InputError
from causalkit.graph.convert import check_names_as_text, from_networkx, to_networkx
from causalkit.graph.dot import from_dagitty, from_dot, to_dagitty, to_dot
from causalkit.graph.graph import CausalGraph
from causalkit.graph.marks import SYMBOLS, Edge, Kind
from causalkit.graph.mermaid import to_mermaid
from causalkit.graph.text import as_bare_name, check_is_text, parse, to_text
from causalkit.typing import Name

if TYPE_CHECKING:
    from os import PathLike

__all__ = [
    "check_listed_names",
    "from_graphml",
    "from_json",
    "from_tetrad",
    "read",
    "read_text_file",
    "save",
    "to_graphml",
    "to_json",
    "to_tetrad",
]

# --- JSON --------------------------------------------------------------------------------------

_FORMAT, _VERSION = "causalkit.graph", 1


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
    edges = ",\n".join(
        "    " + _dump([edge.left, edge.symbol, edge.right]) for edge in graph.edges()
    )
    return "\n".join(
        [
            "{",
            f'  "format": "{_FORMAT}",',
            f'  "version": {_VERSION},',
            f'  "kind": "{graph.kind.name}",',
            f'  "nodes": {_dump(list(graph.nodes))},',
            '  "edges": [' + (f"\n{edges}\n  " if edges else "") + "]",
            "}",
        ]
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
    check_is_text(text, "from_json")
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:  # ValueError: an integer of too many digits, too
        raise GraphError(f"the text is no JSON: {error}. Expected what to_json() writes.") from None
    if not isinstance(content, dict) or content.get("format") != _FORMAT:
        raise GraphError(
            f'the JSON is not a graph of causalkit; expected an object with "format": "{_FORMAT}". '
            "For the node-link JSON of networkx use networkx.node_link_graph, then from_networkx."
        )
    if content.get("version") != _VERSION:
        raise GraphError(
            f"the graph has version {content.get('version')!r} of the format; expected {_VERSION}. "
            "Update causalkit to read it."
        )
    nodes, edges = content.get("nodes"), content.get("edges")
    if not (isinstance(nodes, list) and isinstance(edges, list) and "kind" in content):
        raise GraphError(
            'the JSON lacks "kind", or lists of "nodes" and "edges"; expected all three.'
        )
    check_listed_names(nodes, "node")
    return CausalGraph.from_edges(nodes, map(_edge_from_json, edges), content["kind"])


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


# --- GraphML ----------------------------------------------------------------------------------

# What XML can hold and a reader must not change: no control characters, no lone surrogates, and no
# carriage return, which XML turns into a new line.
_XML_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\ud800-\udfff\ufffe\uffff]")


def to_graphml(graph: CausalGraph) -> str:
    """Write GraphML, which Gephi, yEd, igraph and R read.

    Every edge has the attribute `symbol`, every node the attribute `name` (of type long for an
    integer), the graph the attribute `kind`. All edges are written as directed, since networkx and
    others read no file with edges of both sorts: let the other program draw heads by `symbol`.

    Raises
    ------
    GraphError
        If a name has control characters, which XML cannot hold, or `1` and `"1"` are both names.

    Examples
    --------
    >>> from causalkit.graph import CausalGraph
    >>> graph = CausalGraph.parse("X -> 7; X <-> 7")
    >>> CausalGraph.from_graphml(graph.to_graphml()) == graph
    True
    """
    import networkx as nx

    check_names_as_text(graph, "GraphML")
    for name in graph.nodes:
        if isinstance(name, str) and _XML_UNSAFE.search(name):
            raise GraphError(
                f"the name {name!r} cannot be written in GraphML; expected no control characters. "
                "Rename it, or use to_json()."
            )
    written = nx.MultiDiGraph(to_networkx(graph))
    for name, attributes in written.nodes(data=True):
        attributes["name"] = name if isinstance(name, int) else str(name)
    for _, _, attributes in written.edges(data=True):
        attributes.setdefault("symbol", "->")
    return "\n".join(nx.generate_graphml(written))


def from_graphml(text: str, kind: Kind | str | None = None) -> CausalGraph:
    """Read GraphML.

    A node is called by its attribute `name`, else `label`, else by its id. An edge without the
    attribute `symbol` is `->` in a directed file and `--` in an undirected one.

    Raises
    ------
    GraphError
        If the text is no GraphML, or the edges make no such graph.
    """
    import warnings
    from xml.etree.ElementTree import ParseError

    import networkx as nx

    check_is_text(text, "from_graphml")
    if "<!ENTITY" in text:
        raise GraphError(
            "the GraphML declares entities, which may stand for other files or for billions of "
            "letters; expected none. Write them out, and remove the <!DOCTYPE …>."
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what is no part of a causal graph, such as ports
            found = nx.parse_graphml(text, node_type=_node_id, force_multigraph=True)
    except GraphError:
        raise
    except (nx.NetworkXException, ParseError, KeyError, ValueError) as error:
        raise GraphError(
            f"the text cannot be read as GraphML: {error}. Expected one <graphml> with one <graph>."
        ) from None
    names = {
        node: data.get("name", data.get("label", node)) for node, data in found.nodes(data=True)
    }
    if len(set(names.values())) < len(names):
        names = {node: node for node in names}
    check_listed_names(list(names.values()), "node", "GraphML")
    return from_networkx(nx.relabel_nodes(found, names), kind)


def _node_id(value: str | None) -> str:
    if value is None:
        raise GraphError(
            "the GraphML has a node without an id, or an edge without a source or a target; "
            "expected each to say so. Add what is missing."
        )
    return value


# --- Tetrad -----------------------------------------------------------------------------------

_TETRAD_SYMBOL = {"->": "-->", "<->": "<->", "--": "---", "o->": "o->", "o-o": "o-o", "o--": "o--"}
# Word by word up to the symbol, so that no line is read twice.
_TETRAD_EDGE = re.compile(
    r"""\d++\.\s++ (?P<left>\S++ (?:\s++ (?![-<o]-[->o]\s) \S++)*+)
    \s++ (?P<symbol>[-<o]-[->o]) \s++ (?P<right>.+)""",
    re.VERBOSE,
)
_TETRAD_HEAD = re.compile(r"Graph Nodes:", re.IGNORECASE)


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
        f"{number}. {edge.left} {_TETRAD_SYMBOL[edge.symbol]} {edge.right}"
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
    title = _TETRAD_HEAD.search(head)
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
        edges.append(_edge_from_tetrad(line, nodes))
    return CausalGraph.from_edges(nodes.values(), edges, kind)


def _edge_from_tetrad(line: str, nodes: dict[str, Name]) -> Edge:
    match = _TETRAD_EDGE.fullmatch(line.strip())
    if match is None:
        raise GraphError(
            f"cannot read the edge {_clipped(line)!r}; expected e.g. '1. X --> Y', with one of "
            f"{', '.join(_TETRAD_SYMBOL.values())}."
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


# --- files ------------------------------------------------------------------------------------

_WRITERS = {
    ".json": to_json,
    ".txt": to_text,
    ".dot": to_dot,
    ".gv": to_dot,
    ".graphml": to_graphml,
    ".dagitty": to_dagitty,
    ".tetrad": to_tetrad,
    ".mmd": to_mermaid,
}
_READABLE = tuple(suffix for suffix in _WRITERS if suffix != ".mmd")
_PICTURES = (".png", ".svg", ".pdf")


def save(graph: CausalGraph, path: str | PathLike[str]) -> None:
    """Write a graph to a file; the suffix says how, see :mod:`causalkit.graph.formats`.

    Raises
    ------
    InputError
        If the suffix is none of those.
    GraphError
        If the format cannot say what the graph holds.
    """
    target = Path(path)
    suffix = target.suffix.lower()
    if suffix in _PICTURES:
        from causalkit.plotting import save_picture

        save_picture(graph, target)
        return
    if suffix not in _WRITERS:
        raise _unknown_suffix(target, (*_WRITERS, *_PICTURES))
    target.write_bytes((_WRITERS[suffix](graph).rstrip("\n") + "\n").encode("utf-8"))


def read(path: str | PathLike[str], kind: Kind | str | None = None) -> CausalGraph:
    """Read a graph from a file; the suffix says how, see :mod:`causalkit.graph.formats`.

    Parameters
    ----------
    path : str or path
    kind : Kind or str, optional
        Overrules what the file says; JSON always says it.

    Raises
    ------
    InputError
        If the suffix is none of those.
    GraphError
        If the file does not hold such a graph.
    """
    source = Path(path)
    suffix = source.suffix.lower()
    if suffix not in _READABLE:
        raise _unknown_suffix(source, _READABLE)
    text = read_text_file(source)
    if suffix == ".json":
        graph = from_json(text)
        return graph if kind is None else CausalGraph(graph.nodes, graph.ends, kind)
    if suffix in (".dot", ".gv"):
        return from_dot(text, kind)
    if suffix == ".graphml":
        return from_graphml(text, kind)
    if suffix == ".tetrad" or _TETRAD_HEAD.match(text.lstrip()):
        return from_tetrad(text, kind)
    if suffix == ".dagitty" or re.match(r"\s*(dag|pdag|mag|pag)\s*\{", text, re.IGNORECASE):
        return from_dagitty(text, kind)
    return parse(text, kind)


def read_text_file(path: Path) -> str:
    """Read a file of UTF-8, with or without a mark at its beginning.

    Raises
    ------
    GraphError
        If it is no text.
    """
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise GraphError(
            f"{path.name} is no text; expected UTF-8. Save it again as UTF-8."
        ) from None


def _unknown_suffix(path: Path, known: tuple[str, ...]) -> InputError:
    return InputError(
        f"{path.name!r} has the suffix {path.suffix!r}; expected one of {', '.join(known)}. Rename "
        "the file, or call the from_… or to_… method of the format."
    )
