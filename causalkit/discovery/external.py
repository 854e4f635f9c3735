"""Score-based and pairwise algorithms that causal-learn carries out.

* :class:`GRaSP` searches orderings of the variables; fast, and it needs less than faithfulness.
* :class:`ExactSearch` finds the graph with the best score of all, for up to about 15 variables.
* :class:`ANM` tells cause from effect of two variables by nonlinearity.

Those that allow for hidden variables are in :mod:`~causalkit.discovery.external_latent`.

>>> import numpy as np
>>> rng = np.random.default_rng(0)
>>> a, b = rng.normal(size=(2, 1000))
>>> data = {"a": a, "b": b, "c": a + b + rng.normal(size=1000)}
>>> print(ExactSearch().fit(data).graph_)
CPDAG with 3 nodes, 2 edges: a -> c; b -> c
"""

from __future__ import annotations

from math import e

import numpy as np

from causalkit._core.checks import check_choice, check_count, check_fraction, check_positive
from causalkit.discovery._causallearn import CausalLearnAlgorithm
from causalkit.discovery._setup import as_knowledge
from causalkit.discovery.base import Explanation
from causalkit.discovery.knowledge import Knowledge
from causalkit.errors import InputError
from causalkit.graph import ARROW, CausalGraph, Edge, Kind, dag_to_cpdag, meek_closure
from causalkit.graph.adjacency import from_adjacency
from causalkit.graph.marks import show_name
from causalkit.typing import BoolArray, FloatArray, Name, RandomState

__all__ = ["ANM", "ExactSearch", "GRaSP"]


class GRaSP(CausalLearnAlgorithm):
    """Greedy relaxations of the sparsest permutation: search orderings, score by BIC.

    Parameters
    ----------
    penalty : float, default 2
        Weight of the BIC penalty: a parent costs `penalty * log(n) / 2` units of log-likelihood, so
        1 is the BIC itself. Larger gives fewer edges.
    depth : int, default 3
        How many moves that gain nothing may be tried in a row.
    random_state : int, numpy.random.Generator or None
        Source of the initial ordering.

    Attributes
    ----------
    graph_ : CausalGraph
        Kind CPDAG.

    Notes
    -----
    **Assumes:**

    - no hidden common causes and no selection;
    - the true graph is acyclic;
    - linear relations with Gaussian noise (the score is consistent for other noise, too, as far as
      covariances tell);
    - a weaker form of faithfulness: violations that cancel along one path are tolerated more
      often than by PC.

    Up to about 100 variables: beyond, causal-learn's last step, from a DAG to its class, takes
    minutes. Background knowledge is not supported.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> a, b = rng.normal(size=(2, 1000))
    >>> c = a + b + rng.normal(size=1000)
    >>> grasp = GRaSP(random_state=0).fit({"a": a, "b": b, "c": c, "d": c + rng.normal(size=1000)})
    >>> print(grasp.graph_)
    CPDAG with 4 nodes, 3 edges: a -> c; b -> c; c -> d

    References
    ----------
    Lam, Andrews, Ramsey (2022), "Greedy relaxations of the sparsest permutation algorithm", UAI,
    PMLR 180, doi:10.48550/arXiv.2206.05421.
    """

    def __init__(
        self, *, penalty: float = 2.0, depth: int = 3, random_state: RandomState = None
    ) -> None:
        self.penalty = penalty
        self.depth = depth
        self.random_state = random_state

    def _learn(self, values: FloatArray, names: tuple[Name, ...]) -> CausalGraph:
        penalty = check_positive(self.penalty, "penalty")
        depth = check_count(self.depth, "depth")
        from causallearn.search.PermutationBased.GRaSP import grasp

        found = grasp(
            values,
            depth=depth,
            parameters={"lambda_value": penalty * _bic_weight(len(values))},
            verbose=False,
        )
        return from_adjacency(
            np.asarray(found.graph), names, convention="causal-learn", kind=Kind.CPDAG
        )


