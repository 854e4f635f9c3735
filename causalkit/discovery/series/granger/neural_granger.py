"""`NeuralGranger`: networks that forecast a series, and the pasts that they stop reading.

Each series has a network of its own that forecasts it from the past of all. The weights by which a
network reads the past of a cause are one group, and a penalty on the norm of each group, as in the
group lasso, takes whole groups to exactly zero: a past that does not pay for its weights is not
read, and the series is no Granger cause. Relations may have any shape that a small network can
take. With `network="mlp"` the network is a perceptron that reads a window of `max_lag` steps, with
`network="lstm"` one that reads them one after the other and has a memory.

It needs torch, the extra `deep`. :class:`~causalkit.discovery.RegressionGranger` needs none, has
tests, and ranks links as well on chaotic systems (Lorenz-96), on sparse autoregressions a little
less well (`benchmarks/bench_series_accuracy.py`).

>>> import numpy as np
>>> rng = np.random.default_rng(0)
>>> x = rng.normal(size=(300, 3))
>>> x[1:, 1] += 2.0 * np.tanh(2.0 * x[:-1, 0])
>>> found = NeuralGranger(1, random_state=0).fit(x)  # doctest: +SKIP
>>> print(found.graph_.summary_graph())  # doctest: +SKIP
3 series, 1 link: x0 -> x1 (1)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from causalkit._core.checks import check_choice, check_widths
from causalkit.discovery.continuous._continuous_algorithm import check_not_negative
from causalkit.discovery.series.granger._granger_networks import (
    ComponentLSTM,
    ComponentMLP,
    Networks,
    Size,
)
from causalkit.discovery.series.granger._neural_granger import NeuralSeriesAlgorithm
from causalkit.errors import InputError
from causalkit.typing import Name, RandomState

__all__ = ["NeuralGranger"]

_PENALTIES: Final = tuple(0.002 * 1.4**k for k in range(24))


class NeuralGranger(NeuralSeriesAlgorithm):
    """Granger causes by what sparse networks read (cMLP and cLSTM).

    Parameters
    ----------
    max_lag : int, default 3
        Steps into the past.
    network : {"mlp", "lstm"}, default "mlp"
        What forecasts: perceptrons, or networks with a memory, which take some ten times as long.
    penalty : "cv" or float, default "cv"
        Of the norm of the weights of each cause, beside half the mean squared error of series in
        units of their standard deviation. "cv" is the one that forecasts best on steps left out.
    hierarchical : bool, default False
        Penalise nested groups of lags, so that a cause is read up to some lag of its own. For
        "mlp" only.
    hidden_units : sequence of int, default (10,)
        Widths of the hidden layers of each network; one for "lstm".
    ridge : float, default 0.01
        Of half the sum of the squares of all later weights.
    alpha : float, default 0.05
        Level at which errors must grow where a cause is withheld, for a link to be drawn.
    n_folds : int, default 3
        Runs of steps left out, each by networks of their own.
    n_steps : int, default 30
        Steps of the descent for each of up to 24 penalties; ten times as many for the first.
    learning_rate : float, default 0.02
        Size of these steps; under each penalty it falls to a tenth.
    batch_size : int, default 1000
        Steps of the series that one step of the descent looks at.
    panel, time, mask : str or int, optional
        Columns that tell subjects apart, that say when, and that say which steps count.
    random_state : int, Generator or None, default 0
        Source of the first weights, on which the result depends, and of batches.
    device : str, default "cpu"
        Where torch computes, such as "cuda".

    Attributes
    ----------
    graph_ : LaggedGraph
        A DAG with edges from the past: of each cause that the network of all steps reads, and that
        is missed on steps left out, the lags that are missed by themselves, or else the one that is
        missed most.
    scores_ : ndarray of shape (n_series, n_series)
        `[cause, effect]`: norm of the weights of the cause, averaged over the penalties from
        `penalty_` to the largest and over the networks of all steps and of those of each fold. So
        what outlasts larger penalties counts for more, and nothing hinges on one of them.
    strengths_ : ndarray of shape (max_lag + 1, n_series, n_series)
        `[lag, cause, effect]`: norm of the weights of a lag at `penalty_`, exactly 0 where it is
        not read; for "lstm", of which weights serve all lags, mean absolute derivatives. NaN at
        lag 0.
    gains_ : ndarray of shape (n_series, n_series)
        `[cause, effect]`: log of the ratio of mean squared errors on steps left out, with the cause
        withheld (held at its mean) and as it is. Networks are not trained again.
    pair_p_values_ : ndarray of shape (n_series, n_series)
        `[cause, effect]`: of the hypothesis that these networks err no more for that.
    p_values_ : ndarray of shape (max_lag + 1, n_series, n_series)
        `[lag, cause, effect]`: the same with one lag withheld; NaN for pairs without a link.
    loss_ : ndarray of shape (n_series,)
        Mean squared error on steps left out, in variances of the effect.
    penalty_ : float
        What was chosen.
    penalties_, losses_ : ndarrays of shapes (k,) and (k, n_series)
        The path, and the errors on steps left out along it.

    Raises
    ------
    InputError
        If torch is not installed; if there are fewer than 2 series or 40 steps, a series is
        constant or categorical, or a setting is out of range.

    Notes
    -----
    **Assumes:**

    - no series that drives two others is missing;
    - effects come later than causes, by one step at least and `max_lag` at most;
    - relations are the same at all times;
    - networks of this size, and the descent, find what there is to find.

    The penalty that forecasts best lets too many causes in (of the pairs that it lets in on the
    Lorenz-96 and autoregressive data of the benchmark, half and more are no links), as it does for
    the lasso. That is why the published rule, what is not exactly zero, is only one half of the
    rule here. p-values are of the networks as they are: a series that stands in for a cause may be
    missed by a network that has come to rely on it. They are no tests of Granger causality;
    :class:`~causalkit.discovery.RegressionGranger` has such tests.

    Other than published, descent is by Adam with shrinkage, from small penalties to large ones, in
    place of ISTA under one. Series are visited in the order of their names, so that the order of
    columns does not matter; other names can give other first weights, and then results that differ
    as those of another seed do.

    References
    ----------
    Tank, Covert, Foti, Shojaie and Fox (2021), "Neural Granger causality", IEEE Transactions on
    Pattern Analysis and Machine Intelligence, doi:10.1109/TPAMI.2021.3065601. Diebold and Mariano
    (1995), "Comparing predictive accuracy", doi:10.1080/07350015.1995.10524599.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(1)
    >>> x = rng.normal(size=(300, 2))
    >>> x[2:, 1] += 2.0 * np.abs(x[:-2, 0])
    >>> found = NeuralGranger(2, random_state=0).fit({"a": x[:, 0], "b": x[:, 1]})  # doctest: +SKIP
    >>> print(found.graph_)  # doctest: +SKIP
    DAG of 2 series, lags to 2, 1 edge: a[t-2] -> b[t]
    """

    def __init__(
        self,
        max_lag: int = 3,
        *,
        network: str = "mlp",
        penalty: float | str = "cv",
        hierarchical: bool = False,
        hidden_units: Sequence[int] = (10,),
        ridge: float = 0.01,
        alpha: float = 0.05,
        n_folds: int = 3,
        n_steps: int = 30,
        learning_rate: float = 0.02,
        batch_size: int = 1000,
        panel: Name | None = None,
        time: Name | None = None,
        mask: Name | None = None,
        random_state: RandomState = 0,
        device: str = "cpu",
    ) -> None:
        self.max_lag = max_lag
        self.network = network
        self.penalty = penalty
        self.hierarchical = hierarchical
        self.hidden_units = hidden_units
        self.ridge = ridge
        self.alpha = alpha
        self.n_folds = n_folds
        self.n_steps = n_steps
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.random_state = random_state
        self.device = device
        self.panel = panel
        self.time = time
        self.mask = mask

    def _path(self) -> tuple[float, ...]:
        return _PENALTIES

    def _widths(self) -> tuple[int, ...]:
        widths = check_widths(self.hidden_units)
        check_choice(self.network, "network", ("mlp", "lstm"))
        if self.network == "lstm" and (self.hierarchical or len(widths) > 1):
            raise InputError(
                f"network='lstm' with hierarchical={self.hierarchical} and hidden_units="
                f"{self.hidden_units!r}; its weights serve all lags, and it has one layer. Use "
                "network='mlp', or hierarchical=False and hidden_units=(10,)."
            )
        return widths

    def _networks(self, size: Size) -> Networks:
        ridge = check_not_negative(self.ridge, "ridge")
        if self.network == "lstm":
            return ComponentLSTM(size, ridge=ridge)
        return ComponentMLP(size, ridge=ridge, nested=self.hierarchical)
