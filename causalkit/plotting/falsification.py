"""A graph among the same graph with other names: how many independencies each gets wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from causalkit.plotting._panels import axes_or_new, tidied

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from causalkit.refutation.falsification import Falsification

__all__ = ["plot_falsification"]


def plot_falsification(
    falsification: Falsification, ax: Axes | None = None, *, color: str = "#b9c2ca", **style: Any
) -> Axes:
    """Draw the graph's share of violated independencies among those of the relabelled graphs.

    Parameters
    ----------
    falsification : Falsification
        From :func:`causalkit.refutation.falsify_graph`.
    ax : matplotlib.axes.Axes, optional
    color : str
    **style
        Passed to `Axes.hist`.

    Returns
    -------
    matplotlib.axes.Axes
    """
    ax = axes_or_new(ax, (6.4, 3.2))
    label = "with other names on its nodes"
    bars: dict[str, Any] = {"bins": 20, "color": color, "label": label, **style}
    ax.hist(falsification.baseline, **bars)
    ax.axvline(falsification.share_violated, color="#d55e00", linewidth=2.0, label="the graph")
    ax.set_xlabel("share of implied independencies that are violated")
    ax.set_ylabel("relabelled graphs")
    ax.legend(frameon=False, loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=2)
    return tidied(ax)
