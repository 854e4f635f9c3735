"""DYNOTEARS: the minimum is one, what it finds, the laws, the complaints."""

from __future__ import annotations

import pickle
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone

from causalkit.discovery import NOTEARS, Knowledge
from causalkit.discovery.series.structural.dynotears import DYNOTEARS, _lagrangian
from causalkit.errors import (
    AssumptionWarning,
    CausalkitWarning,
    ConvergenceWarning,
    InputError,
    NumericalError,
)
from causalkit.graph import Kind
from tests.oracles import svar
from tests.oracles.continuous import circles, slope

seeds = st.integers(0, 10**6)
NAMES = ["b", "a", "d", "c", "e", "f"]


def drawn(seed, p=4, max_lag=2, n=400, noise="gaussian"):
    rng = np.random.default_rng(seed)
    weights = svar.random_weights(rng, p, max_lag)
    return weights, pd.DataFrame(svar.simulate(rng, weights, n, noise), columns=NAMES[:p])


def quietly(algorithm, data):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CausalkitWarning)
        return clone(algorithm).fit(data)


# --- the minimum ----------------------------------------------------------------------------------


@settings(max_examples=6, deadline=None)
@given(seed=seeds, p=st.integers(2, 4), max_lag=st.integers(1, 2))
def test_the_minimum_is_close_to_the_best_of_all_orders(seed, p, max_lag):
    _, frame = drawn(seed, p, max_lag, n=300)
    found = DYNOTEARS(max_lag=max_lag, penalty=0.05, lagged_penalty=0.03).fit(frame)
    covariance = np.corrcoef(svar.columns_of(frame.to_numpy(), max_lag).T)
    ours = svar.penalised_loss(covariance, found.strengths_.reshape(-1, p), 0.05, 0.03)
    best = svar.best_of_all_orders(covariance, p, 0.05, 0.03)
    assert best * (1 - 1e-3) <= ours <= best * 1.03
    assert found.converged_
    assert found.acyclicity_ == pytest.approx(circles(found.strengths_[0]), abs=1e-9)
    assert found.acyclicity_ < 1e-7


def test_the_gradient_is_that_of_the_function():
    from causalkit._core.series import as_series
    from causalkit.discovery.series.structural._structural import Steps

    _, frame = drawn(0, 3, 2, n=100)
    algorithm = DYNOTEARS(max_lag=2)
    steps = Steps.of(as_series(frame), 2, None, all_determined=False, who="DYNOTEARS")
    problem = algorithm._problem(steps, (0.1, 0.1), "DYNOTEARS")
    smooth = _lagrangian(problem, 3.0, 2.0)
    x = np.random.default_rng(0).normal(size=len(problem.start)) * 0.5
    np.testing.assert_allclose(smooth(x)[1], slope(lambda x: smooth(x)[0], x), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("seed", range(3))
def test_without_the_past_it_is_notears(seed):
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(500, 4))
    values[:, 1] += values[:, 0]
    values[:, 3] += values[:, 1] - values[:, 2]
    found = DYNOTEARS(penalty=0.1, lagged_penalty=1e3, threshold=0.3).fit(values)
    table = NOTEARS(penalty=0.1, threshold=0.3).fit(values[1:])
    assert not found.strengths_[1].any()
    np.testing.assert_allclose(found.weights_[0], table.weights_, atol=0.01)


def test_coefficients_are_least_squares_along_the_graph():
    _, frame = drawn(5)
    columns = svar.columns_of(frame.to_numpy(), 2)
    columns -= columns.mean(axis=0)
    found = DYNOTEARS(max_lag=2).fit(frame)
    flat = found.coefficients_.values.reshape(-1, 4)
    for j in range(4):
        causes = np.flatnonzero(found.graph_.directed.reshape(-1, 4)[:, j])
        expected = np.linalg.lstsq(columns[:, causes], columns[:, j], rcond=None)[0]
        np.testing.assert_allclose(flat[causes, j], expected, atol=1e-8)


