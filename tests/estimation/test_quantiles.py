"""Quantile effects: DoubleML on the same predictions, definitions, known quantiles, refusals."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from joblib import parallel_config
from numpy.testing import assert_allclose
from scipy.stats import norm
from sklearn.base import clone
from sklearn.linear_model import LinearRegression, LogisticRegression

from causalkit.errors import AssumptionWarning, InputError, NumericalError, OverlapWarning
from causalkit.estimation import AIPW
from causalkit.estimation.orthogonal._outcome_laws import OutcomeLaw
from causalkit.estimation.orthogonal.quantiles import QuantileEffects
from tests.estimation.simulations import three_arms

LOGIT = LogisticRegression()
TAUS = (0.25, 0.5, 0.75)


def spread_out(n, rng):
    """The treatment adds 1 and widens the noise from 1 to 1.5, both normal; x confounds."""
    X = rng.normal(size=(n, 2))
    t = (rng.random(n) < 1 / (1 + np.exp(-(0.5 * X[:, 0] - 0.3 * X[:, 1])))).astype(float)
    return X, t, t + X[:, 0] + (1 + 0.5 * t) * rng.normal(size=n)


def with_instrument(n, rng):
    """Hidden u moves outcome and willingness; those with |u| < 0.8 do as the instrument says."""
    X = rng.normal(size=(n, 2))
    z = (rng.random(n) < 1 / (1 + np.exp(-0.5 * X[:, 0]))).astype(float)
    u = rng.normal(size=n)
    t = np.where(u > 0.8, 1.0, np.where(u < -0.8, 0.0, z))
    return X, z, t, t + X[:, 0] + u + (1 + 0.5 * t) * rng.normal(size=n)


def true_spread(taus=TAUS):
    """Quantile effects of `spread_out`."""
    return 1 + (np.sqrt(3.25) - np.sqrt(2)) * norm.ppf(taus)


def true_tails(taus=TAUS):
    """Tail-mean effects of `spread_out`."""
    return 1 + (np.sqrt(3.25) - np.sqrt(2)) * norm.pdf(norm.ppf(taus)) / (1 - np.array(taus))


def true_local(n=1_000_000):
    """Quantile effects among the compliers of `with_instrument`."""
    rng = np.random.default_rng(9)
    x, noise, u = rng.normal(size=(3, n))
    kept = np.abs(u) < 0.8
    on, off = 1 + x + u + 1.5 * noise, x + u + noise
    return np.quantile(on[kept], TAUS) - np.quantile(off[kept], TAUS)


def doubleml_of(name, data, external, *options, **more):
    """A model of DoubleML with our predictions of everything."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        doubleml = pytest.importorskip("doubleml", exc_type=ImportError)
        dml_data = doubleml.DoubleMLData(*data[:3], **data[3])
        model = getattr(doubleml, name)(dml_data, *options, n_folds=2, **more)
        model.fit(external_predictions={"d": {k: v[:, None] for k, v in external.items()}})
    return model


@pytest.mark.parametrize("level", [0, 1])
def test_potential_quantiles_are_those_of_double_ml(rng, level):
    """The same moment on the same predictions; their search stops within a step of it."""
    X, t, y = spread_out(500, rng)
    m = 1 / (1 + np.exp(-(0.5 * X[:, 0] - 0.3 * X[:, 1])))
    g = norm.cdf((0.4 - level - X[:, 0]) / (1 + 0.5 * level))
    name = f"outcome_{level} at 0.6"
    supplied = {"treatment": np.column_stack([1 - m, m]), name: g}
    ours = (
        QuantileEffects(LOGIT, LOGIT, quantiles=0.6, level=level, n_folds=2, random_state=0)
        .fit(X, y, t=t, supplied=supplied)
        .effect_
    )
    frame = pd.DataFrame(X, columns=["a", "b"]).assign(y=y, d=t)
    theirs = doubleml_of(
        "DoubleMLPQ",
        (frame, "y", "d", {}),
        {"ml_g": g, "ml_m": m},
        LOGIT,
        LOGIT,
        treatment=level,
        quantile=0.6,
    )
    near = np.sort(y)
    place = np.searchsorted(near, ours.value)
    assert near[place - 1] - 1e-6 <= theirs.coef[0] <= near[place + 1] + 1e-6
    # Their density is smoothed with the width of both arms together.
    assert_allclose(ours.std_error, theirs.se[0], rtol=0.1)
    assert "0.6 quantile of y if t" in repr(ours)


