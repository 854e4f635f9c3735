"""Rounds of boosting: the trees of all folds grow in step, until the held-out loss stops falling.

A `Task` is one target, predicted in all folds. After every few rounds the held-out rows of all
folds say what the loss has been after each tree; growth stops where a stretch of rounds brought no
gain, and the number of rounds with the lowest loss is the one used.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from causalkit._core.parallel import run
from causalkit.estimation.nuisances.curves import Terms
from causalkit.estimation.nuisances.starts import Start, bounded
from causalkit.typing import BoolArray, FloatArray, IntArray

if TYPE_CHECKING:
    from causalkit.estimation.nuisances._tree_kernels import Binned, Trees

__all__ = [
    "Limits",
    "Task",
    "TrainingFold",
    "advance",
    "grow_in_step",
    "new_fold",
    "out_of_fold",
    "pairs_in_turn",
    "shares_of",
    "targets_of",
]

_PAIRS_A_TREE = 40
_ROWS_AHEAD = 2000
_MOST_PAIRS = 10_000


@dataclass(frozen=True, slots=True)
class Limits:
    """How far trees grow.

    Attributes
    ----------
    max_rounds : int
    rate : float
        Share of each step that is taken.
    max_leaves : int
    min_leaf : float
    stretch : int
        Rounds between two looks at the loss; growth stops after one stretch without a gain.
    """

    max_rounds: int
    rate: float
    max_leaves: int
    min_leaf: float
    stretch: int


@dataclass(slots=True, eq=False)
class TrainingFold:
    """What has grown on the training rows of one fold."""

    train: Any
    score: Any
    raw: FloatArray
    intercept: float
    slopes: FloatArray
    trees: Trees
    losses: FloatArray


@dataclass(slots=True, eq=False)
class Task:
    """One target, predicted in all folds."""

    limits: Limits
    bins: Binned
    y: FloatArray
    w: FloatArray
    logistic: bool
    pairs: Any
    terms: Terms | None
    folds: list[TrainingFold]
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
            raw = bounded(raw + values @ grown.slopes, self.logistic)
        _boosting_kernels.predict(np.ascontiguousarray(fine), grown.trees, n_rounds, raw)
        return 1 / (1 + np.exp(-raw)) if self.logistic else raw


def new_fold(
    n: int,
    split: tuple[BoolArray, BoolArray],
    start: Start,
    terms: Terms | None,
    limits: Limits,
    logistic: bool,
) -> TrainingFold:
    """Set up a fold of n rows: its start everywhere, and room for the trees."""
    from causalkit.estimation.nuisances._tree_kernels import Trees

    intercept, slopes = start
    raw = np.full(n, intercept)
    if terms is not None:
        raw = bounded(raw + terms.values @ slopes, logistic)
    shape = (limits.max_rounds, 2 * limits.max_leaves - 1)
    column, cut, child = (np.zeros(shape, dtype=np.int16) for _ in range(3))
    train, score = (np.flatnonzero(rows).astype(np.uint32) for rows in split)
    trees = Trees(column, cut, child, np.zeros(shape))
    return TrainingFold(
        train, score, raw, intercept, slopes, trees, np.zeros(limits.max_rounds + 1)
    )


def pairs_in_turn(d: int, rng: np.random.Generator) -> Any:
    """Pairs of columns in random order, shape (m, 2)."""
    one, other = np.triu_indices(d, 1) if d * (d - 1) // 2 <= _MOST_PAIRS else (None, None)
    if one is None or other is None:
        one = rng.integers(d, size=_MOST_PAIRS)
        other = (one + rng.integers(1, d, size=_MOST_PAIRS)) % d
    pairs = np.column_stack([one, other]).astype(np.int64)
    return np.ascontiguousarray(pairs[rng.permutation(len(pairs))])


def advance(task: Task, fold: int, first: int, last: int) -> int:
    """Grow the trees `first` to `last` − 1 of one fold, in place; return how many there are."""
    from causalkit.estimation.nuisances import _boosting_kernels

    grown, limits = task.folds[fold], task.limits
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
        limits.rate,
        limits.max_leaves,
        limits.min_leaf,
        task.pairs,
        min(_PAIRS_A_TREE, len(task.pairs)),
        _ROWS_AHEAD,
    )
    return last


def grow_in_step(tasks: Sequence[Task], n_jobs: int | None) -> None:
    """Grow all folds of all tasks in step, until the held-out loss of each stops falling."""
    for task in tasks:
        task.done = False
    while not all(task.done for task in tasks):
        jobs = []
        for task in (task for task in tasks if not task.done):
            last = min(task.rounds + task.limits.stretch, task.limits.max_rounds)
            jobs += [(task, fold, task.rounds, last) for fold in range(len(task.folds))]
        run(advance, jobs, n_jobs=n_jobs, threads=True)
        for task in {id(job[0]): job[0] for job in jobs}.values():
            before = task.rounds
            task.rounds = min(before + task.limits.stretch, task.limits.max_rounds)
            task.done = task.best <= before or task.rounds == task.limits.max_rounds


def targets_of(target: FloatArray, n_classes: int) -> list[FloatArray]:
    """The target itself; of three and more classes, one indicator each."""
    if n_classes <= 2:
        return [np.asarray(target, dtype=np.float64)]
    return [(target == k).astype(np.float64) for k in range(n_classes)]


def shares_of(means: list[FloatArray], n_classes: int) -> FloatArray:
    """Probabilities of classes: complements, or each against the others, scaled."""
    if not n_classes:
        return means[0]
    if len(means) == 1:
        return np.column_stack([1 - means[0], means[0]])
    columns = np.column_stack(means)
    total: FloatArray = columns / columns.sum(axis=1, keepdims=True)
    return total


def out_of_fold(
    tasks: list[Task], fine: Any, at: FloatArray | None, folds: IntArray, n_classes: int
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
            mean[held_out] = task.predict(k, fine[held_out], some, n_rounds)
        means.append(mean)
    return shares_of(means, n_classes)
