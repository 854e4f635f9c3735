"""Settings around a test: columns that make one variable, rows that count more or belong together.

A test such as :class:`~causalkit.independence.FisherZ` takes every column for a variable and every
row for one independent draw. Three settings say otherwise, and they compose:

>>> from causalkit.independence import FisherZ
>>> test = Clustered(Weighted(FisherZ(), "weight"), "school")
>>> test.nodes(("score", "weight", "hours", "school"))
('score', 'hours')
>>> Grouped(FisherZ(), {"weather": ["rain", "wind"]}).nodes(("rain", "crop", "wind"))
('weather', 'crop')

A column that only says how rows count is no variable, so it is no node of a graph either.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

import numpy as np

from causalkit._core.checks import as_names, check_complete
from causalkit._core.table import Table
from causalkit.errors import InputError, UnknownVariableError
from causalkit.independence.base import BoundTest, CITest
from causalkit.independence.blocks import bind_embedding
from causalkit.independence.clusters import cluster_numbers
from causalkit.independence.embedding import Embedding, Embeds, embed
from causalkit.independence.fisher_z import FisherZ
from causalkit.typing import FloatArray, Name, Names

__all__ = ["Clustered", "Grouped", "Weighted"]


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
        _check_inner(self.inner)
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
        others = table.select(self._others(table.names))
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
        return self.inner.nodes(self._others(names))

    def columns(self, nodes: tuple[Name, ...]) -> tuple[Name, ...]:
        """Columns behind some nodes, and the weights."""
        return _and_column(self.inner.columns(nodes), self.column, "weights")

    def about(self, nodes: tuple[Name, ...]) -> CITest:
        """Return the test for a table of just these variables."""
        return replace(self, inner=self.inner.about(nodes))

    def _others(self, names: tuple[Name, ...]) -> tuple[Name, ...]:
        return _without(names, self.column)


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
        _check_inner(self.inner)
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


@runtime_checkable
class BindsGroups(Protocol):
    """A test that takes several columns as one variable, as kernel tests do."""

    def bind_groups(
        self, table: Table, groups: Mapping[Name, tuple[Name, ...]] | None = None
    ) -> BoundTest:
        """Check the table and bind the test to groups of its columns, in this order."""
        ...


@dataclass(frozen=True, slots=True, init=False)
class Grouped(CITest):
    """A test on variables that are measured by several columns each.

    Parameters
    ----------
    inner : CITest
        `FisherZ()`, `PartialCorrelation()`, `RankZ()`, `DegenerateGaussian()`, or one of these
        within `Weighted` or `Clustered`; or one that binds to groups of columns itself: `KCI()`,
        `HSIC()`, `RCoT()` or `RCIT()`. Missing cells are dealt with around it:
        `TestwiseDeletion(Grouped(...))`, `MultipleImputation(Grouped(...))`.
    groups : mapping of name to names
        What a group of columns is called. A column in no group is a variable of its own.

    Notes
    -----
    **Assumes:** what the test inside assumes, of all columns together: two groups are independent
    given others if no linear combination of the one is correlated with one of the other.

    All canonical correlations are tested at once, by a likelihood ratio, so weak dependences of
    many columns add up. `KCI` and `HSIC` multiply the kernels of the columns, `RCoT` and `RCIT`
    draw features of all of them together. A group takes the place of its first column.

    Examples
    --------
    >>> import numpy as np
    >>> from causalkit.independence import FisherZ
    >>> rng = np.random.default_rng(0)
    >>> rain, wind, noise = rng.normal(size=(3, 200))
    >>> data = {"rain": rain, "wind": wind, "crop": rain - wind + noise}
    >>> test = Grouped(FisherZ(), {"weather": ["rain", "wind"]})
    >>> test.test(data, "weather", "crop").p_value < 1e-6
    True

    References
    ----------
    Wilks (1935), "On the independence of k sets of normally distributed statistical variables",
    doi:10.2307/1905324. Anderson (2003), "An Introduction to Multivariate Statistical Analysis",
    chapter 9.
    """

    inner: CITest
    groups: tuple[tuple[Name, tuple[Name, ...]], ...]

    def __init__(
        self,
        inner: CITest,
        groups: Mapping[Name, Names] | Iterable[tuple[Name, Names]],
    ) -> None:
        _check_inner(inner)
        found = tuple((name, as_names(members)) for name, members in _pairs(groups))
        object.__setattr__(self, "inner", inner)
        object.__setattr__(self, "groups", found)
        _check_groups(found)

    def bind(self, table: Table) -> BoundTest:
        """Check the table and compute what the test inside needs."""
        if isinstance(self.inner, BindsGroups):
            members = dict(self.groups)
            nodes = self._grouped(table.names)
            return self.inner.bind_groups(table, {k: members.get(k, (k,)) for k in nodes})
        return bind_embedding(self.embed(table))

    def embed(self, table: Table, weights: FloatArray | None = None) -> Embedding:
        """Turn the columns into what the test inside works on, and put groups together."""
        self._check_inside()
        found = embed(self.inner, table, weights)
        nodes = self._grouped(found.nodes)
        members = dict(self.groups)
        where = {name: k for k, name in enumerate(found.nodes)}
        return found.grouped(
            nodes, [[where[name] for name in members.get(node, (node,))] for node in nodes]
        )

    def nodes(self, names: tuple[Name, ...]) -> tuple[Name, ...]:
        """Names in which each group takes the place of its first column."""
        return self._grouped(self.inner.nodes(names))

    def columns(self, nodes: tuple[Name, ...]) -> tuple[Name, ...]:
        """Columns behind some nodes."""
        return self.inner.columns(self._inside(nodes))

    def about(self, nodes: tuple[Name, ...]) -> CITest:
        """Return the test for a table of just these variables: other groups are not there."""
        kept = [(node, members) for node, members in self.groups if node in nodes]
        return Grouped(self.inner.about(self._inside(nodes)), kept)

    def _inside(self, nodes: tuple[Name, ...]) -> tuple[Name, ...]:
        members = dict(self.groups)
        return tuple(name for node in nodes for name in members.get(node, (node,)))

    def _check_inside(self) -> None:
        if isinstance(self.inner, (FisherZ, Embeds, BindsGroups)):
            return
        around = ""
        if hasattr(self.inner, "inner"):
            around = f" Put {type(self.inner).__name__} around Grouped and not inside, or"
        raise InputError(
            f"{type(self.inner).__name__} reads one column a variable, and groups have several; "
            "expected KCI(), HSIC(), RCoT(), RCIT(), FisherZ(), PartialCorrelation(), RankZ() or "
            f"DegenerateGaussian().{around or ' Use'} one of these."
        )

    def _grouped(self, names: tuple[Name, ...]) -> tuple[Name, ...]:
        group_of = {name: node for node, members in self.groups for name in members}
        for name in group_of:
            if name not in names:
                raise UnknownVariableError.among(name, names)
        nodes = tuple(dict.fromkeys(group_of.get(name, name) for name in names))
        twice = [name for name in names if name in dict(self.groups) and name not in group_of]
        if twice:
            raise InputError(
                f"{twice[0]!r} is the name of a group and of a column outside of it; expected "
                "different names. Rename the group."
            )
        return nodes


def _check_inner(inner: CITest) -> None:
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


def _pairs(groups: object) -> list[tuple[Name, Names]]:
    """Groups as pairs of a name and its columns."""
    listed = groups.items() if isinstance(groups, Mapping) else groups
    if not isinstance(listed, str) and isinstance(listed, Iterable):
        pairs = list(listed)
        if all(isinstance(pair, (tuple, list)) and len(pair) == 2 for pair in pairs):
            return [(name, members) for name, members in pairs]
    raise InputError(
        f"groups={groups!r}; expected a mapping of names of groups to columns, or pairs of them. "
        "Write e.g. {'weather': ['rain', 'wind']}."
    )


def _check_groups(groups: tuple[tuple[Name, tuple[Name, ...]], ...]) -> None:
    as_names([name for name, _ in groups])
    seen: dict[Name, Name] = {}
    for node, members in groups:
        if not members:
            raise InputError(f"group {node!r} is empty; expected columns. Leave the group out.")
        for name in members:
            if name in seen:
                raise InputError(
                    f"column {name!r} is in groups {seen[name]!r} and {node!r}; expected one group "
                    "a column. Take it out of one of them."
                )
            seen[name] = node


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
