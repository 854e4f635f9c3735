from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.base import clone

from causalkit.discovery.constraint.pc import PC
from causalkit.discovery.local.local_pc import LocalPC
from causalkit.errors import InputError, NotIdentifiableError, NumericalError, UnknownVariableError
from causalkit.graph import CausalGraph, consistent_extension
from causalkit.identification import NoEffectEstimand, identify, is_adjustment_set
from causalkit.independence import Clustered, FisherZ, Grouped, Oracle
from tests.oracles.adjustment import LinearModel
from tests.oracles.discovery import class_by_enumeration, linear_data, nodes_of, random_dag
from tests.oracles.local import boundary_of_column, local_data


def learn(truth, target):
    if isinstance(truth, str):
        truth = CausalGraph.parse(truth, kind="DAG")
    return LocalPC(target, Oracle(truth)).fit(nodes_of(truth))


def cases(seed, count, max_nodes=7):
    rng = np.random.default_rng(seed)
    found = 0
    while found < count:
        dag = random_dag(rng, max_nodes=max_nodes, max_edges=13)
        if len(dag.nodes) > 1:
            found += 1
            yield dag, str(rng.choice(dag.nodes))


# --- with an oracle: what the class of the whole graph says about the target ---------------------


def test_parents_children_and_undecided_are_those_of_the_whole_class():
    for dag, target in cases(0, 220):
        local, whole = learn(dag, target), class_by_enumeration(dag)
        assert set(local.parents_) == whole.parents(target)
        assert set(local.children_) == whole.children(target)
        assert set(local.undecided_) == whole.neighbors(target)


def test_all_that_is_drawn_is_true_and_all_edges_at_explored_nodes_are_drawn():
    for dag, target in cases(1, 60):
        local, whole = learn(dag, target), dag.to_cpdag()
        for edge in local.graph_.edges():
            truth = whole.edges_between(edge.left, edge.right)
            assert truth
            assert edge.symbol == "--" or truth[0] == edge
        for name in local.explored_:
            assert local.graph_.adjacent(name) == dag.adjacent(name)


def test_separating_sets_separate():
    for dag, target in cases(2, 60):
        local = learn(dag, target)
        for found in local.separators_.values():
            assert found.p_value == 1.0
            assert not dag.edges_between(*found.pair)


def test_it_looks_no_farther_than_it_must():
    chain = " -> ".join(f"n{k}" for k in range(10))
    settled = learn(f"a -> n4 <- b; {chain}", "n4")  # both parents show that they collide
    assert len(settled.explored_) <= 3
    assert settled.children_ == ("n5",)
    assert set(learn(chain, "n4").explored_) == {f"n{k}" for k in range(10)}  # nothing settles it


# --- from the neighbourhood to an effect --------------------------------------------------------


def test_what_it_draws_for_identification_gives_valid_adjustment_sets():
    n_identified = n_open = 0
    for dag, target in cases(3, 80, max_nodes=6):
        local = learn(dag, target)
        for outcome in set(dag.nodes) - dag.ancestors(target):
            graph = local.graph_towards(outcome)
            if local.undecided_:
                n_open += 1
                answers = identify(graph, target, outcome, strategy="possible")
                assert any(
                    is_adjustment_set(dag, target, outcome, answer.adjustment) for answer in answers
                )
            else:
                n_identified += 1
                answer = identify(graph, target, outcome)
                assert is_adjustment_set(dag, target, outcome, answer.adjustment)
    assert min(n_identified, n_open) > 50


def test_the_effect_comes_out_of_data():
    rng = np.random.default_rng(4)
    dag = CausalGraph.parse("c -> a -> t <- b -> y; a -> m; t -> m -> y; t -> e <- f")
    model = LinearModel(dag, rng)
    truth = model.effect(["t"], "y")[0]
    values = rng.multivariate_normal(np.zeros(len(dag.nodes)), model.cov, size=4000)
    frame = pd.DataFrame(values, columns=list(dag.nodes))
    local = LocalPC("t", alpha=0.01).fit(frame)
    effect = identify(local.graph_towards("y"), "t", "y").estimate(frame)
    assert set(local.parents_) == {"a", "b"}
    assert abs(effect.value - truth) < 4 * effect.std_error


def test_an_outcome_that_causes_the_target_has_no_effect_drawn():
    local = learn("a -> t <- b", "t")
    assert isinstance(identify(local.graph_towards("a"), "t", "a"), NoEffectEstimand)


def test_an_open_edge_is_named_by_identification():
    local = learn("u -> t -> y; u -> y", "t")
    with pytest.raises(NotIdentifiableError):
        identify(local.graph_towards("y"), "t", "y")


# --- with data ----------------------------------------------------------------------------------


def test_noisy_answers_still_draw_a_graph_that_some_dag_has():
    rng = np.random.default_rng(5)
    for _ in range(40):
        dag = random_dag(rng, max_nodes=8, max_edges=20)
        if len(dag.nodes) < 2:
            continue
        values = linear_data(rng, dag, int(rng.integers(8, 60)))
        local = LocalPC("x0", alpha=0.3, familywise=False).fit(values)
        assert not set(local.parents_) & set(local.children_)
        assert not any(pair in local.graph_.skeleton() for pair in local.separators_)
        if len(local.explored_) == len(local.graph_.nodes):  # else edges may be missing
            consistent_extension(local.graph_)


