"""Which pairs stay joined: the skeleton phase of constraint-based discovery.

Start from the complete graph. At level 0, 1, 2, … ask for every pair that is still joined whether
some set of that size, taken from the neighbours of one of the two, separates it; if so, cut. Within
a level all pairs look at the neighbours as they were when the level began, so no answer depends on
the order of the questions (PC-stable, Colombo and Maathuis 2014) and they can be asked in parallel.

Candidates are asked strongest first: a neighbour whose own dependence on both ends is strong is the
likeliest to separate them. The strength is measured at level 0, so neither the order of the columns
nor their names decide anything, except between exactly equal numbers.

Knowledge enters in three ways. A pair with no allowed direction is cut without a test. A required
pair is never cut. And a neighbour that cannot be a cause of i is no candidate on i's side: of two
nodes that are not adjacent, the parents of one separate them, so candidates may be limited to nodes
that could be parents.

A search may be stopped, by the size of the sets or by the clock. What it has not asked about stays
joined, so an early answer has too many edges and never one too few.
"""

from __future__ import annotations

from dataclasses import dataclass
from time import monotonic

import numpy as np

from causalkit._core.parallel import one_thread, run
from causalkit.discovery.constraint._evidence import Evidence, EvidenceView, Pair, Record
from causalkit.graph.meek import pairs_of
from causalkit.independence import Answers, BoundTest, Level
from causalkit.typing import BoolArray, FloatArray, IntArray

__all__ = [
    "Bounds",
    "Clock",
    "Evidence",
    "Pair",
    "Skeleton",
    "ask_level",
    "find_skeleton",
    "note_answers",
]

_N_CHUNKS = 64  # jobs a level at most; a constant, so that n_jobs cannot matter
_CHUNK = 1024  # pairs that are worth a job of compiled code


@dataclass(frozen=True, slots=True)
class Bounds:
    """What limits the search, as matrices of shape (p, p).

    Attributes
    ----------
    forbidden : ndarray of bool
        `forbidden[i, j]`: there is no edge i -> j.
    required : ndarray of bool
        `required[i, j]`: the edge i -> j is there.
    """

    forbidden: BoolArray
    required: BoolArray

    @classmethod
    def none(cls, p: int) -> Bounds:
        """No limits, at no cost in memory."""
        nothing = np.broadcast_to(np.False_, (p, p))
        return cls(nothing, nothing)

    @property
    def is_none(self) -> bool:
        """Whether nothing is limited (as made by :meth:`none`)."""
        return self.forbidden.strides == (0, 0) and self.required.strides == (0, 0)

    @property
    def kept(self) -> BoolArray:
        """Pairs that stay adjacent."""
        return self.required if self.is_none else self.required | self.required.T

    @property
    def absent(self) -> BoolArray:
        """Pairs that are not adjacent."""
        return self.forbidden if self.is_none else self.forbidden & self.forbidden.T

    def candidates(self, adjacency: BoolArray) -> BoolArray:
        """`[i, k]`: k is a neighbour of i and may cause it."""
        return adjacency if self.is_none else adjacency & ~self.forbidden.T


@dataclass(frozen=True, slots=True)
class Clock:
    """A time budget that began to run when this was made.

    Attributes
    ----------
    seconds : float or None
        None is no budget.
    """

    seconds: float | None
    started: float

    @classmethod
    def start(cls, seconds: float | None) -> Clock:
        """Start to count."""
        return cls(seconds, monotonic())

    def is_up(self) -> bool:
        """Whether the budget is spent."""
        return self.seconds is not None and monotonic() - self.started > self.seconds


@dataclass(slots=True)
class Skeleton:
    """Pairs that stayed joined, and the evidence on all pairs (i < j).

    Attributes
    ----------
    adjacency : ndarray of bool, shape (p, p)
        Symmetric.
    strength : ndarray of float, shape (p, p)
        The larger its absolute value, the stronger the marginal dependence.
    record : Record
        What was asked and answered.
    n_tests, n_untestable : int
        Tests carried out, and sets that could not be tested.
    stopped : str or None
        What a time budget left undone.
    """

    adjacency: BoolArray
    strength: FloatArray
    record: Record
    n_tests: int = 0
    n_untestable: int = 0
    stopped: str | None = None

    @property
    def separators(self) -> EvidenceView:
        """Evidence that separated a pair, by pair."""
        return EvidenceView(self.record, separated=True)

    @property
    def closest(self) -> EvidenceView:
        """For every tested pair, the evidence with the largest p-value."""
        return EvidenceView(self.record, separated=False)


