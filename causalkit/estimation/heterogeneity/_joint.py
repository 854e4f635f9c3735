"""How wide several intervals must be to hold at once."""

from __future__ import annotations

from statistics import NormalDist
from typing import Final

import numpy as np

from causalkit.typing import FloatArray

__all__ = ["chi_square_tail", "joint_quantile"]

_DRAWS: Final = 20_000
"""So many that the 95 % quantile of a maximum is known to about 0.01."""


def joint_quantile(covariance: FloatArray, level: float) -> float:
    """Quantile of the largest |z| of normal estimates with this covariance.

    Estimates ± this many standard errors cover all their true values at once with probability
    `level`. Simulated from a fixed stream, so that it is the same each time; never below the
    quantile of one estimate alone.
    """
    alone = NormalDist().inv_cdf(0.5 + level / 2)
    spread = np.sqrt(np.diag(covariance))
    there = spread > 0
    if there.sum() < 2:
        return alone
    correlation = covariance[np.ix_(there, there)] / np.outer(spread[there], spread[there])
    values, vectors = np.linalg.eigh(correlation)
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    draws = np.random.default_rng(0).normal(size=(_DRAWS, len(values))) @ root.T
    return max(alone, float(np.quantile(np.abs(draws).max(axis=1), level)))


def chi_square_tail(estimates: FloatArray, covariance: FloatArray, df: float | None) -> float:
    """p-value of the hypothesis that all estimates are zero; with `df`, of the F distribution."""
    from scipy.stats import chi2, f

    rank = int(np.linalg.matrix_rank(covariance, hermitian=True))
    if rank == 0:
        return float("nan")
    statistic = float(estimates @ np.linalg.pinv(covariance, hermitian=True) @ estimates)
    if df is None:
        return float(chi2.sf(statistic, rank))
    return float(f.sf(statistic / rank, rank, df))
