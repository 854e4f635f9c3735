"""Surrogates: series that might have been, had a series nothing to do with the others.

Each kind keeps what a series is by itself and breaks what ties it to others.

- "phase": the same spectrum, thus the same autocorrelation, with phases drawn anew.
- "shift": the same course, begun at another moment; what passes the end comes back at the start.
- "seasonal": the same mean at each position of the period, and departures from it with the same
  spectrum; what two series owe to a common season is then no evidence.
- "swap": the course of another subject; for panels of runs of equal length.

All are built run by run, a run being a stretch of steps without a border. They are drawn with the
same numbers for each column, so that a column has the same surrogates wherever it stands.

References
----------
.. [1] Ebisuzaki (1997). A method to estimate the statistical significance of a correlation when the
   data are serially correlated. doi:10.1175/1520-0442(1997)010<2147:AMTETS>2.0.CO;2
.. [2] Lancaster, Iatsenko, Pidde, Ticcinelli, Stefanovska (2018). Surrogate data for hypothesis
   testing of physical systems. doi:10.1016/j.physrep.2018.06.001
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from causalkit._core.series import Series
from causalkit.discovery.series.cross_mapping._cross_map import runs_of
from causalkit.errors import InputError
from causalkit.typing import FloatArray, IntArray

__all__ = ["SURROGATES", "check_surrogate", "surrogates"]

SURROGATES: Final = ("phase", "shift", "seasonal", "swap")
_FEWEST_RUNS = 5
_FEWEST_PERIODS = 3


def check_surrogate(kind: str, period: int | None, series: Series) -> None:
    """Check that these series have surrogates of this kind.

    Raises
    ------
    InputError
    """
    if (kind == "seasonal") != (period is not None):
        raise InputError(
            f"surrogate={kind!r} with period={period!r}; expected a period, in steps, for seasonal "
            "surrogates and none for others. Pass e.g. surrogate='seasonal', period=12."
        )
    lengths = [len(run) for run in runs_of(series)]
    if kind == "swap" and (len(lengths) < _FEWEST_RUNS or len(set(lengths)) > 1):
        raise InputError(
            f"surrogate='swap' exchanges subjects, and there are {len(lengths)} unbroken run(s) of "
            f"{min(lengths)} to {max(lengths)} steps; expected {_FEWEST_RUNS} or more of one "
            "length. Cut the subjects to one length, or use surrogate='phase'."
        )
    if period is None:
        return
    n_subjects = int(series.subject.max()) + 1
    if int((~series.follows).sum()) > n_subjects:
        raise InputError(
            "the series have gaps in time, so the position within the period is unknown after "
            "them; expected a row for each step for seasonal surrogates. Insert the missing steps "
            "with NaN in them."
        )
    if series.n_rows < _FEWEST_PERIODS * period * n_subjects:
        raise InputError(
            f"period={period} with {series.n_rows} rows; expected {_FEWEST_PERIODS} periods or "
            "more for seasonal surrogates. Use a shorter period, or surrogate='phase'."
        )


def surrogates(
    kind: str,
    column: FloatArray,
    series: Series,
    *,
    n_surrogates: int,
    period: int | None,
    rng: np.random.Generator,
) -> FloatArray:
    """Draw surrogates of one column.

    Parameters
    ----------
    column : ndarray of shape (n_rows,)
        Values of the series.
    series : Series
        Says where runs begin and end.

    Returns
    -------
    ndarray of shape (n_rows, n_surrogates)
        NaN in rows that have a hole.
    """
    runs = runs_of(series)
    drawn = np.full((len(column), n_surrogates), np.nan)
    if kind == "swap":
        _swapped(drawn, column, runs, rng)
        return drawn
    season = np.zeros(len(column))
    if period is not None:
        season = _season(column, series, period)
    for run in runs:
        if kind == "shift":
            drawn[run] = _shifted(column[run], n_surrogates, rng)
        else:
            departures = column[run] - season[run]
            drawn[run] = season[run, None] + _rephased(departures, n_surrogates, rng)
    return drawn


def _rephased(values: FloatArray, n_surrogates: int, rng: np.random.Generator) -> FloatArray:
    """Same amplitude at each frequency, another phase."""
    n = len(values)
    spectrum = np.fft.rfft(values)
    turns = np.exp(2j * np.pi * rng.random((n_surrogates, len(spectrum))))
    turns[:, 0] = 1.0  # the mean
    if n % 2 == 0:  # the highest frequency has a sign only
        turns[:, -1] = np.where(turns[:, -1].imag > 0, 1.0, -1.0)
    rephased: FloatArray = np.fft.irfft(turns * spectrum, n, axis=1).T
    return rephased


def _shifted(values: FloatArray, n_surrogates: int, rng: np.random.Generator) -> FloatArray:
    n = len(values)
    starts = rng.integers(1, max(n, 2), size=n_surrogates)
    shifted: FloatArray = values[(np.arange(n)[:, None] + starts) % n]
    return shifted


def _season(column: FloatArray, series: Series, period: int) -> FloatArray:
    """Mean of each subject at each position of the period; 0 where it was never seen."""
    first = np.searchsorted(series.subject, series.subject)
    position = (np.arange(len(column)) - first) % period
    place = series.subject * period + position
    whole = series.complete_before() >= 0
    counts = np.bincount(place[whole], minlength=place.max() + 1)
    sums = np.bincount(place[whole], column[whole], minlength=place.max() + 1)
    season: FloatArray = (sums / np.maximum(counts, 1))[place]
    return season


def _swapped(
    drawn: FloatArray, column: FloatArray, runs: Sequence[IntArray], rng: np.random.Generator
) -> None:
    """Give each run the course of another one."""
    rows = np.array(runs)
    for k in range(drawn.shape[1]):
        order = rng.permutation(len(runs))
        # Around a circle in a random order, nobody keeps his own.
        others = np.empty_like(order)
        others[order] = np.roll(order, 1)
        drawn[rows.ravel(), k] = column[rows[others].ravel()]