def find_skeleton(
    bound: BoundTest,
    bounds: Bounds,
    *,
    alpha: float,
    max_order: int | None = None,
    n_jobs: int | None = None,
    clock: Clock | None = None,
) -> Skeleton:
    """Cut every pair that a set of its neighbours separates.

    Parameters
    ----------
    bound : BoundTest
        Test on a table with p columns.
    bounds : Bounds
        Knowledge.
    alpha : float
        A set separates if its p-value exceeds `alpha`.
    max_order : int, optional
        Largest conditioning set.
    n_jobs : int, optional
        Never changes the result.
    clock : Clock, optional
        Once its time is up no more questions are asked.
    """
    clock = clock or Clock.start(None)
    found = _begin(bound, bounds, alpha, n_jobs, clock)
    i, j = pairs_of(found.adjacency)
    pairs, order = np.stack((i, j), axis=1)[i < j], 1
    while (max_order is None or order <= max_order) and found.stopped is None:
        pairs, level = _level(pairs, found, bounds, order)
        if not len(level):
            break
        answers = ask_level(bound, level, alpha, n_jobs, clock)
        note_answers(found, level.pairs, answers, order)
        if answers.n_tests == 0:  # what no set of this size can test, no larger one can
            break
        order += 1
    return found


def _begin(
    bound: BoundTest, bounds: Bounds, alpha: float, n_jobs: int | None, clock: Clock
) -> Skeleton:
    """Level 0."""
    p = len(bounds.forbidden)
    kept, absent = bounds.kept, bounds.absent
    with one_thread(not bound.releases_gil):  # what is kept for later is as in a worker
        screen = bound.screen(alpha)
    if screen is not None:
        adjacency = screen.dependent
        if not bounds.is_none:
            adjacency = (adjacency | kept) & ~absent
        n_known = 0 if bounds.is_none else int(np.triu(absent, 1).sum())
        record = Record(bound, p, kept, absent, alpha=alpha, screened=True)
        return Skeleton(
            adjacency, screen.strength, record, screen.n_tests - n_known, screen.n_untestable
        )
    adjacency = ~absent
    np.fill_diagonal(adjacency, False)
    record = Record(bound, p, kept, absent, alpha=alpha, screened=False)
    found = Skeleton(adjacency, np.zeros((p, p)), record)
    pairs = np.argwhere(np.triu(adjacency))
    nothing = np.empty(0, dtype=np.intp)
    level = Level(0, pairs, np.zeros(p + 1, dtype=np.intp), nothing, found.strength)
    answers = ask_level(bound, level, alpha, n_jobs, clock)
    note_answers(found, pairs, answers, 0)
    found.strength = _strength(pairs[: len(answers.separated)], answers, p)
    return found


def _level(pairs: IntArray, found: Skeleton, bounds: Bounds, order: int) -> tuple[IntArray, Level]:
    """Pairs that are still joined, and questions about those that have enough candidates."""
    from causalkit.discovery.constraint._skeleton_kernels import questions

    joined = found.adjacency
    open_pairs = joined if bounds.is_none else joined & ~bounds.kept
    pairs, asked, starts, candidates = questions(
        pairs, joined, bounds.candidates(joined), open_pairs, order
    )
    return pairs, Level(order, asked, starts, candidates, found.strength)


def ask_level(
    bound: BoundTest, level: Level, alpha: float, n_jobs: int | None, clock: Clock
) -> Answers:
    """Answers to the first questions of a level: to all of them, unless the time is up."""
    m = len(level)
    if bound.releases_gil:
        in_one = n_jobs in (None, 1) and clock.seconds is None
        n_chunks = 1 if in_one else min(_N_CHUNKS, -(-m // _CHUNK))
    else:  # the clock is looked at between jobs, so under a budget each pair is one
        n_chunks = m if clock.seconds is not None else min(_N_CHUNKS, m)
    if n_chunks <= 1:
        with one_thread(not bound.releases_gil):  # as in a worker
            return bound.separate(level if not clock.is_up() else level.part(0, 0), alpha)
    size = -(-m // n_chunks)
    parts = run(
        _separate,
        [(bound, level.part(start, start + size), alpha) for start in range(0, m, size)],
        n_jobs=n_jobs,
        label=f"skeleton, sets of {level.order}",
        threads=bound.releases_gil or bound.remembers,
        steady=not bound.releases_gil,
        until=clock.is_up,
    )
    return Answers.joined(parts) if parts else Answers.of([], level.order)


def _separate(bound: BoundTest, level: Level, alpha: float) -> Answers:
    return bound.separate(level, alpha)


def note_answers(found: Skeleton, pairs: IntArray, answers: Answers, order: int) -> None:
    """Count what was asked, cut what was separated, and keep the answers."""
    n_asked = len(answers.separated)
    if n_asked < len(pairs):
        found.stopped = (
            f"the time was up at sets of {order}: {n_asked} of {len(pairs)} pairs were asked, the "
            "others stay joined"
        )
    found.n_tests += answers.n_tests
    found.n_untestable += answers.n_untestable
    pairs = pairs[:n_asked]
    found.record.add(pairs, answers)
    i, j = pairs[answers.separated].T
    found.adjacency[i, j] = found.adjacency[j, i] = found.record.kept[i, j]


def _strength(pairs: IntArray, answers: Answers, p: int) -> FloatArray:
    """Number pairs from the weakest marginal dependence (1) on; 0 is one that was not tested."""
    tested = np.flatnonzero(~np.isnan(answers.p_value))
    sizes = np.abs(answers.statistic[tested])
    order = tested[np.lexsort((-tested, sizes, -answers.p_value[tested]))]
    strength = np.zeros((p, p))
    i, j = pairs[order].T
    strength[i, j] = strength[j, i] = 1 + np.arange(len(order))
    return strength
