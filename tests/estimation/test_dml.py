"""AIPW and PLR: exactly DoubleML on the same folds, close to econml, and what they refuse."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from joblib import parallel_config
from numpy.testing import assert_allclose
from sklearn.base import clone
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.linear_model import LassoCV, LinearRegression, LogisticRegression, Ridge
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from causalkit.errors import InputError, NumericalError, OverlapWarning
from causalkit.estimation import AIPW, PLR, Bootstrap, standard_error
from tests.estimation.simulations import binary, linear, three_arms

# Small forests and far too simple learners: what counts here is agreement, not the effect.
pytestmark = pytest.mark.filterwarnings("ignore::causalkit.errors.NuisanceWarning")

LEARNERS = {
    "linear": (Ridge(), LogisticRegression()),
    "forest": (
        RandomForestRegressor(10, min_samples_leaf=10, random_state=3),
        RandomForestClassifier(10, min_samples_leaf=10, random_state=4),
    ),
}


def double_ml(model, X, y, t, effect, clusters=None, **options):
    """Fit a model of DoubleML on the folds that `effect` used."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        doubleml = pytest.importorskip("doubleml", exc_type=ImportError)
        data = doubleml.DoubleMLData.from_arrays(X, y, t)
        folds = effect.details["folds"]
        theirs = getattr(doubleml, model)(
            data, n_folds=int(folds.max()) + 1, n_rep=len(folds), **options
        )
        theirs.set_sample_splitting(
            [
                [(np.flatnonzero(f != k), np.flatnonzero(f == k)) for k in np.unique(f)]
                for f in folds
            ]
        )
        theirs.fit()
    return theirs


@pytest.mark.filterwarnings("ignore::causalkit.errors.NuisanceWarning")
@pytest.mark.parametrize("learners", LEARNERS)
@pytest.mark.parametrize(("target", "score"), [("ATE", "ATE"), ("ATT", "ATTE")])
def test_aipw_is_double_ml_irm(rng, learners, target, score):
    X, t, y = binary(400, rng)
    g, m = LEARNERS[learners]
    effect = AIPW(g, m, target=target, random_state=1).fit(X, y, t=t).effect_
    theirs = double_ml("DoubleMLIRM", X, y, t, effect, ml_g=g, ml_m=m, score=score)
    assert_allclose([effect.value, effect.std_error], [theirs.coef[0], theirs.se[0]], rtol=1e-8)


@pytest.mark.filterwarnings("ignore::causalkit.errors.NuisanceWarning")
@pytest.mark.parametrize("learners", LEARNERS)
@pytest.mark.parametrize("score", ["partialling-out", "IV-type"])
def test_plr_is_double_ml_plr(rng, learners, score):
    X, t, y = linear(400, rng)
    g, _ = LEARNERS[learners]
    effect = PLR(g, g, score=score, random_state=1).fit(X, y, t=t).effect_
    options = {"ml_g": g, "score": score} if score == "IV-type" else {}
    theirs = double_ml("DoubleMLPLR", X, y, t, effect, ml_l=g, ml_m=g, **options)
    assert_allclose([effect.value, effect.std_error], [theirs.coef[0], theirs.se[0]], rtol=1e-8)


def test_binary_outcome_and_binary_plr_are_double_ml(rng):
    X, t, y = binary(500, rng)
    y = (y > 0.5).astype(float)
    logit = LogisticRegression()
    effect = AIPW(logit, logit, random_state=1).fit(X, y, t=t).effect_
    theirs = double_ml("DoubleMLIRM", X, y, t, effect, ml_g=logit, ml_m=logit)
    assert_allclose([effect.value, effect.std_error], [theirs.coef[0], theirs.se[0]], rtol=1e-8)
    effect = PLR(Ridge(), logit, random_state=1).fit(X, y, t=t).effect_
    theirs = double_ml("DoubleMLPLR", X, y, t, effect, ml_l=Ridge(), ml_m=logit)
    assert_allclose([effect.value, effect.std_error], [theirs.coef[0], theirs.se[0]], rtol=1e-8)


