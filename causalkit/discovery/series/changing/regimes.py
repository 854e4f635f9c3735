"""Regimes that are known: a graph for winter and one for summer, for day and night, war and peace.

What drives what may depend on a state of the world that somebody wrote down. Each regime gets the
graph that its own steps tell. A step of one regime may well have its past in another one: the past
is what it was, and only the step that is explained has to belong.

>>> import numpy as np
>>> rng = np.random.default_rng(0)
>>> x, y = rng.normal(size=(2, 800))
>>> season = np.arange(800) // 100 % 2
>>> for t in range(1, 800):
...     x[t] += 0.5 * x[t - 1]
...     y[t] += 0.6 * x[t - 1] if season[t] else 0.0
>>> from causalkit.discovery.series.momentary.pcmci import PCMCI
>>> data = {"x": x, "y": y, "season": np.where(season, "wet", "dry")}
>>> found = Regimes(PCMCI(alpha=0.01, min_lag=1), "season").fit(data)
>>> for season, graph in found.graphs_.items():
...     print(season, graph)
dry DAG of 2 series, lags to 1, 1 edge: x[t-1] -> x[t]
wet DAG of 2 series, lags to 1, 2 edges: x[t-1] -> x[t]; x[t-1] -> y[t]
>>> found.compare().differing
((x[t-1], y[t]),)
"""

from __future__ import annotations

from typing import Any, Self

from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from causalkit._core.parallel import check_jobs, run
from causalkit.discovery.base import Explanation
from causalkit.discovery.series.base import SeriesAlgorithm
from causalkit.discovery.series.changing._regime_links import RegimeLinks, links_of
from causalkit.discovery.series.changing._wrapping import fitted_to, read_labels, read_series
from causalkit.errors import InputError
from causalkit.graph import LaggedGraph
from causalkit.typing import Data, IntArray, Name

__all__ = ["Regimes"]


class Regimes(BaseEstimator):
    """Learn one graph for each regime.

    Parameters
    ----------
    algorithm : SeriesAlgorithm
        It is copied and left as it is.
    regime : name or array-like of shape (n_rows,)
        Column that says which regime a row is in, of any type, which is no series then; or the
        labels, of all rows one after the other if the data are a list.
    n_jobs : int, optional
        Parallel regimes; never changes the result.

    Attributes
    ----------
    graphs_ : dict of label to LaggedGraph
        In the order in which regimes appear.
    algorithms_ : dict of label to SeriesAlgorithm
        Fitted, with their `p_values_`, `explain` and so on.
    regimes_ : ndarray of int, shape (n_rows,)
        Number of each row's regime, in the order of `graphs_`.
    n_features_in_, feature_names_in_
        As of :class:`SeriesAlgorithm`.

    Notes
    -----
    **Assumes:**

    - a step has the links of the regime it is in; those of the step before do not linger on;
    - the assumptions of the algorithm, within each regime. That links and noise are the same at all
      of its steps is one of them;
    - the regime is no effect of the series: one that is switched on by a high value of a series
      selects its steps by what they are, and selection makes associations.

    Two regimes that differ in power differ in links, too: a link that is missing in a short regime
    may only be too weak to be seen there. `compare()` shows strengths beside links.

    References
    ----------
    Runge, Gerhardus, Varando, Eyring and Camps-Valls (2023), "Causal inference for time series",
    Nature Reviews Earth & Environment 4: 487-505, doi:10.1038/s43017-023-00431-y.
    """

    graphs_: dict[Any, LaggedGraph]
    algorithms_: dict[Any, SeriesAlgorithm]
    regimes_: IntArray
    n_features_in_: int
    feature_names_in_: NDArray[Any]

    def __init__(
        self, algorithm: SeriesAlgorithm, regime: Name | ArrayLike, *, n_jobs: int | None = None
    ) -> None:
        self.algorithm = algorithm
        self.regime = regime
        self.n_jobs = n_jobs

    def fit(self, X: Data, y: Any = None) -> Self:
        """Learn the graphs.

        Parameters
        ----------
        X : DataFrame, 2-D ndarray, or dict of columns; a list of them; or a 3-D ndarray
            As the algorithm takes it, and with the column `regime`.
        y : None
            Ignored; scikit-learn passes it.

        Returns
        -------
        self

        Raises
        ------
        InputError
            If a row has no regime, or the algorithm cannot be fitted to one of them.
        """
        del y
        check_jobs(self.n_jobs)
        named = isinstance(self.regime, (str, int))
        series = read_series(self, X, (self.regime,) if named else ())  # type: ignore[arg-type]
        labels, numbers = read_labels(X, self.regime, "regime")
        if len(numbers) != series.n_rows:
            raise InputError(
                f"regime has {len(numbers)} labels and the data have {series.n_rows} rows; "
                "expected one label a row. Take both from the same table."
            )
        jobs = [
            (self.algorithm, series, numbers == k, f"regime {label!r}")
            for k, label in enumerate(labels)
        ]
        fitted = run(fitted_to, jobs, n_jobs=self.n_jobs, label="regimes")
        self.regimes_ = numbers
        self.algorithms_ = dict(zip(labels, fitted, strict=True))
        self.graphs_ = {label: one.graph_ for label, one in self.algorithms_.items()}
        return self

    def compare(self) -> RegimeLinks:
        """Lay the graphs side by side, those links first that differ, by edge or by sign."""
        check_is_fitted(self, "graphs_")
        return links_of(self.graphs_, self.algorithms_)

    def explain(self, a: object, b: object) -> dict[Any, Explanation]:
        """Say in each regime why two nodes are joined or not."""
        check_is_fitted(self, "graphs_")
        return {label: one.explain(a, b) for label, one in self.algorithms_.items()}
