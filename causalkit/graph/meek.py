"""Meek's rules and consistent extensions, on arrays; :mod:`causalkit.graph.equivalence` has names.

The rules are evaluated for a list of undirected edges `i -- j`, each both ways round. A round
orients whatever follows, and the next round looks only at edges that touch, or are next to, those
just oriented, so that a long chain of consequences costs little a link.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from causalkit.errors import CycleError, GraphError
from causalkit.graph._validity import topological_order
from causalkit.typing import BoolArray, IntArray, Name

__all__ = ["close_under_meek", "extend", "makes_collider", "near_of"]


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
    names = range(len(directed)) if names is None else names
    directed, undirected = directed.copy(), undirected.copy()
    near = near_of(directed | undirected)
    into = np.ascontiguousarray(directed.T)
    # A rule can only newly apply to an edge that touches, or is next to, what was just oriented.
    stirred = np.any(near if touched is None else near[touched], axis=0)
    forced: list[IntArray] = []
    while True:
        tails, heads = _undirected_at(undirected, stirred)
        follows = _follows(directed, into, undirected, near, tails, heads)
        if not follows.any():
            break
        tails, heads = tails[follows], heads[follows]
        undirected[tails, heads] = undirected[heads, tails] = False
        directed[tails, heads] = into[heads, tails] = True
        both = np.flatnonzero(directed[heads, tails])
        if len(both):
            raise _contradiction(names, tails[both[0]], heads[both[0]])
        forced.append(np.stack((tails, heads)))
        stirred = np.any(near[np.union1d(tails, heads)], axis=0)
    if forced:
        _check_forced(directed, near, np.concatenate(forced, axis=1), names)
    return directed, undirected


def near_of(edges: BoolArray) -> BoolArray:
    """Which nodes are adjacent or the same."""
    near: BoolArray = edges | edges.T | np.eye(len(edges), dtype=np.bool_)
    return near


def _undirected_at(undirected: BoolArray, nodes: BoolArray) -> tuple[IntArray, IntArray]:
    """Undirected edges at these nodes, both ways round."""
    where = np.flatnonzero(nodes)
    rows, there = np.nonzero(undirected[where])
    here = where[rows]
    inward = ~nodes[there]  # edges between two of the nodes are listed both ways already
    return np.concatenate((here, there[inward])), np.concatenate((there, here[inward]))


def _follows(
    directed: BoolArray,
    into: BoolArray,
    undirected: BoolArray,
    near: BoolArray,
    tails: IntArray,
    heads: IntArray,
) -> BoolArray:
    """Which of the undirected edges `i -- j` (i in tails, j in heads) become `i -> j`."""
    result = np.zeros(len(tails), dtype=np.bool_)
    for block in _blocks(len(tails), len(directed)):
        i, j = tails[block], heads[block]
        rule_1 = (into[i] & ~near[j]).any(axis=1)
        rule_2 = (directed[i] & into[j]).any(axis=1)
        result[block] = rule_1 | rule_2
        undecided = np.arange(block.start, block.start + len(i))[~result[block]]
        i, j = tails[undecided], heads[undecided]
        rule_3 = _some_pair(undirected[i] & into[j], ~near, undirected[i] & into[j])
        rule_4 = _some_pair(undirected[i] & ~near[j], directed, near[i] & into[j])
        result[undecided] = rule_3 | rule_4
    return result


def _some_pair(left: BoolArray, relation: BoolArray, right: BoolArray) -> BoolArray:
    """Whether, row by row, `relation` holds between some k of `left` and some l of `right`."""
    found = np.zeros(len(left), dtype=np.bool_)
    for row in np.flatnonzero(left.any(axis=1) & right.any(axis=1)).tolist():
        found[row] = relation[np.ix_(left[row], right[row])].any()
    return found


def makes_collider(
    directed: BoolArray, near: BoolArray, tails: IntArray, heads: IntArray
) -> BoolArray:
    """Which of the edges `i -> j` end in an unshielded collider `i -> j <- k`."""
    result = np.zeros(len(tails), dtype=np.bool_)
    into = np.ascontiguousarray(directed.T)
    for block in _blocks(len(tails), len(directed)):
        result[block] = (into[heads[block]] & ~near[tails[block]]).any(axis=1)
    return result


def _blocks(n_rows: int, n_columns: int) -> Iterator[slice]:
    """Row blocks of about four million cells, so that memory stays flat."""
    size = max(1, (1 << 22) // max(1, n_columns))
    return (slice(at, at + size) for at in range(0, n_rows, size))


def _check_forced(
    directed: BoolArray, near: BoolArray, forced: IntArray, names: Sequence[Name]
) -> None:
    """If there is a member at all, what the rules orient makes no new collider and no cycle."""
    collides = np.flatnonzero(makes_collider(directed, near, forced[0], forced[1]))
    if len(collides):
        raise _contradiction(names, *forced[:, collides[0]].tolist())
    if topological_order(directed) is None:
        raise CycleError(
            "the orientations that follow from the given ones run in a circle; expected arrows and "
            "colliders that some DAG has. Take back one of the orientations."
        )


def _contradiction(names: Sequence[Name], tail: int, head: int) -> GraphError:
    return GraphError(
        f"the edge between {names[tail]!r} and {names[head]!r} is forced both ways; expected "
        "arrows and colliders that some DAG has. Take back one of the orientations nearby."
    )


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
    near = near_of(directed | undirected)
    directed, undirected = directed.copy(), undirected.copy()
    result = directed.copy()
    left = np.ones(len(directed), dtype=np.bool_)
    waiting = list(range(len(directed)))[::-1]
    queued = left.copy()
    while waiting:
        x = waiting.pop()
        queued[x] = False
        loose = np.flatnonzero(undirected[x] & left)
        around = np.flatnonzero(near[x] & left)
        if not left[x] or (directed[x] & left).any() or not near[np.ix_(loose, around)].all():
            continue
        # x can be last: nothing leaves it, and arrows from its neighbours collide with nothing.
        result[loose, x] = True
        left[x] = False
        for y in around[~queued[around] & (around != x)].tolist():
            waiting.append(y)
            queued[y] = True
    return None if left.any() else result
