"""Which marks a PAG gets: colliders, knowledge, ten rules, and a graph that has a member.

Marks follow from statements: which unshielded triples are colliders, what the middle nodes of
discriminating paths are, what is known. Finite data may state what no graph satisfies. Two arrows
that meet where surer evidence says that none do are noticed at once, and the weaker statement is
given up. But there may also be an arrow into an ancestor, a cycle, a pair that ought to be
adjacent. So after the rules have run, a MAG is sought
that has these marks (:mod:`causalkit.discovery.constraint._pag_member`).

If that MAG contradicts a statement, the statement is dropped, and the rules run again with what the
MAG says. So the marks of the result are those of a class that is known to have a member.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from causalkit.discovery.constraint._discriminating_paths import Answer, as_in, path_nodes
from causalkit.discovery.constraint._evidence import Pair
from causalkit.discovery.constraint._orientation import AMBIGUOUS, Statements, unshielded_triples
from causalkit.discovery.constraint._pag_member import find_member, has_marks, is_mag, nearest_mag
from causalkit.discovery.constraint._skeleton import Bounds
from causalkit.graph.mag import Judge, Marks, Rules, answer_paths
from causalkit.graph.marks import ARROW, CIRCLE, TAIL
from causalkit.typing import BoolArray, IntArray

__all__ = [
    "KNOWN",
    "Closed",
    "Oriented",
    "close",
    "codes_of",
    "orient",
]

KNOWN = 11
"""In `Oriented.reason`: the mark is knowledge. Others are numbers of rules, 0 for a collider."""

_NO_CODES = np.empty(0, dtype=np.intp)


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
    unfinished : bool
        Whether the time was up before all marks were drawn.
    """

    ends: Marks
    reason: Marks
    dropped: IntArray
    joined: list[Pair] = field(default_factory=list)
    cut: list[Pair] = field(default_factory=list)
    paths: dict[Pair, tuple[int, ...]] = field(default_factory=dict)
    unfinished: bool = False


@dataclass(slots=True)
class Closed:
    """Marks that follow from statements, whether they have a member or not.

    Attributes
    ----------
    ends, reason : ndarrays of uint8, shape (p, p)
        Marks and the rules that set them.
    starts, near : ndarrays of int
        Neighbours of each node, as lists.
    unclear : ndarray of int
        Ascending codes of triples that are left open.
    verdict : ndarray of int8, shape (m,)
        What of the statements holds together.
    asked : bool
        Whether there was a discriminating path.
    told : list of (a, b, c, verdict)
        Answers about such paths.
    paths : dict
        As in :class:`Oriented`.
    """

    ends: Marks
    reason: Marks
    starts: IntArray
    near: IntArray
    unclear: IntArray
    verdict: NDArray[np.int8]
    asked: bool
    told: list[tuple[int, int, int, int]] = field(default_factory=list)
    paths: dict[Pair, tuple[int, ...]] = field(default_factory=dict)

    def is_told_by(self, mag: Marks, drawn: NDArray[np.int8]) -> bool:
        """Whether a MAG, in which these triples are colliders, gives all the answers again."""
        return bool(((drawn == self.verdict) | (self.verdict == AMBIGUOUS)).all()) and all(
            (mag[a, b] == mag[c, b] == ARROW) == collider for a, b, c, collider in self.told
        )


