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
two first? `separate` asks it for all pairs of a level at once.

A new test writes `bind` and `__call__`; the rest is here. It raises
:class:`~causalkit.errors.NumericalError` for a conditioning set about which it has nothing to say.
A test whose answers come from compiled code may override `first_separator`, `separate` and
`screen`; the answers must be those of the versions here.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import combinations
from typing import ClassVar, Protocol

import numpy as np

from causalkit._core.checks import as_names, check_complete
from causalkit._core.parallel import one_thread
from causalkit._core.table import Table, are_finite, as_table
from causalkit.errors import InputError, NumericalError
from causalkit.independence.search import Answers, CIResult, Level, Screen, Search
from causalkit.typing import Data, FloatArray, IntArray, Name, Names

__all__ = ["BoundTest", "CITest", "check_no_holes"]


def check_no_holes(table: Table, *, who: str) -> None:
    """Check that no cell is missing; the error names tests that can do with holes in such columns.

    Parameters
    ----------
    table : Table
    who : str
        Name of the class of the test.
    """
    if are_finite(table.values):  # so that no advice has to be written
        return
    categories = any(levels is not None and len(levels) > 2 for levels in table.levels)
    inner = {"FisherZ": "DegenerateGaussian()" if categories else ""}.get(who, f"{who}()")
    advice = (
        f"Use TestwiseDeletion({inner}) as the test, which takes the rows complete in each test's "
        "own columns, "
    )
    if not categories:
        advice += "MissingnessCorrection() if other columns decide what is missing, "
        advice += f"or MultipleImputation({inner}); "
    check_complete(table, who=who, advice=f"{advice}or drop the rows with data.dropna().")


class BoundTest(Protocol):
    """A test that has met its table; variables are column numbers of that table.

    `releases_gil` says that `separate` is compiled code, and `remembers` that answers keep pieces
    for each other, most of the work being done by numerical libraries. Either way threads share the
    work; else parallel jobs are processes.
    """

    __slots__ = ()
    releases_gil: ClassVar[bool] = False
    remembers: ClassVar[bool] = False

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

    def separate(self, level: Level, alpha: float) -> Answers:
        """Look for a separator of each pair of a level, first on one side, then on the other.

        A set that lies on both sides is asked once.

        Parameters
        ----------
        level : Level
            The questions.
        alpha : float
            A set separates if the p-value exceeds `alpha`.

        Returns
        -------
        Answers
        """
        pairs = level.pairs.tolist()
        return Answers.of([self._separate_one(level, i, j, alpha) for i, j in pairs], level.order)

    def screen(self, alpha: float) -> Screen | None:  # noqa: ARG002
        """Ask about all pairs at once given nothing; None if that is no quicker than one by one."""
        return None

    def given_each(self, i: int, j: int, sets: IntArray) -> tuple[FloatArray, FloatArray, IntArray]:
        """Test one pair given each of many sets of one size.

        Parameters
        ----------
        i, j : int
            Columns.
        sets : ndarray of int, shape (m, order)
            Conditioning sets.

        Returns
        -------
        statistic, p_value : ndarrays of float, shape (m,)
            NaN where the test has nothing to say.
        n_used : ndarray of int, shape (m,)
        """
        nothing = CIResult(np.nan, np.nan, 0)
        results = []
        for given in sets.tolist():
            try:
                results.append(self(i, j, given))
            except NumericalError:
                results.append(nothing)
        return (
            np.array([result.statistic for result in results]),
            np.array([result.p_value for result in results]),
            np.array([result.n_used for result in results], dtype=np.intp),
        )

    def given_own(self, pairs: IntArray, sets: IntArray) -> tuple[FloatArray, FloatArray, IntArray]:
        """Test each of many pairs given a set of its own.

        Parameters
        ----------
        pairs : ndarray of int, shape (m, 2)
        sets : ndarray of int, shape (m, widest)
            Smaller sets are padded with -1 at their end.

        Returns
        -------
        statistic, p_value : ndarrays of float, shape (m,)
            NaN where the test has nothing to say.
        n_used : ndarray of int, shape (m,)
        """
        parts = [
            self.given_each(i, j, given[given >= 0][None])
            for (i, j), given in zip(pairs.tolist(), sets, strict=True)
        ]
        if not parts:
            return np.empty(0), np.empty(0), np.empty(0, dtype=np.intp)
        statistic, p_value, n_used = (np.concatenate(part) for part in zip(*parts, strict=True))
        return statistic, p_value, n_used

    def marginals(self, pairs: IntArray) -> tuple[FloatArray, FloatArray]:
        """Statistics and p-values of many pairs (m, 2) given nothing."""
        results = [self(i, j) for i, j in pairs.tolist()]
        return np.array([r.statistic for r in results]), np.array([r.p_value for r in results])

    def _separate_one(self, level: Level, i: int, j: int, alpha: float) -> Search:
        order = level.order
        one, two = level.pools(i, j) if order else ([], [])
        first = self.first_separator(i, j, one, order, alpha)
        if first.separated or order == 0 or len(two) < order:
            return first
        second = self.first_separator(i, j, two, order, alpha, asked=frozenset(one))
        n_tests = first.n_tests + second.n_tests
        n_untestable = first.n_untestable + second.n_untestable
        best = max((first, second), key=lambda s: s.result.p_value if s.result else -1.0)
        return Search(second.separated, best.given, best.result, n_tests, n_untestable)


class CITest(Protocol):
    """A conditional-independence test: a setting until it meets a table."""

    __slots__ = ()

    def bind(self, table: Table) -> BoundTest:
        """Check the table once, compute what all questions share, and return the bound test."""
        ...

    def nodes(self, names: tuple[Name, ...]) -> tuple[Name, ...]:
        """Names of the variables in a table of these columns, as a bound test numbers them.

        A column that says how rows count is no variable, and several columns may make one.
        """
        return names

    def columns(self, nodes: tuple[Name, ...]) -> tuple[Name, ...]:
        """Columns that a question about these variables needs."""
        return nodes

    def about(self, nodes: tuple[Name, ...]) -> CITest:  # noqa: ARG002
        """Return the same test for a table of just the columns that these variables need.

        A setting that names columns forgets those of other variables.
        """
        return self

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
        asked = (x, y, *conditions)
        table = as_table(data, columns=self.columns(asked))
        test = self.about(asked)
        nodes = test.nodes(table.names)
        i, j, *rest = (nodes.index(node) for node in asked)
        with one_thread():  # a question is small, and the answer is that of an algorithm
            return test.bind(table)(i, j, rest)
