"""Settings around a test: rows that count more than others, and rows that belong together.

A test such as :class:`~causalkit.independence.FisherZ` takes every row for one independent draw.
Two settings say otherwise, and they compose, also with
:class:`~causalkit.independence.Grouped`, which takes several columns for one variable:

>>> from causalkit.independence import FisherZ
>>> test = Clustered(Weighted(FisherZ(), "weight"), "school")
>>> test.nodes(("score", "weight", "hours", "school"))
('score', 'hours')

A column that only says how rows count is no variable, so it is no node of a graph either.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from causalkit._core.checks import check_complete
from causalkit._core.table import Table
from causalkit.errors import InputError, UnknownVariableError
from causalkit.independence.base import BoundTest, CITest
from causalkit.independence.blocks import bind_embedding
from causalkit.independence.clusters import cluster_numbers
from causalkit.independence.embedding import Embedding, embed
from causalkit.typing import FloatArray, Name

__all__ = ["Clustered", "Weighted", "check_inner"]


@dataclass(frozen=True, slots=True)
class Weighted(CITest):
    """A test on rows that count differently, by a column of sampling weights.

    Parameters
    ----------
    inner : CITest
        `FisherZ()`, `PartialCorrelation()`, `RankZ()`, `DegenerateGaussian()`, or one of these
        within another setting.
    column : str or int
        The weights: zero or positive, in any unit. A row of weight zero is left out.

    Notes
    -----
    **Assumes:**

    - what the test inside assumes, of the population that the weights restore;
    - the weights have nothing to do with the size of the residuals. Where they may have,
      `Clustered(Weighted(test, "w"), "id")` with a row number as `id` measures the variance
      instead of assuming it.

    Moments are weighted, and the rows count as (Σw)² / Σw² rows (Kish). Equal weights give what
    the test inside gives. Weights that say how often a row was seen are no sampling weights: repeat
    the rows instead.

    Examples
    --------
    >>> import numpy as np
    >>> from causalkit.independence import FisherZ
    >>> rng = np.random.default_rng(0)
    >>> x, y = rng.normal(size=(2, 200))
    >>> data = {"x": x, "y": x + y, "w": rng.uniform(1, 3, size=200)}
    >>> Weighted(FisherZ(), "w").test(data, "x", "y").p_value < 1e-6
    True

    References
    ----------
    Kish (1965), "Survey Sampling", Wiley. Lumley (2010), "Complex Surveys",
    doi:10.1002/9780470580066.
    """

    inner: CITest
    column: Name

    def __post_init__(self) -> None:
        check_inner(self.inner)
        _check_column(self.column, "Weighted")

    def bind(self, table: Table) -> BoundTest:
        """Check the table, weigh its rows, and compute what the test inside needs."""
        return bind_embedding(self.embed(table))

    def embed(self, table: Table, weights: FloatArray | None = None) -> Embedding:
        """Turn the other columns into what the test inside works on."""
        if weights is not None:
            raise InputError(
                f"the rows are weighted twice, now by {self.column!r}; expected one column of "
                "weights. Multiply them beforehand."
            )
        weights = _check_weights(table, self.column)
        counted = weights > 0
        others = table.select(_without(table.names, self.column))
        if not counted.all():
            others, weights = others.rows(counted), weights[counted]
        found = embed(self.inner, others, weights)
        if found.n_effective < 4:
            raise InputError(
                f"the {len(weights)} rows with weights in {self.column!r} are worth "
                f"{found.n_effective:.3g} rows of equal weight; expected at least 4. Bring more "
                "rows, or trim the largest weights."
            )
        return found

    def nodes(self, names: tuple[Name, ...]) -> tuple[Name, ...]:
        """All names but that of the weights."""
        return self.inner.nodes(_without(names, self.column))

    def columns(self, nodes: tuple[Name, ...]) -> tuple[Name, ...]:
        """Columns behind some nodes, and the weights."""
        return _and_column(self.inner.columns(nodes), self.column, "weights")

    def about(self, nodes: tuple[Name, ...]) -> CITest:
        """Return the test for a table of just these variables."""
        return replace(self, inner=self.inner.about(nodes))


@dataclass(frozen=True, slots=True)
class Clustered(CITest):
    """A test on rows that are independent between clusters only.

    Parameters
    ----------
    inner : CITest
        `FisherZ()`, `PartialCorrelation()`, `RankZ()`, `DegenerateGaussian()`, or one of these
        within another setting.
    column : str or int
        Which rows belong together: a category or a number.

    Notes
    -----
    **Assumes:**

    - clusters are independent draws, and there are some ten more of them than columns that are
      conditioned on;
    - x and y are independent given S in the sense that the products of their residuals average
      zero. What a cluster's rows share is left in: of two variables that differ between clusters,
      a common cause at the level of clusters makes them dependent, as it should.

    Two to four clusters give a warning: tests on so few miss nearly all dependences, and a graph
    learnt with them has next to no edges. One cluster is an error.

    The products of residuals are summed over each cluster, and the sums put to a t test
    (Hotelling's for blocks). The test inside says what the numbers are and not how they are judged.

    Examples
    --------
    >>> import numpy as np
    >>> from causalkit.independence import FisherZ
    >>> rng = np.random.default_rng(4)
    >>> school = np.repeat(np.arange(30), 40)
    >>> x, y = rng.normal(size=(2, 30))[:, school] + rng.normal(size=(2, 1200))
    >>> data = {"x": x, "y": y, "school": school}
    >>> FisherZ().test(data, "x", "y").p_value < 0.05
    True
    >>> Clustered(FisherZ(), "school").test(data, "x", "y").p_value > 0.05
    True

    References
    ----------
    Liang and Zeger (1986), "Longitudinal data analysis using generalized linear models",
    doi:10.1093/biomet/73.1.13. Ibragimov and Müller (2010), "t-statistic based correlation and
    heterogeneity robust inference", doi:10.1198/jbes.2009.08046.
    """

    inner: CITest
    column: Name

    def __post_init__(self) -> None:
        check_inner(self.inner)
        _check_column(self.column, "Clustered")

    def bind(self, table: Table) -> BoundTest:
        """Check the table and sort its rows by cluster."""
        return bind_embedding(self.embed(table))

    def embed(self, table: Table, weights: FloatArray | None = None) -> Embedding:
        """Turn the other columns into what the test inside works on."""
        numbers = cluster_numbers(table, self.column)
        found = embed(self.inner, table.select(_without(table.names, self.column)), weights)
        if found.clusters is not None:
            raise InputError(
                f"the rows are clustered twice, now by {self.column!r}; expected one column of "
                "clusters. Name the coarser one."
            )
        if found.link is not None:
            raise InputError(
                f"{self.inner!r} has no rows to add up over clusters; expected a test whose "
                'columns are scores. Use RankZ("normal-scores").'
            )
        if found.n_rows < len(numbers):  # a setting inside has left rows of weight zero out
            raise InputError(
                f"Clustered(Weighted(...), {self.column!r}) needs positive weights, and "
                f"{len(numbers) - found.n_rows} row(s) have weight zero. Leave these rows out."
            )
        return replace(found, clusters=numbers)

    def nodes(self, names: tuple[Name, ...]) -> tuple[Name, ...]:
        """All names but that of the clusters."""
        return self.inner.nodes(_without(names, self.column))

    def columns(self, nodes: tuple[Name, ...]) -> tuple[Name, ...]:
        """Columns behind some nodes, and the clusters."""
        return _and_column(self.inner.columns(nodes), self.column, "clusters")

    def about(self, nodes: tuple[Name, ...]) -> CITest:
        """Return the test for a table of just these variables."""
        return replace(self, inner=self.inner.about(nodes))


def check_inner(inner: CITest) -> None:
    """Refuse what is no test, and a test without its parentheses."""
    if isinstance(inner, type) or not callable(getattr(inner, "bind", None)):
        raise InputError(
            f"the test inside is {inner!r}; expected a conditional-independence test such as "
            "FisherZ(). Pass an instance, with parentheses."
        )


def _check_column(column: object, who: str) -> None:
    if isinstance(column, bool) or not isinstance(column, (str, int, np.integer)):
        raise InputError(
            f"{who} got column={column!r}, a {type(column).__name__}; expected the name of one "
            "column, a string or an integer. Name it as the data do."
        )


def _check_weights(table: Table, column: Name) -> FloatArray:
    check_complete(table.select([column]), who="Weighted")
    weights = table.column(column)
    if table.kind(column) == "categorical" or weights.min() < 0 or weights.max() <= 0:
        raise InputError(
            f"column {column!r} cannot weigh rows: it is a {table.kind(column)} column from "
            f"{weights.min():.4g} to {weights.max():.4g}; expected numbers, zero or positive. Name "
            "the column of sampling weights."
        )
    return np.asarray(weights / weights.max(), dtype=np.float64)


def _without(names: tuple[Name, ...], column: Name) -> tuple[Name, ...]:
    if column not in names:
        raise UnknownVariableError.among(column, names)
    others = tuple(name for name in names if name != column)
    if not others:
        raise InputError(
            f"the data have no column but {column!r}, which says how rows count; expected "
            "variables too. Bring the columns to test."
        )
    return others


def _and_column(columns: tuple[Name, ...], column: Name, what: str) -> tuple[Name, ...]:
    if column in columns:
        raise InputError(
            f"{column!r} holds the {what} and is no variable; expected other columns. Ask about "
            "it with a test that does not use it."
        )
    return (*columns, column)
