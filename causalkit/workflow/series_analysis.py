"""What `analyze` does first with series: read them, and have a graph with steps.

A question is about series if its graph has steps, or the algorithm that is to learn it does. Then a
treatment is a node, `X[t-1]`, the rows of the data are steps in the order of time, and the columns
`panel`, `time` and `mask` say whose steps they are, when they were, and which of them count. From
there on the chain is that of tables: what identifies, estimates and challenges knows of steps.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

import numpy as np
from sklearn.base import clone

from causalkit._core.series import Series
from causalkit._core.table import column_names
from causalkit.discovery.series.base import SeriesAlgorithm
from causalkit.errors import InputError, UnknownVariableError
from causalkit.estimation.series.lagged import read_series
from causalkit.graph import CausalGraph, LaggedGraph
from causalkit.graph.lagged import as_lagged, has_step
from causalkit.typing import Data, Name
from causalkit.workflow.decisions import Decision, about_data, about_graph, about_search
from causalkit.workflow.searching import Searched, check_rows

__all__ = ["graph_with_steps", "is_of_series", "nodes_asked", "searched_series"]

_ROLES: Final = ("panel", "time", "mask")
_OF_PANELS: Final = {"panel": "unit", "time": "time"}


def graph_with_steps(graph: Any, data: Data) -> Any:
    """The graph of series that a text with nodes such as `X[t-1]` means; any other as it is.

    A node that is the name of a column is that column, so a table may have columns called `X[t-1]`.
    """
    if not isinstance(graph, str) or not _steps_of_series(CausalGraph.parse(graph).nodes, data):
        return graph
    return LaggedGraph.parse(graph)


def is_of_series(settings: Mapping[str, Any], data: Data, *asked: Name) -> bool:
    """Whether the question is about series.

    Raises
    ------
    InputError
        If columns that only series have are named for a table, or nodes of series are asked about
        and nothing says how to find their graph.
    """
    graph, discovery = settings["graph"], settings["discovery"]
    if isinstance(graph, LaggedGraph) or isinstance(discovery, SeriesAlgorithm):
        return True
    if graph is None and discovery is None and (steps := _steps_of_series(asked, data)):
        raise InputError(
            f"{steps[0]} is a node of series, and there is neither a graph of them nor a way to "
            "learn one; expected a LaggedGraph, or an algorithm for series, which knows how far to "
            "look back. Write discovery=PCMCIPlus(max_lag=...)."
        )
    estimator = settings["estimator"]
    labels = (*getattr(estimator, "needs", ()), *getattr(estimator, "takes", ()))
    of_panels = {role for role, label in _OF_PANELS.items() if label in labels}
    given = [role for role in _ROLES if settings[role] is not None]
    named = [f"{role}={settings[role]!r}" for role in given if role not in of_panels]
    if named:
        raise InputError(
            f"{', '.join(named)} for a table; expected None. They are for series: pass a "
            "LaggedGraph, or discovery=PCMCIPlus(...). Or for panels: an estimator of panels, such "
            "as FixedEffects(), takes panel and time."
        )
    if given and graph is None:
        raise InputError(
            f"{type(estimator).__name__} is for panels, and no graph was given; expected one, "
            "since searches take rows for independent. Pass graph=, with what you know."
        )
    return False


def _steps_of_series(names: Iterable[Name], data: Data) -> list[Name]:
    """Names with a step, unless all of them are columns of a table."""
    steps: list[Name] = [x for x in names if has_step(x)]
    several = isinstance(data, (list, tuple)) or (isinstance(data, np.ndarray) and data.ndim == 3)
    return [] if not several and set(steps) <= set(column_names(data)) else steps


def nodes_asked(searched: Searched, treatment: Name, outcome: Name) -> tuple[Name, Name]:
    """The nodes that are asked about; `Y` is Y[t].

    Raises
    ------
    UnknownVariableError
        If there is no such series.
    """
    graph, columns = searched.graph, searched.variables.names
    if not isinstance(graph, LaggedGraph):
        return treatment, outcome
    found = graph.node(treatment), graph.node(outcome)
    for node in found:
        if node.name not in columns:
            raise UnknownVariableError.among(node.name, columns)
    return found


def searched_series(data: Data, settings: Mapping[str, Any], *asked: Name) -> Searched:
    """Series, and the graph of them that was given, or the one that is learnt.

    Raises
    ------
    InputError
        If the algorithm has other columns for `panel`, `time` and `mask`, or the series are short.
    UnknownVariableError
        If a series that is asked about is not there.
    """
    graph, discovery = settings["graph"], settings["discovery"]
    how = {name: settings[name] for name in ("clusters", "sample_weight", *_ROLES)}
    series, _ = read_series(data, **how)
    columns = series.names
    steps = _about_steps(series)
    if graph is not None:
        variables = series.table.select([name for name in graph.variables if name in columns])
        check_rows(variables)
        read = about_data(variables, columns, settings, lasting=True)
        return Searched(graph, variables, None, (*read, steps, about_graph(graph, None)))
    algorithm = clone(discovery).set_params(**{role: settings[role] for role in _ROLES})
    for name in asked:
        node = as_lagged(name, series.names)
        if node.name not in series.names:
            raise UnknownVariableError.among(node.name, series.names)
    check_rows(series.table)
    algorithm.fit(data)
    graph = algorithm.graph_
    decisions = (
        *about_data(series.table, columns, settings, lasting=True),
        steps,
        about_search(algorithm, "given as `discovery`"),
        about_graph(graph, algorithm),
    )
    return Searched(graph, series.table, algorithm, decisions)


def _about_steps(series: Series) -> Decision:
    """How the rows follow each other."""
    n_runs, n_still = int((~series.follows).sum()), int((~series.counted).sum())
    choice = f"rows are steps, in {n_runs} unbroken run{'s' * (n_runs > 1)}"
    if n_still:
        choice += f"; {n_still} of them only serve as the past of others"
    return Decision("data", choice, "the graph has lags, and none reaches over a border")
