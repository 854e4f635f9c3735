"""`CausalTime`: learn from real series, then draw new ones of which the graph is known exactly.

>>> model = CausalTime(max_lag=2, random_state=0).fit(series)  # doctest: +SKIP
>>> drawn = model.sample(1000, rng=1)  # doctest: +SKIP
>>> model.graph_  # doctest: +SKIP

What is drawn follows the real series closely because nothing that networks could learn is thrown
away: what the hypothesised causes of a series leave unsaid comes back as a series of its own, its
residual. That is also the price. Residual series are among the variables of the exact graph.
"""

from __future__ import annotations

from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator

from causalkit._core.checks import check_choice, check_count, check_fraction, check_positive
from causalkit._core.deep import check_device, load_torch, with_gradients
from causalkit._core.random import as_generator
from causalkit._core.series import as_series
from causalkit.errors import InputError
from causalkit.graph import LaggedGraph, SummaryGraph
from causalkit.models.causaltime.descent import Schedule
from causalkit.models.causaltime.drawing import INSTEAD, WHO, DrawsSeries
from causalkit.models.causaltime.dynamics import (
    Dynamics,
    Running,
    exact_graph,
    lagged_dag,
    residual_names,
)
from causalkit.models.causaltime.flow import load_zuko
from causalkit.models.causaltime.hypothesis import read_hypothesis
from causalkit.models.causaltime.importance import attributions, mean_slopes, most_important
from causalkit.models.causaltime.learning import Learner
from causalkit.models.causaltime.networks import NETWORKS
from causalkit.models.causaltime.windows import MISSING, read_windows
from causalkit.typing import BoolArray, Data, FloatArray, Name, RandomState

__all__ = ["CausalTime"]

_SHARING: Final = ("none", "decoder")


