"""`SLearner`, `TLearner`, `XLearner`, `DomainAdaptationLearner`: effects from outcome regressions.

The simplest way to an effect for each row is to predict its outcome under both treatments and
subtract. One regression with the treatment as a column tends to shrink the effect to nothing (S);
one in each arm mistakes the difference of two errors for an effect (T); the others repair T by
explaining, in each arm, what the other arm's regression leaves over (X), with weights that make
either arm look like the other (domain adaptation). None has a formula for standard errors.

References
----------
Künzel, Sekhon, Bickel & Yu (2019), "Metalearners for estimating heterogeneous treatment effects
using machine learning", PNAS 116, 4156-4165. doi:10.1073/pnas.1804597116
"""

from __future__ import annotations

from typing import Any, ClassVar

from causalkit.estimation.heterogeneity.conditional import ConditionalEffectEstimator
from causalkit.estimation.inference import Bootstrap
from causalkit.estimation.nuisances.crossfitting import seeded
from causalkit.estimation.nuisances.learners import (
    check_learner,
    class_learner,
    default_regressor,
)
from causalkit.estimation.problem import Problem
from causalkit.typing import IntArray, RandomState

__all__ = ["DomainAdaptationLearner", "SLearner", "TLearner", "XLearner"]


class _MetaLearner(ConditionalEffectEstimator):
    """What outcome regressions have in common: all columns modify, no weights, no formula."""

    treatments: ClassVar[tuple[str, ...]] = ("binary", "categorical")
    adjusts_beyond: ClassVar[bool] = False

    def _has_formula(self) -> bool:
        return False

    def _regressor(self, role: str, seed: int) -> Any:
        given = getattr(self, role)
        learner = default_regressor() if given is None else given
        return seeded(check_learner(learner, role, discrete=False, regression_allowed=True), seed)

    def _classifier(self, seed: int) -> Any:
        given = self.treatment_learner
        return seeded(class_learner(given, "treatment_learner"), seed)


class SLearner(_MetaLearner):
    """One outcome regression with the treatment as a column.

    Parameters
    ----------
    outcome_learner : scikit-learn regressor, optional
        Boosted trees if left out.
    contrast : (control, treated), optional
        Levels to compare; needed for more than two.
    inference : Bootstrap, optional
        Without it there are no intervals.
    random_state : int, Generator or None
    n_jobs : int, optional

    Notes
    -----
    **Assumes:** no hidden common cause of treatment and outcome beyond the columns; every row could
    have had either treatment; the regression is right, in particular where it extrapolates. A
    learner that shrinks or selects may leave the treatment out, and the effect is then zero.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> X, t = rng.normal(size=(400, 1)), rng.random(400) < 0.5
    >>> y = 3.0 * t + X[:, 0] + rng.normal(size=400)
    >>> from sklearn.linear_model import LinearRegression
    >>> SLearner(LinearRegression(), random_state=0).fit(X, y, t=t).predict(X[:2]).round()
    array([3., 3.])
    """

    def __init__(
        self,
        outcome_learner: Any = None,
        *,
        contrast: tuple[object, object] | None = None,
        inference: Bootstrap | None = None,
        random_state: RandomState = None,
        n_jobs: int | None = None,
    ) -> None:
        self.outcome_learner = outcome_learner
        self.contrast = contrast
        self.inference = inference
        self.random_state = random_state
        self.n_jobs = n_jobs

    def _model(
        self,
        problem: Problem,  # noqa: ARG002
        folds: list[tuple[IntArray, IntArray]],  # noqa: ARG002
        seed: int,
    ) -> Any:
        from econml.metalearners import SLearner as Theirs

        return Theirs(overall_model=self._regressor("outcome_learner", seed))


class TLearner(SLearner):
    """One outcome regression in each arm.

    Parameters
    ----------
    outcome_learner : scikit-learn regressor, optional
        Boosted trees if left out.
    contrast : (control, treated), optional
        Levels to compare; needed for more than two.
    inference : Bootstrap, optional
        Without it there are no intervals.
    random_state : int, Generator or None
    n_jobs : int, optional

    Notes
    -----
    **Assumes:** no hidden common cause of treatment and outcome beyond the columns; every row could
    have had either treatment; both regressions are right. Their errors do not cancel: they look
    like effects that differ.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LinearRegression
    >>> rng = np.random.default_rng(0)
    >>> X, t = rng.normal(size=(800, 1)), rng.random(800) < 0.5
    >>> y = t * (1 + X[:, 0]) + rng.normal(size=800)
    >>> learner = TLearner(LinearRegression(), random_state=0).fit(X, y, t=t)
    >>> learner.predict(np.array([[0.0], [1.0]])).round()
    array([1., 2.])
    """

    def _model(
        self,
        problem: Problem,  # noqa: ARG002
        folds: list[tuple[IntArray, IntArray]],  # noqa: ARG002
        seed: int,
    ) -> Any:
        from econml.metalearners import TLearner as Theirs

        return Theirs(models=self._regressor("outcome_learner", seed))


