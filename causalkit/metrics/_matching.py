"""Two graphs side by side: the same nodes, matched by name.

Graphs of series are compared by their templates: each link once, though it is there at every step.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TypeAlias

import numpy as np

from causalkit.errors import GraphError, InputError
from causalkit.graph import CausalGraph, Kind, LaggedGraph
from causalkit.graph.lagged_template import lagged_nodes
from causalkit.graph.marks import show_name
from causalkit.identification.query import GraphLike, as_graph
from causalkit.typing import Name

__all__ = ["AnyGraph", "check_kinds", "matched", "matched_in_time"]

AnyGraph: TypeAlias = GraphLike | LaggedGraph


def matched(truth: GraphLike, learnt: GraphLike) -> tuple[CausalGraph, CausalGraph]:
    """Return both graphs with their nodes in the order of the true one.

    Raises
    ------
    InputError
        If one graph has nodes that the other does not have.
    """
    if isinstance(truth, LaggedGraph) or isinstance(learnt, LaggedGraph):
        raise InputError(
            "a graph is of series; expected graphs of variables, because effects of interventions "
            "go on beyond the longest lag. Compare truth.unroll(steps) and learnt.unroll(steps)."
        )
    truth, learnt = as_graph(truth), as_graph(learnt)
    _check_names(
        truth.nodes,
        learnt.nodes,
        "nodes",
        "Take the common part of both with graph.subgraph(names)",
    )
    same_order = truth.nodes == learnt.nodes
    return truth, learnt if same_order else learnt.reordered(truth.nodes)


def matched_in_time(truth: AnyGraph, learnt: AnyGraph) -> tuple[CausalGraph, CausalGraph, int]:
    """Return both graphs, or templates that reach back equally far, and how many pairs may differ.

    Raises
    ------
    InputError
        If one graph has nodes or series that the other does not have, or only one is of series.
    """
    if isinstance(truth, LaggedGraph) and isinstance(learnt, str):
        learnt = LaggedGraph.parse(learnt)
    if isinstance(learnt, LaggedGraph) and isinstance(truth, str):
        truth = LaggedGraph.parse(truth)
    if not (isinstance(truth, LaggedGraph) and isinstance(learnt, LaggedGraph)):
        if isinstance(truth, LaggedGraph) or isinstance(learnt, LaggedGraph):
            raise InputError(
                "one graph is of series and the other one is not; expected two of a kind. Compare "
                "summary_graph().to_graph(), which forgets the lags, or unroll the graph of series."
            )
        true, other = matched(truth, learnt)
        return true, other, len(true) * (len(true) - 1) // 2
    series, p = truth.variables, len(truth.variables)
    _check_names(series, learnt.variables, "series", "Learn from the same columns")
    max_lag = max(truth.max_lag, learnt.max_lag)
    nodes = lagged_nodes(series, max_lag)
    templates = [_reaching(graph, max_lag).reordered(nodes) for graph in (truth, learnt)]
    return templates[0], templates[1], p * (p - 1) // 2 + max_lag * p * p


def _reaching(graph: LaggedGraph, max_lag: int) -> CausalGraph:
    """Template with nodes as far back as that."""
    nodes = lagged_nodes(graph.variables, max_lag)
    ends = np.zeros((len(nodes), len(nodes)), dtype=np.uint8)
    held = len(graph.nodes)
    ends[:held, :held] = graph.template.ends
    return CausalGraph._of(nodes, ends, graph.kind)


def _check_names(true: Collection[Name], learnt: Collection[Name], what: str, how: str) -> None:
    missing = _listed(name for name in true if name not in learnt)
    strange = _listed(name for name in learnt if name not in true)
    if missing or strange:
        parts = [f"the learnt graph lacks {missing}"] * bool(missing)
        parts += [f"the true graph lacks {strange}"] * bool(strange)
        raise InputError(
            f"{', '.join(parts)}; expected graphs over the same {what}, which are matched by name. "
            f"{how}, or rename."
        )


def check_kinds(graph: CausalGraph, which: str, kinds: Collection[Kind], advice: str) -> None:
    """Raise if the graph is of none of these kinds."""
    if graph.kind not in kinds:
        known = " or ".join(kind.name for kind in kinds)
        raise GraphError(
            f"the {which} graph is of kind {graph.kind.name}; expected {known}. {advice}"
        )


def _listed(names: Iterable[Name]) -> str:
    shown = [show_name(name) for name in names]
    return ", ".join(shown[:8]) + (f" and {len(shown) - 8} more" if len(shown) > 8 else "")
