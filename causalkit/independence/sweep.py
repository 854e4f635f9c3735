"""One target against very many candidates: the question that feature selection asks.

A search for a Markov boundary asks again and again: *given what I hold, how dependent is the target
on each of the other columns?* For most tests that is one test a column. For Fisher's z all columns
can be answered at once, and without the matrix of all correlations, which for 50,000 columns would
take 20 GB. Let Q be an orthonormal basis of the columns held. Then the partial covariance of target
y and column x given them is ::

    y'x - (Q'y)'(Q'x)

so each column that is added costs one new direction q of Q and one product q'X with all candidates:
reading the table once.

>>> import numpy as np
>>> from causalkit._core.table import as_table
>>> from causalkit.independence import FisherZ
>>> rng = np.random.default_rng(0)
>>> values = rng.normal(size=(100, 500))
>>> values[:, 0] += values[:, 1] + values[:, 2]
>>> table = as_table(values)
>>> bound = bind_wide(FisherZ(), table, table.names)
>>> others = np.arange(1, 500)
>>> statistic, p_value = sweep_of(bound, 0).ask((1,), others)
>>> int(others[np.nanargmin(p_value)])
2

The answers are those of the bound test itself; only the way there differs.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np

from causalkit._core.checks import check_rows, check_varies
from causalkit._core.parallel import run
from causalkit._core.table import Table
from causalkit.errors import NumericalError
from causalkit.independence.base import BoundTest, CITest, check_no_holes
from causalkit.independence.fisher_z import _TINY, BoundFisherZ, FisherZ
from causalkit.independence.search import CIResult, Search
from causalkit.typing import FloatArray, IntArray, Name

__all__ = ["Sweep", "WideFisherZ", "bind_wide", "sweep_of"]

_CELLS: Final = 1 << 22  # standardised at a time
_N_CHUNKS: Final = 64  # jobs a question; a constant, so that n_jobs cannot matter

Answer = tuple[FloatArray, FloatArray]


class Sweep(Protocol):
    """A target, and a test to hold it against many candidates."""

    def ask(self, given: Sequence[int], candidates: IntArray) -> Answer:
        """Test the target against each candidate given the same columns.

        Parameters
        ----------
        given : sequence of int
            Columns; asking with longer and longer sequences is cheap.
        candidates : ndarray of int, shape (m,)
            Columns, ascending; none of them is the target or given.

        Returns
        -------
        statistic, p_value : ndarrays of float, shape (m,)
            NaN where the test has nothing to say.
        """
        ...


def bind_wide(test: CITest, table: Table, columns: tuple[Name, ...]) -> BoundTest:
    """Bind a test to columns in this order, without what only a small table can afford.

    As from `bind`, the numbers of the bound test are those of `test.nodes(columns)`.
    """
    if test != FisherZ():
        return test.bind(table if columns == table.names else table.select(columns))
    who = "FisherZ"
    check_no_holes(table, who=who)
    check_rows(table, 4, who=who)
    check_varies(table, table.names, who=who)
    for k, levels in enumerate(table.levels):
        if levels is not None and len(levels) > 2:
            test.bind(table.select(table.names[k : k + 1]))  # says what is wrong with it
    return WideFisherZ(_unit_rows(table.values, table.indices(columns)))


def sweep_of(bound: BoundTest, target: int, *, n_jobs: int | None = None) -> Sweep:
    """Get ready to hold one column against all others."""
    if isinstance(bound, WideFisherZ):
        return _Projections(bound, target)
    return _OneByOne(bound, target, n_jobs)


@dataclass(frozen=True, slots=True, eq=False)
class WideFisherZ(BoundTest):
    """Fisher's z on standardised columns, one a row of `unit`; correlations are made on demand."""

    unit: FloatArray

    def __call__(self, i: int, j: int, given: Sequence[int] = ()) -> CIResult:
        """Test columns i and j given other columns."""
        return self.among((i, j, *given))(0, 1, range(2, 2 + len(given)))

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
        """Look for the first subset of `pool` that separates i and j, in compiled code."""
        columns = (i, j, *pool)
        known = [t for t, k in enumerate(columns) if k in asked]
        found = self.among(columns).first_separator(
            0, 1, range(2, len(columns)), order, alpha, asked=known
        )
        given = tuple(columns[t] for t in found.given)
        return Search(found.separated, given, found.result, found.n_tests, found.n_untestable)

    def among(self, columns: Sequence[int]) -> BoundFisherZ:
        """Bind the test to a few columns, which are numbered anew."""
        few = self.unit[list(columns)]
        corr = np.clip(few @ few.T, -1.0, 1.0)
        np.fill_diagonal(corr, 1.0)
        return BoundFisherZ(corr, self.unit.shape[1])


