"""Containers of columns: frames of pandas, polars and pyarrow, arrays, dicts of columns.

Every library keeps its columns in its own way. Here they become one thing, a mapping from names to
columns, each a narwhals Series or an array, and a column becomes values and levels. Names are
plain strings or integers, each of them once; columns of a dict that carry row labels must carry
the same ones; what a masked array hides is missing.

This module is the only importer of narwhals.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from causalkit._core.column_values import (
    Levels,
    as_codes,
    as_floats,
    as_texts,
    is_missing,
    read_array,
    read_objects,
    sorted_levels,
    unreadable,
)
from causalkit.errors import InputError
from causalkit.typing import Data, FloatArray, Name

__all__ = ["checked_names", "columns_of", "frame_with", "read_column", "texts_among"]


def columns_of(data: Data) -> dict[Name, Any]:
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
        holds_one = nw.dependencies.is_into_dataframe(getattr(data, "data", None))
        raise InputError(
            f"cannot read a {type(data).__name__} as a table; expected a pandas, polars or pyarrow "
            "frame, a 2-D NumPy array, or a dict of columns. "
            + ("Take its .data." if holds_one else "Convert it first.")
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


def frame_with(data: Any, columns: Mapping[Name, FloatArray]) -> Any:
    """Return a copy of a frame, of the same type, with other numbers in some of its columns."""
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


# --- reading one column --------------------------------------------------------------------------


def read_column(name: Name, column: Any, is_label: bool) -> tuple[FloatArray, Levels]:
    """Values and levels of one column."""
    cells = as_texts(column) if is_label else None
    if cells is not None:
        values, levels = as_codes(cells, sorted_levels(set(cells) - {None}))
    elif isinstance(column, np.ndarray):
        values, levels = read_array(name, column)
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
        return read_objects(name, column.to_numpy().astype(object))
    if dtype.is_numeric():
        if dtype in (nw.Int128, nw.UInt128):  # NumPy has no such integers
            column = column.cast(nw.Float64)
        return as_floats(column.to_numpy()), None
    if dtype == nw.Categorical or dtype == nw.Enum:
        return _read_levels(column)
    if dtype == nw.Object or dtype == nw.Unknown:
        return read_objects(name, column.to_numpy())
    raise unreadable(name, str(dtype), _some_cells(column))


def texts_among(columns: Mapping[Name, Any]) -> dict[Name, list[str]]:
    """The columns of plain text, with what their cells say."""
    import narwhals.stable.v2 as nw

    found = {}
    for name, column in columns.items():
        declared = isinstance(column, nw.Series) and column.dtype in (nw.Categorical, nw.Enum)
        cells = None if declared else as_texts(column)
        if cells is not None:
            found[name] = [cell for cell in cells if cell is not None]
    return found


def _some_cells(column: Any) -> list[object]:
    """Cells to show; none if Python has no such value, such as a time beyond its calendar."""
    try:
        return list(column.drop_nulls().head(3).to_list())
    except (ValueError, OverflowError):
        return []


def _read_levels(column: Any) -> tuple[FloatArray, Levels]:
    """Codes among the levels that occur: in declared order if there is one, else sorted."""
    cells = column.to_list()
    present = {cell for cell in set(cells) if not is_missing(cell)}
    if present and _is_declared(column):
        levels = [level for level in column.cat.get_categories().to_list() if level in present]
    else:
        levels = sorted_levels(present)
    return as_codes(cells, levels)


def _is_declared(column: Any) -> bool:
    """Whether the list of categories has an order, rather than that in which they came up.

    Of pandas it has, marked as ordered or not; of polars an Enum has, of Arrow what is marked.
    """
    import narwhals.stable.v2 as nw

    if column.dtype == nw.Enum:
        return True
    native = column.to_native()
    if column.implementation.is_pandas_like():
        return hasattr(native.dtype, "categories")  # a dictionary of Arrow within pandas has none
    return column.implementation.is_pyarrow() and bool(native.type.ordered)
