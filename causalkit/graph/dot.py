"""Graphviz and DAGitty: one grammar, two dictionaries.

Both languages are `type { statements }` with nodes, chains of edges, sets in braces and attributes
in brackets. They differ in how an edge says what it means: by arrow heads, or by symbols::

    digraph PAG { "X" -> "Y" [dir=both, arrowtail=odot]; 7 }        Graphviz: X o-> Y, and 7
    pag { X @-> Y  U [latent] }                                     DAGitty

In both, an unquoted integer is read as the integer and everything else as a string; integers are
written bare and, in Graphviz, strings in quotes. Positions, colours and labels are passed over.

References
----------
.. [1] The DOT language, https://graphviz.org/doc/info/lang.html
.. [2] Textor, van der Zander, Gilthorpe, Liśkiewicz, Ellison (2016). Robust causal inference using
   directed acyclic graphs: the R package 'dagitty'. doi:10.1093/ije/dyw341
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

from causalkit._core.checks import check_choice
from causalkit.errors import GraphError
from causalkit.graph._dot_reader import DAGITTY, DOT, ReadEdge, ReadGraph, read_dot
from causalkit.graph.convert import check_names_as_text
from causalkit.graph.graph import CausalGraph
from causalkit.graph.marks import ARROW, CIRCLE, TAIL, Edge, Kind, glyph
from causalkit.graph.text import as_bare_name, check_is_text
from causalkit.typing import Name, Names

__all__ = ["dagitty_roles", "from_dagitty", "from_dot", "to_dagitty", "to_dot"]

# --- Graphviz ----------------------------------------------------------------------------------

_DOT_ATTRIBUTES = {
    "->": "",
    "<->": " [dir=both]",
    "--": " [dir=none]",
    "o->": " [dir=both, arrowtail=odot]",
    "o-o": " [dir=both, arrowhead=odot, arrowtail=odot]",
    "o--": " [dir=both, arrowhead=none, arrowtail=odot]",
}
_SHAPES = {"none": TAIL, "dot": CIRCLE, "odot": CIRCLE} | dict.fromkeys(
    ("normal", "onormal", "empty", "vee", "open", "halfopen", "inv", "oinv", "crow"), ARROW
)


def to_dot(graph: CausalGraph) -> str:
    """Write the Graphviz language.

    Raises
    ------
    GraphError
        If two names are one name to Graphviz (`1` and `"1"`).

    Examples
    --------
    >>> from causalkit.graph import CausalGraph
    >>> print(CausalGraph.parse("X -> Y; X <-> Y").to_dot())
    digraph ADMG {
      "X";
      "Y";
      "X" -> "Y";
      "X" -> "Y" [dir=both];
    }
    """
    check_names_as_text(graph, "Graphviz")
    lines = [f"  {_dot_name(name)};" for name in graph.nodes]
    lines += [
        f"  {_dot_name(edge.left)} -> {_dot_name(edge.right)}{_DOT_ATTRIBUTES[edge.symbol]};"
        for edge in graph.edges()
    ]
    return "\n".join([f"digraph {graph.kind.name} {{", *lines, "}"])


def from_dot(text: str, kind: Kind | str | None = None, *, labels: bool = False) -> CausalGraph:
    """Read the Graphviz language: `digraph` or `graph`.

    Parameters
    ----------
    text : str
        `dir`, `arrowhead` and `arrowtail` make the marks: any arrow shape is an arrow, `odot` and
        `dot` are circles, `none` is a tail. An edge of a `graph` is `--` unless `dir` says more.
    kind : Kind or str, optional
        Left out, the graph's name if that is a kind (`digraph PAG { … }`), else the plainest kind.
    labels : bool
        Name nodes by their `label` where they have one; causal-learn's pydot graphs need this.

    Raises
    ------
    GraphError
        If the text cannot be read, or an arrow shape has no causal reading (`tee`, `box`).

    Notes
    -----
    Graphviz has no word for a hidden variable: one that is drawn as a node becomes a node. Take
    :func:`causalkit.graph.latent.latent_projection` to remove it.

    Examples
    --------
    >>> from causalkit.graph import CausalGraph
    >>> print(CausalGraph.from_dot("digraph { smoking -> {tar cancer}; tar -> cancer }"))
    DAG with 3 nodes, 3 edges: smoking -> tar; smoking -> cancer; tar -> cancer
    """
    check_is_text(text, "from_dot")
    read = read_dot(text, DOT)
    if read.type not in ("graph", "digraph"):
        raise GraphError(
            f"the text opens with {read.type!r}; expected 'digraph' or 'graph'. Use "
            "CausalGraph.from_dagitty for DAGitty's language."
        )
    names: dict[Name, Name] = {name: name for name in read.nodes}
    if labels:
        names = {n: _label_as_name(n, attributes) for n, attributes in read.nodes.items()}
    if kind is None and read.name.upper() in Kind.__members__:
        kind = read.name.upper()
    edges = [
        Edge(names[edge.left], names[edge.right], _dot_symbol(edge, read.type == "digraph"))
        for edge in read.edges
    ]
    return CausalGraph.from_edges(names.values(), edges, kind)


def _dot_name(name: Name) -> str:
    if isinstance(name, int):
        return str(name)
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _label_as_name(name: Name, attributes: Mapping[str, str]) -> Name:
    label = attributes.get("label", "\\N")
    return name if label == "\\N" else as_bare_name(label)


def _dot_symbol(edge: ReadEdge, directed: bool) -> str:
    if edge.operator != ("->" if directed else "--"):
        raise GraphError(
            f"the edge {edge} stands in a {'digraph' if directed else 'graph'}; Graphviz expects "
            "-> in a digraph and -- in a graph. Use [dir=none] for an undirected edge of a digraph."
        )
    direction = edge.attributes.get("dir", "forward" if directed else "none")
    if direction not in ("forward", "back", "both", "none"):
        raise GraphError(
            f"the edge {edge} has dir={direction!r}; expected forward, back, both or none."
        )
    shown = {
        "arrowhead": direction in ("forward", "both"),
        "arrowtail": direction in ("back", "both"),
    }
    at = {
        end: _shape_mark(edge, end, edge.attributes.get(end, "normal")) if drawn else TAIL
        for end, drawn in shown.items()
    }
    return glyph(at["arrowtail"], at["arrowhead"])


def _shape_mark(edge: ReadEdge, end: str, shape: str) -> int:
    if shape not in _SHAPES:
        raise GraphError(
            f"the edge {edge} has {end}={shape!r}, which has no "
            f"causal meaning; expected one of {', '.join(_SHAPES)}."
        )
    return _SHAPES[shape]


# --- DAGitty ----------------------------------------------------------------------------------

_DAGITTY_TYPE = {
    Kind.DAG: "dag",
    Kind.ADMG: "dag",
    Kind.CPDAG: "pdag",
    Kind.MAG: "mag",
    Kind.PAG: "pag",
}
_DAGITTY_KIND = {"pdag": Kind.CPDAG, "mag": Kind.MAG, "pag": Kind.PAG}
_ROLES = {
    "exposure": ("exposure", "e", "source"),
    "outcome": ("outcome", "o", "target"),
    "latent": ("latent", "l", "unobserved", "u"),
    "adjusted": ("adjusted", "a"),
    "selected": ("selected", "s"),
}


def to_dagitty(
    graph: CausalGraph,
    *,
    exposure: Names | None = None,
    outcome: Names | None = None,
    latent: Names | None = None,
) -> str:
    """Write DAGitty's language, for dagitty.net and the R package.

    Parameters
    ----------
    graph : CausalGraph
    exposure, outcome, latent : name or names, optional
        Nodes to be marked so.

    Raises
    ------
    GraphError
        If a name cannot be written in DAGitty: control characters, a backslash before a quote or at
        the end, the words `graph` and `node`; or `1` and `"1"` are both names.

    Notes
    -----
    DAGitty has one word for a DAG and an ADMG, so an ADMG without `<->` is read back as a DAG.

    Examples
    --------
    >>> from causalkit.graph import CausalGraph
    >>> print(CausalGraph.parse("X -> Y; X <-> Y").to_dagitty(exposure="X", outcome="Y"))
    dag {
      X [exposure]
      Y [outcome]
      X -> Y
      X <-> Y
    }
    """
    check_names_as_text(graph, "DAGitty")
    roles: dict[Name, list[str]] = {name: [] for name in graph.nodes}
    for role, names in (("exposure", exposure), ("outcome", outcome), ("latent", latent)):
        for k in graph.indices(names):
            roles[graph.nodes[k]].append(role)
    lines = [
        f"  {_dagitty_name(name)}" + (f" [{', '.join(marked)}]" if marked else "")
        for name, marked in roles.items()
    ]
    lines += [
        f"  {_dagitty_name(edge.left)} {edge.symbol.replace('o', '@')} {_dagitty_name(edge.right)}"
        for edge in graph.edges()
    ]
    return "\n".join([f"{_DAGITTY_TYPE[graph.kind]} {{", *lines, "}"])


def from_dagitty(
    text: str,
    kind: Kind | str | None = None,
    *,
    latents: Literal["project", "keep"] = "project",
) -> CausalGraph:
    """Read DAGitty's language: `dag`, `pdag`, `mag`, `pag`, `graph` or `digraph`.

    Parameters
    ----------
    text : str
        Without `type { … }` around it, it is read as a `dag`, as DAGitty does.
    kind : Kind or str, optional
        Left out, DAG or ADMG for a `dag`, CPDAG for a `pdag`, MAG, PAG.
    latents : {"project", "keep"}
        A node marked `[latent]` cannot be measured, and everything in causalkit takes the nodes
        of a graph for variables of the data. So by default such nodes are projected out (their
        common effects get `<->`); "keep" returns the graph as it is drawn.
        :func:`dagitty_roles` tells who was marked how.

    Raises
    ------
    GraphError
        If the text cannot be read; if nodes are `[selected]`, because the data are then not what
        the nodes alone say (`latents="keep"` reads the drawing all the same).

    Examples
    --------
    >>> from causalkit.graph import CausalGraph
    >>> text = "dag { X [exposure]  Y [outcome]  U [latent]  U -> {X Y}  X -> Y }"
    >>> print(CausalGraph.from_dagitty(text, latents="keep"))
    DAG with 3 nodes, 3 edges: X -> Y; U -> X; U -> Y
    >>> print(CausalGraph.from_dagitty(text))
    ADMG with 2 nodes, 2 edges: X -> Y; X <-> Y
    """
    check_choice(latents, "latents", ("project", "keep"))
    read = _read_dagitty(text, "from_dagitty")
    if kind is None:
        kind = _DAGITTY_KIND.get(read.type)
    edges = (Edge(edge.left, edge.right, edge.operator.replace("@", "o")) for edge in read.edges)
    graph = CausalGraph.from_edges(read.nodes, edges, kind)
    roles = _roles(read)
    if latents == "keep" or not (roles["latent"] or roles["selected"]):
        return graph
    if roles["selected"]:
        raise GraphError(
            f"node(s) {', '.join(map(str, roles['selected']))} are marked [selected]: the data are "
            "conditioned on them, which a DAG or an ADMG cannot say. Pass "
            "latents='keep' to read the drawing, and take the selection into account yourself."
        )
    if graph.kind not in (Kind.DAG, Kind.ADMG):
        raise GraphError(
            f"a {graph.kind.name} with [latent] nodes; expected none, because a {graph.kind.name} "
            "already stands for what is hidden. Pass latents='keep' to read the drawing."
        )
    from causalkit.graph.latent import latent_projection

    return latent_projection(graph, [n for n in graph.nodes if n not in roles["latent"]])


def dagitty_roles(text: str) -> dict[str, tuple[Name, ...]]:
    """Tell which nodes a DAGitty text marks as exposure, outcome, latent, adjusted, selected.

    Examples
    --------
    >>> from causalkit.graph.dot import dagitty_roles
    >>> dagitty_roles("dag { X [exposure] Y [outcome] U [latent] U -> X -> Y }")["latent"]
    ('U',)
    """
    return _roles(_read_dagitty(text, "dagitty_roles"))


def _dagitty_name(name: Name) -> str:
    if isinstance(name, int):
        return str(name)
    writable = name.lower() not in ("graph", "node") and not re.search(
        r'[\x00-\x1f\x7f]|\\$|\\"', name
    )
    if not writable:
        raise GraphError(
            f"the name {name!r} cannot be written in DAGitty; expected no control characters, no "
            "backslash at the end or before a quote, and neither 'graph' nor 'node'. Rename it."
        )
    if re.fullmatch(r"[A-Za-z0-9_.]+", name) and not re.fullmatch(r"[0-9]+", name):
        return name
    return '"' + name.replace('"', '\\"') + '"'


def _read_dagitty(text: str, who: str) -> ReadGraph:
    check_is_text(text, who)
    if not re.match(r"\s*(strict\s+)?(graph|digraph|dag|pdag|mag|pag)\b[^{;\[]*\{", text, re.I):
        text = f"dag {{\n{text}\n}}"
    return read_dot(text, DAGITTY)


def _roles(read: ReadGraph) -> dict[str, tuple[Name, ...]]:
    return {
        role: tuple(
            name for name, marks in read.nodes.items() if not marks.keys().isdisjoint(words)
        )
        for role, words in _ROLES.items()
    }
