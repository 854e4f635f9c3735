"""Scores of numbers and categories in one table.

*Degenerate Gaussian.* Put the indicators of its levels, all but one, in the place of each category
and treat everything as jointly Gaussian. A node is then a block of columns, and what its parents
leave of it is a determinant::

    -n / 2 * log|what is left of the node's columns|  -  penalty * log(n) / 2 * a b

for a columns of the node and b of its parents.

One matrix of correlations answers every question. Means that differ between levels are seen, and
levels whose frequencies move with a number; a difference in variance only, or an interaction, is
not.

*Conditional Gaussian.* In every cell of the categories the numbers have a Gaussian of their own.
The log-likelihood of a set of variables is that of its categories' frequencies plus that of its
numbers in each cell, and a node given its parents that of the family less that of the parents. All
that the other score overlooks is seen; the price is parameters, for every cell anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import log
from typing import Final

import numpy as np

from causalkit._core.checks import check_positive, check_rows, check_varies
from causalkit._core.columns import indicators_of, standardized
from causalkit._core.memory import ByteCache
from causalkit._core.moments import Moments
from causalkit._core.table import Table
from causalkit.scores.base import LocalScore, Score, check_no_holes
from causalkit.typing import BoolArray, FloatArray, IntArray

__all__ = ["ConditionalGaussianBIC", "DegenerateGaussianBIC"]

_TINY: Final = 1e-10
"""Share of a variance that counts as none: what is left is rounding."""

_SPARE: Final = 10
"""Rows that a cell must have beyond its numbers to have a Gaussian of its own."""

_REMEMBERED: Final = 2**26
"""Bytes of likelihoods of sets that are kept."""


@dataclass(frozen=True, slots=True)
class DegenerateGaussianBIC(Score):
    """Bayesian information criterion of numbers and indicators of levels, jointly Gaussian.

    Parameters
    ----------
    penalty : float, default 2
        Weight of the penalty: a coefficient costs `penalty * log(n) / 2` units of log-likelihood,
        so 1 is the BIC itself. Larger gives fewer edges.

    Notes
    -----
    **Assumes:**

    - rows are independent draws from one distribution;
    - the conditional means of numbers and of level indicators are linear in the others' numbers
      and indicators, without interactions;
    - no level is rare: below some ten rows an indicator is far from Gaussian;
    - no cell is missing.

    A column is categorical if it comes as a category (pandas, polars, pyarrow) or as booleans; a
    numeric column is a number, also if it has three values only. On numbers alone the score is that
    of :class:`~causalkit.scores.GaussianBIC`. Columns of a parent that are combinations of other
    parents' columns explain nothing and cost all the same; a column of the node that is such a
    combination (a country, given the city) is explained as well as rounding lets one see. Where no
    column is a combination of others, Markov-equivalent graphs have equal scores.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> rng = np.random.default_rng(0)
    >>> group = rng.integers(3, size=300)
    >>> income = 0.8 * (group == 2) + rng.normal(size=300)
    >>> data = {"group": pd.Categorical.from_codes(group, list("abc")), "income": income}
    >>> score = DegenerateGaussianBIC()
    >>> score.local(data, "income", ["group"]) > score.local(data, "income")
    True

    References
    ----------
    Andrews, Ramsey and Cooper (2019), "Learning high-dimensional directed acyclic graphs with
    mixed data-types", PMLR 104: 4-21.
    """

    penalty: float = 2.0

    def bind(self, table: Table) -> LocalBlocks:
        """Check the table and compute the correlations of all indicators and numbers.

        Raises
        ------
        InputError
            If there are fewer than 3 rows, missing cells, or constant columns.
        """
        price = _checked_price(table, self.penalty, who="DegenerateGaussianBIC")
        values, starts = indicators_of(table)
        return LocalBlocks(Moments.of(values).correlations(), starts, table.n_rows, price)


@dataclass(frozen=True, slots=True)
class ConditionalGaussianBIC(Score):
    """Bayesian information criterion of numbers that have a Gaussian in each cell of categories.

    Parameters
    ----------
    penalty : float, default 1
        Weight of the penalty: a parameter costs `penalty * log(n) / 2` units of log-likelihood, so
        1 is the BIC itself. Larger gives fewer edges.

    Notes
    -----
    **Assumes:**

    - rows are independent draws from one distribution;
    - numbers are Gaussian given the categories, with means linear in the other numbers, within
      every set of variables that is scored. That holds if categories are causes of numbers; where
      numbers cause categories it does not, and the score is approximate;
    - no cell is missing.

    A column is categorical if it comes as a category (pandas, polars, pyarrow) or as booleans.
    Cells that have fewer rows than ten plus the numbers at hand, or in which a number is fixed,
    share one Gaussian; the price is that of all combinations of levels, whether they occur or not.
    Categories alone are scored as by :class:`~causalkit.scores.DiscreteBIC`, numbers alone, up to
    constants, as by :class:`~causalkit.scores.GaussianBIC` with the same penalty. Markov-equivalent
    graphs have equal scores.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> sick = rng.random(300) < 0.5
    >>> pulse = rng.normal(size=300) * np.where(sick, 2.0, 1.0)  # another variance, the same mean
    >>> data = {"sick": sick, "pulse": pulse}
    >>> score = ConditionalGaussianBIC()
    >>> score.local(data, "pulse", ["sick"]) > score.local(data, "pulse")
    True

    References
    ----------
    Andrews, Ramsey and Cooper (2018), "Scoring Bayesian networks of mixed variables",
    doi:10.1007/s41060-017-0085-7. Lauritzen (1996), "Graphical Models", chapter 6.
    """

    penalty: float = 1.0

    def bind(self, table: Table) -> LocalCells:
        """Check the table and number the levels.

        Raises
        ------
        InputError
            If there are fewer than 3 rows, missing cells, or constant columns.
        """
        price = _checked_price(table, self.penalty, who="ConditionalGaussianBIC")
        numeric = np.array([levels is None for levels in table.levels])
        values = np.array(table.values, order="C")
        if numeric.any():
            values[:, numeric] = standardized(values[:, numeric]) * np.sqrt(table.n_rows)
        codes = np.zeros((table.n_columns, table.n_rows), dtype=np.intp)
        for k in np.flatnonzero(~numeric):
            codes[k] = np.unique(values[:, k], return_inverse=True)[1].reshape(-1)
        return LocalCells(values, codes, codes.max(axis=1) + 1, numeric, price)


def _checked_price(table: Table, penalty: float, *, who: str) -> float:
    """Check the table; what a parameter costs."""
    check_no_holes(table, who=who)
    check_rows(table, 3, who=who)
    check_varies(table, table.names, who=who)
    return check_positive(penalty, "penalty") * 0.5 * log(table.n_rows)


@dataclass(frozen=True, slots=True, eq=False)
class LocalBlocks(LocalScore):
    """Gaussian likelihoods of blocks of columns.

    Attributes
    ----------
    corr : ndarray of shape (q, q)
        Correlations of all columns.
    starts : ndarray of int, shape (p + 1,)
        Variable k is columns `starts[k]:starts[k + 1]`.
    n : int
        Rows.
    price : float
        Of a coefficient.
    """

    corr: FloatArray
    starts: IntArray
    n: int
    price: float

    @property
    def n_columns(self) -> int:
        """Number of variables."""
        return len(self.starts) - 1

    @property
    def most_parents(self) -> int:
        """As many as have half as many columns as there are rows: more would explain anything."""
        widths = np.sort(np.diff(self.starts))[::-1]
        fit = int(np.searchsorted(np.cumsum(widths), self.n / 2, side="right"))
        return min(self.n_columns - 1, fit)

    def __call__(self, node: int, parents: Sequence[int]) -> float:
        """Score a variable given others."""
        from causalkit.scores._block_score_kernels import log_left

        given = self._columns(parents)
        own = self._columns([node])
        left = log_left(self.corr, np.concatenate([given, own]), len(given))
        return -0.5 * self.n * float(left) - self.price * len(own) * len(given)

    def gains(self, node: int, parents: Sequence[int], candidates: Sequence[int]) -> FloatArray:
        """Change of the score as each of the candidates joins, in compiled code."""
        from causalkit.scores._block_score_kernels import gains_of_blocks

        out, new = np.empty(len(candidates)), np.array(candidates, dtype=np.intp)
        gains_of_blocks(self.corr, self.starts, node, self._columns(parents), new, out)
        widths = np.diff(self.starts)
        return np.asarray(0.5 * self.n * out - self.price * widths[node] * widths[new])

    def _columns(self, variables: Sequence[int]) -> IntArray:
        found = [np.arange(self.starts[k], self.starts[k + 1]) for k in variables]
        return np.concatenate(found) if found else np.empty(0, dtype=np.intp)


@dataclass(frozen=True, slots=True, eq=False)
class LocalCells(LocalScore):
    """Likelihoods of sets of numbers and categories; a set is asked about once.

    Attributes
    ----------
    values : ndarray of shape (n, p)
        Numbers with mean 0 and standard deviation 1.
    codes : ndarray of int, shape (p, n)
        Levels of the categories.
    levels : ndarray of int, shape (p,)
        How many they are.
    numeric : ndarray of bool, shape (p,)
        Which columns are numbers.
    price : float
        Of a parameter.
    """

    values: FloatArray
    codes: IntArray
    levels: IntArray
    numeric: BoolArray
    price: float
    _known: ByteCache = field(default_factory=lambda: ByteCache(_REMEMBERED))

    @property
    def n_columns(self) -> int:
        """Number of columns."""
        return len(self.levels)

    @property
    def most_parents(self) -> int:
        """Half as many as there are rows: more would explain anything."""
        return min(self.n_columns - 1, len(self.values) // 2)

    def __call__(self, node: int, parents: Sequence[int]) -> float:
        """Score a column given others."""
        return self._of_set([*parents, node]) - self._of_set(parents)

    def _of_set(self, columns: Sequence[int]) -> float:
        """Log-likelihood of a set less the price of its parameters."""
        key = tuple(sorted(map(int, columns)))
        known = self._known.get(key)
        if known is None:
            numbers = np.array([k for k in key if self.numeric[k]], dtype=np.intp)
            known = self._known.put(
                key, self._likelihood(numbers, [k for k in key if not self.numeric[k]])
            )
        return float(known)

    def _likelihood(self, numbers: IntArray, others: Sequence[int]) -> float:
        from causalkit._core._cell_kernels import merge_codes

        n = len(self.values)
        cells, n_cells, n_possible = np.zeros(n, dtype=np.intp), 1, 1.0
        for k in others:
            n_cells = merge_codes(cells, self.codes[k], n_cells, int(self.levels[k]))
            n_possible *= float(self.levels[k])
        sizes = np.bincount(cells, minlength=n_cells)
        found = float((sizes * np.log(sizes / n)).sum()) - self.price * (n_possible - 1)
        m = len(numbers)
        if m:
            found += self._gaussians(numbers, cells)
        return found - self.price * n_possible * (m + m * (m + 1) / 2)

    def _gaussians(self, numbers: IntArray, cells: IntArray) -> float:
        """Of the numbers, in each cell; cells that have no Gaussian of their own share one."""
        m = len(numbers)
        sizes, left = self._left(numbers, cells)
        order = np.argsort(sizes, kind="stable")
        own = (sizes >= m + _SPARE) & (left > 0).all(axis=1)
        shared = ~own
        while shared.any() and not shared.all():
            pooled = np.where(shared[cells], len(sizes), cells)
            size, rest = self._left(numbers, np.unique(pooled, return_inverse=True)[1].reshape(-1))
            if size[-1] >= m + _SPARE and (rest[-1] > 0).all():
                sizes, left = size, rest
                break
            shared[order[~shared[order]][0]] = True
        if shared.all():  # one Gaussian for all rows, whatever their cells
            sizes, left = self._left(numbers, np.zeros_like(cells))
            left = np.maximum(left, _TINY * sizes[:, None])  # numbers that others determine
        return -0.5 * float((sizes[:, None] * np.log(left / sizes[:, None])).sum())

    def _left(self, numbers: IntArray, cells: IntArray) -> tuple[IntArray, FloatArray]:
        """Rows of each cell, and residual sums of squares as each number joins those before it."""
        from causalkit._core._cell_kernels import eliminate_cells

        n_cells = int(cells.max()) + 1
        sizes, ranks = np.empty((2, n_cells), dtype=np.intp)
        left = np.zeros((n_cells, len(numbers)))
        used = np.ones(len(cells), dtype=np.bool_)
        eliminate_cells(self.values, numbers, cells, used, _TINY, sizes, ranks, left)
        return sizes, left
