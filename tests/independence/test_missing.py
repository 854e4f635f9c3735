"""Test-wise deletion: Fisher's z, or any test, on the rows complete in its own columns."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from causalkit._core.table import as_table
from causalkit.errors import CausalkitWarning, InputError, NumericalError
from causalkit.graph import CausalGraph
from causalkit.independence import BoundTest, FisherZ, Oracle
from causalkit.independence.deletion import BoundOnRows, BoundOnTables, Groups
from causalkit.independence.missing import TestwiseDeletion
from tests.oracles import missing as oracles


def holey(rng, n=80, p=6, share=0.2, n_patterns=None):
    """Dependent columns with missing cells, in any pattern or in a few."""
    values = rng.normal(size=(n, p)) @ rng.normal(size=(p, p)) + rng.normal(size=(n, p))
    mask = rng.random((n, p)) < share
    if n_patterns:
        mask = mask[rng.integers(n_patterns, size=n)]
    values[mask] = np.nan
    return values


def bind(test, values):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CausalkitWarning)
        return test.bind(as_table(values))


def slow_version(values):
    """The generic path: a table of its own for each set of columns."""
    table = as_table(values)
    missing = table.missing
    return BoundOnTables(FisherZ(), table, missing, missing)


# --- the rows that count ------------------------------------------------------------------------


@pytest.mark.parametrize("n_patterns", [None, 4])
@pytest.mark.parametrize("seed", range(10))
def test_equals_fisher_z_on_the_complete_rows(seed, n_patterns):
    rng = np.random.default_rng(seed)
    values = holey(rng, p=12, n_patterns=n_patterns)
    fast, slow = bind(TestwiseDeletion(), values), slow_version(values)
    assert bool(len(fast.groups.grams)) == (n_patterns is not None)
    for size in range(5):
        i, j, *others = rng.permutation(12).tolist()
        if (~np.isnan(values[:, [i, j, *others[:size]]])).all(axis=1).sum() <= size + 3:
            continue
        z, p, n = oracles.on_complete_rows(values, i, j, others[:size])
        for bound in (fast, slow):
            result = bound(i, j, others[:size])
            assert result.n_used == n
            assert result.statistic == pytest.approx(z, rel=1e-7, abs=1e-9)
            assert result.p_value == pytest.approx(p, rel=1e-6, abs=1e-300)


@settings(max_examples=80, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    n_patterns=st.sampled_from([None, 3]),
    order=st.integers(0, 3),
    alpha=st.sampled_from([0.01, 0.2, 0.9]),
    share=st.sampled_from([0.1, 0.4]),
)
def test_a_search_finds_what_asking_one_by_one_finds(seed, n_patterns, order, alpha, share):
    rng = np.random.default_rng(seed)
    values = holey(rng, n=30, share=share, n_patterns=n_patterns)
    values[:, 5] = np.round(values[:, 5] / 8)  # often constant on what is left
    try:
        bound = bind(TestwiseDeletion(), values)
    except InputError:
        return
    i, j, *pool = rng.permutation(6).tolist()
    asked = pool[:2] if seed % 2 else ()
    got = bound.first_separator(i, j, pool, order, alpha, asked=asked)
    expected = BoundTest.first_separator(
        slow_version(values), i, j, pool, order, alpha, asked=asked
    )
    assert (got.separated, got.n_tests) == (expected.separated, expected.n_tests)
    assert got.n_untestable == expected.n_untestable
    assert (got.result is None) == (expected.result is None)
    if got.result is not None:
        assert got.given == expected.given
        assert got.result.n_used == expected.result.n_used
        assert got.result.p_value == pytest.approx(expected.result.p_value, rel=1e-6)


def test_without_missing_cells_it_is_fisher_z():
    rng = np.random.default_rng(0)
    values = holey(rng, share=0.0)
    ours, plain = bind(TestwiseDeletion(), values), FisherZ().bind(as_table(values))
    for size in range(5):
        result, expected = ours(0, 1, range(2, 2 + size)), plain(0, 1, range(2, 2 + size))
        assert result.p_value == pytest.approx(expected.p_value, rel=1e-9)
        assert result.n_used == 80


def test_groups_of_rows_and_single_rows_agree():
    values = holey(np.random.default_rng(3), n=400, n_patterns=5)
    missing = np.isnan(values)
    joined = BoundOnRows(Groups.of(values, missing, missing))
    single = BoundOnRows(Groups.of(values, missing, missing, joined=False))
    assert len(joined.groups.counts) <= 5
    assert len(single.groups.counts) == 400
    for size in range(4):
        one, other = joined(0, 1, range(2, 2 + size)), single(0, 1, range(2, 2 + size))
        assert one.n_used == other.n_used
        assert one.statistic == pytest.approx(other.statistic, rel=1e-9)


def test_many_columns_take_several_words():
    rng = np.random.default_rng(1)
    values = rng.normal(size=(60, 140))
    values[rng.random(values.shape) < 0.1] = np.nan
    bound = bind(TestwiseDeletion(), values)
    for i, j, k in [(0, 139, 70), (63, 64, 65), (127, 128, 1)]:
        _, p, n = oracles.on_complete_rows(values, i, j, [k])
        result = bound(i, j, [k])
        assert result.n_used == n
        assert result.p_value == pytest.approx(p, rel=1e-8)


def test_any_test_can_be_wrapped():
    graph = CausalGraph.parse("a -> b -> c; a -> d")
    data = {name: [0.0, 1.0, 2.0, np.nan, 1.0, 0.5] for name in graph.nodes}
    with pytest.warns(CausalkitWarning, match="fewer than"):
        test = TestwiseDeletion(Oracle(graph)).test(data, "a", "c", given="b")
    assert test.p_value == 1.0


def test_sub_tables_are_few_and_kept():
    bound = slow_version(holey(np.random.default_rng(2), n=60, p=9))
    for k in range(2, 9):
        for i, j in ((0, 1), (1, k), (k, 0)):
            bound(i, j, [{0, 1, k}.difference((i, j)).pop()])
    assert len(bound._bound) == 7  # three questions share the rows of {0, 1, k}
    for k in range(40):
        bound(k % 9, (k + 1 + k // 9) % 9)
    assert len(bound._bound) <= 32


# --- hostile tables ------------------------------------------------------------------------------


def frame_with(column, n=100):
    rng = np.random.default_rng(0)
    return pd.DataFrame({"x": rng.normal(size=n), "y": rng.normal(size=n), "z": column})


def test_a_column_that_is_missing_entirely_is_named():
    with pytest.raises(InputError, match=r"'z' have no observed value.*Leave them out"):
        TestwiseDeletion().bind(as_table(frame_with(np.nan)))


def test_nothing_observed_at_all():
    with pytest.raises(InputError, match="no observed value"):
        TestwiseDeletion().bind(as_table(np.full((9, 3), np.nan)))


def test_a_column_that_is_constant_where_seen_is_named():
    with pytest.raises(InputError, match="'z' hold one value only"):
        TestwiseDeletion().bind(as_table(frame_with([1.0, np.nan] * 50)))


def test_kinds_of_columns_that_the_test_refuses_are_refused_at_once():
    column = pd.Categorical(["a", "b", "c", None] * 25)
    with pytest.raises(InputError, match="categorical with 3 levels"):
        TestwiseDeletion().bind(as_table(frame_with(column)))


@pytest.mark.parametrize("test", [FisherZ, None, "fisherz"])
def test_what_is_no_test_is_refused(test):
    with pytest.raises(InputError, match="expected a conditional-independence test"):
        TestwiseDeletion(test).bind(as_table(frame_with(range(100))))


def test_a_pair_that_is_never_seen_together_is_untestable_and_said_so():
    frame = frame_with(np.arange(100.0))
    frame.loc[:49, "x"] = np.nan
    frame.loc[50:, "z"] = np.nan
    with pytest.warns(CausalkitWarning, match=r"1 of 3 pairs.*'x' and 'z': 0"):
        bound = TestwiseDeletion().bind(as_table(frame))
    with pytest.raises(NumericalError, match="fewer than 4 usable rows"):
        bound(0, 2)
    search = bound.first_separator(0, 2, (), 0, 0.05)
    assert (search.separated, search.n_untestable, search.result) == (False, 1, None)


@pytest.mark.parametrize("rows_as_they_are", [True, False])
def test_constant_on_the_rows_that_are_left_is_untestable(rows_as_they_are):
    column = np.where(np.arange(100) < 50, 3.7, np.arange(100.0))
    frame = frame_with(column)
    frame.loc[50:, "x"] = np.nan
    if not rows_as_they_are:  # every row a pattern of its own
        rng = np.random.default_rng(0)
        frame = frame.join(pd.DataFrame(rng.normal(size=(100, 9))).mask(rng.random((100, 9)) < 0.3))
    bound = bind(TestwiseDeletion(), frame)
    with pytest.raises(NumericalError, match="constant on the rows they share"):
        bound(0, 2)
    with pytest.raises(NumericalError, match="constant"):
        bound(0, 1, [2])


def test_more_columns_than_rows():
    values = holey(np.random.default_rng(5), n=12, p=20, share=0.1)
    bound = bind(TestwiseDeletion(), values)
    assert 0 < bound(0, 1).p_value <= 1
    with pytest.raises(NumericalError, match="usable rows"):
        bound(0, 1, range(2, 12))


def test_copies_of_a_column_are_dependent_and_redundant():
    rng = np.random.default_rng(0)
    frame = frame_with(rng.normal(size=100))
    frame.loc[:30, "x"] = np.nan
    frame["copy"] = frame["x"]
    bound = bind(TestwiseDeletion(), frame)
    assert bound(0, 3).p_value == 0.0
    with pytest.raises(NumericalError, match="redundant"):
        bound(0, 1, [3])
    with pytest.raises(NumericalError, match="redundant"):
        bound(1, 2, [0, 3])


def test_every_way_of_writing_a_missing_cell_is_one():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, 50))
    holes = [None if k % 5 == 0 else float(v) for k, v in enumerate(x)]
    expected = TestwiseDeletion().test({"x": np.array(holes, dtype=float), "y": y}, "x", "y")
    assert expected.n_used == 40
    for data in (
        {"x": holes, "y": y},
        pd.DataFrame({"x": pd.array(holes, dtype="Float64"), "y": y}),
        pd.DataFrame({"x": pd.Series([pd.NA if v is None else v for v in holes]), "y": y}),
        pl.DataFrame({"x": holes, "y": y}),
        pl.DataFrame({"x": holes, "y": y}).to_arrow(),
    ):
        assert TestwiseDeletion().test(data, "x", "y") == expected


def test_infinity_is_no_missing_cell():
    with pytest.raises(InputError, match="infinite"):
        TestwiseDeletion().test(frame_with([np.inf] + [1.0, 2.0, 3.0] * 33), "x", "z")


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**6), power=st.sampled_from([-300, -12, 9, 300]))
def test_units_and_order_do_not_matter(seed, power):
    rng = np.random.default_rng(seed)
    values = holey(rng, n=60)
    expected = bind(TestwiseDeletion(), values)(0, 1, (2, 3))
    units = np.array([10.0**power, 1, -3.0, 10.0**-power, 1, 1]) / 100
    rows = rng.permutation(60)
    result = bind(TestwiseDeletion(), (values * units)[rows])(1, 0, (3, 2))
    assert result.n_used == expected.n_used
    assert result.p_value == pytest.approx(expected.p_value, rel=1e-6)


def test_an_outlier_elsewhere_does_not_cost_digits():
    rng = np.random.default_rng(0)
    values = rng.normal(size=(200, 3))
    values[150:, 0] += 1e9
    values[150:, 1] = np.nan
    result = bind(TestwiseDeletion(), values)(0, 1, [2])
    z, _, n = oracles.on_complete_rows(values, 0, 1, [2])
    assert result.n_used == n == 150
    assert result.statistic == pytest.approx(z, rel=1e-5)


def test_the_input_is_untouched():
    values = holey(np.random.default_rng(0))
    before = values.copy()
    bind(TestwiseDeletion(), values)(0, 1, [2])
    assert np.array_equal(values, before, equal_nan=True)
