"""Counts: quantiles of Poisson and negative binomial laws, and noise that names them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from scipy.special import expit

from causalkit.errors import InputError
from causalkit.models.mechanisms.additive import Linear
from causalkit.models.mechanisms.base import Mechanism
from causalkit.models.mechanisms.counts import Count

LAWS = [(0.05, 0.0), (4.0, 0.0), (900.0, 0.0), (9000.0, 0.0), (3.0, 0.6), (2000.0, 0.01), (20, 5)]


def with_mean(mean, dispersion, **settings):
    return Count(Linear(np.zeros(0), float(np.log(mean))), dispersion, **settings)


def law_of(mean, a):
    return stats.nbinom(1 / a, 1 / (1 + a * mean)) if a else stats.poisson(mean)


@pytest.mark.parametrize(("mean", "dispersion"), LAWS)
def test_counts_are_quantiles_out_to_the_far_tails(mean, dispersion):
    count, law = with_mean(mean, dispersion), law_of(mean, dispersion)
    noise = np.linspace(-32, 32, 301) + 0.01
    expected = np.where(noise < 0, law.ppf(expit(noise)), law.isf(expit(-noise)))
    np.testing.assert_array_equal(count.value(np.empty((301, 0)), noise), expected)


@pytest.mark.parametrize(("mean", "dispersion"), LAWS)
def test_noise_gives_back_the_count_and_has_the_law_of_fresh_noise(mean, dispersion):
    count, rng = with_mean(mean, dispersion), np.random.default_rng(0)
    none = np.empty((3000, 0))
    y = count.value(none, count.draw(3000, rng))
    noise = count.noise(none, y, rng)
    np.testing.assert_array_equal(count.value(none, noise), y)
    assert stats.kstest(noise, stats.logistic.cdf).pvalue > 1e-4


@pytest.mark.parametrize("dispersion", [0.0, 0.5])
def test_probabilities_are_those_of_the_law(dispersion):
    count, y = with_mean(4.0, dispersion), np.arange(30.0)
    assert isinstance(count, Mechanism)
    np.testing.assert_allclose(
        count.log_probability(np.empty((30, 0)), y), law_of(4.0, dispersion).logpmf(y), rtol=1e-9
    )


def test_an_impossible_looking_count_comes_back_while_the_law_has_digits_for_it():
    count, rng = with_mean(4.0, 0.0), np.random.default_rng(1)
    y = np.array([60.0, 100.0, 0.0])
    noise = count.noise(np.empty((3, 0)), y, rng)
    np.testing.assert_array_equal(count.value(np.empty((3, 0)), noise), y)
    with pytest.raises(InputError, match="larger dispersion"):
        count.noise(np.empty((1, 0)), np.array([5000.0]), rng)


def test_more_of_a_cause_is_never_fewer_counts():
    rng = np.random.default_rng(2)
    count = Count(Linear(np.array([0.7])), 0.3)
    causes, noise = rng.normal(size=(3000, 1)), rng.logistic(size=3000)
    assert (count.value(causes + 1, noise) >= count.value(causes, noise)).all()


def test_no_mean_passes_the_ceiling_and_a_mean_of_nothing_is_nothing():
    count = with_mean(1e5, 0.0, ceiling=10.0)
    assert count.mean(np.empty((1, 0)))[0] == pytest.approx(10)
    drawn = Count(Linear(np.ones(1))).value(np.array([[-800.0], [np.nan]]), np.array([3.0, 0.0]))
    np.testing.assert_array_equal(drawn, [0.0, np.nan])


def test_what_is_no_count_is_refused():
    rng = np.random.default_rng(3)
    for bad in (-1.0, 0.5, np.nan):
        with pytest.raises(InputError, match="expected counts"):
            with_mean(1.0, 0.0).noise(np.empty((1, 0)), np.array([bad]), rng)
    for settings in ({"dispersion": -1.0}, {"ceiling": 1e9}, {"dispersion": np.nan}):
        with pytest.raises(InputError, match="ceiling above 0"):
            Count(Linear(np.zeros(0)), **settings)
