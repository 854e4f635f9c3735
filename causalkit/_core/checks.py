"""Checks of arguments and tables, made once where they enter.

Each returns what it checked, so that it reads inline, and each error says what was wrong, what was
expected, and what to do.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence, Set
from numbers import Integral, Real
from typing import Protocol, TypeVar

import numpy as np

from causalkit._core.table import Table, are_finite
from causalkit.errors import InputError
from causalkit.typing import Name, Names

__all__ = [
    "as_names",
    "check_choice",
    "check_complete",
    "check_count",
    "check_fraction",
    "check_positive",
    "check_rows",
    "check_varies",
    "check_widths",
    "refuse_constant",
]

Choice = TypeVar("Choice")


class _Sized(Protocol):
    @property
    def n_rows(self) -> int: ...

    @property
    def n_columns(self) -> int: ...


def as_names(names: Names | None) -> tuple[Name, ...]:
    """One name or several, as a tuple without repeats; None is no name, a set goes by name."""
    if names is None:
        return ()
    if isinstance(names, (str, int, np.integer)) or not isinstance(names, Iterable):
        names = [names]
    if isinstance(names, Set):  # its own order differs from process to process
        names = sorted(names, key=lambda name: (isinstance(name, str), str(name)))
    plain = [int(name) if isinstance(name, np.integer) else name for name in names]
    for name in plain:
        if isinstance(name, bool) or not isinstance(name, (str, int)):
            raise InputError(
                f"{name!r}, a {type(name).__name__}, is no name; expected a string or an integer, "
                "or several of them. Quote it if it comes from a YAML file."
            )
    return tuple(dict.fromkeys(str(name) if isinstance(name, np.str_) else name for name in plain))


def check_fraction(value: float, what: str, *, closed: bool = False) -> float:
    """Return `value` if it lies strictly between 0 and 1 (`closed`: 0 and 1 are welcome too)."""
    ok = isinstance(value, Real) and not isinstance(value, bool)
    if ok and (0 <= value <= 1 if closed else 0 < value < 1):
        return float(value)
    bounds = "from 0 to 1" if closed else "strictly between 0 and 1"
    raise InputError(f"{what}={value!r}; expected a number {bounds}.")


def check_count(value: int, what: str, *, minimum: int = 1) -> int:
    """Return `value` if it is an integer of at least `minimum`."""
    if isinstance(value, Integral) and not isinstance(value, bool) and value >= minimum:
        return int(value)
    raise InputError(f"{what}={value!r}; expected an integer of at least {minimum}.")


def check_positive(value: float, what: str) -> float:
    """Return `value` if it is a finite number above 0."""
    ok = isinstance(value, Real) and not isinstance(value, bool)
    if ok and 0 < value < float("inf"):
        return float(value)
    raise InputError(f"{what}={value!r}; expected a number above 0.")


def check_widths(hidden_units: Sequence[int]) -> tuple[int, ...]:
    """Return the widths of the hidden layers of a network, of which there is at least one."""
    try:
        widths = tuple(hidden_units)
    except TypeError:
        widths = ()
    if not widths or isinstance(hidden_units, str):
        raise InputError(
            f"hidden_units={hidden_units!r}; expected the width of each hidden layer, of which "
            "there is at least one. Write e.g. hidden_units=(10,)."
        )
    return tuple(check_count(width, "hidden_units") for width in widths)


def check_choice(value: Choice, what: str, choices: Collection[Choice]) -> Choice:
    """Return `value` if it is one of `choices`."""
    try:
        if value in choices:
            return value
    except TypeError:  # unhashable, so none of the keys of a mapping
        pass
    raise InputError(f"{what}={value!r}; expected one of {', '.join(map(repr, choices))}.")


def check_rows(table: _Sized, minimum: int, *, who: str) -> None:
    """Check that a table, or its moments, has at least `minimum` rows."""
    if table.n_rows >= minimum:
        return
    raise InputError(
        f"the data have {table.n_rows} row(s) and {table.n_columns} column(s); {who} needs at "
        f"least {minimum} rows. Bring more rows or fewer columns."
    )


def check_complete(
    table: Table,
    *,
    who: str,
    advice: str = "Impute them, or drop the rows with data.dropna() if they are missing at random.",
) -> Table:
    """Return `table` if no cell is missing."""
    if are_finite(table.values):
        return table
    missing = table.missing.sum(axis=0)
    if not missing.any():
        return table
    holes = {table.names[k]: int(missing[k]) for k in np.flatnonzero(missing)}
    shown = ", ".join(f"{name!r} ({count})" for name, count in list(holes.items())[:8])
    more = ", …" if len(holes) > 8 else ""
    raise InputError(
        f"{len(holes)} column(s) have missing values (NaN): {shown}{more}; {who} needs complete "
        f"rows. {advice}"
    )


def check_varies(table: Table, names: Iterable[Name], *, who: str) -> Table:
    """Return `table` if none of the columns is constant."""
    where = table.indices(names)
    values = table.values if where == list(range(table.n_columns)) else table.values[:, where]
    same = values.min(axis=0) == values.max(axis=0)
    refuse_constant([table.names[where[k]] for k in np.flatnonzero(same)], who=who)
    return table


def refuse_constant(names: Sequence[Name], *, who: str) -> None:
    """Raise an error if there are any of these columns, which hold one value only."""
    if names:
        raise InputError(
            f"column(s) {', '.join(map(repr, names))} hold one value only; {who} needs columns "
            "that vary. Leave them out: a constant can be neither cause nor effect within these "
            "data."
        )
