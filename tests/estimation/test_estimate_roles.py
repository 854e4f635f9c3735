"""From an estimand to the estimator that answers it: instruments, front doors, mediation."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from sklearn.linear_model import LinearRegression, LogisticRegression

import causalkit as ck
from causalkit.errors import InputError
from causalkit.estimation import (
    AIPW,
    LATE,
    OLS,
    PLIV,
    FixedEffects,
    FrontDoor,
    LinearFrontDoor,
    NaturalEffects,
    PlugIn,
    TwoStageLeastSquares,
    default_estimator,
    estimate,
)
from causalkit.estimation.problem import as_problem
from causalkit.identification import identify_mediation

IV = "Z -> T -> Y; C -> T; C -> Y; C -> Z; T <-> Y"
DOOR = "T -> M -> Y; T <-> Y"
MEDIATION = "C -> T -> M -> Y; T -> Y; C -> M; C -> Y"
LINEAR = (LinearRegression(), LinearRegression())


@pytest.fixture
def confounded(rng):
    """Effect 1.5 behind a hidden cause; Z is an instrument given C."""
    U, C = rng.normal(size=(2, 1500))
    Z = (rng.random(1500) < 1 / (1 + np.exp(-C))).astype(int)
    T = Z + 0.5 * C + U + rng.normal(size=1500)
    Y = 1.5 * T + C + U + rng.normal(size=1500)
    return pd.DataFrame({"Z": Z, "T": T, "Y": Y, "C": C, "day": np.arange(1500) % 5})


@pytest.fixture
def mediated(rng):
    """Direct effect 1, indirect 0.5 · 2."""
    C = rng.normal(size=2000)
    T = (rng.random(2000) < 1 / (1 + np.exp(-C))).astype(int)
    M = 0.5 * T + C + rng.normal(size=2000)
    return pd.DataFrame({"C": C, "T": T, "M": M, "Y": 2 * M + T + C + rng.normal(size=2000)})


def test_instruments_are_used_given_what_makes_them_valid(confounded):
    estimand = ck.identify(IV, "T", "Y", strategy="instrument")
    effect = estimand.estimate(confounded, PLIV(*LINEAR, LinearRegression(), random_state=0))
    assert 1.5 in effect.interval(0.999)
    assert effect.problem.adjustment == ("C",)
    assert effect.problem.others["z"].names == ("Z",)
    assert "instruments" in repr(effect)
    two_stage = estimand.estimate(confounded, TwoStageLeastSquares())
    assert_allclose(effect.value, two_stage.value, atol=0.05)


def test_the_default_follows_from_what_was_identified(confounded):
    everyone = ck.identify(IV, "T", "Y", strategy="instrument")
    plain = ck.identify("Z -> T -> Y; T <-> Y", "T", "Y", strategy="instrument")
    binary = confounded.assign(T=(confounded["T"] > 0).astype(int))
    compliers = ck.identify(IV, "T", "Y", strategy="compliers")

    def chosen(estimand, data, roles, X=None):
        problem = as_problem(X, data["Y"], data["T"], others=roles)
        return type(default_estimator(problem, estimand))

    z = {"z": confounded["Z"]}
    assert chosen(everyone, confounded, z, confounded[["C"]]) is PLIV
    assert chosen(plain, confounded, z) is TwoStageLeastSquares
    assert chosen(compliers, binary, z, binary[["C"]]) is LATE
    m = {"mediators": confounded["C"]}
    door = ck.identify(DOOR, "T", "Y")
    assert chosen(door, confounded, m) is LinearFrontDoor
    assert chosen(door, binary, m) is FrontDoor
    assert chosen(identify_mediation(MEDIATION, "T", "Y", "M"), binary, m) is NaturalEffects


@pytest.mark.filterwarnings("ignore::causalkit.errors.NuisanceWarning")
def test_a_front_door_by_frequencies_or_by_learners(rng):
    U = rng.random(3000)
    T = (rng.random(3000) < U).astype(int)
    M = (rng.random(3000) < 0.2 + 0.6 * T).astype(int)
    Y = M + 2 * U + rng.normal(size=3000)
    estimand = ck.identify(DOOR, "T", "Y")
    counted = estimand.estimate({"T": T, "M": M, "Y": Y})
    logistic = LogisticRegression()
    learnt = estimand.estimate(
        {"T": T, "M": M, "Y": Y}, FrontDoor(LinearRegression(), logistic, logistic, random_state=0)
    )
    assert "frequencies" in counted.method or "plug-in" in counted.method.lower()
    assert 0.6 in counted.interval(0.999)
    assert_allclose(learnt.value, counted.value, atol=0.05)
    M = 0.6 * T + 0.5 * rng.normal(size=3000)
    wide = estimand.estimate(
        {"T": T, "M": M, "Y": M + 2 * U + rng.normal(size=3000)},
        FrontDoor(LinearRegression(), logistic, random_state=0),
    )
    assert 0.6 in wide.interval(0.999)


@pytest.mark.parametrize(
    ("part", "truth"),
    [("total", 2), ("natural direct", 1), ("natural indirect", 1), ("total indirect", 1)],
)
def test_parts_of_an_effect_of_continuous_mediators(mediated, part, truth):
    estimand = identify_mediation(MEDIATION, "T", "Y", "M", effect=part)
    estimator = NaturalEffects(LinearRegression(), LogisticRegression(), random_state=0)
    effect = estimand.estimate(mediated, estimator)
    assert truth in effect.interval(0.999)
    assert part.split()[0] in effect.sentence.lower()


def test_a_formula_that_no_estimator_has_is_plugged_in(rng):
    """A covariate that the treatment changes: identified, but no average of regressions."""
    estimand = identify_mediation("T -> L -> Y; T -> M -> Y; T -> Y; C -> T; C -> Y", "T", "Y", "M")
    data = {name: rng.integers(2, size=400) for name in "TLMCY"}
    assert np.isfinite(estimand.estimate(data, PlugIn()).value)


def test_estimators_of_panels_get_their_labels_by_name(confounded):
    estimand = ck.identify("C -> T -> Y; C -> Y", "T", "Y")
    data = confounded.assign(unit=np.repeat(np.arange(300), 5))
    effect = estimand.estimate(data, FixedEffects(), panel="unit", time="day")
    assert np.isfinite(effect.value)
    with pytest.raises(InputError, match="estimators of panels"):
        estimand.estimate(data, OLS(), panel="unit")


def test_data_in_blocks_give_the_same_numbers(confounded, tmp_path):
    path = tmp_path / "rows.parquet"
    confounded.to_parquet(path)
    estimand = ck.identify("C -> T -> Y; C -> Y", "T", "Y")
    streamed, held = (estimate(estimand, source, OLS()) for source in (path, confounded))
    assert_allclose([streamed.value, streamed.std_error], [held.value, held.std_error], rtol=1e-8)
    with pytest.raises(InputError, match="clusters cannot be had"):
        estimate(estimand, path, OLS(), clusters="day")


def test_another_question_is_refused(confounded, mediated):
    by_instrument = ck.identify(IV, "T", "Y", strategy="instrument")
    with pytest.raises(InputError, match="identified through Z, and OLS adjusts"):
        by_instrument.estimate(confounded, OLS())
    with pytest.raises(InputError, match="PLIV needs z"):
        ck.identify("C -> T -> Y; C -> Y", "T", "Y").estimate(confounded, PLIV())
    parts = identify_mediation(MEDIATION, "T", "Y", "M")
    with pytest.raises(InputError, match="answers another question"):
        parts.estimate(mediated, FrontDoor())
    with pytest.raises(InputError, match="answers another question"):
        ck.identify(DOOR, "T", "Y").estimate(mediated, NaturalEffects())
    with pytest.raises(InputError, match="adjusts for covariates only"):
        ck.identify(DOOR, "T", "Y").estimate(mediated, AIPW())


def test_several_levels_are_each_compared_with_the_first(rng):
    level = rng.integers(3, size=600)
    Z = rng.normal(size=600)
    data = pd.DataFrame({"Z": Z, "T": pd.Categorical(np.array(["a", "b", "c"])[level])})
    data["Y"] = level + Z + rng.normal(size=600)
    for graph in ("Z -> T -> Y; Z -> Y", "T -> Y"):
        effects = ck.identify(graph, "T", "Y").estimate(data, random_state=0)
        assert effects.labels == ("b − a", "c − a")
        assert_allclose(effects.values, [1, 2], atol=0.4)
