from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest

from causalkit.discovery.series.preparation._periods import dominant_period
from causalkit.discovery.series.preparation._stationarity import stationarity
from causalkit.discovery.series.preparation.diagnostics import diagnose_series
from causalkit.errors import InputError


def remembering(n, memory, rng):
    x = rng.normal(size=n + 100)
    for t in range(len(memory), len(x)):
        x[t] += sum(a * x[t - lag] for lag, a in enumerate(memory, 1))
    return x[100:]


def various(n=400, seed=0):
    rng = np.random.default_rng(seed)
    step = np.arange(n)
    return {
        "stationary": remembering(n, [0.5], rng),
        "walk": rng.normal(size=n).cumsum(),
        "twice": rng.normal(size=n).cumsum().cumsum(),
        "trend": 0.05 * step + rng.normal(size=n),
        "seasonal": 2 * np.sin(2 * np.pi * step / 12) + rng.normal(size=n),
    }


KINDS = {
    "stationary": ("stationary", 0),
    "walk": ("unit root", 1),
    "twice": ("unit root", 2),
    "trend": ("trend", 0),
    "seasonal": ("stationary", 0),
}


@pytest.mark.parametrize("kind", KINDS)
def test_most_series_are_called_what_they_are(kind):
    told = []
    for seed in range(12):
        x = various(seed=seed)[kind]
        told.append(stationarity((x - x.mean()) / x.std(), 0.05)[:2])
    assert told.count(KINDS[kind]) >= 8  # each of up to four tests errs in one of twenty


def test_advice_says_what_may_help():
    found = diagnose_series(various(seed=6))
    assert [found[kind].verdict for kind in KINDS] == [verdict for verdict, _ in KINDS.values()]
    assert [found[kind].period for kind in KINDS] == [None, None, None, None, 12]
    text = " ".join(found.advice)
    for words in ("Differencing(1)", "Differencing(2)", "Detrend(1)", "Deseasonalize(12)"):
        assert words in text


