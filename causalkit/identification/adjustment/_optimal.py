"""The adjustment set of least variance (O-set), with hidden causes or without.

A set O is at least as good as a valid set Z if (Henckel et al. 2022, Rotnitzky & Smucler 2020)

1. Z without O is separated from the outcome given O and the treatment: it tells nothing more of
   the outcome, and
2. O without Z is separated from the treatment given Z: it takes nothing more from the treatment.

Without hidden causes the direct causes of the outcome and of the nodes between treatment and
outcome have both properties, whatever Z is. With hidden causes, variables that share one with these
nodes tell of the outcome too. Runge (2021) adds the **collider path nodes**: those joined to the
nodes between by a chain of `<->`, as long as each of them either precedes treatment or outcome
anyway, or has nothing to do with the treatment once all that precede are given; and their direct
causes. Where some set is best in all models with the graph, it is this one.

Whether it is best is decided here by properties 1 and 2, for all valid sets at once. Only sets need
to be looked at in which each node tells something of the outcome given the others, since a set is
beaten by what is left of it without the other nodes. Then

1. what is connected to the outcome given O and the treatment must be in no such set;
2. no walk may join the treatment to a node of O that such a set leaves out, unless the same walk
   goes on to the outcome, so that the set would not be valid.

Both are checked by conditions that are sufficient, so that a set that is returned is never beaten;
in few graphs a set is best and not recognised.

References
----------
Henckel, L., Perković, E., Maathuis, M. H. (2022), "Graphical criteria for efficient total effect
estimation via adjustment in causal linear models". JRSS B 84(2). https://doi.org/10.1111/rssb.12451
Rotnitzky, A., Smucler, E. (2020). Efficient adjustment sets for population average causal treatment
effect estimation in graphical models. JMLR 21(188).
Runge, J. (2021). Necessary and sufficient graphical conditions for optimal adjustment sets in
causal graphical models with hidden variables. NeurIPS 34. arXiv:2102.10324.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from causalkit.graph import Kind
from causalkit.graph._separators import CutProblem
from causalkit.graph.latent import latent_projection
from causalkit.graph.walks import (
    ANCESTORS,
    DESCENDANTS,
    M_CONNECTION,
    Rule,
    Table,
    arrivals,
    m_connected,
    reach,
)
from causalkit.identification.adjustment.criterion import Frame, frame_of
from causalkit.identification.query import EffectQuery
from causalkit.typing import BoolArray, Name

__all__ = ["optimal_set"]

_PARENTS = Table("<-", ())
_SPOUSES = Table("<->", ())
_DISTRICT = Table("<->", (Rule("<-> v <->"),))

_MOST_DOUBTS = 50
"""How many nodes are looked at one by one; where there are more, all count as usable."""

# Walks from the treatment that a valid set may leave open. Such a set leaves out what it passes
# other than as a collider, and then no open walk must go on from there to the outcome.
_HARMLESS = Table(
    "*-*",
    (
        Rule("*-> v <-*", "opened"),
        Rule("*-> v --*", "passed"),
        Rule("*-- v *-*", "passed_by_tail"),
    ),
)


def optimal_set(facts: Frame) -> frozenset[Name] | None:
    """Find the valid set that no valid set beats in any model with this graph, if one is known.

    In a class all members have the same valid sets if the effect is identified, and the same
    distributions, so the member at hand will do. A MAG does not say where hidden causes are, and
    the window of a graph of series not which sets there are beyond it.
    """
    if facts.graph.kind in (Kind.MAG, Kind.PAG) or facts.undecided:
        return None
    member, between = facts.member, _between(facts)
    direct = reach(member, between, _PARENTS) & ~facts.treatment & ~facts.forbidden
    confounded = reach(member, between, _SPOUSES) & ~between
    if not confounded.any() and facts.permits(direct):
        return member.names(np.flatnonzero(direct)) if facts.blocks(direct) else None
    if facts.is_window or not len(facts.first_steps):
        return None
    facts = _projected(facts)
    contest = _Contest.of(facts)
    return facts.member.names(np.flatnonzero(contest.best)) if contest.is_won() else None


def _between(facts: Frame) -> BoolArray:
    """Nodes on proper causal paths of the member, treatment aside."""
    below = reach(facts.member, facts.first_nodes, DESCENDANTS, avoid=facts.treatment)
    above = reach(facts.member, facts.outcome, ANCESTORS, avoid=facts.treatment)
    between: BoolArray = below & above
    return between


def _projected(facts: Frame) -> Frame:
    """The same question where what may not be used, other than forbidden nodes, is marginalised."""
    kept = facts.allowed | facts.forbidden | facts.treatment | facts.outcome
    if kept.all():
        return facts
    nodes = facts.graph.nodes
    roles = (facts.treatment, facts.outcome)
    query = EffectQuery(*(tuple(nodes[k] for k in np.flatnonzero(role)) for role in roles))
    graph = latent_projection(facts.member, facts.member.names(np.flatnonzero(kept)))
    return frame_of(graph, graph, query, np.ones(len(graph.nodes), dtype=np.bool_))


@dataclass(frozen=True, slots=True)
class _Contest:
    """The candidate, and what decides whether another valid set could beat it."""

    facts: Frame
    before: BoolArray
    """Treatment, outcome and their ancestors."""
    direct: BoolArray
    """Nodes on proper causal paths, treatment aside, and their direct causes."""
    confounded: BoolArray
    """The same nodes, and what shares a hidden cause with one of them."""
    needed: BoolArray
    """Nodes that are in every valid set."""
    best: BoolArray
    """The candidate."""

    @classmethod
    def of(cls, facts: Frame) -> _Contest:
        """Find the candidate of Runge (2021)."""
        member, allowed, between = facts.member, facts.allowed, _between(facts)
        before = reach(member, facts.treatment | facts.outcome, ANCESTORS)
        known = before & allowed
        apart = allowed & ~m_connected(member, facts.treatment, known)
        chained = reach(member, between, _DISTRICT, avoid=~(known | apart))
        best = reach(member, chained, _PARENTS) & allowed
        direct, confounded = (reach(member, between, table) for table in (_PARENTS, _SPOUSES))
        return cls(facts, before, direct, confounded, _needed(facts, before), best)

    def is_won(self) -> bool:
        """Whether the candidate is valid and no other valid set can beat it."""
        facts, blocked = self.facts, self.direct | self.facts.outcome | self.needed
        if self._left_connected(np.zeros_like(blocked), blocked):
            return False  # even if no collider is opened
        if not facts.blocks(self.best):
            return False
        telling = m_connected(facts.member, facts.outcome, self.best | facts.treatment)
        telling &= facts.allowed & ~self.best
        useful = facts.allowed
        if telling.any():
            useful = self._with_a_point(useful)
            if (telling & useful & ~self._doubtful()).any():
                return False
            useful = self._usable(useful)
        if (telling & useful).any():
            return False
        return self._takes_nothing(useful, blocked)

    def _takes_nothing(self, useful: BoolArray, blocked: BoolArray) -> bool:
        """Property 2: no set of useful nodes leaves out a node of O that it leaves connected."""
        if not self._left_connected(self._opened(useful), blocked):
            return True
        fewer = self._usable(useful)
        if np.array_equal(fewer, useful):
            return False
        return not self._left_connected(self._opened(fewer), blocked)

    def _left_connected(self, opened: BoolArray, blocked: BoolArray) -> bool:
        """Whether a harmless walk joins the treatment to a node of O that is not blocked.

        It does not leave blocked nodes by a tail, nor does it enter and leave confounded ones by
        tails, since it could go on to the outcome from there.
        """
        entered = arrivals(
            self.facts.backdoor(),
            self.facts.treatment,
            _HARMLESS,
            opened=opened,
            passed=~blocked,
            passed_by_tail=~(blocked | self.confounded),
        )
        found = np.zeros_like(blocked)
        for symbol, mask in entered.items():
            found |= mask & ~self.confounded if symbol == "<-" else mask
        return bool((found & self.best & ~blocked).any())

    def _opened(self, useful: BoolArray) -> BoolArray:
        """Colliders on walks from the treatment that a set of useful nodes may open.

        If what opens one told something of the outcome by an edge that enters it, the walk would go
        on to the outcome. So it precedes treatment, outcome, or another node of the set.
        """
        openers = useful & (self.before | self._inner(useful))
        return reach(self.facts.member, openers, ANCESTORS)

    def _inner(self, nodes: BoolArray) -> BoolArray:
        """Proper ancestors of any of these nodes."""
        above = reach(self.facts.member, nodes, ANCESTORS)
        found = np.zeros_like(nodes)
        for entered in arrivals(self.facts.member, above, _PARENTS).values():
            found |= entered
        return found

    def _with_a_point(self, useful: BoolArray) -> BoolArray:
        """Leave out what can tell nothing of the outcome in any valid set.

        A node that the treatment is joined to by an edge that enters it, whatever the valid set,
        would open a path to the outcome if it told something by an edge that enters it too. So it
        precedes treatment, outcome, or another useful node.
        """
        entered = arrivals(
            self.facts.backdoor(),
            self.facts.treatment,
            M_CONNECTION,
            opened=reach(self.facts.member, self.needed, ANCESTORS),
            free=~self.facts.allowed,
        )
        doomed = np.zeros_like(useful)
        for symbol in entered.keys() & {"->", "<->"}:
            doomed |= entered[symbol]
        doomed &= ~self.before
        while (pointless := useful & doomed & ~self._inner(useful)).any():
            useful = useful & ~pointless
        return useful

    def _doubtful(self) -> BoolArray:
        """Nodes that could be in no valid set, as they open what no other node blocks.

        These are effects of colliders on paths from treatment to outcome that cannot be blocked at
        any other node. Ancestors of treatment or outcome open nothing that is not open anyway.
        """
        facts, steps = self.facts, self.facts.backdoor()
        anything = np.ones_like(facts.allowed)
        from_treatment = reach(
            steps, facts.treatment, M_CONNECTION, opened=anything, free=~facts.allowed
        )
        if not (from_treatment & facts.outcome).any():
            return np.zeros_like(anything)
        from_outcome = reach(
            steps, facts.outcome, M_CONNECTION, opened=anything, free=~facts.allowed
        )
        found: BoolArray = reach(steps, from_treatment & from_outcome, DESCENDANTS)
        return found & facts.allowed & ~self.before

    def _usable(self, useful: BoolArray) -> BoolArray:
        """Leave out the doubtful nodes that are in no valid set, and what has no point then."""
        facts, fewer = self.facts, useful.copy()
        doubtful = useful & self._doubtful()
        if np.count_nonzero(doubtful) > _MOST_DOUBTS:
            return fewer
        for v in np.flatnonzero(doubtful).tolist():
            fixed = np.zeros_like(useful)
            fixed[v] = True
            cuts = CutProblem.of(
                facts.backdoor(), facts.outcome, facts.treatment, fixed, facts.allowed
            )
            fewer[v] = cuts.nearest() is not None
        return self._with_a_point(fewer)


def _needed(facts: Frame, before: BoolArray) -> BoolArray:
    """Nodes of all valid sets: next to both sides when all other nodes are cut."""
    beside = [
        reach(
            facts.backdoor(), end, M_CONNECTION, avoid=~before, opened=before, free=~facts.allowed
        )
        for end in (facts.treatment, facts.outcome)
    ]
    needed: BoolArray = beside[0] & beside[1] & facts.allowed
    return needed
