"""Moments are those of exact arithmetic, however the rows are cut, scaled, shifted or weighted."""

from __future__ import annotations

import tracemalloc
from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from causalkit._core import moments as module
from causalkit._core.moments import Moments, merge
from causalkit.errors import InputError, UnknownVariableError
from tests.oracles.moments import exact_correlations

UNITS = [1e300, 1e-300, 1e-320, 1.0, 1e9, 1.0, 1.0]
OFFSETS = [0.0, 0.0, 0.0, 1e15, 1e20, -1e8, 0.0]


def table(seed, n, p=4):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, p)) @ rng.uniform(-1, 1, (p, p))


def hostile(n=60):
    """Columns of all sizes, some with a variation far below their mean."""
    return table(0, n, len(UNITS)) * UNITS + OFFSETS


def in_blocks(values, size, weights=None):
    return Moments.of_blocks(
        (values[a : a + size], None if weights is None else weights[a : a + size])
        for a in range(0, len(values), size)
    )


# --- against exact arithmetic ---------------------------------------------------------------------


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("size", [1, 7, 60])
def test_no_unit_and_no_offset_costs_a_digit(order, size):
    values = np.array(hostile(), order=order)
    corr, means = exact_correlations(values)
    moments = in_blocks(values, size)
    assert_allclose(moments.correlations(), corr, rtol=0, atol=1e-14)
    assert_allclose(moments.mean, means, rtol=1e-15)
    assert_array_equal(moments.minimum, values.min(axis=0))
    assert_array_equal(moments.maximum, values.max(axis=0))


@pytest.mark.parametrize("size", [1, 7, 60])
def test_weighted_moments_are_exact_too(size):
    values, weights = hostile(), np.random.default_rng(1).exponential(size=60) ** 3
    corr, means = exact_correlations(values, weights)
    moments = in_blocks(values, size, weights)
    assert_allclose(moments.correlations(), corr, rtol=0, atol=1e-14)
    assert_allclose(moments.mean, means, rtol=1e-14)


@settings(deadline=None, max_examples=40)
@given(
    st.integers(0, 10_000),
    st.integers(2, 25),
    st.integers(1, 12),
    st.lists(st.integers(-1000, 900), min_size=4, max_size=4),
)
def test_powers_of_two_cancel_to_the_last_bit(seed, n, size, powers):
    values = table(seed, n)
    expected = in_blocks(values, size).correlations()
    found = in_blocks(np.ldexp(values, powers), size).correlations()
    assert_allclose(found, expected, rtol=0, atol=1e-14)


def test_a_mean_that_drifts_from_block_to_block_is_followed():
    n = 3000
    rng = np.random.default_rng(2)
    trend = np.linspace(0, 1e9, n)
    values = np.column_stack([trend, trend + rng.normal(size=n), rng.normal(size=n)])
    values -= values.mean(axis=0)
    direct = values - values.mean(axis=0)
    expected = direct.T @ direct
    moments = in_blocks(values, 100)
    assert moments.exponents.max() == 0
    assert_allclose(moments.gram, expected, rtol=1e-12, atol=1e-12 * np.sqrt(expected.max()) * n)


def test_blocks_of_very_different_scale_meet_in_the_larger():
    rng = np.random.default_rng(3)
    small, zero, large = rng.normal(size=(3, 20, 3))
    small[:, 0] *= 1e-305
    zero[:, 0] = 0.0
    large[:, 0] *= 1e305
    for blocks in ([small, zero, large], [zero, large, small], [zero, small]):
        values = np.vstack(blocks)
        corr, _ = exact_correlations(values)
        found = Moments.of_blocks([(block, None) for block in blocks]).correlations()
        assert_allclose(found, corr, rtol=0, atol=1e-14)


# --- laws ---------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10_000), st.integers(1, 40), st.data())
def test_merging_is_what_reading_on_would_have_been(seed, n, data):
    values = table(seed, n)
    cuts = sorted(data.draw(st.lists(st.integers(0, n), max_size=4)))
    blocks = [block for block in np.split(values, cuts) if len(block)]
    order = data.draw(st.permutations(range(len(blocks))))
    merged = Moments.of(blocks[order[0]])
    for k in order[1:]:
        merged = merge(merged, Moments.of(blocks[k]))
    whole = Moments.of(values)
    assert merged.n_rows == whole.n_rows == n
    assert_allclose(merged.gram, whole.gram, rtol=0, atol=1e-13 * max(1, whole.gram.max()))
    assert_allclose(merged.mean, whole.mean, rtol=0, atol=1e-14)
    assert_array_equal(merged.minimum, whole.minimum)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10_000), st.lists(st.integers(0, 4), min_size=2, max_size=12))
def test_weights_are_repeated_rows(seed, counts):
    counts[0] = max(counts[0], 1)
    values, w = table(seed, len(counts)), np.array(counts, dtype=float)
    weighted, repeated = Moments.of(values, w), Moments.of(np.repeat(values, counts, axis=0))
    assert_allclose(weighted.gram, repeated.gram, rtol=0, atol=1e-13)
    assert_allclose(weighted.mean, repeated.mean, rtol=0, atol=1e-14)
    assert weighted.weight == repeated.n_rows
    assert weighted.weight_squares == (w**2).sum()
    assert weighted.n_rows == (w > 0).sum()
    assert_array_equal(weighted.maximum, repeated.maximum)


def test_the_effective_number_of_rows_is_that_of_kish():
    values = table(0, 50)
    assert Moments.of(values).n_effective == 50
    assert Moments.of(values, np.full(50, 0.25)).n_effective == 50
    w = np.arange(50.0)
    assert_allclose(Moments.of(values, w).n_effective, w.sum() ** 2 / (w @ w))


