"""`NaturalEffects`: how much of an effect goes through mediators, and how much does not.

Take the units as they are treated, but give the mediators M the values that they would have had
without treatment: Y(1, M(0)). It cuts the total effect in two,

    E[Y(1, M(1)) − Y(0, M(0))] = E[Y(1, M(1)) − Y(1, M(0))] + E[Y(1, M(0)) − Y(0, M(0))]
          total                =     natural indirect       +      natural direct.

Each mean E[Y(a, M(b))] has the influence function, with μ(m,x) = E[Y | M=m, T=a, X=x], its mean
η(x) = E[μ(M,x) | T=b, x] and p the probabilities of the treatment,

    1(T=a) p(b|M,X) / (p(a|M,X) p(b|X)) (Y − μ(M,X)) + 1(T=b)/p(b|X) (μ(M,X) − η(X)) + η(X),

which for a = b is that of AIPW. No density of the mediators enters, so they may be continuous, and
several (:mod:`causalkit.estimation.orthogonal.nested`).

References
----------
Tchetgen Tchetgen & Shpitser (2012), "Semiparametric theory for causal mediation analysis:
efficiency bounds, multiple robustness and sensitivity analysis", Annals of Statistics 40,
1816-1845. doi:10.1214/12-AOS990
Farbmacher, Huber, Lafférs, Langen & Spindler (2022), "Causal mediation analysis with double machine
learning", Econometrics Journal 25, 277-300. doi:10.1093/ectj/utac003
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, ClassVar, cast

import numpy as np
from sklearn.base import clone

from causalkit._core.checks import check_choice, check_count
from causalkit._core.random import as_generator
from causalkit.errors import NuisanceWarning
from causalkit.estimation.base import Solution
from causalkit.estimation.contrasts import contrast_in_words, contrast_of
from causalkit.estimation.effect import Effect
from causalkit.estimation.effect_set import EffectSet
from causalkit.estimation.inference import Asymptotic, Bootstrap
from causalkit.estimation.moments import LinearScore
from causalkit.estimation.nuisances.crossfitting import Nuisance, crossfit
from causalkit.estimation.nuisances.learners import class_learner, mean_learner
from causalkit.estimation.nuisances.quality import unassessed
from causalkit.estimation.orthogonal.base import OrthogonalEstimator
from causalkit.estimation.orthogonal.nested import (
    effective_share,
    nested_regressor,
    poor_overlap,
    with_mediators,
)
from causalkit.estimation.problem import Problem
from causalkit.estimation.weighting.ipw import check_clip
from causalkit.estimation.weighting.overlap import arms_overlap
from causalkit.typing import FloatArray, IntArray, RandomState

__all__ = ["NaturalEffects"]

_PARTS = ("total", "direct", "indirect")


class NaturalEffects(OrthogonalEstimator):
    """Total effect, and what of it is direct and what passes mediators; multiply robust.

    The mediators are given to `fit` as `mediators`, one column or several, numeric or categorical.
    `effect_` is an EffectSet of "total", "direct" and "indirect", from the same fits.

    Parameters
    ----------
    outcome_learner : scikit-learn regressor or classifier, optional
        Predicts the outcome in an arm, from covariates, and from covariates and mediators.
    treatment_learner : scikit-learn classifier, optional
        Predicts the treatment, from covariates, and from covariates and mediators.
    nested_learner : scikit-learn regressor, optional
        Predicts the outcome's predictions from the covariates, in an arm. The outcome learner by
        default.
    part : {"all", "total", "direct", "indirect"}
        One of the effects only.
    direct_at : {"control", "treated"}
        Where the mediators stay while the treatment changes: at their values without treatment, or
        at those with it. The indirect effect is the rest of the total.
    contrast : (control, treated), optional
        Levels to compare; needed for more than two.
    n_folds, n_repeats : int
        Folds of the cross-fitting, balanced over the arms; repeats with other folds, aggregated by
        the median.
    clip : float
        Probabilities of the treatment below it are moved to it.
    inference : Asymptotic or Bootstrap, optional
    random_state : int, Generator or None
    n_jobs : int, optional

    Notes
    -----
    **Assumes:**

    - no hidden common cause of treatment and outcome, or of treatment and mediators, given the
      covariates;
    - no hidden common cause of mediators and outcome, given covariates and treatment;
    - no common cause of mediators and outcome that the treatment changes (a mediator that was left
      out and is upstream of another, for one);
    - every row could have had either treatment, given covariates, and given covariates and
      mediators.

    The means E[Y(a, M(b))] are consistent if two learners are right: outcome and nested learner;
    outcome and treatment learner; or the treatment learner both without and with mediators. The
    standard error takes all to be right; where only some are, `Bootstrap` counts their errors.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LinearRegression, LogisticRegression
    >>> rng = np.random.default_rng(0)
    >>> X, t = rng.normal(size=(2000, 1)), rng.integers(2, size=2000)
    >>> m = 0.5 * t + X[:, 0] + rng.normal(size=2000)
    >>> y = 1 * t + 2 * m + X[:, 0] + rng.normal(size=2000)
    >>> natural = NaturalEffects(LinearRegression(), LogisticRegression(), random_state=0)
    >>> effects = natural.fit(X, y, t=t, mediators=m).effect_
    >>> effects.labels
    ('total', 'direct', 'indirect')
    >>> [truth in effect.interval(0.99) for truth, effect in zip([2, 1, 1], effects)]
    [True, True, True]
    """

    treatments: ClassVar[tuple[str, ...]] = ("binary", "categorical")
    instead: ClassVar[str] = "levels of it: cut a continuous treatment into a few"
    needs: ClassVar[tuple[str, ...]] = ("mediators",)
    later: ClassVar[tuple[str, ...]] = ("nested",)

    def __init__(
        self,
        outcome_learner: Any = None,
        treatment_learner: Any = None,
        nested_learner: Any = None,
        *,
        part: str = "all",
        direct_at: str = "control",
        contrast: tuple[object, object] | None = None,
        n_folds: int = 5,
        n_repeats: int = 1,
        clip: float = 0.01,
        inference: Asymptotic | Bootstrap | None = None,
        random_state: RandomState = None,
        n_jobs: int | None = None,
    ) -> None:
        self.outcome_learner = outcome_learner
        self.treatment_learner = treatment_learner
        self.nested_learner = nested_learner
        self.part = part
        self.direct_at = direct_at
        self.contrast = contrast
        self.n_folds = n_folds
        self.n_repeats = n_repeats
        self.clip = clip
        self.inference = inference
        self.random_state = random_state
        self.n_jobs = n_jobs

    def answer(self, problem: Problem) -> Effect | EffectSet:
        """Return all three effects from the same fits, or the one that `part` names."""
        if self.part != "all":
            return self.solve(problem)
        self._check(problem)
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            solutions = self._solutions(problem, as_generator(self.random_state), _PARTS)
        effects, alerts = [], dict[object, Warning]()
        for part, solution in solutions.items():
            single, draws = clone(self).set_params(part=part), None
            if isinstance(self.inference, Bootstrap):
                draws = self.inference.draws(problem, partial(_value, single))
            effects.append(single.effect_of(problem, solution, draws))
            for alert in (*solution.alerts, *self._separation(problem, solution)):
                poor_learners = isinstance(alert, NuisanceWarning)
                alerts.setdefault(NuisanceWarning if poor_learners else str(alert), alert)
        for alert in alerts.values():
            warnings.warn(alert, stacklevel=3)
        return EffectSet(tuple(effects), _PARTS, reading="contrasts")

    def _method(self) -> str:
        part = {"all": "effects", "total": "total effect"}.get(self.part, f"{self.part} effect")
        return f"natural {part}, multiply robust, {self._crossfitted()}".replace(
            "natural total", "total"
        )

    def _check(self, problem: Problem) -> None:
        super()._check(problem)
        check_clip(self.clip)
        check_choice(self.part, "part", ("all", *_PARTS))
        check_choice(self.direct_at, "direct_at", ("control", "treated"))
        check_count(self.n_folds, "n_folds", minimum=2)
        check_count(self.n_repeats, "n_repeats")

    def _crossed(self, problem: Problem) -> tuple[int, int]:
        """Levels (a, b) of the mean E[Y(a, M(b))] between the two arms."""
        control, treated = contrast_of(problem, self.contrast)
        return (treated, control) if self.direct_at == "control" else (control, treated)

    def _nuisances(self, problem: Problem) -> Sequence[Nuisance]:
        levels = cast("tuple[object, ...]", problem.levels)
        outcome = mean_learner(self.outcome_learner, "outcome_learner", problem.y)
        propensity = class_learner(self.treatment_learner, "treatment_learner")
        features, arm = with_mediators(problem), self._crossed(problem)[0]
        return [
            Nuisance("treatment", problem.t, propensity, n_classes=len(levels)),
            Nuisance(
                "treatment given mediators",
                problem.t,
                propensity,
                n_classes=len(levels),
                features=features,
            ),
            *(
                Nuisance(f"outcome {levels[a]}", problem.y, outcome, among=problem.t == a)
                for a in contrast_of(problem, self.contrast)
            ),
            Nuisance(
                "outcome given mediators",
                problem.y,
                outcome,
                among=problem.t == arm,
                features=features,
            ),
        ]

    def _moment(
        self,
        problem: Problem,
        predictions: Mapping[str, FloatArray],
        folds: IntArray,
        rng: np.random.Generator,
    ) -> tuple[LinearScore, dict[str, Any]]:
        levels = cast("tuple[object, ...]", problem.levels)
        control, treated = contrast = contrast_of(problem, self.contrast)
        y, t = problem.y, problem.t
        shares = np.clip(predictions["treatment"], self.clip, None)
        given = np.clip(predictions["treatment given mediators"], self.clip, None)
        shares, given = (p / p.sum(axis=1, keepdims=True) for p in (shares, given))
        own = {}
        for arm in contrast:
            mean = predictions[f"outcome {levels[arm]}"]
            own[arm] = mean + (t == arm) / shares[:, arm] * (y - mean)
        a, b = self._crossed(problem)
        mean = predictions["outcome given mediators"]
        learner = nested_regressor(self.nested_learner, self.outcome_learner)
        nested = crossfit(
            problem,
            [Nuisance("nested", mean, learner, among=t == b)],
            folds,
            rng,
            n_jobs=self.n_jobs,
        )["nested"]
        ratio = given[:, b] / (given[:, a] * shares[:, b])
        crossed = (t == a) * ratio * (y - mean) + (t == b) / shares[:, b] * (mean - nested) + nested
        at_control = self.direct_at == "control"
        scores = {
            "total": own[treated] - own[control],
            "direct": crossed - own[control] if at_control else own[treated] - crossed,
            "indirect": own[treated] - crossed if at_control else crossed - own[control],
        }
        overlap = arms_overlap(problem, predictions["treatment"], contrast, clip=self.clip)
        in_arm = t == a
        details = {
            "contrast": contrast_in_words(problem, contrast),
            "mediators": problem.others["mediators"].names,
            "overlap": overlap,
            "effective_share": effective_share(ratio[in_arm], problem.weights[in_arm]),
            "notes": overlap.notes,
            "scores": scores,
        }
        return self._score_of(scores, self._asked()), details

    @staticmethod
    def _score_of(scores: Mapping[str, FloatArray], part: str) -> LinearScore:
        return LinearScore(-np.ones_like(scores[part]), scores[part])

    def _asked(self) -> str:
        """The effect whose scores are handed over; the total one of all."""
        return "total" if self.part == "all" else self.part

    def _solve(self, problem: Problem, rng: np.random.Generator) -> Solution:
        asked = self._asked()
        return self._solutions(problem, rng, (asked,))[asked]

    def _solutions(
        self, problem: Problem, rng: np.random.Generator, parts: Sequence[str]
    ) -> dict[str, Solution]:
        """Solve for several effects in the same repeats."""
        nuisances, prepared = self._nuisances(problem), dict[Any, Any]()
        repeats = [
            self._once(problem, nuisances, child, prepared)[2]
            for child in rng.spawn(self.n_repeats)
        ]
        found = {}
        for part in parts:
            single = clone(self).set_params(part=part)
            solved = [
                (*self._score_of(facts["scores"], part).solve(problem.weights), facts)
                for facts in repeats
            ]
            found[part] = single._aggregate(problem, nuisances, solved)
        return found

    def _alerts(self, details: Mapping[str, Any]) -> tuple[Warning, ...]:
        return poor_overlap(details)


def _value(estimator: NaturalEffects, problem: Problem, rng: np.random.Generator) -> float:
    """One effect in a resample."""
    estimator._check(problem)
    with unassessed():
        return estimator._solve(problem, rng).value
