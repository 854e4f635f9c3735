"""Regimes by trying every sequence of them."""

from __future__ import annotations

from itertools import product

import numpy as np


def best_assignment(costs: np.ndarray, max_transitions: int, first: list[int]) -> float:
    """Least cost over all sequences of regimes with so few transitions in each subject."""
    n, n_regimes = costs.shape
    total = 0.0
    for start, stop in zip(first, [*first[1:], n], strict=True):
        least = np.inf
        for path in product(range(n_regimes), repeat=stop - start):
            if np.count_nonzero(np.diff(path)) <= max_transitions:
                least = min(least, costs[np.arange(start, stop), path].sum())
        total += least
    return total
