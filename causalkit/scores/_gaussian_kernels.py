"""Regressions on a few columns, from their correlations."""

from __future__ import annotations

import numpy as np

from causalkit._core.jit import inner_kernel, kernel, sums_kernel
from causalkit.typing import FloatArray, IntArray

__all__ = ["TINY", "leave_out", "regress", "residual_row", "unexplained"]

TINY = 1e-10
"""Share of a variance that counts as none: what is left is rounding, and is taken to be so much."""


@sums_kernel
def residual_row(
    own: FloatArray,
    rows: FloatArray,
    left: FloatArray,
    shared: FloatArray,
    parent: int,
    depth: int,
    scale: float,
    link: float,
) -> None:
    """Regress all columns on what the earlier parents leave of this one."""
    row, p = rows[depth], len(own)
    for c in range(p):
        row[c] = own[c]
    for b in range(depth):
        weight, earlier = rows[b, parent], rows[b]
        for c in range(p):
            row[c] -= weight * earlier[c]
    left_before, left_after = left[depth], left[depth + 1]
    shared_before, shared_after = shared[depth], shared[depth + 1]
    for c in range(p):
        row[c] *= scale
        left_after[c] = left_before[c] - row[c] * row[c]
        shared_after[c] = shared_before[c] - link * row[c]


@kernel
def unexplained(
    corr: FloatArray, node: int, parents: IntArray, k: int, square: FloatArray
) -> float:
    """Share of a node's variance that its parents leave; infinite if they are redundant."""
    rest = 1.0
    for a in range(k + 1):
        column = parents[a] if a < k else node
        pivot = 1.0
        for b in range(a):
            held = corr[column, parents[b]]
            for d in range(b):
                held -= square[a, d] * square[b, d]
            held *= square[b, b]
            square[a, b] = held
            pivot -= held * held
        if a == k:
            rest = max(pivot, TINY)
        elif pivot <= TINY:
            return np.inf
        else:
            square[a, a] = 1.0 / np.sqrt(pivot)
    return rest


@inner_kernel
def _factor(corr: FloatArray, parents: IntArray, k: int, factor: FloatArray) -> bool:
    """Cholesky factor of the correlations of k parents, with the inverse of its diagonal."""
    for a in range(k):
        for b in range(a + 1):
            held = corr[parents[a], parents[b]]
            for d in range(b):
                held -= factor[a, d] * factor[b, d]
            if b < a:
                factor[a, b] = held * factor[b, b]
            elif held <= TINY:
                return False
            else:
                factor[a, a] = 1.0 / np.sqrt(held)
    return True


@inner_kernel
def _invert(k: int, inverse: FloatArray) -> None:
    """Make the inverse of the correlations of their factor, in place."""
    for b in range(k):  # the inverse of the factor, column by column, in place
        for a in range(b + 1, k):
            held = 0.0
            for d in range(b, a):
                held -= inverse[a, d] * inverse[d, b]
            inverse[a, b] = held * inverse[a, a]
    for a in range(k):  # times its transpose: the inverse of the correlations
        for b in range(a + 1):
            held = 0.0
            for d in range(a, k):
                held += inverse[d, a] * inverse[d, b]
            inverse[a, b] = held
    for a in range(k):
        for b in range(a):
            inverse[b, a] = inverse[a, b]


@inner_kernel
def regress(
    corr: FloatArray,
    node: int,
    parents: IntArray,
    k: int,
    inverse: FloatArray,
    weights: FloatArray,
) -> float:
    """Invert the correlations of k parents and regress the node on them; return what is left.

    Nothing of use is left behind, and 0 returned, if a parent is redundant.
    """
    if not _factor(corr, parents, k, inverse):
        return 0.0
    _invert(k, inverse)
    rest = 1.0
    for a in range(k):
        held = 0.0
        for b in range(k):
            held += inverse[a, b] * corr[node, parents[b]]
        weights[a] = held
        rest -= held * corr[node, parents[a]]
    return max(rest, TINY)


@inner_kernel
def leave_out(
    parents: IntArray, k: int, worst: int, inverse: FloatArray, weights: FloatArray
) -> None:
    """Take one of k + 1 parents out of the inverse of their correlations and of the regression."""
    pivot = 1.0 / inverse[worst, worst]
    for a in range(k + 1):
        if a != worst:
            share = inverse[worst, a] * pivot
            weights[a] -= share * weights[worst]
            for b in range(k + 1):
                if b != worst:
                    inverse[a, b] -= share * inverse[worst, b]
    for a in range(k + 1):
        to = a if a < worst else a - 1
        if a != worst:
            weights[to], parents[to] = weights[a], parents[a]
            for b in range(worst):
                inverse[to, b] = inverse[a, b]
            for b in range(worst + 1, k + 1):
                inverse[to, b - 1] = inverse[a, b]
