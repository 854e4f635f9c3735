"""How strong each link is, as a colour and a width: warm below zero, blue above, pale at zero."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import numpy as np

from causalkit.errors import InputError
from causalkit.plotting._confidence import Ink, Scale
from causalkit.typing import FloatArray

__all__ = ["StrengthScale", "read_strengths"]

_RAMP: Final = (
    (-1.0, (0x7A, 0x1E, 0x12)),
    (-0.6, (0xC0, 0x4F, 0x2E)),
    (-0.25, (0xE2, 0xA5, 0x86)),
    (0.0, (0xD9, 0xDE, 0xE3)),
    (0.25, (0x93, 0xB8, 0xDA)),
    (0.6, (0x2F, 0x70, 0xB3)),
    (1.0, (0x0A, 0x2F, 0x66)),
)


@dataclass(frozen=True, slots=True)
class StrengthScale:
    """From strengths to looks.

    Attributes
    ----------
    limit : float
        Strength with the darkest colour.
    signed : bool
        Whether some are negative.
    """

    limit: float
    signed: bool

    @staticmethod
    def over(drawn: FloatArray) -> StrengthScale:
        """Scale that covers all the strengths drawn."""
        found = drawn[np.isfinite(drawn)]
        return StrengthScale(float(np.abs(found).max(initial=0.0)) or 1.0, bool((found < 0).any()))

    def ink(self, strength: float) -> Ink:
        """Look of a link; one without a strength is pale."""
        share = strength / self.limit if np.isfinite(strength) else 0.0
        return Ink(_color(share), 0.8 + 1.5 * min(abs(share), 1.0))

    def scale(self) -> Scale:
        """What the colours mean."""
        low = -self.limit if self.signed else 0.0
        middle = f"{(low + self.limit) / 2:.2g}"
        ticks = f"{low:.2g}".replace("-", "−"), middle, f"{self.limit:.2g}"
        return Scale(lambda u: _color(2 * u - 1 if self.signed else u), ticks, "strength")


def _color(share: float) -> str:
    share = min(max(share, -1.0), 1.0)
    (low, start), (high, end) = next(pair for pair in pairwise(_RAMP) if share <= pair[1][0])
    part = (share - low) / (high - low)
    return "#" + "".join(
        f"{round(a + part * (b - a)):02x}" for a, b in zip(start, end, strict=True)
    )


def read_strengths(strengths: Any, shape: tuple[int, ...], what: str) -> FloatArray:
    """Read an array of strengths of the last dimensions `shape`.

    Raises
    ------
    InputError
        If it has another shape or is not made of numbers.
    """
    try:
        found = np.asarray(strengths, dtype=np.float64)
    except (TypeError, ValueError):
        found = np.empty(0)
    if found.shape != shape:
        raise InputError(
            f"strengths have the shape {np.shape(strengths)}; expected {shape}, {what}. Pass the "
            "scores_ or strengths_ of the algorithm that found the graph."
        )
    return found
