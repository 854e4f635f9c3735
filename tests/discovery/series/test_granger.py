from __future__ import annotations

import json
from contextlib import redirect_stdout
from io import StringIO

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import stats

from causalkit.discovery.series.granger.granger import Granger
from causalkit.errors import InputError, NumericalError, UnknownVariableError
from causalkit.graph import LaggedGraph
from tests.oracles import granger as slow


def simulated(n, lags, seed, noise=None):
    """A VAR with coefficients [lag - 1, cause, effect]."""
    rng = np.random.default_rng(seed)
    p = lags.shape[1]
    x = rng.normal(size=(n + 50, p)) if noise is None else noise
    for t in range(len(lags), len(x)):
        for lag, matrix in enumerate(lags, 1):
            x[t] += x[t - lag] @ matrix
    return x[50:]


LAGS = np.zeros((2, 4, 4))
LAGS[0] += np.diag([0.5, 0.4, 0.6, 0.3])
LAGS[0, 0, 1], LAGS[1, 1, 2], LAGS[1, 0, 3] = 0.4, 0.4, -0.4


# --- numbers that others found -------------------------------------------------------------------


@pytest.fixture
def truth(shared):
    folder = shared / "timeseries"
    if not folder.is_dir():
        pytest.skip("needs timeseries of the reference data")
    expected = json.loads((folder / "expected.json").read_text())["contemporaneous_linear"]
    with np.load(folder / "series.npz") as arrays:
        return arrays["contemporaneous_linear"], expected


def test_conditional_tests_are_those_of_the_reference(truth):
    series, expected = truth
    found = Granger(2, statistic="system_f").fit(series)
    for cause, effect, statistic, p_value in expected["VAR2"]["granger_conditional"]:
        assert found.pair_statistics_[cause, effect] == pytest.approx(statistic, rel=1e-10)
        assert found.pair_p_values_[cause, effect] == pytest.approx(p_value, rel=1e-8)
    coefficients = found.coefficients_.transpose(0, 2, 1)
    np.testing.assert_allclose(coefficients, expected["VAR2"]["coefs"], atol=1e-7)
    np.testing.assert_allclose(found.noise_covariance_, expected["VAR2"]["sigma_u"], atol=1e-7)


def test_tests_of_pairs_are_those_of_the_reference(truth):
    series, expected = truth
    f = Granger(2, conditional=False).fit(series)
    ratio = Granger(2, conditional=False, statistic="lr").fit(series)
    for cause, effect, _, statistic, p_f, p_lr in expected["bivariate_granger_lag2"]["rows"]:
        assert f.pair_statistics_[cause, effect] == pytest.approx(statistic, rel=1e-10)
        assert f.pair_p_values_[cause, effect] == pytest.approx(p_f, rel=1e-8)
        assert ratio.pair_p_values_[cause, effect] == pytest.approx(p_lr, rel=1e-8)


# --- statsmodels ---------------------------------------------------------------------------------


@pytest.mark.parametrize("max_lag", [1, 3])
def test_pairs_agree_with_statsmodels(max_lag):
    from statsmodels.tsa.stattools import grangercausalitytests

    series = simulated(150, LAGS, seed=1)[:, :3]
    found = Granger(max_lag, conditional=False).fit(series)
    ratio = Granger(max_lag, conditional=False, statistic="lr").fit(series)
    for i, j in [(0, 1), (1, 0), (1, 2), (2, 0)]:
        with redirect_stdout(StringIO()):
            theirs = grangercausalitytests(series[:, [j, i]], [max_lag])[max_lag][0]
        assert found.pair_statistics_[i, j] == pytest.approx(theirs["ssr_ftest"][0], rel=1e-9)
        assert found.pair_p_values_[i, j] == pytest.approx(theirs["ssr_ftest"][1], rel=1e-8)
        assert ratio.pair_statistics_[i, j] == pytest.approx(theirs["lrtest"][0], rel=1e-9)


