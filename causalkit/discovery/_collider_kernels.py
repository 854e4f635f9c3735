"""Judging triples by the set that separated their ends, many at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from causalkit._core.jit import kernel
from causalkit.typing import FloatArray, IntArray

__all__ = ["judge_by_sets"]


@kernel
def judge_by_sets(
    triples: IntArray,
    p: int,
    keys: IntArray,
    starts: IntArray,
    members: IntArray,
    set_p_value: FloatArray,
    verdict: NDArray[np.int8],
    p_value: FloatArray,
) -> None:
    """Write, for triples whose ends some set separated, 1 if the middle is not in it, else 0.

    Parameters
    ----------
    triples : ndarray of int, shape (m, 3)
        (a, k, b) with a < b.
    p : int
        Number of variables.
    keys, starts, members, set_p_value : ndarrays
        As in :class:`~causalkit.discovery._evidence.SeparatingSets`.
    verdict : ndarray of int8, shape (m,)
    p_value : ndarray of float, shape (m,)
        Of that set.
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
        if low < len(keys) and keys[low] == key:
            verdict[row], p_value[row] = 1, set_p_value[low]
            for at in range(starts[low], starts[low + 1]):
                if members[at] == k:
                    verdict[row] = 0
