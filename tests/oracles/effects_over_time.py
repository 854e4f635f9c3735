"""Effects in linear models of series, by algebra in a window that is long enough.

`weights[lag, cause, effect]` as everywhere. Nothing here knows of adjustment.
"""

from __future__ import annotations

import numpy as np

from causalkit.graph import Kind, LaggedGraph
from causalkit.graph.marks import ARROW, TAIL


def unrolled(weights, n_steps):
    """Weights `[i, j]` between the nodes of a window, the oldest step first."""
    n_lags, p, _ = weights.shape
    flat = np.zeros((n_steps, p, n_steps, p))
    for start in range(n_steps):
        for lag in range(min(n_lags, n_steps - start)):
            flat[start, :, start + lag] = weights[lag]
    return flat.reshape(n_steps * p, n_steps * p)


def total_effect(weights, held, effect, n_steps=12):
    """Of one unit more of all nodes `held`, (series, lag) each, on a series now.

    What is held no longer listens to its causes; then a unit is sent down every path.
    """
    p = weights.shape[1]
    flat = unrolled(weights, n_steps)
    nodes = [(n_steps - 1 - lag) * p + k for k, lag in held]
    flat[:, nodes] = 0
    sent = np.linalg.inv(np.eye(len(flat)) - flat)
    return float(sent[nodes, (n_steps - 1) * p + effect].sum())


def covariance(weights, n_steps, burn_in=80):
    """Of all nodes of a window of the stationary process with noises of variance 1."""
    p = weights.shape[1]
    mixing = np.linalg.inv(np.eye((n_steps + burn_in) * p) - unrolled(weights, n_steps + burn_in))
    last = mixing[:, -n_steps * p :]
    return last.T @ last


def regression(cov, p, outcome, columns):
    """Coefficients of columns (series, lag) in the population regression of `outcome`."""
    n_steps = len(cov) // p

    def at(node):
        return (n_steps - 1 - node[1]) * p + node[0]

    x, y = [at(node) for node in columns], at(outcome)
    return np.linalg.lstsq(cov[np.ix_(x, x)], cov[x, y], rcond=None)[0]


def random_weights(rng, p, max_lag, share=0.25):
    """Of a stationary model: most of them zero."""
    while True:
        weights = rng.uniform(0.2, 0.7, (max_lag + 1, p, p)) * rng.choice(
            [-1, 1], (max_lag + 1, p, p)
        )
        weights[rng.random(weights.shape) > share] = 0
        place = rng.permutation(p)
        weights[0][place[:, None] >= place] = 0
        companion = np.zeros((p * max_lag, p * max_lag))
        now = np.linalg.inv(np.eye(p) - weights[0])
        for lag in range(1, max_lag + 1):
            companion[:p, (lag - 1) * p : lag * p] = (weights[lag] @ now).T
        companion[p:, :-p] = np.eye(p * (max_lag - 1))
        if np.abs(np.linalg.eigvals(companion)).max() < 0.85:
            return weights


def graph_of(weights, names):
    linked = weights != 0
    return LaggedGraph.from_marks(names, linked * TAIL, linked * ARROW, Kind.DAG)
