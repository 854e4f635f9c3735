"""Plug-in of frequencies: known formulas, repeated rows, coverage, and what it refuses."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import causalkit as ck
from causalkit.errors import InputError, NumericalError, OverlapWarning
from causalkit.estimation import OLS, PlugIn
from causalkit.identification import general_formula
from causalkit.identification.counterfactual.mediation import identify_mediation

FRONT_DOOR = "X -> M -> Y; X <-> Y"
NAPKIN = "W -> R -> X -> Y; W <-> X; W <-> Y"


def front_door(rng, n):
    u = rng.random(n)
    x = rng.random(n) < 0.2 + 0.6 * u
    m = rng.random(n) < 0.2 + 0.5 * x
    return pd.DataFrame({"X": x, "M": m, "Y": rng.random(n) < 0.1 + 0.4 * m + 0.4 * u}), 0.2


def napkin(rng, n):
    u, v = rng.random((2, n))
    w = rng.random(n) < 0.2 + 0.3 * u + 0.3 * v
    r = rng.random(n) < 0.3 + 0.4 * w
    x = rng.random(n) < 0.2 + 0.3 * r + 0.3 * u
    return pd.DataFrame({"W": w, "R": r, "X": x, "Y": rng.random(n) < 0.1 + 0.3 * x + 0.5 * v}), 0.3


CASES = [(FRONT_DOOR, front_door), (NAPKIN, napkin)]


def by_hand(data):
    """The front-door formula in relative frequencies."""
    total = {}
    for x in (False, True):
        total[x] = sum(
            (data.M[x == data.X] == m).mean()
            * sum(
                data.Y[(other == data.X) & (m == data.M)].mean() * (other == data.X).mean()
                for other in (False, True)
            )
            for m in (False, True)
        )
    return total[True] - total[False]


def test_front_door_is_the_formula():
    data, _ = front_door(np.random.default_rng(0), 500)
    effect = ck.identify(FRONT_DOOR, "X", "Y").estimate(data)
    assert effect.value == pytest.approx(by_hand(data), abs=1e-12)


@pytest.mark.parametrize(("graph", "draw"), CASES)
def test_influence_is_what_leaving_a_row_out_does(graph, draw):
    data, _ = draw(np.random.default_rng(1), 300)
    estimand = general_formula(graph, "X", "Y")
    effect = estimand.estimate(data)
    assert effect.influence.mean() == pytest.approx(0, abs=1e-6)
    for row in (0, 7, 123):
        without = estimand.estimate(data.drop(index=row)).value
        assert (effect.value - without) * 299 == pytest.approx(effect.influence[row], abs=0.05)


def test_weights_are_repeated_rows():
    data, _ = front_door(np.random.default_rng(2), 200)
    weights = np.random.default_rng(3).integers(1, 4, 200)
    estimand = general_formula(FRONT_DOOR, "X", "Y")
    weighted = estimand.estimate(data, sample_weight=weights)
    rows = np.repeat(np.arange(200), weights)
    repeated = estimand.estimate(data.iloc[rows].reset_index(drop=True), clusters=rows)
    assert weighted.value == pytest.approx(repeated.value, abs=1e-10)
    # Clusters have a small-sample factor, and rows by themselves have none.
    assert weighted.std_error * np.sqrt(200 / 199) == pytest.approx(repeated.std_error, rel=1e-6)


@pytest.mark.filterwarnings("ignore:the standard error rests on")
def test_few_clusters_are_told_and_widen_the_interval_as_in_other_estimators():
    rng = np.random.default_rng(14)
    groups = np.repeat(np.arange(8), 50)
    x = rng.random(400) < 0.5
    data = {"X": x, "Y": x + rng.normal(size=400) + rng.normal(size=8)[groups], "site": groups}
    estimand = ck.identify("X -> Y", "X", "Y")
    found = estimand.estimate(data, PlugIn(), clusters="site")
    other = estimand.estimate(data, OLS(), clusters="site")
    factor = np.sqrt(399 / 398)  # of the two coefficients that OLS counts
    assert found.df == other.df == 7
    assert found.std_error * factor == pytest.approx(other.std_error, rel=1e-6)
    assert "clustered, 8 clusters" in str(found)


def test_saturated_adjustment_is_least_squares_with_all_cells():
    rng = np.random.default_rng(4)
    z = rng.integers(0, 2, 2000)
    x = rng.random(2000) < 0.3 + 0.4 * z
    y = rng.random(2000) < 0.2 + 0.3 * x + 0.2 * z
    data = {"Z": z, "X": x, "Y": y}
    effect = ck.identify("Z -> X -> Y; Z -> Y", "X", "Y").estimate(data, PlugIn())
    cells = pd.DataFrame(data).groupby(["X", "Z"]).Y.mean()
    share = np.bincount(z) / 2000
    expected = sum(share[k] * (cells[True, k] - cells[False, k]) for k in (0, 1))
    assert effect.value == pytest.approx(expected, abs=1e-12)


def test_a_contrast_of_three_levels_and_text():
    rng = np.random.default_rng(5)
    data = pd.DataFrame({"X": rng.choice(["low", "mid", "top"], 900), "Y": rng.random(900) < 0.5})
    data["X"] = data["X"].astype("category")
    estimand = ck.identify("X -> Y", "X", "Y")
    with pytest.raises(InputError, match="contrast"):
        estimand.estimate(data, PlugIn())
    effect = estimand.estimate(data, PlugIn(contrast=("low", "top")))
    means = data.groupby("X", observed=True).Y.mean()
    assert effect.value == pytest.approx(means["top"] - means["low"])


def test_natural_effects_of_a_known_model():
    rng = np.random.default_rng(8)
    x = rng.random(20_000) < 0.5
    m = rng.random(20_000) < 0.2 + 0.5 * x
    data = {"X": x, "M": m, "Y": rng.random(20_000) < 0.1 + 0.2 * x + 0.3 * m + 0.2 * x * m}
    truth = {
        "natural direct": 0.2 + 0.2 * 0.2,
        "natural indirect": 0.3 * 0.5,
        "total indirect": 0.5 * 0.5,
    }
    for effect, value in truth.items():
        estimand = identify_mediation("X -> M -> Y; X -> Y", "X", "Y", "M", effect=effect)
        found = estimand.estimate(data)
        assert abs(found.value - value) < 4 * found.std_error < 0.05
        assert found.sentence.startswith(f"{effect.capitalize()} effect of X on Y, ")
    controlled = identify_mediation(
        "X -> M -> Y; X -> Y", "X", "Y", "M", effect="controlled direct"
    )
    with pytest.raises(InputError, match="level of M"):
        controlled.estimate(data)


@pytest.mark.slow
@pytest.mark.parametrize(("graph", "draw"), CASES)
def test_intervals_cover(graph, draw):
    estimand, hits, repeats = general_formula(graph, "X", "Y"), 0, 600
    for seed in range(repeats):
        data, truth = draw(np.random.default_rng(seed), 800)
        hits += truth in estimand.estimate(data).interval()
    assert 0.92 <= hits / repeats <= 0.97


@pytest.mark.parametrize("graph", [FRONT_DOOR, NAPKIN, "W -> X -> Y; W -> Y"])
def test_an_outcome_that_is_averaged_may_be_continuous(graph, monkeypatch):
    data, _ = napkin(np.random.default_rng(9), 400)
    rng = np.random.default_rng(10)
    data["M"] = rng.random(400) < 0.2 + 0.5 * data.X
    data["Y"] = data.Y + 0.5 * data.M + rng.normal(size=400)
    estimand = general_formula(graph, "X", "Y")
    weights = rng.random(400) * (rng.random(400) < 0.8)
    for options in ({}, {"sample_weight": weights}, {"clusters": rng.integers(0, 40, 400)}):
        short = estimand.estimate(data, PlugIn(), **options)
        with monkeypatch.context() as patch:  # a cell for each value that occurs
            patch.setattr("causalkit.estimation.plug_in._is_averaged", lambda *_: False)
            long = estimand.estimate(data, PlugIn(), **options)
        assert short.details["cells"] < 30 < 300 < long.details["cells"]
        assert short.value == pytest.approx(long.value, abs=1e-10)
        assert short.std_error == pytest.approx(long.std_error, rel=1e-6)
        np.testing.assert_allclose(short.influence, long.influence, atol=1e-6)


def test_a_continuous_outcome_takes_any_number_of_rows():
    data, truth = front_door(np.random.default_rng(11), 20_000)
    data["Y"] = data.Y + np.random.default_rng(12).normal(size=20_000)
    assert truth in ck.identify(FRONT_DOOR, "X", "Y").estimate(data).interval(0.99)


def test_rows_of_weight_zero_count_as_left_out():
    data, _ = front_door(np.random.default_rng(13), 500)
    kept = ~(data.M & data.Y & data.X)  # a cell without any weight is left
    estimand = general_formula(FRONT_DOOR, "X", "Y")
    found = estimand.estimate(data, sample_weight=kept.astype(float).to_numpy())
    assert found.value == pytest.approx(estimand.estimate(data[kept]).value, abs=1e-10)
    assert not found.influence[~kept].any()


def test_what_never_occurs_is_an_error():
    data = {"X": [0, 0, 1, 1], "M": [0, 0, 1, 1], "Y": [0, 1, 1, 0]}
    with pytest.warns(OverlapWarning), pytest.raises(NumericalError, match="never occur"):
        general_formula(FRONT_DOOR, "X", "Y").estimate(data)


def test_refusals_say_what_to_do():
    rng = np.random.default_rng(6)
    data, _ = front_door(rng, 100)
    estimand = general_formula(FRONT_DOOR, "X", "Y")
    with pytest.raises(InputError, match=r"PlugIn\(\)"):
        estimand.estimate(data, OLS())
    with pytest.raises(InputError, match="into classes"):
        estimand.estimate({"X": data.X, "M": rng.random(100), "Y": rng.random(100)}, PlugIn((1, 2)))
    for contrast in ((0,), (0, 1, 0), (1, 1), 1, "01", [0, 1], (0, 7)):
        with pytest.raises(InputError, match="two different ones"):
            estimand.estimate(data, PlugIn(contrast))
    wide = {"X": rng.random(6000) < 0.5, "M": rng.random(6000), "Y": rng.random(6000)}
    with pytest.raises(InputError, match="combinations"):
        estimand.estimate(wide)
    with pytest.raises(InputError, match="missing"):
        estimand.estimate({**data, "M": [np.nan, *data.M[1:].astype(float)]})
