"""Noise of series that is larger at some times: by level, and after or amid surprises.

The spread of what a series adds at a step depends on its causes in ways that are common in recorded
series: on levels (large values vary more, or, of logarithms, small ones), on how far the step is
expected to go, and on surprises, in the series itself a step ago or in what drives it now. A
surprise is what older causes do not predict, and that is a linear contrast of the causes::

    log scale = a + b · causes + Σ c_k · hinge_k(mean) + Σ d_k · log(u_k + |contrast_k(causes)|)

with causes of this step and the last. What surprises add is shrunk by a fifth: fitted one step
ahead, it feeds on itself in a free run, and series that surprise each other would go together less
than they do. All terms are clipped to the range that was seen, so that no feedback makes the scale
run away. As the scale is a function of the listed causes, the graph stays
what it was.

References
----------
Nelson (1991), Econometrica 59, 347-370 (log scales driven by past surprises). doi:10.2307/2938260
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from causalkit.models.mechanisms.additive import Linear
from causalkit.models.temporal.ridge_line import RidgeDesign
from causalkit.typing import BoolArray, FloatArray, IntArray

__all__ = ["SurpriseScale", "fit_scale"]

_STEPS: Final = 8
_MOST_PULL: Final = 6.0
"""Most that the size of one residual, in scales, pulls: steps of the iteration stay short."""

_LEAST_UNIT: Final = 1e-9
_SHRUNK: Final = 0.8
"""What is left of the slopes of surprises."""


@dataclass(frozen=True, slots=True, eq=False)
class SurpriseScale:
    """Logarithm of a scale that depends on the level and on surprises among the causes.

    Attributes
    ----------
    level : Linear
        Of the causes.
    recent : ndarray of int, shape (r,)
        Causes that enter as they are.
    knots : ndarray of shape (m,)
        Where the line in the level bends.
    contrasts : ndarray of shape (k, q)
    offsets : ndarray of shape (q,)
        Added to the contrasts of the causes.
    units : ndarray of shape (q,)
        Added to the size of the contrasts before logarithms are taken.
    low, high : ndarray of shape (r + 1 + m + q,)
        Range of the terms.
    slopes : ndarray of shape (r + 1 + m + q,)
    intercept : float
    """

    level: Linear
    recent: IntArray
    knots: FloatArray
    contrasts: FloatArray
    offsets: FloatArray
    units: FloatArray
    low: FloatArray
    high: FloatArray
    slopes: FloatArray
    intercept: float

    def __call__(self, causes: FloatArray) -> FloatArray:
        """Logarithm of the scale of rows of shape (n, k), shape (n,)."""
        terms = _terms(
            causes, self.level, self.recent, self.knots, self.contrasts, self.offsets, self.units
        )
        value: FloatArray = np.clip(terms, self.low, self.high) @ self.slopes + self.intercept
        return value


def fit_scale(
    causes: FloatArray, residuals: FloatArray, mean: Linear, lags: IntArray, own: BoolArray
) -> SurpriseScale:
    """Fit the scale of residuals.

    Parameters
    ----------
    causes : ndarray of shape (n, k)
    residuals : ndarray of shape (n,)
    mean : Linear
        The line that left them.
    lags : ndarray of int, shape (k,)
        Of each column of causes.
    own : ndarray of bool, shape (k,)
        Whether a column is the series itself.

    Returns
    -------
    SurpriseScale
        Of the mean size of the residuals, by iterated regressions.
    """
    size = np.abs(residuals)
    size = size + 1e-6 * max(float(size.mean()), _LEAST_UNIT)
    fitted = mean(causes)
    recent = np.flatnonzero(lags <= 1)
    knots = np.unique(np.quantile(fitted, [0.1, 0.3, 0.5, 0.7, 0.9]))
    contrasts, offsets = _surprises(causes, mean, lags, own)
    units = np.maximum(0.2 * np.abs(causes @ contrasts + offsets).mean(axis=0), _LEAST_UNIT)
    terms = _terms(causes, mean, recent, knots, contrasts, offsets, units)
    low, high = terms.min(axis=0), terms.max(axis=0)
    line = Linear(np.zeros(terms.shape[1]), float(np.log(size.mean())))
    design = RidgeDesign.of(terms)
    for _ in range(_STEPS):
        now = line(terms)
        line = design.fit(now + np.minimum(size * np.exp(-now), _MOST_PULL) - 1)
    slopes = line.slopes.copy()
    slopes[len(slopes) - len(offsets) :] *= _SHRUNK
    intercept = line.intercept + float(terms.mean(axis=0) @ (line.slopes - slopes))
    return SurpriseScale(
        mean, recent, knots, contrasts, offsets, units, low, high, slopes, intercept
    )


def _terms(
    causes: FloatArray,
    level: Linear,
    recent: IntArray,
    knots: FloatArray,
    contrasts: FloatArray,
    offsets: FloatArray,
    units: FloatArray,
) -> FloatArray:
    height = level(causes)
    bends = np.maximum(height[:, None] - knots, 0.0)
    surprises = np.log(units + np.abs(causes @ contrasts + offsets))
    return np.column_stack([causes[:, recent], height, bends, surprises])


def _surprises(
    causes: FloatArray, mean: Linear, lags: IntArray, own: BoolArray
) -> tuple[FloatArray, FloatArray]:
    """Contrasts of the causes: the step expected, and what older causes do not predict."""
    k = causes.shape[1]
    columns, offsets = [], []
    before = np.flatnonzero(own & (lags == 1))
    if len(before):
        ahead = np.array(mean.slopes, dtype=np.float64)
        ahead[before[0]] -= 1.0
        columns.append(ahead)
        offsets.append(mean.intercept)
    for lag in (0, 1):
        older = np.flatnonzero(lags > lag)
        design = RidgeDesign.of(causes[:, older])
        for column in np.flatnonzero(lags == lag):
            line = design.fit(causes[:, column])
            contrast = np.zeros(k)
            contrast[column] = 1.0
            contrast[older] = -line.slopes
            columns.append(contrast)
            offsets.append(-line.intercept)
    if not columns:
        return np.zeros((k, 0)), np.zeros(0)
    return np.column_stack(columns), np.array(offsets)
