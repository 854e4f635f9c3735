"""What stands in one column, as numbers: its values, its levels, its holes.

A number is itself, a boolean is 0 or 1, a category is the position of its level among those that
occur, and whatever a library writes where nothing is known (None, NaN, NaT, `pandas.NA`) is NaN.
Levels without a declared order (see :mod:`~causalkit._core.table`) are sorted, so that two parts of
the data agree on their codes:

>>> as_codes(["south", None, "north"], sorted_levels({"south", "north"}))
(array([ 1., nan,  0.]), ('north', 'south'))

What would have to be guessed is refused, by :func:`unreadable`, with what would help.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence, Set
from typing import Any, Final

import numpy as np

from causalkit.errors import InputError
from causalkit.typing import FloatArray, Name

__all__ = [
    "BOOLEAN",
    "DeclaredLevels",
    "Levels",
    "as_codes",
    "as_floats",
    "as_texts",
    "is_date",
    "is_missing",
    "joined_levels",
    "read_array",
    "read_objects",
    "several_texts",
    "sorted_levels",
    "unreadable",
]

Levels = tuple[object, ...] | None
"""Of a column: None if it is numeric."""

BOOLEAN: Final[tuple[object, ...]] = (False, True)

_DATE: Final = re.compile(
    r"(\d{4}-(0[1-9]|1[0-2])(-\d\d)?|\d{4}/\d\d?/\d\d?|\d\d?([./])\d\d?\4\d{4})([ T].*)?"
)
"""2024-03, 2024-03-01T12:00, 2024/03/01, 1.3.2024; not the season 2020-21."""

_LISTED: Final = 12
"""Columns that are named in one sentence."""

_LEVELS: Final = 50
"""Different values beyond which text is hardly a category."""


def read_array(name: Name, column: np.ndarray[Any, Any]) -> tuple[FloatArray, Levels]:
    """Values and levels of an array: of numbers, booleans or Python objects."""
    if column.dtype == np.bool_:
        return column.astype(np.float64), BOOLEAN
    if column.dtype.kind in "iuf":
        return as_floats(column), None
    if column.dtype == object:
        return read_objects(name, column)
    raise unreadable(name, str(column.dtype), column[:3].tolist())


def read_objects(name: Name, column: np.ndarray[Any, Any]) -> tuple[FloatArray, Levels]:
    """Python objects are welcome when all of them are numbers, or all booleans, or missing."""
    from decimal import Decimal
    from numbers import Real

    present = [cell for cell in column if not is_missing(cell)]
    boolean = bool(present) and all(isinstance(cell, (bool, np.bool_)) for cell in present)
    if not all(isinstance(cell, (Real, np.bool_, Decimal)) for cell in present):
        strange = [cell for cell in present if not isinstance(cell, (Real, np.bool_, Decimal))]
        raise unreadable(name, type(strange[0]).__name__, strange[:3])
    try:
        values = [np.nan if is_missing(cell) else float(cell) for cell in column]
    except OverflowError:
        raise InputError(
            f"column {name!r} holds an integer beyond the largest float, about 1.8e308; expected "
            "numbers in that range. Change its unit, or take its logarithm."
        ) from None
    return np.array(values, dtype=np.float64), BOOLEAN if boolean else None


def as_floats(column: np.ndarray[Any, Any]) -> FloatArray:
    """Numbers of any type as floats."""
    with np.errstate(over="ignore"):  # a long double beyond the range is infinite: refused below
        return np.asarray(column, dtype=np.float64)


def as_texts(column: Any) -> list[str | None] | None:
    """Cells of a column of text, None where one is missing; None if it holds anything else."""
    try:
        cells = column.tolist() if isinstance(column, np.ndarray) else column.to_list()
    except (ValueError, OverflowError):  # a time beyond Python's calendar
        return None
    cells = [None if is_missing(cell) else cell for cell in cells]
    return cells if {type(cell) for cell in cells} - {type(None)} == {str} else None


def as_codes(cells: Sequence[Any], levels: Sequence[Any]) -> tuple[FloatArray, Levels]:
    """Position of each cell among the levels, NaN where it is none of them."""
    code = {level: float(k) for k, level in enumerate(levels)}
    return np.array([code.get(cell, np.nan) for cell in cells]), tuple(levels)


def sorted_levels(levels: Iterable[object]) -> list[Any]:
    """Levels without a declared order, in the order of their codes."""
    return sorted(levels, key=lambda level: (str(type(level)), level))


class DeclaredLevels(tuple[object, ...]):
    """Levels that occur in a part of the data, with the declared list that orders them."""

    order: tuple[object, ...]

    @classmethod
    def among(cls, present: Set[object], order: Iterable[object]) -> DeclaredLevels:
        """Those of the list that are present."""
        declared = tuple(order)
        levels = cls(level for level in declared if level in present)
        levels.order = declared
        return levels


def joined_levels(a: tuple[object, ...], b: tuple[object, ...]) -> tuple[object, ...]:
    """Levels of two parts: in the order of the list that both declare, else sorted.

    A list may be a piece of the other, as where each file lists what it holds.

    Examples
    --------
    >>> sizes = ["small", "medium", "large"]
    >>> joined_levels(*(DeclaredLevels.among({size}, sizes) for size in ("large", "small")))
    ('small', 'large')
    >>> joined_levels(("small",), ("large",))
    ('large', 'small')
    """
    if isinstance(a, DeclaredLevels) and isinstance(b, DeclaredLevels):
        if a.order == b.order and a == b:
            return a
        short, long = sorted((a.order, b.order), key=len)
        if DeclaredLevels.among(set(short), long) == short:
            return DeclaredLevels.among({*a, *b}, long)
    return tuple(a) if a == b else tuple(sorted_levels({*a, *b}))


def is_missing(cell: Any) -> bool:
    """Whether a cell says that nothing is known: None, NaN, NaT or `pandas.NA`."""
    if cell is None or type(cell).__name__ == "NAType":
        return True
    try:
        return bool(np.ndim(cell) == 0 and cell != cell)
    except ArithmeticError:  # Decimal("sNaN") refuses to be compared
        return True
    except (TypeError, ValueError):  # a list of lists of different lengths has no dimensions
        return False


def is_date(text: object) -> bool:
    """Whether a text is written as a date.

    Examples
    --------
    >>> [is_date(text) for text in ("2024-03-01", "1.3.2024", "2024-03-01 12:30", "3.4")]
    [True, True, True, False]
    >>> [is_date(text) for text in ("2020-12", "2020-21", "2024-13-45")]
    [True, False, False]
    """
    return isinstance(text, str) and _DATE.fullmatch(text.strip()) is not None


def unreadable(name: Name, what: str, examples: list[object]) -> InputError:
    """Say that a column of type `what` cannot be read, and what would help."""
    shown = ", ".join(dict.fromkeys(repr(cell) for cell in examples))
    advice = "Convert it, or leave the column out."
    if any(word in what.lower() for word in ("date", "time", "duration")):
        what = "dates or times"
        advice = (
            "Turn them into numbers, e.g. days since the start; if they date the rows of series, "
            f"say time={name!r}."
        )
        shown = str(examples[0]) if examples else ""
    elif examples and all(map(is_date, examples)):
        what = "dates written as text"
        advice = (
            f"If they date the rows of series, say time={name!r}; else turn them into numbers, "
            "e.g. days since the start, or leave the column out."
        )
    elif what.lower().startswith(("str", "<u", "object")) and "struct" not in what.lower():
        what = "text"
        advice = (
            "If its values are categories, say so with .astype('category') (pandas) or "
            ".cast(pl.Categorical) (polars); if they are numbers, convert them; otherwise leave "
            "the column out."
        )
    return InputError(
        f"column {name!r} holds {what} ({shown}); expected numbers, booleans or categories. "
        f"{advice}"
    )


def several_texts(texts: Mapping[Name, Sequence[str]]) -> InputError:
    """Say which columns are text, all at once, and what would help; `texts` has their cells."""
    dates = [name for name, cells in texts.items() if cells and all(map(is_date, cells))]
    free = [name for name, cells in texts.items() if len(set(cells)) > _LEVELS]
    free = [name for name in free if name not in dates]
    levels = [name for name in texts if name not in dates and name not in free]
    said, advice = [], []
    if levels:
        said.append(f"text in {_listed(levels)}")
        advice.append(
            "If its values are categories, say so, of all at once: "
            f"data.astype(dict.fromkeys({levels}, 'category')) (pandas) or "
            ".cast(pl.Categorical) (polars); if they are numbers, convert them."
        )
    if free:
        said.append(f"text with more than {_LEVELS} different values in {_listed(free)}")
        advice.append("Leave out what names rows or is free text.")
    if dates:
        said.append(f"dates written as text in {_listed(dates)}")
        advice.append(
            f"If they date the rows of series, say time={dates[0]!r}; else turn dates into "
            "numbers, e.g. days since the start, or leave them out."
        )
    return InputError(
        f"the data hold {'; '.join(said)}; expected numbers, booleans or categories. "
        f"{' '.join(advice)}"
    )


def _listed(names: Sequence[Name]) -> str:
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return ", ".join(map(repr, names[:_LISTED])) + more
