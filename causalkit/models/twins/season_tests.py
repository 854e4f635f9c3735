"""Seasons of series: which waves come again in every stretch of the data.

A season is a function of the time alone, so it comes again where noise does not. The data are cut
into blocks of whole periods, and a wave that has the same size and phase in all blocks is told from
one that has not: with mean a and variance v of the complex coefficient over B blocks of noise,

    B |a|² / v  ~  F(2, 2 (B - 1)).

Memory makes noise larger at some frequencies, in all blocks but with a phase that differs between
them, so it is in v and needs no model. Blocks are as long as the data allow: noise that swings does
not keep its phase over one. A season of any shape has several waves; their p-values are put
together as Fisher did.

Of the periods that pass, the clearest over all series is taken, and the next one is looked for in
what it leaves. A period that divides another is part of it.

References
----------
Fisher (1925), Statistical Methods for Research Workers, section 21.1 (several p-values).
Hannan (1961), Testing for a jump in the spectral function, J. Royal Statistical Society B 23,
394-404. doi:10.1111/j.2517-6161.1961.tb00422.x
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaincc

from causalkit.typing import FloatArray, IntArray

__all__ = ["LEAST_CYCLES", "TimedRows", "find_periods", "season_log_p_values", "season_table"]

LEAST_CYCLES: Final = 5
"""Periods that there must be in one unbroken series."""

_MOST_BLOCKS: Final = 16
_LONGEST: Final = 400
_LEVEL: Final = 0.005
"""Chance that any period passes where there is none."""

_LEFT: Final = 0.05
"""Of what a shorter period leaves."""

_WAVES: Final = (1, 4, 16)
_MOST_SEASONS: Final = 3
_TREND: Final = 2
_KEPT: Final = 2.0
"""Ratio from which a wave is worth its two numbers (Akaike); of many waves, their logarithm."""

_LEAST_LOG: Final = -700.0


@dataclass(frozen=True, slots=True, eq=False)
class TimedRows:
    """Values without holes, and the time of each row.

    Attributes
    ----------
    values : ndarray of shape (n, p)
    time : ndarray of int, shape (n,)
        In steps; a season of period P is in phase `time % P`.
    runs : tuple of arrays of int
        Rows of each unbroken series.
    """

    values: FloatArray
    time: IntArray
    runs: tuple[IntArray, ...]

    @classmethod
    def of(cls, values: FloatArray, time: IntArray, follows: NDArray[np.bool_]) -> TimedRows:
        """Tell the unbroken series apart by which row follows the one above it."""
        borders = np.flatnonzero(~follows)
        ends = np.append(borders[1:], len(follows))
        runs = tuple(np.arange(a, b) for a, b in zip(borders, ends, strict=True))
        return cls(values, time, runs)

    def without_trends(self) -> TimedRows:
        """Leave what a parabola over each unbroken series leaves."""
        values = np.array(self.values)
        for run in self.runs:
            x = np.linspace(-1, 1, len(run))
            design = np.vander(x, min(_TREND, len(run) - 1) + 1)
            values[run] -= design @ np.linalg.lstsq(design, values[run], rcond=None)[0]
        return replace(self, values=values)

    def without(self, table: FloatArray) -> TimedRows:
        """Subtract a season."""
        return replace(self, values=self.values - table[self.time % len(table)])

    def blocks(self, period: int) -> FloatArray:
        """Mean of each phase in each block of whole periods, shape (n_blocks, period, p)."""
        cycles = [len(run) // period for run in self.runs]
        each = max(1, min(sum(cycles) // _MOST_BLOCKS, max(cycles)))
        found = []
        for run, n in zip(self.runs, cycles, strict=True):
            rows = run[: n // each * each * period]
            parts = self.values[rows].reshape(n // each, each, period, -1).mean(axis=1)
            found.append(np.roll(parts, int(self.time[run[0]]) % period, axis=1))
        return np.concatenate(found)


def find_periods(rows: TimedRows) -> tuple[int, ...]:
    """Find the periods of seasons.

    Parameters
    ----------
    rows : TimedRows

    Returns
    -------
    tuple of int
        In steps, ascending; none divides another.
    """
    longest = min(max(map(len, rows.runs)) // LEAST_CYCLES, _LONGEST)
    tried = np.arange(2, longest + 1)
    if not len(tried):
        return ()
    rows = rows.without_trends()
    bar = np.log(_LEVEL / (len(tried) * rows.values.shape[1]))
    found: list[int] = []
    for _ in range(_MOST_SEASONS):
        logs = np.array([season_log_p_values(rows, period) for period in tried.tolist()])
        clear = np.minimum(logs - bar, 0.0).sum(axis=1)
        if clear.min() >= 0:
            break
        period = int(tried[np.argmin(clear)])
        period = _shortest(rows, period)
        found.append(period)
        rows = rows.without(season_table(rows, period))
    return tuple(sorted(a for a in set(found) if not any(a != b and b % a == 0 for b in found)))


def _shortest(rows: TimedRows, period: int) -> int:
    """Shortest period that divides this one and leaves nothing of it."""
    bar = np.log(_LEFT / rows.values.shape[1])
    for part in range(2, period):
        if period % part == 0:
            left = rows.without(season_table(rows, part))
            if (season_log_p_values(left, period) > bar).all():
                return part
    return period


def season_log_p_values(rows: TimedRows, period: int) -> FloatArray:
    """Log probability of waves so regular where there is no season, shape (p,).

    Parameters
    ----------
    rows : TimedRows
        Without trends.
    period : int
    """
    _, ratio, spare = _waves(rows, period)
    logs = -spare * np.log1p(ratio / spare)
    found = []
    for count in dict.fromkeys(min(count, len(logs)) for count in _WAVES):
        found.append(_fisher(logs[:count].sum(axis=0), count))
    least: FloatArray = np.minimum(np.min(found, axis=0) + np.log(len(found)), 0.0)
    return least


def season_table(rows: TimedRows, period: int) -> FloatArray:
    """Mean of each phase less the mean of all, of waves that are clear; shape (period, p).

    Parameters
    ----------
    rows : TimedRows
        Without trends.
    period : int

    Returns
    -------
    ndarray of shape (period, p)
        Waves are shrunk by the share of their power that noise explains.
    """
    mean, ratio, _ = _waves(rows, period)
    bar = max(_KEPT, float(np.log(len(ratio))))
    kept = np.where(ratio > bar, 1 - 1 / np.maximum(ratio, 1.0), 0.0)
    waves = np.concatenate([np.zeros_like(mean[:1]), mean * kept])
    table: FloatArray = np.fft.irfft(waves, n=period, axis=0)
    return table


def _waves(rows: TimedRows, period: int) -> tuple[NDArray[np.complex128], FloatArray, float]:
    """Mean coefficient of waves 1, 2, … of a period, how clear it is, and its degrees of freedom.

    A wave of half the sampling rate has one number, and is treated as the others.
    """
    waves = np.fft.rfft(rows.blocks(period), axis=1)[:, 1:]
    n = len(waves)
    mean = waves.mean(axis=0)
    noise = (np.abs(waves - mean) ** 2).sum(axis=0) / max(n - 1, 1)
    power = n * np.abs(mean) ** 2
    ratio = np.divide(
        power, noise, out=np.zeros_like(power), where=noise > 1e-12 * (power + 1e-300)
    )
    return mean, ratio, float(max(n - 1, 1))


def _fisher(logs: FloatArray, count: int) -> FloatArray:
    """Log of the p-value that independent p-values with such a sum of logs have together."""
    tail = gammaincc(count, -logs)
    far = (count - 1) * np.log(np.maximum(-logs, 1.0)) + logs  # the leading term, where it is tiny
    found: FloatArray = np.where(tail > 1e-290, np.log(np.maximum(tail, 1e-300)), far)
    return np.maximum(found, _LEAST_LOG)
