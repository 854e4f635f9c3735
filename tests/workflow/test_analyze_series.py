"""`analyze` with series: the same chain, of nodes that have steps."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import causalkit as ck
from causalkit.discovery import PC, Knowledge, PCMCIPlus
from causalkit.errors import (
    AssumptionWarning,
    InputError,
    NotIdentifiableError,
    UnknownVariableError,
)
from causalkit.graph import CausalGraph, LaggedGraph
from causalkit.identification import identify
from causalkit.workflow import analyze, learnt_effect
from causalkit.workflow.dated_rows import are_dated
from causalkit.workflow.learnt.graph_set import GraphSet
from causalkit.workflow.notes import Note
from causalkit.workflow.searching import _doubts

TEXT = "C[t-1] -> C[t] -> X[t]; X[t-1] -> X[t]; X[t-1] -> Y[t] <- C[t-1]; Y[t-1] -> Y[t]"


def driven(n_steps, seed):
    """C drives X within the step and Y one step on, as X does by 0.5."""
    c, x, y = np.random.default_rng(seed).normal(size=(3, n_steps))
    for t in range(1, n_steps):
        c[t] += 0.5 * c[t - 1]
        x[t] += 0.4 * x[t - 1] + 0.8 * c[t]
        y[t] += 0.3 * y[t - 1] + 0.5 * x[t - 1] + 0.4 * c[t - 1]
    return {"C": c, "X": x, "Y": y}


def by_step(analysis):
    found: dict[str, list[str]] = {}
    for decision in analysis.decisions:
        found.setdefault(decision.step, []).append(f"{decision.choice}: {decision.reason}")
    return found


def test_from_series_to_an_answer_that_admits_that_the_graph_was_learnt():
    data, search = driven(300, 0), PCMCIPlus(max_lag=2)
    settings = {"n_resamples": 10, "random_state": 1}
    analysis = analyze(data, "X[t-1]", "Y", discovery=search, **settings)
    assert (analysis.treatment, analysis.outcome) == ("X[t-1]", "Y[t]")
    assert analysis.graph == search.fit(data).graph_
    alone = identify(analysis.graph, "X[t-1]", "Y").estimate(data)
    assert analysis.effect.value == alone.value
    again = learnt_effect(data, "X[t-1]", "Y", graphs=PCMCIPlus(max_lag=2), **settings)
    assert tuple(analysis.interval()) == tuple(again.interval())
    assert 0.5 in analysis.interval()
    assert not analysis.challenges.failed
    assert len(analysis.data_summary) == 3
    decisions = by_step(analysis)
    assert decisions["data"][1].startswith("rows are steps, in 1 unbroken run:")
    assert "3 series with lags to 2" in decisions["graph"][0]
    assert "steps of series depend on each other" in decisions["estimation"][1]
    assert "BIC over lagged parents on 10 resamples" in decisions["uncertainty"][0]
    plain = json.loads(json.dumps(analysis.to_dict()))
    assert plain["treatment"] == "X[t-1]"
    assert LaggedGraph.parse(plain["graph"]["text"], kind="CPDAG") == analysis.graph
    assert "X[t-1]" in analysis.to_html()


def test_a_graph_that_is_given_as_text_has_steps():
    data = driven(200, 1)
    analysis = analyze(data, "X[t-1]", "Y[t]", graph=TEXT, checks=[])
    assert analysis.graph == LaggedGraph.parse(TEXT)
    assert analysis.learnt is None
    same = analyze(data, "X[t-1]", "Y", graph=LaggedGraph.parse(TEXT), checks=[])
    assert tuple(same.interval()) == tuple(analysis.interval())
    space = {"ck": ck, "data": data}
    exec(analysis.code(), space)
    assert tuple(space["analysis"].interval()) == tuple(analysis.interval())


def test_columns_that_are_called_like_nodes_are_columns():
    rng = np.random.default_rng(0)
    past = rng.normal(size=100)
    data = {"X[t-1]": past, "Y[t]": past + rng.normal(size=100)}
    analysis = analyze(data, "X[t-1]", "Y[t]", graph="X[t-1] -> Y[t]", checks=[])
    assert isinstance(analysis.graph, CausalGraph)


@pytest.mark.filterwarnings("ignore:the standard error rests on")
def test_subjects_and_lists_of_series_are_read():
    parts = [pd.DataFrame(driven(30, [2, k])) for k in range(6)]
    frame = pd.concat([p.assign(who=k) for k, p in enumerate(parts)], ignore_index=True)
    settings = {"checks": [], "n_resamples": 3}
    search = PCMCIPlus(panel="who")
    one = analyze(frame, "X[t-1]", "Y", discovery=search, **settings)
    two = analyze(frame, "X[t-1]", "Y", discovery=PCMCIPlus(), panel="who", **settings)
    three = analyze(parts, "X[t-1]", "Y", discovery=PCMCIPlus(), **settings)
    assert tuple(one.interval()) == tuple(two.interval()) == tuple(three.interval())
    assert one.effect.details["unbroken_runs"] == 6
    clustered = analyze(frame, "X[t-1]", "Y", graph=TEXT, panel="who", clusters="who", checks=[])
    assert "clustered" in by_step(clustered)["estimation"][1]
    array = np.stack([part.to_numpy() for part in parts])
    given = analyze(array, "x1[t-1]", "x2", graph="x1[t-1] -> x2[t]", checks=[])
    assert given.n_rows == 180


def test_what_is_too_far_apart_to_be_linked_is_no_error():
    data = driven(100, 3)
    settings = {"checks": [], "n_resamples": 0}
    analysis = analyze(
        {"C": data["C"][:], "Z": np.random.default_rng(1).normal(size=100)},
        "Z[t-4]",
        "C",
        discovery=PCMCIPlus(),
        **settings,
    )
    assert any("no causal path from Z[t-4] to C[t]" in note for note in analysis.notes)
    near = analyze(
        {"C": data["C"], "Z": np.random.default_rng(1).normal(size=100)},
        "Z[t-1]",
        "C",
        discovery=PCMCIPlus(),
        **settings,
    )
    assert any(note.startswith("Z[t-1] and C[t]: no edge") for note in near.notes)


def test_what_was_not_measured_is_hidden():
    data = driven(100, 4)
    del data["C"]
    with pytest.raises(NotIdentifiableError):
        analyze(data, "X[t-1]", "Y", graph=TEXT, checks=[])
    analysis = analyze(data, "Y[t-1]", "X", graph=TEXT, checks=[])
    assert any("treated as hidden: C" in note for note in analysis.notes)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"graph": TEXT, "discovery": PCMCIPlus()}, "both a graph"),
        ({"discovery": PCMCIPlus(), "knowledge": Knowledge()}, "beside a discovery"),
        ({"discovery": PC(), "time": "C"}, "for a table"),
        ({"graph": TEXT, "sample_weight": "C"}, "every step counts once"),
        ({"graph": TEXT, "clusters": "C"}, "clusters of series"),
        ({"discovery": PCMCIPlus(panel="C"), "panel": "X"}, "Name it once"),
        ({"discovery": PCMCIPlus}, "expected a discovery algorithm"),
        ({}, "a node of series"),
    ],
)
def test_what_makes_no_sense_is_refused(settings, message):
    with pytest.raises(InputError, match=message):
        analyze(driven(60, 0), "X[t-1]", "Y", checks=[], **settings)


def test_unknown_series_are_refused_before_a_search():
    data = driven(60, 0)
    for settings in ({"graph": TEXT}, {"discovery": PCMCIPlus()}):
        with pytest.raises(UnknownVariableError):
            analyze(data, "W[t-1]", "Y", checks=[], **settings)


# --- rows of a table that are steps --------------------------------------------------------------


def dated(data):
    return pd.DataFrame(data, index=pd.date_range("2024-01-01", periods=300, freq="h"))


def test_steps_that_are_read_as_units_are_warned_of():
    frame = dated(driven(300, 0))
    settings = {"n_resamples": 0, "checks": []}
    with pytest.warns(AssumptionWarning, match=r"rows are dated .* discovery=PCMCIPlus"):
        analysis = analyze(frame, "X", "Y", **settings)
    assert any("read as independent units" in note for note in analysis.notes)
    analyze(frame.reset_index(drop=True), "X", "Y", **settings)  # nothing says that these are steps
    units = dated(dict(zip("CXY", np.random.default_rng(0).normal(size=(3, 300)), strict=True)))
    analyze(units, "X", "Y", **settings)  # dated, but nothing goes on


@pytest.mark.parametrize(
    ("index", "expected"),
    [
        (pd.date_range("2024-01-01", periods=3), True),
        (pd.period_range("2024-01", periods=3, freq="M"), True),
        (pd.to_timedelta([1, 2, 3], unit="h"), True),
        (["2024-01-01", "2024-01-02", "2024-01-03"], True),
        (pd.to_datetime(["2024-01-02", "2024-01-01", "2024-01-03"]), False),
        (["ann", "bob", "cyd"], False),
        ([3, 4, 5], False),
    ],
)
def test_dates_in_order_are_told_from_other_indices(index, expected):
    assert are_dated(pd.DataFrame({"x": [1.0, 2.0, 3.0]}, index=index)) is expected


# --- a graph that is not the best ----------------------------------------------------------------


@pytest.mark.parametrize(("value", "headline"), [(0.5, False), (9.0, True)])
def test_a_graph_that_fits_worse_is_a_doubt_only_where_the_answer_moves(value, headline):
    data = driven(300, 0)
    best = LaggedGraph.parse(TEXT)
    worse = LaggedGraph.parse(TEXT.replace("C[t-1] -> C[t] -> X[t]", "C[t] -> X[t]"))
    graphs = GraphSet((best, worse), np.array([0.5, 0.5]), np.array([-10.0, -72.0]), 20.0)
    found = learnt_effect(data, "X[t-1]", "Y", graphs=graphs)
    estimand = identify(worse, "X[t-1]", "Y")
    effect = replace(estimand.estimate(data), value=value)
    note = next(n for n in _doubts(estimand, effect, graphs, found) if "scores 62 below" in n)
    assert "The best one has C[t-1] -> C[t] instead of nothing" in note
    assert isinstance(note, Note) is headline
    assert ("does not hang on it" in note) is not headline


def test_a_horizon_may_be_a_length_of_time():
    frame = dated(driven(300, 0))
    graph = LaggedGraph.parse(TEXT)
    found = ck.impulse_response(graph, "X", "Y", frame, horizon="2h")
    assert (
        found.values.tolist()
        == ck.impulse_response(graph, "X", "Y", frame, horizon=2).values.tolist()
    )
    with pytest.raises(InputError, match="no known length"):
        ck.impulse_response(graph, "X", "Y", driven(300, 0), horizon="2h")


def test_empty_cells_of_series_are_borders_and_not_said_to_be_filled():
    data = driven(200, 0)
    data["Y"][50:53] = np.nan
    analysis = analyze(data, "X[t-1]", "Y", graph=TEXT, checks=[])
    holes = next(said for said in by_step(analysis)["data"] if said.startswith("empty cells"))
    assert "Y (3)" in holes
    assert "of the steps, the estimate uses those at which it sees all that it reads" in holes
    assert analysis.effect.n_obs < 199
    assert "More steps of the same kind" in analysis.to_html()
