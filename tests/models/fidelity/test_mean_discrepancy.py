"""The kernel mean discrepancy against its definition, and its p-value under the null."""

import numpy as np
import pytest

from causalkit.models.fidelity.mean_discrepancy import mean_discrepancy
from causalkit.models.fidelity.paired_samples import Windows


def as_windows(rows, per_block):
    return Windows(rows[:, None, :], np.arange(len(rows)) // per_block)


def test_it_is_the_unbiased_estimate_pair_by_pair():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(12, 2)), rng.normal(1.0, size=(9, 2))
    found = mean_discrepancy(as_windows(x, 3), as_windows(y, 3), n_permutations=1, rng=rng)
    rows = np.vstack([x, y])
    apart = [((a - b) ** 2).sum() for k, a in enumerate(rows) for b in rows[:k]]
    width = np.median(apart)

    def kernel(a, b):
        return np.exp(-((a - b) ** 2).sum() / width)

    def within(z):
        return np.mean([kernel(a, b) for i, a in enumerate(z) for j, b in enumerate(z) if i != j])

    across = np.mean([kernel(a, b) for a in x for b in y])
    assert found.value == pytest.approx(within(x) + within(y) - 2 * across)
    assert found.width == pytest.approx(np.sqrt(width))


def test_p_values_are_uniform_where_blocks_are_alike_and_small_where_not():
    rng = np.random.default_rng(1)

    def side(mean=0.0):  # rows of a block have a level in common
        level = np.repeat(rng.normal(mean, 1.0, size=(12, 2)), 4, axis=0)
        return as_windows(level + 0.3 * rng.normal(size=(48, 2)), 4)

    alike = [
        mean_discrepancy(side(), side(), n_permutations=99, rng=rng).p_value for _ in range(150)
    ]
    assert abs(np.mean(alike) - 0.5) < 4 * np.sqrt(1 / 12 / 150)
    assert np.mean(np.array(alike) <= 0.1) < 0.1 + 4 * np.sqrt(0.09 / 150)
    apart = [
        mean_discrepancy(side(), side(1.5), n_permutations=99, rng=rng).p_value for _ in range(10)
    ]
    assert max(apart) <= 0.1
