"""Coverage of the default learners and of boosted trees, and false alarms, over many draws."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression

from causalkit.errors import NuisanceWarning
from causalkit.estimation import AIPW, PLR
from causalkit.estimation.nuisances.boosting import BoostedClassifier, BoostedRegressor
from causalkit.estimation.nuisances.quality import unassessed
from tests.estimation.simulations import binary, linear

REPETITIONS = 500
# The Monte Carlo error of a coverage of 95 % over 500 draws is 1 %.
ACCEPTED = (0.92, 0.98)


def curved(n, rng):
    """Continuous treatment, confounding by a sine and a square; effect 1."""
    X = rng.normal(size=(n, 4))
    g = np.sin(1.5 * X[:, 0]) + 0.5 * (X[:, 1] ** 2 - 1)
    t = 0.7 * g + rng.normal(size=n)
    return X, t, t + g + 0.5 * X[:, 3] + rng.normal(size=n)


@pytest.mark.slow
def test_plr_with_boosted_trees_covers_under_curves():
    hits = 0
    for seed in range(REPETITIONS):
        X, t, y = curved(600, np.random.default_rng(seed))
        learner = BoostedRegressor(max_rounds=60)
        with unassessed():
            effect = PLR(learner, learner, random_state=seed).fit(X, y, t=t).effect_
        hits += 1 in effect.interval()
    assert ACCEPTED[0] <= hits / REPETITIONS <= ACCEPTED[1]


@pytest.mark.slow
def test_aipw_with_boosted_trees_covers():
    hits = 0
    for seed in range(REPETITIONS):
        X, t, y = binary(600, np.random.default_rng(seed))
        aipw = AIPW(BoostedRegressor(max_rounds=60), BoostedClassifier(max_rounds=60))
        with unassessed(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # overlap
            effect = aipw.set_params(random_state=seed).fit(X, y, t=t).effect_
        hits += 1 in effect.interval()
    assert ACCEPTED[0] <= hits / REPETITIONS <= ACCEPTED[1]


@pytest.mark.slow
def test_alarms_are_rare_where_the_learners_are_right():
    alarms = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        X, t, y = binary(800, rng) if seed % 2 else linear(800, rng)
        estimator = AIPW(LinearRegression(), LogisticRegression(), random_state=seed)
        if seed % 2 == 0:
            estimator = PLR(LinearRegression(), LinearRegression(), random_state=seed)
        with warnings.catch_warnings(record=True) as given:
            warnings.simplefilter("always")
            estimator.fit(X, y, t=t)
        alarms += any(issubclass(w.category, NuisanceWarning) for w in given)
    assert alarms <= 10


@pytest.mark.slow
def test_plr_with_the_default_learners_covers_under_lines():
    hits = 0
    for seed in range(REPETITIONS):
        rng = np.random.default_rng(seed)
        X = rng.normal(size=(400, 5))
        g = X @ [1.0, 0.7, 0.5, 0.3, 0.0]
        t = 0.5 * g + rng.normal(size=400)
        y = t + g + rng.normal(size=400)
        with unassessed():
            hits += 1 in PLR(random_state=seed).fit(X, y, t=t).effect_.interval()
    assert ACCEPTED[0] <= hits / REPETITIONS <= ACCEPTED[1]
