"""`PLR`: any learners around one coefficient, y = θ t + g(X) + ε.

Outcome and treatment are predicted from the adjustment columns with any learner, out of fold; what
is left of one is regressed on what is left of the other. First-order errors in the predictions do
not reach θ (see :mod:`causalkit.estimation.moments`).

References
----------
Robinson (1988), "Root-N-consistent semiparametric regression", Econometrica 56, 931-954.
doi:10.2307/1912705
Chernozhukov et al. (2018), "Double/debiased machine learning for treatment and structural
parameters", Econometrics Journal 21, C1-C68. doi:10.1111/ectj.12097
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from sklearn.base import is_classifier

from causalkit._core.checks import check_choice
from causalkit.errors import NumericalError, OverlapWarning
from causalkit.estimation.contrasts import contrast_in_words
from causalkit.estimation.inference import Asymptotic, Bootstrap
from causalkit.estimation.moments import LinearScore, partialling_out, partially_linear_iv
from causalkit.estimation.nuisances.crossfitting import Nuisance, crossfit
from causalkit.estimation.nuisances.learners import default_regressor, mean_learner
from causalkit.estimation.orthogonal.base import OrthogonalEstimator
from causalkit.estimation.problem import Problem
from causalkit.typing import FloatArray, IntArray, RandomState

__all__ = ["PLR"]

_LEAST_VARIANCE = 0.01


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
    later: ClassVar[tuple[str, ...]] = ("base",)

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
        return f"partially linear regression ({self.score}), {self._crossfitted()}"

    def _check(self, problem: Problem) -> None:
        super()._check(problem)
        check_choice(self.score, "score", ("partialling-out", "IV-type"))

    def _nuisances(self, problem: Problem) -> Sequence[Nuisance]:
        treatment = mean_learner(self.treatment_learner, "treatment_learner", problem.t)
        outcome = mean_learner(self.outcome_learner, "outcome_learner", problem.y)
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
        if left < 1e-10:
            raise NumericalError(
                f"treatment {problem.treatment!r} is predicted without error from the adjustment "
                "columns, so nothing of it is left after adjustment; expected treatment that "
                "varies given them. Leave out the columns that determine it."
            )
        notes = []
        if left < _LEAST_VARIANCE:
            notes = [f"Only {left:.2%} of the treatment's variance is left after adjustment."]
        details = {
            "contrast": contrast_in_words(problem),
            "treatment_variance_left": float(left),
            "notes": notes,
        }
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