def orient(
    adjacency: BoolArray,
    statements: Statements,
    bounds: Bounds,
    judge: Judge | None,
    *,
    selection: bool,
    stop: BoolArray,
    closed: Closed | None = None,
) -> Oriented:
    """Orient a skeleton.

    Parameters
    ----------
    adjacency : ndarray of bool, shape (p, p)
    statements : Statements
        About all unshielded triples.
    bounds : Bounds
        Knowledge.
    judge : callable, optional
        Says what the middle nodes of discriminating paths are; nothing is known if left out.
    selection : bool
        Whether edges may come from selection.
    stop : ndarray of bool, shape (1,)
        Raised when the time is up.
    closed : Closed, optional
        What :func:`close` returns, if that is known already.
    """
    from causalkit.discovery.constraint._pag_member_kernels import drawn_in

    if closed is None:
        closed = close(adjacency, statements, bounds, judge, selection=selection, stop=stop)
    if stop[0]:
        return _unfinished(adjacency, statements, bounds, closed, selection)
    mag, joined, cut = nearest_mag(closed.ends, statements, bounds, stop)
    if not bounds.is_none:
        known = _Known(statements, bounds, judge, selection, stop)
        member = known.member(closed, mag)
        if member is not None:
            mag, joined, cut = member, [], []
    if stop[0]:
        return _unfinished(adjacency, statements, bounds, closed, selection)
    drawn = drawn_in(mag, statements.triples)
    dropped = np.flatnonzero((drawn != statements.verdict) & (statements.verdict != AMBIGUOUS))
    obeys = bounds.is_none or has_marks(mag, closed.ends)
    if not joined and not cut and obeys and closed.is_told_by(mag, drawn):
        return Oriented(closed.ends, closed.reason, dropped, paths=closed.paths)
    told = _told_by(mag, statements, other_triples=bool(joined or cut))
    agreed = as_in(mag, judge)
    again = close(mag > 0, told, bounds, agreed, selection=selection, stop=stop, agreed=True)
    unfinished = bool(stop[0])
    return Oriented(again.ends, again.reason, dropped, joined, cut, again.paths, unfinished)


def close(
    adjacency: BoolArray,
    statements: Statements,
    bounds: Bounds,
    judge: Judge | None,
    *,
    selection: bool,
    stop: BoolArray,
    agreed: bool = False,
) -> Closed:
    """Draw the marks that follow, member or not.

    Parameters
    ----------
    adjacency, statements, bounds, judge, selection, stop
        As for :func:`orient`.
    agreed : bool
        Whether the statements are known to hold together.
    """
    from causalkit.discovery.constraint._fci_kernels import close_statements

    ends, reason = first_marks(adjacency, bounds, selection=selection)
    verdict, unclear = statements.verdict.copy(), _codes_left_open(statements, len(ends))
    what = ends, reason, statements.triples, verdict, agreed, unclear, selection, stop
    starts, near, paths = close_statements(*what)
    closed = Closed(ends, reason, starts, near, unclear, verdict, len(paths) > 0)
    rules = ends, starts, near, unclear, reason, selection
    _go_on(rules, paths, _recorded(judge, closed), bounds, stop)
    return closed


def _go_on(
    rules: Rules, paths: IntArray | None, judge: Judge | None, bounds: Bounds, stop: BoolArray
) -> None:
    """Answer what the rules ask; with selection, a forbidden direction is one more of them."""
    ends, reason, selection = rules[0], rules[4], rules[5]
    answer_paths(rules, paths, judge, stop)
    while not bounds.is_none and selection and not stop[0]:
        # j -> i is forbidden: an arrow at i asks for one at j, and a tail at j for one at i.
        arrows = (ends == CIRCLE) & (ends.T == ARROW) & bounds.forbidden.T
        tails = (ends == CIRCLE) & (ends.T == TAIL) & bounds.forbidden
        if not (arrows | tails).any():
            return
        ends[arrows], ends[tails] = ARROW, TAIL
        reason[arrows | tails] = KNOWN
        answer_paths(rules, None, judge, stop)


def _codes_left_open(statements: Statements, p: int) -> IntArray:
    rows = statements.verdict == AMBIGUOUS
    return np.sort(codes_of(statements.triples[rows], p)) if rows.any() else _NO_CODES


def _recorded(judge: Judge | None, closed: Closed) -> Judge | None:
    """The same answers, noted in `closed`."""
    if judge is None:
        return None

    def note(ends: Marks, paths: IntArray) -> Answer:
        rows, verdict = judge(ends, paths)
        for (t, a, b, c, _), collider in zip(rows.tolist(), verdict.tolist(), strict=True):
            closed.told.append((a, b, c, collider))
            if (b, c) not in closed.paths:
                closed.paths[b, c] = path_nodes(ends, t, a, b, c)
        return rows, verdict

    return note


def _told_by(mag: Marks, statements: Statements, *, other_triples: bool = False) -> Statements:
    """What a MAG says of the triples about which something is known.

    Where its edges are other ones, so are its triples; of new ones nothing is known.
    """
    from causalkit.discovery.constraint._pag_member_kernels import drawn_in

    triples, known = statements.triples, statements.verdict != AMBIGUOUS
    if other_triples:
        codes = codes_of(triples[known], len(mag))
        triples = unshielded_triples(mag > 0)
        known = np.isin(codes_of(triples, len(mag)), codes, kind="sort")
    verdict = np.where(known, drawn_in(mag, triples), np.int8(AMBIGUOUS))
    return Statements(triples, verdict, np.full(len(triples), np.nan))


