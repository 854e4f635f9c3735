"""All effects at once: a square for each pair of variables.

Blue squares are positive effects, red ones negative, pale ones near zero: two hues that the common
kinds of colour blindness keep apart. Effects of variables with different units can only be compared
in standard deviations, so these are drawn unless told otherwise. What has no number has no colour:
no causal path is blank, not identified is hatched, and a range is cut in two, with its smallest
effect below and its largest above the diagonal of the square.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from causalkit._core.checks import check_fraction, check_positive
from causalkit.plotting._panels import axes_or_new
from causalkit.plotting._strengths import StrengthScale
from causalkit.typing import BoolArray, FloatArray, Name

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.collections import Collection

__all__ = ["HasEffects", "plot_effects_matrix"]

_LINE: Final = "#e6eaee"
_DARK: Final = "#8c98a4"
_ITSELF: Final = "#eef1f4"
_LONGEST: Final = 24
_FEW: Final = 8
_SMALLEST_LETTERS: Final = 4.0


class HasEffects(Protocol):
    """Effects of treatments (rows) on outcomes (columns)."""

    @property
    def treatments(self) -> tuple[Name, ...]:
        """Names of the rows."""

    @property
    def outcomes(self) -> tuple[Name, ...]:
        """Names of the columns."""

    @property
    def smallest(self) -> FloatArray:
        """Smallest possible effects; NaN if not identified."""

    @property
    def largest(self) -> FloatArray:
        """Largest possible effects; equal to the smallest where there is one answer."""

    @property
    def adjusted(self) -> FloatArray:
        """Corrected p-values, NaN where there is none."""

    @property
    def status(self) -> NDArray[np.object_]:
        """Kinds of the cells."""

    @property
    def ratios(self) -> FloatArray:
        """Standard deviation of the treatment by that of the outcome."""


def plot_effects_matrix(
    effects: HasEffects,
    ax: Axes | None = None,
    *,
    alpha: float = 0.05,
    standardized: bool = True,
    limit: float | None = None,
    **style: Any,
) -> Axes:
    """Draw a heat map of effects, treatments downwards, outcomes to the right.

    A dot marks effects whose corrected p-value is at most `alpha`.

    Parameters
    ----------
    effects : EffectsMatrix
    ax : matplotlib.axes.Axes, optional
        Left out, a new figure in which names can be read.
    alpha : float, default 0.05
    standardized : bool, default True
        Effects in standard deviations of the outcome for one of the treatment; else in the units of
        the data.
    limit : float, optional
        Effect with the darkest colour, beyond which all look alike. Left out, the largest drawn.
    **style
        Passed to `Axes.pcolormesh`.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    InputError
        If `alpha` is no number between 0 and 1, or `limit` is not above 0.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from causalkit.workflow.pairs.pairwise_effects import effects_matrix
    >>> effects = effects_matrix("A -> B", [[1.0, 0.5], [0.5, 1.0]], n_obs=100)
    >>> ax = plot_effects_matrix(effects, Figure().add_subplot())
    >>> ax.get_ylabel(), ax.get_xlabel()
    ('effect of', 'on')
    """
    from matplotlib.colors import ListedColormap

    check_fraction(alpha, "alpha")
    ax = axes_or_new(ax, _figure_size(effects.treatments, effects.outcomes))
    ratios = effects.ratios if standardized else 1.0
    low, high = effects.smallest * ratios, effects.largest * ratios
    drawn = np.isin(effects.status, ("estimated", "possible range"))
    top = StrengthScale.over(np.where(drawn, np.fmax(np.abs(low), np.abs(high)), np.nan)).limit
    top = top if limit is None else check_positive(limit, "limit")
    shade = StrengthScale(top, signed=True).scale().shade
    colors = ListedColormap([shade(k / 255) for k in range(256)])
    look: dict[str, Any] = {"cmap": colors, "vmin": -top, "vmax": top}
    look |= {"edgecolor": _LINE, "linewidth": 0.4, **style}
    squares = np.where(effects.status == "estimated", low, np.nan)
    image = ax.pcolormesh(np.ma.masked_invalid(squares), **look)
    found = _draw_others(ax, effects.status, low, high, image)
    found += _draw_dots(ax, (effects.status == "estimated") & (effects.adjusted <= alpha), alpha)
    _name(ax, effects.treatments, effects.outcomes)
    if found:
        ax.legend(
            handles=found,
            loc="lower left",
            bbox_to_anchor=(0.0, 1.0),
            ncols=1 if len(effects.outcomes) < _FEW else 2,
            frameon=False,
            fontsize="small",
        )
    if not drawn.any():
        return ax
    bar = ax.figure.colorbar(image, ax=ax, shrink=min(1.0, 12 / len(effects.treatments)), aspect=18)
    bar.outline.set_visible(False)
    bar.set_label("effect, in standard deviations" if standardized else "effect")
    return ax


def _figure_size(treatments: tuple[Name, ...], outcomes: tuple[Name, ...]) -> tuple[float, float]:
    """Inches for squares, names, legend and scale."""
    cell = float(np.clip(9.0 / max(len(treatments), len(outcomes)), 0.12, 0.6))
    beside, below = (
        0.09 * max(len(_short(name)) for name in names) for names in (treatments, outcomes)
    )
    return max(2.0 + beside + cell * len(outcomes), 4.6), 1.7 + below + cell * len(treatments)


def _draw_dots(ax: Axes, where: BoolArray, alpha: float) -> list[Artist]:
    """Mark cells; return what the legend shows."""
    if not where.any():
        return []
    rows, columns = np.nonzero(where)
    look: dict[str, Any] = {"color": "#1b1f24", "markeredgecolor": "white", "markeredgewidth": 0.4}
    size = max(0.18 * _cell_points(ax, *where.shape), 1.5)
    label = f"corrected p ≤ {alpha:g}"
    return list(
        ax.plot(columns + 0.5, rows + 0.5, "o", markersize=size, label=label, **look),
    )


def _draw_others(
    ax: Axes, status: NDArray[np.object_], low: FloatArray, high: FloatArray, image: Collection
) -> list[Artist]:
    """Draw ranges as two triangles, hatch what is not identified; return what the legend shows."""
    from matplotlib.collections import PatchCollection, PolyCollection
    from matplotlib.patches import Patch, Rectangle

    found: list[Artist] = []
    for kind, facecolor, hatch in (("", _ITSELF, None), ("not identified", "none", "//////")):
        where = np.argwhere(status == kind).tolist()
        if where:
            boxes = [Rectangle((j, i), 1, 1) for i, j in where]
            look: dict[str, Any] = {"facecolor": facecolor, "edgecolor": _DARK if hatch else _LINE}
            ax.add_collection(PatchCollection(boxes, hatch=hatch, linewidth=0, **look))
            if kind:
                found.append(Patch(hatch=hatch, linewidth=0, label=kind, **look))
    ranges = np.argwhere(status == "possible range")
    if len(ranges):
        corners = ranges[:, None, ::-1]
        lower, upper = np.array([[0, 0], [0, 1], [1, 1]]), np.array([[0, 0], [1, 0], [1, 1]])
        for shape, values in ((lower, low), (upper, high)):
            fill = image.to_rgba(values[tuple(ranges.T)])
            ax.add_collection(
                PolyCollection(corners + shape, facecolors=fill, edgecolors="white", linewidths=0.5)
            )
        label = "possible range: smallest ◣ largest ◥"
        found.append(Patch(facecolor="none", edgecolor="none", label=label))
    if (status == "no path").any():
        blank = Patch(facecolor="white", edgecolor=_LINE, label="no causal path")
        found.append(blank)
    return found


def _name(ax: Axes, treatments: tuple[Name, ...], outcomes: tuple[Name, ...]) -> None:
    """Names beside rows and columns; of every second or third where they would overlap."""
    points = _cell_points(ax, len(treatments), len(outcomes))
    size = float(np.clip(0.8 * points, _SMALLEST_LETTERS, 10.0))
    step = max(1, int(np.ceil(size / (0.95 * points))))
    for names, axis in ((outcomes, ax.xaxis), (treatments, ax.yaxis)):
        shown = range(0, len(names), step)
        axis.set_ticks([k + 0.5 for k in shown], labels=[_short(names[k]) for k in shown])
        for text in axis.get_ticklabels():
            text.set_parse_math(False)
            text.set_fontsize(size)
    ax.tick_params(length=0)
    ax.tick_params(axis="x", labelrotation=90)
    ax.set_xlim(0, len(outcomes))
    ax.set_ylim(len(treatments), 0)
    ax.set_aspect("equal")
    ax.spines[:].set_color(_LINE)
    ax.set_ylabel("effect of")
    ax.set_xlabel("on")


def _cell_points(ax: Axes, n_rows: int, n_columns: int) -> float:
    """Side of a square, in points."""
    box = ax.get_window_extent()
    inches = min(box.width / n_columns, box.height / n_rows) / ax.figure.dpi
    return float(72 * inches)


def _short(name: Name) -> str:
    """A name without its middle, if it is long: ends often tell names apart."""
    text = str(name)
    half = _LONGEST // 2
    return text if len(text) <= _LONGEST else f"{text[: half - 1]}…{text[-half:]}"