def _bic_weight(n_rows: int) -> float:
    """What causal-learn calls lambda for the BIC itself.

    That is 1 up to some version and 1/2 after it, so the two terms of its score are looked at.
    """
    from causallearn.score.LocalScoreFunction import local_score_BIC_from_cov

    def score(variance: float, parents: list[int]) -> float:
        data = np.diag([variance, 1.0]), n_rows
        found = local_score_BIC_from_cov(data, 0, parents, {"lambda_value": 1.0})
        return float(np.asarray(found).item())  # a 1-by-1 matrix in early versions

    fit = abs(score(e, []) - score(1.0, [])) / n_rows
    price = abs(score(1.0, [1]) - score(1.0, [])) / np.log(n_rows)
    return float(fit / price)


class ExactSearch(CausalLearnAlgorithm):
    """The class of DAGs with the best BIC of all, by A* or dynamic programming.

    Parameters
    ----------
    method : {"astar", "dp"}
        A* keeps less in memory; dynamic programming takes the same time whatever the data.
    max_parents : int, optional
        Largest number of parents of a variable; no limit if left out. Without a limit, p variables
        take p * 2^(p - 1) regressions, so there may be 20 of them at most.
    knowledge : Knowledge, optional
        Tiers, required and forbidden edges: the best DAG among those that obey.

    Attributes
    ----------
    graph_ : CausalGraph
        Kind CPDAG: all DAGs that share the best score, and obey the knowledge.

    Notes
    -----
    **Assumes:**

    - no hidden common causes and no selection;
    - the true graph is acyclic;
    - linear relations with Gaussian noise.

    Examples
    --------
    >>> import numpy as np
    >>> from causalkit.discovery import Knowledge
    >>> rng = np.random.default_rng(0)
    >>> a = rng.normal(size=500)
    >>> data = {"a": a, "b": a + rng.normal(size=500)}
    >>> print(ExactSearch().fit(data).graph_)
    CPDAG with 2 nodes, 1 edge: a -- b
    >>> print(ExactSearch(knowledge=Knowledge(tiers=["b", "a"])).fit(data).graph_)
    CPDAG with 2 nodes, 1 edge: b -> a

    References
    ----------
    Silander, Myllymäki (2006), "A simple approach for finding the globally optimal Bayesian network
    structure", UAI, doi:10.48550/arXiv.1206.6875. Yuan, Malone (2013), "Learning optimal Bayesian
    networks: a shortest path perspective", JAIR 48, doi:10.1613/jair.4039.
    """

    def __init__(
        self,
        *,
        method: str = "astar",
        max_parents: int | None = None,
        knowledge: Knowledge | None = None,
    ) -> None:
        self.method = method
        self.max_parents = max_parents
        self.knowledge = knowledge

    def _learn(self, values: FloatArray, names: tuple[Name, ...]) -> CausalGraph:
        method = check_choice(self.method, "method", ("astar", "dp"))
        knowledge = as_knowledge(self.knowledge)
        forbidden = knowledge.forbidden_matrix(names)
        required = knowledge.required_matrix(names)
        self._check_size(names, required)
        from causallearn.search.ScoreBased.ExactSearch import bic_exact_search

        allowed = ~(forbidden | np.eye(len(names), dtype=np.bool_))
        found, _ = bic_exact_search(
            values,
            super_graph=allowed.astype(np.int64),
            include_graph=required.astype(np.int64),
            search_method=method,
            max_parents=self.max_parents,
        )
        return _class_within(from_adjacency(found != 0, names, kind=Kind.DAG), forbidden)

    def _check_size(self, names: tuple[Name, ...], required: BoolArray) -> None:
        if self.max_parents is None:
            if len(names) > 20:
                raise InputError(
                    f"the data have {len(names)} columns, which makes {len(names)} * "
                    f"2^{len(names) - 1} regressions; ExactSearch without max_parents expects at "
                    "most 20. Set max_parents, or use GRaSP or PC."
                )
            return
        check_count(self.max_parents, "max_parents", minimum=0)
        most = int(required.sum(axis=0).argmax())
        if required[:, most].sum() > self.max_parents:
            raise InputError(
                f"{show_name(names[most])} has {required[:, most].sum()} required parents, more "
                f"than max_parents={self.max_parents}. Raise max_parents, or drop some."
            )


