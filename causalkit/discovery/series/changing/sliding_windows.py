"""Sliding windows: which links last, and which come and go.

One graph for all steps is an average over time. Learnt again in each of many windows, it shows
which links are always there, which fade, and when they do; no regimes need be known, and none are
assumed to last.

>>> import numpy as np
>>> rng = np.random.default_rng(0)
>>> x, y = rng.normal(size=(2, 1000))
>>> for t in range(1, 1000):
...     y[t] += (0.8 if t < 500 else 0.0) * x[t - 1]
>>> from causalkit.discovery.series.momentary.pcmci import PCMCI
>>> windows = SlidingWindows(PCMCI(min_lag=1, alpha=0.01), window=250).fit({"x": x, "y": y})
>>> windows.starts_
array([  0, 125, 250, 375, 500, 625, 750])
>>> windows.frequencies_.of("x[t-1]", "y")["->"] > 0.5
True
>>> link = windows.over_time("x[t-1]", "y")
>>> print(link.edges)
('->', '->', '->', '->', 'none', 'none', 'none')
>>> bool(link.strengths[0] > 0.5 > link.strengths[-1])
True
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from causalkit._core.checks import check_count, check_fraction
from causalkit._core.parallel import check_jobs, run
from causalkit._core.report import Report, Reported
from causalkit._core.series import Series
from causalkit.discovery._setup import in_name_order
from causalkit.discovery.base import nodes_asked
from causalkit.discovery.resampling._plans import SeriesPlan
from causalkit.discovery.resampling._replicates import Learnt, summarise
from causalkit.discovery.resampling.edge_frequencies import EdgeFrequencies, count_edges
from causalkit.discovery.series.base import SeriesAlgorithm
from causalkit.discovery.series.changing._regime_links import edge_of, number_of
from causalkit.discovery.series.changing._wrapping import read_series, try_to_fit
from causalkit.errors import InputError, NumericalError
from causalkit.graph import Lagged, LaggedGraph
from causalkit.graph.lagged import as_lagged
from causalkit.graph.lagged_template import lagged_nodes
from causalkit.typing import Data, FloatArray, IntArray

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["LinkOverTime", "SlidingWindows"]

_SHOWN: Final = 20


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class LinkOverTime(Reported):
    """One link, window by window.

    Attributes
    ----------
    pair : tuple of two Lagged
        The earlier node, and the one at t.
    times : ndarray of shape (n_windows,)
        When each window begins: a stamp, or the number of a step.
    edges : tuple of str
        What joins the two, "none", or "failed" where nothing was learnt.
    strengths, p_values : ndarrays of shape (n_windows,)
        What the algorithm says of the link from the first to the second; NaN if it says nothing.
    """

    pair: tuple[Lagged, Lagged]
    times: NDArray[Any]
    edges: tuple[str, ...]
    strengths: FloatArray
    p_values: FloatArray

    def to_frame(self) -> pd.DataFrame:
        """One row for each window: `begins`, `edge`, `strength`, `p_value`."""
        import pandas as pd

        return pd.DataFrame(
            {
                "begins": self.times,
                "edge": list(self.edges),
                "strength": self.strengths,
                "p_value": self.p_values,
            }
        )

    def plot(self, ax: Axes | None = None, **style: Any) -> Axes:
        """Draw strengths over time; see :func:`causalkit.plotting.plot_link_over_time`."""
        from causalkit.plotting.link_over_time import plot_link_over_time

        return plot_link_over_time(self, ax=ax, **style)

    def _report(self) -> Report:
        a, b = self.pair
        n, joined = len(self.edges), sum(e not in ("none", "failed") for e in self.edges)
        columns = zip(self.times, self.edges, self.strengths, self.p_values, strict=True)
        rows = [[_stamp(when), *rest] for when, *rest in columns][:_SHOWN]
        return Report(
            f"{a} and {b} over time",
            facts=[("joined", f"in {joined} of {n} windows")],
            columns=["begins", "edge", "strength", "p-value"],
            rows=rows,
            notes=[f"… and {n - _SHOWN} windows more"] if n > _SHOWN else [],
        )


class SlidingWindows(BaseEstimator):
    """Learn a graph in each of many windows of time.

    Parameters
    ----------
    algorithm : SeriesAlgorithm
        It is copied and left as it is.
    window : int
        Steps that are "now" in a window. Their pasts may lie before it.
    step : int, optional
        Steps from one window to the next; half a window if left out.
    threshold : float, default 0.5
        Pairs that at least this share of the windows join are joined in `graph_`.
    n_jobs : int, optional
        Parallel windows; never changes the result.

    Attributes
    ----------
    graphs_ : tuple of LaggedGraph or None
        One a window; None where the algorithm could not be fitted.
    algorithms_ : tuple of SeriesAlgorithm or None
    failures_ : dict of int to str
        Windows without a graph, and why; they count in no share.
    starts_ : ndarray of int, shape (n_windows,)
        First step of each window. Steps are counted from 0 on, those that are missing left out.
    times_ : ndarray, shape (n_windows,)
        The stamp at which each window begins, or the number of the step without stamps.
    frequencies_ : EdgeFrequencies
        Share of the windows with each link.
    graph_ : LaggedGraph
        The windows summed up, as :class:`Bootstrap` sums up replicates.
    n_features_in_, feature_names_in_
        As of :class:`SeriesAlgorithm`.

    Notes
    -----
    **Assumes:** the assumptions of the algorithm, within each window. So links change slowly, if at
    all: what changes within a window is averaged.

    Windows that overlap share steps, and even those that do not are tested one by one: with many
    windows and links some come and go by chance. Short windows miss weak links, too. A link that
    fades shows in `strengths`, which are comparable, rather than in whether it is significant.

    References
    ----------
    Runge, Gerhardus, Varando, Eyring and Camps-Valls (2023), "Causal inference for time series",
    Nature Reviews Earth & Environment 4: 487-505, doi:10.1038/s43017-023-00431-y.
    """

    graphs_: tuple[LaggedGraph | None, ...]
    algorithms_: tuple[SeriesAlgorithm | None, ...]
    failures_: dict[int, str]
    starts_: IntArray
    times_: NDArray[Any]
    frequencies_: EdgeFrequencies
    graph_: LaggedGraph
    n_features_in_: int
    feature_names_in_: NDArray[Any]

    def __init__(
        self,
        algorithm: SeriesAlgorithm,
        *,
        window: int,
        step: int | None = None,
        threshold: float = 0.5,
        n_jobs: int | None = None,
    ) -> None:
        self.algorithm = algorithm
        self.window = window
        self.step = step
        self.threshold = threshold
        self.n_jobs = n_jobs

    def fit(self, X: Data, y: Any = None) -> Self:
        """Learn the graphs.

        Parameters
        ----------
        X : DataFrame, 2-D ndarray, or dict of columns; a list of them; or a 3-D ndarray
            As the algorithm takes it. Of several subjects a window has the steps of one time.
        y : None
            Ignored; scikit-learn passes it.

        Returns
        -------
        self

        Raises
        ------
        InputError
            If no window fits into the series.
        NumericalError
            If the algorithm cannot be fitted in any window.
        """
        del y
        window = check_count(self.window, "window")
        step = max(1, window // 2) if self.step is None else check_count(self.step, "step")
        threshold = check_fraction(self.threshold, "threshold", closed=True)
        check_jobs(self.n_jobs)
        series = read_series(self, X)
        n_steps = int(series.when.max()) + 1
        if window > n_steps:
            raise InputError(
                f"window={window} and the series have {n_steps} steps; expected fewer steps in a "
                "window. Use a smaller window."
            )
        self.starts_ = np.arange(0, n_steps - window + 1, step)
        self.times_ = self.starts_ if series.times is None else series.times[self.starts_]
        jobs = [
            (self.algorithm, series, (series.when >= start) & (series.when < start + window))
            for start in self.starts_.tolist()
        ]
        found = run(try_to_fit, jobs, n_jobs=self.n_jobs, label="windows")
        self.algorithms_ = tuple(x if isinstance(x, SeriesAlgorithm) else None for x in found)
        self.graphs_ = tuple(None if x is None else x.graph_ for x in self.algorithms_)
        self._sum_up(series, found, threshold)
        return self

    def _sum_up(self, series: Series, found: list[Any], threshold: float) -> None:
        ordered = series.select(in_name_order(series.names))
        plan = SeriesPlan(self.algorithm, series, ordered, None)
        good = next((x for x in found if isinstance(x, SeriesAlgorithm)), None)
        if good is None:
            raise NumericalError(
                f"{type(self.algorithm).__name__} failed in all {len(found)} windows, in the first "
                f"one because: {found[0]} Expected windows in which it works as on all steps; make "
                f"them longer than window={self.window}."
            )
        learnt = [_learnt(x, plan.names(good)) for x in found]
        graphs, self.failures_ = summarise(learnt, plan.frame(learnt, good), "SlidingWindows")
        share = graphs.joined()
        kept = (share >= threshold) & (share > 0)
        self.graph_, shown, _ = plan.summed_up(graphs, kept, share)
        self.frequencies_ = count_edges(self.graph_, shown.matrices())

    def over_time(self, cause: object, effect: object) -> LinkOverTime:
        """Follow one link from window to window.

        Parameters
        ----------
        cause, effect : Lagged, str, int, or (name, lag)
            Two nodes, such as `"X[t-1]"` and `"Y[t]"`; `"Y"` is Y[t].

        Raises
        ------
        UnknownVariableError
            If there is no such series.
        InputError
            If the two are one, or farther apart than the longest lag.
        """
        check_is_fitted(self, "graphs_")
        past, now = map(as_lagged, nodes_asked(self.graph_, cause, effect))
        fitted = self.algorithms_
        edges = tuple("failed" if x is None else edge_of(x.graph_, past, now) for x in fitted)
        strengths, p_values = (
            np.array([number_of(x, what, past, now) for x in fitted])
            for what in ("strengths_", "p_values_")
        )
        return LinkOverTime((past, now), self.times_, edges, strengths, p_values)


def _stamp(when: Any) -> str:
    """A date without the hours that it does not need."""
    return str(
        np.datetime_as_string(when, unit="auto") if isinstance(when, np.datetime64) else when
    )


def _learnt(found: Any, names: tuple[Any, ...]) -> Learnt:
    if not isinstance(found, SeriesAlgorithm):
        return Learnt(None, f"{type(found).__name__}: {found}")
    graph = found.graph_
    ends = graph.template.reordered(lagged_nodes(names, graph.max_lag)).ends
    rows, columns = np.nonzero(ends)
    return Learnt((rows, columns, ends[rows, columns]), None, graph.kind)
