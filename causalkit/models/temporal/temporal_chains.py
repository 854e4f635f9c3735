"""Chains of a model of series: where they start, when that is forgotten, how they are written down.

A chain needs the `max_lag` steps before its first one. Either these are given, and the chain goes
on from there, or it starts anywhere and is run until the start no longer matters: a deviation
shrinks by the largest root of the linear part at every step, so the slower a model forgets, the
longer it is burnt in.

>>> from causalkit.graph import LaggedGraph
>>> from causalkit.models.mechanisms.additive import Additive, Linear
>>> from causalkit.models.noise import Normal
>>> graph = LaggedGraph.parse("X[t-1] -> X[t]")
>>> slow = Equations.of(graph, {"X": Additive(Linear(np.array([0.99])), Normal())})
>>> steps_to_forget(slow)
458
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from causalkit._core.table import as_table
from causalkit.errors import InputError
from causalkit.models.temporal.temporal_sampling import Equations
from causalkit.typing import Data, FloatArray, Name

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["chains_frame", "read_past", "same_past", "steps_to_forget"]

_CHAIN: Final = "chain"
_LEAST_BURN_IN, _MOST_BURN_IN, _FORGOTTEN = 100, 1000, 0.01


def steps_to_forget(equations: Equations) -> int:
    """Steps after which 1% of a deviation is left, from 100 to 1,000."""
    radius = min(equations.radius(), 1 - 1e-6)
    needed = np.log(_FORGOTTEN) / np.log(radius) if radius > 0 else 0
    return int(np.clip(needed, _LEAST_BURN_IN, _MOST_BURN_IN))


def same_past(equations: Equations, values: FloatArray, n_chains: int) -> FloatArray:
    """Steps before the first one, in which each series keeps one value: (max_lag, p, n_chains)."""
    return np.broadcast_to(values[:, None], (equations.max_lag, len(values), n_chains))


def read_past(equations: Equations, start: Data, n_chains: int) -> FloatArray:
    """Steps before the first one as the user gives them, in all chains: (max_lag, p, n_chains).

    Raises
    ------
    InputError
        If they are not `max_lag` complete steps of all series.
    """
    lags, p = equations.max_lag, len(equations.variables)
    table = as_table(start)
    named = set(table.names) >= set(equations.variables)
    values = (table.select(equations.variables) if named else table).values
    if values.shape != (lags, p) or not np.isfinite(values).all():
        raise InputError(
            f"start has shape {values.shape}; expected ({lags}, {p}), the last {lags} steps of "
            "all series without a missing cell."
        )
    return np.broadcast_to(values[:, :, None], (lags, p, n_chains))


def chains_frame(values: FloatArray, variables: tuple[Name, ...]) -> pd.DataFrame:
    """Chains of shape (n_steps, p, n_chains), one below the other and numbered if several.

    Raises
    ------
    InputError
        If a series has the name of the column that numbers them.
    """
    import pandas as pd

    n_steps, p, n_chains = values.shape
    flat = values.transpose(2, 0, 1).reshape(-1, p)
    frame = pd.DataFrame(flat, columns=list(variables))
    if n_chains > 1:
        if _CHAIN in variables:
            raise InputError(
                f"a series is called {_CHAIN!r}, which is the column that tells chains apart; "
                "expected another name. Rename it, or draw one chain at a time."
            )
        frame.insert(0, _CHAIN, np.repeat(np.arange(n_chains), n_steps))
    return frame
