"""Noise by level: bijective, mean zero at every level, and with the spread of its level."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from scipy.integrate import quad

from causalkit.errors import InputError
from causalkit.models.mechanisms.additive import Linear
from causalkit.models.mechanisms.base import Mechanism
from causalkit.models.mechanisms.levels import fit_level_noise

LINE = Linear(np.ones(1))


def skewed(n, seed, values=None):
    rng = np.random.default_rng(seed)
    x = rng.uniform(0, 4, n) if values is None else rng.choice(values, n)
    return x, (0.2 + x) * (rng.exponential(size=n) - 1)


@pytest.mark.parametrize("values", [None, [0.0, 1.0], [2.0]], ids=["many", "two", "one"])
def test_value_and_noise_undo_each_other(values):
    fitted = fit_level_noise(LINE, *skewed(3000, 0, values))
    assert isinstance(fitted, Mechanism)
    assert fitted.bijective
    rng = np.random.default_rng(1)
    causes = rng.uniform(-2, 6, size=(5000, 1))  # beyond all levels too
    noise = 3 * rng.normal(size=5000)  # and beyond all knots
    back = fitted.noise(causes, fitted.value(causes, noise), rng)
    np.testing.assert_allclose(back, noise, rtol=0, atol=1e-9)
    y = 20 * rng.normal(size=5000)
    np.testing.assert_allclose(
        fitted.value(causes, fitted.noise(causes, y, rng)), y, rtol=1e-12, atol=1e-9
    )


def test_curves_have_mean_zero_exactly():
    fitted = fit_level_noise(LINE, *skewed(2000, 2))
    for m in (0.0, 1.234, 9.0):

        def weighted(z, m=m):
            residual = fitted.value(np.array([[m]]), np.array([z]))[0] - m
            return residual * stats.norm.pdf(z)

        mean = sum(
            quad(weighted, a, b)[0]
            for a, b in zip([-12, *fitted.scores], [*fitted.scores, 12], strict=True)
        )
        assert mean == pytest.approx(0, abs=1e-9)


def test_residuals_have_the_law_of_their_level():
    x, residuals = skewed(20_000, 3)
    fitted = fit_level_noise(LINE, x, residuals)
    rng = np.random.default_rng(4)
    for at in (0.5, 2.0, 3.5):
        drawn = fitted.value(np.full((6000, 1), at), fitted.draw(6000, rng)) - at
        true = (0.2 + at) * (rng.exponential(size=6000) - 1)
        assert stats.ks_2samp(drawn, true).statistic < 0.05
        assert drawn.std() == pytest.approx(0.2 + at, rel=0.12)


def test_normal_residuals_stay_normal():
    rng = np.random.default_rng(5)
    fitted = fit_level_noise(LINE, rng.normal(size=8000), 2 * rng.normal(size=8000))
    causes = np.zeros((8000, 1))
    y = 2 * rng.normal(size=8000)
    noise = fitted.noise(causes, y, rng)
    assert stats.kstest(noise, "norm").statistic < 0.035
    expected = stats.norm(scale=2).logpdf(y)
    assert fitted.log_density(causes, y).mean() == pytest.approx(expected.mean(), abs=0.05)


def test_densities_integrate_to_one():
    fitted = fit_level_noise(LINE, *skewed(2000, 6))
    y = np.linspace(-60, 60, 400_001)
    density = np.exp(fitted.log_density(np.full((len(y), 1), 1.7), y))
    assert density.sum() * (y[1] - y[0]) == pytest.approx(1, abs=1e-3)


def test_few_fitted_values_keep_their_rows_apart():
    rng = np.random.default_rng(7)
    x = rng.choice([0.0, 1.0, 5.0], size=1500, p=[0.5, 0.495, 0.005])
    residuals = np.where(x == 0, 0.1, 2.0) * rng.normal(size=1500)
    fitted = fit_level_noise(LINE, x, residuals)
    np.testing.assert_array_equal(fitted.levels, [0, 1, 5])
    for at, sd in ((0.0, 0.1), (1.0, 2.0)):
        drawn = fitted.value(np.full((4000, 1), at), fitted.draw(4000, rng))
        assert drawn.std() == pytest.approx(sd, rel=0.1)


def test_residuals_that_repeat_still_give_a_curve_that_increases():
    rng = np.random.default_rng(8)
    residuals = np.where(rng.random(1000) < 0.7, 0.0, rng.normal(size=1000))
    fitted = fit_level_noise(LINE, rng.normal(size=1000), residuals)
    assert (np.diff(fitted.curves, axis=1) > 0).all()


def test_bad_input_is_refused():
    x, residuals = skewed(100, 9)
    for bad in (
        (x[:10], residuals[:10]),
        (x[:50], residuals),
        (x, np.zeros(100)),
        (x, np.where(x > 3, np.nan, residuals)),
    ):
        with pytest.raises(InputError, match="Use Additive"):
            fit_level_noise(LINE, *bad)
    with pytest.raises(InputError, match="n_nearest"):
        fit_level_noise(LINE, x, residuals, n_nearest=3)
