"""Small data sets in which the effect is known."""

from __future__ import annotations

import numpy as np


def linear(n, rng, *, effect=2.0, k=3, noise=1.0):
    """Continuous treatment, linear confounding."""
    X = rng.normal(size=(n, k))
    t = X @ np.linspace(1, 0.2, k) + rng.normal(size=n)
    y = (
        effect * t
        + X @ np.linspace(-1, 1, k)
        + noise * (1 + 0.5 * np.abs(X[:, 0])) * rng.normal(size=n)
    )
    return X, t, y


def binary(n, rng, *, k=3):
    """Binary treatment, effect 1 + x₁ (average 1 over everyone), logistic propensity."""
    X = rng.normal(size=(n, k))
    t = (rng.random(n) < 1 / (1 + np.exp(-(0.2 + 0.8 * X[:, 0] - 0.4 * X[:, 1])))).astype(float)
    y = t * (1 + X[:, 0]) + X[:, 0] + 0.5 * X[:, 1] + rng.normal(size=n)
    return X, t, y


def three_arms(n, rng):
    """Levels "a", "b", "c" with effects 0, 1, 3 against "a"."""
    X = rng.normal(size=(n, 2))
    scores = np.column_stack([np.zeros(n), 0.7 * X[:, 0], 0.5 * X[:, 1]])
    p = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    arm = (rng.random(n)[:, None] > p.cumsum(axis=1)).sum(axis=1)
    y = np.array([0.0, 1.0, 3.0])[arm] + X @ [1.0, -1.0] + rng.normal(size=n)
    return X, np.array(["a", "b", "c"])[arm], y
