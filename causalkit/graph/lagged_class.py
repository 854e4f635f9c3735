"""Which graphs of series share all independences: the arrow of time, colliders and Meek's rules.

Within a step only edges between two nodes of that step are open, and whatever directs one of them
(a collider at its end, or one of Meek's rules) has its pictures in the template: the past takes
part as a cause, and whether two of its nodes are joined decides nothing. So a class is made from a
DAG within the template, and a DAG from a class.

>>> from causalkit.graph import LaggedGraph
>>> found = LaggedGraph.parse("X[t-1] -> X[t]; X[t] -> Y[t]").to_cpdag()
>>> print(found)
CPDAG of 2 series, lags to 1, 2 edges: X[t] -> Y[t]; X[t-1] -> X[t]
>>> print(lagged_dag(found))
DAG of 2 series, lags to 1, 2 edges: X[t] -> Y[t]; X[t-1] -> X[t]
"""

from __future__ import annotations

from itertools import count, islice

import numpy as np

from causalkit.errors import GraphError
from causalkit.graph.equivalence import consistent_extension
from causalkit.graph.lagged import Lagged, as_lagged
from causalkit.graph.lagged_graph import LaggedGraph
from causalkit.graph.lagged_template import in_template
from causalkit.graph.marks import Edge, Kind
from causalkit.graph.meek import class_marks

__all__ = ["lagged_cpdag", "lagged_dag", "lagged_member"]


def lagged_cpdag(graph: LaggedGraph) -> LaggedGraph:
    """Class of a DAG of series; see :meth:`LaggedGraph.to_cpdag`."""
    if graph.kind is not Kind.DAG:
        raise GraphError(
            f"to_cpdag() on a {graph.kind.name}; expected a DAG, of which every edge is a direct "
            "cause. A graph with hidden causes has a PAG."
        )
    p, joined = len(graph.variables), graph.template.adjacency
    arrows = graph.template.directed.copy()
    arrows[:p, :p] = False  # of a step: those into a collider
    for effect in range(p):
        parents = np.flatnonzero(graph.template.directed[:, effect])
        apart = ~joined[np.ix_(parents, parents)]
        np.fill_diagonal(apart, False)
        apart[np.ix_(parents >= p, parents >= p)] = False  # both are in the past, and directed
        arrows[parents[apart.any(axis=1)], effect] = True
    return LaggedGraph._of(graph.variables, class_marks(joined, arrows, sound=True), Kind.CPDAG)


def lagged_dag(graph: LaggedGraph) -> LaggedGraph:
    """The one DAG that the graph stands for; each `<->` as a series, after those of the graph."""
    if graph.kind is Kind.CPDAG:
        loose = [str(edge) for edge in graph.edges() if edge.symbol == "--"]
        if loose:
            raise GraphError(
                f"the CPDAG of series has edges without a direction: {', '.join(loose[:3])}; "
                "expected directed edges, since members of the class differ in the answer. Direct "
                "them by what you know, or ask lagged_pag(), which all members have in common."
            )
        return lagged_member(graph)
    if graph.kind is Kind.ADMG:
        return _with_hidden_series(graph)
    if graph.kind is not Kind.DAG:
        raise GraphError(
            f"the graph of series is a {graph.kind.name}, which has forgotten what is hidden; "
            "expected a DAG, an ADMG or a CPDAG, which say what causes what. Pass the graph with "
            "its hidden series, as series or as <->."
        )
    return graph


def lagged_member(graph: LaggedGraph) -> LaggedGraph:
    """A DAG of the class. An edge of a step meets all its colliders within the template."""
    dag = consistent_extension(graph.template)
    return LaggedGraph._of(graph.variables, np.array(dag.ends), Kind.DAG)


def _with_hidden_series(graph: LaggedGraph) -> LaggedGraph:
    """Name a cause without memory for each `<->`: `a[t-l] <-> b[t]` is `a[t] <- h[t]`, `h[t-l]`."""
    edges = graph.edges()
    shared = [edge for edge in edges if edge.symbol == "<->"]
    taken = set(map(str, graph.variables))
    fresh = (f"hidden {k}" for k in count(1))
    names = list(islice((name for name in fresh if name not in taken), len(shared)))
    arrows = [edge for edge in edges if edge.symbol != "<->"]
    for name, edge in zip(names, shared, strict=True):
        past, now = in_template(as_lagged(edge.left), as_lagged(edge.right))
        arrows += [Edge(Lagged(name), past.shifted(-past.lag), "->")]
        arrows += [Edge(Lagged(name, past.lag), now, "->")]
    return LaggedGraph((*graph.variables, *names), arrows, kind=Kind.DAG)
