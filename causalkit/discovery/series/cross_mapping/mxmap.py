"""MXMap: cross maps between all pairs, and then without the links that only run through others.

If X drives Y and Y drives Z, then Z remembers X by way of Y, and the cross map from Z to X is no
illusion. MXMap asks of each link with such a way around what Z still tells of X beyond that which
it tells by way of Y. From the past of Z, estimate Y, and from this estimate X; then correlate X
with its direct estimate, given the ones by way of Y (partial cross mapping). If most of the
correlation is gone, so is the link.

>>> import numpy as np
>>> state, drives = np.array([0.4, 0.3, 0.2]), np.array([[0, 0.4, 0], [0, 0, 0.4], [0, 0, 0]])
>>> course = np.empty((1000, 3))
>>> for t in range(1000):  # x drives y, and y drives z
...     course[t] = state
...     state = state * (np.array([3.8, 3.7, 3.75]) * (1 - state) - state @ drives)
>>> data = dict(zip("xyz", course[300:].T))
>>> print(MXMap(3, min_skill=0.1, random_state=0).fit(data).graph_)
DAG of 3 series, lags to 1, 2 edges: x[t-1] -> y[t]; y[t-1] -> z[t]
"""

from __future__ import annotations

import numpy as np

from causalkit._core.checks import check_count, check_fraction
from causalkit._core.parallel import run
from causalkit._core.series import Series
from causalkit.discovery.base import Explanation
from causalkit.discovery.series.base import SeriesAlgorithm
from causalkit.discovery.series.cross_mapping._cross_map import averages, embedded, unit_columns
from causalkit.discovery.series.cross_mapping._mapped import Mapped, explanation, map_pairs
from causalkit.discovery.series.cross_mapping.convergence import CrossMapConvergence
from causalkit.graph import Lagged, LaggedGraph, SummaryGraph
from causalkit.graph.marks import show_name
from causalkit.typing import BoolArray, FloatArray, Name, RandomState

__all__ = ["MXMap"]


class MXMap(SeriesAlgorithm):
    """Cross maps between all pairs, and partial cross maps where a link may be indirect.

    Parameters
    ----------
    embedding : int, optional
        Coordinates of a point; left out, chosen for each series as in :class:`CCM`.
    min_skill : float
        Least skill of a link, beside the test.
    min_ratio : float
        Least share of the skill that is left to a direct link.
    max_embedding, delay, n_neighbors, theiler, max_library, n_libraries
        As in :class:`CCM`.
    surrogate, n_surrogates, period, alpha, max_lag, panel, time, mask, n_jobs, random_state
        As in :class:`CCM`.

    Attributes
    ----------
    graph_ : LaggedGraph
        Without `max_lag`, each link stands at lag 1 in it, for want of a measured one.
    summary_graph_ : SummaryGraph
    scores_ : ndarray of shape (p, p)
        `[cause, effect]`: skill, times the ratio where there is a way around.
    ratios_ : ndarray of shape (p, p)
        Share of the skill that is left given the estimates on the ways around; NaN where there is
        no link or no way around.
    strengths_, p_values_ : ndarrays of shape (max_lag + 1, p, p)
        `[lag, cause, effect]`: skill and p-value of the first phase.
    convergence_ : CrossMapConvergence
    embedding_ : tuple of int
    n_obs_ : int
        Moments compared.

    Notes
    -----
    **Assumes:**

    - what :class:`CCM` assumes, but for the last point;
    - all series that a link may run through are observed.

    A link of the first phase has passed the tests of :class:`CCM` and has `min_skill`; two series
    may drive each other. A way around is a chain of links each of which is stronger than the link
    in question: an indirect effect is never remembered better than any step on its way. Of the
    series on such chains, all together, two estimates are conditioned on: of the cause from like
    moments of their estimated state, and from the moments when they were in that state. (The
    original has the first one only, which keeps most indirect links where couplings are strong, and
    one direction of each pair.)

    References
    ----------
    .. [1] MXMap: a multivariate cross mapping framework for causal discovery in dynamical systems.
       CLeaR 2025.
    .. [2] Leng, Ma, Kurths, Lai, Lin, Aihara, Chen (2020). Partial cross mapping eliminates
       indirect causal influences. doi:10.1038/s41467-020-16238-0
    """

    graph_: LaggedGraph
    summary_graph_: SummaryGraph
    scores_: FloatArray
    ratios_: FloatArray
    strengths_: FloatArray
    p_values_: FloatArray
    convergence_: CrossMapConvergence
    embedding_: tuple[int, ...]
    _mapped: Mapped
    _between: dict[tuple[int, int], list[int]]

    def __init__(
        self,
        embedding: int | None = None,
        *,
        min_skill: float = 0.5,
        min_ratio: float = 0.5,
        max_embedding: int = 6,
        delay: int = 1,
        n_neighbors: int | None = None,
        theiler: int | None = None,
        max_library: int | None = None,
        n_libraries: int = 20,
        surrogate: str = "phase",
        n_surrogates: int = 99,
        period: int | None = None,
        alpha: float = 0.05,
        max_lag: int = 0,
        panel: Name | None = None,
        time: Name | None = None,
        mask: Name | None = None,
        random_state: RandomState = 0,
        n_jobs: int | None = None,
    ) -> None:
        self.embedding = embedding
        self.min_skill = min_skill
        self.min_ratio = min_ratio
        self.max_embedding = max_embedding
        self.delay = delay
        self.n_neighbors = n_neighbors
        self.theiler = theiler
        self.max_library = max_library
        self.n_libraries = n_libraries
        self.surrogate = surrogate
        self.n_surrogates = n_surrogates
        self.period = period
        self.alpha = alpha
        self.max_lag = max_lag
        self.panel = panel
        self.time = time
        self.mask = mask
        self.n_jobs = n_jobs
        self.random_state = random_state

    def _fit(self, series: Series) -> None:
        check_count(self.max_lag, "max_lag", minimum=0)
        check_fraction(self.min_skill, "min_skill", closed=True)
        check_fraction(self.min_ratio, "min_ratio", closed=True)
        found = map_pairs(self, series, max_lag=self.max_lag)
        skill = found.strengths.max(axis=0)
        links = found.links(self.alpha) & (skill >= self.min_skill)
        self._between = {
            (i, j): between
            for i, j in np.argwhere(links).tolist()
            if (between := _between(np.where(links, skill, 0.0), i, j))
        }
        jobs = [(found, i, j, between, self.delay) for (i, j), between in self._between.items()]
        left = run(_partial_skill, jobs, n_jobs=self.n_jobs, label="partial maps", threads=True)
        self.scores_ = found.scores
        self.ratios_ = np.full(skill.shape, np.nan)
        for pair, partial in zip(self._between, left, strict=True):
            self.ratios_[pair] = partial / skill[pair]
            self.scores_[pair] = partial
        self._mapped = found
        self.embedding_ = found.points.dimensions
        self.n_obs_ = found.moments.n
        self.strengths_ = found.strengths
        self.p_values_ = found.p_values
        self.convergence_ = found.convergence
        self.graph_ = found.graph(links & ~(self.ratios_ < self.min_ratio))
        self.summary_graph_ = self.graph_.summary_graph()

    def _explain(self, past: Lagged, now: Lagged) -> Explanation:
        return explanation(self.graph_, past, now, self._sentence, nominal=not self.max_lag)

    def _sentence(self, i: int, j: int) -> str:
        text = self._mapped.sentence(i, j)
        if (i, j) in self._between:
            names = self.graph_.variables
            around = ", ".join(show_name(names[k]) for k in self._between[i, j])
            text += (
                f" Given the estimates by way of {around}, {100 * self.ratios_[i, j]:.0f} % of the "
                f"skill is left (a direct link keeps {100 * self.min_ratio:.0f} %)."
            )
        elif self.strengths_[:, i, j].max() < self.min_skill:
            text += f" A link needs a skill of {self.min_skill:.3g}."
        return text


