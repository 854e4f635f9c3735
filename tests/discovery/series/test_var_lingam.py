"""VARLiNGAM: the published estimator, other libraries, the laws, the complaints."""

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

from causalkit.discovery import Knowledge
from causalkit.discovery.lingam.lingam import DirectLiNGAM
from causalkit.discovery.series.structural.var_lingam import VARLiNGAM
from causalkit.errors import (
    AssumptionWarning,
    CausalkitWarning,
    InputError,
    NumericalError,
    UnknownVariableError,
)
from causalkit.graph import Kind
from causalkit.independence import FisherZ
from tests.oracles import svar
from tests.oracles.lingam import direct_order

seeds = st.integers(0, 10**6)
NAMES = ["b", "a", "d", "c", "e", "f"]


def drawn(seed, p=4, max_lag=2, n=400, noise="laplace"):
    rng = np.random.default_rng(seed)
    weights = svar.random_weights(rng, p, max_lag)
    return weights, pd.DataFrame(svar.simulate(rng, weights, n, noise), columns=NAMES[:p])


def quietly(algorithm, data):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CausalkitWarning)
        return clone(algorithm).fit(data)


def regressors(frame, max_lag):
    columns = svar.columns_of(frame.to_numpy(), max_lag)
    return columns - columns.mean(axis=0)


# --- the published estimator ----------------------------------------------------------------------


@settings(max_examples=15, deadline=None)
@given(seed=seeds, noise=st.sampled_from(("laplace", "uniform", "skewed", "gaussian")))
def test_the_order_is_that_of_direct_lingam_on_what_the_autoregression_leaves(seed, noise):
    _, frame = drawn(seed, n=200, noise=noise)
    columns = regressors(frame, 2)
    now, past = columns[:, :4], columns[:, 4:]
    shocks = now - past @ np.linalg.lstsq(past, now, rcond=None)[0]
    found = quietly(VARLiNGAM(max_lag=2), frame)
    assert list(found.order_) == [NAMES[k] for k in direct_order(shocks)]


@settings(max_examples=15, deadline=None)
@given(seed=seeds)
def test_without_pruning_lags_are_those_of_the_autoregression_less_what_acts_within(seed):
    _, frame = drawn(seed, n=200)
    columns = regressors(frame, 2)
    now, past = columns[:, :4], columns[:, 4:]
    slopes = np.linalg.lstsq(past, now, rcond=None)[0]
    shocks = now - past @ slopes
    found = quietly(VARLiNGAM(max_lag=2, prune=None), frame)
    within = np.zeros((4, 4))
    order = [NAMES.index(name) for name in found.order_]
    for place, j in enumerate(order):
        before = order[:place]
        within[before, j] = np.linalg.lstsq(shocks[:, before], shocks[:, j], rcond=None)[0]
    expected = np.stack([within, *(slopes.reshape(2, 4, 4) @ (np.eye(4) - within))])
    np.testing.assert_allclose(found.coefficients_.values, expected, atol=1e-9)


def test_p_values_are_those_of_least_squares_and_corrections_those_of_statsmodels():
    import statsmodels.api as sm
    from statsmodels.stats.multitest import multipletests

    _, frame = drawn(3, n=150)
    columns = regressors(frame, 2)
    found = quietly(VARLiNGAM(max_lag=2, alpha=0.05), frame)
    order = [NAMES.index(name) for name in found.order_]
    expected = np.full((3 * 4, 4), np.nan)
    for place, j in enumerate(order):
        causes = [*order[:place], *range(4, 12)]
        fitted = sm.OLS(columns[:, j], sm.add_constant(columns[:, causes])).fit()
        expected[causes, j] = fitted.pvalues[1:]
    np.testing.assert_allclose(found.p_values_, expected.reshape(3, 4, 4), rtol=1e-6, atol=1e-14)
    asked = ~np.isnan(found.p_values_)
    rejected, q_values = multipletests(found.p_values_[asked], 0.05, method="fdr_bh")[:2]
    np.testing.assert_allclose(found.adjusted_p_values_[asked], q_values)
    assert (found.weights_[asked] != 0).tolist() == rejected.tolist()
    assert not found.graph_.directed[~asked].any()