def test_tail_means_are_those_of_double_ml(rng):
    X, t, y = spread_out(500, rng)
    tail = QuantileEffects(
        LinearRegression(), LOGIT, quantiles=0.5, measure="tail mean", level=1, random_state=0
    )
    ours = tail.fit(X, y, t=t).effect_
    m = np.clip(ours.details["predictions"]["treatment"][:, 1], 0.01, 0.99)
    # Their threshold cannot be supplied, so the moment is checked with our own.
    counts = (t == 1) / m
    counts /= counts.mean()
    order = np.argsort(y)
    start = y[order][np.searchsorted(np.cumsum(counts[order]) / 500, 0.5 - 1e-12)]
    target = start + np.maximum(y - start, 0) / 0.5
    assert_allclose(ours.value, target @ counts / 500, atol=2.5 * ours.std_error)
    supplied = {"treatment": np.column_stack([1 - m, m]), "outcome_1 at 0.5": np.zeros(500)}
    weighted = tail.fit(X, y, t=t, supplied=supplied).effect_
    assert_allclose(weighted.value, target @ counts / 500)
    parts = counts * target
    assert_allclose(weighted.std_error, np.std(parts - weighted.value) / np.sqrt(500))


def test_local_quantiles_are_those_of_double_ml(rng):
    X, z, t, y = with_instrument(800, rng)
    m = 1 / (1 + np.exp(-0.5 * X[:, 0]))
    took_on, took_off = np.full(800, norm.sf(-0.8)), np.full(800, norm.sf(0.8))
    g_on, g_off = (0.4 * norm.cdf(-X[:, 0] + shift) for shift in (0.3, -0.3))
    name = "outcome_1 at 0.5"
    supplied = {
        "instrument": m,
        "treatment_on": took_on,
        "treatment_off": took_off,
        f"{name}, on": g_on,
        f"{name}, off": g_off,
    }
    ours = (
        QuantileEffects(LOGIT, LOGIT, quantiles=0.5, level=1, n_folds=2, random_state=0)
        .fit(X, y, t=t, z=z, supplied=supplied)
        .effect_
    )
    frame = pd.DataFrame(X, columns=["a", "b"]).assign(y=y, d=t, z=z)
    theirs = doubleml_of(
        "DoubleMLLPQ",
        (frame, "y", "d", {"z_cols": "z"}),
        {
            "ml_m_z": m,
            "ml_m_d_z1": took_on,
            "ml_m_d_z0": took_off,
            "ml_g_du_z1": g_on,
            "ml_g_du_z0": g_off,
        },
        LOGIT,
        LOGIT,
        treatment=1,
        quantile=0.5,
    )
    # Their moment is not monotone and searched for a zero; ours is rearranged.
    assert abs(ours.value - theirs.coef[0]) < 0.2 * ours.std_error
    assert ours.details["share_compliers"] == pytest.approx(1 - 2 * norm.sf(0.8), abs=0.1)


def test_without_covariates_the_effects_are_those_of_the_samples(rng):
    _, t, y = spread_out(301, rng)
    effects = QuantileEffects(quantiles=TAUS, random_state=0).fit(None, y, t=t).effect_
    expected = [
        np.quantile(y[t == 1], tau, method="inverted_cdf")
        - np.quantile(y[t == 0], tau, method="inverted_cdf")
        for tau in TAUS
    ]
    assert_allclose(effects.values, expected)
    assert effects.labels == ("0.25 quantile", "0.5 quantile", "0.75 quantile")
    twice = QuantileEffects(quantiles=TAUS, random_state=0)
    weighted = twice.fit(None, y, t=t, sample_weight=np.full(301, 3.0)).effect_
    assert_allclose(weighted.values, effects.values)
    assert_allclose(weighted.std_errors, effects.std_errors)


def test_the_density_is_a_kernel_estimate(rng):
    y = rng.normal(size=4000)
    law = OutcomeLaw(y, np.ones(4000), np.ones(4000), np.ones(4000), "t = 1")
    assert_allclose(law.density(0.0), norm.pdf(0), rtol=0.05)
    assert law.share == 1
    value, scores = law.of_quantile(0.5, np.zeros(4000))
    assert value == np.quantile(y, 0.5, method="inverted_cdf")
    # Asymptotically sqrt(τ(1−τ)) / f(q).
    assert_allclose(scores.std(), 0.5 / norm.pdf(0), rtol=0.05)
    with pytest.raises(NumericalError, match="lies beyond"):
        law.quantile(0.5, np.full(4000, 0.6))
    with pytest.raises(NumericalError, match="no density"):
        law.density(1e6)


