"""The adjustment criterion on arrays: what it asks of a graph, worked out once per query.

A :class:`Frame` holds the facts that every question about adjustment shares: which nodes are
forbidden, which first edges the proper back-door graph lacks, which edges are undecided. The three
conditions of the criterion (see :mod:`~causalkit.identification.adjustment.sets`) are then one line
each.

The kinds of graphs differ in three places only: which paths are possibly causal (rule tables, where
an open edge may go either way), which first edges are beyond doubt (in a MAG or PAG only *visible*
ones, which no hidden cause accompanies), and who answers for separation (a class: one of its
members).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from causalkit.errors import GraphError, InputError
from causalkit.graph import ARROW, CIRCLE, TAIL, CausalGraph, Edge, Kind
from causalkit.graph.equivalence import meek_closure
from causalkit.graph.mag import mag_to_pag
from causalkit.graph.separation import representative
from causalkit.graph.walks import (
    ANCESTORS,
    M_CONNECTION,
    Steps,
    Walk,
    find_walk,
    m_connected,
    mask_of,
    reach,
    without_directed,
)
from causalkit.identification.classes.equivalence_class import (
    causal_first_steps,
    possibly_caused,
    undecided,
)
from causalkit.identification.query import EffectQuery
from causalkit.typing import BoolArray, IntArray, Names

__all__ = ["Frame", "check_kind", "every_reading", "frame", "frame_of", "observed_mask"]


@dataclass(frozen=True, slots=True)
class Frame:
    """What the criterion needs to know about a graph and a query, computed once.

    Masks have shape (n_nodes,).
    """

    graph: CausalGraph
    """The graph; a class is closed under Meek's rules."""
    member: CausalGraph
    """The graph itself, or one member of the class."""
    treatment: BoolArray
    outcome: BoolArray
    forbidden: BoolArray
    """Nodes on proper causal paths, treatment aside, and what they cause."""
    allowed: BoolArray
    """Observed, neither treatment nor outcome, and not forbidden."""
    first_steps: IntArray
    """First edges (x, v) of the causal paths, which the proper back-door graph does not have;
    shape (n_steps, 2)."""
    undecided: tuple[Edge, ...]
    """Condition 0 holds if there are none."""
    is_window: bool = False
    """Whether the graph is a stretch of an endless one, so that there are sets beyond it."""

    @property
    def first_nodes(self) -> BoolArray:
        """Second nodes of the causal paths: where the cut edges lead."""
        found = np.zeros_like(self.treatment)
        found[self.first_steps[:, 1]] = True
        return found

    @property
    def has_effect(self) -> bool:
        """Whether some member has a causal path."""
        return len(self.first_steps) > 0 or len(self.undecided) > 0

    def permits(self, given: BoolArray) -> bool:
        """Condition 1, and that all of it is observed."""
        return not bool((given & ~self.allowed).any())

    def blocks(self, given: BoolArray) -> bool:
        """Condition 2."""
        return not bool((m_connected(self.backdoor(), self.treatment, given) & self.outcome).any())

    def is_valid(self, given: BoolArray) -> bool:
        """All three conditions."""
        return not self.undecided and self.permits(given) and self.blocks(given)

    def backdoor(self) -> Steps:
        """Return the proper back-door graph of the member."""
        return without_directed(self.member, self.first_steps.tolist())

    def open_walk(self, given: BoolArray) -> Walk | None:
        """Find a shortest non-causal path that is open given these nodes."""
        steps = self.backdoor()
        opened = reach(steps, given, ANCESTORS)
        return find_walk(
            steps,
            self.treatment,
            self.outcome,
            M_CONNECTION,
            avoid=self.treatment,
            opened=opened,
            free=~given,
        )

    def unblockable(self, include: BoolArray) -> Walk:
        """Find a shortest non-causal path that stays open; only called where no set blocks all.

        If any set with `include` blocks them, then so do all allowed ancestors.
        """
        ends = self.treatment | self.outcome | include
        walk = self.open_walk(reach(self.member, ends, ANCESTORS) & self.allowed)
        if walk is None:
            raise RuntimeError("no set was found to block, yet this one does: please report it")
        return walk


