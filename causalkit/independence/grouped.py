"""Several columns that measure one variable: `Grouped`, a setting around a test.

Wind and rain are one variable, the weather, where a question is about the weather. A group of
columns becomes one node, and a test of the node is a test of all its columns at once: tests that
work on blocks of columns get the columns as a block, kernel tests the product of their kernels.

>>> from causalkit.independence import FisherZ
>>> Grouped(FisherZ(), {"weather": ["rain", "wind"]}).nodes(("rain", "crop", "wind"))
('weather', 'crop')
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from causalkit._core.checks import as_names
from causalkit._core.table import Table
from causalkit.errors import InputError, UnknownVariableError
from causalkit.independence.base import BoundTest, CITest
from causalkit.independence.blocks import bind_embedding
from causalkit.independence.composed import check_inner
from causalkit.independence.embedding import Embedding, Embeds, embed
from causalkit.independence.fisher_z import FisherZ
from causalkit.typing import FloatArray, Name, Names

__all__ = ["BindsGroups", "Grouped"]


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
        check_inner(inner)
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
