"""The check that a reviewer makes first: "what if there is something you did not measure?"."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from causalkit._core.checks import check_fraction
from causalkit._core.report import format_value
from causalkit.errors import InputError, UnknownVariableError
from causalkit.estimation.effect import Effect
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
from causalkit.refutation.hidden_bias import Benchmark, HiddenBias
from causalkit.refutation.leftovers import APPROXIMATE, REDUCED
from causalkit.refutation.sensitivity_analysis import sensitivity
from causalkit.typing import Name

__all__ = ["HiddenCommonCause"]


_NO_MOVE: Final = 0.1
"""Standard errors by which a yardstick must move the estimate to be one."""


@dataclass(frozen=True, slots=True)
class HiddenCommonCause:
    """Ask whether a hidden cause as strong as the strongest measured one overturns the effect.

    Parameters
    ----------
    benchmark : name or tuple of names, optional
        Measured column(s) to compare with, together; by default the strongest one.
    times : float
        How many times as strong as that the hidden cause is.
    level : float
        Of the interval.
    n_benchmarks : int
        For a cross-fitted effect, which must be estimated again without each column: how many
        columns to try, those first that matter most in a linear regression.

    Notes
    -----
    **Assumes:** the hidden cause is no effect of the treatment. Exact for OLS; for PLR and AIPW the
    bounds of Chernozhukov et al. (2022); for other estimators a linear approximation, which the
    result says.

    The full picture (robustness values, bounds, contours) is in `details["hidden_bias"]`, and comes
    from :func:`~causalkit.refutation.sensitivity_analysis.sensitivity`.

    References
    ----------
    Cinelli & Hazlett (2020), "Making sense of sensitivity: extending omitted variable bias", JRSS-B
    82, 39-67. doi:10.1111/rssb.12348
    """

    benchmark: Name | tuple[Name, ...] | None = None
    times: float = 1.0
    level: float = 0.95
    n_benchmarks: int = 5

    def __post_init__(self) -> None:
        check_fraction(self.level, "level")
        if not self.times > 0:
            raise InputError(f"times={self.times!r}; expected a positive number, 1 for as strong.")

    @property
    def name(self) -> str:
        """The check, in words."""
        return "hidden common cause"

    @property
    def question(self) -> str:
        """What it asks."""
        return "How strong must a hidden common cause be to bring the interval of the effect to 0?"

    def challenge(
        self,
        effect: Effect,
        *,
        n_simulations: int,  # noqa: ARG002
        rng: np.random.Generator,
        n_jobs: int | None = None,
    ) -> Challenge:
        """Compare a hidden cause with what was measured."""
        if reason := beyond_reach(effect):
            return not_informative(self, reason)
        if reason := not_zero(effect):
            return not_informative(self, reason)
        if type(effect.problem) is not Problem:
            return not_informative(
                self, "The effect does not rest on adjustment, which is what this check is about."
            )
        try:
            bias = sensitivity(
                effect,
                benchmarks=None if self.benchmark is None else [self.benchmark],
                times=self.times,
                n_benchmarks=self.n_benchmarks,
                random_state=rng,
                n_jobs=n_jobs,
            )
        except UnknownVariableError:
            raise
        except InputError as error:
            return not_informative(self, f"{error}")
        return self._judge(bias)

    def _judge(self, bias: HiddenBias) -> Challenge:
        value = bias.robustness_value()
        sure = bias.robustness_value(alpha=1 - self.level)
        strongest = bias.benchmarks[0] if bias.benchmarks else None
        verdict, sentence = self._words(bias, strongest, value, sure)
        if bias.formula == APPROXIMATE:
            sentence += " (Bounds are a linear approximation for this estimator.)"
        if bias.formula.startswith(REDUCED):
            sentence = (
                "Of the instrument in place of the treatment, so on the scale of its own effect on "
                f"the outcome, {format_value(bias.estimate)}: {sentence}"
            )
        facts = {
            "robustness_value": value,
            f"robustness_value_{self.level:.0%}": sure,
            "formula": bias.formula,
            "hidden_bias": bias,
        }
        if strongest is None:
            return Challenge(
                self.name, self.question, verdict, sentence, details=facts, is_test=False
            )
        strength = strongest.r2_outcome, strongest.r2_treatment
        interval = bias.interval(*strength, level=self.level)
        facts |= {
            "benchmark": strongest.label,
            "benchmark_r2_outcome": strength[0],
            "benchmark_r2_treatment": strength[1],
            "interval": f"{format_value(interval.lower)} to {format_value(interval.upper)}",
        }
        half = interval.width / 2 / bias._quantile(self.level)
        return Challenge(
            self.name,
            self.question,
            verdict,
            sentence,
            estimate=bias.adjusted(*strength),
            std_error=float(half),
            details=facts,
            is_test=False,
        )

    def _words(
        self, bias: HiddenBias, strongest: Benchmark | None, value: float, sure: float
    ) -> tuple[Verdict, str]:
        level = f"{self.level:.0%} interval"
        if 0 in bias.interval(0.0, 0.0, level=self.level):
            return NOT_INFORMATIVE, (
                f"The {level} holds 0 already, so there is nothing for a hidden common cause to "
                "overturn."
            )
        needed = (
            f"a hidden common cause must explain {sure:.1%} of what is left of both treatment and "
            f"outcome to bring the {level} to 0 ({value:.1%} for the estimate)"
        )
        asked = self.benchmark is not None or self.times != 1
        if strongest is not None and strongest.r2_outcome >= 1 and not asked:
            # At the ceiling the bound is that of the worst case: nothing passes, however sound.
            return NOT_INFORMATIVE, (
                f"{_capital(needed)}. {strongest.label} is too strong a yardstick: a "
                "cause like it could explain all that is left of the outcome. Compare with a "
                "weaker column, HiddenCommonCause(benchmark=...), or judge by what you know."
            )
        if strongest is None:
            return NOT_INFORMATIVE, (
                f"{_capital(needed)}; no column was measured to compare that with, so judge it by "
                "what you know."
            )
        strength = strongest.r2_outcome, strongest.r2_treatment
        if not asked and abs(bias.adjusted(*strength) - bias.estimate) < _NO_MOVE * bias.std_error:
            return NOT_INFORMATIVE, (
                f"{_capital(needed)}. {strongest.label}, the strongest measured column compared "
                "with, explains next to nothing itself, so it is no yardstick. Judge by what you "
                "know, or compare with a column that matters, HiddenCommonCause(benchmark=...)."
            )
        interval = bias.interval(*strength, level=self.level)
        shown = f"{format_value(interval.lower)} to {format_value(interval.upper)}"
        like = f"One as strong as {strongest.label}, the strongest measured column compared with,"
        if asked:
            like = f"One as strong as {strongest.label}"
        if 0 in interval or np.sign(interval.lower) != np.sign(bias.estimate):
            return FAILS, (
                f"{_capital(needed)}. {like} would move it to {shown}: argue why there is none, "
                "measure it, or report the effect as uncertain."
            )
        return PASSES, (
            f"{_capital(needed)}. {like} would leave it at {shown}. Passing does not show that "
            "there is no hidden common cause, only that it would have to be stronger."
        )


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]
