"""Which way edges point: triples, and what follows from them.

An unshielded triple a - k - b (a and b not adjacent) is either a *collider* a -> k <- b, or it is
none. Tests make a statement about each triple; with finite data the statements may contradict each
other or the knowledge, and then no graph satisfies them all. What is wanted is the best class of
graphs that exists, so statements are taken from the strongest evidence to the weakest and one that
contradicts the stronger ones is dropped. Its opposite is then implied, so in the end every triple
is settled, and the arrows close under Meek's rules without contradiction.

The test behind it is exact and linear. *Is there an acyclic orientation of the skeleton that
contains these arrows and makes none of these triples a collider?* Look for a node that can come
last: no arrow leaves it, and no forbidden collider arises if all its edges point into it. If an
orientation exists, then also one with this node last: turning its edges inwards breaks no arrow and
adds colliders only at the node itself, where none is forbidden. So remove it and go on; there is an
orientation if and only if all nodes can be removed (the idea of Dor and Tarsi, 1992).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from causalkit.discovery._skeleton import Evidence
from causalkit.typing import BoolArray

__all__ = ["Statement", "meek_reasons", "orientable", "settle", "unshielded_triples"]

Triple: TypeAlias = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Statement:
    """What the tests say about the triple a - k - b.

    Attributes
    ----------
    triple : tuple of int
        (a, k, b) with a < b.
    collider : bool or None
        None if the tests do not agree; it is then read as no collider, with the least weight.
    evidence : Evidence or None
        The separation of a and b that decided.
    """

    triple: Triple
    collider: bool | None
    evidence: Evidence | None = None


def unshielded_triples(adjacency: BoolArray) -> list[Triple]:
    """All (a, k, b), a < b, with k adjacent to both and a not adjacent to b."""
    triples = []
    for k in range(len(adjacency)):
        near = np.flatnonzero(adjacency[k])
        apart = np.argwhere(np.triu(~adjacency[np.ix_(near, near)], 1))
        triples += [(int(near[s]), k, int(near[t])) for s, t in apart]
    return triples


def settle(
    arrows: BoolArray, statements: Sequence[Statement]
) -> tuple[BoolArray, list[Statement], list[Statement]]:
    """Keep statements, first ones first, as long as they can hold together.

    Parameters
    ----------
    arrows : ndarray of bool, shape (p, p)
        Arrows that hold in any case; acyclic.
    statements : sequence of Statement
        About all unshielded triples, strongest first.

    Returns
    -------
    arrows : ndarray of bool, shape (p, p)
        Those given and those of all colliders.
    kept, dropped : list of Statement
        For a dropped statement the opposite holds.
    """
    kept: list[Statement] = []
    dropped: list[Statement] = []
    rest = list(statements)
    while rest:
        n_fit = _longest_fit(arrows, kept, rest)
        kept += rest[:n_fit]
        dropped += rest[n_fit : n_fit + 1]
        rest = rest[n_fit + 1 :]
    colliders = [s.triple for s in kept if s.collider]
    colliders += [s.triple for s in dropped if not s.collider]
    return _with_colliders(arrows, colliders), kept, dropped


def _longest_fit(arrows: BoolArray, kept: list[Statement], rest: list[Statement]) -> int:
    """How many of `rest`, from the first on, can hold together with `kept`."""
    if _fits(arrows, kept + rest):
        return len(rest)
    fits, fails = 0, len(rest)
    while fails - fits > 1:  # more statements are never easier to satisfy: bisect
        middle = (fits + fails) // 2
        if _fits(arrows, kept + rest[:middle]):
            fits = middle
        else:
            fails = middle
    return fits


def _fits(arrows: BoolArray, statements: Sequence[Statement]) -> bool:
    colliders = [s.triple for s in statements if s.collider]
    others = [s.triple for s in statements if not s.collider]
    return orientable(_with_colliders(arrows, colliders), others)


def _with_colliders(arrows: BoolArray, colliders: Sequence[Triple]) -> BoolArray:
    result = arrows.copy()
    for a, k, b in colliders:
        result[a, k] = result[b, k] = True
    return result


def orientable(arrows: BoolArray, no_colliders: Sequence[Triple] = ()) -> bool:
    """Whether an acyclic orientation has these arrows and none of these triples as a collider.

    Parameters
    ----------
    arrows : ndarray of bool, shape (p, p)
        `arrows[i, j]`: the edge points from i to j.
    no_colliders : sequence of (a, k, b)
        Triples that must not become a -> k <- b.
    """
    p = len(arrows)
    obstacles = arrows.sum(axis=1).tolist()  # what keeps a node from coming last
    into: list[list[int]] = [[] for _ in range(p)]
    for cause, effect in np.argwhere(arrows).tolist():
        into[effect].append(cause)
    ends_of: list[list[tuple[int, int]]] = [[] for _ in range(p)]
    for a, k, b in no_colliders:
        obstacles[k] += 1
        ends_of[a].append((k, b))
        ends_of[b].append((k, a))
    removed = [False] * p
    ready = [k for k in range(p) if obstacles[k] == 0]
    for node in ready:
        removed[node] = True
        freed = into[node] + [k for k, other in ends_of[node] if not removed[other]]
        for k in freed:
            obstacles[k] -= 1
            if obstacles[k] == 0 and not removed[k]:
                ready.append(k)
    return len(ready) == p


def meek_reasons(
    arrows: BoolArray, closed: BoolArray, adjacency: BoolArray
) -> dict[tuple[int, int], tuple[int, tuple[int, ...]]]:
    """Say which of Meek's rules directed each edge that was not directed to begin with.

    Parameters
    ----------
    arrows, closed : ndarray of bool, shape (p, p)
        Directed edges before and after the rules.
    adjacency : ndarray of bool, shape (p, p)

    Returns
    -------
    dict
        By edge (i, j): the number of the rule, and the other nodes of its picture.
    """
    known = arrows.copy()
    reasons: dict[tuple[int, int], tuple[int, tuple[int, ...]]] = {}
    while True:
        found = {}
        for i, j in np.argwhere(closed & ~known).tolist():
            reason = _rule_for(i, j, known, adjacency)
            if reason is not None:
                found[i, j] = reason
        if not found:
            return reasons
        reasons |= found
        for i, j in found:
            known[i, j] = True


def _rule_for(
    i: int, j: int, known: BoolArray, adjacency: BoolArray
) -> tuple[int, tuple[int, ...]] | None:
    """The first of Meek's rules that directs i -> j now."""
    far = ~adjacency[j]
    far[[i, j]] = False
    before = np.flatnonzero(known[:, i] & far)  # k -> i - j, k far from j: no new collider at i
    if len(before):
        return 1, (int(before[0]),)
    between = np.flatnonzero(known[i] & known[:, j])  # i -> k -> j: no cycle
    if len(between):
        return 2, (int(between[0]),)
    beside = np.flatnonzero(adjacency[i] & ~known[:, i] & known[:, j])  # i - k -> j
    for s, k in enumerate(beside.tolist()):
        apart = [m for m in beside[s + 1 :].tolist() if not adjacency[k, m]]
        if apart:
            return 3, (k, apart[0])
    for k in np.flatnonzero(adjacency[i] & far).tolist():  # i - k -> m -> j, i adjacent to m
        onward = np.flatnonzero(known[k] & known[:, j] & adjacency[i])
        if len(onward):
            return 4, (k, int(onward[0]))
    return None
