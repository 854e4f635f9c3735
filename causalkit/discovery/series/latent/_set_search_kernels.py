"""Sets of one size for many questions at once, a few each at a time, and what the answers say."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from causalkit._core.jit import inner_kernel, kernel
from causalkit.discovery.series.latent._latent_pools_kernels import may_follow
from causalkit.typing import BoolArray, FloatArray, IntArray

__all__ = ["note_answers", "write_sets"]


@inner_kernel
def _step(chosen: IntArray, size: int) -> bool:
    """Go to the next combination of positions; False after the last one."""
    order = len(chosen)
    at = order - 1
    while at >= 0 and chosen[at] == size - order + at:
        at -= 1
    if at < 0:
        return False
    chosen[at] += 1
    for later in range(at + 1, order):
        chosen[later] = chosen[later - 1] + 1
    return True


@inner_kernel
def _is_linked(
    ends: NDArray[np.uint8], roles: NDArray[np.uint8], j: int, nodes: IntArray, order: int
) -> bool:
    """Whether walks from j reach the first nodes by way of nodes that may all be colliders."""
    n = len(nodes)
    came, stack = np.zeros((n, n + 1), dtype=np.bool_), np.empty((n * n + n, 2))
    size, reached = 0, np.zeros(n, dtype=np.bool_)
    for at in range(n):
        if ends[j, nodes[at]] != 0:
            came[at, n] = reached[at] = True
            stack[size, 0], stack[size, 1] = n, at
            size += 1
    while size > 0:
        size -= 1
        before, here = int(stack[size, 0]), int(stack[size, 1])
        u, v = j if before == n else nodes[before], nodes[here]
        for at in range(n):
            w = nodes[at]
            if at in (before, here) or came[at, here] or ends[v, w] == 0:
                continue
            if may_follow(ends, roles, u, v, w):
                came[at, here] = reached[at] = True
                stack[size, 0], stack[size, 1] = here, at
                size += 1
    return bool(reached[:order].all())


@kernel
def write_sets(
    sides: IntArray,
    default: IntArray,
    pools: IntArray,
    asked: BoolArray,
    sizes: IntArray,
    ends: NDArray[np.uint8],
    roles: NDArray[np.uint8],
    cursor: IntArray,
    is_open: BoolArray,
    owner: IntArray,
    pairs: IntArray,
    sets: IntArray,
) -> int:
    """Write the next sets of each open question; how many there are.

    Parameters
    ----------
    sides : ndarray of int, shape (n, 2)
    default, pools : ndarrays of int, shape (n, m)
        What each set holds, and what the rest is chosen from.
    asked : ndarray of bool, shape (n, m)
        Sets of nothing but such nodes of the pool are passed over.
    sizes : ndarray of int, shape (n, 2)
        Nodes in `default` and in `pools`.
    ends, roles : ndarrays of uint8, shapes (m, m) and (m, p, m)
        Sets of which a chosen node is not joined to j through the others are passed over, if these
        are not empty.
    cursor : ndarray of int, shape (n, order)
        Positions of the set that comes next.
    is_open : ndarray of bool, shape (n,)
        Whether sets are left; closed here after the last one.
    owner, pairs, sets : ndarrays of int
        Filled; as many rows as there is room for, in turn for the same number each.
    """
    n_open = 0
    for row in range(len(sides)):
        n_open += is_open[row]
    quota, n_written = max(1, len(owner) // max(1, n_open)), 0
    for row in range(len(sides)):
        left, n_default, order = quota, sizes[row, 0], cursor.shape[1]
        nodes = np.empty(order + n_default, dtype=np.intp)
        nodes[order:] = default[row, :n_default]
        while is_open[row] and left > 0 and n_written < len(owner):
            old = order > 0
            for at in range(order):
                old &= asked[row, cursor[row, at]]
                nodes[at] = pools[row, cursor[row, at]]
            if len(ends) > 0 and not old:
                old = not _is_linked(ends, roles, sides[row, 1], nodes, order)
            if not old:
                sets[n_written, :] = -1
                sets[n_written, : len(nodes)] = nodes
                owner[n_written] = row
                pairs[n_written, 0], pairs[n_written, 1] = sides[row, 0], sides[row, 1]
                n_written += 1
                left -= 1
            if not _step(cursor[row], sizes[row, 1]):
                is_open[row] = False
    return n_written


@kernel
def note_answers(
    owner: IntArray,
    pairs: IntArray,
    sets: IntArray,
    statistic: FloatArray,
    p_value: FloatArray,
    alpha: float,
    is_apart: BoolArray,
    weakest: FloatArray,
    strength: FloatArray,
    surest: FloatArray,
    closest: BoolArray,
    votes: IntArray,
    counts: IntArray,
) -> None:
    """Keep of each pair the smallest dependence, the surest separation, and what separates it.

    Parameters
    ----------
    owner, pairs, sets, statistic, p_value
        A row for each test.
    alpha : float
    is_apart : ndarray of bool, shape (n,)
        Of each question, changed where a set separates.
    weakest, strength, surest : ndarrays of float, shape (m, p)
        Of each pair the smallest statistic in size; and the statistic and p-value of the test with
        the largest p-value.
    closest : ndarray of bool, shape (m, p, m)
        The set of that test.
    votes : ndarray of int, shape (m, p, m + 1)
        How many separating sets hold each node; the last one counts these sets.
    counts : ndarray of int, shape (2,)
        Tests carried out, and sets about which there is nothing to say.
    """
    m, p = weakest.shape
    for row in range(len(owner)):
        question = owner[row]
        if np.isnan(p_value[row]):
            counts[1] += 1
            continue
        counts[0] += 1
        a, j = pairs[row, 0], pairs[row, 1]
        apart = p_value[row] > alpha
        if apart:
            is_apart[question] = True
        for swap in range(2 if a < p else 1):
            x, y = (a, j) if swap == 0 else (j, a)
            weakest[x, y] = min(weakest[x, y], abs(statistic[row]))
            surer = p_value[row] > surest[x, y] or np.isnan(surest[x, y])
            if surer:
                surest[x, y], strength[x, y] = p_value[row], statistic[row]
                closest[x, y, :] = False
            votes[x, y, m] += apart
            for at in range(sets.shape[1]):
                k = sets[row, at]
                if k >= 0:
                    votes[x, y, k] += apart
                    if surer:
                        closest[x, y, k] = True
