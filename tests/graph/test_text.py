"""The notation: what is written is read back, and what cannot be read is pointed at."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from causalkit.errors import CycleError, GraphError
from causalkit.graph import CausalGraph, Edge, Kind
from causalkit.graph.marks import SYMBOLS, show_name
from tests.strategies import HOSTILE, mixed_graphs

parse = CausalGraph.parse


@settings(max_examples=1500, deadline=None)
@given(mixed_graphs(HOSTILE))
def test_every_graph_is_read_back(graph):
    assert parse(graph.to_text()) == graph


@given(HOSTILE)
def test_every_name_is_read_back_with_its_type(name):
    (read,) = parse(show_name(name)).nodes
    assert (read, type(read)) == (name, type(name))


@pytest.mark.parametrize("symbol", SYMBOLS)
@pytest.mark.parametrize("form", ["A {} B", '"A"{}"B"', "A\t{}  B ;", "# first\nA {} B # second"])
def test_every_symbol_with_and_without_spaces(symbol, form):
    graph = parse(form.format(symbol))
    assert graph == CausalGraph.from_edges("AB", [Edge("A", "B", symbol)])
    assert graph.nodes == ("A", "B")


@pytest.mark.parametrize(
    ("text", "nodes", "edges"),
    [
        ("Z -> X -> Y", "ZXY", ["Z -> X", "X -> Y"]),
        ("A <- B -- C", "ABC", ["B -> A", "B -- C"]),
        ("A->B;;\n\n;C", "ABC", ["A -> B"]),
        ("A -> B\r\nB -> C\r\n", "ABC", ["A -> B", "B -> C"]),
        ("1 -> -2; 03", (1, -2, "03"), ["1 -> -2"]),
        ("1--2", (1, 2), ["1 -- 2"]),
        ("Xo->Y", ("Xo", "Y"), ["Xo -> Y"]),
        ("X --oY", ("X", "oY"), ["X -- oY"]),
        ("X->o", ("X", "o"), ['X -> "o"']),
        ("cpdag: A -> B", "AB", ["A -> B"]),
        ("A -> B; A -> B", "AB", ["A -> B"]),
        ("", "", []),
        ("  # nothing\n", "", []),
    ],
)
def test_what_is_typed(text, nodes, edges):
    graph = parse(text)
    assert graph.nodes == tuple(nodes)
    assert [str(edge) for edge in graph.edges()] == edges


def test_the_kind_is_the_plainest_unless_it_is_named():
    assert parse("A -> B").kind is Kind.DAG
    assert parse("PAG: A -> B").kind is Kind.PAG
    assert parse("PAG: A -> B", "MAG").kind is Kind.MAG
    assert parse('"PAG: A" -> B').nodes == ("PAG: A", "B")
    assert parse("PAG:").to_text() == "PAG:"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("A => B", "'A => B' .line 1.: => is no edge"),
        ("A -> B;\nB --> C", "'B --> C' .line 2.: --> is no edge"),
        ("A --- B", "--- is no edge"),
        ("A ->", "no name follows ->"),
        ("-> B", "no name stands before ->"),
        ("A -> -> B", "no name stands before ->"),
        ("A B", "no edge stands between 'A' and B"),
        ("A, B", ", is no edge"),
        ('A -> "B', "a quote is opened and not closed"),
        ("A o- B", "expected names joined by one of"),
        ("A -> B\0", "is no edge"),
        ("A -> A", "joins a node to itself"),
        ("A <-> B; A -- B", "contradicts another edge"),
        ("A o-> B; B o-> A", "contradicts another edge"),
    ],
)
def test_errors_point_at_the_piece(text, says):
    with pytest.raises(GraphError, match=says):
        parse(text)


def test_cycles_are_shown():
    with pytest.raises(CycleError, match="point both ways"):
        parse("A -> B; B -> A")
    with pytest.raises(CycleError, match=r"A -> B -> C -> A|B -> C -> A -> B|C -> A -> B -> C"):
        parse("A -> B -> C -> A")


def test_a_cpdag_has_one_edge_a_pair():
    with pytest.raises(GraphError, match="joined twice"):
        parse("A -> B; A -- B")


def test_what_is_no_text_is_refused():
    with pytest.raises(GraphError, match="got a bytes"):
        parse(b"A -> B")


def test_long_texts_are_read_in_reasonable_time():
    pairs = [(i, j) for i in range(150) for j in range(i)][:10_000]
    text = "; ".join(f"x{j} -> x{i}" for i, j in pairs)
    assert len(parse(text).edges()) == 10_000
    with pytest.raises(GraphError, match="line 1"):
        parse('"' * 100_001)


@settings(max_examples=150, deadline=None)
@given(st.text('AB1 "\\o<->;#\n:.', max_size=30))
def test_any_text_is_a_graph_or_a_graph_error(text):
    try:
        graph = parse(text)
    except GraphError:
        return
    assert parse(graph.to_text()) == graph
