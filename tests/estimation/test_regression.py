"""OLS and g-computation against statsmodels and against stacked estimating equations."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from sklearn.preprocessing import PolynomialFeatures

from causalkit.errors import InputError, NumericalError
from causalkit.estimation import OLS, Asymptotic, GComputation, Powers, standard_error
from tests.estimation.simulations import binary, linear, three_arms
from tests.oracles.estimation import g_computation_by_stacking


@pytest.mark.parametrize("covariance", ["HC0", "HC1", "HC2", "HC3"])
@given(seed=st.integers(0, 10_000), k=st.integers(0, 5))
@settings(max_examples=5, deadline=None)
def test_ols_is_statsmodels_ols(covariance, seed, k):
    X, t, y = linear(60, np.random.default_rng(seed), k=max(k, 1))
    X = X[:, :k]
    design = sm.add_constant(np.column_stack([t, X]))
    theirs = sm.OLS(y, design).fit(cov_type=covariance, use_t=True)
    ours = OLS(covariance=covariance).fit(X, y, t=t).effect_
    assert_allclose(ours.value, theirs.params[1], rtol=1e-10)
    assert_allclose(ours.std_error, theirs.bse[1], rtol=1e-10)
    assert_allclose(ours.p_value(), theirs.pvalues[1], rtol=1e-7, atol=1e-14)
    assert_allclose(tuple(ours.interval(0.9)), theirs.conf_int(0.1)[1], rtol=1e-8)


def test_columns_that_follow_from_others_are_named(rng):
    X, t, y = linear(200, rng, k=2)
    more = pd.DataFrame({"a": X[:, 0], "b": X[:, 1], "less": 1 - X[:, 0]})
    found = OLS().fit(more, y, t=t).effect_
    assert found.value == pytest.approx(OLS().fit(X, y, t=t).effect_.value)
    assert "less: nothing is added to the other columns adjusted for" in str(found)
    assert not OLS().fit(X, y, t=t).effect_.details["notes"]


def test_clusters_under_another_name_are_told_what_fit_calls_them(rng):
    X, t, y = linear(50, rng)
    with pytest.raises(InputError, match="clusters= is called groups= here"):
        OLS().fit(X, y, t=t, clusters=np.arange(50))
    with pytest.raises(InputError, match="weights= is called sample_weight= here"):
        OLS().fit(X, y, t=t, weights=np.ones(50))
    with pytest.raises(InputError, match=r"got panel=; it takes no further columns\. Leave it out"):
        OLS().fit(X, y, t=t, panel=np.arange(50))  # and no unit= either


def test_clustered_ols_is_statsmodels_clustered_ols(rng):
    X, t, y = linear(200, rng)
    groups = rng.integers(25, size=200)
    y += rng.normal(size=25)[groups]
    design = sm.add_constant(np.column_stack([t, X]))
    theirs = sm.OLS(y, design).fit(cov_type="cluster", cov_kwds={"groups": groups})
    ours = OLS().fit(X, y, t=t, groups=groups).effect_
    assert_allclose(ours.std_error, theirs.bse[1], rtol=1e-10)
    uncorrected = sm.OLS(y, design).fit(
        cov_type="cluster", cov_kwds={"groups": groups, "use_correction": False}
    )
    ours = OLS(covariance="HC0").fit(X, y, t=t, groups=groups).effect_
    factor = 25 / 24
    assert_allclose(ours.std_error / np.sqrt(factor), uncorrected.bse[1], rtol=1e-10)


@pytest.mark.parametrize("covariance", ["HC0", "HC1", "HC2", "HC3"])
def test_weighted_ols_is_statsmodels_wls(rng, covariance):
    X, t, y = linear(150, rng)
    w = rng.uniform(0.2, 5, size=150)
    theirs = sm.WLS(y, sm.add_constant(np.column_stack([t, X])), weights=w).fit(cov_type=covariance)
    ours = OLS(covariance=covariance).fit(X, y, t=t, sample_weight=w).effect_
    assert_allclose([ours.value, ours.std_error], [theirs.params[1], theirs.bse[1]], rtol=1e-10)


def test_levels_are_dummies(rng):
    X, arm, y = three_arms(400, rng)
    dummies = np.column_stack([arm == "b", arm == "c"]).astype(float)
    theirs = sm.OLS(y, sm.add_constant(np.column_stack([dummies, X]))).fit(cov_type="HC1")
    test = theirs.t_test(np.array([0, -1, 1, 0, 0]))
    arms = pd.Series(arm, dtype="category", name="arm")
    ours = OLS(contrast=("b", "c")).fit(X, y, t=arms).effect_
    assert_allclose([ours.value, ours.std_error], [test.effect[0], test.sd[0, 0]], rtol=1e-10)
    each = OLS(contrast="each").fit(X, y, t=arms).effect_
    assert_allclose([e.value for e in each], theirs.params[1:3], rtol=1e-10)
    assert_allclose(each["c − a"].std_error, theirs.bse[2], rtol=1e-10)
    assert each.reading == "contrasts"


def test_a_contrast_of_a_continuous_treatment_scales_the_slope(rng):
    X, t, y = linear(100, rng)
    slope = OLS().fit(X, y, t=t).effect_
    step = OLS(contrast=(1.0, 4.0)).fit(X, y, t=t).effect_
    assert_allclose([step.value, step.std_error], [3 * slope.value, 3 * slope.std_error])
    average = GComputation(contrast=(1.0, 4.0), interactions=False).fit(X, y, t=t).effect_
    assert_allclose([average.value, average.std_error], [step.value, step.std_error], rtol=1e-9)


def test_collinear_columns_do_no_harm(rng):
    X, t, y = linear(100, rng)
    plain = OLS().fit(X, y, t=t).effect_
    doubled = np.column_stack([X, X[:, 0], X @ [1, 2, 3.0], np.full(100, 7.0)])
    for columns in (doubled, doubled * [1, 1e9, 1e-9, 1, 1, 1]):
        again = OLS().fit(columns, y, t=t).effect_
        assert_allclose([again.value, again.std_error], [plain.value, plain.std_error], rtol=1e-9)
    both = GComputation(interactions=False)
    assert_allclose(both.fit(doubled, y, t=t).effect_.value, plain.value, rtol=1e-9)


def test_a_determined_treatment_is_refused(rng):
    X, t, y = linear(100, rng)
    with pytest.raises(NumericalError, match=r"linear combination.*Leave out the columns"):
        OLS().fit(np.column_stack([X, 2 * t + 1]), y, t=t)
    with pytest.raises(NumericalError, match=r"5 rows .* there are 9: hold fewer fixed, or .*PLR"):
        OLS().fit(rng.normal(size=(5, 8)), y[:5], t=t[:5])
    with pytest.raises(NumericalError):
        OLS(covariance="HC3").fit(np.column_stack([X, np.arange(100) == 3]), y, t=t)


def test_no_covariates_is_the_difference_in_means(rng):
    _, t, y = binary(80, rng)
    difference = y[t == 1].mean() - y[t == 0].mean()
    for estimator in (OLS(), GComputation()):
        for X in (None, np.empty((80, 0)), pd.DataFrame(index=range(80))):
            assert_allclose(estimator.fit(X, y, t=t).effect_.value, difference)
    # Neyman's conservative variance is HC2.
    neyman = np.sqrt(y[t == 1].var(ddof=1) / t.sum() + y[t == 0].var(ddof=1) / (1 - t).sum())
    assert_allclose(OLS(covariance="HC2").fit(None, y, t=t).effect_.std_error, neyman)


def test_features_expand_the_covariates(rng):
    X, t, y = linear(200, rng)
    X[:, 2] = X[:, 2] > 0
    by_hand = np.column_stack([X, X[:, :2] ** 2, X[:, :2] ** 3])
    expected = OLS().fit(by_hand, y, t=t).effect_
    assert_allclose(OLS(features=Powers(3)).fit(X, y, t=t).effect_.value, expected.value)
    pairs = PolynomialFeatures(2, interaction_only=True)
    by_hand = np.column_stack([X, X[:, 0] * X[:, 1], X[:, 0] * X[:, 2], X[:, 1] * X[:, 2]])
    expected = OLS().fit(by_hand, y, t=t).effect_
    assert_allclose(OLS(features=pairs).fit(X, y, t=t).effect_.value, expected.value)
    with pytest.raises(InputError, match="transformer"):
        OLS(features=2).fit(X, y, t=t)


@pytest.mark.parametrize("family", ["gaussian", "binomial", "poisson"])
@pytest.mark.parametrize("interactions", [True, False])
@pytest.mark.parametrize("target", ["ATE", "ATT", "derivative"])
def test_g_computation_is_the_stacked_m_estimator(rng, family, interactions, target):
    X, t, y = (linear if target == "derivative" else binary)(300, rng)
    t = t / 3 if target == "derivative" else t
    if family == "binomial":
        y = (y > np.median(y)).astype(float)
    if family == "poisson":
        y = rng.poisson(np.exp(0.3 * t + 0.2 * X[:, 0])).astype(float)
    w = rng.uniform(0.5, 2, size=300)
    value, std_error = g_computation_by_stacking(y, t, X, w, family, interactions, target)
    ours = GComputation(
        family=family, interactions=interactions, target="ATT" if target == "ATT" else "ATE"
    )
    effect = ours.fit(X, y, t=t, sample_weight=w).effect_
    k = effect.details["n_coefficients"]
    assert_allclose(effect.value, value, rtol=1e-6)
    assert_allclose(effect.std_error * np.sqrt((300 - k) / 300), std_error, rtol=1e-4)


@pytest.mark.parametrize("family", ["binomial", "poisson"])
def test_the_glm_is_statsmodels_glm(rng, family):
    X, t, y = binary(400, rng)
    y = rng.poisson(np.exp(0.3 * t + 0.2 * X[:, 0])).astype(float)
    if family == "binomial":
        y = (y > 0).astype(float)
    kind = sm.families.Binomial() if family == "binomial" else sm.families.Poisson()
    design = sm.add_constant(np.column_stack([t, X]))
    theirs = sm.GLM(y, design, family=kind).fit(cov_type="HC0", tol=1e-13)
    one, zero = design.copy(), design.copy()
    one[:, 1], zero[:, 1] = 1, 0
    difference = theirs.predict(one) - theirs.predict(zero)
    effect = GComputation(family=family, interactions=False).fit(X, y, t=t).effect_
    assert_allclose(effect.value, difference.mean(), rtol=1e-8)

    # Delta method with statsmodels' covariance, plus the sampling of the rows.
    def average(beta):
        mean = kind.link.inverse
        return np.mean(mean(one @ beta) - mean(zero @ beta))

    h = 1e-6
    gradient = [
        (average(theirs.params + h * e) - average(theirs.params - h * e)) / (2 * h)
        for e in np.eye(len(theirs.params))
    ]
    delta = gradient @ theirs.cov_params() @ gradient
    only_model = effect.influence / np.sqrt(400 / 395) - (difference - difference.mean())
    assert_allclose(standard_error(only_model), np.sqrt(delta), rtol=1e-5)


def test_g_computation_without_interactions_is_ols(rng):
    X, t, y = binary(200, rng)
    ols, g = OLS().fit(X, y, t=t).effect_, GComputation(interactions=False).fit(X, y, t=t).effect_
    assert_allclose([g.value, g.std_error], [ols.value, ols.std_error], rtol=1e-9)


def test_separation_and_rank_are_named(rng):
    X, t, y = binary(200, rng)
    with pytest.raises(NumericalError, match="without error"):
        GComputation().fit(X, (X[:, 0] > 0).astype(float), t=t)
    only_in_one_arm = np.column_stack([X, np.where(t == 1, rng.normal(size=200), 0)])
    with pytest.raises(NumericalError, match="cannot be predicted"):
        GComputation(family="gaussian").fit(only_in_one_arm * (t[:, None] == 0), y, t=t)
    with pytest.raises(InputError, match="zeros and ones"):
        GComputation(family="binomial").fit(X, y, t=t)
    with pytest.raises(InputError, match="never negative"):
        GComputation(family="poisson").fit(X, y, t=t)
    with pytest.raises(InputError, match="independent rows"):
        OLS(covariance="HC3").fit(X, y, t=t, groups=np.arange(200) // 2)


@pytest.mark.parametrize("estimator", [OLS, GComputation])
def test_frequency_weights_are_repeated_rows(rng, estimator):
    X, t, y = binary(80, rng)
    counts = rng.integers(0, 4, size=80)
    inference = Asymptotic(weights="frequency")
    folded = estimator(inference=inference).fit(X, y, t=t, sample_weight=counts).effect_
    rows = np.repeat(np.arange(80), counts)
    repeated = estimator().fit(X[rows], y[rows], t=t[rows]).effect_
    assert_allclose([folded.value, folded.std_error], [repeated.value, repeated.std_error])
    with pytest.raises(InputError, match="whole numbers"):
        estimator(inference=inference).fit(X, y, t=t, sample_weight=counts + 0.5)


@pytest.mark.parametrize("covariance", ["HC2", "HC3"])
def test_frequency_weights_have_leverage_too(rng, covariance):
    X, t, y = linear(60, rng)
    counts = rng.integers(1, 4, size=60)
    rows = np.repeat(np.arange(60), counts)
    ols = OLS(covariance=covariance, inference=Asymptotic(weights="frequency"))
    folded = ols.fit(X, y, t=t, sample_weight=counts).effect_
    repeated = OLS(covariance=covariance).fit(X[rows], y[rows], t=t[rows]).effect_
    assert_allclose(folded.std_error, repeated.std_error)
