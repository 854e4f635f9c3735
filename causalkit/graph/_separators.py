"""Separators as cuts: the nearest one, all minimal ones, and the cheapest one.

Among the nodes that are ancestors of x, y or of what must be in the set, every collider can be
passed, so "separated" means "cut off" in the plain undirected sense: these are the paths of the
moral graph, which joins whatever a collider path joins (van der Zander et al. 2019). The moral
graph itself can be large, since it makes a clique of each district with its parents, and is never
built. A search for what it joins is a search for open walks in which all living colliders are open,
and takes time linear in nodes and edges; the flow that finds a cheapest cut goes through one hub a
clique.

References
----------
van der Zander, Liśkiewicz, Textor (2019), "Separators and adjustment sets in causal graphs:
complete criteria and an algorithmic framework", doi:10.1016/j.artint.2018.12.006. Kloks, Kratsch
(1998), "Listing all minimal separators of a graph", doi:10.1137/S009753979427087X. Edmonds, Karp
(1972), "Theoretical improvements in algorithmic efficiency for network flow problems",
doi:10.1145/321694.321699.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import inf

import numpy as np

from causalkit.graph._search import Steps, reach
from causalkit.graph.walks import ANTERIOR, M_CONNECTION
from causalkit.typing import BoolArray, FloatArray

__all__ = ["CutProblem"]


@dataclass(frozen=True, slots=True)
class CutProblem:
    """Cuts between `start` and `goal`; all masks have shape (n_nodes,).

    Only `allowed` nodes may be cut; a search passes freely through the others that are `alive`,
    except those that are `fixed` to be in the set.
    """

    steps: Steps
    start: BoolArray
    goal: BoolArray
    fixed: BoolArray
    allowed: BoolArray
    alive: BoolArray

    @classmethod
    def of(
        cls, steps: Steps, start: BoolArray, goal: BoolArray, fixed: BoolArray, usable: BoolArray
    ) -> CutProblem:
        """Separate `start` from `goal` by `fixed` and nodes of `usable`."""
        alive = reach(steps, start | goal | fixed, ANTERIOR)
        # Every separator that exists at all is found among these (van der Zander et al., Thm. 3).
        allowed = usable & alive & ~start & ~goal & ~fixed
        return cls(steps, start, goal, fixed, allowed, alive)

    def nearest(self) -> BoolArray | None:
        """The minimal cut nearest to the start; None if there is no cut."""
        touched = self._touched(self.start, self.allowed)
        if (touched & self.goal).any():
            return None
        return self._tightened(touched & self.allowed)

    def all(self) -> Iterator[BoolArray]:
        """Every minimal cut: push one node of a known cut to the side of the start, and repeat."""
        first = self.nearest()
        waiting = [] if first is None else [first]
        known = {cut.tobytes() for cut in waiting}
        for cut in waiting:  # grows while it is walked
            yield cut
            side = self._touched(self.start, cut) & ~cut & ~self.fixed
            for v in np.flatnonzero(cut).tolist():
                pushed = side.copy()
                pushed[v] = True
                beyond = self.allowed & ~pushed
                touched = self._touched(pushed, beyond)
                if (touched & self.goal).any():
                    continue
                following = self._tightened(touched & beyond)
                if following.tobytes() not in known:
                    known.add(following.tobytes())
                    waiting.append(following)

    def cheapest(self, costs: FloatArray) -> BoolArray | None:
        """The cut of least total cost that is nearest to the start; None if there is no cut."""
        price = np.where(self.allowed, costs, inf).tolist()
        cut = _cheapest_cut(
            price,
            list(self._cliques()),
            np.flatnonzero(self.start).tolist(),
            set(np.flatnonzero(self.goal).tolist()),
        )
        if cut is None:
            return None
        mask = np.zeros_like(self.start)
        mask[cut] = True
        # What costs nothing may be in a cut without need.
        return self._tightened(self._touched(self.start, mask) & mask)

    def _tightened(self, cut: BoolArray) -> BoolArray:
        """Those nodes of the cut that the goal's side touches."""
        return self._touched(self.goal, cut) & cut

    def _touched(self, seed: BoolArray, cut: BoolArray) -> BoolArray:
        """All that hangs together with the seed without the cut, and what of the cut is next to it.

        Fixed nodes are in the answer too if a walk passes them as colliders.
        """
        return reach(
            self.steps,
            seed,
            M_CONNECTION,
            avoid=~self.alive,
            opened=self.alive,
            free=~(cut | self.fixed),
        )

    def _cliques(self) -> Iterator[set[int]]:
        """Cliques of the moral graph of the living nodes that are not fixed.

        Collider paths run within a district (nodes joined by `<->`) and end in it or at parents of
        it, so a district with its parents is a clique. Undirected edges (selection) are pairs.
        """
        alive = set(np.flatnonzero(self.alive).tolist())
        fixed = set(np.flatnonzero(self.fixed).tolist())
        nothing: Sequence[tuple[int, ...]] = ((),) * len(self.start)
        parents, spouses, partners = (self.steps.get(s, nothing) for s in ("<-", "<->", "--"))
        left = alive.copy()
        while left:
            fresh = {left.pop()}
            clique = fresh.copy()
            while fresh:
                fresh = {w for v in fresh for w in spouses[v] if w in left}
                left -= fresh
                clique |= fresh
            yield clique.union(*(parents[v] for v in clique)) - fixed
        yield from ({v, w} for v in alive - fixed for w in partners[v] if w > v)


