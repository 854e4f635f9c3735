"""Numbers with few values: chances, noise and cut points, against closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from causalkit.errors import InputError
from causalkit.models.mechanisms import Additive, Linear, Ordinal
from causalkit.models.mechanisms.level_values import CutAtLevels, OnValues, matched_cuts
from causalkit.models.noise import Normal

VALUES = np.array([8.0, 12.0, 16.0])
CUT = CutAtLevels(Additive(Linear(np.ones(1)), Normal()), np.array([-0.5, 1.0]), VALUES)
ORDERED = OnValues(Ordinal(Linear(np.ones(1)), np.array([-0.5, 1.0])), VALUES)


@pytest.mark.parametrize("mechanism", [CUT, ORDERED])
def test_noise_gives_the_value_back_and_follows_its_own_law(mechanism):
    rng = np.random.default_rng(0)
    causes = rng.normal(size=(4000, 1))
    drawn = mechanism.draw(4000, rng)
    value = mechanism.value(causes, drawn)
    assert set(np.unique(value)) == set(VALUES)
    noise = mechanism.noise(causes, value, rng)
    np.testing.assert_array_equal(mechanism.value(causes, noise), value)
    quantiles = np.linspace(0.05, 0.95, 25)
    gap = np.quantile(noise, quantiles) - np.quantile(drawn, quantiles)
    assert np.abs(gap).max() < 0.2


def test_noise_of_values_that_are_next_to_impossible():
    causes = np.full((3, 1), 40.0)  # a mean of 40, and the values below the cuts at -0.5 and 1
    value = np.array([8.0, 12.0, 16.0])
    noise = CUT.noise(causes, value, np.random.default_rng(0))
    np.testing.assert_array_equal(CUT.value(causes, noise), value)


def test_chances_are_those_of_the_normal_law():
    causes = np.linspace(-1.5, 1.5, 30)[:, None]
    for k, (low, high) in enumerate([(-np.inf, -0.5), (-0.5, 1.0), (1.0, np.inf)]):
        exact = norm.cdf(high - causes[:, 0]) - norm.cdf(low - causes[:, 0])
        value = np.full(30, VALUES[k])
        found = np.exp(CUT.log_probability(causes, value, np.random.default_rng(1)))
        error = np.sqrt(exact * (1 - exact) / 20_000)
        assert (np.abs(found - exact) < 4.5 * error + 1e-4).all()


def test_chances_of_level_codes_are_those_of_the_values():
    causes = np.linspace(-2, 2, 9)[:, None]
    chances = [np.exp(ORDERED.log_probability(causes, np.full(9, value))) for value in VALUES]
    np.testing.assert_allclose(sum(chances), 1.0)
    inner = ORDERED.mechanism.log_probability(causes, np.full(9, 2.0))
    np.testing.assert_allclose(np.log(chances[2]), inner)


def test_matched_cuts_give_each_value_its_share():
    rng = np.random.default_rng(0)
    y = rng.choice(VALUES, size=1000, p=[0.1, 0.7, 0.2])
    latent = rng.normal(size=5000)
    drawn = VALUES[np.searchsorted(matched_cuts(latent, y, VALUES), latent)]
    for value in VALUES:
        assert (drawn == value).mean() == pytest.approx((y == value).mean(), abs=1e-3)


@pytest.mark.parametrize("mechanism", [CUT, ORDERED])
def test_a_value_that_was_never_seen_is_refused(mechanism):
    with pytest.raises(InputError, match="such as 9, are none of the 3 values"):
        mechanism.noise(np.zeros((1, 1)), np.array([9.0]), np.random.default_rng(0))
