"""Each variable by itself: how far the synthetic distribution is from the real one.

The Kolmogorov-Smirnov distance is the largest gap between the two distribution functions, from 0 to
1; the Wasserstein distance is how far values must be moved on average, here in standard deviations
of the real variable. For categories the first is the total variation: the share of rows that would
have to change their level. All cells that are there count, whether their neighbours are or not.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from causalkit.models.fidelity.paired_samples import PairedSamples, centre_and_scale
from causalkit.typing import FloatArray

__all__ = ["Marginals", "compare_marginals", "largest_gap", "wasserstein_distance"]


@dataclass(frozen=True, slots=True, eq=False)
class Marginals:
    """By variable, arrays of shape (p,).

    Attributes
    ----------
    distance : ndarray
        Kolmogorov-Smirnov, or total variation of categories; NaN where a side has no value.
    wasserstein : ndarray
        In real standard deviations; NaN for categories.
    shift : ndarray
        Synthetic less real mean, in real standard deviations; NaN for categories.
    sd_ratio : ndarray
        Synthetic over real standard deviation; NaN for categories and real constants.
    """

    distance: FloatArray
    wasserstein: FloatArray
    shift: FloatArray
    sd_ratio: FloatArray


def compare_marginals(pair: PairedSamples) -> Marginals:
    """Compare the distributions of all variables."""
    p = len(pair.names)
    found = np.full((4, p), np.nan)
    for k in range(p):
        real, synthetic = (
            side.cells[~np.isnan(side.cells[:, k]), k] for side in (pair.real, pair.synthetic)
        )
        if len(real) == 0 or len(synthetic) == 0:
            continue
        levels = pair.levels[k]
        if levels is not None:
            shares = [
                np.bincount(cells.astype(np.intp), minlength=len(levels)) / len(cells)
                for cells in (real, synthetic)
            ]
            found[0, k] = 0.5 * np.abs(shares[0] - shares[1]).sum()
            continue
        centre, scale = centre_and_scale(real)
        spread = float(real.std())
        varies = scale == spread
        found[:, k] = (
            largest_gap(real, synthetic),
            wasserstein_distance(real, synthetic) / scale,
            (synthetic.mean() - centre) / scale,
            synthetic.std() / scale if varies else np.nan,
        )
    return Marginals(*found)


def largest_gap(real: FloatArray, synthetic: FloatArray) -> float:
    """Largest difference between the two empirical distribution functions."""
    points = np.concatenate([real, synthetic])
    return float(np.abs(_below(real, points) - _below(synthetic, points)).max())


def wasserstein_distance(real: FloatArray, synthetic: FloatArray) -> float:
    """Area between the two empirical distribution functions."""
    points = np.unique(np.concatenate([real, synthetic]))
    gaps = np.abs(_below(real, points[:-1]) - _below(synthetic, points[:-1]))
    return float((gaps * np.diff(points)).sum())


def _below(values: FloatArray, points: FloatArray) -> FloatArray:
    """Share of values at most as large as each point."""
    return np.searchsorted(np.sort(values), points, side="right") / len(values)
