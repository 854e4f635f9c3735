"""What every algorithm for series shares: reading them, `graph_`, and an answer to "why?".

An algorithm derives from :class:`SeriesAlgorithm`, has the settings `max_lag`, `panel`, `time` and
`mask`, and writes `_fit(series)`, which sets `graph_`, and `_explain(past, now)`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Self

from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from causalkit._core.series import Series, as_series
from causalkit.discovery.base import Explanation, nodes_asked, note_columns
from causalkit.graph import Lagged, LaggedGraph
from causalkit.graph.lagged import as_lagged
from causalkit.typing import Data, Name

__all__ = ["SeriesAlgorithm"]


class SeriesAlgorithm(BaseEstimator, ABC):
    """Base of the algorithms that learn a graph of series.

    Attributes
    ----------
    graph_ : LaggedGraph
        What was learnt, over the series in the order of the data.
    n_obs_ : int
        Steps that the answer rests on: those with all their lags.
    n_features_in_ : int
        Number of series.
    feature_names_in_ : ndarray of str
        Their names; set if the data had names, all of them strings.
    """

    max_lag: Any  # a number; or, of some algorithms, a rule that chooses one
    panel: Name | None
    time: Name | None
    mask: Name | None

    graph_: LaggedGraph
    n_obs_: int
    n_features_in_: int
    feature_names_in_: NDArray[Any]

    def fit(self, X: Data, y: Any = None) -> Self:
        """Learn the graph.

        Parameters
        ----------
        X : DataFrame, 2-D ndarray, or dict of columns; a list of them; or a 3-D ndarray
            One row a step, in the order of time. A list, or an array of shape
            (n_subjects, n_steps, n_series), holds several series of the same variables; so does
            one frame with a column `panel`. Rows are steps unless a date index (pandas) or the
            column `time` says otherwise; a step that is missing, or has a missing cell, is a border
            that no lag reaches over.
        y : None
            Ignored; scikit-learn passes it.

        Returns
        -------
        self
        """
        del y
        series = as_series(X, panel=self.panel, time=self.time, mask=self.mask)
        note_columns(self, X, series.names)
        self._fit(series)
        return self

    def explain(self, a: object, b: object) -> Explanation:
        """Say why two nodes are joined or not, and what directed the edge.

        Parameters
        ----------
        a, b : Lagged, str, int, or (name, lag)
            Two nodes, such as `"X[t-1]"` and `"Y[t]"`; `"Y"` is Y[t]. Only the steps between the
            two count.

        Raises
        ------
        UnknownVariableError
            If there is no such series.
        InputError
            If the two are one, or farther apart than `max_lag`.
        """
        check_is_fitted(self, "graph_")
        past, now = nodes_asked(self.graph_, a, b)
        return self._explain(as_lagged(past), as_lagged(now))

    @abstractmethod
    def _fit(self, series: Series) -> None:
        """Learn from the series, and set `graph_` and `n_obs_`."""

    @abstractmethod
    def _explain(self, past: Lagged, now: Lagged) -> Explanation:
        """Answer `explain` for two nodes, the later one at t."""
