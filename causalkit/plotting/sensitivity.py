"""What hidden causes would do to an effect, drawn over how strong they are.

Three pictures, one for each way to say "how strong": shares of what is left over of treatment and
outcome (contours), a factor on the odds of treatment (a widening band), a factor on the odds within
matched pairs (p-values). The strength that is enough to change the answer is orange in all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from causalkit.errors import InputError
from causalkit.plotting._panels import axes_or_new, tidied

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from causalkit.refutation.hidden_bias import HiddenBias
    from causalkit.refutation.matched_pairs import RosenbaumBounds
    from causalkit.refutation.odds_bounds import MarginalSensitivity

__all__ = ["plot_hidden_bias", "plot_odds_bounds", "plot_pair_bounds"]

_COLOR: Final = "#2b6ca3"
_ENOUGH: Final = "#d55e00"
_GREY: Final = "#8c98a4"
_SIZE: Final = (6.4, 4.0)
_ABOVE: Final[dict[str, Any]] = {
    "loc": "lower left", "bbox_to_anchor": (0.0, 1.0), "ncols": 2, "frameon": False,
    "fontsize": "small",
}  # fmt: skip


def plot_hidden_bias(bias: HiddenBias, ax: Axes | None = None, **style: Any) -> Axes:
    """Draw the adjusted estimate over strengths, with measured columns as points.

    Parameters
    ----------
    bias : HiddenBias
        From :func:`causalkit.refutation.sensitivity`.
    ax : matplotlib.axes.Axes, optional
    **style
        Passed to `Axes.contour` for the lines of equal estimates.

    Returns
    -------
    matplotlib.axes.Axes

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from causalkit.refutation.hidden_bias import HiddenBias
    >>> bias = HiddenBias.from_regression(1.0, 0.1, df=100)
    >>> plot_hidden_bias(bias, Figure().add_subplot()).get_xlabel()
    'share of the leftover treatment it explains'
    """
    ax = axes_or_new(ax, _SIZE)
    r2_treatment, r2_outcome, adjusted = bias.contours()
    look = {"colors": _GREY, "linestyles": "solid", "linewidths": 1.0, **style}
    lines = ax.contour(r2_treatment, r2_outcome, adjusted, **look)
    ax.clabel(lines, [level for level in lines.levels if level != 0], fontsize=9)
    if adjusted.min() < 0 < adjusted.max():
        zero: dict[str, Any] = {
            "levels": [0],
            "colors": _ENOUGH,
            "linestyles": "solid",
            "linewidths": 2.0,
        }
        found = ax.contour(r2_treatment, r2_outcome, adjusted, **zero)
        ax.clabel(found, fmt="0", fontsize=9)
    for benchmark in bias.benchmarks:
        at = (benchmark.r2_treatment, benchmark.r2_outcome)
        ax.plot(*at, "o", color=_COLOR, markersize=6.5)
        name = ax.annotate(
            benchmark.label, at, textcoords="offset points", xytext=(6, 5), fontsize=9
        )
        name.set_parse_math(False)
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_formatter(lambda share, _: f"{100 * share:g} %")
    ax.set_xlabel("share of the leftover treatment it explains")
    ax.set_ylabel("share of the leftover outcome it explains")
    ax.set_title("Effect if there were a hidden common cause")
    return tidied(ax, None)


def plot_odds_bounds(
    sensitivity: MarginalSensitivity,
    ax: Axes | None = None,
    *,
    level: float = 0.95,
    color: str = _COLOR,
    **style: Any,
) -> Axes:
    """Draw the bounds of an effect over Γ, with their interval, and where they reach zero.

    Parameters
    ----------
    sensitivity : MarginalSensitivity
        From :func:`causalkit.refutation.marginal_sensitivity`, for two Γ at least.
    ax : matplotlib.axes.Axes, optional
    level : float
        Of the interval.
    color : str
    **style
        Passed to `Axes.fill_between` for the band between the bounds.

    Returns
    -------
    matplotlib.axes.Axes
    """
    frame = sensitivity.to_frame(level).sort_index()
    if len(frame) < 2:
        raise InputError(
            "there are bounds for one Γ only; expected two or more to draw a line. Ask for "
            "marginal_sensitivity(effect, gamma=[1, 1.5, 2, 3])."
        )
    ax = axes_or_new(ax, _SIZE)
    gammas = frame.index.to_numpy()
    band: dict[str, Any] = {"color": color, "alpha": 0.35, "lw": 0, "label": "bounds", **style}
    outer: dict[str, Any] = {
        "color": color,
        "alpha": 0.15,
        "lw": 0,
        "label": f"{100 * level:g} % interval",
    }
    ax.fill_between(gammas, frame["from"], frame["to"], **outer)
    ax.fill_between(gammas, frame["lower"], frame["upper"], **band)
    ax.axhline(0.0, color=_GREY, lw=1.0)
    ends = (
        ("the interval", sensitivity.breakdown(level=level), ":"),
        ("the bounds", sensitivity.breakdown(), "--"),
    )
    for what, at, dashes in ends:
        if 1 < at <= gammas[-1]:
            label = f"0 enters {what} at Γ = {at:.3g}"
            ax.axvline(at, color=_ENOUGH, ls=dashes, lw=1.6, label=label)
    ax.set_xlim(float(np.min(gammas)), float(np.max(gammas)))
    ax.set_xlabel("Γ: how much a hidden cause may change the odds of treatment")
    ax.set_ylabel("effect")
    ax.legend(**_ABOVE)
    return tidied(ax)


def plot_pair_bounds(
    bounds: RosenbaumBounds,
    ax: Axes | None = None,
    *,
    alpha: float = 0.05,
    color: str = _COLOR,
    **style: Any,
) -> Axes:
    """Draw the largest p-value of matched pairs over the strength of hidden bias.

    Parameters
    ----------
    bounds : RosenbaumBounds
        From :func:`causalkit.refutation.rosenbaum_bounds`.
    ax : matplotlib.axes.Axes, optional
    alpha : float
        Level whose crossing is marked.
    color : str
    **style
        Passed to `Axes.plot` for the curve.

    Returns
    -------
    matplotlib.axes.Axes
    """
    ax = axes_or_new(ax, _SIZE)
    critical = bounds.critical_gamma(alpha)
    shown = [*bounds.gammas, 1.0, 2.0]
    if np.isfinite(critical):
        shown.append(1.2 * critical)
    gammas = np.geomspace(1.0, max(shown), 60)
    largest = [bounds.p_values(float(gamma))[1] for gamma in gammas]
    ax.plot(gammas, largest, **{"color": color, "lw": 1.8, **style})
    ax.axhline(alpha, color=_GREY, lw=1.0, ls=(0, (4, 3)), label=f"p = {alpha:g}")
    if 1 < critical <= gammas[-1]:
        label = f"reached at Γ = {critical:.3g}"
        ax.axvline(critical, color=_ENOUGH, ls="--", lw=1.6, label=label)
    ax.legend(**_ABOVE)
    ax.set_ylim(0.0, 1.02)
    ax.set_xlabel("Γ: how a hidden cause may raise the odds of one of a pair to be treated")
    ax.set_ylabel("largest p-value")
    return tidied(ax)