@pytest.mark.parametrize(("kind", "theirs"), [("system_f", "f"), ("wald", "wald")])
def test_the_var_and_its_groups_agree_with_statsmodels(kind, theirs):
    from statsmodels.tsa.api import VAR

    frame = pd.DataFrame(simulated(200, LAGS, seed=2), columns=list("abcd"))
    model = VAR(frame).fit(2)
    found = Granger(2, statistic=kind, blocks={"left": ["a", "b"], "right": ["c", "d"]}).fit(frame)
    one = model.test_causality("b", "a", kind=theirs)
    assert found.pair_p_values_[0, 1] == pytest.approx(one.pvalue, rel=1e-8)
    several = model.test_causality(["c", "d"], ["a", "b"], kind=theirs)
    assert found.block_statistics_[0, 1] == pytest.approx(several.test_statistic, rel=1e-8)
    assert found.block_p_values_[0, 1] == pytest.approx(several.pvalue, rel=1e-7)
    assert found.block_names_ == ("left", "right")
    t_values = model.tvalues.to_numpy()[1:].reshape(2, 4, 4)
    t = found.strengths_[1:] / np.sqrt(1 - found.strengths_[1:] ** 2) * np.sqrt(model.df_resid)
    np.testing.assert_allclose(t, t_values, rtol=1e-7)


def test_lags_are_chosen_as_statsmodels_chooses_them():
    from statsmodels.tsa.api import VAR

    series = 1e3 * simulated(300, LAGS, seed=3)
    theirs = VAR(series).select_order(8)
    for criterion in ("aic", "bic", "hqic", "fpe"):
        found = Granger(criterion, lag_cap=8).fit(series)
        assert found.max_lag_ == max(1, theirs.selected_orders[criterion])
        values = np.array(theirs.ics[criterion])
        values = np.log(values) if criterion == "fpe" else values
        np.testing.assert_allclose(found.lag_criteria_[criterion], values, rtol=1e-9)
        plain = Granger(found.max_lag_).fit(series)
        assert found.graph_ == plain.graph_


def test_wilks_in_several_equations_agrees_with_statsmodels():
    from statsmodels.multivariate.multivariate_ols import _MultivariateOLS

    series = simulated(120, LAGS, seed=4)
    found = Granger(1, blocks={"left": ["x0", "x1"], "right": ["x2", "x3"]}).fit(series)
    past = np.column_stack([np.ones(119), series[:-1]])
    restricted = np.zeros((2, 5))
    restricted[[0, 1], [1, 2]] = 1
    table = (
        _MultivariateOLS(series[1:, 2:], past)
        .fit()
        .mv_test([("left", restricted)])
        .results["left"]["stat"]
    )
    wilks = table.loc["Wilks' lambda"]
    assert found.block_statistics_[0, 1] == pytest.approx(float(wilks["F Value"]), rel=1e-9)
    assert found.block_p_values_[0, 1] == pytest.approx(float(wilks["Pr > F"]), rel=1e-8)


def test_an_uneven_variance_is_allowed_for_as_in_hc3():
    from statsmodels.api import OLS

    series = simulated(120, LAGS, seed=5)[:, :3]
    robust = {"covariance": "hac", "bandwidth": 0, "statistic": "wald"}
    found = Granger(1, **robust).fit(series)
    past = np.column_stack([np.ones(119), series[:-1]])
    fit = OLS(series[1:, 1], past).fit(cov_type="HC3")
    np.testing.assert_allclose(found.p_values_[1, :, 1], fit.pvalues[1:], rtol=1e-8)
    pair = OLS(series[1:, 1], past[:, [0, 2, 3]]).fit(cov_type="HC3")
    alone = Granger(1, conditional=False, **robust).fit(series)
    assert alone.p_values_[1, 2, 1] == pytest.approx(pair.pvalues[2], rel=1e-8)
    own = OLS(series[1:, 1], past[:, [0, 2]]).fit(cov_type="HC3")
    assert alone.p_values_[1, 1, 1] == pytest.approx(own.pvalues[1], rel=1e-8)


# --- the long way --------------------------------------------------------------------------------


