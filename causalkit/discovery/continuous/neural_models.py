"""Continuous optimisation over networks: NOTEARS-MLP, DAGMA-MLP.

Each variable is a small network of all others plus noise, and an edge is there if the first layer
of its network reads the cause. The norms of what it reads are a matrix of weights as that of a
linear model is, so the same smooth equation keeps it free of circles.

Take them as baselines, as :mod:`~causalkit.discovery.continuous.linear_models`. Squares favour
arrows from small to large variances, and in simulated data variances rise along causal paths. In
standard units that help is gone, and squares err: here one algorithm turns a collider round. Where
relations are curved and noise is additive, see first :class:`~causalkit.discovery.CAM`, which
errs less in a hundredth of the time (`benchmarks/bench_continuous.py --curved`).

>>> import numpy as np
>>> rng = np.random.default_rng(0)
>>> a, b, e = rng.normal(size=(3, 300))
>>> data = {"a": a, "b": b, "c": np.tanh(2 * a) + np.exp(b / 2) + e / 3}
>>> print(NOTEARSMLP(hidden_units=(4,)).fit(data).graph_)
DAG with 3 nodes, 3 edges: a -> b; c -> a; c -> b
>>> print(DAGMAMLP(hidden_units=(6,)).fit(data).graph_)
DAG with 3 nodes, 2 edges: a -> c; b -> c
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Final

import numpy as np

from causalkit._core.checks import check_widths
from causalkit._core.parallel import one_thread
from causalkit._core.table import Table
from causalkit.discovery._columns import standardised
from causalkit.discovery.continuous._acyclicity import determinant, exponential
from causalkit.discovery.continuous._continuous_algorithm import (
    ContinuousAlgorithm,
    check_not_negative,
    check_range,
    warn_of_search,
)
from causalkit.discovery.continuous._l1_search import Minimum
from causalkit.discovery.continuous._networks import Networks, Variances, residual_variances
from causalkit.discovery.continuous._schedules import (
    MuPath,
    augmented_lagrangian,
    barrier_path,
)
from causalkit.discovery.knowledge import Knowledge
from causalkit.typing import FloatArray, RandomState

__all__ = ["DAGMAMLP", "NOTEARSMLP"]

_FEWEST_ROWS: Final = 10


class NeuralContinuous(ContinuousAlgorithm):
    """Base of the algorithms whose weights are norms of what networks read."""

    hidden_units: Sequence[int]
    device: str | None

    def _fit(self, table: Table) -> None:
        who = type(self).__name__
        setting = self._set_up(table.names)
        hidden = check_widths(self.hidden_units)
        values = standardised(table.select(setting.names), who, least_rows=_FEWEST_ROWS)
        spread = _spread(table.select(setting.names).values)
        if not self.standardize:
            values = values * check_range(spread, who)
        values = values[np.lexsort(values.T[::-1])]  # so that the order of rows says nothing
        compute: Variances = residual_variances
        if self.device is not None:
            from causalkit.discovery.continuous._torch_networks import on_device

            compute = on_device(self.device, who)
        penalised = setting.free & ~setting.required
        networks = Networks(values, setting.free, penalised, hidden, setting.max_iter, compute)
        with one_thread():
            x, self.converged_ = self._minimise(networks, networks.start(setting.rng))
        self._conclude(setting, np.sqrt(networks.squares(x)), spread)
        warn_of_search(self, who)

    @abstractmethod
    def _minimise(self, networks: Networks, start: FloatArray) -> tuple[FloatArray, bool]:
        """Return the networks that were found, and whether the search for them converged."""


class NOTEARSMLP(NeuralContinuous):
    """Half the squares that networks leave, with an l1 penalty on what they read, under h(W) = 0.

    W[i, j] is the norm of the weights that lead from variable i into the network of variable j, and
    h(W) = tr exp(W∘W) - p, as in :class:`~causalkit.discovery.NOTEARS`.

    Parameters
    ----------
    hidden_units : sequence of int, default (10,)
        Widths of the hidden layers of each network.
    penalty : float, default 0.01
        Of the sum of the absolute weights of all first layers.
    ridge : float, default 0.01
        Of half the sum of the squares of all weights.
    threshold : float, default 0.3
        Norms of at most this size are no edges.
    standardize : bool, default True
        Whether columns are put in units of their standard deviation.
    knowledge : Knowledge, optional
        Tiers, required and forbidden edges; obeyed to the letter. Required edges bear no l1 penalty
        and are kept whatever their norm.
    max_iter : int, default 2000
        Most steps of one minimisation, of which there are some 20.
    random_state : int, Generator or None, default 0
        Source of the first weights, on which the result depends.
    device : str, optional
        Where torch computes, such as "cuda"; with the extra `deep` only. None computes with NumPy,
        which on a processor is no slower.

    Attributes
    ----------
    graph_ : CausalGraph
        Kind DAG.
    weights_ : ndarray of shape (p, p)
        Norms of what the networks read, of the edges of `graph_`; not negative.
    acyclicity_ : float
        h(W) before the threshold: 0 for a DAG.
    n_cut_ : int
        Edges above the threshold that were dropped because they lay on a circle.
    converged_ : bool
    varsortability_ : float
        Share of the directed paths of `graph_` along which variances, in the units of the data,
        rise; NaN without edges.

    Raises
    ------
    InputError
        From `fit`, if there are fewer than two columns, fewer than 10 rows or than two more rows
        than columns, a categorical column with more than two levels, missing cells or a constant;
        or if a device is given that cannot be used.
    NumericalError
        From `fit`, if a column is a linear combination of others.

    Notes
    -----
    **Assumes:**

    - each variable is a smooth function of its causes plus independent noise;
    - no hidden common causes and no selection, and the true graph is acyclic;
    - noise of one variance in all variables, and `standardize=False`: what least squares compares
      between directions is noise in these units;
    - that the local minimum that is found is a good one.

    A cause whose effect has no slope on average, as that of x² around 0, is easily missed: the
    penalty holds its weights at 0 before a bend can form. So here, other than published, the first
    minimisation is without it, from larger weights; more such causes are found, not all.

    Each minimisation is by OWL-QN, in place of L-BFGS-B with each weight of the first layers split
    in two. A network can trade small weights in the first layer for large ones later; it is the
    ridge that keeps norms comparable with the threshold.

    Warns with :class:`~causalkit.errors.ConvergenceWarning` if it did not converge, and with
    :class:`~causalkit.errors.AssumptionWarning` if `standardize=False` and the order of variances
    alone gives away nearly all directions.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> x, e = rng.normal(size=(2, 200))
    >>> knowledge = Knowledge(tiers=["x", "y"])
    >>> found = NOTEARSMLP(hidden_units=(4,), knowledge=knowledge).fit({"y": np.exp(x) + e, "x": x})
    >>> print(found.graph_)
    DAG with 2 nodes, 1 edge: x -> y

    References
    ----------
    Zheng, Dan, Aragam, Ravikumar and Xing (2020), "Learning sparse nonparametric DAGs", AISTATS,
    doi:10.48550/arXiv.1909.13189.
    """

    def __init__(
        self,
        *,
        hidden_units: Sequence[int] = (10,),
        penalty: float = 0.01,
        ridge: float = 0.01,
        threshold: float = 0.3,
        standardize: bool = True,
        knowledge: Knowledge | None = None,
        max_iter: int = 2000,
        random_state: RandomState = 0,
        device: str | None = None,
    ) -> None:
        self.hidden_units = hidden_units
        self.penalty = penalty
        self.ridge = ridge
        self.threshold = threshold
        self.standardize = standardize
        self.knowledge = knowledge
        self.max_iter = max_iter
        self.random_state = random_state
        self.device = device

    def _minimise(self, networks: Networks, start: FloatArray) -> tuple[FloatArray, bool]:
        price = check_not_negative(self.penalty, "penalty")
        ridge = check_not_negative(self.ridge, "ridge")

        def search(x: FloatArray, rho: float, alpha: float, penalty: float = price) -> Minimum:
            def circles(squares: FloatArray) -> tuple[float, FloatArray]:
                h, slope = exponential(squares)
                return 0.5 * rho * h * h + alpha * h, (rho * h + alpha) * slope

            return networks.search(networks.smooth(_half_sum, circles, ridge), x, penalty)

        # A line gains nothing from x² around 0, so the penalty would hold its weights at 0: bends
        # form first, without it, from units that are not all straight (biases of up to 2).
        (first, bias), *later = networks.layers(start)
        bent = networks.joined([(2.0 * first, 2.0 * np.sqrt(len(first)) * bias), *later])
        bent = search(bent, 1.0, 0.0, penalty=0.0).x
        return augmented_lagrangian(search, lambda x: exponential(networks.squares(x))[0], bent)


class DAGMAMLP(NeuralContinuous):
    """Log of the squares that networks leave, kept among DAGs by a wall, as in linear DAGMA.

    Minimises `mu (loss + penalty |F| + ridge/2 |θ|²) + h(W)` for smaller and smaller mu, with F the
    weights of the first layers, W their norms as in :class:`NOTEARSMLP`,
    h(W) = -log det(sI - W∘W) + p log s, and as the loss p/2 times the logarithm of the sum of the
    mean squares.

    Parameters
    ----------
    hidden_units : sequence of int, default (10,)
        Widths of the hidden layers of each network.
    penalty : float, default 0.02
        Of the sum of the absolute weights of all first layers.
    ridge : float, default 0.005
        Of half the sum of the squares of all weights.
    threshold : float, default 0.3
        Norms of at most this size are no edges.
    standardize : bool, default True
        Whether columns are put in units of their standard deviation.
    knowledge : Knowledge, optional
        Tiers, required and forbidden edges; obeyed to the letter. Required edges bear no l1 penalty
        and are kept whatever their norm.
    path : sequence of (mu, s)
        Factors of the loss, falling, each with the bound s on the eigenvalues of W∘W.
    max_iter : int, default 5000
        Most steps for each of them.
    random_state : int, Generator or None, default 0
        Source of the first weights, on which the result depends.
    device : str, optional
        Where torch computes, such as "cuda"; with the extra `deep` only. None computes with NumPy,
        which on a processor is no slower.

    Attributes
    ----------
    graph_ : CausalGraph
        Kind DAG.
    weights_ : ndarray of shape (p, p)
    acyclicity_ : float
        tr exp(W∘W) - p before the threshold.
    n_cut_ : int
    converged_ : bool
    varsortability_ : float
        As of :class:`NOTEARSMLP`.

    Raises
    ------
    InputError, NumericalError
        As of :class:`NOTEARSMLP`.

    Notes
    -----
    **Assumes:**

    - each variable is a smooth function of its causes plus independent Gaussian noise;
    - no hidden common causes and no selection, and the true graph is acyclic;
    - noise of one variance in all variables, and `standardize=False`;
    - that the local minimum that is found is a good one.

    The path is the published one. Each minimum is found by OWL-QN in place of Adam. First layers
    begin at 0, as published; the ridge leaves biases alone. A cause whose effect has no slope on
    average, as that of x² around 0, is missed: where a network reads nothing, nothing draws it.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> a, b, e = rng.normal(size=(3, 300))
    >>> data = {"a": a, "b": b, "c": np.tanh(2 * a) + np.exp(b / 2) + e / 3}
    >>> print(DAGMAMLP(hidden_units=(6,)).fit(data).graph_)
    DAG with 3 nodes, 2 edges: a -> c; b -> c

    References
    ----------
    Bello, Aragam and Ravikumar (2022), "DAGMA: learning DAGs via M-matrices and a log-determinant
    acyclicity characterization", NeurIPS, doi:10.48550/arXiv.2209.08037.
    """

    def __init__(
        self,
        *,
        hidden_units: Sequence[int] = (10,),
        penalty: float = 0.02,
        ridge: float = 0.005,
        threshold: float = 0.3,
        standardize: bool = True,
        knowledge: Knowledge | None = None,
        path: MuPath = ((0.1, 1.0), (0.01, 1.0), (0.001, 1.0), (0.0001, 1.0)),
        max_iter: int = 5000,
        random_state: RandomState = 0,
        device: str | None = None,
    ) -> None:
        self.hidden_units = hidden_units
        self.penalty = penalty
        self.ridge = ridge
        self.threshold = threshold
        self.standardize = standardize
        self.knowledge = knowledge
        self.path = path
        self.max_iter = max_iter
        self.random_state = random_state
        self.device = device

    def _minimise(self, networks: Networks, start: FloatArray) -> tuple[FloatArray, bool]:
        penalty = check_not_negative(self.penalty, "penalty")
        ridge = check_not_negative(self.ridge, "ridge")

        def search(x: FloatArray, mu: float, bound: float) -> Minimum:
            def circles(squares: FloatArray) -> tuple[float, FloatArray]:
                h, slope = determinant(squares, bound)
                return h / mu, slope / mu  # rather than a loss that all but vanishes with mu

            return networks.search(networks.smooth(_half_log_of_sum, circles, ridge), x, penalty)

        def inside(x: FloatArray, bound: float) -> bool:
            return bool(np.isfinite(determinant(networks.squares(x), bound)[0]))

        nothing_read = start.copy()
        nothing_read[: int(networks.free.sum()) * networks.hidden[0]] = 0.0
        return barrier_path(search, inside, nothing_read, self.path)


def _half_sum(variances: FloatArray) -> tuple[float, FloatArray]:
    return 0.5 * float(variances.sum()), np.full(len(variances), 0.5)


def _half_log_of_sum(variances: FloatArray) -> tuple[float, FloatArray]:
    """Gaussian noise of one variance, profiled out."""
    p, total = len(variances), float(variances.sum())
    return 0.5 * p * float(np.log(total)), np.full(p, 0.5 * p / total)


def _spread(values: FloatArray) -> FloatArray:
    """Standard deviations; squares of large numbers do not overflow."""
    largest = np.abs(values).max(axis=0)
    return np.asarray((values / largest).std(axis=0) * largest)
