"""Double machine learning: `AIPW` and `PLR`.

Both predict outcome and treatment from the adjustment columns with any learner, out of fold, and
put the predictions into a moment that forgives first-order errors in them (see
:mod:`causalkit.estimation.moments`). So the effect has a valid interval although the learners have
none.

:class:`AIPW` (the interactive model) is for a discrete treatment and lets the effect vary in any
way; it is *doubly robust*: right if either predictions are. :class:`PLR` (the partially linear
model) is for a continuous or binary treatment and reads one coefficient, y = θ t + g(X) + ε.

References
----------
Robinson (1988), Econometrica 56, 931-954. doi:10.2307/1912705
Robins, Rotnitzky & Zhao (1994), JASA 89, 846-866. doi:10.1080/01621459.1994.10476818
Chernozhukov et al. (2018), Econometrics Journal 21, C1-C68. doi:10.1111/ectj.12097
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, cast

import numpy as np
from sklearn.base import is_classifier

from causalkit._core.checks import check_choice
from causalkit.errors import NumericalError, OverlapWarning
from causalkit.estimation.base import OrthogonalEstimator, contrast_of
from causalkit.estimation.crossfitting import Nuisance, check_learner, crossfit
from causalkit.estimation.inference import Asymptotic, Bootstrap
from causalkit.estimation.learners import default_classifier, default_regressor
from causalkit.estimation.moments import (
    LinearScore,
    aipw,
    aipw_treated,
    partialling_out,
    partially_linear_iv,
)
from causalkit.estimation.overlap import overlap_of
from causalkit.estimation.problem import Problem
from causalkit.estimation.weighting import check_clip
from causalkit.typing import FloatArray, IntArray, RandomState

__all__ = ["AIPW", "PLR"]

_LEAST_VARIANCE = 0.01


class AIPW(OrthogonalEstimator):
    """Augmented inverse propensity weighting, cross-fitted; doubly robust.

    Parameters
    ----------
    outcome_learner : scikit-learn regressor or classifier, optional
        Predicts the outcome within an arm. For an outcome of zeros and ones a classifier's
        probabilities are used, and the effect is a risk difference; a regressor is accepted too.
    treatment_learner : scikit-learn classifier, optional
        Predicts the probability of each treatment (the propensity).
    target : {"ATE", "ATT"}
        Average over everyone, or over the treated.
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
        return f"AIPW, {_crossfitted(self)}, {self.target}"

    def _check(self, problem: Problem) -> None:
        super()._check(problem)
        check_clip(self.clip)

    def _nuisances(self, problem: Problem) -> Sequence[Nuisance]:
        control, treated = contrast_of(problem, self.contrast)
        outcome = _outcome_learner(self.outcome_learner, problem)
        propensity = check_learner(
            self.treatment_learner if self.treatment_learner is not None else default_classifier(),
            "treatment_learner",
            discrete=True,
            regression_allowed=False,
        )
        levels = cast("tuple[object, ...]", problem.levels)
        nuisances = [
            Nuisance("outcome_control", problem.y, outcome, among=problem.t == control),
            Nuisance("treatment", problem.t, propensity, n_classes=len(levels)),
        ]
        if self.target == "ATE":
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
        control, treated = contrast_of(problem, self.contrast)
        levels = cast("tuple[object, ...]", problem.levels)
        in_control, in_treated = (
            (problem.t == code).astype(np.float64) for code in (control, treated)
        )
        raw = [predictions["treatment"][:, code] for code in (control, treated)]
        # Of two arms one is clipped and the other follows, so that they still sum to one.
        p_treated = np.clip(raw[1], self.clip, 1 - self.clip)
        p_control = np.clip(raw[0], self.clip, 1 - self.clip)
        if problem.kind == "binary":
            p_control = 1 - p_treated
        if self.target == "ATE":
            score = aipw(
                problem.y,
                in_treated,
                in_control,
                predictions["outcome_treated"],
                predictions["outcome_control"],
                p_treated,
                p_control,
            )
        else:
            score = aipw_treated(
                problem.y,
                in_treated,
                in_control,
                predictions["outcome_control"],
                p_treated,
                p_control,
                float(np.average(in_treated, weights=problem.weights)),
            )
        arms = (f"{levels[control]}", f"{levels[treated]}")
        overlap = overlap_of(
            raw[1],
            raw[0],
            in_treated > 0,
            in_control > 0,
            arms,
            clip=self.clip,
            treated_only=self.target == "ATT",
            weights=problem.weights,
        )
        details = {
            "contrast": f"{problem.treatment}: {arms[1]} versus {arms[0]}",
            "overlap": overlap,
            "share_clipped": overlap.share_clipped,
            "notes": [f"Overlap: {overlap.problem}."] if overlap.problem else [],
        }
        return score, details

    def _alerts(self, details: Mapping[str, Any]) -> tuple[Warning, ...]:
        warning = details["overlap"].warning()
        return (warning,) if warning else ()


