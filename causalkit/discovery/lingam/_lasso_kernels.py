"""The lasso, from least to most regressors, and the point where BIC says that it is enough."""

from __future__ import annotations

import numpy as np

from causalkit._core.jit import inner_kernel, kernel
from causalkit.typing import BoolArray, FloatArray, IntArray

__all__ = ["lasso_choice"]

_NOTHING = 1e-12
_SPARE = 4


@kernel
def lasso_choice(
    gram: FloatArray, cross: FloatArray, n_rows: int, floor: float, freedom: float
) -> BoolArray:
    """Regressors that the lasso keeps at the knot of its path with the best BIC.

    Parameters
    ----------
    gram : ndarray of shape (k, k)
        Mean products of the regressors.
    cross : ndarray of shape (k,)
        Mean products with the target, which has variance 1.
    n_rows : int
    floor : float
        Residual variance of the target given all regressors.
    freedom : float
        Rows that are left to estimate the variance of the noise with.

    Notes
    -----
    BIC = residual sum of squares / noise variance + log(rows) * number kept. The path is left once
    so many are active that the residuals of all regressors would not pay for them, even if four of
    them were dropped again.

    References
    ----------
    Efron, Hastie, Johnstone and Tibshirani (2004), "Least angle regression", section 3.1,
    doi:10.1214/009053604000000067. Zou, Hastie and Tibshirani (2007), "On the degrees of freedom of
    the lasso", doi:10.1214/009053607000000127.
    """
    k = len(cross)
    beta, free, chosen = np.zeros(k), cross.copy(), np.zeros(k, dtype=np.bool_)
    active, n_active, gone = np.empty(k, dtype=np.intp), 0, -1
    price, best = np.log(n_rows), freedom / floor
    for _ in range(8 * k):
        if gone < 0:
            entrant = _strongest(free, active[:n_active])
            if entrant < 0:
                break
            active[n_active] = entrant
            n_active += 1
        if freedom + price * (n_active - _SPARE) > best:
            break
        step, slope = _equiangular(gram, free, active[:n_active])
        length, leaver = _how_far(beta, free, active[:n_active], gone, step, slope)
        gone = -1
        for a in range(n_active):
            beta[active[a]] += length * step[a]
        free -= length * slope
        if leaver >= 0:
            gone = active[leaver]
            beta[gone] = 0.0
            active[leaver : n_active - 1] = active[leaver + 1 : n_active].copy()
            n_active -= 1
        residual = 1.0 - np.sum(beta * (cross + free))
        score = freedom * residual / floor + price * n_active
        if score < best:
            best = score
            chosen[:] = False
            chosen[active[:n_active]] = True
    return chosen


@inner_kernel
def _strongest(free: FloatArray, active: IntArray) -> int:
    """Who correlates most with what is left, of those who are not active; -1 if nobody does."""
    apart = np.ones(len(free), dtype=np.bool_)
    apart[active] = False
    entrant, level = -1, _NOTHING
    for j in range(len(free)):
        if apart[j] and abs(free[j]) > level:
            entrant, level = j, abs(free[j])
    return entrant


@inner_kernel
def _equiangular(
    gram: FloatArray, free: FloatArray, active: IntArray
) -> tuple[FloatArray, FloatArray]:
    """Step of the active coefficients that lowers all their |free| alike, and what it does to all.

    Solves G step = sign(free) by Cholesky.
    """
    m = len(active)
    L, step, slope = np.empty((m, m)), np.empty(m), np.zeros(len(free))
    for a in range(m):
        for b in range(a + 1):
            total = gram[active[a], active[b]]
            for c in range(b):
                total -= L[a, c] * L[b, c]
            L[a, b] = np.sqrt(max(total, 1e-30)) if a == b else total / L[b, b]
    for a in range(m):
        total = np.sign(free[active[a]])
        for c in range(a):
            total -= L[a, c] * step[c]
        step[a] = total / L[a, a]
    for a in range(m - 1, -1, -1):
        for c in range(a + 1, m):
            step[a] -= L[c, a] * step[c]
        step[a] /= L[a, a]
    for a in range(m):
        slope += gram[active[a]] * step[a]
    return step, slope


@inner_kernel
def _how_far(
    beta: FloatArray,
    free: FloatArray,
    active: IntArray,
    gone: int,
    step: FloatArray,
    slope: FloatArray,
) -> tuple[float, int]:
    """Go until another regressor ties with the active ones, or one of these comes to zero.

    The one that has just `gone` ties with them now, and falls behind from here on; it may tie
    again with the other sign.
    """
    level = np.max(np.abs(free[active]))
    length, leaver = level, -1
    apart = np.ones(len(free), dtype=np.bool_)
    apart[active] = False
    for j in np.flatnonzero(apart):
        if slope[j] < 1.0 and not (j == gone and free[j] > 0.0):
            length = min(length, max((level - free[j]) / (1.0 - slope[j]), 0.0))
        if slope[j] > -1.0 and not (j == gone and free[j] < 0.0):
            length = min(length, max((level + free[j]) / (1.0 + slope[j]), 0.0))
    for a in range(len(active)):
        if beta[active[a]] * step[a] < 0.0 and -beta[active[a]] / step[a] < length:
            length, leaver = -beta[active[a]] / step[a], a
    return length, leaver
