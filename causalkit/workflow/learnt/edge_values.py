"""The piece of knowledge that would narrow an answer most.

An answer that rests on learnt graphs is wide where the graphs disagree. Suppose that somebody told
us, of one pair of variables, which edge joins them: the worlds with another edge would be ruled
out, and the interval would be the hull over those that are left. The mean length over what we might
be told, by the shares of the worlds, says what it is worth to know (the expected value of perfect
information about the edge). A class in which the edge has no direction stands for either.

Of a thousand pairs some edge always comes first, and where many are worth about as much, which one
depends on what the searches happened to find. So an edge is said to stand out only if it also comes
first in most sets of graphs that are drawn again from those searches (a bootstrap of the ranking).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations, product
from typing import TYPE_CHECKING, Final

import numpy as np

from causalkit.graph import TAIL, CausalGraph, Edge, LaggedGraph
from causalkit.graph.lagged_template import lagged_nodes
from causalkit.typing import BoolArray, FloatArray, IntArray, Name

if TYPE_CHECKING:
    import pandas as pd

    from causalkit.workflow.learnt.learnt_result import LearntEffect

__all__ = ["standing_out", "value_of_edges"]

_DRAWS: Final = 100
"""Times the searches are drawn again."""

_MOST: Final = 0.8
"""Share of the draws in which an edge that stands out comes first."""


def value_of_edges(answer: LearntEffect, level: float) -> pd.DataFrame:
    """One row a pair whose edge differs between the worlds, the most valuable first."""
    import pandas as pd

    ends = answer.ends(level)
    now = _length(ends, answer.answer_of)
    rows = []
    for (a, b), kinds in _edges(answer).items():
        if len(kinds) < 2:
            continue
        shares = dict(zip(kinds, _shares(answer, kinds).tolist(), strict=True))
        known = sum(
            shares[kind] * _length(ends, answer.answer_of[at]) for kind, at in kinds.items()
        )
        often = max(shares, key=shares.__getitem__)
        rows.append((a, b, often, shares[often], known, now - known if known < np.inf else 0.0))
    frame = pd.DataFrame(rows, columns=["a", "b", "edge", "share", "length_if_known", "gain"])
    return frame.sort_values("gain", ascending=False, kind="stable", ignore_index=True)


def standing_out(answer: LearntEffect, level: float) -> pd.Series | None:
    """The row of the most valuable edge, if chance did not make it the first; else None.

    Where graphs were given, and not found by searches on resamples, chance has no part in it.
    """
    frame = value_of_edges(answer, level)
    if not len(frame) or not frame["gain"].iloc[0] > 0:
        return None
    best = frame.iloc[0]
    if answer.graphs.searches and _firsts(answer, level, (best["a"], best["b"])) < _MOST:
        return None
    return best


def _firsts(answer: LearntEffect, level: float, pair: tuple[Name, Name]) -> float:
    """Share of draws from the searches made in which this pair, too, is worth most.

    A world counts for as many searches as its weight says. No answer is open: no edge would have a
    value.
    """
    n_searches = sum(n for _, n in answer.graphs.searches)
    times = np.maximum(np.rint(answer.world_weights * n_searches).astype(np.intp), 1)
    kinds_of = {names: kinds for names, kinds in _edges(answer).items() if len(kinds) > 1}
    pairs, mine = list(kinds_of.values()), list(kinds_of).index(pair)
    pair_of = np.repeat(np.arange(len(pairs)), [len(kinds) for kinds in pairs])
    told = np.zeros((len(pair_of), len(times)))
    for row, at in enumerate(at for kinds in pairs for at in kinds.values()):
        told[row, at] = 1.0
    told /= np.add.reduceat(told, np.unique(pair_of, return_index=True)[1])[pair_of]
    told = np.repeat(told, times, axis=1)
    lower, upper = answer.ends(level)[np.repeat(answer.answer_of, times)].T

    def known(which: IntArray) -> FloatArray:
        """Mean length once an edge were known, of each pair."""
        here = told[:, which]
        lengths = -_smallest(-upper[which], here > 0) - _smallest(lower[which], here > 0)
        shortest = np.bincount(pair_of, here.mean(axis=1) * lengths)
        return shortest.astype(np.float64)

    n, rng = len(lower), np.random.default_rng(0)
    firsts = 0
    for _ in range(_DRAWS):
        lengths = known(rng.integers(n, size=n))
        firsts += bool(lengths[mine] <= lengths.min() * (1 + 1e-9))
    return firsts / _DRAWS


def _smallest(values: FloatArray, there: BoolArray) -> FloatArray:
    """The smallest value among the columns that each row has."""
    order = np.argsort(values)
    smallest: FloatArray = values[order][there[:, order].argmax(axis=1)]
    return smallest


def _shares(answer: LearntEffect, kinds: Mapping[str, IntArray]) -> FloatArray:
    """Weight of each kind of edge; a world of which two could be told gives each a half."""
    told = np.bincount(np.concatenate(list(kinds.values())))
    weights = answer.world_weights
    return np.array([(weights[at] / told[at]).sum() for at in kinds.values()])


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
    if isinstance(first, CausalGraph):
        tables = [w for w in worlds if isinstance(w, CausalGraph)]  # all are, if one is
        ends = np.array([world.reordered(first.nodes).ends for world in tables])
        # What is the same in all worlds tells nothing, unless it has no direction.
        tells = (ends != ends[0]).any(axis=0) | ((ends[0] == TAIL) & (ends[0].T == TAIL))
        for i, j in np.argwhere(np.triu(tells | tells.T, 1)).tolist():
            yield first.nodes[i], first.nodes[j]
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
