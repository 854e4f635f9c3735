"""Zero deletion: conditioning columns must be non-zero, the two that are tested need not be."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from causalkit._core.table import as_table
from causalkit.errors import CausalkitWarning, InputError, NumericalError
from causalkit.independence import BoundTest, DegenerateGaussian, FisherZ
from causalkit.independence.deletion import BoundOnTables
from causalkit.independence.missing import TestwiseDeletion
from causalkit.independence.zero_inflated import ZeroDeletion
from tests.oracles.independence import fisher_z


def dropped(rng, n=200, p=5, share=0.3, patterns=None):
    values = 5 + rng.normal(size=(n, p)) @ rng.normal(size=(p, p))
    zero = rng.random((n, p)) < share
    if patterns:
        zero = zero[rng.integers(patterns, size=n)]
    return np.where(zero, 0.0, values)


@pytest.mark.parametrize("patterns", [None, 4])
@pytest.mark.parametrize("seed", range(6))
def test_equals_fisher_z_on_rows_where_the_conditions_are_seen(seed, patterns):
    rng = np.random.default_rng(seed)
    values = dropped(rng, patterns=patterns)
    bound = ZeroDeletion().bind(as_table(values))
    for size in range(3):
        i, j, *rest = rng.permutation(5)[: size + 2].tolist()
        rows = (values[:, rest] != 0).all(axis=1)
        if rows.sum() < 10 or (values[rows][:, [i, j]].std(axis=0) == 0).any():
            continue
        result = bound(i, j, rest)
        z, p = fisher_z(values[rows], i, j, rest)
        assert result.n_used == rows.sum()
        assert result.statistic == pytest.approx(z, rel=1e-7, abs=1e-9)
        assert result.p_value == pytest.approx(p, rel=1e-6)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), order=st.integers(0, 3), alpha=st.sampled_from([0.05, 0.5]))
def test_a_search_finds_what_asking_one_by_one_finds(seed, order, alpha):
    rng = np.random.default_rng(seed)
    values = dropped(rng, n=40, p=6, share=0.5)
    values[rng.random(values.shape) < 0.05] = np.nan
    missing = np.isnan(values)
    table = as_table(values)
    slow = BoundOnTables(FisherZ(), table, missing, missing | (values == 0))
    with pytest.warns(CausalkitWarning):
        bound = ZeroDeletion().bind(table)
    i, j, *pool = rng.permutation(6).tolist()
    got = bound.first_separator(i, j, pool, order, alpha)
    expected = BoundTest.first_separator(slow, i, j, pool, order, alpha)
    assert (got.separated, got.n_tests, got.n_untestable, got.given) == (
        expected.separated, expected.n_tests, expected.n_untestable, expected.given,
    )  # fmt: skip


def test_without_zeros_it_is_fisher_z_and_with_holes_only_it_is_deletion():
    rng = np.random.default_rng(0)
    values = dropped(rng, share=0.0)
    one, plain = ZeroDeletion().bind(as_table(values)), FisherZ().bind(as_table(values))
    assert one(0, 1, [2, 3]).p_value == pytest.approx(plain(0, 1, [2, 3]).p_value, rel=1e-9)
    values[rng.random(values.shape) < 0.2] = np.nan
    one, other = (test.bind(as_table(values)) for test in (ZeroDeletion(), TestwiseDeletion()))
    assert one(0, 1, [2, 3]) == other(0, 1, [2, 3])


@pytest.mark.parametrize("mechanism", ["at random", "truncated", "logistic"])
def test_independence_given_a_damaged_column_is_found(mechanism):
    """x <- z -> y: given the copy of z, x and y are independent where it is not zero."""
    kept = plain = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        z = rng.normal(size=1500)
        x, y = z + rng.normal(size=(2, 1500))
        out = {
            "at random": rng.random(1500) < 0.5,
            "truncated": z < 0,
            "logistic": rng.random(1500) < 1 / (1 + np.exp(3 * z)),
        }[mechanism]
        data = {"x": x, "y": y, "z": np.where(out, 0.0, z + 6)}
        kept += ZeroDeletion().test(data, "x", "y", "z").p_value < 0.05
        plain += FisherZ().test(data, "x", "y", "z").p_value < 0.05
    assert plain >= 55
    assert kept / 60 <= 0.05 + 4 * np.sqrt(0.05 * 0.95 / 60)


def test_too_few_rows_are_untestable_not_independent():
    values = dropped(np.random.default_rng(0), share=0.0)
    values[3:, 2] = 0.0
    with pytest.warns(CausalkitWarning, match=r"non-zero in fewer than 30 rows: 'x2' \(3\)"):
        bound = ZeroDeletion().bind(as_table(values))
    with pytest.raises(NumericalError, match="fewer than 5 usable rows"):
        bound(0, 1, [2])
    search = bound.first_separator(0, 1, [2], 1, 0.05)
    assert (search.separated, search.n_tests, search.n_untestable) == (False, 0, 1)
    assert bound(0, 2).n_used == 200  # as one of the two it may be zero


def test_a_column_of_zeros_is_refused():
    values = dropped(np.random.default_rng(0))
    values[:, 1] = 0.0
    with pytest.raises(InputError, match="'x1' hold one value only"):
        ZeroDeletion().bind(as_table(values))


def test_counts_of_any_container():
    rng = np.random.default_rng(0)
    counts = rng.poisson(2, size=(300, 3))
    frame = pd.DataFrame(counts, columns=["a", "b", "c"])
    one = ZeroDeletion().test(frame, "a", "b", "c")
    assert one == ZeroDeletion().test(counts, "x0", "x1", "x2")
    assert one.n_used == (counts[:, 2] > 0).sum()


def test_the_first_level_of_a_category_is_no_zero():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"a": rng.normal(size=90), "b": rng.normal(size=90)})
    frame["site"] = pd.Categorical(np.repeat(["x", "y", "z"], 30))
    test = ZeroDeletion(DegenerateGaussian())
    assert test.test(frame, "a", "b", "site").n_used == 90
