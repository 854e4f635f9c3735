"""Which variables measure the same hidden variable? Clusters by vanishing tetrads.

Indicators of one hidden variable, and of nothing else, keep their tetrads at 0 whatever fourth
variable is added (see :mod:`~causalkit.discovery.latent.tetrads`). :class:`FOFC` finds such
clusters. Where clusters are given, :func:`~causalkit.discovery.latent.pure_clusters.purify` says
which indicators spoil them.

>>> import numpy as np
>>> rng = np.random.default_rng(0)
>>> first, noise = rng.normal(size=(2, 1000))
>>> second = 0.6 * first + 0.8 * noise
>>> hidden = [first] * 3 + [second] * 3
>>> data = {name: h + 0.7 * rng.normal(size=1000) for name, h in zip("abcdef", hidden)}
>>> FOFC().fit(data).clusters_
(('a', 'b', 'c'), ('d', 'e', 'f'))

References
----------
Kummerfeld and Ramsey (2016), "Causal clustering for 1-factor measurement models", KDD,
doi:10.1145/2939672.2939838.
"""

from __future__ import annotations

from itertools import combinations
from math import comb
from typing import Final

import numpy as np

from causalkit._core.checks import check_fraction
from causalkit._core.parallel import one_thread
from causalkit._core.table import Table
from causalkit.discovery._columns import standardised
from causalkit.discovery._setup import in_name_order
from causalkit.discovery.base import DiscoveryAlgorithm, Explanation, show_set
from causalkit.discovery.latent._latent_names import fresh_names
from causalkit.discovery.latent.latent_rank import CrossRanks
from causalkit.discovery.latent.tetrads import tetrad_p_values, tetrads_of
from causalkit.errors import InputError
from causalkit.graph import CausalGraph, Edge, Kind
from causalkit.graph.marks import show_name
from causalkit.typing import BoolArray, FloatArray, IntArray, Name

__all__ = ["FOFC"]

_MOST_COLUMNS: Final = 120
"""Beyond, four of them are more than eight million sets."""

_MOST: Final = 0.5
"""A variable joins a cluster if it forms pure triples with more than this share of its pairs."""


class FOFC(DiscoveryAlgorithm):
    """Find one-factor clusters: indicators that share one hidden cause, and nothing else.

    Three variables are pure if all tetrads vanish among them and any fourth variable. Pure triples
    grow by variables that form pure triples with their members; of overlapping clusters the largest
    is kept.

    Parameters
    ----------
    alpha : float, default 0.01
        Probability of calling a pure triple impure, at most: each of its tetrads with other
        variables is tested at this level over their number. Also the level of the tests for
        dependence.
    gaussian : bool, default True
        Whether tetrads have the variances of Gaussian variables (Wishart's test); if not, these are
        estimated from fourth moments, which is slower.

    Attributes
    ----------
    graph_ : CausalGraph
        Kind PAG, over the clustered columns and hidden variables `L1`, `L2`, …, each of which
        points to its indicators. `L1 o-o L2` says that the two depend on each other, and nothing
        about why; without an edge, independence of their indicators was not rejected.
    clusters_ : tuple of tuples of names
        Indicators of each hidden variable, three or more.
    latents_ : tuple of str
        Names of the hidden variables.
    unclustered_ : tuple of names
        Columns in no cluster. They are not in `graph_`: nothing has been learnt about them.

    Raises
    ------
    InputError
        From `fit`, if there are fewer than 4 columns or more than 120, or too few rows.

    Notes
    -----
    **Assumes:**

    - linear relations, and rows that are independent draws of one distribution (Gaussian, or with
      `gaussian=False` any with eighth moments);
    - no tetrad vanishes because numbers happen to cancel (faithfulness);
    - that no column takes the place of the hidden one: a column that is all that links some others
      to each other and to the rest has the same tetrads, and is taken for their fellow.

    Indicators of which the covariances are not told from 0 form no triple. All sets of four columns
    are tested, so the time grows with the fourth power of their number.

    References
    ----------
    Kummerfeld and Ramsey (2016), "Causal clustering for 1-factor measurement models", KDD,
    doi:10.1145/2939672.2939838.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> hidden, other = rng.normal(size=(2, 1000))
    >>> data = {name: hidden + rng.normal(size=1000) for name in "abcd"}
    >>> data["e"] = other
    >>> fofc = FOFC().fit(data)
    >>> fofc.clusters_, fofc.latents_
    ((('a', 'b', 'c', 'd'),), ('L1',))
    """

    clusters_: tuple[tuple[Name, ...], ...]
    latents_: tuple[str, ...]
    unclustered_: tuple[Name, ...]

    def __init__(self, *, alpha: float = 0.01, gaussian: bool = True) -> None:
        self.alpha = alpha
        self.gaussian = gaussian

    def _fit(self, table: Table) -> None:
        alpha = check_fraction(self.alpha, "alpha")
        names = in_name_order(table.names)
        values = standardised(table.select(names), type(self).__name__, least_columns=4)
        if len(names) > _MOST_COLUMNS:
            raise InputError(
                f"the data have {len(names)} columns, of which all sets of four would be tested; "
                f"FOFC expects {_MOST_COLUMNS} at most. Split them by subject."
            )
        with one_thread():
            correlations = values.T @ values / len(values)
            ranks = CrossRanks(names, correlations, len(values))
            pure = _pure_triples(values, ranks, alpha, gaussian=self.gaussian)
            clusters = _largest(_grown(pure, len(names)))
            self._keep(clusters, ranks, table.names, alpha)

    def _keep(
        self,
        clusters: list[tuple[int, ...]],
        ranks: CrossRanks,
        shown: tuple[Name, ...],
        alpha: float,
    ) -> None:
        names = ranks.names
        self.clusters_ = tuple(tuple(names[k] for k in cluster) for cluster in clusters)
        self.latents_ = fresh_names(len(clusters), shown)
        held = {name for cluster in self.clusters_ for name in cluster}
        self.unclustered_ = tuple(name for name in shown if name not in held)
        edges = [
            Edge(latent, name, "->")
            for latent, cluster in zip(self.latents_, self.clusters_, strict=True)
            for name in cluster
        ]
        self._p_values = {
            (i, j): ranks.test(clusters[i], clusters[j], 0).p_value
            for i, j in combinations(range(len(clusters)), 2)
        }
        edges += [
            Edge(self.latents_[i], self.latents_[j], "o-o")
            for (i, j), p_value in self._p_values.items()
            if p_value <= alpha
        ]
        seen = [name for name in shown if name in held]
        self.graph_ = CausalGraph.from_edges([*seen, *self.latents_], edges, Kind.PAG)

    def _explain(self, a: Name, b: Name) -> Explanation:
        edges = self.graph_.edges_between(a, b)
        shown = str(edges[0]) if edges else "no edge"
        places = [self.latents_.index(name) for name in (a, b) if name in self.latents_]
        if len(places) == 2:
            i, j = sorted(places)
            why = f"that their indicators are independent has p = {self._p_values[i, j]:.3g}"
            return Explanation((a, b), shown, why, "undecided" if edges else None)
        if len(places) == 1:
            cluster = self.clusters_[places[0]]
            name = b if a in self.latents_ else a
            if name in cluster:
                why = f"the tetrads of {show_set(cluster)} vanish, with any fourth variable"
                way = "a hidden variable is taken for the cause of its indicators"
                return Explanation((a, b), shown, why, way)
            return Explanation((a, b), shown, f"{show_name(name)} is in another cluster")
        one = any(a in cluster and b in cluster for cluster in self.clusters_)
        why = "the hidden variable" if one else "the hidden variables"
        return Explanation((a, b), shown, f"{why} above them would carry all they share")


