"""Stamps of time as counts of steps, or a clear word on why they are none.

Days, business days, months and quarters are regular however long they last, and so are days of 23
hours in a zone that moves its clocks; where a step is missing two are counted, so that nobody
takes the rows on both sides for neighbours. A clock may be a little early or late. What repeats,
runs backwards or has no common step is refused, with the way out.

>>> import numpy as np
>>> months = np.array(["2024-01-31", "2024-02-29", "2024-04-30"], dtype="M8[D]")
>>> steps_since(months, np.array([True, False, False]), "the index")
array([0, 1, 2])
"""

from __future__ import annotations

import re
from typing import Any, Final

import numpy as np

from causalkit.errors import InputError
from causalkit.typing import BoolArray, Data, IntArray, Name

__all__ = [
    "Stamps",
    "business_days_between",
    "day_first",
    "index_of",
    "months_between",
    "plain_frame",
    "stamps_of",
    "steps_since",
]

_GAPS: Final = 0.5
"""Share of rows after a gap beyond which the stamps have no step."""

_JITTER: Final = 0.05
"""How early or late a stamp may be, in steps for each step since the row before."""

_MONTH_DAYS: Final = 6
"""Days by which stamps of months may differ: third Fridays are the 15th to the 21st."""

_POINTS: Final = re.compile(r"^\s*(\d\d?)\.(\d\d?)\.(\d{4})(?!\d)")
"""1.3.2024"""

Stamps = np.ndarray[Any, Any]


def index_of(data: Data) -> Stamps | None:
    """Stamps in the index of a pandas frame; None if it holds no times.

    Raises
    ------
    InputError
        If it has several levels, or a time is missing.
    """
    if not type(data).__module__.startswith("pandas"):
        return None
    import pandas as pd

    index = getattr(data, "index", None)
    if isinstance(index, pd.MultiIndex):
        raise InputError(
            f"the frame has an index of {index.nlevels} levels; expected rows that are steps, and "
            "columns that say of whom and when. Call data.reset_index() and name these columns as "
            "panel and time."
        )
    if not isinstance(index, (pd.DatetimeIndex, pd.PeriodIndex, pd.TimedeltaIndex)):
        return None
    if index.hasnans:
        raise _missing("the index", int(np.sum(index.isna())))
    return _plain(index)


def plain_frame(data: Data) -> Data:
    """The columns of a pandas frame without its index."""
    if type(data).__module__.startswith("pandas") and hasattr(data, "reset_index"):
        return data.reset_index(drop=True)
    return data


def stamps_of(data: Data, name: Name) -> Stamps:
    """Stamps in a column: dates, times, or numbers.

    Raises
    ------
    InputError
        If one is missing, or the column holds something else.
    """
    import pandas as pd

    column, what = _column(data, name), f"column {name!r}"
    missing = column.isna()
    if column.dtype.kind == "f":
        missing |= ~np.isfinite(column.astype("float64"))
    if missing.any():
        raise _missing(what, int(missing.sum()))
    if column.dtype.kind in "iuf":
        stamps: Stamps = column.to_numpy()
        return stamps
    try:
        timed = column.dtype.kind == "m" or isinstance(column.dtype, pd.PeriodDtype)
        dates = column if timed else day_first(column)
        return _plain(pd.Index(dates) if timed else pd.DatetimeIndex(dates))
    except (ValueError, TypeError):
        raise InputError(
            f"{what} is the time and holds {column.iloc[0]!r}; expected dates (with points "
            "the day first), times or numbers. Convert it first, e.g. with pandas.to_datetime."
        ) from None


def day_first(column: Any) -> Any:
    """Write texts such as 1.3.2024 in a pandas column as 2024-03-01: with points the day is first.

    Examples
    --------
    >>> import pandas as pd
    >>> day_first(pd.Series(["1.3.2024", "31.12.2024 12:30", "2024-03-01"])).tolist()
    ['2024-03-01', '2024-12-31 12:30', '2024-03-01']
    """
    if not any(isinstance(cell, str) for cell in column.dropna().iloc[:1]):
        return column
    return column.map(lambda cell: _POINTS.sub(_as_iso, cell) if isinstance(cell, str) else cell)


def _as_iso(date: re.Match[str]) -> str:
    day, month, year = map(int, date.groups())
    return f"{year:04}-{month:02}-{day:02}"


def _column(data: Data, name: Name) -> Any:
    import pandas as pd

    if isinstance(data, np.ndarray):
        return pd.Series(data[:, int(str(name).removeprefix("x"))])
    column = data[name]
    return pd.Series(column.to_pandas() if hasattr(column, "to_pandas") else column)


def _missing(what: str, n_missing: int) -> InputError:
    return InputError(
        f"{what} is the time and has {n_missing} missing cell(s); expected a time in each row. "
        "Drop these rows."
    )


