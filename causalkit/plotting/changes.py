"""How a mechanism moves over domains or time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from causalkit.plotting._panels import axes_or_new, tidied
from causalkit.plotting.convergence import COLORS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from causalkit.discovery.changing.driving_force import DrivingForce

__all__ = ["plot_driving_force"]

_DASHES: Final = ("solid", (0, (5, 2)), (0, (1, 1.5)), (0, (5, 2, 1, 2)))


def plot_driving_force(
    force: DrivingForce, ax: Axes | None = None, *, component: int = 1, **style: Any
) -> Axes:
    """Draw one component of a driving force: a line over time, a dot for each domain.

    Parameters
    ----------
    force : DrivingForce
        With domains and times, there is one line for each domain.
    ax : matplotlib.axes.Axes, optional
        Left out, a new figure.
    component : int
        Counted from 1.
    **style
        Passed to `Axes.plot`.

    Returns
    -------
    matplotlib.axes.Axes

    Examples
    --------
    >>> import numpy as np
    >>> from matplotlib.figure import Figure
    >>> from causalkit.discovery.changing.driving_force import DrivingForce
    >>> curve, share = np.array([[-1.0], [0.0], [1.0]]), np.array([0.9])
    >>> force = DrivingForce("price", (), ("north", "south", "west"), None, curve, share)
    >>> ax = force.plot(Figure().add_subplot())
    >>> ax.get_title()
    'Driving force of price (90 % of the change)'
    """
    from causalkit._core.checks import check_choice

    check_choice(component, "component", range(1, force.curve.shape[1] + 1))
    ax = axes_or_new(ax, (6.4, 3.2))
    k = component - 1
    if force.times is None:
        _dots(ax, force, k, style)
    else:
        _lines(ax, force, force.times, k, style)
    ax.axhline(0.0, color="#8c98a4", linewidth=0.8, zorder=1)
    ax.set_ylabel("driving force")
    ax.set_title(f"Driving force of {force.variable} ({100 * force.share[k]:.0f} % of the change)")
    tidied(ax, None)
    return ax


def _dots(ax: Axes, force: DrivingForce, k: int, style: dict[str, Any]) -> None:
    places = np.arange(len(force.curve))
    if force.band is not None:
        ax.vlines(places, *force.band[:, :, k], color="#9fbdd9", linewidth=2.0)
    look = {"marker": "o", "linestyle": "none", "color": "#2b6ca3", **style}
    ax.plot(places, force.curve[:, k], **look)
    labels = [str(label) for label in force.domains or ()]
    if len(labels) <= 30:
        ax.set_xticks(places, labels=labels, rotation=90 if len(labels) > 8 else 0)
    ax.set_xlabel("domain")


def _lines(
    ax: Axes, force: DrivingForce, times: NDArray[Any], k: int, style: dict[str, Any]
) -> None:
    labels = [None] * len(times) if force.domains is None else list(force.domains)
    distinct = list(dict.fromkeys(labels))
    for number, label in enumerate(distinct):
        here = np.array([other == label for other in labels])
        color = COLORS[number % len(COLORS)]
        look = {"linewidth": 1.8, "color": color, "linestyle": _DASHES[number % 4], **style}
        (line,) = ax.plot(times[here], force.curve[here, k], **look)
        if label is not None:
            line.set_label(str(label))
        if force.band is not None:
            lower, upper = force.band[:, here, k]
            ax.fill_between(
                times[here], lower, upper, color=line.get_color(), alpha=0.2, linewidth=0
            )
    if 1 < len(distinct) <= 12:
        ax.legend(title="domain", frameon=False)
    ax.set_xlabel("time")
