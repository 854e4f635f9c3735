"""Whether several estimates could all be zero."""

from __future__ import annotations

import numpy as np

from causalkit.typing import FloatArray

__all__ = ["chi_square_tail"]


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
