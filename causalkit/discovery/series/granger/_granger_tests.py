"""Tests that coefficients of lags are zero, all pairs of series at once.

In a regression with inverse moments `V` and coefficients `b`, leaving out the regressors `I` raises
the sum of squares by `b_I' V_II^-1 b_I`. So the whole VAR is fitted once, and each test is a small
block of one inverse. Where a pair is looked at with no other series, the past of the effect is
taken out of everything first, and the same holds for what is left.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from scipy.special import chdtrc, fdtrc

from causalkit._core.series import Series
from causalkit.discovery.series.granger._lagged_regression import (
    LEAST_SHARE,
    LaggedMoments,
    within_subjects,
)
from causalkit.typing import FloatArray, IntArray

__all__ = [
    "STATISTICS",
    "Coefficients",
    "Rows",
    "conditional",
    "joint_test",
    "pairwise",
    "rows_of",
    "verdict",
]

STATISTICS: Final = ("f", "system_f", "wald", "lr")


@dataclass(frozen=True, slots=True, eq=False)
class Coefficients:
    """Coefficients of the pasts of causes in the equations of effects, and what speaks for them.

    Attributes
    ----------
    slopes : ndarray of shape (max_lag, p, p)
        `[lag - 1, cause, effect]`, in standard deviations.
    partial : ndarray of shape (max_lag, p, p)
        Partial correlations.
    alone : ndarray of shape (max_lag, p, p)
        Wald statistic of each coefficient.
    together : ndarray of shape (p, p)
        Wald statistic of all lags of a cause.
    df : ndarray of shape (p, p)
        Degrees of freedom of the residuals.
    """

    slopes: FloatArray
    partial: FloatArray
    alone: FloatArray
    together: FloatArray
    df: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Rows of the regressions, for covariances that trust neither equal variances nor white noise.

    Attributes
    ----------
    past : ndarray of shape (n, max_lag * p)
    now : ndarray of shape (n, p)
        Deviations from means, in standard deviations.
    place : ndarray of int, shape (n,)
        Where a row stands in time, unbroken runs more than `bandwidth` places apart.
    bandwidth : int
    lever : ndarray of shape (n,)
        What a row's own value weighs in the mean of its subject.
    """

    past: FloatArray
    now: FloatArray
    place: IntArray
    bandwidth: int
    lever: FloatArray

    def memory_df(self, df: Any) -> Any:
        """Degrees of freedom of a covariance that is itself estimated (Sun 2014).

        Windows of `bandwidth + 1` steps are worth `1.5 n / (bandwidth + 1)` independent ones.
        """
        if self.bandwidth == 0:
            return None
        return np.minimum(df, 1.5 * len(self.place) / (self.bandwidth + 1))

    def unpulled(
        self, past: FloatArray, influence: FloatArray, residuals: FloatArray
    ) -> FloatArray:
        """Residuals as they are where the row was left out of the fit (MacKinnon and White 1985).

        Least squares bends towards rows with much weight, and their residuals are too small.
        """
        pull = np.einsum("nk,nk->n", past, influence) + self.lever
        found: FloatArray = residuals / np.maximum(1 - pull, 1e-6)[:, None]
        return found

    def select(self, series: IntArray) -> Rows:
        """Rows of some series."""
        p = self.now.shape[1]
        columns = (np.arange(0, self.past.shape[1], p)[:, None] + series).ravel()
        return Rows(
            self.past[:, columns], self.now[:, series], self.place, self.bandwidth, self.lever
        )

    def covariance(self, influence: FloatArray) -> FloatArray:
        """Newey and West's covariance of the sum of influences: (…, n, k) to (…, k, k).

        Bartlett's weight of two steps is the share of windows of `bandwidth + 1` steps that hold
        both, so products of sums over windows add up to it, and no step is paired with another.
        """
        width = self.bandwidth + 1
        length = int(self.place[-1]) + 1 + width
        total = np.zeros((*influence.shape[:-2], length, influence.shape[-1]))
        np.add.at(np.moveaxis(total, -2, 0), self.place + 1, np.moveaxis(influence, -2, 0))
        total = np.cumsum(total, axis=-2)
        total[..., width:, :] -= total[..., :-width, :].copy()
        found: FloatArray = np.swapaxes(total, -1, -2) @ total / width
        return found


def rows_of(series: Series, moments: LaggedMoments, bandwidth: int) -> Rows:
    """Lay out the rows that the moments were taken of."""
    rows = np.sort(series.usable(moments.max_lag))
    columns = series.lagged(moments.max_lag, rows) / moments.spread
    columns = within_subjects(columns, series.subject[rows])
    place = rows + (bandwidth + 1) * np.cumsum(~series.follows)[rows]
    _, code, count = np.unique(series.subject[rows], return_inverse=True, return_counts=True)
    p = moments.n_series
    return Rows(columns[:, p:], columns[:, :p], place - place[0], bandwidth, 1 / count[code])


