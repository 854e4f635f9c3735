"""Kernel matrices, their factors, regressions on them, and null distributions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from causalkit.errors import InputError
from causalkit.independence.eigen_ridge import RIDGES
from causalkit.independence.kernel_matrices import (
    Block,
    blocks_of,
    factor,
    gaussian_kernel,
    joined,
    median_distance,
)
from causalkit.independence.null_distributions import (
    gamma_tail,
    permutation_moments,
    three_moment_tail,
    weighted_chi_square_tail,
)
from causalkit.independence.ridge import Residuals, Smoother, inflation
from tests.independence.designs import quick_table
from tests.oracles import kernels as oracles


def block_of(rng: np.random.Generator, n: int, d: int, n_cells: int) -> Block:
    columns = {f"z{k}": rng.normal(size=n) for k in range(d)}
    if n_cells > 1:
        columns["c"] = np.arange(n) % n_cells
    return joined(blocks_of(quick_table(**columns), who="this test"))


# --- kernels and factors -----------------------------------------------------------------------


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    n=st.sampled_from([4, 30, 90]),
    d=st.integers(0, 3),
    n_cells=st.integers(1, 3),
    width=st.sampled_from([0.05, 0.5, 2.0, 50.0]),
)
def test_a_factor_is_one_of_the_kernel_matrix(seed, n, d, n_cells, width):
    if d == 0 and n_cells == 1:
        return
    block = block_of(np.random.default_rng(seed), n, d, n_cells)
    K = oracles.gaussian(block.numbers, width) * (block.cells[:, None] == block.cells)
    np.testing.assert_allclose(gaussian_kernel(block, width), K, atol=1e-12)
    for tolerance in (1e-3, 1e-8):
        L = factor(block, width, tolerance=tolerance)
        np.testing.assert_allclose(L @ L.T, K, atol=1.01 * tolerance)
        assert L.shape[1] <= n
    assert factor(block, width, max_rank=2).shape[1] <= 2


def test_equal_rows_need_one_column():
    values = np.repeat([0.0, 1.0, 5.0], 20)
    (block,) = blocks_of(quick_table(x=values), who="this test")
    assert factor(block, 1.0).shape == (60, 3)


def test_kernels_of_a_set_are_multiplied():
    rng = np.random.default_rng(0)
    table = quick_table(
        a=rng.normal(size=50), b=rng.integers(3, size=50), c=rng.integers(2, size=50)
    )
    single = blocks_of(table, who="this test")
    product = np.prod([gaussian_kernel(block, 0.7) for block in single], axis=0)
    np.testing.assert_allclose(gaussian_kernel(joined(single), 0.7), product)
    (grouped,) = blocks_of(table, who="this test", groups={"all": ("c", "a", "b")})
    np.testing.assert_allclose(gaussian_kernel(grouped, 0.7), product)


def test_units_do_not_matter():
    rng = np.random.default_rng(0)
    x = rng.normal(size=40)
    for unit, shift in ((1e-300, 0.0), (1e300, 0.0), (1.0, 1e6)):
        one, two = blocks_of(quick_table(x=x, y=x * unit + shift), who="this test")
        np.testing.assert_allclose(one.numbers, two.numbers, atol=1e-8)
        assert one.numbers.std() == pytest.approx(1.0)


def test_the_median_distance():
    rng = np.random.default_rng(0)
    block = block_of(rng, 41, 2, 1)
    gaps = [np.linalg.norm(a - b) for k, a in enumerate(block.numbers) for b in block.numbers[:k]]
    assert median_distance(block) == pytest.approx(np.median(gaps))
    assert median_distance(block_of(rng, 41, 0, 3)) == 1.0
    (mostly_zero,) = blocks_of(quick_table(x=np.r_[np.zeros(50), 1.0]), who="this test")
    assert median_distance(mostly_zero) > 0


def test_unusable_tables_are_refused():
    with pytest.raises(InputError, match="this test needs at least 4 rows"):
        blocks_of(quick_table(x=np.arange(3.0)), who="this test")


# --- regressions -------------------------------------------------------------------------------


def test_the_choice_maximises_the_likelihood():
    rng = np.random.default_rng(3)
    block = block_of(rng, 60, 1, 1)
    z = block.numbers[:, 0]
    targets = np.column_stack([z, np.sin(4 * z), rng.normal(size=60)])
    targets += 0.1 * rng.normal(size=targets.shape)
    targets -= targets.mean(axis=0)
    found = Smoother(block).residuals(targets)
    for k in range(3):
        best = max(
            (oracles.log_likelihood(targets[:, k], K, ridge), width, ridge)
            for width in (0.35, 0.6, 1.0, 1.8, 3.2)
            for K in [oracles.gaussian(block.numbers, width)]
            for ridge in RIDGES
        )
        K = oracles.centred(oracles.gaussian(block.numbers, best[1]))
        R = best[2] * np.linalg.inv(K + best[2] * np.eye(60))
        expected = R @ R @ targets[:, k]
        np.testing.assert_allclose(found.values[:, k], expected, atol=3e-3)


def test_curves_are_found_in_any_direction():
    rng = np.random.default_rng(0)
    block = block_of(rng, 400, 3, 1)
    noise = 0.3 * rng.normal(size=400)
    curve = np.sin(2.5 * block.numbers.sum(axis=1) / np.sqrt(3))
    left = Smoother(block).residuals((curve + noise)[:, None]).values[:, 0]
    assert np.corrcoef(left, noise)[0, 1] > 0.9


def test_a_category_shifts_a_curve_or_bends_it():
    rng = np.random.default_rng(0)
    block = block_of(rng, 300, 1, 3)
    z, noise = block.numbers[:, 0], 0.3 * rng.normal(size=300)
    for curve in (np.sin(2 * z) + block.cells, np.sin(2 * z) * (block.cells - 1)):
        left = Smoother(block).residuals((curve + noise)[:, None]).values[:, 0]
        assert np.corrcoef(left, noise)[0, 1] > 0.9


def test_a_category_alone_leaves_deviations_from_its_means():
    rng = np.random.default_rng(0)
    block = block_of(rng, 300, 0, 3)
    f = 5.0 * block.cells + rng.normal(size=300)
    means = np.bincount(block.cells, f) / np.bincount(block.cells)
    left = Smoother(block).residuals(f[:, None]).values[:, 0]
    np.testing.assert_allclose(left, f - means[block.cells], atol=0.01)


def test_inflation_is_that_of_a_linear_regression():
    n, d = 50, 7
    U = np.linalg.qr(np.random.default_rng(0).normal(size=(n, d)))[0]
    projected = Residuals(np.zeros((n, 1)), ((U, np.ones(d)),))
    other = Residuals(np.zeros((n, 1)), ((U.copy(), np.ones(d)),))
    nothing = Residuals(np.zeros((n, 1)), ())
    # One degree goes to the mean.
    assert inflation(projected, projected) == pytest.approx(n / (n - 1 - d))
    assert inflation(projected, other) == pytest.approx(n / (n - 1 - d))
    assert inflation(projected, nothing) == pytest.approx(n / (n - 1))


# --- null distributions ------------------------------------------------------------------------

WEIGHTS = {
    "one": np.array([2.0]),
    "equal": np.full(7, 0.3),
    "two": np.array([1.0, 0.1]),
    "few": np.array([1.0, 0.5, 0.2, 0.1, 0.05]),
    "many": 0.7 ** np.arange(30),
}


@pytest.mark.parametrize("weights", WEIGHTS.values(), ids=WEIGHTS.keys())
@pytest.mark.parametrize("times", [0.4, 1.0, 2.0, 4.0])
def test_the_saddlepoint_is_close_to_the_exact_tail(weights, times):
    q = times * weights.sum()
    exact = oracles.imhof(q, weights)
    assert weighted_chi_square_tail(q, weights) == pytest.approx(exact, rel=0.05, abs=1e-6)
    moments = weights.sum(), 2 * weights @ weights
    assert three_moment_tail(q, *moments, 8 * (weights**3).sum()) == pytest.approx(exact, abs=0.03)
    assert gamma_tail(q, *moments) == pytest.approx(exact, abs=0.04)


def test_tails_at_the_ends():
    w = WEIGHTS["few"]
    assert weighted_chi_square_tail(0.0, w) == 1.0
    assert weighted_chi_square_tail(1e-9, w) == pytest.approx(1.0)
    assert 0.0 <= weighted_chi_square_tail(1e4, w) < 1e-300
    tails = [weighted_chi_square_tail(q, w) for q in np.linspace(0, 12, 200)]
    assert (np.diff(tails) <= 0).all()
    assert weighted_chi_square_tail(3.0, 1e-200 * w) == 0.0
    assert weighted_chi_square_tail(3.0, np.zeros(3)) == 0.0


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6), n=st.integers(4, 6))
def test_moments_of_all_permutations(seed, n):
    rng = np.random.default_rng(seed)
    K, L = (oracles.centred(oracles.gaussian(rng.normal(size=(n, 2)), w)) for w in (0.5, 2.0))
    sums = [(np.trace(M), np.sum(M**2), np.sum(np.diag(M) ** 2)) for M in (K, L)]
    mean, variance = permutation_moments(*sums, n)
    assert (mean, variance) == pytest.approx(oracles.over_all_permutations(K, L), rel=1e-8)
