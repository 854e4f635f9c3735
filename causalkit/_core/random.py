"""Random streams. Each parallel job gets its own, spawned before dispatch.

That is why `n_jobs` never changes a number: the streams belong to the jobs, not to the workers.
"""

from __future__ import annotations

import numpy as np

from causalkit.errors import InputError
from causalkit.typing import RandomState

__all__ = ["as_generator", "draw_seed"]


def as_generator(random_state: RandomState) -> np.random.Generator:
    """Return a generator: the one given, or a new one from a seed (None: from the system)."""
    if isinstance(random_state, np.random.Generator):
        return random_state
    if isinstance(random_state, np.random.RandomState):
        return np.random.default_rng(random_state.randint(2**31))
    try:
        return np.random.default_rng(random_state)
    except (TypeError, ValueError):
        raise InputError(
            f"random_state={random_state!r}; expected a non-negative integer, a "
            "numpy.random.Generator, or None."
        ) from None


def draw_seed(rng: np.random.Generator) -> int:
    """Draw a seed for a library that wants an integer."""
    return int(rng.integers(2**31))