def test_matrices_are_symmetric_to_the_last_bit():
    values = table(5, 9000, 70)  # several tiles
    moments = Moments.of(values)
    corr = moments.correlations()
    assert_array_equal(moments.gram, moments.gram.T)
    assert_array_equal(corr, corr.T)
    assert_allclose(corr, np.corrcoef(values, rowvar=False), rtol=0, atol=1e-13)


def test_products_square_by_square_are_the_products(monkeypatch):
    values = table(6, 50, 23)
    weights = np.random.default_rng(0).random(50)
    whole = Moments.of(values), Moments.of(values, weights)
    monkeypatch.setattr(module, "_SQUARE", 5)
    for moments, expected in zip(
        (Moments.of(values), Moments.of(values, weights)), whole, strict=True
    ):
        assert_allclose(moments.gram, expected.gram, rtol=0, atol=1e-12)
        assert_array_equal(moments.gram, moments.gram.T)


def test_columns_keep_their_names_through_selection():
    values = hostile()
    moments = Moments.of(values, names=tuple("abcdefg"))
    some = moments.select(["e", "a", "d"])
    again = Moments.of(values[:, [4, 0, 3]], names=("e", "a", "d"))
    for field in fields(Moments):
        one, two = getattr(some, field.name), getattr(again, field.name)
        if isinstance(one, np.ndarray) and one.dtype.kind == "f":
            assert_allclose(one, two, rtol=1e-12, atol=1e-30)
        else:
            assert_array_equal(one, two)
    with pytest.raises(UnknownVariableError, match="no variable 'z'"):
        moments.select(["a", "z"])


def test_a_constant_is_seen_across_blocks():
    ones = np.ones((5, 2))
    two = np.column_stack([np.ones(5), np.arange(5.0)])
    moments = Moments.of_blocks([(ones, None), (two, None)], names=("a", "b"))
    assert moments.constant == ("a",)
    late = np.column_stack([np.full(5, np.nextafter(1, 2)), np.arange(5.0)])
    moments = merge(moments, Moments.of(late, names=("a", "b")))
    assert moments.constant == ()
    assert np.isfinite(moments.correlations()).all()


def test_integers_and_single_precision_are_read_as_they_are():
    values = np.arange(12).reshape(4, 3) ** 2
    for dtype in (np.int32, np.float32, np.uint8):
        assert_array_equal(
            Moments.of(values.astype(dtype)).gram, Moments.of(values.astype(float)).gram
        )


# --- levels -------------------------------------------------------------------------------------


def coded(cells, levels):
    values = np.array([[levels.index(cell), k] for k, cell in enumerate(cells)], dtype=float)
    return Moments.of(values, names=("c", "x"), levels=(levels, None))


@pytest.mark.parametrize("here", [("b",), ("a", "b")])
@pytest.mark.parametrize("there", [("a", "b"), ("b", "a")])
def test_levels_that_turn_up_late_get_the_codes_of_the_whole(here, there):
    values = np.array([[there.index(c), k] for k, c in enumerate("abba", 1)], dtype=float)
    rest = Moments.of(values, names=("c", "x"), levels=(there, None))
    merged, whole = merge(coded("b", here), rest), coded("babba", ("a", "b"))
    assert merged.levels == (("a", "b"), None)
    assert_allclose(merged.gram, whole.gram, rtol=0, atol=1e-14)
    assert_allclose(merged.mean, whole.mean)
    assert_array_equal(merged.minimum, whole.minimum)
    assert_array_equal(merged.maximum, whole.maximum)


def test_two_blocks_of_one_level_each_make_a_column_of_two():
    alone = merge(coded("bb", ("b",)), coded("a", ("a",)))
    assert alone.levels == (("a", "b"), None)
    assert_allclose(alone.mean, [2 / 3, 1 / 3])


def test_booleans_and_numbers_make_numbers_categories_and_numbers_nothing():
    yes = Moments.of(np.array([[0.0], [1.0]]), levels=((False, True),))
    numbers = Moments.of(np.array([[2.0], [5.0]]))
    assert merge(yes, numbers).levels == (None,)
    with pytest.raises(InputError, match="categories in one part of the data and numbers"):
        merge(numbers, Moments.of(np.array([[0.0]]), levels=(("a",),)))
    with pytest.raises(InputError, match="'x0' is categorical with 3 or more levels"):
        merge(
            Moments.of(np.array([[0.0], [1.0]]), levels=(("a", "b"),)),
            Moments.of(np.array([[0.0]]), levels=(("c",),)),
        )


# --- edges --------------------------------------------------------------------------------------


def test_no_rows_are_refused_and_one_row_is_a_point():
    with pytest.raises(InputError, match="no rows"):
        Moments.of(np.empty((0, 3)))
    with pytest.raises(InputError, match="positive weight"):
        Moments.of(np.ones((2, 3)), np.zeros(2))
    point = Moments.of(np.array([[3.0, -1e300]]))
    assert_array_equal(point.mean, [3.0, -1e300])
    assert not point.gram.any()


def test_input_is_untouched():
    for order in "CF":
        values, w = np.array(hostile(), order=order), np.linspace(0, 1, 60)
        before = values.copy()
        Moments.of(values, w)
        Moments.of(values)
        assert_array_equal(values, before)


def test_in_place_correlations_need_one_matrix(monkeypatch):
    p = 1500
    values = np.asfortranarray(table(0, 40, 1500))
    expected = Moments.of(values).correlations()
    monkeypatch.setattr(module, "_TILE_CELLS", 2**14)  # strips in proportion
    tracemalloc.start()
    try:
        corr = Moments.of(values).correlations(in_place=True)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 1.2 * 8 * p**2
    assert_array_equal(corr, expected)
