"""One small network a variable, side by side: residual variances, and how they follow the weights.

Network j reads all variables that may cause variable j and says what to expect of it: sigmoid
layers, then a sum. All p networks have the same widths, so that a layer is one array. The first
layer decides on the edges: with F[i, j] the weights that lead from variable i into the units of
network j, i is no cause of j if they are all 0. So the squares of the norms, `squares`, stand where
the squares of the weights of a linear model do.

`residual_variances` is NumPy, on a processor no slower than torch, which has to note down what it
does in order to follow it back; `_torch_networks.py` is the same on another device.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, TypeAlias

import numpy as np

from causalkit.discovery.continuous._l1_search import Minimum, Smooth, minimise
from causalkit.typing import BoolArray, FloatArray

__all__ = ["Layers", "Networks", "Variances", "residual_variances"]

Layers: TypeAlias = list[tuple[FloatArray, FloatArray]]
"""Weights and biases: (p, p, m) and (p, m), the first from variable i into network j at [i, j];
then (p, m, m') and (p, m'), the last with m' = 1."""

Pull: TypeAlias = Callable[[FloatArray], Layers]
"""From the gradient with respect to the variances to that with respect to the layers."""

Variances: TypeAlias = Callable[[Layers, FloatArray], tuple[FloatArray, Pull]]

_TOLERANCE: Final = 1e-7
"""Share of the value: steps that gain less take long and lead to the same graph."""


