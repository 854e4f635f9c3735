"""The columns that say where and when a row was seen, and what is known of them.

A domain is a label, whatever its type: numbers, text and booleans are told apart and never
measured. A time is a number, a date or a duration (in seconds), and only its place matters, so rows
may come in any order.
Together they are one node of the graph, the surrogate.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from causalkit._core.column_values import is_missing, sorted_levels
from causalkit._core.table import Table, as_table, column_names
from causalkit.discovery.changing._surrogate import Surrogate
from causalkit.discovery.knowledge import Knowledge
from causalkit.discovery.resampling._resampling import raw_column
from causalkit.errors import InputError, UnknownVariableError
from causalkit.graph.marks import show_name
from causalkit.typing import Data, FloatArray, IntArray, Name

__all__ = [
    "Columns",
    "Context",
    "know_surrogate",
    "read_context",
    "split_table",
    "surrogate_node",
    "whole_table",
    "with_columns",
]

_SPANS: Final = (1e-150, 1e150)
"""Of the time; squares of others are no floats."""

_LAST_SECOND: Final = 9.2e12
"""Since 1970, that 64 bits can hold in microseconds."""

Columns = dict[Name, tuple[FloatArray, tuple[object, ...] | None]]
"""Values and levels by name."""

_LEAST_ROWS: Final = 2
"""Rows of a domain: with one, what a mechanism does there cannot be told from noise."""


@dataclass(frozen=True, slots=True, eq=False)
class Context:
    """Where and when each row was seen.

    Attributes
    ----------
    columns : tuple of names
        The columns of the data that say so.
    node : str or int
        What the surrogate is called: as its column, or as both columns.
    surrogate : Surrogate
        Domains by number, and times.
    labels : tuple
        What the domains are called.
    dates : bool
        Whether times are microseconds since 1970.
    """

    columns: tuple[Name, ...]
    node: Name
    surrogate: Surrogate
    labels: tuple[object, ...] = ()
    dates: bool = False

    def labels_of(self, rows: IntArray) -> tuple[object, ...] | None:
        """What the domains of some rows are called, in the order of their numbers."""
        codes = self.surrogate.codes
        return None if codes is None else tuple(self.labels[k] for k in np.unique(codes[rows]))

    def times_of(self, rows: IntArray) -> NDArray[Any] | None:
        """Times of some rows as they were given: numbers or dates."""
        time = self.surrogate.time
        if time is None:
            return None
        return time[rows].astype(np.int64).astype("datetime64[us]") if self.dates else time[rows]


# --- read ----------------------------------------------------------------------------------------


def read_context(data: Data, domain: Name | None, time: Name | None) -> Context:
    """Read the surrogate's columns.

    Raises
    ------
    InputError
        If neither is named, or a column cannot say where or when a row was seen.
    UnknownVariableError
        If a column is not there.
    """
    domain, time = _plain_name(domain), _plain_name(time)
    columns = _check_roles(domain, time)
    known = column_names(data)
    for name in columns:
        if name not in known:
            raise UnknownVariableError.among(name, known)
    codes, labels = (None, ()) if domain is None else _read_domain(data, domain)
    when, dates = (None, False) if time is None else _read_time(data, time)
    if codes is not None and when is not None and len(codes) != len(when):
        raise InputError(
            f"column {domain!r} has {len(codes)} values and {time!r} has {len(when)}; expected "
            "one of each a row. Take both from one table."
        )
    node = surrogate_node(columns, known)
    return Context(columns, node, Surrogate(codes, when), labels, dates)


def surrogate_node(columns: tuple[Name, ...], known: tuple[Name, ...]) -> Name:
    """What the surrogate is called: as its column, or as both of them, unless a column is so."""
    node = columns[0] if len(columns) == 1 else " & ".join(map(str, columns))
    while len(columns) > 1 and node in known:
        node = f"{node}'"
    return node


def split_table(data: Data, context: Context, columns: tuple[Name, ...] | None = None) -> Table:
    """Read the other columns, or those among `columns`, which are the variables."""
    listed = column_names(data) if columns is None else columns
    variables = tuple(name for name in listed if name not in context.columns)
    if not variables:
        raise InputError(
            f"the data have no column but {', '.join(map(repr, context.columns))}, which says "
            "where or when a row was seen; expected variables too. Bring the columns to explain."
        )
    table = as_table(data, columns=variables)
    if table.n_rows != context.surrogate.n_rows:
        raise InputError(
            f"{context.columns[0]!r} has {context.surrogate.n_rows} values and the variables have "
            f"{table.n_rows} rows; expected one value a row. Take all columns from one table."
        )
    return table


def whole_table(data: Data, context: Context, columns: tuple[Name, ...]) -> Table:
    """Read variables and surrogate as one table, of which rows may be drawn and read again.

    Domains are categories whatever they are in the data, and dates are numbers.
    """
    variables = split_table(data, context, columns)
    held = Columns()
    if context.surrogate.codes is not None:
        held[context.columns[0]] = context.surrogate.codes.astype(np.float64), context.labels
    if context.surrogate.time is not None:
        held[context.columns[-1]] = context.surrogate.time, None
    return with_columns(variables, held).select(columns)


def _plain_name(name: Name | None) -> Name | None:
    """A name from an index of integers is a NumPy integer."""
    return int(name) if isinstance(name, np.integer) else name


def _check_roles(domain: object, time: object) -> tuple[Name, ...]:
    for what, name in (("domain", domain), ("time", time)):
        if name is not None and (isinstance(name, bool) or not isinstance(name, (str, int))):
            raise InputError(
                f"{what}={name!r}, a {type(name).__name__}; expected the name of one column. Put "
                "the values into a column of the data and name it."
            )
    columns = tuple(name for name in (domain, time) if isinstance(name, (str, int)))
    if not columns:
        raise InputError(
            "CDNOD was told neither domain nor time; expected the column that says where or when "
            "a row was seen, without which nothing can be seen to change. Write e.g. "
            "CDNOD(domain='site'), or use PC for rows of one distribution."
        )
    if len(set(columns)) < len(columns):
        raise InputError(
            f"domain and time are both {domain!r}; expected different columns. Name it as domain "
            "if its values are labels, as time if near values mean near conditions."
        )
    return columns


def _read_domain(data: Data, name: Name) -> tuple[IntArray, tuple[object, ...]]:
    """Number of each row's domain, and what the domains are called."""
    raw = _raw(data, name)
    levels = data.levels_of(name) if isinstance(data, Table) else None
    _refuse_holes(raw, name, "domain")
    if raw.dtype == object:
        listed = raw.tolist()
        found: list[Any] = _distinct(listed, name)
        number = {label: k for k, label in enumerate(found)}
        codes = np.array([number[label] for label in listed], dtype=np.intp)
    else:
        values, codes = np.unique(raw, return_inverse=True)
        codes = codes.astype(np.intp).reshape(-1)
        found = (values.astype(str) if values.dtype.kind == "M" else values).tolist()
    if levels is not None:
        found = [levels[int(code)] for code in found]
    if len(found) < 2:
        raise InputError(
            f"domain {name!r} has one level only, {found[0]!r}; expected at least two domains, "
            "because a change is a difference between them. Name another column, or use PC."
        )
    sizes = np.bincount(codes)
    few = [found[k] for k in np.flatnonzero(sizes < _LEAST_ROWS)]
    if few:
        shown = ", ".join(map(repr, few[:6])) + (", …" if len(few) > 6 else "")
        raise InputError(
            f"{len(few)} of the {len(found)} domains in {name!r} have fewer than {_LEAST_ROWS} "
            f"rows: {shown}; expected at least {_LEAST_ROWS} in each, and some ten to be of use. "
            "Merge domains or drop these rows; if the column is a quantity such as a date, name "
            "it as time."
        )
    return codes, tuple(found)


