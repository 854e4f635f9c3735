"""DYNOTEARS: a linear model of series, within steps and across, by continuous optimisation.

Each series is a weighted sum of all series now and in the past, plus noise. Weights of the past may
be anything; those within a step must be the weights of a DAG, which
:class:`~causalkit.discovery.NOTEARS` writes as a smooth equation. So both are found at once, by
least squares with a penalty on their size, and the time of the search does not depend on the length
of the series: their moments are all it needs.

>>> import numpy as np
>>> rng = np.random.default_rng(0)
>>> values = rng.normal(size=(1000, 2))
>>> for t in range(1, 1000):
...     values[t, 0] += 0.6 * values[t - 1, 0]
...     values[t, 1] += 0.5 * values[t - 1, 0]
>>> print(DYNOTEARS().fit({"x": values[:, 0], "y": values[:, 1]}).graph_)
DAG of 2 series, lags to 1, 2 edges: x[t-1] -> x[t]; x[t-1] -> y[t]

Take it as a baseline. Edges from the past have the direction of time. Within a step, least squares
favours arrows from small to large variances, and what a table of Gaussian numbers does not tell, it
does not tell either: see :class:`~causalkit.discovery.PCMCIPlus` for what is known, and
:class:`~causalkit.discovery.series.structural.var_lingam.VARLiNGAM` for noise that is not Gaussian.
"""

from __future__ import annotations

import numpy as np

from causalkit._core.checks import check_count
from causalkit._core.parallel import one_thread
from causalkit._core.random import as_generator
from causalkit._core.series import Series
from causalkit.discovery.base import Explanation
from causalkit.discovery.continuous._acyclicity import by_exponential, without_circles
from causalkit.discovery.continuous._continuous_algorithm import (
    check_not_negative,
    check_range,
    warn_of_search,
)
from causalkit.discovery.continuous._continuous_model import Problem
from causalkit.discovery.continuous._l1_search import Smooth
from causalkit.discovery.continuous._order_alignment import order_alignment
from causalkit.discovery.continuous._schedules import augmented_lagrangian
from causalkit.discovery.knowledge import Knowledge
from causalkit.discovery.series._lagged_links import lagged_dag
from causalkit.discovery.series.base import SeriesAlgorithm
from causalkit.discovery.series.structural._structural import Steps
from causalkit.discovery.series.structural.lagged_effects import LaggedEffects
from causalkit.graph import Lagged
from causalkit.typing import BoolArray, FloatArray, Name, RandomState

__all__ = ["DYNOTEARS"]

_START = 1e-3
"""Size of the first weights, in standard deviations."""

_SHAKE = 0.01
"""By what share of itself, about, each weight is changed before a minimisation."""


