"""Processes with known moments, for the tests of this folder."""

from __future__ import annotations

import numpy as np

CHAIN = np.array([[0.6, 0.0, 0.0], [0.5, 0.4, 0.0], [0.0, -0.5, 0.5]])
"""`[effect, cause]` of a VAR(1)."""


def autoregression(n, weights, rng, noise=None, burn_in=100):
    """Rows of a VAR(1) with standard normal noise, or the noise given by `noise(size)`."""
    p = len(weights)
    shock = (rng.normal if noise is None else noise)(size=(n + burn_in, p))
    values = np.zeros((n + burn_in, p))
    for t in range(1, n + burn_in):
        values[t] = weights @ values[t - 1] + shock[t]
    return values[burn_in:]
