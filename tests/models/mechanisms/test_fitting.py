"""Functions and mechanisms that are fitted: against definitions, peers and what made the data."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from scipy.interpolate import CubicSpline

from causalkit.errors import InputError
from causalkit.estimation.nuisances.boosting import BoostedRegressor
from causalkit.models.mechanisms.additive import Additive, Linear, LocationScale
from causalkit.models.mechanisms.fitting import FAMILIES, fit_mechanism
from causalkit.models.mechanisms.function_fitting import (
    fit_line,
    fit_log_scale,
    fit_spline,
    fit_trees,
)
from causalkit.models.mechanisms.functions import Bounded, Encoded, natural_basis
from causalkit.models.noise import Normal


@pytest.fixture
def rng():
    return np.random.default_rng(1)


# --- functions -----------------------------------------------------------------------------------


def test_the_basis_spans_all_natural_cubic_splines(rng):
    knots = np.sort(rng.normal(size=6))
    natural = CubicSpline(knots, rng.normal(size=6), bc_type="natural")
    x = np.linspace(knots[0], knots[-1], 101)
    design = np.column_stack([np.ones(101), x, natural_basis(x, knots)])
    found = np.linalg.lstsq(design, natural(x), rcond=None)[0]
    assert np.allclose(design @ found, natural(x), atol=1e-9)


def test_a_spline_is_a_line_beyond_its_knots(rng):
    x = rng.normal(size=(300, 1))
    curve, _ = fit_spline(x, np.sin(2 * x[:, 0]))
    far = np.array([[10.0], [11.0], [12.0], [-10.0], [-11.0], [-12.0]])
    steps = np.diff(curve(far).reshape(2, 3), n=2, axis=1)
    assert np.abs(steps).max() < 1e-9


@pytest.mark.parametrize("weighted", [False, True])
def test_a_line_is_least_squares(rng, weighted):
    x, y = rng.normal(size=(60, 3)), rng.normal(size=60)
    counts = rng.integers(1, 4, size=60) if weighted else np.ones(60, dtype=int)
    line, df = fit_line(x, y, counts.astype(float) if weighted else None)
    design = np.repeat(np.column_stack([np.ones(60), x]), counts, axis=0)
    found = np.linalg.lstsq(design, np.repeat(y, counts), rcond=None)[0]
    assert np.allclose([line.intercept, *line.slopes], found, atol=1e-12)
    assert df == 4


def test_a_cause_that_is_there_twice_or_constant_is_no_trouble(rng):
    x = rng.normal(size=(80, 1))
    y = 2 * x[:, 0] + 1
    for fit in (fit_line, fit_spline):
        function, _ = fit(np.hstack([x, x, np.full((80, 1), 3.0)]), y)
        assert np.allclose(function(np.hstack([x, x, np.full((80, 1), 3.0)])), y, atol=1e-8)


def test_a_spline_of_a_line_is_nearly_a_line(rng):
    used = []
    for _ in range(20):
        x = rng.normal(size=(300, 2))
        _, df = fit_spline(x, x @ [1.0, -1.0] + rng.normal(size=300))
        used.append(df)
    assert np.mean(used) < 3 + 3  # three of the line, of 18 curves that could be


def test_weights_of_a_spline_are_repeated_rows(rng):
    x, counts = rng.normal(size=(200, 2)), rng.integers(1, 4, size=200)
    y = np.sin(x[:, 0]) + 0.1 * rng.normal(size=200)
    weighted, _ = fit_spline(x, y, counts.astype(float))
    # The penalty is chosen by the number of rows, so the fits agree but for that.
    repeated, _ = fit_spline(np.repeat(x, counts, axis=0), np.repeat(y, counts))
    inner = np.abs(x).max(axis=1) < 1.5
    assert np.abs(weighted(x[inner]) - repeated(x[inner])).max() < 0.05


def test_trees_as_arrays_predict_what_the_learner_predicts(rng):
    x = rng.normal(size=(700, 3))
    y = np.sign(x[:, 0]) * x[:, 1] + x[:, 2] + 0.3 * rng.normal(size=700)
    stream, same = np.random.default_rng(5), np.random.default_rng(5)
    function = fit_trees(x, y, stream)
    line, _ = fit_line(x, y)
    learner = BoostedRegressor(start="mean", random_state=int(same.integers(2**31)))
    learner.fit(x, y - line(x))
    new = np.vstack([x, 3 * rng.normal(size=(300, 3))])
    assert np.allclose(function(new), line(new) + learner.predict(new), atol=1e-10)


def test_a_scale_is_found(rng):
    x = rng.uniform(-2, 2, size=(4000, 2))
    truth = 0.5 * x[:, 0] - 0.3 * x[:, 1] ** 2
    found = fit_log_scale(x, np.exp(truth) * rng.normal(size=4000))
    assert np.sqrt(np.mean((found(x) - truth) ** 2)) < 0.08
    assert isinstance(found, Bounded)
    assert found(np.array([[100.0, 0.0]]))[0] <= found.upper


def test_levels_as_indicators(rng):
    inner = Additive(Linear(np.array([2.0, 1.0, 5.0])), Normal())
    encoded = Encoded(inner, np.array([0, 3]))
    causes = np.array([[1.0, 0.0], [1.0, 1.0], [1.0, 2.0]])
    noise = encoded.draw(3, rng)
    assert np.array_equal(encoded.value(causes, noise) - noise, [2.0, 3.0, 7.0])
    assert np.allclose(encoded.noise(causes, encoded.value(causes, noise), rng), noise)


# --- mechanisms ----------------------------------------------------------------------------------


def _rows(what, n, rng):
    x, e = rng.normal(size=(n, 3)), rng.normal(size=n)
    made = {
        "line": x[:, 0] + 0.5 * x[:, 1] + e,
        "nothing": e,
        "curve": np.sin(2 * x[:, 0]) + x[:, 1] + 0.5 * e,
        "interaction": np.sign(x[:, 0] * x[:, 1]) + 0.5 * e,
        "scale": x[:, 0] + np.exp(0.6 * x[:, 1]) * e,
    }
    return x, made[what]


@pytest.mark.parametrize(
    ("what", "family"),
    [
        ("line", "linear"),
        ("nothing", "linear"),
        ("curve", "spline"),
        ("interaction", "boosting"),
        ("scale", "location-scale (linear)"),
    ],
)
def test_the_family_that_made_the_rows_is_chosen(what, family):
    chosen = Counter()
    for seed in range(3):
        rng = np.random.default_rng(seed)
        x, y = _rows(what, 400, rng)
        chosen[fit_mechanism(x, y, noise="normal", rng=rng).family] += 1
    assert chosen[family] >= 2


@pytest.mark.slow
@pytest.mark.parametrize("n", [200, 2000])
def test_a_line_is_kept_nearly_always(n):
    kept = 0
    for seed in range(100):
        rng = np.random.default_rng(seed)
        x, y = _rows("line", n, rng)
        kept += fit_mechanism(x, y, noise="normal", rng=rng).family == "linear"
    assert kept >= 88


@pytest.mark.parametrize("family", [family for family in FAMILIES if family != "auto"])
def test_value_and_noise_invert_each_other(family, rng):
    x, y = _rows("scale", 300, rng)
    mechanism = fit_mechanism(x, y, family=family, rng=rng).mechanism
    assert mechanism.bijective
    noise = mechanism.draw(300, rng)
    assert np.allclose(mechanism.noise(x, mechanism.value(x, noise), rng), noise, atol=1e-9)
    assert np.allclose(mechanism.value(x, mechanism.noise(x, y, rng)), y, atol=1e-9)


def test_the_variance_of_the_noise_is_not_shrunk_by_the_fit():
    variances = []
    for seed in range(100):
        rng = np.random.default_rng(seed)
        x = rng.normal(size=(30, 8))
        y = x.sum(axis=1) + rng.normal(size=30)
        found = fit_mechanism(x, y, family="linear", noise="normal", rng=rng).mechanism
        variances.append(found.noise_model.variance)
    error = np.std(variances) / 10
    assert abs(np.mean(variances) - 1) < 4 * error


def test_the_scale_weighs_the_rows_of_the_mean():
    slopes, plain = [], []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        x = rng.normal(size=(200, 1))
        y = x[:, 0] + np.exp(x[:, 0]) * rng.normal(size=200)
        line = fit_mechanism(x, y, family="linear", noise="normal", rng=rng).mechanism
        found = fit_mechanism(x, y, family="location-scale", noise="normal", rng=rng).mechanism
        assert isinstance(found, LocationScale)
        grid = np.array([[-1.0], [0.0]])
        slopes.append(np.diff(found.mean(grid))[0])
        plain.append(np.diff(line.mean(grid))[0])
    assert np.std(slopes) < 0.9 * np.std(plain)


def test_categories_among_causes_are_indicators(rng):
    level = rng.integers(3, size=400).astype(float)
    x = np.column_stack([rng.normal(size=400), level])
    y = x[:, 0] + np.array([0.0, 5.0, -3.0])[level.astype(int)] + 0.1 * rng.normal(size=400)
    found = fit_mechanism(x, y, n_levels=(0, 3), rng=rng)
    assert found.family == "linear"
    means = found.mechanism.value(np.column_stack([np.zeros(3), np.arange(3.0)]), np.zeros(3))
    assert np.allclose(means, [0, 5, -3], atol=0.05)


def test_folds_that_are_given_are_used(rng):
    x, y = _rows("curve", 300, rng)
    blocks = np.arange(300) // 60
    one = fit_mechanism(x, y, folds=blocks, noise="normal", rng=np.random.default_rng(0))
    other = fit_mechanism(x, y, folds=blocks + 7, noise="normal", rng=np.random.default_rng(0))
    assert one.losses == other.losses


def test_what_cannot_be_fitted_is_refused(rng):
    with pytest.raises(InputError, match="expected one of"):
        fit_mechanism(np.zeros((9, 1)), np.zeros(9), family="cubic", rng=rng)
    with pytest.raises(InputError, match="at least 3"):
        fit_mechanism(np.zeros((2, 1)), np.zeros(2), rng=rng)


def test_a_constant_target_has_no_noise(rng):
    found = fit_mechanism(rng.normal(size=(50, 2)), np.full(50, 7.0), rng=rng).mechanism
    assert np.array_equal(found.value(rng.normal(size=(4, 2)), found.draw(4, rng)), np.full(4, 7.0))
