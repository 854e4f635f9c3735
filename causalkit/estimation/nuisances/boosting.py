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
Friedman (2001), Annals of Statistics 29, 1189-1232. doi:10.1214/aos/1013203451
Ahrens, Hansen, Schaffer & Wiemann (2025), Journal of Applied Econometrics 40, 249-269 (learners
chosen by out-of-fold loss). doi:10.1002/jae.3103
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self, cast

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, is_classifier
from sklearn.utils.validation import check_is_fitted

from causalkit._core.checks import check_choice, check_count, check_fraction
from causalkit._core.parallel import run
from causalkit._core.random import as_generator, draw_seed
from causalkit.errors import InputError
from causalkit.estimation.nuisances.curves import Terms, fit_terms, striking_pairs, terms_of
from causalkit.typing import BoolArray, FloatArray, IntArray, RandomState

if TYPE_CHECKING:
    from causalkit.estimation.nuisances._boosting_kernels import Binned, Trees
    from causalkit.estimation.nuisances.crossfitting import Nuisance
    from causalkit.estimation.problem import Problem

__all__ = ["BoostedClassifier", "BoostedRegressor", "bin_columns"]

_MOST_BINS = 255
_ROWS_A_BIN = 8
"""Fewer bins where rows are few: a finer cut would be noise."""

_ROWS_FOR_EDGES = 20_000
_CHUNK = 20
"""Rounds between two looks at the loss; growth stops after one chunk without a gain."""

_PAIRS_A_TREE = 40
_ROWS_AHEAD = 2000
_MOST_PAIRS = 10_000
_INNER_FOLDS = 5
_LEAST_SHARE = 1e-6
_STEEPEST = 8.0
"""Log-odds from which trees start, at most: 1 in 3000."""


@dataclass(frozen=True, slots=True, eq=False)
class _Bins:
    """Columns in bins, and the edges that put other values into the same bins."""

    binned: Binned
    edges: tuple[FloatArray, ...]

    def fine(self, X: FloatArray) -> Any:
        """Bins of other values, shape (n, d)."""
        return _fine(X, self.edges)


