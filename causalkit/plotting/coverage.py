"""How often intervals cover the truth, on one twin of the data after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from causalkit.plotting._panels import axes_or_new

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["plot_coverage"]


def plot_coverage(
    coverage: pd.DataFrame, ax: Axes | None = None, *, level: float = 0.95, **style: Any
) -> Axes:
    """Draw the share of intervals that cover, one row a twin, and a line at what it should be.

    Parameters
    ----------
    coverage : DataFrame
        One row a twin, one or two columns of shares, of which the last has the dots; as
        :class:`causalkit.workflow.Certificate` has them.
    ax : matplotlib.axes.Axes, optional
    level : float
        Of the intervals.
    **style
        Passed to `Axes.plot` for the marks.

    Returns
    -------
    matplotlib.axes.Axes

    Examples
    --------
    >>> import pandas as pd
    >>> from matplotlib.figure import Figure
    >>> shares = pd.DataFrame({"graph as given": [0.6, 0.7], "interval()": [0.9, 1.0]})
    >>> plot_coverage(shares, Figure().add_subplot()).get_xlabel()
    'coverage of the 95 % interval'
    """
    ax = axes_or_new(ax)
    for words, mark in zip(coverage.columns[::-1], "o|", strict=False):
        points = coverage[words].to_numpy()
        ax.plot(points, range(len(coverage)), mark, **{"label": words, **style})
    ax.axvline(level, color="0.4", lw=0.8)
    ax.set_yticks(range(len(coverage)), [f"{number}" for number in coverage.index])
    ax.set_ylabel("twin")
    ax.set_xlabel(f"coverage of the {100 * level:g} % interval")
    ax.legend(fontsize=8)
    return ax
