"""What hidden causes would do to an effect, drawn over how strong they are.

Three pictures, one for each way to say "how strong": shares of what is left over of treatment and
outcome (contours), a factor on the odds of treatment (a widening band), a factor on the odds within
matched pairs (p-values).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from causalkit.errors import InputError
from causalkit.plotting._panels import axes_or_new

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from causalkit.refutation.matched_pairs import RosenbaumBounds
    from causalkit.refutation.odds_bounds import MarginalSensitivity

__all__ = ["plot_odds_bounds", "plot_pair_bounds"]


def plot_odds_bounds(
    sensitivity: MarginalSensitivity,
    ax: Axes | None = None,
    *,
    level: float = 0.95,
    color: str = "#2b6ca3",
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
    ax = axes_or_new(ax)
    gammas = frame.index.to_numpy()
    band: dict[str, Any] = {"color": color, "alpha": 0.35, "lw": 0, "label": "bounds", **style}
    outer: dict[str, Any] = {
        "color": color,
        "alpha": 0.15,
        "lw": 0,
        "label": f"{level:.0%} interval",
    }
    ax.fill_between(gammas, frame["from"], frame["to"], **outer)
    ax.fill_between(gammas, frame["lower"], frame["upper"], **band)
    ax.axhline(0.0, color="0.4", lw=0.8)
    for at, dashes in ((sensitivity.breakdown(), "--"), (sensitivity.breakdown(level=level), ":")):
        if 1 < at <= gammas[-1]:
            ax.axvline(at, color="tab:red", ls=dashes, lw=1)
            ax.annotate(
                f"{at:.3g}",
                (at, ax.get_ylim()[0]),
                textcoords="offset points",
                xytext=(3, 4),
                fontsize=8,
                color="tab:red",
            )
    ax.set_xlim(float(np.min(gammas)), float(np.max(gammas)))
    ax.set_xlabel("Γ: how much a hidden cause may change the odds of treatment")
    ax.set_ylabel("effect")
    ax.legend(fontsize=8)
    return ax


def plot_pair_bounds(
    bounds: RosenbaumBounds,
    ax: Axes | None = None,
    *,
    alpha: float = 0.05,
    color: str = "#2b6ca3",
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
    ax = axes_or_new(ax)
    critical = bounds.critical_gamma(alpha)
    shown = [*bounds.gammas, 1.0, 2.0]
    if np.isfinite(critical):
        shown.append(1.2 * critical)
    gammas = np.geomspace(1.0, max(shown), 60)
    largest = [bounds.p_values(float(gamma))[1] for gamma in gammas]
    ax.plot(gammas, largest, **{"color": color, **style})
    ax.axhline(alpha, color="0.4", lw=0.8)
    if 1 < critical <= gammas[-1]:
        ax.axvline(critical, color="tab:red", ls="--", lw=1)
        ax.annotate(
            f"{critical:.3g}",
            (critical, alpha),
            textcoords="offset points",
            xytext=(3, 4),
            fontsize=8,
            color="tab:red",
        )
    ax.set_xlabel("Γ: how much likelier a hidden cause may make one of a pair the treated one")
    ax.set_ylabel("largest p-value")
    return ax
