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
orientation if and only if all nodes can be removed (the idea of Dor and Tarsi, 1992). The order in
which they went proves it, and a further statement that this order satisfies needs no new test; one
that it does not satisfy takes a change of the order in one place, or cannot hold.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from causalkit.graph.meek import forced_arrows, loose_pairs, pairs_of
from causalkit.typing import BoolArray, FloatArray, IntArray

__all__ = [
    "AMBIGUOUS",
    "COLLIDER",
    "NOT_COLLIDER",
    "Settled",
    "Statements",
    "meek_reasons",
    "orientable",
    "settle",
    "unshielded_triples",
]

Triple: TypeAlias = tuple[int, int, int]

COLLIDER: Final = 1
NOT_COLLIDER: Final = 0
AMBIGUOUS: Final = -1
"""The tests do not agree; read as no collider."""


@dataclass(frozen=True, slots=True)
class Statements:
    """What the tests say about unshielded triples, one row each, strongest first.

    Attributes
    ----------
    triples : ndarray of int, shape (m, 3)
        (a, k, b) with a < b.
    verdict : ndarray of int8, shape (m,)
        COLLIDER, NOT_COLLIDER or AMBIGUOUS.
    p_value : ndarray of float, shape (m,)
        Of the separation of a and b that decided; NaN if there is none.
    """

    triples: IntArray
    verdict: NDArray[np.int8]
    p_value: FloatArray

    def __len__(self) -> int:
        return len(self.triples)


@dataclass(frozen=True, slots=True)
class Settled:
    """Statements that hold together, and the arrows that they draw.

    Attributes
    ----------
    arrows : ndarray of bool, shape (p, p)
        Those that were given and those of all colliders.
    kept : ndarray of bool, shape (m,)
        For a statement that is not kept the opposite holds.
    """

    arrows: BoolArray
    kept: BoolArray


def unshielded_triples(adjacency: BoolArray) -> IntArray:
    """All (a, k, b), a < b, with k adjacent to both and a not adjacent to b.

    Parameters
    ----------
    adjacency : ndarray of bool, shape (p, p)
        Symmetric.

    Returns
    -------
    ndarray of int, shape (m, 3)
        Sorted by k, then a, then b.
    """
    from causalkit.discovery.constraint._orientation_kernels import triples_of

    near, far = pairs_of(adjacency)
    return triples_of(np.searchsorted(near, np.arange(len(adjacency) + 1)), far)


def settle(arrows: BoolArray, statements: Statements) -> Settled:
    """Keep statements, first ones first, as long as they can hold together.

    Parameters
    ----------
    arrows : ndarray of bool, shape (p, p)
        Arrows that hold in any case; acyclic.
    statements : Statements
        About all unshielded triples, strongest first.
    """
    known = pairs_of(arrows)
    drawn = statements.verdict == COLLIDER
    kept = _consistent(len(arrows), _demands(known, statements.triples, drawn), len(known[0]))
    a, k, b = statements.triples[drawn == kept].T  # the opposite of a dropped one holds
    result = arrows.copy()
    result[a, k] = result[b, k] = True
    return Settled(result, kept)


def orientable(arrows: BoolArray, no_colliders: IntArray | Sequence[Triple] = ()) -> bool:
    """Whether an acyclic orientation has these arrows and none of these triples as a collider.

    Parameters
    ----------
    arrows : ndarray of bool, shape (p, p)
        `arrows[i, j]`: the edge points from i to j.
    no_colliders : sequence of (a, k, b), or ndarray of int, shape (m, 3)
        Triples that must not become a -> k <- b.
    """
    from causalkit.discovery.constraint._orientation_kernels import remove_all

    p = len(arrows)
    others = np.asarray(no_colliders, dtype=np.intp).reshape(-1, 3)
    demands = _demands(pairs_of(arrows), others, np.zeros(len(others), dtype=np.bool_))
    return len(remove_all(p, demands)) == p


def _consistent(p: int, demands: IntArray, n_known: int) -> BoolArray:
    """Which demands after the known ones hold together with those before them."""
    from causalkit.discovery.constraint._orientation_kernels import keep_consistent, remove_all

    order = remove_all(p, demands)
    if len(order) == p:
        return np.ones(len(demands) - n_known, dtype=np.bool_)
    # What can be removed under all demands never has to move; the rest starts in any valid order.
    rest = remove_all(p, demands[:n_known])
    later = np.ones(p, dtype=np.bool_)
    later[order] = False
    order = np.concatenate((order, rest[later[rest]]))
    return keep_consistent(demands, order, n_known)[n_known:]


def _demands(known: tuple[IntArray, IntArray], triples: IntArray, drawn: BoolArray) -> IntArray:
    """Rows of two nodes that wait to be removed until one of two others was; known arrows first."""
    tails, heads = known
    a, k, b = triples.T
    result = np.empty((len(tails) + len(triples), 4), dtype=np.intp)
    result[: len(tails)] = np.column_stack((tails, tails, heads, heads))
    rest = result[len(tails) :]
    rest[:, 0], rest[:, 1] = np.where(drawn, a, k), np.where(drawn, b, k)
    rest[:, 2], rest[:, 3] = np.where(drawn, k, a), np.where(drawn, k, b)
    return result


def meek_reasons(
    arrows: BoolArray, adjacency: BoolArray
) -> dict[tuple[int, int], tuple[int, tuple[int, ...]]]:
    """Say which of Meek's rules directed each edge that was not directed to begin with.

    Parameters
    ----------
    arrows, adjacency : ndarrays of bool, shape (p, p)
        Directed edges before the rules, and all adjacent pairs.

    Returns
    -------
    dict
        By edge (i, j): the number of the rule, and the other nodes of its picture. The arrows in
        the picture were given or come earlier in the dict.
    """
    forced = forced_arrows(len(arrows), pairs_of(arrows), loose_pairs(adjacency, arrows))
    edges = zip(forced.tails.tolist(), forced.heads.tolist(), strict=True)
    reasons = zip(forced.rules.tolist(), forced.others.tolist(), strict=True)
    return {
        edge: (rule, tuple(k for k in others if k >= 0))
        for edge, (rule, others) in zip(edges, reasons, strict=True)
    }
