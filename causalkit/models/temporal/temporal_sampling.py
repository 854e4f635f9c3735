"""Running the equations of series forward: noise first, then step by step, all chains at once.

`Equations` are a lagged graph with a mechanism for each series, in the order in which they run
within a step. All noise is drawn before the first step, from one stream for each series. So what
is done to one series changes no noise, and two runs of one seed that differ in an intervention
differ by it alone.

Values lie in one array of shape (n_steps, p, n_chains): each step asks each mechanism once, for
all chains together. Where all mechanisms are linear with noise that is added, the steps are
compiled.

>>> from causalkit.graph import LaggedGraph
>>> from causalkit.models.mechanisms.additive import Additive, Linear
>>> from causalkit.models.noise import Normal
>>> graph = LaggedGraph.parse("X[t-1] -> X[t]")
>>> equations = Equations.of(graph, {"X": Additive(Linear(np.array([0.5])), Normal())})
>>> equations.radius()
0.5
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from causalkit.errors import GraphError, InputError, NumericalError, UnknownVariableError
from causalkit.graph import Kind, Lagged, LaggedGraph
from causalkit.graph._validity import topological_order
from causalkit.models.interventions import Hold, Policy, Shift
from causalkit.models.mechanisms.additive import Additive, Linear
from causalkit.models.mechanisms.base import Mechanism
from causalkit.models.temporal.temporal_interventions import (
    Windowed,
    order_with,
    read_interventions,
)
from causalkit.typing import FloatArray, IntArray, Name

__all__ = [
    "Equations",
    "Windowed",
    "companion_radius",
    "draw_noise",
    "layout",
    "linear_part",
    "read_interventions",
    "run",
]

_RUNAWAY: Final = 1e12


@dataclass(frozen=True, slots=True, eq=False)
class Equations:
    """A graph of series with mechanisms, by position.

    Attributes
    ----------
    variables : tuple of names
    parents : tuple of (lags, causes)
        Of each series: how many steps ago, and which series, in the order of the graph's nodes:
        within the step first, then by lag. The columns of `causes` that its mechanism sees.
    mechanisms : tuple of Mechanism
    order : ndarray of int, shape (p,)
        Causes before effects within a step.
    max_lag : int
    """

    variables: tuple[Name, ...]
    parents: tuple[tuple[IntArray, IntArray], ...]
    mechanisms: tuple[Mechanism, ...]
    order: IntArray
    max_lag: int

    @classmethod
    def of(cls, graph: LaggedGraph, mechanisms: Mapping[Name, Mechanism]) -> Equations:
        """Bind mechanisms to a graph.

        Raises
        ------
        GraphError
            If the graph is no DAG.
        InputError
            If a series has no mechanism, or a mechanism no series.
        """
        parents, order = layout(graph)
        missing = [name for name in graph.variables if name not in mechanisms]
        if missing:
            raise InputError(
                f"no mechanism for {missing}; expected one for each series of the graph. Add them."
            )
        for name in mechanisms:
            if name not in graph.variables:
                raise UnknownVariableError.among(name, graph.variables, where="the graph")
        bound = tuple(mechanisms[name] for name in graph.variables)
        for name, mechanism, (lags, _) in zip(graph.variables, bound, parents, strict=True):
            _check_slopes(name, mechanism, len(lags))
        return cls(graph.variables, parents, bound, order, graph.max_lag)

    def nodes_of(self, variable: int) -> tuple[Lagged, ...]:
        """Causes of a series, in the order of the columns that its mechanism sees."""
        lags, causes = self.parents[variable]
        return tuple(
            Lagged(self.variables[i], int(lag)) for lag, i in zip(lags, causes, strict=True)
        )

    def is_linear(self, variable: int) -> bool:
        """Whether a series is a linear function of its causes plus noise."""
        mechanism = self.mechanisms[variable]
        return isinstance(mechanism, Additive) and isinstance(mechanism.mean, Linear)

    def weights(self) -> FloatArray:
        """Slopes, `[lag, cause, effect]`: of the linear part where there is one, else zero."""
        p = len(self.variables)
        weights = np.zeros((self.max_lag + 1, p, p))
        for j, (lags, causes) in enumerate(self.parents):
            slopes = linear_part(self.mechanisms[j])
            if slopes is not None:
                weights[lags, causes, j] = slopes
        return weights

    def radius(self) -> float:
        """Largest root of the linear part in size; below one, it is stable."""
        return companion_radius(self.weights())


def layout(graph: LaggedGraph) -> tuple[tuple[tuple[IntArray, IntArray], ...], IntArray]:
    """Causes of each series, and the order within a step.

    Raises
    ------
    GraphError
        If the graph is no DAG.
    """
    if graph.kind is not Kind.DAG:
        raise GraphError(
            f"a model needs a DAG, and the graph is of kind {graph.kind.name}; expected arrows "
            "only. Orient its edges, or choose a member of its class."
        )
    found = [np.nonzero(graph.directed[:, :, j]) for j in range(len(graph.variables))]
    order = topological_order(graph.directed[0])
    if order is None:
        raise GraphError(
            "the edges within a step run in a circle; expected an acyclic graph. Move one of them "
            "to a lag."
        )
    parents = tuple((lags.astype(np.intp), causes.astype(np.intp)) for lags, causes in found)
    return parents, np.asarray(order, dtype=np.intp)


def companion_radius(weights: FloatArray) -> float:
    """Largest root in size of linear equations with slopes `[lag, cause, effect]`."""
    n_lags, p = len(weights) - 1, weights.shape[1]
    if n_lags == 0 or p == 0:
        return 0.0
    now = np.linalg.inv(np.eye(p) - weights[0].T)
    companion = np.zeros((p * n_lags, p * n_lags))
    for lag in range(1, n_lags + 1):
        companion[:p, (lag - 1) * p : lag * p] = now @ weights[lag].T
    companion[p:, :-p] = np.eye(p * (n_lags - 1))
    return float(np.abs(np.linalg.eigvals(companion)).max())


def linear_part(mechanism: Mechanism) -> FloatArray | None:
    """Slopes of the line that a mechanism has, alone or under something bounded; else None."""
    inner: Any = mechanism
    while hasattr(inner, "mechanism"):
        inner = inner.mechanism
    slopes = getattr(getattr(inner, "mean", None), "slopes", None)
    return None if slopes is None else np.asarray(slopes, dtype=np.float64)


def draw_noise(
    equations: Equations, n_steps: int, n_chains: int, rng: np.random.Generator
) -> list[Any]:
    """Noise of each series, shape (n_steps, n_chains, ...), each from its own stream."""
    found = []
    streams = rng.spawn(len(equations.variables))
    for mechanism, stream in zip(equations.mechanisms, streams, strict=True):
        noise = np.asarray(mechanism.draw(n_steps * n_chains, stream))
        found.append(noise.reshape(n_steps, n_chains, *noise.shape[1:]))
    return found


def run(
    equations: Equations,
    past: FloatArray,
    noise: list[Any],
    actions: Mapping[int, Windowed],
) -> FloatArray:
    """Run the equations.

    Parameters
    ----------
    equations : Equations
    past : ndarray of shape (max_lag, p, n_chains)
        Where the chains start.
    noise : list of ndarray of shape (n_steps, n_chains, ...)
    actions : mapping of position to Windowed

    Returns
    -------
    ndarray of shape (max_lag + n_steps, p, n_chains)

    Raises
    ------
    NumericalError
        If the values run away.
    """
    first, p, n_chains = past.shape
    values = np.empty((first + len(noise[0]), p, n_chains))
    values[:first] = past
    linear = all(equations.is_linear(j) for j in range(p))
    if linear and not any(isinstance(w.action, Policy) for w in actions.values()):
        _run_compiled(equations, values, noise, actions)
    else:
        _run_step_by_step(equations, values, noise, actions)
    with np.errstate(invalid="ignore"):
        fine = np.isfinite(values).all() and (np.abs(values).max(initial=0.0) < _RUNAWAY)
    if not fine:
        raise NumericalError(
            "the series ran away; expected a stable model. Its linear part has the radius "
            f"{equations.radius():.3g}: make its slopes smaller, or clip what is not linear."
        )
    return values


def _run_compiled(
    equations: Equations,
    values: FloatArray,
    noise: list[Any],
    actions: Mapping[int, Windowed],
) -> None:
    from causalkit.models.temporal._temporal_kernels import step_linear

    n_rows, p, n_chains = values.shape
    first = n_rows - len(noise[0])
    for j in range(p):
        values[first:, j] = noise[j]
    held, shifted = (np.zeros((n_rows, p), dtype=np.bool_) for _ in range(2))
    levels, amounts = (np.zeros((p, n_chains)) for _ in range(2))
    for j, window in actions.items():
        if isinstance(window.action, Hold):
            held[window.first : window.last, j] = True
            levels[j] = window.action.value
        elif isinstance(window.action, Shift):
            shifted[window.first : window.last, j] = True
            amounts[j] = window.action.amount
    means = [mechanism.mean for mechanism in equations.mechanisms]  # type: ignore[attr-defined]
    sizes = [len(lags) for lags, _ in equations.parents]
    step_linear(
        values,
        first,
        equations.order,
        np.concatenate([[0], np.cumsum(sizes)]).astype(np.intp),
        np.concatenate([lags for lags, _ in equations.parents]),
        np.concatenate([causes for _, causes in equations.parents]),
        np.concatenate([np.asarray(mean.slopes, dtype=np.float64) for mean in means]),
        np.array([mean.intercept for mean in means], dtype=np.float64),
        held,
        levels,
        shifted,
        amounts,
    )


def _run_step_by_step(
    equations: Equations,
    values: FloatArray,
    noise: list[Any],
    actions: Mapping[int, Windowed],
) -> None:
    first = len(values) - len(noise[0])
    order = order_with(equations, actions)
    for t in range(first, len(values)):
        for j in order:
            window = actions.get(j)
            if window is not None and window.acts(t) and isinstance(window.action, Hold):
                values[t, j] = window.action.value
                continue
            if window is not None and window.acts(t) and isinstance(window.action, Policy):
                seen = {
                    name: values[t, equations.variables.index(name)] for name in window.action.given
                }
                values[t, j] = window.action.rule(seen)
                continue
            lags, causes = equations.parents[j]
            now = equations.mechanisms[j].value(values[t - lags, causes].T, noise[j][t - first])
            if window is not None and window.acts(t) and isinstance(window.action, Shift):
                now = now + window.action.amount
            values[t, j] = now


def _check_slopes(name: Name, mechanism: Mechanism, n_causes: int) -> None:
    slopes = linear_part(mechanism)
    if slopes is not None and len(slopes) != n_causes:
        raise InputError(
            f"the mechanism of {name!r} has {len(slopes)} slopes, and the graph gives it "
            f"{n_causes} causes; expected one each, in the order of the graph's nodes: within the "
            "step first, then by lag."
        )
