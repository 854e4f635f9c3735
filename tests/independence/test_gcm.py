"""GCM: against its formula, the multiplier bootstrap, and true independence."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import kstest, norm
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import LinearRegression

from benchmarks.designs import DESIGNS, draw
from causalkit._core.table import as_table
from causalkit.discovery import PC
from causalkit.errors import InputError, NumericalError
from causalkit.independence import FisherZ
from causalkit.independence.gcm import GCM


def frame_of(rng, n=150):
    z, w = rng.normal(size=(2, n))
    x, y = np.sin(z) + w + rng.normal(size=(2, n))
    group = pd.Categorical.from_codes((x > 0).astype(int) + (w > 0.5), list("abc"))
    return pd.DataFrame({"x": x, "y": y, "z": z, "w": w, "group": group, "old": z + x > 0.3})


def least_squares(target, Z):
    Z = np.column_stack([np.ones(len(target)), Z])
    return target - Z @ np.linalg.lstsq(Z, target, rcond=None)[0]


# --- against the paper ---------------------------------------------------------------------------


@given(seed=st.integers(0, 10**6), n=st.integers(10, 200))
@settings(max_examples=20, deadline=None)
def test_with_least_squares_it_is_the_formula_of_the_paper(seed, n):
    frame = frame_of(np.random.default_rng(seed), n)
    r, s = (least_squares(frame[k], frame[["z", "w"]]) for k in "xy")
    T = np.sqrt(n) * np.mean(r * s) / np.sqrt(np.mean(r**2 * s**2) - np.mean(r * s) ** 2)
    found = GCM(LinearRegression()).test(frame, "x", "y", ["z", "w"])
    # Centring takes one degree of freedom, for which the paper's asymptotics have no use.
    assert found.statistic * np.sqrt(n / (n - 1)) == pytest.approx(T, rel=1e-6)
    assert found.p_value == pytest.approx(2 * norm.sf(abs(found.statistic)))


def test_of_several_statistics_the_largest_is_judged_by_the_multiplier_bootstrap():
    rng = np.random.default_rng(5)
    frame = frame_of(rng, 200)
    frame["group"] = pd.Categorical.from_codes(rng.integers(3, size=200), list("abc"))
    n, Z = len(frame), frame["z"]
    s = least_squares(frame["y"], Z)
    R = np.column_stack([least_squares(frame["group"] == k, Z) * s for k in "abc"])
    T = np.sqrt(n - 1) * R.mean(axis=0) / R.std(axis=0)
    found = GCM(LinearRegression()).test(frame, "group", "y", "z")
    assert abs(found.statistic) == pytest.approx(np.abs(T).max())
    scaled = (R - R.mean(axis=0)) / R.std(axis=0)
    drawn = np.abs(rng.normal(size=(20_000, n)) @ scaled).max(axis=1) / np.sqrt(n)
    assert found.p_value == pytest.approx(np.mean(drawn >= np.abs(T).max()), abs=0.02)


def test_without_a_set_it_agrees_with_the_correlation():
    frame = frame_of(np.random.default_rng(0), 2000)
    rng = np.random.default_rng(1)
    data = {"x": frame["x"].to_numpy(), "y": rng.normal(size=2000)}
    assert GCM().test(data, "x", "y").p_value == pytest.approx(
        FisherZ().test(data, "x", "y").p_value, abs=0.02
    )


# --- level and power -----------------------------------------------------------------------------


@pytest.mark.parametrize("design", DESIGNS)
@pytest.mark.parametrize("size", [0, 1, pytest.param(3, marks=pytest.mark.slow)])
def test_p_values_are_uniform_under_independence(design, size):
    tables = (as_table(draw(design, 200, size, seed)) for seed in range(150 // (1 + size)))
    p_values = [GCM().bind(table)(0, 1, range(2, 2 + size)).p_value for table in tables]
    assert kstest(p_values, "uniform").pvalue > 0.002


@pytest.mark.slow
@pytest.mark.parametrize("design", DESIGNS)
@pytest.mark.parametrize("size", [0, 1, 3])
@pytest.mark.parametrize("n", [300, 1000])
def test_level(design, size, n):
    tables = (as_table(draw(design, n, size, seed)) for seed in range(1000))
    p_values = [GCM().bind(table)(0, 1, range(2, 2 + size)).p_value for table in tables]
    assert 0.03 < np.mean(np.array(p_values) <= 0.05) < 0.075  # 0.05 give or take 3 errors


def test_level_of_categories_and_of_weights():
    rng = np.random.default_rng(0)
    p_values = []
    for _ in range(150):
        z = rng.normal(size=200)
        one = ((z + rng.normal(size=200))[:, None] > [-0.5, 0.5]).sum(axis=1)
        group = pd.Categorical.from_codes(one, list("abc"))
        data = {"x": group, "y": np.cos(2 * z) + rng.normal(size=200), "z": z}
        p_values.append(GCM(n_weights=3, n_draws=999).test(data, "x", "y", "z").p_value)
    assert kstest(p_values, "uniform").pvalue > 0.002


def test_weights_find_what_changes_its_sign():
    rng = np.random.default_rng(2)
    z, x, noise = rng.normal(size=(3, 400))
    data = {"x": x, "y": np.sign(z) * x + noise, "z": z}
    assert GCM().test(data, "x", "y", "z").p_value > 0.01
    assert GCM(n_weights=7).test(data, "x", "y", "z").p_value < 1e-6


def test_any_regression_finds_what_is_there():
    frame = frame_of(np.random.default_rng(3), 300)
    frame["y"] += 0.5 * frame["x"]
    for regressor in (None, LinearRegression(), RandomForestRegressor(20, min_samples_leaf=10)):
        assert GCM(regressor).test(frame, "x", "y", ["z", "w"]).p_value < 1e-4
        assert GCM(regressor).test(frame, "group", "x", ["z"]).p_value < 1e-4


# --- laws ----------------------------------------------------------------------------------------


@given(seed=st.integers(0, 10**6))
@settings(max_examples=15, deadline=None)
def test_order_and_units_say_nothing(seed):
    rng = np.random.default_rng(seed)
    frame = frame_of(rng)
    x, y, *rest = rng.permutation(frame.columns).tolist()
    before = GCM(n_draws=99).test(frame, x, y, rest[:2])
    shuffled = frame[rng.permutation(frame.columns)].sample(frac=1.0, random_state=seed)
    for name in ("x", "y", "z", "w"):
        shuffled[name] *= rng.choice([1e-9, 1e9])
    after = GCM(n_draws=99).test(shuffled, y, x, rest[1::-1])
    assert after.p_value == pytest.approx(before.p_value, rel=1e-4, abs=1e-10)
    assert abs(after.statistic) == pytest.approx(abs(before.statistic), rel=1e-5)


def test_containers_agree_and_a_random_regression_is_repeatable():
    frame = frame_of(np.random.default_rng(1))
    test = GCM(RandomForestRegressor(10))
    expected = test.test(frame, "x", "group", "z")
    assert test.test(pl.from_pandas(frame), "x", "group", "z") == expected
    assert test.test(frame.set_axis(range(6), axis=1), 0, 4, 2) == expected
    assert GCM(RandomForestRegressor(10), random_state=1).test(frame, "x", "y", "z") != (
        test.test(frame, "x", "y", "z")
    )


def test_travels_without_its_cache():
    bound = GCM().bind(as_table(frame_of(np.random.default_rng(0))))
    fresh = len(pickle.dumps(bound))
    expected = bound(0, 1, (2, 3))
    assert len(pickle.dumps(bound)) == fresh
    assert pickle.loads(pickle.dumps(bound))(0, 1, (2, 3)) == expected


def test_pc_learns_a_curved_graph():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 300))
    c = np.tanh(2 * a) + b + 0.4 * rng.normal(size=300)
    data = {"a": a, "b": b, "c": c, "d": c + np.sin(c) + rng.normal(size=300)}
    found = PC(GCM(), alpha=0.01).fit(data)
    assert str(found.graph_) == "CPDAG with 4 nodes, 3 edges: a -> c; b -> c; c -> d"


# --- hostile input -------------------------------------------------------------------------------


def test_settings_are_checked():
    for regressor in (LinearRegression, "forest", object()):
        with pytest.raises(InputError, match="regressor"):
            GCM(regressor)
    with pytest.raises(InputError, match="n_weights"):
        GCM(n_weights=-1)


@pytest.mark.parametrize("regressor", [None, LinearRegression()])
def test_a_copy_in_the_set_cannot_be_tested(regressor):
    frame = frame_of(np.random.default_rng(0))
    frame["twin"] = 3 * frame["x"] - 1
    with pytest.raises(NumericalError, match="determine"):
        GCM(regressor).test(frame, "x", "y", "twin")


class Broken(LinearRegression):
    def predict(self, X):
        return np.full(len(X), np.nan)


def test_a_regression_that_fails_is_named():
    with pytest.raises(NumericalError, match=r"Broken\(\) predicts"):
        GCM(Broken()).test(frame_of(np.random.default_rng(0)), "x", "y", "z")


def test_tiny_and_tied_tables_have_p_values():
    rng = np.random.default_rng(0)
    for n in (4, 5, 8):
        table = as_table(rng.integers(0, 3, (n, 4)) + np.eye(n)[:, :4] * 0.5)
        bound = GCM().bind(table)
        for held in ((), (2,), (2, 3)):
            try:
                assert 0 <= bound(0, 1, held).p_value <= 1
            except NumericalError:
                assert held  # what is given determines one of the two
    with pytest.raises(InputError, match="missing"):
        GCM().test({"x": [1.0, np.nan, 2, 3], "y": [1.0, 2, 3, 4]}, "x", "y")


def test_all_levels_of_a_category_are_regressed_away():
    p_values = []
    for seed in range(8):
        rng = np.random.default_rng(seed)
        code = np.repeat(np.arange(120), 6)
        x, y = 1.5 * rng.normal(size=120)[code] + rng.normal(size=(2, 720))
        frame = pd.DataFrame({"x": x, "y": y, "level": pd.Categorical(code.astype(str))})
        p_values.append(GCM().test(frame, "x", "y", "level").p_value)
    assert min(p_values) > 1e-4
    frame["level"] = pd.Categorical(np.arange(720).astype(str))
    with pytest.raises(NumericalError, match="720 combinations of levels in 720 rows"):
        GCM().test(frame, "x", "y", "level")
