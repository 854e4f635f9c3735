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
   nor an ancestor of X or W (a walk was open then before), so each has a directed path to Y that
   neither X nor W blocks. Turn off there, up to M or Y, whichever comes first: the walk falls into
   open pieces between X, M and Y. The walk from X to M has a first piece from X to M or some piece
   between Y and M, that from M to Y has some piece between M and Y; that piece was open before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from causalkit.identification._mixed import Mixed, each

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
        """Yield all minimal sets of mediators: each differs from a known one by what is barred.

        A minimal set that is not known yet lacks something of each known one. So bar one node of a
        known set, find a set without the barred ones, and go on.
        """
        known: list[int] = []
        waiting, seen = [0], {0}
        while waiting:
            barred = waiting.pop()
            found = next((mediators for mediators in known if not mediators & barred), None)
            if found is None:
                found = self.minimal(self.candidates & ~barred)
                if found is None:
                    continue
                known.append(found)
                yield found
            for k in each(found):
                more = barred | 1 << k
                if more not in seen:
                    seen.add(more)
                    waiting.append(more)

    def pair(self) -> tuple[int, int] | None:
        """Find minimal mediators, and covariates of which none but those given is idle."""
        found = self.minimal(self.candidates)
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
        """What is in the way; only called where `best` finds nothing among the nodes between.

        Of a directed path that no mediators meet, the first observed node shows which condition
        it does not satisfy.
        """
        mixed = self.mixed
        seen = self.between & self.observed
        clear = seen & self.candidates
        final = self.largest(clear)
        path = self._directed_path(graph, final)
        on_path = mixed.bits(graph.nodes[k] for k in path.nodes)
        left_out = mixed.names(on_path & seen)
        if not left_out:
            return Obstacle(1, path, None)
        confounded = mixed.names(on_path & seen & ~clear)
        if confounded:
            return Obstacle(2, path, self._walk(graph, self.treatment, self.outcome))
        return Obstacle(3, path, None)


def spread(
    mixed: Mixed, start: int, known: int, mute: int, *, loose: int = 0
) -> tuple[int, int]:
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


def least(fits: Callable[[int], bool], base: int, rest: int) -> int:
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
    high = least(fits, base | low, rest & ~low)
    return least(fits, base | high, low) | high
