"""Continuous optimisation over weighted graphs: NOTEARS, DAGMA, GOLEM.

A DAG is a matrix of weights W with no walk in a circle, and "no walk in a circle" can be written as
a smooth equation h(W) = 0. So the search for a graph becomes the minimisation of a smooth function
with a sparsity penalty, and one minimises: :class:`NOTEARS` squares and an augmented Lagrangian,
:class:`DAGMA` squares and a barrier, :class:`GOLEM` a likelihood.

Take them as baselines. Least squares favours arrows from small to large variances, and in simulated
data variances do rise along causal paths: there these algorithms shine, and so does sorting
variables by variance. Real units say nothing about causes. So columns are standardised unless you
say otherwise, and then `GES`, `BOSS` or :class:`~causalkit.discovery.search.flop.FLOP` find more in
less time (`benchmarks/bench_continuous.py`). Here least squares misses a collider, the likelihood
does not:

>>> import numpy as np
>>> rng = np.random.default_rng(0)
>>> a, b = rng.normal(size=(2, 1000))
>>> data = {"a": a, "b": b, "c": a + b + rng.normal(size=1000)}
>>> len(DAGMA().fit(data).graph_.edges())
3
>>> print(GOLEM().fit(data).graph_)
DAG with 3 nodes, 2 edges: a -> c; b -> c

References
----------
Reisach, Seiler and Weichwald (2021), "Beware of the simulated DAG! Causal discovery benchmarks may
be easy to game", NeurIPS, doi:10.48550/arXiv.2102.13647.
"""

from __future__ import annotations

import numpy as np

from causalkit.discovery.continuous._acyclicity import by_determinant, by_exponential
from causalkit.discovery.continuous._continuous_algorithm import check_not_negative
from causalkit.discovery.continuous._continuous_model import LinearContinuous, Problem
from causalkit.discovery.continuous._continuous_objectives import barrier, lagrangian, likelihood
from causalkit.discovery.continuous._schedules import (
    MuPath,
    augmented_lagrangian,
    barrier_path,
)
from causalkit.discovery.knowledge import Knowledge
from causalkit.typing import FloatArray, RandomState

__all__ = ["DAGMA", "GOLEM", "NOTEARS"]


class NOTEARS(LinearContinuous):
    """Least squares with an l1 penalty, under h(W) = tr exp(W∘W) - p = 0.

    Parameters
    ----------
    penalty : float, default 0.1
        Of the sum of absolute weights.
    threshold : float, default 0.3
        Weights of at most this size are no edges.
    standardize : bool, default True
        Whether columns are put in units of their standard deviation.
    knowledge : Knowledge, optional
        Tiers, required and forbidden edges; obeyed to the letter. Required edges bear no penalty
        and are kept whatever their weight.
    max_iter : int, default 2000
        Most steps of one minimisation, of which there are some 10 to 50.
    random_state : int, Generator or None, default 0
        Source of the tiny first weights, and of small shakes, without which a tie between the two
        directions of an edge might never be broken.

    Attributes
    ----------
    graph_ : CausalGraph
        Kind DAG. `graph_.to_cpdag()` is its equivalence class, which is all that data from a linear
        Gaussian model can tell.
    weights_ : ndarray of shape (p, p)
        `weights_[i, j]` of i -> j, in standard deviations if `standardize`; shrunk by the penalty.
    coefficients_ : EffectMatrix
        Least squares along `graph_`, in the units of the data.
    acyclicity_ : float
        h(W) before the threshold: 0 for a DAG.
    n_cut_ : int
        Edges above the threshold that were dropped because they lay on a circle.
    converged_ : bool
    varsortability_ : float
        Share of the directed paths of `graph_` along which variances, in the units of the data,
        rise; NaN without edges.

    Notes
    -----
    **Assumes:**

    - linear relations, no hidden common causes, no selection, and an acyclic graph;
    - for directions beyond the equivalence class: noise of one variance in all variables, and
      `standardize=False`;
    - that the local minimum that is found is a good one.

    Needs only the covariance matrix, so files and queries may be given as data. Each minimisation
    is by OWL-QN, in place of L-BFGS-B with each weight split in two.

    Warns with :class:`~causalkit.errors.ConvergenceWarning` if it did not converge, and with
    :class:`~causalkit.errors.AssumptionWarning` if `standardize=False` and the order of variances
    alone gives away nearly all directions.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> x, e = rng.normal(size=(2, 500))
    >>> knowledge = Knowledge(tiers=["x", "y"])
    >>> notears = NOTEARS(knowledge=knowledge).fit({"x": x, "y": 2 * x + e})
    >>> print(notears.graph_)
    DAG with 2 nodes, 1 edge: x -> y
    >>> round(notears.coefficients_.of("x", "y"), 1)
    2.0

    References
    ----------
    Zheng, Aragam, Ravikumar and Xing (2018), "DAGs with NO TEARS: continuous optimization for
    structure learning", NeurIPS, doi:10.48550/arXiv.1803.01422.
    """

    def __init__(
        self,
        *,
        penalty: float = 0.1,
        threshold: float = 0.3,
        standardize: bool = True,
        knowledge: Knowledge | None = None,
        max_iter: int = 2000,
        random_state: RandomState = 0,
    ) -> None:
        self.penalty = penalty
        self.threshold = threshold
        self.standardize = standardize
        self.knowledge = knowledge
        self.max_iter = max_iter
        self.random_state = random_state

    def _minimise(self, problem: Problem) -> tuple[FloatArray, bool]:
        penalty = check_not_negative(self.penalty, "penalty")
        x, converged = augmented_lagrangian(
            lambda x, rho, alpha: problem.search(lagrangian(problem, rho, alpha), x, penalty),
            lambda x: by_exponential(problem.weights(x))[0],
            problem.start,
        )
        return problem.weights(x), converged


