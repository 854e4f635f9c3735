"""Which series help to predict one: a path of group lassos, a choice on it, and a refit.

All that is asked of the rows are mean products of the lagged columns, computed once for all
targets. Lags of one series are made orthonormal, so that a step of the descent solves its group
exactly and the answer does not depend on how the lags of a series are combined (Simon and
Tibshirani 2012); nested groups keep their lags as they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from causalkit.discovery.series._lagged_design import LaggedDesign
from causalkit.typing import BoolArray, FloatArray, IntArray

__all__ = ["GroupFit", "Products", "fit_target"]

_NOTHING: Final = 1e-10
_TOLERANCE: Final = 1e-6
_STEPS: Final = 50
"""Penalties on a path."""


@dataclass(frozen=True, slots=True, eq=False)
class Products:
    """Mean products of the past and of now, and the basis in which groups are penalised.

    Attributes
    ----------
    gram : ndarray of shape (m, m)
        Of the past, as it is; groups of `n_lags` neighbouring columns.
    cross : ndarray of shape (m, p)
        Of the past with now.
    power : ndarray of shape (p,)
        Mean squares of now.
    n : int
        Rows.
    basis : ndarray of shape (p, n_lags, n_lags)
        Coefficients on the past are ``basis[g] @ b`` for penalised coefficients b.
    inner_gram : ndarray of shape (m, m)
        Of the past in that basis.
    weights : ndarray of shape (p, n_lags)
        Of the nested norms of each group; of a plain group lasso, the first only.
    curvature : ndarray of shape (p,)
    """

    gram: FloatArray
    cross: FloatArray
    power: FloatArray
    n: int
    basis: FloatArray
    inner_gram: FloatArray
    weights: FloatArray
    curvature: FloatArray

    @classmethod
    def of(cls, design: LaggedDesign, *, nested: bool, rows: IntArray | None = None) -> Products:
        """Multiply the columns, of these rows only."""
        past, now = design.past, design.now
        if rows is not None:
            past, now = past[rows] - past[rows].mean(axis=0), now[rows] - now[rows].mean(axis=0)
        n, p, n_lags = len(now), design.n_series, design.max_lag
        gram, cross = past.T @ past / n, past.T @ now / n
        own = _own_blocks(gram, n_lags)
        values, vectors = np.linalg.eigh(own)
        weights = np.zeros((p, n_lags))
        if nested:
            basis = np.tile(np.eye(n_lags), (p, 1, 1))
            weights[:] = np.sqrt(np.arange(n_lags, 0.0, -1.0))
            curvature = np.asarray(values[:, -1], dtype=np.float64)
        else:
            there = values > _NOTHING * n_lags
            sizes = np.sqrt(np.where(there, values, 1.0))
            basis = np.asarray(vectors * (there / sizes)[:, None, :], dtype=np.float64)
            weights[:, 0] = np.sqrt(there.sum(axis=1))
            curvature = np.asarray(there.any(axis=1), dtype=np.float64)
        parts = gram.reshape(p, n_lags, p, n_lags)
        parts = np.einsum("gab,gahc->gbhc", basis, parts)
        parts = np.einsum("gbhc,hcd->gbhd", parts, basis)
        inner = np.ascontiguousarray(parts.reshape(gram.shape))
        power = np.einsum("ij,ij->j", now, now) / n
        return cls(gram, cross, power, n, basis, inner, weights, curvature)

    @property
    def shape(self) -> tuple[int, int]:
        """Number of series, and of lags."""
        return int(self.basis.shape[0]), int(self.basis.shape[1])

    def inner_cross(self, target: int) -> FloatArray:
        """Mean products of now with the past, in the basis of the penalty."""
        folded = self.cross[:, target].reshape(self.shape)
        inner: FloatArray = np.einsum("gab,ga->gb", self.basis, folded).ravel()
        return inner

    def outer(self, betas: FloatArray) -> FloatArray:
        """Coefficients on the past from penalised coefficients, shape (k, m)."""
        folded = betas.reshape(len(betas), *self.shape)
        found: FloatArray = np.einsum("gab,kgb->kga", self.basis, folded).reshape(betas.shape)
        return found

    def squared_error(self, target: int, betas: FloatArray) -> FloatArray:
        """Mean squared residuals of coefficients on the past, shape (k,)."""
        fitted = np.einsum("km,mj,kj->k", betas, self.gram, betas, optimize=True)
        error: FloatArray = self.power[target] - 2.0 * betas @ self.cross[:, target] + fitted
        return error


@dataclass(frozen=True, slots=True, eq=False)
class GroupFit:
    """What was chosen for one target, refitted by least squares.

    Attributes
    ----------
    penalty : float
    coefficients, errors : ndarrays of shape (m,)
        On the past, and their standard errors; 0 for those that were not chosen.
    gains : ndarray of shape (p,)
        Twice the log-likelihood that a group adds to the other groups chosen.
    """

    penalty: float
    coefficients: FloatArray
    errors: FloatArray
    gains: FloatArray


def fit_target(
    products: Products,
    target: int,
    penalty: str | float,
    folds: tuple[tuple[Products, Products], ...] = (),
) -> GroupFit:
    """Fit one target; `folds` are products to train with and to judge with, for "cv"."""
    chosen, support = _choice(products, target, penalty, folds)
    coefficients, errors = _refit(products, target, support)
    return GroupFit(chosen, coefficients, errors, _gains(products, target, support))


def _choice(
    products: Products,
    target: int,
    penalty: str | float,
    folds: tuple[tuple[Products, Products], ...],
) -> tuple[float, BoolArray]:
    """Penalty that is preferred, and what is active there."""
    if not isinstance(penalty, str):
        betas = _path(products, target, np.array([float(penalty)]), len(products.gram))
        return float(penalty), betas[0] != 0.0
    penalties = _penalties(products, target)
    betas = _path(products, target, penalties, _most(products))
    if penalty == "cv":
        best = min(_by_folds(target, penalties, folds), len(betas) - 1)
    else:
        best = _by_information(products, target, betas, extended=penalty == "ebic")
    return float(penalties[best]), betas[best] != 0.0


def _path(products: Products, target: int, penalties: FloatArray, most: int) -> FloatArray:
    """Coefficients on the past for each penalty, up to `most` of them, shape (k, m)."""
    from causalkit.discovery.series.granger._group_lasso_kernels import group_lasso_path

    betas = group_lasso_path(
        products.inner_gram,
        products.inner_cross(target),
        penalties,
        products.weights,
        products.curvature,
        most,
        _TOLERANCE,
    )
    return products.outer(betas)


def _penalties(products: Products, target: int) -> FloatArray:
    """From one under which nothing is active, down."""
    sizes = np.linalg.norm(products.inner_cross(target).reshape(products.shape), axis=1)
    largest = np.max(sizes / np.maximum(products.weights[:, 0], _NOTHING))
    n, m = products.n, len(products.gram)
    top = 1.001 * max(float(largest), _NOTHING)
    return top * np.geomspace(1.0, 0.01 if n > 2 * m else 0.05, _STEPS)


def _most(products: Products) -> int:
    """Coefficients beyond which a model is no candidate: the refit would fit noise."""
    return min(products.n // 3, len(products.gram))


def _by_information(products: Products, target: int, betas: FloatArray, *, extended: bool) -> int:
    """Point on the path of which the refit has the best (extended) BIC (Chen and Chen 2008)."""
    from scipy.special import gammaln

    n, (p, n_lags) = products.n, products.shape
    best, lowest, known = 0, np.inf, None
    for k, beta in enumerate(betas):
        support = beta != 0.0
        if known is not None and np.array_equal(support, known):
            continue
        known = support
        left = _residual_power(products, target, np.flatnonzero(support))
        size, groups = support.sum(), support.reshape(p, n_lags).any(axis=1).sum()
        criterion = n * np.log(max(left, _NOTHING)) + size * np.log(n)
        if extended:
            criterion += 2.0 * (gammaln(p + 1) - gammaln(groups + 1) - gammaln(p - groups + 1))
        if criterion < lowest - 1e-9 * n:
            best, lowest = k, criterion
    return best


def _by_folds(
    target: int,
    penalties: FloatArray,
    folds: tuple[tuple[Products, Products], ...],
) -> int:
    """Largest penalty within one standard error of the best error on folds left out."""
    errors = []
    for train, test in folds:
        betas = _path(train, target, penalties, _most(train))
        error = test.squared_error(target, betas)
        errors.append(np.append(error, np.full(len(penalties) - len(error), np.inf)))
    found = np.array(errors)
    mean = found.mean(axis=0)
    best = int(np.argmin(mean))
    slack = found[:, best].std(ddof=1) / np.sqrt(len(folds))
    return int(np.argmax(mean <= mean[best] + slack))


def _refit(products: Products, target: int, support: BoolArray) -> tuple[FloatArray, FloatArray]:
    """Least squares on the support, and standard errors."""
    coefficients, errors = np.zeros(len(support)), np.zeros(len(support))
    where = np.flatnonzero(support)
    if len(where):
        inverse = _inverse(products.gram[np.ix_(where, where)])
        coefficients[where] = inverse @ products.cross[where, target]
        left = products.squared_error(target, coefficients[None])[0]
        freedom = max(products.n - len(where) - 1, 1)
        errors[where] = np.sqrt(np.diag(inverse) * max(left, _NOTHING) / freedom)
    return coefficients, errors


def _residual_power(products: Products, target: int, where: IntArray) -> float:
    """Mean squared residual of least squares on some columns."""
    gram, cross = products.gram[np.ix_(where, where)], products.cross[where, target]
    try:
        root = np.linalg.cholesky(gram)
    except np.linalg.LinAlgError:
        return float(products.power[target] - cross @ _inverse(gram) @ cross)
    if len(where) and root.diagonal().min() ** 2 < _NOTHING:
        return float(products.power[target] - cross @ _inverse(gram) @ cross)
    return float(products.power[target] - np.sum(np.linalg.solve(root, cross) ** 2))


def _inverse(matrix: FloatArray) -> FloatArray:
    """Inverse, or the pseudo-inverse where columns repeat each other."""
    return np.asarray(np.linalg.pinv(matrix, rcond=_NOTHING, hermitian=True), dtype=np.float64)


def _gains(products: Products, target: int, support: BoolArray) -> FloatArray:
    """Twice the log-likelihood that each group adds to the other groups chosen."""
    gram, n, (p, n_lags) = products.gram, products.n, products.shape
    where = np.flatnonzero(support)
    inverse = _inverse(gram[np.ix_(where, where)]) if len(where) else np.empty((0, 0))
    beta = inverse @ products.cross[where, target]
    left = max(products.power[target] - beta @ products.cross[where, target], _NOTHING)
    reach = inverse @ gram[where]
    free = (products.cross[:, target] - gram[:, where] @ beta).reshape(p, n_lags)
    spread = _own_blocks(gram, n_lags) - np.einsum(
        "sga,sgb->gab", gram[where].reshape(-1, p, n_lags), reach.reshape(-1, p, n_lags)
    )
    won = np.einsum("ga,gab,gb->g", free, np.linalg.pinv(spread, rcond=1e-6, hermitian=True), free)
    gains: FloatArray = -n * np.log1p(-np.clip(won / left, 0.0, 1.0 - _NOTHING))
    groups = where // n_lags
    for g in np.unique(groups):
        members = np.flatnonzero(groups == g)
        lost = beta[members] @ _inverse(inverse[np.ix_(members, members)]) @ beta[members]
        gains[g] = n * np.log1p(max(lost, 0.0) / left)
    return gains


def _own_blocks(gram: FloatArray, n_lags: int) -> FloatArray:
    """Blocks on the diagonal, shape (p, n_lags, n_lags)."""
    p = len(gram) // n_lags
    each = np.arange(p)
    blocks: FloatArray = gram.reshape(p, n_lags, p, n_lags)[each, :, each, :]
    return blocks
