"""Meek's closure on arrays, against rules applied one at a time in any order."""

from __future__ import annotations

import pickle

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from causalkit.errors import CycleError, GraphError, InputError
from causalkit.graph import ARROW, TAIL, CausalGraph, Kind, dag_to_cpdag, random_dag
from causalkit.graph._validity import topological_order
from causalkit.graph.meek import class_marks, close_under_meek, extend, makes_collider, pairs_of
from tests.oracles import graphs
from tests.oracles import orientation as oracle


def random_pattern(rng, p, *, acyclic):
    """Some pairs directed, some not; along a hidden order, or any way."""
    order = rng.permutation(p)
    joined = np.triu(rng.random((p, p)) < rng.random(), 1)
    loose = joined & (rng.random((p, p)) < rng.random())
    directed = joined & ~loose
    if not acyclic:
        turned = directed & (rng.random((p, p)) < 0.5)
        directed = (directed & ~turned) | turned.T
    shuffle = np.ix_(order, order)
    return directed[shuffle], (loose | loose.T)[shuffle]


def closed_or_none(directed, undirected):
    try:
        return close_under_meek(directed, undirected)
    except GraphError:
        return None


@given(st.integers(0, 2**32 - 1), st.integers(0, 7), st.booleans())
@settings(max_examples=300, deadline=None)
def test_the_closure_is_that_of_rules_in_any_order(seed, p, acyclic):
    rng = np.random.default_rng(seed)
    directed, undirected = random_pattern(rng, p, acyclic=acyclic)
    wanted = oracle.close_under_meek(rng, directed, undirected)
    found = closed_or_none(directed, undirected)
    assert (found is None) == (wanted is None)
    if found is not None and wanted is not None:
        assert (found[0] == wanted[0]).all()
        assert (found[1] == wanted[1]).all()


@pytest.mark.parametrize("seed", range(20))
def test_larger_graphs_with_knowledge(seed):
    rng = np.random.default_rng(seed)
    dag = random_dag(25, expected_degree=rng.uniform(2, 8), rng=rng)
    cpdag = dag_to_cpdag(dag)
    learnt = cpdag.undirected & dag.directed & (rng.random((25, 25)) < 0.3)
    directed, undirected = cpdag.directed | learnt, cpdag.undirected & ~(learnt | learnt.T)
    found = close_under_meek(directed, undirected)
    wanted = oracle.close_under_meek(rng, directed, undirected)
    assert wanted is not None
    assert (found[0] == wanted[0]).all()
    assert (found[1] == wanted[1]).all()
    assert (found[0] <= dag.directed).all()
    ends = class_marks(cpdag.adjacency, directed)
    assert CausalGraph(dag.nodes, ends, Kind.CPDAG) == CausalGraph(
        dag.nodes, found[0] * ARROW + found[0].T * TAIL + found[1] * TAIL, Kind.CPDAG
    )


@pytest.mark.parametrize("seed", range(10))
def test_an_extension_of_a_large_class_is_in_it(seed):
    rng = np.random.default_rng(seed)
    dag = random_dag(120, expected_degree=rng.uniform(1, 6), rng=rng)
    cpdag = dag_to_cpdag(dag)
    found = extend(cpdag.directed, cpdag.undirected)
    assert found is not None
    ends = found * ARROW + found.T * TAIL
    assert dag_to_cpdag(CausalGraph(dag.nodes, ends, Kind.DAG)) == cpdag


def test_colliders_of_a_dag():
    rng = np.random.default_rng(3)
    for _ in range(30):
        dag = random_dag(8, expected_degree=3.0, rng=rng)
        arrows = pairs_of(dag.directed)
        found = {
            (dag.nodes[i], dag.nodes[j])
            for i, j in np.column_stack(arrows)[makes_collider(8, arrows)].tolist()
        }
        wanted = {(a, k) for pair, k in graphs.colliders(dag) for a in pair}
        assert found == wanted


