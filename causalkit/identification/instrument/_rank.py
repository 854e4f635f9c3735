r"""Which rows of a covariance matrix a graph lets be independent: treks as a flow.

Covariances of a linear model come about along *treks*: from a variable up against arrows to a
common source, and down along arrows to the other variable. A block of the covariance matrix, rows A
and columns B, has for almost all coefficients as many independent rows as there are treks from A to
B that do not meet, neither on the way up nor on the way down (Sullivant, Talaska & Draisma 2010).
That is a maximal flow in a network that has every variable twice: once on the way up, once on the
way down.

The partial covariances of Z and X given W have full rank k exactly if the block with rows W, Z and
columns W, X has rank |W| + k. So the network also says whether instruments move k treatments in k
different ways.

References
----------
Sullivant, S., Talaska, K., Draisma, J. (2010). Trek separation for Gaussian graphical models.
Annals of Statistics 38(3). https://doi.org/10.1214/09-AOS760
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

import numpy as np

from causalkit.graph import CausalGraph

__all__ = ["independent_rows"]


def independent_rows(graph: CausalGraph, rows: Iterable[int], columns: Iterable[int]) -> list[int]:
    """Find rows of a block of the covariance matrix that are independent and span the others.

    Parameters
    ----------
    graph : CausalGraph
        A DAG or an ADMG.
    rows, columns : positions of nodes
        The block. Rows that come first are preferred.

    Returns
    -------
    list of int
        As many as the rank that the block has for almost all coefficients.
    """
    size = len(graph.nodes)
    residual = _network(graph)
    end = len(residual)
    residual.append(set())
    for column in columns:
        residual[2 * (size + column) + 1].add(end)
    # Sets of rows that treks link form a matroid: a row that fails now will not help later.
    return [row for row in rows if _push(residual, 2 * row, end)]


def _network(graph: CausalGraph) -> list[set[int]]:
    """Arcs of the network: node v is v on the way up and size + v on the way down.

    Each of these is an entrance 2n and an exit 2n + 1 with one arc between: one trek may pass.
    """
    size = len(graph.nodes)
    arcs: list[set[int]] = [set() for _ in range(4 * size)]
    for node in range(2 * size):
        arcs[2 * node].add(2 * node + 1)
    for v in range(size):
        arcs[2 * v + 1].add(2 * (size + v))
    for cause, effect in np.argwhere(graph.directed).tolist():
        arcs[2 * effect + 1].add(2 * cause)
        arcs[2 * (size + cause) + 1].add(2 * (size + effect))
    for a, b in np.argwhere(graph.bidirected).tolist():
        arcs[2 * a + 1].add(2 * (size + b))
    return arcs


def _push(residual: list[set[int]], start: int, end: int) -> bool:
    """Send one more unit from `start` to `end` if that is possible, turning the arcs it takes."""
    came_from = {start: start}
    queue = deque([start])
    while queue and end not in came_from:
        here = queue.popleft()
        for there in residual[here]:
            if there not in came_from:
                came_from[there] = here
                queue.append(there)
    if end not in came_from:
        return False
    there = end
    while there != start:
        here = came_from[there]
        residual[here].remove(there)
        residual[there].add(here)
        there = here
    return True
