"""Stamps of time as numbers of steps, or a clear word on why they are none.

Days, business days, months and quarters are regular however long they last; where a step is
missing the number jumps, so that nobody takes the rows on both sides for neighbours. What repeats,
runs backwards or has no common step is refused, with the way out.

>>> import numpy as np
>>> step_numbers(np.array(["2024-01-31", "2024-02-29", "2024-04-30"], dtype="M8[D]"), "the index")
array([0, 1, 3])
"""

from __future__ import annotations

from typing import Any

import numpy as np

from causalkit.errors import InputError
from causalkit.typing import Data, IntArray, Name

__all__ = ["index_of", "plain_frame", "stamps_of", "step_numbers"]

_GAPS = 0.1  # share of rows after a gap beyond which the stamps have no step

Stamps = np.ndarray[Any, Any]


def index_of(data: Data) -> Stamps | None:
    """Stamps in the index of a pandas frame; None if it holds no times."""
    if not type(data).__module__.startswith("pandas"):
        return None
    import pandas as pd

    index = getattr(data, "index", None)
    if isinstance(index, pd.PeriodIndex):
        index = index.to_timestamp()
    return _in_utc(index) if isinstance(index, pd.DatetimeIndex) else None


def plain_frame(data: Data) -> Data:
    """The columns of a pandas frame without its index."""
    if type(data).__module__.startswith("pandas") and hasattr(data, "reset_index"):
        return data.reset_index(drop=True)
    return data


def stamps_of(data: Data, name: Name) -> Stamps:
    """Stamps in a column: dates, times, or numbers."""
    import pandas as pd

    column = pd.Series(_cells(data, name))
    if column.isna().any():
        raise InputError(
            f"column {name!r} is the time and has {int(column.isna().sum())} missing cell(s); "
            "expected a time in each row. Drop these rows."
        )
    if column.dtype.kind in "iuf":
        return column.to_numpy()
    try:
        return _in_utc(pd.DatetimeIndex(column))
    except (ValueError, TypeError):
        raise InputError(
            f"column {name!r} is the time and holds {column.iloc[0]!r}; expected dates, times or "
            "numbers. Convert it first, e.g. with pandas.to_datetime."
        ) from None


def _cells(data: Data, name: Name) -> Any:
    if isinstance(data, np.ndarray):
        return data[:, int(str(name).removeprefix("x"))]
    column = data[name]
    return column.to_numpy() if hasattr(column, "to_numpy") else column


def _in_utc(index: Any) -> Stamps:
    if index.hasnans:
        raise InputError("the index has missing times; expected a time in each row. Drop the rows.")
    plain = index.tz_convert("UTC").tz_localize(None) if index.tz is not None else index
    stamps: Stamps = plain.to_numpy()
    return stamps


def step_numbers(stamps: Stamps, what: str) -> IntArray:
    """Number the steps from 0; a missing step is skipped.

    Raises
    ------
    InputError
        If stamps repeat, do not ascend, or have no common step.
    """
    n = len(stamps)
    if n < 2:
        return np.arange(n)
    later = stamps[1:] > stamps[:-1]
    if not later.all():
        row = int(np.argmin(later)) + 1
        if stamps[row] == stamps[row - 1]:
            raise InputError(
                f"{what} has {stamps[row]} twice (row {row}); expected one row a time. If the rows "
                "are of different subjects, name their column as panel; else average the copies."
            )
        raise InputError(
            f"{what} runs backwards at row {row}: {stamps[row]} after {stamps[row - 1]}; expected "
            "ascending times. Sort the rows by time."
        )
    if stamps.dtype.kind == "M":
        return _of_dates(stamps, what)
    return _of_numbers(stamps.astype(np.float64), what)


def _of_dates(stamps: Stamps, what: str) -> IntArray:
    import pandas as pd

    index = pd.DatetimeIndex(stamps)
    if len(index) > 2 and pd.infer_freq(index) is not None:  # business days, quarters, …
        return np.arange(len(index))
    days = index.day
    of_months = (days == days[0]).all() or index.is_month_end.all()
    if of_months and (index.normalize() - index == index[0].normalize() - index[0]).all():
        months = (index.year * 12 + index.month).to_numpy()
        if len(np.unique(months)) == len(months):
            return _checked((months - months[0]) // np.gcd.reduce(np.diff(months)), what)
    ticks = index.as_unit("ns").asi8
    return _of_multiples(ticks - ticks[0], what)


def _of_numbers(stamps: np.ndarray[Any, Any], what: str) -> IntArray:
    since = stamps - stamps[0]
    step = np.diff(stamps).min()
    numbers = np.rint(since / step)
    if np.abs(since / step - numbers).max() > 1e-3:
        raise _irregular(what, np.diff(stamps))
    return _checked(numbers.astype(np.intp), what)


def _of_multiples(ticks: np.ndarray[Any, Any], what: str) -> IntArray:
    steps = np.diff(ticks)
    if (ticks % steps.min()).any():
        raise _irregular(what, steps.astype("m8[ns]"))
    return _checked(ticks // steps.min(), what)


def _checked(numbers: Any, what: str) -> IntArray:
    steps = np.diff(numbers)
    if (steps > 1).mean() > _GAPS and len(numbers) > 4:
        raise _irregular(what, steps)
    return np.asarray(numbers, dtype=np.intp)


def _irregular(what: str, steps: np.ndarray[Any, Any]) -> InputError:
    return InputError(
        f"{what} is irregular: steps from {steps.min()} to {steps.max()}, {steps[0]} at first; "
        "expected one step, with a few gaps at most. Make it regular with "
        "data.resample(…).mean() or .asfreq(…) (pandas); or, if each row is the next step whatever "
        "its date, drop the times: data.reset_index(drop=True)."
    )
