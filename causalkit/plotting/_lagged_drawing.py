"""A lagged graph on its grid: a row a series, a column a step, and lines that miss the nodes.

The same edges stand at every step, so each is given its bend once. A line is straight if that
clears the nodes on its way and the lines before it; else it is bent as little as does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

import numpy as np

from causalkit.graph import Edge, LaggedGraph
from causalkit.graph.lagged import as_lagged
from causalkit.graph.marks import SYMBOLS
from causalkit.plotting._confidence import SCALE_ROOM
from causalkit.plotting._drawing import MARGIN, natural_inches
from causalkit.plotting._panels import blank
from causalkit.plotting._strengths import StrengthScale
from causalkit.typing import FloatArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from causalkit.plotting.graph import GraphStyle

__all__ = ["LaggedDrawing"]

_STEP, _ROW, _RADIUS = 84.0, 46.0, 6.5
_BENDS: Final = (0.0, 9.0, 13.0, 18.0, 24.0, 30.0, 36.0, 44.0)
_CLEAR, _APART, _ANGLE = _RADIUS + 4.0, 6.0, 0.65
_SAMPLES: Final = np.linspace(0.0, 1.0, 129)[:, None]

Node: TypeAlias = tuple[int, int]
"""Row and lag."""


class Curve(NamedTuple):
    """One edge into t: nodes as (row, lag), marks, and the control point between them."""

    start: Node
    end: Node
    marks: tuple[int, int]
    hidden: bool
    control: FloatArray


class LaggedDrawing:
    """A lagged graph laid out on a grid."""

    def __init__(
        self,
        graph: LaggedGraph,
        look: GraphStyle,
        window: int,
        strengths: FloatArray | None = None,
    ) -> None:
        from causalkit.plotting import _canvas

        self.canvas, self.graph, self.look, self.window = _canvas, graph, look, window
        self.texts = [_canvas.readable(str(name)) for name in graph.variables]
        sizes = [_canvas.text_size(text, look.font_size) for text in self.texts]
        self.widths = [width for width, _ in sizes]
        self.row = max([_ROW, *(height + 10.0 for _, height in sizes)])
        self.strengths = strengths
        edges = graph.edges()
        self.curves = self._bent(edges)
        values = np.array([self._strength(curve) for curve in self.curves])
        self.scale = None if strengths is None else StrengthScale.over(values)
        self.indent = 10.0 + self._left_of_a_column()

    def _left_of_a_column(self) -> float:
        """How far lines within a step reach to its left; the names stand farther still."""
        here = self.window * _STEP
        within = [curve for curve in self.curves if curve.start[1] == 0]
        reach = [here - _along(*self._points(curve, 0))[:, 0].min() for curve in within]
        return max([_RADIUS, *map(float, reach)])

    def place(self, row: int, lag: int) -> FloatArray:
        """Centre of a node."""
        return np.array([(self.window - lag) * _STEP, -row * self.row])

    # --- bends ----------------------------------------------------------------------------------

    def _bent(self, edges: tuple[Edge, ...]) -> list[Curve]:
        """Give each edge its bend, the short ones first."""
        p = len(self.graph.variables)
        nodes = np.array([self.place(i, lag) for i in range(p) for lag in range(self.window + 1)])
        pairs = [self._ends(edge) for edge in edges]
        order = sorted(range(len(edges)), key=lambda k: (self._length(*pairs[k]), k))
        curves: dict[int, Curve] = {}
        drawn = _Drawn()
        for number in order:
            start, end = pairs[number]
            control, points = self._least_bend(start, end, nodes, drawn)
            drawn.add(start, end, points)
            marks = SYMBOLS[edges[number].symbol]
            hidden = edges[number].symbol == "<->"
            curves[number] = Curve(start, end, marks, hidden, control)
        return [curves[number] for number in range(len(edges))]

    def _ends(self, edge: Edge) -> tuple[Node, Node]:
        names = self.graph.variables
        a, b = (as_lagged(node, names) for node in (edge.left, edge.right))
        return (names.index(a.name), a.lag), (names.index(b.name), b.lag)

    def _length(self, start: Node, end: Node) -> float:
        return float(np.linalg.norm(self.place(*end) - self.place(*start)))

    def _least_bend(
        self, first: Node, last: Node, nodes: FloatArray, drawn: _Drawn
    ) -> tuple[FloatArray, FloatArray]:
        """Control point and points of the least bent line that is clear."""
        start, end = self.place(*first), self.place(*last)
        length = float(np.linalg.norm(end - start))
        along = (end - start) / length
        across = np.array([-along[1], along[0]])
        # Rows bend upwards and columns to the right, where there is room.
        if across[1] < -1e-9 or (abs(across[1]) < 1e-9 and across[0] < 0):
            across = -across
        ends = (np.abs(nodes - start).sum(axis=1) < 1) | (np.abs(nodes - end).sum(axis=1) < 1)
        candidates: list[tuple[float, int, FloatArray, FloatArray]] = []
        for bend in _BENDS:
            for side in (1.0, -1.0) if bend else (1.0,):
                control = (start + end) / 2 + 2 * side * bend * across
                points = _along(start, control, end)
                cost = bend + (2.0 if side < 0 else 0.0) + 80.0 * _blocked(points, nodes[~ends])
                cost += drawn.crowding(first, last, points)
                candidates.append((round(cost, 6), len(candidates), control, points))
        _, _, control, points = min(candidates, key=lambda one: one[:2])
        return control, points

    # --- drawing --------------------------------------------------------------------------------

    def limits(self) -> tuple[float, float, float, float]:
        """Left, right, bottom and top of the drawing."""
        p = len(self.texts)
        bulge = [_along(*self._points(curve, 0))[:, 0].max() for curve in self.curves]
        tops = [_along(*self._points(curve, 0))[:, 1].max() for curve in self.curves]
        right = max([self.window * _STEP + _RADIUS, *bulge]) + MARGIN
        left = -self.indent - max([20.0, *self.widths]) - MARGIN
        top = max([_RADIUS, *tops]) + 2.6 * self.look.font_size
        depths = [_along(*self._points(curve, 0))[:, 1].min() for curve in self.curves]
        last = -max(p - 1, 0) * self.row
        bottom = min([last - self.row / 2, *(depth - MARGIN for depth in depths)])
        if self.scale is not None:
            bottom -= SCALE_ROOM
            right = max(right, left + self.canvas.SCALE_WIDTH + 2 * MARGIN)
        return left, right, bottom, top

    def inches(self) -> tuple[float, float]:
        """Size of a figure of its own."""
        left, right, bottom, top = self.limits()
        return natural_inches(right - left, top - bottom)

    def draw(self, ax: Axes, fills: dict[Node, str]) -> None:
        """Draw on these axes; `fills` colours nodes by row and lag."""
        left, right, bottom, top = self.limits()
        blank(ax, left, right, bottom, top)
        for steps in range(self.window, 0, -1):
            for curve in self.curves:
                if curve.start[1] + steps <= self.window:
                    self._draw_curve(ax, curve, steps)
        for curve in self.curves:
            self._draw_curve(ax, curve, 0)
        self._draw_nodes(ax, fills)
        self._draw_names(ax, top)
        if self.scale is not None:
            corner, scale = (left + MARGIN, bottom + MARGIN), self.scale.scale()
            self.canvas.draw_scale(ax, corner, scale, self.look.font_size, self.look.text_color)

    def _draw_nodes(self, ax: Axes, fills: dict[Node, str]) -> None:
        touched = {node for curve in self.curves for node in (curve.start, curve.end)}
        for row in range(len(self.texts)):
            for lag in range(self.window + 1):
                strong = lag == 0 or (row, lag) in touched
                fill = fills.get((row, lag), self.look.node_color)
                edge = self.look.border_color if strong else self.look.faint_color
                self.canvas.draw_dot(ax, tuple(self.place(row, lag)), _RADIUS, fill, edge)

    def _draw_names(self, ax: Axes, top: float) -> None:
        look, label = self.look, self.canvas.Label
        for row, (text, width) in enumerate(zip(self.texts, self.widths, strict=True)):
            x, y = self.place(row, self.window)
            x -= self.indent + width / 2
            ax.add_artist(label(x, y, text, look.font_size, look.text_color))
        for lag in range(self.window + 1):
            head = f"t−{lag}" if lag else "t"
            x = self.place(0, lag)[0]
            size = 0.85 * look.font_size
            ax.add_artist(label(x, top - 1.2 * size, head, size, look.edge_color))

    def _strength(self, curve: Curve) -> float:
        if self.strengths is None:
            return float("nan")
        (i, lag), (j, _) = curve.start, curve.end
        there, back = self.strengths[lag, i, j], self.strengths[lag, j, i] if lag == 0 else np.nan
        return float(back if np.isnan(there) else there)

    def _points(self, curve: Curve, steps: int) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Start, control point and end of an edge, so many steps before."""
        back = np.array([-steps * _STEP, 0.0])
        return self.place(*curve.start) + back, curve.control + back, self.place(*curve.end) + back

    def _draw_curve(self, ax: Axes, curve: Curve, steps: int) -> None:
        start, control, end = self._points(curve, steps)
        look, width = self.look, self.look.line_width
        color = look.hidden_color if curve.hidden else look.edge_color
        if self.scale is not None:
            color, widening = self.scale.ink(self._strength(curve))
            width *= widening
        if steps:
            color, width = look.faint_color, 0.8 * look.line_width
        away = [(control - at) / np.linalg.norm(control - at) for at in (start, end)]
        tips = [at + _RADIUS * way for at, way in zip((start, end), away, strict=True)]
        ends = [
            tip + self.canvas.mark_length(mark) * way
            for tip, way, mark in zip(tips, away, curve.marks, strict=True)
        ]
        path = self.canvas.curved(ends[0], control, ends[1])
        behind = steps > 0
        self.canvas.draw_line(ax, path, color, width=width, dashed=curve.hidden, behind=behind)
        for mark, tip, way in zip(curve.marks, tips, away, strict=True):
            self.canvas.draw_mark(
                ax, mark, tuple(tip), tuple(-way), color, look.ground_color, behind=behind
            )


