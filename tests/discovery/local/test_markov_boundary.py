from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from joblib import parallel_config
from sklearn.base import clone

from causalkit.discovery.local.markov_boundary import MarkovBoundary
from causalkit.errors import InputError, NumericalError, UnknownVariableError
from causalkit.graph import CausalGraph, random_admg
from causalkit.independence import CITest, Clustered, FisherZ, Grouped, Oracle, Weighted
from tests.oracles.discovery import linear_data, nodes_of, random_dag
from tests.oracles.local import (
    PlainFisherZ,
    boundary_by_definition,
    boundary_in_dag,
    boundary_of_column,
    local_data,
)

METHODS = ("fbed", "iamb", "inter-iamb", "hiton")
GROWING = METHODS[:3]

every_method = pytest.mark.parametrize("method", METHODS)


def frame_of(seed: int, n: int = 80, max_nodes: int = 9) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    dag = random_dag(rng, max_nodes=max_nodes, max_edges=16)
    while len(dag.nodes) < 2:
        dag = random_dag(rng, max_nodes=max_nodes, max_edges=16)
    values = linear_data(rng, dag, n)
    return pd.DataFrame(values, columns=[f"v{k}" for k in rng.permutation(values.shape[1])])


# --- with an oracle: exactly the boundary -------------------------------------------------------


def test_every_method_finds_parents_children_and_spouses():
    rng = np.random.default_rng(0)
    for _ in range(350):
        dag = random_dag(rng, max_nodes=7)
        if len(dag.nodes) < 2:
            continue
        target = str(rng.choice(dag.nodes))
        truth = boundary_in_dag(dag, target)
        assert truth == boundary_by_definition(dag, target)
        for method in METHODS:
            found = MarkovBoundary(target, Oracle(dag), method=method).fit(nodes_of(dag))
            assert set(found.boundary_) == truth, method
            assert set(found.p_values_.values()) <= {0.0}


@pytest.mark.parametrize("method", GROWING)
def test_hidden_common_causes_are_allowed(method):
    rng = np.random.default_rng(1)
    for _ in range(50):
        graph = random_admg(
            int(rng.integers(2, 8)), bidirected_degree=1.0, expected_degree=1.0, rng=rng
        )
        target = str(rng.choice(graph.nodes))
        found = MarkovBoundary(target, Oracle(graph), method=method).fit(nodes_of(graph))
        assert set(found.boundary_) == boundary_by_definition(graph, target)


# --- all columns at once or one by one ----------------------------------------------------------


@every_method
def test_fast_and_slow_questions_give_the_same_search(method):
    rng = np.random.default_rng(2)
    for seed in range(30):
        frame = frame_of(seed, n=int(rng.integers(6, 120)))
        settings = {"method": method, "alpha": float(rng.choice([0.05, 0.4]))}
        settings["familywise"] = bool(rng.random() < 0.5)
        target = frame.columns[0]
        fast = MarkovBoundary(target, **settings).fit(frame)
        slow = MarkovBoundary(target, PlainFisherZ(), **settings).fit(frame)
        assert fast.boundary_ == slow.boundary_
        np.testing.assert_allclose(
            list(fast.p_values_.values()), list(slow.p_values_.values()), rtol=1e-7
        )
        assert fast.n_tests_ == slow.n_tests_
        assert fast.n_untestable_ == slow.n_untestable_
        assert [s.sentence() for s in fast.trace_] == [s.sentence() for s in slow.trace_]


@every_method
@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_order_units_and_containers_do_not_matter(method, seed):
    frame, rng = frame_of(seed), np.random.default_rng(seed)
    target = frame.columns[0]
    search = MarkovBoundary(target, method=method, alpha=0.2)
    found = clone(search).fit(frame).boundary_
    shuffled = frame[rng.permutation(frame.columns)]
    assert clone(search).fit(shuffled).boundary_ == found
    units = rng.choice([-1.0, 1.0], frame.shape[1]) * 10.0 ** rng.integers(-6, 7, frame.shape[1])
    assert clone(search).fit(frame * units).boundary_ == found
    assert clone(search).fit(pl.from_pandas(frame)).boundary_ == found
    assert clone(search).fit(frame.to_dict("list")).boundary_ == found


def test_n_jobs_does_not_matter():
    frame = frame_of(3)
    search = MarkovBoundary(frame.columns[0], PlainFisherZ(), alpha=0.2)
    serial = clone(search).fit(frame)
    with parallel_config("threading"):
        parallel = clone(search).set_params(n_jobs=2).fit(frame)
    assert parallel.boundary_ == serial.boundary_
    assert parallel.trace_ == serial.trace_


def test_the_trace_replays_the_search():
    for seed in range(20):
        frame = frame_of(seed)
        for method in GROWING:
            found = MarkovBoundary(frame.columns[0], method=method, alpha=0.2).fit(frame)
            members: list = []
            for step in found.trace_:
                if step.added:
                    assert set(step.given) == set(members)
                    members.append(step.column)
                else:
                    members.remove(step.column)
                    assert set(step.given) == set(members)
                test = FisherZ().test(frame, step.target, step.column, step.given)
                assert step.p_value == pytest.approx(test.p_value, rel=1e-6)
            assert set(members) == set(found.boundary_)


