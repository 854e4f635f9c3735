"""The second search of FCI: sets that lie farther away than the neighbours.

Without hidden variables, two nodes that can be separated are separated by neighbours of one of
them. With hidden variables this fails: what is needed may be a neighbour of a neighbour, and so on.
But it cannot be anywhere. If i is no ancestor of j, the two are separated by the set D-SEP(i, j):
nodes that a path leads to from i on which every node is an ancestor of i or j, and every inner one
a collider (Spirtes et al. 2000, chapter 6). So each pair that is still joined is asked again, on
the side of i about subsets of the nodes that may be in D-SEP(i, j).

What may be an ancestor or a collider is read off the marks that hold already: those that rest on
triples whose links were tested (see :mod:`~causalkit.discovery._rfci`) are right however many edges
still fall. They exclude most nodes, and knowledge of tiers excludes more. Besides, only nodes on
paths between i and j matter, and those lie in one block of the graph, a part that stays in one
piece whichever node is taken out (Colombo et al. 2012); for an edge that is no part of a ring there
is nothing to ask.

The sets are drawn up once, before the first question, so no answer depends on another one and the
order of the questions does not matter.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from causalkit.discovery._setup import Setup
from causalkit.discovery._skeleton import Skeleton, ask_level, note_answers
from causalkit.graph.mag import Marks, neighbour_lists
from causalkit.graph.marks import ARROW
from causalkit.independence import Level
from causalkit.typing import BoolArray, FloatArray, IntArray

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
    pairs : list of (i, j)
    """

    sets: dict[int, BoolArray]
    others: set[int]
    pairs: list[tuple[int, int]]

    def takes(self, i: int, j: int, wanted: BoolArray) -> bool:
        """Take in the question whether part of `wanted`, on the side of i, separates i and j."""
        known = self.sets.get(i)
        if j in self.sets or i in self.others:
            return False
        if known is not None and not np.array_equal(known, wanted):
            return False
        self.sets[i] = wanted
        self.others.add(j)
        self.pairs.append((i, j))
        return True


def search_farther(found: Skeleton, setup: Setup, ends: Marks, unclear: IntArray) -> bool:
    """Cut pairs that a set farther away separates; `found` is changed. Whether any were cut.

    Parameters
    ----------
    found : Skeleton
        After the search among neighbours.
    setup : Setup
    ends : ndarray of uint8, shape (p, p)
        Marks that are right whatever edges still fall.
    unclear : ndarray of int
        Ascending codes of triples about which nothing is known.
    """
    batches = _batches(ends, unclear, found)
    if not batches:
        return False
    before = found.adjacency.copy()
    order = 1
    while (setup.max_order is None or order <= setup.max_order) and found.stopped is None:
        n_asked = sum(_ask_batch(found, setup, batch, order) for batch in batches)
        if not n_asked:
            break
        order += 1
    return not np.array_equal(before, found.adjacency)


def _ask_batch(found: Skeleton, setup: Setup, batch: _Batch, order: int) -> int:
    """Ask about sets of one size; how many tests that took."""
    from causalkit.discovery._skeleton_kernels import joined_pairs, neighbours_of

    joined = np.zeros_like(found.adjacency)
    for i, j in batch.pairs:
        joined[i, j] = joined[j, i] = found.adjacency[i, j] and not found.record.kept[i, j]
    candidates = np.zeros_like(joined)
    for i, members in batch.sets.items():
        candidates[i] = members
    pairs, (starts, listed) = joined_pairs(joined), neighbours_of(candidates)
    sizes, (i, j) = np.diff(starts), pairs.T
    largest = np.maximum(sizes[i] - candidates[i, j], sizes[j] - candidates[j, i])
    level = Level(order, pairs[largest >= order], starts, listed, found.strength)
    if not len(level) or found.stopped is not None:
        return 0
    answers = ask_level(setup.bound, level, setup.alpha, setup.n_jobs, setup.clock)
    note_answers(found, level.pairs, answers, order)
    return answers.n_tests


def _batches(ends: Marks, unclear: IntArray, found: Skeleton) -> list[_Batch]:
    """All questions, those about smaller sets first."""
    from causalkit.discovery import _fci_kernels as kernels
    from causalkit.graph._ancestral_kernels import ancestry

    starts, near = neighbour_lists(ends)
    source = np.repeat(np.arange(len(ends)), np.diff(starts))
    above = ancestry((ends > 0) & (ends.T != ARROW))
    block = kernels.blocks(starts, source, near)
    sets = kernels.possible_d_sep(ends, starts, near, block, unclear, above)
    rows = np.flatnonzero(_is_needed(ends, source, near, sets, found))
    batches: list[_Batch] = []
    if not len(rows):
        return batches
    for row in rows[np.lexsort(_sizes(sets[rows], source[rows], found.strength))].tolist():
        question = int(source[row]), int(near[row]), sets[row]
        if not any(batch.takes(*question) for batch in batches):
            batches.append(_Batch({}, set(), []))
            batches[-1].takes(*question)
    return batches


def _is_needed(
    ends: Marks, source: IntArray, near: IntArray, sets: BoolArray, found: Skeleton
) -> BoolArray:
    """Whether the side of i of the edge end (i, j) must be asked.

    Only a node that is no ancestor of the other one has a set that is sure to separate. Where
    neither is an ancestor one of the two will do, and where neither is known to be none, both are
    asked. A set that has nobody but neighbours has been asked already.
    """
    farther: BoolArray = np.any(sets & (ends[source] == 0), axis=1)
    if not farther.any():
        return farther
    key = np.zeros((len(source), 3))
    key[:, 1], key[:, 0] = _sizes(sets, source, found.strength)
    key[~farther] = -np.inf
    key[:, 2] = source
    back = np.lexsort((source, near))  # edge ends are sorted by (i, j); these are the (j, i)
    at_i, at_j = ends[near, source] == ARROW, ends[source, near] == ARROW
    smaller = _is_less(key, key[back])
    wanted = np.where(at_i & at_j, smaller, at_i | ~at_j)
    return np.asarray(farther & wanted & ~found.record.kept[source, near])


def _is_less(one: FloatArray, other: FloatArray) -> BoolArray:
    """Compare rows like words."""
    less, equal = np.zeros(len(one), dtype=np.bool_), np.ones(len(one), dtype=np.bool_)
    for column in range(one.shape[1]):
        less |= equal & (one[:, column] < other[:, column])
        equal &= one[:, column] == other[:, column]
    return less


def _sizes(
    sets: BoolArray, source: IntArray, strength: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Minus the strongest link of each node to its set, and the size of the set."""
    links = np.abs(strength[source]) * sets
    return -links.max(axis=1, initial=0.0), sets.sum(axis=1).astype(np.float64)
