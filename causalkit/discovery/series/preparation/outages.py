"""Cells that were not measured, though a number stands there: codes, and series that are stuck.

Files of recorded series often have no empty cell and many that nobody measured. A logger writes
-200 or 0 while a sensor is off, or goes on writing the last value. A model that takes these for
values of the quantity learns jumps that the quantity does not make, and a search links that the
quantities do not have. Here they are told apart:

* a *code* is the lowest or highest number of a column, there several times, farther from the next
  one than all others are from one another; or the one negative number of a column of others that
  are not negative, beyond a gap that nothing among them resembles;
* a column is *stuck* over repeats so many that their expected number of such runs is one in a
  thousand, if a repeat follows a repeat as often as elsewhere in the column. Numbers at the end of
  the range are left alone (a gauge at its limit, a calm), and so is a column that mostly stands,
  such as a set point;
* all columns are stuck by the same rule, for steps at which every one of them repeats.

"Several times" is five times. What is there two to four times, and a column that stands for a fifth
of its steps and is not called stuck, are left as they are and mentioned (`doubts_about`): only who
recorded them can tell.

>>> from causalkit._core.series import as_series
>>> x = np.sin(np.arange(200.0))
>>> x[50:60] = x[49]
>>> x[100:107] = -99.0
>>> found = find_outages(as_series({"x": x}))
>>> for outage in found.listed(("x",)):
...     print(outage)
x: -99 is a code (3.5 % of the rows)
x: stuck at the last value (5.0 % of the rows)

References
----------
Little & Rubin (2019), Statistical Analysis with Missing Data, 3rd ed., chapter 1.
doi:10.1002/9781119482260
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from causalkit._core.series import Series
from causalkit.graph.marks import show_name
from causalkit.typing import BoolArray, FloatArray, IntArray, Name

__all__ = ["Outage", "Outages", "doubts_about", "find_outages", "named_outages"]

_FEWEST_CODED: Final = 5
_FEWEST_DOUBTED: Final = 2
_LONG_STAND: Final = 0.2
"""Share of the rows over which a number that does not change is mentioned."""

_FEWEST_OTHERS: Final = 20
"""Distinct numbers that a column must have beside its codes."""

_WIDER: Final = 10.0
"""Gap above a lone negative number, in largest gaps of the lower half of the others."""

_FEWEST_REPEATS: Final = 5
_EXPECTED: Final = 1e-3
_MOSTLY: Final = 0.5
_ELSEWHERE: Final = 1.0
"""Most cells that have the number of a run that is stuck, in cells of such runs."""

_PRIOR: Final = 5.0
_MOST_SAID: Final = 6


@dataclass(frozen=True, slots=True)
class Outage:
    """One way in which cells of a column were not measured.

    Attributes
    ----------
    column : name
    code : float or None
        The number that stands there; None where it is the last value.
    share : float
        Of the rows.
    """

    column: Name
    code: float | None
    share: float

    def __str__(self) -> str:
        what = "stuck at the last value" if self.code is None else f"{self.code:g} is a code"
        return f"{self.column}: {what} ({100 * self.share:.1f} % of the rows)"


@dataclass(frozen=True, slots=True, eq=False)
class Outages:
    """Where cells were not measured, and what stands there instead.

    Attributes
    ----------
    codes : ndarray of shape (n, p)
        The code of a cell; NaN where there is none.
    stuck : ndarray of bool, shape (n, p)
        Whether a cell repeats the last value that was measured.
    """

    codes: FloatArray
    stuck: BoolArray

    @property
    def cells(self) -> BoolArray:
        """All of them, shape (n, p)."""
        return self.stuck | ~np.isnan(self.codes)

    def listed(self, names: tuple[Name, ...]) -> tuple[Outage, ...]:
        """Return them column by column."""
        found: list[Outage] = []
        for k, name in enumerate(names):
            own = self.codes[:, k]
            for code in np.unique(own[~np.isnan(own)]):
                found.append(Outage(name, float(code), float(np.mean(own == code))))
            if self.stuck[:, k].any():
                found.append(Outage(name, None, float(self.stuck[:, k].mean())))
        return tuple(found)


def find_outages(series: Series) -> Outages:
    """Find the cells that were not measured.

    Parameters
    ----------
    series : Series
        Columns with more than two categories have no outages.

    Returns
    -------
    Outages
    """
    many = [levels is not None and len(levels) > 2 for levels in series.table.levels]
    values = np.where(many, np.nan, series.table.values)
    codes = np.full(values.shape, np.nan)
    for k in range(values.shape[1]):
        for code in _codes_of(values[:, k]):
            codes[values[:, k] == code, k] = code
    measured = np.where(np.isnan(codes), values, np.nan)
    stands = np.zeros(values.shape, dtype=np.bool_)
    stands[1:] = (measured[1:] == measured[:-1]) & series.follows[1:, None]
    stuck = np.column_stack(
        [_stuck_alone(measured[:, k], stands[:, k]) for k in range(values.shape[1])]
    )
    return Outages(codes, stuck | _stuck_together(measured, stands))


def _codes_of(x: FloatArray, fewest: int = _FEWEST_CODED) -> list[float]:
    """Numbers that are codes: one at the lower end, one at the upper, or none."""
    distinct, counts = np.unique(x[~np.isnan(x)], return_counts=True)
    if len(distinct) <= _FEWEST_OTHERS:
        return []
    often = counts[[0, -1]] >= fewest
    others = distinct[int(often[0]) : len(distinct) - int(often[1])]
    if len(others) < _FEWEST_OTHERS:
        return []
    width = np.ptp(others)
    found = []
    if often[0]:
        gap = others[0] - distinct[0]
        low_half = np.diff(others[: len(others) // 2 + 1])
        lone = distinct[0] < 0 <= others[0] and gap > _WIDER * low_half.max()
        if gap > width or lone:
            found.append(float(distinct[0]))
    if often[1] and distinct[-1] - others[-1] > width:
        found.append(float(distinct[-1]))
    return found


def doubts_about(series: Series, found: Outages) -> Iterator[str]:
    """Say what may not have been measured either, and is not taken for an outage.

    Parameters
    ----------
    series : Series
    found : Outages
        Of these series.
    """
    for k, name in enumerate(series.names):
        levels = series.table.levels[k]
        if levels is not None and len(levels) > 2:
            continue
        x = np.where(found.cells[:, k], np.nan, series.table.values[:, k])
        for code in _codes_of(x, _FEWEST_DOUBTED):
            yield (
                f"{show_name(name)} is {code:g} in {int((x == code).sum())} cells, far from all "
                f"others, and in too few (of {_FEWEST_CODED}) to be taken for a code: if it is "
                "one, make these cells missing, and look again."
            )
        if len(np.unique(x[~np.isnan(x)])) <= _FEWEST_OTHERS:
            continue
        stands = np.zeros(len(x), dtype=np.bool_)
        stands[1:] = (x[1:] == x[:-1]) & series.follows[1:]
        longest = int(_runs(stands)[1].max(initial=0))
        if longest >= _LONG_STAND * len(x):
            yield (
                f"{show_name(name)} repeats one number over {longest} steps in a row "
                f"({100 * longest / len(x):.0f} % of the rows), which looks to tests as if it "
                "wandered: if a sensor was stuck, make these cells missing, and look again, "
                "before anything is differenced."
            )


def _stuck_alone(x: FloatArray, stands: BoolArray) -> BoolArray:
    """Where a column repeats too long by its own measure."""
    found = np.zeros(len(x), dtype=np.bool_)
    if not stands.any():
        return found
    first, length = _runs(stands)
    inner = (x[first] > np.nanmin(x)) & (x[first] < np.nanmax(x))
    long = _too_long(length, len(x), inner)
    for start, size in zip(first[long], length[long], strict=True):
        found[start : start + size] = True
    for number in np.unique(x[first[long]]):  # one that is met elsewhere is a level of the column
        own = x == number
        if (own & ~found).sum() > _ELSEWHERE * (own & found).sum():
            found[own] = False
    return found if found.sum() <= _MOSTLY * len(x) else np.zeros_like(found)


def _stuck_together(values: FloatArray, stands: BoolArray) -> BoolArray:
    """Where all columns that ever move, and are measured, repeat too long at once."""
    moves = np.array([len(np.unique(x[~np.isnan(x)])) > 1 for x in values.T])
    if moves.sum() < 2:
        return np.zeros(values.shape, dtype=np.bool_)
    together = np.asarray(stands[:, moves].all(axis=1))
    if not together.any():
        return np.zeros(values.shape, dtype=np.bool_)
    first, length = _runs(together)
    found = np.zeros(len(values), dtype=np.bool_)
    long = _too_long(length, len(values))
    for start, size in zip(first[long], length[long], strict=True):
        found[start : start + size] = True
    return np.asarray(found[:, None] & moves)


def _runs(stands: BoolArray) -> tuple[IntArray, IntArray]:
    """First rows and lengths of runs of repeats."""
    edges = np.diff(np.concatenate([[0], stands.astype(np.int8), [0]]))
    first = np.flatnonzero(edges == 1)
    return first, np.flatnonzero(edges == -1) - first


def _too_long(length: IntArray, n_rows: int, eligible: BoolArray | None = None) -> BoolArray:
    """Which runs are longer than the others lead one to expect.

    Runs that are too short to tell are ordinary, and so is each that is to be expected if a repeat
    follows a repeat as often as in the ordinary ones; asked again until no run becomes ordinary.
    """
    ordinary = length < _FEWEST_REPEATS
    if eligible is not None:
        ordinary |= ~eligible
    while True:
        repeats, n_runs = int(length[ordinary].sum()), int(ordinary.sum())
        rate = (repeats + 1) / (n_rows - int(length[~ordinary].sum()) + 2)
        again = (repeats - n_runs + _PRIOR * rate) / (repeats + _PRIOR)
        if again > _MOSTLY:
            return np.zeros(len(length), dtype=np.bool_)
        usual = ordinary | ((n_runs + 1) * again ** (length - 1.0) >= _EXPECTED)
        if (usual == ordinary).all():
            return ~ordinary
        ordinary = usual


def named_outages(found: Outages, names: tuple[Name, ...]) -> str:
    """Say in one line which series have outages, and of what kind; the first few of many."""
    listed = [str(outage) for outage in found.listed(names)]
    more = f"; and {len(listed) - _MOST_SAID} more" if len(listed) > _MOST_SAID else ""
    return "; ".join(listed[:_MOST_SAID]) + more
