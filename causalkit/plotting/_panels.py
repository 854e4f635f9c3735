"""One panel: axes to draw on if none were given, and the frame that all panels share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["axes_or_new", "tidied"]

_FAINT: Final = "#e6eaee"


def axes_or_new(ax: Axes | None, size: tuple[float, float] | None = None) -> Axes:
    """Return the axes, or those of a new figure of this size in inches."""
    if ax is not None:
        return ax
    import matplotlib.pyplot as plt

    return plt.figure(figsize=size, layout="constrained").add_subplot()


def tidied(ax: Axes, grid: Literal["x", "y"] | None = "y") -> Axes:
    """Leave the frame out that says nothing, and draw a faint grid along "x", "y" or neither."""
    ax.spines[["top", "right"]].set_visible(False)
    if grid == "x":  # rows have names, so the line beside them says nothing either
        ax.spines["left"].set_visible(False)
    if grid is not None:
        ax.grid(axis=grid, color=_FAINT, linewidth=0.8)
        ax.set_axisbelow(True)
    return ax
