"""Frames of series taken apart into numbers, subjects and steps, and put together again."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from causalkit._core.series import Series, as_series
from causalkit._core.table import as_table, with_columns
from causalkit._core.time_steps import index_of, plain_frame, stamps_of, steps_since
from causalkit.errors import InputError
from causalkit.typing import Data, FloatArray, IntArray, Name

__all__ = ["SeriesFrames", "read_frames", "unknown_subject", "written"]


@dataclass(frozen=True, slots=True, eq=False)
class SeriesFrames:
    """Series, and what tells their rows in other data apart.

    Attributes
    ----------
    series : Series
    labels : tuple
        What each subject is called.
    stamps : tuple of ndarray or None
        Times of the rows of each subject, if they have any.
    """

    series: Series
    labels: tuple[Hashable, ...]
    stamps: tuple[np.ndarray[Any, Any] | None, ...]

    def rows_of(self, subject: int) -> IntArray:
        """Rows of a subject."""
        return np.flatnonzero(self.series.subject == subject)

    def positions(self, subject: int, fitted: np.ndarray[Any, Any] | None) -> IntArray:
        """Number the rows of a subject in steps since the first of the times that were fitted.

        Without times, rows are steps from 0 on.
        """
        stamps = self.stamps[subject]
        if stamps is None or fitted is None:
            return np.arange(len(self.rows_of(subject)))
        grid = np.union1d(fitted, stamps)
        first = np.arange(len(grid)) == 0
        steps = steps_since(grid, first, "the time of these rows, with that of the rows fitted,")
        number = np.cumsum(np.where(first, 0, steps))
        since: IntArray = number[np.searchsorted(grid, stamps)]
        return since - int(number[np.searchsorted(grid, fitted[0])])


def read_frames(
    data: Data | Sequence[Data],
    *,
    panel: Name | None,
    time: Name | None,
    mask: Name | None,
) -> SeriesFrames:
    """Read series as :func:`~causalkit._core.series.as_series` does."""
    series = as_series(data, panel=panel, time=time, mask=mask)
    parts = _parts(data)
    labels: list[Hashable] = []
    stamps: list[np.ndarray[Any, Any] | None] = []
    for number, part in enumerate(parts):
        frame = plain_frame(part)
        times = index_of(part) if time is None else stamps_of(frame, time)
        who, code = _labels(frame, panel)
        for k, name in enumerate(who):
            labels.append(name if len(parts) == 1 else (number, name))
            stamps.append(None if times is None else times[code == k] if panel else times)
    return SeriesFrames(series, tuple(labels), tuple(stamps))


def _parts(data: Data | Sequence[Data]) -> list[Data]:
    several = isinstance(data, (list, tuple)) and len(data) > 0 and not np.isscalar(data[0])
    if several or (isinstance(data, np.ndarray) and data.ndim == 3):
        return list(data)
    return [data]


def _labels(frame: Data, panel: Name | None) -> tuple[list[Hashable], IntArray]:
    """Subjects in the order of their rows, and the subject of each row."""
    if panel is None:
        return [None], np.zeros(0, dtype=np.intp)
    column = as_table(frame, columns=[panel], labels=[panel])
    levels = column.levels[0]
    values, first, code = np.unique(column.values[:, 0], return_index=True, return_inverse=True)
    names = [float(v) if levels is None else levels[int(v)] for v in values]
    order = np.argsort(first)
    return [names[k] for k in order], np.argsort(order)[code]


def written(data: Data | Sequence[Data], names: tuple[Name, ...], values: FloatArray) -> Data:
    """Put numbers into the columns of the data, which are of the same type as before."""
    done: list[Data] = []
    start = 0
    parts = _parts(data)
    for part in parts:
        n = _length(part)
        columns = dict(zip(names, values[start : start + n].T, strict=True))
        done.append(with_columns(part, columns))
        start += n
    if isinstance(data, np.ndarray) and data.ndim == 3:
        return np.stack(done)
    return done if isinstance(data, (list, tuple)) and len(parts) == len(data) else done[0]


def _length(part: Data) -> int:
    if isinstance(part, dict):
        return len(next(iter(part.values())))
    return len(part)


def unknown_subject(label: Hashable, known: Sequence[Hashable]) -> InputError:
    """Say that a subject was not there in `fit`."""
    return InputError(
        f"there is no subject {label!r} among the {len(known)} that were fitted; expected data of "
        "the same subjects, because each has a season and a trend of its own. Fit with it."
    )
