"""The p-value of each effect, and the set of those that are not rejected."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import ArrayLike

from causalkit._core.checks import check_count
from causalkit.plotting._panels import axes_or_new, tidied
from causalkit.typing import FloatArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["HasPValues", "plot_confidence_set"]


class HasPValues(Protocol):
    """Effects that a test does not reject."""

    @property
    def estimate(self) -> float:
        """The effect it belongs to."""

    @property
    def level(self) -> float:
        """Of the set."""

    @property
    def intervals(self) -> Iterable[Iterable[float]]:
        """Its pieces, with lower and upper end."""

    def p_values(self, effects: ArrayLike) -> FloatArray:
        """P-values of effects."""


def plot_confidence_set(
    found: HasPValues,
    ax: Axes | None = None,
    *,
    limits: tuple[float, float] | None = None,
    points: int = 401,
    color: str = "#2b6ca3",
    **style: Any,
) -> Axes:
    """Draw the p-value over effects; the set is the shaded part above the dashed line.

    Parameters
    ----------
    found : ConfidenceSet
    ax : matplotlib.axes.Axes, optional
        Left out, a new figure.
    limits : (lower, upper), optional
        Effects to show; left out, the finite ends of the set with room around them.
    points : int
    color : str
    **style
        Passed to `Axes.plot` for the curve.

    Returns
    -------
    matplotlib.axes.Axes

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from causalkit.estimation.instruments.linear import TwoStageLeastSquares
    >>> from causalkit.estimation.instruments.weak_instruments import weak_instrument_set
    >>> z, t, y = np.random.default_rng(0).normal(size=(3, 200))
    >>> effect = TwoStageLeastSquares().fit(None, y + t + z, t=t + z, z=z).effect_
    >>> ax = plot_confidence_set(weak_instrument_set(effect), Figure().add_subplot())
    >>> ax.get_ylabel()
    'p-value (dashed: 0.05)'
    """
    check_count(points, "points", minimum=2)
    ax = axes_or_new(ax, (6.4, 3.8))
    pieces = [tuple(map(float, piece)) for piece in found.intervals]
    lower, upper = _limits(found.estimate, pieces) if limits is None else limits
    effects = np.linspace(lower, upper, points)
    p_values = found.p_values(effects)
    ax.plot(effects, p_values, **{"color": color, "linewidth": 1.6, **style})
    alpha = 1 - found.level
    inside = p_values >= alpha
    ax.fill_between(effects, 0, p_values, where=inside, color=color, alpha=0.2, linewidth=0)
    ax.axhline(alpha, color="#8c98a4", linewidth=1.0, linestyle=(0, (4, 3)))
    ax.axvline(found.estimate, color=color, linewidth=0.8)
    ax.set_xlim(lower, upper)
    ax.set_ylim(0, 1.02)
    ax.set_xlabel("effect")
    ax.set_ylabel(f"p-value (dashed: {alpha:.2g})")
    tidied(ax, None)
    return ax


def _limits(estimate: float, pieces: list[tuple[float, ...]]) -> tuple[float, float]:
    """Finite ends of the set and the estimate, with room around them."""
    ends = [end for piece in pieces for end in piece if np.isfinite(end)] + [estimate]
    room = 0.4 * (max(ends) - min(ends)) or max(abs(estimate), 1.0)
    return min(ends) - room, max(ends) + room
