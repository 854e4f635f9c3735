"""Lines, curves and products of columns, each as strong as the rows ask for.

A prediction is a sum of terms: all columns as lines, each as a natural cubic spline on top of its
line, and the products of two columns. Each term has a penalty of its own, found by maximising the
(Laplace approximated) marginal likelihood, as variance components are: a term that the rows do not
ask for shrinks to nothing, so a linear truth costs little more than a linear model, and nothing is
left to be chosen by cross-validation. The lines share one penalty: left out one by one, a weak
confounder would be missing from the treatment and not from the outcome, and the effect shrunk.
Curves and products have to earn more than their own noise, as there are many. Where confounding is
smooth such a model comes nearer, and with less shrinkage at its edges, than trees do;
:mod:`causalkit.estimation.nuisances.automatic` starts the trees from it.

Where what is left over of held-out rows still differs between the cells of two columns, that pair
gets a surface, products of splines: an interaction that is neither a product nor visible in either
column alone.

Products are taken of up to 12 columns, curves of up to 60, lines of up to 300. Beyond some ten
thousand rows a part of them is used: trees take over what is left.

References
----------
MacKay (1992), Neural Computation 4, 415-447 (the fixed point). doi:10.1162/neco.1992.4.3.415
Wood (2011), J. Royal Statistical Society B 73, 3-36. doi:10.1111/j.1467-9868.2010.00749.x
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve

from causalkit.typing import BoolArray, FloatArray, IntArray

__all__ = ["Terms", "fit_terms", "striking_pairs", "terms_of"]

_KNOTS = np.array([0.005, 0.1, 0.3, 0.5, 0.7, 0.9, 0.995])
"""The outer ones far out: a square that were a line in its tails would stay confounded there."""

_FINE_KNOTS = np.linspace(0.03, 0.97, 7)
_MOST_PRODUCTS, _MOST_CURVES, _MOST_LINES = 12, 60, 300
_EDGE = 3.0
"""Standard units beyond which a product does not grow further: a few far rows would rule it."""

_FEWEST = 10
"""Rows that tell a slope from noise; from fewer the mean is taken, which runs away nowhere."""

_WORK = {False: 1e9, True: 1e8}
"""Rows times squared columns that are summed, of a mean and of a probability."""

_STEPS = {False: 30, True: 20}
_SETTLED = 1e-3
"""Standard errors by which no coefficient moves any more."""

_STRICT_CURVE, _STRICT_PRODUCT = 1.5, 4.0
"""Squared z-value at which a term of one column enters. At 1, that of the likeliest penalty, a
third of all products enter where none is wanted."""

_FLAT = 1e8
"""Penalty, in rows, at which a term counts as left out."""

_LEAST_ODDS_PENALTY = 0.1
"""Where columns separate the classes there is no likeliest coefficient but infinity."""

_STEEPEST = 15.0

_MOST_SCREENED = 30
"""Columns of which all pairs are screened for a surface."""

_SCREENED_ROWS = 5000
_STRIKING = 3.0
"""Standard deviations by which the cells of a pair must differ more than by chance."""

_MOST_SURFACES = 2


@dataclass(frozen=True, slots=True, eq=False)
class Terms:
    """Columns expanded into terms.

    Attributes
    ----------
    center, scale : ndarray of shape (d,)
    knots, fine_knots : tuple of ndarray
        Of each column; empty where it stays a line. The fine ones are those of surfaces.
    products : bool
    groups : ndarray of int, shape (p,)
        Which term each expanded column belongs to.
    strict : ndarray of shape (number of terms,)
        How much more than its own noise each has to explain.
    values : ndarray of shape (n, p)
        Of the rows they were made from.
    surfaces : tuple of pairs of int
        Columns that have a surface.
    """

    center: FloatArray
    scale: FloatArray
    knots: tuple[FloatArray, ...]
    fine_knots: tuple[FloatArray, ...]
    products: bool
    groups: IntArray
    strict: FloatArray
    values: FloatArray
    surfaces: tuple[tuple[int, int], ...] = ()

    def at(self, X: FloatArray) -> FloatArray:
        """Terms of other rows, shape (m, p)."""
        blocks = _expand(X, self.center, self.scale, self.knots, self.products)
        return np.hstack([*blocks, *(self._surface(X, *pair) for pair in self.surfaces)])

    def with_surfaces(self, X: FloatArray, pairs: tuple[tuple[int, int], ...]) -> Terms:
        """Return these terms and a surface over each pair, one term each; X as it was given."""
        values, groups = [self.values], [self.groups]
        for pair in pairs:
            surface = self._surface(X, *pair)
            groups.append(np.full(surface.shape[1], groups[-1][-1] + 1))
            values.append(surface)
        return replace(
            self,
            values=np.hstack(values),
            groups=np.concatenate(groups),
            strict=np.append(self.strict, np.ones(len(pairs))),
            surfaces=(*self.surfaces, *pairs),
        )

    def _surface(self, X: FloatArray, one: int, other: int) -> FloatArray:
        """Products of the splines of two columns."""
        z = np.clip(
            (X[:, [one, other]] - self.center[[one, other]]) / self.scale[[one, other]],
            -_EDGE,
            _EDGE,
        )
        sides = []
        for k, j in enumerate((one, other)):
            knots = self.fine_knots[j]
            column = z[:, k : k + 1]
            sides.append(np.hstack([column, _curve(z[:, k], knots)]) if len(knots) else column)
        product = sides[0][:, :, None] * sides[1][:, None, :]
        return product.reshape(len(X), -1)


def terms_of(X: FloatArray, prepared: dict[Any, Any] | None = None) -> Terms | None:
    """Expand columns into terms; None if there are too many columns.

    Parameters
    ----------
    X : ndarray of shape (n, d)
    prepared : dict, optional
        Where the terms of this array are looked up and kept.
    """
    d = X.shape[1]
    if not 0 < d <= _MOST_LINES:
        return None
    key = ("terms", id(X))
    if prepared is not None and key in prepared:
        return cast("Terms", prepared[key][1])
    center, scale = X.mean(axis=0), X.std(axis=0)
    scale = np.where(scale > 0, scale, 1.0)
    knots, fine = (
        tuple(_knots((X[:, j] - center[j]) / scale[j], d, at) for j in range(d))
        for at in (_KNOTS, _FINE_KNOTS)
    )
    products = d <= _MOST_PRODUCTS
    blocks = _expand(X, center, scale, knots, products)
    groups, strict = [np.zeros(d, dtype=np.intp)], [1.0]
    for block in blocks[1 : len(blocks) - products]:
        groups.append(np.full(block.shape[1], len(strict)))
        strict.append(_STRICT_CURVE)
    if products:
        count = blocks[-1].shape[1]
        groups.append(len(strict) + np.arange(count))
        strict += [_STRICT_PRODUCT] * count
    terms = Terms(
        center,
        scale,
        knots,
        fine,
        products,
        np.concatenate(groups),
        np.array(strict),
        np.hstack(blocks),
    )
    if prepared is not None:
        prepared[key] = (X, terms)  # X is kept: its id is the key
    return terms


def _knots(column: FloatArray, d: int, at: FloatArray) -> FloatArray:
    knots = np.unique(np.quantile(column, at))
    return knots if len(knots) >= 3 and d <= _MOST_CURVES else np.empty(0)


def _expand(
    X: FloatArray,
    center: FloatArray,
    scale: FloatArray,
    knots: tuple[FloatArray, ...],
    products: bool,
) -> list[FloatArray]:
    """Lines, the curve of each column that has one, products."""
    z = (X - center) / scale
    blocks = [z] + [_curve(z[:, j], of) for j, of in enumerate(knots) if len(of)]
    if products:
        inside = np.clip(z, -_EDGE, _EDGE)
        one, other = np.triu_indices(z.shape[1], 1)
        blocks.append(inside[:, one] * inside[:, other])
    return blocks


def _curve(x: FloatArray, knots: FloatArray) -> FloatArray:
    """Natural cubic spline less its line: linear beyond the outer knots."""
    last = knots[-1]
    cubes = np.maximum(x[:, None] - knots[:-1], 0) ** 3
    cubes = (cubes - np.maximum(x - last, 0)[:, None] ** 3) / (last - knots[:-1])
    spline: FloatArray = (cubes[:, :-1] - cubes[:, -1:]) / (last - knots[0])
    return spline


def striking_pairs(
    residual: FloatArray, coarse: NDArray[np.uint8], n_levels: int
) -> tuple[tuple[int, int], ...]:
    """Pairs of columns in whose common cells the residuals differ most, if more than by chance.

    Parameters
    ----------
    residual : ndarray of shape (n,)
        Weighted, of rows that were not fitted.
    coarse : ndarray of uint8, shape (n, d)
        Levels below `n_levels`.
    n_levels : int
    """
    n, d = coarse.shape
    if not 2 <= d <= _MOST_SCREENED or not np.ptp(residual) > 0:
        return ()
    some = slice(None, None, max(n // _SCREENED_ROWS, 1))
    r, cells = residual[some] / residual[some].std(), coarse[some].astype(np.intp)
    striking = []
    for one in range(d):
        for other in range(one):
            cell = cells[:, one] * n_levels + cells[:, other]
            count, total = np.bincount(cell), np.bincount(cell, weights=r)
            full = count > 0
            k = int(full.sum())
            excess = (float((total[full] ** 2 / count[full]).sum()) - k) / np.sqrt(2 * k)
            if excess > _STRIKING:
                striking.append((excess, (one, other)))
    return tuple(pair for _, pair in sorted(striking, reverse=True)[:_MOST_SURFACES])


def fit_terms(
    terms: Terms, y: FloatArray, w: FloatArray, train: BoolArray, *, logistic: bool
) -> tuple[float, FloatArray]:
    """Fit intercept and coefficients on the rows `train`.

    Parameters
    ----------
    terms : Terms
    y, w : ndarray of shape (n,)
        Target and weights.
    train : ndarray of bool, shape (n,)
    logistic : bool
        Whether the sum of terms is a log-odds.
    """
    rows = np.flatnonzero(train)
    p = terms.values.shape[1]
    most = max(int(_WORK[logistic] / p**2), 2 * p)
    rows = rows[:: -(-len(rows) // most)]
    B, target, weights = terms.values[rows], y[rows], w[rows] / w[rows].mean()
    mean = np.average(target, weights=weights)
    offset = weights @ B / len(rows)
    B -= offset
    spread = np.sqrt(np.einsum("i,ij,ij->j", weights, B, B) / len(rows))
    used = spread > 1e-9
    B = B if used.all() else B[:, used]
    B /= spread[used]
    present, groups = np.unique(terms.groups[used], return_inverse=True)
    strict = terms.strict[present]
    if len(rows) < _FEWEST or np.ptp(target) == 0:
        raw = np.log(np.clip(mean, 1e-6, 1) / np.clip(1 - mean, 1e-6, 1)) if logistic else mean
        return float(raw), np.zeros(p)
    solve = _probability if logistic else _mean
    intercept, beta = solve(B, target, weights, mean, groups, strict)
    coefficients = np.zeros(p)
    coefficients[used] = beta / spread[used]
    return float(intercept - offset @ coefficients), coefficients


def _mean(
    B: FloatArray,
    y: FloatArray,
    w: FloatArray,
    mean: float,
    groups: IntArray,
    strict: FloatArray,
) -> tuple[float, FloatArray]:
    """Squared loss: products of the columns are all that is needed."""
    n = len(y)
    gram = B.T @ B if (w == 1).all() else (B * w[:, None]).T @ B
    cross = B.T @ (w * (y - mean))
    total = float(w @ (y - mean) ** 2)
    penalty, beta = np.full(gram.shape[0], 1.0), np.zeros(gram.shape[0])
    for _ in range(_STEPS[False]):
        before = beta
        beta, freedom = _solve(gram, cross, penalty)
        left = total - 2 * cross @ beta + beta @ gram @ beta
        noise = max(left, 1e-12 * total) / max(n - 1 - freedom.sum(), 1.0)
        if n * np.abs(beta - before).max(initial=0.0) ** 2 <= _SETTLED**2 * noise:
            break
        penalty = _penalty(beta, freedom, groups, noise * strict)
    return mean, beta


def _probability(
    B: FloatArray,
    y: FloatArray,
    w: FloatArray,
    mean: float,
    groups: IntArray,
    strict: FloatArray,
) -> tuple[float, FloatArray]:
    """Logistic loss: one weighted least squares a step, and the penalties with it."""
    intercept, beta = float(np.log(mean / (1 - mean))), np.zeros(B.shape[1])
    penalty = np.full(B.shape[1], 1.0)
    for _ in range(_STEPS[True]):
        eta = np.clip(intercept + B @ beta, -_STEEPEST, _STEEPEST)
        prob = 1 / (1 + np.exp(-eta))
        curve = w * np.maximum(prob * (1 - prob), 1e-5)
        working = eta + w * (y - prob) / curve
        at = np.average(working, weights=curve)
        center = np.average(B, axis=0, weights=curve)
        C = B - center
        weighted = C * curve[:, None]
        beta, freedom = _solve(weighted.T @ C, weighted.T @ (working - at), penalty)
        intercept = float(at - center @ beta)
        penalty = np.maximum(_penalty(beta, freedom, groups, strict), _LEAST_ODDS_PENALTY)
    return intercept, beta


def _solve(gram: FloatArray, cross: FloatArray, penalty: FloatArray) -> tuple[Any, FloatArray]:
    """Penalised coefficients, and how much of a free coefficient each of them is."""
    factor = cho_factor(gram + np.diag(penalty), lower=True, check_finite=False)
    inverse = cho_solve(factor, np.eye(len(gram)), check_finite=False)
    freedom = np.clip(1 - penalty * np.diag(inverse), 1e-12, 1)
    return inverse @ cross, freedom


def _penalty(
    beta: FloatArray, freedom: FloatArray, groups: IntArray, noise: FloatArray
) -> FloatArray:
    """Noise over the variance of a term's coefficients, at the maximum of the likelihood."""
    size = np.bincount(groups, weights=beta**2)
    free = np.bincount(groups, weights=freedom)
    level = noise * free / np.maximum(size, 1e-300)
    clipped: FloatArray = np.clip(level, 1e-6, _FLAT)[groups]
    return clipped
