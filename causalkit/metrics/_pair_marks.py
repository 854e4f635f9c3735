"""The marks of two graphs, pair of nodes by pair of nodes, and how they differ.

A pair that is adjacent in either graph is a row: its marks at both ends in the true graph, and in
the learnt one. Whatever compares graphs edge by edge counts rows. Where a class of DAGs leaves a
direction open, its edge has tails at both ends; read as circles, "not known", they can be held
against what the other graph decides.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from causalkit.graph import ARROW, CIRCLE, TAIL, CausalGraph, Kind
from causalkit.graph.marks import forwards, glyph, split_marks
from causalkit.typing import BoolArray

__all__ = ["Pairs", "confusion", "decided", "openness"]

Marks: TypeAlias = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Pairs:
    """Marks at both ends of each pair of nodes that is adjacent in a graph, shape (n_pairs, 2)."""

    first: NDArray[np.intp]
    second: NDArray[np.intp]
    truth: Marks
    learnt: Marks

    @classmethod
    def of(cls, truth: CausalGraph, learnt: CausalGraph) -> Pairs:
        cells = np.flatnonzero(truth.ends | learnt.ends)
        first, second = np.divmod(cells, max(1, len(truth)))
        keep = first < second
        first, second = first[keep], second[keep]
        both = [
            np.column_stack((graph.ends[second, first], graph.ends[first, second]))
            for graph in (truth, learnt)
        ]
        return cls(first, second, *both)

    @property
    def in_truth(self) -> BoolArray:
        there: BoolArray = self.truth[:, 0] > 0
        return there

    @property
    def in_learnt(self) -> BoolArray:
        there: BoolArray = self.learnt[:, 0] > 0
        return there

    @property
    def differ(self) -> BoolArray:
        found: BoolArray = (self.truth != self.learnt).any(axis=1)
        return found

    @property
    def reversed(self) -> BoolArray:
        """One directed edge in each graph, and they point in opposite directions."""
        plain = np.isin(self.truth, (TAIL, ARROW)).all(axis=1) & self.differ
        turned: BoolArray = plain & (self.truth == self.learnt[:, ::-1]).all(axis=1)
        return turned


def decided(graph: CausalGraph) -> Marks:
    """The marks, with circles at the ends of an edge that its class leaves undecided."""
    if graph.kind is not Kind.CPDAG:
        return graph.ends
    return np.where(graph.undirected, np.uint8(CIRCLE), graph.ends)


def openness(truth: CausalGraph, learnt: CausalGraph, pairs: Pairs) -> dict[str, int]:
    """Edges that differ without being reversed, by who leaves open what the other decides."""
    i, j = pairs.first, pairs.second
    true, other = (
        np.column_stack((marks[j, i], marks[i, j])) for marks in map(decided, (truth, learnt))
    )
    rest = pairs.in_truth & pairs.in_learnt & pairs.differ & ~pairs.reversed
    same = true == other
    left_open = rest & (same | (other == CIRCLE)).all(axis=1) & ~same.all(axis=1)
    overdone = rest & (same | (true == CIRCLE)).all(axis=1) & ~same.all(axis=1)
    counts = int(left_open.sum()), int(overdone.sum())
    return {
        "unoriented": counts[0],
        "overoriented": counts[1],
        "other": int(rest.sum()) - sum(counts),
    }


def confusion(pairs: Pairs) -> tuple[tuple[str, str, int], ...]:
    ends = np.column_stack((pairs.truth, pairs.learnt))
    kinds, counts = np.unique(ends, axis=0, return_counts=True)
    found: Counter[tuple[str, str]] = Counter()
    for marks, count in zip(kinds.tolist(), counts.tolist(), strict=True):
        found[_read_along(*marks)] += count
    ordered = sorted(
        found.items(), key=lambda item: (item[0][0] == "none", item[0][0], -item[1], item[0][1])
    )
    return tuple((true, learnt, count) for (true, learnt), count in ordered)


def _read_along(*marks: int) -> tuple[str, str]:
    """True and learnt edges of a pair, read so that the true one points forwards if any does."""
    ways = [(marks[:2], marks[2:]), (marks[1::-1], marks[:1:-1])]
    read = [tuple(map(_symbols, way)) for way in ways]
    true, learnt = min(read, key=lambda both: [sum(s != forwards(s) for s in e) for e in both])
    return " & ".join(true) or "none", " & ".join(learnt) or "none"


def _symbols(ends: tuple[int, ...]) -> list[str]:
    return [glyph(*pair) for pair in split_marks(*ends)]
