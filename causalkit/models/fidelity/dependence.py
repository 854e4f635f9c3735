"""How variables hang together: correlations, those over lags, and where the power of a series sits.

All errors are mean absolute differences between the real and the synthetic correlation, so a twin
whose every correlation is off by .1 scores .1. Correlations over lags use all pairs of cells that
are both there and stand in one unbroken run; a constant column is correlated with nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from causalkit.models.fidelity.paired_samples import PairedSamples, Sample
from causalkit.typing import BoolArray, FloatArray, IntArray

__all__ = ["Dependence", "Spectrum", "compare_dependence", "lagged_correlations", "spectrum_of"]

_LONGEST_SEGMENT: Final = 128
_SHORTEST_SEGMENT: Final = 16
_FEWEST_SEGMENTS: Final = 8
_BANDS: Final = 12
_FEWEST_PAIRS: Final = 8


@dataclass(frozen=True, slots=True, eq=False)
class Spectrum:
    """Power of one variable by frequency, of both sides.

    Attributes
    ----------
    frequency : ndarray of shape (n,)
        Cycles a step, the middle of each band; bands grow wider with the frequency.
    real, synthetic : ndarray of shape (n,)
        Share of the power in each band; sums to one.
    """

    frequency: FloatArray
    real: FloatArray
    synthetic: FloatArray

    @property
    def distance(self) -> float:
        """Share of the power that sits in other bands."""
        return 0.5 * float(np.abs(self.real - self.synthetic).sum())


@dataclass(frozen=True, slots=True, eq=False)
class Dependence:
    """Errors of correlations and spectra.

    Attributes
    ----------
    correlation_error : float
        Mean absolute error over pairs of columns of different variables; NaN with one variable.
    autocorrelation_error : ndarray of shape (p,)
        By variable, mean over lags from 1; NaN of a table.
    cross_correlation_error : float
        Over ordered pairs of different variables and lags from 1; NaN of a table.
    n_lags : int
        Longest lag.
    correlations : tuple of two ndarrays of shape (n_lags + 1, q, q)
        Real and synthetic: `[lag, i, j]`, column i `lag` steps before column j.
    spectra : tuple of Spectrum or None
        By variable; None of categories, constants, and where no stretch is whole.
    """

    correlation_error: float
    autocorrelation_error: FloatArray
    cross_correlation_error: float
    n_lags: int
    correlations: tuple[FloatArray, FloatArray]
    spectra: tuple[Spectrum | None, ...]

    @property
    def spectrum_error(self) -> float:
        """Mean share of the power that sits at other frequencies; NaN if no series has one."""
        return _mean([s.distance for s in self.spectra if s is not None])


def compare_dependence(pair: PairedSamples, n_lags: int, *, series: bool) -> Dependence:
    """Compare correlations to `n_lags` steps back, and of series the spectra."""
    p = len(pair.names)
    n_lags = n_lags if series else 0
    sides = (pair.real, pair.synthetic)
    found = tuple(lagged_correlations(side.coded, side.run, n_lags) for side in sides)
    error = np.abs(found[0] - found[1])
    same = pair.owner[:, None] == pair.owner
    own = np.full(p, np.nan)
    if series:
        diagonal = np.diagonal(error[1:], axis1=1, axis2=2)
        own = np.array([_mean(diagonal[:, pair.owner == k]) for k in range(p)])
    spectra = tuple(_compared(pair, k) if series else None for k in range(p))
    return Dependence(
        _mean(error[0][~same]),
        own,
        _mean(error[1:][:, ~same]),
        n_lags,
        (found[0], found[1]),
        spectra,
    )


def _mean(values: FloatArray | list[float]) -> float:
    """Mean of the values that are there; NaN of none."""
    array = np.asarray(values, dtype=np.float64)
    there = array[~np.isnan(array)]
    return float(there.mean()) if there.size else float("nan")


def lagged_correlations(columns: FloatArray, run: IntArray, n_lags: int) -> FloatArray:
    """Correlation of column i, `lag` steps ago, with column j now.

    Parameters
    ----------
    columns : ndarray of shape (n, q)
        NaN where a cell is missing.
    run : ndarray of int, shape (n,)
        No pair reaches from one run into another.
    n_lags : int

    Returns
    -------
    ndarray of shape (n_lags + 1, q, q)
        NaN where fewer than 8 pairs are there; 0 where a column is constant.
    """
    there = ~np.isnan(columns)
    count = np.maximum(there.sum(axis=0), 1)
    centre = np.where(there, columns, 0.0).sum(axis=0) / count
    z = np.where(there, columns - centre, 0.0)
    scale = np.sqrt((z**2).sum(axis=0) / count)
    moves = scale > 1e-12 * np.maximum(np.abs(centre), 1.0)
    z = np.where(moves, z / np.where(moves, scale, 1.0), 0.0)
    seen = there.astype(np.float64)
    found = np.full((n_lags + 1, columns.shape[1], columns.shape[1]), np.nan)
    n = len(columns)
    for lag in range(min(n_lags, n - 1) + 1):
        inside = (run[lag:] == run[: n - lag])[:, None]
        before = z[: n - lag] * inside
        pairs = (seen[: n - lag] * inside).T @ seen[lag:]
        enough = pairs >= _FEWEST_PAIRS
        found[lag][enough] = (before.T @ z[lag:])[enough] / pairs[enough]
    return found


def _compared(pair: PairedSamples, variable: int) -> Spectrum | None:
    """Spectra of a numeric variable over the longest segments that both sides have enough of."""
    if pair.levels[variable] is not None:
        return None
    column = int(np.flatnonzero(pair.owner == variable)[0])
    length = _LONGEST_SEGMENT
    while length >= _SHORTEST_SEGMENT:
        real, synthetic = (
            spectrum_of(side, column, length) for side in (pair.real, pair.synthetic)
        )
        if real is not None and synthetic is not None:
            edges = _band_edges(length // 2)
            frequency = np.add.reduceat(np.arange(1, length // 2 + 1) / length, edges)
            frequency /= np.diff([*edges, length // 2])
            shares = [np.add.reduceat(power, edges) for power in (real, synthetic)]
            return Spectrum(frequency, shares[0], shares[1])
        length //= 2
    return None


def _band_edges(n: int) -> IntArray:
    """First frequency of each of about a dozen bands of growing width."""
    return np.unique(np.geomspace(1, n + 1, _BANDS + 1).astype(np.intp))[:-1] - 1


def spectrum_of(sample: Sample, column: int, length: int) -> FloatArray | None:
    """Share of the power by frequency, by Welch's mean over half-overlapping segments.

    Returns
    -------
    ndarray of shape (length // 2,) or None
        From one cycle a segment up; None with fewer than 8 whole segments, or without any power.
    """
    values = sample.coded[:, column]
    starts = _whole_segments(~np.isnan(values), sample.run, length)
    if len(starts) < _FEWEST_SEGMENTS:
        return None
    segments = values[starts[:, None] + np.arange(length)]
    taper = 0.5 - 0.5 * np.cos(2 * np.pi * (np.arange(length) + 0.5) / length)
    tapered = (segments - segments.mean(axis=1, keepdims=True)) * taper
    power = (np.abs(np.fft.rfft(tapered, axis=1)) ** 2).mean(axis=0)[1:]
    total = float(power.sum())
    return power / total if total > 1e-20 else None


def _whole_segments(there: BoolArray, run: IntArray, length: int) -> IntArray:
    """Starts of whole segments, each at least half a length after the one before."""
    n = len(there)
    start = np.arange(max(n - length + 1, 0))
    holes = np.concatenate(([0], np.cumsum(~there)))
    fit = start[(holes[start + length] == holes[start]) & (run[start] == run[start + length - 1])]
    kept, free = [], 0
    for at in fit.tolist():
        if at >= free:
            kept.append(at)
            free = at + length // 2
    return np.array(kept, dtype=np.intp)
