"""`randomization_test`: inference for experiments from the draw of the treatment alone.

In an experiment the only thing known to be random is who was treated. Under Fisher's *sharp* null,
that treatment changes the outcome of every unit by exactly τ₀, all outcomes of all other draws are
known: y − τ₀t without treatment. So the statistic can be computed for every draw that could have
been made, and the p-value is the share of those with a statistic as large as the one seen. It holds
for any number of rows, any outcome and any statistic; nothing is assumed about a population.

The interval holds every τ₀ that is not rejected. A statistic that is divided by its standard error
("studentized") keeps its level in large experiments even if effects differ between units and are
zero on average only (Wu & Ding 2021).

References
----------
Fisher (1935), The Design of Experiments.
Rosenbaum (2002), "Covariance adjustment in randomized experiments and observational studies",
Statistical Science 17, 286-327. doi:10.1214/ss/1042727942
Imbens & Rubin (2015), "Causal Inference for Statistics, Social, and Biomedical Sciences", Causal
Inference, chapter 5. doi:10.1017/CBO9781139025751
Wu & Ding (2021), "Randomization tests for weak null hypotheses in randomized experiments", JASA
116, 1898-1913. doi:10.1080/01621459.2020.1750415
Phipson & Smyth (2010), "Permutation p-values should never be zero: calculating exact p-values when
permutations are randomly drawn", SAGMB 9(1), 39. doi:10.2202/1544-6115.1585
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from causalkit._core.checks import check_choice, check_count, check_fraction
from causalkit._core.random import as_generator, draw_seed
from causalkit._core.report import Report, Reported, format_value
from causalkit.errors import InputError
from causalkit.estimation._assignments import Assignments
from causalkit.estimation._sharp_nulls import Statistic, UnderNull, p_value
from causalkit.estimation.columns import as_groups
from causalkit.estimation.effect import Effect, Interval
from causalkit.estimation.problem import Problem, as_problem
from causalkit.typing import Data, FloatArray, IntArray, RandomState

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["RandomizationTest", "randomization_test"]

_STATISTICS = ("difference", "studentized", "ranks")


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class RandomizationTest(Reported):
    """What the draw of the treatment says about a constant effect.

    Attributes
    ----------
    estimate : float
        Difference in means (of strata, weighted by their size); with covariates, the effect
        without which what they leave of the outcome has no such difference.
    p_value : float
        Of the null that treatment adds `null` to every outcome.
    null : float
    alternative : {"two-sided", "greater", "less"}
    confidence : Interval or None
        Effects that are not rejected; None if it was not asked for.
    statistic : float
    draws : ndarray of shape (n_assignments,)
        The statistic in the other draws, under the null.
    exact : bool
        Whether these are all that could have been made.
    design : str
        In words.
    """

    estimate: float
    p_value: float
    null: float
    alternative: str
    confidence: Interval | None
    statistic: float
    draws: FloatArray
    exact: bool
    design: str

    def to_frame(self) -> pd.DataFrame:
        """Return one row with estimate, lower, upper, p_value and n_assignments."""
        import pandas as pd

        lower, upper = self.confidence or (np.nan, np.nan)
        row = {
            "estimate": self.estimate,
            "lower": lower,
            "upper": upper,
            "p_value": self.p_value,
            "n_assignments": len(self.draws),
        }
        return pd.DataFrame([row])

    def plot(self, ax: Axes | None = None, **style: Any) -> Axes:
        """Draw the statistic in all draws, and the one that was seen."""
        from causalkit.plotting.randomization import plot_randomization

        return plot_randomization(self, ax=ax, **style)

    def _report(self) -> Report:
        how = "all" if self.exact else "drawn at random"
        facts: list[tuple[str, object]] = [
            ("design", self.design),
            ("assignments", f"{len(self.draws):,}, {how}"),
            ("estimate", self.estimate),
        ]
        if self.confidence is not None:
            lower, upper = map(format_value, self.confidence)
            facts.append((f"{self.confidence.level:.0%} interval", f"{lower} to {upper}"))
        return Report(
            title=f"No effect on anybody: p = {format_value(self.p_value)}"
            if self.null == 0
            else f"{format_value(self.null)} added to everybody: p = {format_value(self.p_value)}",
            facts=facts,
            notes=["The interval is for an effect that is the same for every unit."],
        )


def randomization_test(
    y: ArrayLike | Effect,
    t: ArrayLike | None = None,
    *,
    strata: ArrayLike | None = None,
    clusters: ArrayLike | None = None,
    assignment: Callable[[np.random.Generator], FloatArray] | None = None,
    X: Data | None = None,
    statistic: str | Statistic = "difference",
    null: float = 0.0,
    alternative: str = "two-sided",
    level: float | None = 0.95,
    n_permutations: int = 9999,
    random_state: RandomState = 0,
) -> RandomizationTest:
    """Test and bound a constant effect by the ways in which treatment could have been assigned.

    Parameters
    ----------
    y : array-like of shape (n,), or Effect
        Outcome; or an effect, whose outcome, treatment, covariates and clusters are taken.
    t : array-like of shape (n,)
        Treatment, of two levels.
    strata : array-like of shape (n,), optional
        Treatment was drawn within them, so many in each; pairs are strata of two.
    clusters : array-like of shape (n,), optional
        Treatment was drawn for them as a whole.
    assignment : callable, optional
        Any other design: a function of a generator that draws the treatment of all rows as the
        experiment did, zeros and ones.
    X : table of shape (n, k), optional
        Covariates from before the treatment: the statistic is that of what a linear regression on
        them leaves of the outcome (Rosenbaum 2002). More power, the same level.
    statistic : {"difference", "studentized", "ranks"} or callable
        Difference in means, the same over its standard error, difference in mean ranks, or
        `f(y, t) -> float`, large where treatment raises outcomes.
    null : float
        What treatment adds to every outcome under the null.
    alternative : {"two-sided", "greater", "less"}
    level : float or None
        Of the interval; None for none, which saves time for ranks and statistics of one's own.
    n_permutations : int
        Assignments to draw; if there are not more, all are taken and the p-value is exact.
    random_state : int, Generator or None, default 0

    Returns
    -------
    RandomizationTest

    Raises
    ------
    InputError
        If treatment has not two levels, varies within clusters, or the design leaves no choice.

    Notes
    -----
    **Assumes:**

    - treatment was drawn as stated;
    - nobody's outcome depends on another unit's treatment;
    - for the interval, the effect is the same for every unit.

    Two-sided p-values are twice the smaller one-sided one. Of drawn assignments, the one that was
    made counts as one more, so that the level is kept exactly (Phipson & Smyth 2010).

    Examples
    --------
    Eight plots, four treated: of 70 possible draws one is as extreme on this side.

    >>> yields = [9.1, 8.7, 9.4, 8.9, 7.2, 7.9, 8.1, 7.5]
    >>> test = randomization_test(yields, [1, 1, 1, 1, 0, 0, 0, 0])
    >>> test.exact, len(test.draws), round(test.p_value * 70)
    (True, 70, 2)
    """
    if not callable(statistic):
        check_choice(statistic, "statistic", _STATISTICS)
    check_choice(alternative, "alternative", ("two-sided", "greater", "less"))
    check_count(n_permutations, "n_permutations", minimum=19)
    problem = _problem(y, t, X, clusters)
    stratum = as_groups(strata, problem.n_obs) if strata is not None else None
    plan = _plan(problem, stratum, assignment, n_permutations, random_state)
    tried = UnderNull(problem, plan, statistic)
    seen, draws = tried.at(null)
    return RandomizationTest(
        estimate=tried.estimate(),
        p_value=p_value(seen, draws, plan.exact, alternative),
        null=null,
        alternative=alternative,
        confidence=None if level is None else tried.interval(check_fraction(level, "level")),
        statistic=seen,
        draws=draws,
        exact=plan.exact,
        design=_words(plan, problem, stratified=strata is not None),
    )


def _problem(
    y: ArrayLike | Effect, t: ArrayLike | None, X: Data | None, clusters: ArrayLike | None
) -> Problem:
    """Outcome, treatment, covariates and clusters, checked."""
    if isinstance(y, Effect):
        if y.problem is None or y.problem.sample_weight is not None:
            raise InputError(
                "this effect does not hold the rows of an experiment without weights; expected one "
                "that was estimated from data. Hand over outcome and treatment as arrays."
            )
        problem = y.problem
    elif t is None:
        raise InputError("t is missing; expected the treatment of each row beside the outcome y.")
    else:
        problem = as_problem(X, y, t, groups=clusters)
    if problem.kind != "binary" or problem.second_groups is not None:
        raise InputError(
            f"treatment {problem.treatment!r} is {problem.kind}; expected one of two levels, drawn "
            "for rows or for clusters of one kind. Keep the rows of two arms."
        )
    return problem


def _plan(
    problem: Problem,
    stratum: IntArray | None,
    assignment: Callable[[np.random.Generator], FloatArray] | None,
    most: int,
    random_state: RandomState,
) -> Assignments:
    """The assignments, after checks of the design."""
    stratum = np.zeros(problem.n_obs, dtype=np.intp) if stratum is None else stratum
    unit = np.arange(problem.n_obs) if problem.groups is None else problem.groups
    unit = np.unique(unit, return_inverse=True)[1].reshape(-1)
    seed = draw_seed(as_generator(random_state))
    plan = Assignments(problem.t, stratum, unit, seed, most, assignment)
    if assignment is not None:
        if not callable(assignment):
            raise InputError(
                f"assignment={assignment!r}; expected a function that draws the treatment of all "
                "rows. For plain designs use strata= and clusters=."
            )
        return plan
    for values, what in ((problem.t, "treatment"), (stratum, "the stratum")):
        lowest = np.full(int(unit.max()) + 1, np.inf)
        np.minimum.at(lowest, unit, values)
        if not np.array_equal(lowest[unit], values):
            raise InputError(
                f"{what} varies within clusters; expected clusters that were assigned as a whole. "
                "Leave the clusters out if rows were assigned."
            )
    if plan._ways() == 1:
        raise InputError(
            "every stratum is all treated or all control, so treatment could not have fallen out "
            "otherwise; expected strata with both. Use wider strata."
        )
    return plan


def _words(plan: Assignments, problem: Problem, *, stratified: bool) -> str:
    n_columns = len(problem.adjustment)
    given = f"; outcome less what {n_columns} covariate(s) explain" if n_columns else ""
    if plan.custom is not None:
        return f"drawn by a function{given}"
    kind = "rows" if problem.groups is None else "clusters"
    within = f" within {int(plan.stratum.max()) + 1} strata" if stratified else ""
    return f"{int(plan.unit.max()) + 1} {kind}, completely randomised{within}{given}"
