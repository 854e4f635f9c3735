"""Which graphs of series share all independences: the arrow of time, colliders and Meek's rules.

Within a step only edges between two nodes of that step are open, and whatever directs one of them
(a collider at its end, or one of Meek's rules) has its pictures in the template: the past takes
part as a cause, and whether two of its nodes are joined decides nothing.
"""

from __future__ import annotations

import numpy as np

from causalkit.errors import GraphError
from causalkit.graph.lagged_graph import LaggedGraph
from causalkit.graph.marks import Kind
from causalkit.graph.meek import class_marks

__all__ = ["lagged_cpdag"]


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
