"""Hidden series: what is left of a graph of series, and what data can tell of it.

>>> from causalkit.graph import LaggedGraph
>>> text = "U[t-1] -> U[t]; X[t-1] -> X[t]; U[t-1] -> X[t]; U[t-1] -> Y[t]; X[t-1] -> Y[t]"
>>> graph = LaggedGraph.parse(text)
>>> print(lagged_pag(graph, ["X", "Y"], max_lag=1))
PAG of 2 series, lags to 1, 5 edges: X[t] o-o Y[t]; X[t-1] o-> X[t]; X[t-1] o-> Y[t];
Y[t-1] o-> X[t]; Y[t-1] o-> Y[t]

A graph of series has no beginning, so two nodes may have a common cause any number of steps ago.
Three graphs, one made from the other:

* :func:`lagged_projection` keeps the steps t-w, …, t and hides all before them. The result is exact
  and not a matter of unrolling far enough: two walks back in time, of which the later one always
  makes the next step, never lie farther apart than the longest lag, so "do they ever meet?" is a
  question about finitely many states.
* :func:`lagged_mag` hides series, too. Nodes (i, t-l) and (j, t) are adjacent if no set of observed
  nodes *of the steps t-max_lag, …, t* separates them, and the marks say which one is an ancestor of
  which. Edges that end before t are the same ones, shifted. Taken for themselves such pairs have
  less of a past within the window and might not be separable; that they are in this graph follows
  from stationarity (the "stationarified" MAG of Gerhardus).
* :func:`lagged_pag` has a circle for each mark that does not follow from the edges of the MAG and
  its unshielded colliders by the order of time (an arrow at the later end of every edge), by the
  rules of :mod:`causalkit.graph.mag` within the window, and by repetition (an edge has the same
  marks at each time). This is what LPCMCI and SVAR-FCI look for.

All three take a DAG or an ADMG, whose `<->` stand for hidden series that have no name. A CPDAG,
such as PCMCI+ learns, has members: what differs between them (an edge of a projection, a mark of a
MAG) cannot be had before all its edges are directed, but all members have one and the same PAG.

References
----------
Entner, Hoyer (2010), "On causal discovery from time series data using FCI", PGM. Malinsky, Spirtes
(2018), "Causal structure learning from multivariate time series in settings with unmeasured
confounding", PMLR 92: 23-47. Gerhardus, Runge (2020), "High-recall causal discovery for
autocorrelated time series with latent confounders", doi:10.48550/arXiv.2007.01884. Gerhardus
(2024), "Characterization of causal ancestral graphs for time series with latent confounders",
doi:10.1214/23-AOS2325.
"""

from __future__ import annotations

from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from causalkit._core.checks import as_names
from causalkit.errors import InputError, UnknownVariableError
from causalkit.graph._validity import chained
from causalkit.graph.graph import CausalGraph
from causalkit.graph.lagged_class import lagged_dag, lagged_member
from causalkit.graph.lagged_graph import LaggedGraph
from causalkit.graph.lagged_template import lagged_nodes
from causalkit.graph.latent import latent_projection
from causalkit.graph.mag import Judge, Marks, answer_paths, dag_to_mag
from causalkit.graph.marks import ARROW, CIRCLE, TAIL, Kind
from causalkit.typing import BoolArray, FloatArray, IntArray, Name, Names

__all__ = [
    "COLLIDES",
    "SEPARATES",
    "TIME",
    "Roles",
    "close_over_time",
    "first_marks",
    "judge_by_roles",
    "lagged_mag",
    "lagged_pag",
    "lagged_projection",
    "observed_series",
]

Roles: TypeAlias = NDArray[np.uint8]
"""Shape (m, p, m): `roles[a, j, k]` is what node k is where a and series j now are separated."""

SEPARATES: Final = 1
"""k is in the separating set, so it is a cause of one of the two."""

COLLIDES: Final = 2
"""k is a cause of neither."""

