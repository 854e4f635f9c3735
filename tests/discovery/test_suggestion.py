"""`suggest`: the right kind of algorithm, one that fits, and plain words where nothing is known."""

from __future__ import annotations

import json
from copy import deepcopy
from functools import cache

import numpy as np
import pandas as pd
import pytest

from causalkit._core.table import as_table
from causalkit.discovery import (
    CDNOD,
    FCI,
    FLOP,
    GFCI,
    LPCMCI,
    PC,
    GroupLassoGranger,
    PCMCIPlus,
    Suggestion,
    suggest,
)
from causalkit.discovery._candidates import Candidate, written
from causalkit.discovery._choosing import choose
from causalkit.discovery._data_shape import shape_of
from causalkit.discovery._measured_limits import _Measured, reach_of
from causalkit.errors import InputError, UnknownVariableError
from causalkit.independence import (
    KCI,
    DegenerateGaussian,
    FisherZ,
    GSquare,
    RankZ,
    TestwiseDeletion,
)
from causalkit.models import random_changing_model, random_model, random_svar


@cache
def numbers(n=400, p=5, seed=0, **settings) -> pd.DataFrame:
    return random_model(n_nodes=p, degree=2.0, rng=seed, **settings).sample(n, rng=seed).data


def letters(frame: pd.DataFrame, *names: str) -> pd.DataFrame:
    cut = {name: pd.cut(frame[name], 3, labels=list("abc")) for name in names}
    return frame.assign(**cut)


@cache
def with_holes() -> pd.DataFrame:
    frame = numbers()
    return frame.mask(np.random.default_rng(0).random(frame.shape) < 0.05)


@cache
def bent() -> pd.DataFrame:
    model = random_changing_model(5, n_domains=1, changing=0.0, rng=3)
    return pd.DataFrame(model.sample(400, rng=0)).drop(columns="domain")


TABLES = {
    "numbers": (numbers, FLOP, None),
    "cubed": (lambda: numbers() ** 3, PC, RankZ),
    "bent": (bent, PC, KCI),
    "categories": (lambda: letters(numbers(), *numbers().columns), PC, GSquare),
    "mixed": (lambda: letters(numbers(), "x0"), PC, DegenerateGaussian),
    "missing": (with_holes, PC, TestwiseDeletion),
    "two values": (lambda: numbers().assign(x0=lambda f: (f.x0 > 0) * 1), PC, FisherZ),
}


@pytest.mark.parametrize("kind", TABLES)
def test_what_the_columns_are_decides_and_the_suggestion_fits(kind):
    make, algorithm, test = TABLES[kind]
    data = make()
    found = suggest(data)
    assert type(found.algorithm) is algorithm
    assert test is None or type(found.algorithm.test) is test
    assert found.within_limits
    assert found.seconds < 60
    assert set(found.algorithm.fit(data).graph_.nodes) == set(data.columns)


@pytest.mark.parametrize("kind", ["numbers", "bent", "cubed", "categories", "mixed", "missing"])
def test_hidden_causes_call_for_fci(kind):
    data = TABLES[kind][0]()
    found = suggest(data, hidden_causes=True)
    family = FCI if kind != "numbers" else GFCI
    assert type(found.algorithm) is family
    assert found.algorithm.fit(data).graph_.kind.name == "PAG"
    beside = suggest(data)
    assert any(code.startswith(f"{family.__name__}(") for code in beside.alternatives)
    sure = suggest(data, hidden_causes=False)
    assert not any("FCI(" in code for code in sure.alternatives)


def test_the_default_of_analyze_is_suggested_or_stands_beside():
    from causalkit.workflow.learnt.graph_learning import default_with_reason

    for make, _, _ in TABLES.values():
        data = make()
        found = suggest(data)
        default = written(default_with_reason(as_table(data), None)[0])
        assert default in (found.code, *found.alternatives)


def test_few_rows_are_said_to_be_few():
    data = numbers(n=8, p=3)
    found = suggest(data)
    assert not found.within_limits
    assert any("fewest that were measured" in reason for reason in found.reasons)
    found.algorithm.fit(data)


def test_far_more_rows_than_any_that_were_measured():
    reach = reach_of("PC", n=10**7, p=5)
    assert reach.has_many_rows
    found = choose([Candidate(PC(), "PC", "Why not?")], [], (10**7, 5), max_seconds=60.0)
    assert any("More rows do no harm" in reason for reason in found.reasons)


