"""Searches repeated on resamples, and what the data say about each graph that comes out.

Of tables and of series alike: every search runs on all data and on resamples, the graphs are
counted, and each gets the score of one of its members. A graph is kept if its score is near the
best one (Occam's window). How near is near enough? A constant would do for few variables; of many,
every search errs somewhere, so the window is as wide as it takes to keep nine in ten of the graphs
that a search by score finds on resamples.

A class that has no member, because its marks contradict each other, has a score of minus infinity:
no graph of it can be right.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from scipy.stats import norm
from sklearn.base import clone

from causalkit._core.random import draw_seed
from causalkit._core.table import Table
from causalkit.discovery import Bootstrap
from causalkit.errors import GraphError
from causalkit.graph import CausalGraph, Kind, LaggedGraph
from causalkit.scores import (
    DegenerateGaussianBIC,
    DiscreteBIC,
    GaussianBIC,
    Score,
)
from causalkit.typing import FloatArray, Name
from causalkit.workflow.learnt.asked_edge import joined
from causalkit.workflow.learnt.graph_set import GraphSet

__all__ = [
    "Found", "are_numbers", "is_complete", "looser", "none_hidden", "score_for", "screened",
    "searched",
]  # fmt: skip

_MOST: Final = 0.9
"""Share of what a search by score finds on resamples that is kept in any case."""

_HALF: Final = 0.5
"""By how much the critical value of the looser tests is multiplied."""


@dataclass(frozen=True, slots=True)
class Found:
    """What the searches found.

    Attributes
    ----------
    graphs : list of CausalGraph or LaggedGraph
        One a search and sample.
    by_score : list of them
        Those that a search without tests found on resamples.
    searches : tuple of (str, int)
        What was searched with, and how often.
    """

    graphs: Sequence[CausalGraph | LaggedGraph]
    by_score: Sequence[CausalGraph | LaggedGraph]
    searches: tuple[tuple[str, int], ...]


def searched(
    searches: Iterable[tuple[str, Any]],
    data: Any,
    n_resamples: int,
    rng: np.random.Generator,
    *,
    resample: Callable[[Any], str | None],
    n_jobs: int | None,
) -> Found:
    """Run each search on the data and on resamples; `resample` says of a search how they are drawn.

    Raises
    ------
    InputError
        If a search cannot be resampled.
    """
    graphs: list[CausalGraph | LaggedGraph] = []
    by_score: list[CausalGraph | LaggedGraph] = []
    counted = []
    for label, search in searches:
        boot = Bootstrap(
            search,
            n_resamples,
            resample=resample(search),
            n_jobs=n_jobs,
            random_state=draw_seed(rng),
        ).fit(data)
        again = list(boot.replicates_)
        graphs += [boot.algorithm_.graph_, *again]
        if not hasattr(search, "alpha"):
            by_score += again
        counted.append((label, n_resamples))
    return Found(graphs, by_score, tuple(counted))


def looser(algorithm: Any) -> Any:
    """The same with critical values of half the size."""
    alpha = float(2 * norm.sf(_HALF * norm.isf(algorithm.alpha / 2)))
    return clone(algorithm).set_params(alpha=alpha)


# --- scores ---------------------------------------------------------------------------------------

_Families = Iterable[tuple[Name, Iterable[Name]]]


def screened(
    found: Found,
    table: Table,
    families: Callable[[Any], _Families] | None,
    *,
    score: Score | None,
    window: float,
    asked: tuple[Name, Name] | None = None,
    beside: Iterable[CausalGraph | LaggedGraph] = (),
) -> GraphSet:
    """Count what was found, and score it.

    Parameters
    ----------
    found : Found
    table : Table
        Columns that the families name.
    families : callable, optional
        Each variable of a graph with its parents in one member; raises GraphError if there is no
        member. None if the graphs have no score.
    score : Score, optional
        Left out, BIC for the columns.
    window : float
        In units of log(n_rows).
    asked : treatment and outcome, optional
        The graphs within the window are tried with this edge, too.
    beside : iterable of graphs
        Of searches that were told more; each is scored, and has a share of zero.

    Returns
    -------
    GraphSet
    """
    counts = Counter(found.graphs)
    counts.update(dict.fromkeys(beside, 0))
    ranked = tuple(graph for graph, _ in counts.most_common())
    shares = np.array([counts[graph] for graph in ranked]) / len(found.graphs)
    scores = np.full(len(ranked), np.nan)
    room = window * math.log(table.n_rows)
    if families is not None:
        judge = _Judge(table, families, score or score_for(table))
        scores = judge.totals(ranked)
        if found.by_score and np.isfinite(scores).any():
            place = {graph: k for k, graph in enumerate(ranked)}
            below = scores.max() - scores[[place[graph] for graph in found.by_score]]
            room = max(room, float(np.quantile(below, _MOST)))
        if asked is not None:
            near = [g for g, s in zip(ranked, scores, strict=True) if s >= scores.max() - room]
            tried = [joined(graph, *asked) for graph in near]
            new = tuple(dict.fromkeys(g for g in tried if g is not None and g not in counts))
            ranked += new
            shares = np.concatenate([shares, np.zeros(len(new))])
            scores = np.concatenate([scores, judge.totals(new)])
    return GraphSet(ranked, shares, scores, room, found.searches)


class _Judge:
    """Scores of members of classes; what is asked of a family twice is computed once."""

    def __init__(self, table: Table, families: Callable[[Any], _Families], score: Score) -> None:
        self.bound = score.bind(table)
        self.families = families
        self.where = {name: k for k, name in enumerate(table.names)}
        self.known: dict[tuple[int, tuple[int, ...]], float] = {}

    def totals(self, graphs: Sequence[CausalGraph | LaggedGraph]) -> FloatArray:
        """Score of a member of each; minus infinity of a class without members."""
        return np.array([self._total(graph) for graph in graphs], dtype=np.float64)

    def _total(self, graph: CausalGraph | LaggedGraph) -> float:
        try:
            listed = list(self.families(graph))
        except GraphError:
            return -math.inf
        return sum(self._of_family(name, parents) for name, parents in listed)

    def _of_family(self, name: Name, parents: Iterable[Name]) -> float:
        asked = self.where[name], tuple(sorted(self.where[cause] for cause in parents))
        if asked not in self.known:
            self.known[asked] = self.bound(*asked)
        return self.known[asked]


def score_for(table: Table) -> Score:
    """BIC for the columns of a complete table."""
    if are_numbers(table):
        return GaussianBIC()
    if all(levels is not None for levels in table.levels):
        return DiscreteBIC()
    return DegenerateGaussianBIC()


def none_hidden(graphs: Iterable[CausalGraph | LaggedGraph]) -> bool:
    """Whether all are such as have scores: DAGs and their classes, without hidden causes."""
    return all(graph.kind in (Kind.DAG, Kind.CPDAG) for graph in graphs)


def are_numbers(table: Table) -> bool:
    """Whether no column holds categories."""
    return all(levels is None for levels in table.levels)


def is_complete(table: Table) -> bool:
    """Whether no cell is missing."""
    return not np.isnan(table.values).any()
