"""E-values: published figures, the bounding factor they come from, textbook risk ratios."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from causalkit.errors import InputError
from causalkit.estimation import OLS, Asymptotic, Bootstrap, GComputation
from causalkit.refutation import EValue, bounding_factor, e_value, e_value_of_interval, refute
from causalkit.refutation.e_values import _arms, risk_ratio
from tests.refutation.designs import fitted, light_aipw, linear_design


def test_published_values():
    # VanderWeele & Ding (2017): breast-feeding and infant death; and a protective effect.
    assert e_value(3.9) == pytest.approx(7.26, abs=0.005)
    assert e_value_of_interval(1.8, 8.7) == pytest.approx(3.0, abs=0.005)
    assert e_value(0.80) == pytest.approx(1.81, abs=0.005)
    assert e_value_of_interval(0.71, 0.91) == pytest.approx(1.43, abs=0.005)


@given(st.floats(1, 1e6))
def test_a_cause_as_strong_as_the_e_value_explains_the_ratio_away_exactly(ratio):
    strength = e_value(ratio)
    assert bounding_factor(strength, strength) == pytest.approx(ratio, rel=1e-9)
    assert e_value(1 / ratio) == pytest.approx(strength, rel=1e-9)


@given(a=st.floats(1, 1e3), b=st.floats(1, 1e3))
def test_bounding_factor_is_below_both(a, b):
    assert bounding_factor(a, b) <= min(a, b) * (1 + 1e-12)
    assert bounding_factor(a, np.inf) == a
    assert bounding_factor(np.inf, b) == b


def test_an_interval_that_holds_one_needs_nothing():
    assert e_value_of_interval(0.0, 2.0) == e_value_of_interval(1.0, 1.0) == 1.0


@pytest.mark.parametrize("bad", [0.0, -1.0, np.inf, np.nan])
def test_a_ratio_must_be_positive(bad):
    with pytest.raises(InputError, match="positive number"):
        e_value(bad)


def test_other_errors():
    with pytest.raises(InputError, match="lower ≤ upper"):
        e_value_of_interval(2.0, 1.0)
    with pytest.raises(InputError, match="invert"):
        bounding_factor(0.5, 2.0)


def trial(rng, n=3000, base=0.2, risk=0.35):
    t = (rng.random(n) < 0.4).astype(float)
    y = (rng.random(n) < np.where(t == 1, risk, base)).astype(float)
    return t, y


def test_without_covariates_it_is_the_textbook_risk_ratio():
    t, y = trial(np.random.default_rng(0))
    effect = OLS(covariance="HC0").fit(None, y, t=t).effect_
    ratio, interval = risk_ratio(effect, _arms(effect, effect.problem), 0.95)
    p1, p0, n1, n0 = y[t == 1].mean(), y[t == 0].mean(), (t == 1).sum(), (t == 0).sum()
    spread = np.sqrt((1 - p1) / (n1 * p1) + (1 - p0) / (n0 * p0))
    assert ratio == pytest.approx(p1 / p0)
    expected = np.exp(np.log(p1 / p0) + np.array([-1, 1]) * 1.959964 * spread)
    assert tuple(interval) == pytest.approx(tuple(expected), rel=1e-5)


def test_the_ratio_of_the_treated_is_theirs():
    """ATT: their own risk over what it would have been, mean(y | t=1) / (mean(y | t=1) − ATT)."""
    rng = np.random.default_rng(1)
    x = rng.normal(size=2000)
    t = (rng.random(2000) < 1 / (1 + np.exp(-x))).astype(float)
    y = (rng.random(2000) < 1 / (1 + np.exp(1.5 - t - 0.5 * x))).astype(float)
    effect = GComputation(target="ATT").fit(x[:, None], y, t=t).effect_
    ratio, interval = risk_ratio(effect, _arms(effect, effect.problem), 0.95)
    mine = y[t == 1].mean()
    assert ratio == pytest.approx(mine / (mine - effect.value))
    assert ratio in interval


def test_frequency_weights_are_repeated_rows():
    counts = [900, 100, 800, 200]
    t, y = np.array([0.0, 0, 1, 1]), np.array([0.0, 1, 0, 1])
    ols = OLS(covariance="HC0", inference=Asymptotic("frequency"))
    folded = ols.fit(None, y, t=t, sample_weight=counts).effect_
    repeated = OLS(covariance="HC0").fit(None, np.repeat(y, counts), t=np.repeat(t, counts)).effect_
    found = [risk_ratio(e, _arms(e, e.problem), 0.95) for e in (folded, repeated)]
    assert found[0][0] == pytest.approx(found[1][0]) == pytest.approx(2.0)
    assert tuple(found[0][1]) == pytest.approx(tuple(found[1][1]))


def test_a_bootstrapped_effect_has_the_interval_of_its_formula():
    """Scaled by its standard error over the formula's, and no narrower for want of influence."""
    t, y = trial(np.random.default_rng(5), base=0.05, risk=0.15)
    effects = [OLS(inference=i).fit(None, y, t=t).effect_ for i in (None, Bootstrap(100, 0))]
    spreads = []
    for effect in effects:
        lower, upper = risk_ratio(effect, _arms(effect, effect.problem), 0.95)[1]
        spreads.append(np.log(upper / lower) / effect.std_error)
    assert spreads[1] == pytest.approx(spreads[0], rel=0.1)


