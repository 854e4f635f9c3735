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

Surfaces over two columns may be added (:mod:`causalkit.estimation.nuisances.pair_surfaces`), and
levels that groups of rows have of their own.

Products are taken of up to 12 columns, curves of up to 60, lines of up to 300. Beyond some ten
thousand rows a part of them is used: trees take over what is left.

References
----------
MacKay (1992), Neural Computation 4, 415-447 (the fixed point). doi:10.1162/neco.1992.4.3.415
Wood (2011), J. Royal Statistical Society B 73, 3-36. doi:10.1111/j.1467-9868.2010.00749.x
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np
from scipy.linalg.lapack import dpotrf, dpotri

from causalkit.errors import NumericalError
from causalkit.estimation.nuisances.pair_surfaces import Surface
from causalkit.typing import BoolArray, FloatArray, IntArray

__all__ = ["Terms", "fit_terms", "terms_of"]

_KNOTS = np.array([0.005, 0.1, 0.3, 0.5, 0.7, 0.9, 0.995])
"""The outer ones far out: a square that were a line in its tails would stay confounded there."""

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

_FREE = 1e-6
"""The same of levels that are not to be shrunk."""

_FLAT = 1e8
"""Penalty, in rows, at which a term counts as left out."""

_LEAST_ODDS_PENALTY = 0.1
"""Where columns separate the classes there is no likeliest coefficient but infinity."""

_STEEPEST = 15.0

_STRICT_SURFACE = 0.3
"""Less than its own noise: the confounding that it was found in would be shrunk with it."""


@dataclass(frozen=True, slots=True, eq=False)
class Terms:
    """Columns expanded into terms.

    Attributes
    ----------
    center, scale : ndarray of shape (d,)
    knots : tuple of ndarray
        Of each column; empty where it stays a line.
    products : bool
    groups : ndarray of int, shape (p,)
        Which term each expanded column belongs to.
    strict : ndarray of shape (number of terms,)
        How much more than its own noise each has to explain.
    values : ndarray of shape (n, p)
        Of the rows they were made from.
    surfaces : tuple of Surface
    """

    center: FloatArray
    scale: FloatArray
    knots: tuple[FloatArray, ...]
    products: bool
    groups: IntArray
    strict: FloatArray
    values: FloatArray
    surfaces: tuple[Surface, ...] = ()

    def at(self, X: FloatArray) -> FloatArray:
        """Terms of other rows, shape (m, p)."""
        blocks = _expand(X, self.center, self.scale, self.knots, self.products)
        return np.hstack([*blocks, *(surface.at(self.standard(X)) for surface in self.surfaces)])

    def with_surfaces(self, X: FloatArray, surfaces: Sequence[Surface]) -> Terms:
        """Return these terms and further surfaces, one term each; X as it was given."""
        values, groups = [self.values], [self.groups]
        for surface in surfaces:
            value = surface.at(self.standard(X))
            groups.append(np.full(value.shape[1], groups[-1][-1] + 1))
            values.append(value)
        return replace(
            self,
            values=np.hstack(values),
            groups=np.concatenate(groups),
            strict=np.append(self.strict, np.full(len(surfaces), _STRICT_SURFACE)),
            surfaces=(*self.surfaces, *surfaces),
        )

    def standard(self, X: FloatArray) -> FloatArray:
        """Columns in standard units, far values drawn in."""
        z: FloatArray = np.clip((X - self.center) / self.scale, -_EDGE, _EDGE)
        return z

    def with_levels(self, indicators: FloatArray) -> Terms:
        """Return these terms and free levels of groups of rows, indicators of shape (n, k)."""
        k = indicators.shape[1]
        return replace(
            self,
            values=np.hstack([indicators, self.values]),
            groups=np.concatenate([np.zeros(k, dtype=np.intp), self.groups + 1]),
            strict=np.concatenate([[_FREE], self.strict]),
        )


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
    knots = tuple(_knots((X[:, j] - center[j]) / scale[j], d) for j in range(d))
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
        products,
        np.concatenate(groups),
        np.array(strict),
        np.hstack(blocks),
    )
    if prepared is not None:
        prepared[key] = (X, terms)  # X is kept: its id is the key
    return terms


def _knots(column: FloatArray, d: int) -> FloatArray:
    knots = np.unique(np.quantile(column, _KNOTS))
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


def fit_terms(
    terms: Terms,
    y: FloatArray,
    w: FloatArray,
    train: BoolArray,
    *,
    logistic: bool,
    known: FloatArray | None = None,
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
    known : ndarray of shape (n,), optional
        What the sum is added to.
    """
    rows = np.flatnonzero(train)
    p = terms.values.shape[1]
    most = max(int(_WORK[logistic] / p**2), 2 * p)
    rows = rows[:: -(-len(rows) // most)]
    B, target, weights = terms.values[rows], y[rows], w[rows] / w[rows].mean()
    before = np.zeros(len(rows)) if known is None else known[rows]
    if not logistic:
        target = target - before
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
        if logistic:
            mean = np.log(np.clip(mean, 1e-6, 1) / np.clip(1 - mean, 1e-6, 1)) - before.mean()
        return float(mean), np.zeros(p)
    if logistic:
        intercept, beta = _probability(B, target, weights, before, groups, strict)
    else:
        intercept, beta = _mean(B, target, weights, mean, groups, strict)
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
    known: FloatArray,
    groups: IntArray,
    strict: FloatArray,
) -> tuple[float, FloatArray]:
    """Logistic loss: one weighted least squares a step, and the penalties with it."""
    mean = float(np.average(y, weights=w))
    intercept = float(np.log(mean / (1 - mean)) - np.average(known, weights=w))
    beta = np.zeros(B.shape[1])
    penalty = np.full(B.shape[1], 1.0)
    for _ in range(_STEPS[True]):
        eta = np.clip(known + intercept + B @ beta, -_STEEPEST, _STEEPEST)
        prob = 1 / (1 + np.exp(-eta))
        curve = w * np.maximum(prob * (1 - prob), 1e-5)
        working = eta - known + w * (y - prob) / curve
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
    factor, failed = dpotrf(gram + np.diag(penalty), lower=True)
    if failed:
        raise NumericalError(
            "the products of the columns' terms are not positive definite; expected finite, varied "
            "columns. Rescale the columns, or name a learner."
        )
    inverse = dpotri(factor, lower=True, overwrite_c=True)[0]  # its lower half
    diagonal = np.diag(inverse)
    beta = inverse @ cross + inverse.T @ cross - diagonal * cross
    return beta, np.clip(1 - penalty * diagonal, 1e-12, 1)


def _penalty(
    beta: FloatArray, freedom: FloatArray, groups: IntArray, noise: FloatArray
) -> FloatArray:
    """Noise over the variance of a term's coefficients, at the maximum of the likelihood."""
    size = np.bincount(groups, weights=beta**2)
    free = np.bincount(groups, weights=freedom)
    level = noise * free / np.maximum(size, 1e-300)
    clipped: FloatArray = np.clip(level, 1e-6, _FLAT)[groups]
    return clipped
