"""Outcomes that are seen in some rows only: which rows, and what stands for the others.

An outcome that was not measured is missing (NaN), and estimators refuse missing values unless the
user says in which rows the outcome is seen. Both estimators that are told so (a selected sample, a
labelled subset) read the flags here, refuse what is missing beyond them, and put a value that is
seen in place of the others, which is never used.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from causalkit._core.table import as_table
from causalkit.errors import InputError
from causalkit.typing import BoolArray

__all__ = ["read_flags", "without_unseen"]


def read_flags(given: Any, role: str) -> BoolArray:
    """Whose outcome is seen: zeros and ones, or booleans, shape (n,)."""
    table = as_table({role: given} if np.ndim(given) == 1 else given)
    values = np.array(table.column(table.names[0]))
    texts = table.levels_of(table.names[0])
    if len(table.names) != 1 or not np.isin(values, (0.0, 1.0)).all():
        raise InputError(
            f"{role} holds other than zeros and ones; expected one column, 1 or True where the "
            f"outcome is seen, with no missing values. Use {role}=~y.isna() for instance."
        )
    if texts is not None and {str(text) for text in texts} - {"0", "1", "False", "True"}:
        raise InputError(
            f"{role} has the levels {texts}; expected zeros and ones, or booleans. Say which "
            f"of them is seen, as in {role} == {texts[-1]!r}."
        )
    flags: BoolArray = values == 1
    return flags


def without_unseen(y: ArrayLike, seen: BoolArray, role: str) -> ArrayLike:
    """The outcome, with what is not seen replaced by a value that is, which is not used."""
    import pandas as pd

    if np.ndim(y) != 1:
        return y
    given = getattr(y, "name", None)
    name = given if isinstance(given, (str, int)) and given != "" else "y"
    column = np.array(as_table({name: y}).column(name))
    if column.shape != seen.shape:
        raise InputError(
            f"{role} has {len(seen)} rows, y has {len(column)}; expected equally many. Select "
            "the rows of both alike."
        )
    missing = int(np.isnan(column[seen]).sum())
    if missing or not seen.any():
        raise InputError(
            f"y is missing in {missing} row(s) of the {int(seen.sum())} that are {role}; "
            f"expected the outcome of every such row. Mark these rows as not {role}."
        )
    column[~seen] = column[seen][0]
    return pd.Series(column, name=name, index=y.index if isinstance(y, pd.Series) else None)
