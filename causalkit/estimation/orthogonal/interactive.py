"""`AIPW`: any learners for a discrete treatment, doubly robust.

Outcome and treatment are predicted from the adjustment columns with any learner, out of fold, and
put into a moment that forgives first-order errors in them (see
:mod:`causalkit.estimation.moments`). So the effect has a valid interval although the learners have
none. The effect may vary in any way (the *interactive model*), and it is right if either prediction
is.

References
----------
Robins, Rotnitzky & Zhao (1994), "Estimation of regression coefficients when some regressors are not
always observed", JASA 89, 846-866. doi:10.1080/01621459.1994.10476818
Chernozhukov et al. (2018), "Double/debiased machine learning for treatment and structural
parameters", Econometrics Journal 21, C1-C68. doi:10.1111/ectj.12097
Li, Morgan & Zaslavsky (2018), "Balancing covariates via propensity score weighting", JASA 113,
390-400. doi:10.1080/01621459.2016.1260466
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, cast

import numpy as np

from causalkit.estimation.contrasts import Arms, contrast_in_words, contrast_of
from causalkit.estimation.inference import Asymptotic, Bootstrap
from causalkit.estimation.moments import LinearScore, aipw, aipw_overlap, aipw_treated
from causalkit.estimation.nuisances.crossfitting import Nuisance
from causalkit.estimation.nuisances.learners import class_learner, mean_learner
from causalkit.estimation.orthogonal.base import OrthogonalEstimator
from causalkit.estimation.problem import Problem
from causalkit.estimation.weighting.ipw import check_clip
from causalkit.estimation.weighting.overlap import arms_overlap
from causalkit.typing import FloatArray, IntArray, RandomState

__all__ = ["AIPW"]


class AIPW(OrthogonalEstimator):
    """Augmented inverse propensity weighting, cross-fitted; doubly robust.

    Parameters
    ----------
    outcome_learner : scikit-learn regressor or classifier, optional
        Predicts the outcome within an arm. For an outcome of zeros and ones a classifier's
        probabilities are used, and the effect is a risk difference; a regressor is accepted too.
    treatment_learner : scikit-learn classifier, optional
        Predicts the probability of each treatment (the propensity).
    target : {"ATE", "ATT", "ATO"}
        Average over everyone, over the treated, or over those who could have been in either arm:
        rows weigh e(1 − e) with their propensity e (Li, Morgan & Zaslavsky 2018), so that no weight
        is ever large. Of several levels, the two compared are taken by themselves.
    contrast : (control, treated) or "each", optional
        Levels to compare; needed for more than two.
    n_folds : int
        Folds are balanced over the arms, and clusters are kept whole.
    n_repeats : int
        Cross-fit again with other folds and take the median.
    clip : float
        Propensities outside [clip, 1 − clip] are moved to the bound.
    inference : Asymptotic or Bootstrap, optional
    random_state : int, Generator or None
        Folds, and every learner whose own random_state is None.
    n_jobs : int, optional
        All fits run in parallel; the numbers do not depend on it.

    Notes
    -----
    **Assumes:**

    - no hidden common cause of treatment and outcome beyond the adjustment columns;
    - every row could have had either treatment (see `effect.details["overlap"]`);
    - the errors of the two learners multiply to less than n^-1/2.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LinearRegression, LogisticRegression
    >>> rng = np.random.default_rng(0)
    >>> Z = rng.normal(size=(1000, 2))
    >>> t = rng.random(1000) < 1 / (1 + np.exp(-Z[:, 0]))
    >>> y = t * (1 + Z[:, 1]) + Z[:, 0] + rng.normal(size=1000)
    >>> aipw = AIPW(LinearRegression(), LogisticRegression(), random_state=0)
    >>> effect = aipw.fit(Z, y, t=t).effect_
    >>> bool(1 in effect.interval(0.99))
    True
    """

    treatments: ClassVar[tuple[str, ...]] = ("binary", "categorical")
    instead: ClassVar[str] = "PLR(), GComputation() or OLS(), which take a continuous treatment"
    targets: ClassVar[tuple[str, ...]] = ("ATE", "ATT", "ATO")

    def __init__(
        self,
        outcome_learner: Any = None,
        treatment_learner: Any = None,
        *,
        target: str = "ATE",
        contrast: tuple[object, object] | str | None = None,
        n_folds: int = 5,
        n_repeats: int = 1,
        clip: float = 0.01,
        inference: Asymptotic | Bootstrap | None = None,
        random_state: RandomState = None,
        n_jobs: int | None = None,
    ) -> None:
        self.outcome_learner = outcome_learner
        self.treatment_learner = treatment_learner
        self.target = target
        self.contrast = contrast
        self.n_folds = n_folds
        self.n_repeats = n_repeats
        self.clip = clip
        self.inference = inference
        self.random_state = random_state
        self.n_jobs = n_jobs

    def _method(self) -> str:
        return f"AIPW, {self._crossfitted()}, {self.target}"

    def _check(self, problem: Problem) -> None:
        super()._check(problem)
        check_clip(self.clip)

    def _nuisances(self, problem: Problem) -> Sequence[Nuisance]:
        control, treated = contrast_of(problem, self.contrast)
        outcome = mean_learner(self.outcome_learner, "outcome_learner", problem.y)
        propensity = class_learner(self.treatment_learner, "treatment_learner")
        levels = cast("tuple[object, ...]", problem.levels)
        nuisances = [
            Nuisance("outcome_control", problem.y, outcome, among=problem.t == control),
            Nuisance("treatment", problem.t, propensity, n_classes=len(levels)),
        ]
        if self.target != "ATT":
            nuisances.insert(
                1, Nuisance("outcome_treated", problem.y, outcome, among=problem.t == treated)
            )
        return nuisances

    def _moment(
        self,
        problem: Problem,
        predictions: Mapping[str, FloatArray],
        folds: IntArray,  # noqa: ARG002
        rng: np.random.Generator,  # noqa: ARG002
    ) -> tuple[LinearScore, dict[str, Any]]:
        arms = Arms.of(problem, self.contrast)
        overlap = arms_overlap(
            problem,
            predictions["treatment"],
            arms.codes,
            clip=self.clip,
            treated_only=self.target == "ATT",
        )
        # Overlap weights divide by no propensity; only arms that nowhere overlap hurt them.
        harmless = self.target == "ATO" and not overlap.disjoint
        details = {
            "contrast": contrast_in_words(problem, arms.codes),
            "overlap": overlap,
            "share_clipped": 0.0 if self.target == "ATO" else overlap.share_clipped,
            "notes": [] if harmless else overlap.notes,
        }
        return self._score(problem, arms, predictions), details

    def _score(
        self, problem: Problem, arms: Arms, predictions: Mapping[str, FloatArray]
    ) -> LinearScore:
        """The moment of the target."""
        y, ins = problem.y, (arms.treated, arms.control)
        outcome_control = predictions["outcome_control"]
        raw = [predictions["treatment"][:, code] for code in arms.codes]
        # Of two arms one is clipped and the other follows, so that they still sum to one.
        p_control, p_treated = (np.clip(p, self.clip, 1 - self.clip) for p in raw)
        if problem.kind == "binary":
            p_control = 1 - p_treated
        if self.target == "ATT":
            share = float(np.average(arms.treated, weights=problem.weights))
            return aipw_treated(y, *ins, outcome_control, p_treated, p_control, share)
        outcomes = (predictions["outcome_treated"], outcome_control)
        if self.target == "ATE":
            return aipw(y, *ins, *outcomes, p_treated, p_control)
        among_two = raw[1] / np.maximum(raw[0] + raw[1], np.finfo(float).tiny)
        return aipw_overlap(y, *ins, *outcomes, among_two)

    def _alerts(self, details: Mapping[str, Any]) -> tuple[Warning, ...]:
        warning = details["overlap"].warning() if details["notes"] else None
        return (warning,) if warning else ()
