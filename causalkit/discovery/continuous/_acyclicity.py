"""How far weights are from those of a DAG, as smooth functions, and what makes a DAG of them.

Let A be a matrix of numbers that are not negative and 0 where there is no edge: the squares of
weights, or sums of squares where an edge has several. A walk in a circle of length k adds to the
diagonal of A^k. So both

* `exponential`, tr exp(A) - p, and
* `determinant`, -log det(sI - A) + p log s, as long as all eigenvalues of A are below s,

are 0 if A is that of a DAG and positive otherwise. `by_exponential` and `by_determinant` are the
same of weights W, with A = W∘W.
"""

from __future__ import annotations

import numpy as np
from scipy.linalg import expm
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from causalkit.typing import BoolArray, FloatArray

__all__ = ["by_determinant", "by_exponential", "determinant", "exponential", "without_circles"]


def exponential(squares: FloatArray) -> tuple[float, FloatArray]:
    """Sum over walks in circles of any length k, each divided by k!, and the gradient."""
    with np.errstate(over="ignore", invalid="ignore"):  # where a step was far too long
        powers = expm(squares)
        value = float(np.trace(powers)) - len(squares)
        return (value if np.isfinite(value) else np.inf), powers.T


def determinant(squares: FloatArray, scale: float) -> tuple[float, FloatArray]:
    """Minus the log-determinant, and the gradient; infinite outside of its domain.

    The domain is that of the M-matrices sI - A, whose inverses have no negative element (theorem 1
    of the paper on DAGMA).
    """
    matrix = scale * np.eye(len(squares)) - squares
    try:
        inverse = np.linalg.inv(matrix)
    except np.linalg.LinAlgError:
        return np.inf, squares
    sign, log_determinant = np.linalg.slogdet(matrix)
    if sign <= 0 or inverse.min() < -1e-12:
        return np.inf, squares
    slope: FloatArray = np.asarray(inverse.T)
    return float(len(squares) * np.log(scale) - log_determinant), slope


def by_exponential(weights: FloatArray) -> tuple[float, FloatArray]:
    """`exponential` of the squares of weights, and the gradient with respect to the weights."""
    value, slope = exponential(weights * weights)
    with np.errstate(over="ignore", invalid="ignore"):
        return value, 2.0 * weights * slope


def by_determinant(weights: FloatArray, scale: float) -> tuple[float, FloatArray]:
    """`determinant` of the squares of weights, and the gradient with respect to the weights."""
    value, slope = determinant(weights * weights, scale)
    return value, 2.0 * weights * slope


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
