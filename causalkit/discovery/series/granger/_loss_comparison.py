"""Does one forecast beat another? Losses of the same steps, compared."""

from __future__ import annotations

from typing import Final

import numpy as np

from causalkit.typing import BoolArray, FloatArray, IntArray

__all__ = ["compared", "gains", "in_words", "times_of"]

_NOTHING: Final = 1e-12


def gains(without: FloatArray, using: FloatArray) -> FloatArray:
    """Log of the ratio of mean losses, of each column.

    Parameters
    ----------
    without, using : ndarrays of shape (n, m)
        Losses without and with what is asked about.
    """
    means = (np.maximum(losses.mean(axis=0), _NOTHING) for losses in (without, using))
    more, less = map(np.log, means)
    return np.asarray(more - less, dtype=np.float64)


def in_words(gain: float) -> str:
    """A gain as people read it.

    Examples
    --------
    >>> in_words(np.log(1.25)), in_words(np.log(0.9))
    ('25.0% larger', '10.0% smaller')
    """
    share = np.expm1(gain)
    return f"{abs(share):.1%} {'larger' if share > 0 else 'smaller'}"


def compared(excess: FloatArray, times: IntArray) -> FloatArray:
    """p-values that mean excess losses are no larger than zero (Diebold and Mariano).

    Parameters
    ----------
    excess : ndarray of shape (n, m)
        Loss without less loss with what is asked about.
    times : ndarray of int, shape (n,)
        When each step was; steps of different runs are far apart.

    Notes
    -----
    The variance of a mean of autocorrelated numbers is that of Newey and West (1987), with about
    ``0.75 n^(1/3)`` lags, and the distribution Student's.
    """
    from scipy.special import stdtr

    n, n_lags = len(excess), int(0.75 * len(excess) ** (1 / 3)) + 1
    mean = excess.mean(axis=0)
    spread = np.zeros((int(times[-1]) + 1, excess.shape[1]))
    spread[times] = excess - mean
    variance = np.einsum("ij,ij->j", spread, spread)
    for lag in range(1, n_lags):
        near = np.einsum("ij,ij->j", spread[lag:], spread[:-lag])
        variance += 2.0 * (1.0 - lag / n_lags) * near
    error = np.sqrt(np.maximum(variance, _NOTHING)) / n
    p_values: FloatArray = stdtr(n - 1, -mean / error)
    return p_values


def times_of(rows: IntArray, follows: BoolArray) -> IntArray:
    """Number steps so that steps of different unbroken runs are too far apart to be compared."""
    runs = np.cumsum(~follows)[rows]
    times: IntArray = rows - rows[0] + (runs - runs[0]) * (int(len(rows) ** (1 / 3)) + 2)
    return times
