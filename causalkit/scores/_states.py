"""What compiled searches hold of a score: plain tuples of arrays, without a method.

A search is written once and compiled for each of these kinds; `_path_kernels.py` says what each of
them answers.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np

from causalkit.typing import FloatArray, IntArray

__all__ = ["CalledState", "GaussianState", "Paths", "State"]

_PATH_NUMBERS: Final = 2**28
"""Numbers in all slots together; of most only the first few are ever touched."""


class GaussianState(NamedTuple):
    """A score that is a function of correlations and of the number of parents.

    A node with k parents has `-n / 2 * log(unexplained share of its variance) - cost[k]`. Nodes may
    have correlations and rows of their own, for rows in which some nodes were intervened upon.

    Attributes
    ----------
    corr : ndarray of shape (n_groups, p, p)
    group : ndarray of int, shape (p,)
        Which correlations are those of a node.
    n : ndarray of shape (n_groups,)
        Rows behind each.
    cost : ndarray of shape (p + 1,)
        Penalty by number of parents.
    """

    corr: FloatArray
    group: IntArray
    n: FloatArray
    cost: FloatArray


class CalledState(NamedTuple):
    """A score that is Python code; compiled code calls it back."""

    ask: Any


State = GaussianState | CalledState


class Paths(NamedTuple):
    """Room for what is known of all columns given the parents chosen so far, in their order.

    Node v has slot `v % n_slots`, so that a node may take up its path where it was.

    Attributes
    ----------
    rows : ndarray of shape (n_slots, depth, p)
        Covariances of all columns with each parent, given the parents before it, in units of the
        parent's own remaining standard deviation: rows of a Cholesky factor.
    left : ndarray of shape (n_slots, depth + 1, p)
        Variance of each column that the first parents leave.
    shared : ndarray of shape (n_slots, depth + 1, p)
        Covariance of each column with the node that they leave.
    square : ndarray of shape (depth + 1, depth + 1)
    weights : ndarray of shape (depth + 1,)
        Scratch.
    """

    rows: FloatArray
    left: FloatArray
    shared: FloatArray
    square: FloatArray
    weights: FloatArray

    @classmethod
    def of(cls, state: State, depth: int, n_columns: int) -> Paths:
        """Make room for at most `depth` parents; pages that are never touched cost nothing."""
        d, p = (depth, n_columns) if isinstance(state, GaussianState) else (0, 0)
        slots = min(max(n_columns, 1), max(1, _PATH_NUMBERS // (3 * (d + 1) * max(p, 1))))
        return cls(
            np.empty((slots, d, p)),
            np.empty((slots, d + 1, p)),
            np.empty((slots, d + 1, p)),
            np.empty((d + 1, d + 1)),
            np.empty(d + 1),
        )