def test_a_table_wider_than_any_that_was_measured():
    data = np.random.default_rng(0).normal(size=(60, 2000))
    found = suggest(data, max_seconds=5)
    assert not found.within_limits
    assert found.algorithm.max_seconds == 5
    assert any("No algorithm for such data is within" in reason for reason in found.reasons)
    assert any("LocalPC" in reason for reason in found.reasons)
    assert len(found.algorithm.fit(data).graph_.nodes) == 2000
    slow = suggest(data, max_seconds=1e-3)
    assert any("the quickest takes" in reason or "most that" in reason for reason in slow.reasons)


def test_less_time_changes_the_choice():
    data = bent()
    code = suggest(data).code
    hurried = suggest(data, max_seconds=0.1)
    assert hurried.code != code
    assert any(code in reason for reason in hurried.reasons)  # and why not this one


# --- series and domains ---------------------------------------------------------------------------


def steps(n=200) -> pd.DataFrame:
    return pd.DataFrame(random_svar(4, max_lag=2, rng=2).sample(n, rng=0))


def test_series_by_a_column_of_dates():
    data = steps().assign(date=pd.date_range("2020-01-01", periods=200))
    found = suggest(data, time="date")
    assert type(found.algorithm) is PCMCIPlus
    assert found.n_columns == 4
    assert set(found.algorithm.fit(data).graph_.variables) == {"x0", "x1", "x2", "x3"}
    hidden = suggest(data, time="date", hidden_causes=True)
    assert type(hidden.algorithm) is LPCMCI
    hidden.algorithm.fit(data)


def test_series_by_their_form():
    data = steps()
    dated = data.set_index(pd.date_range("2020-01-01", periods=200))
    assert type(suggest(dated).algorithm) is PCMCIPlus
    assert type(suggest(dated, series=False).algorithm) is not PCMCIPlus
    assert type(suggest([data, data]).algorithm) is PCMCIPlus
    assert type(suggest(np.stack([data, data])).algorithm) is PCMCIPlus


def test_series_of_several_subjects_and_of_categories():
    data = steps().assign(who=np.repeat(["a", "b"], 100))
    found = suggest(data, panel="who")
    assert found.algorithm.panel == "who"
    assert any(code.startswith("JPCMCIPlus(") for code in found.alternatives)
    found.algorithm.fit(data)
    mixed = suggest(letters(steps(), "x0"), series=True)
    assert type(mixed.algorithm.test) is DegenerateGaussian
    mixed.algorithm.fit(letters(steps(), "x0"))


def test_many_series_short_series_and_wandering_ones():
    rng = np.random.default_rng(0)
    many = suggest(rng.normal(size=(60, 40)), series=True)
    assert any("max_lag=2 is a guess" in reason for reason in many.reasons)
    broad = suggest(rng.normal(size=(900, 480)), series=True)
    assert type(broad.algorithm) is GroupLassoGranger  # Granger needs more steps than that
    walks = rng.normal(size=(200, 3)).cumsum(axis=0)
    assert any("wander" in reason for reason in suggest(walks, series=True).reasons)
    assert any("series=True" in reason for reason in suggest(walks).reasons)
    season = np.sin(2 * np.pi * np.arange(240) / 12)[:, None] * 3 + rng.normal(size=(240, 2))
    assert any("seasons" in reason for reason in suggest(season, series=True).reasons)
    assert suggest(rng.normal(size=(5, 2)), series=True).algorithm.max_lag == 1


def test_domains_call_for_cdnod():
    model = random_changing_model(3, n_domains=4, rng=0)
    data = pd.DataFrame(model.sample(200, rng=0))
    found = suggest(data, domain="domain")
    assert type(found.algorithm) is CDNOD
    assert found.n_columns == 3
    assert "domain" not in found.algorithm.fit(data).graph_.nodes
    holes = data.mask(np.random.default_rng(1).random(data.shape) < 0.03)
    holes["domain"] = data["domain"]
    gaps = suggest(holes, domain="domain")
    assert type(gaps.algorithm.test) is TestwiseDeletion
    gaps.algorithm.fit(holes)
    drift = suggest(data.rename(columns={"domain": "t"}), time="t", series=False)
    assert drift.algorithm.time == "t"


# --- what is said ---------------------------------------------------------------------------------


