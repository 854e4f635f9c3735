"""PCMCI+: links between series, those within a step included, and directed as far as data can.

Sampled once a day, a cause that takes an hour has its effect within the step. PCMCI+ first finds
the past of each series, then asks about links from the past and within the step together, given
both pasts and sets of the same step, and directs what is open by colliders and Meek's rules. What
comes from the past is directed by time and directs others, so more can be told than from rows
without time.

>>> import numpy as np
>>> rng = np.random.default_rng(0)
>>> x, y, z = rng.normal(size=(3, 1000))
>>> for t in range(1, 1000):
...     x[t] += 0.6 * x[t - 1]
...     y[t] += 0.6 * y[t - 1] + 0.5 * x[t]
...     z[t] += 0.6 * z[t - 1] + 0.5 * y[t - 1]
>>> found = PCMCIPlus(max_lag=2, alpha=0.01).fit({"x": x, "y": y, "z": z})
>>> for edge in found.graph_.edges():
...     print(edge)
x[t] -> y[t]
x[t-1] -> x[t]
y[t-1] -> y[t]
y[t-1] -> z[t]
z[t-1] -> z[t]
"""

from __future__ import annotations

from sklearn.utils.validation import check_is_fitted

from causalkit._core.checks import check_count, check_fraction
from causalkit._core.parallel import check_jobs, one_thread
from causalkit._core.series import Series
from causalkit.discovery._setup import as_knowledge
from causalkit.discovery.base import Explanation
from causalkit.discovery.knowledge import Knowledge
from causalkit.discovery.series._lagged_test import bind_lagged
from causalkit.discovery.series.base import SeriesAlgorithm
from causalkit.discovery.series.momentary._link_knowledge import LinkBounds
from causalkit.discovery.series.momentary._past import Questions
from causalkit.discovery.series.momentary._step_orientation import orient_step
from causalkit.discovery.series.momentary._step_skeleton import find_step_skeleton
from causalkit.discovery.series.momentary._step_trace import StepTrace
from causalkit.discovery.series.momentary.pcmci import link_scores
from causalkit.graph import Kind, Lagged, LaggedGraph
from causalkit.independence import CITest
from causalkit.typing import FloatArray, Name

__all__ = ["PCMCIPlus"]


class PCMCIPlus(SeriesAlgorithm):
    """Learn the class of graphs of series, links within a step included.

    Parameters
    ----------
    test : CITest, optional
        Conditional-independence test; :class:`~causalkit.independence.PartialCorrelation` if left
        out. Tests on correlations are the quickest by far.
    max_lag : int, default 1
        Longest lag of a link.
    alpha : float, default 0.01
        Two nodes are cut apart if a p-value exceeds `alpha`. Smaller gives fewer links.
    max_order : int, optional
        Largest set of the same step, and largest set while pasts are chosen.
    knowledge : Knowledge, optional
        Of series, for all lags, or of nodes such as `("X[t-1]", "Y[t]")`.
    panel, time, mask : str or int, optional
        Columns that tell subjects apart, hold the time, or say which rows may be "now".
    n_jobs : int, optional
        Parallel jobs, of tests that are not compiled; never changes the result.

    Attributes
    ----------
    graph_ : LaggedGraph
        Kind CPDAG. Links from the past are directed; those within a step as far as all graphs with
        the same independences agree.
    p_values_, strengths_ : ndarrays of shape (max_lag + 1, p, p)
        `[lag, cause, effect]`: of each link the largest p-value of its tests, and the statistic
        that goes with it: the partial correlation where there is one. NaN where nothing was asked.
    scores_ : ndarray of shape (p, p)
        `[cause, effect]`: how clear the clearest link is; see :class:`PCMCI`.
    past_ : dict of name to tuple of Lagged
        The past that was chosen for each series, strongest first.
    n_tests_, n_untestable_ : int
        Tests carried out, and sets that a test could not handle.
    conflicts_ : tuple of str
        Where answers contradict each other, and what was done.

    Notes
    -----
    **Assumes:**

    - no hidden common causes, and no selection;
    - links are the same at every step (stationary), and acyclic within a step;
    - every independence comes from the graph (faithfulness) and the test finds it;
    - no cause acts over more than `max_lag` steps;
    - the assumptions of the test, but for rows that are independent.

    A triple is judged by the separating set with its middle and without it, whichever separates
    better, and contradictions go to the clearer answer; so the graph is always a class of graphs
    and nothing depends on the order of the columns.

    References
    ----------
    Runge (2020), "Discovering contemporaneous and lagged causal relations in autocorrelated
    nonlinear time series datasets", UAI, PMLR 124: 1388-1397, doi:10.48550/arXiv.2003.03685.
    """

    p_values_: FloatArray
    strengths_: FloatArray
    scores_: FloatArray
    past_: dict[Name, tuple[Lagged, ...]]
    n_tests_: int
    n_untestable_: int
    trace_: StepTrace

    def __init__(
        self,
        test: CITest | None = None,
        *,
        max_lag: int = 1,
        alpha: float = 0.01,
        max_order: int | None = None,
        knowledge: Knowledge | None = None,
        panel: Name | None = None,
        time: Name | None = None,
        mask: Name | None = None,
        n_jobs: int | None = None,
    ) -> None:
        self.test = test
        self.max_lag = max_lag
        self.alpha = alpha
        self.max_order = max_order
        self.knowledge = knowledge
        self.panel = panel
        self.time = time
        self.mask = mask
        self.n_jobs = n_jobs

    def _fit(self, series: Series) -> None:
        alpha = check_fraction(self.alpha, "alpha")
        max_lag = check_count(self.max_lag, "max_lag")
        if self.max_order is not None:
            check_count(self.max_order, "max_order", minimum=0)
        check_jobs(self.n_jobs)
        names = series.names
        bounds = LinkBounds.of(as_knowledge(self.knowledge), names, max_lag)
        bound = bind_lagged(self.test, series, 2 * max_lag, who=type(self).__name__)
        questions = Questions(bound, len(names), max_lag, self.n_jobs)
        with one_thread(not bound.releases_gil):
            past = questions.select_past(bounds.candidates(), bounds.kept(), alpha, self.max_order)
            found = find_step_skeleton(
                questions, past, bounds, alpha=alpha, max_order=self.max_order
            )
            oriented = orient_step(questions, found, bounds)
        self.graph_ = LaggedGraph._of(names, oriented.ends, Kind.CPDAG)
        self.n_tests_, self.n_untestable_ = found.n_tests, found.n_untestable
        self.n_obs_ = len(series.usable(2 * max_lag))
        self.strengths_, self.p_values_ = found.statistic, found.p_value
        self.scores_ = link_scores(self.graph_, found.p_value, found.statistic, bounds)
        self.trace_ = StepTrace(self.graph_, found, oriented, bounds, alpha, self.n_obs_)
        self.past_ = self.trace_.named_past()

    @property
    def conflicts_(self) -> tuple[str, ...]:
        """Where answers contradict each other, and what was done."""
        check_is_fitted(self, "trace_")
        return self.trace_.conflicts()

    def _explain(self, past: Lagged, now: Lagged) -> Explanation:
        return self.trace_.explain(past, now)
