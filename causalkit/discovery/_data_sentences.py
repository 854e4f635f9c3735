"""What is said about data before an algorithm is suggested for them.

One sentence each on what the columns are, on empty cells, on numbers that may be categories, on
pairs that bend; of series, on lags, trends and seasons.

>>> from causalkit._core.table import as_table
>>> about_columns(as_table({"a": [1.0, 2.0, 4.0], "b": [True, False, True]}), "columns")[0]
'3 rows and 2 columns: 1 of numbers, 1 of categories.'
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from causalkit._core.series import Series
from causalkit._core.table import Table
from causalkit.discovery._data_shape import Shape, few_values
from causalkit.discovery.series.preparation.diagnostics import diagnose_series
from causalkit.errors import InputError
from causalkit.graph.marks import show_name
from causalkit.typing import Name

__all__ = ["about_columns", "about_shape", "lags_of", "listed"]

_DIAGNOSED: Final = 30
_MOST_LAGS: Final = 5
_SHOWN: Final = 5


def about_columns(table: Table, what: str) -> list[str]:
    """What the columns are."""
    n_numbers = sum(levels is None for levels in table.levels)
    n_categories = table.n_columns - n_numbers
    kinds = {0: "categories", table.n_columns: "numbers"}
    kind = kinds.get(n_numbers, f"{n_numbers} of numbers, {n_categories} of categories")
    found = [f"{table.n_rows:,} rows and {table.n_columns:,} {what}: {kind}."]
    n_empty = int(table.missing.sum())
    if n_empty:
        worst = int(table.missing.sum(axis=0).argmax())
        share = table.missing[:, worst].mean()
        found.append(
            f"{n_empty:,} cells are empty ({share:.0%} of {show_name(table.names[worst])}, which "
            "has most): no row is dropped as a whole, and nothing is filled in."
        )
    if table.n_columns == n_numbers == 2 and what == "columns":
        found.append(
            "Of two columns a graph says only whether they depend on each other: "
            "ck.discovery.direction asks which of them is the cause."
        )
    graded = few_values(table)
    if graded:
        found.append(
            f"{listed(graded)} take 3 to 10 values and are read as numbers: if these are names of "
            "categories, say so with .astype('category') and ask again."
        )
    return found


def about_shape(shape: Shape) -> list[str]:
    if shape.bends:
        return [
            f"{shape.n_bent} of the {shape.n_pairs} pairs of columns that depend on each other "
            "bend: no straight line describes them."
        ]
    if shape.is_distorted:
        return ["Ranks of the columns are clearly more correlated than the columns themselves."]
    return []


def lags_of(
    data: Any, read: Series, panel: Name | None, time: Name | None
) -> tuple[int, list[str], bool]:
    """Lags to look back, what is said on that, and whether series wander or trend."""
    if read.table.n_columns > _DIAGNOSED:
        return (
            2,
            [
                f"max_lag=2 is a guess: there are more than {_DIAGNOSED} series. See "
                "ck.discovery.diagnose_series for lags, trends and seasons."
            ],
            False,
        )
    try:
        found = diagnose_series(data, max_lag=_MOST_LAGS, panel=panel, time=time)
    except InputError:
        return 1, ["max_lag=1, because the series are too short to look at more."], False
    lags = max(1, found.lags.get("bic", 1))
    said = [f"max_lag={lags}, as BIC asks for in a linear model of all series (5 were tried)."]
    moving = [one.name for one in found.series if one.verdict in ("trend", "unit root", "shifts")]
    if moving:
        said.append(
            f"{listed(moving)} wander or trend, and the algorithm expects series that do not: see "
            "ck.discovery.diagnose_series, and difference or detrend them first."
        )
    seasonal = [one.name for one in found.series if one.period is not None]
    if seasonal:
        said.append(f"{listed(seasonal)} have seasons: see ck.discovery.Deseasonalize.")
    return lags, said, bool(moving)


def listed(names: Iterable[Name]) -> str:
    shown = [show_name(name) for name in names]
    more = f" and {len(shown) - _SHOWN} more" if len(shown) > _SHOWN else ""
    return ", ".join(shown[:_SHOWN]) + more