class DAGMA(LinearContinuous):
    """Least squares with an l1 penalty, kept among DAGs by a log-determinant that becomes a wall.

    Minimises `mu (loss + penalty |W|) + h(W)` with h(W) = -log det(sI - W∘W) + p log s for smaller
    and smaller mu, each time from the last minimum.

    Parameters
    ----------
    penalty : float, default 0.03
        Of the sum of absolute weights.
    threshold : float, default 0.3
        Weights of at most this size are no edges.
    standardize : bool, default True
        Whether columns are put in units of their standard deviation.
    knowledge : Knowledge, optional
        Tiers, required and forbidden edges; obeyed to the letter. Required edges bear no penalty
        and are kept whatever their weight.
    path : sequence of (mu, s)
        Factors of the loss, falling, each with the bound s on the eigenvalues of W∘W.
    max_iter : int, default 5000
        Most steps for each of them.
    random_state : int, Generator or None, default 0
        Source of the tiny first weights, and of small shakes, without which a tie between the two
        directions of an edge might never be broken.

    Attributes
    ----------
    graph_ : CausalGraph
        Kind DAG.
    weights_ : ndarray of shape (p, p)
    coefficients_ : EffectMatrix
    acyclicity_ : float
        tr exp(W∘W) - p before the threshold.
    n_cut_ : int
    converged_ : bool
    varsortability_ : float
        As of :class:`NOTEARS`.

    Notes
    -----
    **Assumes:**

    - linear relations, no hidden common causes, no selection, and an acyclic graph;
    - for directions beyond the equivalence class: noise of one variance in all variables, and
      `standardize=False`;
    - that the local minimum that is found is a good one.

    The path is the published one. Each minimum is found by OWL-QN in place of Adam, which comes to
    the same value in a small part of the steps.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> a, b, c = rng.normal(size=(3, 1000))
    >>> b = a + b
    >>> knowledge = Knowledge(forbidden=[("b", "a"), ("a", "c")])
    >>> print(DAGMA(knowledge=knowledge).fit({"a": a, "b": b, "c": b + c}).graph_)
    DAG with 3 nodes, 2 edges: a -> b; b -> c

    References
    ----------
    Bello, Aragam and Ravikumar (2022), "DAGMA: learning DAGs via M-matrices and a log-determinant
    acyclicity characterization", NeurIPS, doi:10.48550/arXiv.2209.08037.
    """

    def __init__(
        self,
        *,
        penalty: float = 0.03,
        threshold: float = 0.3,
        standardize: bool = True,
        knowledge: Knowledge | None = None,
        path: MuPath = ((1.0, 1.0), (0.1, 0.9), (0.01, 0.8), (0.001, 0.7)),
        max_iter: int = 5000,
        random_state: RandomState = 0,
    ) -> None:
        self.penalty = penalty
        self.threshold = threshold
        self.standardize = standardize
        self.knowledge = knowledge
        self.path = path
        self.max_iter = max_iter
        self.random_state = random_state

    def _minimise(self, problem: Problem) -> tuple[FloatArray, bool]:
        penalty = check_not_negative(self.penalty, "penalty")
        x, converged = barrier_path(
            lambda x, mu, s: problem.search(barrier(problem, mu, s), x, mu * penalty),
            lambda x, s: np.isfinite(by_determinant(problem.weights(x * problem.shake), s)[0]),
            problem.start,
            self.path,
        )
        return problem.weights(x), converged