@pytest.mark.parametrize("prune", ["tests", "adaptive_lasso"])
def test_coefficients_are_least_squares_on_the_parents(prune):
    _, frame = drawn(5)
    columns = regressors(frame, 2)
    found = quietly(VARLiNGAM(max_lag=2, prune=prune), frame)
    flat = found.coefficients_.values.reshape(-1, 4)
    for j in range(4):
        causes = np.flatnonzero(found.graph_.directed.reshape(-1, 4)[:, j])
        expected = np.linalg.lstsq(columns[:, causes], columns[:, j], rcond=None)[0]
        np.testing.assert_allclose(flat[causes, j], expected, atol=1e-9)
        assert np.count_nonzero(flat[:, j]) == len(causes)


@pytest.mark.parametrize("seed", range(3))
def test_the_package_lingam_has_the_same_order_edges_and_coefficients(seed):
    lingam = pytest.importorskip("lingam", reason="compares with the package lingam")
    _, frame = drawn(seed, n=300)
    frame = frame - frame.mean()  # it fits no intercepts
    theirs = lingam.VARLiNGAM(lags=2, criterion=None, prune=True).fit(frame.to_numpy())
    ours = quietly(VARLiNGAM(max_lag=2, prune="adaptive_lasso"), frame)
    assert list(ours.order_) == [NAMES[k] for k in theirs.causal_order_]
    expected = np.asarray(theirs.adjacency_matrices_).transpose(0, 2, 1)
    assert ours.graph_.directed.tolist() == (expected != 0).tolist()
    np.testing.assert_allclose(ours.coefficients_.values, expected, atol=5e-3)


# --- what it finds --------------------------------------------------------------------------------


@pytest.mark.parametrize("noise", ["laplace", "uniform", "skewed"])
def test_many_steps_give_the_true_model(noise):
    weights, frame = drawn(11, p=5, n=20_000, noise=noise)
    found = VARLiNGAM(max_lag=2, alpha=1e-4).fit(frame)
    assert found.graph_ == svar.as_graph(NAMES[:5], weights)
    np.testing.assert_allclose(found.coefficients_.values, weights, atol=0.05)
    linked = (weights != 0).any(axis=0)
    assert found.scores_[linked].min() > found.scores_[~linked].max()
    assert found.doubtful_ == ()


def test_a_criterion_finds_how_many_lags_there_are():
    _, frame = drawn(2, n=2000)
    found = quietly(VARLiNGAM(max_lag="bic", lag_cap=5), frame)
    assert (found.max_lag_, found.graph_.max_lag, len(found.weights_)) == (2, 2, 3)
    assert found.lag_criteria_ is not None
    same = quietly(VARLiNGAM(max_lag=2), frame)
    assert found.graph_ == same.graph_
    assert same.lag_criteria_ is None


def test_edges_between_gaussian_shocks_are_in_doubt():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, 1000))
    with pytest.warns(AssumptionWarning, match=r"such as .\[t\] -> .\[t\].*PCMCIPlus"):
        found = VARLiNGAM().fit({"x": x, "y": x + y})
    assert len(found.doubtful_) == 1
    assert "guess" in found.explain("x", "y").direction


def test_within_a_step_it_is_direct_lingam_where_the_past_does_nothing():
    rng = np.random.default_rng(4)
    values = rng.laplace(size=(1500, 3))
    values[:, 2] += values[:, 0]
    values[:, 1] += values[:, 2]
    found = VARLiNGAM(alpha=1e-3).fit(values)
    table = DirectLiNGAM(prune="tests", alpha=1e-3).fit(values)
    assert found.order_ == table.order_
    assert found.graph_.directed[0].tolist() == table.graph_.directed.tolist()
    assert not found.graph_.directed[1].any()


def test_total_effects_are_sums_over_paths():
    _, frame = drawn(7)
    found = quietly(VARLiNGAM(max_lag=2), frame)
    total = found.total_effects(4)
    expected = svar.unrolled_effects(found.coefficients_.values, 4)
    np.testing.assert_allclose(total.values, expected, atol=1e-12)
    assert total.max_lag == 4


