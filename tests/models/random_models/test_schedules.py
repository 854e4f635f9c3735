"""Schedules and calendars: labels, shares and waves as they are defined."""

from __future__ import annotations

import numpy as np
import pytest

from causalkit.errors import InputError
from causalkit.models.random_models.calendar import Season, Trend
from causalkit.models.random_models.schedules import ChangePoints, MarkovRegimes, random_drift
from causalkit.models.random_models.series import random_series

RNG = np.random.default_rng


def test_change_points_are_where_they_are_told():
    schedule = ChangePoints((0.25, 0.6))
    labels = schedule.labels(100, RNG(0), before=7)
    assert schedule.n_regimes == 3
    np.testing.assert_array_equal(labels, np.repeat([0, 1, 2], [7 + 25, 35, 40]))


def test_a_chain_has_its_transitions_and_its_shares():
    matrix = np.array([[0.9, 0.1, 0.0], [0.0, 0.8, 0.2], [0.3, 0.2, 0.5]])
    schedule = MarkovRegimes(matrix)
    np.testing.assert_allclose(schedule.shares @ matrix, schedule.shares, atol=1e-12)
    labels = schedule.labels(60_000, RNG(1))
    pairs = np.zeros((3, 3))
    np.add.at(pairs, (labels[:-1], labels[1:]), 1)
    np.testing.assert_allclose(pairs / pairs.sum(axis=1, keepdims=True), matrix, atol=0.015)
    np.testing.assert_allclose(np.bincount(labels) / len(labels), schedule.shares, atol=0.02)


def test_waves_and_lines():
    steps = np.arange(-5, 24)
    np.testing.assert_allclose(
        Season("day", 12.0, shift=3.0).values(steps, 24), np.sin(2 * np.pi * (steps + 3) / 12)
    )
    line = Trend("trend").values(steps, 24)
    assert line[:6].tolist() == [-1.0] * 6
    np.testing.assert_allclose(np.diff(line[5:]), 2 / 23)
    assert line[-1] == 1.0


@pytest.mark.parametrize("periods", [0.3, 1.0, 6.0])
def test_drift_never_leaves_its_bounds(periods):
    drift = random_drift([True, False, True], periods=periods, depth=0.8, level=1.0, rng=RNG(0))
    curves = drift.curves(np.linspace(0, 1, 20_011))
    assert np.abs(curves).max() <= 1.0 + 1e-9
    assert not curves[:, 1].any()
    assert np.ptp(curves[:, [0, 2]], axis=0).min() > 0.3


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: ChangePoints((0.5, 0.5)),
        lambda: ChangePoints((1.2,)),
        lambda: MarkovRegimes(np.ones((2, 2))),
        lambda: MarkovRegimes(np.ones((1, 2))),
        lambda: MarkovRegimes.lasting(1, 10),
        lambda: MarkovRegimes.lasting(2, 0.5),
        lambda: Season("day", 0.0),
        lambda: random_series("regimes", n_regimes=1),
        lambda: random_series("regimes", what=()),
        lambda: random_series("linear", strength=(0.0, 0.5)),
        lambda: random_series("linear", links=-1.0),
        lambda: random_series("linear", shape="cubic"),
    ],
)
def test_what_makes_no_sense_is_refused(wrong):
    with pytest.raises(InputError):
        wrong()
