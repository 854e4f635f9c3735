"""Series below each other over one axis of time: the picture to draw before any method is run.

What a method would use is what is shown. A line breaks where a lag may not reach across: at a
missing step, at a missing cell, and where the next subject begins. What is missing is shaded, and
so are the steps that a mask leaves out; subjects stand side by side in the order of the data.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from causalkit._core.checks import as_names
from causalkit._core.series import Series, as_series
from causalkit._core.table import as_table
from causalkit._core.time_steps import plain_frame
from causalkit.errors import InputError, UnknownVariableError
from causalkit.typing import BoolArray, Data, FloatArray, IntArray, Name, Names

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_series"]

_MISSING: Final = "#e9c9bf"
_LEFT_OUT: Final = "#dfe4e9"
_BORDER: Final = "#8c98a4"
_MOST_LABELS: Final = 12
_APART: Final = 0.03
"""Room between two subjects, as a share of the longest one."""


@dataclass(frozen=True, slots=True, eq=False)
class _Rows:
    """Where the rows stand on the axis of time.

    Attributes
    ----------
    series : Series
    place : ndarray of shape (n_rows,)
        Days, or steps; of several subjects one after the other.
    step : float
        Width of a step.
    dated : bool
        Whether places are dates.
    """

    series: Series
    place: FloatArray
    step: float
    dated: bool

    @property
    def starts(self) -> IntArray:
        """First row of each subject."""
        return np.flatnonzero(np.diff(self.series.subject, prepend=-1))


def plot_series(
    data: Data | Sequence[Data],
    ax: Axes | Sequence[Axes] | None = None,
    *,
    names: Names | None = None,
    panel: Name | None = None,
    time: Name | None = None,
    mask: Name | None = None,
    color: str = "#2b6ca3",
    **style: Any,
) -> tuple[Axes, ...]:
    """Draw each series on axes of its own, with one time for all.

    Parameters
    ----------
    data : DataFrame, 2-D ndarray, or dict of columns; a list of them; or a 3-D ndarray
        As algorithms for series take it.
    ax : Axes or sequence of Axes, optional
        One axes for each series, or one that they share out among them. Left out, a new figure.
    names : name or names, optional
        Series to draw; all of them if left out.
    panel, time, mask : str or int, optional
        Columns that tell subjects apart, hold the time, and say which rows may be "now".
    color : str
    **style
        Passed to `Axes.plot`.

    Returns
    -------
    tuple of matplotlib.axes.Axes
        One for each series, from the top down.

    Raises
    ------
    InputError
        If the data are no series, or the axes are not as many as the series.
    UnknownVariableError
        If there is no such series.

    Examples
    --------
    >>> import numpy as np
    >>> from matplotlib.figure import Figure
    >>> data = {"rain": [0.0, 2.0, np.nan, 1.0], "river": [1.0, 1.5, 2.0, 1.2]}
    >>> rain, river = plot_series(data, Figure().subplots(2, 1))
    >>> rain.get_ylabel(), river.get_xlabel()
    ('rain', 'step')
    """
    series = as_series(data, panel=panel, time=time, mask=mask)
    wanted = series.names if names is None else as_names(names)
    for name in wanted:
        if name not in series.names:
            raise UnknownVariableError.among(name, series.names)
    axes = _axes(ax, wanted)
    rows = _laid_out(series)
    for name, one in zip(wanted, axes, strict=True):
        _draw(one, rows, series.table.index(name), {"color": color, "linewidth": 1.1, **style})
        one.set_ylabel(str(name), parse_math=False)
        if one is not axes[0]:
            one.sharex(axes[0])
        one.tick_params(labelbottom=one is axes[-1])
    _name_time(axes, rows, _subjects(data, panel, len(rows.starts)))
    _explain_shades(axes)
    return axes


def _axes(ax: Axes | Sequence[Axes] | None, wanted: tuple[Name, ...]) -> tuple[Axes, ...]:
    """One axes a series."""
    n = len(wanted)
    if n == 0:
        raise InputError("names is empty; expected at least one series. Leave it out to draw all.")
    if ax is None:
        import matplotlib.pyplot as plt

        figure = plt.figure(figsize=(7.2, 0.8 + 1.2 * n), layout="constrained")
        return tuple(figure.subplots(n, 1, squeeze=False)[:, 0])
    if not isinstance(ax, (Sequence, np.ndarray)):
        if n == 1:
            return (ax,)
        ax.set_axis_off()
        height = 0.9 / n
        return tuple(ax.inset_axes((0.0, 1 - (k + 1) / n + 0.1 / n, 1.0, height)) for k in range(n))
    found = tuple(np.ravel(np.array(ax, dtype=object)))
    if len(found) != n:
        raise InputError(
            f"ax has {len(found)} axes and there are {n} series; expected one for each, or a "
            "single one to share out. Use Figure().subplots(n, 1), or choose series with names=."
        )
    return found


def _laid_out(series: Series) -> _Rows:
    """Places on the axis: stamps, or numbers of steps; subjects follow each other."""
    stamps = series.when if series.times is None else series.times[series.when]
    dated = np.asarray(stamps).dtype.kind == "M"
    if dated:
        from matplotlib.dates import date2num

        stamps = date2num(stamps)  # type: ignore[no-untyped-call]
    place = np.array(stamps, dtype=np.float64)
    forward = np.diff(place)[series.follows[1:]]
    step = float(np.median(forward)) if len(forward) else 1.0
    starts = np.flatnonzero(np.diff(series.subject, prepend=-1))
    if len(starts) > 1:
        parts = np.split(place, starts[1:])
        spans = np.array([part[-1] - part[0] for part in parts])
        room = max(_APART * spans.max(), 2 * step)
        begins = np.concatenate(([0.0], np.cumsum(spans[:-1] + room)))
        place = np.concatenate([part - part[0] + b for part, b in zip(parts, begins, strict=True)])
    return _Rows(series, place, step, dated and len(starts) == 1)


def _draw(ax: Axes, rows: _Rows, column: int, style: dict[str, Any]) -> None:
    series, place = rows.series, rows.place
    values = series.table.values[:, column]
    there = ~np.isnan(values)
    _shade(ax, _left_out(rows), _LEFT_OUT, "left out by the mask")
    _shade(ax, _missing(rows, there), _MISSING, "missing")
    breaks = np.flatnonzero(~series.follows)[1:]
    line = np.insert(values, breaks, np.nan)
    (drawn,) = ax.plot(np.insert(place, breaks, place[breaks]), line, **style)
    joined = series.follows & there & np.roll(there, 1)
    alone = there & ~joined & ~np.append(joined[1:], False)
    ax.plot(place[alone], values[alone], ".", color=drawn.get_color(), markersize=3)
    for start in rows.starts[1:].tolist():
        middle = (place[start - 1] + place[start]) / 2
        ax.axvline(middle, color=_BORDER, linewidth=0.8, linestyle=(0, (4, 3)))
    levels = series.table.levels[column]
    if levels is not None and len(levels) <= _MOST_LABELS:
        ax.set_yticks(range(len(levels)), [str(level) for level in levels])
    ax.spines[["top", "right"]].set_visible(False)


def _missing(rows: _Rows, there: BoolArray) -> list[tuple[float, float]]:
    """From the last cell before a gap to the first one after it, within each subject."""
    place, spans = rows.place, []
    edges = np.append(rows.starts, len(place))
    for start, stop in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        good = start + np.flatnonzero(there[start:stop])
        if len(good) == 0:
            spans.append((place[start], place[stop - 1]))
            continue
        gap = (np.diff(good) > 1) | ~rows.series.follows[good[1:]]
        spans += list(zip(place[good[:-1][gap]], place[good[1:][gap]], strict=True))
        ends = ((place[start], place[good[0]]), (place[good[-1]], place[stop - 1]))
        spans += [(a, b) for a, b in ends if a < b]
    return spans


def _left_out(rows: _Rows) -> list[tuple[float, float]]:
    """Runs of rows that the mask leaves out, half a step more on both sides."""
    out = ~rows.series.counted
    fresh = ~rows.series.follows | ~np.roll(out, 1)
    first = np.flatnonzero(out & fresh)
    last = np.flatnonzero(out & np.append((fresh | ~out)[1:], True))
    half = rows.step / 2
    return list(zip(rows.place[first] - half, rows.place[last] + half, strict=True))


def _shade(ax: Axes, spans: list[tuple[float, float]], color: str, label: str) -> None:
    if spans:
        across = [(float(a), float(b - a)) for a, b in spans]
        strip = ax.get_xaxis_transform()  # from the bottom to the top, whatever the values
        ax.broken_barh(
            across, (0.0, 1.0), transform=strip, color=color, linewidth=0, zorder=0, label=label
        )


def _subjects(data: Any, panel: Name | None, n: int) -> list[str]:
    """Names of the subjects, or their numbers."""
    if panel is None or isinstance(data, (list, tuple)) or np.ndim(data) == 3:
        return [str(k + 1) for k in range(n)]
    table = as_table(plain_frame(data), columns=[panel], labels=[panel])
    codes = table.values[:, 0].astype(np.intp)
    levels = table.levels[0]
    return [str(code if levels is None else levels[code]) for code in dict.fromkeys(codes.tolist())]


def _name_time(axes: tuple[Axes, ...], rows: _Rows, subjects: list[str]) -> None:
    last, place = axes[-1], rows.place
    if len(rows.starts) == 1:
        if rows.dated:
            from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

            locator = AutoDateLocator()  # type: ignore[no-untyped-call]
            last.xaxis.set_major_locator(locator)
            shown = ConciseDateFormatter(locator)  # type: ignore[no-untyped-call]
            last.xaxis.set_major_formatter(shown)
        last.set_xlabel("step" if rows.series.times is None else "time")
        return
    last.set_xlabel("subjects, one after the other")
    stops = np.append(rows.starts[1:], len(place)) - 1
    middles = (place[rows.starts] + place[stops]) / 2
    few = len(subjects) <= _MOST_LABELS
    last.set_xticks(middles if few else [], subjects if few else [])


def _explain_shades(axes: tuple[Axes, ...]) -> None:
    """One legend for all, above the highest axes; without shades there is nothing to explain."""
    shades: dict[str, Any] = {}
    for one in axes:
        handles, labels = one.get_legend_handles_labels()
        shades |= dict(zip(labels, handles, strict=True))
    if shades:
        axes[0].legend(
            list(shades.values()),
            list(shades),
            loc="lower right",
            bbox_to_anchor=(1.0, 1.0),
            ncols=2,
            frameon=False,
        )
