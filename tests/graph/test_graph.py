"""CausalGraph: what it accepts, what it refuses, and that it is a value."""

from __future__ import annotations

import pickle
from copy import copy, deepcopy

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from causalkit.errors import CycleError, GraphError, InputError, UnknownVariableError
from causalkit.graph import ARROW, CIRCLE, TAIL, CausalGraph, Edge, Kind, random_admg
from tests.oracles import graphs as oracle

BOW = CausalGraph.parse("Z -> X -> Y; X <-> Y; Z -> Y")


class TestConstruction:
    def test_marks_are_stored_at_their_ends(self):
        graph = CausalGraph.parse("A -> B; B <-> C; C o-> D; D -- E", kind="PAG")
        at = {name: graph.index(name) for name in graph.nodes}
        assert graph.ends[at["A"], at["B"]] == ARROW
        assert graph.ends[at["B"], at["A"]] == TAIL
        assert graph.ends[at["D"], at["C"]] == CIRCLE
        assert graph.ends[at["D"], at["E"]] == graph.ends[at["E"], at["D"]] == TAIL

    @pytest.mark.parametrize(
        ("text", "kind"),
        [
            ("A -> B", Kind.DAG),
            ("A -> B; A <-> B", Kind.ADMG),
            ("A -> B -- C", Kind.CPDAG),
            ("A <-> B; C -- D", Kind.MAG),
            ("A o-o B", Kind.PAG),
        ],
    )
    def test_the_plainest_kind_is_found(self, text, kind):
        assert CausalGraph.parse(text).kind is kind

    @given(oracle.admgs(max_nodes=6))
    @settings(max_examples=50, deadline=None)
    def test_edges_and_ends_say_the_same(self, graph):
        again = CausalGraph.from_edges(graph.nodes, graph.edges(), graph.kind)
        assert again == graph
        assert CausalGraph(graph.nodes, graph.ends, "admg") == graph
        assert len(graph.edges()) == graph.directed.sum() + graph.bidirected.sum() // 2

    def test_a_bow_is_two_edges(self):
        assert set(BOW.edges_between("X", "Y")) == {Edge("X", "Y", "->"), Edge("X", "Y", "<->")}
        assert len(BOW.edges_between("Z", "X")) == 1
        backwards = CausalGraph.parse("Y <- X; Y <-> X")
        assert set(map(str, backwards.edges())) == {"X -> Y", "Y <-> X"}

    def test_empty_graphs(self):
        assert str(CausalGraph([], np.zeros((0, 0)))) == "DAG with 0 nodes, 0 edges"
        lone = CausalGraph("A", np.zeros((1, 1)))
        assert lone.edges() == ()
        assert lone.districts() == (frozenset("A"),)
        assert lone.order.tolist() == [0]

    @pytest.mark.parametrize(
        ("nodes", "ends", "error", "says"),
        [
            ("AB", np.zeros((3, 3)), InputError, r"shape \(3, 3\); expected \(2, 2\)"),
            ("AA", np.zeros((2, 2)), InputError, "A occur more than once"),
            ([True, 0], np.zeros((2, 2)), InputError, "a node is named True"),
            ([1.5], np.zeros((1, 1)), InputError, "a node is named 1.5"),
            ("AB", [[0, ARROW], [0, 0]], GraphError, "a mark at one end only"),
            ("AB", [[TAIL, 0], [0, 0]], GraphError, "joins a node to itself"),
            ("AB", [[0, 258], [257, 0]], InputError, "no marks"),
            ("AB", [[0, -1], [-1, 0]], InputError, "no marks"),
            ("AB", [[0, 1.5], [1.5, 0]], InputError, "no marks"),
            ("AB", [[0, np.nan], [np.nan, 0]], InputError, "no marks"),
            ("AB", [[0, 3], [3, 0]], GraphError, "do not make edges"),
        ],
    )
    def test_matrices_that_are_no_graph(self, nodes, ends, error, says):
        with pytest.raises(error, match=says):
            CausalGraph(nodes, np.array(ends))

    @pytest.mark.parametrize(
        ("text", "kind", "says"),
        [
            ("A <-> B", "DAG", "a DAG has no <-> edges; expected ->"),
            ("A -- B", "ADMG", "a ADMG has no -- edges"),
            ("A o-> B", "CPDAG", "a CPDAG has no o-> edges"),
            ("A -> B; A <-> B", "MAG", "although A is an ancestor of B"),
            ("A -> B -> C; A <-> C", "MAG", "although A is an ancestor of C"),
            ("A -> B; B -- C", "MAG", "B has an arrow into it and an undirected edge"),
            ("A o-> B; A <-> B", "PAG", "joined twice"),
            ("A -> B; A -- B", "CPDAG", "joined twice"),
            ("A -> B", "tree", "kind='tree'; expected one of 'DAG'"),
        ],
    )
    def test_edges_that_are_not_of_the_kind(self, text, kind, says):
        with pytest.raises((GraphError, InputError), match=says):
            CausalGraph.parse(text, kind)

    def test_a_cycle_is_shown(self):
        with pytest.raises(
            CycleError, match=r"(A -> B -> C -> A|B -> C -> A -> B|C -> A -> B -> C)"
        ):
            CausalGraph.parse("A -> B -> C -> A; X -> A; C -> Y")
        with pytest.raises(CycleError):
            CausalGraph.from_edges("AB", [("A", "B"), ("B", "A")])

    def test_edges_that_cannot_be(self):
        with pytest.raises(UnknownVariableError, match="no variable 'C' in the list of nodes"):
            CausalGraph.from_edges("AB", [("A", "C")])
        with pytest.raises(GraphError, match="'=>' is no edge"):
            CausalGraph.from_edges("AB", [Edge("A", "B", "=>")])
        with pytest.raises(GraphError, match="joins a node to itself"):
            CausalGraph.from_edges("AB", [("A", "A")])

    def test_the_matrix_given_is_copied(self):
        ends = np.array([[0, ARROW], [TAIL, 0]], dtype=np.uint8)
        graph = CausalGraph("AB", ends)
        ends[:] = 0
        assert graph == CausalGraph.parse("A -> B")


