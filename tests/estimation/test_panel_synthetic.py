"""Synthetic control and synthetic differences in differences: optimal weights, Proposition 99."""

from __future__ import annotations

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy.optimize import minimize
from sklearn.base import clone

from causalkit.errors import AssumptionWarning, InputError
from causalkit.estimation.panel.fixed_effects import FixedEffects
from causalkit.estimation.panel.simplex import simplex_least_squares
from causalkit.estimation.panel.synthetic import SyntheticControl, SyntheticDiD
from causalkit.estimation.panel.synthetic_weights import (
    Block,
    Weights,
    control_weights,
    difference_weights,
)
from tests.estimation.panel_designs import factors, long
from tests.estimation.test_panel_regression import fit, some

CIGARETTES = Path(__file__).parents[3] / "shared/data/california_prop99/california_prop99.csv"


@pytest.mark.parametrize(("n", "k", "ridge"), [(19, 38, 0.0), (19, 38, 5.0), (5, 60, 0.1)])
def test_simplex_weights_are_optimal(rng, n, k, ridge):
    """At the optimum no weight can move to another column and gain (Kuhn & Tucker)."""
    A = 100 + 10 * rng.normal(size=(n, 3)) @ rng.normal(size=(3, k)) + rng.normal(size=(n, k))
    b = 100 + 10 * rng.normal(size=n)
    w = simplex_least_squares(A, b, ridge=ridge)
    assert_allclose(w.sum(), 1)
    assert (w >= 0).all()
    gradient = A.T @ (A @ w - b) + ridge * w
    slack = gradient - w @ gradient
    assert slack.min() > -1e-6 * np.abs(gradient).max()
    assert_allclose(slack[w > 0], 0, atol=1e-6 * np.abs(gradient).max())


def test_simplex_weights_are_those_of_a_general_solver(rng):
    A, b = rng.normal(size=(12, 5)), rng.normal(size=12)
    found = minimize(
        lambda w: ((A @ w - b) ** 2).sum() + 0.3 * (w**2).sum(),
        np.full(5, 0.2),
        bounds=[(0, 1)] * 5,
        constraints={"type": "eq", "fun": lambda w: w.sum() - 1},
        options={"ftol": 1e-14, "maxiter": 500},
    )
    assert_allclose(simplex_least_squares(A, b, ridge=0.3), found.x, atol=1e-5)


def test_simplex_weights_of_equal_columns_are_shared():
    assert_allclose(simplex_least_squares(np.ones((4, 3)), np.zeros(4)).sum(), 1)


@pytest.fixture(scope="module")
def cigarettes():
    if not CIGARETTES.exists():
        pytest.skip("the table of Proposition 99 is not here")
    table = pd.read_csv(CIGARETTES)
    return {
        "X": None,
        "y": table["PacksPerCapita"],
        "t": table["treated"],
        "unit": table["State"],
        "time": table["Year"],
    }


def test_proposition_99(cigarettes):
    """Arkhangelsky et al. (2021), table 1: DiD -27.3, SC -19.6, SDID -15.6."""
    with pytest.warns(AssumptionWarning, match=r"rests on 1\.1 clusters"):
        did = fit(FixedEffects(effects="both"), cigarettes)
    assert_allclose(did.value, -27.349, atol=0.001)
    control = SyntheticControl()
    effect = fit(control, cigarettes)
    assert_allclose(effect.value, -19.6, atol=0.15)
    # Abadie, Diamond & Hainmueller (2010), table 2: Utah, Nevada, Montana, Connecticut, Colorado.
    heavy = set(control.weights_.to_frame()["unit"].head(6))
    assert heavy >= {"Utah", "Nevada", "Montana", "Connecticut", "Colorado"}
    model = SyntheticDiD()
    effect = fit(model, cigarettes)
    assert_allclose(effect.value, -15.604, atol=0.01)
    # 8.4 there, of 200 random placebos; here each of the 38 controls once.
    assert 7.5 < effect.std_error < 10
    weights = model.weights_
    assert_allclose(weights.weights.periods[-3:], [0.366, 0.206, 0.427], atol=0.002)
    assert_allclose(weights.to_frame()["weight"].head(3), [0.124, 0.105, 0.078], atol=0.002)
    assert weights.placebo_p_value() == 1 / 39


def test_even_weights_are_differences_in_differences(rng):
    data = factors(20, 12, rng, n_treated=6)
    wide = data["y"].reshape(20, 12)
    block = Block(wide[:14], wide[14:], 7)
    even = Weights(np.full(14, 1 / 14), np.full(7, 1 / 7))
    assert_allclose(even.effect(block), fit(FixedEffects(effects="both"), data).value)


def test_double_weights_are_weighted_regression(rng):
    """Arkhangelsky et al. (2021), equation 1: the coefficient of weighted two-way least squares."""
    data = factors(20, 12, rng, n_treated=6)
    model = SyntheticDiD(std_error="jackknife")
    effect = fit(model, data)
    found = model.weights_.weights
    of_unit = np.concatenate([found.units, np.full(6, 1 / 6)])
    of_time = np.concatenate([found.periods, np.full(5, 1 / 5)])
    weights = of_unit[data["unit"]] * of_time[data["time"]]
    regression = fit(FixedEffects(effects="both"), data, sample_weight=weights)
    assert_allclose(effect.value, regression.value, rtol=1e-8)


def test_a_constant_distance_is_no_matter_to_double_weights(rng):
    data = factors(15, 20, rng, noise=0.1)
    far = {**data, "y": data["y"] + 50.0 * (data["unit"] == 14)}
    assert_allclose(fit(SyntheticDiD(), far).value, fit(SyntheticDiD(), data).value, atol=1e-6)
    with pytest.warns(AssumptionWarning, match="misses the treated"):
        fit(SyntheticControl(), far)


