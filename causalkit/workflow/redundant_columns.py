"""Columns that follow exactly from other columns: copies, sums, the same in other units.

A search asks whether a column says something about another once its neighbours are known. Of two
copies each makes the other say nothing, so either may take the place of the other in a graph, and a
graph in which both are parents of a column has no score. The graphs that remain are then fewer than
the data leave possible, and an interval over them may be too short. Nothing in the numbers tells
which copy is the cause, so the columns are named, and whoever knows what they mean leaves one out.

>>> from causalkit._core.table import as_table
>>> columns = {"a": [1.0, 2, 4, 8, 9], "b": [3.0, 1, 4, 1, 5], "c": [2.0, 7, 1, 8, 2]}
>>> redundant_groups(as_table({**columns, "sum": [4.0, 3, 8, 9, 14]}))
(('a', 'b', 'sum'),)
"""

from __future__ import annotations

from typing import Final

import numpy as np
from scipy.linalg import qr
from scipy.sparse.csgraph import connected_components

from causalkit._core.table import Table
from causalkit.typing import FloatArray, IntArray, Name
from causalkit.workflow.notes import Note

__all__ = ["redundant_columns_note", "redundant_groups"]

_ZERO: Final = 1e-7
"""Singular value of standardised columns, as part of the largest, below which it is rounding."""

_ROUNDING: Final = 1e-12
"""Range of a column, as part of its largest value, below which it does not vary."""

_LINKED: Final = 1e-6
"""Entry of the projection onto the relations from which two columns are in one."""

_SHOWN: Final = 5


def redundant_columns_note(variables: Table) -> tuple[str, ...]:
    """What to think of a search among columns that follow from each other; nothing if none do."""
    groups = redundant_groups(variables)
    if not groups:
        return ()
    named = "; ".join(f"{', '.join(map(str, g[:-1]))} and {g[-1]}" for g in groups[:_SHOWN])
    more = f"; and {len(groups) - _SHOWN} more groups" if len(groups) > _SHOWN else ""
    return (
        Note(
            f"These columns follow exactly from each other: {named}{more}. No search can tell "
            "which of them is a cause, and where a score tells which graphs are possible, those in "
            "which a whole group points at one column have none and are left out, so interval() "
            "may be too short. Leave out the columns that say nothing new.",
            headline="Some columns say the same",
        ),
    )


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


def _combinations(values: FloatArray, columns: IntArray) -> list[list[int]]:
    """The finest groups into which the linear relations among the columns fall apart."""
    known = values[:, columns]
    known = known[~np.isnan(known).any(axis=1)]
    if len(known) <= len(columns):  # so few rows that there are relations among any columns
        return []
    vary = np.ptp(known, axis=0) > _ROUNDING * np.abs(known).max(axis=0)
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
