"""Answers from second moments: partial correlations of columns, likelihood ratios of blocks.

Both rest on one matrix, the correlations of all columns, and on a number of rows. For two single
columns the partial correlation r given S says it all, and it is judged by Fisher's z or by
Student's t. For two blocks, x of a columns and y of b, what counts are the canonical correlations
that S leaves over, and the likelihood ratio (Wilks' lambda) is nearly a chi-square variable::

    -(n - 1 - |S| - (a + b + 1) / 2) * sum(log(1 - canonical**2))  ~  chi-square(a * b)

where |S| counts columns. The factor is Bartlett's, which makes it right for small n as well. A
column that is a combination of others (two codings of one thing, a level that never goes with
another) stays out and takes its degrees of freedom with it. A set that determines x or y leaves
nothing to test, which is an error for people and counted as untestable by algorithms.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from math import asinh, sqrt
from typing import ClassVar, Final

import numpy as np
from scipy.special import ndtr, ndtri, stdtr, stdtrit

from causalkit._core.moments import Moments
from causalkit.errors import NumericalError
from causalkit.independence.base import BoundTest
from causalkit.independence.clusters import BoundClustered
from causalkit.independence.embedding import Embedding
from causalkit.independence.fisher_z import BoundFisherZ
from causalkit.independence.search import Answers, CIResult, Level, Screen, Search
from causalkit.typing import FloatArray, IntArray

__all__ = ["BoundBlocks", "BoundCorrelation", "bind_embedding"]

_TINY: Final = 1e-10
"""Share of a column's variance that counts as none: what is left is rounding."""


def bind_embedding(embedding: Embedding) -> BoundTest:
    """Choose the quickest answer that is right for these rows and these blocks."""
    if embedding.clusters is not None:
        return BoundClustered.of(embedding)
    corr = Moments.of(embedding.values, embedding.weights).correlations(in_place=True)
    if embedding.link is not None:
        corr = embedding.link(corr)
    n, n_rows = embedding.n_effective, embedding.n_rows
    if embedding.likelihood or not embedding.is_plain:
        return BoundBlocks(corr, embedding.starts, n, n_rows)
    return BoundCorrelation.of(corr, n, n_rows, student=embedding.student)


