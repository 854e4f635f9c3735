"""Searches over orders: room for the trees, a first order, a clock.

Orders are searched node by node, graphs edge by edge, and each way gets stuck where the other does
not. Edge by edge costs little where the score is a matter of counts, of which one is never made
twice. So there the first order is that of a greedy search through classes, and what each start
comes to is changed by its steps while one gains; nothing is ever worse than what it finds alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Final

import numpy as np

from causalkit._core.checks import check_count
from causalkit._core.parallel import check_jobs, run
from causalkit._core.random import as_generator, draw_seed
from causalkit.discovery._deadline import flag_when_up
from causalkit.discovery.search._ges_search import polish, total, walk
from causalkit.discovery.search._score_setup import ScoreSetup
from causalkit.scores._states import CountedState, Paths, State
from causalkit.typing import BoolArray, IntArray, RandomState

if TYPE_CHECKING:
    from causalkit.discovery.search._arrangement_kernels import Arrangement
    from causalkit.discovery.search._grow_trees_kernels import Grower, Trees

__all__ = ["Climb", "better_dag", "climb", "from_starts", "greedy_dag", "random_order", "tuck_in"]

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
    score : float
        Of the DAG.
    n_rounds : int
        Restarts that were begun, or tucks that were made.
    stopped : bool
        Whether the time was up.
    """

    dag: BoolArray
    order: IntArray
    score: float
    n_rounds: int
    stopped: bool


def climb(
    setup: ScoreSetup,
    order: IntArray,
    seed: int,
    *,
    n_restarts: int = 0,
    n_swaps: int = 0,
    n_drifts: int = 0,
) -> Climb:
    """Move nodes to their best places; required parents come first in the given order."""
    from causalkit.discovery.search._order_kernels import search

    return _carry_out(search, setup, order, (n_restarts, n_swaps, n_drifts, seed))


def tuck_in(setup: ScoreSetup, order: IntArray, seed: int, *, depth: int) -> Climb:
    """Tuck nodes before their parents; required parents come first in the given order."""
    from causalkit.discovery.search._grasp_kernels import search

    return _carry_out(search, setup, order, (depth, seed))


def _carry_out(
    search: Callable[..., int], setup: ScoreSetup, order: IntArray, settings: tuple[int, ...]
) -> Climb:
    with setup.state() as state, flag_when_up(setup.clock) as stop:
        trees, grower = _room(setup.n_nodes, setup.max_parents), _grower(setup, state)
        now = _arrangement(order)
        n_rounds = search(state, trees, grower, now, *settings, stop)
    dag = np.ascontiguousarray(now.parents.T)
    return Climb(dag, now.order, float(now.score.sum()), int(n_rounds), bool(stop[0]))


def from_starts(
    job: Callable[[ScoreSetup, IntArray, int], Climb],
    setup: ScoreSetup,
    *,
    n_starts: int,
    random_state: RandomState,
    n_jobs: int | None,
) -> tuple[Climb, str | None]:
    """Search from several random orders; return the best, and what the time left undone."""
    check_count(n_starts, "n_starts")
    check_jobs(n_jobs)
    streams, greedy = as_generator(random_state).spawn(n_starts), greedy_dag(setup)
    along = [greedy, *[None] * (n_starts - 1)]
    orders = [random_order(setup, rng, dag) for rng, dag in zip(streams, along, strict=True)]
    jobs = [(setup, order, draw_seed(rng)) for order, rng in zip(orders, streams, strict=True)]
    start = job if greedy is None else partial(_polished, job)
    found = run(start, jobs, n_jobs=n_jobs, threads=True, until=setup.clock.is_up)
    found = found or [start(*jobs[0])]
    n_done = sum(not one.stopped for one in found)
    undone = f"the time was up after {n_done} of {n_starts} starts" if n_done < n_starts else None
    best = max(found, key=lambda one: one.score)
    return replace(best, dag=better_dag(setup, best.dag, greedy)), undone


def _polished(
    job: Callable[[ScoreSetup, IntArray, int], Climb], setup: ScoreSetup, order: IntArray, seed: int
) -> Climb:
    found = job(setup, order, seed)
    dag = polish(setup, found.dag)
    return replace(found, dag=dag, score=total(setup, dag))


def greedy_dag(setup: ScoreSetup) -> BoolArray | None:
    """DAG of a greedy search through classes, where the score is a matter of counts; else None."""
    with setup.state() as state:
        if not isinstance(state, CountedState):
            return None
    return walk(setup, setup.required, ("backward", "turning", "forward"), again="step").dag


def better_dag(setup: ScoreSetup, one: BoolArray, other: BoolArray | None) -> BoolArray:
    """The DAG with the higher score; the first if there is no other, or they are alike."""
    if other is None or total(setup, other) <= total(setup, one):
        return one
    return other


def _arrangement(order: IntArray) -> Arrangement:
    from causalkit.discovery.search._arrangement_kernels import Arrangement

    p = len(order)
    none = np.zeros((3, p, p), dtype=np.bool_)
    rank = np.zeros(p, dtype=np.intp)
    return Arrangement(order.astype(np.intp), rank, np.zeros(p), none[0], none[1], none[2])


def _grower(setup: ScoreSetup, state: State) -> Grower:
    from causalkit.discovery.search._grow_trees_kernels import Grower

    p, depth = setup.n_nodes, setup.max_parents
    paths = Paths.of(state, depth, p)
    return Grower(
        paths,
        np.ascontiguousarray((setup.allowed & ~setup.required).T),
        _listed(setup.required),
        np.full((len(paths.left), 2 + depth), -1, dtype=np.intp),
        np.empty(depth, dtype=np.intp),
        np.empty(p, dtype=np.intp),
        np.empty(p),
    )


def _listed(required: BoolArray) -> IntArray:
    """Required parents of each node, shape (p, most), filled up with -1."""
    p = len(required)
    table = np.full((p, int(required.sum(axis=0).max(initial=0))), -1, dtype=np.intp)
    for v in range(p):
        parents = np.flatnonzero(required[:, v])
        table[v, : len(parents)] = parents
    return table


def _room(p: int, depth: int) -> Trees:
    from causalkit.discovery.search._grow_trees_kernels import Trees

    least = 4 * (depth + p + 1)  # trees must at least hold one walk of each node
    n = max(_TREE_BYTES // (48 + 8 * _FAN), least)
    return Trees(
        np.empty((n, 4), dtype=np.int64),
        np.empty(n),
        np.empty((max(_FAN * n, 4 * (depth + 1) * p), 2), dtype=np.int32),
        np.empty(max(4 * n, 4 * (depth + 1)), dtype=np.int64),
        np.zeros(3, dtype=np.int64),
    )


def random_order(
    setup: ScoreSetup, rng: np.random.Generator, dag: BoolArray | None = None
) -> IntArray:
    """Draw an order that has required parents first, or those in a DAG, and tiers in their order.

    Of two nodes between which one direction is ruled out, the possible cause comes first where that
    does not run in a circle.
    """
    before = setup.required if dag is None else dag
    keys, one_way = rng.random(setup.n_nodes), setup.allowed & ~setup.allowed.T
    waiting, late = before.sum(axis=0), one_way.sum(axis=0)
    placed: list[int] = []
    for _ in range(setup.n_nodes):
        ready = np.flatnonzero(waiting == 0)
        v = int(ready[np.lexsort((keys[ready], late[ready]))[0]])
        waiting, late = waiting - before[v], late - one_way[v]
        waiting[v] = -1
        placed.append(v)
    return np.array(placed, dtype=np.intp)
