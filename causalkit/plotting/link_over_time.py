"""A link followed from window to window: how strong it is, and where it is significant."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from causalkit.plotting._panels import axes_or_new, tidied
from causalkit.typing import FloatArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["HasWindows", "plot_link_over_time"]


class HasWindows(Protocol):
    """A link, window by window."""

    @property
    def pair(self) -> tuple[Any, Any]:
        """Its two nodes."""

    @property
    def times(self) -> NDArray[Any]:
        """When windows begin."""

    @property
    def edges(self) -> tuple[str, ...]:
        """What joins the two in each."""

    @property
    def strengths(self) -> FloatArray:
        """How strongly."""


def plot_link_over_time(
    link: HasWindows, ax: Axes | None = None, *, color: str = "#2b6ca3", **style: Any
) -> Axes:
    """Draw the strength of a link by window: a full dot where it is joined, an empty one elsewhere.

    Parameters
    ----------
    link : LinkOverTime
    ax : matplotlib.axes.Axes, optional
        Left out, a new figure.
    color : str
    **style
        Passed to the line.

    Returns
    -------
    matplotlib.axes.Axes
    """
    ax = axes_or_new(ax, (6.4, 3.6))
    joined = np.array([edge not in ("none", "failed") for edge in link.edges], dtype=np.bool_)
    ax.axhline(0.0, color="#8c98a4", linewidth=1.0, linestyle=(0, (4, 3)), zorder=0)
    ax.plot(link.times, link.strengths, color=color, **({"linewidth": 1.2} | style))
    for where, face, label in ((joined, color, "joined"), (~joined, "white", "not joined")):
        look: dict[str, Any] = {"edgecolors": color, "c": face, "zorder": 3, "label": label}
        ax.scatter(link.times[where], link.strengths[where], **look)
    ax.set_xlabel("window begins")
    ax.set_ylabel("strength")
    ax.set_title(f"{link.pair[0]} to {link.pair[1]}", parse_math=False)
    ax.legend(frameon=False, fontsize="small")
    return tidied(ax)
