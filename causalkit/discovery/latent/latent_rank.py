"""Rank tests: hidden variables leave ranks of covariance matrices behind.

If all dependence between variables A and variables B passes through r variables, seen or not, then
the covariance matrix of A with B has rank r at most (and exactly r but for coincidence; Sullivant,
Talaska and Draisma call it trek separation). So ranks tell how many hidden variables lie between,
where partial correlations given what is seen tell nothing:

>>> import numpy as np
>>> rng = np.random.default_rng(0)
>>> hidden = rng.normal(size=1000)
>>> data = {name: hidden + rng.normal(size=1000) for name in "abcd"}
>>> rank_test(data, ["a", "b"], ["c", "d"], 0).p_value < 0.001
True
>>> rank_test(data, ["a", "b"], ["c", "d"], 1).p_value > 0.05
True
>>> cross_rank(data, ["a", "b"], ["c", "d"])
1

A rank of 1 of two by two variables is a vanishing tetrad; :mod:`causalkit.discovery.latent.tetrads`
has tests for that which do not need Gaussian data.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy.special import gammaincc

from causalkit._core.checks import (
    as_names,
    check_complete,
    check_count,
    check_fraction,
    check_rows,
    check_varies,
)
from causalkit._core.moments import Moments, check_two_levels
from causalkit._core.report import Report, Reported
from causalkit._core.table import Table, as_table
from causalkit.discovery.base import show_set
from causalkit.errors import InputError, NumericalError
from causalkit.typing import Data, FloatArray, Name, Names

__all__ = ["CrossRanks", "RankResult", "cross_rank", "rank_test"]

_SINGULAR = 1e-10
"""Eigenvalue of a correlation matrix below which variables count as determined by each other."""


@dataclass(frozen=True, slots=True, repr=False)
class RankResult(Reported):
    """Test that the covariance matrix of two sets of variables has at most some rank.

    Attributes
    ----------
    A, B : tuple of names
    rank : int
    statistic, p_value : float
    degrees : int
        Of freedom, of the chi-squared distribution.
    canonical_correlations : tuple of float
        Largest first.
    n_used : int
        Rows.
    """

    A: tuple[Name, ...]
    B: tuple[Name, ...]
    rank: int
    statistic: float
    p_value: float
    degrees: int
    canonical_correlations: tuple[float, ...]
    n_used: int

    def _report(self) -> Report:
        shown = ", ".join(f"{r:.3g}" for r in self.canonical_correlations)
        return Report(
            f"Rank of the covariance of {show_set(self.A)} and {show_set(self.B)}",
            facts=[
                ("hypothesis", f"at most {self.rank}"),
                ("p-value", self.p_value),
                ("statistic", self.statistic),
                ("degrees of freedom", self.degrees),
                ("canonical correlations", shown),
                ("rows used", self.n_used),
            ],
        )


def rank_test(data: Data, A: Names, B: Names, rank: int) -> RankResult:
    """Test that the covariance matrix of A with B has rank `rank` or less.

    Parameters
    ----------
    data : DataFrame, 2-D ndarray, or dict of columns
        Columns in neither A nor B may hold anything.
    A, B : names
        A variable may be in both: the rank of {A, C} with {B, C} is the size of C if and only if A
        and B are uncorrelated given C.
    rank : int
        From 0 to the size of the smaller set, less 1.

    Returns
    -------
    RankResult

    Raises
    ------
    InputError
        If a set is empty, the rank out of range, or the data are not complete numbers that vary,
        with more rows than variables.
    NumericalError
        If the variables within A or B determine each other.

    Notes
    -----
    **Assumes:**

    - rows are independent draws of one distribution;
    - it is Gaussian; for others, the p-value is right only where dependence is (which factor models
      with independent errors often are);
    - that the rank is `rank`, not less: if it is less, p-values are too large, which is on the safe
      side.

    The statistic is the likelihood ratio with Lawley's correction,

    ``-(n - 1 - r - (p + q + 1)/2 + sum(1/c_i², i <= r)) * sum(log(1 - c_i²), i > r)``

    with canonical correlations c, which for r = 0 is Bartlett's. Its distribution is chi-squared
    with (p - r)(q - r) degrees of freedom. A variable in both sets has canonical correlation 1 and
    takes one from p, q and r; it is taken out of both sides by regression.

    References
    ----------
    Bartlett (1941), "The statistical significance of canonical correlations",
    doi:10.1093/biomet/32.1.29. Lawley (1959), "Tests of significance in canonical analysis",
    doi:10.1093/biomet/46.1-2.59. Sullivant, Talaska and Draisma (2010), "Trek separation for
    Gaussian graphical models", doi:10.1214/09-AOS760.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> a, b, c, d = rng.normal(size=(4, 500))
    >>> data = {"a": a, "b": b, "c": a + c, "d": b + d}
    >>> rank_test(data, ["a", "b"], ["c", "d"], 1).p_value < 0.01
    True
    """
    first, second = _as_set(A, "A"), _as_set(B, "B")
    ranks = CrossRanks.of(data, [*first, *(name for name in second if name not in first)])
    smaller = min(len(first), len(second))
    if check_count(rank, "rank", minimum=0) >= smaller:
        raise InputError(
            f"rank={rank} for sets of {len(first)} and {len(second)} variables; expected less than "
            f"{smaller}, since no more is possible. Lower it, or name more variables."
        )
    where = {name: k for k, name in enumerate(ranks.names)}
    return ranks.test([where[name] for name in first], [where[name] for name in second], rank)


def cross_rank(data: Data, A: Names, B: Names, *, alpha: float = 0.01) -> int:
    """Smallest rank of the covariance matrix of A with B that is not rejected.

    Parameters
    ----------
    data : DataFrame, 2-D ndarray, or dict of columns
    A, B : names
    alpha : float, default 0.01
        Level of each test; ranks are tested from 0 on.

    Returns
    -------
    int
        At most the size of the smaller set. Too large with probability `alpha` at most, about.

    Notes
    -----
    **Assumes:**

    - what :func:`rank_test` does.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> a, b, c, d = rng.normal(size=(4, 500))
    >>> cross_rank({"a": a, "b": b, "c": a + c, "d": b + d}, ["a", "b"], ["c", "d"])
    2
    """
    check_fraction(alpha, "alpha")
    first, second = _as_set(A, "A"), _as_set(B, "B")
    ranks = CrossRanks.of(data, [*first, *(name for name in second if name not in first)])
    where = {name: k for k, name in enumerate(ranks.names)}
    i, j = [where[name] for name in first], [where[name] for name in second]
    for rank in range(min(len(i), len(j))):
        if ranks.test(i, j, rank).p_value > alpha:
            return rank
    return min(len(i), len(j))


@dataclass(frozen=True, slots=True, eq=False)
class CrossRanks:
    """Rank tests on one table: its correlations, and what was asked before.

    Attributes
    ----------
    names : tuple of names
    correlations : ndarray of shape (p, p)
    n_rows : int
    """

    names: tuple[Name, ...]
    correlations: FloatArray
    n_rows: int
    _known: dict[tuple[tuple[int, ...], tuple[int, ...]], FloatArray] = field(default_factory=dict)

    @classmethod
    def of(cls, data: Data, names: Sequence[Name]) -> CrossRanks:
        """Check these columns of the data and compute their correlations."""
        who = "the rank test"
        table = data if isinstance(data, Table) else as_table(data, columns=names)
        table = table.select(names)
        for name, levels in zip(table.names, table.levels, strict=True):
            check_two_levels(name, levels or ())
        check_complete(table, who=who)
        check_rows(table, table.n_columns + 3, who=who)
        check_varies(table, table.names, who=who)
        moments = Moments.of(table.values, names=table.names, levels=table.levels)
        return cls(table.names, moments.correlations(), table.n_rows)

    def test(self, A: Sequence[int], B: Sequence[int], rank: int) -> RankResult:
        """Test that the correlations of these positions have rank `rank` or less."""
        both = [k for k in A if k in B]
        canonical = self._canonical(A, B)
        p, q, n, r = (x - len(both) for x in (len(A), len(B), self.n_rows, rank))
        if r < 0:  # variables in both sets are as many as their rank: it cannot be less
            statistic, p_value, degrees = float("inf"), 0.0, (len(A) - rank) * (len(B) - rank)
        else:
            squares = canonical[len(both) :] ** 2
            factor = n - 1 - r - 0.5 * (p + q + 1) + float((1.0 / squares[:r]).sum())
            statistic = -max(factor, 0.0) * float(np.log1p(-squares[r:]).sum())
            degrees = (p - r) * (q - r)
            p_value = float(gammaincc(0.5 * degrees, 0.5 * statistic)) if degrees else 1.0
        return RankResult(
            tuple(self.names[k] for k in A),
            tuple(self.names[k] for k in B),
            rank,
            statistic,
            p_value,
            degrees,
            tuple(canonical.tolist()),
            self.n_rows,
        )

    def _canonical(self, A: Sequence[int], B: Sequence[int]) -> FloatArray:
        """Canonical correlations, 1 for what is in both sets, largest first."""
        key = tuple(sorted(A)), tuple(sorted(B))
        if key not in self._known:
            self._known[key] = self._computed(*key)
        return self._known[key]

    def _computed(self, A: tuple[int, ...], B: tuple[int, ...]) -> FloatArray:
        both = [k for k in A if k in B]
        left, right = [k for k in A if k not in both], [k for k in B if k not in both]
        among = [*left, *right]
        rest = self.correlations[np.ix_(among, among)]
        if both:
            across = self.correlations[np.ix_(both, among)]
            whitened = self._whitening(self.correlations[np.ix_(both, both)], both) @ across
            rest = rest - whitened.T @ whitened
        m = len(left)
        first = self._whitening(rest[:m, :m], left)
        second = self._whitening(rest[m:, m:], right)
        values = np.linalg.svd(first @ rest[:m, m:] @ second.T, compute_uv=False)
        # Below 1, so that its logarithm is finite; above 0, so that its inverse is.
        found = np.clip(values, 1e-150, 1.0 - 1e-15)
        return np.concatenate([np.ones(len(both)), found])

    def _whitening(self, matrix: FloatArray, where: Sequence[int]) -> FloatArray:
        """V with V M V' = I."""
        values, vectors = np.linalg.eigh(matrix)
        if values.min(initial=1.0) < _SINGULAR:
            shown = show_set(tuple(self.names[k] for k in where))
            raise NumericalError(
                f"the variables {shown} determine each other, or are determined by those in both "
                "sets; the rank test expects variables that each vary on their own. Leave out "
                "copies, totals and changes of unit."
            )
        found: FloatArray = (vectors / np.sqrt(values)).T
        return found


def _as_set(names: Names, what: str) -> tuple[Name, ...]:
    found = as_names(names)
    if not found:
        raise InputError(f"{what} is empty; expected at least one variable. Name some.")
    return found
