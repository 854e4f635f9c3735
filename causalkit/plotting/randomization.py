"""The statistic of an experiment among those of all assignments that could have been made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from causalkit.plotting._panels import axes_or_new, tidied
from causalkit.typing import FloatArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["HasDraws", "plot_randomization"]


class HasDraws(Protocol):
    """A statistic and its distribution."""

    @property
    def statistic(self) -> float:
        """What was seen."""

    @property
    def draws(self) -> FloatArray:
        """What could have been seen."""

    @property
    def p_value(self) -> float:
        """Share that is as extreme."""


def plot_randomization(
    test: HasDraws, ax: Axes | None = None, *, color: str = "#2b6ca3", **style: Any
) -> Axes:
    """Draw a histogram of the statistic under the null, with a line where it was seen.

    Parameters
    ----------
    test : RandomizationTest
    ax : matplotlib.axes.Axes, optional
        Left out, a new figure.
    color : str
    **style
        Passed to `Axes.hist`, e.g. `bins=50`.

    Returns
    -------
    matplotlib.axes.Axes

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from causalkit.estimation.randomization import randomization_test
    >>> test = randomization_test([3.0, 4, 5, 1, 2, 0], [1, 1, 1, 0, 0, 0])
    >>> plot_randomization(test, Figure().add_subplot()).get_ylabel()
    'assignments'
    """
    ax = axes_or_new(ax, (6.4, 3.2))
    ax.hist(test.draws, color=color, **{"bins": 40, "alpha": 0.6, **style})
    ax.axvline(test.statistic, color="#b3432b", linewidth=1.8)
    tidied(ax, None)
    ax.set_xlabel(f"statistic under the null; seen: line (p = {test.p_value:.3g})")
    ax.set_ylabel("assignments")
    return ax
