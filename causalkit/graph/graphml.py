"""GraphML: graphs as Gephi, yEd, igraph and R read them.

GraphML is XML with attributes of one's own. Here an edge has its `symbol` (`->`, `<->`, `o->`, …)
and the graph its `kind`, so every graph comes back as it was; of files of other programs, names are
found in the attributes that these programs use.

What XML can do beyond that is refused: entities could stand for other files, or for billions of
letters.
"""

from __future__ import annotations

import re
from typing import Final

from causalkit.errors import GraphError
from causalkit.graph.convert import check_names_as_text, from_networkx, to_networkx
from causalkit.graph.graph import CausalGraph
from causalkit.graph.json_form import check_listed_names
from causalkit.graph.marks import Kind
from causalkit.graph.text import check_is_text

__all__ = ["from_graphml", "to_graphml"]

# What XML can hold and a reader must not change: no control characters, no lone surrogates, and no
# carriage return, which XML turns into a new line.
_XML_UNSAFE: Final = re.compile("[\x00-\x08\x0b-\x1f\ud800-\udfff\ufffe\uffff]")


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
