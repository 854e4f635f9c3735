"""What arms have in common, surfaces over pairs of columns, and the second opinion from them."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

from causalkit.errors import NuisanceWarning
from causalkit.estimation import AIPW
from causalkit.estimation.nuisances.boosting import BoostedRegressor
from causalkit.estimation.nuisances.crossfitting import Nuisance, crossfit
from causalkit.estimation.nuisances.curves import fit_terms, terms_of
from causalkit.estimation.nuisances.pair_surfaces import gaussian_kernel, surfaces_over
from causalkit.estimation.nuisances.second_opinion import second_opinion
from causalkit.estimation.problem import as_problem


def curved_arms(n, rng, apart=0.0):
    """Outcome on a sine in both arms, `apart` of a line in the treated arm only."""
    X = rng.normal(size=(n, 3))
    t = (rng.random(n) < 0.3).astype(float)
    mean = np.sin(2 * X[:, 0]) + 2 * t + apart * t * X[:, 1]
    return X, t, mean, mean + rng.normal(size=n)


def error_by_arm(X, t, y, mean, arms_together):
    """Mean squared error out of fold in the treated arm, arms learnt together or alone."""
    problem, folds = as_problem(X, y, t=t), np.arange(len(y)) % 5
    learner = BoostedRegressor(max_rounds=1, random_state=0)
    parts = [Nuisance("treated", problem.y, learner, among=problem.t == 1)]
    if arms_together:
        parts.append(Nuisance("control", problem.y, learner, among=problem.t == 0))
    found = crossfit(problem, parts, folds, np.random.default_rng(0))["treated"]
    return float(((found - mean)[t == 1] ** 2).mean())


@pytest.mark.parametrize("apart", [0.0, 1.0])
def test_arms_that_are_alike_help_each_other(apart):
    together, alone = [], []
    for seed in range(12):
        X, t, mean, y = curved_arms(300, np.random.default_rng(seed), apart)
        together.append(error_by_arm(X, t, y, mean, True))
        alone.append(error_by_arm(X, t, y, mean, False))
    assert np.mean(together) < 0.9 * np.mean(alone)


def test_levels_of_arms_are_not_shrunk(rng):
    X = rng.normal(size=(200, 2))
    arm = (np.arange(200) % 2).astype(float)
    y = 5 * arm + X[:, 0] + 0.1 * rng.normal(size=200)
    terms = terms_of(X).with_levels(arm[:, None])
    _, slopes = fit_terms(terms, y, np.ones(200), np.ones(200, dtype=bool), logistic=False)
    assert_allclose(slopes[0], 5, atol=0.1)


def test_terms_on_top_of_what_is_known_add_up_to_it(rng):
    X = rng.normal(size=(500, 2))
    y, everyone = X[:, 0] + 0.1 * rng.normal(size=500), np.ones(500, dtype=bool)
    terms, known = terms_of(X), 3 * X[:, 1]
    level, slopes = fit_terms(terms, y, np.ones(500), everyone, logistic=False, known=known)
    assert_allclose((level + terms.values @ slopes + known), y, atol=0.6)
    chance = 1 / (1 + np.exp(-(known + X[:, 0])))
    cls = (rng.random(500) < chance).astype(float)
    level, slopes = fit_terms(terms, cls, np.ones(500), everyone, logistic=True, known=known)
    raw = level + terms.values @ slopes
    assert np.corrcoef(raw, X[:, 0])[0, 1] > 0.8  # and not -3 X1, which is known


def test_a_surface_with_a_penalty_is_kernel_ridge_regression(rng):
    z = rng.normal(size=(60, 3))
    (surface,) = surfaces_over(z, [(2, 0)], 0.8)
    B, y = surface.at(z), rng.normal(size=60)
    ridge = B @ np.linalg.solve(B.T @ B + 2 * np.eye(B.shape[1]), B.T @ y)
    K = gaussian_kernel(z[:, [2, 0]], z[:, [2, 0]], 0.8)
    assert_allclose(ridge, K @ np.linalg.solve(K + 2 * np.eye(60), y), atol=0.02)


def test_the_second_opinion_speaks_up_only_where_pairs_hide_something(rng):
    X = rng.normal(size=(1000, 4))
    folds, w = np.arange(1000) % 5, np.ones(1000)
    noise = rng.normal(size=1000)
    assert second_opinion(X, X[:, 0] + noise, X[:, 0], w, folds) is None
    hidden = 2 * np.sin(np.pi * X[:, 0] * X[:, 1])
    opinion = second_opinion(X, hidden + noise, np.zeros(1000), w, folds)
    assert opinion.p_value < 1e-6
    assert opinion.share > 0.3
    there = folds == 3
    beyond = opinion.beyond(3, X[there], np.zeros(there.sum()))
    assert np.corrcoef(beyond, hidden[there])[0, 1] > 0.7
    right = second_opinion(X, hidden + noise, hidden, w, folds)
    assert right is None or right.p_value > 0.05


def test_small_trees_that_miss_a_wild_product_are_warned_about():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(1000, 5))
    g = np.sin(np.pi * X[:, 0] * X[:, 1])
    t = (rng.random(1000) < 1 / (1 + np.exp(-2 * g))).astype(float)
    y = t + 2 * g + rng.normal(size=1000)
    learners = (
        HistGradientBoostingRegressor(max_iter=60),
        HistGradientBoostingClassifier(max_iter=30),
    )
    with pytest.warns(NuisanceWarning, match="miss structure"):
        AIPW(*learners, random_state=0).fit(X, y, t=t)
