from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from causalkit._core.table import as_table
from causalkit.errors import InputError, UnknownVariableError
from causalkit.graph import CausalGraph
from causalkit.independence import BoundTest, FisherZ, Oracle
from tests.oracles import graphs as oracles
from tests.oracles.discovery import linear_data, nodes_of, random_dag


@pytest.mark.parametrize("seed", range(15))
def test_answers_by_the_definition_of_separation(seed):
    dag = random_dag(np.random.default_rng(seed), 5)
    bound = Oracle(dag).bind(as_table(nodes_of(dag)))
    for i, j in combinations(range(len(dag.nodes)), 2):
        for given in oracles.subsets(set(range(len(dag.nodes))) - {i, j}):
            names = {dag.nodes[k] for k in given}
            separated = oracles.is_separated(dag, dag.nodes[i], dag.nodes[j], names)
            assert bound(i, j, tuple(given)).p_value == float(separated)


def test_agrees_with_a_test_on_very_many_rows():
    rng = np.random.default_rng(4)
    dag = CausalGraph.parse("x0 -> x1 -> x2; x0 -> x3 <- x2; x3 -> x4")
    table = as_table(dict(zip(dag.nodes, linear_data(rng, dag, 200_000).T, strict=True)))
    data, truth = FisherZ().bind(table), Oracle(dag).bind(table)
    for i, j in combinations(range(5), 2):
        for given in oracles.subsets(set(range(5)) - {i, j}):
            assert (data(i, j, tuple(given)).p_value > 1e-4) == (
                truth(i, j, tuple(given)).p_value > 0
            )


def test_nodes_that_are_no_columns_are_hidden():
    truth = CausalGraph.parse("h -> a; h -> b; c -> a")
    data = {"b": [0, 1], "a": [0, 1], "c": [0, 1]}
    assert Oracle(truth).test(data, "a", "b").p_value == 0
    assert Oracle(truth).test(data, "b", "c").p_value == 1
    assert Oracle(truth).test(data, "b", "c", given="a").p_value == 0


def test_a_class_answers_like_its_members():
    dag = CausalGraph.parse("a -> b -> c; d -> c; a -> e")
    one, other = (Oracle(graph).bind(as_table(nodes_of(dag))) for graph in (dag, dag.to_cpdag()))
    for i, j in combinations(range(5), 2):
        for given in oracles.subsets(set(range(5)) - {i, j}):
            assert one(i, j, tuple(given)) == other(i, j, tuple(given))


def test_wrong_input():
    with pytest.raises(InputError, match="expected a CausalGraph"):
        Oracle("a -> b")
    with pytest.raises(UnknownVariableError, match="no variable 'c' in the oracle's graph"):
        Oracle(CausalGraph.parse("a -> b")).test({"a": [0], "c": [1]}, "a", "c")


@pytest.mark.parametrize("seed", range(15))
def test_the_short_cut_finds_and_counts_what_asking_one_by_one_does(seed):
    rng = np.random.default_rng(seed)
    dag = random_dag(rng, 7)
    if len(dag.nodes) < 3:
        return
    bound = Oracle(dag).bind(as_table(nodes_of(dag)))
    i, j, *others = rng.permutation(len(dag.nodes)).tolist()
    pool = [k for k in others if rng.random() < 0.8]
    asked = [k for k in pool if rng.random() < 0.4]
    for order in range(len(pool) + 2):
        one = bound.first_separator(i, j, pool, order, 0.05, asked=asked)
        assert one == BoundTest.first_separator(bound, i, j, pool, order, 0.05, asked=asked)
