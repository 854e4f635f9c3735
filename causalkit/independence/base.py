"""What a conditional-independence test is, to people and to algorithms.

People ask by name and get a result that prints:

>>> import numpy as np
>>> from causalkit.independence import FisherZ
>>> rng = np.random.default_rng(0)
>>> cause = rng.normal(size=500)
>>> data = {"a": cause + rng.normal(size=500), "b": cause + rng.normal(size=500), "c": cause}
>>> FisherZ().test(data, "a", "b").p_value < 0.001
True
>>> FisherZ().test(data, "a", "b", given="c").p_value > 0.05
True

Algorithms ask thousands of times, by column number, so a test comes in two steps. A
:class:`CITest` is a setting, a frozen value. `bind(table)` checks the data once, computes what
every question shares, and returns a :class:`BoundTest`, which answers `bound(i, j, given)` and the
hot question of constraint-based discovery, `first_separator`: which set of this size separates the
two first?

A new test writes `bind` and `__call__`; the rest is here. It raises
:class:`~causalkit.errors.NumericalError` for a conditioning set about which it has nothing to say.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Protocol

from causalkit._core.checks import as_names
from causalkit._core.report import Report, Reported
from causalkit._core.table import Table, as_table
from causalkit.errors import InputError, NumericalError
from causalkit.typing import Data, Name, Names

__all__ = ["BoundTest", "CIResult", "CITest", "Search"]


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


class BoundTest(Protocol):
    """A test that has met its table; variables are column numbers of that table."""

    __slots__ = ()

    def __call__(self, i: int, j: int, given: Sequence[int] = ()) -> CIResult:
        """Test whether columns i and j are independent given the columns `given`.

        Raises
        ------
        NumericalError
            If the test has nothing to say about this set.
        """
        ...

    def first_separator(
        self,
        i: int,
        j: int,
        pool: Sequence[int],
        order: int,
        alpha: float,
        *,
        asked: Collection[int] = (),
    ) -> Search:
        """Look for the first subset of `pool` that separates columns i and j.

        Parameters
        ----------
        i, j : int
            Columns.
        pool : sequence of int
            Candidates. Subsets are asked in the lexicographic order of their positions in `pool`.
        order : int
            Size of the subsets.
        alpha : float
            A set separates if the p-value exceeds `alpha`.
        asked : collection of int
            Non-empty subsets of these have been asked before and are passed over.

        Returns
        -------
        Search
        """
        closest: tuple[int, ...] = ()
        best: CIResult | None = None
        n_tests = n_untestable = 0
        known = frozenset(asked)
        for given in combinations(pool, order):
            if given and known.issuperset(given):
                continue
            try:
                result = self(i, j, given)
            except NumericalError:
                n_untestable += 1
                continue
            n_tests += 1
            if result.p_value > alpha:
                return Search(True, given, result, n_tests, n_untestable)
            if best is None or result.p_value > best.p_value:
                closest, best = given, result
        return Search(False, closest, best, n_tests, n_untestable)


class CITest(Protocol):
    """A conditional-independence test: a setting until it meets a table."""

    __slots__ = ()

    def bind(self, table: Table) -> BoundTest:
        """Check the table once, compute what all questions share, and return the bound test."""
        ...

    def test(self, data: Data, x: Name, y: Name, given: Names = ()) -> CIResult:
        """Test whether columns `x` and `y` are independent given the columns `given`.

        Parameters
        ----------
        data : DataFrame, 2-D ndarray, or dict of columns
            Columns that are not asked about are not read.
        x, y : str or int
            Two columns.
        given : name or names
            Columns to condition on.

        Returns
        -------
        CIResult

        Raises
        ------
        InputError
            If the columns overlap or cannot be used by this test.
        NumericalError
            If the test has nothing to say given these columns.
        """
        conditions = as_names(given)
        if x == y or x in conditions or y in conditions:
            raise InputError(
                f"x={x!r}, y={y!r}, given={conditions!r} overlap; expected different columns. "
                "Name each column once."
            )
        bound = self.bind(as_table(data, columns=(x, y, *conditions)))
        return bound(0, 1, tuple(range(2, 2 + len(conditions))))
