"""From minima that need not be graphs to one that is: a price on circles that rises, or a wall.

Both schedules repeat a minimisation, each time from the last minimum: :func:`augmented_lagrangian`
as in NOTEARS, :func:`barrier_path` as in DAGMA. What is minimised is the caller's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, TypeAlias

import numpy as np

from causalkit._core.checks import check_positive
from causalkit.discovery.continuous._l1_search import Minimum
from causalkit.errors import InputError
from causalkit.typing import FloatArray

__all__ = ["MuPath", "as_path", "augmented_lagrangian", "barrier_path"]

MuPath: TypeAlias = Sequence[tuple[float, float]]

_ACYCLIC: Final = 1e-8
"""What is taken for 0."""

_LARGEST_RHO: Final = 1e16


def augmented_lagrangian(
    search: Callable[[FloatArray, float, float], Minimum],
    circles: Callable[[FloatArray], float],
    start: FloatArray,
) -> tuple[FloatArray, bool]:
    """Minimise under h = 0.

    Parameters
    ----------
    search : callable
        From (x, rho, alpha) to the minimum, next to x, of the objective + rho/2 h² + alpha h.
    circles : callable
        h at x.
    start : ndarray of shape (n,)

    Returns
    -------
    x : ndarray of shape (n,)
    converged : bool
    """
    x, rho, alpha, violation = start, 1.0, 0.0, np.inf
    while True:
        while True:
            found = search(x, rho, alpha)
            there = circles(found.x)
            if there <= 0.25 * violation or rho >= _LARGEST_RHO:
                break
            rho *= 10.0
        x, violation = found.x, there
        alpha += rho * violation
        if violation <= _ACYCLIC or rho >= _LARGEST_RHO:
            return x, found.converged and violation <= _ACYCLIC


def barrier_path(
    search: Callable[[FloatArray, float, float], Minimum],
    inside: Callable[[FloatArray, float], bool],
    start: FloatArray,
    path: MuPath,
) -> tuple[FloatArray, bool]:
    """Minimise mu times the objective plus the log-determinant, for each (mu, s) in turn.

    Parameters
    ----------
    search : callable
        From (x, mu, s) to the minimum next to x.
    inside : callable
        Whether x lies in the domain of s.
    start : ndarray of shape (n,)
    path : sequence of (mu, s)

    Returns
    -------
    x : ndarray of shape (n,)
    converged : bool
    """
    x, converged = start, True
    for mu, bound in as_path(path):
        while not inside(x, bound):
            bound *= 1.1  # the last minimum must lie in the domain of this one
        found = search(x, mu, bound)
        x, converged = found.x, found.converged
    return x, converged


def as_path(path: MuPath) -> list[tuple[float, float]]:
    """Check pairs (mu, s)."""
    try:
        pairs = [(check_positive(mu, "mu"), check_positive(s, "s")) for mu, s in path]
    except (TypeError, ValueError) as error:
        raise InputError(
            f"path={path!r} ({error}); expected pairs (mu, s) of numbers above 0. Write e.g. "
            "path=[(1.0, 1.0), (0.1, 0.9)]."
        ) from None
    if not pairs:
        raise InputError("path is empty; expected at least one pair (mu, s). Leave it out.")
    return pairs
