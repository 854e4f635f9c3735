"""Products of the rows of each cell, the path of the lasso from products, and predictions.

A cell is a set of rows that is left out, or kept, as a whole.
"""

from __future__ import annotations

import numpy as np

from causalkit._core._moments_kernels import add_centred
from causalkit._core.jit import inner_kernel, kernel, sums_kernel
from causalkit.typing import FloatArray, IntArray

__all__ = ["add_cells", "deal", "lasso_path", "predict_cells"]

_FEW = 256
_WORK_CELLS = 2**14


@kernel
def deal(order: IntArray, folds: IntArray, n_folds: int, n_hands: int) -> IntArray:
    """Deal the rows of each fold in turn, in the order given: hands of even size, shape (n,)."""
    hands, turn = np.empty(len(folds), dtype=np.intp), np.zeros(n_folds, dtype=np.intp)
    for row in order:
        fold = folds[row]
        hands[row] = turn[fold]
        turn[fold] = (turn[fold] + 1) % n_hands
    return hands


@sums_kernel
def add_cells(
    X: FloatArray,
    Y: FloatArray,
    weights: FloatArray,
    rows: IntArray,
    starts: IntArray,
    centre: FloatArray,
    gram: FloatArray,
) -> None:
    """Centred products of the columns (X, Y, 1) in each cell.

    Parameters
    ----------
    X : ndarray of shape (n, d)
    Y : ndarray of shape (n, q)
    weights : ndarray of shape (n,) or (0,)
        Empty for none.
    rows : ndarray of int
        Rows of the first cell, then those of the second, …
    starts : ndarray of int, shape (n_cells + 1,)
        Where cells start in `rows`.
    centre : ndarray of shape (n_cells, d + q)
        Filled with a point in the midst of each cell: the mean of its first rows.
    gram : ndarray of shape (n_cells, p, p)
        Zeros, p >= d + q + 1 and a multiple of 4. Filled on and above the diagonal with products of
        deviations from the centre; column d + q holds their sums.
    """
    d, q = X.shape[1], Y.shape[1]
    last, size = d + q, gram.shape[1]
    width = max(_WORK_CELLS // size, 64) + 8  # columns 2^k apart would share lines of the cache
    work, tile = np.zeros((size, width)), np.zeros((last + 1, width))
    none, sums = np.zeros(last + 1), np.zeros(last + 1)
    for cell in range(len(starts) - 1):
        start, stop = starts[cell], starts[cell + 1]
        _middle(X, Y, rows[start : min(stop, start + _FEW)], centre[cell])
        for first in range(start, stop, width):
            part = min(width, stop - first)
            for k in range(part):
                row = rows[first + k]
                root = np.sqrt(weights[row]) if len(weights) else 1.0
                for j in range(d):
                    tile[j, k] = root * (X[row, j] - centre[cell, j])
                for j in range(q):
                    tile[d + j, k] = root * (Y[row, j] - centre[cell, d + j])
                tile[last, k] = root
            add_centred(gram[cell], sums, tile[:, :part], none, work)


@inner_kernel
def _middle(X: FloatArray, Y: FloatArray, rows: IntArray, centre: FloatArray) -> None:
    d = X.shape[1]
    for row in rows:
        for j in range(d):
            centre[j] += X[row, j] / len(rows)
        for j in range(Y.shape[1]):
            centre[d + j] += Y[row, j] / len(rows)


@kernel
def lasso_path(
    gram: FloatArray,
    cross: FloatArray,
    penalties: FloatArray,
    tolerance: float,
    max_sweeps: int,
) -> tuple[FloatArray, int]:
    """Coefficients of the lasso at each penalty, and how many penalties were given up on.

    Minimises b'Gb/2 − c'b + λ|b|₁ by coordinate descent, where each penalty starts from what the
    last one found and visits the coefficients that are or were not zero until they stand still.

    Parameters
    ----------
    gram : ndarray of shape (k, k)
        Mean products of the regressors, symmetric.
    cross : ndarray of shape (k,)
        Mean products with the target.
    penalties : ndarray of shape (m,)
        From large to small.
    tolerance : float
        A sweep has come to rest if no step changes the fit by more than this (mean square).
    max_sweeps : int
        At each penalty.

    Returns
    -------
    path : ndarray of shape (m, k)
    n_restless : int

    References
    ----------
    Friedman, Hastie & Tibshirani (2010), J. Statistical Software 33(1), "covariance updates".
    doi:10.18637/jss.v033.i01
    """
    k = len(cross)
    path, beta, free = np.zeros((len(penalties), k)), np.zeros(k), cross.copy()
    active, is_active, n_active = np.empty(k, dtype=np.intp), np.zeros(k, dtype=np.bool_), 0
    n_restless = 0
    for m in range(len(penalties)):
        penalty, left = penalties[m], max_sweeps
        while left > 0:
            moved = _sweep(gram, beta, free, active[:n_active], penalty)
            left -= 1
            if moved > tolerance:
                continue
            joined = False
            for j in range(k):
                if not is_active[j] and abs(free[j]) > penalty and gram[j, j] > 0.0:
                    is_active[j], joined = True, True
                    active[n_active] = j
                    n_active += 1
            if not joined:
                break
        else:
            n_restless += 1
        path[m] = beta
    return path, n_restless


@inner_kernel
def _sweep(
    gram: FloatArray, beta: FloatArray, free: FloatArray, active: IntArray, penalty: float
) -> float:
    """Set each active coefficient to its best value given the others; largest change of the fit."""
    moved = 0.0
    for j in active:
        scale = gram[j, j]
        pull = free[j] + scale * beta[j]
        new = 0.0
        if pull > penalty:
            new = (pull - penalty) / scale
        elif pull < -penalty:
            new = (pull + penalty) / scale
        step = new - beta[j]
        if step != 0.0:
            beta[j] = new
            row = gram[j]
            for i in range(len(free)):
                free[i] -= step * row[i]
            moved = max(moved, step * step * scale)
    return moved


@sums_kernel
def predict_cells(
    X: FloatArray,
    folds: IntArray,
    centre: FloatArray,
    level: FloatArray,
    coefficients: FloatArray,
) -> FloatArray:
    """Predictions of each row by the model of its fold, shape (q, n).

    `centre` has shape (n_folds, d), `level` (n_folds, q), `coefficients` (n_folds, q, d):
    level + (x − centre)'coefficients.
    """
    q, d = coefficients.shape[1:]
    predicted = np.empty((q, len(X)))
    for row in range(len(X)):
        fold = folds[row]
        for m in range(q):
            total = 0.0
            for j in range(d):
                total += (X[row, j] - centre[fold, j]) * coefficients[fold, m, j]
            predicted[m, row] = level[fold, m] + total
    return predicted
