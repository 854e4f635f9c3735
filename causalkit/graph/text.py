r"""The notation in which graphs are typed and printed.

Edges and lone nodes stand one after the other, separated by `;` or a new line; edges may chain;
`#` starts a comment that runs to the end of its line::

    Z -> X -> Y; X <-> Y        # a chain and a bow
    "blood pressure" o-> dose   # quotes around names with spaces or signs; \" and \\ within
    region; 7; "7"              # lone nodes: a string, an integer, a string
    X[t-1] -> Y[t]              # series, one of them a step ago

The symbols are those of :mod:`causalkit.graph.marks`. The kind of graph is the plainest one that
has these edges; where another is meant, the text opens with its name: `PAG: X -> Y`.

>>> from causalkit.graph.text import parse, to_text
>>> to_text(parse("PAG: X -> Y; Z o-> Y; W"))
'X -> Y; Z o-> Y; W'
>>> to_text(parse("PAG: X -> Y"))
'PAG: X -> Y'
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from causalkit.errors import GraphError
from causalkit.graph._validity import plainest_kind
from causalkit.graph.graph import CausalGraph
from causalkit.graph.marks import SYMBOLS, Edge, Kind, show_name
from causalkit.typing import Name

__all__ = ["as_bare_name", "check_is_text", "parse", "to_text"]

_HEADER = re.compile(rf"\s*({'|'.join(kind.name for kind in Kind)})\s*:", re.IGNORECASE)

# A circle belongs to the edge only where no word starts at it: `X --oY` is X -- oY. A longer run of
# signs is no edge at all: `X --> Y` is refused, not read as `--` and something. A quote that is not
# closed takes the rest of the text with it; if it did not, each later quote would be tried as well.
_SYMBOL = "|".join(
    re.escape(symbol) + (r"(?![\w.])" if symbol.endswith("o") else r"(?![-<>=])")
    for symbol in sorted(SYMBOLS, key=len, reverse=True)
)
_TOKEN = re.compile(
    rf"""(?P<comment>\#[^\n]*)
    | (?P<stop>[;\n])
    | (?P<space>\s+?)
    | (?P<symbol>{_SYMBOL})
    | (?P<quoted>"(?:[^"\\]|\\.)*+")
    | (?P<bare>-?\d+(?![\w.[])|-?[\w.]+(?:\[t(?:-[1-9]\d*)?\])+|[\w.]+)
    | (?P<wrong>[^\s\w.";\#]+|".*|.)""",
    re.VERBOSE | re.DOTALL,
)
_INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,999})", re.ASCII)


def parse(text: str, kind: Kind | str | None = None) -> CausalGraph:
    """Read a graph from its notation.

    Parameters
    ----------
    text : str
        Edges and lone nodes; see :mod:`causalkit.graph.text`. An empty text is the empty graph.
    kind : Kind or str, optional
        Overrules a kind that the text opens with.

    Raises
    ------
    GraphError
        If a piece of the text is no edge, chain or node, or the edges do not make such a graph.

    Examples
    --------
    >>> from causalkit.graph.text import parse
    >>> print(parse("Z -> X -> Y; X <-> Y"))
    ADMG with 3 nodes, 3 edges: Z -> X; X -> Y; X <-> Y
    """
    check_is_text(text, "CausalGraph.parse")
    header = _HEADER.match(text)
    start = header.end() if header else 0
    if header and kind is None:
        kind = Kind[header[1].upper()]
    nodes: dict[Name, None] = {}
    edges: list[Edge] = []
    for piece in _pieces(text, start):
        names, symbols = _read_piece(piece)
        nodes.update(dict.fromkeys(names))
        edges += [
            Edge(left, right, symbol)
            for (left, right), symbol in zip(pairwise(names), symbols, strict=True)
        ]
    return CausalGraph.from_edges(nodes, edges, kind)


def to_text(graph: CausalGraph) -> str:
    """Write a graph so that :func:`parse` reads it back: edges first, then lone nodes.

    Examples
    --------
    >>> from causalkit.graph import CausalGraph
    >>> CausalGraph.parse('dose -> "blood pressure"; region').to_text()
    'dose -> "blood pressure"; region'
    """
    edges = graph.edges()
    joined = {name for edge in edges for name in (edge.left, edge.right)}
    lone = (show_name(name) for name in graph.nodes if name not in joined)
    text = "; ".join([*map(str, edges), *lone])
    plainest = plainest_kind(graph.ends)
    return text if graph.kind is plainest else f"{graph.kind.name}: {text}".strip()


def as_bare_name(word: str) -> Name:
    """Read an unquoted word: an integer as Python would print it is that integer.

    >>> as_bare_name("7"), as_bare_name("007"), as_bare_name("x7")
    (7, '007', 'x7')
    """
    return int(word) if _INTEGER.fullmatch(word) and word != "-0" else word


def check_is_text(text: object, who: str) -> None:
    """Refuse what is no string, e.g. a path or bytes, before a regex does so less kindly."""
    if not isinstance(text, str):
        raise GraphError(
            f"{who} got a {type(text).__name__}; expected the text itself as a string. "
            "Use CausalGraph.read(path) for a file."
        )


Token = re.Match[str]


def _pieces(text: str, start: int) -> Iterator[list[Token]]:
    """Tokens between the separators, spaces and comments left out; empty pieces are skipped."""
    piece: list[Token] = []
    for token in _TOKEN.finditer(text, start):
        if token.lastgroup == "stop":
            if piece:
                yield piece
            piece = []
        elif token.lastgroup not in ("space", "comment"):
            piece.append(token)
    if piece:
        yield piece


def _read_piece(piece: list[Token]) -> tuple[list[Name], list[str]]:
    """Names and the symbols between them: name (symbol name)*."""
    names: list[Name] = []
    symbols: list[str] = []
    for token in piece:
        group, word = token.lastgroup, token[0]
        if group == "wrong":
            raise _unreadable(piece, token, _why_wrong(word))
        if group == "symbol":
            if len(symbols) == len(names):
                raise _unreadable(piece, token, f"no name stands before {word}")
            symbols.append(word)
            continue
        if len(names) > len(symbols):
            raise _unreadable(piece, token, f"no edge stands between {names[-1]!r} and {word}")
        names.append(as_bare_name(word) if group == "bare" else _unquoted(word))
    if len(symbols) == len(names):
        raise _unreadable(piece, piece[-1], f"no name follows {symbols[-1]}")
    return names, symbols


def _unquoted(word: str) -> str:
    return re.sub(r"\\(.)", r"\1", word[1:-1], flags=re.DOTALL)


def _why_wrong(word: str) -> str:
    if word.startswith('"'):
        return "a quote is opened and not closed"
    return f"{word} is no edge"


def _unreadable(piece: list[Token], token: Token, why: str) -> GraphError:
    text = token.string
    shown = text[piece[0].start() : piece[-1].end()]
    if len(shown) > 60:
        shown = shown[:57] + "…"
    line = text.count("\n", 0, token.start()) + 1
    return GraphError(
        f"cannot read {shown!r} (line {line}): {why}; expected names joined by one of "
        f"{', '.join(SYMBOLS)}. Separate edges with ';' or new lines, and put names with spaces or "
        "signs in double quotes."
    )
