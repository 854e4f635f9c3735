"""Granger tests the long way: rows found one by one, and a regression for each question."""

from __future__ import annotations

import numpy as np


def rows_with_past(values, subject, max_lag):
    """(row, subject) of each step whose own and earlier cells are all there."""
    found = []
    for t in range(max_lag, len(values)):
        window = slice(t - max_lag, t + 1)
        if len(set(subject[window])) == 1 and np.isfinite(values[window]).all():
            found.append(t)
    return found


def design(values, subject, rows, causes, max_lag):
    """Indicators of subjects, then all lags of some series."""
    columns = [[float(subject[t] == s) for t in rows] for s in sorted({subject[t] for t in rows})]
    n_means = len(columns)
    for lag in range(1, max_lag + 1):
        columns += [[values[t - lag, k] for t in rows] for k in causes]
    return np.array(columns).T, n_means


def squares(target, regressors):
    residual = target - regressors @ np.linalg.lstsq(regressors, target, rcond=None)[0]
    return float(residual @ residual)


def f_test(values, subject, max_lag, causes, effect, held, means=None):
    """F of the pasts of some series in an equation that also has those of `held`.

    `means` says which rows share an intercept, those of a subject if left out.
    """
    means = subject if means is None else means
    rows = rows_with_past(values, subject, max_lag)
    target = np.array([values[t, effect] for t in rows])
    everything = sorted({*causes, *held})
    full, _ = design(values, means, rows, everything, max_lag)
    less = [k for k in everything if k not in causes]
    short, _ = design(values, means, rows, less, max_lag)
    df = len(rows) - full.shape[1]
    n_zero = full.shape[1] - short.shape[1]
    rest = squares(target, full)
    return (squares(target, short) - rest) / n_zero / (rest / df), n_zero, df


def newey_west(regressors, residuals, when, bandwidth):
    """Covariance of the coefficients: each pair of rows by its distance in steps."""
    inverse = np.linalg.inv(regressors.T @ regressors)
    pull = np.einsum("nk,kl,nl->n", regressors, inverse, regressors)
    scores = regressors * (residuals / (1 - pull))[:, None]
    middle = np.zeros_like(inverse)
    for a in range(len(scores)):
        for b in range(len(scores)):
            distance = abs(when[a] - when[b])
            if distance <= bandwidth:
                middle += (1 - distance / (bandwidth + 1)) * np.outer(scores[a], scores[b])
    return inverse @ middle @ inverse
