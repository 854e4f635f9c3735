"""IPW against stacked estimating equations, and its overlap report."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from causalkit.errors import InputError, NumericalError, OverlapWarning
from causalkit.estimation import IPW, Asymptotic
from tests.estimation.simulations import binary, three_arms
from tests.oracles.estimation import ipw_by_stacking


@pytest.mark.parametrize("target", ["ATE", "ATT"])
@pytest.mark.parametrize("weighted", [True, False])
def test_ipw_is_the_stacked_m_estimator(rng, target, weighted):
    X, t, y = binary(300, rng)
    w = rng.uniform(0.5, 2, size=300) if weighted else np.ones(300)
    value, std_error = ipw_by_stacking(y, t, X, w, target)
    ipw = IPW(target=target, clip=0.0)
    effect = ipw.fit(X, y, t=t, sample_weight=w if weighted else None).effect_
    assert_allclose(effect.value, value, rtol=1e-7)
    assert_allclose(effect.std_error * np.sqrt((300 - 4) / 300), std_error, rtol=1e-5)


@pytest.mark.parametrize("target", ["ATE", "ATT"])
def test_several_arms_have_a_logit_each(rng, target):
    X, arm, y = three_arms(400, rng)
    codes = np.searchsorted(["a", "b", "c"], arm)
    value, std_error = ipw_by_stacking(y, codes, X, np.ones(400), target, control=0, treated=2)
    arms = pd.Series(arm, dtype="category", name="arm")
    effect = IPW(contrast=("a", "c"), target=target, clip=0.0).fit(X, y, t=arms).effect_
    assert_allclose(effect.value, value, rtol=1e-7)
    assert_allclose(effect.std_error * np.sqrt((400 - 3) / 400), std_error, rtol=1e-5)
    with pytest.raises(InputError, match="contrast="):
        IPW().fit(X, y, t=arms)


def test_the_textbook_formula(rng):
    X, t, y = binary(500, rng)
    from sklearn.linear_model import LogisticRegression

    p = LogisticRegression(C=np.inf, tol=1e-10).fit(X, t).predict_proba(X)[:, 1]
    by_hand = np.average(y, weights=t / p) - np.average(y, weights=(1 - t) / (1 - p))
    assert_allclose(IPW(clip=0.0).fit(X, y, t=t).effect_.value, by_hand, rtol=1e-5)
    odds = (1 - t) * p / (1 - p)
    by_hand = y[t == 1].mean() - np.average(y, weights=odds)
    assert_allclose(IPW(clip=0.0, target="ATT").fit(X, y, t=t).effect_.value, by_hand, rtol=1e-5)


def test_frequency_weights_are_repeated_rows(rng):
    X, t, y = binary(90, rng)
    counts = rng.integers(1, 4, size=90)
    rows = np.repeat(np.arange(90), counts)
    folded = IPW(inference=Asymptotic("frequency")).fit(X, y, t=t, sample_weight=counts).effect_
    repeated = IPW().fit(X[rows], y[rows], t=t[rows]).effect_
    assert_allclose([folded.value, folded.std_error], [repeated.value, repeated.std_error])


def test_separation_is_refused(rng):
    X, _, y = binary(200, rng)
    with pytest.raises(NumericalError, match="without error"):
        IPW().fit(X, y, t=X[:, 0] > 0)
    nearly = (X[:, 0] > 0).astype(float)
    nearly[np.argsort(X[:, 0])[-5:]] = 0
    quasi = np.column_stack([X, nearly * (X[:, 0] > 1)])
    t = np.where(quasi[:, -1] == 1, 1.0, rng.integers(2, size=200))
    with pytest.raises(NumericalError, match="without error"):
        IPW().fit(quasi, y, t=t)


def test_poor_overlap_warns_and_is_reported(rng):
    X = rng.normal(size=(2000, 1))
    t = (rng.random(2000) < 1 / (1 + np.exp(-6 * X[:, 0]))).astype(float)
    y = t + X[:, 0] + rng.normal(size=2000)
    with pytest.warns(OverlapWarning, match="Expected arms"):
        effect = IPW().fit(X, y, t=t).effect_
    overlap = effect.details["overlap"]
    assert overlap.share_clipped > 0.05
    assert "Poor overlap" in repr(overlap)
    assert "<table" in overlap._repr_html_()
    assert "Overlap:" in repr(effect)
    assert 0 < overlap.effective[0] < overlap.n_rows[0]


def test_good_overlap_is_silent(rng):
    X, t, y = binary(500, rng)
    overlap = IPW().fit(X, y, t=t).effect_.details["overlap"]
    assert overlap.problem is None
    assert overlap.n_rows == (int((t == 0).sum()), int(t.sum()))
    randomised = IPW().fit(None, y, t=t).effect_
    assert_allclose(randomised.details["overlap"].effective, overlap.n_rows)
    assert_allclose(randomised.value, y[t == 1].mean() - y[t == 0].mean())


def test_effective_sample_size_is_kish():
    from causalkit.estimation.weighting.overlap import overlap_of

    p = np.array([0.5, 0.5, 0.25, 0.8])
    arm = np.array([True, True, False, False])
    overlap = overlap_of(p, 1 - p, arm, ~arm, ("0", "1"), clip=0.0)
    inverse = 1 / np.array([0.75, 0.2])
    assert_allclose(overlap.effective[0], inverse.sum() ** 2 / (inverse**2).sum())
    assert_allclose(overlap.effective[1], 2)


def test_bad_settings_are_named(rng):
    X, t, y = binary(100, rng)
    with pytest.raises(InputError, match="clip"):
        IPW(clip=0.7).fit(X, y, t=t)
    with pytest.raises(InputError, match="target"):
        IPW(target="everyone").fit(X, y, t=t)
    with pytest.raises(InputError, match=r"continuous.*Use OLS"):
        IPW().fit(X, y, t=X[:, 0])


@pytest.mark.filterwarnings("ignore")
def test_ipw_warns_where_its_interval_covers_too_rarely(rng):
    """Logits of slope 2, 1,000 rows: 95 % intervals cover 82 % of the time; of slope 1, 97 %."""

    def share_warned(slope):
        warned = 0
        for _ in range(30):
            x = rng.normal(size=1000)
            t = (rng.random(1000) < 1 / (1 + np.exp(-slope * x))).astype(int)
            effect = IPW().fit(x[:, None], t + x + rng.normal(size=1000), t=t).effect_
            warned += effect.details["overlap"].problem is not None
        return warned / 30

    assert share_warned(1.0) == 0
    assert share_warned(2.0) > 0.4


def test_controls_unlike_the_treated_are_not_missed(rng):
    """A large pool of controls, of which few are needed: fine for the effect on the treated."""
    x = np.append(rng.normal(2, 1, size=200), rng.normal(size=6000))
    t = np.append(np.ones(200), np.zeros(6000))
    y = t + x + rng.normal(size=6200)
    overlap = IPW(target="ATT").fit(x[:, None], y, t=t).effect_.details["overlap"]
    assert overlap.effective[0] < 0.1 * overlap.n_rows[0]
    assert overlap.problem is None
