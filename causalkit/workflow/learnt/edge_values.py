"""The piece of knowledge that would narrow an answer most.

An answer that rests on learnt graphs is wide where the graphs disagree. Suppose that somebody told
us, of one pair of variables, which edge joins them: the worlds with another edge would be ruled
out, and the interval would be the hull over those that are left. The mean length over what we might
be told, by the shares of the worlds, says what it is worth to know (the expected value of perfect
information about the edge). A class in which the edge has no direction stands for either.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations, product
from typing import TYPE_CHECKING

import numpy as np

from causalkit.graph import CausalGraph, Edge, LaggedGraph
from causalkit.graph.lagged_graph import lagged_nodes
from causalkit.typing import FloatArray, IntArray, Name

if TYPE_CHECKING:
    import pandas as pd

    from causalkit.workflow.learnt.learnt_result import LearntEffect

__all__ = ["value_of_edges"]


def value_of_edges(answer: LearntEffect, level: float) -> pd.DataFrame:
    """One row a pair whose edge differs between the worlds, the most valuable first."""
    import pandas as pd

    ends = answer.ends(level)
    weights = answer.world_weights
    now = _length(ends, answer.answer_of)
    rows = []
    for (a, b), kinds in _edges(answer).items():
        if len(kinds) < 2:
            continue
        told = np.bincount(np.concatenate(list(kinds.values())))
        shares = {kind: float((weights[at] / told[at]).sum()) for kind, at in kinds.items()}
        known = sum(
            shares[kind] * _length(ends, answer.answer_of[at]) for kind, at in kinds.items()
        )
        often = max(shares, key=shares.__getitem__)
        rows.append((a, b, often, shares[often], known, now - known if known < np.inf else 0.0))
    frame = pd.DataFrame(rows, columns=["a", "b", "edge", "share", "length_if_known", "gain"])
    return frame.sort_values("gain", ascending=False, kind="stable", ignore_index=True)


def _edges(answer: LearntEffect) -> dict[tuple[Name, Name], dict[str, IntArray]]:
    """For each pair, the worlds that have each kind of edge."""
    found: dict[tuple[Name, Name], dict[str, IntArray]] = {}
    for a, b in _pairs(answer.worlds):
        kinds: dict[str, list[int]] = {}
        for k, world in enumerate(answer.worlds):
            for kind in _told(world, a, b):
                kinds.setdefault(kind, []).append(k)
        found[a, b] = {kind: np.array(at) for kind, at in kinds.items()}
    return found


def _pairs(worlds: Sequence[CausalGraph | LaggedGraph]) -> Iterator[tuple[Name, Name]]:
    """Pairs of nodes that an edge may join; of series, one of the two is at t."""
    first = worlds[0]
    if not isinstance(first, LaggedGraph):
        yield from combinations(first.nodes, 2)
        return
    longest = max(world.max_lag for world in worlds if isinstance(world, LaggedGraph))
    nodes = lagged_nodes(first.variables, longest)
    now, past = nodes[: len(first.variables)], nodes[len(first.variables) :]
    yield from combinations(now, 2)
    yield from product(past, now)


def _told(world: CausalGraph | LaggedGraph, a: Name, b: Name) -> tuple[str, ...]:
    """What we could be told of a pair in this world: two things if the edge has no direction."""
    edges = world.edges_between(a, b)
    if [edge.symbol for edge in edges] == ["--"]:
        return str(Edge(a, b, "->")), str(Edge(b, a, "->"))
    return (", ".join(_forward(edge) for edge in edges) or "none",)


def _forward(edge: Edge) -> str:
    if edge.symbol == "<-":
        return str(Edge(edge.right, edge.left, "->"))
    return str(edge)


def _length(ends: FloatArray, answers: IntArray) -> float:
    """Length of the hull of these answers' intervals; an open one has none."""
    which = np.unique(answers)
    if which[0] < 0:
        return float("inf")
    return float(ends[which, 1].max() - ends[which, 0].min())
