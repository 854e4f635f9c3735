"""Pictures within a page: SVG that has a name, ids of its own, and nothing that leaks out of it.

What matplotlib writes is a document: its ids are the same in every file, and its style is for all
that is around it. Within a page, ids are dropped or get the picture's name in front; the style
stays inside; and a title and a description say what is to be seen, for those who do not see it.

Graphs answer to the pointer and to the keyboard without a script. Each node can be reached with the
tab key; while one is, or the pointer is over it, all that does not touch it fades. A browser that
does not know the CSS selector `:has` shows the graph without that.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final
from xml.etree import ElementTree as ET

from causalkit.graph import CausalGraph, Edge
from causalkit.graph.marks import SYMBOLS, glyph
from causalkit.plotting import graph_svg
from causalkit.typing import Name

__all__ = ["as_part_of_a_page", "responsive_graph"]

_LEAST: Final = 0.75
"""A picture shrinks with the window to this part of its size; from there on it is scrolled."""

_SVG: Final = "http://www.w3.org/2000/svg"
_HREF: Final = "{http://www.w3.org/1999/xlink}href"
_EDGE: Final = re.compile(r"edge-\d+-(\d+)-(\d+)(-[ab])?")
_NODE: Final = re.compile(r"node-(\d+)(-name)?")
_ROLES: Final = {"treatment": "treatment", "outcome": "outcome", "adjustment": "adjusted for"}
_VERBS: Final = {
    "->": "causes",
    "<-": "is caused by",
    "<->": "shares a hidden cause with",
    "--": "is joined, without an arrow, to",
    "o->": "causes, or shares a hidden cause with,",
    "<-o": "is caused by, or shares a hidden cause with,",
    "o-o": "is joined, both ends open, to",
    "o--": "is joined, this end open, to",
    "--o": "is joined, the other end open, to",
}


def as_part_of_a_page(svg: str, *, name: str, title: str, text: str) -> str:
    """Return the SVG as an element of a page.

    Parameters
    ----------
    svg : str
        As matplotlib writes it.
    name : str
        Put before the ids that are needed; no other picture of the page may have it.
    title, text : str
        What the picture is, and what there is to be seen.

    Returns
    -------
    str
        One `<svg>` element with the role of an image.
    """
    root = _tidied(svg, name)
    _entitle(root, name, title, text)
    root.set("role", "img")
    return _written(root)


def responsive_graph(
    graph: CausalGraph, roles: Mapping[str, tuple[Name, ...]], *, name: str, title: str
) -> str:
    """Draw a graph whose nodes show, at a touch, what they are joined to.

    Parameters
    ----------
    graph : CausalGraph
    roles : mapping of str to names
        Of "treatment", "outcome" and "adjustment", each a tuple of nodes; they are coloured.
    name, title : str
        As in :func:`as_part_of_a_page`.

    Returns
    -------
    str
        One `<svg>` element with the role of a group.
    """
    root = _tidied(graph_svg(graph, shrink=False, focus=False, **roles), name)
    edges = graph.edges()
    for group in root.iter(f"{{{_SVG}}}g"):
        gid = group.attrib.pop("data-part", "")
        if at := _EDGE.fullmatch(gid):
            _become_edge(group, graph, int(at[1]), int(at[2]))
        elif at := _NODE.fullmatch(gid):
            _become_node(group, graph, int(at[1]), bool(at[2]), roles, edges)
    counts = f"{graph.kind.name}, {len(graph)} variables, {len(edges)} edges"
    _entitle(root, name, title, f"{counts}. Each variable says what it is joined to here.")
    style = ET.Element("style")
    style.text = "\n".join(_rules(graph, name))
    root.insert(2, style)
    root.set("role", "group")
    root.set("id", name)
    return _written(root)


# --- SVG ------------------------------------------------------------------------------------------


def _tidied(svg: str, name: str) -> ET.Element:
    """Parse, keep what is seen, and let ids be the page's only; others become `data-part`."""
    root = ET.fromstring(svg)
    used = set(re.findall(r'(?:url\(#|href="#)([^")]+)', svg))
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag in (f"{{{_SVG}}}metadata", f"{{{_SVG}}}style"):
                parent.remove(child)
    for element in root.iter():
        own = element.attrib.pop("id", "")
        if own in used:
            element.set("id", f"{name}-{own}")
        elif _EDGE.fullmatch(own) or _NODE.fullmatch(own):
            element.set("data-part", own)
        if target := element.attrib.pop(_HREF, ""):
            element.set("href", f"#{name}-{target[1:]}")
        for key, value in element.attrib.items():
            element.set(key, value.replace("url(#", f"url(#{name}-"))
    least = _LEAST * float(root.get("width", "0pt").removesuffix("pt"))
    root.set("style", f"stroke-linejoin: round; stroke-linecap: butt; --least: {least:.0f}pt")
    return root


