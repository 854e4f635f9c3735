"""The search of LPCMCI: tests that know the causes found so far, and marks that find more of them.

A mark is a statement about ancestors in the true graph and holds whether or not the edge that
carries it turns out to be there, so orientation need not wait for the skeleton. What an edge has
been through is kept for each of its sides (a, j), a at any lag and j now:

* `settled[a, j]`: a is no cause of j, or no set of parents of j separates the two. (The *middle
  marks* L and R of the paper are these statements for the two sides of an edge, ! is both.)
* `certain[a, j]`: the edge is in the true MAG (the empty middle mark). It is if a is a cause of j
  and the side is settled, because parents of j separate a from j if anything does.

*Ancestral phase*: while a side is not settled, ask about subsets of the possible causes next to j.
*Last phase*: the pairs that are left can only be apart if neither causes the other; ask about
subsets of what colliders may join to j.

Every set holds, beside the subset, all nodes that are known to be parents of a or of j. They are
ancestors of the two, and adding ancestors to a set of ancestors that separates leaves it one. In
autocorrelated series they take out most of what hides a link.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from causalkit.discovery.series._past import Questions
from causalkit.discovery.series._set_search import Evidence, Pools, separate
from causalkit.graph import ARROW, TAIL
from causalkit.graph.lagged_latent import (
    COLLIDES,
    SEPARATES,
    Roles,
    close_over_time,
    first_marks,
    judge_by_roles,
)
from causalkit.graph.mag import Marks
from causalkit.typing import BoolArray, IntArray

__all__ = ["LatentSearch", "shift_marks"]

_UNTOLD = 3
"""Role of a node about which the tests contradict each other."""


@dataclass(slots=True)
class LatentSearch:
    """A search under way.

    Attributes
    ----------
    questions : Questions
    alpha : float
    max_order : int
        Largest subset beside the known parents.
    evidence : Evidence
    ends, reason : ndarrays of uint8, shape (m, m)
        Marks over the window, and the rules that set them.
    roles : ndarray of uint8, shape (m, p, m)
    settled, certain : ndarrays of bool, shape (m, p)
    reached : ndarray of int, shape (m, p)
        Size of the sets that come next, on each side, given the parents that are known now.
    asked : ndarray of bool, shape (m, p)
        Sides of which all subsets of neighbours have been asked about, given these parents.
    """

    questions: Questions
    alpha: float
    max_order: int
    evidence: Evidence
    ends: Marks
    reason: Marks
    roles: Roles
    settled: BoolArray
    certain: BoolArray
    reached: IntArray
    asked: BoolArray

    @classmethod
    def begin(cls, questions: Questions, alpha: float, max_order: int | None) -> LatentSearch:
        """Join all nodes."""
        p, steps = questions.p, questions.max_lag + 1
        m = steps * p
        everything = np.ones((steps, p, p), dtype=np.bool_)
        everything[0] &= ~np.eye(p, dtype=np.bool_)
        ends, reason = first_marks(everything)
        return cls(
            questions,
            alpha,
            m if max_order is None else max_order,
            Evidence.none(m, p),
            ends,
            reason,
            np.zeros((m, p, m), dtype=np.uint8),
            np.zeros((m, p), dtype=np.bool_),
            np.zeros((m, p), dtype=np.bool_),
            np.zeros((m, p), dtype=np.intp),
            np.zeros((m, p), dtype=np.bool_),
        )

    # --- the phases ------------------------------------------------------------------------------

    def run(self, n_preliminary: int) -> None:
        """Go through all phases."""
        for _ in range(n_preliminary):
            self._ask_all(beyond=False)
            self._begin_again()
        self._ask_all(beyond=False)
        self._ask_all(beyond=True)
        self._finish()

    def _begin_again(self) -> None:
        """Join all nodes once more; of what was learnt, keep who is a parent."""
        parents = self._parents
        fresh = LatentSearch.begin(self.questions, self.alpha, self.max_order)
        self.evidence.forget()
        self.ends, self.reason = fresh.ends, fresh.reason
        p = self.questions.p
        for a, j in np.argwhere(parents).tolist():
            shift_marks(self.ends, a, j, p, TAIL, ARROW)
        self.roles, self.settled, self.certain = fresh.roles, fresh.settled, fresh.certain
        self.reached, self.asked = fresh.reached, fresh.asked

    def _ask_all(self, *, beyond: bool) -> None:
        """One phase: ask about larger and larger sets, until no side is left."""
        self._draw_from_marks()
        while True:
            sides = self._sides(beyond)
            if not len(sides):
                return
            order = int(self.reached[tuple(sides.T)].min())
            if order > self.max_order:
                self._close(sides, beyond)
                continue
            sides = sides[self.reached[tuple(sides.T)] == order]
            pools = self._pools(sides, beyond)
            small = pools.sizes[:, 1] < order
            if small.any():
                self._close(sides[small], beyond)
                continue
            self.reached[tuple(sides.T)] = order + 1
            if order == 0:  # both sides of a pair ask the same
                pools = pools.part(sides[:, 0] > sides[:, 1])
            apart = separate(self.questions, pools, order, self.alpha, self.evidence)
            if apart.any():
                self._cut(pools.sides[apart])
                self._orient()

    def _sides(self, beyond: bool) -> IntArray:
        """Sides that are still to be asked about."""
        p = self.questions.p
        waiting = (self.ends[:, :p] != 0) & ~(self.certain if beyond else self.settled)
        return np.argwhere(waiting).astype(np.intp)

    def _close(self, sides: IntArray, beyond: bool) -> None:
        """Note that all sets have been asked about."""
        past, now = sides.T
        if beyond:
            self.certain[past, now] = True
            own = past < self.questions.p
            self.certain[now[own], past[own]] = True
        else:
            self.settled[past, now] = self.asked[past, now] = True
            self.reached[past, now] = 0  # the last phase has pools of its own
            self._draw_from_marks()

    def _pools(self, sides: IntArray, beyond: bool) -> Pools:
        from causalkit.discovery.series._latent_pools_kernels import pools_of

        m = len(self.ends)
        pools = Pools.empty(sides, m)
        pools_of(
            self.ends, self.roles, self.evidence.weakest, sides, m if beyond else 0, True,
            self.asked, pools.default, pools.pool, pools.asked, pools.sizes,
        )  # fmt: skip
        return pools

    # --- cutting and directing -------------------------------------------------------------------

    def _cut(self, sides: IntArray) -> None:
        """Take edges out at all times, and note what separates their ends."""
        p = self.questions.p
        for a, j in sides.tolist():
            shift_marks(self.ends, a, j, p, 0, 0)
            self.roles[a, j] = self.evidence.closest[a, j] * np.uint8(SEPARATES)
            if a < p:
                self.roles[j, a] = self.roles[a, j]

    @property
    def _parents(self) -> BoolArray:
        """`[a, j]`: a -> j now."""
        p = self.questions.p
        found: BoolArray = (self.ends[:, :p] == ARROW) & (self.ends[:p].T == TAIL)
        return found

    def _orient(self) -> None:
        """Draw all marks that follow; sets that did not hold a parent found now are asked again."""
        before = self._parents
        close_over_time(self.ends, self.roles, self.reason, last=False)
        if self._judge_colliders():
            close_over_time(self.ends, self.roles, self.reason, last=False)
        changed = (before != self._parents).any(axis=0)
        if changed.any():
            p = self.questions.p
            again = changed[np.arange(len(self.ends)) % p][:, None] | changed
            self.reached[again], self.asked[again] = 0, False
        self._draw_from_marks()

    def _finish(self) -> None:
        """Draw the marks once more, from the edges and separations that are left.

        The graph is then the same whichever statements about ancestors were heard on the way.
        """
        p = self.questions.p
        self.ends, self.reason = first_marks(self.ends[:, :p].reshape(-1, p, p) != 0)
        self._judge_colliders()
        judge = judge_by_roles(self.roles, self.evidence.surest)
        close_over_time(self.ends, self.roles, self.reason, judge)

    def _draw_from_marks(self) -> None:
        """Settle sides that cannot be causes, and note the edges that are there for sure."""
        p = self.questions.p
        at_past = self.ends[:p].T
        self.settled |= at_past == ARROW
        sure = self.settled & (at_past == TAIL)
        self.certain |= sure
        self.certain[:p] |= sure[:p].T

    def _judge_colliders(self) -> bool:
        """Tell which nodes between two that are apart cause neither; whether any does.

        If a set of ancestors separates a and j, and k outside it depends on both given that set,
        then k is an ancestor of neither: else it would lie on one side of the set.
        """
        from causalkit.discovery.series._lpcmci_kernels import collider_questions

        before = int((self.roles == COLLIDES).sum())
        triples, owner, pairs, sets = collider_questions(self.ends, self.roles, self.certain)
        if len(triples):
            _, p_value = self.questions.ask(pairs, sets)
            self.evidence.counts += int((~np.isnan(p_value)).sum()), int(np.isnan(p_value).sum())
            role = np.full(len(triples), COLLIDES, dtype=np.uint8)
            role[owner[~(p_value <= self.alpha)]] = _UNTOLD
            a, k, j = triples.T
            self.roles[a, j, k] = role
            own = a < self.questions.p
            self.roles[j[own], a[own], k[own]] = role[own]
        return int((self.roles == COLLIDES).sum()) > before


def shift_marks(ends: Marks, a: int, j: int, p: int, at_a: int, at_j: int) -> None:
    """Set both marks of an edge at all times."""
    n = (len(ends) - 1 - a) // p + 1
    past, now = a + p * np.arange(n), j + p * np.arange(n)
    ends[past, now], ends[now, past] = at_j, at_a
