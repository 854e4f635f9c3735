"""Which graphs do the data leave possible? A set of them, instead of the one that was learnt.

A search returns one graph, and other rows of the same world would have given another. Here the
search is repeated on resamples, so that each of its decisions falls out differently from time to
time, and beside it run searches that decide otherwise: tests that keep what is half as significant
(so weak edges are there in some of the graphs), and a search by score (which is not misled where
two paths cancel and a test sees nothing). What comes out is screened: a graph whose score is far
below the best is ruled out by the data, however often it was found.

>>> import numpy as np
>>> rng = np.random.default_rng(0)
>>> a, b = rng.normal(size=(2, 300))
>>> data = {"a": a, "b": b, "c": a + b + rng.normal(size=300)}
>>> found = possible_graphs(data, n_resamples=20, random_state=0)
>>> print(found.graphs[0])
CPDAG with 3 nodes, 2 edges: a -> c; b -> c

References
----------
Chang, Guo and Malinsky (2026), "Post-selection inference for causal effects after causal
discovery", Biometrika 113(1) (tests at random thresholds, and screening).
doi:10.48550/arXiv.2405.06763
Madigan and Raftery (1994), JASA 89, 1535-1546 (graphs far below the best are left out: Occam's
window). doi:10.1080/01621459.1994.10476894
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from scipy.stats import norm
from sklearn.base import clone

from causalkit._core.checks import check_count
from causalkit._core.random import as_generator, draw_seed
from causalkit._core.report import Report, Reported
from causalkit._core.table import Table, as_table
from causalkit.discovery import FLOP, PC, Bootstrap, Knowledge
from causalkit.discovery._setup import reads_moments
from causalkit.discovery.base import DiscoveryAlgorithm
from causalkit.errors import InputError
from causalkit.graph import CausalGraph, Kind, consistent_extension
from causalkit.scores import (
    DegenerateGaussianBIC,
    DiscreteBIC,
    GaussianBIC,
    NodeAverage,
    Score,
)
from causalkit.typing import BoolArray, Data, FloatArray, RandomState

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["GraphSet", "default_algorithm", "possible_graphs"]

_MOST: Final = 0.9
"""Share of what a search by score finds on resamples that is kept in any case."""

_HALF: Final = 0.5
"""By how much the critical value of the looser tests is multiplied."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class GraphSet(Reported):
    """Graphs that searches found, with what the data say about each.

    Attributes
    ----------
    graphs : tuple of CausalGraph
        All different; those most often found first.
    shares : ndarray of shape (k,)
        Share of the searches that found each; they add up to one.
    scores : ndarray of shape (k,)
        Its score, in units of log-likelihood; NaN of graphs that have none (with latents).
    window : float
        How far below the best score a graph may be to be kept.
    searches : tuple of (str, int)
        What was searched with, and how often.

    Examples
    --------
    >>> chain, fork = map(CausalGraph.parse, ("a -> b -> c", "a <- b -> c; a -> c"))
    >>> found = GraphSet((chain, fork), np.array([0.7, 0.3]), np.array([-10.0, -90.0]), 20.0)
    >>> found.kept
    array([ True, False])
    """

    graphs: tuple[CausalGraph, ...]
    shares: FloatArray
    scores: FloatArray
    window: float = math.inf
    searches: tuple[tuple[str, int], ...] = ()

    @property
    def kept(self) -> BoolArray:
        """Whether the score of each is within the window; all of those without a score."""
        if np.isnan(self.scores).all():
            return np.ones(len(self.graphs), dtype=np.bool_)
        near: BoolArray = self.scores >= np.nanmax(self.scores) - self.window
        return near | np.isnan(self.scores)

    @property
    def plausible(self) -> GraphSet:
        """Those that are kept, their shares made to add up to one."""
        kept = self.kept
        share = self.shares[kept]
        graphs = tuple(graph for graph, ok in zip(self.graphs, kept, strict=True) if ok)
        return replace(self, graphs=graphs, shares=share / share.sum(), scores=self.scores[kept])

    def to_frame(self) -> pd.DataFrame:
        """Return one row a graph."""
        import pandas as pd

        return pd.DataFrame(
            {
                "graph": [str(graph) for graph in self.graphs],
                "share": self.shares,
                "score": self.scores - np.nanmax(self.scores),
                "kept": self.kept,
            }
        )

    def __len__(self) -> int:
        return len(self.graphs)

    def _report(self) -> Report:
        shown = list(zip(self.graphs, self.shares, self.scores, self.kept, strict=True))[:8]
        best = float(np.nanmax(self.scores)) if not np.isnan(self.scores).all() else math.nan
        return Report(
            title=f"{len(self)} graphs, {int(self.kept.sum())} of them kept",
            facts=[(label, f"{n} searches") for label, n in self.searches],
            columns=("share", "below the best", "kept", "graph"),
            rows=[
                (f"{share:.2f}", best - score, "yes" if kept else "no", str(graph))
                for graph, share, score, kept in shown
            ],
            notes=[f"Kept: at most {self.window:.3g} below the best, in log-likelihood."],
        )


