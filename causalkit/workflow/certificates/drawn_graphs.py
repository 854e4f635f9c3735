"""Which graph a twin is fitted on: one that may be the right one, drawn at random.

What is learnt is a class of graphs, and a model needs one graph of which every edge has a
direction: a member of the class. Of graphs that were learnt, one is drawn by its share and then a
member of it; a graph that was given stands for itself or, if it is a class, for its members.

Graphs of series are drawn in the same way. The arrow of time directs all edges but those within a
step, so the members of a class differ there only. Twins of series have no hidden causes, so that
nothing can be drawn from a graph that allows for them.

>>> graph = LaggedGraph.parse("CPDAG: X[t] -- Y[t]; X[t-1] -> X[t]; X[t-1] -> Y[t]")
>>> member = random_member(graph, np.random.default_rng(0))
>>> member.kind.name, may_affect(member, Lagged("X", 1), Lagged("Y"))
('DAG', True)
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import islice
from typing import Final, TypeVar

import numpy as np

from causalkit.errors import CausalkitError, InputError
from causalkit.graph import (
    ARROW,
    CausalGraph,
    Kind,
    Lagged,
    LaggedGraph,
    class_size,
    latent_projection,
    meek_closure,
    members,
)
from causalkit.identification import pag_members
from causalkit.typing import Name
from causalkit.workflow.analysis_result import Analysis

__all__ = ["drawn_graph", "may_affect", "random_member"]

Item = TypeVar("Item")

_MOST_MEMBERS: Final = 1000
"""Members of a class that are listed to take one of them."""

_MOST_TRIES: Final = 100


def drawn_graph(
    analysis: Analysis, names: Collection[Name], rng: np.random.Generator
) -> tuple[CausalGraph | LaggedGraph, int]:
    """Draw a graph that a twin can have, and say how many were passed over before it.

    Parameters
    ----------
    analysis : Analysis
    names : collection of names
        Variables that are observed.
    rng : Generator

    Returns
    -------
    CausalGraph or LaggedGraph, int

    Raises
    ------
    InputError
        If there is none.
    """
    refused = ""
    for k in range(_MOST_TRIES):
        graph = analysis.graph
        if analysis.learnt is not None:
            known = analysis.learnt.graphs.plausible
            graph = known.graphs[int(rng.choice(len(known), p=known.shares))]
        try:
            return random_member(_observed(graph, names), rng), k
        except CausalkitError as error:
            if analysis.learnt is None:
                raise InputError(
                    f"no twin can be drawn on the graph: {error} Expected a graph with a member."
                ) from error
            refused = str(error)
    raise InputError(
        f"{_MOST_TRIES} graphs were drawn from those that were learnt and none has a member that a "
        f"twin can have: {refused} Expected one that has. Learn with another algorithm or more "
        "data."
    )


def may_affect(graph: CausalGraph | LaggedGraph, treatment: Name, outcome: Name) -> bool:
    """Whether the outcome comes after the treatment; of series both are nodes.

    Parameters
    ----------
    graph : CausalGraph or LaggedGraph
    treatment, outcome : names

    Returns
    -------
    bool
    """
    if isinstance(graph, CausalGraph):
        return outcome in graph.descendants(treatment)
    cause, effect = graph.node(treatment), graph.node(outcome)
    steps = cause.lag - effect.lag
    if steps < 0:
        return False
    window = graph.unroll(steps)
    return Lagged(effect.name) in window.descendants(Lagged(cause.name, steps))


def random_member(
    graph: CausalGraph | LaggedGraph, rng: np.random.Generator
) -> CausalGraph | LaggedGraph:
    """A DAG (or ADMG) of a class of graphs, at random; any other graph as it is.

    Parameters
    ----------
    graph : CausalGraph or LaggedGraph
    rng : Generator

    Returns
    -------
    CausalGraph or LaggedGraph
        Of classes with at most 1000 members each is equally likely. Of larger ones edges are
        directed one by one, at random; of a larger PAG one of the first 1000 members is taken. A
        MAG is written as an ADMG: `<->` stands for a common cause that was not measured.

    Raises
    ------
    CausalkitError
        If the class has no member, or the graph is one of series that allows for hidden causes.
    """
    if isinstance(graph, LaggedGraph):
        return _member_of_series(graph, rng)
    if graph.kind is Kind.CPDAG:
        return _member_of_class(graph, rng)
    if graph.kind is Kind.PAG:
        graph = _any_of(pag_members(graph), rng)
    if graph.kind not in (Kind.MAG, Kind.ADMG):
        return graph
    if graph.undirected.any():
        raise InputError("the graph has edges of selection; expected none, as twins draw all rows.")
    return CausalGraph(graph.nodes, graph.ends)  # a DAG, or an ADMG if there is a `<->`


def _member_of_class(graph: CausalGraph, rng: np.random.Generator) -> CausalGraph:
    if class_size(graph) <= _MOST_MEMBERS:
        return _any_of(members(graph), rng)
    while graph.undirected.any():
        tail, head = _any_of(iter(np.argwhere(graph.undirected)), rng)
        ends = np.array(graph.ends)
        ends[tail, head] = ARROW
        graph = meek_closure(CausalGraph(graph.nodes, ends, Kind.CPDAG))
    return CausalGraph(graph.nodes, graph.ends, Kind.DAG)


def _member_of_series(graph: LaggedGraph, rng: np.random.Generator) -> LaggedGraph:
    """Edges of a step meet in the template all that directs them."""
    if graph.kind is Kind.DAG:
        return graph
    if graph.kind is not Kind.CPDAG:
        raise InputError(
            f"the graph of series is of kind {graph.kind.name}, which allows for hidden causes; "
            "twins of series have none; expected a DAG or a CPDAG, such as PCMCIPlus() learns."
        )
    template = _member_of_class(graph.template, rng)
    return LaggedGraph._of(graph.variables, np.array(template.ends), Kind.DAG)


def _observed(
    graph: CausalGraph | LaggedGraph, names: Collection[Name]
) -> CausalGraph | LaggedGraph:
    """The graph over what is observed."""
    if isinstance(graph, CausalGraph):
        seen = [name for name in graph.nodes if name in names]
        return graph if len(seen) == len(graph.nodes) else latent_projection(graph, seen)
    hidden = [name for name in graph.variables if name not in names]
    if hidden:
        raise InputError(
            f"the graph has series that are no columns of the data, such as {hidden[0]!r}, and "
            "twins of series have no hidden causes; expected a graph over the columns."
        )
    return graph


def _any_of(found: Iterator[Item], rng: np.random.Generator) -> Item:
    listed = list(islice(found, _MOST_MEMBERS))
    if not listed:
        raise InputError("the class of graphs has no member; expected one.")
    return listed[int(rng.integers(len(listed)))]
