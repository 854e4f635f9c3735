"""Granger's question by frequency: in slow swings, or in fast ones.

A rhythm may pass from one series to another while all else stays where it is. Geweke's measure says
at each frequency which share of the effect the cause explains, as a logarithm; its mean over all
frequencies is the plain measure of Granger: the logarithm of how much larger the error of the
prediction is without the cause.

>>> import numpy as np
>>> rng = np.random.default_rng(0)
>>> x, y = np.zeros(2000), rng.normal(size=2000)
>>> for t in range(2, 2000):
...     x[t] = -0.9 * x[t - 2] + rng.normal()  # a rhythm of four steps
...     y[t] += 0.4 * x[t - 1]
>>> found = SpectralGranger(max_lag=3).fit({"x": x, "y": y})
>>> peak = found.measures_[:, 0, 1].argmax()
>>> print(round(found.frequencies_[peak], 2))
0.25
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from causalkit._core.checks import check_count, check_positive
from causalkit._core.parallel import run
from causalkit._core.random import as_generator
from causalkit._core.series import Series
from causalkit.discovery.base import Explanation
from causalkit.discovery.series.base import SeriesAlgorithm
from causalkit.discovery.series.granger._granger_tests import Rows, rows_of
from causalkit.discovery.series.granger._lagged_regression import LaggedMoments, lagged_moments
from causalkit.discovery.series.granger._spectral_measures import frequency_tests, geweke_measures
from causalkit.discovery.series.granger.granger import Granger
from causalkit.errors import InputError
from causalkit.graph import Lagged
from causalkit.typing import FloatArray, IntArray, Name, RandomState

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["SpectralGranger"]


class SpectralGranger(SeriesAlgorithm):
    """Measure at which frequencies one series helps to predict another.

    Parameters
    ----------
    max_lag : int or {"bic", "aic", "hqic", "fpe"}, default "bic"
        As in :class:`Granger`. A rhythm needs two lags at least.
    lag_cap : int, optional
        As in :class:`Granger`.
    conditional : bool, default True
        Whether the other series are held fixed (one VAR, Geweke 1984), or each pair is looked at
        alone (a VAR for each, Geweke 1982).
    n_frequencies : int, default 128
        Frequencies from 0 to half the sampling rate, both included.
    sampling_rate : float, default 1.0
        Steps a unit of time: 250 for data at 250 Hz. Frequencies are in cycles per unit of time.
    alpha : float, default 0.05
        Level of links, and of thresholds.
    correction : {None, "bonferroni", "holm", "bh", "by"}, default None
        As in :class:`Granger`.
    n_surrogates : int, default 0
        Series shifted against each other, which leaves each as it is and cuts what joins them: how
        high the highest peak of a measure is by chance. 0 for none; 200 and more give thresholds.
    panel, time, mask : str or int, optional
        As in :class:`Granger`.
    random_state : int, Generator or None, default 0
        Source of the shifts.
    n_jobs : int, optional
        Workers that share the surrogates; never changes a number.

    Attributes
    ----------
    frequencies_ : ndarray of shape (n_frequencies,)
    measures_ : ndarray of shape (n_frequencies, p, p)
        `[frequency, cause, effect]`, at least 0; the diagonal is NaN.
    totals_ : ndarray of shape (p, p)
        Measure over all frequencies: `log(|S_without| / |S_with|)`, the diagonal NaN.
    frequency_p_values_ : ndarray of shape (n_frequencies, p, p)
        Of the hypothesis that the cause says nothing at a frequency (Breitung and Candelon), each
        frequency by itself.
    thresholds_, peak_p_values_ : ndarray of shape (p, p), or None
        By surrogates: what the largest measure of a pair exceeds with a probability of `alpha` if
        no two series are related, and the p-value of the largest one found.
    granger_ : Granger
        The same regressions in the domain of time.
    graph_ : LaggedGraph
        Its graph: links by the test of all lags.
    pair_p_values_, p_values_, strengths_ : ndarrays
        Those of `granger_`.
    scores_ : ndarray of shape (p, p)
        `totals_`; on the diagonal, the same measure of what a series' own past adds.
    n_obs_ : int

    Raises
    ------
    NumericalError
        From `fit`, if the fitted model is not stationary.

    Notes
    -----
    **Assumes:**

    - what :class:`Granger` assumes: linear, stationary, sampled often enough, nothing left out;
    - enough lags for the rhythms: `max_lag` steps should hold a good part of the longest one;
    - for `frequency_p_values_`, noise with an even variance and without memory.

    A measure above 0 at a frequency says that innovations of the cause reach the effect there. It
    is no share of power that passes "in that band", if by this a filter is meant: filter the series
    first, and the measure stays what it was.

    References
    ----------
    Geweke (1982), "Measurement of linear dependence and feedback between multiple time series",
    doi:10.1080/01621459.1982.10477803. Geweke (1984), "Measures of conditional linear dependence
    and feedback between time series", doi:10.1080/01621459.1984.10477110. Barnett and Seth (2015),
    "Granger causality for state-space models", doi:10.1103/PhysRevE.91.040101.
    Breitung and Candelon (2006), "Testing for short- and long-run causality: a frequency-domain
    approach", doi:10.1016/j.jeconom.2005.02.004.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> series = rng.normal(size=(500, 2))
    >>> series[1:, 1] += 0.8 * series[:-1, 0]
    >>> found = SpectralGranger(max_lag=2).fit(series)
    >>> bool(found.totals_[0, 1] > 20 * found.totals_[1, 0])
    True
    >>> abs(float(found.band(0, 0.5)[0, 1] - found.totals_[0, 1])) < 1e-3
    True
    """

    frequencies_: FloatArray
    measures_: FloatArray
    totals_: FloatArray
    frequency_p_values_: FloatArray
    thresholds_: FloatArray | None
    peak_p_values_: FloatArray | None
    granger_: Granger
    pair_p_values_: FloatArray
    p_values_: FloatArray
    strengths_: FloatArray
    scores_: FloatArray

    def __init__(
        self,
        max_lag: int | str = "bic",
        *,
        lag_cap: int | None = None,
        conditional: bool = True,
        n_frequencies: int = 128,
        sampling_rate: float = 1.0,
        alpha: float = 0.05,
        correction: str | None = None,
        n_surrogates: int = 0,
        panel: Name | None = None,
        time: Name | None = None,
        mask: Name | None = None,
        random_state: RandomState = 0,
        n_jobs: int | None = None,
    ) -> None:
        self.max_lag = max_lag
        self.lag_cap = lag_cap
        self.conditional = conditional
        self.n_frequencies = n_frequencies
        self.sampling_rate = sampling_rate
        self.alpha = alpha
        self.correction = correction
        self.n_surrogates = n_surrogates
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.panel = panel
        self.time = time
        self.mask = mask

    def _fit(self, series: Series) -> None:
        rate = check_positive(self.sampling_rate, "sampling_rate")
        angles = np.linspace(0, np.pi, check_count(self.n_frequencies, "n_frequencies", minimum=2))
        n_surrogates = check_count(self.n_surrogates, "n_surrogates", minimum=0)
        granger = Granger(
            self.max_lag,
            lag_cap=self.lag_cap,
            conditional=self.conditional,
            alpha=self.alpha,
            correction=self.correction,
        )
        granger._fit(series)
        moments = lagged_moments(series, granger.max_lag_, who="SpectralGranger")
        self.granger_, self.graph_, self.n_obs_ = granger, granger.graph_, granger.n_obs_
        self.pair_p_values_ = granger.pair_p_values_
        self.p_values_, self.strengths_ = granger.p_values_, granger.strengths_
        self.frequencies_ = angles * (rate / (2 * np.pi))
        self.measures_, self.totals_ = _measures(moments, angles, self.conditional)
        self.frequency_p_values_ = _tests(moments, angles, self.conditional)
        n_lags = moments.max_lag
        own = np.log1p(granger.pair_statistics_ * n_lags / _df(moments, self.conditional))
        self.scores_ = np.where(np.isnan(self.totals_), own, self.totals_)
        self.thresholds_ = self.peak_p_values_ = None
        if n_surrogates:
            self._compare(moments, rows_of(series, moments, 0), series, angles, n_surrogates)

    def _compare(
        self,
        moments: LaggedMoments,
        rows: Rows,
        series: Series,
        angles: FloatArray,
        n_surrogates: int,
    ) -> None:
        """Set thresholds and p-values of peaks by series that are shifted against each other."""
        subject = series.subject[np.sort(series.usable(moments.max_lag))]
        streams = as_generator(self.random_state).spawn(n_surrogates)
        jobs = [(moments, rows, subject, angles, self.conditional, rng) for rng in streams]
        found = run(_shifted_peaks, jobs, n_jobs=self.n_jobs, label="surrogates", steady=True)
        peaks = np.stack(found)
        self.thresholds_ = np.quantile(peaks, 1 - self.alpha, axis=0, method="higher")
        beaten = (peaks >= self.measures_.max(axis=0)).sum(axis=0)
        self.peak_p_values_ = np.where(
            np.isnan(self.totals_), np.nan, (1 + beaten) / (1 + n_surrogates)
        )

    def band(self, low: float, high: float) -> FloatArray:
        """Return what a band of frequencies adds to the totals.

        Parameters
        ----------
        low, high : float
            In the units of `frequencies_`. Bands that share no more than an end add up; all of them
            together give `totals_`.

        Returns
        -------
        ndarray of shape (p, p)

        Raises
        ------
        InputError
            If the band does not lie between 0 and half the sampling rate.
        """
        check_is_fitted(self, "measures_")
        grid = self.frequencies_
        if not 0 <= low < high <= grid[-1] * (1 + 1e-12):
            raise InputError(
                f"the band from {low!r} to {high!r}; expected 0 <= low < high <= {grid[-1]:g}, "
                "which is half the sampling rate. Check its units."
            )
        cuts = np.concatenate([[low], grid[(grid > low) & (grid < high)], [high]])
        after = np.clip(np.searchsorted(grid, cuts), 1, len(grid) - 1)
        weight = ((cuts - grid[after - 1]) / (grid[after] - grid[after - 1]))[:, None, None]
        at = (1 - weight) * self.measures_[after - 1] + weight * self.measures_[after]
        widths = np.diff(cuts)[:, None, None]
        found: FloatArray = (widths * (at[1:] + at[:-1]) / 2).sum(axis=0) / grid[-1]
        return found

    def to_frame(self) -> pd.DataFrame:
        """Return a row a frequency and pair: frequency, cause, effect, measure, p_value."""
        import pandas as pd

        check_is_fitted(self, "measures_")
        names = self.graph_.variables
        p = len(names)
        pairs = [(i, j) for i in range(p) for j in range(p) if i != j]
        parts = [
            pd.DataFrame(
                {
                    "frequency": self.frequencies_,
                    "cause": names[i],
                    "effect": names[j],
                    "measure": self.measures_[:, i, j],
                    "p_value": self.frequency_p_values_[:, i, j],
                }
            )
            for i, j in pairs
        ]
        return pd.concat(parts, ignore_index=True)

    def plot(
        self,
        ax: Axes | None = None,
        *,
        pairs: Iterable[tuple[Name, Name]] | None = None,
        **style: Any,
    ) -> Axes:
        """Draw measures by frequency; see :func:`causalkit.plotting.plot_spectral_granger`."""
        from causalkit.plotting.spectra import plot_spectral_granger

        check_is_fitted(self, "measures_")
        return plot_spectral_granger(self, ax, pairs=pairs, **style)

    def _explain(self, past: Lagged, now: Lagged) -> Explanation:
        told = self.granger_._explain(past, now)
        i, j = self.graph_.index(past), self.graph_.index(now)
        if past.lag == 0 or i == j:
            return told
        peak = int(self.measures_[:, i, j].argmax())
        more = (
            f" The measure over all frequencies is {self.totals_[i, j]:.3g}; it is largest at "
            f"{self.frequencies_[peak]:.3g}, with {self.measures_[peak, i, j]:.3g} "
            f"(p = {self.frequency_p_values_[peak, i, j]:.3g} at that frequency)."
        )
        return replace(told, adjacency=told.adjacency + more)


def _df(moments: LaggedMoments, conditional: bool) -> FloatArray:
    p, n_lags = moments.n_series, moments.max_lag
    n_pasts = np.full((p, p), p) if conditional else 2 - np.eye(p)
    return np.asarray(moments.n_obs - moments.n_means - n_lags * n_pasts, dtype=np.float64)


def _measures(
    moments: LaggedMoments, angles: FloatArray, conditional: bool
) -> tuple[FloatArray, FloatArray]:
    """Measures of all pairs, from one VAR or from one a pair."""
    p, n_lags = moments.n_series, moments.max_lag
    if conditional:
        slopes = moments.slopes * moments.of_steps()[:, None]
        lags = slopes.reshape(n_lags, p, p).transpose(0, 2, 1)
        return geweke_measures(lags, moments.residual, angles)
    measures, totals = np.full((len(angles), p, p), np.nan), np.full((p, p), np.nan)
    for i in range(p):
        for j in range(i + 1, p):
            pair = np.ix_([i, j], [i, j])
            by_angle, total = _measures(moments.select(np.array([i, j])), angles, True)
            measures[:, pair[0], pair[1]], totals[pair] = by_angle, total
    return measures, totals


def _tests(moments: LaggedMoments, angles: FloatArray, conditional: bool) -> FloatArray:
    if conditional:
        return frequency_tests(moments, angles)
    p = moments.n_series
    p_values = np.full((len(angles), p, p), np.nan)
    for i in range(p):
        for j in range(i + 1, p):
            pair = np.ix_([i, j], [i, j])
            found = frequency_tests(moments.select(np.array([i, j])), angles)
            p_values[:, pair[0], pair[1]] = found
    return p_values


def _shifted_peaks(
    moments: LaggedMoments,
    rows: Rows,
    subject: IntArray,
    angles: FloatArray,
    conditional: bool,
    rng: np.random.Generator,
) -> FloatArray:
    """Largest measure of each pair once each series is shifted by a number of steps of its own.

    A row takes along the whole past of the series, so no lag is torn, whatever the gaps.
    """
    n, p = rows.now.shape
    columns = np.hstack([rows.now, rows.past])
    shifted = np.empty_like(columns)
    starts = np.flatnonzero(np.diff(subject, prepend=-1))
    stops = np.append(starts[1:], n)
    for k in range(p):
        order = np.concatenate(
            [
                start + np.roll(np.arange(stop - start), int(rng.integers(stop - start)))
                for start, stop in zip(starts, stops, strict=True)
            ]
        )
        shifted[:, k::p] = columns[order, k::p]
    corr = shifted.T @ shifted / n
    surrogate = replace(moments, past=corr[p:, p:], cross=corr[p:, :p], present=corr[:p, :p])
    found: FloatArray = _measures(surrogate, angles, conditional)[0].max(axis=0)
    return found
