"""`CrossSectionDiD`: differences in differences when other people are asked each time.

Surveys before and after meet different people in the same states, schools or firms. Nobody's change
is seen, but with g_dp(x) the mean outcome at x among group d (treated or not) in period p (before
or after), the effect on the treated is

    ATT = E[(g₁₁ − g₁₀)(x) − (g₀₁ − g₀₀)(x) | treated]

Cross-fitted, with residuals of all four cells added, each weighted to look like the treated: the
locally efficient score of Sant'Anna & Zhao (2020). It is right if the means of the untreated are,
or the propensity is.

References
----------
Sant'Anna & Zhao (2020), "Doubly robust difference-in-differences estimators", J. Econometrics 219,
101-122. doi:10.1016/j.jeconom.2020.06.003
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np

from causalkit.errors import InputError
from causalkit.estimation.base import Solution
from causalkit.estimation.inference import Asymptotic, Bootstrap
from causalkit.estimation.moments import LinearScore
from causalkit.estimation.nuisances.crossfitting import Nuisance
from causalkit.estimation.nuisances.learners import class_learner, mean_learner
from causalkit.estimation.orthogonal.base import OrthogonalEstimator
from causalkit.estimation.problem import Problem
from causalkit.estimation.weighting.ipw import check_clip
from causalkit.estimation.weighting.overlap import overlap_of
from causalkit.typing import BoolArray, FloatArray, IntArray, RandomState

__all__ = ["CrossSectionDiD", "change_of_means"]

_CELLS = {
    "outcome_control_before": (0, 0),
    "outcome_control_after": (0, 1),
    "outcome_treated_before": (1, 0),
    "outcome_treated_after": (1, 1),
}
"""Nuisances, and the group (treated 1) and period (after 1) they are fitted in."""


class CrossSectionDiD(OrthogonalEstimator):
    """Effect on the treated from repeated cross sections, doubly robust.

    Parameters
    ----------
    outcome_learner : scikit-learn regressor or classifier, optional
        Predicts the outcome within each group before and after.
    treatment_learner : scikit-learn classifier, optional
        Predicts who belongs to the treated group.
    n_folds, n_repeats : int
    clip : float
        Propensities above 1 − clip are moved there.
    inference : Asymptotic or Bootstrap, optional
    random_state : int, Generator or None
    n_jobs : int, optional

    Notes
    -----
    `fit` takes as `unit` the label by which treatment is decided, such as the state, with many rows
    in each period; `time`; and as `t` the status of each row: 1 in treated units from their start
    on. Rows count as independent unless `groups` are given; give the units where they are many.

    **Assumes:**

    - parallel trends: without treatment the mean outcome of the treated group would have changed
      like that of the others with the same X;
    - who is asked does not change: group and X have the same distribution before and after;
    - nobody reacts before treatment starts, and nobody is touched by the treatment of others;
    - every treated row could have been untreated, given X;
    - errors of the learners multiply to less than n^-1/2.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> state, year = rng.choice(["north", "south"], 600), rng.choice([2020, 2021], 600)
    >>> t = (state == "south") & (year == 2021)
    >>> y = 3.0 * (state == "south") + 1.0 * (year == 2021) + 2.0 * t + rng.normal(size=600)
    >>> did = CrossSectionDiD(random_state=0).fit(None, y, t=t, unit=state, time=year)
    >>> bool(2.0 in did.effect_.interval(0.99))
    True
    """

    treatments: ClassVar[tuple[str, ...]] = ("binary",)
    instead: ClassVar[str] = "PLR() with periods and groups as columns"
    needs: ClassVar[tuple[str, ...]] = ("unit", "time")

    def __init__(
        self,
        outcome_learner: Any = None,
        treatment_learner: Any = None,
        *,
        n_folds: int = 5,
        n_repeats: int = 1,
        clip: float = 0.01,
        inference: Asymptotic | Bootstrap | None = None,
        random_state: RandomState = None,
        n_jobs: int | None = None,
    ) -> None:
        self.outcome_learner = outcome_learner
        self.treatment_learner = treatment_learner
        self.n_folds = n_folds
        self.n_repeats = n_repeats
        self.clip = clip
        self.inference = inference
        self.random_state = random_state
        self.n_jobs = n_jobs

    def _method(self) -> str:
        return f"difference in differences of cross sections, {self._crossfitted()}"

    def _check(self, problem: Problem) -> None:
        super()._check(problem)
        check_clip(self.clip)

    def _strata(self, problem: Problem) -> FloatArray:
        """Folds are balanced over the four cells."""
        treated, after = _cells(problem)
        strata: FloatArray = (2 * treated + after).astype(np.float64)
        return strata

    def _solve(self, problem: Problem, rng: np.random.Generator) -> Solution:
        treated, after = _cells(problem)
        solution = super()._solve(problem, rng)
        counts = {
            name: int(((treated == group) & (after == period)).sum())
            for name, (group, period) in _CELLS.items()
        }
        facts = {"rows": {name.removeprefix("outcome_"): n for name, n in counts.items()}}
        return replace(solution, details={**solution.details, **facts})

    def _nuisances(self, problem: Problem) -> Sequence[Nuisance]:
        treated, after = _cells(problem)
        outcome = mean_learner(self.outcome_learner, "outcome_learner", problem.y)
        propensity = class_learner(self.treatment_learner, "treatment_learner")
        found = [
            Nuisance(name, problem.y, outcome, among=(treated == group) & (after == period))
            for name, (group, period) in _CELLS.items()
        ]
        return [*found, Nuisance("treatment", treated.astype(np.float64), propensity, n_classes=2)]

    def _moment(
        self,
        problem: Problem,
        predictions: Mapping[str, FloatArray],
        folds: IntArray,  # noqa: ARG002
        rng: np.random.Generator,  # noqa: ARG002
    ) -> tuple[LinearScore, dict[str, Any]]:
        treated, after = _cells(problem)
        raw = predictions["treatment"][:, 1]
        means = {cell: predictions[name] for name, cell in _CELLS.items()}
        score = change_of_means(
            problem.y, treated, after, means, np.minimum(raw, 1 - self.clip), problem.weights
        )
        overlap = overlap_of(
            raw,
            1 - raw,
            treated,
            ~treated,
            ("control", "treated"),
            clip=self.clip,
            treated_only=True,
            weights=problem.weights,
        )
        details = {
            "contrast": f"{problem.treatment}, treated versus not, after less before",
            "overlap": overlap,
            "notes": overlap.notes,
        }
        return score, details

    def _alerts(self, details: Mapping[str, Any]) -> tuple[Warning, ...]:
        warning = details["overlap"].warning()
        return (warning,) if warning else ()


def change_of_means(
    y: FloatArray,
    treated: BoolArray,
    after: BoolArray,
    means: Mapping[tuple[int, int], FloatArray],
    p_treated: FloatArray,
    weights: FloatArray,
) -> LinearScore:
    """Score of the effect on the treated, from the means of the four cells and the propensity.

    Parameters
    ----------
    y : ndarray of shape (n,)
    treated, after : ndarray of bool, shape (n,)
        Group and period of each row.
    means : mapping of (group, period) to ndarray of shape (n,)
    p_treated : ndarray of shape (n,)
    weights : ndarray of shape (n,)
    """
    share, share_after = np.average(treated, weights=weights), np.average(after, weights=weights)
    gained = means[1, 1] - means[1, 0] - means[0, 1] + means[0, 0]
    missed = np.zeros(len(y))
    like_treated = np.where(treated, 1.0, -p_treated / (1 - p_treated))
    in_period = np.where(after, 1 / share_after, -1 / (1 - share_after))
    for (group, period), mean in means.items():
        here = (treated == group) & (after == period)
        missed[here] = (y - mean)[here]
    b = (treated * gained + like_treated * in_period * missed) / share
    return LinearScore(-1.0 * treated / share, b)


def _cells(problem: Problem) -> tuple[BoolArray, BoolArray]:
    """Who is in a unit that is ever treated, and which rows are after the start.

    Raises
    ------
    InputError
        If treated units start at different times or lack rows, or nobody is left to compare with.
    """
    unit, time = problem.others["unit"].codes, problem.others["time"].codes
    on = problem.t == 1
    treated: BoolArray = (np.bincount(unit, weights=on) > 0)[unit]
    after: BoolArray = time >= time[on].min()
    unseen = np.bincount(unit, weights=after) == 0
    if unseen.any():
        raise InputError(
            f"{int(unseen.sum())} unit(s) have no row from the start of treatment on, so that it "
            "cannot be seen whether they were treated; expected rows of every unit before and "
            "after. Leave those units out, or give larger ones as `unit`."
        )
    wrong = on != (treated & after)
    if wrong.any():
        row = int(np.argmax(wrong))
        labels = problem.others["unit"].levels or (), problem.others["time"].levels or ()
        raise InputError(
            f"{int(wrong.sum())} row(s) of treated units have another status than their start "
            f"says, such as {labels[0][unit[row]]} in {labels[1][time[row]]}; expected treatment "
            f"of all their rows from {labels[1][time[on].min()]} on. Give as `unit` the label by "
            "which treatment is decided; for several starts use GroupTimeEffects() on panel data."
        )
    for (group, period), words in {
        (0, 0): "untreated units before",
        (0, 1): "untreated units after",
        (1, 0): "treated units before",
    }.items():
        if ((treated == group) & (after == period)).sum() < 2:
            raise InputError(
                f"fewer than two rows are of {words} the start of treatment; expected all four "
                "cells of treated and untreated, before and after. Bring rows of both."
            )
    return treated, after
