"""What LPCMCI and TS-ICD share: settings, the order of the series, and telling what was found."""

from __future__ import annotations

from abc import abstractmethod

import numpy as np

from causalkit._core.checks import check_count, check_fraction
from causalkit._core.parallel import check_jobs, one_thread
from causalkit._core.series import Series
from causalkit.discovery._setup import in_name_order
from causalkit.discovery.base import Explanation
from causalkit.discovery.series._lagged_test import bind_lagged
from causalkit.discovery.series.base import SeriesAlgorithm
from causalkit.discovery.series.latent._latent_trace import LatentTrace
from causalkit.discovery.series.latent._latent_window import Window
from causalkit.discovery.series.latent._set_search import Evidence
from causalkit.discovery.series.momentary._past import Questions
from causalkit.discovery.series.momentary.pcmci import link_scores
from causalkit.graph import Kind, Lagged, LaggedGraph
from causalkit.independence import BoundTest, CITest
from causalkit.independence.blocks import BoundCorrelation
from causalkit.typing import FloatArray, IntArray

__all__ = ["LatentSeriesAlgorithm"]


class LatentSeriesAlgorithm(SeriesAlgorithm):
    """A search for a PAG of series."""

    test: CITest | None
    alpha: float
    max_order: int | None
    n_jobs: int | None

    p_values_: FloatArray
    strengths_: FloatArray
    scores_: FloatArray
    n_tests_: int
    n_untestable_: int
    trace_: LatentTrace

    def _fit(self, series: Series) -> None:
        alpha = check_fraction(self.alpha, "alpha")
        max_lag = check_count(self.max_lag, "max_lag")
        if self.max_order is not None:
            check_count(self.max_order, "max_order", minimum=0)
        check_jobs(self.n_jobs)
        names = in_name_order(series.names)
        bound = bind_lagged(self.test, series.select(names), max_lag, who=type(self).__name__)
        questions = Questions(bound, len(names), max_lag, self.n_jobs)
        with one_thread(not bound.releases_gil):
            window, evidence = self._search(questions, alpha)
        self.n_obs_ = len(series.usable(max_lag))
        self.n_tests_, self.n_untestable_ = evidence.counts.tolist()
        evidence.strength = _as_partials(bound, evidence)
        # From the order of the names to that of the data.
        where = np.array([names.index(name) for name in series.names], dtype=np.intp)
        nodes = (np.arange(max_lag + 1)[:, None] * len(names) + where).ravel()
        ends = window.ends[np.ix_(nodes, nodes)]
        ends[len(names) :, len(names) :] = 0
        self.graph_ = LaggedGraph._of(series.names, ends, Kind.PAG)
        self.p_values_ = _by_lag(evidence.surest, nodes, where)
        self.strengths_ = _by_lag(evidence.strength, nodes, where)
        self.scores_ = link_scores(self.graph_, self.p_values_, self.strengths_)
        self.trace_ = LatentTrace(self.graph_, names, window, evidence, self.n_obs_)

    @abstractmethod
    def _search(self, questions: Questions, alpha: float) -> tuple[Window, Evidence]:
        """Find the marks, and what the tests said."""

    def _explain(self, past: Lagged, now: Lagged) -> Explanation:
        return self.trace_.explain(past, now)


def _by_lag(values: FloatArray, nodes: IntArray, where: IntArray) -> FloatArray:
    p = len(where)
    return values[np.ix_(nodes, where)].reshape(-1, p, p)


def _as_partials(bound: BoundTest, evidence: Evidence) -> FloatArray:
    """Statistics as partial correlations, where the test is one of them."""
    if not isinstance(bound, BoundCorrelation):
        return evidence.strength
    freedom = float(bound.fisher.n_rows) - 3 - evidence.closest.sum(axis=2)
    scaled = evidence.strength / np.sqrt(np.maximum(freedom, 1.0))
    partial: FloatArray = np.tanh(np.arcsinh(scaled) if bound.student else scaled)
    return partial
