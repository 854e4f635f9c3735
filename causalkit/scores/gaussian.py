"""Gaussian scores: linear regressions on the parents, from the correlations alone.

A node with k parents that leave the share `1 - R²` of its variance has::

    -n / 2 * log(1 - R²) - penalty * k * log(n) / 2

BIC proper has penalty 1. It is made for a few models, and a search looks at a great many sets of
parents, so with it the graph fills up with chance, the more the more variables there are. A penalty
of 2 helps; :class:`ExtendedBIC`, the default of all searches, charges by the number of variables.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import log
from typing import Any

import numpy as np

from causalkit._core.checks import check_positive, check_rows, refuse_constant
from causalkit._core.moments import Moments
from causalkit._core.table import Table
from causalkit.errors import InputError
from causalkit.scores._states import GaussianState, State
from causalkit.scores.base import LocalScore, Score, check_no_holes
from causalkit.typing import BoolArray, FloatArray, IntArray

__all__ = ["ExtendedBIC", "GaussianBIC"]


@dataclass(frozen=True, slots=True)
class GaussianBIC(Score):
    """Bayesian information criterion of linear regressions with Gaussian noise.

    Parameters
    ----------
    penalty : float, default 2
        Weight of the penalty: a parent costs `penalty * log(n) / 2` units of log-likelihood, so 1
        is the BIC itself. Larger gives fewer edges.

    Notes
    -----
    **Assumes:**

    - rows are independent draws from one distribution;
    - each variable is a linear function of its causes plus Gaussian noise. Without Gaussian noise
      the score still compares linear regressions, and is consistent for the class of the graph;
    - no cell is missing.

    Boolean and two-level columns enter as 0/1, which makes the score approximate. Columns with more
    levels are refused. Markov-equivalent graphs have equal scores.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.arange(20.0)
    >>> data = {"x": x, "y": x + np.tile([1.0, -1.0], 10)}
    >>> GaussianBIC().local(data, "y", ["x"]) > GaussianBIC().local(data, "y")
    True

    References
    ----------
    Schwarz (1978), "Estimating the dimension of a model", doi:10.1214/aos/1176344136. Chickering
    (2002), "Optimal structure identification with greedy search", JMLR 3: 507-554.
    """

    penalty: float = 2.0

    def bind(self, table: Table) -> LocalGaussian:
        """Check the table and compute its correlations.

        Raises
        ------
        InputError
            If there are fewer than 3 rows, missing cells, constant columns, or columns with more
            than two levels.
        """
        return _bound(self, table)

    def bind_moments(self, moments: Moments) -> LocalGaussian:
        """Take the correlations from moments, of rows that nobody holds.

        Raises
        ------
        InputError
            If there are fewer than 3 rows, or constant columns.
        """
        return _bound_moments(self, moments, own=False)

    def _cost(self, n: float, p: int) -> FloatArray:
        return check_positive(self.penalty, "penalty") * 0.5 * log(n) * np.arange(p + 1.0)


@dataclass(frozen=True, slots=True)
class ExtendedBIC(Score):
    """BIC that also charges for the choice: a set of k parents is one of many of that size.

    A parent costs `gamma * log(p)` units of log-likelihood more than the BIC charges, p being the
    number of variables, which keeps chance out as p grows with the rows.

    Parameters
    ----------
    gamma : float, default 1
        Weight of the charge for the choice, from 0, which is the BIC, to 1.

    Notes
    -----
    **Assumes:**

    - rows are independent draws from one distribution;
    - each variable is a linear function of its causes plus Gaussian noise;
    - no cell is missing.

    Markov-equivalent graphs have equal scores.

    References
    ----------
    Chen and Chen (2008), "Extended Bayesian information criteria for model selection with large
    model spaces", doi:10.1093/biomet/asn034.
    """

    gamma: float = 1.0

    def bind(self, table: Table) -> LocalGaussian:
        """Check the table and compute its correlations; raises as :class:`GaussianBIC`."""
        return _bound(self, table)

    def bind_moments(self, moments: Moments) -> LocalGaussian:
        """Take the correlations from moments, of rows that nobody holds."""
        return _bound_moments(self, moments, own=False)

    def _cost(self, n: float, p: int) -> FloatArray:
        if not 0 <= self.gamma <= 1:
            raise InputError(
                f"gamma={self.gamma!r}; expected a number from 0 to 1. Larger gives fewer edges."
            )
        return (0.5 * log(n) + self.gamma * log(p)) * np.arange(p + 1.0)


def _bound(score: GaussianBIC | ExtendedBIC, table: Table) -> LocalGaussian:
    who = type(score).__name__
    check_no_holes(table, who=who)
    check_rows(table, 3, who=who)
    check_numeric(table, who=who)
    moments = Moments.of(table.values, names=table.names, levels=table.levels)
    return _bound_moments(score, moments, own=True)


def _bound_moments(
    score: GaussianBIC | ExtendedBIC, moments: Moments, *, own: bool
) -> LocalGaussian:
    who = type(score).__name__
    check_rows(moments, 3, who=who)
    refuse_constant(moments.constant, who=who)
    n, p = moments.n_effective, moments.n_columns
    return LocalGaussian.of(moments.correlations(in_place=own), n, score._cost(n, p))


def check_numeric(table: Table, *, who: str) -> None:
    """Check that no column has more than two levels."""
    for name, listed in zip(table.names, table.levels, strict=True):
        if listed is not None and len(listed) > 2:
            raise InputError(
                f"column {name!r} is categorical with {len(listed)} levels; {who} expects numeric, "
                "boolean or two-level columns. Use DegenerateGaussianBIC() as the score, or BDeu() "
                "if all columns are categories."
            )


@dataclass(frozen=True, slots=True, eq=False)
class LocalGaussian(LocalScore):
    """Correlations, rows and costs, as a :class:`~causalkit.scores._states.GaussianState`."""

    corr: FloatArray
    group: IntArray
    n: FloatArray
    cost: FloatArray
    targets: BoolArray | None = None

    @classmethod
    def of(cls, corr: FloatArray, n: float, cost: FloatArray) -> LocalGaussian:
        """All nodes from the same rows."""
        group = np.zeros(len(corr), dtype=np.intp)
        return cls(np.ascontiguousarray(corr)[None], group, np.array([float(n)]), cost)

    @property
    def n_columns(self) -> int:
        """Number of columns."""
        return len(self.group)

    @property
    def most_parents(self) -> int:
        """Half as many as there are rows: more would explain anything."""
        return min(self.n_columns - 1, int(self.n.min() // 2))

    def __call__(self, node: int, parents: Sequence[int]) -> float:
        """Score a column given others; -inf where one of them is redundant."""
        from causalkit.scores._gaussian_kernels import unexplained

        k, which = len(parents), self.group[node]
        scratch = np.empty((k + 1, k + 1))
        given = np.array(parents, dtype=np.intp)
        rest = unexplained(self.corr[which], node, given, k, scratch)
        return float(-0.5 * self.n[which] * np.log(rest) - self.cost[k])

    @contextmanager
    def state(self, idle: list[Any] | None = None) -> Iterator[State]:  # noqa: ARG002
        """Give the arrays themselves."""
        yield GaussianState(self.corr, self.group, self.n, self.cost)
