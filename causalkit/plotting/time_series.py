"""Drawings of graphs of series: lagged graphs on a grid of steps, and summary graphs.

>>> from matplotlib.figure import Figure
>>> from causalkit.graph import LaggedGraph
>>> graph = LaggedGraph.parse("X[t-1] -> X[t]; X[t-2] -> Y[t]; Y[t-1] -> Y[t]")
>>> ax = plot_lagged_graph(graph, Figure().add_subplot())
>>> [text.get_text() for text in ax.texts]
['X', 'Y', 't', 't−1', 't−2']

Lines and marks mean what they mean in :mod:`causalkit.plotting.graph`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from causalkit._core.checks import as_names, check_count
from causalkit.errors import InputError, UnknownVariableError
from causalkit.graph import LaggedGraph, SummaryGraph
from causalkit.plotting._strengths import read_strengths
from causalkit.plotting.graph import as_style
from causalkit.typing import Names

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_lagged_graph", "plot_summary_graph"]


def plot_lagged_graph(
    graph: LaggedGraph,
    ax: Axes | None = None,
    *,
    window: int | None = None,
    strengths: Any = None,
    treatment: Any = None,
    outcome: Any = None,
    adjustment: Any = None,
    highlight: Any = None,
    **style: Any,
) -> Axes:
    """Draw a lagged graph: a row a series, a column a step, the present on the right.

    The edges into t are drawn in full; the same edges at earlier steps are pale.

    Parameters
    ----------
    graph : LaggedGraph
    ax : matplotlib.axes.Axes, optional
        Left out, a new figure in which the graph has its natural size.
    window : int, optional
        Steps before t to be drawn; the longest lag of the edges if left out.
    strengths : array of shape (n_lags, n_variables, n_variables), optional
        `[lag, cause, effect]`, as `strengths_` of an algorithm: colours and widens the edges.
    treatment, outcome, adjustment, highlight : node or nodes, optional
        Nodes to be coloured by their role, such as `"X[t-1]"`; `"X"` is X[t].
    **style
        Fields of :class:`GraphStyle`, e.g. `font_size=9`.

    Returns
    -------
    matplotlib.axes.Axes
        Its data units are points.

    Raises
    ------
    UnknownVariableError
        If a role names a series that the graph does not have.
    InputError
        If a style is named that there is not, strengths have another shape, or a node lies before
        the window.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from causalkit.graph import LaggedGraph
    >>> graph = LaggedGraph.parse("X[t-1] -> Y[t]; X[t] <-> Y[t]")
    >>> ax = graph.plot(Figure().add_subplot(), window=3, treatment="X[t-1]", outcome="Y")
    >>> len([patch for patch in ax.patches if patch.get_label() == "_node"])
    8
    """
    from causalkit.plotting._lagged_drawing import LaggedDrawing

    look = as_style(style)
    longest = _longest(graph)
    steps = longest if window is None else max(check_count(window, "window", minimum=0), longest)
    if strengths is not None:
        p = len(graph.variables)
        shape = (max(len(strengths), longest + 1), p, p) if np.ndim(strengths) == 3 else (0, p, p)
        strengths = read_strengths(strengths, shape, "[lag, cause, effect] with all lags drawn")
    roles = (
        (highlight, look.highlight_color),
        (adjustment, look.adjustment_color),
        (outcome, look.outcome_color),
        (treatment, look.treatment_color),
    )
    fills = {}
    for nodes, color in roles:
        for node in _listed(nodes):
            found = graph.node(node)
            if found.lag > steps:
                raise InputError(
                    f"{found} lies before the drawing, which begins at t-{steps}; expected a later "
                    f"node. Pass window={found.lag}."
                )
            fills[graph.index(found), found.lag] = color
    drawing = LaggedDrawing(graph, look, steps, strengths)
    ax = _axes(drawing.inches(), look.ground_color) if ax is None else ax
    drawing.draw(ax, fills)
    return ax


def plot_summary_graph(
    graph: SummaryGraph,
    ax: Axes | None = None,
    *,
    strengths: Any = None,
    treatment: Names | None = None,
    outcome: Names | None = None,
    adjustment: Names | None = None,
    highlight: Names | None = None,
    **style: Any,
) -> Axes:
    """Draw a summary graph: series as nodes, links with their lags, causes to the left.

    A series that drives itself says so in its box: `↻ 1, 2` are the lags. Where series drive each
    other, some links run from right to left.

    Parameters
    ----------
    graph : SummaryGraph
    ax : matplotlib.axes.Axes, optional
        Left out, a new figure in which the graph has its natural size.
    strengths : array of shape (p, p) or (n_lags, p, p), optional
        `[cause, effect]` or `[lag, cause, effect]`, as `scores_` and `strengths_` of an algorithm:
        colours and widens the links, by their strongest lag.
    treatment, outcome, adjustment, highlight : name or names, optional
        Series to be coloured by their role.
    **style
        Fields of :class:`GraphStyle`, e.g. `font_size=9`.

    Returns
    -------
    matplotlib.axes.Axes
        Its data units are points.

    Raises
    ------
    UnknownVariableError
        If a role names a series that the graph does not have.
    InputError
        If a style is named that there is not, or strengths have another shape.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from causalkit.graph import LaggedGraph
    >>> graph = LaggedGraph.parse("X[t-1] -> Y[t]; X[t-3] -> Y[t]; Y[t-1] -> Y[t]; Y[t-2] -> X[t]")
    >>> ax = graph.summary_graph().plot(Figure().add_subplot())
    >>> [text.get_text() for text in ax.texts]
    ['X', 'Y', '↻ 1', '1, 3', '2']
    """
    from causalkit.plotting._summary_drawing import SummaryDrawing

    look = as_style(style)
    p = len(graph.variables)
    if strengths is not None:
        longest = max((lag for link in graph.links for lag in link.lags), default=0)
        three = np.ndim(strengths) == 3
        shape = (max(len(strengths), longest + 1), p, p) if three else (p, p)
        strengths = read_strengths(strengths, shape, "[cause, effect], or one such for each lag")
    roles = (
        (highlight, look.highlight_color),
        (adjustment, look.adjustment_color),
        (outcome, look.outcome_color),
        (treatment, look.treatment_color),
    )
    fills = [look.node_color] * p
    for names, color in roles:
        for name in as_names(names):
            if name not in graph.variables:
                raise UnknownVariableError.among(name, graph.variables, where="the graph")
            fills[graph.variables.index(name)] = color
    drawing = SummaryDrawing(graph, look, strengths)
    ax = _axes(drawing.inches(), look.ground_color) if ax is None else ax
    drawing.draw(ax, fills)
    return ax


def _longest(graph: LaggedGraph) -> int:
    """Longest lag of an edge."""
    lags = np.flatnonzero(graph.adjacency.any(axis=(1, 2)))
    return int(lags.max(initial=0))


def _listed(nodes: Any) -> list[Any]:
    """One node or several, as a list."""
    if nodes is None:
        return []
    pair = isinstance(nodes, tuple) and len(nodes) == 2 and isinstance(nodes[1], (int, np.integer))
    if isinstance(nodes, (str, int)) or pair or not isinstance(nodes, Iterable):
        return [nodes]
    return list(nodes)


def _axes(inches: tuple[float, float], ground: str) -> Axes:
    """Axes that fill a new figure."""
    import matplotlib.pyplot as plt

    return plt.figure(figsize=inches, facecolor=ground).add_axes((0, 0, 1, 1))
