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
from sklearn.utils.validation import check_is_fitted

from causalkit._core.checks import check_choice
from causalkit._core.parallel import one_thread
from causalkit._core.series import Series, as_series
from causalkit.discovery.base import Explanation
from causalkit.discovery.knowledge import Knowledge
from causalkit.discovery.lingam._lingam_noise import (
    doubts,
    noise_dependence,
    normality_p_values,
    warn_of_doubts,
)
from causalkit.discovery.lingam._lingam_order import Limits, order_by_pairs
from causalkit.discovery.lingam._lingam_weights import (
    Pruning,
    as_pruning,
    edge_weights,
    slope_tests,
)
from causalkit.discovery.series._lagged_links import lagged_dag
from causalkit.discovery.series._multiple_tests import CORRECTIONS, corrected
from causalkit.discovery.series.base import SeriesAlgorithm
from causalkit.discovery.series.granger._lagged_regression import choose_lag, within_subjects
from causalkit.discovery.series.structural._structural import Steps
from causalkit.discovery.series.structural.lagged_effects import LaggedEffects
from causalkit.graph import Lagged
from causalkit.graph.lagged_template import lagged_nodes
from causalkit.independence import CITest
from causalkit.typing import BoolArray, Data, FloatArray, IntArray, Name

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["VARLiNGAM"]


