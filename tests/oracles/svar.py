"""Structural models of series: drawn at random, unrolled, and solved by trying every order."""

from __future__ import annotations

from itertools import permutations

import numpy as np

from causalkit.graph import LaggedGraph
from tests.oracles.continuous import split_minimum
from tests.oracles.lingam import total_effects


def random_weights(
    rng: np.random.Generator, p: int, max_lag: int, share: float = 0.3
) -> np.ndarray:
    """Coefficients `[lag, cause, effect]` of a stationary model; column order says nothing."""
    while True:
        shape = (max_lag + 1, p, p)
        weights = rng.uniform(0.3, 0.6, shape) * rng.choice([-1, 1], shape)
        weights *= rng.random(shape) < share
        order = rng.permutation(p)
        place = np.argsort(order)
        weights[0] *= place[:, None] < place
        inverse = np.linalg.inv(np.eye(p) - weights[0])
        companion = np.zeros((p * max_lag, p * max_lag))
        for lag in range(1, max_lag + 1):
            companion[:p, (lag - 1) * p : lag * p] = (weights[lag] @ inverse).T
        companion[p:, :-p] = np.eye(p * (max_lag - 1))
        if np.abs(np.linalg.eigvals(companion)).max() < 0.9:
            return weights


def simulate(
    rng: np.random.Generator, weights: np.ndarray, n: int, noise: str = "laplace"
) -> np.ndarray:
    """Draw n steps of x_t = Σ x_{t-l} B_l + e_t."""
    n_lags, p, _ = weights.shape
    total = n + 200
    draws = {
        "laplace": lambda: rng.laplace(size=(total, p)),
        "uniform": lambda: rng.uniform(-2, 2, size=(total, p)),
        "skewed": lambda: rng.exponential(size=(total, p)),
        "gaussian": lambda: rng.normal(size=(total, p)),
    }[noise]()
    inverse = np.linalg.inv(np.eye(p) - weights[0])
    values = np.zeros((total, p))
    for t in range(n_lags - 1, total):
        past = sum(values[t - lag] @ weights[lag] for lag in range(1, n_lags))
        values[t] = (past + draws[t]) @ inverse
    return values[200:]


def columns_of(values: np.ndarray, max_lag: int) -> np.ndarray:
    """Now, and each lag, side by side."""
    n = len(values)
    return np.hstack([values[max_lag - lag : n - lag] for lag in range(max_lag + 1)])


def unrolled_effects(weights: np.ndarray, horizon: int) -> np.ndarray:
    """Total effects `[steps, cause, effect]` by listing paths in a long enough window."""
    n_lags, p, _ = weights.shape
    n_steps = horizon + 1
    flat = np.zeros((n_steps, p, n_steps, p))
    for start in range(n_steps):
        for lag in range(min(n_lags, n_steps - start)):
            flat[start, :, start + lag] = weights[lag]
    found = total_effects(flat.reshape(n_steps * p, n_steps * p))
    return found.reshape(n_steps, p, n_steps, p)[0].transpose(1, 0, 2)


def as_graph(names: list[str], weights: np.ndarray) -> LaggedGraph:
    """Edges where a coefficient is not 0."""
    edges = [((names[i], lag), names[j]) for lag, i, j in np.argwhere(weights)]
    return LaggedGraph(names, edges, max_lag=len(weights) - 1, kind="DAG")


def penalised_loss(
    covariance: np.ndarray, weights: np.ndarray, penalty: float, lagged_penalty: float
) -> float:
    """What DYNOTEARS minimises, of weights with a row for each column of `covariance`."""
    p = weights.shape[1]
    rest = np.eye(len(weights), p) - weights
    size = penalty * np.abs(weights[:p]).sum() + lagged_penalty * np.abs(weights[p:]).sum()
    return float(0.5 * np.trace(rest.T @ covariance @ rest) + size)


def best_of_all_orders(
    covariance: np.ndarray, p: int, penalty: float, lagged_penalty: float
) -> float:
    """Global minimum over DAGs: for each order of the series a lasso, which is convex."""
    least = np.inf
    for order in permutations(range(p)):
        total = 0.0
        for place, j in enumerate(order):
            causes = np.array([*order[:place], *range(p, len(covariance))])
            gram, cross = covariance[np.ix_(causes, causes)], covariance[causes, j]

            def smooth(x, gram=gram, cross=cross, j=j):
                value = 0.5 * (covariance[j, j] - 2 * cross @ x + x @ gram @ x)
                return value, gram @ x - cross

            price = np.where(causes < p, penalty, lagged_penalty)
            x = split_minimum(smooth, np.zeros(len(causes)), price)
            total += smooth(x)[0] + price @ np.abs(x)
        least = min(least, total)
    return least
