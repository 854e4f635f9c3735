"""Intervals with linear nuisances cover: 500 data sets each, Monte Carlo error 1 point."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from causalkit.estimation import AIPW, PLR, Powers
from causalkit.estimation.nuisances.gram_learners import GramOLS
from causalkit.estimation.nuisances.penalised import GramLasso, GramRidge
from causalkit.estimation.nuisances.quality import unassessed

pytestmark = pytest.mark.slow

N_REPEATS = 500


def sparse(n, rng, *, curved=False):
    """Three of twenty columns matter, to both; effect 1; noise that grows with one of them."""
    X = rng.normal(size=(n, 20))
    index = X[:, 0] - 0.5 * X[:, 1] + 0.5 * X[:, 2]
    index = index + 0.5 * (X[:, 0] ** 2 - 1) if curved else index
    t = index + rng.normal(size=n)
    noise = (0.5 + 0.5 * np.abs(X[:, 0])) * rng.normal(size=n)
    return X, t, t + index + noise


def two_arms(n, rng):
    """Effect 1 + x₁ (average 1), logistic propensity, outcome linear in each arm."""
    X = rng.normal(size=(n, 10))
    t = (rng.random(n) < 1 / (1 + np.exp(-0.7 * X[:, 0] + 0.4 * X[:, 1]))).astype(float)
    return X, t, t * (1 + X[:, 0]) + X[:, 0] + 0.5 * X[:, 1] + rng.normal(size=n)


def curved(n, rng):
    return sparse(n, rng, curved=True)


CASES = {
    "PLR, OLS": (PLR(GramOLS(), GramOLS()), sparse),
    "PLR, ridge": (PLR(GramRidge(), GramRidge()), sparse),
    "PLR, lasso": (PLR(GramLasso(), GramLasso()), sparse),
    "PLR, lasso of squares": (
        PLR(GramLasso(features=Powers(2)), GramLasso(features=Powers(2))),
        curved,
    ),
    "AIPW, lasso": (AIPW(GramLasso(), LogisticRegression()), two_arms),
}


def coverage(case, n_repeats=N_REPEATS, n=800):
    estimator, draw = CASES[case]
    found = []
    for seed in range(n_repeats):
        X, t, y = draw(n, np.random.default_rng([seed, 77]))
        with unassessed():
            effect = estimator.set_params(random_state=seed).fit(X, y, t=t).effect_
        found.append((1.0 in effect.interval(0.95), effect.value - 1.0))
    covers, errors = np.array(found).T
    return covers.mean(), errors.mean(), errors.std()


@pytest.mark.parametrize("case", CASES)
def test_95_percent_intervals_cover(case):
    share, bias, spread = coverage(case)
    assert 0.92 <= share <= 0.97
    assert abs(bias) < 0.3 * spread
