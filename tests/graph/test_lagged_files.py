"""Graphs over series in files: every format gives back what was written."""

from __future__ import annotations

import json

import pytest

from causalkit.errors import GraphError, InputError
from causalkit.graph import CausalGraph, LaggedGraph

GRAPHS = [
    LaggedGraph.parse("X[t-1] -> Y[t]; X[t] -- Z[t]; Y[t-2] -> Y[t]; lone"),
    LaggedGraph.parse("X[t-1] o-> Y[t]; X[t] <-> Z[t]; Z[t-1] o-> W[t]; W[t] o-o X[t]", kind="PAG"),
    LaggedGraph(["air temperature", "ice"], [(("ice", 1), "air temperature")], max_lag=3),
    LaggedGraph([3, 1, 2], [((1, 2), 3), ((2, 1), 2)]),
    LaggedGraph([], []),
    LaggedGraph(["X"], [], kind="CPDAG"),
]


@pytest.mark.parametrize("graph", GRAPHS, ids=str)
def test_json_gives_everything_back(graph, tmp_path):
    graph.save(tmp_path / "graph.json")
    found = LaggedGraph.read(tmp_path / "graph.json")
    assert found == graph == LaggedGraph.from_json(graph.to_json())
    assert found.variables == graph.variables
    assert (found.kind, found.max_lag) == (graph.kind, graph.max_lag)


@pytest.mark.parametrize("suffix", [".txt", ".dot", ".graphml"])
@pytest.mark.parametrize("graph", GRAPHS[:4], ids=str)
def test_other_formats_give_the_graph_back(graph, suffix, tmp_path):
    graph.save(tmp_path / f"graph{suffix}")
    assert LaggedGraph.read(tmp_path / f"graph{suffix}") == graph


def test_a_name_that_is_a_string_of_digits_stays_one():
    graph = LaggedGraph(["1"], [(("1", 1), "1")])
    assert LaggedGraph.from_json(graph.to_json()).variables == ("1",)


def test_pictures_are_written(tmp_path):
    for suffix in ("svg", "png", "pdf"):
        GRAPHS[0].save(tmp_path / f"graph.{suffix}")
        assert (tmp_path / f"graph.{suffix}").stat().st_size > 1000


def test_a_file_may_be_read_as_another_kind(tmp_path):
    graph = LaggedGraph.parse("X[t-1] -> Y[t]")
    graph.save(tmp_path / "graph.json")
    assert LaggedGraph.read(tmp_path / "graph.json", "CPDAG").kind.name == "CPDAG"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": "causalkit.graph"}, "CausalGraph"),
        ({"version": 2}, "Update"),
        ({"edges": None}, "lacks"),
        ({"edges": [["X", "->", "Y"]]}, "cannot be read"),
        ({"edges": [["Y", 0, "->", "X", 1]]}, "rule out"),
        ({"max_lag": 0}, "max_lag"),
    ],
)
def test_what_is_no_such_graph_is_refused(change, message):
    content = json.loads(LaggedGraph.parse("X[t-1] -> Y[t]").to_json())
    with pytest.raises(GraphError, match=message):
        LaggedGraph.from_json(json.dumps(content | change))


def test_a_graph_of_a_table_is_read_as_one_step(tmp_path):
    CausalGraph.parse("X -> Y").save(tmp_path / "graph.txt")
    assert LaggedGraph.read(tmp_path / "graph.txt") == LaggedGraph.parse("X[t] -> Y[t]")
    with pytest.raises(InputError, match="suffix"):
        GRAPHS[0].save(tmp_path / "graph.xyz")
    with pytest.raises(GraphError, match="no JSON"):
        LaggedGraph.from_json("{")


def test_each_kind_of_graph_names_the_class_that_reads_the_other():
    series, rows = LaggedGraph.parse("X[t-1] -> Y[t]"), CausalGraph.parse("X -> Y")
    with pytest.raises(GraphError, match=r"LaggedGraph\.read"):
        CausalGraph.from_json(series.to_json())
    with pytest.raises(GraphError, match=r"CausalGraph\.from_json"):
        LaggedGraph.from_json(rows.to_json())
