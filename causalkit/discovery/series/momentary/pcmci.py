"""PCMCI: links between series, tested given the pasts of both ends.

Two series that remember themselves look alike even where they have nothing to do with each other,
and many lags make many conditions. PCMCI first finds a small past for each series, then tests each
link given the pasts of both its ends (*momentary conditional independence*), which takes the memory
of either end out of the test: it keeps its level and finds weak links among strong memories.

>>> import numpy as np
>>> rng = np.random.default_rng(0)
>>> x, y = rng.normal(size=(2, 500))
>>> for t in range(2, 500):
...     x[t] += 0.7 * x[t - 1]
...     y[t] += 0.6 * y[t - 1] + 0.5 * x[t - 2]
>>> pcmci = PCMCI(max_lag=3, alpha=0.01).fit({"x": x, "y": y})
>>> print(pcmci.graph_)
DAG of 2 series, lags to 3, 3 edges: x[t-1] -> x[t]; y[t-1] -> y[t]; x[t-2] -> y[t]

Links within a step are what is left given the pasts, so they may be indirect; for direct ones ask
:class:`~causalkit.discovery.PCMCIPlus`. They are directed as far as colliders and Meek's rules say.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from sklearn.utils.validation import check_is_fitted

from causalkit._core.checks import check_choice, check_count, check_fraction
from causalkit._core.parallel import check_jobs, one_thread
from causalkit._core.series import Series
from causalkit.discovery._setup import as_knowledge
from causalkit.discovery.base import Explanation, Separation
from causalkit.discovery.knowledge import Knowledge
from causalkit.discovery.series._lagged_test import bind_lagged
from causalkit.discovery.series._multiple_tests import CORRECTIONS, corrected
from causalkit.discovery.series.base import SeriesAlgorithm
from causalkit.discovery.series.momentary._link_knowledge import LinkBounds
from causalkit.discovery.series.momentary._past import Questions
from causalkit.discovery.series.momentary._step_orientation import orient_step
from causalkit.discovery.series.momentary._step_skeleton import StepSkeleton
from causalkit.discovery.series.momentary._step_trace import StepTrace
from causalkit.graph import TAIL, Kind, Lagged, LaggedGraph
from causalkit.independence import CITest
from causalkit.typing import FloatArray, Name

__all__ = ["PCMCI", "link_scores"]

_LEAST: Final = 1e-300
"""Smaller p-values are rounded too much to be compared."""


class PCMCI(SeriesAlgorithm):
    """Learn which series drive which by momentary conditional independence.

    Parameters
    ----------
    test : CITest, optional
        Conditional-independence test; :class:`~causalkit.independence.PartialCorrelation` if left
        out. Tests on correlations are the quickest by far.
    max_lag : int, default 1
        Longest lag of a link.
    alpha : float, default 0.05
        A link is one if its p-value, corrected if so asked, is at most `alpha`.
    past_alpha : float, default 0.2
        Level of the tests that choose the past of each series. What they let through needlessly
        costs power; what they miss costs the level.
    min_lag : {0, 1}
        0: links within a step are tested too, given the pasts; they may be indirect.
    max_order : int, optional
        Largest conditioning set while pasts are chosen.
    correction : {None, "bh", "by", "holm", "bonferroni"}
        How p-values are corrected for their number: the false discovery rate (of Benjamini and
        Hochberg, or Yekutieli under any dependence), or any false link.
    knowledge : Knowledge, optional
        Of series, for all lags, or of nodes such as `("X[t-1]", "Y[t]")`. See Notes.
    panel, time, mask : str or int, optional
        Columns that tell subjects apart, hold the time, or say which rows may be "now".
    n_jobs : int, optional
        Parallel jobs, of tests that are not compiled; never changes the result.

    Attributes
    ----------
    graph_ : LaggedGraph
        Kind DAG, or CPDAG if the direction of a link within a step is open.
    p_values_, strengths_ : ndarrays of shape (max_lag + 1, p, p)
        `[lag, cause, effect]`: of each link the p-value, and the test's statistic: the partial
        correlation where there is one (MCI). NaN where nothing was asked.
    adjusted_p_values_ : ndarray of shape (max_lag + 1, p, p)
        p-values after the correction.
    scores_ : ndarray of shape (p, p)
        `[cause, effect]`: how clear the clearest link is, to rank pairs by: minus the logarithm of
        its p-value; half of that within the step, unless the graph has it in this direction.
    past_ : dict of name to tuple of Lagged
        The past that was chosen for each series, strongest first.
    n_tests_, n_untestable_ : int
        Tests carried out, and sets that a test could not handle.
    conflicts_ : tuple of str
        Where answers about directions contradict each other, and what was done.

    Notes
    -----
    **Assumes:**

    - no hidden common causes;
    - links are the same at every step (stationary);
    - no links within a step, or none that matter to those from the past;
    - every independence comes from the graph (faithfulness) and the test finds it;
    - no cause acts over more than `max_lag` steps;
    - the assumptions of the test, but for rows that are independent.

    *Within a step.* The paper leaves these links without direction. But in `a[t-1] -> k - b`, a and
    b apart, a class without an arrow into k says that k is no collider; and where both ends of a
    link remember themselves, no acyclic graph can say so of both. So each such triple is asked, as
    in :class:`PCMCIPlus`, and what contradicts a clearer answer is dropped: the class has a member.

    *Knowledge.* A name stands for that series at all lags; a node, for one link. A tier that is
    later causes nothing earlier, at any lag. A series may always drive itself.

    References
    ----------
    Runge, Nowack, Kretschmer, Flaxman and Sejdinovic (2019), "Detecting and quantifying causal
    associations in large nonlinear time series datasets", Science Advances 5: eaau4996,
    doi:10.1126/sciadv.aau4996.
    """

    p_values_: FloatArray
    strengths_: FloatArray
    adjusted_p_values_: FloatArray
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
        alpha: float = 0.05,
        past_alpha: float = 0.2,
        min_lag: int = 0,
        max_order: int | None = None,
        correction: str | None = None,
        knowledge: Knowledge | None = None,
        panel: Name | None = None,
        time: Name | None = None,
        mask: Name | None = None,
        n_jobs: int | None = None,
    ) -> None:
        self.test = test
        self.max_lag = max_lag
        self.alpha = alpha
        self.past_alpha = past_alpha
        self.min_lag = min_lag
        self.max_order = max_order
        self.correction = correction
        self.knowledge = knowledge
        self.panel = panel
        self.time = time
        self.mask = mask
        self.n_jobs = n_jobs

    def _fit(self, series: Series) -> None:
        alpha = check_fraction(self.alpha, "alpha")
        past_alpha = check_fraction(self.past_alpha, "past_alpha")
        max_lag = check_count(self.max_lag, "max_lag")
        check_choice(self.correction, "correction", CORRECTIONS)
        check_choice(self.min_lag, "min_lag", (0, 1))
        if self.max_order is not None:
            check_count(self.max_order, "max_order", minimum=0)
        check_jobs(self.n_jobs)
        bounds = LinkBounds.of(as_knowledge(self.knowledge), series.names, max_lag)
        bound = bind_lagged(self.test, series, 2 * max_lag, who=type(self).__name__)
        questions = Questions(bound, len(series.names), max_lag, self.n_jobs)
        with one_thread(not bound.releases_gil):
            past = questions.select_past(
                bounds.candidates(), bounds.kept(), past_alpha, self.max_order
            )
            asked = ~bounds.forbidden & ~bounds.required
            asked[: self.min_lag] = False
            p = len(series.names)
            asked[0] &= np.triu(np.ones((p, p), dtype=np.bool_), 1)
            asked[0] &= ~(bounds.forbidden[0] & bounds.forbidden[0].T)
            statistic, p_value = questions.momentary(past, asked)
            for found in (statistic, p_value):
                found[0] = np.where(asked[0], found[0], found[0].T)
            self.adjusted_p_values_ = corrected(p_value, asked, self.correction)
            linked = (self.adjusted_p_values_ <= alpha) | bounds.required
            linked[0] |= linked[0].T
            links = StepSkeleton(linked, statistic, p_value, past)
            links.n_tests = past.n_tests + int((~np.isnan(p_value[asked])).sum())
            links.n_untestable = past.n_untestable + int(np.isnan(p_value[asked]).sum())
            oriented = orient_step(questions, links, bounds)
        self.n_tests_, self.n_untestable_ = links.n_tests, links.n_untestable
        self.n_obs_ = len(series.usable(2 * max_lag))
        self.strengths_, self.p_values_ = statistic, p_value
        self.graph_ = _graph(series.names, oriented.ends)
        self.scores_ = link_scores(self.graph_, p_value, statistic, bounds)
        self.trace_ = StepTrace(self.graph_, links, oriented, bounds, alpha, self.n_obs_)
        self.past_ = self.trace_.named_past()

    @property
    def conflicts_(self) -> tuple[str, ...]:
        """Where answers about directions contradict each other, and what was done."""
        check_is_fitted(self, "trace_")
        return self.trace_.conflicts()

    def _explain(self, past: Lagged, now: Lagged) -> Explanation:
        edges = self.graph_.edges_between(past, now)
        i, j = self.graph_.index(past), self.graph_.index(now)
        told = self.trace_.bounds.why(past, now)
        if told is not None:
            return Explanation((past, now), _shown(edges), told, None)
        p_value = float(self.p_values_[past.lag, i, j])
        if np.isnan(p_value):
            why = "no link within a step was asked about (min_lag=1)"
            if past.lag or not self.min_lag:
                why = "the test could not tell given the pasts of both"
            return Explanation((past, now), _shown(edges), why)
        given = tuple(
            node
            for node in dict.fromkeys(
                [*self.past_[now.name], *(n.shifted(past.lag) for n in self.past_[past.name])]
            )
            if node != past
        )
        test = Separation(
            (past, now), given, float(self.strengths_[past.lag, i, j]), p_value, self.n_obs_
        )
        q_value = float(self.adjusted_p_values_[past.lag, i, j])
        sign = "at most" if q_value <= self.alpha else "above"
        value = f"p = {p_value:.3g}" + (f", corrected {q_value:.3g}" if self.correction else "")
        why = f"given the pasts of both, {value}, {sign} alpha = {self.alpha:g}"
        direction = self.trace_.direction(past, now) if edges else None
        return Explanation((past, now), _shown(edges), why, direction, test)


def _shown(edges: tuple[object, ...]) -> str:
    return "; ".join(map(str, edges)) or "no edge"


def _graph(names: tuple[Name, ...], ends: np.ndarray) -> LaggedGraph:
    """The class with these marks; a graph of its own if nothing is open."""
    is_open = ((ends == TAIL) & (ends.T == TAIL)).any()
    return LaggedGraph._of(names, ends, Kind.CPDAG if is_open else Kind.DAG)


def link_scores(
    graph: LaggedGraph,
    p_value: FloatArray,
    statistic: FloatArray,
    bounds: LinkBounds | None = None,
) -> FloatArray:
    """Score each pair `[cause, effect]` by its clearest link.

    A link from the past can have one direction only. One within the step speaks for both: in full
    for the one that the graph gives it, by half for the other, or for either if the graph leaves
    it open. What is known to be forbidden scores 0, what is required more than all else.
    """
    told = np.where(np.isnan(p_value), 1.0, p_value)
    size = np.abs(np.nan_to_num(statistic))
    # Resampled p-values are often the same, and others are rounded to 0: the statistic decides.
    again = size / (1.0 + size) * np.where(told < _LEAST, 1.0, 1e-6)
    score = np.where(np.isnan(p_value), 0.0, again - np.log(np.maximum(told, _LEAST)))
    score[0] *= np.where(graph.directed[0], 1.0, 0.5)
    if bounds is not None:
        score[bounds.forbidden] = 0.0
        score[bounds.required] = 1.0 - np.log(_LEAST)
    best: FloatArray = score.max(axis=0)
    return best
