"""The period of a series: the number of steps after which what is not memory comes again.

For each number of steps the series is regressed on the season, with a trend and as many of its own
lags as BIC asks for beside it; an F test asks whether the season matters. A season is a wave, or a
mean for each phase, which can have any shape. A multiple of the period explains as much with more
phases, so of the periods that pass the one with the best BIC is it. Neighbours can hardly be told
apart in few turns: a period of the calendar is taken if its BIC is about as good.

Where the evidence grows up to the longest period that is tried, it is of a longer wave, and of none
that is tried: the periods on that slope are left out.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from scipy.special import fdtrc

from causalkit.typing import FloatArray

__all__ = ["before_edge", "dominant_period", "longest_tried"]

_LEAST_CYCLES: Final = 4
_LEAST_STEPS: Final = 20
_MOST_STEPS: Final = 10_000
_LONGEST: Final = 400
_MOST_MEMORY: Final = 6
_AS_GOOD: Final = 6.0
"""Difference of BIC up to which a period of the calendar is taken for the best one."""


def dominant_period(
    x: FloatArray, alpha: float, calendar: tuple[int, ...] = ()
) -> tuple[int | None, float]:
    """Period of a series without holes, in whole steps, and the p-value of "there is none".

    Periods from 2 steps to a quarter of the series are tried, 400 at most, on its last 10,000
    steps; the p-value counts how many these are (Bonferroni).

    Parameters
    ----------
    x : ndarray of shape (n,)
        With a standard deviation about 1.
    alpha : float
    calendar : tuple of int, optional
        Periods that are preferred to their neighbours, and tried though they be longer than 400.

    Returns
    -------
    period : int or None
        None if the p-value is larger than `alpha`, or all that passes is part of a longer wave.
    p_value : float
        NaN if the series is too short to tell, or constant.
    """
    x = x[-_MOST_STEPS:]
    if len(x) < _LEAST_STEPS or np.ptp(x) < 1e-9:
        return None, np.nan
    columns = _regression((x - x.mean()) / x.std(), min(_MOST_MEMORY, len(x) // 10))
    n = len(columns)
    squares = _squares_left(columns - columns.mean(axis=0))
    most = n // _LEAST_CYCLES
    plain = np.arange(2, min(most, _LONGEST) + 1)
    tried = np.array([*plain.tolist(), *(p for p in calendar if _LONGEST < p <= most)])
    found = []
    for period in tried.tolist():
        shapes = [(_without_phases(columns, period), period - 1)]
        if period > 3:
            shapes.append((_without_wave(columns, period), 2))
        tests = [_test(squares, _squares_left(left), n, n_zero) for left, n_zero in shapes]
        p_value = min(1.0, len(tests) * min(p for p, _ in tests))
        found.append((p_value, min(bic for _, bic in tests)))
    p_values, bic = np.transpose(found)
    overall = float(min(1.0, len(tried) * p_values.min()))
    if overall > alpha:
        return None, overall
    bic = np.where(len(tried) * p_values <= alpha, bic, np.inf)
    if bic.argmin() == len(plain) - 1 and plain[-1] not in calendar:
        bic[before_edge(bic[: len(plain)]) : len(plain)] = np.inf
    if np.isinf(bic).all():
        return None, overall
    best = int(tried[bic.argmin()])
    near = np.abs(tried - best) * n <= best**2
    known = near & np.isin(tried, calendar) & (bic <= bic.min() + _AS_GOOD)
    return int(tried[known][bic[known].argmin()]) if known.any() else best, overall


def longest_tried(n_steps: int) -> int:
    """The longest period that is looked for in so many steps, about, but for those of calendars."""
    return min(n_steps // _LEAST_CYCLES, _LONGEST)


def before_edge(scores: FloatArray) -> int:
    """Number of scores before those that fall, or stay, all the way to the last one."""
    rises = np.flatnonzero(scores[1:] > scores[:-1])
    return int(rises[-1]) + 1 if len(rises) else 0


def _regression(x: FloatArray, memory: int) -> FloatArray:
    """Trend and lags, and the series itself as the last column."""
    n = len(x) - memory
    lags = [x[memory - lag : len(x) - lag] for lag in range(1, memory + 1)]
    return np.column_stack([np.linspace(-1, 1, n), *lags, x[memory:]])


def _squares_left(columns: FloatArray) -> FloatArray:
    """Sums of squares that the trend and 0, 1, … lags leave of the last column."""
    gram = columns.T @ columns
    total = gram[-1, -1]
    # Rounding must not stop a series that a trend or a few lags determine.
    gram[np.diag_indices_from(gram)] += 1e-12 * np.trace(gram)
    explained = np.linalg.cholesky(gram)[-1, :-1] ** 2
    left: FloatArray = np.maximum(total - np.cumsum(explained), 1e-12 * len(columns))
    return left


def _test(plain: FloatArray, left: FloatArray, n: int, n_zero: int) -> tuple[float, float]:
    """P-value of a season, and BIC with it; the memory is that with the best AIC."""
    lags = np.arange(len(left))
    bic = n * np.log(left) + np.log(n) * (lags + n_zero)
    k = int(np.argmin(bic + (2 - np.log(n)) * lags))  # AIC: too little memory looks like a season
    df = n - 2 - k - n_zero
    ratio = max(0.0, plain[k] - left[k]) / left[k] * df / n_zero
    return float(fdtrc(n_zero, df, ratio)), float(bic[k])


def _without_phases(columns: FloatArray, period: int) -> FloatArray:
    """Deviations from the means of the phases."""
    phase = np.arange(len(columns)) % period
    sums = np.stack([np.bincount(phase, column) for column in columns.T], axis=1)
    deviations: FloatArray = columns - (sums / np.bincount(phase)[:, None])[phase]
    return deviations


def _without_wave(columns: FloatArray, period: int) -> FloatArray:
    """What a mean and a wave of the period leave."""
    angle = 2 * np.pi / period * np.arange(len(columns))
    wave = np.linalg.qr(np.column_stack([np.ones(len(columns)), np.cos(angle), np.sin(angle)]))[0]
    left: FloatArray = columns - wave @ (wave.T @ columns)
    return left
