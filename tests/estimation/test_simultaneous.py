"""Bands, adjusted p-values and joint tests: exact quantiles, definitions, DoubleML, statsmodels."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
import statsmodels.api as sm
from numpy.testing import assert_allclose
from scipy.stats import norm
from sklearn.base import clone
from sklearn.linear_model import LinearRegression, LogisticRegression

from causalkit import CausalGraph, identify
from causalkit.errors import InputError, UnknownVariableError
from causalkit.estimation import (
    AIPW,
    HAC,
    OLS,
    PLR,
    Bootstrap,
    Effect,
    EffectSet,
    PlugIn,
    estimate,
)
from causalkit.estimation.columns import as_groups
from causalkit.estimation.inference import Asymptotic, cluster_sums
from causalkit.estimation.joining import together
from causalkit.estimation.multipliers import multiplier_bootstrap
from causalkit.estimation.nuisances.crossfitting import Nuisance, _training
from causalkit.estimation.nuisances.quality import unassessed
from causalkit.estimation.problem import as_problem
from causalkit.estimation.simultaneous import (
    adjust_p_values,
    step_down,
    studentized_draws,
    sup_quantile,
    wald_test,
)
from tests.estimation.simulations import linear, three_arms

LINEAR = LinearRegression()


def several(rng, n=300, k=3, **options):
    """Slopes of k outcomes that share noise, on one treatment."""
    t, shared = rng.normal(size=(2, n))
    outcomes = 0.2 * np.arange(k) * t[:, None] + shared[:, None] + rng.normal(size=(n, k))
    effects = [OLS().fit(None, y, t=t, **options).effect_ for y in outcomes.T]
    return t, outcomes, together(effects, [f"y{j}" for j in range(k)])


def test_covariance_is_that_of_a_stacked_regression(rng):
    t, outcomes, effects = several(rng)
    n, design = 300, np.column_stack([np.ones(300), t])
    residuals = outcomes - design @ np.linalg.lstsq(design, outcomes, rcond=None)[0]
    slope = np.linalg.inv(design.T @ design)[1] @ design.T
    expected = (slope[:, None] * residuals).T @ (slope[:, None] * residuals) * n / (n - 2)
    assert_allclose(effects.covariance, expected, rtol=1e-9)
    assert_allclose(effects.std_errors, np.sqrt(np.diag(expected)), rtol=1e-9)
    difference = effects.difference("y2", "y0")
    assert_allclose(difference.value, effects["y2"].value - effects["y0"].value)
    by_hand = OLS().fit(None, outcomes[:, 2] - outcomes[:, 0], t=t).effect_
    assert_allclose(difference.std_error, by_hand.std_error, rtol=1e-9)
    assert tuple(difference.interval()) == pytest.approx(tuple(by_hand.interval()))
    assert "y2 − y0" in repr(difference)


def test_critical_values_are_exact_where_they_are_known():
    sidak = norm.ppf(0.5 + 0.95 ** (1 / 4) / 2)
    # The quantile of 50,000 draws has a standard error of 0.006.
    assert sup_quantile(np.diag([1.0, 4.0, 9.0, 0.5])) == pytest.approx(sidak, abs=0.02)
    assert sup_quantile(np.ones((3, 3)), 0.9) == pytest.approx(norm.ppf(0.95), abs=0.02)
    assert sup_quantile(np.eye(1), 0.9) == pytest.approx(norm.ppf(0.95))
    assert sup_quantile(np.eye(3), df=5) > sup_quantile(np.eye(3)) + 0.3
    assert sup_quantile(np.eye(2), 0.95) < sup_quantile(np.eye(3), 0.95) <= norm.ppf(1 - 0.025 / 3)


def test_step_down_by_its_definition(rng):
    draws, t = rng.normal(size=(199, 4)), np.array([0.3, -2.5, 1.9, 2.4])
    order, largest, expected = [1, 3, 2, 0], 0.0, np.empty(4)
    for place, j in enumerate(order):
        exceeding = np.abs(draws[:, order[place:]]).max(axis=1) >= abs(t[j])
        largest = max(largest, (1 + exceeding.sum()) / 200)
        expected[j] = largest
    assert_allclose(step_down(t, draws), expected)


def test_holm_and_bonferroni_are_those_of_statsmodels(rng):
    p = rng.random(6) / 5
    for method in ("holm", "bonferroni"):
        theirs = sm.stats.multipletests(p, method=method)[1]
        assert_allclose(adjust_p_values(p, method), theirs)


def test_bootstrap_and_p_values_agree_with_double_ml(rng):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        doubleml = pytest.importorskip("doubleml", exc_type=ImportError)
        X = rng.normal(size=(300, 5))
        y = 0.15 * X[:, 0] + 0.12 * X[:, 1] + rng.normal(size=300)
        frame = pd.DataFrame(X, columns=list("abcde")).assign(y=y)
        data = doubleml.DoubleMLData(frame, "y", ["a", "b", "c"])
        theirs = doubleml.DoubleMLPLR(data, LinearRegression(), LinearRegression(), n_folds=4)
        theirs.fit()
        theirs.bootstrap("normal", n_rep_boot=2000)
        adjusted = theirs.p_adjust("romano-wolf")["pval"].to_numpy()
        joint = theirs.confint(joint=True).to_numpy()
    draws = theirs.boot_t_stat[:, :, 0]
    # Theirs is the share of draws, ours counts the data as one more.
    assert_allclose(step_down(theirs.t_stat, draws), (1 + 2000 * adjusted) / 2001)
    effects = []
    folds = np.empty(300)
    for k, (_, test) in enumerate(theirs.smpls[0]):
        folds[test] = k
    for j in range(3):
        value, scores = theirs.coef[j], theirs.psi[:, 0, j] / -theirs.psi_deriv[:, 0, j].mean()
        effects.append(Effect(value, theirs.se[j], 300, "theirs", influence=scores))
    ours = together(effects)
    assert_allclose(ours.band(), joint.T, atol=0.02)
    assert_allclose(
        multiplier_bootstrap(ours, n_draws=4000, random_state=1).band(), joint.T, atol=0.02
    )
    assert_allclose(ours.adjusted_p_values(), adjusted, atol=0.05)


@pytest.mark.parametrize("weights", ["normal", "rademacher", "mammen", "exponential"])
def test_multipliers_have_the_covariance_of_the_estimates(rng, weights):
    groups = np.arange(300) // 2
    _, _, effects = several(rng, groups=groups)
    found = multiplier_bootstrap(effects, n_draws=5000, weights=weights, random_state=0)
    again = multiplier_bootstrap(effects, n_draws=5000, weights=weights, random_state=0)
    assert np.array_equal(found.draws, again.draws)
    correlation = effects.covariance / np.outer(effects.std_errors, effects.std_errors)
    # Two-sided Monte Carlo errors of 5,000 draws are below 0.03 for each entry, 0.1 for the cubes.
    assert_allclose(np.cov(found.draws.T), correlation, atol=0.1)
    assert_allclose(found.draws.mean(axis=0), 0, atol=0.06)
    third = {"mammen": 1.0, "exponential": 2.0}.get(weights, 0.0)
    sums = cluster_sums(np.column_stack([e.influence / e.std_error for e in effects]), groups) / 300
    assert_allclose((found.draws**3).mean(axis=0), third * (sums**3).sum(axis=0), atol=0.35)
    assert "5000 draws" in repr(found)
    assert found.adjusted_p_values().shape == (3,)
    one = multiplier_bootstrap(effects[0], weights=weights, random_state=2)
    assert 1.7 < one.critical_value() < 2.3


def test_wald_is_the_test_of_statsmodels(rng):
    X, t, y = linear(200, rng)
    fit = sm.OLS(y, sm.add_constant(np.column_stack([t, X]))).fit(cov_type="HC1", use_t=True)
    theirs = fit.f_test(np.eye(5)[1:3])
    ours = wald_test(fit.params[1:3], fit.cov_params()[1:3, 1:3], df=fit.df_resid)
    assert_allclose(
        [ours.statistic / 2, ours.p_value], [float(theirs.fvalue), float(theirs.pvalue)]
    )
    large = wald_test(fit.params[1:3], fit.cov_params()[1:3, 1:3])
    assert large.p_value < ours.p_value
    assert "χ²(2)" in repr(large)
    assert "F(2, 195)" in repr(ours)


def test_all_contrasts_follow_from_two_of_them(rng):
    X, arm, y = three_arms(600, rng)
    arms = pd.Series(arm, dtype="category", name="arm")
    aipw = AIPW(LinearRegression(), LogisticRegression(), contrast="each", random_state=0)
    each = aipw.fit(X, y, t=arms).effect_
    three = together({"b": each[0], "c": each[1], "c − b": each.difference(1, 0)})
    # The third restriction follows from the others.
    test = three.joint_test()
    assert test.n_restrictions == 2
    assert_allclose(test.statistic, each.joint_test().statistic, rtol=1e-6)
    assert [e.value for e in each.contrasts()] == [each[1].value - each[0].value]
    frame = each.to_frame(joint=True)
    assert (frame["band_lower"] < frame["lower"]).all()
    assert (frame["adjusted_p_value"] >= frame["p_value"] - 1e-12).all()
    assert each.contrasts(base="b − a").labels == ("(c − a) − (b − a)",)


def test_a_null_is_met_exactly_and_an_effect_may_be_certain():
    sure = Effect(1.0, 0.0, 4, "known", influence=np.zeros(4))
    vague = Effect(1.0, 1.0, 4, "guess", influence=np.array([2.0, -2, 2, -2]))
    both = together([sure, vague])
    assert both.adjusted_p_values(null=1.0)[1] == 1.0
    assert both.adjusted_p_values(null=0.0)[0] < 1e-4
    assert both.joint_test().n_restrictions == 1
    assert both.labels == ("effect 0", "effect 1")
    with pytest.raises(InputError, match="above zero"):
        together([sure]).joint_test()
    with pytest.raises(InputError, match="standard error zero"):
        multiplier_bootstrap(both)


def test_serial_dependence_reaches_the_band(rng):
    t, noise = np.cumsum(rng.normal(size=(2, 200)), axis=1) / 5
    hac = OLS(inference=HAC())
    both = together([hac.fit(None, y, t=t).effect_ for y in (noise + t, noise - t)])
    assert_allclose(np.sqrt(np.diag(both.covariance)), both.std_errors)
    assert both.difference(0, 1).std_error < 1e-8 < both.std_errors[0]
    assert both.critical_value() == pytest.approx(
        both[0].interval().width / 2 / both.std_errors[0], rel=0.03
    )
    with pytest.raises(InputError, match="weights='normal'"):
        multiplier_bootstrap(both, weights="mammen")
    assert 1.9 < multiplier_bootstrap(both, n_draws=4000, random_state=0).critical_value() < 2.1
    with pytest.raises(InputError, match="HAC and other"):
        together([both[0], OLS().fit(None, noise, t=t).effect_])


def test_what_cannot_be_joined_is_refused(rng):
    X, t, y = linear(60, rng)
    effect, other = (OLS().fit(X[:n], y[:n], t=t[:n]).effect_ for n in (60, 50))
    boot = OLS(inference=Bootstrap(20, random_state=0)).fit(X, y, t=t).effect_
    clustered = OLS().fit(X, y, t=t, groups=np.arange(60) // 2).effect_
    implied = Effect(0.0, np.nan, 60, "implied by the graph")
    for effects, message in (
        ([effect, other], "different rows"),
        ([effect, boot], "a bootstrap keeps none"),
        ([effect, clustered], "different clusters"),
        ([effect, implied], "the graph alone"),
        ([], "nothing"),
        ([1.0], "float"),
    ):
        with pytest.raises(InputError, match=message):
            together(effects)
    one = together([effect])
    with pytest.raises(InputError, match="one effect only"):
        one.contrasts()
    with pytest.raises(InputError, match="no effect 'z'"):
        one["z"]
    with pytest.raises(InputError, match="method"):
        one.adjusted_p_values("fdr")
    with pytest.raises(InputError, match="weights"):
        multiplier_bootstrap(effect, weights="uniform")


# --- two kinds of clusters -----------------------------------------------------------------------


def crossed(rng, n=400, firms=12, years=15):
    """A regression whose noise is shared within firms and within years."""
    firm, year = rng.integers(firms, size=n), rng.integers(years, size=n)
    x, t, noise = rng.normal(size=(3, n))
    t = t + rng.normal(size=firms)[firm] + rng.normal(size=years)[year]
    y = t + x + rng.normal(size=firms)[firm] + rng.normal(size=years)[year] + noise
    return x[:, None], t, y, np.column_stack([firm, year])


def test_two_kinds_of_clusters_as_statsmodels_and_linearmodels(rng):
    linearmodels = pytest.importorskip("linearmodels")
    X, t, y, groups = crossed(rng)
    design = np.column_stack([np.ones(400), t, X])
    effect = OLS().fit(X, y, t=t, groups=groups).effect_
    theirs = sm.OLS(y, design).fit(cov_type="cluster", cov_kwds={"groups": groups})
    assert_allclose(effect.std_error**2, theirs.cov_params()[1, 1], rtol=1e-8)
    assert effect.df == 11
    assert "12 and 15 clusters" in repr(effect)
    bare = OLS().fit(X, y, t=t).effect_
    assert effect.std_error > 1.5 * bare.std_error
    other = linearmodels.iv.IV2SLS(y, design, None, None).fit(cov_type="clustered", clusters=groups)
    problem = as_problem(X, y, t, groups=groups)
    # linearmodels has no factors for few clusters or coefficients.
    parts = [
        (cluster_sums(bare.influence[:, None], codes) ** 2).sum()
        for codes in (groups[:, 0], groups[:, 1], np.unique(groups, axis=0, return_inverse=True)[1])
    ]
    plain = (parts[0] + parts[1] - parts[2]) * 397 / 400**3
    assert_allclose(plain, other.cov.iloc[1, 1], rtol=1e-8)
    assert problem.n_second_groups == 15


def test_labels_of_two_kinds_may_be_of_any_type(rng):
    X, t, y, groups = crossed(rng)
    expected = OLS().fit(X, y, t=t, groups=groups).effect_.std_error
    names = pd.DataFrame({"firm": [f"f{g:02d}" for g in groups[:, 0]], "year": groups[:, 1]})
    for frame in (names, pl.DataFrame(names.to_dict("list")), groups.tolist()):
        assert OLS().fit(X, y, t=t, groups=frame).effect_.std_error == pytest.approx(expected)
    with pytest.raises(InputError, match="two columns"):
        as_groups(np.zeros((5, 3)), 5)
    with pytest.raises(InputError, match="one cluster"):
        OLS().fit(X, y, t=t, groups=np.column_stack([groups[:, 0], np.zeros(400)]))
    with pytest.raises(InputError, match="clusters of one kind"):
        OLS(inference=Bootstrap(20)).fit(X, y, t=t, groups=groups)


def test_two_columns_are_named_in_estimate(rng):
    X, t, y, groups = crossed(rng)
    frame = pd.DataFrame({"x": X[:, 0], "t": t, "y": y, "firm": groups[:, 0], "year": groups[:, 1]})
    estimand = identify(CausalGraph.parse("x -> t -> y; x -> y"), "t", "y")
    effect = estimate(estimand, frame, OLS(), clusters=("firm", "year"))
    assert effect.std_error == OLS().fit(X, y, t=t, groups=groups).effect_.std_error
    with pytest.raises(UnknownVariableError, match="yaer"):
        estimate(estimand, frame, OLS(), clusters=("firm", "yaer"))
    coarse = (frame > 0).astype(int).assign(firm=frame["firm"], year=frame["year"])
    with pytest.raises(InputError, match="clusters of two kinds"):
        estimate(estimand, coarse, PlugIn(), clusters=("firm", "year"))


def test_folds_share_no_cluster_of_either_kind_with_their_training_rows(rng):
    X, t, y, groups = crossed(rng)
    plr = PLR(LinearRegression(), LinearRegression(), n_folds=3, random_state=0)
    effect = plr.fit(X, y, t=t, groups=groups).effect_
    assert abs(effect.value - 1) < 4 * effect.std_error
    folds = effect.details["folds"][0]
    problem = as_problem(X, y, t, groups=groups)
    for fold in np.unique(folds):
        test = folds == fold
        train = _training(Nuisance("y", y, None), problem, test)
        for kind in groups.T:
            assert not set(kind[test]) & set(kind[train])
    pair = together([effect, effect])
    assert pair.covariance == pytest.approx(np.full((2, 2), effect.std_error**2))


def test_a_variance_that_is_not_positive_falls_back_on_the_larger():
    # Rows of a pair move together, firms and years cancel them: sums are zero over both.
    sign = np.array([1.0, -1.0, -1.0, 1.0])
    groups = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    problem = as_problem(None, np.arange(4.0), np.arange(4.0) ** 2, groups=groups)
    assert Asymptotic().joint(sign[:, None], problem)[0, 0] == 0
    lopsided = np.array([1.0, -0.8, -1.0, 0.9])[:, None]
    one_way = [2 * (cluster_sums(lopsided, g) ** 2).sum() / 16 for g in groups.T]
    assert_allclose(Asymptotic().joint(lopsided, problem)[0, 0], max(one_way))


def test_alternatives_stay_a_hull():
    low = Effect(value=1.0, std_error=0.5, n_obs=100, method="OLS")
    assert "One of 2" in repr(EffectSet((low, low), ("a", "b")))
    assert "mean at" in repr(EffectSet((low, low), ("a", "b"), reading="means"))


@pytest.mark.slow
@pytest.mark.parametrize("rho", [0.0, 0.8])
def test_romano_wolf_rejects_no_true_null_in_95_percent_of_samples(rho):
    """2,000 samples of ten tests, two of them false: Monte Carlo error 0.5 points."""
    rng = np.random.default_rng(1)
    correlation = rho + (1 - rho) * np.eye(10)
    shift = np.array([3.0, 3.0] + [0.0] * 8)
    root, draws = np.linalg.cholesky(correlation), studentized_draws(correlation, n_draws=20_000)
    wrong = found = holm = 0.0
    for _ in range(2000):
        t = shift + root @ rng.normal(size=10)
        rejected = step_down(t, draws) <= 0.05
        wrong += rejected[2:].any() / 2000
        found += rejected[:2].mean() / 2000
        holm += (adjust_p_values(2 * norm.sf(np.abs(t)), "holm")[:2] <= 0.05).mean() / 2000
    assert wrong <= 0.062
    assert found > holm - 0.005 + (0.03 if rho else 0.0)


@pytest.mark.slow
def test_bands_cover_all_effects_at_once():
    """500 samples of six correlated slopes: Monte Carlo error 1 point."""
    rng = np.random.default_rng(2)
    truth, covered = 0.2 * np.arange(6), 0
    for _ in range(500):
        lower, upper = several(rng, n=200, k=6)[2].band()
        covered += bool(((lower <= truth) & (truth <= upper)).all())
    assert 0.92 <= covered / 500 <= 0.97


@pytest.mark.slow
@pytest.mark.parametrize("estimator", [OLS(), PLR(LINEAR, LINEAR, n_folds=4)], ids=["OLS", "PLR"])
def test_intervals_cover_with_two_kinds_of_clusters(estimator):
    """300 samples of 30 by 30 clusters: Monte Carlo error 1.3 points, and clusters are few."""
    rng, covered = np.random.default_rng(3), 0
    for _ in range(300):
        X, t, y, groups = crossed(rng, n=900, firms=30, years=30)
        with unassessed():
            effect = clone(estimator).fit(X, y, t=t, groups=groups).effect_
        covered += 1.0 in effect.interval()
    assert 0.91 <= covered / 300 <= 0.97
