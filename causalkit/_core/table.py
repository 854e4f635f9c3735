"""The one door through which data enter.

Users bring a pandas, polars or pyarrow frame, a NumPy array or a dict of columns; everything inside
causalkit works on a :class:`Table`: one float matrix with names. A numeric column is itself, a
boolean column is 0/1, a categorical column holds the position of each value among its levels, and
NaN marks a missing cell in any of them.

What cannot be read without guessing is refused here, once, with an error that names the column:
free text, dates, infinities, duplicated names. Nothing is dropped, and nothing is converted
silently.

This module is the only importer of narwhals.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

import numpy as np

from causalkit.errors import InputError, UnknownVariableError
from causalkit.typing import BoolArray, Data, FloatArray, IntArray, Name

__all__ = [
    "BOOLEAN",
    "Levels",
    "Table",
    "are_finite",
    "as_table",
    "checked_names",
    "column_names",
    "is_missing",
    "sorted_levels",
    "unreadable",
    "with_columns",
]

_ROWS_NEAR = 256

Levels = tuple[object, ...] | None

BOOLEAN: tuple[object, ...] = (False, True)


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
    found = _columns_of(data)
    if columns is not None:
        wanted = list(columns)
        for name in wanted:
            if not isinstance(name, Hashable) or name not in found:
                raise UnknownVariableError.among(name, found)
        found = {name: found[name] for name in wanted}
    if not found:
        raise InputError("the data have no columns; expected at least one named column.")
    marking = frozenset(labels)
    read = [_read(name, column, name in marking) for name, column in found.items()]
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
    return data.names if isinstance(data, Table) else tuple(_columns_of(data))


def with_columns(data: Data, columns: Mapping[Name, FloatArray]) -> Data:
    """Return a copy of the data, of the same type, with other numbers in some of its columns."""
    if isinstance(data, np.ndarray):
        result = np.array(as_table(data).values)
        for name, values in columns.items():
            result[:, int(str(name).removeprefix("x"))] = values
        return result
    if isinstance(data, Mapping):
        return {name: columns.get(name, column) for name, column in data.items()}
    import narwhals.stable.v2 as nw

    frame = nw.from_native(data, eager_only=True)
    for name, raw in zip(checked_names(list(frame.columns)), frame.columns, strict=True):
        if name in columns:
            index = getattr(data, "index", None)
            of_pandas = index is not None and not callable(index)
            new: Any = nw.new_series(raw, columns[name], backend=frame.implementation)
            if of_pandas:  # rows keep their labels
                new = nw.from_native(new.to_native().set_axis(index), series_only=True)
            frame = frame.with_columns(new)
    return frame.to_native()


def _frozen(values: FloatArray) -> FloatArray:
    values = np.asfortranarray(values, dtype=np.float64)
    values.flags.writeable = False
    return values


# --- reading containers --------------------------------------------------------------------------


def _columns_of(data: Data) -> dict[Name, Any]:
    """Columns by name, each a narwhals Series or an ndarray."""
    import narwhals.stable.v2 as nw

    if isinstance(data, np.ndarray):
        if data.ndim != 2:
            raise InputError(
                f"the array has {data.ndim} dimension(s), shape {data.shape}; expected 2, rows by "
                "columns. Use data.reshape(-1, 1) for a single column."
            )
        data = _unmasked(np.asanyarray(data))
        return {f"x{k}": data[:, k] for k in range(data.shape[1])}
    if isinstance(data, Mapping):
        names = checked_names(list(data))
        columns = dict(zip(names, map(_as_series, names, data.values()), strict=True))
        _check_aligned(columns)
        return columns
    try:
        frame = nw.from_native(data)
    except nw.exceptions.DuplicateError:
        raise _duplicated(_raw_names(data)) from None
    except TypeError:
        raise InputError(
            f"cannot read a {type(data).__name__} as a table; expected a pandas, polars or pyarrow "
            "frame, a 2-D NumPy array, or a dict of columns. Convert it first."
        ) from None
    if isinstance(frame, nw.LazyFrame):
        raise InputError(
            "the data are lazy; expected rows that are in memory. Call .collect() (polars) or "
            ".to_arrow_table() (duckdb) first."
        )
    try:
        names = checked_names(list(frame.columns))
    except nw.exceptions.DuplicateError:
        raise _duplicated(_raw_names(data)) from None
    return {name: frame.get_column(raw) for name, raw in zip(names, frame.columns, strict=True)}


def _as_series(name: Name, column: Any) -> Any:
    import narwhals.stable.v2 as nw

    if type(column).__module__.partition(".")[0] == "pandas" and not hasattr(column, "iloc"):
        import pandas as pd

        try:
            column = pd.Series(column)  # a pd.Categorical or an index; as an array it lost its type
        except (NotImplementedError, TypeError, ValueError):
            raise InputError(
                f"column {name!r} of the dict is a {type(column).__name__}; expected one value a "
                "row. Give each part a column of its own."
            ) from None
    series = nw.from_native(column, allow_series=True, pass_through=True)
    if isinstance(series, nw.Series):
        return series
    try:
        array = _unmasked(np.asanyarray(column))
    except ValueError:
        raise InputError(
            f"column {name!r} of the dict holds cells of different lengths; expected one value a "
            "row. Give each part a column of its own."
        ) from None
    if array.dtype.kind == "U" and not isinstance(column, np.ndarray):
        array = np.array(column, dtype=object)  # where a NaN is no "nan", and 1 no "1"
    if array.ndim != 1:
        raise InputError(
            f"column {name!r} of the dict has shape {array.shape}; expected one dimension. "
            "Give each column its own name."
        )
    return array


def _unmasked(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """A plain array; what a masked array hides is missing, whatever stands under the mask."""
    hidden = np.ma.getmaskarray(array) if isinstance(array, np.ma.MaskedArray) else np.False_
    plain = np.asarray(array)
    if hidden.any():
        plain = plain.astype(object)
        plain[hidden] = None
    return plain


def _check_aligned(columns: Mapping[Name, Any]) -> None:
    """Refuse pandas columns whose row labels differ: which rows belong together is unknown."""
    first: Name | None = None
    for name, column in columns.items():
        index = getattr(getattr(column, "to_native", lambda: None)(), "index", None)
        if index is None or callable(index):
            continue
        if first is None:
            first, labels = name, index
        elif len(index) == len(labels) and not index.equals(labels):
            raise InputError(
                f"columns {first!r} and {name!r} are pandas columns with different row labels; "
                "expected one index, because rows are taken in their order. Use "
                "pandas.DataFrame(columns) to match the labels, or .to_numpy() to drop them."
            )


def _raw_names(data: Any) -> list[Any]:
    """Names as the container lists them; `.columns` of a pyarrow table are no names."""
    return list(getattr(data, "column_names", None) or data.columns)


def checked_names(names: Sequence[Any]) -> list[Name]:
    """Names as plain strings and integers, each of them once."""
    checked: list[Name] = []
    for name in names:
        if isinstance(name, np.integer):
            name = int(name)
        elif isinstance(name, np.str_):
            name = str(name)
        if isinstance(name, bool) or not isinstance(name, (str, int)):
            raise InputError(
                f"a column is named {name!r}, a {type(name).__name__}; expected strings or "
                "integers. Rename the columns first (a pandas MultiIndex must be flattened)."
            )
        checked.append(name)
    if len(set(checked)) < len(checked):
        raise _duplicated(checked)
    return checked


def _duplicated(names: Sequence[Any]) -> InputError:
    twice = sorted({str(name) for name, count in Counter(names).items() if count > 1})
    return InputError(
        f"column name(s) {', '.join(map(repr, twice))} occur more than once; expected each name "
        "once, because a graph speaks of variables by name. Rename or drop the copies."
    )


# --- reading one column --------------------------------------------------------------------------


def _read(name: Name, column: Any, is_label: bool) -> tuple[FloatArray, Levels]:
    """Values and levels of one column."""
    cells = _texts(column) if is_label else None
    if cells is not None:
        values, levels = _as_codes(cells, sorted_levels(set(cells) - {None}))
    elif isinstance(column, np.ndarray):
        values, levels = _read_array(name, column)
    else:
        values, levels = _read_series(name, column)
    infinite = np.isinf(values)
    if infinite.any():
        raise InputError(
            f"column {name!r} has {int(infinite.sum())} infinite value(s), the first in row "
            f"{int(infinite.argmax())}; expected finite numbers. Replace them, or mark them "
            "missing with NaN."
        )
    return values, levels


def _read_series(name: Name, column: Any) -> tuple[FloatArray, Levels]:
    import narwhals.stable.v2 as nw

    dtype = column.dtype
    if dtype == nw.Boolean or dtype.is_decimal():
        return _read_objects(name, column.to_numpy().astype(object))
    if dtype.is_numeric():
        if dtype in (nw.Int128, nw.UInt128):  # NumPy has no such integers
            column = column.cast(nw.Float64)
        return _as_float(column.to_numpy()), None
    if dtype == nw.Categorical or dtype == nw.Enum:
        return _read_levels(column, ordered=dtype == nw.Enum)
    if dtype == nw.Object or dtype == nw.Unknown:
        return _read_objects(name, column.to_numpy())
    raise unreadable(name, str(dtype), _some_cells(column))


def _some_cells(column: Any) -> list[object]:
    """Cells to show; none if Python has no such value, such as a time beyond its calendar."""
    try:
        return list(column.drop_nulls().head(3).to_list())
    except (ValueError, OverflowError):
        return []


def _read_levels(column: Any, *, ordered: bool) -> tuple[FloatArray, Levels]:
    """Codes among the levels that occur: in declared order if there is one, else sorted."""
    cells = column.to_list()
    present = {cell for cell in set(cells) if not is_missing(cell)}
    if ordered:
        levels = [level for level in column.cat.get_categories().to_list() if level in present]
    else:
        levels = sorted_levels(present)
    return _as_codes(cells, levels)


def _texts(column: Any) -> list[str | None] | None:
    """Cells of a column of text, None where one is missing; None if it holds anything else."""
    cells = column.tolist() if isinstance(column, np.ndarray) else column.to_list()
    cells = [None if is_missing(cell) else cell for cell in cells]
    return cells if {type(cell) for cell in cells} - {type(None)} == {str} else None


def _as_codes(cells: Sequence[Any], levels: Sequence[Any]) -> tuple[FloatArray, Levels]:
    code = {level: float(k) for k, level in enumerate(levels)}
    return np.array([code.get(cell, np.nan) for cell in cells]), tuple(levels)


def sorted_levels(levels: Iterable[object]) -> list[Any]:
    """Levels without a declared order, in the order of their codes."""
    return sorted(levels, key=lambda level: (str(type(level)), level))


def _read_array(name: Name, column: np.ndarray[Any, Any]) -> tuple[FloatArray, Levels]:
    if column.dtype == np.bool_:
        return column.astype(np.float64), BOOLEAN
    if column.dtype.kind in "iuf":
        return _as_float(column), None
    if column.dtype == object:
        return _read_objects(name, column)
    raise unreadable(name, str(column.dtype), column[:3].tolist())


def _read_objects(name: Name, column: np.ndarray[Any, Any]) -> tuple[FloatArray, Levels]:
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


def _as_float(column: np.ndarray[Any, Any]) -> FloatArray:
    with np.errstate(over="ignore"):  # a long double beyond the range is infinite: refused below
        return np.asarray(column, dtype=np.float64)


def is_missing(cell: Any) -> bool:
    if cell is None or type(cell).__name__ == "NAType":
        return True
    try:
        return bool(np.ndim(cell) == 0 and cell != cell)
    except ArithmeticError:  # Decimal("sNaN") refuses to be compared
        return True
    except (TypeError, ValueError):  # a list of lists of different lengths has no dimensions
        return False


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
