from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import clone

from causalkit.discovery.series.granger.granger import Granger
from causalkit.discovery.series.preparation.transformers import Deseasonalize, Detrend, Differencing
from causalkit.errors import InputError, UnknownVariableError

EACH = [
    Differencing(),
    Differencing(2, season=3),
    Differencing(0, season=4),
    Detrend(),
    Detrend(0),
    Detrend(3),
    Deseasonalize(4),
]


def series(n=60, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, 2)).cumsum(axis=0) + 100


def with_holes():
    values = series()
    values[[5, 20, 21], [0, 1, 0]] = np.nan
    return values


@pytest.mark.parametrize("transformer", EACH, ids=repr)
def test_the_way_back_leads_back(transformer):
    values = with_holes()
    changed = transformer.fit(values).transform(values)
    assert changed.shape == values.shape
    assert not np.array_equal(changed, values, equal_nan=True)
    np.testing.assert_allclose(transformer.inverse_transform(changed), values, rtol=1e-9)
    np.testing.assert_array_equal(clone(transformer).fit_transform(values), changed)


@pytest.mark.parametrize("transformer", [*EACH, Deseasonalize(4, method="stl")], ids=repr)
def test_frames_keep_their_type_rows_and_columns(transformer):
    values, names = series(), ["a", "b"]
    expected = clone(transformer).fit_transform(values)
    pandas = pd.DataFrame(values, columns=names, index=pd.date_range("2020-01-01", periods=60))
    changed = clone(transformer).fit_transform(pandas)
    assert changed.index.equals(pandas.index)
    np.testing.assert_array_equal(changed[names].to_numpy(), expected)
    polars = clone(transformer).fit_transform(pl.DataFrame(values, schema=names))
    assert isinstance(polars, pl.DataFrame)
    np.testing.assert_array_equal(polars.to_numpy(), expected)
    arrow = clone(transformer).fit_transform(pa.table(dict(zip(names, values.T, strict=True))))
    np.testing.assert_array_equal(arrow["b"].to_numpy(), expected[:, 1])
    columns = clone(transformer).fit_transform({"a": values[:, 0], "b": values[:, 1]})
    np.testing.assert_array_equal(columns["a"], expected[:, 0])
    several = clone(transformer).fit_transform([values, values * 2])
    np.testing.assert_allclose(several[1], 2 * expected, rtol=1e-9, atol=1e-9)
    stacked = clone(transformer).fit_transform(np.stack([values, values]))
    np.testing.assert_array_equal(stacked[1], expected)


@given(st.integers(1, 3), st.integers(0, 4), st.integers(0, 1000))
def test_differences_are_those_of_numpy_within_each_run(order, season, seed):
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(24, 1))
    who = np.repeat([0, 1], [10, 14])
    frame = pd.DataFrame({"x": values[:, 0], "who": who})
    step = season if season >= 2 else None
    found = Differencing(order, season=step, panel="who").fit_transform(frame)
    for k in (0, 1):
        x = values[who == k, 0]
        expected = x[step:] - x[:-step] if step else x
        expected = np.diff(expected, n=order)
        mine = found["x"].to_numpy()[who == k]
        n_lost = len(x) - len(expected)
        assert np.isnan(mine[:n_lost]).all()
        np.testing.assert_allclose(mine[n_lost:], expected, atol=1e-12)


def test_no_difference_reaches_over_a_gap():
    frame = pd.DataFrame({"x": np.arange(30.0) ** 2, "t": np.arange(30)}).drop(index=[12])
    found = Differencing(time="t").fit_transform(frame)
    assert np.isnan(found.loc[13, "x"])
    assert found.loc[14, "x"] == 27.0
    assert found["t"].tolist() == frame["t"].tolist()
    back = Differencing(time="t").fit(frame).inverse_transform(found)
    np.testing.assert_allclose(back["x"], frame["x"])


def test_only_named_columns_are_changed():
    frame = pd.DataFrame(series(), columns=["a", "b"])
    found = Differencing(columns="a").fit_transform(frame)
    pd.testing.assert_series_equal(found["b"], frame["b"])
    with pytest.raises(UnknownVariableError):
        Differencing(columns="c").fit(frame)
    with pytest.raises(UnknownVariableError):
        Detrend().fit(frame).transform(frame[["a"]])


