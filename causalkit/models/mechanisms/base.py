"""What a mechanism is: a value given its causes and noise, and the noise given its value.

A mechanism is a frozen value: fitted by a function of this room, drawn at random, or written down.
Its noise is whatever its own `draw` returns, one row for each unit; nothing else is random. So two
runs with the same noise differ by what was done to the model and by nothing else, which is what a
counterfactual is.
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import numpy as np

from causalkit.typing import FloatArray

__all__ = ["Function", "Mechanism", "Noise"]


@runtime_checkable
class Function(Protocol):
    """A number for each row of causes; nothing random."""

    def __call__(self, causes: FloatArray) -> FloatArray:
        """Value of rows of shape (n, k), shape (n,); k may be 0."""


@runtime_checkable
class Noise(Protocol):
    """What is random, independent of all causes and from row to row."""

    def draw(self, n: int, rng: np.random.Generator) -> FloatArray:
        """Draw n values, shape (n,)."""

    @property
    def variance(self) -> float:
        """Infinite if there is none."""


@runtime_checkable
class Mechanism(Protocol):
    """How a variable comes about from its causes and noise.

    Where value and causes determine the noise, counterfactuals are exact.
    """

    @property
    def bijective(self) -> bool:
        """Whether value and causes determine the noise."""

    def draw(self, n: int, rng: np.random.Generator) -> FloatArray:
        """Draw noise of n rows; its first axis has length n."""

    def value(self, causes: FloatArray, noise: FloatArray) -> FloatArray:
        """Value of rows of causes of shape (n, k) with noise of as many rows, shape (n,)."""

    def noise(self, causes: FloatArray, value: FloatArray, rng: np.random.Generator) -> FloatArray:
        """Noise that gives `value`: the only one if bijective, else a draw of those that do."""
