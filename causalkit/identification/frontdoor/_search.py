"""The front-door criterion on bit sets: what it asks of mediators, and searches for them.

With covariates W fixed, two of the three conditions on mediators M behave well:

* *nothing confounds X and M*: W separates X from M once the edges out of X are cut. It holds for a
  set of mediators if it holds for each of them.
* *nothing else confounds M and Y*: X and W separate M from Y once the edges out of M are cut. More
  mediators mean more cuts, so the union of two sets that satisfy it satisfies it.

So there is a largest set that satisfies both: start with all candidates, drop each one that an open
walk from Y enters by an arrowhead, and give it back its outgoing edges. Everything in this search
only grows (what is reached, what opens a collider, what is dropped), hence one pass does
(Wienöbst et al. 2024), and every set of mediators lies within the largest one. The third condition,
*every directed path from X to Y meets M*, is then asked of the largest set.

Which W? If any pair (M, W) works, then so does W = all that may be held fixed and is an ancestor of
X, of Y or of what W must hold, with an M between X and Y. One search, therefore, finds a pair
wherever there is one. Three steps show it:

1. Mediators that X does not affect may move into W; those that do not affect Y may go.
2. Of W, all but those ancestors may go: an open walk runs within the ancestors of its ends and of
   what opens its colliders.
3. The other ones may come. Suppose that they open a walk, at colliders c. No c is affected by X,
   nor an ancestor of X or W (else a walk was open before), so each has a directed path to Y that
   neither X nor W blocks. Turn off there, up to M or Y, whichever comes first: the walk falls into
   open pieces between X, M and Y. The walk from X to M has a first piece from X to M or some piece
   between Y and M, that from M to Y has some piece between M and Y; that piece was open before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from causalkit.graph import CausalGraph
from causalkit.graph.walks import (
    ANCESTORS,
    DESCENDANTS,
    M_CONNECTION,
    Table,
    Walk,
    find_walk,
    mask_of,
    reach,
)
from causalkit.identification.general.mixed import Mixed, each
from causalkit.typing import Name

__all__ = ["Door", "Obstacle"]

_BACK_DOOR = Table("<-|<->", M_CONNECTION.rules)


@dataclass(frozen=True, slots=True)
class Door:
    """A graph, a query, and covariates `given` to hold fixed, as bit sets."""

    mixed: Mixed
    treatment: int
    outcome: int
    given: int
    observed: int
    candidates: int
    """Observed nodes that satisfy the condition on X and M."""
    sound: bool
    """Whether the covariates are observed, and X affects none of them."""

    @classmethod
    def ask(cls, mixed: Mixed, treatment: int, outcome: int, given: int, observed: int) -> Door:
        """Find the candidates."""
        affected = mixed.descendants(treatment, mixed.all)
        sound = not given & (affected | ~observed)
        confounded, _ = _spread(mixed, treatment, given, treatment)
        candidates = observed & ~(confounded | treatment | outcome | given)
        return cls(mixed, treatment, outcome, given, observed, candidates, sound)

    def holding(self, given: int) -> Door:
        """The same with other covariates."""
        return Door.ask(self.mixed, self.treatment, self.outcome, given, self.observed)

    def holding_all(self) -> Door:
        """The same with all covariates that the module's theorem names."""
        mixed = self.mixed
        above = mixed.ancestors(self.treatment | self.outcome | self.given, mixed.all)
        below = mixed.descendants(self.treatment, mixed.all)
        return self.holding(self.given | above & self.observed & ~(below | self.outcome))

    @property
    def between(self) -> int:
        """Nodes that X affects and that affect Y without X, those of X and Y aside."""
        mixed = self.mixed
        below = mixed.descendants(self.treatment, mixed.all)
        above = mixed.ancestors(self.outcome, mixed.all & ~self.treatment)
        return below & above & ~(self.treatment | self.outcome)

    def largest(self, pool: int) -> int:
        """The largest part of the pool that satisfies both conditions on confounding."""
        pool &= self.candidates
        return _spread(self.mixed, self.outcome, self.treatment | self.given, pool, loose=pool)[1]

    def intercepts(self, mediators: int) -> bool:
        """Whether every directed path from X to Y meets the mediators."""
        return not self.mixed.descendants(self.treatment, ~mediators) & self.outcome

    def best(self, pool: int, include: int = 0) -> int | None:
        """The largest set of mediators between `include` and `pool`; None if there is none."""
        found = self.largest(pool)
        fits = self.sound and not include & ~found and self.intercepts(found)
        return found if fits else None

    def is_valid(self, mediators: int) -> bool:
        """All conditions."""
        return self.best(mediators) == mediators

    def minimal(self, pool: int, include: int = 0) -> int | None:
        """Find a set from which nothing can be dropped but what must be in."""
        found = self.best(pool, include)
        if found is None:
            return None

        def fits(part: int) -> bool:
            return self.best(part | include, include) is not None

        near = next((part for part in self._near_outcome(found) if fits(part)), found)
        return _least(fits, include, near & ~include) | include

    def _near_outcome(self, pool: int) -> tuple[int, int]:
        """Last mediators before Y, of all directed paths: those that X affects first, and all.

        Nearly always one of them is already a set of mediators, and the search ends at once.
        """
        mixed, rest = self.mixed, ~pool
        last = pool & mixed.parents_of(mixed.ancestors(self.outcome, rest))
        return last & mixed.children_of(mixed.descendants(self.treatment, ~last)), last

    def every(self) -> Iterator[int]:
        """Yield all sets of mediators: leave one node out, or put it in, while there is a set.

        No branch is empty, so at most as many searches as nodes pass between two sets.
        """
        top = self.best(self.candidates)
        waiting = [] if top is None else [(0, top)]
        while waiting:
            include, pool = waiting.pop()
            free = pool & ~include
            if not free:
                yield pool
                continue
            one = free & -free
            waiting.append((include | one, pool))
            smaller = self.best(pool & ~one, include)
            if smaller is not None:
                waiting.append((include, smaller))

    def every_minimal(self) -> Iterator[int]:
        """Yield all minimal sets of mediators.

        A set that is not known yet lacks something of each known one. So bar a node of a known set,
        find a set without the barred ones, and go on (a hitting-set tree, Reiter 1987). Where
        nothing is left, a minimal reason is kept: `cuts` are nodes of which every set has one.
        """
        known: list[int] = []
        cuts: list[int] = []
        waiting, seen = [0], {0}

        def blocks(barred: int) -> bool:
            return self.best(self.candidates & ~barred) is None

        while waiting:
            barred = waiting.pop()
            if any(not cut & ~barred for cut in cuts):
                continue
            found = next((mediators for mediators in known if not mediators & barred), None)
            if found is None:
                found = self.minimal(self.candidates & ~barred)
                if found is None:
                    cuts.append(_least(blocks, 0, barred))
                    continue
                known.append(found)
                yield found
            more = [barred | 1 << k for k in each(found)]
            waiting += [mask for mask in more if mask not in seen]
            seen.update(more)

    def pair(self) -> tuple[int, int] | None:
        """Find minimal mediators between X and Y, and covariates: those given, more if needed."""
        found = self.minimal(self.between)
        if found is not None:
            return found, self.given
        wide = self.holding_all()
        found = wide.minimal(wide.between)
        return None if found is None else (found, wide.needed(found, self.given))

    def needed(self, mediators: int, given: int) -> int:
        """Drop covariates, those of `given` aside, until each one that is left is needed.

        Those that no open walk touches are dropped at once: a walk that they block touches the
        first of them. The others are tried one by one.
        """
        from_x, _ = _spread(self.mixed, self.treatment, self.given, self.treatment)
        from_y, _ = _spread(self.mixed, self.outcome, self.treatment | self.given, mediators)
        kept, left = self.given & (from_x | from_y | given), -1
        while kept != left:
            left = kept
            for k in each(left & ~given):
                if self.holding(kept & ~(1 << k)).is_valid(mediators):
                    kept &= ~(1 << k)
        return kept

    def obstacle(self, graph: CausalGraph) -> Obstacle:
        """What is in the way; only called where nothing between X and Y is a set of mediators."""
        seen = self.between & self.observed
        clear = seen & self.candidates
        final = self.largest(clear)
        path = self._path_around(graph, seen)
        if path is not None:
            return Obstacle(path)
        path = self._path_around(graph, clear)
        if path is not None:
            node = self._first(graph, path, seen)
            cut = self.mixed.names(self.treatment)
            return Obstacle(path, node, self._open_walk(graph, cut, cut, (node,), self.given))
        path = self._path_around(graph, final)
        if path is None:
            raise RuntimeError("there is a front door, yet none was found: please report it")
        node = self._first(graph, path, clear)
        cut, ends = self.mixed.names(final), self.mixed.names(self.outcome)
        walk = self._open_walk(graph, cut, (node,), ends, self.treatment | self.given)
        return Obstacle(path, node, walk)

    def _path_around(self, graph: CausalGraph, mediators: int) -> Walk | None:
        """A shortest directed path from X to Y that meets none of these."""
        start, goal, avoid = (
            mask_of(graph, self.mixed.names(mask))
            for mask in (self.treatment, self.outcome, self.treatment | mediators)
        )
        return find_walk(graph, start, goal, DESCENDANTS, avoid=avoid)

    def _first(self, graph: CausalGraph, path: Walk, among: int) -> Name:
        """The first node of the path that is one of these."""
        names = set(self.mixed.names(among))
        return next(graph.nodes[k] for k in path.nodes if graph.nodes[k] in names)

    def _open_walk(
        self,
        graph: CausalGraph,
        cut: tuple[Name, ...],
        start: tuple[Name, ...],
        goal: tuple[Name, ...],
        known: int,
    ) -> Walk | None:
        """A shortest open back-door walk once edges out of `cut` are removed."""
        left = graph.without_edges(out_of=cut)
        given = mask_of(left, self.mixed.names(known))
        opened = reach(left, given, ANCESTORS)
        ends = mask_of(left, start), mask_of(left, goal)
        return find_walk(left, *ends, _BACK_DOOR, opened=opened, free=~given)


