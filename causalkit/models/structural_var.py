"""`StructuralVAR`: series that drive each other, within a step and over lags, with exact truth.

Each series is the sum of what drives it, so many steps ago or now, and noise::

    x_j(t) = Σ_lag Σ_i  weights[lag, i, j] · f(x_i(t - lag))  +  noise_j(t)

with f the identity, or another function between different series.

>>> model = random_svar(4, max_lag=2, rng=0)
>>> data = model.sample(500, rng=1)
>>> sorted(data), data["x0"].shape
(['x0', 'x1', 'x2', 'x3'], (500,))
>>> model.graph.kind.name
'DAG'
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from causalkit._core.checks import check_choice, check_count, check_fraction
from causalkit._core.random import as_generator
from causalkit.errors import InputError, NumericalError
from causalkit.graph import Kind, LaggedGraph
from causalkit.graph._validity import topological_order
from causalkit.graph.lagged import as_lagged
from causalkit.graph.marks import ARROW, TAIL
from causalkit.typing import FloatArray, Name, RandomState

__all__ = ["StructuralVAR", "bent", "random_svar"]

NOISES: Final = ("gaussian", "laplace", "uniform")
_TRIES: Final = 200


def bent(x: FloatArray) -> FloatArray:
    """Bend a line near zero, where most of the data are: x (1 + exp(-x² / 2)).

    Parameters
    ----------
    x : ndarray of any shape

    Returns
    -------
    ndarray
        Of the shape of `x`.

    Examples
    --------
    >>> bent(np.array([0.0, 4.0])).round(2).tolist()
    [0.0, 4.0]
    """
    return np.asarray(x * (1.0 + np.exp(-0.5 * x * x)), dtype=np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class StructuralVAR:
    """A structural vector autoregression.

    Attributes
    ----------
    variables : tuple of names
    weights : ndarray of shape (max_lag + 1, p, p)
        `weights[lag, i, j]`: direct effect of i, `lag` steps ago, on j. Acyclic within a step.
    noise : {"gaussian", "laplace", "uniform"}
        Distribution of the innovations, of variance one.
    noise_memory : float
        Weight of the noise of the step before in the noise of a step: it is an AR(1) process.
    function : callable, optional
        What becomes of a cause before it is weighted, unless it drives itself; see :func:`bent`.
    """

    variables: tuple[Name, ...]
    weights: FloatArray
    noise: str = "gaussian"
    noise_memory: float = 0.0
    function: Callable[[FloatArray], FloatArray] | None = None

    def __post_init__(self) -> None:
        p = len(self.variables)
        if self.weights.ndim != 3 or self.weights.shape[1:] != (p, p):
            raise InputError(
                f"weights has shape {self.weights.shape}; expected (max_lag + 1, {p}, {p}): by "
                "lag, cause and effect."
            )
        check_choice(self.noise, "noise", NOISES)
        if topological_order(self.weights[0] != 0) is None:
            raise InputError(
                "the weights within a step run in a circle; expected weights[0] of an acyclic "
                "graph. Move one of them to a lag."
            )

    @classmethod
    def from_links(cls, links: Mapping[str, float], **settings: Any) -> StructuralVAR:
        """Build from links that are written out.

        Parameters
        ----------
        links : dict of str to float
            By link: its weight. The series are those of the links, in their order.
        **settings
            `noise`, `noise_memory`, `function`.

        Raises
        ------
        InputError
            If a weight has no link, or several.
        GraphError
            If a link runs into the past, or is no arrow.

        Examples
        --------
        >>> StructuralVAR.from_links({"X[t-1] -> X[t]": 0.6, "X[t-1] -> Y[t]": 0.5}).graph
        DAG of 2 series, lags to 1, 2 edges: X[t-1] -> X[t]; X[t-1] -> Y[t]
        """
        graph = LaggedGraph.parse("; ".join(links), kind=Kind.DAG)
        weights = np.zeros((graph.max_lag + 1, len(graph.variables), len(graph.variables)))
        for link, weight in links.items():
            edges = LaggedGraph.parse(link, kind=Kind.DAG).edges()
            if len(edges) != 1:
                raise InputError(
                    f"{link!r} has {len(edges)} links; expected one for the weight {weight}. Write "
                    "each link by itself, such as 'X[t-1] -> Y[t]'."
                )
            cause, effect = as_lagged(edges[0].left), as_lagged(edges[0].right)
            weights[cause.lag, graph.index(cause), graph.index(effect)] = weight
        return cls(graph.variables, weights, **settings)

    @property
    def max_lag(self) -> int:
        """Longest lag."""
        return len(self.weights) - 1

    @property
    def graph(self) -> LaggedGraph:
        """Kind DAG: a link where a weight is not zero."""
        linked = self.weights != 0
        return LaggedGraph.from_marks(self.variables, linked * TAIL, linked * ARROW, Kind.DAG)

    @property
    def spectral_radius(self) -> float:
        """Largest root of the linear model in size; below one, it is stationary."""
        p, n_lags = len(self.variables), max(self.max_lag, 1)
        reduced = self._now()
        companion = np.zeros((p * n_lags, p * n_lags))
        for lag in range(1, len(self.weights)):
            companion[:p, (lag - 1) * p : lag * p] = reduced @ self.weights[lag].T
        companion[p:, :-p] = np.eye(p * (n_lags - 1))
        return float(np.abs(np.linalg.eigvals(companion)).max())

    def effects(self, horizon: int) -> FloatArray:
        """Total effects: what one unit more of i, `lag` steps ago, for one step, adds to j now.

        Parameters
        ----------
        horizon : int
            Longest lag.

        Returns
        -------
        ndarray of shape (horizon + 1, p, p)
            `[lag, cause, effect]`, of the linear model.

        Raises
        ------
        NumericalError
            If the model is not linear.
        """
        if self.function is not None:
            raise NumericalError(
                "the model is not linear, so an effect depends on where it starts; expected "
                "function=None. Compare samples instead."
            )
        p, now = len(self.variables), self._now()
        steps = np.zeros((horizon + 1, p, p))  # [lag, effect, cause] of what enters with the noise
        steps[0] = now
        for lag in range(1, horizon + 1):
            for back in range(1, min(lag, self.max_lag) + 1):
                steps[lag] += now @ self.weights[back].T @ steps[lag - back]
        return steps.transpose(0, 2, 1)

    def sample(
        self, n_steps: int, rng: RandomState = None, *, burn_in: int = 200
    ) -> dict[Name, FloatArray]:
        """Draw series.

        Parameters
        ----------
        n_steps : int
        rng : int, Generator or None
        burn_in : int, default 200
            Steps that are drawn first and left out, so that the start is forgotten.

        Returns
        -------
        dict of name to ndarray of shape (n_steps,)
        """
        values = self._drawn(check_count(n_steps, "n_steps"), as_generator(rng), burn_in)
        return {name: values[:, k].copy() for k, name in enumerate(self.variables)}

    def _now(self) -> FloatArray:
        """What noise becomes within the step: (I - W0')^-1."""
        within: FloatArray = np.linalg.inv(np.eye(len(self.variables)) - self.weights[0].T)
        return within

    def _drawn(self, n_steps: int, rng: np.random.Generator, burn_in: int) -> FloatArray:
        p, start = len(self.variables), self.max_lag
        n = n_steps + burn_in + start
        errors = _innovations(self.noise, (n, p), rng)
        for t in range(1, n) if self.noise_memory else ():
            errors[t] += self.noise_memory * errors[t - 1]
        own = np.stack([np.diag(np.diagonal(w)) for w in self.weights])
        own_past, cross_past, whole_past = map(_flat, (own, self.weights - own, self.weights))
        values, turned = np.zeros((n, p)), np.zeros((n, p))
        now, order = self._now().T, np.asarray(topological_order(self.weights[0] != 0))
        for t in range(start, n):
            past = slice(t - start, t)
            if self.function is None:
                values[t] = (errors[t] + values[past].ravel() @ whole_past) @ now
            else:
                total = errors[t] + values[past].ravel() @ own_past
                values[t] = total + turned[past].ravel() @ cross_past
                for j in order:
                    values[t, j] += turned[t] @ self.weights[0][:, j]
                    turned[t, j] = self.function(values[t, j])
        if not np.isfinite(values).all() or np.abs(values).max() > 1e12:
            raise NumericalError(
                "the series ran away; expected a stationary model. Make the weights smaller: "
                f"spectral_radius is {self.spectral_radius:.3g}."
            )
        return values[burn_in + start :]


def _flat(weights: FloatArray) -> FloatArray:
    """Weights of the past as one matrix, its rows in the order of time."""
    return weights[:0:-1].reshape(-1, weights.shape[2])


def _innovations(noise: str, shape: tuple[int, int], rng: np.random.Generator) -> FloatArray:
    if noise == "laplace":
        return rng.laplace(scale=np.sqrt(0.5), size=shape)
    if noise == "uniform":
        return rng.uniform(-np.sqrt(3.0), np.sqrt(3.0), size=shape)
    return rng.normal(size=shape)


def random_svar(
    n_series: int,
    *,
    max_lag: int = 3,
    links: float = 1.0,
    step_links: float = 1 / 3,
    memory: tuple[float, float] = (0.3, 0.7),
    strength: tuple[float, float] = (0.25, 0.5),
    noise: str = "gaussian",
    noise_memory: float = 0.0,
    function: Callable[[FloatArray], FloatArray] | None = None,
    names: Sequence[Name] | None = None,
    rng: RandomState = None,
) -> StructuralVAR:
    """Draw a stationary structural VAR.

    Parameters
    ----------
    n_series : int
    max_lag : int, default 3
    links, step_links : float
        Links between series, from the past and within a step, for each series there is.
    memory : tuple of float
        Least and largest weight of each series on itself a step later.
    strength : tuple of float
        Least and largest weight of a link in size; signs are drawn.
    noise, noise_memory, function
        See :class:`StructuralVAR`.
    names : sequence of names, optional
        `x0, x1, …` if left out.
    rng : int, Generator or None

    Returns
    -------
    StructuralVAR
        With a spectral radius below 0.95.

    Raises
    ------
    NumericalError
        If no model that was drawn is stationary.
    """
    p, max_lag = check_count(n_series, "n_series"), check_count(max_lag, "max_lag")
    check_fraction(noise_memory, "noise_memory", closed=True)
    generator = as_generator(rng)
    variables = tuple(f"x{k}" for k in range(p)) if names is None else tuple(names)
    others = [(i, j) for i in range(p) for j in range(p) if i != j]
    for _ in range(_TRIES):
        weights = np.zeros((max_lag + 1, p, p))
        weights[1][np.diag_indices(p)] = generator.uniform(*memory, size=p)
        n_links = min(round(links * p), len(others))
        for k in generator.choice(len(others), n_links, replace=False) if n_links else ():
            i, j = others[k]
            weights[generator.integers(1, max_lag + 1), i, j] = 1.0
        place = generator.permutation(p)
        free = [
            (i, j)
            for i, j in others
            if place[i] < place[j] and not weights[:, [i, j], [j, i]].any()
        ]
        n_links = min(round(step_links * p), len(free))
        for k in generator.choice(len(free), n_links, replace=False) if n_links else ():
            weights[0][free[k]] = 1.0
        drawn = generator.uniform(*strength, size=weights.shape)
        drawn *= generator.choice((-1.0, 1.0), size=weights.shape)
        memories = weights[1].diagonal().copy()
        weights = np.where(weights != 0, drawn, 0.0)
        weights[1][np.diag_indices(p)] = memories
        model = StructuralVAR(variables, weights, noise, noise_memory, function)
        if model.spectral_radius < 0.95:
            return model
    raise NumericalError(
        f"none of {_TRIES} models drawn is stationary; expected some. Ask for fewer links, or "
        "weaker ones."
    )