def test_a_hidden_common_cause_leaves_dependent_noise():
    rng = np.random.default_rng(0)
    h, x, y = rng.laplace(size=(3, 500)) ** 3
    free = pd.DataFrame({"x": x, "y": y})
    found = quietly(VARLiNGAM(), free)
    p_values = found.residual_p_values(free)
    assert p_values.loc["x", "y"] > 0.01
    assert np.isnan(p_values.loc["x", "x"])
    driven = free.add(h, axis=0)
    assert quietly(VARLiNGAM(), driven).residual_p_values(driven).loc["x", "y"] < 0.01
    noise = found.residual_p_values(free, FisherZ())  # least squares leaves no correlation
    assert noise.loc["y", "x"] > 0.01


@pytest.mark.slow
def test_the_share_of_false_edges_is_as_asked():
    shares = []
    for seed in range(100):
        weights, frame = drawn(seed, 6, 2, n=400)
        found = quietly(VARLiNGAM(max_lag=3, alpha=0.1), frame).graph_.directed
        false = found.sum() - found[:3][weights != 0].sum()
        shares.append(false / max(1, found.sum()))
    error = np.std(shares) / len(shares) ** 0.5
    assert 0.03 < np.mean(shares) < 0.1 + 3 * error


# --- knowledge ------------------------------------------------------------------------------------


@settings(max_examples=15, deadline=None)
@given(seed=seeds)
def test_knowledge_is_obeyed(seed):
    _, frame = drawn(seed, n=150)
    rng = np.random.default_rng(seed)
    a, b, c, d = rng.permutation(NAMES[:4]).tolist()
    knowledge = Knowledge(
        tiers=[[a], [b, c]], required=[(f"{d}[t-2]", f"{a}[t]"), (f"{b}[t]", f"{c}[t]")],
        forbidden=[(d, b), (f"{a}[t-1]", f"{a}[t]")],
    )  # fmt: skip
    for prune in ("tests", "adaptive_lasso", None):
        graph = quietly(VARLiNGAM(max_lag=2, prune=prune, knowledge=knowledge), frame).graph_
        summary = graph.summary_graph()
        assert not summary.lags(b, a)
        assert not summary.lags(c, a)
        assert not summary.lags(d, b)
        assert 1 not in summary.lags(a, a)
        assert 2 in summary.lags(d, a)
        assert 0 in summary.lags(b, c)


def test_knowledge_is_told():
    _, frame = drawn(1)
    knowledge = Knowledge(
        required=[("a[t-1]", "b[t]"), ("c[t]", "d[t]")],
        forbidden=[("a[t-2]", "b[t]"), ("d", "a"), ("b[t]", "a[t]")],
    )
    found = quietly(VARLiNGAM(max_lag=2, knowledge=knowledge), frame)
    assert (
        "knowledge: a[t-1] -> b[t] is required; one unit" in found.explain("a[t-1]", "b").adjacency
    )
    assert found.explain("d", "c").edge == "c[t] -> d[t]"
    assert found.explain("a[t-2]", "b").adjacency == "knowledge: a[t-2] -> b[t] is forbidden"
    assert "p = " not in found.explain("d[t-1]", "a").adjacency


def test_contradictions_are_refused():
    _, frame = drawn(1)
    twice = Knowledge(required=[("a", "b[t]"), ("b", "a[t]")])
    with pytest.raises(InputError, match="expected statements that agree"):
        VARLiNGAM(knowledge=twice).fit(frame)


# --- laws -----------------------------------------------------------------------------------------


