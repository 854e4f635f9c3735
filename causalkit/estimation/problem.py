"""`Problem`: the arrays that an estimator sees, checked once.

An estimator needs an outcome, a treatment and the columns to adjust for; it needs neither the graph
nor the table they came from. A :class:`Problem` holds exactly that. It is a value: whoever wants to
challenge an estimate (a placebo treatment, a subset, a resample) makes another problem with
:meth:`Problem.replace` or :meth:`Problem.rows` and asks the same estimator again.

A treatment with two values, or a categorical one, is *discrete*: `levels` names its values, and `t`
holds their positions 0, 1, … Any other numeric treatment is *continuous*: `levels` is None.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
from numpy.typing import ArrayLike

from causalkit._core.checks import check_complete
from causalkit._core.table import Table, are_finite, as_table
from causalkit.errors import InputError, NumericalError
from causalkit.estimation.asked_in_words import outcome_in_words
from causalkit.estimation.columns import (
    Columns,
    as_columns,
    as_groups,
    as_supplied,
    as_weights,
    name_of,
)
from causalkit.estimation.series.steps import Steps
from causalkit.typing import BoolArray, Data, FloatArray, IntArray, Name

__all__ = ["Problem", "as_problem", "check_order", "explained_away", "problem_from_table"]

_FIRST_ROWS = 64
"""Rows that a column must share with the outcome before all are compared."""


@dataclass(frozen=True, slots=True, eq=False)
class Problem:
    """Outcome, treatment and adjustment columns as arrays, with their names.

    Attributes
    ----------
    y : ndarray of shape (n,)
        Outcome; a two-level outcome is 0/1.
    t : ndarray of shape (n,)
        Treatment: positions in `levels`, or values if `levels` is None.
    X : ndarray of shape (n, k)
        Adjustment columns, categories already indicators. k may be 0.
    outcome, treatment : str or int
        Names of y and t.
    adjustment : tuple of str
        Names of the columns of X; an indicator is called `"region=south"`.
    levels : tuple or None
        Values of a discrete treatment, in the order of their codes; None for a continuous one.
    groups : ndarray of shape (n,) or None
        Cluster of each row as 0, 1, …
    second_groups : ndarray of shape (n,) or None
        The same of a second kind of clusters, which cross the first.
    sample_weight : ndarray of shape (n,) or None
        Positive or zero.
    steps : Steps or None
        When each row was, if rows are steps of series.
    others : mapping of str to Columns
        Columns with further roles: "z" (instruments), "mediators", "unit", "time", …
    supplied : mapping of str to ndarray of shape (n,) or (n, k)
        Nuisances that were predicted elsewhere, by name.
    outcome_levels : tuple or None
        The two levels of the outcome that y holds as 0 and 1; None for a numeric outcome.
    """

    y: FloatArray
    t: FloatArray
    X: FloatArray
    outcome: Name = "y"
    treatment: Name = "t"
    adjustment: tuple[str, ...] = ()
    levels: tuple[object, ...] | None = None
    groups: IntArray | None = None
    sample_weight: FloatArray | None = None
    steps: Steps | None = None
    others: Mapping[str, Columns] = field(default_factory=dict)
    supplied: Mapping[str, FloatArray] = field(default_factory=dict)
    second_groups: IntArray | None = None
    outcome_levels: tuple[object, ...] | None = None

    @property
    def n_obs(self) -> int:
        """Number of rows."""
        return int(self.y.shape[0])

    @property
    def n_groups(self) -> int:
        """Number of clusters that have weight; rows are clusters of their own without groups."""
        if self.groups is None:
            return self.n_obs
        return int((np.bincount(self.groups, weights=self.weights) > 0).sum())

    @property
    def n_second_groups(self) -> int:
        """Number of clusters of the second kind that have weight."""
        if self.second_groups is None:
            return self.n_obs
        return int((np.bincount(self.second_groups, weights=self.weights) > 0).sum())

    @property
    def names(self) -> tuple[Name, Name, tuple[str, ...]]:
        """Outcome, treatment, adjustment columns."""
        return self.outcome, self.treatment, self.adjustment

    @property
    def kind(self) -> str:
        """Of the treatment: "binary", "categorical" or "continuous"."""
        if self.levels is None:
            return "continuous"
        return "binary" if len(self.levels) == 2 else "categorical"

    @property
    def outcome_in_words(self) -> str:
        """Name of the outcome; of two levels with names, `"P(status = case)"`."""
        return outcome_in_words(self.outcome, self.outcome_levels)

    @property
    def binary_outcome(self) -> bool:
        """Whether y holds zeros and ones only."""
        return bool(np.isin(self.y, (0.0, 1.0)).all())

    @property
    def weights(self) -> FloatArray:
        """Sample weights; ones if there are none."""
        return np.ones(self.n_obs) if self.sample_weight is None else self.sample_weight

    def rows(self, which: IntArray | BoolArray) -> Problem:
        """Return the problem of these rows only (positions, repeats welcome, or a mask)."""
        return dataclasses.replace(
            self,
            y=self.y[which],
            t=self.t[which],
            X=self.X[which],
            groups=None if self.groups is None else self.groups[which],
            second_groups=None if self.second_groups is None else self.second_groups[which],
            sample_weight=None if self.sample_weight is None else self.sample_weight[which],
            steps=None if self.steps is None else self.steps.rows(which),
            others={role: columns.rows(which) for role, columns in self.others.items()},
            supplied={name: values[which] for name, values in self.supplied.items()},
        )

    def replace(self, **changes: Any) -> Problem:
        """Return the problem with some fields changed, e.g. `replace(t=rng.permutation(t))`."""
        return dataclasses.replace(self, **changes)


def as_problem(
    X: Data | None,
    y: ArrayLike,
    t: ArrayLike,
    *,
    sample_weight: ArrayLike | None = None,
    groups: ArrayLike | None = None,
    others: Mapping[str, Data] | None = None,
    supplied: Mapping[str, ArrayLike] | None = None,
) -> Problem:
    """Check and encode what `fit` was given.

    Parameters
    ----------
    X : table of shape (n, k), or None
        Columns to adjust for; None or a table without columns for none.
    y, t : array-like of shape (n,)
        Outcome and treatment; their `.name` is kept if they have one.
    sample_weight, groups : array-like of shape (n,), optional
        Weights, cluster labels.
    others : mapping of str to table or array-like, optional
        Columns with further roles.
    supplied : mapping of str to array-like, optional
        Nuisances that were predicted elsewhere.

    Raises
    ------
    InputError
        If a column cannot be read, has missing values, does not vary, or lengths differ.
    """
    for column, what, dimensions in ((y, "y", 1), (t, "t", 1), (X, "X", 2)):
        _check_dimensions(column, what, dimensions)
    beside = {**(others or {}), "groups": groups, "sample_weight": sample_weight}
    check_order({"y": y, "t": t, "X": X, **beside})
    outcome, treatment = name_of(y, "y"), name_of(t, "t")
    if outcome == treatment:
        outcome, treatment = "y", "t"
    table = as_table({outcome: y, treatment: t})
    n_columns = 0 if X is None else _n_columns(X)
    matrix = _plain_matrix(X)
    covariates = as_table(X) if n_columns and matrix is None else None
    n_rows = len(matrix) if matrix is not None else getattr(covariates, "n_rows", table.n_rows)
    if n_rows != table.n_rows:
        raise InputError(
            f"X has {n_rows} rows, y has {table.n_rows}; expected equally many. "
            "Select the rows of both alike."
        )
    problem = problem_from_table(
        table,
        outcome,
        treatment,
        covariates,
        sample_weight=as_weights(sample_weight, table.n_rows),
        groups=as_groups(groups, table.n_rows),
        others={
            role: as_columns(given, role, table.n_rows) for role, given in (others or {}).items()
        },
        supplied=as_supplied(supplied or {}, table.n_rows),
    )
    if matrix is not None:
        names = tuple(f"x{k}" for k in range(matrix.shape[1]))
        problem = problem.replace(X=matrix, adjustment=names)
    _check_leakage(problem)
    return problem


def problem_from_table(
    table: Table,
    outcome: Name,
    treatment: Name,
    covariates: Table | None,
    *,
    sample_weight: FloatArray | None = None,
    groups: IntArray | None = None,
    others: Mapping[str, Columns] | None = None,
    supplied: Mapping[str, FloatArray] | None = None,
) -> Problem:
    """Encode outcome and treatment of `table` and every column of `covariates`."""
    check_complete(table, who="estimation")
    t, levels = _treatment(table, treatment)
    X = np.empty((table.n_rows, 0))
    labels: tuple[str, ...] = ()
    if covariates is not None:
        check_complete(covariates, who="estimation")
        X, labels = covariates.design(covariates.names)
    one_kind = groups is None or groups.ndim == 1
    return Problem(
        y=_outcome(table, outcome),
        t=t,
        X=np.ascontiguousarray(X),
        outcome=outcome,
        treatment=treatment,
        adjustment=labels,
        levels=levels,
        groups=groups if one_kind or groups is None else groups[:, 0],
        sample_weight=sample_weight,
        others=others or {},
        supplied=supplied or {},
        second_groups=None if one_kind or groups is None else groups[:, 1],
        outcome_levels=table.levels_of(outcome),
    )


def _outcome(table: Table, name: Name) -> FloatArray:
    levels = table.levels_of(name)
    if levels is not None and len(levels) > 2:
        raise InputError(
            f"outcome {name!r} has {len(levels)} levels {levels[:5]}; an average effect needs a "
            "numeric or a two-level outcome. Recode it, or estimate one level at a time "
            f"(1 where {name!r} equals the level)."
        )
    column = np.array(table.column(name))
    if np.ptp(column) == 0:
        raise InputError(
            f"outcome {name!r} holds one value only; expected a column that varies. Nothing can be "
            "learnt about what changes it from these rows."
        )
    return column


def _treatment(table: Table, name: Name) -> tuple[FloatArray, tuple[object, ...] | None]:
    """Positions and levels of a discrete treatment; values and None of a continuous one."""
    column, levels = np.array(table.column(name)), table.levels_of(name)
    values = np.unique(column)
    if len(values) < 2:
        raise InputError(
            f"treatment {name!r} holds one value only; an effect compares at least two. "
            "Bring rows with another treatment."
        )
    if levels is not None:
        return column, levels
    if len(values) == 2:
        plain = tuple(int(v) if v == int(v) else float(v) for v in values)
        return np.searchsorted(values, column).astype(np.float64), plain
    return column, None


def _plain_matrix(X: object) -> FloatArray | None:
    """A copy of a matrix of finite floats, at once; None for any other, to be read as a table."""
    plain = type(X) is np.ndarray and X.ndim == 2 and X.dtype == np.float64 and X.size
    return np.array(X, order="C") if plain and are_finite(cast("FloatArray", X)) else None


def _check_dimensions(given: object, what: str, expected: int) -> None:
    shape = getattr(given, "shape", None)
    if shape is None or len(shape) == expected:
        return
    one, two = "one value a row, such as data['y']", "a table, such as data[['age', 'income']]"
    raise InputError(
        f"{what} has {len(shape)} dimension(s), shape {tuple(shape)}; expected {expected}: "
        f"{one if expected == 1 else two}. Use {what}.reshape("
        f"{'-1' if expected == 1 else '-1, 1'}) for an array."
    )


def check_order(given: Mapping[str, Any]) -> None:
    """Refuse pandas objects whose row labels say that rows are not in the same places."""
    labelled = [
        (what, column.index)
        for what, column in given.items()
        if hasattr(getattr(column, "index", None), "equals")
    ]
    for what, index in labelled[1:]:
        first, expected = labelled[0]
        alike = len(index) == len(expected) and index.nlevels == expected.nlevels
        if not alike or index.equals(expected) or not index.is_unique:
            continue
        shared = index.isin(expected)
        if shared.any():
            wrong = "in another order" if shared.all() else "for some rows, and others for the rest"
            raise InputError(
                f"{what} has the row labels of {first} {wrong}; expected the same row of the table "
                f"in the same place, since rows go by position. Use {what}.loc[{first}.index], or "
                "if places are right as they are, .reset_index(drop=True) of both."
            )


def _check_leakage(problem: Problem) -> None:
    """Refuse the outcome itself among the columns to adjust for."""
    start = slice(0, _FIRST_ROWS)
    for k in np.flatnonzero((problem.X[start] == problem.y[start, None]).all(axis=0)):
        if problem.n_obs > 1 and np.array_equal(problem.X[:, k], problem.y):
            raise InputError(
                f"column {problem.adjustment[k]!r} of X is the outcome {problem.outcome!r} itself, "
                "and given the outcome nothing is left to explain; expected what was there before "
                "treatment. Leave the column out."
            )


def _n_columns(X: Data) -> int:
    if isinstance(X, dict):
        return len(X)
    shape = getattr(X, "shape", None)
    return int(shape[1]) if shape is not None and len(shape) == 2 else 1


def explained_away(treatment: Name, n_rows: int, n_columns: int) -> NumericalError:
    """The error where nothing is left of a treatment once columns are held fixed."""
    too_many = (
        f"{n_rows} rows are matched by any {n_rows} columns, and there are {n_columns}: hold fewer "
        "fixed, or use PLR(), which chooses among them."
    )
    return NumericalError(
        f"treatment {treatment!r} is a linear combination of the adjustment columns, so nothing of "
        "it is left to compare; expected treatment that varies given them. "
        + (too_many if n_columns >= n_rows else "Leave out the columns that determine it.")
    )