TIME: Final = 11
"""Reason of a mark: the order of time. 1 to 10 are the rules of a PAG, 0 is a collider."""


# --- hiding ---------------------------------------------------------------------------------------


def lagged_projection(graph: LaggedGraph, window: int) -> CausalGraph:
    """Hide all steps before t-window, of which there are infinitely many.

    Parameters
    ----------
    graph : LaggedGraph
        A DAG or an ADMG, or a CPDAG of which all edges are directed.
    window : int
        Steps into the past that are kept.

    Returns
    -------
    CausalGraph
        An ADMG (a DAG where nothing hides) over all series at t, then at t-1, and so on.

    Raises
    ------
    GraphError
        If the graph is of another kind, or has an edge without a direction.

    Examples
    --------
    >>> graph = LaggedGraph.parse("X[t-1] -> X[t]; X[t-1] -> Y[t]")
    >>> print(lagged_projection(graph, 0))
    ADMG with 2 nodes, 1 edge: X[t] <-> Y[t]
    """
    whole = _projected(lagged_dag(graph), window)
    if graph.kind is not Kind.ADMG:
        return whole
    return latent_projection(whole, lagged_nodes(graph.variables, window))


def _projected(graph: LaggedGraph, window: int) -> CausalGraph:
    """:func:`lagged_projection` of a DAG."""
    p, steps = len(graph.variables), window + 1
    directed = np.zeros((steps, p, steps, p), dtype=np.bool_)
    for lag in range(min(window, graph.max_lag) + 1):
        for now in range(steps - lag):
            directed[now + lag, :, now] = graph.directed[lag]
    arrows = directed.reshape(steps * p, steps * p)
    caused = _caused_from_before(graph.directed, window)
    bidirected = chained(chained(caused, _common_causes(graph.directed)), caused.T)
    np.fill_diagonal(bidirected, False)
    ends = (arrows | bidirected) * np.uint8(ARROW) | arrows.T * np.uint8(TAIL)
    kind = Kind.ADMG if bidirected.any() else Kind.DAG
    return CausalGraph._of(lagged_nodes(graph.variables, window), ends, kind)


def _caused_from_before(directed: BoolArray, window: int) -> BoolArray:
    """Matrix of the edges into nodes of the window from the steps before, of which max_lag count.

    Columns are all series at t-window-1, then at t-window-2, and so on.
    """
    max_lag, p = len(directed) - 1, directed.shape[1]
    caused = np.zeros((window + 1, p, max_lag, p), dtype=np.bool_)
    for now in range(window + 1):
        for before in range(max_lag):
            lag = window + 1 + before - now
            if lag <= max_lag:
                caused[now, :, before] = directed[lag].T
    return caused.reshape((window + 1) * p, max_lag * p)


def _common_causes(directed: BoolArray) -> BoolArray:
    """Which nodes of max_lag consecutive steps have a common ancestor, or are one another's.

    `meets[d, x, y]`: walks back from x now and from y, d steps ago, can meet. The later one makes
    the next step, within a step either, so no more than max_lag steps ever lie between the two.
    """
    max_lag, p = len(directed) - 1, directed.shape[1]
    meets = np.zeros((max_lag + 1, p, p), dtype=np.bool_)
    np.fill_diagonal(meets[0], True)
    before = -1
    while (count := int(meets.sum())) != before:
        before = count
        for d in range(max_lag + 1):
            for lag in range(max_lag + 1):
                rest = meets[d - lag] if lag <= d else meets[lag - d].T
                meets[d] |= chained(directed[lag].T, rest)
        meets[0] |= meets[0].T
    found = np.zeros((max_lag, p, max_lag, p), dtype=np.bool_)
    for one in range(max_lag):
        for other in range(one, max_lag):
            found[one, :, other] = meets[other - one]
            found[other, :, one] = meets[other - one].T
    return found.reshape(max_lag * p, max_lag * p)


