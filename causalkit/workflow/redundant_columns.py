"""What an analysis says of columns that follow exactly from other columns.

Where a score tells which graphs are possible, a graph in which two copies are parents of one column
has none. The graphs that remain are then fewer than the data leave possible, and an interval over
them may be too short. Which columns these are, :mod:`causalkit._core.redundancy` finds.

>>> from causalkit._core.table import as_table
>>> table = as_table({"a": [1.0, 2, 4, 8], "b": [3.0, 1, 4, 1], "cents": [100.0, 200, 400, 800]})
>>> redundant_columns_note(table)[0].split(". ")[0]
'These columns follow exactly from each other: a and cents'
"""

from __future__ import annotations

from causalkit._core.redundancy import named_groups, redundant_groups
from causalkit._core.table import Table
from causalkit.workflow.notes import Note

__all__ = ["redundant_columns_note"]


def redundant_columns_note(variables: Table) -> tuple[str, ...]:
    """What to think of a search among columns that follow from each other; nothing if none do."""
    groups = redundant_groups(variables)
    if not groups:
        return ()
    return (
        Note(
            f"These columns follow exactly from each other: {named_groups(groups)}. No search can "
            "tell which of them is a cause, and where a score tells which graphs are possible, "
            "those in which a whole group points at one column have none and are left out, so "
            "interval() may be too short. Leave out the columns that say nothing new.",
            headline="Some columns say the same",
        ),
    )
