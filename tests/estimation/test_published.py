"""Published numbers, from the bundled tables."""

from __future__ import annotations

import pandas as pd
import pytest
from numpy.testing import assert_allclose

from causalkit import datasets
from causalkit.estimation import AIPW, IPW, OLS, PLR, GComputation, Powers


def test_the_experiment_of_lalonde():
    """Dehejia & Wahba (1999), table 3: 1794 dollars (Neyman's s.e. 671)."""
    jobs = datasets.load("jtrain2")
    effect = OLS(covariance="HC2").fit(None, jobs["re78"], t=jobs["train"]).effect_
    assert_allclose(effect.value, 1.794, atol=5e-4)
    assert_allclose(effect.std_error, 0.671, atol=5e-4)


def test_eligibility_for_401k_by_least_squares():
    """Wooldridge's 401ksubs: 9.705, robust (HC1) 1.374, to a tenth of a dollar."""
    data = datasets.load("401ksubs")
    ols = OLS(features=Powers(2)).fit(data[["inc", "age"]], data["nettfa"], t=data["e401k"])
    assert_allclose(ols.effect_.value, 9.705, atol=5e-4)
    assert_allclose(ols.effect_.std_error, 1.374, atol=5e-4)
    columns = data[["inc", "incsq", "age", "agesq"]]
    stored = OLS().fit(columns, data["nettfa"], t=data["e401k"]).effect_
    assert_allclose(stored.value, ols.effect_.value, rtol=1e-6)


def test_participation_by_least_squares():
    """Abadie (2003), table 2, column 1: 13.527 (1.810)."""
    data = datasets.load("401ksubs")
    X = data[["inc", "age", "agesq", "marr", "fsize"]]
    effect = OLS().fit(X, data["nettfa"], t=data["p401k"]).effect_
    assert_allclose([effect.value, effect.std_error], [13.527, 1.810], atol=5e-4)


@pytest.mark.slow
def test_eligibility_by_double_machine_learning():
    """DoubleML with boosted trees on the same columns: AIPW 8.0, PLR 8.9, s.e. 1.3 each."""
    data = datasets.load("401ksubs")
    X = data[["inc", "age", "fsize", "marr", "male", "pira"]]
    aipw = AIPW(random_state=0).fit(X, data["nettfa"], t=data["e401k"]).effect_
    plr = PLR(random_state=0).fit(X, data["nettfa"], t=data["e401k"]).effect_
    assert abs(aipw.value - 8.0) < 1.3
    assert abs(plr.value - 8.9) < 1.3
    assert_allclose([aipw.std_error, plr.std_error], 1.3, atol=0.2)


@pytest.fixture(scope="module")
def smokers():
    """Hernán & Robins, What If: 1566 people with a weight in 1982."""
    data = datasets.load("nhefs").dropna(subset=["wt82"])
    assert len(data) == 1566
    numeric = ["age", "smokeintensity", "smokeyrs", "wt71"]
    coded = ["sex", "race", "education", "exercise", "active"]
    X = data[numeric].assign(**{f"{c}2": data[c] ** 2 for c in numeric})
    for name in coded:
        X[name] = pd.Categorical(data[name])
    return X, data["wt82_71"].to_numpy(), data["qsmk"].to_numpy()


@pytest.mark.parametrize(
    ("estimator", "value", "interval"),
    [
        # 12.2, intervals there are conservative (the propensity taken as known)
        (IPW(), 3.4, (2.4, 4.5)),
        # 13.3, interval by bootstrap; the model there has one interaction
        (GComputation(interactions=False), 3.5, (2.6, 4.3)),
        # 15.1
        (OLS(), 3.5, (2.6, 4.3)),
    ],
)
def test_quitting_smoking(smokers, estimator, value, interval):
    X, y, t = smokers
    effect = estimator.fit(X, y, t=t).effect_
    assert_allclose(effect.value, value, atol=0.06)
    assert_allclose(tuple(effect.interval()), interval, atol=0.15)


def test_quitting_smoking_unadjusted(smokers):
    """12.1: 2.5 (1.7 to 3.4), from a standard error that takes equal variances."""
    _, y, t = smokers
    effect = OLS().fit(None, y, t=t).effect_
    assert_allclose([effect.value, *effect.interval()], [2.5, 1.7, 3.4], atol=0.12)
