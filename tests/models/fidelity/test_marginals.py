"""Distances of single distributions, beside scipy and by hand."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from causalkit.models.fidelity.marginals import (
    compare_marginals,
    largest_gap,
    wasserstein_distance,
)
from causalkit.models.fidelity.paired_samples import pair_samples


@pytest.mark.parametrize("seed", range(5))
def test_distances_are_those_of_scipy(seed):
    rng = np.random.default_rng(seed)
    real = rng.normal(size=rng.integers(5, 60)).round(1)
    other = rng.gamma(2.0, size=rng.integers(5, 60)).round(1)
    assert largest_gap(real, other) == pytest.approx(stats.ks_2samp(real, other).statistic)
    expected = stats.wasserstein_distance(real, other)
    assert wasserstein_distance(real, other) == pytest.approx(expected)


def test_units_are_those_of_the_real_variable():
    real = np.array([0.0, 2.0, 0.0, 2.0])
    found = compare_marginals(pair_samples({"x": real}, {"x": 3 * real + 1}))
    assert found.shift.tolist() == [3.0]
    assert found.sd_ratio.tolist() == [3.0]
    assert found.wasserstein.tolist() == [3.0]
    assert found.distance.tolist() == [0.5]


def test_categories_are_compared_by_total_variation():
    real = {"k": pd.Categorical(list("aaab"))}
    found = compare_marginals(pair_samples(real, {"k": pd.Categorical(list("abbc"))}))
    assert found.distance.tolist() == [0.5]
    assert np.isnan(found.wasserstein).all()


def test_a_constant_and_a_column_without_values():
    real = {"c": np.full(9, 7.0), "e": np.full(9, np.nan)}
    found = compare_marginals(pair_samples(real, {"c": np.full(5, 7.0), "e": np.arange(5.0)}))
    assert found.distance[0] == 0.0
    assert np.isnan(found.sd_ratio).all()
    assert np.isnan(found.distance[1])
