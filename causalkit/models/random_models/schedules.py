"""When mechanisms change: regimes that come and go, change points, and drift.

A schedule says for each step which regime it is in, or how far parameters have drifted. It knows
nothing of series: a model keeps the parameters of each regime.

>>> schedule = ChangePoints((0.5,))
>>> schedule.labels(6, np.random.default_rng(0))
array([0, 0, 0, 1, 1, 1])
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from causalkit._core.checks import check_count
from causalkit.errors import InputError
from causalkit.typing import FloatArray, IntArray

__all__ = ["ChangePoints", "Drift", "MarkovRegimes", "Regimes", "random_drift"]


class Regimes(Protocol):
    """Which regime each step is in."""

    @property
    def n_regimes(self) -> int:
        """How many regimes there are."""

    def labels(self, n_steps: int, rng: np.random.Generator, *, before: int = 0) -> IntArray:
        """Regime of each step, and of some `before` the first, shape (before + n_steps,)."""


@dataclass(frozen=True, slots=True)
class ChangePoints:
    """Regimes that follow one another, each at its time.

    Attributes
    ----------
    times : tuple of float
        Where the next regime begins, as fractions of the steps drawn; rising, between 0 and 1.
    """

    times: tuple[float, ...]

    def __post_init__(self) -> None:
        rising = all(a < b for a, b in zip((0.0, *self.times), (*self.times, 1.0), strict=True))
        if not rising:
            raise InputError(
                f"times={self.times!r}; expected rising fractions strictly between 0 and 1."
            )

    @property
    def n_regimes(self) -> int:
        """One more than there are times."""
        return len(self.times) + 1

    def labels(
        self,
        n_steps: int,
        rng: np.random.Generator,  # noqa: ARG002
        *,
        before: int = 0,
    ) -> IntArray:
        """Regime of each step, and of some `before` the first, shape (before + n_steps,)."""
        starts = np.ceil(np.asarray(self.times) * n_steps)
        steps = np.arange(-before, n_steps)
        return np.searchsorted(starts, steps, side="right").astype(np.intp)


@dataclass(frozen=True, slots=True, eq=False)
class MarkovRegimes:
    """Regimes that switch at random.

    Attributes
    ----------
    transitions : ndarray of shape (r, r)
        `[a, b]`: chance that b follows a; rows sum to one.

    Examples
    --------
    >>> MarkovRegimes.lasting(2, 50).transitions
    array([[0.98, 0.02],
           [0.02, 0.98]])
    """

    transitions: FloatArray

    def __post_init__(self) -> None:
        matrix = self.transitions
        square = matrix.ndim == 2 and matrix.shape[0] == matrix.shape[1] > 0
        if not square or (matrix < 0).any() or not np.allclose(matrix.sum(axis=1), 1):
            raise InputError(
                f"transitions of shape {matrix.shape} is no table of chances; expected a square "
                "matrix, no entry negative, of which each row sums to one."
            )

    @classmethod
    def lasting(cls, n_regimes: int, n_steps: float) -> MarkovRegimes:
        """Regimes that last `n_steps` steps in the mean, the next one being any of the others.

        Raises
        ------
        InputError
            If there are fewer than two regimes, or they last less than a step.
        """
        n_regimes = check_count(n_regimes, "n_regimes", minimum=2)
        if not n_steps >= 1:
            raise InputError(f"n_steps={n_steps!r}; expected how long a regime lasts, at least 1.")
        leave = 1.0 / n_steps
        matrix = np.full((n_regimes, n_regimes), leave / (n_regimes - 1))
        np.fill_diagonal(matrix, 1.0 - leave)
        return cls(matrix)

    @property
    def n_regimes(self) -> int:
        """How many regimes there are."""
        return len(self.transitions)

    @property
    def shares(self) -> FloatArray:
        """Share of steps in each regime, in the long run (of a chain that comes everywhere)."""
        r = self.n_regimes
        equations = np.vstack([self.transitions.T - np.eye(r), np.ones(r)])
        shares: FloatArray = np.linalg.lstsq(equations, np.eye(r + 1)[r], rcond=None)[0]
        shares = np.clip(shares, 0.0, None)
        shares /= shares.sum()
        return shares

    def labels(self, n_steps: int, rng: np.random.Generator, *, before: int = 0) -> IntArray:
        """Regime of each step, and of some `before` the first, shape (before + n_steps,)."""
        upper = np.cumsum(self.transitions, axis=1)
        upper[:, -1] = 1.0
        draws = rng.random(before + n_steps)
        labels = np.zeros(len(draws), dtype=np.intp)
        labels[0] = rng.choice(self.n_regimes, p=self.shares)
        for t in range(1, len(draws)):
            labels[t] = np.searchsorted(upper[labels[t - 1]], draws[t], side="right")
        return labels


@dataclass(frozen=True, slots=True, eq=False)
class Drift:
    """Parameters of some series that change smoothly, each by a curve λ(u) of its own.

    u runs from 0 to 1 over the steps drawn. Weights of the links into series j are multiplied by
    1 + depth · λ_j(u), and level · λ_j(u) is added to the series.

    Attributes
    ----------
    frequencies : ndarray of shape (k,)
        Periods of each wave from u = 0 to 1.
    sines, cosines : ndarray of shape (p, k)
        Heights of the waves; zero for series that do not change.
    depth, level : float
    """

    frequencies: FloatArray
    sines: FloatArray
    cosines: FloatArray
    depth: float = 0.8
    level: float = 0.0

    def curves(self, times: FloatArray) -> FloatArray:
        """λ of each series at times u, shape (n, p)."""
        angles = 2 * np.pi * np.multiply.outer(times, self.frequencies)
        curves: FloatArray = np.sin(angles) @ self.sines.T + np.cos(angles) @ self.cosines.T
        return curves


def random_drift(
    changes: list[bool],
    *,
    periods: float,
    depth: float,
    level: float,
    rng: np.random.Generator,
) -> Drift:
    """Draw smooth curves between -1 and 1 for the series that change.

    Parameters
    ----------
    changes : list of bool
        Which series do.
    periods : float
        Periods of the quickest wave: 1 is slow.
    depth, level : float
    rng : Generator
    """
    frequencies = np.arange(0.5, max(periods, 0.5) + 0.25, 0.5)
    shape = (len(changes), len(frequencies))
    drift = Drift(frequencies, rng.normal(size=shape), rng.normal(size=shape), depth, level)
    height = np.abs(drift.sines) + np.abs(drift.cosines)
    sure = height.sum(axis=1, keepdims=True)  # no λ is ever larger
    curves = np.abs(drift.curves(np.linspace(0, 1, 2001))).max(axis=0)[:, None]
    scale = np.where(changes, 1.0, 0.0)[:, None] / np.minimum(sure, 1.001 * curves)
    return Drift(frequencies, drift.sines * scale, drift.cosines * scale, depth, level)
