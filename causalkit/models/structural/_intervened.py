"""Mechanisms after an intervention: set, shifted, or decided by a rule."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from causalkit.errors import InputError
from causalkit.models.mechanisms.base import Mechanism
from causalkit.typing import FloatArray, Name

__all__ = ["Decided", "Held", "Shifted"]


def _each_row(value: float | FloatArray, n: int, what: str) -> FloatArray:
    """One number for each of n rows."""
    given = np.asarray(value, dtype=np.float64)
    if given.ndim and given.shape != (n,):
        raise InputError(
            f"{what} has shape {given.shape}, and {n} rows are drawn; expected one number, or one "
            f"for each row. Draw {len(given)} rows, or give one number."
        )
    return np.broadcast_to(given, (n,))


@dataclass(frozen=True, slots=True, eq=False)
class Held:
    """y = value, whatever the causes."""

    setting: float | FloatArray
    bijective: ClassVar[bool] = False

    def draw(self, n: int, rng: np.random.Generator) -> FloatArray:  # noqa: ARG002
        """Return zeros: nothing is random."""
        return np.zeros(n)

    def value(self, causes: FloatArray, noise: FloatArray) -> FloatArray:  # noqa: ARG002
        """Return the value held."""
        return _each_row(self.setting, len(causes), "the value that a variable is held at")

    def noise(
        self,
        causes: FloatArray,
        value: FloatArray,  # noqa: ARG002
        rng: np.random.Generator,  # noqa: ARG002
    ) -> FloatArray:
        """Return zeros."""
        return np.zeros(len(causes))


@dataclass(frozen=True, slots=True, eq=False)
class Shifted:
    """y = what it would have been + amount."""

    mechanism: Mechanism
    amount: float | FloatArray

    @property
    def bijective(self) -> bool:
        """As it was before."""
        return self.mechanism.bijective

    def draw(self, n: int, rng: np.random.Generator) -> FloatArray:
        """Draw noise as before."""
        return self.mechanism.draw(n, rng)

    def value(self, causes: FloatArray, noise: FloatArray) -> FloatArray:
        """Add the amount."""
        amount = _each_row(self.amount, len(causes), "the amount that a variable is shifted by")
        return self.mechanism.value(causes, noise) + amount

    def noise(self, causes: FloatArray, value: FloatArray, rng: np.random.Generator) -> FloatArray:
        """Noise of what it would have been."""
        amount = _each_row(self.amount, len(causes), "the amount that a variable is shifted by")
        return self.mechanism.noise(causes, value - amount, rng)


@dataclass(frozen=True, slots=True, eq=False)
class Decided:
    """y = rule(given), where the causes are those `given`, in their order."""

    rule: Callable[[Mapping[Name, FloatArray]], FloatArray]
    given: tuple[Name, ...]
    bijective: ClassVar[bool] = False

    def draw(self, n: int, rng: np.random.Generator) -> FloatArray:  # noqa: ARG002
        """Return zeros: nothing is random."""
        return np.zeros(n)

    def value(self, causes: FloatArray, noise: FloatArray) -> FloatArray:  # noqa: ARG002
        """Ask the rule."""
        seen = {name: causes[:, k] for k, name in enumerate(self.given)}
        decided = np.asarray(self.rule(seen), dtype=np.float64)
        if decided.shape not in ((), (len(causes),)):
            raise InputError(
                f"a policy returned shape {decided.shape} for {len(causes)} rows; expected one "
                "number for each row. Let its rule work on whole columns."
            )
        return np.broadcast_to(decided, (len(causes),))

    def noise(
        self,
        causes: FloatArray,
        value: FloatArray,  # noqa: ARG002
        rng: np.random.Generator,  # noqa: ARG002
    ) -> FloatArray:
        """Return zeros."""
        return np.zeros(len(causes))
