"""Outcomes that a model predicted: what is lost, and what corrections bring back."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeRegressor

from causalkit.errors import InputError
from causalkit.estimation import AIPW, IPW, OLS, Matching, QuantileEffects
from causalkit.estimation.measurement.predicted_outcome import (
    LinearCalibration,
    PredictedOutcome,
    TweedieCorrection,
)
from causalkit.estimation.measurement.prediction_powered import PredictionPowered

SHRUNK = 1 / (1 + 0.8**2)


def trial(n, rng):
    """Effect 0.5 on an outcome, and the best prediction of it from a noisy picture."""
    t = rng.integers(2, size=n)
    y = 0.5 * t + rng.normal(size=n)
    return t, y, SHRUNK * (y + 0.8 * rng.normal(size=n))


def held_out(n, rng):
    y = rng.normal(size=n)
    return y, SHRUNK * (y + 0.8 * rng.normal(size=n))


@pytest.mark.parametrize("correction", [LinearCalibration(), TweedieCorrection()])
def test_shrinkage_is_undone_without_labels_in_the_trial(rng, correction):
    """The check of the method: 0.50 truly, 0.30 naively."""
    t, _, predicted = trial(20_000, rng)
    fitted = correction.fit(*held_out(20_000, rng))
    effect = PredictedOutcome(fitted, n_resamples=50, random_state=0).fit(None, predicted, t=t)
    assert_allclose(effect.effect_.details["uncorrected"], 0.5 * SHRUNK, atol=0.03)
    assert_allclose(effect.effect_.value, 0.5, atol=0.05)


def test_linear_calibration_is_a_ratio_with_the_error_of_both_parts(rng):
    t, _, predicted = trial(400, rng)
    labels = held_out(200, rng)
    fitted = LinearCalibration().fit(*labels)
    slope = np.polyfit(labels[0], labels[1], 1)[0]
    naive = OLS().fit(None, predicted, t=t).effect_
    effect = PredictedOutcome(fitted, n_resamples=600, random_state=0)
    effect = effect.fit(None, predicted, t=t).effect_
    assert_allclose(effect.value, naive.value / slope)
    residual = labels[1] - np.polyval(np.polyfit(labels[0], labels[1], 1), labels[0])
    x = labels[0] - labels[0].mean()
    error = np.sqrt(np.sum((x * residual) ** 2)) / np.sum(x**2)
    by_hand = np.hypot(naive.std_error / slope, naive.value * error / slope**2)
    assert_allclose(effect.std_error, by_hand, rtol=0.08)
    assert effect.details["calibration_error"] > 0


def test_gaussian_predictions_have_one_correction_only(rng):
    y, predicted = held_out(50_000, rng)
    linear = LinearCalibration().fit(y, predicted).correct(predicted)
    tweedie = TweedieCorrection().fit(y, predicted).correct(predicted)
    middle = np.abs(predicted) < 1.2
    assert_allclose(tweedie[middle], linear[middle], atol=0.1)


def test_a_prediction_far_from_all_others_is_corrected_too(rng):
    y, predicted = held_out(2000, rng)
    tweedie = TweedieCorrection().fit(y, predicted)
    alone, among = tweedie.correct(predicted), tweedie.correct(np.append(predicted, 100.0))
    assert np.isfinite(among).all()
    middle = np.abs(predicted) < 1.2
    assert_allclose(among[:-1][middle], alone[middle], atol=0.15)


def test_what_was_learnt_from_labels_survives_cloning(rng):
    correction = LinearCalibration().fit(*held_out(50, rng))
    estimator = PredictedOutcome(correction, OLS(), random_state=0)
    assert clone(estimator).correction.slope_ == correction.slope_
    t, _, predicted = trial(100, rng)
    effect = estimator.fit(None, predicted, t=t).effect_
    again = effect.estimator.solve(effect.problem)
    assert (again.value, again.std_error) == (effect.value, effect.std_error)


@pytest.mark.parametrize("estimator", [OLS(), IPW()], ids=str)
def test_prediction_powered_is_unbiased_and_sharper_than_labels_alone(rng, estimator):
    values, errors = {0.0: [], "variance": []}, {0.0: [], "variance": []}
    for _ in range(60):
        t, y, predicted = trial(800, rng)
        known = rng.random(800) < 0.2
        X = rng.normal(size=(800, 1))
        for tuning in values:
            powered = PredictionPowered(estimator, tuning=tuning)
            effect = powered.fit(
                X, np.where(known, y, 0.0), t=t, predicted=predicted + 3, labelled=known
            ).effect_
            values[tuning].append(effect.value)
            errors[tuning].append(effect.std_error)
    assert abs(np.mean(values["variance"]) - 0.5) < 4 * np.std(values["variance"]) / np.sqrt(60)
    assert np.mean(errors["variance"]) < 0.85 * np.mean(errors[0.0])
    assert_allclose(np.std(values["variance"]), np.mean(errors["variance"]), rtol=0.3)


def test_labels_of_all_rows_make_predictions_idle(rng):
    t, y, predicted = trial(100, rng)
    known = np.ones(100)
    known[:1] = 0
    powered = PredictionPowered(OLS(), tuning="none")
    effect = powered.fit(None, y, t=t, predicted=predicted, labelled=known).effect_
    assert_allclose(effect.value, OLS().fit(None, y, t=t).effect_.value, atol=0.1)


@pytest.mark.parametrize("dose", [False, True])
def test_without_predictions_it_is_least_squares_on_the_labelled_rows(rng, dose):
    """What treatment and covariates explain is not drawn by labels, however large it is."""
    X = rng.normal(size=(600, 2))
    t = rng.normal(size=600) if dose else rng.integers(2, size=600)
    y = 5 * t + 3 * X[:, 0] + rng.normal(size=600)
    known = rng.random(600) < 0.2
    powered = PredictionPowered(tuning=0.0)
    alone = powered.fit(
        X, np.where(known, y, 0.0), t=t, predicted=rng.normal(size=600), labelled=known
    ).effect_
    share = 1.0 if dose else np.array([known[t == arm].mean() for arm in (0, 1)])[t]
    labelled = OLS().fit(
        X[known], y[known], t=t[known], sample_weight=(np.ones(600) / share)[known]
    )
    assert_allclose(alone.value, labelled.effect_.value, rtol=1e-9)
    assert_allclose(alone.std_error, labelled.effect_.std_error, rtol=0.25)


def test_few_labels_and_many_columns_do_not_feign_precision(rng):
    X, t = rng.normal(size=(2000, 10)), rng.integers(2, size=2000)
    errors, values = [], []
    for _ in range(40):
        y = t + rng.normal(size=2000)
        known = rng.permutation(2000) < 70
        effect = PredictionPowered().fit(
            X, np.where(known, y, 0.0), t=t, predicted=rng.normal(size=2000), labelled=known
        )
        values.append(effect.effect_.value)
        errors.append(effect.effect_.std_error)
    assert np.mean(errors) > 0.7 * np.std(values)


def test_useless_predictions_do_no_harm(rng):
    t, y, _ = trial(2000, rng)
    known = rng.random(2000) < 0.3
    effect = (
        PredictionPowered()
        .fit(None, np.where(known, y, 0), t=t, predicted=rng.normal(size=2000), labelled=known)
        .effect_
    )
    assert effect.details["tuning"] < 0.2


def test_what_is_refused(rng):
    y, predicted = held_out(40, rng)
    t = rng.integers(2, size=40)
    known = rng.random(40) < 0.5
    cases = [
        (lambda: LinearCalibration().fit(y, -predicted), "next to nothing"),
        (lambda: LinearCalibration().fit(y[:3], predicted[:3]), "at least 10"),
        (lambda: LinearCalibration().fit(y, np.ones(40)), "one value only"),
        (lambda: TweedieCorrection().fit(y, predicted * np.nan), "NaN or infinity"),
        (lambda: TweedieCorrection(-1.0).fit(y, predicted), "bandwidth"),
        (lambda: PredictedOutcome(LinearCalibration()).fit(None, y, t=t), "is fitted"),
        (lambda: PredictionPowered().fit(None, y, t=t, predicted=predicted), "no labelled"),
        (
            lambda: PredictionPowered().fit(
                None, y, t=t, predicted=predicted, labelled=rng.normal(size=40)
            ),
            "labelled holds other than zeros",
        ),
        (
            lambda: PredictionPowered().fit(
                None, y, t=t, predicted=predicted, labelled=np.arange(40) < 3
            ),
            "are labelled",
        ),
        (
            lambda: PredictionPowered(tuning="best").fit(
                None, y, t=t, predicted=predicted, labelled=known
            ),
            "tuning",
        ),
    ]
    for ask, words in cases:
        with pytest.raises(InputError, match=words):
            ask()


def test_quantiles_of_a_sum_are_refused_and_any_average_is_taken(rng):
    t, y, predicted = trial(1500, rng)
    known = rng.random(1500) < 0.3
    roles = {"t": t, "predicted": predicted, "labelled": known}
    X = rng.normal(size=(1500, 1))
    with pytest.raises(InputError, match="of an average effect"):
        PredictionPowered(QuantileEffects(quantiles=0.3)).fit(X, y, **roles)
    trees = DecisionTreeRegressor(max_depth=3)
    for estimator in (AIPW(trees, LogisticRegression()), Matching(target="ATE")):
        powered = PredictionPowered(estimator, random_state=0).fit(X, y, **roles)
        assert abs(powered.effect_.value - 0.5) < 4 * powered.effect_.std_error
        assert powered.effect_.std_error < 0.2


def test_unlabelled_outcomes_may_be_missing(rng):
    y = pd.Series(rng.normal(size=200), name="income", index=rng.permutation(200))
    t, known = rng.integers(2, size=200), np.arange(200) % 2 == 0
    given = {"t": t, "predicted": 0.5 * y.to_numpy(), "labelled": known}
    effect = PredictionPowered().fit(None, y.where(known), **given).effect_
    full = PredictionPowered().fit(None, y, **given).effect_
    assert (effect.value, effect.std_error) == (full.value, full.std_error)
    with pytest.raises(InputError, match="y is missing in 1 row"):
        PredictionPowered().fit(None, y.where(known & (np.arange(200) > 1)), **given)
