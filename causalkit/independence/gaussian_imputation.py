"""Draw what missing cells may have been, by data augmentation under a Gaussian model.

Two steps take turns (Tanner and Wong 1987; Schafer 1997): given the cells, draw means and
covariances from their posterior; given these, draw each missing cell from its regression on the
other cells of its row. After some sweeps the cells are a draw from what they may have been, given
the observed ones, with the uncertainty about the regressions included. Each imputation is a chain
of its own, so they are independent, whatever the number of jobs.

A column with two levels takes, instead of the number drawn, the observed level whose predictor was
closest (predictive mean matching), so that it keeps its levels.
"""

from __future__ import annotations

import numpy as np

from causalkit.independence.deletion import standardised
from causalkit.typing import BoolArray, FloatArray, IntArray

__all__ = ["impute"]


def impute(
    values: FloatArray, discrete: BoolArray, n_sweeps: int, rng: np.random.Generator
) -> FloatArray:
    """Fill in the missing cells of `values` (n, p) once.

    Parameters
    ----------
    values : ndarray of shape (n, p)
        NaN marks a missing cell; each column has some observed ones that differ.
    discrete : ndarray of bool, shape (p,)
        Columns that keep to the values that were observed.
    n_sweeps : int
    rng : Generator
    """
    missing = np.isnan(values)
    at = [np.flatnonzero(missing[:, k]) for k in range(values.shape[1])]
    incomplete = [k for k, rows in enumerate(at) if len(rows)]
    cells = np.asfortranarray(standardised(values))
    spread = np.nanvar(np.where(missing, np.nan, cells), axis=0)
    for k in incomplete:  # begin with cells of other rows
        cells[at[k], k] = rng.choice(cells[~missing[:, k], k], len(at[k]))
    for _ in range(n_sweeps):
        mean, precision = _draw_model(cells, spread, rng)
        for k in incomplete:
            noise = rng.normal(size=len(at[k])) / np.sqrt(precision[k, k])
            cells[at[k], k] = _expected(cells[at[k]], k, mean, precision) + noise
    filled = values.copy()
    mean, precision = _draw_model(cells, spread, rng)
    for k in incomplete:
        seen = np.flatnonzero(~missing[:, k])
        if discrete[k]:
            expected = _expected(cells, k, mean, precision)
            donors = _nearest(expected[at[k]], expected[seen], rng)
            filled[at[k], k] = values[seen[donors], k]
        else:  # back to the units of the column
            low, high = seen[cells[seen, k].argmin()], seen[cells[seen, k].argmax()]
            unit = (values[high, k] - values[low, k]) / (cells[high, k] - cells[low, k])
            filled[at[k], k] = values[low, k] + unit * (cells[at[k], k] - cells[low, k])
    return filled


def _draw_model(
    cells: FloatArray, spread: FloatArray, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    """Draw mean and precision from their posterior.

    The prior, inverse Wishart with p + 1 degrees of freedom, is uniform on each correlation
    (Barnard, McCulloch and Meng 2000) and weighs as much as a single row of uncorrelated columns;
    it is proper, so fewer rows than columns will do.
    """
    n, p = cells.shape
    centre = cells.mean(axis=0)
    centred = cells - centre
    factor = np.linalg.cholesky(centred.T @ centred + np.diag(spread))
    # Bartlett: the precision is Wishart with n + p degrees of freedom
    bartlett = np.tril(rng.normal(size=(p, p)), -1)
    bartlett[np.diag_indices(p)] = np.sqrt(rng.chisquare(n + p - np.arange(p)))
    root = np.linalg.solve(factor.T, bartlett)
    precision = root @ root.T
    mean = centre + np.linalg.solve(root.T, rng.normal(size=p)) / np.sqrt(n)
    return mean, precision


def _expected(cells: FloatArray, k: int, mean: FloatArray, precision: FloatArray) -> FloatArray:
    """Mean of column k given the other cells of each row."""
    others = precision[k] / precision[k, k]
    others[k] = 0.0
    return np.asarray(mean[k] - (cells - mean) @ others)


def _nearest(
    wanted: FloatArray, offered: FloatArray, rng: np.random.Generator, n_donors: int = 5
) -> IntArray:
    """For each wanted number, one of the closest that are offered."""
    order = np.argsort(offered, kind="stable")
    width = min(n_donors, len(order))
    begin = np.searchsorted(offered[order], wanted) - width // 2
    begin = np.clip(begin, 0, len(order) - width)
    return np.asarray(order[begin + rng.integers(width, size=len(wanted))], dtype=np.intp)