def _distinct(labels: list[Any], name: Name) -> list[Any]:
    try:
        return sorted_levels(set(labels))
    except TypeError:
        shown = ", ".join(map(repr, labels[:2]))
        raise InputError(
            f"domain {name!r} holds {type(labels[0]).__name__} ({shown}, …), which cannot be told "
            "apart and put in order; expected labels: text, numbers, booleans, categories or "
            "dates. Write it as text, e.g. with .astype(str)."
        ) from None


def _read_time(data: Data, name: Name) -> tuple[FloatArray, bool]:
    """Times as numbers, and whether they are dates."""
    raw = _raw(data, name)
    _refuse_holes(raw, name, "time")
    if isinstance(data, Table) and data.kind(name) == "categorical":
        raise _no_time(name, "a category", data.levels_of(name) or ())
    if raw.dtype == object:
        raw = _plain_times(raw, name)
    dates = raw.dtype.kind == "M"
    if dates:
        if np.abs(raw.astype("datetime64[s]").astype(np.int64)).max() > _LAST_SECOND:
            raise _no_time(name, "dates beyond the year 290,000", [raw.min(), raw.max()])
        raw = raw.astype("datetime64[us]").astype(np.int64)
    if raw.dtype.kind not in "iufb":
        raise _no_time(name, str(raw.dtype), raw[:3].tolist())
    when = raw.astype(np.float64)
    if not np.isfinite(when).all():
        raise InputError(
            f"time {name!r} holds {int(np.isinf(when).sum())} infinite value(s); expected finite "
            "numbers or dates. Drop these rows, or give them a time."
        )
    if when.min() == when.max():
        raise InputError(
            f"time {name!r} holds one value only; expected times that differ, because a change is "
            "a difference between them. Name another column, or use PC."
        )
    with np.errstate(over="ignore"):
        span = when.max() - when.min()
    if not _SPANS[0] < span < _SPANS[1]:
        raise InputError(
            f"time {name!r} spans {span:.3g}; expected a span between {_SPANS[0]:g} and "
            f"{_SPANS[1]:g}. Change its unit."
        )
    return when, dates


