"""What the estimators of a posterior over graphs share: set-up, weights, the result."""

from __future__ import annotations

import warnings
from abc import abstractmethod
from dataclasses import dataclass
from math import comb, log
from typing import Final

import numpy as np

from causalkit._core.checks import check_choice
from causalkit._core.moments import Moments
from causalkit._core.parallel import one_thread
from causalkit._core.table import Table
from causalkit.discovery.base import DiscoveryAlgorithm, Explanation
from causalkit.discovery.bayesian.graph_posterior import GraphPosterior
from causalkit.discovery.knowledge import Knowledge
from causalkit.discovery.search._score_setup import ScoreSetup, as_score, set_up_search
from causalkit.discovery.search._score_trace import ScoreTrace
from causalkit.errors import ConvergenceWarning, InputError, TimeBudgetWarning
from causalkit.graph import CausalGraph
from causalkit.graph.marks import show_name
from causalkit.scores import BGe, Score
from causalkit.typing import BoolArray, FloatArray, Name, RandomState

__all__ = ["PRIORS", "Draws", "PosteriorSearch"]

PRIORS: Final = ("orders", "sizes", "uniform")

_MOST_COUNTED: Final = 20
"""Nodes of a DAG whose orders are counted."""

_FEW: Final = 0.05
"""Share of the draws that weights may leave before they are warned of."""


@dataclass(frozen=True, slots=True, eq=False)
class Draws:
    """What was drawn, as arrays by position in the set-up's names.

    Attributes
    ----------
    dags : ndarray of bool, shape (n, p, p)
        With the prior over orders.
    weights : ndarray of shape (n,)
        Log-score of each, less what the prior takes off for its parents.
    edges : ndarray of shape (p, p)
        Probability of each edge with the prior over orders.
    best : ndarray of bool, shape (p, p)
        The best DAG that is known of.
    worth : float
        Share of the draws that independent ones would need.
    stopped : str or None
        What the time budget left undone.
    """

    dags: BoolArray
    weights: FloatArray
    edges: FloatArray
    best: BoolArray
    worth: float = 1.0
    stopped: str | None = None


class PosteriorSearch(DiscoveryAlgorithm):
    """Base of the algorithms that draw graphs by how probable the data make them."""

    score: Score | None
    prior: str
    knowledge: Knowledge | None
    skeleton: CausalGraph | None
    max_parents: int | None
    max_seconds: float | None
    random_state: RandomState

    posterior_: GraphPosterior
    dag_: CausalGraph
    score_: float
    stopped_: str | None
    trace_: ScoreTrace

    def _score(self) -> Score:
        return BGe() if self.score is None else self.score

    def _needs_rows(self) -> bool:
        return not callable(getattr(self._score(), "bind_moments", None))

    def _labels(self) -> tuple[Name, ...]:
        return as_score(self._score()).labels

    def _fit(self, table: Table | Moments) -> None:
        prior = check_choice(self.prior, "prior", PRIORS)
        if prior == "uniform" and table.n_columns > _MOST_COUNTED:
            raise InputError(
                f'prior="uniform" with {table.n_columns} columns; expected at most '
                f"{_MOST_COUNTED}, because the orders of each DAG are counted. Use "
                'prior="orders", or fewer columns.'
            )
        setup = set_up_search(
            table,
            self._score(),
            self.knowledge,
            skeleton=self.skeleton,
            max_parents=self.max_parents,
            max_seconds=self.max_seconds,
        )
        with one_thread():
            draws = self._draw(setup)
        scores = draws.weights + self._price(setup.n_nodes)[draws.dags.sum(axis=1)].sum(axis=1)
        self.posterior_ = _posterior_of(draws, scores, setup, prior)
        self.trace_ = ScoreTrace(setup, draws.best)
        self.graph_, self.dag_ = self.trace_.graph, self.trace_.member
        self.score_ = self.trace_.total()
        self.stopped_ = draws.stopped
        if draws.stopped:
            warnings.warn(
                f"{draws.stopped}. The posterior rests on fewer draws; give it more seconds.",
                TimeBudgetWarning,
                stacklevel=3,
            )

    def _price(self, p: int) -> FloatArray:
        """What the prior takes off for each number of parents."""
        n_sets = [comb(p - 1, k) if self.prior == "sizes" else 1 for k in range(p)]
        return np.array([log(n) for n in n_sets])

    @abstractmethod
    def _draw(self, setup: ScoreSetup) -> Draws:
        """Draw DAGs with the prior over orders."""

    def _explain(self, a: Name, b: Name) -> Explanation:
        inner = self.trace_.explain(a, b)
        nodes = self.posterior_.nodes
        i, j = nodes.index(a), nodes.index(b)
        there, back = self.posterior_.edges[i, j], self.posterior_.edges[j, i]
        one, other = show_name(a), show_name(b)
        why = (
            f"probability of {one} -> {other} {there:.3g}, of {other} -> {one} {back:.3g}. In the "
            f"best graph: {inner.adjacency}"
        )
        return Explanation((a, b), inner.edge, why, inner.direction)


def _posterior_of(
    draws: Draws, scores: FloatArray, setup: ScoreSetup, prior: str
) -> GraphPosterior:
    n, p = len(draws.dags), setup.n_nodes
    where = [setup.names.index(name) for name in setup.shown]
    dags = draws.dags[:, where][:, :, where]
    packed, first, counts = np.unique(
        np.packbits(dags.reshape(n, p * p), axis=1), axis=0, return_index=True, return_counts=True
    )
    weights, edges = counts / n, draws.edges[np.ix_(where, where)]
    size: float = n * draws.worth
    if prior == "uniform":
        spread = 1.0 / _n_orders(dags[first])
        size *= float((weights @ spread) ** 2 / (weights @ spread**2))
        if size < _FEW * n:
            warnings.warn(
                f"the draws are worth {size:.3g} independent ones with the uniform prior, because "
                "DAGs with few orders carry most of the weight; expected at least "
                f'{_FEW:.0%} of the {n} draws. Draw more, or use prior="orders".',
                ConvergenceWarning,
                stacklevel=4,
            )
        weights = weights * spread / (weights @ spread)
        edges = np.tensordot(weights, dags[first].astype(float), axes=1)
    return GraphPosterior(
        setup.shown,
        prior,
        packed,
        weights,
        scores[first],
        edges,
        setup.knowledge,
        size,
    )


def _n_orders(dags: BoolArray) -> FloatArray:
    from causalkit.discovery.bayesian._linear_extension_kernels import count_orders

    return np.array([count_orders(np.ascontiguousarray(dag)) for dag in dags])
