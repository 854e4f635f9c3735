"""How sure each edge is, as a number, a colour and a width.

Of shares of replicates there are two for each edge: in how many the two variables are joined at all
is its colour, and in how many by this very edge, with these marks, its width. A pair that is always
joined but now this way and now that is dark and thin. Of numbers that somebody gives, and of
probabilities of edges, colour and width are one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from numbers import Real
from typing import Any, Final, NamedTuple

from causalkit.errors import InputError
from causalkit.graph import Edge

__all__ = ["CONFIDENCE", "FREQUENCY", "SCALE_ROOM", "Ink", "Scale", "inks_of", "shade", "shares_of"]

SCALE_ROOM: Final = 40.0
"""Points below the graph for the scale."""

_RAMP: Final = (
    (0.0, (0xC4, 0xD3, 0xE3)),
    (0.5, (0x5B, 0x92, 0xC6)),
    (0.8, (0x1F, 0x5A, 0x9C)),
    (1.0, (0x0A, 0x24, 0x4F)),
)
"""One hue from light to dark: it reads the same to all eyes, and in grey."""


class Ink(NamedTuple):
    """Colour of a line, and how many times as wide as usual it is."""

    color: str
    widening: float


class Scale(NamedTuple):
    """What colours mean: a shade for each place from 0 to 1, three ticks below and a caption."""

    shade: Callable[[float], str]
    ticks: tuple[str, str, str]
    caption: str


def shares_of(confidence: Any, edges: Sequence[Edge]) -> list[float]:
    """Confidence of each edge, from 0 to 1.

    Raises
    ------
    InputError
        If an edge has none, or one outside that range.
    """
    if not isinstance(confidence, Mapping):
        if not callable(getattr(confidence, "share", None)):
            raise InputError(
                f"confidence is a {type(confidence).__name__}; expected EdgeFrequencies, or a dict "
                "from pairs of names to numbers from 0 to 1. Pass bootstrap.frequencies_."
            )
        return [float(confidence.share(edge)) for edge in edges]
    found = []
    for edge in edges:
        share = confidence.get(
            (edge.left, edge.right), confidence.get((edge.right, edge.left), None)
        )
        if not isinstance(share, Real) or not 0 <= float(share) <= 1:
            raise InputError(
                f"the confidence of {edge} is {share!r}; expected a number from 0 to 1 for each "
                f"edge. Give one for the key {(edge.left, edge.right)!r}."
            )
        found.append(float(share))
    return found


def shade(share: float) -> str:
    """Colour of an edge."""
    (low, start), (high, end) = next(pair for pair in pairwise(_RAMP) if share <= pair[1][0] + 1e-9)
    part = min((share - low) / (high - low), 1.0)
    return "#" + "".join(
        f"{round(a + part * (b - a)):02x}" for a, b in zip(start, end, strict=True)
    )


def inks_of(confidence: Any, edges: Sequence[Edge]) -> tuple[list[Ink], Scale]:
    """Colour and width of each edge, and what colours mean."""
    drawn = shares_of(confidence, edges)
    if not callable(getattr(confidence, "of", None)):
        return [_ink(share, share) for share in drawn], CONFIDENCE
    joined = [1.0 - confidence.of(edge.left, edge.right)["none"] for edge in edges]
    return [_ink(any_, this) for any_, this in zip(joined, drawn, strict=True)], FREQUENCY


def _ink(dark: float, wide: float) -> Ink:
    return Ink(shade(dark), 0.5 + 1.8 * wide)


CONFIDENCE: Final = Scale(shade, ("0", "50", "100 %"), "confidence in the edge")

FREQUENCY: Final = Scale(shade, ("0", "50", "100 %"), "how often joined; wide: this way")
