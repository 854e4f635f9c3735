"""Boosted trees for nuisances: columns are binned once, and the rounds are chosen out of fold.

Gradient boosting on histograms, made for cross-fitting. The columns are put into bins once for all
folds, nuisances and repeats; a fold is a list of rows, so nothing is copied. The trees of all folds
grow in step, and after each round the held-out rows of all folds say what the loss is: growth stops
where it is lowest. So a nuisance has one number of rounds, chosen at no further fit; a share of
rows that is held out once more is not needed. As the choice is one among a few hundred for all
rows together, it does not undo the cross-fitting (short-stacking rests on the same reasoning).

Trees are small (8 leaves), and where no first cut helps they look one cut ahead: two columns that
matter only together, as in exclusive or, are invisible to trees that cut at what helps at once.

A class of several is predicted by one model for each class against the others, scaled to sum to 1.

References
----------
Friedman (2001), "Greedy function approximation: a gradient boosting machine", Annals of Statistics
29, 1189-1232. doi:10.1214/aos/1013203451
Ahrens, Hansen, Schaffer & Wiemann (2025), "Model averaging and double machine learning", Journal of
Applied Econometrics 40, 249-269 (learners chosen by out-of-fold loss). doi:10.1002/jae.3103
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, is_classifier
from sklearn.utils.validation import check_is_fitted

from causalkit._core.checks import check_choice, check_count, check_fraction
from causalkit._core.random import as_generator, draw_seed
from causalkit.errors import InputError
from causalkit.estimation.nuisances.binning import bin_columns
from causalkit.estimation.nuisances.curves import terms_of
from causalkit.estimation.nuisances.in_common import starts_in_common
from causalkit.estimation.nuisances.rounds import (
    Limits,
    Task,
    advance,
    grow_in_step,
    new_fold,
    out_of_fold,
    pairs_in_turn,
    shares_of,
    targets_of,
)
from causalkit.estimation.nuisances.starts import Shared, Splits, fit_start, fit_starts
from causalkit.typing import FloatArray, IntArray, RandomState

if TYPE_CHECKING:
    from causalkit.estimation.nuisances.crossfitting import Nuisance
    from causalkit.estimation.problem import Problem

__all__ = ["BoostedClassifier", "BoostedRegressor"]

_INNER_FOLDS = 5
_MOST_LEAVES = 128
"""Nodes are numbered in a byte."""

_MANY_ROWS = 50_000
_RATE, _RATE_OF_MANY = 0.1, 0.15
_STRETCH, _STRETCH_OF_MANY = 20, 10
"""Where rows are many, the loss is known better: longer steps, and the end is seen sooner."""


class _Boosted(BaseEstimator):
    """What both kinds share."""

    def __init__(
        self,
        *,
        max_rounds: int = 300,
        learning_rate: float | None = None,
        max_leaves: int = 8,
        min_leaf: int = 20,
        look_ahead: bool = True,
        start: str = "terms",
        random_state: RandomState = None,
    ) -> None:
        self.max_rounds = max_rounds
        self.learning_rate = learning_rate
        self.max_leaves = max_leaves
        self.min_leaf = min_leaf
        self.look_ahead = look_ahead
        self.start = start
        self.random_state = random_state

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
        """Predict out of fold, all nuisances and folds at once; see `FoldLearner`."""
        labels, counts = np.unique(folds), problem.weights > 0
        splits: list[Splits] = []
        for nuisance in nuisances:
            rows = counts if nuisance.among is None else counts & nuisance.among
            splits.append([(rows & (folds != fold), rows & (folds == fold)) for fold in labels])
        bases = starts_in_common(problem, nuisances, splits, prepared, n_jobs)
        tasks: list[list[Task]] = []
        for nuisance, seed, own, base in zip(nuisances, seeds, splits, bases, strict=True):
            learner: _Boosted = nuisance.learner
            targets = targets_of(nuisance.target, nuisance.n_classes)
            X, w = nuisance.seen(problem), problem.weights
            tasks.append(learner._tasks(X, targets, w, own, seed, prepared, n_jobs, base))
        grow_in_step([task for some in tasks for task in some], n_jobs)
        found = []
        for nuisance, some in zip(nuisances, tasks, strict=True):
            X = nuisance.seen(problem)
            bins = bin_columns(X, prepared)
            parts = [out_of_fold(some, bins.binned.fine, None, folds, nuisance.n_classes)]
            for other in nuisance.at.values():
                at = np.ascontiguousarray(other, dtype=np.float64)
                parts.append(out_of_fold(some, bins.fine(at), at, folds, nuisance.n_classes))
            found.append(parts)
        return found

    def grown(
        self,
        X: FloatArray,
        y: FloatArray,
        w: FloatArray,
        splits: Splits,
        prepared: dict[Any, Any],
    ) -> Callable[[int, Any], FloatArray]:
        """Grow `max_rounds` trees on each training set; return (split, bins) -> prediction."""
        (task,) = self._tasks(X, [y], w, splits, 0, prepared, None)
        for fold in range(len(splits)):
            advance(task, fold, 0, self.max_rounds)
        return lambda fold, fine: task.predict(fold, fine, None, self.max_rounds)

    def fitted(
        self,
        X: FloatArray,
        y: FloatArray,
        w: FloatArray,
        splits: Splits,
        prepared: dict[Any, Any],
    ) -> Callable[[int, FloatArray], FloatArray]:
        """Fit on each training set, rounds chosen by the held-out ones; (split, rows) -> mean."""
        (task,) = self._tasks(X, [y], w, splits, 0, prepared, None)
        grow_in_step([task], None)
        bins = bin_columns(X, prepared)

        def mean(fold: int, rows: FloatArray) -> FloatArray:
            values = None if task.terms is None else task.terms.at(rows)
            return task.predict(fold, bins.fine(rows), values, task.best)

        return mean

    def _tasks(
        self,
        X: FloatArray,
        targets: Sequence[FloatArray],
        w: FloatArray,
        splits: Splits,
        seed: int,
        prepared: dict[Any, Any],
        n_jobs: int | None,
        base: Shared | None = None,
    ) -> list[Task]:
        """Set up one model for each target, with the start of each fold fitted."""
        self._check()
        bins = bin_columns(X, prepared).binned
        terms = terms_of(X, prepared) if self.start == "terms" else None
        own = self.random_state
        rng = as_generator(seed if own is None else own)
        pairs = pairs_in_turn(X.shape[1] if self.look_ahead else 0, rng)
        logistic, w = is_classifier(self), np.ascontiguousarray(w)
        limits = self._limits(max((int((a | b).sum()) for a, b in splits), default=0))
        tasks = []
        for y in targets:
            own_terms, starts = fit_starts(X, bins, terms, y, w, splits, logistic, n_jobs, base)
            folds = [
                new_fold(len(w), split, start, own_terms, limits, logistic)
                for split, start in zip(splits, starts, strict=True)
            ]
            target = np.ascontiguousarray(y)
            tasks.append(Task(limits, bins, target, w, logistic, pairs, own_terms, folds))
        return tasks

    def _limits(self, n_rows: int) -> Limits:
        """How far trees of so many rows grow."""
        many, rate = n_rows >= _MANY_ROWS, self.learning_rate
        if rate is None:
            rate = _RATE_OF_MANY if many and self.start == "terms" else _RATE
        stretch, least = _STRETCH_OF_MANY if many else _STRETCH, float(self.min_leaf)
        return Limits(self.max_rounds, float(rate), self.max_leaves, least, stretch)

    def _check(self) -> None:
        check_count(self.max_rounds, "max_rounds")
        check_count(self.max_leaves, "max_leaves", minimum=2)
        if self.max_leaves > _MOST_LEAVES:
            raise InputError(
                f"max_leaves={self.max_leaves}; expected at most {_MOST_LEAVES}. Grow more trees."
            )
        check_count(self.min_leaf, "min_leaf")
        if self.learning_rate not in (None, 1):
            check_fraction(self.learning_rate, "learning_rate")
        check_choice(self.start, "start", ("terms", "mean"))

    def _fit(self, X: ArrayLike, targets: list[FloatArray], weights: ArrayLike | None) -> None:
        """Choose the rounds in folds of the rows, then grow that many trees on all of them."""
        X = np.ascontiguousarray(X, dtype=np.float64)
        n = len(X)
        w = np.ones(n) if weights is None else np.asarray(weights, dtype=np.float64)
        rng = as_generator(self.random_state)
        seed = draw_seed(rng)
        n_folds = min(_INNER_FOLDS, n)
        folds = rng.permutation(n) % n_folds
        counts = w > 0
        splits = [(counts & (folds != k), counts & (folds == k)) for k in range(n_folds)]
        splits = [split for split in splits if split[0].any()]
        prepared: dict[Any, Any] = {}
        tasks = self._tasks(X, targets, w, splits, seed, prepared, None)
        grow_in_step(tasks, None)
        self.n_rounds_ = [task.best for task in tasks]
        everyone = (counts, np.zeros(n, dtype=bool))
        self.models_ = []
        for task, n_rounds in zip(tasks, self.n_rounds_, strict=True):
            start = fit_start(task.terms, task.y, w, counts, task.logistic)
            fold = new_fold(n, everyone, start, task.terms, task.limits, task.logistic)
            model = replace(task, folds=[fold])
            advance(model, 0, 0, n_rounds)
            self.models_.append(model)
        self.bins_ = bin_columns(X, prepared)
        self.n_features_in_ = X.shape[1]

    def _means(self, X: ArrayLike) -> list[FloatArray]:
        check_is_fitted(self)
        columns = np.asarray(X, dtype=np.float64)
        fine, means = self.bins_.fine(columns), []
        for model, n_rounds in zip(self.models_, self.n_rounds_, strict=True):
            values = None if model.terms is None else model.terms.at(columns)
            means.append(model.predict(0, fine, values, n_rounds))
        return means


class BoostedRegressor(RegressorMixin, _Boosted):
    """Boosted trees for a mean, made for cross-fitting.

    Parameters
    ----------
    max_rounds : int
        Trees at most; how many of them are used is chosen by the held-out loss.
    learning_rate : float, optional
        Share of each step that is taken, in (0, 1]. If left out, 0.1; where trees start from terms
        and there are 50,000 rows, 0.15.
    max_leaves : int
        Of a tree.
    min_leaf : int
        Rows of a leaf, at least; with weights or probabilities, rows of average weight.
    look_ahead : bool
        Whether the root of a tree looks one cut ahead, over pairs of columns.
    start : {"terms", "mean"}
        What the trees start from: lines, curves and products of the columns
        (:mod:`causalkit.estimation.nuisances.curves`), or the mean.
    random_state : int, Generator or None
        Which pairs are looked at first, and the folds of `fit`.

    Attributes
    ----------
    n_rounds_ : list of int
        Trees of each model, after `fit`.

    Notes
    -----
    As a nuisance learner it is asked for all folds at once, and the number of rounds is the one
    with the lowest loss over all held-out rows. `fit` chooses it in five folds of its rows instead,
    and then uses all of them.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> X = rng.uniform(-1, 1, size=(600, 4))
    >>> y = np.sign(X[:, 0] * X[:, 1]) + 0.5 * rng.normal(size=600)
    >>> fitted = BoostedRegressor(random_state=0).fit(X, y)
    >>> bool(fitted.score(X, y) > 0.6)
    True
    """

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Fit on rows `X` of shape (n, d) and targets `y` of shape (n,)."""
        self._check()
        self._fit(X, [np.asarray(y, dtype=np.float64)], sample_weight)
        return self

    def predict(self, X: ArrayLike) -> FloatArray:
        """Means, shape (n,)."""
        return self._means(X)[0]


