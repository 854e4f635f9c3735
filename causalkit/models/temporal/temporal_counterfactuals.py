"""What recorded series would have been under an intervention: the same noise, run again.

Abduction, action, prediction, step by step. A mechanism says which noise gave the value that was
recorded, given its causes as they were recorded; the equations are then run again from the same
past with this noise and the intervention. Where nothing is done, the recorded series come back:

>>> from causalkit._core.series import as_series
>>> from causalkit.graph import LaggedGraph
>>> from causalkit.models.mechanisms.additive import Additive, Linear
>>> from causalkit.models.noise import Normal
>>> graph = LaggedGraph.parse("X[t-1] -> X[t]")
>>> equations = Equations.of(graph, {"X": Additive(Linear(np.array([0.5])), Normal())})
>>> series = as_series({"X": [1.0, 2.0, 3.0]})
>>> rng = np.random.default_rng(0)
>>> rerun(equations, series, {}, rng).ravel(), rerun(equations, series, {"X": 0.0}, rng).ravel()
(array([1., 2., 3.]), array([1., 0., 0.]))
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from causalkit._core.series import Series
from causalkit.errors import InputError
from causalkit.models.interventions import Intervention
from causalkit.models.temporal.temporal_interventions import read_interventions
from causalkit.models.temporal.temporal_sampling import Equations, run
from causalkit.typing import FloatArray, Name

__all__ = ["rerun"]


def rerun(
    equations: Equations,
    recorded: Series,
    do: Mapping[Name, Intervention],
    rng: np.random.Generator,
) -> FloatArray:
    """Run recorded series again under an intervention.

    Parameters
    ----------
    equations : Equations
    recorded : Series
        Of the variables of the equations, in their order: unbroken and complete.
    do : mapping of name to number, Hold, Shift or Policy
    rng : Generator
        Used where a mechanism leaves several values of the noise possible.

    Returns
    -------
    ndarray of shape (n_steps, p, 1)

    Raises
    ------
    InputError
        If the series is broken, too short or has missing cells.
    """
    values, lags = recorded.table.values, equations.max_lag
    if np.isnan(values).any() or not recorded.follows[1:].all() or len(values) <= lags:
        raise InputError(
            f"the series has {len(values)} rows, {int(np.isnan(values).any(axis=1).sum())} of "
            f"them with a missing cell; expected more than max_lag={lags} rows, unbroken and "
            "complete. Pass the longest complete stretch."
        )
    actions = read_interventions(do, equations, 0, len(values), 1)
    noise = []
    streams = rng.spawn(len(equations.variables))
    rows = np.arange(lags, len(values))
    for j, (back, causes) in enumerate(equations.parents):
        seen = values[rows[:, None] - back, causes]
        drawn = equations.mechanisms[j].noise(seen, values[rows, j], streams[j])
        noise.append(np.asarray(drawn)[:, None])
    return run(equations, values[:lags, :, None], noise, actions)
