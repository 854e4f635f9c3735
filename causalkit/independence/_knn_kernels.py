"""Nearest neighbours on integer grids, for many permutations of one column at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from causalkit._core._copy_kernels import copy
from causalkit._core.jit import inner_kernel, kernel
from causalkit.typing import FloatArray, IntArray

GridArray = NDArray[np.int32]
"""What the lanes of a processor take eight at a time."""

__all__ = ["local_permutations", "nearest_in", "neighbour_scores"]


@kernel
def neighbour_scores(
    moved: GridArray, Y: GridArray, Z: GridArray, k: int, top: int, digamma: FloatArray
) -> FloatArray:
    """Estimated conditional mutual information of each permutation of x with y given z.

    Parameters
    ----------
    moved : ndarray of int32, shape (m, q_x, n)
        Permuted copies of the columns of x, from 0 to `top`.
    Y, Z : ndarrays of int32, shapes (q_y, n) and (q_z, n)
        From 0 to `top`; z may have no column.
    k : int
        Neighbours.
    top : int
        Largest distance.
    digamma : ndarray of shape (n + 1,)

    Returns
    -------
    ndarray of shape (m,)
    """
    m, n = moved.shape[0], moved.shape[2]
    score: FloatArray = np.zeros(m)
    near_z, near_yz = np.empty(n, np.int32), np.empty(n, np.int32)
    joint, whole = np.empty(n, np.int32), np.empty(n, np.int32)
    within_z, within_yz = np.empty(top + 1, np.int64), np.empty(top + 1, np.int64)
    for i in range(n):
        near_z[:] = 0
        _farther(near_z, Z, i)
        copy(near_z, near_yz)
        _farther(near_yz, Y, i)
        _count_within(near_z, within_z)
        _count_within(near_yz, within_yz)
        least = 0
        while within_yz[least] <= k:
            least += 1
        radius = least
        for b in range(m):
            copy(near_z, joint)
            _farther(joint, moved[b], i)
            _maximum(joint, near_yz, whole)
            radius, reached = _radius(whole, k + 1, least, radius, top)
            score[b] += (
                digamma[reached - 1]  # rows but for i itself
                + digamma[within_z[radius] - 1]
                - digamma[_count(joint, radius) - 1]
                - digamma[within_yz[radius] - 1]
            )
    score /= n
    return score


@inner_kernel
def _radius(distance: GridArray, k: int, least: int, guess: int, top: int) -> tuple[int, int]:
    """Smallest radius from `least` on that reaches k rows, and how many it reaches."""
    low, high = least, top  # the answer lies between them
    step = max(1, (guess - least) // 8)
    n_high = -1
    while low < high:
        n_guess = _count(distance, guess)
        if n_guess >= k:
            high, n_high = guess, n_guess
            following = guess - step
        else:
            low = guess + 1
            following = guess + step
        step *= 2
        # Steps go on from the last answer and double; once it is passed, halve.
        guess = following if low <= following < high else (low + high) // 2
    return high, (n_high if n_high >= 0 else _count(distance, high))


@inner_kernel
def _count(distance: GridArray, radius: int) -> int:
    reach = np.int32(radius)
    n_within = 0
    for j in range(distance.shape[0]):
        n_within += 1 if distance[j] <= reach else 0
    return n_within


@inner_kernel
def _maximum(one: GridArray, two: GridArray, out: GridArray) -> None:
    for j in range(out.shape[0]):
        a, b = one[j], two[j]
        out[j] = a if a > b else b


@inner_kernel
def _farther(distance: GridArray, columns: GridArray, i: int) -> None:
    """Raise distances from row i to those along these columns, where these are larger."""
    for c in range(columns.shape[0]):
        column = columns[c]
        here = column[i]
        for j in range(distance.shape[0]):
            off = np.int32(column[j] - here)
            off = off if off > 0 else np.int32(-off)
            known = distance[j]
            distance[j] = off if off > known else known


@inner_kernel
def _count_within(distance: GridArray, within: NDArray[np.int64]) -> None:
    """Number of rows at each distance or nearer."""
    within[:] = 0
    for j in range(distance.shape[0]):
        within[distance[j]] += 1
    for d in range(1, within.shape[0]):
        within[d] += within[d - 1]


@kernel
def nearest_in(Z: GridArray, k: int, top: int, order: IntArray) -> NDArray[np.int64]:
    """For each row the k rows nearest in z, itself among them; of equally near ones the first.

    Parameters
    ----------
    Z : ndarray of int32, shape (q, n)
    k : int
        At most n.
    top : int
        Largest distance.
    order : ndarray of int, shape (n,)
        A permutation of the rows; rows are taken in its order, from a place of each row's own.

    Returns
    -------
    ndarray of int, shape (n, k)
    """
    n = Z.shape[1]
    near = np.empty((n, k), np.int64)
    distance = np.empty(n, np.int32)
    within = np.empty(top + 1, np.int64)
    for i in range(n):
        distance[:] = 0
        _farther(distance, Z, i)
        _count_within(distance, within)
        radius = 0
        while within[radius] < k:
            radius += 1
        n_closer = within[radius - 1] if radius > 0 else 0
        room, taken = k - n_closer, 0
        for step in range(n):
            j = order[(order[i] + step) % n]
            if distance[j] < radius or (distance[j] == radius and room > 0):
                room -= distance[j] == radius
                near[i, taken] = j
                taken += 1
                if taken == k:
                    break
    return near


@kernel
def local_permutations(
    near: NDArray[np.int64], priority: FloatArray, turns: IntArray
) -> NDArray[np.int64]:
    """Draw for each row one of its neighbours, as far as possible each of them once.

    Parameters
    ----------
    near : ndarray of int, shape (n, k)
        Neighbours.
    priority : ndarray of shape (m, n)
        Random numbers: in the m-th drawing, a row takes the free neighbour with the highest.
    turns : ndarray of int, shape (m, n)
        In which order rows draw.

    Returns
    -------
    ndarray of int, shape (m, n)
        Where no neighbour is free, the one with the highest number is drawn twice.
    """
    m, n = turns.shape
    drawn = np.empty((m, n), np.int64)
    for b in range(m):
        free = np.ones(n, np.bool_)
        for t in range(n):
            i = turns[b, t]
            best, best_free = near[i, 0], -1
            for c in range(near.shape[1]):
                j = near[i, c]
                if priority[b, j] > priority[b, best]:
                    best = j
                if free[j] and (best_free < 0 or priority[b, j] > priority[b, best_free]):
                    best_free = j
            if best_free >= 0:
                best = best_free
            drawn[b, i] = best
            free[best] = False
    return drawn
