"""Gaussian likelihoods of blocks of columns, from the correlations of all columns."""

from __future__ import annotations

import numpy as np

from causalkit._core._copy_kernels import copy
from causalkit._core.jit import inner_kernel, kernel
from causalkit.typing import FloatArray, IntArray

__all__ = ["gains_of_blocks", "log_left"]

_TINY = 1e-10
"""Share of a variance that counts as none: what is left is rounding."""


@inner_kernel
def _eliminate(square: FloatArray, first: int) -> float:
    """Regress columns on those before them; log-variance left of those from `first` on, in sum.

    Of the lower triangle, which is overwritten. A column before `first` that is a combination of
    others is passed over; of one of the others that is, as little is left as can be told from none.
    """
    total = 0.0
    for a in range(len(square)):
        rest = square[a, a]
        for b in range(a):
            held = square[a, b]
            for d in range(b):
                held -= square[a, d] * square[b, d]
            square[a, b] = held / square[b, b] if square[b, b] > 0.0 else 0.0
            rest -= square[a, b] * square[a, b]
        square[a, a] = np.sqrt(rest) if rest > _TINY else 0.0
        if a >= first:
            total += np.log(max(rest, _TINY))
    return total


@kernel
def log_left(corr: FloatArray, columns: IntArray, first: int) -> float:
    """Log-determinant of what the columns before `first` leave of the others."""
    m = len(columns)
    square = np.empty((m, m))
    for a in range(m):
        for b in range(a + 1):
            square[a, b] = corr[columns[a], columns[b]]
    return _eliminate(square, first)


@inner_kernel
def _rows_of(corr: FloatArray, given: IntArray) -> FloatArray:
    """Covariances of all columns with what is left of each given one, in its standard deviations.

    Zeros for a given column that is a combination of others.
    """
    rows = np.empty((len(given), len(corr)))
    for t in range(len(given)):
        row = rows[t]
        copy(corr[given[t]], row)
        for b in range(t):
            weight, earlier = rows[b, given[t]], rows[b]
            for c in range(len(corr)):
                row[c] -= weight * earlier[c]
        left = row[given[t]]
        scale = 1.0 / np.sqrt(left) if left > _TINY else 0.0
        for c in range(len(corr)):
            row[c] *= scale
    return rows


@kernel
def gains_of_blocks(
    corr: FloatArray,
    starts: IntArray,
    node: int,
    given: IntArray,
    candidates: IntArray,
    out: FloatArray,
) -> None:
    """Write how far the log-determinant falls as each candidate block joins the given columns."""
    rows, width = _rows_of(corr, given), starts[node + 1] - starts[node]
    before = 0.0
    for k in range(-1, len(candidates)):
        size = 0 if k < 0 else starts[candidates[k] + 1] - starts[candidates[k]]
        columns = np.empty(size + width, dtype=np.intp)
        for a in range(size):
            columns[a] = starts[candidates[k]] + a
        for a in range(width):
            columns[size + a] = starts[node] + a
        square = np.empty((size + width, size + width))
        for a in range(size + width):
            for b in range(a + 1):
                held = corr[columns[a], columns[b]]
                for t in range(len(given)):
                    held -= rows[t, columns[a]] * rows[t, columns[b]]
                square[a, b] = held
        after = _eliminate(square, size)
        if k < 0:
            before = after
        else:
            out[k] = before - after
