"""Tables on which tests of conditional independence are judged: X, Y, then the set that is given.

A design draws `n` rows of two variables that depend on `size` others and on nothing else; the
common part is always s, the sum of the set divided by the square root of its size::

    nonlinear      X = sin(1.5 s) + e1/2,   Y = cos(1.5 s) + e2/2
    linear         X = s + e1,              Y = ±s + e2          (the sign alternates with the seed)
    heavy-tailed   one of the two (alternating), with t(5) variables and t(3) noise

Given nothing, X and Y have these margins and are independent. An alternative adds to Y a bit of
what is X's own: `0.15 e1` ("linear") or `0.25 (e1² - 1) / √2` ("quadratic").
"""

from __future__ import annotations

import numpy as np

DESIGNS = ("nonlinear", "linear", "heavy-tailed")
EFFECTS = (None, "linear", "quadratic")


def draw(design: str, n: int, size: int, seed: int, effect: str | None = None) -> np.ndarray:
    """Columns X, Y, Z1, …, Zk, shape (n, 2 + size)."""
    rng = np.random.default_rng([DESIGNS.index(design), n, size, seed])
    heavy = design == "heavy-tailed"
    e1, e2 = rng.standard_t(3, (2, n)) if heavy else rng.normal(size=(2, n))
    drawn = (n, max(size, 2))
    Z = rng.standard_t(5, drawn) if heavy else rng.normal(size=drawn)
    s, t = (Z[:, 0], Z[:, 1]) if size == 0 else (Z[:, :size].sum(axis=1) / np.sqrt(size),) * 2
    linear = design == "linear" or (heavy and seed % 2 == 0)
    if linear:
        sign = 1 if seed % 4 < 2 else -1
        X, Y = s + e1, sign * t + e2
    else:
        X, Y = np.sin(1.5 * s) + 0.5 * e1, np.cos(1.5 * t) + 0.5 * e2
    if effect == "linear":
        Y = Y + 0.15 * e1
    if effect == "quadratic":
        Y = Y + 0.25 * (e1**2 - 1) / np.sqrt(2)
    return np.column_stack([X, Y, Z[:, :size]])
