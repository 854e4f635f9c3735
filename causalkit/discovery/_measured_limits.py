"""How far algorithms were measured to reach: `limits.csv`, read and interpolated.

`benchmarks/bench_limits.py` fits each algorithm to data that suit it, with 100 to 10,000 rows and 5
to 500 columns, and writes down the seconds and the error as a part of the error of a graph without
edges. Here seconds are read off for any size: along straight lines between logarithms, and beyond
the largest size with the slope of the last two. Beyond what was measured that is a guess, which
:attr:`Reach.is_measured` tells.

>>> reach = reach_of("PC", n=1000, p=50)
>>> reach.seconds < 10, reach.beats_empty, reach.is_measured
(True, True, True)
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final

import numpy as np

__all__ = ["DEGREES", "Reach", "reach_of"]

DEGREES: Final = (2, 6)
"""Mean numbers of neighbours of a column at which was measured."""

_LEAST_GROWTH: Final = 2.0
"""Seconds grow at least with this power of p: there are as many pairs of columns."""

_FEWER, _MORE = 2, 10
"""By what factor rows may be fewer, or more, than any that were measured."""

_ROW_GROWTH: Final = (0.0, 3.0)
"""Least and largest power of n with which seconds are taken to grow beyond the most rows."""


@dataclass(frozen=True, slots=True)
class _Measured:
    """One row of the table: a method at one n and degree."""

    model: str
    n: int
    degree: int
    seconds: Mapping[int, float]
    ratios: Mapping[int, float]

    def seconds_at(self, p: int) -> float:
        known = {q: t for q, t in self.seconds.items() if np.isfinite(t)}
        if not known or any(p >= q for q in self.seconds if q not in known):
            return np.inf
        sizes, times = np.log(list(known)), np.log(list(known.values()))
        log_p = np.log(p)
        if log_p <= sizes[-1] or len(sizes) == 1:
            beyond = max(0.0, log_p - sizes[-1]) * _LEAST_GROWTH
            return float(np.exp(np.interp(log_p, sizes, times) + beyond))
        slope = max(_LEAST_GROWTH, (times[-1] - times[-2]) / (sizes[-1] - sizes[-2]))
        return float(np.exp(times[-1] + slope * (log_p - sizes[-1])))


@dataclass(frozen=True, slots=True)
class Reach:
    """What to expect of a method at one size of the data.

    Attributes
    ----------
    method : str
        As the table calls it.
    model : str
        Data that it was measured on.
    seconds_by_degree : mapping of int to float
        By mean number of neighbours, on one processor; infinite where it failed at less.
    ratio_by_degree : mapping of int to float
        Error as a part of that of a graph without edges, at the nearest size measured.
    size : tuple of two int
        Rows and columns of that size; zeros if nothing was compared.
    most_columns : int
        That were measured.
    rows : tuple of two int
        Fewest and most that were measured.
    n, p : int
        What was asked for.
    """

    method: str
    model: str
    seconds_by_degree: Mapping[int, float]
    ratio_by_degree: Mapping[int, float]
    size: tuple[int, int]
    most_columns: int
    rows: tuple[int, int]
    n: int
    p: int

    @property
    def seconds(self) -> float:
        """Seconds at the lowest degree measured; NaN if the method was not measured."""
        return next(iter(self.seconds_by_degree.values()), np.nan)

    @property
    def seconds_if_dense(self) -> float:
        """Seconds at the highest degree measured."""
        return max(self.seconds_by_degree.values(), default=np.nan)

    @property
    def is_measured(self) -> bool:
        """Whether p is within what was measured, and n within half and ten times of it."""
        return not self.outside()

    @property
    def has_few_rows(self) -> bool:
        """Whether the columns are as many as were measured, and the rows fewer."""
        return self.p <= self.most_columns and self.n * _FEWER < self.rows[0]

    @property
    def has_many_rows(self) -> bool:
        """Whether the columns are as many as were measured, and the rows far more."""
        return self.p <= self.most_columns and self.n > self.rows[1] * _MORE

    def outside(self) -> str:
        """Which limit the data are beyond; empty if none."""
        fewest, most = self.rows
        if not self.most_columns:
            return "it was not measured"
        if self.p > self.most_columns:
            return f"{self.most_columns:,} columns are the most that were measured"
        if self.has_few_rows:
            return f"{fewest:,} rows are the fewest that were measured"
        if self.has_many_rows:
            return f"{most:,} rows are the most that were measured"
        return ""

    @property
    def beats_empty(self) -> bool:
        """Whether the error was below that of a graph without edges, at the lowest degree."""
        return next(iter(self.ratio_by_degree.values()), np.inf) < 1


def reach_of(method: str, *, n: int, p: int) -> Reach:
    """Return what was measured of a method, at the size asked for or near it."""
    measured = _table().get(method, ())
    seconds, ratios, size, sizes, rows = {}, {}, (0, 0), [0], []
    for degree in DEGREES:
        of_degree = [one for one in measured if one.degree == degree]
        if not of_degree:
            continue
        seconds[degree] = _between_rows({one.n: one.seconds_at(p) for one in of_degree}, n)
        nearest = _nearest_rows([one for one in of_degree if one.ratios], n)
        sizes += [q for one in of_degree for q, t in one.seconds.items() if np.isfinite(t)]
        rows += [one.n for one in of_degree if one.seconds]
        if nearest is not None:
            q = min(nearest.ratios, key=lambda q: abs(np.log(q / p)))
            size = size if any(size) else (nearest.n, q)
            if size == (nearest.n, q):
                ratios[degree] = nearest.ratios[q]
    model = measured[0].model if measured else ""
    spread = (min(rows, default=0), max(rows, default=0))
    return Reach(method, model, seconds, ratios, size, max(sizes), spread, n, p)


def _between_rows(times: dict[int, float], n: int) -> float:
    """Seconds at n rows, from those at the numbers of rows that were measured."""
    known = sorted(times)
    below, above = [m for m in known if m <= n], [m for m in known if m >= n]
    if not below:
        return times[known[0]]
    if above:
        m, k = below[-1], above[0]
        if m == k or not np.isfinite(times[k]):
            return times[m] if m == k else np.inf
        share = np.log(n / m) / np.log(k / m)
        return float(np.exp((1 - share) * np.log(times[m]) + share * np.log(times[k])))
    last = known[-1]
    slope = 1.0
    if len(known) > 1 and np.isfinite(times[last]):
        slope = np.log(times[last] / times[known[-2]]) / np.log(last / known[-2])
    return float(times[last] * (n / last) ** np.clip(slope, *_ROW_GROWTH))


def _nearest_rows(measured: list[_Measured], n: int) -> _Measured | None:
    return min(measured, key=lambda one: abs(np.log(one.n / n)), default=None)


@cache
def _table() -> dict[str, tuple[_Measured, ...]]:
    text = files("causalkit.discovery").joinpath("limits.csv").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    found: dict[str, tuple[_Measured, ...]] = {}
    for row in csv.DictReader(lines):
        seconds, ratios = _by_p(row["seconds_by_p"]), _by_p(row["ratio_by_p"])
        one = _Measured(row["model"], int(row["n"]), int(row["degree"]), seconds, ratios)
        if row["stopped"] != "budget" or seconds:
            found[row["method"]] = (*found.get(row["method"], ()), one)
    return found


def _by_p(text: str) -> dict[int, float]:
    """Read `5:0.012 10:60+`."""
    pairs = (entry.split(":") for entry in text.split())
    return {int(p): float(value.rstrip("+")) for p, value in pairs}
