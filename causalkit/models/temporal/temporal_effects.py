"""Effects over time of a model that is known: by algebra, or by pairs of runs with common noise.

Where the mechanisms between cause and effect are linear, a change of the cause spreads as
deterministic equations say, whatever the state and the noise: run them once from a change of one
unit. Where one is not, what a change does depends on where it falls; many chains run in their own
course, in each the cause is set to the one value and to the other, with all else the same, and the
differences are averaged. Their spread over chains is the error of the average.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from causalkit.errors import InputError, NumericalError
from causalkit.graph._validity import closure
from causalkit.models.interventions import Hold
from causalkit.models.temporal.temporal_chains import same_past, steps_to_forget
from causalkit.models.temporal.temporal_interventions import read_interventions
from causalkit.models.temporal.temporal_sampling import Equations, draw_noise, run
from causalkit.models.truth import Truth, mean_truth
from causalkit.typing import FloatArray, IntArray, Name

if TYPE_CHECKING:
    from causalkit.models.temporal.temporal_model import TemporalCausalModel

__all__ = ["impulse_matrices", "series_effect"]


def impulse_matrices(equations: Equations, horizon: int) -> FloatArray:
    """What one unit more of the noise of i adds to j after 0, …, `horizon` steps.

    Returns
    -------
    ndarray of shape (horizon + 1, p, p)
        `[steps, cause, effect]`.

    Raises
    ------
    NumericalError
        If a mechanism is not linear.
    """
    p = len(equations.variables)
    bent = [equations.variables[j] for j in range(p) if not equations.is_linear(j)]
    if bent:
        raise NumericalError(
            f"the mechanisms of {bent[:5]} are not linear, so a response depends on where it "
            "starts; expected linear ones. Use effect(), which averages over states."
        )
    weights = equations.weights()
    now = np.linalg.inv(np.eye(p) - weights[0])
    found = np.zeros((horizon + 1, p, p))
    found[0] = now
    for step in range(1, horizon + 1):
        for lag in range(1, min(step, equations.max_lag) + 1):
            found[step] += found[step - lag] @ weights[lag] @ now
    return found


def series_effect(
    model: TemporalCausalModel,
    x: Name,
    y: Name,
    *,
    horizon: int,
    contrast: tuple[float, float],
    sustained: bool,
    n_chains: int,
    rng: np.random.Generator,
) -> Truth:
    """Answer `TemporalCausalModel.effect`."""
    equations = model.equations_
    cause, effect = model.graph_.index(x), model.graph_.index(y)
    low, high = (float(value) for value in contrast)
    if not np.isfinite([low, high]).all():
        raise InputError(f"contrast={contrast}; expected two finite numbers: from, to.")
    held = "held" if sustained else "set for one step"
    question = f"{x} {held}, {low:g} to {high:g}: change of {y} after {horizon} steps"
    if all(equations.is_linear(j) for j in _between(equations, cause, effect, sustained)):
        slope = _spread(equations, cause, effect, horizon, sustained)
        return Truth((high - low) * slope, question=question)
    burn_in = steps_to_forget(equations)
    noise = draw_noise(equations, burn_in + horizon + 1, n_chains, rng)
    past = same_past(equations, model.start_, n_chains)
    origin, stop = len(past) + burn_in, None if sustained else 1

    def final(value: float) -> FloatArray:
        action = {x: Hold(value, start=0, stop=stop)}
        n_rows = origin + horizon + 1
        actions = read_interventions(action, equations, origin, n_rows, n_chains)
        reached: FloatArray = run(equations, past, noise, actions)[-1, effect]
        return reached

    return mean_truth(final(high) - final(low), question)


def _between(equations: Equations, cause: int, effect: int, sustained: bool) -> IntArray:
    """Series whose mechanisms carry a change of the cause to the effect, at whatever lag.

    The cause is one of them where what it does comes back to it and it is not held.
    """
    p = len(equations.variables)
    step = np.zeros((p, p), dtype=np.bool_)
    for j, (_, causes) in enumerate(equations.parents):
        step[causes, j] = True
    if sustained:
        step[:, cause] = False
    below = closure(step, [int(j) for j in np.flatnonzero(step[cause])])
    return np.flatnonzero(below & closure(step.T, [effect]))


def _spread(equations: Equations, cause: int, effect: int, horizon: int, sustained: bool) -> float:
    """Change of the effect after `horizon` steps, for a change of the cause by one."""
    p, lags = len(equations.variables), equations.max_lag
    weights = equations.weights()
    change = np.zeros((lags + horizon + 1, p))
    for t in range(lags, len(change)):
        for j in equations.order:
            if j == cause and (t == lags or sustained):
                change[t, j] = 1.0
                continue
            back, causes = equations.parents[j]
            change[t, j] = change[t - back, causes] @ weights[back, causes, j]
    return float(change[-1, effect])
