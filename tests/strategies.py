"""Random graphs of every kind, of series too, with the names that a test wants."""

from __future__ import annotations

from itertools import combinations, product

import numpy as np
from hypothesis import strategies as st

from causalkit.graph import CausalGraph, Edge, Kind, Lagged, LaggedGraph

PLAIN = st.text("abcXYZ_", min_size=1, max_size=6)
"""Names that every format can write."""

HOSTILE = st.one_of(
    st.integers(-(10**20), 10**20),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
    st.text('"\\ o->#;:{}[]()\n\t\r,=@<&', max_size=6),
    st.sampled_from(
        ["o", "DAG", "graph", "node", "subgraph", "007", "-1", "1", "", "PAG: x", "²", "٣", "a.b"]
    ),
)
"""Any name: quotes, signs, new lines, digits, words of the formats, nothing."""

_PAIRS = {
    Kind.DAG: [(), ("->",)],
    Kind.ADMG: [(), ("->",), ("<->",), ("->", "<->")],
    Kind.CPDAG: [(), ("->",), ("--",)],
    Kind.MAG: [(), ("->",), ("<->",), ("--",)],
    Kind.PAG: [(), ("->",), ("<->",), ("--",), ("o->",), ("o-o",), ("o--",), ("--o",)],
}


@st.composite
def mixed_graphs(draw, names=PLAIN, kinds=tuple(Kind), max_nodes=6) -> CausalGraph:
    """A graph of a random kind; `->` runs along a random order of the nodes."""
    kind = draw(st.sampled_from(kinds))
    nodes = draw(st.lists(names, max_size=max_nodes, unique_by=str))
    order = draw(st.permutations(nodes))
    reached = np.eye(len(nodes), dtype=bool)
    edges = []
    for j in range(len(order)):
        for i in range(j):
            symbols = draw(st.sampled_from(_PAIRS[kind]))
            if "->" in symbols:
                reached[:, j] |= reached[:, i]
            edges += [(i, j, symbol) for symbol in symbols]
    if kind is Kind.MAG:  # ancestral: no spouse is an ancestor
        edges = [(i, j, s) for i, j, s in edges if s != "<->" or not reached[i, j]]
    found = [Edge(order[i], order[j], symbol) for i, j, symbol in edges]
    if kind is Kind.MAG:  # and no arrow meets an undirected edge
        hit = {e.right for e in found if e.symbol != "--"}
        hit |= {e.left for e in found if e.symbol == "<->"}
        found = [e for e in found if e.symbol != "--" or not {e.left, e.right} & hit]
    return CausalGraph.from_edges(nodes, found, kind)


_WITHIN = {
    Kind.DAG: ["->"],
    Kind.ADMG: ["->", "<->", "both"],
    Kind.CPDAG: ["->", "--"],
    Kind.MAG: ["<->"],
    Kind.PAG: ["->", "<->", "o->", "o-o"],
}
_FROM_PAST = {
    Kind.DAG: ["->"],
    Kind.ADMG: ["->", "<->", "both"],
    Kind.CPDAG: ["->"],
    Kind.MAG: ["->"],
    Kind.PAG: ["->", "<->", "o->"],
}


@st.composite
def lagged_graphs(draw, names=PLAIN, kinds=tuple(Kind), max_series=4, max_lag=3) -> LaggedGraph:
    """A graph of a random kind; links within a step run along a random order."""
    kind = draw(st.sampled_from(kinds))
    series = draw(st.lists(names, min_size=1, max_size=max_series, unique_by=str))
    order = draw(st.permutations(series))
    longest = draw(st.integers(0, max_lag))
    edges = []
    for a, b in combinations(order, 2):
        edges += _drawn(draw, Lagged(a), Lagged(b), _WITHIN[kind])
    for lag in range(1, longest + 1):
        for a, b in product(series, repeat=2):
            edges += _drawn(draw, Lagged(a, lag), Lagged(b), _FROM_PAST[kind])
    return LaggedGraph(series, edges, max_lag=longest, kind=kind)


def _drawn(draw, a: Lagged, b: Lagged, symbols: list[str]) -> list[Edge]:
    if not draw(st.booleans()):
        return []
    symbol = draw(st.sampled_from(symbols))
    return [Edge(a, b, s) for s in (["->", "<->"] if symbol == "both" else [symbol])]