def possible_graphs(
    data: Data,
    algorithm: DiscoveryAlgorithm | None = None,
    *,
    knowledge: Knowledge | None = None,
    n_resamples: int = 200,
    window: float = 2.0,
    random_state: RandomState = None,
    n_jobs: int | None = None,
) -> GraphSet:
    """Learn a graph from many resamples by several searches, and screen what was found.

    Parameters
    ----------
    data : DataFrame, 2-D ndarray, or dict of columns, n_rows by n_variables
    algorithm : DiscoveryAlgorithm, optional
        The search; left out, that of :func:`~causalkit.workflow.analyze`.
    knowledge : Knowledge, optional
        For the default search; an algorithm that is given has its own.
    n_resamples : int, default 200
        Of each search.
    window : float, default 2
        A graph is kept if its score is at most `window` times log(n_rows) below the best; among
        numbers a weak edge that is left out, or one too many, changes it by about half of
        log(n_rows). It is widened until nine in ten of the graphs are kept that a search by score
        finds on resamples: of many variables, each of them errs somewhere.
    random_state : int, Generator or None
    n_jobs : int, optional
        Parallel searches; never changes a number.

    Returns
    -------
    GraphSet

    Raises
    ------
    InputError
        If `window` is not positive, or the algorithm cannot be resampled.

    Notes
    -----
    **Assumes:**

    - rows are independent draws from one distribution; searches that need correlations only are
      repeated on draws of these, as if rows were normal;
    - the assumptions of the algorithm; in particular, without hidden common causes no search here
      finds the graph if there are some (use FCI, whose graphs are all kept);
    - the score suits the data: it is the algorithm's own, or a BIC for numbers (Gaussian),
      categories, or both. Where it does not, screening may rule the truth out; `window=np.inf`
      keeps all.
    """
    check_count(n_resamples, "n_resamples", minimum=2)
    if not isinstance(window, (int, float)) or not window > 0:
        raise InputError(f"window={window!r}; expected a positive number, or infinity to keep all.")
    table = data if isinstance(data, Table) else as_table(data)
    first = default_algorithm(table, knowledge) if algorithm is None else algorithm
    rng = as_generator(random_state)
    graphs: list[CausalGraph] = []
    by_score: list[CausalGraph] = []
    searches = []
    for label, search in _searches(first, table):
        gaussian = callable(getattr(search, "_needs_rows", None)) and not search._needs_rows()
        boot = Bootstrap(
            search,
            n_resamples,
            resample="gaussian" if gaussian and _is_complete(table) else None,
            n_jobs=n_jobs,
            random_state=draw_seed(rng),
        ).fit(table)
        found = (boot.algorithm_.graph_, *boot.replicates_)
        graphs += [graph for graph in found if isinstance(graph, CausalGraph)]
        if not hasattr(search, "alpha"):
            by_score += graphs[-n_resamples:]
        searches.append((label, n_resamples))
    counts = Counter(graphs)
    ranked = tuple(graph for graph, _ in counts.most_common())
    shares = np.array([counts[graph] for graph in ranked]) / len(graphs)
    scores = _scores(ranked, table, getattr(first, "score", None))
    room = window * math.log(table.n_rows)
    if by_score and not np.isnan(scores).all():
        place = {graph: k for k, graph in enumerate(ranked)}
        below = np.nanmax(scores) - scores[[place[graph] for graph in by_score]]
        room = max(room, float(np.quantile(below, _MOST)))
    return GraphSet(ranked, shares, scores, room, tuple(searches))


