"""Moments are those of exact arithmetic, however the rows are cut, scaled, shifted or weighted."""

from __future__ import annotations

import tracemalloc
from dataclasses import fields

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from causalkit._core import row_sums as module
from causalkit._core._moments_kernels import add_centred
from causalkit._core.moments import Moments, merge
from causalkit.errors import InputError, UnknownVariableError
from tests.oracles.moments import deviations, exact_correlations

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


# --- one centre for all tiles ---------------------------------------------------------------------

PLAIN = [3, 4, 5, 6]
"""Columns of the hostile table that need no unit of their own."""


@pytest.fixture
def small_tiles(monkeypatch):
    monkeypatch.setattr(module, "_TILE_CELLS", 1)
    monkeypatch.setattr(module, "_TILE_ROWS", 8)
    monkeypatch.setattr(module, "_FEW", 5)


def tile_by_tile(values):
    tiles = [Moments.of(values[a : a + 8]) for a in range(0, len(values), 8)]
    total = tiles[0]
    for tile in tiles[1:]:
        total = merge(total, tile)
    return total


def many(values):
    n, p = values.shape
    labels = tuple(f"x{k}" for k in range(p)), (None,) * p
    sums = module._of_many(values.T, n, 8)
    return None if sums is None else Moments(*labels, *sums)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10_000), st.integers(1, 13), st.integers(1, 70), st.integers(1, 40))
def test_the_kernel_adds_deviations_and_their_products(seed, p, m, width):
    rng = np.random.default_rng(seed)
    tile, centre = rng.normal(size=(p, m)), rng.normal(size=p)
    padded = -(-p // 4) * 4
    gram, sums = np.ones((padded, padded)), np.ones(p)
    add_centred(gram, sums, tile, centre, np.zeros((padded, width)))
    total, products = deviations(tile, centre)
    upper = np.triu_indices(p)
    assert_allclose(gram[upper], 1 + products[upper].astype(float), rtol=0, atol=1e-12)
    assert_allclose(sums, 1 + total.astype(float), rtol=0, atol=1e-12)


@pytest.mark.parametrize("cell", [np.nan, np.inf, -np.inf])
def test_the_kernel_keeps_what_is_no_number(cell):
    tile = np.zeros((3, 50))
    tile[1, 40] = cell
    gram, sums = np.zeros((4, 4)), np.zeros(3)
    add_centred(gram, sums, tile, np.zeros(3), np.zeros((4, 16)))
    assert_array_equal(np.isfinite(sums), [True, False, True])
    assert not np.isfinite(gram[1, 1])
    assert np.isfinite(gram[0, 0])


@pytest.mark.parametrize("order", ["C", "F"])
def test_one_centre_for_all_tiles_costs_no_digit(order, small_tiles):
    values = np.array(hostile(200)[:, PLAIN], order=order)
    assert many(values) is not None
    corr, means = exact_correlations(values)
    moments = Moments.of(values)
    assert_allclose(moments.correlations(), corr, rtol=0, atol=1e-14)
    assert_allclose(moments.mean, means, rtol=1e-15)
    assert_array_equal(moments.minimum, values.min(axis=0))
    assert_array_equal(moments.maximum, values.max(axis=0))


def test_units_that_cannot_be_squared_go_tile_by_tile(small_tiles):
    values = hostile(200)
    assert many(values) is None
    corr, means = exact_correlations(values)
    assert_allclose(Moments.of(values).correlations(), corr, rtol=0, atol=1e-14)
    assert_allclose(Moments.of(values).mean, means, rtol=1e-14)


@pytest.mark.parametrize("height", [10.0, 1e6, 1e12])
def test_rows_that_mislead_about_the_centre_cost_no_digit(height, small_tiles):
    values = table(7, 200)
    values[::40, 1] += height  # the very rows of which the centre is the mean
    assert many(values) is None
    corr, means = exact_correlations(values)
    assert_allclose(Moments.of(values).correlations(), corr, rtol=0, atol=1e-14)
    assert_allclose(Moments.of(values).mean, means, rtol=1e-14)


@settings(deadline=None, max_examples=40)
@given(
    st.integers(0, 10_000),
    st.integers(9, 90),
    st.floats(-1e12, 1e12),
    st.floats(0, 5),
    st.integers(0, 3),
)
def test_one_centre_is_as_good_as_many(seed, n, offset, tail, which):
    values = table(seed, n)
    values[:, which] = np.sign(values[:, which]) * np.abs(values[:, which]) ** tail + offset
    found = many(values)
    assume(found is not None)  # far from the centre, by chance
    expected = tile_by_tile(values)
    scale = np.sqrt(np.diagonal(expected.gram))
    scale = scale + (scale == 0)
    assert_allclose(
        found.gram / np.outer(scale, scale),
        expected.gram / np.outer(scale, scale),
        rtol=0,
        atol=1e-13,
    )
    assert_allclose(found.mean, expected.mean, rtol=1e-14, atol=1e-13)
    assert_array_equal(found.minimum, expected.minimum)
    assert found.n_rows == expected.n_rows


@pytest.mark.parametrize("value", [0.0, 0.1, -1e15 / 3, 7e-320, 1e308])
def test_a_constant_has_no_deviations(value, small_tiles):
    values = np.column_stack([np.full(500, value), np.random.default_rng(0).normal(size=500)])
    moments = Moments.of(values)
    assert moments.gram[0, 0] == moments.gram[0, 1] == 0
    assert moments.mean[0] == value
    assert moments.constant == ("x0",)


def test_columns_that_stand_apart_are_those_of_the_matrix(small_tiles):
    rng = np.random.default_rng(8)
    columns = [
        rng.normal(size=100),
        rng.integers(-9, 9, 100),
        rng.normal(size=200).astype(np.float32)[::2],
        rng.integers(0, 2, 100).astype(np.uint8),
        rng.normal(size=100).astype(np.float16),
    ]
    for n in (100, 7, 1):
        parts = [column[:n] for column in columns]
        found = Moments.of_columns(parts, names=tuple("abcde"), levels=(None,) * 5)
        expected = Moments.of(np.column_stack(parts), names=tuple("abcde"))
        assert_array_equal(found.gram, expected.gram)
        assert_array_equal(found.mean, expected.mean)
        assert found.names == expected.names
    with pytest.raises(InputError, match="no rows"):
        Moments.of_columns([np.empty(0)], names=("a",), levels=(None,))


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