# --- what it finds --------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
def test_many_steps_give_the_true_edges_but_for_directions_within_a_step(seed):
    weights, frame = drawn(seed, 4, 1, n=20_000)
    found = DYNOTEARS(penalty=0.01, threshold=0.12).fit(frame)
    joined = found.graph_.directed[0] | found.graph_.directed[0].T
    truth = weights[0] != 0
    assert joined[truth | truth.T].all()
    linked = (weights != 0).any(axis=0)
    assert found.scores_[linked].mean() > found.scores_[~linked].mean()


def test_equal_noise_in_one_unit_tells_directions_and_units_alone_are_warned_of():
    rng = np.random.default_rng(0)
    values = rng.normal(size=(2000, 3))
    values[1:, 0] += 0.5 * values[:-1, 0]
    values[:, 1] += values[:, 0]
    values[:, 2] += values[:, 1]
    with pytest.warns(AssumptionWarning, match="variances rise along 100%"):
        found = DYNOTEARS(standardize=False).fit(values)
    assert str(found.graph_).endswith("x0[t] -> x1[t]; x1[t] -> x2[t]; x0[t-1] -> x0[t]")
    assert found.varsortability_ == 1.0
    turned = quietly(DYNOTEARS(standardize=False), values * [9.0, 3.0, 1.0])
    assert turned.graph_ != found.graph_  # which is why it warns


def test_penalties_and_thresholds_of_both_kinds():
    _, frame = drawn(3)
    none = DYNOTEARS(penalty=10.0).fit(frame)
    assert not none.strengths_.any()
    assert not none.graph_.edges()
    assert np.isnan(none.varsortability_)
    late = DYNOTEARS(max_lag=2, penalty=10.0, lagged_penalty=0.02).fit(frame)
    assert not late.strengths_[0].any()
    assert late.strengths_[1:].any()
    cut = DYNOTEARS(max_lag=2, threshold=1e9, lagged_threshold=0.0).fit(frame)
    assert not cut.graph_.directed[0].any()
    assert (cut.graph_.directed[1:] == (cut.strengths_[1:] != 0)).all()


def test_more_weights_than_steps():
    _, frame = drawn(8, 6, 2, n=14)
    found = quietly(DYNOTEARS(max_lag=2, penalty=0.3), frame)
    assert found.n_obs_ == 12
    assert np.isfinite(found.coefficients_.values).all()


# --- laws -----------------------------------------------------------------------------------------


def test_neither_the_order_of_columns_nor_their_units_matter():
    _, frame = drawn(2)
    found = DYNOTEARS(max_lag=2).fit(frame)
    names = ["c", "b", "a", "d"]
    place = [NAMES.index(name) for name in names]
    other = DYNOTEARS(max_lag=2).fit(frame[names])
    assert other.graph_ == found.graph_
    np.testing.assert_array_equal(other.weights_, found.weights_[:, place][:, :, place])
    np.testing.assert_array_equal(other.scores_, found.scores_[np.ix_(place, place)])
    units = np.array([1e3, 1.0, 1e-3, 7.0])
    scaled = DYNOTEARS(max_lag=2).fit(frame * units - units)
    assert scaled.graph_ == found.graph_
    np.testing.assert_allclose(scaled.weights_, found.weights_, atol=1e-3)


def test_all_ways_to_pass_series_are_one():
    _, frame = drawn(4, 3, 1)
    found = DYNOTEARS().fit(frame)
    other = DYNOTEARS().fit(pl.from_pandas(frame))
    np.testing.assert_array_equal(other.weights_, found.weights_)
    parts = [frame[:200], frame[200:]]
    listed = DYNOTEARS().fit(parts)
    panel = DYNOTEARS(panel="who").fit(frame.assign(who=np.repeat([1, 2], 200)))
    np.testing.assert_array_equal(panel.weights_, listed.weights_)
    assert listed.n_obs_ == 398
    shifted = DYNOTEARS().fit([parts[0], parts[1] * 1.0 + 50.0])
    np.testing.assert_allclose(shifted.weights_, listed.weights_, atol=1e-3)
    again = pickle.loads(pickle.dumps(found))
    assert again.explain("a", "b[t-1]") == found.explain("a", "b[t-1]")
    assert clone(found).get_params() == found.get_params()
    assert found.graph_.kind is Kind.DAG


