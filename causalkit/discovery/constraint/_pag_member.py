"""A MAG that has the marks of a PAG.

It is made as Zhang (2008, Theorem 2) does: `o->` becomes `->`, and the `o-o` part is directed
without new colliders. If answers of tests contradict each other, what keeps the result from being a
MAG is then put right in the order below, each step at once for all edges concerned::

    a -> b is forbidden              becomes a <-> b
    a -- b with an arrow into a      that end gets an arrow; with knowledge b, if a -> b is required
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

from causalkit.discovery.constraint._evidence import Pair
from causalkit.discovery.constraint._orientation import NOT_COLLIDER, Statements, settle
from causalkit.discovery.constraint._skeleton import Bounds
from causalkit.graph.mag import Marks
from causalkit.graph.marks import ARROW, CIRCLE, TAIL
from causalkit.typing import BoolArray

__all__ = ["find_member", "has_marks", "is_mag", "nearest_mag"]

MAX_TRIES: Final = 500
"""Completions that `find_member` looks at; more are needed only if knowledge contradicts tests."""


def nearest_mag(
    ends: Marks, statements: Statements, bounds: Bounds, stop: BoolArray
) -> tuple[Marks, list[Pair], list[Pair]]:
    """Return a MAG with these marks, or nearly; pairs that were joined; pairs that were cut.

    If `stop` is raised meanwhile, the result need not be a MAG.
    """
    return _repaired(_without_circles(ends, statements, bounds), ends, bounds, stop)


def is_mag(mag: Marks, stop: BoolArray) -> bool:
    """Whether the graph is ancestral and maximal, so that nothing needs to be put right."""
    repaired, _, _ = _repaired(mag.copy(), mag, Bounds.none(len(mag)), stop)
    return np.array_equal(repaired, mag)


def has_marks(mag: Marks, ends: Marks) -> bool:
    """Whether the graph agrees with all marks that are no circles."""
    return bool(((ends == CIRCLE) | (mag == ends)).all())


def find_member(
    ends: Marks,
    statements: Statements,
    bounds: Bounds,
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
    bounds : Bounds
        Knowledge.
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
        mag = _without_circles(marks, statements, bounds)
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
    mag: Marks, was: Marks, bounds: Bounds, stop: BoolArray
) -> tuple[Marks, list[Pair], list[Pair]]:
    """Make the graph, which was `was` with circles, a MAG in place; pairs that were joined, cut."""
    from causalkit.discovery.constraint._pag_member_kernels import repair

    limited, nothing = not bounds.is_none, np.zeros((1, 1), dtype=np.bool_)
    required, forbidden = (bounds.required, bounds.forbidden) if limited else (nothing, nothing)
    joined, cut, n_changed = repair(mag, was, limited, required, forbidden, stop)
    return (mag, _pairs(joined), _pairs(cut)) if n_changed else (mag, [], [])


def _without_circles(ends: Marks, statements: Statements, bounds: Bounds) -> Marks:
    """Zhang's Theorem 2: `o->`, `--o` become `->`, the `o-o` part a DAG without new colliders.

    Edges that are directed already matter only with knowledge; without it none of them lies on a
    cycle with `o-o`. Where no order of the nodes respects them they are left out, and where there
    still is none the weakest statements yield.
    """
    from causalkit.discovery.constraint._pag_member_kernels import rank_nodes, replace_circles

    triples, verdict = statements.triples, statements.verdict
    limited, nothing = not bounds.is_none, np.zeros((1, 1), dtype=np.bool_)
    forbidden = bounds.forbidden if limited else nothing
    mag, done = replace_circles(ends, triples, verdict, limited, forbidden)
    if not done:
        loose = (mag == CIRCLE) & (mag.T == CIRCLE)
        none = np.zeros_like(loose)
        a, k, b = triples.T
        inside = (verdict == NOT_COLLIDER) & loose[a, k] & loose[b, k]
        some = Statements(triples[inside], verdict[inside], statements.p_value[inside])
        kept = some.triples[settle(none, some).kept]
        rank = rank_nodes(kept, len(kept), none)
        directed = loose & (rank[:, None] < rank)
        mag[directed], mag[directed.T] = ARROW, TAIL
    return mag


def _pairs(matrix: BoolArray) -> list[Pair]:
    return [(int(i), int(j)) for i, j in np.argwhere(matrix)]
