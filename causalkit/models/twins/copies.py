"""Columns that are functions of another: one quantity in two units, or on two grids.

Tables often hold the same quantity twice: a temperature in two units, a pressure at two heights, a
number and its class. Such a column has no noise of its own, so no regression with noise describes
it, and as a cause beside its original it makes every regression singular. `find_copies` tells these
columns from the others: sorted by the original, a copy only rises or only falls, and a table learnt
from one half of the steps gives the other half up to the rounding of the copy.

`CopyTable` is that table as a mechanism. Between its knots it is a straight line, or, where the
original has few values, each has an entry of its own. An entry is one value, or the two between
which the copy is rounded, with the share of the upper one.

>>> table = CopyTable(np.array([0.0, 10.0]), np.array([32.0, 50.0]), np.array([32.0, 50.0]),
...                   np.zeros(2), is_line=True)
>>> table.value(np.array([[5.0], [20.0]]), np.zeros(2))
array([41., 68.])

A deterministic function breaks faithfulness (Spirtes, Glymour & Scheines 2000, section 3.5): given
the original the copy is independent of everything, and given the copy so is the original, almost.
A method that assumes faithfulness may err on the twin there, as it would on the data.

References
----------
Spirtes, Glymour & Scheines (2000), Causation, Prediction, and Search, 2nd ed. MIT Press.
doi:10.7551/mitpress/1754.001.0001
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from causalkit._core.series import Series
from causalkit.graph import Kind, LaggedGraph
from causalkit.graph.marks import ARROW, TAIL
from causalkit.models.mechanisms.base import Mechanism
from causalkit.models.temporal.temporal_model import TemporalCausalModel
from causalkit.typing import BoolArray, FloatArray, IntArray, Name

__all__ = ["CopyTable", "find_copies", "with_copies"]

_FEWEST_ROWS: Final = 50
_FEWEST_MOVES: Final = 20
_FEW_VALUES: Final = 0.15
"""Distinct values a row, up to which a copy is read off entries and not off a line."""

_ROUGHLY: Final = 0.05
_UNEXPLAINED: Final = 1e-3
"""Of the variance of a copy, where it is rounded."""

_SMOOTH: Final = 1e-5
"""The same where it is not."""

_ON_ENTRY: Final = 0.98
"""Share of held-out steps that an entry must give to the digit, or a line to the next step."""

_MOSTLY_KNOWN: Final = 0.8
_OUTER: Final = 20
_TINY: Final = 1e-9
_ON_GRID: Final = 1e-3
_MOST_STEPS: Final = 10.0
"""Steps between neighbouring numbers, in the median, up to which they show their grid."""

_DIGITS: Final = 10


@dataclass(frozen=True, slots=True, eq=False)
class CopyTable:
    """A value that is read off a table of its one cause.

    Attributes
    ----------
    knots : ndarray of shape (m,)
        Values of the cause, ascending.
    low, high : ndarray of shape (m,)
        Entries; the same number unless rounding leaves two.
    share : ndarray of shape (m,)
        How often it is the upper one.
    is_line : bool
        Whether there are straight lines between the knots, and beyond them; else the nearest knot
        counts.
    step, origin : float
        Grid to which values on a line are rounded; a step of 0 leaves them.
    """

    knots: FloatArray
    low: FloatArray
    high: FloatArray
    share: FloatArray
    is_line: bool
    step: float = 0.0
    origin: float = 0.0

    @property
    def bijective(self) -> bool:
        """Never: the number that decides between two entries is known in part only."""
        return False

    def draw(self, n: int, rng: np.random.Generator) -> FloatArray:
        """Draw what decides between two entries, shape (n,)."""
        return rng.random(n)

    def value(self, causes: FloatArray, noise: FloatArray) -> FloatArray:
        """Entry of the cause."""
        x = causes[:, 0]
        if self.is_line:
            found = _on_lines(x, self.knots, self.low)
            if not self.step:
                return found
            steps = np.round((found - self.origin) / self.step)
            return np.asarray(np.round(self.origin + self.step * steps, _DIGITS))
        at = _nearest(self.knots, x)
        return np.where(noise < self.share[at], self.high[at], self.low[at])

    def noise(self, causes: FloatArray, value: FloatArray, rng: np.random.Generator) -> FloatArray:
        """Noise that gives the value; any, if it is no entry."""
        spot = rng.random(len(value))
        if self.is_line:
            return spot
        at = _nearest(self.knots, causes[:, 0])
        share, two = self.share[at], self.low[at] != self.high[at]
        upper = two & (value == self.high[at])
        lower = two & (value == self.low[at])
        return np.where(upper, share * spot, np.where(lower, share + (1 - share) * spot, spot))


def find_copies(
    series: Series, *, but: Collection[Name] = ()
) -> dict[Name, tuple[Name, CopyTable]]:
    """Find the columns that are functions of another.

    Parameters
    ----------
    series : Series
        Of numbers.
    but : collection of names
        Columns that are no copies, whatever they look like.

    Returns
    -------
    dict of name to (name, CopyTable)
        By copy: its original, which is no copy itself, and the table. Of two columns that are
        functions of each other the one with more values is the original, or the first.
    """
    values = series.table.values
    p = values.shape[1]
    sizes = [len(np.unique(x[~np.isnan(x)])) for x in values.T]
    moves = [int((np.abs(np.diff(x)) > 0).sum()) for x in values.T]
    order = sorted(range(p), key=lambda k: (-sizes[k], k))
    originals: list[int] = []
    found: dict[Name, tuple[Name, CopyTable]] = {}
    for j in order:
        if sizes[j] < 2 or moves[j] < _FEWEST_MOVES:
            continue
        for i in originals if series.names[j] not in but else ():
            table = _table_of(values[:, i], values[:, j])
            if table is not None:
                found[series.names[j]] = (series.names[i], table)
                break
        else:
            originals.append(j)
    return found


def with_copies(
    model: TemporalCausalModel,
    names: tuple[Name, ...],
    copies: Mapping[Name, tuple[Name, CopyTable]],
) -> TemporalCausalModel:
    """Model of all columns: each original has an edge within the step to its copies.

    Parameters
    ----------
    model : TemporalCausalModel
        Of the columns that are no copies, fitted.
    names : tuple of names
        Of all columns; other nodes of the model, such as clocks, come after them.
    copies : mapping of name to (name, CopyTable)

    Returns
    -------
    TemporalCausalModel
    """
    if not copies:
        return model
    old = model.graph_
    names = (*names, *(name for name in old.variables if name not in names))
    place = np.array([names.index(name) for name in old.variables], dtype=np.intp)
    fitted = place[: len(model.residual_correlation_)]
    directed = np.zeros((old.max_lag + 1, len(names), len(names)), dtype=np.bool_)
    directed[:, place[:, None], place] = old.directed
    start = np.empty(len(names))
    correlation = np.eye(len(fitted) + len(copies))
    start[place] = model.start_
    correlation[np.ix_(fitted, fitted)] = model.residual_correlation_
    mechanisms: dict[Name, Mechanism] = dict(model.mechanisms_)
    for name, (original, table) in copies.items():
        at, copy = names.index(original), names.index(name)
        directed[0, at, copy] = True
        start[copy] = table.value(start[None, [at]], np.full(1, 0.5))[0]
        mechanisms[name] = table
    graph = LaggedGraph.from_marks(names, directed * TAIL, directed * ARROW, Kind.DAG)
    whole = TemporalCausalModel.from_mechanisms(
        graph, mechanisms, start=start, random_state=model.random_state
    )
    whole.families_ = {**model.families_, **dict.fromkeys(copies, "table")}
    whole.residual_correlation_ = correlation
    return whole


def _table_of(x: FloatArray, y: FloatArray) -> CopyTable | None:
    """Table of y by x, if y is a function of x that rises or falls."""
    both = ~np.isnan(x) & ~np.isnan(y)
    if both.sum() < max(_FEWEST_ROWS, 0.5 * np.sum(~np.isnan(y))):
        return None
    x, y = x[both], y[both]
    order = np.argsort(x, kind="stable")
    if not _is_monotone(y[order]):
        return None
    is_line = min(len(np.unique(x)), len(np.unique(y))) > _FEW_VALUES * len(x)
    learn = np.arange(len(x)) % 2 == 0
    table = _learnt(x[learn], y[learn], is_line)
    known = ~learn & _is_known(x, table)
    if known.sum() < _MOSTLY_KNOWN * (~learn).sum():
        return None
    x_new, y_new = x[known], y[known]
    error = y_new - table.value(x_new[:, None], np.full(len(x_new), 0.5))
    spread = y_new - y_new.mean()
    share = float((error @ error) / max(spread @ spread, 1e-300))
    if is_line:
        step = _step_of(np.unique(y)) * (1 + _ON_GRID)
        given = (np.abs(error) <= step) | (share < _SMOOTH)
    else:
        at = _nearest(table.knots, x_new)
        given = (y_new == table.low[at]) | (y_new == table.high[at])
    fits = share < _UNEXPLAINED and bool(given.mean() >= _ON_ENTRY)
    return _learnt(x, y, is_line) if fits else None


def _is_known(x: FloatArray, table: CopyTable) -> BoolArray:
    """Where there is a line, or knots on both sides have the same entry, or the value is a knot."""
    if table.is_line:
        return np.asarray((x >= table.knots[0]) & (x <= table.knots[-1]))
    upper = np.clip(np.searchsorted(table.knots, x), 0, len(table.knots) - 1)
    lower = np.maximum(upper - 1, 0)
    same = (table.low[lower] == table.low[upper]) & (table.high[lower] == table.high[upper])
    return np.asarray(same | (table.knots[upper] == x))


def _is_monotone(y: FloatArray) -> bool:
    """Whether a sequence rises, or falls, but for little: sorting it hardly moves anything."""
    size, up = np.abs(y - np.median(y)).mean(), np.sort(y)
    moved = min(np.abs(y - up).mean(), np.abs(y - up[::-1]).mean())
    return bool(moved <= _ROUGHLY * size)


def _learnt(x: FloatArray, y: FloatArray, is_line: bool) -> CopyTable:
    knots, place, counts = np.unique(x, return_inverse=True, return_counts=True)
    if is_line:
        means = np.bincount(place, weights=y) / counts
        distinct = np.unique(y)
        step = _step_of(distinct)
        return CopyTable(knots, means, means, np.zeros(len(knots)), True, step, float(distinct[0]))
    low, high, share = (np.empty(len(knots)) for _ in range(3))
    order = np.argsort(place, kind="stable")
    for k, own in enumerate(np.split(y[order], np.cumsum(counts)[:-1])):
        seen, often = np.unique(own, return_counts=True)
        most = np.sort(np.argsort(often, kind="stable")[-2:])
        low[k], high[k] = seen[most[0]], seen[most[-1]]
        share[k] = often[most[-1]] / often[most].sum() if len(most) == 2 else 0.0
    return CopyTable(knots, low, high, share, is_line=False)


def _step_of(distinct: FloatArray) -> float:
    """Distance of numbers that lie on a grid; 0 if they lie on none that is seen."""
    gaps = np.diff(distinct)
    step = float(gaps[gaps > _TINY * (distinct[-1] - distinct[0])].min())
    steps = gaps / step
    on_grid = np.abs(steps - np.round(steps)).max() < _ON_GRID
    return step if on_grid and np.median(steps) < _MOST_STEPS else 0.0


def _nearest(knots: FloatArray, x: FloatArray) -> IntArray:
    if len(knots) == 1:
        return np.zeros(len(x), dtype=np.intp)
    return np.asarray(np.searchsorted((knots[1:] + knots[:-1]) / 2, x), dtype=np.intp)


def _on_lines(x: FloatArray, knots: FloatArray, values: FloatArray) -> FloatArray:
    """Straight lines between knots; beyond them the chords of the outer twentieths go on."""
    reach = max(1, len(knots) // _OUTER)
    found = np.interp(x, knots, values)
    for end, inner in ((0, reach), (-1, -1 - reach)):
        slope = (values[end] - values[inner]) / (knots[end] - knots[inner])
        beyond = x < knots[0] if end == 0 else x > knots[-1]
        found = np.where(beyond, values[end] + slope * (x - knots[end]), found)
    return found
