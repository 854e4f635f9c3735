"""Does a set of so many nodes separate the two? One size, many pairs, a few sets each at a time.

A *side* (a, j) is a question about node a and series j now; node `lag * p + k` is series k, `lag`
steps ago. What each answer says is kept in an :class:`Evidence`, by pair.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from causalkit.discovery.series.momentary._past import Questions
from causalkit.graph.lagged_latent import Roles
from causalkit.graph.mag import Marks
from causalkit.independence.blocks import BoundCorrelation
from causalkit.typing import BoolArray, FloatArray, IntArray

__all__ = ["Evidence", "Pools", "separate"]

_ROOM: Final = 4096
"""Sets that a compiled test is asked about at a time."""

_ANY: Final = np.empty((0, 0), dtype=np.uint8), np.empty((0, 0, 0), dtype=np.uint8)


@dataclass(frozen=True, slots=True)
class Pools:
    """What the sets of each side are made of.

    Attributes
    ----------
    sides : ndarray of int, shape (n, 2)
    default, pool : ndarrays of int, shape (n, m)
        Nodes that every set holds, and nodes that the rest is chosen from, the first ones first.
    asked : ndarray of bool, shape (n, m)
        Sets of nothing but such nodes of the pool have been asked about.
    sizes : ndarray of int, shape (n, 2)
        Nodes in `default` and in `pool`; -1 is behind the last.
    """

    sides: IntArray
    default: IntArray
    pool: IntArray
    asked: BoolArray
    sizes: IntArray

    @classmethod
    def empty(cls, sides: IntArray, m: int) -> Pools:
        """Make room for the pools of these sides."""
        n = len(sides)
        return cls(
            sides,
            np.full((n, m), -1, dtype=np.intp),
            np.full((n, m), -1, dtype=np.intp),
            np.zeros((n, m), dtype=np.bool_),
            np.zeros((n, 2), dtype=np.intp),
        )

    def part(self, rows: BoolArray) -> Pools:
        """Keep some sides."""
        return Pools(
            self.sides[rows],
            self.default[rows],
            self.pool[rows],
            self.asked[rows],
            self.sizes[rows],
        )


@dataclass(slots=True)
class Evidence:
    """What the tests have said of each pair (a, j).

    Attributes
    ----------
    weakest : ndarray of float, shape (m, p)
        Smallest statistic in size; infinite where nothing was asked.
    strength, surest : ndarrays of float, shape (m, p)
        Statistic and p-value of the test with the largest p-value; NaN where nothing was asked.
    closest : ndarray of bool, shape (m, p, m)
        The set of that test.
    votes : ndarray of int, shape (m, p, m + 1)
        How many separating sets hold each node; the last one counts these sets.
    counts : ndarray of int, shape (2,)
        Tests, and sets about which there was nothing to say.
    """

    weakest: FloatArray
    strength: FloatArray
    surest: FloatArray
    closest: BoolArray
    votes: IntArray
    counts: IntArray

    @classmethod
    def none(cls, m: int, p: int) -> Evidence:
        """Nothing has been asked."""
        return cls(
            np.full((m, p), np.inf),
            np.full((m, p), np.nan),
            np.full((m, p), np.nan),
            np.zeros((m, p, m), dtype=np.bool_),
            np.zeros((m, p, m + 1), dtype=np.int32),
            np.zeros(2, dtype=np.intp),
        )

    @property
    def n_asked(self) -> int:
        """Sets that the test has been asked about."""
        return int(self.counts.sum())

    def forget(self) -> None:
        """Begin again, but go on counting."""
        self.weakest[:], self.strength[:], self.surest[:] = np.inf, np.nan, np.nan
        self.closest[:], self.votes[:] = False, 0


def separate(
    questions: Questions,
    pools: Pools,
    order: int,
    alpha: float,
    evidence: Evidence,
    linked: tuple[Marks, Roles] = _ANY,
) -> BoolArray:
    """Ask about all sets of one size.

    The sets that separate a pair are not always of one mind about who is needed to. So all of them
    are heard, and not only the first one.

    Parameters
    ----------
    questions : Questions
    pools : Pools
    order : int
        Nodes chosen from each pool.
    alpha : float
        A set separates if its p-value is larger.
    evidence : Evidence
        Learns the answers.
    linked : tuple of marks and roles, optional
        Only sets count of which each node is joined to j through the others.

    Returns
    -------
    ndarray of bool, shape (n,)
        Sides of which a set separates.
    """
    from causalkit.discovery.series.latent._set_search_kernels import note_answers, write_sets

    n = len(pools.sides)
    is_open, is_apart = pools.sizes[:, 1] >= order, np.zeros(n, dtype=np.bool_)
    cursor = np.tile(np.arange(order, dtype=np.intp), (n, 1))
    widest = int(pools.sizes[:, 0].max(initial=0)) + order
    # A test that is not compiled is worth more than the batch that it came in.
    compiled = isinstance(questions.bound, BoundCorrelation) or questions.bound.releases_gil
    room = _ROOM if compiled else n
    owner = np.empty(room, dtype=np.intp)
    pairs, sets = np.empty((room, 2), dtype=np.intp), np.empty((room, widest), dtype=np.intp)
    while is_open.any():
        asked = pools.default, pools.pool, pools.asked, pools.sizes
        size = write_sets(pools.sides, *asked, *linked, cursor, is_open, owner, pairs, sets)
        rows = owner[:size], pairs[:size], sets[:size]
        statistic, p_value = questions.ask(*rows[1:])
        note_answers(
            *rows, statistic, p_value, alpha, is_apart, evidence.weakest, evidence.strength,
            evidence.surest, evidence.closest, evidence.votes, evidence.counts,
        )  # fmt: skip
    return is_apart
