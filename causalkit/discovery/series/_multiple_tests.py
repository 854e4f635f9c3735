"""p-values corrected for the number of links that were tested."""

from __future__ import annotations

from typing import Final

import numpy as np

from causalkit.typing import BoolArray, FloatArray

__all__ = ["CORRECTIONS", "corrected"]

CORRECTIONS: Final = (None, "bh", "by", "holm", "bonferroni")
_NAMES: Final = {"bh": "fdr_bh", "by": "fdr_by", "holm": "holm", "bonferroni": "bonferroni"}


def corrected(p_values: FloatArray, asked: BoolArray, correction: str | None) -> FloatArray:
    """Adjusted p-values of all that was asked; of a step, the same both ways round.

    Parameters
    ----------
    p_values : ndarray of shape (n_lags, p, p)
        NaN where a test had nothing to say; it counts as a test.
    asked : ndarray of bool, of the same shape
        Tests, each once.
    correction : {None, "bh", "by", "holm", "bonferroni"}
    """
    if correction is None:
        return p_values.copy()
    from statsmodels.stats.multitest import multipletests

    result = np.full_like(p_values, np.nan)
    known = np.nan_to_num(p_values[asked], nan=1.0)
    if len(known):
        result[asked] = multipletests(known, method=_NAMES[correction])[1]
    result[0] = np.where(asked[0], result[0], result[0].T)
    return np.where(np.isnan(p_values), np.nan, result)
