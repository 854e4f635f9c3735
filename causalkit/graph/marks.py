"""Edge marks and edges.

An edge joins two nodes and carries a mark at each end: a TAIL ("this end is not an effect of the
other"), an ARROW ("this end is not a cause of the other"), or a CIRCLE ("either"). Two marks make
a symbol::

    ->   tail, arrow      a cause and its effect
    <->  arrow, arrow     a hidden common cause
    --   tail, tail       undecided within the class (CPDAG), or selection (MAG)
    o->  o-o  o--         one end or both ends open (PAG)

Marks are bits, so that one pair of nodes may carry two edges: the bow `X -> Y, X <-> Y` has TAIL
and ARROW at X, and ARROW at Y.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import Final

from causalkit.errors import GraphError
from causalkit.typing import Name

__all__ = ["ARROW", "CIRCLE", "TAIL", "Edge", "Kind", "split_marks"]

TAIL: Final = 1
ARROW: Final = 2
CIRCLE: Final = 4

_GLYPHS = {
    (TAIL, ARROW): "->",
    (ARROW, TAIL): "<-",
    (ARROW, ARROW): "<->",
    (TAIL, TAIL): "--",
    (CIRCLE, ARROW): "o->",
    (ARROW, CIRCLE): "<-o",
    (CIRCLE, CIRCLE): "o-o",
    (CIRCLE, TAIL): "o--",
    (TAIL, CIRCLE): "--o",
}
_AT_A_TIME: Final = re.compile(r"(?<=.)\[t(-[1-9][0-9]*)?\]\Z", re.DOTALL)

SYMBOLS: Final = {symbol: marks for marks, symbol in _GLYPHS.items()}
"""Marks at the left and at the right end, by symbol."""


class Kind(Enum):
    """What an edge means depends on the kind of graph, so the graph knows its kind."""

    DAG = "DAG"
    """Every edge is a direct cause; nothing is hidden."""
    ADMG = "ADMG"
    """Direct causes, and `<->` for hidden common causes."""
    CPDAG = "CPDAG"
    """A class of DAGs that the data cannot tell apart; `--` is undecided. With background
    knowledge in it, the literature says maximally oriented PDAG (MPDAG)."""
    MAG = "MAG"
    """Ancestral relations among observed variables, hidden ones marginalised."""
    PAG = "PAG"
    """A class of MAGs that the data cannot tell apart; circles are undecided."""


@dataclass(frozen=True, slots=True)
class Edge:
    """One edge, as it is printed: `str(Edge("X", "Y", "->")) == "X -> Y"`.

    Parameters
    ----------
    left, right : str, int or Lagged
        The two nodes.
    symbol : str
        Two marks and a line, such as `->`, `<->`, `--` or `o->`.
    """

    left: Name
    right: Name
    symbol: str

    def __str__(self) -> str:
        return f"{show_name(self.left)} {self.symbol} {show_name(self.right)}"


def show_name(name: Name) -> str:
    """A name as :meth:`CausalGraph.parse` reads it: quoted if it would be read otherwise."""
    if isinstance(name, int):
        return str(name)
    word, is_lagged = _AT_A_TIME.subn("", name)
    if is_lagged:  # X[t-1]
        return name if show_name(word) == word or word.lstrip("-").isdigit() else _quoted(name)
    plain = name.replace("_", "a").replace(".", "a").isalnum() and name != "o"
    looks_numeric = name.lstrip("-").isdigit()
    if plain and not looks_numeric:
        return name
    return _quoted(name)


def _quoted(name: str) -> str:
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


def split_marks(at_left: int, at_right: int) -> list[tuple[int, int]]:
    """Edges between two nodes as (mark at left, mark at right), from the bits at both ends.

    Raises
    ------
    GraphError
        If the bits do not say which marks belong together.
    """
    lefts = [mark for mark in (TAIL, ARROW, CIRCLE) if at_left & mark]
    rights = [mark for mark in (TAIL, ARROW, CIRCLE) if at_right & mark]
    if not lefts and not rights:
        return []
    if not lefts or not rights or (len(lefts) > 1 and len(rights) > 1):
        raise GraphError(
            f"marks {at_left} and {at_right} at the two ends do not make edges; expected a mark at "
            "both ends, and several marks at one end at most."
        )
    return [(left, right) for left in lefts for right in rights]


def glyph(at_left: int, at_right: int) -> str:
    """Symbol of the edge with these marks."""
    return _GLYPHS[at_left, at_right]


def forwards(symbol: str) -> str:
    """Symbol of the same edge, read so that a lone arrow comes last: `<-` is `->` read back."""
    return {"<-": "->", "<-o": "o->", "--o": "o--"}.get(symbol, symbol)
