"""Getting data and graph ready for a twin: what stands still, and which edges are kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np

from causalkit._core.series import Series
from causalkit.errors import InputError
from causalkit.graph import CausalGraph, Kind, LaggedGraph
from causalkit.graph.marks import ARROW, TAIL
from causalkit.independence.gaussian_imputation import impute
from causalkit.models.temporal.temporal_fitting import rows_of
from causalkit.models.temporal.temporal_sampling import layout
from causalkit.models.twins.column_forms import ColumnForm
from causalkit.models.twins.ordered_search import discover_graph
from causalkit.models.twins.repeats import StandingRule, fit_standing
from causalkit.typing import BoolArray, Name

__all__ = ["directed_part", "refuse_empty", "standing_rules", "table_graph"]

_SWEEPS: Final = 40
"""Of an imputation, as in :class:`causalkit.independence.MultipleImputation`."""


def standing_rules(
    series: Series,
    graph: LaggedGraph,
    forms: Mapping[Name, ColumnForm],
    rng: np.random.Generator,
) -> tuple[dict[Name, StandingRule], BoolArray]:
    """When series stand still, and the values that say nothing about how they move."""
    rules: dict[Name, StandingRule] = {}
    found = np.zeros((series.n_rows, len(series.names)), dtype=np.bool_)
    for j, (lags, causes) in enumerate(layout(graph)[0]):
        name = series.names[j]
        rows = rows_of(series, lags, causes, j, graph.max_lag)
        fitted = fit_standing(rows.causes, rows.value, lags, causes, j, forms[name])
        if fitted is not None:
            rules[name], stood = fitted
            spare = rules[name](rows.causes).mean() / max(stood.mean(), 1e-12)
            found[rows.where, j] = stood & (rng.random(len(stood)) < spare)
    return rules, found


def directed_part(graph: LaggedGraph) -> LaggedGraph:
    """Directed edges only."""
    if graph.kind is Kind.DAG:
        return graph
    kept = graph.directed
    return LaggedGraph.from_marks(graph.variables, kept * TAIL, kept * ARROW, Kind.DAG)


def table_graph(table: Series, rng: np.random.Generator) -> CausalGraph:
    """DAG of a table of numbers, by the search of one pass.

    Holes are filled once, by draws from what the cells may have been under a normal law given the
    others of their row: that holds if cells are missing at random, and no row is lost.
    """
    for name in table.names:
        if table.table.kind(name) == "categorical":
            raise InputError(
                f"column {name!r} has categories, and graph='discover' reads numbers; expected a "
                "graph, or an algorithm for mixed columns, such as BOSS(ConditionalGaussianBIC())."
            )
    refuse_empty(table)
    found = discover_graph(_imputed(table, rng), 0)
    edges = [(edge.left.name, edge.right.name) for edge in found.edges()]  # type: ignore[union-attr]
    return CausalGraph.from_edges(table.names, edges, Kind.DAG)


def _imputed(table: Series, rng: np.random.Generator) -> Series:
    values = table.table.values
    missing = np.isnan(values)
    if not missing.any():
        return table
    varied = np.nanmax(values, axis=0) > np.nanmin(values, axis=0)
    whole = np.where(missing, np.nanmean(values, axis=0), values)  # of a constant, the constant
    discrete = np.zeros(int(varied.sum()), dtype=np.bool_)
    whole[:, varied] = impute(values[:, varied], discrete, _SWEEPS, rng)
    return table.with_values(whole)


def refuse_empty(series: Series) -> None:
    """Refuse columns without a value.

    Raises
    ------
    InputError
    """
    for name in series.names:
        column = series.table.column(name)
        if np.isnan(column).all():
            raise InputError(
                f"column {name!r} has no value; expected some. Leave it out, or fill it."
            )
