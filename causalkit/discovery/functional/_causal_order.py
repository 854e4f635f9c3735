"""A causal order, last variable first, that obeys what is known."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from causalkit.typing import BoolArray, FloatArray

__all__ = ["leaves_first", "possible_leaves"]


def possible_leaves(left: Sequence[int], forbidden: BoolArray, required: BoolArray) -> list[int]:
    """Variables that may be the last of those left.

    None of the others may be a required effect. Of these, those with the fewest others that cannot
    be a cause but can be an effect: tiers are kept, and as many forbidden edges as can be are
    prevented by the order rather than cut out of it.

    Parameters
    ----------
    left : sequence of int
    forbidden, required : ndarrays of bool, shape (p, p)
        Edges `i -> j`.
    """
    rest = np.array(left)
    free = rest[~required[np.ix_(rest, rest)].any(axis=1)]
    effects_only = forbidden.T & ~forbidden
    n_later = effects_only[np.ix_(free, rest)].sum(axis=1)
    return [int(k) for k in free[n_later == n_later.min()]]


def leaves_first(
    p: int,
    height: Callable[[list[int], list[int]], FloatArray],
    forbidden: BoolArray,
    required: BoolArray,
) -> list[int]:
    """Take away one leaf after the other; return the causal order, causes first.

    Parameters
    ----------
    p : int
        Number of variables.
    height : callable
        Of (those left, candidates): how little each candidate looks like a leaf.
    forbidden, required : ndarrays of bool, shape (p, p)
    """
    left, order = list(range(p)), []
    while len(left) > 1:
        candidates = possible_leaves(left, forbidden, required)
        leaf = candidates[0]
        if len(candidates) > 1:
            leaf = candidates[int(np.argmin(height(left, candidates)))]
        order.append(leaf)
        left.remove(leaf)
    return [*left, *order[::-1]]
