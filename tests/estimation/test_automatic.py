"""Learners that choose: the candidate of the lowest out-of-fold loss, one for each nuisance."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.neighbors import KNeighborsRegressor

from causalkit.errors import InputError
from causalkit.estimation import AIPW, PLR
from causalkit.estimation.nuisances.automatic import AutomaticClassifier, AutomaticRegressor
from tests.estimation.simulations import binary, linear


@pytest.mark.filterwarnings("ignore::causalkit.errors.NuisanceWarning")  # neighbours are poor
def test_each_nuisance_gets_its_own_best(rng):
    X, _, _ = linear(400, rng)
    t = X[:, 0] + rng.normal(size=400)
    y = t + np.sign(X[:, 1]) * 3 + 0.1 * rng.normal(size=400)
    candidates = [LinearRegression(), KNeighborsRegressor(5), DummyRegressor()]
    automatic = AutomaticRegressor(candidates)
    effect = PLR(automatic, automatic, random_state=0).fit(X, y, t=t).effect_
    judged = effect.details["nuisances"]
    assert judged["outcome"].learner == "KNeighborsRegressor()"
    assert judged["treatment"].learner == "LinearRegression()"
    losses = {
        str(c): PLR(c, c, random_state=0).fit(X, y, t=t).effect_.details["nuisances"]
        for c in candidates[:2]
    }
    best = min(losses.values(), key=lambda found: found["treatment"].loss)
    assert_allclose(judged["treatment"].loss, best["treatment"].loss, rtol=1e-12)


def test_classifiers_choose_by_log_loss(rng):
    X, t, y = binary(300, rng)
    classifier = AutomaticClassifier([DummyClassifier(), LogisticRegression()])
    effect = AIPW(LinearRegression(), classifier, random_state=0).fit(X, y, t=t).effect_
    assert effect.details["nuisances"]["treatment"].learner == "LogisticRegression()"
    fitted = classifier.set_params(random_state=0).fit(X, t)
    assert isinstance(fitted.chosen_, LogisticRegression)
    assert fitted.losses_[1] < fitted.losses_[0]
    assert_allclose(fitted.predict_proba(X).sum(axis=1), 1)
    assert set(fitted.predict(X)) == {0.0, 1.0}


def test_defaults_reproduce_take_weights_and_get_a_product_right(rng):
    X = rng.uniform(-1, 1, size=(400, 4))
    g = 2 * X[:, 0] * X[:, 1]
    t = g + rng.normal(size=400)
    y = t + 2 * g + rng.normal(size=400)
    w = rng.uniform(0.5, 2, size=400)
    one = PLR(random_state=0).fit(X, y, t=t, sample_weight=w).effect_
    two = PLR(random_state=0, n_jobs=2).fit(X, y, t=t, sample_weight=w).effect_
    assert one.value == two.value
    assert abs(one.value - 1) < 4 * one.std_error
    assert "AutomaticRegressor()" in one.details["learners"]["outcome"]


def test_outside_estimators_it_is_like_any_other(rng):
    X, _, y = linear(150, rng)
    w = np.ones(150)
    fitted = AutomaticRegressor([DummyRegressor(), LinearRegression()]).fit(X, y, sample_weight=w)
    assert_allclose(fitted.predict(X), LinearRegression().fit(X, y).predict(X))
    for candidates in ([], [LogisticRegression()]):
        with pytest.raises(InputError, match="expected a list of regressors"):
            AutomaticRegressor(candidates).fit(X, y)


def test_a_later_candidate_has_to_be_clearly_better(rng):
    X = rng.normal(size=(200, 3))
    y = rng.normal(size=200)
    simple, rich = DummyRegressor(), LinearRegression()
    for first, second in ((simple, rich), (rich, simple)):
        chosen = AutomaticRegressor([first, second], random_state=0).fit(X, y)
        assert type(chosen.chosen_) is type(first)
        assert abs(chosen.losses_[0] - chosen.losses_[1]) < 0.1
    chosen = AutomaticRegressor([simple, rich], random_state=0).fit(X, y + X[:, 0]).chosen_
    assert isinstance(chosen, LinearRegression)


@pytest.mark.filterwarnings("ignore::causalkit.errors.CausalkitWarning")
@pytest.mark.parametrize("n", [8, 12, 20])
def test_few_rows_run_away_nowhere(n):
    """No arm is extrapolated by a curve through two or three rows."""
    for seed in range(6):
        rng = np.random.default_rng(seed)
        X, t = rng.normal(size=(n, 2)), np.arange(n) % 2
        effect = AIPW(random_state=0).fit(X, t + X[:, 0] + rng.normal(size=n), t=t).effect_
        assert abs(effect.value - 1) < 5
