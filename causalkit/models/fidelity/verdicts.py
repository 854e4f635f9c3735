"""What the figures of a fidelity report mean, in sentences.

The grade follows the best classifier, unless real data were copied: what is told apart easily is
not good, however right each margin may be. What the classifier found is not known, so the sentences
after it name what is off among the things that can be named, beside how much two halves of the real
data are.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

import numpy as np

from causalkit.models.fidelity.copies import NEAR

if TYPE_CHECKING:
    from causalkit.models.fidelity.report import FidelityReport

__all__ = ["grade", "sentences"]

_GRADES: Final = (
    (0.05, "hardly told from real data"),
    (0.20, "close to real data"),
    (0.35, "told from real data in part"),
    (1.00, "easily told from real data"),
)
"""Highest excess of the AUC over real against real, and what to call it."""

_NAMED: Final = {
    "marginal_distance": "distributions of single variables",
    "correlation_error": "correlations between variables",
    "autocorrelation_error": "autocorrelations",
    "cross_correlation_error": "correlations between variables over lags",
    "spectrum_error": "spectra",
}
"""Figures that are compared with those of two halves of the real data."""

_BEYOND: Final = 1.5
_SMALL: Final = 0.05
_HARMED: Final = 0.9
_COPIED: Final = 2.0
_SAME_SHARE: Final = 0.02
_SHORT: Final = 3.0


def grade(report: FidelityReport) -> str:
    """One phrase for the whole."""
    if _repeats(report):
        return "copied from the real data, at least in part"
    usual = max(0.5, _null(report))
    excess = report.two_sample.auc - usual
    if excess > _GRADES[0][0] and report.two_sample.interval[0] <= usual:
        return "not told from real data with certainty"
    return next(name for most, name in _GRADES if excess <= most)


def sentences(report: FidelityReport) -> tuple[str, ...]:
    """What a reader should know, the most important first."""
    return (
        _told(report),
        _furthest_off(report),
        *_useful(report),
        _copied(report),
        *_holes(report),
        *_cautions(report),
    )


def _null(report: FidelityReport) -> float:
    null = report.two_sample.null_auc
    return 0.5 if np.isnan(null) else null


def _told(report: FidelityReport) -> str:
    test, what = report.two_sample, _what(report)
    low, high = test.interval
    null = "" if np.isnan(test.null_auc) else (
        f" Real {what} are told from other real ones with {test.null_auc:.2f} ("
        f"{test.null_range[0]:.2f} to {test.null_range[1]:.2f} by which blocks are which), about "
        "what a perfect generator would get."
    )  # fmt: skip
    return (
        f"The best of {len(test.aucs)} classifiers ({test.best.replace('_', ' ')}) tells real from "
        f"synthetic {what} with an AUC of {test.auc:.2f} (95% interval {low:.2f} to {high:.2f}; "
        f"0.5 is a guess).{null}"
    )


def _what(report: FidelityReport) -> str:
    return "windows" if report.is_series else "rows"


def _furthest_off(report: FidelityReport) -> str:
    """Errors that are larger than those between two halves of the real data."""
    figures, usual = report.figures(), report.real_errors
    found = []
    for key, name in _NAMED.items():
        size, floor = figures[key], usual[key]
        if size >= _SMALL and (np.isnan(floor) or size > _BEYOND * floor):
            beside = "" if np.isnan(floor) else f", {floor:.2f} between halves of the real data"
            found.append((size, f"{name} (error {size:.2f}{beside})"))
    if not found:
        return (
            "Distributions, correlations and spectra differ by no more than 0.05, or than two "
            "halves of the real data do."
        )
    found.sort(key=lambda one: -one[0])
    return f"Off: {'; '.join(text for _, text in found)}."


def _useful(report: FidelityReport) -> Iterator[str]:
    ratio = report.usefulness.ratio
    if np.isnan(ratio):
        return
    what = "Forecasts" if report.is_series else "Predictions"
    if ratio >= _HARMED:
        yield f"{what} learnt from the synthetic data serve on real data as well (error ratio " \
              f"{1 / ratio:.2f})."  # fmt: skip
        return
    worst = int(np.nanargmin(report.usefulness.ratios))
    yield (
        f"{what} learnt from the synthetic data have {1 / ratio:.2f} times the error, on real data,"
        f" of those learnt from real data; {report.names[worst]} suffers most."
    )


def _repeats(report: FidelityReport) -> bool:
    """Whether more windows than chance has it are those of the training data."""
    return report.copies.identical > report.copies.identical_real + _SAME_SHARE


def _copied(report: FidelityReport) -> str:
    copies, what = report.copies, _what(report)
    if not _repeats(report) and copies.near > NEAR:
        error = np.sqrt(copies.near * (1 - copies.near) / report.two_sample.n_blocks[1])
        if copies.near - 2 * error > _COPIED * NEAR:
            return (
                f"{copies.near:.0%} of the synthetic {what} are nearer to a training one than 95% "
                "of held-out real ones (new data: 5%), none the same: they are altered copies, or "
                "vary less than the real data."
            )
    if _repeats(report):
        return (
            f"Copies: {copies.identical:.0%} of the synthetic {what} repeat a training one exactly "
            f"({copies.identical_real:.0%} of held-out real ones do), and {copies.near:.0%} are "
            f"nearer to one than 95% of the held-out ones (new data: 5%)."
        )
    return (
        f"No sign of copying: {copies.near:.0%} of the synthetic {what} are nearer to a training "
        "one than 95% of held-out real ones (new data: 5%)."
    )


def _holes(report: FidelityReport) -> Iterator[str]:
    missing = report.missingness
    if not missing.any:
        return
    rates = missing.rates.mean(axis=1)
    yield (
        f"Missing cells: {rates[0]:.1%} of the real and {rates[1]:.1%} of the synthetic data; "
        f"whole rows: {missing.whole[0]:.0%} and {missing.whole[1]:.0%}. All else is judged on "
        f"complete {_what(report)} only."
    )


def _cautions(report: FidelityReport) -> Iterator[str]:
    if report.is_series and report.block < _SHORT * report.memory:
        yield (
            f"The series remember about {report.memory:.0f} steps and blocks have {report.block}: "
            "the real stretch is short, so that even other real data of this kind may be told from "
            "it by its level."
        )
    if report.two_sample.interval[1] < 0.5:
        yield (
            "The AUC is below a guess: synthetic windows resemble the real ones beside them more "
            "than other real windows do, as repeated data would."
        )
    if report.constants:
        yield f"Constant in the real data: {', '.join(map(str, report.constants))}."
