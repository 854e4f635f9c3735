"""Greedy search for the DAG of additive curves with the highest likelihood."""

from __future__ import annotations

import numpy as np

from causalkit.discovery.functional._additive_model import AdditiveModel
from causalkit.typing import BoolArray, FloatArray

__all__ = ["add_greedily"]


def add_greedily(model: AdditiveModel, forbidden: BoolArray, required: BoolArray) -> BoolArray:
    """Add to the required edges the one with the largest gain, until none is worth its curve."""
    chosen = required.copy()
    p = len(chosen)
    # reach[i, j]: there is a way from i to j, so that j -> i would close a circle.
    reach = np.eye(p, dtype=np.bool_)
    for _ in range(p):
        reach |= (reach.astype(np.float64) @ chosen) > 0
    gains = np.zeros((p, p))
    stale = set(range(p))
    while True:
        for effect in stale:
            open_ones = ~(forbidden[:, effect] | chosen[:, effect] | reach[effect])
            gains[:, effect] = _column_of_gains(model, effect, chosen, open_ones)
        gains[reach.T] = 0.0
        cause, effect = divmod(int(gains.argmax()), p)
        if gains[cause, effect] <= 0.0:
            return chosen
        chosen[cause, effect] = True
        reach |= np.outer(reach[:, cause], reach[effect])
        stale = {effect}


def _column_of_gains(
    model: AdditiveModel, effect: int, chosen: BoolArray, open_ones: BoolArray
) -> FloatArray:
    """Gain in twice the log-likelihood, less the penalty, of each cause; 0 where it is none."""
    causes: list[int] = np.flatnonzero(chosen[:, effect]).tolist()
    candidates: list[int] = np.flatnonzero(open_ones).tolist()
    found = np.zeros(len(chosen))
    if not candidates:
        return found
    before = model.left(effect, causes)
    taken = np.minimum(model.gains(effect, causes, candidates), before * (1.0 - 1e-12))
    price = np.array([model.size(k) for k in candidates]) * np.log(model.n_rows)
    gained = -model.n_rows * np.log1p(-taken / before) - price
    found[candidates] = np.maximum(gained, 0.0)
    return found
