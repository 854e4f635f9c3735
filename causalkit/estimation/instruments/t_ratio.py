"""An interval for one instrument that holds whatever its strength: the tF adjustment.

With one instrument the t-ratio of two-stage least squares is a function of the first-stage t
statistic f and of one more normal variable. Its size is worst where the errors of both stages are
the same but for scale. There |t| = |f (f − f₀)| / f₀ with f ~ N(f₀, 1), so a critical value c(|f|)
that makes P(|t| > c) = α for each f₀ can be worked out from the normal distribution alone:

    f above f₀ rejects where f²/(f + c(f)) > f₀, and f = −h rejects where h²/(c(h) − h) > f₀.

Two tails must add up to α. Starting from the upper tail alone, c(f) = z f/(f − z) with z the
(1 − α) quantile, a few rounds settle the other one. c falls from infinity at F = f² = 3.84 to 1.96
at F = 104.7, and stays there.

References
----------
Lee, D. S., McCrary, J., Moreira, M. J., Porter, J. (2022). Valid t-ratio inference for IV. American
Economic Review 112(10), 3260-3290. doi:10.1257/aer.20211063
"""

from __future__ import annotations

from functools import cache

import numpy as np

from causalkit.estimation.effect import Interval
from causalkit.typing import FloatArray

__all__ = ["tf_critical_value", "tf_interval"]

_ALPHA = 0.05
_ROUNDS = 60


def tf_critical_value(f_statistic: float) -> float:
    """Critical value at 5 % of the t-ratio, given the first-stage F statistic.

    Parameters
    ----------
    f_statistic : float
        Of one instrument, by the same kind of standard error as the effect.

    Returns
    -------
    float
        Infinite where F is below 3.84: then no value can be excluded.

    Examples
    --------
    >>> round(tf_critical_value(10.0), 2)
    3.43
    >>> round(tf_critical_value(200.0), 2)
    1.96
    """
    f = float(np.sqrt(max(f_statistic, 0.0)))
    at, values, usual = _critical_values()
    if f <= at[0]:
        return np.inf
    return max(usual, float(np.interp(f, at, values)))


def tf_interval(value: float, std_error: float, f_statistic: float) -> Interval:
    """Return the 95 % interval of a just identified estimate, with the tF critical value.

    Parameters
    ----------
    value, std_error : float
        Of two-stage least squares with one instrument.
    f_statistic : float

    Examples
    --------
    >>> tf_interval(1.0, 0.1, 10.0)
    Interval(lower=0.657, upper=1.343, level=0.95)
    """
    half = tf_critical_value(f_statistic) * std_error
    if not np.isfinite(half):
        return Interval(-np.inf, np.inf, 1 - _ALPHA)
    return Interval(value - half, value + half, 1 - _ALPHA)


@cache
def _critical_values() -> tuple[FloatArray, FloatArray, float]:
    """Values of |f|, the critical values there, and the usual one."""
    from scipy.special import ndtr, ndtri

    usual, z = -float(ndtri(_ALPHA / 2)), -float(ndtri(_ALPHA))
    # The upper tail alone gives c(f) = z f/(f − z), which is the usual value at this f.
    last = z * usual / (usual - z)
    f0 = np.geomspace(1e-3, last, 4000)
    high = f0 + z
    for _ in range(_ROUNDS):
        values = high * (high - f0) / f0
        crosses = values > high
        low = np.interp(f0, high[crosses] ** 2 / (values - high)[crosses], high[crosses])
        high = np.maximum(f0 - ndtri(_ALPHA - ndtr(-low - f0)), usual)
    return high, high * (high - f0) / f0, usual
