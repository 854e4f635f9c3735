"""A summary graph in layers: lags beside the lines, what drives itself within its box.

Series may drive each other in a circle. Then as few links as a simple rule finds run from right to
left; all others run from left to right, as in every drawing of a graph.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from causalkit.graph import Edge, SummaryGraph
from causalkit.graph.marks import SYMBOLS, glyph
from causalkit.graph.summary import Link
from causalkit.plotting._drawing import Drawing
from causalkit.plotting._strengths import StrengthScale
from causalkit.plotting.layout import Spacing
from causalkit.typing import FloatArray, IntArray, Name

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from causalkit.plotting.graph import GraphStyle

__all__ = ["SummaryDrawing"]

_SPACING: Final = Spacing(14.0, 52.0)
_SMALL = 0.76
_LOOPS: Final = {"->": "↻", "<->": "↔", "o->": "o→", "o-o": "o–o", "--": "–"}
_PLACES: Final = (0.5, 0.42, 0.58, 0.35, 0.65, 0.28, 0.72, 0.22, 0.78)


class _Tag(NamedTuple):
    """Lags of a link, where they are written."""

    center: FloatArray
    half: FloatArray
    text: str


class SummaryDrawing(Drawing):
    """A summary graph laid out, ready to be drawn."""

    def __init__(
        self, graph: SummaryGraph, look: GraphStyle, strengths: FloatArray | None = None
    ) -> None:
        names = graph.variables
        where = {name: k for k, name in enumerate(names)}
        loops: dict[int, list[str]] = {}
        for link in graph.links:
            if link.left == link.right:
                sign = _LOOPS.get(link.symbol, link.symbol)
                loops.setdefault(where[link.left], []).append(f"{sign} {_lags_of(link)}")
        self.loops = {k: "  ".join(signs) for k, signs in loops.items()}
        links = [link for link in graph.links if link.left != link.right]
        place = _reading_order(links, where)
        arcs = [link for link in links if link.symbol != "<->"]
        ties = [link for link in links if link.symbol == "<->"]
        self.lags = [_lags_of(link) for link in [*arcs, *ties]]
        inks = scale = None
        if strengths is not None:
            values = np.array([_strength(link, where, strengths) for link in [*arcs, *ties]])
            colors = StrengthScale.over(values)
            inks, scale = [colors.ink(float(value)) for value in values], colors.scale()

        def drawn(link: Link) -> Edge:
            if place[where[link.left]] <= place[where[link.right]]:
                return Edge(link.left, link.right, link.symbol)
            return Edge(link.right, link.left, glyph(*reversed(SYMBOLS[link.symbol])))

        super().__init__(
            names,
            [drawn(link) for link in arcs],
            [drawn(link) for link in ties],
            look,
            inks=inks,
            scale=scale,
            spacing=_SPACING,
        )

    @property
    def _small(self) -> float:
        return _SMALL * self.look.font_size

    def _text_size(self, node: int, text: str) -> tuple[float, float]:
        width, height = super()._text_size(node, text)
        if node not in self.loops:
            return width, height
        below, high = self.canvas.text_size(self.loops[node], self._small)
        return max(width, below), height + high

    def _text_rise(self, node: int) -> float:
        return 0.6 * self._small if node in self.loops else 0.0

    def draw(self, ax: Axes, fills: list[str]) -> None:
        """Draw on these axes."""
        super().draw(ax, fills)
        look, label = self.look, self.canvas.Label
        for node, lags in self.loops.items():
            x, y = self.layout.centers[node]
            _, height = super()._text_size(node, self.texts[node])
            loop = label(x, y - height / 2, lags, self._small, look.edge_color)
            loop.set_zorder(4)
            ax.add_artist(loop)
        for tag in self._tags():
            (x, y), (width, height) = tag.center.tolist(), (2 * tag.half).tolist()
            text = label(x, y, tag.text, self._small, look.edge_color)
            self.canvas.draw_tag(ax, (x, y), (width, height), look.ground_color, text)

    def _tags(self) -> list[_Tag]:
        """Find a free place on each line for its lags."""
        from scipy.spatial import cKDTree

        courses = [self.canvas.points_along(self._line(k).path) for k in range(len(self.edges))]
        if not courses:
            return []
        points = np.concatenate(courses)
        owner = np.repeat(np.arange(len(courses)), [len(course) for course in courses])
        tree = cKDTree(points)
        tags: list[_Tag] = []
        for number, text in enumerate(self.lags):
            width, height = self.canvas.text_size(text, self._small)
            half = np.array([width / 2 + 1.5, height / 2])
            spots = [_part_way(courses[number], share) for share in _PLACES]
            costs = []
            for k, spot in enumerate(spots):
                near = np.array(
                    tree.query_ball_point(spot, float(np.hypot(*half)) + 1.5), dtype=int
                )
                others = points[near[owner[near] != number]]
                hit = (np.abs(others - spot) < half + 1.0).all(axis=1).sum()
                costs.append(8.0 * k / len(_PLACES) + float(hit) + self._covered(spot, half, tags))
            tags.append(_Tag(spots[int(np.argmin(costs))], half, text))
        return tags

    def _covered(self, spot: FloatArray, half: FloatArray, tags: Sequence[_Tag]) -> float:
        """How many boxes and other tags a tag would cover there, each of them a high price."""
        boxes = (np.abs(self.layout.centers - spot) < half + 1.0 + self.sizes / 2).all(axis=1).sum()
        if not tags:
            return 100.0 * float(boxes)
        centers, halves = (np.array([tag[k] for tag in tags]) for k in (0, 1))
        written = (np.abs(centers - spot) < half + 1.0 + halves).all(axis=1).sum()
        return 100.0 * float(boxes + written)


def _part_way(course: FloatArray, share: float) -> FloatArray:
    """Point of a line after a share of its length."""
    lengths = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(course, axis=0), axis=1))])
    at = share * lengths[-1]
    return np.array([np.interp(at, lengths, course[:, k]) for k in (0, 1)])


def _lags_of(link: Link) -> str:
    """Lags as text, three or more in a row as a range."""
    runs: list[list[int]] = []
    for lag in link.lags:
        if runs and lag == runs[-1][-1] + 1:
            runs[-1].append(lag)
        else:
            runs.append([lag])
    parts = [f"{run[0]}–{run[-1]}" if len(run) > 2 else ", ".join(map(str, run)) for run in runs]
    return ", ".join(parts)


def _strength(link: Link, where: dict[Name, int], strengths: FloatArray) -> float:
    """Strength of a link: at its strongest lag, or of the pair."""
    i, j = where[link.left], where[link.right]
    if strengths.ndim == 2:
        return float(strengths[i, j])
    found = [strengths[lag, i, j] for lag in link.lags if np.isfinite(strengths[lag, i, j])]
    return float(max(found, key=abs, default=np.nan))


def _reading_order(links: Sequence[Link], where: dict[Name, int]) -> IntArray:
    """Place of each series, such that few directed links run backwards (Eades, Lin and Smyth)."""
    n = len(where)
    ahead = np.zeros((n, n), dtype=np.intp)
    for link in links:
        if link.symbol in ("->", "o->"):
            ahead[where[link.left], where[link.right]] += 1
    open_ones = list(range(n))
    first: list[int] = []
    last: list[int] = []
    while open_ones:
        inner = ahead[np.ix_(open_ones, open_ones)]
        out, into = inner.sum(axis=1), inner.sum(axis=0)
        if (out == 0).any():
            last.append(open_ones.pop(int(np.flatnonzero(out == 0)[-1])))
        elif (into == 0).any():
            first.append(open_ones.pop(int(np.flatnonzero(into == 0)[0])))
        else:
            first.append(open_ones.pop(int((out - into).argmax())))
    place: IntArray = np.argsort([*first, *reversed(last)])
    return place
