"""Fitting counts: Poisson or negative binomial regression with a little ridge.

The logarithm of the mean is a line or natural cubic splines of the causes; their coefficients in
standard units cost penalty * |b|² / 2. One more row, at the mean of the causes with the mean count,
keeps the intercept finite where all counts are zero. Whether the variance is larger than the mean,
as the negative binomial law has it, is decided by BIC.

References
----------
Cameron & Trivedi (2013), Regression Analysis of Count Data, 2nd ed., Cambridge.
doi:10.1017/CBO9781139013567
"""

from __future__ import annotations

from typing import Final, Literal, get_args

import numpy as np
from scipy.special import digamma, gammaln

from causalkit._core.checks import check_choice
from causalkit.errors import InputError
from causalkit.models.mechanisms.counts import Count, log_count_probability
from causalkit.models.mechanisms.head_columns import Index, index_columns, minimum
from causalkit.typing import FloatArray

__all__ = ["CountKind", "fit_count"]

CountKind = Literal["auto", "poisson", "negative-binomial"]

_LEAST_DISPERSION, _MOST_DISPERSION = 1e-4, 100.0
_CEILING: Final = 3.0
"""Largest mean, in largest counts that were seen."""


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
    columns = index_columns(causes, y, index, penalty)
    ceiling = min(_CEILING * max(float(y.max()), 1.0), 1e6)
    fits = []
    for over in {"auto": (False, True), "poisson": (False,), "negative-binomial": (True,)}[kind]:
        at, dispersion = _counted(columns.values, y, penalty, over)
        mean = np.exp(np.minimum(columns.values @ at[1:] + at[0], np.log(ceiling)))
        fit = float(log_count_probability(y, mean, dispersion).sum())
        fits.append((over * np.log(len(y)) - 2 * fit, at, dispersion))
    _, at, dispersion = min(fits, key=lambda found: found[0])
    return Count(columns.function(at[1:], float(at[0])), dispersion, ceiling)


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
    at = minimum(loss, start, bounds)
    return at[: q + 1], float(np.exp(at[-1])) if over else 0.0