@settings(max_examples=10, deadline=None)
@given(seed=seeds, prune=st.sampled_from(("tests", "adaptive_lasso")))
def test_neither_the_order_of_columns_nor_their_units_matter(seed, prune):
    _, frame = drawn(seed, n=150)
    rng = np.random.default_rng(seed)
    algorithm = VARLiNGAM(max_lag=2, prune=prune)
    found = quietly(algorithm, frame)
    names = rng.permutation(NAMES[:4]).tolist()
    place = [NAMES.index(name) for name in names]
    other = quietly(algorithm, frame[names])
    assert (other.graph_, other.order_) == (found.graph_, found.order_)
    assert other.graph_.variables == tuple(names)
    np.testing.assert_array_equal(other.p_values_, found.p_values_[:, place][:, :, place])
    np.testing.assert_array_equal(other.scores_, found.scores_[np.ix_(place, place)])
    units = 10.0 ** rng.integers(-3, 4, size=4)
    scaled = quietly(algorithm, frame * units + units)
    assert scaled.graph_ == found.graph_
    np.testing.assert_allclose(scaled.weights_, found.weights_, rtol=1e-6, atol=1e-9)
    expected = found.coefficients_.values * units / units[:, None]
    np.testing.assert_allclose(scaled.coefficients_.values, expected, rtol=1e-6, atol=1e-9)


def test_all_ways_to_pass_series_are_one():
    _, frame = drawn(9, p=3)
    found = quietly(VARLiNGAM(), frame)
    for same in (pl.from_pandas(frame), frame.to_dict("list"), frame.to_numpy()):
        other = quietly(VARLiNGAM(), same)
        np.testing.assert_allclose(other.p_values_, found.p_values_, rtol=1e-6, atol=1e-12)
    before = frame.copy()
    quietly(VARLiNGAM(), frame)
    pd.testing.assert_frame_equal(frame, before)
    numbers = quietly(VARLiNGAM(), frame.set_axis([7, 3, 5], axis=1))
    assert numbers.graph_.variables == (7, 3, 5)


def test_no_lag_reaches_over_a_border_and_subjects_have_means_of_their_own():
    _, frame = drawn(9, p=3, n=300)
    cut = pd.concat([frame[:150], pd.DataFrame([[np.nan] * 3], columns=frame.columns), frame[150:]])
    parts = [frame[:150], frame[150:]]
    gap = quietly(VARLiNGAM(), cut.reset_index(drop=True))
    listed = quietly(VARLiNGAM(), parts)
    shifted = quietly(VARLiNGAM(), [parts[0], parts[1] + 100.0])
    assert gap.n_obs_ == listed.n_obs_ == 298
    np.testing.assert_allclose(shifted.p_values_, listed.p_values_, rtol=1e-5, atol=1e-12)
    assert shifted.graph_ == listed.graph_
    labelled = frame.assign(who=np.repeat(["u", "v"], 150))
    panel = quietly(VARLiNGAM(panel="who"), labelled)
    np.testing.assert_allclose(panel.p_values_, listed.p_values_, rtol=1e-9)
    assert not np.allclose(gap.p_values_, listed.p_values_, equal_nan=True, rtol=1e-9)
    assert panel.residual_p_values(labelled).shape == (3, 3)


def test_it_is_an_estimator():
    _, frame = drawn(0, p=3)
    found = quietly(VARLiNGAM(max_lag=2), frame)
    again = pickle.loads(pickle.dumps(found))
    assert again.graph_ == found.graph_
    assert again.explain("a", "b[t-1]") == found.explain("a", "b[t-1]")
    assert clone(found).get_params() == found.get_params()
    assert found.feature_names_in_.tolist() == NAMES[:3]
    assert found.graph_.kind is Kind.DAG
    assert set(found.noise_p_values_) == set(NAMES[:3])


def test_why():
    weights, frame = drawn(11, p=5, n=5000)
    found = quietly(VARLiNGAM(max_lag=2), frame)
    for lag, i, j in np.argwhere(weights).tolist():
        said = found.explain((NAMES[i], lag), NAMES[j])
        assert said.edge == str(found.graph_.edges_between((NAMES[i], lag), NAMES[j])[0])
        assert "a t-test kept it: one unit of" in said.adjacency
        assert ("before its effect" if lag else "causal order within the step") in said.direction
    lag, i, j = np.argwhere((found.graph_.directed == 0)[1:])[0] + [1, 0, 0]
    said = found.explain((NAMES[i], lag), NAMES[j])
    assert said.edge == "no edge"
    assert "out of the causes of" in said.adjacency
    assert said.direction is None
    with pytest.raises(InputError, match="3 steps apart"):
        found.explain("a[t-3]", "b")


