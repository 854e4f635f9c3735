"""How long a step is, what that makes of lengths of time, and after how many steps days repeat.

Steps have a length where stamps are dates: so many seconds, or business days, or months, which are
not all of one length. With it "2h" is a number of steps, and the periods of the calendar are known
before any is looked for in the data.

>>> import numpy as np
>>> half_hours = np.arange(0, 96 * 1800, 1800).astype("M8[s]")
>>> step_length(half_hours), steps_in("2h", half_hours, "horizon"), calendar_periods(half_hours)
(1800.0, 4, (2, 48, 336, 17520))
"""

from __future__ import annotations

from typing import Final

import numpy as np

from causalkit._core.time_steps import Stamps, business_days_between, months_between
from causalkit.errors import InputError

__all__ = ["calendar_periods", "step_length", "steps_in"]

_DAY: Final = 86_400
_CALENDAR: Final = (60, 3600, _DAY, 7 * _DAY, 365 * _DAY)
"""In seconds: a minute, an hour, a day, a week and a year."""

_ROUNDING: Final = 1e-3
"""Of a number of steps that is taken as whole."""


def step_length(stamps: Stamps) -> float | str | None:
    """How long a step is.

    Parameters
    ----------
    stamps : ndarray, shape (n,)
        In ascending order.

    Returns
    -------
    float, "months", "business days" or None
        Seconds, where steps have so many; months stand for any number of them; None if the stamps
        are no dates, or fewer than two.
    """
    if stamps.dtype.kind != "M" or len(stamps) < 2:
        return None
    import pandas as pd

    index = pd.DatetimeIndex(stamps)
    within = np.arange(1, len(index))
    if months_between(index, within) is not None:
        return "months"
    if business_days_between(index, within) is not None:
        return "business days"
    steps = np.diff(index.as_unit("ns").asi8)
    return float(np.median(steps[steps < 1.5 * steps.min()])) / 1e9


def steps_in(length: object, stamps: Stamps | None, what: str) -> int:
    """Count the steps in a length of time, such as "30min".

    Parameters
    ----------
    length : str
        As pandas reads it: a number and a unit of at most a week.
    stamps : ndarray or None
        Of the data, in ascending order.
    what : str
        Named in errors.

    Raises
    ------
    InputError
        If it is no length, the length of a step is not known, or it is no whole number of steps.

    Examples
    --------
    >>> steps_in("2h", np.arange("2024-01-01", "2024-01-03", dtype="M8[h]"), "horizon")
    2
    """
    import pandas as pd

    try:
        seconds = float(pd.Timedelta(str(length)).total_seconds())
    except ValueError:
        seconds = np.nan
    if not seconds > 0:
        raise InputError(
            f"{what}={length!r}; expected a number of steps, or a length of time such as '30min'."
        )
    step = None if stamps is None else step_length(stamps)
    if step is None or isinstance(step, str):
        known = "steps have no known length" if step is None else f"steps are {step}"
        raise InputError(f"{what}={length!r}, and {known}; expected a number of steps.")
    count = round(seconds / step)
    if count < 1 or abs(seconds / step - count) > _ROUNDING:
        raise InputError(
            f"{what}={length!r} is {seconds / step:.3g} steps of {pd.Timedelta(seconds=step)}; "
            "expected a whole number of them."
        )
    return count


def calendar_periods(stamps: Stamps) -> tuple[int, ...]:
    """Periods of the calendar in whole steps, ascending: an hour, a day, a week, a year.

    Parameters
    ----------
    stamps : ndarray, shape (n,)
        In ascending order.

    Returns
    -------
    tuple of int
        Empty if the stamps are no dates, or no such period is two steps or more.

    Examples
    --------
    >>> calendar_periods(np.arange("2024-01-01", "2024-01-03", dtype="M8[h]"))
    (24, 168, 8760)
    """
    step = step_length(stamps)
    if step is None:
        return ()
    if step == "months":
        months = np.diff(stamps.astype("M8[M]").astype(np.int64))
        found = [12 / np.gcd.reduce(months)]
    elif isinstance(step, str):
        found = [5.0]
    else:
        found = [length / step for length in _CALENDAR]
        if step == 7 * _DAY:
            found.append(52.0)
    return tuple(int(period) for period in found if period >= 2 and period == int(period))
