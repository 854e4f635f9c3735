"""`PredictedOutcome`: effects on an outcome that was only ever predicted, corrected for shrinkage.

A model trained to predict an outcome from pictures, text or telemetry makes maps that are used as
outcomes in many trials where nobody measured anything. Its predictions are *shrunk*: those of
extreme rows lie nearer to the mean, ŷ = a + b y + u with b < 1, because that minimises squared
error. An effect on predictions then is b times the effect on the outcome. Two corrections need no
labels in the trial, only a labelled sample that was held out when the model was trained:

* :class:`LinearCalibration` regresses predictions on outcomes there and inverts, (ŷ − a)/b;
* :class:`TweedieCorrection` moves each prediction against the slope of the predictions' own log
  density, ŷ − σ² (log p)'(ŷ), with σ² the variance of the outcome about the predictions. For
  Gaussian predictions both are the same.

References
----------
Pettersson, Jerzak & Daoud (2025), Debiasing machine learning predictions for causal inference
without additional ground truth data: "One map, many trials". doi:10.48550/arXiv.2508.01341
Efron (2011), "Tweedie's formula and selection bias". JASA 106. doi:10.1198/jasa.2011.tm11181
"""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol, Self, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, clone

from causalkit._core.checks import check_count
from causalkit.errors import InputError
from causalkit.estimation.base import EffectEstimator, Solution
from causalkit.estimation.effect import Effect
from causalkit.estimation.inference import Asymptotic, Bootstrap
from causalkit.estimation.problem import Problem
from causalkit.estimation.regression import OLS
from causalkit.typing import FloatArray, RandomState

__all__ = ["Correction", "LinearCalibration", "PredictedOutcome", "TweedieCorrection"]

_LEAST_SLOPE = 0.02
_LEAST_ROWS = 10
_GRID, _MOST_CELLS = 256, 1024
_CELLS_A_WIDTH = 4


@runtime_checkable
class Correction(Protocol):
    """What undoes the shrinkage of predictions."""

    def fit(self, y: ArrayLike, predicted: ArrayLike) -> Self:
        """Learn from labelled rows."""

    def correct(self, predicted: FloatArray) -> FloatArray:
        """Return corrected predictions, shape (n,)."""

    def resampled(self, rng: np.random.Generator) -> Self:
        """Return the correction that a resample of the labelled rows gives."""


class LinearCalibration(BaseEstimator):
    """Regress predictions on outcomes in labelled rows, and invert the line.

    Attributes
    ----------
    intercept_, slope_ : float

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> y = rng.normal(size=2000)
    >>> shrunk = 0.6 * y + 0.4 * rng.normal(size=2000)
    >>> calibration = LinearCalibration().fit(y, shrunk)
    >>> round(calibration.slope_, 1)
    0.6
    """

    def fit(self, y: ArrayLike, predicted: ArrayLike) -> Self:
        """Learn from labelled rows that the model was not trained on.

        Parameters
        ----------
        y, predicted : array-like of shape (n,)
        """
        self.labels_ = _pairs(y, predicted)
        known, guess = self.labels_
        self.slope_ = float(np.cov(known, guess, ddof=0)[0, 1] / known.var())
        self.intercept_ = float(guess.mean() - self.slope_ * known.mean())
        if self.slope_ < _LEAST_SLOPE:
            raise InputError(
                f"predictions rise by {self.slope_:.3g} for each unit of the outcome; expected at "
                f"least {_LEAST_SLOPE}: they tell next to nothing about it. Use a better model."
            )
        return self

    def __sklearn_clone__(self) -> Self:
        """Return itself: what was learnt from labels is a setting of who uses it."""
        return self

    def correct(self, predicted: FloatArray) -> FloatArray:
        """Return (ŷ − a) / b, shape (n,)."""
        corrected: FloatArray = (predicted - self.intercept_) / self.slope_
        return corrected

    def resampled(self, rng: np.random.Generator) -> Self:
        """Return the calibration of a resample of the labelled rows."""
        return type(self)().fit(*_drawn(self.labels_, rng))


