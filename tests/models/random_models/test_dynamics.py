"""Chaotic systems: right to the order of their scheme, and true to their graphs."""

from __future__ import annotations

import numpy as np
import pytest

from causalkit.errors import InputError, NumericalError
from causalkit.models.random_models._dynamics_kernels import run_logistic_maps, run_lorenz96
from causalkit.models.random_models.dynamics import (
    CoupledLogisticMaps,
    Lorenz96,
    random_logistic_maps,
)


def rate(x, forcing=10.0):
    return (np.roll(x, -1) - np.roll(x, 2)) * np.roll(x, 1) - x + forcing


def one_step(model, start):
    values = np.vstack([start, start])
    work = np.zeros((5, len(start)))
    run_lorenz96(
        values, np.zeros_like(values), model.forcing, model.dt, model.scheme == "rk4", work
    )
    return values[1]


@pytest.mark.parametrize(("scheme", "order"), [("euler", 1), ("rk4", 4)])
def test_a_step_is_right_to_its_order(scheme, order):
    """Halve dt and the error of a fixed time shrinks by two to the order; scipy is the truth."""
    from scipy.integrate import solve_ivp

    start = np.random.default_rng(0).normal(size=12) * 3
    span = 0.2
    true = solve_ivp(lambda _, x: rate(x), (0, span), start, rtol=1e-11, atol=1e-12).y[:, -1]
    errors = []
    for n in (40, 80):
        model, x = Lorenz96(12, dt=span / n, scheme=scheme), start
        for _ in range(n):
            x = one_step(model, x)
        errors.append(np.abs(x - true).max())
    assert np.log2(errors[0] / errors[1]) == pytest.approx(order, abs=0.35)


@pytest.mark.parametrize("scheme", ["euler", "rk4"])
def test_a_step_depends_on_what_the_step_graph_says(scheme):
    model = Lorenz96(16, scheme=scheme)
    start = np.random.default_rng(1).normal(size=16) * 3
    moved = np.zeros((16, 16), dtype=bool)
    for cause in range(16):
        pushed = start.copy()
        pushed[cause] += 1.0
        moved[cause] = one_step(model, pushed) != one_step(model, start)
    np.testing.assert_array_equal(moved, model.step_graph.directed[1])
    assert model.graph.directed[1].sum() == 4 * 16
    assert not (model.graph.directed[1] & ~model.step_graph.directed[1]).any()


def test_links_that_are_not_in_the_equation_are_weak():
    model = Lorenz96(16, dt=0.01)
    start = model.sample(2, rng=0).data.to_numpy()[-1]
    step = 1e-5
    slopes = np.array(
        [(one_step(model, start + step * e) - one_step(model, start)) / step for e in np.eye(16)]
    )
    linked = model.graph.directed[1]
    assert np.abs(slopes[~linked]).max() < 10 * np.abs(slopes[linked]).max() * 0.01


def test_it_is_chaotic_and_bounded():
    draw = Lorenz96(10, forcing=8.0).sample(10_000, rng=0)
    values = draw.data.to_numpy()
    assert np.abs(values).max() < 25
    # the mean and variance of the literature, forcing 8: 2.3 and 3.6 squared
    assert values.mean() == pytest.approx(2.3, abs=0.2)
    assert values.std() == pytest.approx(3.64, abs=0.2)
    assert Lorenz96(10, noise=1.0).sample(2000, rng=0).data.notna().all(axis=None)


def test_noise_enters_once_a_step():
    model = Lorenz96(8, dt=0.02, noise=0.5)
    values = model.sample(4000, rng=3, burn_in=0).data.to_numpy()
    left = values[1:] - np.array([one_step(model, x) for x in values[:-1]])
    assert left.std() == pytest.approx(0.5 * np.sqrt(0.02), rel=0.03)
    assert np.abs(np.corrcoef(left.T) - np.eye(8)).max() < 0.08


def test_a_scheme_that_runs_away_says_so():
    with pytest.raises(NumericalError, match="dt"):
        Lorenz96(10, dt=0.5, scheme="euler").sample(500, rng=0)


def test_maps_follow_their_formula_and_stay_within_bounds():
    model = random_logistic_maps(5, links=2.0, rng=0)
    values = model.sample(10_000, rng=1).data.to_numpy()
    assert values.min() >= 0
    assert values.max() <= 1
    past = values[:-1]
    expected = past * (model.rates * (1 - past) - past @ model.couplings)
    np.testing.assert_allclose(values[1:], np.abs(expected), atol=1e-12)
    noisy = CoupledLogisticMaps(model.rates, 3 * model.couplings, 0.5).sample(10_000, rng=0)
    assert noisy.data.to_numpy().min() >= 0
    assert noisy.data.to_numpy().max() <= 1


def test_maps_depend_on_what_the_graph_says():
    model = random_logistic_maps(6, links=1.5, rng=2)
    start = np.random.default_rng(0).uniform(0.3, 0.6, 6)

    def step(x):
        values = np.vstack([x, x])
        run_logistic_maps(values, np.zeros_like(values), model.rates, model.couplings)
        return values[1]

    moved = np.array([step(start + 0.01 * e) != step(start) for e in np.eye(6)])
    np.testing.assert_array_equal(moved, model.graph.directed[1])


def test_what_is_no_system_is_refused():
    with pytest.raises(InputError, match="n_series"):
        Lorenz96(3)
    with pytest.raises(InputError, match="noise"):
        Lorenz96(noise=-1.0)
    with pytest.raises(InputError, match="diagonal"):
        CoupledLogisticMaps(np.array([3.8]), np.ones((1, 1)))
    with pytest.raises(InputError, match="shape"):
        CoupledLogisticMaps(np.array([3.8]), np.zeros((2, 2)))
    with pytest.raises(InputError, match="rates"):
        CoupledLogisticMaps(np.array([4.8]), np.zeros((1, 1)))
