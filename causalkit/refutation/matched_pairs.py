"""`rosenbaum_bounds`: how much hidden bias a study of matched pairs can bear.

In a pair that is alike in everything that was measured, each of the two was as likely to be the
treated one; if nothing hidden played a part. Let a hidden cause make one of them up to Γ times as
likely (by odds). Were the treatment without effect, the treated one would then have the larger
outcome with a probability between 1/(1 + Γ) and Γ/(1 + Γ), and the test statistic

    T = Σ rank(|dᵢ|) · 1(dᵢ > 0)        (signed ranks; or 1 in place of the ranks: the sign test)

lies between two known distributions, sums of independent coin flips
(:mod:`~causalkit.refutation.signed_ranks`). So there is a largest p-value for each Γ, and a
critical Γ at which it passes 5 %. The same flips bound the estimate of a constant effect (Hodges &
Lehmann) and its confidence interval.

References
----------
Rosenbaum (2002), "Observational Studies", chapter 4. doi:10.1007/978-1-4757-3692-2
Rosenbaum (1987), "Sensitivity analysis for certain permutation inferences in matched observational
studies", Biometrika 74, 13-26. doi:10.1093/biomet/74.1.13
Rosenbaum & Silber (2009), "Amplification of sensitivity analysis in matched observational studies",
JASA 104, 1398-1405. doi:10.1198/jasa.2009.tm08470
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from causalkit._core.checks import check_choice, check_fraction
from causalkit._core.report import Report, Reported, format_value
from causalkit.errors import InputError
from causalkit.estimation.contrasts import contrast_of
from causalkit.estimation.effect import Effect, Interval
from causalkit.estimation.weighting.matching import Matching
from causalkit.refutation.odds_factor import check_gamma, turning_gamma
from causalkit.refutation.signed_ranks import SignedRanks
from causalkit.typing import FloatArray

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["RosenbaumBounds", "rosenbaum_bounds"]

MOST_EXACT = 200
"""Pairs up to which the distribution is added up exactly; beyond, the normal one is as good."""

LARGEST = 1e6
"""Γ beyond which a study is said to bear any hidden bias."""


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class RosenbaumBounds(Reported):
    """What hidden bias of any strength Γ would do to a comparison of matched pairs.

    Attributes
    ----------
    differences : ndarray of shape (n_pairs,)
        Outcome of the treated one, less that of the other.
    gammas : tuple of float
        Those to report.
    statistic : {"signed rank", "sign"}
    alternative : {"two-sided", "greater", "less"}
    exact : bool
        Whether distributions are exact, rather than normal.
    n_reused : int
        Matches left out since their control is in another pair already.
    """

    differences: FloatArray
    gammas: tuple[float, ...]
    statistic: str
    alternative: str
    exact: bool
    n_reused: int = 0

    def p_values(self, gamma: float) -> tuple[float, float]:
        """Return the least and the largest p-value that hidden bias of strength Γ allows."""
        check_gamma(gamma)
        return self._p_value(1 / (1 + gamma)), self._p_value(gamma / (1 + gamma))

    def critical_gamma(self, alpha: float = 0.05) -> float:
        """Return the Γ at which the largest p-value reaches `alpha`; 1 if it is not below at 1."""
        check_fraction(alpha, "alpha")

        def gap(log_gamma: float) -> float:
            gamma = np.exp(log_gamma)
            return alpha - self._p_value(float(gamma / (1 + gamma)))

        return turning_gamma(gap, largest=LARGEST, tolerance=1e-8)

    def estimates(self, gamma: float) -> tuple[float, float]:
        """Return the least and the largest Hodges-Lehmann estimate of a constant effect.

        The effect that, taken off the differences, leaves the statistic at its expectation. For the
        sign test that is a quantile of the differences, the median at Γ = 1.
        """
        check_gamma(gamma)
        ranks, share = self._ranks, gamma / (1 + gamma)
        return ranks.middle(share * ranks.most), ranks.middle(ranks.most / (1 + gamma))

    def interval(self, gamma: float, level: float = 0.95) -> Interval:
        """Return the confidence interval of a constant effect under hidden bias up to Γ.

        The shifts of the differences that two one-sided tests at (1 − level)/2 do not reject;
        infinite if the pairs are too few to reject anything.
        """
        check_gamma(gamma)
        check_fraction(level, "level")
        ranks = self._ranks
        rejected = ranks.critical_count(gamma / (1 + gamma), (1 - level) / 2)
        if rejected > ranks.most:
            return Interval(-np.inf, np.inf, level)
        ends = ranks.largest(rejected), ranks.largest(ranks.most + 1 - rejected)
        return Interval(*ends, level)

    def amplified(self, gamma: float, treatment: float) -> float:
        """Return what a hidden cause must do to the outcome to act as one of strength Γ does.

        Parameters
        ----------
        gamma : float
        treatment : float
            Factor by which the hidden cause raises the odds of treatment; above Γ.

        Returns
        -------
        float
            Factor by which it has to raise the odds of the larger outcome: Γ = (Λ Δ + 1)/(Λ + Δ),
            solved for Δ.
        """
        check_gamma(gamma)
        if not treatment > gamma:
            raise InputError(
                f"treatment={treatment!r}; expected a factor above gamma={gamma:g}: a weaker tie "
                "to the treatment cannot do it, whatever it does to the outcome."
            )
        return (gamma * treatment - 1) / (treatment - gamma)

    def to_frame(self, level: float = 0.95) -> pd.DataFrame:
        """Return one row for each Γ: least and largest p-value, estimates, interval."""
        import pandas as pd

        rows = [
            (*self.p_values(g), *self.estimates(g), *self.interval(g, level)) for g in self.gammas
        ]
        columns = ["p_least", "p_largest", "effect_least", "effect_largest", "from", "to"]
        return pd.DataFrame(rows, index=pd.Index(self.gammas, name="gamma"), columns=columns)

    def plot(self, ax: Axes | None = None, **style: Any) -> Axes:
        """Draw the largest p-value over Γ, see :func:`causalkit.plotting.plot_pair_bounds`."""
        from causalkit.plotting.sensitivity import plot_pair_bounds

        return plot_pair_bounds(self, ax=ax, **style)

    # --- inside --------------------------------------------------------------------------------

    @property
    def _ranks(self) -> SignedRanks:
        return SignedRanks(self.differences, self.statistic, self.exact)

    def _p_value(self, chance: float) -> float:
        """p-value where the treated one has the larger outcome with this chance."""
        ranks = self._ranks
        tails = {"greater": ranks.tail(1.0, chance), "less": ranks.tail(-1.0, chance)}
        if self.alternative == "two-sided":
            return min(1.0, 2 * min(tails.values()))
        return tails[self.alternative]

    def _report(self) -> Report:
        critical = self.critical_gamma()
        rows = [(g, *self.p_values(g), *self.estimates(g), *self.interval(g)) for g in self.gammas]
        reused = []
        if self.n_reused:
            reused = [f"{self.n_reused} matches share their control with a pair, and are left out."]
        reached = "at no Γ" if np.isinf(critical) else f"at Γ = {critical:.3g}"
        return Report(
            title=f"Hidden bias in {len(self.differences)} matched pairs, {self.statistic} test",
            facts=[
                ("largest p-value is 5 %", "without hidden bias" if critical == 1 else reached),
                ("alternative", self.alternative),
                ("distribution", "exact" if self.exact else "normal approximation"),
                ("estimate", format_value(self.estimates(1.0)[0])),
            ],
            columns=("Γ", "p least", "p largest", "effect least", "largest", "from", "to"),
            rows=rows,
            notes=[
                *reused,
                "Γ is the factor by which a hidden cause may raise the odds that one of two alike "
                "was the treated one. Whether there is such a cause, no data can say.",
            ],
        )


def rosenbaum_bounds(
    effect_or_differences: Effect | ArrayLike,
    gammas: Iterable[float] = (1.0, 1.5, 2.0, 3.0, 4.0),
    *,
    statistic: str = "signed rank",
    alternative: str = "two-sided",
    exact: bool | None = None,
) -> RosenbaumBounds:
    """Bound p-value and effect of matched pairs under hidden bias.

    Parameters
    ----------
    effect_or_differences : Effect or array-like of shape (n_pairs,)
        Differences of outcomes, treated less control, one for each pair; or an effect of
        `Matching(n_matches=1)`. A control that is matched more than once makes a pair with the
        first treated row only: pairs must not share rows.
    gammas : iterable of float
        Strengths of hidden bias to report, 1 or more.
    statistic : {"signed rank", "sign"}
        Wilcoxon's signed ranks, or the number of positive differences.
    alternative : {"two-sided", "greater", "less"}
        Of the p-values; "greater" asks whether the treated have larger outcomes.
    exact : bool, optional
        Add distributions up exactly; left out, for 200 pairs or less.

    Returns
    -------
    RosenbaumBounds
        With `.p_values(gamma)`, `.critical_gamma()`, `.estimates(gamma)`, `.interval(gamma)`.

    Raises
    ------
    InputError
        If differences are no finite numbers, all zero, or fewer than two; a Γ is below 1; or the
        effect has no matched pairs.

    Notes
    -----
    **Assumes:**

    - the two of a pair are alike in what was measured, and pairs are independent;
    - a hidden cause changes the odds of who is treated within a pair by at most Γ;
    - for estimates and intervals: the treatment adds the same to every outcome.

    References
    ----------
    Rosenbaum (2002), "Observational Studies", sections 4.3.2-4.3.5. doi:10.1007/978-1-4757-3692-2

    Examples
    --------
    Lead in the blood of 33 children, less that of a neighbour's child whose father does not work
    with lead (Morton et al. 1982):

    >>> differences = [22, 5, 23, -6, 18, 26, 13, 47, 15, 16, 6, 1, 2, 7, 0, 4, -9, -3, 36, 25, 1,
    ...                16, 42, 30, 25, 23, 32, 17, 9, -3, 60, 14, 14]
    >>> bounds = rosenbaum_bounds(differences, alternative="greater", exact=False)
    >>> [f"{bounds.p_values(gamma)[1]:.4f}" for gamma in (2, 3, 4, 5)]
    ['0.0018', '0.0136', '0.0388', '0.0740']
    >>> print(f"{bounds.critical_gamma():.2f}")
    4.34
    """
    check_choice(statistic, "statistic", ("signed rank", "sign"))
    check_choice(alternative, "alternative", ("two-sided", "greater", "less"))
    wanted = tuple(gammas) if isinstance(gammas, Iterable) else (gammas,)
    for gamma in wanted:
        check_gamma(gamma)
    differences, n_reused = _differences(effect_or_differences)
    return RosenbaumBounds(
        differences,
        tuple(float(gamma) for gamma in wanted),
        statistic,
        alternative,
        len(differences) <= MOST_EXACT if exact is None else bool(exact),
        n_reused,
    )


# --- what it takes, and what it refuses ----------------------------------------------------------


def _differences(given: Effect | ArrayLike) -> tuple[FloatArray, int]:
    """Differences, and how many matches had a control that was in a pair already."""
    n_reused = 0
    if isinstance(given, Effect):
        given, n_reused = _of_pairs(given)
    try:
        d = np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError(
            "the differences are not all numbers; expected outcome of the treated less that of "
            "the control, one number for each pair. Subtract the two columns."
        ) from None
    if d.ndim != 1 or len(d) < 2 or not np.isfinite(d).all() or not d.any():
        raise InputError(
            f"the differences have shape {d.shape}; expected one finite number for each of at "
            "least two pairs, not all zero. Subtract the outcomes of each pair, and drop pairs "
            "of which one is missing."
        )
    return d, n_reused


def _of_pairs(effect: Effect) -> tuple[FloatArray, int]:
    """Outcomes of matched rows, treated less control, each row in one pair at most."""
    problem, estimator = effect.problem, effect.estimator
    if not isinstance(estimator, Matching) or estimator.n_matches != 1 or problem is None:
        raise InputError(
            f"the effect was estimated by {effect.method}; expected Matching(n_matches=1), which "
            "gives each treated row a control. Match again, or pass the differences of the pairs."
        )
    control, treated = contrast_of(problem, estimator.contrast)
    pool = np.flatnonzero(problem.t == control)
    asking = np.flatnonzero(effect.details["matched"] & (problem.t != control))
    near, taken = effect.details["neighbours"][0], np.zeros(problem.n_obs, dtype=bool)
    differences, n_reused = [], 0
    for point, row in enumerate(asking):
        if problem.t[row] != treated:
            continue
        free = [k for k in pool[near.rows(point)] if not taken[k]]
        if not free:
            n_reused += 1
            continue
        taken[free[0]] = True
        differences.append(problem.y[row] - problem.y[free[0]])
    return np.array(differences), n_reused
