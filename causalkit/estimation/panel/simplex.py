"""Least squares with weights that are not negative and sum to one, solved exactly.

    min |A w − b|² + ridge |w|²        w ≥ 0,  Σw = 1

An active-set method in the manner of Lawson & Hanson: among columns with weight the solution is
that of a small linear system; a column that lowers the objective joins, one whose weight would turn
negative leaves. Every step lowers the objective, so it ends, usually after few steps.

References
----------
Lawson & Hanson (1974), Solving Least Squares Problems, chapter 23. doi:10.1137/1.9781611971217
"""

from __future__ import annotations

import numpy as np

from causalkit.errors import NumericalError
from causalkit.typing import FloatArray, IntArray

__all__ = ["simplex_least_squares"]

_TOLERANCE = 1e-10
"""Of the gradient, relative to the largest entry of A'A."""

_LEAST_RIDGE = 1e-12
"""Relative to the largest entry of A'A: what makes the weights unique where columns are alike."""

_SAFE_RIDGE = 1e-6
"""Relative to the same: above it the shorter of two formulas loses no digits that count."""


def simplex_least_squares(A: FloatArray, b: FloatArray, *, ridge: float = 0.0) -> FloatArray:
    """Return the weights, shape (k,).

    Parameters
    ----------
    A : ndarray of shape (n, k)
    b : ndarray of shape (n,)
    ridge : float

    Examples
    --------
    >>> A = np.array([[0.0, 1.0, 0.0], [0.0, 0.0, 9.0]])
    >>> simplex_least_squares(A, np.array([0.25, -1.0])).round(6)
    array([0.75, 0.25, 0.  ])
    """
    k = A.shape[1]
    # Columns about b: as weights sum to one, A w − b = (A − b) w.
    D = A - b[:, None]
    squares = (D**2).sum(axis=0)
    size = float(squares.max(initial=0.0)) or 1.0
    D, r = D / np.sqrt(size), max(ridge / size, _LEAST_RIDGE)
    w = np.zeros(k)
    w[int(np.argmin(squares))] = 1.0
    support = np.flatnonzero(w)
    for _ in range(20 * k + 20):
        gradient = D.T @ (D @ w) + r * w
        gradient -= gradient[support].min()
        entering = int(np.argmin(gradient))
        if gradient[entering] >= -_TOLERANCE:
            return w
        before = support
        w, support = _settled(D, r, w, np.append(support, entering))
        if np.array_equal(before, support):  # what would be gained is rounding
            return w
    raise NumericalError(
        f"the weights of {k} columns did not settle; expected columns of comparable size. Rescale "
        "the outcome."
    )


def _settled(
    D: FloatArray, r: float, w: FloatArray, support: IntArray
) -> tuple[FloatArray, IntArray]:
    """Move to the best weights on the support, leaving out columns that would turn negative."""
    while True:
        proposed = _best(D[:, support], r)
        if (proposed > 0).all():
            moved = np.zeros(len(w))
            moved[support] = proposed
            return moved, support
        current = w[support]
        falling = proposed <= 0
        steps = current[falling] / (current[falling] - proposed[falling])
        step = float(steps.min(initial=1.0))
        w = w.copy()
        w[support] = current + step * (proposed - current)
        leaving = falling & (w[support] <= _TOLERANCE)
        w[support[leaving]] = 0.0
        support = support[~leaving]


def _best(D: FloatArray, r: float) -> FloatArray:
    """Minimum of |D w|² + r |w|² among weights of any sign that sum to one: (D'D + rI)⁻¹ 1."""
    n, k = D.shape
    w = np.ones(k)
    if n < k and r > _SAFE_RIDGE:  # Woodbury: a system of n equations, not of k
        w -= D.T @ np.linalg.solve(D @ D.T + r * np.eye(n), D @ w)
    else:
        w[:] = np.linalg.solve(D.T @ D + r * np.eye(k), w)
    w /= w.sum()
    return w
