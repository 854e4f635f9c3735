"""What discovery asks of a test and what it hears: one answer, one search, one whole level.

A skeleton search goes level by level. At level k it asks about every pair that is still joined: is
there a set of k candidates that separates the two? All these questions are known when the level
begins, so they travel together as a :class:`Level` of plain arrays and come back as
:class:`Answers`, one row for each pair. A compiled test answers a level in one call; any other test
falls back on one :class:`Search` for each pair.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from causalkit._core.report import Report, Reported
from causalkit.typing import BoolArray, FloatArray, IntArray

__all__ = ["Answers", "CIResult", "Level", "Screen", "Search"]


@dataclass(frozen=True, slots=True, repr=False)
class CIResult(Reported):
    """Answer of one test.

    Attributes
    ----------
    statistic : float
        In the units of the test; the farther from zero, the more dependent.
    p_value : float
        Probability of a statistic at least as extreme if the two are independent.
    n_used : int
        Rows that the answer rests on.
    """

    statistic: float
    p_value: float
    n_used: int

    def _report(self) -> Report:
        return Report(
            "Conditional independence test",
            facts=[
                ("statistic", self.statistic),
                ("p-value", self.p_value),
                ("rows used", self.n_used),
            ],
        )


@dataclass(frozen=True, slots=True)
class Search:
    """What came of looking for a separating set of one size.

    Attributes
    ----------
    separated : bool
        Whether a set was found.
    given : tuple of int
        The set found, else the set that came closest (largest p-value); empty if none was tested.
    result : CIResult or None
        The test's answer given that set; None if no set could be tested.
    n_tests : int
        Tests carried out.
    n_untestable : int
        Sets about which the test has nothing to say, e.g. because they determine a variable.
    """

    separated: bool
    given: tuple[int, ...]
    result: CIResult | None
    n_tests: int
    n_untestable: int = 0


@dataclass(frozen=True, slots=True)
class Screen:
    """The marginal tests of all pairs at once.

    Attributes
    ----------
    dependent : ndarray of bool, shape (p, p)
        Pairs that the empty set does not separate; symmetric, False on the diagonal.
    strength : ndarray of float, shape (p, p)
        Symmetric; the larger its absolute value, the stronger the marginal dependence.
    n_tests, n_untestable : int
    """

    dependent: BoolArray
    strength: FloatArray
    n_tests: int
    n_untestable: int = 0


@dataclass(frozen=True, slots=True)
class Level:
    """All questions of one level of a skeleton search.

    Attributes
    ----------
    order : int
        Size of the conditioning sets.
    pairs : ndarray of int, shape (m, 2)
        Pairs to separate, i < j.
    starts, candidates : ndarrays of int, shapes (p + 1,) and (k,)
        `candidates[starts[i]:starts[i + 1]]` may be conditioned on, on the side of node i.
    strength : ndarray of float, shape (p, p)
        The larger its absolute value, the stronger the marginal dependence.
    """

    order: int
    pairs: IntArray
    starts: IntArray
    candidates: IntArray
    strength: FloatArray

    def __len__(self) -> int:
        return len(self.pairs)

    def part(self, start: int, stop: int) -> Level:
        """Keep the questions of some consecutive pairs."""
        return replace(self, pairs=self.pairs[start:stop])

    def pools(self, i: int, j: int) -> tuple[list[int], list[int]]:
        """Candidates on the side of i and on that of j, strongest first, the shorter list first.

        A candidate is as strong as the weaker of its links to i and j.
        """
        one, two = self._side(i, j), self._side(j, i)
        return (one, two) if self._key(i, one) <= self._key(j, two) else (two, one)

    def _side(self, a: int, b: int) -> list[int]:
        pool = self.candidates[self.starts[a] : self.starts[a + 1]]
        pool = pool[pool != b]
        links = np.abs(self.strength[np.ix_([a, b], pool)])
        ordered: list[int] = pool[np.lexsort((-links.max(axis=0), -links.min(axis=0)))].tolist()
        return ordered

    def _key(self, a: int, pool: list[int]) -> tuple[int, float]:
        return len(pool), -float(np.abs(self.strength[a, pool]).max(initial=0.0))


@dataclass(frozen=True, slots=True)
class Answers:
    """One row for each pair of a level.

    Attributes
    ----------
    separated : ndarray of bool, shape (m,)
        Whether a set was found.
    given : ndarray of int, shape (m, order)
        The set found, else the set that came closest (largest p-value).
    statistic, p_value : ndarrays of float, shape (m,)
        The test's answer given that set; NaN if no set could be tested.
    n_used : ndarray of int, shape (m,)
        Rows that the answer rests on.
    n_tests, n_untestable : int
        Tests carried out, and sets that could not be tested, in the whole level.
    """

    separated: BoolArray
    given: IntArray
    statistic: FloatArray
    p_value: FloatArray
    n_used: IntArray
    n_tests: int
    n_untestable: int

    @classmethod
    def of(cls, searches: Sequence[Search], order: int) -> Answers:
        """Collect searches for sets of one size."""
        nothing = CIResult(np.nan, np.nan, 0)
        results = [search.result or nothing for search in searches]
        given = [search.given if search.result else (-1,) * order for search in searches]
        return cls(
            np.array([search.separated for search in searches], dtype=np.bool_),
            np.array(given, dtype=np.intp).reshape(len(searches), order),
            np.array([result.statistic for result in results], dtype=np.float64),
            np.array([result.p_value for result in results], dtype=np.float64),
            np.array([result.n_used for result in results], dtype=np.intp),
            sum(search.n_tests for search in searches),
            sum(search.n_untestable for search in searches),
        )

    @classmethod
    def joined(cls, parts: Sequence[Answers]) -> Answers:
        """Put consecutive parts of a level together again."""

        def column(name: str) -> NDArray[Any]:
            return np.concatenate([getattr(part, name) for part in parts])

        return cls(
            column("separated"),
            column("given"),
            column("statistic"),
            column("p_value"),
            column("n_used"),
            sum(part.n_tests for part in parts),
            sum(part.n_untestable for part in parts),
        )
