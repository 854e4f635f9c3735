"""The order of boxes and lines within the columns of a drawing: as few crossings as can be found.

To find the fewest is NP-hard, even for two columns; sorting by the mean place of the neighbours, to
and fro, and swapping what stands one upon the other comes close.

References
----------
.. [1] Eades, Wormald (1994). Edge crossings in drawings of bipartite graphs.
   doi:10.1007/BF01187020
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from causalkit.typing import IntArray

__all__ = ["Grid", "Pair"]

Pair = tuple[int, int]

_SWEEPS = 24


class Grid:
    """Nodes, and stand-ins of arcs that skip columns, in columns that are to be sorted."""

    def __init__(self, rank: IntArray, edges: dict[int, Pair]) -> None:
        self.n = len(rank)
        self.layer = rank.tolist()
        self.columns: list[list[int]] = [[] for _ in range(max(self.layer) + 1)]
        self.chains: dict[int, list[int]] = {}
        self.level: list[Pair] = []  # edges within a column, and their numbers
        self.level_numbers: list[int] = []
        for node, at in enumerate(self.layer):
            self.columns[at].append(node)
        for number, (i, j) in edges.items():
            if rank[i] == rank[j]:
                self.level.append((i, j))
                self.level_numbers.append(number)
                continue
            left, right = (i, j) if rank[i] < rank[j] else (j, i)
            self.chains[number] = [left, *self._stand_ins(rank[left], rank[right]), right]
        self.left: list[list[int]] = [[] for _ in self.layer]
        self.right: list[list[int]] = [[] for _ in self.layer]
        for chain in self.chains.values():
            for a, b in pairwise(chain):
                self.right[a].append(b)
                self.left[b].append(a)

    def _stand_ins(self, start: int, end: int) -> list[int]:
        made = []
        for at in range(start + 1, end):
            made.append(len(self.layer))
            self.layer.append(at)
            self.columns[at].append(made[-1])
        return made

    def sort(self) -> None:
        """Sort the columns for few crossings."""
        self._sort_by_search()
        best, fewest = [list(column) for column in self.columns], self._cost()
        for sweep in range(_SWEEPS):
            if fewest == 0:
                break
            forward = sweep % 2 == 0
            order = range(1, len(self.columns)) if forward else range(len(self.columns) - 2, -1, -1)
            for at in order:
                self._sort_by_neighbours(at, self.left if forward else self.right)
            if sweep % 4 >= 2:
                self._swap_neighbours()
            cost = self._cost()
            if cost < fewest:
                best, fewest = [list(column) for column in self.columns], cost
        self.columns = best
        self._swap_neighbours()

    def _sort_by_search(self) -> None:
        """Start from the order of a search, which keeps branches together."""
        seen: dict[int, None] = {}
        for start in (node for column in self.columns for node in column):
            waiting = [start]
            while waiting:
                node = waiting.pop()
                if node not in seen:
                    seen[node] = None
                    waiting += [*reversed(self.left[node]), *reversed(self.right[node])]
        place = {node: k for k, node in enumerate(seen)}
        for column in self.columns:
            column.sort(key=place.__getitem__)

    def _sort_by_neighbours(self, at: int, neighbours: list[list[int]]) -> None:
        where = self.where()
        mean = {
            node: np.mean([where[m] for m in neighbours[node]]) if neighbours[node] else where[node]
            for node in self.columns[at]
        }
        self.columns[at].sort(key=lambda node: mean[node])

    def _swap_neighbours(self) -> None:
        """Swap what stands one upon the other as long as that helps."""
        where = self.where()
        for _ in range(8):
            improved = False
            for column in self.columns:
                for k in range(len(column) - 1):
                    upper, lower = column[k], column[k + 1]
                    if self._gain(upper, lower, where) > 0:
                        column[k], column[k + 1] = lower, upper
                        where[upper], where[lower] = k + 1, k
                        improved = True
            if not improved:
                return

    def _gain(self, upper: int, lower: int, where: list[int]) -> int:
        """Crossings, and boxes to go around, that a swap of these two would save."""
        gain = 0
        for side in (self.left, self.right):
            for a in side[upper]:
                for b in side[lower]:
                    gain += (where[a] > where[b]) - (where[a] < where[b])
        if self.level:
            before = self._reach(where)
            where[upper], where[lower] = where[lower], where[upper]
            gain += before - self._reach(where)
            where[upper], where[lower] = where[lower], where[upper]
        return gain

    def where(self) -> list[int]:
        """Place of each node within its column."""
        where = [0] * len(self.layer)
        for column in self.columns:
            for k, node in enumerate(column):
                where[node] = k
        return where

    def _cost(self) -> int:
        where = self.where()
        return sum(self._crossings(at, where) for at in range(len(self.columns))) + self._reach(
            where
        )

    def _reach(self, where: list[int]) -> int:
        """Boxes that edges within a column have to go around."""
        return sum(abs(where[i] - where[j]) - 1 for i, j in self.level)

    def _crossings(self, at: int, where: list[int]) -> int:
        """Pairs of lines that cross between this column and the next."""
        lines = [(k, where[b]) for k, a in enumerate(self.columns[at]) for b in self.right[a]]
        if len(lines) < 2:
            return 0
        starts, ends = np.array(lines).T
        return int(np.count_nonzero((starts[:, None] < starts) & (ends[:, None] > ends)))
