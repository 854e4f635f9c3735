"""`project_effects` and `calibrate_effects`: what a line through the effects says.

The effect of each row is not observed, but its doubly robust score is, with noise around the
effect. Least squares of the scores on columns estimates the *best linear predictor* of the effect
by those columns: a simplification whose coefficients have honest standard errors, whatever the
effect's true form. On one column of predicted effects τ̂ it becomes a test of the predictions,

    Γ = α τ̄ + β (τ̂ − τ̄) + noise,

in which α = 1 says that they are right on average, β = 1 that they spread as the effects do, and
β > 0 that there is heterogeneity and the predictions have found some of it.

References
----------
Semenova & Chernozhukov (2021), "Debiased machine learning of conditional average treatment effects
and other causal functions", Econometrics Journal 24, 264-289. doi:10.1093/ectj/utaa027
Chernozhukov, Demirer, Duflo & Fernández-Val (2025), "Fisher-Schultz lecture: generic machine
learning inference on heterogenous treatment effects in randomized experiments, with an application
to immunization in India", Econometrica 93, 1121-1164. doi:10.3982/ECTA19303
MacKinnon & White (1985), "Some heteroskedasticity-consistent covariance matrix estimators with
improved finite sample properties", J. Econometrics 29, 305-325. doi:10.1016/0304-4076(85)90158-7
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import ArrayLike

from causalkit._core.checks import check_complete
from causalkit._core.report import Report, Reported, format_value
from causalkit._core.table import as_table
from causalkit.errors import InputError
from causalkit.estimation.effect import Effect, Interval, quantile
from causalkit.estimation.heterogeneity._joint import chi_square_tail
from causalkit.estimation.heterogeneity.conditional_effects import ConditionalEffects
from causalkit.estimation.heterogeneity.row_scores import (
    EffectScores,
    as_scores,
    scores_for,
)
from causalkit.estimation.simultaneous import sup_quantile
from causalkit.typing import Data, FloatArray

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["EffectProjection", "calibrate_effects", "project_effects"]

_CONSTANT: Final = "constant"
_NEARLY_FITTED: Final = 1e-9
"""A row with less than this left of itself after the others decides its own fit."""


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class EffectProjection(Reported):
    """Best linear predictor of the effect.

    Attributes
    ----------
    names : tuple of str
        Terms, the constant first where there is one.
    values : ndarray of shape (k,)
        Coefficients.
    covariance : ndarray of shape (k, k)
        Of the coefficients: HC3, or clustered.
    df : float or None
        Degrees of freedom of Student's distribution; clusters less one, None without clusters.
    n_obs : int
    title : str
    nulls : tuple of float
        What each p-value takes the coefficient to be.
    notes : tuple of str
    """

    names: tuple[str, ...]
    values: FloatArray
    covariance: FloatArray
    df: float | None
    n_obs: int
    title: str = "Best linear predictor of the effect"
    nulls: tuple[float, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def std_errors(self) -> FloatArray:
        """Standard errors of the coefficients, shape (k,)."""
        root: FloatArray = np.sqrt(np.diag(self.covariance))
        return root

    def interval(self, name: str, level: float = 0.95) -> Interval:
        """Return the interval of one coefficient."""
        k = self._position(name)
        return Interval.around(self.values[k], self.std_errors[k], level, self.df)

    def p_value(self, name: str, null: float = 0.0, *, alternative: str = "two-sided") -> float:
        """p-value of the hypothesis that a coefficient equals `null`.

        Parameters
        ----------
        name : str
        null : float
        alternative : {"two-sided", "greater"}
            "greater": against larger values only, so the hypothesis is "at most `null`".
        """
        k = self._position(name)
        both = Effect(self.values[k], self.std_errors[k], self.n_obs, "", df=self.df).p_value(null)
        if alternative == "two-sided":
            return both
        if alternative != "greater":
            raise InputError(f"alternative={alternative!r}; expected 'two-sided' or 'greater'.")
        return both / 2 if self.values[k] > null else 1 - both / 2

    @property
    def heterogeneity_p_value(self) -> float:
        """p-value of the hypothesis that no column but the constant matters."""
        slopes = np.array([name != _CONSTANT for name in self.names])
        return chi_square_tail(
            self.values[slopes], self.covariance[np.ix_(slopes, slopes)], self.df
        )

    def predict(self, columns: ArrayLike) -> FloatArray:
        """Effects on the line at rows of the columns (k − 1 of them, after the constant)."""
        return self._design(columns) @ self.values

    def band(self, columns: ArrayLike, level: float = 0.95, *, joint: bool = True) -> FloatArray:
        """Band around the line at these rows, shape (n, 2).

        Parameters
        ----------
        columns : array-like of shape (n, k - 1)
        level : float
        joint : bool
            Whether the band holds at all these rows at once, or at each alone.
        """
        design = self._design(columns)
        covariance = design @ self.covariance @ design.T
        half = np.sqrt(np.maximum(np.diag(covariance), 0.0))
        alone = quantile(0.5 + level / 2, self.df)
        half *= sup_quantile(covariance, level, self.df) if joint else alone
        center = design @ self.values
        return np.column_stack([center - half, center + half])

    def to_frame(self, level: float = 0.95) -> pd.DataFrame:
        """Return one row a term: coefficient, std_error, lower, upper, p_value."""
        import pandas as pd

        rows = [
            (self.values[k], self.std_errors[k], *self.interval(name, level), self._p(k))
            for k, name in enumerate(self.names)
        ]
        columns = ["coefficient", "std_error", "lower", "upper", "p_value"]
        return pd.DataFrame(rows, index=list(self.names), columns=columns)

    def _p(self, k: int) -> float:
        return self.p_value(self.names[k], self.nulls[k] if self.nulls else 0.0)

    def _position(self, name: str) -> int:
        if name not in self.names:
            raise InputError(f"there is no term {name!r}; expected one of {self.names[:12]}.")
        return self.names.index(name)

    def _design(self, columns: ArrayLike) -> FloatArray:
        rows = np.asarray(columns, dtype=np.float64)
        k = len(self.names) - 1
        if rows.ndim != 2 or rows.shape[1] != k:
            raise InputError(
                f"the columns have shape {rows.shape}; expected {k} column(s): {self.names[1:]}."
            )
        return np.column_stack([np.ones(len(rows)), rows])

    def _report(self) -> Report:
        rows = [
            (name, self.values[k], self.std_errors[k], *self.interval(name), self._p(k))
            for k, name in enumerate(self.names)
        ]
        kind = "HC3" if self.df is None else f"clustered, {int(self.df) + 1} clusters"
        facts: list[tuple[str, object]] = [("rows", self.n_obs), ("standard errors", kind)]
        if self.names[0] == _CONSTANT and len(self.names) > 1:
            tail = format_value(self.heterogeneity_p_value)
            facts.append(("p-value of no heterogeneity", tail))
        return Report(
            title=self.title,
            facts=facts,
            columns=("term", "coefficient", "std. error", "lower", "upper", "p-value"),
            rows=rows,
            notes=list(self.notes),
        )


def project_effects(
    columns: Data,
    scores: EffectScores | Effect | ArrayLike,
    *,
    clusters: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
) -> EffectProjection:
    """Fit the best linear predictor of the effect by some columns.

    Parameters
    ----------
    columns : table of shape (n, k)
        By what to predict the effect; categories become indicators. Basis functions of a column
        make it a curve, for which :meth:`EffectProjection.band` gives a band.
    scores : Effect of AIPW, EffectScores, or array-like of shape (n,)
        Doubly robust scores of the same rows.
    clusters, sample_weight : array-like of shape (n,), optional
        Clusters and weights of scores that are plain numbers.

    Returns
    -------
    EffectProjection

    Raises
    ------
    InputError
        If rows differ in number, or the columns are collinear.

    Notes
    -----
    **Assumes:** what the scores assume; that the columns were fixed before outcomes were seen. The
    line need not be true: it is the best one.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> age = rng.normal(size=2000)
    >>> line = project_effects({"age": age}, 1 + 2 * age + rng.normal(size=2000))
    >>> line.names, line.values.round(1)
    (('constant', 'age'), array([1., 2.]))
    """
    found = as_scores(scores, judged=columns, clusters=clusters, sample_weight=sample_weight)
    table = as_table(columns)
    if table.n_rows != found.n_obs:
        raise InputError(
            f"the columns have {table.n_rows} rows, the scores {found.n_obs}; expected equally "
            "many. Select the rows of both alike."
        )
    check_complete(table, who="a projection")
    design, labels = table.design(table.names)
    design = np.column_stack([np.ones(found.n_obs), design])
    values, covariance = _least_squares(found, design, (_CONSTANT, *labels))
    return EffectProjection((_CONSTANT, *labels), values, covariance, found.df, found.n_obs)


def calibrate_effects(
    predicted: ConditionalEffects | ArrayLike,
    scores: EffectScores | Effect | ArrayLike,
    *,
    clusters: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
) -> EffectProjection:
    """Compare predicted effects with doubly robust scores of the same rows.

    Parameters
    ----------
    predicted : ConditionalEffects or array-like of shape (n,)
        Learnt from other rows, or by `predict_out_of_fold(..., sequential=True)`.
    scores : Effect of AIPW, EffectScores, or array-like of shape (n,)
    clusters, sample_weight : array-like of shape (n,), optional
        Clusters and weights of scores that are plain numbers.

    Returns
    -------
    EffectProjection
        Two coefficients, both 1 for perfect predictions: "mean" (is the average right) and
        "spread" (do the effects differ as the predictions do). The p-values of the table are of
        the hypothesis 1, "calibrated"; `p_value("spread", 0, alternative="greater")` asks whether
        the predictions have found heterogeneity.

    Raises
    ------
    InputError
        If rows differ in number, or all predictions are equal, or they average to zero.

    Notes
    -----
    **Assumes:** what the scores assume, and predictions learnt from other rows: in sample, overfit
    predictions look perfect.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> effect = 1 + rng.random(2000)
    >>> found = calibrate_effects(effect, effect + rng.normal(size=2000))
    >>> bool(1 in found.interval("mean")), bool(1 in found.interval("spread"))
    (True, True)
    """
    found = as_scores(scores, judged=predicted, clusters=clusters, sample_weight=sample_weight)
    found = scores_for(predicted, found)
    values = predicted.values if isinstance(predicted, ConditionalEffects) else predicted
    try:
        guess = np.array(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError(
            f"the predictions are a {type(values).__name__}; expected one number a row. Give "
            "predicted effects, or those of effects_at(X)."
        ) from None
    if guess.shape != (found.n_obs,) or not np.isfinite(guess).all():
        raise InputError(
            f"the predictions have shape {guess.shape} or are not all finite; expected "
            f"{found.n_obs} numbers, one for each score."
        )
    mean = found.mean(guess)
    around = guess - mean
    if np.ptp(guess) == 0 or abs(mean) < 1e-12 * np.abs(guess).max():
        raise InputError(
            "the predictions are all equal, or average to exactly zero; expected effects that "
            "differ, around a mean that is not zero. Use project_effects(columns, scores)."
        )
    design = np.column_stack([np.full(found.n_obs, mean), around])
    coefficients, covariance = _least_squares(found, design, ("mean", "spread"))
    tail = EffectProjection(("mean", "spread"), coefficients, covariance, found.df, found.n_obs)
    one_sided = tail.p_value("spread", alternative="greater")
    return EffectProjection(
        tail.names,
        coefficients,
        covariance,
        found.df,
        found.n_obs,
        title="Calibration of predicted effects (1 and 1: calibrated)",
        nulls=(1.0, 1.0),
        notes=(
            f"p-value of 'no heterogeneity found' (spread at most 0): {format_value(one_sided)}.",
            "The p-values in the table are of the hypothesis that the coefficient is 1.",
        ),
    )


def _least_squares(
    scores: EffectScores, design: FloatArray, names: tuple[str, ...]
) -> tuple[FloatArray, FloatArray]:
    """Weighted least squares with HC3 or, of clusters, HC1-type covariance."""
    shares = scores.shares
    root = np.sqrt(shares)[:, None]
    scale = np.sqrt(shares @ design**2)
    scale[scale == 0] = 1.0
    q, r = np.linalg.qr(root * design / scale)
    if scores.n_obs <= len(names) or np.abs(np.diag(r)).min() < 1e-10:
        k = int(np.argmin(np.abs(np.diag(r))))
        raise InputError(
            f"column {names[k]!r} follows from the others (or there are fewer rows than columns); "
            "expected columns of which none is a sum of others. Leave it out."
        )
    inverse = np.linalg.inv(r) / scale[:, None]
    values: FloatArray = inverse @ (q.T @ (root[:, 0] * scores.values))
    residuals = scores.values - design @ values
    n, k = design.shape
    bread = inverse @ inverse.T
    if scores.groups is None:
        left = 1 - np.sum(q**2, axis=1)
        residuals = residuals / np.maximum(left, _NEARLY_FITTED)
    else:
        residuals = residuals * np.sqrt((n - 1) / (n - k))
    influences = residuals[:, None] * (design @ bread)
    return values, scores.covariance(influences)
