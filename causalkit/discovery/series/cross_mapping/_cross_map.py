"""Cross mapping: how well the past of one series tells where another one stands.

If X drives Y, then X has left its trace in Y, and two moments at which Y has moved alike are
moments at which X stood alike. So lay out the recent past of Y as points, one a moment (its shadow
manifold); find the nearest neighbours of each point; and average X over them. The correlation of
these estimates with X is the skill of the cross map, and it grows with the number of moments that
neighbours may be found among (the library), because they come closer.

An average over neighbours is a sparse matrix with few numbers a row, found once for Y and applied
to whatever is to be estimated from Y: all causes, all lags and all surrogates.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from causalkit._core.checks import refuse_constant
from causalkit._core.series import Series
from causalkit.typing import FloatArray, IntArray

if TYPE_CHECKING:
    from scipy.sparse import csr_array

__all__ = [
    "Moments",
    "averages",
    "embedded",
    "forecast_skill",
    "runs_of",
    "skills",
    "smallest_library",
    "unit_columns",
    "usable_moments",
]

_LEAST_WEIGHT = 1e-6


@dataclass(frozen=True, slots=True)
class Moments:
    """Rows at which series are compared, all with their past (and future) complete.

    Attributes
    ----------
    values : ndarray of shape (n_rows, p)
        All rows, each column with mean 0 and standard deviation 1.
    rows : ndarray of int, shape (n,)
        Those that are compared.
    clock : ndarray of shape (n,)
        Time of each. Rows on both sides of a border are far apart in it.
    """

    values: FloatArray
    rows: IntArray
    clock: IntArray

    @property
    def n(self) -> int:
        """How many there are."""
        return len(self.rows)


def usable_moments(series: Series, *, past: int, future: int = 0) -> Moments:
    """Moments with so many complete steps before and after them; a border ends the steps.

    Raises
    ------
    InputError
        If a series is constant.
    """
    before = series.complete_before()
    ahead = np.full(series.n_rows, -1)
    ahead[: series.n_rows - future] = before[future:]
    now = np.unique(series.usable(past))  # a resample draws a moment once or not at all
    rows = now[ahead[now] >= past + future] if future else now
    breaks = np.cumsum(~series.follows)
    return Moments(_standardised(series), rows, (np.arange(series.n_rows) + breaks * 2**40)[rows])


def _standardised(series: Series) -> FloatArray:
    """Columns with mean 0 and standard deviation 1 over the complete rows."""
    values, whole = series.table.values, series.complete_before() >= 0
    seen = values[whole]
    if len(seen) == 0:
        return np.array(values)
    same = seen.min(axis=0) == seen.max(axis=0)
    refuse_constant([series.names[k] for k in np.flatnonzero(same)], who="cross mapping")
    small = values / np.abs(seen).max(axis=0)
    small = small - small[whole].mean(axis=0)
    standard: FloatArray = small / small[whole].std(axis=0)
    return standard


def runs_of(series: Series) -> list[IntArray]:
    """Rows of each stretch of complete steps without a border."""
    before = series.complete_before()
    starts = np.flatnonzero(before == 0)
    whole = np.flatnonzero(before >= 0)
    return np.split(whole, np.searchsorted(whole, starts[1:]))


def embedded(moments: Moments, columns: Sequence[int], dimension: int, delay: int) -> FloatArray:
    """Shadow manifold: values now, `delay` steps ago, … of some columns, side by side."""
    past = moments.rows[:, None] - delay * np.arange(dimension)
    return np.hstack([moments.values[past, k] for k in columns])


def smallest_library(n_neighbors: int, theiler: int) -> int:
    """Size at which every moment has its neighbours, whatever library is drawn."""
    return n_neighbors + 2 * theiler + 1


def averages(
    points: FloatArray,
    clock: IntArray,
    *,
    n_neighbors: int,
    theiler: int,
    library: IntArray | None = None,
    places: FloatArray | None = None,
) -> csr_array:
    """Weights of the nearest neighbours of each point.

    Parameters
    ----------
    points : ndarray of shape (n, dimension)
    clock : ndarray of int, shape (n,)
        Time of each point.
    n_neighbors : int
    theiler : int
        Points that are at most so many steps away in time are no neighbours; 0 leaves out the
        point itself.
    library : ndarray of int, optional
        Points among which neighbours are looked for; all of them if left out.
    places : ndarray of shape (n, dimension), optional
        Where the neighbours are looked for at each time; at the points themselves if left out.

    Returns
    -------
    csr_array of shape (n, n)
        Rows sum to one: exp(-d / d_1), where d_1 is the distance of the nearest neighbour.
    """
    from scipy.sparse import csr_array
    from scipy.spatial import cKDTree

    n = len(points)
    among = np.arange(n) if library is None else library
    tree, places = cKDTree(points[among]), points if places is None else places
    neighbours = np.empty((n, n_neighbors), dtype=np.intp)
    distances = np.empty((n, n_neighbors))
    waiting, wanted = np.arange(n), n_neighbors + 1 + min(theiler, 1)
    while len(waiting):
        wanted = min(wanted, len(among))
        far, found = tree.query(places[waiting], k=wanted)
        found = among[found]
        apart = np.abs(clock[found] - clock[waiting, None]) > theiler
        enough = apart.sum(axis=1) >= n_neighbors
        first = np.argsort(~apart[enough], axis=1, kind="stable")[:, :n_neighbors]
        done = waiting[enough]
        neighbours[done] = np.take_along_axis(found[enough], first, axis=1)
        distances[done] = np.take_along_axis(far[enough], first, axis=1)
        waiting, wanted = waiting[~enough], 2 * wanted
    weights = _weights(distances)
    starts = np.arange(0, n * n_neighbors + 1, n_neighbors)
    return csr_array((weights.ravel(), neighbours.ravel(), starts), shape=(n, n))


def _weights(distances: FloatArray) -> FloatArray:
    """Weights that fall with the distance, relative to the nearest neighbour's."""
    nearest = distances[:, :1]
    # Where the nearest one is the very same point, only such points count.
    scaled = np.divide(distances, nearest, out=1e3 * (distances > 0), where=nearest > 0)
    weights = np.maximum(np.exp(-scaled), _LEAST_WEIGHT)
    found: FloatArray = weights / weights.sum(axis=1, keepdims=True)
    return found


def unit_columns(targets: FloatArray) -> FloatArray:
    """Columns with mean 0 and length 1, as `skills` takes them; a constant becomes zeros."""
    centred = targets - targets.mean(axis=0)
    lengths = np.sqrt(np.einsum("ij,ij->j", centred, centred))
    unit: FloatArray = np.divide(
        centred, lengths, out=np.zeros_like(centred), where=lengths > 1e-12
    )
    return unit


def skills(average: csr_array, targets: FloatArray) -> FloatArray:
    """Correlation of each unit column with its estimate; 0 where either is constant."""
    estimates = average @ targets
    estimates -= estimates.mean(axis=0)
    lengths = np.sqrt(np.einsum("ij,ij->j", estimates, estimates))
    both = np.einsum("ij,ij->j", estimates, targets)
    found: FloatArray = np.divide(both, lengths, out=np.zeros_like(both), where=lengths > 1e-12)
    return found


def forecast_skill(
    moments: Moments, column: int, *, dimension: int, delay: int, n_neighbors: int, theiler: int
) -> float:
    """How well a series forecasts its own next step by what followed on moments like this."""
    points = embedded(moments, [column], dimension, delay)
    average = averages(points, moments.clock, n_neighbors=n_neighbors, theiler=theiler)
    return float(skills(average, unit_columns(moments.values[moments.rows + 1, column, None]))[0])
