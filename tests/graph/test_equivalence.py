"""Equivalence classes: against enumeration of all orientations, and published CPDAGs."""

from __future__ import annotations

import json
from itertools import combinations, pairwise
from math import factorial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from causalkit.errors import GraphError
from causalkit.graph import (
    CausalGraph,
    Edge,
    Kind,
    class_size,
    consistent_extension,
    dag_to_cpdag,
    is_equivalence_class,
    meek_closure,
    members,
    random_dag,
)
from causalkit.graph.equivalence import close_under_meek, extend
from tests.oracles import graphs as oracle


def undirected(nodes, pairs) -> CausalGraph:
    return CausalGraph.from_edges(nodes, [Edge(a, b, "--") for a, b in pairs], Kind.CPDAG)


def random_orientation(rng, dag) -> CausalGraph:
    """Some edges of a skeleton directed at random: often a class without members."""
    edges = []
    for edge in dag.edges():
        a, b = (edge.left, edge.right) if rng.random() < 0.5 else (edge.right, edge.left)
        edges.append(Edge(a, b, "--" if rng.random() < 0.5 else "->"))
    return CausalGraph.from_edges(dag.nodes, edges, Kind.CPDAG)


@given(oracle.dags(max_nodes=5))
@settings(max_examples=200, deadline=None)
def test_the_cpdag_is_the_union_of_all_equivalent_dags(dag):
    cpdag = dag_to_cpdag(dag)
    assert cpdag == dag.to_cpdag() == oracle.cpdag_by_enumeration(dag)
    assert is_equivalence_class(cpdag)


@pytest.mark.parametrize("seed", range(25))
def test_the_cpdag_of_larger_dags(seed):
    rng = np.random.default_rng(seed)
    dag = random_dag(7, expected_degree=rng.uniform(1, 3), rng=rng)
    equivalent = oracle.equivalent_dags(dag)
    cpdag = dag_to_cpdag(dag)
    assert cpdag == oracle.union(equivalent)
    assert all(dag_to_cpdag(other) == cpdag for other in equivalent)
    assert set(members(cpdag)) == set(equivalent)
    assert class_size(cpdag) == len(equivalent)


def test_published_cpdags(shared):
    cases = json.loads((shared / "discovery_oracle/dag_cpdag_pag_60.json").read_text())["cases"]
    for case in cases:
        dag = CausalGraph.from_edges(case["nodes"], map(tuple, case["edges"]), Kind.DAG)
        edges = [Edge(*e, "->") for e in case["cpdag"]["directed"]]
        edges += [Edge(*e, "--") for e in case["cpdag"]["undirected"]]
        published = CausalGraph.from_edges(case["nodes"], edges, Kind.CPDAG)
        assert dag_to_cpdag(dag) == published, case["id"]
        assert is_equivalence_class(published)
        assert meek_closure(published) == published
        assert dag_to_cpdag(consistent_extension(published)) == published


def test_published_classes_used_for_distances_are_classes(shared):
    cases = json.loads((shared / "metrics/cpdag_pairs.json").read_text())["cases"]
    for case in cases:
        matrix = np.array(case["truth"])
        loose = matrix == 2
        ends = np.where(matrix == 1, 2, 0) + np.where(matrix.T == 1, 1, 0) + loose + loose.T
        assert is_equivalence_class(CausalGraph(range(len(matrix)), ends, Kind.CPDAG)), case["id"]


@pytest.mark.parametrize("seed", range(80))
def test_background_knowledge_closure_members_and_size(seed):
    rng = np.random.default_rng(seed)
    dag = random_dag(6, expected_degree=3.0, rng=rng)
    graph = oracle.random_pdag(rng, dag, int(rng.integers(0, 4)))
    wanted = oracle.members(graph)
    closed = meek_closure(graph)
    assert closed == oracle.union(wanted)
    found = list(members(graph))
    assert len(found) == len(set(found)) == class_size(graph) == len(wanted)
    assert set(found) == set(wanted)
    assert consistent_extension(graph) in wanted
    assert is_equivalence_class(closed) == (closed == dag_to_cpdag(dag))


