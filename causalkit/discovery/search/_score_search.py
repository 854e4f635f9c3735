"""What every score-based algorithm shares: settings, the class of the DAG found, and `explain`.

An algorithm derives from :class:`ScoreSearch` and writes `_search(setup)`, which returns a DAG that
obeys the knowledge.
"""

from __future__ import annotations

import warnings
from abc import abstractmethod
from dataclasses import dataclass, replace

from sklearn.utils.validation import check_is_fitted

from causalkit._core.moments import Moments
from causalkit._core.parallel import one_thread
from causalkit._core.table import Table
from causalkit.discovery.base import DiscoveryAlgorithm, Explanation
from causalkit.discovery.knowledge import Knowledge
from causalkit.discovery.search._score_setup import ScoreSetup, as_score, set_up_search
from causalkit.discovery.search._score_trace import ScoreTrace
from causalkit.errors import TimeBudgetWarning
from causalkit.graph import CausalGraph
from causalkit.scores import Score
from causalkit.typing import BoolArray, Name

__all__ = ["Found", "ScoreSearch"]


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """What a search came to.

    Attributes
    ----------
    dag : ndarray of bool, shape (p, p)
        `dag[i, j]` is `i -> j`.
    stopped : str or None
        What the time budget left undone.
    """

    dag: BoolArray
    stopped: str | None = None


class ScoreSearch(DiscoveryAlgorithm):
    """Base of the algorithms that look for the DAG with the highest score."""

    score: Score | None
    knowledge: Knowledge | None
    skeleton: CausalGraph | None
    max_parents: int | None
    max_seconds: float | None

    score_: float
    dag_: CausalGraph
    order_: tuple[Name, ...]
    stopped_: str | None
    trace_: ScoreTrace

    def _needs_rows(self) -> bool:
        return not callable(getattr(as_score(self.score), "bind_moments", None))

    def _labels(self) -> tuple[Name, ...]:
        return as_score(self.score).labels

    def _fit(self, table: Table | Moments) -> None:
        setup = set_up_search(
            table,
            self.score,
            self.knowledge,
            skeleton=self.skeleton,
            max_parents=self.max_parents,
            max_seconds=self.max_seconds,
        )
        with one_thread():
            found = self._search(replace(setup, idle=[]))  # forgotten with the search
        self.trace_ = ScoreTrace(setup, found.dag)
        self.graph_, self.dag_ = self.trace_.graph, self.trace_.member
        self.score_, self.order_ = self.trace_.total(), self.trace_.order
        self.stopped_ = found.stopped
        if found.stopped:
            warnings.warn(
                f"{found.stopped}. The graph is the best one found so far; give it more seconds.",
                TimeBudgetWarning,
                stacklevel=3,
            )

    @abstractmethod
    def _search(self, setup: ScoreSetup) -> Found:
        """Look for the DAG with the highest score among those that the knowledge allows."""

    @property
    def by_knowledge_(self) -> tuple[str, ...]:
        """What the knowledge decided and the score alone would not have."""
        check_is_fitted(self, "trace_")
        return self.trace_.by_knowledge()

    def _explain(self, a: Name, b: Name) -> Explanation:
        return self.trace_.explain(a, b)
