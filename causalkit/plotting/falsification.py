"""A graph among the same graph with other names: how many independencies each gets wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from causalkit.plotting._panels import axes_or_new

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from causalkit.refutation.falsification import Falsification

__all__ = ["plot_falsification"]


def plot_falsification(
    falsification: Falsification, ax: Axes | None = None, *, color: str = "0.75", **style: Any
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
    ax = axes_or_new(ax)
    bars: dict[str, Any] = {"bins": 20, "color": color, "label": "other names", **style}
    ax.hist(falsification.baseline, **bars)
    ax.axvline(falsification.share_violated, color="tab:red", label="the graph")
    ax.set_xlabel("share of implied independencies that are violated")
    ax.set_ylabel("relabelled graphs")
    ax.legend(fontsize=8)
    return ax
