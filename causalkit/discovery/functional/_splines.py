"""B-splines: a curve as a sum of small hills, each of which only a few rows climb.

A basis of q columns takes n rows to an (n, q) matrix whose rows sum to 1. Knots lie at quantiles,
so that each hill has rows to learn its height from, or evenly, as a paper may want it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from causalkit.typing import FloatArray

__all__ = ["difference_penalty", "even_basis", "quantile_basis"]


def quantile_basis(x: FloatArray, n_knots: int, *, degree: int = 3) -> FloatArray:
    """Basis with knots at quantiles of x, those that differ, shape (n_rows, q).

    With k different knots there are q = k + degree - 1 columns.
    """
    knots = np.unique(np.quantile(x, np.linspace(0.0, 1.0, n_knots)))
    ends = np.full(degree, knots[0]), np.full(degree, knots[-1])
    return _basis(x, np.concatenate([ends[0], knots, ends[1]]), degree)


def even_basis(x: FloatArray, n_knots: int, *, degree: int) -> FloatArray:
    """Basis with evenly spaced knots from the smallest to the largest x, shape (n_rows, q)."""
    low, high = float(x.min()), float(x.max())
    step = (high - low) / (n_knots - 1)
    return _basis(x, low + step * np.arange(-degree, n_knots + degree), degree)


def difference_penalty(q: int, order: int) -> FloatArray:
    """D'D with D the differences of neighbouring heights, shape (q, q) and rank q - order."""
    D = np.diff(np.eye(q), order, axis=0)
    return np.asarray(D.T @ D)


def _basis(x: FloatArray, knots: NDArray[np.floating[Any]], degree: int) -> FloatArray:
    from scipy.interpolate import BSpline

    inside = np.clip(x, knots[degree], knots[-degree - 1])  # rounding may leave the last row out
    return np.asarray(BSpline.design_matrix(inside, knots, degree).toarray())
