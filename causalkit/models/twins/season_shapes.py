"""What is usual at a time, and how far a value is from it: the change of scale behind a season.

A season moves the level of a series and its spread, and where values are counts near zero or near
a bound, the shape of their distribution too. Levels and spreads are sums of one table a clock, by
its phase. The shape is learnt from the times at which the level is about the same: of such times
the deviations, in units of their spread, are put in order, and the normal score of its place is
what stands for a deviation (Conover & Iman 1981). Between these scores equations are linear, and no
stray count at night is a surprise of many standard deviations.

Both directions are a table on a grid of scores, and straight lines between its points and beyond.

>>> shape = Shapes(np.empty((1, 0)), np.array([[[-8.0, 0.0, 16.0]]]))
>>> shape.back(np.zeros((1, 1)), np.array([[2.0]]))
array([[8.]])
>>> shape.forward(np.zeros((1, 1)), np.array([[8.0]]))
array([[2.]])

References
----------
Conover & Iman (1981), Rank transformations as a bridge between parametric and nonparametric
statistics, The American Statistician 35, 124-129. doi:10.1080/00031305.1981.10479327
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.special import ndtri

from causalkit.typing import BoolArray, FloatArray, IntArray

__all__ = ["Shapes", "fit_shapes", "plain_shapes"]

_REACH: Final = 4.0
"""Normal score at which tables end."""

_POINTS: Final = 41
_ENDS: Final = 2
"""Points of a table that is a line from one end to the other."""

_ROWS_EACH: Final = 100
_MOST_CLASSES: Final = 12
_LEAST_SLOPE: Final = 1e-3
"""Of a deviation in its score, so that each score has one deviation."""


@dataclass(frozen=True, slots=True, eq=False)
class Shapes:
    """Deviations of series as normal scores, by the class of their usual level.

    Attributes
    ----------
    edges : ndarray of shape (k, c - 1)
        Usual levels between which the classes lie.
    table : ndarray of shape (k, c, m)
        Deviation at each of m scores from -4 to 4, strictly ascending.
    """

    edges: FloatArray
    table: FloatArray

    def take(self, columns: IntArray) -> Shapes:
        """Shapes of some of the series."""
        return Shapes(self.edges[columns], self.table[columns])

    @property
    def is_plain(self) -> bool:
        """Whether all deviations are their own scores."""
        return bool(self.table.shape[-1] == _ENDS)

    def forward(self, level: FloatArray, deviation: FloatArray) -> FloatArray:
        """Scores of deviations, both and the levels of shape (n, k)."""
        if self.is_plain:
            return deviation
        series, kind, m = np.arange(len(self.table)), self._kind(level), self.table.shape[-1]
        rows = self.table[series, kind]
        at = np.clip((rows <= deviation[..., None]).sum(axis=-1), 1, m - 1)
        low, high = self.table[series, kind, at - 1], self.table[series, kind, at]
        place: FloatArray = at - 1 + (deviation - low) / (high - low)
        return np.asarray((place / (m - 1) * 2 - 1) * _REACH)

    def back(self, level: FloatArray, score: FloatArray) -> FloatArray:
        """Deviations of scores."""
        if self.is_plain:
            return score
        series, kind, m = np.arange(len(self.table)), self._kind(level), self.table.shape[-1]
        place = (score / _REACH + 1) / 2 * (m - 1)
        at = np.clip(np.floor(place), 0, m - 2).astype(np.intp)
        low, high = self.table[series, kind, at], self.table[series, kind, at + 1]
        return np.asarray(low + (place - at) * (high - low))

    def _kind(self, level: FloatArray) -> IntArray:
        """Class of each level."""
        found: IntArray = (level[..., None] > self.edges).sum(axis=-1)
        return found


def fit_shapes(level: FloatArray, deviation: FloatArray, ranked: BoolArray) -> Shapes:
    """Fit the shapes of series.

    Parameters
    ----------
    level : ndarray of shape (n, k)
        Usual level of each series at each step.
    deviation : ndarray of shape (n, k)
        From that, in units of the usual spread; NaN where a cell is missing.
    ranked : ndarray of bool, shape (k,)
        Series whose deviations are seen by their place; those of others are their own scores.

    Returns
    -------
    Shapes
        With a class for each hundred rows, twelve at most, each with as many rows.
    """
    n, k = deviation.shape
    if not ranked.any():
        return plain_shapes(k)
    classes = int(np.clip(n // _ROWS_EACH, 1, _MOST_CLASSES))
    cuts = np.arange(1, classes) / classes
    edges = np.quantile(level, cuts, axis=0).T.reshape(k, classes - 1)
    kind = (level[..., None] > edges).sum(axis=-1)
    table = np.tile(np.linspace(-_REACH, _REACH, _POINTS), (k, classes, 1))
    for j in np.flatnonzero(ranked):
        whole = deviation[~np.isnan(deviation[:, j]), j]
        for c in range(classes):
            inside = deviation[kind[:, j] == c, j]
            inside = inside[~np.isnan(inside)]
            table[j, c] = _quantiles(inside if len(inside) > _POINTS else whole)
    return Shapes(edges, table)


def plain_shapes(k: int) -> Shapes:
    """Shapes of k series of which deviations are their own scores."""
    return Shapes(np.empty((k, 0)), np.tile([-_REACH, _REACH], (k, 1, 1)))


def _quantiles(values: FloatArray) -> FloatArray:
    """Deviation at each score: lines between normal scores of the order, and beyond."""
    values = np.sort(values)
    n = len(values)
    score = ndtri((np.arange(n) + 0.5) / n)
    grid = np.linspace(-_REACH, _REACH, _POINTS)
    found = np.interp(grid, score, values)
    slope = max(float(values.std()), 1e-12)
    found += slope * (np.minimum(grid - score[0], 0.0) + np.maximum(grid - score[-1], 0.0)) / 2
    return np.asarray(found + _LEAST_SLOPE * slope * grid)
