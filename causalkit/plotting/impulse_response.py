"""An impulse response as a curve, with the interval of each point and the band of the whole."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from causalkit._core.checks import check_fraction
from causalkit.plotting._panels import axes_or_new, draw_bands, name_bands, tidied
from causalkit.typing import FloatArray, IntArray, Name

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["HasBand", "plot_impulse_response"]


class HasBand(Protocol):
    """A curve of estimates over horizons."""

    @property
    def treatment(self) -> Name:
        """What is changed."""

    @property
    def outcome(self) -> Name:
        """What responds."""

    @property
    def kind(self) -> str:
        """How it is changed."""

    @property
    def horizons(self) -> IntArray:
        """Steps since then."""

    @property
    def values(self) -> FloatArray:
        """The estimates."""

    def interval(self, level: float = 0.95) -> tuple[FloatArray, FloatArray]:
        """Lower and upper ends, pointwise."""

    def band(self, level: float = 0.95) -> tuple[FloatArray, FloatArray]:
        """Lower and upper ends of the whole."""


def plot_impulse_response(
    response: HasBand,
    ax: Axes | None = None,
    *,
    level: float = 0.95,
    color: str = "#2b6ca3",
    **style: Any,
) -> Axes:
    """Draw a response over time: dots, pointwise intervals (dark) and the band (light).

    Parameters
    ----------
    response : ImpulseResponse
    ax : matplotlib.axes.Axes, optional
        Left out, a new figure, with a legend of the bands.
    level : float
        Coverage of intervals and band.
    color : str
    **style
        Passed to `Axes.plot` for the curve, e.g. `marker="s"`.

    Returns
    -------
    matplotlib.axes.Axes

    Examples
    --------
    >>> import numpy as np
    >>> from matplotlib.figure import Figure
    >>> from causalkit.estimation import ImpulseResponse
    >>> curve = ImpulseResponse("X", "Y", "pulse", np.arange(3), np.ones(3), 0.01 * np.eye(3))
    >>> ax = plot_impulse_response(curve, Figure().add_subplot())
    >>> ax.get_xlabel()
    'steps after a pulse of X'
    """
    check_fraction(level, "level")
    is_new = ax is None
    ax = axes_or_new(ax, (6.4, 3.6))
    steps = response.horizons
    ax.axhline(0, color="#8c98a4", linewidth=1.0, linestyle=(0, (4, 3)), zorder=1)
    draw_bands(ax, steps, response.interval(level), response.band(level), color)
    drawn = {"marker": "o", "markersize": 4.5, "linewidth": 1.6, "zorder": 3, **style}
    ax.plot(steps, response.values, color=color, **drawn)
    tidied(ax)
    ax.locator_params(axis="x", integer=True)
    if is_new:
        name_bands(ax, color, level, "all steps at once")
    change = "a lasting change" if response.kind == "sustained" else "a pulse"
    ax.set_xlabel(f"steps after {change} of {response.treatment}")
    summed = "summed effect" if response.kind == "cumulative" else "effect"
    ax.set_ylabel(f"{summed} on {response.outcome}")
    return ax
