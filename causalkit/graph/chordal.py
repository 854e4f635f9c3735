"""Counting the orientations of an undirected part of a CPDAG: clique picking.

The undirected components of a CPDAG are chordal, and the members of the class orient them
independently of each other, acyclically and without unshielded colliders. Each such orientation has
topological orders that start with a maximal clique. Clique picking (Wienöbst et al. 2023) sums over
the maximal cliques K: the number of ways to order K (`_orders`, leaving out those that another
clique of the clique tree counts already), times the orientations of what is still undirected once K
comes first (`_after`). The parts that arise number at most two a clique, so counting is polynomial.

Sets of nodes are integers here, bit v standing for node v.

References
----------
Wienöbst, Bannach, Liśkiewicz (2023), "Polynomial-time algorithms for counting and sampling Markov
equivalent DAGs with applications", JMLR 24(213). Blair, Peyton (1993), "An introduction to chordal
graphs and clique trees", doi:10.1007/978-1-4613-8369-7_1.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from math import factorial, prod

import numpy as np

from causalkit.typing import BoolArray

__all__ = ["components", "count_orientations"]


def components(undirected: BoolArray) -> list[list[int]]:
    """Connected components in node order, lone nodes included."""
    return [list(_bits(part)) for part in _components(_rows(undirected), _all(len(undirected)))]


def count_orientations(undirected: BoolArray) -> int:
    """Count the acyclic orientations of a connected chordal graph without unshielded colliders.

    Examples
    --------
    >>> triangle = ~np.eye(3, dtype=bool)
    >>> count_orientations(triangle)  # every order of the three
    6
    """
    return _count(_rows(undirected), _all(len(undirected)), {})


def _count(near: Sequence[int], part: int, known: dict[int, int]) -> int:
    if part in known:
        return known[part]
    cliques, parents = _clique_tree(near, part)
    total = 0
    for k, clique in enumerate(cliques):
        rest = prod(_count(near, piece, known) for piece in _after(near, part, clique))
        total += rest * _orders(clique.bit_count(), _forbidden_starts(cliques, parents, k))
    known[part] = total
    return total


def _clique_tree(near: Sequence[int], part: int) -> tuple[list[int], list[int]]:
    """Maximal cliques, each with the position of its parent: maximum cardinality search."""
    cliques: list[int] = []
    parents: list[int] = []
    home: dict[int, int] = {}  # the clique that a node was first put into
    visited: list[int] = []
    seen, previous = 0, -1
    weight = dict.fromkeys(_bits(part), 0)
    while weight:
        v = max(weight, key=weight.__getitem__)
        count = weight.pop(v)
        if count <= previous or not cliques:  # v does not extend the clique at hand
            earlier = near[v] & seen
            last = next((u for u in reversed(visited) if earlier >> u & 1), None)
            parents.append(-1 if last is None else home[last])
            cliques.append(earlier)
        cliques[-1] |= 1 << v
        home[v] = len(cliques) - 1
        visited.append(v)
        seen |= 1 << v
        previous = count
        for u in _bits(near[v] & part & ~seen):
            weight[u] += 1
    return cliques, parents


def _forbidden_starts(cliques: Sequence[int], parents: Sequence[int], k: int) -> tuple[int, ...]:
    """Sizes of the separators on the way from the root to clique k that lie within it (nested).

    An order of the clique that starts with one of them is counted nearer to the root.
    """
    starts = set()
    at = k
    while parents[at] >= 0:
        separator = cliques[at] & cliques[parents[at]]
        if separator & ~cliques[k] == 0:
            starts.add(separator.bit_count())
        at = parents[at]
    return tuple(sorted(starts))


@lru_cache(maxsize=4096)
def _orders(size: int, starts: tuple[int, ...]) -> int:
    """Permutations of `size` nodes whose first s are, for no s in `starts`, the s-th nested set."""
    return factorial(size) - sum(
        factorial(size - s) * _orders(s, starts[:k]) for k, s in enumerate(starts)
    )


def _after(near: Sequence[int], part: int, clique: int) -> Iterator[int]:
    """Components that stay undirected once the clique comes first (Wienöbst et al., Alg. 2).

    Nodes with the same neighbours among those before them stay undirected to each other, so a
    breadth-first search by partition refinement finds them.
    """
    cells = [clique, part & ~clique]
    done = clique
    while cells:
        cell = cells[0]
        if not cell & done:
            done |= cell
            yield from _components(near, cell)
        v = next(_bits(cell))
        cells[0] &= ~(1 << v)
        halves = ((cell & near[v], cell & ~near[v]) for cell in cells)
        cells = [half for pair in halves for half in pair if half]


def _components(near: Sequence[int], part: int) -> Iterator[int]:
    while part:
        found = frontier = part & -part
        while frontier:
            frontier = _union(near[v] for v in _bits(frontier)) & part & ~found
            found |= frontier
        part &= ~found
        yield found


def _union(sets: Iterator[int]) -> int:
    union = 0
    for members in sets:
        union |= members
    return union


def _rows(undirected: BoolArray) -> list[int]:
    packed = np.packbits(undirected, axis=1, bitorder="little")
    return [int.from_bytes(row.tobytes(), "little") for row in packed]


def _all(size: int) -> int:
    return (1 << size) - 1


def _bits(members: int) -> Iterator[int]:
    while members:
        low = members & -members
        yield low.bit_length() - 1
        members ^= low
