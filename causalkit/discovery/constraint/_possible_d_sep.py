"""The second search of FCI: sets that lie farther away than the neighbours.

Without hidden variables, two nodes that can be separated are separated by neighbours of one of
them. With hidden variables this fails: what is needed may be a neighbour of a neighbour, and so on.
But it cannot be anywhere. If i is no ancestor of j, the two are separated by the set D-SEP(i, j):
nodes that a path leads to from i on which every node is an ancestor of i or j, and every inner one
a collider (Spirtes et al. 2000, chapter 6). So each pair that is still joined is asked again, on
the side of i about subsets of the nodes that may be in D-SEP(i, j).

What may be an ancestor or a collider is read off the marks that hold already: those that rest on
triples whose links were tested (see :mod:`~causalkit.discovery.constraint._rfci`) are right however
many edges still fall. They exclude most nodes, and knowledge of tiers excludes more. Besides, only
nodes on paths between i and j matter, and those lie in one block of the graph, a part that stays in
one piece whichever node is taken out (Colombo et al. 2012); for an edge that is no part of a ring
there is nothing to ask.

The sets are drawn up once, before the first question, so no answer depends on another one and the
order of the questions does not matter.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from causalkit.discovery._setup import Setup
from causalkit.discovery.constraint._pag_orientation import Closed
from causalkit.discovery.constraint._skeleton import Skeleton, ask_level, note_answers
from causalkit.independence import Level
from causalkit.typing import BoolArray, IntArray

__all__ = ["search_farther"]


@dataclass(slots=True)
class _Batch:
    """Questions that can travel together: each node that is asked about has one set.

    Attributes
    ----------
    sets : dict
        By node, the set on its side.
    others : set of int
        Nodes at the other ends; they have no set here.
    pairs : dict
        By pair (i, j) with i < j, the size of its set.
    """

    sets: dict[int, BoolArray] = field(default_factory=dict)
    others: set[int] = field(default_factory=set)
    pairs: dict[tuple[int, int], int] = field(default_factory=dict)

    def takes(self, i: int, j: int, wanted: BoolArray, size: int) -> bool:
        """Take in the question whether part of `wanted`, on the side of i, separates i and j."""
        known = self.sets.get(i)
        if j in self.sets or i in self.others:
            return False
        if known is not None and not np.array_equal(known, wanted):
            return False
        self.sets[i] = wanted
        self.others.add(j)
        self.pairs[min(i, j), max(i, j)] = size
        return True

    def lists(self, p: int) -> tuple[IntArray, IntArray]:
        """Sets of all nodes, one after the other: starts (p + 1,), members."""
        starts, members = np.zeros(p + 1, dtype=np.intp), []
        for i in sorted(self.sets):
            members.append(np.flatnonzero(self.sets[i]))
            starts[i + 1] = len(members[-1])
        return np.cumsum(starts), np.concatenate(members)


def search_farther(found: Skeleton, setup: Setup, marks: Closed, stop: BoolArray) -> bool:
    """Cut pairs that a set farther away separates; `found` is changed. Whether any were cut.

    Parameters
    ----------
    found : Skeleton
        After the search among neighbours.
    setup : Setup
    marks : Closed
        Marks that are right whatever edges still fall.
    stop : ndarray of bool, shape (1,)
        Raised when the time is up.
    """
    batches = _batches(marks, found, stop)
    cut = False
    for order in range(1, len(found.adjacency) if setup.max_order is None else setup.max_order + 1):
        n_asked = 0
        for batch, lists in batches:
            answered = _ask_batch(found, setup, batch, lists, order)
            n_asked += answered[0]
            cut |= answered[1]
        if not n_asked or found.stopped is not None:
            break
    return cut


def _ask_batch(
    found: Skeleton, setup: Setup, batch: _Batch, lists: tuple[IntArray, IntArray], order: int
) -> tuple[int, bool]:
    """Ask about sets of one size; how many tests that took, and whether a pair was cut."""
    joined = [
        pair for pair, size in sorted(batch.pairs.items())
        if size >= order and found.adjacency[pair]
    ]  # fmt: skip
    if not joined or found.stopped is not None:
        return 0, False
    pairs = np.array(joined, dtype=np.intp)
    level = Level(order, pairs, *lists, found.strength)
    answers = ask_level(setup.bound, level, setup.alpha, setup.n_jobs, setup.clock)
    note_answers(found, pairs, answers, order)
    return answers.n_tests, bool(answers.separated.any())


def _batches(
    marks: Closed, found: Skeleton, stop: BoolArray
) -> list[tuple[_Batch, tuple[IntArray, IntArray]]]:
    """All questions, those about smaller sets first, and their sets as lists."""
    from causalkit.discovery.constraint._fci_kernels import farther_sets

    what = marks.ends, marks.starts, marks.near, marks.unclear
    source, near, sets, size, link = farther_sets(*what, found.strength, stop)
    batches: list[_Batch] = []
    for row in np.lexsort((-link, size)).tolist() if len(source) else ():
        i, j = int(source[row]), int(near[row])
        question = i, j, sets[row], int(size[row])
        if not found.record.kept[i, j] and not any(batch.takes(*question) for batch in batches):
            batches.append(_Batch())
            batches[-1].takes(*question)
    return [(batch, batch.lists(len(found.adjacency))) for batch in batches]
