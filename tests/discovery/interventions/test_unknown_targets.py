"""Unknown targets: the score against enumeration and least squares, the targets against truth."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import stats
from sklearn.base import clone

from causalkit.discovery import Knowledge
from causalkit.discovery.interventions._environments import Environments
from causalkit.discovery.interventions._mechanism_score import LocalMechanisms
from causalkit.discovery.interventions.intervention_targets import change_p_values
from causalkit.discovery.interventions.unknown_targets import UnknownTargets
from causalkit.errors import InputError, TimeBudgetWarning, UnknownVariableError
from causalkit.graph import random_dag
from causalkit.graph.interventional import interventional_class
from tests.oracles import interventional as oracle

QUICK = {"n_starts": 2, "n_restarts": 2}


def simulated(seed, p=6, n_observed=200, n_here=60, n_environments=4, *, soft=False):
    """A linear DAG, rows of environments with one or two targets each, and the targets."""
    rng = np.random.default_rng(seed)
    dag = random_dag(p, expected_degree=2.0, rng=rng)
    weights = dag.directed * rng.uniform(0.6, 1.4, (p, p)) * rng.choice([-1, 1], (p, p))
    order = sorted(range(p), key=lambda v: len(dag.ancestors(dag.nodes[v])))
    touched = np.zeros((n_environments + 1, p), dtype=bool)
    parts = []
    for e in range(n_environments + 1):
        X = rng.normal(size=(n_here if e else n_observed, p))
        if e:
            touched[e, rng.choice(p, rng.integers(1, 3), replace=False)] = True
        for v in order:
            causes = X @ weights[:, v]
            X[:, v] = X[:, v] + causes
            if touched[e, v]:
                X[:, v] = 4 + rng.normal(size=len(X)) + (causes if soft else 0)
        parts.append(pd.DataFrame(X, columns=list(dag.nodes)).assign(environment=f"e{e}"))
    return dag, pd.concat(parts, ignore_index=True), touched


def local_score(values, codes, untouched, price=3.0):
    labels = tuple(range(codes.max() + 1))
    return LocalMechanisms(Environments.of(values, codes, labels), np.array(untouched), price)


def some_rows(rng, sizes, p=4):
    codes = np.repeat(np.arange(len(sizes)), sizes)
    values = rng.normal(size=(len(codes), p)) @ rng.normal(size=(p, p))
    values += rng.normal(size=(len(sizes), p))[codes] * rng.integers(0, 3, (len(sizes), p))[codes]
    return values, codes


# --- the score ------------------------------------------------------------------------------------


@pytest.mark.parametrize("known", [True, False])
def test_the_score_is_the_best_over_all_sets_of_targets(known):
    rng = np.random.default_rng(0)
    n_equal = n_asked = 0
    for sizes in [(30, 12), (40, 5, 9), (25, 25, 25), (50, 10, 10, 10)]:
        for _ in range(6):
            values, codes = some_rows(rng, sizes)
            untouched = np.arange(len(sizes)) == 0 if known else np.zeros(len(sizes), dtype=bool)
            local = local_score(values, codes, untouched)
            price = local.price
            for node, parents in [(0, []), (1, [3]), (2, [0, 3])]:
                score, touched, evidence = local.split(node, parents)
                first, targets, _ = local.split(node, [])
                # scores are up to a constant of the node, so those of no parents are the measure
                shift = first - oracle.mechanism_score(values, codes, node, [], targets, price)
                exact = oracle.mechanism_score(values, codes, node, parents, touched, price)
                assert score == pytest.approx(exact + shift, abs=1e-7)
                best, _ = oracle.best_targets(values, codes, node, parents, untouched, price)
                assert score <= best + shift + 1e-7
                assert (evidence[touched] > 0).all()
                n_asked += 1
                n_equal += score >= best + shift - 1e-7
                if len(sizes) == 2:
                    assert score == pytest.approx(best + shift, abs=1e-7)
    assert n_equal >= 0.95 * n_asked


def test_evidence_is_what_one_change_costs():
    rng = np.random.default_rng(1)
    values, codes = some_rows(rng, (60, 20, 20, 20))
    local = local_score(values, codes, [True, False, False, False])
    _score, touched, evidence = local.split(2, [0, 1])
    for e in (1, 2, 3):
        other = touched.copy()
        other[e] = not other[e]
        now = oracle.mechanism_score(values, codes, 2, [0, 1], touched, local.price)
        then = oracle.mechanism_score(values, codes, 2, [0, 1], other, local.price)
        assert evidence[e] == pytest.approx((now - then) * (1 if touched[e] else -1), abs=1e-8)
    assert evidence[0] == -np.inf


def test_gains_are_differences_of_scores():
    values, codes = some_rows(np.random.default_rng(2), (40, 20, 15), p=6)
    local = local_score(values, codes, [True, False, False])
    gains = local.gains(0, [4, 2], [1, 3, 5])
    before = local(0, [4, 2])
    assert gains == pytest.approx([local(0, [4, 2, c]) - before for c in (1, 3, 5)])


def test_a_redundant_parent_is_never_taken():
    rng = np.random.default_rng(3)
    values, codes = some_rows(rng, (40, 20))
    local = local_score(np.column_stack([values, values[:, 1]]), codes, [True, False])
    assert local(0, [1, 4]) == -np.inf
    assert local(0, [1]) == pytest.approx(local(0, [4]))


def test_p_values_are_chows_and_uniform_where_nothing_changes():
    rng = np.random.default_rng(4)
    dag = np.zeros((3, 3), dtype=bool)
    dag[0, 1] = dag[0, 2] = dag[1, 2] = True
    found = []
    for _ in range(150):
        X = rng.normal(size=(58, 3))
        codes = np.repeat([0, 1, 2], [40, 15, 3])
        X[:, 0] += np.array([0.0, 3.0, 0.0])[codes]
        X[:, 1] += X[:, 0]
        X[:, 2] += X[:, 0] - X[:, 1]
        touched = np.zeros((3, 3), dtype=bool)
        touched[1, 0] = True
        p_values = change_p_values(Environments.of(X, codes, (0, 1, 2)), dag, touched)
        found.append(p_values[[1, 2], 2])
        assert p_values[1, 0] < 0.05
        for e in (1, 2):
            expected = oracle.chow_p_value(X, codes == e, codes != e, 2, [0, 1])
            assert p_values[e, 2] == pytest.approx(expected)
        expected = oracle.chow_p_value(X, codes == 2, codes == 0, 0, [])
        assert p_values[2, 0] == pytest.approx(expected)
    for column in np.array(found).T:
        assert stats.kstest(column, "uniform").pvalue > 0.001


# --- graph and targets ----------------------------------------------------------------------------


@pytest.mark.parametrize("soft", [False, True])
def test_graph_and_targets_are_found(soft):
    right = 0
    for seed in range(6):
        dag, frame, touched = simulated(seed, soft=soft)
        found = UnknownTargets(observational="e0", **QUICK).fit(frame)
        truth = [[dag.nodes[v] for v in np.flatnonzero(row)] for row in touched]
        assert found.graph_ == interventional_class(found.dag_, found.targets_)
        right += found.graph_ == interventional_class(dag, truth)
        assert (found.targets_.touched == touched).mean() > 0.9
        assert found.targets_["e0"] == ()
    assert right >= 5


def test_without_an_observational_environment_targets_are_relative_to_the_rest():
    for seed in range(3):
        _, frame, touched = simulated(seed, n_observed=60)
        found = UnknownTargets(**QUICK).fit(frame)
        often = touched.sum(axis=0) <= 2
        assert (found.targets_.touched == touched)[:, often].mean() > 0.9


def test_of_two_environments_it_cannot_be_told_which_one_was_changed():
    rng = np.random.default_rng(0)
    where = np.repeat(["x", "y"], 200)
    a = rng.normal(size=400) + 3 * (where == "y")
    data = {"a": a, "b": a + rng.normal(size=400), "environment": where}
    found = UnknownTargets().fit(data)
    assert dict(found.targets_) == {"x": ("a",), "y": ("a",)}
    assert str(found.graph_) == "CPDAG with 2 nodes, 1 edge: a -> b"
    told = UnknownTargets(observational="y").fit(data)
    assert dict(told.targets_) == {"x": ("a",), "y": ()}


def test_where_nothing_changes_nothing_is_a_target():
    rng = np.random.default_rng(1)
    a = rng.normal(size=600)
    data = {"a": a, "b": a + rng.normal(size=600), "environment": np.arange(600) % 6}
    found = UnknownTargets(**QUICK).fit(data)
    assert not found.targets_.touched.any()
    assert "every mechanism is the same" in repr(found.targets_)
    assert str(found.graph_).endswith("a -- b")


def test_names_labels_rows_and_containers_do_not_matter():
    rng = np.random.default_rng(2)
    _, frame, _ = simulated(7, n_here=40)
    expected = UnknownTargets(observational="e0", **QUICK).fit(frame)
    names = list(frame.columns)
    shuffled = frame.iloc[rng.permutation(len(frame))][names[::-1]]
    number = frame["environment"].str[1:].astype(int)
    for data, label in [
        (shuffled, "e0"),
        (frame.assign(environment=frame["environment"].astype("category")), "e0"),
        (pl.from_pandas(frame), "e0"),
        (frame.assign(environment=number), 0),
        (frame.assign(**{name: 1e4 * frame[name] - 7 for name in names[:2]}), "e0"),
    ]:
        found = UnknownTargets(observational=label, **QUICK).fit(data)
        assert found.graph_.reordered(expected.graph_.nodes) == expected.graph_
        assert found.score_ == pytest.approx(expected.score_, rel=1e-6)
        at = {str(e)[-1]: set(upon) for e, upon in found.targets_.items()}
        assert at == {e[-1]: set(upon) for e, upon in expected.targets_.items()}
    numbered = frame.rename(columns={name: k for k, name in enumerate(names)})
    found = UnknownTargets(len(names) - 1, observational="e0", **QUICK).fit(numbered)
    assert found.score_ == pytest.approx(expected.score_)


def test_workers_do_not_matter_and_a_copy_may_be_fitted():
    _, frame, _ = simulated(8, n_here=30)
    one = UnknownTargets(observational="e0", **QUICK).fit(frame)
    two = clone(one).set_params(n_jobs=2).fit(frame)
    assert (one.graph_, one.score_, one.order_) == (two.graph_, two.score_, two.order_)
    again = pickle.loads(pickle.dumps(one))
    assert again.graph_ == one.graph_
    assert dict(again.targets_) == dict(one.targets_)


def test_reasons_and_results_read_well():
    _, frame, touched = simulated(0)
    found = UnknownTargets(observational="e0", **QUICK).fit(frame)
    e, v = np.argwhere(found.targets_.touched)[0]
    name = found.targets_.variables[v]
    said = found.targets_.test(f"e{e}", name)
    assert said.is_target
    assert said.p_value < 0.01
    assert said.evidence > 0
    assert "yes" in repr(said)
    assert str(name) in repr(found.targets_)
    table = found.targets_.to_frame()
    assert len(table) == touched.size
    assert table["is_target"].sum() == found.targets_.touched.sum()
    edge = next(iter(found.graph_.edges()))
    assert found.explain(edge.left, edge.right).direction
    with pytest.raises(InputError, match="no environment 'e9'"):
        found.targets_.test("e9", name)
    with pytest.raises(UnknownVariableError, match="'z'"):
        found.targets_.test("e1", "z")
    with pytest.raises(KeyError):
        found.targets_["e9"]


def test_knowledge_is_obeyed():
    _, frame, _ = simulated(3, n_here=30)
    found = UnknownTargets(observational="e0", **QUICK).fit(frame)
    edge = next(e for e in found.graph_.edges() if e.symbol == "->")
    known = Knowledge(forbidden=[(edge.left, edge.right)])
    other = UnknownTargets(observational="e0", knowledge=known, **QUICK).fit(frame)
    assert edge.right not in other.dag_.children(edge.left)
    assert other.score_ <= found.score_ + 1e-9


# --- hostile tables -------------------------------------------------------------------------------


def test_a_variable_held_fixed_is_a_target():
    rng = np.random.default_rng(0)
    where = np.repeat([0, 1, 2], [100, 30, 30])
    a = rng.normal(size=160)
    b = np.where(where == 1, 0.1 + 0.2, a + rng.normal(size=160))
    c = b + rng.normal(size=160)
    found = UnknownTargets(observational=0, **QUICK).fit(
        {"a": a, "b": b, "c": c, "environment": where}
    )
    assert dict(found.targets_) == {0: (), 1: ("b",), 2: ()}
    assert str(found.graph_).endswith("a -> b; b -> c")


def test_extreme_interventions_cost_no_digits():
    rng = np.random.default_rng(1)
    where = np.repeat([0, 1, 2], [200, 40, 40])
    a = rng.normal(size=280)
    a[where == 1] = 1e9 + 1e3 * rng.normal(size=40)
    b = rng.normal(size=280) + np.where(where == 1, 0.0, a)
    found = UnknownTargets(observational=0, **QUICK).fit({"a": a, "b": b, "environment": where})
    assert "a" in found.targets_[1]
    assert found.targets_[2] == ()
    assert found.graph_.adjacent("a") == {"b"}


def test_tiny_wide_and_tied_tables_are_read():
    rng = np.random.default_rng(2)
    wide = {f"x{k}": rng.normal(size=12) for k in range(15)}
    found = UnknownTargets(**QUICK).fit({**wide, "environment": np.repeat([0, 1, 2], [8, 2, 2])})
    assert np.isfinite(found.score_)
    x = rng.integers(0, 2, 90)
    tied = {"x": x, "twin": x, "y": x ^ (rng.random(90) < 0.1), "environment": np.arange(90) % 3}
    found = UnknownTargets(**QUICK).fit(tied)
    assert np.isfinite(found.score_)
    alone = UnknownTargets().fit({"x": rng.normal(size=20), "environment": np.arange(20) % 2})
    assert alone.graph_.nodes == ("x",)


def test_what_cannot_be_used_is_refused():
    _, frame, _ = simulated(0, n_here=10)
    hole = frame.copy()
    hole.iloc[3, 0] = np.nan
    three = frame.assign(x0=pd.Categorical(np.array(list("abc"))[np.arange(len(frame)) % 3]))
    for settings, data, match in [
        ({"environment": "site"}, frame, "'site'"),
        ({"environment": None}, frame, "expected the name of the column"),
        ({"environment": ["x0", "x1"]}, frame, "expected the name of the column"),
        ({"observational": "e9"}, frame, "'e9' is no environment"),
        ({}, frame.assign(environment="one"), "one level only"),
        ({}, frame.assign(environment=np.arange(len(frame))), "fewer than 2"),
        ({}, hole, "missing"),
        ({}, frame.assign(x0=1.0), "hold one value only"),
        ({}, three, "categorical with 3 levels"),
        ({}, frame[["environment"]], "no column but"),
        ({"penalty": 0}, frame, "penalty"),
        ({"n_starts": 0}, frame, "n_starts"),
        ({"n_restarts": -1}, frame, "n_restarts"),
        ({"max_parents": -1}, frame, "max_parents"),
    ]:
        with pytest.raises(InputError, match=match):
            UnknownTargets(**settings).fit(data)


def test_a_spent_budget_is_said():
    _, frame, _ = simulated(0, p=8, n_here=20)
    search = UnknownTargets(observational="e0", n_starts=50, n_restarts=10**6, max_seconds=0.3)
    with pytest.warns(TimeBudgetWarning, match="time was up"):
        search.fit(frame)
    assert search.stopped_
    assert np.isfinite(search.score_)
