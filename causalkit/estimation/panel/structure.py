"""Rows of a panel: which unit, which period, and sums over either.

A panel is a table in long form, one row for each unit and period. Estimators here need it in one of
three forms: as rows with the means of their unit, as differences between a row and the row of the
period before, or *wide*, one line a unit with a column for each period. :class:`Panel` gives all
three from the positions of units and periods, which `fit` has already read from labels.

Whoever asks what happens over time to the same units has to say how rows depend: all rows of a unit
move together here, so standard errors are clustered by unit unless coarser clusters are given.

A bootstrap draws whole units, some of them twice. Copies of a unit are units of their own here, so
that a resample is a panel again; in data as they were given, two rows of one unit and period are
refused.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from causalkit.errors import AssumptionWarning, InputError
from causalkit.estimation.columns import Columns
from causalkit.estimation.problem import Problem
from causalkit.typing import BoolArray, FloatArray, IntArray

__all__ = [
    "Panel",
    "clustered_by_unit",
    "few_clusters",
    "panel_of",
    "refuse_repeated_rows",
    "refuse_starts",
    "spread_over_rows",
]

_FEW_CLUSTERS = 5
"""Effective clusters below which clustered standard errors are far too small."""


@dataclass(frozen=True, slots=True, eq=False)
class Panel:
    """Where each row stands.

    Attributes
    ----------
    unit, time : ndarray of int, shape (n,)
        Positions 0, 1, … of the unit and of the period of each row.
    periods : tuple
        Labels of the periods, in order.
    weights : ndarray of shape (n,)
        Sample weights of the rows.
    """

    unit: IntArray
    time: IntArray
    periods: tuple[object, ...]
    weights: FloatArray

    @property
    def n_units(self) -> int:
        """Number of units."""
        return int(self.unit.max()) + 1

    @property
    def n_periods(self) -> int:
        """Number of periods."""
        return len(self.periods)

    @property
    def lonely(self) -> BoolArray:
        """Rows whose unit has no other row of positive weight, shape (n,)."""
        size = np.bincount(self.unit, weights=self.weights > 0)
        found: BoolArray = size[self.unit] < 2
        return found

    def rows(self, which: IntArray | BoolArray) -> Panel:
        """Return the panel of these rows."""
        unit = np.unique(self.unit[which], return_inverse=True)[1]
        return Panel(unit, self.time[which], self.periods, self.weights[which])

    def unit_means(self, values: FloatArray) -> FloatArray:
        """Weighted mean over the rows of the same unit, shape of `values`: (n,) or (n, k)."""
        # A unit without weight has no say in the effect; its plain mean keeps it finite.
        total = np.bincount(self.unit, weights=self.weights)
        w = np.where(total[self.unit] > 0, self.weights, 1.0)
        total = np.bincount(self.unit, weights=w)
        columns = values.reshape(len(values), -1)
        means = np.empty_like(columns, dtype=np.float64)
        for k, column in enumerate(columns.T):
            sums = np.bincount(self.unit, weights=w * column)
            means[:, k] = (sums / total)[self.unit]
        return means.reshape(values.shape)

    def previous_rows(self) -> tuple[IntArray, IntArray]:
        """Rows whose unit was also seen one period earlier, and those earlier rows."""
        cells = np.full((self.n_units, self.n_periods), -1, dtype=np.intp)
        cells[self.unit, self.time] = np.arange(len(self.unit))
        before = np.full(len(self.unit), -1, dtype=np.intp)
        later = self.time > 0
        before[later] = cells[self.unit[later], self.time[later] - 1]
        now = np.flatnonzero(before >= 0)
        return now, before[now]

    def wide(self, values: FloatArray) -> FloatArray:
        """One line a unit, one column a period, shape (n_units, n_periods); NaN where no row is."""
        table = np.full((self.n_units, self.n_periods), np.nan)
        table[self.unit, self.time] = values
        return table

    def check_complete(self, unit_labels: tuple[object, ...], *, who: str) -> None:
        """Refuse units that were not seen in every period."""
        seen = np.bincount(self.unit, minlength=self.n_units)
        short = np.flatnonzero(seen < self.n_periods)
        if len(short) == 0:
            return
        named = [str(unit_labels[u]) for u in short[:4] if u < len(unit_labels)]
        raise InputError(
            f"{len(short)} unit(s) have no row in some of the {self.n_periods} periods "
            f"({', '.join(named)}{', …' if len(short) > 4 else ''}); {who} needs every unit in "
            "every period. Keep the complete units, or the periods in which all were seen."
        )


def panel_of(problem: Problem) -> Panel:
    """Read units and periods; further copies of a unit, from a bootstrap, are further units.

    Examples
    --------
    >>> from causalkit.estimation.problem import as_problem
    >>> labels = {"unit": ["a", "a", "b", "b"], "time": [2001, 2002, 2001, 2002]}
    >>> problem = as_problem(None, [1.0, 2.0, 3.0, 5.0], [0, 1, 0, 0], others=labels)
    >>> panel_of(problem).wide(problem.y)
    array([[1., 2.],
           [3., 5.]])
    """
    time = problem.others["time"]
    periods = time.levels or ()
    unit, codes = problem.others["unit"].codes, time.codes
    copy = _occurrence(unit * len(periods) + codes)
    unit = np.unique(np.column_stack([copy, unit]), axis=0, return_inverse=True)[1].reshape(-1)
    return Panel(unit.astype(np.intp), codes, periods, problem.weights)


def refuse_repeated_rows(problem: Problem) -> None:
    """Refuse data in which a unit has two rows for one period."""
    unit, time = problem.others["unit"], problem.others["time"]
    levels = time.levels or ()
    repeated = np.flatnonzero(_occurrence(unit.codes * len(levels) + time.codes) > 0)
    if len(repeated):
        row = repeated[0]
        raise InputError(
            f"{len(repeated)} row(s) repeat the unit and period of another row, such as "
            f"{_label(unit, row)} in {_label(time, row)}; expected one row for each unit and "
            "period. Aggregate them, or name the units more finely."
        )


def clustered_by_unit(problem: Problem) -> Problem:
    """Return the problem with units as clusters, if it has no clusters yet.

    Raises
    ------
    InputError
        If there is one unit only, or a unit belongs to several of the clusters given.
    """
    unit = problem.others["unit"].codes
    if problem.groups is None:
        if unit.max() == unit.min():
            raise InputError(
                "all rows are of one unit; a panel estimator compares several units over time. "
                "For one series, estimate on its lagged columns instead."
            )
        return problem.replace(groups=np.unique(unit, return_inverse=True)[1].reshape(-1))
    pairs = np.unique(np.column_stack([unit, problem.groups]), axis=0)
    split = int((np.bincount(pairs[:, 0]) > 1).sum())
    if split:
        raise InputError(
            f"{split} unit(s) have rows in several clusters; expected clusters of whole units, "
            "such as the states that counties lie in. Leave `groups` out to cluster by unit."
        )
    return problem


def refuse_starts(problem: Problem) -> None:
    """Refuse a treatment that says when each unit started instead of whether it had by then."""
    panel = panel_of(problem)
    first = np.zeros(panel.n_units)
    first[panel.unit] = problem.t
    levels = np.unique(problem.t) if problem.levels is None else np.asarray(problem.levels)
    numbers = np.issubdtype(levels.dtype, np.number)
    if numbers and len(levels) > 2 and (first[panel.unit] == problem.t).all():
        raise InputError(
            f"treatment {problem.treatment!r} has more than two values and is the same in all "
            "rows of a unit, as the period in which each unit starts is; expected whether it is "
            "treated in each row. With 0 for never: t = (start > 0) & (time >= start)."
        )


def few_clusters(pull: FloatArray, groups: IntArray | None, what: str) -> tuple[Warning, ...]:
    """Warn where a standard error rests on few clusters, however many there are.

    Parameters
    ----------
    pull : ndarray of shape (n,)
        Not negative: how much each row counts.
    groups : ndarray of int, shape (n,), or None
    what : str
        What they count for, e.g. "the treated".

    Notes
    -----
    If clusters count a_g, they are as good as (Σ a)²/Σ a² equal ones (Carter, Schnepel &
    Steigerwald 2017, doi:10.1162/REST_a_00639).
    """
    sums = np.bincount(np.arange(len(pull)) if groups is None else groups, weights=pull)
    effective = float(sums.sum() ** 2 / max((sums**2).sum(), np.finfo(float).tiny))
    if effective >= _FEW_CLUSTERS:
        return ()
    return (
        AssumptionWarning(
            f"the standard error for {what} rests on {effective:.1f} clusters, in effect; expected "
            f"at least {_FEW_CLUSTERS}, since with fewer it is far too small. Use SyntheticDiD() "
            "or SyntheticControl(), whose placebos need few treated units."
        ),
    )


def spread_over_rows(
    scores: FloatArray, unit: IntArray, weights: FloatArray, row_weights: FloatArray
) -> FloatArray:
    """Turn the influence of units, as observations of their own, into one of rows.

    Parameters
    ----------
    scores, weights : ndarray of shape (n_units,)
    unit : ndarray of int, shape (n,)
        −1 for a row of no unit in `scores`.
    row_weights : ndarray of shape (n,)

    Returns
    -------
    ndarray of shape (n,)
        Equal in all rows of a unit, such that their weighted sum over a unit counts as the unit.
    """
    used = unit >= 0
    of_unit = np.bincount(unit[used], weights=row_weights[used], minlength=len(scores))
    scale = np.divide(weights, of_unit, out=np.zeros(len(scores)), where=of_unit > 0)
    rows = np.zeros(len(unit))
    rows[used] = (scores * scale * (row_weights.sum() / weights.sum()))[unit[used]]
    return rows


def _occurrence(cell: IntArray) -> IntArray:
    """How many earlier rows have the same cell, shape (n,)."""
    order = np.argsort(cell, kind="stable")
    ordered = cell[order]
    starts = np.r_[True, ordered[1:] != ordered[:-1]]
    first = np.maximum.accumulate(np.where(starts, np.arange(len(cell)), 0))
    count = np.empty(len(cell), dtype=np.intp)
    count[order] = np.arange(len(cell)) - first
    return count


def _label(columns: Columns, row: int) -> object:
    return (columns.levels or ())[columns.codes[row]]
