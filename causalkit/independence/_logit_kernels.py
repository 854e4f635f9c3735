"""Multinomial logistic regression by Newton's method, for the likelihood it reaches.

Row by row: the probabilities of all levels but the first, then their share in gradient and Hessian.
The log-likelihood is concave, so a step that is halved until it gains something always gets there;
where levels are perfectly separated the coefficients run away, but the likelihood they approach is
finite, and it is the likelihood that is asked for.
"""

from __future__ import annotations

import numpy as np

from causalkit._core.jit import inner_kernel, kernel
from causalkit.typing import FloatArray, IntArray

__all__ = ["multinomial_log_likelihood"]


@inner_kernel
def _accumulate(
    X: FloatArray,
    codes: IntArray,
    beta: FloatArray,
    gradient: FloatArray,
    hessian: FloatArray,
) -> float:
    """Log-likelihood at `beta` (levels - 1, m); gradient and minus Hessian (lower) are written."""
    n, m = X.shape
    free = beta.shape[0]
    chance = np.empty(free)
    total = 0.0
    gradient[:] = 0.0
    hessian[:] = 0.0
    for i in range(n):
        top = 0.0
        for a in range(free):
            value = 0.0
            for c in range(m):
                value += X[i, c] * beta[a, c]
            chance[a] = value
            top = max(top, value)
        own = chance[codes[i] - 1] if codes[i] > 0 else 0.0
        norm = np.exp(-top)
        for a in range(free):
            chance[a] = np.exp(chance[a] - top)
            norm += chance[a]
        total += own - top - np.log(norm)
        for a in range(free):
            chance[a] /= norm
        for a in range(free):
            off = (1.0 if codes[i] == a + 1 else 0.0) - chance[a]
            for c in range(m):
                gradient[a * m + c] += off * X[i, c]
            for b in range(a + 1):
                weight = chance[a] * ((1.0 if a == b else 0.0) - chance[b])
                for c in range(m):
                    share = weight * X[i, c]
                    last = c + 1 if a == b else m
                    for d in range(last):
                        hessian[a * m + c, b * m + d] += share * X[i, d]
    return float(total)


@inner_kernel
def _solve(matrix: FloatArray, rest: FloatArray) -> None:
    """Write matrix^-1 rest over `rest`, and a Cholesky factor over the matrix (lower)."""
    size = len(rest)
    for a in range(size):
        for b in range(a + 1):
            value = matrix[a, b]
            for c in range(b):
                value -= matrix[a, c] * matrix[b, c]
            # Rounding may take all of a pivot where levels are separated: that way stays shut.
            if a != b:
                matrix[a, b] = value / matrix[b, b]
            else:
                matrix[a, a] = np.sqrt(value) if value > 0.0 else np.inf
    for a in range(size):
        for c in range(a):
            rest[a] -= matrix[a, c] * rest[c]
        rest[a] /= matrix[a, a]
    for a in range(size - 1, -1, -1):
        for c in range(a + 1, size):
            rest[a] -= matrix[c, a] * rest[c]
        rest[a] /= matrix[a, a]


@kernel
def multinomial_log_likelihood(
    X: FloatArray, codes: IntArray, n_levels: int, tolerance: float
) -> float:
    """Largest log-likelihood of a multinomial logistic regression.

    Parameters
    ----------
    X : ndarray of shape (n, m)
        Regressors of comparable size, the constant among them, none a combination of others.
    codes : ndarray of int, shape (n,)
        Levels, from 0 on.
    n_levels : int
    tolerance : float
        What a further step may gain, in units of the log-likelihood.
    """
    m, free = X.shape[1], n_levels - 1
    size = free * m
    beta = np.zeros((free, m))
    gradient, step, hessian = np.empty(size), np.empty(size), np.empty((size, size))
    value = _accumulate(X, codes, beta, gradient, hessian)
    for _ in range(100):
        for a in range(size):
            hessian[a, a] += 1e-10 * (1.0 + hessian[a, a])  # where levels separate it vanishes
            step[a] = gradient[a]
        _solve(hessian, step)
        gain = 0.0
        for a in range(size):
            gain += 0.5 * gradient[a] * step[a]
        if gain <= tolerance:
            return float(value + gain)
        before, factor = value, 1.0
        start = beta.copy()
        while True:
            for a in range(free):
                for c in range(m):
                    beta[a, c] = start[a, c] + factor * step[a * m + c]
            value = _accumulate(X, codes, beta, gradient, hessian)
            if value > before or factor < 1e-8:
                break
            factor *= 0.5
        if value - before <= 0.0:
            return before
    return value