def _entitle(root: ET.Element, name: str, title: str, text: str) -> None:
    for place, (tag, words) in enumerate((("title", title), ("desc", text))):
        element = ET.Element(tag, {"id": f"{name}-{tag}"})
        element.text = words
        root.insert(place, element)
    root.set("aria-labelledby", f"{name}-title")
    root.set("aria-describedby", f"{name}-desc")


def _written(root: ET.Element) -> str:
    """Write it without prefixes, as HTML reads it."""
    for element in root.iter():
        element.tag = element.tag.removeprefix(f"{{{_SVG}}}")
    return ET.tostring(root, encoding="unicode")


# --- graphs ---------------------------------------------------------------------------------------


def _become_edge(group: ET.Element, graph: CausalGraph, i: int, j: int) -> None:
    group.set("class", f"edge n{i} n{j}")
    group.set("aria-hidden", "true")  # the nodes say it
    between = graph.edges_between(graph.nodes[i], graph.nodes[j])
    _set_title(group, "; ".join(map(str, between)))


def _become_node(
    group: ET.Element,
    graph: CausalGraph,
    k: int,
    is_name: bool,
    roles: Mapping[str, tuple[Name, ...]],
    edges: Iterable[Edge],
) -> None:
    group.set("class", f"node n{k}")
    if is_name:
        group.set("aria-hidden", "true")
        group.set("pointer-events", "none")
        return
    words = _said_of(graph.nodes[k], roles, edges)
    group.set("tabindex", "0")
    group.set("role", "img")
    group.set("aria-label", words)
    _set_title(group, words)


def _set_title(group: ET.Element, words: str) -> None:
    title = ET.Element("title")
    title.text = words
    group.insert(0, title)


def _said_of(name: Name, roles: Mapping[str, tuple[Name, ...]], edges: Iterable[Edge]) -> str:
    """What a node is, and what it is joined to, in words."""
    said: dict[str, list[str]] = {}
    for edge in edges:
        if name == edge.left:
            said.setdefault(edge.symbol, []).append(str(edge.right))
        elif name == edge.right:
            turned = glyph(*reversed(SYMBOLS[edge.symbol]))
            said.setdefault(turned, []).append(str(edge.left))
    parts = [f"{_VERBS[symbol]} {', '.join(names)}" for symbol, names in said.items()]
    own = [_ROLES[role] for role, names in roles.items() if name in names]
    return f"{', '.join([str(name), *own])}: {'; '.join(parts) or 'joined to nothing'}"


def _rules(graph: CausalGraph, name: str) -> Iterable[str]:
    """Of each node a rule: while it is touched, all fades that does not touch it."""
    for k in range(len(graph)):
        near = [k, *graph.adjacency[k].nonzero()[0].tolist()]
        others = ",".join(f".n{j}" for j in near)
        yield (
            f"#{name}:has(.node.n{k}:is(:hover,:focus)) "
            f":is(.edge:not(.n{k}),.node:not({others})){{opacity:.18}}"
        )
