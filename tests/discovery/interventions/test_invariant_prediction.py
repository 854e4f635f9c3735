"""Invariant prediction: tests against least squares, the level and the intervals by simulation."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from joblib import parallel_config
from sklearn.base import clone
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import LinearRegression, RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import SplineTransformer

from causalkit.discovery.interventions.invariant_parents import hitting_sets
from causalkit.discovery.interventions.invariant_prediction import InvariantPrediction
from causalkit.errors import InputError, UnknownVariableError
from tests.oracles import interventional as oracle


def simulated(seed, n=80, n_environments=3, *, strong=3.0):
    """a and b cause y, which causes c; environments change all but y."""
    rng = np.random.default_rng(seed)
    e = np.repeat(np.arange(n_environments), n)
    shift = strong * rng.normal(size=(3, n_environments))[:, e]
    scale = rng.uniform(0.5, 2.0, (3, n_environments))[:, e]
    a = shift[0] + scale[0] * rng.normal(size=len(e))
    b = 0.5 * a + shift[1] + scale[1] * rng.normal(size=len(e))
    y = 1.0 * a - 0.8 * b + rng.normal(size=len(e))
    c = y + shift[2] + scale[2] * rng.normal(size=len(e))
    return pd.DataFrame({"a": a, "b": b, "c": c, "y": y, "environment": e})


def subsets(names):
    return [set(one) for k in range(len(names) + 1) for one in combinations(names, k)]


def test_every_set_is_tested_as_by_least_squares():
    for n_environments in (2, 3):
        frame = simulated(0, n_environments=n_environments)
        frame.loc[::7, "b"] = 2.0  # ties
        found = InvariantPrediction("y").fit(frame).result_
        tested = {frozenset(one.variables): one.p_value for one in found.sets}
        assert set(tested) == set(map(frozenset, subsets("abc")))
        for names, p_value in tested.items():
            expected = oracle.invariance_p_value(
                frame["y"].to_numpy(), frame[sorted(names)].to_numpy(), frame["environment"]
            )
            assert p_value == pytest.approx(expected, abs=1e-12)


def test_intervals_are_the_hull_of_those_of_least_squares():
    api = pytest.importorskip("statsmodels.api")
    for seed in range(4):
        frame = simulated(seed, strong=0.7)
        found = InvariantPrediction("y", alpha=0.1).fit(frame)
        for name, interval in found.intervals_.items():
            ends = []
            for one in found.accepted_:
                if name not in one:
                    ends += [0.0]
                    continue
                fit = api.OLS(frame["y"], api.add_constant(frame[list(one)])).fit()
                ends += fit.conf_int(alpha=0.1).loc[name].tolist()
            assert interval == pytest.approx((min(ends), max(ends)))


def test_causes_are_found_and_what_is_no_cause_hardly_ever():
    n_runs, wrong, both, held = 120, 0, 0, 0
    for seed in range(n_runs):
        found = InvariantPrediction("y").fit(simulated(seed))
        wrong += "c" in found.parents_
        both += found.parents_ == ("a", "b")
        if found.intervals_:
            low, high = found.intervals_["a"]
            held += low <= 1.0 <= high
        else:
            wrong += 0
    assert wrong <= 0.05 * n_runs + 3 * np.sqrt(0.05 * 0.95 * n_runs)
    assert both > 0.6 * n_runs
    assert held >= 0.9 * n_runs - 3 * np.sqrt(0.1 * 0.9 * n_runs)


@pytest.mark.slow
def test_the_level_holds_with_few_rows_and_many_environments():
    for n, n_environments in [(15, 2), (15, 6), (40, 10)]:
        runs = [InvariantPrediction("y").fit(simulated(s, n, n_environments)) for s in range(400)]
        wrong = sum(bool(set(run.parents_) - {"a", "b"}) for run in runs)
        assert wrong <= 0.05 * 400 + 3 * np.sqrt(0.05 * 0.95 * 400)


def test_a_variable_is_a_parent_exactly_if_no_accepted_set_is_without_it():
    for seed in range(10):
        found = InvariantPrediction("y").fit(simulated(seed, n=25, strong=1.0))
        for name in found.candidates_:
            without = [one.p_value for one in found.result_.sets if name not in one.variables]
            said = found.explain(name)
            if found.result_.is_rejected:
                assert said.p_value == 1
                assert not said.is_parent
                assert said.interval is None
                continue
            assert said.p_value == max(without) == said.rival.p_value
            assert said.is_parent == (said.p_value <= 0.05) == (name in found.parents_)


def test_without_a_difference_nothing_is_shown():
    rng = np.random.default_rng(0)
    x = rng.normal(size=300)
    data = {"x": x, "y": x + rng.normal(size=300), "environment": np.arange(300) % 2}
    found = InvariantPrediction("y", alpha=0.01).fit(data)
    assert found.parents_ == ()
    assert () in found.accepted_
    assert "nothing is shown" in repr(found.result_)


def test_an_intervention_on_the_target_rejects_every_set():
    frame = simulated(1)
    frame["y"] += 5 * (frame["environment"] == 1)
    frame["c"] = np.random.default_rng(0).normal(size=len(frame))
    found = InvariantPrediction("y").fit(frame)
    assert found.result_.is_rejected
    assert found.parents_ == ()
    assert found.intervals_ == {}
    assert "something was done to the target itself" in " ".join(repr(found.result_).split())
    assert set(found.p_values_.values()) == {1.0}


def test_of_two_variables_that_say_the_same_one_is_a_cause():
    rng = np.random.default_rng(2)
    e = np.repeat([0, 1], 200)
    x = rng.normal(size=400) + 3 * e
    data = {"x": x, "twin": x, "z": rng.normal(size=400), "y": x + rng.normal(size=400)}
    found = InvariantPrediction("y").fit({**data, "environment": e})
    assert found.parents_ == ()
    assert found.result_.defining_sets == (("x", "twin"),)
    assert "At least one cause is in each of: {x, twin}" in repr(found.result_)
    assert found.intervals_["x"] == (-np.inf, np.inf)


@settings(max_examples=60)
@given(st.lists(st.frozensets(st.integers(0, 4)), max_size=6))
def test_hitting_sets_are_the_smallest_that_meet_all(sets):
    meeting = [one for one in map(frozenset, subsets(range(5))) if all(one & held for held in sets)]
    expected = {one for one in meeting if not any(other < one for other in meeting)}
    found = hitting_sets(sets)
    assert set(found) == expected
    assert len(found) == len(expected)


def test_a_curved_effect_needs_a_regressor():
    rng = np.random.default_rng(3)
    e = np.repeat([0, 1], 250)
    a = rng.normal(size=500) * np.where(e == 1, 2.0, 0.7)
    y = np.abs(2 * a) + 0.5 * rng.normal(size=500)
    c = y + rng.normal(size=500) + 2 * e
    data = {"a": a, "c": c, "y": y, "environment": e}
    curves = make_pipeline(SplineTransformer(8, extrapolation="linear"), RidgeCV())
    found = InvariantPrediction("y", regressor=curves).fit(data)
    assert found.parents_ == ("a",)
    assert found.intervals_ == {}
    assert InvariantPrediction("y").fit(data).parents_ == ()
    forest = RandomForestRegressor(n_estimators=3, min_samples_leaf=5)
    one = InvariantPrediction("y", regressor=forest).fit(data)
    with parallel_config("threading"):
        assert clone(one).set_params(n_jobs=2).fit(data).p_values_ == one.p_values_


def test_a_linear_regressor_agrees_with_least_squares():
    agreed = 0
    for seed in range(6):
        frame = simulated(seed)
        one = InvariantPrediction("y").fit(frame)
        two = InvariantPrediction("y", regressor=LinearRegression()).fit(frame)
        agreed += one.parents_ == two.parents_
    assert agreed >= 5


def test_of_many_variables_those_that_predict_are_tried():
    rng = np.random.default_rng(4)
    frame = simulated(4, n=150)
    for k in range(20):
        frame[f"noise{k}"] = rng.normal(size=len(frame))
    found = InvariantPrediction("y", max_candidates=5).fit(frame)
    assert {"a", "b", "c"} <= set(found.candidates_)
    assert len(found.candidates_) == 5
    assert found.parents_ == ("a", "b")
    regressor = RandomForestRegressor(n_estimators=5)
    trees = InvariantPrediction("y", max_candidates=3, max_size=1, regressor=regressor).fit(frame)
    assert len(trees.candidates_) == 3
    assert len(trees.result_.sets) == 4
    chosen = InvariantPrediction("y", candidates=["a", "b"]).fit(frame)
    assert chosen.candidates_ == ("a", "b")
    assert chosen.parents_ == ("a", "b")


def test_twins_among_many_variables_are_no_trouble():
    rng = np.random.default_rng(8)
    X = rng.normal(size=(40, 30))
    X[:, 1], X[:, 2], X[:, 3] = X[:, 0], -2 * X[:, 0], X[:, 0] + 1e-9 * X[:, 3]
    frame = pd.DataFrame(X).add_prefix("x").assign(y=X[:, 0] + X[:, 5])
    found = InvariantPrediction("y").fit(frame.assign(environment=np.arange(40) % 2))
    assert len(found.candidates_) == 8
    assert {"x0", "x5"} <= set(found.candidates_)


def test_labels_order_units_and_containers_do_not_matter():
    frame = simulated(5)
    expected = InvariantPrediction("y").fit(frame)
    label = frame["environment"].map({0: "north", 1: "south", 2: "east"})
    shuffled = frame.sample(frac=1, random_state=0)[["y", "environment", "c", "b", "a"]]
    for data in [
        shuffled,
        pl.from_pandas(frame),
        frame.assign(environment=label),
        frame.assign(environment=label.astype("category")),
        frame.assign(b=1e6 * frame["b"] + 3e7, y=1e-3 * frame["y"]),
        frame.to_dict("list"),
    ]:
        found = InvariantPrediction("y").fit(data)
        assert found.p_values_ == pytest.approx(expected.p_values_, rel=1e-5)
        assert set(found.parents_) == set(expected.parents_)
    names = {name: k for k, name in enumerate(frame.columns)}
    numbered = InvariantPrediction(names["y"], names["environment"]).fit(
        frame.rename(columns=names)
    )
    assert list(numbered.p_values_.values()) == pytest.approx(list(expected.p_values_.values()))
    scaled = InvariantPrediction("y").fit(frame.assign(a=10 * frame["a"]))
    assert scaled.intervals_["a"] == pytest.approx(np.array(expected.intervals_["a"]) / 10)


def test_categories_are_candidates_as_a_whole():
    rng = np.random.default_rng(6)
    e = np.repeat([0, 1], 300)
    group = np.where(
        rng.random(600) < 0.6 - 0.4 * e, "u", np.where(rng.random(600) < 0.5, "v", "w")
    )
    y = np.select([group == "u", group == "v"], [2.0, -1.0], 0.5) + rng.normal(size=600)
    frame = pd.DataFrame({"group": pd.Categorical(group), "y": y, "environment": e})
    found = InvariantPrediction("y").fit(frame)
    assert found.parents_ == ("group",)
    assert found.intervals_ == {}
    flag = pd.DataFrame({"x": y, "y": group == "u", "environment": e})
    assert len(InvariantPrediction("y").fit(flag).result_.sets) == 2


def test_what_is_constant_somewhere_is_read():
    rng = np.random.default_rng(7)
    e = np.repeat([0, 1, 2], [100, 100, 2])
    x = np.where(e == 1, 4.0, rng.normal(size=202))
    y = 2 * x + rng.normal(size=202)
    found = InvariantPrediction("y").fit({"x": x, "y": y, "environment": e})
    assert found.parents_ == ("x",)
    exact = {"x": x, "y": 3 * x, "environment": e}
    assert InvariantPrediction("y").fit(exact).parents_ == ("x",)
    alone = InvariantPrediction("y").fit({"y": y, "environment": e})
    assert alone.parents_ == ()
    assert len(alone.result_.sets) == 1


def test_what_cannot_be_used_is_refused():
    frame = simulated(0, n=10)
    hole = frame.copy()
    hole.iloc[2, 0] = np.nan
    wide = pd.DataFrame(np.random.default_rng(0).normal(size=(30, 20))).add_prefix("x")
    wide = wide.assign(environment=np.arange(30) % 2)
    three = frame.assign(y=pd.Categorical(np.array(list("pqr"))[np.arange(30) % 3]))
    for settings_, data, match in [
        ({"target": "z"}, frame, "'z'"),
        ({"target": ["a", "b"]}, frame, "expected the name of one column"),
        ({"environment": "site"}, frame, "'site'"),
        ({"target": "environment"}, frame, "are both 'environment'"),
        ({"candidates": ["a", "z"]}, frame, "'z'"),
        ({"candidates": ["a", "y"]}, frame, "is among the candidates"),
        ({"alpha": 1.5}, frame, "alpha"),
        ({"max_candidates": 0}, frame, "max_candidates"),
        ({"max_size": -1}, frame, "max_size"),
        ({"regressor": RandomForestRegressor}, frame, "Pass an instance"),
        ({}, frame.assign(environment=1), "one level only"),
        ({}, hole, "missing"),
        ({}, frame.assign(a=1.0), "hold one value only"),
        ({}, three, "categorical with 3 levels"),
        ({"target": "x0", "max_candidates": 19}, wide, "Name fewer candidates"),
    ]:
        with pytest.raises(InputError, match=match):
            InvariantPrediction(**{"target": "y", **settings_}).fit(data)
    with pytest.raises(UnknownVariableError, match="the candidates"):
        InvariantPrediction("y").fit(frame).explain("z")


def test_results_read_well():
    found = InvariantPrediction("y").fit(simulated(0))
    assert "Causes of y" in repr(found.result_)
    assert "<table" in found.result_._repr_html_()
    assert "a cause" in repr(found.explain("a"))
    assert found.accepted_ == tuple(one.variables for one in found.result_.accepted)
    assert "{" in str(found.result_.sets[0])