class DYNOTEARS(SeriesAlgorithm):
    """Least squares on now and the past with an l1 penalty, the weights within a step acyclic.

    Minimises half the mean square of x_t - x_t W - Σ x_{t-l} A_l, plus `penalty` ‖W‖₁ +
    `lagged_penalty` ‖A‖₁, under tr exp(W∘W) - p = 0.

    Parameters
    ----------
    max_lag : int, default 1
        Longest lag.
    penalty : float, default 0.05
        Of the sum of absolute weights within a step.
    lagged_penalty : float, optional
        The same of those from the past; `penalty` if left out.
    threshold : float, default 0.1
        Weights within a step of at most this size are no edges.
    lagged_threshold : float, optional
        The same of those from the past; `threshold` if left out.
    standardize : bool, default True
        Whether series are put in units of their standard deviation.
    knowledge : Knowledge, optional
        Of series, for all lags, or of nodes such as `("X[t-1]", "Y[t]")`; obeyed to the letter.
        Required edges bear no penalty and are kept whatever their weight.
    panel, time, mask : str or int, optional
        Columns that tell subjects apart, hold the time, or say which rows may be "now".
    max_iter : int, default 2000
        Most steps of one minimisation, of which there are some 10 to 50.
    random_state : int, Generator or None, default 0
        Source of the tiny first weights, and of small shakes, without which a tie between the two
        directions of an edge might never be broken.

    Attributes
    ----------
    graph_ : LaggedGraph
        Kind DAG. `graph_.to_cpdag()` is its class, which is all that a linear Gaussian model tells.
    weights_ : ndarray of shape (max_lag + 1, p, p)
        `[lag, cause, effect]`, in standard deviations if `standardize`; shrunk by the penalty.
    coefficients_ : LaggedEffects
        Least squares along `graph_`, in the units of the data; `coefficients_.of("X[t-1]", "Y")`.
    strengths_ : ndarray of shape (max_lag + 1, p, p)
        Weights before the threshold.
    scores_ : ndarray of shape (p, p)
        `[cause, effect]`: the largest of them in size, over the lags.
    acyclicity_ : float
        tr exp(W∘W) - p before the threshold: 0 for a DAG.
    n_cut_ : int
        Edges above the threshold that were dropped because they lay on a circle.
    converged_ : bool
    varsortability_ : float
        Share of the directed paths of `graph_` within a step along which variances, in the units of
        the data, rise; NaN without such edges.
    n_obs_ : int

    Notes
    -----
    **Assumes:**

    - each series is a linear function of its causes, now and up to `max_lag` steps ago, plus noise,
      the same at every step and in every subject;
    - noise is independent of the past and between series: no hidden common causes;
    - edges within a step make no circle;
    - for directions within a step beyond the equivalence class: noise of one variance in all
      series, and `standardize=False`;
    - that the local minimum that is found is a good one.

    Each subject has means of its own. There may be fewer steps than weights. Each minimisation is
    by OWL-QN, in place of L-BFGS-B with each weight split in two.

    Warns with :class:`~causalkit.errors.ConvergenceWarning` if it did not converge, and with
    :class:`~causalkit.errors.AssumptionWarning` if `standardize=False` and the order of variances
    alone gives away nearly all directions within a step.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> values = rng.normal(size=(1000, 3))
    >>> values[:, 1] += values[:, 0]
    >>> values[2:, 2] += values[:-2, 1]
    >>> knowledge = Knowledge(forbidden=[("x1[t]", "x0[t]")])
    >>> found = DYNOTEARS(max_lag=2, knowledge=knowledge).fit(values)
    >>> print(found.graph_)
    DAG of 3 series, lags to 2, 2 edges: x0[t] -> x1[t]; x1[t-2] -> x2[t]
    >>> round(found.coefficients_.of("x1[t-2]", "x2[t]"), 1)
    1.0

    References
    ----------
    Pamfil, Sriwattanaworachai, Desai, Pilgerstorfer, Georgatzis, Beaumont and Aragam (2020),
    "DYNOTEARS: structure learning from time-series data", AISTATS, doi:10.48550/arXiv.2002.00498.
    Zheng, Aragam, Ravikumar and Xing (2018), "DAGs with NO TEARS", NeurIPS,
    doi:10.48550/arXiv.1803.01422.
    """

    weights_: FloatArray
    coefficients_: LaggedEffects
    strengths_: FloatArray
    scores_: FloatArray
    acyclicity_: float
    n_cut_: int
    converged_: bool
    varsortability_: float

    def __init__(
        self,
        *,
        max_lag: int = 1,
        penalty: float = 0.05,
        lagged_penalty: float | None = None,
        threshold: float = 0.1,
        lagged_threshold: float | None = None,
        standardize: bool = True,
        knowledge: Knowledge | None = None,
        panel: Name | None = None,
        time: Name | None = None,
        mask: Name | None = None,
        max_iter: int = 2000,
        random_state: RandomState = 0,
    ) -> None:
        self.max_lag = max_lag
        self.penalty = penalty
        self.lagged_penalty = lagged_penalty
        self.threshold = threshold
        self.lagged_threshold = lagged_threshold
        self.standardize = standardize
        self.knowledge = knowledge
        self.panel = panel
        self.time = time
        self.mask = mask
        self.max_iter = max_iter
        self.random_state = random_state

    def _fit(self, series: Series) -> None:
        who = type(self).__name__
        penalties = self._pair("penalty", "lagged_penalty")
        self._pair("threshold", "lagged_threshold")
        max_lag = check_count(self.max_lag, "max_lag")
        with one_thread():
            steps = Steps.of(series, max_lag, self.knowledge, all_determined=False, who=who)
            weights, self.converged_ = _minimum(self._problem(steps, penalties, who))
        edges = self._cut(steps, weights)
        shown = steps.shown(edges)
        self.n_obs_ = steps.moments.n_obs
        self.graph_ = lagged_dag(series.names, shown)
        self.strengths_ = steps.shown(weights)
        self.weights_ = np.where(shown, self.strengths_, 0.0)
        self.weights_.flags.writeable = False
        self.scores_ = np.abs(self.strengths_).max(axis=0)
        self.coefficients_ = steps.effects(_least_squares(steps.correlations, edges))
        self.varsortability_ = order_alignment(
            edges[: steps.n_series], steps.moments.spread[: steps.n_series]
        )
        self._known = steps.known
        warn_of_search(self, who)

    def _pair(self, within: str, lagged: str) -> tuple[float, float]:
        """A setting for weights within a step, and the one for those from the past."""
        first = check_not_negative(getattr(self, within), within)
        second = getattr(self, lagged)
        return first, first if second is None else check_not_negative(second, lagged)

    def _problem(self, steps: Steps, penalties: tuple[float, float], who: str) -> Problem:
        p, n_nodes = steps.n_series, len(steps.correlations)
        spread = np.ones(n_nodes)
        if not self.standardize:
            spread = check_range(steps.moments.spread, who)
        free = ~steps.known.forbidden.reshape(n_nodes, p)
        price = np.repeat(penalties, (p, n_nodes - p))[:, None]
        price = np.where(steps.known.required.reshape(n_nodes, p), 0.0, price)
        noise = as_generator(self.random_state).standard_normal((2, n_nodes, p))
        return Problem(
            steps.correlations * spread * spread[:, None],
            free,
            price[free],
            (_START * noise[0] * spread[:p] / spread[:, None])[free],
            1.0 + _SHAKE * noise[1][free],
            check_count(self.max_iter, "max_iter"),
        )

    def _cut(self, steps: Steps, weights: FloatArray) -> BoolArray:
        """Edges, shape (n_nodes, p): what exceeds the thresholds, and makes no circle."""
        p, (within, lagged) = steps.n_series, self._pair("threshold", "lagged_threshold")
        required = steps.known.required.reshape(weights.shape)
        edges: BoolArray = (
            np.abs(weights) > np.repeat((within, lagged), (p, len(weights) - p))[:, None]
        )
        edges |= required
        kept = without_circles(weights[:p], edges[:p], required[:p])
        self.acyclicity_ = max(by_exponential(weights[:p])[0], 0.0)
        self.n_cut_ = int(edges[:p].sum() - kept.sum())
        edges[:p] = kept
        return edges

    def _explain(self, past: Lagged, now: Lagged) -> Explanation:
        edges = self.graph_.edges_between(past, now)
        if edges and edges[0].left == now:
            past, now = now, past
        i, j = self.graph_.index(past), self.graph_.index(now)
        there = float(self.strengths_[past.lag, i, j])
        back = 0.0 if past.lag else float(self.strengths_[0, j, i])
        told = self._known.why(past, now)
        within, lagged = self._pair("threshold", "lagged_threshold")
        threshold = lagged if past.lag else within
        if edges:
            why = f"its weight exceeds the threshold of {threshold:.3g}"
            why = f"{why if told is None else f'knowledge: {told}'}; weight {there:.3g}"
            return Explanation((past, now), str(edges[0]), why, self._why_directed(past, now, back))
        if told is not None:
            return Explanation((past, now), "no edge", f"knowledge: {told}")
        largest = max(abs(there), abs(back))
        why = f"the largest weight between them is {largest:.3g}, and the threshold is "
        why += f"{threshold:.3g}"
        if largest > threshold:
            why += "; the edge lay on a circle, of which it was the weakest that could go"
        return Explanation((past, now), "no edge", why)

    def _why_directed(self, past: Lagged, now: Lagged, back: float) -> str:
        if past.lag:
            return "a cause comes before its effect"
        i, j = map(self._known.names.index, (past.name, now.name))
        if self._known.forbidden[0, j, i]:
            return f"knowledge: {now} -> {past} is forbidden"
        said = f"the weight of the opposite direction is {back:.3g}"
        if any(edge.symbol == "--" for edge in self.graph_.to_cpdag().edges_between(past, now)):
            said += "; other DAGs of the same equivalence class have it the other way round"
        return said


