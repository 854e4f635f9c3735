"""Hiding variables: the graph over those that are observed.

The latent projection keeps, of a graph with hidden variables, all that observed ones can tell. Two
observed nodes are joined by

* `a -> b` if a directed path runs from a to b through hidden nodes only,
* `a <-> b` if a path without colliders runs between them through hidden nodes only and points into
  both: `a <- … <- u -> … -> b`, or with one `<->` in its middle.

Ancestral relations and separations among the observed nodes stay as they were, and so does every
question of identification.

>>> from causalkit.graph import CausalGraph
>>> full = CausalGraph.parse("smoking -> tar -> cancer; gene -> smoking; gene -> cancer")
>>> print(latent_projection(full, ["smoking", "tar", "cancer"]))
ADMG with 3 nodes, 3 edges: smoking -> tar; smoking <-> cancer; tar -> cancer

References
----------
Verma, Pearl (1990), "Equivalence and synthesis of causal models", UAI. Richardson, Evans, Robins,
Shpitser (2023), "Nested Markov properties for acyclic directed mixed graphs",
doi:10.1214/22-AOS2253.
"""

from __future__ import annotations

import numpy as np

from causalkit.errors import GraphError, InputError
from causalkit.graph.graph import CausalGraph
from causalkit.graph.marks import ARROW, TAIL, Kind
from causalkit.graph.walks import mask_of
from causalkit.typing import BoolArray, Names

__all__ = ["latent_projection"]


def latent_projection(graph: CausalGraph, observed: Names) -> CausalGraph:
    """Return the graph over the observed nodes, hidden ones marginalised.

    Parameters
    ----------
    graph : CausalGraph
        A DAG or an ADMG.
    observed : name or names
        Nodes to keep; the others are hidden.

    Returns
    -------
    CausalGraph
        Over `observed` in the order of `graph`; an ADMG if a `<->` is in it, else a DAG.

    Raises
    ------
    GraphError
        If the graph is a MAG or a class of graphs.
    InputError
        If no node is observed.

    Examples
    --------
    >>> graph = CausalGraph.parse("A -> B -> C -> D; E -> D")
    >>> print(latent_projection(graph, ["A", "C", "D"]))
    DAG with 3 nodes, 2 edges: A -> C; C -> D
    """
    if graph.kind not in (Kind.DAG, Kind.ADMG):
        raise GraphError(
            f"latent_projection() got a {graph.kind.name}; expected a DAG or an ADMG, whose edges "
            "say what causes what. Project the members of a class one by one."
        )
    kept = mask_of(graph, observed)
    if not kept.any():
        raise InputError("observed is empty; expected at least one node. Name what is observed.")
    through = _directed_through(graph, ~kept)
    # Who feeds an observed node by a path through hidden ones: itself, or a hidden node above it.
    feeds = np.where(kept[:, None], np.eye(len(kept), dtype=np.bool_), through)[:, kept]
    sources = graph.bidirected | np.diag(~kept)  # a path without colliders turns at one of these
    bidirected = _linked(feeds, sources)
    np.fill_diagonal(bidirected, False)
    directed = through[np.ix_(kept, kept)]
    ends = (directed | bidirected) * np.uint8(ARROW) | directed.T * np.uint8(TAIL)
    kind = Kind.ADMG if bidirected.any() else Kind.DAG
    names = (name for name, keep in zip(graph.nodes, kept, strict=True) if keep)
    return CausalGraph(names, ends, kind)


def _directed_through(graph: CausalGraph, hidden: BoolArray) -> BoolArray:
    """Matrix of directed paths whose inner nodes are all hidden, effects before causes."""
    through = graph.directed.copy()
    for v in graph.order[::-1].tolist():
        through[v] |= through[graph.directed[v] & hidden].any(axis=0)
    return through


def _linked(feeds: BoolArray, sources: BoolArray) -> BoolArray:
    """Which columns of `feeds` are joined by a pair of rows in `sources`: feedsᵀ sources feeds."""
    rows = feeds.astype(np.float32)
    linked: BoolArray = rows.T @ ((sources.astype(np.float32) @ rows) > 0) > 0
    return linked
