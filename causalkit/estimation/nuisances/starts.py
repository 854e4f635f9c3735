"""What boosted trees start from: terms of the columns, fitted outside each fold, or the mean.

The terms are those of :mod:`causalkit.estimation.nuisances.curves`. Where held-out residuals still
differ between the cells of two columns, a surface over that pair is tried, and kept if it lowers
the held-out loss.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from causalkit._core.parallel import run
from causalkit.estimation.nuisances.curves import Terms, fit_terms
from causalkit.estimation.nuisances.pair_surfaces import striking_pairs, surfaces_over
from causalkit.typing import BoolArray, FloatArray

if TYPE_CHECKING:
    from causalkit.estimation.nuisances._tree_kernels import Binned

__all__ = ["Shared", "Splits", "Start", "bounded", "fit_start", "fit_starts"]

Start = tuple[float, FloatArray]
"""Intercept, and the coefficients of the terms."""

Splits = Sequence[tuple[BoolArray, BoolArray]]
"""Training rows and held-out ones, of each fold."""

Shared = tuple[Terms, list[Start]]
"""Terms and their starts in each fold, to start from."""

_LEAST_SHARE = 1e-6
_WIDTHS = (0.8, 0.4)
"""Standard units over which a surface stays alike; the one with the lower held-out loss is used."""

_STEEPEST = 8.0
"""Log-odds from which trees start, at most: 1 in 3000."""


def bounded(raw: FloatArray, logistic: bool) -> FloatArray:
    """Log-odds that are not so far out that no tree could bring them back."""
    return np.clip(raw, -_STEEPEST, _STEEPEST) if logistic else raw


def fit_start(
    terms: Terms | None,
    y: FloatArray,
    w: FloatArray,
    train: BoolArray,
    logistic: bool,
    base: Start | None = None,
) -> Start:
    """What the trees start from: terms of the columns, on top of those of `base`, or the mean."""
    if terms is not None:
        if base is None:
            return fit_terms(terms, y, w, train, logistic=logistic)
        slopes = np.append(base[1], np.zeros(terms.values.shape[1] - len(base[1])))
        known = bounded(base[0] + terms.values @ slopes, logistic)
        level, beyond = fit_terms(terms, y, w, train, logistic=logistic, known=known)
        return base[0] + level, slopes + beyond
    mean = float(np.average(y[train], weights=w[train]))
    if logistic:
        mean = float(np.clip(mean, _LEAST_SHARE, 1 - _LEAST_SHARE))
        mean = float(np.log(mean / (1 - mean)))
    return mean, np.zeros(0)


def fit_starts(
    X: FloatArray,
    bins: Binned,
    terms: Terms | None,
    y: FloatArray,
    w: FloatArray,
    splits: Splits,
    logistic: bool,
    n_jobs: int | None,
    base: Shared | None = None,
) -> tuple[Terms | None, list[Start]]:
    """Starts of all folds; with surfaces over striking pairs, if they lower the held-out loss."""
    from causalkit.estimation.nuisances._tree_kernels import N_COARSE

    terms, below = (terms, [None] * len(splits)) if base is None else base

    def fitted(some: Terms | None) -> list[Start]:
        jobs = [
            (some, y, w, train, logistic, start)
            for (train, _), start in zip(splits, below, strict=True)
        ]
        return run(fit_start, jobs, n_jobs=n_jobs, threads=True, steady=True)

    starts = fitted(terms)
    if terms is None:
        return None, starts
    residual, loss, rows = _held_out(terms, starts, y, w, splits, logistic)
    pairs = striking_pairs(residual[rows], bins.coarse[rows], N_COARSE) if rows.any() else ()
    best = terms, starts
    for width in _WIDTHS if pairs else ():
        richer = terms.with_surfaces(X, surfaces_over(terms.standard(X), pairs, width))
        others = fitted(richer)
        now = _held_out(richer, others, y, w, splits, logistic)[1]
        if now < loss:
            best, loss = (richer, others), now
    return best


def _held_out(
    terms: Terms,
    starts: Sequence[Start],
    y: FloatArray,
    w: FloatArray,
    splits: Splits,
    logistic: bool,
) -> tuple[FloatArray, float, BoolArray]:
    """Weighted residuals, loss and which rows they are of."""
    residual, loss, rows = np.zeros(len(y)), 0.0, np.zeros(len(y), dtype=bool)
    for (intercept, slopes), (_, score) in zip(starts, splits, strict=True):
        raw = bounded(intercept + terms.values[score] @ slopes, logistic)
        target = y[score]
        if logistic:
            loss += float(w[score] @ (np.logaddexp(0, raw) - target * raw))
            raw = 1 / (1 + np.exp(-raw))
        else:
            loss += float(w[score] @ (target - raw) ** 2)
        residual[score] = w[score] * (target - raw)
        rows |= score
    return residual, loss, rows
