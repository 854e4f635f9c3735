"""Nearest neighbours in another set of rows, with ties, for matching.

A row is matched with all rows at its M-th smallest distance or below, not with those that happen to
come first. Rows with the same coordinates form one *cell*, and all is done with cells: a thousand
ties cost no more than one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from causalkit.typing import BoolArray, FloatArray, IntArray

__all__ = ["Neighbours", "nearest"]

_CLOSE = 1e-9  # relative difference of distances that is rounding
_ASKED = 16  # cells asked for beyond those needed, before ties are searched for


@dataclass(frozen=True, slots=True, eq=False)
class Neighbours:
    """Which cells of the pool are near to which cells of points.

    Attributes
    ----------
    cell_of_point : ndarray of int, shape (n,)
    cell_of_pool : ndarray of int, shape (m,)
    pairs : ndarray of int, shape (n_pairs, 2)
        Cell of points, cell of the pool.
    alone : bool
        Points and pool are the same rows, and no row is its own neighbour.
    """

    cell_of_point: IntArray
    cell_of_pool: IntArray
    pairs: IntArray
    alone: bool

    @property
    def count(self) -> FloatArray:
        """Neighbours of each point, shape (n,)."""
        ones = np.ones(len(self.cell_of_pool))
        return self._sums(ones) - (1.0 if self.alone else 0.0)

    def mean(self, values: FloatArray) -> FloatArray:
        """Mean of pool values over the neighbours of each point, shape (n,); NaN without any."""
        sums = self._sums(values) - (values if self.alone else 0.0)
        with np.errstate(invalid="ignore", divide="ignore"):
            means: FloatArray = sums / self.count
        return means

    def uses(self) -> tuple[FloatArray, FloatArray]:
        """Of each pool row: Σ 1/(neighbours of the point) over points that use it, and of squares.

        Returns
        -------
        shares, squares : ndarray of shape (m,)
        """
        with np.errstate(divide="ignore"):
            share = np.where(self.count > 0, 1 / self.count, 0.0)
        return self._handed(share), self._handed(share**2)

    def rows(self, point: int) -> IntArray:
        """Pool rows that are neighbours of a point."""
        cells = self.pairs[self.pairs[:, 0] == self.cell_of_point[point], 1]
        near = np.flatnonzero(np.isin(self.cell_of_pool, cells))
        return near[near != point] if self.alone else near

    def _sums(self, values: FloatArray) -> FloatArray:
        """Sum over the near cells, own row included."""
        of_cell = np.bincount(self.cell_of_pool, weights=values)
        total = np.bincount(
            self.pairs[:, 0],
            weights=of_cell[self.pairs[:, 1]],
            minlength=int(self.cell_of_point.max()) + 1,
        )
        return np.asarray(total[self.cell_of_point], dtype=np.float64)

    def _handed(self, share: FloatArray) -> FloatArray:
        """What each pool row gets if every point hands its share to each neighbour."""
        of_cell = np.bincount(
            self.cell_of_point, weights=share, minlength=int(self.cell_of_point.max()) + 1
        )
        total = np.bincount(
            self.pairs[:, 1],
            weights=of_cell[self.pairs[:, 0]],
            minlength=int(self.cell_of_pool.max()) + 1,
        )
        return np.asarray(total[self.cell_of_pool], dtype=np.float64)


def nearest(
    points: FloatArray,
    pool: FloatArray,
    n_matches: int,
    *,
    caliper: float = np.inf,
    alone: bool = False,
) -> Neighbours:
    """Find the nearest rows of `pool` for each row of `points`.

    Parameters
    ----------
    points : ndarray of shape (n, k)
    pool : ndarray of shape (m, k)
    n_matches : int
        At least so many each, more where distances tie, fewer where the pool is smaller or the
        caliper cuts.
    caliper : float
        Largest distance.
    alone : bool
        `points` is `pool`, and no row is its own neighbour.
    """
    from scipy.spatial import cKDTree

    cells, cell_of, size = np.unique(pool, axis=0, return_inverse=True, return_counts=True)
    asked, asked_of = np.unique(points, axis=0, return_inverse=True)
    tree = cKDTree(cells)
    needed = n_matches + int(alone)
    k = min(len(cells), needed + _ASKED)
    distance, found = (np.asarray(part).reshape(len(asked), k) for part in tree.query(asked, k=k))
    reach = np.minimum(_reach(distance, size[found], needed) * (1 + _CLOSE) + 1e-300, caliper)
    near: BoolArray = distance <= reach[:, None]
    a, place = np.nonzero(near)
    pairs = np.column_stack([a, found[a, place]])
    # Where all that were asked for are near enough, there may be more.
    for row in np.flatnonzero(near.all(axis=1)) if k < len(cells) else ():
        which = np.asarray(tree.query_ball_point(asked[row], reach[row]), dtype=np.intp)
        new = np.setdiff1d(which, found[row])
        pairs = np.vstack([pairs, np.column_stack([np.full(len(new), row), new])])
    return Neighbours(asked_of.reshape(-1), cell_of.reshape(-1), pairs.astype(np.intp), alone)


def _reach(distance: FloatArray, size: IntArray, needed: int) -> FloatArray:
    """Distance at which each point has enough neighbours."""
    enough = np.cumsum(size, axis=1) >= needed
    first = np.where(enough.any(axis=1), enough.argmax(axis=1), distance.shape[1] - 1)
    return np.asarray(distance[np.arange(len(distance)), first], dtype=np.float64)
