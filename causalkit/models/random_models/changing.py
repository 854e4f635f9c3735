"""Random models whose mechanisms change over domains or time, and their exact truth.

A variable is a sum of functions of its causes, and noise,

    v = a(c) Σ f(cause) + u(c) Σ g(cause) + b(c) + s(c) ε,

and one hidden number λ(c) a changing variable moves the coefficient a, the function (by way of u),
the intercept b and the scale s of the noise, or some of them. λ takes an independent value in each
domain, or is a smooth random function of time; different variables have independent λ. That λ is
what phase III of CD-NOD should find: :meth:`ChangingModel.driving`.

>>> model = random_changing_model(4, n_domains=30, changing=0.5, rng=0)
>>> data = model.sample(1500, rng=1)
>>> sorted(data)
['domain', 'x0', 'x1', 'x2', 'x3']
>>> len(model.changing), model.driving(min(model.changing)).shape
(2, (30,))
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace
from numbers import Real
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from causalkit._core.checks import (
    as_names,
    check_choice,
    check_count,
    check_fraction,
    check_positive,
)
from causalkit._core.random import as_generator
from causalkit.errors import InputError, UnknownVariableError
from causalkit.graph import CausalGraph, random_dag
from causalkit.graph.marks import ARROW, TAIL, Kind
from causalkit.typing import FloatArray, Name, RandomState

__all__ = ["ChangingModel", "random_changing_model"]

Change = Literal["coefficient", "noise", "function", "intercept"]

_NOISE = 0.6
_PILOT = 2000
_WAVES = 20


@dataclass(frozen=True, slots=True, eq=False)
class _Smooth:
    """A random function: linear, plus waves of random frequencies if it is not."""

    slope: float
    heights: FloatArray
    frequencies: FloatArray
    phases: FloatArray

    @classmethod
    def draw(cls, rng: np.random.Generator, *, slope: bool, waves: bool) -> _Smooth:
        n = _WAVES if waves else 0
        return cls(
            float(rng.choice((-1, 1)) * rng.uniform(0.5, 1.5)) if slope else 0.0,
            rng.normal(size=n) * np.sqrt(2 / max(n, 1)),
            rng.normal(size=n),
            rng.uniform(0, 2 * np.pi, n),
        )

    def __call__(self, x: FloatArray) -> FloatArray:
        waves = np.cos(np.multiply.outer(x, self.frequencies) + self.phases) @ self.heights
        return self.slope * x + waves


@dataclass(frozen=True, slots=True, eq=False)
class _Mechanism:
    """One variable given its causes and λ, brought to mean 0 and standard deviation 1."""

    causes: tuple[int, ...]
    functions: tuple[_Smooth, ...]
    others: tuple[_Smooth, ...]
    what: frozenset[str]
    shift: float = 0.0
    scale: float = 1.0

    def __call__(
        self, values: FloatArray, force: FloatArray, rng: np.random.Generator
    ) -> FloatArray:
        total = np.zeros(len(force))
        for cause, f, g in zip(self.causes, self.functions, self.others, strict=True):
            part = f(values[:, cause])
            if "coefficient" in self.what:
                part = part * (1 + 0.8 * force)
            if "function" in self.what:
                part = part + 1.5 * force * g(values[:, cause])
            total += part
        noise = (_NOISE if self.causes else 1.0) * rng.normal(size=len(force))
        total += noise * np.exp(force) if "noise" in self.what else noise
        if "intercept" in self.what:
            total += 1.5 * force
        return (total - self.shift) / self.scale


@dataclass(frozen=True, slots=True, eq=False)
class ChangingModel:
    """A graph, its mechanisms, and how some of them change.

    Attributes
    ----------
    graph : CausalGraph
        DAG over the variables.
    changing : frozenset of names
        Variables whose mechanism changes.
    surrogate : str
        Name of the column that says where or when a row was drawn: "domain" or "time".
    n_domains : int or None
        None if mechanisms drift over time.
    """

    graph: CausalGraph
    changing: frozenset[Name]
    surrogate: str
    n_domains: int | None
    _mechanisms: tuple[_Mechanism, ...] = field(repr=False)
    _forces: dict[Name, Any] = field(repr=False)

    @property
    def surrogate_graph(self) -> CausalGraph:
        """The graph with the surrogate as a cause of each variable that changes."""
        p = len(self.graph.nodes)
        ends = np.zeros((p + 1, p + 1), dtype=np.uint8)
        ends[:p, :p] = self.graph.ends
        moved = [self.graph.index(name) for name in self.changing]
        ends[p, moved], ends[moved, p] = ARROW, TAIL
        return CausalGraph((*self.graph.nodes, self.surrogate), ends, Kind.DAG)

    def what(self, variable: Name) -> frozenset[str]:
        """What changes in the mechanism of a variable; empty if nothing does."""
        return self._mechanisms[self.graph.index(variable)].what

    def driving(self, variable: Name, times: Iterable[float] | None = None) -> FloatArray:
        """Hidden number that moves the mechanism of a variable, from -1 to 1.

        Parameters
        ----------
        variable : str or int
            One of `changing`.
        times : iterable of float, optional
            Times from 0 to 1, if mechanisms drift; 101 of them if left out.

        Returns
        -------
        ndarray of shape (n_domains,) or (n_times,)

        Raises
        ------
        UnknownVariableError
            If the mechanism of that variable does not change.
        """
        if variable not in self._forces:
            raise UnknownVariableError.among(
                variable, sorted(self.changing, key=str), where="the variables that change"
            )
        force = self._forces[variable]
        if self.n_domains is not None:
            values: FloatArray = force.copy()
            return values
        at = np.linspace(0, 1, 101) if times is None else np.asarray(list(times), np.float64)
        return _drift(force, at)

    def sample(self, n: int, *, rng: RandomState = None) -> dict[Name, NDArray[Any]]:
        """Draw rows.

        Parameters
        ----------
        n : int
            Rows in all: as many in each domain (the first ones have one more if that cannot be),
            or evenly spaced in time.
        rng : int, Generator or None

        Returns
        -------
        dict
            One array a column: the surrogate (domains 0, 1, …, or times from 0 to 1), then the
            variables. Every function that reads data reads it; `pandas.DataFrame(data)` is a frame.
        """
        n, generator = check_count(n, "n"), as_generator(rng)
        place = self._places(n)
        values = self._draw(place, generator)
        return {self.surrogate: place} | dict(zip(self.graph.nodes, values.T, strict=True))

    def _places(self, n: int) -> NDArray[Any]:
        if self.n_domains is None:
            return np.linspace(0.0, 1.0, n)
        return np.sort(np.arange(n) % self.n_domains)

    def _draw(self, place: NDArray[Any], rng: np.random.Generator) -> FloatArray:
        values = np.zeros((len(place), len(self.graph.nodes)))
        for k in self.graph.order:
            force = self._force(self.graph.nodes[k], place)
            values[:, k] = self._mechanisms[k](values, force, rng)
        return values

    def _force(self, variable: Name, place: NDArray[Any]) -> FloatArray:
        if variable not in self._forces:
            return np.zeros(len(place))
        if self.n_domains is None:
            return self.driving(variable, place)
        force: FloatArray = self._forces[variable][place]
        return force


def random_changing_model(
    n_variables: int,
    *,
    n_domains: int | None = None,
    drift: float | None = None,
    degree: float | None = None,
    graph: CausalGraph | None = None,
    changing: float | Collection[Name] = 0.5,
    what: Collection[Change] = ("coefficient", "noise", "function", "intercept"),
    nonlinear: bool = True,
    rng: RandomState = None,
) -> ChangingModel:
    """Draw a model whose mechanisms change over domains or time.

    Parameters
    ----------
    n_variables : int
        Number of variables.
    n_domains : int, optional
        Number of domains; 30 if neither this nor `drift` is given.
    drift : float, optional
        Mechanisms drift over time instead; the number of periods of the quickest wave in λ, so 1 is
        slow and 5 is quick.
    degree : float, optional
        Expected number of edges at a variable; 2 if left out, as far as there are so many others.
    graph : CausalGraph, optional
        The DAG, if it should not be drawn.
    changing : float or collection of names
        Share of the variables whose mechanism changes (rounded), drawn at random; or which ones.
    what : collection of {"coefficient", "noise", "function", "intercept"}
        What changes in a mechanism, all moved by one λ. A variable without causes has neither
        coefficient nor function: if nothing else may change, its noise does.
    nonlinear : bool
        Whether functions of causes have random waves on their slope.
    rng : int, Generator or None

    Returns
    -------
    ChangingModel

    Raises
    ------
    InputError
        If a setting is out of range, or both `n_domains` and `drift` are given.
    UnknownVariableError
        If `changing` has a name that is not in the graph.

    Notes
    -----
    Every variable has mean 0 and standard deviation 1 over all domains or times, up to the error of
    a pilot sample, so neither variances nor the order of columns tell causes from effects.

    Examples
    --------
    >>> model = random_changing_model(2, drift=1.0, degree=1.0, changing=["x1"], rng=0)
    >>> sorted(model.surrogate_graph.children("time"))
    ['x1']
    """
    if n_domains is not None and drift is not None:
        raise InputError(
            f"n_domains={n_domains!r} and drift={drift!r} are both given; expected one of them. "
            "Leave one out."
        )
    generator = as_generator(rng)
    graph = _graph_of(n_variables, degree, graph, generator)
    if drift is None:
        n_domains = check_count(30 if n_domains is None else n_domains, "n_domains")
    else:
        check_positive(drift, "drift")
    wanted = frozenset(check_choice(kind, "what", get_args(Change)) for kind in what)
    moved = _moved(changing, graph, generator)
    if moved and not wanted:
        raise InputError("what is empty, but mechanisms should change; expected a kind of change.")
    mechanisms = tuple(
        _draw_mechanism(graph, name, wanted if name in moved else frozenset(), nonlinear, generator)
        for name in graph.nodes
    )
    forces = {
        name: _draw_force(n_domains, drift, generator) for name in graph.nodes if name in moved
    }
    surrogate = "time" if n_domains is None else "domain"
    if surrogate in graph.nodes:
        raise InputError(f"a variable is called {surrogate!r}, as is the surrogate; rename it.")
    model = ChangingModel(graph, moved, surrogate, n_domains, mechanisms, forces)
    return _standardised(model, generator)


def _graph_of(
    n_variables: int,
    degree: float | None,
    graph: CausalGraph | None,
    rng: np.random.Generator,
) -> CausalGraph:
    n_variables = check_count(n_variables, "n_variables")
    if graph is None:
        wanted = min(2.0, n_variables - 1.0) if degree is None else degree
        return random_dag(n_variables, expected_degree=wanted, rng=rng)
    if not isinstance(graph, CausalGraph):
        raise InputError(
            f"graph is a {type(graph).__name__}; expected a CausalGraph. Write e.g. "
            "CausalGraph.parse('a -> b')."
        )
    if graph.kind is not Kind.DAG or len(graph.nodes) != n_variables:
        raise InputError(
            f"graph is a {graph.kind.name} with {len(graph.nodes)} nodes; expected a DAG with "
            f"n_variables={n_variables}. Give another graph or number."
        )
    return graph


def _moved(
    changing: float | Collection[Name], graph: CausalGraph, rng: np.random.Generator
) -> frozenset[Name]:
    if isinstance(changing, Real):
        share = check_fraction(float(changing), "changing", closed=True)
        count = round(share * len(graph.nodes))
        return frozenset(graph.nodes[k] for k in rng.permutation(len(graph.nodes))[:count])
    names = as_names(changing)  # type: ignore[arg-type]
    return frozenset(graph.nodes[graph.index(name)] for name in names)


def _draw_mechanism(
    graph: CausalGraph,
    name: Name,
    what: frozenset[str],
    nonlinear: bool,
    rng: np.random.Generator,
) -> _Mechanism:
    causes = tuple(sorted(graph.index(cause) for cause in graph.parents(name)))
    functions = tuple(_Smooth.draw(rng, slope=True, waves=nonlinear) for _ in causes)
    others = tuple(_Smooth.draw(rng, slope=not nonlinear, waves=nonlinear) for _ in causes)
    if what and not causes:
        what = what & {"noise", "intercept"} or frozenset({"noise"})
    return _Mechanism(causes, functions, others, what)


def _draw_force(
    n_domains: int | None, drift: float | None, rng: np.random.Generator
) -> FloatArray | tuple[FloatArray, FloatArray, FloatArray]:
    """λ in each domain, or its waves: periods, heights of sines and of cosines."""
    if n_domains is not None:
        return rng.uniform(-1, 1, n_domains)
    periods = np.arange(0.5, max(drift or 0.5, 0.5) + 0.25, 0.5)
    waves = rng.normal(size=(2, len(periods)))
    height = np.abs(_drift((periods, *waves), np.linspace(0, 1, 501))).max()
    return periods, waves[0] / height, waves[1] / height


def _drift(waves: Any, times: FloatArray) -> FloatArray:
    periods, sines, cosines = waves
    angle = 2 * np.pi * np.multiply.outer(times, periods)
    force: FloatArray = np.sin(angle) @ sines + np.cos(angle) @ cosines
    return force


def _standardised(model: ChangingModel, rng: np.random.Generator) -> ChangingModel:
    """Bring each variable to mean 0 and standard deviation 1, causes first."""
    place = model._places(max(_PILOT, 20 * (model.n_domains or 0)))
    values = np.zeros((len(place), len(model.graph.nodes)))
    mechanisms = list(model._mechanisms)
    for k in model.graph.order:
        force = model._force(model.graph.nodes[k], place)
        drawn = mechanisms[k](values, force, rng)
        mechanisms[k] = replace(mechanisms[k], shift=float(drawn.mean()), scale=float(drawn.std()))
        values[:, k] = (drawn - drawn.mean()) / drawn.std()
    return replace(model, _mechanisms=tuple(mechanisms))
