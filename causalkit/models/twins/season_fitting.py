"""Fitting seasons: which periods, which series, and how the phase matters.

Periods are given or found. The level of a series by phase is a table of waves that come again in
every stretch of the data (:mod:`causalkit.models.twins.season_tests`), on the scale of the model;
the spread is one of the logarithm of the size of what that leaves.

Whether the season changes the spread of a series too is asked of blocks of time that were held out:
are their quantiles foretold better, soon (from a line on the past and the other series) and far
ahead (from the season alone)? Counts that are often zero at night and never at noon are neither
shifted nor stretched. Where the share of the lowest value moves with the season, a value is seen as
the normal score of its place among those at times with the same usual level
(:mod:`causalkit.models.twins.season_shapes`), and rounded values are spread over their cells first.

References
----------
Bergmeir & Benítez (2012), Information Sciences 191, 192-213 (blocked validation of predictors of
series). doi:10.1016/j.ins.2011.12.028
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np

from causalkit._core.series import Series
from causalkit._core.step_lengths import calendar_periods
from causalkit._core.time_steps import steps_since
from causalkit.errors import InputError
from causalkit.models.temporal.temporal_fitting import clear_gain, held_out
from causalkit.models.twins.column_forms import ColumnForm
from causalkit.models.twins.ordered_search import filled
from causalkit.models.twins.season_shapes import fit_shapes, plain_shapes
from causalkit.models.twins.season_tests import (
    LEAST_CYCLES,
    TimedRows,
    find_periods,
    season_log_p_values,
    season_table,
)
from causalkit.models.twins.seasons import Seasons
from causalkit.typing import BoolArray, FloatArray, IntArray, Name

__all__ = ["fit_seasons", "read_season"]

_DRIVES: Final = 0.01
"""P-value below which a season drives a series, by the number of series."""

_LEAST_SIZE: Final = 0.1
"""Added to the size of deviations before logarithms are taken, by their mean."""

_MEMORY: Final = 3
_RIDGE: Final = 1e-3
_FEWEST: Final = 100
_SHARES: Final = (0.05, 0.25, 0.5, 0.75, 0.95)

_PARTS: Final = 8
_MOVES: Final = 0.25
"""Difference of shares of the lowest value, from which no shift and no stretch describes it."""


def read_season(season: Any) -> tuple[int, ...] | None:
    """Check the setting: periods in ascending order, or None if they are ours to find.

    Raises
    ------
    InputError
        If a period is not a whole number of steps, two at least.
    """
    if season is None:
        return ()
    if isinstance(season, str):
        if season != "detect":
            raise InputError(f"season={season!r}; expected 'detect', None, or periods in steps.")
        return None
    periods: list[Any] = [season] if np.isscalar(season) else list(season)
    for period in periods:
        is_number = isinstance(period, (int, float, np.integer, np.floating))
        if isinstance(period, bool) or not is_number or period < 2 or period != int(period):
            raise InputError(
                f"season={season!r} has the period {period!r}; expected whole numbers of steps, 2 "
                "at least. Round it, or use steps of another length."
            )
    return tuple(sorted({int(period) for period in periods}))


def fit_seasons(
    series: Series,
    season: tuple[int, ...] | None,
    forms: Mapping[Name, ColumnForm],
    rng: np.random.Generator,
) -> tuple[Seasons, Series]:
    """Fit the seasons of series.

    Parameters
    ----------
    series : Series
        As recorded.
    season : tuple of int or None
        Periods; None if they are ours to find.
    forms : mapping of name to ColumnForm
        Scales of the model.
    rng : Generator
        Of the places of rounded values within their cells, where there is a season.

    Returns
    -------
    seasons : Seasons
    adjusted : Series
        On the scales of the model, and against their seasons.

    Raises
    ------
    InputError
        If a period has fewer than five turns in the series, gaps between known times included, or a
        clock would have the name of a series.
    """
    scaled, time = _scaled(series, forms), _times(series)
    values = filled(scaled).table.values
    rows = TimedRows.of(values, time, series.follows, series.subject).without_trends()
    for period in season or ():
        if rows.turns(period) < LEAST_CYCLES:
            raise InputError(
                f"a season of {period} steps has {rows.turns(period)} full turns in the data of "
                f"{series.n_rows} steps; expected {LEAST_CYCLES}. Use longer series, or leave it "
                "out."
            )
    calendar = () if series.times is None else calendar_periods(series.times)
    periods = find_periods(rows, calendar) if season is None else season
    if not periods:
        return Seasons.none(series.names, time), scaled
    clocks = tuple(f"season {period}" for period in periods)
    if taken := set(clocks) & set(series.names):
        raise InputError(f"series are called {sorted(taken)}, as seasons are; rename them.")
    levels, rows = _peeled(rows, periods)
    size = np.abs(rows.values)
    least = np.maximum(_LEAST_SIZE * np.nanmean(size, axis=0), 1e-300)
    sizes = replace(rows, values=np.log(size + least))
    spreads, _ = _peeled(sizes.without_trends(), periods)
    centre = np.nanmean(scaled.table.values, axis=0)
    whole = Seasons(clocks, series.names, centre, levels, spreads, plain_shapes(len(centre)), time)
    ranked = _piles_move(whole, series, forms)
    inside = _scaled(series, forms, rng)
    values = np.where(ranked, inside.table.values, scaled.table.values)
    return _with_shapes(whole, scaled.with_values(values), ranked)


def _piles_move(whole: Seasons, series: Series, forms: Mapping[Name, ColumnForm]) -> BoolArray:
    """Whether the share of the lowest value of each series is another at other usual levels."""
    level, _ = whole.usual()
    found = np.zeros(len(forms), dtype=np.bool_)
    for j, (name, form) in enumerate(forms.items()):
        x = series.table.column(name)
        there = ~np.isnan(x)
        if not form.is_rounded or there.sum() < _FEWEST or np.ptp(level[:, j]) == 0:
            continue
        lowest = (x == np.nanmin(x))[there]
        parts = np.array_split(np.argsort(level[there, j], kind="stable"), _PARTS)
        shares = [lowest[part].mean() for part in parts]
        found[j] = max(shares) - min(shares) >= _MOVES
    return found


def _with_shapes(whole: Seasons, values: Series, ranked: BoolArray) -> tuple[Seasons, Series]:
    """Choose for each series whether the season changes its spread, and fit shapes to counts."""
    held = held_out(values.n_rows)

    def shaped(tried: Seasons, without: BoolArray) -> Seasons:
        level, spread = tried.usual()
        deviation = (values.table.values - level) / spread
        deviation[without] = np.nan
        return replace(tried, shapes=fit_shapes(level, deviation, ranked))

    flat = replace(whole, log_spread=tuple(table * ranked for table in whole.log_spread))
    before, after = (_losses(shaped(way, held), values, held) for way in (flat, whole))
    unit = np.maximum(before.mean(axis=0), 1e-300)
    gain = ((before - after) / unit).reshape(len(before), 2, -1).sum(axis=1)
    wider = np.array([clear_gain(column) for column in gain.T]) | ranked
    best = replace(whole, log_spread=tuple(table * wider for table in whole.log_spread))
    best = shaped(best, np.zeros_like(held))
    return best, best.without(values)


def _losses(seasons: Seasons, series: Series, held: BoolArray) -> FloatArray:
    """Loss of each series at held-out steps, soon and far ahead, shape (n_held, 2 p).

    Quantiles are foretold at the other steps: soon by a line on the past and on the other series
    now, and by what it leaves; far ahead by the season alone. The loss is that of quantiles, on the
    scale of the model.
    """
    adjusted = seasons.without(series)
    now, p = adjusted.usable(_MEMORY), len(series.names)
    columns = adjusted.lagged(_MEMORY)
    late = held[now]
    if min(late.sum(), (~late).sum()) < _FEWEST + columns.shape[1]:
        return np.ones((_FEWEST, 2 * p))
    z = columns - columns[~late].mean(axis=0)
    gram = z[~late].T @ z[~late]
    gram[np.diag_indices_from(gram)] *= 1 + _RIDGE
    inverse = np.linalg.inv(gram)[:, :p]
    left = z @ (inverse / np.diagonal(inverse))
    values = series.table.values[now[late]]
    found = []
    for noise in (left, columns[:, :p]):
        fitted = columns[late, :p] - noise[late]
        loss = np.zeros(values.shape)
        for share in _SHARES:
            ahead = fitted + np.quantile(noise[~late], share, axis=0)
            miss = values - seasons.recorded(ahead, now[late])
            loss += np.where(miss > 0, share, share - 1) * miss
        found.append(loss)
    return np.hstack(found)


def _scaled(
    series: Series, forms: Mapping[Name, ColumnForm], rng: np.random.Generator | None = None
) -> Series:
    """Series on the scales of the model; with a generator, from a place within each cell."""
    columns = []
    for name, form in forms.items():
        values = series.table.column(name)
        if rng is not None:
            values = np.where(np.isnan(values), np.nan, form.within_cell(values, rng))
        columns.append(form.forward(values))
    return series.with_values(np.column_stack(columns))


def _peeled(rows: TimedRows, periods: Sequence[int]) -> tuple[tuple[FloatArray, ...], TimedRows]:
    """Season of each period in what the others leave, and what all of them leave."""
    tables = []
    for period in periods:
        clear = season_log_p_values(rows, period) < np.log(_DRIVES / rows.values.shape[1])
        tables.append(season_table(rows, period) * clear)
        rows = rows.without(tables[-1])
    return tuple(tables), rows


def _times(series: Series) -> IntArray:
    """Time of each row in steps: by its stamp, or by its place among the rows of its subject."""
    if series.times is None or len(series.times) < 2:
        return series.when
    begins = np.arange(len(series.times)) == 0
    passed: IntArray = np.cumsum(steps_since(series.times, begins, "the index"))[series.when]
    return passed
