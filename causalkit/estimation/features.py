"""`Powers`: squares and cubes of the adjustment columns, without cross products.

Any scikit-learn transformer may stand in its place: `PolynomialFeatures(2)`, `SplineTransformer()`,
a pipeline. It is fitted on the adjustment columns only, never on treatment or outcome.
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, TransformerMixin, clone

from causalkit._core.checks import check_count
from causalkit.errors import InputError, NumericalError
from causalkit.estimation.problem import Problem
from causalkit.typing import FloatArray

__all__ = ["Powers", "expanded"]


class Powers(TransformerMixin, BaseEstimator):
    """Each column to the powers 1, …, degree; a column with two values only once.

    Parameters
    ----------
    degree : int

    Examples
    --------
    >>> import numpy as np
    >>> Powers(2).fit_transform(np.array([[2.0, 0.0], [3.0, 1.0], [4.0, 1.0]]))
    array([[ 2.,  0.,  4.],
           [ 3.,  1.,  9.],
           [ 4.,  1., 16.]])
    """

    def __init__(self, degree: int = 2) -> None:
        self.degree = degree

    def fit(self, X: ArrayLike, y: object = None) -> Self:  # noqa: ARG002
        """Learn which columns have more than two values."""
        check_count(self.degree, "degree")
        columns = np.asarray(X, dtype=np.float64)
        self.n_features_in_ = columns.shape[1]
        self.varies_ = np.array([len(np.unique(column)) > 2 for column in columns.T], dtype=bool)
        return self

    def transform(self, X: ArrayLike) -> FloatArray:
        """Return the powers, shape (n, k + (degree − 1) · columns with more than two values)."""
        columns = np.asarray(X, dtype=np.float64)
        varying = columns[:, self.varies_]
        return np.hstack([columns, *(varying**d for d in range(2, self.degree + 1))])


def expanded(features: Any, problem: Problem) -> FloatArray:
    """Adjustment columns as the transformer expands them, shape (n, n_features)."""
    if features is None or problem.X.shape[1] == 0:
        return problem.X
    if not hasattr(features, "fit") or not hasattr(features, "transform"):
        raise InputError(
            f"features={features!r}; expected a transformer such as Powers(2) or scikit-learn's "
            "PolynomialFeatures(2), an object with fit and transform."
        )
    columns = clone(features).fit(problem.X).transform(problem.X)
    if hasattr(columns, "toarray"):
        columns = columns.toarray()
    matrix = np.asarray(columns, dtype=np.float64)
    if matrix.ndim != 2 or len(matrix) != problem.n_obs:
        raise InputError(
            f"features={features} returned shape {matrix.shape}; expected one row for each of the "
            f"{problem.n_obs} rows."
        )
    if not np.isfinite(matrix).all():
        raise NumericalError(
            f"features={features} returned NaN or infinity; expected finite numbers. Rescale the "
            "adjustment columns, or use a lower degree."
        )
    return matrix