class TweedieCorrection(BaseEstimator):
    """Move predictions against the slope of their log density, by the variance they leave.

    Parameters
    ----------
    bandwidth : float, optional
        Of the kernel density estimate, in units of the predictions; 1.06 s n^(−1/7) if left out,
        wide enough for the slope of a density; s is their standard deviation, or what their
        quartiles say of it if that is less.

    Attributes
    ----------
    variance_ : float
        Mean squared distance of outcomes and predictions in the labelled rows.

    Notes
    -----
    **Assumes:** predictions are the outcome's conditional means (Berkson: y = ŷ + noise), as a
    model that minimises squared error on this population makes them. Rows that a treatment has
    moved far are another population: of an effect of half a standard deviation all came back in a
    simulation, of two standard deviations 85 %. Take :class:`LinearCalibration` there.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> signal = rng.normal(size=2000)
    >>> tweedie = TweedieCorrection().fit(signal + 0.5 * rng.normal(size=2000), signal)
    >>> round(tweedie.variance_, 1)
    0.2
    """

    def __init__(self, bandwidth: float | None = None) -> None:
        self.bandwidth = bandwidth

    def fit(self, y: ArrayLike, predicted: ArrayLike) -> Self:
        """Learn from labelled rows that the model was not trained on.

        Parameters
        ----------
        y, predicted : array-like of shape (n,)
        """
        if self.bandwidth is not None and not self.bandwidth > 0:
            raise InputError(f"bandwidth={self.bandwidth!r}; expected a positive number.")
        self.labels_ = _pairs(y, predicted)
        known, guess = self.labels_
        self.variance_ = float(np.mean((known - guess) ** 2))
        return self

    def __sklearn_clone__(self) -> Self:
        """Return itself: what was learnt from labels is a setting of who uses it."""
        return self

    def correct(self, predicted: FloatArray) -> FloatArray:
        """Return ŷ − σ² (log p)'(ŷ), with p the density of the predictions given, shape (n,)."""
        width = self.bandwidth or 1.06 * _typical(predicted) * len(predicted) ** (-1 / 7)
        corrected: FloatArray = predicted - self.variance_ * _slope_of_log_density(predicted, width)
        return corrected

    def resampled(self, rng: np.random.Generator) -> Self:
        """Return the correction that a resample of the labelled rows gives."""
        return type(self)(self.bandwidth).fit(*_drawn(self.labels_, rng))


class PredictedOutcome(EffectEstimator):
    """Any estimator, for an outcome that is a model's prediction.

    Parameters
    ----------
    correction : LinearCalibration or TweedieCorrection
        Fitted on labelled rows that are not among those of the trial.
    estimator : EffectEstimator, optional
        OLS if left out.
    n_resamples : int
        Resamples of the labelled rows, for the part of the standard error that is theirs.
    inference : Asymptotic or Bootstrap, optional
    random_state : int, Generator or None

    Notes
    -----
    **Assumes:**

    - what the inner estimator assumes;
    - the error of the predictions is related to the outcome in the trial as in the labelled rows,
      and given the outcome is unrelated to the treatment.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> known = rng.normal(size=2000)
    >>> calibration = LinearCalibration().fit(known, 0.6 * known + 0.3 * rng.normal(size=2000))
    >>> t = rng.integers(2, size=4000)
    >>> y = 0.5 * t + rng.normal(size=4000)
    >>> predicted = 0.6 * y + 0.3 * rng.normal(size=4000)
    >>> effect = PredictedOutcome(calibration, random_state=0).fit(None, predicted, t=t).effect_
    >>> bool(0.5 in effect.interval(0.99))
    True
    """

    def __init__(
        self,
        correction: Correction,
        estimator: EffectEstimator | None = None,
        *,
        n_resamples: int = 200,
        inference: Asymptotic | Bootstrap | None = None,
        random_state: RandomState = None,
    ) -> None:
        self.correction = correction
        self.estimator = estimator
        self.n_resamples = n_resamples
        self.inference = inference
        self.random_state = random_state

    def effect_of(
        self, problem: Problem, solution: Solution, draws: FloatArray | None = None
    ) -> Effect:
        """Add the correction's own error to that of the trial, which no row's influence has."""
        effect = super().effect_of(problem, solution, draws)
        total = float(np.hypot(effect.std_error, solution.details["calibration_error"]))
        return replace(effect, std_error=total, influence=None)

    def _inner(self) -> EffectEstimator:
        return clone(self.estimator) if self.estimator is not None else OLS()

    def _method(self) -> str:
        return f"{self._inner()._method()}, outcome corrected by {type(self.correction).__name__}"

    def _check(self, problem: Problem) -> None:
        check_count(self.n_resamples, "n_resamples", minimum=2)
        if not isinstance(self.correction, Correction) or not hasattr(self.correction, "labels_"):
            raise InputError(
                f"correction={self.correction!r}; expected one that is fitted on labelled rows, "
                "such as LinearCalibration().fit(y, predicted)."
            )
        self._inner()._check(problem)

    def _solve(self, problem: Problem, rng: np.random.Generator) -> Solution:
        inner, seed = self._inner(), int(rng.integers(2**32))

        def solve(correction: Correction) -> Solution:
            corrected = problem.replace(y=correction.correct(problem.y))
            return inner._solve(corrected, np.random.default_rng(seed))

        found = solve(self.correction)
        values = [
            solve(self.correction.resampled(child)).value for child in rng.spawn(self.n_resamples)
        ]
        naive = inner._solve(problem, np.random.default_rng(seed)).value
        error = float(np.std(values, ddof=1))
        return Solution(
            found.value,
            found.scores,
            n_parameters=found.n_parameters,
            df=found.df,
            alerts=found.alerts,
            details={
                **found.details,
                "uncorrected": naive,
                "calibration_error": error,
                "notes": [
                    f"Without correction the effect would be {naive:.4g}; the correction itself "
                    f"has a standard error of {error:.2g}, which is included.",
                ],
            },
        )


