"""Convergence of random walks: have they forgotten where they began, how much are draws worth.

Each chain is cut in two, so that a drift counts as a difference between chains. R-hat compares the
spread of all draws with that within the halves: near 1 if they tell the same. The effective size is
the number of independent draws whose mean would be as sure; it sums autocorrelations up to where
pairs of them are no longer positive (Geyer).

References
----------
Vehtari, Gelman, Simpson, Carpenter and Bürkner (2021), "Rank-normalization, folding, and
localization: an improved R-hat for assessing convergence of MCMC", doi:10.1214/20-BA1221.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from causalkit._core.report import Report, Reported
from causalkit.typing import FloatArray, Name

__all__ = ["Convergence", "effective_size", "r_hat"]

_STILL = 1e-12
"""Variance that counts as none."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Convergence(Reported):
    """Whether the chains agree.

    Attributes
    ----------
    n_chains, n_draws : int
        Draws of each chain.
    score_r_hat, score_size : float
        R-hat and effective size of the log-weight of the order.
    edge_r_hat, edge_size : ndarray of shape (p, p)
        Of the probability of each edge given the order, in the order of the data.
    doubtful : tuple of (name, name)
        Edges, as (cause, effect), on which the chains differ.
    outside : float
        Share of the variables of the sampled DAGs with a parent that is not among the candidates.
        If it is not small, take more candidates.
    """

    n_chains: int
    n_draws: int
    score_r_hat: float
    score_size: float
    edge_r_hat: FloatArray
    edge_size: FloatArray
    doubtful: tuple[tuple[Name, Name], ...]
    outside: float

    def _report(self) -> Report:
        return Report(
            f"{self.n_chains} chains of {self.n_draws} draws",
            facts=[
                ("R-hat of the log-weight", self.score_r_hat),
                ("its effective size", self.score_size),
                ("least effective size of an edge", float(np.min(self.edge_size))),
                ("edges on which chains differ", len(self.doubtful)),
                ("parents outside the candidates", f"{self.outside:.2%}"),
            ],
        )


def r_hat(draws: FloatArray) -> FloatArray:
    """Ratio of the spread of all draws to that within half chains.

    Parameters
    ----------
    draws : ndarray of shape (n_chains, n_draws, ...)

    Returns
    -------
    ndarray of shape (...)
        1 where nothing moves; NaN of fewer than 4 draws a chain.
    """
    halves = _halves(draws)
    n = halves.shape[1]
    if n < 2:
        return np.full(draws.shape[2:], np.nan)
    within, both = _variances(halves)
    ratio = np.sqrt(both / np.where(within > _STILL, within, np.nan))
    # Halves that stand still, each elsewhere, will never agree.
    return np.where(within > _STILL, ratio, np.where(both > _STILL, np.inf, 1.0))


def effective_size(draws: FloatArray) -> FloatArray:
    """Number of independent draws that would give as sure a mean.

    Parameters
    ----------
    draws : ndarray of shape (n_chains, n_draws, ...)

    Returns
    -------
    ndarray of shape (...)
        All draws where nothing moves; NaN of fewer than 4 draws a chain.
    """
    halves = _halves(draws)
    m, n = halves.shape[:2]
    if n < 2:
        return np.full(draws.shape[2:], np.nan)
    within, both = _variances(halves)
    moves = both > _STILL
    covariance = _autocovariance(halves).mean(axis=0)
    scale = np.where(moves, both, 1.0)
    rho = 1.0 - (within - covariance * n / (n - 1)) / scale
    pairs = rho[: n // 2 * 2].reshape(n // 2, 2, *rho.shape[1:]).sum(axis=1)
    positive = np.logical_and.accumulate(pairs > 0, axis=0)
    positive[0] = True  # of the first pair, the one is certain
    pairs[0] = np.maximum(pairs[0], 1e-3)
    pairs = np.minimum.accumulate(np.where(positive, pairs, 0.0), axis=0)
    length = -1.0 + 2.0 * pairs.sum(axis=0)
    size = m * n / np.maximum(length, 1.0 / np.log10(max(m * n, 10)))
    return np.where(moves, size, float(m * n))


def _halves(draws: FloatArray) -> FloatArray:
    n = draws.shape[1] // 2
    return np.concatenate((draws[:, :n], draws[:, draws.shape[1] - n :]))


def _variances(halves: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Mean variance within halves, and the variance that all of them together speak for."""
    n = halves.shape[1]
    within = halves.var(axis=1, ddof=1).mean(axis=0)
    between = halves.mean(axis=1).var(axis=0, ddof=1)
    return within, within * (n - 1) / n + between


def _autocovariance(halves: FloatArray) -> FloatArray:
    """Of each half, by lag, shape (n_halves, n, ...)."""
    n = halves.shape[1]
    off = halves - halves.mean(axis=1, keepdims=True)
    length = 1 << (2 * n - 1).bit_length()
    spectrum = np.abs(np.fft.rfft(off, length, axis=1)) ** 2
    found: FloatArray = np.fft.irfft(spectrum, length, axis=1)[:, :n] / n
    return found