def _pure_triples(
    values: FloatArray, ranks: CrossRanks, alpha: float, *, gaussian: bool
) -> BoolArray:
    """Whether each triple i < j < k is pure, by `_rank`."""
    p = len(ranks.names)
    quartets = np.array(list(combinations(range(p), 4)), dtype=np.intp)
    p_values = tetrad_p_values(
        values, ranks.correlations, tetrads_of(quartets).reshape(-1, 4), gaussian=gaussian
    )
    fails = (p_values.reshape(-1, 3) <= alpha / (3 * (p - 3))).any(axis=1)
    pure = np.ones(comb(p, 3), dtype=np.bool_)
    for left_out in range(4):
        members = [k for k in range(4) if k != left_out]
        pure[_rank(quartets[fails][:, members])] = False
    triples = np.array(list(combinations(range(p), 3)), dtype=np.intp)
    joined = np.array(
        [[i != j and ranks.test([i], [j], 0).p_value <= alpha for j in range(p)] for i in range(p)]
    )
    i, j, k = triples.T
    pure[_rank(triples)] &= joined[i, j] & joined[i, k] & joined[j, k]
    return pure


def _rank(triples: IntArray) -> IntArray:
    """Number of each triple i < j < k among all, by their largest member first."""
    i, j, k = triples.T
    found: IntArray = i + j * (j - 1) // 2 + k * (k - 1) * (k - 2) // 6
    return found


def _grown(pure: BoolArray, p: int) -> list[tuple[int, ...]]:
    """A cluster for each pure triple that is in none so far."""
    is_pure = {triple for triple in combinations(range(p), 3) if pure[_rank(np.array([triple]))[0]]}
    covered: set[tuple[int, ...]] = set()
    clusters = []
    for triple in sorted(is_pure):
        if triple in covered:
            continue
        cluster = list(triple)
        for other in range(p):
            if other not in cluster:
                pairs = list(combinations(cluster, 2))
                n_pure = sum(tuple(sorted((*pair, other))) in is_pure for pair in pairs)
                if n_pure > _MOST * len(pairs):
                    cluster.append(other)
        cluster.sort()
        covered.update(combinations(cluster, 3))
        clusters.append(tuple(cluster))
    return clusters


def _largest(clusters: list[tuple[int, ...]]) -> list[tuple[int, ...]]:
    """Largest first, each without a member of one before; in the order of their first members."""
    chosen: list[tuple[int, ...]] = []
    taken: set[int] = set()
    for cluster in sorted(clusters, key=lambda members: (-len(members), members)):
        if not taken & set(cluster):
            chosen.append(cluster)
            taken |= set(cluster)
    return sorted(chosen)
