"""`GramRidge`, `GramLasso`: linear nuisances with a penalty, which read the rows once.

To scikit-learn they are regressors like any other. Given to an estimator as a nuisance learner they
are asked for all folds at once, and then everything (outer folds, the inner folds that choose the
penalty, nuisances with the same features) comes from one set of products by cell
(:mod:`causalkit.estimation.nuisances.gram`): a path of the lasso never touches a row, and the error
on held-out rows is a quadratic form in their products. A lasso with 100 penalties, chosen by
cross-validation within each fold, costs little more than reading the table.

Columns are put on one scale first, so a penalty means the same to all of them; a column that is
constant in a training set gets no coefficient; collinear columns share theirs. A target of zeros
and ones gets a linear probability model, which need not stay between 0 and 1; for propensities that
are divided by, use a classifier.

The columns may be expanded before: `GramLasso(features=Powers(3))`. The transformer sees the
features of all rows, never a target.

References
----------
Tibshirani (1996), "Regression shrinkage and selection via the lasso", J. Royal Statistical Society
B 58, 267-288. doi:10.1111/j.2517-6161.1996.tb02080.x
Hoerl & Kennard (1970), "Ridge regression: biased estimation for nonorthogonal problems",
Technometrics 12, 55-67. doi:10.1080/00401706.1970.10488634
Friedman, Hastie & Tibshirani (2010), "Regularization paths for generalized linear models via
coordinate descent", J. Statistical Software 33(1). doi:10.18637/jss.v033.i01
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from causalkit._core.checks import check_count, check_positive
from causalkit.errors import InputError
from causalkit.estimation.nuisances.gram import CellMoments
from causalkit.estimation.nuisances.gram_learners import GramLearner
from causalkit.estimation.nuisances.linear_fits import LinearFit, Training
from causalkit.typing import FloatArray, RandomState

__all__ = ["GramLasso", "GramRidge"]

_RIDGE_SPAN = (1e2, 1e-6)
"""Largest and smallest ridge penalty, in units of a column's variance."""


class _Penalised(GramLearner):
    """What ridge and lasso share: a grid of penalties, and the choice among them."""

    penalties: ArrayLike | None
    n_penalties: int
    n_folds: int
    standardize: bool

    @property
    def n_hands(self) -> int:
        """Inner folds."""
        return int(self.n_folds)

    def check(self) -> None:
        """Refuse settings that mean nothing."""
        check_count(self.n_penalties, "n_penalties")
        check_count(self.n_folds, "n_folds", minimum=2)
        if self.penalties is not None:
            given = np.asarray(self.penalties, dtype=np.float64)
            if given.ndim != 1 or not given.size or not (given > 0).all() or np.isinf(given).any():
                raise InputError(
                    f"penalties={self.penalties!r}; expected positive numbers, or None to choose "
                    "them from the data. For no penalty use GramOLS()."
                )

    def fit_moments(self, cells: CellMoments, d: int) -> LinearFit:
        """Choose a penalty by the error on held-out cells, and fit with it on all of them."""
        train = Training.of(cells.pooled(), d, standardize=self.standardize)
        q = len(train.cross)
        grids = [self._grid(train, m) for m in range(q)]
        errors = np.zeros((q, len(grids[0])))
        restless = 0
        for hand in range(len(cells.weight)):
            held, rest = cells[hand], cells.without(hand)
            if not held.weight > 0 or not rest.weight > 0:
                continue
            inner, test = train.rescaled(rest), train.rescaled(held)
            paths, left = self._paths(inner, grids)
            restless += left
            for m, path in enumerate(paths):
                errors[m] += held.weight * test.error(path, inner, m)
        best = errors.argmin(axis=1)
        chosen, left = self._paths(
            train, [grid[: k + 1] for grid, k in zip(grids, best, strict=True)]
        )
        B = np.array([path[-1] for path in chosen])
        penalties = np.array([grid[k] for grid, k in zip(grids, best, strict=True)])
        return train.fit_of(B, penalties, restless + left)

    def _grid(self, train: Training, m: int) -> FloatArray:
        if self.penalties is None:
            return self._own_grid(train, m)
        return np.sort(np.asarray(self.penalties, dtype=np.float64))[::-1]

    @abstractmethod
    def _own_grid(self, train: Training, m: int) -> FloatArray:
        """Penalties for target m, from large to small."""

    @abstractmethod
    def _paths(self, train: Training, grids: Sequence[FloatArray]) -> tuple[list[FloatArray], int]:
        """Coefficients at each penalty of each target, and how many are not final."""