# --- single columns ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class BoundCorrelation(BoundTest):
    """Fisher's z with another judge, or other rows, than it would have by itself.

    For sets of one size, any two-sided test of a partial correlation cuts its absolute value
    somewhere, so the search may be left to the compiled code of Fisher's z: its `alpha` is chosen
    so that it cuts in the same place, and its statistics are read as partial correlations again.

    Attributes
    ----------
    fisher : BoundFisherZ
        On the correlations of the columns.
    n_rows : int
        Rows that the answers rest on.
    student : bool
        Judge by the t distribution.
    """

    fisher: BoundFisherZ
    n_rows: int
    student: bool = False
    releases_gil: ClassVar[bool] = BoundFisherZ.releases_gil

    @classmethod
    def of(
        cls, corr: FloatArray, n_effective: float, n_rows: int, *, student: bool = False
    ) -> BoundCorrelation:
        """Judge correlations (p, p) by as many independent rows as they are worth."""
        # The t test has one degree of freedom more than Fisher's z has rows to spare.
        return cls(BoundFisherZ(corr, n_effective + student), n_rows, student)

    def __call__(self, i: int, j: int, given: Sequence[int] = ()) -> CIResult:
        """Test columns i and j given other columns."""
        if self._freedom(len(given)) <= 0:
            raise NumericalError(
                f"{self.n_rows} rows cannot test a partial correlation given {len(given)} columns; "
                f"expected at least {len(given) + 4 - self.student} rows of equal weight. "
                "Condition on fewer columns."
            )
        result = self.fisher(i, j, given)
        statistic, p_value = self._judge(np.array([result.statistic]), len(given))
        return CIResult(float(statistic[0]), float(p_value[0]), self.n_rows)

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
        cut = self._alpha(order, alpha)
        found = self.fisher.first_separator(i, j, pool, order, cut, asked=asked)
        if found.result is None:
            return found
        statistic, p_value = self._judge(np.array([found.result.statistic]), order)
        result = CIResult(float(statistic[0]), float(p_value[0]), self.n_rows)
        return replace(found, result=result)

    def separate(self, level: Level, alpha: float) -> Answers:
        """Look for a separator of each pair of a level, in compiled code."""
        answers = self.fisher.separate(level, self._alpha(level.order, alpha))
        statistic, p_value = self._judge(answers.statistic, level.order)
        n_used = np.full(len(statistic), self.n_rows, dtype=np.intp)
        return replace(answers, statistic=statistic, p_value=p_value, n_used=n_used)

    def given_each(self, i: int, j: int, sets: IntArray) -> tuple[FloatArray, FloatArray, IntArray]:
        """Test one pair given each of many sets, in compiled code."""
        statistic, _, n_used = self.fisher.given_each(i, j, sets)
        return *self._judge(statistic, sets.shape[1]), np.full_like(n_used, self.n_rows)

    def given_own(self, pairs: IntArray, sets: IntArray) -> tuple[FloatArray, FloatArray, IntArray]:
        """Test each pair given a set of its own, in compiled code."""
        statistic, _, n_used = self.fisher.given_own(pairs, sets)
        p_value = np.empty_like(statistic)
        order = (sets >= 0).sum(axis=1)
        for k in np.unique(order):
            same = order == k
            statistic[same], p_value[same] = self._judge(statistic[same], int(k))
        return statistic, p_value, np.full_like(n_used, self.n_rows)

    def screen(self, alpha: float) -> Screen | None:
        """Compare all correlations with one cutoff."""
        return self.fisher.screen(self._alpha(0, alpha))

    def marginals(self, pairs: IntArray) -> tuple[FloatArray, FloatArray]:
        """Statistics and p-values of many pairs given nothing."""
        statistic, p_value = self.fisher.marginals(pairs)
        return self._judge(statistic, 0) if self.student else (statistic, p_value)

    def cutoffs(self, alpha: float, largest: int) -> FloatArray:
        """Partial correlations given sets of 0, 1, … that are below these in size have p > alpha.

        Where no degree of freedom is left none is.
        """
        freedom = self._freedom(0) - np.arange(largest + 1)
        usable = np.where(freedom > 0, freedom, 1.0)
        if self.student:
            t = -stdtrit(usable, alpha / 2)
            r = t / np.sqrt(usable + t * t)
        else:
            r = np.tanh(-ndtri(alpha / 2) / np.sqrt(usable))
        return np.where(freedom > 0, r, 0.0)

    def judge_partials(
        self, partials: FloatArray, orders: IntArray
    ) -> tuple[FloatArray, FloatArray]:
        """Partial correlations given sets of these sizes, and their p-values; NaN for a 2."""
        freedom = self._freedom(0) - orders
        known = (np.abs(partials) <= 1.0) & (freedom > 0)
        r, left = partials[known], freedom[known]
        with np.errstate(divide="ignore"):
            if self.student:
                p = 2.0 * stdtr(left, -np.abs(r) * np.sqrt(left / ((1.0 - r) * (1.0 + r))))
            else:
                p = 2.0 * ndtr(-np.abs(np.arctanh(r)) * np.sqrt(left))
        statistic, p_value = np.full(partials.shape, np.nan), np.full(partials.shape, np.nan)
        statistic[known], p_value[known] = r, np.minimum(p, 1.0)
        return statistic, p_value

    def _freedom(self, order: int) -> float:
        """Degrees of freedom of t; for z the rows that are left, whose root is its factor."""
        return float(self.fisher.n_rows) - order - 3

    def _alpha(self, order: int, alpha: float) -> float:
        """Level at which Fisher's z cuts where this test does at `alpha`."""
        freedom = self._freedom(order)
        if not self.student or freedom <= 0:
            return alpha
        t = -float(stdtrit(freedom, alpha / 2))
        return 2.0 * float(ndtr(-sqrt(freedom) * asinh(t / sqrt(freedom))))

    def _judge(self, z: FloatArray, order: int) -> tuple[FloatArray, FloatArray]:
        """Statistics and p-values in place of those of Fisher's z."""
        freedom = self._freedom(order)
        if not self.student or freedom <= 0:
            return z, 2.0 * np.asarray(ndtr(-np.abs(z)), dtype=np.float64)
        with np.errstate(over="ignore"):
            t = sqrt(freedom) * np.sinh(z / sqrt(freedom))  # r / sqrt(1 - r²) = sinh(atanh r)
        return t, np.minimum(1.0, 2.0 * np.asarray(stdtr(freedom, -np.abs(t)), dtype=np.float64))


