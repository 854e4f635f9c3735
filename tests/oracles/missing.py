"""Slow and obvious: rows one by one, regressions one by one, derivatives by differences."""

from __future__ import annotations

import numpy as np

from tests.oracles.independence import fisher_z


def on_complete_rows(values, i, j, given=()):
    """z, p and number of rows of Fisher's test on the rows complete in its own columns."""
    rows = [r for r in range(len(values)) if not any(np.isnan(values[r, [i, j, *given]]))]
    return *fisher_z(values[rows], i, j, given), len(rows)


def covariance_by_regressions(values, order):
    """Covariance of the columns in `order`, each regressed on those before it, where all are seen.

    Returns the matrix, and per regression: slopes, residual variance, rows, the predictors'
    covariance.
    """
    m = len(order)
    steps = []
    for t in range(m):
        block = values[:, order[: t + 1]]
        block = block[~np.isnan(block).any(axis=1)]
        X, y = block[:, :t], block[:, t]
        Z = np.column_stack([np.ones(len(block)), X])
        coefficients = np.linalg.lstsq(Z, y, rcond=None)[0]
        left = np.mean((y - Z @ coefficients) ** 2)
        steps.append((coefficients[1:], left, len(block), np.cov(X.T, bias=True).reshape(t, t)))
    return covariance_of([step[0] for step in steps], [step[1] for step in steps]), steps


def covariance_of(slopes, left):
    """Covariance that a chain of regressions implies."""
    m = len(left)
    A = np.zeros((m, m))
    for t, a in enumerate(slopes):
        A[t, :t] = a
    mixing = np.linalg.inv(np.eye(m) - A)
    return mixing @ np.diag(left) @ mixing.T


def partial(sigma, i, j, given):
    """Partial correlation from the inverse of a covariance matrix."""
    at = [i, j, *given]
    P = np.linalg.inv(sigma[np.ix_(at, at)])
    return -P[0, 1] / np.sqrt(P[0, 0] * P[1, 1])


def variance_of_partial(steps, i, j, given, h=1e-6):
    """Delta method with derivatives by differences."""
    slopes, left = [np.array(s[0], dtype=float) for s in steps], [float(s[1]) for s in steps]

    def r():
        return partial(covariance_of(slopes, left), i, j, given)

    total = 0.0
    for t, (_, s2, n, M) in enumerate(steps):
        g = np.zeros(t)
        for u in range(t):
            slopes[t][u] += h
            up = r()
            slopes[t][u] -= 2 * h
            g[u] = (up - r()) / (2 * h)
            slopes[t][u] += h
        if t:
            total += s2 * g @ np.linalg.solve(M, g) / n
        left[t] += h
        up = r()
        left[t] -= 2 * h
        d = (up - r()) / (2 * h)
        left[t] += h
        total += d**2 * 2 * s2**2 / n
    return total


def rubin(z, freedom):
    """Pooled t and its degrees of freedom, for estimates z with unit variance each."""
    m, between = len(z), np.var(z, ddof=1)
    total = 1 + (1 + 1 / m) * between
    share = (1 + 1 / m) * between / total
    old = (m - 1) / share**2
    observed = (freedom + 1) / (freedom + 3) * freedom * (1 - share)
    return np.mean(z) / np.sqrt(total), 1 / (1 / old + 1 / observed)
