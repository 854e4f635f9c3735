"""The model of effects fitted to other rows: without a part of them, or to resamples.

Two questions need more than one fit. What a model says about rows it has not seen (*out of fold*)
may be held against the scores of those rows, as what it says about its own rows may not. And how
its predictions vary with the rows (*bootstrap*) gives standard errors where there is no formula.
Both keep clusters whole, and spawn their random streams before the work is handed out, so that the
numbers do not depend on how many jobs there are.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import clone

from causalkit._core.parallel import run
from causalkit._core.random import as_generator
from causalkit.errors import CausalkitError, NumericalError
from causalkit.estimation.contrasts import question_in_words
from causalkit.estimation.heterogeneity._econml import effects_and_errors
from causalkit.estimation.heterogeneity.conditional_effects import ConditionalEffects
from causalkit.estimation.heterogeneity.modifiers import Modifiers
from causalkit.estimation.inference import Bootstrap
from causalkit.estimation.nuisances.crossfitting import assign_folds
from causalkit.estimation.problem import Problem
from causalkit.typing import BoolArray, FloatArray

if TYPE_CHECKING:
    from causalkit.estimation.heterogeneity.conditional import ConditionalEffectEstimator

__all__ = ["out_of_fold", "resampled_models"]


def out_of_fold(
    estimator: ConditionalEffectEstimator,
    problem: Problem,
    modifiers: Modifiers,
    *,
    n_parts: int,
    sequential: bool,
) -> ConditionalEffects:
    """Predict each part of the rows by a model of the other parts, or of those before it."""
    rng = as_generator(getattr(estimator, "random_state", None))
    strata = None if problem.levels is None else problem.t
    parts = assign_folds(n_parts, rng, problem.n_obs, strata=strata, groups=problem.groups)
    streams = rng.spawn(n_parts)
    contrast = estimator._levels(problem)
    later = range(1 if sequential else 0, n_parts)
    jobs = [
        (
            clone(estimator),
            problem,
            modifiers.within,
            parts < k if sequential else parts != k,
            parts == k,
            contrast,
            streams[k],
        )
        for k in later
    ]
    n_jobs = getattr(estimator, "n_jobs", None)
    pieces = run(_predict_part, jobs, n_jobs=n_jobs, label="out-of-fold effects")
    values = np.empty(problem.n_obs)
    for k, piece in zip(later, pieces, strict=True):
        values[parts == k] = piece
    rows = np.flatnonzero(parts >= later.start)
    return ConditionalEffects(
        values[rows],
        None,
        problem.X[rows][:, modifiers.within],
        modifiers.labels,
        question=question_in_words(problem, contrast),
        method=estimator._method(),
        why_none="effects of several models have no common formula; use fit().interval(X).",
        folds=parts[rows],
        rows=rows if sequential else None,
    )


def resampled_models(
    estimator: ConditionalEffectEstimator, bootstrap: Bootstrap, problem: Problem
) -> list[Any]:
    """Models of resampled rows or clusters, those that could be fitted.

    Raises
    ------
    NumericalError
        If more failed than the bootstrap allows.
    """
    streams = as_generator(bootstrap.random_state).spawn(bootstrap.n_resamples)
    within = estimator.modifiers_.within
    jobs = [(clone(estimator), bootstrap, problem, within, stream) for stream in streams]
    models = run(_refit, jobs, n_jobs=bootstrap.n_jobs, label="bootstrap")
    found = [model for model in models if model is not None]
    if len(found) < max(2, (1 - bootstrap.max_failures) * len(models)):
        raise NumericalError(
            f"{type(estimator).__name__} failed in {len(models) - len(found)} of {len(models)} "
            f"resamples; expected at most {bootstrap.max_failures:.0%}. An arm or a category "
            "is too rare: merge rare categories, or bring more rows."
        )
    return found


def _refit(
    estimator: ConditionalEffectEstimator,
    bootstrap: Bootstrap,
    problem: Problem,
    within: BoolArray,
    rng: np.random.Generator,
) -> Any:
    """Fit EconML's estimator to one resample; None if it cannot be fitted there."""
    rows, copies_of = bootstrap.drawn(problem, rng)
    # Copies of a row must not sit in two folds, so they are declared one group.
    groups = np.unique(copies_of, return_inverse=True)[1].astype(np.intp)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return estimator._fitted(problem.rows(rows).replace(groups=groups), within, rng)
    except CausalkitError:
        return None


def _predict_part(
    estimator: ConditionalEffectEstimator,
    problem: Problem,
    within: BoolArray,
    train: BoolArray,
    part: BoolArray,
    contrast: tuple[int, int],
    rng: np.random.Generator,
) -> FloatArray:
    """Fit on some rows, and predict in others."""
    model = estimator._fitted(problem.rows(train), within, rng)
    return effects_and_errors(model, problem.X[part][:, within], contrast, errors=False)[0]
