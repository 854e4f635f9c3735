"""Nuisance quality: figures by hand, a warning where learners miss what matters, silence else."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy.stats import rankdata
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import log_loss

from causalkit.errors import NuisanceWarning
from causalkit.estimation import AIPW, PLR, Bootstrap
from causalkit.estimation.nuisances.left_over import curves_of, screen
from causalkit.estimation.nuisances.quality import NuisanceQuality
from causalkit.estimation.nuisances.residual_smooths import bins_of, fit_smooths
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
    from causalkit.estimation.nuisances import assessment

    probe = assessment._probe
    monkeypatch.setattr(assessment, "_probe", lambda *a: count.append(1) or probe(*a))
    plr = PLR(LinearRegression(), LinearRegression(), inference=Bootstrap(5, random_state=0))
    plr.set_params(random_state=0).fit(X, y, t=t)
    assert len(count) == 2


def test_curves_are_legendre_polynomials_of_mid_ranks(rng):
    X = np.column_stack([rng.normal(size=300), rng.integers(0, 4, 300), np.zeros(300)])
    u = (2 * rankdata(X, axis=0) - 1) / 300 - 1
    expected = np.polynomial.legendre.legvander(u, 4)[..., 1:].reshape(300, -1)
    assert_allclose(curves_of(X)[:, 1:], expected, atol=1e-5)


def test_the_screen_finds_a_pair_and_keeps_its_level(rng):
    X = rng.normal(size=(800, 6))
    curves = curves_of(X)
    residual = np.sin(np.pi * X[:, 1] * X[:, 4]) + rng.normal(size=800)
    found = screen(curves, residual)
    assert (found.named[0], found.p_value < 1e-4) == ((1, 4), True)
    assert screen(curves, 1e30 * residual).p_value == pytest.approx(found.p_value, rel=0.01)
    assert screen(curves, X[:, 2] ** 2 - 1 + rng.normal(size=800)).named == ((2,),)
    # 200 draws of noise: 10 alarms are expected at most; 20 would be three standard errors more.
    noise = [screen(curves, rng.normal(size=800)).p_value < 0.05 for _ in range(200)]
    assert np.mean(noise) < 0.1


def test_the_screen_names_further_columns_and_no_part_of_what_it_named(rng):
    X = rng.normal(size=(2000, 5))
    residual = X[:, 0] ** 2 + X[:, 1] * X[:, 2] + rng.normal(size=2000)
    named = screen(curves_of(X), residual).named
    assert (1, 2) in named
    assert any(0 in columns for columns in named)
    assert not any(set(a) < set(b) for a in named for b in named)


@pytest.mark.parametrize(("columns", "weighted"), [((1,), False), ((0, 1), True)])
def test_a_surface_is_the_posterior_mean_of_its_process(rng, columns, weighted):
    """Against the Gaussian process by its kernel, at the scores of the bins."""
    n = 200
    X = np.column_stack([rng.normal(size=n), rng.integers(0, 5, n)])
    r = X[:, 0] * X[:, 1] + rng.normal(size=n)
    w = rng.uniform(0.5, 2, n) if weighted else np.ones(n)
    bins = {c: bins_of(X[:, c]) for c in columns}
    codes = {c: bins[c].codes(X[:, c]) for c in columns}
    folds = np.arange(n) % 3
    fitted = fit_smooths([columns], bins, codes, r, w, folds)
    at = np.column_stack([bins[c].scores[codes[c]] for c in columns])
    # The kernel of the cosines that were kept: frequencies j π / 8 of variance above one twentieth.
    waves, variances = [np.ones(n)], [1.0]
    each = [np.arange(14)] * len(columns)
    for js in np.array(np.meshgrid(*each)).reshape(len(columns), -1).T[1:]:
        variance = np.exp(-np.sum((0.5 * js * np.pi / 8) ** 2) / 2)
        if variance < 0.05:
            continue
        wave = np.prod(
            [
                np.cos((at[:, k] + 4) * j * np.pi / 8) * (2**0.5 if j else 1)
                for k, j in enumerate(js)
            ],
            axis=0,
        )
        waves.append(wave)
        variances.append(variance)
    B, v = np.column_stack(waves), np.array(variances) / np.sum(variances)
    kernel = B @ np.diag(v) @ B.T
    for fold, (surface,) in fitted.items():
        own, others = folds == fold, folds != fold
        noisy = kernel[np.ix_(others, others)] + 3 * np.diag(1 / w[others])
        expected = kernel[np.ix_(own, others)] @ np.linalg.solve(noisy, r[others])
        assert_allclose(surface.at([codes[c][own] for c in columns]), expected, atol=1e-8)


def test_bins_follow_normal_scores_and_keep_few_values_apart(rng):
    normal = rng.normal(size=4000)
    bins = bins_of(normal)
    assert np.abs(bins.scores[bins.codes(normal)] - normal)[np.abs(normal) < 2].max() < 0.2
    skewed = bins_of(np.exp(normal))
    assert_allclose(skewed.codes(np.exp(normal)), bins.codes(normal), atol=1)
    few = rng.integers(0, 3, 4000).astype(float)
    assert (bins_of(few).codes(few) == few).all()


def test_worse_than_the_mean_is_said():
    part = NuisanceQuality("outcome 0", "Ridge()", "RMSE", 1.0, -0.02, 0.5, 100)
    assert part.sentence == "outcome 0: -0.02 (worse than the mean)"
    part = NuisanceQuality("outcome 0", "Ridge()", "RMSE", 1.0, 0.68, 0.5, 100, 0.2, 1e-9)
    assert part.sentence == "outcome 0: 0.68 (missed 20% of the rest)"


def test_the_screen_is_not_misled_by_clusters(rng):
    X = np.repeat(rng.normal(size=(100, 3)), 10, axis=0)
    groups = np.repeat(np.arange(100), 10)
    alarms, naive = 0, 0
    for _ in range(20):
        shared = np.repeat(rng.normal(size=100), 10) + 0.3 * rng.normal(size=1000)
        alarms += screen(curves_of(X), shared, groups).p_value < 0.05
        naive += screen(curves_of(X), shared).p_value < 0.05
    assert alarms <= 3 < 15 <= naive
