"""How sure is a learnt graph? Learn it again and again from resampled rows.

One graph from one table says nothing about how it would look on other rows. `Bootstrap` wraps any
algorithm, counts how often each edge comes back and sums the graphs up in one of the same kind:

>>> import numpy as np
>>> from causalkit.discovery import PC
>>> rng = np.random.default_rng(1)
>>> a, b = rng.normal(size=(2, 500))
>>> c = a + b + rng.normal(size=500)
>>> boot = Bootstrap(PC(alpha=0.01), n_resamples=50, random_state=0).fit({"a": a, "b": b, "c": c})
>>> print(boot.graph_)
CPDAG with 3 nodes, 2 edges: a -> c; b -> c
>>> boot.frequencies_.of("a", "c")["->"] > 0.8
True

Rows that depend on each other are drawn together: whole clusters, or blocks of a series.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from os import PathLike
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils.validation import check_is_fitted

from causalkit._core.checks import check_count, check_fraction
from causalkit._core.random import as_generator
from causalkit.discovery.base import DiscoveryAlgorithm, Explanation
from causalkit.discovery.resampling._perturbed import by_tests
from causalkit.discovery.resampling._plans import Plan, plan_of
from causalkit.discovery.resampling._replicate_store import Learnt, ReplicateStore, store_of
from causalkit.discovery.resampling._replicates import (
    Algorithm,
    Replicates,
    learn,
    replicate,
    summarise,
)
from causalkit.discovery.resampling._resampling import Gaussian, Sampler
from causalkit.discovery.resampling.edge_frequencies import EdgeFrequencies, count_edges
from causalkit.graph import CausalGraph, Edge, Kind, LaggedGraph
from causalkit.graph.marks import show_name
from causalkit.typing import Data, Name, RandomState

__all__ = ["Bootstrap", "explain_share"]


class Bootstrap(DiscoveryAlgorithm):
    """Learn a graph from many resamples and say how often each edge came back.

    Parameters
    ----------
    algorithm : DiscoveryAlgorithm or SeriesAlgorithm
        Any that asks about all pairs (:class:`LocalPC` does not); it is copied and left as it is.
    n_resamples : int, default 200
    resample : {None, "rows", "blocks", "subsample", "gaussian", "tests"}
        Rows with replacement; blocks of consecutive rows with replacement; half of the rows without
        replacement; correlation matrices from the Wishart distribution around that of the data,
        which needs no rows, so that ten million of them cost no more than a thousand; or answers of
        tests, each computed once from all rows and then drawn again, so that a slow test can be
        resampled (PC, FCI and RFCI). Left out: rows; of an algorithm for series, blocks of time, or
        whole subjects if there are 20 or more.
    block_length : int, optional
        Rows of a block; the cube root of the number of rows if left out.
    clusters : name or array-like of shape (n_rows,), optional
        Rows with one label are drawn together or not at all. A column named here says how rows are
        drawn and is no variable; to keep it as one, pass its values. The test may use it: with
        :class:`~causalkit.independence.Clustered`, a cluster that is drawn twice counts as two. Of
        :class:`CausalDeFinetti` whole environments are drawn if this is left out.
    strata : name or array-like of shape (n_rows,), optional
        Rows (or clusters, or blocks) are drawn within each stratum, as many as it has. A column
        named here is no variable either. Of :class:`CDNOD` rows are drawn within each domain if
        this and `clusters` are left out.
    threshold : float, default 0.5
        Pairs that at least this share of the replicates join are joined in `graph_`.
    store : str or path, optional
        File in which each replicate is kept as it comes. The same call on it repeats none that is
        there, however it ended, and more resamples are added to it (but for "tests").
    random_state : int, Generator or None, default 0
        With a `store` an integer.
    n_jobs : int, optional
        Parallel replicates; never changes the result.

    Attributes
    ----------
    graph_ : CausalGraph or LaggedGraph
        The replicates summed up, of the kind that `algorithm` returns. Of a CPDAG, the class of
        DAGs with the joined pairs and the colliders that most replicates see; see Notes.
    frequencies_ : EdgeFrequencies
        Share of the replicates with each edge.
    replicates_ : sequence of CausalGraph or LaggedGraph
        The graphs, made when asked for.
    failures_ : dict of int to str
        Replicates that gave no graph, and why; they count in no share.
    algorithm_ : DiscoveryAlgorithm or SeriesAlgorithm
        Fitted to all rows.

    Notes
    -----
    **Assumes:**

    - rows (or clusters, or long blocks of a stationary series) are independent draws from one
      distribution, or from that of their stratum; "gaussian": from a Gaussian one;
    - the assumptions of the algorithm. A share says how stable an edge is, not how likely it is to
      be true: hidden causes give stable edges.

    Resampled rows scatter about the data as the data scatter about the truth, so a test at alpha =
    0.05 finds dependence between independent variables in some 17 % of the resamples ("rows" and
    "gaussian"). Halves ("subsample") do not have that: their tests keep their level and have less
    power.

    *Tests drawn again.* With "tests" a test of p has ``|z|`` = isf(p / 2) of the standard normal
    distribution, and each replicate hears it with standard normal noise of its own added, always
    the same to the same question. Tests whose p-value is exactly zero stay as they are. It assumes

    - that on other rows z would scatter by one. So it does in tests of one parameter, and within a
      tenth in tables of counts. In kernel tests it is 1.1 to 1.2 near the critical value, 1.3 or
      1.4 where the dependence is strong, so somewhat too few of their answers change;
    - that different questions scatter independently. In truth they rest on the same rows, and tests
      of one pair go up and down together. An edge is kept if all of its tests reject, so noise of
      its own for each cuts more of the weak ones than other rows would: in a linear design of five
      variables it joined pairs without an edge in 4 of 100 replicates, and "gaussian" in 6. Whoever
      wants all graphs that are possible should therefore search with a larger alpha, too. Where the
      test asks for correlations only, "gaussian" is quicker and draws all answers together.

    *What changes.* With `CDNOD(..., include_surrogate=True)` the domain or time is a node, and
    `frequencies_` says how often the mechanism of each variable was found to change.

    *Series.* Steps are drawn as "now", and each keeps its own past, so that no lag reaches over the
    seam of two blocks or over a border of the data; what is left of the dependence between steps is
    kept within blocks. As `clusters` the column `panel` of the algorithm draws whole subjects, and
    labels of rows draw what you like, such as years; there are no strata. "subsample" draws half of
    the stretches of `block_length` steps.

    *How the graphs are summed up.* For a CPDAG colliders are put to the vote: a triple a - k - b of
    joined pairs, a and b apart, is a collider if most of those replicates say so in which it is
    such a triple; clear majorities go first, what contradicts them is overruled, and Meek's rules
    follow. Of :class:`CDNOD`, which directs by changes too, an edge that is undirected by then gets
    the arrow of most replicates. For a PAG the mark at each end is put to the vote, a circle
    without a majority; that is a summary, and need not be the class of any one MAG. In a DAG, ADMG
    or MAG each pair gets its most frequent edge, clear majorities first; one that would close a
    circle gives way to the next.

    Examples
    --------
    >>> import numpy as np
    >>> from causalkit.discovery import PC
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=300)
    >>> data = {"x": x, "y": x + rng.normal(size=300)}
    >>> boot = Bootstrap(PC(), n_resamples=20, random_state=0).fit(data)
    >>> boot.frequencies_.of("x", "y")
    {'--': 1.0, 'none': 0.0}

    Of series, links have lags:

    >>> from causalkit.discovery.series.momentary.pcmci_plus import PCMCIPlus
    >>> for t in range(1, 300):
    ...     data["y"][t] += 0.6 * data["y"][t - 1] + data["x"][t - 1]
    >>> boot = Bootstrap(PCMCIPlus(max_lag=2), n_resamples=20, random_state=0).fit(data)
    >>> boot.frequencies_.of("x[t-1]", "y")
    {'->': 1.0, 'none': 0.0}

    References
    ----------
    Friedman, Goldszmidt and Wyner (1999), "Data analysis with Bayesian networks: a bootstrap
    approach", UAI, doi:10.48550/arXiv.1301.6695. Künsch (1989), "The jackknife and the bootstrap
    for general stationary observations", doi:10.1214/aos/1176347265. Chang, Guo and Malinsky
    (2026), "Post-selection inference for causal effects after causal discovery", for "tests",
    doi:10.1093/biomet/asaf073.
    """

    frequencies_: EdgeFrequencies
    replicates_: Replicates
    failures_: dict[int, str]
    algorithm_: Algorithm
    graph_: CausalGraph | LaggedGraph  # type: ignore[assignment]

    def __init__(
        self,
        algorithm: Algorithm,
        n_resamples: int = 200,
        *,
        resample: str | None = None,
        block_length: int | None = None,
        clusters: Name | ArrayLike | None = None,
        strata: Name | ArrayLike | None = None,
        threshold: float = 0.5,
        store: str | PathLike[str] | None = None,
        random_state: RandomState = 0,
        n_jobs: int | None = None,
    ) -> None:
        self.algorithm = algorithm
        self.n_resamples = n_resamples
        self.resample = resample
        self.block_length = block_length
        self.clusters = clusters
        self.strata = strata
        self.threshold = threshold
        self.store = store
        self.n_jobs = n_jobs
        self.random_state = random_state

    def fit(self, X: Data, y: Any = None) -> Self:
        """Learn the graph from the data and from resamples.

        Parameters
        ----------
        X : DataFrame, 2-D ndarray, or dict of columns, n_rows by n_variables
            With `resample="gaussian"` and a test that only asks for correlations also data that
            are read by blocks: a path, a LazyFrame, a relation, a Dataset. With an algorithm for
            series, what it takes: a list of frames or a 3-D array, too.
        y : None
            Ignored; scikit-learn passes it.

        Returns
        -------
        self

        Raises
        ------
        InputError
            If the settings do not fit each other or the data, or the store was begun with others.
        NumericalError
            If the algorithm fails on all resamples.
        """
        del y
        self._fit(X)
        return self

    def _needs_rows(self) -> bool:
        return self.resample != "gaussian" or self.algorithm._needs_rows()

    def _fit(self, table: Any) -> None:
        n = check_count(self.n_resamples, "n_resamples")
        threshold = check_fraction(self.threshold, "threshold", closed=True)
        plan = plan_of(self, table)
        store = store_of(self, plan)
        *streams, last = as_generator(self.random_state).spawn(n + 1)
        learnt = self._learn(plan, streams, last, store)
        frame = plan.frame(learnt, self.algorithm_)
        found, self.failures_ = summarise(learnt, frame, "Bootstrap")
        share = found.joined()
        kept = (share >= threshold) & (share > 0)
        self.graph_, self.replicates_, _ = plan.summed_up(found, kept, share)
        self.frequencies_ = count_edges(self.graph_, self.replicates_.matrices())

    def _learn(
        self,
        plan: Plan,
        streams: list[np.random.Generator],
        last: np.random.Generator,
        store: ReplicateStore | None,
    ) -> list[Learnt]:
        """Learn from all rows, and from each sample or what it would answer."""
        how: dict[str, Any] = {"n_jobs": self.n_jobs, "label": "bootstrap", "store": store}
        if self.resample == "tests":
            self.algorithm_, jobs = by_tests(self, plan, streams, last)
            return replicate(learn, plan.algorithm, jobs, shared=True, **how)
        self.algorithm_ = plan.fit_on_all(last)
        data, sampler = plan.sampler(self.resample, self.block_length)
        nodes = plan.names(self.algorithm_)
        jobs = [(plan.algorithm, data, nodes, sampler, stream) for stream in streams]
        return replicate(_one, plan.algorithm, jobs, **how)

    @property
    def conflicts_(self) -> tuple[str, ...]:
        """Where tests of the search on all rows contradict each other or the knowledge.

        Empty if the algorithm keeps no such list.
        """
        check_is_fitted(self, "algorithm_")
        return tuple(getattr(self.algorithm_, "conflicts_", ()))

    def _explain(self, a: Name, b: Name) -> Explanation:
        return explain_share(self.graph_, self.frequencies_, self.algorithm_, a, b)


def explain_share(
    graph: CausalGraph | LaggedGraph,
    frequencies: EdgeFrequencies,
    algorithm: Algorithm,
    a: Name,
    b: Name,
) -> Explanation:
    """Say how often an edge was found, and what the algorithm says on all rows."""
    inner = algorithm.explain(a, b)
    edges = graph.edges_between(a, b)
    found = _shares(frequencies.of(a, b))
    why = (
        f"of {frequencies.n_replicates} replicates: {found}. On all rows: {inner.edge}, because: "
        f"{inner.adjacency}"
    )
    if not edges:
        return Explanation((a, b), "no edge", why, None, inner.test)
    votes = ", ".join(f"{edge} in {frequencies.share(edge):.0%}" for edge in edges)
    direction = f"the vote of the replicates ({votes})"
    if graph.kind is Kind.CPDAG and (more := _more_often(frequencies, a, b, edges)):
        direction += (
            f". Though {more} is more frequent, it is not drawn: colliders x -> k <- y are voted "
            "on, not arrows, and only those of which this graph joins both pairs and not x and y. "
            "Here the other leg is not joined, or most replicates have no collider with it"
        )
    if inner.direction is not None:
        direction += f". On all rows: {inner.direction}"
    return Explanation((a, b), "; ".join(map(str, edges)), why, direction, inner.test)


def _more_often(
    frequencies: EdgeFrequencies, a: Name, b: Name, drawn: Iterable[Edge]
) -> str | None:
    """The most frequent edge of a pair, if it is another one than is drawn."""
    shares = {symbol: share for symbol, share in frequencies.of(a, b).items() if symbol != "none"}
    often = max(shares, key=shares.__getitem__, default=None)
    if often is None or shares[often] <= max(frequencies.share(edge) for edge in drawn):
        return None
    return f"{show_name(a)} {often} {show_name(b)}"


def _shares(found: Mapping[str, float]) -> str:
    return ", ".join(f"{symbol} {share:.0%}" for symbol, share in found.items() if share > 0)


def _one(
    algorithm: Algorithm,
    data: Any,
    nodes: tuple[Name, ...],
    sampler: Sampler | Gaussian,
    rng: np.random.Generator,
) -> Learnt:
    return learn(algorithm, sampler.sample(data, rng), nodes, rng)
