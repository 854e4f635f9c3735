"""Moments in exact arithmetic: floats are fractions, and only the root at the end is rounded."""

from __future__ import annotations

from decimal import Decimal, localcontext
from fractions import Fraction

import numpy as np


def exact_correlations(values, weights=None):
    """Correlations of a small table, right to the last digit."""
    rows = [[Fraction(float(cell)) for cell in row] for row in values]
    w = [Fraction(1)] * len(rows) if weights is None else [Fraction(float(one)) for one in weights]
    p, total = len(rows[0]), sum(w)
    means = [sum(a * row[k] for a, row in zip(w, rows, strict=True)) / total for k in range(p)]
    centred = [[row[k] - means[k] for k in range(p)] for row in rows]
    gram = [
        [sum(a * row[i] * row[j] for a, row in zip(w, centred, strict=True)) for j in range(p)]
        for i in range(p)
    ]
    corr = np.eye(p)
    for i in range(p):
        for j in range(i):
            square = gram[i][j] ** 2 / (gram[i][i] * gram[j][j])
            corr[i, j] = corr[j, i] = root(square) * (1 if gram[i][j] >= 0 else -1)
    return corr, [float(mean) for mean in means]


def root(square):
    with localcontext() as context:
        context.prec = 40
        return float((Decimal(square.numerator) / Decimal(square.denominator)).sqrt())


def deviations(tile, centre):
    """Sums of deviations of each row of a (p, m) matrix from its centre, and of their products."""
    centred = np.asarray(tile, dtype=np.longdouble) - np.asarray(centre)[:, None]
    return centred.sum(axis=1), centred @ centred.T
