"""Cross maps by loops over moments, straight from the definition."""

from __future__ import annotations

import numpy as np


def cross_map_skill(
    effect, cause, *, dimension, delay, n_neighbors, theiler, lag=0, max_lag=0, breaks=()
):
    """Correlation of `cause`, `lag` steps before, with its estimate from points of `effect`.

    A moment has `max_lag` whole steps on both sides. `breaks` lists rows at which a new stretch
    begins; NaN is a border too.
    """
    n, reach = len(effect), max((dimension - 1) * delay, max_lag)
    both = np.isnan(effect) | np.isnan(cause)

    def whole(t):
        steps = range(t - reach, t + max_lag + 1)
        inside = all(0 <= s < n and not both[s] for s in steps)
        return inside and not any(t - reach < b <= t + max_lag for b in breaks)

    times = [t for t in range(n) if whole(t)]
    stretch = {t: sum(b <= t for b in breaks) for t in times}
    points = {t: np.array([effect[t - k * delay] for k in range(dimension)]) for t in times}
    actual, estimates = [], []
    for t in times:
        others = [
            (float(np.linalg.norm(points[s] - points[t])), s)
            for s in times
            if s != t and (stretch[s] != stretch[t] or abs(s - t) > theiler)
        ]
        near = sorted(others)[:n_neighbors]
        weights = np.array([max(np.exp(-d / near[0][0]), 1e-6) for d, _ in near])
        values = np.array([cause[s - lag] for _, s in near])
        actual.append(cause[t - lag])
        estimates.append(weights @ values / weights.sum())
    return float(np.corrcoef(actual, estimates)[0, 1])
