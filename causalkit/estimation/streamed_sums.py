"""What :func:`~causalkit.estimation.out_of_core.estimate_streamed` adds up in its readings.

The second reading leaves products of columns by cell, from which the models of all folds and the
products of what they leave over follow; the third predicts each row, and adds up squares.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from causalkit.errors import InputError
from causalkit.estimation.nuisances.gram import CellMoments
from causalkit.estimation.nuisances.gram_learners import least_squares
from causalkit.estimation.nuisances.linear_fits import LinearFit, Training
from causalkit.estimation.orthogonal.partially_linear import PLR
from causalkit.estimation.regression import OLS
from causalkit.estimation.streamed_rows import Reading, row_folds
from causalkit.typing import FloatArray, IntArray

__all__ = ["Recipe", "Sums", "fit_folds", "left_over", "products_of"]

_SAME_ROWS = 1e-6
"""How far sums of two readings may differ, as a share, before they are of other rows."""

_ROUNDING = 1e-11
"""And as a share of all that outcome and treatment vary."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """Folds and learners; the key makes folds of row numbers."""

    estimator: OLS | PLR
    key: int

    @property
    def n_folds(self) -> int:
        """Outer folds; 1 where nothing is cross-fitted."""
        return self.estimator.n_folds if isinstance(self.estimator, PLR) else 1

    @property
    def learners(self) -> tuple[Any, ...]:
        """Learners of outcome and treatment; none for least squares on all rows."""
        if isinstance(self.estimator, OLS):
            return ()
        return self.estimator.outcome_learner, self.estimator.treatment_learner

    @property
    def n_hands(self) -> int:
        """Inner folds, of which those of each learner are unions."""
        return math.lcm(*(learner.n_hands for learner in self.learners))

    def cells(self, first: int, count: int) -> IntArray:
        """Cells of some rows."""
        return row_folds(first, count, self.key, self.n_folds, self.n_hands)


def products_of(reading: Reading, recipe: Recipe) -> CellMoments:
    """Products of adjustment columns, outcome and treatment, shape (n_folds, n_hands)."""
    n_cells = recipe.n_folds * recipe.n_hands
    total: CellMoments | None = None
    for block in reading.blocks():
        cells = recipe.cells(block.first, len(block.X))
        if block.weights is not None:
            cells[block.weights == 0] = -1
        part = CellMoments.of(block.X, block.Y, cells, n_cells, block.weights)
        total = part if total is None else total.merged(part)
    if total is None:
        raise InputError("the data have no rows in the second reading; expected the same rows.")
    return total.shaped(recipe.n_folds, recipe.n_hands)


def fit_folds(products: CellMoments, recipe: Recipe) -> tuple[list[LinearFit], int]:
    """A model of outcome and treatment for each fold, and coefficients of a single regression."""
    d = products.mean.shape[-1] - 2
    if not recipe.learners:
        train = Training.of(products.shaped(-1).pooled(), d, standardize=True)
        B, rank = least_squares(train) if d else (np.zeros((2, 0)), 0)
        return [train.fit_of(B, np.zeros(2))], rank + 2
    fits = []
    for fold in range(recipe.n_folds):
        cells = products.without(fold)
        if not cells.weight.sum() > 0:
            raise InputError(
                f"outside one fold no row is left, of {recipe.n_folds} folds; expected many rows "
                "in each. Use fewer folds, or read the rows into memory."
            )
        both = [_fit_one(cells, d, m, learner) for m, learner in enumerate(recipe.learners)]
        fits.append(
            LinearFit(
                both[0].centre,
                np.concatenate([fit.level for fit in both]),
                np.concatenate([fit.coefficients for fit in both]),
                np.concatenate([fit.penalties for fit in both]),
                sum(fit.n_restless for fit in both),
            )
        )
    return fits, 0


def _fit_one(cells: CellMoments, d: int, m: int, learner: Any) -> LinearFit:
    """Fit target m alone, on cells joined to the inner folds of its learner."""
    columns = [*range(d), d + m]
    own = CellMoments(
        cells.weight, cells.mean[..., columns], cells.gram[..., columns, :][..., columns]
    )
    fit: LinearFit = learner.fit_moments(own.shaped(-1, learner.n_hands).pooled(), d)
    return fit


def left_over(products: CellMoments, fits: Sequence[LinearFit]) -> FloatArray:
    """Sums of products of what is left of outcome and treatment in the rows left out, (2, 2)."""
    left = np.zeros((2, 2))
    for fold, fit in enumerate(fits):
        held, d = products[fold].pooled(), len(fit.centre)
        A = np.hstack([-fit.coefficients, np.eye(2)])
        off = held.mean[d:] - fit.level - fit.coefficients @ (held.mean[:d] - fit.centre)
        left += A @ held.gram @ A.T + held.weight * np.outer(off, off)
    return left


@dataclass(frozen=True, slots=True, eq=False)
class Sums:
    """Sums over rows of what is left of outcome (u) and treatment (v), with weights w.

    Attributes
    ----------
    products : ndarray of shape (2, 2)
        Of w (u, v)(u, v)'.
    squares : float
        Of w² v² (u − θ v)².
    n_weighted : int
        Rows with a positive weight.
    two_valued : bool
        Whether the treatment is its smallest or its largest value in each row.
    """

    products: FloatArray
    squares: float
    n_weighted: int
    two_valued: bool

    @classmethod
    def of(cls, reading: Reading, recipe: Recipe, fits: Sequence[LinearFit], theta: float) -> Sums:
        """Predict each row by the model of its fold."""
        from causalkit.estimation.nuisances._penalised_kernels import predict_cells

        models = (
            np.array([fit.centre for fit in fits]),
            np.array([fit.level for fit in fits]),
            np.array([fit.coefficients for fit in fits]),
        )
        products, squares, n_weighted, two_valued = np.zeros((2, 2)), 0.0, 0, True
        for block in reading.blocks():
            folds = recipe.cells(block.first, len(block.X)) // recipe.n_hands
            left = block.Y.T - predict_cells(block.X, folds, *models)
            w = np.ones(len(folds)) if block.weights is None else block.weights
            u, v = left
            products += (w * left) @ left.T
            squares += float(np.sum((w * v * (u - theta * v)) ** 2))
            n_weighted += int(np.count_nonzero(w))
            t = block.Y[:, 1]
            two_valued &= bool(np.isin(t, reading.ends(reading.treatment)).all())
        return cls(products, squares, n_weighted, two_valued)

    def check(self, expected: FloatArray, total: FloatArray) -> None:
        """Refuse rows that were others, or in another order, than in the second reading.

        Parameters
        ----------
        expected : ndarray of shape (2, 2)
            The same products, from the second reading.
        total : ndarray of shape (2,)
            Sums of squares of outcome and treatment, of which rounding takes a share.
        """
        size = np.sqrt(np.maximum(np.diagonal(expected), 0.0))
        slack = _SAME_ROWS * np.outer(size, size) + _ROUNDING * np.sqrt(np.outer(total, total))
        if not (np.abs(self.products - expected) <= slack).all():
            raise InputError(
                "the rows of the second and the third reading differ, or come in another order; "
                "expected the same each time. Sort the query, or write its result to a file."
            )
