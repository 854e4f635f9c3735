"""Cross-fitting: every prediction comes from a learner that did not see the row.

A *nuisance* is a regression the estimator needs but nobody asks about: the outcome given
covariates, the treatment given covariates. Rows are dealt into folds; for each fold, the learner is
fitted on the others and predicts there. A learner flexible enough to fit noise would otherwise bias
the effect.

Folds are balanced over the arms of a discrete treatment, and clusters are never split: with
clusters, rows of another fold would otherwise carry what the held-out rows know. For the same
reason the folds of series are stretches of time, and rows that look back into one, or lie as near
to it, are not used to predict there. With clusters of two kinds a fold is a block of both, and rows
that share either with it are left out (Chiang, Kato, Ma & Sasaki 2022, JBES 40, 1046-1056). All
fits of all nuisances are dispatched at once, each with a seed drawn beforehand.

Without adjustment columns a nuisance is a mean, one number: it is taken over all rows, and AIPW is
exactly the difference in means.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import clone, is_classifier
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import has_fit_parameter

from causalkit._core.parallel import one_thread, run
from causalkit._core.random import draw_seed
from causalkit.errors import CausalkitError, InputError, NumericalError
from causalkit.estimation.problem import Problem
from causalkit.typing import BoolArray, FloatArray, IntArray

__all__ = ["FoldLearner", "Nuisance", "assign_folds", "crossfit", "seeded"]

_FEW_ROWS = 20_000
_ROUNDED = 1e-3  # by how much probabilities that were rounded may miss one together


@dataclass(frozen=True, slots=True, eq=False)
class Nuisance:
    """One regression to be cross-fitted.

    Attributes
    ----------
    name : str
        Key of its predictions.
    target : ndarray of shape (n,)
        What is predicted; codes 0, …, k−1 if `classes` is given.
    learner : scikit-learn estimator
        A classifier predicts probabilities, a regressor means.
    among : ndarray of bool, shape (n,), optional
        Rows the learner may be fitted on; predictions are made everywhere.
    n_classes : int
        0: predictions have shape (n,), the mean or the probability of 1. Otherwise shape
        (n, n_classes).
    features : ndarray of shape (n, k), optional
        What it is predicted from; the adjustment columns if left out.
    at : mapping of str to ndarray of shape (n, k)
        Other values of the features to predict at as well; the prediction is called
        `"name at key"`.
    """

    name: str
    target: FloatArray
    learner: Any
    among: BoolArray | None = None
    n_classes: int = 0
    features: FloatArray | None = None
    at: Mapping[str, FloatArray] = field(default_factory=dict)

    def seen(self, problem: Problem) -> FloatArray:
        """What it is predicted from, shape (n, k)."""
        return problem.X if self.features is None else self.features

    @property
    def names(self) -> tuple[str, ...]:
        """Keys of all its predictions."""
        return (self.name, *(f"{self.name} at {key}" for key in self.at))


class FoldLearner(Protocol):
    """A learner that does better than one fit after another: it is asked for all folds at once.

    `prepared` is empty at first, and the same for all nuisances and repeats of an estimator: what
    is costly and depends on the features only (bins, products) may be kept there. One that can be
    fitted and can predict like any other as well is asked to where folds are not complements of
    each other (series).
    """

    def predict_out_of_fold(
        self,
        problem: Problem,
        nuisances: Sequence[Nuisance],
        folds: IntArray,
        *,
        seeds: Sequence[int],
        prepared: dict[Any, Any],
        n_jobs: int | None,
    ) -> list[list[FloatArray]]:
        """For each nuisance (all with learners of this class), predictions of `names`."""


def assign_folds(
    n_folds: int,
    rng: np.random.Generator,
    n_rows: int,
    *,
    strata: FloatArray | None = None,
    groups: IntArray | None = None,
) -> IntArray:
    """Deal rows into folds at random: even in size, strata balanced, groups kept whole.

    Parameters
    ----------
    n_folds : int
    rng : Generator
    n_rows : int
    strata : ndarray of shape (n_rows,), optional
        Values whose shares should be alike in all folds.
    groups : ndarray of int, shape (n_rows,), optional
        Rows of one group share a fold.

    Returns
    -------
    folds : ndarray of int, shape (n_rows,)
        0, …, n_folds − 1.

    Examples
    --------
    >>> folds = assign_folds(2, np.random.default_rng(0), 6, groups=np.array([0, 0, 1, 1, 2, 2]))
    >>> bool((folds[::2] == folds[1::2]).all())
    True
    """
    unit = np.arange(n_rows) if groups is None else np.unique(groups, return_inverse=True)[1]
    size = np.bincount(unit)
    if len(size) < n_folds:
        what = "rows" if groups is None else "clusters"
        raise InputError(
            f"there are {len(size)} {what} for {n_folds} folds; expected at least one {what[:-1]} "
            "a fold. Use fewer folds."
        )
    stratum = np.zeros(len(size))
    if strata is not None:
        stratum = np.round(np.bincount(unit, weights=strata) / size)
    # Shuffled, then sorted so that neighbours are alike: dealing them in turn balances the folds.
    order = rng.permutation(len(size))
    if groups is not None or strata is not None:
        order = order[np.lexsort((-size[order], stratum[order]))]
    fold_of_unit = np.empty(len(size), dtype=np.intp)
    fold_of_unit[order] = np.arange(len(size)) % n_folds
    return fold_of_unit[unit]


def crossfit(
    problem: Problem,
    nuisances: Sequence[Nuisance],
    folds: IntArray,
    rng: np.random.Generator,
    *,
    n_jobs: int | None = None,
    prepared: dict[Any, Any] | None = None,
) -> dict[str, FloatArray]:
    """Predict every nuisance out of fold.

    Parameters
    ----------
    problem : Problem
        Nuisances in `problem.supplied` are taken from there.
    nuisances : sequence of Nuisance
    folds : ndarray of int, shape (n,)
    rng : Generator
    n_jobs : int, optional
    prepared : dict, optional
        What learners keep from one call to the next, see :class:`FoldLearner`.

    Returns
    -------
    predictions : dict
        By name, shape (n,) or (n, n_classes).
    """
    predictions: dict[str, FloatArray] = {}
    one_by_one: list[Nuisance] = []
    together: dict[type, list[Nuisance]] = {}
    for nuisance in nuisances:
        if all(name in problem.supplied for name in nuisance.names):
            predictions.update(
                {name: _given(nuisance, name, problem.supplied[name]) for name in nuisance.names}
            )
        elif nuisance.seen(problem).shape[1] == 0:
            predictions[nuisance.name] = _means(nuisance, problem)
        elif _complementary(problem) and hasattr(nuisance.learner, "predict_out_of_fold"):
            together.setdefault(type(nuisance.learner), []).append(nuisance)
        else:
            one_by_one.append(nuisance)
    for alike in together.values():
        for nuisance in alike:
            for fold in np.flatnonzero(np.bincount(folds)):
                _check_training(nuisance, _training(nuisance, problem, folds == fold), problem)
        parts = alike[0].learner.predict_out_of_fold(
            problem,
            alike,
            folds,
            seeds=[draw_seed(rng) for _ in alike],
            prepared={} if prepared is None else prepared,
            n_jobs=n_jobs,
        )
        for nuisance, found in zip(alike, parts, strict=True):
            predictions.update(zip(nuisance.names, found, strict=True))
    predictions.update(_one_by_one(problem, one_by_one, folds, rng, n_jobs))
    return predictions


def _one_by_one(
    problem: Problem,
    nuisances: Sequence[Nuisance],
    folds: IntArray,
    rng: np.random.Generator,
    n_jobs: int | None,
) -> dict[str, FloatArray]:
    """Fit any scikit-learn learner outside each fold, and predict in it."""
    jobs, places = [], []
    for nuisance in nuisances:
        for fold in np.flatnonzero(np.bincount(folds)):
            test = folds == fold
            train = _training(nuisance, problem, test)
            _check_training(nuisance, train, problem)
            jobs.append((nuisance, problem, train, test, draw_seed(rng)))
            places.append((nuisance, test))
    with one_thread(problem.n_obs <= _FEW_ROWS):
        parts = run(_fit_predict, jobs, n_jobs=n_jobs, label="cross-fitting")
    predictions = {
        name: np.empty((problem.n_obs, n.n_classes) if n.n_classes else problem.n_obs)
        for n in nuisances
        for name in n.names
    }
    for (nuisance, test), found in zip(places, parts, strict=True):
        for name, part in zip(nuisance.names, found, strict=True):
            predictions[name][test] = part
    return predictions


def _given(nuisance: Nuisance, name: str, values: FloatArray) -> FloatArray:
    """Predictions made elsewhere, of the shape and in the range that is needed."""
    shape = (len(nuisance.target), *((nuisance.n_classes,) if nuisance.n_classes else ()))
    if values.shape != shape:
        what = f"one column for each of {nuisance.n_classes} classes" if shape[1:] else "one number"
        raise InputError(
            f"the predictions supplied as {name!r} have shape {values.shape}; expected {shape}: "
            f"{what} a row."
        )
    sums = values.sum(axis=1) if nuisance.n_classes else np.ones(1)
    chances = bool(nuisance.n_classes) or is_classifier(nuisance.learner)
    if chances and (values.min() < 0 or values.max() > 1 or np.abs(sums - 1).max() > _ROUNDED):
        raise InputError(
            f"the predictions supplied as {name!r} are no probabilities: they go from "
            f"{values.min():.4g} to {values.max():.4g}; expected numbers from 0 to 1"
            f"{', which add up to one in each row' if nuisance.n_classes else ''}. Supply what "
            "predict_proba gives."
        )
    return values


def _complementary(problem: Problem) -> bool:
    """Whether all rows outside a fold may be used to predict in it."""
    return problem.steps is None and problem.second_groups is None


def _training(nuisance: Nuisance, problem: Problem, test: BoolArray) -> BoolArray:
    """Rows that a learner may see that predicts for the rows of `test`."""
    train = ~test
    if problem.steps is not None:
        train &= ~problem.steps.near(test)
    for kind in (problem.groups, problem.second_groups):
        if problem.second_groups is not None and kind is not None:
            train &= ~np.isin(kind, kind[test])
    if nuisance.among is not None:
        train &= nuisance.among
    if problem.sample_weight is not None:
        train &= problem.sample_weight > 0
    return train


def _fit_predict(
    nuisance: Nuisance, problem: Problem, train: BoolArray, test: BoolArray, seed: int
) -> list[FloatArray]:
    """Fit on `train`, predict on `test`, at the features seen and at the others."""
    target, X = nuisance.target[train], nuisance.seen(problem)
    weights = None if problem.sample_weight is None else problem.sample_weight[train]
    if np.ptp(target) == 0 and not nuisance.n_classes:
        # Nothing to learn; many classifiers would refuse.
        return [np.full(int(test.sum()), target[0]) for _ in nuisance.names]
    learner = seeded(nuisance.learner, seed)
    classifies = is_classifier(learner)
    if classifies:
        target = target.astype(np.intp)
    try:
        learner.fit(X[train], target, **_weight_argument(learner, weights))
        ask = learner.predict_proba if classifies else learner.predict
        found = [ask(features[test]) for features in (X, *nuisance.at.values())]
    except CausalkitError:
        raise
    except (ValueError, ArithmeticError, np.linalg.LinAlgError) as error:
        raise NumericalError(
            f"the learner of {nuisance.name} failed on {int(train.sum())} rows: {error} "
            f"Use another learner than {nuisance.learner}, or fewer folds."
        ) from error
    return [_checked(nuisance, learner, predicted) for predicted in found]


def _checked(nuisance: Nuisance, learner: Any, predicted: ArrayLike) -> FloatArray:
    """Finite numbers, of the shape that was asked for."""
    values = np.asarray(predicted, dtype=np.float64)
    if not np.isfinite(values).all():
        raise NumericalError(
            f"the learner of {nuisance.name} predicts NaN or infinity; expected finite numbers. "
            f"Rescale the columns, or use another learner than {nuisance.learner}."
        )
    if not is_classifier(learner):
        return values.reshape(len(values))
    return values if nuisance.n_classes else values[:, list(learner.classes_).index(1)]


def _check_training(nuisance: Nuisance, train: BoolArray, problem: Problem) -> None:
    advice = "Use fewer folds, bring more rows, or use OLS() or GComputation()."
    if train.sum() < 2:
        raise InputError(
            f"fitting {nuisance.name} outside one fold leaves {int(train.sum())} row(s) of "
            f"{problem.n_obs}; expected at least 2, and many more in practice. {advice}"
        )
    if nuisance.n_classes and len(np.unique(nuisance.target[train])) < nuisance.n_classes:
        raise InputError(
            f"outside one fold some level of {problem.treatment!r} does not occur; expected every "
            f"level among {problem.levels} in every training set. {advice}"
        )


def seeded(learner: Any, seed: int) -> Any:
    """Copy a learner, and set every random_state that the user left open, nested ones too."""
    params: Mapping[str, Any] = learner.get_params(deep=True)
    open_ = {
        key: seed
        for key, value in params.items()
        if value is None and (key == "random_state" or key.endswith("__random_state"))
    }
    return clone(learner).set_params(**open_)


def _weight_argument(learner: Any, weights: FloatArray | None) -> dict[str, FloatArray]:
    if weights is None:
        return {}
    if isinstance(learner, Pipeline):
        name, last = learner.steps[-1]
        if has_fit_parameter(last, "sample_weight"):
            return {f"{name}__sample_weight": weights}
    elif has_fit_parameter(learner, "sample_weight"):
        return {"sample_weight": weights}
    raise InputError(
        f"sample weights were given, but {learner} cannot use them. Choose a learner whose fit "
        "takes sample_weight, or leave the weights out."
    )


def _means(nuisance: Nuisance, problem: Problem) -> FloatArray:
    """Without covariates: the mean, or the share of each class."""
    rows = np.ones(problem.n_obs, dtype=bool) if nuisance.among is None else nuisance.among
    target, weights = nuisance.target[rows], problem.weights[rows]
    if not nuisance.n_classes:
        return np.full(problem.n_obs, np.average(target, weights=weights))
    shares = np.bincount(target.astype(np.intp), weights=weights, minlength=nuisance.n_classes)
    return np.tile(shares / weights.sum(), (problem.n_obs, 1))