def test_effects_on_all_quantiles_together(rng):
    X, t, y = spread_out(1500, rng)
    effects = QuantileEffects(LOGIT, LOGIT, n_repeats=2, n_folds=2, random_state=1)
    found = effects.fit(X, y, t=t).effect_
    assert (np.abs(found.values - true_spread()) < 4 * found.std_errors).all()
    lower, upper = found.band()
    assert (lower < found.values).all()
    assert (found.values < upper).all()
    assert found.difference(2, 0).std_error < np.hypot(*found.std_errors[[0, 2]])
    assert set(found[0].details["potential"]) == {0, 1}
    alone = found[1].estimator.fit(X, y, t=t).effect_
    assert abs(alone.value - found[1].value) < found[1].std_error
    tails = QuantileEffects(
        LinearRegression(), LOGIT, measure="tail mean", n_folds=2, random_state=1
    )
    found = tails.fit(X, y, t=t).effect_
    assert (np.abs(found.values - true_tails()) < 4 * found.std_errors).all()
    # The tail above nearly nothing is everything.
    whole = tails.set_params(quantiles=0.001).fit(X, y, t=t).effect_
    mean = AIPW(LinearRegression(), LOGIT, random_state=1).fit(X, y, t=t).effect_
    assert abs(whole.value - mean.value) < 0.6 * mean.std_error


def test_the_number_of_jobs_changes_nothing(rng):
    X, t, y = spread_out(200, rng)
    effects = QuantileEffects(LOGIT, LOGIT, quantiles=(0.4, 0.6), n_folds=2, random_state=2)
    one = effects.fit(X, y, t=t).effect_
    with parallel_config(backend="threading"):
        two = clone(effects).set_params(n_jobs=2).fit(X, y, t=t).effect_
    assert np.array_equal(one.values, two.values)
    assert np.array_equal(one.covariance, two.covariance)


def test_compliers(rng):
    X, z, t, y = with_instrument(3000, rng)
    local = QuantileEffects(LOGIT, LOGIT, n_folds=2, random_state=0)
    found = local.fit(X, y, t=t, z=z).effect_
    assert (np.abs(found.values - true_local(200_000)) < 4 * found.std_errors).all()
    naive = local.fit(X, y, t=t).effect_
    assert naive.values[1] > found.values[1] + 3 * found.std_errors[1]
    assert "among compliers" in repr(found[0])
    turned = local.fit(X, y, t=t, z=1 - z).effect_
    assert_allclose(turned.values, found.values, atol=0.3 * found.std_errors.max())
    with pytest.raises(NumericalError, match="stronger instrument"):
        local.fit(X, y, t=t, z=(np.arange(3000) % 2))
    with pytest.raises(InputError, match="one instrument of two values"):
        local.fit(X, y, t=t, z=X[:, 0])


def test_several_arms_and_single_levels(rng):
    X, arm, y = three_arms(900, rng)
    arms = pd.Series(arm, dtype="category", name="arm")
    effects = QuantileEffects(LOGIT, LOGIT, quantiles=(0.5, 0.8), n_folds=2, random_state=0)
    found = effects.set_params(contrast=("b", "c")).fit(X, y, t=arms).effect_
    assert (np.abs(found.values - 2) < 4 * found.std_errors).all()
    single = effects.set_params(contrast=None, level="c").fit(X, y, t=arms).effect_
    assert (np.abs(single.values - 3 - np.sqrt(3) * norm.ppf([0.5, 0.8])) < 0.6).all()
    with pytest.raises(InputError, match="has no such level"):
        effects.set_params(level="d").fit(X, y, t=arms)


def test_what_quantiles_cannot_answer_is_refused(rng):
    X, t, y = spread_out(120, rng)
    refused = [
        (QuantileEffects(quantiles=(0.5, 1.0)), y, t, "strictly between"),
        (QuantileEffects(quantiles="half"), y, t, "strictly between"),
        (QuantileEffects(measure="median"), y, t, "measure"),
        (QuantileEffects(), (y > 0).astype(float), t, "two values"),
        (QuantileEffects(), y, X[:, 0], "continuous treatment"),
        (QuantileEffects(clip=0.9), y, t, "clip"),
        (QuantileEffects(LOGIT, LOGIT, measure="tail mean"), y, t, "Use a regressor"),
    ]
    for estimator, outcome, treatment, message in refused:
        with pytest.raises(InputError, match=message):
            estimator.fit(X, outcome, t=treatment)
    with pytest.warns(AssumptionWarning, match="share one outcome"):
        QuantileEffects(LOGIT, LOGIT, quantiles=0.5, random_state=0).fit(X, np.round(y), t=t)
    with pytest.warns(AssumptionWarning, match="rows beyond it are worth"):
        QuantileEffects(LOGIT, LOGIT, quantiles=0.02, random_state=0).fit(X, y, t=t)
    apart = (X[:, 0] + 0.2 * X[:, 1] > 0).astype(float)
    sure = LogisticRegression(C=1e4)
    with pytest.warns(OverlapWarning, match="no chance"):
        QuantileEffects(LOGIT, sure, quantiles=0.5, random_state=0).fit(X, y, t=apart)
