"""Cross maps between all pairs of series, and how far beyond chance each of them goes.

Two numbers say that X is read off Y because it drives Y, and not by chance or because both follow
the same drummer: the skill itself, and how much it grows from a small library to a large one (in
Fisher's z, so that a step from 0.9 to 0.95 counts as one). Both are compared with those of
surrogates of X, and both must exceed them; the larger of the two p-values is therefore the p-value
of the link. A strongly driven series follows its driver so closely that the driver can also be
used to estimate it; but that estimate does not become better with more moments to choose from.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from causalkit._core.parallel import run
from causalkit._core.random import draw_seed
from causalkit._core.series import Series
from causalkit.discovery.series.cross_mapping._cross_map import (
    Moments,
    averages,
    embedded,
    skills,
    unit_columns,
)
from causalkit.discovery.series.cross_mapping._surrogates import surrogates
from causalkit.typing import FloatArray, IntArray

if TYPE_CHECKING:
    from scipy.sparse import csr_array

__all__ = ["CrossMaps", "MapSettings", "cross_maps", "draw_libraries"]

_N_SIZES = 8
_SMALL_SHARE = 0.1


@dataclass(frozen=True, slots=True)
class MapSettings:
    """How the maps are made.

    Attributes
    ----------
    dimensions, n_neighbors, theiler : tuple of int
        One for each series that is embedded.
    delay : int
        Steps between the coordinates.
    max_lag : int
        Estimates are of the causes so many steps before and after.
    surrogate, n_surrogates, period
        As in :mod:`~causalkit.discovery.series.cross_mapping._surrogates`.
    """

    dimensions: tuple[int, ...]
    n_neighbors: tuple[int, ...]
    theiler: tuple[int, ...]
    delay: int
    max_lag: int
    surrogate: str
    n_surrogates: int
    period: int | None


@dataclass(frozen=True, slots=True)
class CrossMaps:
    """What the maps between all pairs say; NaN from a series to itself.

    Attributes
    ----------
    profile : ndarray of shape (2 * max_lag + 1, p, p)
        `[max_lag + l, i, j]`: skill at which j tells where i was l steps before.
    skill_p_values, gain_p_values : ndarrays of shape (max_lag + 1, p, p)
        Of the skill and of its growth, for the lags from 0.
    ceiling : ndarray of shape (p, p, n_surrogates)
        Highest skill of each surrogate over the lags from 0.
    curve : ndarray of shape (n_sizes, n_libraries, p, p)
        Skill by size of the library, at the best of the lags from 0; NaN for the libraries that the
        largest size has not.
    """

    profile: FloatArray
    skill_p_values: FloatArray
    gain_p_values: FloatArray
    ceiling: FloatArray
    curve: FloatArray


def draw_libraries(
    n: int, smallest: int, largest: int, n_libraries: int, rng: np.random.Generator
) -> list[list[IntArray]]:
    """Draw libraries of sizes from small to large; of the largest there is one."""
    small = max(smallest, int(_SMALL_SHARE * largest), 2)
    sizes = np.unique(np.geomspace(small, largest, _N_SIZES).round().astype(np.intp)).tolist()
    drawn = [
        [np.sort(rng.choice(n, size, replace=False)) for _ in range(n_libraries)]
        for size in sizes[:-1]
    ]
    return [*drawn, [np.sort(rng.choice(n, largest, replace=False))]]


def cross_maps(
    series: Series,
    moments: Moments,
    settings: MapSettings,
    libraries: Sequence[Sequence[IntArray]],
    *,
    rng: np.random.Generator,
    n_jobs: int | None = None,
) -> CrossMaps:
    """Map between all pairs of series."""
    p, n_lags = len(series.names), settings.max_lag + 1
    seed = draw_seed(rng)
    jobs = [(effect, series, moments, settings, libraries, seed) for effect in range(p)]
    found = run(_maps_from, jobs, n_jobs=n_jobs, label="cross maps", threads=True)
    whole = CrossMaps(
        np.full((2 * n_lags - 1, p, p), np.nan),
        np.full((n_lags, p, p), np.nan),
        np.full((n_lags, p, p), np.nan),
        np.full((p, p, settings.n_surrogates), np.nan),
        np.full((len(libraries), len(libraries[0]), p, p), np.nan),
    )
    for effect, part in enumerate(found):
        whole.profile[:, :, effect] = part.profile
        whole.skill_p_values[:, :, effect] = part.skill_p_values
        whole.gain_p_values[:, :, effect] = part.gain_p_values
        whole.ceiling[:, effect] = part.ceiling
        whole.curve[..., effect] = part.curve
    return whole


def _maps_from(
    effect: int,
    series: Series,
    moments: Moments,
    settings: MapSettings,
    libraries: Sequence[Sequence[IntArray]],
    seed: int,
) -> CrossMaps:
    """Estimate all other series from one; the arrays lack the axis of the effect."""
    p, n_lags = len(series.names), settings.max_lag + 1
    points = embedded(moments, [effect], settings.dimensions[effect], settings.delay)

    def average_in(library: IntArray) -> csr_array:
        return averages(
            points,
            moments.clock,
            n_neighbors=settings.n_neighbors[effect],
            theiler=settings.theiler[effect],
            library=library,
        )

    large, small = average_in(libraries[-1][0]), [average_in(one) for one in libraries[0]]
    profile = np.full((2 * n_lags - 1, p), np.nan)
    p_values = np.full((2, n_lags, p), np.nan)
    ceiling = np.full((p, settings.n_surrogates), np.nan)
    best = np.zeros(p, dtype=np.intp)
    for cause in range(p):
        if cause == effect:
            continue
        rng = np.random.default_rng(seed)
        skill, gain = _beside_surrogates(cause, series, moments, settings, large, small, rng)
        for lag in range(1, n_lags):
            profile[n_lags - 1 - lag, cause] = skills(large, _at_lag(moments, cause, -lag))[0]
        profile[n_lags - 1 :, cause] = skill[:, 0]
        best[cause] = skill[:, 0].argmax()
        ceiling[cause] = skill[:, 1:].max(axis=0)
        p_values[0, :, cause] = _share_above(skill)
        p_values[1, :, cause] = _share_above(gain)
    curve = np.full((len(libraries), len(libraries[0]), p), np.nan)
    targets = np.hstack([_at_lag(moments, cause, int(best[cause])) for cause in range(p)])
    for size, drawn in enumerate(libraries):
        for number, library in enumerate(drawn):
            average = small[number] if size == 0 else average_in(library)
            curve[size, number] = skills(average, targets)
    curve[:, :, effect] = np.nan
    return CrossMaps(profile, p_values[0], p_values[1], ceiling, curve)


def _at_lag(moments: Moments, column: int, lag: int) -> FloatArray:
    return unit_columns(moments.values[moments.rows - lag, column, None])


def _beside_surrogates(
    cause: int,
    series: Series,
    moments: Moments,
    settings: MapSettings,
    large: csr_array,
    small: Sequence[csr_array],
    rng: np.random.Generator,
) -> tuple[FloatArray, FloatArray]:
    """Skill and its growth at the lags from 0, of the cause (first) and of its surrogates."""
    column = moments.values[:, cause]
    drawn = surrogates(
        settings.surrogate,
        column,
        series,
        n_surrogates=settings.n_surrogates,
        period=settings.period,
        rng=rng,
    )
    both = np.column_stack([column, drawn])
    skill, gain = np.empty((2, settings.max_lag + 1, both.shape[1]))
    for lag in range(settings.max_lag + 1):
        targets = unit_columns(both[moments.rows - lag])
        skill[lag] = skills(large, targets)
        before = np.mean([skills(average, targets) for average in small], axis=0)
        gain[lag] = _fisher_z(skill[lag]) - _fisher_z(before)
    return skill, gain


def _fisher_z(correlation: FloatArray) -> FloatArray:
    z: FloatArray = np.arctanh(np.clip(correlation, -1 + 1e-12, 1 - 1e-12))
    return z


def _share_above(statistics: FloatArray) -> FloatArray:
    """p-value by lag: how many surrogates reach the statistic at any lag, itself counted."""
    highest = statistics[:, 1:].max(axis=0)
    reached: FloatArray = (highest >= statistics[:, :1]).sum(axis=1)
    share: FloatArray = (1 + reached) / statistics.shape[1]
    return share