# --- all coefficients ----------------------------------------------------------------------------


def conditional(moments: LaggedMoments, rows: Rows | None = None) -> Coefficients:
    """Each series on the past of all of them."""
    p, n_lags, df = moments.n_series, moments.max_lag, moments.df
    slopes, noise = moments.slopes, np.diagonal(moments.residual)
    blocks = _blocks(p, n_lags)
    ratio = slopes**2 / np.diagonal(moments.inverse)[:, None] / noise
    if rows is None:
        inverses = moments.inverse[blocks[:, :, None], blocks[:, None, :]]
        together = _quadratic(inverses, slopes[blocks]) / noise * df
        alone = ratio * df
    else:
        together, alone = np.empty((p, p)), np.empty_like(slopes)
        influence = rows.past @ moments.inverse / moments.n_obs
        residuals = rows.unpulled(rows.past, influence, rows.now - rows.past @ slopes)
        for effect in range(p):
            each = (influence * residuals[:, [effect]])[:, blocks].transpose(1, 0, 2)
            b = slopes[blocks, effect]
            together[:, effect], alone[blocks, effect] = _robust(rows, each, b)
    shape = (n_lags, p, p)
    return Coefficients(
        slopes.reshape(shape),
        _partial(slopes, ratio).reshape(shape),
        alone.reshape(shape),
        together,
        np.full((p, p), float(df)),
    )


def pairwise(moments: LaggedMoments, rows: Rows | None = None) -> Coefficients:
    """Each series on its own past and that of one other; the diagonal on its own past alone."""
    p, n_lags, n = moments.n_series, moments.max_lag, moments.n_obs
    blocks, everyone = _blocks(p, n_lags), np.arange(p)
    own_moments = moments.past[blocks[:, :, None], blocks[:, None, :]]
    slopes, partial, alone = (np.empty((n_lags, p, p)) for _ in range(3))
    together = np.empty((p, p))
    df = n - moments.n_means - n_lags * (2.0 - np.eye(p))
    for effect in range(p):
        # What the effect's own past says is taken out, except from that past itself.
        own, other = blocks[effect], everyone != effect
        lower = moments.factored(own)
        shared = np.linalg.solve(lower, moments.past[own])
        told = np.linalg.solve(lower, moments.cross[own, effect])
        shares = shared[:, blocks].transpose(1, 0, 2) * other[:, None, None]
        left = own_moments - np.swapaxes(shares, 1, 2) @ shares
        _check_left(moments, left, own, blocks)
        inverses = np.linalg.inv(left)
        right = moments.cross[blocks, effect] - told @ shares
        b = np.einsum("kab,kb->ka", inverses, right)
        explained = np.einsum("ka,ka->k", b, right)
        noise = 1 - (told @ told) * other - explained
        moments.check_noise(noise, np.full(p, effect))
        ratio = b**2 / np.diagonal(inverses, axis1=1, axis2=2) / noise[:, None]
        slopes[:, :, effect], partial[:, :, effect] = b.T, _partial(b, ratio).T
        if rows is None:
            together[:, effect] = explained / noise * df[:, effect]
            alone[:, :, effect] = (ratio * df[:, [effect]]).T
            continue
        begun = rows.past[:, own] @ np.linalg.inv(lower).T
        for k in everyone:
            past = rows.past[:, blocks[k]] - begun @ shares[k]
            influence = past @ inverses[k] / n
            residual = rows.now[:, effect] - (begun @ told) * other[k] - past @ b[k]
            seen = np.column_stack([past, begun * other[k]])
            weights = np.column_stack([influence, begun * (other[k] / n)])
            residuals = rows.unpulled(seen, weights, residual[:, None])
            robust = _robust(rows, (influence * residuals)[None], b[[k]])
            together[k, effect], alone[:, k, effect] = robust[0][0], robust[1][0]
    return Coefficients(slopes, partial, alone, together, df)


def _blocks(p: int, n_lags: int) -> IntArray:
    """Columns of the past of each series, shape (p, max_lag)."""
    found: IntArray = np.arange(n_lags) * p + np.arange(p)[:, None]
    return found


def _partial(slopes: FloatArray, ratio: FloatArray) -> FloatArray:
    """Partial correlations from squared t statistics, less their degrees of freedom."""
    found: FloatArray = np.sign(slopes) * np.sqrt(ratio / (1 + ratio))
    return found


def _quadratic(inverses: FloatArray, b: FloatArray) -> FloatArray:
    """`b' V^-1 b` by column: (k, L, L) and (k, L, q) to (k, q)."""
    half = np.linalg.solve(np.linalg.cholesky(inverses), b)
    found: FloatArray = np.einsum("klq,klq->kq", half, half)
    return found