def test_placebos_are_the_same_estimator_on_controls(rng):
    data = factors(8, 10, rng)
    for estimator, weigh in (
        (SyntheticControl(), control_weights),
        (SyntheticDiD(), difference_weights),
    ):
        wide = data["y"].reshape(8, 10)[:7]
        blocks = [Block(np.delete(wide, k, axis=0), wide[[k]], 5) for k in range(7)]
        values = [weigh(block).effect(block) for block in blocks]
        assert_allclose(fit(estimator, data).std_error, np.std(values), rtol=1e-10)
        assert estimator.weights_.placebo_p_value() in np.arange(1, 9) / 8


def test_several_treated_units(rng):
    data = factors(20, 12, rng, n_treated=4)
    model = SyntheticDiD(n_placebos=20, random_state=1)
    one = fit(model, data)
    assert fit(clone(model), data).std_error == one.std_error
    assert fit(clone(model).set_params(random_state=2), data).std_error != one.std_error
    again = one.estimator.solve(one.problem)
    assert (again.value, again.std_error) == (one.value, one.std_error)
    shuffled = some(data, rng.permutation(240))
    assert_allclose(fit(clone(model), shuffled).value, one.value)
    labels = np.array([f"u{u:02d}" for u in data["unit"]])
    assert_allclose(fit(clone(model), data, unit=labels).value, one.value)


def test_conformal_intervals_invert_the_permutation_test(rng):
    data = factors(12, 30, rng, n_after=3, noise=0.3)
    model = SyntheticControl()
    fit(model, data)
    study = model.weights_
    narrow, wide = study.conformal_interval(0.8), study.conformal_interval(0.95)
    assert wide.lower <= narrow.lower <= narrow.upper <= wide.upper
    assert np.isfinite(narrow.width)
    assert study.conformal_interval(0.99).width == np.inf
    double = SyntheticDiD()
    fit(double, data)
    with pytest.raises(InputError, match="for synthetic control"):
        double.weights_.conformal_interval()


def test_weights_are_shown_and_drawn(rng):
    data = factors(10, 12, rng)
    model = SyntheticDiD()
    fit(model, data)
    assert "Periods before that count" in repr(model.weights_)
    assert_allclose(model.weights_.to_frame()["weight"].sum(), 1)
    ax = model.weights_.plot()
    treated, stand_in = (line.get_ydata() for line in ax.get_lines()[:2])
    assert_allclose(treated - stand_in, model.weights_.gap)
    plt.close(ax.figure)
    fit(model, data, time=np.array([f"p{k:02d}" for k in data["time"]]))
    ax = model.weights_.plot()
    assert ax.get_xticklabels()[0].get_text() == "p00"
    plt.close(ax.figure)


@pytest.mark.parametrize("estimator", [SyntheticControl(), SyntheticDiD()])
def test_what_they_refuse(rng, estimator):
    data = factors(10, 12, rng)
    unit, time = data["unit"], data["time"]
    with pytest.raises(InputError, match="takes every unit as one"):
        fit(estimator, data, X=rng.normal(size=(120, 1)))
    with pytest.raises(InputError, match="sample weights and clusters"):
        fit(estimator, data, sample_weight=np.ones(120), groups=unit)
    with pytest.raises(InputError, match="needs a binary one"):
        fit(estimator, data, t=rng.normal(size=120))
    with pytest.raises(InputError, match=r"Use GroupTimeEffects\(\)"):
        fit(estimator, data, t=((unit > 7) & (time > unit)).astype(float))
    with pytest.raises(InputError, match="one period before treatment"):
        fit(estimator, data, t=((unit == 9) & (time > 0)).astype(float))
    with pytest.raises(InputError, match="every unit in every period"):
        fit(estimator, some(data, np.arange(120) != 5))
    with pytest.raises(InputError, match="repeat the unit and period"):
        fit(estimator, some(data, np.r_[np.arange(120), 5]))
    with pytest.raises(InputError, match="one untreated unit"):
        fit(estimator, data, t=((unit > 0) & (time > 6)).astype(float))
    with pytest.raises(InputError, match="at least two more controls"):
        fit(estimator, data, t=((unit > 4) & (time > 6)).astype(float))
    with pytest.raises(InputError, match="n_placebos"):
        fit(clone(estimator).set_params(n_placebos=0), data)


def test_what_the_jackknife_refuses(rng):
    data = factors(10, 12, rng)
    with pytest.raises(InputError, match="std_error='placebo'"):
        fit(SyntheticDiD(std_error="jackknife"), data)
    with pytest.raises(InputError, match="std_error="):
        fit(SyntheticDiD(std_error="bootstrap"), data)
    several = SyntheticDiD(std_error="jackknife")
    fit(several, factors(10, 12, rng, n_treated=3))
    with pytest.raises(InputError, match="no placebos"):
        several.weights_.placebo_p_value()


def test_the_jackknife_leaves_out_one_unit(rng):
    data = factors(12, 10, rng, n_treated=3)
    model = SyntheticDiD(std_error="jackknife")
    effect = fit(model, data)
    wide, found = data["y"].reshape(12, 10), model.weights_.weights
    unit, _ = long(12, 1)
    values = []
    for left in unit:
        omega = np.concatenate([found.units, np.full(3, 1 / 3)])
        omega[left] = 0
        omega[:9] /= omega[:9].sum()
        omega[9:] /= omega[9:].sum()
        change = wide[:, 5:].mean(axis=1) - wide[:, :5] @ found.periods
        values.append(omega[9:] @ change[9:] - omega[:9] @ change[:9])
    squares = ((np.array(values) - effect.value) ** 2).sum()
    assert_allclose(effect.std_error, np.sqrt(11 / 12 * squares), rtol=1e-10)
