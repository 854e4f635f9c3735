"""Compiled loops over the edges at a node; :mod:`causalkit.graph.meek` says what they are for.

A graph comes in rows: the edges at node i are the *slots* `starts[i] .. starts[i + 1]`, sorted by
the node `far[s]` at the other end. An edge has a slot in the row of each end, so a slot also says
how the edge is passed: along an arrow, against one, or neither way yet (`state`).

A rule of Meek needs one or two arrows in place, so it can only begin to hold when the last of them
is drawn. The work list holds arrows, and for each the rules are looked up in which it plays a part.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from causalkit._core.jit import inner_kernel, kernel
from causalkit.typing import BoolArray, IntArray

__all__ = ["AGAINST", "ALONG", "LOOSE", "collides", "extension", "follow"]

LOOSE: Final = 0
ALONG: Final = 1
AGAINST: Final = 2


@inner_kernel
def _slot(starts: IntArray, far: IntArray, i: int, j: int) -> int:
    """Where row i lists j; -1 if the two are not adjacent."""
    low, high = starts[i], starts[i + 1]
    while low < high:
        middle = (low + high) // 2
        if far[middle] < j:
            low = middle + 1
        else:
            high = middle
    return low if low < starts[i + 1] and far[low] == j else -1


@inner_kernel
def _draw(
    s: int,
    rule: int,
    k: int,
    l: int,  # noqa: E741
    back: IntArray,
    state: NDArray[np.uint8],
    drawn: IntArray,
    why: IntArray,
) -> None:
    """Direct the edge in slot s. The last row of `why` counts."""
    n = why[-1, 0]
    state[s], state[back[s]] = ALONG, AGAINST
    drawn[n], why[n, 0], why[n, 1], why[n, 2] = s, rule, k, l
    why[-1, 0] = n + 1


@inner_kernel
def _meet_edge(
    i: int,
    j: int,
    t: int,
    starts: IntArray,
    far: IntArray,
    back: IntArray,
    state: NDArray[np.uint8],
    drawn: IntArray,
    why: IntArray,
) -> None:
    """Draw what follows from i -> j - m, with j - m in slot t, by rules 1 and 3."""
    m = far[t]
    chord = _slot(starts, far, i, m)
    hit, rule, l = t, 1, -1  # noqa: E741
    if chord >= 0:  # m - i -> j and m - l -> j, with l far from i
        hit, rule = -1, 3
        for r in range(starts[j], starts[j + 1] if state[chord] == LOOSE else starts[j]):
            if state[r] == AGAINST and far[r] != i and _slot(starts, far, far[r], i) < 0:
                s = _slot(starts, far, far[r], m)
                if s >= 0 and state[s] == LOOSE:
                    hit, l = back[t], far[r]  # noqa: E741
                    break
    if hit >= 0:
        _draw(hit, rule, i, l, back, state, drawn, why)


@inner_kernel
def _pass_along(
    k: int,
    l: int,  # noqa: E741
    j: int,
    starts: IntArray,
    far: IntArray,
    back: IntArray,
    state: NDArray[np.uint8],
    drawn: IntArray,
    why: IntArray,
) -> None:
    """Draw what follows from k -> l -> j by rules 2 and 4."""
    chord = _slot(starts, far, k, j)
    rule, one, two = (2, l, -1) if chord >= 0 else (4, k, l)
    if chord >= 0:
        if state[chord] == LOOSE:
            _draw(chord, rule, one, two, back, state, drawn, why)
        return
    for r in range(starts[k], starts[k + 1]):  # h - k, h - j, and h adjacent to l
        if state[r] == LOOSE and _slot(starts, far, far[r], l) >= 0:
            s = _slot(starts, far, far[r], j)
            if s >= 0 and state[s] == LOOSE:
                _draw(s, rule, one, two, back, state, drawn, why)


@kernel
def follow(
    starts: IntArray, near: IntArray, far: IntArray, state: NDArray[np.uint8], fresh: BoolArray
) -> tuple[IntArray, IntArray]:
    """Draw the arrows that follow by Meek's rules into `state`.

    Parameters
    ----------
    starts, near, far : ndarrays of int, shapes (p + 1,), (n_slots,), (n_slots,)
        Rows, and the two ends of each slot.
    state : ndarray of uint8, shape (n_slots,)
        LOOSE, ALONG or AGAINST; is changed.
    fresh : ndarray of bool, shape (p,)
        Arrows between these nodes may have consequences that are not drawn yet.

    Returns
    -------
    forced : ndarray of int, shape (n_forced,)
        Slots of the arrows drawn, in the order in which they follow.
    why : ndarray of int, shape (n_forced, 3)
        The number of the rule, and the other nodes of its picture (-1: there is one only).
    """
    n_slots = len(far)
    back = np.empty(n_slots, dtype=np.intp)  # the slot of the same edge in the other row
    cursor = starts.copy()
    drawn = np.empty(n_slots, dtype=np.intp)
    n_given, at = 0, 0
    for s in range(n_slots):  # row by row, so every node is met by its neighbours in their order
        back[s] = cursor[far[s]]
        cursor[far[s]] += 1
        if state[s] == ALONG and fresh[near[s]] and fresh[far[s]]:
            drawn[n_given] = s
            n_given += 1
    why = np.empty((n_slots + 1, 3), dtype=np.intp)
    why[-1, 0] = n_given
    while at < why[-1, 0]:
        i, j = near[drawn[at]], far[drawn[at]]
        at += 1
        for t in range(starts[j], starts[j + 1]):
            if state[t] == ALONG:
                _pass_along(i, j, far[t], starts, far, back, state, drawn, why)
            elif state[t] == LOOSE:
                _meet_edge(i, j, t, starts, far, back, state, drawn, why)
        for t in range(starts[i], starts[i + 1]):
            if state[t] == AGAINST:
                _pass_along(far[t], i, j, starts, far, back, state, drawn, why)
    n = why[-1, 0]
    return drawn[n_given:n], why[n_given:n]


@kernel
def collides(
    starts: IntArray, near: IntArray, far: IntArray, state: NDArray[np.uint8], asked: IntArray
) -> BoolArray:
    """Which of the arrows `i -> j` in these slots end in an unshielded collider `i -> j <- k`."""
    result = np.zeros(len(asked), dtype=np.bool_)
    for n in range(len(asked)):
        i, j = near[asked[n]], far[asked[n]]
        for t in range(starts[j], starts[j + 1]):
            if state[t] == AGAINST and far[t] != i and _slot(starts, far, i, far[t]) < 0:
                result[n] = True
                break
    return result


@inner_kernel
def _can_be_last(
    x: int, starts: IntArray, far: IntArray, state: NDArray[np.uint8], left: BoolArray
) -> bool:
    """Whether nothing leaves x, and arrows from its loose neighbours collide with nothing."""
    for s in range(starts[x], starts[x + 1]):
        if left[far[s]] and state[s] == ALONG:
            return False
    for s in range(starts[x], starts[x + 1]):
        if left[far[s]] and state[s] == LOOSE:
            for t in range(starts[x], starts[x + 1]):
                if left[far[t]] and t != s and _slot(starts, far, far[s], far[t]) < 0:
                    return False
    return True


@kernel
def extension(starts: IntArray, far: IntArray, state: NDArray[np.uint8]) -> tuple[bool, IntArray]:
    """Direct the loose edges without a new unshielded collider or a circle (Dor and Tarsi).

    Returns
    -------
    complete : bool
        Whether there is such an orientation.
    against : ndarray of int
        Slots of the loose edges that are passed against their arrow.
    """
    p = len(starts) - 1
    left, queued = np.ones(p, dtype=np.bool_), np.ones(p, dtype=np.bool_)
    waiting = np.arange(p)[::-1].copy()
    n_waiting, n_left, n = p, p, 0
    against = np.empty(len(far), dtype=np.intp)
    while n_waiting > 0:
        n_waiting -= 1
        x = waiting[n_waiting]
        queued[x] = False
        if not left[x] or not _can_be_last(x, starts, far, state, left):
            continue
        left[x] = False
        n_left -= 1
        for s in range(starts[x], starts[x + 1]):
            if left[far[s]] and state[s] == LOOSE:
                against[n] = s
                n += 1
            if left[far[s]] and not queued[far[s]]:
                queued[far[s]] = True
                waiting[n_waiting] = far[s]
                n_waiting += 1
    return n_left == 0, against[:n]
