"""Small neural networks as arrays: a line, and layers of tanh units on what the line leaves over.

The network is fitted by scikit-learn and copied out, so a fitted mechanism holds arrays and nothing
else. Its inputs and its output are in standard units while it is fitted, and the units are folded
into the first and the last layer afterwards. Units saturate, so far out the line alone goes on:
series that are run on by such a function do not explode unless the line does.

How much the weights are shrunk is chosen on a quarter of the rows that is held out, and if no
network predicts them better than the line, the line it is.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from causalkit._core.checks import check_positive, check_widths
from causalkit._core.random import as_generator, draw_seed
from causalkit.errors import InputError
from causalkit.typing import FloatArray, RandomState

__all__ = ["Network", "fit_network"]

_PENALTIES: Final = (0.1, 1.0, 10.0)
_FEWEST_ROWS: Final = 40
_STEPS: Final = 200


@dataclass(frozen=True, slots=True, eq=False)
class Network:
    """A line plus layers of tanh units.

    Attributes
    ----------
    slopes : ndarray of shape (k,)
    intercept : float
    weights : tuple of ndarray
        From each layer to the next, shapes (k, h_1), (h_1, h_2), ..., (h_m, 1); empty for a line.
    biases : tuple of ndarray
        As many; shapes (h_1,), ..., (1,).

    Examples
    --------
    >>> bend = Network(np.zeros(1), 1.0, (np.eye(1), np.full((1, 1), 2.0)), (np.zeros(1),) * 2)
    >>> bend(np.array([[0.0], [100.0]]))
    array([1., 3.])
    """

    slopes: FloatArray
    intercept: float
    weights: tuple[FloatArray, ...] = ()
    biases: tuple[FloatArray, ...] = ()

    def __call__(self, causes: FloatArray) -> FloatArray:
        """Value of rows of shape (n, k), shape (n,)."""
        value: FloatArray = causes @ self.slopes + self.intercept
        if not self.weights:
            return value
        layer = causes
        for weights, bias in zip(self.weights[:-1], self.biases[:-1], strict=True):
            layer = np.tanh(layer @ weights + bias)
        bent: FloatArray = value + (layer @ self.weights[-1] + self.biases[-1])[:, 0]
        return bent


def fit_network(
    causes: FloatArray,
    y: FloatArray,
    *,
    hidden_units: Sequence[int] = (16,),
    penalty: float | None = None,
    rng: RandomState = None,
) -> Network:
    """Fit a network for a mean.

    Parameters
    ----------
    causes : ndarray of shape (n, k)
        k may be 0.
    y : ndarray of shape (n,)
    hidden_units : sequence of int
        Width of each hidden layer.
    penalty : float, optional
        Of the squared weights, in standard units and rows; if left out, 0.1, 1, 10 or no network at
        all, whatever predicts a held-out quarter of the rows best.
    rng : int, Generator or None
        First weights, and which rows are held out.

    Returns
    -------
    Network

    Raises
    ------
    InputError
        If there are fewer than 40 rows, or a cell is missing.

    Examples
    --------
    >>> generator = np.random.default_rng(0)
    >>> x = generator.uniform(-2, 2, size=(500, 1))
    >>> y = x[:, 0] ** 2 + 0.1 * generator.normal(size=500)
    >>> fitted = fit_network(x, y, rng=0)
    >>> fitted(np.array([[-1.0], [0.0], [1.0]])).round(0) + 0.0
    array([1., 0., 1.])
    """
    widths = check_widths(hidden_units)
    n, k = causes.shape
    if n < _FEWEST_ROWS or y.shape != (n,) or not np.isfinite(np.column_stack([causes, y])).all():
        raise InputError(
            f"causes of shape {causes.shape} and y of shape {y.shape}; expected as many of both, "
            f"at least {_FEWEST_ROWS} rows, and no cell missing. Use a line for fewer rows."
        )
    generator = as_generator(rng)
    centre: FloatArray = causes.mean(axis=0)
    scale: FloatArray = causes.std(axis=0)
    scale[scale <= 1e-12 * (1 + np.abs(centre))] = 1.0
    Z = (causes - centre) / scale
    seed = draw_seed(generator)
    if penalty is None:
        held = generator.permutation(n) < n // 4
        penalty = _best_penalty(Z, y, held, widths, seed) if k else None
    else:
        check_positive(penalty, "penalty")
    line = _line(Z, y)
    layers: tuple[list[FloatArray], list[FloatArray]] = [], []
    if penalty is not None and k:
        layers = _layers(Z, y - _at_line(line, Z), widths, penalty, seed)
    weights, biases = layers
    if weights:
        biases[0] = biases[0] - (centre / scale) @ weights[0]
        weights[0] = np.asarray(weights[0] / scale[:, None], dtype=np.float64)
    slopes: FloatArray = line[1:] / scale
    return Network(slopes, float(line[0] - slopes @ centre), tuple(weights), tuple(biases))


def _line(Z: FloatArray, y: FloatArray) -> FloatArray:
    """Intercept and slopes by least squares."""
    X = np.column_stack([np.ones(len(Z)), Z])
    return np.asarray(np.linalg.lstsq(X, y, rcond=None)[0], dtype=np.float64)


def _at_line(line: FloatArray, Z: FloatArray) -> FloatArray:
    value: FloatArray = line[0] + Z @ line[1:]
    return value


def _best_penalty(
    Z: FloatArray, y: FloatArray, held: Any, widths: tuple[int, ...], seed: int
) -> float | None:
    """The penalty with the smallest held-out error, or None if that of the line is smaller."""
    line = _line(Z[~held], y[~held])
    left = y - _at_line(line, Z)
    best, least = None, float(np.mean(left[held] ** 2))
    nothing = np.zeros(Z.shape[1])
    for penalty in _PENALTIES:
        weights, biases = _layers(Z[~held], left[~held], widths, penalty, seed)
        found = Network(nothing, 0.0, tuple(weights), tuple(biases))(Z[held])
        error = float(np.mean((left[held] - found) ** 2))
        if error < least:
            best, least = penalty, error
    return best


def _layers(
    Z: FloatArray, y: FloatArray, widths: tuple[int, ...], penalty: float, seed: int
) -> tuple[list[FloatArray], list[FloatArray]]:
    """Weights and biases, in the units of y; none where y does not vary."""
    unit = float(y.std())
    if not unit > 0:
        return [], []
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPRegressor

    network = MLPRegressor(
        hidden_layer_sizes=widths,
        activation="tanh",
        solver="lbfgs",
        alpha=penalty,
        max_iter=_STEPS,
        random_state=seed,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # stopping early shrinks as well
        network.fit(Z, y / unit)
    weights = [np.array(w, dtype=np.float64) for w in network.coefs_]
    biases = [np.array(b, dtype=np.float64) for b in network.intercepts_]
    weights[-1], biases[-1] = weights[-1] * unit, biases[-1] * unit
    return weights, biases
