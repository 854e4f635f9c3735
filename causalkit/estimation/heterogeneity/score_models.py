"""`DRLearner`: the doubly robust score of each row, explained by the modifiers.

Each row gets a score whose mean, given the modifiers, is the effect, and which is right if either
the outcome or the propensity is. Any regression of the scores estimates the effect: linear, lasso,
a forest, or one of yours.

References
----------
Kennedy (2023), "Towards optimal doubly robust estimation of heterogeneous causal effects",
Electronic Journal of Statistics 17, 3008-3049. doi:10.1214/23-EJS2157
Semenova & Chernozhukov (2021), "Debiased machine learning of conditional average treatment effects
and other causal functions", Econometrics Journal 24, 264-289. doi:10.1093/ectj/utaa027
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from sklearn.base import is_classifier

from causalkit._core.checks import check_choice
from causalkit.estimation.heterogeneity.conditional import ConditionalEffectEstimator
from causalkit.estimation.heterogeneity.residual_models import check_trees
from causalkit.estimation.inference import Bootstrap
from causalkit.estimation.nuisances.crossfitting import seeded
from causalkit.estimation.nuisances.learners import check_learner
from causalkit.estimation.problem import Problem
from causalkit.typing import BoolArray, IntArray, RandomState

__all__ = ["DRLearner"]

_CLIP = 0.01


class DRLearner(ConditionalEffectEstimator):
    """Effects of a discrete treatment by regressing doubly robust scores on the modifiers.

    Parameters
    ----------
    outcome_learner : scikit-learn regressor or classifier, optional
        Predicts the outcome from all columns and the treatment; boosted trees if left out.
    treatment_learner : scikit-learn classifier, optional
        Predicts the probability of each treatment. Probabilities below 0.01 are raised to it.
    final : {"linear", "sparse", "forest"} or scikit-learn regressor
        Regression of the scores: least squares, the debiased lasso, honest trees, or one of yours,
        which has no formula for standard errors.
    n_trees : int
        Of the forest, a multiple of four.
    contrast : (control, treated), optional
        Levels to compare; needed for more than two.
    n_folds : int
        Folds are balanced over the arms, and clusters are kept whole.
    inference : Bootstrap, optional
        Left out, standard errors are those of EconML's formula, for independent rows.
    random_state : int, Generator or None
        Folds, and every learner whose own random_state is None.
    n_jobs : int, optional
        The numbers do not depend on it.

    Notes
    -----
    **Assumes:**

    - no hidden common cause of treatment and outcome beyond the columns;
    - every row could have had either treatment;
    - for the intervals, that the final regression can follow the effect: linear in the modifiers,
      or for a forest smooth in few of them. With "linear" and an effect that is not, they are
      intervals of its best linear approximation.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LinearRegression, LogisticRegression
    >>> rng = np.random.default_rng(0)
    >>> X, t = rng.normal(size=(1000, 2)), rng.random(1000) < 0.5
    >>> y = t * (1 + X[:, 0]) + rng.normal(size=1000)
    >>> learner = DRLearner(LinearRegression(), LogisticRegression(), random_state=0)
    >>> learner.fit(X, y, t=t).predict(np.array([[0.0, 0.0], [1.0, 0.0]])).round()
    array([1., 2.])
    """

    treatments: ClassVar[tuple[str, ...]] = ("binary", "categorical")

    def __init__(
        self,
        outcome_learner: Any = None,
        treatment_learner: Any = None,
        *,
        final: Any = "linear",
        n_trees: int = 500,
        contrast: tuple[object, object] | None = None,
        n_folds: int = 5,
        inference: Bootstrap | None = None,
        random_state: RandomState = None,
        n_jobs: int | None = None,
    ) -> None:
        self.outcome_learner = outcome_learner
        self.treatment_learner = treatment_learner
        self.final = final
        self.n_trees = n_trees
        self.contrast = contrast
        self.n_folds = n_folds
        self.inference = inference
        self.random_state = random_state
        self.n_jobs = n_jobs

    def _check(self, problem: Problem) -> None:
        super()._check(problem)
        if isinstance(self.final, str):
            check_choice(self.final, "final", ("linear", "sparse", "forest"))
        else:
            check_learner(self.final, "final", discrete=False, regression_allowed=True)
        check_trees(self.n_trees)

    def _is_linear(self) -> bool:
        return isinstance(self.final, str) and self.final == "linear"

    def _has_formula(self) -> bool:
        return isinstance(self.final, str)

    def _model(self, problem: Problem, folds: list[tuple[IntArray, IntArray]], seed: int) -> Any:
        from econml import dr

        outcome = self._outcome(problem, seed)
        common: dict[str, Any] = {
            "model_regression": outcome,
            "model_propensity": self._treatment(problem, seed),
            "discrete_outcome": is_classifier(outcome),
            "min_propensity": _CLIP,
            "cv": folds,
            "random_state": seed,
        }
        if self.final == "linear":
            return dr.LinearDRLearner(**common)
        if self.final == "sparse":
            return dr.SparseLinearDRLearner(n_jobs=self.n_jobs, **common)
        if self.final == "forest":
            return dr.ForestDRLearner(n_estimators=self.n_trees, n_jobs=self.n_jobs, **common)
        return dr.DRLearner(model_final=seeded(self.final, seed), **common)

    def _fitted(self, problem: Problem, within: BoolArray, rng: np.random.Generator) -> Any:
        model = super()._fitted(problem, within, rng)
        if self.final == "forest":
            # Trees are grown side by side, but added up in order: else the last digit differs.
            for code in np.unique(problem.t)[1:]:
                model.model_cate(T=code).n_jobs = 1
        return model
