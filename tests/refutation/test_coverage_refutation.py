"""Do intervals of bounds hold the bounds as often as they say?"""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from causalkit.refutation import marginal_sensitivity
from tests.refutation.designs import fitted, light_aipw

REPETITIONS = 500
"""Monte Carlo error of a coverage of 95 %: one point."""


@pytest.mark.slow
@pytest.mark.parametrize("outcome", ["numbers", "two values"])
def test_intervals_of_bounds_under_the_marginal_sensitivity_model_cover(outcome):
    """The sharp bounds at Γ = 2 are known: for normal noise everywhere, for two values by sums."""
    gamma, both, low, high = 2.0, 0, 0, 0
    grid = np.random.default_rng(99).normal(size=200_000)
    chance = 1 / (1 + np.exp(-0.6 * grid))
    if outcome == "numbers":
        half = (gamma - 1 / gamma) * stats.norm.pdf(stats.norm.ppf(gamma / (1 + gamma)))
        truth = 0.5 - half, 0.5 + half
    else:
        p0, p1 = (np.clip(0.4 + 0.1 * arm + 0.1 * grid, 0.05, 0.95) for arm in (0, 1))
        ends = []
        for up in (False, True):
            worst = {}
            for arm, p, upward in ((0, p0, not up), (1, p1, up)):
                worst[arm] = (
                    np.minimum(gamma * p, 1 - (1 - p) / gamma)
                    if upward
                    else np.maximum(p / gamma, 1 - gamma * (1 - p))
                )
            treated = chance * p1 + (1 - chance) * worst[1]
            ends.append(np.mean(treated - (1 - chance) * p0 - chance * worst[0]))
        truth = ends[0], ends[1]
    for seed in range(REPETITIONS):
        rng = np.random.default_rng(seed)
        x = rng.normal(size=(600, 1))
        t = (rng.random(600) < 1 / (1 + np.exp(-0.6 * x[:, 0]))).astype(float)
        if outcome == "numbers":
            y = 0.5 * t + 0.6 * x[:, 0] + rng.normal(size=600)
        else:
            p = np.clip(0.4 + 0.1 * t + 0.1 * x[:, 0], 0.05, 0.95)
            y = (rng.random(600) < p).astype(float)
        interval = marginal_sensitivity(fitted(light_aipw(), (x, y, t)), gamma=gamma).interval(2.0)
        low += interval.lower <= truth[0]
        high += truth[1] <= interval.upper
        both += interval.lower <= truth[0] and truth[1] <= interval.upper
    shares = np.array([low, high, both]) / REPETITIONS
    assert 0.955 <= shares[0] <= 0.995
    assert 0.955 <= shares[1] <= 0.995
    assert 0.92 <= shares[2] <= 0.99