def lagged_mag(graph: LaggedGraph, observed: Names, max_lag: int) -> LaggedGraph:
    """Return the MAG of the observed series, the same at every step.

    Parameters
    ----------
    graph : LaggedGraph
        A DAG or an ADMG, or a CPDAG of which all edges are directed.
    observed : name or names
        Series to keep; the others are hidden.
    max_lag : int
        Longest lag, and how far back a separating set may reach from the later one of a pair.

    Returns
    -------
    LaggedGraph
        Of kind MAG, over `observed` in the order of the graph.

    Raises
    ------
    GraphError
        If the graph is of another kind, or has an edge without a direction.
    InputError
        If no series is observed, or one is unknown.

    Examples
    --------
    >>> graph = LaggedGraph.parse("U[t] -> X[t]; U[t-1] -> Y[t]; X[t-1] -> X[t]")
    >>> print(lagged_mag(graph, ["X", "Y"], max_lag=1))
    MAG of 2 series, lags to 1, 2 edges: X[t-1] -> X[t]; X[t-1] <-> Y[t]
    """
    names = observed_series(graph, observed)
    return _mag(_projected(lagged_dag(graph), max_lag), names)


def observed_series(graph: LaggedGraph, observed: Names) -> tuple[Name, ...]:
    """Series that are observed, in the order of the graph.

    Raises
    ------
    InputError
        If there is none, or one is unknown.
    """
    wanted = as_names(observed)
    for name in wanted:
        if name not in graph.variables:
            raise UnknownVariableError.among(name, graph.variables, where="the graph")
    names = tuple(name for name in graph.variables if name in wanted)
    if not names:
        raise InputError("observed is empty; expected at least one series. Name what is observed.")
    return names


def _mag(window: CausalGraph, names: tuple[Name, ...]) -> LaggedGraph:
    hidden = [node for node in window.nodes if node.name not in names]  # type: ignore[union-attr]
    ends = np.array(dag_to_mag(window, latent=hidden).ends)
    ends[len(names) :, len(names) :] = 0
    return LaggedGraph._of(names, ends, Kind.MAG)


# --- marks over time ------------------------------------------------------------------------------


def lagged_pag(graph: LaggedGraph, observed: Names, max_lag: int) -> LaggedGraph:
    """Return what data on the observed series can tell of the graph.

    Parameters
    ----------
    graph : LaggedGraph
        A DAG, an ADMG or a CPDAG, of which any member will do: all have the same separations.
    observed : name or names
        Series to keep; the others are hidden.
    max_lag : int
        Longest lag, and how far back a separating set may reach from the later one of a pair.

    Returns
    -------
    LaggedGraph
        Of kind PAG.

    Raises
    ------
    GraphError
        If the graph is of another kind, or no DAG is in the class.
    InputError
        If no series is observed, or one is unknown.

    Notes
    -----
    **Assumes:** nothing about data. Every tail and arrow holds in all graphs of series that share
    the separations of this one within the window. Not every mark that does is drawn: stationarity
    says more than that marks repeat (Gerhardus 2024).

    Examples
    --------
    >>> graph = LaggedGraph.parse("X[t-1] -> X[t]; X[t-1] -> Y[t]; U[t] -> Y[t]; U[t] -> Z[t]")
    >>> print(lagged_pag(graph, ["X", "Y", "Z"], max_lag=2))
    PAG of 3 series, lags to 2, 3 edges: Z[t] o-> Y[t]; X[t-1] -> X[t]; X[t-1] -> Y[t]
    """
    from causalkit.graph._ancestral_kernels import ancestry

    names = observed_series(graph, observed)
    dag = lagged_member(graph) if graph.kind is Kind.CPDAG else lagged_dag(graph)
    whole = _projected(dag, max_lag)
    mag = _mag(whole, names)
    p = len(names)
    kept = [k for k, node in enumerate(whole.nodes) if node.name in mag.variables]  # type: ignore[union-attr]
    above = ancestry(whole.directed)[np.ix_(kept, kept)]
    causes = above[:, :, None] | above[:, None, :p]  # of either: they separate what is separable
    roles = np.where(causes, np.uint8(SEPARATES), np.uint8(COLLIDES)).transpose(1, 2, 0)
    ends, reason = first_marks(mag.adjacency)
    close_over_time(ends, np.ascontiguousarray(roles), reason)
    ends[p:, p:] = 0
    return LaggedGraph._of(mag.variables, ends, Kind.PAG)


