"""`rosenbaum_bounds`: how much hidden bias a study of matched pairs can bear.

In a pair that is alike in everything that was measured, each of the two was as likely to be the
treated one; if nothing hidden played a part. Let a hidden cause make one of them up to Γ times as
likely (by odds). Were the treatment without effect, the treated one would then have the larger
outcome with a probability between 1/(1 + Γ) and Γ/(1 + Γ), and the test statistic

    T = Σ rank(|dᵢ|) · 1(dᵢ > 0)        (signed ranks; or 1 in place of the ranks: the sign test)

lies between two known distributions, sums of independent coin flips. So there is a largest p-value
for each Γ, and a critical Γ at which it passes 5 %. The same flips bound the estimate of a constant
effect (Hodges & Lehmann) and its confidence interval.

Differences of zero keep their rank, and count for nothing (Pratt).

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
from scipy import optimize, stats

from causalkit._core.checks import check_choice, check_fraction
from causalkit._core.report import Report, Reported, format_value
from causalkit.errors import InputError
from causalkit.estimation.contrasts import contrast_of
from causalkit.estimation.effect import Effect, Interval
from causalkit.estimation.weighting.matching import Matching
from causalkit.typing import FloatArray, IntArray

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["RosenbaumBounds", "rosenbaum_bounds"]

MOST_EXACT = 200
"""Pairs up to which the distribution is added up exactly; beyond, the normal one is as good."""

MOST_MEANS = 1000
"""Pairs up to which the means of all two of them are listed; beyond, they are counted."""

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
        _check_gamma(gamma)
        return self._p_value(1 / (1 + gamma)), self._p_value(gamma / (1 + gamma))

    def critical_gamma(self, alpha: float = 0.05) -> float:
        """Return the Γ at which the largest p-value reaches `alpha`; 1 if it is not below at 1."""
        check_fraction(alpha, "alpha")

        def gap(log_gamma: float) -> float:
            gamma = np.exp(log_gamma)
            return alpha - self._p_value(float(gamma / (1 + gamma)))

        if gap(0.0) <= 0:
            return 1.0
        top = float(np.log(LARGEST))
        if gap(top) > 0:
            return float(np.inf)
        return float(np.exp(optimize.brentq(gap, 0.0, top, xtol=1e-8)))

    def estimates(self, gamma: float) -> tuple[float, float]:
        """Return the least and the largest Hodges-Lehmann estimate of a constant effect.

        The effect that, taken off the differences, leaves the statistic at its expectation. For the
        sign test that is a quantile of the differences, the median at Γ = 1.
        """
        _check_gamma(gamma)
        share = gamma / (1 + gamma)
        return self._middle(share * self._most), self._middle(self._most / (1 + gamma))

    def interval(self, gamma: float, level: float = 0.95) -> Interval:
        """Return the confidence interval of a constant effect under hidden bias up to Γ.

        The shifts of the differences that two one-sided tests at (1 − level)/2 do not reject;
        infinite if the pairs are too few to reject anything.
        """
        _check_gamma(gamma)
        check_fraction(level, "level")
        rejected = self._critical_count(gamma / (1 + gamma), (1 - level) / 2)
        if rejected > self._most:
            return Interval(-np.inf, np.inf, level)
        return Interval(self._largest(rejected), self._largest(self._most + 1 - rejected), level)

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
        _check_gamma(gamma)
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
    def _most(self) -> int:
        """Largest value of the statistic: differences (or means of two) that can lie above zero."""
        n = len(self.differences)
        return n if self.statistic == "sign" else n * (n + 1) // 2

    def _p_value(self, chance: float) -> float:
        """p-value where the treated one has the larger outcome with this chance."""
        tails = {
            "greater": _tail(*self._ranked(1.0), chance, exact=self.exact),
            "less": _tail(*self._ranked(-1.0), chance, exact=self.exact),
        }
        if self.alternative == "two-sided":
            return min(1.0, 2 * min(tails.values()))
        return tails[self.alternative]

    def _ranked(self, sign: float) -> tuple[IntArray, int]:
        """Twice the ranks of differences that are not zero, and the sum of those of this sign."""
        d = sign * self.differences
        ranks = np.full(len(d), 2.0)
        if self.statistic == "signed rank":
            ranks = 2 * stats.rankdata(np.abs(d))
        whole = np.rint(ranks).astype(np.int64)
        return whole[d != 0], int(whole[d > 0].sum())

    def _critical_count(self, chance: float, alpha: float) -> int:
        """Smallest value of the statistic that is rejected, were there neither ties nor zeros."""
        ranks = np.arange(1, len(self.differences) + 1)
        if self.statistic == "sign":
            ranks = np.ones_like(ranks)
        if self.exact:
            reaching = np.cumsum(_distribution(ranks, chance)[::-1])[::-1]
            return int(np.count_nonzero(reaching > alpha))
        spread = np.sqrt(chance * (1 - chance) * float(np.sum(ranks**2)))
        return int(np.ceil(chance * self._most + stats.norm.isf(alpha) * spread))

    def _middle(self, count: float) -> float:
        """The shift that leaves `count` of the differences (or means of two) above it."""
        whole = round(count)
        if abs(count - whole) > 1e-9 * self._most:
            return self._largest(int(np.ceil(count)))
        if whole in (0, self._most):
            return self._largest(max(1, whole))
        return (self._largest(whole) + self._largest(whole + 1)) / 2

    def _largest(self, k: int) -> float:
        """The k-th largest of the differences, or of the means of two of them."""
        d = np.sort(self.differences)
        if self.statistic == "sign":
            return float(d[len(d) - k])
        if len(d) <= MOST_MEANS:
            means = ((d[:, None] + d) / 2)[np.triu_indices(len(d))]
            return float(np.partition(means, len(means) - k)[len(means) - k])
        low, high = float(d[0]), float(d[-1])
        while high - low > 1e-12 * max(abs(low), abs(high)):
            middle = (low + high) / 2
            if not low < middle < high:
                break
            if _means_above(d, middle) >= k:
                low = middle
            else:
                high = middle
        return high

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
        _check_gamma(gamma)
    differences, n_reused = _differences(effect_or_differences)
    return RosenbaumBounds(
        differences,
        tuple(float(gamma) for gamma in wanted),
        statistic,
        alternative,
        len(differences) <= MOST_EXACT if exact is None else bool(exact),
        n_reused,
    )


# --- distributions -------------------------------------------------------------------------------


def _distribution(ranks: IntArray, chance: float) -> FloatArray:
    """Of a sum of ranks, each of which counts with this chance; entry k is P(sum = k)."""
    found = np.zeros(int(ranks.sum()) + 1)
    found[0] = 1.0
    for rank in ranks:
        moved = chance * found[: len(found) - rank]
        found *= 1 - chance
        found[rank:] += moved
    return found


def _tail(ranks: IntArray, observed: int, chance: float, *, exact: bool) -> float:
    """Chance that the sum reaches what was observed."""
    if exact:
        return float(min(1.0, _distribution(ranks, chance)[observed:].sum()))
    spread = np.sqrt(chance * (1 - chance) * float(np.sum(ranks.astype(np.float64) ** 2)))
    return float(stats.norm.sf((observed - chance * float(ranks.sum())) / spread))


def _means_above(d: FloatArray, bound: float) -> int:
    """How many means of two sorted values (each with itself, too) lie above a bound."""
    first = np.searchsorted(d, 2 * bound - d, side="right")
    return int(np.sum(len(d) - np.maximum(first, np.arange(len(d)))))


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


def _check_gamma(gamma: float) -> None:
    if not (isinstance(gamma, (int, float)) and 1 <= gamma < np.inf):
        raise InputError(
            f"gamma={gamma!r}; expected a factor of 1 or more on the odds of treatment. For a "
            "factor below 1 take its inverse."
        )
