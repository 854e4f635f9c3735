"""Graphs of other libraries: networkx and causal-learn, in and out.

Each format has a pair of functions, `from_<format>` and `to_<format>`, and :class:`CausalGraph` has
methods of the same names. The rule for all of them: what a format can say comes back exactly as it
was; what it cannot say is refused with a :class:`~causalkit.errors.GraphError`, never dropped.

Matrices are in :mod:`~causalkit.graph.adjacency`, Graphviz and DAGitty in
:mod:`~causalkit.graph.dot`; JSON, GraphML and Tetrad's text have a module each, and files are in
:mod:`~causalkit.graph.formats`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from causalkit.errors import GraphError
from causalkit.graph.adjacency import from_adjacency, plain_name, says_cpdag, to_adjacency
from causalkit.graph.graph import CausalGraph
from causalkit.graph.marks import Edge, Kind
from causalkit.typing import Name

if TYPE_CHECKING:
    import networkx as nx

__all__ = [
    "check_names_as_text",
    "from_causallearn",
    "from_networkx",
    "to_causallearn",
    "to_dowhy",
    "to_networkx",
]

# --- networkx ----------------------------------------------------------------------------------


def to_networkx(graph: CausalGraph) -> nx.DiGraph:
    """Write a networkx graph: a `DiGraph` for a DAG, else a `MultiDiGraph` with symbols.

    Returns
    -------
    networkx.DiGraph or networkx.MultiDiGraph
        `graph["kind"]` names the kind. In a `MultiDiGraph` each edge runs from its left to its
        right node and has the attribute `symbol`: `->`, `<->`, `--`, `o->`, `o-o` or `o--`.

    Examples
    --------
    >>> from causalkit.graph import CausalGraph
    >>> nxg = CausalGraph.parse("X -> Y; X <-> Y").to_networkx()
    >>> list(nxg.edges(data="symbol"))
    [('X', 'Y', '->'), ('X', 'Y', '<->')]
    """
    import networkx as nx

    if graph.kind is Kind.DAG:
        plain = nx.DiGraph(kind=graph.kind.name)
        plain.add_nodes_from(graph.nodes)
        plain.add_edges_from((edge.left, edge.right) for edge in graph.edges())
        return plain
    marked = nx.MultiDiGraph(kind=graph.kind.name)
    marked.add_nodes_from(graph.nodes)
    for edge in graph.edges():
        marked.add_edge(edge.left, edge.right, symbol=edge.symbol)
    return marked


def to_dowhy(graph: CausalGraph) -> nx.DiGraph:
    """Write what DoWhy's `CausalModel(data, treatment, outcome, graph=...)` takes: a `DiGraph`.

    DoWhy has no `<->`; it takes for hidden what is not a column of the data. Each `<->` becomes a
    node of its own, named after the nodes that it causes.

    Parameters
    ----------
    graph : CausalGraph
        A DAG or an ADMG.

    Returns
    -------
    networkx.DiGraph
        Nodes have the attribute `observed`, "yes" or "no".

    Raises
    ------
    GraphError
        If the graph is of another kind: DoWhy has no classes of graphs.

    Examples
    --------
    >>> from causalkit.graph import CausalGraph
    >>> nxg = CausalGraph.parse("X -> Y; X <-> Y").to_dowhy()
    >>> list(nxg.edges)
    [('X', 'Y'), ('U(X,Y)', 'X'), ('U(X,Y)', 'Y')]
    """
    import networkx as nx

    if graph.kind not in (Kind.DAG, Kind.ADMG):
        raise GraphError(
            f"the graph is a {graph.kind.name}, and DoWhy takes DAGs only; expected a DAG or an "
            "ADMG. Choose a member: consistent_extension(graph)."
        )
    plain = nx.DiGraph()
    plain.add_nodes_from(graph.nodes, observed="yes")
    plain.add_edges_from((e.left, e.right) for e in graph.edges() if e.symbol == "->")
    for edge in graph.edges():
        if edge.symbol == "<->":
            hidden = f"U({edge.left},{edge.right})"
            while hidden in plain:
                hidden += "'"
            plain.add_node(hidden, observed="no")
            plain.add_edges_from([(hidden, edge.left), (hidden, edge.right)])
    return plain


def from_networkx(graph: nx.Graph, kind: Kind | str | None = None) -> CausalGraph:
    """Read a networkx graph.

    Parameters
    ----------
    graph : networkx graph
        An edge with the attribute `symbol` is that edge; one without is `->` in a directed graph
        and `--` in an undirected one. Other attributes (weights, positions) are not part of a
        causal graph and stay behind.
    kind : Kind or str, optional
        Left out, `graph.graph["kind"]` if it is there, else the plainest kind. With `"CPDAG"`, a
        pair of edges `X -> Y` and `Y -> X` without symbols is read as `X -- Y`.

    Raises
    ------
    GraphError
        If the edges make no such graph; two opposite edges are a cycle unless the kind is CPDAG.

    Examples
    --------
    >>> import networkx as nx
    >>> from causalkit.graph import CausalGraph
    >>> print(CausalGraph.from_networkx(nx.DiGraph([("Z", "X"), ("Z", "Y")])))
    DAG with 3 nodes, 2 edges: Z -> X; Z -> Y
    """
    if not all(hasattr(graph, name) for name in ("is_directed", "nodes", "edges")):
        raise GraphError(
            f"from_networkx got a {type(graph).__name__}; expected a networkx graph. Use "
            "CausalGraph.from_adjacency for a matrix, CausalGraph.from_edges for pairs."
        )
    stated = graph.graph.get("kind")
    if kind is None and isinstance(stated, str) and stated in Kind.__members__:
        kind = stated
    directed = graph.is_directed()
    edges: dict[tuple[Name, Name, str], Edge] = {}
    for left, right, symbol in graph.edges(data="symbol"):
        a, b = plain_name(left), plain_name(right)
        symbol = symbol or ("->" if directed else "--")
        if not directed and symbol not in ("--", "<->", "o-o"):
            raise GraphError(
                f"the undirected networkx graph has the edge {a!r} {symbol} {b!r}, but does not "
                "keep which end is which; expected a DiGraph or MultiDiGraph. Build one of these."
            )
        if symbol == "->" and (b, a, "->") in edges and says_cpdag(kind):
            del edges[b, a, "->"]
            symbol = "--"
        edges[a, b, symbol] = Edge(a, b, symbol)
    return CausalGraph.from_edges(map(plain_name, graph.nodes), edges.values(), kind)


# --- causal-learn -----------------------------------------------------------------------------


def to_causallearn(graph: CausalGraph) -> Any:
    """Write a causal-learn `GeneralGraph`.

    causal-learn names nodes by strings; an integer name is written as one, and kept in the node's
    attribute `"name"`, from which :func:`from_causallearn` reads it back.

    Raises
    ------
    GraphError
        If two names are the same as strings (`1` and `"1"`).

    Examples
    --------
    >>> from causalkit.graph import CausalGraph
    >>> print(CausalGraph.parse("X o-> Y").to_causallearn())
    Graph Nodes:
    X;Y
    <BLANKLINE>
    Graph Edges:
    1. X o-> Y
    <BLANKLINE>
    """
    from causallearn.graph.GeneralGraph import GeneralGraph
    from causallearn.graph.GraphNode import GraphNode

    check_names_as_text(graph, "causal-learn")
    nodes = [GraphNode(str(name)) for name in graph.nodes]
    for node, name in zip(nodes, graph.nodes, strict=True):
        node.add_attribute("name", name)
    written = GeneralGraph(nodes)
    # add_edge drops `o--` without a word (causal-learn 0.1.4), so the matrix is set as a whole.
    written.graph = to_adjacency(graph, convention="causal-learn").astype(int)
    written.reconstitute_dpath(written.get_graph_edges())
    written.pag = graph.kind is Kind.PAG
    written.pattern = graph.kind is Kind.CPDAG
    written.attributes["kind"] = graph.kind.name
    return written


def from_causallearn(graph: Any, kind: Kind | str | None = None) -> CausalGraph:
    """Read causal-learn's `GeneralGraph`, or the `CausalGraph` that its PC returns.

    Latent variables that an algorithm found (GIN, say) become nodes like the others.

    Parameters
    ----------
    graph : causallearn.graph.GeneralGraph.GeneralGraph, or an object with such a graph in `.G`
    kind : Kind or str, optional
        Left out, what the graph says of itself, else the plainest kind that has these edges. A
        finished PC or GES run is a CPDAG and a finished FCI run a PAG even where every edge happens
        to be directed: pass `"CPDAG"` or `"PAG"` then.

    Examples
    --------
    >>> from causalkit.graph import CausalGraph
    >>> graph = CausalGraph.parse("A o-> B; B <-> C; D o-o A")
    >>> CausalGraph.from_causallearn(graph.to_causallearn()) == graph
    True
    """
    graph = getattr(graph, "G", graph)
    if not all(hasattr(graph, name) for name in ("get_nodes", "graph")):
        raise GraphError(
            f"from_causallearn got a {type(graph).__name__}; expected a GeneralGraph, or what pc() "
            "returns. fci() returns a tuple and ges() a dict: pass the graph inside."
        )
    if kind is None:
        stated = getattr(graph, "attributes", {}).get("kind")
        flags = ((Kind.PAG, "pag"), (Kind.CPDAG, "pattern"))
        kind = stated or next((flag for flag, at in flags if getattr(graph, at, False)), None)
    names = [
        getattr(node, "attributes", {}).get("name", node.get_name()) for node in graph.get_nodes()
    ]
    return from_adjacency(np.asarray(graph.graph), names, convention="causal-learn", kind=kind)


def check_names_as_text(graph: CausalGraph, format_name: str) -> None:
    """Refuse names that are one name once integers are written as text."""
    texts = {str(name) for name in graph.nodes}
    if len(texts) == len(graph.nodes):
        return
    twice = next(name for name in graph.nodes if isinstance(name, int) and str(name) in graph)
    raise GraphError(
        f"the graph has both {twice} and '{twice}', which are one name in {format_name}; expected "
        "names that differ as text. Rename one of them, or use to_json()."
    )
