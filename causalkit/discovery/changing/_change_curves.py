"""How a mechanism changes over the surrogate: P(effect | causes, C = c) as a curve in c.

Both sides of the conditional are mapped into spaces of Gaussian kernels, of which low-rank factors
`Z Z' ≈ K` are kept (pivoted Cholesky), so the cost grows linearly with the rows. With `x` the
features of the causes, `y` those of the effect and `t(c)` those of the surrogate,

    E[y | x, c] = W₀' x + W' (x ⊗ t(c)),

two ridge regressions one after the other: what all rows share, then what the surrogate adds. The
curve is `c ↦ G½ W t(c)` with `G` the pooled second moment of x, so that the squared distance of two
of its points is the mean squared distance of the two conditionals over the pooled causes. Its Gram
matrix is `n⁻¹ K_C [K_X² ∘ B] K_C` with `B = A⁻¹ K_R A⁻¹`, `A = K_X ∘ K_C + λI` and `K_R` the kernel
of what the shared regression leaves; without causes `K_X` is all ones.

The shared step is not in the paper. Without it a conditional is shrunk to zero where a domain has
no rows, so the *estimated* change of P(effect | causes) follows that of P(causes) even if the true
ones are independent. With it, the estimate falls back to what all rows say.

Ridges and the width in time are those of the largest marginal likelihood of a Gaussian process.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from causalkit.discovery.changing._surrogate import Surrogate
from causalkit.independence.kernel_matrices import Block, factor
from causalkit.typing import FloatArray, IntArray

__all__ = ["ChangingConditional", "changing_conditional"]

_WIDTH = 0.5  # of values, in standard deviations
_TIME_WIDTHS = (0.15, 0.3, 0.6, 1.2)
_RIDGES = np.geomspace(0.1, 100.0, 13)
_TOLERANCE = 0.02
_RANK = 40
_FEATURES = 240


@dataclass(frozen=True, slots=True, eq=False)
class ChangingConditional:
    """P(effect | causes, C = c), fitted.

    Attributes
    ----------
    x, y, t : ndarrays of shape (n_rows, ·)
        Features of causes, effect and time; a column of ones for no causes, and for no time.
    domains, points : tuple of ndarrays of int
        Rows of each domain, and those at which curves are compared.
    root : ndarray
        Square root of the second moment of x.
    shared_ridge, ridge : float
        Of the two regressions.
    time_width : float or None
        In standard deviations of time.
    """

    x: FloatArray
    y: FloatArray
    t: FloatArray
    domains: tuple[IntArray, ...]
    points: tuple[IntArray, ...]
    root: FloatArray
    shared_ridge: float
    ridge: float
    time_width: float | None

    def directions(self, weights: FloatArray | None = None) -> list[FloatArray]:
        """Return the curve of each domain as coefficients of t, shape (columns of t, n_features).

        Parameters
        ----------
        weights : ndarray of shape (n_rows,), optional
            How often each row counts.
        """
        x, y = self.x, self.y
        if weights is not None:
            x, y = x * np.sqrt(weights)[:, None], y * np.sqrt(weights)[:, None]
        left = y - x @ _solve(x, y, self.shared_ridge)
        found = []
        for rows in self.domains:
            W = _solve(_row_products(x[rows], self.t[rows]), left[rows], self.ridge)
            cube = W.reshape(x.shape[1], self.t.shape[1], -1)
            along = np.tensordot(self.root, cube, axes=1)
            found.append(along.transpose(1, 0, 2).reshape(self.t.shape[1], -1))
        return found

    def curve(self, directions: Sequence[FloatArray] | None = None) -> FloatArray:
        """Return the curve at the points, shape (n_points, n_features)."""
        by_domain = self.directions() if directions is None else directions
        return np.concatenate(
            [self.t[rows] @ along for rows, along in zip(self.points, by_domain, strict=True)]
        )


def changing_conditional(
    effect: Block, causes: Block | None, surrogate: Surrogate
) -> ChangingConditional:
    """Fit P(effect | causes, C), or P(effect | C) if there are no causes.

    Parameters
    ----------
    effect, causes : Block
        Variables as kernels see them; several causes as one joined block.
    surrogate : Surrogate
        Of the same rows.
    """
    n = effect.n_rows
    y = _features_of(effect)
    x = np.ones((n, 1)) if causes is None else _features_of(causes)
    shared = _best_ridge([x], [y])
    left = y - x @ _solve(x, y, shared.ridge)
    domains, points = tuple(surrogate.domains()), tuple(surrogate.points())
    tried = []
    for width in (None,) if surrogate.time is None else _TIME_WIDTHS:
        t = _features_of_time(surrogate, width)
        few = x[:, : max(1, _FEATURES // t.shape[1])]  # pivots come in the order of what they add
        found = _best_ridge(
            [_row_products(few[rows], t[rows]) for rows in domains],
            [left[rows] for rows in domains],
        )
        tried.append((found.evidence, found.ridge, few, t, width))
    _, ridge, few, t, width = max(tried, key=lambda one: one[0])
    root = _root(few.T @ few / n)
    return ChangingConditional(few, y, t, domains, points, root, shared.ridge, ridge, width)


def _features_of(block: Block) -> FloatArray:
    width = _WIDTH * np.sqrt(max(1, block.n_numbers))
    return factor(block, width, tolerance=_TOLERANCE, max_rank=_RANK)


def _features_of_time(surrogate: Surrogate, width: float | None) -> FloatArray:
    time = surrogate.standard_time()
    if time is None or width is None:
        return np.ones((surrogate.n_rows, 1))
    block = Block(time[:, None], np.zeros(len(time), dtype=np.intp), 1)
    return factor(block, width, tolerance=_TOLERANCE, max_rank=_RANK)


class _Ridge(NamedTuple):
    ridge: float
    evidence: float


def _best_ridge(features: Sequence[FloatArray], targets: Sequence[FloatArray]) -> _Ridge:
    """Ridge that the regressions of all domains together prefer.

    Each of q targets is a Gaussian process with covariance `s² (P P' + λI)`; with the best s² its
    log likelihood is, up to a constant, `-½ (n log Σ r'(P P' + λI)⁻¹ r + log|P P' + λI|)`.
    """
    n, q = sum(map(len, features)), targets[0].shape[1]
    total, explained, logdet = 0.0, np.zeros(len(_RIDGES)), np.zeros(len(_RIDGES))
    for P, R in zip(features, targets, strict=True):
        if P.shape[0] < P.shape[1]:  # few rows: the same eigenvalues from the smaller matrix
            values, vectors = np.linalg.eigh(P @ P.T)
            along = values * ((vectors.T @ R) ** 2).sum(axis=1)
        else:
            values, vectors = np.linalg.eigh(P.T @ P)
            along = ((vectors.T @ (P.T @ R)) ** 2).sum(axis=1)
        damped = np.maximum(values, 0.0) + _RIDGES[:, None]
        total += float((R**2).sum())
        explained += (along / damped).sum(axis=1)
        logdet += np.log(damped / _RIDGES[:, None]).sum(axis=1)
    quadratic = np.maximum(total - explained, 1e-12 * max(total, 1e-12))  # times the ridge
    evidence = -0.5 * q * (n * np.log(quadratic) + logdet)  # n log λ cancels between the two
    best = int(evidence.argmax())
    return _Ridge(float(_RIDGES[best]), float(evidence[best]))


def _solve(P: FloatArray, R: FloatArray, ridge: float) -> FloatArray:
    few = P.shape[0] < P.shape[1]
    moment = np.asarray(P @ P.T if few else P.T @ P)
    moment.flat[:: len(moment) + 1] += ridge
    solved = np.linalg.solve(moment, R if few else P.T @ R)
    return np.asarray(P.T @ solved if few else solved)


def _row_products(A: FloatArray, B: FloatArray) -> FloatArray:
    """Row-wise Kronecker products, shape (n, columns of A · columns of B)."""
    products: FloatArray = (A[:, :, None] * B[:, None, :]).reshape(len(A), -1)
    return products


def _root(moment: FloatArray) -> FloatArray:
    """Symmetric square root."""
    values, vectors = np.linalg.eigh(moment)
    root: FloatArray = (vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T
    return root
