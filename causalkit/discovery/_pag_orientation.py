"""Which marks a PAG gets: colliders, knowledge, ten rules, and a graph that has a member.

Marks follow from statements: which unshielded triples are colliders, what the middle nodes of
discriminating paths are, what is known. Finite data may state what no graph satisfies. Two arrows
that meet where surer evidence says that none do are noticed at once, and the weaker statement is
given up. But there may also be an arrow into an ancestor, a cycle, a pair that ought to be
adjacent. So after the rules have run, a MAG is sought
that has these marks (:mod:`causalkit.discovery._pag_member`).

If that MAG contradicts a statement, the statement is dropped, and the rules run again with what the
MAG says. So the marks of the result are those of a class that is known to have a member.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from causalkit.discovery._evidence import Pair
from causalkit.discovery._orientation import AMBIGUOUS, COLLIDER, Statements, unshielded_triples
from causalkit.discovery._pag_member import find_member, has_marks, is_mag, nearest_mag
from causalkit.discovery._skeleton import Bounds, Skeleton
from causalkit.graph.mag import Judge, Marks, apply_rules, judge_by
from causalkit.graph.marks import ARROW, CIRCLE, TAIL
from causalkit.typing import BoolArray, IntArray

__all__ = [
    "KNOWN",
    "Oriented",
    "codes_of",
    "first_marks",
    "judge_by_separators",
    "orient",
    "path_nodes",
]

KNOWN = 11
"""In `Oriented.reason`: the mark is knowledge. Others are numbers of rules, 0 for a collider."""

Answer: TypeAlias = tuple[IntArray, NDArray[np.int8]]


@dataclass(slots=True)
class Oriented:
    """A PAG, and where its marks come from.

    Attributes
    ----------
    ends : ndarray of uint8, shape (p, p)
        Marks.
    reason : ndarray of uint8, shape (p, p)
        The rule that set a mark; 0 is a collider, KNOWN knowledge.
    dropped : ndarray of int
        Rows of statements that do not hold.
    joined, cut : lists of (i, j)
        Pairs that became adjacent, or were cut apart, so that there is a MAG.
    paths : dict
        By (b, c): the discriminating path t, …, a, b, c that oriented their edge.
    """

    ends: Marks
    reason: Marks
    dropped: IntArray
    joined: list[Pair] = field(default_factory=list)
    cut: list[Pair] = field(default_factory=list)
    paths: dict[Pair, tuple[int, ...]] = field(default_factory=dict)


def orient(
    adjacency: BoolArray,
    statements: Statements,
    bounds: Bounds,
    judge: Judge,
    *,
    selection: bool,
) -> Oriented:
    """Orient a skeleton.

    Parameters
    ----------
    adjacency : ndarray of bool, shape (p, p)
    statements : Statements
        About all unshielded triples.
    bounds : Bounds
        Knowledge.
    judge : callable
        Says what the middle nodes of discriminating paths are.
    selection : bool
        Whether edges may come from selection.
    """
    ends, unclear = close(adjacency, statements, bounds, judge, selection=selection)
    mag, joined, cut = nearest_mag(ends, statements, bounds)
    if not bounds.is_none:
        known = _Known(statements, bounds, judge, unclear, selection)
        member = known.member(ends, mag)
        if member is not None:
            mag, joined, cut = member, [], []
    truth = mag > 0
    if joined or cut:
        triples = unshielded_triples(truth)
        told = np.isin(codes_of(triples, len(mag)), codes_of(statements.triples, len(mag)))
        unclear = np.union1d(unclear, codes_of(triples[~told], len(mag)))
    else:
        triples = statements.triples
    a, k, b = triples.T
    drawn = (mag[a, k] == ARROW) & (mag[b, k] == ARROW)
    if len(unclear):
        drawn &= ~np.isin(codes_of(triples, len(mag)), unclear)
    ends, reason = first_marks(truth, triples[drawn], bounds, selection=selection)
    trace = _Remembering(judge, mag)
    _close(ends, trace, bounds, unclear, selection, reason)
    a, k, b = statements.triples.T
    holds = ((mag[a, k] == ARROW) & (mag[b, k] == ARROW)) == (statements.verdict == COLLIDER)
    dropped = np.flatnonzero(~holds & (statements.verdict != AMBIGUOUS))
    return Oriented(ends, reason, dropped, joined, cut, trace.paths)


def close(
    adjacency: BoolArray,
    statements: Statements,
    bounds: Bounds,
    judge: Judge,
    *,
    selection: bool,
) -> tuple[Marks, IntArray]:
    """Marks that follow, member or not, and ascending codes of triples that are left open."""
    from causalkit.discovery._fci_kernels import keep_surest

    nothing = np.empty((0, 3), dtype=np.intp)
    known, _ = first_marks(adjacency, nothing, bounds, selection=selection)
    verdict = statements.verdict.astype(np.intp)
    keep_surest(known, statements.triples, verdict)
    colliders = statements.triples[verdict == COLLIDER]
    ends, reason = first_marks(adjacency, colliders, bounds, selection=selection)
    unclear = np.sort(codes_of(statements.triples[verdict == AMBIGUOUS], len(adjacency)))
    _close(ends, judge, bounds, unclear, selection, reason)
    return ends, unclear


@dataclass(frozen=True, slots=True)
class _Known:
    """What a member must agree with: the answers of the tests, and the knowledge.

    The rules do not draw all that follows from answers and knowledge together, so a graph that is
    completed from their marks may lie outside the class of the answers, or be no MAG at all. That
    alone is no contradiction: there is one only if no member of that class obeys the knowledge.
    """

    statements: Statements
    bounds: Bounds
    judge: Judge
    unclear: IntArray
    selection: bool

    def member(self, ends: Marks, mag: Marks) -> Marks | None:
        """A member of the class of the answers that has the marks `ends`; `mag` if it is one.

        None if there is none, or the answers contradict each other already.
        """
        nothing = Bounds.none(len(ends))
        alone, _ = close(ends > 0, self.statements, nothing, self.judge, selection=self.selection)

        def is_member(mag: Marks) -> bool:
            return is_mag(mag) and np.array_equal(self.class_of(mag), alone)

        def closed(ends: Marks) -> Marks:
            ends = ends.copy()
            reason = np.zeros_like(ends)
            _close(ends, self.judge, self.bounds, self.unclear, self.selection, reason)
            return ends

        if has_marks(mag, ends) and is_member(mag):
            return mag
        if not is_member(nearest_mag(alone, self.statements, nothing)[0]):
            return None
        return find_member(ends, self.statements, closed, is_member)

    def class_of(self, mag: Marks) -> Marks:
        """What the answers would have given, had they been those of the MAG."""
        a, k, b = self.statements.triples.T
        drawn = (mag[a, k] == ARROW) & (mag[b, k] == ARROW)
        drawn &= ~np.isin(codes_of(self.statements.triples, len(mag)), self.unclear)
        nothing = Bounds.none(len(mag))
        triples = self.statements.triples[drawn]
        ends, reason = first_marks(mag > 0, triples, nothing, selection=self.selection)
        judge = _Remembering(self.judge, mag)
        _close(ends, judge, nothing, self.unclear, self.selection, reason)
        return ends


def codes_of(triples: IntArray, p: int) -> IntArray:
    """Triples (a, k, b) with a < b as numbers, ascending if the triples are sorted by a, k, b."""
    a, k, b = triples.T
    return np.asarray((a * p + k) * p + b)


def first_marks(
    adjacency: BoolArray, colliders: IntArray, bounds: Bounds, *, selection: bool
) -> tuple[Marks, Marks]:
    """Marks that knowledge and colliders give, and their reasons.

    B in a later tier than A is no ancestor of A, so the mark at B is an arrow; nothing is said
    about the mark at A. With selection B may still be an ancestor of what was selected on.
    """
    ends = adjacency * np.uint8(CIRCLE)
    reason = np.zeros_like(ends)
    a, k, b = colliders.T
    ends[a, k] = ends[b, k] = ARROW
    if not bounds.is_none:
        tails = bounds.required.T & adjacency
        arrows = bounds.forbidden.T & adjacency & ~(tails | selection)
        ends[arrows], ends[tails] = ARROW, TAIL
        reason[arrows | tails] = KNOWN
    return ends, reason


def _close(
    ends: Marks,
    judge: Judge,
    bounds: Bounds,
    unclear: IntArray,
    selection: bool,
    reason: Marks,
) -> None:
    """Run the rules; with selection, a forbidden direction is one more of them."""
    while True:
        apply_rules(ends, judge, unclear=unclear, selection=selection, reason=reason)
        if bounds.is_none or not selection:
            return
        # i <-* j is no i --* j, and j -> i is forbidden: so neither end has a tail.
        new = (ends == CIRCLE) & (ends.T == ARROW) & bounds.forbidden.T
        if not new.any():
            return
        ends[new], reason[new] = ARROW, KNOWN


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


def judge_nothing(_: Marks, paths: IntArray) -> Answer:
    """No answers."""
    return paths[:0], np.empty(0, dtype=np.int8)


class _Remembering:
    """Answers where `judge` has one, but as a MAG has it; the paths are kept for `explain`."""

    def __init__(self, judge: Judge, mag: Marks) -> None:
        self.judge, self.truth = judge, judge_by(mag)
        self.paths: dict[Pair, tuple[int, ...]] = {}

    def __call__(self, ends: Marks, paths: IntArray) -> Answer:
        rows, _ = self.judge(ends, paths)
        for t, a, b, c, _ in rows.tolist():
            self.paths.setdefault((b, c), path_nodes(ends, t, a, b, c))
        return self.truth(ends, rows)


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
