"""A graph for series or a table in one pass: an order of causes, then causes by BIC.

Within a step causes come in the order that DirectLiNGAM gives to what the past leaves unexplained.
Given the order, each series has its own question: which of the past, and of the series before it
in the order, does it need? Causes are added one at a time, the one that explains most first, for as
long as BIC gains. All sums are in one matrix of moments, so thirty series take a second or two.

The same search completes a graph that is given: its edges stay, and edges within the step (with
their lags) are added where the noise of different series would otherwise go together, which noise
that is drawn series by series could not repeat.

References
----------
Shimizu et al. (2011), Journal of Machine Learning Research 12, 1225-1248 (DirectLiNGAM).
https://jmlr.org/papers/v12/shimizu11a.html Schwarz (1978), "Estimating the dimension of a model",
Annals of Statistics 6, 461-464 (BIC). doi:10.1214/aos/1176344136
"""

from __future__ import annotations

from typing import Final

import numpy as np

from causalkit._core.series import Series
from causalkit.errors import InputError
from causalkit.graph import Kind, LaggedGraph
from causalkit.graph._validity import closure, topological_order
from causalkit.graph.marks import ARROW, TAIL
from causalkit.typing import BoolArray, FloatArray, IntArray

__all__ = ["complete_within", "discover_graph", "filled", "forward_selection"]

_SOLID: Final = 1e-8
_RIDGE: Final = 1e-6
_FEWEST: Final = 30


def discover_graph(series: Series, max_lag: int) -> LaggedGraph:
    """Learn a lagged graph.

    Parameters
    ----------
    series : Series
    max_lag : int
        0 for a table.

    Returns
    -------
    LaggedGraph
        Kind DAG.
    """
    p = len(series.names)
    given = np.zeros((max_lag + 1, p, p), dtype=np.bool_)
    for lag in range(1, min(max_lag, 1) + 1):
        np.fill_diagonal(given[lag], True)
    return _search(series, given, past_too=True, within=True)


def complete_within(series: Series, graph: LaggedGraph) -> LaggedGraph:
    """Add the edges within the step that a graph lacks, and the lags that go with them.

    Parameters
    ----------
    series : Series
        Of the variables of the graph, in its order.
    graph : LaggedGraph
        Its directed edges stay.
    """
    return _search(series, graph.directed.copy(), past_too=False, within=True)


def filled(series: Series) -> Series:
    """Fill holes by straight lines within each unbroken series; used to choose a graph only."""
    values = series.table.values.copy()
    runs = np.cumsum(~series.follows)
    whole = np.nanmean(values, axis=0)
    for run in np.unique(runs):
        rows = np.flatnonzero(runs == run)
        for k in range(values.shape[1]):
            column = values[rows, k]
            there = ~np.isnan(column)
            if there.all():
                continue
            at = np.flatnonzero(there)
            line = np.interp(np.arange(len(rows)), at, column[at]) if len(at) else whole[k]
            values[rows, k] = np.where(there, column, line)
    return series.with_values(values)


def forward_selection(
    moments: FloatArray, target: int, start: IntArray, pool: BoolArray, n: int, opens: IntArray
) -> list[int]:
    """Add causes one at a time for as long as BIC gains.

    Parameters
    ----------
    moments : ndarray of shape (m, m)
        Correlations.
    target : int
    start : ndarray of int
        Causes from the beginning.
    pool : ndarray of bool, shape (m,)
        Columns that may be added; changed in place.
    n : int
        Rows.
    opens : ndarray of int, shape (m, s)
        Columns that may be added once a column has been; -1 for none.

    Returns
    -------
    list of int
        Columns that were added.
    """
    spread = np.diagonal(moments).copy()
    shared = moments[:, target].copy()
    turned = np.empty((0, len(moments)))
    left = float(spread[target])

    def enter(column: int) -> None:
        nonlocal turned, left
        if spread[column] < _SOLID:
            return
        row = (moments[column] - turned[:, column] @ turned) / np.sqrt(spread[column])
        along = row[target]
        turned = np.vstack([turned, row])
        spread[:] = np.maximum(spread - row * row, 0.0)
        shared[:] -= along * row
        left = max(left - along * along, 1e-12)

    for column in start:
        enter(int(column))
    added: list[int] = []
    pool[target] = False
    pool[start] = False
    while pool.any() and len(added) + len(start) < n // 3:
        gain = np.where(pool & (spread > _SOLID), shared**2 / np.maximum(spread, _SOLID), 0.0)
        best = int(np.argmax(gain))
        share = min(gain[best] / left, 1 - 1e-12)
        if -n * np.log1p(-share) <= np.log(n):
            break
        enter(best)
        added.append(best)
        pool[best] = False
        more = opens[best][opens[best] >= 0]
        pool[more] |= ~np.isin(more, [*added, *start.tolist(), target])
    return added


def _search(series: Series, given: BoolArray, *, past_too: bool, within: bool) -> LaggedGraph:
    """Add what BIC asks for to the edges that are given, `[lag, cause, effect]`."""
    n_lags, p = len(given), len(series.names)
    columns = filled(series).lagged(n_lags - 1)
    n = len(columns)
    if n < max(_FEWEST, 3 * n_lags):
        raise InputError(
            f"there are {n} steps with {n_lags - 1} steps before each; expected "
            f"{max(_FEWEST, 3 * n_lags)} to learn a graph. Use longer series, a smaller max_lag, "
            "or give the graph."
        )
    spread = columns.std(axis=0)
    z = (columns - columns.mean(axis=0)) / np.where(spread > 0, spread, np.inf)
    moments = z.T @ z / n
    order = _order(z, moments, given)
    place = np.argsort(order)
    opens = np.full((n_lags * p, n_lags), -1, dtype=np.intp)
    for i in range(p):
        opens[i, 1:] = i + p * np.arange(1, n_lags)
    found = given.copy()
    for j in range(p):
        if spread[j] == 0:
            continue
        start = np.flatnonzero(given[:, :, j].ravel())
        pool = np.zeros(n_lags * p, dtype=np.bool_)
        pool[:p] = within & (place < place[j])
        pool[p:] = past_too
        added = forward_selection(moments, j, start, pool, n, opens)
        found.reshape(n_lags * p, p)[added, j] = True
    return LaggedGraph.from_marks(series.names, found * TAIL, found * ARROW, Kind.DAG)


def _order(z: FloatArray, moments: FloatArray, given: BoolArray) -> IntArray:
    """Order within the step: DirectLiNGAM of what the past leaves, edges that are given first."""
    from causalkit.discovery.lingam._lingam_order import Limits, order_by_pairs

    p = given.shape[1]
    m = len(moments)
    past = moments[p:, p:] + _RIDGE * np.eye(m - p)
    left = z[:, :p] - z[:, p:] @ np.linalg.solve(past, moments[p:, :p]) if m > p else z.copy()
    spread = left.std(axis=0)
    if p < 2 or (spread < _SOLID).any():
        order = topological_order(given[0])
        return np.arange(p) if order is None else np.asarray(order)
    left = np.ascontiguousarray((left / spread).T)
    left -= left.mean(axis=1, keepdims=True)
    within = given[0]
    forbidden = np.zeros((p, p), dtype=np.bool_)
    for j in range(p):  # no edge into what comes before
        reached = closure(within, [j])
        reached[j] = False
        forbidden[reached, j] = True
    limits = Limits(forbidden, within.copy(), not within.any())
    found, _ = order_by_pairs(left, np.asarray(np.corrcoef(left)), limits)
    return found
