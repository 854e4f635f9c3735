"""Which search is taken for a table when nobody names one, and why.

Numbers that take many values are searched by score, which is more accurate than tests there. Where
some columns hold categories, two values or empty cells, the Gaussian score does worse, and PC is
given the test that fits the columns. :func:`~causalkit.workflow.analyze` starts from here, and so
does :func:`~causalkit.discovery.suggest`, which looks at the data more closely.

>>> from causalkit._core.table import as_table
>>> default_with_reason(as_table({"a": [0.0, 1.0, 3.0], "b": [1.0, 2.0, 5.0]}))[0]
FLOP()
"""

from __future__ import annotations

import numpy as np

from causalkit._core.table import Table
from causalkit.discovery.base import DiscoveryAlgorithm
from causalkit.discovery.constraint.pc import PC
from causalkit.discovery.knowledge import Knowledge
from causalkit.discovery.search.flop import FLOP
from causalkit.independence import CITest, DegenerateGaussian, FisherZ, GSquare, TestwiseDeletion
from causalkit.typing import FloatArray

__all__ = ["default_with_reason", "fitting_test"]


def default_with_reason(
    table: Table, knowledge: Knowledge | None = None
) -> tuple[DiscoveryAlgorithm, str]:
    """Return the algorithm that is used when none is named, and why this one."""
    numbers = all(levels is None for levels in table.levels)
    if numbers and all(_has_many_values(column) for column in table.values.T):
        return FLOP(knowledge=knowledge), (
            "all columns are complete and numbers with more than two values, where a search by "
            "score is more accurate than tests"
        )
    test, why = fitting_test(table)
    return PC(test, alpha=0.01, knowledge=knowledge), (
        "not all columns are complete numbers with more than two values, where a search by the "
        f"Gaussian score does worse than tests; the test is one for {why}"
    )


def fitting_test(table: Table) -> tuple[CITest, str]:
    """Return the test that fits the columns, and what it is for."""
    test: CITest
    if all(levels is None for levels in table.levels):
        test, why = FisherZ(), "numbers"
    elif all(levels is not None for levels in table.levels):
        test, why = GSquare(), "categories"
    else:
        test, why = DegenerateGaussian(), "numbers and categories"
    if not table.missing.any():
        return test, why
    return TestwiseDeletion(test), f"{why} with empty cells"


def _has_many_values(column: FloatArray) -> bool:
    return len(np.unique(column)) > 2 and not np.isnan(column).any()
