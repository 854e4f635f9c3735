"""`JacobianGranger`: one network for all series, with a price on its derivatives.

A network forecasts all series from the past of all. Whether it uses the past of x to forecast y is
written in its Jacobian, the derivatives of what it says by what it reads: if that of y by all lags
of x is zero everywhere, x is no Granger cause of y. So the sum of the absolute derivatives, on the
average of the steps, is added to the squared errors, and what is left of them after training ranks
the links. One network serves all effects, and layers behind the first are shared.

Unlike the weights of :class:`~causalkit.discovery.NeuralGranger`, derivatives come close to zero
but do not reach it. A link is drawn where forecasts on steps left out suffer without the cause.

It needs torch, the extra `deep`.

>>> import numpy as np
>>> rng = np.random.default_rng(0)
>>> x = rng.normal(size=(300, 3))
>>> x[1:, 1] += 2.0 * np.tanh(2.0 * x[:-1, 0])
>>> found = JacobianGranger(1, alpha=0.01, random_state=0).fit(x)  # doctest: +SKIP
>>> print(found.graph_.summary_graph())  # doctest: +SKIP
3 series, 1 link: x0 -> x1 (1)
"""

from __future__ import annotations

from typing import ClassVar, Final

from causalkit._core.checks import check_choice, check_count
from causalkit.discovery.series.granger._granger_networks import Networks, ResidualMLP, Size
from causalkit.discovery.series.granger._neural_granger import NeuralSeriesAlgorithm
from causalkit.typing import Name, RandomState

__all__ = ["JacobianGranger"]

_PENALTIES: Final = tuple(0.002 * 1.7**k for k in range(12))


class JacobianGranger(NeuralSeriesAlgorithm):
    """Granger causes by the Jacobian of one network (JRNGC).

    Parameters
    ----------
    max_lag : int, default 3
        Steps into the past.
    norm : {"l1", "l2"}, default "l1"
        What is priced: absolute derivatives (JRNGC-L1), or half their squares (JRNGC-F).
    penalty : "cv" or float, default "cv"
        Of that, beside half the squared errors of series in units of their standard deviation.
        "cv" is the one that forecasts best on steps left out.
    hidden_units : int, default 50
        Width of the hidden layers.
    n_layers : int, default 3
        Number of them; each but the first adds to what the one before it says.
    alpha : float, default 0.05
        Level at which errors must grow where a cause is withheld, for a link to be drawn.
    n_folds : int, default 3
        Runs of steps left out, each by a network of its own.
    n_steps : int, default 100
        Steps of the descent for each of 12 penalties; ten times as many for the first.
    learning_rate : float, default 0.003
        Size of these steps; under each penalty it falls to a tenth.
    batch_size : int, default 128
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
        A DAG with edges from the past: of each cause that is missed on steps left out, and of which
        the mean absolute derivative exceeds 0.01 at some lag, the lags that are missed by
        themselves, or else the one that is missed most.
    scores_ : ndarray of shape (n_series, n_series)
        `[cause, effect]`: mean absolute derivative at the lag where it is largest, averaged over
        the penalties from `penalty_` to the largest and over the networks of all steps and of those
        of each fold.
    strengths_ : ndarray of shape (max_lag + 1, n_series, n_series)
        `[lag, cause, effect]`: mean absolute derivative at `penalty_`, in standard deviations of
        both; NaN at lag 0.
    gains_, pair_p_values_, p_values_, loss_, penalty_, penalties_, losses_
        As of :class:`~causalkit.discovery.NeuralGranger`.

    Raises
    ------
    InputError
        As of :class:`~causalkit.discovery.NeuralGranger`.

    Notes
    -----
    **Assumes:**

    - no series that drives two others is missing;
    - effects come later than causes, by one step at least and `max_lag` at most;
    - relations are smooth and the same at all times;
    - a network of this size, and the descent, find what there is to find.

    Derivatives are exact and cost a product with each layer for each series, so the price is that
    of 16 steps drawn anew for each step of the descent; its mean is the price of all. No random
    projection is needed, which could not estimate absolute values anyway. p-values are of the
    networks as they are, as those of :class:`~causalkit.discovery.NeuralGranger`.

    Other than published, penalties form a path, of which the errors on steps left out choose a
    point, and what the layers say is added to a line from all inputs, so that linear relations need
    no bends. Series are visited in the order of their names, so that the order of columns does not
    matter; other names can give other first weights, and then results that differ as those of
    another seed do.

    References
    ----------
    Zhou, Bai, Yu, Zhao and Chen (2024), "Jacobian regularizer-based neural Granger causality",
    ICML, doi:10.48550/arXiv.2405.08779. Hoffman, Roberts and Yaida (2019), "Robust learning with
    Jacobian regularization", doi:10.48550/arXiv.1908.02729.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(1)
    >>> x = rng.normal(size=(300, 2))
    >>> x[2:, 1] += 2.0 * x[:-2, 0]
    >>> found = JacobianGranger(2, n_steps=25, random_state=0)
    >>> print(found.fit({"a": x[:, 0], "b": x[:, 1]}).graph_)  # doctest: +SKIP
    DAG of 2 series, lags to 2, 1 edge: a[t-2] -> b[t]
    """

    _least: ClassVar[float] = 0.01

    def __init__(
        self,
        max_lag: int = 3,
        *,
        norm: str = "l1",
        penalty: float | str = "cv",
        hidden_units: int = 50,
        n_layers: int = 3,
        alpha: float = 0.05,
        n_folds: int = 3,
        n_steps: int = 100,
        learning_rate: float = 0.003,
        batch_size: int = 128,
        panel: Name | None = None,
        time: Name | None = None,
        mask: Name | None = None,
        random_state: RandomState = 0,
        device: str = "cpu",
    ) -> None:
        self.max_lag = max_lag
        self.norm = norm
        self.penalty = penalty
        self.hidden_units = hidden_units
        self.n_layers = n_layers
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
        check_choice(self.norm, "norm", ("l1", "l2"))
        width = check_count(self.hidden_units, "hidden_units")
        return (width,) * check_count(self.n_layers, "n_layers")

    def _networks(self, size: Size) -> Networks:
        return ResidualMLP(size, squared=self.norm == "l2")
