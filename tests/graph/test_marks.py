"""Marks: bits at two ends, and the symbols that they make."""

from __future__ import annotations

from itertools import product

import pytest

from causalkit.errors import GraphError
from causalkit.graph import ARROW, CIRCLE, TAIL, CausalGraph, Edge, Kind
from causalkit.graph.marks import SYMBOLS, forwards, glyph, show_name, split_marks

MARKS = (TAIL, ARROW, CIRCLE)


def test_every_pair_of_marks_has_one_symbol_and_back():
    assert len(SYMBOLS) == 9
    for pair in product(MARKS, MARKS):
        assert SYMBOLS[glyph(*pair)] == pair


def test_a_symbol_shows_its_marks():
    sign = {TAIL: "-", ARROW: "<>", CIRCLE: "o"}
    for symbol, (left, right) in SYMBOLS.items():
        assert symbol[0] in sign[left]
        assert symbol[-1] in sign[right]


def test_forwards_reads_an_edge_from_its_cause():
    for symbol, (left, right) in SYMBOLS.items():
        assert forwards(symbol) in (symbol, glyph(right, left))
        assert forwards(forwards(symbol)) == forwards(symbol)
        assert forwards(symbol) == forwards(glyph(right, left))


def test_splitting_single_and_double_edges():
    assert split_marks(0, 0) == []
    for pair in product(MARKS, MARKS):
        assert split_marks(*pair) == [pair]
    assert set(split_marks(TAIL | ARROW, ARROW)) == {(TAIL, ARROW), (ARROW, ARROW)}
    assert set(split_marks(ARROW, TAIL | ARROW)) == {(ARROW, TAIL), (ARROW, ARROW)}


@pytest.mark.parametrize("ends", [(TAIL, 0), (0, ARROW), (3, 3), (6, 5)])
def test_marks_that_make_no_edge(ends):
    with pytest.raises(GraphError, match="do not make edges"):
        split_marks(*ends)


@pytest.mark.parametrize(
    "name",
    ["X", "x_1", "a.b", "größe", "two words", "12", "-3", "o", "", 'say "hi"', "a\\b", "->", 12],
)
def test_shown_names_are_read_back(name):
    text = f"{show_name(name)} -> Y"
    assert CausalGraph.parse(text).nodes == (name, "Y")


def test_edges_print_as_they_are_read():
    edge = Edge("blood pressure", 7, "<->")
    assert str(edge) == '"blood pressure" <-> 7'
    assert CausalGraph.parse(str(edge)).edges() == (edge,)
    assert Edge("A", "B", "->") == Edge("A", "B", "->") != Edge("B", "A", "->")
    with pytest.raises(AttributeError):
        edge.left = "Z"


def test_kinds_are_named_as_they_print():
    assert [kind.name for kind in Kind] == [kind.value for kind in Kind]
