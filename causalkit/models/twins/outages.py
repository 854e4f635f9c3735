"""Twins of series with cells that were not measured, though a number stands there.

A twin is fitted to what was measured, and writes the rest as the data do. What is told from a
measurement, and how, is in :mod:`causalkit.discovery.series.preparation.outages`.
"""

from __future__ import annotations

import warnings

import numpy as np

from causalkit._core.series import Series
from causalkit.discovery.series.preparation.outages import Outages, find_outages, named_outages
from causalkit.errors import AssumptionWarning

__all__ = ["without_outages"]


def without_outages(series: Series, *, find: bool) -> tuple[Series, Outages | None]:
    """Series in which cells that were not measured are missing, with a warning that says which.

    Parameters
    ----------
    series : Series
    find : bool
        Whether to look for them.

    Returns
    -------
    series : Series
    outages : Outages or None
        None if there are none.
    """
    if not find:
        return series, None
    outages = find_outages(series)
    cells = outages.cells
    if not cells.any():
        return series, None
    warnings.warn(
        f"cells of {int(cells.any(axis=0).sum())} series are taken as not measured: "
        f"{named_outages(outages, series.names)}. The twin is fitted without them and writes them "
        "with sample(missing=True). If they are values of the quantity, say outages='none'.",
        AssumptionWarning,
        stacklevel=4,  # where the twin is fitted
    )
    return series.with_values(np.where(cells, np.nan, series.table.values)), outages
