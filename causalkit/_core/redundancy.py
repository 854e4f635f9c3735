"""Columns that follow exactly from other columns: copies, sums, the same in other units.

A search asks whether a column says something about another once its neighbours are known. Of two
copies each makes the other say nothing, so either may take the place of the other in a graph, and
what is found among the rest is broken. Nothing in the numbers tells which copy is the cause, so the
columns are named, and whoever knows what they mean leaves one out.

>>> from causalkit._core.table import as_table
>>> columns = {"a": [1.0, 2, 4, 8, 9], "b": [3.0, 1, 4, 1, 5], "c": [2.0, 7, 1, 8, 2]}
>>> redundant_groups(as_table({**columns, "sum": [4.0, 3, 8, 9, 14]}))
(('a', 'b', 'sum'),)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from causalkit._core.table import Table
from causalkit.typing import FloatArray, IntArray, Name

__all__ = ["copied_columns", "named_groups", "redundant_groups"]

_ZERO: Final = 1e-7
"""Singular value of standardised columns, as part of the largest, below which it is rounding."""

_ROUNDING: Final = 1e-12
"""Range of a column, as part of its largest value, below which it does not vary."""

_LINKED: Final = 1e-6
"""Entry of the projection onto the relations from which two columns are in one."""

_NEAR: Final = 1e-6
"""How far below one the correlation of two columns is that are as good as copies."""

_ROWS: Final = 5000
"""Rows that are looked at first."""

_FEWEST: Final = 10
"""Rows below which columns may be the same by chance."""

_SHOWN: Final = 5


def named_groups(groups: Sequence[tuple[Name, ...]]) -> str:
    """The first groups in words: `a, b and sum; d and cents`."""
    named = "; ".join(f"{', '.join(map(str, g[:-1]))} and {g[-1]}" for g in groups[:_SHOWN])
    more = f"; and {len(groups) - _SHOWN} more groups" if len(groups) > _SHOWN else ""
    return named + more


def redundant_groups(variables: Table) -> tuple[tuple[Name, ...], ...]:
    """Groups of columns of which each follows from the rest of its group.

    Parameters
    ----------
    variables : Table
        Numbers and columns with two values are compared by linear combinations, in the rows without
        an empty cell among them; columns with more categories by whether they are the same but for
        the names of the categories.

    Returns
    -------
    tuple of tuples of names
        Empty if there are none, and of numbers if there are too few rows to say. Columns that do
        not vary are in none.
    """
    many = [k for k, levels in enumerate(variables.levels) if levels and len(levels) > 2]
    numbers = [k for k in range(variables.n_columns) if k not in many]
    found = _combinations(variables.values, np.array(numbers, dtype=np.int64))
    found += _same_categories(variables.values, many)
    return tuple(tuple(variables.names[k] for k in group) for group in sorted(found))


def copied_columns(table: Table) -> tuple[tuple[Name, ...], ...]:
    """Groups of columns that are copies of each other, or as good as: a correlation of nearly one.

    Columns with more than two categories are compared by whether they are the same but for the
    names of the categories. Time is linear in the number of columns, unless many are alike.
    """
    many = [k for k, levels in enumerate(table.levels) if levels and len(levels) > 2]
    numbers = np.setdiff1d(np.arange(table.n_columns), many)
    groups = _near_copies(table.values, numbers)
    groups += _same_categories(table.values, many) if table.n_rows >= _FEWEST else []
    return tuple(tuple(table.names[k] for k in group) for group in sorted(groups))


def _near_copies(values: FloatArray, columns: IntArray) -> list[list[int]]:
    """Find pairs alike along two directions, and then look at all rows."""
    units, columns = _units(values[:: -(-len(values) // _ROWS)], columns)
    if len(units) < _FEWEST or len(columns) < 2:
        return []
    rng = np.random.default_rng(0)
    along = np.abs(rng.normal(size=(2, len(units))) @ units)
    order = np.argsort(along[0])
    along, within = along[:, order], 6 * np.sqrt(2 * _NEAR)  # six standard deviations
    alike: list[tuple[int, int]] = []
    for step in range(1, len(columns)):
        apart = np.abs(along[:, step:] - along[:, :-step])
        if not (apart[0] < within).any():
            break
        for k in np.flatnonzero((apart < within).all(axis=0)).tolist():
            i, j = int(columns[order[k]]), int(columns[order[k + step]])
            pair, kept = _units(values, np.array([i, j]))
            if len(kept) == 2 and abs(pair[:, 0] @ pair[:, 1]) > 1 - _NEAR:
                alike.append((i, j))
    return _connected(alike)


def _units(values: FloatArray, columns: IntArray) -> tuple[FloatArray, IntArray]:
    """Columns that vary, centred and of length one, in the rows without an empty cell."""
    known = values[:, columns]
    known = known[~np.isnan(known).any(axis=1)]
    if not len(known):
        return known, columns
    vary = np.ptp(known, axis=0) > _ROUNDING * np.abs(known).max(axis=0)
    columns, known = columns[vary], known[:, vary]
    known = known / np.abs(known).max(axis=0, initial=0.0)  # no overflow in what follows
    known = known - known.mean(axis=0)
    return known / np.linalg.norm(known, axis=0), columns


def _connected(pairs: list[tuple[int, int]]) -> list[list[int]]:
    """Groups that hang together by these pairs."""
    groups: list[set[int]] = []
    for pair in pairs:
        touched = [group for group in groups if group & set(pair)]
        groups = [group for group in groups if group not in touched]
        groups.append(set(pair).union(*touched))
    return [sorted(group) for group in groups]


def _combinations(values: FloatArray, columns: IntArray) -> list[list[int]]:
    """The finest groups into which the linear relations among the columns fall apart."""
    known = values[:, columns]
    known = known[~np.isnan(known).any(axis=1)]
    if len(known) <= len(columns):  # so few rows that there are relations among any columns
        return []
    vary = np.ptp(known, axis=0) > _ROUNDING * np.abs(known).max(axis=0)
    from scipy.linalg import qr
    from scipy.sparse.csgraph import connected_components

    known = known - known.mean(axis=0)
    columns, known = columns[vary], known[:, vary]
    if len(columns) < 2:
        return []
    (triangle,) = qr(known / np.linalg.norm(known, axis=0), mode="r")
    _, singular, directions = np.linalg.svd(triangle[: len(columns)])
    none = directions[singular <= _ZERO * singular[0]]
    linked = np.abs(none.T @ none) > _LINKED  # the projection onto relations keeps groups apart
    n_groups, group_of = connected_components(linked, directed=False)
    groups = [columns[group_of == k].tolist() for k in range(n_groups)]
    return [group for group in groups if len(group) > 1]


def _same_categories(values: FloatArray, columns: list[int]) -> list[list[int]]:
    """Columns with the same cells together, by the order in which categories are first seen."""
    alike: dict[bytes, list[int]] = {}
    for k in columns:
        _, first, code = np.unique(values[:, k], return_index=True, return_inverse=True)
        alike.setdefault(first[code].tobytes(), []).append(k)
    return [group for group in alike.values() if len(group) > 1]
