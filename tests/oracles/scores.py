"""Slow and obvious scores: counts in dictionaries, marginal likelihoods by prediction, kernels."""

from __future__ import annotations

from collections import Counter
from math import log, prod

import numpy as np
from scipy.special import multigammaln
from scipy.stats import multivariate_t


def configurations(codes: np.ndarray, node: int, parents) -> tuple[Counter, Counter, list[int]]:
    """Rows by (configuration, level), rows by configuration, number of levels of each column."""
    levels = [len(set(column)) for column in codes.T.tolist()]
    rows = codes.tolist()
    both = Counter((tuple(row[k] for k in parents), row[node]) for row in rows)
    return both, Counter(tuple(row[k] for k in parents) for row in rows), levels


def bdeu(codes: np.ndarray, node: int, parents, size: float) -> float:
    """Log-probability of a column given others, one row predicted after the other."""
    _, _, levels = configurations(codes, node, parents)
    r, q = levels[node], prod(levels[k] for k in parents)
    both, some, total = Counter(), Counter(), 0.0
    for row in codes.tolist():
        given = tuple(row[k] for k in parents)
        total += log((both[given, row[node]] + size / (r * q)) / (some[given] + size / q))
        both[given, row[node]] += 1
        some[given] += 1
    return total


def discrete_bic(codes: np.ndarray, node: int, parents, penalty: float) -> float:
    """Log-likelihood of the frequencies, less the price of all parameters."""
    both, some, levels = configurations(codes, node, parents)
    fit = sum(count * log(count / some[given]) for (given, _), count in both.items())
    n_parameters = (levels[node] - 1) * prod(levels[k] for k in parents)
    return fit - penalty * log(len(codes)) / 2 * n_parameters


def bge(values: np.ndarray, node: int, parents, am: float, aw: float) -> float:
    """Marginal likelihood of a family less that of the parents, by Kuipers et al. (2014), eq. 20.

    The prior mean is that of the columns.
    """
    n, p = values.shape
    t = am * (aw - p - 1) / (am + 1)
    off = values - values.mean(axis=0)

    def of_set(columns) -> float:
        l = len(columns)  # noqa: E741
        if l == 0:
            return 0.0
        T, R = t * np.eye(l), t * np.eye(l) + off[:, columns].T @ off[:, columns]
        prior, posterior = aw - p + l, n + aw - p + l
        return float(
            l / 2 * log(am / (n + am))
            + multigammaln(posterior / 2, l)
            - multigammaln(prior / 2, l)
            - l * n / 2 * log(np.pi)
            + prior / 2 * np.linalg.slogdet(T)[1]
            - posterior / 2 * np.linalg.slogdet(R)[1]
        )

    return of_set([*parents, node]) - of_set(list(parents))


def bge_by_prediction(values: np.ndarray, columns, am: float, aw: float) -> float:
    """Marginal likelihood of some columns, one row predicted after the other by a Student's t."""
    p = values.shape[1]
    X, l = values[:, columns], len(columns)  # noqa: E741
    t = am * (aw - p - 1) / (am + 1)
    mean, k, freedom, T = values.mean(axis=0)[columns], am, aw - p + l, t * np.eye(l)
    total = 0.0
    for x in X:
        df = freedom - l + 1
        total += multivariate_t.logpdf(x, mean, T * (k + 1) / (k * df), df=df)
        T = T + k / (k + 1) * np.outer(x - mean, x - mean)
        mean, k, freedom = (k * mean + x) / (k + 1), k + 1, freedom + 1
    return float(total)


