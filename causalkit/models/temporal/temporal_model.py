"""`TemporalCausalModel`: series with a causal graph and mechanisms, to be run, changed and asked.

A graph over series says what each series depends on, within the step and so many steps ago; a
mechanism says how, and what noise it adds. Together they can be run from a start as long as one
likes (`sample`), run under an intervention (`do`), run again over a recorded past with one thing
changed (`counterfactual`), and they answer what a change does (`effect`): exactly where equations
are linear, by many runs with common noise where they are not.

>>> from causalkit.models.mechanisms.additive import Additive, Linear
>>> from causalkit.models.noise import Normal
>>> model = TemporalCausalModel.from_mechanisms(
...     "X[t-1] -> X[t]; X[t-1] -> Y[t]",
...     {
...         "X": Additive(Linear(np.array([0.5])), Normal()),
...         "Y": Additive(Linear(np.array([2.0])), Normal()),
...     },
... )
>>> model.effect("X", "Y", horizon=3).value
0.5
>>> model.sample(100, rng=0).shape
(100, 2)

Fitted to data, the same model is a generator of series like them with a known truth: see
:class:`~causalkit.models.twin.Twin`, which also finds the graph and says how alike they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from causalkit._core.checks import check_count
from causalkit._core.random import as_generator
from causalkit._core.series import Series, as_series
from causalkit.errors import InputError, UnknownVariableError
from causalkit.graph import LaggedGraph
from causalkit.models.interventions import Intervention
from causalkit.models.mechanisms.base import Mechanism
from causalkit.models.temporal.temporal_chains import (
    chains_frame,
    read_past,
    same_past,
    steps_to_forget,
)
from causalkit.models.temporal.temporal_counterfactuals import rerun
from causalkit.models.temporal.temporal_effects import impulse_matrices, series_effect
from causalkit.models.temporal.temporal_fitting import Fitted, fit_mechanisms
from causalkit.models.temporal.temporal_interventions import read_interventions
from causalkit.models.temporal.temporal_sampling import Equations, draw_noise, run
from causalkit.typing import Data, FloatArray, Name, RandomState

if TYPE_CHECKING:
    import pandas as pd

    from causalkit.models.truth import Truth

__all__ = ["TemporalCausalModel"]


class TemporalCausalModel(BaseEstimator):
    """Series that drive each other by mechanisms, the same at every step.

    Parameters
    ----------
    graph : LaggedGraph or str, optional
        Kind DAG; acyclic within a step. Left out, each series depends on the last `max_lag` steps
        of all.
    mechanism : {"auto", "linear", "boosting"} or mapping of name to one of them or a Mechanism
        "boosting" is linear plus boosted trees on what that leaves; "auto" takes the trees where
        they predict later blocks of the series better.
    noise : {"auto", "empirical", "smoothed", "normal", "student", "mixture", "level"}
        Residuals as they were, smoothed, or by a formula; or with a spread that depends on the
        causes ("level"). "auto" is "level" where it gives later blocks a clearly higher likelihood,
        else "smoothed".
    max_lag : int, optional
        Longest lag where no graph is given.
    panel, time : str or int, optional
        Columns that tell subjects and times apart.
    random_state : int, Generator or None, default 0
        Of the fit. Draws have an `rng` of their own; without one they are new each time.

    Attributes
    ----------
    graph_ : LaggedGraph
    mechanisms_ : dict of name to Mechanism
        Its causes are `causes_of(name)`, in that order.
    equations_ : Equations
    start_ : ndarray of shape (p,)
        Where chains start before `burn_in`: the means of the data, or zero.
    families_ : dict of name to str
        What was chosen; of a fitted model.
    residual_correlation_ : ndarray of shape (p, p)
        Of the noise of different series in the data, which the model takes to be zero; of a fitted
        model.

    Notes
    -----
    **Assumes:** the graph has all common causes of its series; mechanisms that do not change over
    time; noise that is independent from step to step and from series to series. What the data say
    on the last point is in `residual_correlation_`.

    A fitted linear part with a root above 0.995 is damped: slopes of lag l are multiplied by c^l,
    which multiplies all roots by c, and the intercepts keep the means where they are.

    References
    ----------
    Peters, Janzing & Schölkopf (2017), Elements of Causal Inference, chapter 10. MIT Press.
    Lütkepohl (2005), "New Introduction to Multiple Time Series Analysis", chapter 9.
    doi:10.1007/978-3-540-27752-1

    Examples
    --------
    >>> from causalkit.models.structural_var import StructuralVAR
    >>> links = {"X[t-1] -> X[t]": 0.6, "X[t-1] -> Y[t]": 0.8}
    >>> truth = StructuralVAR.from_links(links)
    >>> model = TemporalCausalModel(truth.graph, mechanism="linear").fit(truth.sample(2000, rng=0))
    >>> round(model.effect("X", "Y", horizon=1).value, 1)
    0.8
    """

    graph_: LaggedGraph
    mechanisms_: dict[Name, Mechanism]
    equations_: Equations
    start_: FloatArray
    families_: dict[Name, str]
    residual_correlation_: FloatArray

    def __init__(
        self,
        graph: LaggedGraph | str | None = None,
        *,
        mechanism: str | Mapping[Name, Any] = "auto",
        noise: str = "auto",
        max_lag: int | None = None,
        panel: Name | None = None,
        time: Name | None = None,
        random_state: RandomState = 0,
    ) -> None:
        self.graph = graph
        self.mechanism = mechanism
        self.noise = noise
        self.max_lag = max_lag
        self.panel = panel
        self.time = time
        self.random_state = random_state

    @classmethod
    def from_mechanisms(
        cls,
        graph: LaggedGraph | str,
        mechanisms: Mapping[Name, Mechanism],
        *,
        start: FloatArray | None = None,
        random_state: RandomState = 0,
    ) -> Self:
        """Build a model that is known.

        Parameters
        ----------
        graph : LaggedGraph or str
            Kind DAG.
        mechanisms : mapping of name to Mechanism
            Columns of its causes: parents in the order of `graph.nodes`, which is within the step
            first, then by lag.
        start : ndarray of shape (p,), optional
            Where chains start before they are burnt in; zero if left out.
        random_state : int, Generator or None, default 0
        """
        model = cls(graph, random_state=random_state)
        model.graph_ = _as_graph(graph)
        return model._bind(mechanisms, start)

    def _bind(self, mechanisms: Mapping[Name, Mechanism], start: FloatArray | None) -> Self:
        self.equations_ = Equations.of(self.graph_, mechanisms)
        self.mechanisms_ = {name: mechanisms[name] for name in self.graph_.variables}
        p = len(self.graph_.variables)
        self.start_ = np.zeros(p) if start is None else np.asarray(start, dtype=np.float64)
        if self.start_.shape != (p,):
            raise InputError(f"start has shape {self.start_.shape}; expected ({p},), one a series.")
        return self

    def fit(self, X: Data, y: Any = None) -> Self:
        """Fit a mechanism for each series.

        Parameters
        ----------
        X : DataFrame, 2-D ndarray, or dict of columns; a list of them; or a 3-D ndarray
            One row a step, in the order of time. Steps with a missing cell are left out by the
            series that need the cell, and by no other.
        y : None
            Ignored.

        Returns
        -------
        self

        Raises
        ------
        InputError
            If a series of the graph is not there, has categories, or has too few steps.
        """
        del y
        series = as_series(X, panel=self.panel, time=self.time)
        self.graph_ = self._graph_for(series)
        series = series.select(self.graph_.variables)
        fitted: Fitted = fit_mechanisms(
            series,
            self.graph_,
            mechanism=self.mechanism,
            noise=self.noise,
            rng=as_generator(self.random_state),
        )
        self.families_, self.residual_correlation_ = fitted.families, fitted.correlation
        return self._bind(fitted.mechanisms, fitted.means)

    def _graph_for(self, series: Series) -> LaggedGraph:
        if self.graph is None:
            lags = 1 if self.max_lag is None else check_count(self.max_lag, "max_lag")
            links = [
                ((cause, lag), effect)
                for lag in range(1, lags + 1)
                for cause in series.names
                for effect in series.names
            ]
            return LaggedGraph(series.names, links)
        graph = _as_graph(self.graph)
        for name in graph.variables:
            if name not in series.names:
                raise UnknownVariableError.among(name, series.names, where="the data")
        return graph

    def causes_of(self, variable: Name) -> tuple[Any, ...]:
        """Nodes that the mechanism of a series sees, in the order of its columns."""
        check_is_fitted(self, "equations_")
        return self.equations_.nodes_of(self.graph_.index(variable))

    @property
    def radius_(self) -> float:
        """Largest root of the linear part in size; below one, it is stable."""
        check_is_fitted(self, "equations_")
        return self.equations_.radius()

    def sample(
        self,
        n_steps: int,
        n_chains: int = 1,
        rng: RandomState = None,
        *,
        do: Mapping[Name, Intervention] | None = None,
        burn_in: int | None = None,
        start: Data | None = None,
    ) -> pd.DataFrame:
        """Draw series.

        Parameters
        ----------
        n_steps : int
        n_chains : int, default 1
            Series that are drawn, independent of each other.
        rng : int, Generator or None
            The same seed with another `do` is the same noise under another intervention.
        do : mapping of name to number, Hold, Shift or Policy
            `start` and `stop` count from the first row that is returned. Without a `start` it also
            acts before that row, so that the series are those of a world where it always held.
        burn_in : int, optional
            Steps that are drawn first and left out. Left out, 100 to 1,000, by how slowly the
            model forgets.
        start : DataFrame or ndarray of shape (max_lag, p), optional
            Steps that come right before the first row; nothing is burnt in then.

        Returns
        -------
        DataFrame of n_steps * n_chains rows
            With a column "chain" in front if there are several: one chain after the other.

        Raises
        ------
        InputError
            If an intervention cannot be read.
        NumericalError
            If the series run away.
        """
        check_is_fitted(self, "equations_")
        equations, generator = self.equations_, as_generator(rng)
        n_steps, n_chains = check_count(n_steps, "n_steps"), check_count(n_chains, "n_chains")
        if start is not None:
            burn_in, past = 0, read_past(equations, start, n_chains)
        else:
            past = same_past(equations, self.start_, n_chains)
            if burn_in is None:
                burn_in = steps_to_forget(equations)
            burn_in = check_count(burn_in, "burn_in", minimum=0)
        first = len(past) + burn_in
        actions = read_interventions(do, equations, first, first + n_steps, n_chains)
        noise = draw_noise(equations, burn_in + n_steps, n_chains, generator)
        return chains_frame(run(equations, past, noise, actions)[first:], equations.variables)

    def counterfactual(
        self,
        series: Data,
        do: Mapping[Name, Intervention],
        *,
        rng: RandomState = None,
    ) -> pd.DataFrame:
        """Say what a recorded series would have been under an intervention.

        The noise of each step is what makes the mechanisms give the values that were recorded; the
        steps are then run again with that noise and the intervention.

        Parameters
        ----------
        series : DataFrame or 2-D ndarray
            One unbroken series without missing cells. Its first `max_lag` rows are the past that
            both worlds share.
        do : mapping of name to number, Hold, Shift or Policy
            `start` and `stop` count from the first row; it acts from row `max_lag` on.
        rng : int, Generator or None
            Used where a mechanism leaves several values of the noise possible.

        Returns
        -------
        DataFrame of the same rows, and with the index of a pandas frame
            Exact where mechanisms are bijective, else one draw.

        Notes
        -----
        **Assumes:** the model: its graph, its mechanisms and its noise.

        Raises
        ------
        InputError
            If the series is broken, too short or has missing cells.
        """
        check_is_fitted(self, "equations_")
        recorded = as_series(series).select(self.graph_.variables)
        values = rerun(self.equations_, recorded, do, as_generator(rng))
        found = chains_frame(values, self.graph_.variables)
        index = getattr(series, "index", None)
        return found if index is None or callable(index) else found.set_axis(index)

    def effect(
        self,
        x: Name,
        y: Name,
        *,
        horizon: int = 1,
        contrast: tuple[float, float] = (0.0, 1.0),
        sustained: bool = False,
        n_chains: int = 10_000,
        rng: RandomState = None,
    ) -> Truth:
        """Mean effect on `y`, so many steps later, of setting `x` to one value and not another.

        Parameters
        ----------
        x, y : names
        horizon : int, default 1
            Steps from when x is first set to when y is read; 0 is within the step.
        contrast : tuple of float
            From which value, to which value.
        sustained : bool
            Whether x is held from then on, or set for one step.
        n_chains : int
            Runs, where the effect has no closed form.
        rng : int, Generator or None

        Returns
        -------
        Truth
            Exact where all mechanisms between x and y are linear with noise that is added; else
            the mean of differences of pairs of runs with common noise, and its standard error.

        Notes
        -----
        **Assumes:** the model. Averages are over the states in which the running model is.
        """
        check_is_fitted(self, "equations_")
        return series_effect(
            self,
            x,
            y,
            horizon=check_count(horizon, "horizon", minimum=0),
            contrast=contrast,
            sustained=sustained,
            n_chains=check_count(n_chains, "n_chains", minimum=2),
            rng=as_generator(rng),
        )

    def impulse_responses(self, horizon: int) -> FloatArray:
        """What one unit more of the noise of i adds to j, so many steps later.

        Returns
        -------
        ndarray of shape (horizon + 1, p, p)
            `[steps, cause, effect]`.

        Raises
        ------
        NumericalError
            If a mechanism is not linear.
        """
        check_is_fitted(self, "equations_")
        return impulse_matrices(self.equations_, check_count(horizon, "horizon", minimum=0))


def _as_graph(graph: LaggedGraph | str) -> LaggedGraph:
    if isinstance(graph, str):
        return LaggedGraph.parse(graph)
    if not isinstance(graph, LaggedGraph):
        raise InputError(
            f"graph is a {type(graph).__name__}; expected a LaggedGraph, or a text such as "
            "'X[t-1] -> Y[t]'. Of a table, use StructuralCausalModel."
        )
    return graph
