"""Independence by regression, both ways: linear for numbers, logistic for categories.

If x and y are independent given S, then y adds nothing to a regression of x on S, and x nothing to
one of y on S. What it adds is measured by the likelihood: of a linear regression if the target is a
number (and judged by the F test, which is exact for Gaussian noise), of a multinomial logistic
regression if it is a category. Each target thus gets a model that suits it, where the degenerate
Gaussian test treats a category as if it were Gaussian, and it costs a few milliseconds a question
instead of microseconds.

The two regressions are two tests of one hypothesis, so their p-values p1 and p2 are put together as
min(2 min(p1, p2), max(p1, p2)), which keeps the level whatever their dependence and makes the
answer symmetric. For two numbers both are the same t test.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import log
from typing import Final

import numpy as np
from scipy.special import chdtrc, fdtrc

from causalkit._core.columns import standardized
from causalkit._core.moments import Moments
from causalkit._core.table import Table
from causalkit.errors import NumericalError
from causalkit.independence.base import BoundTest, CITest
from causalkit.independence.embedding import indicators
from causalkit.independence.search import CIResult
from causalkit.typing import FloatArray, IntArray

__all__ = ["LikelihoodRatio"]

_TINY: Final = 1e-10
_SURE: Final = 1e-6
"""A log-likelihood closer to zero than this, per row, says that the target is determined."""

_TOLERANCE: Final = 1e-9
_N_REMEMBERED: Final = 20_000


@dataclass(frozen=True, slots=True)
class LikelihoodRatio(CITest):
    """Regression test for numeric and categorical columns in one table.

    Notes
    -----
    **Assumes:**

    - rows are independent draws from one distribution;
    - each variable follows a linear (a number) or multinomial logistic (a category) regression on
      the others, without interactions; the noise of numbers is Gaussian or rows are many;
    - rows are many for the likelihood ratio of a category to be a chi-square variable: some ten
      rows of its rarest level for each regressor;
    - no cell is missing.

    A column is categorical if it comes as a category (pandas, polars, pyarrow) or as booleans.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> dose = rng.normal(size=200)
    >>> cured = rng.random(200) < 1 / (1 + np.exp(-dose))
    >>> test = LikelihoodRatio()
    >>> test.test({"dose": dose, "cured": cured}, "dose", "cured").p_value < 0.001
    True

    References
    ----------
    Tsagris, Borboudakis, Lagani and Tsamardinos (2018), "Constraint-based causal discovery with
    mixed data", doi:10.1007/s41060-018-0097-y.
    """

    def bind(self, table: Table) -> BoundTest:
        """Check the table and prepare the regressors.

        Raises
        ------
        InputError
            If there are fewer than 4 rows, missing cells, or constant columns.
        """
        found = indicators(table, None, who="LikelihoodRatio")
        n_levels = [0 if levels is None else len(levels) for levels in table.levels]
        values = found.values
        return BoundLikelihoodRatio(
            corr=Moments.of(values).correlations(in_place=True),
            starts=found.starts,
            columns=standardized(values) * np.sqrt(len(values)),
            values=table.values,
            n_levels=np.array(n_levels, dtype=np.intp),
        )


@dataclass(frozen=True, slots=True)
class _Fit:
    """Twice the log-likelihood, up to a constant of the target, and the rank of the regressors."""

    twice: float
    rank: int
    sure: bool


@dataclass(frozen=True, slots=True, eq=False)
class BoundLikelihoodRatio(BoundTest):
    """Regressors in blocks, and their correlations; fits are remembered.

    Attributes
    ----------
    corr : ndarray of shape (q, q)
        Correlations of the regressors.
    starts : ndarray of int, shape (p + 1,)
        Variable k is regressors `starts[k]:starts[k + 1]`.
    columns : ndarray of shape (n_rows, q)
        Regressors, standardized.
    values : ndarray of shape (n_rows, p)
        Codes of the categories.
    n_levels : ndarray of int, shape (p,)
        Zero for a number.
    """

    corr: FloatArray
    starts: IntArray
    columns: FloatArray
    values: FloatArray
    n_levels: IntArray
    _fits: dict[tuple[int, tuple[int, ...]], _Fit] = field(default_factory=dict, repr=False)

    def __call__(self, i: int, j: int, given: Sequence[int] = ()) -> CIResult:
        """Test variables i and j given other variables."""
        (one, p_one), (two, p_two) = self._add(i, j, given), self._add(j, i, given)
        statistic = max(one, two) if p_one == p_two else (one if p_one < p_two else two)
        p_value = min(2.0 * min(p_one, p_two), max(p_one, p_two))
        return CIResult(statistic, p_value, len(self.columns))

    def _add(self, target: int, new: int, given: Sequence[int]) -> tuple[float, float]:
        """Likelihood ratio and p-value of `new` in the regression of `target`."""
        n = len(self.columns)
        small, large = self._fit(target, (*given,)), self._fit(target, (*given, new))
        n_levels = int(self.n_levels[target])
        added = large.rank - small.rank
        if small.sure or added == 0:
            raise NumericalError(
                f"variables {target} and {new} cannot be tested given variables {tuple(given)}, "
                "which determine one of the two; expected a set that leaves something over. Leave "
                "the redundant variable out."
            )
        n_free = (large.rank + 1) * max(1, n_levels - 1)
        if n <= n_free:
            raise NumericalError(
                f"{n} rows cannot fit {n_free} coefficients; expected more rows than "
                "coefficients. Condition on fewer variables, or merge levels."
            )
        ratio = max(0.0, large.twice - small.twice)
        if n_levels:
            return ratio, float(chdtrc(added * (n_levels - 1), ratio))
        if large.sure:
            return np.inf, 0.0
        rest = n - large.rank - 1
        return ratio, float(fdtrc(added, rest, np.expm1(ratio / n) * rest / added))

    def _fit(self, target: int, regressors: tuple[int, ...]) -> _Fit:
        key = target, tuple(sorted(regressors))
        if key not in self._fits:
            while len(self._fits) >= _N_REMEMBERED:
                del self._fits[next(iter(self._fits))]
            self._fits[key] = self._regress(*key)
        return self._fits[key]

    def _regress(self, target: int, regressors: tuple[int, ...]) -> _Fit:
        from causalkit.independence._block_kernels import choose_columns

        n, given = len(self.columns), np.array(regressors, dtype=np.intp)
        first = int(self.starts[target])
        chosen, left = choose_columns(self.corr, self.starts, given, first, _TINY)
        n_levels = int(self.n_levels[target])
        if not n_levels:
            return _Fit(-n * log(max(left, 1e-300)), len(chosen), left <= _TINY)
        from causalkit.independence._logit_kernels import multinomial_log_likelihood

        X = np.column_stack([np.ones(n), self.columns[:, chosen]])
        codes = self.values[:, target].astype(np.intp)
        value = multinomial_log_likelihood(X, codes, n_levels, _TOLERANCE)
        return _Fit(2.0 * value, len(chosen), value > -_SURE * n)
