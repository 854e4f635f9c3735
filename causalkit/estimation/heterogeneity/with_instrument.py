"""`OrthoIV` and `DMLIV`: effects that differ by columns, where an instrument moves the treatment.

A hidden common cause of treatment and outcome spoils residuals on residuals; what an instrument
moves is free of it. `OrthoIV` is two-stage least squares of residuals with an effect that is linear
in the modifiers, and has standard errors. `DMLIV` compares the treatment that is predicted with and
without the instrument; its final regression may be any, and it has none.

References
----------
Chernozhukov et al. (2018), "Double/debiased machine learning for treatment and structural
parameters", Econometrics Journal 21, C1-C68. doi:10.1111/ectj.12097
Syrgkanis, Lei, Oprescu, Hei, Battocchi & Lewis (2019), "Machine learning estimation of
heterogeneous treatment effects with instruments", NeurIPS 32. doi:10.48550/arXiv.1905.10176
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from sklearn.base import is_classifier

from causalkit.estimation.heterogeneity.conditional import ConditionalEffectEstimator
from causalkit.estimation.inference import Bootstrap
from causalkit.estimation.nuisances.crossfitting import seeded
from causalkit.estimation.nuisances.learners import check_learner, class_learner, mean_learner
from causalkit.estimation.problem import Problem
from causalkit.typing import IntArray, RandomState

__all__ = ["DMLIV", "OrthoIV"]


class OrthoIV(ConditionalEffectEstimator):
    """Effects that are linear in the modifiers, by an instrument `z`.

    Parameters
    ----------
    outcome_learner, treatment_learner, instrument_learner : scikit-learn learners, optional
        Predict outcome, treatment and instrument from all columns; boosted trees if left out. A
        treatment or an instrument of two values needs a classifier.
    n_folds : int
    inference : Bootstrap, optional
        Left out, standard errors are those of EconML's formula, for independent rows.
    random_state : int, Generator or None
        Folds, and every learner whose own random_state is None.
    n_jobs : int, optional
        The numbers do not depend on it.

    Notes
    -----
    **Assumes:**

    - given the columns, the instrument shares no cause with the outcome, and reaches it through the
      treatment alone;
    - it moves the treatment, and strongly (`effect_.details["first_stage_f"]`) at all values of
      the modifiers;
    - the effect is linear in the modifiers, and does not differ by hidden causes of the treatment.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LinearRegression
    >>> rng = np.random.default_rng(0)
    >>> X, z, hidden = rng.normal(size=(2000, 1)), rng.normal(size=2000), rng.normal(size=2000)
    >>> t = 2 * z + hidden + rng.normal(size=2000)
    >>> y = t * (1 + X[:, 0]) - hidden + rng.normal(size=2000)
    >>> linear = LinearRegression()
    >>> iv = OrthoIV(linear, linear, linear, random_state=0).fit(X, y, t=t, z=z)
    >>> iv.predict(np.array([[0.0], [1.0]])).round()
    array([1., 2.])
    """

    treatments: ClassVar[tuple[str, ...]] = ("binary", "continuous")
    instead: ClassVar[str] = "two of its levels only, or a number in their place"
    needs: ClassVar[tuple[str, ...]] = ("z",)

    def __init__(
        self,
        outcome_learner: Any = None,
        treatment_learner: Any = None,
        instrument_learner: Any = None,
        *,
        n_folds: int = 5,
        inference: Bootstrap | None = None,
        random_state: RandomState = None,
        n_jobs: int | None = None,
    ) -> None:
        self.outcome_learner = outcome_learner
        self.treatment_learner = treatment_learner
        self.instrument_learner = instrument_learner
        self.n_folds = n_folds
        self.inference = inference
        self.random_state = random_state
        self.n_jobs = n_jobs

    def _is_linear(self) -> bool:
        return True

    def _model(self, problem: Problem, folds: list[tuple[IntArray, IntArray]], seed: int) -> Any:
        from econml.iv import dml

        outcome, treatment = self._outcome(problem, seed), self._treatment(problem, seed)
        z = problem.others["z"].values[:, 0]
        two_values = _two_values(problem)
        given = self.instrument_learner
        learner = (
            class_learner(given, "instrument_learner")
            if two_values
            else mean_learner(given, "instrument_learner", z)
        )
        return dml.OrthoIV(
            model_y_xw=outcome,
            model_t_xw=treatment,
            model_z_xw=seeded(learner, seed),
            discrete_outcome=is_classifier(outcome),
            discrete_treatment=problem.levels is not None,
            discrete_instrument=two_values,
            cv=folds,
            random_state=seed,
        )


class DMLIV(ConditionalEffectEstimator):
    """Effects by an instrument `z`, with any final regression.

    Parameters
    ----------
    outcome_learner : scikit-learn regressor or classifier, optional
        Predicts the outcome from all columns; boosted trees if left out.
    treatment_learner : scikit-learn regressor or classifier, optional
        Predicts the treatment, once from all columns and once from the instrument as well.
    final : scikit-learn regressor, optional
        Regression of the effect on the modifiers, with sample weights; linear if left out.
    n_folds : int
    inference : Bootstrap, optional
        Without it there are no intervals.
    random_state : int, Generator or None
    n_jobs : int, optional

    Notes
    -----
    **Assumes:** what :class:`OrthoIV` assumes, except that the effect need not be linear in the
    modifiers where `final` is not.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LinearRegression
    >>> rng = np.random.default_rng(0)
    >>> X, z, hidden = rng.normal(size=(2000, 1)), rng.normal(size=2000), rng.normal(size=2000)
    >>> t = 2 * z + hidden + rng.normal(size=2000)
    >>> y = t * (1 + X[:, 0]) - hidden + rng.normal(size=2000)
    >>> linear = LinearRegression()
    >>> iv = DMLIV(linear, linear, random_state=0).fit(X, y, t=t, z=z)
    >>> iv.predict(np.array([[0.0], [1.0]])).round()
    array([1., 2.])
    """

    treatments: ClassVar[tuple[str, ...]] = ("binary", "continuous")
    instead: ClassVar[str] = OrthoIV.instead
    needs: ClassVar[tuple[str, ...]] = ("z",)

    def __init__(
        self,
        outcome_learner: Any = None,
        treatment_learner: Any = None,
        *,
        final: Any = None,
        n_folds: int = 5,
        inference: Bootstrap | None = None,
        random_state: RandomState = None,
        n_jobs: int | None = None,
    ) -> None:
        self.outcome_learner = outcome_learner
        self.treatment_learner = treatment_learner
        self.final = final
        self.n_folds = n_folds
        self.inference = inference
        self.random_state = random_state
        self.n_jobs = n_jobs

    def _check(self, problem: Problem) -> None:
        super()._check(problem)
        if self.final is not None:
            check_learner(self.final, "final", discrete=False, regression_allowed=True)

    def _is_linear(self) -> bool:
        return self.final is None

    def _has_formula(self) -> bool:
        return False

    def _model(self, problem: Problem, folds: list[tuple[IntArray, IntArray]], seed: int) -> Any:
        from econml.iv import dml

        outcome, treatment = self._outcome(problem, seed), self._treatment(problem, seed)
        common: dict[str, Any] = {
            "model_y_xw": outcome,
            "model_t_xw": treatment,
            "model_t_xwz": treatment,
            "discrete_outcome": is_classifier(outcome),
            "discrete_treatment": problem.levels is not None,
            "discrete_instrument": _two_values(problem),
            "cv": folds,
            "random_state": seed,
        }
        if self.final is None:
            return dml.DMLIV(**common)
        return dml.NonParamDMLIV(model_final=seeded(self.final, seed), **common)


def _two_values(problem: Problem) -> bool:
    return bool(np.isin(problem.others["z"].values, (0.0, 1.0)).all())
