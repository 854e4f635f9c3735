"""Dynamic programming over sets of nodes: the best parents in each set, the best last node of each.

Within a group of m nodes, sets are whole numbers of m bits; among the other nodes, as seen from one
of them, of m - 1 bits.
"""

from __future__ import annotations

import numpy as np

from causalkit._core.jit import inner_kernel, kernel
from causalkit.typing import BoolArray, FloatArray, IntArray

__all__ = ["best_order", "best_within"]


@inner_kernel
def _without(mask: int, v: int) -> int:
    """Bits of the others, closed up: `mask` does not have v."""
    low = (1 << v) - 1
    return (mask & low) | ((mask >> 1) & ~low)


@kernel
def best_within(
    masks: IntArray,
    scores: FloatArray,
    group: IntArray,
    v: int,
    table: FloatArray,
    stop: BoolArray,
) -> None:
    """Write the best score of sets of parents within each set of other nodes of the group.

    Nodes outside the group are there in any case.
    """
    m = len(group)
    table[:] = -np.inf
    for a in range(len(masks)):
        mask = 0
        for k in range(m):
            mask |= ((masks[a] >> group[k]) & 1) << k
        place = _without(mask, v)
        table[place] = max(table[place], scores[a])
    for k in range(m - 1):
        bit = 1 << k
        if stop[0]:
            return
        for mask in range(len(table)):
            if mask & bit:
                table[mask] = max(table[mask], table[mask ^ bit])


@kernel
def best_order(tables: FloatArray, order: IntArray, stop: BoolArray) -> None:
    """Find the order of m nodes whose best parents score highest, from what each set offers."""
    m = len(tables)
    total = np.full(1 << m, -np.inf)
    last = np.zeros(1 << m, dtype=np.int8)
    total[0] = 0.0
    for mask in range(1, 1 << m):
        if mask & 0xFFFF == 0 and stop[0]:
            return
        for v in range(m):
            if mask >> v & 1:
                rest = mask ^ (1 << v)
                score = total[rest] + tables[v, _without(rest, v)]
                if score > total[mask]:
                    total[mask] = score
                    last[mask] = v
    mask = (1 << m) - 1
    for k in range(m - 1, -1, -1):
        order[k] = last[mask]
        mask ^= 1 << order[k]
