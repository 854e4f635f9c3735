"""The same graph with a share of its edges elsewhere, of the same number and still acyclic.

>>> from causalkit.graph import CausalGraph
>>> dag = CausalGraph.parse("a -> b -> c -> d")
>>> moved = rewired(dag, share=0.7, rng=0)
>>> len(moved.edges()), len(set(moved.edges()) & set(dag.edges()))
(3, 1)
"""

from __future__ import annotations

import numpy as np

from causalkit._core.checks import check_fraction
from causalkit._core.random import as_generator
from causalkit.errors import GraphError
from causalkit.graph import ARROW, TAIL, CausalGraph, Kind, LaggedGraph
from causalkit.graph._validity import topological_order
from causalkit.typing import BoolArray, RandomState

__all__ = ["rewired"]


def rewired(
    graph: CausalGraph | LaggedGraph, *, share: float = 0.5, rng: RandomState = None
) -> CausalGraph | LaggedGraph:
    """Move a share of the edges to places where there are none.

    Parameters
    ----------
    graph : CausalGraph or LaggedGraph
        Kind DAG.
    share : float, default 0.5
        Of the edges; of series, of those between different ones: what drives itself stays.
    rng : int, Generator or None

    Returns
    -------
    CausalGraph or LaggedGraph
        With as many edges, which follow the causal order of the old graph; of series, lagged links
        stay lagged, and links within a step within it. Fewer are moved where there is no place.

    Raises
    ------
    GraphError
        If the graph is no DAG.
    """
    check_fraction(share, "share", closed=True)
    if graph.kind is not Kind.DAG:
        raise GraphError(
            f"the graph is of kind {graph.kind.name}; expected a DAG, of which edges can be moved. "
            "Take a member of the class."
        )
    generator = as_generator(rng)
    links = graph.directed.copy() if isinstance(graph, LaggedGraph) else graph.directed[None].copy()
    _move(links[:1], _forwards(links[0]), share, generator)
    if isinstance(graph, CausalGraph):
        marks = (links[0] * ARROW + links[0].T * TAIL).astype(np.uint8)
        return CausalGraph(graph.nodes, marks, Kind.DAG)
    others = np.broadcast_to(~np.eye(links.shape[1], dtype=np.bool_), links[1:].shape)
    _move(links[1:], others, share, generator)
    return LaggedGraph.from_marks(graph.variables, links * TAIL, links * ARROW, Kind.DAG)


def _forwards(links: BoolArray) -> BoolArray:
    """Pairs that follow a causal order, shape (1, p, p)."""
    order = topological_order(links)
    place = np.empty(len(links), dtype=np.intp)
    place[np.asarray(order)] = np.arange(len(links))
    return (place[:, None] < place)[None]


def _move(links: BoolArray, allowed: BoolArray, share: float, rng: np.random.Generator) -> None:
    """Move links, in place, to cells that are allowed and free."""
    there, free = np.argwhere(links & allowed), np.argwhere(allowed & ~links)
    n = min(round(share * len(there)), len(free))
    if n:
        gone, come = there[rng.choice(len(there), n, False)], free[rng.choice(len(free), n, False)]
        links[tuple(gone.T)] = False
        links[tuple(come.T)] = True