def _robust(rows: Rows, influence: FloatArray, b: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Wald statistics of blocks, and of their members: (k, n, L) and (k, L) to (k,), (k, L)."""
    covariances = rows.covariance(influence)
    alone = b**2 / np.diagonal(covariances, axis1=1, axis2=2)
    return _quadratic(covariances, b[:, :, None])[:, 0], alone


def _check_left(moments: LaggedMoments, left: FloatArray, own: IntArray, blocks: IntArray) -> None:
    """Refuse a pair of which the one past determines the other."""
    redundant = np.flatnonzero(np.linalg.eigvalsh(left)[:, 0] < LEAST_SHARE)
    for cause in redundant.tolist():
        moments.refuse_redundant(np.unique(np.concatenate([own, blocks[cause]])))


# --- groups of series ----------------------------------------------------------------------------


def joint_test(
    moments: LaggedMoments,
    causes: IntArray,
    effects: IntArray,
    *,
    kind: str,
    rows: Rows | None = None,
) -> tuple[float, float]:
    """Test whether some series have no coefficients in the equations of others.

    Returns
    -------
    statistic, p_value : float
        Of the kind asked for. "f" in several equations is Rao's approximation to Wilks' ratio of
        determinants, which is exact in one or two.

    References
    ----------
    Rao (1973), "Linear Statistical Inference and its Applications", section 8c.5,
    doi:10.1002/9780470316436. Sun (2014), "Let's fix it: fixed-b asymptotics versus small-b
    asymptotics in heteroskedasticity and autocorrelation robust inference",
    doi:10.1016/j.jeconom.2013.10.001. MacKinnon and White (1985), "Some
    heteroskedasticity-consistent covariance matrix estimators with improved finite sample
    properties", doi:10.1016/0304-4076(85)90158-7.
    """
    n, p, df = moments.n_obs, moments.n_series, moments.df
    columns = (np.arange(moments.max_lag)[:, None] * p + causes).ravel()
    b = moments.slopes[np.ix_(columns, effects)]
    q, r = b.shape
    if rows is not None:
        influence = rows.past @ moments.inverse / n
        residuals = rows.now[:, effects] - rows.past @ moments.slopes[:, effects]
        residuals = rows.unpulled(rows.past, influence, residuals)
        each = influence[:, columns, None] * residuals[:, None, :]
        wald = _robust(rows, each.reshape(1, -1, q * r), b.reshape(1, q * r))[0][0]
        return verdict(wald, kind, q * r, df, n, 1, rows.memory_df(df))
    half = np.linalg.solve(np.linalg.cholesky(moments.inverse[np.ix_(columns, columns)]), b)
    noise, gain = moments.residual[np.ix_(effects, effects)], half.T @ half
    if kind in ("wald", "system_f"):
        return verdict(np.trace(np.linalg.solve(noise, gain)) * df, kind, q * r, df, n, p)
    ratio = np.linalg.slogdet(noise + gain)[1] - np.linalg.slogdet(noise)[1]
    if kind == "lr":
        return float(n * ratio), float(chdtrc(q * r, n * ratio))
    root = np.sqrt((q**2 * r**2 - 4) / (q**2 + r**2 - 5)) if q**2 + r**2 > 5 else 1.0
    df_noise = (df - (r - q + 1) / 2) * root - q * r / 2 + 1
    statistic = np.expm1(ratio / root) * df_noise / (q * r)
    return float(statistic), float(fdtrc(q * r, df_noise, statistic))


# --- statistics and p-values ---------------------------------------------------------------------


def verdict(
    wald: Any, kind: str, n_zero: int, df: Any, n_obs: int, n_equations: int, memory_df: Any = None
) -> tuple[Any, Any]:
    """Statistic of a kind, and its p-value, from Wald statistics.

    Parameters
    ----------
    wald : float or ndarray
    kind : one of `STATISTICS`
    n_zero : int
        Coefficients that are zero if there is no cause.
    df : float or ndarray
        Degrees of freedom of the residuals of one equation.
    n_obs, n_equations : int
    memory_df : float or ndarray, optional
        Degrees of freedom of a covariance that allows for memory: F is then Hotelling's.
    """
    if memory_df is not None:
        df = memory_df - n_zero + 1
        wald = wald * df / memory_df if kind == "f" else wald
    if kind == "wald":
        return wald, chdtrc(n_zero, wald)
    if kind == "lr":
        statistic = n_obs * np.log1p(wald / df)
        return statistic, chdtrc(n_zero, statistic)
    statistic = wald / n_zero
    return statistic, fdtrc(n_zero, df * (n_equations if kind == "system_f" else 1), statistic)
