"""The index of a head: lines and curves of the causes, in standard units, and their likelihood.

Heads (:mod:`~causalkit.models.mechanisms.head_fitting`,
:mod:`~causalkit.models.mechanisms.count_fitting`) have an index: a line of the causes, or natural
cubic splines of them. Its columns are put in standard units, so that one ridge penalty means the
same for each of them, and the coefficients that maximise the likelihood are taken back to the units
of the causes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal, get_args

import numpy as np

from causalkit._core.checks import check_choice, check_positive
from causalkit.errors import InputError
from causalkit.models.mechanisms.additive import Linear
from causalkit.models.mechanisms.base import Function
from causalkit.models.mechanisms.functions import SplineFunction, natural_basis
from causalkit.typing import FloatArray, IntArray

__all__ = ["Index", "IndexColumns", "index_columns", "minimum"]

Index = Literal["linear", "spline"]

_KNOTS: Final = 6
_OUTER: Final = 0.03
"""Share of the rows beyond an outer knot."""

_NONE: Final = np.empty(0, dtype=np.intp)


@dataclass(frozen=True, slots=True, eq=False)
class IndexColumns:
    """Lines of the causes, and curves of some, in standard units, and the way back.

    Attributes
    ----------
    values : ndarray of shape (n, q)
        In standard units.
    centres, scales : ndarray of shape (q,)
        Of the columns as they were.
    curved : ndarray of int
        Causes that have a curve.
    knots : ndarray of shape (n_curved, n_knots)
    """

    values: FloatArray
    centres: FloatArray
    scales: FloatArray
    curved: IntArray
    knots: FloatArray

    def function(self, coefficients: FloatArray, intercept: float) -> Function:
        """The function of the causes that has these coefficients."""
        weights = coefficients / self.scales
        at_zero = float(intercept - weights @ self.centres)
        n_curves = self.knots.shape[0] * (self.knots.shape[1] - 2)
        slopes = weights[: len(weights) - n_curves]
        if not n_curves:
            return Linear(slopes, at_zero)
        heights = weights[len(slopes) :].reshape(len(self.knots), -1)
        return SplineFunction(slopes, at_zero, self.curved, self.knots, heights)


def index_columns(causes: FloatArray, y: FloatArray, index: Index, penalty: float) -> IndexColumns:
    """Return the columns of the index of some causes.

    Parameters
    ----------
    causes : ndarray of shape (n, k)
    y : ndarray of shape (n,)
        Only its length is looked at.
    index : {"linear", "spline"}
    penalty : float
        Checked here: it must be above 0.

    Returns
    -------
    IndexColumns

    Raises
    ------
    InputError
        If a setting is out of range, lengths differ, or a cell of the causes is not finite.
    """
    check_choice(index, "index", get_args(Index))
    check_positive(penalty, "penalty")
    n = len(causes)
    if causes.ndim != 2 or not n or y.shape != (n,) or not np.isfinite(causes).all():
        raise InputError(
            f"causes of shape {causes.shape}, of which {int((~np.isfinite(causes)).sum())} cell(s) "
            f"are missing or infinite, and y of shape {y.shape}; expected finite numbers of shape "
            "(n, k) and (n,), n at least 1. Leave out the other rows."
        )
    curved, knots = _knots(causes) if index == "spline" else (_NONE, np.empty((0, _KNOTS)))
    curves = [natural_basis(causes[:, j], own) for j, own in zip(curved, knots, strict=True)]
    columns = np.column_stack([causes, *curves])
    centres, scales = columns.mean(axis=0), columns.std(axis=0)
    scales = np.where(scales > 1e-12 * (1 + np.abs(centres)), scales, 1.0)
    return IndexColumns((columns - centres) / scales, centres, scales, curved, knots)


def _knots(causes: FloatArray) -> tuple[IntArray, FloatArray]:
    """Causes with enough values for a curve, and the knots of each at quantiles."""
    shares = np.linspace(_OUTER, 1 - _OUTER, _KNOTS)
    found = np.quantile(causes, shares, axis=0).T
    apart = np.diff(found, axis=1).min(axis=1) > 1e-3 * np.ptp(causes, axis=0)
    return np.flatnonzero(apart), found[apart]


def minimum(
    loss: Callable[[FloatArray], tuple[float, FloatArray]],
    start: FloatArray,
    bounds: list[tuple[float | None, float | None]] | None = None,
) -> FloatArray:
    """Where a loss that comes with its gradient is least.

    Parameters
    ----------
    loss : callable
        From parameters of shape (q,) to a number and its gradient.
    start : ndarray of shape (q,)
    bounds : list of pairs, optional

    Returns
    -------
    ndarray of shape (q,)
    """
    from scipy.optimize import minimize

    options = {"maxiter": 500, "maxcor": 20, "ftol": 1e-13, "gtol": 1e-7}
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options=options)
    at: FloatArray = found.x
    return at
