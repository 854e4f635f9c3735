"""Windows and blocks, held against their definitions."""

import numpy as np
import pandas as pd
import pytest

from causalkit.errors import InputError
from causalkit.models.fidelity.paired_samples import (
    block_length,
    halved,
    memory,
    pair_samples,
    windows_of,
)

from .processes import autoregression


def test_a_window_is_whole_and_within_one_run_and_one_block():
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=(23, 2)), rng.normal(size=(19, 2))
    first[7, 1] = np.nan
    pair = pair_samples([first, second], first[:5])
    found = windows_of(pair.real, 3, 10)
    rows = np.vstack([first, second])
    mean, scale = np.nanmean(rows, axis=0), np.nanstd(rows, axis=0)
    expected, blocks = [], []
    for start in range(len(rows) - 2):
        at = np.arange(start, start + 3)
        crosses = start < 23 <= at[-1]
        if not crosses and start // 10 == at[-1] // 10 and not np.isnan(rows[at]).any():
            expected.append((rows[at] - mean) / scale)
            blocks.append(at[-1] // 10)
    np.testing.assert_allclose(found.values, expected)
    assert found.block.tolist() == np.unique(blocks, return_inverse=True)[1].tolist()


def test_categories_mean_the_same_on_both_sides():
    real = pd.DataFrame({"k": pd.Categorical(["b", "c", "b"]), "x": [1.0, 2.0, 3.0]})
    synthetic = pd.DataFrame({"x": [2.0, 2.0], "k": pd.Categorical(["c", "a"])})
    pair = pair_samples(real, synthetic)
    assert pair.levels == (("b", "c", "a"), None)
    assert pair.owner.tolist() == [0, 0, 0, 1]
    assert pair.synthetic.cells[:, 0].tolist() == [1.0, 2.0]
    assert pair.synthetic.coded[:, :3].tolist() == [[0, 1, 0], [0, 0, 1]]


def test_halves_are_alternate_blocks_and_nothing_reaches_across():
    values = np.arange(20.0)[:, None]
    pair = halved(pair_samples(values, values), 5)
    assert pair.real.cells[:, 0].tolist() == [*range(5), *range(10, 15)]
    assert pair.synthetic.cells[:, 0].tolist() == [*range(5, 10), *range(15, 20)]
    assert len(windows_of(pair.real, 3, 100).block) == 6


@pytest.mark.parametrize("weight", [0.0, 0.5, 0.8])
def test_memory_is_the_integrated_autocorrelation_time(weight):
    rng = np.random.default_rng(3)
    values = autoregression(20_000, np.array([[weight]]), rng)
    found = memory(pair_samples(values, values).real)
    assert found == pytest.approx((1 + weight) / (1 - weight), rel=0.15)


def test_blocks_are_long_beside_the_memory_as_far_as_the_rows_allow():
    rng = np.random.default_rng(0)
    short = autoregression(4000, np.array([[0.1]]), rng)
    slow = autoregression(4000, np.array([[0.95]]), rng)
    pair = pair_samples(short, short)
    assert block_length(pair, pair.real, 8) == 100
    pair = pair_samples(slow, slow)
    assert block_length(pair, pair.real, 8) >= 100
    assert block_length(pair, pair.real, 8) == min(int(3 * memory(pair.real)), 250)


def test_columns_that_differ_are_named():
    with pytest.raises(InputError, match=r"lack the columns \['b'\] and have \['c'\]"):
        pair_samples({"a": [1.0], "b": [2.0]}, {"a": [1.0], "c": [2.0]})
    with pytest.raises(InputError, match="numbers in one of the data sets and categories"):
        pair_samples({"a": pd.Categorical(["u", "v"])}, {"a": [1.0, 2.0]})
