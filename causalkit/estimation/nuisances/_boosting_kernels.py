"""Rounds of gradient boosting: derivatives, one tree, and what it changes for every row.

A tree is grown on the training rows (:mod:`causalkit.estimation.nuisances._tree_kernels`), then all
rows fall through it, training and held-out ones alike, so that the held-out loss is known after
each round. They fall node by node rather than row by row: at each node all rows of a stretch are
asked whether they are there and where they go, dozens of them at a time, and no branch is guessed.
"""

from __future__ import annotations

from math import exp, floor, log1p
from typing import Final

import numpy as np
from numpy.typing import NDArray

from causalkit._core.jit import inner_kernel, kernel
from causalkit.estimation.nuisances._tree_kernels import (
    UPPER,
    Binned,
    Growth,
    Trees,
    Work,
    grow_tree,
)
from causalkit.typing import FloatArray

__all__ = ["grow", "predict"]

_SCALE: Final = float(1 << 30)
_FLATTEST: Final = 1e-6
"""Curvature of a row of which the probability is as good as 0 or 1."""

_NOTHING: Final = 1e-200
_STRETCH: Final = 4096
"""Rows that fall together: their bins and places stay in the nearest cache."""


@inner_kernel
def _derivatives(
    y: FloatArray,
    w: FloatArray,
    raw: FloatArray,
    logistic: bool,
    train: NDArray[np.uint32],
    steps: NDArray[np.int64],
) -> float:
    """Write the steps of the training rows; return gradient over curvature, in one unit each."""
    size, curvature = 0.0, 0.0
    for row in train:
        if logistic:
            p = 1 / (1 + exp(-raw[row]))
            size += w[row] * abs(y[row] - p)
            curvature += w[row] * max(p * (1 - p), _FLATTEST)
        else:
            size += w[row] * abs(y[row] - raw[row])
            curvature += w[row]
    if not size > _NOTHING or not curvature > _NOTHING:
        steps[:] = 0
        return 0.0
    per_gradient, per_curvature = _SCALE / size, _SCALE / curvature
    for row in train:
        if logistic:
            p = 1 / (1 + exp(-raw[row]))
            g, h = y[row] - p, max(p * (1 - p), _FLATTEST)
        else:
            g, h = y[row] - raw[row], 1.0
        g, h = floor(w[row] * g * per_gradient + 0.5), floor(w[row] * h * per_curvature + 0.5)
        steps[row] = (np.int64(g) << UPPER) + np.int64(h)
    return per_curvature / per_gradient


@inner_kernel
def _loss(
    y: FloatArray, w: FloatArray, raw: FloatArray, logistic: bool, rows: NDArray[np.uint32]
) -> float:
    """Sum of squared errors, or of negative log-likelihoods."""
    total = 0.0
    for row in rows:
        f = raw[row]
        if logistic:
            total += w[row] * (max(f, 0.0) - y[row] * f + log1p(exp(-abs(f))))
        else:
            total += w[row] * (y[row] - f) ** 2
    return total


@inner_kernel
def _fall(
    columns: NDArray[np.uint8], trees: Trees, t: int, raw: FloatArray, at: NDArray[np.uint8]
) -> None:
    """Let rows fall through one tree, and add the value of their leaf."""
    column, cut, child, value = trees.column[t], trees.cut[t], trees.child[t], trees.value[t]
    for begin in range(0, len(raw), len(at)):
        end = min(begin + len(at), len(raw))
        at[:] = 0
        for k in range(len(column)):  # parents come before their children
            if column[k] < 0:
                continue
            here, last, left = np.uint8(k), np.uint8(cut[k]), np.uint8(child[k])
            bins = columns[column[k], begin:end]
            for i in range(end - begin):
                below = np.uint8(left + np.uint8(bins[i] > last))
                at[i] = below if at[i] == here else at[i]
        for i in range(begin, end):
            raw[i] += value[at[i - begin]]


@kernel
def grow(
    data: Binned,
    train: NDArray[np.uint32],
    test: NDArray[np.uint32],
    y: FloatArray,
    w: FloatArray,
    logistic: bool,
    raw: FloatArray,
    trees: Trees,
    losses: FloatArray,
    first: int,
    last: int,
    rate: float,
    max_leaves: int,
    min_leaf: float,
    pairs: NDArray[np.int64],
    n_pairs: int,
    n_ahead: int,
) -> None:
    """Grow the trees `first` to `last` − 1; note the loss of the test rows before and after each.

    `raw` holds the predictions of all rows so far, and is brought up to date.
    """
    n, d = data.fine.shape
    width = 1
    for j in range(d):
        width = max(width, data.n_bins[j])
    n_nodes = 2 * max_leaves - 1
    work = Work(
        np.empty(len(train), dtype=np.uint32),
        np.empty(len(train), dtype=np.uint32),
        np.zeros(n, dtype=np.int64),
        np.empty((max_leaves + 1, d, width), dtype=np.int64),
        np.zeros(n_nodes, dtype=np.int64),
        np.zeros(n_nodes, dtype=np.int64),
        np.zeros(n_nodes, dtype=np.int64),
        np.zeros(n_nodes, dtype=np.int64),
        np.zeros(n_nodes),
    )
    at = np.empty(_STRETCH, dtype=np.uint8)
    least = int(max(min_leaf * _SCALE / len(train), 1.0))
    if first == 0:
        losses[0] = _loss(y, w, raw, logistic, test)
    for t in range(first, last):
        unit = _derivatives(y, w, raw, logistic, train, work.steps)
        work.rows[:] = train
        some = np.empty((n_pairs, 2), dtype=np.int64)
        for p in range(n_pairs):  # some pairs a tree, all of them in turn
            some[p] = pairs[(t * n_pairs + p) % len(pairs)]
        growth = Growth(max_leaves, least, n_ahead, some)
        grow_tree(
            data,
            work,
            len(train),
            growth,
            rate * unit,
            trees.column[t],
            trees.cut[t],
            trees.child[t],
            trees.value[t],
        )
        _fall(data.columns, trees, t, raw, at)
        losses[t + 1] = _loss(y, w, raw, logistic, test)


@kernel
def predict(fine: NDArray[np.uint8], trees: Trees, n_trees: int, raw: FloatArray) -> None:
    """Add the first trees to the predictions of rows with these bins."""
    at = np.empty(_STRETCH, dtype=np.uint8)
    columns = np.empty((fine.shape[1], _STRETCH), dtype=np.uint8)
    for begin in range(0, len(raw), _STRETCH):
        end = min(begin + _STRETCH, len(raw))
        for i in range(begin, end):
            for j in range(fine.shape[1]):
                columns[j, i - begin] = fine[i, j]
        for t in range(n_trees):
            _fall(columns, trees, t, raw[begin:end], at)
