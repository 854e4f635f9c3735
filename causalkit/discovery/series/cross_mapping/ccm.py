"""CCM: convergent cross mapping, for series that are parts of one dynamical system.

In a system whose parts move each other without much noise, such as species, plasmas or climate, a
cause is no extra information: what X was is already in the past of Y, so that Granger's question
(does X help to forecast Y?) has the answer no. Cross mapping asks the other way around. If X drives
Y, then Y remembers X, and X can be read off the past of Y by looking at similar moments
(:mod:`~causalkit.discovery.series.cross_mapping._cross_map`). What tells a driver from mere
likeness is convergence: with more moments to choose from, more similar ones are found, and the
estimate of a true driver becomes better and better.

>>> import numpy as np
>>> x, y = np.full(300, 0.4), np.full(300, 0.2)
>>> for t in range(299):  # x drives y, and not the other way around
...     x[t + 1] = x[t] * (3.8 - 3.8 * x[t])
...     y[t + 1] = y[t] * (3.5 - 3.5 * y[t] - 0.1 * x[t])
>>> ccm = CCM(random_state=0).fit({"x": x, "y": y})
>>> print(ccm.graph_)
DAG of 2 series, lags to 1, 1 edge: x[t-1] -> y[t]
>>> bool(ccm.scores_[0, 1] > 0.8 > 0.4 > ccm.scores_[1, 0])
True
"""

from __future__ import annotations

from causalkit._core.checks import check_count
from causalkit._core.series import Series
from causalkit.discovery.base import Explanation
from causalkit.discovery.series.base import SeriesAlgorithm
from causalkit.discovery.series.cross_mapping._mapped import Mapped, explanation, map_pairs
from causalkit.discovery.series.cross_mapping.convergence import CrossMapConvergence
from causalkit.graph import Lagged, LaggedGraph, SummaryGraph
from causalkit.typing import FloatArray, Name, RandomState

__all__ = ["CCM"]