def bin_columns(X: FloatArray, prepared: dict[Any, Any] | None = None) -> _Bins:
    """Put columns into at most 255 bins of about equally many rows.

    Parameters
    ----------
    X : ndarray of shape (n, d)
    prepared : dict, optional
        Where the bins of this array are looked up and kept.
    """
    key = ("bins", id(X))
    if prepared is not None and key in prepared:
        return cast("_Bins", prepared[key][1])
    from causalkit.estimation.nuisances._boosting_kernels import Binned

    n = len(X)
    most = int(np.clip(n // _ROWS_A_BIN, 16, _MOST_BINS))
    some = X[:: max(n // _ROWS_FOR_EDGES, 1)]
    edges = tuple(_edges(column, most) for column in some.T)
    n_bins = np.array([len(cuts) + 1 for cuts in edges], dtype=np.int64)
    fine = _fine(X, edges)
    coarse, coarse_cuts = _coarse(fine, n_bins)
    bins = _Bins(Binned(fine, n_bins, coarse, coarse_cuts), edges)
    if prepared is not None:
        prepared[key] = (X, bins)  # X is kept: its id is the key
    return bins


def _fine(X: FloatArray, edges: Sequence[FloatArray]) -> Any:
    found = np.empty(X.shape, dtype=np.uint8)
    for j, cuts in enumerate(edges):
        found[:, j] = np.searchsorted(cuts, X[:, j], side="left")
    return found


def _edges(column: FloatArray, most: int) -> FloatArray:
    """Values at which a column is cut: between all its values if they are few."""
    values = np.unique(column)
    if len(values) > most:
        edges: FloatArray = np.quantile(column, np.arange(1, most) / most, method="lower")
        return np.unique(edges)
    return (values[:-1] + values[1:]) / 2


def _coarse(fine: Any, n_bins: Any) -> tuple[Any, Any]:
    """A few coarse bins of about equally many rows, and the last fine bin of each."""
    from causalkit.estimation.nuisances._boosting_kernels import N_COARSE

    n, d = fine.shape
    coarse = np.empty((n, d), dtype=np.uint8)
    cuts = np.zeros((d, N_COARSE), dtype=np.int64)
    for j in range(d):
        share = np.bincount(fine[:, j], minlength=n_bins[j]).cumsum() / n
        before = np.concatenate([[0.0], share[:-1]])
        level = np.minimum(((before + share) / 2 * N_COARSE).astype(np.int64), N_COARSE - 1)
        coarse[:, j] = level[fine[:, j]]
        # A level without rows ends where the one before it does.
        cuts[j] = np.maximum(np.searchsorted(level, np.arange(N_COARSE), side="right") - 1, 0)
    return coarse, cuts


@dataclass(slots=True, eq=False)
class _Fold:
    """What has grown on the training rows of one fold."""

    train: Any
    score: Any
    raw: FloatArray
    intercept: float
    slopes: FloatArray
    trees: Trees
    losses: FloatArray


@dataclass(slots=True, eq=False)
class _Task:
    """One target, predicted in all folds."""

    learner: _Boosted
    bins: Binned
    y: FloatArray
    w: FloatArray
    logistic: bool
    pairs: Any
    terms: Terms | None
    folds: list[_Fold]
    rounds: int = 0
    done: bool = False

    @property
    def curve(self) -> FloatArray:
        """Held-out loss of all folds after 0, 1, … rounds."""
        total: FloatArray = np.sum([f.losses[: self.rounds + 1] for f in self.folds], axis=0)
        return total

    @property
    def best(self) -> int:
        """Rounds with the lowest held-out loss."""
        return int(np.argmin(self.curve))

    def predict(self, fold: int, fine: Any, values: FloatArray | None, n_rounds: int) -> FloatArray:
        """Mean or probability of rows with these bins and these values of the terms."""
        from causalkit.estimation.nuisances import _boosting_kernels

        grown = self.folds[fold]
        raw = np.full(len(fine), grown.intercept)
        if values is not None:
            raw = _bounded(raw + values @ grown.slopes, self.logistic)
        rows = np.arange(len(fine), dtype=np.uint32)
        _boosting_kernels.predict(fine, rows, grown.trees, n_rounds, raw)
        return 1 / (1 + np.exp(-raw)) if self.logistic else raw


class _Boosted(BaseEstimator):
    """What both kinds share."""

    def __init__(
        self,
        *,
        max_rounds: int = 300,
        learning_rate: float = 0.1,
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
        tasks: list[list[_Task]] = []
        for nuisance, seed in zip(nuisances, seeds, strict=True):
            learner: _Boosted = nuisance.learner
            rows = counts if nuisance.among is None else counts & nuisance.among
            splits = [(rows & (folds != fold), rows & (folds == fold)) for fold in labels]
            targets = _targets(nuisance.target, nuisance.n_classes)
            X = nuisance.seen(problem)
            tasks.append(
                learner._tasks(X, targets, problem.weights, splits, seed, prepared, n_jobs)
            )
        _grow([task for some in tasks for task in some], n_jobs)
        found = []
        for nuisance, some in zip(nuisances, tasks, strict=True):
            X = nuisance.seen(problem)
            bins = bin_columns(X, prepared)
            parts = [_predictions(some, bins.binned.fine, None, folds, nuisance.n_classes)]
            for other in nuisance.at.values():
                at = np.ascontiguousarray(other, dtype=np.float64)
                parts.append(_predictions(some, bins.fine(at), at, folds, nuisance.n_classes))
            found.append(parts)
        return found

    def grown(
        self,
        X: FloatArray,
        y: FloatArray,
        w: FloatArray,
        splits: Sequence[tuple[BoolArray, BoolArray]],
        prepared: dict[Any, Any],
    ) -> Callable[[int, Any], FloatArray]:
        """Grow `max_rounds` trees on each training set; return (split, bins) -> prediction."""
        (task,) = self._tasks(X, [y], w, splits, 0, prepared, None)
        for fold in range(len(splits)):
            _advance(task, fold, 0, self.max_rounds)
        return lambda fold, fine: task.predict(
            fold, np.ascontiguousarray(fine), None, self.max_rounds
        )

    def fitted(
        self,
        X: FloatArray,
        y: FloatArray,
        w: FloatArray,
        splits: Sequence[tuple[BoolArray, BoolArray]],
        prepared: dict[Any, Any],
    ) -> Callable[[int, FloatArray], FloatArray]:
        """Fit on each training set, rounds chosen by the held-out ones; (split, rows) -> mean."""
        (task,) = self._tasks(X, [y], w, splits, 0, prepared, None)
        _grow([task], None)
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
        splits: Sequence[tuple[BoolArray, BoolArray]],
        seed: int,
        prepared: dict[Any, Any],
        n_jobs: int | None,
    ) -> list[_Task]:
        """Set up one model for each target, with the start of each fold fitted."""
        self._check()
        bins = bin_columns(X, prepared).binned
        terms = terms_of(X, prepared) if self.start == "terms" else None
        own = self.random_state
        rng = as_generator(seed if own is None else own)
        pairs = _pairs(X.shape[1] if self.look_ahead else 0, rng)
        logistic, w = is_classifier(self), np.ascontiguousarray(w)
        tasks = []
        for y in targets:
            own_terms, starts = _starts(X, bins, terms, y, w, splits, logistic, n_jobs)
            folds = [
                self._fold(len(w), split, start, own_terms)
                for split, start in zip(splits, starts, strict=True)
            ]
            target = np.ascontiguousarray(y)
            tasks.append(_Task(self, bins, target, w, logistic, pairs, own_terms, folds))
        return tasks

    def _fold(
        self,
        n: int,
        split: tuple[BoolArray, BoolArray],
        start: tuple[float, FloatArray],
        terms: Terms | None,
    ) -> _Fold:
        from causalkit.estimation.nuisances._boosting_kernels import Trees

        intercept, slopes = start
        raw = np.full(n, intercept)
        if terms is not None:
            raw = _bounded(raw + terms.values @ slopes, is_classifier(self))
        shape = (self.max_rounds, 2 * self.max_leaves - 1)
        column, cut, child = (np.zeros(shape, dtype=np.int16) for _ in range(3))
        train, score = (np.flatnonzero(rows).astype(np.uint32) for rows in split)
        trees = Trees(column, cut, child, np.zeros(shape))
        return _Fold(train, score, raw, intercept, slopes, trees, np.zeros(self.max_rounds + 1))

    def _check(self) -> None:
        check_count(self.max_rounds, "max_rounds")
        check_count(self.max_leaves, "max_leaves", minimum=2)
        check_count(self.min_leaf, "min_leaf")
        if self.learning_rate != 1:
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
        _grow(tasks, None)
        self.n_rounds_ = [task.best for task in tasks]
        everyone = (counts, np.zeros(n, dtype=bool))
        self.models_ = []
        for task, n_rounds in zip(tasks, self.n_rounds_, strict=True):
            start = _start(task.terms, task.y, w, counts, task.logistic)
            model = replace(task, folds=[self._fold(n, everyone, start, task.terms)])
            _advance(model, 0, 0, n_rounds)
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
    learning_rate : float
        Share of each step that is taken, in (0, 1].
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
    learning_rate : float
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
        self._fit(X, _targets(codes.reshape(-1).astype(np.float64), n_classes), sample_weight)
        return self

    def predict_proba(self, X: ArrayLike) -> FloatArray:
        """Probability of each class, shape (n, n_classes)."""
        return _shares(self._means(X), 2)

    def predict(self, X: ArrayLike) -> Any:
        """Return the most probable class of each row."""
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


def _targets(target: FloatArray, n_classes: int) -> list[FloatArray]:
    """The target itself; of three and more classes, one indicator each."""
    if n_classes <= 2:
        return [np.asarray(target, dtype=np.float64)]
    return [(target == k).astype(np.float64) for k in range(n_classes)]


def _shares(means: list[FloatArray], n_classes: int) -> FloatArray:
    """Probabilities of classes: complements, or each against the others, scaled."""
    if not n_classes:
        return means[0]
    if len(means) == 1:
        return np.column_stack([1 - means[0], means[0]])
    columns = np.column_stack(means)
    total: FloatArray = columns / columns.sum(axis=1, keepdims=True)
    return total


def _pairs(d: int, rng: np.random.Generator) -> Any:
    """Pairs of columns in random order, shape (m, 2)."""
    one, other = np.triu_indices(d, 1) if d * (d - 1) // 2 <= _MOST_PAIRS else (None, None)
    if one is None or other is None:
        one = rng.integers(d, size=_MOST_PAIRS)
        other = (one + rng.integers(1, d, size=_MOST_PAIRS)) % d
    pairs = np.column_stack([one, other]).astype(np.int64)
    return np.ascontiguousarray(pairs[rng.permutation(len(pairs))])


def _advance(task: _Task, fold: int, first: int, last: int) -> int:
    """Grow the trees `first` to `last` − 1 of one fold, in place; return how many there are."""
    from causalkit.estimation.nuisances import _boosting_kernels

    grown, learner = task.folds[fold], task.learner
    _boosting_kernels.grow(
        task.bins,
        grown.train,
        grown.score,
        task.y,
        task.w,
        task.logistic,
        grown.raw,
        grown.trees,
        grown.losses,
        first,
        last,
        float(learner.learning_rate),
        int(learner.max_leaves),
        float(learner.min_leaf),
        task.pairs,
        min(_PAIRS_A_TREE, len(task.pairs)),
        _ROWS_AHEAD,
    )
    return last


def _grow(tasks: Sequence[_Task], n_jobs: int | None) -> None:
    """Grow all folds of all tasks in step, until the held-out loss of each stops falling."""
    for task in tasks:
        task.done = False
    while not all(task.done for task in tasks):
        jobs = []
        for task in (task for task in tasks if not task.done):
            last = min(task.rounds + _CHUNK, task.learner.max_rounds)
            jobs += [(task, fold, task.rounds, last) for fold in range(len(task.folds))]
        run(_advance, jobs, n_jobs=n_jobs, threads=True)
        for task in {id(job[0]): job[0] for job in jobs}.values():
            before = task.rounds
            task.rounds = min(before + _CHUNK, task.learner.max_rounds)
            task.done = task.best <= before or task.rounds == task.learner.max_rounds


def _predictions(
    tasks: list[_Task], fine: Any, at: FloatArray | None, folds: IntArray, n_classes: int
) -> FloatArray:
    """Out-of-fold predictions of one nuisance, at these bins (and, if not those seen, values)."""
    means = []
    for task in tasks:
        values = None
        if task.terms is not None:
            values = task.terms.values if at is None else task.terms.at(at)
        mean = np.empty(len(folds))
        n_rounds = task.best
        for k, fold in enumerate(np.unique(folds)):
            held_out = folds == fold
            some = None if values is None else values[held_out]
            mean[held_out] = task.predict(k, np.ascontiguousarray(fine[held_out]), some, n_rounds)
        means.append(mean)
    return _shares(means, n_classes)


def _bounded(raw: FloatArray, logistic: bool) -> FloatArray:
    """Log-odds that are not so far out that no tree could bring them back."""
    return np.clip(raw, -_STEEPEST, _STEEPEST) if logistic else raw


def _start(
    terms: Terms | None, y: FloatArray, w: FloatArray, train: BoolArray, logistic: bool
) -> tuple[float, FloatArray]:
    """What the trees start from: terms of the columns, or the mean."""
    if terms is not None:
        return fit_terms(terms, y, w, train, logistic=logistic)
    mean = float(np.average(y[train], weights=w[train]))
    if logistic:
        mean = float(np.clip(mean, _LEAST_SHARE, 1 - _LEAST_SHARE))
        mean = float(np.log(mean / (1 - mean)))
    return mean, np.zeros(0)


def _starts(
    X: FloatArray,
    bins: Binned,
    terms: Terms | None,
    y: FloatArray,
    w: FloatArray,
    splits: Sequence[tuple[BoolArray, BoolArray]],
    logistic: bool,
    n_jobs: int | None,
) -> tuple[Terms | None, list[tuple[float, FloatArray]]]:
    """Starts of all folds; with surfaces over striking pairs, if they lower the held-out loss."""
    from causalkit.estimation.nuisances._boosting_kernels import N_COARSE

    def fitted(some: Terms | None) -> list[tuple[float, FloatArray]]:
        jobs = [(some, y, w, train, logistic) for train, _ in splits]
        return run(_start, jobs, n_jobs=n_jobs, threads=True, steady=True)

    starts = fitted(terms)
    if terms is None:
        return None, starts
    residual, loss, rows = _held_out(terms, starts, y, w, splits, logistic)
    pairs = striking_pairs(residual[rows], bins.coarse[rows], N_COARSE) if rows.any() else ()
    if not pairs:
        return terms, starts
    richer = terms.with_surfaces(X, pairs)
    others = fitted(richer)
    better = _held_out(richer, others, y, w, splits, logistic)[1] < loss
    return (richer, others) if better else (terms, starts)


def _held_out(
    terms: Terms,
    starts: Sequence[tuple[float, FloatArray]],
    y: FloatArray,
    w: FloatArray,
    splits: Sequence[tuple[BoolArray, BoolArray]],
    logistic: bool,
) -> tuple[FloatArray, float, BoolArray]:
    """Weighted residuals, loss and which rows they are of."""
    residual, loss, rows = np.zeros(len(y)), 0.0, np.zeros(len(y), dtype=bool)
    for (intercept, slopes), (_, score) in zip(starts, splits, strict=True):
        raw = _bounded(intercept + terms.values[score] @ slopes, logistic)
        target = y[score]
        if logistic:
            loss += float(w[score] @ (np.logaddexp(0, raw) - target * raw))
            raw = 1 / (1 + np.exp(-raw))
        else:
            loss += float(w[score] @ (target - raw) ** 2)
        residual[score] = w[score] * (target - raw)
        rows |= score
    return residual, loss, rows