def _pairs(y: ArrayLike, predicted: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Outcomes and predictions of labelled rows, checked."""
    known, guess = (np.asarray(part, dtype=np.float64).reshape(-1) for part in (y, predicted))
    if len(known) != len(guess) or len(known) < _LEAST_ROWS:
        raise InputError(
            f"there are {len(known)} outcomes and {len(guess)} predictions; expected equally many, "
            f"at least {_LEAST_ROWS}. Pass the labelled rows."
        )
    if not (np.isfinite(known).all() and np.isfinite(guess).all()):
        raise InputError(
            "labelled rows hold NaN or infinity; expected finite outcomes and predictions. Drop "
            "rows without either."
        )
    if np.ptp(known) == 0 or np.ptp(guess) == 0:
        raise InputError(
            "labelled rows hold one value only; expected outcomes and predictions that vary."
        )
    return known, guess


def _drawn(
    labels: tuple[FloatArray, FloatArray], rng: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    rows = rng.integers(len(labels[0]), size=len(labels[0]))
    return labels[0][rows], labels[1][rows]


def _slope_of_log_density(values: FloatArray, width: float) -> FloatArray:
    """Derivative of the log of a Gaussian kernel density estimate, at the values, shape (n,).

    The kernels stand nearer to the mean than the values, so that the estimate has their variance.
    """
    level, spread = float(values.mean()), float(values.var())
    inward = level + (values - level) * np.sqrt(max(1 - width**2 / spread, 0.0))
    reach = float(np.ptp(values)) / width + 2
    cells = int(np.clip(_CELLS_A_WIDTH * reach, _GRID, _MOST_CELLS))
    grid = np.linspace(values.min() - width, values.max() + width, cells)
    counts, edges = np.histogram(inward, bins=cells)
    middle, counts = ((edges[1:] + edges[:-1]) / 2)[counts > 0], counts[counts > 0]
    apart = (grid[:, None] - middle) / width
    heights = np.log(counts) - apart**2 / 2
    # Far from all kernels each is zero, but not what the nearest is to the others.
    weights = np.exp(heights - heights.max(axis=1, keepdims=True))
    slope = -(weights * apart).sum(axis=1) / (weights.sum(axis=1) * width)
    return np.asarray(np.interp(values, grid, slope), dtype=np.float64)


def _typical(values: FloatArray) -> float:
    """Standard deviation, or what the quartiles of a normal distribution say of it if less."""
    low, high = np.quantile(values, (0.25, 0.75))
    spread = float(values.std())
    return min(spread, float(high - low) / 1.349) or spread
