"""A graph laid out in columns, and how its lines run: what all layered drawings share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from causalkit.graph import Edge
from causalkit.graph.marks import SYMBOLS
from causalkit.plotting._confidence import SCALE_ROOM, Ink, Scale
from causalkit.plotting._panels import blank
from causalkit.plotting.layout import DENSE, LOOP_ROOM, Layout, Spacing, layered_layout
from causalkit.typing import FloatArray, Name

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.path import Path

    from causalkit.plotting.graph import GraphStyle

__all__ = ["MARGIN", "Drawing", "Line", "natural_inches"]

MARGIN: Final = 8.0
_POINTS = 72.0
_LARGEST = (13.0, 9.0)
_NOTE_WIDTH: Final = 280.0

Point = tuple[float, float]


class Line(NamedTuple):
    """Where an edge runs; at each end the mark, its tip, and the way that it points."""

    path: Path
    marks: tuple[tuple[int, Point, Point], ...]


def natural_inches(width: float, height: float, *, shrink: bool = True) -> tuple[float, float]:
    """Size of a figure in inches, of so many points; shrunk where that is very large."""
    scale = min(1.0, _LARGEST[0] * _POINTS / width, _LARGEST[1] * _POINTS / height)
    scale = scale if shrink else 1.0
    return width * scale / _POINTS, height * scale / _POINTS


class Drawing:
    """Nodes and edges laid out, ready to be drawn."""

    def __init__(
        self,
        names: Sequence[Name],
        arcs: Sequence[Edge],
        ties: Sequence[Edge],
        look: GraphStyle,
        *,
        inks: Sequence[Ink] | None = None,
        scale: Scale | None = None,
        spacing: Spacing = DENSE,
        note: str = "",
    ) -> None:
        """Lay out arcs, which run from left to right and have no cycle, and ties, which need not.

        `inks` are the looks of the edges, arcs first, and `scale` says what they mean; `note` is
        written below.
        """
        from causalkit.plotting import _canvas

        self.canvas = _canvas
        self.look = look
        self.spacing = spacing
        self.texts = [_canvas.readable(str(name)) for name in names]
        self.edges = [*arcs, *ties]
        self.n_arcs = len(arcs)
        where = {name: k for k, name in enumerate(names)}
        self.ends = [(where[edge.left], where[edge.right]) for edge in self.edges]
        self.inks, self.scale, self.note = inks, scale, note
        self.sizes = self._box_sizes()
        self.layout: Layout = layered_layout(
            self.sizes, self.ends[: len(arcs)], self.ends[len(arcs) :], spacing
        )

    def _box_sizes(self) -> FloatArray:
        """Width and height of each node: room for its name, and for the lines that meet it."""
        sizes = np.zeros((len(self.texts), 2))
        lines = np.zeros((len(self.texts), 2), dtype=np.intp)  # on the left, on the right
        for number, (i, j) in enumerate(self.ends):
            lines[i, 1] += 1
            lines[j, 0] += 1
            if number >= self.n_arcs:  # a tie may leave on either side
                lines[i, 0] += 1
                lines[j, 1] += 1
        for k, text in enumerate(self.texts):
            width, height = self._text_size(k, text)
            ports = self.spacing.ports * (lines[k].max(initial=1) - 1) + 12.0
            sizes[k] = max(width + 16.0, 28.0), max(height + 10.0, ports)
        return sizes

    def _text_size(self, node: int, text: str) -> tuple[float, float]:
        """Room for what a box holds."""
        del node
        return self.canvas.text_size(text, self.look.font_size)

    def _text_rise(self, node: int) -> float:
        """How far above the middle of its box a name stands."""
        del node
        return 0.0

    def _between(self, number: int) -> tuple[int, int]:
        """Left and right node of an edge in the drawing."""
        i, j = self.ends[number]
        return (i, j) if self.layout.rank[i] <= self.layout.rank[j] else (j, i)

    def _port(self, number: int, node: int) -> float:
        """Height at which an edge meets a node."""
        return float(self.layout.centers[node, 1]) + self.layout.ports[number, node]

    # --- drawing --------------------------------------------------------------------------------

    def limits(self) -> tuple[float, float, float, float]:
        """Left, right, bottom and top of the drawing."""
        room = 0.0 if self.scale is None else SCALE_ROOM
        if not self.texts:
            return -20.0, 20.0, -10.0 - room, 10.0
        layout, half = self.layout, self.sizes / 2
        low, high = layout.centers - half, layout.centers + half
        lines = [p.y for crossed in layout.passages.values() for p in crossed]
        rank = layout.rank
        loops = [layout.columns[i, 1] + LOOP_ROOM for i, j in self.ends if rank[i] == rank[j]]
        left = float(low[:, 0].min()) - MARGIN
        right = float(max([high[:, 0].max(), *loops])) + MARGIN
        if self.scale is not None:
            right = max(right, left + self.canvas.SCALE_WIDTH + 2 * MARGIN)
        if self.note:
            right = max(right, left + _NOTE_WIDTH)
            room += 1.3 * self._note_size * len(self._note_lines(right - left)) + MARGIN
        return (
            left,
            right,
            float(min([low[:, 1].min(), *lines])) - MARGIN - room,
            float(max([high[:, 1].max(), *lines])) + MARGIN,
        )

    @property
    def _note_size(self) -> float:
        return 0.8 * self.look.font_size

    def _note_lines(self, width: float) -> list[str]:
        """The note in lines that fit into a drawing of this width."""
        found: list[str] = self.canvas.wrapped(self.note, width - 2 * MARGIN, self._note_size)
        return found

    def inches(self) -> tuple[float, float]:
        """Size of a figure of its own."""
        left, right, bottom, top = self.limits()
        return natural_inches(right - left, top - bottom)

    def draw(self, ax: Axes, fills: list[str]) -> None:
        """Draw on these axes."""
        left, right, bottom, top = self.limits()
        blank(ax, left, right, bottom, top)
        for number in range(len(self.edges)):
            self._draw_edge(ax, number)
        if self.note:
            lines = self._note_lines(right - left)
            bottom += MARGIN + 1.3 * self._note_size * len(lines)
            corner = left + MARGIN, bottom
            self.canvas.draw_note(ax, corner, lines, self._note_size, self.look.text_color)
        if self.scale is not None:
            corner = left + MARGIN, bottom + MARGIN
            self.canvas.draw_scale(
                ax, corner, self.scale, self.look.font_size, self.look.text_color
            )
        for k, (text, fill) in enumerate(zip(self.texts, fills, strict=True)):
            (x, y), (width, height) = self.layout.centers[k], self.sizes[k]
            y_text = y + self._text_rise(k)
            label = self.canvas.Label(x, y_text, text, self.look.font_size, self.look.text_color)
            border, gid = self.look.border_color, f"node-{k}"
            self.canvas.draw_box(ax, (x, y), (width, height), fill, border, label, gid=gid)

    def _color_and_width(self, number: int) -> tuple[str, float]:
        """Colour and width of a line."""
        if self.inks is not None:
            color, widening = self.inks[number]
            return color, self.look.line_width * widening
        hidden = self.edges[number].symbol == "<->"
        return self.look.hidden_color if hidden else self.look.edge_color, self.look.line_width

    def _draw_edge(self, ax: Axes, number: int) -> None:
        color, width = self._color_and_width(number)
        hidden = self.edges[number].symbol == "<->"
        line, ground = self._line(number), self.look.ground_color
        gid = "edge-{}-{}-{}".format(number, *self.ends[number])
        self.canvas.draw_line(ax, line.path, color, width=width, dashed=hidden, gid=gid)
        for end, (mark, tip, way) in zip("ab", line.marks, strict=True):
            self.canvas.draw_mark(ax, mark, tip, way, color, ground, gid=f"{gid}-{end}")

    def _line(self, number: int) -> Line:
        """Where an edge runs, and the marks at its ends."""
        left, right = self._between(number)
        marks = dict(zip(self.ends[number], SYMBOLS[self.edges[number].symbol], strict=True))
        loop = self.layout.rank[left] == self.layout.rank[right]
        x, half = self.layout.centers[:, 0], self.sizes[:, 0] / 2
        start = float(x[left] + half[left]), self._port(number, left)
        into = 1 if loop else -1  # the side of the right node that the line meets
        end = float(x[right] + into * half[right]), self._port(number, right)
        track = self.canvas.Track(start[0] + self.canvas.mark_length(marks[left]), start[1])
        if loop:
            self._go_around(track, left, start, end)
        else:
            self._go_across(track, number, end)
        track.line_to(end[0] + into * self.canvas.mark_length(marks[right]), end[1])
        ends = (marks[left], start, (-1.0, 0.0)), (marks[right], end, (-float(into), 0.0))
        return Line(track.path(), ends)

    def _go_around(
        self, track: Any, node: int, start: tuple[float, float], end: tuple[float, float]
    ) -> None:
        """Leave the column on the right and come back to it."""
        edge_of_column = float(self.layout.columns[node, 1])
        reach = min(16.0 + 0.1 * abs(start[1] - end[1]), LOOP_ROOM / 0.75)
        track.line_to(edge_of_column, start[1])
        track.bend_to(edge_of_column, end[1], out=reach, into=-reach)

    def _go_across(self, track: Any, number: int, end: tuple[float, float]) -> None:
        """Run from column to column, straight within them and bent between them."""
        left, right = self._between(number)
        y = track.vertices[-1][1]
        here = float(self.layout.columns[left, 1])
        track.line_to(here, y)
        last = (float(self.layout.columns[right, 0]), end[1])
        crossed = self.layout.passages.get(number, [])
        for passage in crossed:
            gap = 0.5 * (passage.left - here)
            track.bend_to(passage.left, passage.y, out=gap, into=gap)
            track.line_to(passage.right, passage.y)
            here = passage.right
        gap = last[0] - here
        if number >= self.n_arcs and not crossed and abs(last[1] - y) < 0.25 * gap:
            above = y > self.layout.centers[left, 1]
            top = (y + last[1]) / 2 + (7.0 if above else -7.0)
            track.bend_to(here + gap / 2, top, out=gap / 4, into=gap / 4)
            gap = gap / 2
        track.bend_to(*last, out=gap / 2, into=gap / 2)
