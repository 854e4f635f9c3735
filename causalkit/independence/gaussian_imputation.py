"""Draw what missing cells may have been, by data augmentation under a Gaussian model.

Two steps take turns (Tanner and Wong 1987; Schafer 1997): given the cells, draw means and
covariances from their posterior; given these, draw each missing cell from its regression on the
other cells of its row. After some sweeps the cells are a draw from what they may have been, given
the observed ones, with the uncertainty about the regressions included. Each imputation is a chain
of its own, so they are independent, whatever the number of jobs.

How much a column may vary beyond what the others say is measured before, on observed cells, and is
what the prior is made of: a prior as wide as the column itself would add noise to copies of a
column, and hide that they are copies.

A column with two levels takes, instead of the number drawn, the observed level whose predictor was
closest (predictive mean matching), so that it keeps its levels.
"""

from __future__ import annotations

import numpy as np

from causalkit.independence.deletion import standardised
from causalkit.typing import BoolArray, FloatArray, IntArray

__all__ = ["impute", "observed_correlations"]

_NONE = 1e-13  # share of a column's variance that is rounding
_ENOUGH = 30  # rows from which a correlation says how much a column may vary beyond another


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
    r, rows = observed_correlations(cells, missing)
    known = np.where(rows >= _ENOUGH, r**2, 0.0)
    np.fill_diagonal(known, 0.0)
    prior = _residual_spread(cells, missing, spread, known)
    begun = [_first_guess(cells, missing, k, int(known[k].argmax()), rng) for k in incomplete]
    for k, guess in zip(incomplete, begun, strict=True):
        cells[at[k], k] = guess
    for _ in range(n_sweeps):
        mean, precision = _draw_model(cells, prior, rng)
        for k in incomplete:
            noise = rng.normal(size=len(at[k])) / np.sqrt(precision[k, k])
            cells[at[k], k] = _expected(cells[at[k]], k, mean, precision) + noise
    filled = values.copy()
    mean, precision = _draw_model(cells, prior, rng)
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


def observed_correlations(cells: FloatArray, missing: BoolArray) -> tuple[FloatArray, FloatArray]:
    """Correlation of each pair of columns on the rows in which both are seen, and those rows.

    Zero where one of the two does not vary there.

    Parameters
    ----------
    cells : ndarray of shape (n, p)
        On a scale of one, such as :func:`~causalkit.independence.deletion.standardised` gives.
    missing : ndarray of bool, shape (n, p)
    """
    seen = (~missing).astype(np.float64)
    values = np.where(missing, 0.0, cells)
    rows = np.asarray(seen.T @ seen)
    counts = np.maximum(rows, 1.0)
    sums, squares = values.T @ seen, (values**2).T @ seen
    within = np.maximum(squares - sums**2 / counts, 0.0)  # [k, j]: of k, where j is seen, too
    cross = values.T @ values - sums * sums.T / counts
    varies = within > _NONE * squares
    scale = np.sqrt(within * within.T)
    sound = varies & varies.T & (scale > 0)
    found = np.divide(cross, scale, out=np.zeros_like(cross), where=sound)
    return np.clip(found, -1.0, 1.0), rows


def _first_guess(
    cells: FloatArray, missing: BoolArray, k: int, best: int, rng: np.random.Generator
) -> FloatArray:
    """Regress column k on the one that says most about it; add what was left over in other rows.

    Begun far off, the chain of a column that is nearly a copy would be long.
    """
    gone, seen = missing[:, k], ~missing[:, k]
    guess = rng.choice(cells[seen, k], int(gone.sum()))
    both = seen & ~missing[:, best]
    x, y = cells[both, best], cells[both, k]
    if best == k or x.size < _ENOUGH or x.min() == x.max():
        return np.asarray(guess)
    centre = x.mean()
    slope = (x - centre) @ y / ((x - centre) @ (x - centre))
    left = rng.choice(y - slope * (x - centre), len(guess))
    told = ~missing[gone, best]
    return np.where(told, slope * (cells[gone, best] - centre) + left, guess)


def _residual_spread(
    cells: FloatArray, missing: BoolArray, spread: FloatArray, known: FloatArray
) -> FloatArray:
    """Variance of each column that the others leave, as far as observed cells tell."""
    n, p = cells.shape
    left = spread * (1.0 - known.max(axis=1))
    complete = cells[~missing.any(axis=1)]
    if len(complete) > 2 * p + _ENOUGH:
        centred = complete - complete.mean(axis=0)
        gram = centred.T @ centred
        gram[np.diag_indices(p)] += _NONE * len(complete) * spread
        left = np.minimum(left, 1.0 / np.diag(np.linalg.inv(gram)) / (len(complete) - p))
    return np.asarray(np.maximum(left, _NONE * n * spread))


def _draw_model(
    cells: FloatArray, prior: FloatArray, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    """Draw mean and precision from their posterior.

    The prior, inverse Wishart with p + 1 degrees of freedom, is uniform on each correlation
    (Barnard, McCulloch and Meng 2000) and weighs as much as a single row of uncorrelated columns
    with variances `prior`; it is proper, so fewer rows than columns will do.
    """
    n, p = cells.shape
    centre = cells.mean(axis=0)
    centred = cells - centre
    factor = np.linalg.cholesky(centred.T @ centred + np.diag(prior))
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
