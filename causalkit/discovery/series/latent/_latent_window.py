"""Marks over a window of time, and what is known of nodes that are apart.

Node `lag * p + k` is series k, `lag` steps ago, and an edge has the same marks at all times. Pairs
that end at t are separated by nodes of t-max_lag, …, t. The same pair s steps earlier may need
nodes that lie before the window; then walks within the window may still have to pass between the
two, as though they were joined. Such pairs are *loose*: no edges of the graph, but steps of a walk.
(Series that remember themselves are loose at the first step of the window: what they have in common
there comes from before. What separates others may be found only beyond such a step.)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from causalkit.discovery.series.latent._set_search import Evidence
from causalkit.discovery.series.momentary._past import Questions
from causalkit.graph.lagged_latent import (
    COLLIDES,
    SEPARATES,
    Roles,
    close_over_time,
    first_marks,
    judge_by_roles,
)
from causalkit.graph.mag import Marks
from causalkit.graph.marks import ARROW, TAIL
from causalkit.typing import BoolArray, IntArray

__all__ = ["Window"]

_UNTOLD = 3
"""Role of a node that some separating sets hold and others do without."""


@dataclass(slots=True)
class Window:
    """A graph of series in the making.

    Attributes
    ----------
    ends, reason : ndarrays of uint8, shape (m, m)
        Marks, and the rules that set them.
    loose : ndarray of uint8, shape (m, m)
        Marks of loose pairs.
    roles : ndarray of uint8, shape (m, p, m)
        What nodes are to pairs that are apart.
    """

    ends: Marks
    reason: Marks
    loose: Marks
    roles: Roles

    @classmethod
    def full(cls, p: int, max_lag: int) -> Window:
        """Join all nodes."""
        m = (max_lag + 1) * p
        joined = np.ones((max_lag + 1, p, p), dtype=np.bool_)
        joined[0] &= ~np.eye(p, dtype=np.bool_)
        ends, reason = first_marks(joined)
        return cls(ends, reason, np.zeros_like(ends), np.zeros((m, p, m), dtype=np.uint8))

    @property
    def p(self) -> int:
        """Number of series."""
        return int(self.roles.shape[1])

    @property
    def joined(self) -> BoolArray:
        """`[a, j]`: an edge between node a and series j now."""
        found: BoolArray = self.ends[:, : self.p] != 0
        return found

    @property
    def parents(self) -> BoolArray:
        """`[a, j]`: a -> j now."""
        at_j, at_a = self.ends[:, : self.p], self.ends[: self.p].T
        found: BoolArray = (at_j == ARROW) & (at_a == TAIL)
        return found

    @property
    def walks(self) -> Marks:
        """Marks of all pairs that a walk may pass."""
        return np.where(self.ends == 0, self.loose, self.ends)

    def cut(self, sides: IntArray, evidence: Evidence) -> None:
        """Take the edges between nodes a and series j, shape (n, 2), out at all times."""
        from causalkit.discovery.series.latent._latent_roles_kernels import take_out

        take_out(self.ends, self.loose, self.roles, evidence.closest, evidence.votes, sides)

    def mark(self, a: int, j: int, at_a: int, at_j: int) -> None:
        """Set both marks of an edge at all times."""
        shift = self.p * np.arange(len(self.ends) // self.p - a // self.p)
        self.ends[a + shift, j + shift], self.ends[j + shift, a + shift] = at_j, at_a

    def forget_marks(self) -> None:
        """Keep of the marks those that the order of time gives."""
        self.ends, self.reason = first_marks(self.joined.reshape(-1, self.p, self.p))

    def close(self) -> None:
        """Draw what follows from the roles that are known, whether or not all edges are there."""
        close_over_time(self.ends, self.roles, self.reason, last=False)

    def draw_colliders(self, questions: Questions, alpha: float, evidence: Evidence) -> None:
        """Ask which nodes between two that are apart cause neither, and draw what follows."""
        from causalkit.discovery.series.latent._latent_roles_kernels import open_triples

        triples = open_triples(self.ends, self.roles)
        self.judge_middles(triples, questions, alpha, evidence)
        self.close()

    def finish(self, questions: Questions, alpha: float, evidence: Evidence) -> None:
        """Draw all marks anew, from the edges and separations that are left.

        They are then the same whichever statements were heard on the way.
        """

        def judge(marks: Marks, paths: IntArray) -> tuple[IntArray, NDArray[np.int8]]:
            t, _, b, c, _ = paths.T
            shift = np.minimum(t, c) // self.p * self.p
            ends = np.maximum(t, c) - shift, np.minimum(t, c) - shift
            triples = np.column_stack((ends[0], b - shift, ends[1]))
            self.judge_middles(triples, questions, alpha, evidence)
            told = self.roles[ends[0], ends[1], b - shift] != _UNTOLD
            return judge_by_roles(self.roles, evidence.surest)(marks, paths[told])

        self.forget_marks()
        self.close()
        self.draw_colliders(questions, alpha, evidence)
        close_over_time(self.ends, self.roles, self.reason, judge)

    def judge_middles(
        self, triples: IntArray, questions: Questions, alpha: float, evidence: Evidence
    ) -> None:
        """Tell what nodes k are to two nodes a and j that are separated without k.

        If ancestors of a and j separate the two, so do more of them. So k is none if the two depend
        once k is conditioned on, too. If k makes them look the more independent, it was missing: a
        weak dependence had passed for none.

        Parameters
        ----------
        triples : ndarray of int, shape (n, 3)
            Nodes a and k, and series j. Only those without a role are asked about.
        questions, alpha, evidence
            Who is asked, at what level, and who counts the answers.
        """
        triples = triples[self.roles[triples[:, 0], triples[:, 2], triples[:, 1]] == 0]
        if not len(triples):
            return
        a, k, j = triples.T
        given = evidence.closest[a, j]
        given[np.arange(len(k)), k] = True
        sizes = given.sum(axis=1)
        sets = np.full((len(k), int(sizes.max())), -1, dtype=np.intp)
        sets[np.arange(sets.shape[1]) < sizes[:, None]] = np.nonzero(given)[1]
        _, p_value = questions.ask(triples[:, [0, 2]], sets)
        evidence.counts += int((~np.isnan(p_value)).sum()), int(np.isnan(p_value).sum())
        better = (p_value > alpha) & (p_value > evidence.surest[a, j])
        role = np.where(p_value <= alpha, np.uint8(COLLIDES), np.uint8(_UNTOLD))
        role[better] = SEPARATES
        self.roles[a, j, k] = role
        own = a < self.p
        self.roles[j[own], a[own], k[own]] = role[own]
