"""The artists a drawn graph is made of; imported only when something is drawn."""

from __future__ import annotations

import math
import re
import unicodedata
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.font_manager import FontProperties
from matplotlib.patches import Circle, FancyBboxPatch, PathPatch, Polygon, Rectangle
from matplotlib.path import Path
from matplotlib.text import Text
from matplotlib.textpath import TextToPath

from causalkit.graph import ARROW, CIRCLE
from causalkit.typing import FloatArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.backend_bases import RendererBase

    from causalkit.plotting._confidence import Scale

__all__ = [
    "SCALE_WIDTH",
    "Label",
    "Track",
    "curved",
    "draw_box",
    "draw_dot",
    "draw_line",
    "draw_mark",
    "draw_note",
    "draw_scale",
    "draw_tag",
    "mark_length",
    "points_along",
    "readable",
    "text_size",
    "wrapped",
]

Point = tuple[float, float]

HEAD_LENGTH, HEAD_WIDTH, RADIUS = 7.5, 6.4, 3.1
SCALE_WIDTH = 130.0
_LINE_LENGTH, _MOST_LINES = 24, 4
_WORD = re.compile(r"[^\s_.\-/]+[\s_.\-/]*|[\s_.\-/]+")


class Label(Text):
    """Text that keeps its size relative to the boxes when the axes are enlarged or shrunk."""

    def __init__(self, x: float, y: float, text: str, size: float, color: str) -> None:
        super().__init__(
            x,
            y + 0.09 * size,  # letters are mostly higher than they are deep
            text,
            fontsize=size,
            color=color,
            ha="center",
            va="center_baseline",
            linespacing=1.15,
        )
        self.set_parse_math(False)  # a name may hold $
        self.set_in_layout(False)
        self._size = size

    def draw(self, renderer: RendererBase) -> None:
        """Draw at the present scale of the axes."""
        if self.axes is None:
            return
        (left, _), (right, _) = self.axes.transData.transform([(0, 0), (1, 0)])
        scale = (right - left) / renderer.points_to_pixels(1.0)
        self.set_fontsize(max(self._size * scale, 0.1))
        super().draw(renderer)


def readable(name: str) -> str:
    """Break a long name into lines of like length, at spaces and underscores where it has some."""
    shown = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in name.strip())
    lines = _wrapped(shown, _LINE_LENGTH)
    if len(lines) > _MOST_LINES:
        lines[_MOST_LINES - 1 :] = [lines[_MOST_LINES - 1][: _LINE_LENGTH - 1] + "…"]
        return "\n".join(lines)
    width = max(map(len, lines))
    longest = max((len(word.rstrip()) for word in _WORD.findall(shown)), default=1)
    while width > longest and len(narrower := _wrapped(shown, width - 1)) == len(lines):
        lines, width = narrower, width - 1
    return "\n".join(lines)


def _wrapped(text: str, width: int) -> list[str]:
    lines = [""]
    for word in _WORD.findall(text):
        if lines[-1] and len(lines[-1]) + len(word.rstrip()) > width:
            lines.append("")
        lines[-1] += word
        while len(lines[-1].rstrip()) > width:
            lines[-1:] = [lines[-1][:width], lines[-1][width:]]
    return [line.rstrip() for line in lines]


def text_size(text: str, size: float) -> tuple[float, float]:
    """Width and height of a text in points."""
    lines = text.split("\n")
    return max(_line_width(line, size) for line in lines), 1.2 * size * len(lines)


def _line_width(line: str, size: float) -> float:
    wide = sum(unicodedata.east_asian_width(c) in "WF" for c in line)
    if wide:  # the default font lacks these; any font that has them makes them square
        return size * (wide + 0.62 * (len(line) - wide))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph")
        width, _, _ = TextToPath().get_text_width_height_descent(
            line, FontProperties(size=size), ismath=False
        )
    return float(width)


def draw_box(
    ax: Axes,
    center: Point,
    box: Point,
    fill: str,
    edge: str,
    label: Label,
    *,
    gid: str | None = None,
) -> None:
    """Draw a node: a rounded box and its name; `gid` names the box in SVG."""
    (x, y), (width, height) = center, box
    radius = min(7.0, height / 2)
    ax.add_patch(
        FancyBboxPatch(
            (x - width / 2, y - height / 2),
            width,
            height,
            boxstyle=f"round,pad=0,rounding_size={radius:g}",
            facecolor=fill,
            edgecolor=edge,
            linewidth=1.0,
            zorder=3,
            label="_node",
            gid=gid,
        )
    )
    label.set_zorder(4)
    if gid is not None:
        label.set_gid(f"{gid}-name")
    ax.add_artist(label)


def draw_dot(ax: Axes, center: Point, radius: float, fill: str, edge: str) -> None:
    """Draw a node: a small disc."""
    ax.add_patch(
        Circle(
            center, radius, facecolor=fill, edgecolor=edge, linewidth=1.0, zorder=3, label="_node"
        )
    )


def curved(start: FloatArray, control: FloatArray, end: FloatArray) -> Path:
    """Line with one bend, towards the control point."""
    return Path(np.array([start, control, end]), [Path.MOVETO, Path.CURVE3, Path.CURVE3])


def draw_tag(ax: Axes, center: Point, size: Point, ground: str, label: Label) -> None:
    """Write on a line, of which the ground hides a piece."""
    (x, y), (width, height) = center, size
    box = Rectangle(
        (x - width / 2, y - height / 2), width, height, facecolor=ground, linewidth=0, zorder=1.5
    )
    box.set_label("_tag")
    ax.add_patch(box)
    label.set_zorder(4)
    ax.add_artist(label)


