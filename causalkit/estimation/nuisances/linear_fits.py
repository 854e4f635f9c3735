"""Linear fits from moments: a training set in standard units, and predictions of every fold.

What :class:`~causalkit.estimation.nuisances.penalised.GramOLS` and its siblings share: the mean
products of a training set, the error of a fit on other rows as a quadratic form in their products,
and the one pass over the rows before and after.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from sklearn.base import clone

from causalkit._core.random import as_generator
from causalkit.errors import ConvergenceWarning, InputError, NumericalError
from causalkit.estimation.nuisances.crossfitting import Nuisance, assign_folds
from causalkit.estimation.nuisances.gram import CellMoments
from causalkit.estimation.problem import Problem
from causalkit.typing import BoolArray, FloatArray, IntArray, RandomState

__all__ = [
    "LinearFit",
    "MomentLearner",
    "Training",
    "crossfit_moments",
    "fit_features",
    "inner_folds",
    "transform",
    "warn_if_restless",
]

_CONSTANT = 1e-28
"""A variance below this share of the squared mean is rounding."""


@dataclass(frozen=True, slots=True, eq=False)
class LinearFit:
    """Linear models of q targets: level + (x − centre)'coefficients.

    Attributes
    ----------
    centre : ndarray of shape (d,)
    level : ndarray of shape (q,)
    coefficients : ndarray of shape (q, d)
    penalties : ndarray of shape (q,)
        Chosen ones; 0 for least squares.
    n_restless : int
        Penalties at which the search had not come to rest.
    """

    centre: FloatArray
    level: FloatArray
    coefficients: FloatArray
    penalties: FloatArray
    n_restless: int = 0


class MomentLearner(Protocol):
    """A learner that asks for moments and not for rows."""

    features: Any
    random_state: RandomState

    @property
    def n_hands(self) -> int:
        """Inner folds that it needs; 1 for none."""

    def fit_moments(self, cells: CellMoments, d: int) -> LinearFit:
        """Fit d features and the targets after them, on a cell for each inner fold."""


@dataclass(frozen=True, slots=True, eq=False)
class Training:
    """Mean products of a training set, features in units of `scale`.

    Attributes
    ----------
    scale : ndarray of shape (d,)
        What features are multiplied by; zero if constant.
    centre : ndarray of shape (d,)
        Means in the original units.
    level : ndarray of shape (q,)
        Means of the targets.
    gram : ndarray of shape (d, d)
    cross : ndarray of shape (q, d)
    variances : ndarray of shape (q,)
    """

    scale: FloatArray
    centre: FloatArray
    level: FloatArray
    gram: FloatArray
    cross: FloatArray
    variances: FloatArray

    @classmethod
    def of(cls, moments: CellMoments, d: int, *, standardize: bool) -> Training:
        """Mean products of d features and the targets after them, of one set of rows."""
        variances = np.diagonal(moments.gram)[:d] / moments.weight
        varies = variances > _CONSTANT * moments.mean[:d] ** 2
        root = np.sqrt(np.where(varies, variances, 1.0)) if standardize else np.ones(d)
        scale = np.where(varies, 1 / root, 0.0)
        if not np.isfinite(moments.gram).all() or not np.isfinite(scale).all():
            raise NumericalError(
                "squares of the columns leave the range of a float; expected finite numbers. "
                "Rescale the columns or the outcome."
            )
        return cls._scaled(moments, scale)

    @classmethod
    def _scaled(cls, moments: CellMoments, scale: FloatArray) -> Training:
        d, weight = len(scale), moments.weight
        return cls(
            scale,
            moments.mean[:d],
            moments.mean[d:],
            moments.gram[:d, :d] * (scale[:, None] * scale / weight),
            moments.gram[d:, :d] * (scale / weight),
            np.diagonal(moments.gram)[d:] / weight,
        )

    def rescaled(self, moments: CellMoments) -> Training:
        """Another set of rows in the same units."""
        return self._scaled(moments, self.scale)

    def error(self, path: FloatArray, fitted: Training, m: int) -> FloatArray:
        """Mean squared error here of models of target m that were fitted there, one each."""
        off = (self.level[m] - fitted.level[m]) - path @ (
            self.scale * (self.centre - fitted.centre)
        )
        spread = self.variances[m] - 2 * path @ self.cross[m] + ((path @ self.gram) * path).sum(1)
        squares: FloatArray = spread + off**2
        return squares

    def fit_of(self, B: FloatArray, penalties: FloatArray, n_restless: int = 0) -> LinearFit:
        """Coefficients in the original units."""
        return LinearFit(self.centre, self.level, B * self.scale, penalties, n_restless)


def crossfit_moments(
    learner: MomentLearner,
    problem: Problem,
    nuisances: Sequence[Nuisance],
    folds: IntArray,
    seed: int,
    prepared: dict[Any, Any],
) -> list[list[FloatArray]]:
    """Predict nuisances that share their features and the rows to learn from, out of fold.

    Parameters
    ----------
    learner : MomentLearner
    problem : Problem
    nuisances : sequence of Nuisance
    folds : ndarray of int, shape (n,)
    seed : int
        Of the inner folds.
    prepared : dict
        Where expanded features are kept.

    Returns
    -------
    list
        For each nuisance, predictions of its `names`.
    """
    from causalkit.estimation.nuisances._penalised_kernels import predict_cells

    first = nuisances[0]
    transformer, Z = _expanded(learner.features, first.seen(problem), prepared)
    used = np.ones(problem.n_obs, dtype=bool) if first.among is None else first.among.copy()
    if problem.sample_weight is not None:
        used &= problem.sample_weight > 0
    n_folds, n_hands = int(folds.max()) + 1, learner.n_hands
    rng = as_generator(seed if learner.random_state is None else learner.random_state)
    hands = inner_folds(folds, used, problem.groups, rng, n_hands)
    cells = np.where(used, folds * n_hands + hands, -1)
    Y = np.column_stack([nuisance.target for nuisance in nuisances])
    moments = CellMoments.of(Z, Y, cells, n_folds * n_hands, problem.sample_weight)
    moments = moments.shaped(n_folds, n_hands)
    fits = [learner.fit_moments(moments.without(fold), Z.shape[1]) for fold in range(n_folds)]
    warn_if_restless(fits)
    models = (
        np.array([fit.centre for fit in fits]),
        np.array([fit.level for fit in fits]),
        np.array([fit.coefficients for fit in fits]),
    )
    found = [[predicted] for predicted in predict_cells(Z, folds, *models)]
    for parts, nuisance, m in zip(found, nuisances, range(len(nuisances)), strict=True):
        for other in nuisance.at.values():
            parts.append(predict_cells(transform(transformer, other), folds, *models)[m])
    return found


def inner_folds(
    folds: IntArray,
    used: BoolArray,
    groups: IntArray | None,
    rng: np.random.Generator,
    n_hands: int,
) -> IntArray:
    """Deal the rows of each outer fold into inner ones: even in size, groups kept whole.

    Parameters
    ----------
    folds : ndarray of int, shape (n,)
    used : ndarray of bool, shape (n,)
        Rows to deal; the others get −1.
    groups : ndarray of int, shape (n,), optional
    rng : Generator
    n_hands : int
        Inner folds.

    Returns
    -------
    ndarray of int, shape (n,)
    """
    from causalkit.estimation.nuisances._penalised_kernels import deal

    if n_hands == 1:
        return np.where(used, 0, -1)
    if used.all() and groups is None:
        return deal(rng.permutation(len(folds)), folds, int(folds.max()) + 1, n_hands)
    hands = np.full(len(folds), -1, dtype=np.intp)
    rows = np.flatnonzero(used)
    if groups is None:
        order = rng.permutation(len(rows))
        hands[rows] = deal(order, folds[rows], int(folds.max()) + 1, n_hands)
    else:
        n_groups = len(np.unique(groups[rows]))
        hands[rows] = assign_folds(min(n_hands, n_groups), rng, len(rows), groups=groups[rows])
    return hands


def fit_features(features: Any, X: FloatArray) -> Any:
    """Return the transformer fitted on X, None if there is none.

    Raises
    ------
    InputError
        If it is no transformer.
    """
    if features is None:
        return None
    if not hasattr(features, "fit") or not hasattr(features, "transform"):
        raise InputError(
            f"features={features!r}; expected a transformer such as Powers(2) or scikit-learn's "
            "PolynomialFeatures(2), an object with fit and transform."
        )
    return clone(features).fit(X)


def transform(transformer: Any, X: FloatArray) -> FloatArray:
    """Features of X, row-major, shape (n, d); X itself without a transformer."""
    if transformer is None:
        return np.ascontiguousarray(X, dtype=np.float64)
    Z = transformer.transform(X)
    matrix = np.ascontiguousarray(Z.toarray() if hasattr(Z, "toarray") else Z, dtype=np.float64)
    if matrix.shape[:1] != X.shape[:1] or matrix.ndim != 2 or not np.isfinite(matrix).all():
        raise NumericalError(
            f"features={transformer} returned shape {matrix.shape}, or NaN or infinity; expected "
            f"finite numbers, one row for each of {len(X)}. Rescale the columns, or use a lower "
            "degree."
        )
    return matrix


def _expanded(features: Any, X: FloatArray, prepared: dict[Any, Any]) -> tuple[Any, FloatArray]:
    """Transformer and features; the last ones are kept, for the next repeat."""
    if features is None:
        return None, transform(None, X)
    key = ("expanded features", repr(features), id(X))
    if key not in prepared:
        transformer = fit_features(features, X)
        prepared[key] = X, transformer, transform(transformer, X)  # X held, so its id is its own
    _, transformer, Z = prepared[key]
    return transformer, Z


def warn_if_restless(fits: Sequence[LinearFit]) -> None:
    """Say that a search had not come to rest at all penalties."""
    restless = sum(fit.n_restless for fit in fits)
    if restless:
        warnings.warn(
            ConvergenceWarning(
                f"the lasso had not come to rest at {restless} penalties; expected none. Raise "
                "max_sweeps, tolerance or smallest, or leave out columns that are nearly copies."
            ),
            stacklevel=2,
        )
