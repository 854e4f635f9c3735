"""Holes that are fitted to holes: as many, as long, together, and for the same reasons."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from causalkit.errors import InputError, UnknownVariableError
from causalkit.models.observation import Missing, fit_missingness, observe

N = 8000


@pytest.fixture(scope="module")
def series():
    rng = np.random.default_rng(0)
    values = np.zeros((N, 4))
    for t in range(1, N):
        values[t] = 0.7 * values[t - 1] + rng.normal(size=4)
    return pd.DataFrame(values, columns=list("abcd"))


def lengths(hole):
    edges = np.flatnonzero(np.diff(np.concatenate([[0], hole.astype(int), [0]])))
    return edges[1::2] - edges[::2]


def test_gaps_are_as_many_and_as_long(series):
    seen = Missing("blocks", {"a": 0.1, "b": 0.3}, length=15).apply(series, rng=1)
    pattern = fit_missingness(seen.data)
    again = pattern.apply(series, rng=2).missing
    assert pattern.causes == {"a": (), "b": ()}
    for name in "ab":
        real, made = lengths(seen.missing[name].to_numpy()), lengths(again[name].to_numpy())
        error = np.sqrt(1 / len(real) + 1 / len(made))
        assert np.log(made.mean() / real.mean()) == pytest.approx(0, abs=4 * error)
        assert np.log(again[name].mean() / seen.missing[name].mean()) == pytest.approx(
            0, abs=6 * error
        )
    assert not again[["c", "d"]].any(axis=None)


def test_gaps_need_not_be_geometric(series):
    """Half of the gaps last a step, half a hundred: the chance to stay missing grows with age."""
    rng, hole, t = np.random.default_rng(3), np.zeros(N, dtype=bool), 0
    while t < N:
        t += int(rng.geometric(1 / 40))
        long = int(rng.choice([1, 100]))
        hole[t : t + long] = True
        t += long
    pattern = fit_missingness({"a": np.where(hole, np.nan, series["a"])})
    made = lengths(pattern.apply({"a": series["a"]}, rng=0).missing["a"].to_numpy())
    assert 0.2 < (made <= 2).mean() < 0.8
    assert 0.1 < (made >= 40).mean() < 0.6


def test_columns_fail_together(series):
    shared = Missing("blocks", 0.15, length=8, together=True, columns=["a", "b", "c"])
    seen = observe(series, [shared, Missing("MCAR", {"c": 0.05})], rng=0)
    pattern = fit_missingness(seen.data)
    assert sorted(pattern.units) == [("a", "b"), ("c",)]
    made = pattern.apply(series, rng=1).missing
    assert (made["a"] == made["b"]).all()
    real = np.corrcoef(seen.missing["a"], seen.missing["c"])[0, 1]
    assert np.corrcoef(made["a"], made["c"])[0, 1] == pytest.approx(real, abs=0.12)
    assert "a, b" in repr(pattern)


def test_values_that_matter_are_found_and_matter_as_much(series):
    seen = Missing("MAR", 0.25, columns="a", drivers="c", strength=1.5).apply(series, rng=0)
    pattern = fit_missingness(seen.data)
    assert pattern.causes == {"a": ("c",)}
    made = pattern.apply(series, rng=1)
    assert made.causes == {"a": ("c",)}
    assert made.missing["a"].mean() == pytest.approx(0.25, abs=0.03)
    gaps = [
        series["c"][hole].mean() - series["c"][~hole].mean()
        for hole in (seen.missing["a"], made.missing["a"])
    ]
    assert gaps[1] == pytest.approx(gaps[0], rel=0.12)


def test_values_last_seen_of_a_column_with_holes(series):
    """A station fails after high values of its own."""
    rng = np.random.default_rng(5)
    high = series["a"].shift().fillna(0) > 1
    holed = series.assign(a=series["a"].mask(high & (rng.random(N) < 0.5)))
    pattern = fit_missingness(holed)
    assert pattern.causes == {"a": ("a",)}
    made = pattern.apply(series, rng=0).missing["a"]
    assert made.mean() == pytest.approx(holed["a"].isna().mean(), rel=0.15)
    assert series["a"].shift()[made].mean() > 0.8


def test_rows_of_a_table():
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.normal(size=(N, 3)), columns=list("xyz"))
    mar = Missing("MAR", 0.3, columns="y", drivers="x")
    seen = observe(table, [mar, Missing("MAR", 0.2, columns="z", drivers="x", strength=-1)], rng=1)
    pattern = fit_missingness(seen.data, time=False)
    assert pattern.causes == {"y": ("x",), "z": ("x",)}
    made = pattern.apply(table, rng=3).missing
    both = [np.mean(mask["y"] & mask["z"]) for mask in (seen.missing, made)]
    np.testing.assert_allclose(made.mean(), seen.missing.mean(), atol=0.03)
    assert both[1] == pytest.approx(both[0], abs=0.02)
    hole = made["y"].to_numpy()
    assert abs(np.corrcoef(hole[1:], hole[:-1])[0, 1]) < 4 / np.sqrt(N)


def test_nothing_missing_and_nothing_is_made(series):
    pattern = fit_missingness(series)
    assert pattern.units == ()
    assert not pattern.apply(series, rng=0).missing.any(axis=None)


def test_a_seed_gives_the_same_holes(series):
    holed = Missing("blocks", 0.2).apply(series, rng=0).data
    pattern = fit_missingness(holed)
    one, other = (pattern.apply(series, rng=7).missing for _ in range(2))
    pd.testing.assert_frame_equal(one, other)


def test_what_cannot_be_learnt_is_refused(series):
    with pytest.raises(InputError, match="20"):
        fit_missingness(series.head(5))
    with pytest.raises(InputError, match="'a'"):
        fit_missingness(series.assign(a=np.nan))
    pattern = fit_missingness(Missing(columns="a").apply(series, rng=0).data)
    with pytest.raises(UnknownVariableError):
        pattern.apply(series[["b"]])
