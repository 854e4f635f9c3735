"""What is asked: the effect of some variables on others, perhaps among units with given traits.

A query is a plain value, checked against its graph once, when it is made::

    total effect            EffectQuery(("X",), ("Y",))            P(y | do(x))
    joint effect            EffectQuery(("X1", "X2"), ("Y",))      P(y | do(x1, x2))
    conditional effect      EffectQuery(("X",), ("Y",), ("W",))    P(y | do(x), w)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from causalkit._core.checks import as_names
from causalkit.errors import InputError
from causalkit.graph import CausalGraph
from causalkit.identification.formulas.expression import Expectation, Expression, Probability
from causalkit.typing import Name, Names

if TYPE_CHECKING:
    import networkx as nx

__all__ = ["EffectQuery", "GraphLike", "as_graph"]

GraphLike = Any
"""A :class:`CausalGraph`, its text form, or a networkx graph."""


def as_graph(graph: CausalGraph | str | nx.Graph) -> CausalGraph:
    """Read a graph in any form that identification takes.

    Parameters
    ----------
    graph : CausalGraph, str or networkx graph
        Text is read by :meth:`CausalGraph.parse`.

    Raises
    ------
    InputError
        If it is none of these.
    """
    if isinstance(graph, CausalGraph):
        return graph
    if isinstance(graph, str):
        return CausalGraph.parse(graph)
    if hasattr(graph, "is_directed") and hasattr(graph, "nodes"):
        return CausalGraph.from_networkx(graph)
    found = getattr(graph, "graph_", None)
    hint = " Pass its graph_." if isinstance(found, CausalGraph) else ""
    raise InputError(
        f"the graph is a {type(graph).__name__}; expected a CausalGraph, text such as "
        f"'Z -> X -> Y; Z -> Y', or a networkx graph.{hint}"
    )


@dataclass(frozen=True, slots=True)
class EffectQuery:
    """The effect of `treatment` on `outcome`, among units with the same values of `given`.

    Parameters
    ----------
    treatment, outcome : tuple of names
        What is set, and what is looked at. Both hold at least one name.
    given : tuple of names
        Within which strata; empty for the effect over everybody.
    """

    treatment: tuple[Name, ...]
    outcome: tuple[Name, ...]
    given: tuple[Name, ...] = ()

    @classmethod
    def within(
        cls, graph: CausalGraph, treatment: Names, outcome: Names, given: Names | None = ()
    ) -> EffectQuery:
        """Make a query about the variables of `graph`, checked.

        Raises
        ------
        UnknownVariableError
            If the graph does not have a variable.
        InputError
            If treatment or outcome is empty, or a variable has two roles.

        Examples
        --------
        >>> from causalkit.graph import CausalGraph
        >>> print(EffectQuery.within(CausalGraph.parse("X -> Y"), "X", "Y"))
        effect of X on Y
        """
        query = cls(*(_in_order(graph, names) for names in (treatment, outcome, given)))
        graph.indices((*query.treatment, *query.outcome, *query.given))
        for role, names in (("treatment", query.treatment), ("outcome", query.outcome)):
            if not names:
                raise InputError(f"{role} is empty; expected at least one variable of the graph.")
        check_roles(treatment=query.treatment, outcome=query.outcome, given=query.given)
        return query

    @property
    def expression(self) -> Expression:
        """The causal quantity, with its do."""
        if len(self.outcome) == 1:
            return Expectation(self.outcome, given=self.given, do=self.treatment)
        return Probability(self.outcome, given=self.given, do=self.treatment)

    def __str__(self) -> str:
        text = f"effect of {listed(self.treatment)} on {listed(self.outcome)}"
        return text + (f" given {listed(self.given)}" if self.given else "")


def _in_order(graph: CausalGraph, names: Names | None) -> tuple[Name, ...]:
    """Names as a tuple; a set has no order of its own and takes that of the graph."""
    if isinstance(names, (set, frozenset)):
        return tuple(sorted(names, key=graph.index))
    return as_names(names)


def check_roles(**roles: tuple[Name, ...]) -> None:
    """Raise if one variable has two roles."""
    seen: dict[Name, str] = {}
    for role, names in roles.items():
        for name in names:
            if name in seen:
                raise InputError(
                    f"{name!r} is both {seen[name]} and {role}; expected disjoint sets of "
                    "variables. Take it out of one of them."
                )
            seen[name] = role


def listed(names: tuple[Name, ...]) -> str:
    """Names in a sentence: `A, B and C`."""
    words = [str(name) for name in names]
    if len(words) <= 1:
        return "".join(words)
    return f"{', '.join(words[:-1])} and {words[-1]}"
