"""Columns of times that nobody named: rows that look like neighbours and are none.

A graph with steps (`X[t-1]`) is about rows that follow each other, and only the columns that it
names are read. If another column of the file says when the rows were, and some are missing there,
lags would reach over the gaps, and the effect would come out too weak without a word. So that
column is to be named, or left out on purpose.

>>> import pandas as pd
>>> lost = pd.DataFrame({"date": ["2024-03-01", "2024-03-02", "2024-03-04", "2024-03-05"]})
>>> check_unread_times(lost, None, "lost.csv")
Traceback (most recent call last):
    ...
causalkit.errors.InputError: column 'date' of lost.csv looks like times, in steps of unequal ...
"""

from __future__ import annotations

import shlex
import warnings
from datetime import date
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from causalkit._core.column_values import is_date
from causalkit._core.time_steps import day_first, stamps_of, steps_since
from causalkit.errors import InputError
from causalkit.typing import BoolArray

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["as_dates", "check_unread_times", "holds_dates"]

_MOST_MISSING: Final = 0.5
"""Share of empty cells beyond which a date is hardly that of the row."""

_LOOKED_AT: Final = 100
"""Cells of a column of text that tell whether it holds dates."""


def check_unread_times(unread: pd.DataFrame, subject: pd.Series[Any] | None, where: str) -> None:
    """Refuse rows that a column which is not read says are not one step apart.

    Parameters
    ----------
    unread : DataFrame
        The columns that are not read.
    subject : Series, optional
        Tells subjects apart; each has steps of its own.
    where : str
        What the file is called.

    Raises
    ------
    InputError
    """
    begins = np.zeros(len(unread), dtype=np.bool_)
    begins[:1] = True
    if subject is not None:
        begins |= (subject != subject.shift()).to_numpy()
    for name, column in unread.items():
        if _is_of_no_format(column):
            raise InputError(
                f"column {str(name)!r} of {where} holds dates that cannot be read in one "
                "format, so they do not say whether a step is missing; expected rows that are one "
                "step apart. Write all of them as in 2024-03-01; or, if each row is the next step "
                f"whatever that column says, --drop {shlex.quote(str(name))}."
            )
        if _tells_of_gaps(column, begins):
            quoted = shlex.quote(str(name))
            raise InputError(
                f"column {str(name)!r} of {where} looks like times, in steps of unequal length, "
                "and is not read; expected rows that are one step apart, or times that say which "
                f"are not. Say --time {quoted}, so that no lag reaches over a gap; or, if each row "
                f"is the next step whatever that column says, --drop {quoted}."
            )


def holds_dates(column: pd.Series[Any]) -> bool:
    """Whether a column holds dates, as such or as text."""
    import pandas as pd

    if pd.api.types.is_datetime64_any_dtype(column) or isinstance(column.dtype, pd.PeriodDtype):
        return True
    cells = column.dropna().iloc[:_LOOKED_AT]
    return bool(len(cells)) and all(isinstance(cell, date) or is_date(cell) for cell in cells)


def _dates_the_rows(column: pd.Series[Any]) -> bool:
    return holds_dates(column) and column.isna().mean() <= _MOST_MISSING


def _is_of_no_format(column: pd.Series[Any]) -> bool:
    """Whether rows are dated, and their dates cannot be read."""
    return _dates_the_rows(column) and _as_stamps(column.dropna()) is None


def _tells_of_gaps(column: pd.Series[Any], begins: BoolArray) -> bool:
    """Whether rows are dated and not one step apart, or counted with some of them missing."""
    import pandas as pd

    missing = column.isna().mean()
    if _dates_the_rows(column):
        return missing > 0 or not _are_steps(_as_stamps(column), begins, if_irregular=False)
    is_number = pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)
    if missing or not is_number:
        return False
    return not _are_steps(column.to_numpy(), begins, if_irregular=True)


def _are_steps(stamps: Any, begins: BoolArray, *, if_irregular: bool) -> bool:
    """Whether each row is one step after the one above; what has no steps is as it is said."""
    try:
        return bool((steps_since(stamps, begins, "") <= 1).all())
    except InputError:
        return if_irregular


def _as_stamps(column: pd.Series[Any]) -> Any:
    """Dates as such, as `--time` would read them; None where they are not of one format."""
    try:
        return stamps_of(as_dates(column).to_frame("time"), "time")
    except (ValueError, TypeError, UserWarning, FutureWarning):
        return None


def as_dates(column: pd.Series[Any]) -> pd.Series[Any]:
    """Dates of one format as such; with points the day comes first, 1.3.2024.

    Raises
    ------
    ValueError, TypeError, UserWarning or FutureWarning
        If they are of no format, or of several; pandas warns where it would guess cell by cell.
    """
    import pandas as pd

    if isinstance(column.dtype, pd.PeriodDtype):
        return pd.Series(column.dt.to_timestamp())
    dates: pd.Series[Any] = day_first(column)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            return pd.to_datetime(dates)
        except (ValueError, FutureWarning):  # a clock that is moved in summer: offsets differ
            return pd.to_datetime(dates, utc=True)
