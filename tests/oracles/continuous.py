"""Slow and obvious versions of what continuous algorithms and sortability rest on."""

from __future__ import annotations

from math import factorial

import numpy as np
from scipy.optimize import minimize


def circles(weights: np.ndarray) -> float:
    """Trace of the power series of exp(W∘W), without the identity."""
    square, power, total = weights**2, np.eye(len(weights)), 0.0
    for k in range(1, 60):
        power = power @ square
        total += np.trace(power) / factorial(k)
    return total


def slope(function, at: np.ndarray, step: float = 1e-6) -> np.ndarray:
    """Gradient by central differences, coordinate by coordinate."""
    found = np.zeros_like(at)
    for k in np.ndindex(at.shape):
        move = np.zeros_like(at)
        move[k] = step
        found[k] = (function(at + move) - function(at - move)) / (2 * step)
    return found


def split_minimum(smooth, start: np.ndarray, penalty: np.ndarray) -> np.ndarray:
    """Smooth function plus l1 penalty by L-BFGS-B, each coordinate split into two of one sign."""

    def both(z):
        x = z[: len(start)] - z[len(start) :]
        value, gradient = smooth(x)
        return value + penalty @ (z[: len(start)] + z[len(start) :]), np.concatenate(
            [gradient + penalty, penalty - gradient]
        )

    z = np.concatenate([np.maximum(start, 0), np.maximum(-start, 0)])
    found = minimize(
        both, z, jac=True, bounds=[(0, None)] * len(z), options={"maxiter": 5000, "ftol": 1e-15}
    ).x
    return found[: len(start)] - found[len(start) :]


def sorted_share(directed: np.ndarray, numbers: np.ndarray) -> float:
    """Share of (start, end, length) of directed paths, listed one by one, along which it rises."""
    met = set()

    def walk(start: int, at: int, length: int) -> None:
        for j in np.flatnonzero(directed[at]).tolist():
            if (start, j, length) not in met:
                met.add((start, j, length))
                walk(start, j, length + 1)

    for i in range(len(directed)):
        walk(i, i, 1)
    right = sum(
        1.0 if numbers[i] < numbers[j] else 0.5 * (numbers[i] == numbers[j]) for i, j, _ in met
    )
    return right / len(met) if met else float("nan")