def panel_with_holes():
    parts = [simulated(n, LAGS, seed=n) + 5.0 * n for n in (40, 55, 30)]
    values = np.concatenate(parts)
    values[[20, 21, 70], [0, 2, 1]] = np.nan
    return values, np.repeat([0, 1, 2], (40, 55, 30))


@pytest.mark.parametrize("mean", ["each", "common"])
@pytest.mark.parametrize("conditional", [True, False])
def test_panels_with_holes_are_tested_as_regression_by_regression(conditional, mean):
    values, subject = panel_with_holes()
    means = subject if mean == "each" else 0 * subject
    frame = pd.DataFrame(values, columns=list("abcd")).assign(who=subject)
    found = Granger(2, conditional=conditional, panel="who", mean=mean).fit(frame)
    assert found.n_obs_ == len(slow.rows_with_past(values, subject, 2))
    for cause in range(4):
        for effect in range(4):
            held = range(4) if conditional else [effect]
            statistic, q, df = slow.f_test(values, subject, 2, [cause], effect, held, means)
            assert found.pair_statistics_[cause, effect] == pytest.approx(statistic, rel=1e-8)
            p_value = stats.f.sf(statistic, q, df)
            assert found.pair_p_values_[cause, effect] == pytest.approx(p_value, rel=1e-6)


def test_pieces_of_one_series_share_an_intercept_if_asked_to():
    whole = simulated(240, LAGS, seed=21)
    pieces = list(whole.reshape(24, 10, 4))
    one = np.insert(whole, range(10, 240, 10), np.nan, axis=0)  # the same borders, and one mean
    common = Granger(1, mean="common").fit(pieces)
    np.testing.assert_allclose(common.pair_p_values_, Granger(1).fit(one).pair_p_values_)
    each = Granger(1).fit(pieces)
    assert each.n_obs_ == common.n_obs_ == 216
    memory = [np.diagonal(found.coefficients_[0]).mean() for found in (each, common)]
    assert memory[0] < memory[1]  # Nickell: the mean of ten steps holds the noise of each


def test_groups_of_pairs_leave_out_everybody_else():
    values, subject = panel_with_holes()
    blocks = {"left": ["x0", "x3"]}
    parts = [values[subject == k] for k in range(3)]
    found = Granger(2, conditional=False, blocks=blocks).fit(parts)
    statistic, _, _ = slow.f_test(values, subject, 2, [0, 3], 1, [1])
    assert found.block_names_ == ("left", "x1", "x2")
    assert found.block_statistics_[0, 1] == pytest.approx(statistic, rel=1e-8)


@pytest.mark.parametrize("mean", ["each", "common"])
def test_a_memory_of_noise_is_weighed_pair_by_pair(mean):
    values, subject = panel_with_holes()
    rows = slow.rows_with_past(values, subject, 2)
    when = np.array(rows) + 100 * subject[rows]
    frame = pd.DataFrame(values, columns=list("abcd")).assign(who=subject)
    robust = {"covariance": "hac", "bandwidth": 3, "panel": "who"}
    found = Granger(2, statistic="wald", mean=mean, **robust).fit(frame)
    by_f = Granger(2, mean=mean, **robust).fit(frame)
    means = subject if mean == "each" else 0 * subject
    regressors, n_means = slow.design(values, means, rows, range(4), 2)
    for effect in (0, 2):
        target = values[rows, effect]
        b = np.linalg.lstsq(regressors, target, rcond=None)[0]
        covariance = slow.newey_west(regressors, target - regressors @ b, when, 3)
        for cause in range(4):
            where = [n_means + cause, n_means + 4 + cause]
            wald = b[where] @ np.linalg.solve(covariance[np.ix_(where, where)], b[where])
            assert found.pair_statistics_[cause, effect] == pytest.approx(wald, rel=1e-7)
            nu = min(len(rows) - regressors.shape[1], 1.5 * len(rows) / 4)
            p_value = stats.f.sf(wald * (nu - 1) / nu / 2, 2, nu - 1)
            assert by_f.pair_p_values_[cause, effect] == pytest.approx(p_value, rel=1e-6)