@pytest.mark.parametrize("seed", range(100))
def test_a_class_without_members_is_refused(seed):
    rng = np.random.default_rng(seed)
    skeleton = random_dag(5, expected_degree=2.4, rng=rng)
    try:
        graph = random_orientation(rng, skeleton)
    except GraphError:  # a directed cycle already
        return
    wanted = oracle.members(graph)
    if wanted:
        assert consistent_extension(graph) in wanted
        assert meek_closure(graph) == oracle.union(wanted)
        assert set(members(graph)) == set(wanted)
        return
    assert extend(graph.directed, graph.undirected) is None
    for ask in (consistent_extension, members, class_size):
        with pytest.raises(GraphError):
            ask(graph)
    assert not is_equivalence_class(graph)


@given(oracle.dags(max_nodes=6))
@settings(max_examples=100, deadline=None)
def test_members_share_skeleton_and_unshielded_colliders(dag):
    for member in members(dag_to_cpdag(dag)):
        assert member.kind is Kind.DAG
        assert member.skeleton() == dag.skeleton()
        assert oracle.colliders(member) == oracle.colliders(dag)


@given(oracle.dags(min_nodes=2, max_nodes=6), st.integers(0, 2**32 - 1))
@settings(max_examples=60, deadline=None)
def test_the_order_of_the_nodes_is_irrelevant(dag, seed):
    rng = np.random.default_rng(seed)
    graph = oracle.random_pdag(rng, dag, 2)
    shuffled = graph.reordered(rng.permutation(graph.nodes).tolist())
    assert meek_closure(graph) == meek_closure(shuffled)
    assert class_size(graph) == class_size(shuffled)
    assert set(members(graph)) == set(members(shuffled))


@pytest.mark.parametrize(
    ("graph", "closed"),
    [
        ("k -> i -- j", "k -> i -> j"),
        ("i -> k -> j; i -- j", "i -> k -> j; i -> j"),
        ("i -- k -> j; i -- l -> j; i -- j", "i -- k -> j; i -- l -> j; i -> j"),
        ("i -- k -> l -> j; i -- l; i -- j", "i -- k -> l -> j; i -- l; i -> j"),
    ],
    ids=["rule 1", "rule 2", "rule 3", "rule 4"],
)
def test_each_rule_alone(graph, closed):
    found = meek_closure(CausalGraph.parse(graph, kind="CPDAG"))
    assert found == CausalGraph.parse(closed, kind="CPDAG")


def test_closure_works_on_arrays_and_leaves_them_alone():
    directed, loose = np.zeros((4, 4), dtype=bool), np.zeros((4, 4), dtype=bool)
    directed[0, 1] = True
    for i, j in ((1, 2), (2, 3)):
        loose[i, j] = loose[j, i] = True
    before = directed.copy(), loose.copy()
    arrows, rest = close_under_meek(directed, loose)
    assert np.argwhere(arrows).tolist() == [[0, 1], [1, 2], [2, 3]]
    assert not rest.any()
    assert (directed == before[0]).all()
    assert (loose == before[1]).all()


@pytest.mark.parametrize("seed", range(30))
def test_closing_step_by_step_from_what_was_touched_is_closing_at_once(seed):
    rng = np.random.default_rng(seed)
    dag = random_dag(9, expected_degree=4.0, rng=rng)
    cpdag = dag_to_cpdag(dag)
    directed, loose = np.array(cpdag.directed), np.array(cpdag.undirected)
    for i, j in rng.permutation(np.argwhere(dag.directed)).tolist():
        if loose[i, j]:
            directed[i, j], loose[i, j], loose[j, i] = True, False, False
            touched = np.zeros(9, dtype=bool)
            touched[[i, j]] = True
            whole = close_under_meek(directed, loose)
            directed, loose = close_under_meek(directed, loose, touched=touched)
            assert (whole[0] == directed).all()
            assert (whole[1] == loose).all()
    assert (directed == dag.directed).all()


