"""`fit_missingness`: the holes of real data, as a layer that makes others like them.

A parametric model of dozens of columns that fail together, and run on for years, drifts off: small
errors of each step feed the next. So the steps of the data themselves are drawn again. The layer
walks along the real holes, step by step, and now and then jumps to another step at which the same
columns were missing. A walk that jumps among such steps at random visits all of them as often as
before: shares, lengths of gaps and columns that fail together stay as they are.

* Where values do not matter, it jumps between complete steps only, so no gap is ever cut.
* Where they do, it jumps at each such step, to one of the steps before which the same columns were
  missing, for about as long, and at which the values that matter were nearest to those now. It does
  so within gaps, too, where they are many and short; a long gap is walked through to its end.

Which values matter is decided first: for each unit (columns whose holes are always the same), by a
logistic regression on how long it has been seen or missing, how many others were missing a step
ago, and values: of columns without holes those of this step, of the others those last seen. They
enter one by one while their z-ratio is above four. What has entered are the `causes` of the layer,
for all columns at once, since all are drawn together; no other value has any influence.

Rows of a table have no steps: there a row gets the holes of a real row with near values of those
columns that matter and have no holes (`time=False`).

>>> import numpy as np
>>> from causalkit.models.observation import Missing
>>> data = np.random.default_rng(0).normal(size=(4000, 2))
>>> gaps = Missing("blocks", 0.2, columns=[0], length=12).apply(data, rng=1)
>>> pattern = fit_missingness(gaps.data)
>>> again = pattern.apply(data, rng=2)
>>> bool(abs(again.missing[0].mean() - gaps.missing[0].mean()) < 0.08), again.causes
(True, {0: ()})
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from causalkit._core.checks import check_count
from causalkit._core.random import as_generator
from causalkit._core.report import Report, Reported
from causalkit.errors import InputError
from causalkit.models.observation._values_that_matter import ages_of, choose_levels
from causalkit.models.observation.observed import (
    Observed,
    as_observed,
    names_of,
    numbers,
    wanted,
)
from causalkit.typing import BoolArray, Data, FloatArray, IntArray, Name, RandomState

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["MissingPattern", "fit_missingness"]

_NEAREST: Final = 20
_FEWEST: Final = 20
_SHORT: Final = 10.0
_AGE: Final = 0.5
"""How much a unit of log age counts, beside a standard deviation of a value."""
_TIE: Final = 0.05
"""Width of a random coordinate: of values that are equally near, any may be taken."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class MissingPattern(Reported):
    """Holes like those of some data.

    Attributes
    ----------
    units : tuple of tuples of names
        Columns that share their holes, those first that have most.
    holes : ndarray of bool, shape (n_rows, n_units)
        The holes of the data.
    levels : tuple of names
        Columns whose values matter.
    values : ndarray of shape (n_rows, n_levels)
        These values as each row begins, standardised.
    centres, spreads : ndarrays of shape (n_levels,)
    owner : ndarray of int, shape (n_levels,)
        Unit of each of these, -1 for columns without holes.
    stretch : float
        Steps from one jump to the next in the mean, where no value matters.
    time : bool
        Whether rows are steps.
    """

    units: tuple[tuple[Name, ...], ...]
    holes: BoolArray
    levels: tuple[Name, ...]
    values: FloatArray
    centres: FloatArray
    spreads: FloatArray
    owner: IntArray
    stretch: float
    time: bool

    @property
    def causes(self) -> dict[Name, tuple[Name, ...]]:
        """By column with holes: the columns whose values make its cells missing."""
        return {name: self.levels for unit in self.units for name in unit}

    def apply(self, data: Data | Observed, rng: RandomState = None) -> Observed:
        """Make holes in other data of the same columns.

        Parameters
        ----------
        data : DataFrame, dict of columns, 2-D ndarray or Observed
            With all columns that the pattern knows.
        rng : int, Generator or None

        Returns
        -------
        Observed

        Raises
        ------
        InputError
            If a column is not there, or a value that matters is no number.
        """
        seen, generator = as_observed(data), as_generator(rng)
        wanted(seen, [name for unit in self.units for name in unit], numeric=False)
        if not self.units:
            return seen
        n = len(seen.data)
        levels = np.empty((n, len(self.levels)))
        for k, name in enumerate(wanted(seen, self.levels, numeric=True)):
            levels[:, k] = (numbers(seen, name) - self.centres[k]) / self.spreads[k]
        if not self.levels and not self.time:
            rows = generator.integers(len(self.holes), size=n)
        elif not self.levels:
            rows = _walk(self.holes, n, self.stretch, generator)
        elif not self.time:
            rows = _nearest_rows(self.values, np.nan_to_num(levels), generator)
        else:
            rows = self._follow(levels, generator)
        found = {name: self.holes[rows, u] for u, unit in enumerate(self.units) for name in unit}
        return seen.with_holes(found, self.causes)

    def _follow(self, levels: FloatArray, rng: np.random.Generator) -> IntArray:
        """Rows of the data, step by step, by the values that were last seen."""
        steps = _Steps(self.holes, self.values, rng)
        rows = np.empty(len(levels), dtype=np.intp)
        row = int(rng.integers(len(self.holes)))
        hole, age = self.holes[row], ages_of(self.holes)[row]
        known = self.values[row].copy()
        always = self.owner < 0
        for t, level in enumerate(levels):
            is_seen = always & ~np.isnan(level)
            known[is_seen] = level[is_seen]
            row = steps.after(hole, age, known, row, rng)
            rows[t], now = row, self.holes[row]
            age = np.where(now == hole, age + 1, 1)
            hole = now
            is_seen = ~always & ~np.isnan(level) & ~hole[self.owner]
            known[is_seen] = level[is_seen]
        return rows

    def _report(self) -> Report:
        shares = self.holes.mean(axis=0)
        causes = ", ".join(map(str, self.levels))
        rows = [
            (", ".join(map(str, unit)), f"{share:.1%}", causes)
            for unit, share in zip(self.units, shares, strict=True)
        ]
        return Report(
            f"Holes of {len(self.holes):,} {'steps' if self.time else 'rows'}",
            columns=("columns", "missing", "because of"),
            rows=rows,
        )


