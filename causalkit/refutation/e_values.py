"""E-values: how strongly a hidden common cause would have to be tied to treatment and outcome.

For a two-level outcome the effect can be told as a risk ratio RR. The E-value is the least risk
ratio that a hidden common cause would need with treatment *and* with outcome, beyond the adjusted
columns, to explain RR away entirely:

    E = RR + √(RR (RR − 1))            (for RR < 1, take 1/RR first)

and the E-value of the interval is that of its end nearer to 1, or 1 if the interval holds 1. It
follows from the largest bias that risk ratios a (with the treatment) and b (with the outcome) can
do, the bounding factor a·b / (a + b − 1), at a = b.

>>> print(f"{e_value(3.9):.2f}, {e_value_of_interval(1.8, 8.7):.2f}")    # breast-feeding study
7.26, 3.00

References
----------
VanderWeele & Ding (2017), "Sensitivity analysis in observational research: introducing the
E-value", Ann. Intern. Med. 167, 268-274. doi:10.7326/M16-2607
Ding & VanderWeele (2016), "Sensitivity analysis without assumptions", Epidemiology 27, 368-377.
doi:10.1097/EDE.0000000000000457
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from causalkit._core.checks import check_fraction
from causalkit.errors import InputError
from causalkit.estimation.contrasts import contrast_of
from causalkit.estimation.effect import Effect, Interval
from causalkit.estimation.problem import Problem
from causalkit.refutation.base import (
    FAILS,
    NOT_INFORMATIVE,
    PASSES,
    Challenge,
    Verdict,
    beyond_reach,
    not_informative,
    not_zero,
)
from causalkit.refutation.leftovers import estimator_of, problem_of
from causalkit.refutation.refits import refit
from causalkit.typing import BoolArray, FloatArray

__all__ = ["EValue", "bounding_factor", "e_value", "e_value_of_interval"]


def e_value(risk_ratio: float) -> float:
    """E-value of a risk ratio.

    Parameters
    ----------
    risk_ratio : float
        Positive; ratios below 1 are inverted.

    Returns
    -------
    float
        At least 1.

    Examples
    --------
    >>> print(f"{e_value(0.80):.2f}")
    1.81
    """
    if not (np.isfinite(risk_ratio) and risk_ratio > 0):
        raise InputError(
            f"risk_ratio={risk_ratio!r}; expected a positive number, 1 for no effect. "
            "Take the exponential of a log risk ratio first."
        )
    ratio = max(risk_ratio, 1 / risk_ratio)
    return float(ratio + np.sqrt(ratio * (ratio - 1)))


def e_value_of_interval(lower: float, upper: float) -> float:
    """E-value of the end of an interval that is nearer to 1.

    Parameters
    ----------
    lower, upper : float
        Confidence limits of the risk ratio; the lower one may be 0.

    Returns
    -------
    float
        1 if the interval holds 1: nothing needs to be explained away.

    Examples
    --------
    >>> print(f"{e_value_of_interval(0.71, 0.91):.2f}")
    1.43
    """
    if not 0 <= lower <= upper:
        raise InputError(f"interval ({lower!r}, {upper!r}); expected 0 ≤ lower ≤ upper.")
    if lower <= 1 <= upper:
        return 1.0
    return e_value(lower if lower > 1 else upper)


def bounding_factor(with_treatment: float, with_outcome: float) -> float:
    """Largest factor by which a common cause with these risk ratios (≥ 1) can distort another.

    Parameters
    ----------
    with_treatment, with_outcome : float
        Risk ratios of the common cause with either, 1 or more.

    Returns
    -------
    float
        At least 1.

    Examples
    --------
    >>> bounding_factor(2.0, 2.0)
    1.3333333333333333
    """
    for value in (with_treatment, with_outcome):
        if not value >= 1:
            raise InputError(f"risk ratio {value!r}; expected at least 1: invert those below.")
    if np.isinf(with_treatment):
        return with_outcome
    if np.isinf(with_outcome):
        return with_treatment
    return with_treatment * with_outcome / (with_treatment + with_outcome - 1)


@dataclass(frozen=True, slots=True)
class EValue:
    """Ask how strongly, as a risk ratio, a hidden common cause must be tied to both.

    Parameters
    ----------
    level : float
        Of the interval.

    Notes
    -----
    **Assumes:** a two-level outcome and a discrete treatment. The estimate is a difference d of
    risks. Over the rows of the two arms compared, the risk without treatment is taken as
    mean(y) − d · (share treated), which assumes that the effect is on average the same for those
    treated as for all; the risk with treatment is d more. For the effect on the treated both are
    theirs, without that assumption. The interval of log RR comes from the influence functions.

    Verdict: fails if a hidden common cause tied to both as strongly as the strongest measured
    column (split at its median, not adjusted for the others, which overstates it) could move the
    interval to 1. Not informative without a measured column, or if the interval already holds 1.
    """

    level: float = 0.95

    def __post_init__(self) -> None:
        check_fraction(self.level, "level")

    @property
    def name(self) -> str:
        """The check, in words."""
        return "E-value"

    @property
    def question(self) -> str:
        """What it asks."""
        return (
            "How strongly, as a risk ratio, must a hidden common cause be tied to treatment and "
            "outcome to explain the effect away?"
        )

    def challenge(
        self,
        effect: Effect,
        *,
        n_simulations: int,  # noqa: ARG002
        rng: np.random.Generator,  # noqa: ARG002
        n_jobs: int | None = None,  # noqa: ARG002
    ) -> Challenge:
        """Compute the E-value of the estimate and of its interval."""
        if reason := beyond_reach(effect):
            return not_informative(self, reason)
        if reason := not_zero(effect):
            return not_informative(self, reason)
        problem = effect.problem
        if problem is not None and problem.others:
            return not_informative(
                self,
                "The effect does not rest on adjustment alone, which is what E-values are about. "
                "Of an effect by one instrument, challenge reduced_form(effect).",
            )
        if problem is None or not problem.binary_outcome or problem.levels is None:
            return not_informative(
                self,
                "The E-value speaks of risk ratios, so it needs a two-level outcome and a discrete "
                "treatment: see the hidden common cause check instead.",
            )
        arms = _arms(effect, problem)
        ratio, interval = risk_ratio(effect, arms, self.level)
        if not (np.isfinite(ratio) and np.isfinite(interval.upper)):
            return not_informative(
                self,
                "The estimated risks are not between 0 and 1, so there is no risk ratio: use an "
                "estimator that keeps them there, such as GComputation.",
            )
        return self._judge(problem, arms, ratio, interval)

    def _judge(
        self, problem: Problem, arms: FloatArray, ratio: float, interval: Interval
    ) -> Challenge:
        limit = e_value_of_interval(*interval)
        strongest = _strongest_column(problem, arms)
        verdict, sentence = self._words(ratio, interval, limit, strongest)
        facts = {
            "risk_ratio": ratio,
            "interval": f"{interval.lower:.3g} to {interval.upper:.3g}",
            "e_value": e_value(ratio),
            "e_value_of_interval": limit,
        }
        if strongest is not None:
            label, with_treatment, with_outcome = strongest
            facts["strongest_measured_column"] = (
                f"{label}: {with_treatment:.2f} with the treatment, {with_outcome:.2f} with the "
                "outcome"
            )
        return Challenge(self.name, self.question, verdict, sentence, details=facts, is_test=False)

    def _words(
        self,
        ratio: float,
        interval: Interval,
        limit: float,
        strongest: tuple[str, float, float] | None,
    ) -> tuple[Verdict, str]:
        if limit == 1:
            return NOT_INFORMATIVE, (
                f"The interval of the risk ratio ({interval.lower:.2f} to {interval.upper:.2f}) "
                "holds 1 already, so there is nothing to explain away."
            )
        needed = (
            f"To explain the risk ratio of {ratio:.2f} away, a hidden common cause would have to "
            f"be tied to treatment and to outcome by risk ratios of {e_value(ratio):.2f} each "
            f"({limit:.2f} to move the interval to 1)"
        )
        if strongest is None:
            return NOT_INFORMATIVE, (
                f"{needed}; no column was measured to compare that with, so judge it by what you "
                "know."
            )
        label, with_treatment, with_outcome = strongest
        edge = interval.lower if interval.lower > 1 else 1 / interval.upper
        seen = f"{label} has {with_treatment:.2f} and {with_outcome:.2f}"
        if bounding_factor(with_treatment, with_outcome) >= edge:
            return FAILS, (
                f"{needed}; {seen}, so another cause like it would be enough. Argue why there is "
                "none, or measure it."
            )
        return PASSES, (
            f"{needed}; the strongest measured column is weaker: {seen}. Whether something "
            "stronger was not measured, no data can say."
        )


# --- arithmetic ----------------------------------------------------------------------------------


def risk_ratio(effect: Effect, arms: FloatArray, level: float) -> tuple[float, Interval]:
    """Risk ratio and its interval; `arms` is 1 (treated), 0 (control) or NaN (another level)."""
    problem = effect.problem
    if problem is None:
        raise InputError("the effect carries no data; estimate it again.")
    d, y, w = effect.value, problem.y, problem.weights
    # The effect on the treated is told among the treated, any other among both arms.
    treated_only = getattr(effect.estimator, "target", "ATE") == "ATT"
    inside = arms == 1 if treated_only else ~np.isnan(arms)
    w = np.where(inside, w, 0.0)
    w = w / w.mean()
    share = float(np.mean(w * np.where(inside, arms, 0.0)))
    control = float(np.mean(w * y)) - d * share
    treated = control + d
    if not (0 < control < 1 and 0 < treated < 1):
        return np.nan, Interval(np.nan, np.nan, level)
    # control = ȳ − d·share, so its influence follows by the product rule.
    scores = np.where(inside, y - np.mean(w * y) - d * (np.where(inside, arms, 0.0) - share), 0.0)
    rows_inside = np.average(inside, weights=problem.weights)
    on_effect = _influence(effect)
    on_control = estimator_of(effect).influence(problem, scores / rows_inside) - share * on_effect
    on_treated = on_control + on_effect
    on_ratio = on_treated / treated - on_control / control
    spread, df = estimator_of(effect).spread(on_ratio, problem)
    log_ratio = np.log(treated / control)
    lower, upper = np.exp(np.array([*Interval.around(log_ratio, spread, level, df)]))
    return float(treated / control), Interval(float(lower), float(upper), level)


def _influence(effect: Effect) -> FloatArray:
    """Influence of each row; of a bootstrapped effect the formula's, scaled to its spread."""
    if effect.influence is not None:
        return effect.influence
    formula = refit(effect.estimator, problem_of(effect), np.random.default_rng(0), keep_seed=True)
    if formula.influence is None:
        raise InputError("the effect has no influence; expected one from estimate() or fit().")
    scaled: FloatArray = formula.influence * (effect.std_error / formula.std_error)
    return scaled


