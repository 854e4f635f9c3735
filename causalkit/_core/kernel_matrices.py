"""Variables as kernels see them: blocks of numbers and cells, kernels, low-rank factors.

A kernel says how alike two rows are. For numbers, standardised column by column, that is the
Gaussian ``exp(-|a - b|² / (2 width²))``; for a category it is 1 where the levels agree, else 0. A
:class:`Block` holds what a variable, or a set of variables, is made of; the kernel of a set is the
product of the kernels of its members, so a set of numbers has the Gaussian kernel of all its
columns, and rows in different levels of a category have nothing in common.

Most Gaussian kernel matrices of n rows have far fewer than n eigenvalues that are not rounding
error: some 20 for one column, 100 for two. A pivoted Cholesky decomposition finds a factor L of
that many columns r with K = LL' to within a stated tolerance, without ever forming K (Fine and
Scheinberg), so what would cost n³ costs nr²:

>>> import numpy as np
>>> from causalkit._core.table import as_table
>>> x = np.random.default_rng(0).normal(size=(1000, 1))
>>> block = block_of(as_table(x), 0)
>>> L = factor(block, width=1.0, tolerance=1e-8)
>>> error = np.abs(L @ L.T - gaussian_kernel(block, width=1.0)).max()
>>> L.shape[1] < 30, bool(error < 1e-7)
(True, True)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from causalkit._core.columns import standardized
from causalkit._core.table import Table
from causalkit.typing import FloatArray, IntArray

__all__ = [
    "Block",
    "block_of",
    "centred",
    "factor",
    "gaussian_kernel",
    "joined",
    "median_distance",
]

_SMALLEST: Final = 1e-9
"""What a diagonal needs so that rounding leaves it positive."""

_MOST_PAIRS_OF: Final = 300
"""Rows whose distances stand for those of all."""


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """A variable, or a set of variables.

    Attributes
    ----------
    numbers : ndarray of shape (n_rows, d)
        Numeric columns with mean 0 and standard deviation 1; d may be 0.
    cells : ndarray of int, shape (n_rows,)
        Which combination of levels a row is in, from 0 to `n_cells` - 1.
    n_cells : int
        1 if there is no category.
    """

    numbers: FloatArray
    cells: IntArray
    n_cells: int

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return len(self.cells)

    @property
    def n_numbers(self) -> int:
        """Number of numeric columns."""
        return int(self.numbers.shape[1])

    def scaled(self, factor: float) -> Block:
        """Multiply the numbers."""
        return Block(self.numbers * factor, self.cells, self.n_cells)

    def rows(self, which: IntArray) -> Block:
        """Keep some rows, as they are: nothing is standardised anew."""
        return Block(np.ascontiguousarray(self.numbers[which]), self.cells[which], self.n_cells)


def block_of(table: Table, k: int) -> Block:
    """Turn a column of a complete table into a block."""
    column, levels = table.values[:, k], table.levels[k]
    if levels is None:
        numbers = standardized(column[:, None]) * np.sqrt(len(column))
        return Block(np.ascontiguousarray(numbers), np.zeros(len(column), dtype=np.intp), 1)
    found, codes = np.unique(column, return_inverse=True)
    return Block(np.empty((len(column), 0)), codes.astype(np.intp).reshape(-1), len(found))


def joined(blocks: Sequence[Block]) -> Block:
    """Put blocks together: kernels are multiplied."""
    if len(blocks) == 1:
        return blocks[0]
    numbers = np.ascontiguousarray(np.hstack([block.numbers for block in blocks]))
    cells, n_cells = blocks[0].cells, blocks[0].n_cells
    for block in blocks[1:]:
        if block.n_cells > 1:
            found, cells = np.unique(cells * block.n_cells + block.cells, return_inverse=True)
            cells, n_cells = cells.astype(np.intp).reshape(-1), len(found)
    return Block(numbers, cells, n_cells)


def gaussian_kernel(block: Block, width: float) -> FloatArray:
    """Kernel matrix, shape (n_rows, n_rows): the slow and obvious way."""
    X = block.numbers / (np.sqrt(2.0) * width)
    squares = np.einsum("ij,ij->i", X, X)
    K = X @ X.T
    K *= 2.0
    K -= squares[:, None]
    K -= squares
    np.exp(np.minimum(K, 0.0, out=K), out=K)
    if block.n_cells > 1:
        K *= block.cells[:, None] == block.cells
    np.fill_diagonal(K, 1.0)
    return np.asarray(K, dtype=np.float64)


def factor(
    block: Block, width: float, *, tolerance: float = 1e-8, max_rank: int | None = None
) -> FloatArray:
    """Return L with LL' = K up to `tolerance`, by pivoted Cholesky.

    Parameters
    ----------
    block : Block
        The variables.
    width : float
        Of the Gaussian, in standard deviations.
    tolerance : float
        No cell of K - LL' exceeds it (or 1e-9 where more than half of n columns are needed).
    max_rank : int, optional
        Stop at this many columns, whatever is left.

    Returns
    -------
    ndarray of shape (n_rows, rank)
    """
    from causalkit._core._kernel_matrices_kernels import pivoted_cholesky

    n = block.n_rows
    most = n if max_rank is None else min(n, max_rank)
    if block.n_numbers == 0:
        by_size = np.argsort(-np.bincount(block.cells, minlength=block.n_cells), kind="stable")
        one_hot: FloatArray = (block.cells[:, None] == by_size[:most]).astype(np.float64)
        return one_hot
    points = block.numbers / (np.sqrt(2.0) * width)
    many = n // 2 + 1
    L: FloatArray = pivoted_cholesky(points, block.cells, tolerance, min(most, many)).T
    if max_rank is None and L.shape[1] == many:
        # No short factor: that of K and a bit on its diagonal is quicker.
        K = gaussian_kernel(block, width)
        K[np.diag_indices(n)] += max(tolerance, _SMALLEST)
        return np.asarray(np.linalg.cholesky(K), dtype=np.float64)
    return L


def centred(L: FloatArray) -> FloatArray:
    """Columns minus their means: the factor of the centred kernel."""
    return np.asarray(L - L.mean(axis=0))


def median_distance(block: Block) -> float:
    """Median distance between rows that differ, from up to 300 rows; 1 without numbers."""
    from scipy.spatial.distance import pdist

    n = block.n_rows
    which = np.linspace(0, n - 1, min(n, _MOST_PAIRS_OF)).astype(np.intp)
    if block.n_numbers == 0:
        return 1.0
    distances = pdist(block.numbers[which])
    distances = distances[distances > 0]
    return float(np.median(distances)) if len(distances) else 1.0
