"""Learners that choose: the candidate with the lower out-of-fold loss, one for each nuisance.

Cross-fitting predicts every row out of fold anyway, so what each candidate would have lost is known
at no further fit, and the choice rests on all rows rather than on an inner split of each fold. One
choice among a few candidates for the whole sample does not undo the cross-fitting. The first
candidate is kept unless another is better by more than the standard error of the difference: a gain
by chance would only make the choice, and so the effect, noisier.

References
----------
van der Laan, Polley & Hubbard (2007), "Super learner", Statistical Applications in Genetics and
Molecular Biology 6(1) (the discrete super learner). doi:10.2202/1544-6115.1309
Ahrens, Hansen, Schaffer & Wiemann (2025), "Model averaging and double machine learning", Journal of
Applied Econometrics 40, 249-269. doi:10.1002/jae.3103
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, is_classifier
from sklearn.model_selection import KFold, StratifiedKFold, cross_val_predict
from sklearn.utils.validation import check_is_fitted

from causalkit._core.random import as_generator, draw_seed
from causalkit.errors import InputError
from causalkit.estimation.nuisances.boosting import BoostedClassifier, BoostedRegressor
from causalkit.estimation.nuisances.crossfitting import crossfit, seeded
from causalkit.typing import FloatArray, IntArray, RandomState

if TYPE_CHECKING:
    from causalkit.estimation.nuisances.crossfitting import Nuisance
    from causalkit.estimation.problem import Problem

__all__ = ["AutomaticClassifier", "AutomaticRegressor"]

_INNER_FOLDS = 5
_TINY = 1e-6


class _Automatic(BaseEstimator):
    """What both kinds share."""

    def __init__(
        self, candidates: Sequence[Any] | None = None, *, random_state: RandomState = None
    ) -> None:
        self.candidates = candidates
        self.random_state = random_state

    def _candidates(self) -> list[Any]:
        if self.candidates is None:
            kind = BoostedClassifier if is_classifier(self) else BoostedRegressor
            return [kind(), kind(start="mean")]
        candidates = list(self.candidates)
        wrong = [c for c in candidates if is_classifier(c) != is_classifier(self)]
        if not candidates or wrong:
            what = "classifier" if is_classifier(self) else "regressor"
            raise InputError(
                f"candidates={self.candidates!r}; expected a list of {what}s, at least one. "
                f"Leave out {wrong or 'the argument for the default ones'}."
            )
        return candidates

    def predict_out_of_fold(
        self,
        problem: Problem,
        nuisances: Sequence[Nuisance],
        folds: IntArray,
        *,
        seeds: Sequence[int],
        prepared: dict[Any, Any],
        n_jobs: int | None,
    ) -> list[list[FloatArray]]:
        """Predict with each candidate, and keep the best of each nuisance; see `FoldLearner`."""
        found: list[list[FloatArray]] = [[] for _ in nuisances]
        chosen = prepared.setdefault("chosen", {})
        families: dict[int, list[int]] = {}
        for k, nuisance in enumerate(nuisances):
            families.setdefault(id(nuisance.learner), []).append(k)
        for members in families.values():
            learner: _Automatic = nuisances[members[0]].learner
            own = learner.random_state
            rng = as_generator(seeds[members[0]] if own is None else own)
            best: dict[int, FloatArray] = {}
            for candidate in learner._candidates():
                parts = [replace(nuisances[k], learner=candidate) for k in members]
                predictions = crossfit(problem, parts, folds, rng, n_jobs=n_jobs, prepared=prepared)
                for k, nuisance in zip(members, parts, strict=True):
                    rows = problem.weights > 0
                    if nuisance.among is not None:
                        rows &= nuisance.among
                    y, weights = nuisance.target[rows], problem.weights[rows]
                    losses = learner._losses(y, predictions[nuisance.name][rows])
                    if k not in best or _clearly_lower(losses, best[k], weights):
                        best[k], found[k] = losses, [predictions[n] for n in nuisance.names]
                        chosen[nuisance.name] = _label(candidate)
        return found

    def _losses(self, y: FloatArray, predicted: FloatArray) -> FloatArray:
        """Squared errors, or negative log-likelihoods, one a row."""
        if not is_classifier(self):
            squares: FloatArray = (y - predicted) ** 2
            return squares
        if predicted.ndim == 1:
            predicted = np.column_stack([1 - predicted, predicted])
        right = np.clip(predicted[np.arange(len(y)), y.astype(np.intp)], _TINY, 1)
        surprise: FloatArray = -np.log(right)
        return surprise

    def _fit(self, X: ArrayLike, y: Any, weights: ArrayLike | None) -> None:
        """Choose by the loss in folds of the rows, then fit the best candidate to all of them."""
        rng = as_generator(self.random_state)
        columns, seed = np.asarray(X, dtype=np.float64), draw_seed(rng)
        w = np.ones(len(y)) if weights is None else np.asarray(weights, dtype=np.float64)
        classifies = is_classifier(self)
        smallest = int(np.unique(y, return_counts=True)[1].min()) if classifies else len(y)
        n_folds = min(_INNER_FOLDS, smallest)
        candidates = [seeded(c, seed) for c in self._candidates()]
        self.losses_ = np.zeros(len(candidates))
        chosen, best = 0, None
        if len(candidates) > 1 and n_folds >= 2:
            splitter = (StratifiedKFold if classifies else KFold)(
                n_folds, shuffle=True, random_state=seed
            )
            method = "predict_proba" if classifies else "predict"
            params = None if weights is None else {"sample_weight": w}
            for k, candidate in enumerate(candidates):
                predicted = cross_val_predict(
                    candidate, columns, y, cv=splitter, method=method, params=params
                )
                losses = self._losses(np.asarray(y, dtype=np.float64), predicted)
                self.losses_[k] = np.average(losses, weights=w)
                if best is None or _clearly_lower(losses, best, w):
                    chosen, best = k, losses
        self.chosen_ = candidates[chosen]
        if weights is None:
            self.chosen_.fit(columns, y)
        else:
            self.chosen_.fit(columns, y, sample_weight=w)
        self.n_features_in_ = columns.shape[1]


class AutomaticRegressor(RegressorMixin, _Automatic):
    """The first regressor, unless another has a clearly lower out-of-fold loss.

    Parameters
    ----------
    candidates : list of scikit-learn regressors, optional
        Tried in this order, the simplest first: a later one has to be better by more than one
        standard error of the difference. By default boosted trees that start from
        lines, curves and products of the columns, which may need no tree at all, and boosted trees
        that start from the mean.
    random_state : int, Generator or None

    Attributes
    ----------
    chosen_ : estimator
        After `fit`.
    losses_ : ndarray
        Of each candidate, after `fit`.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LinearRegression
    >>> from sklearn.neighbors import KNeighborsRegressor
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(200, 2))
    >>> y = X[:, 0] + rng.normal(size=200)
    >>> both = AutomaticRegressor([KNeighborsRegressor(3), LinearRegression()], random_state=0)
    >>> both.fit(X, y).chosen_
    LinearRegression()
    """

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Fit on rows `X` of shape (n, d) and targets `y` of shape (n,)."""
        self._fit(X, np.asarray(y, dtype=np.float64), sample_weight)
        return self

    def predict(self, X: ArrayLike) -> FloatArray:
        """Means, shape (n,)."""
        check_is_fitted(self)
        means: FloatArray = self.chosen_.predict(np.asarray(X, dtype=np.float64))
        return means