class GramRidge(_Penalised):
    """Ridge regression, its penalty chosen by cross-validation.

    Minimises ``mean((y − x'b)²)/2 + λ |b|²/2``; scikit-learn's `Ridge` calls λ n `alpha`.

    Parameters
    ----------
    penalties : array-like, optional
        Values of λ to choose from; by default `n_penalties` of them between 100 and 1e-6 times the
        mean variance of a column (1 in standard units).
    n_penalties : int
    n_folds : int
        Inner folds that choose among them.
    standardize : bool
        Whether columns are first divided by their standard deviation in the training set.
    features : transformer, optional
        Expands the columns, e.g. `Powers(2)`.
    random_state : int, Generator or None
        Of the inner folds.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(200, 5))
    >>> model = GramRidge(random_state=0).fit(X, X[:, 0] + rng.normal(size=200))
    >>> bool(0.7 < model.coef_[0] < 1.2)
    True
    """

    def __init__(
        self,
        *,
        penalties: ArrayLike | None = None,
        n_penalties: int = 50,
        n_folds: int = 5,
        standardize: bool = True,
        features: Any = None,
        random_state: RandomState = None,
    ) -> None:
        self.penalties = penalties
        self.n_penalties = n_penalties
        self.n_folds = n_folds
        self.standardize = standardize
        self.features = features
        self.random_state = random_state

    def _own_grid(self, train: Training, m: int) -> FloatArray:  # noqa: ARG002
        d = max(len(train.gram), 1)
        unit = float(np.trace(train.gram)) / d or 1.0
        return unit * np.geomspace(*_RIDGE_SPAN, self.n_penalties)

    def _paths(self, train: Training, grids: Sequence[FloatArray]) -> tuple[list[FloatArray], int]:
        values, vectors = np.linalg.eigh(train.gram)
        rotated = train.cross @ vectors
        values = np.maximum(values, 0.0)
        paths = [
            (pull / (values + grid[:, None])) @ vectors.T
            for pull, grid in zip(rotated, grids, strict=True)
        ]
        return paths, 0


class GramLasso(_Penalised):
    """The lasso, its penalty chosen by cross-validation.

    Minimises ``mean((y − x'b)²)/2 + λ |b|₁``, as scikit-learn's `LassoCV` does (λ is its `alpha`).

    Parameters
    ----------
    penalties : array-like, optional
        Values of λ to choose from; by default `n_penalties` of them, evenly spaced in logarithm,
        down from the smallest that sets all coefficients to zero.
    n_penalties : int
    smallest : float
        Last penalty as a share of the first.
    n_folds : int
        Inner folds that choose among them.
    standardize : bool
        Whether columns are first divided by their standard deviation in the training set.
    features : transformer, optional
        Expands the columns, e.g. `Powers(2)`.
    tolerance : float
        The search at a penalty ends when no step changes the fit by more than this share of the
        target's variance.
    max_sweeps : int
        Most rounds through the coefficients at one penalty.
    random_state : int, Generator or None
        Of the inner folds.

    Notes
    -----
    Inner folds count by their weight, and the final fit is on all training rows. scikit-learn does
    not scale the columns: `standardize=False` is its problem.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(200, 20))
    >>> model = GramLasso(random_state=0).fit(X, 2 * X[:, 0] + rng.normal(size=200))
    >>> bool(abs(model.coef_[0]) > 10 * abs(model.coef_[1:]).max())
    True

    As a nuisance learner, for all folds at once:

    >>> from causalkit.estimation import PLR
    >>> t = X[:, 0] + rng.normal(size=200)
    >>> y = t + X[:, 0] + rng.normal(size=200)
    >>> effect = PLR(GramLasso(), GramLasso(), random_state=0).fit(X, y, t=t).effect_
    >>> bool(1 in effect.interval(0.99))
    True
    """

    def __init__(
        self,
        *,
        penalties: ArrayLike | None = None,
        n_penalties: int = 100,
        smallest: float = 1e-3,
        n_folds: int = 5,
        standardize: bool = True,
        features: Any = None,
        tolerance: float = 1e-9,
        max_sweeps: int = 10_000,
        random_state: RandomState = None,
    ) -> None:
        self.penalties = penalties
        self.n_penalties = n_penalties
        self.smallest = smallest
        self.n_folds = n_folds
        self.standardize = standardize
        self.features = features
        self.tolerance = tolerance
        self.max_sweeps = max_sweeps
        self.random_state = random_state

    def check(self) -> None:
        """Refuse settings that mean nothing."""
        super().check()
        check_positive(self.smallest, "smallest")
        check_positive(self.tolerance, "tolerance")
        check_count(self.max_sweeps, "max_sweeps")
        if self.smallest >= 1:
            raise InputError(
                f"smallest={self.smallest}; expected a share between 0 and 1, of the last penalty "
                "in the first. Use 1e-3, or 1e-2 where there are more columns than rows."
            )

    def _own_grid(self, train: Training, m: int) -> FloatArray:
        largest = float(np.abs(train.cross[m]).max(initial=0.0))
        # A target that nothing correlates with: any penalty will do.
        return np.geomspace(1.0, self.smallest, self.n_penalties) * (largest or 1.0)

    def _paths(self, train: Training, grids: Sequence[FloatArray]) -> tuple[list[FloatArray], int]:
        from causalkit.estimation.nuisances._penalised_kernels import lasso_path

        paths, restless = [], 0
        for cross, variance, grid in zip(train.cross, train.variances, grids, strict=True):
            least = self.tolerance * variance
            path, left = lasso_path(train.gram, cross, grid, least, int(self.max_sweeps))
            paths.append(path)
            restless += left
        return paths, restless
