"""Published numbers of instruments, and of data that lie beside the project."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from causalkit import datasets
from causalkit.errors import WeakInstrumentWarning
from causalkit.estimation import AIPW, IPW, OLS, GComputation
from causalkit.estimation.instruments.linear import LIML, TwoStageLeastSquares
from causalkit.estimation.instruments.weak_instruments import weak_instrument_set

WAGES = ["exper", "expersq", "black", "south", "smsa", "smsa66"]
WAGES += [f"reg66{k}" for k in range(1, 9)]


@pytest.fixture(scope="module")
def card():
    return datasets.load("card")


@pytest.fixture
def truth(shared):
    """Values by name, with their standard errors and tolerances."""
    return json.loads((shared / "estimation_truth" / "estimation_truth.json").read_text())


def schooling(card, instruments, **settings):
    estimator = TwoStageLeastSquares(**settings)
    return estimator.fit(card[WAGES], card["lwage"], t=card["educ"], z=card[instruments]).effect_


def test_schooling_and_wages(card):
    """Card (1995), tables 2 and 3; Wooldridge, example 15.4: 0.0747 (0.0035), 0.1315 (0.0550)."""
    ols = OLS().fit(card[WAGES], card["lwage"], t=card["educ"]).effect_
    assert_allclose([ols.value, ols.std_error], [0.0747, 0.0035], atol=2e-4)
    assert_allclose(ols.value, 0.0747, atol=5e-5)
    effect = schooling(card, ["nearc4"], covariance="classical")
    assert_allclose([effect.value, effect.std_error], [0.1315, 0.0550], atol=5e-5)
    assert_allclose(effect.details["first_stage"].coefficients, [0.320], atol=5e-4)
    assert_allclose(effect.details["first_stage"].std_errors, [0.088], atol=5e-4)


def test_schooling_and_wages_to_all_digits(card, truth):
    known = {value["quantity"]: value for value in truth["card1995"]["values"]}
    effect = schooling(card, ["nearc4"], covariance="classical")
    exact = known["2SLS exact"]
    assert_allclose(effect.value, exact["value"], rtol=1e-9)
    assert_allclose(effect.std_error, exact["se"], rtol=1e-9)
    stage = effect.details["first_stage"]
    assert_allclose(stage.coefficients, known["first stage nearc4"]["value"], rtol=1e-9)
    assert_allclose(stage.std_errors, known["first stage nearc4"]["se"], rtol=1e-9)
    assert_allclose(stage.effective_f, known["first-stage F"]["value"], rtol=1e-9)
    robust = schooling(card, ["nearc4"], covariance="HC0")
    assert_allclose(robust.std_error, known["2SLS robust(HC0) se"]["value"], rtol=1e-9)
    with pytest.warns(WeakInstrumentWarning, match="effective first-stage F 7.89"):
        two = schooling(card, ["nearc2", "nearc4"], covariance="classical")
    both = known["2SLS nearc2+nearc4"]
    assert_allclose([two.value, two.std_error], [both["value"], both["se"]], rtol=1e-9)
    agree = two.details["overidentification"]
    sargan = known["Sargan (nearc2+nearc4) stat / p"]["value"]
    assert_allclose([agree.statistic, agree.p_value], sargan, rtol=1e-8)


def test_schooling_and_wages_whatever_the_strength(card):
    """Kang, Jiang, Zhao & Small (2021), ivmodel: Anderson-Rubin p 0.02003, 0.0248 to 0.2848."""
    effect = schooling(card, ["nearc4"], covariance="classical")
    found = weak_instrument_set(effect, "AR")
    assert_allclose(found.p_value(), 0.02003, atol=5e-6)
    assert_allclose(tuple(found.hull), (0.0248, 0.2848), atol=5e-5)
    assert len(found) == 1
    # the adjusted t-ratio takes back what the usual interval says: zero is not excluded
    assert 0 not in effect.interval()
    assert 0 in effect.details["tF interval"]


def test_schooling_of_women():
    """Mroz (1987) by Wooldridge, examples 15.1 and 15.5; Sargan 0.378, residual t 1.67."""
    mroz = pytest.importorskip("linearmodels.datasets.mroz")
    data = mroz.load().dropna(subset=["lwage"])
    assert len(data) == 428
    y, t = data["lwage"], data["educ"]
    estimator = TwoStageLeastSquares(covariance="classical")
    one = estimator.fit(None, y, t=t, z=data["fatheduc"]).effect_
    assert_allclose([one.value, one.std_error], [0.059, 0.035], atol=5e-4)
    parents = data[["motheduc", "fatheduc"]]
    both = estimator.fit(data[["exper", "expersq"]], y, t=t, z=parents).effect_
    assert_allclose([both.value, both.std_error], [0.061, 0.031], atol=5e-4)
    tests = both.details["overidentification"], both.details["endogeneity"]
    assert_allclose(tests[0].statistic, 0.378, atol=5e-4)
    assert_allclose(np.sqrt(tests[1].statistic), 1.67, atol=5e-3)
    ols = OLS().fit(data[["exper", "expersq"]], y, t=t).effect_
    assert_allclose(ols.value, 0.1075, atol=5e-5)


def test_participation_in_401k_by_eligibility():
    """Abadie (2003), table 2: 9.419 (2.153); first stage 0.6883 (0.0080)."""
    data = datasets.load("401ksubs")
    X = data[["inc", "age", "agesq", "marr", "fsize"]]
    effect = TwoStageLeastSquares().fit(X, data["nettfa"], t=data["p401k"], z=data["e401k"]).effect_
    assert_allclose([effect.value, effect.std_error], [9.419, 2.153], atol=5e-4)
    stage = effect.details["first_stage"]
    assert_allclose([*stage.coefficients, *stage.std_errors], [0.6883, 0.0080], atol=5e-5)
    liml = LIML().fit(X, data["nettfa"], t=data["p401k"], z=data["e401k"]).effect_
    assert_allclose(liml.value, effect.value, rtol=1e-9)


def test_the_experiment_of_lalonde_in_dollars(shared, truth):
    """Dehejia & Wahba (1999): 1794.34 dollars, Neyman's s.e. 671.0, in both files."""
    (known,) = truth["lalonde_nsw"]["values"]
    for name, treatment, unit in (
        ("nsw_dw_445.csv.gz", "train", 1000.0),
        ("nsw_mixtape_445.csv.gz", "treat", 1.0),
    ):
        data = pd.read_csv(shared / "lalonde_nsw" / name)
        effect = OLS(covariance="HC2").fit(None, unit * data["re78"], t=data[treatment]).effect_
        assert_allclose(effect.value, known["value"], atol=known["tolerance"])
        assert_allclose(effect.std_error, known["se"], atol=0.05)


@pytest.fixture
def infants(shared, truth):
    """Hill (2011), setting A of replication 1: columns, outcome, treatment, the true average."""
    data = pd.read_csv(shared / "ihdp_npci_1" / "ihdp_npci_1.csv.gz")
    average = truth["ihdp_rep1"]["values"][0]["value"][0]
    assert_allclose((data["mu1"] - data["mu0"]).mean(), average, atol=5e-5)
    return data.filter(regex=r"^x\d"), data["y_factual"], data["treatment"], average


@pytest.mark.parametrize("estimator", [OLS(), GComputation(), IPW()], ids=repr)
def test_infants_by_linear_models(infants, estimator):
    """The truth 4.016 lies in the interval, and the estimate within 0.1 of it."""
    X, y, t, average = infants
    effect = estimator.fit(X, y, t=t).effect_
    assert average in effect.interval()
    assert abs(effect.value - average) < 0.1


@pytest.mark.slow
def test_infants_by_default(infants):
    """Cross-fitted boosting on 747 rows: within 0.3, and in the interval."""
    X, y, t, average = infants
    effect = AIPW(random_state=0).fit(X, y, t=t).effect_
    assert average in effect.interval()
    assert abs(effect.value - average) < 0.3
