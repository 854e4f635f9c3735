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

Of series the same, with steps that are drawn in blocks of time
(:mod:`~causalkit.workflow.learnt.series_graphs`).

References
----------
Chang, Guo and Malinsky (2026), "Post-selection inference for causal effects after causal
discovery", Biometrika 113(1) (tests at random thresholds, and screening).
doi:10.48550/arXiv.2405.06763
Madigan and Raftery (1994), "Model selection and accounting for model uncertainty in graphical
models using Occam's window", JASA 89, 1535-1546 (graphs far below the best are left out: Occam's
window). doi:10.1080/01621459.1994.10476894
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from causalkit._core.checks import check_count
from causalkit._core.random import as_generator
from causalkit._core.table import Table, as_table
from causalkit.discovery import FLOP, PC, HillClimb, Knowledge
from causalkit.discovery._default_search import default_with_reason
from causalkit.discovery._setup import as_knowledge, reads_moments
from causalkit.discovery.base import DiscoveryAlgorithm
from causalkit.discovery.resampling._perturbed import decides_by_tests
from causalkit.discovery.series.base import SeriesAlgorithm
from causalkit.errors import CausalkitWarning, InputError, UnknownVariableError
from causalkit.graph import CausalGraph, consistent_extension
from causalkit.scores import Score
from causalkit.typing import Data, Name, RandomState
from causalkit.workflow.learnt.asked_edge import turned
from causalkit.workflow.learnt.graph_set import GraphSet
from causalkit.workflow.learnt.screening import (
    Found,
    are_numbers,
    is_complete,
    looser,
    none_hidden,
    score_for,
    screened,
    searched,
)
from causalkit.workflow.learnt.series_graphs import graphs_of_series

__all__ = ["default_algorithm", "default_with_reason", "possible_graphs"]


def possible_graphs(
    data: Data,
    algorithm: DiscoveryAlgorithm | SeriesAlgorithm | None = None,
    *,
    knowledge: Knowledge | None = None,
    n_resamples: int = 200,
    window: float = 1.0,
    asked: tuple[Name, Name] | None = None,
    random_state: RandomState = 0,
    n_jobs: int | None = None,
) -> GraphSet:
    """Learn a graph from many resamples by several searches, and screen what was found.

    Parameters
    ----------
    data : DataFrame, 2-D ndarray, or dict of columns, n_rows by n_variables
        Or series, as the algorithm takes them.
    algorithm : DiscoveryAlgorithm or SeriesAlgorithm, optional
        The search; left out, that of :func:`~causalkit.workflow.analyze` for tables. One for
        series, such as :class:`~causalkit.discovery.PCMCIPlus`, has the columns `panel`, `time` and
        `mask` as settings of its own.
    knowledge : Knowledge, optional
        For the default search; an algorithm that is given has its own.
    n_resamples : int, default 200
        Of each search.
    window : float, default 1
        A graph is kept if its score is at most `window` times log(n_rows) below the best; among
        numbers a weak edge that is left out, or one too many, changes it by about half of
        log(n_rows). It is widened until nine in ten of the graphs are kept that a search by score
        finds on resamples: of many variables, each of them errs somewhere.
    asked : treatment and outcome, optional
        The effect that is asked about. A graph that does not join the two says that it is zero, and
        of a weak effect all may; so each graph within the window is also tried with the edge
        treatment -> outcome, unless knowledge forbids it. Where a graph makes the outcome a cause
        of the treatment, a search is also told that it is none. Such graphs have a share of zero.
    random_state : int, Generator or None, default 0
    n_jobs : int, optional
        Parallel searches; never changes a number.

    Returns
    -------
    GraphSet

    Raises
    ------
    InputError
        If `window` is not positive, the algorithm cannot be resampled, or no graph that it finds
        is free of contradictions.

    Notes
    -----
    **Assumes:**

    - rows are independent draws from one distribution; searches that need correlations only are
      repeated on draws of these, as if rows were normal, and the statistics of other tests are
      drawn again around what they are, each for itself (`Bootstrap(resample="tests")`). Of
      series, that they are stationary and forget their past within a block;
    - the assumptions of the algorithm; in particular, without hidden common causes no search here
      finds the graph if there are some (use FCI, or LPCMCI for series, whose graphs are all kept);
    - the score suits the data: it is the algorithm's own, or a BIC for numbers (Gaussian),
      categories, or both; of series, of each variable given its parents, now and in the past.
      Where it does not, screening may rule the truth out; `window=np.inf` keeps all. Of a test of
      numbers that needs the rows, such as a kernel test, of one that is told of clusters or
      weights, and of a table with empty cells, all graphs are kept.
    """
    check_count(n_resamples, "n_resamples", minimum=2)
    if not isinstance(window, (int, float)) or not window > 0:
        raise InputError(f"window={window!r}; expected a positive number, or infinity to keep all.")
    if knowledge is not None and algorithm is not None:
        raise InputError(
            "knowledge was given beside an algorithm; expected it inside. Write e.g. "
            "PC(knowledge=...)."
        )
    rng = as_generator(random_state)
    if isinstance(algorithm, SeriesAlgorithm):
        return graphs_of_series(
            data, algorithm, n_resamples, window, rng, asked=asked, n_jobs=n_jobs
        )
    table = data if isinstance(data, Table) else as_table(data)
    for name in asked or ():
        if name not in table.names:
            raise UnknownVariableError.among(name, table.names)
    first = default_algorithm(table, knowledge) if algorithm is None else algorithm
    searches = _searches(first, table)
    how = partial(_resampled_by, table=table)
    found = searched(searches, table, n_resamples, rng, resample=how, n_jobs=n_jobs)
    scored = _suits(first, table) and none_hidden(found.graphs)
    own = getattr(first, "score", None)
    if asked is not None and _is_forbidden(first, asked):
        asked = None
    beside = [] if asked is None or not scored else _turned(searches, asked, found, table)
    return screened(
        found,
        table.select(found.graphs[0].nodes) if scored else table,
        _families if scored else None,
        score=own if isinstance(own, Score) else None,
        window=window,
        asked=asked,
        beside=beside,
    )


