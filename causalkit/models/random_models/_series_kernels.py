"""Recursions over time: each series from what drives it, step by step.

Links are sorted by their effect: those into series j are `first[j]` to `first[j + 1] - 1`.
"""

from __future__ import annotations

from math import cos, isnan, tanh

from causalkit._core.jit import inner_kernel, kernel
from causalkit.typing import FloatArray, IntArray

__all__ = ["run_links"]

LINEAR, TANH, WAVES = 0, 1, 2


@inner_kernel
def _bent(x: float, shape: int, parameters: FloatArray) -> float:
    """Bounded function of a cause: rows of parameters are (height, frequency, phase)."""
    if shape == LINEAR:
        return x
    total = 0.0
    for k in range(parameters.shape[0]):
        inner = parameters[k, 1] * x + parameters[k, 2]
        total += parameters[k, 0] * (tanh(inner) if shape == TANH else cos(inner))
    return total


@kernel
def run_links(
    values: FloatArray,
    entering: FloatArray,
    held: FloatArray,
    start: int,
    order: IntArray,
    first: IntArray,
    causes: IntArray,
    lags: IntArray,
    shapes: IntArray,
    parameters: FloatArray,
    weights: FloatArray,
    regimes: IntArray,
) -> None:
    """Fill `values` (n, p) from row `start` on.

    `entering` (n, p) is all that is no link: noise, levels, drivers. Where `held` (n, p) is no NaN,
    it is the value. `weights[regimes[t]]` are the weights of the links at step t.
    """
    for t in range(start, values.shape[0]):
        row = regimes[t]
        for j in order:
            total = entering[t, j]
            for m in range(first[j], first[j + 1]):
                x = values[t - lags[m], causes[m]]
                total += weights[row, m] * _bent(x, shapes[m], parameters[m])
            values[t, j] = total if isnan(held[t, j]) else held[t, j]
