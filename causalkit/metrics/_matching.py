"""Two graphs side by side: the same nodes, matched by name."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from causalkit.errors import GraphError, InputError
from causalkit.graph import CausalGraph, Kind
from causalkit.graph.marks import show_name
from causalkit.identification.query import GraphLike, as_graph
from causalkit.typing import Name

__all__ = ["check_kinds", "matched"]


def matched(truth: GraphLike, learnt: GraphLike) -> tuple[CausalGraph, CausalGraph]:
    """Return both graphs with their nodes in the order of the true one.

    Raises
    ------
    InputError
        If one graph has nodes that the other does not have.
    """
    truth, learnt = as_graph(truth), as_graph(learnt)
    missing = _listed(name for name in truth.nodes if name not in learnt)
    strange = _listed(name for name in learnt.nodes if name not in truth)
    if missing or strange:
        parts = [f"the learnt graph lacks {missing}"] * bool(missing)
        parts += [f"the true graph lacks {strange}"] * bool(strange)
        raise InputError(
            f"{', '.join(parts)}; expected graphs over the same nodes, which are matched by name. "
            "Take the common part of both with graph.subgraph(names), or rename."
        )
    same_order = truth.nodes == learnt.nodes
    return truth, learnt if same_order else learnt.reordered(truth.nodes)


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
