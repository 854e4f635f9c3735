"""`Twin`: a generator fitted to your data, with a truth that is known.

Which algorithm finds the graph of data like mine? Does the whole chain, from data to effect, work
on them? Nobody knows the truth of recorded data, so nobody can say. A twin is the answer in two
steps: fit a causal model to the data, and draw data from the model. What is drawn looks like the
data, and its graph and its effects are those of the model, known exactly:

>>> from causalkit.models.structural_var import StructuralVAR
>>> links = {"rain[t-1] -> rain[t]": 0.5, "rain[t-1] -> river[t]": 0.8}
>>> series = StructuralVAR.from_links(links).sample(1000, rng=0)
>>> twin = Twin(max_lag=1, random_state=0).fit(series)
>>> print(twin.graph_)
DAG of 2 series, lags to 1, 3 edges: rain[t-1] -> rain[t]; rain[t-1] -> river[t]; ...
>>> twin.sample(300, rng=1).shape
(300, 2)
>>> round(twin.effect("rain", "river", horizon=1).value, 1)
0.8

No step of what is drawn is a step of the data. How alike the two are, `fidelity` says.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np
from sklearn.base import BaseEstimator, clone
from sklearn.utils.validation import check_is_fitted

from causalkit._core.checks import as_names, check_choice, check_count
from causalkit._core.random import as_generator
from causalkit._core.series import as_series
from causalkit.discovery.series.preparation.outages import Outage
from causalkit.errors import InputError
from causalkit.graph import CausalGraph, LaggedGraph
from causalkit.models.interventions import Intervention
from causalkit.models.observation.pattern import MissingPattern
from causalkit.models.twins.column_forms import ColumnForm
from causalkit.models.twins.fitted_twin import TwinSettings
from causalkit.models.twins.gaps import GapPattern
from causalkit.models.twins.scenario import Regime, Scenario
from causalkit.models.twins.season_fitting import read_season
from causalkit.models.twins.seasonal_mechanisms import clocks_of, clocks_set
from causalkit.models.twins.series_twin import fit_series
from causalkit.models.twins.table_twin import fit_table
from causalkit.typing import Data, Name, Names, RandomState

if TYPE_CHECKING:
    import pandas as pd

    from causalkit.models.fidelity import FidelityReport
    from causalkit.models.truth import Truth

__all__ = ["Twin"]

BUDGETS: Final = ("fast", "best")
LAG_ZERO: Final = ("edges", "none")
OUTAGES: Final = ("find", "none")


class Twin(BaseEstimator):
    """A causal model fitted so that data drawn from it look like the data it was fitted to.

    Parameters
    ----------
    graph : "discover", LaggedGraph, CausalGraph, or a discovery algorithm
        Of a `CausalGraph`, or an algorithm that learns one, the twin is that of a table. Of a graph
        that is learnt, edges without a direction are left to `lag_zero`, or, in a table, directed
        as one member of the class has them.
    max_lag : int, default 3
        Longest lag of a graph that is discovered; 0 for a table.
    mechanism, noise : str or mapping
        As in :class:`~causalkit.models.TemporalCausalModel`, or of a table in
        :class:`~causalkit.models.StructuralCausalModel`.
    budget : {"fast", "best"}
        Of series: whether "auto" looks at lines only, or at trees too. Of a table: whether numbers
        come from mechanisms chosen by held-out rows, or all from forests of quantiles, which look
        more like data and answer questions about effects more slowly.
    lag_zero : {"edges", "none"}
        Whether edges within the step are added to a graph of series where the noise of series goes
        together. Noise is drawn series by series: without such edges the twin lacks what the data
        have there.
    outages : {"find", "none"}
        Whether cells of series that have a number and were not measured are looked for: codes such
        as -99, and stretches in which the last value stands. They count as missing in the fit, a
        warning lists them, and `sample(missing=True)` writes them as the data have them.
    season : "detect", None, int or sequence of int
        Periods of the seasons of series, in steps: found, none, or given. A season is a function of
        the time alone; a series that it drives has a usual level and spread by its phase.
    panel, time : str or int, optional
        Columns that tell subjects and times apart.
    random_state : int, Generator or None, default 0
        Of the fit. Draws have an `rng` of their own; without one they are new each time.

    Attributes
    ----------
    model_ : TemporalCausalModel or StructuralCausalModel
        In the units of the data.
    graph_ : LaggedGraph or CausalGraph
        The truth of what is drawn.
    discoverer_ : str or None
        What found the graph; None if it was given. A leaderboard on the twin flatters it.
    forms_ : dict of name to ColumnForm
        Scale, grid and bounds of each series.
    gaps_ : GapPattern, MissingPattern or None
        Where cells are missing; None if none is. Of a table, its `causes` say which columns have
        values that make cells missing.
    outages_ : tuple of Outage
        Cells of series that were taken as not measured: column, code or None, share of the rows.
    copies_ : dict of name to name
        Series that are functions of another within the step, such as the same in another unit, and
        the other. Faithfulness fails there, as it does in the data.
    drivers_ : dict of name to tuple of names
        Clocks of the seasons, which are variables of `model_` only, and the series each drives.
    n_obs_ : int
        Rows it was fitted to.

    Notes
    -----
    **Assumes:** for its own draws nothing: their graph and effects are those of `model_`. That they
    hold for the world that the data come from would need the graph to be right, no hidden common
    causes, and mechanisms that do not change.

    A season that series share is a common cause of them, and a function of the time. `graph_` is
    the graph over the series, the truth for who knows the time; in that of `model_` the clocks are
    nodes. Who does not use the time sees series with a hidden common cause, and `scenario` lists
    the clocks among its latent series.

    Series are modelled on a scale chosen by likelihood (power or logarithm), values are rounded and
    bounded as the data are, inside the mechanism: what drives the next step is the recorded value.

    Of a table, numbers with few values are drawn among these, by the way that suits held-out rows
    best; `model_.families_` says which. A mechanism is fitted to the rows in which its variable and
    all its causes are seen: if, given the causes, whether cells are missing has nothing to do with
    the variable, it is the right one. A graph that is learnt here is learnt from all rows, holes
    filled once by draws from a normal law.

    References
    ----------
    Cheng et al. (2024), "CausalTime: realistically generated time-series for benchmarking of causal
    discovery", ICLR. doi:10.48550/arXiv.2310.01753

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x = rng.poisson(3, size=500)
    >>> twin = Twin(max_lag=1).fit({"calls": x, "mails": np.roll(x, 1) + rng.poisson(1, size=500)})
    >>> drawn = twin.sample(200, rng=0)
    >>> bool((drawn == drawn.round()).all(axis=None) and drawn.min(axis=None) >= 0)
    True
    """

    model_: Any
    graph_: Any
    discoverer_: str | None
    forms_: dict[Name, ColumnForm]
    gaps_: GapPattern | MissingPattern | None
    outages_: tuple[Outage, ...]
    copies_: dict[Name, Name]
    drivers_: dict[Name, tuple[Name, ...]]
    n_obs_: int

    def __init__(
        self,
        graph: Any = "discover",
        *,
        max_lag: int = 3,
        mechanism: str | Mapping[Name, Any] = "auto",
        noise: str = "auto",
        budget: str = "fast",
        lag_zero: str = "edges",
        outages: str = "find",
        season: str | int | Sequence[int] | None = "detect",
        panel: Name | None = None,
        time: Name | None = None,
        random_state: RandomState = 0,
    ) -> None:
        self.graph = graph
        self.max_lag = max_lag
        self.mechanism = mechanism
        self.noise = noise
        self.budget = budget
        self.lag_zero = lag_zero
        self.outages = outages
        self.season = season
        self.panel = panel
        self.time = time
        self.random_state = random_state

    def fit(self, X: Data, y: Any = None) -> Self:
        """Fit the twin.

        Parameters
        ----------
        X : DataFrame, 2-D ndarray, or dict of columns; of series also a list of them
            Steps of series in the order of time, or rows of a table.
        y : None
            Ignored.

        Returns
        -------
        self

        Raises
        ------
        InputError
            If the graph cannot be read, or the data have too few rows for it.
        """
        del y
        check_choice(self.budget, "budget", BUDGETS)
        check_choice(self.lag_zero, "lag_zero", LAG_ZERO)
        check_choice(self.outages, "outages", OUTAGES)
        check_count(self.max_lag, "max_lag", minimum=0)
        rng = as_generator(self.random_state)
        graph = self._learnt(X)
        if isinstance(graph, CausalGraph) or (graph is None and self.max_lag == 0):
            fitted = fit_table(X, graph, self._settings(), rng)
        else:
            fitted = fit_series(X, graph, self._settings(), rng)
        self.model_, self.graph_ = fitted.model, fitted.graph
        self.forms_, self.gaps_, self.n_obs_ = fitted.forms, fitted.gaps, fitted.n_rows
        self.outages_, self.copies_ = fitted.outages, dict(fitted.copies)
        self.drivers_ = clocks_of(fitted.model)
        self._data = X
        return self

    def _settings(self) -> TwinSettings:
        return TwinSettings(
            max_lag=self.max_lag,
            mechanism=self.mechanism,
            noise=self.noise,
            is_fast=self.budget == "fast",
            lag_zero=self.lag_zero,
            outages=self.outages,
            season=read_season(self.season),
            panel=self.panel,
            time=self.time,
            random_state=self.random_state,
        )

    def _learnt(self, X: Data) -> LaggedGraph | CausalGraph | None:
        """Graph that was given, or that an algorithm learns; None if we are to find one."""
        self.discoverer_ = None
        graph = self.graph
        if isinstance(graph, str):
            check_choice(graph, "graph", ("discover",))
            self.discoverer_ = "ordered search"
            return None
        if hasattr(graph, "fit"):
            self.discoverer_ = type(graph).__name__
            graph = clone(graph).fit(X).graph_
        if not isinstance(graph, (LaggedGraph, CausalGraph)):
            raise InputError(
                f"graph is a {type(graph).__name__}; expected 'discover', a LaggedGraph, a "
                "CausalGraph, or a discovery algorithm such as PCMCIPlus()."
            )
        return graph

    # --- what a fitted twin does -----------------------------------------------------------------

    def sample(
        self,
        n: int | None = None,
        n_chains: int = 1,
        rng: RandomState = None,
        *,
        do: Mapping[Name, Intervention] | None = None,
        missing: bool = False,
        at: int | None = None,
    ) -> pd.DataFrame:
        """Draw data from the twin.

        Parameters
        ----------
        n : int, optional
            Steps or rows; as many as the data have if left out.
        n_chains : int, default 1
            Of series: how many, independent of each other.
        rng : int, Generator or None
        do : mapping of name to number, Hold, Shift or Policy
            The same seed with another `do` is the same noise under another intervention.
        missing : bool
            Whether cells are missing as they are in the data: of series in gaps of the same
            lengths; of a table because of the values that make cells missing there.
        at : int, optional
            Of series with seasons: time of the first step, in steps; 0 is the first of the data.
            Left out, each chain starts at a random phase.

        Returns
        -------
        DataFrame
            Of series drawn freely: no step of the data is in it.
        """
        check_is_fitted(self, "model_")
        n = self.n_obs_ if n is None else check_count(n, "n")
        own, holes = as_generator(rng).spawn(2)
        drawn: pd.DataFrame
        if isinstance(self.graph_, LaggedGraph):
            model = self.model_ if at is None else clocks_set(self.model_, at)
            drawn = model.sample(n, n_chains, own, do=do)
            drawn = drawn.drop(columns=list(self.drivers_))
        elif n_chains != 1:
            raise InputError(f"n_chains={n_chains}; expected 1 for a table. Draw more rows.")
        else:
            drawn = self.model_.sample(n, own, do=do)
        if not missing or self.gaps_ is None:
            return drawn
        if isinstance(self.gaps_, MissingPattern):
            return self.gaps_.apply(drawn, holes).data
        return self.gaps_.apply(drawn, holes, n_steps=n)

    def effect(self, x: Name, y: Name, **settings: Any) -> Truth:
        """Effect of one variable on another in the twin; see the `effect` of `model_`.

        Parameters
        ----------
        x, y : names
        **settings
            Such as `horizon`, `contrast`, `sustained`, `rng`.

        Returns
        -------
        Truth
        """
        check_is_fitted(self, "model_")
        found: Truth = self.model_.effect(x, y, **settings)
        return found

    def scenario(
        self,
        *,
        latent: Names = (),
        missing: Any = None,
        regimes: Sequence[Regime | tuple[int, Mapping[Name, Intervention]]] = (),
    ) -> Scenario:
        """Make the twin harder, with a truth that says how.

        Parameters
        ----------
        latent : names
            Series or columns that are drawn and then hidden.
        missing : "data", or a value with a method `apply(data, rng)`, optional
            Cells that are missing: as in the data, or by a pattern of their own.
        regimes : sequence of (n_steps, interventions)
            Stretches of time, one after the other, in which the mechanisms of some series differ;
            of a table the rows of environments, one below the other.

        Returns
        -------
        Scenario
            With `sample(rng)` and its truth.

        Raises
        ------
        InputError
            If nothing would be left to see, or `missing` cannot be applied.
        UnknownVariableError
            If a name is no variable of the twin.

        Examples
        --------
        >>> rng = np.random.default_rng(0)
        >>> u = rng.normal(size=400)
        >>> table = {"u": u, "x": u + rng.normal(size=400), "y": u + rng.normal(size=400)}
        >>> twin = Twin(CausalGraph.parse("u -> x; u -> y"), random_state=0).fit(table)
        >>> scene = twin.scenario(latent="u", regimes=[(200, {}), (200, {"x": 2.0})])
        >>> print(scene.mag())
        MAG with 2 nodes, 1 edge: x <-> y
        >>> scene.sample(rng=0, label="site").shape, scene.changing
        ((400, 3), ('x',))
        """
        check_is_fitted(self, "model_")
        if isinstance(missing, str):
            check_choice(missing, "missing", ("data",))
            missing = self.gaps_
        hidden = (*as_names(latent), *self.drivers_)
        return Scenario.of(self.model_, self.n_obs_, hidden, missing, regimes)

    def fidelity(
        self, data: Data | None = None, *, rng: RandomState = None, **settings: Any
    ) -> FidelityReport:
        """Say how alike data and twin are.

        Parameters
        ----------
        data : optional
            What the twin is compared with: best, data that it was not fitted to. Those it was
            fitted to if left out.
        rng : int, Generator or None
            Of what is drawn, as many steps as the data have.
        **settings
            Of :func:`~causalkit.models.fidelity.assess_fidelity`.

        Returns
        -------
        FidelityReport
        """
        check_is_fitted(self, "model_")
        from causalkit.models.fidelity import assess_fidelity

        real = self._plain(self._data if data is None else data)
        drawn = self.sample(len(real), rng=rng, missing=self.gaps_ is not None)
        if not isinstance(self.graph_, LaggedGraph):
            settings = {"window": 1, **settings}
        reference = None if data is None else self._plain(self._data)
        return assess_fidelity(real, drawn, reference=reference, **settings)

    def _plain(self, data: Data) -> pd.DataFrame:
        """Variables of the graph as a frame, with a row of holes at each border of series."""
        import pandas as pd

        if not isinstance(self.graph_, LaggedGraph):
            names = list(self.graph_.nodes)
            return pd.DataFrame(pd.DataFrame(data), columns=names)
        series = as_series(data, panel=self.panel, time=self.time).select(self.graph_.variables)
        borders = np.flatnonzero(~series.follows)[1:]
        values = np.insert(series.table.values, borders, np.nan, axis=0)
        return pd.DataFrame(values, columns=list(series.names))
