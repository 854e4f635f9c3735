"""Two rows of each environment side by side, and tests that ask several such tables at once.

Rows of one environment depend on each other, through what is particular to it; environments do not.
So a table for a test has one line for each environment, with two of its rows in it, and its lines
are independent. Which row is called the first says nothing, and an environment of four rows has two
such pairs; each choice gives a table of its own, and the answers about one question are merged.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from causalkit._core.table import Table
from causalkit.discovery.changing._surrogate import Surrogate
from causalkit.errors import NumericalError
from causalkit.graph.marks import show_name
from causalkit.independence import BoundTest, CIResult, CITest
from causalkit.typing import FloatArray, IntArray, Name

__all__ = ["Sides", "merged", "pair_rows"]

_MOST_PAIRS: Final = 3
"""Of one environment: by then, more rows of the same environments add little."""


@dataclass(frozen=True, slots=True)
class Sides:
    """Rows of pairs: the two of each environment.

    Attributes
    ----------
    one, two : tuple of ndarrays of int
        In each place, rows of different environments.
    """

    one: tuple[IntArray, ...]
    two: tuple[IntArray, ...]

    def across(self, test: CITest, table: Table) -> BoundTest:
        """Bind a test to columns of two rows: `k` of the first, `p + k` of the second."""
        names = (*map(_first, table.names), *map(_second, table.names))
        rows = [*zip(self.one, self.two, strict=True), *zip(self.two, self.one, strict=True)]
        return _pooled(
            test,
            [
                Table(names, np.hstack([table.values[a], table.values[b]]), table.levels * 2)
                for a, b in rows
            ],
        )

    def within(self, test: CITest, table: Table) -> BoundTest:
        """Bind a test to columns of one row."""
        names = tuple(map(_first, table.names))
        return _pooled(
            test, [Table(names, table.values[a], table.levels) for a in (*self.one, *self.two)]
        )


def _first(name: Name) -> str:
    return f"{show_name(name)}[1]"  # which tells 1 from "1"


def _second(name: Name) -> str:
    return f"{show_name(name)}[2]"


def pair_rows(surrogate: Surrogate) -> Sides:
    """Pair the rows of each environment in the order of the data.

    A further pair is taken where half of the environments have one.
    """
    groups = list(surrogate.domains())
    half = int(np.median([len(rows) for rows in groups])) // 2
    one, two = [], []
    for k in range(min(max(half, 1), _MOST_PAIRS)):
        held = [rows for rows in groups if len(rows) >= 2 * k + 2]
        one.append(np.array([rows[2 * k] for rows in held], dtype=np.intp))
        two.append(np.array([rows[2 * k + 1] for rows in held], dtype=np.intp))
    return Sides(tuple(one), tuple(two))


def _pooled(test: CITest, tables: Sequence[Table]) -> BoundTest:
    for table in tables:
        table.values.flags.writeable = False
    # A rare level may be absent from some rows; what cannot be tested there is tested elsewhere.
    parts = [test.bind(table) for table in [t for t in tables if _varies(t)] or tables[:1]]
    return parts[0] if len(parts) == 1 else _Pooled(tuple(parts))


def _varies(table: Table) -> bool:
    """Whether no column is constant in the cells that are there."""
    low, high = np.fmin.reduce(table.values, axis=0), np.fmax.reduce(table.values, axis=0)
    return bool((low < high).all())


@dataclass(frozen=True, slots=True, eq=False)
class _Pooled(BoundTest):
    """One test bound to several tables of the same columns."""

    parts: tuple[BoundTest, ...]

    def __call__(self, i: int, j: int, given: Sequence[int] = ()) -> CIResult:
        """Test columns i and j in all tables; the statistic is the mean of theirs."""
        results, error = [], NumericalError("no table could be tested")
        for part in self.parts:
            try:
                results.append(part(i, j, given))
            except NumericalError as caught:
                error = caught
        if not results:
            raise error
        return CIResult(
            float(np.mean([result.statistic for result in results])),
            merged(np.array([result.p_value for result in results])),
            max(result.n_used for result in results),
        )


def merged(p_values: FloatArray) -> float:
    """Merge p-values of one question asked of dependent tables: their geometric mean.

    If all tables say the same, so does it. Else it is cautious: of independent p-values, which are
    uniform, the mean of many would be near 1/e.

    References
    ----------
    Vovk and Wang (2020), "Combining p-values via averaging", doi:10.1093/biomet/asaa027; it costs a
    factor of up to e in the worst case, which takes a dependence that rows of one design have not.

    Examples
    --------
    >>> round(merged(np.array([0.01, 0.04])), 4)
    0.02
    """
    return float(np.exp(np.log(np.maximum(p_values, 1e-300)).mean()))
