"""How far weights are from those of a DAG, as smooth functions, and what makes a DAG of them.

With the squares of the weights as a matrix A = W∘W of numbers that are not negative, a walk in a
circle of length k adds to the diagonal of A^k. So both

* `by_exponential`, tr exp(A) - p, and
* `by_determinant`, -log det(sI - A) + p log s, as long as all eigenvalues of A are below s,

are 0 if A is that of a DAG and positive otherwise.
"""

from __future__ import annotations

import numpy as np
from scipy.linalg import expm
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from causalkit.typing import BoolArray, FloatArray

__all__ = ["by_determinant", "by_exponential", "without_circles"]


def by_exponential(weights: FloatArray) -> tuple[float, FloatArray]:
    """Sum over walks in circles of any length k, each divided by k!, and the gradient."""
    with np.errstate(over="ignore", invalid="ignore"):  # where a step was far too long
        powers = expm(weights * weights)
        value = float(np.trace(powers)) - len(weights)
        return (value if np.isfinite(value) else np.inf), 2.0 * weights * powers.T


def by_determinant(weights: FloatArray, scale: float) -> tuple[float, FloatArray]:
    """Minus the log-determinant, and the gradient; infinite outside of its domain.

    The domain is that of the M-matrices sI - A, whose inverses have no negative element (theorem 1
    of the paper on DAGMA).
    """
    matrix = scale * np.eye(len(weights)) - weights * weights
    try:
        inverse = np.linalg.inv(matrix)
    except np.linalg.LinAlgError:
        return np.inf, weights
    sign, log_determinant = np.linalg.slogdet(matrix)
    if sign <= 0 or inverse.min() < -1e-12:
        return np.inf, weights
    value = len(weights) * np.log(scale) - log_determinant
    return float(value), 2.0 * weights * inverse.T


def without_circles(weights: FloatArray, edges: BoolArray, required: BoolArray) -> BoolArray:
    """Drop the weakest edge that lies on a circle, again and again, until none does.

    Required edges stay; they do not run in a circle by themselves.
    """
    kept = edges.copy()
    while True:
        _, part = connected_components(csr_array(kept), connection="strong")
        on_circle = kept & (part[:, None] == part) & ~required
        if not on_circle.any():
            return kept
        size = np.where(on_circle, np.abs(weights), np.inf)
        kept[np.unravel_index(np.argmin(size), size.shape)] = False
