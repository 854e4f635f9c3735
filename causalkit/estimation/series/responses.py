"""`ImpulseResponse`: the effect of one variable on another, step after step.

An impulse response is a list of effects: of X[t], of X[t-1], of X[t-2], … on Y[t]. Each has an
estimand of its own, so each is estimated by its own regression (*local projection*, Jordà 2005):
no model of the whole system is iterated, and an error in one equation stays there. What is new is
what they have in common:

* **one covariance.** The influences of all estimates are laid side by side, at the step of the
  treatment, and their long-run covariance is taken at once. At that step, not at the outcome's:
  what is left of treatment after adjustment is news, and products with news are hardly correlated
  from step to step, however far the outcome lies ahead (Montiel Olea & Plagborg-Møller 2021).
* **two kinds of interval.** The pointwise one covers the response at one horizon. The band covers
  the whole curve with the stated probability: estimates ± q · s.e., with q the quantile of the
  largest absolute t over all horizons (*sup-t*), which is narrower than Bonferroni's.

References
----------
Jordà, Ò. (2005). Estimation and inference of impulse responses by local projections. AER 95(1),
161-182. https://doi.org/10.1257/0002828053828518
Montiel Olea, J. L., Plagborg-Møller, M. (2019), "Simultaneous confidence bands: theory,
implementation, and an application to SVARs". J. Applied Econometrics 34(1), 1-17.
https://doi.org/10.1002/jae.2656
Montiel Olea, J. L., Plagborg-Møller, M. (2021). Local projection inference is simpler and more
robust than you think. Econometrica 89(4), 1789-1823. https://doi.org/10.3982/ECTA18756
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from causalkit._core.checks import check_fraction
from causalkit._core.report import Report, Reported, format_value
from causalkit.errors import InputError
from causalkit.estimation.api import estimate_series
from causalkit.estimation.base import EffectEstimator
from causalkit.estimation.effect import Effect, quantile
from causalkit.estimation.effect_set import EffectSet
from causalkit.estimation.series.lagged import read_series
from causalkit.estimation.series.serial import HAC
from causalkit.estimation.simultaneous import sup_quantile
from causalkit.graph.lagged import as_lagged
from causalkit.identification.estimand import AdjustmentEstimand, Estimand, NoEffectEstimand
from causalkit.typing import Data, FloatArray, IntArray, Name, RandomState

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["ImpulseResponse", "estimate_response"]


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class ImpulseResponse(Reported):
    """Effects of a treatment on an outcome after 0, 1, 2, … steps.

    Attributes
    ----------
    treatment, outcome : str or int
    kind : {"pulse", "sustained", "cumulative"}
        What happens: one unit more for one step, or from then on; or the sum of the responses to a
        pulse so far.
    horizons : ndarray of int, shape (n,)
        Steps since the treatment began.
    values : ndarray of shape (n,)
    covariance : ndarray of shape (n, n)
        Of the estimates; zero where the graph implies the effect.
    df : float or None
        Degrees of freedom of the covariance; None for the normal distribution.
    effects : tuple of Effect
        Horizon by horizon, each with its estimand; those of a cumulative response are of the pulse.
    details : mapping
    """

    treatment: Name
    outcome: Name
    kind: str
    horizons: IntArray
    values: FloatArray
    covariance: FloatArray
    df: float | None = None
    effects: tuple[Effect, ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict)

    @property
    def std_errors(self) -> FloatArray:
        """Standard errors, shape (n,)."""
        errors: FloatArray = np.sqrt(np.diag(self.covariance))
        return errors

    def interval(self, level: float = 0.95) -> tuple[FloatArray, FloatArray]:
        """Lower and upper ends, pointwise: each covers its own effect.

        Parameters
        ----------
        level : float
        """
        half = quantile(0.5 + check_fraction(level, "level") / 2, self.df) * self.std_errors
        return self.values - half, self.values + half

    def band(self, level: float = 0.95) -> tuple[FloatArray, FloatArray]:
        """Lower and upper ends of a band that covers the whole curve (sup-t).

        Parameters
        ----------
        level : float
        """
        half = self.critical_value(level) * self.std_errors
        return self.values - half, self.values + half

    def critical_value(self, level: float = 0.95) -> float:
        """Standard errors to either side of the estimates that make the band.

        As of any other effects, see :func:`~causalkit.estimation.simultaneous.sup_quantile`.
        """
        return sup_quantile(self.covariance, level, self.df)

    def cumulative(self) -> ImpulseResponse:
        """Sums of the responses so far: the effect of a pulse on the sum of the outcome.

        Raises
        ------
        InputError
            If this is not the response to a pulse.
        """
        if self.kind != "pulse":
            raise InputError(
                f"this is the {self.kind} response; expected that to a pulse, whose sums are the "
                "cumulative one. Ask for kind='pulse'."
            )
        summing = np.tri(len(self.values))
        return replace(
            self,
            kind="cumulative",
            values=summing @ self.values,
            covariance=summing @ self.covariance @ summing.T,
        )

    @property
    def sentence(self) -> str:
        """The result in one sentence."""
        change = "a lasting change" if self.kind == "sustained" else "a pulse"
        summed = ", summed up," if self.kind == "cumulative" else ""
        peak = int(np.argmax(np.abs(self.values)))
        largest = f"{self.horizons[peak]} steps, {format_value(float(self.values[peak]))}"
        found = f"largest after {largest}" if self.values.any() else "none at any horizon"
        return f"Response of {self.outcome}{summed} to {change} of {self.treatment}: {found}"

    def to_frame(self, level: float = 0.95) -> pd.DataFrame:
        """Return one row a horizon: effect, std_error, interval and band."""
        import pandas as pd

        (lower, upper), (band_lower, band_upper) = self.interval(level), self.band(level)
        columns = {
            "effect": self.values,
            "std_error": self.std_errors,
            "lower": lower,
            "upper": upper,
            "band_lower": band_lower,
            "band_upper": band_upper,
        }
        return pd.DataFrame(columns, index=pd.Index(self.horizons, name="horizon"))

    def plot(self, ax: Axes | None = None, **style: Any) -> Axes:
        """Draw the curve with its intervals and its band."""
        from causalkit.plotting.impulse_response import plot_impulse_response

        return plot_impulse_response(self, ax=ax, **style)

    def __len__(self) -> int:
        return len(self.horizons)

    def __getitem__(self, horizon: int) -> Effect:
        return self.effects[horizon]

    def _report(self) -> Report:
        intervals, bands = np.column_stack(self.interval()), np.column_stack(self.band())
        estimated = [effect for effect in self.effects if not effect.implied]
        return Report(
            title=self.sentence,
            facts=[
                ("method", estimated[0].method if estimated else "implied by the graph"),
                ("steps", max((effect.n_obs for effect in estimated), default=0)),
            ],
            columns=("after", "effect", "std. error", "lower", "upper", "band from", "to"),
            rows=[
                (int(h), float(v), float(s), *map(float, i), *map(float, b))
                for h, v, s, i, b in zip(
                    self.horizons, self.values, self.std_errors, intervals, bands, strict=True
                )
            ],
            notes=["An interval covers its own effect, the band the whole curve (both 95 %)."],
        )


def estimate_response(
    estimands: Sequence[Estimand],
    data: Data,
    estimator: EffectEstimator | None = None,
    *,
    kind: str = "pulse",
    clusters: Name | ArrayLike | None = None,
    panel: Name | None = None,
    time: Name | None = None,
    mask: Name | None = None,
    random_state: RandomState = 0,
) -> ImpulseResponse:
    """Estimate effects after 0, 1, 2, … steps, and their joint covariance.

    Parameters
    ----------
    estimands : sequence of AdjustmentEstimand or NoEffectEstimand
        One a horizon, of one treatment and one outcome, from a graph of series.
    data : series
    estimator : EffectEstimator, optional
        `OLS()` if left out. It needs influences, so no bootstrap.
    kind : {"pulse", "sustained"}
        What the estimands are about.
    clusters, random_state, panel, time, mask
        As in :func:`~causalkit.estimation.estimate`.

    Returns
    -------
    ImpulseResponse

    Raises
    ------
    InputError
        If an estimand is another one, the estimator has no influences, or data are too short.

    Notes
    -----
    **Assumes:** what each estimand's `assumptions` and the estimator's notes list.
    """
    series, by_subject = read_series(data, panel=panel, time=time, mask=mask, clusters=clusters)
    effects: list[Effect] = []
    for estimand in estimands:
        if not isinstance(estimand, (AdjustmentEstimand, NoEffectEstimand)):
            raise InputError(
                f"a response got a {type(estimand).__name__} at a horizon; expected one answer at "
                "each. Take one graph of the class, such as one of `PossibleEffects.classes`."
            )
        effect = estimate_series(estimand, series, estimator, random_state, by_subject=by_subject)
        if isinstance(effect, EffectSet) or (effect.influence is None and not effect.implied):
            raise InputError(
                f"{type(estimator).__name__} gives several effects, or one without an influence, "
                "at a horizon; expected one effect with an influence, from which the joint "
                "covariance is made. Use one contrast, and no bootstrap."
            )
        effects.append(effect)
    subject = series.subject if by_subject else None
    covariance, df, facts = _joint(effects, subject, series.n_rows)
    query = estimands[0].query
    return ImpulseResponse(
        treatment=as_lagged(query.treatment[0]).name,
        outcome=as_lagged(query.outcome[0]).name,
        kind=kind,
        horizons=np.arange(len(effects)),
        values=np.array([effect.value for effect in effects]),
        covariance=covariance,
        df=df,
        effects=tuple(effects),
        details=facts,
    )


def _joint(
    effects: list[Effect], subject: IntArray | None, n_rows: int
) -> tuple[FloatArray, float | None, dict[str, Any]]:
    """Covariance of all estimates, from their influences at the step of the treatment."""
    known = [
        (h, effect.influence / effect.n_obs, effect.problem.steps.place - h, effect)
        for h, effect in enumerate(effects)
        if effect.influence is not None
        and effect.problem is not None
        and effect.problem.steps is not None
    ]
    if not known:
        return np.zeros((len(effects), len(effects))), None, {}
    place = np.unique(np.concatenate([where for _, _, where, _ in known]))
    parts = np.zeros((len(place), len(effects)))
    for h, part, where, _ in known:
        parts[np.searchsorted(place, where), h] = part
    if subject is not None:
        # A place is the number of a row, plus n_rows for each run before it.
        codes = np.unique(subject[place % n_rows], return_inverse=True)[1]
        sums = np.zeros((codes.max() + 1, len(effects)))
        np.add.at(sums, codes, parts)
        return sums.T @ sums, float(len(sums) - 1), {"clusters": len(sums)}
    inference = getattr(known[0][-1].estimator, "inference", None)
    if not isinstance(inference, HAC):
        return parts.T @ parts, None, {}
    covariance, df, bandwidth = inference.covariance(parts, place)
    return covariance, df, {"standard error": inference.words, "bandwidth": bandwidth}