class VARLiNGAM(SeriesAlgorithm):
    """Learn a linear model of series, with all its directions, from noise that is not Gaussian.

    Each series is regressed on the past of all; DirectLiNGAM orders what is left of them; and each
    series is then regressed on the past of all and on those before it in that order.

    Parameters
    ----------
    max_lag : int or {"bic", "hqic", "aic", "fpe"}, default 1
        Longest lag, or the criterion that chooses it.
    lag_cap : int, optional
        With a criterion: the longest lag to try.
    prune : {"tests", "adaptive_lasso", None}
        How edges are chosen among all that time and the order admit: by a t-test for each; by the
        lasso with weights from least squares and the penalty by BIC; or all are kept. Coefficients
        are least squares on what is kept.
    alpha : float, default 0.01
        With `prune="tests"`: an edge is kept if its p-value, corrected if so asked, is at most
        `alpha`.
    correction : {"bh", "by", "holm", "bonferroni", None}
        How p-values are corrected for their number: the false discovery rate (of Benjamini and
        Hochberg, or Yekutieli under any dependence), or any false edge.
    min_effect : float, default 0
        Edges with coefficients below are dropped, in standard deviations of the effect for one of
        the cause, and the others fitted again.
    knowledge : Knowledge, optional
        Of series, for all lags, or of nodes such as `("X[t-1]", "Y[t]")`; obeyed to the letter.
    panel, time, mask : str or int, optional
        Columns that tell subjects apart, hold the time, or say which rows may be "now".

    Attributes
    ----------
    graph_ : LaggedGraph
        Kind DAG.
    order_ : tuple of names
        Causal order within the step, causes first.
    coefficients_ : LaggedEffects
        Direct effects in the units of the data; `coefficients_.of("X[t-1]", "Y")`.
    weights_ : ndarray of shape (max_lag + 1, p, p)
        The same in standard deviations, `[lag, cause, effect]`.
    p_values_, strengths_ : ndarray of shape (max_lag + 1, p, p)
        Of the t-test, and the partial correlation, of each edge that time and the order admit,
        given all others; NaN where they admit none. The tests take the order for known.
    adjusted_p_values_ : ndarray of shape (max_lag + 1, p, p)
        p-values after the correction.
    scores_ : ndarray of shape (p, p)
        `[cause, effect]`: the largest partial correlation in size, over the lags.
    max_lag_ : int
        Longest lag that was used.
    lag_criteria_ : dict of ndarray, or None
        The criteria by number of lags, if one of them chose it.
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

    Each subject has means of its own. Series need not be stationary, but they must not determine
    each other, or themselves, as a pure sine wave does. They are taken in the order of their names
    and in units of their standard deviation, so neither their order nor their units matter.

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
    >>> found = VARLiNGAM(max_lag=2).fit(values)
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
    adjusted_p_values_: FloatArray
    strengths_: FloatArray
    scores_: FloatArray
    max_lag_: int
    lag_criteria_: dict[str, FloatArray] | None
    noise_p_values_: dict[Name, float]
    doubtful_: tuple[tuple[Name, Name], ...]

    def __init__(
        self,
        *,
        max_lag: int | str = 1,
        lag_cap: int | None = None,
        prune: str | None = "tests",
        alpha: float = 0.01,
        correction: str | None = "bh",
        min_effect: float = 0.0,
        knowledge: Knowledge | None = None,
        panel: Name | None = None,
        time: Name | None = None,
        mask: Name | None = None,
    ) -> None:
        self.max_lag = max_lag
        self.lag_cap = lag_cap
        self.prune = prune
        self.alpha = alpha
        self.correction = correction
        self.min_effect = min_effect
        self.knowledge = knowledge
        self.panel = panel
        self.time = time
        self.mask = mask

    def _fit(self, series: Series) -> None:
        who, names = type(self).__name__, series.names
        as_pruning(self.prune, self.alpha, self.min_effect, series.n_rows)
        check_choice(self.correction, "correction", CORRECTIONS)
        with one_thread():
            max_lag, criteria = choose_lag(series, self.max_lag, self.lag_cap, who=who)
            steps = Steps.of(series, max_lag, self.knowledge, all_determined=True, who=who)
            limits = steps.limits()
            order, gains = _order(steps)
            strengths, p_values = _tests(steps, order, limits)
            q_values = self._corrected(steps, p_values)
            edges, weights = self._edges(steps, order, limits, p_values, q_values)
            noise_p_values = normality_p_values(steps.noise(weights))
        self.n_obs_ = steps.moments.n_obs
        self.max_lag_, self.lag_criteria_ = max_lag, criteria
        self.order_ = tuple(steps.series.names[k] for k in order)
        self.weights_, self.strengths_ = steps.shown(weights), steps.shown(strengths)
        self.p_values_, self.adjusted_p_values_ = steps.shown(p_values), steps.shown(q_values)
        self.scores_ = np.fmax.reduce(np.abs(self.strengths_), axis=0, initial=0.0)
        self._gains, self._known = steps.shown(gains)[0], steps.known
        self.graph_ = lagged_dag(names, steps.shown(edges))
        self.coefficients_ = steps.effects(weights)
        self.noise_p_values_ = dict(zip(names, noise_p_values[steps.place].tolist(), strict=True))
        within = edges[: len(names)]
        nodes = lagged_nodes(steps.series.names, 0)
        self.doubtful_ = doubts(within, noise_p_values, nodes, Knowledge())
        warn_of_doubts(self.doubtful_, int(within.sum()), who, "PCMCIPlus")

    def _corrected(self, steps: Steps, p_values: FloatArray) -> FloatArray:
        by_lag = p_values.reshape(steps.known.required.shape)
        asked = ~np.isnan(by_lag) & ~steps.known.required
        return corrected(by_lag, asked, self.correction).reshape(p_values.shape)

    def _edges(
        self,
        steps: Steps,
        order: IntArray,
        limits: Limits,
        p_values: FloatArray,
        q_values: FloatArray,
    ) -> tuple[BoolArray, FloatArray]:
        """Edges, and coefficients in standard deviations, both of shape (n_nodes, p)."""
        p = steps.n_series
        # A correction keeps the order of the p-values, so it comes to a level of its own.
        level = p_values[q_values <= self.alpha].max(initial=0.0)
        edges, weights = edge_weights(
            steps.correlations,
            np.append(np.arange(p, len(p_values)), order),
            limits,
            Pruning(self.prune, np.nextafter(level, 1.0), self.min_effect, steps.n_rows),
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
        series.needs(2, self.max_lag_, who=type(self).__name__)
        rows = series.usable(self.max_lag_)
        values = within_subjects(series.lagged(self.max_lag_, rows), series.subject[rows])
        coefficients = self.coefficients_.values.reshape(-1, p)
        return noise_dependence(values[:, :p] - values @ coefficients, names, test)

    # --- why --------------------------------------------------------------------------------------

    def _explain(self, past: Lagged, now: Lagged) -> Explanation:
        if past.lag == 0 and self.order_.index(past.name) > self.order_.index(now.name):
            past, now = now, past
        edges = self.graph_.edges_between(past, now)
        return Explanation(
            (past, now),
            str(edges[0]) if edges else "no edge",
            self._why_joined(past, now, bool(edges)),
            self._why_directed(past, now) if edges else None,
        )

    def _why_joined(self, past: Lagged, now: Lagged, joined: bool) -> str:
        i, j = self.graph_.index(past), self.graph_.index(now)
        p_value, q_value = self.p_values_[past.lag, i, j], self.adjusted_p_values_[past.lag, i, j]
        size = f"one unit of {past} adds {self.coefficients_.of(past, now):.3g} to {now}, which is "
        size += f"{self.weights_[past.lag, i, j]:.3g} standard deviations for one"
        told = self._known.why(past, now)
        if told is not None:
            return f"knowledge: {told}" + (f"; {size}" if joined else "")
        if np.isnan(p_value):
            return f"{past} comes before {now}, and knowledge: {past} -> {now} is forbidden"
        tested = f"p = {p_value:.3g} given all that may drive {now}"
        if self.prune == "tests" and self.correction is not None:
            tested += f", corrected {q_value:.3g}"
        if joined:
            return f"{_CHOSEN[self.prune]}: {size}; {tested}"
        return f"{_LEFT_OUT[self.prune]} {past} out of the causes of {now}; {tested}"

    def _why_directed(self, past: Lagged, now: Lagged) -> str:
        if past.lag:
            return "a cause comes before its effect"
        if self._known.forbidden[0][tuple(map(self._known.names.index, (now.name, past.name)))]:
            return f"knowledge: {now} -> {past} is forbidden"
        at = [self.order_.index(node.name) + 1 for node in (past, now)]
        gain = self._gains[self.graph_.index(past), self.graph_.index(now)]
        better = "better" if gain >= 0 else "worse"
        said = f"place {at[0]} and place {at[1]} of {len(self.order_)} in the causal order within "
        said += f"the step; given the past, this direction explains the two {better} than the "
        said += f"other one, by {abs(gain):.3g} nats a step"
        if (past, now) in self.doubtful_:
            said += "; but the noise of both may be Gaussian, so this is a guess"
        return said


def _order(steps: Steps) -> tuple[IntArray, FloatArray]:
    """Order of the series within the step, and what the pairs gain by it."""
    R, p = steps.correlations, steps.n_series
    autoregression = np.zeros((len(R), p))
    autoregression[p:] = np.linalg.solve(R[p:, p:], R[p:, :p])
    shocks = steps.noise(autoregression)
    limits = steps.limits(within=True)
    return order_by_pairs(shocks, shocks @ shocks.T / shocks.shape[1], limits)


def _tests(steps: Steps, order: IntArray, limits: Limits) -> tuple[FloatArray, FloatArray]:
    """Partial correlations and p-values of all edges that are admitted, of shape (n_nodes, p)."""
    R, p = steps.correlations, steps.n_series
    strengths, p_values = np.full((2, len(R), p), np.nan)
    before = np.append(np.arange(p, len(R)), order)
    for place, target in enumerate(order.tolist()):
        causes = before[: len(R) - p + place]
        causes = causes[~limits.forbidden[causes, target]]
        if len(causes):
            strengths[causes, target], p_values[causes, target] = slope_tests(
                R, causes, target, steps.n_rows
            )
    return strengths, p_values


_CHOSEN: Final = {
    "adaptive_lasso": "the adaptive lasso kept it",
    "tests": "a t-test kept it",
    None: "every series is joined to all that may drive it",
}
_LEFT_OUT: Final = {
    "adaptive_lasso": "the adaptive lasso left",
    "tests": "a t-test, or min_effect, left",
    None: "min_effect left",
}
