"""Minimise a smooth function plus an l1 penalty: orthant-wise quasi-Newton (OWL-QN).

Within one orthant the penalty is linear, so a step of L-BFGS may be taken there: along a direction
that agrees in sign with steepest descent, and cut off where a coordinate would change its sign. So
coordinates become 0 to the last bit. The function may be infinite outside of some domain; a step
that leads there is halved until it does not.

References
----------
Andrew and Gao (2007), "Scalable training of L1-regularized log-linear models", ICML,
doi:10.1145/1273496.1273501.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np

from causalkit.typing import FloatArray

__all__ = ["Minimum", "minimise"]

Smooth: TypeAlias = Callable[[FloatArray], tuple[float, FloatArray]]

_MEMORY: Final = 10
_SHRINK: Final = 60
"""Halvings of a step after which there is nothing left to gain."""


@dataclass(frozen=True, slots=True, eq=False)
class Minimum:
    """Where a search came to rest.

    Attributes
    ----------
    x : ndarray of shape (n,)
    value : float
        Of the function plus the penalty.
    converged : bool
        Whether it stopped because there was nothing more to gain.
    """

    x: FloatArray
    value: float
    converged: bool


def minimise(
    smooth: Smooth,
    start: FloatArray,
    penalty: FloatArray,
    *,
    max_iter: int,
    tolerance: float,
) -> Minimum:
    """Minimise `smooth(x) + penalty @ abs(x)` from a start where `smooth` is finite.

    Parameters
    ----------
    smooth : callable
        Value and gradient; the value may be infinite, and the gradient is then not looked at.
    start, penalty : ndarray of shape (n,)
    max_iter : int
        Most steps.
    tolerance : float
        Stop when a step gains less than this share of the value.
    """
    x = start
    value, gradient = smooth(x)
    value += float(penalty @ np.abs(x))
    pairs: deque[tuple[FloatArray, FloatArray]] = deque(maxlen=_MEMORY)
    for _ in range(max_iter):
        slope = _steepest(x, gradient, penalty)
        direction = -_times_inverse_hessian(slope, pairs)
        direction[direction * slope >= 0] = 0.0
        found = _step(smooth, x, value, slope, direction, penalty, first=not pairs)
        if found is None and pairs:  # what was remembered of the curvature may be at fault
            pairs.clear()
            found = _step(smooth, x, value, slope, -slope, penalty, first=True)
        if found is None:
            return Minimum(x, value, True)
        x_new, value_new, gradient_new = found
        moved, turned = x_new - x, gradient_new - gradient
        if moved @ turned > 1e-10 * np.sqrt((moved @ moved) * (turned @ turned)):
            pairs.append((moved, turned))
        gain = value - value_new
        x, value, gradient = x_new, value_new, gradient_new
        if gain <= tolerance * max(1.0, abs(value)):
            return Minimum(x, value, True)
    return Minimum(x, value, False)


def _steepest(x: FloatArray, gradient: FloatArray, penalty: FloatArray) -> FloatArray:
    """The element of the subdifferential that is closest to 0."""
    at_zero = np.sign(gradient) * np.maximum(np.abs(gradient) - penalty, 0.0)
    return np.where(x != 0, gradient + penalty * np.sign(x), at_zero)


def _times_inverse_hessian(
    slope: FloatArray, pairs: deque[tuple[FloatArray, FloatArray]]
) -> FloatArray:
    """The two loops of L-BFGS."""
    q, weights = slope.copy(), []
    for s, y in reversed(pairs):
        weights.append((s @ q) / (s @ y))
        q -= weights[-1] * y
    if pairs:
        s, y = pairs[-1]
        q *= (s @ y) / (y @ y)
    for (s, y), weight in zip(pairs, reversed(weights), strict=True):
        q += (weight - (y @ q) / (s @ y)) * s
    return q


def _step(
    smooth: Smooth,
    x: FloatArray,
    value: float,
    slope: FloatArray,
    direction: FloatArray,
    penalty: FloatArray,
    *,
    first: bool,
) -> tuple[FloatArray, float, FloatArray] | None:
    """Halve the step until it gains enough (Armijo); None if none does."""
    orthant = np.where(x != 0, np.sign(x), -np.sign(slope))
    size = min(1.0, 1.0 / max(float(np.abs(slope).sum()), 1e-300)) if first else 1.0
    for _ in range(_SHRINK):
        there = x + size * direction
        there[there * orthant < 0] = 0.0
        promised = float(slope @ (there - x))
        if promised >= 0:  # the step is lost in rounding
            return None
        value_there, gradient = smooth(there)
        value_there += float(penalty @ np.abs(there))
        if value_there <= value + 1e-4 * promised:
            return there, value_there, gradient
        size *= 0.5
    return None
