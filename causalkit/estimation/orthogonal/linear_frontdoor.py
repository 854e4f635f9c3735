"""`LinearFrontDoor`: the front door with two partially linear coefficients.

Treatment on mediators, mediators on outcome: the effect is the product of the two, summed over the
mediators. Each is a regression of residuals on residuals, what is left of the columns after any
learner predicted them from the covariates, so the treatment may be continuous. Whatever a hidden
common cause of treatment and outcome does to the outcome is taken up by the treatment's own
coefficient beside the mediators.

References
----------
Pearl (1995), "Causal diagrams for empirical research", Biometrika 82, 669-688.
doi:10.1093/biomet/82.4.669
Chernozhukov et al. (2018), "Double/debiased machine learning for treatment and structural
parameters", Econometrics Journal 21, C1-C68. doi:10.1111/ectj.12097
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from causalkit.errors import NumericalError
from causalkit.estimation.contrasts import contrast_in_words
from causalkit.estimation.inference import Asymptotic, Bootstrap
from causalkit.estimation.moments import LinearScore
from causalkit.estimation.nuisances.crossfitting import Nuisance
from causalkit.estimation.nuisances.learners import mean_learner
from causalkit.estimation.orthogonal.base import OrthogonalEstimator
from causalkit.estimation.problem import Problem
from causalkit.typing import FloatArray, IntArray, RandomState

__all__ = ["LinearFrontDoor"]


class LinearFrontDoor(OrthogonalEstimator):
    """Product of two partially linear coefficients: treatment on mediators, these on the outcome.

    Parameters
    ----------
    outcome_learner, treatment_learner, mediator_learner : scikit-learn regressor, optional
        Predict outcome, treatment and each mediator from the covariates.
    n_folds, n_repeats : int
    inference : Asymptotic or Bootstrap, optional
    random_state : int, Generator or None
    n_jobs : int, optional

    Notes
    -----
    **Assumes:**

    - the treatment reaches the outcome through the mediators only;
    - treatment and mediators share no hidden cause, given the covariates;
    - mediators and outcome share no hidden cause, given covariates and treatment;
    - M = αt + g(X) + e and E[y | M, t, X] = β'M + γt + h(X): no interactions.

    A hidden common cause of treatment and outcome is allowed; γ takes it up. The standard error is
    that of the product, by the delta method.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LassoCV
    >>> rng = np.random.default_rng(0)
    >>> hidden, X = rng.normal(size=500), rng.normal(size=(500, 2))
    >>> t = hidden + X[:, 0] + rng.normal(size=500)
    >>> m = 0.5 * t + X[:, 1] + rng.normal(size=500)
    >>> y = 2 * m - 3 * hidden + X[:, 0] + rng.normal(size=500)
    >>> front = LinearFrontDoor(LassoCV(), LassoCV(), LassoCV(), random_state=0)
    >>> effect = front.fit(X, y, t=t, mediators=m).effect_
    >>> bool(1 in effect.interval(0.99))
    True
    """

    treatments: ClassVar[tuple[str, ...]] = ("binary", "continuous")
    instead: ClassVar[str] = "FrontDoor(contrast=(control, treated)), which takes several levels"
    needs: ClassVar[tuple[str, ...]] = ("mediators",)

    def __init__(
        self,
        outcome_learner: Any = None,
        treatment_learner: Any = None,
        mediator_learner: Any = None,
        *,
        n_folds: int = 5,
        n_repeats: int = 1,
        inference: Asymptotic | Bootstrap | None = None,
        random_state: RandomState = None,
        n_jobs: int | None = None,
    ) -> None:
        self.outcome_learner = outcome_learner
        self.treatment_learner = treatment_learner
        self.mediator_learner = mediator_learner
        self.n_folds = n_folds
        self.n_repeats = n_repeats
        self.inference = inference
        self.random_state = random_state
        self.n_jobs = n_jobs

    def _method(self) -> str:
        return f"linear front-door, {self._crossfitted()}"

    def _nuisances(self, problem: Problem) -> Sequence[Nuisance]:
        mediators = problem.others["mediators"]
        columns = {
            "outcome": (problem.y, self.outcome_learner, "outcome_learner"),
            "treatment": (problem.t, self.treatment_learner, "treatment_learner"),
            **{
                f"mediator {name}": (column, self.mediator_learner, "mediator_learner")
                for name, column in zip(mediators.names, mediators.values.T, strict=True)
            },
        }
        return [
            Nuisance(name, column, mean_learner(learner, role, column))
            for name, (column, learner, role) in columns.items()
        ]

    def _moment(
        self,
        problem: Problem,
        predictions: Mapping[str, FloatArray],
        folds: IntArray,  # noqa: ARG002
        rng: np.random.Generator,  # noqa: ARG002
    ) -> tuple[LinearScore, dict[str, Any]]:
        mediators, w = problem.others["mediators"], problem.weights
        y, t = problem.y - predictions["outcome"], problem.t - predictions["treatment"]
        m = mediators.values - np.column_stack(
            [predictions[f"mediator {name}"] for name in mediators.names]
        )
        alpha, on_alpha = _least_squares(t[:, None], m, w)
        beta, on_beta = _least_squares(np.column_stack([m, t]), y[:, None], w)
        a, b = alpha[0], beta[:-1, 0]
        influence = on_alpha[:, 0, :] @ b + on_beta[:, :-1, 0] @ a
        details = {
            "contrast": contrast_in_words(problem),
            "on_mediators": dict(zip(mediators.names, a.tolist(), strict=True)),
            "of_mediators": dict(zip(mediators.names, b.tolist(), strict=True)),
        }
        return LinearScore(-np.ones_like(y), influence + a @ b), details


def _least_squares(
    X: FloatArray, Y: FloatArray, weights: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Coefficients (k, q) of residuals on residuals, and influence (n, k, q) of each row."""
    gram = (X * weights[:, None]).T @ X / weights.sum()
    scale = np.sqrt(np.diag(gram))
    if not (scale > 0).all() or np.linalg.cond(gram / np.outer(scale, scale)) > 1e12:
        raise NumericalError(
            "treatment and mediators are collinear given the covariates, so their effects on the "
            "outcome cannot be told apart; expected each to vary given the others. Leave out "
            "mediators that determine each other."
        )
    inverse = np.linalg.inv(gram)
    coefficients = inverse @ ((X * weights[:, None]).T @ Y) / weights.sum()
    left = Y - X @ coefficients
    influence: FloatArray = (X @ inverse)[:, :, None] * left[:, None, :]
    return coefficients, influence
