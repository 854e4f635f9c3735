"""Meek's rules and consistent extensions, on arrays; :mod:`causalkit.graph.equivalence` has names.

Graphs come as matrices and are worked on as lists of edges (:class:`_Rows`), so a sparse graph
costs what its edges cost. Arrows are taken from a work list, and what follows from one is looked up
among the edges at its two ends; a long chain of consequences costs little a link.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from causalkit.errors import CycleError, GraphError
from causalkit.graph._validity import causal_order
from causalkit.graph.marks import ARROW, TAIL
from causalkit.typing import BoolArray, IntArray, Name

__all__ = [
    "Forced",
    "class_marks",
    "close_under_meek",
    "extend",
    "forced_arrows",
    "loose_pairs",
    "makes_collider",
    "pairs_of",
]

Pairs = tuple[IntArray, IntArray]


@dataclass(frozen=True, slots=True)
class Forced:
    """Arrows that follow from others, in the order in which they follow.

    Attributes
    ----------
    tails, heads : ndarrays of int, shape (m,)
        The arrows.
    rules : ndarray of int, shape (m,)
        Which of Meek's rules gave each.
    others : ndarray of int, shape (m, 2)
        The other nodes in the picture of the rule, in the letters of
        :mod:`~causalkit.graph.equivalence` k and l; -1 where there is only one.
    """

    tails: IntArray
    heads: IntArray
    rules: IntArray
    others: IntArray


@dataclass(frozen=True, slots=True)
class _Rows:
    """A graph as its edges, each once from either end; row i is `starts[i]:starts[i + 1]`."""

    starts: IntArray
    near: IntArray
    far: IntArray
    state: NDArray[np.uint8]

    @classmethod
    def of(cls, n_nodes: int, arrows: Pairs, loose: Pairs) -> _Rows:
        """Sort arrows, and undirected edges given both ways round, into rows."""
        from causalkit.graph._meek_kernels import AGAINST, ALONG, LOOSE

        tails, heads = arrows
        keys = np.concatenate(
            (tails * n_nodes + heads, heads * n_nodes + tails, loose[0] * n_nodes + loose[1])
        )
        sizes = (len(tails), len(tails), len(loose[0]))
        state = np.repeat(np.array((ALONG, AGAINST, LOOSE), dtype=np.uint8), sizes)
        order = np.argsort(keys)
        keys = keys[order]
        near, far = np.divmod(keys, max(1, n_nodes))
        starts = np.searchsorted(near, np.arange(n_nodes + 1))
        return cls(starts, near, far, state[order])


def pairs_of(matrix: BoolArray) -> Pairs:
    """Rows and columns of the true cells, row by row."""
    rows, columns = np.divmod(np.flatnonzero(matrix), max(1, len(matrix)))
    return rows, columns


def close_under_meek(
    directed: BoolArray,
    undirected: BoolArray,
    *,
    touched: BoolArray | None = None,
    names: Sequence[Name] | None = None,
) -> tuple[BoolArray, BoolArray]:
    """Orient every undirected edge whose direction follows from the others.

    Parameters
    ----------
    directed, undirected : arrays of bool, shape (n_nodes, n_nodes)
        `directed[i, j]` is `i -> j`; `undirected` is symmetric. They are not changed.
    touched : array of bool, shape (n_nodes,), optional
        Ends of the edges that were oriented since the graph was last closed; left out, all nodes.
    names : sequence of names, optional
        What to call the nodes in an error; left out, their positions.

    Returns
    -------
    directed, undirected : arrays of bool, shape (n_nodes, n_nodes)

    Raises
    ------
    GraphError
        If an edge is forced both ways, into a new unshielded collider, or into a directed cycle:
        then no DAG has these edges and colliders.
    """
    forced = forced_arrows(
        len(directed), pairs_of(directed), pairs_of(undirected), touched=touched, names=names
    )
    directed, undirected = directed.copy(), undirected.copy()
    directed[forced.tails, forced.heads] = True
    undirected[forced.tails, forced.heads] = undirected[forced.heads, forced.tails] = False
    return directed, undirected


def class_marks(
    adjacency: BoolArray,
    arrows: BoolArray,
    *,
    names: Sequence[Name] | None = None,
    sound: bool = False,
) -> NDArray[np.uint8]:
    """Mark bits of the class with these adjacencies and arrows, closed under Meek's rules.

    Parameters
    ----------
    adjacency, arrows : arrays of bool, shape (n_nodes, n_nodes)
        `adjacency` is symmetric; `arrows[i, j]` is `i -> j`, between adjacent nodes.
    names : sequence of names, optional
        What to call the nodes in an error; left out, their positions.
    sound : bool
        It is known that some DAG has these arrows and colliders: not checked again.

    Returns
    -------
    array of uint8, shape (n_nodes, n_nodes)
        The `ends` of a :class:`~causalkit.graph.CausalGraph` of kind CPDAG.

    Raises
    ------
    GraphError
        As :func:`close_under_meek`.
    """
    given = pairs_of(arrows)
    forced = forced_arrows(
        len(adjacency), given, loose_pairs(adjacency, arrows), names=names, sound=sound
    )
    ends = np.zeros(adjacency.shape, dtype=np.uint8)
    ends[pairs_of(adjacency)] = TAIL
    for tails, heads in (given, (forced.tails, forced.heads)):
        ends[tails, heads] = ARROW
    return ends


def loose_pairs(adjacency: BoolArray, arrows: BoolArray) -> Pairs:
    """Adjacent pairs, both ways round, that no arrow joins."""
    rows, columns = pairs_of(adjacency)
    open_ = ~(arrows[rows, columns] | arrows[columns, rows])
    return rows[open_], columns[open_]


def forced_arrows(
    n_nodes: int,
    arrows: Pairs,
    loose: Pairs,
    *,
    touched: BoolArray | None = None,
    names: Sequence[Name] | None = None,
    sound: bool = False,
) -> Forced:
    """List the arrows that follow by Meek's rules, and by which.

    Parameters
    ----------
    n_nodes : int
        Number of nodes.
    arrows, loose : pair of int arrays
        Directed edges as (tails, heads), and undirected ones, both ways round.
    touched, names
        As for :func:`close_under_meek`.
    sound : bool
        As for :func:`class_marks`.

    Raises
    ------
    GraphError
        As :func:`close_under_meek`.
    """
    from causalkit.graph import _meek_kernels as kernels

    names = range(n_nodes) if names is None else names
    rows = _Rows.of(n_nodes, arrows, loose)
    starts, near, far, state = rows.starts, rows.near, rows.far, rows.state
    fresh = np.ones(n_nodes, dtype=np.bool_) if touched is None else touched
    forced, why = kernels.follow(starts, near, far, state, fresh)
    tails, heads = near[forced], far[forced]
    if len(forced) and not sound:
        _check_member(rows, forced, names)
    return Forced(tails, heads, why[:, 0], why[:, 1:])


def _check_member(rows: _Rows, forced: IntArray, names: Sequence[Name]) -> None:
    """Check that forced arrows make no new collider and no cycle, as they cannot in any member."""
    from causalkit.graph import _meek_kernels as kernels

    starts, near, far, state = rows.starts, rows.near, rows.far, rows.state
    wrong = forced[kernels.collides(starts, near, far, state, forced)]
    if len(wrong):
        raise _contradiction(names, int(near[wrong[0]]), int(far[wrong[0]]))
    along = state == kernels.ALONG
    if causal_order(len(starts) - 1, near[along], far[along]) is None:
        raise CycleError(
            "the orientations that follow from the given ones run in a circle; expected arrows "
            "and colliders that some DAG has. Take back one of the orientations."
        )


def _contradiction(names: Sequence[Name], tail: int, head: int) -> GraphError:
    return GraphError(
        f"the edge between {names[tail]!r} and {names[head]!r} is forced both ways; expected "
        "arrows and colliders that some DAG has. Take back one of the orientations nearby."
    )


def makes_collider(n_nodes: int, arrows: Pairs) -> BoolArray:
    """Which of the edges `i -> j` of a DAG end in an unshielded collider `i -> j <- k`.

    Parameters
    ----------
    n_nodes : int
        Number of nodes.
    arrows : pair of int arrays
        All edges as (tails, heads), row by row.
    """
    from causalkit.graph import _meek_kernels as kernels

    nothing = np.empty(0, dtype=np.intp)
    rows = _Rows.of(n_nodes, arrows, (nothing, nothing))
    asked = np.flatnonzero(rows.state == kernels.ALONG)
    return kernels.collides(rows.starts, rows.near, rows.far, rows.state, asked)


def extend(directed: BoolArray, undirected: BoolArray) -> BoolArray | None:
    """Orient all undirected edges without a new unshielded collider or a cycle (Dor & Tarsi).

    Parameters
    ----------
    directed, undirected : arrays of bool, shape (n_nodes, n_nodes)

    Returns
    -------
    array of bool, shape (n_nodes, n_nodes), or None
        The directed edges of the DAG; None if there is none.
    """
    from causalkit.graph import _meek_kernels as kernels

    rows = _Rows.of(len(directed), pairs_of(directed), pairs_of(undirected))
    complete, against = kernels.extension(rows.starts, rows.far, rows.state)
    if not complete:
        return None
    result = directed.copy()
    result[rows.far[against], rows.near[against]] = True
    return result
