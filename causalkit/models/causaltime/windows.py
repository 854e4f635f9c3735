"""Windows of real series to learn from, and blocks of time that only judge.

A window is a step and the `max_lag` steps before it. By default only windows without a missing cell
count and nothing is filled in. Where gaps are so scattered that few are whole, `missing="carry"`
carries the last value seen on to later steps, for what a network *reads*; a cell that is missing is
never a target that it learns from or is judged by.

Some blocks of time are left to judge by, evenly spread, and no window that is learnt from shares a
step with one that judges.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from causalkit._core.checks import refuse_constant
from causalkit._core.series import Series
from causalkit.errors import InputError
from causalkit.typing import BoolArray, FloatArray, IntArray

__all__ = ["MISSING", "Windows", "linear_forecasts", "read_windows"]

MISSING: Final = ("drop", "carry")
_FEWEST: Final = 40
_MOST_BLOCKS: Final = 40


@dataclass(frozen=True, slots=True, eq=False)
class Windows:
    """Steps and what came before them, each series in its own standard deviations, mean 0.

    Attributes
    ----------
    now : ndarray of shape (n, p)
        0 where it is missing.
    past : ndarray of shape (n, max_lag, p)
        The last step first.
    seen : ndarray of bool, shape (n, p)
        Where `now` is no missing cell.
    learnt, judged : ndarrays of int
        Rows to learn from, and rows to judge by.
    mean, scale : ndarrays of shape (p,)
        Of the rows that are learnt from.
    low, high : ndarrays of shape (p,)
        Range of the rows that are learnt from, in these units.
    """

    now: FloatArray
    past: FloatArray
    seen: BoolArray
    learnt: IntArray
    judged: IntArray
    mean: FloatArray
    scale: FloatArray
    low: FloatArray
    high: FloatArray


def read_windows(series: Series, max_lag: int, *, missing: str, share: float, who: str) -> Windows:
    """Cut series into windows.

    Parameters
    ----------
    series : Series
    max_lag : int
    missing : {"drop", "carry"}
    share : float
        Of the steps that judge.
    who : str
        For error messages.

    Raises
    ------
    InputError
        If there are too few windows, or a series is constant.
    """
    observed = ~np.isnan(series.table.values)
    if missing == "carry":
        series = series.with_values(_carried(series))
    rows = np.sort(series.usable(max_lag))
    learnt, judged = _blocks(rows, max_lag, share)
    if min(len(learnt), 4 * len(judged)) < _FEWEST:
        holes = int((~observed).any(axis=1).sum())
        also = ", missing='carry'" if missing == "drop" and holes else ""
        raise InputError(
            f"{who} has {len(learnt)} windows of {max_lag + 1} steps to learn from and "
            f"{len(judged)} to be judged by, of {series.n_rows} rows of which {holes} have a "
            f"missing cell; expected {_FEWEST} and {_FEWEST // 4} at least. Use a smaller "
            f"max_lag{also}, or longer series."
        )
    p = len(series.names)
    lagged = series.lagged(max_lag, rows).reshape(len(rows), max_lag + 1, p)
    seen = observed[rows]
    values = np.where(seen, lagged[:, 0], np.nan)[learnt]
    if (np.sum(~np.isnan(values), axis=0) < _FEWEST // 2).any():
        raise InputError(
            f"a series has fewer than {_FEWEST // 2} values to learn from; expected more. Leave "
            "it out, or bring longer series."
        )
    units = np.maximum(np.nanmax(np.abs(values), axis=0), 1e-300)  # no overflow in what follows
    mean, scale = units * np.nanmean(values / units, axis=0), np.nanstd(values / units, axis=0)
    flat, scale = ~(scale > 1e-12), units * scale
    refuse_constant([series.names[k] for k in np.flatnonzero(flat)], who=who)
    lagged = (lagged - mean) / scale
    low, high = (
        (np.nanmin(values, axis=0) - mean) / scale,
        (np.nanmax(values, axis=0) - mean) / scale,
    )
    now = np.where(seen, lagged[:, 0], 0.0)
    return Windows(now, lagged[:, 1:], seen, learnt, judged, mean, scale, low, high)


def _carried(series: Series) -> FloatArray:
    """Values with the last one seen in place of a missing one, within an unbroken run."""
    values = series.table.values
    row = np.arange(len(values))[:, None]
    last = np.maximum.accumulate(np.where(np.isnan(values), -1, row), axis=0)
    begins = np.maximum.accumulate(np.where(series.follows, 0, row[:, 0]))
    known = last >= begins[:, None]
    return np.where(known, np.take_along_axis(values, np.maximum(last, 0), axis=0), np.nan)


def _blocks(rows: IntArray, max_lag: int, share: float) -> tuple[IntArray, IntArray]:
    """Positions to learn from and to judge by; their windows share no step."""
    each = int(np.ceil(1.0 / share))
    # Blocks many times as long as the gaps between them, which are lost.
    n_groups = int(np.clip(len(rows) // (each * 8 * (max_lag + 1)), 1, _MOST_BLOCKS // each))
    block = np.arange(len(rows)) * (each * n_groups) // max(len(rows), 1)
    # One more block whenever the share of those so far rounds to one more.
    judging = np.floor((block + 1) * share + 0.5) > np.floor(block * share + 0.5)
    place = np.flatnonzero(judging)
    if not len(place):
        return np.arange(len(rows)), place
    judges = rows[place]
    after = np.minimum(np.searchsorted(judges, rows), len(judges) - 1)
    before = np.maximum(np.searchsorted(judges, rows, side="right") - 1, 0)
    near = np.minimum(np.abs(judges[after] - rows), np.abs(rows - judges[before]))
    return np.flatnonzero(near > max_lag), place


def linear_forecasts(windows: Windows, mask: BoolArray, *, ridge: float = 1e-3) -> FloatArray:
    """Fit a line to each series through what its mask lets in.

    Parameters
    ----------
    windows : Windows
    mask : ndarray of bool, shape (max_lag, p, p)
    ridge : float
        Price of squared slopes, for each window.

    Returns
    -------
    ndarray of shape (p, max_lag * p)
    """
    p = windows.now.shape[1]
    past = windows.past[windows.learnt].reshape(len(windows.learnt), -1)
    lines = np.zeros((p, past.shape[1]))
    for effect in range(p):
        reads = np.flatnonzero(mask[:, :, effect].ravel())
        seen = windows.seen[windows.learnt, effect]
        X, y = past[np.ix_(seen, reads)], windows.now[windows.learnt[seen], effect]
        gram = X.T @ X + ridge * len(X) * np.eye(len(reads))
        lines[effect, reads] = np.linalg.solve(gram, X.T @ y)
    return lines