@dataclass(frozen=True, slots=True)
class Obstacle:
    """A directed path without a mediator.

    If it has observed nodes, `walk` is the open back-door walk, from X to `node` or from `node` to
    Y, for which the first of them cannot be one.
    """

    path: Walk
    node: Name | None = None
    walk: Walk | None = None


def _spread(mixed: Mixed, start: int, known: int, mute: int, *, loose: int = 0) -> tuple[int, int]:
    """Nodes that walks open given `known` reach from `start`, and the nodes that stay mute.

    Edges out of `mute` nodes are cut. A `loose` one that a walk enters by an arrowhead is mute no
    more. Each node passes on its parents, spouses and children once, whatever the order.
    """
    tails, heads = start, 0  # entered by an edge that has a tail, or an arrowhead, there
    opened = upward = downward = 0  # ancestors of known; nodes that were passed up, and down
    above_known, above = 0, 0  # parents of opened nodes, and of those passed up
    while True:
        fresh_opened = (known | above_known) & ~mute & ~opened
        opened |= fresh_opened
        for k in each(fresh_opened):
            above_known |= mixed.parents[k]
        fresh_upward = (tails & ~known | heads & opened) & ~upward
        upward |= fresh_upward
        for k in each(fresh_upward):
            above |= mixed.parents[k]
            heads |= mixed.spouses[k]
        fresh_downward = (tails | heads) & ~known & ~mute & ~downward
        downward |= fresh_downward
        for k in each(fresh_downward):
            heads |= mixed.children[k]
        mute &= ~(loose & heads)
        tails |= above & ~mute
        if not (fresh_opened | fresh_upward | fresh_downward):
            return tails | heads, mute


def _least(fits: Callable[[int], bool], base: int, rest: int) -> int:
    """Return a minimal part of `rest` that fits together with `base`; all of `rest` does.

    What contains a fitting set must fit. By halves (QuickXplain, Junker 2004): some k log(n / k)
    questions for k nodes out of n.
    """
    if fits(base):
        return 0
    nodes = [1 << k for k in each(rest)]
    if len(nodes) == 1:
        return rest
    low = sum(nodes[: len(nodes) // 2])
    high = _least(fits, base | low, rest & ~low)
    return _least(fits, base | high, low) | high
