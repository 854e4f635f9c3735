"""Columns as algorithms on numbers want them: complete, varying, none redundant, in standard units.

What cannot be used is refused here, with an error that names the column: categories with more than
two levels, missing cells, constants, copies and totals of other columns.
"""

from __future__ import annotations

import numpy as np

from causalkit._core.checks import check_complete, check_rows, check_varies
from causalkit._core.table import Table
from causalkit.errors import InputError, NumericalError
from causalkit.graph.marks import show_name
from causalkit.typing import FloatArray, Name

__all__ = ["standardised"]


def standardised(
    table: Table, who: str, *, least_columns: int = 2, least_rows: int = 10
) -> FloatArray:
    """Columns with mean 0 and variance 1, shape (n_rows, n_columns), checked.

    Raises
    ------
    InputError
        If there are too few columns or rows, a category, missing cells or a constant.
    NumericalError
        If the columns are linearly dependent.
    """
    if table.n_columns < least_columns:
        raise InputError(
            f"the data have {table.n_columns} column(s); {who} needs at least {least_columns}. "
            "Bring more variables."
        )
    for name in table.names:
        levels = table.levels_of(name)
        if levels is not None and len(levels) > 2:
            raise InputError(
                f"column {name!r} is categorical with {len(levels)} levels; {who} expects numbers. "
                "Leave it out, or code it by numbers that have a meaning."
            )
    check_complete(table, who=who)
    check_varies(table, table.names, who=who)
    check_rows(table, max(least_rows, table.n_columns + 2), who=who)
    values: FloatArray = table.values / np.abs(table.values).max(
        axis=0
    )  # no overflow in what follows
    values = values - values.mean(axis=0)
    values /= values.std(axis=0)
    _check_independent(values, table.names, who)
    return values


def _check_independent(values: FloatArray, names: tuple[Name, ...], who: str) -> None:
    """Refuse a column that the others determine: regressions on it would have no noise left."""
    gram = np.linalg.qr(values, mode="r")
    redundant = np.flatnonzero(np.abs(np.diag(gram)) < 1e-7 * np.sqrt(len(values)))
    if len(redundant):
        shown = ", ".join(show_name(names[k]) for k in redundant[:8])
        raise NumericalError(
            f"column(s) {shown} are linear combinations of other columns; {who} expects columns "
            "that each vary on their own. Leave out copies, totals and changes of unit."
        )
