"""Chaotic systems: Lorenz 96, and logistic maps that slow each other down.

Nothing here is random but where it starts, unless noise is asked for; what looks like noise is
sensitivity to the start.

**What is the graph of a differential equation that is seen at steps?** Lorenz 96 says which series
enter the rate of which: i - 2, i - 1, i and i + 1 drive i. Seen every dt, that is exact for Euler's
scheme, where one step is x + dt · rate(x). A step of Runge and Kutta applies the rate four times,
so x_i after a step is a function of all of i - 8, …, i + 4: the links that are not in the equation
are there, of the order of dt² and smaller. `graph` is the graph of the equation, as all benchmarks
take it; `step_graph` is exact for the series that are drawn.

>>> model = Lorenz96(20, noise=0.1)
>>> len(model.graph.edges()), len(model.step_graph.edges())
(80, 260)
>>> model.sample(100, rng=0).data.shape
(100, 20)

References
----------
Lorenz (1996), "Predictability: a problem partly solved", ECMWF Seminar on Predictability 1: 1-18.
Sugihara et al. (2012), "Detecting causality in complex ecosystems", doi:10.1126/science.1227079.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from causalkit._core.checks import check_choice, check_count, check_positive
from causalkit._core.random import as_generator
from causalkit.errors import InputError, NumericalError
from causalkit.graph import Kind, LaggedGraph
from causalkit.graph.marks import ARROW, TAIL
from causalkit.models.random_models.series_draw import SeriesDraw
from causalkit.typing import BoolArray, FloatArray, Name, RandomState

__all__ = ["CoupledLogisticMaps", "Lorenz96", "random_logistic_maps"]


@dataclass(frozen=True, slots=True)
class Lorenz96:
    """Series on a ring: dx_i/dt = (x_{i+1} - x_{i-2}) x_{i-1} - x_i + forcing.

    Attributes
    ----------
    n_series : int
        At least 4.
    forcing : float
        Chaotic from about 8.
    dt : float
        Time from a step to the next. Beyond 0.05 schemes become inexact, and may run away.
    noise : float
        Standard deviation of the noise that enters over one unit of time: that of a step is
        noise · √dt, independent of everything.
    scheme : {"rk4", "euler"}
        Of which a step is what; see the module.
    """

    n_series: int = 10
    forcing: float = 10.0
    dt: float = 0.05
    noise: float = 0.0
    scheme: str = "rk4"

    def __post_init__(self) -> None:
        check_count(self.n_series, "n_series", minimum=4)
        check_positive(self.dt, "dt")
        check_choice(self.scheme, "scheme", ("rk4", "euler"))
        _check_noise(self.noise)

    @property
    def variables(self) -> tuple[Name, ...]:
        """Names: x0, x1, and so on."""
        return tuple(f"x{k}" for k in range(self.n_series))

    @property
    def graph(self) -> LaggedGraph:
        """Graph of the equation, at lag one: exact for Euler's scheme, else to order dt."""
        return _at_lag_one(self.variables, self._reach(-2, 1))

    @property
    def step_graph(self) -> LaggedGraph:
        """Which series a step is a function of: exact for either scheme."""
        return self.graph if self.scheme == "euler" else self._spread()

    def _spread(self) -> LaggedGraph:
        return _at_lag_one(self.variables, self._reach(-8, 4))

    def _reach(self, low: int, high: int) -> BoolArray:
        linked = np.zeros((self.n_series, self.n_series), dtype=np.bool_)
        here = np.arange(self.n_series)
        for offset in range(low, high + 1):
            linked[(here + offset) % self.n_series, here] = True
        return linked

    def sample(self, n_steps: int, rng: RandomState = None, *, burn_in: int = 1000) -> SeriesDraw:
        """Draw series.

        Parameters
        ----------
        n_steps : int
        rng : int, Generator or None
            Draws the start, and noise.
        burn_in : int, default 1000
            Steps that are left out.

        Returns
        -------
        SeriesDraw

        Raises
        ------
        NumericalError
            If the scheme runs away.
        """
        from causalkit.models.random_models._dynamics_kernels import run_lorenz96

        n = check_count(n_steps, "n_steps") + check_count(burn_in, "burn_in", minimum=0)
        generator = as_generator(rng)
        values = np.zeros((n, self.n_series))
        values[0] = self.forcing + generator.normal(size=self.n_series)
        size = self.noise * np.sqrt(self.dt)
        noise = size * generator.normal(size=values.shape) if size else np.zeros_like(values)
        work = np.zeros((5, self.n_series))
        run_lorenz96(values, noise, float(self.forcing), float(self.dt), self.scheme == "rk4", work)
        if not np.isfinite(values).all():
            raise NumericalError(
                f"the scheme {self.scheme!r} runs away with dt={self.dt} and noise={self.noise}; "
                "expected smaller steps. Make dt smaller, e.g. 0.01."
            )
        return _as_draw(self.graph, values[burn_in:])


