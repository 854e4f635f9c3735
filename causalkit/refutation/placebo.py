"""Placebo treatment: a method must not find an effect of a treatment that does nothing.

Shuffle the treatment among the rows and estimate again. The true effect of a shuffled treatment is
zero, and its standardised estimates must look like draws from N(0, 1): mean zero, or the method
finds effects where there are none; spread one, or its standard errors are not to be trusted. A
shuffled treatment depends on nothing, so this says nothing about confounding.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy import stats

from causalkit._core.checks import check_fraction
from causalkit.estimation.effect import Effect
from causalkit.estimation.problem import Problem
from causalkit.refutation.base import (
    FAILS,
    NOT_INFORMATIVE,
    PASSES,
    Challenge,
    Verdict,
    as_normal,
    mean_p_value,
    mean_power,
    spread_p_value,
)
from causalkit.refutation.refits import Change, RefitCheck, Refits, paths_of, shuffled_rows
from causalkit.typing import FloatArray

__all__ = ["PlaceboTreatment", "shuffled_treatment"]


@dataclass(frozen=True, slots=True)
class PlaceboTreatment(RefitCheck):
    """Ask whether the method finds an effect of a treatment that does nothing.

    Parameters
    ----------
    n_simulations : int, optional
        Shuffles; None takes what `refute` was given. Power grows with its root: 20 detect a bias
        of 0.75 standard errors, or standard errors too small by a half; 100 detect 0.4, or a
        quarter.
    alpha : float
        Chance that a sound analysis fails, at most.

    Notes
    -----
    **Assumes:** rows are exchangeable. Where the treatment is constant within clusters, clusters
    are shuffled, not rows; units of a panel exchange their whole treatment; steps of series are not
    shuffled but moved on, all by one stretch of time, so that the treatment keeps its memory. The
    whole estimator is run again on every shuffle.

    The null hypothesis is tested with tolerance: the mean of the standardised placebo effects is
    within ±0.1, their spread at most 1.1. Where the interval is Student's (OLS, clusters),
    they are first brought to the normal scale by that distribution. Standard errors that are too
    *large* do not fail, but are mentioned.
    """

    reads_columns: ClassVar[bool] = False
    expects_zero: ClassVar[bool] = True

    n_simulations: int | None = None
    alpha: float = 0.01

    def __post_init__(self) -> None:
        check_fraction(self.alpha, "alpha")

    @property
    def name(self) -> str:
        """The check, in words."""
        return "placebo treatment"

    @property
    def question(self) -> str:
        """What it asks."""
        return "Does the method find an effect of a shuffled treatment, which has none?"

    def _change(self, problem: Problem, rng: np.random.Generator) -> Change | str:  # noqa: ARG002
        if "z" in problem.others and "selected" not in problem.others:
            return (
                "The effect rests on an instrument, and a shuffled treatment leaves it nothing to "
                "move. Of an effect by one instrument, challenge reduced_form(effect)."
            )
        if "unit" in problem.others and paths_of(problem) is None:
            return (
                "Units have different numbers of rows, so that their treatments cannot be "
                "exchanged. Take the rows of periods in which every unit is seen."
            )
        return shuffled_treatment

    def _judge(self, effect: Effect, refits: Refits) -> Challenge:
        z = as_normal(refits.values / refits.std_errors, effect.df)
        n, ratio = len(z), float(z.std(ddof=1))
        p_mean = mean_p_value(z, 0.1)
        p_spread = spread_p_value((n - 1) * ratio**2, n - 1, 1.1)
        wide = stats.chi2.cdf((n - 1) * (ratio / 0.9) ** 2, n - 1) < self.alpha
        p_value = min(1.0, 2 * min(p_mean, p_spread))
        size = abs(effect.value) / float(refits.std_errors.mean())
        power = mean_power(size, n, 0.1, self.alpha / 2)
        verdict, sentence = self._words(z, p_mean, p_spread, p_value, power, wide)
        return self._found(
            refits,
            (verdict, sentence),
            null="placebo effects are zero on average, and spread as their standard errors say",
            p_value=p_value,
            power=power,
            details={
                "alternative": "a bias as large as the estimate",
                "placebos": n,
                "mean_z": float(z.mean()),
                "spread_over_std_error": ratio,
                "intervals_that_cover_zero": f"{np.mean(np.abs(z) <= 1.96):.0%} (95 % expected)",
            },
        )

    def _words(
        self,
        z: FloatArray,
        p_mean: float,
        p_spread: float,
        p_value: float,
        power: float,
        wide: bool,
    ) -> tuple[Verdict, str]:
        ratio = z.std(ddof=1)
        if p_value < self.alpha and p_mean <= p_spread:
            return FAILS, (
                f"Shuffled treatments get an effect of {z.mean():.1f} standard errors on average: "
                "the method is biased on data like these. Do not report this estimate; try "
                "another estimator or simpler learners."
            )
        if p_value < self.alpha:
            return FAILS, (
                f"Placebo effects spread {ratio:.1f} times as widely as their standard errors "
                "say: the standard error is not trustworthy. Check for clusters, repeated rows "
                "or too few rows for the learners, or use a bootstrap."
            )
        error = 1 / np.sqrt(2 * (len(z) - 1))
        spread = (
            f"spread {ratio:.2f} times their standard error (1 expected; this ratio itself has a "
            f"standard error of {error:.2f})"
        )
        if wide:
            spread += ", so the interval is wider than it need be"
        if power < 0.5:
            return NOT_INFORMATIVE, (
                f"Placebo effects {spread}, but a bias as large as the estimate itself would "
                f"probably go unnoticed in {len(z)} shuffles (power {power:.0%}): the estimate is "
                "small compared with its noise. More simulations help."
            )
        return PASSES, (
            f"Shuffled treatments get no effect, and {spread}. Passing shows that the method does "
            "not make effects up; it says nothing about hidden common causes."
        )


def shuffled_treatment(problem: Problem, rng: np.random.Generator) -> Problem:
    """Shuffle the treatment over rows, or over clusters if it is constant within them."""
    if problem.groups is not None and "unit" not in problem.others:
        first = np.full(problem.groups.max() + 1, np.nan)
        first[problem.groups] = problem.t
        if np.array_equal(first[problem.groups], problem.t):
            used = np.flatnonzero(~np.isnan(first))
            first[used] = first[rng.permutation(used)]
            return problem.replace(t=first[problem.groups])
    return problem.replace(t=problem.t[shuffled_rows(problem, rng)])
