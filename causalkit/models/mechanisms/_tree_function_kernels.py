"""Rows falling through boosted trees that are kept as arrays of cuts."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from causalkit._core.jit import kernel
from causalkit.typing import FloatArray

__all__ = ["add_trees"]


@kernel
def add_trees(
    causes: FloatArray,
    column: NDArray[np.int16],
    cut: FloatArray,
    child: NDArray[np.int16],
    value: FloatArray,
    total: FloatArray,
) -> None:
    """Add the leaf of each tree that each row ends in to `total`, in place."""
    for i in range(len(total)):
        added = 0.0
        for t in range(len(column)):
            k = 0
            while column[t, k] >= 0:
                k = child[t, k] + (1 if causes[i, column[t, k]] > cut[t, k] else 0)
            added += value[t, k]
        total[i] += added