def _class_within(dag: CausalGraph, forbidden: BoolArray) -> CausalGraph:
    """The DAGs that are equivalent to this one and have no forbidden edge."""
    cpdag = dag_to_cpdag(dag)
    ends = np.array(cpdag.ends)
    ends[cpdag.undirected & forbidden.T] = ARROW  # i -- j with j -> i forbidden
    return meek_closure(CausalGraph(cpdag.nodes, ends, Kind.CPDAG))


class ANM(CausalLearnAlgorithm):
    """Tell cause from effect of two variables: the noise is independent of the cause only.

    Each variable is regressed on the other by a Gaussian process. The direction in which a kernel
    test finds the residual independent of the regressor is possible, the other one is not.

    Parameters
    ----------
    alpha : float, default 0.05
        A direction is impossible if the p-value of its residual falls below.

    Attributes
    ----------
    graph_ : CausalGraph
        Kind CPDAG, over the two columns: no edge if the variables are independent, `->` if one
        direction only is possible, else `--`.
    p_values_ : dict of (name, name) to float
        By (cause, effect), of the test that residual and cause are independent. If both fall below
        `alpha`, the model holds in neither direction.

    Notes
    -----
    **Assumes:**

    - the effect is a smooth function of the cause plus independent noise;
    - no hidden common cause and no selection;
    - the function is not linear, or the noise not Gaussian; else both directions are possible.

    The work grows with the cube of the rows: take up to about 1,000 of them.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> x = rng.uniform(-2, 2, size=150)
    >>> print(ANM().fit({"x": x, "y": np.exp(x) + rng.normal(size=150)}).graph_)
    CPDAG with 2 nodes, 1 edge: x -> y

    References
    ----------
    Hoyer, Janzing, Mooij, Peters, Schölkopf (2008), "Nonlinear causal discovery with additive noise
    models", NIPS 21. Mooij et al. (2016), "Distinguishing cause from effect using observational
    data", JMLR 17(32).
    """

    p_values_: dict[tuple[Name, Name], float]

    def __init__(self, *, alpha: float = 0.05) -> None:
        self.alpha = alpha

    def _learn(self, values: FloatArray, names: tuple[Name, ...]) -> CausalGraph:
        alpha = check_fraction(self.alpha, "alpha")
        if len(names) != 2:
            raise InputError(
                f"the data have {len(names)} columns; ANM expects 2. Ask about one pair at a time."
            )
        from causallearn.search.FCMBased.ANM.ANM import ANM  # theirs
        from causallearn.utils.KCI.KCI import KCI_UInd

        x, y = values[:, [0]], values[:, [1]]
        a, b = names
        forwards, backwards = map(float, ANM().cause_or_effect(x, y))
        self.p_values_ = {(a, b): forwards, (b, a): backwards}
        marginal = float(KCI_UInd().compute_pvalue(x, y)[0])
        if marginal >= alpha:
            return CausalGraph.from_edges(names, [], Kind.CPDAG)
        possible = forwards >= alpha, backwards >= alpha
        edge = Edge(a, b, "--")
        if possible == (True, False):
            edge = Edge(a, b, "->")
        elif possible == (False, True):
            edge = Edge(b, a, "->")
        return CausalGraph.from_edges(names, [edge], Kind.CPDAG)

    def _explain(self, a: Name, b: Name) -> Explanation:
        edges = self.graph_.edges_between(a, b)
        if not edges:
            return Explanation((a, b), "no edge", "a kernel test finds the two independent")
        first, second = (
            f"{show_name(cause)} -> {show_name(effect)} (p = {p_value:.3g})"
            for (cause, effect), p_value in self.p_values_.items()
        )
        return Explanation(
            (a, b),
            str(edges[0]),
            "a kernel test finds the two dependent",
            f"independence of residual and cause: {first}, {second}, at alpha = {self.alpha:g}",
        )
