"""Judging triples by the set that separated their ends, many at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from causalkit._core.jit import kernel
from causalkit.typing import BoolArray, FloatArray, IntArray

__all__ = ["judge_by_sets"]


@kernel
def judge_by_sets(
    triples: IntArray,
    p: int,
    keys: IntArray,
    separated: BoolArray,
    given: IntArray,
    level_p_value: FloatArray,
    verdict: NDArray[np.int8],
    p_value: FloatArray,
    others: IntArray,
) -> None:
    """Write, for triples whose ends a level separated, 1 if the middle is not in the set, else 0.

    Parameters
    ----------
    triples : ndarray of int, shape (m, 3)
        (a, k, b) with a < b.
    p : int
        Number of variables.
    keys : ndarray of int, shape (n,)
        `a * p + b` of the pairs that were asked about, ascending.
    separated, given, level_p_value : ndarrays, shapes (n,), (n, order) and (n,)
        The answers.
    verdict : ndarray of int8, shape (m,)
    p_value : ndarray of float, shape (m,)
        Of that set.
    others : ndarray of int, shape (m, more than order)
        That set with the middle put in if it was out, and taken out if it was in.
    """
    for row in range(len(triples)):
        key, k = triples[row, 0] * p + triples[row, 2], triples[row, 1]
        low, high = 0, len(keys)
        while low < high:
            middle = (low + high) // 2
            if keys[middle] < key:
                low = middle + 1
            else:
                high = middle
        if low < len(keys) and keys[low] == key and separated[low]:
            verdict[row], p_value[row], n = 1, level_p_value[low], 0
            for at in range(given.shape[1]):
                if given[low, at] == k:
                    verdict[row] = 0
                else:
                    others[row, n] = given[low, at]
                    n += 1
            if verdict[row] == 1:
                others[row, n] = k
