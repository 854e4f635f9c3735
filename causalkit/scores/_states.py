"""What compiled searches hold of a score: plain tuples of arrays, without a method.

A search is written once and compiled for each of these kinds; `_path_kernels.py` says what each of
them answers.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from causalkit.typing import FloatArray, IntArray

__all__ = [
    "CELLS_PER_ROW",
    "CalledState",
    "Counted",
    "CountedState",
    "GaussianState",
    "Paths",
    "Rule",
    "State",
]

CELLS_PER_ROW: Final = 4
"""Cells of a full table for each row, beyond which only those that occur are numbered."""

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


class Counted(NamedTuple):
    """A table of categories, ready to be counted.

    Attributes
    ----------
    codes : ndarray of int32, shape (p, n)
        Level of each cell, from 0.
    levels : ndarray of int, shape (p,)
        Number of levels of each column.
    """

    codes: NDArray[np.int32]
    levels: IntArray


class Rule(NamedTuple):
    """Which score: Bayesian, with an equivalent sample size; or BIC, with a price a parameter."""

    bayesian: bool
    strength: float


class CountedState(NamedTuple):
    """A score that is a sum over the cells of a table of counts.

    A node given its parents has the fit of all of them together less that of the parents alone,
    so what is kept are fits of sets, by two numbers of 64 random bits each that stand for a set:
    those of its members, and of no set, combined by exclusive or.

    Attributes
    ----------
    data : Counted
    rule : Rule
    key : ndarray of uint64, shape (p + 1, 2)
        Random bits of each column; last, those of the empty set.
    kept : ndarray of uint64, shape (2**b, 4)
        Sets of which the fit is known, in the first two columns; zeros where there is none.
    fit : ndarray of shape (2**b, 4)
        The same memory as real numbers; in the third column, what their cells add up to.
    cells : ndarray of int32, shape (3, n)
    counts : ndarray of int32, shape (3, CELLS_PER_ROW * n)
    frequency : ndarray of int32
    family : ndarray of int, shape (p + 1,)
        Scratch; frequencies are zero before and after.
    """

    data: Counted
    rule: Rule
    key: NDArray[np.uint64]
    kept: NDArray[np.uint64]
    fit: FloatArray
    cells: NDArray[np.int32]
    counts: NDArray[np.int32]
    frequency: NDArray[np.int32]
    family: IntArray


class CalledState(NamedTuple):
    """A score that is Python code; compiled code calls it back."""

    ask: Any


State = GaussianState | CountedState | CalledState


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