def default_algorithm(table: Table, knowledge: Knowledge | None) -> DiscoveryAlgorithm:
    """Search where all columns are continuous; tests where some are not."""
    if _are_numbers(table) and all(_has_many_values(column) for column in table.values.T):
        return FLOP(knowledge=knowledge)
    return PC(alpha=0.01, knowledge=knowledge)


def _has_many_values(column: FloatArray) -> bool:
    return len(np.unique(column)) > 2 and not np.isnan(column).any()


def _are_numbers(table: Table) -> bool:
    return all(levels is None for levels in table.levels)


def _is_complete(table: Table) -> bool:
    return not np.isnan(table.values).any()


def _searches(first: DiscoveryAlgorithm, table: Table) -> list[tuple[str, DiscoveryAlgorithm]]:
    """The search itself, the same with looser tests, and one of another kind that fits."""
    found = [(type(first).__name__, first)]
    if hasattr(first, "alpha"):
        found.append((f"{type(first).__name__}, looser", _looser(first)))
    if not _are_numbers(table) or not _is_complete(table):
        return found
    knowledge = getattr(first, "knowledge", None)
    if isinstance(first, PC) and reads_moments(first.test):
        found.append(("FLOP", FLOP(knowledge=knowledge)))
    elif isinstance(first, FLOP):
        found.append(("PC, looser", _looser(PC(knowledge=knowledge))))
    return found


def _looser(algorithm: DiscoveryAlgorithm) -> DiscoveryAlgorithm:
    """The same with critical values of half the size."""
    alpha = float(2 * norm.sf(_HALF * norm.isf(algorithm.alpha / 2)))
    loose: DiscoveryAlgorithm = clone(algorithm).set_params(alpha=alpha)
    return loose


# --- scores ---------------------------------------------------------------------------------------


def _scores(graphs: Sequence[CausalGraph], table: Table, own: Any) -> FloatArray:
    """Score of a member of each class; NaN of graphs with latents."""
    if any(graph.kind not in (Kind.DAG, Kind.CPDAG) for graph in graphs):
        return np.full(len(graphs), np.nan)
    names = graphs[0].nodes
    kept = table.select(names)
    bound = (own if isinstance(own, Score) else _score_for(kept)).bind(kept)
    known: dict[tuple[int, tuple[int, ...]], float] = {}
    where = {name: k for k, name in enumerate(kept.names)}
    totals = np.zeros(len(graphs))
    for k, graph in enumerate(graphs):
        member = graph if graph.kind is Kind.DAG else consistent_extension(graph)
        for name in names:
            asked = where[name], tuple(sorted(where[cause] for cause in member.parents(name)))
            if asked not in known:
                known[asked] = bound(*asked)
            totals[k] += known[asked]
    return totals


def _score_for(table: Table) -> Score:
    """BIC for the columns of the table."""
    score: GaussianBIC | DiscreteBIC | DegenerateGaussianBIC
    if _are_numbers(table):
        score = GaussianBIC()
    elif all(levels is not None for levels in table.levels):
        score = DiscreteBIC()
    else:
        score = DegenerateGaussianBIC()
    return score if _is_complete(table) else NodeAverage(score)