def fit_missingness(data: Data, *, time: bool = True, max_causes: int = 3) -> MissingPattern:
    """Learn how cells are missing.

    Parameters
    ----------
    data : DataFrame, dict of columns or 2-D ndarray
        With NaN where cells are missing.
    time : bool, default True
        Whether rows are steps of one series, in the order of time.
    max_causes : int, default 3
        Columns whose values may matter at most. Near values are rare where many matter.

    Returns
    -------
    MissingPattern
        A layer: `pattern.apply(other)` makes holes in complete data. Nothing missing, and it makes
        none.

    Raises
    ------
    InputError
        If a column has no value at all, or there are fewer than 20 rows.

    Notes
    -----
    **Assumes:** what makes a cell missing is in the data: values that were seen, time, and other
    holes. That a cell is missing because of the very value it hides (MNAR) cannot be learnt from
    what is seen; a :class:`Missing` layer supposes it.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x, y = rng.normal(size=(2, 3000))
    >>> y[(x > 0.5) & (rng.random(3000) < 0.8)] = np.nan
    >>> fit_missingness({"x": x, "y": y}, time=False).causes
    {'y': ('x',)}
    """
    seen = as_observed(data)
    check_count(max_causes, "max_causes", minimum=0)
    if len(seen.data) < _FEWEST:
        raise InputError(f"the data have {len(seen.data)} rows; expected 20 to learn holes from.")
    missing = seen.missing.to_numpy()
    if missing.all(axis=0).any():
        name = names_of(seen.data)[int(missing.all(axis=0).argmax())]
        raise InputError(f"column {name!r} has no value at all; expected some. Leave it out.")
    units, holes = _units(seen.missing)
    names, owner, table, scales = _levels(seen, units, time=time)
    used = choose_levels(holes, table, max_causes, time=time)
    begins = (holes[1:] & ~holes[:-1]).sum()
    gap = holes.sum() / max(int(begins), 1)
    return MissingPattern(
        units=units,
        holes=holes,
        levels=tuple(names[k] for k in used),
        values=table[:, used],
        centres=scales[used, 0],
        spreads=scales[used, 1],
        owner=owner[used],
        stretch=float(max(50.0, 10.0 * gap)),
        time=time,
    )


def _units(missing: pd.DataFrame) -> tuple[tuple[tuple[Name, ...], ...], BoolArray]:
    """Columns that share their holes, those with most of them first; and their holes, (n, u)."""
    groups: dict[bytes, list[Name]] = {}
    for name in names_of(missing):
        column = missing[name].to_numpy()
        if column.any():
            groups.setdefault(column.tobytes(), []).append(name)
    order = sorted(groups, key=lambda mask: -sum(mask))
    holes = np.zeros((len(missing), len(order)), dtype=np.bool_)
    for u, mask in enumerate(order):
        holes[:, u] = np.frombuffer(mask, dtype=np.bool_)
    return tuple(tuple(groups[mask]) for mask in order), holes


