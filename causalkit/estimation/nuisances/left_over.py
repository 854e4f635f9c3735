"""What learners left over: a screen of residuals for curves and for pairs of columns.

If a prediction out of fold is right, its residual r is uncorrelated with every function of the
columns. The screen tries Legendre polynomials h of the ranks of each column, up to the fourth, and
all products of those of two columns, with z = Σ r h / √Σ (r h)². Ranks keep far values from ruling;
two products of matrices give all z-values, so it costs a few milliseconds. As many are tried, the
largest has to pass the bound of Bonferroni, valid however they depend on each other. It sees one
and two columns; what three of them do together only, it does not.

The learner of the other folds has seen this one, which pulls the sum towards zero where it has
fitted the same function: false alarms get rarer by it, not more frequent.

Where something is found, :mod:`causalkit.estimation.nuisances.residual_smooths` fits what the
columns that it was found in know of the residuals.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from causalkit.typing import FloatArray, IntArray

__all__ = ["Curves", "Screened", "curves_of", "screen"]

Curves: TypeAlias = NDArray[np.float32]
"""A column of ones and four polynomials of each column; z-values need no more digits."""

_DEGREE = 4
_MOST_COLUMNS = 40
"""Columns of which all pairs are tried: those that show most by themselves."""

_STRIKING = 40
"""Functions, the most striking ones, that are looked at one by one."""

_LEVEL = 0.05
"""Level at which further columns are named."""

_MOST_NAMED = 4
"""Columns, or pairs of them, that are named."""


@dataclass(frozen=True, slots=True)
class Screened:
    """The most striking function.

    Attributes
    ----------
    p_value : float
        That no function is correlated with the residuals.
    named : tuple of tuple of int
        What it is a function of, one column or two; then what others are that would be
        significant by themselves.
    """

    p_value: float
    named: tuple[tuple[int, ...], ...]


def curves_of(X: FloatArray) -> Curves:
    """Return a column of ones and Legendre polynomials of the ranks of all columns.

    Parameters
    ----------
    X : ndarray of shape (n, d)

    Returns
    -------
    ndarray of float32, shape (n, 1 + 4 d)
    """
    u = (2 * _mid_ranks(X) / len(X) - 1).astype(np.float32)
    H = np.empty((*u.shape, _DEGREE), dtype=np.float32)
    before, H[:, :, 0] = np.ones_like(u), u
    for k in range(1, _DEGREE):  # (k + 1) P_{k+1} = (2 k + 1) u P_k - k P_{k-1}
        H[:, :, k] = ((2 * k + 1) * u * H[:, :, k - 1] - k * before) / (k + 1)
        before = H[:, :, k - 1]
    return np.column_stack([np.ones(len(X), dtype=np.float32), H.reshape(len(X), -1)])


def _mid_ranks(X: FloatArray) -> FloatArray:
    """Ranks less one half, of each column; equal values share their mean."""
    values, place = np.ascontiguousarray(X.T), np.arange(len(X))
    order = np.argsort(values, axis=1)
    ordered = np.take_along_axis(values, order, axis=1)
    differs = ordered[:, 1:] != ordered[:, :-1]
    edge = np.ones((len(values), 1), dtype=np.bool_)
    first = np.where(np.hstack([edge, differs]), place, 0)
    last = np.where(np.hstack([differs, edge]), place, len(X))
    first = np.maximum.accumulate(first, axis=1)
    last = np.minimum.accumulate(last[:, ::-1], axis=1)[:, ::-1]
    ranks = np.empty_like(values)
    np.put_along_axis(ranks, order, (first + last + 1) / 2, axis=1)
    return ranks.T


def screen(
    curves: Curves,
    residual: FloatArray,
    groups: IntArray | None = None,
) -> Screened:
    """Find the functions of one or two columns that residuals are most correlated with.

    Parameters
    ----------
    curves : ndarray of float32, shape (n, 1 + 4 d)
        See :func:`curves_of`.
    residual : ndarray of shape (n,)
        Weighted.
    groups : ndarray of int, shape (n,), optional
        Clusters.
    """
    size = float(np.sqrt(residual @ residual / len(residual)))
    r = (residual / size if size > 0 else residual).astype(np.float32)
    alone = np.abs(_studentised(r @ curves, r**2 @ curves**2))[1:].reshape(-1, _DEGREE)
    some = np.sort(np.argsort(-alone.max(axis=1))[:_MOST_COLUMNS])
    kept = (1 + _DEGREE * some[:, None] + np.arange(_DEGREE)).ravel()
    flat = curves if len(some) == len(alone) else curves[:, np.concatenate([[0], kept])]
    owner = np.concatenate([[-1], np.repeat(np.arange(len(some)), _DEGREE)])
    tried = owner[:, None] < owner[None, :]  # each pair once; a column times itself never
    n_tests = alone.size + int(tried[1:].sum())
    scaled = flat * r[:, None]
    z = np.abs(_studentised(scaled.T @ flat, (scaled**2).T @ flat**2))
    z[~tried] = 0.0
    if groups is not None:
        z = _clustered(z, flat, r, groups)
    return _named(z, np.concatenate([[-1], some])[owner + 1], n_tests)


def _studentised(
    total: NDArray[np.floating[Any]], squares: NDArray[np.floating[Any]]
) -> FloatArray:
    spread = np.sqrt(squares, dtype=np.float64)
    z: FloatArray = np.divide(total, spread, out=np.zeros(total.shape), where=spread > 0)
    return z


def _named(z: FloatArray, owners: IntArray, n_tests: int) -> Screened:
    """The columns or pairs of the largest z-value, and of others that are significant."""
    found: list[tuple[int, ...]] = []
    smallest = 1.0
    for place in _largest(z):
        one, other = np.unravel_index(int(place), z.shape)
        p = min(2 * NormalDist().cdf(-float(z[one, other])) * n_tests, 1.0)
        columns = tuple(int(owners[k]) for k in (one, other) if owners[k] >= 0)
        if not found:
            smallest = p
        elif p >= _LEVEL or len(found) == _MOST_NAMED:
            break
        if not any(set(columns) <= set(others) for others in found):
            found = [others for others in found if not set(others) <= set(columns)] + [columns]
    return Screened(smallest, tuple(found))


def _largest(z: FloatArray) -> IntArray:
    """Where the most striking functions are, the first one first."""
    flat, most = z.ravel(), min(_STRIKING, z.size)
    some = np.argpartition(-flat, most - 1)[:most]
    order: IntArray = some[np.argsort(-flat[some], kind="stable")]
    return order


def _clustered(z: FloatArray, flat: Curves, residual: Curves, groups: IntArray) -> FloatArray:
    """The z-values of the most striking functions with clusters, and zero for the others."""
    codes, found = np.unique(groups, return_inverse=True)[1].reshape(-1), np.zeros_like(z)
    for place in _largest(z):
        one, other = np.unravel_index(int(place), z.shape)
        sums = np.bincount(codes, weights=residual * flat[:, one] * flat[:, other])
        spread = float(np.sqrt(sums @ sums))
        found[one, other] = abs(float(sums.sum())) / spread if spread > 0 else 0.0
    return found
