"""Columns beside outcome, treatment and covariates: further roles, clusters, weights, predictions.

Each is checked here, once, and comes out as numbers: labels of any type as 0, 1, … in sorted order,
categories as indicators.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from causalkit._core.checks import check_complete
from causalkit._core.column_values import is_missing
from causalkit._core.table import Table, as_table
from causalkit.errors import InputError
from causalkit.typing import BoolArray, Data, FloatArray, IntArray, Name

__all__ = [
    "LABELS",
    "Columns",
    "as_columns",
    "as_groups",
    "as_supplied",
    "as_weights",
    "encoded",
    "name_of",
]

LABELS = ("unit", "time")
"""Roles whose columns are read as labels, whatever they hold; those of others are numbers."""


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """Columns with a role of their own: instruments, mediators, units, periods.

    Attributes
    ----------
    values : ndarray of shape (n, k)
        Categories already indicators; labels are positions in `levels`.
    names : tuple of str
    levels : tuple or None
        Sorted labels, of one column of labels.
    """

    values: FloatArray
    names: tuple[str, ...]
    levels: tuple[object, ...] | None = None

    @property
    def codes(self) -> IntArray:
        """Positions of the labels, shape (n,)."""
        return self.values[:, 0].astype(np.intp)

    def rows(self, which: IntArray | BoolArray) -> Columns:
        """Return these rows only."""
        return dataclasses.replace(self, values=self.values[which])


def as_columns(given: Data, role: str, n_rows: int) -> Columns:
    """Columns with a role of their own, checked: numbers and indicators, or labels."""
    if role in LABELS:
        return _labels(given, role, n_rows)
    shape = getattr(given, "shape", None)
    lone = (shape is not None and len(shape) == 1) or isinstance(given, list)
    table = as_table({name_of(given, role): given} if lone else given)
    if table.n_rows != n_rows:
        raise InputError(
            f"{role} has {table.n_rows} rows, y has {n_rows}; expected equally many. Select the "
            "rows of both alike."
        )
    return encoded(table, role)


def encoded(table: Table, role: str) -> Columns:
    """Every column of a table as numbers and indicators."""
    check_complete(table, who="estimation")
    values, names = table.design(table.names)
    for name, column in zip(names, values.T, strict=True):
        if np.ptp(column) == 0:
            raise InputError(
                f"{name!r}, given as {role}, holds one value only; expected a column that varies. "
                "Leave it out."
            )
    return Columns(np.ascontiguousarray(values), names)


def _labels(given: Data, role: str, n_rows: int) -> Columns:
    labels: NDArray[Any] = np.asarray(given).reshape(-1)
    if labels.shape != (n_rows,):
        raise InputError(
            f"{role} has {len(labels)} labels, y has {n_rows} rows; expected one a row."
        )
    missing = [label is None or is_missing(label) for label in labels.tolist()]
    if any(missing):
        raise InputError(
            f"{sum(missing)} row(s) have no {role}; expected one each. Drop them, or fill them in."
        )
    try:
        levels, codes = np.unique(labels, return_inverse=True)
    except TypeError:
        raise InputError(
            f"the labels given as {role} are of several types and have no order; expected numbers, "
            "dates or texts alone. Convert the column."
        ) from None
    values = codes.reshape(-1, 1).astype(np.float64)
    return Columns(values, (str(name_of(given, role)),), tuple(levels.tolist()))


def as_supplied(supplied: Mapping[str, ArrayLike], n_rows: int) -> dict[str, FloatArray]:
    """Predictions made elsewhere: finite numbers, one row each."""
    checked = {}
    for name, given in supplied.items():
        values = np.asarray(given, dtype=np.float64)
        if values.shape[:1] != (n_rows,) or values.ndim > 2 or not np.isfinite(values).all():
            raise InputError(
                f"the predictions of {name!r} have shape {values.shape}; expected {n_rows} finite "
                "numbers, or one such row for each class."
            )
        checked[name] = values
    return checked


def as_groups(groups: ArrayLike | None, n_rows: int) -> IntArray | None:
    """Cluster labels of any type, as 0, 1, … in sorted order; of two kinds, shape (n, 2)."""
    if groups is None:
        return None
    codes = [_group_codes(labels, n_rows) for labels in _kinds_of_groups(groups)]
    return codes[0] if len(codes) == 1 else np.column_stack(codes)


def _kinds_of_groups(groups: Any) -> list[NDArray[Any]]:
    """One column of labels, or two, each of its own type."""
    shape = getattr(groups, "shape", None)
    if shape is None or isinstance(groups, np.ndarray):
        groups = np.asarray(groups)
        shape = groups.shape
    if len(shape) != 2:
        return [np.asarray(groups)]
    if shape[1] != 2:
        raise InputError(
            f"the cluster labels have shape {tuple(shape)}; expected one a row, or two columns for "
            "clusters of two kinds. Leave out the other columns."
        )
    if isinstance(groups, np.ndarray):
        return list(groups.T)
    names = groups.column_names if hasattr(groups, "column_names") else groups.columns
    return [np.asarray(groups[name]) for name in names]


def _group_codes(labels: NDArray[Any], n_rows: int) -> IntArray:
    if labels.shape != (n_rows,):
        raise InputError(
            f"the cluster labels have shape {labels.shape}; expected ({n_rows},), one a row."
        )
    listed = labels.tolist()
    missing = [label is None or is_missing(label) for label in listed]
    if any(missing):
        raise InputError(
            f"{sum(missing)} cluster label(s) are missing; expected one a row. A row without "
            "a cluster is its own: give it a label of its own, or drop it."
        )
    if labels.dtype == object:  # 1 and "1" are two labels
        labels = np.array([f"{type(label).__name__} {label}" for label in listed])
    codes = np.unique(labels, return_inverse=True)[1].reshape(-1).astype(np.intp)
    if codes.max() == 0:
        raise InputError(
            "all rows are in one cluster; a standard error needs at least two clusters. Leave the "
            "clusters out if the rows are independent."
        )
    return codes


def as_weights(sample_weight: ArrayLike | None, n_rows: int) -> FloatArray | None:
    """Sample weights, checked to be finite, none negative, not all zero."""
    if sample_weight is None:
        return None
    try:
        weights = np.array(sample_weight, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError(
            "the sample weights are not all numbers; expected one number a row. Name a numeric "
            "column, or pass an array."
        ) from None
    if weights.shape != (n_rows,):
        raise InputError(
            f"the sample weights have shape {weights.shape}; expected ({n_rows},), one a row."
        )
    if not np.isfinite(weights).all() or (weights < 0).any() or not weights.any():
        raise InputError(
            "the sample weights must be finite, not negative, and not all zero. "
            "Drop the rows that should not count."
        )
    return weights


def name_of(column: object, default: Name) -> Name:
    """Return what a column is called, if it says so."""
    name = getattr(column, "name", None)
    return name if isinstance(name, (str, int)) and name != "" else default
