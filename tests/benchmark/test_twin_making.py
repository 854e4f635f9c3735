"""Halves of data: rows at random, series in a row; as far from the whole as they should be."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from causalkit.benchmark.twin_making import half_of


def test_a_half_is_as_the_data_came():
    rng = np.random.default_rng(0)
    values = np.arange(20.0).reshape(10, 2)
    frame = pd.DataFrame(values, columns=["a", "b"])
    for in_a_row in (False, True):
        kept = half_of(values, rng, in_a_row=in_a_row)[:, 0] // 2
        assert len(kept) == 5
        assert (np.diff(kept) > 0).all()
        assert not in_a_row or (np.diff(kept) == 1).all()
        assert isinstance(half_of(frame, rng, in_a_row=in_a_row), pd.DataFrame)
        columns = half_of(dict(frame), rng, in_a_row=in_a_row)
        assert {name: len(column) for name, column in columns.items()} == {"a": 5, "b": 5}


def test_a_half_varies_about_the_whole_as_the_whole_about_the_truth():
    rng = np.random.default_rng(1)
    x = rng.normal(size=(200, 1))
    means = [half_of(x, rng, in_a_row=False).mean() for _ in range(2000)]
    assert np.mean(means) == pytest.approx(x.mean(), abs=4 * np.std(means) / np.sqrt(2000))
    assert 0.9 < np.std(means) / (x.std() / np.sqrt(200)) < 1.1