def test_groups_with_a_memory_of_noise_agree_with_their_members():
    series = simulated(150, LAGS, seed=6)
    robust = Granger(1, covariance="hac", blocks={"all but one": ["x1", "x2", "x3"]}).fit(series)
    pair = Granger(1, covariance="hac").fit(series)
    single = Granger(1, covariance="hac", blocks={"one": "x0"}).fit(series)
    np.testing.assert_allclose(single.block_p_values_, pair.pair_p_values_, rtol=1e-9)
    assert robust.block_p_values_.shape == (2, 2)


def test_strengths_are_partial_correlations():
    series = simulated(100, LAGS, seed=7)
    found = Granger(1).fit(series)
    past, now = series[:-1], series[1:, 1]
    others = np.column_stack([np.ones(99), past[:, 1:]])
    left = [x - others @ np.linalg.lstsq(others, x, rcond=None)[0] for x in (past[:, 0], now)]
    assert found.strengths_[1, 0, 1] == pytest.approx(np.corrcoef(*left)[0, 1], rel=1e-9)
    assert np.isnan(found.strengths_[0]).all()


# --- laws ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("covariance", ["classical", "hac"])
@pytest.mark.parametrize("conditional", [True, False])
def test_order_and_units_of_the_series_do_not_matter(conditional, covariance):
    series = simulated(120, LAGS, seed=8)
    order = [2, 0, 3, 1]
    options = {"conditional": conditional, "covariance": covariance}
    plain = Granger(2, **options).fit(series)
    units = np.array([1e-150, 1e150, 1.0, -3e4])
    other = Granger(2, **options).fit((series * units + 7 * units)[:, order])
    where = np.ix_(order, order)
    np.testing.assert_allclose(other.pair_p_values_, plain.pair_p_values_[where], rtol=1e-6)
    lagged = np.ix_([0, 1], order, order)
    ratio = (units / units[:, None])[where]
    np.testing.assert_allclose(
        other.coefficients_, (plain.coefficients_[lagged] * ratio), rtol=1e-6
    )


def test_every_container_is_read_alike():
    series = simulated(80, LAGS, seed=9)
    names = list("abcd")
    frames = [
        pd.DataFrame(series, columns=names),
        pl.DataFrame(series, schema=names),
        {name: series[:, k] for k, name in enumerate(names)},
    ]
    expected = Granger(2).fit(series)
    for frame in frames:
        found = Granger(2).fit(frame)
        assert list(found.feature_names_in_) == names
        np.testing.assert_array_equal(found.p_values_, expected.p_values_)
    several = Granger(2).fit(np.stack([series, series + 1]))
    assert several.n_obs_ == 2 * expected.n_obs_
    np.testing.assert_allclose(several.coefficients_, expected.coefficients_, rtol=1e-9)


def test_a_mask_leaves_rows_out_of_now_but_not_of_the_past():
    series = simulated(60, LAGS, seed=10)
    frame = pd.DataFrame(series, columns=list("abcd")).assign(use=np.arange(60) % 3 == 0)
    found = Granger(1, mask="use").fit(frame)
    rows = [t for t in range(1, 60) if t % 3 == 0]
    past = np.column_stack([np.ones(len(rows)), series[[t - 1 for t in rows]]])
    b = np.linalg.lstsq(past, series[rows, 1], rcond=None)[0]
    np.testing.assert_allclose(found.coefficients_[0, :, 1], b[1:], rtol=1e-9)


def test_the_graph_has_the_links_and_lags_of_the_model():
    expected = LaggedGraph.parse(
        "x0[t-1] -> x0; x1[t-1] -> x1; x2[t-1] -> x2; x3[t-1] -> x3;"
        "x0[t-1] -> x1; x1[t-2] -> x2; x0[t-2] -> x3"
    )
    found = Granger(2, alpha=1e-4).fit(simulated(3000, LAGS, seed=11))
    assert found.graph_ == expected
    np.testing.assert_allclose(found.coefficients_, LAGS, atol=0.08)
    assert Granger("bic").fit(simulated(3000, LAGS, seed=11)).max_lag_ == 2


