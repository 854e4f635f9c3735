"""What an effect over graphs reads: rows of a table, or steps of series.

Both know which columns there are, learn graphs from them, and estimate an answer on them; beyond
this file nobody asks whether the graphs have time in them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from sklearn.base import clone

from causalkit._core.series import Series
from causalkit._core.table import as_table, column_names
from causalkit.discovery.base import DiscoveryAlgorithm
from causalkit.discovery.series.base import SeriesAlgorithm
from causalkit.errors import InputError
from causalkit.estimation import Effect, EffectEstimator, EffectSet
from causalkit.estimation.api import estimate_series
from causalkit.estimation.series.lagged import read_series
from causalkit.graph import CausalGraph, LaggedGraph
from causalkit.identification import AdjustmentEstimand, Estimand, NoEffectEstimand
from causalkit.typing import Data, Name, RandomState
from causalkit.workflow.learnt.beside import names_in
from causalkit.workflow.learnt.graph_learning import possible_graphs
from causalkit.workflow.learnt.graph_set import GraphSet

__all__ = [
    "Algorithm",
    "RowSource",
    "Source",
    "StepSource",
    "agreed_roles",
    "source_of",
    "variables_of",
]

Algorithm: TypeAlias = DiscoveryAlgorithm | SeriesAlgorithm


@dataclass(frozen=True, slots=True, eq=False)
class RowSource:
    """Rows of a table."""

    data: Data
    clusters: Any
    sample_weight: Any

    @property
    def names(self) -> tuple[Name, ...]:
        """All columns."""
        return tuple(column_names(self.data))

    def learnt(self, algorithm: Algorithm | None, settings: Mapping[str, Any]) -> GraphSet:
        """Graphs that searches on these rows find; clusters and weights are no variables."""
        beside = names_in(self.clusters, self.sample_weight)
        kept = [name for name in self.names if name not in beside]
        labels = algorithm._labels() if isinstance(algorithm, DiscoveryAlgorithm) else ()
        table = as_table(self.data, columns=kept, labels=labels)
        return possible_graphs(table, algorithm, **settings)

    def observed(self, graph: CausalGraph | LaggedGraph) -> tuple[Name, ...] | None:
        """Nodes of the graph that are columns."""
        columns = set(self.names)
        return tuple(name for name in variables_of(graph) if name in columns)

    def effect(
        self, estimand: Estimand, estimator: EffectEstimator | None, random_state: RandomState
    ) -> Effect | EffectSet:
        """Estimate one answer."""
        return estimand.estimate(
            self.data,
            estimator,
            clusters=self.clusters,
            sample_weight=self.sample_weight,
            random_state=random_state,
        )


@dataclass(frozen=True, slots=True, eq=False)
class StepSource:
    """Steps of series."""

    data: Data
    series: Series
    by_subject: bool
    roles: Mapping[str, Name | None]

    @property
    def names(self) -> tuple[Name, ...]:
        """All series."""
        return self.series.names

    def learnt(self, algorithm: Algorithm | None, settings: Mapping[str, Any]) -> GraphSet:
        """Graphs that searches on these steps find."""
        search = clone(algorithm).set_params(**self.roles)
        return possible_graphs(self.data, search, **settings)

    def observed(self, graph: CausalGraph | LaggedGraph) -> tuple[Name, ...] | None:
        """Series of the graph that are columns; None if all are, so that nothing is hidden."""
        columns, series = set(self.names), variables_of(graph)
        seen = tuple(name for name in series if name in columns)
        return None if len(seen) == len(series) else seen

    def effect(
        self, estimand: Estimand, estimator: EffectEstimator | None, random_state: RandomState
    ) -> Effect | EffectSet:
        """Estimate one answer."""
        if not isinstance(estimand, (AdjustmentEstimand, NoEffectEstimand)):
            raise InputError(
                f"{type(estimand).__name__} is not for series; expected an estimand by adjustment."
            )
        return estimate_series(
            estimand, self.series, estimator, random_state, by_subject=self.by_subject
        )


Source: TypeAlias = RowSource | StepSource


def variables_of(graph: CausalGraph | LaggedGraph) -> tuple[Name, ...]:
    """The series of a graph of series, the nodes of any other."""
    return graph.variables if isinstance(graph, LaggedGraph) else graph.nodes


def source_of(
    data: Data,
    graphs: Any,
    roles: Mapping[str, Name | None],
    *,
    clusters: Any,
    sample_weight: Any,
) -> Source:
    """Read the data as the graphs, or what learns them, need them.

    Raises
    ------
    InputError
        If columns of series are named for a table, or the algorithm has others.
    """
    if isinstance(graphs, SeriesAlgorithm):
        roles = agreed_roles(graphs, roles)
    elif not _have_steps(graphs):
        named = {role: name for role, name in roles.items() if name is not None}
        if named:
            raise InputError(
                f"{', '.join(f'{role}={name!r}' for role, name in named.items())} for graphs "
                "without steps; expected None. They are for series: pass graphs=PCMCIPlus(...), or "
                "LaggedGraphs."
            )
        return RowSource(data, clusters, sample_weight)
    series, by_subject = read_series(
        data,
        panel=roles["panel"],
        time=roles["time"],
        mask=roles["mask"],
        clusters=clusters,
        sample_weight=sample_weight,
    )
    return StepSource(data, series, by_subject, roles)


def _have_steps(graphs: Any) -> bool:
    listed = graphs.graphs if isinstance(graphs, GraphSet) else graphs
    if isinstance(listed, LaggedGraph):
        return True
    return isinstance(listed, (list, tuple)) and any(
        isinstance(graph, LaggedGraph) for graph in listed
    )


def agreed_roles(algorithm: SeriesAlgorithm, given: Mapping[str, Any]) -> dict[str, Name | None]:
    """Columns with a role (`panel`, `time`, `mask`), named by the call or by the algorithm.

    Raises
    ------
    InputError
        If both name one, and not the same.
    """
    agreed = {}
    for role in ("panel", "time", "mask"):
        name, own = given[role], getattr(algorithm, role)
        if name is not None and own is not None and name != own:
            raise InputError(
                f"{role}={name!r}, and {type(algorithm).__name__} has {role}={own!r}; expected the "
                "same column. Name it once."
            )
        agreed[role] = own if name is None else name
    return agreed
