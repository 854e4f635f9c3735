"""Variables as kernel tests see them: a checked table as blocks of numbers and cells.

What a block is, its kernel and its low-rank factor are those of
:mod:`causalkit._core.kernel_matrices`, which scores share.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from causalkit._core.checks import check_rows, check_varies
from causalkit._core.kernel_matrices import (
    Block,
    block_of,
    centred,
    factor,
    gaussian_kernel,
    joined,
    median_distance,
)
from causalkit._core.table import Table
from causalkit.independence.base import check_no_holes
from causalkit.typing import Name

__all__ = [
    "Block",
    "blocks_of",
    "centred",
    "factor",
    "gaussian_kernel",
    "joined",
    "median_distance",
]


def blocks_of(
    table: Table, *, who: str, groups: Mapping[Name, Sequence[Name]] | None = None
) -> list[Block]:
    """Check a table and turn each of its columns, or each group of columns, into a block.

    Parameters
    ----------
    table : Table
        Numeric, boolean and categorical columns.
    who : str
        The test, for error messages.
    groups : mapping of name to names, optional
        Columns of each block, in the order of the blocks; without it each column is one.

    Raises
    ------
    InputError
        If there are fewer than 4 rows, missing cells or constant columns.
    """
    check_no_holes(table, who=who)
    check_rows(table, 4, who=who)
    check_varies(table, table.names, who=who)
    single = [block_of(table, k) for k in range(table.n_columns)]
    if groups is None:
        return single
    return [joined([single[k] for k in table.indices(names)]) for names in groups.values()]
