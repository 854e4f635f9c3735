"""Two checks of stability: an irrelevant column, and half of the rows.

**Random common cause.** Add a column of noise to the adjustment set. The effect is the same with
or without it, so the estimate may move by the randomness of fitting only. This check refutes
little, and is often misread: the noise is a common cause of *nothing*, so it cannot reveal hidden
confounding. What it can show is an estimator that fits noise, or one whose answer depends on its
random seed more than its standard error admits.

**Data subset.** Estimate again on random halves. If the estimate is an average of many small
influences and its standard error is right, an estimate from a share f of the rows scatters about
the one from all rows with variance s.e.² (1/f − 1). With halves that is s.e.² itself: the
delete-half jackknife. Wider scatter means that the standard error is too small, or that a few rows
carry the result.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import numpy as np

from causalkit._core.checks import check_fraction
from causalkit.errors import InputError
from causalkit.estimation.effect import Effect
from causalkit.estimation.problem import Problem
from causalkit.refutation.base import (
    FAILS,
    NOT_INFORMATIVE,
    PASSES,
    Challenge,
    Verdict,
    spread_p_value,
    spread_power,
)
from causalkit.refutation.refits import Change, RefitCheck, Refits
from causalkit.typing import FloatArray, IntArray

__all__ = ["DataSubset", "RandomCommonCause"]

SUBSET_TOLERANCE = 1.25
"""How much wider than claimed the subsets may scatter: learners do worse on fewer rows."""

HEAVY = 0.5
"""Share of the variance at which one row (or cluster) decides where subsets lie …"""

HEAVY_UNITS = 40
"""… unless that is less than so many average ones have: among few, one is often large by chance."""


@dataclass(frozen=True, slots=True)
class RandomCommonCause(RefitCheck):
    """Ask whether the estimate moves when an irrelevant column is adjusted for.

    Parameters
    ----------
    n_simulations : int, optional
        Noise columns tried, one at a time; None takes half of what `refute` was given, since ten
        already detect moves of a whole standard error with power 0.83.
    tolerance : float
        Moves allowed, as root mean square in standard errors of the estimate. The default of a
        half would make the true standard error 12 % larger than the reported one.
    alpha : float
        Chance that a sound analysis fails, at most.

    Notes
    -----
    **Assumes:** nothing beyond what the estimate does. Every refit has a new random seed too, so
    moves include the randomness of folds and learners.
    """

    reads_columns: ClassVar[bool] = False
    portion: ClassVar[float] = 0.5

    n_simulations: int | None = None
    tolerance: float = 0.5
    alpha: float = 0.01

    def __post_init__(self) -> None:
        check_fraction(self.alpha, "alpha")
        if not self.tolerance > 0:
            raise InputError(
                f"tolerance={self.tolerance!r}; expected a positive number of standard errors."
            )

    @property
    def name(self) -> str:
        """The check, in words."""
        return "random common cause"

    @property
    def question(self) -> str:
        """What it asks."""
        return "Does the estimate move when a column of noise is adjusted for?"

    def _change(self, problem: Problem, rng: np.random.Generator) -> Change:  # noqa: ARG002
        return noise_added

    def _judge(self, effect: Effect, refits: Refits) -> Challenge:
        moves = (refits.values - effect.value) / effect.std_error
        n, rms = len(moves), float(np.sqrt(np.mean(moves**2)))
        p_value = spread_p_value(float(np.sum(moves**2)), n, self.tolerance)
        power = spread_power(1.0, n, self.tolerance, self.alpha)
        verdict, sentence = self._words(rms, p_value, power)
        return self._found(
            refits,
            (verdict, sentence),
            null=f"noise moves the estimate by at most {self.tolerance:g} standard errors",
            p_value=p_value,
            power=power,
            details={
                "alternative": "moves of one standard error",
                "noise_columns": n,
                "move_over_std_error": rms,
            },
        )

    def _words(self, rms: float, p_value: float, power: float) -> tuple[Verdict, str]:
        moved = f"A column of noise and a new random seed move the estimate by {rms:.2g} standard"
        if p_value < self.alpha:
            return FAILS, (
                f"{moved} errors: the answer depends on chance in the fitting, which the standard "
                "error leaves out. Raise n_repeats, adjust for fewer columns, or use simpler "
                "learners."
            )
        if power < 0.5:
            return NOT_INFORMATIVE, f"{moved} errors, but too few were tried to judge that."
        return PASSES, (
            f"{moved} errors. Passing shows that the method is not thrown by an irrelevant column, "
            "and nothing more: it cannot reveal a hidden common cause."
        )


@dataclass(frozen=True, slots=True)
class DataSubset(RefitCheck):
    """Ask whether the effect is alike in random parts of the data, up to the claimed error.

    Parameters
    ----------
    share : float
        Of the rows (or clusters) in each subset.
    n_simulations : int, optional
        Subsets; None takes what `refute` was given.
    alpha : float
        Chance that a sound analysis fails, at most.

    Notes
    -----
    **Assumes:** rows (or clusters) are independent draws from one population. Clusters are kept
    whole.

    The scatter is tested with tolerance: up to 1.25 times what the standard error says, because
    learners fitted to fewer rows do worse. The check is not informative if a single row (or
    cluster) makes up more than half of the variance of the estimate (and as much as forty average
    ones): a subset then lies where that row puts it. Under heavy-tailed outcomes this happens to
    sound analyses too, whose interval is then wide rather than wrong, so it is no failure.

    References
    ----------
    Shao & Wu (1989), "A general theory for jackknife variance estimation". Ann. Statist. 17,
    1176-1197. doi:10.1214/aos/1176347263
    """

    reads_columns: ClassVar[bool] = False

    share: float = 0.5
    n_simulations: int | None = None
    alpha: float = 0.01

    def __post_init__(self) -> None:
        check_fraction(self.share, "share")
        check_fraction(self.alpha, "alpha")

    @property
    def name(self) -> str:
        """The check, in words."""
        return "data subset"

    @property
    def question(self) -> str:
        """What it asks."""
        return f"Is the effect alike in random {self.share:.0%} of the data?"

    def _change(self, problem: Problem, rng: np.random.Generator) -> Change:  # noqa: ARG002
        return partial(random_subset, share=self.share)

    def _judge(self, effect: Effect, refits: Refits) -> Challenge:
        claimed = effect.std_error * np.sqrt(1 / self.share - 1)
        z = (refits.values - effect.value) / claimed
        n, ratio = len(z), float(np.sqrt(np.mean(z**2)))
        p_value = spread_p_value(float(np.sum(z**2)), n, SUBSET_TOLERANCE)
        power = spread_power(2.0, n, SUBSET_TOLERANCE, self.alpha)
        heaviest = heaviest_share(effect)
        verdict, sentence = self._words(effect, ratio, p_value, power, heaviest)
        flipped = np.mean(np.sign(refits.values) != np.sign(effect.value))
        return self._found(
            refits,
            (verdict, sentence),
            null="estimates on subsets scatter as the standard error says",
            p_value=p_value,
            power=power,
            details={
                "alternative": "a standard error half of what it should be",
                "subsets": n,
                "scatter_over_claimed": ratio,
                "subsets_with_the_other_sign": f"{flipped:.0%}",
                "variance_of_the_heaviest_row": heaviest,
            },
        )

    def _words(
        self, effect: Effect, ratio: float, p_value: float, power: float, heaviest: float | None
    ) -> tuple[Verdict, str]:
        clustered = effect.problem is not None and effect.problem.groups is not None
        unit = "cluster" if clustered else "row"
        squares = _squares(effect)
        heavy = ""
        if heaviest is not None and heaviest > max(HEAVY, HEAVY_UNITS / len(squares)):
            which = int(np.argmax(squares))
            heavy = (
                f"A single {unit} makes up {heaviest:.0%} of the variance of the estimate. Look at "
                f"{unit} {which} of the data: is it an outlier, or has it a treatment that is very "
                "unlikely given the adjusted columns?"
            )
        if p_value < self.alpha:
            return FAILS, (
                f"Estimates on subsets scatter {ratio:.1f} times as widely as the standard error "
                "says: it is too small, a few rows carry the result, or the learners need more "
                "rows. "
                + (heavy or "Look at the most influential rows, and compare with a bootstrap.")
            )
        if heavy:
            return NOT_INFORMATIVE, (
                f"{heavy} Whether it is in a subset decides where the subset lies, so the scatter "
                f"shows little else. Estimate without the {unit}, and compare."
            )
        if power < 0.5:
            return NOT_INFORMATIVE, "Too few subsets were tried to judge their scatter."
        return PASSES, (
            f"Estimates on subsets scatter {ratio:.2f} times as the standard error says (up to "
            f"{SUBSET_TOLERANCE:g}, and chance, are let pass): no few rows carry the result. A "
            "bias that is the same everywhere would not show."
        )


# --- changes of the problem ----------------------------------------------------------------------


def noise_added(problem: Problem, rng: np.random.Generator) -> Problem:
    """Add a standard normal column, independent of everything."""
    noise = rng.standard_normal((problem.n_obs, 1))
    return problem.replace(
        X=np.hstack([problem.X, noise]), adjustment=(*problem.adjustment, "random common cause")
    )


def random_subset(problem: Problem, rng: np.random.Generator, *, share: float) -> Problem:
    """Keep a random share of the rows (of series: of stretches), or of the clusters, or units."""
    if problem.groups is None and "unit" in problem.others:
        units = problem.others["unit"].codes
        present = np.unique(units)
        return problem.rows(np.isin(units, present[_drawn(len(present), share, rng)]))
    if problem.groups is None and problem.steps is not None:
        n_stretches = min(50, problem.n_obs)
        kept = _drawn(n_stretches, share, rng)
        stretch = problem.steps.rank * n_stretches // problem.n_obs
        return problem.rows(np.flatnonzero(np.isin(stretch, kept)))
    if problem.groups is None:
        return problem.rows(_drawn(problem.n_obs, share, rng))
    labels = np.unique(problem.groups)
    kept = labels[_drawn(len(labels), share, rng)]
    inside = np.isin(problem.groups, kept)
    # Clusters are numbered 0, 1, … without gaps.
    return problem.rows(inside).replace(groups=np.searchsorted(kept, problem.groups[inside]))


def heaviest_share(effect: Effect) -> float | None:
    """Share of the squared influence that the heaviest row (or cluster) has."""
    squares = _squares(effect)
    return float(squares.max() / squares.sum()) if len(squares) else None


def _squares(effect: Effect) -> FloatArray:
    """Squared influence of each row (or cluster); empty if there is no influence."""
    if effect.influence is None or effect.problem is None:
        return np.empty(0)
    groups = effect.problem.groups
    sums = effect.influence if groups is None else np.bincount(groups, effect.influence)
    return np.square(sums)


def _drawn(n: int, share: float, rng: np.random.Generator) -> IntArray:
    size = min(n - 1, max(1, round(share * n)))
    return np.sort(rng.choice(n, size=size, replace=False))
