"""Tests that coefficients of lags are zero, all pairs of series at once.

In a regression with inverse moments `V` and coefficients `b`, leaving out the regressors `I` raises
the sum of squares by `b_I' V_II^-1 b_I`. So the whole VAR is fitted once, and each test is a small
block of one inverse. Where a pair is looked at with no other series, the past of the effect is
taken out of everything first, and the same holds for what is left.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.special import fdtrc
from scipy.stats import chi2, false_discovery_control

from causalkit._core.series import Series
from causalkit.discovery.series._lagged_regression import LaggedMoments, within_subjects
from causalkit.typing import FloatArray, IntArray

__all__ = [
    "CORRECTIONS",
    "STATISTICS",
    "Fitted",
    "Scores",
    "adjusted",
    "conditional",
    "joint_test",
    "p_value",
    "pairwise",
    "scores_of",
]

STATISTICS: Final = ("f", "system_f", "wald", "lr")
CORRECTIONS: Final = (None, "bonferroni", "holm", "bh", "by")


@dataclass(frozen=True, slots=True, eq=False)
class Fitted:
    """Coefficients of the pasts of causes in equations of effects, and what speaks for them.

    Attributes
    ----------
    slopes : ndarray of shape (max_lag, p, p)
        `[lag - 1, cause, effect]`, in standard deviations.
    alone : ndarray of shape (max_lag, p, p)
        Wald statistic of each coefficient, by degrees of freedom `df` of the residuals.
    together : ndarray of shape (p, p)
        Wald statistic of all lags of a cause: `df` times the share that they explain of what is
        left without them.
    partial : ndarray of shape (max_lag, p, p)
        Partial correlations.
    df : ndarray of shape (p, p)
        Degrees of freedom of the residuals.
    """

    slopes: FloatArray
    alone: FloatArray
    together: FloatArray
    partial: FloatArray
    df: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """Rows for covariances that neither trust equal variances nor that noise forgets at once.

    Attributes
    ----------
    past : ndarray of shape (n, m)
    now : ndarray of shape (n, p)
        Deviations from means, in standard deviations.
    place : ndarray of int, shape (n,)
        Where a row stands in time, unbroken runs `bandwidth` places apart.
    bandwidth : int
    """

    past: FloatArray
    now: FloatArray
    place: IntArray
    bandwidth: int

    def covariance(self, influence: FloatArray) -> FloatArray:
        """Newey and West's covariance of sums of influences, (…, k, k) for (…, n, k).

        Bartlett's weights are those with which pairs fall into the same window of `bandwidth + 1`
        steps, so sums over windows have this very covariance, and it is positive.
        """
        length = int(self.place[-1]) + self.bandwidth + 2
        total = np.zeros((*influence.shape[:-2], length, influence.shape[-1]))
        total[..., self.place + 1, :] = influence
        total = np.cumsum(total, axis=-2)
        width = self.bandwidth + 1
        total[..., width:, :] -= total[..., :-width, :].copy()
        covariance: FloatArray = np.swapaxes(total, -1, -2) @ total / width
        return covariance


def scores_of(series: Series, moments: LaggedMoments, bandwidth: int) -> Scores:
    """Rows of the regressions, in the units of `moments`; each row counts once."""
    rows = np.unique(series.usable(moments.max_lag))
    borders = np.cumsum(~series.follows)
    place = rows + (bandwidth + 1) * borders[rows]
    columns = series.lagged(moments.max_lag, rows) / moments.spread
    columns = within_subjects(columns, series.subject[rows])
    p = moments.n_series
    return Scores(columns[:, p:], columns[:, :p], place - place[0], bandwidth)


# --- all coefficients at once --------------------------------------------------------------------


def conditional(moments: LaggedMoments, scores: Scores | None = None) -> Fitted:
    """Each series on the past of all of them."""
    p, n_lags, df = moments.n_series, moments.max_lag, moments.df
    shape = (n_lags, p, p)
    slopes, noise = moments.slopes, np.diagonal(moments.residual)
    plain = slopes**2 / np.diagonal(moments.inverse)[:, None] / noise
    partial = np.sign(slopes) * np.sqrt(plain / (1 + plain))
    blocks = np.arange(n_lags) * p + np.arange(p)[:, None]
    if scores is None:
        inverses = moments.inverse[blocks[:, :, None], blocks[:, None, :]]
        together = _quadratic(inverses, slopes[blocks]) / noise * df
        return Fitted(
            slopes.reshape(shape),
            (plain * df).reshape(shape),
            together,
            partial.reshape(shape),
            np.full((p, p), df),
        )
    alone, together = np.empty((n_lags, p, p)), np.empty((p, p))
    influence, residuals = _influences(moments, scores)
    for effect in range(p):
        each = (influence * residuals[:, [effect]])[:, blocks].transpose(1, 0, 2)
        covariances = scores.covariance(each) * (moments.n_obs / df)
        b = slopes[blocks, effect]
        alone[:, :, effect] = (b**2 / np.diagonal(covariances, axis1=1, axis2=2)).T
        together[:, effect] = _quadratic(covariances, b[:, :, None])[:, 0]
    return Fitted(
        slopes.reshape(shape), alone, together, partial.reshape(shape), np.full((p, p), df)
    )


def pairwise(moments: LaggedMoments, scores: Scores | None = None) -> Fitted:
    """Each series on its own past and that of one other; the diagonal on its own past alone."""
    p, n_lags, n = moments.n_series, moments.max_lag, moments.n_obs
    blocks = np.arange(n_lags) * p + np.arange(p)[:, None]
    own_blocks = moments.past[blocks[:, :, None], blocks[:, None, :]]
    slopes, alone, partial = (np.empty((n_lags, p, p)) for _ in range(3))
    together = np.empty((p, p))
    df = n - moments.n_means - n_lags * (2.0 - np.eye(p))
    for effect in range(p):
        own = blocks[effect]
        half = np.linalg.solve(
            moments.factored(own),
            np.column_stack([moments.past[own], moments.cross[own, effect]]),
        )
        shared, told = half[:, :-1], half[:, -1]
        lags = shared[:, blocks].transpose(1, 0, 2)
        left = own_blocks - np.swapaxes(lags, 1, 2) @ lags
        b = moments.cross[blocks, effect] - told @ lags
        left[effect], b[effect] = own_blocks[effect], moments.cross[own, effect]
        for cause in range(p):
            if np.linalg.eigvalsh(left[cause])[0] < 1e-11:
                moments.factored(np.sort(np.concatenate([own, blocks[cause]])))
        inverses = np.linalg.inv(left)
        found = np.einsum("kab,kb->ka", inverses, b)
        noise = 1 - (told @ told) * (np.arange(p) != effect) - np.einsum("ka,ka->k", b, found)
        noise = moments.checked_residual(noise) if False else noise
        plain = found**2 / np.diagonal(inverses, axis1=1, axis2=2) / noise[:, None]
        slopes[:, :, effect] = found.T
        partial[:, :, effect] = (np.sign(found) * np.sqrt(plain / (1 + plain))).T
        if scores is None:
            alone[:, :, effect] = (plain * df[:, [effect]]).T
            together[:, effect] = np.einsum("ka,ka->k", b, found) / noise * df[:, effect]
    return Fitted(slopes, alone, together, partial, df)
