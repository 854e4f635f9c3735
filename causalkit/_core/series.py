"""The door through which series enter: rows in the order of time, and which row follows which.

A frame of series is read as a table of which the rows are steps. Where a step is missing, where a
new subject begins, or where a cell has no value, there is a border, and no lag ever reaches over
it: `usable(reach)` lists the rows that have `reach` complete steps before them, and `lagged(reach)`
lays these out side by side, one block of columns a lag.

>>> import numpy as np
>>> series = as_series({"x": [1.0, 2.0, np.nan, 4.0, 5.0, 6.0]})
>>> series.usable(1)
array([1, 4, 5])
>>> series.lagged(1)
array([[2., 1.],
       [5., 4.],
       [6., 5.]])
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from causalkit._core.table import Table, as_table, column_names
from causalkit._core.time_steps import Stamps, index_of, plain_frame, stamps_of, steps_since
from causalkit.errors import InputError, UnknownVariableError
from causalkit.typing import BoolArray, Data, FloatArray, IntArray, Name

__all__ = ["Series", "as_series"]


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """Rows that are steps of one or several series.

    Attributes
    ----------
    table : Table
        The variables.
    follows : ndarray of bool, shape (n_rows,)
        Whether a row is one step after the row above it.
    counted : ndarray of bool, shape (n_rows,)
        Whether a row may be "now". One that may not still stands in the past of others.
    subject : ndarray of int, shape (n_rows,)
        Number of the subject that a row belongs to.
    when : ndarray of int, shape (n_rows,)
        Number of the time of a row, the same for all subjects; by its stamp, or where there is none
        by its place among the rows of its subject.
    drawn : ndarray of int or None
        Rows that are "now" in a resample, each as often as it was drawn.
    times : ndarray or None
        Stamp of each number in `when`.
    """

    table: Table
    follows: BoolArray
    counted: BoolArray
    subject: IntArray
    when: IntArray
    drawn: IntArray | None = None
    times: Stamps | None = None

    @property
    def names(self) -> tuple[Name, ...]:
        """Names of the variables."""
        return self.table.names

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return self.table.n_rows

    def select(self, names: Iterable[Name]) -> Series:
        """Return the series of these variables only; holes of the others matter no more."""
        return replace(self, table=self.table.select(names))

    def resampled(self, rows: IntArray) -> Series:
        """Return the same series with these rows as "now"; the past of each is its own."""
        return replace(self, drawn=rows)

    def with_values(self, values: FloatArray) -> Series:
        """Return series of the same steps with other numbers."""
        table = Table(self.names, np.asfortranarray(values), self.table.levels)
        return replace(self, table=table)

    def complete_before(self) -> IntArray:
        """Count for each row the complete steps before it; -1 for a row with a hole."""
        whole = ~np.isnan(self.table.values).any(axis=1)
        row = np.arange(self.n_rows)
        begins = np.where(~self.follows | ~whole | ~np.roll(whole, 1), row, 0)
        since = row - np.maximum.accumulate(begins)
        return np.where(whole, since, -1)

    def usable(self, reach: int) -> IntArray:
        """Rows that may be "now" and have `reach` complete steps before them."""
        fit = (self.complete_before() >= reach) & self.counted
        if self.drawn is not None:
            return self.drawn[fit[self.drawn]]
        return np.flatnonzero(fit)

    def lagged(self, reach: int, rows: IntArray | None = None) -> FloatArray:
        """Values now, one step ago, …, `reach` steps ago, of the usable rows.

        Returns
        -------
        ndarray of shape (n_usable, (reach + 1) * n_variables)
            Column `lag * n_variables + k` is variable k, `lag` steps ago; column-major.
        """
        now = self.usable(reach) if rows is None else rows
        p = len(self.names)
        values = np.empty((len(now), (reach + 1) * p), order="F")
        for lag in range(reach + 1):
            values[:, lag * p : (lag + 1) * p] = self.table.values[now - lag]
        return values

    def needs(self, n_steps: int, reach: int, *, who: str) -> None:
        """Refuse series with fewer than `n_steps` usable steps at this reach.

        Raises
        ------
        InputError
        """
        n_usable = len(self.usable(reach))
        if n_usable >= n_steps:
            return
        n_runs = int((~self.follows).sum())
        holes = int(np.isnan(self.table.values).any(axis=1).sum())
        raise InputError(
            f"{who} needs {n_steps} steps with {reach} complete steps before each, and there are "
            f"{n_usable}: {self.n_rows} rows in {n_runs} unbroken run(s), {holes} of them with a "
            "missing cell. Use a smaller max_lag, fewer series, or longer ones; or fill short gaps."
        )


def as_series(
    data: Data | Sequence[Data],
    *,
    panel: Name | None = None,
    time: Name | None = None,
    mask: Name | None = None,
    without: tuple[Name, ...] = (),
) -> Series:
    """Read series.

    Parameters
    ----------
    data : DataFrame, 2-D ndarray or dict of columns; or a list of them; or a 3-D ndarray
        One row a step, in the order of time. Of a list each member is a series of its own, with
        the same columns; so is each `data[k]` of an array of shape (n_subjects, n_steps, p).
    panel : str or int, optional
        Column that tells subjects apart.
    time : str or int, optional
        Column of dates, times or numbers; the index of a pandas frame is read if it holds dates.
    mask : str or int, optional
        Boolean column: which rows may be "now", such as those of the winter months.
    without : tuple of names
        Other columns that are no series.

    Raises
    ------
    InputError
        If times repeat, do not ascend, or are not regular; or an index has several levels.
    """
    if isinstance(data, (list, tuple)) and data and not np.isscalar(data[0]):
        return _joined([_of_one(part, panel, time, mask, without) for part in data])
    if isinstance(data, np.ndarray) and data.ndim == 3:
        return _joined([_of_one(part, panel, time, mask, without) for part in data])
    return _of_one(data, panel, time, mask, without)[0]


def _of_one(
    data: Data,
    panel: Name | None,
    time: Name | None,
    mask: Name | None,
    without: tuple[Name, ...],
) -> tuple[Series, Stamps | None]:
    index = index_of(data) if time is None else None
    frame = plain_frame(data)
    roles = {"panel": panel, "time": time, "mask": mask}
    special = [name for name in roles.values() if name is not None]
    names = column_names(frame)
    for role, name in roles.items():
        if name is not None and name not in names:
            raise UnknownVariableError.among(name, names, where=f"the data ({role}={name!r})")
    if len(set(special)) < len(special):
        raise InputError(
            f"panel={panel!r}, time={time!r} and mask={mask!r} name a column twice; expected one "
            "role a column."
        )
    variables = [name for name in names if name not in (*special, *without)]
    if not variables:
        raise InputError("the data have no series beside panel, time and mask; expected some.")
    table = as_table(frame, columns=variables)
    subject = _subjects(frame, panel, table.n_rows)
    stamps = index if time is None else stamps_of(frame, time)
    follows = np.ones(table.n_rows, dtype=np.bool_)
    follows[0] = False
    follows[1:] &= subject[1:] == subject[:-1]
    if stamps is not None:
        what = "the index" if time is None else f"column {time!r}"
        follows &= steps_since(stamps, ~follows, what) == 1
    times, when = (None, _places(subject)) if stamps is None else _numbers(stamps)
    counted = _mask(frame, mask, table.n_rows)
    return Series(table, follows, counted, subject, when, times=times), stamps


def _numbers(stamps: Stamps) -> tuple[Stamps, IntArray]:
    times, when = np.unique(stamps, return_inverse=True)
    return times, np.asarray(when, dtype=np.intp)


def _places(subject: IntArray) -> IntArray:
    row = np.arange(len(subject))
    first = np.concatenate(([0], np.flatnonzero(np.diff(subject)) + 1))
    places: IntArray = row - np.repeat(first, np.diff([*first, len(row)]))
    return places


def _subjects(frame: Data, panel: Name | None, n_rows: int) -> IntArray:
    if panel is None:
        return np.zeros(n_rows, dtype=np.intp)
    codes = as_table(frame, columns=[panel], labels=[panel]).values[:, 0]
    if np.isnan(codes).any():
        raise InputError(
            f"column {panel!r} says which subject a row belongs to, and "
            f"{int(np.isnan(codes).sum())} row(s) have none; expected one in each. Drop them."
        )
    _, first, subject = np.unique(codes, return_index=True, return_inverse=True)
    n_runs = 1 + int((np.diff(codes) != 0).sum())
    if n_runs > len(first):
        raise InputError(
            f"the rows of the {len(first)} subjects in {panel!r} are mixed; expected all rows of a "
            f"subject together, in the order of time. Sort by {panel!r} and by time."
        )
    return np.argsort(np.argsort(first))[subject]


def _mask(frame: Data, mask: Name | None, n_rows: int) -> BoolArray:
    if mask is None:
        return np.ones(n_rows, dtype=np.bool_)
    values = as_table(frame, columns=[mask]).values[:, 0]
    if not np.isin(values, (0.0, 1.0)).all():
        raise InputError(
            f"column {mask!r} is the mask and holds other values than true and false; expected a "
            "boolean, true where a row may be 'now'."
        )
    if not values.any():
        raise InputError(f"the mask {mask!r} is false in every row; expected some that are true.")
    counted: BoolArray = values == 1.0
    return counted


def _joined(read: list[tuple[Series, Stamps | None]]) -> Series:
    """Series one after the other, with borders between them."""
    parts, stamps = [part for part, _ in read], [held for _, held in read if held is not None]
    first = parts[0]
    for number, part in enumerate(parts):
        if set(part.names) != set(first.names):
            raise InputError(
                f"series number {number} has the columns {part.names}, the first one {first.names};"
                " expected the same columns in all of them."
            )
        if any(levels is not None and len(levels) > 2 for levels in part.table.levels):
            raise InputError(
                "several series with categories were passed one by one, so their codes may differ; "
                "expected numbers, or one frame with a column that tells subjects apart (panel=…)."
            )
    times, when = None, np.concatenate([part.when for part in parts])
    if len(stamps) == len(parts) and len({held.dtype.kind for held in stamps}) == 1:
        times, when = _numbers(np.concatenate(stamps))
    tables = [part.table.select(first.names) for part in parts]
    values = np.asfortranarray(np.concatenate([table.values for table in tables]))
    values.flags.writeable = False
    counts = np.cumsum([0, *(int(part.subject.max()) + 1 for part in parts)])
    subject = [part.subject + start for part, start in zip(parts, counts[:-1], strict=True)]
    return Series(
        Table(first.names, values, first.table.levels),
        np.concatenate([part.follows for part in parts]),
        np.concatenate([part.counted for part in parts]),
        np.concatenate(subject),
        when,
        times=times,
    )
