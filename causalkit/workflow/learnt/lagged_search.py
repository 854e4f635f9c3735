"""A search by score over the parents of each series: in its step, and in the past.

In a graph of series without hidden causes, each series is a regression on its parents, some of
which are steps ago. So the columns X[t], X[t-1], … are laid out side by side and a search for
tables (:class:`~causalkit.discovery.FLOP`) is told by tiers that nothing acts backwards. What
drives the past is not asked: scores add up over variables, so it does not matter to the parents of
those at t.

It stands beside a search by tests, which errs in other ways: where two paths cancel, tests see
nothing, and a score still does.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from causalkit._core.series import Series
from causalkit._core.table import Table
from causalkit.discovery import FLOP, Knowledge
from causalkit.discovery._setup import as_knowledge
from causalkit.discovery.base import Explanation
from causalkit.discovery.series._lagged_design import check_numbers
from causalkit.discovery.series.base import SeriesAlgorithm
from causalkit.discovery.series.momentary._link_knowledge import LinkBounds
from causalkit.graph import Kind, Lagged, LaggedGraph
from causalkit.graph.lagged_template import lagged_nodes
from causalkit.typing import BoolArray, Name

__all__ = ["LaggedScoreSearch"]

_WHO: Final = "a search by score over lagged parents"


class LaggedScoreSearch(SeriesAlgorithm):
    """Find the graph of series with the best Gaussian BIC.

    Parameters
    ----------
    max_lag : int, default 1
    min_lag : {0, 1}
        1: there are no links within a step.
    knowledge : Knowledge, optional
        Of series, for all lags, or of nodes.
    panel, time, mask : str or int, optional
        As in :class:`~causalkit.discovery.PCMCIPlus`.

    Attributes
    ----------
    graph_ : LaggedGraph
        Kind CPDAG.

    Notes
    -----
    **Assumes:** no hidden common causes, no link longer than `max_lag`, and that each series is
    linear in its causes, with Gaussian noise that is independent over time.

    Examples
    --------
    >>> x, y = np.random.default_rng(0).normal(size=(2, 300))
    >>> y[1:] += x[:-1]
    >>> print(LaggedScoreSearch().fit({"x": x, "y": y}).graph_)
    CPDAG of 2 series, lags to 1, 1 edge: x[t-1] -> y[t]
    """

    def __init__(
        self,
        *,
        max_lag: int = 1,
        min_lag: int = 0,
        knowledge: Knowledge | None = None,
        panel: Name | None = None,
        time: Name | None = None,
        mask: Name | None = None,
    ) -> None:
        self.max_lag = max_lag
        self.min_lag = min_lag
        self.knowledge = knowledge
        self.panel = panel
        self.time = time
        self.mask = mask

    def _fit(self, series: Series) -> None:
        check_numbers(series, who=_WHO)
        names, p = series.names, len(series.names)
        nodes = lagged_nodes(names, self.max_lag)
        series.needs(len(nodes) + 2, self.max_lag, who=_WHO)
        values = series.lagged(self.max_lag)
        bounds = LinkBounds.of(as_knowledge(self.knowledge), names, self.max_lag)
        known = Knowledge(
            tiers=[nodes[p:], nodes[:p]],
            closed_tiers=[0, 1] if self.min_lag else [0],
            forbidden=_pairs(nodes, bounds.forbidden),
            required=_pairs(nodes, bounds.required),
        )
        search = FLOP(knowledge=known)
        search._fit(Table(nodes, values, (None,) * len(nodes)))
        found = search.graph_.reordered(nodes)
        self.n_obs_ = len(values)
        self.graph_ = LaggedGraph._of(names, np.array(found.ends), Kind.CPDAG)

    def _explain(self, past: Lagged, now: Lagged) -> Explanation:
        edges = self.graph_.edges_between(past, now)
        edge = str(edges[0]) if edges else "no edge"
        return Explanation((past, now), edge, "the graph with the best score has it so", None)


def _pairs(nodes: tuple[Lagged, ...], links: BoolArray) -> list[tuple[Name, Name]]:
    """Links `[lag, cause, effect]` as pairs of nodes; no node is its own cause anyway."""
    p = links.shape[1]
    return [
        (nodes[lag * p + i], nodes[j]) for lag, i, j in np.argwhere(links).tolist() if lag or i != j
    ]
