"""Post-nonlinear mechanisms: y = g(f(causes) + noise) with an increasing g.

A sensor that saturates or a scale that was chosen bends what is otherwise additive. Two variables
with such a mechanism still tell cause from effect, but for a few exceptions (Zhang & Hyvärinen
2009). As g has an exact inverse, noise is the inverse of the value less the mean, and
counterfactuals are exact.

>>> from causalkit.models.mechanisms.additive import Linear
>>> from causalkit.models.noise import Normal
>>> bent = PostNonlinear(SignedPower(1 / 3), Linear(np.array([2.0])), Normal(0.5))
>>> y = bent.value(np.array([[4.0]]), np.zeros(1))
>>> y, bent.noise(np.array([[4.0]]), y, np.random.default_rng(0))
(array([2.]), array([0.]))

References
----------
Zhang & Hyvärinen (2009), Proc. Uncertainty in Artificial Intelligence 25, 647-655.
arXiv:1205.2599
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Protocol, runtime_checkable

import numpy as np

from causalkit._core.checks import check_positive
from causalkit.errors import InputError
from causalkit.models.mechanisms.base import Function, Noise
from causalkit.typing import FloatArray

__all__ = [
    "Distortion",
    "InverseSinh",
    "Leaky",
    "PostNonlinear",
    "SignedPower",
    "Sinh",
    "Softplus",
]


@runtime_checkable
class Distortion(Protocol):
    """A strictly increasing function of one number, with its inverse."""

    def __call__(self, x: FloatArray) -> FloatArray:
        """Value at each of x."""

    def inverse(self, y: FloatArray) -> FloatArray:
        """Where the value is y."""


@dataclass(frozen=True, slots=True)
class SignedPower:
    """``sign(x) |x|^exponent``: a cube root with exponent 1/3, a cube with 3.

    Attributes
    ----------
    exponent : float
        Above 0.
    """

    exponent: float = 1 / 3

    def __post_init__(self) -> None:
        check_positive(self.exponent, "exponent")

    def __call__(self, x: FloatArray) -> FloatArray:
        """Value at each of x."""
        y: FloatArray = np.sign(x) * np.abs(x) ** self.exponent
        return y

    def inverse(self, y: FloatArray) -> FloatArray:
        """Raise to one over the exponent."""
        x: FloatArray = np.sign(y) * np.abs(y) ** (1 / self.exponent)
        return x


@dataclass(frozen=True, slots=True)
class Sinh:
    """sinh(steepness x) / steepness: a line near zero, and ever steeper.

    Attributes
    ----------
    steepness : float
        Above 0.
    """

    steepness: float = 1.0

    def __post_init__(self) -> None:
        check_positive(self.steepness, "steepness")

    def __call__(self, x: FloatArray) -> FloatArray:
        """Value at each of x."""
        y: FloatArray = np.sinh(self.steepness * x) / self.steepness
        return y

    def inverse(self, y: FloatArray) -> FloatArray:
        """Inverse hyperbolic sine."""
        x: FloatArray = np.arcsinh(self.steepness * y) / self.steepness
        return x


@dataclass(frozen=True, slots=True)
class InverseSinh:
    """arsinh(steepness x) / steepness: a line near zero, and a logarithm on both sides.

    Attributes
    ----------
    steepness : float
        Above 0.
    """

    steepness: float = 1.0

    def __post_init__(self) -> None:
        check_positive(self.steepness, "steepness")

    def __call__(self, x: FloatArray) -> FloatArray:
        """Value at each of x."""
        return Sinh(self.steepness).inverse(x)

    def inverse(self, y: FloatArray) -> FloatArray:
        """Hyperbolic sine."""
        return Sinh(self.steepness)(y)


@dataclass(frozen=True, slots=True)
class Softplus:
    """log(1 + exp(steepness x)) / steepness: positive, zero on the left and a line on the right.

    Attributes
    ----------
    steepness : float
        Above 0.
    """

    steepness: float = 1.0

    def __post_init__(self) -> None:
        check_positive(self.steepness, "steepness")

    def __call__(self, x: FloatArray) -> FloatArray:
        """Value at each of x."""
        y: FloatArray = np.logaddexp(0.0, self.steepness * x) / self.steepness
        return y

    def inverse(self, y: FloatArray) -> FloatArray:
        """Where the value is y, which is above 0."""
        if not (y > 0).all():
            raise InputError(
                f"values down to {y.min():g}; expected values above 0, the only ones that "
                "Softplus gives. Take another distortion for this variable."
            )
        scaled = self.steepness * y
        x: FloatArray = (scaled + np.log(-np.expm1(-scaled))) / self.steepness
        return x


@dataclass(frozen=True, slots=True)
class Leaky:
    """x above zero and slope · x below.

    Attributes
    ----------
    slope : float
        Above 0.
    """

    slope: float = 0.2

    def __post_init__(self) -> None:
        check_positive(self.slope, "slope")

    def __call__(self, x: FloatArray) -> FloatArray:
        """Value at each of x."""
        y: FloatArray = np.where(x > 0, x, self.slope * x)
        return y

    def inverse(self, y: FloatArray) -> FloatArray:
        """Divide by the slope below zero."""
        x: FloatArray = np.where(y > 0, y, y / self.slope)
        return x


@dataclass(frozen=True, slots=True, eq=False)
class PostNonlinear:
    """y = distortion(mean(causes) + noise).

    Attributes
    ----------
    distortion : Distortion
    mean : Function
    noise_model : Noise
    """

    distortion: Distortion
    mean: Function
    noise_model: Noise
    bijective: ClassVar[bool] = True

    def draw(self, n: int, rng: np.random.Generator) -> FloatArray:
        """Draw noise, shape (n,)."""
        return self.noise_model.draw(n, rng)

    def value(self, causes: FloatArray, noise: FloatArray) -> FloatArray:
        """Add noise to the mean, and bend the sum."""
        return self.distortion(self.mean(causes) + noise)

    def noise(
        self,
        causes: FloatArray,
        value: FloatArray,
        rng: np.random.Generator,  # noqa: ARG002
    ) -> FloatArray:
        """Unbend the value and subtract the mean."""
        return self.distortion.inverse(value) - self.mean(causes)
