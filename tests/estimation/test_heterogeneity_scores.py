"""Scores, best linear predictor, calibration and groups, against regressions and definitions."""

from __future__ import annotations

import inspect

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from numpy.testing import assert_allclose
from scipy.stats import norm
from sklearn.linear_model import LinearRegression, LogisticRegression

from causalkit.errors import InputError
from causalkit.estimation import (
    AIPW,
    IPW,
    OLS,
    Asymptotic,
    ConditionalEffects,
    EffectScores,
    EffectSet,
    calibrate_effects,
    effect_scores,
    group_effects,
    policy_value,
    project_effects,
    rank_weighted_effect,
)
from causalkit.estimation.heterogeneity._joint import chi_square_tail
from causalkit.estimation.simultaneous import sup_quantile
from tests.estimation.simulations import binary, three_arms

AIPW_ = AIPW(LinearRegression(), LogisticRegression(), random_state=0)


def test_scores_average_to_the_effect_and_its_error(rng):
    X, t, y = binary(300, rng)
    weights, groups = rng.random(300), rng.integers(60, size=300)
    effect = AIPW_.fit(X, y, t=t, sample_weight=weights, groups=groups).effect_
    scores = effect_scores(effect)
    assert_allclose(scores.mean(scores.values), effect.value, rtol=1e-12)
    spread = scores.covariance((scores.values - effect.value)[:, None])
    assert_allclose(np.sqrt(spread[0, 0]), effect.std_error, rtol=1e-12)
    assert_allclose(scores.values, scores.arms[:, 1] - scores.arms[:, 0])
    assert "300 rows" in repr(scores)


def test_scores_keep_what_the_effect_knows_of_its_rows(rng):
    X, t, y = binary(200, rng)
    for options, inference in (
        ({"groups": rng.integers(15, size=(200, 2))}, None),
        ({"sample_weight": rng.integers(1, 4, size=200)}, Asymptotic(weights="frequency")),
    ):
        aipw = AIPW(LinearRegression(), LogisticRegression(), inference=inference, random_state=0)
        effect = aipw.fit(X, y, t=t, **options).effect_
        scores = effect_scores(effect)
        again = scores.effect(effect.value, scores.values - effect.value, "mean")
        assert_allclose([again.std_error], [effect.std_error])
        assert again.df == effect.df
        assert scores.rows(np.arange(100)).n_obs == 100
    two = project_effects(X, rng.normal(size=200), clusters=rng.integers(9, size=(200, 2)))
    assert two.df == 8


def test_what_is_judged_comes_before_its_scores(rng):
    X, t, y = binary(200, rng)
    effect = AIPW(LinearRegression(), LogisticRegression(), random_state=0)
    effect = effect.fit(X, y, t=t).effect_
    decide = np.ones(200)
    for judge, judged in (
        (project_effects, X),
        (group_effects, X[:, 0]),
        (calibrate_effects, X[:, 0]),
        (rank_weighted_effect, X[:, 0]),
        (policy_value, decide),
    ):
        assert np.isfinite(judge(judged, effect).to_frame().to_numpy(dtype=float)).any()
        assert list(inspect.signature(judge).parameters)[1] == "scores"
        for scores in (effect, effect_scores(effect)):
            with pytest.raises(InputError, match="Exchange the two"):
                judge(scores, judged)


def test_scores_of_all_levels(rng):
    X, t, y = three_arms(600, rng)
    t = pd.Categorical(t)
    effects = AIPW(LinearRegression(), LogisticRegression(), contrast="each", random_state=0)
    effects = effects.fit(X, y, t=t).effect_
    scores = effect_scores(effects)
    assert scores.levels == ("a", "b", "c")
    means = scores.arms.mean(axis=0)
    assert_allclose(means[1:] - means[0], [effect.value for effect in effects], rtol=1e-12)
    for given in (effects, scores):
        with pytest.raises(InputError, match="3 levels"):
            project_effects(X, given)
    assert project_effects(X, effects["b − a"]).n_obs == 600
    with pytest.raises(InputError, match="alternatives"):
        effect_scores(EffectSet(effects.effects, effects.labels))
    with pytest.raises(InputError, match="bring their own"):
        project_effects(X, effects[0], sample_weight=np.ones(600))


def test_effects_without_scores_are_refused(rng):
    X, y = rng.normal(size=(200, 2)), rng.normal(size=200)
    t = rng.random(200) < 0.5
    for estimator in (OLS(), IPW(), AIPW(LinearRegression(), LogisticRegression(), target="ATT")):
        with pytest.raises(InputError, match="no doubly robust scores"):
            effect_scores(estimator.fit(X, y, t=t).effect_)
    for scores in ([1.0], [1.0, np.nan], "none", np.zeros((3, 2))):
        with pytest.raises(InputError, match="cannot be used"):
            project_effects(np.zeros((2, 1)), scores)


