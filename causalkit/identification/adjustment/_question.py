"""Reading a question about adjustment: what is asked, of which graph, with what in and what out.

All functions on adjustment sets take the same arguments. They are read here, once: of a plain graph
the facts that the criterion needs, of a graph of series those of a window; variables that data does
not have, or that are never to be used, are not allowed in a set.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from causalkit._core.checks import as_names
from causalkit.graph._separators import CutProblem
from causalkit.graph.lagged import as_lagged
from causalkit.graph.lagged_graph import LaggedGraph
from causalkit.graph.walks import mask_of
from causalkit.identification.adjustment.criterion import Frame, frame
from causalkit.identification.query import EffectQuery, GraphLike, as_graph, check_roles
from causalkit.identification.series.lagged import LaggedQuestion, nodes_of_series
from causalkit.typing import BoolArray, Name, Names

__all__ = ["ask", "ask_about", "cuts", "names_of"]


def ask(
    graph: GraphLike,
    treatment: Names,
    outcome: Names,
    observed: Names | None,
    *,
    include: Names | None = (),
    forbidden: Names | None = (),
    max_adjustment_lag: int | None = None,
) -> tuple[EffectQuery, Frame, BoolArray]:
    """Query, facts and what must be in; of a graph of series, those of a window."""
    fixed, banned = as_names(include), as_names(forbidden)
    if isinstance(graph, LaggedGraph):
        asked = LaggedQuestion.ask(
            graph,
            treatment,
            outcome,
            observed=observed,
            max_adjustment_lag=max_adjustment_lag,
            joint=True,
        )
        query, facts = asked.query, asked.facts
        barred = nodes_of_series(graph, banned)
        unused = np.array([bool({x, x.name} & barred) for x in map(as_lagged, facts.graph.nodes)])
    else:
        graph = as_graph(graph)
        query = EffectQuery.within(graph, treatment, outcome)
        facts = frame(graph, query, observed)
        unused = mask_of(facts.graph, banned)
    check_roles(treatment=query.treatment, outcome=query.outcome, include=fixed, forbidden=banned)
    facts = replace(facts, allowed=facts.allowed & ~unused)
    return query, facts, mask_of(facts.graph, fixed)


def ask_about(
    graph: GraphLike,
    treatment: Names,
    outcome: Names,
    given: Names | None,
    observed: Names | None,
    forbidden: Names | None,
) -> tuple[EffectQuery, Frame, BoolArray]:
    """Query, what the criterion needs to judge a given set, and the mask of that set."""
    names, longest = as_names(given), None
    if isinstance(graph, LaggedGraph):
        nodes = tuple(graph.node(name) for name in names)
        names, longest = nodes, max((node.lag for node in nodes), default=0)
    query, facts, _ = ask(
        graph,
        treatment,
        outcome,
        observed,
        forbidden=forbidden,
        max_adjustment_lag=longest,
    )
    mask = mask_of(facts.graph, names)
    check_roles(treatment=query.treatment, outcome=query.outcome, given=names)
    return query, facts, mask


def cuts(facts: Frame, start: BoolArray, goal: BoolArray, fixed: BoolArray) -> CutProblem:
    """Adjustment sets as cuts of the proper back-door graph."""
    return CutProblem.of(facts.backdoor(), start, goal, fixed, facts.allowed)


def names_of(facts: Frame, mask: BoolArray) -> frozenset[Name]:
    """Names of the nodes in a mask."""
    return facts.graph.names(np.flatnonzero(mask))
