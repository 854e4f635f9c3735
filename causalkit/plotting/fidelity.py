"""Four small pictures of how like real data synthetic data are.

The overlay shows windows of both on the principal components of the real ones: a hole or a cloud
beside it is seen at once. The bars are the classifiers, beside what each makes of real data against
real data. The third shows how far each variable's distribution is off, the fourth the spectra, on
average over the series, or for a table the correlations of both sides against each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from causalkit.errors import InputError
from causalkit.plotting._panels import tidied
from causalkit.typing import FloatArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from causalkit.models.fidelity import FidelityReport

__all__ = ["plot_fidelity"]

_REAL: Final = "#2b6ca3"
_SYNTHETIC: Final = "#d55e00"
_FAINT: Final = "#8c98a4"
_PANELS: Final = 4
_MOST_NAMES: Final = 20


def plot_fidelity(
    report: FidelityReport, ax: Axes | Sequence[Axes] | None = None, **style: Any
) -> tuple[Axes, ...]:
    """Draw overlay, classifiers, distributions, and spectra or correlations.

    Parameters
    ----------
    report : FidelityReport
    ax : Axes or sequence of four Axes, optional
        Where to draw. A single one gets the overlay alone; left out, a new figure of four.
    **style
        Passed to `Axes.plot` for the dots of the overlay.

    Returns
    -------
    tuple of matplotlib.axes.Axes

    Raises
    ------
    InputError
        If there are neither one nor four axes.
    """
    axes = _axes(ax)
    _draw_overlay(axes[0], report, style)
    if len(axes) == _PANELS:
        _draw_classifiers(axes[1], report)
        _draw_distances(axes[2], report)
        if report.is_series:
            _draw_spectra(axes[3], report)
        else:
            _draw_correlations(axes[3], report)
    return axes


def _axes(ax: Axes | Sequence[Axes] | None) -> tuple[Axes, ...]:
    if ax is None:
        import matplotlib.pyplot as plt

        return tuple(plt.figure(figsize=(9.0, 6.6), layout="constrained").subplots(2, 2).ravel())
    found: tuple[Axes, ...] = tuple(np.ravel(np.array(ax, dtype=object)))
    if len(found) not in (1, _PANELS):
        raise InputError(
            f"ax has {len(found)} axes; expected one, for the overlay, or {_PANELS}. Use "
            "Figure().subplots(2, 2)."
        )
    return found


def _draw_overlay(ax: Axes, report: FidelityReport, style: dict[str, Any]) -> None:
    overlay = report.overlay
    dots = {"linestyle": "none", "markersize": 3.0, "alpha": 0.45, **style}
    for rows, color, marker, label in (
        (overlay.real, _REAL, "o", "real"),
        (overlay.synthetic, _SYNTHETIC, "^", "synthetic"),
    ):
        look = {"color": color, "marker": marker, **dots}
        ax.plot(rows[:, 0], rows[:, 1], label=label, **look)
    tidied(ax, None)
    what = "windows" if report.is_series else "rows"
    ax.set_title(f"{what} on components of the real ones", fontsize=10)
    ax.set_xlabel(f"first ({overlay.explained[0]:.0%} of the variance)")
    ax.set_ylabel(f"second ({overlay.explained[1]:.0%})")
    ax.legend(frameon=False, fontsize=8)


def _draw_classifiers(ax: Axes, report: FidelityReport) -> None:
    test = report.two_sample
    names = list(test.aucs)
    heights = np.arange(len(names))
    found = np.array([test.aucs[name] for name in names])
    null = np.array([test.null_aucs[name] for name in names])
    ax.hlines(heights, 0.5, found, color="#c9d1d9", linewidth=1.5, zorder=1)
    ax.plot(null, heights, "|", color=_REAL, markersize=14, markeredgewidth=2, label="real, real")
    ax.plot(found, heights, "o", color=_SYNTHETIC, markersize=6.5, label="real, synthetic")
    best = names.index(test.best)
    ax.plot(test.interval, (best, best), color="0.2", linewidth=1.5, label="95 % interval")
    ax.axvline(0.5, color=_FAINT, linewidth=1.0, linestyle=(0, (4, 3)))
    ax.set_yticks(heights, [name.replace("_", " ") for name in names])
    ax.set_ylim(len(names) - 0.4, -0.6)
    tidied(ax, "x")
    ax.set_title(f"told from real data: AUC {test.auc:.2f}", fontsize=10)
    ax.set_xlabel("area under the ROC curve")
    ax.legend(frameon=False, fontsize=8, loc="upper center", bbox_to_anchor=(0.35, -0.2), ncols=3)


def _draw_distances(ax: Axes, report: FidelityReport) -> None:
    distance = np.nan_to_num(report.marginals.distance)
    order = np.argsort(-distance, kind="stable")[:_MOST_NAMES]
    heights = np.arange(len(order))
    ax.barh(heights, distance[order], color=_FAINT, height=0.6)
    usual = report.real_errors["marginal_distance"]
    if not np.isnan(usual):
        ax.axvline(usual, color=_REAL, linewidth=1.5, label="halves of the real data")
        ax.legend(frameon=False, fontsize=8, loc="upper center", bbox_to_anchor=(0.5, -0.2))
    ax.set_yticks(heights, [str(report.names[k]) for k in order.tolist()])
    for label in ax.get_yticklabels():
        label.set_parse_math(False)
    ax.invert_yaxis()
    tidied(ax, "x")
    ax.set_title("distributions of each variable", fontsize=10)
    ax.set_xlabel("distance, real from synthetic")


def _draw_spectra(ax: Axes, report: FidelityReport) -> None:
    from matplotlib.ticker import LogLocator

    spectra = [one for one in report.dependence.spectra if one is not None]
    if not spectra:
        ax.set_axis_off()
        return
    longest = max(len(one.frequency) for one in spectra)
    whole = [one for one in spectra if len(one.frequency) == longest]
    frequency = whole[0].frequency
    real = np.mean([one.real for one in whole], axis=0)
    synthetic = np.mean([one.synthetic for one in whole], axis=0)
    sides = ((real, _REAL, "o-", "real"), (synthetic, _SYNTHETIC, "^--", "synthetic"))
    for shares, color, look, label in sides:
        ax.plot(frequency, np.cumsum(shares), look, color=color, markersize=4, label=label)
    ax.set_xscale("log")
    ax.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    ax.xaxis.set_major_formatter("{x:g}")
    ax.xaxis.set_minor_formatter("")
    tidied(ax)
    ax.set_title("spectra, summed up, mean over the series", fontsize=10)
    ax.set_xlabel("cycles a step")
    ax.set_ylabel("share of the power up to it")
    ax.legend(frameon=False, fontsize=8)


def _draw_correlations(ax: Axes, report: FidelityReport) -> None:
    real, synthetic = (_above(side[0]) for side in report.dependence.correlations)
    ax.plot((-1, 1), (-1, 1), color=_FAINT, linewidth=1.0, linestyle=(0, (4, 3)))
    ax.plot(real, synthetic, "o", color=_SYNTHETIC, markersize=4)
    tidied(ax)
    ax.set_title("correlations", fontsize=10)
    ax.set_xlabel("real")
    ax.set_ylabel("synthetic")


def _above(matrix: FloatArray) -> FloatArray:
    return np.asarray(matrix[np.triu_indices(len(matrix), 1)])
