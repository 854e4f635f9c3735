"""Smooth curves and surfaces of one or two columns, cheap to fit and to look up.

A column is cut at equal steps of its normal scores (which has a skewed one look like a normal one,
and leaves one with few values as it is). On the scores z of the bins, cosines up to a frequency are
fitted by ridge regression, less freely the faster they turn:

    f(z₁, z₂) = Σ c_jk φ_j(z₁) φ_k(z₂),   c_jk ~ N(0, s_jk),   s_jk ∝ exp(-(ω_j² + ω_k²) ℓ² / 2)

is the Gaussian process with width ℓ, by its first eigenfunctions (Solin & Särkkä 2020). The rest is
a table with a cell for each pair of bins: a hundred thousand rows are looked up in milliseconds.
Sums of all folds, less those of one, are the sums without it.

References
----------
Solin & Särkkä (2020), Statistics and Computing 30, 419-446. doi:10.1007/s11222-019-09886-w
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from scipy.special import ndtr

from causalkit.typing import FloatArray, IntArray

__all__ = ["Bins", "Smooth", "bins_of", "fit_smooths"]

_FAR, _STEP = 3.0, 0.05
"""Normal scores of the outermost bins, and between two bins."""

_EDGE = 4.0
"""Where cosines are flat, beyond the outermost bins, so that no slope is ruled out."""

_WIDTH = 0.5
"""Normal scores over which what is left over stays alike."""

_FASTEST = 0.05
"""Functions whose variance is less than this part of the first one's are left out."""

_NOISE = 3.0
"""Variance of the noise over that of what is sought: at most a quarter of the rest, or so."""


@dataclass(frozen=True, slots=True, eq=False)
class Bins:
    """How a column is cut.

    Attributes
    ----------
    edges : ndarray of shape (k - 1,)
        Between the bins.
    scores : ndarray of shape (k,)
        Their normal scores.
    """

    edges: FloatArray
    scores: FloatArray

    def codes(self, column: FloatArray) -> IntArray:
        """Bin of each row."""
        found: IntArray = np.searchsorted(self.edges, column)
        return found


@dataclass(frozen=True, slots=True, eq=False)
class Smooth:
    """A function of one or two columns.

    Attributes
    ----------
    columns : tuple of int
    table : ndarray of shape (k,) or (k, l)
        Its value by bins.
    """

    columns: tuple[int, ...]
    table: FloatArray

    def at(self, codes: Sequence[IntArray]) -> FloatArray:
        """Values at the bins of these rows, by column."""
        values: FloatArray = self.table[tuple(codes)]
        return values


def bins_of(column: FloatArray) -> Bins:
    """Cut a column at equal steps of its normal scores.

    Parameters
    ----------
    column : ndarray of shape (n,)
    """
    scores = np.arange(-_FAR, _FAR + _STEP / 2, _STEP)
    places = np.round(ndtr(scores) * (len(column) - 1)).astype(np.int64)
    values, which = np.unique(np.sort(column)[places], return_inverse=True)
    means = np.bincount(which, weights=scores) / np.bincount(which)
    return Bins((values[1:] + values[:-1]) / 2, means)


def fit_smooths(
    named: Sequence[tuple[int, ...]],
    bins: Mapping[int, Bins],
    codes: Mapping[int, IntArray],
    residual: FloatArray,
    weights: FloatArray,
    folds: IntArray,
) -> dict[int, list[Smooth]]:
    """Fit the sum of a surface for each pair of columns (a curve for one), without each fold.

    Parameters
    ----------
    named : sequence of tuple of int
        Columns.
    bins : mapping of int to Bins
        By column.
    codes : mapping of int to ndarray of int, shape (n,)
        Bins of the rows, by column.
    residual, weights : ndarray of shape (n,)
    folds : ndarray of int, shape (n,)

    Returns
    -------
    dict of int to list of Smooth
        By fold, from the rows of the others.
    """
    kept, variances = zip(*(_kept(len(columns)) for columns in named), strict=True)
    ends = np.cumsum([len(variance) for variance in variances])[:-1]
    prior = np.diag(_NOISE / np.concatenate(variances))
    root = np.sqrt(weights)
    parts = zip(named, kept, strict=True)
    B = np.hstack([_basis(columns, which, bins, codes) for columns, which in parts])
    B *= root[:, None]
    gram, product = prior, np.zeros(B.shape[1])
    sums: dict[int, tuple[FloatArray, FloatArray]] = {}
    for fold in np.unique(folds):
        rows = np.flatnonzero(folds == fold)
        own = B[rows]
        sums[int(fold)] = own.T @ own, own.T @ (root * residual)[rows]
        gram, product = gram + sums[int(fold)][0], product + sums[int(fold)][1]
    smooths: dict[int, list[Smooth]] = {}
    for fold, (own_gram, own_product) in sums.items():
        found = cho_solve(cho_factor(gram - own_gram, lower=True), product - own_product)
        smooths[fold] = [
            Smooth(columns, _table([bins[c].scores for c in columns], which, coefficients))
            for columns, which, coefficients in zip(named, kept, np.split(found, ends), strict=True)
        ]
    return smooths


def _basis(
    columns: tuple[int, ...],
    kept: tuple[IntArray, ...],
    bins: Mapping[int, Bins],
    codes: Mapping[int, IntArray],
) -> FloatArray:
    """Products of cosines at the rows."""
    waves = [
        _waves(bins[c].scores)[:, which][codes[c]] for c, which in zip(columns, kept, strict=True)
    ]
    return waves[0] if len(waves) == 1 else waves[0] * waves[1]


def _table(scores: Sequence[FloatArray], kept: tuple[IntArray, ...], own: FloatArray) -> FloatArray:
    """Values at all bins."""
    coefficients = np.zeros([len(_frequencies())] * len(scores))
    coefficients[kept] = own
    table: FloatArray = _waves(scores[0]) @ coefficients
    return table if len(scores) == 1 else table @ _waves(scores[1]).T


def _frequencies() -> FloatArray:
    """Frequencies of the cosines in use."""
    fastest = np.sqrt(-2 * np.log(_FASTEST)) / _WIDTH
    step = np.pi / (2 * _EDGE)
    frequencies: FloatArray = step * np.arange(int(fastest / step) + 1, dtype=np.float64)
    return frequencies


def _waves(scores: FloatArray) -> FloatArray:
    """Cosines with a mean square of one, shape (n, number of frequencies)."""
    waves: FloatArray = np.sqrt(2) * np.cos((scores[:, None] + _EDGE) * _frequencies())
    waves[:, 0] = 1.0
    return waves


def _kept(n_columns: int) -> tuple[tuple[IntArray, ...], FloatArray]:
    """Which products of cosines are used, and their variances, one together."""
    density = np.exp(-((_WIDTH * _frequencies()) ** 2) / 2)
    variance = density if n_columns == 1 else density[:, None] * density
    kept = np.nonzero(variance >= _FASTEST)
    return kept, variance[kept] / variance[kept].sum()
