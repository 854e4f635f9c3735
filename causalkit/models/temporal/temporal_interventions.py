"""Interventions on series: over which rows they act, and what may decide from what.

Steps count from the first that is returned. An intervention without a start also acts before it,
while a chain is burnt in, so that what is returned is a world in which it always held. A policy
looks at series of the same step, which become causes: the order within the step is found anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from causalkit.errors import InputError, UnknownVariableError
from causalkit.graph._validity import topological_order
from causalkit.models.interventions import Hold, Intervention, Policy, Shift
from causalkit.typing import Name

if TYPE_CHECKING:
    from causalkit.models.temporal.temporal_sampling import Equations

__all__ = ["Windowed", "order_with", "read_interventions"]


@dataclass(frozen=True, slots=True, eq=False)
class Windowed:
    """An intervention, and the rows of the array of values in which it acts."""

    action: Hold | Shift | Policy
    first: int
    last: int

    def acts(self, step: int) -> bool:
        """Whether it acts in this row."""
        return self.first <= step < self.last


def read_interventions(
    do: Mapping[Name, Intervention] | None,
    equations: Equations,
    origin: int,
    n_rows: int,
    n_chains: int,
) -> dict[int, Windowed]:
    """Check interventions and lay them over the rows of the array of values.

    Parameters
    ----------
    do : mapping, optional
    equations : Equations
    origin : int
        Row that is step 0.
    n_rows, n_chains : int

    Raises
    ------
    InputError
        If a number is none, has another shape, a window is empty, or a policy looks ahead.
    """
    found = {}
    for name, what in (do or {}).items():
        if name not in equations.variables:
            raise UnknownVariableError.among(name, equations.variables, where="the model")
        action = what if isinstance(what, (Hold, Shift, Policy)) else Hold(_number(name, what))
        if not isinstance(action, Policy):
            _check_amount(name, action, n_chains)
        first = 0 if action.start is None else origin + action.start
        last = n_rows if action.stop is None else origin + action.stop
        if last <= first or last <= origin or first >= n_rows:
            raise InputError(
                f"the intervention on {name!r} acts from step {action.start} to {action.stop}, "
                f"which is none of the steps 0 to {n_rows - origin}; expected start < stop. Change "
                "the window."
            )
        found[equations.variables.index(name)] = Windowed(action, max(first, 0), last)
    _check_policies(found, equations)
    return found


def order_with(equations: Equations, actions: Mapping[int, Windowed]) -> list[int]:
    """Order within a step once policies have causes of their own."""
    if not any(isinstance(w.action, Policy) for w in actions.values()):
        return [int(j) for j in equations.order]
    p = len(equations.variables)
    edges = np.zeros((p, p), dtype=np.bool_)
    for j, (lags, causes) in enumerate(equations.parents):
        edges[causes[lags == 0], j] = True
    for j, window in actions.items():
        if isinstance(window.action, Policy):
            edges[[equations.variables.index(name) for name in window.action.given], j] = True
    order = topological_order(edges)
    if order is None:
        raise InputError(
            "a policy looks at a series that depends on it within the step; expected series that "
            "are causally before. Let it look at others."
        )
    return [int(j) for j in order]


def _check_policies(actions: Mapping[int, Windowed], equations: Equations) -> None:
    for window in actions.values():
        if isinstance(window.action, Policy):
            for name in window.action.given:
                if name not in equations.variables:
                    raise UnknownVariableError.among(
                        name, equations.variables, where="the model (given of a policy)"
                    )
    order_with(equations, actions)


def _number(name: Name, value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        raise InputError(
            f"the intervention on {name!r} is {value!r}; expected a number, Hold, Shift or Policy."
        ) from None


def _check_amount(name: Name, action: Hold | Shift, n_chains: int) -> None:
    amount = action.value if isinstance(action, Hold) else action.amount
    shape = np.shape(amount)
    if shape not in ((), (n_chains,)) or not np.isfinite(amount).all():
        raise InputError(
            f"the intervention on {name!r} has an amount of shape {shape}; expected one finite "
            f"number, or one for each of the {n_chains} chains."
        )
