"""Number of orders in which the nodes of a DAG can stand, causes before effects."""

from __future__ import annotations

import numpy as np

from causalkit._core.jit import kernel
from causalkit.typing import BoolArray

__all__ = ["count_orders"]


@kernel
def count_orders(dag: BoolArray) -> float:
    """Count over the sets of nodes that may come first, which are closed under parents."""
    p = len(dag)
    parents = np.zeros(p, dtype=np.intp)
    for v in range(p):
        for u in range(p):
            if dag[u, v]:
                parents[v] |= 1 << u
    count = np.zeros(1 << p)
    count[0] = 1.0
    for first in range(1 << p):
        if count[first] > 0.0:
            for v in range(p):
                if not first >> v & 1 and parents[v] & ~first == 0:
                    count[first | 1 << v] += count[first]
    return float(count[-1])
