"""One panel: axes to draw on if none were given, and the frame that all panels share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["axes_or_new", "name_bands", "tidied"]

_FAINT: Final = "#e6eaee"
_OPACITIES: Final = (0.45, 0.15)


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


def name_bands(ax: Axes, color: str, level: float, whole: str) -> None:
    """Say above the axes which band is the interval of a point, and which that of the whole."""
    from matplotlib.patches import Patch

    names = (f"{100 * level:g} % interval", f"{100 * level:g} % band, {whole}")
    handles = [
        Patch(color=color, alpha=opacity, linewidth=0, label=name)
        for name, opacity in zip(names, _OPACITIES, strict=True)
    ]
    ax.legend(
        handles=handles,
        loc="lower left",
        bbox_to_anchor=(0.0, 1.0),
        ncols=2,
        frameon=False,
        fontsize="small",
    )