def first_marks(adjacency: BoolArray) -> tuple[Marks, Marks]:
    """Marks that the order of time gives, and their reasons, over the whole window.

    Parameters
    ----------
    adjacency : ndarray of bool, shape (max_lag + 1, p, p)
        `[lag, past, now]`.

    Returns
    -------
    ends, reason : ndarrays of uint8, shape (m, m), m = (max_lag + 1) * p
        Node `lag * p + k` is series k, `lag` steps ago.
    """
    steps, p = adjacency.shape[:2]
    marks = np.zeros((steps, p, steps, p), dtype=np.uint8)
    for lag in range(steps):
        late = CIRCLE if lag == 0 else ARROW
        for now in range(steps - lag):
            marks[now, :, now + lag] = adjacency[lag].T * np.uint8(CIRCLE)
            marks[now + lag, :, now] = adjacency[lag] * np.uint8(late)
    ends = marks.reshape(steps * p, steps * p)
    return ends, np.where(ends == ARROW, np.uint8(TIME), np.uint8(0))


def close_over_time(
    ends: Marks,
    roles: Roles,
    reason: Marks,
    judge: Judge | None = None,
    *,
    last: bool = True,
) -> None:
    """Draw what follows from the roles of nodes, the same at all times.

    Parameters
    ----------
    ends : ndarray of uint8, shape (m, m)
        Marks over the window, changed in place; a mark that is no circle stays.
    roles : ndarray of uint8, shape (m, p, m)
        Of an unshielded triple of which the middle node has no role nothing is known.
    reason : ndarray of uint8, shape (m, m)
        Learns the number of the rule that set a mark.
    judge : callable, optional
        Answers about discriminating paths; the roles tell if left out.
    last : bool
        Whether discriminating paths count, which need edges that are surely there.
    """
    from causalkit.graph._lagged_pag_kernels import draw_colliders, repeat_marks, unclear_triples
    from causalkit.graph._pag_kernels import neighbours

    p, stop = roles.shape[1], np.zeros(1, dtype=np.bool_)
    judge = judge or judge_by_roles(roles)
    starts, near = neighbours(ends)
    while True:
        if draw_colliders(ends, starts, near, roles):
            repeat_marks(ends, reason, p)
        unclear = unclear_triples(ends, starts, near, roles)
        rules = ends, starts, near, unclear, reason, False
        answer_paths(rules, None, judge if last else None, stop)
        if repeat_marks(ends, reason, p) == 0:
            return


def judge_by_roles(roles: Roles, p_values: FloatArray | None = None) -> Judge:
    """Answer about discriminating paths (t, …, a, b, c) by what separates t and c.

    Parameters
    ----------
    roles : ndarray of uint8, shape (m, p, m)
    p_values : ndarray of float, shape (m, p), optional
        Of the separations; the larger, the surer.
    """
    p = roles.shape[1]

    def judge(_: Marks, paths: IntArray) -> tuple[IntArray, NDArray[np.int8]]:
        t, _, b, c, length = paths.T
        shift = np.minimum(t, c) // p * p
        past, now = np.maximum(t, c) - shift, np.minimum(t, c) - shift
        verdict = (roles[past, now, b - shift] != SEPARATES).astype(np.int8)
        sure = np.zeros(len(paths)) if p_values is None else p_values[past, now]
        order = np.lexsort((length, -sure))
        return paths[order], verdict[order]

    return judge