def test_knowledge_is_obeyed_and_told():
    _, frame = drawn(1)
    knowledge = Knowledge(
        tiers=[["a"], ["b", "d"]],
        required=[("a[t-2]", "b[t]"), ("c[t]", "d[t]")],
        forbidden=[("a[t-1]", "b[t]"), ("d", "c")],
    )
    found = quietly(DYNOTEARS(max_lag=2, knowledge=knowledge, penalty=0.3), frame)
    summary = found.graph_.summary_graph()
    assert 2 in summary.lags("a", "b")
    assert 1 not in summary.lags("a", "b")
    assert 0 in summary.lags("c", "d")
    assert not summary.lags("d", "c")
    assert not summary.lags("b", "a")
    assert "knowledge: a[t-2] -> b[t] is required; weight" in found.explain("a[t-2]", "b").adjacency
    assert found.explain("a[t-1]", "b").adjacency == "knowledge: a[t-1] -> b[t] is forbidden"
    said = found.explain("d", "c")
    assert said.edge == "c[t] -> d[t]"
    assert said.direction == "knowledge: d[t] -> c[t] is forbidden"


def test_why():
    rng = np.random.default_rng(0)
    values = rng.normal(size=(800, 3))
    values[:, 1] += values[:, 0]
    values[1:, 2] += values[:-1, 1]
    found = DYNOTEARS().fit(values)
    said = found.explain("x1[t-1]", "x2")
    assert said.edge == "x1[t-1] -> x2[t]"
    assert said.direction == "a cause comes before its effect"
    within = found.explain("x0", "x1")
    assert "other DAGs of the same equivalence class" in within.direction
    assert "the threshold is 0.1" in found.explain("x0[t-1]", "x2").adjacency
    assert found.explain("x0[t-1]", "x2").edge == "no edge"


# --- what cannot be used --------------------------------------------------------------------------

NOISE = np.random.default_rng(1).normal(size=(60, 3))

REFUSED = {
    "constant": (DYNOTEARS(), {"x": NOISE[:, 0], "y": np.ones(60)}, "y"),
    "one series": (DYNOTEARS(), {"x": NOISE[:, 0]}, "at least 2"),
    "text": (DYNOTEARS(), {"x": NOISE[:, 0], "y": list("abc") * 20}, "y"),
    "lag too long": (DYNOTEARS(max_lag=60), NOISE, "max_lag"),
    "no lag": (DYNOTEARS(max_lag=0), NOISE, "max_lag=0"),
    "penalty": (DYNOTEARS(penalty=-1), NOISE, "penalty=-1"),
    "lagged_penalty": (DYNOTEARS(lagged_penalty="a"), NOISE, "lagged_penalty='a'"),
    "threshold": (DYNOTEARS(threshold=np.nan), NOISE, "threshold=nan"),
    "max_iter": (DYNOTEARS(max_iter=0), NOISE, "max_iter=0"),
    "knowledge": (DYNOTEARS(knowledge="x"), NOISE, "Knowledge"),
    "infinite": (DYNOTEARS(), np.where(NOISE > 2, np.inf, NOISE), "inf"),
}


@pytest.mark.parametrize(("algorithm", "data", "said"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_used_is_refused(algorithm, data, said):
    with pytest.raises(InputError, match=said):
        algorithm.fit(data)


def test_copies_and_odd_units_are_refused():
    with pytest.raises(NumericalError, match="linear combination"):
        DYNOTEARS().fit({"x": NOISE[:, 0], "y": NOISE[:, 1], "z": 2 * NOISE[:, 0]})
    with pytest.raises(NumericalError, match="standardize=True"):
        DYNOTEARS(standardize=False).fit(NOISE * [1e80, 1.0, 1.0])
    assert DYNOTEARS().fit(NOISE * [1e80, 1.0, 1.0]).converged_


def test_too_few_iterations_are_warned_of():
    _, frame = drawn(0)
    with pytest.warns(ConvergenceWarning, match="max_iter=1"):
        DYNOTEARS(max_iter=1).fit(frame)