def _plain_times(raw: NDArray[Any], name: Name) -> NDArray[Any]:
    """Python numbers, durations or dates as an array of numbers or of dates."""
    from datetime import date, datetime, timedelta
    from decimal import Decimal
    from numbers import Real

    cells = raw.tolist()
    if all(isinstance(cell, (Real, Decimal)) for cell in cells):
        try:
            return np.array([float(cell) for cell in cells])
        except OverflowError:
            raise _no_time(
                name, "an integer beyond the largest float", [max(cells, key=abs)]
            ) from None
    if all(isinstance(cell, timedelta) for cell in cells):
        return np.array([cell.total_seconds() for cell in cells])
    if not all(isinstance(cell, date) for cell in cells):
        strange = [cell for cell in cells if not isinstance(cell, (date, Real, Decimal))]
        raise _no_time(name, type((strange or cells)[0]).__name__, (strange or cells)[:3])
    if any(isinstance(cell, datetime) and cell.tzinfo is not None for cell in cells):
        if not all(isinstance(cell, datetime) and cell.tzinfo is not None for cell in cells):
            raise _no_time(name, "dates with and without a time zone", cells[:3])
        stamps = np.array([cell.timestamp() for cell in cells])
        return (stamps * 1e6).round().astype(np.int64).astype("datetime64[us]")
    return np.array(cells, dtype="datetime64[us]")


def _no_time(name: Name, what: str, examples: Any) -> InputError:
    shown = ", ".join(repr(cell)[:60] for cell in list(examples)[:3])
    return InputError(
        f"time {name!r} holds {what} ({shown}); expected numbers or dates. Convert it, e.g. with "
        "pandas.to_datetime, or name the column as domain if its values are labels."
    )


def _raw(data: Data, name: Name) -> NDArray[Any]:
    raw = raw_column(data, name)
    if raw.ndim != 1:
        raise InputError(
            f"column {name!r} has shape {raw.shape}; expected one value a row. Name one column."
        )
    if not len(raw):
        raise InputError("the data have no rows; expected at least one. Check the query or filter.")
    if raw.dtype.kind == "m":
        raw = raw.astype("timedelta64[us]")  # of which Python has a type; of nanoseconds it has not
    return raw.astype(object) if raw.dtype.kind not in "biufMU" else raw


def _refuse_holes(raw: NDArray[Any], name: Name, role: str) -> None:
    if raw.dtype.kind in "fM":
        n_missing = int(np.isnan(raw).sum() if raw.dtype.kind == "f" else np.isnat(raw).sum())
    else:
        n_missing = sum(map(is_missing, raw.tolist())) if raw.dtype == object else 0
    if n_missing:
        advice = "give them a label of their own" if role == "domain" else "fill the times in"
        raise InputError(
            f"{role} {name!r} is missing in {n_missing} row(s); expected a value in each, because "
            f"the surrogate is observed without gaps. Drop these rows, or {advice}."
        )


# --- what is known of it -------------------------------------------------------------------------


def know_surrogate(
    knowledge: Knowledge, variables: tuple[Name, ...], context: Context
) -> Knowledge:
    """Add to what is known that nothing causes the surrogate.

    Raises
    ------
    InputError
        If the knowledge has a cause of the surrogate, puts it behind a variable, or speaks of one
        of two columns that are one node.
    """
    node = context.node
    apart = [name for name in knowledge.names if name in context.columns and name != node]
    if apart:
        raise InputError(
            f"the knowledge speaks of {apart[0]!r}, which is one node together with the other "
            f"column of the surrogate; expected the name of that node. Write {node!r}."
        )
    causes = [cause for cause, effect in knowledge.required if effect == node]
    if causes:
        raise InputError(
            f"{show_name(causes[0])} -> {show_name(node)} is required, but {show_name(node)} says "
            "where or when a row was seen and is caused by no variable; expected knowledge that "
            "leaves it so. Drop the edge, or do not name the column as domain or time."
        )
    tier = {name: level for level, names in enumerate(knowledge.tiers) for name in names}
    before = [name for name in tier if node in tier and tier[name] < tier[node]]
    if before:
        raise InputError(
            f"{show_name(before[0])} is in an earlier tier than {show_name(node)}, which says "
            "where or when a row was seen and comes before all variables; expected it in the "
            "first tier or in none. To say that it does not change a variable, forbid the edge."
        )
    exogenous = [(name, node) for name in variables]
    return Knowledge(
        knowledge.tiers,
        knowledge.required,
        [*knowledge.forbidden, *exogenous],
        knowledge.closed_tiers,
    )


def with_columns(table: Table, columns: Columns) -> Table:
    values = np.asfortranarray(
        np.column_stack([table.values, *(held for held, _ in columns.values())])
    )
    values.flags.writeable = False
    levels = (*table.levels, *(levels for _, levels in columns.values()))
    return Table((*table.names, *columns), values, levels)
