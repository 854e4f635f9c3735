"""Boosted trees: those of scikit-learn where both can say the same, and what only ours do."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.base import clone
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

from causalkit.errors import InputError
from causalkit.estimation import AIPW
from causalkit.estimation.nuisances.binning import bin_columns
from causalkit.estimation.nuisances.boosting import BoostedClassifier, BoostedRegressor
from causalkit.estimation.nuisances.crossfitting import Nuisance
from causalkit.estimation.nuisances.curves import fit_terms, terms_of
from causalkit.estimation.nuisances.rounds import advance
from causalkit.estimation.problem import as_problem
from tests.estimation.simulations import binary, linear, three_arms

PLAIN = {"look_ahead": False, "start": "mean"}


def grown(learner, X, y, w, train):
    """Prediction everywhere after all rounds on the rows `train`."""
    bins = bin_columns(X)
    nobody = np.zeros(len(y), dtype=bool)
    return learner.grown(X, y, w, [(train, nobody)], {})(0, bins.binned.fine)


@pytest.mark.parametrize("weighted", [False, True])
def test_trees_are_those_of_scikit_learn(rng, weighted):
    """Few values, so both cut at the same places; weights as copies of rows."""
    X = rng.integers(12, size=(500, 4)).astype(float)
    y = np.sin(X[:, 0]) + X[:, 1] * (X[:, 2] > 5) + rng.normal(size=500)
    w = rng.integers(1, 4, size=500).astype(float) if weighted else np.ones(500)
    train = np.arange(500) < 400
    options = {"max_leaf_nodes": 8, "learning_rate": 0.1, "early_stopping": False}
    # Weights move what counts as a small leaf, so no leaf is too small here.
    theirs = HistGradientBoostingRegressor(**options, max_iter=30, min_samples_leaf=1)
    theirs.fit(X[train], y[train], sample_weight=w[train])
    ours = grown(BoostedRegressor(max_rounds=30, min_leaf=1, **PLAIN), X, y, w, train)
    # Gradients are rounded to a millionth, so now and then another of two equal cuts is taken.
    assert np.corrcoef(ours, theirs.predict(X))[0, 1] > 0.995
    one = HistGradientBoostingRegressor(**options, max_iter=1, min_samples_leaf=1)
    one.fit(X[train], y[train], sample_weight=w[train])
    first = grown(BoostedRegressor(max_rounds=1, min_leaf=1, **PLAIN), X, y, w, train)
    assert_allclose(first, one.predict(X), rtol=1e-5)


def test_logistic_trees_are_those_of_scikit_learn(rng):
    X = rng.integers(12, size=(500, 3)).astype(float)
    y = (rng.random(500) < 1 / (1 + np.exp(2 - X[:, 0] / 3))).astype(float)
    everyone = np.ones(500, dtype=bool)
    theirs = HistGradientBoostingClassifier(
        max_iter=1, max_leaf_nodes=6, early_stopping=False, min_samples_leaf=20
    ).fit(X, y)
    learner = BoostedClassifier(max_rounds=1, max_leaves=6, **PLAIN)
    assert_allclose(
        grown(learner, X, y, np.ones(500), everyone), theirs.predict_proba(X)[:, 1], rtol=1e-5
    )


def test_rows_fall_as_one_by_one(rng):
    """More rows than fall together, against a walk down each tree; training rows keep step."""
    X = rng.normal(size=(5000, 3))
    y = X[:, 0] * X[:, 1] + rng.normal(size=5000)
    train = np.arange(5000) % 2 == 0
    learner = BoostedRegressor(max_rounds=3, start="mean", random_state=0)
    (task,) = learner._tasks(X, [y], np.ones(5000), [(train, ~train)], 0, {}, None)
    advance(task, 0, 0, 3)
    (fold,), fine = task.folds, task.bins.fine
    expected = np.full(5000, fold.intercept)
    for column, cut, child, value in zip(*fold.trees, strict=True):
        for i in range(5000):
            node = 0
            while column[node] >= 0:
                node = child[node] + (fine[i, column[node]] > cut[node])
            expected[i] += value[node]
    assert_allclose(fold.raw, expected)
    assert_allclose(task.predict(0, fine, None, 3), expected)
    assert_allclose(fold.losses[3], ((y - expected)[~train] ** 2).sum())


def test_one_tree_is_the_best_stump_by_brute_force(rng):
    X = rng.normal(size=(60, 2))
    y = np.where(X[:, 1] > 0.3, 2.0, 0.0) + 0.1 * rng.normal(size=60)
    learner = BoostedRegressor(max_rounds=1, max_leaves=2, min_leaf=5, learning_rate=1.0, **PLAIN)
    found = grown(learner, X, y, np.ones(60), np.ones(60, dtype=bool))
    best = np.inf
    fine = bin_columns(X).binned.fine
    for column in fine.T:
        for cut in np.unique(column)[:-1]:
            left = column <= cut
            if min(left.sum(), (~left).sum()) >= 5:
                fit = np.where(left, y[left].mean(), y[~left].mean())
                best = min(best, ((y - fit) ** 2).sum())
    assert_allclose(((y - found) ** 2).sum(), best, rtol=1e-5)


def test_looking_ahead_sees_exclusive_or(rng):
    X = rng.normal(size=(800, 8))
    y = np.sign(X[:, 2] * X[:, 5]) + 0.5 * rng.normal(size=800)
    greedy = BoostedRegressor(max_leaves=4, random_state=0, **PLAIN).fit(X[:500], y[:500])
    ahead = BoostedRegressor(max_leaves=4, start="mean", random_state=0).fit(X[:500], y[:500])
    assert ahead.score(X[500:], y[500:]) > max(greedy.score(X[500:], y[500:]) + 0.1, 0.6)


def test_terms_cost_no_more_than_a_line_on_a_line_and_follow_a_curve(rng):
    X = rng.normal(size=(400, 5))
    everyone = np.ones(400, dtype=bool)
    w = np.ones(400)
    terms = terms_of(X)
    noise = rng.normal(size=400)
    for truth in (X[:, 0] - X[:, 3], np.sin(2 * X[:, 1]) + X[:, 0] * X[:, 2]):
        intercept, slopes = fit_terms(terms, truth + noise, w, everyone, logistic=False)
        assert np.mean((intercept + terms.values @ slopes - truth) ** 2) < 0.06
    p = 1 / (1 + np.exp(-X[:, 0]))
    t = (rng.random(400) < p).astype(float)
    intercept, slopes = fit_terms(terms, t, w, everyone, logistic=True)
    found = 1 / (1 + np.exp(-intercept - terms.values @ slopes))
    assert np.mean((found - p) ** 2) < 0.01
    assert_allclose(terms.at(X), terms.values)


def test_weights_are_copies_of_rows(rng):
    X, _, y = linear(200, rng)
    copies = rng.integers(1, 4, size=200)
    terms, everyone = terms_of(X), np.ones(200, dtype=bool)
    one = fit_terms(terms, y, copies.astype(float), everyone, logistic=False)[1]
    # The weights are scaled to mean 1: the same fit, with the noise of 200 rows and not of 400.
    assert (
        np.corrcoef(one, fit_terms(terms, y, np.ones(200), everyone, logistic=False)[1])[0, 1] > 0.9
    )
    w = np.where(X[:, 0] > 0, 1.0, 0.0)
    some = grown(BoostedRegressor(max_rounds=5, **PLAIN), X, y, w, w > 0)
    assert np.isfinite(some).all()


def test_all_folds_at_once_are_out_of_fold(rng):
    """What a held-out row's target is moves nothing but the choice of rounds."""
    X, t, y = linear(300, rng)
    folds = np.arange(300) % 3
    problem = as_problem(X, y, t)
    learner = BoostedRegressor(max_rounds=20, start="mean", random_state=0)

    def predicted(target):
        nuisance = Nuisance("outcome", target, learner, at={"shifted": X + 1})
        found = learner.predict_out_of_fold(
            problem, [nuisance], folds, seeds=[0], prepared={}, n_jobs=None
        )
        return found[0]

    plain, shifted = predicted(y)
    assert plain.shape == shifted.shape == (300,)
    assert not np.array_equal(plain, shifted)
    for fold in range(3):
        train = folds != fold
        bins = bin_columns(X)
        h = learner.grown(X, y, np.ones(300), [(train, ~train)], {})
        fitted = h(0, bins.binned.fine)
        same = np.abs(fitted[~train] - plain[~train]).max()
        # Fewer rounds may have been chosen; more cannot.
        assert same < np.abs(fitted).max()


