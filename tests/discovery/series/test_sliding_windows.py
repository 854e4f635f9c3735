"""Windows of time: each has the graph of its own steps, and shares are counted over them."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

from causalkit.discovery.constraint.pc import PC
from causalkit.discovery.series.changing.sliding_windows import SlidingWindows
from causalkit.discovery.series.granger.granger import Granger
from causalkit.discovery.series.momentary.pcmci import PCMCI
from causalkit.discovery.series.momentary.pcmci_plus import PCMCIPlus
from causalkit.errors import InputError, NumericalError, ResamplingWarning, UnknownVariableError
from causalkit.graph import LaggedGraph
from causalkit.models.structural_var import random_svar
from tests.oracles.resampling import shares

mpl.use("Agg")

MODEL = random_svar(3, max_lag=2, rng=3)
DATA = pd.DataFrame(MODEL.sample(500, rng=1))


def test_each_window_has_the_graph_of_its_own_steps():
    found = SlidingWindows(PCMCIPlus(max_lag=2), window=150, step=100).fit(DATA)
    assert found.starts_.tolist() == [0, 100, 200, 300]
    for start, graph, fitted in zip(found.starts_, found.graphs_, found.algorithms_, strict=True):
        on = (np.arange(500) >= start) & (np.arange(500) < start + 150)
        masked = PCMCIPlus(max_lag=2, mask="on").fit(DATA.assign(on=on))
        assert graph == masked.graph_
        assert np.array_equal(fitted.strengths_, masked.strengths_, equal_nan=True)
    assert found.n_features_in_ == 3
    assert found.frequencies_.n_replicates == 4
    for a in ("x0[t-1]", "x1[t-2]", "x2[t]"):
        for b in ("x0[t]", "x1[t]"):
            if a != b:
                counted = {s: v for s, v in found.frequencies_.of(a, b).items() if v}
                assert counted == pytest.approx(shares(found.graphs_, a, b))


def test_links_are_followed_over_time():
    found = SlidingWindows(PCMCIPlus(max_lag=2), window=150, step=100).fit(DATA)
    link = found.over_time("x1[t-1]", "x1[t]")
    assert link.edges == ("->",) * 4
    expected = [fitted.strengths_[1, 1, 1] for fitted in found.algorithms_]
    assert link.strengths.tolist() == expected
    assert link.p_values.tolist() == [fitted.p_values_[1, 1, 1] for fitted in found.algorithms_]
    assert found.over_time("x1[t-3]", "x1[t-2]").edges == link.edges
    assert link.to_frame()["begins"].tolist() == [0, 100, 200, 300]
    assert "in 4 of 4 windows" in str(link)
    axes = link.plot()
    assert axes.get_title() == "x1[t-1] to x1[t]"
    assert axes.lines[1].get_ydata().tolist() == expected
    mpl.pyplot.close("all")


def test_windows_of_dates_begin_with_a_date():
    dated = DATA.set_index(pd.date_range("2001-01-01", periods=500, freq="D"))
    link = SlidingWindows(Granger(2), window=150, step=100).fit(dated).over_time("x0[t-1]", "x1")
    assert "2001-04-11" in str(link)
    assert "00:00" not in str(link)


def test_a_link_that_ends_is_seen_to_end():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(1200, 2))
    for t in range(1, 1200):
        x[t, 1] += 0.6 * x[t - 1, 0] * (t < 600)
    found = SlidingWindows(PCMCI(min_lag=1, alpha=0.001), window=200).fit(x)
    link = found.over_time("x0[t-1]", "x1")
    ends = found.starts_ + 200
    inside = [edge for edge, end in zip(link.edges, ends, strict=True) if end <= 600]
    outside = [edge for edge, begin in zip(link.edges, found.starts_, strict=True) if begin >= 600]
    assert set(inside) == {"->"}
    assert set(outside) == {"none"}


def test_the_windows_are_summed_up_whatever_the_order_of_columns():
    one = SlidingWindows(PCMCIPlus(max_lag=2), window=120, n_jobs=2).fit(DATA)
    order = ["x2", "x0", "x1"]
    other = SlidingWindows(PCMCIPlus(max_lag=2), window=120).fit(DATA[order] * [1e-5, 7, -1e4])
    assert isinstance(one.graph_, LaggedGraph)
    assert other.graph_ == one.graph_
    assert other.graphs_ == one.graphs_
    assert other.graph_.variables == tuple(order)
    place = [2, 0, 1]
    adjacent = one.frequencies_.by_lag("adjacent")[:, place][:, :, place]
    assert np.allclose(other.frequencies_.by_lag("adjacent"), adjacent)
    plain = DATA.iloc[:, :2].to_numpy()
    assert SlidingWindows(Granger(), window=100).fit(plain).graph_.variables == ("x0", "x1")


def test_windows_begin_at_stamps():
    days = pd.date_range("2024-01-01", periods=500, freq="D").delete(slice(90, 95))
    dated = DATA.iloc[:495].set_axis(days)
    found = SlidingWindows(PCMCI(max_lag=2), window=100, step=100).fit(dated)
    assert found.times_.tolist() == days[::100][:4].to_numpy().tolist()
    column = dated.rename_axis("when").reset_index()
    again = SlidingWindows(PCMCI(max_lag=2, time="when"), window=100, step=100).fit(column)
    assert again.graphs_ == found.graphs_
    assert np.array_equal(again.times_, found.times_)


def test_subjects_share_their_windows():
    parts = [DATA[:250].reset_index(drop=True), DATA[250:].reset_index(drop=True)]
    found = SlidingWindows(PCMCI(max_lag=2), window=100, step=75).fit(parts)
    assert found.starts_.tolist() == [0, 75, 150]
    on = np.tile((np.arange(250) >= 75) & (np.arange(250) < 175), 2)
    frame = pd.concat(parts).assign(on=on, who=np.repeat([1, 2], 250))
    masked = PCMCI(max_lag=2, panel="who", mask="on").fit(frame)
    assert found.graphs_[1] == masked.graph_


def test_a_window_that_fails_counts_in_no_share():
    data = DATA.copy()
    data.loc[0:110, "x0"] = 1.0
    with pytest.warns(ResamplingWarning, match="1 of 5 replicates failed.*constant"):
        found = SlidingWindows(PCMCI(max_lag=2), window=100, step=100).fit(data)
    assert found.graphs_[0] is None
    assert "constant" in found.failures_[0]
    assert found.frequencies_.n_replicates == 4
    link = found.over_time("x0[t-1]", "x1")
    assert link.edges[0] == "failed"
    assert np.isnan(link.strengths[0])
    with pytest.raises(NumericalError, match=r"PCMCI failed in all 5 windows.*constant.*longer"):
        SlidingWindows(PCMCI(max_lag=2), window=100, step=100).fit(data.assign(x0=1.0))


@pytest.mark.parametrize(
    ("algorithm", "settings_", "message"),
    [
        (PCMCI(), {"window": 0}, "window=0"),
        (PCMCI(), {"window": 501}, "window=501 and the series have 500 steps"),
        (PCMCI(), {"window": 50, "step": 0}, "step=0"),
        (PCMCI(), {"window": 50, "threshold": 2}, "threshold=2"),
        (PC(), {"window": 50}, "algorithm='PC'; expected one that learns a graph of series"),
        (PCMCI, {"window": 50}, "with parentheses"),
    ],
)
def test_settings_that_do_not_fit_are_refused(algorithm, settings_, message):
    with pytest.raises(InputError, match=message):
        SlidingWindows(algorithm, **settings_).fit(DATA)


def test_links_that_cannot_be_are_refused():
    found = SlidingWindows(PCMCI(max_lag=2), window=250).fit(DATA)
    with pytest.raises(UnknownVariableError, match="'z'"):
        found.over_time("z", "x0")
    with pytest.raises(InputError, match="3 steps apart"):
        found.over_time("x1[t-3]", "x0")
    with pytest.raises(InputError, match="expected two nodes"):
        found.over_time("x0", "x0[t]")
