"""A Mermaid flowchart has every node and edge once, whatever the names hold."""

from __future__ import annotations

import re
from collections import Counter

import pytest
from hypothesis import given, settings

from causalkit.errors import InputError
from causalkit.graph import CausalGraph, LaggedGraph
from causalkit.graph.mermaid import to_mermaid
from tests.strategies import HOSTILE, mixed_graphs

NODE = re.compile(r'  (n\d+)\["([^"]+)"\]')
EDGE = re.compile(r'  (n\d+) (<-\.->|-->|---|o--o)(?:\|"(circle at [^"]+)"\|)? (n\d+)')
DRAWN = {"->": "-->", "<->": "<-.->", "--": "---", "o-o": "o--o", "o->": "-->", "o--": "---"}


def decoded(text: str) -> str:
    """What Mermaid shows: signs from their numbers, and new lines."""
    text = text.replace("<br/>", "\n")
    return re.sub(r"#(\d+);", lambda found: chr(int(found[1])), text)


@settings(max_examples=60, deadline=None)
@given(mixed_graphs(HOSTILE, max_nodes=8))
def test_every_node_and_edge_appears_once(graph):
    first, kind, *lines = graph.to_mermaid().split("\n")
    assert (first, kind) == ("flowchart LR", f"  %% {graph.kind.name}")
    nodes = [NODE.fullmatch(line) for line in lines[: len(graph.nodes)]]
    names = {found[1]: decoded(found[2]) for found in nodes}
    assert len(names) == len(graph.nodes)
    shown = ["\n".join(str(name).splitlines()) or " " for name in graph.nodes]
    assert list(names.values()) == shown
    where = {name: f"n{k}" for k, name in enumerate(graph.nodes)}
    edges = [EDGE.fullmatch(line) for line in lines[len(graph.nodes) :]]
    assert Counter((e[1], e[2], bool(e[3]), e[4]) for e in edges) == Counter(
        (where[e.left], DRAWN[e.symbol], e.symbol in ("o->", "o--"), where[e.right])
        for e in graph.edges()
    )


def test_one_circle_is_said_where_it_cannot_be_drawn():
    text = to_mermaid(CausalGraph.parse('"a|b" o-> c; c -> d; "a|b" o-o d'))
    assert text.split("\n")[5:] == [
        '  n0 -->|"circle at a#124;b"| n1',
        "  n0 o--o n2",
        "  n1 --> n2",
    ]


@pytest.mark.parametrize(
    "name",
    ['say "x"', "<b>", "a;b", "%% no", "#35;", "`x`", "$$x$$", "{x}", "a|b", "a\\b", "x:"],
)
def test_signs_that_mermaid_reads_are_coded(name):
    (line,) = to_mermaid(CausalGraph.from_edges([name], [])).split("\n")[2:]
    inside = NODE.fullmatch(line)[2]
    assert decoded(inside) == name
    assert not re.search(r'["<>;%#`$|{}\\:&]', re.sub(r"#\d+;", "", inside))


def test_steps_of_series_and_files(tmp_path):
    graph = LaggedGraph.parse("X[t-1] -> Y[t]; X[t] <-> Y[t]")
    path = tmp_path / "series.mmd"
    graph.save(path)
    text = path.read_text(encoding="utf-8")
    assert text == graph.template.to_mermaid() + "\n"
    assert '["X[t-1]"]' in text
    with pytest.raises(InputError, match=r"\.mmd"):
        CausalGraph.read(path)


def test_the_empty_graph_is_a_chart_without_nodes():
    assert to_mermaid(CausalGraph.parse("")) == "flowchart LR\n  %% DAG"
