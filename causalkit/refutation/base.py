"""`Challenge`: a question put to an estimate, and what came of it.

A check states a **null hypothesis** that holds if the analysis is sound, tries to break it, and
returns one of three verdicts:

* **fails** — the null is rejected: something is wrong, and the sentence says what to look at;
* **passes** — the null stands, *and* the check had a fair chance (power ≥ 1/2) to reject it had the
  analysis been bad enough to matter;
* **not informative** — it does not apply here, or it could not have found anything. This is not a
  polite word for either of the others.

No check can show that an effect is causal. Those that refit (placebo, subset, …) look for faults in
estimation; hidden common causes are beyond them, and are the business of the sensitivity checks,
which do not say *whether* there is one but *how strong* it would have to be.

A check is a frozen value of settings with a method `challenge`. A new one is a new class; nothing
is registered anywhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np
from scipy import stats

from causalkit._core.report import Report, Reported, format_value
from causalkit.estimation.effect import Effect
from causalkit.typing import FloatArray

__all__ = ["FAILS", "NOT_INFORMATIVE", "PASSES", "Challenge", "Check", "Verdict", "beyond_reach"]

Verdict = Literal["passes", "fails", "not informative"]

PASSES: Verdict = "passes"
FAILS: Verdict = "fails"
NOT_INFORMATIVE: Verdict = "not informative"


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Challenge(Reported):
    """Outcome of one check.

    Attributes
    ----------
    name : str
        The check, in words.
    question : str
        What it asks, in plain words.
    verdict : {"passes", "fails", "not informative"}
    sentence : str
        What a reader should make of it.
    null : str
        The hypothesis that is tested.
    estimate, std_error : float or None
        The effect under challenge (mean over simulations) and the spread of one simulation.
    p_value : float or None
        Of the null hypothesis; None where nothing is tested.
    power : float or None
        Chance to reject, had the analysis the fault that `details["alternative"]` names.
    draws : ndarray of shape (n_simulations,) or None
        Estimates under challenge.
    details : mapping
        Further facts.
    is_test : bool
        Whether a sound analysis is expected to pass. A sensitivity check compares a hidden cause
        with measured ones instead: "fails" then says that the answer is fragile, not that it is
        wrong.
    """

    name: str
    question: str
    verdict: Verdict
    sentence: str
    null: str = ""
    estimate: float | None = None
    std_error: float | None = None
    p_value: float | None = None
    power: float | None = None
    draws: FloatArray | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    is_test: bool = True

    @property
    def passes(self) -> bool:
        """Whether the verdict is "passes"."""
        return self.verdict == PASSES

    @property
    def fails(self) -> bool:
        """Whether the verdict is "fails"."""
        return self.verdict == FAILS

    def _report(self) -> Report:
        power = None
        if self.power is not None:
            against = self.details.get("alternative")
            power = f"{self.power:.0%}" + (f" against {against}" if against else "")
        facts = [
            ("asks", self.question),
            ("null hypothesis", self.null or None),
            ("effect under challenge", self.estimate),
            ("spread", self.std_error),
            ("p-value", self.p_value),
            ("power", power),
            *(
                (key.replace("_", " "), format_value(value))
                for key, value in self.details.items()
                if key != "alternative" and isinstance(value, (str, int, float))
            ),
        ]
        return Report(
            title=f"{self.name}: {self.verdict}",
            facts=[(key, value) for key, value in facts if value is not None],
            notes=[self.sentence],
        )


@runtime_checkable
class Check(Protocol):
    """What every check has."""

    @property
    def name(self) -> str:
        """The check, in words."""

    @property
    def question(self) -> str:
        """What it asks, in plain words."""

    def challenge(
        self,
        effect: Effect,
        *,
        n_simulations: int,
        rng: np.random.Generator,
        n_jobs: int | None = None,
    ) -> Challenge:
        """Put the question to `effect`."""


def not_informative(check: Check, reason: str, **facts: Any) -> Challenge:
    """Return the verdict of a check that does not apply."""
    return Challenge(check.name, check.question, NOT_INFORMATIVE, reason, **facts)


def beyond_reach(effect: Effect) -> str:
    """Why an effect cannot be challenged by estimating again; empty if it can."""
    if effect.problem is None or effect.estimator is None:
        if effect.implied:
            return (
                "The effect is implied by the graph, not estimated from data, so there is no "
                "estimate to challenge: challenge the graph instead."
            )
        if effect.estimator is not None and effect.problem is None:
            return (
                "The rows were read by blocks and not kept, so nothing can be estimated again: "
                "estimate from rows in memory, of which a sample will do."
            )
        if effect.estimand is not None:
            return (
                "The effect is a formula in relative frequencies, and the checks estimate again by "
                "adjustment only: judge what the estimand lists under its assumptions."
            )
        return (
            "The effect carries no data and no estimator, so nothing can be estimated again: "
            "challenge an effect that came from estimate() or fit()."
        )
    if not (np.isfinite(effect.std_error) and effect.std_error > 0):
        return (
            f"The standard error is {format_value(effect.std_error)}, so distances cannot be "
            "judged: the outcome may be a function of treatment and adjustment columns."
        )
    return ""


def not_zero(effect: Effect) -> str:
    """Why an effect need not be zero where the treatment does nothing; empty if it must be."""
    if getattr(effect.estimator, "reading", "") == "means" or effect.details.get(
        "question", ""
    ).startswith("Mean "):
        return (
            "This is a mean outcome under a treatment, not an effect: nothing says that it should "
            "be zero. Challenge a difference of two, as AIPW estimates it."
        )
    return ""


# --- tests of interval nulls ---------------------------------------------------------------------
#
# With many simulations a point null ("the standard error is exactly right") is always rejected.
# What is tested is that the fault is no larger than a stated tolerance.


def as_normal(t: FloatArray, df: float | None) -> FloatArray:
    """Turn draws of Student's distribution into normal ones, quantile by quantile."""
    if df is None:
        return t
    tail = np.maximum(stats.t.sf(np.abs(t), df), np.finfo(np.float64).tiny)
    return np.asarray(np.sign(t) * stats.norm.isf(tail), dtype=np.float64)


def mean_p_value(z: FloatArray, tolerance: float) -> float:
    """Test |E z| ≤ tolerance for independent z of variance one; z has shape (n,)."""
    excess = max(0.0, abs(float(z.mean())) - tolerance)
    return float(min(1.0, 2 * stats.norm.sf(excess * np.sqrt(len(z)))))


def mean_power(shift: float, n: int, tolerance: float, alpha: float) -> float:
    """Chance that `mean_p_value` falls below `alpha` if E z = shift."""
    cut = tolerance * np.sqrt(n) + stats.norm.isf(alpha / 2)
    return float(
        stats.norm.sf(cut - shift * np.sqrt(n)) + stats.norm.cdf(-cut - shift * np.sqrt(n))
    )


def spread_p_value(sum_of_squares: float, df: int, tolerance: float) -> float:
    """Test sd ≤ tolerance, where sum of squares / sd² is χ² with `df` degrees of freedom."""
    return float(stats.chi2.sf(sum_of_squares / tolerance**2, df))


def spread_power(sd: float, df: int, tolerance: float, alpha: float) -> float:
    """Chance that `spread_p_value` falls below `alpha` at a true standard deviation `sd`."""
    return float(stats.chi2.sf(stats.chi2.isf(alpha, df) * (tolerance / sd) ** 2, df))