class GOLEM(LinearContinuous):
    """Gaussian likelihood with an l1 and a soft penalty on circles.

    Parameters
    ----------
    penalty : float, default 0.02
        Of the sum of absolute weights.
    acyclicity_penalty : float, default 5
        Of tr exp(W∘W) - p.
    equal_variances : bool, default False
        Whether the noise of all variables has one variance (GOLEM-EV) or each its own (GOLEM-NV).
        Standardised data have noise of different variances.
    threshold : float, default 0.3
        Weights of at most this size are no edges.
    standardize : bool, default True
        Whether columns are put in units of their standard deviation.
    knowledge : Knowledge, optional
        Tiers, required and forbidden edges; obeyed to the letter. Required edges bear no penalty
        and are kept whatever their weight.
    max_iter : int, default 10000
        Most steps.
    random_state : int, Generator or None, default 0
        Source of the tiny first weights, and of small shakes, without which a tie between the two
        directions of an edge might never be broken.

    Attributes
    ----------
    graph_ : CausalGraph
        Kind DAG.
    weights_ : ndarray of shape (p, p)
    coefficients_ : EffectMatrix
    acyclicity_ : float
        tr exp(W∘W) - p before the threshold; the penalty is soft, so it need not be 0.
    n_cut_ : int
    converged_ : bool
    varsortability_ : float
        As of :class:`NOTEARS`.

    Raises
    ------
    InputError
        From `fit`, if there are no more rows than columns: the likelihood then has no bound.

    Notes
    -----
    **Assumes:**

    - linear relations with Gaussian noise, no hidden common causes, no selection, and an acyclic
      graph;
    - with `equal_variances=True`, noise of one variance in all variables, so `standardize=False`;
    - that the local minimum that is found is a good one.

    Each minimum is found by OWL-QN in place of Adam. GOLEM-NV begins where GOLEM-EV ends, as
    published, unless data are standardised: noise of one variance is then no help to begin with.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> a, b = rng.normal(size=(2, 1000))
    >>> data = {"a": a, "b": b, "c": a + b + rng.normal(size=1000)}
    >>> print(GOLEM().fit(data).graph_)
    DAG with 3 nodes, 2 edges: a -> c; b -> c

    References
    ----------
    Ng, Ghassami and Zhang (2020), "On the role of sparsity and DAG constraints for learning linear
    DAGs", NeurIPS, doi:10.48550/arXiv.2006.10201.
    """

    def __init__(
        self,
        *,
        penalty: float = 0.02,
        acyclicity_penalty: float = 5.0,
        equal_variances: bool = False,
        threshold: float = 0.3,
        standardize: bool = True,
        knowledge: Knowledge | None = None,
        max_iter: int = 10_000,
        random_state: RandomState = 0,
    ) -> None:
        self.penalty = penalty
        self.acyclicity_penalty = acyclicity_penalty
        self.equal_variances = equal_variances
        self.threshold = threshold
        self.standardize = standardize
        self.knowledge = knowledge
        self.max_iter = max_iter
        self.random_state = random_state

    def _least_rows(self, n_columns: int) -> int:
        return n_columns + 2

    def _minimise(self, problem: Problem) -> tuple[FloatArray, bool]:
        soft = check_not_negative(self.acyclicity_penalty, "acyclicity_penalty")
        penalty = check_not_negative(self.penalty, "penalty")
        x, converged = problem.start, False
        if self.equal_variances or not self.standardize:
            found = problem.search(likelihood(problem, soft, equal=True), x, penalty)
            x, converged = found.x, found.converged
        if not self.equal_variances:
            found = problem.search(likelihood(problem, soft, equal=False), x, penalty)
            x, converged = found.x, found.converged
        return problem.weights(x), converged
