"""One panel: axes to draw on if none were given, and the frame that all panels share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from causalkit.typing import FloatArray, IntArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["axes_or_new", "blank", "draw_bands", "name_bands", "tidied"]

_FAINT: Final = "#e6eaee"
_ENDS, _WHOLE, _BOTH = 0.3, 0.15, 0.45
"""Opacity of the intervals, of the band around them, and of one upon the other."""


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


def blank(ax: Axes, left: float, right: float, bottom: float, top: float) -> None:
    """Make the axes a sheet with these ends, without a frame, on which a circle is round."""
    ax.set_axis_off()
    ax.set_xlim(left, right)
    ax.set_ylim(bottom, top)
    ax.set_aspect("equal", adjustable="box")


def draw_bands(
    ax: Axes,
    where: FloatArray | IntArray,
    ends: tuple[FloatArray, FloatArray],
    whole: tuple[FloatArray, FloatArray],
    color: str,
) -> None:
    """Fill the intervals of the points (dark) within the band of the whole (light)."""
    for (lower, upper), opacity in ((whole, _WHOLE), (ends, _ENDS)):
        ax.fill_between(where, lower, upper, color=color, alpha=opacity, linewidth=0, zorder=2)


def name_bands(ax: Axes, color: str, level: float, whole: str) -> None:
    """Say above the axes which band is the interval of a point, and which that of the whole."""
    from matplotlib.patches import Patch

    names = (f"{100 * level:g} % interval", f"{100 * level:g} % band, {whole}")
    handles = [
        Patch(color=color, alpha=opacity, linewidth=0, label=name)
        for name, opacity in zip(names, (_BOTH, _WHOLE), strict=True)
    ]
    ax.legend(
        handles=handles,
        loc="lower left",
        bbox_to_anchor=(0.0, 1.0),
        ncols=2,
        frameon=False,
        fontsize="small",
    )