def test_chains_are_cut_by_holding_the_others_fixed_and_not_without():
    lags = np.zeros((1, 3, 3))
    lags[0, 0, 1] = lags[0, 1, 2] = 0.8
    series = simulated(1000, lags, seed=12)
    assert Granger(2).fit(series).pair_p_values_[0, 2] > 0.01
    assert Granger(2, conditional=False).fit(series).pair_p_values_[0, 2] < 1e-10


def test_a_link_without_a_significant_lag_is_drawn_at_its_best_one():
    rng = np.random.default_rng(13)
    wave = np.convolve(rng.normal(size=320), np.ones(20) / 4, "valid")
    y = rng.normal(size=301)
    y[5:] += 0.12 * sum(wave[5 - lag : 301 - lag] for lag in (1, 2, 3, 4))
    found = Granger(5, alpha=0.001).fit({"x": wave, "y": y})
    assert found.pair_p_values_[0, 1] <= 0.001 < found.p_values_[1:, 0, 1].min()
    lag = int(np.argmin(found.p_values_[1:, 0, 1])) + 1
    assert found.graph_.summary_graph().lags("x", "y") == (lag,)
    assert "smallest p" in found.explain(("x", lag), "y").adjacency


@pytest.mark.parametrize(("ours", "theirs"), [("bh", "fdr_bh"), ("by", "fdr_by"), ("holm", "holm")])
def test_links_between_series_are_corrected_together(ours, theirs):
    from statsmodels.stats.multitest import multipletests

    series = simulated(100, LAGS, seed=14)
    found = Granger(2, correction=ours).fit(series)
    between = ~np.eye(4, dtype=bool)
    expected = multipletests(found.pair_p_values_[between], method=theirs)[1]
    np.testing.assert_allclose(found.adjusted_p_values_[between], expected)
    adjacency = found.graph_.summary_graph().adjacency
    np.testing.assert_array_equal(adjacency, found.adjusted_p_values_ <= 0.05)


def test_explain_tells_the_test_and_its_numbers():
    series = simulated(300, LAGS, seed=15)
    found = Granger(2, correction="holm", blocks={"two": ["x2", "x3"]}).fit(series)
    told = found.explain("x0[t-1]", "x1")
    assert "group x0 (lags 1 to 2) helps to predict group x1" in told.adjacency
    assert told.edge == "x0[t-1] -> x1[t]"
    assert told.test is not None
    assert told.test.p_value == found.p_values_[1, 0, 1]
    assert "group two" in found.explain("x0[t-1]", "x2").adjacency
    assert "within a step" in found.explain("x0", "x1").adjacency
    with pytest.raises(InputError, match="steps apart"):
        found.explain("x0[t-5]", "x1")


def test_input_is_untouched_and_refits_forget():
    series = simulated(100, LAGS, seed=16)
    copy = series.copy()
    algorithm = Granger("aic").fit(series)
    np.testing.assert_array_equal(series, copy)
    again = algorithm.fit(series[:, :2])
    np.testing.assert_array_equal(again.p_values_, Granger("aic").fit(series[:, :2]).p_values_)


# --- what cannot be used -------------------------------------------------------------------------


def hostile(kind):
    series = simulated(60, LAGS, seed=17)
    if kind == "constant":
        series[:, 2] = 3.0
    elif kind == "copy":
        series[:, 2] = series[:, 0] * 2 + 1
    elif kind == "shifted copy":
        series[1:, 2] = series[:-1, 0]
    elif kind == "line":
        series[:, 2] = np.arange(60)
    return series


@pytest.mark.parametrize("conditional", [True, False])
@pytest.mark.parametrize(
    ("kind", "error", "words"),
    [
        ("constant", InputError, "hold one value only"),
        ("copy", NumericalError, "x2\\[t-1\\] is a linear combination"),
        ("shifted copy", NumericalError, "x2|x0"),
        ("line", NumericalError, "x2"),
    ],
)
def test_series_without_noise_of_their_own_are_refused(kind, error, words, conditional):
    with pytest.raises(error, match=words):
        Granger(2, conditional=conditional).fit(hostile(kind))