def _turned(
    searches: Sequence[tuple[str, DiscoveryAlgorithm]],
    asked: tuple[Name, Name],
    found: Found,
    table: Table,
) -> list[CausalGraph]:
    """What a search finds that may not make the outcome a cause of the treatment."""
    by_score = [search for _, search in searches if not hasattr(search, "alpha")]
    told = turned(by_score[-1] if by_score else searches[0][1], asked, found.graphs)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CausalkitWarning)  # the same search spoke before
        return [search.fit(table).graph_ for search in told]


def _resampled_by(search: Any, table: Table) -> str | None:
    """How a search is repeated: on drawn correlations, with drawn statistics, or on drawn rows."""
    gaussian = callable(getattr(search, "_needs_rows", None)) and not search._needs_rows()
    if gaussian and is_complete(table):
        return "gaussian"
    return "tests" if not gaussian and decides_by_tests(search) else None


def _is_forbidden(algorithm: Any, asked: tuple[Name, Name]) -> bool:
    """Whether it is known that the treatment is no cause of the outcome."""
    return as_knowledge(getattr(algorithm, "knowledge", None)).why_forbidden(*asked) is not None


def _suits(algorithm: Any, table: Table) -> bool:
    """Whether the score is one for what the search takes the columns to be.

    With empty cells each family would be scored on rows of its own, and the sums are not
    comparable to within log(n_rows).

    Who asks a kernel test of numbers expects bends, of which a Gaussian score knows nothing; and no
    score knows of clusters, of weights, or of several columns of one variable.
    """
    test = getattr(algorithm, "test", None)
    if not is_complete(table) or not _nodes_are_columns(algorithm, table):
        return False
    return test is None or not are_numbers(table) or reads_moments(test)


def _nodes_are_columns(algorithm: Any, table: Table) -> bool:
    """Whether the test takes each column for a variable, and none for clusters or weights."""
    nodes = getattr(getattr(algorithm, "test", None), "nodes", None)
    return not callable(nodes) or tuple(nodes(table.names)) == tuple(table.names)


def default_algorithm(table: Table, knowledge: Knowledge | None) -> DiscoveryAlgorithm:
    """Search where all columns are continuous; tests where some are not."""
    return default_with_reason(table, knowledge)[0]


def _searches(first: DiscoveryAlgorithm, table: Table) -> list[tuple[str, DiscoveryAlgorithm]]:
    """The search itself, the same with looser tests, and one of another kind that fits."""
    found = [(type(first).__name__, first)]
    if hasattr(first, "alpha"):
        found.append((f"{type(first).__name__}, looser", looser(first)))
    if not is_complete(table) or not _nodes_are_columns(first, table):
        return found
    knowledge = getattr(first, "knowledge", None)
    if not are_numbers(table) and isinstance(first, PC):
        found.append(("HillClimb", HillClimb(score_for(table), knowledge=knowledge)))
    elif isinstance(first, PC) and reads_moments(first.test):
        found.append(("FLOP", FLOP(knowledge=knowledge)))
    elif isinstance(first, FLOP):
        found.append(("PC, looser", looser(PC(knowledge=knowledge))))
    return found


def _families(graph: CausalGraph) -> Iterator[tuple[Name, frozenset[Name]]]:
    """Each variable with its parents in one member of the class."""
    member = consistent_extension(graph)
    return ((name, member.parents(name)) for name in member.nodes)
