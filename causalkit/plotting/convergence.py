"""Skill of cross maps by the size of the library."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from causalkit.errors import InputError, UnknownVariableError
from causalkit.plotting._panels import axes_or_new, tidied
from causalkit.typing import FloatArray, Name

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from causalkit.discovery.series.cross_mapping.convergence import CrossMapConvergence

__all__ = ["COLORS", "pair_numbers", "plot_convergence"]

COLORS: Final = (
    "#2b6ca3", "#d55e00", "#009e73", "#aa4499", "#b3861d", "#56b4e9", "#882255", "#5f6b76",
)  # fmt: skip
_PALE: Final = "#b9c2ca"
_MOST = 12
_LINE = 0.055


def plot_convergence(
    convergence: CrossMapConvergence,
    ax: Axes | None = None,
    *,
    pairs: Iterable[tuple[Name, Name]] | None = None,
    **style: Any,
) -> Axes:
    """Draw how the skill of cross maps grows with the library, a line for each pair.

    A pair is coloured if its skill and its growth are both beyond chance; others are pale and
    dashed. Bands hold nine tenths of the libraries. A short bar at the right is the skill that
    chance hardly exceeds.

    Parameters
    ----------
    convergence : CrossMapConvergence
        The `convergence_` of :class:`~causalkit.discovery.CCM`.
    ax : matplotlib.axes.Axes, optional
        Left out, a new figure.
    pairs : iterable of (cause, effect), optional
        Left out, the twelve with the highest skill.
    **style
        Passed to `Axes.plot`.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    InputError
        If a pair is none.
    UnknownVariableError
        If there is no such series.

    Examples
    --------
    >>> import numpy as np
    >>> from matplotlib.figure import Figure
    >>> from causalkit.discovery.series.cross_mapping.ccm import CCM
    >>> data = {"x": np.sin(np.arange(99.0) ** 1.1), "y": np.cos(np.arange(99.0) ** 1.1)}
    >>> ccm = CCM(2, n_surrogates=19, random_state=0).fit(data)
    >>> ax = ccm.convergence_.plot(Figure().add_subplot(), pairs=[("x", "y")])
    >>> ax.get_xlabel(), [text.get_text() for text in ax.texts]
    ('moments in the library', ['x → y'])
    """
    is_new = ax is None
    ax = axes_or_new(ax, (6.4, 3.8))
    shown = convergence.pairs()[:_MOST] if pairs is None else tuple(pairs)
    where = [pair_numbers(convergence.variables, pair) for pair in shown]
    sizes, colored = convergence.sizes, 0
    ends, colors = [], []
    for i, j in where:
        found = max(convergence.skill_p_values[i, j], convergence.gain_p_values[i, j])
        color, dashes = _PALE, "dashed"
        if found <= convergence.alpha:
            color, dashes = COLORS[colored % len(COLORS)], "solid"
            colored += 1
        band = convergence.lower[:, i, j], convergence.upper[:, i, j]
        ax.fill_between(sizes, *band, color=color, alpha=0.16, linewidth=0)
        look = {"linewidth": 1.8, "color": color, "linestyle": dashes, **style}
        ax.plot(sizes, convergence.skill[:, i, j], **look)
        ax.plot(sizes[-1:], convergence.threshold[i, j], color=color, marker="_", markersize=9)
        ends.append(float(convergence.skill[-1, i, j]))
        colors.append(color)
    _name_lines(ax, convergence, where, ends, colors)
    ax.plot(sizes[[0, -1]], [0.0, 0.0], color="#8c98a4", linewidth=0.8, zorder=1)
    ax.set_xlabel("moments in the library")
    ax.set_ylabel("skill of the cross map")
    if is_new:
        _explain(ax)
    tidied(ax, None)
    return ax


def _explain(ax: Axes) -> None:
    """Say above the axes what is pale, and what the short bars are."""
    from matplotlib.lines import Line2D

    dashed = Line2D([], [], color=_PALE, linestyle="dashed", linewidth=1.8)
    bar = Line2D([], [], color="#5f6b76", marker="_", markersize=9, linestyle="none")
    ax.legend(
        handles=[dashed, bar],
        labels=["not beyond chance", "chance hardly exceeds this skill"],
        loc="lower left",
        bbox_to_anchor=(0.0, 1.0),
        ncols=2,
        frameon=False,
        fontsize="small",
    )


def pair_numbers(names: tuple[Name, ...], pair: tuple[Name, Name]) -> tuple[int, int]:
    """Places of a cause and an effect among the series."""
    if not isinstance(pair, (tuple, list)) or len(pair) != 2 or pair[0] == pair[1]:
        raise InputError(
            f"{pair!r} is no pair of series; expected a cause and an effect, e.g. "
            f"pairs=[({names[0]!r}, {names[-1]!r})]."
        )
    for name in pair:
        if name not in names:
            raise UnknownVariableError.among(name, names, where="the series")
    return names.index(pair[0]), names.index(pair[1])


def _name_lines(
    ax: Axes,
    convergence: CrossMapConvergence,
    where: list[tuple[int, int]],
    ends: list[float],
    colors: list[str],
) -> None:
    """Write "cause → effect" beside the end of each line, spread so that all can be read."""
    if not ends:
        return
    low, high = ax.get_ylim()
    heights = _spread(np.array(ends), _LINE * (high - low))
    ax.set_ylim(min(low, heights.min() - 0.02), max(high, heights.max() + 0.02))
    across = convergence.sizes[-1] + 0.03 * (convergence.sizes[-1] - convergence.sizes[0])
    for (i, j), y, color in zip(where, heights, colors, strict=True):
        text = f"{convergence.variables[i]} → {convergence.variables[j]}"
        shown = "#5f6b76" if color == _PALE else color
        label = ax.text(float(across), float(y), text, color=shown, va="center", fontsize=9)
        label.set_parse_math(False)


def _spread(heights: FloatArray, least: float) -> FloatArray:
    """Heights nearest to these that keep their distance: an isotonic regression."""
    from scipy.optimize import isotonic_regression

    order = np.argsort(heights, kind="stable")
    steps = least * np.arange(len(heights))
    spread = np.empty_like(heights)
    spread[order] = isotonic_regression(heights[order] - steps).x + steps
    return spread
