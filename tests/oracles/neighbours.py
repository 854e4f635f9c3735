"""Conditional mutual information from nearest neighbours, row by row."""

from __future__ import annotations

import numpy as np
from scipy.special import digamma


def information(x, y, z, k):
    """Estimate for lists of columns (values, is_category); categories differ by infinity."""

    def distances(columns, n):
        out = np.zeros((n, n))
        for values, is_category in columns:
            apart = np.abs(values[:, None] - values)
            if is_category:
                apart = np.where(apart > 0, np.inf, 0.0)
            out = np.maximum(out, apart)
        return out

    n = len(x[0][0])
    near = {name: distances(part, n) for name, part in (("x", x), ("y", y), ("z", z))}
    total = 0.0
    for i in range(n):
        xz, yz = np.maximum(near["x"][i], near["z"][i]), np.maximum(near["y"][i], near["z"][i])
        whole = np.maximum(xz, yz)
        radius = np.sort(np.delete(whole, i))[k - 1]
        inside = [int((d <= radius).sum()) - 1 for d in (whole, near["z"][i], xz, yz)]
        total += digamma(inside[0]) + digamma(inside[1]) - digamma(inside[2]) - digamma(inside[3])
    return total / n
