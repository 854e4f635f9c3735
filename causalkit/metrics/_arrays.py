"""A graph as the adjacency lists that :mod:`causalkit.metrics._intervention_kernels` walks on."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from causalkit.graph import ARROW, TAIL, CausalGraph
from causalkit.graph.equivalence import close_under_meek, consistent_extension, extend
from causalkit.typing import BoolArray, IntArray

__all__ = ["Arrays", "Lists", "as_arrays"]

Lists: TypeAlias = tuple[IntArray, IntArray]
"""`(starts, nodes)`: the neighbours of v are `nodes[starts[v]:starts[v + 1]]`."""

Arrays: TypeAlias = tuple[Lists, Lists, Lists, IntArray, NDArray[np.uint8], Lists, Lists]
"""In the order of the kernels' docstring: children, parents, loose, tails, near, below, above."""


def as_arrays(graph: CausalGraph) -> Arrays:
    """What the kernels read; a class is closed under Meek's rules and one member is found."""
    directed = graph.ends == ARROW
    children, parents = _lists(len(graph), *_edges(directed))
    undirected = (graph.ends == TAIL) & ~directed.T
    if not undirected.any():
        loose, _ = _lists(len(graph), *_NONE)
        return children, parents, loose, _NONE[0], graph.ends, children, parents
    member = extend(directed, undirected)
    if member is None:
        member = consistent_extension(graph).directed  # which says why there is none
    directed, undirected = close_under_meek(directed, undirected, names=graph.nodes)
    children, parents = _lists(len(graph), *_edges(directed))
    edges = _edges(undirected)
    loose, _ = _lists(len(graph), *edges)
    below, above = _lists(len(graph), *_edges(member))
    return children, parents, loose, edges[0], graph.ends, below, above


_NONE: Lists = (np.zeros(0, dtype=np.intp), np.zeros(0, dtype=np.intp))


def _edges(matrix: BoolArray) -> Lists:
    """Rows and columns of the true cells, row by row."""
    rows, columns = np.divmod(np.flatnonzero(matrix), max(1, len(matrix)))
    return rows, columns


def _lists(n_nodes: int, tails: IntArray, heads: IntArray) -> tuple[Lists, Lists]:
    """Adjacency lists of edges sorted by tail, walked forwards and backwards."""
    starts = np.searchsorted(tails, np.arange(n_nodes + 1))
    order = np.argsort(heads, kind="stable")
    ends = np.searchsorted(heads[order], np.arange(n_nodes + 1))
    return (starts, heads), (ends, tails[order])