class TestValue:
    @given(oracle.admgs(max_nodes=6), st.randoms(use_true_random=False))
    @settings(max_examples=50, deadline=None)
    def test_equal_in_any_order_of_the_nodes(self, graph, random):
        names = list(graph.nodes)
        random.shuffle(names)
        shuffled = graph.reordered(names)
        assert shuffled == graph
        assert hash(shuffled) == hash(graph)
        assert len({graph, shuffled}) == 1
        assert set(map(frozenset, map(str, shuffled.edges()))) == set(
            map(frozenset, map(str, graph.edges()))
        )

    def test_unequal_in_kind_nodes_or_edges(self):
        graph = CausalGraph.parse("A -> B")
        others = [
            CausalGraph.parse("A -> B", kind="CPDAG"),
            CausalGraph.parse("B -> A"),
            CausalGraph.parse("A -> C"),
            CausalGraph.parse("A -> B; C"),
            CausalGraph.parse("A; B"),
            "A -> B",
        ]
        assert all(graph != other for other in others)

    def test_immutable(self):
        with pytest.raises(AttributeError, match="immutable; build a new one"):
            BOW.kind = Kind.DAG
        with pytest.raises(AttributeError, match="immutable"):
            del BOW.nodes
        for matrix in (BOW.ends, BOW.directed, BOW.bidirected, BOW.undirected, BOW.adjacency):
            with pytest.raises(ValueError, match="read-only"):
                matrix[0, 1] = 0

    def test_pickle_and_copy(self):
        BOW.steps, BOW.order  # noqa: B018 - fill the caches
        for again in (pickle.loads(pickle.dumps(BOW)), copy(BOW), deepcopy(BOW)):
            assert again == BOW
            assert again.nodes == BOW.nodes
            with pytest.raises(ValueError, match="read-only"):
                again.ends[0, 1] = 0

    def test_text(self):
        assert (
            str(BOW) == repr(BOW) == "ADMG with 3 nodes, 4 edges: Z -> X; Z -> Y; X -> Y; X <-> Y"
        )
        assert "1 node, 0 edges" in str(CausalGraph("A", np.zeros((1, 1))))
        long = CausalGraph.from_edges(range(60), [(k, k + 1) for k in range(59)])
        assert str(long).endswith("; …")

    def test_containment_and_length(self):
        assert "X" in BOW
        assert "W" not in BOW
        assert len(BOW) == 3


