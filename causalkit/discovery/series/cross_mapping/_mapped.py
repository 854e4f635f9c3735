"""From the settings of an estimator to the maps between all pairs, and the links they show."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np

from causalkit._core.checks import check_choice, check_count, check_fraction
from causalkit._core.random import as_generator
from causalkit._core.series import Series
from causalkit.discovery.base import Explanation
from causalkit.discovery.series._lagged_design import check_numbers
from causalkit.discovery.series.cross_mapping._cross_map import Moments
from causalkit.discovery.series.cross_mapping._cross_maps import (
    CrossMaps,
    MapSettings,
    cross_maps,
    draw_libraries,
)
from causalkit.discovery.series.cross_mapping._embedding_choice import (
    Embedding,
    choose_embedding,
    moments_for,
)
from causalkit.discovery.series.cross_mapping._surrogates import SURROGATES, check_surrogate
from causalkit.discovery.series.cross_mapping.convergence import CrossMapConvergence
from causalkit.errors import InputError
from causalkit.graph import Lagged, LaggedGraph
from causalkit.graph.marks import show_name
from causalkit.typing import BoolArray, FloatArray, IntArray, Name, RandomState

__all__ = ["Mapped", "MapsPairs", "explanation", "map_pairs"]

_NOT_ASKED: Final = "Cross mapping does not ask whether a series drives itself."
_BEST: Final = "The effect remembers its cause best at this lag, or at lag 0 if this is lag 1."
_NOMINAL: Final = (
    "The effect remembers its cause. The lag of 1 stands for want of a measured one: set max_lag."
)


class MapsPairs(Protocol):
    """Settings that the estimators share."""

    embedding: int | None
    max_embedding: int
    delay: int
    n_neighbors: int | None
    theiler: int | None
    max_library: int | None
    n_libraries: int
    surrogate: str
    n_surrogates: int
    period: int | None
    alpha: float
    n_jobs: int | None
    random_state: RandomState


@dataclass(frozen=True, slots=True)
class Mapped:
    """Maps between all pairs, and what they were made from.

    Attributes
    ----------
    points : Embedding
    moments : Moments
    maps : CrossMaps
    convergence : CrossMapConvergence
    """

    points: Embedding
    moments: Moments
    maps: CrossMaps
    convergence: CrossMapConvergence

    @property
    def max_lag(self) -> int:
        """Longest lag."""
        return len(self.maps.profile) // 2

    @property
    def strengths(self) -> FloatArray:
        """`[lag, cause, effect]`: skill at the lags from 0."""
        return self.maps.profile[self.max_lag :]

    @property
    def p_values(self) -> FloatArray:
        """`[lag, cause, effect]`: the larger one of skill and growth."""
        p_values: FloatArray = np.maximum(self.maps.skill_p_values, self.maps.gain_p_values)
        return p_values

    @property
    def scores(self) -> FloatArray:
        """`[cause, effect]`: best skill over the lags from 0; itself forecast on the diagonal."""
        scores: FloatArray = self.strengths.max(axis=0)
        np.fill_diagonal(scores, self.points.forecast_skill)
        return scores

    def best_lag(self) -> IntArray:
        """`[cause, effect]`: at which lag the estimate is best; negative for a later step."""
        profile = np.where(np.isnan(self.maps.profile), -np.inf, self.maps.profile)
        # Of equal ones, take the one closest to now.
        order = np.argsort(np.abs(np.arange(len(profile)) - self.max_lag), kind="stable")
        best: IntArray = order[profile[order].argmax(axis=0)] - self.max_lag
        return best

    def links(self, alpha: float) -> BoolArray:
        """`[cause, effect]`: beyond chance, and best not for a later step."""
        links: BoolArray = (self.p_values <= alpha).any(axis=0) & (self.best_lag() >= 0)
        return links

    def graph(self, links: BoolArray) -> LaggedGraph:
        """Draw links at their best lag, or at 1 if that is 0."""
        names, lag = self.convergence.variables, np.maximum(self.best_lag(), 1)
        edges = [
            (Lagged(names[i], int(lag[i, j])), Lagged(names[j]))
            for i, j in np.argwhere(links).tolist()
        ]
        return LaggedGraph(names, edges, max_lag=max(self.max_lag, 1))

    def sentence(self, i: int, j: int) -> str:
        """Say how well the cause i is read off the effect j."""
        curves, lag = self.convergence, int(self.best_lag()[i, j])
        cause, effect = (show_name(curves.variables[k]) for k in (i, j))
        small, large = curves.sizes[[0, -1]]
        text = (
            f"{cause} is estimated from {effect} with skill {curves.skill[-1, i, j]:.3g} (p = "
            f"{curves.skill_p_values[i, j]:.3g}), and {curves.skill[0, i, j]:.3g} with {small} "
            f"moments in the place of {large} (growth: p = {curves.gain_p_values[i, j]:.3g})."
        )
        if lag < 0:
            text += f" The estimate is best {-lag} step(s) later, when it is no cause."
        elif self.max_lag:
            text += f" The estimate is best {lag} step(s) earlier."
        return text


def map_pairs(estimator: MapsPairs, series: Series, *, max_lag: int) -> Mapped:
    """Embed the series, draw libraries, and map between all pairs.

    Raises
    ------
    InputError
        If a setting is none, a series is constant, or the series are too short.
    """
    who = type(estimator).__name__
    _check_test(estimator)
    check_numbers(series, who=who)
    points = choose_embedding(
        series,
        embedding=estimator.embedding,
        max_embedding=estimator.max_embedding,
        delay=estimator.delay,
        n_neighbors=estimator.n_neighbors,
        theiler=estimator.theiler,
        who=who,
    )
    check_surrogate(estimator.surrogate, estimator.period, series)
    smallest = points.smallest_library
    past = max((max(points.dimensions) - 1) * estimator.delay, max_lag)
    moments = moments_for(series, past=past, future=max_lag, fewest=smallest, who=who)
    largest = moments.n
    if estimator.max_library is not None:
        check_count(estimator.max_library, "max_library", minimum=smallest + 1)
        largest = min(largest, estimator.max_library)
    rng = as_generator(estimator.random_state)
    libraries = draw_libraries(moments.n, smallest, largest, estimator.n_libraries, rng)
    settings = MapSettings(
        points.dimensions,
        points.n_neighbors,
        points.theiler,
        estimator.delay,
        max_lag,
        estimator.surrogate,
        estimator.n_surrogates,
        estimator.period,
    )
    maps = cross_maps(series, moments, settings, libraries, rng=rng, n_jobs=estimator.n_jobs)
    sizes = np.array([len(drawn[0]) for drawn in libraries])
    return Mapped(points, moments, maps, _convergence(maps, series.names, sizes, estimator.alpha))


def _check_test(estimator: MapsPairs) -> None:
    check_fraction(estimator.alpha, "alpha")
    check_choice(estimator.surrogate, "surrogate", SURROGATES)
    check_count(estimator.n_libraries, "n_libraries")
    check_count(estimator.n_surrogates, "n_surrogates")
    if (estimator.n_surrogates + 1) * estimator.alpha < 1 - 1e-9:
        fewest = int(np.ceil(1 / estimator.alpha - 1e-9)) - 1
        raise InputError(
            f"n_surrogates={estimator.n_surrogates} with alpha={estimator.alpha}: no p-value can "
            f"be as small; expected {fewest} surrogates or more. Raise n_surrogates or alpha."
        )


def _convergence(
    maps: CrossMaps, names: tuple[Name, ...], sizes: IntArray, alpha: float
) -> CrossMapConvergence:
    """Curves of the maps: mean and range over libraries."""
    drawn = [curve[:1] if k == len(sizes) - 1 else curve for k, curve in enumerate(maps.curve)]
    lower, upper = (
        np.stack([np.quantile(curve, share, axis=0) for curve in drawn]) for share in (0.05, 0.95)
    )
    return CrossMapConvergence(
        names,
        sizes,
        np.stack([curve.mean(axis=0) for curve in drawn]),
        lower,
        upper,
        np.quantile(maps.ceiling, 1 - alpha, axis=-1),
        maps.skill_p_values.min(axis=0),
        maps.gain_p_values.min(axis=0),
        alpha,
    )


def explanation(
    graph: LaggedGraph,
    past: Lagged,
    now: Lagged,
    sentence: Callable[[int, int], str],
    *,
    nominal: bool,
) -> Explanation:
    """Say why two nodes are joined or not; `sentence(i, j)` tells of the map from j to i."""
    i, j = graph.index(past), graph.index(now)
    edges = graph.edges_between(past, now)
    edge = str(edges[0]) if edges else "no edge"
    if i == j:
        return Explanation((past, now), edge, _NOT_ASKED)
    if past.lag == 0:
        both = f"Links stand at lags from 1. {sentence(i, j)} {sentence(j, i)}"
        return Explanation((past, now), edge, both)
    direction = (_NOMINAL if nominal else _BEST) if edges else None
    return Explanation((past, now), edge, sentence(i, j), direction)
