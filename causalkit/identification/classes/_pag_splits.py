"""Splitting a PAG into sub-classes: deciding a mark, what follows from it, and who is left.

A mark that is decided makes others follow. The rules for PAGs find them, with one change: a path
that comes to discriminate only now cannot make its node a collider, else the PAG would have known
(Wang et al. 2022). A sub-class is kept if a MAG of the class has its marks; mostly the plainest
completion is one (`o->` to `->`, the `o-o` part without new colliders), and if not, one is looked
for by deciding more.

References
----------
Wang, T.-Z., Qin, T., Zhou, Z.-H. (2022). Sound and complete causal identification with latent
variables given local background knowledge. NeurIPS 35.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from causalkit.errors import GraphError, NotIdentifiableError
from causalkit.graph import ARROW, CIRCLE, TAIL, CausalGraph, Kind
from causalkit.graph.mag import Marks, apply_rules, mag_to_pag, unshielded_colliders
from causalkit.graph.separation import representative
from causalkit.identification.adjustment.criterion import check_kind
from causalkit.typing import IntArray

__all__ = ["Mark", "Splits"]

Mark: TypeAlias = tuple[int, int]
"""(i, j): the mark at j's end of the edge between i and j."""


@dataclass(frozen=True, slots=True)
class Splits:
    """How to decide marks of a PAG so that members are left."""

    graph: CausalGraph
    """What to split: a PAG, or a MAG, in which nothing is left to decide."""
    whole: CausalGraph
    """The class of all equivalent MAGs."""
    fertile: dict[bytes, bool] = field(default_factory=dict)
    """Marks that were looked at, and whether a member has them."""

    @classmethod
    def of(cls, graph: CausalGraph) -> Splits:
        """Check that a graph is the class of a MAG.

        Raises
        ------
        GraphError
            If it is of another kind, or has edges of selection.
        NotIdentifiableError
            If no MAG has this class.
        """
        if graph.kind not in (Kind.PAG, Kind.MAG):
            raise GraphError(
                f"the graph is a {graph.kind.name}; expected a PAG or a MAG. For a CPDAG ask "
                'identify(..., strategy="possible").'
            )
        check_kind(graph)
        splits = cls(graph, mag_to_pag(graph) if graph.kind is Kind.MAG else graph)
        if not splits.is_sound(splits.whole.ends):
            raise NotIdentifiableError(
                "the PAG is not the class of any MAG: some mark is wrong, or more is known than "
                "separations tell; expected a PAG as FCI finds it with an oracle. Make it complete "
                "with mag_to_pag() of a MAG that fits."
            )
        return splits

    def as_pag(self, ends: Marks) -> CausalGraph:
        """A sub-class as a graph."""
        return CausalGraph(self.graph.nodes, ends, Kind.PAG)

    def is_sound(self, ends: Marks) -> bool:
        """Whether the plainest completion of these marks is a member."""
        try:
            return mag_to_pag(representative(self.as_pag(ends))) == self.whole
        except GraphError:
            return False

    def both_ways(self, ends: Marks, mark: Mark) -> list[Marks]:
        """Decide a mark for tail and for arrow; keep what has members."""
        found = (self._decided(ends, mark, kind) for kind in (TAIL, ARROW))
        return [marks for marks in found if self._has_member(marks)]

    def _decided(self, ends: Marks, mark: Mark, kind: int) -> Marks:
        """Set a mark and apply the rules; a path that now discriminates is none of a collider."""
        marks = np.array(ends)
        marks[mark] = kind
        if kind == TAIL and marks[mark[::-1]] == CIRCLE:
            marks[mark[::-1]] = ARROW  # there is no selection
        apply_rules(marks, _no_collider, selection=False)
        return marks

    def _has_member(self, ends: Marks) -> bool:
        key = ends.tobytes()
        if key not in self.fertile:
            self.fertile[key] = self._look_for_member(ends)
        return self.fertile[key]

    def _look_for_member(self, ends: Marks) -> bool:
        tails = ends == TAIL
        colliders = unshielded_colliders(self.whole.ends)  # which all members share
        if (tails & tails.T).any() or (unshielded_colliders(ends) != colliders).any():
            return False
        if self.is_sound(ends):
            return True
        circles = np.argwhere(ends == CIRCLE)
        if not len(circles):
            return False
        mark = (int(circles[0, 0]), int(circles[0, 1]))
        return any(self._has_member(self._decided(ends, mark, kind)) for kind in (TAIL, ARROW))


def _no_collider(_: Marks, paths: IntArray) -> tuple[IntArray, NDArray[np.int8]]:
    """A path that discriminates only since a mark was decided is no collider's (Wang et al.)."""
    return paths, np.zeros(len(paths), dtype=np.int8)