def test_repeats_take_the_median_as_double_ml(rng):
    X, t, y = linear(200, rng)
    effect = PLR(Ridge(), Ridge(), n_repeats=5, random_state=1).fit(X, y, t=t).effect_
    theirs = double_ml("DoubleMLPLR", X, y, t, effect, ml_l=Ridge(), ml_m=Ridge())
    assert_allclose(effect.details["repeats"], theirs.all_coef[0], rtol=1e-8)
    assert_allclose(effect.value, theirs.coef[0], rtol=1e-8)
    # Definition 3.3 of the paper; DoubleML takes the median of upper bounds instead.
    spread = (theirs.all_coef[0] - theirs.coef[0]) ** 2
    assert_allclose(effect.std_error**2, np.median(theirs.all_se[0] ** 2 + spread), rtol=1e-8)
    assert_allclose(standard_error(effect.influence), effect.std_error, rtol=1e-12)


def test_clusters_agree_with_double_ml(rng):
    doubleml = pytest.importorskip("doubleml", exc_type=ImportError)
    X, t, y = linear(400, rng)
    groups = rng.integers(40, size=400)
    y = y + rng.normal(size=40)[groups]
    effect = PLR(Ridge(), Ridge(), random_state=1).fit(X, y, t=t, groups=groups).effect_
    folds = effect.details["folds"][0]
    frame = pd.DataFrame(X).add_prefix("x").assign(y=y, d=t, g=groups)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        data = doubleml.DoubleMLData(frame, "y", "d", cluster_cols="g")
        theirs = doubleml.DoubleMLPLR(data, Ridge(), Ridge(), n_folds=5)
        cluster_smpls = [
            [([np.unique(groups[folds != k])], [np.unique(groups[folds == k])]) for k in range(5)]
        ]
        smpls = [[(np.flatnonzero(folds != k), np.flatnonzero(folds == k)) for k in range(5)]]
        theirs.set_sample_splitting(smpls, cluster_smpls)
        theirs.fit()
    assert_allclose(effect.value, theirs.coef[0], rtol=1e-8)
    # DoubleML has no small-sample factor.
    assert_allclose(effect.std_error * np.sqrt(39 / 40), theirs.se[0], rtol=1e-8)


def test_plr_is_close_to_econml(rng):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import econml.dml as dml

        X, t, y = linear(1000, rng)
        theirs = dml.LinearDML(
            model_y=Ridge(), model_t=Ridge(), cv=5, random_state=0, fit_cate_intercept=True
        ).fit(y, t, X=None, W=X)
        inference = theirs.ate_inference()
        point = float(np.ravel(inference.mean_point)[0])
        std_error = float(np.ravel(inference.stderr_mean)[0])
    ours = PLR(Ridge(), Ridge(), random_state=0).fit(X, y, t=t).effect_
    # Other folds, and econml's final stage has an intercept.
    assert abs(ours.value - point) < 0.15 * ours.std_error
    assert_allclose(ours.std_error, std_error, rtol=0.02)


@pytest.mark.parametrize("target", ["ATE", "ATT"])
def test_several_arms(rng, target):
    X, arm, y = three_arms(3000, rng)
    arms = pd.Series(arm, dtype="category", name="arm")
    aipw = AIPW(LinearRegression(), LogisticRegression(), target=target, random_state=0)
    effect = aipw.set_params(contrast=("b", "c")).fit(X, y, t=arms).effect_
    assert abs(effect.value - 2) < 4 * effect.std_error < 0.5
    each = aipw.set_params(contrast="each").fit(X, y, t=arms).effect_
    assert_allclose([e.value for e in each], [1, 3], atol=0.3)
    assert each.labels == ("b − a", "c − a")
    assert "2 effects" in repr(each)


