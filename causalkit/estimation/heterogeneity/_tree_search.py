"""The best shallow tree of decisions, found by looking at all of them.

Rows carry one score for each action; a tree is worth the sum, over its leaves, of the best action's
scores there. Two levels deep, every pair of a root and a second split is looked at, but the rows
only once for each pair of columns: their scores are summed into a table of cells (bin of the one
column, bin of the other), and all thresholds of both are differences of its cumulative sums. That
is p² (n + B²) steps for p columns with B bins, in place of p² B² n.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from causalkit.typing import BoolArray, FloatArray, IntArray

__all__ = ["Leaf", "Split", "best_tree"]

_NOTICEABLE = 1e-9
"""A split must gain more than this share of the sum of all scores' sizes: rounding gains nothing.
"""


@dataclass(frozen=True, slots=True)
class Leaf:
    """Everyone here gets one action."""

    action: int


@dataclass(frozen=True, slots=True)
class Split:
    """Rows with a bin of at most `cut` go left."""

    column: int
    cut: int
    left: Leaf | Split
    right: Leaf | Split


def best_tree(
    codes: IntArray, n_bins: IntArray, scores: FloatArray, depth: int, min_leaf: int
) -> tuple[Leaf | Split, float]:
    """Return the tree with the largest sum of scores, and that sum.

    Exact for a depth of at most two; deeper trees take the root of the best tree of depth two, and
    continue so on both sides.

    Parameters
    ----------
    codes : ndarray of int, shape (n, p)
        Bin of each value.
    n_bins : ndarray of int, shape (p,)
    scores : ndarray of shape (n, k)
    depth : int
    min_leaf : int
        Rows that a leaf has at least.
    """
    least = _NOTICEABLE * float(np.abs(scores).sum())
    # Rows are counted along with their scores, in a last column.
    counted = np.column_stack([scores, np.ones(len(scores))])
    return _grown(codes, n_bins, counted, depth, min_leaf, least)


def _grown(
    codes: IntArray, n_bins: IntArray, counted: FloatArray, depth: int, min_leaf: int, least: float
) -> tuple[Leaf | Split, float]:
    leaf, value = _leaf(counted)
    if depth == 0:
        return leaf, value
    find = _best_stump if depth == 1 else _best_root
    column, cut, found = find(codes, n_bins, counted, min_leaf)
    if found <= value + least:
        return leaf, value
    left = codes[:, column] <= cut
    sides = [
        _grown(codes[side], n_bins, counted[side], depth - 1, min_leaf, least)
        for side in (left, ~left)
    ]
    return Split(column, cut, sides[0][0], sides[1][0]), sides[0][1] + sides[1][1]


def _leaf(counted: FloatArray) -> tuple[Leaf, float]:
    sums = counted[:, :-1].sum(axis=0)
    return Leaf(int(sums.argmax())), float(sums.max())


def _best_stump(
    codes: IntArray, n_bins: IntArray, counted: FloatArray, min_leaf: int
) -> tuple[int, int, float]:
    """Column and cut of the best split into two leaves, and what it is worth."""
    best = (0, 0, -np.inf)
    for column, bins in enumerate(n_bins.tolist()):
        table = _cells(codes[:, column], bins, counted)
        values = _split_values(table[None], min_leaf)[0]
        if len(values) and values.max() > best[2]:
            best = (column, int(values.argmax()), float(values.max()))
    return best


def _best_root(
    codes: IntArray, n_bins: IntArray, counted: FloatArray, min_leaf: int
) -> tuple[int, int, float]:
    """Column and cut of the root of the best tree of depth two, and what that tree is worth."""
    best = (0, 0, -np.inf)
    for column, bins in enumerate(n_bins.tolist()):
        if bins < 2:
            continue
        below = np.cumsum(_cells(codes[:, column], bins, counted), axis=0)
        sides = [below[:-1], below[-1] - below[:-1]]
        # Each side may stay a leaf, or be split by any column.
        values = [side[:, :-1].max(axis=1) for side in sides]
        for second, others in enumerate(n_bins.tolist()):
            if others < 2:
                continue
            cell = codes[:, column] * others + codes[:, second]
            table = _cells(cell, bins * others, counted).reshape(bins, others, -1)
            under = np.cumsum(table, axis=0)
            for k, part in enumerate((under[:-1], under[-1] - under[:-1])):
                values[k] = np.maximum(values[k], _split_values(part, min_leaf).max(axis=1))
        enough = _enough(sides[0][:, -1], min_leaf) & _enough(sides[1][:, -1], min_leaf)
        total = np.where(enough, values[0] + values[1], -np.inf)
        if total.max() > best[2]:
            best = (column, int(total.argmax()), float(total.max()))
    return best


def _cells(cell: IntArray, n_cells: int, counted: FloatArray) -> FloatArray:
    """Sums of the columns within each cell, shape (n_cells, k + 1)."""
    sums = [np.bincount(cell, weights=column, minlength=n_cells) for column in counted.T]
    return np.column_stack(sums)


def _split_values(table: FloatArray, min_leaf: int) -> FloatArray:
    """Worth of each cut of the second axis, shape (m, bins − 1), from sums (m, bins, k + 1)."""
    below = np.cumsum(table, axis=1)
    left, right = below[:, :-1], below[:, -1:] - below[:, :-1]
    values = left[..., :-1].max(axis=-1) + right[..., :-1].max(axis=-1)
    enough = _enough(left[..., -1], min_leaf) & _enough(right[..., -1], min_leaf)
    result: FloatArray = np.where(enough, values, -np.inf)
    return result


def _enough(count: FloatArray, min_leaf: int) -> BoolArray:
    """Whether so many rows are there; counts that were subtracted are whole up to rounding."""
    there: BoolArray = count > min_leaf - 0.5
    return there
