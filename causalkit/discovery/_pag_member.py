"""A MAG that has the marks of a PAG.

It is made as Zhang (2008, Theorem 2) does: `o->` becomes `->`, and the `o-o` part is directed
without new colliders. If answers of tests contradict each other, what keeps the result from being a
MAG is then put right in the order below, each step at once for all edges concerned::

    a -- b with an arrow into a      that end gets an arrow
    directed cycle                   its edges become <->, except required ones
    a <-> b, a an ancestor of b      becomes a -> b; cut apart if a -> b is forbidden
    an inducing path without edge    its ends are joined by <->

The theorem is about marks that follow from separations alone. Where knowledge adds to them, some
completions may be no MAG, or of another class, although others are fine. Those are searched for.

References
----------
Zhang (2008), "On the completeness of orientation rules for causal discovery in the presence of
latent confounders and selection bias", doi:10.1016/j.artint.2008.08.001.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from causalkit.discovery._evidence import Pair
from causalkit.discovery._orientation import NOT_COLLIDER, Statements, settle
from causalkit.discovery._skeleton import Bounds
from causalkit.graph.mag import Marks
from causalkit.graph.marks import ARROW, CIRCLE, TAIL
from causalkit.typing import BoolArray, IntArray

__all__ = ["find_member", "has_marks", "is_mag", "nearest_mag"]

MAX_TRIES: Final = 500
"""Completions that `find_member` looks at; more are needed only if knowledge contradicts tests."""


def nearest_mag(
    ends: Marks, statements: Statements, bounds: Bounds
) -> tuple[Marks, list[Pair], list[Pair]]:
    """Return a MAG with these marks, or nearly; pairs that were joined; pairs that were cut."""
    return _repaired(_without_circles(ends, statements), ends == CIRCLE, bounds)


def is_mag(mag: Marks) -> bool:
    """Whether the graph is ancestral and maximal, so that nothing needs to be put right."""
    nothing = Bounds.none(len(mag))
    repaired, _, _ = _repaired(mag.copy(), np.zeros_like(mag, dtype=np.bool_), nothing)
    return np.array_equal(repaired, mag)


def has_marks(mag: Marks, ends: Marks) -> bool:
    """Whether the graph agrees with all marks that are no circles."""
    return bool(((ends == CIRCLE) | (mag == ends)).all())


def find_member(
    ends: Marks,
    statements: Statements,
    close: Callable[[Marks], Marks],
    is_member: Callable[[Marks], bool],
) -> Marks | None:
    """Return a graph with these marks that is a member, None if no try found one.

    Circles are made tails or arrows one by one, and each time the rules run again. Where they can
    draw all that follows no choice is ever taken back.

    Parameters
    ----------
    ends : ndarray of uint8, shape (p, p)
        Marks.
    statements : Statements
        About all unshielded triples.
    close : callable
        Returns the marks that follow.
    is_member : callable
        Whether a graph without circles is what is sought.
    """
    waiting = [ends]
    for _ in range(MAX_TRIES):
        if not waiting:
            return None
        marks = waiting.pop()
        mag = _without_circles(marks, statements)
        if is_member(mag):
            return mag
        free = np.argwhere((marks == CIRCLE) & (marks.T == ARROW))
        free = free if len(free) else np.argwhere(marks == CIRCLE)
        for mark in (ARROW, TAIL) if len(free) else ():  # a tail is tried first
            chosen = marks.copy()
            chosen[tuple(free[0])] = mark
            chosen = close(chosen)
            if _may_be_ancestral(chosen):
                waiting.append(chosen)
    return None


def _may_be_ancestral(ends: Marks) -> bool:
    """Whether no arrow points at an ancestor, as far as the marks are drawn."""
    from causalkit.graph._ancestral_kernels import ancestry

    above = ancestry((ends == ARROW) & (ends.T == TAIL))
    return not ((ends == ARROW) & above.T).any()


def _repaired(
    mag: Marks, was_circle: BoolArray, bounds: Bounds
) -> tuple[Marks, list[Pair], list[Pair]]:
    """Make the graph a MAG in place, or nearly; also pairs that were joined, and cut."""
    from causalkit.graph._ancestral_kernels import ancestry, inducing_pairs

    tail = mag == TAIL
    mag[tail & tail.T & (mag == ARROW).any(axis=0)] = ARROW
    above = _break_cycles(mag, was_circle, bounds)
    spouses = (mag == ARROW) & (mag.T == ARROW)
    almost = spouses & above
    banned = almost & bounds.forbidden
    if almost.any():
        mag[almost.T] = TAIL
        mag[banned | banned.T] = 0
        spouses &= ~(almost | almost.T)
        above = ancestry((mag == ARROW) & (mag.T == TAIL))
    missing = np.zeros_like(above)
    if spouses.any():
        nobody = np.zeros(len(mag), dtype=np.bool_)
        missing = inducing_pairs(mag == ARROW, spouses, above, nobody)
        missing &= (mag == 0) & ~(bounds.absent | banned | banned.T)
        mag[missing] = ARROW
    return mag, _pairs(missing), _pairs(banned | banned.T)


def _break_cycles(mag: Marks, was_circle: BoolArray, bounds: Bounds) -> BoolArray:
    """Make `<->` of the edges on directed cycles; return who is an ancestor of whom.

    Tails that replaced a circle go first; where they do not suffice, all but required ones.
    """
    from causalkit.graph._ancestral_kernels import ancestry

    for free in (was_circle, ~bounds.required.T):
        directed = (mag == ARROW) & (mag.T == TAIL)
        above = ancestry(directed)
        circular = directed.T & above & free
        if not circular.any():
            continue
        mag[circular] = ARROW
        above = ancestry(directed & ~circular.T)
    return above


def _without_circles(ends: Marks, statements: Statements) -> Marks:
    """Zhang's Theorem 2: `o->`, `--o` become `->`, the `o-o` part a DAG without new colliders."""
    mag = ends.copy()
    far, near = ends == CIRCLE, ends.T == CIRCLE
    mag[far & (ends.T == ARROW)] = TAIL
    mag[far & (ends.T == TAIL)] = ARROW
    loose = far & near
    if loose.any():
        rank = _order(loose, (mag == ARROW) & (mag.T == TAIL), statements)
        directed = loose & (rank[:, None] < rank)
        mag[directed], mag[directed.T] = ARROW, TAIL
    return mag


