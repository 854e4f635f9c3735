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

from causalkit.discovery.series.latent._latent_window import Window
from causalkit.discovery.series.latent._set_search import Evidence, Pools, separate
from causalkit.discovery.series.momentary._past import Questions
from causalkit.graph import ARROW, TAIL
from causalkit.typing import BoolArray, IntArray

__all__ = ["LatentSearch"]


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
    window : Window
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
    window: Window
    settled: BoolArray
    certain: BoolArray
    reached: IntArray
    asked: BoolArray

    @classmethod
    def begin(cls, questions: Questions, alpha: float, max_order: int | None) -> LatentSearch:
        """Join all nodes."""
        p, max_lag = questions.p, questions.max_lag
        m = (max_lag + 1) * p
        return cls(
            questions,
            alpha,
            m if max_order is None else max_order,
            Evidence.none(m, p),
            Window.full(p, max_lag),
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
        self._orient(colliders=True)
        self._ask_all(beyond=True)
        self.window.finish(self.questions, self.alpha, self.evidence)

    def _begin_again(self) -> None:
        """Join all nodes once more; of what was learnt, keep who is a parent."""
        parents = np.argwhere(self.window.parents).tolist()
        self.window = Window.full(self.questions.p, self.questions.max_lag)
        for a, j in parents:
            self.window.mark(a, j, TAIL, ARROW)
        self.evidence.forget()
        self.settled[:] = self.certain[:] = self.asked[:] = False

    def _ask_all(self, *, beyond: bool) -> None:
        """One phase: ask about larger and larger sets, until no side is left."""
        self._draw_from_marks()
        self.reached[:] = 0
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
            if order == 0:
                pools = pools.part(~_is_twin(sides))
            apart = separate(self.questions, pools, order, self.alpha, self.evidence)
            if apart.any():
                self.window.cut(pools.sides[apart], self.evidence)
                self._orient(colliders=beyond)

    def _sides(self, beyond: bool) -> IntArray:
        """Sides that are still to be asked about."""
        waiting = self.window.joined & ~(self.certain if beyond else self.settled)
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
            self._draw_from_marks()

    def _pools(self, sides: IntArray, beyond: bool) -> Pools:
        from causalkit.discovery.series.latent._latent_pools_kernels import pools_of

        m, window = len(self.window.ends), self.window
        pools = Pools.empty(sides, m)
        pools_of(
            window.ends, window.walks, window.ends, window.roles, self.evidence.weakest, sides,
            m if beyond else 0, True, self.asked,
            pools.default, pools.pool, pools.asked, pools.sizes,
        )  # fmt: skip
        return pools

    # --- directing -------------------------------------------------------------------------------

    def _orient(self, *, colliders: bool) -> None:
        """Draw all marks that follow; sets that did not hold a parent found now are asked again."""
        before = self.window.parents
        self.window.close()
        if colliders:
            self.window.draw_colliders(self.questions, self.alpha, self.evidence)
        changed = (before != self.window.parents).any(axis=0)
        if changed.any():
            p = self.questions.p
            again = changed[np.arange(len(self.reached)) % p][:, None] | changed
            self.reached[again], self.asked[again] = 0, False
        self._draw_from_marks()

    def _draw_from_marks(self) -> None:
        """Settle sides that cannot be causes, and note the edges that are there for sure."""
        p = self.questions.p
        at_past = self.window.ends[:p].T
        self.settled |= at_past == ARROW
        sure = self.settled & (at_past == TAIL)
        self.certain |= sure
        self.certain[:p] |= sure[:p].T


def _is_twin(sides: IntArray) -> BoolArray:
    """Which sides ask, given nothing of their own, what another one asks as well."""
    p = int(sides.max(initial=0)) + 1
    past, now = sides.T
    twin: BoolArray = (past < now) & np.isin(now * p + past, past * p + now)
    return twin