class AutomaticClassifier(ClassifierMixin, _Automatic):
    """The first classifier, unless another has a clearly lower out-of-fold log loss.

    Parameters are those of :class:`AutomaticRegressor`, with classifiers.

    Parameters
    ----------
    candidates : list of scikit-learn classifiers, optional
    random_state : int, Generator or None

    Attributes
    ----------
    classes_ : ndarray
    chosen_ : estimator
    losses_ : ndarray
    """

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Fit on rows `X` of shape (n, d) and classes `y` of shape (n,)."""
        self.classes_, codes = np.unique(np.asarray(y), return_inverse=True)
        self._fit(X, codes.reshape(-1), sample_weight)
        return self

    def predict_proba(self, X: ArrayLike) -> FloatArray:
        """Probability of each class, shape (n, n_classes)."""
        check_is_fitted(self)
        shares: FloatArray = self.chosen_.predict_proba(np.asarray(X, dtype=np.float64))
        return shares

    def predict(self, X: ArrayLike) -> Any:
        """Return the most probable class of each row."""
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


def _clearly_lower(losses: FloatArray, best: FloatArray, w: FloatArray) -> bool:
    """Whether the mean is lower by more than the standard error of the difference."""
    gain = best - losses
    mean = float(np.average(gain, weights=w))
    error = float(np.sqrt(w**2 @ (gain - mean) ** 2)) / float(w.sum())
    return mean > error


def _label(learner: Any) -> str:
    """How a learner prints, on one line."""
    return " ".join(str(learner).split())
