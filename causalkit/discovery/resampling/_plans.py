"""What is drawn again, and how its graphs are summed up: the rows of a table, or steps of series.

A plan is made once, from all the data. It knows the nodes, draws samples and turns replicates into
one graph, so that whoever resamples need not ask whether there is time in the data.

Of series the steps that are "now" are drawn, each with its own past, so no lag ever reaches over
the seam between two blocks. Their graphs are kept as templates, of which all nodes have one number
however long the lags of a replicate are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from causalkit._core.checks import check_choice, check_count
from causalkit._core.moments import Moments
from causalkit._core.series import Series, as_series
from causalkit._core.table import Table
from causalkit.discovery._setup import as_knowledge, in_name_order
from causalkit.discovery.base import DiscoveryAlgorithm, note_columns
from causalkit.discovery.changing._surrogate_columns import Context
from causalkit.discovery.resampling._consensus import consensus
from causalkit.discovery.resampling._replicates import Frame, Learnt, Replicates, learner
from causalkit.discovery.resampling._resampling import (
    Gaussian,
    Sampler,
    Units,
    cluster_column,
    labels_of,
    sampler_of,
)
from causalkit.discovery.resampling._wrapped import (
    check_algorithm,
    directs_beyond_class,
    draws_environments,
    fit_on_all,
    inner_test,
    knowledge_of,
    nodes_of,
    read_grouped,
)
from causalkit.discovery.series.base import SeriesAlgorithm
from causalkit.discovery.series.momentary._link_knowledge import LinkBounds
from causalkit.discovery.series.momentary.jpcmci_plus import JPCMCIPlus
from causalkit.discovery.series.momentary.pcmci import PCMCI
from causalkit.errors import InputError
from causalkit.graph import CausalGraph, Kind, LaggedGraph
from causalkit.graph.lagged_template import lagged_nodes
from causalkit.typing import BoolArray, Data, FloatArray, IntArray, Name

__all__ = ["Plan", "SeriesPlan", "TablePlan", "plan_of"]

_MANY_SUBJECTS: Final = 20
"""Series of so many subjects are drawn subject by subject."""

_OF_SERIES: Final = ("rows", "blocks", "subsample")


def plan_of(estimator: Any, X: Data) -> Plan:
    """Read the data as the algorithm within the estimator needs them.

    Raises
    ------
    InputError
        If the algorithm cannot be resampled, or the settings do not fit the data.
    """
    algorithm, who = estimator.algorithm, type(estimator).__name__
    if isinstance(algorithm, SeriesAlgorithm):
        return SeriesPlan.of(estimator, X, who)
    if isinstance(getattr(algorithm, "algorithm", None), SeriesAlgorithm):
        raise InputError(
            f"{who} got {type(algorithm).__name__} around {type(algorithm.algorithm).__name__}; "
            "expected an algorithm for series itself, because steps are drawn once. Take out "
            f"{type(algorithm).__name__}."
        )
    return TablePlan.of(estimator, X, check_algorithm(algorithm, who))


# --- rows -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class TablePlan:
    """Rows of a table that are drawn again.

    Attributes
    ----------
    algorithm : DiscoveryAlgorithm
    given, data : Table or Moments
        As it came, and with columns in the order of their names.
    context : Context or None
        Where and when rows were seen.
    clusters, strata : ndarrays of int or None
    nodes, shown : tuples of names
        Of the graphs while they are counted, and in the order of the data.
    """

    algorithm: DiscoveryAlgorithm
    given: Table | Moments
    data: Any
    context: Context | None
    clusters: IntArray | None
    strata: IntArray | None
    nodes: tuple[Name, ...]
    shown: tuple[Name, ...]

    @classmethod
    def of(cls, estimator: Any, X: Data, algorithm: DiscoveryAlgorithm) -> TablePlan:
        """Read a table."""
        given, context, clusters, strata = read_grouped(estimator, X, inner_test(algorithm))
        names = in_name_order(given.names)
        nodes, shown = (nodes_of(algorithm, held, context) for held in (names, given.names))
        data = given.select(names)
        return cls(algorithm, given, data, context, clusters, strata, nodes, shown)

    def fit_on_all(self, rng: np.random.Generator) -> DiscoveryAlgorithm:
        """Fit to all rows."""
        return fit_on_all(self.algorithm, self.given, self.context, self.nodes, rng)

    def sampler(
        self, resample: str | None, block_length: int | None
    ) -> tuple[Any, Sampler | Gaussian]:
        """Return what is drawn from, and how."""
        data, resample = self.data, resample or "rows"
        if resample == "gaussian":
            data = _as_moments(data, self.algorithm)
        labels = cluster_column(inner_test(self.algorithm))
        if self.context is not None and draws_environments(self.algorithm):
            labels = self.context.columns[0]
        way = sampler_of(data, resample, block_length, self.clusters, self.strata, labels)
        return data, way

    def halves(self) -> Units:
        """Return what is split into halves."""
        if not isinstance(self.data, Table):
            raise InputError(
                "the data are read by blocks and never held; StabilitySelection expects rows that "
                "it can split. Load them first."
            )
        return Units.of(self.data.n_rows, self.clusters, self.strata)

    def part(self, rows: IntArray) -> Any:
        """Return these rows."""
        return self.data.rows(rows)

    def frame(self, learnt: Sequence[Learnt], fitted: Any) -> Frame:
        """Return what all graphs fit into."""
        del learnt
        return self.nodes, fitted.graph_.kind, None

    def names(self, fitted: Any) -> tuple[Name, ...]:
        """Nodes of the graphs."""
        del fitted
        return self.nodes

    def n_pairs(self, p: int) -> int:
        """Pairs of nodes that an edge may join."""
        return max(p * (p - 1) // 2, 1)

    def summed_up(
        self, found: Replicates, kept: BoolArray, share: FloatArray
    ) -> tuple[CausalGraph, Replicates, IntArray]:
        """One graph, and the replicates, in the order of the data; and the order of the nodes."""
        known = knowledge_of(self.algorithm, self.nodes, self.context)
        arrows = None if known is None else known.forbidden_matrix(self.nodes).T
        beyond = directs_beyond_class(self.algorithm)
        graph = consensus(found, kept, share, arrows, beyond_class=beyond)
        order = np.array([self.nodes.index(name) for name in self.shown], dtype=np.intp)
        return graph.reordered(self.shown), found.reordered(self.shown), order


def _as_moments(data: Table | Moments, algorithm: DiscoveryAlgorithm) -> Moments:
    if isinstance(data, Moments):
        return data
    if algorithm._needs_rows():
        raise InputError(
            f'resample="gaussian" draws correlations and {type(algorithm).__name__} with this test '
            'needs rows; expected a test on correlations such as FisherZ. Use resample="rows".'
        )
    return Moments.of(data.values, names=data.names, levels=data.levels)


# --- steps of series ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class SeriesPlan:
    """Steps of series that are drawn again.

    Attributes
    ----------
    algorithm : SeriesAlgorithm
    given, data : Series
        As they came, and in the order of their names.
    clusters : ndarray of int or None
        Of each row: what is drawn together.
    """

    algorithm: SeriesAlgorithm
    given: Series
    data: Series
    clusters: IntArray | None

    @classmethod
    def of(cls, estimator: Any, X: Data, who: str) -> SeriesPlan:
        """Read series."""
        algorithm: SeriesAlgorithm = estimator.algorithm
        if estimator.strata is not None:
            raise InputError(
                f"{who} got strata for {type(algorithm).__name__}, which learns from series; "
                "expected none. Blocks of time, or whole subjects, are drawn from all of them."
            )
        roles = {what: getattr(algorithm, what) for what in ("panel", "time", "mask")}
        given = as_series(X, **roles)
        note_columns(estimator, X, given.names)
        clusters = _clusters(estimator.clusters, given, algorithm.panel)
        return cls(algorithm, given, given.select(in_name_order(given.names)), clusters)

    def fit_on_all(self, rng: np.random.Generator) -> SeriesAlgorithm:
        """Fit to all steps; what is wrong with the data or the settings comes out here."""
        fitted = learner(self.algorithm, rng)
        fitted._fit(self.given)
        return fitted

    def sampler(self, resample: str | None, block_length: int | None) -> tuple[Any, Sampler]:
        """Return what is drawn from, and how."""
        check_choice(resample, "resample", (None, *_OF_SERIES))
        clusters = self.clusters if resample is not None else self._together()
        resample = resample or ("blocks" if clusters is None else "rows")
        if block_length is not None:
            check_count(block_length, "block_length")
            if resample != "blocks" and not (resample == "subsample" and clusters is None):
                raise InputError(
                    f"block_length={block_length!r} and other things than blocks are drawn; "
                    'expected it with resample="blocks" or "subsample". Leave one of the two out.'
                )
        if resample == "blocks" and clusters is not None:
            raise InputError(
                'resample="blocks" with clusters; expected one of the two. Leave clusters out to '
                "draw blocks of time, or resample to draw whole clusters."
            )
        now = self._now()
        length = block_length or ceil(len(now) ** (1 / 3))
        if resample == "subsample" and clusters is None:
            units = self._stretches(now, length)
        else:
            units = self._units(now, clusters)
        if resample == "subsample":
            units.check_halves()
        return self.data, Sampler(resample, units, length)

    def halves(self) -> Units:
        """Return what is split into halves: stretches of time, or clusters."""
        now, clusters = self._now(), self._together()
        if clusters is not None:
            return self._units(now, clusters)
        return self._stretches(now, ceil(len(now) ** (1 / 3)))

    def part(self, rows: IntArray) -> Series:
        """Return the series with these rows as "now"."""
        return self.data.resampled(rows)

    def _together(self) -> IntArray | None:
        """Return what is drawn together if nobody says how: many subjects, one by one."""
        if self.clusters is None and int(self.given.subject.max()) + 1 >= _MANY_SUBJECTS:
            return self.given.subject
        return self.clusters

    def _now(self) -> IntArray:
        max_lag = getattr(self.algorithm, "max_lag", None)
        return self.data.usable(int(max_lag) if isinstance(max_lag, (int, np.integer)) else 1)

    def _runs(self, now: IntArray) -> IntArray:
        """Number of the unbroken stretch that each of these rows is in."""
        joined = (np.diff(now) == 1) & self.data.follows[now[1:]]
        return np.concatenate(([0], np.cumsum(~joined)))

    def _units(self, now: IntArray, clusters: IntArray | None) -> Units:
        codes = None if clusters is None else np.unique(clusters[now], return_inverse=True)[1]
        units = Units.of(len(now), codes, None)
        runs = self._runs(now) if clusters is None else None
        return replace(units, rows=now[units.rows], runs=runs)

    def _stretches(self, now: IntArray, length: int) -> Units:
        """Stretches of so many steps, one after the other."""
        runs = self._runs(now)
        first = np.flatnonzero(np.diff(runs, prepend=-1))
        place = np.arange(len(now)) - first[runs]
        codes = np.cumsum(place % length == 0) - 1
        return replace(Units.of(len(now), codes, None), rows=now)

    def frame(self, learnt: Sequence[Learnt], fitted: Any) -> Frame:
        """Return what all graphs fit into."""
        series = self.names(fitted)
        p, graph = len(series), fitted.graph_
        last = [int(one.marks[0].max()) for one in learnt if one.marks and len(one.marks[0])]
        max_lag = max([graph.max_lag, *(place // p for place in last)])
        kinds = {graph.kind} | {one.kind for one in learnt if one.kind is not None}
        # Without a link within a step, a class is one graph.
        kind = Kind.CPDAG if kinds == {Kind.DAG, Kind.CPDAG} else graph.kind
        return lagged_nodes(series, max_lag), kind, series

    def names(self, fitted: Any) -> tuple[Name, ...]:
        """Series of the graphs; an algorithm may add some that are no columns."""
        added = [name for name in fitted.graph_.variables if name not in self.data.names]
        return (*self.data.names, *added)

    def n_pairs(self, p: int) -> int:
        """Pairs of nodes that an edge may join, at a template of p nodes."""
        n_series = len(self.data.names)
        return max(n_series * (n_series - 1) // 2 + n_series * (p - n_series), 1)

    def summed_up(
        self, found: Replicates, kept: BoolArray, share: FloatArray
    ) -> tuple[LaggedGraph, Replicates, IntArray]:
        """One graph, and the replicates, in the order of the data; and the order of the nodes."""
        series = found.series or ()
        p, n_steps = len(series), len(found.nodes) // len(series)
        graph = consensus(
            found,
            kept,
            share,
            self._arrows(series, n_steps),
            beyond_class=isinstance(self.algorithm, JPCMCIPlus),
            by_edges=isinstance(self.algorithm, PCMCI),
        )
        listed = (*self.given.names, *series[len(self.given.names) :])
        where = {name: k for k, name in enumerate(series)}
        order = np.array([lag * p + where[name] for lag in range(n_steps) for name in listed])
        shown = lagged_nodes(listed, n_steps - 1)
        again = replace(found.reordered(shown), series=listed)
        summary = LaggedGraph._of(listed, np.array(graph.reordered(shown).ends), graph.kind)
        return summary, again, order

    def _arrows(self, series: tuple[Name, ...], n_steps: int) -> BoolArray:
        """Arrows that time asks for, and knowledge within a step."""
        p = len(series)
        arrows = np.zeros((n_steps * p, n_steps * p), dtype=np.bool_)
        arrows[p:, :p] = True
        known = getattr(self.algorithm, "knowledge", None)
        if known is not None:
            bounds = LinkBounds.of(as_knowledge(known), series, n_steps - 1)
            arrows[:p, :p] = bounds.forbidden[0].T & ~np.eye(p, dtype=np.bool_)
        return arrows


def _clusters(
    given: Name | ArrayLike | None, series: Series, panel: Name | None
) -> IntArray | None:
    if isinstance(given, (str, int)) and given != panel:
        raise InputError(
            f"clusters={given!r} for series; expected the column that tells subjects apart "
            f"(panel={panel!r} of the algorithm), or one label a row. Pass the labels."
        )
    clusters = series.subject
    if not isinstance(given, (str, int)):
        labels = labels_of({}, given, "clusters")
        if labels is None:
            return None
        clusters = labels
    if len(clusters) != series.n_rows:
        raise InputError(
            f"clusters has {len(clusters)} labels and the data have {series.n_rows} rows; expected "
            "one label a row. Take both from the same table."
        )
    if clusters.max() == 0:
        raise InputError(
            "all rows are in one cluster; expected several, and some twenty to be of use. Leave "
            "clusters out to draw blocks of time."
        )
    return clusters


Plan: TypeAlias = TablePlan | SeriesPlan
