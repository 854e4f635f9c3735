"""Mermaid: graphs as text that Markdown pages draw, on GitHub, GitLab, in notebooks and wikis.

Put the text between a line of three backquotes followed by `mermaid` and a line of three
backquotes, and the page shows the graph::

    flowchart LR
      %% ADMG
      n0["X"]
      n1["Y"]
      n0 --> n1
      n0 <-.-> n1

Solid arrows are causes, dotted ones with two heads hidden common causes, plain lines undecided
edges. Mermaid draws a circle at both ends of an edge or at none: where a PAG has one at one end
only (`o->`, `o--`), the edge carries the words "circle at" and the name of that end. Names may
hold anything, since every node has a number of its own; the kind of the graph stands in a comment.
Mermaid is for people to look at: nothing reads it back. Keep a `.json` or `.txt` beside it.

References
----------
.. [1] Mermaid, flowcharts: https://mermaid.js.org/syntax/flowchart.html
"""

from __future__ import annotations

import re
from typing import Final

from causalkit.graph.graph import CausalGraph
from causalkit.graph.marks import Edge
from causalkit.typing import Name

__all__ = ["to_mermaid"]

_LINES: Final = {
    "->": "-->",
    "<->": "<-.->",
    "--": "---",
    "o-o": "o--o",
    "o->": "-->",
    "o--": "---",
}
_CODED: Final = re.compile(r"[^\w \-.,()\[\]+/=]")
"""What Mermaid would read as a sign of its own, as Markdown or as HTML."""


def to_mermaid(graph: CausalGraph) -> str:
    """Write a Mermaid flowchart, causes to the left of their effects.

    Parameters
    ----------
    graph : CausalGraph
        Of any kind. Of a :class:`~causalkit.graph.LaggedGraph`, its `template`.

    Returns
    -------
    str
        One line a node and one an edge.

    Examples
    --------
    >>> from causalkit.graph import CausalGraph
    >>> print(CausalGraph.parse('dose o-> "blood pressure"; dose <-> age').to_mermaid())
    flowchart LR
      %% PAG
      n0["dose"]
      n1["blood pressure"]
      n2["age"]
      n0 -->|"circle at dose"| n1
      n0 <-.-> n2
    """
    number = {name: f"n{k}" for k, name in enumerate(graph.nodes)}
    nodes = [f'  {number[name]}["{_text(name)}"]' for name in graph.nodes]
    edges = [
        f"  {number[edge.left]} {_LINES[edge.symbol]}{_label(edge)} {number[edge.right]}"
        for edge in graph.edges()
    ]
    return "\n".join(["flowchart LR", f"  %% {graph.kind.name}", *nodes, *edges])


def _label(edge: Edge) -> str:
    """What is written on an edge whose circle cannot be drawn."""
    one_circle = edge.symbol in ("o->", "o--")
    return f'|"circle at {_text(edge.left)}"|' if one_circle else ""


def _text(name: Name) -> str:
    """A name within quotes, signs as their numbers; new lines stay new lines."""
    lines = str(name).splitlines() or [" "]
    return "<br/>".join(_CODED.sub(lambda found: f"#{ord(found[0])};", line) for line in lines)
