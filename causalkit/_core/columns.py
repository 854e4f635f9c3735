"""Columns as arithmetic takes them: levels by number, indicators of levels, standard units.

Tests and scores read the same tables, and they must agree on what a category is.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from causalkit._core.table import Table
from causalkit.errors import InputError
from causalkit.typing import FloatArray, IntArray, Name

__all__ = ["codes_of", "indicators_of", "standardized"]

_MOST_WHOLE_NUMBERS: Final = 50
_MOST_OTHER_NUMBERS: Final = 10


def codes_of(table: Table, *, who: str, kind: str) -> tuple[NDArray[np.int32], IntArray]:
    """Number the levels that occur in each column of a complete table.

    Parameters
    ----------
    table : Table
        Categories, booleans, or numbers with few values: at most 50 whole numbers or 10 others.
    who, kind : str
        Who asks and what it is, "test" or "score", for error messages.

    Returns
    -------
    codes : ndarray of int32, shape (n_columns, n_rows)
    levels : ndarray of int, shape (n_columns,)
        How many occur.

    Raises
    ------
    InputError
        If a column is continuous.
    """
    codes = np.empty(table.values.shape[::-1], dtype=np.int32)
    levels = np.empty(table.n_columns, dtype=np.intp)
    for k, (name, known) in enumerate(zip(table.names, table.levels, strict=True)):
        codes[k], levels[k] = _as_codes(table.values[:, k])
        if known is None:
            _check_few(name, table.values[:, k], int(levels[k]), who, kind)
    return codes, levels


def indicators_of(table: Table) -> tuple[FloatArray, IntArray]:
    """Put the indicators of all levels that occur but the first in the place of each category.

    Returns
    -------
    values : ndarray of shape (n_rows, q)
    starts : ndarray of int, shape (n_columns + 1,)
        Column k of the table is columns `starts[k]:starts[k + 1]`.
    """
    blocks = [
        column[:, None] if levels is None else column[:, None] == np.unique(column)[1:]
        for column, levels in zip(table.values.T, table.levels, strict=True)
    ]
    starts = np.concatenate([[0], np.cumsum([block.shape[1] for block in blocks])])
    return np.hstack(blocks, dtype=np.float64), starts.astype(np.intp)


def standardized(values: FloatArray, weights: FloatArray | None = None) -> FloatArray:
    """Columns with (weighted) mean zero and length one, whatever their units; zero if constant."""
    # Scaling by a power of two is exact, so it cannot hide a small variation on a large mean.
    _, exponents = np.frexp(np.abs(values).max(axis=0))
    scaled = np.ldexp(values, -exponents)
    share = None if weights is None else weights / weights.sum()
    root = None if share is None else np.sqrt(share)[:, None]
    centred = scaled - np.average(scaled, axis=0, weights=share)
    size = np.abs(centred).max(axis=0)
    centred /= np.where(size > 0, size, 1.0)
    centred -= np.average(centred, axis=0, weights=share)
    length = np.linalg.norm(centred if root is None else centred * root, axis=0)
    return np.asarray(centred / np.where(length > 0, length, 1.0), dtype=np.float64)


def _as_codes(column: FloatArray) -> tuple[NDArray[np.int32], int]:
    """Number the values that occur, in their order, and count them."""
    low = column.min()
    with np.errstate(over="ignore"):
        span = column.max() - low
    if span < len(column):
        steps = (column - low).astype(np.intp)
        if np.array_equal(steps + low, column):  # whole numbers in a short range need no sorting
            occurs = np.bincount(steps) > 0
            number = np.cumsum(occurs, dtype=np.int32) - np.int32(1)
            return number[steps], int(occurs.sum())
    values, codes = np.unique(column, return_inverse=True)
    return codes.astype(np.int32), len(values)


def _check_few(name: Name, column: FloatArray, n_values: int, who: str, kind: str) -> None:
    whole = n_values <= _MOST_OTHER_NUMBERS or bool((column == np.floor(column)).all())
    if n_values <= (_MOST_WHOLE_NUMBERS if whole else _MOST_OTHER_NUMBERS):
        return
    raise InputError(
        f"column {name!r} holds {n_values} different numbers; {who} expects categories, booleans, "
        f"or numbers with few values (at most {_MOST_WHOLE_NUMBERS} whole ones or "
        f"{_MOST_OTHER_NUMBERS} others). Cut it into bins, e.g. with pandas.qcut, declare it a "
        f"category if its numbers are labels, or use a {kind} for numeric or mixed data."
    )
