"""Surfaces over two columns: interactions that are neither products nor visible in either column.

Where what is left over of held-out rows still differs between the cells of two columns, that pair
is worth a surface. It is a Gaussian process seen at some of the rows (its kernel there, turned so
that its terms vary alike), so one penalty makes it as rough as the rows ask for.

References
----------
Williams & Seeger (2001), Advances in Neural Information Processing Systems 13 (the Nyström method).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from causalkit.typing import FloatArray

__all__ = ["Surface", "gaussian_kernel", "striking_pairs", "surfaces_over"]

_MOST_SCREENED = 30
"""Columns of which all pairs are screened for a surface."""

_SCREENED_ROWS = 5000
_STRIKING = 3.0
"""Standard deviations by which the cells of a pair must differ more than by chance."""

_MOST_SURFACES = 2
_CENTRES = 400
_LEAST_SPREAD = 1e-3
"""Of a term, against the widest: those that vary less are left out."""


@dataclass(frozen=True, slots=True, eq=False)
class Surface:
    """A smooth function of two columns.

    Attributes
    ----------
    pair : tuple of int
        Columns.
    width : float
        Standard units over which it stays alike.
    centres : ndarray of shape (m, 2)
    weights : ndarray of shape (m, p)
        From the kernel at the centres to terms that vary alike.
    """

    pair: tuple[int, int]
    width: float
    centres: FloatArray
    weights: FloatArray

    def at(self, z: FloatArray) -> FloatArray:
        """Terms of rows of shape (n, d) in standard units, shape (n, p)."""
        values: FloatArray = gaussian_kernel(z[:, list(self.pair)], self.centres, self.width)
        return values @ self.weights


def surfaces_over(
    z: FloatArray, pairs: Sequence[tuple[int, int]], width: float
) -> tuple[Surface, ...]:
    """Surfaces over pairs of columns, with centres at some of the rows.

    Parameters
    ----------
    z : ndarray of shape (n, d)
        In standard units.
    pairs : sequence of (int, int)
    width : float
    """
    some, surfaces = np.linspace(0, len(z) - 1, min(_CENTRES, len(z))).astype(np.intp), []
    for pair in pairs:
        centres = np.unique(z[some][:, list(pair)], axis=0)
        value, vector = np.linalg.eigh(gaussian_kernel(centres, centres, width))
        kept = value > _LEAST_SPREAD * value[-1]
        surfaces.append(Surface(pair, width, centres, vector[:, kept] / np.sqrt(value[kept])))
    return tuple(surfaces)


def gaussian_kernel(a: FloatArray, b: FloatArray, width: float) -> FloatArray:
    """Likeness of the rows of `a` and `b`, shape (len(a), len(b))."""
    squares = (a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1)[None, :] - 2 * a @ b.T
    kernel: FloatArray = np.exp(-np.maximum(squares, 0) / (2 * width**2))
    return kernel


def striking_pairs(
    residual: FloatArray, coarse: NDArray[np.uint8], n_levels: int
) -> tuple[tuple[int, int], ...]:
    """Pairs of columns in whose common cells the residuals differ most, if more than by chance.

    Parameters
    ----------
    residual : ndarray of shape (n,)
        Weighted, of rows that were not fitted.
    coarse : ndarray of uint8, shape (n, d)
        Levels below `n_levels`.
    n_levels : int
    """
    n, d = coarse.shape
    if not 2 <= d <= _MOST_SCREENED or not np.ptp(residual) > 0:
        return ()
    some = slice(None, None, max(n // _SCREENED_ROWS, 1))
    r, cells = residual[some] / residual[some].std(), coarse[some].astype(np.intp)
    striking = []
    for one in range(d):
        for other in range(one):
            cell = cells[:, one] * n_levels + cells[:, other]
            count, total = np.bincount(cell), np.bincount(cell, weights=r)
            full = count > 0
            k = int(full.sum())
            excess = (float((total[full] ** 2 / count[full]).sum()) - k) / np.sqrt(2 * k)
            if excess > _STRIKING:
                striking.append((excess, (one, other)))
    return tuple(pair for _, pair in sorted(striking, reverse=True)[:_MOST_SURFACES])
