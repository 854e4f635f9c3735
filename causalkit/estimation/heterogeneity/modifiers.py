"""Effect modifiers: the columns by which an effect may differ, encoded alike at fit and later.

All columns are adjusted for; some of them, the *modifiers*, are those for whose values an effect is
asked. What is predicted later must be encoded as what was fitted: the same columns found by name,
the same categories as the same indicators, whatever happens to occur in the new rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from causalkit._core.checks import as_names, check_complete
from causalkit._core.column_values import BOOLEAN, Levels
from causalkit._core.table import Table, as_table
from causalkit.errors import InputError, UnknownVariableError
from causalkit.typing import BoolArray, Data, FloatArray, Name

__all__ = ["Modifiers", "check_independent", "with_modifiers"]

_NOTHING_LEFT = 1e-10
"""Share of a column's spread, beside the columns before it, that is rounding."""


@dataclass(frozen=True, slots=True, eq=False)
class Modifiers:
    """Which columns modify the effect, and how they were encoded.

    Attributes
    ----------
    names : tuple of str or int
        Columns, as the user calls them.
    levels : tuple
        Of each column: None if numeric, else its levels.
    labels : tuple of str
        Encoded columns, `"region=south"` for an indicator.
    given : tuple of str or int
        All columns that were adjusted for, in their order.
    within : ndarray of bool, shape (k,)
        Which encoded columns of the adjustment matrix these are.
    """

    names: tuple[Name, ...]
    levels: tuple[Levels, ...]
    labels: tuple[str, ...]
    given: tuple[Name, ...]
    within: BoolArray

    def encode(self, data: Data) -> FloatArray:
        """Encode new rows as the fitted ones were.

        Parameters
        ----------
        data : table
            With these columns, found by name; others are not read. An array may hold the modifiers
            only, or all columns that were fitted, in their order.

        Returns
        -------
        ndarray of shape (n, m)

        Raises
        ------
        UnknownVariableError, InputError
            If a column is not there, or holds what was not there at the fit.
        """
        table = self._picked(data)
        check_complete(table, who="prediction")
        columns = [
            _as_fitted(table.column(name), table.levels_of(name), levels, name)
            for name, levels in zip(self.names, self.levels, strict=True)
        ]
        return Table(self.names, np.column_stack(columns), self.levels).design(self.names)[0]

    def _picked(self, data: Data) -> Table:
        if not isinstance(data, np.ndarray):
            return as_table(data, columns=self.names)
        table = as_table(data)
        for names in (self.names, self.given):
            if table.n_columns == len(names):
                return Table(names, table.values, table.levels).select(self.names)
        raise InputError(
            f"the array has {table.n_columns} column(s); expected {len(self.names)}, the effect "
            f"modifiers {list(self.names)[:8]}, or all {len(self.given)} that were fitted."
        )


def with_modifiers(X: Data | None, modifiers: object) -> tuple[Table, Modifiers]:
    """Put the columns to adjust for and the modifiers into one table, and say which is which.

    Parameters
    ----------
    X : table, or None
        Columns to adjust for.
    modifiers : name or names of columns of X, a table, or None
        None: all columns of X. Columns of a table that X does not have are adjusted for as well.
    """
    table = None if X is None else as_table(X)
    if modifiers is not None and not _are_names(modifiers):
        others = as_table(modifiers)
        table, chosen = _joined(table, others), others.names
    elif table is None:
        raise InputError(
            "there are no columns by which the effect could differ; expected X, or modifiers. Use "
            "AIPW() or PLR() for one average effect."
        )
    else:
        chosen = table.names if modifiers is None else as_names(modifiers)  # type: ignore[arg-type]
    if not chosen:
        raise InputError("modifiers is empty; expected at least one column. Leave it out for all.")
    check_complete(table, who="estimation")
    for name in chosen:
        if name not in table.names:
            raise UnknownVariableError.among(name, table.names)
    widths = [table.design([name])[0].shape[1] for name in table.names]
    in_order = [name for name in table.names if name in chosen]
    within = np.repeat([name in chosen for name in table.names], widths)
    levels = tuple(table.levels_of(name) for name in in_order)
    labels = table.design(in_order)[1]
    return table, Modifiers(tuple(in_order), levels, labels, table.names, within)


def check_independent(X: FloatArray, names: Sequence[str]) -> None:
    """Refuse columns of which one is constant, or a sum of others: coefficients need their own."""
    if len(X) <= len(names):
        raise InputError(
            f"there are {len(X)} rows for {len(names)} effect modifiers; an effect that is linear "
            "in them needs more rows than columns. Use fewer modifiers, or SparseLinearDML()."
        )
    still = np.ptp(X, axis=0) == 0
    standard = (X - X.mean(axis=0)) / np.where(still, 1.0, X.std(axis=0))
    left = np.abs(np.diag(np.linalg.qr(standard, mode="r"))) / np.sqrt(len(X))
    idle = np.flatnonzero(still | (left < _NOTHING_LEFT))
    if len(idle):
        raise InputError(
            f"column {names[idle[0]]!r} is constant or follows from the other effect modifiers; "
            "expected columns of which each could have an effect of its own. Leave it out of the "
            "modifiers."
        )


def _are_names(modifiers: object) -> bool:
    if isinstance(modifiers, (str, int, np.integer)):
        return True
    if isinstance(modifiers, (np.ndarray, Mapping)) or hasattr(modifiers, "columns"):
        return False
    if not isinstance(modifiers, Iterable) or isinstance(modifiers, Table):
        return False
    return all(isinstance(name, (str, int, np.integer)) for name in modifiers)


def _joined(table: Table | None, others: Table) -> Table:
    if table is None:
        return others
    if table.n_rows != others.n_rows:
        raise InputError(
            f"X has {table.n_rows} rows, modifiers have {others.n_rows}; expected equally many. "
            "Select the rows of both alike."
        )
    fresh = [name for name in others.names if name not in table.names]
    for name in others.names:
        twice = name in table.names
        if twice and not np.array_equal(others.column(name), table.column(name), equal_nan=True):
            raise InputError(
                f"X and modifiers both have a column {name!r}, with other values; expected one "
                "column under one name. Rename one of them (columns of an array are called x0, "
                "x1, …: give a frame or a dict instead)."
            )
    more = others.select(fresh)
    return Table(
        table.names + more.names,
        np.hstack([table.values, more.values]),
        table.levels + more.levels,
    )


def _as_fitted(values: FloatArray, levels: Levels, fitted: Levels, name: Name) -> FloatArray:
    """Values of one column, as positions in the levels that were fitted."""
    if fitted is None:
        if levels is None or levels == BOOLEAN:
            return values
        raise InputError(
            f"column {name!r} holds categories {levels[:5]}, but numbers were fitted; expected the "
            "same kind of column. Convert it."
        )
    if levels is None:
        levels = tuple(np.unique(values).tolist())
        values = np.searchsorted(np.array(levels), values).astype(np.float64)
    strange = [level for level in levels if level not in fitted]
    if strange:
        raise InputError(
            f"column {name!r} holds {strange[0]!r}, which did not occur in the fitted rows; "
            f"expected one of {fitted[:8]}. Drop those rows, or fit again with such rows."
        )
    positions = np.array([fitted.index(level) for level in levels], dtype=np.float64)
    return positions[values.astype(np.intp)]
