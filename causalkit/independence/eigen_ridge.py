"""Ridge regression in one basis: chosen, done twice, and counted, from products of sums alone.

Let U and μ be eigenvectors and eigenvalues of a centred kernel matrix, or of the second moments of
given features. All that ridge regressions of many targets f need is U'f and |f|², so they can be
carried out where the rows are not, as in :mod:`~causalkit.independence.federated`.

Ridges are chosen for each target by marginal likelihood, residuals are smoothed again (twicing),
and degrees of freedom are counted; :mod:`~causalkit.independence.ridge` says why.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from causalkit.typing import FloatArray

__all__ = ["RIDGES", "choose_ridges", "inflation_of", "losses", "share_taken", "spent"]

RIDGES: Final = np.logspace(-4, 2, 19)
_ROUNDING: Final = 1e-10


def losses(squares: FloatArray, coordinates: FloatArray, values: FloatArray, n: int) -> FloatArray:
    """-2 log marginal likelihood of each target with each of `RIDGES`, its scale maximised out.

    Parameters
    ----------
    squares : ndarray of shape (m,)
        |f|² of the targets, centred.
    coordinates : ndarray of shape (r, m)
        U'f.
    values : ndarray of shape (r,)
        Eigenvalues.
    n : int
        Rows.

    Returns
    -------
    ndarray of shape (m, len(RIDGES))
    """
    floor = _ROUNDING * np.maximum(squares, np.finfo(float).tiny)[:, None]
    shifted = values[:, None] + RIDGES
    explained = (coordinates**2).T @ (values[:, None] / shifted)
    quadratic = np.maximum(squares[:, None] - explained, floor) / RIDGES
    log_det = np.log(shifted).sum(axis=0) + (n - 1 - len(values)) * np.log(RIDGES)
    return np.asarray((n - 1) * np.log(quadratic) + log_det)


def choose_ridges(
    squares: FloatArray, coordinates: FloatArray, values: FloatArray, n: int
) -> FloatArray:
    """Ridge of each target, shape (m,), by marginal likelihood; parameters as of `losses`."""
    return np.asarray(RIDGES[losses(squares, coordinates, values, n).argmin(axis=1)])


def share_taken(values: FloatArray, ridges: FloatArray) -> FloatArray:
    """Share of each component (r,) of each target (m,) that two rounds of ridge regression take."""
    return np.asarray(1.0 - (ridges / (values[:, None] + ridges)) ** 2)


def spent(taken: FloatArray, left: FloatArray) -> FloatArray:
    """How much of the square of each component is taken out of noise, over all targets.

    Parameters
    ----------
    taken : ndarray of shape (r, m)
        From :func:`share_taken`.
    left : ndarray of shape (m,)
        Squares of the residuals, by which targets are weighted.

    Returns
    -------
    ndarray of shape (r,)
    """
    weights = left / max(float(left.sum()), np.finfo(float).tiny)
    return np.asarray((1.0 - (1.0 - taken) ** 2) @ weights)


def inflation_of(n: int, one: FloatArray, two: FloatArray) -> float:
    """Expected square of a product of residuals, by what their squares suggest; 1 or more.

    Parameters
    ----------
    n : int
        Rows.
    one, two : ndarrays of shapes (r,) and (s,)
        From :func:`spent`, the largest first. Two bases are taken to be aligned, which is exact if
        they are one, and else at most the overlap too much (von Neumann).
    """
    free = n - 1.0 - np.array([one.sum(), two.sum()])
    both = min(len(one), len(two))
    products = float(free.sum()) - (n - 1.0) + float(one[:both] @ two[:both])
    expected = float(free.prod()) / n
    return max(1.0, products / expected) if expected > 0.0 else 1.0
