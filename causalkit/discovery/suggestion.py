"""Which discovery algorithm for these data, and why: :func:`suggest`.

Three things decide. *What the columns are*: numbers, categories, both, with empty cells or without;
whether relations bend, whether outliers or skew hide them. *What you know*: whether causes may be
hidden, whether rows are steps of series, or come from several domains. *What was measured*: each
algorithm was fitted to data that suit it, at many sizes, so that it is known how many seconds it
takes there and whether its graph is nearer to the truth than a graph without edges.

>>> import numpy as np
>>> rng = np.random.default_rng(0)
>>> dose = rng.normal(size=400)
>>> effect = dose**2 + rng.normal(size=400)
>>> found = suggest({"dose": dose, "effect": effect, "noise": rng.normal(size=400)})
>>> print(found.code)
PC(alpha=0.01, test=KCI())
>>> found.algorithm.fit({"dose": dose, "effect": effect}).graph_
CPDAG with 2 nodes, 1 edge: dose -- effect

A suggestion is a place to begin. To have algorithms compared on data like yours, with a known
truth, see :func:`causalkit.benchmark.recommend`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from causalkit._core.checks import as_names, check_choice, check_positive, check_rows, check_varies
from causalkit._core.report import Report, Reported
from causalkit._core.series import as_series
from causalkit._core.table import Table, as_table, column_names
from causalkit._core.time_steps import index_of
from causalkit.discovery._candidates import (
    Candidate,
    for_domains,
    for_series,
    for_table,
    other_series,
    other_tables,
    written,
)
from causalkit.discovery._choosing import choose, in_words
from causalkit.discovery._data_sentences import about_columns, about_shape, lags_of, listed
from causalkit.discovery._data_shape import Shape, shape_of, shape_over_time
from causalkit.discovery.base import DiscoveryAlgorithm
from causalkit.discovery.series.base import SeriesAlgorithm
from causalkit.errors import InputError, UnknownVariableError
from causalkit.typing import Data, Name

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Suggestion", "suggest"]

_LEAST_ROWS: Final = 4


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Suggestion(Reported):
    """An algorithm for the data at hand, and why this one.

    Attributes
    ----------
    algorithm : DiscoveryAlgorithm or SeriesAlgorithm
        Not fitted yet: `suggestion.algorithm.fit(data)`.
    reasons : tuple of str
        Sentences: what the data are, what speaks for the algorithm, and how far it was measured.
    alternatives : mapping of str to str
        Other algorithms, as they are written, and when they are the better choice.
    seconds : float
        About what a fit takes on one processor, from what was measured; NaN if nothing was.
    within_limits : bool
        Whether the data are within sizes at which the algorithm was measured, took no longer than
        asked for, and beat a graph without edges.
    n_rows, n_columns : int
        Of the data; of series, steps and series.
    """

    algorithm: DiscoveryAlgorithm | SeriesAlgorithm
    reasons: tuple[str, ...]
    alternatives: Mapping[str, str]
    seconds: float
    within_limits: bool
    n_rows: int
    n_columns: int

    @property
    def code(self) -> str:
        """How the algorithm is written, on one line."""
        return written(self.algorithm)

    def to_frame(self) -> pd.DataFrame:
        """Return a row an algorithm, the suggested one first."""
        import pandas as pd

        rows = [(self.code, True, " ".join(self.reasons))]
        rows += [(code, False, why) for code, why in self.alternatives.items()]
        return pd.DataFrame(rows, columns=["algorithm", "suggested", "why"])

    def to_dict(self) -> dict[str, Any]:
        """Return the suggestion as plain values, ready for JSON."""
        return {
            "algorithm": self.code,
            "reasons": list(self.reasons),
            "alternatives": dict(self.alternatives),
            "seconds": float(self.seconds) if np.isfinite(self.seconds) else None,
            "within_limits": self.within_limits,
            "n_rows": self.n_rows,
            "n_columns": self.n_columns,
        }

    def _report(self) -> Report:
        notes = [f"• {sentence}" for sentence in self.reasons]
        notes += [f"Or {code}: {why}" for code, why in self.alternatives.items()]
        facts: list[tuple[str, object]] = [
            ("data", f"{self.n_rows:,} rows, {self.n_columns:,} columns"),
            ("time", in_words(self.seconds)),
            ("within what was measured", "yes" if self.within_limits else "no"),
        ]
        return Report(f"Suggested: {self.code}", facts, notes=notes)


def suggest(
    data: Data | Sequence[Data],
    *,
    hidden_causes: bool | None = None,
    series: bool | None = None,
    panel: Name | None = None,
    time: Name | None = None,
    domain: Name | None = None,
    max_seconds: float = 60.0,
) -> Suggestion:
    """Suggest a discovery algorithm for the data, and say why.

    Parameters
    ----------
    data : DataFrame, 2-D ndarray or dict of columns; of series also a list, or a 3-D ndarray
        Rows by columns, as they will be given to `fit`.
    hidden_causes : bool, optional
        Whether a common cause of two columns may not be among the columns. Left out, an algorithm
        that assumes that there is none is suggested, and one that does not stands beside it.
    series : bool, optional
        Whether rows are steps in time. Left out, they are if `panel` or `time` is given (and no
        `domain`), if the frame is indexed by dates, or if the data come as a list or in 3-D.
    panel, time : str or int, optional
        Columns that tell subjects apart, or hold the time. With `series=False`, mechanisms may
        drift with `time`.
    domain : str or int, optional
        Column that says from which site, study or regime a row comes.
    max_seconds : float, default 60
        What a fit may take on one processor.

    Returns
    -------
    Suggestion

    Raises
    ------
    InputError
        If the data cannot be read, have fewer than 2 columns or 4 rows, or a column that does not
        vary; or if what is said about them is contradictory.
    UnknownVariableError
        If there is no such column.

    Notes
    -----
    **Assumes:** nothing about causes: it looks at the data and chooses. The algorithm assumes what
    its own notes say. Limits were measured on data that suit the algorithm; where its assumptions
    do not hold, it does worse. Bends and skew are looked for between pairs of columns, in at most
    2,000 rows of 100 columns.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> x = rng.normal(size=(500, 3))
    >>> found = suggest({"a": x[:, 0], "b": x[:, 0] + x[:, 1], "c": x[:, 2]})
    >>> found.algorithm, found.within_limits
    (FLOP(), True)
    >>> print(found.reasons[0])
    500 rows and 3 columns: numbers.
    """
    max_seconds = check_positive(max_seconds, "max_seconds")
    for name, value in (("hidden_causes", hidden_causes), ("series", series)):
        check_choice(value, name, (None, True, False))
    hints = {"panel": panel, "time": time, "domain": domain}
    if _are_series(data, series, hints, hidden_causes):
        return _for_series(data, max_seconds, hidden_causes, panel, time)
    return _for_table(data, max_seconds, hidden_causes, time, domain)


def _are_series(
    data: Any, series: bool | None, hints: dict[str, Name | None], hidden_causes: bool | None
) -> bool:
    """Whether the rows are steps; contradictory hints are refused."""
    panel, time, domain = hints.values()
    if domain is not None and (series or panel is not None):
        raise InputError(
            f"domain={domain!r} is for rows that are no steps, and series or panel says that they "
            "are; expected one of the two. Of series of several sites, name the site as panel."
        )
    if series is False and panel is not None:
        raise InputError(
            f"series=False and panel={panel!r}; expected a panel of series, or rows without one. "
            "Leave one of the two out."
        )
    if (
        hidden_causes
        and series is not True
        and (domain is not None or (series is False and time is not None))
    ):
        raise InputError(
            "hidden_causes=True and a domain or time of rows; expected one of them, because "
            "CDNOD takes all common causes for observed, or for functions of the domain. Leave "
            "out hidden_causes, or the domain."
        )
    if series is not None or domain is not None:
        return bool(series)
    if panel is not None or time is not None:
        return True
    several = isinstance(data, (list, tuple)) or (isinstance(data, np.ndarray) and data.ndim == 3)
    return several or _has_dates(data)


def _has_dates(data: Any) -> bool:
    try:
        return index_of(data) is not None
    except InputError:  # an index of several levels: fit says more if it is one of series
        return False


# --- tables ---------------------------------------------------------------------------------------


def _for_table(
    data: Data,
    max_seconds: float,
    hidden_causes: bool | None,
    time: Name | None,
    domain: Name | None,
) -> Suggestion:
    columns = column_names(data)
    beside = as_names([name for name in (domain, time) if name is not None])
    for name in beside:
        if name not in columns:
            raise UnknownVariableError.among(name, columns)
    table = as_table(data, columns=[name for name in columns if name not in beside])
    _check(table)
    shape = shape_of(table)
    about = about_columns(table, "columns")
    if shape.remembers and not beside:
        about.append(
            f"In {listed(shape.remembers)} neighbouring rows resemble each other: if rows are "
            "steps in time, say series=True; if they were sorted, it means nothing."
        )
    if not _may_be_judged(table, shape):
        shape = Shape()
    about += about_shape(shape)
    if beside:
        candidates = list(for_domains(table, domain=domain, time=time))
        others: list[Candidate] = []
    else:
        candidates = list(for_table(table, shape, hidden_causes))
        others = list(other_tables(table, shape, hidden_causes))
    return _suggested(candidates, others, about, (table.n_rows, table.n_columns), max_seconds)


def _may_be_judged(table: Table, shape: Shape) -> bool:
    """Whether all columns are complete numbers, and rows as good as independent."""
    numbers = all(levels is None for levels in table.levels) and not table.missing.any()
    return numbers and 2 * len(shape.remembers) <= table.n_columns


def _check(table: Table) -> None:
    if table.n_columns < 2:
        raise InputError(
            f"the data have {table.n_columns} variable(s), {listed(table.names)}; expected at "
            "least 2, between which there may be an edge. Give more columns."
        )
    check_rows(table, _LEAST_ROWS, who="suggest")
    empty = [n for n, gaps in zip(table.names, table.missing.T, strict=True) if gaps.all()]
    if empty:
        raise InputError(
            f"column(s) {', '.join(map(repr, empty))} hold no value at all; expected some. Leave "
            "them out."
        )
    values = np.where(table.missing, np.nanmin(table.values, axis=0), table.values)
    check_varies(Table(table.names, values, table.levels), table.names, who="suggest")


# --- series ---------------------------------------------------------------------------------------


def _for_series(
    data: Any,
    max_seconds: float,
    hidden_causes: bool | None,
    panel: Name | None,
    time: Name | None,
) -> Suggestion:
    read = as_series(data, panel=panel, time=time)
    _check(read.table)
    max_lag, about_lags, moving = lags_of(data, read, panel, time)
    settings: dict[str, Any] = {"max_lag": max_lag}
    settings |= {name: value for name, value in (("panel", panel), ("time", time)) if value}
    shape = Shape() if moving else shape_over_time(read)
    about = [*about_columns(read.table, "series"), *about_lags, *about_shape(shape)]
    candidates = for_series(read.table, shape, hidden_causes, settings)
    others = other_series(read.table, shape, hidden_causes, settings)
    size = (max(1, len(read.usable(max_lag))), read.table.n_columns)
    return _suggested(list(candidates), list(others), about, size, max_seconds)


def _suggested(
    candidates: list[Candidate],
    others: list[Candidate],
    about: list[str],
    size: tuple[int, int],
    max_seconds: float,
) -> Suggestion:
    found = choose(candidates, others, size, max_seconds=max_seconds)
    return Suggestion(
        found.algorithm,
        (*about, *found.reasons),
        found.alternatives,
        found.seconds,
        found.within_limits,
        *size,
    )
