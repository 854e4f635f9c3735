"""Intervals on one axis with zero marked, as a small SVG without scripts or fonts of its own.

An end that nothing bounds is drawn as an arrow, an effect that the graph alone implies as a point.
The picture scales to the width of a phone; its title and description say the same in words, for
those who do not see it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

from causalkit._core.report import format_value

__all__ = ["Bar", "draw_intervals"]

_WIDTH: Final = 420.0
_MARGIN: Final = 24.0
_ROW: Final = 46.0
_AXIS: Final = 34.0
_LETTER: Final = 8.7
"""Width of a letter, rather too much than too little."""

_ROOM: Final = 0.08
"""Part of the span that is left free at either end."""

_INK, _QUIET, _BLUE, _ORANGE = "#1d2433", "#5d6678", "#0b5cad", "#a34a00"


@dataclass(frozen=True, slots=True)
class Bar:
    """One interval: what it is, its ends, and the estimate in it (NaN if there is no single one).

    Attributes
    ----------
    label : str
    lower, upper : float
        Both NaN for an effect that the graph implies, infinite where nothing bounds it.
    value : float
    honest : bool
        Whether it admits that the graph was learnt; drawn thicker.
    """

    label: str
    lower: float
    upper: float
    value: float
    honest: bool

    @classmethod
    def of(cls, label: str, ends: Iterable[float], value: float, *, honest: bool) -> Bar:
        """Make one of an interval, which unpacks to its ends."""
        lower, upper = ends
        return cls(label, lower, upper, value, honest)

    @property
    def length(self) -> float:
        """From end to end; infinite where an end is."""
        return self.upper - self.lower

    @property
    def words(self) -> str:
        """From where to where it goes."""
        if math.isnan(self.lower):
            return f"{format_value(self.value)} by the graph alone, no interval"
        if math.isinf(self.lower) and math.isinf(self.upper):
            return "no bounds"
        if math.isnan(self.value) and self.lower == self.upper:
            return f"{format_value(self.lower)}, no interval around it"
        ends = f"{format_value(self.lower)} to {format_value(self.upper)}"
        if math.isnan(self.value):
            return ends
        return f"{ends} (estimate {format_value(self.value)})"


def draw_intervals(bars: Sequence[Bar], quantity: str, *, name: str = "intervals") -> str:
    """Return the SVG; empty if no number is there to be drawn.

    Parameters
    ----------
    bars : sequence of Bar
    quantity : str
        What the axis measures.
    name : str
        Begins the ids of its title and description; no other picture of the page may have it.
    """
    known = [x for bar in bars for x in (bar.lower, bar.upper, bar.value) if math.isfinite(x)]
    if not known:
        return ""
    low, high = min(*known, 0.0), max(*known, 0.0)
    room = _ROOM * ((high - low) or 1.0)
    low, high = low - room, high + room

    def place(x: float) -> float:
        inside = min(max(x, low), high)
        return _MARGIN + (inside - low) / (high - low) * (_WIDTH - 2 * _MARGIN)

    bottom = _ROW * len(bars) + 8
    said = "; ".join(f"{bar.label}: {bar.words}" for bar in bars)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH:g} {bottom + _AXIS:g}" '
        f'role="img" aria-labelledby="{name}-title {name}-text" class="intervals">',
        f'<title id="{name}-title">Intervals for the {escape(quantity)}</title>',
        f'<desc id="{name}-text">{escape(said)}. Zero is marked.</desc>',
    ]
    zero = place(0.0)
    parts += [
        _line(zero, 4, zero, bottom, _INK, 1.2, dashed=True),
        _line(_MARGIN, bottom, _WIDTH - _MARGIN, bottom, _QUIET, 1),
    ]
    for x in _ticks(low, high):
        parts.append(_line(place(x), bottom, place(x), bottom + 5, _QUIET, 1))
        parts.append(_text(place(x), bottom + 20, format_value(x), "middle", _QUIET))
    for k, bar in enumerate(bars):
        y = _ROW * k + 34
        label = _shortened(bar.label)
        parts.append(_ground(_MARGIN, y - 29, label))
        parts.append(_text(_MARGIN, y - 15, label, "start", _INK))
        parts += _mark(bar, y, place)
    return "".join((*parts, "</svg>"))


def _mark(bar: Bar, y: float, at: Callable[[float], float]) -> Iterator[str]:
    """The bar itself, with arrows where nothing bounds it and a point at the estimate."""
    color, width = (_BLUE, 9.0) if bar.honest else (_ORANGE, 4.0)
    if not math.isnan(bar.lower):
        yield _line(at(bar.lower), y, at(bar.upper), y, color, width)
        for end, way in ((bar.lower, -1), (bar.upper, 1)):
            if math.isinf(end):
                x = at(end) + way * 14
                yield f'<path d="M{x:.1f} {y:.1f} l{-way * 14} -8 v16 z" fill="{color}"></path>'
    middle = bar.lower if bar.lower == bar.upper else bar.value
    if math.isfinite(middle):
        yield (
            f'<circle cx="{at(middle):.1f}" cy="{y:.1f}" r="6" fill="#fff" stroke="{color}" '
            'stroke-width="3"></circle>'
        )


def _shortened(label: str) -> str:
    """As much of a label as there is room for."""
    most = int((_WIDTH - 2 * _MARGIN) / _LETTER)
    return label if len(label) <= most else label[: most - 1] + "…"


def _ticks(low: float, high: float) -> list[float]:
    """About five round numbers, zero among them."""
    rough = (high - low) / 5
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * k for k in (1, 2, 5, 10) if power * k >= rough)
    return [k * step for k in range(math.ceil(low / step), math.floor(high / step) + 1)]


def _line(
    x1: float, y1: float, x2: float, y2: float, color: str, width: float, *, dashed: bool = False
) -> str:
    dashes = ' stroke-dasharray="4 3"' if dashed else ""
    return (
        f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{color}" '
        f'stroke-width="{width:g}"{dashes}></line>'
    )


def _ground(x: float, y: float, words: str) -> str:
    """White behind words, so that no line crosses them."""
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{_LETTER * len(words):.1f}" height="20" '
        'fill="#fff"></rect>'
    )


def _text(x: float, y: float, words: str, anchor: str, color: str) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{color}" font-size="16" '
        f'font-family="sans-serif">{escape(words)}</text>'
    )
