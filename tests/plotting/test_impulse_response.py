"""A response on axes: the curve, its interval inside its band, and words."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.figure import Figure

from causalkit.errors import InputError
from causalkit.estimation import ImpulseResponse
from causalkit.plotting.impulse_response import plot_impulse_response

RESPONSE = ImpulseResponse("X", "Y", "pulse", np.arange(4), np.arange(4.0), 0.04 * np.eye(4), 20.0)


def test_the_picture_shows_curve_interval_and_band():
    ax = RESPONSE.plot(Figure().add_subplot(), level=0.9)
    curve = ax.lines[-1]
    np.testing.assert_array_equal(curve.get_xydata(), np.column_stack([range(4), range(4)]))
    band, interval = (area.get_paths()[0].get_extents() for area in ax.collections)
    assert band.y0 == pytest.approx(RESPONSE.band(0.9)[0].min())
    assert interval.y1 == pytest.approx(RESPONSE.interval(0.9)[1].max())
    assert band.y0 < interval.y0 < interval.y1 < band.y1
    assert ax.get_ylabel() == "effect on Y"


def test_words_follow_the_kind():
    summed = plot_impulse_response(RESPONSE.cumulative(), Figure().add_subplot(), marker="s")
    assert summed.get_ylabel() == "summed effect on Y"
    assert summed.lines[-1].get_marker() == "s"
    with pytest.raises(InputError, match="level"):
        plot_impulse_response(RESPONSE, Figure().add_subplot(), level=2)


def test_a_figure_of_its_own_says_which_band_is_which():
    import matplotlib.pyplot as plt

    ax = RESPONSE.plot(level=0.9)
    said = [text.get_text() for text in ax.get_legend().get_texts()]
    assert said == ["90 % interval", "90 % band, all steps at once"]
    assert RESPONSE.plot(Figure().add_subplot()).get_legend() is None
    plt.close("all")
