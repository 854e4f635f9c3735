"""Networks as arrays: the same values as the network that was fitted, and a line where one is."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from causalkit.errors import InputError
from causalkit.models.mechanisms.base import Function
from causalkit.models.mechanisms.networks import Network, _layers, fit_network


def bent(n, seed):
    rng = np.random.default_rng(seed)
    causes = rng.normal(size=(n, 2)) * [1.0, 50.0] + [0.0, 1000.0]
    y = 2 * np.sin(2 * causes[:, 0]) + 0.02 * causes[:, 1] + 0.3 * rng.normal(size=n)
    return causes, y


def test_copied_layers_predict_what_scikit_learn_does():
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPRegressor

    rng = np.random.default_rng(0)
    Z, y = rng.normal(size=(200, 3)), rng.normal(size=200)
    y /= y.std()
    weights, biases = _layers(Z, y, (5, 4), 1.0, 7)
    copied = Network(np.zeros(3), 0.0, tuple(weights), tuple(biases))
    peer = MLPRegressor(
        hidden_layer_sizes=(5, 4),
        activation="tanh",
        solver="lbfgs",
        alpha=1.0,
        max_iter=200,
        random_state=7,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        peer.fit(Z, y)
    np.testing.assert_allclose(copied(Z), peer.predict(Z), rtol=1e-9, atol=1e-12)


def test_it_finds_the_curve_in_any_units():
    causes, y = bent(1500, 1)
    fitted = fit_network(causes, y, rng=0)
    assert isinstance(fitted, Function)
    new, seen = bent(1000, 2)
    assert np.mean((seen - fitted(new)) ** 2) < 1.3 * 0.3**2
    scaled = fit_network(1e3 * causes, 10 * y, rng=0)
    np.testing.assert_allclose(scaled(1e3 * new), 10 * fitted(new), atol=2.0)


def test_a_line_stays_a_line_and_goes_on_far_out():
    rng = np.random.default_rng(3)
    causes = rng.normal(size=(400, 2))
    y = causes @ [1.0, -2.0] + 3 + rng.normal(size=400)
    fitted = fit_network(causes, y, rng=1)
    far = fitted(np.array([[1e4, 0.0], [0.0, 1e4]])) / 1e4
    np.testing.assert_allclose(far, [1.0, -2.0], atol=0.2)


def test_the_same_seed_gives_the_same_network():
    causes, y = bent(200, 4)
    one, other = (fit_network(causes, y, penalty=1.0, rng=5) for _ in range(2))
    np.testing.assert_array_equal(one(causes), other(causes))
    assert len(one.weights) == 2


def test_roots_constants_and_exact_lines_are_lines():
    rng = np.random.default_rng(6)
    y = rng.normal(size=100)
    root = fit_network(np.empty((100, 0)), y, rng=0)
    np.testing.assert_allclose(root(np.empty((2, 0))), y.mean())
    constant = fit_network(np.ones((100, 1)), y, rng=0)
    np.testing.assert_allclose(constant(np.ones((1, 1))), y.mean(), atol=1e-3)
    flat = fit_network(y[:, None], np.zeros(100), penalty=1.0, rng=0)
    assert flat.weights == ()


def test_bad_input_is_refused():
    causes, y = bent(50, 7)
    for bad in ((causes[:20], y[:20]), (causes, y[:20]), (causes * np.nan, y)):
        with pytest.raises(InputError, match="Use a line"):
            fit_network(*bad)
    with pytest.raises(InputError, match="penalty"):
        fit_network(causes, y, penalty=-1.0)
    with pytest.raises(InputError, match="hidden_units"):
        fit_network(causes, y, hidden_units=())