def test_without_covariates_aipw_is_the_difference_in_means(rng):
    _, t, y = binary(100, rng)
    for target in ("ATE", "ATT"):
        effect = AIPW(target=target, random_state=0).fit(None, y, t=t).effect_
        assert_allclose(effect.value, y[t == 1].mean() - y[t == 0].mean())
    slope = PLR(random_state=0).fit(None, y, t=t).effect_
    assert_allclose(slope.value, effect.value)


def test_repeated_runs_and_n_jobs_agree(rng):
    X, t, y = binary(200, rng)
    g, m = (learner.set_params(random_state=None) for learner in map(clone, LEARNERS["forest"]))
    one = AIPW(g, m, n_repeats=2, random_state=5).fit(X, y, t=t).effect_
    with parallel_config(backend="threading"):
        two = AIPW(g, m, n_repeats=2, random_state=5, n_jobs=2).fit(X, y, t=t).effect_
    other = AIPW(g, m, n_repeats=2, random_state=6).fit(X, y, t=t).effect_
    assert (one.value, one.std_error) == (two.value, two.std_error)
    assert one.value != other.value


def test_weights_reach_the_learners(rng):
    X, t, y = binary(400, rng)
    w = np.where(X[:, 2] > 0, 1.0, 0.0)
    pipeline = make_pipeline(StandardScaler(), LinearRegression())
    keep = w > 0
    aipw = AIPW(pipeline, LogisticRegression(), random_state=0)
    weighted = aipw.fit(X, y, t=t, sample_weight=w).effect_
    assert abs(weighted.value - 1) < 5 * weighted.std_error
    folds = weighted.details["folds"][0]
    subset = aipw.fit(X[keep], y[keep], t=t[keep]).effect_
    assert abs(weighted.value - subset.value) < weighted.std_error
    assert folds.shape == (400,)
    with pytest.raises(InputError, match="cannot use them"):
        AIPW(KNeighborsRegressor(), LogisticRegression()).fit(X, y, t=t, sample_weight=w)


def test_the_bootstrap_keeps_copies_in_one_fold(rng):
    X, t, y = binary(150, rng)
    one_neighbour = KNeighborsRegressor(1)
    boot = Bootstrap(20, random_state=0)
    fitted = PLR(Ridge(), Ridge(), inference=boot, random_state=0).fit(X, y, t=t).effect_
    assert fitted.influence is None
    assert len(fitted.details["resamples"]) == 20
    assert "bootstrap" in fitted.method
    # A copy in another fold would let one neighbour see the outcome, and the spread collapse.
    honest = PLR(one_neighbour, one_neighbour, random_state=0).fit(X, y, t=X[:, 0] + t).effect_
    again = PLR(one_neighbour, one_neighbour, inference=boot, random_state=0)
    resampled = again.fit(X, y, t=X[:, 0] + t).effect_
    assert resampled.std_error > 0.5 * honest.std_error


def test_wrong_learners_are_named(rng):
    X, t, y = binary(100, rng)
    refused = [
        (AIPW(Ridge(), Ridge()), t, "Use a classifier"),
        (AIPW(LogisticRegression(), LogisticRegression()), t, "Use a regressor"),
        (AIPW(Ridge, LogisticRegression()), t, "not a class"),
        (AIPW("forest"), t, "expected a scikit-learn"),
        (AIPW(Ridge(), LinearSVC()), t, "CalibratedClassifierCV"),
        (PLR(Ridge(), LogisticRegression()), X[:, 0], "Use a regressor"),
        (PLR(score="naive"), t, "score"),
        (AIPW(n_folds=1), t, "n_folds"),
        (AIPW(), X[:, 0], "AIPW needs a binary or categorical one. Use PLR"),
    ]
    for estimator, treatment, message in refused:
        with pytest.raises(InputError, match=message):
            estimator.fit(X, y, t=treatment)
    arms = pd.Series(np.array(["a", "b", "c"])[rng.integers(3, size=100)], dtype="category")
    with pytest.raises(InputError, match=r"AIPW\(contrast"):
        PLR().fit(X, y, t=arms)


