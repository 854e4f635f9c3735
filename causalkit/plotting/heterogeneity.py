"""Effects that differ: sorted, by group, against a column, by rank, and as a tree of decisions.

Bands that hold for all of a picture at once are drawn where the reader looks for the highest and
the lowest point (groups, the curve of ranks); intervals of single rows are pointwise, and paler.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from causalkit._core.report import format_value
from causalkit.plotting._panels import axes_or_new, name_bands, tidied

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from causalkit.estimation.heterogeneity.conditional_effects import ConditionalEffects
    from causalkit.estimation.heterogeneity.decision_tree import DecisionTree
    from causalkit.estimation.heterogeneity.rank_weighted import RankWeightedEffect
    from causalkit.estimation.heterogeneity.sorted_groups import GroupEffects

__all__ = [
    "plot_effect_dependence",
    "plot_group_effects",
    "plot_policy_tree",
    "plot_rank_curve",
    "plot_sorted_effects",
]

_COLOR: Final = "#2b6ca3"
_GREY: Final = "#8c98a4"
_SIZE: Final = (6.4, 4.0)
_BINS: Final = 10
_FEW_VALUES: Final = 10
_ACTIONS: Final = ("#dfe4e9", "#bcd7ee", "#f3d6b8", "#cfe5c8", "#e4cfe6")


def plot_sorted_effects(
    effects: ConditionalEffects,
    ax: Axes | None = None,
    *,
    level: float = 0.95,
    color: str = _COLOR,
    **style: Any,
) -> Axes:
    """Draw conditional effects from the smallest to the largest, with pointwise intervals.

    Parameters
    ----------
    effects : ConditionalEffects
    ax : matplotlib.axes.Axes, optional
    level : float
    color : str
    **style
        Passed to `Axes.plot` for the line of effects.

    Returns
    -------
    matplotlib.axes.Axes

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from causalkit.estimation.heterogeneity.conditional_effects import ConditionalEffects
    >>> found = ConditionalEffects(np.array([2.0, 1.0]), None, np.zeros((2, 1)), ("age",))
    >>> ax = plot_sorted_effects(found, Figure().add_subplot())
    >>> ax.lines[-1].get_ydata().tolist()
    [1.0, 2.0]
    """
    ax = axes_or_new(ax, _SIZE)
    order = np.argsort(effects.values, kind="stable")
    share = (np.arange(len(order)) + 0.5) / len(order)
    _zero(ax)
    if effects.std_errors is not None:
        lower, upper = effects.interval(level)[order].T
        ax.fill_between(share, lower, upper, color=color, alpha=0.18, linewidth=0)
    ax.plot(share, effects.values[order], color=color, **{"linewidth": 1.8, **style})
    ax.set_xlabel("share of rows with a smaller effect")
    ax.set_ylabel(_effect_label(effects.std_errors is not None, level, "pointwise"))
    return tidied(ax)


def plot_effect_dependence(
    effects: ConditionalEffects,
    by: str,
    ax: Axes | None = None,
    *,
    color: str = _COLOR,
    **style: Any,
) -> Axes:
    """Draw conditional effects against one modifier, and their mean along it.

    Parameters
    ----------
    effects : ConditionalEffects
    by : str
        A modifier, as in `effects.names`.
    ax : matplotlib.axes.Axes, optional
    color : str
    **style
        Passed to `Axes.scatter` for the rows.

    Returns
    -------
    matplotlib.axes.Axes

    Notes
    -----
    How the effects differ along a column, other columns differing as they do in these rows: not
    what changing the column would do.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from causalkit.estimation.heterogeneity.conditional_effects import ConditionalEffects
    >>> age = np.arange(20.0)
    >>> found = ConditionalEffects(2 * age, None, age[:, None], ("age",))
    >>> ax = plot_effect_dependence(found, "age", Figure().add_subplot())
    >>> ax.get_xlabel()
    'age'
    """
    x, y = effects.column(by), effects.values
    ax = axes_or_new(ax, _SIZE)
    _zero(ax)
    ax.scatter(x, y, **{"s": 9, "color": _GREY, "alpha": 0.35, "linewidths": 0, **style})
    values = np.unique(x)
    if len(values) > _FEW_VALUES:
        edges = np.unique(np.quantile(x, np.linspace(0, 1, _BINS + 1)))
        part = np.clip(np.searchsorted(edges, x, side="right") - 1, 0, len(edges) - 2)
    else:
        part = np.searchsorted(values, x)
    there = np.unique(part)
    middles = [x[part == k].mean() for k in there]
    means = [y[part == k].mean() for k in there]
    ax.plot(middles, means, color=color, marker="o", markersize=5, linewidth=1.8)
    ax.set_xlabel(by, parse_math=False)
    ax.set_ylabel("effect")
    return tidied(ax)


def plot_group_effects(
    effects: GroupEffects,
    ax: Axes | None = None,
    *,
    level: float = 0.95,
    color: str = _COLOR,
    **style: Any,
) -> Axes:
    """Draw the effect in each group: thick its own interval, thin the band for all at once.

    Parameters
    ----------
    effects : GroupEffects
    ax : matplotlib.axes.Axes, optional
    level : float
    color : str
    **style
        Passed to `Axes.plot` for the dots.

    Returns
    -------
    matplotlib.axes.Axes

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from causalkit.estimation.heterogeneity.sorted_groups import GroupEffects
    >>> found = GroupEffects(("a", "b"), np.array([1.0, 2.0]), np.eye(2), (10, 10))
    >>> ax = plot_group_effects(found, Figure().add_subplot())
    >>> [label.get_text() for label in ax.get_xticklabels()]
    ['a', 'b']
    """
    ax = axes_or_new(ax, _SIZE)
    _zero(ax)
    places = np.arange(len(effects))
    for joint, width in ((True, 1.2), (False, 3.2)):
        lower, upper = effects.interval(level, joint=joint).T
        ax.vlines(places, lower, upper, color=color, linewidth=width)
    dots = {"marker": "o", "markersize": 6.5, "linestyle": "none", "zorder": 3, **style}
    ax.plot(places, effects.values, color=color, **dots)
    ax.set_xticks(places, labels=list(effects.labels))
    ax.set_xlim(-0.5, len(effects) - 0.5)
    ax.set_xlabel("group, by predicted effect" if effects.sorted else "group")
    ax.set_ylabel(_effect_label(True, level, "thin: all at once"))
    return tidied(ax)


def plot_rank_curve(
    effect: RankWeightedEffect,
    ax: Axes | None = None,
    *,
    level: float = 0.95,
    color: str = _COLOR,
    **style: Any,
) -> Axes:
    """Draw what the rows that rank first gain beyond the average, by the share treated.

    Parameters
    ----------
    effect : RankWeightedEffect
    ax : matplotlib.axes.Axes, optional
    level : float
    color : str
    **style
        Passed to `Axes.plot` for the curve.

    Returns
    -------
    matplotlib.axes.Axes

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from causalkit.estimation.heterogeneity.rank_weighted import rank_weighted_effect
    >>> found = rank_weighted_effect(np.arange(50.0), np.arange(50.0))
    >>> ax = plot_rank_curve(found, Figure().add_subplot())
    >>> bool(ax.lines[-1].get_ydata()[-1] == 0)
    True
    """
    is_new = ax is None
    ax = axes_or_new(ax, _SIZE)
    _zero(ax)
    if is_new:
        name_bands(ax, color, level, "all shares at once")
    for joint, opacity in ((True, 0.13), (False, 0.2)):
        lower, upper = effect.curve(level, joint=joint).T
        ax.fill_between(effect.shares, lower, upper, color=color, alpha=opacity, linewidth=0)
    toc = np.where(effect.shares == 1.0, 0.0, effect.toc)
    ax.plot(effect.shares, toc, color=color, **{"linewidth": 1.8, **style})
    ax.set_xlim(0.0, 1.0)
    ax.set_xlabel("share treated, highest priority first")
    band = "" if is_new else f", {100 * level:g} % band"
    ax.set_ylabel(f"gain beyond the average{band}")
    return tidied(ax)


def plot_policy_tree(tree: DecisionTree, ax: Axes | None = None, **style: Any) -> Axes:
    """Draw a tree of decisions: what each node asks, and what each leaf gives.

    Parameters
    ----------
    tree : DecisionTree
    ax : matplotlib.axes.Axes, optional
    **style
        Passed to `Axes.text`.

    Returns
    -------
    matplotlib.axes.Axes

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from causalkit.estimation.heterogeneity.policy_tree import PolicyTree
    >>> age = np.arange(100.0)
    >>> tree = PolicyTree(max_depth=1).fit({"age": age}, age - 49.5).tree_
    >>> ax = plot_policy_tree(tree, Figure().add_subplot())
    >>> ax.texts[2].get_text().startswith("age")
    True
    """
    ax = axes_or_new(ax, _SIZE)
    places: dict[int, tuple[float, float]] = {}
    _placed(tree, 0, 0, places, iter(range(tree.n_leaves)))
    for node, (x, y) in places.items():
        leaf = tree.column[node] < 0
        if not leaf:
            for child, answer in ((tree.left[node], "yes"), (tree.right[node], "no")):
                cx, cy = places[child]
                ax.plot([x, cx], [y, cy], color=_GREY, linewidth=1.0, zorder=1)
                ax.text(
                    (x + cx) / 2,
                    (y + cy) / 2,
                    answer,
                    ha="center",
                    va="center",
                    fontsize=9,
                    color="#5f6b76",
                    backgroundcolor="white",
                    zorder=2,
                )
    for node, (x, y) in places.items():
        leaf = tree.column[node] < 0
        first = f"give {tree.levels[tree.action[node]]}" if leaf else tree.question(node)
        fill = _ACTIONS[tree.action[node] % len(_ACTIONS)] if leaf else "white"
        box = {"boxstyle": "round,pad=0.45", "facecolor": fill, "edgecolor": _GREY}
        text = f"{first}\n{format_value(tree.n_rows[node])} rows"
        options = {"ha": "center", "va": "center", "fontsize": 9, "bbox": box, "zorder": 3, **style}
        ax.text(x, y, text, parse_math=False, **options)
    depths = [y for _, y in places.values()]
    ax.set_xlim(-0.6, tree.n_leaves - 0.4)
    ax.set_ylim(min(depths) - 0.4, 0.4)
    ax.set_axis_off()
    return ax


def _placed(
    tree: DecisionTree,
    node: int,
    depth: int,
    places: dict[int, tuple[float, float]],
    leaves: Any,
) -> float:
    """Leaves side by side, each inner node above the middle of its own; parents come first."""
    places[node] = (0.0, -float(depth))
    if tree.column[node] < 0:
        x = float(next(leaves))
    else:
        ends = [
            _placed(tree, child, depth + 1, places, leaves)
            for child in (tree.left[node], tree.right[node])
        ]
        x = sum(ends) / 2
    places[node] = (x, -float(depth))
    return x


def _zero(ax: Axes) -> None:
    ax.axhline(0.0, color=_GREY, linewidth=1.0, linestyle=(0, (4, 3)), zorder=1)


def _effect_label(intervals: bool, level: float, kind: str) -> str:
    return f"effect, {100 * level:g} % interval ({kind})" if intervals else "effect"
