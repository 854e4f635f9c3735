"""Functions drawn at random: their laws, and standard units while a model is built."""

from __future__ import annotations

import numpy as np
import pytest

from causalkit.errors import InputError
from causalkit.graph import CausalGraph, random_dag
from causalkit.models.mechanisms.additive import Additive, Linear, LocationScale
from causalkit.models.mechanisms.tables import Table
from causalkit.models.noise import Empirical, Laplace, Mixture, Normal, Smoothed, Student, Uniform
from causalkit.models.random_models.functions import (
    Coded,
    Stretched,
    felt_shares,
    random_function,
    stretched,
)
from causalkit.models.random_models.mechanism_draws import MechanismDraw, draw_noise
from causalkit.models.random_models.specification import MECHANISMS
from causalkit.models.random_models.standardised import (
    Rescaled,
    linear_covariance,
    rescaled,
    standardise_linear,
)


def test_random_features_have_the_covariance_of_their_gaussian_process():
    """cov(f(x), f(x')) = exp(-|x - x'|² / (2k)) over draws of f."""
    rng = np.random.default_rng(0)
    points = rng.standard_normal((4, 3))
    values = np.array(
        [random_function("gaussian-process", 3, rng=rng)(points) for _ in range(4000)]
    )
    distances = np.square(points[:, None] - points).sum(axis=2)
    assert np.abs(values.T @ values / 4000 - np.exp(-distances / 6)).max() < 0.1


@pytest.mark.parametrize("family", ["linear", "gaussian-process", "mlp"])
def test_functions_work_row_by_row(family):
    rng = np.random.default_rng(0)
    f = random_function(family, 2, rng=rng)
    rows = rng.standard_normal((9000, 2))
    assert np.allclose(f(rows)[8000:8005], [f(rows[k : k + 1])[0] for k in range(8000, 8005)])
    assert np.allclose(stretched(f, 2.0, 1.0)(rows), 2.0 * f(rows) + 1.0)
    assert np.array_equal(random_function(family, 0, rng=rng)(np.empty((3, 0))), np.zeros(3))


def test_stretching_twice_is_stretching_once():
    f = random_function("mlp", 1, rng=np.random.default_rng(0))
    twice = stretched(stretched(f, 2.0, 1.0), 3.0, -1.0)
    assert isinstance(twice, Stretched)
    assert twice.function is f
    assert (twice.scale, twice.shift) == (6.0, 2.0)


def test_felt_shares_are_total_sobol_indices():
    """f = a + ab with independent standard normals: variance 2, total indices 1 and 1/2."""
    causes = np.random.default_rng(0).standard_normal((50_000, 3))
    shares = felt_shares(lambda x: x[:, 0] + x[:, 0] * x[:, 1], causes)
    assert np.allclose(shares, [1.0, 0.5, 0.0], atol=0.05)
    assert np.array_equal(felt_shares(lambda x: np.ones(len(x)), causes), np.zeros(3))


def test_levels_enter_by_their_scores():
    f = Coded(Linear(np.array([1.0, 1.0])), np.array([[5.0, -1.0], [0.0, 0.0]]), np.array([2, 0]))
    causes = np.array([[0.0, 1.0], [1.0, 1.0], [0.5, 0.0]])
    assert np.array_equal(f(causes), [6.0, 0.0, 2.0])
    assert causes[0, 0] == 0.0


@pytest.mark.parametrize(
    "noise",
    [
        Normal(2.0),
        Laplace(2.0),
        Uniform(2.0),
        Student(5.0, 2.0),
        Empirical(np.array([-1.0, 1.0])),
        Smoothed(np.array([-1.0, 1.0]), 0.3),
        Mixture(np.array([0.5, 0.5]), np.array([-1.0, 1.0]), np.array([0.5, 1.0])),
    ],
)
@pytest.mark.parametrize("kind", ["additive", "location-scale", "other"])
def test_a_rescaled_mechanism_is_the_same_one_in_other_units(noise, kind):
    mean = random_function("mlp", 2, rng=np.random.default_rng(0))
    own = Additive(mean, noise)
    if kind == "location-scale":
        own = LocationScale(mean, Linear(np.array([0.1, 0.2])), noise)
    elif kind == "other":
        own = Rescaled(own, 0.0, 1.0)
    other = rescaled(own, 3.0, 4.0)
    causes = np.random.default_rng(1).standard_normal((50, 2))
    first = own.value(causes, own.draw(50, np.random.default_rng(2)))
    drawn = other.draw(50, np.random.default_rng(2))
    assert np.allclose(other.value(causes, drawn), (first - 3.0) / 4.0)
    rng = np.random.default_rng(3)
    assert np.allclose(other.noise(causes, other.value(causes, drawn), rng), drawn)
    assert other.bijective


