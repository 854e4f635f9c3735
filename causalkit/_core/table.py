"""The one door through which data enter.

Users bring a pandas, polars or pyarrow frame, a NumPy array or a dict of columns; everything inside
causalkit works on a :class:`Table`: one float matrix with names. A numeric column is itself, a
boolean column is 0/1, a categorical column holds the position of each value among its levels, and
NaN marks a missing cell in any of them.

The order of levels decides which of two is 0. It is the declared one where the data declare one:
the list of categories of pandas, marked as ordered or not; a polars Enum; an Arrow dictionary
marked as ordered. Otherwise, as of text, a polars Categorical, and what `astype("category")` made
of text, it is the alphabet (of numbers, their size). Levels that do not occur are left out.

What cannot be read without guessing is refused here, once, with an error that names the column:
free text, dates, infinities, duplicated names. Nothing is dropped, and nothing is converted
silently.

Containers are opened in :mod:`~causalkit._core.frames`, single columns are read in
:mod:`~causalkit._core.column_values`.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any, Final

import numpy as np

from causalkit._core.column_values import BOOLEAN, Levels, several_texts
from causalkit._core.frames import columns_of, frame_with, read_column, texts_among
from causalkit.errors import InputError, UnknownVariableError
from causalkit.typing import BoolArray, Data, FloatArray, IntArray, Name

__all__ = ["Table", "are_finite", "as_table", "column_names", "with_columns"]

_ROWS_NEAR: Final = 256


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """Named columns over one float matrix.

    Attributes
    ----------
    names : tuple of str or int
        Column names, unique, in the order of the data.
    values : ndarray of shape (n_rows, n_columns)
        Read-only, column-major. Codes for categorical columns, 0/1 for booleans, NaN for missing.
    levels : tuple
        Per column: None if numeric, `(False, True)` if boolean, else the levels that occur.
    """

    names: tuple[Name, ...]
    values: FloatArray
    levels: tuple[Levels, ...]

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return int(self.values.shape[0])

    @property
    def n_columns(self) -> int:
        """Number of columns."""
        return int(self.values.shape[1])

    @property
    def missing(self) -> BoolArray:
        """Where cells are missing, shape (n_rows, n_columns)."""
        return np.isnan(self.values)

    def index(self, name: Name) -> int:
        """Position of a column."""
        try:
            return self.names.index(name)
        except ValueError:
            raise UnknownVariableError.among(name, self.names) from None

    def indices(self, names: Iterable[Name]) -> list[int]:
        """Positions of several columns, in the order asked for."""
        where = {name: k for k, name in enumerate(self.names)}
        return [where[name] if name in where else self.index(name) for name in names]

    def column(self, name: Name) -> FloatArray:
        """Values of one column, shape (n_rows,)."""
        return self.values[:, self.index(name)]

    def kind(self, name: Name) -> str:
        """Return "numeric", "boolean" or "categorical"."""
        levels = self.levels[self.index(name)]
        if levels is None:
            return "numeric"
        return "boolean" if levels == BOOLEAN else "categorical"

    def levels_of(self, name: Name) -> Levels:
        """Levels of a categorical or boolean column, None for a numeric one."""
        return self.levels[self.index(name)]

    def select(self, names: Iterable[Name]) -> Table:
        """Return the table of these columns only."""
        where = self.indices(names)
        return Table(
            tuple(self.names[k] for k in where),
            _frozen(self.values[:, where]),
            tuple(self.levels[k] for k in where),
        )

    def rows(self, which: IntArray | BoolArray) -> Table:
        """Return the table of these rows only (positions or a mask)."""
        return Table(self.names, _frozen(self.values[which]), self.levels)

    def design(self, names: Iterable[Name]) -> tuple[FloatArray, tuple[str, ...]]:
        """Columns as regressors: a categorical column becomes indicators of all levels but one.

        Returns
        -------
        matrix : ndarray of shape (n_rows, n_regressors)
        labels : tuple of str
            `"age"`, or `"region=south"` for an indicator.
        """
        names = tuple(names)
        if names == self.names and all(k is None or len(k) <= 2 for k in self.levels):
            return np.ascontiguousarray(self.values), tuple(map(str, names))
        blocks: list[FloatArray] = []
        labels: list[str] = []
        for name in names:
            column, levels = self.column(name), self.levels_of(name)
            if levels is None or len(levels) <= 2:
                blocks.append(column[:, None])
                labels.append(str(name))
                continue
            codes = np.arange(1, len(levels))
            indicators = (column[:, None] == codes).astype(np.float64)
            indicators[np.isnan(column)] = np.nan
            blocks.append(indicators)
            labels += [f"{name}={level}" for level in levels[1:]]
        matrix = np.hstack(blocks) if blocks else np.empty((self.n_rows, 0))
        return matrix, tuple(labels)


def as_table(
    data: Data, *, columns: Iterable[Name] | None = None, labels: Iterable[Name] = ()
) -> Table:
    """Read `data` as a :class:`Table`.

    Parameters
    ----------
    data : DataFrame (pandas, polars, pyarrow), 2-D ndarray, or dict of columns
        A polars LazyFrame is refused: collect it first. Columns of an array are named
        `"x0", "x1", …`.
    columns : iterable of names, optional
        Read only these columns; the others may then hold anything.
    labels : iterable of names, optional
        Columns that say where a row comes from, and are no variables: text in them is read as
        categories. One that is not there is passed over.

    Raises
    ------
    InputError
        If the data are empty, hold text, dates, infinities or nested values, or two columns
        share a name.
    UnknownVariableError
        If `columns` names a column that is not there.
    """
    if isinstance(data, Table):
        return data if columns is None else data.select(columns)
    if columns is None and type(data) is np.ndarray:
        table = _of_floats(data)
        if table is not None:
            return table
    found = columns_of(data)
    if columns is not None:
        wanted = list(columns)
        for name in wanted:
            if not isinstance(name, Hashable) or name not in found:
                raise UnknownVariableError.among(name, found)
        found = {name: found[name] for name in wanted}
    if not found:
        raise InputError("the data have no columns; expected at least one named column.")
    marking = frozenset(labels)
    read = _read_all(found, marking)
    lengths = {len(values) for values, _ in read}
    if len(lengths) > 1:
        sizes = {name: len(values) for name, (values, _) in zip(found, read, strict=True)}
        raise InputError(f"the columns differ in length: {sizes}; expected equal lengths.")
    if lengths == {0}:
        raise InputError("the data have no rows; expected at least one. Check the query or filter.")
    return Table(
        tuple(found),
        _frozen(np.stack([values for values, _ in read]).T),
        tuple(levels for _, levels in read),
    )


def _read_all(
    found: Mapping[Name, Any], marking: frozenset[Name]
) -> list[tuple[FloatArray, Levels]]:
    """Values and levels of each column; if several are text, all of them are named at once."""
    read = []
    for name, column in found.items():
        try:
            read.append(read_column(name, column, name in marking))
        except InputError as error:
            texts = texts_among({key: found[key] for key in found if key not in marking})
            raise several_texts(texts) if name in texts and len(texts) > 1 else error from None
    return read


def _of_floats(array: np.ndarray[Any, Any]) -> Table | None:
    """A matrix of finite floats, read at once; None for any other, to be read column by column."""
    if array.ndim != 2 or array.dtype.kind != "f" or not array.size:
        return None
    values = _column_major(array)
    if not are_finite(values):  # the slow way tells which
        return None
    p = values.shape[1]
    return Table(tuple(map("x{}".format, range(p))), _frozen(values), (None,) * p)


def _column_major(array: np.ndarray[Any, Any]) -> FloatArray:
    """A copy, some rows at a time: what is read row by row and written column by column is near."""
    values = np.empty(array.shape, order="F")
    with np.errstate(over="ignore"):  # a long double beyond the range is infinite: refused later
        for start in range(0, len(array), _ROWS_NEAR):
            rows = slice(start, start + _ROWS_NEAR)
            values[rows] = array[rows]
    return values


def are_finite(values: FloatArray) -> bool:
    """Whether no value is missing, infinite, or so huge that sums of squares would be."""
    flat = values.ravel(order="K")
    with np.errstate(over="ignore", invalid="ignore"):
        return isfinite(np.dot(flat, flat))


def column_names(data: Data) -> tuple[Name, ...]:
    """Names of all columns, read or not."""
    return data.names if isinstance(data, Table) else tuple(columns_of(data))


def with_columns(data: Data, columns: Mapping[Name, FloatArray]) -> Data:
    """Return a copy of the data, of the same type, with other numbers in some of its columns."""
    if isinstance(data, np.ndarray):
        result = np.array(as_table(data).values)
        for name, values in columns.items():
            result[:, int(str(name).removeprefix("x"))] = values
        return result
    if isinstance(data, Mapping):
        return {name: columns.get(name, column) for name, column in data.items()}
    return frame_with(data, columns)


def _frozen(values: FloatArray) -> FloatArray:
    values = np.asfortranarray(values, dtype=np.float64)
    values.flags.writeable = False
    return values
