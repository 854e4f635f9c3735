"""A classification tree read aloud: which rows a leaf holds, by what leads there.

The path to a leaf is a list of cuts, `age > 61`, several of which may be of one column and are then
read as one, `20 < age <= 30`. Where both sides of a cut lead to the same class, the cut says
nothing, and its leaves are one part. A column of zeros and ones reads `smoker = 1`, an indicator of
a category `region = south`.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np

from causalkit._core.report import format_value
from causalkit.estimation.problem import Problem

__all__ = ["Condition", "Part", "in_words", "parts_of"]

MAJORITY = 0.5
"""Share of the rows of a leaf that makes their class that of the leaf."""

Condition: TypeAlias = tuple[int, float, bool]
"""Column, bound, and whether above it."""

Part: TypeAlias = tuple[tuple[int, ...], tuple[Condition, ...], int | None]
"""Leaves, what leads there, and the place of their class; None without a majority."""


def parts_of(tree: Any, node: int = 0, conditions: tuple[Condition, ...] = ()) -> list[Part]:
    """Leaves, what leads there, and the class of most rows; leaves of one class are merged."""
    left, right = int(tree.children_left[node]), int(tree.children_right[node])
    if left < 0:
        shares = tree.value[node][0] / tree.value[node][0].sum()
        place = int(np.argmax(shares)) if shares.max() > MAJORITY else None
        return [((node,), conditions, place)]
    column, cut = int(tree.feature[node]), float(tree.threshold[node])
    below = parts_of(tree, left, (*conditions, (column, cut, False)))
    above = parts_of(tree, right, (*conditions, (column, cut, True)))
    parts = below + above
    kinds = {place for _, _, place in parts}
    if len(kinds) > 1:
        return parts
    return [(tuple(leaf for leaves, _, _ in parts for leaf in leaves), conditions, kinds.pop())]


def in_words(conditions: tuple[Condition, ...], problem: Problem) -> str:
    """Conditions in words, one for each column, in the order of the tree."""
    bounds: dict[int, tuple[float, float]] = {}
    for column, cut, above in conditions:
        low, high = bounds.get(column, (-np.inf, np.inf))
        bounds[column] = (max(low, cut), high) if above else (low, min(high, cut))
    parts = [_condition(problem, column, *ends) for column, ends in bounds.items()]
    return " and ".join(parts) or "everywhere"


def _condition(problem: Problem, column: int, low: float, high: float) -> str:
    """`age > 61`, `20 < age <= 30`, `smoker = 1`, or for an indicator `region = south`."""
    label, values = problem.adjustment[column], problem.X[:, column]
    source, _, level = label.partition("=")
    if np.isin(values, (0.0, 1.0)).all():
        above = np.isfinite(low)
        if level:
            return f"{source} {'=' if above else '≠'} {level}"
        return f"{label} = {int(above)}"
    if np.isinf(low):
        return f"{label} <= {format_value(high)}"
    if np.isinf(high):
        return f"{label} > {format_value(low)}"
    return f"{format_value(low)} < {label} <= {format_value(high)}"
