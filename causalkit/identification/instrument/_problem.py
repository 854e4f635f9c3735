"""What makes an instrument, as questions about separation.

Let `G_c` be the graph without the first edges of the causal paths from the treatment X to the
outcome Y. Nothing that may be conditioned on (observed, not X or Y, neither on those paths nor
caused by them) changes when these edges are cut, and Y loses exactly the effect of X. So Z is
independent, given W, of what Y would be without the effect of X if W separates Z from Y in `G_c`.
(Of several treatments, one may be caused by another on its way to Y. It does change, but neither
its causes there nor its effects are causes of Z, W or the rest of Y, so no path leads over it.)

Whether a node is exogenous, and whether it is relevant, is one search each. The conditioning set is
a minimal separator of Z and Y in `G_c`, the one nearest to Y. Nearness is what matters: among all
separators made of causes of Z and Y, no other leaves Z more of its connections, so if Z is
associated with X given any of them, then given this one (van der Zander et al. 2015).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

import numpy as np

from causalkit._core.checks import check_choice
from causalkit.errors import GraphError, InputError
from causalkit.graph import TAIL, CausalGraph, Kind
from causalkit.graph.separation import minimal_separator
from causalkit.graph.walks import (
    ANCESTORS,
    DESCENDANTS,
    M_CONNECTION,
    Walk,
    find_walk,
    m_connected,
    mask_of,
    reach,
)
from causalkit.identification.adjustment.criterion import observed_mask
from causalkit.identification.instrument._rank import independent_rows
from causalkit.identification.query import EffectQuery, GraphLike, as_graph, listed
from causalkit.typing import BoolArray, Name, Names

__all__ = ["KINDS", "InstrumentProblem", "Target", "problem"]

Target: TypeAlias = Literal["everyone", "compliers"]
"""Whose effect a ratio is: everybody's, if it is the same for all; or that among compliers."""

KINDS: Final = (Kind.DAG, Kind.ADMG)
TARGETS: Final = ("everyone", "compliers")


@dataclass(frozen=True, slots=True)
class InstrumentProblem:
    """A query about one outcome, with the masks (n_nodes,) that its questions share."""

    query: EffectQuery
    graph: CausalGraph
    cut: CausalGraph
    """The graph without the first edges of the causal paths."""
    treatment: BoolArray
    outcome: BoolArray
    between: BoolArray
    """Nodes that the causal paths run through or cause, the outcome and its effects."""
    candidates: BoolArray
    """Observed, and not of the query."""
    usable: BoolArray
    """Those of them that are not `between`: instruments, and what may be held fixed."""

    @property
    def late(self) -> str:
        """What is wrong with what has to be held fixed, if anything is."""
        names = self.named(mask_of(self.graph, self.query.given) & self.between)
        if not names:
            return ""
        return (
            f"{listed(names)} cannot be held fixed: the treatment affects it on its way to the "
            "outcome, or the outcome does; expected variables that neither does. Leave it out."
        )

    def named(self, mask: BoolArray) -> tuple[Name, ...]:
        """Nodes of a mask in the order of the graph."""
        return tuple(self.graph.nodes[k] for k in np.flatnonzero(mask).tolist())

    def exogenous(self, given: BoolArray) -> BoolArray:
        """Mask of the usable nodes that `given` separates from the outcome in the cut graph."""
        return self.usable & ~given & ~m_connected(self.cut, self.outcome, given)

    def relevant(self, given: BoolArray) -> BoolArray:
        """Mask of the nodes that are associated with a treatment given `given`."""
        return m_connected(self.graph, self.treatment, given) & ~given

    def moving(self, instruments: BoolArray, given: BoolArray) -> BoolArray:
        """Mask of instruments that move as many treatments independently as all of them do."""
        first = np.flatnonzero(given).tolist()
        rows = [*first, *np.flatnonzero(instruments).tolist()]
        columns = [*first, *np.flatnonzero(self.treatment).tolist()]
        found = np.zeros_like(given)
        found[independent_rows(self.graph, rows, columns)] = True
        return found & ~given

    def accepts(self, instruments: BoolArray, given: BoolArray, target: Target) -> bool:
        """Whether these together are instruments given that, for every treatment."""
        if (given & ~self.usable).any() or (instruments & ~self.exogenous(given)).any():
            return False
        n_treatments = int(self.treatment.sum())
        if n_treatments == 1 and not (self.relevant(given) & instruments).any():
            return False
        if n_treatments > 1 and int(self.moving(instruments, given).sum()) < n_treatments:
            return False
        return target == "everyone" or self.encourages(instruments, given)

    def encourages(self, instrument: BoolArray, given: BoolArray) -> bool:
        """Whether it is a cause of the treatment that `given` frees of confounding.

        Conditions on an effect of the instrument are out, so that its paths to the outcome, which
        run forwards, all pass the treatment.
        """
        if not self._could_encourage(instrument, given):
            return False
        backward = self._without_effects_of(instrument)
        return not bool(
            (m_connected(backward, self.treatment | self.outcome, given) & instrument).any()
        )

    def _could_encourage(self, instrument: BoolArray, given: BoolArray) -> bool:
        caused = reach(self.graph, instrument, DESCENDANTS)
        past = reach(self.cut, instrument, DESCENDANTS) & self.outcome
        return bool((caused & self.treatment).any() and not past.any()) and not bool(
            (caused & given).any()
        )

    def _without_effects_of(self, nodes: BoolArray) -> CausalGraph:
        """Cut the directed edges out of these nodes too."""
        return _without(self.cut, self.cut.directed & nodes[:, None])

    def separation(self, instrument: BoolArray, target: Target) -> _Separation:
        """What has to be separated from the instrument, in which graph, by what."""
        within = self.usable & ~instrument
        if target == "everyone":
            return _Separation(self.cut, instrument, self.outcome, within)
        within &= ~reach(self.graph, instrument, DESCENDANTS)
        backward = self._without_effects_of(instrument)
        return _Separation(backward, instrument, self.outcome | self.treatment, within)

    def nearest(
        self, instrument: BoolArray, include: BoolArray, target: Target
    ) -> BoolArray | None:
        """Mask of a minimal set that makes this an instrument, if one of causes does."""
        if (instrument & ~self.usable).any():
            return None
        if target == "compliers" and not self._could_encourage(instrument, include):
            return None
        found = self.separation(instrument, target).nearest(include)
        if found is None or not (self.relevant(found) & instrument).any():
            return None
        return found