class CCM(SeriesAlgorithm):
    """Convergent cross mapping between all pairs of series.

    Parameters
    ----------
    embedding : int, optional
        Coordinates of a point: how many past values are laid side by side. Left out, each series
        has as many, from 2 to `max_embedding`, as forecast it best.
    max_embedding : int
    delay : int
        Steps between the coordinates. Flows that are sampled finely want more than one.
    n_neighbors : int, optional
        Left out, one more than coordinates, the least that can surround a point.
    theiler : int, optional
        Moments that are at most so many steps apart are not compared. Left out, as many steps as a
        point spans: those that share values.
    max_library : int, optional
        Moments among which neighbours are looked for, drawn at random; all of them if left out.
    n_libraries : int
        Libraries drawn of each smaller size.
    surrogate : {"phase", "shift", "seasonal", "swap"}
        What chance is: see Notes.
    n_surrogates : int
    period : int, optional
        Steps of a season, for seasonal surrogates.
    alpha : float
        Level of the test of each link.
    max_lag : int
        0 estimates the causes at the same moment. Above, so many steps before and after too
        (time-delayed CCM): a link needs the best estimate not to be of a later step, and stands in
        the graph at the lag of the best estimate. To choose it, add the longest delay that you
        expect to the span of a point, `delay * (embedding - 1)` steps: the best estimate lies
        between the delay and this sum. A `lag_profile_` that is highest at its very end wants a
        larger one. Each step costs moments at both ends of a series, and a cross map a pair. 0 will
        do for short delays and couplings that are not strong: the skill at the same moment falls
        with the delay, and under strong coupling both directions are found.
    panel, time, mask : str or int, optional
        Columns that tell subjects, times, and rows that may be "now".
    random_state : int, Generator or None, default 0
        Draws libraries and surrogates.
    n_jobs : int, optional
        Threads.

    Attributes
    ----------
    graph_ : LaggedGraph
        Without `max_lag`, each link stands at lag 1 in it, for want of a measured one. Whether a
        series drives itself is not asked.
    summary_graph_ : SummaryGraph
    scores_ : ndarray of shape (p, p)
        `[cause, effect]`: skill of the cross map, its best over the lags from 0. On the diagonal
        how well the series forecasts itself.
    strengths_, p_values_ : ndarrays of shape (max_lag + 1, p, p)
        `[lag, cause, effect]`: skill, and the larger p-value of those of the skill and its growth,
        over all lags together.
    lag_profile_ : ndarray of shape (2 * max_lag + 1, p, p)
        Skill by lag, from `-max_lag` (a later step) to `max_lag` (an earlier one).
    convergence_ : CrossMapConvergence
        Skill by size of the library.
    embedding_ : tuple of int
        Coordinates of each series.
    n_obs_ : int
        Moments compared.

    Notes
    -----
    **Assumes:**

    - the series are observed parts of one deterministic system, with little noise, that has been on
      its attractor all the time; in purely random series there is nothing to be read off;
    - the coupling is not so strong that the driven series merely copies its driver: then both
      directions are found;
    - a common driver of two series synchronises neither of them;
    - links are not told from chains of links: X → Y → Z gives X → Z too (:class:`MXMap` asks).

    A p-value is the share of surrogates of the cause that do as well; the effect is left as it is.
    "phase" keeps the spectrum, "shift" the whole course but for its start, "seasonal" the season
    and the spectrum of what departs from it, "swap" takes the course of another subject.

    Results depend neither on units nor on the order of columns. No point and no lag reaches over a
    border.

    References
    ----------
    .. [1] Sugihara, May, Ye, Hsieh, Deyle, Fogarty, Munch (2012). Detecting causality in complex
       ecosystems. doi:10.1126/science.1227079
    .. [2] Ye, Deyle, Gilarranz, Sugihara (2015). Distinguishing time-delayed causal interactions
       using convergent cross mapping. doi:10.1038/srep14750
    """

    graph_: LaggedGraph
    summary_graph_: SummaryGraph
    scores_: FloatArray
    strengths_: FloatArray
    p_values_: FloatArray
    lag_profile_: FloatArray
    convergence_: CrossMapConvergence
    embedding_: tuple[int, ...]
    _mapped: Mapped

    def __init__(
        self,
        embedding: int | None = None,
        *,
        max_embedding: int = 6,
        delay: int = 1,
        n_neighbors: int | None = None,
        theiler: int | None = None,
        max_library: int | None = None,
        n_libraries: int = 20,
        surrogate: str = "phase",
        n_surrogates: int = 99,
        period: int | None = None,
        alpha: float = 0.05,
        max_lag: int = 0,
        panel: Name | None = None,
        time: Name | None = None,
        mask: Name | None = None,
        random_state: RandomState = 0,
        n_jobs: int | None = None,
    ) -> None:
        self.embedding = embedding
        self.max_embedding = max_embedding
        self.delay = delay
        self.n_neighbors = n_neighbors
        self.theiler = theiler
        self.max_library = max_library
        self.n_libraries = n_libraries
        self.surrogate = surrogate
        self.n_surrogates = n_surrogates
        self.period = period
        self.alpha = alpha
        self.max_lag = max_lag
        self.panel = panel
        self.time = time
        self.mask = mask
        self.n_jobs = n_jobs
        self.random_state = random_state

    def _fit(self, series: Series) -> None:
        check_count(self.max_lag, "max_lag", minimum=0)
        found = map_pairs(self, series, max_lag=self.max_lag)
        self._mapped = found
        self.embedding_ = found.points.dimensions
        self.n_obs_ = found.moments.n
        self.lag_profile_ = found.maps.profile
        self.strengths_ = found.strengths
        self.p_values_ = found.p_values
        self.scores_ = found.scores
        self.convergence_ = found.convergence
        self.graph_ = found.graph(found.links(self.alpha))
        self.summary_graph_ = self.graph_.summary_graph()

    def _explain(self, past: Lagged, now: Lagged) -> Explanation:
        return explanation(self.graph_, past, now, self._mapped.sentence, nominal=not self.max_lag)
