"""Networks of neural Granger causality by loops, one network and one step at a time, with NumPy."""

from __future__ import annotations

import numpy as np


def _sigmoid(x: np.ndarray) -> np.ndarray:
    return 1.0 / (1.0 + np.exp(-x))


def perceptron(past: np.ndarray, first: np.ndarray, layers: list, bias: np.ndarray) -> np.ndarray:
    """Forecasts of one cMLP; past (n, p, lags), first (p, lags, units), layers of (W, b)."""
    units = np.array([sum(row[i] @ first[i] for i in range(len(first))) for row in past]) + bias
    for weights, shift in layers:
        units = np.tanh(units) @ weights + shift
    return units[:, 0]


def long_memory(past: np.ndarray, parts: list) -> np.ndarray:
    """Forecasts of one cLSTM (Hochreiter and Schmidhuber 1997, with the gates of Gers et al.)."""
    inputs, recurrent, bias, last, shift = parts
    found = []
    for row in past:
        state = memory = np.zeros(recurrent.shape[0])
        for now in row.T[::-1]:  # the most distant lag first
            i, f, g, o = np.split(now @ inputs + state @ recurrent + bias, 4)
            memory = _sigmoid(f) * memory + _sigmoid(i) * np.tanh(g)
            state = _sigmoid(o) * np.tanh(memory)
        found.append(state @ last + shift)
    return np.array(found)


def nested_shrinkage(v: np.ndarray, size: float, steps: int = 3000) -> np.ndarray:
    """Minimise |w - v|² / 2 + size * sum over l of |w[l:]| by ascent in its dual, v (lags, units).

    w is v less the sum of one vector a group, each no longer than `size` (Jenatton et al. 2011).
    """
    pulls = np.zeros((len(v), *v.shape))
    for _ in range(steps):
        for lag in range(len(v)):
            rest = v - pulls.sum(axis=0) + pulls[lag]
            rest[:lag] = 0.0
            pulls[lag] = rest * min(1.0, size / max(np.linalg.norm(rest), 1e-300))
    return v - pulls.sum(axis=0)