def points_along(path: Path) -> FloatArray:
    """Points on a line, close to each other, from its start to its end."""
    found = [np.asarray(path.vertices)[:1]]
    s = np.linspace(0.0, 1.0, 25)[1:, None]
    for corners, code in path.iter_segments(simplify=False, curves=True):
        if code == Path.MOVETO:
            continue
        a = found[-1][-1]
        if code == Path.LINETO:
            found.append(a + s * (corners - a))
        else:
            b, c, d = corners.reshape(3, 2)
            bend = (1 - s) ** 3 * a + 3 * s * (1 - s) ** 2 * b + 3 * s**2 * (1 - s) * c + s**3 * d
            found.append(bend)
    return np.concatenate(found)


def draw_line(
    ax: Axes,
    path: Path,
    color: str,
    *,
    width: float,
    dashed: bool,
    behind: bool = False,
    gid: str | None = None,
) -> None:
    """Draw the line of an edge; `behind` all others, and called `gid` in SVG."""
    ax.add_patch(
        PathPatch(
            path,
            fill=False,
            edgecolor=color,
            linewidth=width,
            linestyle=(0, (4.0, 2.4)) if dashed else "solid",
            capstyle="butt",
            joinstyle="round",
            zorder=0.5 if behind else 1,
            label="_edge",
            gid=gid,
        )
    )


def draw_mark(
    ax: Axes,
    mark: int,
    tip: Point,
    way: Point,
    color: str,
    ground: str,
    *,
    behind: bool = False,
    gid: str | None = None,
) -> None:
    """Draw an arrow head or a circle whose tip touches a box; a tail is bare."""
    level = 0.6 if behind else 2
    if mark == ARROW:
        at, along = np.array(tip), np.array(way)
        across = HEAD_WIDTH / 2 * np.array([-along[1], along[0]])
        back = at - HEAD_LENGTH * along
        notch = at - 0.72 * HEAD_LENGTH * along
        corners = [at, back + across, notch, back - across]
        head = Polygon(corners, facecolor=color, edgecolor="none", zorder=level, label="_arrow")
        head.set_gid(gid)
        ax.add_patch(head)
    elif mark == CIRCLE:
        middle = (tip[0] - RADIUS * way[0], tip[1] - RADIUS * way[1])
        ax.add_patch(
            Circle(
                middle,
                RADIUS,
                facecolor=ground,
                edgecolor=color,
                linewidth=1.1,
                zorder=level,
                label="_circle",
                gid=gid,
            )
        )


def draw_scale(ax: Axes, corner: Point, scale: Scale, size: float, color: str) -> None:
    """Draw a bar of shades from 0 to 1 with its caption above and three ticks below it."""
    steps, (x, y) = 50, corner
    step, size = SCALE_WIDTH / steps, 0.75 * size
    for k in range(steps):  # each on top of the rest of the one before, so no seams show
        place = (x + k * step, y + 1.3 * size)
        fill = scale.shade((k + 0.5) / steps)
        rest = SCALE_WIDTH - k * step
        ax.add_patch(Rectangle(place, rest, 6.0, facecolor=fill, linewidth=0, label="_scale"))
    for share, text in zip((0.0, 0.5, 1.0), scale.ticks, strict=True):
        wide = text_size(text, size)[0]
        inside = min(max(share * SCALE_WIDTH, wide / 2), SCALE_WIDTH - wide / 2)
        ax.add_artist(Label(x + inside, y + 0.55 * size, text, size, color))
    middle = x + text_size(scale.caption, size)[0] / 2
    ax.add_artist(Label(middle, y + 1.3 * size + 6.0 + 0.8 * size, scale.caption, size, color))


def draw_note(ax: Axes, corner: Point, lines: Sequence[str], size: float, color: str) -> None:
    """Write lines of text from the upper left corner down."""
    x, y = corner
    for k, line in enumerate(lines):
        label = Label(x, y - 1.3 * size * (k + 0.5), line, size, color)
        label.set_horizontalalignment("left")
        ax.add_artist(label)


def wrapped(text: str, width: float, size: float) -> list[str]:
    """Break a sentence into lines of at most so many points."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and text_size(longer, size)[0] > width:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines


def mark_length(mark: int) -> float:
    """How far before the box the line ends to make room for its mark."""
    return {ARROW: 0.8 * HEAD_LENGTH, CIRCLE: 2 * RADIUS}.get(mark, 0.0)


class Track:
    """A line under construction: straight pieces, and bends that start and end level."""

    def __init__(self, x: float, y: float) -> None:
        self.vertices: list[Point] = [(x, y)]
        self.codes: list[int] = [int(Path.MOVETO)]

    def line_to(self, x: float, y: float) -> None:
        """Go straight on."""
        if math.dist(self.vertices[-1], (x, y)) > 1e-9:
            self.vertices.append((x, y))
            self.codes.append(int(Path.LINETO))

    def bend_to(self, x: float, y: float, *, out: float, into: float) -> None:
        """Bend to a point; `out` and `into` are how far the line keeps level at both ends."""
        here = self.vertices[-1]
        self.vertices += [(here[0] + out, here[1]), (x - into, y), (x, y)]
        self.codes += [int(Path.CURVE4)] * 3

    def path(self) -> Path:
        """Return the line."""
        return Path(np.array(self.vertices), np.array(self.codes, dtype=np.uint8))
