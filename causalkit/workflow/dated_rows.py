"""Rows of a table that look like steps of series: dated, in order, and each like the one before.

A search for the graph of a table takes its rows for independent units. Rows that are steps in time
are not: series with a memory go together by chance, so links appear that are none, and what acts a
step later is not looked for at all. Dates alone say little, since units are dated too; dates and
what is left over of a column resembling what was left over a row before say enough for a warning.

>>> import pandas as pd
>>> from causalkit._core.table import as_table
>>> walk = np.random.default_rng(0).normal(size=(200, 2)).cumsum(axis=0)
>>> days = pd.date_range("2024-01-01", periods=200)
>>> frame = pd.DataFrame(walk, columns=["a", "b"], index=days)
>>> print(round(memory_of_rows(as_table(frame)), 1), are_dated(frame), are_dated(walk))
1.0 True False
"""

from __future__ import annotations

import re
import warnings
from typing import Any, Final

import numpy as np

from causalkit._core.table import Table
from causalkit.errors import AssumptionWarning
from causalkit.typing import Data

__all__ = ["are_dated", "memory_of_rows", "warn_of_steps"]

_FEWEST: Final = 20
_LEAST: Final = 0.1
_CLEAR: Final = 4.0
"""Autocorrelation that is clear, in standard errors of none."""

_DATE: Final = re.compile(r"\d{4}-\d\d(-\d\d.*)?")


def warn_of_steps(data: Data, variables: Table) -> None:
    """Warn if the rows of a table are dated, and resemble the rows before them."""
    if not are_dated(data):
        return
    memory = memory_of_rows(variables)
    if memory <= max(_LEAST, _CLEAR / np.sqrt(max(variables.n_rows, 1))):
        return
    warnings.warn(
        "the rows are dated and in order, and each resembles the one before (autocorrelation "
        f"{memory:.2f} of what the other columns leave), yet they are read as independent units: "
        "a search then finds links that are none, intervals are too short, and nothing acts a step "
        "later. If they are steps of series, ask of them: analyze(data, 'X[t-1]', 'Y', "
        "discovery=PCMCIPlus(max_lag=...)), with time= if a column holds the times. If they are "
        "units, drop the dates: data.reset_index(drop=True).",
        AssumptionWarning,
        stacklevel=3,
    )


def are_dated(data: Data) -> bool:
    """Whether the index of a pandas frame holds times in ascending order."""
    index: Any = getattr(data, "index", None)
    if not type(data).__module__.startswith("pandas") or len(data) < 2:
        return False
    import pandas as pd

    if index.dtype == object or isinstance(index.dtype, pd.StringDtype):
        texts = all(isinstance(value, str) and _DATE.fullmatch(value) for value in index)
        return bool(texts and index.is_monotonic_increasing and index.is_unique)
    timed = isinstance(index, (pd.DatetimeIndex, pd.PeriodIndex, pd.TimedeltaIndex))
    return bool(timed and index.is_monotonic_increasing and index.is_unique)


def memory_of_rows(variables: Table) -> float:
    """Largest autocorrelation, from row to row, of what the other columns leave of a column.

    Returns
    -------
    float
        0 if there are too few rows without a missing cell to say.
    """
    values = variables.values
    values = values[~np.isnan(values).any(axis=1)]
    varies = np.ptp(values, axis=0) > 0 if len(values) else np.zeros(values.shape[1], dtype=bool)
    if len(values) < _FEWEST + values.shape[1] or not varies.any():
        return 0.0
    z = (values - values.mean(axis=0))[:, varies]
    z = z / z.std(axis=0)
    gram = z.T @ z / len(z) + 1e-6 * np.eye(z.shape[1])
    left = z @ np.linalg.inv(gram)
    return float(((left[1:] * left[:-1]).sum(axis=0) / (left**2).sum(axis=0)).max())