class TestNeighbourhoods:
    @given(oracle.admgs(max_nodes=6), st.integers(0, 2**32 - 1))
    @settings(max_examples=60, deadline=None)
    def test_relatives_are_those_of_the_edge_list(self, graph, seed):
        rng = np.random.default_rng(seed)
        chosen = {n for n in graph.nodes if rng.random() < 0.4}
        arrows = [(e.left, e.right) for e in graph.edges() if e.symbol == "->"]
        both = [{e.left, e.right} for e in graph.edges() if e.symbol == "<->"]
        assert graph.parents(chosen) == {a for a, b in arrows if b in chosen}
        assert graph.children(chosen) == {b for a, b in arrows if a in chosen}
        assert graph.spouses(chosen) == {
            n for pair in both for n in pair if (pair - {n}) <= chosen and pair - {n}
        }
        around = graph.parents(chosen) | graph.children(chosen) | graph.spouses(chosen)
        assert graph.adjacent(chosen) == around
        assert graph.descendants(chosen) == set().union(
            *(oracle.descendants(graph, n) for n in chosen)
        )
        assert graph.ancestors(chosen) == {
            n for n in graph.nodes if oracle.descendants(graph, n) & chosen
        }
        pairs = nx.Graph(map(tuple, both))
        pairs.add_nodes_from(graph.nodes)
        assert set(graph.districts()) == set(map(frozenset, nx.connected_components(pairs)))

    @given(oracle.dags(max_nodes=7))
    @settings(max_examples=40, deadline=None)
    def test_causes_come_first_in_the_order(self, dag):
        place = {dag.nodes[k]: rank for rank, k in enumerate(dag.order.tolist())}
        assert len(place) == len(dag.nodes)
        assert all(place[e.left] < place[e.right] for e in dag.edges())

    def test_undirected_neighbours(self):
        graph = CausalGraph.parse("A -- B -> C; D")
        assert graph.neighbors("A") == {"B"}
        assert graph.neighbors("C") == frozenset()
        assert graph.skeleton() == {frozenset("AB"), frozenset("BC")}

    def test_integer_names_are_names_not_positions(self):
        graph = CausalGraph.from_edges([10, 0, "0"], [(0, 10), ("0", 0)])
        assert graph.parents(10) == {0}
        assert graph.parents(0) == {"0"}
        assert graph.ancestors([10]) == {10, 0, "0"}
        with pytest.raises(UnknownVariableError, match="no variable 1 in the graph"):
            graph.parents(1)

    def test_unknown_names(self):
        with pytest.raises(UnknownVariableError, match="no variable 'x'"):
            BOW.children("x")
        with pytest.raises(UnknownVariableError):
            BOW.index(["X"])


class TestGraphsFromThisGraph:
    def test_subgraph_keeps_the_order(self):
        assert BOW.subgraph(["Y", "X"]) == CausalGraph.parse("X -> Y; X <-> Y")
        assert BOW.subgraph(["Y", "X"]).nodes == ("X", "Y")
        assert BOW.subgraph("Z").kind is Kind.ADMG

    @pytest.mark.parametrize("seed", range(20))
    def test_cutting_edges(self, seed):
        rng = np.random.default_rng(seed)
        graph = random_admg(6, expected_degree=2.5, bidirected_degree=1.5, rng=rng)
        into = {n for n in graph.nodes if rng.random() < 0.3}
        out = {n for n in graph.nodes if rng.random() < 0.3}
        cut = graph.without_edges(into=into, out_of=out)
        kept = [
            e
            for e in graph.edges()
            if not (e.right in into or (e.symbol == "<->" and e.left in into))
            and not (e.symbol == "->" and e.left in out)
        ]
        assert cut == CausalGraph.from_edges(graph.nodes, kept, graph.kind)
        assert cut.nodes == graph.nodes

    def test_an_intervention_cuts_what_points_in(self):
        assert BOW.do("X") == CausalGraph.parse("Z -> Y; X -> Y", kind="ADMG")
        assert BOW.do(["X", "Y"]).parents(["X", "Y"]) == frozenset()
        assert BOW.do(()) == BOW

    @pytest.mark.parametrize("text", ["A -- B", "A o-> B", "A <-> B; C -- D"])
    def test_no_intervention_on_a_class(self, text):
        with pytest.raises(GraphError, match="expected a DAG or an ADMG"):
            CausalGraph.parse(text).do("A")

    def test_reordering_needs_every_node(self):
        with pytest.raises(InputError, match="expected all of them"):
            BOW.reordered(["X", "Y"])


def test_edges_are_triples_too_and_nothing_else():
    assert CausalGraph.from_edges("XY", [("X", "Y", "<->")]) == CausalGraph.parse("X <-> Y")
    for wrong in (("X",), "XY", ("X", "Y", "->", 1), 3):
        with pytest.raises(InputError, match="is no edge"):
            CausalGraph.from_edges("XY", [wrong])
    with pytest.raises(GraphError, match="is no edge"):
        CausalGraph.from_edges("XY", [("X", "Y", "=>")])