def test_neighbours_in_a_wide_table():
    rng = np.random.default_rng(6)
    values, parents = local_data(rng, 1000, 2000)
    right = wrong = missed = 0
    for target in rng.choice(np.arange(100, 900), 10, replace=False).tolist():
        children = {j for j, above in enumerate(parents) if target in above}
        truth = parents[target] | children
        assert truth <= boundary_of_column(parents, target)
        local = LocalPC(f"x{target}").fit(values)
        guess = {int(k[1:]) for k in local.graph_.adjacent(f"x{target}")}
        right, wrong = right + len(guess & truth), wrong + len(guess - truth)
        missed += len(truth - guess)
    assert right / (right + wrong) > 0.9
    assert right / (right + missed) > 0.8


def test_order_and_containers_do_not_matter():
    rng = np.random.default_rng(7)
    for _ in range(15):
        dag = random_dag(rng, max_nodes=8, max_edges=14)
        if len(dag.nodes) < 2:
            continue
        frame = pd.DataFrame(linear_data(rng, dag, 100), columns=list(dag.nodes))
        search = LocalPC("x0", alpha=0.2, familywise=False)
        graph = clone(search).fit(frame).graph_
        assert clone(search).fit(frame[rng.permutation(frame.columns)]).graph_ == graph
        assert clone(search).fit(pl.from_pandas(frame)).graph_ == graph
        assert clone(search).fit(frame.to_numpy()).graph_ == graph


def test_explains_itself():
    local = learn("c -> a -> t <- b; t -> e; c -> d -> f -> g", "t")
    assert local.explain("a", "t").direction == "colliders and Meek's rules allow no other"
    assert "independent given" in local.explain("a", "b").adjacency
    assert local.explain("a", "b").test.p_value == 1.0
    assert "not known" in local.explain("b", "e").adjacency or local.explain("b", "e").test
    again = pickle.loads(pickle.dumps(local))
    assert again.explain("a", "t").edge == "a -> t"


def test_what_cannot_be_learnt_is_refused():
    rng = np.random.default_rng(8)
    data = dict(zip("abc", rng.normal(size=(3, 60)), strict=True))
    local = LocalPC("a").fit(data)
    assert local.graph_.nodes == ("a",)
    with pytest.raises(UnknownVariableError):
        local.graph_towards("z")
    with pytest.raises(InputError, match="both 'a'"):
        local.graph_towards("a")
    assert identify(local.graph_towards("b"), "a", "b").adjustment == ()
    with pytest.raises(UnknownVariableError):
        LocalPC("z").fit(data)
    with pytest.raises(NumericalError, match="copies"):
        LocalPC("a").fit(data | {"d": -2 * data["a"]})


def test_integer_names():
    rng = np.random.default_rng(9)
    values = rng.normal(size=(500, 4))
    values[:, 3] = values[:, 0] + values[:, 1] + rng.normal(size=500)
    local = LocalPC(3).fit(pd.DataFrame(values))
    assert local.parents_ == (0, 1)


# --- tests whose variables are not the columns ---------------------------------------------------


def measured(seed=0, n=1000):
    """`d1` and `d2` measure the dose; what acts on it are `b` and `c`."""
    rng = np.random.default_rng(seed)
    b, c = rng.normal(size=(2, n))
    first, second = b + c + rng.normal(size=n), b + rng.normal(size=n)
    health = first + second + rng.normal(size=n)
    return pd.DataFrame(
        {"health": health, "d2": second, "b": b, "cl": np.arange(n) // 4, "c": c, "d1": first}
    )


def test_groups_and_clusters_are_read_as_pc_reads_them():
    frame = measured()
    test = Clustered(Grouped(FisherZ(), {"dose": ["d1", "d2"]}), "cl")
    whole = PC(test, alpha=0.01).fit(frame).graph_
    local = LocalPC("dose", test, alpha=0.01).fit(frame)
    assert local.parents_ == ("b", "c") == tuple(sorted(whole.parents("dose")))
    assert local.children_ == ("health",) == tuple(whole.children("dose"))
    assert local.graph_.nodes == ("health", "dose", "b", "c")
    assert local.explain("dose", "b").edge == "b -> dose"
    assert set(local.graph_towards("health").parents("health")) == {"b", "c", "dose"}
    with pytest.raises(UnknownVariableError):
        local.graph_towards("d1")


def test_a_column_within_a_group_is_no_target():
    frame = measured()
    test = Clustered(Grouped(FisherZ(), {"dose": ["d1", "d2"]}), "cl")
    with pytest.raises(InputError, match="part of the group 'dose'"):
        LocalPC("d1", test).fit(frame)
    with pytest.raises(InputError, match="belong together"):
        LocalPC("cl", test).fit(frame)
