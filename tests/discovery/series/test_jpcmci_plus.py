"""J-PCMCI+: regressions with dummies, hidden contexts, observed ones, and what it refuses."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from causalkit.discovery import Knowledge
from causalkit.discovery.series.momentary._within_test import WithinTest
from causalkit.discovery.series.momentary.jpcmci_plus import JPCMCIPlus
from causalkit.discovery.series.momentary.pcmci_plus import PCMCIPlus
from causalkit.errors import InputError, NumericalError, UnknownVariableError
from causalkit.independence import FisherZ


@pytest.fixture(scope="module")
def panel_test():
    """Rows of an unbalanced panel: series 0-2, a label of subjects (3) and one of times (4)."""
    rng = np.random.default_rng(0)
    subject, when = rng.integers(0, 6, 150), rng.integers(0, 9, 150)
    values = rng.normal(size=(150, 5))
    values[:, 0] += rng.normal(size=6)[subject]
    values[:, 1] += 0.2 * values[:, 0] + rng.normal(size=9)[when]
    groups = {"subject": subject, "time": when}
    test = WithinTest.of(values, groups, 5, {3: "subject", 4: "time"}, {})
    return test, values, groups


def design(values, groups, columns):
    """Regressors, with dummies for labels."""
    parts = [np.ones((len(values), 1))]
    for c in columns:
        if c < 3:
            parts.append(values[:, [c]])
        else:
            dummies = pd.get_dummies(groups["subject" if c == 3 else "time"], drop_first=True)
            parts.append(dummies.to_numpy(dtype=float))
    return np.hstack(parts)


@pytest.mark.parametrize("given", [(), (2,), (3,), (2, 4), (3, 4), (2, 3, 4)])
def test_conditions_that_are_labels_are_dummies(panel_test, given):
    test, values, groups = panel_test
    full = sm.OLS(values[:, 1], design(values, groups, (0, *given))).fit()
    assert test(0, 1, given).p_value == pytest.approx(full.pvalues[1], rel=1e-6)
    assert test(1, 0, given).p_value == pytest.approx(full.pvalues[1], rel=1e-6)


@pytest.mark.parametrize("given", [(), (2,), (4,), (0, 4), (0, 2, 4)])
def test_a_label_is_tested_by_its_means(panel_test, given):
    test, values, groups = panel_test
    small = sm.OLS(values[:, 1], design(values, groups, given)).fit()
    large = sm.OLS(values[:, 1], design(values, groups, (*given, 3))).fit()
    expected = large.compare_f_test(small)[1]
    assert test(3, 1, given).p_value == pytest.approx(expected, rel=1e-6)
    assert test(1, 3, given).p_value == pytest.approx(expected, rel=1e-6)


def test_what_a_label_says_already_cannot_be_tested(panel_test):
    _, values, groups = panel_test
    values = values.copy()
    values[:, 2] = groups["subject"] ** 2.0
    test = WithinTest.of(values, groups, 5, {3: "subject", 4: "time"}, {2: "subject"})
    with pytest.raises(NumericalError):
        test(2, 3)
    with pytest.raises(NumericalError):
        test(2, 1, (3,))
    assert test(0, 1, (2, 3)).p_value == test(0, 1, (3,)).p_value


def stations(rng, n_subjects=12, n_steps=120, observed=True, x_to_y=0.5):
    """x -> y a step later; altitude drives both, and so does the weather, the same everywhere."""
    weather = 1.5 * rng.normal(size=n_steps)
    parts = []
    for _ in range(n_subjects):
        altitude = 1.5 * rng.normal()
        x, y = rng.normal(size=(2, n_steps))
        x += altitude + weather
        y += altitude + weather
        y[1:] += x_to_y * x[:-1]
        frame = pd.DataFrame({"x": x, "y": y})
        if observed:
            frame["altitude"], frame["weather"] = altitude, weather
        parts.append(frame)
    return parts


def test_hidden_contexts_do_not_confound_and_are_found():
    rng = np.random.default_rng(3)
    parts = stations(rng, observed=False)
    pooled = PCMCIPlus(max_lag=1).fit(parts).graph_
    assert pooled.adjacency[0, 0, 1]
    found = JPCMCIPlus(max_lag=1).fit(parts)
    expected = {"subject[t] -> x[t]", "subject[t] -> y[t]", "time[t] -> x[t]", "time[t] -> y[t]"}
    assert {str(edge) for edge in found.graph_.edges()} == {*expected, "x[t-1] -> y[t]"}
    assert found.explain("subject", "x").test.p_value < 1e-6
    gone = found.explain("x", "y")
    assert {"subject[t]", "time[t]"} <= set(gone.test.given)


def test_links_between_series_keep_their_level():
    rng = np.random.default_rng(4)
    wrong = 0
    for _ in range(40):
        parts = stations(rng, n_subjects=6, n_steps=60, observed=False, x_to_y=0.0)
        graph = JPCMCIPlus(max_lag=1, alpha=0.05).fit(parts).graph_
        wrong += graph.adjacency[:, :2, :2].any()
    assert wrong <= 40 * 0.4  # five tests at 5 % a graph, and some more by search


def test_observed_contexts_are_found_and_labels_then_are_not():
    parts = stations(np.random.default_rng(5))
    found = JPCMCIPlus(max_lag=1, space_context="altitude", time_context="weather").fit(parts)
    links = {str(edge) for edge in found.graph_.edges()}
    for context in ("altitude", "weather"):
        assert {f"{context}[t] -> x[t]", f"{context}[t] -> y[t]"} <= links
    assert not any(link.startswith(("subject", "time")) for link in links)
    assert "x[t-1] -> y[t]" in links
    assert not found.graph_.adjacency[0, 0, 1]


def test_contexts_direct_links_within_a_step():
    rng = np.random.default_rng(6)
    parts = []
    for _ in range(15):
        level = 2 * rng.normal()
        x, y = rng.normal(size=(2, 80))
        x += level
        y += 0.8 * x
        parts.append({"x": x, "y": y})
    found = JPCMCIPlus(max_lag=1, labels="subject").fit(parts)
    assert [str(edge) for edge in found.graph_.edges()] == ["x[t] -> y[t]", "subject[t] -> x[t]"]


def test_another_test_plugs_in_without_labels():
    parts = stations(np.random.default_rng(7), n_subjects=5, n_steps=80)
    how = {"space_context": "altitude", "time_context": "weather", "labels": None}
    one = JPCMCIPlus(FisherZ(), max_lag=1, **how).fit(parts)
    other = JPCMCIPlus(max_lag=1, **how).fit(parts)
    assert one.graph_ == other.graph_


def test_a_panel_names_its_labels_and_knowledge_is_obeyed():
    parts = stations(np.random.default_rng(8), observed=False)
    frame = pd.concat(
        [part.assign(station=f"s{k}", day=range(len(part))) for k, part in enumerate(parts)],
        ignore_index=True,
    )
    known = Knowledge(forbidden=[("x[t-1]", "y[t]")])
    found = JPCMCIPlus(max_lag=1, panel="station", time="day", knowledge=known).fit(frame)
    assert found.graph_.variables == ("x", "y", "station", "day")
    assert not found.graph_.adjacency[1, 0, 1]
    assert "station[t] -> x[t]" in map(str, found.graph_.edges())


@pytest.mark.parametrize("unit", [1e200, 1e-200])
def test_units_do_not_matter(unit):
    parts = stations(np.random.default_rng(10), n_subjects=4, n_steps=60, observed=False)
    found = JPCMCIPlus(max_lag=1).fit([part * unit for part in parts])
    assert found.graph_ == JPCMCIPlus(max_lag=1).fit(parts).graph_


def test_what_makes_no_sense_is_refused():
    parts = stations(np.random.default_rng(9), n_subjects=3, n_steps=40)
    for settings, data, error, message in (
        ({}, parts[0], InputError, "one series"),
        ({"space_context": "x"}, parts, InputError, "varies"),
        ({"time_context": "altitude"}, parts, InputError, "varies"),
        ({"space_context": "depth"}, parts, UnknownVariableError, "depth"),
        ({"test": FisherZ()}, parts, InputError, "labels=None"),
        ({"labels": "station"}, parts, InputError, "labels"),
    ):
        with pytest.raises(error, match=message):
            JPCMCIPlus(max_lag=1, **settings).fit(data)
    for k, context in enumerate(("time_context", "space_context")):
        same = [part.drop(columns="altitude" if k == 0 else "weather") for part in parts]
        with pytest.raises(InputError, match=context):
            JPCMCIPlus(max_lag=1).fit(same)
    clash = [part.rename(columns={"x": "subject"}) for part in parts]
    with pytest.raises(InputError, match="called 'subject'"):
        JPCMCIPlus(max_lag=1).fit(clash)
