"""What effect tasks are made of: surfaces with a wave and a product, and how steep they must be.

The knobs of :func:`effect_task` are exact because all its variables are made from independent
standard normal ones. The wave

    q(v) = (sin 2v - 2 exp(-2) v) / sd

has mean 0, variance 1, is odd, and has correlation zero with every linear function of jointly
normal variables: so the share of an index that is made of it is the share that no linear regression
finds. With an index that is symmetric about zero, half of the units are treated, and the area that
treated and untreated units have in common is an integral over two dimensions.

>>> v = np.random.default_rng(0).standard_normal(100_000)
>>> round(abs(float(np.corrcoef(v, wave(v))[0, 1])), 1), round(float(wave(v).std()), 2)
(0.0, 1.0)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from causalkit.typing import FloatArray

__all__ = ["Index", "Surface", "common_area", "steepness", "treated_mean", "wave"]

_SLOPE: Final = 2 * float(np.exp(-2.0))  # of the regression of sin 2v on v, by Stein's lemma
_SPREAD: Final = float(np.sqrt((1 - np.exp(-8.0)) / 2 - _SLOPE**2))
_GRID: Final = np.linspace(-8.0, 8.0, 161)
_DENSITY: Final = np.exp(-0.5 * _GRID**2) / np.exp(-0.5 * _GRID**2).sum()
_WEIGHTS: Final = np.tile(_DENSITY, 2) / 2  # of rows: heads and tails of the coin


def wave(v: FloatArray) -> FloatArray:
    """Odd function of a standard normal variable, uncorrelated with it, of variance one."""
    value: FloatArray = (np.sin(2 * v) - _SLOPE * v) / _SPREAD
    return value


@dataclass(frozen=True, slots=True, eq=False)
class Surface:
    """Slopes, a wave in one cause, and a product of two.

    Attributes
    ----------
    slopes : ndarray of shape (k,)
    intercept : float
    height : float
        Of the wave.
    waving : int
        Cause that the wave is in.
    interaction : float
        Of the product.
    first, second : int
        Causes that are multiplied.
    """

    slopes: FloatArray
    intercept: float = 0.0
    height: float = 0.0
    waving: int = 0
    interaction: float = 0.0
    first: int = 0
    second: int = 0

    def __call__(self, causes: FloatArray) -> FloatArray:
        """Value of rows of shape (n, k), shape (n,)."""
        value: FloatArray = causes @ self.slopes + self.intercept
        if self.height:
            value += self.height * wave(causes[:, self.waving])
        if self.interaction:
            value += self.interaction * causes[:, self.first] * causes[:, self.second]
        return value


@dataclass(frozen=True, slots=True)
class Index:
    """Distribution of an index: along·v + height·q(v) + across·z ± sign, all independent.

    Attributes
    ----------
    along : float
        Slope of the covariate v that the wave is in.
    height : float
        Of the wave.
    across : float
        Standard deviation of the normal rest.
    sign : float
        Height of a fair coin.
    """

    along: float
    height: float
    across: float
    sign: float = 0.0

    def values(self) -> FloatArray:
        """The index on the grid of v and z, heads and tails of the coin side by side."""
        ridge = self.along * _GRID + self.height * wave(_GRID)
        plane = ridge[:, None] + self.across * _GRID
        return np.concatenate([plane - self.sign, plane + self.sign])


def common_area(index: Index, steep: float) -> float:
    """Area under both the distribution of the causes of the treated and that of the untreated.

    Parameters
    ----------
    index : Index
    steep : float
        Log odds of treatment per unit of the index.

    Returns
    -------
    float
        E[2 min(e, 1 - e)] with propensity e, one minus the total variation distance; 1 in a
        randomised experiment, 0 where causes determine the treatment.
    """
    return _area(np.abs(index.values()), steep)


def steepness(index: Index, overlap: float) -> float:
    """How steep log odds of treatment are with this common area.

    Examples
    --------
    >>> index = Index(0.6, 0.0, 0.8)
    >>> round(common_area(index, steepness(index, 0.7)), 6)
    0.7
    """
    from scipy.optimize import brentq

    sizes, high = np.abs(index.values()), 1.0
    while _area(sizes, high) > overlap:
        high *= 2
    return float(brentq(lambda steep: _area(sizes, steep) - overlap, 0.0, high, xtol=1e-10))


def treated_mean(index: Index, steep: float, along: float, across: float) -> float:
    """Mean of along·v + across·z among the treated, of whom there are half.

    Parameters
    ----------
    index : Index
    steep : float
        Log odds of treatment per unit of the index.
    along, across : float

    Returns
    -------
    float

    Examples
    --------
    >>> round(treated_mean(Index(1.0, 0.0, 0.0), 1e6, 1.0, 0.0), 2)  # E[v | v > 0] = sqrt(2 / pi)
    0.8
    """
    propensity = 0.5 * (1.0 + np.tanh(0.5 * steep * index.values()))
    number = np.tile(along * _GRID[:, None] + across * _GRID, (2, 1))
    return float(2.0 * (_WEIGHTS @ (propensity * number) @ _DENSITY))


def _area(sizes: FloatArray, steep: float) -> float:
    """E[2 min(e, 1 - e)], where log odds are steep times an index of these absolute values."""
    odds = np.exp(-steep * sizes)
    return float(_WEIGHTS @ (2.0 * odds / (1.0 + odds)) @ _DENSITY)