def _cheapest_cut(
    price: Sequence[float], cliques: Sequence[set[int]], start: Sequence[int], goal: set[int]
) -> list[int] | None:
    """Nodes of least total price that cut start from goal in a graph given by its cliques.

    Maximal flow along shortest paths (Edmonds & Karp). A node is two, one that is entered and one
    that is left (n further on), with its price as the capacity between them; a clique is a hub.
    """
    n = len(price)
    network = _Network(2 * n + len(cliques))
    joined = set().union(*cliques)
    for v in joined:
        network.join(v, n + v, inf if v in goal else price[v])
    for hub, clique in enumerate(cliques, start=2 * n):
        for v in clique:
            network.join(n + v, hub, inf)
            network.join(hub, v, inf)
    sources = [n + v for v in start]
    while (reached := network.fill(sources, goal)) is None:
        pass
    if not reached:
        return None
    return [v for v in joined if v in reached and n + v not in reached]


class _Network:
    """Arcs with capacities, and the way back along each; arcs k and k ^ 1 are a pair."""

    def __init__(self, size: int) -> None:
        self.out: list[list[int]] = [[] for _ in range(size)]
        self.heads: list[int] = []
        self.room: list[float] = []

    def join(self, tail: int, head: int, capacity: float) -> None:
        """Add an arc."""
        self.out[tail].append(len(self.heads))
        self.out[head].append(len(self.heads) + 1)
        self.heads += (head, tail)
        self.room += (capacity, 0.0)

    def fill(self, sources: Sequence[int], goal: set[int]) -> set[int] | None:
        """Send as much as fits along one shortest path, and return None as long as there is one.

        After that, return all that the sources still reach; nothing at all where a path without
        any limit shows that there is no cut.
        """
        by = dict.fromkeys(sources, -1)
        queue = deque(sources)
        while queue:
            at = queue.popleft()
            if at in goal:
                return self._send(at, by)
            for arc in self.out[at]:
                head = self.heads[arc]
                if self.room[arc] > 0 and head not in by:
                    by[head] = arc
                    queue.append(head)
        return set(by)

    def _send(self, at: int, by: dict[int, int]) -> set[int] | None:
        path = []
        while by[at] >= 0:
            path.append(by[at])
            at = self.heads[by[at] ^ 1]
        amount = min(self.room[arc] for arc in path)
        if amount == inf:
            return set()
        for arc in path:
            self.room[arc] -= amount
            self.room[arc ^ 1] += amount
        return None
