"""Whether what a set of predictors leaves of the target is alike in all environments.

If the set holds all causes of the target, residuals have the same law everywhere. Each environment
is compared with all others together, once as to where its residuals lie and once as to how much
they spread; the p-value is the smallest of all, times their number.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np

from causalkit._core.random import as_generator, draw_seed
from causalkit.discovery.interventions._environments import Environments
from causalkit.typing import FloatArray, IntArray

__all__ = ["Fit", "Invariance", "LinearInvariance", "RankInvariance", "columns_of"]

_NOTHING: Final = 1e-12
"""Share of the target's variance that counts as none."""

_FOLDS: Final = 5


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """A regression of the target on some columns.

    Attributes
    ----------
    p_value : float
        Of residuals that are alike in all environments.
    weights, std_errors : ndarrays of shape (n_columns,)
        Of the columns, if the regression is linear; else empty.
    df : int
        Degrees of freedom of the errors.
    """

    p_value: float
    weights: FloatArray
    std_errors: FloatArray
    df: int


class Invariance(Protocol):
    """A test of sets of columns."""

    def __call__(self, columns: Sequence[int], seed: int) -> Fit:
        """Regress the target on these columns and compare the residuals."""


def columns_of(blocks: Sequence[Sequence[int]], chosen: Sequence[int]) -> list[int]:
    """Columns of the chosen variables."""
    return [c for v in chosen for c in blocks[v]]


@dataclass(frozen=True, slots=True, eq=False)
class LinearInvariance:
    """Linear regression on all rows; means by Welch's t-test, variances by the F-test.

    Attributes
    ----------
    environments : Environments
        Of the predictors' columns, and the target, which comes last.
    """

    environments: Environments

    def __call__(self, columns: Sequence[int], seed: int) -> Fit:
        """Regress on these columns; there is nothing to draw."""
        del seed
        held, k = self.environments, len(columns)
        here = [*columns, held.means.shape[1] - 1]
        n, gram = held.pooled(np.ones(len(held.n), dtype=np.bool_), here)
        inner, cross = gram[:-1, :-1], gram[:-1, -1]
        inverse = np.linalg.pinv(inner, hermitian=True) if k else inner
        weights = inverse @ cross
        minus = np.append(-weights, 1.0)  # what is left of the target is its product with these
        means = held.means[:, here] @ minus
        grams = held.grams[:, np.array(here)[:, None], here]
        squares = np.einsum("i,eij,j->e", minus, grams, minus)
        floor = _NOTHING * max(gram[-1, -1], np.finfo(float).tiny) / n
        p_value = _compare_moments(held.n, means, np.maximum(squares, 0.0), floor)
        df = int(n) - k - 1
        rest = max(float(minus @ gram @ minus), 0.0) / df if df > 0 else np.inf
        errors = np.sqrt(rest * np.diag(inverse)) if k else np.empty(0)
        if k and np.linalg.matrix_rank(inner, hermitian=True) < k:
            errors = np.full(k, np.inf)  # weights of redundant columns mean nothing
        units = held.scale[-1] / held.scale[list(columns)]
        return Fit(p_value, weights * units, errors * units, df)


def _compare_moments(n: FloatArray, means: FloatArray, squares: FloatArray, floor: float) -> float:
    """Compare residuals by their number, mean and sum of squared deviations in each environment."""
    from scipy.special import fdtr, fdtrc, stdtr

    m = n.sum() - n
    middle = (n @ means - n * means) / m
    # Of the others: their own deviations, and those of their means from the mean of them all.
    apart = np.array(
        [np.delete(n, e) @ (np.delete(means, e) - middle[e]) ** 2 for e in range(len(n))]
    )
    rest = squares.sum() - squares + apart
    one, two = squares / (n - 1), rest / (m - 1)
    ratio = np.maximum(one, floor) / np.maximum(two, floor)
    spread = 2 * np.minimum(fdtr(n - 1, m - 1, ratio), fdtrc(n - 1, m - 1, ratio))
    spread[np.maximum(one, two) <= floor] = 1.0
    a, b = np.maximum(one, floor) / n, np.maximum(two, floor) / m
    df = (a + b) ** 2 / (a**2 / (n - 1) + b**2 / (m - 1))
    place = 2 * stdtr(df, -np.abs(means - middle) / np.sqrt(a + b))
    k = 1 if len(n) == 2 else len(n)  # of two environments each is all others of the other
    return float(min(1.0, 2 * k * np.minimum(spread, place)[:k].min()))


@dataclass(frozen=True, slots=True, eq=False)
class RankInvariance:
    """Any regression, predictions for rows it was not fitted to; Wilcoxon's and Levene's tests.

    Attributes
    ----------
    predictors : ndarray of shape (n_rows, n_columns)
    target : ndarray of shape (n_rows,)
    codes : ndarray of int, shape (n_rows,)
        Environment of each row.
    regressor : estimator
        As in scikit-learn; it is cloned.
    """

    predictors: FloatArray
    target: FloatArray
    codes: IntArray
    regressor: Any

    def __call__(self, columns: Sequence[int], seed: int) -> Fit:
        """Regress on these columns; `seed` deals out the folds."""
        residuals = self._residuals(list(columns), seed)
        nothing = np.empty(0)
        return Fit(_compare_ranks(residuals, self.codes), nothing, nothing, 0)

    def _residuals(self, columns: list[int], seed: int) -> FloatArray:
        from sklearn.base import clone
        from sklearn.model_selection import KFold, cross_val_predict

        if not columns:
            centred: FloatArray = self.target - self.target.mean()
            return centred
        rng = as_generator(seed)
        folds = KFold(min(_FOLDS, len(self.target)), shuffle=True, random_state=draw_seed(rng))
        model = clone(self.regressor)
        if model.get_params().get("random_state", 0) is None:
            model.set_params(random_state=draw_seed(rng))
        guesses = cross_val_predict(model, self.predictors[:, columns], self.target, cv=folds)
        residuals: FloatArray = self.target - guesses
        return residuals


def _compare_ranks(residuals: FloatArray, codes: IntArray) -> float:
    from scipy.stats import levene, mannwhitneyu

    k = int(codes.max()) + 1
    p_values = []
    for e in range(1 if k == 2 else k):
        one, two = residuals[codes == e], residuals[codes != e]
        if min(np.ptp(one), np.ptp(two)) == 0:
            p_values.append(1.0 if np.ptp(residuals) == 0 else 0.0)
            continue
        p_values.append(float(mannwhitneyu(one, two).pvalue))
        p_values.append(float(levene(one, two, center="median").pvalue))
    return min(1.0, len(p_values) * min(p_values))
