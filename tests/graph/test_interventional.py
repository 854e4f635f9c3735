"""Interventional classes: against enumeration of all DAGs, by two definitions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from causalkit.errors import GraphError, InputError, UnknownVariableError
from causalkit.graph import CausalGraph, Kind, dag_to_cpdag
from causalkit.graph.interventional import interventional_class
from tests.oracles import interventional as oracle
from tests.oracles.graphs import dags, subsets


def named(targets):
    return [["ABCDEFGH"[v] for v in target] for target in targets]


def test_is_the_union_of_all_dags_that_interventions_do_not_tell_apart():
    rng = np.random.default_rng(0)
    families = [[target] for target in subsets(range(3))]
    families += [[(0,), (1,)], [(0, 1), (1, 2)], [(0,), (1, 2)]]
    for targets in families:
        for dag, whole in oracle.interventional_classes(3, targets):
            assert interventional_class(dag, named(targets)) == whole
    for _ in range(2):
        targets = [tuple(np.flatnonzero(rng.random(4) < 0.4).tolist()) for _ in range(2)]
        for dag, whole in oracle.interventional_classes(4, targets):
            assert interventional_class(dag, named(targets)) == whole


@pytest.mark.parametrize("targets", [[(0,)], [(0, 1)], [(0,), (2,)]])
def test_equivalent_graphs_have_the_same_separations_under_every_intervention(targets):
    for dag, whole in oracle.interventional_classes(3, targets, key=oracle.separations_key):
        assert interventional_class(dag, named(targets)) == whole


@settings(max_examples=40)
@given(dags())
def test_without_targets_it_is_the_cpdag_and_with_all_of_them_the_dag(dag):
    assert interventional_class(dag, []) == dag_to_cpdag(dag)
    assert interventional_class(dag, [(), dag.nodes]) == dag_to_cpdag(dag)
    every = interventional_class(dag, list(dag.nodes))
    assert every.kind is Kind.CPDAG
    assert (every.directed == dag.directed).all()
    assert not every.undirected.any()


@settings(max_examples=40)
@given(dags(min_nodes=2), st.data())
def test_more_interventions_direct_more_edges(dag, data):
    some = st.lists(st.sets(st.sampled_from(dag.nodes)), max_size=3)
    few, more = data.draw(some), data.draw(some)
    before, after = interventional_class(dag, few), interventional_class(dag, [*few, *more])
    assert not (before.directed & ~after.directed).any()
    assert before.skeleton() == after.skeleton()
    assert not (after.directed & ~dag.directed).any()


def test_targets_come_in_several_shapes():
    dag = CausalGraph.parse("a -> b -> c")
    expected = interventional_class(dag, [["b"]])
    assert interventional_class(dag, {"control": (), "drug": "b"}) == expected
    assert interventional_class(dag, ("b",)) == expected
    numbers = CausalGraph.from_edges([1, 2], [(1, 2)], Kind.DAG)
    assert interventional_class(numbers, [1]).directed.any()
    assert interventional_class(CausalGraph.from_edges([], [], Kind.DAG), []).nodes == ()


def test_what_cannot_be_used_is_refused():
    dag = CausalGraph.parse("a -> b")
    with pytest.raises(GraphError, match="expected a DAG"):
        interventional_class(dag_to_cpdag(dag), ["a"])
    with pytest.raises(InputError, match="For a single condition write"):
        interventional_class(dag, "a")
    with pytest.raises(UnknownVariableError, match="'z'"):
        interventional_class(dag, ["z"])
