"""The hot loops of `_pag_member`: a graph without circles, made a MAG."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from causalkit._core.jit import inner_kernel, kernel
from causalkit.graph._ancestral_kernels import ancestry, inducing_pairs
from causalkit.graph._pag_kernels import Marks
from causalkit.typing import BoolArray, IntArray

__all__ = ["drawn_in", "rank_nodes", "repair", "replace_circles"]

Verdict: TypeAlias = NDArray[np.int8]

_TAIL, _ARROW, _CIRCLE = 1, 2, 4


@inner_kernel
def _waiting(
    no_colliders: IntArray, n_triples: int, directed: BoolArray
) -> tuple[IntArray, IntArray, IntArray]:
    """Who waits for each node, one node after the other, and for how many each one waits.

    The end of a directed edge must go before its beginning; of a triple (a, k, b) a or b before k.
    """
    p = len(directed)
    starts, obstacles = np.zeros(p + 1, dtype=np.intp), np.zeros(p, dtype=np.intp)
    causes, effects = np.nonzero(directed)
    m = len(causes)
    for edge in range(m):
        obstacles[causes[edge]] += 1
        starts[effects[edge] + 1] += 1
    for row in range(n_triples):
        a, k, b = no_colliders[row]
        obstacles[k] += 1
        starts[a + 1] += 1
        starts[b + 1] += 1
    starts = np.cumsum(starts)
    at, freed = starts[:-1].copy(), np.empty((starts[p], 2), dtype=np.intp)
    for edge in range(m):
        k, effect = causes[edge], effects[edge]
        freed[at[effect], 0], freed[at[effect], 1] = k, k
        at[effect] += 1
    for row in range(n_triples):
        a, k, b = no_colliders[row]
        freed[at[a], 0], freed[at[a], 1] = k, b
        freed[at[b], 0], freed[at[b], 1] = k, a
        at[a] += 1
        at[b] += 1
    return starts, freed, obstacles


@kernel
def rank_nodes(no_colliders: IntArray, n_triples: int, directed: BoolArray) -> IntArray:
    """Take away nodes that can come last, as `orientable` does; -1 where that gets stuck.

    Parameters
    ----------
    no_colliders : ndarray of int, shape (m, 3)
        The first `n_triples` rows (a, k, b): the edges of a and b must not both point into k.
    n_triples : int
    directed : ndarray of bool, shape (p, p)
        `directed[k, effect]`: k has a lower rank.

    Returns
    -------
    ndarray of int, shape (p,)
    """
    p = len(directed)
    starts, freed, obstacles = _waiting(no_colliders, n_triples, directed)
    rank, ready, n_ready = np.full(p, -1, dtype=np.intp), np.empty(p, dtype=np.intp), 0
    for k in range(p):
        if obstacles[k] == 0:
            ready[n_ready] = k
            n_ready += 1
    place = 0
    while place < n_ready:
        node = ready[place]
        rank[node] = p - place
        for link in range(starts[node], starts[node + 1]):
            k, other = freed[link]
            if rank[other] >= 0:
                continue
            obstacles[k] -= 1
            if obstacles[k] == 0 and rank[k] < 0:
                ready[n_ready] = k
                n_ready += 1
        place += 1
    return rank


@inner_kernel
def _directed(mag: Marks) -> BoolArray:
    p = len(mag)
    result = np.zeros((p, p), dtype=np.bool_)
    for i in range(p):
        for j in range(p):
            result[i, j] = mag[i, j] == _ARROW and mag[j, i] == _TAIL
    return result


@inner_kernel
def _replace_half(ends: Marks) -> tuple[Marks, int]:
    """`o->` and `--o` become `->`; how many circles are left."""
    p = len(ends)
    mag, n_loose = ends.copy(), 0
    for i in range(p):
        for j in range(p):
            if ends[i, j] == _CIRCLE:
                n_loose += ends[j, i] == _CIRCLE
                if ends[j, i] == _ARROW:
                    mag[i, j] = _TAIL
                elif ends[j, i] == _TAIL:
                    mag[i, j] = _ARROW
    return mag, n_loose


@kernel
def replace_circles(
    ends: Marks, triples: IntArray, verdict: Verdict, limited: bool, forbidden: BoolArray
) -> tuple[Marks, bool]:
    """Make tails and arrows of circles; the `o-o` part stays if no order of its nodes is found.

    Parameters
    ----------
    ends : ndarray of uint8, shape (p, p)
    triples, verdict : ndarrays of int, shapes (m, 3) and (m,)
        Statements: 1 collider, 0 none, -1 unknown.
    limited : bool
        Whether there is knowledge.
    forbidden : ndarray of bool, shape (p, p)
        Directions that are ruled out; not read unless `limited`.

    Returns
    -------
    mag : ndarray of uint8, shape (p, p)
    done : bool
        Whether no circle is left.
    """
    p = len(ends)
    mag, n_loose = _replace_half(ends)
    if n_loose == 0:
        return mag, True
    some, n_some = np.empty((len(triples), 3), dtype=np.intp), 0
    for row in range(len(triples)):
        a, k, b = triples[row]
        if verdict[row] == 0 and mag[a, k] == mag[k, a] == mag[b, k] == mag[k, b] == _CIRCLE:
            some[n_some] = triples[row]
            n_some += 1
    directed = _directed(mag)
    if limited:
        for i in range(p):
            for j in range(p):
                loose = mag[i, j] == _CIRCLE and mag[j, i] == _CIRCLE
                directed[i, j] |= loose and forbidden[j, i]
    rank = rank_nodes(some, n_some, directed)
    if rank.min() < 0 and directed.any():  # without knowledge no cycle has an edge of these
        rank = rank_nodes(some, n_some, np.zeros_like(directed))
    if rank.min() < 0:
        return mag, False
    for i in range(p):
        for j in range(p):
            if mag[i, j] == _CIRCLE:
                mag[i, j] = _ARROW if rank[i] < rank[j] else _TAIL
    return mag, True


@inner_kernel
def _obey(mag: Marks, required: BoolArray, forbidden: BoolArray) -> None:
    """Required edges get the tail at their cause, forbidden ones that have one an arrow there."""
    p = len(mag)
    for i in range(p):
        for j in range(p):
            if mag[i, j] == 0:
                continue
            if required[i, j]:
                mag[j, i] = _TAIL
            elif forbidden[i, j] and mag[i, j] == _ARROW:
                mag[j, i] = _ARROW


@inner_kernel
def _point_at_arrows(mag: Marks, limited: bool, required: BoolArray, forbidden: BoolArray) -> None:
    """`a -- b` gets an arrow at an end that has one into it already.

    With knowledge also at the effect of a required edge, and at a cause that must not be one, which
    brings arrows into further nodes.
    """
    p = len(mag)
    hit = np.zeros(p, dtype=np.bool_)
    for i in range(p):
        for j in range(p):
            hit[j] |= mag[i, j] == _ARROW
    changed = True
    while changed:
        changed = False
        for i in range(p):
            for j in range(i):
                if mag[i, j] != _TAIL or mag[j, i] != _TAIL or not (hit[i] or hit[j]):
                    continue
                at_i, at_j = hit[i], hit[j]
                if limited and (required[i, j] or required[j, i]):
                    at_i, at_j = required[j, i], required[i, j]
                elif limited:
                    at_i, at_j = at_i or forbidden[i, j], at_j or forbidden[j, i]
                mag[j, i] = _ARROW if at_i else _TAIL
                mag[i, j] = _ARROW if at_j else _TAIL
                changed |= (at_i and not hit[i]) or (at_j and not hit[j])
                hit[i] |= at_i
                hit[j] |= at_j


@inner_kernel
def _break_cycles(mag: Marks, was: Marks, limited: bool, required: BoolArray) -> BoolArray:
    """Make `<->` of the edges on directed cycles; who is then an ancestor of whom.

    Tails that replaced a circle go first; where they do not suffice, all but required ones.
    """
    p = len(mag)
    above = ancestry(_directed(mag))
    for last in (False, True):
        directed, circular = _directed(mag), 0
        for i in range(p):
            for j in range(p):
                if not (directed[j, i] and above[i, j]):
                    continue
                free = not (limited and required[j, i]) if last else was[i, j] == _CIRCLE
                if free:
                    mag[i, j] = _ARROW
                    circular += 1
        if circular > 0:
            above = ancestry(_directed(mag))
    return above


@inner_kernel
def _drop_spouses(
    mag: Marks,
    spouses: BoolArray,
    above: BoolArray,
    limited: bool,
    forbidden: BoolArray,
    cut: BoolArray,
) -> int:
    """Make `->` of `a <-> b` where a is an ancestor of b, or cut it; how many were cut."""
    p, n_cut = len(mag), 0
    for i in range(p):
        for j in range(i):
            if not spouses[i, j] or not (above[i, j] or above[j, i]):
                continue
            spouses[i, j] = spouses[j, i] = False
            if limited and ((above[i, j] and forbidden[i, j]) or (above[j, i] and forbidden[j, i])):
                mag[i, j] = mag[j, i] = 0
                cut[j, i] = True
                n_cut += 1
                continue
            if above[i, j]:
                mag[j, i] = _TAIL
            if above[j, i]:
                mag[i, j] = _TAIL
    return n_cut


@kernel
def repair(
    mag: Marks,
    was: Marks,
    limited: bool,
    required: BoolArray,
    forbidden: BoolArray,
    stop: BoolArray,
) -> tuple[BoolArray, BoolArray, int]:
    """Make a graph without circles a MAG in place, or nearly.

    Parameters
    ----------
    mag : ndarray of uint8, shape (p, p)
    was : ndarray of uint8, shape (p, p)
        The same with circles.
    limited : bool
        Whether there is knowledge.
    required, forbidden : ndarrays of bool, shape (p, p)
        Knowledge; not read unless `limited`.
    stop : ndarray of bool, shape (1,)
        Raised from outside when the time is up; then the result need not be a MAG.

    Returns
    -------
    joined, cut : ndarrays of bool, shape (p, p)
        Pairs that became adjacent, or were cut apart; only i < j.
    n_changed : int
        How many these are.
    """
    p, n_changed = len(mag), 0
    joined, cut = np.zeros((p, p), dtype=np.bool_), np.zeros((p, p), dtype=np.bool_)
    if limited:
        _obey(mag, required, forbidden)
    _point_at_arrows(mag, limited, required, forbidden)
    above = _break_cycles(mag, was, limited, required)
    spouses, n_spouses, n_almost = np.zeros((p, p), dtype=np.bool_), 0, 0
    for i in range(p):
        for j in range(p):
            if mag[i, j] == _ARROW and mag[j, i] == _ARROW:
                spouses[i, j] = True
                n_spouses += 1
                n_almost += above[i, j]
    if n_almost > 0:
        n_changed += _drop_spouses(mag, spouses, above, limited, forbidden, cut)
        above = ancestry(_directed(mag))
    if n_spouses > 0:
        missing = inducing_pairs(mag == _ARROW, spouses, above, np.zeros(p, dtype=np.bool_), stop)
        for i in range(p):
            for j in range(i + 1, p):
                absent = limited and forbidden[i, j] and forbidden[j, i]
                if missing[i, j] and mag[i, j] == 0 and not absent and not cut[i, j]:
                    mag[i, j] = mag[j, i] = _ARROW
                    joined[i, j] = True
                    n_changed += 1
    return joined, cut, n_changed


@kernel
def drawn_in(mag: Marks, triples: IntArray) -> Verdict:
    """For each triple (a, k, b) whether two arrows meet at k."""
    drawn = np.zeros(len(triples), dtype=np.int8)
    for row in range(len(triples)):
        a, k, b = triples[row]
        if mag[a, k] == _ARROW and mag[b, k] == _ARROW:
            drawn[row] = 1
    return drawn