class PLR(OrthogonalEstimator):
    """Partially linear regression by double machine learning.

    Parameters
    ----------
    outcome_learner : scikit-learn regressor or classifier, optional
        Predicts the outcome from the adjustment columns.
    treatment_learner : scikit-learn regressor or classifier, optional
        Predicts the treatment from them; a classifier needs a binary treatment.
    score : {"partialling-out", "IV-type"}
        Regress residuals on residuals (Robinson), or use the treatment's residual as an instrument
        after a third regression, of y − θt; less biased where the outcome learner is poor.
    n_folds, n_repeats : int
        Folds of the cross-fitting; repeats with other folds, aggregated by the median.
    inference : Asymptotic or Bootstrap, optional
    random_state : int, Generator or None
        Folds, and every learner whose own random_state is None.
    n_jobs : int, optional
        All fits run in parallel; the numbers do not depend on it.

    Notes
    -----
    **Assumes:**

    - no hidden common cause of treatment and outcome beyond the adjustment columns;
    - the effect is linear in the treatment and the same at all adjustment values; where it varies,
      the result weights rows by how unpredictable their treatment is;
    - the errors of the two learners multiply to less than n^-1/2.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LassoCV
    >>> rng = np.random.default_rng(0)
    >>> Z = rng.normal(size=(500, 3))
    >>> t = Z[:, 0] + rng.normal(size=500)
    >>> y = 0.5 * t + Z[:, 0] + rng.normal(size=500)
    >>> effect = PLR(LassoCV(), LassoCV(), random_state=0).fit(Z, y, t=t).effect_
    >>> bool(0.5 in effect.interval(0.99))
    True
    """

    treatments: ClassVar[tuple[str, ...]] = ("binary", "continuous")
    instead: ClassVar[str] = "AIPW(contrast=(control, treated)), which takes several levels"

    def __init__(
        self,
        outcome_learner: Any = None,
        treatment_learner: Any = None,
        *,
        score: str = "partialling-out",
        n_folds: int = 5,
        n_repeats: int = 1,
        inference: Asymptotic | Bootstrap | None = None,
        random_state: RandomState = None,
        n_jobs: int | None = None,
    ) -> None:
        self.outcome_learner = outcome_learner
        self.treatment_learner = treatment_learner
        self.score = score
        self.n_folds = n_folds
        self.n_repeats = n_repeats
        self.inference = inference
        self.random_state = random_state
        self.n_jobs = n_jobs

    def _method(self) -> str:
        return f"partially linear regression ({self.score}), {_crossfitted(self)}"

    def _check(self, problem: Problem) -> None:
        super()._check(problem)
        check_choice(self.score, "score", ("partialling-out", "IV-type"))

    def _nuisances(self, problem: Problem) -> Sequence[Nuisance]:
        binary = problem.kind == "binary"
        default = default_classifier() if binary else default_regressor()
        treatment = check_learner(
            self.treatment_learner if self.treatment_learner is not None else default,
            "treatment_learner",
            discrete=binary,
            regression_allowed=True,
        )
        outcome = _outcome_learner(self.outcome_learner, problem)
        return [
            Nuisance("outcome", problem.y, outcome),
            Nuisance("treatment", problem.t, treatment),
        ]

    def _moment(
        self,
        problem: Problem,
        predictions: Mapping[str, FloatArray],
        folds: IntArray,
        rng: np.random.Generator,
    ) -> tuple[LinearScore, dict[str, Any]]:
        y, t, t_hat = problem.y, problem.t, predictions["treatment"]
        score = partialling_out(y, t, predictions["outcome"], t_hat)
        if self.score == "IV-type":
            score = self._iv_score(problem, score, t_hat, folds, rng)
        w = problem.weights
        mean = np.average(t, weights=w)
        left = np.average((t - t_hat) ** 2, weights=w) / np.average((t - mean) ** 2, weights=w)
        contrast = f"one unit more of {problem.treatment}"
        if problem.levels is not None:
            contrast = f"{problem.treatment}: {problem.levels[1]} versus {problem.levels[0]}"
        if left < 1e-10:
            raise NumericalError(
                f"treatment {problem.treatment!r} is predicted without error from the adjustment "
                "columns, so nothing of it is left after adjustment; expected treatment that "
                "varies given them. Leave out the columns that determine it."
            )
        notes = []
        if left < _LEAST_VARIANCE:
            notes = [f"Only {left:.2%} of the treatment's variance is left after adjustment."]
        details = {"contrast": contrast, "treatment_variance_left": float(left), "notes": notes}
        return score, details

    def _iv_score(
        self,
        problem: Problem,
        first: LinearScore,
        t_hat: FloatArray,
        folds: IntArray,
        rng: np.random.Generator,
    ) -> LinearScore:
        """Predict y − θ₀t with θ₀ from partialling out, then instrument."""
        theta, _ = first.solve(problem.weights)
        base = problem.y - theta * problem.t
        learner = self.outcome_learner
        if learner is None or is_classifier(learner):
            learner = default_regressor()
        nuisance = Nuisance("base", base, learner)
        g = crossfit(problem, [nuisance], folds, rng, n_jobs=self.n_jobs)["base"]
        return partially_linear_iv(problem.y, problem.t, g, t_hat)

    def _alerts(self, details: Mapping[str, Any]) -> tuple[Warning, ...]:
        if not details["notes"]:
            return ()
        return (
            OverlapWarning(
                f"{details['notes'][0]} Expected treatment that varies given the adjustment "
                "columns. Adjust for fewer columns, or bring rows in which it varies freely."
            ),
        )


def _outcome_learner(learner: Any, problem: Problem) -> Any:
    """Return the learner given, or the default for a numeric or a 0/1 outcome."""
    default = default_classifier() if problem.binary_outcome else default_regressor()
    return check_learner(
        learner if learner is not None else default,
        "outcome_learner",
        discrete=problem.binary_outcome,
        regression_allowed=True,
    )


def _crossfitted(estimator: AIPW | PLR) -> str:
    repeats = f", median of {estimator.n_repeats} repeats" if estimator.n_repeats > 1 else ""
    return f"cross-fitted in {estimator.n_folds} folds{repeats}"