@dataclass(frozen=True, slots=True)
class _Separation:
    """An instrument, and what some of the nodes `within` have to separate it from."""

    graph: CausalGraph
    instrument: BoolArray
    ends: BoolArray
    within: BoolArray

    def nearest(self, include: BoolArray) -> BoolArray | None:
        """Mask of the minimal separator that is nearest to the ends."""
        if (include & ~self.within).any():
            return None
        ends, instrument, fixed, within = (
            self.graph.names(np.flatnonzero(mask))
            for mask in (self.ends, self.instrument, include, self.within)
        )
        found = minimal_separator(self.graph, ends, instrument, include=fixed, within=within)
        return None if found is None else mask_of(self.graph, found)

    def open_walk(self, include: BoolArray) -> Walk:
        """Find a walk that stays open; only called where no set separates.

        If any set with `include` separates, then so do all causes that may be held fixed.
        """
        above = reach(self.graph, self.instrument | self.ends | include, ANCESTORS)
        given = above & self.within
        walk = find_walk(
            self.graph,
            self.instrument,
            self.ends,
            M_CONNECTION,
            opened=reach(self.graph, given, ANCESTORS),
            free=~given,
        )
        if walk is None:
            raise RuntimeError("no set was found to block, yet this one does: please report it")
        return walk


def problem(
    graph: GraphLike,
    treatment: Names,
    outcome: Names,
    *,
    given: Names | None = (),
    observed: Names | None = None,
    target: str = "everyone",
) -> InstrumentProblem:
    """Check a question about instruments, and work out what all of its parts need.

    Raises
    ------
    GraphError
        If the graph is no DAG or ADMG.
    InputError
        If names are unknown, have two roles or are not observed; if there are several outcomes; or
        if compliers are asked for with several treatments.
    """
    check_choice(target, "target", TARGETS)
    graph = as_graph(graph)
    if graph.kind not in KINDS:
        raise GraphError(
            f"the graph is a {graph.kind.name}; instruments are read off a DAG or an ADMG, where "
            "every edge is -> or <->. Orient the open edges, or ask about the members one by one."
        )
    query = EffectQuery.within(graph, treatment, outcome, given)
    if len(query.outcome) > 1:
        raise InputError(
            f"there are {len(query.outcome)} outcomes, {listed(query.outcome)}; expected one. Ask "
            "about each of them."
        )
    if target == "compliers" and len(query.treatment) > 1:
        raise InputError(
            f"compliers are asked for with {len(query.treatment)} treatments, "
            f"{listed(query.treatment)}; expected one. Ask about each, or about everyone."
        )
    x, y = mask_of(graph, query.treatment), mask_of(graph, query.outcome)
    first = graph.directed & x[:, None] & reach(graph, y, ANCESTORS, avoid=x)
    between = reach(graph, y | first.any(axis=0), DESCENDANTS)
    candidates = observed_mask(graph, query, observed) & ~x & ~y
    cut, usable = _without(graph, first), candidates & ~between
    return InstrumentProblem(query, graph, cut, x, y, between, candidates, usable)


def _without(graph: CausalGraph, edges: BoolArray) -> CausalGraph:
    """Cut directed edges."""
    ends = np.array(graph.ends)
    ends.T[edges] &= ~np.uint8(TAIL)
    kept = np.where(ends.T > 0, ends, 0).astype(np.uint8)  # one arrow and no tail: no edge
    return CausalGraph._of(graph.nodes, kept, graph.kind)
