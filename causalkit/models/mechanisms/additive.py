"""Mechanisms that add noise: to a function of the causes, or to one with a scale of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from causalkit.models.mechanisms.base import Function, Noise
from causalkit.typing import FloatArray

__all__ = ["Additive", "Linear", "LocationScale"]


@dataclass(frozen=True, slots=True, eq=False)
class Linear:
    """An intercept, and a slope for each cause.

    Attributes
    ----------
    slopes : ndarray of shape (k,)
    intercept : float

    Examples
    --------
    >>> Linear(np.array([2.0]), intercept=1.0)(np.array([[3.0]]))
    array([7.])
    """

    slopes: FloatArray
    intercept: float = 0.0

    def __call__(self, causes: FloatArray) -> FloatArray:
        """Value of rows of shape (n, k), shape (n,)."""
        value: FloatArray = causes @ self.slopes + self.intercept
        return value


@dataclass(frozen=True, slots=True, eq=False)
class Additive:
    """y = mean(causes) + noise.

    Attributes
    ----------
    mean : Function
    noise_model : Noise
    """

    mean: Function
    noise_model: Noise
    bijective: ClassVar[bool] = True

    def draw(self, n: int, rng: np.random.Generator) -> FloatArray:
        """Draw noise, shape (n,)."""
        return self.noise_model.draw(n, rng)

    def value(self, causes: FloatArray, noise: FloatArray) -> FloatArray:
        """Add noise to the mean."""
        return self.mean(causes) + noise

    def noise(
        self,
        causes: FloatArray,
        value: FloatArray,
        rng: np.random.Generator,  # noqa: ARG002
    ) -> FloatArray:
        """Subtract the mean."""
        return value - self.mean(causes)


@dataclass(frozen=True, slots=True, eq=False)
class LocationScale:
    """y = mean(causes) + exp(log_scale(causes)) · noise.

    Attributes
    ----------
    mean, log_scale : Function
    noise_model : Noise
    """

    mean: Function
    log_scale: Function
    noise_model: Noise
    bijective: ClassVar[bool] = True

    def draw(self, n: int, rng: np.random.Generator) -> FloatArray:
        """Draw noise, shape (n,)."""
        return self.noise_model.draw(n, rng)

    def value(self, causes: FloatArray, noise: FloatArray) -> FloatArray:
        """Scale the noise and add it to the mean."""
        return self.mean(causes) + np.exp(self.log_scale(causes)) * noise

    def noise(
        self,
        causes: FloatArray,
        value: FloatArray,
        rng: np.random.Generator,  # noqa: ARG002
    ) -> FloatArray:
        """Subtract the mean and divide by the scale."""
        return (value - self.mean(causes)) / np.exp(self.log_scale(causes))
