"""Geweke's measures of a VAR: how much of a series, at each frequency, another one explains.

The model is `X(t) = A_1 X(t-1) + … + A_L X(t-L) + noise`, the noise with covariance S, and
`H(w) = (I - A_1 e^-iw - … - A_L e^-iLw)^-1` carries noise into the series.

What X_j looks like without a cause follows from the same model: leave the cause out of what is
observed, and a Riccati equation gives the innovations of the rest (Barnett and Seth 2015). No
second regression is fitted, whose order would have to be infinite. With `G` the transfer function
of the rest, `Q = G^-1 H` carries the noise of the full model into innovations of the rest. What of
their variance does not come from the noise of X_j itself comes from the cause, directly or through
others, and that is the measure (Geweke 1984).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_discrete_are
from scipy.special import fdtrc

from causalkit.discovery.series.granger._lagged_regression import LaggedMoments
from causalkit.errors import NumericalError
from causalkit.typing import FloatArray, IntArray

__all__ = ["frequency_tests", "geweke_measures", "transfer"]

ComplexArray = NDArray[np.complex128]


def geweke_measures(
    lags: FloatArray, noise: FloatArray, angles: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Measures of all pairs given the others, by frequency and in all.

    Parameters
    ----------
    lags : ndarray of shape (max_lag, p, p)
        Coefficients, `[lag - 1, effect, cause]`.
    noise : ndarray of shape (p, p)
    angles : ndarray of shape (n_frequencies,)
        From 0 to pi.

    Returns
    -------
    measures : ndarray of shape (n_frequencies, p, p)
        `[frequency, cause, effect]`, the diagonal NaN.
    totals : ndarray of shape (p, p)
        `log` of the variance of the innovations of the effect without the cause over that with it:
        the mean of the measures over all frequencies.

    Raises
    ------
    NumericalError
        If the model is not stationary.
    """
    p = lags.shape[1]
    noise = (noise + noise.T) / 2.0  # where there is next to none, rounding is not symmetric
    companion = _companion(lags)
    radius = np.abs(np.linalg.eigvals(companion)).max()
    if radius >= 1 - 1e-9:
        raise NumericalError(
            f"the fitted model is not stationary (largest root {radius:.4f}); expected all below "
            "1, or there is no spectrum. Difference or detrend the series first, or use fewer lags."
        )
    spectral = transfer(lags, angles)
    measures = np.full((len(angles), p, p), np.nan)
    totals = np.full((p, p), np.nan)
    for cause in range(p):
        rest = np.flatnonzero(np.arange(p) != cause)
        whiten, innovations = _without(companion, noise, rest, angles)
        carried = np.zeros_like(spectral)
        carried[:, rest] = whiten @ spectral[:, rest]
        for k, effect in enumerate(rest):
            others = np.flatnonzero(np.arange(p) != effect)
            pulled = noise[others, effect]
            foreign = (
                noise[np.ix_(others, others)] - np.outer(pulled, pulled) / noise[effect, effect]
            )
            row = carried[:, effect, others]
            told = np.einsum("fa,ab,fb->f", row, foreign, row.conj()).real
            share = np.clip(told / innovations[k, k], 0.0, 1 - 1e-15)
            measures[:, cause, effect] = -np.log1p(-share)
            totals[cause, effect] = max(0.0, np.log(innovations[k, k] / noise[effect, effect]))
    return measures, totals


def transfer(lags: FloatArray, angles: FloatArray) -> ComplexArray:
    """Transfer function of a VAR, shape (n_frequencies, p, p): `[frequency, series, noise]`."""
    steps = np.arange(1, len(lags) + 1)
    waves = np.exp(-1j * np.multiply.outer(angles, steps))
    found: ComplexArray = np.linalg.inv(
        np.eye(lags.shape[1]) - np.einsum("fl,lab->fab", waves, lags)
    )
    return found


def _companion(lags: FloatArray) -> FloatArray:
    n_lags, p, _ = lags.shape
    companion = np.eye(n_lags * p, k=-p)
    companion[:p] = lags.transpose(1, 0, 2).reshape(p, n_lags * p)
    return companion


def _without(
    companion: FloatArray, noise: FloatArray, rest: IntArray, angles: FloatArray
) -> tuple[ComplexArray, FloatArray]:
    """Inverse transfer function of some of the series, and covariance of their innovations.

    The state is the past, the rest is what is observed of it, and both see the same noise.
    """
    p = len(noise)
    size = len(companion)
    seen = companion[rest]
    driven = np.zeros((size, size))
    driven[:p, :p] = noise
    shared = np.zeros((size, len(rest)))
    shared[:p] = noise[:, rest]
    own = noise[np.ix_(rest, rest)]
    error: Any = solve_discrete_are(companion.T, seen.T, driven, own, s=shared)
    innovations = seen @ error @ seen.T + own
    gain = np.linalg.solve(innovations, (companion @ error @ seen.T + shared).T).T
    waves = np.exp(-1j * angles)[:, None, None]
    forgetting = companion - gain @ seen
    run = np.linalg.solve(
        np.eye(size) - waves * forgetting, np.broadcast_to(gain, (len(angles), *gain.shape))
    )
    return np.eye(len(rest)) - waves * (seen @ run), innovations


# --- is there nothing at this frequency? ---------------------------------------------------------


def frequency_tests(moments: LaggedMoments, angles: FloatArray) -> FloatArray:
    """P-values of no cause at a frequency, shape (n_frequencies, p, p).

    Nothing is told at frequency w if and only if the coefficients of the cause have no wave of that
    length: `sum b_l cos(l w) = sum b_l sin(l w) = 0`, two linear restrictions (one at both ends)
    that an F test answers.

    References
    ----------
    Breitung and Candelon (2006), "Testing for short- and long-run causality: a frequency-domain
    approach", doi:10.1016/j.jeconom.2005.02.004.
    """
    p, n_lags, df = moments.n_series, moments.max_lag, moments.df
    blocks = np.arange(n_lags) * p + np.arange(p)[:, None]
    unit = moments.of_steps()
    inverse = moments.inverse * np.multiply.outer(unit, unit)
    inverses = inverse[blocks[:, :, None], blocks[:, None, :]]
    slopes = (moments.slopes * unit[:, None])[blocks]
    noise = np.diagonal(moments.residual)
    p_values = np.empty((len(angles), p, p))
    for k, angle in enumerate(angles):
        waves = _waves(angle, n_lags)
        half = np.linalg.cholesky(waves.T @ inverses @ waves)
        found = np.linalg.solve(half, waves.T @ slopes)
        n_zero = waves.shape[1]
        ratio = (found**2).sum(axis=1) / noise * df / n_zero
        p_values[k] = fdtrc(n_zero, df, ratio)
    p_values[:, np.arange(p), np.arange(p)] = np.nan
    return p_values


def _waves(angle: float, n_lags: int) -> FloatArray:
    """Orthonormal waves of a frequency over the lags, (max_lag, 2), or 1 where they are one."""
    phases = angle * np.arange(1, n_lags + 1)
    still = n_lags == 1 or min(angle, np.pi - angle) < 1e-9
    if still:
        wave = np.cos(np.round(angle / np.pi) * np.pi * np.arange(1, n_lags + 1))[:, None]
        return np.asarray(wave / np.linalg.norm(wave), dtype=np.float64)
    both = np.column_stack([np.cos(phases), np.sin(phases)])
    return np.asarray(np.linalg.qr(both)[0], dtype=np.float64)