def test_more_coefficients_than_steps_are_refused_with_the_way_out():
    series = np.random.default_rng(0).normal(size=(30, 20))
    with pytest.raises(InputError, match="GroupLassoGranger"):
        Granger(2).fit(series)
    assert Granger(2, conditional=False).fit(series).pair_p_values_.shape == (20, 20)
    with pytest.raises(InputError, match="GroupLassoGranger"):
        Granger("bic", lag_cap=5).fit(series)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"max_lag": 0}, "max_lag"),
        ({"max_lag": "cv"}, "max_lag"),
        ({"max_lag": 60}, "needs"),
        ({"statistic": "t"}, "statistic"),
        ({"covariance": "hc9"}, "covariance"),
        ({"covariance": "hac", "statistic": "lr"}, "likelihood"),
        ({"covariance": "hac", "bandwidth": 1000}, "bandwidth"),
        ({"correction": "fdr"}, "correction"),
        ({"alpha": 0}, "alpha"),
        ({"blocks": {}}, "blocks"),
        ({"blocks": {"a": []}}, "empty"),
        ({"blocks": {"a": ["x0"], "b": ["x0"]}}, "common members"),
        ({"blocks": {"x1": ["x0"]}}, "block is named"),
        ({"mean": "median"}, "mean"),
        ({"panel": "who"}, "who"),
    ],
)
def test_settings_are_checked(settings, words):
    with pytest.raises(InputError, match=words):
        Granger(**settings).fit(simulated(60, LAGS, seed=18))


def test_unknown_members_and_single_series_are_refused():
    series = simulated(60, LAGS, seed=19)
    with pytest.raises(UnknownVariableError):
        Granger(blocks={"a": ["nobody"]}).fit(series)
    with pytest.raises(InputError, match="at least 2"):
        Granger().fit(series[:, :1])
    with pytest.raises(InputError, match="text"):
        Granger().fit(pd.DataFrame({"a": ["u", "v"] * 30, "b": series[:, 0]}))


# --- levels --------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("conditional", [True, False])
def test_the_level_is_kept_in_long_series(conditional):
    lags = np.diag([0.7, 0.5, -0.4])[None]
    p_values = np.array(
        [
            Granger(2, conditional=conditional)
            .fit(simulated(400, lags, seed=seed))
            .pair_p_values_[~np.eye(3, dtype=bool)]
            for seed in range(500)
        ]
    )
    rate, error = (p_values < 0.05).mean(), np.sqrt(0.05 * 0.95 / p_values.size)
    assert abs(rate - 0.05) < 4 * error + 0.005  # tests of one data set are nearly independent


def uneven(rng, n):
    """Two series that share the size of their noise, and nothing else."""
    size = np.exp(np.convolve(rng.normal(size=n + 69), np.ones(20) / 8, "valid"))[: n + 50]
    return simulated(n, np.diag([0.3, 0.3])[None], 0, rng.normal(size=(n + 50, 2)) * size[:, None])


def remembered(rng, n):
    """Two series with a longer memory than the lag that is looked at."""
    noise = simulated(n + 50, np.diag([0.7, 0.7])[None], 0, rng.normal(size=(n + 100, 2)))
    return simulated(n, np.diag([0.6, 0.6])[None], 0, noise)


@pytest.mark.slow
@pytest.mark.parametrize("make", [uneven, remembered])
def test_the_robust_covariance_keeps_the_level_where_the_classical_one_does_not(make):
    rng = np.random.default_rng(0)
    data = [make(rng, 400) for _ in range(400)]
    rates = {
        covariance: np.mean(
            [
                Granger(1, covariance=covariance).fit(x).pair_p_values_[[0, 1], [1, 0]] < 0.05
                for x in data
            ]
        )
        for covariance in ("classical", "hac")
    }
    assert rates["classical"] > 0.09
    assert rates["hac"] < 0.05 + 4 * np.sqrt(0.05 * 0.95 / 800)
