"""The search over orders: room for the trees, a first order, a clock."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from causalkit.discovery._deadline import flag_when_up
from causalkit.discovery._score_setup import ScoreSetup
from causalkit.scores._states import GaussianState, Paths, State
from causalkit.typing import BoolArray, FloatArray, IntArray

if TYPE_CHECKING:
    from causalkit.discovery._grow_trees_kernels import Trees

__all__ = ["Climb", "climb", "first_order"]

_TREE_BYTES: Final = 2**30
"""Memory for the trees; they are planted anew when it is full."""

_FAN: Final = 24
"""Columns that raise the score, a tree node, for which there is room."""


@dataclass(frozen=True, slots=True, eq=False)
class Climb:
    """What a search over orders came to.

    Attributes
    ----------
    dag : ndarray of bool, shape (p, p)
        `dag[i, j]` is `i -> j`.
    order : ndarray of int, shape (p,)
        Causes first.
    n_restarts : int
        Restarts that were begun.
    stopped : bool
        Whether the time was up.
    """

    dag: BoolArray
    order: IntArray
    n_restarts: int
    stopped: bool


def climb(setup: ScoreSetup, order: IntArray, *, n_restarts: int, n_swaps: int, seed: int) -> Climb:
    """Look for the best order, beginning with one that has required parents first."""
    from causalkit.discovery import _order_kernels as kernels
    from causalkit.discovery._grow_trees_kernels import Grower

    p = setup.n_nodes
    depth = max(setup.max_parents, 0)
    parents = np.zeros((p, p), dtype=np.bool_)
    counts = np.zeros(2, dtype=np.intp)
    now = kernels.Arrangement(
        order.astype(np.intp),
        np.zeros(p),
        np.zeros((p, p), dtype=np.bool_),
        np.zeros((p, p), dtype=np.bool_),
    )
    with setup.state() as state, flag_when_up(setup.clock) as stop:
        paths = Paths.of(state, depth, p)
        n_slots = len(paths.left)
        grower = Grower(
            paths,
            np.ascontiguousarray((setup.allowed & ~setup.required).T),
            _listed(setup.required),
            np.full((n_slots, 2), -1, dtype=np.intp),
            np.empty((n_slots, depth), dtype=np.intp),
            np.empty(depth, dtype=np.intp),
            np.empty(p, dtype=np.intp),
            np.empty(p),
        )
        kernels.search(
            state, _room(p, depth), grower, now, n_restarts, n_swaps, seed, parents, counts, stop
        )
        stopped = bool(stop[0])
    return Climb(np.ascontiguousarray(parents.T), now.order, int(counts[0]), stopped)


def _listed(required: BoolArray) -> IntArray:
    """Required parents of each node, shape (p, most), filled up with -1."""
    p = len(required)
    table = np.full((p, int(required.sum(axis=0).max(initial=0))), -1, dtype=np.intp)
    for v in range(p):
        parents = np.flatnonzero(required[:, v])
        table[v, : len(parents)] = parents
    return table


def _room(p: int, depth: int) -> Trees:
    least = 4 * (depth + p + 1)  # trees must at least hold one walk of each node
    n = max(_TREE_BYTES // (40 + 8 * _FAN), least)
    n_columns = max(_FAN * n, 4 * (depth + 1) * p)
    from causalkit.discovery._grow_trees_kernels import Trees

    return Trees(
        np.empty(n, dtype=np.int64),
        np.empty(n, dtype=np.int32),
        np.empty(n_columns, dtype=np.int32),
        np.empty(n_columns, dtype=np.int32),
        np.empty(n, dtype=np.int64),
        np.empty(n, dtype=np.int32),
        np.empty(n),
        np.empty(max(4 * n, 4 * (depth + 1)), dtype=np.intp),
        np.zeros(3, dtype=np.int64),
    )


def first_order(setup: ScoreSetup, state: State) -> IntArray:
    """Order in which each node is the one that the nodes before it explain best.

    Nodes whose required parents are not placed yet wait for them.
    """
    p = setup.n_nodes
    left = np.ones(p)
    corr = state.corr[state.group[0]] if isinstance(state, GaussianState) else np.eye(p)
    waiting = setup.required.sum(axis=0)
    rows: FloatArray = np.zeros((p, p))
    placed: list[int] = []
    is_open = np.ones(p, dtype=np.bool_)
    for k in range(p):
        ready = np.flatnonzero(is_open & (waiting == 0))
        v = (
            int(ready[np.argmin(left[ready])])
            if k
            else int(ready[np.argmax((corr[ready] ** 2).sum(axis=1))])
        )
        if left[v] > 1e-10:
            rows[k] = (corr[v] - rows[:k, v] @ rows[:k]) / np.sqrt(left[v])
            left = left - rows[k] ** 2
        is_open[v] = False
        placed.append(v)
        waiting = waiting - setup.required[v]
    return np.array(placed, dtype=np.intp)
