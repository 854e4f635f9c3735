"""What every algorithm for series shares: reading them, `graph_`, and an answer to "why?".

An algorithm derives from :class:`SeriesAlgorithm`, has the settings `max_lag`, `panel`, `time` and
`mask`, and writes `_fit(series)`, which sets `graph_`, and `_explain(past, now)`.
"""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from causalkit._core.series import Series, as_series
from causalkit._core.step_lengths import steps_in
from causalkit.discovery.base import Explanation, nodes_asked, note_columns
from causalkit.discovery.series.preparation.outages import find_outages, named_outages
from causalkit.errors import AssumptionWarning, InputError
from causalkit.graph import Lagged, LaggedGraph
from causalkit.graph.lagged import as_lagged
from causalkit.typing import Data, Name

if TYPE_CHECKING:
    import pandas as pd

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

        Warns
        -----
        AssumptionWarning
            If cells look as if nobody had measured them: a code such as -9999, or a value that
            stands too long. They are taken as they are.
        """
        del y
        series = as_series(X, panel=self.panel, time=self.time, mask=self.mask)
        note_columns(self, X, series.names)
        _refuse_length(self.max_lag, series)
        _warn_of_outages(series)
        self._fit(series)
        return self

    def to_frame(self) -> pd.DataFrame:
        """Return a row for each edge of `graph_`, with what was learnt about it.

        Returns
        -------
        DataFrame
            Columns `cause`, `effect`, `lag` and `edge` as :meth:`LaggedGraph.to_frame` has them,
            then `strength` and `p_value` where the algorithm has `strengths_` and `p_values_`.

        Examples
        --------
        >>> import numpy as np
        >>> from causalkit.discovery import PCMCIPlus
        >>> x, y = np.random.default_rng(0).normal(size=(2, 300))
        >>> y[1:] += 0.8 * x[:-1]
        >>> PCMCIPlus(max_lag=1).fit({"x": x, "y": y}).to_frame().round(2)
          cause effect  lag edge  strength  p_value
        0     x      y    1   ->       ...      0.0
        """
        check_is_fitted(self, "graph_")
        frame, where = self.graph_.to_frame(), self.graph_.index
        place = (
            frame["lag"].to_numpy(dtype=np.intp),
            np.array([where(name) for name in frame["cause"]], dtype=np.intp),
            np.array([where(name) for name in frame["effect"]], dtype=np.intp),
        )
        for column, attribute in (("strength", "strengths_"), ("p_value", "p_values_")):
            values = getattr(self, attribute, None)
            if isinstance(values, np.ndarray) and values.ndim == 3:
                frame[column] = values[place]
        return frame

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


def _refuse_length(max_lag: object, series: Series) -> None:
    """Refuse a length of time as the longest lag, with the number of steps that it is."""
    if isinstance(max_lag, str) and max_lag[:1].isdigit():
        n_steps = steps_in(max_lag, series.times, "max_lag")
        raise InputError(
            f"max_lag={max_lag!r}; expected a number of steps. It is {n_steps} of them: say "
            f"max_lag={n_steps}."
        )


def _warn_of_outages(series: Series) -> None:
    outages = find_outages(series)
    if outages.cells.any():
        warnings.warn(
            f"cells look as if they had not been measured: {named_outages(outages, series.names)}. "
            "They are taken as they are, and make links and hide some. If they are no values of "
            "the quantity, make them missing, e.g. data.replace(code, np.nan); no lag reaches over "
            "a missing cell.",
            AssumptionWarning,
            stacklevel=3,
        )
