"""Which series may drive which: from a graph, a summary of one, or a matrix.

A hypothesis is a mask, `[lag - 1, cause, effect]`. A lagged graph tells it lag by lag. A summary
graph, or a matrix such as one of which stations lie near each other, tells it by pairs, and then
all lags of a pair are let in. Nothing is added: a series whose own past is left out is drawn
without it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from causalkit.errors import InputError
from causalkit.graph import Kind, LaggedGraph
from causalkit.graph.summary import SummaryGraph
from causalkit.typing import BoolArray, Name

__all__ = ["read_hypothesis"]


def read_hypothesis(graph: Any, names: tuple[Name, ...], max_lag: int) -> BoolArray:
    """Read what drives what.

    Parameters
    ----------
    graph : LaggedGraph, SummaryGraph, or array of shape (p, p)
        Of an array, `[cause, effect]`, in the order of the series. A summary or an array lets in
        all lags of a pair, a lagged graph those that it has.
    names : tuple of names
    max_lag : int

    Returns
    -------
    ndarray of bool, shape (max_lag, p, p)
        `[lag - 1, cause, effect]`.

    Raises
    ------
    InputError
        If the graph is over other series, is no DAG, has links within a step or longer lags.
    """
    if isinstance(graph, LaggedGraph):
        return _of_lagged(graph, names, max_lag)
    if isinstance(graph, SummaryGraph):
        strange = {link.symbol for link in graph.links} - {"->"}
        if strange:
            raise InputError(
                f"the graph has links {sorted(strange)}; expected arrows only. Decide how they "
                "point, or leave them out."
            )
        order = _order(graph.variables, names)
        pairs = np.asarray(graph.adjacency)[np.ix_(order, order)]
    else:
        pairs = _matrix(graph, len(names))
    return np.repeat(pairs[None], max_lag, axis=0)


def _of_lagged(graph: LaggedGraph, names: tuple[Name, ...], max_lag: int) -> BoolArray:
    if graph.kind is not Kind.DAG:
        raise InputError(
            f"the graph is a {graph.kind.name}; expected a DAG: a network reads a series or does "
            "not. Choose one of its members, or pass a matrix of what may drive what."
        )
    order = _order(graph.variables, names)
    directed = np.asarray(graph.directed)
    if directed[0].any():
        raise InputError(
            "the graph has edges within a step, and here every effect comes a step later at least; "
            "expected edges from the past only. Leave them out, or use Twin, which has them."
        )
    if directed[max_lag + 1 :].any():
        raise InputError(
            f"the graph has edges with lags up to {graph.max_lag}; expected {max_lag} at most, as "
            f"max_lag says. Use max_lag={graph.max_lag}."
        )
    mask = np.zeros((max_lag, len(names), len(names)), dtype=np.bool_)
    n_lags = min(max_lag, graph.max_lag)
    mask[:n_lags] = directed[1 : n_lags + 1][:, order][:, :, order]
    return mask


def _order(variables: tuple[Name, ...], names: tuple[Name, ...]) -> list[int]:
    if set(variables) != set(names):
        raise InputError(
            f"the graph is over {list(variables)[:8]}, the data have {list(names)[:8]}; expected "
            "the same series. Leave out of the data what the graph does not have, or the reverse."
        )
    return [variables.index(name) for name in names]


def _matrix(graph: Any, p: int) -> BoolArray:
    try:
        matrix = np.asarray(graph, dtype=np.float64)
    except (TypeError, ValueError):
        matrix = np.empty(0)
    if matrix.shape != (p, p) or not np.isin(matrix, (0.0, 1.0)).all():
        raise InputError(
            f"graph is a {type(graph).__name__} of shape {matrix.shape}; expected a LaggedGraph, a "
            f"SummaryGraph, or a matrix of zeros and ones of shape ({p}, {p}), [cause, effect]."
        )
    pairs: BoolArray = matrix == 1.0
    return pairs