def _plain(index: Any) -> Stamps:
    """Times without a zone: of the clock on the wall if the stamps follow it, else of UTC."""
    kind = type(index).__name__
    if kind == "TimedeltaIndex":
        since: Stamps = index.as_unit("ns").asi8
        return since
    if kind == "PeriodIndex":
        index = index.to_timestamp()
    if index.tz is None:
        stamps: Stamps = index.to_numpy()
        return stamps
    wall, utc = index.tz_localize(None), index.tz_convert("UTC").tz_localize(None)
    by_wall = wall.is_monotonic_increasing and _n_hours(wall) < _n_hours(utc)
    plain: Stamps = (wall if by_wall else utc).to_numpy()
    return plain


def _n_hours(index: Any) -> int:
    """Number of different times of the day: one, if the stamps are all midnights."""
    return len((index - index.normalize()).unique())


def steps_since(stamps: Stamps, begins: BoolArray, what: str) -> IntArray:
    """Count the steps from each row to the one above it.

    Parameters
    ----------
    stamps : ndarray, shape (n,)
        Dates or numbers.
    begins : ndarray of bool, shape (n,)
        Whether a row is the first one of a subject. All have steps of the same length.
    what : str
        Named in errors.

    Returns
    -------
    ndarray of int, shape (n,)
        0 where a subject begins; more than 1 after a gap.

    Raises
    ------
    InputError
        If stamps repeat, do not ascend, or have no common step.
    """
    within = np.flatnonzero(~begins)
    counts = np.zeros(len(stamps), dtype=np.intp)
    if not len(within):
        return counts
    later = stamps[within] > stamps[within - 1]
    if not later.all():
        row = int(within[np.argmin(later)])
        if stamps[row] == stamps[row - 1]:
            raise InputError(
                f"{what} has {_shown(stamps[row])} twice (row {row}); expected one row a time. If "
                "the rows are of different subjects, name their column as panel; else average the "
                "copies."
            )
        raise InputError(
            f"{what} runs backwards at row {row}: {_shown(stamps[row])} after "
            f"{_shown(stamps[row - 1])}; expected ascending times. Sort the rows by time."
        )
    if stamps.dtype.kind == "M":
        counts[within] = _between_dates(stamps, within, what)
    else:
        distances = (stamps[within] - stamps[within - 1]).astype(np.float64)
        counts[within] = _of_distances(distances, what)
    if (counts[within] > 1).mean() > _GAPS and len(within) >= 4:
        raise _irregular(what, counts[within])
    return counts


def _shown(stamp: Any) -> str:
    """A stamp without the zeros of a time of the day, or of a second, that it does not have."""
    text = str(stamp)
    return re.sub(r"(T00:00:00)?(\.0+)?$", "", text) if isinstance(stamp, np.datetime64) else text


def _between_dates(stamps: Stamps, within: IntArray, what: str) -> IntArray:
    import pandas as pd

    index = pd.DatetimeIndex(stamps)
    for counted in (months_between(index, within), business_days_between(index, within)):
        if counted is not None:
            return counted
    ticks = index.as_unit("ns").asi8
    return _of_distances((ticks[within] - ticks[within - 1]).astype(np.float64), what, in_ns=True)


def months_between(index: Any, within: IntArray) -> IntArray | None:
    """Months between dates of about the same day, in their common number; None if they are not."""
    if _n_hours(index) > 1 or np.ptp(index.day.to_numpy()) > _MONTH_DAYS:
        return None
    months = np.diff((index.year * 12 + index.month).to_numpy())[within - 1]
    if months.min() <= 0:
        return None
    return np.asarray(months // np.gcd.reduce(months), dtype=np.intp)


def business_days_between(index: Any, within: IntArray) -> IntArray | None:
    """Business days between dates that are no weekends; None if they are something else."""
    dates = index.to_numpy().astype("M8[D]")
    is_plain = _n_hours(index) == 1 and np.is_busday(dates).all()
    if not is_plain or np.diff(dates)[within - 1].min() != np.timedelta64(1, "D"):
        return None
    return np.asarray(np.busday_count(dates[within - 1], dates[within]), dtype=np.intp)


def _of_distances(steps: Stamps, what: str, *, in_ns: bool = False) -> IntArray:
    plain = float(np.median(steps[steps < 1.5 * steps.min()]))
    counts = np.rint(steps / plain)
    if (np.abs(steps / plain - counts) > _JITTER * counts).any():
        raise _irregular(what, steps, in_ns=in_ns)
    return np.asarray(counts, dtype=np.intp)


def _irregular(what: str, steps: Stamps, *, in_ns: bool = False) -> InputError:
    import pandas as pd

    shown = [steps.min(), steps.max(), steps[0]]
    if in_ns:
        shown = [pd.Timedelta(int(step)) for step in shown]
    least, most, first = shown
    return InputError(
        f"{what} is irregular: steps from {least} to {most}, {first} at first; "
        "expected one step, and gaps of whole steps before at most half of the rows. Make it "
        "regular with data.resample(…).mean() or .asfreq(…) (pandas). Leave the times out only if "
        "each row is the next step whatever its date, such as a trial: else rows on both sides of "
        "a gap are taken for neighbours."
    )
