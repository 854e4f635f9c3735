"""What is left of a graph of series where some are hidden, or only every k-th step is seen.

Hide nodes of a graph that has no beginning, and ask of those that are seen

* X[t-l] → Y[t]: does a directed walk lead from one to the other with hidden nodes only between?
* X[t-l] ↔ Y[t]: do directed walks lead to both from one hidden node, through hidden nodes only?

This is the latent projection, of infinitely many steps. It is exact all the same: walk back from
both ends, the later one always making the next step, and the two never lie farther apart than the
longest lag or the lag in question, so whether they meet is a question about finitely many states.

Lags are counted in steps that are seen. A hidden series with a memory may join series over any lag,
so the answer is cut at `max_lag`: each edge up to there is listed and no other one.

>>> from causalkit.graph import LaggedGraph
>>> graph = LaggedGraph.parse("X[t-1] -> X[t]; X[t-1] -> Y[t]; U[t] -> X[t]; U[t-1] -> Y[t]")
>>> print(project_series(graph, ["X", "Y"]))
ADMG of 2 series, lags to 1, 3 edges: X[t-1] -> X[t]; X[t-1] -> Y[t]; X[t-1] <-> Y[t]
>>> print(project_series(LaggedGraph.parse("X[t-1] -> X[t]; X[t-1] -> Y[t]"), every=2))
ADMG of 2 series, lags to 1, 3 edges: X[t] <-> Y[t]; X[t-1] -> X[t]; X[t-1] -> Y[t]
"""

from __future__ import annotations

import numpy as np

from causalkit._core.checks import check_count
from causalkit.errors import GraphError
from causalkit.graph import Kind, LaggedGraph
from causalkit.graph._validity import chained
from causalkit.graph.lagged_latent import observed_series
from causalkit.graph.marks import ARROW, TAIL
from causalkit.typing import BoolArray, Names

__all__ = ["project_series"]


def project_series(
    graph: LaggedGraph,
    observed: Names | None = None,
    *,
    every: int = 1,
    max_lag: int | None = None,
) -> LaggedGraph:
    """Hide series, and the steps between every k-th one.

    Parameters
    ----------
    graph : LaggedGraph
        A DAG.
    observed : name or names, optional
        Series to keep; all if left out.
    every : int, default 1
        Keep the steps t, t - every, t - 2 every, …
    max_lag : int, optional
        Longest lag of the answer, in steps that are kept. Left out, the longest at which the graph
        itself could join two nodes, rounded up: lags of `graph` divided by `every`, at least 1.

    Returns
    -------
    LaggedGraph
        An ADMG, or a DAG where nothing is confounded. Exact up to `max_lag`.

    Raises
    ------
    GraphError
        If the graph is no DAG.
    InputError
        If no series is observed, or one is unknown.

    Examples
    --------
    >>> from causalkit.graph import LaggedGraph
    >>> hidden = LaggedGraph.parse("U[t-1] -> U[t]; U[t] -> X[t]; U[t] -> Y[t]")
    >>> print(project_series(hidden, ["X", "Y"], max_lag=0))
    ADMG of 2 series, lags to 0, 1 edge: X[t] <-> Y[t]
    """
    if graph.kind is not Kind.DAG:
        raise GraphError(f"the graph is a {graph.kind.name}; expected a DAG. Give the whole truth.")
    every = check_count(every, "every")
    longest = max(1, -(-graph.max_lag // every)) if max_lag is None else max_lag
    longest = check_count(longest, "max_lag", minimum=0)
    kept = observed_series(graph, graph.variables if observed is None else observed)
    seen = np.array([name in kept for name in graph.variables])
    hidden = np.ones((every, len(seen)), dtype=np.bool_)
    hidden[0] = ~seen
    where = np.flatnonzero(seen)
    directed = _directed(graph.directed, hidden, longest)[:, where][:, :, where]
    joined = _confounded(graph.directed, hidden, longest)[:, where][:, :, where]
    np.fill_diagonal(joined[0], False)
    starts = directed * np.uint8(TAIL) | joined * np.uint8(ARROW)
    ends = (directed | joined) * np.uint8(ARROW)
    return LaggedGraph.from_marks(kept, starts, ends, Kind.ADMG if joined.any() else Kind.DAG)


def _directed(directed: BoolArray, hidden: BoolArray, longest: int) -> BoolArray:
    """`[l, i, j]`: i, l kept steps ago, leads to j now through hidden nodes only."""
    every, p = hidden.shape
    steps, max_lag = longest * every, len(directed) - 1
    reached = np.zeros((steps + 1, p, p), dtype=np.bool_)  # [steps back, i, j]
    through = np.zeros_like(reached)  # the same of hidden nodes, and j itself
    through[0] = np.eye(p, dtype=np.bool_)
    for back in range(steps + 1):
        for lag in range(1, min(back, max_lag) + 1):
            reached[back] |= chained(directed[lag], through[back - lag])
        for _ in range(p):  # so many links within the step at most
            through[back] |= reached[back] & hidden[back % every][:, None]
            reached[back] |= chained(directed[0], through[back])
    return reached[::every]


def _confounded(directed: BoolArray, hidden: BoolArray, longest: int) -> BoolArray:
    """`[l, i, j]`: i, l kept steps ago, and j now have a hidden cause in common."""
    every, p = hidden.shape
    max_lag = len(directed) - 1
    apart = longest * every + max_lag
    meets = np.zeros((every, apart + 1, p, p), dtype=np.bool_)
    for phase in range(every):
        meets[phase, 0] = np.diag(hidden[phase])
    before = -1
    while (count := int(meets.sum())) != before:
        before = count
        for phase in range(every):
            for d in range(apart + 1):
                both = hidden[phase][:, None] & hidden[(phase + d) % every]
                meets[phase, d] |= _stepped(directed, hidden, meets, phase, d) & both
            meets[phase, 0] |= meets[phase, 0].T
    found = np.zeros((longest + 1, p, p), dtype=np.bool_)
    for lag in range(longest + 1):
        for one in range(max_lag + 1):
            for other in range(max_lag + 1):
                pair = _pair(meets, one % every, lag * every + other - one)
                now = directed[one] & hidden[one % every][:, None]
                past = directed[other] & hidden[other % every][:, None]
                found[lag] |= chained(chained(past.T, pair.T), now)
    return found


def _stepped(
    directed: BoolArray, hidden: BoolArray, meets: BoolArray, phase: int, d: int
) -> BoolArray:
    """`[x, y]`: a hidden cause of x, and y that lies d steps before x, meet."""
    every = len(hidden)
    found = np.zeros(meets.shape[2:], dtype=np.bool_)
    for lag in range(len(directed)):
        step = directed[lag] & hidden[(phase + lag) % every][:, None]
        found |= chained(step.T, _pair(meets, (phase + lag) % every, d - lag))
    return found


def _pair(meets: BoolArray, phase: int, d: int) -> BoolArray:
    """`[x, y]` of x at a phase and y, d steps before it; after it, if d is negative."""
    every = len(meets)
    pair: BoolArray = meets[phase, d] if d >= 0 else meets[(phase + d) % every, -d].T
    return pair
