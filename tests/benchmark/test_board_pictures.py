"""Pictures of leaderboards: what is drawn is what is there."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pytest

mpl.use("Agg")

import matplotlib.pyplot as plt

from causalkit.errors import InputError
from causalkit.plotting.leaderboard import plot_critical_difference, plot_intervals
from tests.benchmark.test_board_summary import board_of


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def test_intervals_are_where_the_numbers_are():
    ax = plot_intervals(["a", "b"], [1.0, 2.0], [0.1, np.nan], label="shd", faint={"b"})
    assert [text.get_text() for text in ax.get_yticklabels()] == ["a", "b"]
    (first, _, (bar,)) = ax.containers[0]
    assert first.get_xdata() == [1.0]
    ends = bar.get_segments()[0][:, 0]
    assert np.allclose(ends, [1 - 0.196, 1 + 0.196], atol=1e-4)
    assert ax.containers[0][0].get_color() != ax.containers[1][0].get_color()
    assert ax.get_ylim()[0] > ax.get_ylim()[1]  # the first on top


def test_ranks_lie_on_a_scale_with_bars_over_what_does_not_differ():
    ranks = [3.0, 1.0, 1.4, 4.6]
    ax = plot_critical_difference(["c", "a", "b", "d"], ranks, 0.9)
    shown = " ".join(text.get_text() for text in ax.texts)
    assert all(f"{name} {rank:.2f}" in shown for name, rank in (("a", 1.0), ("b", 1.4)))
    assert "3.00 c" in shown
    assert "critical difference 0.90" in shown
    places = {line.get_xdata()[0] for line in ax.lines if len(line.get_xdata()) == 3}
    assert places == set(ranks)
    bars = [line.get_xdata() for line in ax.lines if line.get_linewidth() == 4]
    assert np.allclose(bars, [[0.97, 1.43]])


def test_a_board_draws_itself():
    board = board_of({"a": [1.0, 2.0, 1.5], "b": [2.0, 3.0, 2.5], "c": [3.0, 2.5, 4.0]})
    ax = board.plot()
    assert ax.get_xlabel().startswith("shd")
    assert board.plot("critical-difference", ax=plt.figure().add_subplot()).texts
    assert board.ranks().plot().lines
    with pytest.raises(InputError, match="kind"):
        board.plot("bars")
    with pytest.raises(InputError, match="no method has 'f1'"):
        board.plot(measure="f1")


def test_nothing_cannot_be_drawn():
    with pytest.raises(InputError, match="no names"):
        plot_intervals([], [], [])
    with pytest.raises(InputError, match="one name only"):
        plot_critical_difference(["a"], [1.0], 0.5)
