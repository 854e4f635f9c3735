"""What learners left over: a screen of residuals for curves and for pairs of columns.

If a prediction out of fold is right, its residual r is uncorrelated with every function of the
columns. The screen tries Legendre polynomials h of the ranks of each column, up to the fourth, and
all products of those of two columns, with z = Σ r h / √Σ (r h)². Ranks keep far values from ruling;
two products of matrices give all z-values, so it costs a few milliseconds. As many are tried, the
largest has to pass the bound of Bonferroni, valid however they depend on each other. It sees one
and two columns; what three of them do together only, it does not.

The learner of the other folds has seen this one, which pulls the sum towards zero where it has
fitted the same function: false alarms get rarer by it, not more frequent.

Where something is found, :func:`smoothed` regresses the residuals on the columns it was found in,
as a Gaussian process would.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from scipy.stats import rankdata

from causalkit.typing import FloatArray, IntArray

__all__ = ["Screened", "screen", "smoothed"]

_DEGREE = 4
_MOST_COLUMNS = 40
"""Columns of which all pairs are tried: those that show most by themselves."""

_CLUSTERED = 40
"""Functions, the most striking ones, whose z-values take clusters into account."""

_WIDTH, _FAR = 0.5, 3.0
"""Standard units over which what is left over stays alike, and beyond which it stays the same."""

_NOISE = 3.0
"""Variance of the noise over that of what is sought: at most a quarter of the rest, or so."""

_CENTRES = 500
"""Rows that a smooth is made from."""


@dataclass(frozen=True, slots=True)
class Screened:
    """The most striking function.

    Attributes
    ----------
    p_value : float
        That no function is correlated with the residuals.
    columns : tuple of int
        What it is a function of, one column or two.
    """

    p_value: float
    columns: tuple[int, ...]


def screen(X: FloatArray, residual: FloatArray, groups: IntArray | None = None) -> Screened:
    """Find the function of one or two columns that residuals are most correlated with.

    Parameters
    ----------
    X : ndarray of shape (n, d)
    residual : ndarray of shape (n,)
        Weighted.
    groups : ndarray of int, shape (n,), optional
        Clusters.
    """
    H = np.stack([_legendre(column) for column in X.T])  # (d, n, degree)
    alone = np.abs(_studentised(residual @ H, residual**2 @ H**2)).max(axis=1)
    some = np.sort(np.argsort(-alone)[:_MOST_COLUMNS])
    H, n_tests = H[some], alone.size * _DEGREE
    flat = np.column_stack([np.ones(len(X)), *H])
    total = (flat * residual[:, None]).T @ flat
    z = np.abs(_studentised(total, (flat**2 * (residual**2)[:, None]).T @ flat**2))
    owner = np.concatenate([[-1], np.repeat(np.arange(len(some)), _DEGREE)])
    z[(owner[:, None] >= owner[None, :])] = 0.0  # each pair once; a column times itself never
    n_tests += int((owner[:, None] < owner[None, :])[1:].sum())
    if groups is not None:
        z = _clustered(z, flat, residual, groups)
    one, other = np.unravel_index(int(z.argmax()), z.shape)
    p = 2 * NormalDist().cdf(-float(z[one, other])) * n_tests
    columns = tuple(int(some[owner[k]]) for k in (one, other) if owner[k] >= 0)
    return Screened(min(p, 1.0), columns)


def smoothed(
    X: FloatArray, residual: FloatArray, rng: np.random.Generator
) -> Callable[[FloatArray], FloatArray]:
    """Regress residuals on a column or two, smoothly; return (rows) -> mean.

    Parameters
    ----------
    X : ndarray of shape (n, k)
    residual : ndarray of shape (n,)
    rng : Generator
        Which rows are used, where there are many.
    """
    if len(X) > _CENTRES:
        some = rng.choice(len(X), _CENTRES, replace=False)
        X, residual = X[some], residual[some]
    center, scale, level = X.mean(axis=0), X.std(axis=0), residual.mean()
    scale = np.where(scale > 0, scale, 1.0)
    known = np.clip((X - center) / scale, -_FAR, _FAR)
    kernel = _gaussian(known, known)
    kernel[np.diag_indices_from(kernel)] += _NOISE
    weights = cho_solve(cho_factor(kernel, lower=True), residual - level)

    def mean(rows: FloatArray) -> FloatArray:
        at, predicted = np.clip((rows - center) / scale, -_FAR, _FAR), np.empty(len(rows))
        for first in range(0, len(at), 10 * _CENTRES):
            part = slice(first, first + 10 * _CENTRES)
            predicted[part] = _gaussian(at[part], known) @ weights + level
        return predicted

    return mean


def _gaussian(a: FloatArray, b: FloatArray) -> FloatArray:
    squares = (a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1)[None, :] - 2 * a @ b.T
    kernel: FloatArray = np.exp(-np.maximum(squares, 0) / (2 * _WIDTH**2))
    return kernel


def _legendre(column: FloatArray) -> FloatArray:
    """Legendre polynomials of the ranks, in (-1, 1), shape (n, degree)."""
    u = (2 * rankdata(column) - 1) / len(column) - 1
    values: FloatArray = np.polynomial.legendre.legvander(u, _DEGREE)[:, 1:]
    return values


def _studentised(total: FloatArray, squares: FloatArray) -> FloatArray:
    z: FloatArray = np.divide(
        total, np.sqrt(squares), out=np.zeros_like(total), where=squares > 1e-300
    )
    return z


def _clustered(
    z: FloatArray, flat: FloatArray, residual: FloatArray, groups: IntArray
) -> FloatArray:
    """The z-values of the most striking functions with clusters, and zero for the others."""
    codes, found = np.unique(groups, return_inverse=True)[1].reshape(-1), np.zeros_like(z)
    for place in np.argsort(-z, axis=None)[:_CLUSTERED]:
        one, other = np.unravel_index(int(place), z.shape)
        sums = np.bincount(codes, weights=residual * flat[:, one] * flat[:, other])
        spread = float(np.sqrt(sums @ sums))
        found[one, other] = abs(float(sums.sum())) / spread if spread > 0 else 0.0
    return found
