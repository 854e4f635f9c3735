"""Holes, counted by hand."""

import numpy as np
import pytest

from causalkit.models.fidelity.missingness import compare_missingness
from causalkit.models.fidelity.paired_samples import pair_samples

HOLE = np.nan


def test_rates_gaps_and_whole_rows_are_counted():
    real = {"a": [1.0, HOLE, HOLE, 4.0, HOLE, 6.0], "b": [1.0, 2.0, 3.0, HOLE, 5.0, 6.0]}
    synthetic = {"a": [1.0, HOLE, 3.0, 4.0], "b": [1.0, 2.0, 3.0, 4.0]}
    found = compare_missingness(pair_samples(real, synthetic), series=True)
    np.testing.assert_allclose(found.rates, [[0.5, 1 / 6], [0.25, 0.0]])
    np.testing.assert_allclose(found.gaps, [[1.5, 1.0], [1.0, HOLE]])
    assert found.whole == pytest.approx((2 / 6, 3 / 4))
    assert found.rate_error == pytest.approx((0.25 + 1 / 6) / 2)


def test_the_pattern_says_whether_variables_miss_together():
    rng = np.random.default_rng(0)
    values, holes = rng.normal(size=(4000, 2)), rng.random(size=(4000, 2)) < 0.2
    together, apart = values.copy(), values.copy()
    together[holes[:, :1].repeat(2, axis=1)] = HOLE
    apart[holes] = HOLE
    same = compare_missingness(pair_samples(together, together), series=False)
    assert same.pattern_error == 0.0
    other = compare_missingness(pair_samples(together, apart), series=False)
    assert other.pattern_error == pytest.approx(1.0, abs=0.06)


def test_whole_data_have_no_pattern():
    values = np.random.default_rng(0).normal(size=(20, 2))
    found = compare_missingness(pair_samples(values, values), series=True)
    assert not found.any
    assert np.isnan(found.pattern_error)