def test_a_peer_finds_the_same_boundaries():
    from causallearn.utils import cit
    from causallearn.utils.MarkovNetwork.iamb import iamb

    same = n_tables = 0
    for seed in range(30):
        frame = frame_of(seed, n=60)
        values, p = frame.to_numpy(), frame.shape[1]
        theirs, _ = iamb(cit.CIT(values, "fisherz"), p, 0, 0.01)
        search = MarkovBoundary("x0", method="iamb", alpha=0.01, familywise=False)
        ours = {int(name[1:]) for name in search.fit(values).boundary_}
        same += ours == set(theirs)
        n_tables += 1
    assert same >= 0.9 * n_tables  # it drops members in another order


# --- how well it finds, and how often it invents ------------------------------------------------


@every_method
def test_a_stranger_enters_as_rarely_as_alpha_says(method):
    rng = np.random.default_rng(4)
    hits = [
        bool(MarkovBoundary("x0", method=method).fit(rng.normal(size=(60, 30))).boundary_)
        for _ in range(300)
    ]
    error = np.sqrt(0.05 * 0.95 / 300)
    assert 0.05 - 4 * error < np.mean(hits) < 0.05 + 4 * error


def hits(rng, p, n, n_targets, method):
    values, parents = local_data(rng, p, n)
    found = []
    for target in rng.choice(np.arange(100, p - 100), n_targets, replace=False).tolist():
        truth = boundary_of_column(parents, target)
        names = MarkovBoundary(f"x{target}", method=method).fit(values).boundary_
        guess = {int(name[1:]) for name in names}
        found.append((len(guess & truth), len(guess), len(truth)))
    return np.array(found)


@every_method
def test_precision_and_recall_with_a_thousand_columns(method):
    found = hits(np.random.default_rng(5), 1000, 1000, 15, method)
    shared, guessed, true = found.sum(axis=0)
    assert shared / guessed > 0.9
    assert shared / true > 0.8


@pytest.mark.slow
@pytest.mark.parametrize("method", ["fbed", "hiton"])
def test_precision_and_recall_with_fifty_thousand_columns(method):
    found = hits(np.random.default_rng(6), 50_000, 1000, 8, method)
    shared, guessed, true = found.sum(axis=0)
    assert shared / guessed > 0.9
    assert shared / true > 0.75


def test_more_columns_than_rows():
    rng = np.random.default_rng(7)
    values = rng.normal(size=(40, 500))
    values[:, 0] = 2 * values[:, 10] - 2 * values[:, 20] + 0.5 * rng.normal(size=40)
    for method in METHODS:
        assert {"x10", "x20"} <= set(MarkovBoundary("x0", method=method).fit(values).boundary_)


# --- hostile input ------------------------------------------------------------------------------


def test_what_cannot_be_searched_is_refused():
    rng = np.random.default_rng(8)
    data = dict(zip("abc", rng.normal(size=(3, 30)), strict=True))
    with pytest.raises(UnknownVariableError, match="no variable 'd'"):
        MarkovBoundary("d").fit(data)
    with pytest.raises(InputError, match="hold one value only"):
        MarkovBoundary("a").fit(data | {"a": np.ones(30)})
    with pytest.raises(InputError, match="missing values"):
        MarkovBoundary("a").fit(data | {"b": np.r_[np.nan, data["b"][1:]]})
    with pytest.raises(InputError, match="no column but the target"):
        MarkovBoundary("a").fit({"a": data["a"]})
    with pytest.raises(InputError, match="method='grow'"):
        MarkovBoundary("a", method="grow").fit(data)
    with pytest.raises(InputError, match="alpha=0"):
        MarkovBoundary("a", alpha=0).fit(data)
    with pytest.raises(InputError, match="max_order=-1"):
        MarkovBoundary("a", max_order=-1).fit(data)
    with pytest.raises(InputError, match="Pass an instance"):
        MarkovBoundary("a", FisherZ).fit(data)


@every_method
def test_a_copy_of_the_target_is_refused_by_name(method):
    rng = np.random.default_rng(9)
    data = dict(zip("abc", rng.normal(size=(3, 50)), strict=True))
    data["leak"] = 1e6 - 3 * data["a"]
    with pytest.raises(NumericalError, match="leak and a determine each other"):
        MarkovBoundary("a", method=method).fit(data)


@pytest.mark.parametrize("method", GROWING)
def test_of_copies_among_the_candidates_one_is_kept(method):
    rng = np.random.default_rng(10)
    cause, other = rng.normal(size=(2, 200))
    data = {"y": cause + other + rng.normal(size=200), "one": cause, "two": cause, "b": other}
    assert set(MarkovBoundary("y", method=method).fit(data).boundary_) == {"b", "one"}


@pytest.mark.parametrize("method", GROWING)
def test_a_target_that_others_determine(method):
    rng = np.random.default_rng(11)
    values = rng.normal(size=(100, 6))
    values[:, 0] = values[:, 1] + values[:, 2]
    assert set(MarkovBoundary("x0", method=method).fit(values).boundary_) == {"x1", "x2"}


