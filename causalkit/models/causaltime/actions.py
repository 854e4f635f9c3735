"""Interventions on series that networks draw, and on their residual series.

What is done acts on numbers in the units of the data, right after a step has been drawn: first on
the series, then, once the residuals have followed from these, on the residuals. Holding all
residuals at zero leaves series of which the hypothesised graph is exact by itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from causalkit.errors import InputError
from causalkit.graph import LaggedGraph
from causalkit.graph._validity import topological_order
from causalkit.models.interventions import Hold, Intervention, Policy
from causalkit.models.temporal.temporal_sampling import (
    Equations,
    Windowed,
    layout,
    read_interventions,
)
from causalkit.typing import FloatArray, IntArray, Name

__all__ = ["Actions", "read_actions"]


@dataclass(frozen=True, slots=True, eq=False)
class Actions:
    """What is done to 2p variables: p series, then their residuals.

    Attributes
    ----------
    variables : tuple of 2p names
    windows : mapping of position to Windowed
        By the steps that are drawn, the first of the burn-in being 0.
    order : ndarray of int
        Those of the variables that something is done to, what policies look at first.
    """

    variables: tuple[Name, ...]
    windows: Mapping[int, Windowed]
    order: IntArray

    def act(self, step: int, values: FloatArray, *, residuals: bool) -> bool:
        """Do to the values of one step, shape (n_chains, 2p), what is to be done, in place.

        Returns
        -------
        bool
            Whether anything was done.
        """
        p, done = len(self.variables) // 2, False
        for j in self.order.tolist():
            window = self.windows[j]
            if (j >= p) is not residuals or not window.acts(step):
                continue
            values[:, j] = self._value(window, values, j)
            done = True
        return done

    def _value(self, window: Windowed, values: FloatArray, j: int) -> FloatArray:
        action = window.action
        if isinstance(action, Hold):
            return np.broadcast_to(np.asarray(action.value, dtype=np.float64), (len(values),))
        if not isinstance(action, Policy):
            moved: FloatArray = values[:, j] + action.amount
            return moved
        seen = {name: values[:, self.variables.index(name)].copy() for name in action.given}
        decided = np.asarray(action.rule(seen), dtype=np.float64)
        if decided.shape not in ((), (len(values),)) or not np.isfinite(decided).all():
            raise InputError(
                f"a policy returned shape {decided.shape} for {len(values)} chains, or numbers "
                "that are not finite; expected one number for each chain."
            )
        return np.broadcast_to(decided, (len(values),))


def read_actions(
    do: Mapping[Name, Intervention] | None,
    graph: LaggedGraph,
    *,
    burn_in: int,
    n_steps: int,
    n_chains: int,
) -> Actions:
    """Check interventions on the variables of a graph of series and residuals.

    Raises
    ------
    InputError
        If there is no such variable, a number is none or of another shape, a window is empty, or a
        policy looks at what depends on it within the step.
    """
    parents, order = layout(graph)
    equations = Equations(graph.variables, parents, (), order, graph.max_lag)
    windows = read_interventions(do, equations, burn_in, burn_in + n_steps, n_chains)
    looked_at = np.zeros((len(order), len(order)), dtype=np.bool_)
    for j, window in windows.items():
        if isinstance(window.action, Policy):
            looked_at[[graph.variables.index(name) for name in window.action.given], j] = True
    found = topological_order(looked_at)
    if found is None:
        raise InputError("policies look at each other in a circle; expected an order. Break it.")
    acted = [j for j in found if j in windows]
    return Actions(graph.variables, windows, np.array(acted, dtype=np.intp))