def test_linear_covariance_is_that_of_the_path_matrix():
    """Cov = (I - B)^-T D (I - B)^-1, with B[i, j] the slope of i in j."""
    rng = np.random.default_rng(0)
    dag = random_dag(12, expected_degree=4.0, rng=rng)
    slopes = dag.directed * rng.normal(size=dag.directed.shape)
    scales = rng.uniform(0.5, 2.0, 12)
    made = {
        name: Additive(Linear(slopes[dag.directed[:, j], j]), Normal(scales[j]))
        for j, name in enumerate(dag.nodes)
    }
    total = np.linalg.inv(np.eye(12) - slopes)
    expected = total.T @ np.diag(scales**2) @ total
    assert np.allclose(linear_covariance(dag, made), expected, atol=1e-10)
    standard = linear_covariance(dag, standardise_linear(dag, made))
    assert np.allclose(standard.diagonal(), 1.0, atol=1e-12)


def test_internal_standardisation_makes_effects_from_standard_units():
    """c = 2 b + e with b in standard units: variance 5, so R² is 4/5, at any depth."""
    dag = CausalGraph.parse("a -> b -> c -> d")
    step = Additive(Linear(np.array([2.0])), Normal())
    raw = {"a": Additive(Linear(np.zeros(0)), Normal(9.0))} | dict.fromkeys("bcd", step)
    made = standardise_linear(dag, raw)
    for name in "bcd":
        assert made[name].mean.slopes[0] ** 2 == pytest.approx(0.8)
        assert made[name].noise_model.variance == pytest.approx(0.2)


def test_a_nonlinear_model_has_no_closed_covariance():
    dag = CausalGraph.parse("a -> b")
    f = random_function("mlp", 1, rng=np.random.default_rng(0))
    made = {"a": Additive(Linear(np.zeros(0)), Normal()), "b": Additive(f, Normal())}
    with pytest.raises(InputError, match="linear"):
        linear_covariance(dag, made)


@pytest.mark.parametrize("kind", ["gaussian", "laplace", "uniform", "student", "mixed"])
def test_noise_has_variance_one(kind):
    rng = np.random.default_rng(0)
    for _ in range(5):
        assert draw_noise(kind, rng).variance == pytest.approx(1.0)


@pytest.mark.parametrize("mechanism", MECHANISMS)
@pytest.mark.parametrize("n_levels", [0, 2, 4])
def test_a_mechanism_gives_the_value_that_its_noise_was_read_from(mechanism, n_levels):
    rng = np.random.default_rng(0)
    causes = np.column_stack([rng.integers(3, size=2000), rng.integers(2, size=2000)]).astype(float)
    levels = [3, 2]
    if mechanism != "discrete":
        causes, levels = np.column_stack([causes, rng.standard_normal(2000)]), [3, 2, 0]
    elif not n_levels:
        n_levels = 3
    made = MechanismDraw(mechanism, "mixed", (0.5, 2.0))(causes, levels, n_levels, rng)
    value = made.value(causes, made.draw(2000, rng))
    assert np.allclose(made.value(causes, made.noise(causes, value, rng)), value)
    if n_levels:
        assert set(value) <= set(map(float, range(n_levels)))


def test_every_cause_of_a_table_is_felt():
    rng = np.random.default_rng(0)
    for _ in range(50):
        table = MechanismDraw("discrete", "gaussian", (0.5, 2.0))(np.zeros((1, 2)), [2, 3], 3, rng)
        assert isinstance(table, Table)
        assert np.allclose(table.probabilities.sum(axis=-1), 1.0)
        assert table.probabilities.min() >= 0.1 / 3 - 1e-12
        assert min(table.probabilities.std(axis=j).mean() for j in (0, 1)) > 0.05
