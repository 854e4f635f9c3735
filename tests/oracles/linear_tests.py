"""Slow and obvious tests on blocks of columns, clusters and cells."""

from __future__ import annotations

from itertools import combinations

import numpy as np
from scipy import stats


def residuals(columns: np.ndarray, Z: np.ndarray, weights=None) -> np.ndarray:
    """What a (weighted) least-squares regression on Z leaves over."""
    root = np.ones(len(Z)) if weights is None else np.sqrt(weights)
    fit = np.linalg.lstsq(Z * root[:, None], columns * root[:, None], rcond=1e-9)[0]
    return columns - Z @ fit


def rank(columns: np.ndarray) -> int:
    """Rank of columns of any size."""
    length = np.linalg.norm(columns, axis=0)
    kept = columns[:, length > 1e-5] / length[length > 1e-5]
    return int(np.linalg.matrix_rank(kept, tol=1e-5)) if kept.size else 0


def wilks(x: np.ndarray, y: np.ndarray, S: np.ndarray) -> tuple[float, float]:
    """Bartlett's statistic and p-value from the canonical correlations of residuals."""
    n = len(x)
    Z = np.column_stack([np.ones(n), S])
    bases = []
    for block in (x, y):
        unit = (block - block.mean(axis=0)) / block.std(axis=0)
        U, sizes, _ = np.linalg.svd(residuals(unit, Z), full_matrices=False)
        bases.append(U[:, sizes > 1e-5 * np.sqrt(n)])
    a, b = (basis.shape[1] for basis in bases)
    canonical = np.linalg.svd(bases[0].T @ bases[1], compute_uv=False)
    factor = n - 1 - (rank(Z) - 1) - (a + b + 1) / 2
    statistic = -factor * np.log1p(-(np.minimum(canonical, 1.0) ** 2)).sum()
    return float(statistic), float(stats.chi2.sf(statistic, a * b))


def one_hot(codes: np.ndarray) -> np.ndarray:
    """Indicators of all levels but the last."""
    return (codes[:, None] == np.unique(codes)[:-1]).astype(float)


def separate(bound, level, alpha):
    """The base version of a level, one question after the other, whatever the test overrides."""
    rows = []
    for i, j in level.pairs.tolist():
        one, two = level.pools(i, j)
        sets = list(combinations(one, level.order))
        sets += [g for g in combinations(two, level.order) if not set(g) <= set(one)]
        best, n_tests, n_untestable, found = (None, np.nan, -1.0), 0, 0, False
        for given in sets:
            try:
                result = bound(i, j, given)
            except ArithmeticError:
                n_untestable += 1
                continue
            n_tests += 1
            if result.p_value > best[2]:
                best = given, result.statistic, result.p_value
            if result.p_value > alpha:
                found = True
                break
        rows.append((found, *best, n_tests, n_untestable))
    return rows


def clustered_t(x, y, S, clusters, weights=None) -> tuple[float, float]:
    """One-sample t test of cluster sums of products of residuals."""
    Z = np.column_stack([np.ones(len(x)), S])
    w = np.ones(len(x)) if weights is None else weights
    e = residuals(np.column_stack([x, y]), Z, w)
    sums = np.array([(w * e[:, 0] * e[:, 1])[clusters == c].sum() for c in np.unique(clusters)])
    rest = len(sums) - (Z.shape[1] - 1)
    t = sums.mean() / (sums.std() / np.sqrt(rest - 1))
    return float(t), float(2 * stats.t.sf(abs(t), rest - 1))


def conditional_gaussian(frame: dict[str, np.ndarray], categories: set[str], x, y, given) -> float:
    """Likelihood ratio as four joint likelihoods (Andrews, Ramsey and Cooper 2018), unscaled."""

    def twice_log_likelihood(names):
        discrete = [name for name in names if name in categories]
        numbers = [name for name in names if name not in categories]
        n = len(frame[x])
        keys = np.array([",".join(str(frame[d][r]) for d in discrete) for r in range(n)])
        total = 0.0
        for key in np.unique(keys):
            rows = keys == key
            total += 2 * rows.sum() * np.log(rows.mean())
            if numbers:
                X = np.column_stack([frame[name][rows] for name in numbers])
                cov = np.atleast_2d(np.cov(X, rowvar=False, bias=True))
                mean = X.mean(axis=0)
                density = stats.multivariate_normal(mean, cov)
                total += 2 * density.logpdf(X).sum()
        return total

    sets = [[x, y, *given], [x, *given], [y, *given], [*given]]
    both, one, two, neither = (twice_log_likelihood(s) if s else 0.0 for s in sets)
    return both - one - two + neither
