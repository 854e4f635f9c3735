"""Distances that count effects, beside their definitions, published tables and gadjid."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from causalkit.errors import GraphError, InputError
from causalkit.graph import CausalGraph, Edge, Kind, dag_to_cpdag, meek_closure, random_dag
from causalkit.metrics import _class_bounds, ancestor_aid, oset_aid, parent_aid, sid, sid_bounds
from tests.oracles import graphs, metrics

DISTANCES = {"parent": parent_aid, "ancestor": ancestor_aid, "oset": oset_aid}
every_distance = pytest.mark.parametrize("strategy", DISTANCES)


@st.composite
def pairs_of_dags(draw, max_nodes=5):
    n_nodes = draw(st.integers(2, max_nodes))
    one, other = (draw(graphs.dags(n_nodes, n_nodes)) for _ in range(2))
    return one, other


def as_kind(dag, kind, rng):
    """The DAG itself, its class, or the class with a few edges known (closed)."""
    if kind == "DAG":
        return dag
    if kind == "CPDAG":
        return dag_to_cpdag(dag)
    return meek_closure(graphs.random_pdag(rng, dag, n_known=1))


kinds = st.sampled_from(["DAG", "CPDAG", "MPDAG"])


# --- by definition --------------------------------------------------------------------------------


@every_distance
@settings(max_examples=60, deadline=None)
@given(dags=pairs_of_dags(), kind_1=kinds, kind_2=kinds, seed=st.integers(0, 99))
def test_counts_the_wrong_answers(strategy, dags, kind_1, kind_2, seed):
    rng = np.random.default_rng(seed)
    truth, learnt = as_kind(dags[0], kind_1, rng), as_kind(dags[1], kind_2, rng)
    assert DISTANCES[strategy](truth, learnt) == metrics.aid(truth, learnt, strategy)


@settings(max_examples=60, deadline=None)
@given(dags=pairs_of_dags(max_nodes=6), seed=st.integers(0, 10**6))
def test_sid_counts_the_effects_that_regression_misses(dags, seed):
    truth, learnt = dags
    wrong = metrics.sid_by_effects(truth, learnt, np.random.default_rng(seed))
    assert sid(truth, learnt) == wrong


@settings(max_examples=60, deadline=None)
@given(dags=pairs_of_dags(), known=st.integers(0, 2), seed=st.integers(0, 99))
def test_bounds_are_the_best_and_the_worst_member(dags, known, seed):
    truth, dag = dags
    learnt = graphs.random_pdag(np.random.default_rng(seed), dag, known)
    every = [sid(truth, member) for member in graphs.members(learnt)]
    assert sid_bounds(truth, learnt) == (min(every), max(every))


def test_bounds_of_larger_classes_by_listing_the_members():
    from causalkit.graph import class_size, members

    rng, tried = np.random.default_rng(5), 0
    while tried < 8:
        truth, dag = (random_dag(10, expected_degree=2.5, rng=rng) for _ in range(2))
        learnt = dag_to_cpdag(dag)
        if not 20 <= class_size(learnt) <= 400:
            continue
        tried += 1
        every = [sid(truth, member) for member in members(learnt)]
        assert sid_bounds(truth, learnt) == (min(every), max(every))


def test_a_long_path_has_many_members_and_few_parts():
    names = [f"x{k}" for k in range(60)]
    path = CausalGraph.parse(" -- ".join(names))
    truth = CausalGraph.parse(" -> ".join(names))
    assert sid_bounds(truth, path) == (0, sid(truth, CausalGraph.parse(" <- ".join(names))))


def test_a_class_with_a_large_clique_is_refused(monkeypatch):
    monkeypatch.setattr(_class_bounds, "_MOST_PARTS", 100)
    clique = CausalGraph.from_edges(
        range(20), [Edge(a, b, "--") for a in range(20) for b in range(a)]
    )
    with pytest.raises(InputError, match="too dense"):
        sid_bounds(random_dag(20, rng=0, names=range(20)), clique)


# --- references -----------------------------------------------------------------------------------


def directed_graph(n_nodes, edges):
    return CausalGraph.from_edges(range(n_nodes), [tuple(edge) for edge in edges], Kind.DAG)


def from_codes(codes):
    edges = [
        Edge(i, j, "->" if codes[i][j] == 1 else "--")
        for i in range(len(codes))
        for j in range(len(codes))
        if codes[i][j]
    ]
    return CausalGraph.from_edges(range(len(codes)), edges, Kind.CPDAG)


def test_stored_distances_of_dags(shared):
    cases = json.loads((shared / "metrics" / "dag_pairs.json").read_text())["cases"]
    for case in cases:
        truth, learnt = (directed_graph(case["p"], case[key]) for key in ("truth", "guess"))
        assert sid(truth, learnt) == case["sid_definition"]
        for strategy, distance in DISTANCES.items():
            assert distance(truth, learnt) == case["gadjid"][f"{strategy}_aid"][1]


def test_stored_distances_of_classes(shared):
    cases = json.loads((shared / "metrics" / "cpdag_pairs.json").read_text())["cases"]
    for case in cases:
        truth, learnt = from_codes(case["truth"]), from_codes(case["guess"])
        for strategy, distance in DISTANCES.items():
            assert distance(truth, learnt) == case["gadjid"][f"{strategy}_aid"][1]


def test_figure_2_of_peters_and_buhlmann():
    # G, H1 and H2 of their Figure 2 (SID 0 and 8): X1, X2 -> Y1, Y2, Y3 and X1 -> X2.
    outcomes = "; ".join(f"{x} -> {y}" for x in ("X1", "X2") for y in ("Y1", "Y2", "Y3"))
    truth = f"X1 -> X2; {outcomes}"
    assert sid(truth, f"{truth}; Y1 -> Y2") == 0
    assert sid(truth, f"X2 -> X1; {outcomes}") == 8
    assert sid(f"{truth}; Y1 -> Y2", truth) == 1


# --- peer -----------------------------------------------------------------------------------------


def codes_of(graph):
    return (graph.directed + 2 * np.triu(graph.undirected)).astype(np.int8)


@every_distance
def test_agrees_with_gadjid(strategy):
    import gadjid

    theirs, ours = getattr(gadjid, f"{strategy}_aid"), DISTANCES[strategy]
    rng = np.random.default_rng(17)
    for _ in range(120):
        n_nodes = int(rng.integers(2, 16))
        degree = rng.uniform(0, min(n_nodes - 1, 6))
        dags = [random_dag(n_nodes, expected_degree=degree, rng=rng) for _ in range(2)]
        truth, learnt = (dag_to_cpdag(d) if rng.random() < 0.6 else d for d in dags)
        expected = theirs(codes_of(truth), codes_of(learnt), edge_direction="from row to column")
        assert ours(truth, learnt) == expected[1]


# --- laws -----------------------------------------------------------------------------------------


@every_distance
@settings(max_examples=25, deadline=None)
@given(dag=graphs.dags(1, 7), kind=kinds, seed=st.integers(0, 99))
def test_no_graph_is_wrong_about_itself(strategy, dag, kind, seed):
    graph = as_kind(dag, kind, np.random.default_rng(seed))
    assert DISTANCES[strategy](graph, graph) == 0


@settings(max_examples=40, deadline=None)
@given(dags=pairs_of_dags(max_nodes=7))
def test_sid_is_the_parent_distance_of_dags_and_lies_within_the_bounds(dags):
    truth, learnt = dags
    low, high = sid_bounds(truth, dag_to_cpdag(learnt))
    assert sid(truth, learnt) == parent_aid(truth, learnt)
    assert low <= sid(truth, learnt) <= high
    assert sid_bounds(truth, learnt) == (sid(truth, learnt),) * 2


@settings(max_examples=40, deadline=None)
@given(dag=graphs.dags(2, 7), seed=st.integers(0, 99))
def test_more_edges_along_the_true_order_cost_nothing(dag, seed):
    order = [dag.nodes[k] for k in dag.order]
    full = [(a, b) for j, b in enumerate(order) for a in order[:j]]
    rng = np.random.default_rng(seed)
    kept = [pair for pair in full if pair in _arrows(dag) or rng.random() < 0.5]
    larger = CausalGraph.from_edges(dag.nodes, kept, Kind.DAG)
    assert sid(dag, larger) == ancestor_aid(dag, larger) == oset_aid(dag, larger) == 0


def _arrows(dag):
    return {(e.left, e.right) for e in dag.edges()}


@every_distance
@settings(max_examples=25, deadline=None)
@given(dags=pairs_of_dags(max_nodes=7), seed=st.integers(0, 99))
def test_the_order_of_nodes_does_not_matter(strategy, dags, seed):
    truth, learnt = dag_to_cpdag(dags[0]), dag_to_cpdag(dags[1])
    order = np.random.default_rng(seed).permutation(learnt.nodes).tolist()
    distance = DISTANCES[strategy]
    assert distance(truth, learnt) == distance(truth, learnt.reordered(order))
    assert distance(truth, learnt) == distance(truth.reordered(order), learnt)


def test_a_class_that_is_not_closed_means_its_closure():
    open_class = CausalGraph.parse("A -> B -- C", kind="CPDAG")
    assert parent_aid("A -> B -> C", open_class) == 0
    assert sid_bounds("A -> B -> C", open_class) == (0, 0)


def test_graphs_without_nodes_or_edges():
    nothing = CausalGraph.from_edges([], [], Kind.DAG)
    for distance in (sid, *DISTANCES.values()):
        assert distance(nothing, nothing) == 0
        assert distance(CausalGraph.parse("A", "DAG"), CausalGraph.parse("A", "DAG")) == 0
    empty = CausalGraph.from_edges("ABC", [], Kind.DAG)
    assert sid("A -> B -> C", empty) == 3


# --- what is refused ------------------------------------------------------------------------------


def test_other_nodes_and_other_kinds_are_refused():
    with pytest.raises(InputError, match="the learnt graph lacks C, the true graph lacks D"):
        sid("A -> B; A -> C", "A -> B; A -> D")
    with pytest.raises(GraphError, match=r"kind CPDAG; expected DAG\. sid_bounds"):
        sid("A -> B", "A -- B")
    with pytest.raises(GraphError, match="kind ADMG; expected DAG or CPDAG"):
        oset_aid("A <-> B", "A -> B")
    with pytest.raises(GraphError, match="the true graph is of kind CPDAG"):
        sid_bounds("A -- B", "A -- B")
    ring = CausalGraph.parse("A -- B -- C -- D -- A", kind="CPDAG")
    with pytest.raises(GraphError, match="consistent extension"):
        parent_aid("A -> B -> C -> D", ring)
    with pytest.raises(InputError, match=r"Pass its graph_"):
        sid("A -> B", type("Fitted", (), {"graph_": CausalGraph.parse("A -> B")})())
