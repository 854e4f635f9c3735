"""The group lasso along a path of penalties, by block coordinate descent on a Gram matrix."""

from __future__ import annotations

import numpy as np

from causalkit._core.jit import inner_kernel, kernel
from causalkit.typing import BoolArray, FloatArray

__all__ = ["group_lasso_path"]


@kernel
def group_lasso_path(
    gram: FloatArray,
    cross: FloatArray,
    penalties: FloatArray,
    weights: FloatArray,
    curvature: FloatArray,
    most: int,
    tolerance: float,
) -> FloatArray:
    """Minimise ``b'Gb/2 - c'b + penalty * sum of weighted norms`` for each penalty.

    Parameters
    ----------
    gram : ndarray of shape (m, m)
        Symmetric; groups of L neighbouring columns.
    cross : ndarray of shape (m,)
    penalties : ndarray of shape (k,)
        From large to small; each starts where the one before has ended.
    weights : ndarray of shape (m / L, L)
        `weights[g, l]` weighs the norm of the members of group g from number l on. A plain group
        lasso has weights at l = 0 only.
    curvature : ndarray of shape (m / L,)
        Largest eigenvalue of each group's own block of `gram`; a group with 0 stays out.
    most : int
        The path ends once more coefficients than this are active.
    tolerance : float
        Largest change of a coefficient in the last sweep.

    Returns
    -------
    ndarray of shape (k', m), k' <= k

    Notes
    -----
    A step minimises a bound on the objective that touches it at the present point, over one group;
    where the block of the group is the identity, the bound is the objective. The norms of a group
    are nested, so that their proximal operators applied from the innermost to the outermost are the
    proximal operator of the sum (Jenatton et al. 2011).
    """
    p, n_lags = weights.shape
    beta, free = np.zeros(len(cross)), cross.copy()
    found = np.zeros((len(penalties), len(cross)))
    active = np.zeros(p, dtype=np.bool_)
    everyone = np.ones(p, dtype=np.bool_)
    step = np.empty(n_lags)
    for k in range(len(penalties)):
        for _ in range(1000):
            change = _sweep(gram, beta, free, penalties[k], weights, curvature, everyone, step)
            if change <= tolerance:
                break
            for g in range(p):
                active[g] = np.any(beta[g * n_lags : (g + 1) * n_lags] != 0.0)
            for _ in range(1000):
                change = _sweep(gram, beta, free, penalties[k], weights, curvature, active, step)
                if change <= tolerance:
                    break
        found[k] = beta
        if np.count_nonzero(beta) > most:
            return found[:k]
    return found


@inner_kernel
def _sweep(
    gram: FloatArray,
    beta: FloatArray,
    free: FloatArray,
    penalty: float,
    weights: FloatArray,
    curvature: FloatArray,
    asked: BoolArray,
    step: FloatArray,
) -> float:
    """One step of each group asked; `free` stays ``c - Gb``. Returns the largest change."""
    n_lags, largest = weights.shape[1], 0.0
    for g in range(weights.shape[0]):
        if not asked[g] or curvature[g] <= 0.0:
            continue
        first = g * n_lags
        for a in range(n_lags):
            step[a] = beta[first + a] + free[first + a] / curvature[g]
        _shrink(step, weights[g], penalty / curvature[g])
        for a in range(n_lags):
            moved = step[a] - beta[first + a]
            if moved != 0.0:
                largest = max(largest, abs(moved))
                beta[first + a] = step[a]
                row = gram[first + a]
                for b in range(len(free)):
                    free[b] -= moved * row[b]
    return largest


@inner_kernel
def _shrink(step: FloatArray, weights: FloatArray, penalty: float) -> None:
    """Proximal operator of nested norms, the innermost first."""
    n_lags, square = len(step), 0.0
    for a in range(n_lags - 1, -1, -1):
        square += step[a] * step[a]
        if weights[a] == 0.0:
            continue
        size = np.sqrt(square)
        kept = 1.0 - penalty * weights[a] / size if size > penalty * weights[a] else 0.0
        for b in range(a, n_lags):
            step[b] *= kept
        square *= kept * kept
