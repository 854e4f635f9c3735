"""Columns in bins, once for all folds, nuisances and repeats.

Trees on histograms ask only in which of at most 255 bins a value lies. Bins hold about equally many
rows, and a value of a column with few of them has a bin to itself. Columns are kept row by row, for
sums over the rows of a leaf, and column by column, for rows that fall through a tree; and in a few
coarse bins, for looks at pairs of columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from causalkit.typing import FloatArray

if TYPE_CHECKING:
    from causalkit.estimation.nuisances._tree_kernels import Binned

__all__ = ["Bins", "bin_columns"]

_MOST_BINS = 255
_ROWS_A_BIN = 8
"""Fewer bins where rows are few: a finer cut would be noise."""

_ROWS_FOR_EDGES = 20_000


@dataclass(frozen=True, slots=True, eq=False)
class Bins:
    """Columns in bins, and the edges that put other values into the same bins."""

    binned: Binned
    edges: tuple[FloatArray, ...]

    def fine(self, X: FloatArray) -> Any:
        """Bins of other values, shape (n, d)."""
        return _fine(X, self.edges)


def bin_columns(X: FloatArray, prepared: dict[Any, Any] | None = None) -> Bins:
    """Put columns into at most 255 bins of about equally many rows.

    Parameters
    ----------
    X : ndarray of shape (n, d)
    prepared : dict, optional
        Where the bins of this array are looked up and kept.
    """
    key = ("bins", id(X))
    if prepared is not None and key in prepared:
        return cast(Bins, prepared[key][1])
    from causalkit.estimation.nuisances._tree_kernels import Binned

    n = len(X)
    most = int(np.clip(n // _ROWS_A_BIN, 16, _MOST_BINS))
    some = X[:: max(n // _ROWS_FOR_EDGES, 1)]
    edges = tuple(_edges(column, most) for column in some.T)
    n_bins = np.array([len(cuts) + 1 for cuts in edges], dtype=np.int64)
    fine = _fine(X, edges)
    columns = np.ascontiguousarray(fine.T)
    bins = Bins(Binned(fine, n_bins, columns, *_coarse(fine, n_bins)), edges)
    if prepared is not None:
        prepared[key] = (X, bins)  # X is kept: its id is the key
    return bins


def _fine(X: FloatArray, edges: Sequence[FloatArray]) -> Any:
    found = np.empty(X.shape, dtype=np.uint8)
    for j, cuts in enumerate(edges):
        found[:, j] = np.searchsorted(cuts, X[:, j], side="left")
    return found


def _edges(column: FloatArray, most: int) -> FloatArray:
    """Values at which a column is cut: between all its values if they are few."""
    values = np.unique(column)
    if len(values) > most:
        edges: FloatArray = np.quantile(column, np.arange(1, most) / most, method="lower")
        return np.unique(edges)
    return (values[:-1] + values[1:]) / 2


def _coarse(fine: Any, n_bins: Any) -> tuple[Any, Any]:
    """A few coarse bins of about equally many rows, and the last fine bin of each."""
    from causalkit.estimation.nuisances._tree_kernels import N_COARSE

    n, d = fine.shape
    coarse = np.empty((n, d), dtype=np.uint8)
    cuts = np.zeros((d, N_COARSE), dtype=np.int64)
    for j in range(d):
        share = np.bincount(fine[:, j], minlength=n_bins[j]).cumsum() / n
        before = np.concatenate([[0.0], share[:-1]])
        level = np.minimum(((before + share) / 2 * N_COARSE).astype(np.int64), N_COARSE - 1)
        coarse[:, j] = level[fine[:, j]]
        # A level without rows ends where the one before it does.
        cuts[j] = np.maximum(np.searchsorted(level, np.arange(N_COARSE), side="right") - 1, 0)
    return coarse, cuts
