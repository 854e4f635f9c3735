"""Dose-response curves: known curves, the definition of each part, double robustness, refusals."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.stats import gaussian_kde, norm
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures

from causalkit.errors import InputError, NuisanceWarning, NumericalError, OverlapWarning
from causalkit.estimation import Bootstrap
from causalkit.estimation.nuisances.boosting import BoostedRegressor
from causalkit.estimation.nuisances.gram_learners import GramOLS
from causalkit.estimation.nuisances.quality import unassessed
from causalkit.estimation.orthogonal._pseudo_outcomes import WithDose
from causalkit.estimation.orthogonal._smoothing import (
    KernelDensity,
    best_width,
    interpolation,
    local_fit,
)
from causalkit.estimation.orthogonal.dose_curve import DoseResponseCurve
from causalkit.estimation.orthogonal.dose_response import DoseResponse

CUBIC = make_pipeline(PolynomialFeatures(3), LinearRegression())
LINE = LinearRegression()


def waves(n, rng):
    """E[Y(a)] = sin a, confounded, the effect of the dose varies with x."""
    x = rng.normal(size=n)
    a = 0.5 * x + rng.normal(size=n)
    return x[:, None], a, np.sin(a) + 0.3 * a * x + x + rng.normal(size=n)


def hills(n, rng):
    """The same curve, but the dose depends on x².

    A linear model of the dose misses all of the confounding; one of the outcome none of the dose.
    """
    x = rng.normal(size=n)
    z = (x**2 - 1) / np.sqrt(2)
    a = 0.7 * z + rng.normal(size=n)
    return x[:, None], a, np.sin(a) + z + rng.normal(size=n)


def test_a_local_quadratic_reproduces_parabolas_and_is_least_squares(rng):
    a, w = rng.normal(size=200), rng.random(200)
    value, counts, residuals = local_fit(a, 1 + a - a**2, w, 0.3, 0.5)
    assert_allclose(value, 1 + 0.3 - 0.09, rtol=1e-9)
    assert_allclose(residuals, 0, atol=1e-8)
    assert_allclose((w * counts).sum(), 1)
    y = rng.normal(size=200)
    value, counts, residuals = local_fit(a, y, w, 0.3, 0.5)
    kernel = np.sqrt(w * np.exp(-0.5 * ((a - 0.3) / 0.5) ** 2))
    design = np.vander(a - 0.3, 3, increasing=True)
    expected = np.linalg.lstsq(kernel[:, None] * design, kernel * y, rcond=None)[0]
    assert_allclose([value, (w * counts) @ y], expected[0], rtol=1e-8)
    keep = np.arange(200) != 17
    without = np.linalg.lstsq(
        kernel[keep, None] * design[keep], kernel[keep] * y[keep], rcond=None
    )[0]
    assert_allclose(residuals[17], y[17] - design[17] @ without, rtol=1e-6)


def test_the_density_is_that_of_the_residuals(rng):
    residuals = rng.normal(size=5000)
    density = KernelDensity.of(residuals, np.ones(5000))
    at = np.linspace(-2, 2, 9)
    narrow = min(residuals.std(), np.subtract(*np.quantile(residuals, (0.75, 0.25))) / 1.349)
    width = 0.9 * narrow * 5000**-0.2
    assert_allclose(
        density.at(at), gaussian_kde(residuals, width / residuals.std(ddof=1))(at), rtol=1e-3
    )
    step = density.grid[1] - density.grid[0]
    assert_allclose(density.density.sum() * step, 1, atol=1e-6)
    assert density.at(np.array([50.0])) == 0
    half = np.where(residuals > 0, 1.0, 0.0)
    assert_allclose(
        KernelDensity.of(residuals, half).at(np.array([1.0])), 2 * norm.pdf(1), atol=0.05
    )
    with pytest.raises(NumericalError, match="without error"):
        KernelDensity.of(np.zeros(50), np.ones(50))


def test_the_width_follows_noise_and_curvature(rng):
    a = rng.uniform(-2, 2, size=4000)
    noise = rng.normal(size=4000)
    w, ends = np.ones(4000), (-2.0, 2.0)
    parabola = best_width(a, a**2 + noise, w, ends)
    # C (σ² (b − a) / Σ m″²)^(1/5) with σ² = 1, b − a = 4, m″ = 2.
    assert_allclose(parabola, 0.776 * (4 / (4 * 4000)) ** 0.2, rtol=0.03)
    assert best_width(a, a**2 + 4 * noise, w, ends) > 1.5 * parabola
    assert best_width(a, a + noise, w, ends) > 2 * parabola
    low, share = interpolation(np.array([0.0, 1.5, 9.0]), np.array([0.0, 1.0, 2.0]))
    assert_allclose(low + share, [0, 1.5, 2])


def test_the_curve_of_a_randomised_dose_is_a_local_regression(rng):
    a = rng.normal(size=400)
    y = a**2 + rng.normal(size=400)
    curve = (
        DoseResponse(CUBIC, doses=(-1, 0, 1), width=0.4, random_state=0).fit(None, y, t=a).effect_
    )
    # All densities are the marginal one, so the pseudo-outcome is y plus what interpolation leaves.
    plain = [local_fit(a, y, np.ones(400), dose, 0.4)[0] for dose in (-1, 0, 1)]
    assert_allclose(curve.values, plain, atol=0.03)


@pytest.mark.filterwarnings("ignore::causalkit.errors.NuisanceWarning")
@pytest.mark.parametrize(
    ("data", "outcome", "treatment"),
    [(waves, CUBIC, LINE), (waves, LINE, LINE), (hills, CUBIC, LINE)],
    ids=["both right", "outcome wrong", "treatment wrong"],
)
def test_either_learner_is_enough(rng, data, outcome, treatment):
    X, a, y = data(1500, rng)
    estimator = DoseResponse(
        outcome, treatment, doses=(-1.0, 0.0, 1.0), n_folds=2, random_state=0, max_weight=1e3
    )
    curve = estimator.fit(X, y, t=a).effect_
    assert isinstance(curve, DoseResponseCurve)
    errors = curve.values - np.sin([-1, 0, 1])
    assert (np.abs(errors) < 3.5 * curve.std_errors).all()
    naive = local_fit(a, y, np.ones(1500), 1.0, curve.width)[0]
    assert abs(naive - np.sin(1)) > 3 * curve.std_errors[2]
    assert max(curve.std_errors) < 0.15


def test_scatter_that_varies_is_learnt(rng):
    x = rng.normal(size=1500)
    a = x + np.exp(0.4 * x) * rng.normal(size=1500)
    y = np.sin(a) + x + rng.normal(size=1500)
    square = make_pipeline(PolynomialFeatures(2), LinearRegression())
    dose = DoseResponse(LINE, square, doses=(-0.5, 0.5), scatter="varying", random_state=0)
    with pytest.warns(NuisanceWarning, match="outcome"):  # a line where there is a wave
        curve = dose.fit(x[:, None], y, t=a).effect_
    assert "treatment" in repr(curve.average_slope.details["nuisances"])
    assert (np.abs(curve.values - np.sin([-0.5, 0.5])) < 4 * curve.std_errors).all()


def test_what_a_curve_tells(rng):
    X, a, y = waves(600, rng)
    groups = np.arange(600) // 2
    estimator = DoseResponse(CUBIC, LINE, n_folds=2, n_repeats=2, random_state=0)
    curve = estimator.fit(X, y, t=a, groups=groups).effect_
    assert len(curve) == 25
    assert_allclose(curve.doses[[0, -1]], np.quantile(a, [0.05, 0.95]))
    lower, upper = curve.band()
    assert (lower < [effect.interval().lower for effect in curve]).all()
    frame = curve.to_frame()
    assert list(frame.columns[-2:]) == ["band_lower", "band_upper"]
    assert_allclose(frame["band_upper"], upper)
    pair = curve.between(curve.doses[20], curve.doses[5])
    assert_allclose(pair.value, curve.values[20] - curve.values[5])
    assert len(curve.relative_to(curve.doses[3])) == 24
    assert pair.std_error < np.hypot(curve.std_errors[20], curve.std_errors[5]) * 1.2
    with pytest.raises(InputError, match="not computed at dose"):
        curve.between(0.12345, curve.doses[0])
    # E[cos A] for A of variance 5/4, and what a step of finite length takes off it.
    step = 0.2 * a.std()
    truth = np.exp(-5 / 8) * np.sin(step) / step
    assert abs(curve.average_slope.value - truth) < 4 * curve.average_slope.std_error
    assert "average slope" in repr(curve)
    assert "band from" in repr(curve)
    assert curve.plot().get_xlabel() == "t"


def test_one_dose_is_one_effect_and_refits_alike(rng):
    X, a, y = waves(300, rng)
    curve = DoseResponse(CUBIC, LINE, doses=[-0.5, 0.5], random_state=0).fit(X, y, t=a).effect_
    alone = curve[1].estimator.fit(X, y, t=a).effect_
    assert_allclose([alone.value, alone.std_error], [curve[1].value, curve[1].std_error])
    assert "Mean of y if t = 0.5" in repr(alone)
    weighted = DoseResponse(CUBIC, LINE, doses=0.5, width=0.5, random_state=0)
    twice = weighted.fit(X, y, t=a, sample_weight=np.full(300, 2.0)).effect_
    once = weighted.fit(X, y, t=a).effect_
    assert_allclose([twice.value, twice.std_error], [once.value, once.std_error])


def test_every_kind_of_learner_takes_doses_that_are_made_on_demand(rng):
    X, a, y = waves(300, rng)
    table = WithDose(0.5, X)
    assert table.shape == (300, 2)
    assert_allclose(np.asarray(table), np.column_stack([np.full(300, 0.5), X]))
    assert_allclose(table[a > 0][:, 0], 0.5)
    curves = {}
    for learner in (LINE, GramOLS(), BoostedRegressor()):
        estimator = DoseResponse(learner, LINE, doses=(-0.5, 0.5), n_folds=2, random_state=0)
        with unassessed():
            curves[type(learner)] = estimator.fit(X, y, t=a).effect_
    assert_allclose(curves[GramOLS].values, curves[LinearRegression].values, rtol=1e-6)
    for curve in curves.values():
        assert (np.abs(curve.values - np.sin([-0.5, 0.5])) < 5 * curve.std_errors).all()


def test_what_a_curve_cannot_answer_is_refused(rng):
    X, a, y = waves(200, rng)
    refused = [
        (DoseResponse(doses=(0.0, 99.0)), a, "doses among those that occur"),
        (DoseResponse(doses=("high",)), a, "finite number"),
        (DoseResponse(doses=()), a, "finite number"),
        (DoseResponse(width=0), a, "width"),
        (DoseResponse(step=-1), a, "step"),
        (DoseResponse(scatter="large"), a, "scatter"),
        (DoseResponse(inference=Bootstrap(10)), a, "Leave the bootstrap out"),
        (DoseResponse(), (a > 0).astype(float), r"PotentialOutcomes\(\)"),
    ]
    for estimator, treatment, message in refused:
        with pytest.raises(InputError, match=message):
            estimator.fit(X, y, t=treatment)
    with pytest.raises(NumericalError, match="too few different doses"):
        DoseResponse(CUBIC, LINE, doses=0.0, width=1e-4, random_state=0).fit(X, y, t=a)
    curve = DoseResponse(LINE, LINE, random_state=0)
    with pytest.raises(InputError, match="25 doses"):
        curve.solve(
            DoseResponse(CUBIC, LINE, doses=0.0, random_state=0).fit(X, y, t=a).effect_.problem
        )
    tied = X[:, 0] + 0.02 * rng.normal(size=200) * (np.arange(200) % 9 == 0)
    with pytest.warns(OverlapWarning, match="doses"):
        DoseResponse(LINE, LINE, doses=0.0, max_weight=2.0, random_state=0).fit(X, y, t=tied)
