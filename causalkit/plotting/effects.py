"""Effects side by side, each with its interval.

Anything can be drawn that has a `value` and an `interval(level)` of two ends; a mapping says what
each is called.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, runtime_checkable

from causalkit._core.checks import check_fraction
from causalkit.errors import InputError
from causalkit.plotting._panels import axes_or_new, tidied

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["HasInterval", "plot_effects"]


@runtime_checkable
class HasInterval(Protocol):
    """An estimate with an interval."""

    @property
    def value(self) -> float:
        """The estimate."""

    def interval(self, level: float = 0.95) -> Iterable[float]:
        """Lower and upper end."""


Effects: TypeAlias = HasInterval | Iterable[HasInterval] | Mapping[str, HasInterval]


def plot_effects(
    effects: Effects,
    ax: Axes | None = None,
    *,
    level: float = 0.95,
    labels: Iterable[str] | None = None,
    null: float | None = 0.0,
    color: str = "#2b6ca3",
    **style: Any,
) -> Axes:
    """Draw estimates as dots on their intervals, the first on top.

    Parameters
    ----------
    effects : one effect, several, or a mapping from labels to effects
        Each with `.value` and `.interval(level)`.
    ax : matplotlib.axes.Axes, optional
        Left out, a new figure with a height that fits.
    level : float
        Coverage of the intervals.
    labels : iterable of str, optional
        Left out, the mapping's keys, the collection's own `labels`, else what the effect says of
        itself (`label`, `method`).
    null : float or None
        Where the dashed line stands.
    color : str
    **style
        Passed to `Axes.plot` for the dots, e.g. `marker="s"`.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    InputError
        If there is nothing to draw, or the labels are not as many as the effects.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> from matplotlib.figure import Figure
    >>> from causalkit.plotting import plot_effects
    >>> @dataclass
    ... class Guess:
    ...     value: float
    ...     def interval(self, level=0.95):
    ...         return self.value - 1, self.value + 1
    >>> ax = plot_effects({"naive": Guess(3.0), "adjusted": Guess(1.2)}, Figure().add_subplot())
    >>> [text.get_text() for text in ax.get_yticklabels()]
    ['naive', 'adjusted']
    """
    check_fraction(level, "level")
    found, names = _listed(effects, labels)
    ax = axes_or_new(ax, (6.4, 0.9 + 0.42 * len(found)))
    if null is not None:
        ax.axvline(null, color="#8c98a4", linewidth=1.0, linestyle=(0, (4, 3)), zorder=1)
    heights = range(len(found))
    dots = {"marker": "o", "markersize": 6.5, "zorder": 3, **style}
    for y, effect in zip(heights, found, strict=True):
        lower, upper = (float(end) for end in effect.interval(level))
        ax.plot([lower, upper], [y, y], color=color, linewidth=2.0, solid_capstyle="butt", zorder=2)
        ax.plot([float(effect.value)], [y], color=color, linestyle="none", **dots)
    ax.set_yticks(list(heights), labels=names)
    ax.set_ylim(len(found) - 0.4, -0.6)
    ax.tick_params(axis="y", length=0)
    tidied(ax, "x")
    ax.set_xlabel(f"effect, {100 * level:g} % interval")
    return ax


def _listed(effects: Effects, labels: Iterable[str] | None) -> tuple[list[HasInterval], list[str]]:
    """Effects and what they are called."""
    own = getattr(effects, "labels", None)
    if isinstance(effects, Mapping):
        found, own = list(effects.values()), list(effects)
    elif isinstance(effects, Iterable):
        found = list(effects)
    else:
        found = [effects]
    strange = [effect for effect in found if not isinstance(effect, HasInterval)]
    if strange or not found:
        shown = type(strange[0]).__name__ if strange else "nothing"
        raise InputError(
            f"plot_effects got {shown}; expected one or more effects with a value and an "
            "interval(level), as estimate() returns them."
        )
    wanted = labels if labels is not None else own if own is not None else map(_label, found)
    names = [str(name) for name in wanted]
    if len(names) != len(found):
        raise InputError(
            f"{len(names)} label(s) for {len(found)} effect(s); expected one label an effect."
        )
    return found, names


def _label(effect: HasInterval) -> str:
    return str(getattr(effect, "label", None) or getattr(effect, "method", None) or "effect")
