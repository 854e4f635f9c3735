"""Hill climbing over DAGs, compiled; `hill_climb.py` says what it is for.

What it gains to add, or to drop, a parent of a node depends on the parents of that node only, so
after a change of one edge the rows of one node are computed again, or of two. A reversal drops a
parent here and adds one there. Which nodes are ancestors of which is kept as a matrix, so that a
cycle is seen at once.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from causalkit._core._copy_kernels import copy_matrix
from causalkit._core.jit import inner_kernel, kernel
from causalkit.discovery.search._order_kernels import draw
from causalkit.scores import _path_kernels as score
from causalkit.scores._states import Paths
from causalkit.typing import BoolArray, FloatArray, IntArray

__all__ = ["Climber", "search"]

_ADD: Final = 0
_DROP: Final = 1
_TURN: Final = 2

_REDUNDANT: Final = -1e15
"""Score of a node whose parents determine each other: required edges may be so."""

_ROUNDING: Final = 1e-13
"""Share of the scores at hand below which a difference is none."""


class Climber(NamedTuple):
    """A DAG, what follows from it, and where the search may go.

    Attributes
    ----------
    paths : Paths
        Of the score.
    allowed, required : ndarrays of bool, shape (p, p)
        `allowed[i, j]`: i may be a parent of j; `required[i, j]`: it is one in any case.
    dag, below : ndarrays of bool, shape (p, p)
        `dag[i, j]` is `i -> j`, `below[i, j]` a directed path from i to j.
    size : ndarray of int, shape (p,)
        Number of parents.
    score : ndarray of shape (p,)
    add, drop : ndarrays of shape (p, p)
        By parent and node: what the change gains; -inf where there is no such change.
    gains : ndarray of shape (p,)
    parents, found, order, waiting : ndarrays of int, shape (p,)
        Scratch.
    visited : ndarray of uint64, shape (n_tabu,)
        Numbers that stand for the last DAGs.
    """

    paths: Paths
    allowed: BoolArray
    required: BoolArray
    dag: BoolArray
    below: BoolArray
    size: IntArray
    score: FloatArray
    add: FloatArray
    drop: FloatArray
    gains: FloatArray
    parents: IntArray
    found: IntArray
    order: IntArray
    waiting: IntArray
    visited: NDArray[np.uint64]

    @classmethod
    def of(
        cls,
        paths: Paths,
        allowed: BoolArray,
        required: BoolArray,
        dag: BoolArray,
        n_tabu: int,
    ) -> Climber:
        """Make room; the DAG is copied."""
        p = len(dag)
        parents, found, order, waiting = np.zeros((4, p + 1), dtype=np.intp)
        return cls(
            paths,
            allowed,
            required,
            dag.copy(),
            np.zeros_like(dag),
            np.zeros(p, dtype=np.intp),
            np.zeros(p),
            np.full((p, p), -np.inf),
            np.full((p, p), -np.inf),
            np.empty(p),
            parents,
            found,
            order,
            waiting,
            np.zeros(n_tabu, dtype=np.uint64),
        )


# --- a DAG and what follows -----------------------------------------------------------------------


@inner_kernel
def _trace(now: Climber) -> None:
    """Find who is below whom, from the last in causal order to the first."""
    dag, below, order, waiting = now.dag, now.below, now.order, now.waiting
    p, n = len(dag), 0
    for v in range(p):
        waiting[v] = now.size[v]
        if waiting[v] == 0:
            order[n] = v
            n += 1
    for k in range(p):
        for u in range(p):
            if dag[order[k], u]:
                waiting[u] -= 1
                if waiting[u] == 0:
                    order[n] = u
                    n += 1
    for k in range(p - 1, -1, -1):
        v = order[k]
        for u in range(p):
            below[v, u] = dag[v, u]
        for u in range(p):
            if dag[v, u]:
                for w in range(p):
                    below[v, w] |= below[u, w]


@inner_kernel
def _local(state: Any, now: Climber, y: int, k: int) -> float:
    return max(score.local(state, now.paths, y, now.parents, k), _REDUNDANT)


@inner_kernel
def _settle(state: Any, now: Climber, y: int, room: int) -> None:
    """Compute the rows of a node again: of all columns if a step may lose, else of what gains."""
    parents, k, p = now.parents, 0, len(now.dag)
    add, drop = now.add[:, y], now.drop[:, y]
    for x in range(p):
        add[x] = drop[x] = -np.inf
        if now.dag[x, y]:
            parents[k] = x
            k += 1
    base = _local(state, now, y, k)
    now.size[y], now.score[y] = k, base
    if k < room and len(now.visited) > 0:
        for x in range(p):
            if now.allowed[x, y] and not now.dag[x, y]:
                parents[k] = x
                add[x] = _local(state, now, y, k + 1) - base
    elif k < room and base > _REDUNDANT:
        score.begin(state, now.paths, y)
        for d in range(k):
            score.push(state, now.paths, y, parents[d], d)
        n = score.improving(state, now.paths, y, parents, k, now.found, now.gains)
        for e in range(n):
            if now.allowed[now.found[e], y]:
                add[now.found[e]] = now.gains[e]
    for d in range(k):  # the parent that is dropped waits at the end
        x = parents[d]
        parents[d], parents[k - 1] = parents[k - 1], x
        if not now.required[x, y]:
            drop[x] = _local(state, now, y, k - 1) - base
        parents[d], parents[k - 1] = x, parents[d]


@inner_kernel
def _prepare(state: Any, now: Climber, room: int) -> float:
    """Compute all that follows from a DAG; return its score."""
    total = 0.0
    for y in range(len(now.dag)):
        _settle(state, now, y, room)
        total += now.score[y]
    _trace(now)
    return total


# --- moves ----------------------------------------------------------------------------------------


@inner_kernel
def _closes(now: Climber, kind: int, x: int, y: int) -> bool:
    """Whether a cycle would arise as `x -> y` is added, or made of `y -> x`."""
    if kind == _ADD:
        return bool(now.below[y, x])
    for c in range(len(now.dag) if kind == _TURN else 0):
        if now.dag[y, c] and c != x and now.below[c, x]:
            return True
    return False


@inner_kernel
def _number(x: int, y: int, p: int) -> np.uint64:
    """Stand for an edge: a DAG has the exclusive or of those of its edges."""
    h = np.uint64(x * p + y + 1) * np.uint64(0x9E3779B97F4A7C15)
    h = (h ^ (h >> np.uint64(29))) * np.uint64(0xBF58476D1CE4E5B9)
    return h ^ (h >> np.uint64(32))


@inner_kernel
def _is_tabu(now: Climber, kind: int, x: int, y: int, code: np.uint64) -> bool:
    p = len(now.dag)
    after = code ^ _number(x, y, p)
    if kind == _TURN:
        after ^= _number(y, x, p)
    met = False
    for k in range(len(now.visited)):
        met |= now.visited[k] == after
    return met


@inner_kernel
def _best_move(now: Climber, code: np.uint64) -> tuple[int, int, int]:
    """Kind, tail and head of the move that gains most; the tail is -1 if none does.

    Of moves that gain the same, but for rounding, the first counts.
    """
    p, best, losing = len(now.dag), 0.0, len(now.visited) > 0
    kind, tail, head = _ADD, -1, -1
    if losing:
        best = -np.inf
    for x in range(p):
        for y in range(p):
            one, gain = _ADD, now.add[x, y]
            if now.dag[x, y]:
                one, gain = _DROP, now.drop[x, y]
            elif now.dag[y, x]:
                one, gain = _TURN, gain + now.drop[y, x]
            if not gain > best:
                continue
            noise = _ROUNDING * (1.0 + abs(now.score[x]) + abs(now.score[y]))
            open_ = gain > best + noise and not _closes(now, one, x, y)
            if open_ and not (losing and _is_tabu(now, one, x, y, code)):
                kind, tail, head, best = one, x, y, gain
    return kind, tail, head


@inner_kernel
def _move(
    state: Any, now: Climber, room: int, kind: int, x: int, y: int, code: np.uint64
) -> np.uint64:
    """Add or drop `x -> y`, or make it of `y -> x`; return the number of the DAG."""
    p = len(now.dag)
    now.dag[x, y] = kind != _DROP
    code ^= _number(x, y, p)
    if kind == _TURN:
        now.dag[y, x] = False
        code ^= _number(y, x, p)
    for v in (y, x):
        if v == y or kind == _TURN:
            _settle(state, now, v, room)
    _trace(now)
    return code


@inner_kernel
def _climb(state: Any, now: Climber, room: int, best: BoolArray, stop: BoolArray) -> float:
    """Take the best move while it gains, or for so long as there are DAGs not to come back to.

    The best DAG met is left in `best`; its score is returned.
    """
    total, code, n_tabu = _prepare(state, now, room), np.uint64(0), len(now.visited)
    p, highest, idle, n = len(now.dag), total, 0, 0
    copy_matrix(now.dag, best)
    for x in range(p):
        for y in range(p):
            if now.dag[x, y]:
                code ^= _number(x, y, p)
    for k in range(n_tabu):
        now.visited[k] = code
    while not stop[0]:
        kind, x, y = _best_move(now, code)
        if x < 0:
            break
        before = now.score[x] + now.score[y]
        code = _move(state, now, room, kind, x, y, code)
        gain = now.score[x] + now.score[y] - before
        if n_tabu == 0 and not gain > 0:  # parents that nearly determine each other: rounding
            back = _ADD if kind == _DROP else _DROP if kind == _ADD else _TURN
            one, other = (y, x) if kind == _TURN else (x, y)
            code = _move(state, now, room, back, one, other, code)
            now.add[x, y] = now.drop[one, other] = -np.inf
            continue
        total += gain
        n += 1
        if n_tabu > 0:
            now.visited[n % n_tabu] = code
        idle += 1
        if total > highest + _ROUNDING * (1.0 + abs(highest)):
            highest, idle = total, 0
            copy_matrix(now.dag, best)
        if idle > n_tabu:
            break
    return highest


@inner_kernel
def _shake(state: Any, now: Climber, room: int, n_moves: int, stream: IntArray) -> None:
    """Add, drop or turn some edges at random, as far as that is allowed."""
    p, no_code, left = len(now.dag), np.uint64(0), n_moves
    for _ in range(20 * n_moves):
        x, y = draw(stream, p), draw(stream, p)
        if x == y or left == 0:
            continue
        kind = _DROP if now.dag[x, y] else _TURN if now.dag[y, x] else _ADD
        fits = kind == _DROP or (now.allowed[x, y] and now.size[y] < room)
        kept = now.required[x, y] or now.required[y, x]
        if fits and not kept and not _closes(now, kind, x, y):
            _move(state, now, room, kind, x, y, no_code)
            left -= 1


@kernel
def search(
    state: Any,
    now: Climber,
    room: int,
    n_restarts: int,
    n_moves: int,
    seed: int,
    best: BoolArray,
    counts: IntArray,
    stop: BoolArray,
) -> float:
    """Climb; then so often shake the best DAG and climb again.

    Parameters
    ----------
    state : State
        Of the score.
    now : Climber
    room : int
        Most parents of a node.
    n_restarts, n_moves : int
        How often, and how many edges change.
    seed : int
        Positive.
    best : ndarray of bool, shape (p, p)
        Left behind: the best DAG.
    counts : ndarray of int, shape (1,)
        Left behind: restarts that were begun.
    stop : ndarray of bool, shape (1,)
    """
    highest = _climb(state, now, room, best, stop)
    top, stream = best.copy(), np.array([seed])
    for _ in range(n_restarts):
        if stop[0]:
            break
        counts[0] += 1
        copy_matrix(top, now.dag)
        _prepare(state, now, room)
        _shake(state, now, room, n_moves, stream)
        total = _climb(state, now, room, best, stop)
        if total > highest + _ROUNDING * (1.0 + abs(highest)):
            highest = total
            copy_matrix(best, top)
    copy_matrix(top, best)
    return highest
