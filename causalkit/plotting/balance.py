"""Love plot: standardised mean differences before and after weighting."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from causalkit.plotting._panels import axes_or_new, tidied
from causalkit.typing import FloatArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_balance"]

_BEFORE, _AFTER = "#c0762b", "#2b6ca3"


class HasBalance(Protocol):
    """Differences of named columns, before and after."""

    @property
    def names(self) -> tuple[str, ...]:
        """Columns."""

    @property
    def before(self) -> FloatArray:
        """Differences in the first column."""

    @property
    def after(self) -> FloatArray:
        """Differences in the first column."""


def plot_balance(
    table: HasBalance, ax: Axes | None = None, *, max_columns: int = 40, **style: Any
) -> Axes:
    """Draw the absolute differences of all columns, the largest on top.

    Parameters
    ----------
    table : Balance
    ax : matplotlib.axes.Axes, optional
        Left out, a new figure with a height that fits.
    max_columns : int
        Columns that are drawn; of more, those that were furthest off.
    **style
        Passed to `Axes.plot` for the dots.

    Returns
    -------
    matplotlib.axes.Axes
    """
    before, after = np.abs(table.before[:, 0]), np.abs(table.after[:, 0])
    order = np.argsort(-np.maximum(before, after), kind="stable")[:max_columns]
    ax = axes_or_new(ax, (6.4, 1.2 + 0.3 * len(order)))
    heights = np.arange(len(order))
    ax.axvline(0.1, color="#8c98a4", linewidth=1.0, linestyle=(0, (4, 3)), zorder=1)
    ax.hlines(heights, before[order], after[order], color="#c9d1d9", linewidth=1.5, zorder=1)
    dots = {"linestyle": "none", "marker": "o", "markersize": 6.5, "zorder": 3, **style}
    ax.plot(before[order], heights, color=_BEFORE, label="before", **{**dots, "fillstyle": "none"})
    ax.plot(after[order], heights, color=_AFTER, label="after", **dots)
    ax.set_yticks(heights, labels=[table.names[k] for k in order])
    ax.set_ylim(len(order) - 0.4, -0.6)
    ax.set_xlim(left=-0.02 * ax.get_xlim()[1])
    ax.tick_params(axis="y", length=0)
    tidied(ax, "x")
    ax.set_xlabel("absolute standardised mean difference (dashed: 0.1)")
    ax.legend(frameon=False, loc="lower right")
    return ax
