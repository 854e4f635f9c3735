"""A share of false edges that is chosen, in place of an alpha that is guessed.

With alpha = 0.05 and p = 50 variables there are 1225 pairs, and some dozens of false edges if the
graph is sparse: as many as true ones. What people want to fix is the share of the edges that are
false, the false discovery rate.

The p-value of an edge is the largest of all its tests (Li and Wang 2009): if the two variables are
not adjacent, some set separates them, and the p-value given that set is a valid one; if it was
among the sets tested, the largest is at least as large. Benjamini and Hochberg then ask that all k
edges that are kept have a p-value of at most `rate * k / M`, M the number of pairs.

Leaving out edges changes which sets are tested and how colliders are read, so the search is made
again with that bound as its alpha, until all edges of one search meet the bound that belongs to
their own number. The result is a search like any other, whose steps can be explained.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from sklearn.base import clone
from sklearn.utils.validation import check_is_fitted

from causalkit._core.checks import check_choice, check_fraction
from causalkit.discovery.base import DiscoveryAlgorithm, Explanation
from causalkit.discovery.constraint._skeleton import Skeleton
from causalkit.discovery.constraint.fci import LatentSearch
from causalkit.discovery.constraint.pc import PC
from causalkit.discovery.series.base import SeriesAlgorithm
from causalkit.errors import InputError
from causalkit.graph.marks import show_name
from causalkit.typing import FloatArray, IntArray, Name

__all__ = ["FalseDiscoveryControl", "edge_p_values"]

_METHODS: Final = ("BH", "BY")


class FalseDiscoveryControl(DiscoveryAlgorithm):
    """Choose `alpha` so that at most a given share of the edges is expected to be false.

    Parameters
    ----------
    algorithm : DiscoveryAlgorithm
        A search by independence tests: :class:`~causalkit.discovery.PC`, FCI. Its `alpha` is not
        used.
    rate : float, default 0.05
        Expected share of false edges among all edges.
    method : {"BH", "BY"}
        Benjamini and Hochberg, for p-values that are independent or depend positively on each
        other; Benjamini and Yekutieli for any dependence, with fewer edges.

    Attributes
    ----------
    graph_ : CausalGraph
        What the algorithm learns with `alpha_`.
    alpha_ : float
        The alpha that was chosen: all edges have p-values of at most `rate * k / M`.
    p_values_ : dict of frozenset of two names to float
        Of each edge: the largest p-value of its tests.
    n_hypotheses_ : int
        M, the number of pairs that were tested.
    algorithm_ : DiscoveryAlgorithm
        Fitted with `alpha_`.

    Notes
    -----
    **Assumes:**

    - what the algorithm assumes, above all faithfulness: each pair that is not adjacent is
      separated by some set;
    - such a set is among those that are tested, so true edges must be strong enough not to be cut
      before, and `max_order` large enough. Where that fails, false edges are more;
    - p-values of the test are valid, and depend on each other as the method allows.

    Control is of adjacencies. Directions follow from them and have errors of their own. Edges that
    are required, or for which nothing could be tested, are there without a p-value and do not
    count.

    Examples
    --------
    >>> import numpy as np
    >>> from causalkit.discovery import PC
    >>> rng = np.random.default_rng(0)
    >>> rows = rng.normal(size=(500, 12))
    >>> rows[:, 1] += rows[:, 0]
    >>> search = FalseDiscoveryControl(PC(), rate=0.1).fit(rows)
    >>> print(search.graph_)
    CPDAG with 12 nodes, 1 edge: x0 -- x1

    References
    ----------
    Li and Wang (2009), "Controlling the false discovery rate of the association/causality structure
    learned with the PC algorithm", JMLR 10: 475-514. Benjamini and Hochberg (1995), "Controlling
    the false discovery rate: a practical and powerful approach to multiple testing",
    doi:10.1111/j.2517-6161.1995.tb02031.x. Benjamini and Yekutieli (2001), "The control of the
    false discovery rate in multiple testing under dependency", doi:10.1214/aos/1013699998.
    Blanchard and Roquain (2008), "Two simple sufficient conditions for FDR control",
    doi:10.1214/08-EJS180, for sets of rejections that meet their own bound.
    """

    alpha_: float
    p_values_: dict[frozenset[Name], float]
    n_hypotheses_: int
    algorithm_: DiscoveryAlgorithm

    def __init__(
        self, algorithm: DiscoveryAlgorithm, rate: float = 0.05, *, method: str = "BH"
    ) -> None:
        self.algorithm = algorithm
        self.rate = rate
        self.method = method

    def _needs_rows(self) -> bool:
        _check_algorithm(self.algorithm)
        return self.algorithm._needs_rows()

    def _fit(self, table: Any) -> None:
        rate = check_fraction(self.rate, "rate")
        method = check_choice(self.method, "method", _METHODS)
        alpha = rate  # the bound for k = M, which no later one exceeds
        while True:
            fitted: Any = clone(self.algorithm).set_params(alpha=alpha)
            with warnings.catch_warnings(record=True) as heard:  # of the last search only
                warnings.simplefilter("always")
                fitted._fit(table)
            found = _skeleton_of(fitted)
            _, p_values = _edges_of(found)
            n_pairs = _n_hypotheses(found)
            # Benjamini-Yekutieli pay for any dependence with the harmonic sum 1 + 1/2 + … + 1/M.
            price = float(np.sum(1 / np.arange(1, n_pairs + 1))) if method == "BY" else 1.0
            unit = rate / (max(n_pairs, 1) * price)
            k = n_within(p_values, unit)
            if k == len(p_values):
                break
            # Fewer edges than the bound was made for: the next one is smaller.
            smaller = unit * max(k, 1)
            if smaller >= alpha:  # by rounding only
                break
            alpha = smaller
        for warning in heard:
            warnings.warn(warning.message, warning.category, stacklevel=3)
        self.algorithm_, self.graph_ = fitted, fitted.graph_
        self.alpha_, self.n_hypotheses_ = alpha, n_pairs
        self.p_values_ = dict(edge_p_values(fitted))

    @property
    def conflicts_(self) -> tuple[str, ...]:
        """Where answers of the search with `alpha_` contradict each other or the knowledge."""
        check_is_fitted(self, "algorithm_")
        found: tuple[str, ...] = getattr(self.algorithm_, "conflicts_", ())
        return found

    def _explain(self, a: Name, b: Name) -> Explanation:
        return self.algorithm_.explain(a, b)


def edge_p_values(algorithm: Any) -> Mapping[frozenset[Name], float]:
    """P-value of each edge of a fitted search: the largest of the tests that were made for it.

    Parameters
    ----------
    algorithm : DiscoveryAlgorithm
        Fitted; one that searches by independence tests, such as PC or FCI.

    Returns
    -------
    dict of frozenset of two names to float
        Edges that are required, or could not be tested, are left out.

    Raises
    ------
    InputError
        If the algorithm keeps no record of tests.

    Notes
    -----
    **Assumes:** faithfulness, and that a set that separates the pair, if there is one, was among
    those tested. Then the largest p-value is a valid one for "these two are not adjacent".

    Examples
    --------
    >>> import numpy as np
    >>> from causalkit.discovery import PC
    >>> x = np.random.default_rng(0).normal(size=(2, 100))
    >>> pc = PC().fit({"a": x[0], "b": x[0] + x[1]})
    >>> edge_p_values(pc)[frozenset("ab")] < 1e-9
    True
    """
    found = _skeleton_of(algorithm)
    names = algorithm.trace_.names
    pairs, p_values = _edges_of(found)
    return {
        frozenset((names[i], names[j])): p
        for (i, j), p in zip(pairs.tolist(), p_values.tolist(), strict=True)
    }


def n_within(p_values: FloatArray, unit: float) -> int:
    """The largest k such that k of the p-values are at most `k * unit`."""
    ranked = np.sort(p_values)
    good = np.flatnonzero(ranked <= unit * np.arange(1, len(ranked) + 1))
    return int(good[-1]) + 1 if len(good) else 0


def _edges_of(found: Skeleton) -> tuple[IntArray, FloatArray]:
    """Edges (m, 2) for which something was tested, and their p-values."""
    joined = np.triu(found.adjacency & ~found.record.kept, 1)
    pairs, p_values = [], []
    for i, j in np.argwhere(joined).tolist():
        evidence = found.closest.get((i, j))
        if evidence is not None:
            pairs.append((i, j))
            p_values.append(evidence.result.p_value)
    return np.array(pairs, dtype=np.intp).reshape(-1, 2), np.array(p_values)


def _n_hypotheses(found: Skeleton) -> int:
    """Pairs about which knowledge says nothing."""
    open_pairs = ~(found.record.kept | found.record.absent)
    return int(np.triu(open_pairs, 1).sum())


def _found(algorithm: Any) -> Any:
    return getattr(getattr(algorithm, "trace_", None), "found", None)


def _skeleton_of(algorithm: Any) -> Skeleton:
    found = _found(algorithm)
    if isinstance(found, Skeleton):
        return found
    raise InputError(
        f"{type(algorithm).__name__} has no record of tests; expected a fitted search by "
        "independence tests, such as PC().fit(data)."
    )


def _check_algorithm(algorithm: Any) -> None:
    if isinstance(algorithm, (PC, LatentSearch)):
        return
    if isinstance(algorithm, SeriesAlgorithm):
        raise InputError(
            f"FalseDiscoveryControl got a {type(algorithm).__name__}, which learns from series and "
            "tests links, not pairs; expected a search by independence tests of rows, such as "
            'PC(). Of series, PCMCI(correction="bh") and Granger(correction="bh") control the rate.'
        )
    known = isinstance(algorithm, DiscoveryAlgorithm)
    shown = show_name(type(algorithm).__name__)
    if not known or "alpha" not in algorithm.get_params(deep=False):
        raise InputError(
            f"FalseDiscoveryControl got a {shown}, which has no setting `alpha`; expected a search "
            "by independence tests, such as PC()."
        )
    raise InputError(
        f"FalseDiscoveryControl does not support {shown}, which keeps no record of the tests of "
        "all pairs; expected a search that does, such as PC() or FCI()."
    )
