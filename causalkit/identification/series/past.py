"""A window of time that knows of the infinite past before it.

Series have no first step. A graph of them is read in a window, and what lies before the window is
not in it, yet matters: two nodes of the oldest steps may have a common cause back there, however
far. How far can it be? Two variables that repeat every 4 and every 7 steps may meet 28 steps ago,
or never; no fixed margin is long enough for all graphs. So the meeting is not looked for by
unrolling. Whether i and j, d steps apart, have a common cause is the smallest relation with ::

    i = j and d = 0,   or   i <-> j at distance d,
    or   a cause of i (or of j), at its own distance, has a common cause with the other,

over the finitely many (i, j, d) of which d is not beyond the longest lag in either direction: of
two walks into the past, the one that lags behind can always be moved on, so the two need never be
further apart.

A window whose oldest nodes are joined by `<->` wherever that holds has, for sets of nodes within
the rest of it, exactly the separations of the infinite graph. A walk that leaves the window comes
back at an oldest node; nothing before the window is given, so all that counts is whether the walk
is free of colliders there, and a collider that a given node opens has a directed path into the
window, along which the walk can be led instead.

References
----------
Gerhardus, A., Wahl, J., Faltenbacher, S., Ninad, U., Runge, J. (2023). Projecting infinite time
series graphs to finite marginal graphs using number theory. arXiv:2310.05526.
"""

from __future__ import annotations

import numpy as np

from causalkit.graph import ARROW, CausalGraph, Kind
from causalkit.graph.lagged_graph import LaggedGraph
from causalkit.typing import BoolArray

__all__ = ["shared_past", "window_with_past"]


def shared_past(graph: LaggedGraph) -> BoolArray:
    """Which nodes have a common cause, or are one, some steps apart.

    Parameters
    ----------
    graph : LaggedGraph
        DAG, ADMG or MAG.

    Returns
    -------
    ndarray of bool, shape (2 * max_lag + 1, p, p)
        `[max_lag + d, i, j]`: whether i and j have, i being d steps later than j.

    Examples
    --------
    >>> graph = LaggedGraph.parse("C[t-1] -> X[t]; C[t-3] -> Y[t]")
    >>> at = {name: graph.index(name) for name in graph.variables}
    >>> [d for d in range(-3, 4) if shared_past(graph)[3 + d, at["Y"], at["X"]]]
    [2]
    """
    longest, p = graph.max_lag, len(graph.variables)
    joined = graph.template.bidirected[:, :p].reshape(longest + 1, p, p)
    into = np.swapaxes(graph.directed, 1, 2).astype(np.float32)
    found = np.zeros((2 * longest + 1, p, p), dtype=np.bool_)
    found[longest] = np.eye(p, dtype=np.bool_)
    for lag in range(longest + 1):
        found[longest - lag] |= joined[lag]
        found[longest + lag] |= joined[lag].T
    while True:
        known = found.copy()
        for lag in range(longest + 1):
            for later in range(lag, 2 * longest + 1):
                found[later] |= into[lag] @ found[later - lag] > 0
        found |= np.swapaxes(found[::-1], 1, 2)
        if np.array_equal(found, known):
            return found


def window_with_past(graph: LaggedGraph, depth: int) -> CausalGraph:
    """Unroll a graph, and join what has a common cause before the window.

    Parameters
    ----------
    graph : LaggedGraph
        DAG, ADMG or MAG, without `--`.
    depth : int
        Steps into the past. Separations are those of the infinite graph for nodes that are at most
        `depth - max_lag` steps old.

    Returns
    -------
    CausalGraph
        Of kind ADMG; nodes as in :meth:`LaggedGraph.unroll`.
    """
    window = graph.unroll(depth)
    longest, p = graph.max_lag, len(graph.variables)
    ends = np.array(window.ends)
    if longest:
        shared = shared_past(graph)
        oldest = ends.reshape(depth + 1, p, depth + 1, p)
        for a in range(longest):
            for b in range(longest):
                apart = shared[longest + a - b].copy()
                if a == b:
                    np.fill_diagonal(apart, False)
                oldest[a, :, b][apart] |= ARROW
    return CausalGraph._of(window.nodes, ends, Kind.ADMG)
