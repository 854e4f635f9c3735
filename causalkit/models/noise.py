"""Noise that mechanisms add: by a formula, or as residuals were.

All of it has mean zero, so that the mean of a mechanism is its mean.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from causalkit.typing import FloatArray

__all__ = ["Empirical", "Laplace", "Mixture", "Normal", "Smoothed", "Student", "Uniform"]


@dataclass(frozen=True, slots=True)
class Normal:
    """Normal, mean zero."""

    scale: float = 1.0

    def draw(self, n: int, rng: np.random.Generator) -> FloatArray:
        """Draw n values."""
        return self.scale * rng.standard_normal(n)

    @property
    def variance(self) -> float:
        """Square of the scale."""
        return self.scale**2


@dataclass(frozen=True, slots=True)
class Laplace:
    """Laplace, mean zero; `scale` is its standard deviation."""

    scale: float = 1.0

    def draw(self, n: int, rng: np.random.Generator) -> FloatArray:
        """Draw n values."""
        return rng.laplace(scale=self.scale / np.sqrt(2), size=n)

    @property
    def variance(self) -> float:
        """Square of the scale."""
        return self.scale**2


@dataclass(frozen=True, slots=True)
class Uniform:
    """Uniform, mean zero; `scale` is its standard deviation."""

    scale: float = 1.0

    def draw(self, n: int, rng: np.random.Generator) -> FloatArray:
        """Draw n values."""
        edge = self.scale * np.sqrt(3)
        return rng.uniform(-edge, edge, size=n)

    @property
    def variance(self) -> float:
        """Square of the scale."""
        return self.scale**2


@dataclass(frozen=True, slots=True)
class Student:
    """Student's t with heavy tails, mean zero.

    Attributes
    ----------
    df : float
        Degrees of freedom, above 1.
    scale : float
        What a standard t is multiplied by.
    """

    df: float = 5.0
    scale: float = 1.0

    def draw(self, n: int, rng: np.random.Generator) -> FloatArray:
        """Draw n values."""
        return self.scale * rng.standard_t(self.df, size=n)

    @property
    def variance(self) -> float:
        """Infinite with two degrees of freedom or fewer."""
        return self.scale**2 * self.df / (self.df - 2) if self.df > 2 else np.inf


@dataclass(frozen=True, slots=True, eq=False)
class Empirical:
    """One of the residuals, each as likely.

    Attributes
    ----------
    residuals : ndarray of shape (m,)
        Centred by who fits it.
    """

    residuals: FloatArray

    def draw(self, n: int, rng: np.random.Generator) -> FloatArray:
        """Draw n values, with replacement."""
        drawn: FloatArray = self.residuals[rng.integers(len(self.residuals), size=n)]
        return drawn

    @property
    def variance(self) -> float:
        """Of the residuals about their mean."""
        return float(self.residuals.var())


@dataclass(frozen=True, slots=True, eq=False)
class Smoothed:
    """One of the residuals and a little normal noise, shrunk so that the variance stays.

    Attributes
    ----------
    residuals : ndarray of shape (m,)
    bandwidth : float
        Standard deviation of what is added.
    """

    residuals: FloatArray
    bandwidth: float

    def draw(self, n: int, rng: np.random.Generator) -> FloatArray:
        """Draw n values."""
        shrink = np.sqrt(self.variance / (self.variance + self.bandwidth**2))
        picked = self.residuals[rng.integers(len(self.residuals), size=n)]
        drawn: FloatArray = shrink * (picked + self.bandwidth * rng.standard_normal(n))
        return drawn

    @property
    def variance(self) -> float:
        """Of the residuals about their mean."""
        return float(self.residuals.var())


@dataclass(frozen=True, slots=True, eq=False)
class Mixture:
    """One of several normal distributions.

    Attributes
    ----------
    shares, means, scales : ndarray of shape (m,)
        Shares sum to one, and the shares times the means to zero.
    """

    shares: FloatArray
    means: FloatArray
    scales: FloatArray

    def draw(self, n: int, rng: np.random.Generator) -> FloatArray:
        """Draw n values."""
        which = rng.choice(len(self.shares), size=n, p=self.shares)
        drawn: FloatArray = self.means[which] + self.scales[which] * rng.standard_normal(n)
        return drawn

    @property
    def variance(self) -> float:
        """Within and between."""
        return float(self.shares @ (self.scales**2 + self.means**2))
