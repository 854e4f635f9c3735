"""The search of TS-ICD: larger and larger sets, and at each size the longest lags first.

At size r every pair that is still joined is asked about the sets of r nodes near the later one.
*Near* is a walk within the set itself, on which each inner node may be a collider, so a set of r
nodes reaches r steps at most, and the search widens as it goes. What is asked at size r is all that
sets of this size can tell; so the marks that follow from what is left hold, and are drawn anew
after each size, to keep the next walks short.

Sets are many once they are large. A set of ancestors that separates still does so with more of
them; so as soon as that takes fewer tests, a side is asked about all sets that hold every *known*
ancestor near j, and any of the nodes of which it is not known; after that there is nothing left to
ask.

Long lags come first because they are the ones that fall soonest; what is gone no longer lengthens
the questions about short lags and about pairs within the step.

A search that begins again joins all nodes once more, and marks the parents that it found. Every
set then holds all known ancestors near the two. Those are ancestors by these marks and by no later
ones: if more became known on the way, what is left of a set would be of a size that is over.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import comb

import numpy as np

from causalkit.discovery.series.latent._latent_window import Window
from causalkit.discovery.series.latent._set_search import Evidence, Pools, separate
from causalkit.discovery.series.momentary._past import Questions
from causalkit.graph.mag import Marks
from causalkit.graph.marks import ARROW, TAIL
from causalkit.typing import BoolArray, IntArray

__all__ = ["IterativeSearch"]

_COLLIDERS_FROM = 2
"""Size of sets from which on colliders are drawn."""


@dataclass(slots=True)
class IterativeSearch:
    """A search under way.

    Attributes
    ----------
    questions : Questions
    alpha : float
    max_order : int or None
        Largest set.
    evidence : Evidence
    window : Window
    done : ndarray of bool, shape (m, p)
        Sides with nothing left to ask.
    parents : ndarray of bool, shape (m, p)
        `[a, j]`: a -> j now, from the search before.
    told : ndarray of uint8, shape (m, m)
        Marks of these parents and of the order of time.
    """

    questions: Questions
    alpha: float
    max_order: int | None
    evidence: Evidence
    window: Window
    done: BoolArray
    parents: BoolArray
    told: Marks

    @classmethod
    def begin(cls, questions: Questions, alpha: float, max_order: int | None) -> IterativeSearch:
        """Join all nodes."""
        p, max_lag = questions.p, questions.max_lag
        m = (max_lag + 1) * p
        done = np.zeros((m, p), dtype=np.bool_)
        evidence = Evidence.none(m, p)
        window = Window.full(p, max_lag)
        unknown = np.zeros_like(done)
        return cls(questions, alpha, max_order, evidence, window, done, unknown, window.ends)

    def run(self, n_preliminary: int, *, long_first: bool) -> None:
        """Search, and search again as often as asked for, with the parents that were found."""
        lags = list(range(1, self.questions.max_lag + 1))
        if long_first:
            lags.reverse()
        self._widen([*lags, 0], self._ask)
        for _ in range(n_preliminary):
            self._begin_again()
            self._widen([*lags, 0], self._ask_beside_parents)

    def _widen(self, lags: list[int], ask: Callable[[int, int], bool]) -> None:
        """Ask about all sizes that there are sets of."""
        order, asked = 0, True
        while asked and (self.max_order is None or order <= self.max_order):
            asked = False
            for lag in lags:
                asked |= ask(lag, order)
            self.window.forget_marks()
            self._mark_parents()
            self.window.close()
            if order >= _COLLIDERS_FROM:
                self.window.draw_colliders(self.questions, self.alpha, self.evidence)
            order += 1
        self.window.finish(self.questions, self.alpha, self.evidence)

    def _begin_again(self) -> None:
        """Join all nodes once more; of what was learnt, keep who is a parent."""
        self.parents = self.window.parents
        self.window = Window.full(self.questions.p, self.questions.max_lag)
        self._mark_parents()
        self.evidence.forget()
        self.done[:] = False

    def _mark_parents(self) -> None:
        """Mark the parents that are known from before, where an edge is left."""
        for a, j in np.argwhere(self.parents & self.window.joined).tolist():
            self.window.mark(a, j, TAIL, ARROW)
        self.told = self.window.ends.copy()

    def _waiting(self, lag: int) -> IntArray:
        """Sides of one lag that there is something left to ask about."""
        p = self.questions.p
        past = slice(lag * p, (lag + 1) * p)
        waiting = self.window.joined[past] & ~self.done[past]
        sides = np.argwhere(waiting).astype(np.intp)
        sides[:, 0] += lag * p
        return sides

    def _ask(self, lag: int, order: int) -> bool:
        """Ask about the pairs of one lag; whether there was a set of this size to ask about."""
        sides = self._waiting(lag)
        if order == 0:  # both sides of a pair ask the same
            sides = sides[sides[:, 0] > sides[:, 1]]
        before, walks = self.evidence.n_asked, self.window.walks
        pools = self._pools(walks, sides, max(order, 1))
        pools = pools.part(pools.sizes[:, 1] >= order)
        gone = np.empty((0, 2), dtype=np.intp)
        if order > 1 and self.max_order is None:
            rest = self._pools(walks, pools.sides, len(walks), self.window.ends)
            sizes = zip(pools.sizes[:, 1].tolist(), rest.sizes[:, 1].tolist(), strict=True)
            fewer = np.array([2**unknown < comb(n, order) for n, unknown in sizes], dtype=np.bool_)
            pools, gone = pools.part(~fewer), self._ask_rest(rest.part(fewer))
        linked = walks, self.window.roles
        apart = separate(self.questions, pools, order, self.alpha, self.evidence, linked)
        self.window.cut(np.concatenate((pools.sides[apart], gone)), self.evidence)
        return self.evidence.n_asked > before

    def _ask_beside_parents(self, lag: int, order: int) -> bool:
        """Ask about sets of one size that hold, beside it, all known ancestors.

        Walks are many before the first cuts, so at first only parents count as known; the sets of
        nobody else are asked about once more when all of them do.
        """
        before, walks = self.evidence.n_asked, self.window.walks
        pools = self._pools(walks, self._waiting(lag), len(walks) if order else 1, self.told)
        apart, linked = np.zeros(len(pools.sides), dtype=np.bool_), (walks, self.window.roles)
        for size in (0, 1) if order == 1 else (order,):
            rows = ~apart & (pools.sizes[:, 1] >= size)
            asked = pools.part(rows)
            apart[rows] = separate(self.questions, asked, size, self.alpha, self.evidence, linked)
        self.window.cut(pools.sides[apart], self.evidence)
        return self.evidence.n_asked > before

    def _ask_rest(self, pools: Pools) -> IntArray:
        """Ask about all sets that hold the known ancestors, and return the sides cut by one."""
        apart, sizes = np.zeros(len(pools.sides), dtype=np.bool_), pools.sizes[:, 1]
        for order in range(int(sizes.max(initial=-1)) + 1):
            rows = ~apart & (sizes >= order)
            asked = pools.part(rows)
            apart[rows] = separate(self.questions, asked, order, self.alpha, self.evidence)
        self.done[tuple(pools.sides[~apart].T)] = True
        return pools.sides[apart]

    def _pools(
        self, walks: Marks, sides: IntArray, farthest: int, told: Marks | None = None
    ) -> Pools:
        """Nodes near the later one of each pair; ancestors that these marks tell set apart."""
        from causalkit.discovery.series.latent._latent_pools_kernels import pools_of

        window, pools = self.window, Pools.empty(sides, len(walks))
        apart = told is not None
        pools_of(
            window.ends, walks, told if told is not None else window.ends, window.roles,
            self.evidence.weakest, sides, farthest, apart, np.zeros_like(self.done),
            pools.default, pools.pool, pools.asked, pools.sizes,
        )  # fmt: skip
        return pools
