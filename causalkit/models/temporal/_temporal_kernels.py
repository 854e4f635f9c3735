"""Steps of linear equations, for all chains at once."""

from __future__ import annotations

from causalkit._core.jit import kernel
from causalkit.typing import BoolArray, FloatArray, IntArray

__all__ = ["step_linear"]


@kernel
def step_linear(
    values: FloatArray,
    first: int,
    order: IntArray,
    starts: IntArray,
    lags: IntArray,
    causes: IntArray,
    weights: FloatArray,
    intercepts: FloatArray,
    held: BoolArray,
    levels: FloatArray,
    shifted: BoolArray,
    amounts: FloatArray,
) -> None:
    """Run the steps from `first` on, in place.

    Parameters
    ----------
    values : ndarray of shape (n_steps, p, n_chains)
        Noise, from `first` on; before, the values that chains start from.
    first : int
    order : ndarray of shape (p,)
        Causes before effects within a step.
    starts : ndarray of shape (p + 1,)
        The causes of j are the entries `starts[j]` to `starts[j + 1]` of the next three.
    lags, causes, weights : ndarray
    intercepts : ndarray of shape (p,)
    held, shifted : ndarray of shape (n_steps, p)
    levels, amounts : ndarray of shape (p, n_chains)
        What is held, and what is added.
    """
    n_steps, p, n_chains = values.shape
    for t in range(first, n_steps):
        for place in range(p):
            j = order[place]
            row = values[t, j]
            if held[t, j]:
                for c in range(n_chains):
                    row[c] = levels[j, c]
                continue
            for c in range(n_chains):
                row[c] += intercepts[j]
            for m in range(starts[j], starts[j + 1]):
                cause, weight = values[t - lags[m], causes[m]], weights[m]
                for c in range(n_chains):
                    row[c] += weight * cause[c]
            if shifted[t, j]:
                for c in range(n_chains):
                    row[c] += amounts[j, c]
