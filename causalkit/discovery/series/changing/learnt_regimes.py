"""Regimes that nobody wrote down: find when links change, and the graph of each regime.

Links may come and go with a state of the world that is not in the data. If it stays for a while
each time, it can be found, since within a regime the present follows from the past in one way:

1. given the regimes, learn a graph in each, and predict each series from its causes;
2. given the predictions, assign each step to the regime that predicts it best, with no more than so
   many transitions,

and so on in turns, until nothing changes. This is the scheme of Regime-PCMCI; see Notes for what is
done otherwise.

>>> import numpy as np
>>> rng = np.random.default_rng(0)
>>> x, y = rng.normal(size=(2, 600))
>>> hidden = np.arange(600) // 150 % 2
>>> for t in range(1, 600):
...     x[t] += 0.6 * x[t - 1]
...     y[t] += (0.8 if hidden[t] else -0.8) * x[t - 1]
>>> from causalkit.discovery.series.momentary.pcmci import PCMCI
>>> found = LearntRegimes(PCMCI(min_lag=1, alpha=0.01), 2, max_transitions=3, random_state=0)
>>> found = found.fit({"x": x, "y": y})
>>> bool((found.regimes_[1:] == hidden[1:]).mean() > 0.95)
True
>>> print(found.compare().of("x[t-1]", "y"))
{0: '->', 1: '->'}
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from causalkit._core.checks import check_count
from causalkit._core.parallel import check_jobs, run
from causalkit._core.random import as_generator
from causalkit._core.series import Series
from causalkit.discovery.base import Explanation
from causalkit.discovery.series.base import SeriesAlgorithm
from causalkit.discovery.series.changing._regime_links import RegimeLinks, links_of
from causalkit.discovery.series.changing._regime_search import (
    Design,
    assign,
    costs_of,
    search_regimes,
)
from causalkit.discovery.series.changing._wrapping import fitted_to, read_series
from causalkit.errors import InputError
from causalkit.graph import LaggedGraph
from causalkit.typing import BoolArray, Data, FloatArray, IntArray, RandomState

__all__ = ["LearntRegimes"]

_MOST_TURNS = 30


class LearntRegimes(BaseEstimator):
    """Learn regimes, and the graph of each of them.

    Parameters
    ----------
    algorithm : SeriesAlgorithm
        It is copied and left as it is. Its `max_lag` is how far back predictions look.
    n_regimes : int, default 2
    max_transitions : int, default 3
        Transitions from one regime to another that each subject makes at most. The fewer, the less
        noise is taken for a regime.
    n_restarts : int, default 20
        Random begins. The search finds the nearest optimum, so more of them find better ones.
    random_state : int, Generator or None, default 0
    n_jobs : int, optional
        Parallel regimes; never changes the result.

    Attributes
    ----------
    regimes_ : ndarray of int, shape (n_rows,)
        Regime of each row, numbered from 0 as they appear; -1 where a row has not all of its past.
    graphs_ : dict of int to LaggedGraph
    algorithms_ : dict of int to SeriesAlgorithm
        Fitted to the steps of each regime.
    transitions_ : ndarray of int
        Rows at which another regime begins.
    noise_ : ndarray of shape (n_restarts,)
        What each begin came to: the share of the variance that predictions from all lags leave, the
        geometric mean over series. Where the least value came up several times, more restarts will
        hardly help.
    bic_ : float
        Bayesian information criterion, to compare numbers of regimes and of transitions by; the
        smaller the better. Noise is taken for Gaussian and equal in all regimes.
    n_obs_ : int
        Steps that were assigned.
    n_features_in_, feature_names_in_
        As of :class:`SeriesAlgorithm`.

    Raises
    ------
    InputError
        If the algorithm cannot be fitted to the steps of a regime that was found.

    Notes
    -----
    **Assumes:**

    - regimes differ in how the present follows from the past, linearly: in coefficients or in
      means. A change of the noise alone is not seen;
    - a regime lasts: it comes back after long stretches, not after single steps;
    - the number of regimes is known, or compared by `bic_`;
    - the assumptions of the algorithm, within each regime;
    - the regime is no effect of the series (see :class:`Regimes`).

    The steps of a regime were chosen so that predictions fit, and p-values of its links know
    nothing of that. Confirm them on other data, or with :class:`Regimes` on labels known before.

    *What differs from Regime-PCMCI.* The assignment given the predictions is the exact optimum over
    all sequences with so many transitions, by dynamic programming, and not the rounded solution of
    a linear program. Restarts are compared by regressions on all lags, and graphs are learnt from
    the best one on. What is made small is the sum over series of the logarithm of their noise, so
    that scales do not matter.

    References
    ----------
    Saggioro, de Wiljes, Kretschmer and Runge (2020), "Reconstructing regime-dependent causal
    relationships from observational time series", Chaos 30: 113115, doi:10.1063/5.0020538.
    """

    regimes_: IntArray
    graphs_: dict[int, LaggedGraph]
    algorithms_: dict[int, SeriesAlgorithm]
    transitions_: IntArray
    noise_: FloatArray
    bic_: float
    n_obs_: int
    n_features_in_: int
    feature_names_in_: NDArray[Any]

    def __init__(
        self,
        algorithm: SeriesAlgorithm,
        n_regimes: int = 2,
        *,
        max_transitions: int = 3,
        n_restarts: int = 20,
        random_state: RandomState = 0,
        n_jobs: int | None = None,
    ) -> None:
        self.algorithm = algorithm
        self.n_regimes = n_regimes
        self.max_transitions = max_transitions
        self.n_restarts = n_restarts
        self.n_jobs = n_jobs
        self.random_state = random_state

    def fit(self, X: Data, y: Any = None) -> Self:
        """Learn regimes and graphs.

        Parameters
        ----------
        X : DataFrame, 2-D ndarray, or dict of columns; a list of them; or a 3-D ndarray
            As the algorithm takes it.
        y : None
            Ignored; scikit-learn passes it.

        Returns
        -------
        self

        Raises
        ------
        InputError
            If there are too few steps, or the algorithm cannot be fitted to a regime.
        """
        del y
        n_regimes = check_count(self.n_regimes, "n_regimes")
        n_transitions = check_count(self.max_transitions, "max_transitions", minimum=0)
        n_restarts = check_count(self.n_restarts, "n_restarts")
        check_jobs(self.n_jobs)
        series = read_series(self, X)
        max_lag = check_count(self.algorithm.max_lag, "max_lag of the algorithm")
        p = len(series.names)
        series.needs(n_regimes * (p * max_lag + 5), max_lag, who=type(self).__name__)
        by_name = series.select(sorted(series.names, key=lambda n: (isinstance(n, str), str(n))))
        now = series.usable(max_lag)
        design = Design.of(by_name.lagged(max_lag, now), p, series.subject[now])
        *streams, last = as_generator(self.random_state).spawn(n_restarts + 1)
        found, self.noise_ = search_regimes(design, n_regimes, n_transitions, streams)
        place = np.array([by_name.names.index(name) for name in series.names])
        regimes = self._refined(
            series, now, design, found[int(np.argmin(self.noise_))], place, last
        )
        _, first, numbers = np.unique(regimes, return_index=True, return_inverse=True)
        regimes = np.argsort(np.argsort(first))[numbers]
        self.regimes_ = np.full(series.n_rows, -1, dtype=np.intp)
        self.regimes_[now] = regimes
        changed = (np.diff(regimes) != 0) & (np.diff(series.subject[now]) == 0)
        self.transitions_ = now[1:][changed]
        self.n_obs_ = len(now)
        fitted = self._fit_each(series, now, regimes)
        self.algorithms_ = dict(enumerate(fitted))
        self.graphs_ = {k: one.graph_ for k, one in self.algorithms_.items()}
        causes = [_causes(one, place, max_lag) for one in fitted]
        self.bic_ = _bic(design, regimes, causes, len(self.transitions_))
        return self

    def _refined(
        self,
        series: Series,
        now: IntArray,
        design: Design,
        regimes: IntArray,
        place: IntArray,
        rng: np.random.Generator,
    ) -> IntArray:
        """Take turns between graphs and assignments, and return the best assignment met."""
        n_regimes, max_lag = int(self.n_regimes), int(self.algorithm.max_lag)
        met: set[bytes] = set()
        best, least = regimes, np.inf
        while regimes.tobytes() not in met and len(met) < _MOST_TURNS:
            met.add(regimes.tobytes())
            causes = [np.zeros((design.columns.shape[1] - 1, design.p), dtype=np.bool_)] * n_regimes
            fitted = self._fit_each(series, now, regimes)
            for k, one in zip(np.unique(regimes).tolist(), fitted, strict=True):
                causes[k] = _causes(one, place, max_lag)
            costs, noise = costs_of(design, regimes, n_regimes, causes, rng)
            if noise < least:
                best, least = regimes, noise
            regimes = assign(costs[None], int(self.max_transitions), design.first)[0][0]
        return best

    def _fit_each(self, series: Series, now: IntArray, regimes: IntArray) -> list[SeriesAlgorithm]:
        jobs = []
        for k in np.unique(regimes).tolist():
            rows = np.zeros(series.n_rows, dtype=np.bool_)
            rows[now[regimes == k]] = True
            what = f"a regime of {int(rows.sum())} of {len(now)} steps was found, and then"
            jobs.append((self.algorithm, series, rows, what))
        try:
            return list(run(fitted_to, jobs, n_jobs=self.n_jobs, label="regimes"))
        except InputError as error:
            raise InputError(
                f"{error} Or ask for fewer regimes (n_regimes={self.n_regimes}) or fewer "
                f"transitions (max_transitions={self.max_transitions})."
            ) from None

    def compare(self) -> RegimeLinks:
        """Lay the graphs side by side, those links first that differ."""
        check_is_fitted(self, "graphs_")
        return links_of(self.graphs_, self.algorithms_)

    def explain(self, a: object, b: object) -> dict[int, Explanation]:
        """Say in each regime why two nodes are joined or not."""
        check_is_fitted(self, "graphs_")
        return {label: one.explain(a, b) for label, one in self.algorithms_.items()}


def _causes(fitted: SeriesAlgorithm, place: IntArray, max_lag: int) -> BoolArray:
    """`[column, j]`: which lagged columns of the design cause series j, by the graph."""
    p = len(place)
    directed = fitted.graph_.directed[: max_lag + 1, :p, :p]
    causes = np.zeros((max_lag + 1, p, p), dtype=np.bool_)
    causes[np.ix_(np.arange(len(directed)), place, place)] = directed
    return causes.reshape((max_lag + 1) * p, p)


def _bic(design: Design, regimes: IntArray, causes: list[BoolArray], n_transitions: int) -> float:
    """-2 log likelihood of Gaussian noise, and the logarithm of n for each number that was fitted.

    When a transition takes place is a number, too.
    """
    squares = np.zeros((design.n, design.p))
    for k, of_regime in enumerate(causes):
        rows = regimes == k
        squares[rows] = design.squares(design.coefficients(rows, of_regime))[rows]
    noise = np.maximum(squares.mean(axis=0), 1e-300)
    n_numbers = sum(int(c.sum()) + design.p for c in causes) + design.p + n_transitions
    return float(design.n * np.log(noise).sum() + n_numbers * np.log(design.n))
