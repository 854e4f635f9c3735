"""Reading series: every border is found, in whatever way time is told, and no lag crosses one."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from causalkit._core.series import Series, as_series
from causalkit._core.step_lengths import calendar_periods, step_length, steps_in
from causalkit.errors import InputError, UnknownVariableError

N = 36
FREQUENCIES = [
    "D", "h", "15min", "s", "2D", "W", "W-WED", "B", "MS", "ME", "QS", "QE", "YE", "YS-JUL",
    "BME", "BMS", "BQE", "6h", "WOM-3FRI",
]  # fmt: skip
IN_A_ZONE = ["D", "h", "6h", "W", "MS", "ME", "QS"]


def borders(series: Series) -> list[int]:
    return np.flatnonzero(~series.follows).tolist()


def frame(index: Any) -> pd.DataFrame:
    values = np.random.default_rng(0).normal(size=(len(index), 2))
    return pd.DataFrame(values, columns=["a", "b"], index=index)


def beside(index: Any) -> pd.DataFrame:
    """The stamps as a column."""
    return frame(index).rename_axis("when").reset_index()


# --- regular, and with steps missing --------------------------------------------------------------


@settings(deadline=None, max_examples=80)
@given(
    st.sampled_from([(f, None) for f in FREQUENCIES] + [(f, "Europe/Berlin") for f in IN_A_ZONE]),
    st.integers(0, 1000),
    st.sets(st.integers(1, N - 2), max_size=2),
)
def test_a_border_is_where_a_step_is_missing(how, start, missing):
    freq, zone = how
    first = pd.Timestamp("2021-03-20") + pd.Timedelta(days=start)
    index = pd.date_range(first, periods=N, freq=freq, tz=zone)
    kept = [k for k in range(N) if k not in missing]
    expected = [n for n, k in enumerate(kept) if k == 0 or k - 1 in missing]
    assert borders(as_series(frame(index[kept]))) == expected


@pytest.mark.parametrize("freq", ["M", "Q", "W", "D", "Y"])
def test_periods_are_times(freq):
    index = pd.period_range("2021-01", periods=N, freq=freq)
    assert borders(as_series(frame(index.delete(20)))) == [0, 20]
    assert borders(as_series(beside(index.delete(20)), time="when")) == [0, 20]


def test_days_are_days_when_clocks_are_moved():
    local = pd.date_range("2024-03-25", periods=12, freq="D", tz="Europe/Berlin")
    assert np.diff(local).min() == pd.Timedelta(hours=23)
    assert borders(as_series(frame(local))) == [0]
    hours = pd.date_range("2024-10-26 12:00", periods=30, freq="h", tz="Europe/Berlin")
    assert hours.tz_localize(None).has_duplicates  # three o'clock comes twice
    assert borders(as_series(frame(hours))) == [0]
    assert borders(as_series(frame(hours.delete(17)))) == [0, 17]


def test_a_holiday_is_a_gap_between_business_days():
    days = pd.bdate_range("2024-03-18", "2024-04-30")
    open_days = days.drop(pd.to_datetime(["2024-03-29", "2024-04-01"]))
    place = open_days.get_loc(pd.Timestamp("2024-04-02"))
    assert borders(as_series(frame(open_days))) == [0, place]


COLUMNS = {
    "pandas": lambda d: d,
    "pandas, text": lambda d: d.assign(when=d["when"].astype(str)),
    "pandas, dates": lambda d: d.assign(when=d["when"].dt.date),
    "pandas, nullable": lambda d: d.assign(when=pd.array(range(len(d)), dtype="Int64")).drop(20),
    "pandas, time since": lambda d: d.assign(when=d["when"] - d["when"][0]),
    "polars": pl.from_pandas,
    "polars, dates": lambda d: pl.from_pandas(d).with_columns(pl.col("when").cast(pl.Date)),
    "polars, text": lambda d: pl.from_pandas(d.assign(when=d["when"].astype(str))),
    "polars, numbers": lambda d: pl.from_pandas(d.assign(when=range(len(d))).drop(20)),
    "pyarrow": pa.Table.from_pandas,
    "pyarrow, dates": lambda d: pa.Table.from_pandas(d.assign(when=d["when"].dt.date)),
    "dict": lambda d: {name: d[name].to_numpy() for name in d},
    "dict of lists": lambda d: {name: d[name].tolist() for name in d},
}


@pytest.mark.parametrize("how", COLUMNS)
def test_a_column_may_hold_the_time(how):
    days = pd.date_range("2024-01-01", periods=40, freq="D")
    numbered = how.endswith(("nullable", "numbers"))  # these leave the row out themselves
    data = COLUMNS[how](beside(days if numbered else days.delete(20)))
    series = as_series(data, time="when")
    assert series.names == ("a", "b")
    assert borders(series) == [0, 20]


@pytest.mark.parametrize("make", [lambda data: data, pl.from_pandas, pa.Table.from_pandas])
def test_dates_with_points_have_the_day_first(make):
    for lost in (3, 20):  # the fourth of a month is as well the fourth month
        days = pd.date_range("2024-01-01", periods=40).delete(lost)
        texts = [f"{day.day}.{day.month}.{day.year}" for day in days]
        data = make(beside(days).assign(when=texts))
        assert borders(as_series(data, time="when")) == [0, lost]
    for texts in (["1.12.2024", "1.13.2024", "1.14.2024"], ["1.13.2024", "1.14.2024", "1.15.2024"]):
        data = pd.DataFrame({"when": texts, "a": [1.0, 2.0, 4.0]})
        with pytest.raises(InputError, match="with points the day first"):
            as_series(make(data), time="when")


def test_a_zone_survives_polars_and_pyarrow():
    local = pd.date_range("2021-01-01", periods=30, freq="MS", tz="America/New_York").delete(9)
    for data in (pl.from_pandas(beside(local)), pa.Table.from_pandas(beside(local))):
        assert borders(as_series(data, time="when")) == [0, 9]


@settings(deadline=None)
@given(st.floats(0.001, 1e6), st.integers(-1000, 1000), st.sets(st.integers(1, 98), max_size=4))
def test_numbers_are_times_whatever_their_unit(unit, start, missing):
    kept = np.setdiff1d(np.arange(100), list(missing))
    expected = [0, *(np.flatnonzero(np.diff(kept) > 1) + 1).tolist()]
    data = {"t": (start + kept) * unit, "a": np.sin(kept)}
    assert borders(as_series(data, time="t")) == expected


def test_clocks_may_be_a_little_early_or_late():
    frames = np.delete(np.arange(1000), 400)
    data = {"t": np.round(frames / 30, 3), "a": np.sin(frames)}  # milliseconds at 30 Hz
    assert borders(as_series(data, time="t")) == [0, 400]
    stamps = 1_700_000_000_000_000_000 + np.arange(50)  # whole nanoseconds, no float holds them
    assert borders(as_series({"t": stamps, "a": np.arange(50.0)}, time="t")) == [0]
    late = pd.date_range("2024-01-01", periods=50, freq="min") + pd.to_timedelta(
        np.random.default_rng(0).integers(0, 900, 50), unit="ms"
    )
    assert borders(as_series(frame(late))) == [0]


def test_an_index_without_times_says_nothing():
    assert borders(as_series(frame([5, 1, 9, 9]))) == [0]


# --- subjects -------------------------------------------------------------------------------------


def subjects() -> dict[str, Any]:
    values = np.arange(18.0).reshape(9, 2) ** 2
    who = ["b"] * 4 + ["a"] * 5
    columns = {"who": who, "x": values[:, 0], "y": values[:, 1]}
    lone = [values[:4], values[4:]]
    return {
        "a column": as_series(columns, panel="who"),
        "a category": as_series(pd.DataFrame(columns).astype({"who": "category"}), panel="who"),
        "polars": as_series(pl.DataFrame(columns), panel="who"),
        "numbers": as_series(columns | {"who": [7] * 4 + [3] * 5}, panel="who"),
        "a list": as_series([{"x": part[:, 0], "y": part[:, 1]} for part in lone]),
        "a tuple, other order": as_series(
            (
                pd.DataFrame(lone[0], columns=["x", "y"]),
                pl.DataFrame({"y": lone[1][:, 1], "x": lone[1][:, 0]}),
            )
        ),
        "arrays": as_series(lone),
    }


@pytest.mark.parametrize("how", subjects())
def test_subjects_are_told_apart(how):
    series, plain = subjects()[how], subjects()["a list"]
    assert borders(series) == [0, 4]
    assert series.subject.tolist() == [0] * 4 + [1] * 5
    assert np.array_equal(series.table.values, plain.table.values)
    assert series.usable(2).tolist() == [2, 3, 6, 7, 8]


def test_an_array_of_three_dimensions_holds_subjects():
    values = np.random.default_rng(0).normal(size=(3, 10, 2))
    series = as_series(values)
    assert borders(series) == [0, 10, 20]
    assert series.names == ("x0", "x1")
    assert np.array_equal(series.table.values, values.reshape(30, 2))


def test_steps_are_as_long_for_all_subjects():
    waves = {"who": [1, 1, 1, 1, 2, 2, 3, 3], "t": [1, 2, 3, 4, 1, 3, 2, 3], "x": np.arange(8.0)}
    assert borders(as_series(waves, panel="who", time="t")) == [0, 4, 5, 6]
    quarters = pd.to_datetime(
        ["2024-01-01", "2024-04-01", "2024-07-01", "2024-01-01", "2024-07-01"]
    )
    data = {"who": [1, 1, 1, 2, 2], "t": quarters, "x": np.arange(5.0)}
    assert borders(as_series(pd.DataFrame(data), panel="who", time="t")) == [0, 3, 4]


def test_subjects_have_times_of_their_own():
    data = {"who": [1, 1, 1, 2, 2, 2], "t": [0, 1, 2, 5, 6, 8], "x": np.arange(6.0)}
    assert borders(as_series(data, panel="who", time="t")) == [0, 3, 5]
    parts = [
        frame(pd.date_range(day, periods=5, freq="D").delete(3)) for day in ("2024-01-01",) * 2
    ]
    assert borders(as_series(parts)) == [0, 3, 4, 7]


def test_times_have_one_number_for_all_subjects():
    one, two = pd.date_range("2024-01-01", periods=4), pd.date_range("2024-01-03", periods=4)
    assert as_series([frame(one), frame(two)]).when.tolist() == [0, 1, 2, 3, 2, 3, 4, 5]
    both = pd.concat([beside(one).assign(who="u"), beside(two).assign(who="v")])
    assert as_series(both, panel="who", time="when").when.tolist() == [0, 1, 2, 3, 2, 3, 4, 5]
    assert as_series(np.zeros((2, 3, 1))).when.tolist() == [0, 1, 2, 0, 1, 2]


# --- rows that count ------------------------------------------------------------------------------


def slow_usable(series: Series, reach: int) -> list[int]:
    """Walk back from each row, one step after the other."""
    whole = ~np.isnan(series.table.values).any(axis=1)
    found = []
    for row in range(series.n_rows):
        steps = range(row, row - reach, -1)
        inside = all(step > 0 and series.follows[step] for step in steps)
        if inside and whole[row - reach : row + 1].all() and series.counted[row]:
            found.append(row)
    return found


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 10**6), st.integers(0, 4))
def test_no_lag_reaches_over_a_border(seed, reach):
    rng = np.random.default_rng(seed)
    n = 40
    values = rng.normal(size=(n, 3))
    values[rng.random((n, 3)) < 0.03] = np.nan
    data = {
        "who": np.sort(rng.integers(0, 3, n)),
        "x": values[:, 0],
        "y": values[:, 1],
        "z": values[:, 2],
        "on": rng.random(n) < 0.8,
        "t": np.arange(n) + np.cumsum(np.isin(np.arange(n), rng.integers(0, n, 2))),
    }
    data["on"][0] = True
    series = as_series(data, panel="who", time="t", mask="on")
    rows = series.usable(reach)
    assert rows.tolist() == slow_usable(series, reach)
    expected = [
        [values[row - lag, k] for lag in range(reach + 1) for k in range(3)] for row in rows
    ]
    assert np.array_equal(series.lagged(reach), np.array(expected).reshape(-1, 3 * (reach + 1)))
    drawn = rng.integers(0, n, n)
    again = series.resampled(drawn)
    assert again.usable(reach).tolist() == [row for row in drawn.tolist() if row in set(rows)]


def test_holes_of_a_series_that_is_left_out_matter_no_more():
    data = {"x": [1.0, 2.0, 3.0, 4.0], "y": [1.0, np.nan, 3.0, 4.0]}
    assert as_series(data).usable(1).tolist() == [3]
    assert as_series(data).select(["x"]).usable(1).tolist() == [1, 2, 3]


@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame, pa.table, dict])
def test_masks_of_any_type(make):
    on = [True, False, True, True]
    for mask in (on, [1, 0, 1, 1]):
        series = as_series(make({"x": [1.0, 2.0, 3.0, 4.0], "on": mask}), mask="on")
        assert series.counted.tolist() == on
        assert series.usable(1).tolist() == [2, 3]


# --- what cannot be read --------------------------------------------------------------------------

DAYS = pd.date_range("2024-01-01", periods=30, freq="D")
SHUFFLED = np.r_[DAYS[:5], DAYS[8:9], DAYS[6:8]]
BAD: dict[str, tuple[Any, dict[str, Any], str]] = {
    "twice": (frame(DAYS[[0, 1, 1, 2]]), {}, r"2024-01-02.* twice \(row 2\).*panel"),
    "backwards": (frame(SHUFFLED), {}, "runs backwards at row 6.*Sort"),
    "random times": (
        {"t": np.cumsum(np.random.default_rng(0).exponential(size=30)), "a": np.arange(30)},
        {"time": "t"},
        "column 't' is irregular.*before at most half of the rows",
    ),
    "every other day missing": (frame(DAYS[[0, 1, 3, 5, 6, 8, 9, 11]]), {}, "irregular"),
    "half months": (frame(pd.date_range("2024-01-01", periods=30, freq="SMS")), {}, "irregular"),
    "no time": ({"t": [0.0, np.nan, 2.0], "a": [1.0, 2, 3]}, {"time": "t"}, "1 missing cell"),
    "no date": (frame(DAYS[:3].insert(1, pd.NaT)), {}, "the index is the time and has 1 missing"),
    "endless": ({"t": [0.0, 1.0, np.inf], "a": [1.0, 2, 3]}, {"time": "t"}, "1 missing cell"),
    "no dates": ({"t": ["x", "y"], "a": [1.0, 2]}, {"time": "t"}, "holds 'x'; expected dates"),
    "levels": (
        frame(pd.MultiIndex.from_product([["u", "v"], range(4)])),
        {},
        "2 levels.*reset_index.*panel and time",
    ),
    "mixed subjects": ({"who": [1, 2, 1], "a": [1.0, 2, 3]}, {"panel": "who"}, "mixed.*Sort"),
    "no subject": (
        {"who": ["u", None, "v"], "a": [1.0, 2, 3]},
        {"panel": "who"},
        "1 row\\(s\\) have none",
    ),
    "mask of numbers": ({"on": [0, 1, 2], "a": [1.0, 2, 3]}, {"mask": "on"}, "true and false"),
    "mask with a hole": ({"on": [0, 1, np.nan], "a": [1.0, 2, 3]}, {"mask": "on"}, "boolean"),
    "mask of nothing": ({"on": [0, 0, 0], "a": [1.0, 2, 3]}, {"mask": "on"}, "false in every row"),
    "one column twice": ({"t": [0, 1], "a": [1.0, 2]}, {"time": "t", "mask": "t"}, "one role"),
    "nothing else": ({"t": [0, 1, 2]}, {"time": "t"}, "no series beside"),
    "no rows": (pd.DataFrame({"x": []}), {}, "no rows"),
    "no list": ([], {}, "cannot read a list"),
    "lists of numbers": ([[1.0, 2.0], [3.0, 4.0]], {}, "cannot read a list"),
    "four dimensions": (np.zeros((2, 3, 4, 5)), {}, "4 dimension"),
    "other columns": ([{"a": [1.0, 2]}, {"b": [1.0, 2]}], {}, "series number 1 has the columns"),
    "text": ({"a": ["u", "v", "w"]}, {}, "holds text"),
    "lazy": (pl.LazyFrame({"a": [1.0]}), {}, "lazy"),
}


@pytest.mark.parametrize("what", BAD)
def test_what_cannot_be_read_is_refused_with_a_way_out(what):
    data, roles, message = BAD[what]
    with pytest.raises(InputError, match=f"(?s){message}"):
        as_series(data, **roles)


@pytest.mark.parametrize("role", ["panel", "time", "mask"])
def test_a_column_that_is_not_there_is_named(role):
    with pytest.raises(UnknownVariableError, match=f"'z' in the data \\({role}='z'\\)"):
        as_series({"a": [1.0, 2.0]}, **{role: "z"})


def test_categories_of_series_one_by_one_are_refused():
    parts = [pd.DataFrame({"a": pd.Categorical(list("uvw"))}) for _ in range(2)]
    with pytest.raises(InputError, match="codes may differ"):
        as_series(parts)


def test_too_few_steps_are_counted_in_the_error():
    series = as_series({"x": [1.0, np.nan, 3.0, 4.0, 5.0], "who": [1, 1, 1, 2, 2]}, panel="who")
    with pytest.raises(InputError, match=r"PCMCI needs 3 steps with 1 .*there are 1: 5 rows in 2"):
        series.needs(3, 1, who="PCMCI")


def test_dates_of_objects_and_of_old_days():
    days = [dt.date(1850, 1, 1) + dt.timedelta(k) for k in range(30)]
    assert borders(as_series({"when": days, "a": np.arange(30.0)}, time="when")) == [0]


# --- how long a step is --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("freq", "step", "periods"),
    [
        ("10min", 600.0, (6, 144, 1008, 52560)),
        ("h", 3600.0, (24, 168, 8760)),
        ("D", 86400.0, (7, 365)),
        ("B", "business days", (5,)),
        ("W", 7 * 86400.0, (52,)),
        ("MS", "months", (12,)),
        ("QS", "months", (4,)),
        ("7min", 420.0, (1440,)),
    ],
)
def test_the_calendar_says_after_how_many_steps_time_comes_again(freq, step, periods):
    stamps = pd.date_range("2023-01-01", periods=N, freq=freq).to_numpy()
    assert step_length(stamps) == step
    assert calendar_periods(stamps) == periods
    assert calendar_periods(stamps[np.arange(N) != 7]) == periods  # a gap changes nothing


def test_numbers_and_lone_stamps_have_no_length():
    assert step_length(np.arange(5)) is None
    assert calendar_periods(pd.date_range("2023-01-01", periods=1).to_numpy()) == ()


@pytest.mark.parametrize(
    ("length", "freq", "message"),
    [
        ("25min", "10min", "2.5 steps"),
        ("soon", "10min", "expected a number of steps, or a length of time"),
        ("1D", "MS", "steps are months"),
        ("-1h", "10min", "expected a number of steps, or a length of time"),
    ],
)
def test_lengths_of_time_that_are_no_number_of_steps_are_refused(length, freq, message):
    stamps = pd.date_range("2023-01-01", periods=N, freq=freq).to_numpy()
    with pytest.raises(InputError, match=message):
        steps_in(length, stamps, "horizon")


def test_rows_lost_at_random_are_gaps_however_many_up_to_half():
    stamps = pd.date_range("2020-01-01", periods=400)
    for lost in (0.05, 0.1, 0.25, 0.4):
        kept = np.flatnonzero(np.random.default_rng(1).random(400) > lost)
        series = as_series(frame(stamps[kept]))
        assert series.follows[1:].tolist() == (np.diff(kept) == 1).tolist()