def test_too_few_rows_in_an_arm(rng):
    X, _, y = binary(60, rng)
    lonely = np.zeros(60)
    lonely[[7, 8]] = 1
    with pytest.raises(InputError, match="outside one fold"):
        AIPW(Ridge(), LogisticRegression(), random_state=0).fit(X, y, t=lonely)
    lonely[8] = 0
    with pytest.raises(InputError, match="one has no spread"):
        AIPW(Ridge(), LogisticRegression(), random_state=0).fit(X, y, t=lonely)
    with pytest.raises(InputError, match="folds"):
        AIPW(Ridge(), LogisticRegression()).fit(X[:4], y[:4], t=[0, 1, 0, 1])
    with pytest.raises(InputError, match="clusters for 5 folds"):
        PLR(Ridge(), Ridge()).fit(X, y, t=X[:, 0], groups=np.arange(60) % 3)


def test_separated_arms_are_not_silent(rng):
    X = rng.normal(size=(600, 3))
    t = (X[:, 0] > 0).astype(float)
    y = X[:, 0] + rng.normal(size=600)
    with pytest.warns(OverlapWarning):
        AIPW(Ridge(), RandomForestClassifier(20), random_state=0).fit(X, y, t=t)


def test_a_determined_treatment_is_not_silent(rng):
    X, _, y = linear(300, rng)
    exact = PLR(LinearRegression(), LinearRegression(), random_state=0)
    nearly = X[:, 0] + 0.01 * rng.normal(size=300)
    with pytest.warns(OverlapWarning, match="left after adjustment"):
        exact.fit(X, y, t=nearly)
    with pytest.raises(NumericalError, match="left after adjustment"):
        exact.fit(X, y, t=X @ [1, 2, 3.0])


def test_a_rare_outcome_that_is_constant_in_an_arm(rng):
    X, t, _ = binary(300, rng)
    y = np.where(t == 1, rng.integers(2, size=300), 0).astype(float)
    effect = AIPW(LogisticRegression(), LogisticRegression(), random_state=0).fit(X, y, t=t).effect_
    assert abs(effect.value - 0.5) < 5 * effect.std_error


def test_failing_learners_are_named(rng):
    X, t, y = linear(100, rng)
    with pytest.raises(NumericalError, match="learner of outcome failed"):
        PLR(LassoCV(cv=500), Ridge(), random_state=0).fit(X, y, t=t)


@pytest.mark.parametrize(
    ("supplied", "message"),
    [
        ({"outcome_ctrl": np.zeros(80)}, "nothing in AIPW is called"),
        ({"treatment": np.full(80, 0.5)}, r"shape \(80,\)"),
        ({"outcome_control": np.zeros((80, 2))}, r"shape \(80, 2\)"),
        ({"treatment": np.full((80, 2), 7.0)}, "no probabilities"),
        ({"treatment": np.full((80, 2), 0.2)}, "add up to one"),
    ],
)
def test_supplied_predictions_that_cannot_be_meant_are_refused(rng, supplied, message):
    X, t = rng.normal(size=(80, 1)), np.arange(80) % 2
    aipw = AIPW(LinearRegression(), LogisticRegression(), random_state=0)
    with pytest.raises(InputError, match=message):
        aipw.fit(X, X[:, 0] + rng.normal(size=80), t=t, supplied=supplied)


def test_repeats_of_an_effect_without_noise(rng):
    X, t = rng.normal(size=(80, 1)), np.arange(80) % 2
    aipw = AIPW(LinearRegression(), LogisticRegression(), n_repeats=3, random_state=0)
    effect = aipw.fit(X, np.where(t == 1, 2.0, 1.0), t=t).effect_
    assert_allclose((effect.value, effect.std_error), (1.0, 0.0), atol=1e-9)