def _arms(effect: Effect, problem: Problem) -> FloatArray:
    control, treated = contrast_of(problem, getattr(effect.estimator, "contrast", None))
    arms = np.full(problem.n_obs, np.nan)
    arms[problem.t == control] = 0.0
    arms[problem.t == treated] = 1.0
    return arms


def _strongest_column(problem: Problem, arms: FloatArray) -> tuple[str, float, float] | None:
    """Label and risk ratios of the measured column that could distort most."""
    inside = ~np.isnan(arms)
    y, t, w = problem.y[inside], arms[inside] == 1, problem.weights[inside]
    found: list[tuple[float, str, float, float]] = []
    for label, column in zip(problem.adjustment, problem.X[inside].T, strict=True):
        high = column > np.median(column)
        if not high.any():
            high = column >= np.median(column)
        if high.all() or not high.any():
            continue
        with_treatment = _ratio(_rate(high, t, w), _rate(high, ~t, w))
        with_treatment = max(with_treatment, _ratio(_rate(~high, t, w), _rate(~high, ~t, w)))
        with_outcome = max(
            _ratio(_rate(y == 1, high & arm, w), _rate(y == 1, ~high & arm, w)) for arm in (t, ~t)
        )
        factor = bounding_factor(with_treatment, with_outcome)
        found.append((factor, label, with_treatment, with_outcome))
    if not found:
        return None
    _, label, with_treatment, with_outcome = max(found)
    return label, with_treatment, with_outcome


def _rate(event: BoolArray, among: BoolArray, w: FloatArray) -> float:
    """Share of an event, half a case added to both sides so that zeros divide."""
    scale = len(w) / float(w.sum())
    cases = scale * float(w[event & among].sum())
    return (cases + 0.5) / (scale * float(w[among].sum()) + 1.0)


def _ratio(a: float, b: float) -> float:
    return max(a / b, b / a)
