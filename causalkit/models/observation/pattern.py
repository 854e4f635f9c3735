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
ago, and values: of columns without holes those of this step (of a category or a boolean: whether it
is at a level), of the others those last seen. They enter one by one while their z-ratio is above
four. What has entered are the `causes` of the layer,
for all columns at once, since all are drawn together; no other value has any influence.

Rows of a table have no steps (`time=False`): there a row gets the holes of a real row with near
values of the columns that matter. A column that matters may have holes itself. Then columns with
few holes come first: whether they are seen is drawn, and only rows in which the same of them are
seen, with near values, can give holes to the columns that follow.

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

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from causalkit._core.checks import check_count
from causalkit._core.random import as_generator
from causalkit._core.report import Report, Reported
from causalkit.errors import InputError
from causalkit.models.observation._real_steps import Steps, nearest_rows, walk
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

_FEWEST: Final = 20
_APART: Final = 100.0
"""How far a row that is seen and one that is not are from each other, in standard deviations."""
_MOST_MARKS: Final = 20
"""Levels of a category up to which they may matter: names and texts have more."""


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
        Columns whose values matter; a category once for each of its levels but one.
    marks : tuple
        What these values are: None of a number itself, of a category the level that it is at or
        not.
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
    marks: tuple[object, ...]
    values: FloatArray
    centres: FloatArray
    spreads: FloatArray
    owner: IntArray
    stretch: float
    time: bool

    @property
    def causes(self) -> dict[Name, tuple[Name, ...]]:
        """By column with holes: the columns whose values make its cells missing."""
        causes = tuple(dict.fromkeys(self.levels))
        return {name: causes for unit in self.units for name in unit}

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
        plain = [name for name, mark in zip(self.levels, self.marks, strict=True) if mark is None]
        wanted(seen, plain, numeric=True)
        for k, (name, mark) in enumerate(zip(self.levels, self.marks, strict=True)):
            column = numbers(seen, name) if mark is None else _is_at(seen, name, mark)
            levels[:, k] = (column - self.centres[k]) / self.spreads[k]
        drawn: dict[int, BoolArray] = {}
        if not self.levels and not self.time:
            rows = generator.integers(len(self.holes), size=n)
        elif not self.levels:
            rows = walk(self.holes, n, self.stretch, generator)
        elif not self.time:
            rows, drawn = self._by_values(np.nan_to_num(levels), generator)
        else:
            rows = self._follow(levels, generator)
        cut = self.holes[rows]
        for u, hole in drawn.items():
            cut[:, u] = hole
        found = {name: cut[:, u] for u, unit in enumerate(self.units) for name in unit}
        return seen.with_holes(found, self.causes)

    def _by_values(
        self, levels: FloatArray, rng: np.random.Generator
    ) -> tuple[IntArray, dict[int, BoolArray]]:
        """Real rows near in what matters, and holes of columns that matter and have some."""
        drawn: dict[int, BoolArray] = {}
        for u in sorted({int(u) for u in self.owner if u >= 0}, reverse=True):
            rows = nearest_rows(*self._places(levels, drawn), rng)
            drawn[u] = self.holes[rows, u]
        return nearest_rows(*self._places(levels, drawn), rng), drawn

    def _places(
        self, levels: FloatArray, drawn: dict[int, BoolArray]
    ) -> tuple[FloatArray, FloatArray]:
        """Real rows and new ones, by values of columns that are known, and by which are seen."""
        known = np.isin(self.owner, [-1, *drawn])
        real, new = self.values[:, known].copy(), levels[:, known].copy()
        for k, u in enumerate(self.owner[known].tolist()):
            if u >= 0:
                new[drawn[u], k] = 0.0  # as in real rows with a hole there
        apart = [(_APART * self.holes[:, u], _APART * hole) for u, hole in drawn.items()]
        real = np.column_stack([real, *(old for old, _ in apart)])
        return real, np.column_stack([new, *(own for _, own in apart)])

    def _follow(self, levels: FloatArray, rng: np.random.Generator) -> IntArray:
        """Rows of the data, step by step, by the values that were last seen."""
        steps = Steps(self.holes, self.values, rng)
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
        causes = ", ".join(map(str, dict.fromkeys(self.levels)))
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
    names, marks, owner, table, scales = _levels(seen, units, time=time)
    fewer = owner > np.arange(len(units))[:, None]  # units with more holes come first
    may = None if time else (owner < 0) | fewer
    chosen = {names[k] for k in choose_levels(holes, table, max_causes, time=time, allowed=may)}
    used = [k for k, name in enumerate(names) if name in chosen]  # a category with all its levels
    begins = (holes[1:] & ~holes[:-1]).sum()
    gap = holes.sum() / max(int(begins), 1)
    return MissingPattern(
        units=units,
        holes=holes,
        levels=tuple(names[k] for k in used),
        marks=tuple(marks[k] for k in used),
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
) -> tuple[list[Name], list[object], IntArray, FloatArray, FloatArray]:
    """Columns whose values may matter, levels that they are at or not, units, values, and scales.

    Row t is what is known as step t begins: values of this step, of columns without holes; of the
    others the last one that was seen before. 0 where there is none yet, and in a table where the
    cell is missing.
    """
    unit_of = {name: u for u, unit in enumerate(units) for name in unit}
    names: list[Name] = []
    marks: list[object] = []
    columns, scales = [], []
    for name, mark, values in _candidates(seen, unit_of):
        centre, spread = np.nanmean(values), np.nanstd(values)
        if not spread > 0:
            continue
        z = (values - centre) / spread
        if name in unit_of and not time:
            z = np.nan_to_num(z)
        elif name in unit_of:
            at = np.where(np.isnan(z), -1, np.arange(len(z)))
            at = np.concatenate([[-1], np.maximum.accumulate(at)[:-1]])
            z = np.where(at < 0, 0.0, z[at])
        names.append(name)
        marks.append(mark)
        columns.append(z)
        scales.append((centre, spread))
    owner = np.array([unit_of.get(name, -1) for name in names], dtype=np.intp)
    table = np.column_stack(columns) if columns else np.zeros((len(seen.data), 0))
    return names, marks, owner, table, np.array(scales).reshape(-1, 2)


def _candidates(
    seen: Observed, unit_of: dict[Name, int]
) -> Iterator[tuple[Name, object, FloatArray]]:
    """Columns whose values may matter: numbers, and without holes the levels of the others."""
    plain = wanted(seen, None, numeric=True)
    for name in names_of(seen.data):
        holed = name in unit_of
        if name in plain:
            yield name, None, seen.data[name].to_numpy(dtype=np.float64, na_value=np.nan)
        elif name not in plain and not holed:
            marks = seen.data[name].value_counts().index.tolist()
            for mark in marks[1:] if len(marks) <= _MOST_MARKS else ():
                yield name, mark, _is_at(seen, name, mark)


def _is_at(seen: Observed, name: Name, mark: object) -> FloatArray:
    """Whether a category is at a level; where it is missing, whether it was."""
    column = seen.data[name].astype(object)
    filled = column.where(~seen.missing[name], seen.truth[name].astype(object))
    return np.asarray(filled == mark, dtype=np.float64)
