"""Noise from residuals: means, moments, likelihoods, and the right kind."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from scipy.integrate import trapezoid

from causalkit.errors import InputError
from causalkit.models.mechanisms.noise_fitting import fit_noise, log_density, rule_of_thumb
from causalkit.models.noise import Empirical, Laplace, Mixture, Normal, Smoothed, Student, Uniform

KINDS = ("auto", "empirical", "smoothed", "normal", "student", "mixture")


def two_humps(n, rng):
    return np.where(rng.random(n) < 0.3, rng.normal(3, 0.5, n), rng.normal(-1, 1, n))


@pytest.mark.parametrize("kind", KINDS)
def test_noise_has_mean_zero_and_the_variance_of_the_residuals(kind):
    rng = np.random.default_rng(1)
    residuals = 5 + 2 * rng.normal(size=800)
    noise = fit_noise(residuals, kind)
    drawn = noise.draw(60_000, rng)
    assert abs(drawn.mean()) < 4 * drawn.std() / np.sqrt(len(drawn))
    assert noise.variance == pytest.approx(residuals.var(), rel=0.03)
    assert drawn.var() == pytest.approx(noise.variance, rel=0.05)


@pytest.mark.parametrize(
    ("draw", "expected"),
    [
        (lambda n, rng: rng.normal(size=n), Smoothed),
        (lambda n, rng: rng.standard_t(2.5, size=n), Student),
        (two_humps, Mixture),
        (lambda n, rng: rng.uniform(size=n), Smoothed),
    ],
    ids=["normal", "heavy", "humps", "uniform"],
)
def test_a_formula_has_to_earn_its_place(draw, expected):
    assert isinstance(fit_noise(draw(3000, np.random.default_rng(3))), expected)


def test_student_is_the_maximum_of_the_likelihood():
    residuals = np.random.default_rng(3).standard_t(4, size=1500) * 2
    noise = fit_noise(residuals, "student")
    df, _, scale = stats.t.fit(residuals - residuals.mean(), floc=0)
    assert noise.df == pytest.approx(df, rel=2e-3)
    assert noise.scale == pytest.approx(scale, rel=2e-3)


def test_a_mixture_finds_its_parts_and_beats_scikit_learn_by_none():
    from sklearn.mixture import GaussianMixture

    residuals = two_humps(3000, np.random.default_rng(4))
    noise = fit_noise(residuals, "mixture")
    assert len(noise.shares) == 2
    assert noise.shares @ noise.means == pytest.approx(0, abs=1e-12)
    peer = GaussianMixture(2, random_state=0, n_init=3, tol=1e-8, max_iter=500)
    centred = (residuals - residuals.mean())[:, None]
    assert log_density(noise, centred[:, 0]).mean() > peer.fit(centred).score(centred) - 1e-4


@pytest.mark.parametrize(
    "noise",
    [
        Normal(2.0),
        Laplace(0.7),
        Uniform(1.3),
        Student(5.0, 0.6),
        Mixture(np.array([0.4, 0.6]), np.array([-0.6, 0.4]), np.array([0.3, 1.0])),
        Smoothed(np.array([-1.0, -0.5, 1.5]), 0.3),
    ],
    ids=lambda noise: type(noise).__name__,
)
def test_densities_integrate_to_one_and_to_the_variance(noise):
    x = np.linspace(-60, 60, 400_001)
    density = np.exp(log_density(noise, x))
    assert trapezoid(density, x) == pytest.approx(1, abs=1e-4)
    assert trapezoid(density * x, x) == pytest.approx(0, abs=1e-4)
    assert trapezoid(density * x**2, x) == pytest.approx(noise.variance, rel=3e-3)


def test_the_bandwidth_is_silvermans_and_survives_equal_residuals():
    x = np.random.default_rng(5).normal(size=500)
    q = np.subtract(*np.quantile(x, (0.75, 0.25)))
    assert rule_of_thumb(x) == pytest.approx(0.9 * min(x.std(), q / 1.349) * 500**-0.2)
    mostly_zero = np.r_[np.zeros(90), x[:10]]
    assert rule_of_thumb(mostly_zero) == pytest.approx(0.9 * mostly_zero.std() * 100**-0.2)


def test_smoothed_noise_repeats_nothing():
    noise = fit_noise(np.arange(50.0), "smoothed")
    assert len(np.unique(noise.draw(2000, np.random.default_rng(6)))) == 2000


def test_odd_residuals():
    assert fit_noise(np.full(20, 3.3)) == Normal(0.0)
    assert isinstance(fit_noise([1.0, 2.0, 4.0]), Smoothed)
    for bad in ([], [1.0, np.nan], [[1.0, 2.0]], [np.inf, 0.0]):
        with pytest.raises(InputError, match="expected finite numbers"):
            fit_noise(bad)
    with pytest.raises(InputError, match="kind"):
        fit_noise([1.0, 2.0], "cauchy")
    for without in (Empirical(np.array([-1.0, 1.0])), Normal(0.0)):
        with pytest.raises(InputError, match="no density"):
            log_density(without, [0.0])
