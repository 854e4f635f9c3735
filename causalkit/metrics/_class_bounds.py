"""The best and the worst member of a class of DAGs, when a member's cost is a sum over its nodes.

A node costs what its parents make it cost. The members of a class are found source by source: in
each connected undirected part some node comes first; its edges point outwards, Meek's rules follow,
and what is left falls into smaller parts that do not touch each other. So the bounds of a part are
those over its possible sources of the sum over the smaller parts, and equal parts with equal
parents outside are met again and again: they are remembered. A path of n nodes has n parts, a
clique 2^n.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from causalkit.errors import InputError
from causalkit.graph import CausalGraph
from causalkit.graph.chordal import components
from causalkit.graph.equivalence import close_under_meek
from causalkit.typing import BoolArray

__all__ = ["member_bounds"]

Nodes = tuple[int, ...]
Bounds = tuple[int, int]

_MOST_PARTS = 5_000  # a clique of 12 has 4,095


def member_bounds(graph: CausalGraph, cost: Callable[[int, frozenset[int]], int]) -> Bounds:
    """Smallest and largest total cost over the members of a closed class.

    Parameters
    ----------
    graph : CausalGraph
        A DAG, or a CPDAG closed under Meek's rules that has a member.
    cost : callable
        Cost of a node (its position) given its parents (theirs).

    Raises
    ------
    InputError
        If an undirected part is so dense that too many smaller parts arise.
    """
    return _Search(cost).total(
        tuple(range(len(graph))),
        graph.directed,
        graph.undirected,
        (frozenset(),) * len(graph),
    )


class _Search:
    def __init__(self, cost: Callable[[int, frozenset[int]], int]) -> None:
        self.cost = cost
        self.known: dict[object, Bounds] = {}

    def total(
        self,
        nodes: Nodes,
        directed: BoolArray,
        undirected: BoolArray,
        outside: tuple[frozenset[int], ...],
    ) -> Bounds:
        """Bounds of these nodes; `outside` are the parents they have elsewhere."""
        low = high = 0
        for part in components(undirected):
            others = np.ones(len(nodes), dtype=np.bool_)
            others[part] = False
            above = tuple(
                outside[k].union(nodes[q] for q in np.flatnonzero(directed[:, k] & others))
                for k in part
            )
            if len(part) == 1:
                least = most = self.cost(nodes[part[0]], above[0])
            else:
                within = np.ix_(part, part)
                inside = tuple(nodes[k] for k in part)
                least, most = self.part(inside, directed[within], undirected[within], above)
            low, high = low + least, high + most
        return low, high

    def part(
        self,
        nodes: Nodes,
        directed: BoolArray,
        undirected: BoolArray,
        outside: tuple[frozenset[int], ...],
    ) -> Bounds:
        """Bounds of a connected undirected part, over its possible sources."""
        key = (nodes, directed.tobytes(), outside)
        if key not in self.known:
            if len(self.known) >= _MOST_PARTS:
                raise InputError(
                    f"the undirected edges of the learnt class are too dense (a part of "
                    f"{len(nodes)} nodes arises in more than {_MOST_PARTS:,} ways); expected "
                    "cliques of at most about 12 nodes. parent_aid() is fast for any class, and "
                    "random members give an idea of the bounds."
                )
            self.known[key] = (0, 0)  # counts as seen while its own parts are looked at
            found = [
                self.total(nodes, *_let_first(directed, undirected, source), outside)
                for source in np.flatnonzero(~directed.any(axis=0)).tolist()
            ]
            self.known[key] = min(low for low, _ in found), max(high for _, high in found)
        return self.known[key]


def _let_first(
    directed: BoolArray, undirected: BoolArray, source: int
) -> tuple[BoolArray, BoolArray]:
    """The closed part once nothing in it points into `source`."""
    directed, undirected = directed.copy(), undirected.copy()
    directed[source] |= undirected[source]
    undirected[source] = undirected[:, source] = False
    touched = directed[source].copy()
    touched[source] = True
    return close_under_meek(directed, undirected, touched=touched)
