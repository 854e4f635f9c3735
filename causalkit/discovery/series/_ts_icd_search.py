"""The search of TS-ICD: larger and larger sets, and at each size the longest lags first.

At size r every pair that is still joined is asked about the sets of r nodes near the later one.
*Near* is a walk within the set itself, on which each inner node may be a collider, so a set of r
nodes reaches r steps at most, and the search widens as it goes. What is asked at size r is all that
sets of this size can tell; so the marks that follow from what is left hold, and are drawn anew
after each size, to keep the next walks short.

Long lags come first because they are the ones that fall soonest; what is gone no longer lengthens
the questions about short lags and about pairs within the step.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from causalkit.discovery.series._latent_pools_kernels import pools_of
from causalkit.discovery.series._lpcmci_search import shift_marks
from causalkit.discovery.series._past import Questions
from causalkit.discovery.series._set_search import Evidence, Pools, separate
from causalkit.graph.lagged_latent import (
    COLLIDES,
    SEPARATES,
    Roles,
    close_over_time,
    first_marks,
    judge_by_roles,
)
from causalkit.graph.mag import Marks
from causalkit.typing import IntArray

__all__ = ["IterativeSearch"]


@dataclass(slots=True)
class IterativeSearch:
    """A search under way.

    Attributes
    ----------
    questions : Questions
    alpha : float
    evidence : Evidence
    ends, reason : ndarrays of uint8, shape (m, m)
        Marks over the window, and the rules that set them.
    roles : ndarray of uint8, shape (m, p, m)
    """

    questions: Questions
    alpha: float
    evidence: Evidence
    ends: Marks
    reason: Marks
    roles: Roles

    @classmethod
    def begin(cls, questions: Questions, alpha: float) -> IterativeSearch:
        """Join all nodes."""
        p, steps = questions.p, questions.max_lag + 1
        everything = np.ones((steps, p, p), dtype=np.bool_)
        everything[0] &= ~np.eye(p, dtype=np.bool_)
        ends, reason = first_marks(everything)
        roles = np.zeros((steps * p, p, steps * p), dtype=np.uint8)
        return cls(questions, alpha, Evidence.none(steps * p, p), ends, reason, roles)

    def run(self, max_order: int | None, *, long_first: bool) -> None:
        """Ask about all sizes that there are sets of."""
        lags = list(range(1, self.questions.max_lag + 1))
        if long_first:
            lags.reverse()
        order, asked = 0, True
        while asked and (max_order is None or order <= max_order):
            asked = False
            for lag in [*lags, 0]:
                asked |= self._ask(lag, order)
            self._orient(last=False)
            order += 1
        self._orient(last=True)

    def _ask(self, lag: int, order: int) -> bool:
        """Ask about the pairs of one lag; whether there was a set of this size to ask about."""
        p = self.questions.p
        sides = np.argwhere(self.ends[lag * p : (lag + 1) * p, :p] != 0).astype(np.intp)
        sides[:, 0] += lag * p
        if order == 0:  # both sides of a pair ask the same
            sides = sides[sides[:, 0] > sides[:, 1]]
        pools = self._pools(sides, order)
        pools = pools.part(pools.sizes[:, 1] >= order)
        if not len(pools.sides):
            return False
        before = int(self.evidence.counts.sum())
        linked = self.ends, self.roles
        apart = separate(self.questions, pools, order, self.alpha, self.evidence, linked)
        self._cut(pools.sides[apart])
        return int(self.evidence.counts.sum()) > before

    def _pools(self, sides: IntArray, order: int) -> Pools:
        pools = Pools.empty(sides, len(self.ends))
        nothing = np.zeros(self.evidence.weakest.shape, dtype=np.bool_)
        pools_of(
            self.ends, self.roles, self.evidence.weakest, sides, max(order, 1), False, nothing,
            pools.default, pools.pool, pools.asked, pools.sizes,
        )  # fmt: skip
        return pools

    def _cut(self, sides: IntArray) -> None:
        """Take edges out at all times; what was not needed to separate the ends causes neither."""
        p = self.questions.p
        for a, j in sides.tolist():
            shift_marks(self.ends, a, j, p, 0, 0)
            needed = self.evidence.closest[a, j]
            self.roles[a, j] = np.where(needed, np.uint8(SEPARATES), np.uint8(COLLIDES))
            if a < p:
                self.roles[j, a] = self.roles[a, j]

    def _orient(self, *, last: bool) -> None:
        """Draw the marks anew."""
        p = self.questions.p
        self.ends, self.reason = first_marks(self.ends[:, :p].reshape(-1, p, p) != 0)
        judge = judge_by_roles(self.roles, self.evidence.surest)
        close_over_time(self.ends, self.roles, self.reason, judge, last=last)
