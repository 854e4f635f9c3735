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
what it leaves. A period that divides another is part of it. Neighbouring periods can hardly be told
apart in few turns, so a period of the calendar is preferred to a neighbour. Evidence that grows up
to the longest period tried is of a longer wave.

Where times are known a gap is a stretch of unknown values, and turns are counted across it.

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

from causalkit.discovery.series.preparation._periods import before_edge
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

_AS_CLEAR: Final = 0.6
"""Evidence that a period of the calendar needs, in that of a neighbour which is clearer."""

_UNSEEN: Final = 0.1
"""Share of the phases of a block that may be filled in."""

_WAVES: Final = (1, 4, 16)
_MOST_SEASONS: Final = 3
_TREND: Final = 2
_KEPT: Final = 2.0
"""Ratio from which a wave is worth its two numbers (Akaike); of many waves, their logarithm."""

_LEAST_LOG: Final = -700.0


@dataclass(frozen=True, slots=True, eq=False)
class TimedRows:
    """Values by time, with a row of NaN for each step that is missing.

    Attributes
    ----------
    values : ndarray of shape (n, p)
        All of a row is there, or nothing.
    time : ndarray of int, shape (n,)
        In steps; a season of period P is in phase `time % P`.
    runs : tuple of arrays of int
        Rows of each stretch of consecutive steps.
    """

    values: FloatArray
    time: IntArray
    runs: tuple[IntArray, ...]

    @classmethod
    def of(
        cls,
        values: FloatArray,
        time: IntArray,
        follows: NDArray[np.bool_],
        subject: IntArray | None = None,
    ) -> TimedRows:
        """Lay out rows by time.

        Parameters
        ----------
        values : ndarray of shape (n, p)
            Without holes.
        time : ndarray of int, shape (n,)
        follows : ndarray of bool, shape (n,)
            Whether a row is one step after the row above it.
        subject : ndarray of int, shape (n,), optional
            Stretches end where a subject does, where time does not ascend, and at gaps so long that
            there would be more rows of NaN than others.
        """
        passed = np.diff(time, prepend=time[0])
        gap = ~follows & (passed > 1)
        if subject is not None:
            gap[1:] &= subject[1:] == subject[:-1]
        missing = np.where(gap, passed - 1, 0)
        shortest_first = np.argsort(missing, kind="stable")
        missing[shortest_first[np.cumsum(missing[shortest_first]) > len(time)]] = 0
        place = np.arange(len(time)) + np.cumsum(missing)
        laid = np.full((place[-1] + 1, values.shape[1]), np.nan)
        laid[place] = values
        begins = place[np.flatnonzero(~follows & (missing == 0))]
        ends = np.append(begins[1:], len(laid))
        runs = tuple(np.arange(a, b) for a, b in zip(begins, ends, strict=True))
        when = np.repeat(time - place, np.diff(place, append=len(laid))) + np.arange(len(laid))
        return cls(laid, when, runs)

    def without_trends(self) -> TimedRows:
        """Leave what a parabola over each stretch leaves."""
        values = np.array(self.values)
        for run in self.runs:
            there = ~np.isnan(values[run]).any(axis=1)
            design = np.vander(np.linspace(-1, 1, len(run)), min(_TREND, there.sum() - 1) + 1)
            solved = np.linalg.lstsq(design[there], values[run][there], rcond=None)[0]
            values[run] -= design @ solved
        return replace(self, values=values)

    def without(self, table: FloatArray) -> TimedRows:
        """Subtract a season."""
        return replace(self, values=self.values - table[self.time % len(table)])

    def turns(self, period: int) -> int:
        """Whole periods in the stretches."""
        return sum(len(run) // period for run in self.runs)

    def blocks(self, period: int) -> FloatArray:
        """Mean of each phase in each block of whole periods, shape (n_blocks, period, p).

        A block in which too many phases were not seen is left out.
        """
        p = self.values.shape[1]
        cycles = [len(run) // period for run in self.runs]
        each = max(1, min(sum(cycles) // _MOST_BLOCKS, max(cycles)))
        found = []
        for run, n in zip(self.runs, cycles, strict=True):
            rows = run[: n // each * each * period]
            parts = self.values[rows].reshape(n // each, each, period, p)
            seen = ~np.isnan(parts[..., 0])
            means = parts.mean(axis=1) if seen.all() else _means_of_seen(parts, seen)
            found.append(np.roll(means, int(self.time[run[0]]) % period, axis=1))
        return np.concatenate(found)


def _means_of_seen(parts: FloatArray, seen: NDArray[np.bool_]) -> FloatArray:
    """Means over the turns of each block, with lines over the few phases that none has."""
    count = seen.sum(axis=1)[..., None]
    means = np.where(seen[..., None], parts, 0.0).sum(axis=1) / np.maximum(count, 1)
    known = count[..., 0] > 0
    usable = (~known).sum(axis=1) <= _UNSEEN * known.shape[1]
    phase = np.arange(known.shape[1])
    for block in np.flatnonzero(usable & ~known.all(axis=1)):
        at, not_seen = np.flatnonzero(known[block]), np.flatnonzero(~known[block])
        for column in means[block].T:
            column[not_seen] = np.interp(not_seen, at, column[at], period=len(phase))
    chosen: FloatArray = means[usable]
    return chosen


def find_periods(rows: TimedRows, calendar: tuple[int, ...] = ()) -> tuple[int, ...]:
    """Find the periods of seasons.

    Parameters
    ----------
    rows : TimedRows
    calendar : tuple of int, optional
        Periods that seasons of such steps often have: preferred to their neighbours, and tried
        though they be longer than all others.

    Returns
    -------
    tuple of int
        In steps, ascending; none divides another.
    """
    most = max(map(len, rows.runs)) // LEAST_CYCLES
    plain = np.arange(2, min(most, _LONGEST) + 1)
    more = [period for period in calendar if _LONGEST < period <= most]
    if not len(plain):
        return ()
    rows = rows.without_trends()
    bar = np.log(_LEVEL / ((len(plain) + len(more)) * rows.values.shape[1]))
    found: list[int] = []
    while len(found) < _MOST_SEASONS:
        tried = np.array([*plain.tolist(), *more])
        logs = np.array([season_log_p_values(rows, period) for period in tried.tolist()])
        clear = np.minimum(logs - bar, 0.0).sum(axis=1)
        if len(clear) == 0 or clear.min() >= 0:
            break
        if clear.argmin() == len(plain) - 1 and plain[-1] not in calendar:
            plain = plain[: before_edge(clear[: len(plain)])]
            continue
        period = _of_calendar(rows, tried, clear, calendar)
        period = _shortest(rows, period)
        found.append(period)
        rows = rows.without(season_table(rows, period))
    return tuple(sorted(a for a in set(found) if not any(a != b and b % a == 0 for b in found)))


def _of_calendar(
    rows: TimedRows, tried: IntArray, clear: FloatArray, calendar: tuple[int, ...]
) -> int:
    """The clearest period, or one of the calendar that it cannot well be told from."""
    best = int(tried[clear.argmin()])
    near = np.abs(tried - best) * max(map(len, rows.runs)) <= best**2
    known = near & np.isin(tried, calendar) & (clear <= _AS_CLEAR * clear.min())
    return int(tried[known][clear[known].argmin()]) if known.any() else best


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
    if n < 2:
        return np.zeros(waves.shape[1:], dtype=np.complex128), np.zeros(waves.shape[1:]), 1.0
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