class TestClassSize:
    """Counts that are known, and counts from listing."""

    def test_cliques_count_their_orders(self):
        for n in (1, 2, 5, 20):
            assert class_size(undirected(range(n), combinations(range(n), 2))) == factorial(n)

    def test_trees_count_their_roots(self):
        assert class_size(undirected(range(30), pairwise(range(30)))) == 30
        rng = np.random.default_rng(0)
        tree = [(int(rng.integers(k)), k) for k in range(1, 30)]
        assert class_size(undirected(range(30), tree)) == 30
        assert class_size(undirected(range(30), [(0, k) for k in range(1, 30)])) == 30

    def test_parts_multiply(self):
        parts = [*combinations(range(4), 2), *pairwise(range(4, 9)), (9, 10)]
        assert class_size(undirected(range(12), parts)) == 24 * 5 * 2

    def test_two_cliques_that_share_nodes(self):
        # K_a and K_b sharing s nodes: orders of the union's AMOs by inclusion and exclusion,
        # a! (b-s)! + b! (a-s)! - s! (a-s)! (b-s)!   counted by their first clique.
        a, b, s = 6, 5, 2
        left, right = range(a), range(a - s, a - s + b)
        graph = undirected(range(a + b - s), {*combinations(left, 2), *combinations(right, 2)})
        fa, fb, fs = factorial(a), factorial(b), factorial(s)
        ways_left, ways_right = factorial(a - s), factorial(b - s)
        assert class_size(graph) == fa * ways_right + fb * ways_left - fs * ways_left * ways_right

    @pytest.mark.parametrize("seed", range(60))
    def test_random_chordal_graphs(self, seed):
        rng = np.random.default_rng(seed)
        graph = random_chordal(rng, int(rng.integers(2, 8)))
        found = list(members(graph))
        assert class_size(graph) == len(found) == len(set(found)) == len(oracle.members(graph))

    def test_a_large_chordal_graph_at_once(self):
        graph = random_chordal(np.random.default_rng(1), 60)
        assert class_size(graph) > 10**9

    def test_orders_of_a_clique_with_known_pairs(self):
        known = {(0, 1), (4, 9), (2, 3)}  # each halves the orders
        pairs = [(a, b, "->" if (a, b) in known else "--") for a, b in combinations(range(12), 2)]
        graph = CausalGraph.from_edges(range(12), [Edge(*pair) for pair in pairs], Kind.CPDAG)
        assert class_size(graph) == factorial(12) // 8

    def test_directed_edges_around_undirected_parts(self):
        graph = CausalGraph.parse("A -> C <- B; C -> D; E -- F -- G; F -- H", kind="CPDAG")
        assert class_size(graph) == 4
        assert class_size(CausalGraph.parse("A -> B")) == 1
        assert class_size(CausalGraph([], np.zeros((0, 0)), "CPDAG")) == 1


def random_chordal(rng, n) -> CausalGraph:
    """Each node joins a random part of a clique among those before it."""
    cliques, pairs = [[0]], []
    for node in range(1, n):
        base = cliques[int(rng.integers(len(cliques)))]
        chosen = [v for v in base if rng.random() < 0.75] or base[:1]
        pairs += [(v, node) for v in chosen]
        cliques.append([*chosen, node])
    return undirected(rng.permutation(n).tolist(), pairs)


class TestErrors:
    def test_other_kinds(self):
        admg = CausalGraph.parse("A <-> B")
        for ask in (dag_to_cpdag, meek_closure, consistent_extension, members, class_size):
            with pytest.raises(GraphError, match="got a ADMG; expected a"):
                ask(admg)
        assert not is_equivalence_class(admg)

    def test_a_contradiction_names_the_edge(self):
        graph = CausalGraph.parse("A -> B -- C <- D", kind="CPDAG")
        with pytest.raises(GraphError, match="between 'B' and 'C' is forced both ways"):
            meek_closure(graph)

    def test_a_ring_has_no_member(self):
        ring = CausalGraph.parse("A -- B -- C -- D -- A", kind="CPDAG")
        assert meek_closure(ring) == ring
        with pytest.raises(GraphError, match="ring of four"):
            consistent_extension(ring)