def test_other_changes_of_the_fitted_rows_start_at_their_levels():
    change = Differencing().fit({"x": [10.0, 11.0, 12.0]})
    assert change.inverse_transform({"x": [np.nan, 5.0, -1.0]})["x"].tolist() == [10.0, 15.0, 14.0]
    with pytest.raises(InputError, match="rows that were fitted"):
        change.inverse_transform({"x": [np.nan, 5.0]})


def test_trends_and_seasons_go_on_by_the_calendar():
    days = pd.date_range("2024-01-01", periods=70)
    week = np.array([3.0, 0, -1, 0, 1, -2, -1])
    x = week[np.arange(70) % 7] + 0.5 * np.arange(70)
    frame = pd.DataFrame({"x": x}, index=days)
    season = Deseasonalize(7).fit(frame.iloc[:35])
    later = season.transform(frame.iloc[38:])["x"]
    np.testing.assert_allclose(later, 0.5 * np.arange(38, 70), atol=1e-9)
    trend = Detrend().fit(pd.DataFrame({"x": 2.0 * np.arange(30) + 1}, index=days[:30]))
    rest = trend.transform(pd.DataFrame({"x": 2.0 * np.arange(40, 70) + 1}, index=days[40:]))
    np.testing.assert_allclose(rest["x"], 0, atol=1e-9)


def test_means_of_phases_are_least_squares_beside_a_line():
    rng = np.random.default_rng(1)
    x = rng.normal(size=50)
    x[[3, 17]] = np.nan
    found = Deseasonalize(5).fit({"x": x}).seasons_[None][:, 0]
    there = ~np.isnan(x)
    design = np.column_stack([np.eye(5)[np.arange(50) % 5], np.arange(50.0)])
    means = np.linalg.lstsq(design[there], x[there], rcond=None)[0][:5]
    np.testing.assert_allclose(found, means - means.mean(), atol=1e-10)


def test_stl_is_that_of_statsmodels_and_goes_on():
    from statsmodels.tsa.seasonal import STL

    rng = np.random.default_rng(2)
    x = np.sin(np.arange(72) * np.pi / 6) * 3 + rng.normal(size=72)
    season = Deseasonalize(12, method="stl").fit({"x": x})
    expected = STL(x, period=12, robust=True).fit().seasonal
    np.testing.assert_allclose(x - season.transform({"x": x})["x"], expected)
    longer = np.zeros(80)
    out = -season.transform({"x": longer})["x"]
    np.testing.assert_allclose(out[72:], expected[60:68])
    with pytest.raises(InputError, match="gaps"):
        Deseasonalize(12, method="stl").fit({"x": np.where(np.arange(72) == 5, np.nan, x)})


def test_each_subject_has_a_pattern_of_its_own():
    frame = pd.DataFrame({"x": [1.0, 2, 3, 10, 20, 30], "who": list("aaabbb")})
    trend = Detrend(panel="who").fit(frame)
    np.testing.assert_allclose(trend.transform(frame)["x"], 0, atol=1e-12)
    np.testing.assert_allclose(trend.transform(frame[3:])["x"], 0, atol=1e-12)
    with pytest.raises(InputError, match="subject 'c'"):
        trend.transform(frame.assign(who=list("aaaccc")))


def test_what_is_differenced_can_be_searched():
    rng = np.random.default_rng(3)
    noise = rng.normal(size=(500, 2))
    noise[1:, 1] += 0.8 * noise[:-1, 0]
    walks = noise.cumsum(axis=0)
    found = Granger(alpha=0.001).fit(Differencing().fit_transform(walks))
    assert found.n_obs_ == 498
    assert found.graph_.summary_graph().lags("x0", "x1") == (1,)


@pytest.mark.parametrize(
    ("transformer", "words"),
    [
        (Differencing(-1), "order"),
        (Differencing(0), "no difference"),
        (Differencing(season=1), "season"),
        (Detrend(-1), "degree"),
        (Detrend(99), "smaller one"),
        (Deseasonalize(1), "period"),
        (Deseasonalize(4, method="x11"), "method"),
        (Deseasonalize(100), "phase"),
        (Deseasonalize(40, method="stl"), "STL"),
    ],
    ids=repr,
)
def test_settings_are_checked(transformer, words):
    with pytest.raises(InputError, match=words):
        transformer.fit(series())


def test_categories_are_refused():
    frame = pd.DataFrame({"k": pd.Categorical(["a", "b", "c"] * 5), "x": np.arange(15.0)})
    with pytest.raises(InputError, match="categorical"):
        Differencing().fit(frame)
    assert Differencing(columns="x").fit_transform(frame)["x"].iloc[1:].eq(1).all()
