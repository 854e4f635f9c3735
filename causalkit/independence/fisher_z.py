"""Fisher's z: partial correlation as a test of conditional independence.

For jointly Gaussian variables, x and y are independent given S exactly when their partial
correlation r given S is zero, and then::

    z = sqrt(n - |S| - 3) * atanh(r)

is nearly standard normal. All it needs is the correlation matrix, which is computed once, so this
is the fastest test there is and the default of :class:`~causalkit.discovery.PC`.

Three things are done with care. The p-value is taken from the tail (`erfc`), so strong dependences
still differ at p = 1e-200, where `2 * (1 - cdf)` has long been zero. Columns are scaled before
anything is squared, so 1e300 and 1e-300 are both welcome. And a conditioning set about which the
data say nothing (it holds a redundant column, it determines x or y, or it leaves no degrees of
freedom) is an error for people and counted as untestable by algorithms, never an invented p-value.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from math import comb, sqrt, tanh
from typing import ClassVar, Final

import numpy as np
from scipy.special import ndtri

from causalkit._core.checks import check_rows, refuse_constant
from causalkit._core.moments import Moments
from causalkit._core.table import Table
from causalkit.errors import InputError, NumericalError
from causalkit.independence.base import BoundTest, CITest, check_no_holes
from causalkit.independence.search import Answers, CIResult, Level, Screen, Search
from causalkit.typing import FloatArray, IntArray

__all__ = ["FisherZ"]

_WHO: Final = "FisherZ"

_TINY: Final = 1e-10
"""Share of a variable's variance that counts as none: what is left is rounding."""


@dataclass(frozen=True, slots=True)
class FisherZ(CITest):
    """Partial-correlation test for numeric data.

    Notes
    -----
    **Assumes:**

    - rows are independent draws from one distribution;
    - dependences are linear with Gaussian noise: without that, a zero partial correlation is not
      independence, and independence given S need not make the partial correlation zero;
    - no cell is missing.

    Boolean and two-level columns enter as 0/1, which makes the test approximate. Columns with more
    levels are refused.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.arange(20.0)
    >>> noise = np.tile([1.0, -1.0], 10)
    >>> FisherZ().test({"x": x, "y": x + noise, "z": noise}, "x", "y").p_value < 1e-12
    True

    References
    ----------
    Fisher (1924), "The distribution of the partial correlation coefficient", Metron 3: 329-332.
    Kalisch and Bühlmann (2007), "Estimating high-dimensional directed acyclic graphs with the
    PC-algorithm", JMLR 8: 613-636, for its use in PC.
    """

    def bind(self, table: Table) -> BoundFisherZ:
        """Check the table and compute its correlations.

        Raises
        ------
        InputError
            If there are fewer than 4 rows, missing cells, constant columns, or columns with more
            than two levels.
        """
        check_no_holes(table, who=_WHO)
        check_rows(table, 4, who=_WHO)
        _check_numeric(table)
        return _bound(Moments.of(table.values, names=table.names, levels=table.levels), own=True)

    def bind_moments(self, moments: Moments) -> BoundFisherZ:
        """Take the correlations from moments, of rows that nobody holds.

        Raises
        ------
        InputError
            If there are fewer than 4 rows, or constant columns.
        """
        return _bound(moments, own=False)


def _bound(moments: Moments, *, own: bool) -> BoundFisherZ:
    check_rows(moments, 4, who=_WHO)
    refuse_constant(moments.constant, who=_WHO)
    return BoundFisherZ(moments.correlations(in_place=own), moments.n_effective)


