"""One valid graph for many: which pairs to join is given, their edges are put to the vote.

*CPDAG.* The vote is on colliders, since they and the adjacencies are what a class of DAGs consists
of. A triple a - k - b of joined pairs with a and b apart is a collider if most of those replicates
say so in which it is such a triple. Clear majorities go first, and one that contradicts those
before it is overruled, exactly as PC treats its tests; arrows that knowledge asks for come before
all. Meek's rules do the rest, so the result is a class of DAGs that exists. Where the algorithm
directs edges on other grounds than colliders, an edge that is undirected by then gets the arrow of
most of the replicates that join the pair, clear majorities first.

*PAG.* The mark at each end is the one that most of the replicates have that join the pair, else a
circle.

*DAG, ADMG, MAG.* A pair gets the edge that most replicates have that join it. Clear majorities go
first; an edge with which there would be a cycle (in a MAG: an edge that is not ancestral) gives way
to the next frequent one, and if none fits the pair is left apart.

Graphs of series are summed up by their templates, in which an edge from the past has an arrow at
its later end come what may.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np

from causalkit.discovery.constraint._orientation import (
    COLLIDER,
    NOT_COLLIDER,
    Statements,
    orientable,
    settle,
    unshielded_triples,
)
from causalkit.discovery.resampling._replicates import Replicates
from causalkit.errors import GraphError
from causalkit.graph import ARROW, CIRCLE, TAIL, CausalGraph, Kind
from causalkit.graph.meek import class_marks
from causalkit.typing import BoolArray, FloatArray, IntArray

__all__ = ["consensus"]

Item = TypeVar("Item")
_Option = tuple[int, int, int, int]  # i, j, mark bits at i, mark bits at j


def consensus(
    replicates: Replicates,
    kept: BoolArray,
    share: FloatArray,
    known: BoolArray | None,
    *,
    beyond_class: bool = False,
    by_edges: bool = False,
) -> CausalGraph:
    """Sum replicates up in one graph of their kind.

    Parameters
    ----------
    replicates : Replicates
    kept : ndarray of bool, shape (p, p)
        Pairs to join; symmetric.
    share : ndarray of float, shape (p, p)
        The larger, the more a pair counts.
    known : ndarray of bool, shape (p, p), or None
        `known[i, j]`: an edge between i and j, if there is one, has an arrow at j.
    beyond_class : bool
        Whether arrows of a CPDAG rest on more than colliders and knowledge, as those of CD-NOD.
    by_edges : bool
        Whether edges are put to the vote though the kind is CPDAG, for an algorithm that leaves
        them undirected for other reasons than that data cannot tell.
    """
    if replicates.kind is Kind.CPDAG and not by_edges:
        found = _class(replicates, kept, share, known)
        return _with_arrows(replicates, found) if beyond_class else found
    return _voted(replicates, kept, known)


def _class(
    replicates: Replicates, kept: BoolArray, share: FloatArray, known: BoolArray | None
) -> CausalGraph:
    nodes = replicates.nodes
    if known is None:
        known = np.zeros_like(kept)
    else:
        kept, known = _without_circles(kept, kept & known, share)
    a, k, b = triples = unshielded_triples(kept).T
    votes = np.zeros(len(a), dtype=np.intp)
    for ends in replicates.matrices():
        joined, into = ends > 0, ends == ARROW
        present = joined[a, k] & joined[b, k] & ~joined[a, b]
        votes += np.where(into[a, k] & into[b, k], 1, -1) * present
    order = np.argsort(-np.abs(votes), kind="stable")
    verdict = np.where(votes > 0, COLLIDER, NOT_COLLIDER).astype(np.int8)
    statements = Statements(
        np.ascontiguousarray(triples.T[order]), verdict[order], np.full(len(a), np.nan)
    )
    arrows = settle(known, statements).arrows
    return CausalGraph._of(nodes, class_marks(kept, arrows), Kind.CPDAG)


def _with_arrows(replicates: Replicates, found: CausalGraph) -> CausalGraph:
    """Direct what is undirected as most replicates do.

    In a graph closed under Meek's rules an undirected edge may point either way.
    """
    lead = np.zeros(found.directed.shape, dtype=np.intp)
    for ends in replicates.matrices():
        into = (ends == ARROW) & (ends.T == TAIL)
        lead += np.where(into, 1, -1) * (ends > 0)  # of those that join the pair
    tails, heads = np.nonzero(found.undirected & (lead > 0))
    order = np.argsort(-lead[tails, heads], kind="stable")
    adjacency, ends = found.directed | found.directed.T | found.undirected, found.ends
    for i, j in zip(tails[order].tolist(), heads[order].tolist(), strict=True):
        if ends[i, j] == ends[j, i] == TAIL:
            arrows = ends == ARROW
            arrows[i, j] = True
            ends = class_marks(adjacency, arrows)
    return CausalGraph._of(found.nodes, ends, Kind.CPDAG)


def _without_circles(
    kept: BoolArray, known: BoolArray, share: FloatArray
) -> tuple[BoolArray, BoolArray]:
    """Take out the weakest pairs that knowledge would direct in a circle."""
    if orientable(known):
        return kept, known
    tails, heads = np.nonzero(known)
    order = np.argsort(-share[tails, heads], kind="stable")
    tails, heads = tails[order], heads[order]

    def acyclic(which: Sequence[int]) -> bool:
        arrows = np.zeros_like(known)
        arrows[tails[which], heads[which]] = True
        return orientable(arrows)

    good = _compatible(range(len(tails)), acyclic)
    bad = np.setdiff1d(np.arange(len(tails)), good)
    kept, known = kept.copy(), known.copy()
    kept[tails[bad], heads[bad]] = kept[heads[bad], tails[bad]] = False
    known[tails[bad], heads[bad]] = False
    return kept, known


def _voted(replicates: Replicates, kept: BoolArray, known: BoolArray | None) -> CausalGraph:
    nodes, kind = replicates.nodes, replicates.kind
    i, j = np.nonzero(np.triu(kept, 1))
    arrows = np.zeros((len(i), 2), dtype=np.bool_)
    if known is not None and replicates.series is not None:  # nothing runs into the past
        arrows = np.column_stack((known[j, i], known[i, j]))
    ranked = _options(replicates, i, j, arrows)

    def graph(options: Sequence[_Option]) -> CausalGraph:
        ends = np.zeros(kept.shape, dtype=np.uint8)
        for i, j, at_i, at_j in options:
            ends[j, i], ends[i, j] = at_i, at_j
        return CausalGraph(nodes, ends, kind)

    def valid(options: Sequence[_Option]) -> bool:
        try:
            graph(options)
        except GraphError:
            return False
        return True

    chosen: list[_Option] = []
    while ranked:
        first = [options[0] for options in ranked]
        n_before = len(chosen)
        chosen = _compatible(first, valid, chosen)
        taken = set(chosen[n_before:])
        ranked = [rest[1:] for rest in ranked if rest[0] not in taken and len(rest) > 1]
    return graph(chosen)


def _options(
    replicates: Replicates, i: IntArray, j: IntArray, arrows: BoolArray
) -> list[list[_Option]]:
    """Edges for each pair, most frequent first; the pair with the clearest majority first."""
    votes = np.zeros((len(i), 64), dtype=np.intp)
    for ends in replicates.matrices():
        votes[np.arange(len(i)), ends[j, i] * 8 + ends[i, j]] += 1
    votes[:, 0] = 0  # no edge is no option
    if replicates.kind is Kind.PAG:
        votes = _end_by_end(votes, arrows)
    found = []
    for a, b, row in zip(i.tolist(), j.tolist(), votes, strict=True):
        codes = sorted(np.flatnonzero(row).tolist(), key=lambda code: -row[code])
        found.append((-row[codes[0]], [(a, b, *divmod(code, 8)) for code in codes]))
    return [options for _, options in sorted(found, key=lambda pair: pair[0])]


def _end_by_end(votes: IntArray, arrows: BoolArray) -> IntArray:
    """Votes for the edge whose marks have a majority each, and one for the open edge, which fits.

    `arrows` says at which ends an arrow is beyond doubt; elsewhere the open edge has circles.
    """
    table = votes.reshape(-1, 8, 8)
    n_joined = votes.sum(axis=1)
    marks = []
    for at_end in (table.sum(axis=2), table.sum(axis=1)):
        mark = np.full(len(votes), CIRCLE, dtype=np.intp)
        for candidate in (TAIL, ARROW):
            mark[2 * at_end[:, candidate] > n_joined] = candidate
        marks.append(mark)
    result = np.zeros_like(votes)
    rows = np.arange(len(votes))
    at_i, at_j = np.where(arrows, ARROW, CIRCLE).T.astype(np.intp)
    result[rows, at_i * 8 + at_j] = 1
    result[rows, marks[0] * 8 + marks[1]] += n_joined
    return result


def _compatible(
    items: Sequence[Item], valid: Callable[[Any], bool], begun: Sequence[Item] = ()
) -> list[Item]:
    """Take items in their order, except for those that are not valid beside the ones taken.

    What is taken from something valid is valid, so a run of good items is found by bisection.
    """
    taken, start = list(begun), 0
    while start < len(items):
        if valid([*taken, *items[start:]]):
            return [*taken, *items[start:]]
        good, bad = start, len(items)
        while bad - good > 1:
            middle = (good + bad) // 2
            if valid([*taken, *items[start:middle]]):
                good = middle
            else:
                bad = middle
        taken += items[start:good]
        start = bad  # with the item at `bad - 1` the whole is not valid
    return taken
