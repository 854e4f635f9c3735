"""Feature selection for prediction: keep the Markov boundary of what is to be predicted.

Given its boundary a target is independent of everything else, so the boundary is the smallest set
of features that loses nothing; a filter that looks at one feature at a time keeps all that are
associated with the target in whatever roundabout way.

>>> import numpy as np
>>> rng = np.random.default_rng(1)
>>> X = rng.normal(size=(500, 40))
>>> X[:, 1] += X[:, 0]  # associated with y, but only through column 0
>>> y = X[:, 0] + X[:, 5] + rng.normal(size=500)
>>> MarkovBoundarySelector().fit(X, y).get_support(indices=True)
array([0, 5])
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from numbers import Real
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.feature_selection import SelectorMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_consistent_length, check_is_fitted, column_or_1d

from causalkit._core.column_values import Levels, is_missing
from causalkit._core.table import Table
from causalkit.discovery._setup import as_test
from causalkit.discovery.base import read_columns
from causalkit.discovery.local.markov_boundary import MarkovBoundary
from causalkit.errors import InputError
from causalkit.independence import CITest, FisherZ
from causalkit.typing import BoolArray, Data, FloatArray, Name

__all__ = ["MarkovBoundarySelector"]

_MOST_CLASSES: Final = 20


class MarkovBoundarySelector(SelectorMixin, BaseEstimator):
    """Keep the features in the Markov boundary of the target; a scikit-learn transformer.

    Parameters
    ----------
    test : CITest, optional
        Conditional-independence test. Left out: FisherZ if no feature and not the target has more
        than two classes, GSquare if all of them are categorical, DegenerateGaussian else.
    method, alpha, familywise, max_order, n_jobs
        As for :class:`~causalkit.discovery.MarkovBoundary`.

    Attributes
    ----------
    support_ : ndarray of bool, shape (n_features,)
        Features that are kept.
    search_ : MarkovBoundary
        The search, with its trace; the features have their names, the target is called `"y"` (or
        `"y_"` if a feature is).
    test_ : CITest
        The test that was used.
    n_features_in_ : int
        Number of features seen.
    feature_names_in_ : ndarray of str
        Their names; set if the data had names, all of them strings.

    Raises
    ------
    InputError
        If the target is constant or has missing values, or the features cannot be read.
    NumericalError
        If a feature is a copy of the target.

    Notes
    -----
    **Assumes:** what :class:`~causalkit.discovery.MarkovBoundary` assumes.

    A target of texts, booleans or categories is one of classes, and so is one of integers with at
    most 20 different values; any other target is a number (`y.astype(float)` makes it one). A
    feature is categorical or boolean if its column is. Constant features are never kept. Nothing
    is selected where nothing is associated; scikit-learn then warns. With a test on groups the
    columns of a group are kept together; columns of weights or clusters are used and never kept.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> rng = np.random.default_rng(0)
    >>> frame = pd.DataFrame(rng.normal(size=(400, 4)), columns=["age", "dose", "noise", "moon"])
    >>> ill = np.where(frame["age"] + frame["dose"] + rng.normal(size=400) > 0, "yes", "no")
    >>> model = make_pipeline(MarkovBoundarySelector(), LogisticRegression()).fit(frame, ill)
    >>> model[0].get_feature_names_out().tolist()
    ['age', 'dose']

    References
    ----------
    Koller and Sahami (1996), "Toward optimal feature selection", ICML. Aliferis et al. (2010),
    "Local causal and Markov blanket induction for causal discovery and feature selection",
    JMLR 11: 171-234.
    """

    support_: BoolArray
    search_: MarkovBoundary
    test_: CITest
    n_features_in_: int
    feature_names_in_: NDArray[Any]

    def __init__(
        self,
        test: CITest | None = None,
        *,
        method: str = "fbed",
        alpha: float = 0.05,
        familywise: bool = True,
        max_order: int | None = None,
        n_jobs: int | None = None,
    ) -> None:
        self.test = test
        self.method = method
        self.alpha = alpha
        self.familywise = familywise
        self.max_order = max_order
        self.n_jobs = n_jobs

    def fit(self, X: Data, y: Any = None) -> Self:
        """Find the boundary of `y` among the columns of `X`.

        Parameters
        ----------
        X : DataFrame, 2-D ndarray, or dict of columns, n_rows by n_features
            Features.
        y : array of shape (n_rows,)
            Target: numbers or classes.

        Returns
        -------
        self
        """
        if y is None:
            raise InputError(
                "MarkovBoundarySelector requires y to be passed, but the target y is None; "
                "expected one value a row. Call fit(X, y)."
            )
        features = read_columns(self, X if _has_columns(X) else np.asarray(X))
        values, levels = _read_target(y)
        check_consistent_length(features.values, values)
        if features.n_rows and values.min() == values.max():
            raise InputError(
                "the target y holds one value only; expected numbers or classes that vary. Bring "
                "rows with other values."
            )
        nodes = as_test(self.test).nodes(features.names)
        table, target = _joined(features, nodes, values, levels)
        self.test_ = _default_test(table.levels) if self.test is None else self.test
        self.search_ = MarkovBoundary(
            target,
            self.test_,
            method=self.method,
            alpha=self.alpha,
            familywise=self.familywise,
            max_order=self.max_order,
            n_jobs=self.n_jobs,
        )
        found: frozenset[Name] = frozenset()
        if len(self.test_.nodes(table.names)) > 1:
            boundary = self.search_.fit(table).boundary_
            found = frozenset(self.test_.columns(boundary)) - frozenset(self.test_.columns(()))
        self.support_ = np.array([name in found for name in features.names], dtype=np.bool_)
        return self

    def _get_support_mask(self) -> BoolArray:
        check_is_fitted(self, "support_")
        return self.support_

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        return tags


def _has_columns(X: Data) -> bool:
    """Whether it is a table, or sparse, rather than something that can be made an array."""
    return isinstance(X, Mapping) or any(
        hasattr(X, mark) for mark in ("columns", "column_names", "collect", "tocsr")
    )


def _read_target(y: Any) -> tuple[FloatArray, Levels]:
    """Numbers and None, or codes and classes."""
    categorical = str(getattr(y, "dtype", "")).lower().startswith(("categor", "enum"))
    column = column_or_1d(np.asarray(y), warn=True)
    if column.dtype == object:
        if any(is_missing(cell) for cell in column):
            raise _holes()
        if all(isinstance(cell, Real) for cell in column):
            column = np.array(column.tolist())
    if column.dtype.kind == "f" and not categorical:
        if not np.isfinite(column).all():
            raise _holes()
        return column.astype(np.float64), None
    classes, codes = np.unique(
        column.astype(str) if column.dtype == object else column, return_inverse=True
    )
    if column.dtype.kind in "iu" and not categorical and len(classes) > _MOST_CLASSES:
        return column.astype(np.float64), None
    return codes.astype(np.float64), tuple(classes.tolist())


def _holes() -> InputError:
    return InputError(
        "the target y has missing or infinite values (NaN or inf); expected a value in every row. "
        "Drop the rows without one."
    )


def _joined(
    features: Table, nodes: tuple[Name, ...], values: FloatArray, levels: Levels
) -> tuple[Table, Name]:
    """Features that are not constant, with the target as one more column, and what it is called.

    Columns that are no variables of their own are left for the test to judge.
    """
    matrix = features.values
    alone = np.array([name in nodes for name in features.names], dtype=np.bool_)
    constant = matrix.min(axis=0) == matrix.max(axis=0)  # with NaN it is not: to be refused
    varying = np.flatnonzero(~(alone & constant))
    names = [features.names[k] for k in varying]
    target = "y"
    while target in (*features.names, *nodes):
        target += "_"
    joined = np.asfortranarray(np.column_stack((matrix[:, varying], values)))
    joined.flags.writeable = False
    kinds = [features.levels[k] for k in varying]
    return Table((*names, target), joined, (*kinds, levels)), target


def _default_test(levels: Iterable[Levels]) -> CITest:
    listed = list(levels)
    if all(kind is None or len(kind) <= 2 for kind in listed):
        return FisherZ()
    if all(kind is not None for kind in listed):
        from causalkit.independence.g_square import GSquare

        return GSquare()
    from causalkit.independence.degenerate_gaussian import DegenerateGaussian

    return DegenerateGaussian()