def test_the_best_linear_predictor_is_least_squares_with_hc3(rng):
    X, scores = rng.normal(size=(60, 2)) * [1, 1e4], rng.standard_t(4, size=60)
    ours = project_effects(X, scores)
    theirs = sm.OLS(scores, sm.add_constant(X)).fit(cov_type="HC3")
    assert_allclose(ours.values, theirs.params, rtol=1e-8)
    assert_allclose(ours.covariance, theirs.cov_params(), rtol=1e-8, atol=1e-16)
    wald = theirs.wald_test(np.eye(3)[1:], use_f=False, scalar=True)
    assert_allclose(ours.heterogeneity_p_value, wald.pvalue, rtol=1e-6)
    weights = rng.random(60)
    ours = project_effects(X, scores, sample_weight=weights)
    theirs = sm.WLS(scores, sm.add_constant(X), weights=weights).fit(cov_type="HC3")
    assert_allclose(ours.values, theirs.params, rtol=1e-8)
    assert_allclose(ours.std_errors, theirs.bse, rtol=1e-8)


def test_the_best_linear_predictor_clusters(rng):
    X, scores, groups = rng.normal(size=(80, 2)), rng.normal(size=80), np.repeat(np.arange(16), 5)
    ours = project_effects(X, scores, clusters=groups)
    theirs = sm.OLS(scores, sm.add_constant(X)).fit(
        cov_type="cluster", cov_kwds={"groups": groups}, use_t=True
    )
    assert_allclose(ours.std_errors, theirs.bse, rtol=1e-8)
    assert_allclose([ours.p_value(name) for name in ours.names], theirs.pvalues, rtol=1e-6)
    assert "clustered, 16" in repr(ours)


def test_lines_and_bands(rng):
    age = rng.normal(size=200)
    line = project_effects({"age": age, "age2": age**2}, 1 + age + rng.normal(size=200))
    at = np.column_stack([[0.0, 1.0], [0.0, 1.0]])
    alone, joint = line.band(at, joint=False), line.band(at)
    assert (joint[:, 0] < alone[:, 0]).all()
    assert (joint[:, 1] > alone[:, 1]).all()
    assert_allclose(alone[0], list(line.interval("constant")), rtol=1e-12)
    assert_allclose(line.predict(at)[0], line.values[0])
    assert list(line.to_frame().index) == ["constant", "age", "age2"]
    one_sided = line.p_value("age", alternative="greater")
    assert_allclose(one_sided, line.p_value("age") / 2)
    assert_allclose(line.p_value("age", 10, alternative="greater"), 1, atol=1e-9)
    for wrong in (lambda: line.interval("income"), lambda: line.predict([[1.0]])):
        with pytest.raises(InputError):
            wrong()
    with pytest.raises(InputError, match="alternative"):
        line.p_value("age", alternative="less")


def test_collinear_columns_are_named(rng):
    age = rng.normal(size=50)
    with pytest.raises(InputError, match="'double'"):
        project_effects({"age": age, "double": 2 * age + 1}, rng.normal(size=50))
    with pytest.raises(InputError, match="50 rows"):
        project_effects({"age": age}, rng.normal(size=40))


def test_calibration_is_the_regression_on_mean_and_deviation(rng):
    guess, noise = rng.random(100), rng.normal(size=100)
    scores = 1 + 0.5 * guess + noise
    found = calibrate_effects(guess, scores)
    design = np.column_stack([np.full(100, guess.mean()), guess - guess.mean()])
    theirs = sm.OLS(scores, design).fit(cov_type="HC3")
    assert_allclose(found.values, theirs.params, rtol=1e-10)
    assert_allclose(found.std_errors, theirs.bse, rtol=1e-8)
    assert_allclose(found.values[0], scores.mean() / guess.mean())
    assert_allclose(
        found.to_frame()["p_value"]["spread"],
        2 * norm.sf(abs(theirs.params[1] - 1) / theirs.bse[1]),
    )
    effects = ConditionalEffects(guess, None, guess[:, None], ("x",))
    assert_allclose(calibrate_effects(effects, scores).values, found.values)
    for wrong in (np.ones(100), np.ones(3), guess * np.nan):
        with pytest.raises(InputError):
            calibrate_effects(wrong, scores)