def _unfinished(
    adjacency: BoolArray, statements: Statements, bounds: Bounds, closed: Closed, selection: bool
) -> Oriented:
    """What can be said when no member was found in time.

    Arrows alone have one, in which every edge is `<->`: there no node is an ancestor of another
    one, so no inducing path joins any two. With knowledge, which has tails, it is all that is said.
    """
    ends, reason = first_marks(adjacency, bounds, selection=selection)
    if bounds.is_none:
        arrow = closed.ends == ARROW
        ends[arrow], reason[arrow] = ARROW, closed.reason[arrow]
    changed = (closed.verdict != statements.verdict) & (closed.verdict != AMBIGUOUS)
    return Oriented(ends, reason, np.flatnonzero(changed), paths=closed.paths, unfinished=True)


@dataclass(frozen=True, slots=True)
class _Known:
    """What a member must agree with: the answers of the tests, and the knowledge.

    The rules do not draw all that follows from answers and knowledge together, so a graph that is
    completed from their marks may lie outside the class of the answers, or be no MAG at all. That
    alone is no contradiction: there is one only if no member of that class obeys the knowledge.
    """

    statements: Statements
    bounds: Bounds
    judge: Judge | None
    selection: bool
    stop: BoolArray

    def member(self, closed: Closed, mag: Marks) -> Marks | None:
        """A member of the class of the answers that has the marks; `mag` if it is one.

        None if there is none, or the answers contradict each other or the knowledge already.
        """
        if (_directed(closed.ends) & self.bounds.forbidden).any():
            return None
        nothing = Bounds.none(len(mag))
        alone = self._close(closed.ends, self.statements, self.judge)
        rules = closed.starts, closed.near, closed.unclear

        def in_class(mag: Marks) -> bool:
            return is_mag(mag, self.stop) and np.array_equal(self.class_of(mag), alone)

        def is_member(mag: Marks) -> bool:
            return in_class(mag) and not (_directed(mag) & self.bounds.forbidden).any()

        def follow(ends: Marks) -> Marks:
            ends = ends.copy()
            what = ends, *rules, np.zeros_like(ends), self.selection
            _go_on(what, None, self.judge, self.bounds, self.stop)
            return ends

        if has_marks(mag, closed.ends) and is_member(mag):
            return mag
        plain = nearest_mag(alone, self.statements, nothing, self.stop)[0]
        if not in_class(plain):
            return None
        return find_member(closed.ends, self.statements, self.bounds, follow, is_member)

    def class_of(self, mag: Marks) -> Marks:
        """What the answers would have given, had they been those of the MAG."""
        told = _told_by(mag, self.statements)
        return self._close(mag, told, as_in(mag, self.judge), agreed=True)

    def _close(
        self, ends: Marks, statements: Statements, judge: Judge | None, *, agreed: bool = False
    ) -> Marks:
        """Marks that follow without knowledge."""
        return close(
            ends > 0,
            statements,
            Bounds.none(len(ends)),
            judge,
            selection=self.selection,
            stop=self.stop,
            agreed=agreed,
        ).ends


def _directed(ends: Marks) -> BoolArray:
    """Where an edge i -> j is drawn."""
    directed: BoolArray = (ends == ARROW) & (ends.T == TAIL)
    return directed


def codes_of(triples: IntArray, p: int) -> IntArray:
    """Triples (a, k, b) with a < b as numbers, ascending if the triples are sorted by a, k, b."""
    a, k, b = triples.T
    return np.asarray((a * p + k) * p + b)


def first_marks(adjacency: BoolArray, bounds: Bounds, *, selection: bool) -> tuple[Marks, Marks]:
    """Marks that knowledge gives, and their reasons.

    B in a later tier than A is no ancestor of A, so the mark at B is an arrow; nothing is said
    about the mark at A. With selection B may still be an ancestor of what was selected on.
    """
    ends = adjacency * np.uint8(CIRCLE)
    reason = np.zeros_like(ends)
    if not bounds.is_none:
        tails = bounds.required.T & adjacency
        arrows = bounds.forbidden.T & adjacency & ~(tails | selection)
        ends[arrows], ends[tails] = ARROW, TAIL
        reason[arrows | tails] = KNOWN
    return ends, reason
