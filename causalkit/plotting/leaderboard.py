"""Leaderboards as pictures: means with intervals, and ranks with bars where methods do not differ.

The second is the critical-difference diagram of Demšar: an axis of mean ranks, the best to the
left, a line from each method to its place, and bars over methods that a test does not tell apart.

References
----------
Demšar (2006), "Statistical comparisons of classifiers over multiple data sets", JMLR 7.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from causalkit.errors import InputError
from causalkit.plotting._panels import axes_or_new, tidied

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_critical_difference", "plot_intervals"]

_COLOR = "#2b6ca3"
_FAINT = "#8a949e"
_NORMAL_QUANTILE = 1.959963984540054


def plot_intervals(
    names: Sequence[str],
    values: ArrayLike,
    std_errors: ArrayLike,
    ax: Axes | None = None,
    *,
    label: str = "",
    faint: Collection[str] = (),
    **style: Any,
) -> Axes:
    """Draw a mean with its 95 % interval for each name, the first on top.

    Parameters
    ----------
    names : sequence of str
    values, std_errors : array-likes of shape (n_names,)
        A standard error that is NaN draws no interval.
    ax : matplotlib.axes.Axes, optional
    label : str
        Of the axis.
    faint : collection of str
        Names that are drawn in gray.
    **style
        Passed to `Axes.errorbar`.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    InputError
        If there is nothing to draw.
    """
    if not len(names):
        raise InputError("there are no names; expected one row at least. Pass results.")
    means, errors = np.asarray(values, np.float64), np.asarray(std_errors, np.float64)
    ax = axes_or_new(ax, (6.4, 0.9 + 0.32 * len(names)))
    for k, (name, mean, error) in enumerate(zip(names, means, errors, strict=True)):
        half = 0.0 if np.isnan(error) else _NORMAL_QUANTILE * error
        color = _FAINT if name in faint else _COLOR
        settings: dict[str, Any] = {"fmt": "o", "color": color, "capsize": 3, "ms": 5, **style}
        ax.errorbar([mean], [k], xerr=[half], **settings)
    ax.set_yticks(range(len(names)), list(names))
    ax.set_ylim(len(names) - 0.5, -0.5)
    ax.set_xlabel(label)
    return tidied(ax, "x")


def plot_critical_difference(
    names: Sequence[str],
    mean_ranks: ArrayLike,
    critical_difference: float,
    ax: Axes | None = None,
    *,
    color: str = _COLOR,
    **style: Any,
) -> Axes:
    """Draw mean ranks, and bars over those that are closer than the critical difference.

    Parameters
    ----------
    names : sequence of str
    mean_ranks : array-like of shape (n_names,)
    critical_difference : float
    ax : matplotlib.axes.Axes, optional
    color : str
        Of the bars.
    **style
        Passed to `Axes.plot` for the lines to the names.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    InputError
        If there are fewer than two names.
    """
    if len(names) < 2:
        raise InputError("there is one name only; expected two ranks or more. Add a method.")
    ranks = np.asarray(mean_ranks, np.float64)
    order = np.argsort(ranks, kind="stable")
    ordered, k = ranks[order], len(names)
    ax = axes_or_new(ax, (6.4, 1.4 + 0.2 * k))
    bars = _bars(ordered, critical_difference)
    below = 0.6 + 0.3 * len(bars)
    lines: dict[str, Any] = {"color": "0.3", "lw": 1, **style}
    left = (k + 1) // 2
    for place, j in enumerate(order):
        is_left = place < left
        depth = below + 0.6 * (place if is_left else k - 1 - place)
        edge = 1.0 - 0.05 * (k - 1) if is_left else k + 0.05 * (k - 1)
        ax.plot([ranks[j], ranks[j], edge], [0.0, -depth, -depth], **lines)
        side = "right" if is_left else "left"
        shown = f"{names[j]} {ranks[j]:.2f}" if is_left else f"{ranks[j]:.2f} {names[j]}"
        ax.text(edge, -depth, f" {shown} ", ha=side, va="center", fontsize=9)
    for level, (first, last) in enumerate(bars):
        at = -0.3 * (level + 1)
        ax.plot([first - 0.03, last + 0.03], [at, at], color=color, lw=4, solid_capstyle="butt")
    ax.plot([1.0, 1.0 + critical_difference], [0.7, 0.7], color="0.3", lw=1.5, marker="|")
    shown = f"critical difference {critical_difference:.2f}"
    ax.text(1.0, 0.85, shown, ha="left", va="bottom", fontsize=9)
    _as_scale(ax, k)
    return ax


def _bars(ordered: Any, critical_difference: float) -> list[tuple[float, float]]:
    """First and last rank of each largest run of ranks that are close together."""
    found: list[tuple[int, int]] = []
    for start, first in enumerate(ordered):
        stop = int(np.flatnonzero(ordered - first <= critical_difference)[-1])
        if stop > start and (not found or stop > found[-1][1]):
            found.append((start, stop))
    return [(float(ordered[start]), float(ordered[stop])) for start, stop in found]


def _as_scale(ax: Axes, k: int) -> None:
    """Leave an axis of ranks at height zero, and nothing else of the frame."""
    ax.spines[["left", "right", "bottom"]].set_visible(False)
    ax.spines["top"].set_position(("data", 0.0))
    ax.spines["top"].set_bounds(1, k)
    ax.xaxis.set_ticks_position("top")
    ax.set_xticks(range(1, k + 1))
    ax.set_yticks([])
    ax.margins(x=0.15)