@dataclass(frozen=True, slots=True, eq=False)
class BoundFisherZ(BoundTest):
    """Correlations (p, p) and the number of rows, or of independent rows' worth, behind them."""

    corr: FloatArray
    n_rows: float
    releases_gil: ClassVar[bool] = True

    def __call__(self, i: int, j: int, given: Sequence[int] = ()) -> CIResult:
        """Test columns i and j given other columns."""
        search = self._search(i, j, given, len(given), -1.0, ())
        if search.result is not None:
            return search.result
        if self._freedom(len(given)) <= 0:
            raise NumericalError(
                f"{self.n_rows} rows cannot test a partial correlation given {len(given)} columns; "
                f"expected at least {len(given) + 4} rows. Condition on fewer columns."
            )
        raise NumericalError(
            f"columns {i} and {j} have no partial correlation given columns {tuple(given)}: the "
            "set holds a column that the others determine, or determines one of the two; expected "
            "columns that each add something. Leave the redundant column out."
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
        return self._search(i, j, pool, order, self._cutoff(order, alpha), asked)

    def separate(self, level: Level, alpha: float) -> Answers:
        """Look for a separator of each pair of a level, in compiled code."""
        from causalkit.independence import _fisher_z_kernels as kernels

        m, order = level.pairs.shape[0], level.order
        if order == 0 or self._freedom(order) <= 0:
            return BoundTest.separate(self, level, alpha)
        given = np.full((m, order), -1, dtype=np.intp)
        partials, found = np.empty(m), np.empty(m, dtype=np.bool_)
        counts = np.zeros(3, dtype=np.intp)
        what = self.corr, level.strength, level.pairs, level.starts, level.candidates
        limits = self._cutoff(order, alpha), _TINY
        if order == 1:
            kernels.separate_given_one(*what, *limits, given, partials, found, counts)
        else:
            kernels.separate_given_sets(*what, order, *limits, given, partials, found, counts)
        _, n_tests, n_untestable = counts.tolist()
        statistic, p_value = self._z(partials, order)
        n_used = np.full(m, int(self.n_rows), dtype=np.intp)
        return Answers(found, given, statistic, p_value, n_used, n_tests, n_untestable)

    def screen(self, alpha: float) -> Screen:
        """Compare all correlations with one cutoff."""
        cutoff = self._cutoff(0, alpha)
        dependent = self.corr >= cutoff
        dependent |= self.corr <= -cutoff
        np.fill_diagonal(dependent, False)
        p = len(dependent)
        return Screen(dependent, self.corr, p * (p - 1) // 2)

    def given_each(self, i: int, j: int, sets: IntArray) -> tuple[FloatArray, FloatArray, IntArray]:
        """Test one pair given each of many sets, in compiled code."""
        return self.given_own(np.full((len(sets), 2), (i, j), dtype=np.intp), sets)

    def given_own(self, pairs: IntArray, sets: IntArray) -> tuple[FloatArray, FloatArray, IntArray]:
        """Test each pair given a set of its own, in compiled code."""
        from causalkit.independence._fisher_z_kernels import tests_given

        m = len(pairs)
        statistic, p_value = np.empty(m), np.empty(m)
        tests_given(self.corr, pairs, sets, float(self.n_rows), _TINY, statistic, p_value)
        return statistic, p_value, np.full(m, int(self.n_rows), dtype=np.intp)

    def marginals(self, pairs: IntArray) -> tuple[FloatArray, FloatArray]:
        """Statistics and p-values of many pairs given nothing."""
        return self._z(self.corr[pairs[:, 0], pairs[:, 1]], 0)

    def _cutoff(self, order: int, alpha: float) -> float:
        """Where p = alpha: p > alpha exactly when |r| is below it, which costs no logarithm."""
        freedom = self._freedom(order)
        return tanh(-float(ndtri(alpha / 2)) / sqrt(freedom)) if freedom > 0 else 0.0

    def _search(
        self,
        i: int,
        j: int,
        pool: Sequence[int],
        order: int,
        cutoff: float,
        asked: Collection[int],
    ) -> Search:
        from causalkit.independence._fisher_z_kernels import weakest_link

        if self._freedom(order) <= 0:
            n_old = sum(k in asked for k in pool)
            n_new = comb(len(pool), order) - (comb(n_old, order) if order else 0)
            return Search(False, (), None, 0, n_new)
        if order == 0:
            r = float(self.corr[i, j])
            return Search(abs(r) < cutoff, (), self._result(r, 0), 1)
        candidates = np.array(pool, dtype=np.intp)
        old = np.array([k in asked for k in pool], dtype=np.bool_)
        given, counts = np.empty(order, dtype=np.intp), np.zeros(3, dtype=np.intp)
        partial = weakest_link(
            self.corr, i, j, candidates, order, old, cutoff, _TINY, given, counts
        )
        found, n_tests, n_untestable = counts.tolist()
        if n_tests == 0:
            return Search(False, (), None, 0, n_untestable)
        result = self._result(partial, order)
        return Search(bool(found), tuple(given.tolist()), result, n_tests, n_untestable)

    def _freedom(self, order: int) -> float:
        return self.n_rows - order - 3

    def _result(self, partial: float, order: int) -> CIResult:
        statistic, p_value = self._z(np.array([partial]), order)
        return CIResult(float(statistic[0]), float(p_value[0]), int(self.n_rows))

    def _z(self, partials: FloatArray, order: int) -> tuple[FloatArray, FloatArray]:
        """Statistics and p-values of partial correlations; a 2 stands for none and gives NaN."""
        from causalkit.independence._fisher_z_kernels import z_tests

        statistic, p_value = np.empty(len(partials)), np.empty(len(partials))
        scale = sqrt(max(self._freedom(order), 0.0))
        z_tests(partials, scale, _TINY, statistic, p_value)
        return statistic, p_value


def _check_numeric(table: Table) -> None:
    for name, listed in zip(table.names, table.levels, strict=True):
        if listed is not None and len(listed) > 2:
            raise InputError(
                f"column {name!r} is categorical with {len(listed)} levels; FisherZ expects "
                "numeric, boolean or two-level columns. Use DegenerateGaussian() as the test, "
                "write an ordered category as numbers, or leave the column out."
            )
