"""`DifferenceInDifferences`: two groups of units, before and after.

The treated changed by so much, the others by so much; the difference is the effect, if the treated
would otherwise have changed like the others. With covariates this need hold only between units
alike in them, and each unit's change is adjusted for them, doubly robust (see
:mod:`causalkit.estimation.panel.two_periods`). All treated units start in the same period; with
several periods before or after, a unit's outcome is averaged over them.

References
----------
Sant'Anna & Zhao (2020), "Doubly robust difference-in-differences estimators", J. Econometrics 219,
101-122. doi:10.1016/j.jeconom.2020.06.003
Chang (2020), "Double/debiased machine learning for difference-in-differences models", Econometrics
Journal 23, 177-191. doi:10.1093/ectj/utaa001
Bertrand, Duflo & Mullainathan (2004), "How much should we trust differences-in-differences
estimates?", Quarterly J. Economics 119, 249-275. doi:10.1162/003355304772839588
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar

import numpy as np

from causalkit._core.checks import check_choice
from causalkit.errors import InputError
from causalkit.estimation.base import EffectEstimator, Solution
from causalkit.estimation.effect import Effect
from causalkit.estimation.effect_set import EffectSet
from causalkit.estimation.inference import Asymptotic, Bootstrap
from causalkit.estimation.panel.adoption import adoption_of
from causalkit.estimation.panel.structure import (
    clustered_by_unit,
    few_clusters,
    refuse_repeated_rows,
    refuse_starts,
    spread_over_rows,
)
from causalkit.estimation.panel.two_periods import SCORES, change_on_treated, crossfitted_change
from causalkit.estimation.problem import Problem
from causalkit.estimation.weighting.ipw import check_clip
from causalkit.typing import RandomState

__all__ = ["DifferenceInDifferences", "change_of", "check_learners"]


class DifferenceInDifferences(EffectEstimator):
    """Effect on the treated from how they changed, compared with units that were never treated.

    Parameters
    ----------
    outcome_learner : scikit-learn regressor, optional
        Predicts the change of the outcome among controls.
    treatment_learner : scikit-learn classifier, optional
        Predicts who is treated. Without either learner a linear and a logistic model are fitted on
        all units, as in the paper; with one or both, both are cross-fitted, and the one left out is
        boosted trees.
    score : {"doubly robust", "regression", "weighting"}
        Use both models, or one; learners need "doubly robust".
    n_folds, n_repeats : int
        Of the cross-fitting; folds are of whole units.
    clip : float
        Propensities above 1 − clip are moved there.
    inference : Asymptotic or Bootstrap, optional
    random_state : int, Generator or None
    n_jobs : int, optional

    Notes
    -----
    `fit` takes the status of each row as `t` (1 for treated units from their start on, else 0),
    `unit` and `time`. Columns of X are read in the last period before treatment. Standard errors
    are clustered by unit unless `groups` are given; give the groups in which treatment was decided
    (Bertrand, Duflo & Mullainathan 2004). Folds and predictions in `effect_.details` are of units,
    sorted by their labels.

    **Assumes:**

    - parallel trends: without treatment, treated units would have changed like untreated units with
      the same X;
    - nobody reacts before treatment starts, and nobody is touched by the treatment of others;
    - every treated unit could have been untreated, given X (see `effect.details["overlap"]`);
    - the model of changes or that of treatment is right; with learners, their errors multiply to
      less than n^-1/2;
    - units are many: with a few treated ones, use `SyntheticDiD` or `SyntheticControl`.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> unit, time = np.repeat(np.arange(200), 2), np.tile([2020, 2021], 200)
    >>> ever = unit < 80
    >>> t = ever * (time == 2021)
    >>> y = 5.0 * ever + 2.0 * (time == 2021) + 1.5 * t + rng.normal(size=400)
    >>> did = DifferenceInDifferences().fit(None, y, t=t, unit=unit, time=time)
    >>> bool(1.5 in did.effect_.interval(0.99))
    True
    """

    treatments: ClassVar[tuple[str, ...]] = ("binary",)
    instead: ClassVar[str] = "FixedEffects() or PanelPLR(), which take a continuous treatment"
    needs: ClassVar[tuple[str, ...]] = ("unit", "time")

    def __init__(
        self,
        outcome_learner: Any = None,
        treatment_learner: Any = None,
        *,
        score: str = "doubly robust",
        n_folds: int = 5,
        n_repeats: int = 1,
        clip: float = 0.01,
        inference: Asymptotic | Bootstrap | None = None,
        random_state: RandomState = None,
        n_jobs: int | None = None,
    ) -> None:
        self.outcome_learner = outcome_learner
        self.treatment_learner = treatment_learner
        self.score = score
        self.n_folds = n_folds
        self.n_repeats = n_repeats
        self.clip = clip
        self.inference = inference
        self.random_state = random_state
        self.n_jobs = n_jobs

    def _method(self) -> str:
        learnt = self.outcome_learner is not None or self.treatment_learner is not None
        how = f", cross-fitted in {self.n_folds} folds" if learnt else ""
        return f"difference in differences, {self.score}{how}"

    def _check(self, problem: Problem) -> None:
        super()._check(problem)
        check_learners(self)

    def answer(self, problem: Problem) -> Effect | EffectSet:
        """Estimate on data in which every unit has one row a period."""
        self._check_roles(problem.others)
        problem = clustered_by_unit(problem)
        refuse_repeated_rows(problem)
        refuse_starts(problem)
        return self.solve(problem)

    def solve(self, problem: Problem) -> Effect:
        """Estimate on arrays that are already checked, clustered by unit."""
        self._check_roles(problem.others)
        return super().solve(clustered_by_unit(problem))

    def _solve(self, problem: Problem, rng: np.random.Generator) -> Solution:
        adoption = adoption_of(problem, who=type(self).__name__)
        start = adoption.one_start(who=type(self).__name__, instead="GroupTimeEffects()")
        treated = ~adoption.never
        if treated.sum() < 2 or adoption.never.sum() < 2:
            raise InputError(
                f"there are {int(treated.sum())} treated and {int(adoption.never.sum())} untreated "
                "units; expected at least two of each, since one has no spread. Use "
                "SyntheticControl() or SyntheticDiD() for one treated unit."
            )
        change = adoption.y[:, start:].mean(axis=1) - adoption.y[:, :start].mean(axis=1)
        everyone = np.ones(len(treated), dtype=bool)
        changes = adoption.wide(problem, everyone, start - 1).replace(
            y=change, t=treated.astype(np.float64)
        )
        solution = change_of(self, changes, rng)
        periods = adoption.panel.periods
        details = {
            **solution.details,
            "contrast": f"{problem.treatment}, the treated from {periods[start]} on",
            "units": {"treated": int(treated.sum()), "control": int(adoption.never.sum())},
            "periods": {"before": start, "after": len(periods) - start},
        }
        scores = spread_over_rows(
            solution.scores, adoption.panel.unit, adoption.weights, problem.weights
        )
        alerts = [
            alert
            for side, who in ((treated, "the treated"), (adoption.never, "the untreated"))
            for alert in few_clusters(changes.weights * side, changes.groups, who)
        ]
        return replace(solution, scores=scores, details=details, alerts=(*solution.alerts, *alerts))


def change_of(estimator: Any, changes: Problem, rng: np.random.Generator) -> Solution:
    """Effect on the treated from one change a unit, with the learners and score of `estimator`."""
    learners = estimator.outcome_learner, estimator.treatment_learner
    if learners == (None, None) and not changes.supplied:
        return change_on_treated(changes, score=estimator.score, clip=estimator.clip)
    return crossfitted_change(
        changes,
        learners,
        rng,
        n_folds=estimator.n_folds,
        n_repeats=estimator.n_repeats,
        clip=estimator.clip,
        n_jobs=estimator.n_jobs,
    )


def check_learners(estimator: Any) -> None:
    """Refuse an unknown score, and learners where they would not be orthogonal."""
    check_choice(estimator.score, "score", SCORES)
    check_clip(estimator.clip)
    learners = estimator.outcome_learner, estimator.treatment_learner
    if learners != (None, None) and estimator.score != "doubly robust":
        raise InputError(
            f"learners were given with score={estimator.score!r}, whose first-order errors would "
            'pass into the effect; expected score="doubly robust". Leave the learners out for the '
            "linear and the logistic model."
        )
