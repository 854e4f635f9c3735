"""How well a number per variable sorts causes before their effects."""

from __future__ import annotations

import numpy as np

from causalkit.typing import BoolArray, FloatArray

__all__ = ["order_alignment"]

_TIE = 1e-9


def order_alignment(directed: BoolArray, numbers: FloatArray) -> float:
    """Share of directed paths along which the number rises; a tie counts half.

    Parameters
    ----------
    directed : ndarray of bool, shape (p, p)
        `directed[i, j]` is `i -> j`; acyclic.
    numbers : ndarray of shape (p,)
        Positive.

    Returns
    -------
    float
        1 if the numbers sort causes before effects, about 1/2 if they say nothing, 0 if they sort
        effects before causes; NaN without edges. Of each length, a pair of variables that a path of
        that length joins counts once.
    """
    logs = np.log(numbers)
    rise = logs - logs[:, None]
    sorted_right = (rise > _TIE) + 0.5 * (np.abs(rise) <= _TIE)
    right = total = 0.0
    reach = directed
    for _ in range(len(directed) - 1):
        if not reach.any():
            break
        right += float(sorted_right[reach].sum())
        total += float(reach.sum())
        reach = (reach.astype(np.float32) @ directed.astype(np.float32)) > 0
    return right / total if total else float("nan")
