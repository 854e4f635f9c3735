"""Chaotic systems, step by step."""

from __future__ import annotations

from causalkit._core.jit import inner_kernel, kernel
from causalkit.typing import FloatArray

__all__ = ["run_logistic_maps", "run_lorenz96"]


@inner_kernel
def _lorenz96_rate(x: FloatArray, forcing: float, rate: FloatArray) -> None:
    """dx_i/dt = (x_{i+1} - x_{i-2}) x_{i-1} - x_i + forcing, on a ring."""
    p = len(x)
    for i in range(p):
        rate[i] = (x[(i + 1) % p] - x[(i - 2) % p]) * x[(i - 1) % p] - x[i] + forcing


@kernel
def run_lorenz96(
    values: FloatArray,
    noise: FloatArray,
    forcing: float,
    dt: float,
    runge_kutta: bool,
    work: FloatArray,
) -> None:
    """Fill `values` (n, p) from row 1 on: a step of the scheme, and `noise`. Work: (5, p)."""
    n, p = values.shape
    at, first, second, third, fourth = work[0], work[1], work[2], work[3], work[4]
    for t in range(1, n):
        for i in range(p):
            at[i] = values[t - 1, i]
        _lorenz96_rate(at, forcing, first)
        if runge_kutta:
            for i in range(p):
                at[i] = values[t - 1, i] + 0.5 * dt * first[i]
            _lorenz96_rate(at, forcing, second)
            for i in range(p):
                at[i] = values[t - 1, i] + 0.5 * dt * second[i]
            _lorenz96_rate(at, forcing, third)
            for i in range(p):
                at[i] = values[t - 1, i] + dt * third[i]
            _lorenz96_rate(at, forcing, fourth)
            for i in range(p):
                first[i] = (first[i] + 2.0 * (second[i] + third[i]) + fourth[i]) / 6.0
        for i in range(p):
            values[t, i] = values[t - 1, i] + dt * first[i] + noise[t, i]


@kernel
def run_logistic_maps(
    values: FloatArray, noise: FloatArray, rates: FloatArray, couplings: FloatArray
) -> None:
    """Fill `values` (n, p) from row 1 on; couplings are (cause, effect)."""
    n, p = values.shape
    for t in range(1, n):
        for j in range(p):
            slowed = rates[j] * (1.0 - values[t - 1, j])
            for i in range(p):
                slowed -= couplings[i, j] * values[t - 1, i]
            x = abs(values[t - 1, j] * slowed + noise[t, j]) % 2.0
            values[t, j] = 2.0 - x if x > 1.0 else x
