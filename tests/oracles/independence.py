"""Slow and obvious conditional independence: regress, correlate what is left."""

from __future__ import annotations

from itertools import combinations

import numpy as np
from scipy.stats import norm


def partial_correlation(values: np.ndarray, i: int, j: int, given=()) -> float:
    """Correlation of the residuals of two least-squares regressions."""
    Z = np.column_stack([np.ones(len(values)), values[:, list(given)]])
    left = [y - Z @ np.linalg.lstsq(Z, y, rcond=None)[0] for y in (values[:, i], values[:, j])]
    return float(np.corrcoef(*left)[0, 1])


def fisher_z(values: np.ndarray, i: int, j: int, given=()) -> tuple[float, float]:
    """Statistic and p-value."""
    r = partial_correlation(values, i, j, given)
    z = np.sqrt(len(values) - len(given) - 3) * np.arctanh(r)
    return float(z), float(2 * norm.sf(abs(z)))


def first_separator(values, i, j, pool, order, alpha, asked=()):
    """(separated, set, p-value, number of tests) by asking one set after the other."""
    best, n_tests = ((), -1.0), 0
    for given in combinations(pool, order):
        if given and set(given) <= set(asked):
            continue
        n_tests += 1
        p = fisher_z(values, i, j, given)[1]
        if p > best[1]:
            best = given, p
        if p > alpha:
            return True, given, p, n_tests
    return False, *best, n_tests


def weakest_link(corr, i, j, pool, order, asked, cutoff, tiny):
    """NumPy twin of the kernel: inverse of each submatrix instead of a growing factor."""
    best, weakest, n_tests, n_untestable = np.zeros(order, dtype=np.intp), 2.0, 0, 0
    for where in combinations(range(len(pool)), order):
        if order and all(asked[w] for w in where):
            continue
        chosen = [pool[w] for w in where]
        S = corr[np.ix_(chosen, chosen)]
        cross = corr[np.ix_([i, j], chosen)]
        if order and np.linalg.eigvalsh(S)[0] <= tiny:
            n_untestable += 1
            continue
        rest = corr[np.ix_([i, j], [i, j])] - (
            cross @ np.linalg.solve(S, cross.T) if order else np.zeros((2, 2))
        )
        if rest[0, 0] <= tiny or rest[1, 1] <= tiny:
            n_untestable += 1
            continue
        n_tests += 1
        partial = float(np.clip(rest[0, 1] / np.sqrt(rest[0, 0] * rest[1, 1]), -1, 1))
        if abs(partial) < abs(weakest):
            best, weakest = np.array(chosen, dtype=np.intp), partial
        if abs(partial) < cutoff:
            break
    return best, weakest, n_tests, n_untestable
