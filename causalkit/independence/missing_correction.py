"""Partial correlations of all rows, from rows that are missing for a reason.

Let cells of x be missing where w is small. On the complete rows w is large, and whatever w does to
x and y is distorted. But *given w* the complete rows are like all others, and w itself is seen in
more rows. So build the distribution from parts that are each estimated where they can be seen::

    P(w, x, y) = P(w) P(x | w) P(y | w, x)

In general: take the columns of a test, add the causes of their missing cells, the causes of the
missing cells of these, and so on; put causes first. Then every column, given those before it, is
independent of which cells of these columns are missing, so its regression on them may be fitted on
the rows that are complete so far. The regressions make up the covariance matrix of all rows, and
that a partial correlation. (This is what the correction of MV-PC aims at; there, virtual rows are
drawn from the fitted regressions and tested as if they were data.)

How precise is it? Each regression adds to the variance through its slopes and its residual
variance, and the contributions add up, because the residuals of one regression are unrelated to
those of another. If nothing is missing, what comes out is Fisher's z.

Two columns that are causes of each other's missing cells have no order. Their joint distribution is
fitted on the rows where both are seen, each row weighted by one over the chance to be seen, which a
logistic regression on the causes estimates.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from math import atanh, copysign, erfc, inf, sqrt
from typing import Final

import numpy as np

from causalkit._core.checks import check_fraction
from causalkit._core.table import Table, column_names
from causalkit.errors import NumericalError
from causalkit.independence.base import BoundTest, CITest
from causalkit.independence.deletion import (
    TINY,
    BoundOnRows,
    Groups,
    InContext,
    check_observed,
    warn_of_thin_pairs,
)
from causalkit.independence.fisher_z import FisherZ
from causalkit.independence.missing_causes import find_causes, known_causes
from causalkit.independence.regression_chain import RegressionChain
from causalkit.independence.search import CIResult, Search
from causalkit.typing import BoolArray, Data, FloatArray, Name, Names

__all__ = ["MissingnessCorrection"]

_RAREST: Final = 0.02  # a chance to be seen below this counts as this: no row stands for over 50


@dataclass(frozen=True, slots=True)
class MissingnessCorrection(CITest):
    """Partial-correlation test that undoes the selection of rows by causes of missing cells.

    `PC(MissingnessCorrection())` is the MV-PC algorithm: find the causes of missing cells, test on
    the complete rows, and correct the tests that these causes bias.

    Parameters
    ----------
    alpha : float, default 0.001
        A column counts as a cause of another's missing cells unless a p-value exceeds `alpha`. What
        is taken for a cause without being one costs rows and makes no bias.
    causes : mapping of name to name or names, optional
        Causes that are known, e.g. `{"income": ["age", "region"]}`; then none are looked for.

    Notes
    -----
    **Assumes:**

    - dependences are linear with Gaussian noise, and rows are independent;
    - no column makes its own cells missing (no self-masking); causes of missing cells are columns
      of the table, which may have missing cells themselves;
    - missing cells cause nothing, not even that other cells are missing;
    - without `causes`, what :func:`causes_of_missingness` assumes;
    - where columns are causes of each other's missing cells: the chance to be seen is logistic in
      the causes and not close to 0 anywhere. If it is, part of the bias stays.

    Where no column of a test has missing cells with a cause, the test is
    :class:`TestwiseDeletion` with Fisher's z. `n_used` says how many rows are complete in the
    columns of the test and in the causes that the correction needs.

    Examples
    --------
    >>> import numpy as np
    >>> from causalkit.independence.missing import TestwiseDeletion
    >>> rng = np.random.default_rng(1)
    >>> x, y = rng.normal(size=(2, 4000))
    >>> common = x + y + rng.normal(size=4000)
    >>> z = rng.normal(size=4000)
    >>> z[common > 0.5] = np.nan
    >>> data = {"x": x, "y": y, "common": common, "z": z}
    >>> TestwiseDeletion().test(data, "x", "y", given="z").p_value < 1e-6
    True
    >>> MissingnessCorrection().test(data, "x", "y", given="z").p_value > 0.05
    True

    References
    ----------
    Tu, Zhang, Ackermann, Mohan, Kjellström and Zhang (2019), "Causal discovery in the presence of
    missing data", AISTATS, doi:10.48550/arXiv.1807.04010. Mohan and Pearl (2021), "Graphical models
    for processing missing data", JASA, doi:10.1080/01621459.2021.1874961.
    """

    alpha: float = 0.001
    causes: Mapping[Name, Names] | None = None

    def bind(self, table: Table) -> BoundTest:
        """Check the table and find the causes of its missing cells.

        Raises
        ------
        InputError
            If a column has no observed cell, is constant where observed, or has more than two
            levels, or a column is said to be a cause of its own missing cells.
        """
        check_observed(table, FisherZ(), who="MissingnessCorrection")
        missing = table.missing
        warn_of_thin_pairs(table, missing)
        alpha = check_fraction(self.alpha, "alpha")
        given = self.causes
        caused = find_causes(table, alpha) if given is None else known_causes(given, table)
        caused[:, ~missing.any(axis=0)] = False
        return _bound(table, caused)

    def test(self, data: Data, x: Name, y: Name, given: Names = ()) -> CIResult:
        """Test whether columns `x` and `y` are independent given the columns `given`.

        All columns are read, because any of them may be a cause of missing cells; the rest is as in
        other tests.
        """
        return InContext(self, column_names(data)).test(data, x, y, given)


@dataclass(frozen=True, slots=True, eq=False)
class BoundCorrected(BoundTest):
    """Regressions in an order in which causes of missing cells come first.

    Attributes
    ----------
    plain : BoundOnRows
        The rows, and the test for questions that need no correction.
    needed : tuple of frozenset of int
        For each column the causes of its missing cells, and theirs, and so on.
    rank : tuple of int
        Place of each column in an order with causes first and, beyond that, few missing cells.
    block : tuple of int
        Columns that are causes of each other's missing cells share a number; -1 for all others.
    weights : ndarray of shape (n_blocks, n)
        What each row counts for in a block.
    """

    plain: BoundOnRows
    needed: tuple[frozenset[int], ...]
    rank: tuple[int, ...]
    block: tuple[int, ...]
    weights: FloatArray

    def __call__(self, i: int, j: int, given: Sequence[int] = ()) -> CIResult:
        """Test columns i and j given other columns."""
        from causalkit.independence._deletion_kernels import partial_correlation

        asked = (*given, i, j)
        causes = frozenset[int]().union(*(self.needed[k] for k in asked))
        if not causes:
            return self.plain(i, j, given)
        order = sorted(causes.union(asked), key=self.rank.__getitem__)
        chain, n_used = self._chain(order, asked)
        at = [order.index(k) for k in asked]
        partial, sound = partial_correlation(chain.sigma[np.ix_(at, at)], TINY)
        if not sound:
            raise _untestable(asked, "the set holds a redundant column or determines one of both")
        if 1.0 - abs(partial) <= TINY:
            return CIResult(copysign(inf, partial), 0.0, n_used)
        # Each column in the chain beyond x and y costs a degree of freedom.
        freedom = chain.worth(partial, at[:-2], *at[-2:]) - len(order) - 1
        if freedom <= 0:
            raise _untestable(asked, "what rows there are say too little")
        z = sqrt(freedom) * atanh(partial)
        return CIResult(z, erfc(abs(z) / sqrt(2.0)), n_used)

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
        """Look for the first subset of `pool` that separates i and j."""
        corrected = order > 0 and any(self.needed[k] for k in pool)
        if corrected or self.needed[i] or self.needed[j]:
            return BoundTest.first_separator(self, i, j, pool, order, alpha, asked=asked)
        return self.plain.first_separator(i, j, pool, order, alpha, asked=asked)

    def _chain(self, order: list[int], asked: Sequence[int]) -> tuple[RegressionChain, int]:
        """Regress each column on those before it, on rows where all of them are seen."""
        from causalkit.independence._deletion_kernels import moments, usable

        of, columns = self.plain.groups, np.array(order, dtype=np.intp)
        chain, rows, seen = RegressionChain.of_length(len(order)), np.arange(len(of.counts)), 0
        for t, k in enumerate(order):
            number = self.block[k]
            stop = t + 1
            if number >= 0:  # a block is seen as a whole
                stop = max(s for s, other in enumerate(order) if self.block[other] == number) + 1
            if stop > seen:
                rows, seen = usable(of.spoilt_end, columns, rows, seen, stop), stop
            part = columns[: t + 1]
            size, products, constant = moments(
                of.counts, of.means, of.lows, of.highs, of.grams, part, rows
            )
            if constant or size <= t + 3:
                raise _untestable(asked, "on the rows where they are seen one is constant, or few")
            if number < 0:
                chain.add(products / size, size, TINY)
            else:
                weights = self.weights[number, rows]
                chain.add_weighted(of.means[np.ix_(part, rows)].T, weights, TINY)
        return chain, int(of.counts[rows].sum())


def _untestable(asked: Sequence[int], why: str) -> NumericalError:
    *given, i, j = asked
    return NumericalError(
        f"columns {i} and {j} cannot be tested given columns {tuple(given)} and the causes of "
        f"their missing cells: {why}; expected enough rows on which each adds something. Condition "
        "on fewer columns."
    )


def _bound(table: Table, caused: BoolArray) -> BoundCorrected:
    """Put causes of missing cells first, and weight rows where there is no first."""
    import networkx as nx

    missing, n = table.missing, table.missing.sum(axis=0).tolist()
    graph = nx.DiGraph(caused.astype(int))
    reached = {v: frozenset(nx.ancestors(graph, v)) for v in graph}
    parts = nx.condensation(graph)
    members = parts.nodes.data("members")
    first = nx.lexicographical_topological_sort(
        parts, key=lambda c: min((n[v], v) for v in members[c])
    )
    rank, block = [0] * len(graph), [-1] * len(graph)
    weights: list[FloatArray] = []
    place = 0
    for part in first:
        for v in sorted(members[part], key=lambda v: (n[v], v)):
            rank[v], place = place, place + 1
            if len(members[part]) > 1:
                block[v] = len(weights)
        if len(members[part]) > 1:
            weights.append(_weights(table.values, caused, sorted(members[part])))
    groups = Groups.of(table.values, missing, missing, joined=not weights)
    needed = tuple(reached[v] | ({v} if block[v] >= 0 else set()) for v in range(len(graph)))
    return BoundCorrected(
        BoundOnRows(groups), needed, tuple(rank), tuple(block), np.array(weights, dtype=np.float64)
    )


def _weights(values: FloatArray, caused: BoolArray, members: Sequence[int]) -> FloatArray:
    """One over the chance that all members are seen, where their causes are; else 0."""
    weights = np.ones(len(values))
    for v in members:
        X = values[:, caused[:, v]]
        known = ~np.isnan(X).any(axis=1)
        chance = np.full(len(values), inf)
        if known.any():
            chance[known] = _logistic(X[known], ~np.isnan(values[known, v]))
        weights /= np.maximum(chance, _RAREST)
    return np.asarray(weights / max(weights.mean(), 1e-12), dtype=np.float64)


def _logistic(X: FloatArray, y: BoolArray) -> FloatArray:
    """Fitted chances of a logistic regression, with a touch of ridge so that it always exists."""
    spread = X.std(axis=0)
    Z = np.column_stack([np.ones(len(X)), (X - X.mean(axis=0)) / np.where(spread > 0, spread, 1)])
    ridge = np.diag([1e-6] + [0.1] * X.shape[1])
    b = np.zeros(Z.shape[1])
    for _ in range(50):
        chance = 1 / (1 + np.exp(-np.clip(Z @ b, -30, 30)))
        slope = Z.T @ (y - chance) - ridge @ b
        step = np.linalg.solve((Z.T * (chance * (1 - chance))) @ Z + ridge, slope)
        size = float(np.abs(step).max())
        b += step / max(1.0, size / 2)
        if size < 1e-8:
            break
    return np.asarray(1 / (1 + np.exp(-np.clip(Z @ b, -30, 30))))
