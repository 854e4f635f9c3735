"""Does a series stay where it is? Tests for one run of steps without a gap."""

from __future__ import annotations

import warnings
from typing import Any, Final

import numpy as np

from causalkit.typing import BoolArray, FloatArray

__all__ = ["ljung_box", "longest_run", "stationarity"]

_MOST_LAGS: Final = 24
_EXACT: Final = 1e-9
"""In standard deviations: below lies rounding."""


def longest_run(values: FloatArray, follows: BoolArray) -> FloatArray:
    """The longest stretch of steps without a gap or a hole."""
    there = ~np.isnan(values)
    begins = there & (~follows | ~np.roll(there, 1))
    run = np.cumsum(begins)[there]
    if len(run) == 0:
        return values[:0]
    longest = np.bincount(run).argmax()
    found: FloatArray = values[there][run == longest]
    return found


def stationarity(x: FloatArray, alpha: float) -> tuple[str, int, float, float]:
    """Verdict, suggested differences, and p-values of ADF and KPSS with a constant.

    The series, of shape (n,), has mean 0 and standard deviation 1.
    """
    time = np.linspace(-1, 1, len(x))
    if np.ptp(x - np.polynomial.Polynomial.fit(time, x, 1)(time)) < _EXACT:
        return "trend", 0, np.nan, np.nan
    adf, kpss = _adf(x, "c"), _kpss(x, "c")
    if adf <= alpha < kpss:
        return "stationary", 0, adf, kpss
    if _adf(x, "ct") <= alpha < _kpss(x, "ct"):
        return "trend", 0, adf, kpss
    if adf <= alpha:
        return "shifts", 0, adf, kpss
    if kpss > alpha:
        return "undecided", 0, adf, kpss
    once = np.diff(x)
    again = np.ptp(once) > _EXACT and _adf(once, "c") > alpha
    return "unit root", 2 if again else 1, adf, kpss


def _adf(x: FloatArray, regression: str) -> float:
    from statsmodels.tsa.stattools import adfuller

    schwert = np.ceil(12 * (len(x) / 100) ** 0.25)
    most = int(min(schwert, _MOST_LAGS, len(x) // 2 - len(regression) - 1))
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")  # of series that their past determines
            return _p_value(adfuller(x, maxlag=most, regression=regression))
    except (ValueError, np.linalg.LinAlgError):
        return np.nan


def _kpss(x: FloatArray, regression: str) -> float:
    from statsmodels.tsa.stattools import kpss

    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")  # p-values are cut to the range of the table
            return _p_value(kpss(x, regression=regression, nlags="auto"))
    except (ValueError, OverflowError):
        return np.nan


def _p_value(result: Any) -> float:
    """Of a result with names, as statsmodels returns from 0.16 on, or of a tuple."""
    return float(result.pvalue if hasattr(result, "pvalue") else result[1])


def ljung_box(x: FloatArray) -> float:
    """P-value of no autocorrelation up to lag 10 in a series with mean 0."""
    from scipy.special import chdtrc

    n, most = len(x), min(10, len(x) // 5)
    lags = np.arange(1, most + 1)
    memory = np.array([x[lag:] @ x[:-lag] for lag in lags]) / (x @ x)
    return float(chdtrc(most, n * (n + 2) * (memory**2 / (n - lags)).sum()))