def _between(skill: FloatArray, i: int, j: int) -> list[int]:
    """Series on ways from i to j of which each link is stronger than the link i -> j."""
    stronger: BoolArray = skill > skill[i, j]
    onwards, backwards = stronger.copy(), stronger.T.copy()
    onwards[:, j] = onwards[j] = False
    backwards[:, i] = backwards[i] = False
    both = _reached(onwards, i) & _reached(backwards, j)
    both[[i, j]] = False
    return [int(k) for k in np.flatnonzero(both)]


def _reached(links: BoolArray, start: int) -> BoolArray:
    """What can be reached along the links, the start too."""
    reached = np.zeros(len(links), dtype=np.bool_)
    reached[start] = True
    for _ in range(len(links)):
        reached |= links[reached].any(axis=0)
    return reached


def _partial_skill(found: Mapped, i: int, j: int, between: list[int], delay: int) -> float:
    """Correlation of cause i with its estimate from effect j, given those by way of others."""
    moments, points = found.moments, found.points
    k, own = points.n_neighbors[j], points.theiler[j]
    lag = int(found.strengths[:, i, j].argmax())
    cause = unit_columns(moments.values[moments.rows - lag, i, None])
    effect = embedded(moments, [j], points.dimensions[j], delay)
    from_effect = averages(effect, moments.clock, n_neighbors=k, theiler=own)
    states = np.hstack([embedded(moments, [m], points.dimensions[m], delay) for m in between])
    estimated = from_effect @ states
    window = max(points.theiler[m] for m in between)
    around = [
        averages(estimated, moments.clock, n_neighbors=k, theiler=window),
        averages(states, moments.clock, n_neighbors=k, theiler=window, places=estimated),
    ]
    held = np.hstack([np.ones_like(cause), *(average @ cause for average in around)])
    left = np.hstack([cause, from_effect @ cause])
    left = unit_columns(left - held @ np.linalg.lstsq(held, left, rcond=None)[0])
    return abs(float(left[:, 0] @ left[:, 1]))
