"""Effects over time since treatment, and a treated unit beside its stand-in.

An event study is read from the left: before treatment the intervals should hold zero, afterwards
they show how the effect grows. The dashed line at −½ is when treatment starts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from causalkit._core.checks import check_fraction
from causalkit.errors import InputError
from causalkit.plotting._panels import axes_or_new, tidied

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from causalkit.estimation import EffectSet
    from causalkit.estimation.panel.synthetic_study import SyntheticStudy

__all__ = ["plot_event_study", "plot_synthetic"]

_EFFECT, _BEFORE = "#2b6ca3", "#8c98a4"
_SIZE = (6.4, 3.6)


def plot_event_study(
    effects: EffectSet,
    ax: Axes | None = None,
    *,
    level: float = 0.95,
    joint: bool = True,
    color: str = _EFFECT,
    **style: Any,
) -> Axes:
    """Draw effects with their intervals by time since the start of treatment.

    Parameters
    ----------
    effects : EffectSet
        Labelled by whole numbers, as `GroupTimeEffects(aggregation="event study")` gives them.
    ax : matplotlib.axes.Axes, optional
    level : float
        Coverage of the intervals, each on its own.
    joint : bool
        Whether thin lines beyond them show the band that covers all effects at once, where the
        effects have influences.
    color : str
        Of the effects from the start on; those before are grey.
    **style
        Passed to `Axes.plot` for the dots.

    Returns
    -------
    matplotlib.axes.Axes

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from causalkit.estimation import Effect, EffectSet
    >>> effects = [Effect(v, 0.5, 100, "DiD") for v in (0.1, 1.0, 2.0)]
    >>> study = EffectSet(tuple(effects), ("-1", "0", "1"), reading="contrasts")
    >>> plot_event_study(study, Figure().add_subplot()).get_xlabel()
    'periods since treatment started'
    """
    check_fraction(level, "level")
    times = _times(effects)
    ax = axes_or_new(ax, _SIZE)
    dots = {"marker": "o", "markersize": 6.0, "linestyle": "none", "zorder": 3, **style}
    shades = [color if time >= 0 else _BEFORE for time in times]
    if joint and all(effect.influence is not None for effect in effects):
        for time, shade, lower, upper in zip(times, shades, *effects.band(level), strict=True):
            ax.plot([time, time], [lower, upper], color=shade, linewidth=0.8, zorder=2)
    for time, shade, effect in zip(times, shades, effects, strict=True):
        lower, upper = effect.interval(level)
        ax.plot([time, time], [lower, upper], color=shade, linewidth=2.0, zorder=2)
        ax.plot([time], [effect.value], color=shade, **dots)
    ax.axhline(0.0, color=_BEFORE, linewidth=1.0, zorder=1)
    ax.axvline(-0.5, color=_BEFORE, linewidth=1.0, linestyle=(0, (4, 3)), zorder=1)
    ax.set_xticks(times)
    ax.set_xlabel("periods since treatment started")
    ax.set_ylabel(f"effect, {100 * level:g} % interval")
    return tidied(ax)


def plot_synthetic(
    study: SyntheticStudy, ax: Axes | None = None, *, color: str = _EFFECT, **style: Any
) -> Axes:
    """Draw the treated and their stand-in over time, with the start of treatment.

    Parameters
    ----------
    study : SyntheticStudy
        `weights_` of a fitted SyntheticControl or SyntheticDiD.
    ax : matplotlib.axes.Axes, optional
    color : str
        Of the treated.
    **style
        Passed to `Axes.plot` for both lines.

    Returns
    -------
    matplotlib.axes.Axes
    """
    ax = axes_or_new(ax, _SIZE)
    path = study.block.path
    numeric = all(isinstance(p, (int, float)) for p in study.periods)
    at = np.array(study.periods if numeric else range(len(study.periods)), dtype=np.float64)
    lines = {"linewidth": 2.0, **style}
    ax.plot(at, path, color=color, label="treated", **lines)
    stand_in = {"color": _BEFORE, "linestyle": (0, (4, 2)), "label": "stand-in", **lines}
    ax.plot(at, path - study.gap, **stand_in)
    start = study.block.n_before
    ax.axvline((at[start - 1] + at[start]) / 2, color=_BEFORE, linewidth=1.0, zorder=1)
    if not numeric:
        ax.set_xticks(at, labels=[str(p) for p in study.periods], rotation=45)
    ax.set_ylabel(study.outcome)
    ax.legend(frameon=False)
    return tidied(ax)


def _times(effects: Any) -> list[int]:
    try:
        return [int(label) for label in effects.labels]
    except (AttributeError, TypeError, ValueError):
        shown = getattr(effects, "labels", type(effects).__name__)
        raise InputError(
            f"plot_event_study got {shown}; expected an EffectSet labelled by whole numbers, the "
            'periods since treatment started. Use GroupTimeEffects(aggregation="event study").'
        ) from None