def test_ties_integer_names_and_huge_values():
    rng = np.random.default_rng(12)
    values = rng.integers(0, 3, size=(300, 5)).astype(float)
    values[:, 4] = values[:, 0] + values[:, 1] + rng.integers(0, 2, 300)
    frame = pd.DataFrame(values, columns=range(5))
    assert set(MarkovBoundary(4).fit(frame).boundary_) == {0, 1}
    assert set(MarkovBoundary(4).fit(frame * 1e300).boundary_) == {0, 1}
    assert set(MarkovBoundary(4).fit(frame * 1e-300).boundary_) == {0, 1}
    assert set(MarkovBoundary(4).fit(frame + 1e9).boundary_) == {0, 1}


@every_method
def test_max_order_limits_conditioning_sets(method):
    frame = frame_of(3, n=500)
    search = MarkovBoundary(frame.columns[0], method=method, max_order=1, alpha=0.2).fit(frame)
    limit = 1 + (method == "hiton")  # a separating set, and the child between two parents
    assert all(len(step.given) <= limit for step in search.trace_)


def test_is_a_well_behaved_estimator():
    frame = frame_of(3)
    search = MarkovBoundary(frame.columns[0], alpha=0.1)
    assert clone(search).get_params() == search.get_params()
    assert search.fit(frame) is search
    assert list(search.feature_names_in_) == list(frame.columns)
    again = pickle.loads(pickle.dumps(search))
    assert again.boundary_ == search.boundary_
    assert "added to the boundary" in repr(search.trace_[0])


def test_the_example_of_the_figure():
    graph = CausalGraph.parse("A -> T <- B; T -> C <- D; C -> E; A -> F")
    found = MarkovBoundary("T", Oracle(graph)).fit(nodes_of(graph))
    assert set(found.boundary_) == {"A", "B", "C", "D"}


# --- tests whose variables are not the columns ---------------------------------------------------


def grouped_frame() -> pd.DataFrame:
    """`a1` and `a2` measure one variable, which acts on `y`, and `far` acts on it."""
    rng = np.random.default_rng(3)
    n = 600
    frame = pd.DataFrame({"far": rng.normal(size=n)})
    frame["a1"] = frame["far"] + rng.normal(size=n)
    frame["y"] = 0.0
    frame["a2"] = rng.normal(size=n)
    frame["y"] = frame["a1"] + frame["a2"] + rng.normal(size=n)
    frame["noise"] = rng.normal(size=n)
    frame["cl"] = np.arange(n) // 3
    frame["w"] = rng.uniform(1.0, 2.0, size=n)
    return frame


def composed(name: str) -> CITest:
    test: CITest = Grouped(FisherZ(), {"g": ["a1", "a2"]})
    return Weighted(Clustered(test, "cl"), "w") if name == "all" else test


@every_method
@pytest.mark.parametrize("name", ["grouped", "all"])
def test_groups_are_variables_and_labels_are_none(method, name):
    frame = grouped_frame()
    frame = frame if name == "all" else frame.drop(columns=["cl", "w"])
    boundary = {
        target: set(
            MarkovBoundary(target, composed(name), method=method, alpha=0.01).fit(frame).boundary_
        )
        for target in ("g", "y", "far", "noise")
    }
    assert boundary == {"g": {"far", "y"}, "y": {"g"}, "far": {"g"}, "noise": set()}


@pytest.mark.parametrize("name", ["grouped", "all"])
def test_answers_are_those_of_the_test_by_name(name):
    frame = grouped_frame()
    frame = frame if name == "all" else frame.drop(columns=["cl", "w"])
    found = MarkovBoundary("g", composed(name)).fit(frame)
    assert found.trace_
    for step in found.trace_:
        result = composed(name).test(frame, step.target, step.column, step.given)
        assert step.p_value == pytest.approx(result.p_value, rel=1e-9)


def test_a_target_that_is_no_variable_is_refused():
    frame = grouped_frame()
    test = composed("all")
    with pytest.raises(InputError, match="part of the group 'g'"):
        MarkovBoundary("a2", test).fit(frame)
    for column in ("cl", "w"):
        with pytest.raises(InputError, match=f"column '{column}' tells the test how rows count"):
            MarkovBoundary(column, test).fit(frame)
    with pytest.raises(UnknownVariableError):
        MarkovBoundary("g2", test).fit(frame)
    with pytest.raises(InputError, match="no column but the target 'y'"):
        MarkovBoundary("y", Clustered(FisherZ(), "cl")).fit(frame[["y", "cl"]])
    alone = Grouped(FisherZ(), {"g": ["a1", "a2"]})
    with pytest.raises(InputError, match="part of the group 'g'"):
        MarkovBoundary("a1", alone).fit(frame[["a1", "a2"]])


@pytest.mark.parametrize("familywise", ["x", None, 2])
def test_familywise_is_yes_or_no(familywise):
    with pytest.raises(InputError, match="familywise"):
        MarkovBoundary("x0", familywise=familywise).fit(
            np.random.default_rng(0).normal(size=(50, 3))
        )
