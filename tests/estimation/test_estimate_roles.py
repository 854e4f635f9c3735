"""From an estimand to the estimator that answers it: instruments, front doors, mediation."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_allclose
from sklearn.base import clone
from sklearn.linear_model import LinearRegression, LogisticRegression

import causalkit as ck
from causalkit.errors import InputError, UnknownVariableError
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
    PredictionPowered,
    SampleSelection,
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


@pytest.fixture
def surveyed(rng):
    """Effect 1; the outcome is seen of some, and predicted of all."""
    C = rng.normal(size=1500)
    T = rng.random(1500) < 1 / (1 + np.exp(-C))
    Y = T + C + rng.normal(size=1500)
    seen = rng.random(1500) < 1 / (1 + np.exp(-1 - C))
    drawn = rng.random(1500) < 0.3
    arm = pd.Categorical(np.where(T, "new", "as before"))
    return pd.DataFrame(
        {
            "C": C,
            "T": arm,
            "Y": np.where(seen, Y, np.nan),
            "seen": seen,
            "measured": np.where(drawn, Y, np.nan),
            "drawn": drawn.astype(int),
            "map": Y + rng.normal(size=1500),
            "distance": rng.normal(size=1500),
        }
    )


ADJUST = "C -> T -> Y; C -> Y"
LOGISTIC = LogisticRegression()


def test_columns_that_say_what_was_measured_are_named_in_estimate(surveyed):
    estimand = ck.identify(ADJUST, "T", "Y")
    selection = SampleSelection(LINEAR[0], LOGISTIC, LOGISTIC, random_state=0)
    effect = estimand.estimate(surveyed, selection, roles={"selected": "seen"})
    fitted = clone(selection).fit(
        surveyed[["C"]], surveyed["Y"], t=surveyed["T"], selected=surveyed["seen"]
    )
    assert (effect.value, effect.std_error) == (fitted.effect_.value, fitted.effect_.std_error)
    assert 1 in effect.interval(0.999)
    assert effect.estimand is estimand
    not_at_random = clone(selection).set_params(missing="not-at-random")
    roles = {"selected": "seen", "z": "distance"}
    assert np.isfinite(estimand.estimate(surveyed, not_at_random, roles=roles).value)
    for container in (pl.from_pandas(surveyed), dict(surveyed)):
        again = estimate(estimand, container, selection, roles={"selected": ["seen"]})
        assert_allclose(again.value, effect.value)
    possible = ck.identify("C -- T; T -- Y; C -- Y", "T", "Y", strategy="possible")
    several = possible.estimate(surveyed, selection, roles={"selected": "seen"})
    assert effect.value in several.values


def test_predictions_of_the_outcome_are_named_in_estimate(surveyed):
    estimand = ck.identify("C -> T -> measured; C -> measured", "T", "measured")
    roles = {"predicted": "map", "labelled": "drawn"}
    effect = estimand.estimate(surveyed, PredictionPowered(AIPW(LINEAR[0], LOGISTIC)), roles=roles)
    assert 1 in effect.interval(0.999)
    assert effect.details["contrast"] == "T: new versus as before"
    plain = estimand.estimate(surveyed, PredictionPowered(), roles=roles)
    fitted = PredictionPowered().fit(
        surveyed[["C"]],
        surveyed["measured"],
        t=surveyed["T"],
        predicted=surveyed["map"],
        labelled=surveyed["drawn"],
    )
    assert_allclose(plain.value, fitted.effect_.value)
    clustered = estimand.estimate(
        surveyed.assign(who=np.arange(1500) // 3), PredictionPowered(), roles=roles, clusters="who"
    )
    assert clustered.problem.n_groups == 500


def test_roles_that_cannot_be_are_refused(surveyed, confounded):
    estimand = ck.identify(ADJUST, "T", "Y")
    selection = SampleSelection(LINEAR[0], LOGISTIC, LOGISTIC)
    with pytest.raises(InputError, match=r"roles=\{'selected': …\}"):
        estimand.estimate(surveyed, selection)
    with pytest.raises(InputError, match=r"PredictionPowered needs predicted.*'predicted': …"):
        estimand.estimate(surveyed, PredictionPowered(), roles={"labelled": "seen"})
    for estimator, roles, words in (
        (None, {"selected": "seen"}, "estimator=None"),
        (PlugIn(), {"selected": "seen"}, "estimator=PlugIn"),
        (OLS(), "seen", "names of columns by role"),
        (OLS(), {"selected": "seen"}, "OLS takes none"),
        (selection, {"selected": "seen", "seen": "seen"}, "takes 'selected', 'z'"),
        (selection, {"selected": "T"}, "treatment or the outcome already"),
        (selection, {"selected": surveyed["seen"]}, "no name of a column"),
        (selection, {"selected": None}, "no name of a column"),
        (selection, {"selected": []}, "no name of a column"),
        (selection, {"selected": [0.5]}, "no name of a column"),
        (selection, {"selected": "map"}, "zeros and ones"),
        (selection, {"selected": "drawn"}, "y is missing in"),
        (PLIV(), {"z": "distance"}, "come with what was identified"),
        (FixedEffects(), {"unit": "drawn"}, "panel="),
    ):
        with pytest.raises(InputError, match=words):
            estimand.estimate(surveyed, estimator, roles=roles)
    with pytest.raises(UnknownVariableError):
        estimand.estimate(surveyed, selection, roles={"selected": "sen"})
    by_instrument = ck.identify(IV, "T", "Y", strategy="instrument")
    data = confounded.assign(T=confounded["T"] > 0, seen=confounded["C"] > -1)
    with pytest.raises(InputError, match="identified through Z, and SampleSelection adjusts"):
        by_instrument.estimate(
            data, selection.set_params(missing="not-at-random"), roles={"selected": "seen"}
        )
    steps = ck.identify(ck.graph.LaggedGraph.parse("X[t-1] -> Y[t]"), "X[t-1]", "Y")
    with pytest.raises(InputError, match="has steps"):
        steps.estimate({"X": [0.0, 1.0], "Y": [0.0, 1.0]}, OLS(), roles={"selected": "X"})


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