class CausalTime(DrawsSeries, BaseEstimator):
    """Series by networks that read their own causes, with the exact graph of what they do.

    For each series i, what is drawn is::

        x_i(t) = causal_i(past of its parents) + r_i(t - 1) + e_i(t)
        r_i(t) = full_i(all steps up to t) - causal_i(steps of its parents up to t)

    where `causal` reads the hypothesised parents only, `full` reads everything, and the noise e_i
    comes from a normalising flow that is conditional on the parents of x_i.

    Parameters
    ----------
    network : {"lstm", "mlp"}, default "lstm"
        What the networks are; each has also a line through what it reads.
    graph : LaggedGraph, SummaryGraph or array of shape (p, p), optional
        Hypothesised causes; of an array `[cause, effect]`, zeros and ones. It is taken as it is:
        a series whose own past is not in it does not read its own past. Left out, the importance of
        each series in the full networks decides, and own pasts stay.
    max_lag : int, default 5
        Steps that networks look back. (20 in the paper.)
    sparsity : float, default 0.75
        Without a graph: share of the pairs of different series that are no edges.
    hidden_units : int, default 32
    sharing : {"none", "decoder"}, default "none"
        Whether the later layers of all networks have the same weights. Nothing that flows through
        them is shared either way.
    epochs : int, default 30
        Rounds of descent at most, of each of the three steps.
    patience : int, default 5
        Rounds without any network getting better, after which a step ends.
    learning_rate : float, default 0.003
    batch_size : int, default 128
    ridge : float, default 1e-5
        Price of squared weights.
    validation : float, default 0.2
        Share of the steps, in blocks of time, that judge and are not learnt from.
    missing : {"drop", "carry"}, default "drop"
        Leave out windows with a missing cell; or let networks read the last value seen. Cells that
        are missing are never learnt from. What is drawn has no gaps.
    panel, time, mask : str or int, optional
        Columns that tell subjects apart, that say when, and that say which steps count.
    random_state : int, Generator or None, default 0
        Of first weights, batches and importance. The same seed gives the same model.
    device : str, default "cpu"

    Attributes
    ----------
    graph_ : LaggedGraph
        Exact, over the series and their residual series (`"X_residual"` of `"X"`): 2p of them.
    hypothesis_ : LaggedGraph
        The block of `graph_` between series, of what the causal part of each reads.
    observed_graph_ : LaggedGraph
        Exact over the series alone, without their residuals: complete at all lags.
    strengths_ : ndarray of shape (max_lag + 1, 2p, 2p)
        `[lag, cause, effect]`: mean absolute slope of what each variable is, noise left out, by
        each of its parents, in units of the series' standard deviations; 0 where there is no edge.
    importance_ : ndarray of shape (p, p) or None
        `[cause, effect]`: expected gradients of the full networks; None if a graph was given.
    full_loss_, causal_loss_ : ndarrays of shape (p,)
        Mean squared error on steps that judge, in variances of the series.
    noise_loss_ : ndarray of shape (p,)
        Mean negative log-likelihood of the noise there, of series in their standard deviations.
    noise_correlation_ : ndarray of shape (p, p)
        Of the noise of different series there. The noise that is drawn is independent.
    dynamics_ : Dynamics
        All that was learnt, as arrays.
    n_obs_ : int
        Steps that were learnt from.
    n_features_in_, feature_names_in_
        As of every estimator.

    Raises
    ------
    InputError
        If torch or zuko is not installed, series are too short, constant or categorical, the graph
        does not fit the series, or a setting is out of range.
    NumericalError
        If descent ran away.

    Notes
    -----
    **Assumes:** nothing about the real series that the exactness of `graph_` would rest on: it is
    the graph of what is drawn, by construction. That what is drawn resembles the real series needs
    more:

    - they have no trend, and what drives what is the same at all times;
    - the last `max_lag` steps say all that the past can say;
    - nothing acts within a step: noise of different series is independent (`noise_correlation_`
      tells how far that is from true).

    **What the graph is the truth of.** Over the *observed* series alone the truth is the complete
    graph (`observed_graph_`): the residual of a series depends on all of them and acts on it one
    step later. To score a method on the columns of the series against `hypothesis_` is to score
    it against what these series do not obey. Over all 2p columns `graph_` is exact; but residuals
    are functions of the series, so conditional independences hold there that the graph does not
    entail, and the block of edges into residuals, which is full, is most of what can be found. Use
    :class:`~causalkit.models.Twin` for series whose graph is exact over the columns themselves.

    Other than in the released code of the paper, residuals are fed back; noise varies without being
    asked to, is trained by likelihood, and depends on nothing but parents; steps that judge share
    no step with those learnt from; and nothing that is drawn is a real step: chains begin at the
    mean and their first steps are left out. Other than in the paper, networks have a line, what
    they read is held within the range that was learnt from, so that no chain runs away, and the
    causal and the full network have weights of their own.

    References
    ----------
    Cheng, Wang, Xiao, Zhong, Suo and He (2024), "CausalTime: realistically generated time-series
    for benchmarking of causal discovery", International Conference on Learning Representations,
    arXiv:2310.01753, doi:10.48550/arXiv.2310.01753.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.random.default_rng(0).normal(size=(300, 2))
    >>> for t in range(1, 300):
    ...     x[t] += 0.5 * x[t - 1] + [0.0, np.tanh(x[t - 1, 0])]
    >>> model = CausalTime("mlp", graph=[[1, 1], [0, 1]], max_lag=1, epochs=3, random_state=0)
    >>> model = model.fit({"a": x[:, 0], "b": x[:, 1]})  # doctest: +SKIP
    >>> print(model.hypothesis_)  # doctest: +SKIP
    DAG of 2 series, lags to 1, 3 edges: a[t-1] -> a[t]; a[t-1] -> b[t]; b[t-1] -> b[t]
    >>> sorted(model.sample(100, rng=1))  # doctest: +SKIP
    ['a', 'a_residual', 'b', 'b_residual']
    """

    graph_: LaggedGraph
    hypothesis_: LaggedGraph
    observed_graph_: LaggedGraph
    strengths_: FloatArray
    importance_: FloatArray | None
    full_loss_: FloatArray
    causal_loss_: FloatArray
    noise_loss_: FloatArray
    noise_correlation_: FloatArray
    dynamics_: Dynamics
    n_obs_: int
    n_features_in_: int
    feature_names_in_: NDArray[Any]

    def __init__(
        self,
        network: str = "lstm",
        *,
        graph: LaggedGraph | SummaryGraph | Any | None = None,
        max_lag: int = 5,
        sparsity: float = 0.75,
        hidden_units: int = 32,
        sharing: str = "none",
        epochs: int = 30,
        patience: int = 5,
        learning_rate: float = 0.003,
        batch_size: int = 128,
        ridge: float = 1e-5,
        validation: float = 0.2,
        missing: str = "drop",
        panel: Name | None = None,
        time: Name | None = None,
        mask: Name | None = None,
        random_state: RandomState = 0,
        device: str = "cpu",
    ) -> None:
        self.network = network
        self.graph = graph
        self.max_lag = max_lag
        self.sparsity = sparsity
        self.hidden_units = hidden_units
        self.sharing = sharing
        self.epochs = epochs
        self.patience = patience
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.ridge = ridge
        self.validation = validation
        self.missing = missing
        self.random_state = random_state
        self.device = device
        self.panel = panel
        self.time = time
        self.mask = mask

    def fit(self, X: Data, y: Any = None) -> Self:
        """Learn from series.

        Parameters
        ----------
        X : DataFrame, 2-D ndarray or dict of columns; a list of them; or a 3-D ndarray
            One row a step, in the order of time, as algorithms for series read it.
        y : None
            Ignored; scikit-learn passes it.

        Returns
        -------
        self
        """
        from causalkit.discovery.base import note_columns
        from causalkit.discovery.series._lagged_design import check_numbers

        del y
        schedule = self._schedule()
        series = as_series(X, panel=self.panel, time=self.time, mask=self.mask)
        check_numbers(series, who=WHO)
        names, residuals = series.names, residual_names(series.names)
        given = None
        if self.graph is not None:
            given = read_hypothesis(self.graph, names, self.max_lag)
        windows = read_windows(
            series, self.max_lag, missing=self.missing, share=self.validation, who=WHO
        )
        torch, zuko = load_torch(WHO, instead=INSTEAD), load_zuko(WHO)
        device = check_device(self.device, WHO, instead=INSTEAD)
        with with_gradients(torch):
            network = (self.network, self.hidden_units, self.sharing == "decoder")
            learner = Learner.of((torch, zuko), device, windows, network, schedule)
            rng = self._learn(learner, given)
            self._weigh(self.dynamics_.on(torch, zuko, device), learner, rng)
        note_columns(self, X, names)
        self.n_obs_ = len(windows.learnt)
        mask = self.dynamics_.causal.mask
        before = np.zeros((1, len(names), len(names)), dtype=np.bool_)
        self.graph_ = exact_graph(names, residuals, mask)
        self.hypothesis_ = lagged_dag(names, np.concatenate((before, mask)))
        complete = np.concatenate((before, np.ones_like(mask)))
        self.observed_graph_ = lagged_dag(names, complete)
        return self

    def _schedule(self) -> Schedule:
        """Check settings."""
        check_choice(self.network, "network", NETWORKS)
        check_choice(self.sharing, "sharing", _SHARING)
        check_choice(self.missing, "missing", MISSING)
        check_count(self.max_lag, "max_lag")
        check_count(self.hidden_units, "hidden_units")
        check_fraction(self.sparsity, "sparsity", closed=True)
        if check_fraction(self.validation, "validation") > 0.5:
            raise InputError(f"validation={self.validation}; expected 0.5 at most.")
        if self.ridge != 0:
            check_positive(self.ridge, "ridge")
        return Schedule(
            check_count(self.epochs, "epochs"),
            check_count(self.patience, "patience"),
            check_positive(self.learning_rate, "learning_rate"),
            check_count(self.batch_size, "batch_size"),
            float(self.ridge),
        )

    def _learn(self, learner: Learner, given: BoolArray | None) -> np.random.Generator:
        """Train full networks, then causal ones behind a mask, then the noise."""
        windows, p = learner.windows, learner.windows.now.shape[1]
        streams = as_generator(self.random_state).spawn(5)
        everything = np.ones((self.max_lag, p, p), dtype=np.bool_)
        full, self.full_loss_ = learner.network(everything, streams[0])
        self.importance_ = None
        if given is None:
            self.importance_ = attributions(
                learner.torch, learner.forecaster(full), learner.judging(), streams[1]
            )
            pairs = most_important(self.importance_, self.sparsity)
            given = np.repeat(pairs[None], self.max_lag, axis=0)
        causal, self.causal_loss_ = learner.network(given, streams[2])
        noise, self.noise_loss_, self.noise_correlation_ = learner.noise(causal, full, streams[3])
        self.dynamics_ = Dynamics(
            causal, full, noise, windows.low, windows.high, windows.mean, windows.scale
        )
        return streams[4]

    def _weigh(self, running: Running, learner: Learner, rng: np.random.Generator) -> None:
        """Measure how much each edge moves."""
        past, (n_lags, p, _) = learner.judging(), running.learnt.causal.mask.shape
        strengths = np.zeros((n_lags + 1, 2 * p, 2 * p))
        slopes = mean_slopes(learner.torch, running.causal, past, rng)
        strengths[1:, :p, :p] = slopes
        strengths[1, p:, :p] = np.eye(p)
        strengths[:n_lags, :p, p:] = mean_slopes(learner.torch, running.residual, past, rng)
        self.strengths_ = strengths
