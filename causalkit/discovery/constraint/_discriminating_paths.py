"""Answers about discriminating paths: whether their last node but one is a collider.

A path t … a, b, c *discriminates* b if all nodes between t and b are colliders on it and parents of
c. Then every set that separates t and c holds those parents, and b is among them exactly if it is
no collider. So the tests have answered already: it is looked up whether b is in the set that
separated t and c. Where the tests were found to contradict each other, a MAG answers in their
place, but only what they were able to answer.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from causalkit.discovery.constraint._evidence import Pair
from causalkit.discovery.constraint._skeleton import Skeleton
from causalkit.graph.mag import Judge, Marks, judge_by
from causalkit.graph.marks import ARROW, TAIL
from causalkit.typing import IntArray

__all__ = ["Answer", "as_in", "judge_by_separators", "path_nodes"]

Answer: TypeAlias = tuple[IntArray, NDArray[np.int8]]
"""Paths that are answered, shape (m, 5), and whether each one's b is a collider."""


def judge_by_separators(found: Skeleton) -> Judge:
    """Answers about discriminating paths: b is a collider if t and c are separated without it.

    The separation with the largest p-value is the surest.
    """
    known: dict[Pair, tuple[frozenset[int], float] | None] = {}

    def look_up(t: int, c: int) -> tuple[frozenset[int], float] | None:
        pair = (min(t, c), max(t, c))
        if pair not in known:
            known[pair] = None
            evidence = found.separators.get(pair)
            if evidence is not None:
                known[pair] = frozenset(evidence.given), evidence.result.p_value
        return known[pair]

    def judge(_: Marks, paths: IntArray) -> Answer:
        told = []
        for row, (t, _, b, c, length) in enumerate(paths.tolist()):
            separator = look_up(t, c)
            if separator is not None:
                told.append((-separator[1], length, row, b not in separator[0]))
        told.sort()
        return paths[[row for _, _, row, _ in told]], np.array([v for *_, v in told], dtype=np.int8)

    return judge


def as_in(mag: Marks, judge: Judge | None) -> Judge | None:
    """Answers where `judge` has one, but as a MAG has it."""
    if judge is None:
        return None
    truth = judge_by(mag)
    return lambda ends, paths: truth(ends, judge(ends, paths)[0])


def path_nodes(ends: Marks, t: int, a: int, b: int, c: int) -> tuple[int, ...]:
    """All nodes of a shortest discriminating path from t by way of a to b and c."""
    came_from = {a: b}
    waiting = [a]
    for v in waiting:  # grows while it is walked
        for u in np.flatnonzero(ends[:, v] == ARROW).tolist():
            if u in came_from or u in (b, c):
                continue
            if u == t:
                path = [t, v]
                while path[-1] != b:
                    path.append(came_from[path[-1]])
                return (*path, c)
            if ends[v, u] == ARROW and ends[u, c] == ARROW and ends[c, u] == TAIL:
                came_from[u] = v
                waiting.append(u)
    return t, a, b, c
