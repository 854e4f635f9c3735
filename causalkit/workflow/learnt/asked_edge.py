"""The edge that is asked about, put into graphs that lack it.

A search leaves an edge out that the data do not call for, and then its graph says that the effect
is zero: not small, but zero, with nothing around it. Of a weak effect all searches may say so. That
is an answer to "which graph is the best one" and none to "how large is the effect", so each graph
that is kept has a twin with the edge from treatment to outcome, and the twin is judged by its score
as all graphs are. An edge too many costs half of log n at most, so it is nearly always kept.

A search may also draw the edge the other way round, and then the effect is zero, too. Which way it
runs may hang on a few units of the score, but turning it is not enough: treatment and outcome need
other parents then. So a search is told that the outcome is no cause of the treatment, and another
that it is no cause of anything, and what they find is judged beside the rest.

>>> graph = CausalGraph.parse("a -> y; a -> x")
>>> print(joined(graph, "x", "y"))
DAG with 3 nodes, 3 edges: a -> y; a -> x; x -> y
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
from sklearn.base import clone

from causalkit.discovery._setup import as_knowledge
from causalkit.discovery.base import DiscoveryAlgorithm
from causalkit.errors import GraphError, InputError
from causalkit.graph import ARROW, TAIL, CausalGraph, Kind, LaggedGraph, meek_closure
from causalkit.graph.lagged import as_lagged
from causalkit.typing import Name

__all__ = ["joined", "turned"]


def joined(
    graph: CausalGraph | LaggedGraph, treatment: Name, outcome: Name
) -> CausalGraph | LaggedGraph | None:
    """Return the graph with the edge treatment -> outcome.

    Parameters
    ----------
    graph : CausalGraph or LaggedGraph
        DAG or CPDAG.
    treatment, outcome : str or int
        Of series nodes.

    Returns
    -------
    graph of the same kind, or None
        Of a class the one with the same colliders and one arrow more, and what follows from it.
        None if the two are joined, or the edge would go backwards in time, farther back than the
        graph does, or against all other arrows.
    """
    if isinstance(graph, LaggedGraph):
        past, now = as_lagged(treatment, graph.variables), as_lagged(outcome, graph.variables)
        lag = past.lag - now.lag
        if not 0 <= lag <= graph.max_lag:
            return None
        p = len(graph.variables)
        start = lag * p + graph.variables.index(past.name)
        found = _with_arrow(graph.template, start, graph.variables.index(now.name))
        if found is None:
            return None
        return LaggedGraph._of(graph.variables, np.array(found.ends), found.kind)
    nodes = graph.nodes
    return _with_arrow(graph, nodes.index(treatment), nodes.index(outcome))


def turned(
    search: DiscoveryAlgorithm,
    asked: tuple[Name, Name],
    graphs: Iterable[CausalGraph | LaggedGraph],
) -> list[DiscoveryAlgorithm]:
    """Return the search with what it would have to know to draw the edge the way it is asked about.

    Parameters
    ----------
    search : DiscoveryAlgorithm
    asked : treatment and outcome
    graphs : iterable of CausalGraph
        Those that were found; none of series is asked about.

    Returns
    -------
    list of DiscoveryAlgorithm
        Two at most; none if no graph has the outcome among the causes of the treatment, or what is
        known already contradicts that it is none.
    """
    treatment, outcome = asked
    backwards = [
        graph
        for graph in graphs
        if isinstance(graph, CausalGraph) and outcome in graph.ancestors(treatment)
    ]
    if not backwards or not hasattr(search, "knowledge"):
        return []
    known = as_knowledge(search.knowledge)
    others = tuple(name for name in backwards[0].nodes if name != outcome)
    direct = any(outcome in graph.parents(treatment) for graph in backwards)
    found = []
    for spared in ((treatment,), others) if direct else (others,):
        new = [(outcome, name) for name in spared if (outcome, name) not in known.required]
        try:
            told = replace(known, forbidden=(*known.forbidden, *new))
        except InputError:
            continue
        found.append(clone(search).set_params(knowledge=told))
    return found


def _with_arrow(graph: CausalGraph, start: int, end: int) -> CausalGraph | None:
    if graph.ends[start, end] or graph.kind not in (Kind.DAG, Kind.CPDAG):
        return None
    ends = np.array(graph.ends)
    ends[start, end], ends[end, start] = ARROW, TAIL
    try:
        return meek_closure(CausalGraph(graph.nodes, ends, graph.kind))
    except GraphError:
        return None
