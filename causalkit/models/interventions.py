"""What can be done to a variable: set it, shift it, or let a policy decide; always, or for a while.

>>> do = {"X": 2.0, "Y": Shift(0.5), "Z": Hold(0.0, start=10, stop=20)}
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from causalkit.typing import FloatArray, Name

__all__ = ["Hold", "Intervention", "Policy", "Shift"]


@dataclass(frozen=True, slots=True, eq=False)
class Hold:
    """Set a variable to a value, whatever its causes.

    Attributes
    ----------
    value : float or ndarray
        One for all rows, or one a row (chain).
    start, stop : int, optional
        Steps of a series from which and before which it holds, counted from the first drawn.
    """

    value: float | FloatArray
    start: int | None = None
    stop: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Shift:
    """Add an amount to what a variable would have been.

    Attributes
    ----------
    amount : float or ndarray
    start, stop : int, optional
    """

    amount: float | FloatArray
    start: int | None = None
    stop: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Policy:
    """Let a rule decide from other variables (of the same row or step, causally before).

    Attributes
    ----------
    rule : callable
        From a mapping of `given` names to values of shape (n,) to values of shape (n,).
    given : tuple of names
        What it looks at. They become the causes of the variable.
    start, stop : int, optional
    """

    rule: Callable[[Mapping[Name, FloatArray]], FloatArray]
    given: tuple[Name, ...]
    start: int | None = None
    stop: int | None = None


Intervention = float | Hold | Shift | Policy
"""A number is a `Hold` of it."""
