"""A test of independence on series: variable k, so many steps ago, is a column of its own.

Tests that work on correlations take them from one matrix that is computed once, in the time of a
single lag: what two columns have in common depends on the steps between them alone, but for a few
rows at the ends of each unbroken run. Any other test gets the lagged columns as a table.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np

from causalkit._core.series import Series
from causalkit._core.table import Table
from causalkit.discovery._setup import as_test
from causalkit.errors import InputError
from causalkit.graph.lagged_template import lagged_nodes
from causalkit.independence import BoundTest, CITest, FisherZ, Oracle, PartialCorrelation
from causalkit.independence.blocks import BoundCorrelation
from causalkit.independence.embedding import Embedding, Embeds, embed
from causalkit.typing import FloatArray, IntArray

__all__ = ["bind_lagged", "lagged_correlations", "refuse_still"]

_RUNS_FEW: Final = 8
"""Steps that a run must have for each row at its ends for the quick way to be one."""


def bind_lagged(test: CITest | None, series: Series, reach: int, *, who: str) -> BoundTest:
    """Bind a test to the columns `lag * n_series + k`: series k, `lag` steps ago, to `reach`.

    Parameters
    ----------
    test : CITest or None
        :class:`~causalkit.independence.PartialCorrelation` if None.
    series : Series
    reach : int
        Longest lag of a column; rows without so many steps before them are not used.
    who : str
        Named in errors.

    Raises
    ------
    InputError
        If too few steps are left, or the test cannot use the series.
    """
    test = PartialCorrelation() if test is None else as_test(test)
    if isinstance(test, Oracle):
        return test.bind(_names_only(series, reach))
    series.needs(4, reach, who=who)
    refuse_still(series, reach, who=who)
    if isinstance(test, (FisherZ, Embeds)):
        plain = _embedded(test, series)
        if plain is not None:
            corr = lagged_correlations(series.with_values(plain.values), reach)
            corr = corr if plain.link is None else plain.link(corr)
            n = len(series.usable(reach))
            return BoundCorrelation.of(corr, n * plain.efficiency, n, student=plain.student)
    nodes = lagged_nodes(series.names, reach)
    levels = series.table.levels * (reach + 1)
    return test.bind(Table(nodes, series.lagged(reach), levels))


def _names_only(series: Series, reach: int) -> Table:
    """Columns without rows, for an oracle, which looks at their names."""
    nodes = lagged_nodes(series.names, reach)
    return Table(nodes, np.zeros((0, len(nodes))), (None,) * len(nodes))


def refuse_still(series: Series, reach: int, *, who: str) -> None:
    """Refuse series without change in the rows that count."""
    now = series.usable(reach)
    for lag in (0, reach):
        values = series.table.values[now - lag]
        still = np.flatnonzero((values == values[0]).all(axis=0))
        if len(still):
            name = series.names[still[0]]
            raise InputError(
                f"series {name!r} is constant over the {len(now)} steps that {who} can use; "
                "expected values that vary. Leave the series out."
            )


def _embedded(test: CITest, series: Series) -> Embedding | None:
    """The series as the test sees them, one column each; None if it sees blocks, or weights."""
    whole = np.logical_not(np.isnan(series.table.values).any(axis=1))
    found = embed(test, series.table if whole.all() else series.table.rows(whole))
    plain = found.is_plain and found.weights is None and found.clusters is None
    if not plain or found.likelihood or found.nodes != series.names:
        return None
    if whole.all():
        return found
    values = np.full(series.table.values.shape, np.nan)
    values[whole] = found.values
    return replace(found, values=values)


# --- correlations --------------------------------------------------------------------------------


def lagged_correlations(series: Series, reach: int) -> FloatArray:
    """Correlations of the lagged columns over the usable rows.

    Returns
    -------
    ndarray of shape (m, m), m = (reach + 1) * n_series
    """
    now = series.usable(reach)
    values = _in_units(series.table.values)
    runs = [(first, last) for first, last in _runs(now) if last - first >= reach]
    quick = series.drawn is None and len(runs) * 2 * reach * _RUNS_FEW <= len(now)
    rest = now
    if quick:
        inside = np.zeros(series.n_rows, dtype=np.bool_)
        for first, last in runs:
            inside[first : last + 1] = True
        rest = now[~inside[now]]
    gram, total = _of_all(values, rest, reach)
    if quick:
        of_runs, total_of_runs = _by_runs(values, runs, reach)
        gram, total = gram + of_runs, total + total_of_runs
    mean = total / len(now)
    gram -= np.outer(total, mean)
    spread = np.sqrt(np.diagonal(gram))
    gram /= spread
    gram /= spread[:, None]
    np.fill_diagonal(gram, 1.0)
    return np.clip(gram, -1.0, 1.0, out=gram)


def _in_units(values: FloatArray) -> FloatArray:
    """Deviations from the mean, about one in size, so that no sum overflows or drowns the rest."""
    size = np.nanmax(np.abs(values), axis=0)
    scaled = values / np.where(size > 0, size, 1.0)
    scaled = scaled - np.nanmean(scaled, axis=0)
    spread = np.nanstd(scaled, axis=0)
    return np.ascontiguousarray(scaled / np.where(spread > 0, spread, 1.0))


def _runs(now: IntArray) -> list[tuple[int, int]]:
    """First and last row of each run of consecutive rows."""
    breaks = np.flatnonzero(np.diff(now) != 1)
    firsts = now[np.concatenate(([0], breaks + 1))]
    lasts = now[np.concatenate((breaks, [len(now) - 1]))]
    return list(zip(firsts.tolist(), lasts.tolist(), strict=True))


def _of_all(values: FloatArray, now: IntArray, reach: int) -> tuple[FloatArray, FloatArray]:
    """Products and sums of the lagged columns, row by row."""
    columns = np.hstack([values[now - lag] for lag in range(reach + 1)])
    return columns.T @ columns, columns.sum(axis=0)


def _by_runs(
    values: FloatArray, runs: list[tuple[int, int]], reach: int
) -> tuple[FloatArray, FloatArray]:
    """Products and sums of the lagged columns, of which those of one distance share most rows.

    Each run has more than `reach` rows. The product of the columns at lags `s + d` and `s` sums
    x(t-s-d) y(t-s) over a run: rows first-s to last-s of a window that moves with s. What all these
    windows share is summed once; the rows before it are added one by one for s = 1, 2, …, those
    behind it for s = reach-1, reach-2, ….
    """
    p, n_lags = values.shape[1], reach + 1
    products = np.zeros((n_lags, n_lags * p, p))  # by s; then by d and x; then by y
    total = np.zeros((n_lags, p))
    for first, last in runs:
        past = np.lib.stride_tricks.sliding_window_view(values, n_lags, axis=0)
        past = past[:, :, ::-1].transpose(0, 2, 1)  # row t - reach holds values at t, t-1, …
        shared = slice(first, last - reach + 1)
        core = past[first - reach : last - 2 * reach + 1].reshape(-1, n_lags * p)
        products += core.T @ values[shared]
        for s in range(1, n_lags):
            row = first - s
            usable = n_lags - s  # distances that do not leave the run
            before = values[row - usable + 1 : row + 1][::-1].ravel()
            products[s:, : usable * p] += np.multiply.outer(before, values[row])
        for s in range(reach):
            row = last - s
            behind = values[row - reach : row + 1][::-1].ravel()
            products[: s + 1] += np.multiply.outer(behind, values[row])
        for lag in range(n_lags):
            total[lag] += values[first - lag : last - lag + 1].sum(axis=0)
    gram = np.empty((n_lags, p, n_lags, p))
    for s in range(n_lags):
        block = products[s, : (n_lags - s) * p].reshape(n_lags - s, p, p)
        gram[s:, :, s] = block
        gram[s, :, s:] = block.transpose(2, 0, 1)
    m = n_lags * p
    return gram.reshape(m, m), total.ravel()