class TestHostile:
    def test_nothing(self):
        for p in (0, 1, 3):
            nothing = np.zeros((p, p), dtype=bool)
            directed, undirected = close_under_meek(nothing, nothing)
            assert not directed.any()
            assert not undirected.any()
            assert class_marks(nothing, nothing).shape == (p, p)
            assert extend(nothing, nothing).shape == (p, p)

    def test_read_only_matrices(self):
        graph = CausalGraph.parse("A -> B -- C", kind="CPDAG")
        assert close_under_meek(graph.directed, graph.undirected)[0].sum() == 2

    def test_a_long_chain_and_a_large_star(self):
        p = 3000
        chain, star = np.zeros((2, p, p), dtype=bool)
        chain[np.arange(1, p - 1), np.arange(2, p)] = True
        star[1, 2:] = True
        for loose in (chain, star):
            first = np.zeros((p, p), dtype=bool)
            first[0, 1] = True
            directed, undirected = close_under_meek(first, loose | loose.T)
            assert (directed == (first | loose)).all()
            assert not undirected.any()

    def test_a_large_clique_stays_open(self):
        clique = ~np.eye(150, dtype=bool)
        nothing = np.zeros_like(clique)
        assert (close_under_meek(nothing, clique)[1] == clique).all()
        dag = extend(nothing, clique)
        assert (dag | dag.T == clique).all()
        assert topological_order(dag) is not None

    def test_a_contradiction_is_named_by_name_or_position(self):
        directed, loose = np.zeros((2, 4, 4), dtype=bool)
        directed[0, 1] = directed[3, 2] = loose[1, 2] = loose[2, 1] = True
        with pytest.raises(GraphError, match="between 1 and 2 is forced both ways"):
            close_under_meek(directed, loose)
        with pytest.raises(GraphError, match="between 'b' and 'c' is forced both ways; expected"):
            close_under_meek(directed, loose, names="abcd")

    def test_a_circle_that_follows_is_refused(self):
        directed, loose = np.zeros((2, 4, 4), dtype=bool)
        for i, j in ((0, 1), (1, 2), (2, 0)):
            directed[i, j] = True
        loose[0, 3] = loose[3, 0] = loose[1, 3] = loose[3, 1] = True
        loose[2, 3] = loose[3, 2] = True
        directed[0, 3], loose[0, 3], loose[3, 0] = True, False, False
        with pytest.raises(CycleError, match="run in a circle; expected arrows"):
            close_under_meek(directed, loose)


class TestOrderAndConstruction:
    """What a graph costs to build is what checks it, so the checks have oracles too."""

    @given(st.integers(0, 2**32 - 1), st.integers(0, 9))
    @settings(max_examples=150, deadline=None)
    def test_causes_come_in_generations(self, seed, p):
        rng = np.random.default_rng(seed)
        directed, _ = random_pattern(rng, p, acyclic=bool(rng.random() < 0.6))
        graph = nx.DiGraph(list(map(tuple, np.argwhere(directed).tolist())))
        graph.add_nodes_from(range(p))
        found = topological_order(directed)
        assert (found is not None) == nx.is_directed_acyclic_graph(graph)
        if found is not None:
            wanted = [sorted(level) for level in nx.topological_generations(graph)]
            assert found.tolist() == [node for level in wanted for node in level]

    @given(st.integers(0, 2**32 - 1))
    @settings(max_examples=50, deadline=None)
    def test_a_graph_made_without_a_check_is_the_same_graph(self, seed):
        rng = np.random.default_rng(seed)
        dag = random_dag(6, expected_degree=3.0, rng=rng)
        for graph in (dag, dag_to_cpdag(dag)):
            trusted = CausalGraph._of(graph.nodes, graph.ends.copy(), graph.kind)
            order = rng.permutation(graph.nodes).tolist()
            assert trusted == graph == graph.reordered(order)
            assert hash(trusted) == hash(graph.reordered(order))
            assert pickle.loads(pickle.dumps(trusted)) == graph
            assert graph.reordered(order).reordered(graph.nodes).nodes == graph.nodes
            assert not graph.reordered(order).ends.flags.writeable
            where = [graph.index(name) for name in order]
            assert (graph.reordered(order).ends == graph.ends[np.ix_(where, where)]).all()

    @pytest.mark.parametrize("value", [8, -1, 1.5, np.nan, "x", 300, None])
    def test_what_is_no_mark_is_refused(self, value):
        kinds = {int: np.int64, float: np.float64}
        ends = np.zeros((2, 2), dtype=kinds.get(type(value), object))
        ends[0, 1] = value
        ends[1, 0] = 1
        with pytest.raises(InputError, match="no marks; expected integers from 0 to 7"):
            CausalGraph("AB", ends)
