"""`ConditionalEffectEstimator`: effects that differ from row to row, by EconML, on our terms.

EconML has the estimators; what it lacks is put on here, once for all of them: tables with names and
categories, `clone` and a readable repr, seeds that reproduce, weights and clusters that are either
used or refused, and one average effect with a standard error that can be defended: it comes from
doubly robust scores (:class:`~causalkit.estimation.AIPW`), not from averaging a forest.

A subclass has a constructor and one method, `_model`, that builds EconML's estimator.

References
----------
Battocchi, Dillon, Hei, Lewis, Oka, Oprescu & Syrgkanis (2019), EconML: A Python Package for
ML-Based Heterogeneous Treatment Effects Estimation. https://github.com/py-why/EconML
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils.validation import check_is_fitted

from causalkit._core.checks import check_count
from causalkit._core.random import as_generator, draw_seed
from causalkit.errors import InputError
from causalkit.estimation.base import EffectEstimator, Solution
from causalkit.estimation.contrasts import contrast_of, question_in_words
from causalkit.estimation.effect import Effect
from causalkit.estimation.heterogeneity._econml import (
    effects_and_errors,
    fit_econml,
    splits_of,
)
from causalkit.estimation.heterogeneity._refitted import out_of_fold, resampled_models
from causalkit.estimation.heterogeneity.conditional_effects import ConditionalEffects
from causalkit.estimation.heterogeneity.modifiers import (
    Modifiers,
    check_independent,
    with_modifiers,
)
from causalkit.estimation.inference import Bootstrap
from causalkit.estimation.nuisances.crossfitting import assign_folds, seeded
from causalkit.estimation.nuisances.learners import class_learner, mean_learner
from causalkit.estimation.orthogonal.instrumented import PLIV
from causalkit.estimation.orthogonal.interactive import AIPW
from causalkit.estimation.orthogonal.partially_linear import PLR
from causalkit.estimation.problem import Problem, as_problem
from causalkit.typing import BoolArray, Data, FloatArray, IntArray

__all__ = ["ConditionalEffectEstimator"]

_LARGEST = 1e100


class ConditionalEffectEstimator(EffectEstimator):
    """Base of the estimators of effects that differ by columns.

    Attributes
    ----------
    effects_ : ConditionalEffects
        For the fitted rows, by a model that has seen them.
    effect_ : Effect
        The average effect, from doubly robust scores that the conditional model has no part in: by
        AIPW for a discrete treatment, by PLR for a continuous one, by PLIV with an instrument; its
        `method` names both.
    model_ : object
        EconML's fitted estimator, with whatever else it offers.
    """

    effects_: ConditionalEffects
    effect_: Effect
    model_: Any
    modifiers_: Modifiers

    instead: ClassVar[str] = "LinearDML() or CausalForest(), which take a continuous treatment"

    adjusts_beyond: ClassVar[bool] = True
    """Whether columns that do not modify the effect can be adjusted for."""

    def fit(
        self,
        X: Data | None,
        y: ArrayLike,
        *,
        t: ArrayLike,
        modifiers: Data | None = None,
        sample_weight: ArrayLike | None = None,
        groups: ArrayLike | None = None,
        **others: Data,
    ) -> Self:
        """Estimate how the effect of `t` on `y` differs by the modifiers, adjusted for `X`.

        Parameters
        ----------
        X : table of shape (n, k), or None
            Columns to adjust for. Categories become indicators.
        y : array-like of shape (n,)
            Outcome, numeric or two-level.
        t : array-like of shape (n,)
            Treatment.
        modifiers : names of columns of X, or a table, optional
            By what the effect may differ; all columns of X if left out. The others are adjusted
            for all the same; columns of a table that X lacks are adjusted for as well.
        sample_weight : array-like of shape (n,), optional
        groups : array-like of shape (n,), optional
            Clusters: they share a fold, and intervals need `inference=Bootstrap(...)`.
        **others : table or array-like
            The instrument `z`, where the estimator needs one.

        Returns
        -------
        self
            With `effects_`, `effect_` and `model_`.
        """
        problem, found = self._read(X, y, t, modifiers, sample_weight, groups, others)
        self.modifiers_ = found
        self.effect_ = self.solve(problem)
        rng = as_generator(getattr(self, "random_state", None))
        self.model_ = self._fitted(problem, found.within, rng)
        bootstrap = self._inference()
        self._resampled: list[Any] = []
        if isinstance(bootstrap, Bootstrap):
            self._resampled = resampled_models(self, bootstrap, problem)
        self._contrast = self._levels(problem)
        self._question = question_in_words(problem, self._contrast)
        self._why_none = self._missing_errors(problem)
        self.effects_ = self._effects_at(problem.X[:, found.within], errors=True)
        return self

    def effects_at(self, X: Data) -> ConditionalEffects:
        """Return the effects at the rows of X, with standard errors where there are any.

        Parameters
        ----------
        X : table
            With the effect modifiers, found by name; other columns are not read.

        Raises
        ------
        UnknownVariableError, InputError
            If a modifier is not there, or holds what was not fitted.
        """
        check_is_fitted(self, "model_")
        return self._effects_at(self.modifiers_.encode(X), errors=True)

    def predict(self, X: Data) -> FloatArray:
        """Return the effects at the rows of X, shape (n,)."""
        check_is_fitted(self, "model_")
        return self._effects_at(self.modifiers_.encode(X), errors=False).values

    def interval(self, X: Data, level: float = 0.95) -> FloatArray:
        """Return pointwise intervals at the rows of X, shape (n, 2).

        Raises
        ------
        InputError
            If there are no standard errors: the estimator has no formula for them, or rows come in
            clusters, and `inference` is no Bootstrap.
        """
        return self.effects_at(X).interval(level)

    def solve(self, problem: Problem) -> Effect:
        """Estimate the average effect."""
        self._check(problem)
        effect = self._average(problem).solve(problem)
        name, _, how = effect.method.partition(", ")
        by = f"{name} scores" if isinstance(effect.estimator, AIPW) else name
        return replace(effect, method=f"{self._method()}, averaged by {by}, {how}")

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "model_")

    def predict_out_of_fold(
        self,
        X: Data | None,
        y: ArrayLike,
        *,
        t: ArrayLike,
        modifiers: Data | None = None,
        sample_weight: ArrayLike | None = None,
        groups: ArrayLike | None = None,
        n_parts: int = 5,
        sequential: bool = False,
        **others: Data,
    ) -> ConditionalEffects:
        """Predict each row's effect by a model that was fitted without its part of the rows.

        Such effects may be held against the scores of the same rows, as those of the fitted rows
        may not. For tests of that (:func:`~causalkit.estimation.rank_weighted_effect` and others)
        parts are predicted one after the other: models that have seen all other parts depend on
        each other, and p-values come out too small.

        Parameters
        ----------
        X, y, t, modifiers, sample_weight, groups, **others
            As of :meth:`fit`.
        n_parts : int
            Parts of the rows; clusters are kept whole.
        sequential : bool
            Whether each part is predicted by a model of the parts before it only. Rows of the
            first part, and those alone, are then not predicted.

        Returns
        -------
        ConditionalEffects
            With `folds`, and no standard errors; with `rows` if `sequential`.
        """
        problem, found = self._read(X, y, t, modifiers, sample_weight, groups, others)
        self._check(problem)
        check_count(n_parts, "n_parts", minimum=2)
        return out_of_fold(self, problem, found, n_parts=n_parts, sequential=sequential)

    @abstractmethod
    def _model(self, problem: Problem, folds: list[tuple[IntArray, IntArray]], seed: int) -> Any:
        """EconML's estimator, unfitted, for these rows and folds."""

    def _solve(self, problem: Problem, rng: np.random.Generator) -> Solution:
        return self._average(problem)._solve(problem, rng)

    def _method(self) -> str:
        return f"{type(self).__name__} (EconML)"

    def _check(self, problem: Problem) -> None:
        super()._check(problem)
        if problem.supplied:
            raise InputError(
                f"nuisances were supplied, but {type(self).__name__} fits its own; expected none. "
                "Leave them out."
            )

    def _read(
        self,
        X: Data | None,
        y: ArrayLike,
        t: ArrayLike,
        modifiers: Data | None,
        sample_weight: ArrayLike | None,
        groups: ArrayLike | None,
        others: Mapping[str, Data],
    ) -> tuple[Problem, Modifiers]:
        """Check and encode what `fit` was given."""
        self._check_roles(others)
        table, found = with_modifiers(X, modifiers)
        problem = as_problem(table, y, t, sample_weight=sample_weight, groups=groups, others=others)
        self._check_modifiers(problem, found)
        return problem, found

    def _levels(self, problem: Problem) -> tuple[int, int]:
        """Positions of the levels compared; of a continuous treatment, one unit more than none."""
        if problem.levels is None:
            return 0, 1
        return contrast_of(problem, getattr(self, "contrast", None))

    def _check_modifiers(self, problem: Problem, modifiers: Modifiers) -> None:
        """Refuse what EconML would pass over in silence."""
        name = type(self).__name__
        if not self.adjusts_beyond:
            rest = [n for n in modifiers.given if n not in modifiers.names]
            if rest:
                raise InputError(
                    f"{name} adjusts for the effect modifiers only, and {rest[:5]} are none; "
                    "expected all columns as modifiers. Leave modifiers out, or use DRLearner() "
                    "or CausalForest()."
                )
            if problem.sample_weight is not None:
                raise InputError(
                    f"sample weights were given, but EconML's {name} cannot use them; expected "
                    "none. Use DRLearner(), LinearDML() or CausalForest()."
                )
        if problem.second_groups is not None:
            raise InputError(
                f"the rows come in clusters of two kinds; {name} takes one. Give the labels of the "
                "kind within which rows depend on each other most."
            )
        sizes = np.abs(problem.X).max(axis=0)
        if sizes.max() > _LARGEST:
            column = problem.adjustment[int(sizes.argmax())]
            raise InputError(
                f"column {column!r} holds values up to {sizes.max():.0e}, whose squares overflow; "
                f"expected values below {_LARGEST:.0e}. Change its unit."
            )
        if self._is_linear():
            check_independent(problem.X[:, modifiers.within], modifiers.labels)
        if "z" in problem.others and problem.others["z"].values.shape[1] != 1:
            raise InputError(
                f"z has columns {problem.others['z'].names[:5]}; {name} takes one instrument. "
                "Choose one, or combine them into one prediction of the treatment."
            )

    def _average(self, problem: Problem) -> EffectEstimator:
        """The estimator of the average effect, with the same learners."""
        settings: dict[str, Any] = {
            "outcome_learner": getattr(self, "outcome_learner", None),
            "treatment_learner": getattr(self, "treatment_learner", None),
            "n_folds": getattr(self, "n_folds", 5),
            "random_state": getattr(self, "random_state", None),
            "n_jobs": getattr(self, "n_jobs", None),
        }
        if "z" in problem.others:
            return PLIV(instrument_learner=getattr(self, "instrument_learner", None), **settings)
        if problem.levels is None:
            return PLR(**settings)
        return AIPW(contrast=getattr(self, "contrast", None), **settings)

    def _fitted(self, problem: Problem, within: BoolArray, rng: np.random.Generator) -> Any:
        n_folds = check_count(getattr(self, "n_folds", 5), "n_folds", minimum=2)
        strata = None if problem.levels is None else problem.t
        folds = assign_folds(n_folds, rng, problem.n_obs, strata=strata, groups=problem.groups)
        model = self._model(problem, splits_of(folds), draw_seed(rng))
        return fit_econml(model, problem, within, controls=self.adjusts_beyond)

    def _missing_errors(self, problem: Problem) -> str:
        """Why there are no standard errors; empty if there are."""
        if self._resampled:
            return ""
        if problem.groups is not None:
            return (
                "EconML's formulas take rows as independent, and these come in clusters. Use "
                "inference=Bootstrap(100), which resamples clusters."
            )
        if not self._has_formula():
            return f"{type(self).__name__} has no formula for them. Use inference=Bootstrap(100)."
        return ""

    def _is_linear(self) -> bool:
        """Whether the effect is a sum of the modifiers, each with a coefficient of its own."""
        return False

    def _has_formula(self) -> bool:
        """Whether standard errors follow from a formula."""
        return True

    def _effects_at(self, X: FloatArray, *, errors: bool) -> ConditionalEffects:
        formula = errors and not self._resampled and not self._why_none
        values, std_errors = effects_and_errors(self.model_, X, self._contrast, errors=formula)
        method = self._method()
        if errors and self._resampled:
            draws = [
                effects_and_errors(model, X, self._contrast, errors=False)[0]
                for model in self._resampled
            ]
            std_errors = np.std(draws, axis=0, ddof=1)
            method += f"; bootstrap, {len(draws)} resamples"
        return ConditionalEffects(
            values,
            std_errors,
            X,
            self.modifiers_.labels,
            question=self._question,
            method=method,
            why_none=self._why_none,
        )

    # What subclasses build their models from.

    def _outcome(self, problem: Problem, seed: int) -> Any:
        """Learner of the outcome's mean."""
        learner = mean_learner(self.outcome_learner, "outcome_learner", problem.y)
        return seeded(learner, seed)

    def _treatment(self, problem: Problem, seed: int) -> Any:
        """Learner of the treatment: probabilities of its levels, or its mean."""
        given = self.treatment_learner
        if problem.levels is None:
            return seeded(mean_learner(given, "treatment_learner", problem.t), seed)
        return seeded(class_learner(given, "treatment_learner"), seed)
