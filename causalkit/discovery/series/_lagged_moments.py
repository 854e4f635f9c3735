"""Second moments of series and their past: all that a linear model of series asks of the steps.

Rows are read by blocks, so the columns of the lags are never all in memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, TypeVar

import numpy as np

from causalkit._core.moments import Moments
from causalkit._core.series import Series
from causalkit.discovery.lingam._lingam_weights import check_not_determined
from causalkit.discovery.series._lagged_design import check_numbers
from causalkit.errors import InputError
from causalkit.graph import ARROW, TAIL, Kind, Lagged, LaggedGraph
from causalkit.graph.lagged_graph import lagged_nodes
from causalkit.graph.marks import show_name
from causalkit.typing import BoolArray, FloatArray, IntArray, Name

__all__ = ["CRITERIA", "LaggedMoments", "best_lag", "by_lag", "lagged_dag", "lagged_moments"]

CRITERIA: Final = ("aic", "bic", "hqic")

_BLOCK: Final = 2**15

Matrix = TypeVar("Matrix", FloatArray, BoolArray)


@dataclass(frozen=True, slots=True, eq=False)
class LaggedMoments:
    """Correlations of series now and `reach` steps into the past.

    Position `lag * n_series + k` is series k, `lag` steps ago.

    Attributes
    ----------
    series : Series
    reach : int
    rows : ndarray of int, shape (n,)
        Rows of the series that are "now".
    correlations : ndarray of shape (n_nodes, n_nodes)
    mean, spread : ndarray of shape (n_nodes,)
        In the units of the data.
    """

    series: Series
    reach: int
    rows: IntArray
    correlations: FloatArray
    mean: FloatArray
    spread: FloatArray

    @property
    def nodes(self) -> tuple[Lagged, ...]:
        """What the positions are."""
        return lagged_nodes(self.series.names, self.reach)

    def noise(self, weights: FloatArray) -> FloatArray:
        """What weights leave of the series now, as rows with mean 0 and variance 1.

        Parameters
        ----------
        weights : ndarray of shape (n_nodes, n_series)
            In standard deviations.

        Returns
        -------
        ndarray of shape (n_series, n)
        """
        p = weights.shape[1]
        noise = np.empty((p, len(self.rows)))
        for start, block in _blocks(self.series, self.reach, self.rows):
            block -= self.mean
            block /= self.spread
            noise[:, start : start + len(block)] = (block[:, :p] - block @ weights).T
        noise -= noise.mean(axis=1, keepdims=True)
        noise /= noise.std(axis=1, keepdims=True)
        return noise

    def in_units(self, weights: FloatArray) -> FloatArray:
        """Weights in standard deviations as coefficients in the units of the data."""
        found: FloatArray = weights * (self.spread[: weights.shape[1]] / self.spread[:, None])
        return found


def lagged_moments(series: Series, reach: int, least_rows: int, who: str) -> LaggedMoments:
    """Check series, and take their moments.

    Raises
    ------
    InputError
        If there is one series only, a category, a constant, or too few steps.
    NumericalError
        If series determine each other, or a series itself.
    """
    check_numbers(series, who=who)
    series.needs(least_rows, reach, who=who)
    rows, nodes = series.usable(reach), lagged_nodes(series.names, reach)
    blocks = ((block, None) for _, block in _blocks(series, reach, rows))
    moments = Moments.of_blocks(blocks, names=nodes)
    _refuse_constant(moments, series.names, who)
    correlations = moments.correlations()
    if len(rows) > len(nodes):
        check_not_determined(correlations, nodes, who)
    spread = np.sqrt(np.diagonal(moments.gram) / moments.weight)
    spread = np.ldexp(spread, moments.exponents)
    return LaggedMoments(series, reach, rows, correlations, moments.mean, spread)


def _blocks(series: Series, reach: int, rows: IntArray) -> Iterator[tuple[int, FloatArray]]:
    for start in range(0, len(rows), _BLOCK):
        yield start, series.lagged(reach, rows[start : start + _BLOCK])


def _refuse_constant(moments: Moments, names: tuple[Name, ...], who: str) -> None:
    still = [node.name for node in moments.constant if isinstance(node, Lagged)]
    if still:
        shown = ", ".join(show_name(name) for name in names if name in still)
        raise InputError(
            f"series {shown} hold one value only over the steps that can be used; {who} needs "
            "series that vary. Leave them out, or bring other steps."
        )


def best_lag(moments: LaggedMoments, criterion: str) -> int:
    """Lags, at least 1, of the vector autoregression that an information criterion prefers.

    Notes
    -----
    The residual covariance of the series now given L lags has the determinant of the first L + 1
    blocks of the moments over that of the L blocks without now: two Cholesky factors know all.
    """
    n, p = len(moments.rows), len(moments.series.names)
    whole, past = (
        2.0 * np.cumsum(np.log(np.diagonal(np.linalg.cholesky(matrix))))[p - 1 :: p]
        for matrix in (moments.correlations, moments.correlations[p:, p:])
    )
    price = {"aic": 2.0, "bic": np.log(n), "hqic": 2.0 * np.log(np.log(n))}[criterion]
    cost = n * (whole[1:] - past) + price * p * p * np.arange(1, moments.reach + 1)
    return 1 + int(np.argmin(cost))


def by_lag(matrix: Matrix, place: IntArray) -> Matrix:
    """Write a matrix (n_nodes, p) as `[lag, cause, effect]`, with the series in another order.

    Parameters
    ----------
    matrix : ndarray of shape (n_nodes, p)
    place : ndarray of int, shape (p,)
        Where the series that come first, second, … stand in the matrix.
    """
    p = matrix.shape[1]
    return np.ascontiguousarray(matrix.reshape(-1, p, p)[:, place][:, :, place])  # type: ignore[return-value]


def lagged_dag(names: tuple[Name, ...], edges: BoolArray) -> LaggedGraph:
    """Graph of edges `[lag, cause, effect]`, acyclic within the step."""
    n_lags, p, _ = edges.shape
    ends = np.zeros((n_lags * p, n_lags * p), dtype=np.uint8)
    flat = edges.reshape(n_lags * p, p)
    ends[:, :p][flat] = ARROW
    ends[:p][flat.T] = TAIL
    return LaggedGraph._of(names, ends, Kind.DAG)