def _levels(
    seen: Observed, units: tuple[tuple[Name, ...], ...], *, time: bool
) -> tuple[list[Name], IntArray, FloatArray, FloatArray]:
    """Columns whose values may matter, their units, values as last seen, and means and deviations.

    Row t is what is known as step t begins: values of this step, of columns without holes; of the
    others the last one that was seen before. 0 where there is none yet.
    """
    unit_of = {name: u for u, unit in enumerate(units) for name in unit}
    names: list[Name] = []
    columns, scales = [], []
    for name in wanted(seen, None, numeric=True):
        if name in unit_of and not time:
            continue
        values = seen.data[name].to_numpy(dtype=np.float64, na_value=np.nan)
        centre, spread = np.nanmean(values), np.nanstd(values)
        if not spread > 0:
            continue
        z = (values - centre) / spread
        if name in unit_of:
            at = np.where(np.isnan(z), -1, np.arange(len(z)))
            at = np.concatenate([[-1], np.maximum.accumulate(at)[:-1]])
            z = np.where(at < 0, 0.0, z[at])
        names.append(name)
        columns.append(z)
        scales.append((centre, spread))
    owner = np.array([unit_of.get(name, -1) for name in names], dtype=np.intp)
    table = np.column_stack(columns) if columns else np.zeros((len(seen.data), 0))
    return names, owner, table, np.array(scales).reshape(-1, 2)


# --- walks along real steps -----------------------------------------------------------------------


def _walk(holes: BoolArray, n: int, stretch: float, rng: np.random.Generator) -> IntArray:
    """Rows of stretches that begin and end where nothing is missing, as far as there are such."""
    n_rows = len(holes)
    gates = np.flatnonzero(~holes[:-1].any(axis=1))
    if len(gates) < max(10, 0.01 * n_rows):
        gates = np.arange(n_rows - 1)
    is_gate = np.zeros(n_rows, dtype=np.bool_)
    is_gate[gates] = True
    leaves = rng.random(n) < n_rows / (stretch * len(gates))
    rows = np.empty(n, dtype=np.intp)
    row = int(rng.integers(n_rows))
    for t in range(n):
        if row == n_rows - 1 or (is_gate[row] and leaves[t]):
            row = int(gates[rng.integers(len(gates))])
        row += 1
        rows[t] = row
    return rows


class _Steps:
    """The steps of the data, found by what was missing before them and by values."""

    def __init__(self, holes: BoolArray, values: FloatArray, rng: np.random.Generator) -> None:
        ages = ages_of(holes)
        groups: dict[bytes, list[int]] = {}
        for row in range(1, len(holes)):
            groups.setdefault(holes[row - 1].tobytes(), []).append(row)
        self._n_rows = len(holes)
        self._rows = {
            mask: np.array(rows, dtype=np.intp)
            for mask, rows in groups.items()
            if _is_open(holes[rows[0] - 1], np.array(rows))
        }
        self._trees = {}
        for mask, rows in self._rows.items():
            age = [_mean_age(holes[row - 1], ages[row - 1]) for row in rows]
            tie = rng.uniform(0, _TIE, len(rows))
            self._trees[mask] = _tree(np.column_stack([values[rows], age, tie]))

    def after(
        self,
        hole: BoolArray,
        age: IntArray,
        known: FloatArray,
        row: int,
        rng: np.random.Generator,
    ) -> int:
        """Draw a step to come next: a near one, or where there are few the one that follows."""
        rows = self._rows.get(hole.tobytes())
        if rows is None:
            follows = row + 1 < self._n_rows
            return row + 1 if follows else int(rng.integers(self._n_rows))
        near = min(_NEAREST, max(1, len(rows) // 5))
        at = [*known, _mean_age(hole, age), rng.uniform(0, _TIE)]
        found = np.atleast_1d(self._trees[hole.tobytes()].query(at, k=near)[1])
        return int(rows[found[rng.integers(near)]])


def _is_open(hole: BoolArray, rows: IntArray) -> bool:
    """Whether steps after these holes may be drawn in any order: many visits, and short if gaps."""
    n_visits = 1 + int((np.diff(rows) > 1).sum())
    if not hole.any():
        return len(rows) >= _FEWEST
    return n_visits >= _FEWEST and len(rows) <= _SHORT * n_visits


def _mean_age(hole: BoolArray, age: IntArray) -> float:
    return float(_AGE * np.log1p(age[hole]).mean()) if hole.any() else 0.0


def _nearest_rows(values: FloatArray, at: FloatArray, rng: np.random.Generator) -> IntArray:
    """For each row of `at`, one of the rows of `values` that are nearest."""
    near = min(_NEAREST, max(1, len(values) // 5))
    ties, own = rng.uniform(0, _TIE, len(values)), rng.uniform(0, _TIE, len(at))
    found = _tree(np.column_stack([values, ties])).query(np.column_stack([at, own]), k=near)[1]
    table = np.asarray(found, dtype=np.intp).reshape(len(at), near)
    rows: IntArray = table[np.arange(len(at)), rng.integers(near, size=len(at))]
    return rows


def _tree(points: FloatArray) -> Any:
    from scipy.spatial import KDTree

    return KDTree(points)
