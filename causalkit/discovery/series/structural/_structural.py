"""What structural models of series share: now and the past as one matrix, and weights as a graph.

Position `lag * n_series + k` is series k, `lag` steps ago; weights have a row for each position and
a column for each series now.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from causalkit._core.series import Series
from causalkit.discovery._setup import as_knowledge, in_name_order
from causalkit.discovery.knowledge import Knowledge
from causalkit.discovery.lingam._lingam_order import Limits
from causalkit.discovery.lingam._lingam_weights import check_not_determined
from causalkit.discovery.series.granger._lagged_regression import (
    LaggedMoments,
    lagged_moments,
    within_subjects,
)
from causalkit.discovery.series.momentary._link_knowledge import LinkBounds
from causalkit.discovery.series.structural.lagged_effects import LaggedEffects
from causalkit.graph.lagged_template import lagged_nodes
from causalkit.typing import BoolArray, FloatArray, IntArray

__all__ = ["Steps"]


Matrix = TypeVar("Matrix", FloatArray, BoolArray)


@dataclass(frozen=True, slots=True, eq=False)
class Steps:
    """Moments of series and their past, in an order that does not depend on that of the columns.

    Attributes
    ----------
    series : Series
    moments : LaggedMoments
    correlations : ndarray of shape (n_nodes, n_nodes)
    known : LinkBounds
    place : ndarray of int, shape (p,)
        Positions of the series of the data among those here.
    """

    series: Series
    moments: LaggedMoments
    correlations: FloatArray
    known: LinkBounds
    place: IntArray

    @classmethod
    def of(
        cls,
        data: Series,
        max_lag: int,
        knowledge: Knowledge | None,
        *,
        all_determined: bool,
        who: str,
    ) -> Steps:
        """Check series, and take their moments.

        Parameters
        ----------
        all_determined : bool
            Whether each series is to be regressed on all others and the past, so that there must be
            more steps than positions.

        Raises
        ------
        InputError
            If there is one series only, a category, a constant, or too few steps.
        NumericalError
            If series determine each other, or a series itself.
        """
        names = in_name_order(data.names)
        series = data.select(names)
        nodes = lagged_nodes(names, max_lag)
        moments = lagged_moments(series, max_lag, who=who)
        if all_determined:
            series.needs(len(nodes) + 1 + moments.n_means, max_lag, who=who)
        R = np.block([[moments.present, moments.cross.T], [moments.cross, moments.past]])
        if moments.n_obs - moments.n_means >= len(nodes):
            check_not_determined(R, nodes, who)
        known = LinkBounds.of(as_knowledge(knowledge), names, max_lag)
        place = np.array([names.index(name) for name in data.names])
        return cls(series, moments, R, known, place)

    @property
    def n_series(self) -> int:
        """Number of series."""
        return len(self.place)

    @property
    def n_rows(self) -> int:
        """Rows, less one for each mean beyond the first."""
        return self.moments.n_obs - self.moments.n_means + 1

    def limits(self, *, within: bool = False) -> Limits:
        """What is known, by position; the past is given. `within`: of the step only."""
        p, n_nodes = self.n_series, len(self.correlations)
        if within:
            forbidden, required = self.known.forbidden[0], self.known.required[0]
            apart = forbidden & ~np.eye(p, dtype=np.bool_)
            return Limits(forbidden, required, not (apart.any() or required.any()))
        forbidden, required = np.zeros((2, n_nodes, n_nodes), dtype=np.bool_)
        forbidden[:, p:] = True
        forbidden[:, :p] = self.known.forbidden.reshape(n_nodes, p)
        required[:, :p] = self.known.required.reshape(n_nodes, p)
        return Limits(forbidden, required, is_none=False)

    def noise(self, weights: FloatArray) -> FloatArray:
        """What weights leave of the series now, as rows with mean 0 and variance 1.

        Parameters
        ----------
        weights : ndarray of shape (n_nodes, p)
            In standard deviations.

        Returns
        -------
        ndarray of shape (p, n)
        """
        p, max_lag = self.n_series, self.moments.max_lag
        rows, values = self.series.usable(max_lag), self.series.table.values
        size = np.nanmax(np.abs(values), axis=0)  # no overflow in what follows
        columns = self.series.with_values(values / size).lagged(max_lag, rows)
        if self.moments.n_means > 1:
            columns = within_subjects(columns, self.series.subject[rows])
        else:
            columns -= columns.mean(axis=0)
        columns /= self.moments.spread / np.tile(size, max_lag + 1)
        noise = np.ascontiguousarray((columns[:, :p] - columns @ weights).T)
        noise -= noise.mean(axis=1, keepdims=True)
        noise /= noise.std(axis=1, keepdims=True)
        return noise

    def shown(self, matrix: Matrix) -> Matrix:
        """Write (n_nodes, p) as `[lag, cause, effect]`, the series in the order of the data."""
        cells = matrix.reshape(-1, self.n_series, self.n_series)
        found: Matrix = np.ascontiguousarray(cells[:, self.place][:, :, self.place])
        found.flags.writeable = False
        return found

    def effects(self, weights: FloatArray) -> LaggedEffects:
        """Weights in standard deviations as effects in the units of the data."""
        spread = self.moments.spread
        names = self.series.names
        return LaggedEffects(
            tuple(names[k] for k in self.place),
            self.shown(weights * (spread[: self.n_series] / spread[:, None])),
        )
