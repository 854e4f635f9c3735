"""Greedy search through Markov equivalence classes, compiled; `ges.py` says what it is for.

What a step gains is kept in a matrix for each kind of step, a row for the head y of its edge, and a
row is computed again only after something changed near y. A row of insertions asks the score once
for each clique of undirected neighbours that may become parents, for all tails x at once. Whether
a step can be taken at all, which paths elsewhere and knowledge decide, is asked of the best one
only. If it cannot, that is kept together with the path that stands in its way.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np

from causalkit._core.jit import inner_kernel, kernel
from causalkit.discovery.search._ges_graph_kernels import (
    APART,
    DELETE,
    INSERT,
    INTO,
    JOINED,
    OUT_OF,
    TURN,
    Class,
    Room,
    change,
    is_permitted,
    label_all,
)
from causalkit.discovery.search._ges_step_kernels import (
    REDUNDANT,
    ROUNDING,
    UNKNOWN,
    Barred,
    Limits,
    Scratch,
    advance,
    arrows_into,
    bar,
    code_of,
    step_of,
)
from causalkit.scores import _path_kernels as score
from causalkit.typing import BoolArray, FloatArray, IntArray

__all__ = ["AFTER_ROUND", "AFTER_STEP", "NEVER", "Gains", "search"]

AFTER_STEP: Final = 0
AFTER_ROUND: Final = 1
NEVER: Final = 2

_ANY: Final = -1


class Gains(NamedTuple):
    """What steps gain, by kind (insert, delete, turn), head y and tail x.

    Attributes
    ----------
    each : ndarray of shape (3, p, p)
        -inf where there is no such step.
    best : ndarray of int, shape (3, p)
        Tail with the largest gain.
    """

    each: FloatArray
    best: IntArray

    @classmethod
    def of(cls, n_nodes: int) -> Gains:
        """Make room; nothing is known yet."""
        each = np.full((3, n_nodes, n_nodes), -np.inf)
        return cls(each, np.zeros((3, n_nodes), dtype=np.intp))


# --- rows -----------------------------------------------------------------------------------------


@inner_kernel
def _tails_of(cls: Class, limits: Limits, work: Scratch, y: int) -> tuple[int, int]:
    """List the neighbours of y, and the tails of insertions at y; how many there are of each."""
    m, n, need = 0, 0, work.need
    need[:] = 0
    work.held[:] = 0
    for e in range(cls.degree[y]):
        u = cls.near[y, e]
        if cls.mark[y, u] == JOINED:
            work.pool[m] = u
            m += 1
            for d in range(cls.degree[u]):
                need[cls.near[u, d]] += 1
    for x in range(len(cls.degree)):
        if x != y and limits.allowed[x, y] and cls.mark[x, y] == APART:
            work.tails[n] = x
            n += 1
        else:
            need[x] = -1  # is never met
    return m, n


@inner_kernel
def _may_hold(cls: Class, work: Scratch, m: int, size: int, n_tails: int) -> bool:
    """Whether larger cliques may hold all that some tail is joined to."""
    first = work.chosen[size - 1] + 1 if size > 0 else 0
    for a in range(n_tails):
        x = work.tails[a]
        missing = work.need[x] - work.held[x]
        for i in range(first, m if missing > 0 else first):
            missing -= cls.mark[work.pool[i], x] != APART
        if missing == 0:
            return True
    return False


@inner_kernel
def _hold(cls: Class, held: IntArray, u: int, by: int) -> None:
    for e in range(cls.degree[u]):
        held[cls.near[u, e]] += by


@inner_kernel
def _insertions(
    state: Any, cls: Class, limits: Limits, work: Scratch, y: int, gain: FloatArray
) -> None:
    """Write what the best insertion of each `x -> y` gains."""
    k = arrows_into(cls, work, y, -1)
    m, n_tails = _tails_of(cls, limits, work, y)
    if n_tails == 0 or k >= limits.max_parents:
        return
    parents, held = work.parents, work.held
    score.begin(state, work.paths, y)
    size, fresh = 0, 0
    while size >= 0:
        for d in range(fresh, k + size):
            score.push(state, work.paths, y, parents[d], d)
        n = score.improving(state, work.paths, y, parents, k + size, work.found, work.gains)
        for e in range(n):
            x = work.found[e]
            if work.need[x] == held[x]:
                gain[x] = max(gain[x], work.gains[e])
        deeper = k + size + 1 < limits.max_parents and _may_hold(cls, work, m, size, n_tails)
        before, size = size, advance(cls, work, m, size, deeper)
        fresh = k + max(size, 1) - 1
        for d in range(fresh, k + before):
            _hold(cls, held, parents[d], -1)
        if size > 0:
            parents[fresh] = work.pool[work.chosen[size - 1]]
            _hold(cls, held, parents[fresh], 1)


@inner_kernel
def _refresh(
    state: Any,
    cls: Class,
    room: Room,
    limits: Limits,
    work: Scratch,
    gains: Gains,
    kind: int,
    y: int,
) -> None:
    """Compute a row again."""
    gain = gains.each[kind, y]
    gain[:] = -np.inf
    if kind == INSERT:
        _insertions(state, cls, limits, work, y, gain)
    for e in range(cls.degree[y] if kind != INSERT else 0):
        x = cls.near[y, e]
        mark = cls.mark[x, y]
        if kind == DELETE:
            wanted = mark != OUT_OF and not limits.required[x, y] and (mark == INTO or x < y)
        else:
            wanted = mark != INTO and limits.allowed[x, y]
        if wanted:
            gain[x] = step_of(state, cls, room, limits, work, kind, y, x, False)[0]
    gains.best[kind, y] = np.argmax(gain)
    work.barred.stale[kind, y] = False


# --- the search -----------------------------------------------------------------------------------


@inner_kernel
def _select(
    state: Any,
    cls: Class,
    room: Room,
    limits: Limits,
    work: Scratch,
    gains: Gains,
    kind: int,
    stop: BoolArray,
) -> tuple[int, int, float, int]:
    """Find the step of a kind that gains most: head, tail, gain and number of parents given.

    The head is -1 if none gains, or the time is up.
    """
    each, best, stale = gains.each[kind], gains.best[kind], work.barred.stale[kind]
    for v in range(len(best)):
        if stale[v] and not stop[0]:
            _refresh(state, cls, room, limits, work, gains, kind, v)
    while not stop[0]:
        y = 0
        for v in range(1, len(best)):
            if each[v, best[v]] > each[y, best[y]]:
                y = v
        x = best[y]
        if not each[y, x] > 0:
            break
        gain, size = step_of(state, cls, room, limits, work, kind, y, x, True)
        if gain >= each[y, x]:
            return y, x, gain, size
        each[y, x] = gain
        best[y] = np.argmax(each[y])
    return -1, -1, 0.0, 0


@inner_kernel
def _restore(gains: Gains, barred: Barred, b: int) -> None:
    """Let a step be thought of again."""
    kind, y, x = barred.step[b, 0], barred.step[b, 1], barred.step[b, 2]
    each = gains.each[kind, y]
    each[x] = max(each[x], barred.gain[b])
    gains.best[kind, y] = np.argmax(each)


@inner_kernel
def _lift(barred: Barred, gains: Gains, kind: int) -> bool:
    """Let steps of a kind, or any, be thought of again that no path barred, if there are such."""
    n = 0
    for b in range(barred.used[0]):
        if kind in (_ANY, barred.step[b, 0]) and barred.step[b, 4] == UNKNOWN:
            _restore(gains, barred, b)
        else:
            _move(barred, b, n)
            n += 1
    lifted: bool = n < barred.used[0]
    barred.used[0] = n
    return lifted


@inner_kernel
def _move(barred: Barred, b: int, to: int) -> None:
    barred.gain[to] = barred.gain[b]
    for d in range(barred.step.shape[1]):
        barred.step[to, d] = barred.step[b, d]
    for d in range(barred.path.shape[1]):
        barred.path[to, d] = barred.path[b, d]


@inner_kernel
def _stands(cls: Class, barred: Barred, b: int) -> bool:
    """Whether the path that bars a step is still there."""
    for d in range(1, barred.step[b, 4]):
        way = cls.mark[barred.path[b, d], barred.path[b, d - 1]]
        if way != INTO and way != JOINED:
            return False
    return True


@inner_kernel
def _review(cls: Class, room: Room, barred: Barred, gains: Gains, y: int, x: int) -> None:
    """Note the rows on which a step bears that was taken, and the steps that it made possible."""
    stale, n = barred.stale, 0
    for v in range(len(cls.degree)):
        for e in range(cls.degree[v]):
            u = cls.near[v, e]
            stale[TURN, u] |= room.touched[v]
            for kind in range(3 if v in (x, y) else 0):
                stale[kind, u] |= cls.mark[v, u] == JOINED
        for kind in range(3):
            stale[kind, v] |= room.touched[v]
    for b in range(barred.used[0]):
        if stale[barred.step[b, 0], barred.step[b, 1]]:
            continue
        if _stands(cls, barred, b):
            _move(barred, b, n)
            n += 1
        else:
            _restore(gains, barred, b)
    barred.used[0] = n


@inner_kernel
def _copy(to: Class, cls: Class) -> None:
    for i in range(len(to.degree)):
        to.degree[i] = cls.degree[i]
        for j in range(len(to.degree)):
            to.mark[i, j], to.dag[i, j] = cls.mark[i, j], cls.dag[i, j]
            to.near[i, j] = cls.near[i, j]


@inner_kernel
def _total(state: Any, cls: Class, work: Scratch) -> float:
    """Score of the member at hand."""
    total = 0.0
    for v in range(len(cls.degree)):
        k = 0
        for e in range(cls.degree[v]):
            if cls.dag[cls.near[v, e], v]:
                work.parents[k] = cls.near[v, e]
                k += 1
        total += max(score.local(state, work.paths, v, work.parents, k), REDUNDANT)
    return total


@inner_kernel
def _take(
    state: Any,
    cls: Class,
    room: Room,
    limits: Limits,
    work: Scratch,
    kind: int,
    y: int,
    x: int,
    size: int,
) -> bool:
    """Take a step; False, with the class as it was, if that is not permitted or gains nothing."""
    guarded, before = limits.restricted or limits.uneven, 0.0
    if guarded:
        _copy(work.saved, cls)
    if limits.uneven:
        before = _total(state, cls, work)
    fine = change(cls, room, kind, y, x, work.taken, size)
    if fine and limits.restricted:
        fine = is_permitted(cls, room, limits.allowed, limits.must)
    if fine and limits.uneven:
        fine = _total(state, cls, work) > before + ROUNDING * abs(before)
    if guarded and not fine:
        _copy(cls, work.saved)
    return fine


@kernel
def search(
    state: Any,
    cls: Class,
    room: Room,
    limits: Limits,
    work: Scratch,
    gains: Gains,
    phases: IntArray,
    again: int,
    stop: BoolArray,
) -> int:
    """Change the class of `cls.dag` while a step gains; return how many were taken.

    The first phase follows after each step if `again` is AFTER_STEP; after the last phase, until
    none gains, if it is AFTER_ROUND; and never if it is NEVER. In theory the score rises with each
    step. Where parents nearly determine each other, rounding may say so of steps in a circle: so
    the score is added up now and then, and the search ends if it has not risen.
    """
    label_all(cls, room)
    n_steps, since, idle, k, lifted, m = 0, 0, 0, 0, False, len(phases)
    top, patience = _total(state, cls, work), 16 + 4 * len(cls.degree)
    eager = again == AFTER_STEP
    while idle < m and k < m and not stop[0]:
        kind, y, x, gain, size = phases[k], -1, -1, 0.0, 0
        tired = since >= patience and (eager or kind == TURN)
        if not tired:
            y, x, gain, size = _select(state, cls, room, limits, work, gains, kind, stop)
            if y < 0 and not lifted and (not eager or k == m - 1):
                lifted = _lift(work.barred, gains, _ANY if eager else kind)
                if lifted:
                    k = 0 if eager else k
                    continue
        if y >= 0 and _take(state, cls, room, limits, work, kind, y, x, size):
            _review(cls, room, work.barred, gains, y, x)
            n_steps, since, lifted = n_steps + 1, since + 1, False
            k = 0 if eager else k
        elif y >= 0:
            code = code_of(work.taken, size)
            bar(room, work.barred, kind, y, x, code, UNKNOWN, gain)
        elif eager and not tired:
            k += 1
        else:
            total = _total(state, cls, work)
            risen = total > top + ROUNDING * abs(top)
            idle = 0 if risen else m if eager else idle + 1
            top, since, lifted = max(top, total), 0, False
            if not eager:
                k = (k + 1) % m if again == AFTER_ROUND else k + 1
    return n_steps
