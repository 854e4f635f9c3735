"""A dose-response curve, with the interval of each dose and the band of the whole."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from causalkit._core.checks import check_fraction
from causalkit.plotting._panels import axes_or_new, draw_bands, name_bands, tidied
from causalkit.typing import FloatArray

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["HasDoses", "plot_dose_response"]


class HasDoses(Protocol):
    """A curve of means over doses."""

    @property
    def doses(self) -> FloatArray:
        """Where it was computed."""

    @property
    def values(self) -> FloatArray:
        """The means."""

    @property
    def names(self) -> tuple[str, str]:
        """Treatment and outcome."""

    def to_frame(self, level: float = 0.95, *, joint: bool = True) -> pd.DataFrame:
        """Intervals and band, in columns."""


def plot_dose_response(
    curve: HasDoses,
    ax: Axes | None = None,
    *,
    level: float = 0.95,
    color: str = "#2b6ca3",
    **style: Any,
) -> Axes:
    """Draw mean outcomes over doses: the line, pointwise intervals (dark) and the band (light).

    Parameters
    ----------
    curve : DoseResponseCurve
    ax : matplotlib.axes.Axes, optional
        Left out, a new figure, with a legend of the bands.
    level : float
        Coverage of intervals and band.
    color : str
    **style
        Passed to `Axes.plot` for the curve, e.g. `linewidth=2`.

    Returns
    -------
    matplotlib.axes.Axes

    Examples
    --------
    >>> import numpy as np
    >>> from matplotlib.figure import Figure
    >>> from causalkit.estimation import Effect
    >>> from causalkit.estimation.orthogonal.dose_curve import DoseResponseCurve
    >>> means = tuple(
    ...     Effect(v, 0.1, 4, "known", influence=np.array([1.0, -1, 1, -1])) for v in (0.0, 1.0)
    ... )
    >>> curve = DoseResponseCurve(means, ("0", "1"), "means", doses=np.array([0.0, 1.0]))
    >>> plot_dose_response(curve, Figure().add_subplot()).get_xlabel()
    'dose'
    """
    check_fraction(level, "level")
    is_new = ax is None
    ax = axes_or_new(ax, (6.4, 3.6))
    table = curve.to_frame(level)
    ends = table["lower"].to_numpy(), table["upper"].to_numpy()
    whole = table["band_lower"].to_numpy(), table["band_upper"].to_numpy()
    draw_bands(ax, curve.doses, ends, whole, color)
    ax.plot(curve.doses, curve.values, color=color, **{"linewidth": 1.6, "zorder": 3, **style})
    tidied(ax)
    if is_new:
        name_bands(ax, color, level, "all doses at once")
    treatment, outcome = curve.names
    ax.set_xlabel(treatment)
    ax.set_ylabel(f"mean of {outcome}")
    return ax