def kernel_likelihood(X, Z, ridge: float, noise: float, fold: np.ndarray, weight=1.0) -> float:
    """Cross-validated likelihood with kernel matrices, as in Huang et al. (2018), eq. 13.

    Columns are in units of √2 times the widths of their kernels; `fold` is that of each row, and
    `weight` that of the log-determinant.
    """

    def kernel(A):
        K = np.exp(-((A[:, None] - A[None]) ** 2).sum(axis=2))
        H = np.eye(len(A)) - 1 / len(A)
        return H @ K @ H

    Kx, Kz = kernel(X), kernel(Z) if Z.shape[1] else np.zeros((len(X), len(X)))
    total = 0.0
    for k in range(fold.max() + 1):
        te, tr = np.flatnonzero(fold == k), np.flatnonzero(fold != k)
        m = len(tr)
        weights = np.linalg.solve(Kz[np.ix_(tr, tr)] + m * ridge * np.eye(m), Kz[np.ix_(tr, te)])
        seen = np.eye(m) - np.linalg.solve(
            Kz[np.ix_(tr, tr)] + m * ridge * np.eye(m), Kz[np.ix_(tr, tr)]
        )
        left = seen.T @ Kx[np.ix_(tr, tr)] @ seen  # products of residuals, by pairs of rows
        new = (
            Kx[np.ix_(te, te)]
            - Kx[np.ix_(te, tr)] @ weights
            - weights.T @ Kx[np.ix_(tr, te)]
            + weights.T @ Kx[np.ix_(tr, tr)] @ weights
        )
        cross = seen.T @ (Kx[np.ix_(tr, te)] - Kx[np.ix_(tr, tr)] @ weights)
        inner = m * noise * np.eye(m) + left
        distance = np.trace(new - cross.T @ np.linalg.solve(inner, cross)) / noise
        determinant = np.linalg.slogdet(np.eye(m) + left / (m * noise))[1]
        total -= 0.5 * (weight * len(te) * determinant + distance)
    return total


def blocks_bic(blocks, node: int, parents, penalty: float) -> float:
    """Gaussian log-likelihood of a block of columns given others, by least squares, less its price.

    Relative to no parents.
    """
    y = blocks[node] - blocks[node].mean(axis=0)
    n = len(y)

    def log_spread(others) -> float:
        Z = np.hstack([np.ones((n, 1)), *(blocks[k] for k in others)])
        left = y - Z @ np.linalg.lstsq(Z, y, rcond=None)[0]
        return float(np.linalg.slogdet(left.T @ left)[1])

    width = sum(blocks[k].shape[1] for k in parents)
    price = penalty * log(n) / 2 * y.shape[1] * width
    return -n / 2 * (log_spread(parents) - log_spread([])) - price


def conditional_gaussian_bic(values, numeric, node: int, parents, penalty: float) -> float:
    """Family less parents: frequencies of the cells, and a Gaussian of the numbers in each.

    All cells must have rows enough for a Gaussian of their own.
    """
    n = len(values)

    def of_set(columns) -> float:
        numbers = [k for k in columns if numeric[k]]
        others = [k for k in columns if not numeric[k]]
        cells: dict[tuple, list] = {}
        for row in values.tolist():
            cells.setdefault(tuple(row[k] for k in others), []).append([row[k] for k in numbers])
        m = len(numbers)
        total = -penalty * log(n) / 2 * (prod(len(set(values[:, k])) for k in others) - 1)
        for rows in cells.values():
            total += len(rows) * log(len(rows) / n)
            if m:
                sigma = np.atleast_2d(np.cov(np.array(rows).T, bias=True))
                total -= len(rows) / 2 * np.linalg.slogdet(sigma)[1]
                total -= penalty * log(n) / 2 * (m + m * (m + 1) / 2)
        return total

    return of_set([*parents, node]) - of_set(list(parents))


def kernel_marginal(K: np.ndarray, Ky: np.ndarray, n_functions: int, thetas) -> float:
    """Log marginal likelihood of the first eigenvectors of Ky, at the best of some θ.

    A draw from a Gaussian process with kernel θK beside noise of any covariance; beyond θ = 0.
    """
    n = len(K)
    X = np.linalg.eigh(Ky)[1][:, -n_functions:]
    best = 0.0
    for theta in thetas:
        V = np.eye(n) + theta * K
        fit = np.linalg.slogdet(X.T @ np.linalg.solve(V, X))[1]
        best = max(best, -n / 2 * fit - n_functions / 2 * np.linalg.slogdet(V)[1])
    return best
