"""Numbers that take few values, such as years of schooling: which value, decided by cut points.

Two mechanisms give numbers on a fixed, increasing list of values:

* `OnValues`: a mechanism of level codes (a table, an ordinal regression), read as the values;
* `CutAtLevels`: a mechanism of a number without gaps, and cut points on its scale. Rounding is the
  special case of cut points half-way between values. Cut points that are placed so that each value
  is drawn as often as it was seen keep what rounding loses: heaps at 12 and 16 years of school, or
  at ages that end in 0.

Neither is bijective: a value leaves open where between two cut points the noise was. `CutAtLevels`
draws that from its own noise between the two.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Final

import numpy as np

from causalkit.errors import InputError
from causalkit.models.mechanisms.base import Mechanism
from causalkit.typing import FloatArray, IntArray

__all__ = ["CutAtLevels", "OnValues", "matched_cuts"]

_POOL: Final = 20_000
"""Draws of noise that stand for its law."""


@dataclass(frozen=True, slots=True, eq=False)
class OnValues:
    """A mechanism of level codes 0, 1, 2, …, read as numbers.

    Attributes
    ----------
    mechanism : Mechanism
        Of level codes.
    values : ndarray of shape (K,)
        Number of each level, increasing.

    Examples
    --------
    >>> from causalkit.models.mechanisms.additive import Linear
    >>> from causalkit.models.mechanisms.heads import Ordinal
    >>> inner = Ordinal(Linear(np.array([1.0])), cuts=np.array([-1.0, 1.0]))
    >>> years = OnValues(inner, np.array([8.0, 12.0, 16.0]))
    >>> years.value(np.array([[0.0], [2.0]]), np.zeros(2))
    array([12., 16.])
    """

    mechanism: Mechanism
    values: FloatArray
    bijective: ClassVar[bool] = False

    def draw(self, n: int, rng: np.random.Generator) -> FloatArray:
        """Draw noise of n rows."""
        return self.mechanism.draw(n, rng)

    def value(self, causes: FloatArray, noise: FloatArray) -> FloatArray:
        """Numbers, shape (n,)."""
        codes = self.mechanism.value(causes, noise).astype(np.intp)
        return np.asarray(self.values[codes])

    def noise(self, causes: FloatArray, value: FloatArray, rng: np.random.Generator) -> FloatArray:
        """Draw noise that gives these numbers."""
        codes = _codes_of(value, self.values).astype(np.float64)
        return self.mechanism.noise(causes, codes, rng)

    def log_probability(self, causes: FloatArray, value: FloatArray) -> FloatArray:
        """Log probability of numbers of shape (n,), if the inner mechanism knows it."""
        inner: Any = self.mechanism
        codes = _codes_of(value, self.values).astype(np.float64)
        logs: FloatArray = inner.log_probability(causes, codes)
        return logs


@dataclass(frozen=True, slots=True, eq=False)
class CutAtLevels:
    """A number without gaps, cut into one that takes few values.

    Attributes
    ----------
    mechanism : Mechanism
        Bijective, its noise one number, its value increasing in it.
    cuts : ndarray of shape (K - 1,)
        Increasing, on the scale of the mechanism.
    values : ndarray of shape (K,)
        Increasing.

    Examples
    --------
    >>> from causalkit.models.mechanisms.additive import Additive, Linear
    >>> from causalkit.models.noise import Normal
    >>> inner = Additive(Linear(np.array([1.0])), Normal())
    >>> stars = CutAtLevels(inner, np.array([0.0, 0.5]), np.array([1.0, 2.0, 3.0]))
    >>> stars.value(np.zeros((3, 1)), np.array([-1.0, 0.2, 2.0]))
    array([1., 2., 3.])
    """

    mechanism: Mechanism
    cuts: FloatArray
    values: FloatArray
    bijective: ClassVar[bool] = False

    def draw(self, n: int, rng: np.random.Generator) -> FloatArray:
        """Draw noise of n rows."""
        return self.mechanism.draw(n, rng)

    def value(self, causes: FloatArray, noise: FloatArray) -> FloatArray:
        """Numbers, shape (n,)."""
        return self._cut(self.mechanism.value(causes, noise))

    def noise(self, causes: FloatArray, value: FloatArray, rng: np.random.Generator) -> FloatArray:
        """Draw noise that gives these numbers."""
        pool, low, high = self._ends(causes, value, rng)
        first, last = np.searchsorted(pool, low, "right"), np.searchsorted(pool, high, "right")
        place = first + (rng.random(len(value)) * (last - first)).astype(np.intp)
        found: FloatArray = pool[np.minimum(place, len(pool) - 1)]
        off = self.value(causes, found) != value
        if off.any():  # so far out that no draw lies there, or a rounding error at a cut
            width = np.maximum(float(np.ptp(pool)) / len(pool), 1e-9 * np.abs(found[off]))
            low, high = low[off], high[off]
            low = np.where(np.isinf(low), high - width, low)
            high = np.where(np.isinf(high), low + width, high)
            found[off] = (low + high) / 2
        return found

    def log_probability(
        self, causes: FloatArray, value: FloatArray, rng: np.random.Generator
    ) -> FloatArray:
        """Log probability of numbers of shape (n,), by many draws of the noise; it may be -inf."""
        pool, low, high = self._ends(causes, value, rng)
        inside = np.searchsorted(pool, high, "right") - np.searchsorted(pool, low, "right")
        with np.errstate(divide="ignore"):
            return np.asarray(np.log(inside / len(pool)))

    def _cut(self, latent: FloatArray) -> FloatArray:
        return np.asarray(self.values[np.searchsorted(self.cuts, latent)])

    def _ends(
        self, causes: FloatArray, value: FloatArray, rng: np.random.Generator
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Draws of noise in their order, and the two ends between which it gives each number."""
        codes = _codes_of(value, self.values)
        pool = np.sort(self.mechanism.draw(_POOL, rng))
        low, high = np.full(len(value), -np.inf), np.full(len(value), np.inf)
        above, below = codes > 0, codes < len(self.cuts)
        low[above] = self.mechanism.noise(causes[above], self.cuts[codes[above] - 1], rng)
        high[below] = self.mechanism.noise(causes[below], self.cuts[codes[below]], rng)
        return pool, low, high


def matched_cuts(latent: FloatArray, y: FloatArray, values: FloatArray) -> FloatArray:
    """Cut points at which draws of a number without gaps become the values as often as seen.

    Parameters
    ----------
    latent : ndarray of shape (m,)
        Draws.
    y : ndarray of shape (n,)
        What was seen, each one of the values.
    values : ndarray of shape (K,)
        Increasing.

    Returns
    -------
    ndarray of shape (K - 1,)
        Increasing.

    Examples
    --------
    >>> matched_cuts(np.arange(100.0), np.repeat([1.0, 2.0], [25, 75]), np.array([1.0, 2.0]))
    array([24.75])
    """
    shares = np.bincount(_codes_of(y, values), minlength=len(values)) / len(y)
    return np.asarray(np.quantile(latent, np.minimum(np.cumsum(shares)[:-1], 1.0)))


def _codes_of(value: FloatArray, values: FloatArray) -> IntArray:
    """Places of numbers among the values."""
    codes = np.clip(np.searchsorted(values, value), 0, len(values) - 1)
    strange = values[codes] != value
    if strange.any():
        raise InputError(
            f"{int(strange.sum())} number(s), such as {value[strange][0]:g}, are none of the "
            f"{len(values)} values from {values[0]:g} to {values[-1]:g} that were seen; expected "
            "these. Leave such rows out, or fit the model to data that have them."
        )
    return codes
