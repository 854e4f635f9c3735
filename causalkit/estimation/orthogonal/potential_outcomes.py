"""`PotentialOutcomes`: the mean outcome at each level of a treatment, were everybody at it.

A treatment with several levels (drugs, doses in classes, regions of a policy) has one mean outcome
E[Y(a)] a level a, and all effects are differences of them. Each is estimated doubly robustly from

    ψ = g_a(X) + 1{A = a} (Y − g_a(X)) / m_a(X) − θ_a,

with the outcome g_a within the level and the probability m_a of the level predicted out of fold.
The influences of all levels are of the same rows, so that every contrast, and the band over all of
them, follows without another fit: `effect_.contrasts()`.

References
----------
Robins, Rotnitzky & Zhao (1994), "Estimation of regression coefficients when some regressors are not
always observed", JASA 89, 846-866. doi:10.1080/01621459.1994.10476818
Cattaneo (2010), "Efficient semiparametric estimation of multi-valued treatment effects under
ignorability", Journal of Econometrics 155, 138-154. doi:10.1016/j.jeconom.2009.09.023
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, cast

import numpy as np
from sklearn.base import clone

from causalkit.errors import InputError
from causalkit.estimation.inference import Asymptotic, Bootstrap
from causalkit.estimation.moments import LinearScore
from causalkit.estimation.nuisances.crossfitting import Nuisance
from causalkit.estimation.nuisances.learners import class_learner, mean_learner
from causalkit.estimation.orthogonal.several import SeveralEffects
from causalkit.estimation.problem import Problem
from causalkit.estimation.weighting.ipw import check_clip
from causalkit.estimation.weighting.overlap import overlap_of
from causalkit.typing import FloatArray, IntArray, RandomState

__all__ = ["PotentialOutcomes", "mean_at"]


def mean_at(y: FloatArray, inside: FloatArray, outcome: FloatArray, p: FloatArray) -> LinearScore:
    """Mean outcome at a level: ψ_b = g + D(y − g)/m, ψ_a = −1.

    Parameters
    ----------
    y, inside : ndarray of shape (n,)
        Outcome; 1 for rows at the level.
    outcome, p : ndarray of shape (n,)
        Predicted outcome at the level, and probability of it.
    """
    return LinearScore(-np.ones_like(y), outcome + inside * (y - outcome) / p)


class PotentialOutcomes(SeveralEffects):
    """Mean outcome at every level of a treatment, doubly robust and cross-fitted.

    Parameters
    ----------
    outcome_learner : scikit-learn regressor or classifier, optional
        Predicts the outcome within a level.
    treatment_learner : scikit-learn classifier, optional
        Predicts the probability of each level.
    level : object, optional
        One level only; by default all of them.
    n_folds, n_repeats : int
        Folds, balanced over the levels; repeats with other folds, aggregated by the median.
    clip : float
        Probabilities outside [clip, 1 − clip] are moved to the bound.
    inference : Asymptotic or Bootstrap, optional
    random_state : int, Generator or None
        Folds, and every learner whose own random_state is None.
    n_jobs : int, optional
        All fits run in parallel; the numbers do not depend on it.

    Attributes
    ----------
    effect_ : EffectSet
        One mean a level, read as "means"; with `level` one Effect.

    Notes
    -----
    **Assumes:**

    - no hidden common cause of treatment and outcome beyond the adjustment columns;
    - every row could have had every level (see `effect.details["overlap"]`);
    - the errors of the two learners multiply to less than n^-1/2.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from sklearn.linear_model import LinearRegression, LogisticRegression
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=900)
    >>> arm = np.array(["a", "b", "c"])[rng.integers(3, size=900)]
    >>> y = np.select([arm == "b", arm == "c"], [1.0, 3.0]) + x + rng.normal(size=900)
    >>> means = PotentialOutcomes(LinearRegression(), LogisticRegression(), random_state=0)
    >>> levels = pd.Series(arm, dtype="category")
    >>> contrasts = means.fit({"x": x}, y, t=levels).effect_.contrasts()
    >>> contrasts.labels
    ('b − a', 'c − a', 'c − b')
    >>> bool(2 in contrasts["c − b"].interval(0.99))
    True
    """

    treatments: ClassVar[tuple[str, ...]] = ("binary", "categorical")
    instead: ClassVar[str] = (
        "DoseResponse() for a dose; if its numbers are levels, say so with .astype('category')"
    )
    reading: ClassVar[str] = "means"

    def __init__(
        self,
        outcome_learner: Any = None,
        treatment_learner: Any = None,
        *,
        level: object = None,
        n_folds: int = 5,
        n_repeats: int = 1,
        clip: float = 0.01,
        inference: Asymptotic | Bootstrap | None = None,
        random_state: RandomState = None,
        n_jobs: int | None = None,
    ) -> None:
        self.outcome_learner = outcome_learner
        self.treatment_learner = treatment_learner
        self.level = level
        self.n_folds = n_folds
        self.n_repeats = n_repeats
        self.clip = clip
        self.inference = inference
        self.random_state = random_state
        self.n_jobs = n_jobs

    def _method(self) -> str:
        return f"doubly robust mean, {self._crossfitted()}"

    def _check(self, problem: Problem) -> None:
        super()._check(problem)
        check_clip(self.clip)

    def _compared(self, problem: Problem) -> Sequence[int]:
        levels = cast("tuple[object, ...]", problem.levels)
        if self.level is None:
            return range(len(levels))
        if self.level not in levels:
            raise InputError(
                f"level={self.level!r}: treatment {problem.treatment!r} has no such level; "
                f"expected one of {levels}."
            )
        return (levels.index(self.level),)

    def _members(self, problem: Problem) -> Sequence[tuple[str, SeveralEffects]]:
        levels = cast("tuple[object, ...]", problem.levels)
        wanted = [levels[code] for code in self._compared(problem)]
        return [(f"{level}", clone(self).set_params(level=level)) for level in wanted]

    def _nuisances(self, problem: Problem) -> Sequence[Nuisance]:
        (code,) = self._compared(problem)
        levels = cast("tuple[object, ...]", problem.levels)
        outcome = mean_learner(self.outcome_learner, "outcome_learner", problem.y)
        propensity = class_learner(self.treatment_learner, "treatment_learner")
        return [
            Nuisance(f"outcome_{levels[code]}", problem.y, outcome, among=problem.t == code),
            Nuisance("treatment", problem.t, propensity, n_classes=len(levels)),
        ]

    def _moment(
        self,
        problem: Problem,
        predictions: Mapping[str, FloatArray],
        folds: IntArray,  # noqa: ARG002
        rng: np.random.Generator,  # noqa: ARG002
    ) -> tuple[LinearScore, dict[str, Any]]:
        (code,) = self._compared(problem)
        level = cast("tuple[object, ...]", problem.levels)[code]
        inside, raw = problem.t == code, predictions["treatment"][:, code]
        p = np.clip(raw, self.clip, 1 - self.clip)
        score = mean_at(problem.y, inside.astype(np.float64), predictions[f"outcome_{level}"], p)
        # The rows at the level stand in for all others, which need stand in for nobody.
        overlap = overlap_of(
            1 - raw,
            raw,
            ~inside,
            inside,
            (f"{level}", "all others"),
            clip=self.clip,
            treated_only=True,
            weights=problem.weights,
        )
        details = {
            "question": f"Mean of {problem.outcome_in_words} if {problem.treatment} = {level}",
            "contrast": f"everybody at {problem.treatment} = {level}",
            "overlap": overlap,
            "share_clipped": overlap.share_clipped,
            "notes": overlap.notes,
        }
        return score, details

    def _alerts(self, details: Mapping[str, Any]) -> tuple[Warning, ...]:
        warning = details["overlap"].warning()
        return (warning,) if warning else ()
