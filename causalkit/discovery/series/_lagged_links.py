"""From a table of links to a graph, and from a graph to a sentence."""

from __future__ import annotations

from typing import Final

import numpy as np

from causalkit.discovery.base import Explanation
from causalkit.graph import ARROW, TAIL, Kind, Lagged, LaggedGraph
from causalkit.typing import BoolArray, FloatArray, Name

__all__ = ["explained", "lagged_dag", "unasked"]

_WITHIN: Final = "links within a step are not looked for: only the past predicts"


def lagged_dag(names: tuple[Name, ...], links: BoolArray) -> LaggedGraph:
    """Graph of links `[lag, cause, effect]`, which make no circle within a step."""
    marks = links.astype(np.uint8)
    return LaggedGraph.from_marks(names, marks * TAIL, marks * ARROW, Kind.DAG)


def unasked(max_lag: int, n_series: int) -> FloatArray:
    """Numbers by `[lag, cause, effect]`, NaN until they are known."""
    return np.full((max_lag + 1, n_series, n_series), np.nan)


def explained(graph: LaggedGraph, past: Lagged, now: Lagged, why: str) -> Explanation:
    """Say what joins two nodes; `why` holds for an earlier step only."""
    edges = graph.edges_between(past, now)
    return Explanation(
        (past, now),
        str(edges[0]) if edges else "no edge",
        why if past.lag else _WITHIN,
        "what comes first is the cause" if edges else None,
    )
