"""What algorithms for series say of their input, and of their answer as a table."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from causalkit.discovery import LPCMCI, PCMCI, Granger, PCMCIPlus, diagnose_series
from causalkit.errors import AssumptionWarning, InputError


def plant(n=500, seed=0):
    x, y = np.random.default_rng(seed).normal(size=(2, n))
    for t in range(1, n):
        x[t] += 0.5 * x[t - 1]
        y[t] += 0.8 * x[t - 1]
    index = pd.date_range("2024-01-01", periods=n, freq="10min")
    return pd.DataFrame({"x": x, "y": y}, index=index)


def coded(data):
    cells = np.random.default_rng(1).choice(len(data), 6, replace=False)
    return data.assign(x=data["x"].mask(np.isin(np.arange(len(data)), cells), -9999.0))


def stuck(data):
    return data.assign(y=data["y"].mask(np.arange(len(data)) // 30 == 9).ffill())


@pytest.mark.parametrize(
    "algorithm", [PCMCIPlus(max_lag=1), PCMCI(max_lag=1), LPCMCI(max_lag=1), Granger(1)]
)
@pytest.mark.parametrize(("spoil", "what"), [(coded, "x: -9999 is a code"), (stuck, "y: stuck at")])
def test_cells_that_nobody_measured_are_warned_of(algorithm, spoil, what):
    with pytest.warns(AssumptionWarning, match=what):
        algorithm.fit(spoil(plant()))


def test_a_diagnosis_names_cells_that_nobody_measured():
    found = diagnose_series(stuck(coded(plant())))
    assert [one.verdict for one in found.series] == ["outages", "outages"]
    assert found["x"].outages == ("x: -9999 is a code (1.2 % of the rows)",)
    assert "stuck at the last value" in found["y"].outages[0]
    assert found["x"].autocorrelation == pytest.approx(0.5, abs=0.15)  # of what was measured
    assert "data.replace(code, np.nan)" in found.advice[0]
    assert diagnose_series(plant())["x"].outages == ()


def test_a_set_point_that_is_held_is_no_stuck_sensor():
    held = np.repeat(np.random.default_rng(0).normal(size=20), 25)
    PCMCIPlus(max_lag=1).fit(plant().assign(x=held))


def test_links_are_a_table():
    fitted = PCMCIPlus(max_lag=1).fit(plant())
    frame = fitted.to_frame()
    assert list(frame.columns) == ["cause", "effect", "lag", "edge", "strength", "p_value"]
    row = frame.set_index(["cause", "effect"]).loc[("x", "y")]
    assert (row["lag"], row["edge"]) == (1, "->")
    assert row["strength"] == fitted.strengths_[1, 0, 1]
    assert row["p_value"] == fitted.p_values_[1, 0, 1]
    assert len(frame) == len(fitted.graph_.edges())


def test_a_length_of_time_is_refused_as_a_lag_with_its_number_of_steps():
    with pytest.raises(InputError, match="say max_lag=3"):
        PCMCIPlus(max_lag="30min").fit(plant())
    with pytest.raises(InputError, match="no known length"):
        PCMCIPlus(max_lag="30min").fit(plant().reset_index(drop=True))
