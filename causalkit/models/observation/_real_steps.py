"""Walks along the steps of real data, and rows that are near: where holes are taken from.

A walk goes from a step to the next, and now and then jumps to another one before which the same
columns were missing. Where values matter, it jumps to one of the steps at which they were nearest.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from causalkit.models.observation._values_that_matter import ages_of
from causalkit.typing import BoolArray, FloatArray, IntArray

__all__ = ["Steps", "nearest_rows", "walk"]

_NEAREST: Final = 20
_FEWEST: Final = 20
_SHORT: Final = 10.0
_AGE: Final = 0.5
"""How much a unit of log age counts, beside a standard deviation of a value."""
_TIE: Final = 0.05
"""Width of a random coordinate: of values that are equally near, any may be taken."""


def walk(holes: BoolArray, n: int, stretch: float, rng: np.random.Generator) -> IntArray:
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


class Steps:
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


def nearest_rows(values: FloatArray, at: FloatArray, rng: np.random.Generator) -> IntArray:
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