class BoostedClassifier(ClassifierMixin, _Boosted):
    """Boosted trees for the probabilities of classes, made for cross-fitting.

    Parameters are those of :class:`BoostedRegressor`.

    Parameters
    ----------
    max_rounds : int
    learning_rate : float, optional
    max_leaves : int
    min_leaf : int
    look_ahead : bool
    start : {"terms", "mean"}
    random_state : int, Generator or None

    Attributes
    ----------
    classes_ : ndarray
    n_rounds_ : list of int
        Of each class; of the second alone where there are two.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> X = rng.uniform(-1, 1, size=(600, 4))
    >>> y = rng.random(600) < np.where(X[:, 0] * X[:, 1] > 0, 0.8, 0.2)
    >>> fitted = BoostedClassifier(random_state=0).fit(X, y)
    >>> bool(fitted.score(X, y) > 0.7)
    True
    """

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Fit on rows `X` of shape (n, d) and classes `y` of shape (n,)."""
        self._check()
        self.classes_, codes = np.unique(np.asarray(y), return_inverse=True)
        if len(self.classes_) < 2:
            raise InputError(
                f"all rows are of class {self.classes_[0]!r}; expected at least two classes. "
                "Bring rows of another one."
            )
        n_classes = len(self.classes_) if len(self.classes_) > 2 else 0
        self._fit(X, targets_of(codes.reshape(-1).astype(np.float64), n_classes), sample_weight)
        return self

    def predict_proba(self, X: ArrayLike) -> FloatArray:
        """Probability of each class, shape (n, n_classes)."""
        return shares_of(self._means(X), 2)

    def predict(self, X: ArrayLike) -> Any:
        """Return the most probable class of each row."""
        return self.classes_[self.predict_proba(X).argmax(axis=1)]
