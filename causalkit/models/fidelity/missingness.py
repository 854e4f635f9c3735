"""Which cells are missing, judged by itself.

All else in the report looks only at what was observed, so that a twin is neither praised nor blamed
for how holes were filled. Whether the holes themselves look right is said here: how many there are,
how long they last, and whether variables miss together.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from causalkit.models.fidelity.dependence import lagged_correlations
from causalkit.models.fidelity.paired_samples import PairedSamples, Sample
from causalkit.typing import FloatArray

__all__ = ["Missingness", "compare_missingness"]


@dataclass(frozen=True, slots=True, eq=False)
class Missingness:
    """Holes on both sides.

    Attributes
    ----------
    rates : ndarray of shape (2, p)
        Share of cells that are missing, real and synthetic.
    gaps : ndarray of shape (2, p)
        Mean steps that a gap lasts; NaN where there is none, and of a table.
    whole : tuple of float
        Share of rows without a hole, real and synthetic.
    pattern_error : float
        Mean absolute error of the correlations between what is missing in different variables; NaN
        if nothing is missing in the real data.
    """

    rates: FloatArray
    gaps: FloatArray
    whole: tuple[float, float]
    pattern_error: float

    @property
    def any(self) -> bool:
        """Whether either side has a hole."""
        return bool((self.rates > 0).any())

    @property
    def rate_error(self) -> float:
        """Mean absolute difference of the rates."""
        return float(np.abs(self.rates[0] - self.rates[1]).mean())


def compare_missingness(pair: PairedSamples, *, series: bool) -> Missingness:
    """Compare the holes of both sides."""
    sides = (pair.real, pair.synthetic)
    holes = [np.isnan(side.cells) for side in sides]
    rates = np.array([hole.mean(axis=0) for hole in holes])
    p = len(pair.names)
    gaps = np.array([_gap_lengths(side) if series else np.full(p, np.nan) for side in sides])
    whole = [float((~hole.any(axis=1)).mean()) for hole in holes]
    error = float("nan")
    if rates[0].any() and p > 1:
        found = [lagged_correlations(hole.astype(np.float64), np.zeros(len(hole), np.intp), 0)[0]
                 for hole in holes]  # fmt: skip
        apart = ~np.eye(p, dtype=np.bool_)
        gap = np.abs(found[0] - found[1])[apart]
        error = float(gap[~np.isnan(gap)].mean()) if (~np.isnan(gap)).any() else error
    return Missingness(rates, gaps, (whole[0], whole[1]), error)


def _gap_lengths(sample: Sample) -> FloatArray:
    """Missing cells over the gaps that they make, by variable."""
    hole = np.isnan(sample.cells)
    begins = hole.copy()
    begins[1:] &= ~hole[:-1] | (sample.run[1:] != sample.run[:-1])[:, None]
    count = begins.sum(axis=0)
    return np.where(count > 0, hole.sum(axis=0) / np.maximum(count, 1), np.nan)
