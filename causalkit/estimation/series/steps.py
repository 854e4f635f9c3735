"""`Steps`: when each row of a problem was, for rows that are steps of series.

Rows of a table are exchangeable, steps of a series are not. Neighbours are alike, and a row that
looks back holds cells of the rows before it. Whoever resamples, cross-fits or squares influences
has to know which rows are neighbours, and this says it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from causalkit.errors import InputError
from causalkit.typing import BoolArray, IntArray

__all__ = ["Steps"]


@dataclass(frozen=True, slots=True, eq=False)
class Steps:
    """Places of rows on a line of time.

    Attributes
    ----------
    place : ndarray of int, shape (n,)
        Rows whose places differ by d are d steps apart. Rows on two sides of a border (a gap,
        another subject) are further apart than any lag.
    reach : int
        How many steps into the past a row looks.
    """

    place: IntArray
    reach: int

    def rows(self, which: IntArray | BoolArray) -> Steps:
        """Return those of these rows only."""
        return replace(self, place=self.place[which])

    @property
    def rank(self) -> IntArray:
        """Number of each row in the order of time."""
        rank = np.empty(len(self.place), dtype=np.intp)
        rank[np.argsort(self.place, kind="stable")] = np.arange(len(self.place))
        return rank

    def turned(self, rng: np.random.Generator) -> IntArray:
        """Rows in another order: all of time moved on by a random stretch, its end to its start.

        What is put into that order keeps its memory, and loses its place among everything else.

        Examples
        --------
        >>> Steps(np.arange(4), 1).turned(np.random.default_rng(0)).tolist()
        [3, 0, 1, 2]
        """
        n, rank = len(self.place), self.rank
        offset = rng.integers(n // 10 + 1, max(n - n // 10, n // 10 + 2))
        rows: IntArray = np.argsort(rank)[(rank + offset) % n]
        return rows

    def folds(self, n_folds: int, rng: np.random.Generator) -> IntArray:
        """Cut time into folds: each a stretch of it, one of them its end and its beginning.

        Examples
        --------
        >>> Steps(np.arange(8), 1).folds(2, np.random.default_rng(0)).shape
        (8,)
        """
        n = len(self.place)
        if n < n_folds:
            raise InputError(
                f"there are {n} steps for {n_folds} folds; expected at least one a fold. Use fewer "
                "folds."
            )
        turned: IntArray = (self.rank + rng.integers(n)) % n
        return turned * n_folds // n

    def near(self, rows: BoolArray) -> BoolArray:
        """Mask of the rows that share a cell with one of `rows`, or lie as near to one.

        Examples
        --------
        >>> Steps(np.arange(5), 1).near(np.array([True, False, False, False, True]))
        array([ True,  True, False,  True,  True])
        """
        if not rows.any():
            return np.zeros(len(rows), dtype=np.bool_)
        there = np.sort(self.place[rows])
        after = np.minimum(np.searchsorted(there, self.place), len(there) - 1)
        before = np.maximum(after - 1, 0)
        apart = np.minimum(np.abs(there[after] - self.place), np.abs(there[before] - self.place))
        close: BoolArray = apart <= self.reach
        return close
