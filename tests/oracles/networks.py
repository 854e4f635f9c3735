"""What networks leave and what NOTEARS-MLP minimises, one number at a time."""

from __future__ import annotations

import numpy as np
from scipy.special import expit

from tests.oracles.continuous import circles


def expected(layers, row: np.ndarray, j: int) -> float:
    """What network j says of a row."""
    (first, bias), *later = layers
    width = first.shape[2]
    units = [
        bias[j, k] + sum(row[i] * first[i, j, k] for i in range(len(row))) for k in range(width)
    ]
    for weights, bias in later:
        seen = expit(np.array(units))
        units = [
            bias[j, o] + sum(seen[k] * weights[j, k, o] for k in range(len(seen)))
            for o in range(weights.shape[2])
        ]
    (only,) = units
    return only


def lagrangian(layers, values, *, penalty, ridge, rho, alpha) -> float:
    """Half the mean squares + penalties + the price of circles, as in the paper's equation 15."""
    n, p = values.shape
    loss = sum((row[j] - expected(layers, row, j)) ** 2 for row in values for j in range(p)) / n / 2
    first = layers[0][0]
    norms = np.array([[np.linalg.norm(first[i, j]) for j in range(p)] for i in range(p)])
    h = circles(norms)
    size = sum(float((weights**2).sum()) for weights, _ in layers)
    price = rho / 2 * h**2 + alpha * h
    return loss + penalty * np.abs(first).sum() + ridge / 2 * size + price
