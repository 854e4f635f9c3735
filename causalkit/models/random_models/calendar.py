"""What the calendar does to series: seasons and trends, known exactly and caused by nothing.

A driver is a function of the step alone, so it is a root of every graph, and a column of the data
that an analyst has, too. Where it is left out of the data it is a hidden common cause of all that
it drives, and one with a perfect memory.

>>> Season("day", period=24).values(np.array([0, 6]), 24)
array([0., 1.])
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

from causalkit._core.checks import check_positive
from causalkit.typing import FloatArray, IntArray, Name

__all__ = ["Driver", "Season", "Trend"]


@runtime_checkable
class Driver(Protocol):
    """A known series that depends on nothing but the step."""

    @property
    def name(self) -> Name:
        """Its column."""

    def values(self, steps: IntArray, n_steps: int) -> FloatArray:
        """Value at steps, 0 being the first drawn and negative ones before; from -1 to 1."""


@dataclass(frozen=True, slots=True)
class Season:
    """A wave: sin(2π (step + shift) / period).

    Attributes
    ----------
    name : str or int
    period : float
        In steps.
    shift : float
        In steps.
    """

    name: Name
    period: float
    shift: float = 0.0

    def __post_init__(self) -> None:
        check_positive(self.period, "period")

    def values(self, steps: IntArray, n_steps: int) -> FloatArray:  # noqa: ARG002
        """Value at steps, shape of `steps`."""
        wave: FloatArray = np.sin(2 * np.pi * (steps + self.shift) / self.period)
        return wave


@dataclass(frozen=True, slots=True)
class Trend:
    """A line from -1 at the first step drawn to 1 at the last; flat before and after.

    Attributes
    ----------
    name : str or int
    """

    name: Name

    def values(self, steps: IntArray, n_steps: int) -> FloatArray:
        """Value at steps, shape of `steps`."""
        line: FloatArray = np.clip(2.0 * steps / max(n_steps - 1, 1) - 1.0, -1.0, 1.0)
        return line
