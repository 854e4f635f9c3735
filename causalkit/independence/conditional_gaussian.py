"""The conditional Gaussian test: in every cell of the categories, the numbers have a Gaussian.

Cross the categories at hand into cells; within a cell the numbers are jointly Gaussian, with a
mean and a covariance of the cell's own. So a category may shift a number, change its variance, and
change how strongly other numbers move it, which is what the degenerate Gaussian test cannot see.
The price is parameters: each cell needs rows of its own.

The likelihood ratio of "y matters" against "it does not" is a sum over cells. If x is a number it
compares regressions of x on the numbers in S, one in each cell of the categories in S, with
regressions that know y as well (as a regressor if it is a number, as a finer division into cells if
it is a category)::

    sum_s n_s log(RSS_s / n_s)  -  sum_a n_a log(RSS_a / n_a),    cells s without y, a with y

Its expectation under independence follows from that of the logarithm of a chi-square variable, and
the ratio is scaled to the mean it should have (Bartlett; for counts, Williams), so that small cells
do little harm.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.special import chdtrc, digamma, xlogy

from causalkit._core.checks import check_rows, check_varies
from causalkit._core.columns import standardized
from causalkit._core.table import Table
from causalkit.errors import NumericalError
from causalkit.independence.base import BoundTest, CITest, check_no_holes
from causalkit.independence.search import CIResult
from causalkit.typing import BoolArray, FloatArray, IntArray

__all__ = ["ConditionalGaussian"]

_TINY: Final = 1e-10
_SIGNS: Final = (1, -1, -1, 1)
_SPARE: Final = 2
"""Rows that a cell must have beyond its coefficients; the rows of smaller cells are set aside."""


@dataclass(frozen=True, slots=True)
class ConditionalGaussian(CITest):
    """Likelihood-ratio test for mixed columns whose dependences differ between categories.

    Notes
    -----
    **Assumes:**

    - rows are independent draws from one distribution;
    - numbers are Gaussian given the categories, with means linear in the other numbers;
    - of two categories, given numbers: that each cell's numbers are Gaussian under independence
      too, which holds if categories are causes of the numbers rather than their effects. Where
      numbers cause categories, two categories given their common numeric cause are rejected too
      often; use :class:`~causalkit.independence.LikelihoodRatio` there;
    - no cell is missing.

    Rows in cells with too few rows to fit a regression are set aside; `n_used` counts the others.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> sick = rng.random(300) < 0.5
    >>> pulse = rng.normal(size=300) * np.where(sick, 2.0, 1.0)  # another variance, the same mean
    >>> test = ConditionalGaussian()
    >>> test.test({"sick": sick, "pulse": pulse}, "sick", "pulse").p_value < 1e-6
    True

    References
    ----------
    Andrews, Ramsey and Cooper (2018), "Scoring Bayesian networks of mixed variables",
    doi:10.1007/s41060-017-0085-7. Lauritzen (1996), "Graphical Models", chapter 6. Williams (1976),
    "Improved likelihood ratio tests for complete contingency tables", doi:10.1093/biomet/63.1.33.
    """

    def bind(self, table: Table) -> BoundTest:
        """Check the table.

        Raises
        ------
        InputError
            If there are fewer than 4 rows, missing cells, or constant columns.
        """
        who = "ConditionalGaussian"
        check_no_holes(table, who=who)
        check_rows(table, 4, who=who)
        check_varies(table, table.names, who=who)
        numeric = np.array([levels is None for levels in table.levels])
        values = np.array(table.values, order="C")
        if numeric.any():
            values[:, numeric] = standardized(values[:, numeric]) * np.sqrt(table.n_rows)
        codes = np.where(numeric, 0, values).T.astype(np.intp, order="C")
        return BoundConditionalGaussian(values, codes, numeric)


@dataclass(frozen=True, slots=True, eq=False)
class BoundConditionalGaussian(BoundTest):
    """Columns (n, p), standardized; codes of the categories (p, n); which columns are numbers."""

    values: FloatArray
    codes: IntArray
    numeric: BoolArray

    def __call__(self, i: int, j: int, given: Sequence[int] = ()) -> CIResult:
        """Test columns i and j given other columns."""
        i, j = sorted((i, j), key=lambda k: (not self.numeric[k], k))
        numbers = sorted(k for k in given if self.numeric[k])
        others = sorted(k for k in given if not self.numeric[k])
        found = (self._number if self.numeric[i] else self._categories)(i, j, numbers, others)
        if found is None:
            raise NumericalError(
                f"columns {i} and {j} cannot be tested given columns {tuple(given)}: the set "
                "determines one of the two, or no cell of the categories has rows enough; expected "
                f"cells with {_SPARE} rows more than coefficients. Condition on fewer categories, "
                "or merge levels."
            )
        return found

    def _number(self, i: int, j: int, numbers: list[int], others: list[int]) -> CIResult | None:
        """Regressions of the number i without and with j."""
        coarse = fine = self._cells(others)
        more = [j, *numbers] if self.numeric[j] else numbers
        if not self.numeric[j]:
            fine = self._cells([*others, j])
        used = fine.in_cells_of(len(more) + 1 + _SPARE)
        without = self._eliminate([*numbers, i], coarse, used)
        with_j = self._eliminate([*more, i], fine, used)
        df = with_j.n_coefficients - without.n_coefficients
        if df <= 0 or not (without.left[:, -1] > 0).all():
            return None
        n_used = int(used.sum())
        if not (with_j.left[:, -1] > 0).all():
            return CIResult(np.inf, 0.0, n_used)
        ratio = without.log_spread - with_j.log_spread
        return _result(ratio, without.expected - with_j.expected, df, n_used)

    def _categories(self, i: int, j: int, numbers: list[int], others: list[int]) -> CIResult | None:
        """Log likelihoods of four sets: with both, with i, with j, with neither."""
        cells = [self._cells([*others, *more]) for more in ((i, j), (i,), (j,), ())]
        counts = [np.bincount(cell.numbers).astype(np.float64) for cell in cells]
        entropies = [float(xlogy(count, count).sum()) for count in counts]
        ratio = 2.0 * sum(s * e for s, e in zip(_SIGNS, entropies, strict=True))
        df, expected = _table_freedom(cells)
        used = cells[0].in_cells_of(len(numbers) + 1 + _SPARE)
        if not numbers:
            used[:] = True
        for sign, cell in zip(_SIGNS, cells if numbers else [], strict=bool(numbers)):
            found = self._eliminate(numbers, cell, used)
            if not (found.left > 0).all():
                return None
            ratio -= sign * found.log_determinant
            expected -= sign * found.expected_determinant
            df += sign * len(found.sizes) * len(numbers) * (len(numbers) + 3) // 2
        if df <= 0 or expected <= 0:
            return None
        return _result(ratio, expected, df, int(used.sum()))

    def _cells(self, columns: Sequence[int]) -> _Cells:
        """Number the combinations of levels that occur."""
        from causalkit._core._cell_kernels import merge_codes

        found, count = np.zeros(len(self.values), dtype=np.intp), 1
        for k in columns:
            codes = self.codes[k]
            count = merge_codes(found, codes, count, int(codes.max()) + 1)
        return _Cells(found, count)

    def _eliminate(self, columns: list[int], cells: _Cells, used: BoolArray) -> _Regressions:
        from causalkit._core._cell_kernels import eliminate_cells

        m = len(columns)
        sizes, ranks = np.empty((2, cells.count), dtype=np.intp)
        left = np.zeros((cells.count, m))
        where = np.array(columns, dtype=np.intp)
        eliminate_cells(self.values, where, cells.numbers, used, _TINY, sizes, ranks, left)
        some = sizes > 0
        return _Regressions(sizes[some], ranks[some], left[some])


@dataclass(frozen=True, slots=True)
class _Cells:
    """A number for each row, and how many there are."""

    numbers: IntArray
    count: int

    def in_cells_of(self, least: int) -> BoolArray:
        """Rows in cells of at least `least` rows."""
        large: BoolArray = np.bincount(self.numbers)[self.numbers] >= least
        return large


@dataclass(frozen=True, slots=True)
class _Regressions:
    """In each cell, each column regressed on the constant and the columns before it.

    Attributes
    ----------
    sizes, ranks : ndarrays of int, shape (n_cells,)
        Rows, and regressors of the last column that add something.
    left : ndarray of shape (n_cells, m)
        Residual sums of squares.
    """

    sizes: IntArray
    ranks: IntArray
    left: FloatArray

    @property
    def n_coefficients(self) -> int:
        """Intercepts, slopes and variances of the last column."""
        return int((self.ranks + 2).sum())

    @property
    def log_spread(self) -> float:
        """Sum over cells of n log(RSS / n), for the last column."""
        return float((self.sizes * np.log(self.left[:, -1] / self.sizes)).sum())

    @property
    def expected(self) -> float:
        """What that is on average where the noise has variance one."""
        n = self.sizes
        return float((n * (digamma((n - 1 - self.ranks) / 2) + np.log(2 / n))).sum())

    @property
    def log_determinant(self) -> float:
        """Sum over cells of n log|covariance| of all columns."""
        return float((self.sizes[:, None] * np.log(self.left / self.sizes[:, None])).sum())

    @property
    def expected_determinant(self) -> float:
        """What that is on average where the covariance is I (Anderson 2003, theorem 7.5.3)."""
        n = self.sizes[:, None]
        freedom = n - 1 - np.arange(self.left.shape[1])
        return float((n * (digamma(freedom / 2) + np.log(2 / n))).sum())


def _table_freedom(cells: Sequence[_Cells]) -> tuple[int, float]:
    """Degrees of freedom of independence in every stratum, and the expectation of the ratio.

    Empty rows and columns are left out. The expectation is that of Williams (1976).
    """
    _, one, two, neither = cells
    n = np.bincount(neither.numbers)
    levels, inverse = [], []
    for cell in (one, two):
        first = np.unique(cell.numbers, return_index=True)[1]
        stratum = neither.numbers[first]
        levels.append(np.bincount(stratum, minlength=len(n)))
        inverse.append(np.bincount(stratum, 1.0 / np.bincount(cell.numbers), minlength=len(n)))
    free = (levels[0] - 1) * (levels[1] - 1)
    more = (n * inverse[0] - 1) * (n * inverse[1] - 1) / (6 * n)
    return int(free.sum()), float((free + np.where(free > 0, more, 0.0)).sum())


def _result(ratio: float, expected: float, df: int, n_used: int) -> CIResult:
    """Scale a likelihood ratio to the mean that it should have."""
    statistic = max(0.0, float(ratio * df / expected))
    return CIResult(statistic, float(chdtrc(df, statistic)), n_used)