@dataclass(frozen=True, slots=True, eq=False)
class Networks:
    """Networks to be fitted to a table; the numbers that are free are one long array x.

    Attributes
    ----------
    values : ndarray of shape (n_rows, p)
    free : ndarray of bool, shape (p, p)
        Edges that may be; the first layer has no weights for others.
    penalised : ndarray of bool, shape (p, p)
        Edges that the l1 penalty counts.
    hidden : tuple of int
        Widths of the hidden layers.
    max_iter : int
    variances : callable
        Computes residual variances: here, or on another device.
    """

    values: FloatArray
    free: BoolArray
    penalised: BoolArray
    hidden: tuple[int, ...]
    max_iter: int
    variances: Variances

    def layers(self, x: FloatArray) -> Layers:
        """Cut x into layers."""
        p, width = len(self.free), self.hidden[0]
        first = np.zeros((p, p, width))
        at = int(self.free.sum()) * width
        first[self.free] = x[:at].reshape(-1, width)
        parts = [first]
        for shape in self._shapes():
            size = int(np.prod(shape))
            parts.append(x[at : at + size].reshape(shape))
            at += size
        return list(zip(parts[::2], parts[1::2], strict=True))

    def joined(self, layers: Layers) -> FloatArray:
        """Join layers, or their gradients, to one array."""
        (first, bias), *later = layers
        parts = [first[self.free], bias, *(part for layer in later for part in layer)]
        return np.concatenate([part.ravel() for part in parts])

    def start(self, rng: np.random.Generator) -> FloatArray:
        """Draw a start: all numbers uniform, at most 1 over the root of the number of inputs."""
        p, (width, *_) = len(self.free), self.hidden
        shapes = [(int(self.free.sum()), width), *self._shapes()]
        inputs = [p, *self.hidden]
        drawn = [
            rng.uniform(-1.0, 1.0, shape) / np.sqrt(inputs[k // 2])
            for k, shape in enumerate(shapes)
        ]
        return np.concatenate([part.ravel() for part in drawn])

    def squares(self, x: FloatArray) -> FloatArray:
        """Squares of the norms of the first layer, shape (p, p)."""
        first = self.layers(x)[0][0]
        return np.asarray(np.einsum("ijk,ijk->ij", first, first))

    def smooth(
        self,
        loss: Callable[[FloatArray], tuple[float, FloatArray]],
        circles: Callable[[FloatArray], tuple[float, FloatArray]],
        ridge: float,
    ) -> Smooth:
        """Loss of the variances + `circles` of the squares + ridge / 2 of all squared weights.

        Both callables return a value and its gradient; that of `circles` may be infinite.
        """

        def function(x: FloatArray) -> tuple[float, FloatArray]:
            layers = self.layers(x)
            first = layers[0][0]
            h, slope_h = circles(np.einsum("ijk,ijk->ij", first, first))
            if not np.isfinite(h):
                return np.inf, x
            variances, pull = self.variances(layers, self.values)
            fit, slope = loss(variances)
            gradients = pull(slope)
            gradient_first = gradients[0][0]
            gradient_first += 2.0 * slope_h[:, :, None] * first
            size = 0.0
            for (weights, _), (gradient, _) in zip(layers, gradients, strict=True):
                size += float(np.vdot(weights, weights))
                gradient += ridge * weights
            return fit + h + 0.5 * ridge * size, self.joined(gradients)

        return function

    def search(self, smooth: Smooth, start: FloatArray, penalty: float) -> Minimum:
        """Minimise a function of x, plus the penalty on the size of the first layer."""
        width = self.hidden[0]
        prices = np.zeros(len(start))
        counted = np.repeat(self.penalised[self.free], width)
        prices[: len(counted)] = penalty * counted
        return minimise(smooth, start, prices, max_iter=self.max_iter, tolerance=_TOLERANCE)

    def _shapes(self) -> list[tuple[int, ...]]:
        """Of all that comes after the weights of the first layer."""
        p = len(self.free)
        shapes: list[tuple[int, ...]] = [(p, self.hidden[0])]
        for width, following in pairwise((*self.hidden, 1)):
            shapes += [(p, width, following), (p, following)]
        return shapes


def residual_variances(layers: Layers, values: FloatArray) -> tuple[FloatArray, Pull]:
    """Mean squares of what the networks leave of each variable, and their gradients.

    Parameters
    ----------
    layers : list of (weights, biases)
    values : ndarray of shape (n_rows, p)

    Returns
    -------
    variances : ndarray of shape (p,)
    pull : callable
    """
    n, p = values.shape
    (first, bias), *later = layers
    units = (values @ first.reshape(p, -1) + bias.ravel()).reshape(n, p, -1)
    seen = []
    for weights, bias in later:
        seen.append(_sigmoid(units))
        units = _apply(seen[-1], weights) + bias
    left = units[:, :, 0] - values
    variances = np.einsum("np,np->p", left, left) / n

    def pull(slope: FloatArray) -> Layers:
        back = (left * (2.0 / n * slope))[:, :, None]
        found: Layers = []
        for (weights, _), units in zip(reversed(later), reversed(seen), strict=True):
            found.append((_products(units, back), back.sum(axis=0)))
            bend = units * units
            np.subtract(units, bend, out=bend)  # the slope of the sigmoid
            bend *= _apply(back, weights.transpose(0, 2, 1))
            back = bend
        flat = back.reshape(n, -1)
        found.append(((values.T @ flat).reshape(first.shape), back.sum(axis=0)))
        return found[::-1]

    return variances, pull


def _sigmoid(units: FloatArray) -> FloatArray:
    """1 / (1 + exp(-units)), in place."""
    with np.errstate(over="ignore"):
        np.exp(np.negative(units, out=units), out=units)
    units += 1.0
    return np.reciprocal(units, out=units)


def _apply(units: FloatArray, weights: FloatArray) -> FloatArray:
    """(n, p, m) by (p, m, o) to (n, p, o)."""
    if weights.shape[1] == 1:
        return np.asarray(units * weights[:, 0])
    if weights.shape[2] == 1:
        return np.asarray(np.einsum("npm,pm->np", units, weights[:, :, 0])[:, :, None])
    return np.asarray(np.matmul(units.transpose(1, 0, 2), weights).transpose(1, 0, 2))


def _products(units: FloatArray, back: FloatArray) -> FloatArray:
    """(n, p, m) and (n, p, o) to (p, m, o), summed over n."""
    if back.shape[2] == 1:
        return np.asarray(np.einsum("npm,np->pm", units, back[:, :, 0])[:, :, None])
    return np.asarray(np.matmul(units.transpose(1, 2, 0), back.transpose(1, 0, 2)))