def test_grades_and_tails_are_spoken_of():
    graded = numbers().assign(x0=lambda frame: frame.x0.round().clip(-1, 2))
    assert any("astype('category')" in reason for reason in suggest(graded).reasons)
    pair = suggest(numbers()[["x0", "x1"]])
    assert any("ck.discovery.direction" in reason for reason in pair.reasons)
    heavy = numbers(n=1000, noise="laplace")
    assert any(code.startswith("DirectLiNGAM(") for code in suggest(heavy).alternatives)


def test_a_suggestion_is_a_value_that_prints():
    found = suggest(numbers())
    assert isinstance(found, Suggestion)
    assert repr(found).startswith("Suggested: FLOP()")
    assert found._repr_html_().startswith("<div")
    frame = found.to_frame()
    assert list(frame["algorithm"]) == [found.code, *found.alternatives]
    assert json.loads(json.dumps(found.to_dict()))["algorithm"] == "FLOP()"
    assert not hasattr(found.algorithm, "graph_")
    data = numbers()
    before = deepcopy(data)
    suggest(data)
    pd.testing.assert_frame_equal(data, before)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"max_seconds": 0}, "max_seconds"),
        ({"hidden_causes": "no"}, "hidden_causes='no'"),
        ({"domain": "x0", "series": True}, "name the site as panel"),
        ({"series": False, "panel": "x0"}, "Leave one of the two out"),
        ({"domain": "x0", "hidden_causes": True}, "Leave out hidden_causes"),
        ({"domain": "nobody"}, "no variable 'nobody'"),
        ({"time": "nobody"}, "no variable 'nobody'"),
    ],
)
def test_hints_that_contradict_each_other(settings, message):
    with pytest.raises(InputError, match=message):
        suggest(numbers(), **settings)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"a": [1.0, 2.0, 3.0, 4.0]}, "at least 2"),
        ({"a": [1.0, 2.0], "b": [2.0, 1.0]}, "at least 4 rows"),
        ({"a": [1.0, 2.0, 3.0, 4.0], "b": [1.0] * 4}, "one value only"),
        ({"a": [1.0, 2.0, 3.0, 4.0], "b": [np.nan] * 4}, "no value at all"),
        ({"a": [1.0, 2.0, 3.0, 4.0], "b": list("abcd")}, "holds text"),
    ],
)
def test_tables_in_which_nothing_can_be_found(data, message):
    with pytest.raises(InputError, match=message):
        suggest(data)
    assert issubclass(UnknownVariableError, InputError)


# --- shapes and limits ----------------------------------------------------------------------------


@pytest.mark.parametrize("noise", ["gaussian", "laplace", "uniform", "student"])
def test_straight_lines_are_not_taken_for_curves(noise):
    shapes = [shape_of(as_table(numbers(n=500, p=8, seed=k, noise=noise))) for k in range(5)]
    assert not any(shape.bends or shape.is_distorted for shape in shapes)


def test_curves_and_monotone_changes_of_units_are_told_apart():
    for seed in range(5):
        plain = numbers(n=500, p=8, seed=seed)
        assert shape_of(as_table(np.exp(plain))).is_distorted
        curved = numbers(n=500, p=8, seed=seed, mechanism="gaussian-process")
        assert shape_of(as_table(curved)).bends


def test_seconds_are_interpolated_between_what_was_measured():
    row = _Measured("", 1000, 2, {10: 1.0, 100: 100.0}, {})
    assert row.seconds_at(5) == pytest.approx(1.0)
    assert row.seconds_at(10) == pytest.approx(1.0)
    assert row.seconds_at(round(1000**0.5)) == pytest.approx(10.0, rel=0.05)
    assert row.seconds_at(1000) == pytest.approx(10_000.0)
    assert _Measured("", 1000, 2, {10: 1.0, 20: np.inf}, {}).seconds_at(20) == np.inf
    assert _Measured("", 1000, 2, {}, {}).seconds_at(5) == np.inf
    few, many = (reach_of("PC(KCI)", n=1000, p=p).seconds for p in (5, 20))
    assert few < many


def test_a_method_that_was_not_measured_is_within_no_limits():
    reach = reach_of("nothing", n=100, p=5)
    assert not reach.is_measured
    assert not reach.beats_empty
    found = choose([Candidate(PC(), "nothing", "Why not?")], [], (100, 5), max_seconds=60.0)
    assert not found.within_limits
    assert any("not measured" in reason for reason in found.reasons)