def _order(loose: BoolArray, directed: BoolArray, statements: Statements) -> IntArray:
    """Rank nodes so that `o-o` edges, directed to higher ranks, make no cycle and no collider.

    Edges that are directed already matter only with knowledge; without it none of them lies on a
    cycle with `o-o`. Where no order respects them they are left out, and where there still is none
    the weakest statements yield.
    """
    a, k, b = statements.triples.T
    inside = (statements.verdict == NOT_COLLIDER) & loose[a, k] & loose[b, k]
    some = Statements(
        statements.triples[inside], statements.verdict[inside], statements.p_value[inside]
    )
    none = np.zeros_like(directed)
    rank = _rank(some.triples, directed)
    if (rank < 0).any():
        rank = _rank(some.triples, none)
    if (rank < 0).any():
        kept = settle(none, some).kept
        rank = _rank(some.triples[kept], none)
    return rank


def _rank(no_colliders: IntArray, directed: BoolArray) -> IntArray:
    """Take away nodes that can come last, as `orientable` does; -1 where that gets stuck."""
    p = len(directed)
    obstacles = directed.sum(axis=1).tolist()
    ends_of: list[list[tuple[int, int]]] = [[] for _ in range(p)]
    for k, effect in np.argwhere(directed).tolist():
        ends_of[effect].append((k, k))
    for a, k, b in no_colliders.tolist():
        obstacles[k] += 1
        ends_of[a].append((k, b))
        ends_of[b].append((k, a))
    rank = np.full(p, -1, dtype=np.intp)
    ready = [k for k in range(p) if not obstacles[k]]
    for place, node in enumerate(ready):  # grows while it is walked
        rank[node] = p - place
        for k, other in ends_of[node]:
            if rank[other] < 0:
                obstacles[k] -= 1
                if not obstacles[k] and rank[k] < 0:
                    ready.append(k)
    return rank


def _pairs(matrix: BoolArray) -> list[Pair]:
    return [(int(i), int(j)) for i, j in np.argwhere(np.triu(matrix))]