def _minimum(problem: Problem) -> tuple[FloatArray, bool]:
    """Weights of shape (n_nodes, p), and whether the search for them converged."""
    x, converged = augmented_lagrangian(
        lambda x, rho, alpha: problem.search(_lagrangian(problem, rho, alpha), x, 1.0),
        lambda x: by_exponential(_within(problem.weights(x)))[0],
        problem.start,
    )
    return problem.weights(x), converged


def _within(weights: FloatArray) -> FloatArray:
    """Weights within a step."""
    return weights[: weights.shape[1]]


def _lagrangian(problem: Problem, rho: float, alpha: float) -> Smooth:
    """Least squares + rho/2 h² + alpha h, with h of the weights within a step."""

    def smooth(x: FloatArray) -> tuple[float, FloatArray]:
        weights = problem.weights(x)
        loss, gradient = problem.least_squares(weights)
        h, slope = by_exponential(_within(weights))
        value = loss + 0.5 * rho * h * h + alpha * h
        gradient[: len(slope)] += (rho * h + alpha) * slope
        return value, gradient[problem.free]

    return smooth


def _least_squares(correlations: FloatArray, edges: BoolArray) -> FloatArray:
    """Regressions of each series on its parents, in standard deviations."""
    found = np.zeros(edges.shape)
    for j, parents in enumerate(edges.T):
        causes = np.flatnonzero(parents)
        among = correlations[np.ix_(causes, causes)]
        found[causes, j] = np.linalg.lstsq(among, correlations[causes, j], rcond=None)[0]
    return found
