"""Series below each other: lines break where lags may not reach across, and shades say why."""

from __future__ import annotations

from io import BytesIO
from itertools import pairwise

import matplotlib as mpl
import numpy as np
import pandas as pd
import polars as pl
import pytest
from matplotlib.figure import Figure

from causalkit._core.series import as_series
from causalkit.errors import InputError, UnknownVariableError
from causalkit.plotting import plot_series

mpl.use("Agg")


def shop(n: int = 40) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    days = pd.date_range("2024-01-01", periods=n, freq="D")
    return pd.DataFrame({"ads": rng.normal(size=n), "sales": rng.normal(size=n)}, index=days)


def stacked(n: int) -> list:
    return list(Figure().subplots(n, 1, squeeze=False)[:, 0])


def joined_pairs(ax) -> set:
    """Pairs of values that the line of an axes joins."""
    y = ax.lines[0].get_ydata()
    return {(a, b) for a, b in pairwise(y) if not (np.isnan(a) or np.isnan(b))}


def shades(ax) -> dict:
    """Spans of each shade, by its label."""
    return {
        area.get_label(): [
            (path.get_extents().x0, path.get_extents().x1) for path in area.get_paths()
        ]
        for area in ax.collections
    }


def test_each_series_has_axes_of_its_own_and_all_have_one_time():
    frame = shop()
    ads, sales = plot_series(frame, stacked(2))
    assert [ax.get_ylabel() for ax in (ads, sales)] == ["ads", "sales"]
    np.testing.assert_array_equal(ads.lines[0].get_ydata(), frame["ads"])
    np.testing.assert_array_equal(sales.lines[0].get_ydata(), frame["sales"])
    ads.set_xlim(19725, 19735)
    assert sales.get_xlim() == ads.get_xlim()
    assert mpl.dates.num2date(ads.lines[0].get_xdata()[0]).date() == frame.index[0].date()
    assert not shades(ads)
    assert ads.get_legend() is None


def test_lines_join_exactly_the_rows_that_follow_each_other():
    rng = np.random.default_rng(1)
    for _ in range(30):
        frame = shop().drop(shop().index[np.sort(rng.choice(40, 6, replace=False))])
        frame = frame.mask(rng.random(frame.shape) < 0.15)
        frame["who"] = np.repeat(["u", "v"], [20, 14])
        series = as_series(frame, panel="who")
        for ax, column in zip(plot_series(frame, stacked(2), panel="who"), (0, 1), strict=True):
            y = series.table.values[:, column]
            wanted = {
                (y[t - 1], y[t])
                for t in range(1, 34)
                if series.follows[t] and not np.isnan(y[t - 1 : t + 1]).any()
            }
            assert joined_pairs(ax) == wanted
            alone = set(ax.lines[1].get_ydata().tolist())
            ends = {value for pair in wanted for value in pair}
            assert alone == set(y[~np.isnan(y)].tolist()) - ends


def test_what_is_missing_is_shaded_from_cell_to_cell():
    frame = shop(20).reset_index(drop=True)
    frame.loc[[0, 1, 7, 8, 19], "ads"] = np.nan
    frame["t"] = np.arange(20)
    frame = frame.drop(index=[12, 13])
    ads, sales = plot_series(frame, stacked(2), time="t")
    assert shades(ads) == {"missing": [(6, 9), (11, 14), (0, 2), (18, 19)]}
    assert shades(sales) == {"missing": [(11, 14)]}
    assert [text.get_text() for text in ads.get_legend().get_texts()] == ["missing"]
    empty = pd.DataFrame({"a": np.arange(5.0), "b": [np.nan] * 5})
    assert shades(plot_series(empty, stacked(2))[1]) == {"missing": [(0, 4)]}


def test_a_mask_is_shaded_by_half_a_step_more():
    frame = shop(20).reset_index(drop=True)
    frame["winter"] = True
    frame.loc[[3, 4, 5, 19], "winter"] = False
    ads, sales = plot_series(frame, stacked(2), mask="winter")
    assert shades(ads) == shades(sales) == {"left out by the mask": [(2.5, 5.5), (18.5, 19.5)]}


def test_subjects_stand_side_by_side_with_a_border_between_them():
    frame = pd.concat([shop(9).assign(who=name) for name in ("west", "east")])
    ads, sales = plot_series(frame, stacked(2), panel="who")
    x = np.asarray(ads.lines[0].get_xdata(), dtype=float)
    assert (np.diff(x) >= 0).all()
    assert len(ads.lines) == len(sales.lines) == 3
    border = float(ads.lines[2].get_xdata()[0])
    assert 8 < border < x[-9]
    assert [tick.get_text() for tick in sales.get_xticklabels()] == ["west", "east"]
    parts = plot_series([shop(9), shop(12)], stacked(2))
    assert [tick.get_text() for tick in parts[1].get_xticklabels()] == ["1", "2"]
    cube = plot_series(np.random.default_rng(0).normal(size=(14, 6, 1)), stacked(1))
    assert not cube[0].get_xticks().size  # too many names to be read
    numbers = frame.assign(who=np.repeat([7, 3], 9))
    labelled = plot_series(numbers, stacked(2), panel="who")[1].get_xticklabels()
    assert [tick.get_text() for tick in labelled] == ["7", "3"]


def test_a_choice_of_series_one_axes_for_all_and_a_new_figure():
    frame = shop()
    (only,) = plot_series(frame, Figure().add_subplot(), names="sales", color="red", alpha=0.5)
    assert only.get_ylabel() == "sales"
    assert only.lines[0].get_color() == "red"
    assert only.lines[0].get_alpha() == 0.5
    whole = Figure().add_subplot()
    frame["on"] = np.arange(40) > 3
    above, below = plot_series(frame, whole, names=["sales", "ads"], mask="on")
    assert above.get_ylabel() == "sales"
    assert above.get_position().y0 >= below.get_position().y1
    assert above.get_legend() is not None
    assert not whole.axison
    from matplotlib import pyplot as plt

    fresh = plot_series(frame)
    assert len(fresh) == 3
    plt.close(fresh[0].figure)


def test_categories_are_named_and_containers_agree():
    sky = pd.Categorical(["sun", "rain", "sun", "sun"])
    frame = pd.DataFrame({"sky": sky, "x": [1.0, 2.0, 0.0, 1.0]})
    sky, x = plot_series(frame, stacked(2))
    assert {tick.get_text() for tick in sky.get_yticklabels()} == {"sun", "rain"}
    for data in (pl.from_pandas(frame), {k: frame[k] for k in frame}):
        other = plot_series(data, stacked(2))[1]
        np.testing.assert_array_equal(other.lines[0].get_xydata(), x.lines[0].get_xydata())
    money = plot_series({"a$b": [1.0, 2.0, 3.0], "c$": [1.0, 0.0, 2.0]}, stacked(2))
    money[0].figure.savefig(BytesIO())


def test_what_cannot_be_drawn():
    with pytest.raises(UnknownVariableError, match="'profit'"):
        plot_series(shop(), stacked(2), names=["profit"])
    with pytest.raises(InputError, match="names is empty"):
        plot_series(shop(), stacked(2), names=[])
    with pytest.raises(InputError, match="3 axes and there are 2 series"):
        plot_series(shop(), stacked(3))
