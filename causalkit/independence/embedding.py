"""What tests on second moments have in common: variables as blocks of numeric columns.

A linear test needs numbers, and it does not care how they came about. A numeric variable stands for
itself, or for its normal scores; a category stands for the indicators of its levels; a variable
that is measured by several columns stands for all of them. Each becomes a block of columns of one
matrix, the :class:`Embedding`, and from then on there are two ways to an answer: from the
correlations of all columns (:mod:`~causalkit.independence.blocks`), which is quick and takes rows
to be independent, or from the rows themselves (:mod:`~causalkit.independence.clusters`), which
holds for rows that come in clusters too.

That is why settings compose: :class:`~causalkit.independence.RankZ` says what the numbers are,
:class:`~causalkit.independence.Grouped` which columns make a variable, and
:class:`~causalkit.independence.Weighted` and :class:`~causalkit.independence.Clustered` how rows
count.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

import numpy as np

from causalkit._core.checks import check_rows, check_varies
from causalkit._core.columns import indicators_of
from causalkit._core.table import Table
from causalkit.errors import InputError
from causalkit.independence.base import CITest, check_no_holes
from causalkit.independence.fisher_z import FisherZ
from causalkit.typing import FloatArray, IntArray, Name

__all__ = [
    "Embedding",
    "Embeds",
    "check_numeric",
    "embed",
    "indicators",
    "numeric_columns",
]


@dataclass(frozen=True, slots=True, eq=False)
class Embedding:
    """Variables as blocks of numeric columns, and how to read them.

    Attributes
    ----------
    nodes : tuple of str or int
        Names of the p variables.
    values : ndarray of shape (n_rows, q)
        Complete.
    starts : ndarray of int, shape (p + 1,)
        Variable k is columns `starts[k]:starts[k + 1]`.
    weights : ndarray of shape (n_rows,), optional
        Positive.
    clusters : ndarray of int, shape (n_rows,), optional
        Rows with one number belong together.
    student : bool
        Single columns are judged by the t distribution, not by Fisher's z.
    likelihood : bool
        Single columns are judged as blocks are, by the likelihood ratio.
    link : callable, optional
        Turns the correlations of the columns into those of the variables behind them.
    efficiency : float
        Rows' worth of information in one row.
    """

    nodes: tuple[Name, ...]
    values: FloatArray
    starts: IntArray
    weights: FloatArray | None = None
    clusters: IntArray | None = None
    student: bool = False
    likelihood: bool = False
    link: Callable[[FloatArray], FloatArray] | None = None
    efficiency: float = 1.0

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return int(self.values.shape[0])

    @property
    def is_plain(self) -> bool:
        """Whether each variable is one column."""
        return len(self.nodes) == int(self.values.shape[1])

    @property
    def n_effective(self) -> float:
        """Rows of equal weight that would tell as much (Kish 1965)."""
        w = self.weights
        n = float(self.n_rows) if w is None else float(w.sum() ** 2 / (w @ w))
        return n * self.efficiency

    def grouped(self, nodes: tuple[Name, ...], members: list[list[int]]) -> Embedding:
        """Put the blocks of several variables together, in a new order."""
        blocks = [
            np.concatenate([np.arange(self.starts[k], self.starts[k + 1]) for k in group])
            for group in members
        ]
        starts = np.concatenate([[0], np.cumsum([len(block) for block in blocks])])
        return replace(
            self,
            nodes=nodes,
            values=self.values[:, np.concatenate(blocks)],
            starts=starts.astype(np.intp),
        )


@runtime_checkable
class Embeds(Protocol):
    """A test that works on any embedding: it can be weighted, clustered and grouped."""

    def embed(self, table: Table, weights: FloatArray | None = None) -> Embedding:
        """Check the table and turn its variables into blocks of numbers."""
        ...


def embed(test: CITest, table: Table, weights: FloatArray | None = None) -> Embedding:
    """Turn the variables of a table into what `test` works on.

    Raises
    ------
    InputError
        If the test is no linear one.
    """
    if isinstance(test, FisherZ):
        return numeric_columns(table, weights, who="FisherZ")
    if isinstance(test, Embeds) and not isinstance(test, type):
        return test.embed(table, weights)
    raise InputError(
        f"the test inside is {test!r}; expected one that works on second moments: FisherZ(), "
        "PartialCorrelation(), RankZ(), DegenerateGaussian(), or one of these within Grouped, "
        "Weighted or Clustered. Pass an instance, with parentheses."
    )


def numeric_columns(
    table: Table, weights: FloatArray | None, *, who: str, student: bool = False
) -> Embedding:
    """Each column stands for itself."""
    check_no_holes(table, who=who)
    check_rows(table, 4, who=who)
    check_varies(table, table.names, who=who)
    check_numeric(table, who=who)
    starts = np.arange(table.n_columns + 1)
    return Embedding(table.names, table.values, starts, weights, student=student)


def indicators(table: Table, weights: FloatArray | None, *, who: str) -> Embedding:
    """A column with k levels stands for the indicators of all but the first of them."""
    check_no_holes(table, who=who)
    check_rows(table, 4, who=who)
    check_varies(table, table.names, who=who)
    values, starts = indicators_of(table)
    return Embedding(table.names, values, starts, weights, likelihood=True)


def check_numeric(table: Table, *, who: str) -> Table:
    """Return `table` if no column has three levels or more."""
    for name, levels in zip(table.names, table.levels, strict=True):
        if levels is not None and len(levels) > 2:
            raise InputError(
                f"column {name!r} is categorical with {len(levels)} levels; {who} expects "
                "numeric, boolean or two-level columns. Use DegenerateGaussian() or "
                "LikelihoodRatio(), write an ordered category as numbers, or leave the column out."
            )
    return table
