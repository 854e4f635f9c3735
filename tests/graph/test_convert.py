"""Other forms of a graph: what comes back is what went in, or an error says why it cannot."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import networkx as nx
import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from causalkit.errors import CycleError, GraphError, InputError
from causalkit.graph import CausalGraph, Edge, Kind
from causalkit.graph.dot import dagitty_roles
from tests.strategies import HOSTILE, PLAIN, mixed_graphs

WRITTEN = st.one_of(PLAIN, st.integers(-5, 50))
XML = st.one_of(
    st.integers(), st.text(st.characters(exclude_categories=["Cs", "Cc", "Cn"]), max_size=8)
)
DAGITTY = st.one_of(
    st.integers(-9, 99),
    st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\\"), max_size=8),
    st.sampled_from(["1", "-1", "007", "a b", 'say "x"', "o", "dag", "subgraph", "edge", "strict"]),
).filter(lambda name: str(name).lower() not in ("graph", "node"))


def same(read: CausalGraph, graph: CausalGraph) -> bool:
    """Equal, node order and types of names included."""
    return read == graph and list(map(type, read.nodes)) == list(map(type, graph.nodes))


# --- what goes out comes back -------------------------------------------------------------------


@settings(max_examples=50, deadline=None)
@given(mixed_graphs(HOSTILE))
def test_json(graph):
    assert same(CausalGraph.from_json(graph.to_json()), graph)
    content = json.loads(graph.to_json())
    assert content["kind"] == graph.kind.name
    assert content["nodes"] == list(graph.nodes)


@settings(max_examples=50, deadline=None)
@given(mixed_graphs(HOSTILE))
def test_networkx(graph):
    written = graph.to_networkx()
    assert same(CausalGraph.from_networkx(written), graph)
    assert written.number_of_edges() == len(graph.edges())
    assert written.is_multigraph() == (graph.kind is not Kind.DAG)


@settings(max_examples=50, deadline=None)
@given(mixed_graphs(HOSTILE))
def test_dot(graph):
    assert same(CausalGraph.from_dot(graph.to_dot()), graph)


@settings(max_examples=30, deadline=None)
@given(mixed_graphs(XML))
def test_graphml(graph):
    assert same(CausalGraph.from_graphml(graph.to_graphml()), graph)


@settings(max_examples=50, deadline=None)
@given(mixed_graphs(DAGITTY))
def test_dagitty(graph):
    assert same(CausalGraph.from_dagitty(graph.to_dagitty(), graph.kind), graph)
    if graph.kind not in (Kind.DAG, Kind.ADMG):
        assert same(CausalGraph.from_dagitty(graph.to_dagitty()), graph)


@settings(max_examples=50, deadline=None)
@given(mixed_graphs(WRITTEN))
def test_tetrad(graph):
    assert same(CausalGraph.from_tetrad(graph.to_tetrad(), graph.kind), graph)


@settings(max_examples=50, deadline=None)
@given(mixed_graphs(WRITTEN))
def test_causallearn(graph):
    assert same(CausalGraph.from_causallearn(graph.to_causallearn()), graph)


@settings(max_examples=50, deadline=None)
@given(mixed_graphs(WRITTEN, kinds=(Kind.DAG, Kind.CPDAG)))
@pytest.mark.parametrize("convention", ["row-causes-column", "column-causes-row", "pcalg-cpdag"])
def test_adjacency_of_dags_and_cpdags(convention, graph):
    matrix = graph.to_adjacency(convention=convention)
    read = CausalGraph.from_adjacency(matrix, graph.nodes, convention=convention, kind=graph.kind)
    assert same(read, graph)


@settings(max_examples=50, deadline=None)
@given(mixed_graphs(WRITTEN, kinds=tuple(set(Kind) - {Kind.ADMG})))
def test_adjacency_of_pcalg_pags(graph):
    matrix = graph.to_adjacency(convention="pcalg-pag")
    read = CausalGraph.from_adjacency(matrix, graph.nodes, convention="pcalg-pag", kind=graph.kind)
    assert same(read, graph)


@pytest.mark.parametrize("suffix", [".json", ".txt", ".dot", ".gv", ".graphml", ".DOT"])
@settings(max_examples=8, deadline=None)
@given(graph=mixed_graphs(st.one_of(XML.filter(lambda n: "\\" not in str(n)), WRITTEN)))
def test_files(suffix, graph, tmp_path_factory):
    path = tmp_path_factory.mktemp("graphs") / f"graph{suffix}"
    graph.save(path)
    assert CausalGraph.read(path) == graph
    assert CausalGraph.read(str(path), kind=graph.kind) == graph


def test_files_of_dagitty_and_tetrad(tmp_path):
    graph = CausalGraph.parse("X -> Y; Z o-> Y; Z o-o W")
    for name in ("g.dagitty", "g.tetrad"):
        graph.save(tmp_path / name)
        assert CausalGraph.read(tmp_path / name) == graph
        text = tmp_path / f"{name}.txt"  # recognised by what it holds
        text.write_bytes((tmp_path / name).read_bytes())
        assert CausalGraph.read(text) == graph


def test_files_from_windows_are_read(tmp_path):
    (tmp_path / "g.txt").write_bytes("\ufeffA -> B\r\nB -> C\r\n".encode())
    assert CausalGraph.read(tmp_path / "g.txt") == CausalGraph.parse("A -> B -> C")


# --- each convention means what its library means -----------------------------------------------


def test_conventions_of_matrices():
    graph = CausalGraph.parse("X -> Y")
    write = {c: graph.to_adjacency(convention=c).tolist() for c in (
        "row-causes-column", "column-causes-row", "causal-learn", "pcalg-cpdag", "pcalg-pag",
    )}  # fmt: skip
    assert write["row-causes-column"] == nx.to_numpy_array(graph.to_networkx()).tolist()
    assert write["column-causes-row"] == [[0, 0], [1, 0]]  # y = b x: B[y, x]
    assert write["causal-learn"] == [[0, -1], [1, 0]]
    # pcalg's manual: amat.cpdag a[j, i] = 1 and a[i, j] = 0 is i -> j;
    # amat.pag a[i, j] = 2 and a[j, i] = 3 is i -> j.
    assert write["pcalg-cpdag"] == [[0, 0], [1, 0]]
    assert write["pcalg-pag"] == [[0, 2], [3, 0]]


def test_weights_frames_and_sparse_matrices():
    from scipy.sparse import csr_array

    weights = np.array([[0, 0.5, 0], [0, 0, -2], [0, 0, 0]])
    chain = CausalGraph.parse("a -> b -> c")
    names = list("abc")
    frame = pd.DataFrame(weights, names, names)
    for matrix in (frame, frame.loc[["c", "a", "b"]], frame.reset_index(drop=True)):
        assert CausalGraph.from_adjacency(matrix) == chain
    assert CausalGraph.from_adjacency(pl.DataFrame(weights, names)) == chain
    assert CausalGraph.from_adjacency(csr_array(weights), names) == chain
    assert CausalGraph.from_adjacency(weights.tolist()).nodes == ("x0", "x1", "x2")
    assert CausalGraph.from_adjacency(weights, np.arange(3)).nodes == (0, 1, 2)
    assert len(CausalGraph.from_adjacency([])) == 0
    before = frame.copy()
    CausalGraph.from_adjacency(frame)
    pd.testing.assert_frame_equal(frame, before)


def test_nan_in_lingam_matrices_is_a_hidden_common_cause():
    matrix = [[0, np.nan, 0], [np.nan, 0, 0], [0, 2.0, 0]]
    graph = CausalGraph.from_adjacency(matrix, "XYZ", convention="column-causes-row")
    assert graph == CausalGraph.parse("X <-> Y; Y -> Z")
    with pytest.raises(GraphError, match="NaN"):
        CausalGraph.from_adjacency(matrix)


@pytest.mark.parametrize(
    ("matrix", "options", "says"),
    [
        ([[0, 1, 0]], {}, "shape"),
        ([[0, 1], [1]], {}, "as numbers"),
        ("graph", {}, "as numbers"),
        ([[1, 0], [0, 0]], {}, "diagonal is not zero at x0"),
        ([[0, 1], [1, 0]], {}, "kind='CPDAG'"),
        ([[0, 7], [1, 0]], {"convention": "causal-learn"}, "holds 7"),
        ([[0, 1], [0, 0]], {"convention": "pcalg-pag"}, "one end only"),
        ([[0, 1], [0, 0]], {"names": ["a"]}, r"1 name\(s\) for 2 rows"),
        ([[0, 1], [0, 0]], {"names": ["a", "a"]}, "more than once"),
        ([[0, 1], [0, 0]], {"convention": "lingam"}, "convention='lingam'"),
        (pd.DataFrame([[0, 1], [0, 0]], ["u", "v"], ["a", "b"]), {}, "rows are named"),
    ],
)
def test_matrices_that_make_no_graph(matrix, options, says):
    with pytest.raises((GraphError, InputError), match=says):
        CausalGraph.from_adjacency(matrix, **options)


def test_two_opposite_entries_are_a_cycle_unless_a_cpdag_is_meant():
    both = nx.DiGraph([("A", "B"), ("B", "A"), ("B", "C")])
    with pytest.raises(CycleError):
        CausalGraph.from_networkx(both)
    cpdag = CausalGraph.parse("A -- B; B -> C")
    assert CausalGraph.from_networkx(both, "CPDAG") == cpdag
    assert CausalGraph.from_adjacency(nx.to_numpy_array(both), "ABC", kind="CPDAG") == cpdag


def test_networkx_from_elsewhere():
    weighted = nx.DiGraph()
    weighted.add_edge(np.int64(0), np.int64(1), weight=3.0)
    assert CausalGraph.from_networkx(weighted).nodes == (0, 1)
    assert CausalGraph.from_networkx(nx.Graph([("A", "B")])) == CausalGraph.parse("A -- B")
    with pytest.raises(InputError, match="named"):
        CausalGraph.from_networkx(nx.DiGraph([(("A", 1), "B")]))
    marked = nx.Graph()
    marked.add_edge("A", "B", symbol="->")
    with pytest.raises(GraphError, match="which end is which"):
        CausalGraph.from_networkx(marked)
    with pytest.raises(GraphError, match="networkx graph"):
        CausalGraph.from_networkx([("A", "B")])


# --- what a format cannot say is refused --------------------------------------------------------


@pytest.mark.parametrize("method", ["to_dot", "to_dagitty", "to_graphml", "to_causallearn"])
def test_names_that_would_become_one(method):
    graph = CausalGraph.from_edges([1, "1"], [(1, "1")])
    with pytest.raises(GraphError, match="both 1 and '1'"):
        getattr(graph, method)()


@pytest.mark.parametrize(
    ("method", "name"),
    [
        ("to_dagitty", "a\nb"), ("to_dagitty", "a\\"), ("to_dagitty", "node"),
        ("to_graphml", "a\x00b"), ("to_graphml", "a\rb"),
        ("to_tetrad", "a b"), ("to_tetrad", "a;b"), ("to_tetrad", "12"), ("to_tetrad", ""),
    ],
)  # fmt: skip
def test_names_that_cannot_be_written(method, name):
    with pytest.raises(GraphError, match=re.escape(repr(name))):
        getattr(CausalGraph.from_edges([name], []), method)()


@pytest.mark.parametrize(
    ("text", "convention"),
    [
        ("A <-> B", "row-causes-column"), ("A o-> B", "column-causes-row"),
        ("MAG: A -- B", "row-causes-column"), ("A <-> B", "pcalg-cpdag"),
        ("A -> B; A <-> B", "pcalg-pag"),
    ],
)  # fmt: skip
def test_edges_that_a_matrix_cannot_say(text, convention):
    with pytest.raises(GraphError, match="cannot say"):
        CausalGraph.parse(text).to_adjacency(convention=convention)


def test_unknown_suffixes(tmp_path):
    graph = CausalGraph.parse("A -> B")
    with pytest.raises(InputError, match=r"suffix '\.csv'"):
        graph.save(tmp_path / "g.csv")
    with pytest.raises(InputError, match=r"suffix '\.png'"):
        CausalGraph.read(tmp_path / "g.png")


# --- Graphviz from elsewhere --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("digraph{a->b->c}", "a -> b -> c"),
        ('strict digraph "my graph" { rankdir=LR; node [shape=box]; a -> {b; c} ; }',
         "a -> b; a -> c"),
        ("graph { a -- b -- c }", "a -- b -- c"),
        ("digraph { // a\n /* b\n */ 1 -> 2 [label=\"w=0.3\", color=red];\n# c\n}", "1 -> 2"),
        ('digraph { a:port:n -> b:s [dir="both"] }', "a <-> b"),
        ("digraph { edge [dir=none]; a -> b; subgraph s { edge [dir=back] c -> d } e -> f }",
         "a -- b; c <- d; e -- f"),
        ("digraph { a -> b [dir=both, arrowtail=odot] }", "a o-> b"),
        ("digraph { a -> b [arrowhead=none] }", "a -- b"),
        ("digraph { a -> b [arrowhead=vee] a [pos=\"1,2!\"] }", "a -> b"),
        ('digraph { "a" + "b" -> <<b>x</b>> }', 'ab -> "<b>x</b>"'),
        ("digraph { a b; c }", "a; b; c"),
        ("digraph {}", ""),
        ("graph { a -- b [dir=both] }", "a <-> b"),
        ('digraph { U [label="Unobserved Confounders"]; U -> X; X -> Y; U -> Y }',
         "U -> X; X -> Y; U -> Y"),
    ],
)  # fmt: skip
def test_dot_as_others_write_it(text, expected):
    assert CausalGraph.from_dot(text) == CausalGraph.parse(expected)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "the text ends"),
        ("digraph { a -> b", "the text ends where '}'"),
        ('digraph { a -> "b }', "line 1 a quote is opened"),
        ("digraph { a ->\n -> b }", "line 2"),
        ("digraph { a -> b } digraph { c }", "the end of the text"),
        ("digraph { a -- b }", "expects -> in a digraph"),
        ("digraph { a -> b [dir=up] }", "dir='up'"),
        ("digraph { a -> b [arrowhead=tee] }", "no causal meaning"),
        ('digraph { 1 -> "1" }', "one node"),
        ("dag { a -> b }", "from_dagitty"),
        ("digraph { a -> a }", "to itself"),
        ("digraph " + "{" * 5000, "braces"),
        ("digraph { a -> b [x=] }", "a name"),
    ],
)
def test_dot_that_cannot_be_read(text, says):
    with pytest.raises(GraphError, match=says):
        CausalGraph.from_dot(text)


@settings(max_examples=150, deadline=None)
@given(st.text('ab1 "\\->{}[];=<@', max_size=30))
def test_any_text_is_a_graph_or_a_graph_error(text):
    for read, frame in (
        (CausalGraph.from_dot, "digraph {{ {} }}"), (CausalGraph.from_dagitty, "dag {{ {} }}"),
        (CausalGraph.from_tetrad, "Graph Nodes:\na;b\n\nGraph Edges:\n1. {}"),
        (CausalGraph.from_json, '{{"format": "causalkit.graph", {} }}'),
        (CausalGraph.from_graphml, "<graphml>{}</graphml>"),
    ):  # fmt: skip
        for candidate in (text, frame.format(text)):
            try:
                read(candidate)
            except (GraphError, InputError):
                continue


def test_many_edges_in_every_text_format():
    pairs = [(i, j) for i in range(150) for j in range(i)][:10_000]
    graph = CausalGraph.from_edges(range(150), [(j, i) for i, j in pairs])
    assert CausalGraph.from_dot(graph.to_dot()) == graph
    assert CausalGraph.from_dagitty(graph.to_dagitty()) == graph
    assert CausalGraph.from_tetrad(graph.to_tetrad()) == graph
    assert CausalGraph.from_json(graph.to_json()) == graph


# --- DAGitty ------------------------------------------------------------------------------------


def test_the_example_of_the_dagitty_manual():
    text = """dag {
        bb="0,0,1,1"
        X [exposure,pos="0.2,0.5"]
        Y [outcome,pos="0.8,0.5"]
        "age group" [adjusted]; Z
        X <- "age group" -> Y
        X -> {M N} -> Y
        Z <-> Y [pos="0.7,0.1"]
    }"""
    expected = 'X <- "age group" -> Y; X -> M -> Y; X -> N -> Y; Z <-> Y'
    assert CausalGraph.from_dagitty(text) == CausalGraph.parse(expected)
    assert dagitty_roles(text) == {
        "exposure": ("X",), "outcome": ("Y",), "latent": (), "adjusted": ("age group",),
        "selected": (),
    }  # fmt: skip
    assert CausalGraph.from_dagitty("X -> Y") == CausalGraph.parse("X -> Y")  # bare edges
    assert CausalGraph.from_dagitty("pag { X @-> Y @-@ Z @-- W; Y <-@ W }") == CausalGraph.parse(
        "X o-> Y o-o Z o-- W; Y <-o W"
    )


def test_latent_variables_are_projected_out_unless_kept():
    text = "dag { U [latent] X; Y; U -> X -> Y; U -> Y }"
    assert CausalGraph.from_dagitty(text) == CausalGraph.parse("X -> Y; X <-> Y")
    kept = CausalGraph.from_dagitty(text, latents="keep")
    assert kept == CausalGraph.parse("U -> X -> Y; U -> Y")
    again = kept.to_dagitty(exposure="X", outcome=["Y"], latent="U")
    assert dagitty_roles(again) == dagitty_roles(text) | {"exposure": ("X",), "outcome": ("Y",)}
    assert CausalGraph.from_dagitty(again) == CausalGraph.from_dagitty(text)


def test_selection_and_latents_in_a_class_are_not_read_silently():
    for text, says in (
        ("dag { S [selected] X -> S }", "selected"),
        ("pag { L [latent] X @-> L }", "PAG"),
    ):
        with pytest.raises(GraphError, match=says):
            CausalGraph.from_dagitty(text)
        assert len(CausalGraph.from_dagitty(text, latents="keep")) == 2
    with pytest.raises(InputError, match="latents='drop'"):
        CausalGraph.from_dagitty("dag { X }", latents="drop")


# --- Tetrad and causal-learn --------------------------------------------------------------------


def test_the_published_sachs_graph(shared):
    text = json.loads((shared / "sachs/sachs_consensus.json").read_text())["ground_truth_text_cmu"]
    graph = CausalGraph.from_tetrad(text)
    assert (len(graph), len(graph.edges())) == (11, 20)
    assert graph.parents("pkc") == {"pip2", "plc"}


def test_tetrad_with_remarks_and_sections():
    text = """Graph Nodes:
    X,Y Y,Z

    Graph Edges:
    1. X --> Y Y dd nl
    2. Z o-> Y Y [no edge]:0.1;[Z o-> Y Y]:0.9;
    3. X o-o Z

    Ambiguous triples (i.e. list of triples ...):
    """
    assert CausalGraph.from_tetrad(text) == CausalGraph.parse('X -> "Y Y"; Z o-> "Y Y"; X o-o Z')


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("X --> Y", "Graph Nodes"),
        ("Graph Nodes:\nX;Y\n\nGraph Edges:\n1. X => Y", "cannot read the edge"),
        ("Graph Nodes:\nX;Y\n\nGraph Edges:\n1. X --> Z", "'Z', which is not among"),
        ("Graph Nodes:\nX;(L1)\n\nGraph Edges:\n", "latent"),
    ],
)
def test_tetrad_that_cannot_be_read(text, says):
    with pytest.raises(GraphError, match=says):
        CausalGraph.from_tetrad(text)


@settings(max_examples=50, deadline=None)
@given(mixed_graphs(PLAIN))
def test_causallearn_sees_the_same_marks(graph):
    """Its own questions about its own object, and its own text, against ours."""
    theirs = graph.to_causallearn()
    node = {n.get_name(): n for n in theirs.get_nodes()}
    for a in graph.nodes:
        assert {n.get_name() for n in theirs.get_adjacent_nodes(node[a])} == graph.adjacent(a)
    if graph.kind is not Kind.ADMG:  # its get_parents does not know bows
        for a in graph.nodes:
            assert {n.get_name() for n in theirs.get_parents(node[a])} == graph.parents(a)
    assert CausalGraph.from_tetrad(str(theirs), graph.kind) == graph


@settings(max_examples=25, deadline=None)
@given(graph=mixed_graphs(PLAIN, kinds=(Kind.DAG, Kind.CPDAG)))
def test_causallearn_reads_our_tetrad_text(graph, tmp_path_factory):
    from causallearn.utils.TXT2GeneralGraph import txt2generalgraph

    path = tmp_path_factory.mktemp("tetrad") / "graph.txt"
    path.write_text(graph.to_tetrad())
    theirs = txt2generalgraph(str(path))
    if len(graph):
        assert CausalGraph.from_causallearn(theirs, graph.kind) == graph


def test_causallearn_built_by_its_own_hands():
    from causallearn.graph.Dag import Dag
    from causallearn.graph.Edge import Edge as TheirEdge
    from causallearn.graph.Endpoint import Endpoint
    from causallearn.graph.GeneralGraph import GeneralGraph
    from causallearn.graph.GraphNode import GraphNode

    a, b, c = (GraphNode(name) for name in ("A 1", "B", "C"))
    pag = GeneralGraph([a, b, c])
    pag.add_edge(TheirEdge(a, b, Endpoint.CIRCLE, Endpoint.ARROW))
    pag.add_edge(TheirEdge(c, b, Endpoint.ARROW, Endpoint.ARROW))
    assert CausalGraph.from_causallearn(pag) == CausalGraph.parse('"A 1" o-> B <-> C')
    bow = GeneralGraph([a, b])
    bow.add_edge(TheirEdge(a, b, Endpoint.TAIL, Endpoint.ARROW))
    bow.add_edge(TheirEdge(a, b, Endpoint.ARROW, Endpoint.ARROW))
    assert CausalGraph.from_causallearn(bow) == CausalGraph.parse('"A 1" -> B; "A 1" <-> B')
    dag = Dag([a, b])
    dag.add_directed_edge(b, a)
    assert CausalGraph.from_causallearn(dag) == CausalGraph.parse('B -> "A 1"')
    with pytest.raises(GraphError, match="GeneralGraph"):
        CausalGraph.from_causallearn({"G": pag})


def test_causallearn_results():
    from causallearn.search.ConstraintBased.FCI import fci
    from causallearn.search.ConstraintBased.PC import pc

    rng = np.random.default_rng(0)
    x, z = rng.normal(size=(2, 2000))
    y = x + z + rng.normal(size=2000)
    data = np.column_stack([x, y, z, y + rng.normal(size=2000)])
    names = ["x", "y", "z", "w"]
    found = pc(data, node_names=names, show_progress=False)
    assert CausalGraph.from_causallearn(found, "CPDAG") == CausalGraph.parse(
        "CPDAG: x -> y; z -> y; y -> w"
    )
    pag, _ = fci(data, node_names=names, show_progress=False)
    assert CausalGraph.from_causallearn(pag) == CausalGraph.parse("x o-> y; z o-> y; y -> w")


def test_dot_from_pydot_objects_of_causallearn():
    """causal-learn names nodes 0, 1, … and puts their names in labels."""
    import pydot
    from causallearn.utils.GraphUtils import GraphUtils

    assert pydot
    graph = CausalGraph.parse("X o-> Y; Y <-> Z; Z o-o W; W -> X")
    text = GraphUtils.to_pydot(graph.to_causallearn()).to_string()
    assert CausalGraph.from_dot(text, labels=True) == graph


# --- GraphML and JSON from elsewhere ------------------------------------------------------------


def test_networkx_reads_our_graphml():
    graph = CausalGraph.parse("X -> 7; X <-> 7")
    read = nx.parse_graphml(graph.to_graphml())
    assert sorted(data["symbol"] for *_, data in read.edges(data=True)) == ["->", "<->"]
    assert [data["name"] for _, data in read.nodes(data=True)] == ["X", 7]


def test_graphml_of_others():
    foreign = nx.DiGraph()
    foreign.add_node("n0", name="smoking")
    foreign.add_node("n1", name="cancer")
    foreign.add_edge("n0", "n1", weight=0.3)
    text = "\n".join(nx.generate_graphml(foreign))
    assert CausalGraph.from_graphml(text) == CausalGraph.parse("smoking -> cancer")
    undirected = "\n".join(nx.generate_graphml(nx.Graph([("A", "B")])))
    assert CausalGraph.from_graphml(undirected) == CausalGraph.parse("A -- B")


@pytest.mark.parametrize("text", ["", "<graphml", "<html/>", "<graphml></graphml>"])
def test_graphml_that_cannot_be_read(text):
    with pytest.raises(GraphError, match="GraphML"):
        CausalGraph.from_graphml(text)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"version": 2}, "Update causalkit"),
        ({"format": "other"}, "not a graph of causalkit"),
        ({"nodes": None}, "lacks"),
        ({"nodes": ["X", "Y", True]}, "named True"),
        ({"nodes": ["X"]}, "'Y'"),
        ({"edges": [["X", "=>", "Y"]]}, "cannot be read"),
        ({"edges": [["X", "Y"]]}, "cannot be read"),
        ({"kind": "TREE"}, "kind='TREE'"),
    ],
)
def test_json_that_cannot_be_read(change, says):
    content = json.loads(CausalGraph.parse("X -> Y").to_json()) | change
    with pytest.raises((GraphError, InputError), match=says):
        CausalGraph.from_json(json.dumps(content))
    with pytest.raises(GraphError, match="no JSON"):
        CausalGraph.from_json("{")


def test_graphs_alone_load_no_library():
    code = (
        "import sys; from causalkit.graph import CausalGraph as G;"
        "g = G.parse('A -> B; A <-> B'); G.from_dot(g.to_dot()); G.from_dagitty(g.to_dagitty());"
        "G.from_adjacency(g.to_adjacency(convention='causal-learn'), convention='causal-learn');"
        "print({'networkx', 'pandas', 'causallearn', 'matplotlib', 'scipy'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_dowhy_gets_hidden_causes_as_nodes():
    graph = CausalGraph.parse("Z -> X -> Y; X <-> Y")
    written = graph.to_dowhy()
    assert set(written.edges) == {("Z", "X"), ("X", "Y"), ("U(X,Y)", "X"), ("U(X,Y)", "Y")}
    assert [v for v, seen in written.nodes(data="observed") if seen == "no"] == ["U(X,Y)"]
    with pytest.raises(GraphError, match="DAGs only"):
        CausalGraph.parse("X -- Y").to_dowhy()


def test_a_hidden_cause_never_takes_the_name_of_a_node():
    graph = CausalGraph.from_edges(
        ["X", "Y", "U(X,Y)"], [Edge("X", "Y", "<->"), Edge("U(X,Y)", "Y", "->")]
    )
    written = graph.to_dowhy()
    assert written.nodes["U(X,Y)"]["observed"] == "yes"
    assert written.nodes["U(X,Y)'"]["observed"] == "no"
