"""Fitting heads of levels: maximum likelihood with a little ridge.

The index is a line or natural cubic splines of the causes. Its columns are put in standard units
and their coefficients b cost penalty * |b|² / 2, next to nothing where rows are many, and enough
to keep them finite where a cause separates the levels. One row at the mean of the causes, spread
over all levels, keeps levels without rows possible.

References
----------
le Cessie & van Houwelingen (1992), J. Royal Statistical Society C 41, 191-201 (ridge in logistic
regression). doi:10.2307/2347628
"""

from __future__ import annotations

import numpy as np
from scipy.special import expit, log_softmax, softmax

from causalkit._core.checks import check_count
from causalkit.errors import InputError
from causalkit.models.mechanisms.head_columns import Index, IndexColumns, index_columns, minimum
from causalkit.models.mechanisms.heads import Logistic, Ordinal, Softmax, log_between
from causalkit.typing import FloatArray, IntArray

__all__ = ["fit_logistic", "fit_ordinal", "fit_softmax"]


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
    columns = index_columns(causes, y, index, penalty)
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
    columns = index_columns(causes, y, index, penalty)
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
    columns = index_columns(causes, y, index, penalty)
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

    weights = minimum(loss, np.zeros((q + 1) * K)).reshape(q + 1, K)
    weights[0] -= weights[0].mean()
    return Softmax(tuple(columns.function(weights[1:, k], weights[0, k]) for k in range(K)))


def _levels_of(y: FloatArray, n_levels: int) -> IntArray:
    with np.errstate(invalid="ignore"):
        level = y.astype(np.intp)
    if ((level != y) | (level < 0) | (level >= n_levels)).any():
        raise InputError(
            f"y holds values from {y.min():g} to {y.max():g}; expected level codes 0 to "
            f"{n_levels - 1}. Recode the levels."
        )
    return level


def _ordered(
    columns: IndexColumns, level: IntArray, n_levels: int, penalty: float
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

    at = minimum(loss, start)
    steps = np.exp(np.minimum(at[1:m], 50.0))
    return at[m:], at[0] + np.concatenate([[0.0], np.cumsum(steps)])


def _slope(end: FloatArray, logs: FloatArray) -> FloatArray:
    """Density of logistic noise at an end, over the probability of the level."""
    density: FloatArray = expit(end) * expit(-end) * np.exp(-np.maximum(logs, -650.0))
    return density
