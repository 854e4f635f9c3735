"""`GramLearner`: what makes a linear regressor out of a fit from products, and `GramOLS`.

To scikit-learn it is a regressor like any other; cross-fitting asks it for all folds at once
(see :mod:`causalkit.estimation.nuisances.crossfitting`), and then the rows are read once for all
folds and nuisances.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from causalkit._core.random import as_generator
from causalkit.estimation.columns import as_weights
from causalkit.estimation.nuisances.crossfitting import Nuisance
from causalkit.estimation.nuisances.gram import CellMoments
from causalkit.estimation.nuisances.linear_fits import (
    LinearFit,
    Training,
    crossfit_moments,
    fit_features,
    inner_folds,
    transform,
    warn_if_restless,
)
from causalkit.estimation.problem import Problem
from causalkit.typing import FloatArray, IntArray, RandomState

__all__ = ["GramLearner", "GramOLS", "least_squares"]

_COLLINEAR = 1e-12
"""A direction with less variance than this share of the largest is a combination of others."""


class GramLearner(RegressorMixin, BaseEstimator):
    """A linear regressor that is learnt from moments."""

    features: Any = None
    random_state: RandomState = None

    @property
    def n_hands(self) -> int:
        """Inner folds that it needs; 1 for none."""
        return 1

    @abstractmethod
    def fit_moments(self, cells: CellMoments, d: int) -> LinearFit:
        """Fit on the union of cells, one for each inner fold.

        Parameters
        ----------
        cells : CellMoments of n_hands cells
            Of the features and then the targets.
        d : int
            Number of features.
        """

    def check(self) -> None:
        """Refuse settings that mean nothing."""

    # --- as scikit-learn knows it ----------------------------------------------------------------

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Learn the coefficients.

        Parameters
        ----------
        X : array-like of shape (n, k)
        y : array-like of shape (n,)
        sample_weight : array-like of shape (n,), optional
            Rows of weight zero are left out.

        Returns
        -------
        self
            With `coef_`, `intercept_`, and `penalty_` where there is one.

        Raises
        ------
        InputError
            If a setting or a weight makes no sense.
        """
        self.check()
        columns, target = validate_data(
            self, X, y, dtype=np.float64, order="C", y_numeric=True, ensure_min_samples=2
        )
        weights = as_weights(sample_weight, len(target))
        self.features_ = fit_features(self.features, columns)
        Z = transform(self.features_, columns)
        used = np.ones(len(target), dtype=bool) if weights is None else weights > 0
        rng = as_generator(self.random_state)
        hands = inner_folds(np.zeros(len(target), dtype=np.intp), used, None, rng, self.n_hands)
        Y = target[:, None].astype(np.float64)
        with np.errstate(over="ignore", invalid="ignore"):  # what overflows is refused by name
            cells = CellMoments.of(Z, Y, hands, self.n_hands, weights)
            fitted = self.fit_moments(cells, Z.shape[1])
        warn_if_restless([fitted])
        self.coef_: FloatArray = fitted.coefficients[0]
        self.centre_: FloatArray = fitted.centre
        self.level_ = float(fitted.level[0])
        self.intercept_ = float(self.level_ - self.centre_ @ self.coef_)
        if self.n_hands > 1:
            self.penalty_ = float(fitted.penalties[0])
        return self

    def predict(self, X: ArrayLike) -> FloatArray:
        """Return predictions, shape (n,)."""
        check_is_fitted(self)
        columns = validate_data(self, X, dtype=np.float64, reset=False)
        Z = transform(self.features_, columns)
        predicted: FloatArray = self.level_ + (Z - self.centre_) @ self.coef_
        return predicted

    # --- as cross-fitting knows it ---------------------------------------------------------------

    def predict_out_of_fold(
        self,
        problem: Problem,
        nuisances: Sequence[Nuisance],
        folds: IntArray,
        *,
        seeds: Sequence[int],
        prepared: dict[Any, Any],
        n_jobs: int | None,  # noqa: ARG002
    ) -> list[list[FloatArray]]:
        """Predictions of all nuisances by models that did not see the fold.

        Nuisances with the same learner, features and rows to learn from are learnt together, with
        the same inner folds.

        Parameters
        ----------
        problem : Problem
        nuisances : sequence of Nuisance
            With learners of this class.
        folds : ndarray of int, shape (n,)
        seeds : sequence of int
            Of the inner folds.
        prepared : dict
            Expanded features are kept here.
        n_jobs : int, optional
            Not needed: the products are the only work of size.
        """
        found: list[list[FloatArray]] = [[] for _ in nuisances]
        alike: dict[tuple[Any, ...], list[int]] = {}
        for k, nuisance in enumerate(nuisances):
            nuisance.learner.check()
            key = (_settings(nuisance.learner), id(nuisance.features), id(nuisance.among))
            alike.setdefault(key, []).append(k)
        for members in alike.values():
            these = [nuisances[k] for k in members]
            learner, seed = these[0].learner, seeds[members[0]]
            parts = crossfit_moments(learner, problem, these, folds, seed, prepared)
            for k, part in zip(members, parts, strict=True):
                found[k] = part
        return found


class GramOLS(GramLearner):
    """Least squares; of collinear columns the shortest solution, in standard units.

    Parameters
    ----------
    features : transformer, optional
        Expands the columns, e.g. `Powers(2)` or `PolynomialFeatures(2)`.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.array([[0.0], [1.0], [2.0]])
    >>> GramOLS().fit(X, [1.0, 3.0, 5.0]).predict([[3.0]]).round(9)
    array([7.])
    """

    def __init__(self, *, features: Any = None) -> None:
        self.features = features

    def fit_moments(self, cells: CellMoments, d: int) -> LinearFit:
        """Solve the normal equations."""
        train = Training.of(cells.pooled(), d, standardize=True)
        B, _ = least_squares(train)
        return train.fit_of(B, np.zeros(len(B)))


def least_squares(train: Training) -> tuple[FloatArray, int]:
    """Shortest coefficients of each target, in standard units, and the rank of the features.

    Parameters
    ----------
    train : Training

    Returns
    -------
    coefficients : ndarray of shape (q, d)
    rank : int
    """
    values, vectors = np.linalg.eigh(train.gram)
    kept = values > _COLLINEAR * max(values.max(initial=0.0), np.finfo(float).tiny)
    inverse = np.where(kept, 1 / np.where(kept, values, 1.0), 0.0)
    B: FloatArray = ((train.cross @ vectors) * inverse) @ vectors.T
    return B, int(kept.sum())


def _settings(learner: BaseEstimator) -> tuple[tuple[str, object], ...]:
    """What makes two learners the same one."""
    settings: dict[str, Any] = learner.get_params(deep=False)
    if settings.get("penalties") is not None:
        settings["penalties"] = tuple(np.asarray(settings["penalties"]).tolist())
    return tuple((name, repr(value)) for name, value in settings.items())