def test_tests_are_those_of_statsmodels():
    from statsmodels.stats.diagnostic import acorr_ljungbox
    from statsmodels.tsa.stattools import adfuller

    x = various()["stationary"]
    found = diagnose_series({"x": 1e6 * x + 3, "y": various()["trend"]})["x"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # it will return something else one day
        theirs = adfuller(x)
    assert found.adf_p_value == pytest.approx(theirs[1], rel=1e-6)
    expected = acorr_ljungbox(x, lags=[10])["lb_pvalue"].iloc[0]
    assert found.ljung_box_p_value == pytest.approx(expected, rel=1e-6)


def test_lags_are_those_of_statsmodels():
    from statsmodels.tsa.api import VAR

    rng = np.random.default_rng(1)
    series = rng.normal(size=(300, 3))
    for t in range(2, 300):
        series[t] += 0.5 * series[t - 2]
    found = diagnose_series(series, max_lag=6)
    assert found.lags == VAR(series).select_order(6).selected_orders


def test_gaps_holes_and_subjects_are_counted():
    rng = np.random.default_rng(2)
    frame = pd.DataFrame(rng.normal(size=(200, 2)), columns=["a", "b"])
    frame["who"], frame["when"] = np.repeat(["u", "v"], 100), np.tile(np.arange(100), 2)
    frame.loc[[10, 150], "a"] = np.nan
    frame = frame.drop(index=[30, 120])
    found = diagnose_series(frame, panel="who", time="when")
    assert (found.n_rows, found.n_subjects, found.n_gaps, found.n_incomplete) == (198, 2, 2, 2)
    assert found["a"].n_missing == 2
    assert found["a"].n_steps == 69  # of u, after the gap
    assert any("lack a step" in sentence for sentence in found.advice)
    assert found.to_frame().loc["b", "n_steps"] == 79
    assert "Diagnosis of 2 series" in repr(found)
    assert "Series a" in repr(found["a"])
    with pytest.raises(KeyError):
        found["c"]


@pytest.mark.parametrize("period", [4, 7, 12, 24])
@pytest.mark.parametrize("shape", ["wave", "saw", "peak"])
def test_periods_are_found_whatever_their_shape(period, shape):
    rng = np.random.default_rng(period)
    phase = np.arange(480) % period
    season = {
        "wave": np.sin(2 * np.pi * phase / period),
        "saw": 3 * phase / period,
        "peak": 4.0 * (phase == 0),
    }[shape]
    x = season + 0.01 * np.arange(480) + remembering(480, [0.5], rng)
    assert dominant_period(x / x.std(), 0.05)[0] == period


def test_a_period_of_the_calendar_is_preferred_to_its_neighbours():
    rng = np.random.default_rng(3)
    x = np.sin(2 * np.pi * np.arange(1440) / 144) + rng.normal(size=1440)
    y = rng.normal(size=1440)
    y[1:] += 0.5 * x[:-1]
    data = pd.DataFrame({"y": y})
    assert abs(diagnose_series(data)["y"].period - 144) <= 2
    data.index = pd.date_range("2024-01-01", periods=1440, freq="10min")
    assert diagnose_series(data)["y"].period == 144


def test_the_edge_of_what_is_tried_is_no_period():
    time = np.arange(400)
    slow = np.sin(2 * np.pi * time / 110) + np.random.default_rng(0).normal(size=400)
    assert dominant_period(slow / slow.std(), 0.05)[0] in (None, 6)  # not 98, the longest tried


@pytest.mark.slow
@pytest.mark.parametrize("memory", [[], [0.5], [0.9], [-0.7], [0.5, 0.3], [0.999]])
def test_memory_is_no_period(memory):
    rng = np.random.default_rng(3)
    p_values = [dominant_period(remembering(300, memory, rng), 0.05)[1] for _ in range(200)]
    assert np.mean(np.array(p_values) <= 0.05) < 0.05 + 4 * np.sqrt(0.05 * 0.95 / 200)


@pytest.mark.parametrize(
    ("data", "verdicts"),
    [
        ({"c": np.ones(40), "x": np.arange(40.0)}, ["constant", "trend"]),
        ({"x": [1.0, 2.0, 4.0]}, ["undecided"]),
        ({"x": [np.nan] * 30, "y": np.arange(30.0)}, ["undecided", "trend"]),
        (pd.DataFrame({"k": pd.Categorical(["a", "b", "c"] * 10)}), ["categories"]),
        ({"x": np.sin(np.arange(50.0)) * 1e200, "y": [True, False] * 25}, None),
        (np.random.default_rng(0).normal(size=(25, 30)), ["stationary"]),
    ],
)
def test_nothing_readable_is_refused(data, verdicts):
    found = diagnose_series(data)
    assert found.advice
    if verdicts:
        assert {one.verdict for one in found.series} >= set(verdicts)


def test_settings_are_checked():
    with pytest.raises(InputError, match="alpha"):
        diagnose_series(various(), alpha=2)
    with pytest.raises(InputError, match="max_lag"):
        diagnose_series(various(), max_lag=0)


# --- what is not told apart is said ---------------------------------------------------------------


def test_a_sensor_that_is_stuck_for_most_of_the_time_is_mentioned_before_differencing():
    x = np.random.default_rng(0).normal(size=1000)
    x[200:830] = x[200]
    found = diagnose_series({"x": x})
    assert "x repeats one number over 629 steps in a row (63 % of the rows)" in found.advice[0]
    ticks = np.round(np.random.default_rng(0).normal(size=1000), 1)
    assert not any("in a row" in said for said in diagnose_series({"x": ticks}).advice)


def test_codes_in_few_cells_are_mentioned():
    x = np.random.default_rng(0).normal(size=300)
    x[[20, 120, 250]] = -9999
    found = diagnose_series({"x": x})
    assert found.advice[0].startswith("x is -9999 in 3 cells, far from all others")
    x[[30, 130]] = -9999
    found = diagnose_series({"x": x})
    assert found["x"].verdict == "outages"
    assert not any("taken for a code" in said for said in found.advice)


def test_a_season_too_long_to_be_seen_is_no_reason_to_difference_alone():
    day = np.arange(3 * 365)
    x = 3 * np.sin(2 * np.pi * day / 365) + np.random.default_rng(0).normal(size=len(day)) / 2
    found = diagnose_series({"x": x})
    assert "Differencing(1)" in found.advice[0]
    assert "A season of more than 273 steps looks the same" in found.advice[0]
