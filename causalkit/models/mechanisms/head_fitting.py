"""Fitting heads: maximum likelihood with a little ridge, for levels and for counts.

The index is a line or natural cubic splines of the causes. Its columns are put in standard units
and their coefficients b cost penalty * |b|² / 2, next to nothing where rows are many, and enough
to keep them finite where a cause separates the levels. One row at the mean of the causes, spread
over all levels (or at the mean count), keeps levels without rows possible.

References
----------
le Cessie & van Houwelingen (1992), J. Royal Statistical Society C 41, 191-201 (ridge in logistic
regression). doi:10.2307/2347628
Cameron & Trivedi (2013), Regression Analysis of Count Data, 2nd ed., Cambridge.
doi:10.1017/CBO9781139013567
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal, get_args

import numpy as np
from scipy.special import digamma, expit, gammaln, log_softmax, softmax

from causalkit._core.checks import check_choice, check_count, check_positive
from causalkit.errors import InputError
from causalkit.models.mechanisms.additive import Linear
from causalkit.models.mechanisms.base import Function
from causalkit.models.mechanisms.counts import Count, log_count_probability
from causalkit.models.mechanisms.functions import SplineFunction, natural_basis
from causalkit.models.mechanisms.heads import Logistic, Ordinal, Softmax, log_between
from causalkit.typing import FloatArray, IntArray

__all__ = ["CountKind", "Index", "fit_count", "fit_logistic", "fit_ordinal", "fit_softmax"]

Index = Literal["linear", "spline"]
CountKind = Literal["auto", "poisson", "negative-binomial"]

_KNOTS: Final = 6
_OUTER: Final = 0.03
"""Share of the rows beyond an outer knot."""

_NONE: Final = np.empty(0, dtype=np.intp)

_LEAST_DISPERSION, _MOST_DISPERSION = 1e-4, 100.0
_CEILING: Final = 3.0
"""Largest mean, in largest counts that were seen."""


def fit_logistic(
    causes: FloatArray, y: FloatArray, *, index: Index = "linear", penalty: float = 1.0
) -> Logistic:
    """Fit a logistic regression.

    Parameters
    ----------
    causes : ndarray of shape (n, k)
        k may be 0.
    y : ndarray of shape (n,)
        0 or 1.
    index : {"linear", "spline"}
        Log odds as a function of the causes.
    penalty : float
        Ridge penalty of coefficients in standard units, above 0.

    Returns
    -------
    Logistic

    Raises
    ------
    InputError
        If a value is neither 0 nor 1.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(4000, 1))
    >>> y = (2 * x[:, 0] - 1 + rng.logistic(size=4000) > 0) * 1.0
    >>> fitted = fit_logistic(x, y)
    >>> fitted.index.slopes.round(1), round(fitted.index.intercept, 1)
    (array([2.]), -1.0)
    """
    columns = _columns_of(causes, y, index, penalty)
    slopes, cuts = _ordered(columns, _levels_of(y, 2), 2, penalty)
    return Logistic(columns.function(slopes, -float(cuts[0])))


def fit_ordinal(
    causes: FloatArray,
    y: FloatArray,
    n_levels: int,
    *,
    index: Index = "linear",
    penalty: float = 1.0,
) -> Ordinal:
    """Fit a proportional-odds model.

    Parameters
    ----------
    causes : ndarray of shape (n, k)
    y : ndarray of shape (n,)
        Level codes, in their order.
    n_levels : int
        At least 2.
    index : {"linear", "spline"}
    penalty : float
        Ridge penalty of coefficients in standard units, above 0.

    Returns
    -------
    Ordinal

    Raises
    ------
    InputError
        If a value is no level code.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(4000, 1))
    >>> latent = x[:, 0] + rng.logistic(size=4000)
    >>> fitted = fit_ordinal(x, 1.0 * (latent > -1) + (latent > 2), 3)
    >>> fitted.index.slopes.round(1), fitted.cuts.round(0)
    (array([1.]), array([-1.,  2.]))
    """
    check_count(n_levels, "n_levels", minimum=2)
    columns = _columns_of(causes, y, index, penalty)
    slopes, cuts = _ordered(columns, _levels_of(y, n_levels), n_levels, penalty)
    return Ordinal(columns.function(slopes, 0.0), cuts)


def fit_softmax(
    causes: FloatArray,
    y: FloatArray,
    n_levels: int,
    *,
    index: Index = "linear",
    penalty: float = 1.0,
) -> Softmax:
    """Fit a multinomial logistic regression.

    Parameters
    ----------
    causes : ndarray of shape (n, k)
    y : ndarray of shape (n,)
        Level codes; their order means nothing.
    n_levels : int
        At least 2.
    index : {"linear", "spline"}
    penalty : float
        Ridge penalty of coefficients in standard units, above 0.

    Returns
    -------
    Softmax

    Raises
    ------
    InputError
        If a value is no level code.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(4000, 1))
    >>> y = (np.column_stack([0 * x, x, -x]) + rng.gumbel(size=(4000, 3))).argmax(axis=1) * 1.0
    >>> fitted = fit_softmax(x, y, 3)
    >>> float((fitted.scores[1].slopes - fitted.scores[0].slopes)[0].round(1))
    1.0
    """
    K = check_count(n_levels, "n_levels", minimum=2)
    columns = _columns_of(causes, y, index, penalty)
    level, Z = _levels_of(y, K), columns.values
    n, q = Z.shape
    shares = np.eye(K)[level]
    prior = 1 / K

    def loss(at: FloatArray) -> tuple[float, FloatArray]:
        weights = at.reshape(q + 1, K)
        intercepts, slopes = weights[0], weights[1:]
        scores = Z @ slopes + intercepts
        logs, own = log_softmax(scores, axis=1), log_softmax(intercepts)
        value = -logs[np.arange(n), level].sum() - prior * own.sum()
        gradient = np.empty_like(weights)
        left = softmax(scores, axis=1) - shares
        gradient[0] = left.sum(axis=0) + softmax(intercepts) - prior
        gradient[1:] = Z.T @ left + penalty * slopes
        value += 0.5 * penalty * (slopes**2).sum()
        return float(value) / n, gradient.reshape(-1) / n

    weights = _minimum(loss, np.zeros((q + 1) * K)).reshape(q + 1, K)
    weights[0] -= weights[0].mean()
    return Softmax(tuple(columns.function(weights[1:, k], weights[0, k]) for k in range(K)))


def fit_count(
    causes: FloatArray,
    y: FloatArray,
    *,
    kind: CountKind = "auto",
    index: Index = "linear",
    penalty: float = 1.0,
) -> Count:
    """Fit a Poisson or negative binomial regression.

    Parameters
    ----------
    causes : ndarray of shape (n, k)
    y : ndarray of shape (n,)
        0, 1, 2, ...
    kind : {"auto", "poisson", "negative-binomial"}
        "auto" takes the lower BIC.
    index : {"linear", "spline"}
        Logarithm of the mean as a function of the causes.
    penalty : float
        Ridge penalty of coefficients in standard units, above 0.

    Returns
    -------
    Count
        No mean of it is above three times the largest count (and never above a million).

    Raises
    ------
    InputError
        If a value is no count.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(4000, 1))
    >>> fitted = fit_count(x, rng.poisson(np.exp(1 + 0.5 * x[:, 0])) * 1.0)
    >>> fitted.dispersion, fitted.log_mean.slopes.round(1)
    (0.0, array([0.5]))
    """
    check_choice(kind, "kind", get_args(CountKind))
    if not y.size or not ((y >= 0) & (y == np.floor(y)) & (y <= 1e6)).all():
        raise InputError(
            "y holds values that are no counts; expected 0, 1, 2, ... up to a million. Round "
            "them, or fit a mechanism for continuous variables."
        )
    columns = _columns_of(causes, y, index, penalty)
    ceiling = min(_CEILING * max(float(y.max()), 1.0), 1e6)
    fits = []
    for over in {"auto": (False, True), "poisson": (False,), "negative-binomial": (True,)}[kind]:
        at, dispersion = _counted(columns.values, y, penalty, over)
        mean = np.exp(np.minimum(columns.values @ at[1:] + at[0], np.log(ceiling)))
        fit = float(log_count_probability(y, mean, dispersion).sum())
        fits.append((over * np.log(len(y)) - 2 * fit, at, dispersion))
    _, at, dispersion = min(fits, key=lambda found: found[0])
    return Count(columns.function(at[1:], float(at[0])), dispersion, ceiling)


# --- columns of the index -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class _Columns:
    """Lines of the causes, and curves of some, in standard units, and the way back."""

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


def _columns_of(causes: FloatArray, y: FloatArray, index: Index, penalty: float) -> _Columns:
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
    return _Columns((columns - centres) / scales, centres, scales, curved, knots)


def _knots(causes: FloatArray) -> tuple[IntArray, FloatArray]:
    """Causes with enough values for a curve, and the knots of each at quantiles."""
    shares = np.linspace(_OUTER, 1 - _OUTER, _KNOTS)
    found = np.quantile(causes, shares, axis=0).T
    apart = np.diff(found, axis=1).min(axis=1) > 1e-3 * np.ptp(causes, axis=0)
    return np.flatnonzero(apart), found[apart]


def _levels_of(y: FloatArray, n_levels: int) -> IntArray:
    with np.errstate(invalid="ignore"):
        level = y.astype(np.intp)
    if ((level != y) | (level < 0) | (level >= n_levels)).any():
        raise InputError(
            f"y holds values from {y.min():g} to {y.max():g}; expected level codes 0 to "
            f"{n_levels - 1}. Recode the levels."
        )
    return level


# --- likelihoods ----------------------------------------------------------------------------------


def _minimum(
    loss: Callable[[FloatArray], tuple[float, FloatArray]],
    start: FloatArray,
    bounds: list[tuple[float | None, float | None]] | None = None,
) -> FloatArray:
    from scipy.optimize import minimize

    options = {"maxiter": 500, "maxcor": 20, "ftol": 1e-13, "gtol": 1e-7}
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options=options)
    at: FloatArray = found.x
    return at


def _ordered(
    columns: _Columns, level: IntArray, n_levels: int, penalty: float
) -> tuple[FloatArray, FloatArray]:
    """Slopes and cut points; the parameters are a first cut and the logarithms of the steps."""
    Z, m = columns.values, n_levels - 1
    # Shares at the mean of the causes, where the slopes have no say: one row over all levels.
    rows = np.concatenate([level, np.arange(n_levels)])
    weights = np.concatenate([np.ones(len(level)), np.full(n_levels, 1 / n_levels)])
    shares = np.bincount(rows, weights=weights) / weights.sum()
    below = np.cumsum(shares)[:-1]
    cuts = np.log(below / (1 - below))
    start = np.concatenate([cuts[:1], np.log(np.diff(cuts)), np.zeros(Z.shape[1])])

    def loss(at: FloatArray) -> tuple[float, FloatArray]:
        steps, slopes = np.exp(np.minimum(at[1:m], 50.0)), at[m:]
        ends = np.concatenate(
            [[-np.inf], at[0] + np.concatenate([[0.0], np.cumsum(steps)]), [np.inf]]
        )
        value = np.concatenate([Z @ slopes, np.zeros(n_levels)])
        low, high = ends[rows] - value, ends[rows + 1] - value
        logs = log_between(low, high)
        by_high, by_low = _slope(high, logs) * weights, _slope(low, logs) * weights
        by_end = np.bincount(rows + 1, weights=by_high, minlength=n_levels + 1)
        by_end -= np.bincount(rows, weights=by_low, minlength=n_levels + 1)
        by_cut = by_end[1:-1]
        after = np.cumsum(by_cut[::-1])[::-1]
        by_slope = Z.T @ (by_low - by_high)[: len(level)] - penalty * slopes
        gradient = np.concatenate([after[:1], after[1:] * steps, by_slope])
        total = float(weights @ logs) - 0.5 * penalty * float(slopes @ slopes)
        return -total / len(level), -gradient / len(level)

    at = _minimum(loss, start)
    steps = np.exp(np.minimum(at[1:m], 50.0))
    return at[m:], at[0] + np.concatenate([[0.0], np.cumsum(steps)])


def _slope(end: FloatArray, logs: FloatArray) -> FloatArray:
    """Density of logistic noise at an end, over the probability of the level."""
    density: FloatArray = expit(end) * expit(-end) * np.exp(-np.maximum(logs, -650.0))
    return density


def _counted(Z: FloatArray, y: FloatArray, penalty: float, over: bool) -> tuple[FloatArray, float]:
    """Intercept and slopes of the log mean, and the dispersion."""
    n, q = Z.shape
    usual = (float(y.sum()) + 0.5) / n  # of a row at the mean of the causes
    X = np.vstack([np.column_stack([np.ones(n), Z]), np.eye(1, q + 1)])
    counts = np.append(y, usual)
    unit = n * max(usual, 1.0)

    def loss(at: FloatArray) -> tuple[float, FloatArray]:
        index = np.minimum(X @ at[: q + 1], 30.0)
        mean = np.exp(index)
        gradient = np.zeros_like(at)
        if over:
            r = np.exp(-at[-1])
            logs = (
                gammaln(counts + r)
                - gammaln(r)
                + counts * (index - np.log(r + mean))
                - r * np.log1p(mean / r)
            )
            by_index = (counts - mean) * r / (r + mean)
            by_r = digamma(counts + r) - digamma(r) - np.log1p(mean / r)
            by_r += (mean - counts) / (r + mean)
            gradient[-1] = r * by_r.sum()
        else:
            logs, by_index = counts * index - mean, counts - mean
        slopes = at[1 : q + 1]
        gradient[: q + 1] = -(X.T @ by_index)
        gradient[1 : q + 1] += penalty * slopes
        return (float(0.5 * penalty * slopes @ slopes - logs.sum())) / unit, gradient / unit

    start = np.zeros(q + 1 + over)
    start[0] = np.log(usual)
    bounds: list[tuple[float | None, float | None]] = [(None, None)] * (q + 1)
    if over:
        extra = (y.var() - y.mean()) / max(float(y.mean()) ** 2, 1e-12)
        limits = (float(np.log(_LEAST_DISPERSION)), float(np.log(_MOST_DISPERSION)))
        start[-1] = np.log(np.clip(extra, 0.01, 50.0))
        bounds.append(limits)
    at = _minimum(loss, start, bounds)
    return at[: q + 1], float(np.exp(at[-1])) if over else 0.0
