"""Rows boiled down to products by cell, from which every training set is put together.

A linear learner asks of its training rows only their number, their means and their centred
products. Cross-fitting with an inner cross-validation trains on many overlapping sets of rows; all
are unions of *cells*, the rows of one outer and one inner fold. So rows are read once, into the
:class:`CellMoments` of the cells, and each training set is a sum of a few small matrices:

    W = Σ w_c,   m = Σ w_c m_c / W,   G = Σ G_c + Σ w_c (m_c − m)(m_c − m)'

Only terms that are not negative are added (no cell is ever taken away from a total), so nothing is
lost where the cell left out holds nearly all of a column's variation, or is far away from the rest.

References
----------
Chan, Golub & LeVeque (1983), American Statistician 37, 242-247. doi:10.1080/00031305.1983.10483115
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from causalkit._core.parallel import one_thread
from causalkit.typing import FloatArray, IntArray

__all__ = ["CellMoments", "sorted_by_cell"]

_WIDE = 128
"""Columns from which on products are left to BLAS."""

_TILE_CELLS = 2**18
"""2 MiB: what is gathered for one product."""


@dataclass(frozen=True, slots=True, eq=False)
class CellMoments:
    """Weights, means and centred products of p columns, in cells of any arrangement.

    Attributes
    ----------
    weight : ndarray of shape (...)
    mean : ndarray of shape (..., p)
        Zero in a cell without rows.
    gram : ndarray of shape (..., p, p)
        Sums of products of deviations from the mean.

    Examples
    --------
    >>> X, y = np.array([[0.0], [2.0], [4.0], [6.0]]), np.array([[1.0], [3.0], [5.0], [7.0]])
    >>> cells = CellMoments.of(X, y, np.array([0, 1, 0, 1]), 2)
    >>> cells.mean[:, 0].tolist(), cells.pooled().mean.tolist()
    ([2.0, 4.0], [3.0, 4.0])
    """

    weight: FloatArray
    mean: FloatArray
    gram: FloatArray

    @classmethod
    def of(
        cls,
        X: FloatArray,
        Y: FloatArray,
        cells: IntArray,
        n_cells: int,
        weights: FloatArray | None = None,
    ) -> CellMoments:
        """Moments of the columns of X and Y.

        Parameters
        ----------
        X, Y : ndarray of shape (n, d) and (n, q)
            Row-major.
        cells : ndarray of int, shape (n,)
            Cell of each row, 0, …, n_cells − 1; −1 for rows that are left out.
        n_cells : int
        weights : ndarray of shape (n,), optional
            Positive in all rows that are not left out.
        """
        from causalkit.estimation.nuisances._penalised_kernels import add_cells

        rows, starts = sorted_by_cell(cells, n_cells)
        p = X.shape[1] + Y.shape[1]
        if p >= _WIDE:
            return cls(*_by_blas(X, Y, rows, starts, weights))
        size = (p + 4) // 4 * 4
        centre, sums = np.zeros((n_cells, p)), np.zeros((n_cells, size, size))
        none = np.empty(0)
        add_cells(X, Y, none if weights is None else weights, rows, starts, centre, sums)
        weight, shift = sums[:, p, p].copy(), sums[:, :p, p]
        shift = shift / _or_one(weight)[:, None]
        gram = np.triu(sums[:, :p, :p])
        gram += np.triu(gram, 1).swapaxes(1, 2)
        gram -= weight[:, None, None] * _outer(shift)
        return cls(weight, centre + shift, gram)

    def __getitem__(self, which: Any) -> CellMoments:
        return CellMoments(self.weight[which], self.mean[which], self.gram[which])

    def shaped(self, *shape: int) -> CellMoments:
        """The same cells in another arrangement."""
        p = self.mean.shape[-1]
        return CellMoments(
            self.weight.reshape(shape),
            self.mean.reshape(*shape, p),
            self.gram.reshape(*shape, p, p),
        )

    def pooled(self) -> CellMoments:
        """Moments of the unions of cells along the first axis."""
        weight = self.weight.sum(axis=0)
        share = self.weight / _or_one(weight)
        mean = (share[..., None] * self.mean).sum(axis=0)
        apart = np.sqrt(self.weight)[..., None] * (self.mean - mean)
        between = np.moveaxis(apart, 0, -1)
        gram = self.gram.sum(axis=0) + between @ between.swapaxes(-1, -2)
        return CellMoments(weight, mean, gram)

    def without(self, index: int) -> CellMoments:
        """Pool the cells along the first axis, but for one."""
        kept = np.arange(len(self.weight)) != index
        return self[kept].pooled()

    def merged(self, other: CellMoments) -> CellMoments:
        """Moments of the rows of both, cell by cell."""
        return CellMoments(
            np.stack([self.weight, other.weight]),
            np.stack([self.mean, other.mean]),
            np.stack([self.gram, other.gram]),
        ).pooled()


def sorted_by_cell(cells: IntArray, n_cells: int) -> tuple[IntArray, IntArray]:
    """Rows sorted by cell, and where each cell starts; rows in cell −1 are left out.

    Parameters
    ----------
    cells : ndarray of int, shape (n,)
    n_cells : int

    Returns
    -------
    rows : ndarray of int
    starts : ndarray of int, shape (n_cells + 1,)
    """
    # Sorting short integers counts, which takes no comparisons.
    small = cells.astype(np.int16 if n_cells < 2**15 else np.int64)
    rows = np.argsort(small, kind="stable")
    starts = np.concatenate([[0], np.cumsum(np.bincount(cells + 1, minlength=n_cells + 1))])
    return rows[starts[1] :], starts[1:] - starts[1]


def _by_blas(
    X: FloatArray, Y: FloatArray, rows: IntArray, starts: IntArray, weights: FloatArray | None
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Weights, means and products of wide tables, a tile of rows at a time."""
    d, p, n_cells = X.shape[1], X.shape[1] + Y.shape[1], len(starts) - 1
    total, mean = np.zeros(n_cells), np.zeros((n_cells, p))
    gram = np.zeros((n_cells, p, p))
    step = max(_TILE_CELLS // p, p)
    with one_thread():  # a product by several threads is another in its last digit
        for cell in range(n_cells):
            where = rows[starts[cell] : starts[cell + 1]]
            if not len(where):
                continue
            centre = np.concatenate([X[where[:256]].mean(axis=0), Y[where[:256]].mean(axis=0)])
            shift = np.zeros(p)
            for first in range(0, len(where), step):
                part = where[first : first + step]
                tile = np.empty((len(part), p))
                tile[:, :d], tile[:, d:] = X[part], Y[part]
                tile -= centre
                w = np.ones(len(part)) if weights is None else weights[part]
                total[cell] += w.sum()
                shift += w @ tile
                tile *= np.sqrt(w)[:, None]
                gram[cell] += tile.T @ tile
            shift /= total[cell]
            mean[cell] = centre + shift
            gram[cell] -= total[cell] * np.outer(shift, shift)
    return total, mean, gram


def _outer(v: FloatArray) -> FloatArray:
    return v[..., :, None] * v[..., None, :]


def _or_one(weight: FloatArray) -> FloatArray:
    """Something to divide by."""
    return np.where(weight > 0, weight, 1.0)
