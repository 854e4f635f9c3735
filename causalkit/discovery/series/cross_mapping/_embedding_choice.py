"""How many past values make a point: as many as forecast the series best.

Two moments are alike if what follows them is alike. So each series forecasts its own next step from
its nearest moments (simplex projection), for each number of coordinates, and the number with the
best forecast is taken.

References
----------
.. [1] Sugihara, May (1990). Nonlinear forecasting as a way of distinguishing chaos from measurement
   error in time series. doi:10.1038/344734a0
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from causalkit._core.checks import check_count
from causalkit._core.series import Series
from causalkit.discovery.series.cross_mapping._cross_map import (
    Moments,
    forecast_skill,
    smallest_library,
    usable_moments,
)
from causalkit.errors import InputError
from causalkit.typing import FloatArray

__all__ = ["Embedding", "choose_embedding", "moments_for"]

_FEWEST: Final = 20
LEAST_DIMENSION: Final = 2
"""One number alone cannot tell the states of two variables."""


@dataclass(frozen=True, slots=True)
class Embedding:
    """How each series is laid out as points.

    Attributes
    ----------
    dimensions, n_neighbors, theiler : tuple of int
        One for each series.
    forecast_skill : ndarray of shape (p,)
        Correlation of each series with its forecast from one step before.
    """

    dimensions: tuple[int, ...]
    n_neighbors: tuple[int, ...]
    theiler: tuple[int, ...]
    forecast_skill: FloatArray

    @property
    def smallest_library(self) -> int:
        """Size at which each point has its neighbours, in every library."""
        return smallest_library(max(self.n_neighbors), max(self.theiler))


def choose_embedding(
    series: Series,
    *,
    embedding: int | None,
    max_embedding: int,
    delay: int,
    n_neighbors: int | None,
    theiler: int | None,
    who: str,
) -> Embedding:
    """Choose the number of coordinates for each series, unless it is given.

    Raises
    ------
    InputError
        If a setting is none, a series is constant, or the series are too short.
    """
    check_count(delay, "delay")
    for value, what, least in (
        (embedding, "embedding", 1),
        (n_neighbors, "n_neighbors", 1),
        (theiler, "theiler", 0),
        (max_embedding, "max_embedding", LEAST_DIMENSION),
    ):
        if value is not None:
            check_count(value, what, minimum=least)
    tried = range(LEAST_DIMENSION, max_embedding + 1) if embedding is None else [embedding]

    def around(dimension: int) -> tuple[int, int]:
        k = dimension + 1 if n_neighbors is None else n_neighbors
        return k, (dimension - 1) * delay if theiler is None else theiler

    moments = moments_for(
        series,
        past=(tried[-1] - 1) * delay,
        future=1,
        fewest=smallest_library(*around(tried[-1])),
        who=who,
    )
    p = len(series.names)
    skill = np.empty((len(tried), p))
    for number, dimension in enumerate(tried):
        k, window = around(dimension)
        for column in range(p):
            skill[number, column] = forecast_skill(
                moments, column, dimension=dimension, delay=delay, n_neighbors=k, theiler=window
            )
    dimensions = tuple(tried[best] for best in skill.argmax(axis=0).tolist())
    pairs = [around(dimension) for dimension in dimensions]
    return Embedding(
        dimensions, tuple(k for k, _ in pairs), tuple(w for _, w in pairs), skill.max(axis=0)
    )


def moments_for(series: Series, *, past: int, future: int, fewest: int, who: str) -> Moments:
    """Moments with so much past and future; at least `fewest`, and some to spare.

    Raises
    ------
    InputError
        If there are too few.
    """
    moments = usable_moments(series, past=past, future=future)
    wanted = max(_FEWEST, fewest + _FEWEST // 2)
    if moments.n >= wanted:
        return moments
    n_runs = int((~series.follows).sum())
    holes = int(np.isnan(series.table.values).any(axis=1).sum())
    raise InputError(
        f"{who} needs {wanted} moments with {past} complete step(s) before and {future} after "
        f"each, and there are {moments.n}: {series.n_rows} rows in {n_runs} unbroken run(s), "
        f"{holes} of them with a missing cell. Use a smaller embedding, delay, theiler or max_lag, "
        "or longer series."
    )