# --- blocks --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class BoundBlocks(BoundTest):
    """Likelihood ratios of blocks of columns.

    Attributes
    ----------
    corr : ndarray of shape (q, q)
        Correlations of all columns.
    starts : ndarray of int, shape (p + 1,)
        Variable k is columns `starts[k]:starts[k + 1]`.
    n_effective : float
        Independent rows that the correlations are worth.
    n_rows : int
        Rows that the answers rest on.
    """

    corr: FloatArray
    starts: IntArray
    n_effective: float
    n_rows: int
    releases_gil: ClassVar[bool] = True

    def __call__(self, i: int, j: int, given: Sequence[int] = ()) -> CIResult:
        """Test variables i and j given other variables."""
        from causalkit.independence._block_kernels import ask

        out, chosen = np.empty(2), np.array(given, dtype=np.intp)
        state = ask(self.corr, self.starts, self.n_effective, i, j, chosen, _TINY, out)
        if state == 0:
            return CIResult(float(out[0]), float(out[1]), self.n_rows)
        if state == 2:
            raise NumericalError(
                f"{self.n_rows} rows, worth {self.n_effective:.4g} independent ones, cannot test "
                f"{self._width(i)} against {self._width(j)} columns given "
                f"{sum(map(self._width, given))}; expected more rows than columns by two at least. "
                "Condition on fewer variables, or merge levels."
            )
        raise NumericalError(
            f"variables {i} and {j} cannot be tested given variables {tuple(given)}, which "
            "determine one of the two; expected a set that leaves something over. Leave the "
            "redundant variable out."
        )

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
        from causalkit.independence._block_kernels import search

        old = np.array([k in asked for k in pool], dtype=np.bool_)
        given, counts = np.empty(order, dtype=np.intp), np.zeros(3, dtype=np.intp)
        best, candidates = np.array([np.nan, -1.0]), np.array(pool, dtype=np.intp)
        what = self.corr, self.starts, self.n_effective, i, j, candidates, old
        search(*what, alpha, _TINY, given, best, counts)
        found, n_tests, n_untestable = counts.tolist()
        if n_tests == 0:
            return Search(False, (), None, 0, n_untestable)
        result = CIResult(float(best[0]), float(best[1]), self.n_rows)
        return Search(bool(found), tuple(given.tolist()), result, n_tests, n_untestable)

    def separate(self, level: Level, alpha: float) -> Answers:
        """Look for a separator of each pair of a level, in compiled code."""
        from causalkit.independence._block_kernels import separate

        if level.order == 0:
            return BoundTest.separate(self, level, alpha)
        m = len(level)
        given, counts = np.full((m, level.order), -1), np.zeros((m, 3), dtype=np.intp)
        best = np.tile([np.nan, -1.0], (m, 1))
        what = level.strength, level.pairs, level.starts, level.candidates
        limits = alpha, _TINY
        separate(self.corr, self.starts, self.n_effective, *what, *limits, given, best, counts)
        n_tests, n_untestable = counts[:, 1:].sum(axis=0).tolist()
        p_value = np.where(counts[:, 1] > 0, best[:, 1], np.nan)
        n_used = np.where(counts[:, 1] > 0, self.n_rows, 0)
        return Answers(counts[:, 0] > 0, given, best[:, 0], p_value, n_used, n_tests, n_untestable)

    def given_each(self, i: int, j: int, sets: IntArray) -> tuple[FloatArray, FloatArray, IntArray]:
        """Test one pair given each of many sets, in compiled code."""
        from causalkit.independence._block_kernels import ask_each

        out = np.empty((len(sets), 2))
        ask_each(self.corr, self.starts, self.n_effective, i, j, sets, _TINY, out)
        return out[:, 0], out[:, 1], np.full(len(sets), self.n_rows, dtype=np.intp)

    def screen(self, alpha: float) -> Screen:
        """Ask about all pairs given nothing, in compiled code."""
        p = len(self.starts) - 1
        rows, columns = np.triu_indices(p, 1)
        statistic, p_value = self.marginals(np.stack((rows, columns), axis=1))
        tested = ~np.isnan(p_value)
        dependent = np.zeros((p, p), dtype=np.bool_)
        dependent[rows, columns] = ~(p_value > alpha)
        # Blocks differ in size, so pairs are ranked by their p-values and not by the statistic.
        order = np.flatnonzero(tested)
        order = order[np.lexsort((-order, statistic[order], -p_value[order]))]
        strength = np.zeros((p, p))
        strength[rows[order], columns[order]] = 1.0 + np.arange(len(order))
        n_tests = int(tested.sum())
        return Screen(
            dependent | dependent.T, strength + strength.T, n_tests, len(tested) - n_tests
        )

    def marginals(self, pairs: IntArray) -> tuple[FloatArray, FloatArray]:
        """Statistics and p-values of many pairs given nothing."""
        from causalkit.independence._block_kernels import screen

        out = np.empty((len(pairs), 2))
        screen(self.corr, self.starts, self.n_effective, pairs, _TINY, out)
        return out[:, 0], out[:, 1]

    def _width(self, k: int) -> int:
        return int(self.starts[k + 1] - self.starts[k])
