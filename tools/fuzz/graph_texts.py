"""Texts of graphs in every notation: sound ones, nearly sound ones, and what is left after damage.

`generate(rng, notation)` writes a text, `check(text, notation)` reads it. What can be read must
print, and what was printed must be read as the same graph.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any
from xml.sax.saxutils import quoteattr

from causalkit.errors import CausalkitError
from causalkit.graph import CausalGraph, LaggedGraph
from tools.fuzz.mutation import damage, repeat

__all__ = ["NOTATIONS", "BrokenError", "check", "generate"]

SYMBOLS = ("->", "->", "->", "<-", "<->", "--", "o->", "<-o", "o-o", "o--", "--o")
NAMES = (
    *("X", "Y", "Z", "a", "b", "c", "W_1", "x.y", "o", "oo", "dose", "7", "-3", "007", "-0", "1.5"),
    *("graph", "node", "DAG", "blood pressure", 'a"b', "a\\b", "a;b", "#", "", " ", "²", "٣", "ß"),
    *("X[t]", "X[t-1]", "X[t-2]", "[t]", "7[t-1]", "X[t][t-1]", "None", "nan", "true", "-->"),
)
KINDS = ("DAG", "ADMG", "CPDAG", "MAG", "PAG")


class BrokenError(Exception):
    """A graph that does not come back as it was written."""


@dataclass(frozen=True)
class Notation:
    """How a notation is read and written, its share of the texts, and how one is made up."""

    share: int
    read: Callable[[str], Any]
    write: Callable[[Any], str]
    make: Callable[[Random], str]


def generate(rng: Random, number: int) -> tuple[str, str]:
    """Name of a notation, and a text: half of them sound at first, one in 5,000 very long."""
    notation = rng.choice(_BAG)
    text = NOTATIONS[notation].make(rng)
    if rng.random() < 0.5:
        text = damage(rng, text)
    if number % 5000 == 4999:
        text = repeat(rng, text)
    return notation, text


def check(notation: str, text: str) -> str:
    """Read a text; say what came of it.

    Raises
    ------
    BrokenError
        If a graph is not what its own text says.
    """
    how = NOTATIONS[notation]
    try:
        graph = how.read(text)
    except CausalkitError as error:
        return type(error).__name__
    kind = CausalGraph if isinstance(graph, CausalGraph) else LaggedGraph
    _same(graph, kind.parse, kind.to_text)
    if len(text) < 2000:
        _same(graph, kind.from_json, kind.to_json)
    if how.write is not kind.to_text:
        try:
            written = how.write(graph)
        except CausalkitError:  # the notation cannot say what the graph holds
            return "read, cannot be written"
        _same(graph, how.read, lambda _: written, kinds=notation in _KEEP_KIND)
    return "read"


def _same(graph: Any, read: Any, write: Any, *, kinds: bool = True) -> None:
    text = write(graph)
    again = read(text)
    if not kinds:
        again = (
            type(graph).parse(again.to_text(), graph.kind) if again.kind != graph.kind else again
        )
    if again != graph:
        raise BrokenError(f"{graph!r} was written as {text[:300]!r} and read as {again!r}")


# --- sound texts ----------------------------------------------------------------------------------


def _edges(rng: Random, symbols: tuple[str, ...] = SYMBOLS) -> list[tuple[str, str, str]]:
    """Edges among a few names; two times in three along their order, and of few sorts."""
    calm = rng.random() < 0.67
    names = rng.sample(NAMES[:12] if calm else NAMES, rng.randrange(2, 7))
    if calm:
        symbols = rng.choice((symbols[:3], (symbols[0], symbols[4]), symbols))
    found = []
    for _ in range(rng.randrange(0, 9)):
        i, j = rng.randrange(len(names)), rng.randrange(len(names))
        if calm:
            i, j = min(i, j), max(i, j) if i != j else (i + 1) % len(names)
        found.append((names[i], rng.choice(symbols), names[j]))
    return found


def _quoted(rng: Random, name: str) -> str:
    if name.replace("_", "a").isalnum() and rng.random() < 0.8:
        return name
    return (
        name if rng.random() < 0.1 else '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'
    )


def _plain(rng: Random) -> str:
    pieces = []
    for left, symbol, right in _edges(rng):
        piece = f"{_quoted(rng, left)} {symbol} {_quoted(rng, right)}"
        while rng.random() < 0.2:
            piece += f" {rng.choice(SYMBOLS)} {_quoted(rng, rng.choice(NAMES))}"
        pieces.append(piece)
    pieces += [_quoted(rng, rng.choice(NAMES)) for _ in range(rng.randrange(3))]
    head = f"{rng.choice(KINDS)}: " if rng.random() < 0.3 else ""
    return head + rng.choice(("; ", "\n", ";")).join(pieces)


def _lagged(rng: Random) -> str:
    def node() -> str:
        lag = rng.choice(("[t]", "[t-1]", "[t-2]", "[t-3]", "", "[t-0]"))
        return rng.choice(("X", "Y", "Z", "7", "a.b")) + lag

    pieces = [f"{node()} {rng.choice(SYMBOLS)} {node()}" for _ in range(rng.randrange(6))]
    head = f"{rng.choice(KINDS)}: " if rng.random() < 0.3 else ""
    return head + "; ".join(pieces)


def _dot(rng: Random) -> str:
    directed = rng.random() < 0.8
    arrow = "->" if directed else "--"
    lines = []
    for left, _, right in _edges(rng):
        a, b = _quoted(rng, left), _quoted(rng, right)
        if rng.random() < 0.2:
            b = f"{{{b} {_quoted(rng, rng.choice(NAMES))}}}"
        attributes = rng.choice(
            ("", "", " [dir=both]", " [dir=none]", " [arrowhead=odot, dir=both]", " [x=1][y]")
        )
        lines.append(f"{a} {arrow} {b}{attributes}")
    extra = ("node [shape=box]", "edge [dir=back]", "subgraph s {a -> b}", "rankdir = LR", "a:b:c")
    lines += rng.sample(extra, rng.randrange(3))
    name = rng.choice(("", *KINDS, '"a b"', "<<b>x</b>>"))
    return f"{'di' * directed}graph {name} {{{rng.choice((';', ' ', chr(10))).join(lines)}}}"


def _dagitty(rng: Random) -> str:
    signs = ("->", "->", "->", "<-", "<->", "--", "@->", "<-@", "@-@", "@--", "--@")
    lines = [f"{_quoted(rng, a)} {sign} {_quoted(rng, b)}" for a, sign, b in _edges(rng, signs)]
    roles = ("exposure", "outcome", "latent", "selected", "adjusted", 'pos="1,2"')
    for _ in range(rng.randrange(3)):
        lines.append(f"{_quoted(rng, rng.choice(NAMES))} [{rng.choice(roles)}]")
    return f"{rng.choice(('dag', 'pdag', 'mag', 'pag', 'graph', ''))} {{{' '.join(lines)}}}"


def _odd(rng: Random, value: Any) -> Any:
    """A value of JSON, or now and then another one."""
    if rng.random() > 0.04:
        return value
    return rng.choice((None, True, 1.5, -1, [], {}, [value], {"a": value}, "", 10**400, "DAG"))


def _json(rng: Random) -> str:
    edges = _edges(rng)
    nodes = list(dict.fromkeys(name for a, _, b in edges for name in (a, b)))
    content = {
        "format": _odd(rng, "causalkit.graph"),
        "version": _odd(rng, 1),
        "kind": _odd(rng, rng.choice(KINDS)),
        "nodes": _odd(rng, [_odd(rng, name) for name in nodes]),
        "edges": _odd(rng, [_odd(rng, [_odd(rng, part) for part in edge]) for edge in edges]),
    }
    return json.dumps(content)


def _lagged_json(rng: Random) -> str:
    names = ["X", "Y", 7]

    def edge() -> list[Any]:
        sign = rng.choice(SYMBOLS)
        return [rng.choice(names), rng.randrange(4), sign, rng.choice(names), rng.randrange(2)]

    content = {
        "format": "causalkit.lagged_graph",
        "version": _odd(rng, 1),
        "kind": _odd(rng, rng.choice(KINDS)),
        "max_lag": _odd(rng, rng.randrange(6)),
        "variables": _odd(rng, [_odd(rng, name) for name in names]),
        "edges": [_odd(rng, [_odd(rng, x) for x in edge()]) for _ in range(rng.randrange(5))],
    }
    return json.dumps(content)


def _graphml(rng: Random) -> str:
    edges = _edges(rng)
    nodes = dict.fromkeys(name for a, _, b in edges for name in (a, b))
    kind = rng.choice(("string", "string", "long", "double", "boolean", "date"))
    lines = [
        f'<key id="d0" for="node" attr.name="name" attr.type="{kind}"/>',
        '<key id="d1" for="edge" attr.name="symbol" attr.type="string"/>',
        f'<graph edgedefault="{rng.choice(("directed", "directed", "undirected", "both"))}">',
    ]
    for name in nodes:
        inside = (
            f'<data key="d0">{rng.choice(("a", "1", "x"))}</data>' if rng.random() < 0.1 else ""
        )
        lines.append(f"<node id={quoteattr(name)}>{inside}</node>")
    for a, sign, b in edges:
        inside = f'<data key="d1">{sign.replace("<", "&lt;")}</data>' if rng.random() < 0.7 else ""
        lines.append(f"<edge source={quoteattr(a)} target={quoteattr(b)}>{inside}</edge>")
    space = "http://graphml.graphdrawing.org/xmlns"
    return f'<graphml xmlns="{space}">{"".join(lines)}</graph></graphml>'


def _tetrad(rng: Random) -> str:
    signs = ("-->", "-->", "<--", "---", "<->", "o->", "<-o", "o-o", "o--")
    edges = _edges(rng, signs)
    names = dict.fromkeys(name for a, _, b in edges for name in (a, b))
    remarks = ("", "", " dd nl", " pd", " [0.9]", "  ")
    lines = [
        f"{k}. {a} {sign} {b}{rng.choice(remarks)}" for k, (a, sign, b) in enumerate(edges, start=1)
    ]
    return "\n".join(["Graph Nodes:", rng.choice(";,").join(names), "", "Graph Edges:", *lines])


NOTATIONS = {
    "text": Notation(34, CausalGraph.parse, CausalGraph.to_text, _plain),
    "dot": Notation(16, CausalGraph.from_dot, CausalGraph.to_dot, _dot),
    "dagitty": Notation(12, CausalGraph.from_dagitty, CausalGraph.to_dagitty, _dagitty),
    "json": Notation(12, CausalGraph.from_json, CausalGraph.to_json, _json),
    "tetrad": Notation(8, CausalGraph.from_tetrad, CausalGraph.to_tetrad, _tetrad),
    "graphml": Notation(5, CausalGraph.from_graphml, CausalGraph.to_graphml, _graphml),
    "lagged text": Notation(8, LaggedGraph.parse, LaggedGraph.to_text, _lagged),
    "lagged json": Notation(5, LaggedGraph.from_json, LaggedGraph.to_json, _lagged_json),
}
_BAG = [name for name, how in NOTATIONS.items() for _ in range(how.share)]
_KEEP_KIND = ("text", "dot", "json", "graphml", "lagged text", "lagged json")