@dataclass(frozen=True, slots=True, eq=False)
class CoupledLogisticMaps:
    """Populations that grow and slow each other down.

    x_j(t) = x_j(t-1) [r_j (1 - x_j(t-1)) - Σ_i b_ij x_i(t-1)] + noise, reflected at 0 and 1: so
    series stay between the two whatever the couplings are. With the weak couplings of the paper and
    no noise, nothing is ever reflected.

    Attributes
    ----------
    rates : ndarray of shape (p,)
        From 0 to 4; chaotic from about 3.57.
    couplings : ndarray of shape (p, p)
        `[i, j]`: how much i slows j. No entry is negative, and those on the diagonal are zero.
    noise : float
        Its standard deviation.
    """

    rates: FloatArray
    couplings: FloatArray
    noise: float = 0.0

    def __post_init__(self) -> None:
        p = len(self.rates)
        if self.couplings.shape != (p, p) or (self.couplings < 0).any():
            raise InputError(
                f"couplings has shape {self.couplings.shape}; expected ({p}, {p}), a cause a row, "
                "and no negative entry."
            )
        if np.diagonal(self.couplings).any():
            raise InputError("couplings has entries on its diagonal; expected zeros. Set the rate.")
        if ((self.rates <= 0) | (self.rates > 4)).any():
            raise InputError(f"rates={self.rates!r}; expected numbers above 0, and 4 at most.")
        _check_noise(self.noise)

    @property
    def variables(self) -> tuple[Name, ...]:
        """Names: x0, x1, and so on."""
        return tuple(f"x{k}" for k in range(len(self.rates)))

    @property
    def graph(self) -> LaggedGraph:
        """Exact: each series drives itself, and those that it is coupled to, over one step."""
        linked = self.couplings != 0
        np.fill_diagonal(linked, True)
        return _at_lag_one(self.variables, linked)

    def sample(self, n_steps: int, rng: RandomState = None, *, burn_in: int = 300) -> SeriesDraw:
        """Draw series; see :meth:`Lorenz96.sample`.

        Parameters
        ----------
        n_steps : int
        rng : int, Generator or None
        burn_in : int, default 300

        Returns
        -------
        SeriesDraw
        """
        from causalkit.models.random_models._dynamics_kernels import run_logistic_maps

        n = check_count(n_steps, "n_steps") + check_count(burn_in, "burn_in", minimum=0)
        generator = as_generator(rng)
        values = np.zeros((n, len(self.rates)))
        values[0] = generator.uniform(0.2, 0.8, len(self.rates))
        noise = self.noise * generator.normal(size=values.shape)
        rates = np.ascontiguousarray(self.rates, dtype=np.float64)
        run_logistic_maps(
            values, noise, rates, np.ascontiguousarray(self.couplings, dtype=np.float64)
        )
        return _as_draw(self.graph, values[burn_in:])


def random_logistic_maps(
    n_series: int,
    *,
    links: float = 1.0,
    strength: tuple[float, float] = (0.05, 0.2),
    noise: float = 0.0,
    rng: RandomState = None,
) -> CoupledLogisticMaps:
    """Draw chaotic maps and couplings.

    Parameters
    ----------
    n_series : int
    links : float
        Couplings for each series there is.
    strength : tuple of float
        Least and largest coupling.
    noise : float
    rng : int, Generator or None

    Returns
    -------
    CoupledLogisticMaps

    Examples
    --------
    >>> model = random_logistic_maps(3, rng=0)
    >>> data = model.sample(500, rng=0).data
    >>> bool((data > 0).to_numpy().all() and (data < 1).to_numpy().all())
    True
    """
    p, generator = check_count(n_series, "n_series"), as_generator(rng)
    pairs = [(i, j) for i in range(p) for j in range(p) if i != j]
    couplings = np.zeros((p, p))
    for k in generator.permutation(len(pairs))[: round(links * p)]:
        couplings[pairs[k]] = generator.uniform(*strength)
    return CoupledLogisticMaps(generator.uniform(3.6, 3.85, p), couplings, noise)


def _check_noise(noise: float) -> None:
    if not 0 <= noise < np.inf:
        raise InputError(f"noise={noise!r}; expected a standard deviation, a number from 0.")


def _at_lag_one(variables: tuple[Name, ...], linked: BoolArray) -> LaggedGraph:
    by_lag = np.stack([np.zeros_like(linked), linked])
    return LaggedGraph.from_marks(variables, by_lag * TAIL, by_lag * ARROW, Kind.DAG)


def _as_draw(graph: LaggedGraph, values: FloatArray) -> SeriesDraw:
    import pandas as pd

    table = pd.DataFrame(values, columns=list(graph.variables))
    return SeriesDraw(table, graph, graph, None, (), table[[]])
