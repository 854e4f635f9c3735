"""What challenges made of an effect: the estimates of each check, beside the one that stands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from causalkit.plotting._panels import axes_or_new

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from causalkit.refutation import Challenges

__all__ = ["plot_challenges"]


def plot_challenges(challenges: Challenges, ax: Axes | None = None, **style: Any) -> Axes:
    """Draw the estimates under challenge, one row a check, over the interval of the estimate.

    Parameters
    ----------
    challenges : Challenges
        From :func:`causalkit.refutation.refute`; checks without estimates have no row.
    ax : matplotlib.axes.Axes, optional
    **style
        Passed to `Axes.plot` for the marks of the estimates.

    Returns
    -------
    matplotlib.axes.Axes
    """
    ax = axes_or_new(ax)
    drawn = [(c.name, c.draws) for c in challenges if c.draws is not None]
    for k, (_, draws) in enumerate(drawn):
        ax.plot(draws, [k] * len(draws), "|", **{"color": "tab:blue", "ms": 12, **style})
    lower, upper = challenges.effect.interval()
    ax.axvspan(lower, upper, color="0.85", zorder=0, label="95 % interval of the estimate")
    ax.axvline(0, color="0.4", lw=0.8)
    ax.set_yticks(range(len(drawn)), [name for name, _ in drawn])
    ax.invert_yaxis()
    ax.set_xlabel("effect under challenge")
    ax.legend(fontsize=8)
    return ax
