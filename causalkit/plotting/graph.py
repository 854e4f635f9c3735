"""Drawings of graphs: causes to the left of their effects, and every mark where it belongs.

>>> from causalkit.graph import CausalGraph
>>> from causalkit.plotting import graph_svg
>>> graph_svg(CausalGraph.parse("Z -> X -> Y; X <-> Y"), treatment="X", outcome="Y")[:4]
'<svg'

A solid line with an arrow head is a cause and its effect. A dashed line with two heads is a hidden
common cause. A line without heads is undecided in a CPDAG. A circle is an undecided end in a PAG.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from causalkit.errors import CycleError, InputError
from causalkit.graph import CausalGraph, Edge, Kind
from causalkit.graph.marks import SYMBOLS, glyph
from causalkit.plotting._confidence import SCALE_ROOM, shade, shares_of, widening
from causalkit.plotting.layout import LOOP_ROOM, PORT_GAP, Layout, layered_layout
from causalkit.typing import FloatArray, Name, Names

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from causalkit.discovery.resampling.edge_frequencies import EdgeFrequencies

__all__ = ["GraphStyle", "graph_svg", "plot_graph", "save_picture"]

_MARGIN, _POINTS = 8.0, 72.0
_LARGEST = (13.0, 9.0)


@dataclass(frozen=True, slots=True)
class GraphStyle:
    """Colours and sizes; each can be passed to :func:`plot_graph` by its name."""

    font_size: float = 11.0
    line_width: float = 1.15
    text_color: str = "#1c2733"
    node_color: str = "#f3f5f7"
    border_color: str = "#8c98a4"
    edge_color: str = "#46525e"
    hidden_color: str = "#a8571c"
    treatment_color: str = "#bcdcf5"
    outcome_color: str = "#ffd9a8"
    adjustment_color: str = "#cfe8c9"
    highlight_color: str = "#f6e58d"
    ground_color: str = "#ffffff"


def plot_graph(
    graph: CausalGraph,
    ax: Axes | None = None,
    *,
    treatment: Names | None = None,
    outcome: Names | None = None,
    adjustment: Names | None = None,
    highlight: Names | None = None,
    confidence: EdgeFrequencies | Mapping[tuple[Name, Name], float] | None = None,
    **style: Any,
) -> Axes:
    """Draw a graph.

    Parameters
    ----------
    graph : CausalGraph
    ax : matplotlib.axes.Axes, optional
        Left out, a new figure in which the graph has its natural size.
    treatment, outcome, adjustment, highlight : name or names, optional
        Nodes to be coloured by their role.
    confidence : EdgeFrequencies or mapping of (name, name) to float, optional
        Draw edges the darker and the wider the larger their share, with a scale below: the share of
        replicates that have the edge as it is drawn, or any number from 0 to 1 for each pair.
    **style
        Fields of :class:`GraphStyle`, e.g. `font_size=9`.

    Returns
    -------
    matplotlib.axes.Axes
        Its data units are points, so that boxes, heads and names keep their proportions.

    Raises
    ------
    UnknownVariableError
        If a role names a node that the graph does not have.
    InputError
        If a style is named that there is not, or an edge has no confidence from 0 to 1.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from causalkit.graph import CausalGraph
    >>> graph = CausalGraph.parse("Z -> X -> Y; Z -> Y")
    >>> ax = graph.plot(ax=Figure().add_subplot(), treatment="X", outcome="Y", adjustment="Z")
    >>> len(ax.texts)
    3
    """
    look = _as_style(style)
    roles = (
        (highlight, look.highlight_color),
        (adjustment, look.adjustment_color),
        (outcome, look.outcome_color),
        (treatment, look.treatment_color),
    )
    fills = [look.node_color] * len(graph.nodes)
    for names, color in roles:
        for k in graph.indices(names):
            fills[k] = color
    drawing = _Drawing(graph, look, confidence)
    if ax is None:
        import matplotlib.pyplot as plt

        figure = plt.figure(figsize=drawing.inches(), facecolor=look.ground_color)
        ax = figure.add_axes((0, 0, 1, 1))
    drawing.draw(ax, fills)
    return ax


def graph_svg(graph: CausalGraph, **options: Any) -> str:
    """Draw a graph as SVG: one `<svg>` element, the names as text, the same at every call.

    Parameters
    ----------
    graph : CausalGraph
    **options
        As for :func:`plot_graph`, but `ax`.
    """
    import io
    import warnings

    import matplotlib as mpl

    settings: dict[Any, str] = {"svg.fonttype": "none", "svg.hashsalt": "causalkit"}
    with mpl.rc_context(settings), warnings.catch_warnings(), io.StringIO() as stream:
        # The browser's fonts draw the names, so it does not matter what matplotlib's lack.
        warnings.filterwarnings("ignore", message="Glyph|Matplotlib currently")
        _figure(graph, options).savefig(stream, format="svg", metadata={"Date": None})
        text = stream.getvalue()
    return text[text.index("<svg") :].rstrip()


def save_picture(graph: CausalGraph, path: Path, **options: Any) -> None:
    """Write a drawing to a .png, .svg or .pdf file; `options` as for :func:`plot_graph`."""
    if path.suffix.lower() == ".svg":
        path.write_text(graph_svg(graph, **options) + "\n", encoding="utf-8")
        return
    metadata = {"CreationDate": None} if path.suffix.lower() == ".pdf" else None
    _figure(graph, options).savefig(path, dpi=200, metadata=metadata)


def _figure(graph: CausalGraph, options: dict[str, Any]) -> Figure:
    """A figure that pyplot does not know of."""
    from matplotlib.figure import Figure

    ground = options.get("ground_color", GraphStyle().ground_color)
    figure = Figure(figsize=(1, 1), facecolor=ground)
    ax = plot_graph(graph, figure.add_axes((0, 0, 1, 1)), **options)
    (x0, x1), (y0, y1) = ax.get_xlim(), ax.get_ylim()
    figure.set_size_inches(_inches(x1 - x0, y1 - y0))
    return figure


def _as_style(style: dict[str, Any]) -> GraphStyle:
    known = [field.name for field in fields(GraphStyle)]
    unknown = [name for name in style if name not in known]
    if unknown:
        raise InputError(
            f"{', '.join(unknown)} is no style of a graph; expected some of {', '.join(known)}."
        )
    return replace(GraphStyle(), **style)


def _inches(width: float, height: float) -> tuple[float, float]:
    """Natural size, or as much of it as fits."""
    scale = min(1.0, _LARGEST[0] * _POINTS / width, _LARGEST[1] * _POINTS / height)
    return width * scale / _POINTS, height * scale / _POINTS


class _Drawing:
    """A graph laid out, ready to be drawn."""

    def __init__(self, graph: CausalGraph, look: GraphStyle, confidence: Any = None) -> None:
        from causalkit.plotting import _canvas

        self.canvas = _canvas
        self.look = look
        self.texts = [_canvas.readable(str(name)) for name in graph.nodes]
        arcs, ties = _arcs_and_ties(graph)
        self.edges = [*arcs, *ties]
        self.n_arcs = len(arcs)
        self.ends = [(graph.index(edge.left), graph.index(edge.right)) for edge in self.edges]
        self.shares = None if confidence is None else shares_of(confidence, self.edges)
        self.sizes = self._box_sizes()
        self.layout: Layout = layered_layout(
            self.sizes, self.ends[: len(arcs)], self.ends[len(arcs) :]
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
            width, height = self.canvas.text_size(text, self.look.font_size)
            ports = PORT_GAP * (lines[k].max(initial=1) - 1) + 12.0
            sizes[k] = max(width + 16.0, 28.0), max(height + 10.0, ports)
        return sizes

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
        room = 0.0 if self.shares is None else SCALE_ROOM
        if not self.texts:
            return -20.0, 20.0, -10.0 - room, 10.0
        layout, half = self.layout, self.sizes / 2
        low, high = layout.centers - half, layout.centers + half
        lines = [p.y for crossed in layout.passages.values() for p in crossed]
        rank = layout.rank
        loops = [layout.columns[i, 1] + LOOP_ROOM for i, j in self.ends if rank[i] == rank[j]]
        left = float(low[:, 0].min()) - _MARGIN
        right = float(max([high[:, 0].max(), *loops])) + _MARGIN
        if self.shares is not None:
            right = max(right, left + self.canvas.SCALE_WIDTH + 2 * _MARGIN)
        return (
            left,
            right,
            float(min([low[:, 1].min(), *lines])) - _MARGIN - room,
            float(max([high[:, 1].max(), *lines])) + _MARGIN,
        )

    def inches(self) -> tuple[float, float]:
        """Size of a figure of its own."""
        left, right, bottom, top = self.limits()
        return _inches(right - left, top - bottom)

    def draw(self, ax: Axes, fills: list[str]) -> None:
        """Draw on these axes."""
        left, right, bottom, top = self.limits()
        ax.set_axis_off()
        ax.set_xlim(left, right)
        ax.set_ylim(bottom, top)
        ax.set_aspect("equal", adjustable="box")
        for number, edge in enumerate(self.edges):
            self._draw_edge(ax, number, edge)
        if self.shares is not None:
            corner = left + _MARGIN, bottom + _MARGIN
            self.canvas.draw_scale(ax, corner, shade, self.look.font_size, self.look.text_color)
        for k, (text, fill) in enumerate(zip(self.texts, fills, strict=True)):
            (x, y), (width, height) = self.layout.centers[k], self.sizes[k]
            label = self.canvas.Label(x, y, text, self.look.font_size, self.look.text_color)
            self.canvas.draw_box(ax, (x, y), (width, height), fill, self.look.border_color, label)

    def _draw_edge(self, ax: Axes, number: int, edge: Edge) -> None:
        hidden = edge.symbol == "<->"
        color = self.look.hidden_color if hidden else self.look.edge_color
        width = self.look.line_width
        if self.shares is not None:
            color, width = shade(self.shares[number]), width * widening(self.shares[number])
        left, right = self._between(number)
        marks = dict(zip(self.ends[number], SYMBOLS[edge.symbol], strict=True))
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
        self.canvas.draw_line(ax, track.path(), color, width=width, dashed=hidden)
        ground = self.look.ground_color
        self.canvas.draw_mark(ax, marks[left], start, (-1.0, 0.0), color, ground)
        self.canvas.draw_mark(ax, marks[right], end, (-float(into), 0.0), color, ground)

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


def _arcs_and_ties(graph: CausalGraph) -> tuple[list[Edge], list[Edge]]:
    """Edges that run from left to right, the way they run; and `<->`, which need not.

    An edge without a direction follows an order of the nodes in which causes come first.
    """
    place = _reading_order(graph)
    joined = {name for e in graph.edges() if e.symbol != "<->" for name in (e.left, e.right)}
    arcs, ties = [], []
    for edge in graph.edges():
        if place[graph.index(edge.left)] > place[graph.index(edge.right)]:
            edge = _turned(edge)
        if edge.symbol == "<->" and edge.left in joined and edge.right in joined:
            ties.append(edge)
        else:
            arcs.append(edge)
    return arcs, ties


def _reading_order(graph: CausalGraph) -> dict[int, int]:
    """Place of each node: causes first, and where `o->` agrees with that, it counts as a cause."""
    order = graph.order
    if graph.kind is Kind.PAG:
        guess = [
            replace(edge, symbol="->") for edge in graph.edges() if edge.symbol in ("->", "o->")
        ]
        with suppress(CycleError):
            order = CausalGraph.from_edges(graph.nodes, guess, Kind.DAG).order
    return {int(node): k for k, node in enumerate(order)}


def _turned(edge: Edge) -> Edge:
    return Edge(edge.right, edge.left, glyph(*reversed(SYMBOLS[edge.symbol])))
