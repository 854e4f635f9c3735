"""Measures by frequency: the line is the measure, thick where the test says so."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.figure import Figure
from sklearn.exceptions import NotFittedError

from causalkit.discovery import SpectralGranger
from causalkit.errors import InputError, UnknownVariableError

RNG = np.random.default_rng(0)
DATA = RNG.normal(size=(400, 3))
for t in range(2, 400):
    DATA[t, 0] -= 0.8 * DATA[t - 2, 0]
    DATA[t, 1] += 0.5 * DATA[t - 1, 0]
FOUND = SpectralGranger(2, sampling_rate=10.0).fit(dict(zip("xyz", DATA.T, strict=True)))


def test_a_chosen_pair_is_drawn():
    ax = FOUND.plot(Figure().add_subplot(), pairs=[("x", "y")], linestyle="--")
    line, thick = ax.lines
    np.testing.assert_array_equal(line.get_xdata(), FOUND.frequencies_)
    np.testing.assert_array_equal(line.get_ydata(), FOUND.measures_[:, 0, 1])
    clear = FOUND.frequency_p_values_[:, 0, 1] <= FOUND.alpha
    assert clear.any()
    np.testing.assert_array_equal(np.isfinite(thick.get_ydata()), clear)
    assert line.get_linestyle() == "--"
    assert ax.get_title() == "x → y"
    assert ax.get_xlim() == (0.0, 5.0)
    assert ax.get_legend() is None


def test_the_largest_measures_are_drawn_if_no_pair_is_named():
    ax = FOUND.plot(Figure().add_subplot())
    names = [text.get_text() for text in ax.get_legend().get_texts()]
    totals = {
        f"{a} → {b}": FOUND.totals_[i, j]
        for i, a in enumerate("xyz")
        for j, b in enumerate("xyz")
        if i != j
    }
    assert names == sorted(totals, key=totals.__getitem__, reverse=True)[:4]
    two = SpectralGranger(1).fit(DATA[:, :2]).plot(Figure().add_subplot())
    assert len(two.get_legend().get_texts()) == 2


def test_surrogates_give_a_line_that_chance_hardly_exceeds():
    found = SpectralGranger(2, n_surrogates=19).fit(dict(zip("xyz", DATA.T, strict=True)))
    ax = found.plot(Figure().add_subplot(), pairs=[("x", "y"), ("y", "x")])
    heights = [ax.lines[k].get_ydata()[0] for k in (2, 5)]
    assert heights == [found.thresholds_[0, 1], found.thresholds_[1, 0]]


def test_a_new_figure_and_pairs_that_are_none():
    from matplotlib import pyplot as plt

    plt.close(FOUND.plot(pairs=[("x", "z")]).figure)
    with pytest.raises(InputError, match="is no pair of series"):
        FOUND.plot(Figure().add_subplot(), pairs=["x"])
    with pytest.raises(UnknownVariableError, match="'w'"):
        FOUND.plot(Figure().add_subplot(), pairs=[("x", "w")])
    with pytest.raises(NotFittedError):
        SpectralGranger(1).plot()
