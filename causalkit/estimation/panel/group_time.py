"""`GroupTimeEffects`: units that start treatment in different periods.

Regression with fixed effects of units and periods also compares those that start now with those
that started earlier, whose own effects may still be changing, and can so be wrong in sign
(Goodman-Bacon 2021). Here each group of units with a common start is compared, period by period,
with units that are not treated: the *group-time effects* ATT(g, t). They are then averaged: over
everything, by group, by calendar time, or by time since the start (an *event study*, which also
shows periods before it, where nothing should be seen).

References
----------
Callaway & Sant'Anna (2021), "Difference-in-differences with multiple time periods", J. Econometrics
225, 200-230. doi:10.1016/j.jeconom.2020.12.001
Roth, Sant'Anna, Bilinski & Poe (2023), "What's trending in difference-in-differences? A synthesis
of the recent econometrics literature", J. Econometrics 235, 2218-2244.
doi:10.1016/j.jeconom.2023.03.008
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any, ClassVar

import numpy as np
from sklearn.base import clone

from causalkit._core.checks import check_choice, check_count
from causalkit._core.random import as_generator
from causalkit.errors import AssumptionWarning, InputError
from causalkit.estimation.base import EffectEstimator, Solution
from causalkit.estimation.effect import Effect
from causalkit.estimation.effect_set import EffectSet
from causalkit.estimation.inference import Asymptotic, Bootstrap
from causalkit.estimation.panel.adoption import Adoption, adoption_of
from causalkit.estimation.panel.difference_in_differences import change_of, check_learners
from causalkit.estimation.panel.group_time_study import GroupTimeStudy
from causalkit.estimation.panel.staggered import (
    AGGREGATIONS,
    Average,
    Cell,
    averages,
    cells_of,
    overall,
)
from causalkit.estimation.panel.structure import (
    clustered_by_unit,
    few_clusters,
    refuse_repeated_rows,
    refuse_starts,
    spread_over_rows,
)
from causalkit.estimation.problem import Problem
from causalkit.typing import RandomState

__all__ = ["GroupTimeEffects"]


class GroupTimeEffects(EffectEstimator):
    """Effects on the treated under staggered adoption, by group and period.

    Parameters
    ----------
    outcome_learner : scikit-learn regressor, optional
        Predicts the change of the outcome among controls.
    treatment_learner : scikit-learn classifier, optional
        Predicts who belongs to a group and not to its controls. Without either learner linear and
        logistic models are fitted in each cell, as in the paper; with one or both, both are
        cross-fitted, and the one left out is boosted trees.
    aggregation : {"simple", "group", "calendar", "event study", "group-time"}
        What `effect_` is: one average over all treated units and periods, or a set of averages by
        group, by period, by time since the start, or of all group-time effects.
    at : str, optional
        Label of one effect of that set, e.g. `aggregation="event study", at="2"`; the only one
        that is then returned.
    controls : {"never", "not yet"}
        Compare with units that are never treated, or also with those treated later.
    score : {"doubly robust", "regression", "weighting"}
    anticipation : int
        Periods before the start in which units may already react.
    n_folds, n_repeats : int
        Of the cross-fitting; folds are of whole units.
    clip : float
        Propensities above 1 − clip are moved there.
    inference : Asymptotic or Bootstrap, optional
    random_state : int, Generator or None
    n_jobs : int, optional

    Attributes
    ----------
    group_times_ : GroupTimeStudy
        All group-time effects, whatever `effect_` is: `aggregate`, `overall`, `pre_trends`, `plot`.

    Notes
    -----
    `fit` takes the status of each row as `t` (0 before the start of its unit, 1 from then on),
    `unit` and `time`. Periods are counted as they are listed, gaps or not. Columns of X are read in
    the earlier of the two periods compared. Units treated from the first period on are left out.
    Standard errors are clustered by unit unless `groups` are given; they include that the sizes of
    the groups are estimated.

    **Assumes:**

    - parallel trends: without treatment, a group would have changed like its controls with the
      same X, in each period;
    - nobody reacts earlier than `anticipation` periods before the start, or to others' treatment;
    - treatment is not taken back;
    - every treated unit could have been a control, given X;
    - the model of changes or that of treatment is right; with learners, their errors multiply to
      less than n^-1/2;
    - groups are large; an effect of a handful of units has a standard error that is too small.

    A pre-trend test that finds nothing does not show that trends are parallel (Roth et al. 2023).

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> unit, time = np.repeat(np.arange(300), 4), np.tile([2001, 2002, 2003, 2004], 300)
    >>> start = rng.choice([2003, 2004, 9999], size=300)[unit]
    >>> t = time >= start
    >>> y = 0.1 * time + t * (1.0 + time - start) + rng.normal(size=1200)
    >>> study = GroupTimeEffects(aggregation="event study").fit(None, y, t=t, unit=unit, time=time)
    >>> study.effect_.labels
    ('-2', '-1', '0', '1')
    >>> bool(2.0 in study.effect_["1"].interval(0.99))
    True
    """

    treatments: ClassVar[tuple[str, ...]] = ("binary",)
    instead: ClassVar[str] = "FixedEffects() or PanelPLR(), which take a continuous treatment"
    needs: ClassVar[tuple[str, ...]] = ("unit", "time")

    group_times_: GroupTimeStudy

    def __init__(
        self,
        outcome_learner: Any = None,
        treatment_learner: Any = None,
        *,
        aggregation: str = "simple",
        at: str | None = None,
        controls: str = "never",
        score: str = "doubly robust",
        anticipation: int = 0,
        n_folds: int = 5,
        n_repeats: int = 1,
        clip: float = 0.01,
        inference: Asymptotic | Bootstrap | None = None,
        random_state: RandomState = None,
        n_jobs: int | None = None,
    ) -> None:
        self.outcome_learner = outcome_learner
        self.treatment_learner = treatment_learner
        self.aggregation = aggregation
        self.at = at
        self.controls = controls
        self.score = score
        self.anticipation = anticipation
        self.n_folds = n_folds
        self.n_repeats = n_repeats
        self.clip = clip
        self.inference = inference
        self.random_state = random_state
        self.n_jobs = n_jobs

    def _method(self) -> str:
        learnt = self.outcome_learner is not None or self.treatment_learner is not None
        how = f", cross-fitted in {self.n_folds} folds" if learnt else ""
        against = "never" if self.controls == "never" else "not yet"
        return f"group-time effects against the {against} treated, {self.score}{how}"

    def _check(self, problem: Problem) -> None:
        super()._check(problem)
        check_learners(self)
        check_choice(self.aggregation, "aggregation", AGGREGATIONS)
        check_choice(self.controls, "controls", ("never", "not yet"))
        check_count(self.anticipation, "anticipation", minimum=0)
        if problem.supplied:
            raise InputError(
                "nuisances were supplied, one a row; each group and period needs its own. Give "
                "learners instead, or estimate one comparison with DifferenceInDifferences()."
            )

    def answer(self, problem: Problem) -> Effect | EffectSet:
        """Estimate on data in which every unit has one row a period; keeps `group_times_`."""
        self._check_roles(problem.others)
        problem = clustered_by_unit(problem)
        refuse_repeated_rows(problem)
        refuse_starts(problem)
        self._check(problem)
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            adoption, cells = self._cells(problem, as_generator(self.random_state))
        for alert in _alerts(problem, adoption, cells):
            warnings.warn(alert, stacklevel=3)
        self.group_times_ = GroupTimeStudy(
            cells=tuple(cells),
            periods=adoption.panel.periods,
            anticipation=self.anticipation,
            effect_of=partial(_effect_of, clone(self), problem, adoption),
        )
        if isinstance(self._inference(), Bootstrap):
            return self._resampled(problem)
        if self.at is not None:
            return self.group_times_.aggregate(self.aggregation)[self._position(cells, adoption)]
        if self.aggregation == "simple":
            return self.group_times_.overall("simple")
        return self.group_times_.aggregate(self.aggregation)

    def solve(self, problem: Problem) -> Effect:
        """Estimate one effect: the one that `at` names, or the overall average."""
        self._check_roles(problem.others)
        return super().solve(clustered_by_unit(problem))

    def _solve(self, problem: Problem, rng: np.random.Generator) -> Solution:
        adoption, cells = self._cells(problem, rng)
        periods = adoption.panel.periods
        if self.at is None:
            found = overall(cells, self.aggregation, periods)
        else:
            found = averages(cells, self.aggregation, periods)[self._position(cells, adoption)]
        return _solution(problem, adoption, found, _alerts(problem, adoption, cells))

    def _cells(self, problem: Problem, rng: np.random.Generator) -> tuple[Adoption, list[Cell]]:
        adoption = adoption_of(problem, who=type(self).__name__)
        cells = cells_of(
            problem,
            adoption,
            partial(change_of, self),
            rng,
            controls=self.controls,
            anticipation=self.anticipation,
        )
        return adoption, cells

    def _resampled(self, problem: Problem) -> Effect | EffectSet:
        """Every effect with a bootstrap of its own."""
        if self.at is not None or self.aggregation == "simple":
            return super().solve(problem)
        labels = self.group_times_.aggregate(self.aggregation).labels
        effects = tuple(clone(self).set_params(at=label).solve(problem) for label in labels)
        return EffectSet(effects, labels, reading="contrasts")

    def _position(self, cells: list[Cell], adoption: Adoption) -> int:
        labels = [a.label for a in averages(cells, self.aggregation, adoption.panel.periods)]
        if str(self.at) not in labels:
            shown = ", ".join(labels[:8]) + (", …" if len(labels) > 8 else "")
            raise InputError(
                f"at={self.at!r}; expected the label of one effect of aggregation="
                f"{self.aggregation!r}: {shown}."
            )
        return labels.index(str(self.at))


def _effect_of(
    estimator: GroupTimeEffects,
    problem: Problem,
    adoption: Adoption,
    average: Average,
    settings: dict[str, Any],
) -> Effect:
    """Put inference on an average of cells; the effect knows how to be estimated again."""
    solution = _solution(problem, adoption, average)
    own = clone(estimator).set_params(**settings)
    # Of a bootstrap the study still tells what influences say.
    if isinstance(estimator.inference, Bootstrap):
        own.set_params(inference=None)
    effect: Effect = replace(own.effect_of(problem, solution), estimator=own)
    return effect


def _solution(
    problem: Problem, adoption: Adoption, average: Average, alerts: tuple[Warning, ...] = ()
) -> Solution:
    never, first = int(adoption.never.sum()), int((adoption.start == 0).sum())
    notes = [f"{first} unit(s) treated from the first period on were left out."] if first else []
    details = {
        "contrast": f"{problem.treatment}, treated versus not: {average.words}",
        "units": {"treated": len(adoption.start) - never - first, "never treated": never},
        "notes": notes,
    }
    scores = spread_over_rows(
        average.scores, adoption.panel.unit, adoption.weights, problem.weights
    )
    return Solution(average.value, scores, details=details, alerts=alerts)


def _alerts(problem: Problem, adoption: Adoption, cells: Sequence[Cell]) -> tuple[Warning, ...]:
    """One warning of each kind that cells gave, and one of groups of a few clusters."""
    periods = adoption.panel.periods
    alerts: list[Warning] = []
    for kind in {type(alert): None for c in cells for alert in c.alerts}:
        found = {
            f"{periods[c.group]} in {periods[c.period]}": alert
            for c in cells
            for alert in c.alerts
            if type(alert) is kind
        }
        first = next(iter(found.values()))
        alerts.append(
            kind(f"In {len(found)} of {len(cells)} cells ({_named(list(found))}). First: {first}")
        )
    groups = None if problem.groups is None else problem.groups[adoption.row[:, 0]]
    members = {str(periods[c.group]): c.members for c in cells}
    small = {
        label: few[0]
        for label, units in members.items()
        if (few := few_clusters(adoption.weights * units, groups, f"group {label}"))
    }
    if small:
        alerts.append(
            AssumptionWarning(
                f"{len(small)} of {len(members)} groups ({_named(list(small))}) are small. The "
                f"first: {next(iter(small.values()))}"
            )
        )
    return tuple(alerts)


def _named(labels: list[str]) -> str:
    return ", ".join(labels[:4]) + (", …" if len(labels) > 4 else "")
