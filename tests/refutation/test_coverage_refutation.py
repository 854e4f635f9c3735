"""Do intervals of bounds hold the bounds as often as they say?"""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from sklearn.linear_model import LinearRegression, LogisticRegression

from causalkit.estimation.nuisances.quality import unassessed
from causalkit.estimation.orthogonal.instrumented import PLIV
from causalkit.estimation.orthogonal.potential_outcomes import PotentialOutcomes
from causalkit.graph import random_dag
from causalkit.refutation import (
    falsify_graph,
    marginal_sensitivity,
    rosenbaum_bounds,
    sensitivity,
)
from causalkit.refutation.omitted_variable import joint_strength
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
        with unassessed():
            effect = fitted(light_aipw(), (x, y, t))
        interval = marginal_sensitivity(effect, gamma=gamma).interval(2.0)
        low += interval.lower <= truth[0]
        high += truth[1] <= interval.upper
        both += interval.lower <= truth[0] and truth[1] <= interval.upper
    shares = np.array([low, high, both]) / REPETITIONS
    assert 0.955 <= shares[0] <= 0.995
    assert 0.955 <= shares[1] <= 0.995
    assert 0.92 <= shares[2] <= 0.99


SHARES = 0.1, 0.1


def by_instrument(rng, n=500):
    """Reduced form of a linear design, and its bound from the variances that it was made with."""
    x, hidden, left = rng.normal(size=(3, n))
    z = 0.5 * x + left
    t = z + hidden + rng.normal(size=n)
    y = 0.5 * t + x + 2 * hidden + rng.normal(size=n)
    line = LinearRegression()
    effect = PLIV(line, line, line, n_folds=3, random_state=0).fit(x[:, None], y, t=t, z=z).effect_
    return effect, 0.5, np.sqrt(2.5**2 + 0.5**2 + 1)


def logistic_design(rng, n=500):
    x = rng.normal(size=(n, 1))
    t = (rng.random(n) < 1 / (1 + np.exp(-0.6 * x[:, 0]))).astype(float)
    return x, 0.5 * t + 0.6 * x[:, 0] + rng.normal(size=n), t


CHANCE = 1 / (1 + np.exp(-0.6 * np.random.default_rng(98).normal(size=400_000)))


def overlap_weighted(rng):
    effect = fitted(light_aipw(target="ATO"), logistic_design(rng))
    return effect, 0.5, np.sqrt(1 / np.mean(CHANCE * (1 - CHANCE)))


def mean_outcome(rng):
    x, y, t = logistic_design(rng)
    means = PotentialOutcomes(
        LinearRegression(), LogisticRegression(), level=1, n_folds=3, random_state=0
    )
    return means.fit(x, y, t=t).effect_, 0.5, np.sqrt(np.mean(CHANCE) * np.mean(1 / CHANCE))


@pytest.mark.slow
@pytest.mark.parametrize("design", [by_instrument, overlap_weighted, mean_outcome])
def test_intervals_of_omitted_variable_bounds_cover(design):
    covered = 0
    for seed in range(REPETITIONS):
        with unassessed():
            effect, value, scale = design(np.random.default_rng(seed))
        truth = value - joint_strength(*SHARES) * scale
        covered += truth in sensitivity(effect, benchmarks=()).interval(*SHARES)
    assert 0.92 <= covered / REPETITIONS <= 0.97


@pytest.mark.slow
@pytest.mark.parametrize("statistic", ["signed rank", "sign"])
def test_intervals_of_matched_pairs_cover(statistic):
    """Exact tests of few pairs reject less often than they might, so that intervals are wide."""
    covered = 0
    for seed in range(2 * REPETITIONS):
        d = 0.5 + np.random.default_rng(seed).standard_t(4, size=40)
        covered += 0.5 in rosenbaum_bounds(d, statistic=statistic).interval(1.0)
    assert 0.93 <= covered / (2 * REPETITIONS) <= 0.985


@pytest.mark.slow
def test_graphs_drawn_at_random_rarely_pass():
    """A graph that has nothing to do with the data is one of the relabelled graphs."""
    p_values = []
    for seed in range(REPETITIONS):
        rng = np.random.default_rng(seed)
        truth = random_dag(7, expected_degree=2, rng=rng)
        columns = {}
        for k in truth.order:
            name = truth.nodes[k]
            parents = sorted(truth.parents(name))
            columns[name] = sum((columns[parent] for parent in parents), rng.normal(size=200))
        names = dict(zip(truth.nodes, rng.permutation(truth.nodes), strict=True))
        data = {str(names[name]): column for name, column in columns.items()}
        p_values.append(falsify_graph(truth, data, n_permutations=50, random_state=rng).p_value)
    assert np.mean(np.array(p_values) <= 0.05) <= 0.07
