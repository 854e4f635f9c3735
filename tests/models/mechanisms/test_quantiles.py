"""Quantile forests: bijective, calibrated on new rows, and blind to nothing they should see."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from causalkit.errors import InputError
from causalkit.models.mechanisms import _quantiles_kernels as kernels
from causalkit.models.mechanisms.additive import Linear
from causalkit.models.mechanisms.base import Mechanism
from causalkit.models.mechanisms.quantiles import fit_quantiles


def simulated(n, seed):
    """The spread depends on the third cause, the mean on the first two, skewed throughout."""
    rng = np.random.default_rng(seed)
    causes = rng.normal(size=(n, 3))
    spread = np.where(causes[:, 2] > 0, 1.5, 0.4)
    y = np.sin(causes[:, 0]) + causes[:, 1] + spread * (rng.exponential(size=n) - 1)
    return causes, y


@pytest.fixture(scope="module")
def forest():
    return fit_quantiles(*simulated(4000, 0), rng=0)


def test_value_and_noise_undo_each_other(forest):
    assert isinstance(forest, Mechanism)
    assert forest.bijective
    rng = np.random.default_rng(1)
    causes, noise = 2 * rng.normal(size=(2000, 3)), 2 * rng.normal(size=2000)
    y = forest.value(causes, noise)
    np.testing.assert_allclose(forest.noise(causes, y, rng), noise, rtol=0, atol=1e-9)
    y = 20 * rng.normal(size=2000)  # far from anything seen
    np.testing.assert_allclose(
        forest.value(causes, forest.noise(causes, y, rng)), y, rtol=0, atol=1e-9
    )


def test_a_row_takes_the_mean_curve_of_its_leaves(forest):
    causes, _ = simulated(50, 2)
    leaves = forest._leaves(causes)
    for i in range(50):
        for t in range(len(forest.column)):
            node = 0
            while forest.child[t, node] != node:
                right = causes[i, forest.column[t, node]] > forest.cut[t, node]
                node = forest.child[t, node] + int(right)
            assert leaves[i, t] == forest.curve[t, node]
    found = kernels.residuals_at(np.full(50, 0.3), leaves, forest.knots, forest.curves)
    for i in range(50):
        curve = forest.curves[leaves[i]].mean(axis=0)
        assert found[i] == pytest.approx(np.interp(0.3, forest.knots, curve))


def test_noise_of_new_rows_is_standard_normal_overall_and_for_both_spreads(forest):
    causes, y = simulated(4000, 3)
    noise = forest.noise(causes, y, np.random.default_rng(4))
    assert stats.kstest(noise, "norm").statistic < 0.05
    for wide in (False, True):
        part = noise[(causes[:, 2] > 0) == wide]
        assert part.std() == pytest.approx(1, abs=0.3)
        assert part.mean() == pytest.approx(0, abs=0.25)


def test_drawn_values_have_the_moments_and_the_density_of_the_data(forest):
    causes, y = simulated(8000, 5)
    rng = np.random.default_rng(6)
    drawn = forest.value(causes, forest.draw(8000, rng))
    assert drawn.mean() == pytest.approx(y.mean(), abs=0.06)
    assert drawn.std() == pytest.approx(y.std(), rel=0.05)
    residuals = y - forest.mean(causes)
    constant = stats.norm(scale=residuals.std()).logpdf(residuals).mean()
    assert forest.log_density(causes, y).mean() > constant + 0.2


def test_densities_integrate_to_one(forest):
    y = np.linspace(-40, 40, 100_001)
    density = np.exp(forest.log_density(np.full((len(y), 3), 0.5), y))
    assert density.sum() * (y[1] - y[0]) == pytest.approx(1, abs=2e-3)


def test_the_same_seed_gives_the_same_forest_and_another_mean_stays_as_it_is():
    causes, y = simulated(300, 7)
    line = Linear(np.array([0.5, 1.0, 0.0]))
    one, other = (fit_quantiles(causes, y, mean=line, n_trees=3, rng=8) for _ in range(2))
    np.testing.assert_array_equal(one.curves, other.curves)
    assert one.mean is line


def test_without_causes_it_is_the_law_of_the_variable():
    rng = np.random.default_rng(9)
    y = rng.exponential(size=3000)
    root = fit_quantiles(np.empty((3000, 0)), y, n_trees=5, rng=0)
    drawn = root.value(np.empty((3000, 0)), root.draw(3000, rng))
    assert stats.ks_2samp(drawn, y).statistic < 0.06


def test_bad_input_is_refused():
    causes, y = simulated(100, 10)
    for bad in ((causes[:50], y[:50]), (causes, y[:50]), (causes, np.where(y > 1, np.nan, y))):
        with pytest.raises(InputError, match="Use Additive for fewer rows"):
            fit_quantiles(*bad)
    with pytest.raises(InputError, match="without noise"):
        fit_quantiles(causes, causes @ np.ones(3))
    with pytest.raises(InputError, match="min_leaf"):
        fit_quantiles(causes, y, min_leaf=2)