def _along(start: FloatArray, control: FloatArray, end: FloatArray) -> FloatArray:
    """Points of a quadratic curve."""
    s = _SAMPLES
    points: FloatArray = (1 - s) ** 2 * start + 2 * s * (1 - s) * control + s**2 * end
    return points


def _blocked(points: FloatArray, nodes: FloatArray) -> float:
    """How many nodes stand in the way, those at its edge in part."""
    around = (nodes > points.min(axis=0) - _CLEAR) & (nodes < points.max(axis=0) + _CLEAR)
    nodes = nodes[around.all(axis=1)]
    if len(nodes) == 0:
        return 0.0
    gaps = np.sqrt(((points[:, None] - nodes[None]) ** 2).sum(axis=2).min(axis=0))
    return float(np.maximum(1.0 - gaps / _CLEAR, 0.0).sum())


class _Drawn:
    """Lines that have their place: their points, and the directions in which they leave nodes."""

    def __init__(self) -> None:
        self._points = np.empty((0, 2))
        self._tree: Any = None
        self._leaving: dict[Node, list[FloatArray]] = {}

    def add(self, start: Node, end: Node, points: FloatArray) -> None:
        """Note a line."""
        from scipy.spatial import cKDTree

        self._points = np.concatenate([self._points, points[::2]])
        self._tree = cKDTree(self._points)
        for node, way in _ways(start, end, points):
            self._leaving.setdefault(node, []).append(way)

    def crowding(self, start: Node, end: Node, points: FloatArray) -> float:
        """How close a line runs to others, and how sharp the angles are where it meets them."""
        cost = 0.0
        if self._tree is not None:
            gaps, _ = self._tree.query(points[24:-24:2], distance_upper_bound=_APART)
            cost += 25.0 * float(np.maximum(1.0 - gaps / _APART, 0.0).mean())
        for node, way in _ways(start, end, points):
            if node in self._leaving:
                cosines = np.clip(np.array(self._leaving[node]) @ way, -1.0, 1.0)
                angles = np.arccos(cosines)
                cost += 30.0 * float(np.maximum(1.0 - angles / _ANGLE, 0.0).sum())
        return cost


def _ways(start: Node, end: Node, points: FloatArray) -> list[tuple[Node, FloatArray]]:
    """Directions in which a line leaves the nodes at its ends."""
    first, last = points[8] - points[0], points[-9] - points[-1]
    return [(start, first / np.linalg.norm(first)), (end, last / np.linalg.norm(last))]
