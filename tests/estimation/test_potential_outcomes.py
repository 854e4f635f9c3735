"""Means at every level and overlap weights: DoubleML on the same folds, definitions, refusals."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from sklearn.base import clone
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.neighbors import KNeighborsClassifier

from causalkit.errors import InputError, OverlapWarning
from causalkit.estimation import AIPW, PLR, Bootstrap
from causalkit.estimation.nuisances.quality import unassessed
from causalkit.estimation.orthogonal.potential_outcomes import PotentialOutcomes
from tests.estimation.simulations import binary, three_arms
from tests.estimation.test_dml import double_ml


def arms_of(rng, n=600):
    X, arm, y = three_arms(n, rng)
    return X, pd.Series(arm, dtype="category", name="arm"), y


def test_means_and_contrasts_are_those_of_double_ml(rng):
    """Nearest neighbours give the same shares for three levels as for one against the rest."""
    X, arms, y = arms_of(rng, 400)
    g, m = Ridge(), KNeighborsClassifier(40)
    means = PotentialOutcomes(g, m, n_folds=3, random_state=0).fit(X, y, t=arms).effect_
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        doubleml = pytest.importorskip("doubleml", exc_type=ImportError)
        data = doubleml.DoubleMLData.from_arrays(X, y, arms.cat.codes.to_numpy().astype(float))
        theirs = doubleml.DoubleMLAPOS(data, g, m, treatment_levels=[0, 1, 2], n_folds=3)
        folds = means[0].details["folds"][0]
        theirs.set_sample_splitting(
            [[(np.flatnonzero(folds != k), np.flatnonzero(folds == k)) for k in range(3)]]
        )
        theirs.fit()
        contrasts = theirs.causal_contrast(reference_levels=[0])
    assert_allclose(means.values, theirs.coef, rtol=1e-8)
    assert_allclose(means.std_errors, theirs.se, rtol=1e-8)
    ours = means.contrasts(base="a")
    assert_allclose(ours.values, contrasts.thetas, rtol=1e-8)
    assert_allclose(ours.std_errors, contrasts.ses, rtol=1e-8)
    assert means.contrasts().labels == ("b − a", "c − a", "c − b")


def test_the_contrast_of_two_levels_is_aipw(rng):
    X, t, y = binary(300, rng)
    learners = LinearRegression(), LogisticRegression()
    means = PotentialOutcomes(*learners, n_repeats=2, random_state=3).fit(X, y, t=t).effect_
    aipw = AIPW(*learners, n_repeats=2, random_state=3).fit(X, y, t=t).effect_
    assert np.array_equal(means[0].details["folds"], aipw.details["folds"])
    assert_allclose(
        means[1].details["repeats"] - means[0].details["repeats"], aipw.details["repeats"]
    )
    single = PotentialOutcomes(*learners, random_state=3).fit(X, y, t=t).effect_
    one = AIPW(*learners, random_state=3).fit(X, y, t=t).effect_
    difference = single.difference("1", "0")
    assert_allclose([difference.value, difference.std_error], [one.value, one.std_error])
    assert "Mean of y if t = 1" in repr(single[1])
    assert "2 mean outcomes" in repr(single)


def test_every_mean_keeps_the_estimator_that_gives_it_alone(rng):
    X, arms, y = arms_of(rng)
    means = PotentialOutcomes(LinearRegression(), LogisticRegression(), random_state=0)
    every = means.fit(X, y, t=arms).effect_
    assert every.reading == "means"
    for label, effect in zip(every.labels, every, strict=True):
        alone = effect.estimator.answer(effect.problem)
        assert_allclose(alone.value, effect.value, rtol=1e-12)
        assert effect.estimator.level == label
    boot = clone(means).set_params(inference=Bootstrap(3, random_state=1))
    resampled = boot.fit(X, y, t=arms).effect_
    assert_allclose(resampled.values, every.values)
    assert resampled[0].influence is None
    with pytest.raises(InputError, match="3 questions"):
        means.solve(every[0].problem)


def test_without_covariates_the_means_are_those_of_the_arms(rng):
    _, arms, y = arms_of(rng)
    means = PotentialOutcomes(random_state=0).fit(None, y, t=arms).effect_
    by_arm = pd.Series(y).groupby(arms, observed=True)
    assert_allclose(means.values, by_arm.mean())
    assert_allclose(means.std_errors, by_arm.std(ddof=0) / np.sqrt(by_arm.size()))
    # Different rows, so nothing is shared.
    assert_allclose(means.covariance - np.diag(means.std_errors**2), 0, atol=1e-12)


def test_overlap_weights_are_double_ml_plr_of_the_composed_outcome(rng):
    X, t, y = binary(400, rng)
    learners = LinearRegression(), LogisticRegression()
    effect = AIPW(*learners, target="ATO", random_state=0).fit(X, y, t=t).effect_
    found = effect.details["predictions"]
    e = found["treatment"][:, 1]
    outcome = e * found["outcome_treated"] + (1 - e) * found["outcome_control"]
    plr = PLR(*learners, random_state=0)
    by_plr = plr.fit(X, y, t=t, supplied={"outcome": outcome, "treatment": e}).effect_
    assert_allclose([effect.value, effect.std_error], [by_plr.value, by_plr.std_error], rtol=1e-10)
    theirs = double_ml("DoubleMLPLR", X, y, t, effect, ml_l=Ridge(), ml_m=LogisticRegression())
    external = {"d": {"ml_l": outcome[:, None], "ml_m": e[:, None]}}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs.fit(external_predictions=external)
    assert_allclose([effect.value, effect.std_error], [theirs.coef[0], theirs.se[0]], rtol=1e-8)


def test_overlap_weights_do_not_mind_poor_overlap(rng):
    X = rng.normal(size=(1000, 1))
    e = 1 / (1 + np.exp(-4 * X[:, 0]))
    t = (rng.random(1000) < e).astype(float)
    y = t * (1 + X[:, 0] ** 2) + X[:, 0] + rng.normal(size=1000)
    learners = LinearRegression(), LogisticRegression(C=100)
    with unassessed():  # the outcome is curved, and the line is on purpose
        overlap = AIPW(*learners, target="ATO", random_state=0).fit(X, y, t=t).effect_
    with pytest.warns(OverlapWarning), unassessed():
        everyone = AIPW(*learners, random_state=0).fit(X, y, t=t).effect_
    grid = np.linspace(-6, 6, 4001)
    p = 1 / (1 + np.exp(-4 * grid))
    weights = p * (1 - p) * np.exp(-(grid**2) / 2)
    truth = np.average(1 + grid**2, weights=weights)
    assert abs(overlap.value - truth) < 4 * overlap.std_error
    assert overlap.std_error < everyone.std_error
    with pytest.raises(InputError, match="'ATO' \\(those who"):
        AIPW(target="ATC").fit(X, y, t=t)


def test_overlap_weights_of_two_among_three_arms(rng):
    X, arms, y = arms_of(rng, 1500)
    aipw = AIPW(LinearRegression(), LogisticRegression(), target="ATO", random_state=0)
    effect = aipw.set_params(contrast=("b", "c")).fit(X, y, t=arms).effect_
    assert abs(effect.value - 2) < 4 * effect.std_error < 0.5


def test_what_means_cannot_answer_is_refused(rng):
    X, arms, y = arms_of(rng, 90)
    with pytest.raises(InputError, match="no such level"):
        PotentialOutcomes(level="d").fit(X, y, t=arms)
    with pytest.raises(InputError, match="DoseResponse"):
        PotentialOutcomes().fit(X, y, t=X[:, 0])
    with pytest.raises(InputError, match="clip"):
        PotentialOutcomes(clip=0.7).fit(X, y, t=arms)
    rare = arms.astype(str)
    rare[:] = np.where(np.arange(90) < 45, "a", "b")
    rare[0] = "c"
    with pytest.raises(InputError, match="one has no spread"):
        PotentialOutcomes().fit(X, y, t=rare.astype("category"))