class _OneByOne:
    """Any test: one question a candidate."""

    def __init__(self, bound: BoundTest, target: int, n_jobs: int | None) -> None:
        self.bound, self.target, self.n_jobs = bound, target, n_jobs

    def ask(self, given: Sequence[int], candidates: IntArray) -> Answer:
        columns: list[int] = candidates.tolist()
        size = max(1, -(-len(columns) // _N_CHUNKS))
        chunks = [columns[k : k + size] for k in range(0, len(columns), size)]
        tasks = [(self.bound, self.target, tuple(given), chunk) for chunk in chunks]
        answers = [pair for part in run(_ask_each, tasks, n_jobs=self.n_jobs) for pair in part]
        statistic, p_value = np.array(answers, dtype=np.float64).reshape(-1, 2).T
        return statistic, p_value


def _ask_each(
    bound: BoundTest, target: int, given: Sequence[int], columns: Sequence[int]
) -> list[tuple[float, float]]:
    answers = []
    for k in columns:
        try:
            result = bound(target, k, given)
        except NumericalError:
            answers.append((np.nan, np.nan))
        else:
            answers.append((result.statistic, result.p_value))
    return answers


class _Projections:
    """Fisher's z: coordinates of target and candidates in a basis Q of what is given.

    Kept from question to question, because the next one usually adds a column to what is given, or
    drops some candidates.
    """

    def __init__(self, bound: WideFisherZ, target: int) -> None:
        self.unit, self.target = bound.unit, target
        self.n_rows = bound.unit.shape[1]
        self.given: tuple[int, ...] = ()
        self.basis: list[FloatArray] = []  # a row a column given; None of them is redundant
        self.candidates = np.empty(0, dtype=np.intp)
        self.shared = np.empty(0)  # correlations with the target
        self.coordinates: list[FloatArray] = []

    def ask(self, given: Sequence[int], candidates: IntArray) -> Answer:
        nothing = np.full(len(candidates), np.nan)
        freedom = self.n_rows - len(given) - 3
        if freedom <= 0 or not self._hold(given) or len(candidates) == 0:
            return nothing, nothing
        self._look_at(candidates)
        own = np.array([q @ self.unit[self.target] for q in self.basis])
        left, shared = np.ones(len(candidates)), self.shared.copy()
        for mine, theirs in zip(own, self.coordinates, strict=True):
            left -= theirs**2
            shared -= mine * theirs
        own_left = 1.0 - float(own @ own)
        if own_left <= _TINY:
            return nothing, nothing
        left[left <= _TINY] = np.nan  # given the columns held, nothing of the candidate is left
        partial = np.clip(shared / np.sqrt(left * own_left), -1.0, 1.0)
        pairs = np.column_stack((np.zeros(len(partial), dtype=np.intp), np.arange(len(partial))))
        # With k columns projected out, n rows are worth n - k.
        return BoundFisherZ(partial[None], self.n_rows - len(given)).marginals(pairs)

    def _hold(self, given: Sequence[int]) -> bool:
        """Make the basis that of `given`; False if one of these columns is redundant."""
        same = 0
        while same < min(len(given), len(self.given)) and given[same] == self.given[same]:
            same += 1
        self.given = self.given[:same]
        del self.basis[same:], self.coordinates[same:]
        for k in given[same:]:
            q = self.unit[k].copy()
            for _ in range(2):  # twice is enough (Kahan)
                for other in self.basis:
                    q -= (other @ q) * other
            length = float(np.linalg.norm(q))
            if length**2 <= _TINY:
                return False
            self.given = (*self.given, k)
            self.basis.append(q / length)
        return True

    def _look_at(self, candidates: IntArray) -> None:
        """Bring the coordinates up to date with the candidates and the basis."""
        where = np.searchsorted(self.candidates, candidates)
        if len(where) == 0 or len(self.candidates) == 0 or where[-1] >= len(self.candidates):
            known = False
        else:
            known = bool((self.candidates[where] == candidates).all())
        if not known:
            self.candidates, self.coordinates = candidates, []
            self.shared = self._products([self.unit[self.target]])[0]
        elif len(where) < len(self.candidates):
            self.candidates, self.shared = candidates, self.shared[where]
            self.coordinates = [row[where] for row in self.coordinates]
        self.coordinates += self._products(self.basis[len(self.coordinates) :])

    def _products(self, directions: Sequence[FloatArray]) -> list[FloatArray]:
        """Products of each candidate with each direction."""
        if not directions:
            return []
        D = np.column_stack(directions)
        if 4 * len(self.candidates) > len(self.unit):  # reading all is cheaper than copying some
            return list((self.unit @ D)[self.candidates].T)
        return list((self.unit[self.candidates] @ D).T)


def _unit_rows(values: FloatArray, columns: Sequence[int]) -> FloatArray:
    """Columns as rows of mean 0 and length 1, whatever their units."""
    n, p = len(values), len(columns)
    unit = np.empty((p, n))
    size = max(1, _CELLS // n)
    for start in range(0, p, size):
        block = values[:, columns[start : start + size]].T
        # Scaling by a power of two is exact, so it cannot hide a small variation on a large mean.
        _, exponents = np.frexp(np.abs(block).max(axis=1, keepdims=True))
        block = np.ldexp(block, -exponents)
        block = block - block.mean(axis=1, keepdims=True)
        block /= np.abs(block).max(axis=1, keepdims=True)
        block -= block.mean(axis=1, keepdims=True)
        unit[start : start + size] = block / np.linalg.norm(block, axis=1, keepdims=True)
    return unit