# --- what cannot be used --------------------------------------------------------------------------


def wave():
    t = np.arange(200.0)
    return {"x": np.sin(t), "y": np.random.default_rng(0).normal(size=200)}


NOISE = np.random.default_rng(1).laplace(size=(60, 3))

REFUSED = {
    "constant": (VARLiNGAM(), {"x": NOISE[:, 0], "y": np.ones(60)}, "y"),
    "one series": (VARLiNGAM(), {"x": NOISE[:, 0]}, "at least 2"),
    "text": (VARLiNGAM(), {"x": NOISE[:, 0], "y": list("abc") * 20}, "y"),
    "short": (VARLiNGAM(max_lag=3), NOISE[:12], "max_lag"),
    "lag too long": (VARLiNGAM(max_lag=60), NOISE, "max_lag"),
    "all missing": (VARLiNGAM(), np.where(np.arange(60)[:, None] % 2, NOISE, np.nan), "missing"),
    "no lag": (VARLiNGAM(max_lag=0), NOISE, "max_lag=0"),
    "half a lag": (VARLiNGAM(max_lag=1.5), NOISE, "max_lag=1.5"),
    "criterion": (VARLiNGAM(max_lag="cv"), NOISE, "'bic'"),
    "alpha": (VARLiNGAM(alpha=2), NOISE, "alpha=2"),
    "prune": (VARLiNGAM(prune="lasso"), NOISE, "prune='lasso'"),
    "correction": (VARLiNGAM(correction="fdr"), NOISE, "correction='fdr'"),
    "min_effect": (VARLiNGAM(min_effect=-1), NOISE, "min_effect=-1"),
    "knowledge": (VARLiNGAM(knowledge="x"), NOISE, "Knowledge"),
    "unknown": (VARLiNGAM(knowledge=Knowledge(forbidden=[("x", "x1")])), NOISE, "x"),
    "panel": (VARLiNGAM(panel="who"), NOISE, "who"),
}


@pytest.mark.parametrize(("algorithm", "data", "said"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_used_is_refused(algorithm, data, said):
    with pytest.raises(InputError, match=said):
        algorithm.fit(data)


def test_series_that_determine_each_other_or_themselves_are_refused():
    with pytest.raises(NumericalError, match="x"):
        VARLiNGAM(max_lag=2).fit(wave())
    with pytest.raises(NumericalError, match="linear combination"):
        VARLiNGAM().fit({"x": NOISE[:, 0], "y": NOISE[:, 1], "z": 2 * NOISE[:, 0]})
    lagged = {"x": NOISE[1:, 0], "y": NOISE[:-1, 0]}
    with pytest.raises(NumericalError, match="linear combination"):
        VARLiNGAM().fit(lagged)


@pytest.mark.parametrize("scale", [1e-150, 1e-9, 1e9, 1e150])
def test_huge_and_tiny_numbers_do_no_harm(scale):
    _, frame = drawn(13, p=3, n=200)
    found = quietly(VARLiNGAM(), frame)
    scaled = quietly(VARLiNGAM(), frame * np.array([scale, 1.0, 1.0]))
    assert scaled.graph_ == found.graph_
    np.testing.assert_allclose(scaled.p_values_, found.p_values_, rtol=1e-5, atol=1e-14)


def test_the_fewest_steps_and_ties():
    _, frame = drawn(13, p=2, n=40)
    for n in range(1, 7):  # 4 coefficients and a mean, and one step to tell them from noise
        with pytest.raises(InputError, match="VARLiNGAM needs"):
            VARLiNGAM().fit(frame[:n])
    assert quietly(VARLiNGAM(), frame[:7]).n_obs_ == 6
    rounded = (frame * 2).round()
    assert quietly(VARLiNGAM(), rounded).n_obs_ == 39


def test_unknown_series_are_named():
    _, frame = drawn(0, p=3)
    found = quietly(VARLiNGAM(), frame)
    with pytest.raises(UnknownVariableError):
        found.explain("nobody", "a")
    with pytest.raises(UnknownVariableError):
        found.residual_p_values(frame[["a", "b"]])
