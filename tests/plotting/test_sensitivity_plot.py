"""Pictures of hidden causes: what is said in words, and where the answer changes."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from causalkit.plotting.falsification import plot_falsification
from causalkit.plotting.link_over_time import plot_link_over_time
from causalkit.plotting.sensitivity import plot_hidden_bias, plot_odds_bounds
from causalkit.refutation.hidden_bias import Benchmark, HiddenBias

ORANGE = "#d55e00"


def texts(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def test_the_line_of_no_effect_stands_out_and_shares_are_percent():
    bias = HiddenBias.from_regression(1.0, 0.1, df=100, benchmarks=[Benchmark("a$ge", 0.3, 0.2)])
    ax = plot_hidden_bias(bias, Figure().add_subplot())
    assert ORANGE in {to_hex(c) for lines in ax.collections for c in lines.get_edgecolor()}
    assert any(text.get_text() == "a$ge" for text in ax.texts)
    assert ax.xaxis.get_major_formatter()(0.05, 0) == "5 %"


def test_bounds_say_where_zero_enters():
    import pandas as pd

    frame = pd.DataFrame(
        {"from": [1.0, -1.0], "lower": [2.0, -0.5], "upper": [3.0, 5.0], "to": [4.0, 6.0]},
        index=[1.0, 2.0],
    )
    found = SimpleNamespace(
        to_frame=lambda _: frame, breakdown=lambda level=None: 1.8 if level is None else 1.5
    )
    ax = plot_odds_bounds(found, Figure().add_subplot())
    assert texts(ax) == [
        "95 % interval",
        "bounds",
        "0 enters the interval at Γ = 1.5",
        "0 enters the bounds at Γ = 1.8",
    ]


def test_the_graph_among_the_others():
    found = SimpleNamespace(baseline=np.linspace(0.2, 1, 50), share_violated=0.1)
    ax = plot_falsification(found, Figure().add_subplot())
    assert texts(ax) == ["with other names on its nodes", "the graph"]
    assert ax.lines[0].get_xdata() == pytest.approx([0.1, 0.1])


def test_full_and_empty_dots_are_explained():
    link = SimpleNamespace(
        pair=("X[t-1]", "Y[t]"),
        times=np.arange(3),
        edges=("->", "none", "->"),
        strengths=np.array([0.3, 0.1, 0.4]),
    )
    ax = plot_link_over_time(link, Figure().add_subplot())
    assert texts(ax) == ["joined", "not joined"]
    assert [len(dots.get_offsets()) for dots in ax.collections] == [2, 1]