def test_group_effects_are_means_of_groups(rng):
    scores, by = rng.normal(size=90), np.array(["a", "b", "c"])[rng.integers(3, size=90)]
    found = group_effects(by, scores)
    for k, label in enumerate(found.labels):
        part = scores[by == label]
        assert_allclose(found.values[k], part.mean())
        assert_allclose(found.std_errors[k], part.std(ddof=1) / np.sqrt(len(part)))
    last = found.difference()
    assert_allclose(last.value, found.values[2] - found.values[0])
    assert_allclose(last.std_error**2, found.std_errors[0] ** 2 + found.std_errors[2] ** 2)
    assert_allclose(found.difference("a", "c").value, -last.value)
    assert [effect.method for effect in found] == ["a", "b", "c"]
    whole, own = np.diff(found.interval())[:, 0], np.diff(found.interval(joint=False))[:, 0]
    exact = norm.ppf((1 + 0.95 ** (1 / 3)) / 2) / norm.ppf(0.975)
    assert_allclose(whole / own, exact, rtol=0.01)
    assert list(found.to_frame()["n_obs"]) == [int((by == label).sum()) for label in "abc"]


def test_slices_by_predicted_effect(rng):
    guess = rng.random(100)
    found = group_effects(guess, guess, n_groups=4)
    assert found.sorted
    assert found.n_rows == (25, 25, 25, 25)
    assert_allclose(found.values, np.sort(guess).reshape(4, 25).mean(axis=1))
    assert_allclose(found.rearranged()[:, 0], found.values)
    assert found.heterogeneity_p_value < 1e-6
    # Out of fold, slices are taken within folds: what one fold adds to all its rows is no slice.
    folds = np.repeat([0, 1], 50)
    effects = ConditionalEffects(
        guess + 10 * folds, None, guess[:, None], ("x",), folds=folds, rows=np.arange(100)
    )
    per_fold = group_effects(effects, guess, n_groups=5)
    assert_allclose(per_fold.n_rows, 20)
    # Equal predictions stay together.
    steps = np.repeat([0.0, 1.0, 2.0, 3.0, *np.linspace(4, 5, 8)], [40, 30, 20, 10, *[1] * 8])
    ties = group_effects(steps, rng.normal(size=108), n_groups=3)
    assert sum(ties.n_rows) == 108
    assert {40, 30} <= set(ties.n_rows)


def test_what_makes_no_groups(rng):
    scores = rng.normal(size=20)
    with pytest.raises(InputError, match="at least two"):
        group_effects(["a"] * 19 + ["b"], scores)
    with pytest.raises(InputError, match="at least two"):
        group_effects(["a"] * 20, scores)
    with pytest.raises(InputError, match="shape"):
        group_effects(["a"] * 3, scores)
    found = group_effects(["a"] * 10 + ["b"] * 10, scores)
    for wrong in (("a", "a"), ("z", "a"), (5, 0)):
        with pytest.raises(InputError):
            found.difference(*wrong)


def test_joint_bands_are_wider_the_fewer_the_clusters(rng):
    scores, by = rng.normal(size=200), np.arange(200) % 4
    clustered = group_effects(by, scores, clusters=np.arange(200) // 20)
    alone = clustered.interval(joint=False)
    assert (np.diff(clustered.interval()) > np.diff(alone)).all()
    factor = np.diff(clustered.interval())[:, 0] / 2 / clustered.std_errors
    assert_allclose(factor, sup_quantile(clustered.covariance, 0.95, 9))
    line = project_effects(by[:, None], scores, clusters=np.arange(200) // 20)
    at = np.array([[0.0], [1.0], [3.0]])
    assert (np.diff(line.band(at)) > np.diff(line.band(at, joint=False))).all()


def test_tails_of_several_estimates():
    assert chi_square_tail(np.array([1.96]), np.eye(1), None) == pytest.approx(0.05, abs=1e-4)
    assert np.isnan(chi_square_tail(np.zeros(1), np.zeros((1, 1)), None))


def test_scores_of_some_rows(rng):
    X, t, y = binary(100, rng)
    groups = np.repeat(np.arange(20), 5)
    scores = effect_scores(AIPW_.fit(X, y, t=t, groups=groups).effect_)
    few = scores.rows(np.arange(50, 100))
    assert few.n_obs == 50
    assert few.df == 9
    assert EffectScores(np.arange(4.0)).rows(np.array([True, False, True, False])).n_obs == 2


def test_categories_keep_the_order_that_they_were_given(rng):
    t = rng.integers(2, size=120)
    sizes = pd.Categorical(rng.choice(["low", "mid", "high"], 120), ["low", "mid", "high"])
    effect = AIPW(random_state=0).fit(None, t + rng.normal(size=120), t=t).effect_
    found = group_effects(pd.Series(sizes), effect_scores(effect))
    assert found.labels == ("low", "mid", "high")
    assert found.n_rows == tuple(int((sizes == name).sum()) for name in found.labels)
