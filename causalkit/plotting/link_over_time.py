"""A link followed from window to window: how strong it is, and where it is significant."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

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
    if ax is None:
        from matplotlib import pyplot as plt

        _, ax = plt.subplots()
    joined = np.array([edge not in ("none", "failed") for edge in link.edges], dtype=np.bool_)
    ax.axhline(0.0, color="0.8", linewidth=1.0, zorder=0)
    ax.plot(link.times, link.strengths, color=color, **({"linewidth": 1.2} | style))
    for where, face in ((joined, color), (~joined, "white")):
        ax.scatter(link.times[where], link.strengths[where], edgecolors=color, c=face, zorder=3)
    ax.set_xlabel("window begins")
    ax.set_ylabel("strength")
    ax.set_title(f"{link.pair[0]} to {link.pair[1]}")
    return ax
