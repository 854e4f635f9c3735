"""How much one series says of another, by frequency."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from causalkit.plotting._panels import axes_or_new, tidied
from causalkit.plotting.convergence import COLORS, pair_numbers
from causalkit.typing import Name

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from causalkit.discovery.series.granger.spectral_granger import SpectralGranger

__all__ = ["plot_spectral_granger"]

_MOST: Final = 4
_MARKERS: Final = ("o", "s", "^", "D")


def plot_spectral_granger(
    fitted: SpectralGranger,
    ax: Axes | None = None,
    *,
    pairs: Iterable[tuple[Name, Name]] | None = None,
    **style: Any,
) -> Axes:
    """Draw Geweke's measure over frequencies, a line for each pair.

    A line is thick at the frequencies at which the test of the pair says so, each taken by itself.
    With surrogates a dashed line has the height that no peak exceeds by chance, but for a share
    `alpha` of the time.

    Parameters
    ----------
    fitted : SpectralGranger
    ax : matplotlib.axes.Axes, optional
        Left out, a new figure.
    pairs : iterable of (cause, effect), optional
        Left out, the four with the largest measure over all frequencies.
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
    >>> from matplotlib.figure import Figure
    >>> from causalkit.discovery import SpectralGranger
    >>> series = np.random.default_rng(1).normal(size=(500, 2))
    >>> series[1:, 1] += 0.8 * series[:-1, 0]
    >>> found = SpectralGranger(max_lag=2).fit({"x": series[:, 0], "y": series[:, 1]})
    >>> ax = found.plot(Figure().add_subplot(), pairs=[("x", "y")])
    >>> ax.get_title(), ax.get_xlabel()
    ('x → y', 'frequency')
    """
    ax = axes_or_new(ax, (6.4, 3.6))
    names = fitted.graph_.variables
    shown = _largest(fitted) if pairs is None else tuple(pairs)
    titles = []
    for k, pair in enumerate(shown):
        i, j = pair_numbers(names, pair)
        titles.append(f"{names[i]} → {names[j]}")
        color = COLORS[k % len(COLORS)]
        measure = fitted.measures_[:, i, j]
        look = {"color": color, "linewidth": 1.2, **style}
        marks: dict[str, Any] = {}
        if len(shown) > 1:  # colour alone does not tell lines apart for everybody
            step = max(len(measure) // 8, 1)
            every = (k * step // len(shown), step)
            marks = {"marker": _MARKERS[k % len(_MARKERS)], "markersize": 5, "markevery": every}
        ax.plot(fitted.frequencies_, measure, label=titles[-1], **(marks | look))
        clear = fitted.frequency_p_values_[:, i, j] <= fitted.alpha
        thick = look | {"linewidth": 3.0 * float(look["linewidth"]), "alpha": 0.45}
        ax.plot(fitted.frequencies_, np.where(clear, measure, np.nan), **thick)
        if fitted.thresholds_ is not None:
            height = float(fitted.thresholds_[i, j])
            ax.axhline(height, color=color, linewidth=0.9, linestyle=(0, (4, 3)))
    if len(titles) == 1:
        ax.set_title(titles[0], parse_math=False)
    elif titles:
        for text in ax.legend(frameon=False).get_texts():
            text.set_parse_math(False)
    ax.set_ylim(bottom=0.0)
    ax.set_xlim(0.0, float(fitted.frequencies_[-1]))
    ax.set_xlabel("frequency")
    ax.set_ylabel("measure of Geweke")
    tidied(ax, None)
    return ax


def _largest(fitted: SpectralGranger) -> tuple[tuple[Name, Name], ...]:
    names, totals = fitted.graph_.variables, np.nan_to_num(fitted.totals_, nan=-np.inf)
    order = np.argsort(-totals, axis=None, kind="stable")[:_MOST]
    where = [divmod(int(k), len(names)) for k in order]
    return tuple((names[i], names[j]) for i, j in where if i != j)