def frame(graph: CausalGraph, query: EffectQuery, observed: Names | None = None) -> Frame:
    """Work out forbidden nodes, first causal edges and undecided edges for a query.

    Parameters
    ----------
    graph : CausalGraph
        Of any kind (background knowledge in a CPDAG is welcome).
    query : EffectQuery
        Checked against `graph`.
    observed : names, optional
        Variables that data has; left out, all.

    Raises
    ------
    GraphError
        If a MAG or PAG has edges of selection, or a CPDAG has no member.
    InputError
        If a variable of the query is not observed.
    """
    check_kind(graph)
    closed = meek_closure(graph) if graph.kind is Kind.CPDAG else graph
    seen = observed_mask(closed, query, observed)
    return frame_of(closed, _answers_for_all(closed), query, seen)


def _answers_for_all(graph: CausalGraph) -> CausalGraph:
    """A graph that answers for all members: the graph itself, or one of them.

    A PAG that was learnt may be the class of no MAG, where tests left a triple open or contradict
    each other. Then its members need not have the same separations. What is known beyond
    separations, such as tiers, does no harm.
    """
    if graph.kind is not Kind.PAG:
        return representative(graph)
    try:
        member = representative(graph)
        drawn = mag_to_pag(member).ends
    except GraphError:
        return every_reading(graph)
    more_is_drawn = (drawn != CIRCLE) & (drawn != graph.ends)
    return every_reading(graph) if more_is_drawn.any() else member


def every_reading(graph: CausalGraph) -> CausalGraph:
    """Read each circle of a PAG as a tail and as an arrow at once.

    What blocks a path here blocks it in every graph that has the marks of the PAG, whether or not
    these graphs have the same separations. The converse need not hold.
    """
    ends = np.array(graph.ends)
    ends[ends == CIRCLE] = TAIL | ARROW
    return CausalGraph._of(graph.nodes, ends, Kind.ADMG)


def frame_of(
    graph: CausalGraph, member: CausalGraph, query: EffectQuery, observed: BoolArray
) -> Frame:
    """Do the work of :func:`frame` for a closed class, a member of it, and a mask."""
    treatment, outcome = mask_of(graph, query.treatment), mask_of(graph, query.outcome)
    first_steps = causal_first_steps(graph, treatment, outcome)
    first_nodes = np.zeros_like(treatment)
    first_nodes[first_steps[:, 1]] = True
    forbidden = possibly_caused(graph, first_nodes)
    allowed = ~(forbidden | treatment | outcome) & observed
    edges = tuple(undecided(graph, treatment, outcome))
    return Frame(graph, member, treatment, outcome, forbidden, allowed, first_steps, edges)


def check_kind(graph: CausalGraph) -> None:
    """Refuse edges of selection.

    Raises
    ------
    GraphError
    """
    if graph.kind in (Kind.MAG, Kind.PAG):
        tails = (graph.ends & TAIL) > 0
        if (tails & tails.T).any() or (tails & ((graph.ends.T & CIRCLE) > 0)).any():
            raise GraphError(
                f"the {graph.kind.name} has an edge -- or o--, which stands for selection; "
                "identification expects data that were not selected by what they hold. Model how "
                "rows got into the data, or leave out what selection acts on."
            )


def observed_mask(graph: CausalGraph, query: EffectQuery, observed: Names | None) -> BoolArray:
    """Mask of the observed nodes, those of the query among them.

    Raises
    ------
    InputError
        If a variable of the query is not observed.
    """
    if observed is None:
        return np.ones(len(graph.nodes), dtype=np.bool_)
    seen = mask_of(graph, observed)
    for role in ("treatment", "outcome", "given"):
        for name in getattr(query, role):
            if not seen[graph.index(name)]:
                raise InputError(
                    f"{role} {name!r} is not among the observed variables; expected a variable "
                    "that data has. Add it to observed, or ask about another one."
                )
    return seen
