"""Functions drawn at random, as frozen values: smooth ones, networks, and levels as numbers.

A random model needs functions that are nonlinear, that all causes are felt in, and that are plain
arrays, so that a model can be stored and read back:

* :class:`RandomFeatures` is, with many features, a draw from a Gaussian process with a normal
  (squared exponential) kernel;
* :class:`RandomNetwork` is a network with one hidden layer of tanh units;
* :class:`Stretched` is another function times a number plus a number, which is all that bringing it
  to standard units takes;
* :class:`Coded` turns the codes of discrete causes into a number for each level first, so that no
  order of levels is taken for granted.

>>> f = random_function("gaussian-process", 2, rng=np.random.default_rng(0))
>>> f(np.zeros((3, 2))).shape
(3,)

References
----------
Rahimi and Recht (2007), "Random features for large-scale kernel machines", NeurIPS.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from causalkit.models.mechanisms.additive import Linear
from causalkit.models.mechanisms.base import Function
from causalkit.typing import FloatArray, IntArray

__all__ = [
    "Coded",
    "RandomFeatures",
    "RandomNetwork",
    "Stretched",
    "felt_shares",
    "random_function",
    "stretched",
]

_FEATURES: Final = 50
_UNITS: Final = 32
_BLOCK: Final = 4096  # rows at once: the features of a block stay in the cache

Family = Literal["linear", "gaussian-process", "mlp"]


@dataclass(frozen=True, slots=True, eq=False)
class RandomFeatures:
    """Waves in random directions: Σ heights · cos(causes @ frequencies + phases).

    Attributes
    ----------
    frequencies : ndarray of shape (k, d)
    phases, heights : ndarray of shape (d,)
    """

    frequencies: FloatArray
    phases: FloatArray
    heights: FloatArray

    def __call__(self, causes: FloatArray) -> FloatArray:
        """Value of rows of shape (n, k), shape (n,)."""
        return _summed(np.cos, causes, self.frequencies, self.phases, self.heights)


@dataclass(frozen=True, slots=True, eq=False)
class RandomNetwork:
    """One hidden layer: Σ heights · tanh(causes @ weights + biases).

    Attributes
    ----------
    weights : ndarray of shape (k, d)
    biases, heights : ndarray of shape (d,)
    """

    weights: FloatArray
    biases: FloatArray
    heights: FloatArray

    def __call__(self, causes: FloatArray) -> FloatArray:
        """Value of rows of shape (n, k), shape (n,)."""
        return _summed(np.tanh, causes, self.weights, self.biases, self.heights)


@dataclass(frozen=True, slots=True, eq=False)
class Stretched:
    """scale · function(causes) + shift.

    Attributes
    ----------
    function : Function
    scale, shift : float
    """

    function: Function
    scale: float = 1.0
    shift: float = 0.0

    def __call__(self, causes: FloatArray) -> FloatArray:
        """Value of rows of shape (n, k), shape (n,)."""
        return self.scale * self.function(causes) + self.shift


@dataclass(frozen=True, slots=True, eq=False)
class Coded:
    """A function of causes of which some are discrete: level l of cause j enters as scores[j, l].

    Attributes
    ----------
    function : Function
    scores : ndarray of shape (k, max_levels)
        Rows of causes that are not discrete are not read.
    n_levels : ndarray of shape (k,)
        Levels of a discrete cause, which are 0, 1, …; 0 for one that is not discrete.
    """

    function: Function
    scores: FloatArray
    n_levels: IntArray

    def __call__(self, causes: FloatArray) -> FloatArray:
        """Value of rows of shape (n, k), shape (n,); straight lines between levels."""
        numbers = np.array(causes, dtype=np.float64)
        for j in np.flatnonzero(self.n_levels):
            n = self.n_levels[j]
            numbers[:, j] = np.interp(causes[:, j], np.arange(n), self.scores[j, :n])
        return self.function(numbers)


def _summed(
    bend: np.ufunc, causes: FloatArray, weights: FloatArray, shifts: FloatArray, heights: FloatArray
) -> FloatArray:
    """Σ heights · bend(causes @ weights + shifts), some rows at a time."""
    value = np.empty(len(causes))
    for start in range(0, len(causes), _BLOCK):
        rows = slice(start, start + _BLOCK)
        units = causes[rows] @ weights
        units += shifts
        value[rows] = bend(units, out=units) @ heights
    return value


def stretched(function: Function, scale: float, shift: float) -> Function:
    """Return scale · function + shift, of the same class where that can be.

    Parameters
    ----------
    function : Function
    scale, shift : float

    Returns
    -------
    Function
        A `Linear` of a `Linear`, else a `Stretched`.

    Examples
    --------
    >>> stretched(Linear(np.array([2.0]), 1.0), 3.0, 1.0)(np.array([[1.0]]))
    array([10.])
    """
    if isinstance(function, Linear):
        return Linear(scale * function.slopes, scale * function.intercept + shift)
    if isinstance(function, Stretched):
        return Stretched(function.function, scale * function.scale, scale * function.shift + shift)
    return Stretched(function, scale, shift)


def random_function(
    family: Family,
    n_causes: int,
    *,
    rng: np.random.Generator,
    weights: tuple[float, float] = (0.5, 2.0),
) -> Function:
    """Draw a function of causes in standard units.

    Parameters
    ----------
    family : {"linear", "gaussian-process", "mlp"}
        Slopes of random sign; or a Gaussian process with a normal kernel, of variance one and of
        length scale √k; or a network.
    n_causes : int
        k. Without causes, the function is zero.
    rng : Generator
    weights : tuple of float
        Smallest and largest absolute slope of a linear function.

    Returns
    -------
    Function
    """
    if n_causes == 0:
        return Linear(np.zeros(0))
    if family == "linear":
        signs = rng.choice((-1.0, 1.0), size=n_causes)
        return Linear(signs * rng.uniform(*weights, size=n_causes))
    if family == "gaussian-process":
        return RandomFeatures(
            rng.standard_normal((n_causes, _FEATURES)) / np.sqrt(n_causes),
            rng.uniform(0.0, 2 * np.pi, _FEATURES),
            rng.standard_normal(_FEATURES) * np.sqrt(2 / _FEATURES),
        )
    return RandomNetwork(
        2.0 * rng.standard_normal((n_causes, _UNITS)) / np.sqrt(n_causes),
        rng.standard_normal(_UNITS),
        rng.standard_normal(_UNITS) / np.sqrt(_UNITS),
    )


def felt_shares(function: Function, causes: FloatArray) -> FloatArray:
    """Share of the variance of a function that each cause takes part in (total Sobol index).

    Parameters
    ----------
    function : Function
    causes : ndarray of shape (n, k)
        Independent rows. A cause is replaced by that of the row before.

    Returns
    -------
    ndarray of shape (k,)
        Half the mean squared change, over the variance; zero for a function that is constant.

    References
    ----------
    Jansen (1999), "Analysis of variance designs for model output",
    doi:10.1016/S0010-4655(98)00154-4.

    Examples
    --------
    >>> causes = np.random.default_rng(0).standard_normal((5000, 2))
    >>> felt_shares(Linear(np.array([3.0, 0.0])), causes).round(1)
    array([1., 0.])
    """
    value = function(causes)
    spread = value.var()
    shares = np.zeros(causes.shape[1])
    for j in range(causes.shape[1] if spread > 0 else 0):
        other = causes.copy()
        other[:, j] = np.roll(causes[:, j], 1)
        shares[j] = 0.5 * np.mean((function(other) - value) ** 2) / spread
    return shares