@pytest.mark.filterwarnings("ignore:the standard error rests on")
def test_few_clusters_widen_the_interval(monkeypatch):
    t, y = trial(np.random.default_rng(6), n=300)
    groups = np.arange(300) % 6
    effect = OLS().fit(None, y, t=t, groups=groups).effect_
    lower, upper = risk_ratio(effect, _arms(effect, effect.problem), 0.95)[1]
    spread = OLS.spread
    monkeypatch.setattr(OLS, "spread", lambda *given: (spread(*given)[0], None))
    wide = risk_ratio(effect, _arms(effect, effect.problem), 0.95)[1]
    ratio = np.log(upper / lower) / np.log(wide.upper / wide.lower)
    assert ratio == pytest.approx(2.570582 / 1.959964, rel=1e-5)  # Student's with 5 df


def test_levels_that_are_not_compared_do_not_count():
    rng = np.random.default_rng(2)
    t, y = trial(rng)
    t3 = np.append(t, np.full(500, 2.0))
    y3 = np.append(y, np.ones(500))
    import pandas as pd

    dose = pd.Series(pd.Categorical(t3), name="dose")
    two = OLS(covariance="HC0").fit(None, y, t=t).effect_
    three = OLS(covariance="HC0", contrast=(0.0, 1.0)).fit(None, y3, t=dose).effect_
    assert three.value == pytest.approx(two.value)
    found = [risk_ratio(e, _arms(e, e.problem), 0.95) for e in (two, three)]
    assert found[1][0] == pytest.approx(found[0][0])
    assert tuple(found[1][1]) == pytest.approx(tuple(found[0][1]), rel=1e-3)


@pytest.mark.filterwarnings("ignore::causalkit.errors.NuisanceWarning")  # steps, seen as lines
def test_verdicts():
    rng = np.random.default_rng(3)
    x = rng.normal(size=3000)
    t = (rng.random(3000) < 1 / (1 + np.exp(-0.2 * x))).astype(float)
    strong = (rng.random(3000) < 0.1 + 0.5 * t + 0.02 * (x > 0)).astype(float)
    weak = (rng.random(3000) < 0.3 + 0.05 * t + 0.25 * (x > 0)).astype(float)
    t_tied = (rng.random(3000) < 0.2 + 0.6 * (x > 0)).astype(float)
    weak_tied = (rng.random(3000) < 0.3 + 0.08 * t_tied + 0.3 * (x > 0)).astype(float)
    X = x[:, None]
    assert refute(light_aipw().fit(X, strong, t=t).effect_, EValue())[0].passes
    assert refute(light_aipw().fit(X, weak_tied, t=t_tied).effect_, EValue())[0].fails
    none = refute(light_aipw().fit(X, weak * 0 + (x > 0.3), t=t).effect_, EValue())[0]
    assert none.verdict == "not informative"
    assert "holds 1" in none.sentence


def test_it_says_when_it_does_not_apply():
    rng = np.random.default_rng(4)
    numeric = fitted(OLS(), linear_design(rng))
    (found,) = refute(numeric, EValue())
    assert found.verdict == "not informative"
    assert "two-level outcome" in found.sentence
    t, y = trial(rng)
    (alone,) = refute(OLS().fit(None, y, t=t).effect_, EValue())
    assert alone.verdict == "not informative"
    assert "no column was measured" in alone.sentence
    assert alone.details["e_value"] > alone.details["e_value_of_interval"] > 1


def test_sampling_coverage_of_the_ratio():
    """The interval of the risk ratio holds the true one about as often as it says."""
    hits = 0
    for seed in range(120):
        rng = np.random.default_rng(seed)
        x = rng.normal(size=500)
        t = (rng.random(500) < 1 / (1 + np.exp(-0.5 * x))).astype(float)
        y = (rng.random(500) < 0.25 + 0.15 * t + 0.1 * (x > 0)).astype(float)
        effect = GComputation(family="gaussian").fit((x > 0).astype(float)[:, None], y, t=t).effect_
        hits += 0.45 / 0.30 in risk_ratio(effect, _arms(effect, effect.problem), 0.95)[1]
    assert 106 <= hits <= 120  # 95 % of 120 is 114; four Monte Carlo standard errors below