class XLearner(_MetaLearner):
    """Outcome regressions in each arm, then regressions of what they say each row's effect was.

    Parameters
    ----------
    outcome_learner : scikit-learn regressor, optional
        Predicts the outcome within an arm; boosted trees if left out.
    effect_learner : scikit-learn regressor, optional
        Predicts the imputed effects within an arm; boosted trees if left out.
    treatment_learner : scikit-learn classifier, optional
        Weights the two by the probability of treatment.
    contrast : (control, treated), optional
        Levels to compare; needed for more than two.
    inference : Bootstrap, optional
        Without it there are no intervals.
    random_state : int, Generator or None
    n_jobs : int, optional

    Notes
    -----
    **Assumes:** no hidden common cause of treatment and outcome beyond the columns; every row could
    have had either treatment; the outcome regression of the larger arm is right.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LinearRegression, LogisticRegression
    >>> rng = np.random.default_rng(0)
    >>> X, t = rng.normal(size=(800, 1)), rng.random(800) < 0.5
    >>> y = t * (1 + X[:, 0]) + rng.normal(size=800)
    >>> linear = LinearRegression()
    >>> learner = XLearner(linear, linear, LogisticRegression(), random_state=0).fit(X, y, t=t)
    >>> learner.predict(np.array([[0.0], [1.0]])).round()
    array([1., 2.])
    """

    def __init__(
        self,
        outcome_learner: Any = None,
        effect_learner: Any = None,
        treatment_learner: Any = None,
        *,
        contrast: tuple[object, object] | None = None,
        inference: Bootstrap | None = None,
        random_state: RandomState = None,
        n_jobs: int | None = None,
    ) -> None:
        self.outcome_learner = outcome_learner
        self.effect_learner = effect_learner
        self.treatment_learner = treatment_learner
        self.contrast = contrast
        self.inference = inference
        self.random_state = random_state
        self.n_jobs = n_jobs

    def _model(
        self,
        problem: Problem,  # noqa: ARG002
        folds: list[tuple[IntArray, IntArray]],  # noqa: ARG002
        seed: int,
    ) -> Any:
        from econml.metalearners import XLearner as Theirs

        return Theirs(
            models=self._regressor("outcome_learner", seed),
            cate_models=self._regressor("effect_learner", seed),
            propensity_model=self._classifier(seed),
        )


class DomainAdaptationLearner(XLearner):
    """As :class:`XLearner`, with outcome regressions weighted to the rows of the other arm.

    Parameters
    ----------
    outcome_learner : scikit-learn regressor, optional
        Predicts the outcome within an arm, with sample weights; boosted trees if left out.
    effect_learner : scikit-learn regressor, optional
        Predicts the imputed effects of all rows at once; boosted trees if left out.
    treatment_learner : scikit-learn classifier, optional
        Probability of treatment, from which the weights follow.
    contrast : (control, treated), optional
        Levels to compare; needed for more than two.
    inference : Bootstrap, optional
        Without it there are no intervals.
    random_state : int, Generator or None
    n_jobs : int, optional

    Notes
    -----
    **Assumes:** no hidden common cause of treatment and outcome beyond the columns; every row could
    have had either treatment; the weighted outcome regressions are right.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LinearRegression, LogisticRegression
    >>> rng = np.random.default_rng(0)
    >>> X, t = rng.normal(size=(800, 1)), rng.random(800) < 0.5
    >>> y = t * (1 + X[:, 0]) + rng.normal(size=800)
    >>> linear, logit = LinearRegression(), LogisticRegression()
    >>> learner = DomainAdaptationLearner(linear, linear, logit, random_state=0).fit(X, y, t=t)
    >>> learner.predict(np.array([[0.0], [1.0]])).round()
    array([1., 2.])
    """

    def _model(
        self,
        problem: Problem,  # noqa: ARG002
        folds: list[tuple[IntArray, IntArray]],  # noqa: ARG002
        seed: int,
    ) -> Any:
        from econml.metalearners import DomainAdaptationLearner as Theirs

        return Theirs(
            models=self._regressor("outcome_learner", seed),
            final_models=self._regressor("effect_learner", seed),
            propensity_model=self._classifier(seed),
        )
