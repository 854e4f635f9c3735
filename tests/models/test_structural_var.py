"""Structural VARs: samples obey the equations, effects are those of interventions."""

from __future__ import annotations

import numpy as np
import pytest

from causalkit.errors import GraphError, InputError, NumericalError
from causalkit.graph import LaggedGraph
from causalkit.models import StructuralVAR, bent, random_svar


def as_array(series):
    return np.column_stack(list(series.values()))


@pytest.mark.parametrize("seed", range(4))
def test_a_function_that_changes_nothing_changes_nothing(seed):
    plain = random_svar(5, max_lag=3, rng=seed)
    same = random_svar(5, max_lag=3, rng=seed, function=lambda x: x)
    np.testing.assert_allclose(
        as_array(plain.sample(200, rng=seed)), as_array(same.sample(200, rng=seed)), rtol=1e-9
    )


@pytest.mark.parametrize("function", [None, bent])
def test_samples_obey_the_equations(function):
    model = StructuralVAR.from_links(
        {"X[t-1] -> X[t]": 0.5, "X[t-2] -> Y[t]": 0.7, "Z[t] -> Y[t]": -0.4, "Y[t-1] -> Z[t]": 0.3},
        function=function,
    )
    assert model.variables == ("X", "Y", "Z")
    drawn = model.sample(20_000, rng=0)
    x, y, z = drawn["X"], drawn["Y"], drawn["Z"]
    f = function or (lambda values: values)
    left = {
        "X": x[2:] - 0.5 * x[1:-1],
        "Y": y[2:] - 0.7 * f(x[:-2]) + 0.4 * f(z[2:]),
        "Z": z[2:] - 0.3 * f(y[1:-1]),
    }
    noise = as_array(left)
    assert np.abs(np.corrcoef(noise.T) - np.eye(3)).max() < 0.03
    assert noise.std(axis=0) == pytest.approx([1, 1, 1], abs=0.02)
    assert abs(np.corrcoef(noise[1:, 0], noise[:-1, 0])[0, 1]) < 0.03


def test_effects_are_those_of_a_pulse():
    """One unit more at one step, everything else drawn the same."""
    model = random_svar(4, max_lag=2, step_links=1.0, rng=1)
    effects = model.effects(6)
    start = np.zeros(4)
    now = np.linalg.inv(np.eye(4) - model.weights[0].T)
    for cause in range(4):
        path = [now @ (start + np.eye(4)[cause])]
        for _ in range(6):
            pulled = sum(
                model.weights[lag].T @ path[-lag]
                for lag in range(1, model.max_lag + 1)
                if lag <= len(path)
            )
            path.append(now @ pulled)
        np.testing.assert_allclose(effects[:, cause], path, atol=1e-12)


def test_what_is_written_is_the_graph():
    text = "X[t-1] -> X[t]; X[t] -> Y[t]; Y[t-3] -> X[t]"
    links = dict.fromkeys(text.split("; "), 0.2)
    assert StructuralVAR.from_links(links).graph == LaggedGraph.parse(text)


@pytest.mark.parametrize("noise", ["gaussian", "laplace", "uniform"])
def test_noise_has_variance_one_and_the_memory_it_is_given(noise):
    model = StructuralVAR.from_links({"X[t-1] -> Y[t]": 0.0}, noise=noise, noise_memory=0.6)
    x = model.sample(50_000, rng=0)["X"]
    assert x.var() == pytest.approx(1 / (1 - 0.36), rel=0.05)
    assert np.corrcoef(x[1:], x[:-1])[0, 1] == pytest.approx(0.6, abs=0.02)


def test_what_is_no_model_is_refused():
    with pytest.raises(InputError, match="2 links"):
        StructuralVAR.from_links({"X[t-1] -> Y[t] -> Z[t]": 0.5})
    with pytest.raises(GraphError):
        StructuralVAR.from_links({"Y[t] -> X[t-1]": 0.5})
    with pytest.raises(GraphError):
        StructuralVAR.from_links({"X[t] -> Y[t]": 0.5, "Y[t] -> X[t]": 0.5})
    with pytest.raises(NumericalError, match="ran away"):
        StructuralVAR.from_links({"X[t-1] -> X[t]": 1.5}).sample(300, rng=0)
    with pytest.raises(NumericalError, match="not linear"):
        random_svar(3, function=bent, rng=0).effects(2)
    with pytest.raises(InputError, match="shape"):
        StructuralVAR(("X",), np.zeros((2, 2, 2)))
