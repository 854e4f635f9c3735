"""Which graphs of series do the data leave possible? Searches over blocks of time, screened.

As of tables (:mod:`~causalkit.workflow.learnt.graph_learning`), with what time changes:

- steps are drawn in blocks, each with its own past, so that no lag reaches over a seam; of a panel
  with many subjects, whole subjects are drawn (:class:`~causalkit.discovery.Bootstrap`);
- beside a search by tests on correlations runs one by score over the parents of each series, now
  and in the past (:mod:`~causalkit.workflow.learnt.lagged_search`);
- the score of a graph is the BIC of each series given its parents in one member of the class,
  summed over the series at t. All graphs are scored on the same steps, those that have the longest
  lag of any of them before them. Since each series has its own past among its causes where it has a
  memory, what is left over is independent over time, and the BIC is that of so many rows.

Graphs with latents (LPCMCI, TSICD), those with nodes that are no columns (J-PCMCI+), and those of
searches that expect bends among numbers (kernel tests, networks), have no score and are all kept.

>>> import numpy as np
>>> from causalkit.discovery import PCMCIPlus
>>> x, y = np.random.default_rng(0).normal(size=(2, 200))
>>> y[1:] += 0.8 * x[:-1]
>>> rng = np.random.default_rng(0)
>>> found = graphs_of_series({"x": x, "y": y}, PCMCIPlus(), 20, 2.0, rng)
>>> print(found.graphs[0])
CPDAG of 2 series, lags to 1, 1 edge: x[t-1] -> y[t]
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final

import numpy as np

from causalkit._core.series import Series, as_series
from causalkit._core.table import Table
from causalkit.discovery._setup import as_knowledge
from causalkit.discovery.series.base import SeriesAlgorithm
from causalkit.discovery.series.granger.granger import Granger
from causalkit.discovery.series.granger.group_lasso_granger import GroupLassoGranger
from causalkit.discovery.series.momentary._link_knowledge import LinkBounds
from causalkit.discovery.series.momentary.jpcmci_plus import JPCMCIPlus
from causalkit.discovery.series.momentary.pcmci import PCMCI
from causalkit.discovery.series.momentary.pcmci_plus import PCMCIPlus
from causalkit.discovery.series.structural.dynotears import DYNOTEARS
from causalkit.discovery.series.structural.var_lingam import VARLiNGAM
from causalkit.errors import InputError, UnknownVariableError
from causalkit.graph import CausalGraph, Kind, LaggedGraph
from causalkit.graph.lagged import as_lagged
from causalkit.graph.lagged_class import lagged_member
from causalkit.graph.lagged_template import lagged_nodes
from causalkit.independence import FisherZ, PartialCorrelation
from causalkit.typing import Data, Name
from causalkit.workflow.learnt.graph_set import GraphSet
from causalkit.workflow.learnt.lagged_search import LaggedScoreSearch
from causalkit.workflow.learnt.screening import are_numbers, looser, none_hidden, screened, searched

__all__ = ["graphs_of_series"]

_LINEAR: Final = (DYNOTEARS, Granger, GroupLassoGranger, VARLiNGAM)
"""Algorithms without a test that take effects to be linear."""


def graphs_of_series(
    data: Data,
    algorithm: SeriesAlgorithm,
    n_resamples: int,
    window: float,
    rng: np.random.Generator,
    *,
    asked: tuple[Name, Name] | None = None,
    n_jobs: int | None = None,
) -> GraphSet:
    """Do the work of :func:`~causalkit.workflow.possible_graphs` for series.

    Raises
    ------
    InputError
        If the series cannot be used, or every graph that was found contradicts itself.
    """
    roles = {role: getattr(algorithm, role) for role in ("panel", "time", "mask")}
    series = as_series(data, **roles)
    searches = _searches(algorithm, series)
    found = searched(searches, data, n_resamples, rng, resample=lambda _: None, n_jobs=n_jobs)
    graphs, by_score = _of_one_kind(found.graphs), _of_one_kind(found.by_score)
    found = replace(found, graphs=graphs, by_score=by_score)
    longest = max(graph.max_lag for graph in graphs)
    scored = _suits(algorithm, series) and _have_scores(graphs, series)
    kept = screened(
        found,
        _side_by_side(series, longest),
        _families if scored else None,
        score=None,
        window=window,
        asked=None if asked is None or _is_forbidden(algorithm, series, asked) else asked,
    )
    if not kept.kept.any():
        raise InputError(
            f"the marks of each graph that {type(algorithm).__name__} found contradict each other, "
            "so that no graph of series has them; expected some that are consistent. Use an "
            "algorithm that directs links within a step, such as PCMCIPlus()."
        )
    return kept


def _is_forbidden(algorithm: SeriesAlgorithm, series: Series, asked: tuple[Name, Name]) -> bool:
    """Whether it is known that there is no such link."""
    past, now = (as_lagged(node, series.names) for node in asked)
    lag, known = past.lag - now.lag, as_knowledge(getattr(algorithm, "knowledge", None))
    for node in (past, now):
        if node.name not in series.names:
            raise UnknownVariableError.among(node.name, series.names)
    if lag < 0:
        return True
    bounds = LinkBounds.of(known, series.names, lag)
    i, j = series.names.index(past.name), series.names.index(now.name)
    return bool(bounds.forbidden[lag, i, j])


def _searches(first: SeriesAlgorithm, series: Series) -> list[tuple[str, SeriesAlgorithm]]:
    """The search itself, the same with looser tests, and one by score where it fits."""
    name = type(first).__name__
    found: list[tuple[str, SeriesAlgorithm]] = [(name, first)]
    if hasattr(first, "alpha"):
        found.append((f"{name}, looser", looser(first)))
    # The score assumes what tests of correlations do, and that nothing is hidden.
    by_tests = isinstance(first, (PCMCI, PCMCIPlus)) and not isinstance(first, JPCMCIPlus)
    if by_tests and are_numbers(series.table) and _of_correlations(first):
        settings = {
            what: getattr(first, what) for what in ("max_lag", "knowledge", "panel", "time", "mask")
        }
        by_score = LaggedScoreSearch(min_lag=getattr(first, "min_lag", 0), **settings)
        found.append(("BIC over lagged parents", by_score))
    return found


def _of_correlations(algorithm: SeriesAlgorithm) -> bool:
    test = getattr(algorithm, "test", None)
    return test is None or isinstance(test, (FisherZ, PartialCorrelation))


def _of_one_kind(graphs: Iterable[CausalGraph | LaggedGraph]) -> list[LaggedGraph]:
    """Graphs of a class each: a DAG without links within a step is the only one of its class."""
    listed = [graph for graph in graphs if isinstance(graph, LaggedGraph)]
    if Kind.CPDAG not in {graph.kind for graph in listed}:
        return listed
    return [
        LaggedGraph._of(graph.variables, np.array(graph.template.ends), Kind.CPDAG)
        if graph.kind is Kind.DAG and not graph.adjacency[0].any()
        else graph
        for graph in listed
    ]


# --- scores ---------------------------------------------------------------------------------------


def _suits(algorithm: SeriesAlgorithm, series: Series) -> bool:
    """Whether the score is one for what the search takes the series to be.

    Who asks a kernel test, or a network, of numbers expects bends, of which a Gaussian score knows
    nothing.
    """
    if not are_numbers(series.table):
        return True
    if hasattr(algorithm, "test"):
        return _of_correlations(algorithm)
    return isinstance(algorithm, _LINEAR)


def _have_scores(graphs: list[LaggedGraph], series: Series) -> bool:
    """Whether nothing is hidden in any of them, and all that they name is a column."""
    columns = set(series.names)
    return none_hidden(graphs) and all(columns.issuperset(graph.variables) for graph in graphs)


def _side_by_side(series: Series, max_lag: int) -> Table:
    """The series at t, t-1, …, one column each, of the steps that have all of them."""
    nodes = lagged_nodes(series.names, max_lag)
    series.needs(2, max_lag, who="the screening of graphs")
    return Table(nodes, series.lagged(max_lag), series.table.levels * (max_lag + 1))


def _families(graph: LaggedGraph) -> Iterator[tuple[Name, frozenset[Name]]]:
    """Each series at t with its parents in one member of the class."""
    member = graph if graph.kind is Kind.DAG else lagged_member(graph)
    p = len(graph.variables)
    return ((name, member.template.parents(name)) for name in member.nodes[:p])