def test_estimators_reproduce_and_do_not_depend_on_n_jobs(rng):
    X, t, y = binary(250, rng)
    aipw = AIPW(BoostedRegressor(), BoostedClassifier(), random_state=3)
    one = aipw.fit(X, y, t=t).effect_
    two = clone(aipw).set_params(n_jobs=2).fit(X, y, t=t).effect_
    assert one.value == two.value
    assert abs(one.value - 1) < 4 * one.std_error


def test_several_classes_sum_to_one(rng):
    X, arm, _ = three_arms(300, rng)
    fitted = BoostedClassifier(max_rounds=40, random_state=0).fit(X, arm)
    shares = fitted.predict_proba(X)
    assert_allclose(shares.sum(axis=1), 1)
    assert set(fitted.predict(X)) <= {"a", "b", "c"}
    assert fitted.score(X, arm) > 0.4
    with pytest.raises(InputError, match="at least two classes"):
        BoostedClassifier().fit(X, np.zeros(300))
    with pytest.raises(InputError, match="max_leaves"):
        BoostedRegressor(max_leaves=500).fit(X, X[:, 0])
    with pytest.raises(InputError, match="start"):
        BoostedRegressor(start="line").fit(X, X[:, 0])


def test_degenerate_columns(rng):
    X = np.column_stack([np.zeros(150), rng.integers(2, size=150), 1e12 * rng.normal(size=150)])
    y = X[:, 1] + 0.1 * rng.normal(size=150)
    fitted = BoostedRegressor(random_state=0).fit(X, y)
    assert fitted.score(X, y) > 0.8
    assert np.isfinite(fitted.predict(X[:5] + 1)).all()
    wide = rng.normal(size=(60, 320))
    assert np.isfinite(BoostedRegressor(max_rounds=3).fit(wide, wide[:, 0]).predict(wide)).all()
