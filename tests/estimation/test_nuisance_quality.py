"""Nuisance quality: figures by hand, a warning where learners miss what matters, silence else."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import log_loss

from causalkit.errors import NuisanceWarning
from causalkit.estimation import AIPW, PLR, Bootstrap
from causalkit.estimation.nuisances.left_over import screen, smoothed
from tests.estimation.simulations import binary, linear, three_arms


def hidden_in_a_product(n, rng):
    """Confounding by sin(π x₀ x₁); effect 1."""
    X = rng.uniform(-1, 1, size=(n, 5))
    g = np.sin(np.pi * X[:, 0] * X[:, 1])
    t = (rng.random(n) < 1 / (1 + np.exp(-1.5 * g))).astype(float)
    return X, t, t + 2 * g + rng.normal(size=n)


def test_figures_are_those_by_hand(rng):
    X, t, y = binary(400, rng)
    w = rng.uniform(0.5, 2, size=400)
    aipw = AIPW(LinearRegression(), LogisticRegression(), random_state=0)
    effect = aipw.fit(X, y, t=t, sample_weight=w).effect_
    judged, found = effect.details["nuisances"], effect.details["predictions"]
    treated = t == 1
    part, m = judged["outcome_treated"], found["outcome_treated"][treated]
    yt, wt = y[treated], w[treated]
    squares = np.average((yt - m) ** 2, weights=wt)
    assert (part.measure, part.learner) == ("RMSE", "LinearRegression")
    assert part.n_obs == treated.sum()
    assert_allclose(part.loss, np.sqrt(squares))
    mean = np.average(yt, weights=wt)
    assert_allclose(part.explained, 1 - squares / np.average((yt - mean) ** 2, weights=wt))
    assert_allclose(part.calibration, np.polyfit(m, yt, 1, w=np.sqrt(wt))[0])
    part = judged["treatment"]
    assert part.measure == "log loss"
    loss = log_loss(t, found["treatment"], sample_weight=w)
    assert_allclose(part.loss, loss)
    share = np.average(t, weights=w)
    assert_allclose(part.explained, 1 - loss / log_loss(t, np.full(400, share), sample_weight=w))
    assert [part.name for part in judged] == ["outcome_control", "outcome_treated", "treatment"]
    assert judged.to_frame().loc["treatment", "loss"] == part.loss
    for shown in (repr(judged), repr(effect)):
        assert "outcome_treated" in shown
    assert "log loss" in repr(part)


@pytest.mark.parametrize("method", ["AIPW", "PLR"])
def test_what_is_missed_is_said_and_put_back(rng, method):
    X, t, y = hidden_in_a_product(1000, rng)
    estimator = {
        "AIPW": AIPW(LinearRegression(), LogisticRegression(), random_state=0),
        "PLR": PLR(LinearRegression(), LogisticRegression(), random_state=0),
    }[method]
    with pytest.warns(NuisanceWarning, match="miss structure .* standard errors away"):
        effect = estimator.fit(X, y, t=t).effect_
    judged = effect.details["nuisances"]
    assert judged["treatment"].p_value < 1e-4
    assert abs(judged.effect_mended - 1) < 0.6 * abs(effect.value - 1)
    assert "missed" in repr(effect)


def test_right_learners_are_left_in_peace(rng):
    for _ in range(3):
        X, t, y = linear(600, rng)
        effect = PLR(LinearRegression(), LinearRegression(), random_state=0).fit(X, y, t=t).effect_
        assert effect.details["nuisances"].missing == ()
        assert np.isnan(effect.details["nuisances"].shift)


def test_a_poor_nuisance_that_does_not_matter_is_reported_without_a_warning(rng):
    """In an experiment the outcome may be predicted as poorly as one likes."""
    X = rng.normal(size=(2000, 3))
    t = (rng.random(2000) < 0.5).astype(float)
    y = t + 0.7 * X[:, 0] ** 2 + rng.normal(size=2000)
    aipw = AIPW(LinearRegression(), LogisticRegression(), random_state=1)
    with warnings.catch_warnings():
        warnings.simplefilter("error", NuisanceWarning)
        judged = aipw.fit(X, y, t=t).effect_.details["nuisances"]
    assert "outcome_control" in judged.missing
    assert abs(judged.shift) < 2.5 * judged.chance


def test_classes_clusters_supplied_and_small_tables(rng):
    X, arm, y = three_arms(300, rng)
    aipw = AIPW(LinearRegression(), LogisticRegression(), contrast=("a", "b"), random_state=0)
    judged = aipw.fit(X, y, t=pd.Series(arm, dtype="category", name="arm")).effect_.details[
        "nuisances"
    ]
    assert 0 < judged["treatment"].explained < 1
    X, t, y = linear(300, rng)
    groups = np.arange(300) // 3
    plr = PLR(LinearRegression(), LinearRegression(), random_state=0)
    judged = plr.fit(X, y, t=t, groups=groups).effect_.details["nuisances"]
    assert 0 <= judged["outcome"].p_value <= 1
    supplied = {"outcome": np.zeros(300), "treatment": np.zeros(300)}
    with pytest.warns(NuisanceWarning, match="supplied"):
        judged = plr.fit(X, y, t=t, supplied=supplied).effect_.details["nuisances"]
    assert judged["outcome"].learner == "supplied"
    judged = plr.fit(X[:80], y[:80], t=t[:80]).effect_.details["nuisances"]
    assert np.isnan(judged["outcome"].p_value)
    judged = plr.fit(None, y, t=t).effect_.details["nuisances"]
    assert np.isnan(judged["outcome"].calibration)


def test_resamples_are_not_judged(rng, monkeypatch):
    X, t, y = linear(150, rng)
    count = []
    from causalkit.estimation.nuisances import quality

    probe = quality._probe
    monkeypatch.setattr(quality, "_probe", lambda *a: count.append(1) or probe(*a))
    plr = PLR(LinearRegression(), LinearRegression(), inference=Bootstrap(5, random_state=0))
    plr.set_params(random_state=0).fit(X, y, t=t)
    assert len(count) == 2


def test_the_screen_finds_a_pair_and_keeps_its_level(rng):
    X = rng.normal(size=(800, 6))
    residual = np.sin(np.pi * X[:, 1] * X[:, 4]) + rng.normal(size=800)
    found = screen(X, residual)
    assert (found.columns, found.p_value < 1e-4) == ((1, 4), True)
    mean = smoothed(X[:400][:, [1, 4]], residual[:400], rng)
    assert np.corrcoef(mean(X[400:][:, [1, 4]]), residual[400:])[0, 1] > 0.2
    assert screen(X, X[:, 2] ** 2 - 1 + rng.normal(size=800)).columns == (2,)
    # 200 draws of noise: 10 alarms are expected at most; 20 would be three standard errors more.
    noise = [screen(X, rng.normal(size=800)).p_value < 0.05 for _ in range(200)]
    assert np.mean(noise) < 0.1


def test_the_screen_is_not_misled_by_clusters(rng):
    X = np.repeat(rng.normal(size=(100, 3)), 10, axis=0)
    groups = np.repeat(np.arange(100), 10)
    alarms, naive = 0, 0
    for _ in range(20):
        shared = np.repeat(rng.normal(size=100), 10) + 0.3 * rng.normal(size=1000)
        alarms += screen(X, shared, groups).p_value < 0.05
        naive += screen(X, shared).p_value < 0.05
    assert alarms <= 3 < 15 <= naive
