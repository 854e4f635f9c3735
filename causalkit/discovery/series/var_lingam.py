"""VARLiNGAM: what drives what, within a step too, where noise is not Gaussian.

A vector autoregression predicts each series from the past of all. What it leaves are the shocks of
the step, and those of different series go together where one drives another faster than the series
are sampled. Which way? Correlations do not say. But if the shocks are sums of independent noise
that is not Gaussian, they have one causal order only, and
:class:`~causalkit.discovery.lingam.lingam.DirectLiNGAM` finds it:

>>> import numpy as np
>>> rng = np.random.default_rng(0)
>>> shock = rng.laplace(size=(800, 2))
>>> values = np.zeros((800, 2))
>>> for t in range(1, 800):
...     values[t, 0] = 0.6 * values[t - 1, 0] + shock[t, 0]
...     values[t, 1] = 0.8 * values[t, 0] + 0.3 * values[t - 1, 1] + shock[t, 1]
>>> found = VARLiNGAM().fit({"rate": values[:, 0], "price": values[:, 1]})
>>> print(found.graph_)
DAG of 2 series, lags to 1, 3 edges: rate[t] -> price[t]; rate[t-1] -> rate[t]; ...
>>> found.coefficients_.of("rate[t]", "price[t]").__round__(1)
0.8
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.stats import false_discovery_control
from sklearn.utils.validation import check_is_fitted

from causalkit._core.checks import check_choice, check_count
from causalkit._core.parallel import one_thread
from causalkit._core.series import Series, as_series
from causalkit.discovery._setup import in_name_order
from causalkit.discovery.base import Explanation
from causalkit.discovery.knowledge import Knowledge
from causalkit.discovery.lingam._lingam_noise import (
    doubts,
    normality_p_values,
    tests_of_noise,
    warn_of_doubts,
)
from causalkit.discovery.lingam._lingam_order import Limits, order_by_pairs
from causalkit.discovery.lingam._lingam_weights import (
    Pruning,
    as_pruning,
    edge_weights,
    slope_tests,
)
from causalkit.discovery.series._lagged_moments import (
    CRITERIA,
    LaggedMoments,
    best_lag,
    by_lag,
    lagged_dag,
    lagged_moments,
)
from causalkit.discovery.series.base import SeriesAlgorithm
from causalkit.discovery.series.lagged_effects import LaggedEffects
from causalkit.graph import Lagged
from causalkit.independence import CITest
from causalkit.typing import BoolArray, Data, FloatArray, IntArray, Name

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["VARLiNGAM"]

CORRECTIONS: Final = ("bh", "by", None)


class VARLiNGAM(SeriesAlgorithm):
    """Learn a linear model of series, with all its directions, from noise that is not Gaussian.

    Each series is regressed on the past of all; DirectLiNGAM orders what is left of them; and each
    series is then regressed on the past of all and on those before it in that order.

    Parameters
    ----------
    max_lag : int, default 1
        Longest lag.
    criterion : {"bic", "hqic", "aic", None}
        How many lags there are, from 1 to `max_lag`: as many as it prefers, or all of them.
    prune : {"adaptive_lasso", "tests", None}
        How edges are chosen among all that time and the order admit: by the lasso with weights from
        least squares and the penalty by BIC; by a t-test for each, at level `alpha`; or all are
        kept. Coefficients are least squares on what is kept.
    alpha : float, default 0.01
        With `prune="tests"`.
    correction : {"bh", "by", None}
        With `prune="tests"`: `alpha` is the level of each test, or the share of false ones among
        the edges that is expected at most, by Benjamini and Hochberg or Benjamini and Yekutieli.
    min_effect : float, default 0
        Edges with coefficients below are dropped, in standard deviations of the effect for one of
        the cause, and the others fitted again.
    panel, time, mask : str or int, optional
        Columns of subjects, of times, and of which rows may be "now".

    Attributes
    ----------
    graph_ : LaggedGraph
        Kind DAG.
    order_ : tuple of names
        Causal order within the step, causes first.
    coefficients_ : LaggedEffects
        Direct effects in the units of the data; `coefficients_.of("X[t-1]", "Y")`.
    weights_ : ndarray of shape (n_lags_ + 1, p, p)
        The same in standard deviations, `[lag, cause, effect]`.
    p_values_, strengths_ : ndarray of shape (n_lags_ + 1, p, p)
        Of the t-test, and the partial correlation, of each edge that time and the order admit,
        given all others; NaN where they admit none. The tests take the order for known.
    scores_ : ndarray of shape (p, p)
        `[cause, effect]`: the largest partial correlation in size, over the lags.
    n_lags_ : int
    noise_p_values_ : dict of name to float
        Of the hypothesis that the noise of a series is Gaussian.
    doubtful_ : tuple of (cause, effect)
        Edges within the step of which both series have noise that may be Gaussian (p > 0.05): their
        direction is a guess.
    n_obs_ : int

    Notes
    -----
    **Assumes:**

    - each series is a linear function of its causes, now and up to `max_lag` steps ago, plus noise,
      the same at every step and in every subject;
    - noise is independent of the past and between series: no hidden common causes;
    - the noise is not Gaussian, of all series but one at most;
    - edges within a step make no circle.

    Series need not be stationary, but they must not determine each other, or themselves, as a pure
    sine wave does. Series are taken in the order of their names and in units of their standard
    deviation, so neither their order nor their units matter.

    With `prune=None` the coefficients are those of the paper, B_l = (I - B_0) M_l with M_l of the
    autoregression: least squares on all that the order admits.

    Warns with :class:`~causalkit.errors.AssumptionWarning` of directions that are a guess.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> values = rng.uniform(-1, 1, size=(1000, 3))
    >>> values[:, 1] += values[:, 0]
    >>> values[2:, 2] += values[:-2, 1]
    >>> found = VARLiNGAM(max_lag=2, prune="tests", alpha=0.001).fit(values)
    >>> print(found.graph_)
    DAG of 3 series, lags to 2, 2 edges: x0[t] -> x1[t]; x1[t-2] -> x2[t]
    >>> round(found.total_effects(2).of("x0[t-2]", "x2[t]"), 1)
    1.0

    References
    ----------
    Hyvärinen, Zhang, Shimizu and Hoyer (2010), "Estimation of a structural vector autoregression
    model using non-Gaussianity", JMLR 11: 1709-1731.
    """

    order_: tuple[Name, ...]
    coefficients_: LaggedEffects
    weights_: FloatArray
    p_values_: FloatArray
    strengths_: FloatArray
    scores_: FloatArray
    n_lags_: int
    noise_p_values_: dict[Name, float]
    doubtful_: tuple[tuple[Name, Name], ...]

    def __init__(
        self,
        *,
        max_lag: int = 1,
        criterion: str | None = None,
        prune: str | None = "adaptive_lasso",
        alpha: float = 0.01,
        correction: str | None = None,
        min_effect: float = 0.0,
        panel: Name | None = None,
        time: Name | None = None,
        mask: Name | None = None,
    ) -> None:
        self.max_lag = max_lag
        self.criterion = criterion
        self.prune = prune
        self.alpha = alpha
        self.correction = correction
        self.min_effect = min_effect
        self.panel = panel
        self.time = time
        self.mask = mask

    def _fit(self, series: Series) -> None:
        pruning = as_pruning(self.prune, self.alpha, self.min_effect, series.n_rows)
        check_choice(self.correction, "correction", CORRECTIONS)
        names = in_name_order(series.names)
        p = len(names)
        with one_thread():
            moments = self._moments(series.select(names))
            order, gains = _order(moments)
            tests = _tests(moments, order)
            edges, weights = self._edges(moments, order, tests[1], pruning)
            noise_p_values = normality_p_values(moments.noise(weights))
        self.n_obs_, self.n_lags_ = len(moments.rows), moments.reach
        self.order_ = tuple(names[k] for k in order)
        place = np.array([names.index(name) for name in series.names])
        self.weights_ = by_lag(weights, place)
        self.strengths_, self.p_values_ = (by_lag(matrix, place) for matrix in tests)
        self.scores_ = np.nanmax(np.abs(self.strengths_), axis=0)
        self._gains = gains[np.ix_(place, place)]
        self.graph_ = lagged_dag(series.names, by_lag(edges, place))
        self.coefficients_ = LaggedEffects(series.names, by_lag(moments.in_units(weights), place))
        by_name = dict(zip(names, noise_p_values.tolist(), strict=True))
        self.noise_p_values_ = {name: by_name[name] for name in series.names}
        within = edges[:p]
        self.doubtful_ = doubts(within, noise_p_values, moments.nodes[:p], Knowledge())
        warn_of_doubts(self.doubtful_, int(within.sum()), type(self).__name__, "PCMCIPlus")

    def _moments(self, series: Series) -> LaggedMoments:
        who, p = type(self).__name__, len(series.names)
        max_lag = check_count(self.max_lag, "max_lag")
        criterion = check_choice(self.criterion, "criterion", (*CRITERIA, None))
        moments = lagged_moments(series, max_lag, (max_lag + 1) * p + 2, who)
        if criterion is None:
            return moments
        n_lags = best_lag(moments, criterion)
        if n_lags == max_lag:
            return moments
        return lagged_moments(series, n_lags, (n_lags + 1) * p + 2, who)

    def _edges(
        self, moments: LaggedMoments, order: IntArray, p_values: FloatArray, pruning: Pruning
    ) -> tuple[BoolArray, FloatArray]:
        """Edges, and coefficients in standard deviations, both of shape (n_nodes, p)."""
        p, n_nodes = p_values.shape[1], len(p_values)
        alpha = pruning.alpha
        if self.correction is not None:
            asked = p_values[~np.isnan(p_values)]
            kept = false_discovery_control(asked, method=self.correction) <= alpha
            alpha = np.nextafter(asked[kept].max(initial=0.0), 1.0)
        forbidden = np.zeros((n_nodes, n_nodes), dtype=np.bool_)
        forbidden[:, p:] = True  # the past is given
        edges, weights = edge_weights(
            moments.correlations,
            np.append(np.arange(p, n_nodes), order),
            Limits(forbidden, np.zeros_like(forbidden), is_none=False),
            Pruning(pruning.method, alpha, pruning.min_effect, len(moments.rows)),
        )
        return edges[:, :p], weights[:, :p]

    def total_effects(self, horizon: int = 10) -> LaggedEffects:
        """Total effects of all series on all others, up to `horizon` steps later.

        Parameters
        ----------
        horizon : int, default 10

        Returns
        -------
        LaggedEffects
            Sums over all directed paths through time, in the units of the data: by how much j
            changes h steps after i was raised by one unit at one step alone.
        """
        check_is_fitted(self, "graph_")
        return self.coefficients_.total(horizon)

    def residual_p_values(self, X: Data, test: CITest | None = None) -> pd.DataFrame:
        """Test whether the noise of any two series is independent, as the model claims.

        Small p-values speak of a hidden common cause, of a wrong direction or of a relation that
        is not linear.

        Parameters
        ----------
        X : as of `fit`
            The data that the model was fitted to, or other series of the same variables.
        test : CITest, optional
            Of independence; :class:`~causalkit.independence.HSIC` if left out.

        Returns
        -------
        DataFrame of shape (n_series, n_series)
            P-values; NaN on the diagonal.

        Raises
        ------
        UnknownVariableError
            If a series of the graph is not in the data.
        """
        check_is_fitted(self, "graph_")
        names, p = self.graph_.variables, len(self.graph_.variables)
        series = as_series(X, panel=self.panel, time=self.time, mask=self.mask).select(names)
        series.needs(2, self.n_lags_, who=type(self).__name__)
        values = series.lagged(self.n_lags_)
        values -= values.mean(axis=0)
        coefficients = self.coefficients_.values.reshape(-1, p)
        return tests_of_noise(values[:, :p] - values @ coefficients, names, test)

    # --- why --------------------------------------------------------------------------------------

    def _explain(self, past: Lagged, now: Lagged) -> Explanation:
        if past.lag == 0 and self.order_.index(past.name) > self.order_.index(now.name):
            past, now = now, past
        i, j = self.graph_.index(past), self.graph_.index(now)
        p_value = self.p_values_[past.lag, i, j]
        edges = self.graph_.edges_between(past, now)
        said = f"p = {p_value:.3g} given all that may drive {now}"
        if edges:
            why = f"{_CHOSEN[self.prune]}: one unit of {past} adds "
            why += f"{self.coefficients_.of(past, now):.3g} to {now}, which is "
            why += f"{self.weights_[past.lag, i, j]:.3g} standard deviations for one; {said}"
        else:
            why = f"{_LEFT_OUT[self.prune]} {past} out of the causes of {now}, which it comes "
            why += f"before; {said}"
        return Explanation(
            (past, now),
            str(edges[0]) if edges else "no edge",
            why,
            self._why_directed(past, now) if edges else None,
        )

    def _why_directed(self, past: Lagged, now: Lagged) -> str:
        if past.lag:
            return f"{past} is earlier"
        at = [self.order_.index(node.name) + 1 for node in (past, now)]
        gain = self._gains[self.graph_.index(past), self.graph_.index(now)]
        better = "better" if gain >= 0 else "worse"
        said = f"place {at[0]} and place {at[1]} of {len(self.order_)} in the causal order within "
        said += f"the step; given the past, this direction explains the two {better} than the "
        said += f"other one, by {abs(gain):.3g} nats a step"
        if (past, now) in self.doubtful_:
            said += "; but the noise of both may be Gaussian, so this is a guess"
        return said


def _order(moments: LaggedMoments) -> tuple[IntArray, FloatArray]:
    """Order of the series within the step, and what the pairs gain by it."""
    p = len(moments.series.names)
    R = moments.correlations
    weights = np.zeros((len(R), p))
    weights[p:] = np.linalg.solve(R[p:, p:], R[p:, :p])  # the autoregression
    shocks = moments.noise(weights)
    none = np.zeros((p, p), dtype=np.bool_)
    return order_by_pairs(shocks, shocks @ shocks.T / shocks.shape[1], Limits(none, none, True))


def _tests(moments: LaggedMoments, order: IntArray) -> tuple[FloatArray, FloatArray]:
    """Partial correlations and p-values of all edges that are admitted, of shape (n_nodes, p)."""
    p, n_nodes = len(order), len(moments.correlations)
    strengths, p_values = np.full((2, n_nodes, p), np.nan)
    before = np.append(np.arange(p, n_nodes), order)
    for place, target in enumerate(order.tolist()):
        known = before[: n_nodes - p + place]
        strengths[known, target], p_values[known, target] = slope_tests(
            moments.correlations, known, target, len(moments.rows)
        )
    return strengths, p_values


_CHOSEN: Final = {
    "adaptive_lasso": "the adaptive lasso kept it",
    "tests": "a t-test kept it",
    None: "every series is joined to all before it",
}
_LEFT_OUT: Final = {
    "adaptive_lasso": "the adaptive lasso left",
    "tests": "a t-test, or min_effect, left",
    None: "min_effect left",
}
