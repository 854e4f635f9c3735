"""Seasons as known drivers: what is usual at a time, and the clocks that say which time it is.

A season of the day is a function of the time alone: nothing causes it, and it drives many series
at once. So it is a common cause of them, which an analyst who knows the time of each row can hold
fixed, and one who leaves the time out cannot. In the model of a twin it is a node of its own, whose
value is the phase (:class:`~causalkit.models.twins.seasonal_mechanisms.Clock`).

What the phase does is a table for each series: of its usual level, and of the logarithm of its
usual spread. Several seasons add up. Mechanisms are fitted between deviations from what is usual,
and put behind the clocks afterwards: their causes are then recorded values and phases, and the
graph over both is exact.

References
----------
Jones & Brelsford (1967), Time series with periodic structure, Biometrika 54, 403-408.
doi:10.1093/biomet/54.3-4.403
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from causalkit._core.series import Series
from causalkit.graph import Kind, LaggedGraph
from causalkit.graph.marks import ARROW, TAIL
from causalkit.models.mechanisms.base import Mechanism
from causalkit.models.temporal.temporal_model import TemporalCausalModel
from causalkit.models.twins.piles import PileRule
from causalkit.models.twins.season_shapes import Shapes, plain_shapes
from causalkit.models.twins.seasonal_mechanisms import UNSET, Clock, behind_clocks
from causalkit.typing import BoolArray, FloatArray, IntArray, Name

__all__ = ["Seasons"]

_UNEVEN: Final = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class Seasons:
    """Level and spread of series by the phase of each season.

    Attributes
    ----------
    clocks : tuple of str
        Their names.
    series : tuple of names
    centre : ndarray of shape (p,)
        Means.
    level, log_spread : tuple of ndarray of shape (period, p)
    shapes : Shapes
        Of the series; those without a season are not asked for.
    time : ndarray of int, shape (n,)
        Of each row of the data, in steps.
    """

    clocks: tuple[str, ...]
    series: tuple[Name, ...]
    centre: FloatArray
    level: tuple[FloatArray, ...]
    log_spread: tuple[FloatArray, ...]
    shapes: Shapes
    time: IntArray

    @classmethod
    def none(cls, names: tuple[Name, ...], time: IntArray) -> Seasons:
        """Of series without any."""
        p = len(names)
        return cls((), names, np.zeros(p), (), (), plain_shapes(p), time)

    def usual(self) -> tuple[FloatArray, FloatArray]:
        """Usual level and spread at each row of the data, shape (n, p)."""
        level, log_spread = self.centre[None, :], np.zeros((1, len(self.centre)))
        for one, other in zip(self.level, self.log_spread, strict=True):
            at = self.time % len(one)
            level, log_spread = level + one[at], log_spread + other[at]
        return level, np.exp(log_spread)

    def without(self, series: Series) -> Series:
        """Series on the scale of the model, seen against their seasons."""
        level, spread = self.usual()
        values = series.table.values
        scores = self.shapes.forward(level, (values - level) / spread)
        scores[np.isnan(values)] = np.nan
        return series.with_values(np.where(self._driven(), scores, values))

    def recorded(self, scores: FloatArray, rows: IntArray) -> FloatArray:
        """Values on the scale of the model, from those of `without` at some rows."""
        level, spread = (
            np.broadcast_to(part, (len(self.time), scores.shape[1]))[rows] for part in self.usual()
        )
        return np.where(self._driven(), level + spread * self.shapes.back(level, scores), scores)

    def other_piles(
        self, series: Series, piles: dict[Name, PileRule], piled: BoolArray
    ) -> tuple[dict[Name, PileRule], BoolArray]:
        """Piles of series that are not seen by the place of their values, where a pile has its own.

        Parameters
        ----------
        series : Series
        piles : dict of name to PileRule
        piled : ndarray of bool, shape (n, p)
        """
        steps = np.diff(self.shapes.table, axis=-1)
        ranked = np.array([np.ptp(step) > _UNEVEN for step in steps], dtype=np.bool_)
        places = dict(zip(series.names, ranked.tolist(), strict=True))
        return {name: rule for name, rule in piles.items() if not places[name]}, piled & ~ranked

    def _driven(self) -> BoolArray:
        tables = (*self.level, *self.log_spread)
        return np.asarray(np.any([(table != 0).any(axis=0) for table in tables], axis=0))

    def driven(self, model: TemporalCausalModel) -> TemporalCausalModel:
        """Add the clocks to a model.

        Parameters
        ----------
        model : TemporalCausalModel
            The innermost mechanism of each series that has a season is between series that are seen
            against their season.

        Returns
        -------
        TemporalCausalModel
            The same one where there is no season.
        """
        graph, s = model.graph_, len(self.clocks)
        if not s:
            return model
        p = len(graph.variables)
        edges = np.zeros((max(graph.max_lag, 1) + 1, p + s, p + s), dtype=np.bool_)
        edges[: graph.max_lag + 1, :p, :p] = graph.directed
        edges[1, range(p, p + s), range(p, p + s)] = True
        found = dict(model.mechanisms_)
        for j, (lags, causes) in enumerate(model.equations_.parents):
            name = graph.variables[j]
            columns = [self._column(graph.variables[i]) for i in (j, *causes)]
            seen = np.flatnonzero([self._drives(k, columns) for k in range(s)])
            if name in self.series and len(seen):
                edges[0, p + seen, j] = True
                found[name] = self._seasonal(found[name], lags, columns, seen)
        for clock, table in zip(self.clocks, self.level, strict=True):
            found[clock] = Clock(len(table))
        names = (*graph.variables, *self.clocks)
        made = TemporalCausalModel.from_mechanisms(
            LaggedGraph.from_marks(names, edges * TAIL, edges * ARROW, Kind.DAG),
            found,
            start=np.append(model.start_, [UNSET] * s),
            random_state=model.random_state,
        )
        made.families_ = model.families_
        made.residual_correlation_ = model.residual_correlation_
        return made

    def _column(self, name: Name) -> int:
        return self.series.index(name) if name in self.series else -1

    def _drives(self, clock: int, columns: list[int]) -> bool:
        """Whether a clock matters for any of these series."""
        known = [column for column in columns if column >= 0]
        return bool(self.level[clock][:, known].any() or self.log_spread[clock][:, known].any())

    def _seasonal(
        self, mechanism: Mechanism, lags: IntArray, columns: list[int], seen: IntArray
    ) -> Mechanism:
        """Put a mechanism behind the clocks, which come after its causes within the step."""
        first = int((lags == 0).sum())
        place = np.arange(len(lags))
        place[first:] += len(seen)
        back, known = np.array([0, *lags]), np.array(columns) >= 0

        def by_phase(table: FloatArray) -> FloatArray:
            phase = np.arange(len(table))
            return np.where(known, table[(phase[:, None] - back) % len(table), columns], 0.0)

        return behind_clocks(
            mechanism,
            place,
            first + np.arange(len(seen)),
            np.where(known, self.centre[columns], 0.0),
            tuple(by_phase(self.level[k]) for k in seen),
            tuple(by_phase(self.log_spread[k]) for k in seen),
            *self._shapes_of(np.array(columns)),
        )

    def _shapes_of(self, columns: IntArray) -> tuple[IntArray, Shapes]:
        has = (columns >= 0) & self._driven()[columns]
        return np.flatnonzero(has), self.shapes.take(columns[has])
