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
from math import atanh, comb, copysign, erfc, inf, sqrt, tanh
from typing import Final

import numpy as np
from scipy.special import ndtri

from causalkit._core.checks import check_complete, check_rows, check_varies
from causalkit._core.table import Table
from causalkit.errors import InputError, NumericalError
from causalkit.independence.base import BoundTest, CIResult, CITest, Search
from causalkit.typing import FloatArray

__all__ = ["FisherZ"]

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
    Kalisch and Bühlmann (2007), JMLR 8: 613-636, for its use in PC.
    """

    def bind(self, table: Table) -> BoundFisherZ:
        """Check the table and compute its correlations.

        Raises
        ------
        InputError
            If there are fewer than 4 rows, missing cells, constant columns, or columns with more
            than two levels.
        """
        who = "FisherZ"
        check_complete(table, who=who)
        check_rows(table, 4, who=who)
        check_varies(table, table.names, who=who)
        _check_numeric(table)
        return BoundFisherZ(_correlations(table.values), table.n_rows)


@dataclass(frozen=True, slots=True, eq=False)
class BoundFisherZ(BoundTest):
    """Correlations (p, p) and the number of rows they come from."""

    corr: FloatArray
    n_rows: int

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
        freedom = self._freedom(order)
        # p > alpha exactly when |z| < cutoff; the same question put to |r| costs no logarithm.
        cutoff = tanh(-float(ndtri(alpha / 2)) / sqrt(freedom)) if freedom > 0 else 0.0
        return self._search(i, j, pool, order, cutoff, asked)

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

        candidates = np.array(pool, dtype=np.intp)
        old = np.array([k in asked for k in pool], dtype=np.bool_)
        if self._freedom(order) <= 0:
            n_new = comb(len(candidates), order) - (comb(int(old.sum()), order) if order else 0)
            return Search(False, (), None, 0, n_new)
        chosen, partial, n_tests, n_untestable = weakest_link(
            self.corr, i, j, candidates, order, old, cutoff, _TINY
        )
        if n_tests == 0:
            return Search(False, (), None, 0, n_untestable)
        return Search(
            abs(partial) < cutoff,
            tuple(chosen.tolist()),
            self._result(partial, order),
            n_tests,
            n_untestable,
        )

    def _freedom(self, order: int) -> int:
        return self.n_rows - order - 3

    def _result(self, partial: float, order: int) -> CIResult:
        # Within rounding of +-1 the two are functions of each other given the set.
        certain = 1.0 - abs(partial) <= _TINY
        z = copysign(inf, partial) if certain else sqrt(self._freedom(order)) * atanh(partial)
        return CIResult(z, erfc(abs(z) / sqrt(2.0)), self.n_rows)


def _check_numeric(table: Table) -> None:
    for name, levels in zip(table.names, table.levels, strict=True):
        if levels is not None and len(levels) > 2:
            raise InputError(
                f"column {name!r} is categorical with {len(levels)} levels; FisherZ expects "
                "numeric, boolean or two-level columns. Write an ordered category as numbers, or "
                "leave the column out."
            )


def _correlations(values: FloatArray) -> FloatArray:
    """Correlation matrix of columns that vary, whatever their units."""
    # Scaling by a power of two is exact, so it cannot hide a small variation on a large mean.
    _, exponents = np.frexp(np.abs(values).max(axis=0))
    scaled = np.ldexp(values, -exponents)
    centred = scaled - scaled.mean(axis=0)
    centred /= np.abs(centred).max(axis=0)
    centred -= centred.mean(axis=0)
    unit = centred / np.linalg.norm(centred, axis=0)
    corr = np.clip(unit.T @ unit, -1.0, 1.0)
    np.fill_diagonal(corr, 1.0)
    return np.asarray(corr, dtype=np.float64)
