"""How often 95 % intervals of weighting, matching and measurement cover, in 500 samples each.

A share of 500 has a Monte Carlo standard error of 0.97 points at 95 %: 92 to 97.5 % is accepted.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from causalkit.estimation import IPW, OLS, Powers
from causalkit.estimation.measurement.predicted_outcome import (
    LinearCalibration,
    PredictedOutcome,
    TweedieCorrection,
)
from causalkit.estimation.measurement.prediction_powered import PredictionPowered
from causalkit.estimation.weighting.balancing import CBPS, EntropyBalancing
from causalkit.estimation.weighting.kernel_balancing import KernelBalancing
from causalkit.estimation.weighting.matching import Matching

pytestmark = pytest.mark.slow
N_SAMPLES = 500


def curved(n, rng, strength=0.7):
    X = rng.uniform(-2, 2, size=(n, 2))
    f = 2 * np.sin(1.5 * X[:, 0]) * X[:, 1]
    t = (rng.random(n) < 1 / (1 + np.exp(-strength * f))).astype(float)
    return X, t, t + f + rng.normal(size=n)


def linear_arms(n, rng):
    X = rng.normal(size=(n, 3))
    t = (rng.random(n) < 1 / (1 + np.exp(-0.7 * X[:, 0] + 0.4 * X[:, 1]))).astype(float)
    return X, t, t + X @ [1.0, 0.5, -0.5] + (1 + 0.3 * X[:, 0] ** 2) * rng.normal(size=n)


def squares(n, rng):
    X = rng.normal(size=(n, 2))
    t = (rng.random(n) < 1 / (1 + np.exp(0.5 - 0.8 * X[:, 0]))).astype(float)
    return X, t, t + X[:, 0] ** 2 + X[:, 1] + rng.normal(size=n)


WEIGHTED = {
    "entropy balancing, ATE": (EntropyBalancing(), linear_arms),
    "entropy balancing, ATT": (EntropyBalancing(target="ATT"), linear_arms),
    "CBPS, ATE": (CBPS(), linear_arms),
    "CBPS, ATT": (CBPS(target="ATT"), linear_arms),
    "overlap weights": (IPW(target="ATO"), linear_arms),
    "kernel balancing, ATE": (KernelBalancing(), curved),
    "kernel balancing, ATT": (KernelBalancing(target="ATT"), curved),
    "matching 1, ATT": (Matching(features=Powers(2)), squares),
    "matching 4, ATE": (Matching(4, target="ATE", features=Powers(2)), squares),
}


@pytest.mark.parametrize("name", WEIGHTED)
def test_weighting_and_matching_cover(name):
    estimator, draw = WEIGHTED[name]
    rng = np.random.default_rng(12)
    hits = 0
    for _ in range(N_SAMPLES):
        X, t, y = draw(600, rng)
        hits += 1 in estimator.fit(X, y, t=t).effect_.interval()
    assert 0.92 <= hits / N_SAMPLES <= 0.975, hits


@pytest.mark.parametrize("m", [1, 3])
def test_differences_of_matched_effects_on_the_treated_have_the_right_error(m):
    """Two treatments, each against the same controls, whose noise both effects share."""
    found = []
    for seed in range(N_SAMPLES):
        rng = np.random.default_rng(seed)
        X = rng.normal(size=(450, 2))
        odds = np.exp(0.4 * np.column_stack([np.zeros(450), X * [1, -1]]) - [0, 0.5, 0.5])
        reached = np.cumsum(odds / odds.sum(axis=1, keepdims=True), axis=1)
        level = (rng.random((450, 1)) > reached[:, :2]).sum(axis=1)
        y = np.array([0.0, 1.0, 1.5])[level] + X[:, 0] + rng.normal(size=450)
        arms = pd.Series(np.array(list("abc"))[level], dtype="category")
        effects = Matching(m, contrast="each").fit(X, y, t=arms).effect_
        difference = effects.difference(1, 0)
        found.append((0.5 in difference.interval(), difference.value, difference.std_error))
    hits, values, errors = np.array(found, dtype=float).T
    assert 0.92 <= hits.mean() <= 0.975
    assert errors.mean() == pytest.approx(values.std(), rel=0.08)


@pytest.mark.parametrize("wrong", ["outcome", "propensity"])
def test_entropy_balancing_is_doubly_robust(wrong):
    """Right with an outcome that is curved, or with a propensity that is, but not with both."""
    rng = np.random.default_rng(3)
    values = []
    for _ in range(60):
        X = rng.normal(size=(2000, 1))
        bend = 0.5 * X[:, 0] ** 2
        log_odds = X[:, 0] + (bend if wrong == "propensity" else 0)
        t = (rng.random(2000) < 1 / (1 + np.exp(-log_odds))).astype(float)
        y = t + X[:, 0] + (bend if wrong == "outcome" else 0) + rng.normal(size=2000)
        values.append(EntropyBalancing(target="ATT").fit(X, y, t=t).effect_.value)
    assert abs(np.mean(values) - 1) < 4 * np.std(values) / np.sqrt(60)


@pytest.mark.parametrize("way", ["linear", "tweedie", "powered"])
def test_predicted_outcomes_cover(way):
    rng = np.random.default_rng(7)
    shrunk, hits = 1 / 1.64, 0
    for _ in range(N_SAMPLES):
        labels = rng.normal(size=1000)
        guesses = shrunk * (labels + 0.8 * rng.normal(size=1000))
        t = rng.integers(2, size=1000)
        y = 0.5 * t + rng.normal(size=1000)
        predicted = shrunk * (y + 0.8 * rng.normal(size=1000))
        if way == "powered":
            known = rng.random(1000) < 0.2
            effect = PredictionPowered(OLS()).fit(
                None, np.where(known, y, 0), t=t, predicted=predicted, labelled=known
            )
        else:
            kind = LinearCalibration() if way == "linear" else TweedieCorrection()
            effect = PredictedOutcome(
                kind.fit(labels, guesses), n_resamples=50, random_state=0
            ).fit(None, predicted, t=t)
        hits += 0.5 in effect.effect_.interval()
    assert 0.92 <= hits / N_SAMPLES <= 0.975, hits
