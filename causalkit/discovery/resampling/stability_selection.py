"""Stability selection: keep the edges that come back in most halves, with a bound on false ones.

Learn a graph from each of two halves of the rows, many times over. An edge that is there by chance
is there in some halves and not in others, so edges are kept that come back in at least a share
`threshold` of them, and theory bounds how many of those are false. With M pairs of variables, q
edges on an average half and B pairs of halves::

    E[V] <= q² / ((2 threshold - 1) M)

(Meinshausen and Bühlmann 2010, Shah and Samworth 2013).

>>> import numpy as np
>>> from causalkit.discovery import PC
>>> rows = np.random.default_rng(3).normal(size=(200, 10))
>>> chosen = StabilitySelection(PC(alpha=0.01), random_state=0).fit(rows)
>>> len(chosen.graph_.edges()), chosen.error_bound_ < 1
(0, True)
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import ceil, inf, sqrt
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from causalkit._core.checks import check_count, check_fraction, check_positive
from causalkit._core.random import as_generator
from causalkit.discovery.base import DiscoveryAlgorithm, Explanation
from causalkit.discovery.resampling._plans import Plan, plan_of
from causalkit.discovery.resampling._replicates import (
    Algorithm,
    Learnt,
    Replicates,
    learn,
    replicate,
    summarise,
)
from causalkit.discovery.resampling._resampling import Units
from causalkit.discovery.resampling.edge_frequencies import EdgeFrequencies, count_edges
from causalkit.discovery.resampling.stability import explain_share
from causalkit.errors import InputError
from causalkit.graph import CausalGraph, LaggedGraph
from causalkit.typing import Data, FloatArray, Name, RandomState

__all__ = ["StabilitySelection"]


class StabilitySelection(DiscoveryAlgorithm):
    """Keep the edges that most halves of the data agree on, and bound the number of false ones.

    Parameters
    ----------
    algorithm : DiscoveryAlgorithm or SeriesAlgorithm
        Any that asks about all pairs (:class:`LocalPC` does not); it is copied and left as it is.
    n_pairs : int, default 50
        Random splits into two halves; a graph is learnt from each half.
    threshold : float, default 0.75
        Share of the halves that must have an edge, above one half.
    max_false_edges : float, optional
        Wanted bound on the expected number of false edges; the smallest threshold that has it is
        then used in place of `threshold`.
    alphas : sequence of float, optional
        Try each of these `alpha` of the algorithm on each half. An edge counts by the alpha at
        which it comes back most often, and q counts edges found at any of them.
    clusters, strata : name or array-like of shape (n_rows,), optional
        As for :class:`Bootstrap`: clusters are split whole, strata one by one. Domains of
        :class:`CDNOD` and environments of :class:`CausalDeFinetti` need not be named again.
    random_state : int, Generator or None, default 0
    n_jobs : int, optional
        Parallel halves; never changes the result.

    Attributes
    ----------
    graph_ : CausalGraph or LaggedGraph
        Stable pairs are joined, and directed as :class:`Bootstrap` does.
    frequencies_ : EdgeFrequencies
        Share of the graphs (of all halves and alphas) with each edge.
    stability_ : ndarray of shape (n_nodes, n_nodes)
        Share of the halves that join a pair, at the best alpha: what is compared with the
        threshold.
    threshold_ : float
        The threshold used.
    n_selected_ : float
        q, the mean number of pairs that a half joins.
    error_bound_ : float
        Bound on the expected number of false edges; infinite if the threshold is one half.
    unimodal_bound_ : float
        The sharper one of Shah and Samworth, if the number of pairs of halves that agree has a
        unimodal distribution; `error_bound_` where theirs has nothing to say.
    replicates_, failures_, algorithm_
        As of :class:`Bootstrap`.

    Notes
    -----
    **Assumes:**

    - rows (or clusters) are independent draws from one distribution;
    - for `error_bound_` to bound *false* edges: no false edge is likelier than q / M to be found on
      a half. In any case it bounds the edges kept that are less likely than that. Meinshausen and
      Bühlmann ask for more: false edges exchangeable, and true ones found more often;
    - q is estimated by its mean over the halves;
    - the assumptions of the algorithm. An edge that a hidden cause makes is stable, and false.

    The bound is on adjacencies, not on directions.

    *Series.* Halves are made of stretches of time, n^⅓ steps each, or of whole subjects if there
    are 20 or more; each step keeps its own past. Neighbouring stretches are independent only as far
    as series forget. A pair is a lagged link; those of a series on itself count, too.

    Examples
    --------
    >>> import numpy as np
    >>> from causalkit.discovery import PC
    >>> rng = np.random.default_rng(0)
    >>> rows = rng.normal(size=(400, 8))
    >>> rows[:, 1] += rows[:, 0]
    >>> selection = StabilitySelection(PC(), max_false_edges=1, random_state=0).fit(rows)
    >>> print(selection.graph_)
    CPDAG with 8 nodes, 1 edge: x0 -- x1
    >>> selection.error_bound_ <= 1
    True

    References
    ----------
    Meinshausen and Bühlmann (2010), "Stability selection",
    doi:10.1111/j.1467-9868.2010.00740.x. Shah and Samworth (2013), "Variable selection with error
    control: another look at stability selection", doi:10.1111/j.1467-9868.2011.01034.x.
    """

    frequencies_: EdgeFrequencies
    stability_: FloatArray
    threshold_: float
    n_selected_: float
    error_bound_: float
    unimodal_bound_: float
    replicates_: Replicates
    failures_: dict[int, str]
    algorithm_: Algorithm
    graph_: CausalGraph | LaggedGraph  # type: ignore[assignment]

    def __init__(
        self,
        algorithm: Algorithm,
        n_pairs: int = 50,
        *,
        threshold: float = 0.75,
        max_false_edges: float | None = None,
        alphas: Sequence[float] | None = None,
        clusters: Name | ArrayLike | None = None,
        strata: Name | ArrayLike | None = None,
        random_state: RandomState = 0,
        n_jobs: int | None = None,
    ) -> None:
        self.algorithm = algorithm
        self.n_pairs = n_pairs
        self.threshold = threshold
        self.max_false_edges = max_false_edges
        self.alphas = alphas
        self.clusters = clusters
        self.strata = strata
        self.n_jobs = n_jobs
        self.random_state = random_state

    def fit(self, X: Data, y: Any = None) -> Self:
        """Learn the graph from halves of the data.

        Parameters
        ----------
        X : DataFrame, 2-D ndarray, or dict of columns, n_rows by n_variables
        y : None
            Ignored; scikit-learn passes it.

        Returns
        -------
        self

        Raises
        ------
        InputError
            If the settings do not fit each other or the data, or no threshold has the wanted bound.
        NumericalError
            If the algorithm fails on all halves.
        """
        del y
        self._fit(X)
        return self

    def _fit(self, table: Any) -> None:
        n_pairs = check_count(self.n_pairs, "n_pairs")
        plan = plan_of(self, table)
        versions = _versions(plan.algorithm, self.alphas)
        *streams, last = as_generator(self.random_state).spawn(n_pairs + 1)
        self.algorithm_ = plan.fit_on_all(last)
        units = plan.halves()
        units.check_halves()
        nodes = plan.names(self.algorithm_)
        jobs = [(versions, plan, nodes, units, stream) for stream in streams]
        pairs = replicate(_both_halves, plan.algorithm, jobs, n_jobs=self.n_jobs, label="halves")
        halves = [half for pair in pairs for half in pair]
        learnt = [one for half in halves for one in half]
        frame = plan.frame(learnt, self.algorithm_)
        found, self.failures_ = summarise(learnt, frame, "StabilitySelection")
        n_nodes = len(found.nodes)
        stability, selected = _stability(halves, n_nodes)
        self._choose(selected, plan.n_pairs(n_nodes), n_pairs)
        kept = (stability >= self.threshold_) & (stability > 0)
        self.graph_, self.replicates_, order = plan.summed_up(found, kept, stability)
        self.frequencies_ = count_edges(self.graph_, self.replicates_.matrices())
        self.stability_ = stability[np.ix_(order, order)]

    def _choose(self, n_selected: float, n_all: int, n_pairs: int) -> None:
        """Fix the threshold and what it promises, for `n_all` pairs that may be joined."""
        threshold = check_fraction(self.threshold, "threshold", closed=True)
        if self.max_false_edges is not None:
            wanted = check_positive(self.max_false_edges, "max_false_edges")
            threshold = (1.0 + n_selected**2 / (n_all * wanted)) / 2.0
            threshold = ceil(threshold * 2 * n_pairs - 1e-9) / (2 * n_pairs)
            if threshold > 1.0:
                least = n_selected**2 / n_all
                raise InputError(
                    f"max_false_edges={self.max_false_edges!r} with {n_selected:.1f} edges a half "
                    f"among {n_all} pairs; expected at least {least:.3g}, the bound for edges that "
                    "are in all halves. Allow more, or use a smaller alpha."
                )
            threshold = max(threshold, 0.5 + 0.5 / n_pairs)
        if threshold < 0.5:
            raise InputError(
                f"threshold={self.threshold!r}; expected a share from 0.5 to 1. Below one half "
                "nothing bounds the number of false edges."
            )
        self.threshold_, self.n_selected_ = float(threshold), n_selected
        square = n_selected**2 / n_all
        self.error_bound_ = square / (2 * threshold - 1) if threshold > 0.5 else inf
        factor = _unimodal_factor(threshold, n_pairs, n_selected / n_all)
        self.unimodal_bound_ = min(self.error_bound_, square * factor)

    def _explain(self, a: Name, b: Name) -> Explanation:
        return explain_share(self.graph_, self.frequencies_, self.algorithm_, a, b)


def _versions(algorithm: Algorithm, alphas: Sequence[float] | None) -> list[Algorithm]:
    if alphas is None:
        return [algorithm]
    if isinstance(alphas, str) or not isinstance(alphas, Iterable):
        raise InputError(
            f"alphas={alphas!r}, a {type(alphas).__name__}; expected several numbers. Write e.g. "
            "alphas=[0.01, 0.05], or set alpha of the algorithm to use one."
        )
    listed = [check_fraction(alpha, "alphas") for alpha in alphas]
    if not listed or "alpha" not in algorithm.get_params(deep=False):
        raise InputError(
            f"alphas={alphas!r} for {type(algorithm).__name__}; expected one alpha or more, and an "
            "algorithm that has the setting `alpha`. Leave alphas out to use it as it is."
        )
    from sklearn.base import clone

    return [clone(algorithm).set_params(alpha=alpha) for alpha in listed]


def _both_halves(
    versions: list[Algorithm],
    plan: Plan,
    nodes: tuple[Name, ...],
    units: Units,
    rng: np.random.Generator,
) -> list[list[Learnt]]:
    return [
        [learn(version, plan.part(rows), nodes, rng) for version in versions]
        for rows in units.halves(rng)
    ]


def _stability(halves: Sequence[Sequence[Learnt]], p: int) -> tuple[FloatArray, float]:
    """Share of halves that join each pair, at its best alpha; pairs that a half joins at any.

    A half that failed joins nothing.
    """
    counts = np.zeros((len(halves[0]), p, p))
    n_selected = 0
    for half in halves:
        joined = np.zeros((len(half), p, p), dtype=np.bool_)
        for one, into in zip(half, joined, strict=True):
            if one.marks is not None:
                into[one.marks[0], one.marks[1]] = True
        counts += joined
        n_selected += int(np.triu(joined.any(axis=0)).sum())
    return counts.max(axis=0) / len(halves), n_selected / len(halves)


def _unimodal_factor(threshold: float, n_pairs: int, share: float) -> float:
    """C(threshold, B) of Shah and Samworth (2013), Theorem 2; infinite outside its range."""
    b = n_pairs
    low = min(0.5 + share**2, 0.5 + 0.5 / b + 0.75 * share**2)
    if share > 1 / sqrt(3) or threshold <= low:
        return inf
    if threshold <= 0.75:
        slack = 2 * threshold - 1 - 0.5 / b
        return 0.5 / slack if slack > 0 else inf
    return 4 * (1 - threshold + 0.5 / b) / (1 + 1 / b)
